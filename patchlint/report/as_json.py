"""Everything, as one JSON object under the fixed keys of ``patchlint/1``.

Keys may be added, never renamed or dropped; ``contract.schema.json`` beside this module
describes them.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from patchlint.model.hidden import HIDDEN
from patchlint.model.history import moment
from patchlint.model.link import LORE, mail_link

if TYPE_CHECKING:
    import re

    from patchlint.model.effect import EntryChain, Promise
    from patchlint.model.finding import Finding, HunkLine, PatchRef, Report, SeriesRef
    from patchlint.model.history import History
    from patchlint.model.problem import InputError, Limitation
    from patchlint.model.record import Judgement, Track
    from patchlint.report.style import Style

SCHEMA: Final = "patchlint/1"

_BMP: Final = 0xFFFF
_LINE_END: Final = "\n"


def render(report: Report, style: Style) -> str:
    """Return the report as JSON; ``style`` says where mails are read, and nothing else."""
    return dump(contents(report, style.link_url))


def dump(value: object) -> str:
    """Return ``value`` as indented JSON in which each hidden character is an escape.

    Readable text stays as it is; what a terminal would obey or UTF-8 cannot hold does not.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return HIDDEN.sub(_escaped, text) + _LINE_END


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    if character == _LINE_END:  # between the members: inside a string it is an escape already
        return character
    code = ord(character)
    if code <= _BMP:
        return f"\\u{code:04x}"
    code -= _BMP + 1
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"


def contents(report: Report, link: str = LORE) -> dict[str, Any]:
    """Return the report in plain dicts and lists, keys in the order of the contract.

    ``link`` is where a mail is read, with ``%s`` for its Message-ID.
    """
    return {
        "schema": SCHEMA,
        "tool": {"name": "patchlint", "version": report.version},
        "series": [_series(series) for series in report.series],
        "findings": [finding_contents(finding, link) for finding in report.findings],
        "limitations": [_limitation(limitation) for limitation in report.limitations],
        "errors": [_error(error) for error in report.errors],
        "accepted": [
            finding_contents(one.finding, link) | {"reason": one.reason, "origin": one.origin}
            for one in report.accepted
        ],
        "notes": [
            {"message_id": note.message_id, "message": note.message} for note in report.notes
        ],
    }


def _series(series: SeriesRef) -> dict[str, Any]:
    return {
        "subject": series.subject,
        "version": series.version,
        "base_commit": series.base_commit,
        "cover_message_id": series.cover_message_id,
        "expected": series.expected,
        "missing": list(series.missing),
        "patches": [_patch(patch) for patch in series.patches],
        "images": series.images,
        "tree": series.tree,
    }


def _patch(patch: PatchRef) -> dict[str, Any]:
    return {
        "number": patch.number,
        "message_id": patch.message_id,
        "commit": patch.commit,
        "subject": patch.subject,
        "files": list(patch.files),
        "author": patch.author,
        "date": _finite(patch.date),
        "unread": patch.unread or None,
        "lost": patch.lost or None,
    }


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def finding_contents(finding: Finding, link: str = LORE) -> dict[str, Any]:
    """Return one finding in plain dicts and lists."""
    return {
        "rule": finding.rule,
        "level": finding.level,
        "confidence": finding.confidence,
        "series": finding.series,
        "patch": finding.patch,
        "message_id": finding.message_id,
        "commit": finding.commit,
        "path": finding.path,
        "line": finding.line,
        "side": finding.side,
        "function": finding.function,
        "family": finding.family,
        "cleanup": finding.cleanup,
        "before": _promise(finding.before),
        "after": _promise(finding.after),
        "condition": finding.condition,
        "entry_points": [_entry(entry) for entry in finding.entry_points],
        "symptoms": list(finding.symptoms),
        "advice": list(finding.advice),
        "message": finding.message,
        "fingerprint": finding.fingerprint,
        "why": finding.why,
        "evidence": list(finding.evidence),
        "also": list(finding.also),
        "hunk": [_hunk_line(hunk_line) for hunk_line in finding.hunk],
        "author_says": finding.author_says,
        "quote": list(finding.quote),
        "precedent": _precedent(finding.precedent, link),
        "record": _record(finding.track),
        "history": _history(finding.history, link),
    }


def _precedent(one: Judgement | None, link: str) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "message_id": one.message_id,
        "link": mail_link(one.message_id, link),
        "list": one.list,
        "date": one.date,
        "rule": one.rule,
        "function": one.function,
        "cleanup": one.cleanup,
        "outcome": one.outcome,
        "line": one.line,
    }


def _record(track: Track | None) -> dict[str, Any] | None:
    if track is None:
        return None
    return {
        "rule": track.rule or None,
        "right": track.right,
        "info": track.info,
        "wrong": track.wrong,
        "undecided": track.undecided,
        "outcomes": dict(track.ends),
    }


def _history(history: History | None, link: str) -> dict[str, Any] | None:
    if history is None:
        return None
    return {
        "date": moment(history.last.date) or None,
        "lists": list(history.lists),
        "link": mail_link(history.last.message_id, link) or None,
        "outcome": history.outcome,
        "postings": [
            {
                "message_id": one.message_id or None,
                "link": mail_link(one.message_id, link) or None,
                "commit": one.commit or None,
                "subject": one.subject,
                "author": one.author,
                "date": moment(one.date) or None,
                "version": one.version,
                "lists": list(one.lists),
            }
            for one in history.postings
        ],
        "events": [
            {
                "outcome": one.kind,
                "message_id": one.message_id or None,
                "link": mail_link(one.message_id, link) or None,
                "subject": one.subject,
                "date": moment(one.date) or None,
                "evidence": one.evidence,
            }
            for one in history.events
        ],
    }


def _promise(promise: Promise) -> dict[str, Any]:
    return {
        "context": promise.context,
        "guarantee": promise.guarantee,
        "mechanism": promise.mechanism,
        "callback": promise.callback,
        "chain": [
            {"function": step.function, "path": step.path, "line": step.line, "note": step.note}
            for step in promise.chain
        ],
    }


def _entry(entry: EntryChain) -> dict[str, Any]:
    told = {"name": entry.name, "kind": entry.kind, "chain": list(entry.chain)}
    more = {"call": entry.said, "event": entry.event}
    return told | {key: text for key, text in more.items() if text}


def _hunk_line(hunk_line: HunkLine) -> dict[str, Any]:
    elsewhere = {"path": hunk_line.path} if hunk_line.path else {}
    return elsewhere | {
        "kind": hunk_line.kind,
        "text": hunk_line.text,
        "old": hunk_line.old,
        "new": hunk_line.new,
        "marked": hunk_line.marked,
    }


def _limitation(limitation: Limitation) -> dict[str, Any]:
    return {
        "stage": limitation.stage,
        "path": limitation.path,
        "message_id": limitation.message_id,
        "message": limitation.message,
        "line": limitation.line,
        "lost": limitation.lost,
    }


def _error(error: InputError) -> dict[str, Any]:
    return {
        "input": error.input,
        "message_id": error.message_id,
        "message": error.message,
        "line": error.line,
    }
