"""Waits for what others start: gone, under a new test, or for a limited time.

What was waited for is started still, and done some time later; the way to the wait is none to
what it was for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph import branches, guards
from patchlint.graph.bindings import argument
from patchlint.graph.comparison import key_of
from patchlint.graph.confined import tested_anew
from patchlint.graph.loss import Loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.build import Deferral
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.model.effect import Step
    from patchlint.model.facts import Call, Function


def wait_stands(comparison: Comparison, was: Function, now: Function, effect: Effect) -> bool:
    """Whether an effect was only waited for, in a function that stands as it stood.

    Who does not come there any more lost what that function does, its wait along with it: that
    is told where the call of it went, and not of one that nothing in it touched.
    """
    wait = effect.wait
    if wait is None or effect.edge is None or effect.edge.keeps:
        return False
    if was.makes(wait) or comparison.lines.touched(was, now):
        return False
    holder = comparison.before.holder_of(wait)
    return holder is not None and comparison.lines.forward(holder.path, wait.line) is not None


def lost_wait(
    comparison: Comparison,
    was: Function,
    now: Function,
    key: Key,
    before: Sequence[Effect],
    after: Sequence[Effect],
) -> Loss | None:
    """The loss of a wait for what somebody else started, and starts still.

    The wait is gone, or holds its caller on fewer ways or for a limited time.
    """
    if not any(e.edge is not None and e.wait is not None for e in before):
        return None
    reasons = {id(e): _weakened(comparison, was, now, e) for e in after}
    weak = {comparison.waited(e.wait) for e in after if e.wait is not None and reasons[id(e)]}
    gone = [
        e
        for e in before
        if e.edge is not None
        and e.wait is not None
        and not comparison.balanced(e)
        and (
            comparison.waited(e.wait) in weak
            or (
                (call := comparison.waiter_gone(was, e)) is not None
                and not waits_otherwise(comparison, was, now, call)
            )
        )
    ]
    # what another wait holds the task for is another thing, if that stood before
    lost = {e.edge.callback for e in gone if e.edge is not None}
    others = {e.edge.callback for e in before if e.edge is not None} - lost
    left = [e for e in after if not reasons[id(e)]]
    if (
        not gone
        or any(e.edge is None or e.edge.callback not in others for e in left)
        or comparison.waits_anew
        or all(comparison.after_failure(e) for e in gone)
    ):
        return None
    late = [
        _as_started_now(comparison, e, e.edge)
        for e in gone
        if e.edge is not None and e.edge.callback in comparison.started
    ]
    if not late:
        return None
    atoms = (reasons[id(e)] for e in after)
    narrowed = next((one for one in atoms if isinstance(one, guards.Atom)), None)
    weaker = tuple(e for e in after if reasons[id(e)])
    return Loss(was, now, key, tuple(gone), tuple(late), "deferred", narrowed, weaker)


def _weakened(
    comparison: Comparison, was: Function, now: Function, effect: Effect
) -> Atom | bool | None:
    """Why a wait holds its caller less than it did: a new test, or True for a limited time."""
    wait = effect.wait
    if wait is None:
        return None
    if effect.pending is not None:
        atom = tested_anew(comparison, (was, now), effect)
        if atom is not None:
            return atom
    if not comparison.kernel.waits[wait.callee].bounded:
        return None
    maybe = (now, *((effect.pending,) if effect.pending else ()), *comparison.holders(effect))
    at = next((f for f in maybe if f.makes(wait)), None)
    if at is None:
        return None
    stood = {one.callee for function in comparison.lineage.of(at) for one in function.calls}
    return wait.callee not in stood and not branches.gives_up(comparison.kernel, at, wait)


def waits_otherwise(comparison: Comparison, was: Function, now: Function, gone: Call) -> bool:
    """Whether something that no table knows is given the same in the place of a wait.

    ``destroy_workqueue(wq)`` to ``lamp_destroy_workqueue(wq)``: it may wait as well.  What the
    same helper does with other arguments is known where its body is.
    """
    kernel, lines = comparison.kernel, comparison.lines
    row = kernel.waits.get(gone.callee)
    text = argument(gone, row.object_arg) if row is not None else argument(gone, 0)
    return bool(text) and any(
        text in call.args
        and call.callee not in kernel.cleanups
        and call.callee not in kernel.activations
        and call.callee not in kernel.waits
        and kernel.harmless.search(call.callee) is None
        and not (call.callee == gone.callee and comparison.after.callees(call, now.path))
        and lines.in_place(was.path, gone.line, now.path, call.line)
        for call in now.calls
    )


def _as_started_now(comparison: Comparison, effect: Effect, edge: Deferral) -> Effect:
    """What nobody waits for any more, behind the edge that starts it after, on its lines after.

    That may be another one: a work item may have become an RCU callback.
    """
    starts = [one for one in comparison.after.starts_of(edge.callback) if not one.keeps]
    late = replace(effect, wait=None)
    # who waits for what others start comes to the wait, and by that way to no start
    ways = [place for place, step in enumerate(effect.chain) if _starts_at(step, edge)]
    begins = ways[0] if ways and effect.pending is not None else 0
    if not starts:
        # only bound, and started by somebody whom no image shows
        return replace(late, chain=effect.chain[begins + 1 :]) if begins else late
    known = (edge.mechanism, edge.function.name)
    new = max(starts, key=lambda one: (one.mechanism == known[0], one.function.name == known[1]))
    lines = comparison.lines
    steps = [
        new.step(f"{new.callback}()")
        if _starts_at(step, edge)
        else replace(step, line=lines.forward(step.path, step.line) or step.line)
        for step in effect.chain
    ]
    if new.function.name != known[1]:
        begins = ways[0] if ways else 0
    steps = steps[begins:]
    alike = new.mechanism == edge.mechanism
    return replace(
        late,
        chain=tuple(steps),
        edge=new,
        last=new if effect.last is edge else effect.last,
        guarantee=effect.guarantee if alike else new.guarantee,
    )


def _starts_at(step: Step, edge: Deferral) -> bool:
    """Whether a step of a chain is the start of an edge."""
    return (step.path, step.function, step.line) == (*key_of(edge.function), edge.line)
