"""Where the old text of a file may be found that a diff was made for, nearest first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field

from patchlint.model.problem import Limitation
from patchlint.patch.hunks import Applied, Conflict, Text, apply_hunks, exact, reversed_hunk
from patchlint.patch.tree_search import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from patchlint.model.diff import FileDiff
    from patchlint.patch.trees import Tree

Source = Literal["blob", "base", "head", "tag", "moved", "new", "reverse"]

#: A line with more than so many characters tells a file from others.
_TELLING: Final = 8
#: Which share of a diff's telling lines a file must have to be the same under another name.
_SAME: Final = 0.5
#: How many files of one name, or with functions of one name, are looked at.
_FILES: Final = 24
#: How many functions of a file are searched for, and how often trees are searched for such.
_NAMES: Final = 12
_SEARCHES: Final = 6

_CALLED: Final = re.compile(r"(\w{5,})\s*\(")


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
    """

    tree: Tree
    base: Tree | None = None
    others: Sequence[Tree] = ()
    base_commit: str | None = None
    date: float | None = None
    before: list[FileDiff] = field(default_factory=list)
    searches: int = 0

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
        telling = {
            line.text.encode("utf-8", "surrogateescape")
            for hunk in diff.hunks
            for line in hunk.lines
            if line.kind != "+" and len(line.text.strip()) > _TELLING
        }
        if not telling:
            return
        trees = (self.base or self.tree, *self.others)
        found = False
        for tree in trees:
            best = _alike(tree, tree.named(path.rpartition("/")[2])[:_FILES], telling)
            if best is not None:
                found = True
                yield best
        if found or not path.endswith((".c", ".h")) or self.searches >= _SEARCHES:
            return
        functions = _functions(diff)
        for tree in trees if functions else ():
            self.searches += 1
            paths = dict.fromkeys(one for one, _ in tree.files_with(Wanted(defined=functions)))
            best = _alike(tree, [*paths][:_FILES], telling)
            if best is not None:
                yield best


def _alike(tree: Tree, paths: Sequence[str], telling: set[bytes]) -> OldText | None:
    """Return that of some files which has most of the ``telling`` lines, None for too few."""
    best: OldText | None = None
    most = _SAME * len(telling)
    for path, content in tree.read_all(paths):
        shared = len(telling.intersection(content.split(b"\n")))
        if shared >= most and (best is None or shared > most):
            best, most = OldText(content, "moved", path, tree.name), shared
    return best


def _functions(diff: FileDiff) -> tuple[str, ...]:
    """Functions that the hunks of ``diff`` stand in, or that they show the begin of."""
    headings = [hunk.section for hunk in diff.hunks]
    headings += [
        line.text
        for hunk in diff.hunks
        for line in hunk.lines
        if line.kind != "+" and line.text[:1].isalpha() and not line.text.rstrip().endswith(";")
    ]
    names = [found[1] for text in headings if (found := _CALLED.search(text)) is not None]
    return tuple(dict.fromkeys(names))[:_NAMES]


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
