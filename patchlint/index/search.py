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
from patchlint.model.tree import MANY_MEMBER_CALLS
from patchlint.outside import activity
from patchlint.patch.tree_search import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.index.lean import Words
    from patchlint.patch.trees import Tree


class Shelf(Protocol):
    """Keeps answers between runs."""

    def take(self, names: Sequence[str]) -> dict[str, tuple[Hit, ...]]:
        """Return the answers that are kept, by name."""

    def put(self, answers: dict[str, tuple[Hit, ...]]) -> None:
        """Keep answers; a failure to do so is no failure of the run."""


#: Before a name, where answers to narrower questions are kept.
_MEMBER: Final = "->"
_DEFINED: Final = "="


class Search(Struct):
    """Rows out of a tree as it is."""

    tree: Tree
    words: Words
    shelf: Shelf | None = None
    _known: dict[str, tuple[Hit, ...]] = field(default_factory=dict)
    _beside: dict[tuple[str, str], tuple[Hit, ...]] = field(default_factory=dict)
    _lines: dict[str, lean.Lines] = field(default_factory=dict)

    @property
    def searched(self) -> bool:
        """True: there is no index."""
        return True

    def prepare(
        self, names: Iterable[str], members: Iterable[str] = (), defined: Iterable[str] = ()
    ) -> None:
        """Search for all that is not known yet at once."""
        keys = {name for name in names if name}
        keys |= {_MEMBER + member for member in members if member}
        keys |= {_DEFINED + name for name in defined if name and name not in self._known}
        if len(keys) > 1:  # one alone is searched for when it is asked for
            self._look_up(sorted(keys))

    def hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define, call or use ``name``."""
        return self._look_up([name])

    def member_hits(self, name: str) -> Sequence[Hit]:
        """Return files that call a member ``name``, all but where there are very many."""
        return self._look_up([_MEMBER + name])

    def definition_hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define ``name``."""
        known = self._known.get(name)
        return self._look_up([_DEFINED + name]) if known is None else known

    def definition_hits_beside(self, path: str, name: str) -> Sequence[Hit]:
        """Return files in the folder of ``path`` that define ``name``; a quick look."""
        for key in (name, _DEFINED + name):
            if key in self._known:
                return self._known[key]
        self.prepare_beside(path, [name])
        return self._beside[_folder(path), name]

    def prepare_beside(self, path: str, names: Iterable[str]) -> None:
        """Look for definitions of ``names`` in the folder of ``path`` at once."""
        folder = _folder(path)
        fresh = sorted(name for name in names if (folder, name) not in self._beside)
        if not fresh:
            return
        found = self._search([_DEFINED + name for name in fresh], folder)
        self._beside |= {(folder, name): found[_DEFINED + name] for name in fresh}

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

    def _look_up(self, keys: Sequence[str]) -> Sequence[Hit]:
        """Make the answers for ``keys`` known, and return the first."""
        missing = [key for key in keys if key not in self._known]
        if self.shelf is not None and missing:
            self._known |= self.shelf.take(missing)
            missing = [key for key in missing if key not in self._known]
        if missing:
            with activity.doing("search", f"searching the tree for {_some(missing)}"):
                answers = self._search(missing)
            self._known |= answers
            if self.shelf is not None and not self.tree.lost:  # else not all was searched
                self.shelf.put(answers)
        return self._known[keys[0]]

    def _search(self, keys: Sequence[str], folder: str | None = None) -> dict[str, tuple[Hit, ...]]:
        """Return the files that have what is asked for, out of the tree or one folder."""
        asked = [_Asked.of(key) for key in keys]
        wanted = Wanted(*(tuple(a.name for a in asked if a.prefix == p) for p in _PREFIXES))
        names: dict[str, set[str]] = {}  # by the files that are found

        def paths() -> Iterator[str]:
            for path, may_have in self.tree.files_with(wanted, folder):
                names.setdefault(path, set()).update(may_have)
                yield path

        for path, text in self.tree.read_all(paths()):
            here = names[path]
            still = [one for one in asked if one.name in here and one.calls <= MANY_MEMBER_CALLS]
            hits = hits_in(path, text, {one.name for one in still}, self.words)
            for one in still:
                if one.name in hits:
                    one.add(hits[one.name])
        return {
            one.prefix + one.name: tuple(one.hits[path] for path in sorted(one.hits))
            for one in asked
        }


def _some(keys: Sequence[str]) -> str:
    """Name what is searched for, one and how many more."""
    first = keys[0].lstrip(_MEMBER + _DEFINED)
    return first if len(keys) == 1 else f"{first} and {len(keys) - 1} more names"


#: In the order of what a tree is asked for.
_PREFIXES: Final = ("", _MEMBER, _DEFINED)


class _Asked(Struct):
    """One name that is searched for, what it was found in, and as a member how often."""

    prefix: str
    name: str
    hits: dict[str, Hit] = field(default_factory=dict)
    calls: int = 0

    @classmethod
    def of(cls, key: str) -> _Asked:
        """Return what a key asks for."""
        prefix = next((p for p in _PREFIXES[1:] if key.startswith(p)), "")
        return cls(prefix, key.removeprefix(prefix))

    def add(self, hit: Hit) -> None:
        """Take what a file has about the name, where it is asked for."""
        if self.prefix == _MEMBER:
            here = sum(indirect for _, indirect in hit.calls)
            if not here:
                return
            self.calls += 0 if hit.path in self.hits else here
        elif self.prefix == _DEFINED and not any(hit.definitions.called(self.name)):
            return
        self.hits[hit.path] = hit


#: Bounds the memory of definitions.
_MANY_FILES: Final = 256


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def hits_in(path: str, text: bytes, names: Iterable[str], words: Words) -> dict[str, Hit]:
    """Return what one file has about each of ``names`` that it has."""
    here = [name for name in names if name.encode("utf-8", "surrogateescape") in text]
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
