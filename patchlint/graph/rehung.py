"""Items that go on another list than before: off it a callback takes what a task took.

Where a task takes items off a list and releases them, those who put them on rely on that; who
puts one on a list that a callback takes over relies on it no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph.bindings import argument, given_object
from patchlint.graph.comparison import key_of
from patchlint.graph.contexts import certainly_deferred
from patchlint.graph.loss import Loss
from patchlint.graph.objects import same, variables
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from patchlint.graph.build import Deferral, Graph
    from patchlint.graph.comparison import Comparison, FunctionKey
    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.graph.objects import ObjectRef
    from patchlint.model.facts import Call, Function

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]


def rehung(
    comparison: Comparison, told: Collection[tuple[FunctionKey, Key]], pairs: Sequence[_Pair]
) -> Iterator[Loss]:
    """Releases of items that go on another list than before, but for those ``told``.

    An item is put on the other list in a new line, where it went on the first one before;
    what is left of the first stands on the other side of a test.
    """
    for was, now in pairs:
        for edge in comparison.after.deferrals_of(now) if was.name == now.name else ():
            if edge.handoff and comparison.lines.added(now.path, edge.line):
                yield from _handed(comparison, was, now, edge, told)


def _handed(
    comparison: Comparison,
    was: Function,
    now: Function,
    edge: Deferral,
    told: Collection[tuple[FunctionKey, Key]],
) -> Iterator[Loss]:
    late = {
        e.key: e
        for e in comparison.new.of(now)
        if e.late and e.edge is edge and e.kind == "row" and (key_of(was), e.key) not in told
    }
    new = _addition(comparison.after, now, edge.call)
    if not late or new is None:
        return
    above = next(iter(late.values())).above
    for call in was.calls:
        old = _addition(comparison.before, was, call)
        if old is None or old[0] != new[0] or same(old[1], new[1], comparison.after.homes):
            continue
        left = list(_left_for(comparison, now, old, above))
        if None in left:
            continue
        for effect in _done_with(comparison, was, call, old[1]):
            other = late.get(effect.key)
            if other is not None:
                yield Loss(
                    was,
                    now,
                    effect.key,
                    (effect,),
                    (other,),
                    "handed",
                    next(iter(left), None),
                )


def _addition(graph: Graph, function: Function, call: Call) -> tuple[str | None, ObjectRef] | None:
    """The item that a call puts on a list, and the list."""
    places = graph.kernel.list_adds.get(call.callee)
    target = given_object(graph, function, call, places[1]) if places else None
    return None if target is None or places is None else (argument(call, places[0]), target)


def _left_for(
    comparison: Comparison,
    now: Function,
    old: tuple[str | None, ObjectRef],
    above: Sequence[Atom],
) -> Iterator[Atom | None]:
    """For each call that puts the item on its first list still: the test that spares it the other.

    ``above`` are the tests above the other one; None where one item goes on both.
    """
    signs = {atom.opposite for atom in above}
    for call in now.calls:
        again = _addition(comparison.after, now, call)
        if again and again[0] == old[0] and same(again[1], old[1], comparison.after.homes):
            guard = comparison.new.terms.guard(now, call.conditions)
            yield next((atom for atom in guard if atom.sign in signs), None)


def _done_with(
    comparison: Comparison, was: Function, call: Call, target: ObjectRef
) -> Iterator[Effect]:
    """Known releases of what a task takes off a list, seen from who put it on with ``call``."""
    guard = comparison.old.terms.guard(was, call.conditions)
    for take in comparison.lists.ends_of(target):
        if certainly_deferred(comparison.before, take.function):
            continue
        taken = variables([*take.call.args, take.call.assigned or ""])
        step = Step(
            was.name, was.path, call.line, f"{call.callee}() hands it to {take.function.name}()"
        )
        for effect in comparison.old.of(take.function):
            root = effect.root
            if (
                root is not None
                and root.in_loop
                and root.line > take.call.line
                and effect.kind == "row"
                and effect.visible
                and not effect.late
                and not taken.isdisjoint(variables(root.args))
            ):
                yield replace(
                    effect,
                    guard=guard,
                    outer=len(guard),
                    root=call,
                    between=effect.way,
                    chain=(step, *effect.chain),
                )
