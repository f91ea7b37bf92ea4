"""Of which shape a loss is: what picks the rule that tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph.roles import body_moved, waited_for_grace_period

if TYPE_CHECKING:
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss


def shape_of(comparison: Comparison, loss: Loss, late: Effect) -> str:
    """The shape of a loss, of which ``late`` is what is shown to do it now."""
    kernel = comparison.kernel
    edge = late.edge
    if loss.some_waited:
        return "lost-wait"
    if edge is not None and edge.mechanism in kernel.twins:
        return "twin"
    if any(_task_work_gone(comparison, loss, e) for e in loss.before):
        return "task-work-to-workqueue"
    if waited_for_grace_period(comparison, loss):
        return "rcu-release"
    if body_moved(comparison, loss):
        return "moved-body"
    return "weaker" if loss.how == "weaker" else "deferred"


def _task_work_gone(comparison: Comparison, loss: Loss, effect: Effect) -> bool:
    """Whether the task work behind which something was done is started no more.

    One inside of what moved is part of it: a put that queues task work for itself.
    """
    kept = effect.kept
    return kept is not None and (
        kept.function is loss.was or comparison.lines.forward(kept.function.path, kept.line) is None
    )


def goes_on(comparison: Comparison, loss: Loss) -> bool:
    """Whether the losing function still does something that can be seen."""
    return any(
        effect.kind in ("row", "named", "indirect", "gap") and not effect.late
        for effect in comparison.first_keys_of(loss.now)
    )
