"""Diagnostics for reviewdog (rdjson)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from patchlint.report.as_json import dump
from patchlint.report.lookup import doubts, ordered
from patchlint.report.terse import terse_line
from patchlint.report.text import line
from patchlint.report.words import archived, headline

if TYPE_CHECKING:
    from patchlint.model.effect import Promise
    from patchlint.model.finding import Finding, Report
    from patchlint.report.lookup import Doubt
    from patchlint.report.style import Style

SEVERITIES: Final = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def render(report: Report, style: Style) -> str:
    """Return one diagnostic for each finding; the chains are its related locations.

    What was not checked has one as well: without any, reviewdog passes.
    """
    return dump(
        {
            "source": {"name": "patchlint"},
            "diagnostics": [
                *(_diagnostic(one, style.link_url) for one in ordered(report)),
                *(_unread(one) for one in doubts(report)),
            ],
        }
    )


def _unread(doubt: Doubt) -> dict[str, Any]:
    return {
        "message": line(doubt.said),
        "location": _location(doubt.path or "-", doubt.line or 0),
        "severity": SEVERITIES["warning"],
        "code": {"value": doubt.name},
    }


def _diagnostic(finding: Finding, link: str) -> dict[str, Any]:
    message = headline(finding) + archived(finding, link)
    return {
        "message": f"{message}\n{line(finding.why)}" if finding.why else message,
        "location": _location(finding.path, finding.line),
        "severity": SEVERITIES[finding.level],
        "code": {"value": finding.rule},
        "related_locations": [
            *_related("before", finding.before),
            *_related("after", finding.after),
        ],
        "original_output": terse_line(finding, link),
    }


def _related(name: str, promise: Promise) -> list[dict[str, Any]]:
    return [
        {
            "message": f"{name}: {line(step.function)}: {line(step.note)}",
            "location": _location(step.path, step.line),
        }
        for step in promise.chain
    ]


def _location(path: str, number: int) -> dict[str, Any]:
    location: dict[str, Any] = {"path": path}
    if number > 0:
        location["range"] = {"start": {"line": number}}
    return location
