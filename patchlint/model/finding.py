"""Findings and the report around them, as ``contracts`` for output fix them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.model.effect import EntryChain, Promise
    from patchlint.model.history import History
    from patchlint.model.problem import InputError, Limitation, Note
    from patchlint.model.record import Judgement, Track

Level = Literal["error", "warning", "note"]
Confidence = Literal["high", "medium", "low"]

#: Loudest first.
LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "note")


class HunkLine(Struct, frozen=True):
    """A diff line that a finding quotes; ``marked`` when the finding speaks of it.

    ``path`` is its file where that is another one than the file that the finding is named by.
    """

    kind: str
    text: str
    old: int | None
    new: int | None
    marked: bool
    path: str = ""


class Finding(Struct, frozen=True):
    """One promise that got weaker, said once.

    ``fingerprint`` is stable over line shifts and over new versions of the series.
    ``why`` explains the context difference in one sentence; ``evidence`` lists what the
    verdict rests on; ``hunk`` the diff lines at issue.  ``quote`` holds those of ``hunk`` and
    what stands around them as the diff has them, for an answer by mail: file and hunk
    headers as well, and ``[...]`` for what is left out.  ``author_says`` is the reason that
    the author of the series gives for it, None where none is given.  ``precedent`` is the
    most similar finding of other changes that was judged, ``track`` how the rule's others
    were; ``history`` what an archive knows of a finding that comes out of one.
    """

    rule: str
    level: Level
    confidence: Confidence
    series: int
    patch: int
    message_id: str | None
    commit: str | None
    path: str
    line: int
    side: Literal["pre", "post"]
    function: str
    family: str
    cleanup: str
    before: Promise
    after: Promise
    condition: str | None
    entry_points: tuple[EntryChain, ...]
    symptoms: tuple[str, ...]
    advice: tuple[str, ...]
    message: str
    fingerprint: str
    why: str
    evidence: tuple[str, ...]
    also: tuple[str, ...]
    hunk: tuple[HunkLine, ...]
    author_says: str | None = None
    quote: tuple[str, ...] = ()
    precedent: Judgement | None = None
    track: Track | None = None
    history: History | None = None


class Accepted(Struct, frozen=True):
    """A finding that the reader accepts; ``origin`` is the place where they say so."""

    finding: Finding
    reason: str
    origin: str


class PatchRef(Struct, frozen=True):
    """A patch as the report lists it.

    ``unread`` is why nothing of its diff could be read, ``lost`` what of it could not.
    """

    number: int
    message_id: str | None
    commit: str | None
    subject: str
    files: tuple[str, ...]
    author: str = ""
    date: float | None = None
    unread: str = ""
    lost: str = ""


class SeriesRef(Struct, frozen=True):
    """A series as the report lists it.  ``tree`` is the commit or path, None without one."""

    subject: str
    version: int
    base_commit: str | None
    cover_message_id: str | None
    expected: int
    missing: tuple[int, ...]
    patches: tuple[PatchRef, ...]
    images: Literal["hunks", "whole", "mixed"]
    tree: str | None
    references: tuple[str, ...] = ()


class Report(Struct, frozen=True):
    """All that one run has to say.

    ``findings`` are those that stand, ``accepted`` those that the reader's configuration
    accepts; ``notes`` tell of what the author wrote for the check and it could not use.
    """

    version: str
    series: tuple[SeriesRef, ...]
    findings: tuple[Finding, ...]
    limitations: tuple[Limitation, ...]
    errors: tuple[InputError, ...]
    accepted: tuple[Accepted, ...] = ()
    notes: tuple[Note, ...] = ()
