"""Releases that left a function and are new in one that ran deferred already.

No edge of the series shows the move: the worker ran before, and does more now.  Only what a
table or a tree knows counts, and only where the worker has it from that folder and types allow
it, which errs towards a finding too many there and misses what moves between folders.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from patchlint.graph.balance import taken_for_it, taken_unseen
from patchlint.graph.comparison import Comparison, FunctionKey, key_of
from patchlint.graph.confined import asked_anew
from patchlint.graph.contexts import certainly_deferred
from patchlint.graph.effect import folder_of
from patchlint.graph.gone import cut_off, unreplaced
from patchlint.graph.loss import Loss
from patchlint.graph.objects import struct_name
from patchlint.graph.standing import new_here, stands
from patchlint.graph.waits import flushed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Function

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]
    #: what is done on a line of a function
    _Done = tuple[FunctionKey, int, Key]


def into_workers(
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
        if key_of(now) in workers or (was.name != now.name and comparison.lives_on(was, now)):
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
                    not flushed(comparison.kernel, e)
                    or (e.edge is not None and e.edge.callback in started)
                )
            ]
            apart = (*late.get(key, ()), *parted.get(key, ()))
            sides = [(e, _other_side(comparison, was, e, apart)) for e in after]
            after = [e for e, others in sides if not others]
            done = [*late.get(key, ()), *(e for _, others in sides for e in others)]
            lost = [
                effect
                for effect in unreplaced(comparison, was, now, before, after)
                # what was waited for was done elsewhere already: a loss of the wait, if any
                if (effect.edge is None or effect.edge.keeps)
                # and what a function took itself it hands to nobody where no edge is shown
                and not comparison.balanced(effect)
                and not (was.name == now.name and stands(comparison, effect, ()))
                and not cut_off(comparison, was, now, effect)
            ]
            taken = {
                id(e): e
                for e in done
                if _near(was, e) and _same_kind(lost, e) and _comes_along(comparison, lost, e)
            }
            if lost and taken and not all(comparison.after_failure(e) for e in lost):
                narrowed = new_test(comparison, was, now, lost, after)
                left = tuple(after) if narrowed is not None else ()
                late_now = tuple(taken.values())
                found.append(Loss(was, now, key, tuple(lost), late_now, "worker", narrowed, left))
    return found


def new_test(
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
        gained = _gained(before, sorted(after, key=lambda e: new_here(comparison, e)))
        for effect in gained:
            if (
                effect.kind == "row"
                and effect.visible
                and _done_at(effect) not in taken_over
                and (new_here(comparison, effect) or _helper(comparison, effect) is not None)
                and not comparison.balanced(effect)
                and not comparison.undone(effect)
                and not taken_unseen(comparison.kernel, effect)
                and not taken_for_it(comparison.after, worker, effect)
                and _only_deferred(comparison, effect, keys)
                and not _spares_tasks(comparison, worker)
            ):
                late.setdefault(effect.key, []).append(effect)
    return late


def _spares_tasks(comparison: Comparison, worker: Function) -> bool:
    """Whether all that is seen to start a worker does so where it is no task: tasks do as before.

    Errs towards no where the test stands above the call of who starts it.
    """
    starts = comparison.after.runs_of(worker)
    return bool(starts) and all(comparison.for_no_task(edge.function, edge) for edge in starts)


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
    if new_here(comparison, late):
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
