"""Losses in, downgrades out: one for each function and edge, with level and both chains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph import branches, guards
from patchlint.graph.chains import after_chain, before_chain, entries_in_images
from patchlint.graph.levels import LOUD, main_loss, strength, volume, weight
from patchlint.graph.losses import Loss
from patchlint.graph.losses import find as find_losses
from patchlint.graph.old_context import OldContext, old_context
from patchlint.model.effect import Downgrade, Promise

if TYPE_CHECKING:
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.guards import Atom
    from patchlint.graph.summary import Effect
    from patchlint.model.context import Context

#: family of what no table knows
STRUCTURAL = "structural"


def find(comparison: Comparison) -> tuple[Downgrade, ...]:
    """All downgrades of one step, the most telling first."""
    groups: dict[tuple[object, ...], list[Loss]] = {}
    for loss in find_losses(comparison):
        mark = (
            loss.now.path,
            loss.now.name,
            loss.late[0].edge.callback if (loss.late[0].edge) else loss.late[0].chain[0].function,
        )
        groups.setdefault(mark, []).append(loss)
    contexts = {mark: old_context(comparison, main_loss(group)) for mark, group in groups.items()}
    doubts = _shared_doubts(groups, contexts)
    found = [
        _told(comparison, losses, context, doubts.get(mark, ""))
        for mark, losses in groups.items()
        if (context := contexts[mark]) is not None
    ]
    return tuple(sorted(found, key=lambda d: (-d.weight, d.path, d.line)))


def _shared_doubts(
    groups: dict[tuple[object, ...], list[Loss]],
    contexts: dict[tuple[object, ...], OldContext | None],
) -> dict[tuple[object, ...], str]:
    """Doubts that one function above a callback casts on the unknown others.

    What one callback does for a worker and for somebody unknown was most likely moved for
    the worker; a task among them shows otherwise.
    """
    by_callback: dict[object, list[tuple[object, ...]]] = {}
    for mark in groups:
        by_callback.setdefault(mark[2], []).append(mark)
    found = {}
    for marks in by_callback.values():
        known = [contexts[mark] for mark in marks]
        if any(one is not None and one.task for one in known):
            continue
        doubt = next(
            (
                "another function that it was moved for was no task" if one is None else one.doubt
                for one in known
                if one is None or one.doubt
            ),
            "",
        )
        found.update({mark: doubt for mark in marks if doubt})
    return found


def _told(comparison: Comparison, losses: list[Loss], old: OldContext, doubt: str) -> Downgrade:
    main = main_loss(losses)
    effect, late = main.before[0], _late(main)
    loud = volume(comparison, losses, old.doubt or doubt)
    entries = old.entries or entries_in_images(comparison.after, main.now, late.guard)
    if entries and old.certain and loud.level == "warning" and not late.guessed:
        loud.level = "error"
    reasons = list(loud.reasons)
    also = dict.fromkeys(
        loss.before[0].name
        for loss in losses
        if loss is not main and strength(loss.before[0]) > 1 and loss.before[0].name != effect.name
    )
    context, mechanism, callback = _after(comparison, late)
    condition = _condition(comparison, main, late)
    in_worker = main.how == "worker"
    wait = effect.wait
    gone = (
        wait
        if wait is not None
        and any(wait is c for c in main.was.calls)
        and comparison.lines.forward(main.was.path, wait.line) is None
        else None
    )
    return Downgrade(
        shape=_shape(comparison, main),
        cleanup=effect.name,
        family=effect.known.family if effect.known else STRUCTURAL,
        also=tuple(also),
        function=main.now.name,
        path=main.now.path
        if in_worker
        else (late.edge.function.path if late.edge else main.now.path),
        line=(
            gone.line
            if gone is not None
            else main.now.line
            if in_worker
            else (late.edge.line if late.edge else late.line)
        ),
        side="pre" if gone is not None else "post",
        patch=0,
        before=Promise(
            "task" if entries else old.shown,
            "after-wait" if effect.wait is not None else effect.guarantee,
            before_chain(comparison.before, main, effect),
        ),
        after=Promise(
            context,
            late.guarantee if not in_worker else "eventually",
            after_chain(comparison.after, main, late),
            mechanism,
            callback,
        ),
        condition=guards.said(condition) if condition else None,
        level_cap=loud.level,
        confidence=_confidence(effect, old, bool(entries), loud.level, guessed=late.guessed),
        reasons=(*reasons, *old.reasons),
        entry_points=entries,
        weight=weight(effect) + (LOUD if loud.level != "note" else 0),
        home=main.now.path,
        lost=tuple(sorted({e.root_line for loss in losses for e in loss.before})),
    )


def _late(loss: Loss) -> Effect:
    """The late effect that a finding shows: the one with the fewest tests above it."""
    return min(
        loss.late,
        key=lambda e: (e.edge is not None and e.edge.handoff, len(e.guard), e.root_line),
    )


def _after(comparison: Comparison, late: Effect) -> tuple[Context, str | None, str | None]:
    """Context, mechanism and callback of what does it now.

    Of a list that a deferred function drains the mechanism is what starts the drain.
    """
    edge = late.edge
    if edge is None:
        return "workqueue", None, late.chain[0].function
    mechanism = edge.mechanism
    if edge.handoff:
        after = comparison.after
        started = [d.mechanism for d in after.starts_of(edge.callback) if not d.handoff]
        bound = [b.registration.name for b in after.bindings_of(edge.callback or "")]
        mechanism = next(iter([*started, *bound]), mechanism)
    last = late.last or edge
    return last.context, mechanism, edge.callback


def _condition(comparison: Comparison, loss: Loss, late: Effect) -> Atom | None:
    """The branch on which it is deferred, None when on all.

    A test above the deferral that the lost effect did not have, and that is no failure and
    no question whether it was queued already.
    """
    had = {a.sign for e in loss.before for a in e.guard}
    candidates = [
        atom
        for atom in late.above
        if atom.sign not in had
        and (not atom.early or comparison.lines.added(atom.path, atom.line))
        and not _decides_nothing(comparison, atom)
    ]
    branches_ = [a for a in candidates if not a.early]
    found = next(iter(branches_ or candidates), None)
    if found is None and isinstance(loss.narrowed, guards.Atom):
        from msgspec.structs import replace

        turned = replace(loss.narrowed, positive=not loss.narrowed.positive)
        return None if _decides_nothing(comparison, turned) else turned
    return found


def _decides_nothing(comparison: Comparison, atom: Atom) -> bool:
    """A failed allocation, an empty list, the hand-off itself."""
    kernel = comparison.kernel
    asked = atom.head.split(" ")[0]
    if (
        asked in kernel.activations
        or asked in kernel.list_adds
        or atom.head == guards.LAST_REFERENCE
    ):
        return True
    words = guards.said(atom)
    return kernel.error_path.search(words) is not None or branches.is_allocation(words)


def _confidence(
    effect: Effect, old: OldContext, entries: bool, level: str, *, guessed: bool
) -> str:
    task = old.task or entries
    if level == "note" or guessed:
        return "low"
    if effect.known is None:
        return "medium" if task else "low"
    return "high" if task else "medium"


def _shape(comparison: Comparison, loss: Loss) -> str:
    kernel = comparison.kernel
    late = _late(loss)
    edge = late.edge
    if any(e.wait is not None for e in loss.before):
        return "lost-wait"
    if edge is not None and edge.mechanism in kernel.twins:
        return "twin"
    if any(e.kept is not None for e in loss.before):
        return "task-work-to-workqueue"
    if _waited_for_grace_period(comparison, loss):
        return "rcu-release"
    callback = comparison.after.find(edge.callback, edge.function.path) if edge else None
    if callback is not None and any(loss.was is f for f in comparison.lineage.of(callback)):
        return "moved-body"
    return "deferred"


def _waited_for_grace_period(comparison: Comparison, loss: Loss) -> bool:
    kernel = comparison.kernel
    return any(
        comparison.lines.forward(loss.was.path, call.line) is None
        for call in loss.was.calls
        if (wait := kernel.waits.get(call.callee)) is not None and wait.kind == "grace-period"
    )
