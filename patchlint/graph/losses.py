"""Two summaries in, losses out: what callers could rely on and can no longer.

For one function before and what continues it, and for one thing that is done (a key): an
inline effect is *lost* when less of it is left on all ways than there was, and a deferral
that was not there before does it instead.  Moved bodies, twins, lost waits, hoisted
branches, reverts and renames are consequences of that one question, not cases of it.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from patchlint.graph import branches, guards
from patchlint.graph.balance import taken_unseen
from patchlint.graph.build import Deferral
from patchlint.graph.comparison import Comparison, FunctionKey, key_of
from patchlint.graph.contexts import certainly_deferred
from patchlint.graph.objects import struct_name
from patchlint.graph.standing import moved_along, stands
from patchlint.graph.summary import folder_of
from patchlint.graph.waits import wait_matches
from patchlint.graph.weaker import exchanged
from patchlint.model import budget
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from patchlint.graph.guards import Atom
    from patchlint.graph.summary import Effect, Key
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]

_VARIABLE: Final = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")

#: letters of a word that tells what is done
_TELLING: Final = 3
#: helpers in helpers that are looked through for a start
_DEEPEST: Final = 3

_Sign = tuple[str, bool]
How = Literal["deferred", "worker", "replaced", "weaker"]


class Loss(Struct, frozen=True):
    """``now`` continues ``was``, which did ``key`` inline; ``late`` does it instead.

    ``how``: ``deferred`` behind an edge of ``now``; ``worker`` in a function that ran
    deferred before, with no edge shown; ``replaced`` when a statement gave way to a
    deferral of something else on the same object; ``weaker`` when a release gave way to one
    that is done later by itself.  ``narrowed`` is the test under which
    what is left inline now stands, ``instead`` what is left inline on the other ways.
    ``held``: all callers that the images show make up for it, and there may be others.
    """

    was: Function
    now: Function
    key: Key
    before: tuple[Effect, ...]
    late: tuple[Effect, ...]
    how: How
    narrowed: Atom | None = None
    instead: tuple[Effect, ...] = ()
    held: bool = False


def find(comparison: Comparison) -> list[Loss]:
    """All losses of one step; those that follow from one in a callee are left out."""
    found = _between(comparison, comparison.concerned)
    told = {(key_of(loss.now), loss.key) for loss in found}
    found = [loss for loss in found if not _of_callee(comparison, loss, told)]
    found = [kept for loss in found if (kept := _if_left(comparison, loss)) is not None]
    return _nearest(found)


def may_be_new(comparison: Comparison, known: Collection[FunctionKey]) -> bool:
    """Whether :func:`find` may have a loss of a function after that is not ``known``.

    Errs towards True: a loss counts whose callers make up for it, or that follows from another.
    """
    pairs = [(was, now) for was, now in comparison.concerned if key_of(now) not in known]
    return bool(pairs and _between(comparison, pairs))


def _between(comparison: Comparison, pairs: Sequence[_Pair]) -> list[Loss]:
    """The losses of some pairs of functions, before and after."""
    found: list[Loss] = []
    for was, now in pairs if comparison.told else ():
        if was.name != now.name and _lives_on(comparison, was, now):
            continue
        found.extend(_of_pair(comparison, was, now))
    found.extend(_replaced(comparison, found, pairs))
    found.extend(_exchanged(comparison, found, pairs))
    found.extend(_into_workers(comparison, found, pairs))
    return found


def _lives_on(comparison: Comparison, was: Function, now: Function) -> bool:
    """Whether ``was`` goes on under its own name, so that ``now`` only took lines of it.

    The body of a function that became a callback is that callback; what callers rely on
    is what stands under the old name.
    """
    path = comparison.lines.renamed.get(was.path, was.path)
    if (path, was.name) not in comparison.after.functions:
        return False
    before, after = comparison.before.members_of, comparison.after.members_of
    return before(was.name).isdisjoint(after(now.name) - after(was.name))


def _of_pair(comparison: Comparison, was: Function, now: Function) -> Iterable[Loss]:
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
        loss = _of_key(comparison, was, now, key, effects, after.get(key, []))
        if loss is not None:
            yield loss


def _of_key(
    comparison: Comparison,
    was: Function,
    now: Function,
    key: Key,
    before: Sequence[Effect],
    after: Sequence[Effect],
) -> Loss | None:
    asked = comparison.asked
    inline_before = [
        e
        for e in before
        # what only a kernel thread did, no task could rely on
        if not (e.late or asked.all_of(e).of_queueing or asked.all_of(e).no_task)
    ]
    if not inline_before or any(e.kind == "async" for e in inline_before):
        return None
    late_after = [
        e for e in after if e.late and not (asked.above(e).no_task or comparison.balanced(e))
    ]
    if not late_after:
        return _of_wait(comparison, was, now, key, inline_before, after)
    fresh_late = _unmatched(comparison, was, [e for e in before if e.late], late_after)
    inline_after = [e for e in after if not (e.late or asked.all_of(e).of_queueing)]
    if not fresh_late:
        return _fallen(comparison, was, now, key, inline_before, inline_after, late_after)
    narrowed: Atom | None = None
    free: list[Effect] = []
    instead: list[Effect] = []
    sent = _Sent.by([asked.above(e).signs for e in fresh_late])
    for effect in inline_after:
        left = effect
        reason = _confined(comparison, (was, now), left, fresh_late, sent, inline_before)
        while isinstance(reason, guards.Atom) and _done_on_both(left, reason, inline_after):
            left = replace(left, guard=tuple(a for a in left.guard if a.head != reason.head))
            reason = _confined(comparison, (was, now), left, fresh_late, sent, inline_before)
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
        and not moved_along(comparison, effect, inline_after, fresh_late)
        and not _wait_stands(comparison, was, now, effect)
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
    that did the one leaves before the other.
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
            if lines.added(atom.path, atom.line)
            and atom.path == now.path
            and atom.head not in comparison.asked_in(was)
            and not _leaves_others(comparison, atom)
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

    The call that leads to it stayed: what changed below is told where it changed.
    """
    cut = comparison.new.cut
    return (
        len(effect.chain) > 1
        and (now.name in cut or any(step.function in cut for step in effect.chain[1:]))
        and comparison.lines.forward(was.path, effect.root_line) is not None
    )


def _wait_stands(comparison: Comparison, was: Function, now: Function, effect: Effect) -> bool:
    """Whether an effect was only waited for, in a function that stands as it stood.

    Who does not come there any more lost what that function does, its wait along with it: that
    is told where the call of it went, and not of one that nothing in it touched.
    """
    wait = effect.wait
    if wait is None or effect.edge is None or effect.edge.keeps:
        return False
    if any(wait is call for call in was.calls) or comparison.lines.touched(was, now):
        return False
    holder = next(
        (f for f in comparison.before.functions.values() if any(wait is c for c in f.calls)), None
    )
    return holder is not None and comparison.lines.forward(holder.path, wait.line) is not None


def _of_wait(
    comparison: Comparison,
    was: Function,
    now: Function,
    key: Key,
    before: Sequence[Effect],
    after: Sequence[Effect],
) -> Loss | None:
    """The loss of a wait for what somebody else started, and starts still."""
    gone = [
        e
        for e in before
        if e.wait is not None
        and e.edge is not None
        and any(e.wait is call for call in was.calls)
        and comparison.lines.forward(was.path, e.wait.line) is None
        and not comparison.balanced(e)
    ]
    if not gone or after or comparison.waits_anew or all(comparison.after_failure(e) for e in gone):
        return None
    started = comparison.started
    late = [
        replace(e, wait=None) for e in gone if e.edge is not None and e.edge.callback in started
    ]
    return Loss(was, now, key, tuple(gone), tuple(late), "deferred") if late else None


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
        stayed = next((e for e in left if line is not None and e.root_line == line), None)
        if stayed is not None:
            left.remove(stayed)
        else:
            gone.append(effect)
    spare = _starts_of(left) + sum(_jumps_to(comparison, now, e) for e in left)
    return gone if spare < _starts_of(gone) else []


def _starts_of(effects: Sequence[Effect]) -> int:
    """On how many calls of a function effects begin.

    What lies below one call of a callee is one way here: how many it has inside is the callee's.
    """
    return len({(e.root_line, e.line if len(e.chain) == 1 else 0) for e in effects})


def _waits_for(comparison: Comparison, effect: Effect, late: Sequence[Effect]) -> bool:
    """Whether the wait that an effect rests on holds the task for all that is late."""
    waiter, wait = effect.pending, effect.wait
    return (
        waiter is not None
        and wait is not None
        and all(
            (edge := e.last or e.edge) is not None
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
    line, then the most tests) are taken first, each once.
    """
    lines = comparison.lines
    left = [
        _Past(
            comparison.asked.above(e).lasting,
            lines.forward(was.path, e.root_line),
            len(e.above),
        )
        for e in before
    ]
    fresh = []
    for effect in sorted(after, key=lambda e: -len(e.above)):
        asked = comparison.asked.above(effect).heads
        past = [one for one in left if one.asked <= asked]
        if past:
            left.remove(max(past, key=partial(_nearness, line=effect.root_line)))
        else:
            fresh.append(effect)
    return fresh


class _Past(Struct, eq=False):
    """Of a late effect before: what its tests asked, where its line is now, how many they are."""

    asked: frozenset[str]
    line: int | None
    tests: int


def _nearness(past: _Past, line: int) -> tuple[bool, int]:
    return past.line == line, past.tests


def _confined(
    comparison: Comparison,
    pair: _Pair,
    effect: Effect,
    late: Sequence[Effect],
    sent: _Sent,
    before: Sequence[Effect],
) -> Atom | bool | None:
    """Why an inline effect is not done on all the ways that it was ``before``; None when it is.

    The test that it stands under and did not before; True when control that passed the deferral
    leaves before it, or a new store turns the test that it stands under.  ``sent`` is what
    the tests above ``late`` ask.
    """
    was, now = pair
    lines = comparison.lines
    signs = frozenset(a.sign for e in before for a in e.guard)
    for atom in effect.guard:
        # a release that was moved below an old test is split by it like one below a new test
        if (
            (
                _excludes(atom, sent, signs)
                or (lines.added(atom.path, atom.line) and atom.head not in comparison.asked_in(was))
            )
            # one that stands above the deferral as well tells the two from each other nowhere
            and atom.sign not in sent.shared
            and not _leaves_others(comparison, atom)
            and not _fails_otherwise(comparison, effect, atom)
        ):
            return atom
    calls = [c for c in (effect.root, *effect.between, effect.site) if c is not None]
    for other in late:
        edge = other.edge
        if edge is None:
            continue
        ways = [edge.call, *[c for c in (other.root, *other.between) if c is not None]]
        for holder in (edge.function, *_on_the_way(comparison, now, other)):
            here = {id(c) for c in holder.calls}
            if any(
                id(first) in here
                and id(call) in here
                and _sent_past(comparison, holder, first, call)
                and not (holder is now and _sent_past_before(comparison, pair, first, before))
                for first in ways
                for call in calls
            ):
                return True
        if any(_turned(comparison, now, other, atom) for atom in effect.guard):
            return True
    return None


def _sent_past(comparison: Comparison, holder: Function, first: Call, other: Call) -> bool:
    """Whether control that passed ``first`` leaves before ``other``, and did not before.

    A branch that left already, above a call that stayed where it was, takes nothing away.
    """
    added = partial(comparison.lines.added, holder.path)
    return any(
        added(leave.line) or added(other.line) or any(added(c.line) for c in leave.conditions)
        for leave in branches.leaves(holder, first, other)
    )


def _sent_past_before(
    comparison: Comparison, pair: _Pair, first: Call, before: Sequence[Effect]
) -> bool:
    """Whether control that passed ``first`` never came to what was done ``before``.

    Of two ways of one choice, with no new test above the one, each stays what it was.
    """
    was, now = pair
    added = partial(comparison.lines.added, now.path)
    if any(added(condition.line) for condition in first.conditions):
        return False
    old = [
        call
        for call in was.calls
        if call.callee == first.callee
        and comparison.lines.forward(was.path, call.line) == first.line
    ]
    roots = [e.root for e in before if e.root is not None]
    return bool(old and roots) and all(branches.skips(was, old[0], root) for root in roots)


class _Sent(Struct, frozen=True):
    """Under which tests something is late: those above all of it, and those above any."""

    shared: frozenset[_Sign]
    some: frozenset[_Sign]

    @classmethod
    def by(cls, each: Sequence[frozenset[_Sign]]) -> _Sent:
        """By the tests above each way on which it is late."""
        return cls(frozenset.intersection(*each), frozenset().union(*each))


def _excludes(atom: Atom, sent: _Sent, signs: frozenset[_Sign]) -> bool:
    """Whether a test that no release before stood under sends others into the deferral."""
    return atom.sign not in signs and (atom.head, not atom.positive) in sent.some


def _leaves_others(comparison: Comparison, atom: Atom) -> bool:
    """Whether a new test only sends what is no task another way."""
    from msgspec.structs import replace

    return guards.asks_for_context(comparison.kernel, replace(atom, positive=not atom.positive))


def _fails_otherwise(comparison: Comparison, effect: Effect, atom: Atom) -> bool:
    """Whether who does not pass a test that leaves early gets an error code: it all failed.

    A new way to fail sends nobody into a deferral.
    """
    return atom.early and any(
        comparison.kernel.error_value.search(leave.value) is not None
        for holder in comparison.holders(effect)
        if holder.path == atom.path and holder.line <= atom.line <= holder.end
        for leave in holder.exits
        if (block := [c for c in leave.conditions if not c.early]) and block[-1].line == atom.line
    )


def _done_on_both(effect: Effect, atom: Atom, others: Sequence[Effect]) -> bool:
    """Whether the other side of a test does the same, on the same call: both do it."""
    rest = {one.sign for one in effect.guard if one is not atom}
    return any(
        other.root is effect.root
        and (atom.head, not atom.positive) in (signs := {one.sign for one in other.guard})
        and signs - {(atom.head, not atom.positive)} <= rest
        for other in others
    )


def _turned(comparison: Comparison, now: Function, late: Effect, atom: Atom) -> bool:
    """Whether a store on the way of the deferral, new in the series, decides the test.

    A variable is no member of the same name.
    """
    member = not atom.text.isidentifier()
    return any(
        comparison.lines.added(function.path, store.line)
        and (parted := store.target.replace("->", ".").rpartition("."))[2].strip() == atom.head
        and bool(parted[1]) is member
        for function in _on_the_way(comparison, now, late)
        for store in function.stores
    )


def _on_the_way(comparison: Comparison, now: Function, late: Effect) -> list[Function]:
    """The functions from the one that lost to the one that starts the deferral."""
    functions = [now]
    for step in late.chain:
        function = comparison.after.functions.get((step.path, step.function))
        if function is None:
            break
        functions.append(function)
        if late.edge is not None and function is late.edge.function:
            break
    return functions


# -- a statement that gave way to a deferral ---------------------------------------------


def _replaced(comparison: Comparison, known: Sequence[Loss], pairs: Sequence[_Pair]) -> list[Loss]:
    """Statements that gave way to a deferral whose callback nobody shows.

    The statement is gone with no counterpart; between the same kept lines stands a new
    queueing, or a call that is named for it, on an object of its arguments.
    """
    told = {(key_of(loss.was), loss.key) for loss in known}
    found: list[Loss] = []
    for was, now in pairs:
        if was.name != now.name:
            continue
        starts = [e for e in _unknown_starts(comparison, now) if not _spares(comparison, now, e)]
        kin = _kin(comparison, was, now)
        if not starts and not kin:
            continue
        for effect in comparison.first_leaves(was):
            if (
                effect.kind in ("memory", "async", "store", "gap")
                or effect.site is None
                or (key_of(was), effect.key) in told
                or comparison.after_failure(effect)
            ):
                continue
            other = _of_kin(comparison, was, now, effect, kin)
            if other is not None:
                found.append(Loss(was, now, effect.key, (effect,), (other,), "replaced"))
                continue
            edge, narrowed = _gave_way(comparison, was, now, effect, starts)
            if edge is not None:
                late = _behind(effect, edge)
                found.append(Loss(was, now, effect.key, (effect,), (late,), "replaced", narrowed))
    return found


def _gave_way(
    comparison: Comparison,
    was: Function,
    now: Function,
    effect: Effect,
    starts: Sequence[Deferral],
) -> tuple[Deferral | None, Atom | None]:
    """The start that a statement gave way to, and the new test that keeps it on other ways.

    Either it is gone and the start stands in its place, or it stands still, but control that
    comes to the start does not come to it.
    """
    left = [e for e in comparison.first_keys_of(now) if e.key == effect.key]
    line = comparison.lines.forward(was.path, effect.line)
    if line is None and not left:
        above, below = comparison.lines.place(was.path, effect.line)
        for edge in starts:
            if (
                above < edge.line < below
                and _stands_for(comparison, effect, edge)
                and not _started_before(comparison, was, effect, edge)
            ):
                return edge, None
        return None, None
    before = sum(e.key == effect.key for e in comparison.first_leaves(was))
    if effect.kind != "row" or not effect.visible or len(left) != before:
        # what no table knows is kept from some ways by many changes
        return None, None
    for edge in starts:
        if _by_name_alone(edge) or not _stands_for(comparison, effect, edge):
            continue
        guard = comparison.new.guard(now, edge.conditions)
        late = replace(_behind(effect, edge), guard=guard, outer=len(guard))
        sent = _Sent.by([frozenset(atom.sign for atom in guard)])
        reasons = [
            _confined(comparison, (was, now), e, [late], sent, [effect])
            for e in left
            if line is None or e.line == line
        ]
        if reasons and all(reason is not None for reason in reasons):
            return edge, next((r for r in reasons if isinstance(r, guards.Atom)), None)
    return None, None


def _spares(comparison: Comparison, now: Function, edge: Deferral) -> bool:
    """Whether a start is only for what is no task, or waited for on the same way."""
    no_task = comparison.asked.leaves_no_task
    if any(no_task(atom) for atom in comparison.new.guard(now, edge.conditions)):
        return True
    waits = comparison.kernel.waits
    return any(
        (row := waits.get(call.callee)) is not None
        and row.restores
        and call.line > edge.line
        and (
            wait_matches(comparison.after, edge, now, call)
            # whose completion it is the callback would tell
            or (row.kind in ("completion", "event") and comparison.lines.added(now.path, call.line))
        )
        for call in now.calls
    )


def _stands_for(comparison: Comparison, effect: Effect, edge: Deferral) -> bool:
    """Whether a start may do what a statement did, on an object of its arguments."""
    kernel = comparison.kernel
    if not _share_object(effect, edge) or _does_it(comparison, effect, edge):
        return False
    return not _by_name_alone(edge) or (
        not kernel.later.search(effect.name) and _named_after(kernel, effect, edge.call.callee)
    )


def _does_it(comparison: Comparison, effect: Effect, edge: Deferral) -> bool:
    """Whether the helper that starts something does the same thing at once as well."""
    after = comparison.after
    if edge.mechanism == edge.call.callee:
        return False
    inner = [
        one
        for helper in after.callees(edge.call, edge.function.path)
        for one in after.reach(helper, _DEEPEST)
    ]
    return any(e.key == effect.key for one in inner for e in comparison.first_keys_of(one))


def _kin(comparison: Comparison, was: Function, now: Function) -> list[tuple[Deferral, Effect]]:
    """Known releases behind new edges of a function that nothing there did before."""
    known = {effect.key for effect in comparison.old.of(was)}
    return [
        (edge, effect)
        for effect in comparison.new.of(now)
        if effect.late
        and effect.kind == "row"
        and effect.visible
        and effect.key not in known
        and (edge := effect.edge) is not None
        and edge.function is now
        and comparison.lines.added(now.path, edge.line)
        and not comparison.balanced(effect)
    ]


def _of_one_family(effect: Effect, late: Effect) -> bool:
    """Whether a release later ends the same kind of thing as one that went.

    Under a lock that its caller holds a release has another name than in a callback, which
    has to take that lock: ``unregister_netdevice``, ``unregister_netdev``.
    """
    one, other = effect.known, late.known
    return one is not None and other is not None and effect.visible and one.family == other.family


def _of_kin(
    comparison: Comparison,
    was: Function,
    now: Function,
    effect: Effect,
    kin: Sequence[tuple[Deferral, Effect]],
) -> Effect | None:
    """The release of one kind behind a new edge that stands where an effect is gone."""
    if (
        not kin
        or comparison.lines.forward(was.path, effect.line) is not None
        or any(e.key == effect.key for e in comparison.first_keys_of(now))
    ):
        return None
    above, below = comparison.lines.place(was.path, effect.line)
    return next(
        (
            late
            for edge, late in kin
            if above < edge.line < below
            and _of_one_family(effect, late)
            and _share_object(effect, edge)
        ),
        None,
    )


def _unknown_starts(comparison: Comparison, now: Function) -> list[Deferral]:
    """New edges of a function to callbacks that nobody shows, known ones and named ones."""
    after, lines = comparison.after, comparison.lines
    started = list(after.deferrals_of(now))
    for call in now.calls:
        if lines.added(now.path, call.line):
            # a helper that starts it is told as if it stood here
            started += [
                replace(edge, function=now, call=call)
                for helper in after.callees(call, now.path)
                for edge in _started_below(comparison, helper)
                if not _frees_alone(comparison, after.find(edge.callback, edge.function.path))
            ]
    started += _onto_lists(comparison, now, started)
    found = [
        edge
        for edge in started
        if not edge.keeps
        and not edge.waits
        # what nobody shows of an interrupt's handler is no release: it must not sleep
        and edge.context != "hardirq"
        and lines.added(now.path, edge.line)
        and after.find(edge.callback, now.path) is None
    ]
    found += [
        Deferral(
            now, call, call.callee, None, "unknown", "eventually", None, None,
            keeps=False, waits=False,
        )
        for call in now.calls
        if _named_for_later(comparison, now, call)
    ]  # fmt: skip
    return found


def _frees_alone(comparison: Comparison, callback: Function | None) -> bool:
    """Whether a whole callback is shown, and gives memory back: what gave way is not in it."""
    return (
        callback is not None
        and callback.complete
        and all(e.kind in ("memory", "async") for e in comparison.first_keys_of(callback))
    )


def _started_before(comparison: Comparison, was: Function, effect: Effect, edge: Deferral) -> bool:
    """Whether a line above an effect did the same start: it was only written otherwise."""
    above = effect.site.conditions if effect.site is not None else ()
    return any(
        call.callee == edge.call.callee
        and call.args == edge.call.args
        and call.conditions == above[: len(call.conditions)]
        and comparison.lines.forward(was.path, call.line) is None
        for call in was.calls
    )


def _started_below(comparison: Comparison, helper: Function) -> list[Deferral]:
    """What a helper starts, by itself or in what it hands its own arguments on to."""
    after = comparison.after
    found: list[Deferral] = []
    level, seen = [helper], {key_of(helper)}
    for _ in range(_DEEPEST):
        following: list[Function] = []
        for one in level:
            found += after.deferrals_of(one)
            for call in one.calls:
                for callee in after.callees(call, one.path) if _hands_on(one, call) else ():
                    if key_of(callee) not in seen:
                        seen.add(key_of(callee))
                        following.append(callee)
        level = following
    return found


def _hands_on(function: Function, call: Call) -> bool:
    """Whether a call is given what its function was given, or something found through it."""
    given = {p.name for p in function.parameters}
    for assignment in function.assignments:
        if not given.isdisjoint(variables([assignment.value])):
            given.add(assignment.target)
    return not given.isdisjoint(variables(call.args))


def _onto_lists(
    comparison: Comparison, now: Function, started: Sequence[Deferral]
) -> list[Deferral]:
    """Items that go on a list just before something unknown is started: that may drain it.

    Where a hunk shows what drains the list, an edge leads there and tells of it.
    """
    adds, find = comparison.kernel.list_adds, comparison.after.find
    known = {id(edge.call) for edge in started if edge.handoff}
    starts = [
        edge
        for edge in started
        if not (edge.handoff or edge.keeps or edge.waits)
        and comparison.lines.added(now.path, edge.line)
        and find(edge.callback, now.path) is None
    ]
    return [
        replace(edge, call=call)
        for call in now.calls
        if call.callee in adds and id(call) not in known
        for edge in starts
        if call.line <= edge.line
    ]


def _named_for_later(comparison: Comparison, now: Function, call: Call) -> bool:
    """Whether a new call is of a helper that nobody shows and that is named for it."""
    after, kernel = comparison.after, comparison.kernel
    name = call.callee
    return (
        call.statement
        and not call.indirect
        and comparison.lines.added(now.path, call.line)
        and kernel.later.search(name) is not None
        and name not in kernel.activations
        and name not in kernel.registrations
        and name not in kernel.waits
        and name not in kernel.list_adds
        and ((row := kernel.cleanups.get(name)) is None or row.kind == "async")
        and kernel.harmless.search(name) is None
        and not after.callees(call, now.path)
    )


def _by_name_alone(edge: Deferral) -> bool:
    """Whether all that tells of a deferral is the name of a helper that nobody shows."""
    return edge.mechanism == edge.call.callee and edge.context == "unknown"


def _named_after(kernel: KernelFacts, effect: Effect, helper: str) -> bool:
    """Whether a helper is named for doing this very thing later.

    ``put_lamp_async`` is for ``put_lamp``, ``lamp_put_later`` for ``iput``,
    ``blk_queue_flag_set`` for nothing: what it has beyond the words that both begin with,
    and beyond those that say later, must say what is done.  That errs towards missing one.
    """
    mine, other = effect.name.split("_"), helper.split("_")
    while mine and other and mine[0] == other[0] and len(mine) > 1:
        mine, other = mine[1:], other[1:]
    return any(
        len(word) >= _TELLING
        and not kernel.later.search(word)
        and (word in "_".join(mine) or any(len(m) >= _TELLING and m in word for m in mine))
        for word in other
    ) or helper.startswith(effect.name)


def _share_object(effect: Effect, edge: Deferral) -> bool:
    """Whether a deferral works on a variable that the statement worked on."""
    return not variables(effect.args).isdisjoint(variables(edge.call.args))


def variables(args: Iterable[str]) -> set[str]:
    """The variables that arguments of a call speak of, without members."""
    return {word for text in args for word in _VARIABLE.findall(text)}


def _behind(effect: Effect, edge: Deferral) -> Effect:
    """The effect as the edge is taken to do it: nobody shows the callback."""
    runs = f"{edge.callback}()" if edge.callback else "code that the patch does not show"
    does = "hands it to" if edge.handoff else "runs"
    step = Step(
        edge.function.name, edge.function.path, edge.line, f"{edge.mechanism}() {does} {runs}"
    )
    return replace(
        effect,
        guarantee=edge.guarantee,
        guard=(),
        root=edge.call,
        site=None,
        where=edge.function,
        line=edge.line,
        chain=(step,),
        edge=edge,
        last=edge,
        guessed=True,
    )


def _exchanged(comparison: Comparison, known: Sequence[Loss], pairs: Sequence[_Pair]) -> list[Loss]:
    """Releases that gave way to a weaker one of the same thing."""
    told = {(key_of(loss.now), loss.key) for loss in known}
    return [
        Loss(was, now, effect.key, (effect,), (late,), "weaker")
        for was, now in pairs
        if was.name == now.name
        for effect, late in exchanged(comparison, was, now)
        if (key_of(now), effect.key) not in told and not comparison.after_failure(effect)
    ]


# -- with no edge shown ----------------------------------------------------------------


def _into_workers(
    comparison: Comparison, known: Sequence[Loss], pairs: Sequence[_Pair]
) -> list[Loss]:
    """Releases that left a function and are new in one that ran deferred already.

    Only what a table or a tree knows: a name alone moves too often.
    """
    told = {loss.key for loss in known}
    late: dict[Key, list[Effect]] = {}
    workers = frozenset(key_of(worker) for worker in comparison.workers)
    for worker in comparison.workers:
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
                and _new_here(comparison, effect)
                and not comparison.balanced(effect)
                and not taken_unseen(comparison.kernel, effect)
                and _only_deferred(comparison, effect.where, workers)
            ):
                late.setdefault(effect.key, []).append(effect)
    found: list[Loss] = []
    for was, now in pairs if late else ():
        if key_of(now) in workers or (was.name != now.name and _lives_on(comparison, was, now)):
            continue
        before_all = comparison.old.of(was)
        after_all = comparison.new.of(now)
        for key in dict.fromkeys(e.key for e in before_all if e.key in late):
            if key in told:
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
                and (not _flushed(e) or (e.edge is not None and e.edge.callback in started))
            ]
            lost = [
                effect
                for effect in _lost(comparison, was, now, before, after)
                # what was waited for was done elsewhere already: a loss of the wait, if any
                if (effect.edge is None or effect.edge.keeps)
                and not (was.name == now.name and stands(comparison, effect, ()))
                and not _cut_off(comparison, was, now, effect)
            ]
            taken = [e for e in late[key] if _near(was, e) and _same_kind(lost, e)]
            if lost and taken and not all(comparison.after_failure(e) for e in lost):
                found.append(Loss(was, now, key, tuple(lost), tuple(taken), "worker"))
    return found


def _new_here(comparison: Comparison, effect: Effect) -> bool:
    """Whether an effect's line was added to its function, or moved there from another."""
    lines = comparison.lines
    if lines.added(effect.where.path, effect.line):
        return True
    before = lines.stayed.get(effect.where.path, {}).get(effect.line)
    old = comparison.namesake(effect.where)
    return before is not None and (old is None or not old.line <= before <= old.end)


def _only_deferred(
    comparison: Comparison, function: Function, workers: frozenset[FunctionKey]
) -> bool:
    """Whether every way into a function that the images show begins in a deferred one."""
    seen = {key_of(function)}
    todo = [function]
    while todo:
        one = todo.pop()
        if key_of(one) in workers:
            continue
        callers = comparison.after.callers_of(one)
        if not callers:
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
    if loss.how != "deferred" or any(e.wait is not None for e in loss.before):
        return False
    callees = {step for e in (*loss.before, *loss.late) for step in _first_callee(e)}
    if len(callees) != 1 or any(len(e.chain) == 1 for e in (*loss.before, *loss.late)):
        return False
    (callee,) = callees
    if (callee, loss.key) in told or callee not in comparison.before.functions:
        return False
    old = [call for call in loss.was.calls if call.callee == callee[1]]
    new = [call for call in loss.now.calls if call.callee == callee[1]]
    added = partial(comparison.lines.added, loss.now.path)
    return (
        0 < len(old) <= len(new)
        and _constants(new) <= _constants(old)
        and not any(added(test.line) for call in new for test in call.conditions)
    )


def _first_callee(effect: Effect) -> list[FunctionKey]:
    return [(step.path, step.function) for step in effect.chain[1:2]]


def _constants(calls: Iterable[Call]) -> set[str]:
    return {arg for call in calls for arg in call.args if guards.is_value(arg)}


def _if_left(comparison: Comparison, loss: Loss) -> Loss | None:
    """A loss, None when every caller makes up for it.

    Where the image does not show the whole file others may call, and it is only ``held``.
    """
    if not _made_up_for(comparison, loss):
        return loss
    whole = comparison.after.known.get(loss.now.path) is None
    return None if whole or _called_otherwise(comparison, loss) else replace(loss, held=True)


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
            before = [e for e in comparison.old.of(was) if e.key == loss.key and not e.late]
            there = [e for e in comparison.new.of(caller) if e.key == loss.key]
            after = [e for e in there if not (e.late or _for_others(loss, e, call))]
            if any(_by_way_of(e, loss.now) for e in there if e.late):
                # what is left inline there is what the loss left
                after = [e for e in after if not _by_way_of(e, loss.now)]
            if not before or _lost(comparison, was, caller, before, after, loss.late):
                return False
    return True


def _for_others(loss: Loss, effect: Effect, call: Call) -> bool:
    """Whether a caller has an effect for other objects, or for what others may have started.

    Behind one pointer stand several functions, each for its own objects.
    """
    if call.indirect and effect.root is call:
        return True
    return loss.how == "worker" and _flushed(effect)


def _flushed(effect: Effect) -> bool:
    """Whether it is done by a flush of what others may have started, with no start on the way.

    A flush of a worker that ran already does what is pending: nobody says that the worker
    was started for this.
    """
    wait = effect.wait
    return wait is not None and any(one is wait for one in (effect.root, *effect.between))


def _by_way_of(effect: Effect, function: Function) -> bool:
    return any((step.path, step.function) == key_of(function) for step in effect.chain[1:])


def _nearest(found: Sequence[Loss]) -> list[Loss]:
    """Losses without what follows from one in a function that is called on the way."""
    by_place: dict[tuple[FunctionKey, Key], Loss] = {
        (key_of(loss.now), loss.key): loss for loss in found
    }

    def own(loss: Loss, effect: Effect) -> bool:
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
