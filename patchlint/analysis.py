"""One series in, its downgrades out: images, facts, both graphs, and the tree at hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.problem import Limitation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from patchlint.graph.marked import Shown
    from patchlint.graph.reach import Ways
    from patchlint.model.diff import FileDiff
    from patchlint.model.effect import Downgrade
    from patchlint.model.facts import FileFacts
    from patchlint.model.image import FilePair, Image, SeriesState
    from patchlint.model.kernel import Cleanup, Macro, Ruleset
    from patchlint.model.mail import Series
    from patchlint.model.tree import TreeFacts
    from patchlint.patch.apply import FileHistory, WholeImages
    from patchlint.patch.images import Composition
    from patchlint.patch.trees import Tree

#: files whose text the syntax stage reads
C_SOURCES = (".c", ".h")


class CannotCheck(Exception):  # noqa: N818  it is an answer, the text is for the user
    """Nothing can be checked: the text says why, for the user."""


class TreeAtHand:
    """A kernel tree, opened when first needed, and what was asked of it.

    ``path`` may name a revision (``linux@v6.1``).  ``others`` are further trees: texts of
    files are looked for there as well, and the call graph is that of the tree which most of
    them come from.
    """

    def __init__(self, path: str, others: Sequence[str] = ()) -> None:
        self.path = path
        self.others = tuple(map(TreeAtHand, others))
        self._tree: Tree | None = None
        self._open: Callable[[], Tree] | None = None
        self._facts: dict[str | None, TreeFacts] = {}
        self._versions: dict[str | None, tuple[int, int] | None] = {}
        self._ways: dict[tuple[str | None, str, str], Ways] = {}
        self._derived: dict[tuple[str | None, str, str], Cleanup | None] = {}

    def begin(self) -> None:
        """Start to open the tree, since it will be needed; does not wait for it."""
        from patchlint.patch.trees import begin, named_revision

        where, revision = named_revision(self.path)
        if revision is None:
            self._open = self._open or begin(where)

    @property
    def tree(self) -> Tree:
        """The tree at its HEAD.  Raises :class:`CannotCheck` when it cannot be read."""
        if self._tree is None:
            from patchlint.patch.trees import TreeError, named_revision, open_tree

            try:
                where, revision = named_revision(self.path)
                self._tree = self._open() if self._open else open_tree(where, revision)
            except TreeError as error:
                raise CannotCheck(str(error)) from error
        return self._tree

    def serving(self, versions: Sequence[str]) -> TreeAtHand:
        """The tree that most of ``versions``, names of trees, are of; this one in doubt."""
        if not self.others:
            return self
        return max((self, *self.others), key=lambda one: versions.count(one.tree.name))

    def name(self, base: str | None) -> str:
        """The commit (or folder) that is read for a series with that base."""
        tree = self._at(base)
        return tree.commit or tree.name

    def _at(self, base: str | None) -> Tree:
        return (self.tree.at(base) if base else None) or self.tree

    def version(self, base: str | None) -> tuple[int, int] | None:
        """The kernel that is read for a series with that base, None when it does not say."""
        if base not in self._versions:
            from patchlint.patch.trees import kernel_version

            self._versions[base] = kernel_version(self._at(base))
        return self._versions[base]

    def facts(self, base: str | None, macros: Sequence[Macro]) -> TreeFacts:
        """What the whole tree knows, at ``base`` when it has that commit."""
        if base not in self._facts:
            from patchlint.index import open_facts

            at = self._at(base)
            self._facts[base] = open_facts(at, macros, renew=at is self.tree)
        return self._facts[base]

    def ways(self, base: str | None, ruleset: Ruleset, name: str, path: str) -> Ways:
        """How a function of the tree comes to run."""
        key = (base, name, path)
        if key not in self._ways:
            from patchlint.graph.reach import ways

            facts = self.facts(base, ruleset.kernel.macros)
            self._ways[key] = ways(facts, ruleset.kernel, name, path)
        return self._ways[key]

    def derive(
        self, base: str | None, ruleset: Ruleset, functions: Mapping[str, str]
    ) -> dict[str, Cleanup]:
        """The table entries that the tree derives for functions: by name, as met in a path."""
        fresh = {n: path for n, path in functions.items() if (base, n, path) not in self._derived}
        if fresh:
            from patchlint.graph.derive import derive

            facts = self.facts(base, ruleset.kernel.macros)
            facts.prepare_definitions(fresh.items())
            for name, path in fresh.items():
                found = derive(facts, ruleset.kernel, name, path)
                self._derived[base, name, path] = found.row() if found else None
        rows = {name: self._derived[base, name, path] for name, path in functions.items()}
        return {name: row for name, row in rows.items() if row is not None}


class Analysis(Struct, frozen=True):
    """The downgrades of one series, what its images were, and what could not be known."""

    downgrades: tuple[Downgrade, ...]
    images: Literal["hunks", "whole", "mixed"]
    limitations: tuple[Limitation, ...]


def analyse(
    series: Series,
    files: dict[int, tuple[FileDiff, ...]],
    ruleset: Ruleset,
    tree: TreeAtHand | None = None,
    *,
    thorough: bool = False,
) -> Analysis:
    """Downgrades from before the series to after it, each with the patch that caused it.

    ``thorough`` makes the graph of a series as well whose sketch shows that nothing is there.
    """
    whole = None if tree is None else _whole(series, files, tree)
    if tree is not None and whole is not None:
        tree = tree.serving(whole.versions)
    held_back = not thorough and not _may_find(series, whole, ruleset)
    if held_back and whole is not None and not whole.failed:
        return Analysis((), whole.images, whole.limitations)
    composition, images, limitations = _compose(series, files, whole)
    if held_back:
        return Analysis((), images, limitations)
    version = None if tree is None else tree.version(series.base_commit)
    if version is not None:
        ruleset = ruleset.at(version)
        limitations = (*limitations, *_unheld(ruleset, version))
    facts = _Facts(ruleset, "\n\n".join(p.message for p in series.patches))
    facts.titles = tuple(
        (p.subject, frozenset(f.old_path or f.path for f in files[p.number]))
        for p in series.patches
    )
    if tree is not None:
        moved = whole.moved if whole is not None else {}
        facts.ways = partial(_ways, partial(tree.ways, series.base_commit, ruleset), moved)
        facts.derive = partial(_derive, partial(tree.derive, series.base_commit, ruleset), moved)
    found = facts.compare(composition.state(len(composition.numbers)))
    placed = tuple(_place(downgrade, composition, facts) for downgrade in found)
    said = [Limitation("tree", text) for text in dict.fromkeys(facts.limitations)]
    return Analysis(placed, images, (*limitations, *said))


def _unheld(ruleset: Ruleset, version: tuple[int, int]) -> list[Limitation]:
    """What is to be said of a kernel that is newer than all that the tables are held against."""
    kernel = ruleset.kernel
    if not kernel.unheld(version):
        return []
    return [
        Limitation(
            "tree",
            f"the tables are held against {' and '.join(kernel.held_against)}; what changed"
            f" until {version[0]}.{version[1]} may be unknown to them",
        )
    ]


def _ways(ask: Callable[[str, str], Ways], moved: Mapping[str, str], name: str, path: str) -> Ways:
    """Ask a tree that may know ``path`` by another name."""
    return ask(name, moved.get(path, path))


def _derive(
    ask: Callable[[Mapping[str, str]], dict[str, Cleanup]],
    moved: Mapping[str, str],
    functions: Mapping[str, str],
) -> dict[str, Cleanup]:
    """Ask a tree that may know paths by other names."""
    return ask({name: moved.get(path, path) for name, path in functions.items()})


def _whole(series: Series, files: dict[int, tuple[FileDiff, ...]], tree: TreeAtHand) -> WholeImages:
    """The files of a series through all of its patches, as far as the tree has them."""
    from patchlint.patch.apply import whole_images

    return whole_images(
        tree.tree,
        [files[p.number] for p in series.patches],
        series.base_commit,
        series.prerequisites,
        others=[other.tree for other in tree.others],
        date=series.patches[0].date,
    )


def _compose(
    series: Series, files: dict[int, tuple[FileDiff, ...]], whole: WholeImages | None
) -> tuple[Composition, Literal["hunks", "whole", "mixed"], tuple[Limitation, ...]]:
    """The images of a series: whole where the tree has the files, else out of hunks."""
    from patchlint.patch.images import compose

    diffs = [(p.number, files[p.number], p.message_id) for p in series.patches]
    if whole is None:
        composition = compose(diffs)
        return composition, "hunks", composition.limitations
    numbers = [p.number for p in series.patches]
    placed = [
        (p.number, diffs, p.message_id)
        for p, diffs in zip(series.patches, whole.diffs, strict=True)
    ]
    composition = compose(placed, whole.texts(numbers), whole.parts(numbers))
    return composition, whole.images, (*whole.limitations, *composition.limitations)


def _may_find(series: Series, whole: WholeImages | None, ruleset: Ruleset) -> bool:
    """Whether a sketch of the series shows anything that the graph could make a finding of.

    Without a tree ``whole`` is None.
    """
    from patchlint.graph.marked import of_diffs
    from patchlint.graph.sketch import Sketch
    from patchlint.graph.words import Words

    histories = () if whole is None else whole.files
    seen = [_shown(one) for one in histories if one.path.endswith(C_SOURCES)]
    paths = {shown.path for shown in seen}
    hunks = [s for s in of_diffs(p.diff for p in series.patches) if s.path not in paths]
    return Sketch([*seen, *hunks], Words(ruleset.names, derived=whole is not None)).may_matter()


def _shown(history: FileHistory) -> Shown:
    """A whole file for the sketch; a copy is new, whatever it was copied from."""
    from patchlint.graph.marked import of_whole

    old, new = history.moments[0].text, history.moments[-1].text
    path = history.path if old is None or history.copied else history.old_path or history.path
    return of_whole(
        path,
        None if old is None or history.copied else old.lines,
        () if new is None else new.lines,
        () if new is None else [0] * len(new.lines) if history.copied else new.origin,
    )


class _Facts:
    """Facts of images and comparisons of states, each worked out once."""

    def __init__(self, ruleset: Ruleset, message: str) -> None:
        self.ruleset = ruleset
        self.message = message
        self.titles: tuple[tuple[str, frozenset[str]], ...] = ()
        self.ways: Callable[[str, str], Ways] | None = None
        self.derive: Callable[[Mapping[str, str]], dict[str, Cleanup]] | None = None
        self.limitations: list[str] = []
        self._read: dict[tuple[str, bytes], FileFacts] = {}
        self._compared: dict[int, tuple[Downgrade, ...]] = {}

    def of(self, image: Image, pair: FilePair) -> FileFacts:
        """The facts of one side of a pair, by those of the other side where they are known."""
        key = (image.path, image.text)
        if key not in self._read:
            macros = self.ruleset.kernel.macros
            other = pair.pre if image is pair.post else pair.post
            known = None if other is None else self._read.get((other.path, other.text))
            if other is not None and known is not None and image.whole and other.whole:
                from patchlint.syntax.shared import extract_beside

                kept = pair.kept if image is pair.post else _turned(pair.kept)
                self._read[key] = extract_beside(image, other, known, kept, macros)
            else:
                from patchlint.syntax.facts import extract

                self._read[key] = extract(image, macros)
        return self._read[key]

    def compare(self, state: SeriesState) -> tuple[Downgrade, ...]:
        """The downgrades from before the series to ``state``."""
        if state.upto not in self._compared:
            self._compared[state.upto] = self._compare(state)
        return self._compared[state.upto]

    def _compare(self, state: SeriesState) -> tuple[Downgrade, ...]:
        from patchlint.graph.build import build
        from patchlint.graph.comparison import Comparison
        from patchlint.graph.downgrades import find, possible
        from patchlint.graph.follow import lines_of

        kernel = self.ruleset.kernel
        pairs = [pair for pair in state.files if pair.path.endswith(C_SOURCES)]
        after = build([self.of(p.post, p) for p in pairs if p.post], kernel)
        if self.derive is None and not possible(after):
            return ()
        before = build([self.of(p.pre, p) for p in pairs if p.pre], kernel)
        comparison = Comparison(
            before,
            after,
            lines_of(pairs),
            message=self.message,
            titles=self.titles,
            ways=self.ways,
        )
        if self.derive is not None:
            from patchlint.graph.derive import moved_calls

            comparison.learn(self.derive(moved_calls(comparison)))
        found = find(comparison)
        self.limitations.extend(comparison.limitations)
        return found


def _turned(kept: dict[int, int]) -> dict[int, int]:
    """The kept lines by their numbers after."""
    return {after: before for before, after in kept.items()}


def _place(downgrade: Downgrade, composition: Composition, facts: _Facts) -> Downgrade:
    """``downgrade`` as it first shows, with the number of the patch that brings it."""
    *earlier, last = composition.numbers
    for count, number in enumerate(earlier, 1):
        for first in facts.compare(composition.state(count)):
            if _same(first, downgrade):
                return replace(first, patch=number)
    return replace(downgrade, patch=last)


def _same(one: Downgrade, other: Downgrade) -> bool:
    """Whether two states show one downgrade.

    A later patch may rename its function or add to what moved; the callback stays.
    """
    return one.after.callback == other.after.callback and not {one.cleanup, *one.also}.isdisjoint(
        {other.cleanup, *other.also}
    )
