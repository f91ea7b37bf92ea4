"""Makes the old text of a file fit hunks that were made for another version of it.

Where a hunk does not apply, its own lines take the place of those of the tree that they
stand for, found by the lines that both have; every other line stays the tree's.  Where
more than two of a hunk's first or last lines are not the tree's, nobody knows what joins it
to the lines around: the rest of that function becomes unknown (:data:`UNKNOWN`).  A hunk that
no lines of the tree look like stands alone in the function that it names, or between two,
with nothing known around it.  No line is made up: each is the tree's, or one that a hunk
shows, or unknown.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.model import budget
from patchlint.patch.hunks import Text, old_lines, put_hunks, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.diff import Hunk

#: In place of a line that is not known; no line can hold a line feed.
UNKNOWN: Final = b"\n?"

#: So many diffs of a story tell which text fits best.
_BEGIN: Final = 3
#: A line with more than so many characters tells where it stands; a brace stands everywhere.
_TELLING: Final = 3
#: A line that stands at more places than this tells nothing.
_MANY: Final = 16
#: How many lines of a hunk must be found near each other, if it has so many that tell.
_ENOUGH: Final = 2
#: Which share of its telling lines must be found.
_SHARE: Final = 0.34
#: How far lines of one hunk may have come apart; less is tried first, and will do when most
#: of its lines are found.
_APART: Final = 24
_SLACK: Final = (4, 12, _APART)
_MOST: Final = 0.6
#: A hunk with more lines is a rewrite: what it stood for is not looked for line by line.
_LONGEST: Final = 2000
#: So many first or last lines of a hunk may differ, and yet join it to the lines around.
_FUZZ: Final = 2
#: By so many lines what they stand for may be longer or shorter than they are.
_OFF: Final = 1
#: Blank lines left before and after a hunk that stands alone, for what repairs gaps.
_ROOM: Final = 2
#: A hunk without any telling line is not looked for farther than this.
_NEAR: Final = 12

#: a name in small letters, also where the type stands on the line above; one in capitals is a
#: macro's that defines what it is given
_DEFINED: Final = re.compile(
    rb"(?:[A-Za-z_][\w\s*]*?\b)??(?:([A-Z][A-Z0-9_]*\(\s*\w+)|(\w+)\s*\()[^;]*\Z"
)
_CALLED: Final = re.compile(rb"\b(?:([A-Z][A-Z0-9_]*\(\s*\w+)|(\w+)\s*\()")
_HEADING: Final = re.compile(rb"[A-Za-z_$]")
_LABEL: Final = re.compile(rb"\w+\s*:(?!:)")

Story = tuple[tuple[int, tuple["Hunk", ...]], ...]
"""What a series does to one file: (key, hunks) for each diff of it, in order."""


class Merged(Struct, frozen=True):
    """A text that all diffs of a story apply to: ``places`` has, by key, where each hunk goes.

    Places are 0-based lines of the text that the diff finds.  ``forced`` counts the hunks
    whose lines had to be put in.
    """

    text: Text
    places: dict[int, tuple[int, ...]]
    forced: int


class _Edit(Struct, frozen=True):
    """Lines ``start`` to ``stop`` of a text give way to ``lines``."""

    start: int
    stop: int
    lines: tuple[bytes, ...]


class _Step(Struct, frozen=True):
    """Where the hunks of one diff go, None for those with no place, and what gives them one."""

    places: tuple[int | None, ...]
    edits: tuple[_Edit, ...]


def misfits(text: Text, story: Story) -> tuple[int, int]:
    """How badly a text fits: hunks without an exact place, and lines that the others are off.

    Only the first diffs are looked at: the later ones were made for what they leave.
    """
    missed = away = 0
    for _, hunks in story[:_BEGIN]:
        step = _plan(text, hunks, search=False)
        placed = [(h, p) for h, p in zip(hunks, step.places, strict=True) if p is not None]
        missed += len(hunks) - len(placed)
        away += sum(abs(place + 1 - hunk.old_start) for hunk, place in placed)
        text = put_hunks(text, [hunk for hunk, _ in placed], [place for _, place in placed])
    return missed, away


def merge(text: Text, story: Story) -> Merged | None:
    """``text`` with all that ``story`` needs of it, None where its diffs contradict each other."""
    if not all(_ordered(hunks) for _, hunks in story):
        return None
    forced = 0
    for _ in range(len(story) + 1):
        state = text
        places: dict[int, tuple[int, ...]] = {}
        for key, hunks in story:
            step = _plan(state, hunks)
            if step.edits:
                edited = _edited(text, state, step.edits)
                if edited is None:
                    return None
                forced += step.places.count(None)
                text = edited
                break
            at = tuple(place for place in step.places if place is not None)
            if len(at) < len(hunks):
                return None
            places[key] = at
            state = put_hunks(state, hunks, at)
        else:
            return Merged(text, places, forced)
    return None


def placed(hunks: Sequence[Hunk], places: Sequence[int]) -> tuple[Hunk, ...]:
    """``hunks`` with the line numbers of their ``places``, 0-based lines of the old text."""
    moved: list[Hunk] = []
    grown = 0
    for hunk, place in zip(hunks, places, strict=True):
        moved.append(standing(hunk, place + 1, place + grown + 1))
        grown += moved[-1].new_length - moved[-1].old_length
    return tuple(moved)


def _ordered(hunks: Sequence[Hunk]) -> bool:
    return all(a.old_start < b.old_start for a, b in pairwise(hunks))


class _Lines:
    """The lines of one text, and where each stands."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        budget.current().spend(len(lines))
        self.lines = lines
        self._places: dict[bytes, list[int]] = {}
        self._defined: dict[bytes, list[int]] | None = None
        for number, line in enumerate(lines):
            self._places.setdefault(line, []).append(number)

    def exact(self, old: Sequence[bytes], hint: int, floor: int) -> int | None:
        """Return the line nearest to ``hint`` where ``old`` stands, not before ``floor``."""
        if not old:
            return max(floor, min(hint, len(self.lines)))
        inner = min(range(len(old)), key=lambda n: len(self._places.get(old[n], ())))
        found = [
            place - inner
            for place in self._places.get(old[inner], ())
            if place - inner >= floor
            and [*self.lines[place - inner : place - inner + len(old)]] == old
        ]
        best = min(found, key=lambda place: (abs(place - hint), place < hint), default=None)
        if best is None or any(map(_telling, old)) or abs(best - hint) <= _NEAR:
            return best
        return None

    def near(
        self, old: list[bytes], hint: int, floor: int, end: int | None = None
    ) -> tuple[int, int, int, int] | None:
        """Find what stands for ``old``: (first hunk line, its line, last hunk line, its line).

        The indices are of the first and of the last line that both have.  It is looked for
        from ``floor`` up to ``end``.
        """
        end = len(self.lines) if end is None else end
        votes: dict[int, float] = {}
        for index, line in enumerate(old):
            places = [place for place in self._places.get(line, ()) if floor <= place < end]
            if _telling(line) and len(places) <= _MANY:
                for place in places:
                    votes[place - index] = votes.get(place - index, 0) + 1 / len(places)
        if not votes or len(old) > _LONGEST:
            return None
        weights = _weights(votes)
        shift = max(votes, key=lambda one: (weights[one], votes[one], -abs(one - hint)))
        all_telling = sum(map(_telling, old))
        pairs: list[tuple[int, int]] = []
        telling: list[int] = []
        for slack in _SLACK:
            low, high = max(floor, shift - slack), min(shift + len(old) + slack, end)
            pairs = self._pairs(old, low, high)
            telling = [number for number, (index, _) in enumerate(pairs) if _telling(old[index])]
            if len(telling) >= all_telling * _MOST:
                break
        if len(telling) < min(_ENOUGH, all_telling) or len(telling) < all_telling * _SHARE:
            return None
        first, last = telling[0], telling[-1]
        while first and pairs[first - 1] == (pairs[first][0] - 1, pairs[first][1] - 1):
            first -= 1
        while last + 1 < len(pairs) and pairs[last + 1] == (pairs[last][0] + 1, pairs[last][1] + 1):
            last += 1
        return (*pairs[first], *pairs[last])

    def _pairs(self, old: list[bytes], low: int, high: int) -> list[tuple[int, int]]:
        """Return the lines that ``old`` and the lines from ``low`` to ``high`` both have."""
        window = self.lines[low : max(low, high)]
        budget.current().spend(len(old) + len(window))
        # of long texts lines that stand everywhere begin no match, or it takes for ever
        blocks = SequenceMatcher(None, old, window).get_matching_blocks()
        return [(a + step, low + b + step) for a, b, size in blocks for step in range(size)]

    def heading(self, line: int) -> bytes:
        """Return the text that git would put behind the second @@ of a hunk at ``line``."""
        while line > 0:
            line -= 1
            if _HEADING.match(self.lines[line]) and not _LABEL.match(self.lines[line]):
                return self.lines[line]
        return b""

    def body(self, name: bytes, hint: int, floor: int) -> tuple[int, int, int] | None:
        """Where the function ``name`` begins, the first line of its body, and what ends it."""
        for start in sorted(self._headers(name), key=lambda n: abs(n - hint)):
            opening = next(
                (n for n in range(start, len(self.lines)) if _opens(self.lines[n])), None
            )
            stop = None if opening is None else self.closing(opening + 1)
            if opening is not None and stop is not None and stop >= floor:
                return start, opening + 1, stop
        return None

    def _headers(self, name: bytes) -> Sequence[int]:
        """Lines that may begin the definition of a function."""
        if self._defined is None:
            self._defined = {}
            for number, line in enumerate(self.lines):
                found = _defines(line) if line[:1].isalpha() or line[:1] == b"_" else None
                if found is not None:
                    self._defined.setdefault(found, []).append(number)
        return self._defined.get(name, ())

    def extents(self, name: bytes) -> list[tuple[int, int]]:
        """All definitions of the function ``name``: first line and the line after the last."""
        found = []
        for start in self._headers(name):
            stop = self.closing(start)
            opening = next((n for n in range(start, stop) if _opens(self.lines[n])), None)
            if opening is not None:
                found.append((self._begin(start), min(stop + 1, len(self.lines))))
        return found

    def _begin(self, line: int) -> int:
        """Return the first line of the paragraph at file scope that ``line`` stands in."""
        while line and self.lines[line - 1].strip() and not _closes(self.lines[line - 1]):
            line -= 1
        return line

    def closing(self, line: int) -> int:
        """Return the line at or after ``line`` that ends what stands there at file scope."""
        while line < len(self.lines) and not _closes(self.lines[line]):
            line += 1
        return line

    def opening(self, line: int, floor: int) -> int:
        """Return the first line, up from ``line``, of the body that it stands in."""
        while line > floor and not (_opens(self.lines[line - 1]) or _closes(self.lines[line - 1])):
            line -= 1
        return line

    def apart(self, line: int, edge: Sequence[bytes], floor: int, step: int) -> int | None:
        """For how many lines beyond ``line`` an edge stands whose neighbours need no joining.

        None in the body of a function, where lines follow from those before them.  Between
        functions, and of members of a struct or a table, each stands for itself: an edge then
        stands for as many lines as it has, and only what joins it to the next is unknown.
        Errs towards a line that is there twice.  ``step`` is -1 for what is above, else 1.
        """
        top = self.opening(line, 0)
        if top and not _closes(self.lines[top - 1]) and _is_code(self.lines[top - 1]):
            return None
        if step < 0:
            there = self.lines[max(floor, top, line - len(edge)) : line]
        else:
            there = self.lines[line + 1 : min(line + 1 + len(edge), self.closing(line))]
        plain = not any(map(_joins, (*there, *edge))) and _balance(there) == _balance(edge)
        return len(there) if plain and _balance(edge) == (0, 0) else None

    def between(self, hint: int, floor: int) -> int:
        """Return the line nearest to ``hint`` where one thing at file scope has ended."""
        ends = [
            n
            for n in range(floor, len(self.lines) + 1)
            if n == len(self.lines) or (n and _closes(self.lines[n - 1]))
        ]
        return min(ends, key=lambda n: abs(n - hint), default=len(self.lines))


def _weights(votes: dict[int, float]) -> dict[int, float]:
    """Sum the votes up that are near each other, for each shift that has one."""
    shifts = sorted(votes)
    sums = [0.0]
    for shift in shifts:
        sums.append(sums[-1] + votes[shift])
    return {
        shift: sums[bisect_right(shifts, shift + _APART)]
        - sums[bisect_left(shifts, shift - _APART)]
        for shift in shifts
    }


def _telling(line: bytes) -> bool:
    return len(line.strip()) > _TELLING


def _opens(line: bytes) -> bool:
    """Whether what stands at file scope opens with this line."""
    if line.startswith(b"{"):
        return True
    return _HEADING.match(line) is not None and line.rstrip().endswith(b"{")


def _closes(line: bytes) -> bool:
    return line.startswith(b"}")


def _is_code(opening: bytes) -> bool:
    """Whether a body that opens so is a function's, and no struct or table."""
    return opening.startswith(b"{") or (b"(" in opening and not opening.rstrip().endswith(b"= {"))


def _joins(line: bytes) -> bool:
    """Whether what stands around a line hangs on it: it ends something, or is conditional."""
    return _closes(line) or line.startswith((b"{", b"#if", b"#el", b"#endif"))


def _defines(line: bytes) -> bytes | None:
    """Return the name of the function whose definition may begin with this line."""
    found = _DEFINED.match(line)
    return _spelt(found) if found else None


def _spelt(found: re.Match[bytes]) -> bytes:
    """Return the name that was found; of what a macro defines, with the macro."""
    return found[2] or b"".join(found[1].split())


def _name(heading: bytes) -> bytes:
    """Return what a section is told from others by: a function's name, else its first words."""
    return _called(heading) or heading.strip()[:40]


def _called(heading: bytes) -> bytes | None:
    """Return the name of the function that a section begins, None where it begins none."""
    found = _CALLED.search(heading)
    return _spelt(found) if found else None


def _plan(state: Text, hunks: Sequence[Hunk], *, search: bool = True) -> _Step:
    """Find the places of the hunks of one diff; with ``search`` make places where there is none."""
    lines = _Lines(state.lines)
    places: list[int | None] = []
    edits: list[_Edit] = []
    floor = shift = 0
    for hunk in hunks:
        old = old_lines(hunk)
        first = hunk.old_start - 1 if old else hunk.old_start
        place = lines.exact(old, first + shift, floor)
        places.append(place)
        if place is not None:
            shift, floor = place - first, place + len(old)
        elif search:
            edit = _room(lines, hunk, old, first + shift, floor)
            edits.append(edit)
            shift, floor = edit.start - first, edit.stop
    if edits:
        edits = _without_doubles(lines, hunks, places, edits)
    return _Step(tuple(places), tuple(edits))


def _room(lines: _Lines, hunk: Hunk, old: list[bytes], hint: int, floor: int) -> _Edit:
    """Make room for a hunk with the old side ``old``."""
    section = hunk.section.encode("utf-8", "surrogateescape")
    found = _near(lines, section, old, hint, floor)
    if found is None:
        return _alone(lines, section, old, hint, floor)
    first, at, last, end = found
    start, stop = at, end + 1
    before: list[bytes] = []
    after: list[bytes] = []
    foreign = (
        bool(section) and not _LABEL.match(section) and _name(section) != _name(lines.heading(at))
    )
    above = [*reversed(lines.lines[max(floor, at - _FUZZ - _OFF) : at])]
    if first and not foreign and (count := _drifted(above, old[:first])):
        start = at - count
    elif first and not foreign and (off := lines.apart(at, old[:first], floor, -1)) is not None:
        start, before = at - off, [UNKNOWN]
    elif first or (foreign and not _at_file_scope(lines, at)):
        start = _up(lines, old[:first], at, floor, header=foreign)
        before = [UNKNOWN] * max(1, at - start - first)
    rest = old[last + 1 :]
    if rest and (count := _drifted(lines.lines[end + 1 : end + 1 + _FUZZ + _OFF], rest)):
        stop = end + 1 + count
    elif rest and (off := lines.apart(end, rest, floor, 1)) is not None:
        stop, after = end + 1 + off, [UNKNOWN]
    elif rest:
        stop = _down(lines, rest, end + 1)
        after = [UNKNOWN] * max(1, stop - end - 1 - len(rest))
        if _ends_outside(rest) and stop < len(lines.lines):
            after = after[:1]
    return _Edit(start, stop, (*before, *old, *after))


def _near(
    lines: _Lines, section: bytes, old: list[bytes], hint: int, floor: int
) -> tuple[int, int, int, int] | None:
    """Find what stands for ``old``, as :meth:`_Lines.near` does, first where its section is."""
    named = _called(section)
    body = lines.body(named, hint, floor) if named else None
    found = None
    if body is not None:
        found = lines.near(old, hint, max(floor, body[0]), body[2] + len(old) + _APART)
    return found or lines.near(old, hint, floor)


def _drifted(there: Sequence[bytes], edge: Sequence[bytes]) -> int:
    """For how many lines ``there`` a short edge of a hunk may stand; 0 for none.

    Lines within one function, nearest to the hunk first; what lies beyond them is then taken
    to be the same.  That is what ``patch`` calls fuzz.  They open and close as many brackets
    as the edge does: else all that follows would stand in another block.
    """
    if len(edge) > _FUZZ or not _indented(edge):
        return 0
    wanted = _balance(edge)
    counts = sorted(range(1, len(there) + 1), key=lambda count: abs(count - len(edge)))
    return next(
        (
            count
            for count in counts
            if abs(count - len(edge)) <= _OFF
            and _indented(there[:count])
            and _balance(there[:count]) == wanted
        ),
        0,
    )


def _indented(lines: Sequence[bytes]) -> bool:
    return all(line[:1] in {b"\t", b" "} for line in lines)


def _balance(lines: Sequence[bytes]) -> tuple[int, int]:
    """How many braces and round brackets lines leave open; text in quotes is not looked for."""
    text = b"".join(lines)
    return text.count(b"{") - text.count(b"}"), text.count(b"(") - text.count(b")")


def _at_file_scope(lines: _Lines, at: int) -> bool:
    """Whether the line ``at`` stands between two things."""
    top = lines.opening(at, 0)
    return not top or _closes(lines.lines[top - 1])


def _up(lines: _Lines, lead: Sequence[bytes], at: int, floor: int, *, header: bool) -> int:
    """Return where what is not known begins above ``at``, which ``lead`` stands before.

    With ``header`` the function that the lines stand in has another name there.
    """
    top = max(floor, at - len(lead))
    for _ in range(sum(map(_closes, lead))):
        while at > floor and not _closes(lines.lines[at - 1]):
            at -= 1
        at = max(floor, at - 1)
        top = min(top, at)
    top = lines.opening(top, floor)
    while (
        header
        and top > floor
        and lines.lines[top - 1].strip()
        and not _closes(lines.lines[top - 1])
    ):
        top -= 1
    return top


def _down(lines: _Lines, rest: Sequence[bytes], at: int) -> int:
    """Return where what is not known ends below ``at``, which ``rest`` stands behind."""
    for _ in range(sum(map(_closes, rest))):
        at = min(lines.closing(at) + 1, len(lines.lines))
    return at if _ends_outside(rest) else lines.closing(at)


def _ends_outside(rest: Sequence[bytes]) -> bool:
    """Whether the last lines of a hunk stand between two functions."""
    for line in reversed(rest):
        if _closes(line):
            return True
        if line.strip():
            return False
    return False


def _alone(lines: _Lines, section: bytes, old: Sequence[bytes], hint: int, floor: int) -> _Edit:
    """Put a hunk that nothing looks like into the function that it names, or between two."""
    named = _called(section)
    body = lines.body(named, hint, floor) if named else None
    room = [UNKNOWN] * _ROOM
    if body is None:
        at = lines.between(hint, floor)
        return _Edit(at, at, (*room, *old, *room))
    start, stop = max(body[1], floor), max(body[2], floor)
    if any(map(_closes, old)):
        stop = _behind(lines, old, min(stop + 1, len(lines.lines)))
    spare = max(0, stop - start - len(old) - 2 * _ROOM)
    return _Edit(
        start,
        stop,
        (*room, *[UNKNOWN] * (spare // 2), *old, *[UNKNOWN] * (spare - spare // 2), *room),
    )


def _behind(lines: _Lines, old: Sequence[bytes], stop: int) -> int:
    """Return where a hunk ends that goes beyond the function that ends before line ``stop``.

    There, unless the next one is what it ends in; what it shows whole may stand elsewhere.
    """
    if _ends_outside(old):
        return stop
    names = [name for line in old if (name := _defines(line)) is not None]
    for begin, end in lines.extents(names[-1]) if names else ():
        if begin >= stop and not any(map(_closes, lines.lines[stop:begin])):
            return end - 1
    return stop


def _without_doubles(
    lines: _Lines, hunks: Sequence[Hunk], places: Sequence[int | None], edits: list[_Edit]
) -> list[_Edit]:
    """Blank functions of the text that a hunk without a place defines itself, elsewhere."""
    taken = [(edit.start, edit.stop) for edit in edits]
    taken += [
        (place, place + len(old_lines(hunk)))
        for hunk, place in zip(hunks, places, strict=True)
        if place is not None
    ]
    names = {
        name
        for hunk, place in zip(hunks, places, strict=True)
        if place is None
        for line in hunk.lines
        if (name := _defines(line.text.encode("utf-8", "surrogateescape"))) is not None
    }
    more = [
        _Edit(start, stop, (UNKNOWN,) * (stop - start))
        for name in sorted(names)
        for start, stop in lines.extents(name)
        if all(stop <= a or b <= start for a, b in taken)
    ]
    return sorted([*edits, *more], key=lambda edit: (edit.start, edit.stop))


def _edited(text: Text, state: Text, edits: Sequence[_Edit]) -> Text | None:
    """Make ``edits`` of ``state`` in ``text``, which it came from; None where that cannot be."""
    lines = list(text.lines)
    for edit in reversed(edits):
        origin = state.origin[edit.start : edit.stop]
        if not origin:
            start = stop = _gap(state, edit.start, len(lines))
            if start < 0:
                return None
        else:
            if origin[0] == 0 or origin[-1] - origin[0] + 1 != len(origin):
                return None
            start, stop = origin[0] - 1, origin[-1]
        lines[start:stop] = edit.lines
    return Text(tuple(lines), array("I", range(1, len(lines) + 1)))


def _gap(state: Text, at: int, length: int) -> int:
    """Return where the place before line ``at`` of ``state`` was at first, -1 if nowhere."""
    before = state.origin[at - 1] if at else None
    after = state.origin[at] - 1 if at < len(state.origin) else length
    if before == 0 or after < 0 or (before or 0) > after:
        return -1
    return after if before is None else before
