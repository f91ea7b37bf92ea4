"""Input read as far as there is room for it: a little of a packed one may become a lot."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, Final

from patchlint.mail import mbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: bytes of one mail; what is longer is no patch that anybody reads
MOST_OF_A_MAIL: Final = 16 << 20
#: bytes that one input may unpack to
MOST_UNPACKED: Final = 256 << 20
_PIECE: Final = 1 << 20
#: what is unpacked at once
_BUFFER: Final = 1 << 16

#: lines of a packed input, and mails of an mbox; more take long, however short they are
MOST_LINES: Final = 8_000_000
MOST_MAILS: Final = 100_000
#: what unpacks to so many times its size is no mail: text comes to a twentieth at most
MOST_TIMES: Final = 250
#: bytes of which that is asked
_FAIR: Final = 1 << 20


class TooLargeError(Exception):
    """An input unpacks to more than is read; the text says so."""


class Meter:
    """What was unpacked so far, of one input with all that is in it."""

    def __init__(self) -> None:
        self.given = 0
        self.lines = 0
        self.mails = 0

    def unfair(self) -> str:
        """Return why no more is read of the input, "" where there is room."""
        if self.given > MOST_UNPACKED:
            return f"it unpacks to more than {MOST_UNPACKED >> 20} MB: the rest is not read"
        if self.lines > MOST_LINES:
            return f"it unpacks to more than {MOST_LINES:,} lines: the rest is not read"
        if self.mails > MOST_MAILS:
            return f"it unpacks to more than {MOST_MAILS:,} mails: the rest is not read"
        return ""


class _Unpacking(io.RawIOBase):
    """What a library unpacks, until it is damaged, too much, or too much for its size."""

    def __init__(self, stream: Any, packed: IO[bytes] | None, meter: Meter) -> None:
        self._stream = stream
        self._packed = packed
        self._meter = meter
        self._given = 0
        self.damage = ""
        self.too_much = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; 0 at the end, where the attributes say whether it is one."""
        if self.damage or self.too_much:
            return 0
        try:
            data = self._stream.read1(len(buffer))
        except Exception as error:
            if not is_damage(error):
                raise
            self.damage = f"compressed data is damaged or cut short: {error}"
            return 0
        self._given += len(data)
        self._meter.given += len(data)
        self._meter.lines += data.count(b"\n")
        self.too_much = self._meter.unfair() or self._swollen()
        if self.too_much:
            return 0
        buffer[: len(data)] = data
        return len(data)

    def _swollen(self) -> str:
        if self._packed is None or self._given <= _FAIR:
            return ""
        # what was read of the packed data is a little more than what was unpacked
        if self._given <= MOST_TIMES * self._packed.tell():
            return ""
        return f"it unpacks to more than {MOST_TIMES} times its size: the rest is not read"


class Bounded:
    """A stream that ends with :class:`TooLargeError` when it has given too much.

    One that is ``packed`` ends where its data is damaged, and :attr:`damage` says how.
    ``source`` is the packed data, ``meter`` one that it shares with others of its input.
    """

    def __init__(
        self,
        stream: IO[bytes],
        *,
        packed: bool,
        source: IO[bytes] | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._meter = meter or Meter()
        self._unpacking = _Unpacking(stream, source, self._meter) if packed else None
        self._stream: Any = (
            stream if self._unpacking is None else io.BufferedReader(self._unpacking, _BUFFER)
        )

    @property
    def damage(self) -> str:
        """What is wrong with packed data, "" for nothing so far."""
        return "" if self._unpacking is None else self._unpacking.damage

    def readline(self) -> bytes:
        """Return the next line, or the first part of one that is very long."""
        return self._taken(self._stream.readline)

    def read(self) -> bytes:
        """Return the rest of a text; raises TooLargeError for more than one may be.

        A packed text is one mail, what is not may be the output of ``git log``.
        """
        most = MOST_UNPACKED if self._unpacking is None else MOST_OF_A_MAIL
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
            if (line.startswith(b"From ") and mbox.is_separator(line)) or mbox.is_mmdf(line):
                size = 0
                self._meter.mails += 1
            # the separator counts here and not in the message: keep enough that it is too long
            if size <= MOST_OF_A_MAIL + _PIECE:
                yield line
            size += len(line)

    def _taken(self, take: Callable[[int], bytes]) -> bytes:
        data = take(_PIECE)
        if not data and self._unpacking is not None and self._unpacking.too_much:
            raise TooLargeError(self._unpacking.too_much)
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
    source = io.BytesIO(data)
    with library.open(source, "rb") as stream:
        bounded = Bounded(stream, packed=True, source=source)
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
