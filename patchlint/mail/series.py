"""Mails in, series out: threads, versions, order, gaps.

The rules are those of ``b4 am``, and the series are the same; two things differ.  b4 takes
its mbox for one thread, here it may hold any number.  And where two mails claim one place
in a series, b4 lengthens the series by one; here the second opens a series of its own.
liblore's ``summarize_threads`` counts patches but does not say which mail stands where,
and needs every mail parsed by the ``email`` package, at a quarter of the speed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

from patchlint.mail import subject as subjects
from patchlint.mail.threads import Threads
from patchlint.model.mail import Mail, Patch, Series
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BASE = lazy(r"^base-commit: .*?\b([0-9a-f]{7,64})\b", re.MULTILINE | re.IGNORECASE)
_PREREQUISITE = lazy(r"^prerequisite-patch-id:\s+(\S+)", re.MULTILINE | re.IGNORECASE)
_ADDRESS = lazy(r"[^\s<>\"]+@[^\s<>\"]+")

#: Seconds within which patches that were sent without threading are one series.
_SITTING = 86400.0
#: An ``n/m`` above this is taken for what it says, but its gaps are not all listed.
_MOST = 2000


class _Draft(Struct):
    """A series being put together."""

    version: int
    total: int
    thread: str
    first: int
    numbered: bool
    slots: dict[int, Mail] = field(default_factory=dict)
    cover: Mail | None = None

    @property
    def sample(self) -> Mail:
        return next(iter(self.slots.values()))


def group(mails: Sequence[Mail]) -> tuple[Series, ...]:
    """One series for each version of each series, in the order of their first mails.

    A mail that came twice counts once.  Mails without a patch form no series, but cover
    letters are told of.  A reply with a patch of its own is a series by itself: as b4
    does, it is never put into the series that it answers.  Where single patches of a
    version were sent as replies to those that they replace, the others are taken from the
    version before.
    """
    unique = _unique(mails)
    grouping = _Grouping(unique)
    for position, mail in enumerate(unique):
        if mail.diff_start is not None:
            grouping.place(mail, position)
    grouping.give_covers()
    grouping.complete_rerolls()
    ordered = sorted(grouping.drafts, key=lambda draft: draft.first)
    return tuple(_finish(draft) for draft in ordered)


def _unique(mails: Iterable[Mail]) -> list[Mail]:
    seen: set[str] = set()
    out: list[Mail] = []
    for mail in mails:
        key = mail.message_id or mail.commit or ""
        if key and key in seen:
            continue
        seen.add(key)
        out.extend(mail.attached or [mail])
    return out


class _Grouping:
    """The drafts, and the ways to find one."""

    def __init__(self, mails: Sequence[Mail]) -> None:
        self.drafts: list[_Draft] = []
        self._mails = mails
        self._by_id = {mail.message_id: mail for mail in mails if mail.message_id}
        self._threads = Threads(mails)
        self._threaded: dict[tuple[str, int, int], list[_Draft]] = {}
        self._loose: dict[tuple[str, int, int, tuple[str, ...]], list[_Draft]] = {}
        self._draft_of: dict[str, _Draft] = {}
        self._last: tuple[Mail, _Draft] | None = None

    def place(self, mail: Mail, position: int) -> None:
        """Put a mail with a patch into its series, or open one for it."""
        before, self._last = self._last, None
        version = self._version(mail)
        thread = self._threads.name(mail)
        if mail.is_reply or mail.number is None or mail.total is None:
            self.drafts.append(
                _Draft(version, 1, thread, position, numbered=False, slots={1: mail})
            )
            return
        total = mail.total
        if self._threads.alone(mail):
            drafts = self._loose.setdefault((_sender(mail), version, total, mail.prefixes), [])
            near = [one for one in drafts if _same_sitting(mail, one)]
            if before is not None and _follows(mail, version, total, before):
                near = [before[1]]
        else:
            drafts = self._threaded.setdefault((thread, version, total), [])
            near = drafts
        near = [one for one in near if mail.number not in one.slots]
        if near:
            draft = max(near, key=lambda one: _likeness(mail, one.sample))
            draft.slots[mail.number] = mail
        else:
            draft = _Draft(version, total, thread, position, numbered=True)
            draft.slots[mail.number] = mail
            drafts.append(draft)
            self.drafts.append(draft)
        draft.total = max(draft.total, mail.number)  # a late [PATCH 6/5]
        self._draft_of[mail.message_id] = draft
        self._last = (mail, draft)

    def _version(self, mail: Mail) -> int:
        """Version of a patch; one that does not say takes that of its cover or first patch."""
        if mail.version != 1 or mail.is_reply or not mail.in_reply_to:
            return mail.version
        above = self._by_id.get(mail.in_reply_to)
        if above is None or above.is_reply or above.total != mail.total:
            return mail.version
        if above.number not in {0, 1} or subjects.parse(mail.subject).versioned:
            return mail.version
        return above.version

    def give_covers(self) -> None:
        """Give each numbered series the cover letter of its thread and version."""
        threaded: dict[tuple[str, int], list[Mail]] = {}
        loose: dict[tuple[str, int, int], list[Mail]] = {}
        for mail in self._mails:
            if _is_cover(mail) and self._threads.alone(mail):
                key = (_sender(mail), mail.version, mail.total or 0)
                loose.setdefault(key, []).append(mail)
            elif _is_cover(mail):
                threaded.setdefault((self._threads.name(mail), mail.version), []).append(mail)
        for draft in self.drafts:
            if not draft.numbered:
                continue
            found = threaded.get((draft.thread, draft.version), [])
            if not found and self._threads.alone(draft.sample):
                found = self._loose_covers(draft, loose)
            if found:
                draft.cover = max(found, key=lambda mail: _likeness(draft.sample, mail))

    def _loose_covers(
        self, draft: _Draft, loose: dict[tuple[str, int, int], list[Mail]]
    ) -> list[Mail]:
        key = (_sender(draft.sample), draft.version, draft.total)
        found = [mail for mail in loose.get(key, []) if _same_sitting(mail, draft)]
        above = self._mails[draft.first - 1] if draft.first else draft.sample
        if not found and _is_cover(above) and self._threads.alone(above):
            alike = (above.version, above.total) == (draft.version, draft.total)
            return [above] if alike and _one_source(above, draft.sample) else []
        return found

    def complete_rerolls(self) -> None:
        """Fill a version that only replaces patches with those of the version before."""
        for draft in sorted(self.drafts, key=lambda one: one.version):
            if draft.numbered and draft.version > 1 and len(draft.slots) < draft.total:
                before = self._before(draft)
                if before is not None:
                    draft.slots = {**before.slots, **draft.slots}

    def _before(self, draft: _Draft) -> _Draft | None:
        """Find the series whose patches the mails of ``draft`` replace, the newest first."""
        replaced = [self._replaced(mail) for mail in draft.slots.values()]
        if not all(replaced):
            return None
        candidates = [
            self._draft_of[one]
            for one in set.union(*replaced)
            if one in self._draft_of and self._draft_of[one] is not draft
        ]
        for one in sorted(candidates, key=lambda one: one.version, reverse=True):
            ids = {mail.message_id for mail in one.slots.values()}
            if one.total == draft.total and all(ids & found for found in replaced):
                return one
        return None

    def _replaced(self, mail: Mail) -> set[str]:
        """Ids of the mails above ``mail`` that have its number and total."""
        found: set[str] = set()
        above = self._by_id.get(mail.in_reply_to or "")
        seen = {mail.message_id}
        while above is not None and above.message_id not in seen:
            seen.add(above.message_id)
            if above.number == mail.number and above.total == mail.total:
                found.add(above.message_id)
            above = self._by_id.get(above.in_reply_to or "")
        return found


def _is_cover(mail: Mail) -> bool:
    return mail.diff_start is None and not mail.is_reply and mail.number == 0


def _sender(mail: Mail) -> str:
    found = _ADDRESS.search(mail.sender or mail.author)
    return found.group().lower() if found else ""


def _likeness(one: Mail, other: Mail) -> int:
    """How much two mails look like parts of one series."""
    same_parent = one.in_reply_to is not None and one.in_reply_to in {
        other.in_reply_to,
        other.message_id,
    }
    return 4 * (_sender(one) == _sender(other)) + 2 * same_parent + (one.prefixes == other.prefixes)


def _follows(mail: Mail, version: int, total: int, before: tuple[Mail, _Draft]) -> bool:
    """Whether a mail stands right behind its predecessor, in one file, folder or range.

    That is how ``git format-patch`` and ``b4 am`` write a series, without threading, and
    with the authors for senders.
    """
    last, draft = before
    return (
        (draft.version, draft.total) == (version, total)
        and last.number is not None
        and mail.number == last.number + 1
        and mail.prefixes == last.prefixes
        and _one_source(mail, last)
    )


def _one_source(one: Mail, other: Mail) -> bool:
    return one.input.rpartition("/")[0] == other.input.rpartition("/")[0]


def _same_sitting(mail: Mail, draft: _Draft) -> bool:
    """Whether a mail was sent about when a draft was; unknown dates count as so."""
    other = draft.sample
    if mail.date is None or other.date is None:
        return True
    return abs(mail.date - other.date) < _SITTING


def _finish(draft: _Draft) -> Series:
    ordered = sorted(draft.slots.items())
    cover = draft.cover
    bodies = [cover.body if cover else "", *(mail.body for _number, mail in ordered)]
    based = (body for body in bodies if _names(body, "base-commit:"))
    base = next((found.group(1) for body in based if (found := _BASE.search(body))), None)
    prerequisites: list[str] = []
    for body in bodies:
        if not prerequisites and _names(body, "prerequisite-patch-id:"):
            prerequisites = _PREREQUISITE.findall(body)
    own = [mail for _number, mail in ordered if mail.version == draft.version]
    first = cover or (own[0] if own else ordered[0][1])
    return Series(
        subject=first.subject,
        version=draft.version,
        patches=tuple(_patch(number, mail) for number, mail in ordered),
        expected=draft.total,
        missing=tuple(
            number for number in range(1, min(draft.total, _MOST) + 1) if number not in draft.slots
        ),
        cover_message_id=(cover.message_id or None) if cover else None,
        base_commit=base,
        prerequisites=tuple(prerequisites),
        cover=cover.body if cover else "",
        references=first.references,
    )


def _names(body: str, trailer: str) -> bool:
    """Whether a body may have a trailer, in any usual case: most are long and have none."""
    return any(name in body for name in (trailer, trailer.title(), trailer.upper()))


def _patch(number: int, mail: Mail) -> Patch:
    start = len(mail.body) if mail.diff_start is None else mail.diff_start
    return Patch(
        number=number,
        message_id=mail.message_id or None,
        commit=mail.commit,
        subject=mail.subject,
        author=mail.author,
        date=mail.date,
        message=mail.body[:start],
        diff=mail.body[start:],
        input=mail.input,
        line=mail.line,
    )
