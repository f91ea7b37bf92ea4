"""Tells a file of ours that is damaged from one that is whole, as far as that is cheap.

Beside an index or a store stands a seal: its size, the time of its last change and a check sum.  A
small file is held against its sum each time, a large one once a day; a file that was
written since it was sealed is taken as it is.  Told apart are accidents, not forgers.
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


def whole(path: Path) -> bool:
    """Whether nothing shows that the file at ``path`` is another than was sealed."""
    beside = _beside(path)
    try:
        sealed = beside.read_text(encoding="ascii").split()
        state = _state(path)
        if " ".join(sealed[:-1]) != state:
            return True
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
