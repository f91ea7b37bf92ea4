"""What spares a loss: its callers make up for it, or another one tells of it.

A release that every caller does at once again is not missed by anybody, and what is lost in a
function that is called on the way is told where it was lost.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.comparison import Comparison, FunctionKey, key_of
from patchlint.graph.confined import asked_anew
from patchlint.graph.contexts import certainly_deferred
from patchlint.graph.gone import unreplaced
from patchlint.graph.standing import set_anew
from patchlint.graph.waits import flushed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.loss import Loss
    from patchlint.model.facts import Call, Function


def of_callee(
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


def if_left(comparison: Comparison, loss: Loss) -> Loss | None:
    """A loss, None when every caller makes up for it.

    Where the image does not show the whole file others may call, and it is only ``held``.
    """
    if loss.how == "handed":
        return loss if _handed_over(comparison, loss) else None
    if not _made_up_for(comparison, loss):
        return loss
    if comparison.after.known.get(loss.now.path) is None or _called_otherwise(comparison, loss):
        return None
    told = _of_the_last(loss) or _by_who_goes_away(comparison, loss)
    return loss if told else replace(loss, held=True)


def _by_who_goes_away(comparison: Comparison, loss: Loss) -> bool:
    """Whether those alone make up for it who end all: a module's exit says nothing of a request."""
    marks = comparison.kernel.going_away
    return all(
        not marks.isdisjoint(caller.marks) for caller, _ in comparison.after.callers_of(loss.now)
    )


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
            if not before or unreplaced(comparison, was, caller, before, after, loss.late):
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
    return loss.how == "worker" and flushed(comparison.kernel, effect)


def _by_way_of(effect: Effect, function: Function) -> bool:
    """Whether a function calls what does it, or waits for it."""
    return effect.pending is function or any(
        (step.path, step.function) == key_of(function) for step in effect.chain[1:]
    )


def nearest(found: Sequence[Loss]) -> list[Loss]:
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
