"""A file before or after: whole, or the parts of it that a series shows."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import Literal

from msgspec import Struct, field

Side = Literal["pre", "post"]


_first = itemgetter(0)


class Image(Struct, frozen=True):
    """One file at one moment.

    ``text`` has the file's own line numbers: line n of ``text`` is line n of the file.
    Where ``known`` has a gap the text is blank, but for repair tokens that the images
    stage puts into the last gap line before (function header out of the hunk's section,
    opening braces) and the first gap line after a known part (closing braces), so that
    a parser sees balanced code.  What stands in a gap line is never a fact of the file,
    except a function header.

    ``known`` are closed line intervals, sorted, disjoint; a whole image has ``whole``
    set and one interval.  ``headers`` names the gap lines that hold a function header
    taken from a hunk's section text.
    """

    path: str
    text: bytes
    known: tuple[tuple[int, int], ...]
    whole: bool
    headers: frozenset[int] = field(default=frozenset())

    def knows(self, line: int) -> bool:
        """Whether ``line`` is a line of the file that the image really has."""
        at = bisect_right(self.known, line, key=_first) - 1
        return at >= 0 and line <= self.known[at][1]

    def complete(self, first: int, last: int) -> bool:
        """Whether every line from ``first`` to ``last`` is known."""
        at = bisect_right(self.known, first, key=_first) - 1
        return at >= 0 and last <= self.known[at][1]


class FilePair(Struct, frozen=True):
    """One file before a series and after the first k patches of it.

    ``pre`` is None for a new file, ``post`` for a deleted one.  ``kept`` maps the lines
    that stand unchanged on both sides, pre line to post line; ``touched`` holds the
    numbers of the patches that changed the file so far.
    """

    path: str
    old_path: str | None
    pre: Image | None
    post: Image | None
    kept: dict[int, int]
    touched: tuple[int, ...]


class SeriesState(Struct, frozen=True):
    """All files that a series touches, before it and after its first ``upto`` patches."""

    upto: int
    files: tuple[FilePair, ...]
