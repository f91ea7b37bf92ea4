"""Keeps an index near its tree: what changed is read again, all else is known by its blob."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from patchlint.outside import activity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from patchlint.model.kernel import Macro
    from patchlint.patch.trees import GitTree, Tree

#: Of so few changed files an index is as good as one of the tree itself.
FEW: Final = 30
#: With more changed files than this reading them takes longer than one check without index.
MANY: Final = 6000


class Distance(Struct, frozen=True):
    """How an index stands to a tree: ``changed`` C files lie between them, None for no index."""

    changed: int | None

    @property
    def worth(self) -> Literal["none", "fits", "refresh", "rebuild"]:
        """What is best done."""
        if self.changed is None:
            return "none"
        if self.changed <= FEW:
            return "fits"
        return "refresh" if self.changed <= MANY else "rebuild"


def distance(tree: GitTree, path: Path) -> Distance:
    """How far the nearest commit in the index at ``path`` is from ``tree``."""
    from patchlint.index.store import Store, commits_for, tree_key

    with suppress(sqlite3.Error, OSError), Store(path) as store:
        if store.tree(tree_key(tree)) is not None:
            return Distance(0)
        changes = [tree.changes(row.key) for row in commits_for(store, tree)]
        return Distance(min((len(one) for one in changes if one is not None), default=None))
    return Distance(None)


def refresh(tree: Tree, macros: Sequence[Macro]) -> bool:
    """Bring a stale index up to ``tree`` where that is quicker than a search; say whether.

    Only a commit that is near an indexed one.  Two at once: the second goes without.
    """
    from patchlint.index.store import index_path
    from patchlint.patch.trees import GitTree

    path = index_path(macros)
    if not isinstance(tree, GitTree) or not path.is_file():
        return False
    if distance(tree, path).worth != "refresh":
        return False
    from patchlint.index.build import build  # brings multiprocessing along

    with _alone(path) as alone, suppress(sqlite3.Error, OSError):
        if alone:
            with activity.doing("index", "reading what has changed since the tree was indexed"):
                build(tree, macros, os.cpu_count() or 1, _tell, path)
            return True
    return False


def _tell(done: int, total: int) -> None:
    activity.tell(f"indexing {done} of {total} files that have changed")


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether nobody else refreshes the index at ``path``, until the block ends."""
    import fcntl

    with suppress(OSError), path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
        return
    yield False
