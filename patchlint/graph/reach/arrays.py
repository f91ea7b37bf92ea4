"""Edges up through arrays: functions without a member's name, that somebody looks up by a number.

Whoever takes an entry runs it, or gives it to who does.  Errs towards too many: one who only
reads the entry counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph.reach.entry_text import beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.reach.state import Node, Walk
    from patchlint.model.tree import AddressUse


def through_array(walk: Walk, node: Node, use: AddressUse) -> bool:
    """Go on to who looks an array up that holds a function without a member's name.

    That is the function in which the array stands, or those of its file that take one of its
    entries by a number; they, or who gets the entry from them, run it.  Errs towards too many: an
    entry that is only read counts.  Who only hands the array on (to register it) is not one.
    """
    if use.kind != "initializer":
        return False
    text = walk.text(use.path)
    looked = rf"\b{re.escape(use.variable)}\s*\[\s*[^\]\s]" if use.variable else r"(?!)"
    around = _functions_around(walk, use.path, (one.start() for one in re.finditer(looked, text)))
    return _run_by(walk, node, use.path, [use.function, *around])


def through_local_table(walk: Walk, node: Node) -> bool:
    """Go on to the functions of the file in which a table ends an entry with the function.

    ``{CMD, 0, lamp_off}`` in a table of its own type inside of a function is told by no use.
    """
    entry = re.compile(rf",\s*&?\s*{re.escape(node.name)}\s*,?\s*\}}")
    places = (one.start() for one in entry.finditer(walk.text(node.path)))
    return _run_by(walk, node, node.path, _functions_around(walk, node.path, places))


def _functions_around(walk: Walk, path: str, places: Iterable[int]) -> list[str]:
    """The functions of a file in which offsets of its text stand."""
    text = walk.text(path)
    lines = dict.fromkeys(text.count("\n", 0, place) + 1 for place in places)
    around = (walk.tree.function(path, line) for line in lines)
    return [one.name for one in around if one is not None]


def _run_by(walk: Walk, node: Node, path: str, names: Iterable[str]) -> bool:
    """Go on to functions of a file that may run the node's; whether there are any.

    The command that its entry of the table is for is told of the ways that lead through it.
    """
    found = [name for name in dict.fromkeys(names) if name]
    entries = beside(walk.text(path), node.name) if found else ()
    commands = dict.fromkeys(one.get("index", one.get("constant", "")) for one in entries)
    for name in found:
        above = replace(node.caller(name, path, 0), strength="likely", guard=())
        walk.push(replace(above, commands=tuple(commands) if "" not in commands else ()))
    return bool(found)
