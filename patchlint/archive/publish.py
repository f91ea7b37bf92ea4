"""Writes a site into a folder of its own, and takes away what an earlier one left there."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The file that says that a folder holds a site, and which files are of it.
MANIFEST: Final = ".patchlint-site.json"


class PublishError(Exception):
    """The folder cannot be written; the text says why."""


def publish(pages: Iterable[tuple[str, str]], out: Path) -> int:
    """Write each page below ``out``; how many there are.

    Raises :class:`PublishError` for a folder with other things in it, before anything is
    written.
    """
    old = _held(out)
    new: set[str] = set()
    try:
        out.mkdir(parents=True, exist_ok=True)
        # what is about to be written is of the site, should the writing end half-way
        for name, text in pages:
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, text)
            new.add(name)
        for name in old - new:
            (out / name).unlink(missing_ok=True)
            with suppress(OSError):
                (out / name).parent.rmdir()
        _write(out / MANIFEST, json.dumps(sorted(new), indent=0) + "\n")
    except OSError as error:
        raise PublishError(f"{error.filename or out}: {error.strerror}") from error
    return len(new)


def _held(out: Path) -> set[str]:
    """Return the files that an earlier site has in ``out``."""
    try:
        if not out.exists():
            return set()
        if not out.is_dir():
            raise PublishError(f"{out}: not a folder")
        if not any(out.iterdir()):
            return set()
        held = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PublishError(
            f"{out}: there are other files in it; name a folder of its own"
        ) from None
    except (OSError, ValueError) as error:
        raise PublishError(f"{out / MANIFEST}: {error}") from error
    return {name for name in held if isinstance(name, str) and _inside(name)}


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and name != MANIFEST


def _write(path: Path, text: str) -> None:
    """Write ``text`` if it is not there already, so that only what changed is copied on."""
    data = text.encode("utf-8", "replace")
    with suppress(OSError):
        if path.read_bytes() == data:
            return
    path.write_bytes(data)
