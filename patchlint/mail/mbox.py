"""Mboxes split as ``git mailsplit`` splits them, in one pass and without seeking.

All dialects are read: mboxrd and mboxo lose one ``>`` of an escaped ``>From ``; a
Content-Length that leads to the next separator (mboxcl2) is believed, and then nothing
is unescaped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ESCAPED = lazy(rb"^>(>*From )", re.MULTILINE)
_LENGTH = lazy(rb"^content-length:[ \t]*([0-9]{1,12})[ \t\r]*$", re.IGNORECASE)
_MMDF = b"\1\1\1\1"
_MIN_FROM = 20
_MIN_YEAR = 90
#: A longer announced message is not waited for: the length is then taken for wrong.
MAX_BELIEVED = 64 << 20


class Message(Struct, frozen=True):
    """One message of an mbox: its separator, its bytes, and the line it starts on."""

    separator: bytes
    data: bytes
    line: int


def is_separator(line: bytes) -> bool:
    """Whether ``git mailsplit`` takes ``line`` for the start of a message.

    ``From``, then anything, then a time of day and a year after 1990.
    """
    if len(line) < _MIN_FROM or not line.startswith(b"From "):
        return False
    colon = line.rfind(b":", 5, len(line) - 2)
    if colon < 0:
        return False
    digits = line[colon - 4 : colon - 3] + line[colon - 2 : colon] + line[colon + 1 : colon + 3]
    if len(digits) != 5 or not digits.isdigit():  # noqa: PLR2004
        return False
    year = re.match(rb"\s*\+?([0-9]{1,18})", line[colon + 3 :])
    return year is not None and int(year.group(1)) > _MIN_YEAR


def bare(line: bytes) -> bytes:
    """A line without the NUL that ``git format-patch -z`` puts before a separator."""
    return line[1:] if line.startswith(b"\0From ") and is_separator(line[1:]) else line


class _Building(Struct):
    """The message being read; ``doubts`` are separators inside an announced length."""

    separator: bytes
    line: int
    lines: list[bytes] = field(default_factory=list)
    in_headers: bool = True
    announced: int | None = None
    size: int = 0
    doubts: list[int] = field(default_factory=list)


def split(lines: Iterable[bytes]) -> Iterator[Message]:
    """Messages of an mbox given as lines with their ends.

    What stands before the first separator is no message and is left out.
    """
    current: _Building | None = None
    for number, line in enumerate(map(bare, lines), 1):
        if line.startswith(b"From ") and is_separator(line):
            if current is None or not _inside(current):
                if current is not None:
                    yield from _finish(current)
                current = _Building(separator=line, line=number)
                continue
            current.doubts.append(len(current.lines))
        if current is None:
            continue
        current.lines.append(line)
        if current.in_headers:
            if line in {b"\n", b"\r\n"}:
                current.in_headers = False
            elif (found := _LENGTH.match(line.rstrip(b"\n"))) is not None:
                length = int(found.group(1))
                current.announced = length if length <= MAX_BELIEVED else None
        else:
            current.size += len(line)
    if current is not None:
        yield from _finish(current)


def is_mmdf(line: bytes) -> bool:
    """Whether a line stands around the messages of an MMDF mailbox."""
    return line.startswith(_MMDF) and line.rstrip(b"\r\n") == _MMDF


def split_mmdf(lines: Iterable[bytes]) -> Iterator[Message]:
    """Messages of an MMDF mailbox, each of which has a line of four ``^A`` above and below.

    Their text is not escaped.
    """
    found: list[bytes] = []
    begin = 1
    for number, line in enumerate(lines, 1):
        if not is_mmdf(line):
            found.append(line)
            continue
        if found:
            yield Message(b"", b"".join(found), begin)
        found = []
        begin = number + 1
    if found:
        yield Message(b"", b"".join(found), begin)


def _inside(current: _Building) -> bool:
    """Whether the announced length says that the message has not ended yet."""
    return (
        not current.in_headers
        and current.announced is not None
        and current.size < current.announced
    )


def _finish(current: _Building) -> Iterator[Message]:
    if current.announced is None:
        yield Message(current.separator, unescape(b"".join(current.lines)), current.line)
        return
    rest = current.size - current.announced
    if 0 <= rest <= 2:  # noqa: PLR2004  # the empty line before the next separator
        yield Message(current.separator, b"".join(current.lines), current.line)
        return
    # The length was wrong: split where a reader without lengths would have.
    begin = 0
    separator, line = current.separator, current.line
    for doubt in current.doubts:
        yield Message(separator, unescape(b"".join(current.lines[begin:doubt])), line)
        separator, line = current.lines[doubt], current.line + 1 + doubt
        begin = doubt + 1
    yield Message(separator, unescape(b"".join(current.lines[begin:])), line)


def unescape(data: bytes) -> bytes:
    """Take one ``>`` off each escaped ``From `` line."""
    return _ESCAPED.sub(rb"\1", data) if b">From " in data else data


def escape(data: bytes) -> bytes:
    """Escape ``From `` lines as mboxrd does: the inverse of :func:`unescape`."""
    return re.sub(rb"^(>*From )", rb">\1", data, flags=re.MULTILINE) if b"From " in data else data
