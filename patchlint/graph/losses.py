"""Two summaries in, losses out: what callers could rely on and can no longer.

For one function before and what continues it, and for one thing that is done (a key): an
inline effect is *lost* when less of it is left on all ways than there was, and a deferral
that was not there before does it instead.  Moved bodies, twins, lost waits, hoisted
branches, reverts and renames are consequences of that one question, not cases of it.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from patchlint.graph import branches, guards
from patchlint.graph.balance import taken_for_it, taken_unseen
from patchlint.graph.comparison import Comparison, FunctionKey, key_of
from patchlint.graph.confined import (
    Sent,
    asked_anew,
    confined,
    done_on_both,
    leaves_others,
    sent_elsewhere,
)
from patchlint.graph.contexts import certainly_deferred
from patchlint.graph.effect import folder_of
from patchlint.graph.loss import Loss
from patchlint.graph.objects import struct_name
from patchlint.graph.rehung import rehung
from patchlint.graph.replaced import replaced
from patchlint.graph.shortened import shortened
from patchlint.graph.standing import moved_along, set_anew, stands
from patchlint.graph.unwaited import lost_wait, wait_stands
from patchlint.graph.waits import starts_thread, wait_matches
from patchlint.graph.weaker import exchanged, unkept
from patchlint.model import budget
from patchlint.model.context import weaker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from patchlint.graph.asked import Asks
    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import How
    from patchlint.model.facts import Call, Function

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]
    _Exchange = Callable[[Comparison, Function, Function], Iterator[tuple[Effect, Effect]]]
    #: a function after, and what it lost
    _Place = tuple[FunctionKey, Key]
    #: what is done on a line of a function
    _Done = tuple[FunctionKey, int, Key]


def find(comparison: Comparison) -> list[Loss]:
    """All losses of one step; those that follow from one in a callee are left out."""
    found = _between(comparison, comparison.concerned)
    told = {(key_of(loss.now), loss.key) for loss in found}
    found = [loss for loss in found if _promises_less(loss)]
    found = [loss for loss in found if not _of_callee(comparison, loss, told)]
    found = [kept for loss in found if (kept := _if_left(comparison, loss)) is not None]
    return _nearest(found)


def _promises_less(loss: Loss) -> bool:
    """Whether what is late is later than it was by itself: a grace period is none on top of one."""
    known = loss.before[0].known
    return (
        known is None
        or known.task != "after-grace-period"
        or any(weaker(late.guarantee, known.task) for late in loss.late)
    )


def may_be_new(comparison: Comparison, known: Collection[FunctionKey]) -> bool:
    """Whether :func:`find` may have a loss of a function after that is not ``known``.

    Errs towards True: a loss counts whose callers make up for it, or that follows from another.
    """
    pairs = [(was, now) for was, now in comparison.concerned if key_of(now) not in known]
    return bool(pairs and _between(comparison, pairs))


def _between(comparison: Comparison, pairs: Sequence[_Pair]) -> list[Loss]:
    """The losses of some pairs of functions, before and after."""
    by_pair: dict[int, list[Loss]] = {}
    places: set[_Place] = set()
    # callees first: what a caller lost by one alone needs no look
    calls = comparison.calls_to_change
    inner = sorted(range(len(pairs)), key=lambda place: calls[key_of(pairs[place][1])])
    for place in inner if comparison.told else ():
        was, now = pairs[place]
        if was.name != now.name and _lives_on(comparison, was, now):
            continue
        by_pair[place] = lost = list(_of_pair(comparison, was, now, places))
        places.update((key_of(loss.now), loss.key) for loss in lost)
    found = [loss for place in sorted(by_pair) for loss in by_pair[place]]
    told = {(key_of(loss.was), loss.key) for loss in found}
    found.extend(replaced(comparison, told, pairs))
    found.extend(rehung(comparison, told, pairs))
    found.extend(_exchanged(comparison, found, pairs))
    found.extend(_into_workers(comparison, found, pairs))
    waiting = {key_of(loss.now) for loss in found if any(e.wait for e in loss.before)}
    found.extend(shortened(comparison, waiting, pairs))
    return found


def _lives_on(comparison: Comparison, was: Function, now: Function) -> bool:
    """Whether ``was`` goes on under its own name, so that ``now`` only took lines of it.

    The body of a function that became a callback is that callback; what callers rely on
    is what stands under the old name.
    """
    if comparison.heir(was) is None or comparison.lineage.succeeds(now, was):
        return False
    before, after = comparison.before.members_of, comparison.after.members_of
    return before(was.name).isdisjoint(after(now.name) - after(was.name))


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
        seen = [e for e in inline_before if not _cut_off(comparison, was, now, e)]
        return lost_wait(comparison, was, now, key, seen, after)
    fresh_late = _unmatched(comparison, was, [e for e in before if e.late], late_after)
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
        for effect in _lost(comparison, was, now, inline_before, free, fresh_late)
        if not stands(comparison, effect, instead)
        and not _cut_off(comparison, was, now, effect)
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


def _cut_off(comparison: Comparison, was: Function, now: Function, effect: Effect) -> bool:
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


def _lost(
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


def _unmatched(
    comparison: Comparison, was: Function, before: Sequence[Effect], after: Sequence[Effect]
) -> list[Effect]:
    """Late effects after that no late effect before is the past of.

    An effect continues one whose tests it still makes; those that are nearest (the same
    line, then the most tests) are taken first, each once.  A start that stands where it stood
    is the past of itself alone.
    """
    lines = comparison.lines
    left: dict[Asks, list[_Past]] = {}
    jumps = any(_jumped(effect) for effect in after)
    for effect in before:
        line = lines.forward(was.path, effect.root_line)
        asks = comparison.asked.above(effect).lasting
        below = _below(comparison, was, effect) if jumps and line is None else asks
        stands = line is not None and effect.edge is not None and effect.root is effect.edge.call
        left.setdefault(asks, []).append(_Past(line, len(effect.above), stands, below))
    fresh = []
    # what stands where it stood continues itself: what the series wrote is asked last
    for effect in sorted(after, key=lambda e: (_new_here(comparison, e), -len(e.above))):
        asked = comparison.asked.above(effect)
        # who jumps to a label made its tests where the jump stands
        jumped = _jumped(effect)
        pasts = [
            (one, past)
            for one, kept in left.items()
            for past in kept
            if asked.keeps(past.below if jumped else one)
            if not past.stands or past.line == effect.root_line
        ]
        if pasts:
            one, past = max(pasts, key=partial(_nearness, line=effect.root_line))
            left[one].remove(past)
            if not left[one]:
                del left[one]
        else:
            fresh.append(effect)
    return fresh


class _Past(Struct, eq=False):
    """Of a late effect before: where its line is now, and how many tests it stood under.

    ``stands``: the very start stands on that line still.  ``below`` is what was asked of who may
    have jumped there: where the line is gone, below the function itself.
    """

    line: int | None
    tests: int
    stands: bool
    below: Asks


def _jumped(effect: Effect) -> bool:
    """Whether an effect stands behind a label."""
    return effect.root is not None and effect.root.label is not None


def _below(comparison: Comparison, was: Function, effect: Effect) -> Asks:
    """What the tests above a late effect ask that stand in none of the function's own lines."""
    inner = (atom for atom in effect.above if not atom.within(was))
    return comparison.asked.of(tuple(inner)).lasting


def _nearness(one: tuple[Asks, _Past], line: int) -> tuple[bool, int]:
    return one[1].line == line, one[1].tests


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


# -- with no edge shown ----------------------------------------------------------------


def _into_workers(
    comparison: Comparison, known: Sequence[Loss], pairs: Sequence[_Pair]
) -> list[Loss]:
    """Releases that left a function and are new in one that ran deferred already.

    Only what a table or a tree knows: a name alone moves too often.
    """
    told = {(key_of(loss.now), loss.key) for loss in known}
    taken_over = {_done_at(late) for loss in known for late in loss.late}
    late = _gained_in(comparison, comparison.workers, taken_over)
    # others may hold what a last put releases: who still does it on the other ways tells
    parted = _gained_in(comparison, comparison.last_puts, taken_over)
    workers = frozenset(key_of(worker) for worker in comparison.workers)
    found: list[Loss] = []
    for was, now in pairs if late or parted else ():
        if key_of(now) in workers or (was.name != now.name and _lives_on(comparison, was, now)):
            continue
        before_all = comparison.old.of(was)
        after_all = comparison.new.of(now)
        for key in dict.fromkeys(e.key for e in before_all if e.key in late or e.key in parted):
            if (key_of(now), key) in told:
                continue
            before = [
                e
                for e in before_all
                if e.key == key and not (e.late or comparison.asked.all_of(e).no_task)
            ]
            there = [e for e in after_all if e.key == key]
            # a flush counts when what it waits for is started on the way as well
            started = {e.edge.callback for e in there if e.late and e.edge is not None}
            after = [
                e
                for e in there
                if not e.late
                and (
                    not _flushed(comparison, e)
                    or (e.edge is not None and e.edge.callback in started)
                )
            ]
            apart = (*late.get(key, ()), *parted.get(key, ()))
            sides = [(e, _other_side(comparison, was, e, apart)) for e in after]
            after = [e for e, others in sides if not others]
            done = [*late.get(key, ()), *(e for _, others in sides for e in others)]
            lost = [
                effect
                for effect in _lost(comparison, was, now, before, after)
                # what was waited for was done elsewhere already: a loss of the wait, if any
                if (effect.edge is None or effect.edge.keeps)
                # and what a function took itself it hands to nobody where no edge is shown
                and not comparison.balanced(effect)
                and not (was.name == now.name and stands(comparison, effect, ()))
                and not _cut_off(comparison, was, now, effect)
            ]
            taken = {
                id(e): e
                for e in done
                if _near(was, e) and _same_kind(lost, e) and _comes_along(comparison, lost, e)
            }
            if lost and taken and not all(comparison.after_failure(e) for e in lost):
                narrowed = _new_test(comparison, was, now, lost, after)
                left = tuple(after) if narrowed is not None else ()
                late_now = tuple(taken.values())
                found.append(Loss(was, now, key, tuple(lost), late_now, "worker", narrowed, left))
    return found


def _new_test(
    comparison: Comparison,
    was: Function,
    now: Function,
    lost: Sequence[Effect],
    left: Sequence[Effect],
) -> Atom | None:
    """A test of the losing function, new in it, under which alone something is left inline."""
    had = {atom.sign for effect in lost for atom in effect.guard}
    return next(
        (
            atom
            for effect in left
            for atom in effect.guard
            if atom.sign not in had and atom.within(now) and asked_anew(comparison, was, atom)
        ),
        None,
    )


def _gained_in(
    comparison: Comparison, functions: Sequence[Function], taken_over: Collection[_Done]
) -> dict[Key, list[Effect]]:
    """Releases that are new in functions, and in no others that somebody else may call."""
    keys = frozenset(key_of(one) for one in functions)
    late: dict[Key, list[Effect]] = {}
    for worker in functions:
        past = [
            was
            for was in comparison.lineage.of(worker)
            if was.name == worker.name or certainly_deferred(comparison.before, was)
        ]
        before = [e for was in past for e in comparison.old.of(was) if not e.late]
        after = [e for e in comparison.new.of(worker) if not e.late]
        # those that stood there before are taken first
        gained = _gained(before, sorted(after, key=lambda e: _new_here(comparison, e)))
        for effect in gained:
            if (
                effect.kind == "row"
                and effect.visible
                and _done_at(effect) not in taken_over
                and (_new_here(comparison, effect) or _helper(comparison, effect) is not None)
                and not comparison.balanced(effect)
                and not comparison.undone(effect)
                and not taken_unseen(comparison.kernel, effect)
                and not taken_for_it(comparison.after, worker, effect)
                and _only_deferred(comparison, effect, keys)
            ):
                late.setdefault(effect.key, []).append(effect)
    return late


def _other_side(
    comparison: Comparison, was: Function, left: Effect, late: Sequence[Effect]
) -> list[Effect]:
    """Of what is done late, what is done on the other side of a new test above what is left.

    Two sides of one branch are two ways of one function, which both may call.
    """
    asked = [a for a in left.guard if asked_anew(comparison, was, a)]
    return [
        effect
        for effect in late
        if any(
            atom.opposite == other.sign and (atom.path, atom.line) != (other.path, other.line)
            for atom in asked
            for other in effect.guard
        )
    ]


def _done_at(effect: Effect) -> _Done:
    """What is done where: the same for whoever comes there."""
    return key_of(effect.where), effect.line, effect.key


def _new_here(comparison: Comparison, effect: Effect) -> bool:
    """Whether an effect's line was added to its function, or moved there from another."""
    lines = comparison.lines
    if lines.added(effect.where.path, effect.line):
        return True
    before = lines.stayed.get(effect.where.path, {}).get(effect.line)
    old = comparison.namesake(effect.where)
    return before is not None and (old is None or not old.line <= before <= old.end)


def _helper(comparison: Comparison, effect: Effect) -> FunctionKey | None:
    """The function that a new line on the way to an effect calls, the first of them."""
    for step, below in pairwise(effect.chain):
        if comparison.lines.added(step.path, step.line):
            return below.path, below.function
    return None


def _comes_along(comparison: Comparison, lost: Sequence[Effect], late: Effect) -> bool:
    """Whether what a worker gained is new there, or is in a helper that the lost ones called.

    A worker that only comes to it by another helper than before did it before.
    """
    if _new_here(comparison, late):
        return True
    helper = _helper(comparison, late)
    return helper is not None and any(
        len(one.chain) > 1 and (one.chain[1].path, one.chain[1].function) == helper for one in lost
    )


def _only_deferred(comparison: Comparison, effect: Effect, workers: frozenset[FunctionKey]) -> bool:
    """Whether every way to an effect that the images show begins in a deferred function.

    What a put runs for the last reference others may put where no hunk shows, and call what
    stood there before; a worker that calls it anew has gained it all the same.
    """
    anew = _helper(comparison, effect) is not None
    function = effect.where
    seen = {key_of(function)}
    todo = [function]
    while todo:
        one = todo.pop()
        if key_of(one) in workers:
            continue
        callers = comparison.after.callers_of(one)
        put = any(call.callee != one.name and not call.indirect for _, call in callers)
        # of what the series adds it shows all callers
        others = put or not (anew or comparison.namesake(one) is None)
        if not callers or (others and comparison.after.known.get(one.path) is not None):
            return False
        for caller, _call in callers:
            if key_of(caller) not in seen:
                seen.add(key_of(caller))
                todo.append(caller)
    return True


def _gained(before: Sequence[Effect], after: Sequence[Effect]) -> list[Effect]:
    """Effects after beyond the number of each key that there were before."""
    counts: dict[Key, int] = {}
    for effect in before:
        counts[effect.key] = counts.get(effect.key, 0) + 1
    gained = []
    for effect in after:
        if counts.get(effect.key, 0) > 0:
            counts[effect.key] -= 1
        else:
            gained.append(effect)
    return gained


def _near(was: Function, late: Effect) -> bool:
    """Whether what a worker does now may have left a function: both are of one folder.

    No edge shows how the object comes from the one to the other, and types like ``struct
    inode`` are everywhere.  Errs towards missing what moves between folders.
    """
    return folder_of(was.path) == folder_of(late.where.path)


def _same_kind(lost: Sequence[Effect], late: Effect) -> bool:
    """Whether what is released may be of one type; what no image shows may be."""
    there = _type_of(late)
    return there is None or any(_type_of(e) in (None, there) for e in lost)


def _type_of(effect: Effect) -> str | None:
    if not effect.site or not effect.site.args:
        return None
    return struct_name(effect.where.type_of(effect.site.args[0].lstrip("&*")))


# -- what follows from what ------------------------------------------------------------


def _of_callee(
    comparison: Comparison, loss: Loss, told: Collection[tuple[FunctionKey, Key]]
) -> bool:
    """Whether a loss can only be that of a callee which is called as before, and has none.

    It was done in that callee, and is late in it: when the callee lost nothing, its caller
    did not either, whatever the ways inside have become.  With other constants a call is
    another one.
    """
    if loss.how != "deferred" or loss.some_waited:
        return False
    effects = (*loss.before, *loss.late)
    if any(len(e.chain) == 1 for e in effects):
        return False
    callees = {(e.chain[1].path, e.chain[1].function) for e in effects}
    if len(callees) != 1:
        return False
    (callee,) = callees
    if (callee, loss.key) in told or callee not in comparison.before.functions:
        return False
    old = [call for call in loss.was.calls if call.callee == callee[1]]
    new = [call for call in loss.now.calls if call.callee == callee[1]]
    added = partial(comparison.lines.added, loss.now.path)
    return (
        0 < len(old) <= len(new)
        and guards.constants_of(new) <= guards.constants_of(old)
        and not any(added(test.line) for call in new for test in call.conditions)
        and not any(set_anew(comparison, loss.now, call) for call in new)
        and not any(added(call.line) and _asks(loss, call) for call in new)
    )


def _asks(loss: Loss, call: Call) -> bool:
    """Whether what a call passes is the test that narrows what was done."""
    atom = loss.narrowed
    return isinstance(atom, guards.Atom) and (loss.now.path, call.line) in atom.terms


def _if_left(comparison: Comparison, loss: Loss) -> Loss | None:
    """A loss, None when every caller makes up for it.

    Where the image does not show the whole file others may call, and it is only ``held``.
    """
    if loss.how == "handed":
        return loss if _handed_over(comparison, loss) else None
    if not _made_up_for(comparison, loss):
        return loss
    if comparison.after.known.get(loss.now.path) is None or _called_otherwise(comparison, loss):
        return None
    return loss if _of_the_last(loss) else replace(loss, held=True)


def _of_the_last(loss: Loss) -> bool:
    """Whether it is done by whoever drops the last reference: then there are other holders."""
    return all(any(atom.head == guards.LAST_REFERENCE for atom in e.guard) for e in loss.before)


def _handed_over(comparison: Comparison, loss: Loss) -> bool:
    """Whether somebody comes to where an item is handed over: constants may keep all callers off.

    What callers do with other items of the first list makes up for nothing.
    """
    edges = {id(late.edge) for late in loss.late}
    callers = comparison.after.callers_of(loss.now)
    return not (callers and loss.now.static) or any(
        effect.key == loss.key and effect.late and id(effect.edge) in edges
        for caller, _ in callers
        for effect in comparison.new.of(caller)
    )


def _called_otherwise(comparison: Comparison, loss: Loss) -> bool:
    """Whether all callers are in the series: a name or a number of arguments that changed.

    Where only deferred ones are shown the others stand in what is missing of it.
    """
    was, now = loss.was, loss.now
    if was.name == now.name and len(was.parameters) == len(now.parameters):
        return False
    callers = comparison.after.callers_of(now)
    return any(not certainly_deferred(comparison.after, caller) for caller, _ in callers)


def _made_up_for(comparison: Comparison, loss: Loss) -> bool:
    """Whether every caller does the effect inline again, by a way of its own."""
    callers = comparison.after.callers_of(loss.now)
    if not callers or not (loss.now.static or _called_otherwise(comparison, loss)):
        return False
    # a caller that is new in the series relied on nothing yet
    known = [
        (caller, call, pasts)
        for caller, call in callers
        if (pasts := comparison.lineage.of(caller))
    ]
    # of a caller with too much in it nothing is proven
    if not known or any(caller.name in comparison.new.cut for caller, _, _ in known):
        return False
    for caller, call, pasts in known:
        for was in pasts:
            done = [e for e in comparison.old.of(was) if e.key == loss.key]
            before = [e for e in done if not e.late]
            if done and not before:
                # it was late there already
                continue
            there = [e for e in comparison.new.of(caller) if e.key == loss.key]
            after = [e for e in there if not (e.late or _for_others(comparison, loss, e, call))]
            if any(_by_way_of(e, loss.now) for e in there if e.late):
                # what is left inline there is what the loss left, but for what the caller's
                # own constants decide
                after = [
                    e for e in after if not _by_way_of(e, loss.now) or _decided(comparison, loss, e)
                ]
            if not before or _lost(comparison, was, caller, before, after, loss.late):
                return False
    return True


def _decided(comparison: Comparison, loss: Loss, effect: Effect) -> bool:
    """Whether a caller's constants leave an effect that the loss left on some ways on all.

    A test that it stands under in the losing function is none for this caller any more.
    """
    asked = {(atom.path, atom.line) for atom in effect.guard}
    return any(
        atom.within(loss.now)
        and (atom.path, atom.line) not in asked
        and asked_anew(comparison, loss.was, atom)
        for one in loss.instead
        if one.site is effect.site and one.line == effect.line
        for atom in one.guard
    )


def _for_others(comparison: Comparison, loss: Loss, effect: Effect, call: Call) -> bool:
    """Whether a caller has an effect for other objects, or for what others may have started.

    Behind one pointer stand several functions, each for its own objects.
    """
    if call.indirect and effect.root is call:
        return True
    return loss.how == "worker" and _flushed(comparison, effect)


def _flushed(comparison: Comparison, effect: Effect) -> bool:
    """Whether it is done by a flush of what others may have started, with no start on the way.

    A flush of a worker that ran already does what is pending: nobody says that the worker
    was started for this.  Of a thread that is stopped nothing is left to do.
    """
    wait, edge = effect.wait, effect.edge
    if wait is None or not any(one is wait for one in effect.way):
        return False
    return edge is None or not starts_thread(comparison.kernel, edge)


def _by_way_of(effect: Effect, function: Function) -> bool:
    """Whether a function calls what does it, or waits for it."""
    return effect.pending is function or any(
        (step.path, step.function) == key_of(function) for step in effect.chain[1:]
    )


def _nearest(found: Sequence[Loss]) -> list[Loss]:
    """Losses without what follows from one in a function that is called on the way."""
    by_place: dict[tuple[FunctionKey, Key], Loss] = {
        (key_of(loss.now), loss.key): loss for loss in found
    }

    def own(loss: Loss, effect: Effect) -> bool:
        waiter = effect.pending
        if waiter and waiter is not loss.was and (key_of(waiter), loss.key) in by_place:
            # who waits for it lost the wait, and whoever calls that function with it
            return False
        return not any(
            ((step.path, step.function), loss.key) in by_place
            and (step.path, step.function) != key_of(loss.now)
            for step in effect.chain[1:]
        )

    kept = []
    for loss in found:
        before = tuple(effect for effect in loss.before if own(loss, effect))
        late = tuple(effect for effect in loss.late if own(loss, effect))
        if before and late:
            kept.append(replace(loss, before=before, late=late))
    return kept
