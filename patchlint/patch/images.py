"""Composes the hunks of a series into each file before and after it.

Nothing is read here: hunks in, images out.  A file is kept as the lines that some hunk of
the series shows; a line that no patch touched is known on both sides, wherever it was shown.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint.model.image import FilePair, Image, SeriesState
from patchlint.model.problem import Limitation
from patchlint.patch import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from patchlint.model.diff import FileDiff, Hunk
    from patchlint.patch.sparse import Base, Pieces

WholeTexts = tuple[bytes | None, bytes | None]
"""A file's whole text before and after one patch; None where unknown or not there."""


class _Version(Struct):
    """A file as a patch left it; ``pieces`` is None when the patch deleted it."""

    entry: int
    base: Base
    pieces: Pieces | None
    path: str
    old_path: str | None
    existed: bool
    touched: tuple[int, ...]


class _Lineage(Struct):
    """One file through the series, under whatever names."""

    versions: list[_Version] = field(default_factory=list)

    def before(self, entry: int) -> _Version | None:
        """Return the last version that is older than patch ``entry``."""
        return next((v for v in reversed(self.versions) if v.entry < entry), None)


class Composition(Struct):
    """A composed series.

    ``numbers`` are the numbers of its patches, ascending; ``limitations`` says where the
    patches did not follow from each other, ``lost`` which hunks of a patch are in no image.
    """

    numbers: tuple[int, ...]
    limitations: tuple[Limitation, ...]
    lost: Mapping[int, Sequence[str]]
    _lineages: tuple[_Lineage, ...]
    _states: dict[int, SeriesState] = field(default_factory=dict)
    _pres: dict[int, tuple[Image, frozenset[int]]] = field(default_factory=dict)
    _pairs: dict[tuple[int, int], FilePair | None] = field(default_factory=dict)
    _places: dict[int, tuple[int, int]] = field(default_factory=dict)
    _same: dict[int, FilePair] = field(default_factory=dict)

    def state(self, k: int) -> SeriesState:
        """Return the files touched by the first ``k`` patches, before and after.

        k counts the patches at hand, in the order of ``numbers``: ``state(0)`` has no files,
        ``state(len(numbers))`` is the whole series.  ``pre`` is always
        the file before the whole series, with every line of it that any patch shows; only
        where patches contradict each other does it begin later.  Computed once per k.
        """
        state = self._states.get(k)
        if state is None:
            pairs = (self._pair(index, k) for index in range(len(self._lineages)))
            state = SeriesState(k, tuple(pair for pair in pairs if pair is not None))
            self._states[k] = state
        return state

    def step(self, k: int) -> SeriesState:
        """Return patch ``k`` alone (from 1): every file as the patch found it and left it.

        Files that other patches of the series touch stand there as well, the same on both
        sides: they are the code around.
        """
        pairs = (self._step(index, k) for index in range(len(self._lineages)))
        return SeriesState(k, tuple(pair for pair in pairs if pair is not None))

    def ends(self) -> dict[int, frozenset[str]]:
        """After how many patches the images of files end, since the next one contradicts them.

        With the names that these files have there; their images begin anew behind it.
        """
        ends: dict[int, set[str]] = {}
        for lineage in self._lineages:
            for left, found in pairwise(lineage.versions):
                if left.base is not found.base and left.entry < found.entry:
                    ends.setdefault(found.entry, set()).add(left.path)
        return {count: frozenset(paths) for count, paths in sorted(ends.items())}

    def _step(self, index: int, k: int) -> FilePair | None:
        versions = self._lineages[index].versions
        at = _last_before(versions, k)
        earlier = _last_before(versions, k - 1)
        if earlier < 0:
            # nothing before this patch touched it
            pair = self._pair(index, k)
            if pair is not None or not versions or not versions[0].existed:
                return pair
            image, _ = self._pre(versions[0])
            return self._unchanged(image)
        before, after = versions[earlier], versions[at]
        pre, post = self._side(before), self._side(after)
        if pre is None and post is None:
            return None
        if at == earlier and post is not None:
            return self._unchanged(post)
        kept: dict[int, int] = {}
        if before.pieces is not None and after.pieces is not None and before.base is after.base:
            kept = sparse.kept_between(before.base, before.pieces, after.pieces)
        return FilePair(after.path, before.path, pre, post, kept, after.touched[-1:])

    def _unchanged(self, image: Image) -> FilePair:
        """Return a file that is the same on both sides; the images live as long as this."""
        pair = self._same.get(id(image))
        if pair is None:
            kept = {line: line for first, last in image.known for line in range(first, last + 1)}
            pair = self._same[id(image)] = FilePair(image.path, image.path, image, image, kept, ())
        return pair

    def _side(self, version: _Version) -> Image | None:
        if version.pieces is None:
            return None
        pair = self._pair_of(version)
        return pair.post if pair is not None else None

    def _pair_of(self, version: _Version) -> FilePair | None:
        if not self._places:
            for index, lineage in enumerate(self._lineages):
                self._places.update({id(v): (index, at) for at, v in enumerate(lineage.versions)})
        key = self._places[id(version)]
        if key not in self._pairs:
            self._pairs[key] = self._build(version)
        return self._pairs[key]

    @property
    def states(self) -> tuple[SeriesState, ...]:
        """The state before the series and after each patch, in order."""
        return tuple(self.state(k) for k in range(len(self.numbers) + 1))

    def _pair(self, index: int, entry: int) -> FilePair | None:
        """Return lineage ``index`` as the first ``entry`` patches left it."""
        versions = self._lineages[index].versions
        at = _last_before(versions, entry)
        if at < 0:
            return None
        key = (index, at)
        if key not in self._pairs:
            self._pairs[key] = self._build(versions[at])
        return self._pairs[key]

    def _build(self, version: _Version) -> FilePair | None:
        pre, continued = self._pre(version) if version.existed else (None, frozenset())
        post = None
        kept: dict[int, int] = {}
        if version.pieces is not None:
            post, _ = _image(
                version.path, version.base, version.pieces, version.touched[-1], continued
            )
            if pre is not None:
                kept = sparse.kept(version.base, version.pieces)
        if pre is None and post is None:
            return None
        return FilePair(version.path, version.old_path, pre, post, kept, version.touched)

    def _pre(self, version: _Version) -> tuple[Image, frozenset[int]]:
        key = id(version.base)
        image = self._pres.get(key)
        if image is None:
            path = version.old_path or version.path
            image = _image(path, version.base, sparse.whole_pieces(version.base), 0)
            self._pres[key] = image
        return image


def _last_before(versions: Sequence[_Version], entry: int) -> int:
    """Return the place of the last version that is older than patch ``entry``, -1 for none."""
    return bisect_left(versions, entry, key=lambda version: version.entry) - 1


def compose(
    diffs: Sequence[tuple[int, Sequence[FileDiff], str | None]],
    texts: Mapping[tuple[int, str], WholeTexts] | None = None,
    parts: Mapping[tuple[int, str], Sequence[bytes | None]] | None = None,
) -> Composition:
    """Compose the patches of a series, given as (number, file diffs, message-id).

    ``texts`` has, by patch number and path (``FileDiff.path``), whole texts of the file
    before and after that patch, where a tree or a blob gave them; the text after may be
    None, then the hunks apply exactly.  A text that the state before the patch can have
    makes the file whole from the first patch on.  ``parts`` has by the same keys, for the
    first patch that touches a file, its lines before, None for those that are not known; the
    hunks of all patches then stand at the lines of that text.

    Never raises for diffs that do not fit together: that is in ``Composition.limitations``.
    """
    composer = _Composer(texts or {}, parts or {})
    ordered = sorted(diffs, key=lambda item: item[0])
    for entry, (number, files, message_id) in enumerate(ordered):
        composer.add_patch(entry, number, files, message_id)
    return Composition(
        tuple(number for number, _, _ in ordered),
        tuple(composer.limitations),
        composer.lost,
        tuple(lineage for lineage in composer.lineages if lineage.versions),
    )


class _Composer:
    """The state of the files while patches are added."""

    def __init__(
        self,
        texts: Mapping[tuple[int, str], WholeTexts],
        parts: Mapping[tuple[int, str], Sequence[bytes | None]],
    ) -> None:
        self.lineages: list[_Lineage] = []
        self.limitations: list[Limitation] = []
        #: hunks that are left out, by the number of their patch
        self.lost: dict[int, list[str]] = {}
        self._texts = texts
        self._parts = parts
        self._by_path: dict[str, _Lineage] = {}
        self._number = 0
        self._message_id: str | None = None

    def add_patch(
        self, entry: int, number: int, files: Sequence[FileDiff], message_id: str | None
    ) -> None:
        """Take in one patch; its names are all meant as before the patch."""
        self._number = number
        self._message_id = message_id
        before = dict(self._by_path)
        for diff in files:
            if diff.old_path or diff.new_path:
                self._add_file(entry, diff, before)

    def _add_file(self, entry: int, diff: FileDiff, before: Mapping[str, _Lineage]) -> None:
        lineage, start = self._start(entry, diff, before)
        base, pieces, restarted = self._edit(start, diff)
        touched = start.touched
        if not touched or touched[-1] != self._number:
            touched = (*touched, self._number)
        version = _Version(
            entry=entry,
            base=base,
            pieces=pieces,
            path=diff.path,
            old_path=diff.old_path if restarted else start.old_path,
            existed=diff.old_path is not None if restarted else start.existed,
            touched=touched,
        )
        lineage.versions.append(version)
        self._by_path[diff.path] = lineage

    def _start(
        self, entry: int, diff: FileDiff, before: Mapping[str, _Lineage]
    ) -> tuple[_Lineage, _Version]:
        """Return the lineage that the diff goes on, and the file as the diff finds it."""
        old, new = diff.old_path, diff.new_path
        if old is None:
            return self._start_new(entry, new or "")
        moves = new is not None and new != old
        lineage = before.get(old) if moves else self._by_path.get(old)
        lineage = lineage or self._by_path.get(old)
        last = lineage.before(entry) if lineage and moves else None
        if lineage and last is None and lineage.versions:
            last = lineage.versions[-1]
        if last is not None and last.pieces is None:
            self._limit(diff.path, "changes a file that an earlier patch deleted")
            last = None
        if diff.kind == "copy" and moves:
            return self._start_copy(entry, old, new or "", last)
        if lineage is None:
            lineage = self._new_lineage()
        if moves and self._by_path.get(old) is lineage:
            del self._by_path[old]
        if last is None:
            base = sparse.Base()
            touched = lineage.versions[-1].touched if lineage.versions else ()
            last = _Version(
                entry, base, sparse.WHOLLY_ORIGINAL, old, old, existed=True, touched=touched
            )
        return lineage, last

    def _start_new(self, entry: int, path: str) -> tuple[_Lineage, _Version]:
        lineage = self._by_path.get(path)
        if lineage is not None:
            last = lineage.versions[-1]
            if last.pieces is None:
                return lineage, replace(last, pieces=())
            self._limit(path, "adds a file that is there already")
        else:
            lineage = self._new_lineage()
        base = sparse.Base(length=0)
        return lineage, _Version(entry, base, (), path, None, existed=False, touched=())

    def _start_copy(
        self, entry: int, old: str, new: str, source: _Version | None
    ) -> tuple[_Lineage, _Version]:
        """Start a copy: it shares what is known of the file that it was copied from."""
        lineage = self._new_lineage()
        base = sparse.Base() if source is None else source.base
        pieces = sparse.WHOLLY_ORIGINAL if source is None else source.pieces
        return lineage, _Version(entry, base, pieces, new, old, existed=False, touched=())

    def _new_lineage(self) -> _Lineage:
        lineage = _Lineage()
        self.lineages.append(lineage)
        return lineage

    def _edit(self, start: _Version, diff: FileDiff) -> tuple[Base, Pieces | None, bool]:
        """Return base and pieces after the diff, and whether the base had to begin anew."""
        base, pieces, restarted = start.base, start.pieces or (), False
        part = self._parts.get((self._number, diff.path))
        if part is not None and not start.touched and diff.old_path is not None:
            base = sparse.part_base([None if line is None else _text(line) for line in part])
            pieces = sparse.whole_pieces(base)
        before, after = self._texts.get((self._number, diff.path), (None, None))
        if before is not None and diff.old_path is not None:
            old = split_lines(before)
            if not sparse.fill(base, pieces, old):
                if start.touched:
                    self._limit(diff.path, "the tree's text is not what earlier patches left")
                base = sparse.whole_base(old)
                pieces = sparse.whole_pieces(base)
                restarted = bool(start.touched)
        if before is not None and after is not None and diff.new_path is not None:
            return base, self._replace(base, pieces, diff, split_lines(after)), restarted
        edited = self._apply(base, pieces, diff)
        if edited is None:
            base = sparse.Base() if diff.old_path is not None else sparse.Base(length=0)
            edited = self._apply_afresh(base, diff)
            restarted = True
        if diff.new_path is None:
            if diff.hunks and base.length is None and set(base.lines) == _span(len(base.lines)):
                base.length = len(base.lines)
            return base, None, restarted
        if diff.kind == "binary" and diff.old_path is None:
            edited = (sparse.Lost(sparse.END),)
        return base, edited, restarted

    def _replace(self, base: Base, pieces: Pieces, diff: FileDiff, new: list[str]) -> Pieces:
        """Return the pieces of the whole text ``new``, by the hunks if they lead to it."""
        old = sparse.lines_of(base, pieces)
        if old is None:
            return (sparse.Added(tuple(new), self._number, ""),)
        hunks = sparse.relocated(diff.hunks, old)
        if hunks is not None:
            applied = sparse.apply(base, pieces, hunks, self._number)
            if isinstance(applied, sparse.Applied) and (
                sparse.lines_of(base, applied.pieces) == new
            ):
                return applied.pieces
        return sparse.difference(pieces, old, new, self._number)

    def _apply(self, base: Base, pieces: Pieces, diff: FileDiff) -> Pieces | None:
        """Return the pieces after the hunks, None if they contradict what is known."""
        result = sparse.settle(base, pieces, diff.hunks, self._number)
        if isinstance(result, sparse.Conflict):
            where = _hunk_name(diff.hunks, result.hunk)
            self._limit(
                diff.path,
                f"{where} does not follow from the earlier patches: {result.reason}; "
                "the file is read afresh from this patch on",
                result.line,
            )
            return None
        for hunk, lines in result.moved:
            where = _hunk_name(diff.hunks, hunk)
            self._limit(
                diff.path,
                f"{where} does not follow from the earlier patches: {abs(lines)} "
                f"line{'s' * (abs(lines) > 1)} {'came' if lines > 0 else 'went'} before it by a "
                "change that is not here",
                diff.hunks[hunk].old_start,
            )
        return result.pieces

    def _apply_afresh(self, base: Base, diff: FileDiff) -> Pieces:
        """Return the pieces after those hunks that fit together."""
        hunks = list(diff.hunks)
        while True:
            result = sparse.apply(base, sparse.whole_pieces(base), hunks, self._number)
            if isinstance(result, sparse.Applied):
                return result.pieces
            where = _hunk_name(hunks, result.hunk)
            self._limit(diff.path, f"{where} is left out: {result.reason}", result.line, lost=True)
            del hunks[result.hunk]

    def _limit(
        self, path: str, message: str, line: int | None = None, *, lost: bool = False
    ) -> None:
        said = f"patch {self._number}: {message}"
        one = Limitation("images", said, path, self._message_id, line, lost=lost)
        self.limitations.append(one)
        if lost:
            self.lost.setdefault(self._number, []).append(replace(one, message=message).told)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def split_lines(text: bytes) -> list[str]:
    """Return the lines of a whole text, as the hunks of a diff have them."""
    lines = _text(text).split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _span(length: int) -> set[int]:
    return set(range(1, length + 1))


def _hunk_name(hunks: Sequence[Hunk], index: int) -> str:
    hunk = hunks[index]
    return (
        f"hunk {index + 1} (@@ -{hunk.old_start},{hunk.old_length} "
        f"+{hunk.new_start},{hunk.new_length} @@)"
    )


def _image(
    path: str, base: Base, pieces: Pieces, upto: int, continued: frozenset[int] = frozenset()
) -> tuple[Image, frozenset[int]]:
    """Return the image of the file that ``pieces`` make up, and which parts go on."""
    lines = sparse.lines_of(base, pieces)
    if lines is not None:
        text = sparse.encode("\n".join([*lines, ""])) if lines else b""
        whole = ((1, len(lines)),) if lines else ()
        return Image(path, text, whole, whole=True), frozenset()
    # whole files need no repair, and are most with a tree at hand
    from patchlint.patch.repair import image_text

    runs = sparse.runs(base, pieces)
    repaired = image_text(path, runs, upto, base.headings, continued)
    known = tuple((run.first, run.last) for run in runs)
    image = Image(path, repaired.text, known, whole=False, headers=repaired.headers)
    return image, repaired.continued
