"""Which characters of a stranger's text are obeyed instead of shown."""

from __future__ import annotations

from typing import Final

from patchlint.model.pattern import lazy

#: Characters that a terminal obeys or that change how text reads without being seen:
#: C0 and C1 controls, bidirectional overrides, line separators, surrogates, which UTF-8 cannot
#: hold, the two that XML forbids, marks of annotations, and all that Unicode calls
#: Default_Ignorable: zero-width characters, fillers, selectors of variations, tags.
HIDDEN: Final = lazy(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_BMP: Final = 0xFFFF


def spelled(character: str) -> str:
    """Return a character as JSON escapes it, which people and programs read alike."""
    code = ord(character)
    if code <= _BMP:
        return f"\\u{code:04x}"
    code -= _BMP + 1
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"
