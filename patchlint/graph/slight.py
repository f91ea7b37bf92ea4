"""What is slight: a loss that nobody is known to wait for, loss by loss, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.graph import branches
from patchlint.graph.balance import held_for_a_moment, taken_unseen
from patchlint.model.effect import ON_FAILURE, Ground

if TYPE_CHECKING:
    from collections.abc import Collection

    from patchlint.graph.build import Deferral
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss
    from patchlint.model.context import Context


def slighted(said: str) -> Ground:
    """Why one loss is none that anybody is known to wait for."""
    return Ground(said, slights=True)


#: why a loss counts for no more than memory
_UNSEEN: Final = slighted(
    "where the function that puts it late took it is in lines that no hunk shows"
)
_PASSING: Final = slighted(
    "it is only held for a moment, if it is still there, in the very function"
)
_ENDED: Final = slighted("what user space sees of it is ended before, in the call")


def slight(comparison: Comparison, loss: Loss) -> Ground | None:
    """Why a loss is none that anybody waits for, None when it may be one."""
    if loss.late and all(taken_unseen(comparison.kernel, effect) for effect in loss.late):
        return _UNSEEN
    if loss.late and all(held_for_a_moment(comparison.kernel, effect) for effect in loss.late):
        return _PASSING
    if all(_ended_before(comparison, effect) for effect in loss.before) or _bare(comparison, loss):
        return _ENDED
    return ON_FAILURE if _error_only(comparison, loss) or _no_memory(comparison, loss) else None


def _ended_before(comparison: Comparison, effect: Effect) -> bool:
    """Whether the very function ends before what can be seen of a release, and does so still."""
    site, where, known = effect.site, effect.where, effect.known
    if site is None or known is None or not known.ended_by:
        return False
    return any(
        call.callee in known.ended_by
        and call.args[:1] == site.args[:1]
        and call.line < site.line
        and call.conditions == site.conditions[: len(call.conditions)]
        and comparison.lines.forward(where.path, call.line) is not None
        for call in where.calls
    )


def _bare(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is late only where it cannot do what user space sees."""
    known = loss.before[0].known
    return known is not None and bool(loss.late) and late_in(comparison, loss, known.bare_in)


def late_in(comparison: Comparison, loss: Loss, contexts: Collection[Context]) -> bool:
    """Whether all that is late is so in some contexts."""
    return all(_runs_in(comparison, late) <= set(contexts) for late in loss.late)


def _runs_in(comparison: Comparison, late: Effect) -> set[Context]:
    """In which contexts something late is done; without an edge, by its starts."""
    edge = late.hop
    if edge is not None:
        return {edge.context}
    return {start.context for start in worker_starts(comparison, late)} or {"unknown"}


def worker_starts(comparison: Comparison, late: Effect) -> list[Deferral]:
    """What starts the function that does something late with no edge shown.

    Task work that keeps the promise is none: it puts nothing off.
    """
    starts = comparison.after.starts_of(late.chain[0].function)
    return [start for start in starts if not start.keeps]


def _no_memory(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is put off only where an allocation failed."""
    return bool(loss.late) and all(
        any(not a.positive and comparison.asks_for_memory(loss.now, a) for a in e.above)
        for e in loss.late
    )


def _error_only(comparison: Comparison, loss: Loss) -> bool:
    """Whether it was done, or is put off, only where something failed."""
    return all(comparison.after_failure(e) for e in loss.before) or all(
        effect.edge is not None
        and any(
            branches.on_error_path(comparison.kernel, call, comparison.holders(effect))
            for call in (effect.edge.call, effect.root)
            if call is not None
        )
        for effect in loss.late
    )
