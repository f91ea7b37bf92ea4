"""A quilt stack: patches whose order stands in a ``series`` file beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError, Limitation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_COMMENT = re.compile(r"(?:^|\s)#.*")


def stack(folder: Path) -> Path | None:
    """The folder with the ``series`` file of a quilt stack: this one or its ``patches``."""
    for one in (folder, folder / "patches"):
        if (one / "series").is_file() and any((one / name).is_file() for name in _names(one)):
            return one
    return None


def read(
    folder: Path, read_file: Callable[[str], Iterator[RawMail | InputError | Limitation]]
) -> Iterator[RawMail | InputError | Limitation]:
    """The patches of the stack in ``folder``, bottom first, each with its place in it.

    What cannot be read, is outside of the folder or is applied in reverse is an error.
    """
    found: list[RawMail | InputError | Limitation] = []
    for name, options in _names(folder).items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            found.append(InputError(str(path), "stands outside of the folder of its series file"))
        elif "-R" in options:
            found.append(InputError(str(path), "is applied in reverse (-R); it is not read"))
        else:
            try:
                found.extend(read_file(str(path)))
            except OSError as error:
                found.append(InputError(str(path), f"cannot be read: {error.strerror or error}"))
    total = sum(isinstance(one, RawMail) for one in found)
    number = 0
    for one in found:
        if isinstance(one, RawMail):
            number += 1
            yield replace(one, place=(number, total))
        else:
            yield one


def _names(folder: Path) -> dict[str, list[str]]:
    """The patches that the series file names, in order, with their options."""
    text = (folder / "series").read_text(encoding="utf-8", errors="surrogateescape")
    lines = (_COMMENT.sub("", line).split() for line in text.splitlines())
    return {words[0]: words[1:] for words in lines if words}
