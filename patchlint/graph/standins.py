"""What stood in an operations table before, where no function of the series is what it was.

``.kill_sb = kill_block_super`` that becomes ``.kill_sb = lamp_kill_sb``: the new function is
compared with nothing, since the old one stands elsewhere, or stays as it is.  In its place a
function of the new one's name is put before, which only calls the old one: its body, a table or a
tree tells what that does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.facts import Call, Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.graph.build import Graph
    from patchlint.graph.follow import Lines
    from patchlint.model.facts import Initializer


#: in place of the digest of a body
MARK: Final = "stand-in"


class StandIn(Struct, frozen=True):
    """A function before, and the table that holds it."""

    function: Function
    table: Initializer


def stand_ins(before: Graph, after: Graph, lines: Lines) -> tuple[StandIn, ...]:
    """Stand-ins for all old functions that gave way to a new one in a table that ends something."""
    return tuple(_found(before, after, lines))


def _found(before: Graph, after: Graph, lines: Lines) -> Iterator[StandIn]:
    held = {
        (lines.renamed.get(path, path), entry.variable, entry.member): (path, entry)
        for path, entry in before.initializers
    }
    for path, entry in after.initializers:
        origin, old = held.get((path, entry.variable, entry.member), (path, entry))
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
