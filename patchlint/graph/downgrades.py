"""Losses in, downgrades out: one for each function and edge, with level and both chains.

What is told of each is put together in :func:`_told`, from the parts of ``graph/told``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.chains import after_chain, before_chain, entries_in_images
from patchlint.graph.levels import volume
from patchlint.graph.loss import OF_A_WAIT
from patchlint.graph.losses import find as find_losses
from patchlint.graph.old_context import OldContext, old_context
from patchlint.graph.proofs import proved
from patchlint.graph.roles import body_moved, ends_something, has_ending_form, known_release
from patchlint.graph.standins import stood_for
from patchlint.graph.strength import main_loss, shown_of, weight
from patchlint.graph.told import later, names, position, timing
from patchlint.graph.told.claims import refused
from patchlint.graph.told.condition import condition_of
from patchlint.graph.told.shape import goes_on, shape_of
from patchlint.graph.told.traits import traits
from patchlint.graph.told.wording import words_of
from patchlint.model.effect import LIMITED, LOUD, STRUCTURAL, Downgrade, Ground, Promise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Class, Effect
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import Loss
    from patchlint.model.effect import EntryChain
    from patchlint.model.kernel import Cleanup

#: what is done by these is no release by anything that is known of it: work of any kind
_WORK: Final[tuple[Class, ...]] = ("opaque", "store", "indirect")


def find(comparison: Comparison) -> tuple[Downgrade, ...]:
    """All downgrades of one step, the most telling first."""
    groups: dict[tuple[object, ...], list[Loss]] = {}
    for loss in find_losses(comparison):
        late = later.shown(comparison, loss)
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


def _told(comparison: Comparison, losses: list[Loss], old: OldContext, doubt: str) -> Downgrade:
    """One downgrade: what was lost and by when it was done, what does it now, and how loud."""
    main = main_loss(comparison, losses)
    late = later.shown(comparison, main)
    effect = names.as_called(comparison, losses, shown_of(comparison, main), late)
    row = known_release(comparison, main)
    released = effect.known or row
    condition = condition_of(comparison, main, late)
    entries, grounds = _entries(comparison, main, late, old, condition)
    # who is told beside them makes nothing louder
    # where the condition proves who comes there nobody else does
    beside = () if grounds is not old.reasons else _beside(entries, old)
    told = (*entries, *beside) if entries else old.classes
    seen = replace(old, task=old.task or bool(entries), doubt=old.doubt or doubt)
    loud = volume(comparison, losses, seen)
    # a wait that ends after some time mostly ends when all is done
    limited = timing.limited(comparison, main)
    doubtful = late.guessed or limited or _may_be_in_time(main, effect, late, row)
    shown = bool(entries) and old.certain and not doubtful
    level = "error" if shown and loud.level == "warning" else loud.level
    others = names.others(comparison, losses, main, effect, late)
    context, mechanism, callback, by_when = later.done(comparison, late)
    gone = timing.gone(comparison, main, effect)
    path, line = position.place(comparison, main, late, gone)
    shape = shape_of(comparison, main, late)
    return Downgrade(
        shape=shape,
        cleanup=effect.name,
        family=released.family if released else STRUCTURAL,
        also=others.also,
        inner=others.inner,
        carrier=others.carrier,
        function=main.now.name,
        predecessor=_predecessor(comparison, main),
        own=later.frees_own(comparison, late),
        path=path,
        line=line,
        side="pre" if gone is not None else "post",
        patch=0,
        before=Promise(
            "task" if entries else old.shown,
            "after-wait" if effect.wait is not None else effect.guarantee,
            before_chain(comparison, main, effect, told),
            many=old.many,
            wait=timing.wait_before(main, effect),
        ),
        after=Promise(
            context,
            by_when,
            after_chain(comparison, main, late, told),
            mechanism,
            callback,
            delay=timing.delay(comparison, late),
            wait=timing.wait_now(comparison, main),
            last=later.last_callback(late),
        ),
        condition=words_of(comparison, main, late, condition) if condition else None,
        level_cap=level,
        confidence=_confidence(comparison, effect, old, bool(entries), level, guessed=late.guessed),
        reasons=(*loud.reasons, *([LIMITED] if limited else ()), *_known(row), *grounds),
        what=effect.act,
        entry_points=told,
        weight=weight(effect) + (LOUD if level != "note" else 0),
        home=main.now.path,
        lost=position.lost(losses),
        leading=position.leading(comparison, main, late, condition),
        runs_on=main.runs,
        waited=timing.waited(gone, effect),
        limit=timing.limit(comparison, main) if limited else "",
        traits=traits(comparison, main, late),
        awaited=timing.awaited(effect),
        refused=refused(comparison, losses),
        args=effect.args,
        in_vain=late.vain.callee if late.vain is not None else "",
        body=shape == "moved-body" and not goes_on(comparison, main),
        work=shape != "moved-body"
        and row is None
        and all(_is_work(comparison, loss) for loss in losses),
    )


def _is_work(comparison: Comparison, loss: Loss) -> bool:
    """Whether nothing tells that what was lost ends anything.

    Lines that no hunk shows are told of where an operation that ends something came to them, and
    where they are the rest of a release by its name.
    """
    kind = loss.before[0].kind
    if kind == "gap":
        named = has_ending_form(comparison.kernel, loss.was) or ends_something(comparison, loss)
        return not named
    return kind in _WORK


def _entries(
    comparison: Comparison, main: Loss, late: Effect, old: OldContext, condition: Atom | None
) -> tuple[tuple[EntryChain, ...], tuple[Ground, ...]]:
    """The entry points that lose it, and what speaks for a task.

    Where the condition proves that some system calls alone come there it is those.  It makes no
    task of a path that nothing else shows as one.
    """
    found = old.entries or entries_in_images(comparison.after, main.now, late.guard)
    # in another function the task that is asked may be a parameter
    if condition is None or not condition.within(main.now):
        return found, old.reasons
    alone = proved(comparison.kernel, condition, main.now, found) if found else ()
    if not alone:
        return found, old.reasons
    names = " and ".join(f"{entry.name}(2)" for entry in alone)
    ground = Ground(f"reached by a task: `{guards.said(condition)}` holds in {names} alone")
    return alone, (ground, *(one for one in old.reasons if one.also_by is not None))


def _beside(entries: Sequence[EntryChain], old: OldContext) -> tuple[EntryChain, ...]:
    """What helpers of everybody on other ways are called for, where no entry says the same.

    Operations of which nobody is known to wait (``said``) are told where nothing else is.
    """
    said = {one.event for one in entries}
    return tuple(one for one in old.classes if not one.said and one.event not in said)


def _may_be_in_time(main: Loss, effect: Effect, late: Effect, row: Cleanup | None) -> bool:
    """Whether what is late may be done by when user space waits for it after all.

    What is done before the return to user space no system call loses, what unseen lines do nobody
    knows for sure, nor what somebody else has done when he ends a wait.
    """
    return (
        late.guarantee == "before-return-to-user"
        or effect.kind == "gap"
        or (main.how == "unawaited" and row is None)
    )


def _known(row: Cleanup | None) -> tuple[Ground, ...]:
    """What a row of the losing function itself says."""
    return (Ground(f"{row.name}() is known to release {row.releases}"),) if row is not None else ()


def _confidence(
    comparison: Comparison,
    effect: Effect,
    old: OldContext,
    entries: bool,
    level: str,
    *,
    guessed: bool,
) -> str:
    """How sure it is; what a tree shows to come to a known release is in no table itself."""
    task = old.task or entries
    if level == "note" or guessed:
        return "low"
    if effect.known is None or effect.known is comparison.derived.get(effect.name):
        return "medium" if task else "low"
    return "high" if task else "medium"


def _predecessor(comparison: Comparison, main: Loss) -> str:
    """The function before whose place the losing one took, where that is no mere renaming.

    It has its own name still, or its body is what is called back now.
    """
    was = main.was
    another = was.name != main.now.name and (
        comparison.heir(was) is not None or body_moved(comparison, main)
    )
    return stood_for(was) or (was.name if another else "")


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
