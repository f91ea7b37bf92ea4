"""Mails in, series out: threads, versions, order, gaps.

The rules are those of ``b4 am``, and the series are the same, but for what b4 would lose.
b4 takes its mbox for one thread, here it may hold any number.  Where two mails claim one
place in a series, b4 lengthens the series by one; here the second opens a series of its own.
Patches of one series whose totals differ, that count from 0, that have no numbers or one
Message-ID stay together here.  liblore's ``summarize_threads`` counts patches but does not
say which mail stands where, and needs every mail parsed by the ``email`` package, at a
quarter of the speed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.mail import subject as subjects
from patchlint.mail.draft import (
    Draft,
    follows,
    is_cover,
    likeness,
    listed,
    one_source,
    runs_on,
    same_sitting,
    sender,
)
from patchlint.mail.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.mail import Mail, Series

#: What series that were sent without threading are known by, and those of a thread.
_Loose = tuple[str, int, int, int, tuple[str, ...]]
_Threaded = tuple[str, int, int, int]


def group(mails: Sequence[Mail]) -> tuple[Series, ...]:
    """One series for each version of each series, in the order of their first mails.

    A mail that came twice counts once.  Mails without a patch form no series, but cover
    letters are told of.  A reply with a patch of its own is a series by itself: as b4
    does, it is never put into the series that it answers.  Where single patches of a
    version were sent as replies to those that they replace, the others are taken from the
    version before.
    """
    unique, shared = _unique(mails)
    grouping = _Grouping(unique)
    for position, mail in enumerate(unique):
        if mail.diff_start is not None and (mail.number != 0 or mail.is_reply):
            grouping.place(mail, position)
    grouping.join_totals()
    for position, mail in enumerate(unique):
        if mail.diff_start is not None and mail.number == 0 and not mail.is_reply:
            grouping.place_zero(mail, position)
    grouping.give_covers()
    for draft in grouping.drafts:
        _take_title_version(draft)
    grouping.complete_rerolls()
    ordered = sorted(grouping.drafts, key=lambda draft: draft.first)
    for draft in ordered if shared else ():
        _note_shared(draft, shared)
    return tuple(draft.finish() for draft in ordered)


def _unique(mails: Iterable[Mail]) -> tuple[list[Mail], dict[str, int]]:
    """The mails less those that came twice, and the ids that several patches have.

    A mail with several patches counts by each of them.
    """
    seen: dict[object, list[Mail]] = {}
    shared: dict[str, int] = {}
    out: list[Mail] = []
    for mail in mails:
        key = mail.message_id or (mail.subject, mail.author, mail.date)
        known = seen.setdefault(key, [])
        if any(_same(mail, other) for other in known):
            continue
        known.append(mail)
        out.extend(mail.attached or [mail])
        if len(known) > 1 and mail.message_id:
            patches = sum(one.diff_start is not None for one in known)
            if patches > 1:
                shared[mail.message_id] = patches
    return out, shared


def _same(one: Mail, other: Mail) -> bool:
    """Whether two mails with one Message-ID, or with none and one head, are the same mail.

    Lists add to a text and encode it anew, so that of a known mail the patch alone counts.
    """
    if one.body == other.body:
        return len(one.attached) == len(other.attached)
    if not one.message_id or one.attached or other.attached:
        return False
    if one.diff_start is None or other.diff_start is None:
        return one.diff_start == other.diff_start
    return _changes(one) == _changes(other)


def _changes(mail: Mail) -> list[str]:
    """The marked lines of a patch, without trailing blanks."""
    lines = mail.body[mail.diff_start or 0 :].split("\n")
    return [line.rstrip() for line in lines if line[:1] in {"+", "-", "@"} and line[:3] != "-- "]


def _take_title_version(draft: Draft) -> None:
    """Give a series the version that the titles of all its patches end with."""
    if draft.version == 1 and draft.numbered and subjects.title_version(draft.sample.subject):
        said = {subjects.title_version(mail.subject) for mail in draft.slots.values()}
        draft.version = said.pop() or 1 if len(said) == 1 else 1


def _note_shared(draft: Draft, shared: dict[str, int]) -> None:
    """Say of a series which of its patches have a Message-ID that others have as well."""
    ids = {mail.message_id for mail in draft.slots.values()} & shared.keys()
    draft.remarks.extend(
        f"{shared[name]} different patches have the Message-ID <{name}>; each is read"
        for name in sorted(ids)
    )


class _Grouping:
    """The drafts, and the ways to find one."""

    def __init__(self, mails: Sequence[Mail]) -> None:
        self.drafts: list[Draft] = []
        self._mails = mails
        self._by_id = {mail.message_id: mail for mail in mails if mail.message_id}
        self._threads = Threads(mails)
        self._threaded: dict[_Threaded, list[Draft]] = {}
        self._loose: dict[_Loose, list[Draft]] = {}
        self._draft_of: dict[str, Draft] = {}
        self._last: tuple[Mail, Draft] | None = None

    def place(self, mail: Mail, position: int) -> None:
        """Put a mail with a patch into its series, or open one for it."""
        before, self._last = self._last, None
        if mail.is_reply or self._answers(mail):
            self._open(mail, position, numbered=False)
        elif mail.number is None:
            if before is not None and runs_on(mail, *before):
                draft = before[1]
                draft.put(len(draft.slots) + 1, mail)
            else:
                draft = self._open(mail, position, numbered=False)
            self._last = (mail, draft)
        else:
            self._last = (mail, self._place_numbered(mail, mail.number, position, before))

    def _place_numbered(
        self, mail: Mail, number: int, position: int, before: tuple[Mail, Draft] | None
    ) -> Draft:
        version, total = self._version(mail), mail.total or 0
        thread = self._threads.name(mail)
        if self._threads.alone(mail):
            key = (sender(mail), version, mail.minor, total, mail.prefixes)
            drafts = self._loose.setdefault(key, [])
            near = [one for one in drafts if same_sitting(mail, one)]
            if before is not None and follows(mail, *before):
                near = [before[1]]
        else:
            drafts = self._threaded.setdefault((thread, version, mail.minor, total), [])
            near = drafts
        near = [one for one in near if number not in one.slots]
        if near:
            draft = max(near, key=lambda one: likeness(mail, one.sample))
            draft.put(number, mail)
        else:
            draft = self._open(mail, position, numbered=True, version=version)
            drafts.append(draft)
        self._draft_of[mail.message_id] = draft
        return draft

    def _open(
        self, mail: Mail, position: int, *, numbered: bool, version: int | None = None
    ) -> Draft:
        number = mail.number if numbered and mail.number is not None else 1
        total = (mail.total or 0) if numbered else 1
        draft = Draft(
            mail.version if version is None else version,
            mail.minor,
            total,
            total,
            self._threads.name(mail),
            position,
            numbered=numbered,
        )
        draft.put(number, mail)
        self.drafts.append(draft)
        return draft

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

    def _answers(self, mail: Mail) -> bool:
        """Whether a mail answers the patch above it, quotes it, and lacks the ``Re:`` alone."""
        above = self._by_id.get(mail.in_reply_to or "")
        if above is None or above.diff_start is None:
            return False
        here = (mail.number, mail.total, mail.version, mail.minor)
        if here != (above.number, above.total, above.version, above.minor):
            return False
        if not re.search(r"^>", mail.body[: mail.diff_start], re.MULTILINE):
            return False
        return subjects.parse(mail.subject).title == subjects.parse(above.subject).title

    def join_totals(self) -> None:
        """Join parts of one series whose mails give different totals, or none.

        Parts are joined when together they are whole, and each alone is not.
        """
        parts: dict[tuple[object, ...], list[Draft]] = {}
        for draft in self.drafts:
            if draft.numbered and (not draft.said or draft.missing):
                parts.setdefault(self._family(draft), []).append(draft)
        for drafts in parts.values():
            first, *others = drafts
            numbers = [number for draft in drafts for number in draft.slots]
            whole = sorted(numbers) == list(range(1, len(numbers) + 1))
            if not others or not whole or not all(_near(first, other) for other in others):
                continue
            for other in others:
                first.slots.update(other.slots)
                self.drafts.remove(other)
            first.total = len(numbers)
            self._draft_of.update((mail.message_id, first) for mail in first.slots.values())

    def _family(self, draft: Draft) -> tuple[object, ...]:
        sample = draft.sample
        alone = self._threads.alone(sample)
        name = (sender(sample), sample.prefixes) if alone else (draft.thread, None)
        return (alone, *name, draft.version, draft.minor)

    def place_zero(self, mail: Mail, position: int) -> None:
        """Place a patch that is called 0: the first of some, the only one, or a cover letter's.

        The diff in the cover letter of a series that is whole is none of its patches.
        """
        near = [draft for draft in self.drafts if draft.numbered and self._introduces(mail, draft)]
        if not near:
            lone = replace(mail, number=1) if (mail.total or 0) <= 1 else mail
            draft = self._open(lone, position, numbered=True)
            draft.total = max(draft.total, 1)
            self._draft_of[mail.message_id] = draft
            return
        draft = max(near, key=lambda one: likeness(mail, one.sample))
        if not draft.missing:
            draft.cover = replace(mail, diff_start=None)
            draft.remarks.append(
                f"the diff in the cover letter is none of the {draft.total} patches; it is not read"
            )
        else:
            draft.from_zero = draft.missing == (draft.total,)
            draft.slots[0] = mail
            self._draft_of[mail.message_id] = draft

    def _introduces(self, mail: Mail, draft: Draft) -> bool:
        """Whether a mail may be the cover letter of a series."""
        if (mail.version, mail.minor) != (draft.version, draft.minor) or 0 in draft.slots:
            return False
        if not self._threads.alone(mail):
            return self._threads.name(mail) == draft.thread
        first = draft.sample
        return (
            self._threads.alone(first)
            and draft.said == (mail.total or 0)
            and same_sitting(mail, draft)
            and (sender(mail) == sender(first) or one_source(mail, first))
        )

    def give_covers(self) -> None:
        """Give each numbered series the cover letter of its thread and version."""
        threaded: dict[tuple[str, int, int], list[Mail]] = {}
        loose: dict[tuple[str, int, int], list[Mail]] = {}
        for mail in self._mails:
            if is_cover(mail) and self._threads.alone(mail):
                key = (sender(mail), mail.version, mail.total or 0)
                loose.setdefault(key, []).append(mail)
            elif is_cover(mail):
                place = (self._threads.name(mail), mail.version, mail.minor)
                threaded.setdefault(place, []).append(mail)
        for draft in self.drafts:
            if not draft.numbered or draft.cover is not None:
                continue
            found = threaded.get((draft.thread, draft.version, draft.minor), [])
            if not found and self._threads.alone(draft.sample):
                found = self._loose_covers(draft, loose)
            if found:
                draft.cover = max(found, key=lambda mail: likeness(draft.sample, mail))

    def _loose_covers(
        self, draft: Draft, loose: dict[tuple[str, int, int], list[Mail]]
    ) -> list[Mail]:
        key = (sender(draft.sample), draft.version, draft.said)
        found = [mail for mail in loose.get(key, []) if same_sitting(mail, draft)]
        above = self._mails[draft.first - 1] if draft.first else draft.sample
        if not found and is_cover(above) and self._threads.alone(above):
            alike = (above.version, above.total or 0) == (draft.version, draft.said)
            return [above] if alike and one_source(above, draft.sample) else []
        return found

    def complete_rerolls(self) -> None:
        """Fill a version that only replaces patches with those of the version before."""
        self._draft_of.update(
            (draft.cover.message_id, draft)
            for draft in self.drafts
            if draft.cover is not None and draft.cover.message_id
        )
        for draft in sorted(self.drafts, key=lambda one: (one.version, one.minor, one.first)):
            if not draft.numbered or not draft.missing:
                continue
            before = self._before(draft)
            if before is not None:
                draft.slots = {**before.slots, **draft.slots}
                draft.total = max(draft.total, before.total)
            elif (before := self._answered(draft)) is not None:
                taken = [number for number in draft.missing if number in before.slots]
                draft.slots = {**before.slots, **draft.slots}
                draft.remarks.append(
                    f"{listed(taken)} of v{draft.version} not in the input; in their place stand "
                    f"those of v{before.version}, which it answers"
                )

    def _before(self, draft: Draft) -> Draft | None:
        """Find the series whose patches the mails of ``draft`` replace, the newest first."""
        replaced = [self._replaced(mail) for mail in draft.slots.values()]
        if not all(replaced):
            return None
        candidates = [
            self._draft_of[one]
            for one in set.union(*replaced)
            if one in self._draft_of and self._draft_of[one] is not draft
        ]
        for one in sorted(candidates, key=lambda one: (one.version, one.minor), reverse=True):
            ids = {mail.message_id for mail in one.slots.values()}
            if one.said == draft.said and all(ids & found for found in replaced):
                return one
        return None

    def _replaced(self, mail: Mail) -> set[str]:
        """Ids of the mails above ``mail`` that have its number and total."""
        place = (mail.number, mail.total)
        found = {
            one
            for one in mail.references
            if (other := self._by_id.get(one)) is not None and (other.number, other.total) == place
        }
        above = self._by_id.get(mail.in_reply_to or "")
        seen = {mail.message_id}
        while above is not None and above.message_id not in seen:
            seen.add(above.message_id)
            if (above.number, above.total) == place:
                found.add(above.message_id)
            above = self._by_id.get(above.in_reply_to or "")
        return found

    def _answered(self, draft: Draft) -> Draft | None:
        """Find the earlier version that the patches of a series without a cover letter answer."""
        parents = {mail.in_reply_to or "" for mail in draft.slots.values()}
        found = {id(one): one for name in parents if (one := self._draft_of.get(name)) is not None}
        if draft.cover is not None or len(found) != 1 or not parents <= self._draft_of.keys():
            return None
        (one,) = found.values()
        return one if one.said == draft.said and one.version < draft.version else None


def _near(one: Draft, other: Draft) -> bool:
    """Whether two parts may be of one series: one sender, sent together or to one parent."""
    first, second = one.sample, other.sample
    return same_sitting(first, other) and (
        sender(first) == sender(second) or one_source(first, second)
    )
