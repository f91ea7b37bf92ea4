"""What an archive knows of a finding: where its change was posted, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.model.record import Outcome


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

    kind: Outcome
    subject: str
    date: float | None
    evidence: str
    message_id: str


class History(Struct, frozen=True):
    """The postings of one change in order of time, what came of them, and the sum of that."""

    postings: tuple[Posting, ...]
    events: tuple[Event, ...]
    outcome: Outcome

    @property
    def last(self) -> Posting:
        """The posting that counts."""
        return self.postings[-1]

    @property
    def lists(self) -> tuple[str, ...]:
        """Where it was posted, in order of time."""
        return tuple(dict.fromkeys(name for one in self.postings for name in one.lists))

    @property
    def told(self) -> Event | None:
        """The last event that the outcome rests on, None where nothing is known."""
        return next((one for one in reversed(self.events) if one.kind == self.outcome), None)


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
