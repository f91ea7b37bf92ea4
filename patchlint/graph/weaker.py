"""Releases that gave way to a weaker one of the same thing, with nothing queued.

A call that has released something when it returns is exchanged for one that does it later by
itself: at the return to user space, or at any time.  Both are known by their rows, and so is
when each is done.  That they are of one thing is told by the argument, or by the family and a
variable that both are given; an open file can hold anything, so that its put is of any family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph.bindings import argument
from patchlint.graph.build import Deferral
from patchlint.graph.objects import variables
from patchlint.model.context import weaker
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.summary import Summaries
    from patchlint.model.context import Context
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import Cleanup, KernelFacts

#: calls in calls that are looked through for a release that only went into a helper
_DEPTH: Final = 2


def exchanged(
    comparison: Comparison, was: Function, now: Function
) -> Iterator[tuple[Effect, Effect]]:
    """Each release of ``was`` that a weaker one stands for in ``now``, with that one.

    The first is gone with no counterpart, the second is new between the same kept lines; each
    call stands for one release at most.
    """
    lines, kernel = comparison.lines, comparison.kernel
    fresh = [
        (call, row)
        for call in now.calls
        if (row := kernel.cleanups.get(call.callee)) is not None
        and row.visible
        and row.kind != "inherit"
        and call.callee not in kernel.twins
        and lines.added(now.path, call.line)
    ]
    if not fresh or any(_waits(comparison, now, call) for call in now.calls):
        return
    for effect in comparison.first_leaves(was):
        strong = effect.known
        if (
            strong is None
            or effect.site is None
            or effect.late
            or not effect.visible
            or lines.forward(was.path, effect.line) is not None
        ):
            continue
        if strong.name in _added(comparison, now):
            # it is still there, with other arguments or in another place
            continue
        above, below = lines.place(was.path, effect.line)
        for place, (call, row) in enumerate(fresh):
            if (
                above < call.line < below
                and weaker(row.task, effect.guarantee)
                and _of_one_thing(comparison, was, now, (effect.site, strong), (call, row))
            ):
                yield effect, _late(effect, now, call, row)
                del fresh[place]
                break


def unkept(comparison: Comparison, was: Function, now: Function) -> Iterator[tuple[Effect, Effect]]:
    """What no line shows of a callback that a task ran for sure, and runs by chance now.

    The same is given to the same function, on a line that was written anew, in a way which
    keeps the promise no more: ``task_work_add(task, &work, TWA_NONE)``.
    """
    old, new, lines = comparison.before, comparison.after, comparison.lines
    for edge in new.deferrals_of(now):
        name = edge.callback
        row = comparison.kernel.activations.get(edge.mechanism)
        if row is None or not row.keeps or edge.keeps or name is None:
            continue
        if not lines.added(now.path, edge.line) or new.find(name, now.path) is not None:
            continue
        target = argument(edge.call, row.object_arg)
        kept = next(
            (
                one
                for one in old.deferrals_of(was)
                if one.keeps
                and one.mechanism == edge.mechanism
                and argument(one.call, row.object_arg) == target
                and lines.forward(was.path, one.line) is None
            ),
            None,
        )
        if kept is not None:
            yield _run(comparison.old, was, kept, name), _run(comparison.new, now, edge, name)


def _run(side: Summaries, function: Function, edge: Deferral, name: str) -> Effect:
    """What an edge runs that no line shows, as one call by its name."""
    late = side.leaves.run(function, edge, name)
    # what is sure to be done in time is no deferral
    return replace(late, edge=None, last=None, kept=edge) if edge.keeps else late


def _added(comparison: Comparison, now: Function) -> set[str]:
    """What a function calls on new lines, by itself or in what it calls from there."""
    after, lines = comparison.after, comparison.lines
    fresh = [call for call in now.calls if lines.added(now.path, call.line)]
    below = (callee for call in fresh for callee in after.callees(call, now.path))
    inner = (one for callee in below for one in after.reach(callee, _DEPTH))
    return {call.callee for call in fresh} | {c.callee for one in inner for c in one.calls}


def _waits(comparison: Comparison, now: Function, call: Call) -> bool:
    """Whether a call, new in the series, waits for what was put off."""
    row = comparison.kernel.waits.get(call.callee)
    return row is not None and row.restores and comparison.lines.added(now.path, call.line)


def _of_one_thing(
    comparison: Comparison,
    was: Function,
    now: Function,
    strong: tuple[Call, Cleanup],
    weak: tuple[Call, Cleanup],
) -> bool:
    """Whether two releases are of one thing, as far as their arguments and families tell."""
    old, new = strong[0].args[:1], weak[0].args[:1]
    if not old or not new:
        return False
    if old == new:
        return strong[1].name != weak[1].name
    if not _may_hold(comparison.kernel, weak[1], strong[1]):
        return False
    mine, other = variables(old), variables(new)
    if mine & other:
        return True
    # the variable itself was exchanged: neither function knows the other's
    return mine.isdisjoint(_words(now)) and other.isdisjoint(_words(was))


def _may_hold(kernel: KernelFacts, weak: Cleanup, strong: Cleanup) -> bool:
    """Whether what one row releases may be a file that holds what another does."""
    return "file" in kernel.resources.get(weak.family, ()) and bool(
        kernel.resources.get(strong.family)
    )


def _words(function: Function) -> set[str]:
    """The variables of a function: parameters, locals, and what its calls are given."""
    found = {p.name for p in function.parameters}
    for call in function.calls:
        found |= variables((*call.args, call.assigned or ""))
    return found


def _late(effect: Effect, now: Function, call: Call, row: Cleanup) -> Effect:
    """The release as the weaker call does it."""
    context: Context = "task" if row.task == "before-return-to-user" else "unknown"
    edge = Deferral(
        now, call, call.callee, None, context, row.task, None, None, keeps=False, waits=False
    )
    step = Step(now.name, now.path, call.line, f"{call.callee}()")
    return replace(
        effect,
        guarantee=row.task,
        guard=(),
        root=call,
        site=None,
        where=now,
        line=call.line,
        chain=(step,),
        edge=edge,
        last=edge,
        outer=0,
    )
