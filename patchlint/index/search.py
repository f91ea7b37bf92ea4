"""Answers without an index: search the tree for a word, read the files that have it.

Costs one search of the tree for each :meth:`Search.prepare`, however many names it is
given, so ask for many at once.  Answers are kept in memory, and for a commit also on disk
when a :class:`Shelf` is given: a commit never changes, so what is kept stays true.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from patchlint.index import lean
from patchlint.index.facts import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.index.lean import Words
    from patchlint.patch.trees import Tree


class Shelf(Protocol):
    """Keeps answers between runs."""

    def take(self, names: Sequence[str]) -> dict[str, tuple[Hit, ...]]:
        """Return the answers that are kept, by name."""

    def put(self, answers: dict[str, tuple[Hit, ...]]) -> None:
        """Keep answers; a failure to do so is no failure of the run."""


@dataclass(slots=True)
class Search:
    """Rows out of a tree as it is."""

    tree: Tree
    words: Words
    shelf: Shelf | None = None
    _known: dict[str, tuple[Hit, ...]] = field(default_factory=dict)

    def prepare(self, names: Iterable[str]) -> None:
        """Search for all ``names`` that are not known yet, at once."""
        missing = sorted({name for name in names if name and name not in self._known})
        if self.shelf is not None and missing:
            self._known |= self.shelf.take(missing)
            missing = [name for name in missing if name not in self._known]
        if not missing:
            return
        found: dict[str, list[Hit]] = {name: [] for name in missing}
        for path in self.tree.files_with(missing):
            text = self.tree.read(path)
            if text is not None:
                for name, hit in hits_in(path, text, missing, self.words).items():
                    found[name].append(hit)
        answers = {name: tuple(hits) for name, hits in found.items()}
        self._known |= answers
        if self.shelf is not None:
            self.shelf.put(answers)

    def hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define, call or use ``name``."""
        if name not in self._known:
            self.prepare([name])
        return self._known.get(name, ())


def hits_in(path: str, text: bytes, names: Sequence[str], words: Words) -> dict[str, Hit]:
    """Return what one file has about each of ``names`` that it has."""
    here = [name for name in names if name.encode() in text]
    if not here:
        return {}
    read = lean.read(text, words, here)
    lines = lean.Lines(read.definitions)
    defined = {row.name for row in read.definitions}
    answers: dict[str, Hit] = {}
    for name in here:
        calls = tuple((row.line, row.indirect) for row in read.calls if row.name == name)
        uses = tuple(row for row in read.uses if row.name == name)
        if calls or uses or name in defined:
            answers[name] = Hit(path, lines, calls, uses)
    return answers
