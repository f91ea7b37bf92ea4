"""An archive that a kernel takes as its first root file system, made without any program."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAGIC: Final = "070701"
_END: Final = "TRAILER!!!"
_ALIGN: Final = 4


class Entry(Struct, frozen=True):
    """A file, folder, link or device node: ``mode`` has its type, ``device`` (major, minor)."""

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(path: str) -> Entry:
    """Return a folder."""
    return Entry(path, stat.S_IFDIR | 0o755)


def file(path: str, data: bytes, *, run: bool = False) -> Entry:
    """Return a file, one that can be run when ``run``."""
    return Entry(path, stat.S_IFREG | (0o755 if run else 0o644), data)


def link(path: str, target: str) -> Entry:
    """Return a symbolic link."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def console(path: str = "dev/console") -> Entry:
    """Return the node that the first process has as its input and output."""
    return Entry(path, stat.S_IFCHR | 0o600, b"", (5, 1))


def archive(entries: Iterable[Entry]) -> bytes:
    """Return the archive (the "newc" form); folders stand before what is in them."""
    out = bytearray()
    made: set[str] = set()
    number = 0
    for entry in entries:
        for one in (*_parents(entry.path, made), entry):
            if one.path in made and stat.S_ISDIR(one.mode):
                continue
            made.add(one.path)
            number += 1
            out += _member(one, number)
    out += _member(Entry(_END, 0), 0)
    return bytes(out)


def _parents(path: str, made: set[str]) -> list[Entry]:
    parts = path.split("/")[:-1]
    above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    return [folder(one) for one in above if one not in made]


def _member(entry: Entry, number: int) -> bytes:
    name = entry.path.encode() + b"\0"
    fields = (
        number,
        entry.mode,
        0,  # owner
        0,  # group
        1,  # links
        0,  # time
        len(entry.data),
        0,
        0,  # the device that it lies on
        *entry.device,
        len(name),
        0,  # no checksum in this form
    )
    head = _MAGIC.encode() + b"".join(b"%08X" % field for field in fields)
    return _padded(head + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % _ALIGN)
