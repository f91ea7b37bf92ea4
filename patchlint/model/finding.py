"""Findings and the report around them, as ``contracts`` for output fix them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.model.effect import EntryChain, Promise
    from patchlint.model.problem import InputError, Limitation

Level = Literal["error", "warning", "note"]
Confidence = Literal["high", "medium", "low"]

#: Loudest first.
LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "note")


class HunkLine(Struct, frozen=True):
    """A diff line that a finding quotes; ``marked`` when the finding speaks of it."""

    kind: str
    text: str
    old: int | None
    new: int | None
    marked: bool


class Finding(Struct, frozen=True):
    """One promise that got weaker, said once.

    ``fingerprint`` is stable over line shifts and over new versions of the series.
    ``why`` explains the context difference in one sentence; ``evidence`` lists what the
    verdict rests on; ``hunk`` the diff lines at issue.
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


class PatchRef(Struct, frozen=True):
    """A patch as the report lists it."""

    number: int
    message_id: str | None
    commit: str | None
    subject: str
    files: tuple[str, ...]
    author: str = ""
    date: float | None = None


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
    """All that one run has to say."""

    version: str
    series: tuple[SeriesRef, ...]
    findings: tuple[Finding, ...]
    limitations: tuple[Limitation, ...]
    errors: tuple[InputError, ...]
