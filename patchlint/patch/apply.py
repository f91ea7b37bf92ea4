"""Follows the files of a series through its patches, from their whole old texts.

What git refuses is tried again more leniently, and every such place is told as a
limitation; see :mod:`patchlint.patch.hunks`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint.model.problem import Limitation
from patchlint.patch.hunks import (
    Applied,
    Conflict,
    Text,
    apply_hunks,
    exact,
    put_hunks,
    reversed_hunk,
    standing,
)
from patchlint.patch.merge import UNKNOWN, merge, misfits, placed
from patchlint.patch.nearest import Filled, Nearest, OldText, Source, tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.diff import FileDiff, Hunk
    from patchlint.patch.hunks import Place
    from patchlint.patch.merge import Story
    from patchlint.patch.nearest import Defining
    from patchlint.patch.trees import Tree


class Moment(Struct, frozen=True):
    """A file before a series or after one of its patches; ``path`` None: no such file."""

    path: str | None
    text: Text | None


class FileHistory(Struct, frozen=True):
    """One file through a series.

    ``moments[0]`` is before the series, ``moments[k]`` after its k-th patch in order
    (not its number: patches may be missing).  ``touched`` holds the 1-based positions of
    the patches that changed it.  ``source`` says where the old text came from.  A copy
    starts from the file that it was copied from.  ``filled`` is set when hunks had to be put
    in by force: lines of its texts may then be unknown.
    """

    moments: tuple[Moment, ...]
    touched: tuple[int, ...]
    source: Source
    copied: bool = False
    filled: bool = False

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
    named them, None for a plain folder.  ``diffs`` are the diffs of each patch, hunks of
    filled files at the lines of their texts; ``shown`` has all hunks at those of the images.
    ``moved`` has the tree's path of files that it
    knows by another; ``versions`` says for each file where its old text is from.
    """

    files: tuple[FileHistory, ...]
    failed: frozenset[str]
    limitations: tuple[Limitation, ...]
    base: str | None
    diffs: tuple[tuple[FileDiff, ...], ...] = ()
    shown: tuple[tuple[FileDiff, ...], ...] = ()
    moved: dict[str, str] = field(default_factory=dict)
    versions: tuple[str, ...] = ()

    @property
    def images(self) -> Literal["hunks", "whole", "mixed"]:
        """What the images are made from."""
        if self.failed and not self.files:
            return "hunks"
        short = any(map(_is_source, self.failed))
        filled = any(history.filled and _is_source(history.path) for history in self.files)
        return "mixed" if short or filled else "whole"

    def parts(self, numbers: Sequence[int]) -> dict[tuple[int, str], tuple[bytes | None, ...]]:
        """Return the lines before the series of each filled file, None for unknown ones.

        Keys are as those of :meth:`texts`, of the first patch that touches the file.
        """
        return {
            (numbers[k - 1], history.moments[k].path or history.moments[k - 1].path or ""): tuple(
                None if line == UNKNOWN else line.removesuffix(b"\n")
                for line in history.moments[0].text.lines
            )
            for history in self.files
            if history.filled and history.moments[0].text is not None
            for k in history.touched[:1]
        }

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
            if not history.filled
            for k in history.touched
        }


#: How many texts that a file may have had are compared, nearest first.
_CANDIDATES: Final = 12


def _is_source(path: str) -> bool:
    return path.endswith((".c", ".h"))


class _Growing(Struct, eq=False):
    """A history in the making; two are the same only when they are one object."""

    moments: list[Moment]
    source: Source
    copied: bool = False
    touched: list[int] = field(default_factory=list)
    #: by id of the diff, where its hunks go; None when git's own search tells
    places: dict[int, tuple[int, ...]] | None = None

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

    nearest: Nearest
    patches: Sequence[Sequence[FileDiff]]
    filled: list[Filled] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    #: by id of a diff, the same with its hunks at the lines of a filled text
    placed: dict[int, FileDiff] = field(default_factory=dict)
    shifted: dict[int, FileDiff] = field(default_factory=dict)
    current: dict[str, _Growing] = field(default_factory=dict)
    histories: list[_Growing] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    limitations: list[Limitation] = field(default_factory=list)

    def load(self, position: int, diff: FileDiff, path: str) -> _Growing:
        """Start a history with the old text of ``path``, which ``diff`` is the first to touch.

        The first text that all diffs of the series apply to; else the one that they fit best,
        made to fit.
        """
        story = self.story(position, diff)
        tried: dict[str, list[tuple[OldText, Text]]] = {"loose": [], "fuzzy": [], "no": []}
        for old in self.nearest.texts(diff, path):
            text = Text.of(old.content)
            fit = _fit(text, story)
            if fit == "exact":
                return self.begun(path, old, text)
            if old.source in {"base", "head"} and not exact(text, diff.hunks):
                undone = self.undone(path, text)
                if undone is not None:
                    self.limitations.append(
                        Limitation("images", "the tree has the series already", path)
                    )
                    return _Growing([Moment(path, Text.of(undone.content))], "reverse")
            tried[fit].append((old, text))
        if tried["loose"]:
            return self.begun(path, *tried["loose"][0])
        if not (tried["fuzzy"] or tried["no"]):
            lost = self.nearest.lost(path)
            raise _Failure(f"the tree {'lacks what is in this' if lost else 'has no such'} file")
        unfit = [*tried["fuzzy"], *tried["no"]][:_CANDIDATES]
        unfit.sort(key=lambda one: misfits(one[1], story))
        for old, text in unfit:
            merged = merge(text, story)
            if merged is not None:
                self.filled.append(Filled(path, old, merged.forced, sum(len(h) for _, h in story)))
                growing = self.begun(path, old, merged.text)
                growing.places = merged.places
                return growing
        return self.begun(path, *(tried["fuzzy"] or unfit)[0])

    def begun(self, path: str, old: OldText, text: Text) -> _Growing:
        """Return a history that starts with ``text``."""
        self.versions.append(old.version)
        if old.path != path:
            self.moved[path] = old.path
        return _Growing([Moment(path, text)], old.source)

    def story(self, position: int, first: FileDiff) -> Story:
        """All that the series does to the file from its diff ``first`` in patch ``position`` on."""
        path: str | None = first.old_path
        story: list[tuple[int, tuple[Hunk, ...]]] = []
        begun = False
        for diffs in self.patches[position - 1 :]:
            for diff in diffs:
                begun = begun or diff is first
                if not begun or diff.old_path != path or diff.kind == "copy":
                    continue
                story.append((id(diff), diff.hunks))
                path = diff.new_path
            if path is None:
                break
        return tuple(story)

    def undone(self, path: str, text: Text) -> Text | None:
        """Take all that the series does to ``path`` back, None when that is not in ``text``."""
        for diffs in reversed(self.patches):
            for diff in reversed(diffs):
                if path not in {diff.old_path, diff.new_path}:
                    continue
                back = [reversed_hunk(hunk) for hunk in diff.hunks]
                if diff.old_path != diff.new_path or not exact(text, back):
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
                Limitation("images", f"patch {position}: {message}; hunks only", where)
            )

    def file(self, position: int, diff: FileDiff, before: dict[str, _Growing]) -> None:
        """Take in what a patch does to one file."""
        if diff.kind == "binary":
            raise _Failure("binary patch")
        history, text = self.start(position, diff, before)
        places = None if history.places is None else history.places.get(id(diff))
        if places is not None:
            self.placed[id(diff)] = replace(diff, hunks=placed(diff.hunks, places))
            text = put_hunks(text, diff.hunks, places)
        elif diff.hunks:
            applied = apply_hunks(text, diff.hunks)
            if isinstance(applied, Conflict):
                raise _Failure(applied.message)
            self.tell(position, diff, applied)
            self.shifted[id(diff)] = _shifted(diff, applied)
            text = applied.text
        if diff.new_path is None:
            if text.lines and diff.hunks and places is None:
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
            history = self.load(position, diff, diff.old_path)
        moment = history.upto(position - 1) if moved else history.moments[-1]
        if moment.text is None or moment.path is None:
            raise _Failure("an earlier patch deletes or moves the file")
        if diff.kind == "copy":
            history = _Growing(
                list(history.moments[:position]),
                history.source,
                copied=True,
                places=history.places,
            )
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
                        f"patch {position}: hunk {number} applied"
                        f" {place.leniency}, at line {place.line + 1}",
                        diff.path,
                    )
                )


def _shifted(diff: FileDiff, applied: Applied) -> FileDiff:
    """A diff with the numbers of the lines to which its hunks were applied."""
    if not any(place.offset for place in applied.places):
        return diff
    starts = _starts(diff.hunks, applied.places)
    hunks: dict[int, Hunk] = {}
    grown = 0
    for number in sorted(range(len(starts)), key=lambda number: starts[number]):
        hunk = diff.hunks[number]
        hunks[number] = standing(hunk, starts[number] - grown + 1, starts[number] + 1)
        grown += hunk.new_length - hunk.old_length
    return replace(diff, hunks=tuple(hunks[number] for number in range(len(starts))))


def _starts(hunks: Sequence[Hunk], places: Sequence[Place]) -> list[int]:
    """Where each hunk stands in the text that all were put into, counted from 0.

    The line of a place is that of what was compared: with fuzz the hunk begins before it.
    """
    starts: list[int] = []
    last = 0
    for hunk, place in zip(hunks, places, strict=True):
        start = max(hunk.new_start - 1, 0) + place.offset
        if start < last:  # one that is out of order moves those behind it
            grown = hunk.new_length - hunk.old_length
            starts = [one + grown if one > start else one for one in starts]
            last += grown
        starts.append(start)
        last = max(last, start)
    return starts


def _fit(text: Text, story: Story) -> Literal["exact", "loose", "fuzzy", "no"]:
    """How a series applies to ``text``: as git does it, more leniently, with fuzz, or not."""
    places: list[Place] = []
    for _, hunks in story:
        applied = apply_hunks(text, hunks)
        if isinstance(applied, Conflict):
            return "no"
        places += applied.places
        text = applied.text
    if any(place.fuzz for place in places):
        return "fuzzy"
    return "loose" if any(place.leniency for place in places) else "exact"


def whole_images(
    tree: Tree,
    patches: Sequence[Sequence[FileDiff]],
    base_commit: str | None = None,
    prerequisites: Sequence[str] = (),
    *,
    others: Sequence[Tree] = (),
    date: float | None = None,
    defining: Sequence[Defining] = (),
) -> WholeImages:
    """Follow every file of a series from its whole old text through all its patches.

    Old texts are looked for where :class:`~patchlint.patch.nearest.Nearest` says; the first
    that all patches apply to is taken, also one that has the series already, with the series
    taken back.  Where they apply to none, the nearest is made to fit (:func:`merge`), which
    is told in one limitation.  A file that cannot be followed to the end is left out, with a
    limitation.  ``others`` are further trees, ``date`` is when the series was sent, and
    ``defining`` finds functions in each tree; without it they are searched.
    """
    base = tree.at(base_commit) if base_commit else None
    nearest = Nearest(tree, base, others, base_commit, date, defining=defining)
    series = _Series(nearest, patches)
    if base is not None and prerequisites:
        series.limitations += nearest.require(prerequisites)
    if base_commit and base is None:
        read = "its HEAD" if tree.commit else "the folder as it is"
        text = f"the tree lacks the base-commit {base_commit}; {read} is read instead"
        series.limitations.append(Limitation("tree", text))
    for position, diffs in enumerate(patches, 1):
        series.patch(position, diffs)
    for history in series.histories:
        while len(history.moments) <= len(patches):
            history.moments.append(history.moments[-1])
    known = {path for h in series.histories for m in h.moments if (path := m.path) is not None}
    filled = [one for one in series.filled if one.path in known and _is_source(one.path)]
    return WholeImages(
        tuple(
            FileHistory(
                tuple(h.moments), tuple(h.touched), h.source, h.copied, filled=h.places is not None
            )
            for h in series.histories
        ),
        frozenset(series.failed),
        (*series.limitations, *tell(filled)),
        (base or tree).commit,
        tuple(tuple(series.placed.get(id(d), d) for d in diffs) for diffs in patches),
        tuple(
            tuple(
                series.placed.get(id(d))
                # of a file that is given up later the images come from the mail's own hunks
                or (d if d.path in series.failed else series.shifted.get(id(d), d))
                for d in diffs
            )
            for diffs in patches
        ),
        series.moved,
        tuple(series.versions),
    )
