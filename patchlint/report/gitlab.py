"""A code quality report, as GitLab shows it beside a merge request."""

from __future__ import annotations

from hashlib import sha256
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final

from patchlint.report.as_json import dump
from patchlint.report.lookup import doubts, ordered
from patchlint.report.text import line
from patchlint.report.words import archived, headline

if TYPE_CHECKING:
    from patchlint.model.finding import Finding, Report
    from patchlint.report.lookup import Doubt
    from patchlint.report.style import Style

SEVERITIES: Final = {"error": "critical", "warning": "major", "note": "info"}


def render(report: Report, style: Style) -> str:
    """Return a JSON list, empty when there are no findings and all was checked.

    What was not checked is an issue as well: for GitLab an empty list is a pass.
    GitLab drops issues whose fingerprint it has seen: the second and later ones of a
    fingerprint, as several versions of a series give them, get a number.
    """
    issues = [_issue(finding, style.link_url) for finding in ordered(report)]
    issues += [_unread(one) for one in doubts(report)]
    taken: set[str] = set()
    for issue in issues:
        name = issue["fingerprint"]
        names = chain([name], (f"{name}/{n}" for n in count(2)))
        issue["fingerprint"] = next(name for name in names if name not in taken)
        taken.add(issue["fingerprint"])
    return dump(issues)


def _unread(doubt: Doubt) -> dict[str, Any]:
    said = line(doubt.said)
    return {
        "description": said,
        "check_name": doubt.name,
        "fingerprint": sha256(said.encode("utf-8", "replace")).hexdigest()[:16],
        "severity": SEVERITIES["warning"],
        "location": {"path": doubt.path or "-", "lines": {"begin": max(1, doubt.line or 1)}},
    }


def _issue(finding: Finding, link: str) -> dict[str, Any]:
    return {
        "description": headline(finding) + archived(finding, link),
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint,
        "severity": SEVERITIES[finding.level],
        "location": {"path": finding.path, "lines": {"begin": max(1, finding.line)}},
    }
