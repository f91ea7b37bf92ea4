"""Which callbacks a call binds or starts, told from the words of its arguments."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from msgspec import Struct

from patchlint.model.pattern import lazy

NAME: Final = re.compile(r"[A-Za-z_]\w+")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_MEMBER: Final = re.compile(r"(?:->|\.)\s*([A-Za-z_]\w*)")
_OBJECT: Final = lazy(r"&\s*\(?\s*([A-Za-z_]\w*)\s*\)?\s*(?:\[[^]]*\])?\Z")


class Start(NamedTuple):
    """A call that starts what is bound to an object with one of ``keys``, None for any object.

    ``callbacks`` stand in the call itself; ``anew`` is set when a line of it is new.
    """

    keys: frozenset[str] | None
    callbacks: frozenset[str]
    anew: bool


class Statement(Struct):
    """A call that the tables know and that may go on for some lines."""

    names: list[str]
    owner: str
    text: str = ""
    anew: bool = False
    left: int = 4


def arguments_of(text: str, name: str) -> list[str] | None:
    """The arguments of the first call of ``name`` in ``text``, None when it does not end."""
    start = text.find(f"{name}(")
    if start < 0:
        return None
    found = [""]
    depth = 0
    for char in text[start + len(name) :]:
        depth += (char in "([{") - (char in ")]}")
        if not depth:
            return found
        if char == "," and depth == 1:
            found.append("")
        elif found != [""] or char != "(" or depth > 1:
            found[-1] += char
    return None


def keys_of(
    arguments: list[str] | None, place: int | None, *, named: bool = False
) -> frozenset[str] | None:
    """What the object may be known by: its members, or its name; None when that is not told."""
    if arguments is None or place is None or place >= len(arguments):
        return None
    text = arguments[place].strip()
    members = frozenset(_MEMBER.findall(text))
    if members:
        return members
    if named:
        return frozenset(_WORD.findall(text))
    name = _OBJECT.match(text)
    return frozenset({name[1]}) if name else None


def words_of(arguments: list[str], place: int) -> frozenset[str] | None:
    """All names in an argument, None where it is missing."""
    return frozenset(_WORD.findall(arguments[place])) if place < len(arguments) else None


def one_list(keys: frozenset[str] | None, lists: list[frozenset[str] | None]) -> bool:
    """Whether what is added to a list known by ``keys`` may be on one of ``lists``."""
    return any(keys is None or other is None or not keys.isdisjoint(other) for other in lists)
