"""Tells a file of ours that is damaged from one that is whole, as far as that is cheap.

Beside an index or a store stands a seal: its size, the time of its last change and a check sum.  A
small file is held against its sum each time, a large one once a day.  Of a store that was
written since it was sealed nothing is known: others may write to it, and it is taken as it is.  An
index nobody writes but us, and we take its seal off first: one that changed under its seal is
damaged, unless its sum is what it was.  Told apart are accidents, not forgers.
"""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: a file up to this size is read whole each time: some milliseconds
_SMALL: Final = 8 << 20
#: how long a large file counts as whole after it was held against its sum, in seconds
_LASTS: Final = 86_400.0
_CHUNK: Final = 1 << 20
#: of a seal: size, time, sum
_WORDS: Final = 3
#: codes of SQLite for what is no fault of the file
_OF_THE_MACHINE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def seal(path: Path) -> None:
    """Seal the file at ``path``, unless some of it still stands in its log."""
    beside = _beside(path)
    with suppress(OSError):
        before = _state(path)
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            beside.unlink(missing_ok=True)
            return
        text = f"{before} {_sum(path):08x}\n"
        fresh = beside.with_name(f"{beside.name}.{os.getpid()}")
        fresh.write_text(text, encoding="ascii")
        fresh.replace(beside)


def unseal(path: Path) -> None:
    """Take the seal off a file that is about to be written."""
    with suppress(OSError):
        _beside(path).unlink(missing_ok=True)


def whole(path: Path, *, ours: bool = False) -> bool:
    """Whether nothing shows that the file at ``path`` is another than was sealed.

    With ``ours`` all who write it take the seal off.
    """
    beside = _beside(path)
    try:
        sealed = beside.read_text(encoding="ascii").split()
        state = _state(path)
        if " ".join(sealed[:-1]) != state:
            return not (ours and len(sealed) == _WORDS) or _same(path, sealed)
        lately = abs(time.time() - beside.stat().st_mtime) < _LASTS
        if lately and path.stat().st_size > _SMALL:
            return True
        if sealed[-1] != f"{_sum(path):08x}":
            return False
    except (OSError, ValueError, IndexError):
        return True
    with suppress(OSError):
        os.utime(beside)
    return True


def _same(path: Path, sealed: list[str]) -> bool:
    """Whether a file that changed under its seal has what it had; then it is sealed anew."""
    found = path.stat().st_size == int(sealed[0]) and sealed[-1] == f"{_sum(path):08x}"
    if found:
        seal(path)
    # who writes it now has taken the seal off before
    return found or not _beside(path).exists()


def tells_damage(error: BaseException) -> bool:
    """Whether an error over a database says that it is damaged: not in use, no full disk."""
    if isinstance(error, UnicodeEncodeError):  # of what was asked, which no row holds
        return False
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in _OF_THE_MACHINE


def discard(path: Path) -> None:
    """Take a damaged file away, with its log and its seal."""
    for place in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", ".sum"))):
        with suppress(OSError):
            place.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sum")


def _state(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def _sum(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found = zlib.crc32(chunk, found)
    return found
