"""A kernel tree at hand, opened when first needed, and what was asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.guards import Atom
    from patchlint.graph.reach.modules import Modules
    from patchlint.graph.reach.state import Searches
    from patchlint.graph.reach.way import Ways
    from patchlint.model.facts import FileFacts
    from patchlint.model.image import Image
    from patchlint.model.kernel import Cleanup, Macro, Ruleset
    from patchlint.model.tree import TreeFacts
    from patchlint.patch.trees import Tree
    from patchlint.syntax.kept import KeptFacts


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
        #: what was met on the way to the tree's answers, in words for a limitation
        self.remarks: list[str] = []
        self._tree: Tree | None = None
        self._open: Callable[[], Tree] | None = None
        self._facts: dict[str | None, TreeFacts] = {}
        self._versions: dict[str | None, tuple[int, int] | None] = {}
        self._derived: dict[tuple[str | None, str, str], Cleanup | None] = {}
        self._modules: dict[str | None, Modules] = {}
        self._read: KeptFacts | None = None

    def read(self, image: Image, macros: Sequence[Macro]) -> FileFacts:
        """The facts of an image; what was read for the series before is known."""
        if self._read is None:
            from patchlint.syntax.kept import KeptFacts

            self._read = KeptFacts()
        return self._read.extract(image, macros)

    def begin(self) -> None:
        """Start to open the tree, since it will be needed; does not wait for it."""
        from patchlint.patch.trees import begin, named_revision

        where, revision = named_revision(self.path)
        if revision is None:
            self._open = self._open or begin(where)

    def hold(self) -> None:
        """Refuse a tree that cannot be read though nothing needs it.

        Raises :class:`CannotCheck`.  Git is started only where the folder does not tell.
        """
        from patchlint.patch.trees import named_revision, plainly_there

        for one in (self, *self.others):
            where, revision = named_revision(one.path)
            if revision is not None or not plainly_there(where):
                _ = one.tree

    @property
    def tree(self) -> Tree:
        """The tree at its HEAD.  Raises :class:`CannotCheck` when it cannot be read."""
        if self._tree is None:
            from patchlint.patch.trees import FolderTree, TreeError, named_revision, open_tree

            try:
                where, revision = named_revision(self.path)
                self._tree = self._open() if self._open else open_tree(where, revision)
            except TreeError as error:
                raise CannotCheck(str(error)) from error
            if isinstance(self._tree, FolderTree) and self._tree.remark:
                self.remarks.append(self._tree.remark)
        return self._tree

    def lost(self) -> list[str]:
        """Files of the trees that were wanted so far and are there, but cannot be read."""
        opened = [one._tree for one in (self, *self.others) if one._tree is not None]  # noqa: SLF001
        return sorted({path for tree in opened for path in tree.lost})

    def sound(self) -> bool:
        """Whether nothing that was asked so far met anything to be told."""
        return not (self.remarks or self.lost())

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
            self._facts[base] = open_facts(
                at, macros, renew=at is self.tree, say=self.remarks.append
            )
        return self._facts[base]

    def defining(
        self, base: str | None, macros: Sequence[Macro], names: Sequence[str], path: str
    ) -> list[str]:
        """Paths of files that define functions of some names, met in ``path``; nearest first."""
        facts = self.facts(base, macros)
        facts.prepare_definitions((name, path) for name in names)
        return [one.path for name in names for one in facts.definitions(name)]

    def ways(
        self,
        base: str | None,
        ruleset: Ruleset,
        name: str,
        path: str,
        guard: tuple[Atom, ...],
        images: Graph,
        searches: Searches | None = None,
    ) -> Ways:
        """How a function comes to run so that ``guard`` holds, by tree and images.

        ``searches`` bounds what is asked of a tree without an index.
        """
        from patchlint.graph.reach.modules import Modules
        from patchlint.graph.reach.walk import ways

        facts = self.facts(base, ruleset.kernel.macros)
        modules = self._modules.setdefault(base, Modules(facts))
        return ways(facts, ruleset.kernel, name, path, guard, images, searches, modules)

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
