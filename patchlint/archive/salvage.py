"""The rows of a damaged store that can still be read.

A damaged page ends a query at the first row on it.  What stands before is read forwards, what
stands behind it backwards, and what is between is asked for row by row.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from patchlint.archive.store import row_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

#: of the rows between two that can be read so many are asked for one by one
_MOST: Final = 1_000_000
#: and so many behind the last one, where the end of the table cannot be read either
_PROBED: Final = 20_000
#: what a row that cannot be read, or is none of ours, ends in
_DAMAGE: Final = (sqlite3.Error, UnicodeDecodeError, OverflowError)
#: how the name of a column ends that holds JSON
JSON: Final = "_json"


class Salvage:
    """The rows of a table, in the order of their first column; ``table`` is a name of ours."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._select = f'SELECT * FROM "{table}"'  # noqa: S608 - a known name
        self._by_number = table != "rules"
        self._digests = _digests(connection) if table == "findings" else {}
        self.broken = False

    def rows(self) -> Iterator[sqlite3.Row]:
        """Give what can be read; ``broken`` is set where something cannot."""
        last = None
        try:
            for row in self._connection.execute(f"{self._select} ORDER BY 1"):
                last = row[0]
                if self._sound(row):
                    yield row
        except _DAMAGE:
            self.broken = True
        else:
            return
        if self._by_number:
            yield from self._behind(last if isinstance(last, int) else 0)

    def _behind(self, last: int) -> Iterator[sqlite3.Row]:
        """Give the rows behind number ``last`` whatever is the matter with the next."""
        numbers: list[int] = []
        query = f"{self._select} WHERE id > ? ORDER BY id DESC"
        with suppress(*_DAMAGE):
            for row in self._connection.execute(query, (last,)):
                numbers.append(row[0])  # noqa: PERF401 - what came before the damage counts
        end = numbers[-1] if numbers else last + _PROBED
        between = range(last + 1, min(end, last + _MOST))
        for number in (*between, *reversed(numbers)):
            try:
                row = self._connection.execute(f"{self._select} WHERE id = ?", (number,)).fetchone()
            except _DAMAGE:
                continue
            if row is not None and self._sound(row):
                yield row

    def _sound(self, row: sqlite3.Row) -> bool:
        """Whether the columns that hold JSON hold some, and a finding is as it was written."""
        sound = all(_is_json(row[name]) for name in row.keys() if name.endswith(JSON))  # noqa: SIM118
        if sound and row[0] in self._digests:
            sound = self._digests[row[0]] == row_digest(dict(row))
        self.broken |= not sound
        return sound


def _digests(connection: sqlite3.Connection) -> dict[int, str]:
    """The digests of findings that can be read; older stores have none."""
    found: dict[int, str] = {}
    with suppress(*_DAMAGE):
        found.update(connection.execute("SELECT finding, digest FROM sums"))
    return found


def _is_json(value: Any) -> bool:
    try:
        if value is not None:
            json.loads(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True
