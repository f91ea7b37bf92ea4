"""Follows function bodies from before to after: by name, and by the lines they kept.

A rename, a wrapper that takes the old name, or a body that moved into a callback all
leave unchanged lines behind; a function after is *an heir* of the one before whose lines
it holds.
"""

from __future__ import annotations

import bisect
import re
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.graph.renames import renames, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.graph.build import Graph
    from patchlint.model.facts import Function
    from patchlint.model.image import FilePair

_Key = tuple[str, str]
#: functions before that one function after may continue, besides its namesake
_HEIRS: Final = 3
#: pairs of lines between two that stayed that are looked at
_MOST_COMPARED: Final = 250_000
#: letters of a line that can be told from others
_TELLING: Final = 4


class Lines(Struct):
    """Which lines of the files stayed, both ways.  Paths are those of each side."""

    kept: dict[str, dict[int, int]] = field(default_factory=dict)
    stayed: dict[str, dict[int, int]] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    #: line intervals that the images before and after really have, by path
    shown: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    seen: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    _pairs: tuple[FilePair, ...] = ()
    _renames: dict[str, str] | None = None
    _origins: dict[str, str] | None = None
    _words: frozenset[str] | None = None
    _sorted: dict[str, list[int]] = field(default_factory=dict)

    def forward(self, path: str, line: int) -> int | None:
        """The line after of a line before, None when it was removed."""
        kept = self.kept.get(path)
        return line if kept is None else kept.get(line)

    @property
    def renames(self) -> dict[str, str]:
        """Identifiers that only got another name, read off the images when first asked."""
        if self._renames is None:
            self._renames = renames(self._pairs)
        return self._renames

    def past(self, path: str, line: int) -> tuple[str, int]:
        """Where a line after stood before; an added one stood nowhere (its number, negative)."""
        stayed = self.stayed.get(path)
        if stayed is None:
            return path, line
        return self.origin(path), stayed.get(line, -line)

    def place(self, path: str, line: int) -> tuple[int, int]:
        """Between which lines after a removed line before stood: the kept ones around it.

        0 and a very large number where no line above or below stayed.  A blank line stays
        wherever one is: it tells of no place.
        """
        kept = self.kept.get(path, {})
        known = self._sorted.get(path)
        if known is None:
            blank = self._blank(path)
            known = self._sorted[path] = sorted(line for line in kept if line not in blank)
        at = bisect.bisect_left(known, line)
        below = known[at] if at < len(known) else None
        return (
            kept[known[at - 1]] if at else 0,
            kept[below] if below is not None else 1 << 30,
        )

    def in_place(self, path: str, line: int, new: str, other: int) -> bool:
        """Whether a line that the series adds to ``new`` stands where a removed one stood."""
        above, below = self.place(path, line)
        return above < other < below and self.added(new, other)

    def _blank(self, path: str) -> frozenset[int]:
        """The numbers of the blank lines of a file before."""
        one = next((p for p in self._pairs if (p.old_path or p.path) == path), None)
        if one is None or one.pre is None:
            return frozenset()
        lines = enumerate(one.pre.text.split(b"\n"), 1)
        return frozenset(number for number, line in lines if not line.strip())

    @property
    def words_before(self) -> frozenset[str]:
        """All words of the images before."""
        if self._words is None:
            self._words = words(pair.pre for pair in self._pairs)
        return self._words

    def said(self, word: str) -> Iterator[tuple[str, int, str]]:
        """The lines of the images after that have a word: path, number, text."""
        telling = re.compile(rf"\b{re.escape(word)}\b")
        for pair in self._pairs:
            text = pair.post.text.decode(errors="replace") if pair.post is not None else ""
            if word in text:
                for number, line in enumerate(text.split("\n"), 1):
                    if telling.search(line) and _knows(self.seen.get(pair.path), number):
                        yield pair.path, number, line

    def origin(self, path: str) -> str:
        """The path before of a path after."""
        if self._origins is None:
            self._origins = {new: old for old, new in self.renamed.items()}
        return self._origins.get(path, path)

    def touched(self, old: Function, new: Function) -> bool:
        """Whether a line inside a function was removed or added, as far as the hunks show.

        A file that no hunk touches is touched nowhere.
        """
        kept = self.kept.get(old.path)
        if kept is None:
            return False
        shown = self.shown.get(old.path)
        stayed = self.stayed.get(new.path, {})
        seen = self.seen.get(new.path)
        return any(
            line not in kept and _knows(shown, line) for line in range(old.line, old.end + 1)
        ) or any(line not in stayed and _knows(seen, line) for line in range(new.line, new.end + 1))

    def added(self, path: str, line: int) -> bool:
        """Whether a line after was not there before (in a file that the series touches).

        What no hunk shows nobody added.
        """
        lines = self.stayed.get(path)
        return lines is not None and line not in lines and _knows(self.seen.get(path), line)

    def made(self, places: Iterable[tuple[str, int]]) -> bool:
        """Whether one of some places after was not there before."""
        return any(self.added(path, line) for path, line in places)


def lines_of(files: Iterable[FilePair], before: Graph, after: Graph) -> Lines:
    """The line maps of a state, whose sides are ``before`` and ``after``.

    A statement is one thing however it is wrapped: a call or a test that was written anew in a
    later line is another one on its first line too, as it would be on one line.
    """
    pairs = tuple(files)
    lines = Lines(_pairs=pairs)
    for pair in pairs:
        before_path = pair.old_path or pair.path
        kept = dict(_respaced(pair))
        stayed = {new: old for old, new in kept.items()}
        lines.kept[before_path], lines.stayed[pair.path] = kept, stayed
        lines.renamed[before_path] = pair.path
        if pair.pre is not None:
            lines.shown[before_path] = pair.pre.known
        if pair.post is not None:
            lines.seen[pair.path] = pair.post.known
        gone = _written_anew(before, before_path, kept, lines.shown.get(before_path))
        come = _written_anew(after, pair.path, stayed, lines.seen.get(pair.path))
        for line in gone | {stayed[line] for line in come}:
            del stayed[kept.pop(line)]
    return lines


def _written_anew(
    graph: Graph, path: str, kept: dict[int, int], shown: tuple[tuple[int, int], ...] | None
) -> set[int]:
    """The kept first lines of calls and tests of which another line is not in its place."""
    return {
        first
        for function in graph.functions.values()
        if function.path == path
        for first, last in function.spans
        if (place := kept.get(first)) is not None
        and any(
            kept.get(first + more) != place + more and _knows(shown, first + more)
            for more in range(1, last - first + 1)
        )
    }


def _respaced(pair: FilePair) -> dict[int, int]:
    """The lines that stay, with those of which only the white space is another.

    Of lines that went and lines that came between two that stayed, those that are alike in
    order: code that got deeper, or less deep, stands where it stood, under other tests.
    """
    kept = pair.kept
    if pair.pre is None or pair.post is None or pair.pre is pair.post:
        return kept
    gone = _between(pair.pre.text, sorted(kept))
    come = _between(pair.post.text, sorted(kept.values())) if gone else {}
    found = dict(kept)
    for gap in gone.keys() & come.keys():
        one, other = gone[gap], come[gap]
        sides = [[text for _, text in side] for side in (one, other)]
        if len(one) * len(other) > _MOST_COMPARED or set(sides[0]).isdisjoint(sides[1]):
            continue
        matcher = SequenceMatcher(None, sides[0], sides[1], autojunk=False)
        for block in matcher.get_matching_blocks():
            for at in range(block.size):
                found[one[block.a + at][0]] = other[block.b + at][0]
    return found


def _between(text: bytes, stayed: Sequence[int]) -> dict[int, list[tuple[int, bytes]]]:
    """The telling lines of a text that did not stay, by how many that did stand above them.

    Each with its number, and without its white space.
    """
    still = set(stayed)
    found: dict[int, list[tuple[int, bytes]]] = {}
    for number, line in enumerate(text.split(b"\n"), 1):
        if line and number not in still and len(bare := b"".join(line.split())) >= _TELLING:
            found.setdefault(bisect.bisect_left(stayed, number), []).append((number, bare))
    return found


def _knows(known: tuple[tuple[int, int], ...] | None, line: int) -> bool:
    if known is None:
        return True
    at = bisect.bisect_right(known, line, key=lambda part: part[0]) - 1
    return at >= 0 and line <= known[at][1]


class Lineage(Struct):
    """Ancestors (before) of functions after."""

    ancestors: dict[_Key, list[Function]] = field(default_factory=dict)
    #: functions before and after of which the second took the place of the first in a table
    successors: set[tuple[_Key, _Key]] = field(default_factory=set)

    def of(self, function: Function) -> list[Function]:
        """Functions before that ``function`` continues: the namesake first, then by lines."""
        return self.ancestors.get((function.path, function.name), [])

    def succeeds(self, now: Function, was: Function) -> bool:
        """Whether a function stands in a table where another one stood before."""
        return ((was.path, was.name), (now.path, now.name)) in self.successors


def trace(before: Graph, after: Graph, lines: Lines) -> Lineage:
    """Which functions before live on in which functions after."""
    lineage = Lineage()
    shared = _shared_lines(before, after, lines)
    for key, new in after.functions.items():
        namesake = before.functions.get(key) or _renamed_file(before, after, lines, new)
        found = [namesake] if namesake else []
        for other, _count in shared.get(key, Counter()).most_common(_HEIRS):
            function = before.functions[other]
            if function not in found:
                found.append(function)
        lineage.ancestors[key] = found
    for old, new in _slots(before, after, lines):
        ancestors = lineage.ancestors.setdefault((new.path, new.name), [])
        if old not in ancestors:
            ancestors.append(old)
        lineage.successors.add(((old.path, old.name), (new.path, new.name)))
    return lineage


def _shared_lines(before: Graph, after: Graph, lines: Lines) -> dict[_Key, Counter[_Key]]:
    """How many telling lines each function after holds of each function before."""
    by_path = in_files(after)
    # a series touches few files, and a tree lends bodies of many
    begins = {path: [f.line for f in by_path.get(path, ())] for path in lines.renamed.values()}
    shared: dict[_Key, Counter[_Key]] = {}
    for old in before.functions.values():
        kept = lines.kept.get(old.path)
        if kept is None:
            continue
        path = lines.renamed.get(old.path, old.path)
        functions, firsts = by_path.get(path, ()), begins.get(path, ())
        for number in _body_lines(old) | ({*before.gaps_in(old)} - {old.line}):
            new = around(functions, kept.get(number), firsts)
            if new is not None:
                shared.setdefault((new.path, new.name), Counter())[old.path, old.name] += 1
    return shared


def in_files(graph: Graph) -> dict[str, list[Function]]:
    """The functions of each file, sorted by line."""
    by_path: dict[str, list[Function]] = {}
    for function in sorted(graph.functions.values(), key=lambda f: f.line):
        by_path.setdefault(function.path, []).append(function)
    return by_path


def around(
    functions: Sequence[Function], line: int | None, firsts: Sequence[int] | None = None
) -> Function | None:
    """The function that holds ``line``; ``functions`` are sorted by line.

    ``firsts`` are the lines that they begin on, for those who ask often.
    """
    if line is None:
        return None
    firsts = firsts if firsts is not None else [one.line for one in functions]
    place = bisect.bisect_right(firsts, line) - 1
    return functions[place] if place >= 0 and line <= functions[place].end else None


def _slots(before: Graph, after: Graph, lines: Lines) -> list[tuple[Function, Function]]:
    """Functions that took each other's place in an operations table: old, new."""
    held = {
        (lines.renamed.get(path, path), entry.variable, entry.member): (path, entry.value)
        for path, entry in before.initializers
    }
    pairs = []
    for path, entry in after.initializers:
        origin, value = held.get((path, entry.variable, entry.member), (path, entry.value))
        if value == entry.value or not entry.variable:
            continue
        old = before.find(value.lstrip("&"), origin)
        new = after.find(entry.value.lstrip("&"), path)
        if old is not None and new is not None:
            pairs.append((old, new))
    return pairs


def _renamed_file(before: Graph, after: Graph, lines: Lines, new: Function) -> Function | None:
    for old_path, path in lines.renamed.items():
        if path == new.path and old_path != path:
            found = before.functions.get((old_path, new.name))
            if found is not None:
                return found
    # moved to another file of the series under its own name, and gone from where it stood
    others = before.by_name.get(new.name, [])
    if len(others) != 1:
        return None
    old = others[0]
    gone = (lines.renamed.get(old.path, old.path), old.name) not in after.functions
    return old if gone or not (new.static or old.static) else None


def _body_lines(function: Function) -> set[int]:
    """Lines that carry the function's identity: its calls and assignments, not its braces."""
    return {c.line for c in function.calls if not c.implicit} | {
        a.line for a in function.assignments
    }
