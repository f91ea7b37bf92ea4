"""Two summaries in, losses out: what callers could rely on and can no longer.

For one function before and what continues it, and for one thing that is done (a key): an
inline effect is *lost* when less of it is left on all ways than there was, and a deferral
that was not there before does it instead.  Moved bodies, twins, lost waits, hoisted
branches, reverts and renames are consequences of that one question, not cases of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph import branches, guards
from patchlint.graph.comparison import Comparison, FunctionKey, key_of
from patchlint.graph.confined import (
    Sent,
    asked_anew,
    confined,
    done_on_both,
    leaves_others,
    sent_elsewhere,
)
from patchlint.graph.gone import cut_off, unreplaced
from patchlint.graph.loss import Loss
from patchlint.graph.pasts import unmatched
from patchlint.graph.rehung import rehung
from patchlint.graph.replaced import replaced
from patchlint.graph.shortened import shortened
from patchlint.graph.spared import if_left, nearest, of_callee
from patchlint.graph.standing import moved_along, stands
from patchlint.graph.unwaited import lost_wait, wait_stands
from patchlint.graph.weaker import exchanged, unkept
from patchlint.graph.workers import into_workers
from patchlint.model import budget
from patchlint.model.context import weaker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import How
    from patchlint.model.facts import Function

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]
    _Exchange = Callable[[Comparison, Function, Function], Iterator[tuple[Effect, Effect]]]
    #: a function after, and what it lost
    _Place = tuple[FunctionKey, Key]


def find(comparison: Comparison) -> list[Loss]:
    """All losses of one step; those that follow from one in a callee are left out."""
    found = _between(comparison, comparison.concerned)
    told = {(key_of(loss.now), loss.key) for loss in found}
    found = [loss for loss in found if _promises_less(loss)]
    found = [loss for loss in found if not of_callee(comparison, loss, told)]
    found = [kept for loss in found if (kept := if_left(comparison, loss)) is not None]
    return nearest(found)


def _promises_less(loss: Loss) -> bool:
    """Whether what is late is later than it was by itself: a grace period is none on top of one."""
    known = loss.before[0].known
    return (
        known is None
        or known.task != "after-grace-period"
        or any(weaker(late.guarantee, known.task) for late in loss.late)
    )


def concerns_new(comparison: Comparison, known: Collection[FunctionKey]) -> bool:
    """Whether a function after that is not ``known`` continues one, and may be another."""
    return bool(_new_pairs(comparison, known))


def may_be_new(comparison: Comparison, known: Collection[FunctionKey]) -> bool:
    """Whether :func:`find` may have a loss of a function after that is not ``known``.

    Errs towards True: a loss counts whose callers make up for it, or that follows from another.
    """
    pairs = _new_pairs(comparison, known)
    return bool(pairs and _between(comparison, pairs))


def _new_pairs(comparison: Comparison, known: Collection[FunctionKey]) -> list[_Pair]:
    return [(was, now) for was, now in comparison.concerned if key_of(now) not in known]


def _between(comparison: Comparison, pairs: Sequence[_Pair]) -> list[Loss]:
    """The losses of some pairs of functions, before and after."""
    by_pair: dict[int, list[Loss]] = {}
    places: set[_Place] = set()
    # callees first: what a caller lost by one alone needs no look
    calls = comparison.calls_to_change
    inner = sorted(range(len(pairs)), key=lambda place: calls[key_of(pairs[place][1])])
    for place in inner if comparison.told else ():
        was, now = pairs[place]
        if was.name != now.name and comparison.lives_on(was, now):
            continue
        by_pair[place] = lost = list(_of_pair(comparison, was, now, places))
        places.update((key_of(loss.now), loss.key) for loss in lost)
    found = [loss for place in sorted(by_pair) for loss in by_pair[place]]
    told = {(key_of(loss.was), loss.key) for loss in found}
    found.extend(replaced(comparison, told, pairs))
    found.extend(rehung(comparison, told, pairs))
    found.extend(_exchanged(comparison, found, pairs))
    found.extend(into_workers(comparison, found, pairs))
    waiting = {key_of(loss.now) for loss in found if any(e.wait for e in loss.before)}
    found.extend(shortened(comparison, waiting, pairs))
    return found


def _of_pair(
    comparison: Comparison, was: Function, now: Function, places: Collection[_Place]
) -> Iterable[Loss]:
    """The losses of one pair, but for what was lost in a callee alone: at one of ``places``."""
    budget.current().spend()
    old, new = comparison.old.of(was), comparison.new.of(now)
    before: dict[Key, list[Effect]] = {}
    after: dict[Key, list[Effect]] = {}
    for effect in old:
        before.setdefault(effect.key, []).append(effect)
    for effect in new:
        after.setdefault(effect.key, []).append(effect)
    for key, effects in before.items():
        if key[0] == "param":
            continue
        if places and all(e.late or _in_callee(e, places) for e in effects):
            continue
        loss = _of_key(comparison, was, now, key, effects, after.get(key, []))
        if loss is not None:
            yield loss


def _in_callee(effect: Effect, places: Collection[_Place]) -> bool:
    """Whether an effect is done on the way through a place where it is lost."""
    return any(((step.path, step.function), effect.key) in places for step in effect.chain[1:])


def _of_key(
    comparison: Comparison,
    was: Function,
    now: Function,
    key: Key,
    before: Sequence[Effect],
    after: Sequence[Effect],
) -> Loss | None:
    asked = comparison.asked
    # who makes something waits for an answer, or for what is to be out of its way
    builds = comparison.kernel.builds(was.name)
    inline_before = [
        e
        for e in before
        # what only a kernel thread did, no task could rely on
        if not (e.late or asked.all_of(e).of_queueing or asked.all_of(e).no_task)
        and not (builds and e.wait is not None)
    ]
    if not inline_before or any(e.kind == "async" for e in inline_before):
        return None
    late_after = [
        e for e in after if e.late and not (asked.above(e).no_task or comparison.balanced(e))
    ]
    if not late_after:
        seen = [e for e in inline_before if not cut_off(comparison, was, now, e)]
        return lost_wait(comparison, was, now, key, seen, after)
    fresh_late = unmatched(comparison, was, [e for e in before if e.late], late_after)
    inline_after = [e for e in after if not (e.late or asked.all_of(e).of_queueing)]
    if not fresh_late:
        return _fallen(comparison, was, now, key, inline_before, inline_after, late_after)
    narrowed: Atom | None = None
    free: list[Effect] = []
    instead: list[Effect] = []
    sent = Sent.by(comparison, now, fresh_late, inline_before)
    elsewhere = partial(sent_elsewhere, comparison, (was, now), sent=sent)
    for effect in inline_after:
        left = effect
        reason = confined(comparison, (was, now), left, sent)
        while isinstance(reason, guards.Atom) and done_on_both(
            left, reason, inline_after, elsewhere
        ):
            left = replace(left, guard=tuple(a for a in left.guard if a.head != reason.head))
            reason = confined(comparison, (was, now), left, sent)
        if reason is None:
            free.append(effect)
            continue
        instead.append(effect)
        if isinstance(reason, guards.Atom) and effect.edge is None:
            # one that is waited for tells who waits, not who is sent elsewhere
            narrowed = reason
    lost = [
        effect
        for effect in unreplaced(comparison, was, now, inline_before, free, fresh_late)
        if not stands(comparison, effect, instead)
        and not cut_off(comparison, was, now, effect)
        and not moved_along(comparison, was, effect, inline_after, fresh_late)
        and not wait_stands(comparison, was, now, effect)
    ]
    if not lost or (
        all(comparison.after_failure(e) for e in lost)
        and not any(comparison.after_failure(e) for e in fresh_late)
    ):
        return None
    late = tuple(fresh_late)
    return Loss(was, now, key, tuple(lost), late, "deferred", narrowed, tuple(instead))


def _fallen(
    comparison: Comparison,
    was: Function,
    now: Function,
    key: Key,
    before: Sequence[Effect],
    after: Sequence[Effect],
    late: Sequence[Effect],
) -> Loss | None:
    """The loss of those whom a new test sends past an inline effect to an old deferral below.

    ``if (fast) { put(x); return; } queue(x);`` with one more test beside ``fast``: what comes
    to the deferral was put at once before.  The two are ways of one choice only where control
    that did the one leaves before the other.  A test in what is called decides that only where
    its caller asks what came of the call.
    """
    lines = comparison.lines
    for effect in after:
        stood = next(
            (e for e in before if lines.forward(was.path, e.root_line) == effect.root_line), None
        )
        if stood is None or effect.root is None:
            continue
        new = [
            atom
            for atom in effect.guard
            if atom.path == now.path
            and (now.line <= atom.line <= now.end or effect.root.tested)
            and asked_anew(comparison, was, atom)
            and not leaves_others(comparison, atom)
        ]
        for atom in new:
            below = [
                other
                for other in late
                if other.root is not None
                and not lines.added(now.path, other.root_line)
                and atom.head not in {a.head for a in other.above if not a.early}
                and branches.leaves_between(now, effect.root, other.root)
            ]
            if below:
                return Loss(was, now, key, (stood,), tuple(below), "deferred", atom, (effect,))
    return None


def _exchanged(comparison: Comparison, known: Sequence[Loss], pairs: Sequence[_Pair]) -> list[Loss]:
    """Releases that gave way to a weaker one of the same thing, or are left to chance."""
    told = {(key_of(loss.now), loss.key) for loss in known}
    ways: tuple[tuple[How, _Exchange], ...] = (("weaker", exchanged), ("deferred", unkept))
    return [
        Loss(was, now, effect.key, (effect,), (late,), how)
        for was, now in pairs
        if was.name == now.name
        for how, found in ways
        for effect, late in found(comparison, was, now)
        if (key_of(now), effect.key) not in told and not comparison.after_failure(effect)
    ]
