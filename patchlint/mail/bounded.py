"""Input read as far as there is room for it: a little of a packed one may become a lot."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

from patchlint.mail import mbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: bytes of one mail; what is longer is no patch that anybody reads
MOST_OF_A_MAIL: Final = 16 << 20
#: bytes that one input may unpack to
MOST_UNPACKED: Final = 256 << 20
_PIECE: Final = 1 << 20


class TooLargeError(Exception):
    """An input unpacks to more than is read; the text says so."""


class Bounded:
    """A stream that ends with :class:`TooLargeError` when it has given too much.

    One that is ``packed`` ends where its data is damaged, and :attr:`damage` says how.
    """

    def __init__(self, stream: IO[bytes], *, packed: bool) -> None:
        self._stream = stream
        self._packed = packed
        self._given = 0
        #: what is wrong with packed data, "" for nothing so far
        self.damage = ""

    def readline(self) -> bytes:
        """Return the next line, or the first part of one that is very long."""
        return self._taken(self._stream.readline)

    def read(self) -> bytes:
        """Return the rest of a text; raises TooLargeError for more than one may be.

        A packed text is one mail, what is not may be the output of ``git log``.
        """
        most = MOST_OF_A_MAIL if self._packed else MOST_UNPACKED
        parts: list[bytes] = []
        size = 0
        while part := self._taken(self._stream.read):
            parts.append(part)
            size += len(part)
            if size > most:
                raise TooLargeError(f"a mail of more than {most >> 20} MB: not read")
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

    def _taken(self, take: Callable[[int], bytes]) -> bytes:
        if not self._packed:
            return take(_PIECE)
        if self.damage:
            return b""
        try:
            data = take(_PIECE)
        except Exception as error:
            if not is_damage(error):
                raise
            self.damage = f"compressed data is damaged or cut short: {error}"
            return b""
        self._given += len(data)
        if self._given > MOST_UNPACKED:
            text = f"it unpacks to more than {MOST_UNPACKED >> 20} MB: the rest is not read"
            raise TooLargeError(text)
        return data


#: modules that unpack, by the first bytes of what they packed
PACKED: Final = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "lzma", b"BZh": "bz2"}


def packing(start: bytes) -> Any:
    """Return the module that unpacks what begins with ``start``, None for what is not packed."""
    name = next((name for magic, name in PACKED.items() if start.startswith(magic)), None)
    if name is None:
        return None
    import importlib

    return importlib.import_module(name)


def unpacked(data: bytes) -> tuple[bytes, str]:
    """Return what is in packed ``data`` as far as it is one mail, and what of it is not read.

    What is not packed comes back as it is.
    """
    library = packing(data[:6])
    if library is None:
        return data, ""
    import io

    with library.open(io.BytesIO(data), "rb") as stream:
        bounded = Bounded(stream, packed=True)
        try:
            text = bounded.read()
        except TooLargeError as error:
            return b"", str(error)
    # what only begins as packed data does
    return (text if text or not bounded.damage else data), bounded.damage


def is_damage(error: Exception) -> bool:
    """Whether a library that unpacks says by ``error`` that its input is none of its own."""
    import gzip
    import lzma
    import zipfile
    import zlib

    libraries = (zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile)
    # bz2 has no error of its own
    invalid = isinstance(error, OSError) and error.errno is None
    return invalid or isinstance(error, (EOFError, NotImplementedError, RuntimeError, *libraries))
