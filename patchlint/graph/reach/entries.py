"""What is told of where a way begins: a system call, an operation of a table, a callback.

What leads through a mere look-up of a name ends nothing, and a system call that no table knows is
told as unknown.  Of an operation through which many commands go, one that the calls on the way ask
for is told; errs towards none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph.commands import MOST_COMMANDS, commands
from patchlint.graph.reach.entry_text import beside, filled, narrowed
from patchlint.graph.reach.marking import binds_own
from patchlint.graph.reach.way import Way
from patchlint.model.effect import EntryChain
from patchlint.model.facts import Condition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from patchlint.graph.commands import Step
    from patchlint.graph.guards import Atom
    from patchlint.graph.reach.state import Bound, Node, Walk
    from patchlint.model.context import Context
    from patchlint.model.facts import Function
    from patchlint.model.kernel import EntryPoint

_FLAG: Final = re.compile(r"^\(?\w+\s*&\s*([A-Z][A-Z0-9_]+)\)?$")
#: functions below an entry in which it is looked for which command leads on
_TELLING: Final = 6


def add_system_call(walk: Walk, node: Node, path: str, line: int) -> None:
    """Tell of a system call, by its row where a table has one."""
    row = walk.kernel.system_calls.get(node.name)
    called = row.called if row is not None else node.name
    passing = _passing(walk, node)
    walk.ways.append(
        Way(
            node.name,
            "syscall",
            "task",
            node.strength,
            reaches_user=True,
            chain=node.chain,
            why=f"{called}(2) at {path}:{line}",
            ends=row.ends if row is not None and not passing else (),
            said=_call_text(called, node.guard),
            unknown=row is None and not passing,
            ending=(row is not None and row.to_end)
            or walk.kernel.teardown.search(called) is not None,
            marks=node.marks,
            asks=f"{called}({{command}})",
            commands=node.commands,
            calls=node.calls,
            through=node.through,
            general=row is not None and "anything" in row.ends,
            rare=node.rare,
        )
    )


def add_entry(
    walk: Walk,
    node: Node,
    entry: EntryPoint,
    where: str,
    beside: Sequence[Mapping[str, str]] = (),
) -> None:
    """Tell of an operation or a macro's function, once for each context of its row.

    ``beside`` is what stands beside it where it is bound.
    """
    passing = _passing(walk, node)
    event = filled(entry.event, beside) if "{command}" not in entry.event else ""
    asks = entry.event if "{command}" in entry.event else ""
    if entry.request and not event:
        # it stands beside too many commands, and the calls tell which
        asks = re.sub(r"\{\w+\}", "{command}", entry.event)
    for context in entry.contexts:
        walk.ways.append(
            Way(
                node.name,
                entry.kind,
                context,
                node.strength,
                reaches_user=entry.reaches_user and context == "task",
                chain=node.chain,
                why=f"{node.name}() is {where}",
                ends=() if passing else entry.ends,
                said=f"{entry.struct}.{entry.member}" if entry.member else entry.macro,
                ending=bool(entry.ends) and not (entry.commands and _names_no_end(walk, node.name)),
                event=event,
                marks=node.marks,
                asks=asks,
                request=entry.request,
                commands=node.commands,
                calls=node.calls,
                through=node.through,
                boot=entry.boot,
                general=not entry.member and "anything" in entry.ends,
                rare=node.rare,
            )
        )
    if event and not entry.reaches_user and node.marks.clear:
        # nobody is known to wait, but it is known what for
        said = f"{entry.struct}.{entry.member}"
        walk.classes.append(EntryChain(node.name, entry.kind, node.chain, said, event))


def add_operation(
    walk: Walk,
    bound: Bound,
    rows: Sequence[EntryPoint],
    line: int,
    told: Mapping[str, str] | None = None,
) -> None:
    """Tell of a function that is bound to a member, by the member's rows.

    Callers of the member are asked for as well, where no row says who they are.  ``told`` is what a
    macro puts beside it; what the text of a plain table does is read.  Of a table whose file has
    its own function in a member on the way down the objects are others.
    """
    node = bound.node
    if not node.marks.foreign and any(binds_own(walk, bound.path, one) for one in node.through):
        bound = replace(bound, node=replace(node, marks=replace(node.marks, foreign=True)))
    for row in rows:
        beside = (told,) if told is not None else _beside(walk, bound, row)
        add_entry(walk, bound.node, row, f".{bound.member} at {bound.path}:{line}", beside)
    if all(map(_is_open, rows)):
        walk.bound.append(replace(bound, told=bool(rows)))


def add_callback(walk: Walk, node: Node, context: Context, place: str) -> None:
    """Tell of a callback of which its registration says in which context it runs."""
    walk.ways.append(
        Way(
            node.name,
            "callback",
            context,
            node.strength,
            reaches_user=False,
            chain=node.chain,
            why=f"{node.name}() is bound by {place}",
            marks=node.marks,
        )
    )


def stop_at(walk: Walk, node: Node) -> None:
    """Go no further up from a helper of everybody; what it is called for is told where known."""
    walk.hubs.append(node.name)
    row = walk.kernel.hubs.get(node.name)
    if row is not None and node.marks.clear:
        walk.classes.append(EntryChain(node.name, row.kind, node.chain, event=row.event))


def _is_open(entry: EntryPoint) -> bool:
    """Whether a row leaves open who calls the operation that ends something.

    A task among others: the calls of the member in the tree tell whose.
    """
    several = "task" in entry.contexts and len(entry.contexts) > 1
    return several and bool(entry.ends) and not entry.reaches_user


def with_command(walk: Walk, way: Way) -> Way:
    """A way with the command in it that its entry is called with, where the calls tell it."""
    if not (way.asks or way.request) or not way.reaches_user:
        return way
    if len(way.calls) + 1 != len(way.chain):
        return way
    told = way.commands or commands(_steps(walk, way), way.request)
    if not 0 < len(told) <= MOST_COMMANDS:
        return way
    text = way.asks.format(command=" or ".join(told)) if way.asks else narrowed(way.event, told)
    row = walk.kernel.system_calls.get(way.name) if way.kind == "syscall" else None
    known = row.end_commands if row is not None else frozenset[str]()
    ends = all(one in known or walk.kernel.teardown.search(one.lower()) for one in told)
    ending = way.ending or (bool(way.ends) and ends)
    if way.kind == "syscall":
        return replace(way, said=text, ending=ending)
    return replace(way, event=text, ending=ending)


def _steps(walk: Walk, way: Way) -> Iterator[tuple[Function, tuple[Step, ...]]]:
    """The functions of a way from its entry on, each with its calls that lead to the next.

    The last is the one that lost something, under the tests that it makes above that.
    """
    for name, (path, line) in zip(way.chain[:_TELLING], way.calls, strict=False):
        function = walk.function_at(name, path, line)
        if function is None:
            return
        yield (
            function,
            tuple((call.conditions, call.args) for call in function.calls if call.line == line),
        )
    loser = walk.function(way.chain[-1], walk.path) if len(way.chain) <= _TELLING else None
    if loser is not None and walk.guard:
        yield loser, ((tuple(map(_condition, walk.guard)), ()),)


def _condition(atom: Atom) -> Condition:
    return Condition(atom.text, atom.positive, atom.line, atom.early)


def _passing(walk: Walk, node: Node) -> bool:
    """Whether the way leads through what only looks a name up for the entry point."""
    return not walk.kernel.lookups.isdisjoint(node.chain)


def _call_text(called: str, guard: tuple[Atom, ...]) -> str:
    """How user space calls a system call so that the guard holds: ``umount2(..., FLAG)``."""
    flags = []
    for atom in guard:
        found = _FLAG.match(atom.text)
        if atom.positive and found:
            flags.append(found[1])
    return f"{called}(..., {' | '.join(dict.fromkeys(flags))})" if flags else called


def _beside(walk: Walk, bound: Bound, row: EntryPoint) -> tuple[dict[str, str], ...]:
    """What stands beside a function in plain tables, where words of its row ask for that."""
    return beside(walk.text(bound.path), bound.node.name) if "{" in row.event else ()


def _names_no_end(walk: Walk, name: str) -> bool:
    """Whether a function is not named for an end: of many commands it is none that ends."""
    return walk.kernel.teardown.search(name) is None
