"""Bodies that a tree has and the series does not show: what to ask for, and how far.

A function that a changed one calls, or a callback that it starts, may stand in untouched
code.  Its body is then taken from the tree on both sides alike, so that it can only add
what it does to both.  Two calls down, and no more than :data:`MOST` bodies; what is left
out is still an effect of its own name, never nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from patchlint.graph.bindings import argument, function_name, written_object
from patchlint.graph.comparison import key_of
from patchlint.graph.effect import folder_of
from patchlint.graph.guards import constants_of
from patchlint.graph.leaves import named_teardown
from patchlint.graph.objects import refer
from patchlint.model.facts import FileFacts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Comparison, FunctionKey
    from patchlint.model.facts import Call, FileMacro, Function
    from patchlint.model.kernel import Cleanup, KernelFacts

#: bodies that one comparison borrows
MOST: Final = 120
#: calls down from a changed function
ROUNDS: Final = 2


class Bodies(Protocol):
    """Where bodies come from."""

    def prepare_definitions(self, names: Iterable[tuple[str, str]]) -> None:
        """Look names up at once, each with the path it is met in."""

    def definition(self, name: str, near_path: str | None = None) -> Function | None:
        """The function that ``name`` means in ``near_path``, None when there is none."""

    def binders(
        self, path: str | None, objects: Collection[str], registrations: Collection[str]
    ) -> tuple[FileFacts, ...]:
        """What binds callbacks to ``objects`` in the folder of ``path``; with None anywhere."""

    def text(self, path: str) -> bytes | None:
        """The content of a file, None when there is none."""


def borrow(comparison: Comparison, tree: Bodies) -> tuple[FileFacts, ...]:
    """The bodies that both sides lack, and what binds the callbacks that they start."""
    found: dict[FunctionKey, Function] = {}
    macros: dict[str, dict[FileMacro, None]] = {}
    asked: set[tuple[str, str]] = set()
    sought: set[tuple[str, str]] = set()
    nearest = [
        *(comparison.before.functions[key] for key in sorted(comparison.changed)),
        *(comparison.after.functions[key] for key in sorted(comparison.altered)),
    ]
    graphs = (comparison.before, comparison.after)
    otherwise = _called_otherwise(comparison) | _weaker_waits(comparison)
    shown = {path for graph in graphs for path in graph.known}
    for one in _ends_of_waits(comparison, tree):
        if one.path not in shown:
            found[key_of(one)] = one
    nearest += found.values()
    for _ in range(ROUNDS):
        missing = _missing(graphs, comparison.kernel, nearest, otherwise)
        names = [one for one in missing if one not in asked][: max(0, MOST - len(found))]
        asked.update(names)
        tree.prepare_definitions(names)
        bodies = [body for name, path in names if (body := tree.definition(name, path)) is not None]
        for facts in _binders(graphs, tree, (*nearest, *bodies), sought, shown):
            bodies += facts.functions
            macros.setdefault(facts.path, {}).update(dict.fromkeys(facts.macros))
            # at once, not a round later: who binds a callback is no step of the way to it
            callbacks = _bound_in(graphs, facts, sought)
            made = (tree.definition(name, facts.path) for name in callbacks)
            bodies += [body for body in made if body is not None]
        nearest = []
        for body in bodies:
            if key_of(body) not in found and all(
                graph.functions.get(key_of(body)) is None for graph in graphs
            ):
                found[key_of(body)] = body
                nearest.append(body)
        if not nearest:
            break
    by_path: dict[str, list[Function]] = {path: [] for path in macros}
    for body in found.values():
        by_path.setdefault(body.path, []).append(body)
    return tuple(
        FileFacts(path, tuple(bodies), tuple(macros.get(path, ())), ())
        for path, bodies in by_path.items()
    )


def _binders(
    graphs: Sequence[Graph],
    tree: Bodies,
    functions: Sequence[Function],
    sought: set[tuple[str, str]],
    shown: Collection[str],
) -> Iterator[FileFacts]:
    """What binds, in untouched code, the callbacks of what these functions start.

    In the folder of the function that starts it: an object that is bound elsewhere is not
    found, which errs towards a missed edge.
    """
    kernel = graphs[0].kernel
    wanted: dict[str, set[str]] = {}
    for function in functions:
        for call in function.calls:
            names = _started(graphs, function, call)
            fresh = {name for name in names if (folder_of(function.path), name) not in sought}
            sought.update((folder_of(function.path), name) for name in fresh)
            if fresh:
                wanted.setdefault(function.path, set()).update(fresh)
    binding = {name for name, row in kernel.registrations.items() if row.object_arg is not None}
    for path, objects in wanted.items():
        for facts in tree.binders(path, objects, binding):
            # what an image has is the series' own
            if facts.path not in shown:
                yield facts


def _bound_in(
    graphs: Sequence[Graph], facts: FileFacts, sought: Collection[tuple[str, str]]
) -> list[str]:
    """The callbacks that a file binds to the objects that are ``sought``, each once."""
    kernel, fields = graphs[0].kernel, graphs[0].fields
    found = [_bound(kernel, one.name, one.args) for one in facts.macros]
    names = {name for _folder, name in sought}
    for function in facts.functions:
        for call in function.calls:
            row = kernel.registrations.get(call.callee)
            place = row.object_arg if row is not None else None
            target = written_object(function, call, place, fields)
            if target is not None and not names.isdisjoint(target.keys):
                found.append(_bound(kernel, call.callee, call.args))
    return list(dict.fromkeys(filter(None, found)))


def _ends_of_waits(comparison: Comparison, tree: Bodies) -> Iterator[Function]:
    """Who starts, or signals the end of, what changed functions waited for and wait for no more.

    In the folder of the function that waited, which errs towards a missed finding; what is known
    by a name of the whole kernel, and by nobody there, anywhere.
    """
    kernel = comparison.kernel
    ends = {*kernel.completers, *kernel.activations}
    for key in sorted(comparison.changed):
        function = comparison.before.functions[key]
        waited = {
            text.lstrip("&"): target.keys
            for call in function.calls
            if (row := kernel.waits.get(call.callee)) is not None
            and row.restores
            and comparison.lines.forward(function.path, call.line) is None
            and (text := argument(call, row.object_arg)) is not None
            and (target := refer(text, function, function.path, comparison.before.fields))
        }
        if not waited:
            continue
        found = tree.binders(function.path, set().union(*waited.values()), ends)
        own = {one.name for one in (*function.parameters, *function.locals)}
        shared = {text for text in waited if text.isidentifier() and text not in own}
        if shared and not any(facts.functions for facts in found):
            found = tree.binders(None, shared, ends)
        for facts in found:
            yield from facts.functions


def _started(graphs: Sequence[Graph], function: Function, call: Call) -> frozenset[str]:
    """The names of an object that a call starts or waits for and that no image binds."""
    kernel = graphs[0].kernel
    row = kernel.activations.get(call.callee) or kernel.waits.get(call.callee)
    place = row.object_arg if row is not None else None
    target = written_object(function, call, place, graphs[0].fields)
    if target is None or any(graph.bindings_at(target.keys) for graph in graphs):
        return frozenset()
    return target.keys


def _called_otherwise(comparison: Comparison) -> frozenset[str]:
    """Releases that a function calls with other constants than before.

    What such a release does hangs on what it is told: its body says more than its row.
    """
    kernel = comparison.kernel
    return frozenset(
        name
        for was, now in comparison.concerned
        if key_of(was) in comparison.changed or key_of(now) in comparison.altered
        for name in {call.callee for call in was.calls} & {call.callee for call in now.calls}
        if name in kernel.cleanups
        and constants_of(c for c in was.calls if c.callee == name)
        != constants_of(c for c in now.calls if c.callee == name)
    )


def _weaker_waits(comparison: Comparison) -> frozenset[str]:
    """Known waits for something of their own that stand no more where they did, or under a test.

    What such a wait is for its body says.
    """
    lines = comparison.lines
    own = {name for name, row in comparison.kernel.waits.items() if row.kind == "other"}
    before = [comparison.before.functions[key] for key in comparison.changed]
    after = [comparison.after.functions[key] for key in comparison.altered]
    gone = {
        call.callee
        for function in before
        for call in function.calls
        if call.callee in own and lines.forward(function.path, call.line) is None
    }
    tested = {
        call.callee
        for function in after
        for call in function.calls
        if call.callee in own
        and any(lines.added(function.path, test.line) for test in call.conditions)
    }
    return frozenset(gone | tested)


def _missing(
    graphs: Sequence[Graph],
    kernel: KernelFacts,
    functions: Sequence[Function],
    otherwise: Collection[str],
) -> list[tuple[str, str]]:
    """What these functions call or start that no image shows: name, and the path it is met in.

    ``otherwise`` are known releases and waits whose bodies are wanted all the same.
    """
    found: dict[tuple[str, str], None] = {}
    # a deferred twin does what its direct form is named for: that stays one thing
    direct = {
        kernel.twins[call.callee].direct
        for function in functions
        for call in function.calls
        if call.callee in kernel.twins
    }
    for function in functions:
        names = [call.callee for call in function.calls if not call.indirect and not call.implicit]
        for graph in graphs:
            names += [edge.callback or "" for edge in graph.deferrals_of(function)]
        names += [_bound(kernel, call.callee, call.args) for call in function.calls]
        for name in dict.fromkeys(names):
            if (
                name
                and name not in direct
                and _unknown(graphs, kernel, name, function.path, otherwise)
            ):
                found[name, function.path] = None
    return list(found)


def _bound(kernel: KernelFacts, name: str, args: Sequence[str]) -> str:
    """The callback that a call, or a macro at file scope, binds; "" for none."""
    row = kernel.registrations.get(name)
    place = row.callback_arg if row is not None else None
    return (function_name(args[place]) or "") if place is not None and place < len(args) else ""


def _unknown(
    graphs: Sequence[Graph],
    kernel: KernelFacts,
    name: str,
    path: str,
    otherwise: Collection[str],
) -> bool:
    """Whether neither a table nor an image tells what a function does, or not all of it."""
    return not (
        name.isupper()
        or (name in kernel.cleanups and name not in otherwise)
        or name in kernel.registrations
        or name in kernel.activations
        or (name in kernel.waits and name not in otherwise)
        or name in kernel.list_adds
        or name in kernel.list_drains
        or name in kernel.twins
        or name in kernel.container_macros
        or name in kernel.refcount_puts
        or name in kernel.references
        or name in kernel.accessors
        or name in kernel.takes
        or any(graph.find(name, path) is not None for graph in graphs)
        or (kernel.harmless.search(name) is not None and not named_teardown(kernel, name))
    )


def to_derive(comparison: Comparison) -> dict[str, str]:
    """Calls whose body nobody shows and that are late after: name to the path it is met in."""
    late = {key[1] for key in comparison.wanted if key[0] == "call"}
    found: dict[str, str] = {}
    for key in sorted(comparison.changed):
        function = comparison.before.functions[key]
        for effect in comparison.first_reached(function):
            if effect.kind in ("named", "opaque") and effect.key[1] in late:
                found.setdefault(effect.key[1], effect.where.path)
    return found


def rows(derived: dict[str, Cleanup]) -> dict[str, Cleanup]:
    """Derived rows that say more than a name: those that user space can see."""
    return {name: row for name, row in derived.items() if row.visible}
