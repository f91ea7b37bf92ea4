"""Whether a wait is one for a deferral: for the same object, queue or completion."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from patchlint.graph.bindings import (
    argument,
    given_function,
    reference,
    written_object,
)
from patchlint.graph.branches import on_error_path
from patchlint.graph.effect import folder_of
from patchlint.graph.objects import ObjectRef, alike, refer, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from patchlint.graph.build import Deferral, Graph
    from patchlint.graph.effect import Effect
    from patchlint.model.effect import Step
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts, Wait

#: calls in calls below a callback that may signal that it is done
_DEPTH: Final = 3
#: the mechanism of a thread of its own
_THREAD: Final = "kthread"
#: kinds of waits that somebody has to end by a signal
SIGNALLED: Final = frozenset({"completion", "event"})
#: kinds of waits that are for no object of their own
_FOR_ALL: Final = frozenset({"rcu", "grace-period", "async", "other"})


def wait_matches(graph: Graph, deferral: Deferral, function: Function, call: Call) -> bool:
    """Whether the wait ``call`` in ``function`` waits for ``deferral``'s callback."""
    wait = graph.kernel.waits[call.callee]
    if wait.kind in _FOR_ALL:
        return _among_all(graph, deferral, wait.kind)
    waited = argument(call, wait.object_arg)
    if waited is None:
        return wait.kind == "queue" and deferral.queue is None
    # a variable is what it was set to: task = lamp->task; lamp->task = NULL; kthread_stop(task)
    texts = [waited, *(one.value for one in function.assignments if one.target == waited)]
    return any(_waits_for(graph, deferral, function, wait, text) for text in texts)


def _waits_for(graph: Graph, deferral: Deferral, function: Function, wait: Wait, text: str) -> bool:
    """Whether a wait for what ``text`` says in a function is one for a deferral."""
    target = refer(text, function, function.path, graph.fields)
    if target is None:
        return False
    if wait.kind == "queue":
        return _same_queue(graph, deferral, target)
    if wait.kind in SIGNALLED:
        return _completed(graph, deferral, target)
    return _of_object(graph, deferral, target, text)


def _of_object(graph: Graph, deferral: Deferral, target: ObjectRef, waited: str) -> bool:
    """Whether the object that is waited for is the one that was started.

    Which item a twin starts no line shows; a member of what it was given is taken for it.
    """
    threads = _threads(graph, deferral)
    if threads:
        return any(same(thread, target, graph.homes) for thread in threads)
    if deferral.target is not None:
        return same(deferral.target, target, graph.homes)
    given = deferral.call.args[:1]
    return (
        deferral.mechanism in graph.kernel.twins
        and bool(given)
        and re.match(rf"&\(*{re.escape(given[0])}\)*(?:->|\.)", waited) is not None
    )


def starts_thread(kernel: KernelFacts, deferral: Deferral) -> bool:
    """Whether a start is that of a thread of its own: who waits for one waits for its end."""
    return is_thread(kernel, deferral.mechanism)


def flushed(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether it is done by a flush of what others may have started, with no start on the way.

    A flush of a worker that ran already does what is pending: nobody says that the worker
    was started for this.  Of a thread that is stopped nothing is left to do.
    """
    wait, edge = effect.wait, effect.edge
    if wait is None or not any(one is wait for one in effect.way):
        return False
    return edge is None or not starts_thread(kernel, edge)


def is_thread(kernel: KernelFacts, mechanism: str) -> bool:
    """Whether a mechanism starts a thread."""
    started = kernel.registrations.get(mechanism)
    return started is not None and started.mechanism == _THREAD


def _threads(graph: Graph, deferral: Deferral) -> list[ObjectRef]:
    """What a thread that is started is known by: where the value of the start goes."""
    origin, name = deferral.function, deferral.call.assigned
    if name is None or not starts_thread(graph.kernel, deferral):
        return []
    texts = [name, *(a.target for a in origin.assignments if a.value == name)]
    found = (refer(text, origin, origin.path, graph.fields) for text in texts)
    return [one for one in found if one is not None]


def _among_all(graph: Graph, deferral: Deferral, kind: str) -> bool:
    """Whether a wait that names no object is for callbacks of a deferral's kind."""
    if kind == "async":
        started = graph.kernel.registrations.get(deferral.mechanism)
        return started is not None and started.mechanism == "async"
    return kind == "rcu" and deferral.context == "rcu-callback"


def signalled_before(
    graph: Graph, deferral: Deferral, chain: Sequence[Step], function: Function, call: Call
) -> bool:
    """Whether the callback has told who waits in ``call`` before it does what ``chain`` leads to.

    Of completions alone, by the callback itself or in what it calls above: who waits for a
    wake-up waits for a state that others may set.  Who starts a thread that serves others waits
    for its begin, whatever signals that: for its end he would wait forever.
    """
    wait = graph.kernel.waits[call.callee]
    callback = graph.run_by(deferral)
    if wait.kind not in SIGNALLED or callback is None or wait.object_arg is None:
        return False
    place = next((s for s in chain if (s.path, s.function) == (callback.path, callback.name)), None)
    if place is None:
        return False
    target = written_object(function, call, wait.object_arg, graph.fields)
    keys = target.keys if target is not None else frozenset()
    told = [line for line, told in _told_in(graph, callback) if told & keys]
    if deferral.function is function and starts_thread(graph.kernel, deferral):
        # the first of several signals tells that it runs
        first = bool(told) and min(told) < place.line
        return first or _serves(graph.kernel, callback, place.line)
    return wait.kind == "completion" and bool(told) and max(told) < place.line


def _serves(kernel: KernelFacts, thread: Function, line: int) -> bool:
    """Whether a thread waits for work, or asks whether to stop, again and again above a line."""
    return any(
        call.in_loop
        and call.line < line
        and (
            call.callee in kernel.asks_to_stop
            or (call.callee in kernel.waits and kernel.waits[call.callee].kind in SIGNALLED)
        )
        for call in thread.calls
    )


def _told_in(graph: Graph, callback: Function) -> tuple[tuple[int, frozenset[str]], ...]:
    """What a callback signals, by itself or in what it calls, by the lines of its calls."""
    known = graph.signals_below.get(id(callback))
    if known is None:
        known = graph.signals_below[id(callback)] = tuple(
            (call.line, keys)
            for call in callback.calls
            if (keys := _told_by(graph, callback, call))
        )
    return known


def _told_by(graph: Graph, callback: Function, call: Call) -> frozenset[str]:
    """What a call in a callback signals, itself or in what it runs."""
    own = signalled(graph, callback, call)
    found = set(own.keys) if own is not None else set()
    for callee in graph.callees(call, callback.path):
        for function in graph.reach(callee, _DEPTH - 1):
            for _line, done in _own_signals(graph, function):
                found |= done.keys
    return frozenset(found)


def _own_signals(graph: Graph, function: Function) -> tuple[tuple[int, ObjectRef], ...]:
    """What the calls of a function signal, each with its line."""
    known = graph.signals.get(id(function))
    if known is None:
        known = graph.signals[id(function)] = tuple(
            (call.line, done)
            for call in function.calls
            if (done := signalled(graph, function, call)) is not None
        )
    return known


def for_itself(function: Function, edges: Sequence[Deferral]) -> Sequence[Deferral]:
    """What runs on a queue that a function waits for, and that it may mean.

    That is what its own folder queues there, else what one other does; who flushes a queue that a
    whole subsystem shares waits for nothing in particular.  Errs towards a missed finding where
    parts of one thing lie in several folders.
    """
    here = folder_of(function.path)
    own = [edge for edge in edges if folder_of(edge.function.path) == here]
    folders = {folder_of(edge.function.path) for edge in edges}
    return own or (edges if len(folders) == 1 else ())


class Awaited:
    """The deferrals of one side, by what a wait for them would name."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._by_target: dict[str, list[int]] = {}
        self._by_queue: dict[str | None, list[int]] = {}
        self._by_signal: dict[str, list[int]] = {}
        for place, edge in enumerate(graph.deferrals):
            objects = _threads(graph, edge) or ([edge.target] if edge.target is not None else [])
            for key in {key for one in objects for key in one.keys}:
                self._by_target.setdefault(key, []).append(place)
            queue = _queue_of(graph, edge)
            for name in (None,) if edge.queue is None else queue.keys if queue else ():
                self._by_queue.setdefault(name, []).append(place)
            callback = graph.run_by(edge)
            signals = _signals(graph, callback) if callback is not None else ()
            for key in {key for one in signals for key in one.keys}:
                self._by_signal.setdefault(key, []).append(place)

    def by(self, function: Function, call: Call) -> list[Deferral]:
        """The deferrals that the wait ``call`` for an object or a queue waits for."""
        graph = self._graph
        wait = graph.kernel.waits[call.callee]
        names: Mapping[str, list[int]] | Mapping[str | None, list[int]] = self._by_signal
        if wait.kind == "queue":
            names = self._by_queue
        elif wait.kind == "object":
            names = self._by_target
        text = argument(call, wait.object_arg)
        if text is None:
            places = self._by_queue.get(None, []) if wait.kind == "queue" else []
        else:
            target = refer(text, function, function.path, graph.fields)
            keys = target.keys if target is not None else ()
            places = sorted({place for key in keys for place in names.get(key, ())})
        edges = (graph.deferrals[place] for place in places)
        return [edge for edge in edges if wait_matches(graph, edge, function, call)]


def ends_told(graph: Graph, function: Function, line: int) -> frozenset[str]:
    """What a function signals below a line of it: completions, wait queues, bits, by their keys.

    Errs towards none: a signal under a test of its own may not come.
    """
    here = [call.conditions for call in function.calls if call.line == line]
    return frozenset(
        key
        for call in function.calls
        if call.line > line
        and any(call.conditions == above[: len(call.conditions)] for above in here)
        and (done := signalled(graph, function, call)) is not None
        for key in done.keys
    )


def _queue_of(graph: Graph, deferral: Deferral) -> ObjectRef | None:
    if deferral.queue is None:
        return None
    origin = deferral.function
    return refer(deferral.queue, origin, origin.path, graph.fields)


def _same_queue(graph: Graph, deferral: Deferral, target: ObjectRef) -> bool:
    queue = _queue_of(graph, deferral)
    return queue is not None and bool(queue.keys & target.keys)


def _completed(graph: Graph, deferral: Deferral, target: ObjectRef) -> bool:
    """Whether a callback, or what it calls, signals what is waited for."""
    callback = graph.run_by(deferral)
    return callback is not None and any(alike(one, target) for one in _signals(graph, callback))


def _signals(graph: Graph, callback: Function) -> tuple[ObjectRef, ...]:
    """What a callback signals: completions, wait queues, bits.

    It does, a function that it calls, or what runs when it puts the last reference of something.
    What is signalled where something failed tells of that, and to whoever waits for anything.
    """
    known = graph.signalled_at_all.get(id(callback))
    if known is None:
        found: dict[ObjectRef, None] = {}
        for function in graph.reach(callback, _DEPTH, partial(_going_well, graph)):
            releases = (
                release
                for call in _going_well(graph, function)
                for release in _at_last_put(graph, function, call)
            )
            for one in (function, *releases):
                lines = {call.line for call in _going_well(graph, one)}
                found |= {done: None for line, done in _own_signals(graph, one) if line in lines}
        known = graph.signalled_at_all[id(callback)] = tuple(found)
    return known


def _going_well(graph: Graph, function: Function) -> tuple[Call, ...]:
    """The calls of a function that it does not make after a failure alone."""
    known = graph.going_well.get(id(function))
    if known is None:
        known = graph.going_well[id(function)] = tuple(
            call for call in function.calls if not on_error_path(graph.kernel, call, (function,))
        )
    return known


def _at_last_put(graph: Graph, function: Function, call: Call) -> Iterator[Function]:
    """What a put runs for the last reference: the function that it is given, or that is bound."""
    kernel = graph.kernel
    row = kernel.cleanups.get(call.callee)
    if row is not None and row.callback_arg is not None:
        found = graph.find(given_function(call, row.callback_arg), function.path)
        if found is not None:
            yield found
    elif call.callee in kernel.refcount_puts and call.args:
        target = reference(graph, function, call.args[0], function.path)
        for bound in graph.bindings_at(target.keys) if target is not None else ():
            found = graph.find(bound.callback, bound.path)
            if found is not None and target and same(bound.target, target, graph.homes):
                yield found


def signalled(graph: Graph, function: Function, call: Call) -> ObjectRef | None:
    """What a call signals, None when it is none that does."""
    return written_object(function, call, graph.kernel.completers.get(call.callee), graph.fields)
