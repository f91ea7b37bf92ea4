"""The JSON that ``b4 review`` reads from its check commands.

``details`` is itself JSON, as text: b4 stores it so, and shows a list in it as rows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from patchlint.model.link import LORE
from patchlint.report.as_json import dump
from patchlint.report.lookup import (
    PARTLY,
    UNCHECKED,
    about,
    lost,
    ordered,
    summary,
    unknown,
    unsure,
    untold,
    worst,
)
from patchlint.report.text import count, line
from patchlint.report.words import remembered, told

if TYPE_CHECKING:
    from patchlint.model.effect import Promise
    from patchlint.model.finding import Finding, Report
    from patchlint.report.style import Style

STATUS: Final = {"error": "fail", "warning": "warn", "note": "pass"}


def render(report: Report, style: Style) -> str:
    """Return one result of the tool ``patchlint`` for all patches of the report.

    The status is that of the loudest finding, and ``warn`` when nothing could be
    checked: that is no fault of the patch, and no pass.
    """
    return dump(result(report, style.link_url))


def result(report: Report, link: str = LORE) -> dict[str, str]:
    """Return the result in b4's keys; ``link`` says where mails are read."""
    findings = ordered(report)
    status = STATUS[worst(findings) or "note"]
    said = summary(findings) or "no promise to user space got weaker"
    if doubt := unsure(report):
        status, said = "warn", doubt
    elif limits := unknown(report):
        said += f" ({count(len(limits), 'limitation')})"
    rows = [_row(finding, link) for finding in findings]
    rows += [
        _said("warn", UNCHECKED, f"{line(error.input)}: {line(error.message)}")
        for error in report.errors
    ]
    rows += [_said("warn", PARTLY, line(one.told)) for one in lost(report)]
    rows += [
        _said("pass", f"not known, {line(about(limitation))}", line(limitation.told))
        for limitation in unknown(report)
    ]
    rows += [
        _said("pass", "accepted", f"{line(one.finding.rule)}: {line(one.reason)}")
        for one in report.accepted
    ]
    rows += [_said("pass", "note", line(note.message)) for note in report.notes]
    details = json.dumps(rows) if rows else ""
    return {"tool": "patchlint", "status": status, "summary": said, "url": "", "details": details}


def _row(finding: Finding, link: str) -> dict[str, Any]:
    description = [f"{line(finding.path)}:{finding.line}: {line(finding.message)}"]
    description += [
        _told(finding, name, promise)
        for name, promise in (("before", finding.before), ("after", finding.after))
    ]
    condition = untold(finding)
    if condition:
        description.append(f"    when {line(condition)}")
    if finding.author_says:
        description.append(f"    the author says: {line(finding.author_says)}")
    if finding.advice:
        description.append(f"    instead: {line(finding.advice[0])}")
    description += [f"    {name}: {said}" for name, said in remembered(finding, link)]
    row = _said(STATUS[finding.level], line(finding.rule), "\n".join(description))
    return row | {"state": finding.level}


def _told(finding: Finding, name: str, promise: Promise) -> str:
    chain = " → ".join(line(step.function) for step in promise.chain)
    return (
        f"    {name}: {told(promise, level=finding.level)}{'; by way of ' if chain else ''}{chain}"
    )


def _said(status: str, context: str, description: str) -> dict[str, Any]:
    return {"status": status, "context": context, "description": description}
