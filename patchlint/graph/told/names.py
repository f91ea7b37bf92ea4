"""What a finding names: the release that stands for all, what moved along, who does it all.

What lies far below, or is known by its name alone, is not named beside another: errs towards a
list too short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from patchlint.graph.effect import class_of
from patchlint.graph.levels import FAR
from patchlint.graph.strength import shown_of, strength

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss


class Others(Struct, frozen=True):
    """What moved along with the release that is told, as :class:`Downgrade` has it."""

    also: tuple[str, ...] = ()
    inner: frozenset[str] = frozenset()
    carrier: str = ""


def others(
    comparison: Comparison, losses: Sequence[Loss], main: Loss, effect: Effect, late: Effect
) -> Others:
    """What else is lost behind one deferral, beside the ``effect`` of the ``main`` loss."""
    more = [
        loss
        for loss in losses
        if loss is not main and strength(loss.before[0]) > (1 if _is_near(loss) else 2)
    ]
    beside = [
        shown
        for loss in more
        # what is done inside of it is no other thing
        if (shown := shown_of(comparison, loss)).name != effect.name
        and not _inside(shown, effect.name)
        # what others start, and a wait of that kind is for as well, is another matter
        and shown.chain[0].function == effect.chain[0].function
    ]
    if not beside:
        return Others()
    return Others(
        also=tuple(dict.fromkeys(map(_listed, beside))),
        inner=_inner(beside),
        carrier=_carrier(effect, late, more),
    )


def as_called(
    comparison: Comparison, losses: Sequence[Loss], effect: Effect, late: Effect
) -> Effect:
    """An effect, told as the known release that the losing function called for all it lost.

    Where that tells more: what is late may do what that release does without a call of it.  A
    helper that is named for an end and of which lines are missing does more than they show.
    """
    if len(effect.chain) == 1:
        return effect
    step, called = effect.chain[:2]
    row = comparison.kernel.cleanups.get(called.function)
    if row is None:
        if effect.known is not None or not _shown_in_part(comparison, losses, called.function):
            return effect
        note = f"{called.function}()"
        key = ("call", called.function)
        return replace(effect, key=key, kind="named", chain=(replace(step, note=note),), put="")
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


def _shown_in_part(comparison: Comparison, losses: Sequence[Loss], helper: str) -> bool:
    """Whether all that is lost was done by one call of an end of which lines are missing."""
    return (
        comparison.kernel.teardown.search(helper) is not None
        and any(loss.key[0] == "gap" for loss in losses)
        and all(
            [step.function for step in effect.chain[1:2]] == [helper]
            for loss in losses
            for effect in loss.before
        )
    )


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
    edge = late.hop
    called = edge.callback if edge is not None else names[0]
    return set(names[names.index(called) + 1 :]) if called in names else set()
