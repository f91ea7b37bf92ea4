"""A whole tree's facts, on demand or from an SQLite index keyed by blob."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.kernel import Macro
    from patchlint.model.tree import TreeFacts
    from patchlint.patch.trees import Tree


def open_facts(tree: Tree, macros: Sequence[Macro], *, renew: bool = False) -> TreeFacts:
    """Return facts of ``tree``: out of its index if there is one that fits, else by search.

    With ``renew`` an index of a commit near by is brought up to the tree first, where that is
    quicker than a search.
    """
    from patchlint.index import lean
    from patchlint.index.facts import Facts
    from patchlint.index.search import Search
    from patchlint.index.shelf import DiskShelf
    from patchlint.index.store import answers_path, index_path, open_rows

    if renew:
        from patchlint.index.refresh import refresh

        refresh(tree, macros)
    words = lean.words(macros)
    rows = open_rows(index_path(macros), tree, words)
    if rows is not None:
        return Facts(tree, rows, macros)
    shelf = DiskShelf(answers_path(macros), tree.commit) if tree.commit is not None else None
    return Facts(tree, Search(tree, words, shelf), macros)
