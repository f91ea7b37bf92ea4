"""A whole tree's facts, on demand or from an SQLite index keyed by blob."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from patchlint.model.kernel import Macro
    from patchlint.model.tree import TreeFacts
    from patchlint.patch.trees import Tree


def open_facts(
    tree: Tree,
    macros: Sequence[Macro],
    *,
    renew: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> TreeFacts:
    """Return facts of ``tree``: out of its index if there is one that fits, else by search.

    With ``renew`` an index of a commit near by is brought up to the tree first, where that is
    quicker than a search.  ``say`` is told when an index is damaged, now or later; it is
    then taken away, and the tree is searched.
    """
    from patchlint.index import lean, steady
    from patchlint.index.facts import Facts
    from patchlint.index.search import Search
    from patchlint.index.shelf import DiskShelf
    from patchlint.index.store import answers_path, index_path, open_rows
    from patchlint.outside import seal

    path = index_path(macros)
    if not seal.whole(path, ours=True):
        seal.discard(path)
        say(steady.DAMAGED)
    if renew:
        from patchlint.index.refresh import refresh

        refresh(tree, macros)
    words = lean.words(macros)

    def search() -> Search:
        commit = tree.commit
        shelf = DiskShelf(answers_path(macros), commit) if commit is not None else None
        return Search(tree, words, shelf)

    def damaged() -> None:
        seal.discard(path)
        say(steady.DAMAGED)

    rows = open_rows(path, tree, words, damaged)
    if rows is None:
        return Facts(tree, search(), macros)
    return Facts(tree, steady.Steady(rows, search, say, path), macros)
