"""Applies a series in memory to whole old texts, as ``git am`` would apply it to files.

The search for a hunk's place is git's own: first where the hunk says, then one line
further forward, one line back, and so on; no hunk may touch the lines of another.  Only
what git refuses is tried again more leniently (other line ends, another character set,
less context), and every such place is told as a limitation.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field

from patchlint.model.diff import DiffLine, FileDiff, Hunk
from patchlint.model.problem import Limitation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.patch.trees import Tree

Source = Literal["blob", "base", "head", "new", "reverse"]

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

    ``leniency`` says how it was placed where git would have refused it, else None.
    """

    line: int
    offset: int
    leniency: str | None = None


class Conflict(Struct, frozen=True):
    """A hunk, counted from 1, that has no place in the text."""

    hunk: int
    message: str


class Applied(Struct, frozen=True):
    """A text after a patch, and where its hunks went."""

    text: Text
    places: tuple[Place, ...]


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
            return Place(found, found - at, f"with fuzz {fuzz}" if fuzz else "away from the end")
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


def _exact(text: Text, hunks: Sequence[Hunk]) -> bool:
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


class Moment(Struct, frozen=True):
    """A file before a series or after one of its patches; ``path`` None: no such file."""

    path: str | None
    text: Text | None


class FileHistory(Struct, frozen=True):
    """One file through a series.

    ``moments[0]`` is before the series, ``moments[k]`` after its k-th patch in order
    (not its number: patches may be missing).  ``touched`` holds the 1-based positions of
    the patches that changed it.  ``source`` says where the old text came from.  A copy
    starts from the file that it was copied from.
    """

    moments: tuple[Moment, ...]
    touched: tuple[int, ...]
    source: Source
    copied: bool = False

    @property
    def old_path(self) -> str | None:
        """Path before the series, None for a new file."""
        return self.moments[0].path

    @property
    def path(self) -> str:
        """Last path that the file had."""
        return next((m.path for m in reversed(self.moments) if m.path is not None), "")

    @property
    def paths(self) -> frozenset[str]:
        """All paths that the file had."""
        return frozenset(m.path for m in self.moments if m.path is not None)

    @property
    def old(self) -> bytes | None:
        """Content before the series, None for a new file."""
        text = self.moments[0].text
        return None if text is None else text.content

    def new(self, upto: int) -> bytes | None:
        """Content after the first ``upto`` patches, None when there is no such file."""
        text = self.moments[upto].text
        return None if text is None else text.content

    def kept(self, upto: int) -> dict[int, int]:
        """Lines that the first ``upto`` patches left alone: old number to new number."""
        text = self.moments[upto].text
        if text is None or self.moments[0].text is None:
            return {}
        return text.kept


class WholeImages(Struct, frozen=True):
    """What :func:`whole_images` could make whole.

    ``failed`` holds the paths of files whose images must come from hunks; each has a
    limitation.  ``base`` is the commit that old texts were read from where no blob id
    named them, None for a plain folder.
    """

    files: tuple[FileHistory, ...]
    failed: frozenset[str]
    limitations: tuple[Limitation, ...]
    base: str | None

    def texts(
        self, numbers: Sequence[int]
    ) -> dict[tuple[int, str], tuple[bytes | None, bytes | None]]:
        """Return each touched file before and after each patch.

        Keys are the patch's number, as ``numbers`` has them in order, and the file's path
        after it (before it when the patch deletes it).
        """
        return {
            (numbers[k - 1], history.moments[k].path or history.moments[k - 1].path or ""): (
                history.new(k - 1),
                history.new(k),
            )
            for history in self.files
            for k in history.touched
        }


class _Growing(Struct, eq=False):
    """A history in the making; two are the same only when they are one object."""

    moments: list[Moment]
    source: Source
    copied: bool = False
    touched: list[int] = field(default_factory=list)

    def upto(self, position: int) -> Moment:
        """Return the newest moment that is not later than patch ``position``."""
        return self.moments[min(position, len(self.moments) - 1)]

    def grow(self, position: int, moment: Moment) -> None:
        """Set the moment after patch ``position``."""
        while len(self.moments) < position:
            self.moments.append(self.moments[-1])
        self.moments[position:] = [moment]
        if position not in self.touched:
            self.touched.append(position)


class _Failure(Exception):  # noqa: N818 - it never leaves this module
    """A file diff that cannot be followed; the text says why."""


class _Series(Struct):
    """The files of a series while its patches go in one by one."""

    tree: Tree
    base: Tree
    based: bool
    patches: Sequence[Sequence[FileDiff]]
    before: list[FileDiff] = field(default_factory=list)
    current: dict[str, _Growing] = field(default_factory=dict)
    histories: list[_Growing] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    limitations: list[Limitation] = field(default_factory=list)

    def load(self, diff: FileDiff, path: str) -> _Growing:
        """Start a history with the old text of ``path``, which ``diff`` is the first to touch."""
        content = self.tree.blob(diff.old_blob) if diff.old_blob else None
        if content is not None:
            return _Growing([Moment(path, Text.of(content))], "blob")
        content = self.prepared(path)
        if content is None:
            raise _Failure("the tree has no such file")
        text = Text.of(content)
        if not _exact(text, diff.hunks):
            undone = self.undone(path, text)
            if undone is not None:
                self.limitations.append(
                    Limitation("images", f"{path}: the tree has the series already", path)
                )
                return _Growing([Moment(path, Text.of(undone.content))], "reverse")
        return _Growing([Moment(path, text)], "base" if self.based else "head")

    def require(self, ids: Sequence[str]) -> None:
        """Take in the patches that the series says must stand before it on its base."""
        from patchlint.patch.diff import parse

        found = self.base.patches(ids)
        for one in ids:
            if one in found:
                self.before += parse(found[one]).files
            else:
                message = f"prerequisite patch {one[:12]} is not among the repository's commits"
                self.limitations.append(Limitation("images", message))

    def prepared(self, path: str) -> bytes | None:
        """Return the file of the base, after the prerequisite patches."""
        content = self.base.read(path)
        for diff in self.before:
            if path not in {diff.old_path, diff.new_path} or diff.kind in {"rename", "copy"}:
                continue
            applied = apply_hunks(Text.of(content or b""), diff.hunks)
            if isinstance(applied, Applied):
                content = applied.text.content if diff.new_path is not None else None
        return content

    def undone(self, path: str, text: Text) -> Text | None:
        """Take all that the series does to ``path`` back, None when that is not in ``text``."""
        for diffs in reversed(self.patches):
            for diff in reversed(diffs):
                if path not in {diff.old_path, diff.new_path}:
                    continue
                back = [reversed_hunk(hunk) for hunk in diff.hunks]
                if diff.old_path != diff.new_path or not _exact(text, back):
                    return None
                applied = apply_hunks(text, back)
                if isinstance(applied, Conflict):
                    return None
                text = applied.text
        return text

    def patch(self, position: int, diffs: Iterable[FileDiff]) -> None:
        """Take in one patch."""
        before = dict(self.current)
        for diff in diffs:
            paths = {p for p in (diff.old_path, diff.new_path) if p is not None}
            if paths & self.failed:
                self.fail(paths, None, position)
                continue
            try:
                self.file(position, diff, before)
            except _Failure as failure:
                self.fail(paths, str(failure), position)

    def fail(self, paths: set[str], message: str | None, position: int) -> None:
        """Give up on the files at ``paths``; those that moved on the way go with them."""
        lost = set(paths)
        for history in list(self.histories):
            known = {m.path for m in history.moments if m.path is not None}
            if known & lost:
                lost |= known
                self.histories.remove(history)
        for path in lost:
            self.current.pop(path, None)
        self.failed |= lost
        if message is not None:
            where = min(paths)
            self.limitations.append(
                Limitation("images", f"patch {position}: {where}: {message}; hunks only", where)
            )

    def file(self, position: int, diff: FileDiff, before: dict[str, _Growing]) -> None:
        """Take in what a patch does to one file."""
        if diff.kind == "binary":
            raise _Failure("binary patch")
        history, text = self.start(position, diff, before)
        if diff.hunks:
            applied = apply_hunks(text, diff.hunks)
            if isinstance(applied, Conflict):
                raise _Failure(applied.message)
            self.tell(position, diff, applied)
            text = applied.text
        if diff.new_path is None:
            if text.lines and diff.hunks:
                raise _Failure("the patch deletes the file but leaves text in it")
            history.grow(position, Moment(None, None))
        else:
            history.grow(position, Moment(diff.new_path, text))
        if diff.old_path is not None and self.current.get(diff.old_path) is history:
            del self.current[diff.old_path]
        if diff.new_path is not None:
            self.current[diff.new_path] = history
        if history not in self.histories:
            self.histories.append(history)

    def start(
        self, position: int, diff: FileDiff, before: dict[str, _Growing]
    ) -> tuple[_Growing, Text]:
        """Return the history that ``diff`` goes on with, and the text that it starts from."""
        if diff.old_path is None:
            return self.fresh(diff.path), Text((), array("I"))
        moved = diff.kind in {"rename", "copy"}
        known = before if moved else self.current
        history = known.get(diff.old_path)
        if history is None:
            if self.moved_away(diff.old_path):
                raise _Failure("an earlier patch deletes or moves the file")
            history = self.load(diff, diff.old_path)
        moment = history.upto(position - 1) if moved else history.moments[-1]
        if moment.text is None or moment.path is None:
            raise _Failure("an earlier patch deletes or moves the file")
        if diff.kind == "copy":
            history = _Growing(list(history.moments[:position]), history.source, copied=True)
        return history, moment.text

    def fresh(self, path: str) -> _Growing:
        """Return a history for a new file; one that an earlier patch deleted goes on."""
        if path in self.current:
            raise _Failure("the patch adds a file that is there already")
        return self.gone(path) or _Growing([Moment(None, None)], "new")

    def gone(self, path: str) -> _Growing | None:
        """Return the history of a file that the series took away from ``path``, if any."""
        for history in self.histories:
            if history.moments[-1].path is None and any(m.path == path for m in history.moments):
                return history
        return None

    def moved_away(self, path: str) -> bool:
        """Whether the series has taken the file at ``path`` away or moved it."""
        return any(
            not history.copied and any(moment.path == path for moment in history.moments[:-1])
            for history in self.histories
        )

    def tell(self, position: int, diff: FileDiff, applied: Applied) -> None:
        """Say where a hunk was placed that git would not have placed."""
        for number, place in enumerate(applied.places, 1):
            if place.leniency is not None:
                self.limitations.append(
                    Limitation(
                        "images",
                        f"patch {position}: {diff.path}: hunk {number} applied"
                        f" {place.leniency}, at line {place.line + 1}",
                        diff.path,
                    )
                )


def whole_images(
    tree: Tree,
    patches: Sequence[Sequence[FileDiff]],
    base_commit: str | None = None,
    prerequisites: Sequence[str] = (),
) -> WholeImages:
    """Follow every file of a series from its whole old text through all its patches.

    The old text of a file is the blob that the ``index`` line of the first patch that
    touches it names; else the file at ``base_commit``, with the patches applied whose ids
    ``prerequisites`` has; else the file in ``tree``; when that has the series already, the
    file with the series taken back.  A file that cannot be followed to the end is left
    out, with a limitation.
    """
    base = tree.at(base_commit) if base_commit else None
    series = _Series(tree, base or tree, base is not None, patches)
    if base is not None and prerequisites:
        series.require(prerequisites)
    if base_commit and base is None:
        read = "its HEAD" if tree.commit else "the folder as it is"
        text = f"the tree lacks the base-commit {base_commit}; {read} is read instead"
        series.limitations.append(Limitation("tree", text))
    for position, diffs in enumerate(patches, 1):
        series.patch(position, diffs)
    for history in series.histories:
        while len(history.moments) <= len(patches):
            history.moments.append(history.moments[-1])
    return WholeImages(
        tuple(
            FileHistory(tuple(h.moments), tuple(h.touched), h.source, h.copied)
            for h in series.histories
        ),
        frozenset(series.failed),
        tuple(series.limitations),
        (base or tree).commit,
    )
