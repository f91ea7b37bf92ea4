"""A series being put together, and what tells that mails are parts of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

from patchlint.model.mail import Mail, Patch, Series
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable

_BASE = lazy(r"^base-commit: .*?\b([0-9a-f]{7,64})\b", re.MULTILINE | re.IGNORECASE)
_PREREQUISITE = lazy(r"^prerequisite-patch-id:\s+(\S+)", re.MULTILINE | re.IGNORECASE)
_ADDRESS = lazy(r"[^\s<>\"]+@[^\s<>\"]+")
_NUMBERED = lazy(r"(?:v\d+(?:\.\d+)?-)?(\d{4})(?:-|$)")

#: Seconds within which patches that were sent without threading are one series.
_SITTING = 86400.0
#: An ``n/m`` above this is taken for what it says, but its gaps are not all listed.
_MOST = 2000


class Draft(Struct):
    """A series being put together.

    ``said`` is the total that its mails give, 0 when none does; ``total`` how many patches
    are expected.  ``from_zero`` is set where the first patch is called 0.
    """

    version: int
    minor: int
    said: int
    total: int
    thread: str
    first: int
    numbered: bool
    slots: dict[int, Mail] = field(default_factory=dict)
    cover: Mail | None = None
    from_zero: bool = False
    remarks: list[str] = field(default_factory=list)

    @property
    def sample(self) -> Mail:
        """One of its mails."""
        return next(iter(self.slots.values()))

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers that no mail has, the lowest of them."""
        start = 0 if self.from_zero else 1
        numbers = range(start, min(start + self.total, _MOST + 1))
        return tuple(number for number in numbers if number not in self.slots)

    def put(self, number: int, mail: Mail) -> None:
        """Add a mail; a late [PATCH 6/5] makes the series longer."""
        self.slots[number] = mail
        self.total = max(self.total, number)

    def set_in_order(self) -> None:
        """Number patches that came without numbers, the newest first, from the oldest on."""
        if self.numbered or len(self.slots) == 1:
            return
        from patchlint.mail.texts import newest_first

        diffs = [
            mail.body[mail.diff_start or 0 :].encode("utf-8", "replace")
            for mail in self.slots.values()
        ]
        if newest_first(diffs):
            self.slots = dict(enumerate(reversed(self.slots.values()), 1))

    def finish(self) -> Series:
        """The series that it has become."""
        self.set_in_order()
        ordered = sorted(self.slots.items())
        cover = self.cover
        bodies = [cover.body if cover else "", *(mail.body for _number, mail in ordered)]
        based = (body for body in bodies if _names(body, "base-commit:"))
        base = next((found.group(1) for body in based if (found := _BASE.search(body))), None)
        prerequisites: list[str] = []
        for body in bodies:
            if not prerequisites and _names(body, "prerequisite-patch-id:"):
                prerequisites = _PREREQUISITE.findall(body)
        key = (self.version, self.minor)
        own = [mail for _number, mail in ordered if (mail.version, mail.minor) == key]
        first = cover or (own[0] if own else ordered[0][1])
        return Series(
            subject=first.subject,
            version=self.version,
            patches=tuple(_patch(number, mail) for number, mail in ordered),
            expected=self.total,
            missing=self.missing,
            cover_message_id=(cover.message_id or None) if cover else None,
            base_commit=base,
            prerequisites=tuple(prerequisites),
            cover=cover.body if cover else "",
            references=first.references,
            remarks=tuple(self.remarks),
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
        unread=mail.unread,
    )


def is_cover(mail: Mail) -> bool:
    """Whether a mail introduces a series."""
    return mail.diff_start is None and not mail.is_reply and mail.number == 0


def sender(mail: Mail) -> str:
    """The address that sent a mail, in lower case; empty when there is none."""
    found = _ADDRESS.search(mail.sender or mail.author)
    return found.group().lower() if found else ""


def likeness(one: Mail, other: Mail) -> int:
    """How much two mails look like parts of one series."""
    same_parent = one.in_reply_to is not None and one.in_reply_to in {
        other.in_reply_to,
        other.message_id,
    }
    return 4 * (sender(one) == sender(other)) + 2 * same_parent + (one.prefixes == other.prefixes)


def follows(mail: Mail, last: Mail, draft: Draft) -> bool:
    """Whether a mail stands right behind ``last`` of ``draft``, in one file, folder or range.

    That is how ``git format-patch`` and ``b4 am`` write a series, without threading, and
    with the authors for senders.
    """
    return (
        (draft.version, draft.minor, draft.said) == (mail.version, mail.minor, mail.total or 0)
        and last.number is not None
        and mail.number == last.number + 1
        and mail.prefixes == last.prefixes
        and one_source(mail, last)
    )


def runs_on(mail: Mail, last: Mail, draft: Draft) -> bool:
    """Whether an unnumbered patch goes on where ``last`` of ``draft`` ends.

    ``git format-patch --no-numbered``, ``--keep-subject`` and ``git log -p`` write a series
    so: one text, or files that are numbered, and nothing that was ever mailed.
    """
    return (
        not (mail.message_id or mail.references or last.message_id or last.references)
        and last.number is None
        and (mail.version, mail.minor, mail.prefixes) == (last.version, last.minor, last.prefixes)
        and _next_in_source(mail, last)
        and all(mail.subject != other.subject for other in draft.slots.values())
    )


def _next_in_source(mail: Mail, last: Mail) -> bool:
    if mail.input == last.input:
        return True
    folder, _, name = mail.input.rpartition("/")
    before, _, last_name = last.input.rpartition("/")
    here, there = _NUMBERED.match(name), _NUMBERED.match(last_name)
    return (
        folder == before
        and here is not None
        and there is not None
        and int(here.group(1)) == int(there.group(1)) + 1
    )


def one_source(one: Mail, other: Mail) -> bool:
    """Whether two mails come from one file or folder."""
    return one.input.rpartition("/")[0] == other.input.rpartition("/")[0]


def same_sitting(mail: Mail, draft: Draft) -> bool:
    """Whether a mail was sent about when a draft was; unknown dates count as so."""
    other = draft.sample
    if mail.date is None or other.date is None:
        return True
    return abs(mail.date - other.date) < _SITTING


def listed(numbers: Iterable[int]) -> str:
    """Some numbers in words: ``patch 1``, ``patches 1, 3``."""
    names = [str(number) for number in numbers]
    return f"patch{'es' if len(names) > 1 else ''} {', '.join(names[:20])}"
