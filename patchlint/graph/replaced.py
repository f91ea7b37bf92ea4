"""Statements that gave way to the start of something that nobody shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.comparison import key_of
from patchlint.graph.confined import Sent, confined
from patchlint.graph.loss import Loss
from patchlint.graph.objects import share_variable
from patchlint.graph.still_done import called_by_its_new_name, does_it, is_gone
from patchlint.graph.successors import by_another_name, kin, new_ends, successor
from patchlint.graph.unseen_starts import by_name_alone, unknown_starts
from patchlint.graph.waits import SIGNALLED, wait_matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from patchlint.graph.build import Deferral
    from patchlint.graph.comparison import Comparison, FunctionKey
    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Function
    from patchlint.model.kernel import KernelFacts

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]


#: letters of a word that tells what is done
_TELLING: Final = 3


def replaced(
    comparison: Comparison, told: Collection[tuple[FunctionKey, Key]], pairs: Sequence[_Pair]
) -> Iterator[Loss]:
    """Statements that gave way to a deferral whose callback nobody shows, but for those ``told``.

    The statement is gone with no counterpart; between the same kept lines stands a new
    queueing, or a call that is named for it, on an object of its arguments.
    """
    for was, now in pairs:
        if was.name != now.name:
            continue
        starts = [
            e for e in unknown_starts(comparison, was, now) if not _spares(comparison, now, e)
        ]
        behind = kin(comparison, was, now)
        ends = new_ends(comparison, now)
        if not starts and not behind and not ends:
            continue
        mine = {key for function, key in told if function == key_of(was)}
        for effect, late in by_another_name(comparison, was, now, behind):
            if effect.key not in mine:
                yield Loss(was, now, effect.key, (effect,), (late,), "replaced")
        for effect in _statements(comparison, was, now, mine):
            known = (
                successor(comparison, was, now, effect, behind, ends)
                if is_gone(comparison, was, now, effect)
                else None
            )
            if known is not None:
                done, late = known
                yield Loss(was, now, done.key, (done,), (late,), "replaced")
                continue
            edge, narrowed = _gave_way(comparison, was, now, effect, starts)
            if edge is not None:
                late = _behind(effect, edge)
                yield Loss(was, now, effect.key, (effect,), (late,), "replaced", narrowed)


def _statements(
    comparison: Comparison, was: Function, now: Function, told: Collection[Key]
) -> Iterator[Effect]:
    """What a function before does itself that may have given way to something else."""
    for effect in comparison.first_leaves(was):
        if not (
            effect.kind in ("memory", "async", "store", "gap")
            or effect.site is None
            or effect.key in told
            or comparison.after_failure(effect)
            or called_by_its_new_name(comparison, was, now, effect)
        ):
            yield effect


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
                above <= edge.line < below
                and _stands_for(comparison, was, effect, edge)
                and not _started_before(comparison, was, effect, edge)
            ):
                return edge, None
        return None, None
    before = sum(e.key == effect.key for e in comparison.first_leaves(was))
    if effect.kind != "row" or not effect.visible or len(left) != before:
        # what no table knows is kept from some ways by many changes
        return None, None
    for edge in starts:
        if (
            by_name_alone(edge)
            or not _stands_for(comparison, was, effect, edge)
            or _started_before(comparison, was, effect, edge)
        ):
            continue
        guard = comparison.new.terms.guard(now, edge.conditions)
        late = replace(_behind(effect, edge), guard=guard, outer=len(guard))
        sent = Sent.by(comparison, now, [late], [effect])
        reasons = [
            confined(comparison, (was, now), e, sent)
            for e in left
            if line is None or e.line == line
        ]
        if reasons and all(reason is not None for reason in reasons):
            return edge, next((r for r in reasons if isinstance(r, guards.Atom)), None)
    return None, None


def _spares(comparison: Comparison, now: Function, edge: Deferral) -> bool:
    """Whether a start is only for what is no task, or waited for on the same way."""
    if comparison.for_no_task(now, edge):
        return True
    waits = comparison.kernel.waits
    return any(
        (row := waits.get(call.callee)) is not None
        and row.restores
        and call.line > edge.line
        and (
            wait_matches(comparison.after, edge, now, call)
            # whose completion it is the callback would tell
            or (row.kind in SIGNALLED and comparison.lines.added(now.path, call.line))
        )
        for call in now.calls
    )


def _stands_for(comparison: Comparison, was: Function, effect: Effect, edge: Deferral) -> bool:
    """Whether a start may do what a statement did, on an object of its arguments."""
    kernel = comparison.kernel
    if not share_variable(effect.args, edge.call.args) or (
        edge.mechanism != edge.call.callee
        and does_it(comparison, was, effect, edge.function, edge.call)
    ):
        return False
    return not by_name_alone(edge) or (
        not kernel.later.search(effect.name) and _named_after(kernel, effect, edge.call.callee)
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


def _behind(effect: Effect, edge: Deferral) -> Effect:
    """The effect as the edge is taken to do it: nobody shows the callback."""
    runs = f"{edge.callback}()" if edge.callback else "code that the patch does not show"
    return replace(
        effect,
        guarantee=edge.guarantee,
        guard=(),
        root=edge.call,
        site=None,
        where=edge.function,
        line=edge.line,
        chain=(edge.step(runs),),
        edge=edge,
        last=edge,
        guessed=True,
    )
