"""Which kernel tree an integration checks against, and at which commit it stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from patchlint.outside import programs

if TYPE_CHECKING:
    from patchlint.integrations.config import Settings

#: A folder with all of these is a kernel tree.
_KERNEL: Final = ("MAINTAINERS", "Kbuild", "include/linux")


def top(cwd: str | None = None) -> str | None:
    """Return the top folder of the work tree one stands in, None outside of one."""
    try:
        return programs.git("rev-parse", "--show-toplevel", cwd=cwd).rstrip("\n") or None
    except programs.ProgramError:
        return None


def is_kernel(folder: str) -> bool:
    """Whether ``folder`` looks like the top of a kernel tree."""
    return all((Path(folder) / name).exists() for name in _KERNEL)


def tree_for(settings: Settings, cwd: str | None = None) -> str | None:
    """Return the tree to check against: the one the user names, else the one stood in."""
    if settings.tree:
        return settings.tree
    here = top(cwd)
    return here if here and is_kernel(here) else None


def head(tree: str | None) -> str:
    """Return the commit that ``tree`` stands at, an empty string where that means nothing."""
    if tree is None:
        return ""
    try:
        return programs.git("rev-parse", "--verify", "--quiet", "HEAD", cwd=tree).strip()
    except programs.ProgramError:
        return ""


def forget_git_environment() -> None:
    """Take out what git tells its hooks of the repository it runs in.

    Else each git that looks into another tree would look into that repository instead.
    Nothing is taken out where the work tree alone does not lead to its repository.
    """
    here = top()
    if here is None or not (Path(here) / ".git").exists():
        return
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"):
        os.environ.pop(name, None)
