"""Compressed input, read as far as there is room for it: a little of it may become a lot."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from patchlint.mail import mbox

if TYPE_CHECKING:
    from collections.abc import Iterator

#: bytes of one mail; what is longer is no patch that anybody reads
MOST_OF_A_MAIL: Final = 16 << 20
#: bytes that one input may unpack to
MOST_UNPACKED: Final = 256 << 20
_PIECE: Final = 1 << 20


class TooLargeError(Exception):
    """An input unpacks to more than is read; the text says so."""


class Bounded:
    """A stream that ends with :class:`TooLargeError` when it has given too much."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._given = 0

    def readline(self) -> bytes:
        """Return the next line, or the first part of one that is very long."""
        return self._counted(self._stream.readline(_PIECE))

    def read(self) -> bytes:
        """Return the rest of a mail; raises TooLargeError for more than a mail may be."""
        parts: list[bytes] = []
        size = 0
        while part := self._counted(self._stream.read(_PIECE)):
            parts.append(part)
            size += len(part)
            if size > MOST_OF_A_MAIL:
                raise TooLargeError(f"a mail of more than {MOST_OF_A_MAIL >> 20} MB: not read")
        return b"".join(parts)

    def __iter__(self) -> Iterator[bytes]:
        """Give the lines of an mbox, but for those far behind the start of their message."""
        size = 0
        while line := self.readline():
            if line.startswith(b"From ") and mbox.is_separator(line):
                size = 0
            # the separator counts here and not in the message: keep enough that it is too long
            if size <= MOST_OF_A_MAIL + _PIECE:
                yield line
            size += len(line)

    def _counted(self, data: bytes) -> bytes:
        self._given += len(data)
        if self._given > MOST_UNPACKED:
            text = f"it unpacks to more than {MOST_UNPACKED >> 20} MB: the rest is not read"
            raise TooLargeError(text)
        return data
