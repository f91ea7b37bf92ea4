"""What does later what was lost: of several late effects one is shown, with how it comes to run.

Of a function that ran deferred already the first start that is seen stands for all, and where
none is the kind of the function alone tells its context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph import contexts as reasons_for
from patchlint.graph.leaves import named_teardown
from patchlint.graph.objects import is_release
from patchlint.graph.slight import worker_starts
from patchlint.model.context import DEFERRED, GUARANTEES

if TYPE_CHECKING:
    from patchlint.graph.build import Deferral
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss
    from patchlint.model.context import Context, Guarantee
    from patchlint.model.facts import Function


def shown(comparison: Comparison, loss: Loss) -> Effect:
    """The late effect that a finding shows: one that the series wrote, then with the fewest tests.

    What stands there as it stood is another way to the same, mostly a longer one.
    """

    def order(effect: Effect) -> tuple[bool, bool, int, int]:
        edge, site = effect.edge, effect.site
        written = site is not None and comparison.lines.added(effect.where.path, site.line)
        handed = edge is not None and edge.handoff
        return handed, not written, len(effect.guard), effect.root_line

    return min(loss.late, key=order)


def done(comparison: Comparison, late: Effect) -> tuple[Context, str | None, str | None, Guarantee]:
    """Context, mechanism, callback and guarantee of what does it now.

    Of a list that a deferred function drains the mechanism is what starts the drain.
    """
    edge = late.edge
    if edge is None:
        return _in_worker(comparison, late)
    mechanism = edge.mechanism
    if edge.handoff:
        after = comparison.after
        started = [d.mechanism for d in after.starts_of(edge.callback) if not d.handoff]
        bound = [b.registration.name for b in after.bindings_of(edge.callback or "")]
        mechanism = next(iter([*started, *bound]), mechanism)
    last = late.last or edge
    return last.context, mechanism, edge.callback, late.guarantee


def _in_worker(
    comparison: Comparison, late: Effect
) -> tuple[Context, str | None, str | None, Guarantee]:
    """How a function comes to run that ran deferred already: what starts it, or its kind."""
    after, worker = comparison.after, late.chain[0].function
    for edge in worker_starts(comparison, late):
        # neither a list nor what waits for it itself tells by what it is put off
        if not (edge.handoff or edge.waits):
            late_by = max(edge.guarantee, late.guarantee, key=GUARANTEES.index)
            put_off = "eventually" if late.context_bound else late_by
            return edge.context, edge.mechanism, worker, put_off
    function = after.functions.get((late.chain[0].path, worker))
    known = reasons_for.of(after, function).contexts if function is not None else ()
    last = function is not None and is_release(comparison.kernel.last_puts, function)
    unseen: Context = "unknown" if last else "workqueue"
    context: Context = next((one for one in sorted(known) if one in DEFERRED), unseen)
    return context, None, worker, "eventually"


def last_callback(late: Effect) -> str:
    """What the first callback starts in turn, where that does it; else ""."""
    edge, last = late.edge, late.last
    if edge is None or last is None or edge.handoff or last.callback == edge.callback:
        return ""
    return last.callback or ""


def callback_of(comparison: Comparison, late: Effect, edge: Deferral | None) -> Function | None:
    """What an edge of something late runs, or the function that ran deferred and does it now."""
    if edge is not None:
        return comparison.after.run_by(edge)
    begins = late.chain[0]
    return comparison.after.functions.get((begins.path, begins.function))


def frees_own(comparison: Comparison, late: Effect) -> bool:
    """Whether a callback may free the object that it is started by: nobody may wait for it by that.

    It gives that to a call that releases or frees something, or is named for an end; in what it
    calls itself alone.  Errs towards yes: more is not asked of such a function.
    """
    kernel, callback = comparison.kernel, callback_of(comparison, late, late.hop)
    if callback is None:
        return False
    own = {call.assigned for call in callback.calls if call.callee in kernel.container_macros}
    own |= {parameter.name for parameter in callback.parameters}

    def is_own(text: str) -> bool:
        return text in own or text.partition("(")[0] in kernel.container_macros

    return any(
        any(map(is_own, call.args))
        and (
            call.callee in kernel.cleanups
            or call.callee in comparison.derived
            or named_teardown(kernel, call.callee)
        )
        for call in callback.calls
    )
