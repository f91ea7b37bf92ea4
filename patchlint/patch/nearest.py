"""Where the old text of a file may be found that a diff was made for, nearest first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field

from patchlint.model.problem import Limitation
from patchlint.patch.hunks import Applied, Conflict, Text, apply_hunks, exact, reversed_hunk
from patchlint.patch.tree_search import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.model.diff import FileDiff
    from patchlint.patch.trees import Tree

Source = Literal["blob", "base", "head", "tag", "moved", "new", "reverse"]

#: A line with more than so many characters tells a file from others.
_TELLING: Final = 8
#: Which share of a diff's telling lines a file must have to be the same under another name ...
_SAME: Final = 0.5
#: ... and which will do where it has at least that share of the diff's functions.
_SOME: Final = 0.25
_HALF: Final = 0.5
#: How many files of one name, or with functions of one name, are looked at.
_FILES: Final = 24
#: How many functions of a file are searched for, and how often trees are searched for such.
_NAMES: Final = 12
_SEARCHES: Final = 6

_CALLED: Final = re.compile(r"(\w{5,})\s*\(")

#: Given names of functions and the path that they are met in: paths that may define them.
Defining = Callable[["Sequence[str]", str], "Iterable[str]"]


class OldText(Struct, frozen=True):
    """A text that a file may have had, under which name and from where: a commit or a folder."""

    content: bytes
    source: Source
    path: str
    version: str


class Filled(Struct, frozen=True):
    """A file whose text was made to fit: ``forced`` of its ``hunks`` did not apply."""

    path: str
    old: OldText
    forced: int
    hunks: int


class Nearest(Struct):
    """The trees at hand, asked for old texts.

    ``base`` is the tree at the commit that the series says it is made for, if it has that.
    ``defining`` says for it (for the tree without one), and for each of the others, where
    functions are defined; without it the trees are searched.
    """

    tree: Tree
    base: Tree | None = None
    others: Sequence[Tree] = ()
    base_commit: str | None = None
    date: float | None = None
    before: list[FileDiff] = field(default_factory=list)
    defining: Sequence[Defining] = ()
    searches: int = 0
    #: folders under which the series has files, and those under which a tree has them
    folders: dict[str, str] = field(default_factory=dict)

    def require(self, ids: Sequence[str]) -> list[Limitation]:
        """Take in the patches that must stand before the series on its base; tell of others."""
        from patchlint.patch.diff import parse

        found = (self.base or self.tree).patches(ids)
        missing: list[Limitation] = []
        for one in ids:
            if one in found:
                self.before += parse(found[one]).files
            else:
                message = f"prerequisite patch {one[:12]} is not among the repository's commits"
                missing.append(Limitation("images", message))
        return missing

    def lost(self, path: str) -> bool:
        """Whether a tree has a file at ``path`` whose text it could not give."""
        return any(path in tree.lost for tree in (self.tree, *self.others))

    def texts(self, diff: FileDiff, path: str) -> Iterator[OldText]:
        """Texts that ``path`` may have before ``diff``, each once.

        The blob of the ``index`` line, or its other blob with the diff taken back; the base
        commit of the series; the tree, the others at their commits, and the tags nearest to
        the day on which the series was sent.  Where none has the file: the one that has its
        lines under another name.
        """
        seen: set[bytes] = set()
        for old in self._texts(diff, path):
            if old.content not in seen:
                seen.add(old.content)
                yield old

    def _texts(self, diff: FileDiff, path: str) -> Iterator[OldText]:
        trees = (self.tree, *self.others)
        for tree in trees:
            content = tree.blob(diff.old_blob) if diff.old_blob else None
            if content is not None:
                own = tree.read(path) == content
                yield OldText(content, "blob", path, tree.name if own else diff.old_blob or "")
            after = tree.blob(diff.new_blob) if diff.new_blob and diff.hunks else None
            content = None if after is None else taken_back(after, diff)
            if content is not None:
                yield OldText(content, "blob", path, diff.new_blob or "")
        found = False
        for old in self._commits(path):
            found = True
            yield old
        for tree in trees:
            for version, content in tree.versions(path, self.date):
                found = True
                yield OldText(content, "tag", path, version)
        if not found:
            yield from self._moved(diff, path)

    def _commits(self, path: str) -> Iterator[OldText]:
        content = self._prepared(path)
        if content is not None:
            source: Source = "head" if self.base is None else "base"
            yield OldText(content, source, path, (self.base or self.tree).name)
        if self.base is not None and (content := self.tree.read(path)) is not None:
            yield OldText(content, "head", path, self.tree.name)
        for tree in self.others:
            at = tree.at(self.base_commit) if self.base_commit else None
            for one, source in ((at, "base"), (tree, "head")):
                if one is not None and (content := one.read(path)) is not None:
                    yield OldText(content, source, path, one.name)

    def _prepared(self, path: str) -> bytes | None:
        """Return the file of the base, after the prerequisite patches."""
        content = (self.base or self.tree).read(path)
        for diff in self.before:
            if path not in {diff.old_path, diff.new_path} or diff.kind in {"rename", "copy"}:
                continue
            applied = apply_hunks(Text.of(content or b""), diff.hunks)
            if isinstance(applied, Applied):
                content = applied.text.content if diff.new_path is not None else None
        return content

    def _moved(self, diff: FileDiff, path: str) -> Iterator[OldText]:
        """Find the file of a tree that has the lines of ``diff`` under another name."""
        sought = _Sought.of(diff)
        if not sought.telling:
            return
        trees = (self.base or self.tree, *self.others)
        found = False
        for tree in trees:
            best = self._beside(tree, path, sought)
            if best is None:
                names = sorted(tree.named(path.rpartition("/")[2]), key=_farther(path))
                best = _alike(tree, names[:_FILES], sought)
            if best is not None:
                found = True
                self._note(path, best.path)
                yield best
        wanted = sought.functions
        if found or not (wanted and path.endswith((".c", ".h"))) or self.searches >= _SEARCHES:
            return
        for number, tree in enumerate(trees):
            self.searches += 1
            if number < len(self.defining):
                paths = [*self.defining[number](wanted, path)]
            else:
                paths = [one for one, _ in tree.files_with(Wanted(defined=wanted))]
            near = sorted(dict.fromkeys(paths), key=_farther(path))
            best = _alike(tree, near[:_FILES], sought)
            if best is not None:
                yield best

    def _beside(self, tree: Tree, path: str, sought: _Sought) -> OldText | None:
        """Return the file of that name in the folder to which others of the series have moved.

        Errs towards a file that only has the name: one line of the diff in it will do.
        """
        moved = [
            new + path.removeprefix(old)
            for old, new in self.folders.items()
            if path.startswith(old)
        ]
        for there, content in tree.read_all(moved):
            if sought.telling.intersection(content.split(b"\n")):
                return OldText(content, "moved", there, tree.name)
        return None

    def _note(self, path: str, there: str) -> None:
        """Remember to which folder one of the series' has moved, if its file kept its name."""
        old, new = path.split("/"), there.split("/")
        while old and new and old[-1] == new[-1]:
            old.pop()
            new.pop()
        if old and new:
            self.folders.setdefault("/".join((*old, "")), "/".join((*new, "")))


class _Sought(Struct, frozen=True):
    """What a file must have that a diff was made for: lines that tell it, and functions."""

    telling: frozenset[bytes]
    functions: tuple[str, ...]

    @classmethod
    def of(cls, diff: FileDiff) -> _Sought:
        """What the old side of ``diff`` shows."""
        telling = frozenset(
            line.text.encode("utf-8", "surrogateescape")
            for hunk in diff.hunks
            for line in hunk.lines
            if line.kind != "+" and len(line.text.strip()) > _TELLING
        )
        return cls(telling, _functions(diff))

    def has(self, content: bytes) -> int:
        """How many telling lines a text has, 0 where it is hardly of the same file.

        Half of the lines are enough, or a quarter in a text that begins half of the functions:
        then the file was rewritten, or they were another's before.  Errs towards a file that
        has functions of the same names.
        """
        shared = len(self.telling.intersection(content.split(b"\n")))
        if shared >= _SAME * len(self.telling):
            return shared
        if not self.functions or shared < _SOME * len(self.telling):
            return 0
        either = b"|".join(map(re.escape, map(str.encode, self.functions)))
        begun = set(re.findall(rb"^(?:\w[^\n(;]*\W)?\*?(%s)\s*\(" % either, content, re.MULTILINE))
        return shared if len(begun) >= _HALF * len(self.functions) else 0


def _farther(path: str) -> Callable[[str], tuple[int, int, str]]:
    """Return how far other paths are from ``path``, by the folders at their ends and begins."""
    own = path.split("/")

    def distance(other: str) -> tuple[int, int, str]:
        parts = other.split("/")
        return -_common(own[::-1], parts[::-1]), -_common(own, parts), other

    return distance


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """With how many equal parts two paths begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _alike(tree: Tree, paths: Sequence[str], sought: _Sought) -> OldText | None:
    """Return that of some files which has most of what is sought, None for too little."""
    best: OldText | None = None
    most = 0
    for path, content in tree.read_all(paths):
        shared = sought.has(content)
        if shared > most:
            best, most = OldText(content, "moved", path, tree.name), shared
    return best


def _functions(diff: FileDiff) -> tuple[str, ...]:
    """Functions that the hunks of ``diff`` stand in, or that they show the begin of.

    A name in capitals is a macro's, which many files use.
    """
    headings = [hunk.section for hunk in diff.hunks]
    headings += [
        line.text
        for hunk in diff.hunks
        for line in hunk.lines
        if line.kind != "+" and line.text[:1].isalpha() and not line.text.rstrip().endswith(";")
    ]
    names = [found[1] for text in headings if (found := _CALLED.search(text)) is not None]
    return tuple(dict.fromkeys(name for name in names if not name.isupper()))[:_NAMES]


def taken_back(content: bytes, diff: FileDiff) -> bytes | None:
    """Return ``content`` without what ``diff`` does, None when it does not have that."""
    back = [reversed_hunk(hunk) for hunk in diff.hunks]
    text = Text.of(content)
    applied = apply_hunks(text, back) if exact(text, back) else None
    return None if applied is None or isinstance(applied, Conflict) else applied.text.content


def tell(filled: Sequence[Filled]) -> list[Limitation]:
    """Say once what was taken from another version than the one that a series is made for."""
    if not filled:
        return []
    forced, hunks = sum(one.forced for one in filled), sum(one.hunks for one in filled)
    names = ", ".join(dict.fromkeys(_called(one.old) for one in filled))
    more = len(filled) - 1
    others = f"here and in {more} more file{'s' * (more > 1)} " if more else ""
    message = (
        f"{others}{forced} of {hunks} hunk{'s' * (hunks != 1)}"
        f" do{'es' * (forced == 1)} not apply;"
        f" the lines around them are those of {names}"
    )
    return [Limitation("images", message, filled[0].path)]


def _called(old: OldText) -> str:
    """Where a text is from, as one calls it: a bare id says nothing."""
    if not _ID.fullmatch(old.version):
        return old.version
    return f"{'version' if old.source == 'blob' else 'commit'} {old.version[:12]}"


_ID: Final = re.compile(r"[0-9a-f]{12,64}")
