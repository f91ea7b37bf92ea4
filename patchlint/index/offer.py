"""Tells of the index to those whose tree has none, once."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from patchlint.outside.source import is_kernel_tree
from patchlint.patch.trees import GitTree, TreeError, open_tree

if TYPE_CHECKING:
    from pathlib import Path

#: From so many seconds of searching on an index is worth a word.
WORTH: Final = 1.0


def command(folder: str) -> str | None:
    """Return the command that indexes the kernel tree ``folder``, None when it has an index.

    Also None where there is no kernel tree; a stale index near enough counts, since a check
    refreshes it.
    """
    import shlex

    from patchlint.index.refresh import distance
    from patchlint.index.store import index_path
    from patchlint.ruleset.load import load

    if not is_kernel_tree(folder):
        return None
    with suppress(TreeError):
        tree = open_tree(folder)
        if not isinstance(tree, GitTree):
            return None
        worth = distance(tree, index_path(load().kernel.macros)).worth
        tree.close()
        if worth in {"none", "rebuild"}:
            return f"patchlint index {shlex.quote(folder)}"
    return None


def after_search(folder: str, seconds: float) -> str | None:
    """Return what to say after a check that searched ``folder`` so long; once for each tree."""
    if seconds < WORTH or not _first(folder):
        return None
    what = command(folder)
    if what is None:
        return None
    return (
        f"searching the tree took {seconds:.0f} s; '{what}', some minutes once, answers such"
        " questions at once (this is said once)"
    )


def beforehand(folder: str | None) -> str | None:
    """Return the line that a set-up ends with, None when nothing is to be gained."""
    what = None if folder is None else command(folder)
    return None if what is None else f"'{what}' once makes checks against this tree fast"


def _first(folder: str) -> bool:
    """Whether this tree was not told of before; notes that it is now."""
    mark = _mark(folder)
    if mark.exists():
        return False
    with suppress(OSError):
        mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch()
    return True


def _mark(folder: str) -> Path:
    from patchlint.index.store import cache_folder

    return cache_folder() / f"told-{zlib.crc32(folder.encode('utf-8', 'surrogateescape')):08x}"
