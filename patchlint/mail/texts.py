"""Texts that are no mail and no mbox but hold patches: what git prints, what sites hand out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from patchlint.mail.certain import plain
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A commit as ``git log`` and ``git show`` print it, in any of their formats, and a changeset
#: of ``hg export``.
_COMMIT = lazy(
    rb"^(?:commit ([0-9a-f]{7,64})\b[^\n]*\n(?=[A-Za-z]+:? )"
    rb"|([0-9a-f]{7,64}) [^\n]*\n(?=diff --)"
    rb"|# HG changeset patch\n)",
    re.MULTILINE,
)
_BLOBS = lazy(rb"^index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})", re.MULTILINE)
_DIFF = lazy(rb"^(?:diff -|--- )", re.MULTILINE)
_SEPARATOR = lazy(rb"^From [^\n]+\n(?=[!-9;-~]+: )", re.MULTILINE)
#: what ``git -z`` puts between commits, and between what it says of one and its diff
_ZEROS = lazy(
    rb"(?<!\0)\0++(?=(?:\x1b\[[0-9;]*[mK])*(?:From [0-9a-f]{40}|commit [0-9a-f]{7}|diff --git ))"
)
_LOG = lazy(rb"(?:\x1b\[[0-9;]*[mK])*commit [0-9a-f]{7,64}\b[^\n]*\n[A-Za-z]+:? ")
_BASE64 = lazy(rb"[A-Za-z0-9+/\r\n]+={0,2}\s*")


class Shown(Struct, frozen=True):
    """One commit of a text: its piece, the lines above that, and its id when it has one."""

    data: bytes
    line: int
    commit: str | None


def commits(data: bytes) -> tuple[Shown, ...]:
    """The commits that ``git log -p`` or ``git show`` printed, oldest first.

    ``git log`` prints the newest first unless it is told otherwise.  Those without a diff
    (merges) are left out; nothing comes back for any other text.
    """
    data = plain(data)
    found = list(_COMMIT.finditer(data))
    if not found or b":" in data[: found[0].start()].partition(b"\n")[0]:
        return ()
    ends = [*(one.start() for one in found[1:]), len(data)]
    pieces = [
        Shown(
            data[one.start() : end],
            data.count(b"\n", 0, one.start()),
            name.decode("ascii") if (name := one.group(1) or one.group(2)) else None,
        )
        for one, end in zip(found, ends, strict=True)
        if _DIFF.search(data, one.start(), end)
    ]
    return tuple(pieces if newest_first([one.data for one in pieces]) is False else pieces[::-1])


def newest_first(diffs: Sequence[bytes]) -> bool | None:
    """Whether the earlier diffs stand on what the later ones make of the same files.

    None where the ids of the files do not tell.
    """
    made: set[bytes] = set()
    needed: set[bytes] = set()
    forward = backward = 0
    for diff in diffs:
        pairs = _BLOBS.findall(diff)
        forward += sum(old in made for old, _new in pairs)
        backward += sum(new in needed for _old, new in pairs)
        made.update(new for _old, new in pairs if new.strip(b"0"))
        needed.update(old for old, _new in pairs if old.strip(b"0"))
    return None if forward == backward else backward > forward


def parted(data: bytes) -> bytes:
    """A text with line ends for the NULs of ``git format-patch -z`` and ``git log -z``.

    Those of ``--name-status`` and the like stand behind names, which a log alone has in its text.
    """
    if b"\0" not in data:
        return data
    return data.replace(b"\0", b"\n") if _LOG.match(data) else _ZEROS.sub(b"\n", data)


def unpacked(data: bytes) -> bytes | None:
    """What a text that is base64 as a whole stands for, None for any other."""
    if b" " in data[:80] or _BASE64.fullmatch(data) is None:
        return None
    import binascii

    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        return None


def first_separator(data: bytes) -> int | None:
    """Offset of the first mbox separator with a header behind it, None without one."""
    from patchlint.mail.mbox import is_separator

    return next(
        (
            found.start()
            for found in _SEPARATOR.finditer(data)
            if is_separator(data[found.start() : found.end()])
        ),
        None,
    )
