"""Two graphs in, downgrades out: which release is now done later than before, and where.

For each deferral edge of the after side that is new (or whose callback releases more than
it did) the functions above it are walked up; one of them, or the function whose body it
continues, did the same release inline before and does not any more, or only on some
branch.  That is a downgrade.  :mod:`patchlint.graph.judge` says how loud it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.graph import branches
from patchlint.graph.comparison import Comparison, Loss
from patchlint.graph.effects import STRUCTURAL, Effect, Effects
from patchlint.graph.judge import judge
from patchlint.graph.lost_waits import by_lost_wait
from patchlint.graph.objects import same
from patchlint.graph.twins import by_twin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.graph.build import Deferral, Graph
    from patchlint.model.effect import Downgrade
    from patchlint.model.facts import Call, Condition, Function

_CLIMB: Final = 3
#: lines between a removed release and what stands for it
_NEAR: Final = 12


def possible(after: Graph) -> bool:
    """Whether the state after, without that before and without a tree, leaves room for any.

    Each downgrade has a release behind a deferral there, or a deferred twin.
    """
    effects = Effects(after, {})
    return any(effects.behind(deferral) for deferral in after.deferrals) or any(
        call.callee in after.kernel.twins
        for function in after.functions.values()
        for call in function.calls
    )


def find(comparison: Comparison) -> tuple[Downgrade, ...]:
    """All downgrades, at most one for each function and callback, the most telling first."""
    found = [
        *_by_deferral(comparison),
        *by_twin(comparison),
        *by_lost_wait(comparison),
    ]
    return tuple(_once(found))


def _once(found: Iterable[Downgrade]) -> list[Downgrade]:
    best: dict[tuple[str, str, str | None], Downgrade] = {}
    for downgrade in found:
        key = (downgrade.path, downgrade.function, downgrade.after.callback)
        present = best.get(key)
        if present is None or downgrade.weight > present.weight:
            best[key] = downgrade
    return sorted(best.values(), key=lambda d: (-d.weight, d.path, d.line))


def _by_deferral(comparison: Comparison) -> list[Downgrade]:
    found = []
    done: set[tuple[str, str, str | None]] = set()
    for deferral in comparison.after.deferrals:
        if deferral.keeps or deferral.waits or _old_list(comparison, deferral):
            continue
        gained = _gained(comparison, deferral)
        if not gained:
            continue
        loss = _loss(comparison, deferral, gained)
        if loss is None:
            continue
        key = (loss.now.path, loss.now.name, deferral.callback)
        if key in done:
            continue
        downgrade = judge(comparison, deferral, loss, gained)
        if downgrade is not None:
            done.add(key)
            found.append(downgrade)
    return found


def _old_list(comparison: Comparison, deferral: Deferral) -> bool:
    """Whether a hand-off goes to a list that was drained by that callback before."""
    if not deferral.handoff or deferral.target is None:
        return False
    return any(
        other.handoff and other.target is not None and same(other.target, deferral.target)
        for other in comparison.before.deferrals
    )


def _gained(comparison: Comparison, deferral: Deferral) -> list[Effect]:
    """Releases behind ``deferral`` that were not behind it before."""
    behind = comparison.new.behind(deferral)
    if not behind:
        return []
    if comparison.lines.added(deferral.function.path, deferral.line) and not _only_moved(
        comparison, deferral
    ):
        return behind
    old = {
        effect.cleanup
        for other in comparison.before.deferrals
        if not other.keeps
        and (other.callback == deferral.callback or _continues(comparison, deferral, other))
        for effect in comparison.old.behind(other)
    }
    return [effect for effect in behind if effect.cleanup not in old]


def _only_moved(comparison: Comparison, deferral: Deferral) -> bool:
    """Whether the same function queued the same callback before (line reshaped, renamed)."""
    ancestors = comparison.lineage.of(deferral.function)
    return any(
        other.function in ancestors
        and not other.keeps
        and (other.callback == deferral.callback or _continues(comparison, deferral, other))
        for other in comparison.before.deferrals
    )


def _continues(comparison: Comparison, deferral: Deferral, other: Deferral) -> bool:
    """Whether the callback now is the body of the callback then, under a new name."""
    callback = comparison.after.find(deferral.callback, deferral.function.path)
    if callback is None or other.callback is None:
        return False
    return any(f.name == other.callback for f in comparison.lineage.of(callback))


def climb(
    comparison: Comparison, deferral: Deferral
) -> list[tuple[Function, tuple[tuple[Function, Call], ...]]]:
    """Give ``deferral``'s function and what calls it, nearest first, with the calls between."""
    graph = comparison.after
    start = deferral.function
    levels = [(start, ())]
    seen = {(start.path, start.name)}
    result: list[tuple[Function, tuple[tuple[Function, Call], ...]]] = []
    wanted: dict[tuple[str, str], Sequence[Condition]] = {
        (start.path, start.name): deferral.conditions
    }
    for _ in range(_CLIMB):
        result.extend(levels)
        above: list[tuple[Function, tuple[tuple[Function, Call], ...]]] = []
        for function, through in levels:
            for caller, call in graph.callers_of(function):
                key = (caller.path, caller.name)
                conditions = wanted.get((function.path, function.name), ())
                if key in seen or branches.impossible(function, call, conditions):
                    continue
                seen.add(key)
                wanted[key] = call.conditions
                above.append((caller, (*through, (caller, call))))
        levels = above  # type: ignore[assignment]
    return result


def _loss(comparison: Comparison, deferral: Deferral, gained: Sequence[Effect]) -> Loss | None:
    names = {effect.cleanup for effect in gained}
    for now, through in climb(comparison, deferral):
        if now.name == deferral.callback:
            continue
        for was in comparison.lineage.of(now):
            lost, condition = _lost(comparison, was, now, names, deferral)
            way = through[-1][1].line if through else deferral.line
            lost = [e for e in lost if _in_place(comparison, was, now, e, way)]
            if lost:
                return Loss(was, now, tuple(lost), condition, through)
    return None


def _lost(
    comparison: Comparison,
    was: Function,
    now: Function,
    names: set[str],
    deferral: Deferral,
) -> tuple[list[Effect], Condition | None]:
    """Inline releases of ``was`` named in ``names`` that ``now`` does not do any more.

    A release that stays under a condition which the series added is lost as well; the
    condition is then that of the inline way.
    """
    lines = comparison.lines
    old = [e for e in comparison.old.inline(was) if e.cleanup in names]
    new = [e for e in comparison.new.inline(now) if e.cleanup in names]
    lost: list[Effect] = []
    narrowed: Condition | None = None
    for name in dict.fromkeys(e.cleanup for e in old):
        sites = [e for e in old if e.cleanup == name]
        left = [e for e in new if e.cleanup == name]
        free = [e for e in left if not _narrowed(comparison, was, now, e, deferral)]
        stayed = {lines.forward(was.path, e.root.line) for e in sites}
        kept = [e for e in free if e.root.line in stayed]
        again = [
            e for e in free if e.root.line not in stayed and lines.added(now.path, e.root.line)
        ]
        merged = sum(_jumps_to(comparison, now, e) for e in again)
        if len(kept) + len(again) + merged >= len(sites):
            continue
        if all(branches.on_error_path(comparison.kernel, e.root) for e in sites) and not (
            branches.on_error_path(comparison.kernel, deferral.call)
        ):
            # what failed ways released is not what the way that succeeds hands on
            continue
        lost.extend(sites)
        for effect in left:
            conditions = branches.fresh(effect.root, now.path, lines, was) or branches.fresh(
                effect.site, effect.where.path, lines, was
            )
            if conditions:
                narrowed = conditions[-1]
    return lost, narrowed


def _jumps_to(comparison: Comparison, now: Function, effect: Effect) -> int:
    """How many new gotos share the release ``effect`` behind its label, beyond the first."""
    if effect.root.label is None:
        return 0
    jumps = [
        leave
        for leave in now.exits
        if leave.text == f"goto {effect.root.label}"
        and comparison.lines.added(now.path, leave.line)
    ]
    return max(0, len(jumps) - 1)


def _narrowed(
    comparison: Comparison, was: Function, now: Function, effect: Effect, deferral: Deferral
) -> bool:
    """Whether the inline release ``effect`` is not done on the way of ``deferral``."""
    lines = comparison.lines
    if branches.fresh(effect.root, now.path, lines, was) or branches.fresh(
        effect.site, effect.where.path, lines, was
    ):
        return True
    calls = (effect.root, effect.site, *effect.between)
    return any(
        call in deferral.function.calls and branches.skips(deferral.function, deferral.call, call)
        for call in calls
    )


def _in_place(
    comparison: Comparison, was: Function, now: Function, effect: Effect, way: int
) -> bool:
    """Whether the deferral on ``now``'s line ``way`` can stand for the release ``effect``.

    A release whose line moved away with its body can.  One that was removed, or that got a
    condition, must have stood near: a rewrite of a whole file moves much that has nothing
    to do with each other.  A function that is only known by its name must be called by
    ``was`` itself.
    """
    lines = comparison.lines
    if effect.family == STRUCTURAL and effect.root != effect.site:
        return False
    target = lines.forward(was.path, effect.root.line)
    if target is not None:
        return not now.line <= target <= now.end or abs(target - way) <= _NEAR
    first, last = lines.place(was.path, effect.root.line)
    return first - _NEAR <= way <= last + _NEAR
