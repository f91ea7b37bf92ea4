"""A code quality report, as GitLab shows it beside a merge request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from patchlint.report.as_json import dump
from patchlint.report.lookup import ordered
from patchlint.report.text import line

if TYPE_CHECKING:
    from patchlint.model.finding import Finding, Report
    from patchlint.report.style import Style

SEVERITIES: Final = {"error": "critical", "warning": "major", "note": "info"}


def render(report: Report, style: Style) -> str:
    """Return a JSON list, empty when there are no findings.

    GitLab drops issues whose fingerprint it has seen: the second and later ones of a
    fingerprint, as several versions of a series give them, get a number.
    """
    del style
    seen: dict[str, int] = {}
    issues = []
    for finding in ordered(report):
        times = seen[finding.fingerprint] = seen.get(finding.fingerprint, 0) + 1
        unique = finding.fingerprint if times == 1 else f"{finding.fingerprint}/{times}"
        issues.append(_issue(finding, unique))
    return dump(issues)


def _issue(finding: Finding, fingerprint: str) -> dict[str, Any]:
    return {
        "description": line(finding.message),
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": SEVERITIES[finding.level],
        "location": {"path": finding.path, "lines": {"begin": max(1, finding.line)}},
    }
