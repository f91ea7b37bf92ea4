"""How long something is put off, or waited for, in units that a reader knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.model.brackets import one_group

if TYPE_CHECKING:
    from collections.abc import Mapping

#: a constant alone, a call alone of one function, and a number of ticks of a clock
_NAME: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_CALL: Final = re.compile(r"(\w+)\(([^()]*)\)")
_NUMBER: Final = re.compile(r"(\d+)[UL]*")


def said(text: str, defined: Mapping[str, str], units: Mapping[str, str]) -> str:
    """``500 ms (LAMP_LINGER)`` of ``msecs_to_jiffies(LAMP_LINGER)``, where the patch defines that.

    What is in no known unit stays as it is written.
    """
    plain = _bare(text)
    call = _CALL.fullmatch(plain)
    if call is not None and call[1] in units:
        name = call[2].strip()
        value = _bare(defined.get(name, name))
        number = _NUMBER.fullmatch(value)
        told = f"{number[1] if number else value} {units[call[1]]}"
        # a sum has no one unit behind it
        if not re.fullmatch(r"[\w.>-]+", value) or " " in value:
            return plain
        return f"{told} ({name})" if name in defined else told
    if _NAME.fullmatch(plain) and plain in defined:
        value = said(defined[plain], {}, units)
        return f"{value} ({plain})"
    return plain


def _bare(text: str) -> str:
    """``text`` without a pair of brackets around all of it."""
    text = text.strip()
    return text[1:-1].strip() if one_group(text) else text
