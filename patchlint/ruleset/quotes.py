"""The lines of a patch that a finding is about, as it shows and as it quotes them."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.model.finding import HunkLine
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.model.diff import DiffLine, FileDiff, Hunk
    from patchlint.model.effect import Downgrade

_CONTEXT_LINES: Final = 2
_MOST_LINES: Final = 12
#: lines of a file that a finding is not named by
_MOST_ELSEWHERE: Final = 4
#: lines that a quotation has around each that is at issue, and about how many in all
_QUOTED_AROUND: Final = 3
_MOST_QUOTED: Final = 28
#: a test that a patch took out is shown when it has no more lines
_TAKEN_OUT: Final = 2
LEFT_OUT: Final = "[...]"
#: a constant that ends on its line
_DEFINES: Final = lazy(r"\s*#\s*define\s+(\w+)[ \t]+(\S.*)(?<!\\)$")
_COMMENT: Final = lazy(r"\s*(?:/\*.*|//.*)$")


class Diffs:
    """The files of one patch, read once for all the findings in it."""

    def __init__(self, files: Sequence[FileDiff]) -> None:
        self._by_path: dict[str, list[_File]] = {}
        for file in map(_File, files, range(len(files))):
            for path in dict.fromkeys((file.diff.path, file.diff.old_path)):
                if path is not None:
                    self._by_path.setdefault(path, []).append(file)

    @cached_property
    def defined(self) -> dict[str, str]:
        """The constants that lines of the patch define, as they are after it."""
        lines = (
            line
            for files in self._by_path.values()
            for file in files
            for hunk in file.diff.hunks
            for line in hunk.lines
            if line.kind != "-"
        )
        found = (_DEFINES.match(line.text) for line in lines)
        return {one[1]: _COMMENT.sub("", one[2]).strip() for one in found if one is not None}

    def shown(self, downgrade: Downgrade, placed: Downgrade | None = None) -> tuple[HunkLine, ...]:
        """The diff lines at issue with a little context: the release that went, the deferral.

        First those of the file that the finding is named by; of another one, where the release
        stood that went, the lines at issue alone.  ``placed`` has the line that it is named by.
        """
        placed = placed or downgrade
        shown: list[HunkLine] = []
        for path in _paths(downgrade, placed):
            found: list[HunkLine] = []
            for file in self._by_path.get(path, ()):
                for hunk, marks in file.marked(downgrade, placed):
                    found.extend(_cut(hunk.lines, marks))
            if shown:
                found = [replace(one, path=path) for one in found if one.marked][:_MOST_ELSEWHERE]
            shown += found if shown else _bounded(found, placed)
        return tuple(shown)

    def placed(self, downgrade: Downgrade) -> Downgrade:
        """A downgrade at a line that the patch changes, as far as it changes one that leads to it.

        The deferral may have stood there before; then what now leads to it is what counts, else the
        release that went, and else what puts the function that does it now into a table.
        """
        home = downgrade.home or downgrade.path
        places = [
            (downgrade.path, downgrade.line, downgrade.side),
            *((home, number, "post") for number in downgrade.leading),
            *((home, number, "pre") for number in downgrade.lost),
            *self._bound(downgrade),
        ]
        for path, number, side in places:
            if any(file.changes(path, number, side) for file in self._by_path.get(path, ())):
                return replace(downgrade, path=path, line=number, side=side)
        return downgrade

    def _bound(self, downgrade: Downgrade) -> Iterator[tuple[str, int, str]]:
        """Yield the lines that a patch adds to a file and that give a callback to something."""
        chain = downgrade.after.chain
        name = downgrade.after.callback or (chain[0].function if chain else "")
        given = re.compile(rf"=\s*&?{re.escape(name)}\s*(?:[,;}}]|$)")
        for file in self._by_path.get(downgrade.path, ()) if name else ():
            for hunk in file.diff.hunks:
                for line in hunk.lines:
                    if line.kind == "+" and line.new is not None and given.search(line.text):
                        yield downgrade.path, line.new, "post"

    def quoted(self, downgrade: Downgrade, placed: Downgrade | None = None) -> tuple[str, ...]:
        """The hunks at issue as one quotes them: with headers, and enough to see the place."""
        quoted: list[str] = []
        placed = placed or downgrade
        paths = _paths(downgrade, placed)
        files = {id(f): f for path in paths for f in self._by_path.get(path, ())}
        for file in sorted(files.values(), key=lambda f: f.number):
            body: list[str] = []
            for hunk, marks in file.marked(downgrade, placed):
                if len(quoted) + len(body) < _MOST_QUOTED:
                    body += _excerpt(hunk, marks)
            if body:
                diff = file.diff
                old = f"a/{diff.old_path}" if diff.old_path else "/dev/null"
                new = f"b/{diff.new_path}" if diff.new_path else "/dev/null"
                quoted += [f"--- {old}", f"+++ {new}", *body]
        return tuple(quoted)


def _paths(downgrade: Downgrade, placed: Downgrade) -> list[str]:
    """The files at issue, that which the finding is named by first."""
    home = downgrade.home or downgrade.path
    return [*dict.fromkeys((placed.path, downgrade.path, home))]


def _bounded(lines: list[HunkLine], downgrade: Downgrade) -> list[HunkLine]:
    """The first of many lines, and the one that the downgrade is named by."""
    for place in range(_MOST_LINES, len(lines)):
        one = lines[place]
        number = one.new if downgrade.side == "post" else one.old
        if one.marked and number == downgrade.line:
            return [*lines[: _MOST_LINES - 1], one]
    return lines[:_MOST_LINES]


class _File:
    """One file's diff, and where in it the lines of each number stand: hunk, place."""

    def __init__(self, diff: FileDiff, number: int) -> None:
        self.diff = diff
        self.number = number
        self._new: dict[int, list[tuple[int, int]]] | None = None
        self._old: dict[int, list[tuple[int, int]]] = {}

    def _sides(self) -> tuple[dict[int, list[tuple[int, int]]], dict[int, list[tuple[int, int]]]]:
        """The lines by their numbers after, and before; made when they are first asked for."""
        if self._new is None:
            self._new = {}
            for number, hunk in enumerate(self.diff.hunks):
                for place, line in enumerate(hunk.lines):
                    if line.new is not None:
                        self._new.setdefault(line.new, []).append((number, place))
                    if line.old is not None:
                        self._old.setdefault(line.old, []).append((number, place))
        return self._new, self._old

    def changes(self, path: str, number: int, side: str) -> bool:
        """Whether a line is one that the patch adds (``post``) or takes away."""
        new, old = self._sides()
        known, own, kind = (
            (new, self.diff.path, "+") if side == "post" else (old, self.diff.old_path, "-")
        )
        return path == own and any(
            self.diff.hunks[hunk].lines[place].kind == kind for hunk, place in known.get(number, ())
        )

    def marked(self, downgrade: Downgrade, placed: Downgrade) -> list[tuple[Hunk, set[int]]]:
        """The hunks with lines at issue, in order, and where in them those stand."""
        new, old = self._sides()
        names = (self.diff.path, self.diff.old_path)
        found: set[tuple[int, int]] = set()
        for one in (downgrade, placed):
            sides = new if one.side == "post" else old
            found.update(sides.get(one.line, ()) if one.path in names else ())
        home = (downgrade.home or downgrade.path) in names
        for line_leading in downgrade.leading if home else ():
            found.update(self._changed(new.get(line_leading, ())))
        for line_lost in downgrade.lost if home else ():
            found.update(
                (number, place)
                for number, place in old.get(line_lost, ())
                if self.diff.hunks[number].lines[place].kind == "-"
            )
        marks: dict[int, set[int]] = {}
        for number, place in sorted(found):
            marks.setdefault(number, set()).add(place)
        return [(self.diff.hunks[number], places) for number, places in marks.items()]

    def _changed(self, places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Those of some places that a patch adds, each with a line or two that it took out."""
        for number, place in places:
            lines = self.diff.hunks[number].lines
            if lines[place].kind != "+":
                continue
            yield number, place
            first = place
            while first > 0 and lines[first - 1].kind == "+":
                first -= 1
            last = first
            while first > 0 and lines[first - 1].kind == "-":
                first -= 1
            if last - first <= _TAKEN_OUT:
                yield from ((number, gone) for gone in range(first, last))


def _excerpt(hunk: Hunk, marks: set[int]) -> Iterator[str]:
    """A hunk's header and, of a long one, the lines near ``marks`` alone."""
    near = _QUOTED_AROUND if len(marks) * (2 * _QUOTED_AROUND + 1) <= _MOST_QUOTED else 1
    if len(hunk.lines) <= _MOST_QUOTED:
        near = _MOST_QUOTED
    section = f" {hunk.section}" if hunk.section else ""
    yield (
        f"@@ -{hunk.old_start},{hunk.old_length} +{hunk.new_start},{hunk.new_length} @@{section}"
    )
    last = -1
    for place in _near(hunk.lines, marks, near):
        if place > last + 1:
            yield LEFT_OUT
        line = hunk.lines[place]
        yield f"{line.kind}{line.text}"
        last = place
    if last < len(hunk.lines) - 1:
        yield LEFT_OUT


def _near(lines: Sequence[DiffLine], marks: set[int], near: int) -> list[int]:
    """The places at most ``near`` lines from a mark, in order."""
    found = {
        place
        for mark in marks
        for place in range(max(0, mark - near), min(len(lines), mark + near + 1))
    }
    return sorted(found)


def _cut(lines: Sequence[DiffLine], marks: set[int]) -> tuple[HunkLine, ...]:
    wanted = _near(lines, marks, _CONTEXT_LINES)
    if len(wanted) > _MOST_LINES:
        wanted = _near(lines, marks, 1)
    return tuple(
        HunkLine(lines[p].kind, lines[p].text, lines[p].old, lines[p].new, p in marks)
        for p in wanted
    )
