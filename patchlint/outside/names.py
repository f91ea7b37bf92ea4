"""Names of files that are no UTF-8, in what holds UTF-8 alone: a database, a printed line.

Python puts a lone surrogate in the place of each byte that it cannot decode, and SQLite takes
no text with one.
"""

from __future__ import annotations

import json


def kept(name: str) -> str:
    """A name as a database can keep it: one that is no UTF-8 as a string of JSON."""
    odd = name.startswith('"') or not (name.isascii() or _is_utf8(name))
    return json.dumps(name) if odd else name


def given(text: str) -> str:
    """The name that :func:`kept` made ``text`` of."""
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:  # kept before names were
        return text


def shown(text: str) -> str:
    """A text that UTF-8 can hold: what it cannot hold is spelled as JSON does, for good."""
    if text.isascii() or _is_utf8(text):
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
