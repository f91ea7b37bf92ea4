"""A file that a command reads as C: what is none is refused before it is parsed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import IO

    from patchlint.model.facts import FileFacts

#: a file of such a name is C, whatever the parser makes of it
_C: Final = (".c", ".h", ".i")
_HEAD: Final = 1 << 16


class NoSourceError(Exception):
    """A file is no C source, or cannot be read; the text says which, behind its name."""


def read(path: str) -> bytes:
    """Return what is in the C file ``path``, of standard input for ``-``.

    Raises :class:`NoSourceError` for a file that cannot be read, has no text, or is a mail or
    a patch.
    """
    import sys

    try:
        if path == "-":
            return _source(path, sys.stdin.buffer)
        with open(path, "rb") as file:  # noqa: PTH123 - by the name as it was given
            return _source(path, file)
    except OSError as error:
        raise NoSourceError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL byte in the name
        raise NoSourceError(f"{path}: {error}") from error


def _source(path: str, stream: IO[bytes]) -> bytes:
    from patchlint.mail.inputs import no_mail
    from patchlint.model import contents
    from patchlint.outside.console import read_input

    head = stream.read(_HEAD)
    if binary := contents.binary(head):
        raise NoSourceError(f"{path}: {binary}, no C source")
    if not _named_c(path) and no_mail(head) is None:
        more = "" if path == "-" else f" (patchlint check {path})"
        raise NoSourceError(f"{path}: a mail or a patch, no C source{more}")
    return head + read_input(stream)


def hold(path: str, facts: FileFacts) -> None:
    """Raise :class:`NoSourceError` where the facts of a file of any other name show no C."""
    if facts.errors and not facts.functions and not _named_c(path):
        raise NoSourceError(f"{path}: no C source: the parser finds errors and no function in it")


def _named_c(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in _C  # noqa: PTH122
