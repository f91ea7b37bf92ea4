"""A downgrade told as two call chains, as far as the images show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.graph import branches
from patchlint.model.effect import EntryChain, Step

if TYPE_CHECKING:
    from patchlint.graph.build import Deferral, Graph
    from patchlint.graph.comparison import Comparison, Loss
    from patchlint.graph.effects import Effect
    from patchlint.model.facts import Condition, Function

_CALLERS: Final = 4
_LONGEST: Final = 8


def before_chain(comparison: Comparison, loss: Loss, main: Effect) -> tuple[Step, ...]:
    """How the release was reached before, with the callers that the images show."""
    above = callers_above(comparison.before, loss.was, ())
    return (*above, *main.chain)


def after_chain(
    comparison: Comparison, deferral: Deferral, loss: Loss, late: Effect
) -> tuple[Step, ...]:
    """How it is reached now: callers, the deferral, the callback, the release."""
    between = tuple(
        Step(caller.name, caller.path, call.line, f"calls {call.callee}()")
        for caller, call in reversed(loss.through)
    )
    conditions = deferral.conditions if not loss.through else loss.through[-1][1].conditions
    above = callers_above(comparison.after, loss.now, tuple(conditions))
    return (*above, *between, *late.chain)


def callers_above(
    graph: Graph, function: Function, conditions: tuple[Condition, ...]
) -> tuple[Step, ...]:
    """One chain of callers upwards, as far as the images show it, at most four."""
    steps: list[Step] = []
    seen = {function.name}
    current = function
    for _ in range(_CALLERS):
        callers = [
            (caller, call)
            for caller, call in graph.callers_of(current)
            if caller.name not in seen and not branches.impossible(current, call, conditions)
        ]
        if not callers:
            break
        caller, call = callers[0]
        steps.insert(0, Step(caller.name, caller.path, call.line, f"calls {current.name}()"))
        seen.add(caller.name)
        conditions = call.conditions
        current = caller
    return tuple(steps)


def entries_in_images(comparison: Comparison, loss: Loss) -> tuple[EntryChain, ...]:
    """System calls that the images themselves show above the loss."""
    graph = comparison.after
    found: list[EntryChain] = []
    frontier: list[tuple[Function, tuple[str, ...]]] = [(loss.now, (loss.now.name,))]
    seen = {loss.now.name}
    while frontier:
        function, chain = frontier.pop(0)
        if function.entry is not None:
            found.append(EntryChain(function.name, function.entry, tuple(reversed(chain))))
            continue
        for caller, _call in graph.callers_of(function):
            if caller.name not in seen and len(chain) < _LONGEST:
                seen.add(caller.name)
                frontier.append((caller, (*chain, caller.name)))
    return tuple(found)
