"""Deferral edges: who starts which callback, directly, through own helpers, through lists.

Deferral is learned from bodies: a function that starts what it was given as a parameter
(a work item, an rcu_head, a timer, a callback to be stored) is an activation itself, at
each of its call sites, whatever its name.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.graph.bindings import (
    argument,
    function_name,
    given_function,
    reference,
    root_parameter,
    values,
)
from patchlint.graph.build import Deferral, Graph
from patchlint.graph.effect import folder_of
from patchlint.graph.guards import put_in
from patchlint.graph.lists import handoffs
from patchlint.graph.objects import same, strip_expression
from patchlint.graph.waits import is_thread
from patchlint.model import budget

if TYPE_CHECKING:
    from patchlint.graph.objects import ObjectRef
    from patchlint.model.context import Context, Guarantee
    from patchlint.model.facts import Call, Function

#: the address of a variable, or of a part of it
_OWN: Final = re.compile(r"^&\s*\(?\s*([A-Za-z_]\w*)(?:\s*\[[^\[\]]*\]|\s*\.\s*\w+)*\s*\)?$")
#: helpers in helpers that are looked through
_ROUNDS: Final = 3
#: edges of one side; more are left out
MOST_EDGES: Final = 4000
#: edges that are looked at before those that are told twice are put together
_MOST_FOUND: Final = 4 * MOST_EDGES
#: what one helper starts for its callers; more are left out
_MOST_STARTS: Final = 64


#: a callback's name, and the file that has it, "" where no image does
_Callback = tuple[str, str]


class _Starter(Struct, frozen=True):
    """A function starts what its caller gives: an object in terms of it, or a callback."""

    mechanism: str
    context: Context
    guarantee: Guarantee
    keeps: bool
    waits: bool
    target: str | None
    callback: str | None
    queue: str | None
    within: tuple[tuple[Function, Call], ...] = ()


def deferrals(graph: Graph) -> list[Deferral]:
    """All deferral edges of one side."""
    bound = Bound(graph)
    found: list[Deferral] = []
    starters: dict[tuple[str, str], list[_Starter]] = {}
    for function in graph.functions.values():
        first = len(found)
        for call in function.calls:
            for starter in _started(graph, call):
                _note(graph, function, call, starter, bound, found, starters)
        _stored(graph, function, found[first:], starters)
    for _ in range(_ROUNDS):
        known = {key: list(made) for key, made in starters.items()}
        _note_callers(graph, known, bound, found, starters)
        if {k: len(v) for k, v in known.items()} == {k: len(v) for k, v in starters.items()}:
            break
    unique = {
        (d.function.path, d.function.name, id(d.call), d.mechanism, d.callback, d.bound_in): d
        for d in found
    }
    if len(unique) > MOST_EDGES:
        _leave_out(graph)
    direct = list(unique.values())[:MOST_EDGES]
    return [*direct, *handoffs(graph, MOST_EDGES, partial(_leave_out, graph))]


def _note_callers(
    graph: Graph,
    known: dict[tuple[str, str], list[_Starter]],
    bound: Bound,
    found: list[Deferral],
    starters: dict[tuple[str, str], list[_Starter]],
) -> None:
    """Add the edges of calls of helpers that start what they are given."""
    for function in graph.functions.values():
        for call in function.calls:
            for callee in graph.callees(call, function.path):
                for starter in known.get((callee.path, callee.name), ()):
                    through = _given(callee, call, starter)
                    _note(graph, function, call, through, bound, found, starters)


def _leave_out(graph: Graph) -> None:
    graph.limitations.append(
        f"more than {MOST_EDGES} starts of deferred work: what the others do is not seen"
    )


class Bound:
    """The bindings of one side, by the names that their objects are known by."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        # a timer that is set up and found by its own container_of is bound to one callback
        callbacks = {(k, b.callback) for b in graph.bindings for k in b.target.keys}
        self._counts = Counter(key for key, _ in callbacks)
        self._told: dict[tuple[object, ...], list[_Callback]] = {}

    def to(self, target: ObjectRef | None) -> list[_Callback]:
        """The callbacks that are bound to an object, and where they are."""
        if target is None:
            return []
        mark = (target.keys, target.owner, target.plain, target.path, target.local, target.function)
        if mark not in self._told:
            self._told[mark] = self._matching(target)
        return self._told[mark]

    def _matching(self, target: ObjectRef) -> list[_Callback]:
        graph = self._graph
        hits = [
            (bound, graph.find(bound.callback, bound.path))
            for bound in graph.bindings_at(target.keys)
            if same(bound.target, target, graph.homes, self._counts)
        ]
        # what the very function binds, or else its file, goes before statics of other files, and
        # one of another folder is none that is meant
        own = [bound for bound, _ in hits if bound.path == target.path]
        inside = {id(bound) for bound in own if bound.function == target.function}
        found: dict[_Callback, None] = {}
        for bound, callback in hits:
            far = bound.path != target.path and callback is not None and callback.static
            apart = far and folder_of(bound.path) != folder_of(target.path)
            if (inside and id(bound) not in inside) or (own and far) or apart:
                continue
            found[bound.callback, "" if callback is None else callback.path] = None
        return list(found)


def _started(graph: Graph, call: Call) -> list[_Starter]:
    """What a call of the tables starts, in the terms of the function that calls."""
    found = []
    registration = graph.kernel.registrations.get(call.callee)
    if registration is not None and registration.activates and registration.context is not None:
        found.append(
            _Starter(
                call.callee,
                registration.context,
                registration.guarantee,
                registration.keeps,
                registration.waits,
                argument(call, registration.object_arg),
                given_function(call, registration.callback_arg),
                None,
            )
        )
    activation = graph.kernel.activations.get(call.callee)
    if activation is not None:
        weak = not activation.keeps_not_with.isdisjoint(call.args)
        found.append(
            _Starter(
                call.callee,
                activation.context,
                "eventually" if weak else activation.guarantee,
                activation.keeps and not weak,
                waits=False,
                target=argument(call, activation.object_arg),
                callback=None,
                queue=argument(call, activation.queue_arg),
            )
        )
    return found


def _given(callee: Function, call: Call, starter: _Starter) -> _Starter:
    """A starter of a helper in the terms of a caller."""
    given = values(callee, call)

    def at_caller(text: str | None) -> str | None:
        return None if text is None else put_in(strip_expression(text), given)

    callback = given.get(starter.callback, "") if starter.callback else None
    return _Starter(
        starter.mechanism,
        starter.context,
        starter.guarantee,
        starter.keeps,
        starter.waits,
        at_caller(starter.target),
        function_name(callback),
        at_caller(starter.queue),
        starter.within,
    )


def _note(
    graph: Graph,
    function: Function,
    call: Call,
    starter: _Starter,
    bound: Bound,
    found: list[Deferral],
    starters: dict[tuple[str, str], list[_Starter]],
) -> None:
    """Add the edges of one start, and what ``function`` itself becomes a starter of."""
    budget.current().spend()
    if len(found) > _MOST_FOUND:
        return
    own = {p.name for p in function.parameters}
    target = reference(graph, function, starter.target, function.path) if starter.target else None
    callbacks: list[tuple[str | None, str]] = [(starter.callback, "")] if starter.callback else []
    if not callbacks:
        callbacks.extend(bound.to(target))
    for callback, _ in callbacks:
        if callback in own:
            _learn(graph, starters, function, call, starter, callback)
    parameter = root_parameter(function, starter.target) if starter.target else None
    if parameter is not None and not callbacks:
        # a helper's own parameter says nothing of which object it is: its callers do
        _learn(graph, starters, function, call, starter, None)
        if target is not None and target.plain:
            return
    for callback, home in callbacks or [(None, "")]:
        if callback in own:
            continue
        found.append(
            Deferral(
                function,
                call,
                starter.mechanism,
                callback,
                starter.context,
                starter.guarantee,
                target,
                starter.queue,
                starter.keeps,
                starter.waits or _ends_with(graph, function, starter),
                via=call.callee if call.callee != starter.mechanism else "",
                bound_in=home,
                within=starter.within,
            )
        )


def _ends_with(graph: Graph, function: Function, starter: _Starter) -> bool:
    """Whether what is started is over when the function returns, by where its object lives.

    A thread is given what it begins with, and goes on without it.
    """
    return not is_thread(graph.kernel, starter.mechanism) and _on_stack(function, starter.target)


def _on_stack(function: Function, target: str | None) -> bool:
    """Whether what is started lives in the function itself.

    It must not return before that is done: its stack goes with it.
    """
    local = _OWN.match(target) if target else None
    type_text = function.type_of(local[1]) if local else None
    return (
        local is not None
        and local[1] in {one.name for one in function.locals}
        and "static" not in (type_text or "").split()
    )


def _waits_itself(graph: Graph, function: Function, start: Call, starter: _Starter) -> bool:
    """Whether a helper that starts what it is given waits for it before it returns."""
    if starter.target is None:
        return False
    for call in function.calls:
        wait = graph.kernel.waits.get(call.callee)
        text = argument(call, wait.object_arg) if wait is not None else None
        if (
            wait is not None
            and wait.restores
            and wait.kind == "object"
            and text is not None
            and strip_expression(text) == strip_expression(starter.target)
            and call.line > start.line
            and call.conditions == start.conditions
        ):
            return True
    return False


def _learn(
    graph: Graph,
    starters: dict[tuple[str, str], list[_Starter]],
    function: Function,
    call: Call,
    starter: _Starter,
    callback: str | None,
) -> None:
    made = _Starter(
        starter.mechanism,
        starter.context,
        starter.guarantee,
        starter.keeps,
        starter.waits or _waits_itself(graph, function, call, starter),
        starter.target if callback is None else None,
        callback,
        starter.queue,
        ((function, call), *starter.within),
    )
    present = starters.setdefault((function.path, function.name), [])
    if len(present) < _MOST_STARTS and not any(_alike(made, one) for one in present):
        present.append(made)


def _alike(one: _Starter, other: _Starter) -> bool:
    return (one.mechanism, one.target, one.callback) == (
        other.mechanism,
        other.target,
        other.callback,
    )


def _stored(
    graph: Graph,
    function: Function,
    found: list[Deferral],
    starters: dict[tuple[str, str], list[_Starter]],
) -> None:
    """A parameter that is stored by a function which starts something runs from there.

    ``found`` are the edges of the function.  Errs towards an edge too many: what is stored
    may be meant for something else.
    """
    edge = next((d for d in reversed(found) if not d.keeps), None)
    if edge is None:
        return
    names = {p.name for p in function.parameters if "(*)" in p.type or p.type.endswith("_t")}
    untyped = {p.name for p in function.parameters}
    for store in function.stores:
        name = function_name(store.value)
        if store.op != "=" or name not in untyped:
            continue
        if name not in names:
            continue
        _learn(
            graph,
            starters,
            function,
            edge.call,
            _Starter(
                edge.mechanism, edge.context, edge.guarantee, edge.keeps, edge.waits, None, name,
                edge.queue,
            ),
            name,
        )  # fmt: skip
