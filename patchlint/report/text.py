"""Text that came out of a stranger's mail, made safe and brought to a width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from unicodedata import combining, east_asian_width

from patchlint.model.hidden import HIDDEN

if TYPE_CHECKING:
    import re

#: A source line longer than this is cut before anything else looks at it.
LONGEST: Final = 2000
#: A headline longer than this is cut, and so is a word without a break.
LONGEST_SENTENCE: Final = 500
LONGEST_WORD: Final = 160

ELLIPSIS: Final = "…"
TAB: Final = 8

_BYTE: Final = 0xFF
_BMP: Final = 0xFFFF
_ASCII: Final = 0x80


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BMP else f"\\U{code:08x}"


def visible(text: str) -> str:
    """Return ``text`` with each hidden character spelled out as a backslash escape."""
    return text if text.isascii() and text.isprintable() else HIDDEN.sub(_shown, text)


def line(text: str) -> str:
    """Return ``text`` on one line: white space folded to single spaces, the rest visible."""
    return visible(" ".join(text.split()))


def sentence(text: str) -> str:
    """Return ``text`` on one line that is short enough for a headline."""
    return cut(line(text), LONGEST_SENTENCE)


def code(text: str) -> str:
    """Return a source line with its tabs expanded to columns of eight, the rest visible."""
    return visible(text[:LONGEST].rstrip("\r\n").expandtabs(TAB))


def source(text: str) -> str:
    """Return a source line with its tabs as they are, the rest visible."""
    return "\t".join(visible(part) for part in text[:LONGEST].rstrip("\r\n").split("\t"))


def columns(text: str) -> int:
    """Count the terminal columns of ``text``; errs on the wide side for odd scripts."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if ord(character) < _ASCII:
        return 1
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """Return ``text`` in at most ``width`` columns, with an ellipsis where it was cut."""
    if columns(text) <= width:
        return text
    room = max(width, 1) - 1
    kept = 0
    for index, character in enumerate(text):
        room -= _width(character)
        if room < 0:
            break
        kept = index + 1
    return text[:kept].rstrip() + ELLIPSIS


def pad(text: str, width: int) -> str:
    """Return ``text`` filled with spaces up to ``width`` columns."""
    return text + " " * max(0, width - columns(text))


def wrap(text: str, width: int) -> list[str]:
    """Return ``text`` folded into lines of at most ``width`` columns.

    A word that is longer than that stands alone on its line, so that paths and names
    stay whole, up to ``LONGEST_WORD`` columns.  No text gives no lines.
    """
    lines: list[str] = []
    current = ""
    for whole in line(text).split(" "):
        word = cut(whole, max(width, LONGEST_WORD))
        joined = f"{current} {word}" if current else word
        if current and columns(joined) > width:
            lines.append(current)
            current = word
        else:
            current = joined
    return [*lines, current] if current else lines


def count(number: int, noun: str) -> str:
    """Say ``1 finding``, ``2 findings``, ``2 patches``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith('ch') else 's'}"
