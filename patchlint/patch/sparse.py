"""A file of which only some lines are known, and what hunks do to it."""

from __future__ import annotations

from bisect import bisect_right
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.model.diff import Hunk

END = 1 << 40
"""Length of a stretch of original lines that ends where the file ends, wherever that is."""


class Heading(Struct, frozen=True):
    """Patch ``patch`` changed a file-scope line; None where it removed or added one."""

    patch: int
    old: str | None
    new: str | None


class Base(Struct):
    """What is known of a file before the series.

    ``lines`` maps a line number to its text; ``sections`` maps the first old line of a hunk
    to the (patch number, section text) pairs of the hunks that begin there; ``length`` is the
    number of lines when the whole file is known, else None.  It only ever learns: each hunk
    of each patch adds the original lines that it shows.  ``headings`` is what the patches
    do to file-scope lines, in order.
    """

    lines: dict[int, str] = field(default_factory=dict)
    sections: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    length: int | None = None
    headings: list[Heading] = field(default_factory=list)
    _stretches: list[tuple[int, list[str]]] = field(default_factory=list)
    _gathered: int = 0

    def stretches(self, first: int, length: int) -> Iterator[tuple[int, list[str]]]:
        """Yield the known lines of a stretch of the file: (base line, texts) without gaps."""
        if self._gathered != len(self.lines):
            self._stretches = _gather(self.lines)
            self._gathered = len(self.lines)
        stop = first + length
        begin = max(0, bisect_right(self._stretches, first, key=lambda item: item[0]) - 1)
        for start, texts in self._stretches[begin:]:
            if start >= stop:
                return
            low, high = max(first, start), min(stop, start + len(texts))
            if low < high:
                yield low, texts[low - start : high - start]


def _gather(lines: dict[int, str]) -> list[tuple[int, list[str]]]:
    """Return known lines in stretches without gaps."""
    result: list[tuple[int, list[str]]] = []
    following = 0
    for number in sorted(lines):
        if number != following:
            result.append((number, []))
        result[-1][1].append(lines[number])
        following = number + 1
    return result


class Original(Struct, frozen=True):
    """``length`` lines that stand as in the base, from base line ``first`` on."""

    first: int
    length: int


class Added(Struct, frozen=True):
    """Lines that patch ``patch`` brought, with the section text of the hunk that did."""

    texts: tuple[str, ...]
    patch: int
    section: str

    @property
    def length(self) -> int:
        """Number of lines."""
        return len(self.texts)


class Lost(Struct, frozen=True):
    """Lines that came from a change that the series does not contain: text unknown."""

    length: int


Piece = Original | Added | Lost
Pieces = tuple[Piece, ...]

WHOLLY_ORIGINAL: Pieces = (Original(1, END),)


class Conflict(Struct, frozen=True):
    """Hunk number ``hunk`` (from 0) says something else about old line ``line``."""

    hunk: int
    line: int
    reason: str


class Applied(Struct, frozen=True):
    """Pieces after the hunks, and how far hunks had to be moved: (hunk from 0, lines)."""

    pieces: Pieces
    moved: tuple[tuple[int, int], ...] = ()


class Run(Struct, frozen=True):
    """Known lines without a gap: ``texts[0]`` is line ``first``.

    ``origins`` has the base line of each, 0 for an added one; ``sections`` are the sections
    of the hunks that begin at the run's first line.
    """

    first: int
    texts: tuple[str, ...]
    origins: tuple[int, ...]
    sections: tuple[tuple[int, str], ...]

    @property
    def last(self) -> int:
        """Line number of the last line."""
        return self.first + len(self.texts) - 1


def whole_base(text: Sequence[str]) -> Base:
    """Return the base of a file whose every line is ``text``."""
    return Base(dict(enumerate(text, 1)), {}, len(text))


def part_base(text: Sequence[str | None]) -> Base:
    """Return the base of a file of so many lines as ``text`` has; None for unknown ones."""
    known = {number: line for number, line in enumerate(text, 1) if line is not None}
    return Base(known, {}, len(text))


def whole_pieces(base: Base) -> Pieces:
    """Return the pieces of an untouched file on ``base``."""
    if base.length is None:
        return WHOLLY_ORIGINAL
    return (Original(1, base.length),) if base.length else ()


def part(piece: Piece, skip: int, length: int) -> Piece:
    """Return ``length`` lines of ``piece`` after its first ``skip``."""
    if isinstance(piece, Original):
        return Original(piece.first + skip, length)
    if isinstance(piece, Added):
        return replace(piece, texts=piece.texts[skip : skip + length])
    return Lost(length)


def joined(pieces: Iterable[Piece]) -> Pieces:
    """Return ``pieces`` without empty ones, neighbours that follow on made one."""
    result: list[Piece] = []
    for piece in pieces:
        if not piece.length:
            continue
        last = result[-1] if result else None
        if isinstance(piece, Original) and isinstance(last, Original):
            if last.first + last.length == piece.first:
                tail = END if piece.length >= END // 2 else last.length + piece.length
                result[-1] = Original(last.first, tail)
                continue
        elif isinstance(piece, Lost) and isinstance(last, Lost):
            result[-1] = Lost(last.length + piece.length)
            continue
        result.append(piece)
    return tuple(result)


def old_position(hunk: Hunk) -> int:
    """Return the old line that the hunk begins at; an insertion begins after its line."""
    shown = any(line.kind != "+" for line in hunk.lines)
    return max(1, hunk.old_start if shown else hunk.old_start + 1)


class _Reader:
    """Takes pieces from the front, line by line."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._index = 0
        self._skip = 0
        self.line = 1

    def take(self, count: int) -> list[Piece]:
        """Return the next ``count`` lines; fewer at the end of a file of known length."""
        taken: list[Piece] = []
        while count > 0 and self._index < len(self._pieces):
            piece = self._pieces[self._index]
            here = min(count, piece.length - self._skip)
            taken.append(part(piece, self._skip, here))
            self.line += here
            count -= here
            self._skip += here
            if self._skip >= piece.length:
                self._index += 1
                self._skip = 0
        return taken

    def rest(self) -> list[Piece]:
        """Return all that was not taken."""
        if self._index >= len(self._pieces):
            return []
        piece = self._pieces[self._index]
        return [
            part(piece, self._skip, piece.length - self._skip),
            *self._pieces[self._index + 1 :],
        ]


def apply(base: Base, pieces: Pieces, hunks: Sequence[Hunk], patch: int) -> Applied | Conflict:
    """Return the pieces after ``hunks``, or the first contradiction.

    Every original line that the hunks show is learned by ``base``, unless there is a
    contradiction: then nothing is.
    """
    learned: dict[int, str] = {}
    anchors: list[tuple[int, str]] = []
    reader = _Reader(pieces)
    result: list[Piece] = []
    for number, hunk in enumerate(hunks):
        position = old_position(hunk)
        if position < reader.line:
            return Conflict(number, position, "the hunk overlaps the one before it")
        result += reader.take(position - reader.line)
        if reader.line < position:
            return Conflict(number, position, "the file ends before the hunk begins")
        shown: list[Piece] = []
        for kind, texts in _blocks(hunk):
            if kind == "+":
                result.append(Added(texts, patch, hunk.section))
                continue
            line = reader.line
            taken = reader.take(len(texts))
            wrong = _learn(base, learned, taken, texts)
            if wrong is not None:
                return Conflict(number, line + wrong, "the line has another text")
            shown += taken
            result += taken if kind == " " else ()
        if shown and isinstance(shown[0], Original):
            anchors.append((shown[0].first, hunk.section))
    result += reader.rest()
    base.lines.update(learned)
    for anchor, section in anchors:
        base.sections.setdefault(anchor, []).append((patch, section))
    for hunk in hunks:
        base.headings += _headings(hunk, patch)
    return Applied(joined(result))


def settle(base: Base, pieces: Pieces, hunks: Sequence[Hunk], patch: int) -> Applied | Conflict:
    """Apply ``hunks``, moving known lines where a change that is not at hand moved them.

    A hunk that contradicts known text at its own line numbers, but whose old lines stand
    known a little above or below, shows that lines came or went in a gap between: they are
    put in as lost lines, or taken out of the gap.  Returns the first contradiction that
    cannot be explained so.  Errs towards not moving: at least three telling lines must fit.
    """
    moved: list[tuple[int, int]] = []
    while True:
        applied = apply(base, pieces, hunks, patch)
        if isinstance(applied, Applied):
            return replace(applied, moved=tuple(moved))
        if moved and applied.hunk <= moved[-1][0]:
            return applied
        shift = _shift(base, pieces, hunks, applied.hunk)
        if shift is None:
            return applied
        lines, pieces = shift
        moved.append((applied.hunk, lines))


REACH = 2000
"""How far from its own line number a hunk's lines are looked for."""

TELLING = 3
"""How many lines that are more than a brace must fit for a hunk to be moved."""


def _shift(
    base: Base, pieces: Pieces, hunks: Sequence[Hunk], index: int
) -> tuple[int, Pieces] | None:
    """Return by how many lines hunk ``index`` is moved, and pieces that make up for it."""
    old = [line.text for line in hunks[index].lines if line.kind != "+"]
    telling = [offset for offset, text in enumerate(old) if len(text.strip()) > TELLING]
    position = old_position(hunks[index])
    floor = 1
    if index:
        before = hunks[index - 1]
        floor = old_position(before) + sum(line.kind != "+" for line in before.lines)
    present = {
        run.first + offset: text
        for run in runs(base, pieces)
        for offset, text in enumerate(run.texts)
    }
    places: dict[str, list[int]] = {}
    for number, text in present.items():
        places.setdefault(text, []).append(number)
    found = {
        number - offset
        for offset in telling
        for number in places.get(old[offset], ())
        if floor <= number - offset and abs(number - offset - position) <= REACH
    }
    for start in sorted(found, key=lambda number: (abs(number - position), number)):
        hits = [offset for offset in telling if present.get(start + offset) == old[offset]]
        fits = all(present.get(start + i, text) == text for i, text in enumerate(old))
        if start == position or not fits or len(hits) < TELLING:
            continue
        changed = _make_room(pieces, present, floor, start, position - start)
        if changed is not None:
            return position - start, changed
    return None


def _make_room(
    pieces: Pieces, present: dict[int, str], floor: int, start: int, lines: int
) -> Pieces | None:
    """Put ``lines`` lost lines into the last gap before ``start``, or take them out of it."""
    gap = start - 1
    while gap >= floor and gap in present:
        gap -= 1
    if lines > 0:
        at = gap + 1 if gap >= floor else start
        reader = _Reader(pieces)
        return joined([*reader.take(at - 1), Lost(lines), *reader.rest()])
    if gap + lines + 1 < floor or any(n in present for n in range(gap + lines + 1, gap + 1)):
        return None
    reader = _Reader(pieces)
    head = reader.take(gap + lines)
    reader.take(-lines)
    return joined([*head, *reader.rest()])


def fill(base: Base, pieces: Pieces, texts: Sequence[str]) -> bool:
    """Learn that the file with ``pieces`` is ``texts``, all of it; False if that cannot be.

    The base is then whole too, unless lines of it got lost.
    """
    tail = len(texts) - sum(piece.length for piece in pieces if piece.length < END // 2)
    open_end = bool(pieces) and pieces[-1].length >= END // 2
    if tail < 0 or (tail and not open_end):
        return False
    if open_end:
        pieces = (*pieces[:-1], part(pieces[-1], 0, tail))
    learned: dict[int, str] = {}
    if _learn(base, learned, pieces, tuple(texts)) is not None:
        return False
    last = pieces[-1] if pieces else None
    total = last.first + last.length - 1 if isinstance(last, Original) else base.length
    if total is None or max(base.lines, default=0) > total:
        return False
    base.lines.update(learned)
    if len(base.lines) == total:
        base.length = total
    return True


def encode(text: str) -> bytes:
    """Return the bytes that ``text`` was decoded from."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def lines_of(base: Base, pieces: Pieces) -> list[str] | None:
    """Return all lines of a file, None when some are not known."""
    result: list[str] = []
    for piece in pieces:
        if isinstance(piece, Added):
            result += piece.texts
        elif isinstance(piece, Lost):
            return None
        else:
            if piece.length >= END // 2 and base.length is None:
                return None
            try:
                end = base.length if piece.length >= END // 2 else piece.first + piece.length - 1
                result += [base.lines[number] for number in range(piece.first, (end or 0) + 1)]
            except KeyError:
                return None
    return result


def relocated(hunks: Sequence[Hunk], old: Sequence[str]) -> list[Hunk] | None:
    """Return ``hunks`` with the old line numbers where ``old`` has their lines, else None."""
    result: list[Hunk] = []
    shift = 0
    for hunk in hunks:
        texts = [line.text for line in hunk.lines if line.kind != "+"]
        start = old_position(hunk) - 1 + shift
        away = next(
            (
                away
                for step in range(REACH)
                for away in (step, -step)
                if start + away >= 0 and old[start + away : start + away + len(texts)] == texts
            ),
            None,
        )
        if away is None:
            return None
        shift += away
        result.append(replace(hunk, old_start=hunk.old_start + shift))
    return result


def difference(pieces: Pieces, old: Sequence[str], new: Sequence[str], patch: int) -> Pieces:
    """Return the pieces of ``new``, a change by ``patch`` of ``old`` that ``pieces`` make up."""
    from difflib import SequenceMatcher

    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    reader = _Reader(pieces)
    result = reader.take(head)
    matcher = SequenceMatcher(
        None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False
    )
    for tag, first, last, low, high in matcher.get_opcodes():
        taken = reader.take(last - first)
        if tag == "equal":
            result += taken
        else:
            result.append(Added(tuple(new[head + low : head + high]), patch, ""))
    return joined([*result, *reader.rest()])


def _blocks(hunk: Hunk) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the lines of a hunk in stretches of one kind."""
    kind = ""
    texts: list[str] = []
    for line in hunk.lines:
        if line.kind != kind:
            if texts:
                yield kind, tuple(texts)
            kind = line.kind
            texts = []
        texts.append(line.text)
    if texts:
        yield kind, tuple(texts)


def _headings(hunk: Hunk, patch: int) -> Iterator[Heading]:
    """Yield what the hunk does to file-scope lines; paired when it changes one for one."""
    removed: list[str] = []
    for kind, texts in _blocks(hunk):
        found = [text for text in texts if text[:1].isalpha() or text[:1] == "_"]
        if kind == "+" and len(found) == len(removed):
            yield from (Heading(patch, *pair) for pair in zip(removed, found, strict=True))
        elif kind == "+":
            yield from (Heading(patch, old, None) for old in removed)
            yield from (Heading(patch, None, new) for new in found)
        elif removed:
            yield from (Heading(patch, old, None) for old in removed)
        removed = found if kind == "-" else []
    yield from (Heading(patch, old, None) for old in removed)


def _learn(
    base: Base, learned: dict[int, str], taken: Sequence[Piece], texts: tuple[str, ...]
) -> int | None:
    """Note ``texts`` as the text of ``taken``; return the offset of the first that differs."""
    offset = 0
    for piece in taken:
        end = offset + piece.length
        if isinstance(piece, Added):
            if piece.texts != texts[offset:end]:
                pairs = zip(piece.texts, texts[offset:end], strict=True)
                return offset + next(i for i, (a, b) in enumerate(pairs) if a != b)
        elif isinstance(piece, Original):
            for index in range(piece.length):
                number = piece.first + index
                text = texts[offset + index]
                beyond = base.length is not None and number > base.length
                if beyond or base.lines.get(number, text) != text:
                    return offset + index
                learned[number] = text
        offset = end
    return None if offset == len(texts) else offset


class _Runs:
    """Gathers known lines into runs."""

    def __init__(self) -> None:
        self.found: list[Run] = []
        self._texts: list[str] = []
        self._origins: list[int] = []
        self._first = 1
        self._sections: tuple[tuple[int, str], ...] = ()

    def add(
        self,
        line: int,
        texts: Sequence[str],
        first_origin: int,
        sections: Sequence[tuple[int, str]],
    ) -> None:
        """Add known lines from ``line`` on; their base lines count from ``first_origin``."""
        if self._texts and line != self._first + len(self._texts):
            self.end()
        if not self._texts:
            self._first = line
            self._sections = tuple(sections)
        self._texts += texts
        stop = first_origin + len(texts)
        self._origins += range(first_origin, stop) if first_origin else [0] * len(texts)

    def end(self) -> None:
        """End the run."""
        if self._texts:
            run = Run(self._first, tuple(self._texts), tuple(self._origins), self._sections)
            self.found.append(run)
            self._texts.clear()
            self._origins.clear()


def runs(base: Base, pieces: Pieces) -> list[Run]:
    """Return the known lines of a file, in stretches without a gap, top to bottom."""
    result = _Runs()
    line = 1
    for piece in pieces:
        if isinstance(piece, Added):
            result.add(line, piece.texts, 0, ((piece.patch, piece.section),))
        elif isinstance(piece, Original):
            shift = line - piece.first
            for number, texts in base.stretches(piece.first, piece.length):
                result.add(number + shift, texts, number, base.sections.get(number, ()))
        line += piece.length
    result.end()
    return result.found


def kept(base: Base, pieces: Pieces) -> dict[int, int]:
    """Return the known base lines that still stand, base line to present line."""
    result: dict[int, int] = {}
    line = 1
    for piece in pieces:
        if isinstance(piece, Original):
            shift = line - piece.first
            for number, texts in base.stretches(piece.first, piece.length):
                stop = number + len(texts)
                old, new = range(number, stop), range(number + shift, stop + shift)
                result.update(zip(old, new, strict=True))
        line += piece.length
    return result


#: added lines of two states that are held against each other line by line
_MOST_ALIGNED = 4000


def kept_between(base: Base, before: Pieces, after: Pieces) -> dict[int, int]:
    """Return the lines of one state that still stand in a later one, by their numbers.

    Lines of the base are known by their place there; those that earlier patches added
    stand in the same order in both, so that they are aligned by text.
    """
    there, here = kept(base, before), kept(base, after)
    result = {line: here[origin] for origin, line in there.items() if origin in here}
    old, new = _added(before), _added(after)
    if old and new and len(old) + len(new) <= _MOST_ALIGNED:
        at_old = at_new = 0
        for end in [*sorted(result.items()), (END, END)]:
            # between two lines that stayed, added ones can only be held against each other
            stop_old, stop_new = at_old, at_new
            while stop_old < len(old) and old[stop_old][0] < end[0]:
                stop_old += 1
            while stop_new < len(new) and new[stop_new][0] < end[1]:
                stop_new += 1
            one, two = old[at_old:stop_old], new[at_new:stop_new]
            at_old, at_new = stop_old, stop_new
            if one and two:
                texts = ([text for _, text in one], [text for _, text in two])
                matcher = SequenceMatcher(None, *texts, autojunk=False)
                for block in matcher.get_matching_blocks():
                    for step in range(block.size):
                        result[one[block.a + step][0]] = two[block.b + step][0]
    return dict(sorted(result.items()))


def _added(pieces: Pieces) -> list[tuple[int, tuple[int, str]]]:
    """Return the lines that patches added: number, and (patch, text)."""
    result: list[tuple[int, tuple[int, str]]] = []
    line = 1
    for piece in pieces:
        if isinstance(piece, Added):
            result.extend(
                (line + place, (piece.patch, text)) for place, text in enumerate(piece.texts)
            )
        line += piece.length
    return result
