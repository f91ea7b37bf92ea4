"""Which late effects are new: no late effect before is the past of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from patchlint.graph.standing import new_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.asked import Asks
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.model.facts import Function


def unmatched(
    comparison: Comparison, was: Function, before: Sequence[Effect], after: Sequence[Effect]
) -> list[Effect]:
    """Late effects after that no late effect before is the past of.

    An effect continues one whose tests it still makes; those that are nearest (the same
    line, then the most tests) are taken first, each once.  A start that stands where it stood
    is the past of itself alone.  What a callee puts off that was called on both sides of a choice
    was put off whatever was chosen.
    """
    lines = comparison.lines
    left: dict[Asks, list[_Past]] = {}
    jumps = any(_jumped(effect) for effect in after)
    for effect in before:
        line = lines.forward(was.path, effect.root_line)
        asks = comparison.asked.above(effect).lasting
        below = _below(comparison, was, effect) if jumps and line is None else asks
        stands = line is not None and effect.edge is not None and effect.root is effect.edge.call
        left.setdefault(asks, []).append(_Past(line, len(effect.above), stands, below))
    fresh = []
    # what stands where it stood continues itself: what the series wrote is asked last
    for effect in sorted(after, key=lambda e: (new_here(comparison, e), -len(e.above))):
        asked = comparison.asked.above(effect)
        # who jumps to a label made its tests where the jump stands
        jumped = _jumped(effect)
        pasts = [
            (one, past)
            for one, kept in left.items()
            for past in kept
            if asked.keeps(past.below if jumped else one)
            if not past.stands or past.line == effect.root_line
        ]
        if pasts:
            one, past = max(pasts, key=partial(_nearness, line=effect.root_line))
            left[one].remove(past)
            if not left[one]:
                del left[one]
        elif not _either_way(before, effect):
            fresh.append(effect)
    return fresh


class _Past(Struct, eq=False):
    """Of a late effect before: where its line is now, and how many tests it stood under.

    ``stands``: the very start stands on that line still.  ``below`` is what was asked of who may
    have jumped there: where the line is gone, below the function itself.
    """

    line: int | None
    tests: int
    stands: bool
    below: Asks


def _either_way(before: Sequence[Effect], effect: Effect) -> bool:
    """Whether the callee that puts an effect off was called so on both sides of a choice.

    What else is asked on either side is not compared, which errs towards silence.
    """
    call, edge = effect.root, effect.edge
    if call is None or edge is None or call is edge.call:
        return False
    sides = {
        (id(other.root), condition.line, condition.taken)
        for other in before
        if other.late and other.root is not None and other.edge is not None
        if (other.root.callee, other.root.args) == (call.callee, call.args)
        and other.edge.callback == edge.callback
        for condition in other.root.conditions
    }
    return any(
        at == line and one != another and taken != side
        for one, at, taken in sides
        for another, line, side in sides
    )


def _jumped(effect: Effect) -> bool:
    """Whether an effect stands behind a label."""
    return effect.root is not None and effect.root.label is not None


def _below(comparison: Comparison, was: Function, effect: Effect) -> Asks:
    """What the tests above a late effect ask that stand in none of the function's own lines."""
    inner = (atom for atom in effect.above if not atom.within(was))
    return comparison.asked.of(tuple(inner)).lasting


def _nearness(one: tuple[Asks, _Past], line: int) -> tuple[bool, int]:
    return one[1].line == line, one[1].tests
