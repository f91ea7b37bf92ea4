"""Lines for b4's commands that check one patch at a time (``b4 prep --check``, ``b4 am``).

b4 takes a line for a failure when it holds ``ERROR:``, each other line for a warning, no line
for a pass, and knows nothing in between: notes that do not count, limitations and summaries
are left out, what was not checked, was accepted, or a setting of the repository hides, is a
warning, and a message that happens to hold the word is written so that b4 does not see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.report.lookup import BASELINE, UNCHECKED, doubts, ordered, set_nearby
from patchlint.report.terse import WORDS
from patchlint.report.text import line, sentence
from patchlint.report.words import archived, headline

if TYPE_CHECKING:
    from patchlint.integrations.analysis import Remark
    from patchlint.model.finding import Finding, Report
    from patchlint.report.style import Style

#: settings of a repository that leave rules or findings out
_HIDES: Final = ("author-reasons ", "baseline ", "not-rule ", "rule ")
_FAILURE: Final = "ERROR:"
#: how checkpatch calls its standard input, which b4 takes off
_FROM_STDIN: Final = "-:"


def render(report: Report, style: Style) -> str:
    """Return one line for each error, warning and doubt; an empty string when there is none."""
    lines = [
        _check_line(finding, style.link_url)
        for finding in ordered(report)
        if style.notes or finding.level != "note"
    ]
    lines += [
        fine(one.finding, one.reason, one.origin)
        for one in report.accepted
        if not one.origin.startswith(BASELINE) and (style.notes or one.finding.level != "note")
    ]
    lines += [doubtful(one.said) for one in doubts(report)]
    lines += [doubtful(one.message) for one in set_nearby(report) if hides(one.message)]
    return "".join(f"{one}\n" for one in lines)


def hides(text: str) -> bool:
    """Whether a setting, told in words, is one that b4 hears of with each patch.

    What is accepted in a repository is told by itself, a tree or a limit hides nothing.
    """
    return text.startswith(_HIDES)


def failure(reason: str) -> str:
    """Return the line that tells b4 of a check that failed: a warning, not a finding."""
    return doubtful(f"{UNCHECKED}: {reason}")


def doubtful(text: str) -> str:
    """Return the line that tells b4 of what is no pass, and no finding.

    b4 puts the name of the program before it.
    """
    return _harmless(line(text))


def fine(finding: Finding | Remark, reason: str, origin: str) -> str:
    """Return the line that tells b4 of a finding which the reader accepts, and why.

    Those of a baseline are many, and known: nobody is told of them one by one.
    """
    place = f"{finding.path}:{finding.line}: accepted: [{finding.rule}] {finding.function}()"
    return doubtful(f"{place}: {reason} ({origin})").lstrip("-:")


def _check_line(finding: Finding, link: str) -> str:
    place = _harmless(line(finding.path))
    said = _harmless(
        f"[{line(finding.rule)}] {sentence(headline(finding))}{archived(finding, link)}"
    )
    told = f"{place}:{finding.line}: {WORDS[finding.level]}: {said}"
    while told.startswith(_FROM_STDIN):
        told = told.removeprefix(_FROM_STDIN)
    return told


def _harmless(text: str) -> str:
    return text.replace(_FAILURE, "ERROR :")
