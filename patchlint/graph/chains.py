"""A loss told as two call chains, as far as the images show them."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph.balance import undone
from patchlint.graph.bindings import written_object
from patchlint.graph.lifting import guard_above
from patchlint.graph.objects import same
from patchlint.graph.standins import stood_for
from patchlint.model.effect import EntryChain, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import Loss
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

_CALLERS: Final = 4
_LONGEST: Final = 8


def before_chain(
    comparison: Comparison, loss: Loss, main: Effect, entries: Sequence[EntryChain] = ()
) -> tuple[Step, ...]:
    """How the release was reached before, with the callers that the images show.

    Of several callers those are told that lead to the first of ``entries``, and none that comes
    there no more after: who got a way of its own lost nothing by this one.
    """
    graph = comparison.before
    if held := stood_for(loss.was):
        # what stood in the table before did it, under its own name
        first, *rest = main.chain
        return tuple(rest) or (replace(first, function=held, note=f"{held}()"),)

    def kept(caller: Function, call: Call, callee: Function) -> bool:
        heir = comparison.after.find(caller.name, caller.path)
        return not (
            _left(comparison, caller, call, callee)
            or (heir is not None and holds(comparison, heir, loss))
        )

    above = callers_above(graph, loss.was, main.guard, _first_way(entries), kept=kept)
    steps = _held(graph, loss.was, main)
    if _says_nothing(main):
        # up to the wait: what else is done there it was not for
        waits = next((n for n, step in enumerate(steps) if " waits for " in step.note), len(steps))
        steps = steps[: waits + 1]
    return (*above, *steps)


def _says_nothing(effect: Effect) -> bool:
    """Whether what is waited for does one of the many things that any callback may do.

    A member that is called far below it belongs to whatever it calls on the way.
    """
    far = effect.key[0] == "icall" and effect.where.name != (
        effect.edge.callback if effect.edge is not None else None
    )
    return effect.wait is not None and (far or effect.kind in ("opaque", "store", "indirect"))


def holds(comparison: Comparison, function: Function, loss: Loss) -> bool:
    """Whether a caller after waits itself for what was lost below it: it lost nothing."""
    if function is loss.now:
        return False
    same_thing = [e for e in comparison.new.of(function) if e.key == loss.key]
    return any(e.wait is not None for e in same_thing) and not any(e.late for e in same_thing)


def _first_way(entries: Sequence[EntryChain]) -> tuple[str, ...]:
    """The functions that lead to the first entry; itself alone where no way to it was seen."""
    return (entries[0].chain or (entries[0].name,)) if entries else ()


def _held(graph: Graph, was: Function, main: Effect) -> tuple[Step, ...]:
    """The steps to an effect; one that somebody else starts is reached by the wait for it."""
    wait, edge, chain = main.wait, main.edge, main.chain
    if wait is None or edge is None:
        return chain
    waits = f"{wait.callee}() waits for {edge.callback}()"
    expected, path = was.name, was.path
    for place, step in enumerate(chain):
        if step.function != expected:
            # the link that starts it stands in a function that this one does not call
            held = graph.find(expected, path)
            where = held.path if held is not None else path
            return (*chain[:place], Step(expected, where, wait.line, waits), *chain[place + 1 :])
        if not step.note.startswith("calls "):
            if step.line == wait.line:
                # the wait itself, told until now by what binds the callback
                return (*chain[:place], replace(step, note=waits), *chain[place + 1 :])
            break
        expected, path = step.note.removeprefix("calls ").removesuffix("()"), step.path
    return chain


def after_chain(
    comparison: Comparison, loss: Loss, late: Effect, entries: Sequence[EntryChain] = ()
) -> tuple[Step, ...]:
    """How it is reached now: callers, the deferral, the callback, the release.

    What runs deferred by a start elsewhere is told from that start on.
    """
    chain = _after_chain(comparison, loss, late, entries)
    if not _says_nothing(loss.before[0]):
        return chain
    return _up_to_start(chain, late.edge.callback if late.edge is not None else None)


def _after_chain(
    comparison: Comparison, loss: Loss, late: Effect, entries: Sequence[EntryChain]
) -> tuple[Step, ...]:
    graph, begins = comparison.after, late.chain[0]
    bound_elsewhere = late.edge is not None and begins.function == late.edge.callback
    if loss.how == "worker" or bound_elsewhere:
        return (*_started(comparison, begins), *late.chain)
    if (begins.path, begins.function) != (loss.now.path, loss.now.name):
        return late.chain
    below = {step.function for step in late.chain}
    above = callers_above(
        graph,
        loss.now,
        late.guard,
        _first_way(entries),
        below,
        kept=lambda caller, _call, _callee: not holds(comparison, caller, loss),
    )
    return (*above, *late.chain)


def _up_to_start(chain: tuple[Step, ...], callback: str | None) -> tuple[Step, ...]:
    """A chain to the start of a callback, without what that does; whole where it has no start."""
    runs = f" runs {callback}()"
    place = next((n for n, one in enumerate(chain) if one.note.endswith(runs)), None)
    return chain if callback is None or place is None else chain[: place + 1]


def _started(comparison: Comparison, begins: Step) -> tuple[Step, ...]:
    """Who runs the function in which a chain begins: the images tell, or the tree, or nobody.

    That is a start, a place in a table of known operations, or a call.  Of several the first is
    told.  A function that starts itself again was started before.
    """
    graph = comparison.after
    worker = graph.find(begins.function, begins.path)
    if worker is None:
        return ()
    called = f"{worker.name}()"
    edges = [edge for edge in graph.runs_of(worker) if edge.function is not worker]
    if edges:
        return (min(edges, key=lambda edge: edge.handoff).step(called),)
    if any(caller is not worker for caller, _ in graph.callers_of(worker)):
        return ()
    for path, entry, row in graph.operations_of(worker.name):
        if "task" not in row.contexts:
            note = f"is .{entry.member} of a struct {row.struct}"
            return (Step(worker.name, path, entry.line, note),)
    return (
        _starts_in_tree(comparison, worker)
        or _calls_in_tree(comparison, worker)
        or (Step(worker.name, worker.path, worker.line, "who runs it was not seen"),)
    )


def _calls_in_tree(comparison: Comparison, worker: Function) -> tuple[Step, ...]:
    """The calls by which others than tasks come to a function in a whole tree, from the nearest."""
    if comparison.ways is None:
        return ()
    found = comparison.ways(worker.name, worker.path, (), comparison.after).ways
    whole = [way for way in found if way.context != "task" and len(way.calls) + 1 == len(way.chain)]
    near = min(whole, key=lambda way: len(way.chain), default=None)
    if near is None or not all(path for path, _ in near.calls):
        return ()
    return tuple(
        Step(caller, path, line, f"calls {callee}()")
        for (caller, callee), (path, line) in zip(pairwise(near.chain), near.calls, strict=True)
    )


def _starts_in_tree(comparison: Comparison, worker: Function) -> tuple[Step, ...]:
    """The call in the folder of its binding that starts what a callback is bound to."""
    graph, bodies = comparison.after, comparison.bodies
    if bodies is None:
        return ()
    starts = comparison.kernel.activations
    for bound in graph.bindings_of(worker.name):
        for facts in bodies.binders(bound.path, bound.target.keys, starts):
            for function, call in ((f, call) for f in facts.functions for call in f.calls):
                row = starts.get(call.callee)
                if function.name == worker.name or row is None:
                    continue
                target = written_object(function, call, row.object_arg, graph.fields)
                if target is not None and same(bound.target, target, graph.homes):
                    text = f"{call.callee}() runs {worker.name}()"
                    return (Step(function.name, function.path, call.line, text),)
    return ()


def possible(callee: Function, call: Call, guard: Iterable[Atom], graph: Graph) -> bool:
    """Whether the constants of ``call`` leave room for ``guard``."""
    return guard_above(callee, call, tuple(guard), graph.kernel) is not None


def callers_above(
    graph: Graph,
    function: Function,
    guard: tuple[Atom, ...],
    way: Collection[str] = (),
    below: Collection[str] = (),
    kept: Callable[[Function, Call, Function], bool] = lambda *_: True,
) -> tuple[Step, ...]:
    """One chain of callers upwards, as far as the images show it, at most four.

    Those that only undo what they did themselves are told where there are no others, and those
    that are named for an end come first.  Where there is a ``way``, callers that do not lie on
    it are left out, as are those that are told ``below`` already, a worker may call again what
    started it, and those that are not ``kept``: with its call and the function that it calls.
    """
    steps: list[Step] = []
    seen = {function.name, *below}
    current = function
    for _ in range(_CALLERS):
        callers = [
            (caller, call)
            for caller, call in graph.callers_of(current)
            if caller.name not in seen
            and possible(current, call, guard, graph)
            and kept(caller, call, current)
        ]
        if not callers:
            break
        caller, call = min(callers, key=partial(_told_last, graph.kernel, way))
        if way and caller.name not in way:
            break
        steps.insert(0, Step(caller.name, caller.path, call.line, f"calls {current.name}()"))
        seen.add(caller.name)
        guard = guard_above(current, call, guard, graph.kernel) or ()
        current = caller
    return tuple(steps)


def _told_last(
    kernel: KernelFacts, way: Collection[str], one: tuple[Function, Call]
) -> tuple[bool, bool, bool]:
    """What speaks against telling of a caller: the way is another, it undoes, it ends nothing."""
    caller, call = one
    named = kernel.teardown.search(caller.name) is not None
    return caller.name not in way, undone(kernel, caller, call), not named


def _left(comparison: Comparison, caller: Function, call: Call, callee: Function) -> bool:
    """Whether a caller before comes to ``callee`` no more: its call went, and none is there."""
    heir = comparison.after.find(caller.name, caller.path)
    found = comparison.after.find(callee.name, callee.path)
    return (
        heir is not None
        and found is not None
        and comparison.lines.forward(caller.path, call.line) is None
        and not any(one is heir for one, _ in comparison.after.callers_of(found))
    )


def entries_in_images(
    graph: Graph, now: Function, guard: tuple[Atom, ...]
) -> tuple[EntryChain, ...]:
    """System calls that the images themselves show above a function, under its guard."""
    found: list[EntryChain] = []
    frontier: list[tuple[Function, tuple[str, ...], tuple[Atom, ...]]] = [(now, (now.name,), guard)]
    seen = {now.name}
    while frontier:
        function, chain, atoms = frontier.pop(0)
        if function.entry is not None:
            found.append(EntryChain(function.name, function.entry, tuple(reversed(chain))))
            continue
        for caller, call in graph.callers_of(function):
            if caller.name in seen or len(chain) >= _LONGEST:
                continue
            above = guard_above(function, call, atoms, graph.kernel)
            if above is None:
                continue
            seen.add(caller.name)
            frontier.append((caller, (*chain, caller.name), above))
    return tuple(found)
