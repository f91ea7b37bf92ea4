"""Compiled rules, kept in the user's cache folder so that start-up parses no TOML.

What is kept is plain text beside the state (path, time, size) of all files that it was
made from; any difference makes it again.  A folder that cannot be written or a file that
cannot be read is no error: the rules are then compiled at each start.  Only the standard
library's light modules are imported here: the byte filter runs before all else.
"""

# pathlib costs more to import than this module has time for
# ruff: noqa: PTH100, PTH103, PTH105, PTH111, PTH112, PTH118, PTH120, PTH123

from __future__ import annotations

import os
import zlib

from patchlint import __version__

# typing costs a seventh of the hook's time: it is imported for the type checker alone
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

_FORMAT: Final = "68"
_HERE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def shipped() -> str:
    """Return the folder of the shipped rules: in the package, or beside it in a checkout."""
    inside = os.path.join(_HERE, "_rules")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(_HERE), "rules")


def state(roots: Sequence[str]) -> str:
    """Path, time and size of every file that the rules of ``roots`` are made from."""
    lines = [_FORMAT, __version__]
    for root in roots:
        lines.append(root)
        for folder in (
            root,
            os.path.join(root, "kernel"),
            os.path.join(root, "kernel", "cleanups"),
        ):
            lines.extend(_files(folder))
    return "\n".join(lines)


def _files(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                (entry for entry in entries if entry.name.endswith((".toml", ".md"))),
                key=lambda e: e.name,
            )
            for entry in found:
                known = entry.stat()
                yield f"{entry.name} {known.st_mtime_ns} {known.st_size}"
    except OSError as error:
        # the compiler says what is wrong with a folder; here it is only a different state
        yield f"{folder} {error.errno}"


def get(kind: str, roots: Sequence[str], known: str) -> bytes | None:
    """Return what was kept as ``kind`` for ``roots`` in this state, None when there is nothing."""
    try:
        with open(_path(kind, roots), "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None  # rules are not taken from somebody else
            data = file.read()
    except OSError:
        return None
    head, found, body = data.partition(b"\0")
    return body if found and head == _head(known, body) else None


def put(kind: str, roots: Sequence[str], known: str, body: bytes) -> None:
    """Keep ``body``; silently not, where that is not possible."""
    path = _path(kind, roots)
    beside = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(beside, "wb") as file:
            file.write(_head(known, body) + b"\0" + body)
        os.replace(beside, path)
    except OSError:
        return


def _head(known: str, body: bytes) -> bytes:
    """What stands before the body: the state, and a sum that a damaged file does not have."""
    return known.encode("utf-8", "surrogateescape") + b"\n%08x" % zlib.crc32(body)


def pack(words: dict[str, list[str]]) -> bytes:
    """Lists of words or patterns as text: a line for each list, its name first."""
    return "\n".join("\t".join((name, *of)) for name, of in words.items()).encode()


def unpack(body: bytes) -> dict[str, list[str]]:
    """Return what :func:`pack` was given, nothing for what it did not make."""
    rows = (line.split("\t") for line in body.decode("utf-8", "replace").split("\n"))
    return {name: of for name, *of in rows}


def _path(kind: str, roots: Sequence[str]) -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    which = zlib.crc32("\0".join(roots).encode("utf-8", "surrogateescape"))
    return os.path.join(home, "patchlint", f"{kind}-{which:08x}.cache")
