"""What stood in an operations table before, where no function of the series is what it was.

``.kill_sb = kill_block_super`` that becomes ``.kill_sb = lamp_kill_sb``: the new function is
compared with nothing, since the old one stands elsewhere, or stays as it is.  In its place a
function of the new one's name is put before, which only calls the old one: its body, a table or a
tree tells what that does.  So it is for a new table that is used where one of its kind was.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.facts import Call, Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.graph.build import Graph
    from patchlint.graph.follow import Lines
    from patchlint.model.facts import Initializer


_WORD: Final = re.compile(r"[A-Za-z_]\w*")
#: in place of the digest of a body
MARK: Final = "stand-in"


class StandIn(Struct, frozen=True):
    """A function before, and the table that holds it."""

    function: Function
    table: Initializer


def stood_for(function: Function) -> str:
    """The name of the function that a stand-in calls: what stood in its place; "" for others."""
    return function.calls[0].callee if function.body_digest == MARK else ""


def stand_ins(before: Graph, after: Graph, lines: Lines) -> tuple[StandIn, ...]:
    """Stand-ins for all old functions that gave way to a new one in a table that ends something."""
    return tuple(_found(before, after, lines))


def _found(before: Graph, after: Graph, lines: Lines) -> Iterator[StandIn]:
    held = {
        (lines.renamed.get(path, path), entry.variable, entry.member): (path, entry)
        for path, entry in before.initializers
    }
    for path, entry in after.initializers:
        origin, old = (
            held.get((path, entry.variable, entry.member))
            or _in_place_of(before, after, lines, entry)
            or (path, entry)
        )
        name, new = old.value.lstrip("&"), after.find(entry.value.lstrip("&"), path)
        if (
            old.value == entry.value
            or not entry.variable
            or not name.isidentifier()
            or new is None
            # one that is gone lives on in the new one
            or (before.find(name, origin) is not None and after.find(name, path) is None)
            or before.find(new.name, origin) is not None
            or not any(
                row.ends for row in before.kernel.entries_of(before.table_of(old), old.member)
            )
        ):
            continue
        given = tuple(parameter.name for parameter in new.parameters)
        yield StandIn(
            Function(
                new.name,
                origin,
                old.line,
                old.line,
                static=True,
                returns=new.returns,
                parameters=new.parameters,
                locals=(),
                calls=(Call(name, given, old.line, statement=True),),
                assignments=(),
                complete=True,
                errors=False,
                body_digest=MARK,
            ),
            replace(old, value=new.name),
        )


def _in_place_of(
    before: Graph, after: Graph, lines: Lines, entry: Initializer
) -> tuple[str, Initializer] | None:
    """The entry of a table of the same kind in whose place the series puts one of its own.

    ``ops = slow ? &lamp_slow_ops : &lamp_ops``: a call or store that named the other table gave
    way to one that names the new one.  Where the old one only got a test above it, it is missed:
    so looks a new table for what is new itself.
    """
    kind = after.table_of(entry)
    if not kind or any(entry.variable == old.variable for _, old in before.initializers):
        return None
    alike = {
        old.variable: (origin, old)
        for origin, old in before.initializers
        if old.member == entry.member and before.table_of(old) == kind
    }
    if not alike:
        return None
    for function in after.functions.values():
        was = before.find(function.name, function.path)
        if was is None:
            continue
        fresh = [n for n, words in _named(function) if entry.variable in words]
        for line, words in _named(was) if fresh else ():
            other = next((alike[word] for word in words if word in alike), None)
            if other is None or lines.forward(was.path, line) is not None:
                continue
            if any(lines.in_place(was.path, line, function.path, n) for n in fresh):
                return other
    return None


def _named(function: Function) -> Iterator[tuple[int, list[str]]]:
    """The words that the calls and stores of a function are given, each with its line."""
    for call in function.calls:
        yield call.line, [word for text in call.args for word in _WORD.findall(text)]
    for assignment in function.assignments:
        yield assignment.line, _WORD.findall(assignment.value)
    for store in function.stores:
        yield store.line, _WORD.findall(store.value)
