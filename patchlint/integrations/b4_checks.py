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

    from patchlint.integrations.config import Acceptance, Settings

_STATUS: Final = {"error": "fail", "warning": "warn", "note": "pass"}


class _Answer:
    """The remarks that stand for one mail, those accepted, and what went wrong.

    ``errors`` tell what was not checked, ``lost`` what was checked in part: of the mail, since
    b4 shows them at its patch, or of the ``whole`` series.
    """

    def __init__(self, mail: bytes, settings: Settings, *, whole: bool) -> None:
        self.remarks: tuple[analysis.Remark, ...] = ()
        self.accepted: tuple[tuple[analysis.Remark, Acceptance], ...] = ()
        self.errors: tuple[str, ...] = ()
        self.lost: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        self.unchecked = False
        #: whether there was something to check
        self.looked = False
        from patchlint.mail.inputs import no_text

        if (fault := no_text(mail)) is not None:
            self.errors, self.unchecked = (fault,), True
            return
        if not whole and not _is_patch(mail):
            return
        found = b4_series.find(mail, settings)
        if not analysis.candidate(found.work.diffs, settings) and _is_whole(found.work):
            return
        self.looked = True
        result = analysis.analyse(found.work, settings)
        stand, taken = analysis.standing(result, settings)
        self.remarks = tuple(
            remark for remark in stand if whole or found.number in {None, remark.patch}
        )
        self.accepted = tuple(
            (remark, reason)
            for remark, reason in taken
            if whole or found.number in {None, remark.patch}
        )
        mine = None if whole else mail
        self.errors = _told(result.errors, mine)
        self.lost = _told(result.lost, mine)
        # one patch of a series may be the one that was not read; of a mail there is but one
        self.unchecked = bool(self.errors) and not (whole and result.checked)
        self.notes = result.notes
        if result.cut:
            self.errors += ("not all was checked: it takes longer than the setting time-limit",)


def _told(doubts: Sequence[analysis.Doubt], mail: bytes | None) -> tuple[str, ...]:
    """What is told of a mail, under whose subject b4 shows it; of all mails where that is None."""
    if mail is None:
        return tuple(one.text for one in doubts)
    head = series_files.header_block(mail)
    own = series_files.message_ids(head, b"message-id")
    subject = series_files.header(head, b"subject")
    return tuple(
        one.text.removeprefix(f"{subject}: ")
        for one in doubts
        if not own or one.message_id in {None, *own}
    )


def _is_patch(mail: bytes) -> bool:
    """Whether a mail has a diff, or is called a patch and should have one."""
    if series_files.has_diff(mail):
        return True
    subject = series_files.header(series_files.header_block(mail), b"subject")
    tag = subject.partition("]")[0].lower()
    return tag.startswith("[") and "patch" in tag and series_files.place(mail).number != 0


def _is_whole(work: analysis.Work) -> bool:
    """Whether all of the mails can be read; git's own diffs of commits can."""
    if work.stdin is None:
        return True
    from patchlint.run import Options, read_series, read_whole

    series, errors = read_series(work.inputs, Options(no_tree=True), work.stdin)
    return bool(series) and not errors and all(map(read_whole, series))


def check(mail: bytes, settings: Settings) -> str:
    """Return one line for each error and warning of the patch in ``mail``, also if accepted."""
    from patchlint.report.b4_check import doubtful, failure, fine, hides
    from patchlint.report.lookup import BASELINE, PARTLY

    answer = _Answer(mail, settings, whole=False)
    lines = [remark.terse() for remark in answer.remarks if remark.level != "note"]
    lines += [
        fine(remark, reason.reason, reason.origin)
        for remark, reason in answer.accepted
        if remark.level != "note" and not reason.origin.startswith(BASELINE)
    ]
    lines += [failure(error) for error in answer.errors]
    lines += [doubtful(f"{PARTLY}: {text}") for text in answer.lost]
    # of what has no word of the tables nothing can be hidden
    if answer.looked:
        lines += [doubtful(text) for text in settings.of_repository if hides(text)]
    return "".join(f"{line}\n" for line in lines)


def review(mail: bytes, settings: Settings, *, whole: bool) -> str:
    """Return b4's review JSON: for the patch in ``mail``, or for its ``whole`` series."""
    from patchlint.report.lookup import PARTLY, UNCHECKED, UNSURE

    answer = _Answer(mail, settings, whole=whole)
    rows = [_row(remark, whole=whole) for remark in answer.remarks]
    rows += [
        _said("pass", "accepted", f"{remark.rule}: {reason.reason}")
        for remark, reason in answer.accepted
    ]
    rows += [_said("pass", "note", text) for text in answer.notes]
    rows += [_said("warn", UNCHECKED, text) for text in answer.errors]
    rows += [_said("warn", PARTLY, text) for text in answer.lost]
    loudest = _loudest(answer.remarks)
    status, summary = _STATUS[loudest], _summary(answer.remarks)
    if (answer.errors or answer.lost) and status == "pass":
        status, summary = "warn", UNCHECKED if answer.unchecked else UNSURE
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
