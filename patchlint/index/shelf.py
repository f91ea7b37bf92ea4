"""Keeps the answers of searches between runs, by commit.

A commit never changes, so an answer stays true.  The file is a cache and nothing else: when
it cannot be read or written the tree is searched, and when it grows too large it is emptied.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import zlib
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint.index import lean
from patchlint.index.facts import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Beyond this many bytes the file is emptied.
_LARGEST: Final = 64_000_000

#: Names that are asked for in one statement.
_AT_ONCE: Final = 500

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS answers (tree TEXT NOT NULL, name TEXT NOT NULL,"
    " hits BLOB NOT NULL, PRIMARY KEY (tree, name)) WITHOUT ROWID"
)


class DiskShelf(Struct, frozen=True):
    """Answers about the tree of one commit, in the file at ``path``."""

    path: Path
    commit: str

    def take(self, names: Sequence[str]) -> dict[str, tuple[Hit, ...]]:
        """Return the answers that are kept, by name."""
        found: dict[str, tuple[Hit, ...]] = {}
        if not self.path.is_file():
            return found
        with suppress(sqlite3.Error, ValueError, zlib.error), closing(self._open()) as db:
            for at in range(0, len(names), _AT_ONCE):
                some = names[at : at + _AT_ONCE]
                marks = ", ".join("?" * len(some))
                rows = db.execute(  # nothing but question marks is put in
                    "SELECT name, hits FROM answers"  # noqa: S608
                    f" WHERE tree = ? AND name IN ({marks})",
                    (self.commit, *some),
                )
                found |= {name: decode(hits) for name, hits in rows}
        return found

    def put(self, answers: dict[str, tuple[Hit, ...]]) -> None:
        """Keep answers; what cannot be kept is searched for again."""
        with suppress(sqlite3.Error, OSError, UnicodeEncodeError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.is_file() and self.path.stat().st_size > _LARGEST:
                self.path.unlink()
            with closing(self._open()) as db, db:
                db.execute(_SCHEMA)
                db.executemany(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)",
                    [(self.commit, name, encode(hits)) for name, hits in answers.items()],
                )

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=1)


def encode(hits: Sequence[Hit]) -> bytes:
    """Return the bytes that :func:`decode` makes the same hits of, on the same machine."""
    rows: list[list[Any]] = []
    for hit in hits:
        numbers, names = hit.definitions.pack()
        rows.append(
            [hit.path, base64.b64encode(numbers).decode("ascii"), names, hit.calls, hit.uses]
        )
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode("utf-8"), 1)


def decode(packed: bytes) -> tuple[Hit, ...]:
    """Return the hits that :func:`encode` was given.  Raises ValueError for other bytes."""
    rows = json.loads(zlib.decompress(packed))
    return tuple(
        Hit(
            path,
            lean.Lines.unpack(base64.b64decode(numbers), names),
            tuple((line, indirect) for line, indirect in calls),
            tuple(lean.Use(*use) for use in uses),
        )
        for path, numbers, names, calls, uses in rows
    )
