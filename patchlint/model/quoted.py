"""File names as git writes them: odd ones in C quotes."""

from __future__ import annotations

import re

from patchlint.model.pattern import lazy

_ESCAPE = lazy(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPES = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}


def unquote(name: str) -> str:
    """Undo the C quoting that git gives to odd names; any other name comes back as it is."""
    name = name.strip()
    if len(name) < 2 or name[0] != '"' or name[-1] != '"':  # noqa: PLR2004
        return name

    def plain(found: re.Match[bytes]) -> bytes:
        code = found.group(1)
        if len(code) == 3:  # noqa: PLR2004
            return bytes([int(code, 8) & 0xFF])
        return _ESCAPES.get(code, code)

    raw = name[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(plain, raw).decode("utf-8", "replace")
