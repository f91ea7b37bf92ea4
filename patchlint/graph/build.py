"""Facts in, graph out: functions, bindings, deferral edges, list hand-offs, callers.

The graph is built for one side (before or after) over all files of a series, so that a
callback bound in one patch and queued in another is one edge.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.graph.objects import Fields, ObjectRef, member, refer, same, struct_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.context import Context, Guarantee
    from patchlint.model.facts import Call, Condition, FileFacts, Function, Initializer
    from patchlint.model.kernel import KernelFacts, Registration

_CALL: Final = re.compile(r"^(\w+)\s*\((.*)\)$")
_IDENTIFIER: Final = re.compile(r"^[A-Za-z_]\w*$")


class Binding(Struct, frozen=True):
    """``callback`` will run when ``target`` is activated."""

    target: ObjectRef
    callback: str
    registration: Registration
    path: str
    line: int
    function: str | None


class Deferral(Struct, frozen=True):
    """An edge from ``function`` to a callback that runs later or elsewhere.

    ``callback`` is None when the binding stands in no image.  ``keeps`` is set for task
    work of the current task, ``waits`` when the mechanism itself waits for the callback.
    ``handoff`` marks an edge through a list that a deferred function drains.
    """

    function: Function
    call: Call
    mechanism: str
    callback: str | None
    context: Context
    guarantee: Guarantee
    target: ObjectRef | None
    queue: str | None
    keeps: bool
    waits: bool
    handoff: bool = False
    via: str = ""

    @property
    def line(self) -> int:
        """Line of the activation."""
        return self.call.line

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Branches above the activation."""
        return self.call.conditions


class Graph(Struct):
    """One side of a series.  Look-ups never raise; an unknown name gives nothing."""

    kernel: KernelFacts
    functions: dict[tuple[str, str], Function] = field(default_factory=dict)
    by_name: dict[str, list[Function]] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)
    deferrals: list[Deferral] = field(default_factory=list)
    by_function: dict[tuple[str, str], list[Deferral]] = field(default_factory=dict)
    callers: dict[str, list[tuple[Function, Call]]] = field(default_factory=dict)
    initializers: list[tuple[str, Initializer]] = field(default_factory=list)
    fields: Fields = field(default_factory=dict)

    def find(self, name: str | None, path: str) -> Function | None:
        """The function that ``name`` means in ``path``.

        A static of the same file wins, then one with external linkage, then a static of a
        header; when several statics of other files share the name, None.  Of several
        definitions (a stub for another configuration) the one that calls most.
        """
        return max(self.find_all(name, path), key=lambda f: len(f.calls), default=None)

    def find_all(self, name: str | None, path: str) -> list[Function]:
        """All definitions that ``name`` can mean in ``path``."""
        if name is None:
            return []
        own = self.functions.get((path, name))
        if own is not None:
            return [own]
        others = self.by_name.get(name, [])
        return [f for f in others if not f.static or f.path.endswith(".h")]

    def reach(self, start: Function, depth: int) -> list[Function]:
        """``start`` and what it calls in the images, at most ``depth`` calls down."""
        seen = {(start.path, start.name): start}
        frontier = [start]
        for _ in range(depth):
            following = []
            for function in frontier:
                for call in function.calls:
                    callee = self.find(call.callee, function.path)
                    if callee is not None and (callee.path, callee.name) not in seen:
                        seen[callee.path, callee.name] = callee
                        following.append(callee)
            frontier = following
        return list(seen.values())

    def deferrals_of(self, function: Function) -> list[Deferral]:
        """Deferral edges that start in ``function``, in line order."""
        return self.by_function.get((function.path, function.name), [])

    def callers_of(self, function: Function) -> list[tuple[Function, Call]]:
        """Functions of the images that call ``function``, with the call."""
        return [
            (caller, call)
            for caller, call in self.callers.get(function.name, [])
            if function in self.find_all(function.name, caller.path)
        ]


def build(files: Iterable[FileFacts], kernel: KernelFacts) -> Graph:
    """The graph of one side."""
    facts = list(files)
    graph = Graph(kernel)
    for file in facts:
        for struct, name, type_text, _line in file.fields:
            graph.fields.setdefault((struct_name(struct) or struct, name), type_text)
        for function in file.functions:
            _add(graph, function)
        graph.initializers.extend((file.path, entry) for entry in file.initializers)
    for function in graph.functions.values():
        for call in function.calls:
            graph.callers.setdefault(call.callee, []).append((function, call))
    graph.bindings = [
        *_call_bindings(graph),
        *_file_bindings(graph, facts),
        *_initializer_bindings(graph),
        *_container_bindings(graph),
    ]
    graph.deferrals = [
        *_deferrals(graph),
    ]
    graph.deferrals += _handoffs(graph)
    grouped: defaultdict[tuple[str, str], list[Deferral]] = defaultdict(list)
    for deferral in graph.deferrals:
        grouped[deferral.function.path, deferral.function.name].append(deferral)
    graph.by_function = dict(grouped)
    return graph


def _add(graph: Graph, function: Function) -> None:
    """Put ``function`` in; parts of one function (and #ifdef twins) become one."""
    key = (function.path, function.name)
    present = graph.functions.get(key)
    if present is not None:
        from msgspec.structs import replace

        merged = replace(
            present,
            line=min(present.line, function.line),
            end=max(present.end, function.end),
            parameters=present.parameters or function.parameters,
            locals=present.locals + function.locals,
            calls=tuple(sorted({*present.calls, *function.calls}, key=lambda c: c.line)),
            assignments=present.assignments + function.assignments,
            complete=present.complete and function.complete,
        )
        graph.by_name[function.name].remove(present)
        function = merged
    graph.functions[key] = function
    graph.by_name.setdefault(function.name, []).append(function)


def _argument(call: Call, index: int | None) -> str | None:
    if index is None or index >= len(call.args):
        return None
    return call.args[index]


def _callback_name(text: str | None) -> str | None:
    if text is None:
        return None
    bare = text.strip().lstrip("&").strip()
    if bare.startswith("("):
        bare = bare[bare.rfind(")") + 1 :].strip() or bare.strip("()")
    return bare if _IDENTIFIER.match(bare) and bare != "NULL" else None


def _call_bindings(graph: Graph) -> list[Binding]:
    found = []
    for function in graph.functions.values():
        for call in function.calls:
            registration = graph.kernel.registrations.get(call.callee)
            if registration is None or registration.object_arg is None:
                continue
            callback = _callback_name(_argument(call, registration.callback_arg))
            text = _argument(call, registration.object_arg)
            target = refer(text, function, function.path, graph.fields) if text else None
            if callback and target:
                found.append(
                    Binding(target, callback, registration, function.path, call.line, function.name)
                )
    return found


def _file_bindings(graph: Graph, facts: Sequence[FileFacts]) -> list[Binding]:
    found = []
    for file in facts:
        for macro in file.macros:
            registration = graph.kernel.registrations.get(macro.name)
            if registration is None or registration.object_arg is None:
                continue
            index = registration.callback_arg
            if index is None or max(index, registration.object_arg) >= len(macro.args):
                continue
            callback = _callback_name(macro.args[index])
            target = refer(macro.args[registration.object_arg], None, file.path, graph.fields)
            if callback and target:
                found.append(Binding(target, callback, registration, file.path, macro.line, None))
    return found


def _initializer_bindings(graph: Graph) -> list[Binding]:
    """``.work = INITIALIZER(object.work, callback)`` inside a static object."""
    found = []
    for path, entry in graph.initializers:
        call = _CALL.match(entry.value)
        registration = graph.kernel.registrations.get(call.group(1)) if call else None
        if call is None or registration is None or registration.callback_arg is None:
            continue
        args = [arg.strip() for arg in call.group(2).split(",")]
        if max(registration.callback_arg, registration.object_arg or 0) >= len(args):
            continue
        callback = _callback_name(args[registration.callback_arg])
        text = (
            args[registration.object_arg]
            if registration.object_arg is not None
            else (f"{entry.variable}.{entry.member}")
        )
        target = refer(text, None, path, graph.fields)
        if callback and target:
            found.append(Binding(target, callback, registration, path, entry.line, None))
    return found


def _container_bindings(graph: Graph) -> list[Binding]:
    """A deferred callback's own ``container_of`` names the member that it is bound to.

    Used where the image does not show the registration.  Errs only when a function takes
    a deferral object as parameter but is called directly.
    """
    bound = {binding.callback for binding in graph.bindings}
    found = []
    for function in graph.functions.values():
        if function.name in bound:
            continue
        registration = _registration_by_signature(graph, function)
        if registration is None:
            continue
        for call in function.calls:
            places = graph.kernel.container_macros.get(call.callee)
            if places is None or max(places[1:]) >= len(call.args):
                continue
            owner = struct_name(call.args[places[1]])
            if owner is None or owner.startswith("typeof"):
                owner = struct_name(function.type_of(call.assigned or "")) or ""
            path_text = call.args[places[2]]
            if owner and re.match(r"^[\w.>\-]+$", path_text):
                found.append(
                    Binding(
                        member(owner, path_text, function.path),
                        function.name,
                        registration,
                        function.path,
                        call.line,
                        function.name,
                    )
                )
    return found


def _registration_by_signature(graph: Graph, function: Function) -> Registration | None:
    """The registration whose callbacks take the type of ``function``'s one parameter."""
    for parameter in function.parameters[:1]:
        name = struct_name(parameter.type)
        by_type = graph.kernel.callback_types.get(name or "")
        if by_type is not None:
            return graph.kernel.registrations.get(by_type)
    return None


def _deferrals(graph: Graph) -> list[Deferral]:
    found = []
    counts = Counter(k for b in graph.bindings for k in b.target.keys)
    for function in graph.functions.values():
        for call in function.calls:
            registration = graph.kernel.registrations.get(call.callee)
            if registration is not None and registration.activates:
                edge = _from_registration(graph, function, call, registration)
                if edge is not None:
                    found.append(edge)
            activation = graph.kernel.activations.get(call.callee)
            if activation is None:
                continue
            text = _argument(call, activation.object_arg)
            target = refer(text, function, function.path, graph.fields) if text else None
            callbacks = _bound(graph, target, counts) or [None]
            queue = _argument(call, activation.queue_arg)
            found.extend(
                Deferral(
                    function,
                    call,
                    call.callee,
                    callback,
                    activation.context,
                    activation.guarantee,
                    target,
                    queue,
                    activation.keeps,
                    waits=False,
                )
                for callback in callbacks
            )
    return found


def _from_registration(
    graph: Graph, function: Function, call: Call, registration: Registration
) -> Deferral | None:
    if registration.context is None:
        return None
    callback = _callback_name(_argument(call, registration.callback_arg))
    text = _argument(call, registration.object_arg)
    target = refer(text, function, function.path, graph.fields) if text else None
    return Deferral(
        function,
        call,
        call.callee,
        callback,
        registration.context,
        registration.guarantee,
        target,
        None,
        registration.keeps,
        registration.waits,
    )


def _bound(graph: Graph, target: ObjectRef | None, counts: Counter[str]) -> list[str | None]:
    if target is None:
        return []
    hits = [b.callback for b in graph.bindings if same(b.target, target, counts)]
    return list(dict.fromkeys(hits))


class _Drain(Struct, frozen=True):
    """A list that a deferred callback takes items off."""

    target: ObjectRef
    callback: Function
    by: str
    context: Context
    guarantee: Guarantee


def _handoffs(graph: Graph) -> list[Deferral]:
    """Edges through a list: one function adds an item, a deferred callback drains it."""
    drains = _drains(graph)
    found: dict[tuple[str, str, int, str], Deferral] = {}
    for function in graph.functions.values():
        for call in function.calls:
            places = graph.kernel.list_adds.get(call.callee)
            target = _list(graph, function, call, places[1] if places else None)
            if target is None:
                continue
            for drain in drains:
                if drain.callback == function or not same(target, drain.target):
                    continue
                key = (function.path, function.name, call.line, drain.callback.name)
                found.setdefault(
                    key,
                    Deferral(
                        function,
                        call,
                        call.callee,
                        drain.callback.name,
                        drain.context,
                        drain.guarantee,
                        target,
                        None,
                        keeps=False,
                        waits=False,
                        handoff=True,
                        via=drain.by,
                    ),
                )
    return list(found.values())


def _drains(graph: Graph) -> list[_Drain]:
    found = []
    for binding in graph.bindings:
        context = binding.registration.context
        start = graph.find(binding.callback, binding.path)
        if context in (None, "task") or start is None:
            continue
        for function in graph.reach(start, 2):
            for call in function.calls:
                index = graph.kernel.list_drains.get(call.callee)
                target = _list(graph, function, call, index)
                if target is not None and context is not None:
                    guarantee = binding.registration.guarantee
                    found.append(_Drain(target, start, call.callee, context, guarantee))
    return found


def _list(graph: Graph, function: Function, call: Call, index: int | None) -> ObjectRef | None:
    """The list in an argument, None for one that lives in the function itself."""
    text = _argument(call, index)
    target = refer(text, function, function.path, graph.fields) if text else None
    return None if target is None or target.local else target
