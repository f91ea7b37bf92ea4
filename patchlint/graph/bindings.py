"""What binds a callback to an object, in all the ways that C has for it.

A registration call or macro, an initializer, a store into the member that holds the
callback, the callback's own ``container_of``, and an own helper that does one of these
with its parameters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph.build import Binding, Graph
from patchlint.graph.guards import put_in
from patchlint.graph.objects import ObjectRef, member, refer, strip_expression, struct_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from patchlint.graph.objects import Fields
    from patchlint.model.facts import Call, FileFacts, Function
    from patchlint.model.kernel import Registration

_CALL: Final = re.compile(r"^(\w+)\s*\((.*)\)$", re.DOTALL)
_LAST_MEMBER: Final = re.compile(r"^(.+?)\s*(?:->|\.)\s*([A-Za-z_]\w*)$", re.DOTALL)
_IDENTIFIER: Final = re.compile(r"^[A-Za-z_]\w*$")
#: helpers in helpers that are looked through
_ROUNDS: Final = 3
#: what one helper binds for its callers; more are left out
_MOST_MADE: Final = 64


def argument(call: Call, index: int | None) -> str | None:
    """The text of an argument, None when there is none."""
    if index is None or index >= len(call.args):
        return None
    return call.args[index]


def function_name(text: str | None) -> str | None:
    """The function that an expression names, None when it is no plain name."""
    if text is None:
        return None
    bare = text.strip().lstrip("&").strip()
    if bare.startswith("("):
        bare = bare[bare.rfind(")") + 1 :].strip() or bare.strip("()")
    return bare if _IDENTIFIER.match(bare) and bare != "NULL" else None


def given_function(call: Call, index: int | None) -> str | None:
    """The function that an argument names, None where it names none."""
    return function_name(argument(call, index))


def given_object(
    graph: Graph, function: Function, call: Call, index: int | None
) -> ObjectRef | None:
    """What an argument points at, looked through locals and getters; None where it is nothing."""
    text = argument(call, index)
    return reference(graph, function, text, function.path) if text else None


def written_object(
    function: Function, call: Call, index: int | None, fields: Fields
) -> ObjectRef | None:
    """What an argument points at as it is written there, None where it is nothing."""
    text = argument(call, index)
    return refer(text, function, function.path, fields) if text else None


def values(callee: Function, call: Call) -> dict[str, str]:
    """Parameter names of ``callee`` to the argument texts of ``call``."""
    return {p.name: a for p, a in zip(callee.parameters, call.args, strict=False)}


def resolved(graph: Graph, function: Function | None, text: str, rounds: int = _ROUNDS) -> str:
    """``text`` with a local pointer, an accessor or a getter replaced by what it stands for.

    ``w`` after ``w = &x->work``, ``per_cpu_ptr(&works, cpu)``, ``x_work(x)`` of a function
    that only returns ``&x->work``.
    """
    for _ in range(rounds):
        bare = text.strip().lstrip("&*").strip()
        called = _CALL.match(bare)
        if called is not None:
            inner = _through(graph, function, called[1], called[2])
        else:
            inner = _assigned(function, bare)
        if inner is None or inner == text:
            return text
        text = inner
    return text


def _arguments(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def _through(graph: Graph, function: Function | None, name: str, inside: str) -> str | None:
    given = _arguments(inside)
    place = graph.kernel.accessors.get(name)
    if place is not None:
        return given[place] if place < len(given) else None
    getter = graph.find(name, function.path if function else "")
    if getter is None or len(getter.results) != 1:
        return None
    known = {p.name: a for p, a in zip(getter.parameters, given, strict=False)}
    return put_in(getter.results[0], known)


def _assigned(function: Function | None, name: str) -> str | None:
    """What a local pointer was set to, when it was set once to something with a name."""
    if function is None or not _IDENTIFIER.match(name):
        return None
    said = {a.value for a in function.assignments if a.target == name and a.value != "NULL"}
    if len(said) != 1:
        return None
    value = said.pop()
    if value.lstrip("&*").strip() == name:
        return None
    return value if value.startswith("&") or _CALL.match(value) else None


def reference(graph: Graph, function: Function | None, text: str, path: str) -> ObjectRef | None:
    """What an object expression points at, looked through locals and getters."""
    # a local that an accessor or a plain pointer fills is the object behind it
    found = refer(resolved(graph, function, text), function, path, graph.fields)
    return found if found is not None else refer(text, function, path, graph.fields)


def root_parameter(function: Function, text: str) -> str | None:
    """The parameter that an object expression begins with, None for any other."""
    found = re.match(r"[A-Za-z_]\w*", strip_expression(text))
    names = {p.name for p in function.parameters}
    return found[0] if found and found[0] in names else None


def slots(graph: Graph) -> dict[str, list[tuple[str, str, str]]]:
    """Functions stored in members: by initializers and by assignments."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path, entry in graph.initializers:
        name = function_name(entry.value)
        if name is not None and graph.find(name, path) is not None:
            owner = struct_name(entry.struct) or ""
            found.setdefault(entry.member, []).append((name, owner, path))
    for function in graph.functions.values():
        for store in function.stores:
            name = function_name(store.value)
            if store.op != "=" or name is None or graph.find(name, function.path) is None:
                continue
            target = refer(store.target, function, function.path, graph.fields)
            if target is not None and not target.plain:
                key = re.split(r"->|\.", target.text)[-1].strip()
                found.setdefault(key, []).append((name, target.owner or "", function.path))
    return found


def bindings(graph: Graph, facts: Sequence[FileFacts]) -> list[Binding]:
    """All bindings of one side."""
    found = [
        *_of_calls(graph),
        *_of_macros(graph, facts),
        *_of_initializers(graph),
        *_of_stores(graph),
    ]
    found += _of_helpers(graph)
    found += _of_containers(graph)
    return found


def _bind(
    graph: Graph,
    function: Function,
    call: Call,
    registration: Registration,
    texts: Mapping[str, str | None],
) -> Binding | None:
    callback = function_name(texts["callback"])
    text = texts["object"]
    target = reference(graph, function, text, function.path) if text else None
    if not callback or not target:
        return None
    return Binding(target, callback, registration, function.path, call.line, function.name)


def _of_calls(graph: Graph) -> list[Binding]:
    found = []
    for function in graph.functions.values():
        for call in function.calls:
            registration = graph.kernel.registrations.get(call.callee)
            if registration is None or registration.object_arg is None:
                continue
            texts = {
                "object": argument(call, registration.object_arg),
                "callback": argument(call, registration.callback_arg),
            }
            made = _bind(graph, function, call, registration, texts)
            # a parameter says nothing here: what callers give is bound by the helper
            if made is None or made.callback in {p.name for p in function.parameters}:
                continue
            found.append(made)
            kept = _kept_in(graph, function, call) if registration.activates else None
            if kept is not None:
                found.append(replace(made, target=kept))
    return found


def _kept_in(graph: Graph, function: Function, call: Call) -> ObjectRef | None:
    """The member in which what a call starts is kept, by which others wake it.

    ``lamp->thread = kthread_create(lamp_main, lamp, "lamp")``.
    """
    kept = call.assigned
    if kept is None or kept.isidentifier():
        return None
    return refer(kept, function, function.path, graph.fields)


def _of_macros(graph: Graph, facts: Sequence[FileFacts]) -> list[Binding]:
    found = []
    for file in facts:
        for macro in file.macros:
            registration = graph.kernel.registrations.get(macro.name)
            if registration is None or registration.object_arg is None:
                continue
            index = registration.callback_arg
            if index is None or max(index, registration.object_arg) >= len(macro.args):
                continue
            callback = function_name(macro.args[index])
            target = refer(macro.args[registration.object_arg], None, file.path, graph.fields)
            if callback and target:
                found.append(Binding(target, callback, registration, file.path, macro.line, None))
    return found


def _of_initializers(graph: Graph) -> list[Binding]:
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
        callback = function_name(args[registration.callback_arg])
        text = (
            args[registration.object_arg]
            if registration.object_arg is not None
            else f"{entry.variable}.{entry.member}"
        )
        target = refer(text, None, path, graph.fields)
        if callback and target:
            found.append(Binding(target, callback, registration, path, entry.line, None))
    return found


def _of_stores(graph: Graph) -> list[Binding]:
    """``x->timer.function = callback``: a store into the member that holds the callback."""
    by_member: dict[str, dict[str, str]] = {}
    for slot, registration in graph.kernel.slots.items():
        struct, _, name = slot.partition(".")
        by_member.setdefault(name, {})[struct] = registration
    started: set[str] | None = None
    found = []
    for function in graph.functions.values():
        for store in function.stores:
            parted = _LAST_MEMBER.match(store.target)
            holders = by_member.get(parted[2]) if parted else None
            callback = function_name(store.value)
            if parted is None or not holders or not callback or store.op != "=":
                continue
            text = parted[1]
            target = reference(graph, function, text, function.path)
            if target is None:
                continue
            # the type of the object, where the image shows it; else any that has the member
            kind = _type(graph, function, target)
            if kind is not None and kind not in holders:
                continue
            if kind is None:
                # asked for rarely, and it goes through all calls
                started = _started_members(graph) if started is None else started
                if not target.keys & started:
                    continue
            wanted = holders[kind] if kind is not None else next(iter(holders.values()))
            registration_ = graph.kernel.registrations.get(wanted)
            if registration_ is not None:
                found.append(
                    Binding(
                        target, callback, registration_, function.path, store.line, function.name
                    )
                )
    return found


def _started_members(graph: Graph) -> set[str]:
    """Names of the objects that something starts, as members and as variables."""
    found: set[str] = set()
    for function in graph.functions.values():
        for call in function.calls:
            activation = graph.kernel.activations.get(call.callee)
            place = activation.object_arg if activation is not None else None
            target = given_object(graph, function, call, place)
            found |= target.keys if target is not None else set()
    return found


def _type(graph: Graph, function: Function, target: ObjectRef) -> str | None:
    if target.plain:
        return struct_name(function.type_of(target.text))
    for key in target.keys:
        kind = struct_name(graph.fields.get((target.owner or "", key)))
        if kind is not None:
            return kind
    return None


#: what an own helper binds: object in its terms, callback parameter, how
_Made = tuple[str, str, "Registration"]
_Makers = dict[tuple[str, str], list[_Made]]


def _of_helpers(graph: Graph) -> list[Binding]:
    """Bindings that own helpers make with what they are given."""
    found: dict[tuple[object, ...], Binding] = {}
    makers = _makers(graph)
    for _ in range(_ROUNDS if makers else 0):
        fresh: _Makers = {}
        for function in graph.functions.values():
            for call in function.calls:
                _bind_through(graph, function, call, makers, fresh, found)
        if not any(key not in makers for key in fresh):
            break
        makers = {**fresh, **makers}
    return list(found.values())


def _makers(graph: Graph) -> _Makers:
    """Functions that bind one of their parameters as a callback."""
    makers: _Makers = {}
    for function in graph.functions.values():
        names = {p.name for p in function.parameters}
        for call in function.calls:
            registration = graph.kernel.registrations.get(call.callee)
            if registration is None or registration.object_arg is None:
                continue
            callback = given_function(call, registration.callback_arg)
            text = argument(call, registration.object_arg)
            if callback in names and text:
                present = makers.setdefault((function.path, function.name), [])
                if len(present) < _MOST_MADE:
                    present.append((text, callback or "", registration))
    return makers


def _bind_through(
    graph: Graph,
    function: Function,
    call: Call,
    makers: _Makers,
    fresh: _Makers,
    found: dict[tuple[object, ...], Binding],
) -> None:
    """Add what a call of such helpers binds, or what it makes ``function`` a helper of."""
    names = {p.name for p in function.parameters}
    for callee in graph.callees(call, function.path) if not call.implicit else ():
        for text, parameter, registration in makers.get((callee.path, callee.name), ()):
            given = values(callee, call)
            callback = function_name(given.get(parameter))
            object_text = put_in(strip_expression(text), given)
            if callback in names:
                present = fresh.setdefault((function.path, function.name), [])
                if len(present) < _MOST_MADE:
                    present.append((object_text, callback or "", registration))
                continue
            texts = {"object": object_text, "callback": callback}
            made = _bind(graph, function, call, registration, texts)
            if made is not None:
                mark = (made.target, made.callback, registration.name, made.path, made.line)
                found.setdefault((*mark, made.function), made)


def _of_containers(graph: Graph) -> list[Binding]:
    """A deferred callback's own ``container_of`` names the member that it is bound to.

    The image may not show the registration, or show it for the struct around.  Errs only
    when a function takes a deferral object as parameter but is called directly.
    """
    found = []
    for function in graph.functions.values():
        registration = by_signature(graph, function)
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
            if call.callee != "container_of" and owner == call.args[places[1]].strip():
                # from_work(x, work, member): the variable's type is the struct
                owner = struct_name(function.type_of(owner)) or owner
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


def by_signature(graph: Graph, function: Function) -> Registration | None:
    """The registration whose callbacks take the type of ``function``'s one parameter."""
    for parameter in function.parameters[:1]:
        name = struct_name(parameter.type)
        by_type = graph.kernel.callback_types.get(name or "")
        if by_type is not None:
            return graph.kernel.registrations.get(by_type)
    return None
