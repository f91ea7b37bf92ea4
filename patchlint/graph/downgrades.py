"""Losses in, downgrades out: one for each function and edge, with level and both chains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import branches, guards
from patchlint.graph import contexts as reasons_for
from patchlint.graph.bindings import argument
from patchlint.graph.chains import after_chain, before_chain, entries_in_images
from patchlint.graph.effect import class_of
from patchlint.graph.leaves import named_teardown
from patchlint.graph.levels import (
    CONFIGURED,
    FAR,
    LOUD,
    body_moved,
    known_release,
    main_loss,
    shown_of,
    strength,
    volume,
    waited_for_grace_period,
    weight,
    worker_starts,
)
from patchlint.graph.loss import OF_A_WAIT
from patchlint.graph.losses import find as find_losses
from patchlint.graph.objects import is_release, variables
from patchlint.graph.old_context import OldContext, old_context
from patchlint.graph.proofs import proved
from patchlint.graph.standins import stood_for
from patchlint.graph.traits import traits
from patchlint.model.context import DEFERRED, GUARANTEES
from patchlint.model.effect import LIMITED, STRUCTURAL, Downgrade, Ground, Promise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import Loss
    from patchlint.model.context import Context, Guarantee
    from patchlint.model.effect import EntryChain
    from patchlint.model.facts import Call, Function


def find(comparison: Comparison) -> tuple[Downgrade, ...]:
    """All downgrades of one step, the most telling first."""
    groups: dict[tuple[object, ...], list[Loss]] = {}
    for loss in find_losses(comparison):
        late = _late(comparison, loss)
        # one wait that is gone is one finding, however many callbacks it was for
        told = loss.how in OF_A_WAIT
        gone = None if told else comparison.waiter_gone(loss.was, loss.before[0])
        by: object = late.edge.callback if late.edge else late.chain[0].function
        groups.setdefault((loss.now.path, loss.now.name, gone or by), []).append(loss)
    contexts = {
        mark: old_context(comparison, main_loss(comparison, group))
        for mark, group in groups.items()
    }
    doubts = _shared_doubts(groups, contexts)
    found = [
        _told(comparison, losses, context, doubts.get(mark, ""))
        for mark, losses in groups.items()
        if (context := contexts[mark]) is not None
    ]
    kept = [one for one in found if not any(_told_by(one, other) for other in found)]
    return tuple(sorted(kept, key=lambda d: (-d.weight, d.path, d.line)))


def _told_by(one: Downgrade, other: Downgrade) -> bool:
    """Whether a note is of the very statement whose loss is told louder: nobody needs both.

    An item may run several callbacks, of which one does what the statement did.
    """
    place = (other.home, other.function, other.path, other.line)
    return (
        one.level_cap == "note" != other.level_cap
        and (one.home, one.function, one.path, one.line) == place
        and set(one.lost) <= set(other.lost)
    )


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
        known = {mark: contexts[mark] for mark in marks}
        if any(one is not None and one.task for one in known.values()):
            continue
        for mark in marks:
            keys = {loss.key for loss in groups[mark]}
            doubt = next(
                (
                    one.doubt
                    if one is not None
                    else "another function that it was moved for was no task"
                    for other, one in known.items()
                    # what it never did was not moved for it
                    if (one is None or (one.doubt and one.shared))
                    and keys & {loss.key for loss in groups[other]}
                ),
                "",
            )
            if doubt:
                found[mark] = doubt
    return found


def _told(comparison: Comparison, losses: list[Loss], old: OldContext, doubt: str) -> Downgrade:
    main = main_loss(comparison, losses)
    late = _late(comparison, main)
    effect = _as_called(comparison, losses, shown_of(comparison, main), late)
    condition = _condition(comparison, main, late)
    entries, grounds = _entries(comparison, main, late, old, condition)
    seen = replace(old, task=old.task or bool(entries), doubt=old.doubt or doubt)
    loud = volume(comparison, losses, seen)
    limited = _limited(comparison, main)
    # what is done before the return to user space no system call loses, a wait that ends after
    # some time mostly ends before that, and what unseen lines do nobody knows for sure, nor what
    # somebody else has done when he ends a wait
    row = known_release(comparison, main)
    unsure = limited or effect.kind == "gap" or (main.how == "unawaited" and row is None)
    lasts = late.guarantee == "before-return-to-user" or unsure
    if entries and old.certain and loud.level == "warning" and not (late.guessed or lasts):
        loud.level = "error"
    # who is told beside them makes nothing louder
    # where the condition proves who comes there nobody else does
    beside = () if grounds is not old.reasons else _beside(entries, old)
    told = (*entries, *beside) if entries else old.classes
    reasons = list(loud.reasons)
    more = [
        loss
        for loss in losses
        if loss is not main and strength(loss.before[0]) > (1 if _is_near(loss) else 2)
    ]
    others = [
        shown
        for loss in more
        # what is done inside of it is no other thing
        if (shown := shown_of(comparison, loss)).name != effect.name
        and not _inside(shown, effect.name)
        # what others start, and a wait of that kind is for as well, is another matter
        and shown.chain[0].function == effect.chain[0].function
    ]
    context, mechanism, callback, by_when = _after(comparison, late)
    gone = comparison.waiter_gone(main.was, effect)
    place = (late.edge.function.path, late.edge.line) if late.edge else _done_at(late)
    less = _waits_less(main)
    if limited:
        reasons.append(LIMITED)
    if main.how == "shortened":
        gone = None
    elif less is not None:
        gone, place = None, (main.now.path, _in_function(main, less).line)
    elif gone is not None:
        place = (main.was.path, gone.line)
    elif main.how == "unawaited" and main.narrowed is not None:
        # the line that decides, if it is one of the series: the wait may stand as it stood
        tests = main.narrowed.places
        place = next((one for one in tests if comparison.lines.added(*one)), place)
    shape = _shape(comparison, main)
    if row is not None:
        reasons.append(Ground(f"{row.name}() is known to release {row.releases}"))
    released = effect.known or row
    return Downgrade(
        shape=shape,
        cleanup=effect.name,
        family=released.family if released else STRUCTURAL,
        also=tuple(dict.fromkeys(_listed(one) for one in others)),
        inner=_inner(others),
        carrier=_carrier(effect, late, more) if others else "",
        function=main.now.name,
        predecessor=_predecessor(comparison, main),
        own=_frees_own(comparison, late),
        path=place[0],
        line=place[1],
        side="pre" if gone is not None else "post",
        patch=0,
        before=Promise(
            "task" if entries else old.shown,
            "after-wait" if effect.wait is not None else effect.guarantee,
            before_chain(comparison, main, effect, told),
            many=old.many,
            wait=f"waits for {effect.act.name}" if main.how in OF_A_WAIT else "",
        ),
        after=Promise(
            context,
            by_when,
            after_chain(comparison, main, late, told),
            mechanism,
            callback,
            delay=_delay(comparison, late),
            wait=_wait_now(comparison, main),
            last=_last(late),
        ),
        condition=guards.said(condition) if condition else None,
        level_cap=loud.level,
        confidence=_confidence(effect, old, bool(entries), loud.level, guessed=late.guessed),
        reasons=(*reasons, *grounds),
        what=effect.act,
        entry_points=told,
        weight=weight(effect) + (LOUD if loud.level != "note" else 0),
        home=main.now.path,
        lost=tuple(sorted({e.root_line for loss in _telling(losses) for e in loss.before})),
        leading=_leading(comparison, main, late, condition, less),
        runs_on=main.runs,
        waited=_waited(gone, effect),
        limit=_limit(comparison, main) if limited else "",
        traits=traits(comparison, main, late),
        awaited=_awaited(effect),
        args=effect.args,
        in_vain=late.vain.callee if late.vain is not None else "",
        body=shape == "moved-body" and not _goes_on(comparison, main),
        work=shape != "moved-body"
        and row is None
        and all(loss.before[0].kind in ("opaque", "store") for loss in losses),
    )


def _beside(entries: Sequence[EntryChain], old: OldContext) -> tuple[EntryChain, ...]:
    """What helpers of everybody on other ways are called for, where no entry says the same.

    Operations of which nobody is known to wait (``said``) are told where nothing else is.
    """
    said = {one.event for one in entries}
    return tuple(one for one in old.classes if not one.said and one.event not in said)


def _predecessor(comparison: Comparison, main: Loss) -> str:
    """The function before whose place the losing one took, where that is no mere renaming.

    It has its own name still, or its body is what is called back now.
    """
    was = main.was
    another = was.name != main.now.name and (
        comparison.heir(was) is not None or body_moved(comparison, main)
    )
    return stood_for(was) or (was.name if another else "")


def _waited(gone: Call | None, effect: Effect) -> str:
    """The wait that held the caller, by what the losing function called for it; else ""."""
    wait = gone or effect.wait
    return wait.callee if wait is not None else ""


def _awaited(effect: Effect) -> str:
    """The callback for whose end something waited, "" where nothing did."""
    edge = effect.last or effect.edge
    return (edge.callback or "") if edge is not None and effect.wait is not None else ""


def _entries(
    comparison: Comparison, main: Loss, late: Effect, old: OldContext, condition: Atom | None
) -> tuple[tuple[EntryChain, ...], tuple[Ground, ...]]:
    """The entry points that lose it, and what speaks for a task.

    Where the condition proves that some system calls alone come there it is those.  It makes no
    task of a path that nothing else shows as one.
    """
    found = old.entries or entries_in_images(comparison.after, main.now, late.guard)
    # in another function the task that is asked may be a parameter
    own = condition is not None and condition.path == main.now.path
    if condition is None or not (own and main.now.line <= condition.line <= main.now.end):
        return found, old.reasons
    alone = proved(comparison.kernel, condition, main.now, found) if found else ()
    if not alone:
        return found, old.reasons
    names = " and ".join(f"{entry.name}(2)" for entry in alone)
    ground = Ground(f"reached by a task: `{guards.said(condition)}` holds in {names} alone")
    return alone, (ground, *(one for one in old.reasons if one.also_by is not None))


def _telling(losses: Sequence[Loss]) -> Sequence[Loss]:
    """Those of some losses that are of more than memory, all where none is."""
    return [loss for loss in losses if strength(loss.before[0])] or losses


def _frees_own(comparison: Comparison, late: Effect) -> bool:
    """Whether a callback may free the object that it is started by: nobody may wait for it by that.

    It gives that to a call that releases or frees something, or is named for an end; in what it
    calls itself alone.  Errs towards yes: more is not asked of such a function.
    """
    edge, kernel, after = late.last or late.edge, comparison.kernel, comparison.after
    begins = late.chain[0]
    callback = (
        after.run_by(edge)
        if edge is not None
        else after.functions.get((begins.path, begins.function))
    )
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


def _done_at(late: Effect) -> tuple[str, int]:
    """Where a release stands that a deferred function does now, with no edge shown."""
    return late.where.path, late.line


def _goes_on(comparison: Comparison, loss: Loss) -> bool:
    """Whether the losing function still does something that can be seen."""
    return any(
        effect.kind in ("row", "named", "indirect", "gap") and not effect.late
        for effect in comparison.first_keys_of(loss.now)
    )


def _as_called(
    comparison: Comparison, losses: Sequence[Loss], effect: Effect, late: Effect
) -> Effect:
    """An effect, told as the known release that the losing function called for all it lost.

    Where that tells more: what is late may do what that release does without a call of it.
    """
    if len(effect.chain) == 1:
        return effect
    step, called = effect.chain[:2]
    row = comparison.kernel.cleanups.get(called.function)
    if row is None:
        return effect
    told = replace(
        effect,
        key=("call", row.name),
        kind="row",
        known=row,
        guarantee=row.task,
        chain=(replace(step, note=f"{row.name}()"),),
        put="",
    )
    if (
        not row.visible
        or class_of(row) != "row"
        # what is called back is none of the function's own calls
        or effect.edge is not None
        or effect.kept is not None
        or any(one.function == called.function for one in late.chain)
        or any(
            [s.function for s in e.chain[1:2]] != [called.function]
            for loss in losses
            for e in loss.before
        )
    ):
        return effect
    return told


def _is_near(loss: Loss) -> bool:
    """Whether something is done in the losing function or a few calls below it.

    Of what is farther away a name alone tells nothing: a call that ends the task has many below.
    """
    return any(len(effect.chain) <= FAR for effect in loss.before)


def _inside(effect: Effect, *names: str) -> bool:
    """Whether one of some functions does an effect, below the one that it is an effect of."""
    return any(step.function in names for step in effect.chain)


def _listed(effect: Effect) -> str:
    """How an effect is listed beside another one: a member by its arrow, as it is called."""
    return effect.act.said if effect.act.kind == "member" else effect.name


def _inner(others: Sequence[Effect]) -> frozenset[str]:
    """Those effects, as they are listed, that others of them do, wherever they are done."""
    names = {one.name for one in others}
    outer = {_listed(one) for one in others if not _inside(one, *(names - {one.name}))}
    return frozenset(map(_listed, others)) - outer


def _carrier(effect: Effect, late: Effect, others: Iterable[Loss]) -> str:
    """The function, the nearest to the one that loses, which did all that is lost and does it late.

    "" where there is none: several calls moved, or the callback does by itself what a call did.
    """
    common = _deferred(late).intersection(
        *(
            {step.function for one in loss.before for step in one.chain[1:]}
            & {name for one in loss.late for name in _deferred(one)}
            for loss in others
        )
    )
    return next((step.function for step in effect.chain[1:] if step.function in common), "")


def _deferred(late: Effect) -> set[str]:
    """The functions that do something late below what is called back."""
    names = [step.function for step in late.chain]
    edge = late.last or late.edge
    called = edge.callback if edge is not None else names[0]
    return set(names[names.index(called) + 1 :]) if called in names else set()


def _late(comparison: Comparison, loss: Loss) -> Effect:
    """The late effect that a finding shows: one that the series wrote, then with the fewest tests.

    What stands there as it stood is another way to the same, mostly a longer one.
    """

    def order(effect: Effect) -> tuple[bool, bool, int, int]:
        edge, site = effect.edge, effect.site
        written = site is not None and comparison.lines.added(effect.where.path, site.line)
        handed = edge is not None and edge.handoff
        return handed, not written, len(effect.guard), effect.root_line

    return min(loss.late, key=order)


def _after(
    comparison: Comparison, late: Effect
) -> tuple[Context, str | None, str | None, Guarantee]:
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


#: what says the same to a reader as to the call: constants, and members by their names
_TOLD: Final = re.compile(
    r"(?:[A-Z_][A-Z0-9_]*\b|\d+[UL]*|[A-Za-z_]\w*(?:(?:->|\.)\w+)+|[\s()*/+-])+"
)
#: what a point in time is counted from
_FROM_NOW: Final = re.compile(r"^jiffies\s*\+\s*")
_CALLED: Final = re.compile(r"\b[a-z]\w*(?=\()")
_MEMBER: Final = re.compile(r"->|\.")


def _time(comparison: Comparison, call: Call) -> str:
    """How long a call puts off or waits, where the call says it and no jiffy alone; else ""."""
    kernel = comparison.kernel
    place = kernel.times.get(call.callee)
    text = (argument(call, place) if place is not None else None) or ""
    span = _FROM_NOW.sub("", text, count=1)
    words = _CALLED.sub(lambda one: "" if one[0] in kernel.durations else one[0], span)
    # of a member nobody knows whether it is a time or a point in time
    unsure = call.callee in kernel.points and span == text and _MEMBER.search(words)
    said = _TOLD.fullmatch(words) and not unsure and re.search(r"\w", words)
    return span if said and not span.strip("()UL ").isdigit() else ""


def _delay(comparison: Comparison, late: Effect) -> str:
    """By how much the start of what is late puts it off, "" where no start says that.

    Of what a callback starts in turn either start may.
    """
    starts = [edge.call for edge in (late.edge, late.last) if edge is not None]
    return next(filter(None, (_time(comparison, call) for call in starts)), "")


def _limit(comparison: Comparison, loss: Loss) -> str:
    """After how long a wait that is left may end, "" where it says no time."""
    less = _waits_less(loss)
    wait = loss.late[0].site if loss.how == "shortened" else less.wait if less is not None else None
    return _time(comparison, wait) if wait is not None else ""


def _last(late: Effect) -> str:
    """What the first callback starts in turn, where that does it; else ""."""
    edge, last = late.edge, late.last
    if edge is None or last is None or edge.handoff or last.callback == edge.callback:
        return ""
    return last.callback or ""


def _wait_now(comparison: Comparison, loss: Loss) -> str:
    """What became of a wait for whatever it was, "" of anything else."""
    if loss.how not in OF_A_WAIT:
        return ""
    end = loss.late[0].site
    if end is None or loss.how == "unawaited":
        stops = f"{end.callee}() does not wait: " if end is not None else ""
        return f"{stops}{loss.runs}() may still run" if loss.runs else "no wait any more"
    row, time = comparison.kernel.waits[end.callee], _time(comparison, end)
    after = f"after {time}" if time else "after some time" if row.bounded else ""
    ends = " or ".join(filter(None, (after, "by a signal" if row.signal else "")))
    return f"{end.callee}() may end first, {ends}"


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


def _leading(
    comparison: Comparison, main: Loss, late: Effect, condition: Atom | None, less: Effect | None
) -> tuple[int, ...]:
    """The lines of the losing function that lead to the deferral: a test, and the first call."""
    # what is started where it was is late by a wait that is gone, and has the line of that
    here = late.root is None or main.now.makes(late.root)
    lines = {late.root_line} if main.how != "worker" and here else set()
    tests = (condition,) if condition is not None else ()
    if less is not None:
        # what is left of a wait stands under a test that the series made
        tests = (*tests, *(a for a in less.guard if comparison.lines.made(a.places)))
    lines |= {test.line for test in tests if test.path == main.now.path}
    return tuple(sorted(lines))


def _condition(comparison: Comparison, loss: Loss, late: Effect) -> Atom | None:
    """The branch on which it is deferred, None when it is on all ways that do it.

    A test above the deferral that the lost effect did not have, and on whose other side
    something else is done instead.  Where nothing is done there the test says when the
    deferral has work to do, not who is sent there: a batch is full, nothing is queued yet,
    there is an object at all.
    """
    had = {a.sign for e in loss.before for a in e.guard}
    deciding = [
        atom
        for atom in late.above
        if atom.sign not in had
        and (not atom.early or comparison.lines.made(atom.places))
        and not _decides_nothing(comparison, loss, late, atom)
        and _other_way(comparison, loss, late, atom)
    ]
    branches_ = [a for a in deciding if not a.early]
    # one that the series made before one that stood above an old deferral already, and what is
    # asked there before the configuration in which it is asked
    found = min(
        branches_ or deciding,
        key=lambda a: (not comparison.lines.made(a.places), a.head.startswith(CONFIGURED)),
        default=None,
    )
    narrowed = loss.narrowed
    if found is None and narrowed is not None and narrowed.sign not in {a.sign for a in late.above}:
        turned = replace(narrowed, positive=not narrowed.positive)
        return None if _decides_nothing(comparison, loss, late, turned) else turned
    return found


def _other_way(comparison: Comparison, loss: Loss, late: Effect, atom: Atom) -> bool:
    """Whether something is done instead where a test above the deferral comes out otherwise."""
    turned = (atom.head, not atom.positive)
    for effect in loss.instead:
        if effect.root is not None and effect.root.tested:
            # it is asked, and done on neither side
            continue
        asked = {a.sign for a in effect.guard}
        if turned in asked or (atom.sign not in asked and _passed(loss, late, effect)):
            return True
    return any(
        turned in {a.sign for a in effect.guard}
        and not (effect.site is not None and effect.site.tested)
        and (effect.kind in ("row", "named", "indirect") or _of_one_object(effect, late))
        for function in {id(f): f for f in (loss.now, _starter(loss, late))}.values()
        for effect in comparison.first_keys_of(function)
        if effect.kind not in ("memory", "store", "gap")
    )


def _passed(loss: Loss, late: Effect, effect: Effect) -> bool:
    """Whether control that passed the deferral leaves before it can reach ``effect``."""
    holders = {id(f): f for f in (loss.now, _starter(loss, late))}.values()
    starts = (*late.calls, *([late.edge.call] if late.edge is not None else ()))
    return any(
        branches.skips(holder, first, other)
        for holder in holders
        for first in starts
        for other in effect.calls
        if holder.makes(first) and holder.makes(other)
    )


def _starter(loss: Loss, late: Effect) -> Function:
    return late.edge.function if late.edge is not None else loss.now


def _of_one_object(effect: Effect, late: Effect) -> bool:
    """Whether a call is given a variable that the deferral is given as well."""
    given = late.edge.call.args if late.edge is not None else ()
    return not variables(effect.args).isdisjoint(variables(given))


def _decides_nothing(comparison: Comparison, loss: Loss, late: Effect, atom: Atom) -> bool:
    """A failed allocation, an empty list, the hand-off itself or a helper that makes it."""
    kernel = comparison.kernel
    asked = atom.head.split(" ")[0]
    if (
        asked in kernel.activations
        or asked in kernel.list_adds
        or any(call.callee == asked for call in late.way)
        or atom.head == guards.LAST_REFERENCE
        or guards.evaluate(atom.text) is not None
    ):
        return True
    words = guards.said(atom)
    if atom.early and kernel.error_path.search(words) is not None:
        return True
    return branches.is_allocation(words) or comparison.asks_for_memory(loss.now, atom)


def _waits_less(main: Loss) -> Effect | None:
    """What the losing function still waits for, on fewer ways or for a limited time."""
    lost = {e.edge.callback for e in main.before if e.edge is not None and e.wait is not None}
    return next(
        (e for e in main.instead if e.wait is not None and e.edge and e.edge.callback in lost), None
    )


def _in_function(main: Loss, effect: Effect) -> Call:
    """The wait of an effect where the losing function has it, else the call that leads there."""
    wait = effect.wait
    if wait is not None and main.now.makes(wait):
        return wait
    return effect.root or main.now.calls[0]


def _limited(comparison: Comparison, main: Loss) -> bool:
    """Whether what is left of a wait may end too early, and did not."""
    if main.how == "shortened":
        return True
    left = _waits_less(main)
    waits = comparison.kernel.waits
    return (
        left is not None
        and left.wait is not None
        and waits[left.wait.callee].bounded
        and not any(e.wait is not None and waits[e.wait.callee].bounded for e in main.before)
    )


def _confidence(
    effect: Effect, old: OldContext, entries: bool, level: str, *, guessed: bool
) -> str:
    task = old.task or entries
    if level == "note" or guessed:
        return "low"
    if effect.known is None:
        return "medium" if task else "low"
    return "high" if task else "medium"


def _task_work_gone(comparison: Comparison, loss: Loss, effect: Effect) -> bool:
    """Whether the task work behind which something was done is started no more.

    One inside of what moved is part of it: a put that queues task work for itself.
    """
    kept = effect.kept
    return kept is not None and (
        kept.function is loss.was or comparison.lines.forward(kept.function.path, kept.line) is None
    )


def _shape(comparison: Comparison, loss: Loss) -> str:
    kernel = comparison.kernel
    late = _late(comparison, loss)
    edge = late.edge
    if any(e.wait is not None for e in loss.before):
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
