"""Where a finding stands, and which lines it quotes.

It stands at the deferral; at a wait that is gone, on the side before; at one that is left and does
less; or at the line that decides, where that is what the series wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph.strength import strength
from patchlint.graph.told.timing import wait_in, waits_less

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import Loss
    from patchlint.model.facts import Call


def place(comparison: Comparison, main: Loss, late: Effect, gone: Call | None) -> tuple[str, int]:
    """File and line of a finding; ``gone`` is the wait of the state before that is missing."""
    less = waits_less(main)
    if main.how != "shortened" and less is not None:
        return main.now.path, wait_in(main, less).line
    if gone is not None:
        return main.was.path, gone.line
    edge = late.edge
    # with no edge shown, where a deferred function does it
    deferred = (edge.function.path, edge.line) if edge else (late.where.path, late.line)
    if main.how != "unawaited" or main.narrowed is None:
        return deferred
    # the line that decides, if it is one of the series: the wait may stand as it stood
    tests = main.narrowed.places
    return next((one for one in tests if comparison.lines.added(*one)), deferred)


def leading(
    comparison: Comparison, main: Loss, late: Effect, condition: Atom | None
) -> tuple[int, ...]:
    """The lines of the losing function that lead to the deferral: a test, and the first call."""
    # what is started where it was is late by a wait that is gone, and has the line of that
    here = late.root is None or main.now.makes(late.root)
    lines = {late.root_line} if main.how != "worker" and here else set()
    less = waits_less(main)
    tests = (condition,) if condition is not None else ()
    if less is not None:
        # what is left of a wait stands under a test that the series made
        tests = (*tests, *(a for a in less.guard if comparison.lines.made(a.places)))
    lines |= {test.line for test in tests if test.path == main.now.path}
    return tuple(sorted(lines))


def lost(losses: Sequence[Loss]) -> tuple[int, ...]:
    """The lines before on which stood what was lost: of more than memory, where any is."""
    telling = [loss for loss in losses if strength(loss.before[0])] or losses
    return tuple(sorted({e.root_line for loss in telling for e in loss.before}))
