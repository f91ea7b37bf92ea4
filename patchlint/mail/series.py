"""Mails in, series out: threads, versions, order, gaps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from patchlint.mail import subject as subjects
from patchlint.model.mail import Mail, Patch, Series

_BASE = re.compile(r"^base-commit: .*?\b([0-9a-f]{7,64})\b", re.MULTILINE | re.IGNORECASE)
_PREREQUISITE = re.compile(r"^prerequisite-patch-id:\s+(\S+)", re.MULTILINE | re.IGNORECASE)
_SEPARATOR = re.compile(r"^---\s*$", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>\"]+@[^\s<>\"]+")
_DIFFSTAT = re.compile(r"^\s*\d+ files? changed", re.MULTILINE)


@dataclass(slots=True)
class _Draft:
    """A series being put together: one thread, one sender, one version."""

    version: int
    total: int
    first: int
    numbered: bool
    slots: dict[int, Mail] = field(default_factory=dict)
    cover: Mail | None = None


def group(mails: Sequence[Mail]) -> tuple[Series, ...]:
    """One series for each version of each series, in the order of their first mails.

    A mail that came twice counts once.  Mails without a patch form no series, but cover
    letters are told of.  A reply with a patch of its own is a series by itself: as b4
    does, it is never put into the series that it answers.
    """
    unique = _unique(mails)
    by_id = {mail.message_id: mail for mail in unique if mail.message_id}
    thread = _threads(unique)
    covers: dict[tuple[str, str, int], Mail] = {}
    for mail in unique:
        if _is_cover(mail):
            covers.setdefault((thread(mail), _sender(mail), mail.version), mail)
    drafts: dict[tuple[object, ...], _Draft] = {}
    for position, mail in enumerate(unique):
        if mail.diff_start is not None:
            _place(mail, position, drafts, thread(mail), by_id)
    for (root, sender, version), cover in covers.items():
        for key, draft in drafts.items():
            if draft.cover is None and draft.numbered and key[:3] == (root, sender, version):
                draft.cover = cover
    ordered = sorted(drafts.values(), key=lambda draft: draft.first)
    return tuple(_finish(draft) for draft in ordered)


def _unique(mails: Iterable[Mail]) -> list[Mail]:
    seen: set[str] = set()
    out: list[Mail] = []
    for mail in mails:
        key = mail.message_id or (mail.commit or "")
        if key and key in seen:
            continue
        seen.add(key)
        out.append(mail)
    return out


def _is_cover(mail: Mail) -> bool:
    return mail.diff_start is None and not mail.is_reply and mail.number == 0


def _sender(mail: Mail) -> str:
    found = _ADDRESS.search(mail.sender or mail.author)
    return found.group().lower() if found else ""


class _threads:  # noqa: N801  # a function with a table
    """Names the thread of a mail: mails are joined by every id that they refer to."""

    def __init__(self, mails: Sequence[Mail]) -> None:
        self._parent: dict[str, str] = {}
        for mail in mails:
            for other in mail.references:
                if mail.message_id:
                    self._join(mail.message_id, other)
                else:
                    self._join(mail.references[0], other)

    def _root(self, name: str) -> str:
        parent = self._parent
        root = name
        while (above := parent.get(root, root)) != root:
            root = above
        while (above := parent.get(name, name)) != root:
            parent[name] = root
            name = above
        return root

    def _join(self, one: str, other: str) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            self._parent[one] = other

    def __call__(self, mail: Mail) -> str:
        """Name of the thread; empty for a mail with neither an id nor references."""
        name = mail.message_id or next(iter(mail.references), "")
        return self._root(name) if name else ""


def _place(
    mail: Mail,
    position: int,
    drafts: dict[tuple[object, ...], _Draft],
    root: str,
    by_id: dict[str, Mail],
) -> None:
    version = _version(mail, by_id)
    sender = _sender(mail)
    if mail.is_reply or mail.number is None or mail.total is None:
        drafts[(root, sender, version, "lone", position)] = _Draft(
            version, 1, position, numbered=False, slots={1: mail}
        )
        return
    if not root or not mail.references:
        root = _unthreaded(mail, drafts, sender, version) or root
    attempt = 0
    while True:
        key = (root, sender, version, "series", attempt)
        draft = drafts.get(key)
        if draft is None:
            drafts[key] = _Draft(
                version, mail.total, position, numbered=True, slots={mail.number: mail}
            )
            return
        if mail.number not in draft.slots and draft.total == mail.total:
            draft.slots[mail.number] = mail
            return
        attempt += 1


def _version(mail: Mail, by_id: dict[str, Mail]) -> int:
    """Version of a patch; one that does not say takes that of its cover or first patch."""
    if mail.version == 1 and mail.in_reply_to and not mail.is_reply:
        above = by_id.get(mail.in_reply_to)
        if (
            above is not None
            and not above.is_reply
            and above.number in {0, 1}
            and above.total == mail.total
            and not subjects.parse(mail.subject).versioned
        ):
            return above.version
    return mail.version


def _unthreaded(
    mail: Mail, drafts: dict[tuple[object, ...], _Draft], sender: str, version: int
) -> str | None:
    """Thread of the series that a patch without references belongs to by its number."""
    for key, draft in drafts.items():
        if (
            draft.numbered
            and key[1:3] == (sender, version)
            and draft.total == mail.total
            and mail.number not in draft.slots
            and _near(mail, draft)
        ):
            return str(key[0])
    return None


def _near(mail: Mail, draft: _Draft) -> bool:
    other = next(iter(draft.slots.values()))
    if mail.date is None or other.date is None:
        return True
    return abs(mail.date - other.date) < 86400  # noqa: PLR2004  # a day


def _finish(draft: _Draft) -> Series:
    patches = tuple(_patch(number, mail) for number, mail in sorted(draft.slots.items()))
    missing = tuple(number for number in range(1, draft.total + 1) if number not in draft.slots)
    first = draft.cover or next(iter(dict(sorted(draft.slots.items())).values()))
    bodies = [draft.cover.body if draft.cover else "", *(m.body for m in draft.slots.values())]
    base = next((found.group(1) for body in bodies if (found := _BASE.search(body))), None)
    prerequisites = next((found for body in bodies if (found := _PREREQUISITE.findall(body))), [])
    return Series(
        subject=first.subject,
        version=draft.version,
        patches=patches,
        expected=draft.total,
        missing=missing,
        cover_message_id=draft.cover.message_id if draft.cover else None,
        base_commit=base,
        prerequisites=tuple(prerequisites),
        cover=draft.cover.body if draft.cover else "",
        references=first.references,
    )


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
