"""Whether what is still done in the call is done on fewer ways than it was.

An inline effect is *confined* when it stands under a new test that the deferral does not
share, when control that passed the deferral leaves before it, or when a new store turns
its test.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.graph import branches, guards
from patchlint.graph.objects import parted, strip_expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.follow import Lines
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Call, Function

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]

_Sign = tuple[str, bool]
#: the member that a test of one ends in
_MEMBER: Final = re.compile(r"(?:->|\.)[A-Za-z_]\w*$")


def confined(comparison: Comparison, pair: _Pair, effect: Effect, sent: Sent) -> Atom | bool | None:
    """Why an inline effect is not done on all the ways that it was; None when it is.

    The test that it stands under and did not before; True when control that passed a deferral
    leaves before it, or a new store turns the test that it stands under.  ``sent`` tells of
    the deferrals and of what was done before.
    """
    was = pair[0]
    for atom in effect.guard:
        # a release that was moved below an old test is split by it like one below a new test
        if (
            (
                _excludes(atom, sent)
                or asked_anew(comparison, was, atom)
                or _moved_below(comparison, pair[1], effect, atom, sent)
            )
            # one that stands above the deferral as well tells the two from each other nowhere
            and atom.sign not in sent.shared
            and not leaves_others(comparison, atom)
            and not _fails_otherwise(comparison, pair, effect, atom)
        ):
            return atom
    return True if sent_elsewhere(comparison, pair, effect, sent) else None


def tested_anew(comparison: Comparison, pair: _Pair, effect: Effect) -> Atom | None:
    """The new test above an inline effect, or the old one that a new store turns; None if none."""
    was, now = pair
    stores = frozenset(_new_stores(comparison, [now]))
    for atom in effect.guard[: effect.outer] if effect.edge is not None else effect.guard:
        new = asked_anew(comparison, was, atom) or _turned(stores, atom)
        if (
            new
            and not leaves_others(comparison, atom)
            and not _fails_otherwise(comparison, pair, effect, atom)
            and not _remembers(comparison, effect, atom)
            and not _is_there(comparison, effect, atom)
        ):
            return atom
    return None


def _is_there(comparison: Comparison, effect: Effect, atom: Atom) -> bool:
    """Whether a test above a wait asks whether there is what it waits for.

    ``if (lamp_thread) kthread_stop(lamp_thread);``: where there is none nobody is waited for.
    """
    wait = effect.wait or (effect.site if effect.key[0] == "wait" else None)
    asked = strip_expression(atom.text)
    return (
        wait is not None
        and atom.positive
        and (effect.wait is None or any(atom.within(one) for one in _waiting(comparison, effect)))
        and any(_begins_with(strip_expression(text), asked) for text in wait.args)
    )


def _begins_with(path: str, start: str) -> bool:
    """Whether an object is another one or a part of it: ``lamp->work`` of ``lamp``."""
    rest = path.removeprefix(start)
    return path.startswith(start) and (not rest or rest.startswith(("->", ".")))


def _waiting(comparison: Comparison, effect: Effect) -> tuple[Function, ...]:
    """The functions on the ways to a wait."""
    pending = (effect.pending,) if effect.pending is not None else ()
    return (*pending, *comparison.holders(effect))


def _remembers(comparison: Comparison, effect: Effect, atom: Atom) -> bool:
    """Whether a test above a wait asks what the way to the wait has itself noted before.

    ``lamp->leaving = true;``, then ``if (lamp->leaving) wait_for_completion(&lamp->gone);``: that
    there is something to wait for.  Errs towards silence where the note was made for less.
    """
    if effect.wait is None and effect.key[0] != "wait":
        return False
    member = _MEMBER.search(atom.text)
    holders = _waiting(comparison, effect)
    return member is not None and any(
        store.line < atom.line or not atom.within(holder)
        for holder in holders
        for store in holder.stores
        if store.op == "="
        and store.target.endswith(member[0])
        and (store.value in ("true", "1")) == atom.positive
        and store.value in ("true", "false", "0", "1")
    )


def sent_elsewhere(comparison: Comparison, pair: _Pair, effect: Effect, sent: Sent) -> bool:
    """Whether control that passed a deferral leaves before an effect, or a store turns its test."""
    now = pair[1]
    for holder, firsts in sent.holders:
        here = comparison.asked.calls_of(holder)
        rest = [call for call in effect.calls if id(call) in here]
        if any(
            _sent_past(comparison, holder, first, call)
            and not (holder is now and _sent_past_before(comparison, pair, first, sent.roots))
            for first in (firsts if rest else ())
            for call in rest
        ):
            return True
    return bool(sent.stores) and any(
        _turned(sent.stores, atom) and not _fails_otherwise(comparison, pair, effect, atom)
        for atom in effect.guard
    )


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
    comparison: Comparison, pair: _Pair, first: Call, roots: Sequence[Call]
) -> bool:
    """Whether control that passed ``first`` never came to the ``roots`` of what was done before.

    Of two ways of one choice, with no new test above the one, each stays what it was, also
    where it is written with other arguments.
    """
    was, now = pair
    lines = comparison.lines
    added = partial(lines.added, now.path)
    if any(added(condition.line) for condition in first.conditions):
        return False
    old = [
        call
        for call in was.calls
        if call.callee == first.callee and _stands_at(lines, was, call, first.line)
    ]
    return bool(old and roots) and all(branches.skips(was, old[0], root) for root in roots)


def _stands_at(lines: Lines, was: Function, call: Call, line: int) -> bool:
    """Whether a call before is on a line after, or that line is new between its kept ones."""
    kept = lines.forward(was.path, call.line)
    if kept is not None:
        return kept == line
    above, below = lines.place(was.path, call.line)
    return above < line < below


class Sent(Struct, frozen=True):
    """Under which tests something is late: those that all of it is under, and those above any.

    ``stood`` are the tests above what was done before, ``roots`` the calls that it began on.
    ``holders`` are the functions on the ways down to the deferrals with the calls of them
    there, ``stores`` the new stores that they make: the last member, and whether it is one,
    since a variable is no member of the same name.
    """

    shared: frozenset[_Sign]
    some: frozenset[_Sign]
    stood: frozenset[_Sign]
    roots: tuple[Call, ...]
    holders: tuple[tuple[Function, tuple[Call, ...]], ...]
    stores: frozenset[tuple[str, bool]]

    @classmethod
    def by(
        cls,
        comparison: Comparison,
        now: Function,
        late: Sequence[Effect],
        before: Sequence[Effect],
    ) -> Sent:
        """By what is late on each way of ``now``, and by what was done before."""
        each = [comparison.asked.above(effect) for effect in late]
        holders, stores = _ways(comparison, now, late)
        return cls(
            frozenset.intersection(*(_stands_under(comparison, effect) for effect in late)),
            frozenset().union(*(tests.choices for tests in each)),
            frozenset(atom.sign for effect in before for atom in effect.guard),
            tuple(effect.root for effect in before if effect.root is not None),
            holders,
            stores,
        )


def _stands_under(comparison: Comparison, late: Effect) -> frozenset[_Sign]:
    """What is asked above something late, below the deferral as well: both sides ask that.

    What a callback asks anew, since it may come out otherwise by then, counts as above it.
    """
    above = comparison.asked.above(late).signs
    below = comparison.asked.all_of(late).signs
    return above | {(head, side) for head, side in below if (head, not side) not in above}


def _ways(
    comparison: Comparison, now: Function, late: Sequence[Effect]
) -> tuple[tuple[tuple[Function, tuple[Call, ...]], ...], frozenset[tuple[str, bool]]]:
    """The holders and the new stores of all ways down to what is late."""
    # functions and calls are one when they are the same: to compare them is to walk them
    functions: dict[int, Function] = {}
    along: dict[int, Function] = {}
    firsts: dict[int, dict[int, Call]] = {}
    for effect in late:
        edge = effect.edge
        if edge is None:
            continue
        own = _on_the_way(comparison, now, effect)
        along.update((id(one), one) for one in own)
        way = {id(call): call for call in (edge.call, *effect.way)}
        order = {one: place for place, one in enumerate(way)}
        ways = frozenset(way)
        for holder in (edge.function, *own):
            functions[id(holder)] = holder
            # of a long way each holder makes one call or two: they are found, not tried
            here = sorted(ways & comparison.asked.calls_of(holder), key=order.__getitem__)
            firsts.setdefault(id(holder), {}).update((one, way[one]) for one in here)
    holders = tuple(
        (holder, tuple(calls.values()))
        for place, holder in functions.items()
        if (calls := firsts[place])
    )
    return holders, frozenset(_new_stores(comparison, along.values()))


def _new_stores(comparison: Comparison, along: Iterable[Function]) -> Iterator[tuple[str, bool]]:
    for function in along:
        old = comparison.namesake(function)
        # a line that was only written anew stores what it stored
        stood = (
            {store.target for store in old.stores if not guards.is_value(store.value)}
            if old
            else ()
        )
        for store in function.stores:
            if comparison.lines.added(function.path, store.line) and (
                store.target not in stood or guards.is_value(store.value)
            ):
                above, last = parted(store.target)
                yield last.strip(), bool(above)


def asked_anew(comparison: Comparison, was: Function, atom: Atom) -> bool:
    """Whether a test is new in the series, and nothing asked the same in ``was``.

    What is put in for a parameter or a flag decides like the test that it is put into.
    """
    if _became_parameter(comparison, was, atom.head):
        return True
    return comparison.lines.made(atom.places) and atom.head not in comparison.asked_in(was)


def _became_parameter(comparison: Comparison, was: Function, name: str) -> bool:
    """Whether a variable of a function is what its callers pass after: another thing is asked."""
    now = comparison.heir(was)
    return (
        now is not None
        and any(one.name == name for one in was.locals)
        and any(one.name == name for one in now.parameters)
    )


def _excludes(atom: Atom, sent: Sent) -> bool:
    """Whether a test that no release before stood under sends others into the deferral."""
    return atom.sign not in sent.stood and atom.opposite in sent.some


def _moved_below(
    comparison: Comparison, now: Function, effect: Effect, atom: Atom, sent: Sent
) -> bool:
    """Whether the series moved an effect below an old test that what it did stood under nowhere.

    Where no hunk shows what the test is the other side of, the deferral's own tests do not tell.
    """
    return (
        effect.root is not None
        and not atom.early
        and atom.sign not in sent.stood
        and atom.within(now)
        and comparison.lines.added(now.path, effect.root.line)
        and not now.complete
    )


def leaves_others(comparison: Comparison, atom: Atom) -> bool:
    """Whether a new test only sends what is no task another way."""
    return guards.asks_for_context(comparison.kernel, atom.turned)


def _fails_otherwise(comparison: Comparison, pair: _Pair, effect: Effect, atom: Atom) -> bool:
    """Whether who does not pass a test that leaves early gets an error code: it all failed.

    A new way to fail sends nobody into a deferral.  The chain of what is waited for begins with who
    started it: the test may stand in the function that waits.
    """
    if not atom.early:
        return False
    failed = guards.leaves_failed(comparison.kernel, atom)
    return any(
        comparison.kernel.error_value.search(leave.value) is not None
        or (failed and leave.value == atom.text)
        for holder in (pair[1], *comparison.holders(effect))
        if atom.within(holder)
        for leave in holder.exits
        if (block := [c for c in leave.conditions if not c.early]) and block[-1].line == atom.line
    )


def done_on_both(
    effect: Effect, atom: Atom, others: Sequence[Effect], elsewhere: Callable[[Effect], bool]
) -> bool:
    """Whether the other side of a test does the same, on the same call: both do it.

    One to which control that comes to the deferral does not come, ``elsewhere``, counts for none.
    """
    rest = {one.sign for one in effect.guard if one is not atom}
    return any(
        other.root is effect.root
        and atom.opposite in (signs := {one.sign for one in other.guard})
        and signs - {atom.opposite} <= rest
        and not elsewhere(other)
        for other in others
    )


def _turned(stores: frozenset[tuple[str, bool]], atom: Atom) -> bool:
    """Whether one of some stores, new in the series, decides the test."""
    return (atom.head, not atom.text.isidentifier()) in stores


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
