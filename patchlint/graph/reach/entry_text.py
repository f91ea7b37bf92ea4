"""What stands beside a function in its entry of a table: ``{CMD, 0, lamp_off}``, ``.cmd = CMD``.

Such an entry often names the command that runs the function.  It is read from the text of the
tree's file, outwards from the function's name to the brackets around it.

Errs towards nothing: entries that macros make are told by those (``macro_tables``), and a table
that the series itself changes is read as it was.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph.commands import MOST_COMMANDS
from patchlint.graph.macro_tables import arguments
from patchlint.graph.members import COMMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: an entry that is longer is not read
_LONGEST: Final = 2_000
#: a constant by itself, or in the macro that numbers it: ``_IOC_NR(LAMP_OFF)``
_CONSTANT: Final = re.compile(r"^(?:\w+\(\s*)*([A-Z][A-Z0-9]*_[A-Z0-9_]+)[\s)]*$")
_SET: Final = re.compile(r"^\.(\w+)\s*=\s*(.+)$", re.DOTALL)
_NUMBERED: Final = re.compile(r"\[([^\][]*)\]\s*=\s*&?$")


def beside(text: str, name: str) -> tuple[dict[str, str], ...]:
    """What each entry of the tables of a text that holds ``name`` says, by member.

    ``index`` is the constant that numbers the entry, ``constant`` the first one that stands in it
    without a member; values that are no constants are left out.
    """
    code = COMMENT.sub(" ", text)
    places = [found.start() for found in re.finditer(rf"\b{re.escape(name)}\b(?!\s*\()", code)]
    told = (_entry(code, at, name) for at in places)
    return tuple(one for one in told if one is not None)


def given(text: str, callee: str, name: str) -> tuple[dict[str, str], ...]:
    """What each call of ``callee`` in a text that is given ``name`` is given: ``argument0``..."""
    calls = (
        arguments(text, found.end() - 1)
        for found in re.finditer(rf"\b{re.escape(callee)}\s*\(", text)
    )
    return tuple(
        {f"argument{place}": one for place, one in enumerate(args)}
        for args in calls
        if args is not None and name in args
    )


def filled(words: str, told: Sequence[Mapping[str, str]]) -> str:
    """A row's words with what the entries say put in; "" where one says nothing, or many do."""
    if "{" not in words:
        return words
    try:
        texts = tuple(dict.fromkeys(words.format_map(one) for one in told))
    except KeyError:
        return ""
    return " or ".join(texts) if len(texts) <= MOST_COMMANDS else ""


def narrowed(words: str, told: Sequence[str]) -> str:
    """Of the commands that the entries of a table say, those that the calls on a way ask for.

    All where the calls ask for none of them.
    """
    some = words.split(" or ")
    return " or ".join([one for one in some if one in told] or some)


def _entry(text: str, at: int, name: str) -> dict[str, str] | None:
    opening = _outwards(text, at)
    if opening < 0:
        return None
    first = max(0, opening - _LONGEST)
    alone = _NUMBERED.search(text[first:at])
    numbered = alone or _NUMBERED.search(text[first:opening])
    index = _CONSTANT.match(numbered[1].strip()) if numbered is not None else None
    told = {"index": index[1]} if index is not None else {}
    # the brackets around one that is numbered by itself are those of the whole table
    for part in (arguments(text, opening) or ()) if alone is None else ():
        named = _SET.match(part)
        constant = _CONSTANT.match((named[2] if named is not None else part).strip())
        if constant is not None and constant[1] != name:
            told.setdefault(named[1] if named is not None else "constant", constant[1])
    return told


def _outwards(text: str, at: int) -> int:
    """Where the brackets of the entry around a place open, -1 where it stands in none."""
    depth = 0
    for place in range(at - 1, max(-1, at - _LONGEST), -1):
        mark = text[place]
        depth += (mark in "})") - (mark in "{(")
        if depth < 0:
            return place if mark == "{" else -1
        if mark == ";" and not depth:
            return -1
    return -1
