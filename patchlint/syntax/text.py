"""Source text as facts quote it: slices by byte offset, on one line, without comments."""

from __future__ import annotations

import re
from typing import Final

_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


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
