"""What patchlint answers when b4 asks about one mail.

The text protocol takes each line for a warning, or a failure when it holds ``ERROR:``;
standard error stays empty, since b4 counts its lines as failures too.  The review
protocol is JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from patchlint.integrations import analysis, b4_series, series_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.integrations.config import Settings

_STATUS: Final = {"error": "fail", "warning": "warn", "note": "pass"}


class _Answer:
    """The remarks that stand for one mail, those accepted, and what went wrong."""

    def __init__(self, mail: bytes, settings: Settings, *, whole: bool) -> None:
        self.remarks: tuple[analysis.Remark, ...] = ()
        self.accepted: tuple[str, ...] = ()
        self.errors: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        if not series_files.has_diff(mail) and not whole:
            return
        found = b4_series.find(mail, settings)
        if not analysis.candidate(found.work.diffs, settings):
            return
        result = analysis.analyse(found.work, settings)
        stand, taken = analysis.standing(result, settings)
        self.remarks = tuple(
            remark for remark in stand if whole or found.number in {None, remark.patch}
        )
        self.accepted = tuple(
            f"{remark.rule}: {reason.reason}"
            for remark, reason in taken
            if whole or found.number in {None, remark.patch}
        )
        self.errors = result.errors
        self.notes = result.notes
        if result.cut:
            self.errors += ("not all was checked: it takes longer than the setting time-limit",)


def check(mail: bytes, settings: Settings) -> str:
    """Return one line for each error and warning of the patch in ``mail``."""
    from patchlint.report.b4_check import failure

    answer = _Answer(mail, settings, whole=False)
    lines = [remark.terse() for remark in answer.remarks if remark.level != "note"]
    lines += [failure(error) for error in answer.errors]
    return "".join(f"{line}\n" for line in lines)


def review(mail: bytes, settings: Settings, *, whole: bool) -> str:
    """Return b4's review JSON: for the patch in ``mail``, or for its ``whole`` series."""
    answer = _Answer(mail, settings, whole=whole)
    rows = [_row(remark, whole=whole) for remark in answer.remarks]
    rows += [_said("pass", "accepted", text) for text in answer.accepted]
    rows += [_said("pass", "note", text) for text in answer.notes]
    rows += [_said("warn", "could not check", text) for text in answer.errors]
    loudest = _loudest(answer.remarks)
    status, summary = _STATUS[loudest], _summary(answer.remarks)
    if answer.errors and status == "pass":
        status, summary = "warn", "could not check"
    return result(status, summary, rows)


def result(status: str, summary: str, rows: Sequence[dict[str, Any]] = ()) -> str:
    """Return one result in b4's keys, as a list of one."""
    details = json.dumps(list(rows)) if rows else ""
    told = {
        "tool": "patchlint",
        "status": status,
        "summary": summary,
        "url": "",
        "details": details,
    }
    return json.dumps([told], indent=2) + "\n"


def _loudest(remarks: Sequence[analysis.Remark]) -> str:
    levels = {remark.level for remark in remarks}
    return next((level for level in ("error", "warning") if level in levels), "note")


def _summary(remarks: Sequence[analysis.Remark]) -> str:
    counts = []
    for level in ("error", "warning", "note"):
        number = sum(remark.level == level for remark in remarks)
        if number:
            counts.append(f"{number} {level}{'s' if number > 1 else ''}")
    return ", ".join(counts) or "no promise to user space got weaker"


def _row(remark: analysis.Remark, *, whole: bool) -> dict[str, Any]:
    patch = f" (patch {remark.patch})" if whole else ""
    text = [
        f"{remark.path}:{remark.line}: {remark.message}{patch}",
        f"    before: {remark.before}; {remark.before_way}",
        f"    after:  {remark.after}; {remark.after_way}",
    ]
    if remark.author_says:
        text.append(f"    the author says: {remark.author_says}")
    text.append(f"    fingerprint: {remark.fingerprint}")
    return _said(_STATUS[remark.level], remark.rule, "\n".join(text)) | {"state": remark.level}


def _said(status: str, context: str, description: str) -> dict[str, Any]:
    return {"status": status, "context": context, "description": description}
