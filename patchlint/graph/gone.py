"""What was done at once before and has nothing after that stands for it.

Effects stand for each other by the line that stayed, by a call that was only written again, and
by their number; what may only be left out, since there is too much, is none that is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph.waits import wait_matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.model.facts import Call, Function


def cut_off(comparison: Comparison, was: Function, now: Function, effect: Effect) -> bool:
    """Whether an effect of a callee may only be left out after, where there is too much.

    The call that leads to it stayed, or is made with other words: what changed below is told
    where it changed.
    """
    cut = comparison.new.cut
    if len(effect.chain) == 1 or not (
        now.name in cut or any(step.function in cut for step in effect.chain[1:])
    ):
        return False
    stands = comparison.lines.forward(was.path, effect.root_line) is not None
    return stands or (
        effect.root is not None and _written_again(comparison, was, now, effect.root) is not None
    )


def unreplaced(
    comparison: Comparison,
    was: Function,
    now: Function,
    before: Sequence[Effect],
    free: Sequence[Effect],
    late: Sequence[Effect] = (),
) -> list[Effect]:
    """The inline effects before that nothing free after stands for.

    A wait for what others may have started is no stand-in for what was done here, unless it
    waits for what is ``late`` as well.
    """
    lines = comparison.lines
    certain = [e for e in before if e.pending is None]
    left = [e for e in free if not certain or e.pending is None or _waits_for(comparison, e, late)]
    gone = []
    for effect in certain or before:
        line = lines.forward(was.path, effect.root_line)
        if line is None and effect.root is not None:
            line = _written_again(comparison, was, now, effect.root)
        stayed = next((e for e in left if line is not None and e.root_line == line), None)
        if stayed is not None:
            left.remove(stayed)
        else:
            gone.append(effect)
    spare = _starts_of(left) + sum(_jumps_to(comparison, now, e) for e in left)
    return gone if spare < _starts_of(gone) else []


def _written_again(comparison: Comparison, was: Function, now: Function, call: Call) -> int | None:
    """The line of a call that is made with other arguments now, None where there is not one.

    The same function is called, in its place between the lines that stayed.
    """
    again = {
        other.line
        for other in now.calls
        if other.callee == call.callee
        and comparison.lines.in_place(was.path, call.line, now.path, other.line)
    }
    return again.pop() if len(again) == 1 else None


def _starts_of(effects: Sequence[Effect]) -> int:
    """On how many calls of a function effects begin.

    What lies below one call of a callee is one way here: how many it has inside is the callee's.
    """
    return len({(e.root_line, e.line if len(e.chain) == 1 else 0) for e in effects})


def _waits_for(comparison: Comparison, effect: Effect, late: Sequence[Effect]) -> bool:
    """Whether the wait that an effect rests on holds the task for all that is late.

    One above a start waits for nothing of it.
    """
    waiter, wait = effect.pending, effect.wait
    return (
        waiter is not None
        and wait is not None
        and all(
            (edge := e.hop) is not None
            and e.root_line <= effect.root_line
            and wait_matches(comparison.after, edge, waiter, wait)
            for e in late
        )
    )


def _jumps_to(comparison: Comparison, now: Function, effect: Effect) -> int:
    """How many new gotos share an effect behind its label, beyond the first."""
    if effect.root is None or effect.root.label is None:
        return 0
    jumps = [
        leave
        for leave in now.exits
        if leave.text == f"goto {effect.root.label}"
        and comparison.lines.added(now.path, leave.line)
    ]
    return max(0, len(jumps) - 1)
