"""Numbers that a user gives, and why one of them cannot hold."""

from __future__ import annotations

import math
from typing import Final

#: more than a life has seconds, and less than what clocks and files cannot count
MOST: Final = 1_000_000_000


def amiss(text: str, *, zero: bool = False, whole: bool = True) -> str:
    """Why ``text`` is no number that can hold, empty where it is one.

    It has to be above 0, with ``zero`` not below; and ``whole`` unless that is False.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        return f"{text!r}, not a number"
    if value < 0 or (value == 0 and not zero):
        return f"{text}: it has to be {'0 or above' if zero else 'above 0'}"
    if value > MOST:
        return f"{text}: that is too much"
    if whole and not (text.isascii() and text.isdigit()):
        return f"{text}, not a whole number"
    return ""
