"""Facts in, graph out: functions, bindings, deferral edges, list hand-offs, callers.

The graph is built for one side (before or after) over all files of a series, so that a
callback bound in one patch and queued in another is one edge.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.graph.objects import Fields, Homes, ObjectRef, struct_name
from patchlint.model.effect import Step
from patchlint.model.facts import Initializer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from patchlint.model.context import Context, Guarantee
    from patchlint.model.facts import Call, Condition, FileFacts, Function
    from patchlint.model.kernel import EntryPoint, KernelFacts, Registration

#: functions that one member may stand for
_MOST_BOUND: Final = 12


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
    #: the file that has the callback, where what binds it tells; "" for what its name means here
    bound_in: str = ""
    #: helpers that start it on the way, the outermost first, each with the call in it
    within: tuple[tuple[Function, Call], ...] = ()

    @property
    def line(self) -> int:
        """Line of the activation."""
        return self.call.line

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Branches above the activation."""
        return self.call.conditions

    @classmethod
    def unseen(cls, function: Function, call: Call, callback: str | None = None) -> Deferral:
        """The edge of a call of which no table and no image shows how it runs what it starts."""
        return cls(
            function, call, call.callee, callback, "unknown", "eventually", None, None,
            keeps=False, waits=False,
        )  # fmt: skip

    def step(self, runs: str) -> Step:
        """The link of a chain in which it is started: ``queue_work() runs lamp_gone()``."""
        does = "hands it to" if self.handoff else "runs"
        text = f"{self.mechanism}() {does} {runs}"
        return Step(self.function.name, self.function.path, self.line, text)


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
    homes: Homes = field(default_factory=dict)
    #: functions that are stored in a member of that name: (function, struct or "", path)
    slots: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    #: line intervals that the images have, by path; None for a whole file
    known: dict[str, tuple[tuple[int, int], ...] | None] = field(default_factory=dict)
    #: what was left out because there is too much of it, in words for a limitation
    limitations: list[str] = field(default_factory=list)
    #: what functions are known to start, by themselves or below: each is asked for once
    started_below: dict[tuple[str, str], list[Deferral]] = field(default_factory=dict)
    #: what functions signal, by themselves or below, line by line: each is asked for once
    signals: dict[int, tuple[tuple[int, ObjectRef], ...]] = field(default_factory=dict)
    signals_below: dict[int, tuple[tuple[int, frozenset[str]], ...]] = field(default_factory=dict)
    #: the calls of functions that are not made after a failure alone
    going_well: dict[int, tuple[Call, ...]] = field(default_factory=dict)
    signalled_at_all: dict[int, tuple[ObjectRef, ...]] = field(default_factory=dict)
    _found: dict[tuple[str | None, str], Function | None] = field(default_factory=dict)
    _bound: dict[str, list[Binding]] | None = None
    _named: dict[str, list[int]] | None = None
    _started: dict[str | None, list[Deferral]] | None = None
    _members: dict[str, frozenset[str]] | None = None
    _held: dict[str, list[tuple[str, Initializer]]] | None = None
    _calling: dict[int, list[tuple[Function, Call]]] | None = None
    _rows: dict[str, list[int]] | None = None

    def find(self, name: str | None, path: str) -> Function | None:
        """The function that ``name`` means in ``path``.

        A static of the same file wins, then one with external linkage, then a static of a
        header; when several statics of other files share the name, None.  Of several
        definitions (a stub for another configuration) the one that calls most.
        """
        mark = (name, path)
        if mark not in self._found:
            definitions = self.find_all(name, path)
            self._found[mark] = max(definitions, key=lambda f: len(f.calls), default=None)
        return self._found[mark]

    def find_all(self, name: str | None, path: str) -> list[Function]:
        """All definitions that ``name`` can mean in ``path``.

        C has one function of a name with external linkage: a static one of a header beside it, that
        calls nothing, is the stub for a configuration in which the other is left out.
        """
        if name is None:
            return []
        own = self.functions.get((path, name))
        others = self.by_name.get(name, [])
        if own is not None:
            stub = own.static and not own.calls and path.endswith(".h")
            return [own, *(f for f in others if not f.static)] if stub else [own]
        return [f for f in others if not f.static or f.path.endswith(".h")]

    def callees(self, call: Call, path: str) -> list[Function]:
        """Functions of the images that ``call`` in ``path`` may run.

        A call through a member runs what is stored there, as long as all of it stands in
        structs of one type; else nothing is told.
        """
        if not call.indirect:
            found = self.find(call.callee, path)
            return [found] if found is not None else []
        bound = self.slots.get(call.callee, [])
        if len({struct for _, struct, _ in bound}) > 1 or len(bound) > _MOST_BOUND:
            return []
        functions = [self.find(name, origin) for name, _, origin in bound]
        return list({id(f): f for f in functions if f is not None}.values())

    def reach(
        self,
        start: Function,
        depth: int,
        calls: Callable[[Function], Iterable[Call]] = attrgetter("calls"),
    ) -> list[Function]:
        """``start`` and what it calls in the images, at most ``depth`` calls down.

        ``calls`` gives the calls of a function that are followed: all of them.
        """
        seen = {(start.path, start.name): start}
        frontier = [start]
        for _ in range(depth):
            following = []
            for function in frontier:
                for call in calls(function):
                    callee = self.find(call.callee, function.path)
                    if callee is not None and (callee.path, callee.name) not in seen:
                        seen[callee.path, callee.name] = callee
                        following.append(callee)
            frontier = following
        return list(seen.values())

    def run_by(self, edge: Deferral) -> Function | None:
        """The function that an edge leads to, as far as the images have it."""
        return self.find(edge.callback, edge.bound_in or edge.function.path)

    def unseen(self, edge: Deferral) -> str | None:
        """The name of what an edge does later, where no image shows its body."""
        if edge.keeps or edge.waits or not edge.callback:
            return None
        return edge.callback if self.run_by(edge) is None else None

    def deferrals_of(self, function: Function) -> list[Deferral]:
        """Deferral edges that start in ``function``, in line order."""
        return self.by_function.get((function.path, function.name), [])

    def holder_of(self, call: Call) -> Function | None:
        """The function that makes that very call, None where it is one of the other side."""
        return next((f for f in self.functions.values() if f.makes(call)), None)

    def callers_of(self, function: Function) -> list[tuple[Function, Call]]:
        """Functions of the images that call ``function``, with the call."""
        if self._calling is None:
            self._calling = {}
            for name, callers in self.callers.items():
                for caller, call in callers:
                    called = [f for f in self.callees(call, caller.path) if f.name == name]
                    called += self.find_all(name, caller.path)
                    for one in {id(f) for f in called}:
                        self._calling.setdefault(one, []).append((caller, call))
        return self._calling.get(id(function), [])

    def gaps_in(self, function: Function) -> list[int]:
        """The shown lines of a function below which no hunk shows how it goes on."""
        known = self.known.get(function.path)
        if function.complete or known is None:
            return []
        behind = (function.end + 1, function.end + 1)
        return [
            last
            for (_, last), (first, _) in pairwise((*known, behind))
            if function.line <= last
            and (
                (last < function.end and first <= function.end)
                or (function.cut and last == function.end)
            )
        ]

    def bindings_of(self, name: str) -> list[Binding]:
        """What binds a callback of that name, in the order of :attr:`bindings`."""
        if self._bound is None:
            self._bound = {}
            for binding in self.bindings:
                self._bound.setdefault(binding.callback, []).append(binding)
        return self._bound.get(name, [])

    def bindings_at(self, keys: Iterable[str]) -> list[Binding]:
        """The bindings to objects known by one of ``keys``, in the order of :attr:`bindings`."""
        if self._named is None:
            self._named = {}
            for place, binding in enumerate(self.bindings):
                for key in binding.target.keys:
                    self._named.setdefault(key, []).append(place)
        named = self._named
        places = sorted({place for key in keys for place in named.get(key, ())})
        return [self.bindings[place] for place in places]

    def starts_of(self, name: str | None) -> list[Deferral]:
        """The edges to a callback of that name, in the order of :attr:`deferrals`."""
        if self._started is None:
            self._started = {}
            for deferral in self.deferrals:
                self._started.setdefault(deferral.callback, []).append(deferral)
        return self._started.get(name, [])

    def runs_of(self, function: Function) -> list[Deferral]:
        """The edges that run that very function later, and no other of its name."""
        return [edge for edge in self.starts_of(function.name) if self.run_by(edge) is function]

    def members_of(self, name: str) -> frozenset[str]:
        """The members in which functions of that name are stored."""
        if self._members is None:
            found: dict[str, set[str]] = {}
            for member, held in self.slots.items():
                for stored, _, _ in held:
                    found.setdefault(stored, set()).add(member)
            self._members = {stored: frozenset(members) for stored, members in found.items()}
        return self._members.get(name, frozenset())

    def tables_of(self, name: str) -> list[tuple[str, Initializer]]:
        """The initializers that hold a function of that name, with their paths."""
        if self._held is None:
            self._held = {}
            for path, entry in self.initializers:
                self._held.setdefault(entry.value.lstrip("&"), []).append((path, entry))
        return self._held.get(name, [])

    def operations_of(self, name: str) -> Iterator[tuple[str, Initializer, EntryPoint]]:
        """The members of known operations that a function of that name is: path, entry, row."""
        for path, entry in self.tables_of(name):
            for row in self.kernel.entries_of(self.table_of(entry), entry.member):
                yield path, entry, row

    def rows_like(self, name: str) -> list[EntryPoint]:
        """The rows whose member a function's name ends in, behind a ``_``, in their order."""
        if self._rows is None:
            self._rows = {}
            for place, row in enumerate(self.kernel.entries):
                self._rows.setdefault(row.member, []).append(place)
        words = name.split("_")
        ends = ("_".join(words[first:]) for first in range(1, len(words)))
        places = sorted(place for end in ends for place in self._rows.get(end, ()))
        return [self.kernel.entries[place] for place in places]

    def table_of(self, entry: Initializer) -> str:
        """The bare name of the struct whose member an initializer sets, "" for none known.

        Of a table inside of another object the field tells, where an image shows it.
        """
        outer, *members = entry.struct.split(".")
        struct = struct_name(outer) or ""
        for member in members:
            struct = struct_name(self.fields.get((struct, member))) or ""
        return struct


def defined_by(
    kernel: KernelFacts, macro: str, args: Sequence[str], line: int
) -> Iterator[Initializer]:
    """What a macro at file scope sets in the object that it defines."""
    for made in kernel.initializers.get(macro, ()):
        try:
            name = made.value.format(*args)
        except IndexError:
            continue
        yield Initializer(f"struct {made.struct}", args[0], made.member, name, line)


def build(
    files: Iterable[FileFacts],
    kernel: KernelFacts,
    known: Mapping[str, tuple[tuple[int, int], ...] | None] | None = None,
) -> Graph:
    """The graph of one side; ``known`` says which lines of a file its image has."""
    from patchlint.graph.bindings import bindings, slots
    from patchlint.graph.edges import deferrals

    facts = sorted(files, key=lambda file: file.path)
    graph = Graph(kernel)
    graph.known = dict(known or {})
    parts: dict[tuple[str, str], list[Function]] = {}
    for file in facts:
        for struct, name, type_text, _line in file.fields:
            owner = struct_name(struct) or struct
            graph.fields.setdefault((owner, name), type_text)
            if not file.path.endswith(".h"):
                graph.homes.setdefault(owner, set()).add(file.path)
        for function in file.functions:
            parts.setdefault((function.path, function.name), []).append(function)
        graph.initializers.extend((file.path, entry) for entry in file.initializers)
        graph.initializers.extend(
            (file.path, entry)
            for macro in file.macros
            for entry in defined_by(kernel, macro.name, macro.args, macro.line)
        )
    for one in parts.values():
        _add(graph, _one(one))
    for name in graph.by_name:
        graph.by_name[name].sort(key=lambda f: (f.path, f.line))
    graph.slots = slots(graph)
    graph.bindings = bindings(graph, facts)
    graph.deferrals = deferrals(graph)
    grouped: defaultdict[tuple[str, str], list[Deferral]] = defaultdict(list)
    for deferral in graph.deferrals:
        grouped[deferral.function.path, deferral.function.name].append(deferral)
    graph.by_function = dict(grouped)
    _note_callers(graph)
    return graph


def _note_callers(graph: Graph) -> None:
    for function in graph.functions.values():
        for call in function.calls:
            names = (
                dict.fromkeys(f.name for f in graph.callees(call, function.path))
                if call.indirect
                else (call.callee, *_given(graph.kernel, call))
            )
            for name in names:
                graph.callers.setdefault(name, []).append((function, call))


def _given(kernel: KernelFacts, call: Call) -> Iterator[str]:
    """The function that a put runs for the last reference: it is called there."""
    known = kernel.cleanups.get(call.callee)
    if known is not None and known.kind == "inherit":
        from patchlint.graph.bindings import given_function

        name = given_function(call, known.callback_arg)
        if name:
            yield name


def _add(graph: Graph, function: Function) -> None:
    """Put ``function`` in."""
    graph.functions[function.path, function.name] = function
    graph.by_name.setdefault(function.name, []).append(function)


def _one(parts: list[Function]) -> Function:
    """Parts of one function, and its #ifdef twins, as one."""
    if len(parts) == 1:
        return parts[0]
    from msgspec.structs import replace

    calls = dict.fromkeys(call for part in parts for call in part.calls)
    # of twins what stands between them is neither's, and who leaves one passes no other by
    twins = all(part.complete for part in parts)
    main = max(parts, key=lambda part: len(part.calls)) if twins else parts[0]
    ways = [main] if twins else parts
    return replace(
        main,
        line=min(part.line for part in ways),
        end=max(part.end for part in ways),
        body_digest=" ".join(part.body_digest for part in parts),
        parameters=next((p.parameters for p in parts if p.parameters), ()),
        locals=tuple(chain.from_iterable(part.locals for part in parts)),
        calls=tuple(sorted(calls, key=lambda call: call.line)),
        assignments=tuple(chain.from_iterable(part.assignments for part in parts)),
        exits=tuple(chain.from_iterable(part.exits for part in ways)),
        stores=tuple(chain.from_iterable(part.stores for part in parts)),
        results=tuple(chain.from_iterable(part.results for part in parts)),
        complete=all(part.complete for part in parts),
        settings=tuple(chain.from_iterable(part.settings for part in ways)),
        spans=tuple(chain.from_iterable(part.spans for part in parts)),
    )
