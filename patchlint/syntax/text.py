"""Source text as facts quote it: slices by byte offset, on one line, without comments."""

from __future__ import annotations

import re
from typing import Final

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)

#: A longer line is no code that anybody wrote; the longest in a kernel's C has 2,000 bytes.
LONGEST_LINE: Final = 8192


def short_lines(text: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """Give ``text`` with lines that are too long emptied, and those lines as spans.

    What reads C goes over a line more than once; this bounds how much that can cost.
    """
    if len(text) <= LONGEST_LINE:
        return text, []
    lines = text.split(b"\n")
    if max(map(len, lines)) <= LONGEST_LINE:
        return text, []
    long = [at for at, line in enumerate(lines) if len(line) > LONGEST_LINE]
    for at in long:
        lines[at] = b""
    return b"\n".join(lines), [(at + 1, at + 1) for at in long]


def fold(raw: str) -> str:
    """Give source text on one line: comments gone, white space folded."""
    if "/" in raw:
        raw = _COMMENT.sub(" ", raw)
    return " ".join(raw.split())


class Text:
    """The bytes of a file, with cheap slices.

    Each byte is one character of ``chars``, so that byte offsets index it; what a slice
    says is decoded as UTF-8, with U+FFFD for what is none.
    """

    __slots__ = ("ascii", "chars", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ascii = data.isascii()
        self.chars = data.decode("latin-1")

    def plain(self, start: int, end: int) -> str:
        """Give the slice as it stands."""
        raw = self.chars[start:end]
        return raw if self.ascii or raw.isascii() else decode(raw)

    def folded(self, start: int, end: int) -> str:
        """Give the slice on one line."""
        raw = self.chars[start:end]
        if "/" in raw:
            raw = _COMMENT.sub(" ", raw)
        raw = " ".join(raw.split())
        return raw if self.ascii or raw.isascii() else decode(raw)


def decode(raw: str) -> str:
    """Turn characters that stand for bytes into the text that the bytes spell."""
    return raw.encode("latin-1").decode("utf-8", "replace")
