"""One line a finding, in the shape that checkpatch taught everyone.

Notes are said only on request, or where they count.  Limitations and errors have no line of
their own: the readers of this format take each line for a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.model.link import LORE
from patchlint.report.lookup import ordered
from patchlint.report.text import line, sentence
from patchlint.report.words import archived, headline

if TYPE_CHECKING:
    from patchlint.model.finding import Finding, Report
    from patchlint.report.style import Style

WORDS: Final = {"error": "ERROR", "warning": "WARNING", "note": "CHECK"}


def terse_line(finding: Finding, link: str = LORE) -> str:
    """``FILE:LINE: WARNING: [rule-id] one sentence``, without a line end.

    A finding out of an archive ends with what is known of it there, ``link`` says where.
    """
    return (
        f"{line(finding.path)}:{finding.line}: {WORDS[finding.level]}: "
        f"[{line(finding.rule)}] {sentence(headline(finding))}{archived(finding, link)}"
    )


def render(report: Report, style: Style) -> str:
    """Return the lines, or an empty string when there is nothing to say."""
    return "".join(
        f"{terse_line(finding, style.link_url)}\n"
        for finding in ordered(report)
        if style.verbose or style.notes or finding.level != "note"
    )
