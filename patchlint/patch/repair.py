"""Turns the known parts of a C file into text that a parser can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.patch.sparse import Run

UNKNOWN = "__patchlint_unknown_"
"""Begin of the name of a function (or object) whose header no hunk shows or names."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """Text with the file's own line numbers, and the gap lines that hold a header."""

    text: bytes
    headers: frozenset[int] = frozenset()


def encode(text: str) -> bytes:
    """Return the bytes that ``text`` was decoded from."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def image_text(path: str, runs: Sequence[Run]) -> Repaired:
    """Return the text of a file of which ``runs`` are known."""
    del path
    lines: list[str] = []
    for run in runs:
        lines += [""] * (run.first - 1 - len(lines))
        lines += run.texts
    return Repaired(encode("".join(line + "\n" for line in lines)))
