"""Applies the hunks of one file diff in memory to a whole text, as ``git apply`` would.

The search for a hunk's place is git's own: first where the hunk says, then one line
further forward, one line back, and so on; no hunk may touch the lines of another.  Only
what git refuses is tried again more leniently (other line ends, another character set,
less context), and every such place is told as a limitation.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.diff import DiffLine, Hunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Ends a last line that has no line feed in the file; no other line can hold one.
_NO_NEWLINE: Final = b"\n"

#: Context lines that must be left on each side when a hunk is tried with less of them.
_LEAST_CONTEXT: Final = 1


def split_lines(text: bytes) -> list[bytes]:
    """Lines of ``text`` without their line feeds; a last line without one is marked."""
    lines = text.split(b"\n")
    last = lines.pop()
    if last:
        lines.append(last + _NO_NEWLINE)
    return lines


def join_lines(lines: Sequence[bytes]) -> bytes:
    """Return the text that :func:`split_lines` was given."""
    if not lines:
        return b""
    if not lines[-1].endswith(_NO_NEWLINE):
        return b"\n".join(lines) + b"\n"
    return b"\n".join(lines)[:-1]


class Text(Struct, frozen=True):
    """A file at one moment of a series.

    ``origin[n]`` is the number that line n + 1 had before the series, 0 for a new line.
    """

    lines: tuple[bytes, ...]
    origin: array[int]

    @classmethod
    def of(cls, content: bytes) -> Text:
        """``content`` as it stands before a series."""
        lines = tuple(split_lines(content))
        return cls(lines, array("I", range(1, len(lines) + 1)))

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return join_lines(self.lines)

    @property
    def kept(self) -> dict[int, int]:
        """Old line number to new line number, for all lines that stand unchanged."""
        numbers = dict(zip(self.origin, range(1, len(self.origin) + 1), strict=True))
        numbers.pop(0, None)
        return numbers


class Place(Struct, frozen=True):
    """Where a hunk went: 0-based line in the new text, distance from its own word for it.

    ``leniency`` says how it was placed where git would have refused it, else None; ``fuzz``
    is the number of its lines that were not compared.
    """

    line: int
    offset: int
    leniency: str | None = None
    fuzz: int = 0


class Conflict(Struct, frozen=True):
    """A hunk, counted from 1, that has no place in the text."""

    hunk: int
    message: str


class Applied(Struct, frozen=True):
    """A text after a patch, and where its hunks went."""

    text: Text
    places: tuple[Place, ...]


def standing(hunk: Hunk, old: int, new: int) -> Hunk:
    """``hunk`` with its lines numbered from ``old`` and ``new``, counted from 1."""
    before, after = old, new
    lines: list[DiffLine] = []
    for line in hunk.lines:
        was, now = line.kind != "+", line.kind != "-"
        lines.append(replace(line, old=before if was else None, new=after if now else None))
        before, after = before + was, after + now
    return replace(
        hunk,
        old_start=old if before > old else old - 1,
        old_length=before - old,
        new_start=new if after > new else new - 1,
        new_length=after - new,
        lines=tuple(lines),
    )


class _Block(Struct, frozen=True):
    """Both sides of a hunk, with the numbers of context lines at its ends."""

    pre: list[bytes]
    post: list[bytes]
    leading: int
    trailing: int

    def shorter(self) -> tuple[_Block, int]:
        """Return the block with less context, and by how many lines it starts later."""
        front = self.leading >= self.trailing
        back = self.trailing > self.leading - front
        first, pre_end = int(front), len(self.pre) - back
        return (
            _Block(
                self.pre[first:pre_end],
                self.post[first : len(self.post) - back],
                self.leading - front,
                self.trailing - back,
            ),
            first,
        )


class _Draft(Struct):
    """A text while hunks go into it; ``patched`` marks the lines that a hunk has set."""

    lines: list[bytes]
    origin: array[int]
    patched: bytearray

    def matches(self, block: list[bytes], at: int, *, begin: bool, end: bool) -> bool:
        """Whether ``block`` stands at line ``at`` and no hunk has been there."""
        stop = at + len(block)
        if stop > len(self.lines) or (begin and at) or (end and stop != len(self.lines)):
            return False
        if self.lines[at:stop] != block:
            return False
        return 1 not in self.patched[at:stop]

    def find(self, block: list[bytes], at: int, *, begin: bool, end: bool) -> int | None:
        """Return the line nearest to ``at`` where ``block`` stands, forward first, else None."""
        last = len(self.lines)
        if begin:
            at = 0
        elif end:
            at = last - len(block)
        if not 0 <= at <= last:
            at = last
        if self.matches(block, at, begin=begin, end=end):
            return at
        if begin or end or not block:
            return None
        # the longest line stands in the fewest places
        inner = max(range(len(block)), key=lambda n: len(block[n]))
        starts = (n - inner for n in self.places(block[inner]) if n >= inner)
        places = [n for n in starts if self.matches(block, n, begin=False, end=False)]
        return min(places, key=lambda n: (abs(n - at), n < at), default=None)

    def places(self, line: bytes) -> Iterator[int]:
        """All line indices where ``line`` stands."""
        at = -1
        try:
            while True:
                at = self.lines.index(line, at + 1)
                yield at
        except ValueError:
            return

    def put(self, block: _Block, kept: list[int | None], at: int) -> None:
        """Replace the old side of ``block`` at line ``at`` by its new side."""
        stop = at + len(block.pre)
        old = self.origin[at:stop]
        self.lines[at:stop] = block.post
        self.origin[at:stop] = array("I", [0 if k is None else old[k] for k in kept])
        self.patched[at:stop] = b"\1" * len(block.post)


def _encode(line: DiffLine, charset: str) -> bytes:
    try:
        raw = line.text.encode(charset, "surrogateescape")
    except UnicodeEncodeError:
        raw = line.text.encode("utf-8", "surrogateescape")
    return raw if line.newline else raw + _NO_NEWLINE


def _block(hunk: Hunk, charset: str = "utf-8") -> _Block:
    pre: list[bytes] = []
    post: list[bytes] = []
    leading = trailing = 0
    changed = False
    for line in hunk.lines:
        raw = _encode(line, charset)
        if line.kind != "+":
            pre.append(raw)
        if line.kind != "-":
            post.append(raw)
        if line.kind == " ":
            leading += not changed
            trailing += 1
        else:
            changed, trailing = True, 0
    return _Block(pre, post, leading, trailing)


def _kept(hunk: Hunk) -> list[int | None]:
    """For each line of the new side its index on the old side, None for an added line."""
    numbers: list[int | None] = []
    old = 0
    for line in hunk.lines:
        if line.kind == " ":
            numbers.append(old)
        elif line.kind == "+":
            numbers.append(None)
        old += line.kind != "+"
    return numbers


def _with_returns(lines: list[bytes]) -> list[bytes]:
    return [line if line.endswith(b"\r") else _before_mark(line, b"\r") for line in lines]


def _without_returns(lines: list[bytes]) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in lines]


def _before_mark(line: bytes, tail: bytes) -> bytes:
    if line.endswith(_NO_NEWLINE):
        return line
    return line + tail


def _variants(hunk: Hunk, block: _Block, lines: list[bytes]) -> Iterator[_Block]:
    """Return the same change for other line ends or another character set."""
    if not all(line.text.isascii() for line in hunk.lines):
        yield _block(hunk, "latin-1")
    returns = any(line.endswith(b"\r") for line in block.pre)
    if returns:
        yield _Block(
            _without_returns(block.pre),
            _without_returns(block.post),
            block.leading,
            block.trailing,
        )
    elif b"\r\0" in b"\0".join([*lines, b""]):
        yield _Block(
            _with_returns(block.pre), _with_returns(block.post), block.leading, block.trailing
        )


def _fuzzy(draft: _Draft, hunk: Hunk, block: _Block, kept: list[int | None]) -> Place | None:
    """Place the hunk with less and less context, as ``git apply -C1`` does."""
    at = max(hunk.new_start - 1, 0)
    fuzz = 0
    while True:
        found = draft.find(block.pre, at, begin=False, end=False)
        if found is not None and (block.pre or not fuzz):
            draft.put(block, kept, found)
            said = f"with fuzz {fuzz}" if fuzz else "away from the end"
            return Place(found, found - at, said, fuzz)
        if block.leading <= _LEAST_CONTEXT and block.trailing <= _LEAST_CONTEXT:
            return None
        shorter, later = block.shorter()
        at += later
        fuzz += 1
        kept = [None if k is None else k - later for k in kept[later:]][: len(shorter.post)]
        block = shorter


def _place(draft: _Draft, hunk: Hunk) -> Place | None:
    block = _block(hunk)
    kept = _kept(hunk)
    begin = hunk.old_start <= 1
    end = not block.trailing
    at = max(hunk.new_start - 1, 0)
    found = draft.find(block.pre, at, begin=begin, end=end)
    if found is not None:
        draft.put(block, kept, found)
        return Place(found, found - at)
    for variant in _variants(hunk, block, draft.lines):
        found = draft.find(variant.pre, at, begin=begin, end=end)
        if found is not None:
            draft.put(variant, kept, found)
            return Place(found, found - at, "with other line ends or another character set")
    return _fuzzy(draft, hunk, block, kept)


def apply_hunks(text: Text, hunks: Sequence[Hunk]) -> Applied | Conflict:
    """``text`` after ``hunks``, in the order given, or the first hunk without a place."""
    draft = _Draft(list(text.lines), text.origin[:], bytearray(len(text.lines)))
    places: list[Place] = []
    for number, hunk in enumerate(hunks, 1):
        place = _place(draft, hunk)
        if place is None:
            return Conflict(number, f"hunk {number} (line {hunk.old_start}) does not apply")
        places.append(place)
    return Applied(_settle(draft), tuple(places))


def _settle(draft: _Draft) -> Text:
    """Return the text of a finished draft; a marked line that is no longer last joins the next."""
    lines, origin = draft.lines, draft.origin
    if _NO_NEWLINE + b"\0" in b"\0".join(lines):
        joined = b"".join(
            line[:-1] if line.endswith(_NO_NEWLINE) else line + b"\n" for line in lines
        )
        lines = split_lines(joined)
        origin = array("I", [0] * len(lines))
    return Text(tuple(lines), origin)


def old_lines(hunk: Hunk) -> list[bytes]:
    """Lines of the hunk's old side, as :func:`split_lines` gives those of a file."""
    return _block(hunk).pre


def put_hunks(text: Text, hunks: Sequence[Hunk], places: Sequence[int]) -> Text:
    """``text`` after ``hunks``, each put at its place: a 0-based line of ``text``, ascending."""
    draft = _Draft(list(text.lines), text.origin[:], bytearray(len(text.lines)))
    for hunk, place in zip(reversed(hunks), reversed(places), strict=True):
        draft.put(_block(hunk), _kept(hunk), place)
    return _settle(draft)


def exact(text: Text, hunks: Sequence[Hunk]) -> bool:
    """Whether git itself would apply ``hunks``."""
    applied = apply_hunks(text, hunks)
    return isinstance(applied, Applied) and not any(place.leniency for place in applied.places)


def reversed_hunk(hunk: Hunk) -> Hunk:
    """Return the hunk that takes ``hunk`` back."""
    turned = {"+": "-", "-": "+", " ": " "}
    lines = tuple(
        DiffLine(turned[line.kind], line.text, line.new, line.old, line.newline)  # type: ignore[arg-type]
        for line in hunk.lines
    )
    return Hunk(
        hunk.new_start, hunk.new_length, hunk.old_start, hunk.old_length, hunk.section, lines
    )
