"""A code quality report, as GitLab shows it beside a merge request."""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final

from patchlint.report.as_json import dump
from patchlint.report.lookup import ordered
from patchlint.report.text import line
from patchlint.report.words import archived

if TYPE_CHECKING:
    from patchlint.model.finding import Finding, Report
    from patchlint.report.style import Style

SEVERITIES: Final = {"error": "critical", "warning": "major", "note": "info"}


def render(report: Report, style: Style) -> str:
    """Return a JSON list, empty when there are no findings.

    GitLab drops issues whose fingerprint it has seen: the second and later ones of a
    fingerprint, as several versions of a series give them, get a number.
    """
    taken: set[str] = set()
    issues = []
    for finding in ordered(report):
        names = chain([finding.fingerprint], (f"{finding.fingerprint}/{n}" for n in count(2)))
        unique = next(name for name in names if name not in taken)
        taken.add(unique)
        issues.append(_issue(finding, unique, style.link_url))
    return dump(issues)


def _issue(finding: Finding, fingerprint: str, link: str) -> dict[str, Any]:
    return {
        "description": line(finding.message) + archived(finding, link),
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": SEVERITIES[finding.level],
        "location": {"path": finding.path, "lines": {"begin": max(1, finding.line)}},
    }
