"""Known releases behind new starts that took the place of what went.

The same release by another function, one of the same family, or the end of something where a
call went whose body nobody shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph.comparison import key_of
from patchlint.graph.objects import share_variable, variables
from patchlint.graph.standins import stood_for
from patchlint.graph.still_done import does_it

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.model.facts import Call, Function

    #: the call that starts something, and what is done behind it
    _Started = tuple[Call, Effect]


def kin(comparison: Comparison, was: Function, now: Function) -> list[_Started]:
    """Known releases behind new starts of a function, its own and those of helpers it calls.

    Of those that nothing there did before.
    """
    known = {effect.key for effect in comparison.old.of(was)}
    return [
        (call, effect)
        for effect in comparison.new.of(now)
        if effect.late
        and effect.kind == "row"
        and effect.visible
        and effect.key not in known
        and (call := _start(now, effect)) is not None
        and comparison.lines.added(now.path, call.line)
        and not comparison.balanced(effect)
    ]


def _start(now: Function, effect: Effect) -> Call | None:
    """The call of a function that starts what does an effect later, or that of a helper which does.

    A start that is put into a helper of its own is the same start.
    """
    edge = effect.edge
    if edge is None or edge.function is now:
        return None if edge is None else edge.call
    first = effect.chain[0]
    told = [call for call in now.calls if call.line == first.line]
    return told[0] if len(told) == 1 and first.function == now.name else None


def _of_one_family(effect: Effect, late: Effect) -> bool:
    """Whether a release later ends the same kind of thing as one that went.

    Under a lock that its caller holds a release has another name than in a callback, which
    has to take that lock: ``unregister_netdevice``, ``unregister_netdev``.
    """
    one, other = effect.known, late.known
    return one is not None and other is not None and effect.visible and one.family == other.family


def by_another_name(
    comparison: Comparison, was: Function, now: Function, behind: Sequence[_Started]
) -> Iterator[tuple[Effect, Effect]]:
    """Releases in helpers that went, with what releases the very same behind a new edge.

    By their rows: a helper took an entry out by its name, and the callback has a pointer to it.
    Where the start stands says nothing, since a callback takes a whole teardown along.
    """
    after = [e for e in comparison.new.of(now) if not e.late] if behind else []
    for effect in comparison.old.of(was) if behind else ():
        root = effect.root
        if (
            root is None
            or len(effect.chain) == 1
            or effect.late
            or effect.kind != "row"
            or comparison.lines.forward(was.path, effect.root_line) is not None
            or comparison.balanced(effect)
            or comparison.after_failure(effect)
            or any(_same_release(effect, e) for e in after)
        ):
            continue
        shared = variables(root.args)
        found = (
            late
            for call, late in behind
            if _same_release(effect, late) and not shared.isdisjoint(variables(call.args))
        )
        late = next(found, None)
        if late is not None:
            yield effect, late


def _same_release(effect: Effect, other: Effect) -> bool:
    """Whether two known functions release the same thing, as their rows say it."""
    one, two = effect.known, other.known
    return (
        one is not None
        and two is not None
        and effect.visible
        and (one.family, one.releases) == (two.family, two.releases)
    )


def successor(
    comparison: Comparison,
    was: Function,
    now: Function,
    effect: Effect,
    behind: Sequence[_Started],
    ends: Sequence[_Started],
) -> tuple[Effect, Effect] | None:
    """What a statement that went is taken to have done, and the release that does it later now.

    ``behind`` is the :func:`kin` of its function, ``ends`` are its :func:`new_ends`.
    """
    other = _of_kin(comparison, was, now, effect, behind)
    if other is not None:
        return effect, other
    end = _behind_call(comparison, was, now, effect, ends)
    return None if end is None else _as_told(effect, end)


def _of_kin(
    comparison: Comparison, was: Function, now: Function, effect: Effect, behind: Sequence[_Started]
) -> Effect | None:
    """The release of one kind behind a new edge of ``now`` that stands where an effect is gone."""
    standing = _in_its_place(comparison, was, effect, behind)
    return next(
        (
            late
            for _, late in standing
            if late.edge is not None and late.edge.function is now and _of_one_family(effect, late)
        ),
        None,
    )


def _in_its_place(
    comparison: Comparison, was: Function, effect: Effect, started: Sequence[_Started]
) -> Iterator[_Started]:
    """What is started between the kept lines around an effect, on an object of its arguments."""
    above, below = comparison.lines.place(was.path, effect.line)
    for call, late in started:
        if above < call.line < below and share_variable(effect.args, call.args):
            yield call, late


def new_ends(comparison: Comparison, now: Function) -> list[_Started]:
    """Releases behind new edges of a function that nothing in the images did before.

    Not those that give back what the function takes for its callback.
    """
    fresh = [
        (start, effect)
        for effect in comparison.new.of(now)
        if effect.late
        and effect.kind in ("row", "named")
        and effect.visible
        and not effect.guessed
        and (start := _start(now, effect)) is not None
        and comparison.lines.added(now.path, start.line)
        and key_of(effect.where) in comparison.altered
        and effect.site is not None
        and not comparison.balanced(effect)
        and not any(
            effect.site.callee in comparison.kernel.references.get(call.callee, ())
            for call in now.calls
        )
    ]
    return [one for one in fresh if one[1].key not in comparison.first_keys]


def _behind_call(
    comparison: Comparison,
    was: Function,
    now: Function,
    effect: Effect,
    ends: Sequence[_Started],
) -> Effect | None:
    """The release that a call most likely did whose body nobody shows, and that a callback does.

    The call is gone, and the callback is started in its place on an object of its arguments:
    who did the one there did the other.  Errs towards a finding too many where the callback is
    new work.
    """
    if effect.kind not in ("row", "named", "opaque") or (
        effect.kind == "row" and not effect.visible
    ):
        return None
    if stood_for(was):
        # what stood in a table was called in the place of all of it
        return next((end for _, end in ends), None)
    return next(
        (
            end
            for start, end in _in_its_place(comparison, was, effect, ends)
            if not does_it(comparison, was, effect, now, start)
        ),
        None,
    )


def _as_told(effect: Effect, end: Effect) -> tuple[Effect, Effect]:
    """A call whose body nobody shows as what it most likely did, and that as it is done later.

    What a table knows of the call stays what is lost.
    """
    if effect.known is not None:
        return effect, replace(end, key=effect.key, kind=effect.kind, known=effect.known)
    step = effect.chain[-1]
    said = replace(step, note=f"{step.note}, whose body no hunk shows")
    done = replace(
        effect,
        key=end.key,
        kind=end.kind,
        known=end.known,
        guarantee=end.known.task if end.known is not None else effect.guarantee,
        chain=(*effect.chain[:-1], said),
        put="",
    )
    return done, end
