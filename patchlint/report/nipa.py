"""A result for NIPA, the network subsystem's patch checker: an exit status and text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.model.link import LORE
from patchlint.report.lookup import (
    PARTLY,
    UNCHECKED,
    lost,
    ordered,
    summary,
    unknown,
    unsure,
    worst,
)
from patchlint.report.style import Style
from patchlint.report.terse import render as terse
from patchlint.report.text import count, line

if TYPE_CHECKING:
    from patchlint.model.finding import Report

PASS: Final = 0
FAIL: Final = 1
WARN: Final = 250


def nipa(report: Report, link: str = LORE) -> tuple[int, str]:
    """Return NIPA's exit status and the text: a line that describes, then the details.

    A note alone passes.  A run that could check nothing warns: it is no fault of the
    patch, and it is no pass.
    """
    findings = ordered(report)
    loudest = worst(findings)
    status = {"error": FAIL, "warning": WARN}.get(loudest or "", PASS)
    description = summary(findings) or "no promise to user space got weaker"
    if doubt := unsure(report):
        status, description = WARN, doubt
    limits = unknown(report)
    if limits:
        description += f"; {count(len(limits), 'limitation')}"
    lines = [description, *terse(report, Style(verbose=True, link_url=link)).splitlines()]
    lines += [f"{UNCHECKED} {line(e.input)}: {line(e.message)}" for e in report.errors]
    lines += [f"{PARTLY}: {line(one.told)}" for one in lost(report)]
    lines += [f"not known: {line(limit.told)}" for limit in limits]
    return status, "".join(f"{text}\n" for text in lines)


def render(report: Report, style: Style) -> str:
    """Return the text of :func:`nipa`; the exit status is the caller's to give."""
    return nipa(report, style.link_url)[1]
