"""Which folder on disk is kernel source, and which repository it is read from."""

# pathlib costs a short check more than reading its mails
# ruff: noqa: PTH110, PTH112, PTH113, PTH118, PTH120, PTH208

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from os import PathLike

#: Names at the top of every kernel tree since 2.6.
_TOP: Final = ("MAINTAINERS", "Makefile", "kernel", "include", "fs", "drivers")
#: One of these is at the top of any part of a kernel that keeps the kernel's own paths.
PARTS: Final = (
    *("arch", "block", "crypto", "drivers", "fs", "include/linux", "init", "io_uring", "ipc"),
    *("kernel", "mm", "net", "security", "sound", "virt", "MAINTAINERS", "Kbuild"),
)


def is_kernel_tree(path: str | PathLike[str]) -> bool:
    """Whether the folder looks like the top of a kernel source tree."""
    return all(os.path.exists(os.path.join(path, name)) for name in _TOP)


def is_part(path: str | PathLike[str]) -> bool:
    """Whether the folder has anything that stands at the top of kernel source."""
    return any(os.path.exists(os.path.join(path, name)) for name in PARTS)


def has_c(path: str | PathLike[str]) -> bool:
    """Whether C sources stand in the folder itself, as those of a single driver do."""
    with suppress(OSError):
        return any(name.endswith((".c", ".h")) for name in os.listdir(path))
    return False


def enclosing_repository(start: str | PathLike[str] = ".") -> str | None:
    """Top folder of the git work tree that ``start`` is in, None outside of one."""
    with suppress(OSError):
        here = os.path.realpath(start)
        while not os.path.exists(os.path.join(here, ".git")):
            above = os.path.dirname(here)
            if above == here:
                return None
            here = above
        return here
    return None


def is_bare(folder: str) -> bool:
    """Whether the folder is a repository itself, without a work tree around it."""
    return os.path.isfile(os.path.join(folder, "HEAD")) and os.path.isdir(
        os.path.join(folder, "objects")
    )


def repository_of(folder: str) -> str | None:
    """The repository whose top the paths of kernel source at ``folder`` start from.

    None for a plain folder, and for one inside of a repository of something else: a kernel
    in a repository with more in it, or one unpacked in somebody's repository.
    """
    if os.path.exists(os.path.join(folder, ".git")) or is_bare(folder):
        return folder
    above = None if is_kernel_tree(folder) else enclosing_repository(folder)
    if above is None or is_kernel_tree(above):
        return above
    return above if is_part(above) and not is_part(folder) else None


def inside(folder: str) -> str:
    """Path, with a slash behind it, of a plain folder in the repository around it.

    Empty for the top of a repository and what is read from there, and outside of any.
    """
    above = enclosing_repository(folder)
    if above is None or repository_of(folder) is not None:
        return ""
    path = os.path.relpath(os.path.realpath(folder), above)
    return "" if path == "." else f"{path}/"
