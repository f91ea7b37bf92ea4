"""Answers without an index: search the tree for a word, read the files that have it.

Costs one search of the tree for each :meth:`Search.prepare`, however many names it is
given, so ask for many at once.  Answers are kept in memory, and for a commit also on disk
when a :class:`Shelf` is given: a commit never changes, so what is kept stays true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct, field

from patchlint.index import lean
from patchlint.index.facts import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.index.lean import Words
    from patchlint.patch.tree_search import Wanted
    from patchlint.patch.trees import Tree


class Shelf(Protocol):
    """Keeps answers between runs."""

    def take(self, names: Sequence[str]) -> dict[str, tuple[Hit, ...]]:
        """Return the answers that are kept, by name."""

    def put(self, answers: dict[str, tuple[Hit, ...]]) -> None:
        """Keep answers; a failure to do so is no failure of the run."""


#: Before a name, where answers to narrower questions are kept.
_MARKS: Final[dict[Wanted, str]] = {"word": "", "member": "->", "definition": "="}


class Search(Struct):
    """Rows out of a tree as it is."""

    tree: Tree
    words: Words
    shelf: Shelf | None = None
    _known: dict[str, tuple[Hit, ...]] = field(default_factory=dict)
    _lines: dict[str, lean.Lines] = field(default_factory=dict)

    def prepare(self, names: Iterable[str], members: Iterable[str]) -> None:
        """Search for all names and members that are not known yet, at once."""
        self._look_up_many(names, "word")
        self._look_up_many(members, "member")

    def _look_up_many(self, names: Iterable[str], what: Wanted) -> None:
        wanted = sorted({name for name in names if name})
        if len(wanted) > 1:  # one alone is searched for when it is asked for
            self._look_up(wanted, what)

    def hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define, call or use ``name``."""
        return self._look_up([name], "word")

    def member_hits(self, name: str) -> Sequence[Hit]:
        """Return all files that call a member ``name``."""
        return self._look_up([name], "member")

    def definition_hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define ``name``."""
        return self._known.get(name) or self._look_up([name], "definition")

    def hit(self, path: str, name: str) -> Hit | None:
        """Return what one file has about ``name``."""
        if name in self._known:
            return next((hit for hit in self._known[name] if hit.path == path), None)
        text = self.tree.read(path)
        return None if text is None else hits_in(path, text, [name], self.words).get(name)

    def lines(self, path: str) -> lean.Lines:
        """Return all definitions of one file."""
        if path not in self._lines:
            if len(self._lines) > _MANY_FILES:
                self._lines.clear()
            read = lean.read(self.tree.read(path) or b"", self.words, ())
            self._lines[path] = lean.Lines.of(read.definitions)
        return self._lines[path]

    def _look_up(self, names: Sequence[str], what: Wanted) -> Sequence[Hit]:
        """Make the answers for ``names`` known, and return the first."""
        mark = _MARKS[what]
        missing = [mark + name for name in names if mark + name not in self._known]
        if self.shelf is not None and missing:
            self._known |= self.shelf.take(missing)
            missing = [key for key in missing if key not in self._known]
        if missing:
            answers = self._search([key.removeprefix(mark) for key in missing], what)
            self._known |= answers
            if self.shelf is not None:
                self.shelf.put(answers)
        return self._known[mark + names[0]]

    def _search(self, names: Sequence[str], what: Wanted) -> dict[str, tuple[Hit, ...]]:
        found: dict[str, list[Hit]] = {name: [] for name in names}
        for path, text in self.tree.read_all(self.tree.files_with(names, what)):
            for name, hit in hits_in(path, text, names, self.words).items():
                if _answers(hit, name, what):
                    found[name].append(hit)
        return {
            _MARKS[what] + name: tuple(sorted(hits, key=lambda hit: hit.path))
            for name, hits in found.items()
        }


#: Bounds the memory of definitions.
_MANY_FILES: Final = 256


def _answers(hit: Hit, name: str, what: Wanted) -> bool:
    if what == "member":
        return any(indirect for _, indirect in hit.calls)
    return what == "word" or any(hit.definitions.called(name))


def hits_in(path: str, text: bytes, names: Sequence[str], words: Words) -> dict[str, Hit]:
    """Return what one file has about each of ``names`` that it has."""
    here = [name for name in names if name.encode() in text]
    if not here:
        return {}
    read = lean.read(text, words, here, sparse=True)
    lines = lean.Lines.of(read.definitions)
    defined = {row.name for row in read.definitions}
    answers: dict[str, Hit] = {}
    for name in here:
        calls = tuple((row.line, row.indirect) for row in read.calls if row.name == name)
        uses = tuple(row for row in read.uses if row.name == name)
        if calls or uses or name in defined:
            answers[name] = Hit(path, lines, calls, uses)
    return answers
