"""Edges up through tables of operations: of the images, and those that macros of the tree fill.

An entry is told by the row of its member.  Errs towards too many: a table that nobody reads
counts, and so does one that the series takes away as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph.build import defined_by
from patchlint.graph.macro_tables import Held
from patchlint.graph.objects import struct_name
from patchlint.graph.reach.entries import add_entry, add_operation
from patchlint.graph.reach.state import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.reach.state import Node, Walk
    from patchlint.model.tree import AddressUse

#: a macro at file scope with plain arguments, by itself or as the value of an object
_MACRO: Final = re.compile(
    r"^(?:static\s+)?(?:\w[\w \t*]*=\s*)?((?:__)?[A-Z][A-Z0-9_]*)\(([^()]*)\)\s*;", re.MULTILINE
)


def through_tables(walk: Walk, node: Node) -> bool:
    """Take the operations tables of the images that hold the function; whether any does."""
    images = walk.images
    if images is None:
        return False
    found = [one for one in images.tables_of(node.name) if walk.shown(one[0])]
    for path, entry in found:
        struct = images.table_of(entry)
        known = walk.kernel.entries_of(struct, entry.member)
        add_operation(walk, Bound(node, struct, entry.member, path), known, entry.line)
    return bool(found)


def through_made_names(walk: Walk, node: Node) -> bool:
    """Take what macros of an untouched file set to the function, by a name that they make.

    ``DEVICE_ATTR_WO(reset)`` holds ``reset_store()``, whose name stands in no line of it.
    """
    if walk.shown(node.path) or not walk.may_be_made(node.name):
        return False
    text = walk.text(node.path)
    used = False
    for found in _MACRO.finditer(text):
        args = [arg.strip() for arg in found[2].split(",")]
        # one that is given the function itself is a use of its name
        if found[1] not in walk.kernel.initializers or node.name in args:
            continue
        line = text.count("\n", 0, found.start(1)) + 1
        for entry in defined_by(walk.kernel, found[1], args, line):
            if entry.value != node.name:
                continue
            struct = struct_name(entry.struct) or ""
            for row in walk.kernel.entries_of(struct, entry.member):
                used = True
                add_entry(walk, node, row, f".{entry.member} at {node.path}:{line}")
    return used


def through_macro_table(walk: Walk, node: Node, held: Iterable[Held], path: str) -> bool:
    """Take the entries of tables that macros make; whether any row or caller may run one."""
    places = {(one.struct, one.member, one.line): one for one in held}
    for (struct, member, line), one in places.items():
        known = walk.kernel.entries_of(struct, member)
        add_operation(walk, Bound(node, struct, member, path), known, line, one.beside)
    return bool(places)


def is_lost_table(walk: Walk, use: AddressUse) -> bool:
    """Whether a table of a file that the images show is in none of them.

    The parser may have lost it behind a construct that it cannot read; one that the series takes
    away as a whole counts as well.
    """
    held = walk.images.initializers if walk.images is not None else []
    return (
        use.kind == "initializer"
        and bool(use.variable and use.member)
        and not any((path, e.variable) == (use.path, use.variable) for path, e in held)
    )


def is_in_macro_table(walk: Walk, node: Node, use: AddressUse) -> bool:
    """Whether a use is the argument of a macro that puts it in a table; those are taken."""
    if use.kind != "argument" or use.function:
        return False
    _, args = walk.tables.call(use.path, use.line, use.callee)
    known = tuple(
        Held(struct_name(one.struct) or "", one.member, {}, use.line)
        for one in defined_by(walk.kernel, use.callee, args or (), use.line)
        if one.value == node.name
    )
    held = known or walk.tables.given(use.path, use.line, use.callee, node.name)
    return through_macro_table(walk, node, held, use.path)
