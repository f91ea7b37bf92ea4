"""Waits on the path of a deferral, and whether they give the promise back.

A wait counts only when it stands on every way on from the deferral (no condition that
the deferral does not have), speaks of the same object, queue or completion, and runs the
pending callback instead of dropping it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph.objects import ObjectRef, refer, same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.build import Deferral, Graph
    from patchlint.model.facts import Call, Function


def restoring(
    graph: Graph, deferral: Deferral, last: Deferral, through: Sequence[tuple[Function, Call]]
) -> Call | None:
    """The wait that restores ``deferral``'s promise, None when there is none.

    ``last`` is the hop that does the release: a wait for an earlier one restores nothing
    beyond it.  ``through`` are the callers on the way up, nearest first, with their calls.
    """
    found = _after(graph, last, deferral.function, deferral.call)
    if found is not None:
        return found
    for caller, call in through:
        found = _after(graph, last, caller, call)
        if found is not None:
            return found
    return None


def _after(graph: Graph, deferral: Deferral, function: Function, start: Call) -> Call | None:
    allowed = {(c.text, c.taken) for c in start.conditions}
    for call in function.calls:
        wait = graph.kernel.waits.get(call.callee)
        if wait is None or not wait.restores or call.line <= start.line or call == start:
            continue
        if any((c.text, c.taken) not in allowed and not c.early for c in call.conditions):
            continue
        if wait_matches(graph, deferral, function, call):
            return call
    return None


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
    if wait.kind == "completion":
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
