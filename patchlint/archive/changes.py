"""What stores know of each change: its postings, versions and fate as one thing.

A change is what a fingerprint names: the same move of the same cleanup, however often and
wherever it was posted.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint.archive import ask
from patchlint.archive.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.model.finding import Finding

#: what may have come of a change, the strongest first
OUTCOMES: Final = ("reverted", "fixed", "dropped", "discussed", "kept", "unknown")

_KEY: Final = re.compile(r"[0-9a-f]{8,64}")


class Posting(Struct, frozen=True):
    """A patch mail (or a commit) with the change; ``date`` in seconds, ``lists`` by name."""

    message_id: str
    commit: str
    subject: str
    author: str
    date: float | None
    version: int
    lists: tuple[str, ...]


class Event(Struct, frozen=True):
    """Something that came of a change later, and what says so."""

    kind: str
    subject: str
    date: float | None
    evidence: str
    message_id: str


class Change(Struct, frozen=True):
    """One change.  ``finding`` is that of its last posting; postings are in order of time.

    ``key`` names it for good, in lower-case letters and digits.
    """

    key: str
    finding: Finding
    postings: tuple[Posting, ...]
    events: tuple[Event, ...]

    @property
    def last(self) -> Posting:
        """The posting that counts."""
        return self.postings[-1]

    @property
    def lists(self) -> tuple[str, ...]:
        """Where it was posted, in order of time."""
        return tuple(dict.fromkeys(name for one in self.postings for name in one.lists))

    @property
    def outcome(self) -> str:
        """The strongest thing that is known of its fate."""
        kinds = {event.kind for event in self.events}
        return next((kind for kind in OUTCOMES if kind in kinds), OUTCOMES[-1])

    @property
    def year(self) -> str:
        """The year of its first posting, empty where no date is known."""
        return day(self.postings[0].date)[:4]


class Found(Struct, frozen=True):
    """All changes of some stores, newest first, and the rules that looked for them.

    ``years`` are all that mails came from, those without a change too.
    """

    changes: tuple[Change, ...]
    rules: dict[str, tuple[str, str]]
    mails: int
    years: tuple[str, ...]


def day(seconds: float | None) -> str:
    """Return the day of a moment, ``2024-05-01``, empty where that is none."""
    return moment(seconds)[:10]


def moment(seconds: float | None) -> str:
    """Return a moment as RFC 3339 has it, empty where that is none."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
    except (OverflowError, ValueError, OSError):
        return ""


def gather(stores: Sequence[str]) -> Found:
    """Return what ``stores`` (paths) know.  Raises ``StoreError`` for one that is none."""
    rows: dict[str, list[tuple[Finding, Posting, list[Event]]]] = {}
    rules: dict[str, tuple[str, str]] = {}
    mails, first, last = 0, "", ""
    for path in stores:
        with Store(path, write=False) as store:
            for row in store.rows("SELECT id, title, level FROM rules ORDER BY id"):
                rules[row["id"]] = (row["title"], row["level"])
            mails += store.value("SELECT count(*) FROM messages") or 0
            (dates,) = store.rows("SELECT min(date), max(date) FROM messages")
            first = min(filter(None, (first, day(dates[0])[:4])), default="")
            last = max(last, day(dates[1])[:4])
            for key, one in _rows(store):
                rows.setdefault(key, []).append(one)
    changes = [_change(key, versions) for key, versions in rows.items()]
    changes.sort(key=lambda change: (change.last.date or 0.0, change.key), reverse=True)
    return Found(tuple(changes), rules, mails, tuple(_years(first, last)))


def _years(first: str, last: str) -> Iterator[str]:
    if first and last:
        for year in range(int(last), int(first) - 1, -1):
            yield f"{year:04}"


def _rows(store: Store) -> Iterator[tuple[str, tuple[Finding, Posting, list[Event]]]]:
    lists = _lists(store)
    events: dict[int, list[Event]] = {}
    for row in store.rows("SELECT * FROM outcomes ORDER BY finding, date, id"):
        events.setdefault(row["finding"], []).append(_event(row))
    for row in store.rows(
        "SELECT findings.*, series.version FROM findings"
        " JOIN series ON series.id = findings.series ORDER BY findings.date, findings.id"
    ):
        posting = Posting(
            row["message_id"] or "",
            row["commit"] or "",
            row["subject"],
            row["author"],
            row["date"],
            row["version"],
            tuple(lists.get(row["message_id"], ())),
        )
        yield _key(row["fingerprint"]), (ask.finding(row, 0), posting, events.get(row["id"], []))


def _lists(store: Store) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in store.rows(
        "SELECT DISTINCT messages.message_id, sources.name FROM findings"
        " JOIN messages ON messages.message_id = findings.message_id"
        " JOIN sources ON sources.id = messages.source ORDER BY sources.name"
    ):
        found.setdefault(row["message_id"], []).append(_called(row["name"]))
    return found


def _called(source: str) -> str:
    """Return what a source is called where anybody reads it: a file without its folders."""
    return source.rstrip("/").rpartition("/")[2].removesuffix(".mbox") or source


def _event(row: Any) -> Event:
    return Event(
        row["kind"], row["subject"] or "", row["date"], row["evidence"], row["message_id"] or ""
    )


def _key(fingerprint: str) -> str:
    if _KEY.fullmatch(fingerprint):
        return fingerprint
    return sha256(fingerprint.encode("utf-8", "replace")).hexdigest()[:16]


def _change(key: str, versions: Iterable[tuple[Finding, Posting, list[Event]]]) -> Change:
    ordered = sorted(
        versions,
        key=lambda one: (one[1].date or 0.0, one[1].version, one[1].message_id, one[1].lists),
    )
    postings: dict[str, Posting] = {}
    for _, posting, _ in ordered:
        name = posting.message_id or posting.commit or posting.subject
        held = postings.get(name)
        lists = (*held.lists, *posting.lists) if held else posting.lists
        postings[name] = Posting(
            posting.message_id,
            posting.commit,
            posting.subject,
            posting.author,
            posting.date,
            posting.version,
            tuple(sorted(set(lists))),
        )
    events = {
        (event.kind, event.message_id, event.evidence): event
        for *_, found in ordered
        for event in found
    }
    told = sorted(
        events.values(),
        key=lambda event: (event.date or 0.0, event.kind, event.message_id, event.evidence),
    )
    return Change(key, ordered[-1][0], tuple(postings.values()), tuple(told))


def earlier(change: Change, changes: Iterable[Change], most: int = 3) -> list[Change]:
    """Return changes of the same family from before, those nearest and best known first."""
    began = change.postings[0].date
    if began is None:
        return []
    mine = change.finding
    near = [
        other
        for other in changes
        if other.finding.family == mine.family
        and other.key != change.key
        and (other.postings[0].date or began) < began
    ]
    near.sort(
        key=lambda other: (
            other.outcome in {"kept", "unknown"},
            other.finding.cleanup != mine.cleanup,
            other.finding.after.mechanism != mine.after.mechanism,
            -(other.postings[0].date or 0.0),
            other.key,
        )
    )
    return near[:most]
