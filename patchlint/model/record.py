"""What became of findings that people judged: the nouns of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.model.finding import Confidence, Level

Verdict = Literal["right", "info", "wrong", "undecided"]
Outcome = Literal[
    "reverted", "fixed", "dropped", "discussed", "merged", "kept", "superseded", "unknown"
]

VERDICTS: Final[tuple[Verdict, ...]] = ("right", "info", "wrong", "undecided")
#: what may come of a change, that first which tells most
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "reverted",
    "fixed",
    "dropped",
    "discussed",
    "merged",
    "kept",
    "superseded",
    "unknown",
)
#: outcomes by which the move of the release did not last
UNDONE: Final[tuple[Outcome, ...]] = ("reverted", "fixed", "dropped")
#: outcomes that do not say how a change ended
OPEN: Final[tuple[Outcome, ...]] = ("discussed", "superseded", "unknown")

#: folders whose subfolders are subsystems of their own
_DEEP: Final = frozenset({"drivers", "net", "fs", "arch", "sound", "include", "tools"})


class Judgement(Struct, frozen=True):
    """A finding in an archive that somebody judged against the thread and the source.

    ``title`` is what :func:`title_digest` makes of the patch's subject, ``date`` the day of
    the mail, ``folder`` that of :func:`folder`; ``level`` and ``confidence`` are those that
    the program gave in ``version``, before a rule's record made a note of it.  ``today`` is
    the level that it had when the record was last run again, ``none`` when it was not found
    then, and empty when it was not run again.  ``line`` says in our own words what there is;
    ``short`` is a clause for those who are told of it beside another finding; they get
    ``line`` where it is empty.  Of what they are told of ``kept`` is what was merged.

    ``verdict`` is right where user space lost a promise, info where the release moved as told
    but nobody could rely on it, wrong where it did not move.
    """

    message_id: str
    list: str
    date: str
    title: str
    rule: str
    family: str
    function: str
    cleanup: str
    mechanism: str
    folder: str
    fingerprint: str
    level: Level
    confidence: Confidence
    version: str
    today: str
    verdict: Verdict
    outcome: Outcome
    line: str
    short: str = ""

    @property
    def loud(self) -> bool:
        """Whether it is told louder than a note, today as far as that is known."""
        return (self.today or self.level) in {"error", "warning"}

    def good(self, *, loud: bool) -> bool:
        """Whether that level is right; a move on which nobody relied deserves a note."""
        return self.verdict == "right" or (self.verdict == "info" and not loud)


class Miss(Struct, frozen=True):
    """A patch that a later one repaired, and whether the program finds what it broke.

    ``repair_id`` is the Message-ID of the fix or revert, ``repaired_id`` the Message-ID or
    commit of what it repairs; ``level`` is that of the finding, empty where there is none.
    ``found`` is ``note`` where it is told too quietly, and ``n/a`` where there is nothing to
    find: what was repaired is in no archive, or never did it another way.  ``reason`` says why
    it is not found, or what is.
    """

    repair_id: str
    list: str
    date: str
    repaired_id: str
    family: str
    found: Literal["yes", "note", "no", "n/a"]
    level: str
    reason: str


class Track(Struct, frozen=True):
    """How the findings of a rule were judged; ``ends`` counts what came of the right ones."""

    rule: str
    right: int
    info: int
    wrong: int
    undecided: int
    ends: dict[Outcome, int]

    @property
    def judged(self) -> int:
        """How many were judged, those too that could not be decided."""
        return self.right + self.info + self.wrong + self.undecided

    @property
    def known(self) -> int:
        """How many right ones have a known end."""
        return sum(number for end, number in self.ends.items() if end not in OPEN)

    @property
    def undone(self) -> int:
        """How many right ones were reverted, fixed or dropped."""
        return sum(number for end, number in self.ends.items() if end in UNDONE)


def title_digest(title: str) -> str:
    """Return twelve hex digits for a title, the same in each version of its patch.

    ``title`` is the subject without what stands in brackets before it.
    """
    from hashlib import sha256

    told = " ".join(title.lower().split())
    return sha256(told.encode("utf-8", "replace")).hexdigest()[:12]


def folder(path: str) -> str:
    """Return the folder of a path as a subsystem is called: two levels of ``drivers``, else one."""
    parts = path.split("/")[:-1]
    return "/".join(parts[: 2 if parts and parts[0] in _DEEP else 1])
