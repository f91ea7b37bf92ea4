"""A tree that a command asks questions, and what it could not tell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from patchlint.index import open_facts
from patchlint.patch.trees import FolderTree, open_tree, unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.kernel import Macro


class Asked:
    """The tree at a path, its facts, and what is to be said with the answers.

    Raises :class:`patchlint.patch.trees.TreeError`.
    """

    def __init__(self, path: str, macros: Sequence[Macro]) -> None:
        self.tree = open_tree(path)
        self._remarks: list[str] = []
        if isinstance(self.tree, FolderTree) and self.tree.remark:
            self._remarks.append(self.tree.remark)
        self.facts = open_facts(self.tree, macros, say=self._remarks.append)

    def doubts(self) -> list[str]:
        """What was asked so far and could not be read: an answer may lack it."""
        lost = sorted(self.tree.lost)
        return [*dict.fromkeys(self._remarks), *([unseen(lost)] if lost else ())]

    def say(self) -> None:
        """Say on standard error what :meth:`doubts` has."""
        for one in self.doubts():
            print(f"patchlint: {one}", file=sys.stderr)
