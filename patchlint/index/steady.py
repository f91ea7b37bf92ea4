"""Rows out of an index, and out of the tree itself once the index turns out to be damaged."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final, TypeVar

from patchlint.outside.seal import discard, tells_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from patchlint.index import lean
    from patchlint.index.facts import Hit, Hits

_Answer = TypeVar("_Answer")

#: what comes of a row that is not as it was written
_DAMAGE: Final = (sqlite3.Error, ValueError, TypeError, LookupError, OverflowError)

DAMAGED: Final = "the index is damaged: the tree itself is searched (patchlint index makes it anew)"
UNUSABLE: Final = "the index cannot be read ({why}): the tree itself is searched"


class Steady:
    """Answers as ``rows`` do until one fails, then as ``spare()`` does; ``say`` is told why."""

    def __init__(
        self, rows: Hits, spare: Callable[[], Hits], say: Callable[[str], None], path: Path
    ) -> None:
        self.rows = rows
        self._spare: Callable[[], Hits] | None = spare
        self._say = say
        self._path = path

    def _ask(self, ask: Callable[[Hits], _Answer]) -> _Answer:
        try:
            return ask(self.rows)
        except _DAMAGE as error:
            if self._spare is None:
                raise
            if tells_damage(error):
                discard(self._path)
                self._say(DAMAGED)
            else:
                self._say(UNUSABLE.format(why=error))
            self.rows, self._spare = self._spare(), None
            return ask(self.rows)

    @property
    def searched(self) -> bool:
        """Whether each question costs a search of the whole tree by now."""
        return self.rows.searched

    def prepare(
        self, names: Iterable[str], members: Iterable[str] = (), defined: Iterable[str] = ()
    ) -> None:
        """Look these names, members and definitions up at once."""
        asked = (tuple(names), tuple(members), tuple(defined))
        self._ask(lambda rows: rows.prepare(*asked))

    def hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define, call or use ``name``, sorted by path."""
        return self._ask(lambda rows: rows.hits(name))

    def member_hits(self, name: str) -> Sequence[Hit]:
        """Return files that call a member ``name``, sorted by path."""
        return self._ask(lambda rows: rows.member_hits(name))

    def definition_hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define ``name``, sorted by path."""
        return self._ask(lambda rows: rows.definition_hits(name))

    def definition_hits_beside(self, path: str, name: str) -> Sequence[Hit]:
        """Return files that define ``name``: all in the folder of ``path``, or more."""
        return self._ask(lambda rows: rows.definition_hits_beside(path, name))

    def prepare_beside(self, path: str, names: Iterable[str]) -> None:
        """Look these names up at once for :meth:`definition_hits_beside`."""
        asked = tuple(names)
        self._ask(lambda rows: rows.prepare_beside(path, asked))

    def hit(self, path: str, name: str) -> Hit | None:
        """Return what one file has about ``name``, None for nothing."""
        return self._ask(lambda rows: rows.hit(path, name))

    def lines(self, path: str) -> lean.Lines:
        """Return all definitions of one file."""
        return self._ask(lambda rows: rows.lines(path))
