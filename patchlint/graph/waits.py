"""Whether a wait is one for a deferral: for the same object, queue or completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph.objects import ObjectRef, refer, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from patchlint.graph.build import Deferral, Graph
    from patchlint.model.facts import Call, Function


def wait_matches(graph: Graph, deferral: Deferral, function: Function, call: Call) -> bool:
    """Whether the wait ``call`` in ``function`` waits for ``deferral``'s callback."""
    wait = graph.kernel.waits[call.callee]
    if wait.kind in ("rcu", "grace-period", "other"):
        return wait.kind == "rcu" and deferral.context == "rcu-callback"
    if wait.object_arg is None or wait.object_arg >= len(call.args):
        return wait.kind == "queue" and deferral.queue is None
    target = refer(call.args[wait.object_arg], function, function.path, graph.fields)
    if target is None:
        return False
    if wait.kind == "queue":
        return _same_queue(graph, deferral, target)
    if wait.kind in ("completion", "event"):
        return _completed(graph, deferral, target)
    return deferral.target is not None and same(deferral.target, target)


class Awaited:
    """The deferrals of one side, by what a wait for them would name."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._by_target: dict[str, list[int]] = {}
        self._by_queue: dict[str | None, list[int]] = {}
        self._by_done: dict[str, list[int]] = {}
        for place, edge in enumerate(graph.deferrals):
            for key in edge.target.keys if edge.target is not None else ():
                self._by_target.setdefault(key, []).append(place)
            queue = _queue_of(graph, edge)
            for name in (None,) if edge.queue is None else queue.keys if queue else ():
                self._by_queue.setdefault(name, []).append(place)
            for key in {key for done in _done(graph, edge) for key in done.keys}:
                self._by_done.setdefault(key, []).append(place)

    def by(self, function: Function, call: Call) -> list[Deferral]:
        """The deferrals that the wait ``call`` for an object or a queue waits for."""
        graph = self._graph
        wait = graph.kernel.waits[call.callee]
        names: Mapping[str, list[int]] | Mapping[str | None, list[int]] = self._by_target
        if wait.kind == "queue":
            names = self._by_queue
        elif wait.kind in ("completion", "event"):
            names = self._by_done
        if wait.object_arg is None or wait.object_arg >= len(call.args):
            places = self._by_queue.get(None, []) if wait.kind == "queue" else []
        else:
            text = call.args[wait.object_arg]
            target = refer(text, function, function.path, graph.fields)
            keys = target.keys if target is not None else ()
            places = sorted({place for key in keys for place in names.get(key, ())})
        edges = (graph.deferrals[place] for place in places)
        return [edge for edge in edges if wait_matches(graph, edge, function, call)]


def _queue_of(graph: Graph, deferral: Deferral) -> ObjectRef | None:
    if deferral.queue is None:
        return None
    origin = deferral.function
    return refer(deferral.queue, origin, origin.path, graph.fields)


def _same_queue(graph: Graph, deferral: Deferral, target: ObjectRef) -> bool:
    queue = _queue_of(graph, deferral)
    return queue is not None and bool(queue.keys & target.keys)


def _completed(graph: Graph, deferral: Deferral, target: ObjectRef) -> bool:
    return any(done.keys & target.keys for done in _done(graph, deferral))


def _done(graph: Graph, deferral: Deferral) -> Iterator[ObjectRef]:
    """What the callback of a deferral completes."""
    callback = graph.find(deferral.callback, deferral.function.path)
    if callback is None:
        return
    for call in callback.calls:
        index = graph.kernel.completers.get(call.callee)
        if index is None or index >= len(call.args):
            continue
        done = refer(call.args[index], callback, callback.path, graph.fields)
        if done is not None:
            yield done
