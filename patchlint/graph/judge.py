"""How loud a loss is: what the old context was, what waits, what is at stake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import branches, waits
from patchlint.graph.chains import after_chain, before_chain, entries_in_images
from patchlint.graph.effects import STRUCTURAL, Effect
from patchlint.graph.old_context import OldContext, Volume, old_context
from patchlint.model.context import weaker
from patchlint.model.effect import Downgrade, Promise

#: added to the weight of what is louder than a note
LOUD: Final = 100

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.build import Deferral
    from patchlint.graph.comparison import Comparison, Loss
    from patchlint.model.facts import Condition, Function
    from patchlint.model.kernel import KernelFacts


def judge(
    comparison: Comparison, deferral: Deferral, loss: Loss, gained: Sequence[Effect]
) -> Downgrade | None:
    """The downgrade of one loss, with its level and reasons; None when no promise is lost."""
    order = {e.cleanup: place for place, e in enumerate(gained)}
    lost = sorted(
        {e.cleanup: e for e in loss.effects}.values(),
        key=lambda e: (-_rank(e), len(e.chain), -weight(e), order.get(e.cleanup, 0)),
    )
    main = lost[0]
    late = next(e for e in gained if e.cleanup == main.cleanup)
    if _promise_kept(comparison, deferral, loss, main, late):
        return None
    old = old_context(comparison, loss.was)
    wait = waits.restoring(comparison.after, deferral, late.deferral or deferral, loss.through)
    if old is None or (wait is not None and not main.context_bound):
        return None
    volume = _volume(comparison, deferral, main, late, old)
    if wait is not None:
        volume.reasons.append(
            f"{wait.callee}() waits for {deferral.callback}(), but {main.cleanup}() defers "
            "itself again in there"
        )
    condition = _condition(comparison, deferral, loss)
    entries = old.entries or entries_in_images(comparison, loss)
    if entries and old.certain and volume.level == "warning":
        volume.level = "error"
    return Downgrade(
        shape=_shape(comparison, deferral, loss),
        cleanup=main.cleanup,
        family=main.family,
        also=tuple(e.cleanup for e in lost[1:] if not e.memory and not e.asynchronous),
        function=loss.now.name,
        path=deferral.function.path,
        line=deferral.line,
        side="post",
        patch=0,
        before=Promise(
            "task" if entries else old.shown, main.guarantee, before_chain(comparison, loss, main)
        ),
        after=Promise(
            late.deferral.context if late.deferral else deferral.context,
            late.guarantee,
            after_chain(comparison, deferral, loss, late),
            _mechanism(comparison, deferral),
            deferral.callback,
        ),
        condition=branches.plain(condition) if condition else None,
        level_cap=volume.level,
        confidence=_confidence(main, task=old.task or bool(entries), level=volume.level),
        reasons=(*volume.reasons, *old.reasons),
        entry_points=entries,
        weight=weight(main) + (LOUD if volume.level != "note" else 0),
        lost=tuple(sorted({e.root.line for e in loss.effects})),
    )


def _promise_kept(
    comparison: Comparison, deferral: Deferral, loss: Loss, main: Effect, late: Effect
) -> bool:
    """Whether nothing is lost: it defers itself anyway, task work does it, no task goes there."""
    return (
        main.asynchronous
        or not weaker(late.guarantee, main.guarantee)
        or _kept_by_task_work(comparison, loss.now, deferral, main)
        or any(_asks_for_context(comparison.kernel, c) for c in deferral.conditions)
    )


def _volume(
    comparison: Comparison, deferral: Deferral, main: Effect, late: Effect, old: OldContext
) -> Volume:
    """How loud a finding may be at most, and every doubt that turned it down."""
    volume = Volume()
    if main.memory or not main.visible:
        volume.down("only memory is freed later")
    if old.doubt:
        volume.down(old.doubt)
    if branches.on_error_path(comparison.kernel, deferral.call):
        volume.down("deferred on an error path only")
    guessed = main.family == STRUCTURAL or main.cleanup in comparison.derived
    if guessed and late.deferral is not None and late.deferral.context == "rcu-callback":
        volume.down(f"{main.cleanup}() is in no table and cannot sleep in an RCU callback")
    return volume


def _asks_for_context(kernel: KernelFacts, condition: Condition) -> bool:
    """Whether the branch itself leaves only what is no task: tasks then do as before."""
    said = branches.plain(condition)
    return any(h.kind == "condition" and h.pattern.search(said) for h in kernel.hints)


def _condition(comparison: Comparison, deferral: Deferral, loss: Loss) -> Condition | None:
    """The branch on which the release is deferred, None when on all.

    A condition above the deferral that the lost release did not have.  One that stood
    there before tells only where the whole function is known: in a part of it the old
    release may have had it as well.
    """
    kernel = comparison.kernel
    had = {(c.text, c.taken) for e in loss.effects for c in e.root.conditions}
    above = [(call.conditions, caller) for caller, call in reversed(loss.through)]
    found = [
        condition
        for conditions, function in (*above, (deferral.conditions, deferral.function))
        for condition in conditions
        if (condition.text, condition.taken) not in had
        and (
            comparison.lines.added(function.path, condition.line)
            or (function.complete and loss.was.complete)
        )
    ]
    fresh = [
        c
        for c in found
        if (c.text, c.taken)
        not in {
            (known.text, known.taken)
            for call in loss.was.calls
            for known in call.conditions
            if not loss.was.complete
        }
    ]
    told = branches.telling(kernel, fresh)
    if (
        told is None
        and loss.condition is not None
        and not branches.is_error(kernel, loss.condition)
    ):
        return replace(loss.condition, taken=not loss.condition.taken)
    return told


def _rank(effect: Effect) -> int:
    """What a finding speaks of first: a known release, then a name, then memory."""
    if effect.memory or effect.asynchronous:
        return 0
    if not effect.visible:
        return 1
    return 3 if effect.known is not None else 2


def weight(effect: Effect) -> int:
    """How telling a release is: one that branches on the context most, memory least."""
    if effect.memory:
        return 0
    if effect.asynchronous:
        return 1
    if effect.known is None:
        return 10
    if not effect.visible:
        return 5
    return {"ctx": 40, "wrap": 30}.get(effect.known.kind, 20)


def _mechanism(comparison: Comparison, deferral: Deferral) -> str:
    """What starts the callback; for a list that it drains, what queues the drain."""
    if not deferral.handoff:
        return deferral.mechanism
    started = [
        d.mechanism
        for d in comparison.after.deferrals
        if d.callback == deferral.callback and not d.handoff
    ]
    bound = [
        b.registration.name for b in comparison.after.bindings if b.callback == deferral.callback
    ]
    return (started or bound or [deferral.mechanism])[0]


def _confidence(main: Effect, *, task: bool, level: str) -> str:
    if level == "note" or main.family == STRUCTURAL:
        return "medium" if task and level != "note" else "low"
    return "high" if task else "medium"


def _shape(comparison: Comparison, deferral: Deferral, loss: Loss) -> str:
    if any(e.deferral is not None and e.deferral.keeps for e in loss.effects):
        return "task-work-to-workqueue"
    if any(_waited_for_grace_period(comparison, loss.was, loss.now)):
        return "rcu-release"
    callback = comparison.after.find(deferral.callback, deferral.function.path)
    if callback is not None and loss.was in comparison.lineage.of(callback):
        return "moved-body"
    return "deferred"


def _waited_for_grace_period(comparison: Comparison, was: Function, now: Function) -> list[bool]:
    kernel = comparison.kernel
    return [
        comparison.lines.forward(was.path, call.line) is None
        for call in was.calls
        if (wait := kernel.waits.get(call.callee)) is not None
        and wait.kind == "grace-period"
        and now is not None
    ]


def _kept_by_task_work(
    comparison: Comparison, now: Function, deferral: Deferral, main: Effect
) -> bool:
    """Whether task work does the release and the work item is only its fallback."""
    for function in {(f.path, f.name): f for f in (now, deferral.function)}.values():
        for other in comparison.after.deferrals_of(function):
            if other.keeps and (
                other.callback is None
                or other.callback == deferral.callback
                or any(e.cleanup == main.cleanup for e in comparison.new.behind(other))
            ):
                return True
    return False
