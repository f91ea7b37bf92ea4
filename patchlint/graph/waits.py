"""Whether a wait is one for a deferral: for the same object, queue or completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph.objects import ObjectRef, refer, same

if TYPE_CHECKING:
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


def _same_queue(graph: Graph, deferral: Deferral, target: ObjectRef) -> bool:
    if deferral.queue is None:
        return False
    origin = deferral.function
    queue = refer(deferral.queue, origin, origin.path, graph.fields)
    return queue is not None and bool(queue.keys & target.keys)


def _completed(graph: Graph, deferral: Deferral, target: ObjectRef) -> bool:
    callback = graph.find(deferral.callback, deferral.function.path)
    if callback is None:
        return False
    for call in callback.calls:
        index = graph.kernel.completers.get(call.callee)
        if index is None or index >= len(call.args):
            continue
        done = refer(call.args[index], callback, callback.path, graph.fields)
        if done is not None and done.keys & target.keys:
            return True
    return False
