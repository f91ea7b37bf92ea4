"""What stores know of each change: its postings, versions and fate as one thing.

A change is the same move of the same cleanup, however often and wherever it was posted: what
has one fingerprint, and what has one title, file, cleanup and function (or callback): a new
version may rename the other.  It may also tell of another cleanup, where function and callback
(or author) are the same and no posting has two findings there.
"""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from hashlib import sha256
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint.archive import ask
from patchlint.archive.records import PATCH
from patchlint.archive.store import DamagedError, Store
from patchlint.mail import subject as subjects
from patchlint.model.finding import LEVELS
from patchlint.model.history import Event, History, Posting, day
from patchlint.model.moment import AHEAD, EARLIEST, plausible
from patchlint.model.record import OPEN, OUTCOMES, Outcome, title_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from patchlint.archive.ask import Question
    from patchlint.model.finding import Finding
    from patchlint.model.record import Judgement


_KEY: Final = re.compile(r"[0-9a-f]{8,64}")
#: what a part of any archive may be called, and how files end
_PART: Final = re.compile(r"\.*|(?:\d+|all|repo|archive)(?:\.git)?|git|cur|new|mail")
#: a list by its address, as a folder of one of its epochs may be called
#: its host has a domain, and mostly one name more: a list has dots itself (``b.u.r.r.o.w``)
_HOSTED: Final = re.compile(
    r"(.+?)(?:\.lists?)*(?:\.[a-z][\w-]+)?\.[a-z0-9][\w-]*\.[a-z]{2,}(?:\.\d+)?"
)
_ENDING: Final = re.compile(r"(?:\.git|\.mbox|\.mbx)?(?:\.gz|\.xz)?$")
_NOBODY: Final = "unknown"
#: outcomes of a whole patch
_OF_PATCHES: Final = frozenset({"reverted", "dropped", "superseded"})
#: what may come of a change that was kept
_BEYOND: Final = frozenset({"reverted", "fixed", "merged"})
_BY_HAND: Final = "judged by hand, by its thread and the source"


class Change(Struct, frozen=True):
    """One change.  ``finding`` is that of its last posting; postings are in order of time.

    ``key`` names it for good, in lower-case letters and digits.  ``at`` says where the
    series of ``finding`` stands: the number of the store, and the id in it.  ``judged`` is
    what somebody found to have come of it, who read the thread.
    """

    key: str
    finding: Finding
    postings: tuple[Posting, ...]
    events: tuple[Event, ...]
    subsystem: str = ""
    at: tuple[int, int] = (0, 0)
    judged: Outcome = "unknown"

    @property
    def last(self) -> Posting:
        """The posting that counts."""
        return self.postings[-1]

    @property
    def lists(self) -> tuple[str, ...]:
        """Where it was posted, in order of time."""
        return self.history.lists

    @property
    def outcome(self) -> Outcome:
        """The strongest thing that is known of its fate.

        That a posting gave way to another one of the change says nothing of the change, and
        what was dropped before its last posting was taken up again.  Where somebody judged by
        hand how it ended, that stands above all; who judged did not tell a merge from a version
        that has it too, and may not have known what came of it later.
        """
        return self.history.outcome

    @property
    def history(self) -> History:
        """Its postings and its fate, as a finding is told with."""
        last = max((one.date or 0.0 for one in self.postings), default=0.0)
        kinds = {
            event.kind
            for event in self.events
            if not (event.kind == "dropped" and (event.date or last) < last)
        }
        mined = next((kind for kind in OUTCOMES if kind in kinds), OUTCOMES[-1])
        outcome = mined
        if self.judged not in OPEN or mined == OUTCOMES[-1]:
            outcome = self.judged
        if outcome == "kept" and mined in _BEYOND:
            outcome = mined
        events = self.events
        if outcome not in kinds and outcome != mined:
            events = (*_known(events), Event(outcome, "", None, _BY_HAND, ""))
        return History(self.postings, events, outcome)

    @property
    def year(self) -> str:
        """The year of its first posting, empty where no date is known."""
        return day(self.postings[0].date)[:4]


class Found(Struct, frozen=True):
    """All changes of some stores, newest first, and the rules that looked for them.

    ``mails`` counts one that went to several lists once.
    ``years`` are all from the first that a mail can have come from to the last, those without a
    change too.
    """

    changes: tuple[Change, ...]
    rules: dict[str, tuple[str, str]]
    mails: int
    years: tuple[str, ...]


class _Version(Struct, frozen=True):
    """A finding of a store, one posting of a change."""

    finding: Finding
    posting: Posting
    events: tuple[Event, ...]
    subsystem: str
    at: tuple[int, int]
    asked: bool


def gather(
    stores: Sequence[str], question: Question | None = None, *, judged: bool = True
) -> Found:
    """Return what ``stores`` (paths) know, or those changes that ``question`` asks for.

    Of a change of which some postings are asked for, the last of these is told, with all its
    postings.  What the record says by hand of a change counts, unless ``judged`` is off.
    Raises ``StoreError`` for a path that is no store, and for a damaged one; ``QuestionError``
    for a question about a rule that nobody knows.
    """
    versions: list[_Version] = []
    rules: dict[str, tuple[str, str]] = {}
    first, last = "", ""
    # what stores from before say of the years 1899 and 2077 is no date either
    now = time.time()
    for number, path in enumerate(stores):
        with Store(path, write=False) as store:
            for row in store.rows("SELECT id, title, level FROM rules ORDER BY id"):
                rules[row["id"]] = (row["title"], row["level"])
            (dates,) = store.rows(
                "SELECT min(date), max(date) FROM messages WHERE date BETWEEN ? AND ?",
                (EARLIEST, now + AHEAD),
            )
            first = min(filter(None, (first, day(dates[0])[:4])), default="")
            last = max(last, day(dates[1])[:4])
            versions += _versions(store, number, question, now)
    if question is not None:
        ask.known(question.rules, {*rules, *(one.finding.rule for one in versions)})
    by_mail = _judged() if versions and judged else {}
    shared = _shared(versions)
    changes = [_change(group, by_mail, shared) for group in _groups(versions, shared)]
    wanted = question.outcome if question is not None else ""
    told = [one for one in changes if one is not None and wanted in {"", one.outcome}]
    told.sort(key=lambda change: (change.last.date or 0.0, change.key), reverse=True)
    return Found(tuple(told), rules, mails(stores), tuple(_years(first, last)))


def mails(stores: Sequence[str], *, patches: bool = False) -> int:
    """Return how many mails there are, or patches; one that went to several lists counts once.

    A cover letter is no patch.

    Raises ``StoreError`` for a path that is no store.
    """
    where = f" WHERE patch = {PATCH}" if patches else ""
    with ExitStack() as opened:
        read = [opened.enter_context(Store(path, write=False)) for path in stores]
        if len(read) == 1:
            return int(read[0].value(f"SELECT count(*) FROM messages{where}"))  # noqa: S608
        # each in order, off its index: nothing is held in memory
        query = f"SELECT message_id FROM messages{where} ORDER BY message_id"  # noqa: S608
        ids = (map(itemgetter(0), one.rows(query)) for one in read)
        return sum(1 for _ in groupby(merge(*ids)))


def _years(first: str, last: str) -> Iterator[str]:
    if first and last:
        for year in range(int(last), int(first) - 1, -1):
            yield f"{year:04}"


def _versions(
    store: Store, number: int, question: Question | None, now: float
) -> Iterator[_Version]:
    lists = _lists(store)
    events: dict[int, list[Event]] = {}
    for row in store.rows("SELECT * FROM outcomes ORDER BY finding, date, id"):
        events.setdefault(row["finding"], []).append(_event(row))
    asked = None if question is None else ask.numbers(store, question)
    rows = list(
        store.rows(
            "SELECT findings.*, series.version FROM findings"
            " LEFT JOIN series ON series.id = findings.series ORDER BY findings.date, findings.id"
        )
    )
    store.check_findings([_finding_alone(row) for row in rows])
    for row in rows:
        if row["version"] is None:
            raise DamagedError(f"series {row['series']} of a finding is not there")
        posting = Posting(
            row["message_id"] or "",
            row["commit"] or "",
            row["subject"],
            row["author"],
            plausible(row["date"], now),
            row["version"],
            tuple(lists.get(row["message_id"], ())),
        )
        yield _Version(
            ask.finding(row, 0),
            posting,
            tuple(events.get(row["id"], ())),
            row["subsystem"],
            (number, row["series"]),
            asked is None or row["id"] in asked,
        )


def _finding_alone(row: Any) -> dict[str, Any]:
    """Return the columns of the finding in a row that has the version of its series too."""
    return {name: value for name, value in dict(row).items() if name != "version"}


def _groups(versions: Sequence[_Version], shared: Collection[str]) -> list[list[_Version]]:
    """Put the postings of each change together; see :func:`_shared`."""
    root = list(range(len(versions)))

    def find(place: int) -> int:
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    seen: dict[tuple[str, ...], int] = {}
    twice = _twice(versions)
    for place, one in enumerate(versions):
        for name in (*_names(one, shared), *(name for name in _places(one) if name not in twice)):
            other = seen.setdefault(name, place)
            root[find(place)] = find(other)
    groups: dict[int, list[_Version]] = {}
    for place, one in enumerate(versions):
        groups.setdefault(find(place), []).append(one)
    return list(groups.values())


def _shared(versions: Iterable[_Version]) -> set[str]:
    """Return the fingerprints that patches of several titles in one series have.

    These are no versions of each other, whatever each of them moved by the same name; of a
    patch that was renamed from one version to the next no series has both.
    """
    titles: dict[tuple[tuple[int, int], str], str] = {}
    found = set()
    for one in versions:
        title = subjects.parse(one.posting.subject).title
        if titles.setdefault((one.at, one.finding.fingerprint), title) != title:
            found.add(one.finding.fingerprint)
    return found


def _print_of(one: _Version, shared: Collection[str]) -> tuple[str, ...]:
    """Return what a change is known by whatever its title is, and by that where it is shared."""
    fingerprint = one.finding.fingerprint
    title = subjects.parse(one.posting.subject).title if fingerprint in shared else ""
    return (fingerprint, title_digest(title)) if title else (fingerprint,)


def _names(one: _Version, shared: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Yield what a change is known by: a finding that shares one of these is of it."""
    finding = one.finding
    yield ("fingerprint", *_print_of(one, shared))
    title = subjects.parse(one.posting.subject).title
    if title:
        digest = title_digest(title)
        where = (digest, finding.path, finding.cleanup)
        yield ("function", *where, finding.function)
        if finding.after.callback:
            yield ("callback", *where, finding.after.callback)


def _places(one: _Version) -> Iterator[tuple[str, ...]]:
    """Yield what a change is known by where a version of it tells of another cleanup.

    Of several that one function puts off the loudest is named, and a version may show or move
    others.  The callback holds them together, or who wrote both.
    """
    finding = one.finding
    title = subjects.parse(one.posting.subject).title
    if title:
        where = (title_digest(title), finding.path, finding.function)
        if finding.after.callback:
            yield ("place", *where, finding.after.callback)
        if one.posting.author:
            yield ("author", *where, one.posting.author)


def _twice(versions: Iterable[_Version]) -> set[tuple[str, ...]]:
    """Return the places of which one posting has several findings: these are not told apart."""
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    found = set()
    for one in versions:
        for name in _places(one):
            posting = one.posting.message_id or one.posting.commit or one.posting.subject
            known = seen.setdefault((*name, posting), (one.finding.fingerprint,))
            if known != (one.finding.fingerprint,):
                found.add(name)
    return found


def _lists(store: Store) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in store.rows(
        "SELECT DISTINCT messages.message_id, sources.name, sources.place FROM findings"
        " JOIN messages ON messages.message_id = findings.message_id"
        " JOIN sources ON sources.id = messages.source ORDER BY sources.name"
    ):
        found.setdefault(row["message_id"], []).append(called(row["name"], row["place"]))
    return found


def called(name: str, place: str) -> str:
    """Return what a source is called where anybody reads it: a file without its folders.

    What each archive calls its parts (``git/0.git``) gives way to the folder above, and a list
    is called without its host (``linux-nest.lists.example.org.0``).
    """
    for part in (*reversed(name.split("/")), *reversed(place.split("/"))):
        if part and not _PART.fullmatch(part):
            told = _ENDING.sub("", part)
            hosted = _HOSTED.fullmatch(told)
            return hosted[1] if hosted else told
    return name


def _event(row: Any) -> Event:
    return Event(
        row["kind"], row["subject"] or "", row["date"], row["evidence"], row["message_id"] or ""
    )


def _key(known_by: tuple[str, ...]) -> str:
    name = " ".join(known_by)
    return (
        name if _KEY.fullmatch(name) else sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
    )


def _judged() -> dict[str, list[Judgement]]:
    """Return what was judged by hand, by mail."""
    from patchlint.ruleset.record import read

    found: dict[str, list[Judgement]] = {}
    for one in read().judged:
        found.setdefault(one.message_id, []).append(one)
    return found


def _by_hand(versions: Sequence[_Version], judged: Mapping[str, Sequence[Judgement]]) -> Outcome:
    """Return what was found to have come of the last posting of a change that was judged.

    A patch is reverted, dropped or superseded with all of its findings.
    """
    for one in reversed(versions):
        finding = one.finding
        rows = judged.get(one.posting.message_id, ())
        outcomes = {
            row.outcome
            for row in rows
            if row.fingerprint == finding.fingerprint
            or (row.function, row.cleanup) == (finding.function, finding.cleanup)
        } - {OUTCOMES[-1]}
        outcomes = outcomes or {row.outcome for row in rows} & _OF_PATCHES
        if outcomes:
            return min(outcomes, key=OUTCOMES.index)
    return OUTCOMES[-1]


def _known(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return events without those that say that nothing is known."""
    return tuple(event for event in events if event.kind != OUTCOMES[-1])


def _beyond(events: Iterable[Event], postings: Sequence[Posting]) -> list[Event]:
    """Return what came of a change behind its last posting.

    That one posting gave way to another, or is in it too, is told by the last of them.
    """
    own = {one.message_id for one in postings} - {""}
    told = list(events)
    rest = [
        event
        for event in told
        if event.message_id not in own or event.kind not in {"kept", "superseded"}
    ]
    if any(event.kind == "kept" and event.message_id in own for event in told):
        last = postings[-1]
        called = f"v{last.version} posted" if last.version > 1 else "posted again"
        rest.append(Event("kept", "", last.date, f"{called}, then nothing in this archive", ""))
    return list(_known(rest)) or rest


def _change(
    versions: Sequence[_Version],
    judged: Mapping[str, Sequence[Judgement]],
    shared: Collection[str],
) -> Change | None:
    """Return the change of these postings, None when none of them is asked for."""
    ordered = sorted(
        versions,
        key=lambda one: (
            one.posting.date or 0.0,
            one.posting.version,
            one.posting.message_id,
            one.posting.lists,
            -LEVELS.index(one.finding.level),
        ),
    )
    told = next((one for one in reversed(ordered) if one.asked), None)
    if told is None:
        return None
    postings: dict[str, Posting] = {}
    for one in ordered:
        posting = one.posting
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
        for one in ordered
        for event in one.events
    }
    came = sorted(
        _beyond(events.values(), tuple(postings.values())),
        key=lambda event: (event.date or 0.0, event.kind, event.message_id, event.evidence),
    )
    return Change(
        _key(_print_of(ordered[0], shared)),
        told.finding,
        tuple(postings.values()),
        tuple(came),
        told.subsystem,
        told.at,
        _by_hand(ordered, judged),
    )


def count(found: Found, by: str) -> list[tuple[str, dict[str, int]]]:
    """Return how many changes there are for each value of ``by``, split by level.

    Years are in order of time, those without a change among them; all else by number.
    """
    groups: dict[str, dict[str, int]] = {}
    if by == "year":
        groups = {year: dict.fromkeys(LEVELS, 0) for year in found.years}
    for change in found.changes:
        for name in _values(change, by):
            counts = groups.setdefault(name or _NOBODY, dict.fromkeys(LEVELS, 0))
            counts[change.finding.level] += 1
    if by == "year":
        return sorted(groups.items())
    return sorted(groups.items(), key=lambda item: (-sum(item[1].values()), item[0]))


def _values(change: Change, by: str) -> Sequence[str]:
    if by == "list":
        return change.lists or ("",)
    if by in {"year", "outcome", "subsystem"}:
        return (getattr(change, by),)
    return (getattr(change.finding, by),)


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
            other.outcome in {"merged", "kept", *OPEN},
            other.finding.cleanup != mine.cleanup,
            other.finding.after.mechanism != mine.after.mechanism,
            -(other.postings[0].date or 0.0),
            other.key,
        )
    )
    return near[:most]
