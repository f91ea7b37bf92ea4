"""Which characters of a stranger's text are obeyed instead of shown."""

from __future__ import annotations

from typing import Final

from patchlint.model.pattern import lazy

#: Characters that a terminal obeys or that change how text reads without being seen:
#: C0 and C1 controls, bidirectional overrides, zero-width and tag characters, line
#: separators, surrogates, which UTF-8 cannot hold, and the two that XML forbids.
HIDDEN: Final = lazy(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)

_BMP: Final = 0xFFFF


def spelled(character: str) -> str:
    """Return a character as JSON escapes it, which people and programs read alike."""
    code = ord(character)
    if code <= _BMP:
        return f"\\u{code:04x}"
    code -= _BMP + 1
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"
