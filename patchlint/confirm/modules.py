"""Kernel modules out of a folder ``lib/modules/VERSION``, in the order to load them."""

from __future__ import annotations

import gzip
import lzma
import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SUFFIX: Final = re.compile(r"\.ko(?:\.(?:xz|gz|zst))?$")
_DEPENDS: Final = re.compile(rb"\0depends=([\w,-]*)\0")


class Modules(Struct, frozen=True):
    """What :func:`gather` found: (name, plain ELF bytes) in loading order, and what it did not."""

    files: tuple[tuple[str, bytes], ...]
    missing: tuple[str, ...]


def gather(root: Path, names: Iterable[str]) -> Modules:
    """Read the modules ``names`` below ``root`` and all that they depend on.

    What is built into the kernel needs no file and is left out in silence.  Distribution
    packages come without ``modules.dep``: the modules themselves say what they need.
    """
    there = _files(root)
    builtin = _builtin(root)
    found: dict[str, bytes] = {}
    missing: list[str] = []

    def take(name: str) -> None:
        name = _plain(name)
        if name in found or name in builtin or name in missing:
            return
        data = _read(there[name]) if name in there else None
        if data is None:
            missing.append(name)
            return
        needs = _DEPENDS.search(data)
        for one in (needs[1].decode() if needs else "").split(","):
            if one:
                take(one)
        found[name] = data

    for name in names:
        take(name)
    return Modules(tuple(found.items()), tuple(missing))


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _files(root: Path) -> dict[str, Path]:
    return {
        _plain(_SUFFIX.sub("", path.name)): path
        for path in sorted(root.rglob("*.ko*"))
        if _SUFFIX.search(path.name)
    }


def _builtin(root: Path) -> frozenset[str]:
    listed = root / "modules.builtin"
    if not listed.is_file():
        return frozenset()
    lines = listed.read_text("utf-8", "replace").split()
    return frozenset(_plain(_SUFFIX.sub("", line.rpartition("/")[2])) for line in lines)


def _read(path: Path) -> bytes | None:
    """Return the module's plain bytes, None where this Python cannot unpack it."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return None if path.suffix == ".zst" else data
