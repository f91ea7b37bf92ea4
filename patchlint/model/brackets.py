"""Brackets in texts of C."""

from __future__ import annotations


def one_group(text: str) -> bool:
    """Whether a text is in brackets: one begins it, and closes at its end alone."""
    depth = 0
    for place, char in enumerate(text if text.startswith("(") else ""):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return place == len(text) - 1
    return False
