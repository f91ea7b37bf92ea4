"""Summaries: what a function has done when it returns, and what it has left to others.

A summary is a list of effects, each with the guard under which it is done, in the terms of
the summarised function, and with the first deferral edge on the way, None when it is done
inline.  Summaries are made bottom-up over bodies; tables are leaves: they say what a body
that nobody has would do.  What is not seen is an effect of its own (``opaque``, ``gap``).

Cycles are cut where they close, and what was cut is made a second time; what only a third
round would reach is missed.  A summary holds no more than :data:`MOST` effects, those of one
side together no more than :data:`MOST_OF_ALL`, and it is said when one was cut.  What is late
and what a table knows keeps its place before all others.
"""

from __future__ import annotations

import re
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.bindings import argument, function_name, reference, resolved, values
from patchlint.graph.build import Deferral
from patchlint.graph.objects import same
from patchlint.graph.waits import Awaited, signalled_before, wait_matches
from patchlint.model import budget
from patchlint.model.context import GUARANTEES
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from patchlint.graph.build import Graph
    from patchlint.graph.guards import Atom
    from patchlint.model.context import Guarantee
    from patchlint.model.facts import Call, Condition, Function, Store
    from patchlint.model.kernel import Cleanup, KernelFacts

Key = tuple[str, ...]
Class = Literal["row", "memory", "async", "named", "opaque", "indirect", "store", "gap"]

#: effects of one function; more are left out, and that is said
MOST: Final = 600
#: effects of all functions of one side together
MOST_OF_ALL: Final = 100_000
#: calls in calls that an effect is followed through
_DEEPEST: Final = 80
#: calls in calls below a helper in which its deferral may be seen
_BELOW: Final = 3
#: tests above one effect that are told apart
_MOST_ATOMS: Final = 40
_LONGEST: Final = 80
#: waits for something that others may have started
_AWAITED: Final = frozenset({"object", "queue", "completion", "event"})
#: the test of a branch that a hunk shows without its head
_UNKNOWN: Final = "1"
_CALL: Final = re.compile(r"^([A-Za-z_]\w*)\s*\(.*\)$", re.DOTALL)
#: a text that is made to be printed
_MESSAGE: Final = re.compile(r'^"(?:[^"\\]|\\.)*(?:%|\\n)')
_NAME: Final = re.compile(r"^[A-Za-z_]\w*$")
_MEMBERS: Final = re.compile(r"[A-Za-z_]\w*")


class Effect(Struct, frozen=True, gc=False):
    """One thing that is done: what, under which guard, by when.

    ``key`` is what is done, modulo variables: ``("call", "fput")``, ``("icall", "release")``,
    ``("store", "state", "=", "DEAD")``, ``("gap", path, line)``.  ``root`` is the call in the
    summarised function on the way to it, ``site`` the call that does it, in ``where``;
    ``line`` that of the site (a store has no call).  ``edge`` is the first deferral on the
    way, ``last`` the hop that does it.  ``chain`` leads from the function to the site.
    """

    key: Key
    kind: Class
    known: Cleanup | None
    guarantee: Guarantee
    guard: tuple[Atom, ...]
    args: tuple[str, ...]
    root: Call | None
    site: Call | None
    where: Function
    line: int
    chain: tuple[Step, ...]
    between: tuple[Call, ...] = ()
    edge: Deferral | None = None
    last: Deferral | None = None
    #: a wait on the way that holds the task until a deferred effect is done
    wait: Call | None = None
    #: deferred by a helper that nobody shows, known by its name alone
    guessed: bool = False
    #: how many of the guard's tests stand above the first deferral
    outer: int = 0
    #: task work on the way, which keeps the promise
    kept: Deferral | None = None
    #: operations through whose member a call on the way goes: struct, folder of the function
    through: tuple[tuple[str, str], ...] = ()
    #: the function that waits for it, if somebody else has started it
    pending: Function | None = None

    @property
    def above(self) -> tuple[Atom, ...]:
        """The tests that decide whether it is deferred, or done inline."""
        return self.guard if self.edge is None else self.guard[: self.outer]

    @property
    def way(self) -> tuple[Call, ...]:
        """The calls that lead to it, first that of the summarised function."""
        return self.between if self.root is None else (self.root, *self.between)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that lead to it, and the one that does it."""
        return self.way if self.site is None else (*self.way, self.site)

    @property
    def late(self) -> bool:
        """Whether it may be done after the summarised function has returned."""
        return self.edge is not None and self.wait is None

    @property
    def name(self) -> str:
        """What is done, as a maintainer would call it."""
        if self.key[0] == "store":
            return f"->{self.key[1]} {self.key[2]} {self.key[3]}"
        if self.key[0] == "gap":
            return self.where.name
        return self.key[1]

    @property
    def said(self) -> str:
        """What is done, in a sentence."""
        if self.key[0] == "store":
            return f"the store of {self.key[3]} to ->{self.key[1]}"
        if self.key[0] == "gap":
            return f"the part of {self.where.name}() that no hunk shows"
        return f"->{self.name}()" if self.key[0] == "icall" else f"{self.name}()"

    @property
    def visible(self) -> bool:
        """Whether user space can see that it is late; what is not known may be seen."""
        return self.known.visible if self.known else self.kind != "memory"

    @property
    def context_bound(self) -> bool:
        """Whether it puts itself off when it runs outside of a task."""
        known = self.known
        return known is not None and known.kind in ("ctx", "wrap") and known.deferred != known.task

    @property
    def root_line(self) -> int:
        """Line in the summarised function on which it is done, or on the way to it."""
        return self.root.line if self.root is not None else self.line


class Summaries:
    """Summaries of one side, each made once.

    ``derived`` are rows that a whole tree adds.  With ``wanted`` only effects with these
    keys are told: large files have many others.  ``changed`` are functions whose bodies
    the series changes: their rows say no longer what they do.  ``placed`` gives where a
    line stood before the series, so that a gap is the same one on both sides; ``renames``
    are identifiers that are called otherwise after it: tests and stores speak of the new name.
    """

    def __init__(
        self,
        graph: Graph,
        derived: dict[str, Cleanup] | None = None,
        wanted: Collection[Key] | None = None,
        changed: Collection[tuple[str, str]] = frozenset(),
        placed: Callable[[str, int], tuple[str, int]] | None = None,
        renames: Mapping[str, str] | None = None,
    ) -> None:
        self.graph = graph
        self.derived = derived or {}
        self.wanted = wanted
        self.changed = changed
        self._renames = dict(renames or {})
        self._placed = placed or (lambda path, line: (path, line))
        self.cut: set[str] = set()
        self._left = MOST_OF_ALL
        self._made: dict[int, tuple[Effect, ...]] = {}
        self._again: set[int] = set()
        self._waits: dict[int, list[tuple[Call, Deferral]]] = {}
        self._atoms: dict[tuple[int, str], tuple[Atom, ...]] = {}
        self._guards: dict[tuple[Atom, ...], tuple[Atom, ...]] = {}
        self._leaves: dict[int, tuple[Effect, ...]] = {}
        self._distinct: dict[int, tuple[Effect, ...]] = {}

    @property
    def kernel(self) -> KernelFacts:
        """The tables."""
        return self.graph.kernel

    def of(self, function: Function) -> tuple[Effect, ...]:
        """The summary of ``function``."""
        self._bottom_up(function)
        return self._made[id(function)]

    # -- order -------------------------------------------------------------------------

    def _bottom_up(self, start: Function) -> None:
        """Make the summaries of ``start`` and of all that it reaches, callees first.

        Where calls close a cycle, those inside of it are made without the one that it was
        entered by.  They are forgotten when that one is made, and made anew, once, when
        somebody asks: what the entry does is known then.
        """
        if id(start) in self._made:
            return
        stack: list[tuple[Function, Iterator[Function]]] = [(start, self._reached(start))]
        depths: dict[int, int] = {id(start): 0}
        # the outermost function on the way whose summary was missing, by function
        lowest: dict[int, int] = {id(start): 0}
        # functions made so far that lack a summary, each with the outermost that it lacks
        lacking: dict[int, int] = {}
        while stack:
            function, following = stack[-1]
            own = id(function)
            for callee in following:
                other = id(callee)
                if other in depths:
                    lowest[own] = min(lowest[own], depths[other])
                elif other in self._made:
                    lowest[own] = min(lowest[own], lacking.get(other, lowest[own]))
                else:
                    depths[other] = lowest[other] = len(stack)
                    stack.append((callee, self._reached(callee)))
                    break
            else:
                stack.pop()
                depth, low = depths.pop(own), lowest.pop(own)
                self._made[own] = self._make(function)
                if low < depth:
                    lacking[own] = low
                    above = id(stack[-1][0])
                    lowest[above] = min(lowest[above], low)
                elif lacking:
                    self._forget(lacking, depth)
                    self._starting_itself(function)

    def _starting_itself(self, function: Function) -> None:
        """Make a summary again with what callbacks do that call the very function again.

        ``if (later) { queue(x); return; }`` above a body that the worker comes to by a call of
        the same function: they were made without it.
        """
        late = [
            callback
            for edge in self.graph.deferrals_of(function)
            if (callback := self.graph.find(edge.callback, function.path)) is not None
            and callback is not function
            and id(callback) not in self._made
        ]
        for callback in late:
            self._bottom_up(callback)
        if late:
            self._distinct.pop(id(function), None)
            self._made[id(function)] = self._make(function)

    def _forget(self, lacking: dict[int, int], depth: int) -> None:
        """Drop the summaries that lack the function at that depth, which is made now."""
        while lacking:
            one, low = lacking.popitem()
            if low < depth:
                lacking[one] = low
                return
            if one not in self._again:
                self._again.add(one)
                self._left += len(self._made.pop(one))
                self._distinct.pop(one, None)

    def _reached(self, function: Function) -> Iterator[Function]:
        """The functions whose summaries that of ``function`` is made of."""
        graph = self.graph
        for call in function.calls:
            yield from graph.callees(call, function.path)
            for text in call.args:
                name = function_name(text)
                inner = graph.find(name, function.path) if name else None
                if inner is not None:
                    yield inner
        for edge in graph.deferrals_of(function):
            callback = graph.find(edge.callback, function.path)
            if callback is not None:
                yield callback
        for _call, edge in self._pending(function):
            callback = graph.find(edge.callback, edge.function.path)
            if callback is not None:
                yield callback

    # -- keys alone --------------------------------------------------------------------

    def keys(self, functions: Iterable[Function]) -> frozenset[Key]:
        """All keys that the summaries of ``functions`` could have, without a guard or an order."""
        todo = list(functions)
        seen: dict[int, Function] = {id(one): one for one in todo}
        found: set[Key] = set()
        spend = budget.current().spend
        while todo:
            one = todo.pop()
            spend()
            found.update(effect.key for effect in self.leaves(one))
            for callee in self._reached(one):
                if id(callee) not in seen:
                    seen[id(callee)] = callee
                    todo.append(callee)
        return frozenset(found)

    # -- one function ------------------------------------------------------------------

    def _make(self, function: Function) -> tuple[Effect, ...]:  # noqa: C901 - one list of sources
        found: dict[tuple[object, ...], Effect] = {}
        # those that give way when there is no room
        spare: list[tuple[object, ...]] = []
        spend = budget.current().spend
        signs = _Signs()

        def add(effect: Effect) -> bool:
            spend()
            if (
                self.wanted is not None
                and effect.key not in self.wanted
                and effect.key[0] != "param"
            ):
                return False
            if self._left <= 0 or len(effect.chain) > _DEEPEST:
                self.cut.add(function.name)
                return False
            told = signs.of(effect.guard) if effect.root is not effect.site else None
            mark = (effect.key, effect.root_line, id(effect.edge), told)
            if mark in found:
                return False
            telling = effect.late or effect.kind == "row"
            if len(found) >= MOST:
                self.cut.add(function.name)
                if not telling or not spare:
                    return False
                found.pop(spare.pop())
            found[mark] = effect
            if not telling:
                spare.append(mark)
            return True

        for effect in self.leaves(function):
            add(effect)
        for call in function.calls:
            for effect in self._through(function, call):
                add(effect)
        for edge in self.graph.deferrals_of(function):
            for effect in self._behind(function, edge):
                add(effect)
        effects = tuple(self._waited(function, list(found.values())))
        held = {effect.key for effect in effects if effect.wait is not None}
        flushed = (effect for effect in self._flushed(function) if effect.key not in held)
        effects = (*effects, *[effect for effect in flushed if add(effect)])
        effects = tuple(self._awaited_below(function, effects))
        self._left -= len(effects)
        return effects

    def _telling(self, function: Function) -> tuple[Effect, ...]:
        """The effects of ``function`` that a call of it tells from each other.

        What is done on several of its lines under the same tests is one thing to a caller.
        """
        known = self._distinct.get(id(function))
        if known is None:
            first: dict[tuple[object, ...], Effect] = {}
            for place, effect in enumerate(self._made.get(id(function), ())):
                mark: tuple[object, ...] = (place,)
                if effect.key[0] != "param":
                    mark = (effect.key, effect.guard, id(effect.edge), id(effect.last))
                    mark += (effect.outer, effect.wait is None, effect.guessed, id(effect.known))
                first.setdefault(mark, effect)
            known = tuple(first.values())
            if id(function) in self._made:
                self._distinct[id(function)] = known
        return known

    def guard(self, function: Function, conditions: tuple[Condition, ...]) -> tuple[Atom, ...]:
        """The atoms of the branches above a place, locals and small helpers put in.

        Equal guards are one tuple, by which :class:`_PutIn` knows them again.
        """
        found: list[Atom] = []
        for condition in conditions[:_MOST_ATOMS]:
            if condition.text == _UNKNOWN:
                continue
            mark = (id(condition), function.name)
            made = self._atoms.get(mark)
            if made is None:
                text = guards.renamed(self._spelled(function, condition.text), self._renames)
                made = tuple(guards.atoms(self.kernel, condition, function.path, text))
                self._atoms[mark] = made
            found.extend(made)
        guard = tuple(found)
        return self._guards.setdefault(guard, guard)

    def _spelled(self, function: Function, text: str) -> str:
        """A test with a local flag or a helper that only asks replaced by what they ask."""
        bare, positive = guards.normal(text)
        for _ in range(2):
            inner = self._inner_test(function, bare)
            if inner is None or len(inner) > 2 * _LONGEST:
                break
            bare, sign = guards.normal(inner)
            positive = positive == sign
        return bare if positive else f"!({bare})"

    def _inner_test(self, function: Function, bare: str) -> str | None:
        """What a flag was set to, or what a helper returns; None for anything else.

        A pointer that a call gave is tested for being there: which call it was says nothing.
        """
        if _NAME.match(bare):
            said = {a.value for a in function.assignments if a.target == bare}
            value = said.pop() if len(said) == 1 else None
            if value is not None and guards.evaluate(value) is not None:
                # what is tested has another value somewhere: a global, or filled by address
                return None
            if value is None or not _CALL.match(value):
                return value
            shown = self._inner_test(function, value)
            bare, positive = guards.normal(value)
            test = bare if positive else f"!{bare}"
            hints = (h for h in self.kernel.hints if h.kind == "condition")
            return value if shown or any(h.pattern.search(test) for h in hints) else None
        called = _CALL.match(bare)
        helper = self.graph.find(called[1], function.path) if called else None
        if helper is None or len(helper.results) != 1 or helper.stores:
            return None
        given = resolved(self.graph, function, bare)
        return given if given != bare else None

    # -- leaves ------------------------------------------------------------------------

    def leaves(self, function: Function) -> tuple[Effect, ...]:
        """What ``function`` does itself, without the bodies that it calls."""
        known = self._leaves.get(id(function))
        if known is None:
            known = self._leaves[id(function)] = tuple(self._own(function))
        return known

    def _own(self, function: Function) -> Iterator[Effect]:
        taken = self._taken(function)
        for call in function.calls:
            if call.implicit and call.args[:1] and call.args[0] in taken:
                # handed on by no_free_ptr() and the like: the end of the scope frees nothing
                continue
            yield from self._leaf(function, call)
        for store in function.stores:
            effect = self._store(function, store)
            if effect is not None:
                yield effect
        yield from self._gaps(function)

    def _taken(self, function: Function) -> set[str]:
        """Variables that some way takes from the release at the end of their scope."""
        takes = self.kernel.takes
        return {call.args[0] for call in function.calls if call.callee in takes and call.args}

    def _leaf(self, function: Function, call: Call) -> Iterator[Effect]:
        """The effect of one call by itself: by its row, by its name, or as what it is."""
        kernel, name = self.kernel, call.callee
        if call.indirect:
            place = next((i for i, p in enumerate(function.parameters) if p.name == name), None)
            key: Key = ("icall", name) if place is None else ("param", str(place))
            kind: Class = "named" if named_teardown(kernel, name) else "indirect"
            yield self._at(function, call, key, kind, None)
            return
        if name in kernel.twins:
            if not self._tells_of_deferral(self.graph.find(name, function.path)):
                yield self._twin(function, call, kernel.twins[name].direct)
            return
        known = kernel.cleanups.get(name) or self.derived.get(name)
        if known is not None and known.kind == "inherit":
            yield from self._given(function, call, known)
        elif known is not None:
            body = self.graph.find(name, function.path)
            if body is None or body.path.endswith(".h") or not self._changes(body):
                yield self._at(function, call, ("call", name), _class_of(known), known)
        elif not self._mechanism(name):
            yield from self._unknown(function, call)

    def _tells_of_deferral(self, body: Function | None) -> bool:
        """Whether a helper that the tables know for deferring shows by itself what it does.

        One that the series changes does.  Of others the deferral may be in what nobody shows,
        below a pointer or in another file: the row speaks until something that it calls defers.
        """
        return body is not None and (
            self._changes(body)
            or any(self.graph.deferrals_of(one) for one in self.graph.reach(body, _BELOW))
        )

    def _given(self, function: Function, call: Call, known: Cleanup) -> Iterator[Effect]:
        """A release given to ``kref_put()`` and its like, as far as its body is not shown."""
        text = function_name(argument(call, known.callback_arg))
        inner = self.graph.find(text, function.path) if text else None
        if text and (inner is None or not inner.complete):
            row = self.kernel.cleanups.get(text) or self.derived.get(text)
            kind: Class = _class_of(row) if row else "named"
            yield self._at(function, call, ("call", text), kind, row, last_reference=True)

    def _unknown(self, function: Function, call: Call) -> Iterator[Effect]:
        """A call that no table knows: by its name, or as something that nobody shows."""
        name = call.callee
        body = self.graph.find(name, function.path)
        if body is not None and body.complete:
            return
        if named_teardown(self.kernel, name):
            yield self._at(function, call, ("call", name), "named", None)
        elif (
            body is None
            and call.statement
            and self.kernel.harmless.search(name) is None
            and not name.isupper()
            and not any(_MESSAGE.match(text) for text in call.args)
        ):
            yield self._at(function, call, ("call", name), "opaque", None)

    def _changes(self, body: Function) -> bool:
        """Whether the series changes a body, so that its row says no longer what it does."""
        return (body.path, body.name) in self.changed

    def _mechanism(self, name: str) -> bool:
        kernel = self.kernel
        return (
            name in kernel.waits
            or name in kernel.list_adds
            or name in kernel.registrations
            or name in kernel.activations
            or name in kernel.container_macros
            or name in kernel.refcount_puts
            or name in kernel.references
            or name in kernel.takes
            or name in kernel.accessors
        )

    def _at(
        self,
        function: Function,
        call: Call,
        key: Key,
        kind: Class,
        known: Cleanup | None,
        *,
        last_reference: bool = False,
    ) -> Effect:
        guard = self.guard(function, call.conditions)
        if last_reference:
            asked = guards.last_reference(call.callee, function.path, call.line)
            guard = (*guard, asked)
        return Effect(
            key,
            kind,
            known,
            known.task if known else "before-call-returns",
            guard,
            call.args,
            call,
            call,
            function,
            call.line,
            (
                Step(
                    function.name,
                    function.path,
                    call.line,
                    f"{call.callee}() runs {key[1]}() at the last reference"
                    if last_reference
                    else f"{'->' if kind == 'indirect' else ''}{call.callee}()",
                ),
            ),
        )

    def _twin(self, function: Function, call: Call, direct: str) -> Effect:
        """A helper of the tables that does later what ``direct`` does now."""
        twin = self.kernel.twins[call.callee]
        known = self.kernel.cleanups.get(direct)
        edge = Deferral(
            function,
            call,
            call.callee,
            twin.runs_in,
            twin.context,
            twin.guarantee,
            None,
            None,
            keeps=False,
            waits=False,
        )
        effect = self._at(
            function, call, ("call", direct), _class_of(known) if known else "named", known
        )
        steps = (
            Step(function.name, function.path, call.line, f"{call.callee}() runs {twin.runs_in}()"),
        )
        return replace(
            effect,
            guarantee=twin.guarantee,
            edge=edge,
            last=edge,
            chain=steps,
            site=None,
            outer=len(effect.guard),
        )

    def _store(self, function: Function, store: Store) -> Effect | None:
        """A write that others can see; what is counted or kept for later is none."""
        members = [self._renames.get(m, m) for m in _MEMBERS.findall(store.target)]
        value = store.value if store.value.isupper() or store.value in ("NULL", "false") else ""
        if not members or store.op not in ("=", "|=", "&=") or not value:
            return None
        key: Key = ("store", members[-1], store.op, value)
        step = Step(function.name, function.path, store.line, f"{store.target} {store.op} {value}")
        return Effect(
            key,
            "store",
            None,
            "before-call-returns",
            self.guard(function, store.conditions),
            (store.target,),
            None,
            None,
            function,
            store.line,
            (step,),
        )

    def _gaps(self, function: Function) -> Iterator[Effect]:
        """Lines inside a function that no hunk shows: they may do anything."""
        known = self.graph.known.get(function.path)
        if function.complete or known is None:
            return
        for (_, last), (first, _) in pairwise((*known, (function.end + 1, function.end + 1))):
            within = last < function.end and first <= function.end
            if function.line <= last and (within or (function.cut and last == function.end)):
                step = Step(function.name, function.path, last + 1, "lines that no hunk shows")
                path, line = self._placed(function.path, last)
                yield Effect(
                    ("gap", path, str(line)),
                    "gap",
                    None,
                    "before-call-returns",
                    (),
                    (),
                    None,
                    None,
                    function,
                    last,
                    (step,),
                )

    # -- calls -------------------------------------------------------------------------

    def _through(self, function: Function, call: Call) -> Iterator[Effect]:
        """What the bodies that a call runs do, in the terms of ``function``."""
        if call.implicit and call.args[:1] and call.args[0] in self._taken(function):
            return
        graph = self.graph
        known = self.kernel.cleanups.get(call.callee)
        if known is not None and known.kind == "inherit":
            text = function_name(argument(call, known.callback_arg))
            inner = graph.find(text, function.path) if text else None
            if inner is not None and inner is not function:
                asked = guards.last_reference(call.callee, function.path, call.line)
                yield from self._lift(function, call, inner, {}, (asked,))
            return
        callees = graph.callees(call, function.path)
        for callee in callees:
            if callee is not function:
                yield from self._lift(function, call, callee, self._values(callee, call), ())
        if not callees and not self._mechanism(call.callee):
            yield from self._handed(function, call)

    def _values(self, callee: Function, call: Call) -> dict[str, str]:
        """Arguments by parameter, under the new name of one as well."""
        given = values(callee, call)
        if self._renames:
            given |= {self._renames.get(name, name): text for name, text in given.items()}
        return given

    def _handed(self, function: Function, call: Call) -> Iterator[Effect]:
        """Functions given to a helper that nobody shows.

        One that is named for it runs them later; any other, and a member, which is named for
        what it does itself, is taken to run them here: that errs towards a missed finding.
        """
        for text in call.args:
            name = function_name(text)
            inner = self.graph.find(name, function.path) if name else None
            if inner is None or inner is function or name in {p.name for p in function.parameters}:
                continue
            if call.indirect or not self.kernel.later.search(call.callee):
                yield from self._lift(function, call, inner, {}, ())
                continue
            edge = Deferral(
                function, call, call.callee, inner.name, "unknown", "eventually", None, None,
                keeps=False, waits=False,
            )  # fmt: skip
            for effect in self._behind(function, edge):
                yield replace(effect, guessed=True)

    def _lift(
        self,
        function: Function,
        call: Call,
        callee: Function,
        given: dict[str, str],
        more: tuple[Atom, ...],
    ) -> Iterator[Effect]:
        """The summary of ``callee`` at ``call``; what its constants rule out is left out."""
        inner = self._telling(callee)
        if not inner:
            return
        above = (*self.guard(function, call.conditions), *more)
        step = Step(function.name, function.path, call.line, f"calls {callee.name}()")
        member = self._member(call, callee)
        put = _PutIn(given, self.kernel, above, partial(self._asked, function))
        for effect in inner:
            guard, outside = put.guard(effect.guard)
            if guard is None or (effect.through and self._elsewhere(function, effect)):
                continue
            if effect.key[0] == "param":
                yield from self._run_parameter(function, call, callee, effect, guard)
                continue
            yield Effect(
                effect.key,
                effect.kind,
                effect.known,
                effect.guarantee,
                guard[:_MOST_ATOMS],
                put.texts(effect.args),
                call,
                effect.site,
                effect.where,
                effect.line,
                (step, *effect.chain),
                effect.way,
                effect.edge,
                effect.last,
                effect.wait,
                effect.guessed,
                effect.outer + outside,
                effect.kept,
                (*member, *effect.through),
                effect.pending,
            )

    def _asked(self, function: Function, atom: Atom) -> Atom:
        """A test of a flag of ``function`` alone, by what the flag was set to."""
        if not _NAME.match(atom.text):
            return atom
        text, positive = guards.normal(self._spelled(function, atom.text))
        if text == atom.text:
            return atom
        sign = atom.positive == positive
        asked = guards.head(text, self.kernel.refcount_puts)
        return replace(atom, text=text, positive=sign, head=asked)

    def _member(self, call: Call, callee: Function) -> tuple[tuple[str, str], ...]:
        """The operations, and whose they are, when a call goes through a member."""
        if not call.indirect:
            return ()
        return tuple(
            (struct, folder_of(path))
            for name, struct, path in self.graph.slots.get(call.callee, ())
            if name == callee.name and struct
        )

    def _elsewhere(self, function: Function, effect: Effect) -> bool:
        """Whether the way goes through the operations of a sibling of ``function``.

        Who gives a generic layer its operations is called back through these alone: no
        request of one file system ends in another.  Folders beside each other stand for
        that, which errs towards missing what a layer does in the one that it is stacked on.
        """
        here = folder_of(function.path)
        return any(at != here and folder_of(at) == folder_of(here) for _, at in effect.through)

    def _run_parameter(
        self,
        function: Function,
        call: Call,
        callee: Function,
        effect: Effect,
        atoms: tuple[Atom, ...],
    ) -> Iterator[Effect]:
        """A callback that ``callee`` calls: what the function given to it does."""
        name = function_name(argument(call, int(effect.key[1])))
        own = next((i for i, p in enumerate(function.parameters) if p.name == name), None)
        step = Step(function.name, function.path, call.line, f"calls {callee.name}()")
        if own is not None:
            yield replace(
                effect, key=("param", str(own)), guard=atoms, root=call, chain=(step, *effect.chain)
            )
            return
        inner = self.graph.find(name, function.path) if name else None
        if inner is not None and inner is not function:
            for one in self._lift(function, call, inner, {}, atoms):
                yield replace(one, edge=effect.edge or one.edge, last=one.last or effect.last)
            return
        if name and name != "NULL":
            known = self.kernel.cleanups.get(name) or self.derived.get(name)
            kind: Class = _class_of(known) if known else "opaque"
            made = self._at(function, call, ("call", name), kind, known)
            yield replace(made, guard=atoms, edge=effect.edge, last=effect.last)

    # -- deferrals ---------------------------------------------------------------------

    def _behind(self, function: Function, edge: Deferral) -> Iterator[Effect]:
        """What the callback of an edge does, lowered to what the edge is worth."""
        callback = self.graph.find(edge.callback, function.path)
        if callback is None or callback is function:
            return
        inner = self._telling(callback)
        above = (*self.guard(function, edge.conditions), *self._within(edge))
        does = "hands it to" if edge.handoff else "runs"
        step = Step(
            function.name, function.path, edge.line, f"{edge.mechanism}() {does} {callback.name}()"
        )
        put = _PutIn({}, self.kernel, above)
        for effect in inner:
            if effect.key[0] == "param":
                continue
            # what puts itself off outside of a task is not done when the callback is
            inline = edge.keeps or (edge.waits and not effect.context_bound)
            guard, _ = put.guard(effect.guard)
            own = effect.guarantee
            if not edge.keeps and effect.context_bound and effect.known is not None:
                own = effect.known.deferred
            yield Effect(
                effect.key,
                effect.kind,
                effect.known,
                max(own, edge.guarantee, key=GUARANTEES.index),
                (guard or ())[:_MOST_ATOMS],
                effect.args,
                edge.call,
                effect.site,
                effect.where,
                effect.line,
                (step, *effect.chain),
                effect.way,
                effect.edge if inline else edge,
                effect.last if inline or effect.late else edge,
                effect.wait if inline else None,
                effect.guessed,
                len(above) + (effect.outer if inline else 0),
                edge if edge.keeps else effect.kept,
                effect.through,
                effect.pending,
            )

    def _flushed(self, function: Function) -> Iterator[Effect]:
        """What others have started and ``function`` waits for: done when it returns."""
        for call, edge in self._pending(function):
            above = self.guard(function, call.conditions)
            for effect in self._behind(edge.function, edge):
                # a wait is for the start that it found, not for those that the callback makes
                again = any(between is edge.call for between in effect.between)
                early = signalled_before(self.graph, edge, effect.chain, function, call)
                if not effect.context_bound and effect.last is edge and not (again or early):
                    yield replace(
                        effect,
                        guard=(*above, *effect.guard[effect.outer :])[:_MOST_ATOMS],
                        outer=len(above),
                        root=call,
                        between=(),
                        wait=call,
                        pending=function,
                    )

    def _pending(self, function: Function) -> list[tuple[Call, Deferral]]:
        """Waits of a function, each with an edge that it waits for and does not start itself.

        Where no image shows who starts it, what binds the callback stands for that.
        """
        known = self._waits.get(id(function))
        if known is not None:
            return known
        graph = self.graph
        own = {id(edge) for edge in graph.deferrals_of(function)}
        found: list[tuple[Call, Deferral]] = []
        for call in function.calls:
            row = self.kernel.waits.get(call.callee)
            if row is None or not row.restores or row.kind not in _AWAITED:
                continue
            edges = self._awaited.by(function, call)
            if row.kind in {"object", "queue"}:
                edges = edges or self._bound(function, call, row.object_arg)
            found.extend(
                (call, edge)
                for edge in edges
                if id(edge) not in own and not (edge.keeps or edge.waits or edge.handoff)
            )
            if len(found) > MOST:
                self.cut.add(function.name)
                break
        self._waits[id(function)] = found
        return found

    @cached_property
    def _awaited(self) -> Awaited:
        return Awaited(self.graph)

    def _bound(self, function: Function, call: Call, place: int | None) -> list[Deferral]:
        """Edges to what is bound to the object that is waited for, started by somebody unseen."""
        text = argument(call, place)
        target = reference(self.graph, function, text, function.path) if text else None
        if target is None:
            return []
        bindings = self.graph.bindings_at(target.keys)
        return [
            Deferral(
                function,
                call,
                bound.registration.name,
                bound.callback,
                bound.registration.context,
                bound.registration.guarantee,
                bound.target,
                None,
                keeps=bound.registration.keeps,
                waits=bound.registration.waits,
            )
            for bound in bindings
            if bound.registration.context is not None and same(bound.target, target)
        ]

    def _within(self, edge: Deferral) -> Iterator[Atom]:
        """The tests inside own helpers under which they start an edge, in its terms."""
        for place, (helper, call) in enumerate(edge.within):
            given = self._values(helper, edge.call) if place == 0 else {}
            put = _PutIn(given, self.kernel)
            yield from put.guard(self.guard(helper, call.conditions))[0] or ()

    def _awaited_below(self, function: Function, effects: tuple[Effect, ...]) -> list[Effect]:
        """Effects with those inline again that a callee, called below the start, waits for."""
        waiters: dict[int, list[Effect]] = {}
        for effect in effects:
            if effect.pending not in (None, function) and effect.edge is not None:
                waiters.setdefault(id(effect.edge), []).append(effect)
        found: list[Effect] = []
        merged: set[tuple[int, Key]] = set()
        for effect in effects:
            waiter = next(
                (
                    one
                    for one in waiters.get(id(effect.last or effect.edge), ())
                    if effect.late
                    and effect.edge is not None
                    and not effect.context_bound
                    and one.root is not None
                    and one.key == effect.key
                    and self._on_all_ways(function, effect, one.root)
                    and self._comes_to(function, one, effect)
                ),
                None,
            )
            if waiter is not None:
                merged.add((id(waiter.edge), waiter.key))
                found.append(replace(effect, wait=waiter.wait))
            else:
                found.append(effect)
        # the start and the wait are one thing that is done
        return [
            effect
            for effect in found
            if effect.pending in (None, function) or (id(effect.edge), effect.key) not in merged
        ]

    def _on_all_ways(self, function: Function, effect: Effect, call: Call) -> bool:
        """Whether control that started what is late always comes to ``call`` below."""
        allowed = {a.sign for a in effect.guard}
        return call.line > effect.root_line and all(
            atom.sign in allowed
            or (atom.early and not self._may_leave(function, effect, atom))
            or self._asks_start(function, effect, atom)
            for atom in self.guard(function, call.conditions)
        )

    def _asks_start(self, function: Function, effect: Effect, atom: Atom) -> bool:
        """Whether a test below a start asks if it was one: if not, nothing is to wait for.

        Which value says so differs: either is taken, which errs towards silence.
        """
        start = effect.root
        return (
            start is not None
            and atom.path == function.path
            and atom.line >= start.line
            and atom.head.split(" ")[0] in (start.callee, start.assigned)
        )

    def _may_leave(self, function: Function, effect: Effect, atom: Atom) -> bool:
        """Whether an early guard stands below the start, and not for something that failed."""
        asked = atom.head.split(" ")[0]
        return (
            atom.path == function.path
            and effect.root_line < atom.line
            and asked not in self.kernel.activations
            and asked not in self.kernel.list_adds
            and not self._leaves_failed(atom)
        )

    def _leaves_failed(self, atom: Atom) -> bool:
        """Whether who does not pass an early guard is one for whom something failed."""
        turned = guards.said(replace(atom, positive=not atom.positive))
        return self.kernel.error_path.search(turned) is not None

    def _comes_to(self, function: Function, waiter: Effect, effect: Effect) -> bool:
        """Whether the wait below a call stands under no test that the start did not stand under.

        Tests of ``function`` itself are not asked for.  Those of a loop around the wait say
        whether there is anything left to wait for.
        """
        allowed = {atom.sign for atom in effect.above}
        loop = waiter.wait is not None and waiter.wait.in_loop
        return all(
            atom.sign in allowed
            or (loop and atom.head != guards.LAST_REFERENCE)
            or (atom.path == function.path and function.line <= atom.line <= function.end)
            or (atom.early and self._leaves_failed(atom))
            for atom in waiter.above
        )

    def _waited(self, function: Function, effects: list[Effect]) -> Iterator[Effect]:
        """Effects with those inline again that a wait on the same way holds the task for."""
        waits = [
            call
            for call in function.calls
            if (row := self.kernel.waits.get(call.callee)) is not None and row.restores
        ]
        for effect in effects:
            if effect.edge is None or effect.wait is not None or not waits or effect.context_bound:
                # what puts itself off outside of a task is not done when the callback is
                yield effect
                continue
            wait = next(
                (
                    call
                    for call in waits
                    if self._on_all_ways(function, effect, call)
                    and wait_matches(self.graph, last := effect.last or effect.edge, function, call)
                    and not signalled_before(self.graph, last, effect.chain, function, call)
                ),
                None,
            )
            yield effect if wait is None else replace(effect, wait=wait)


class _Signs:
    """What guards ask, in order: worked out once for each, known by identity."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[Atom, ...], tuple[tuple[str, bool], ...]]] = {}

    def of(self, guard: tuple[Atom, ...]) -> tuple[tuple[str, bool], ...]:
        """The signs of the atoms of a guard."""
        known = self._known.get(id(guard))
        if known is None:  # the guard is kept, so that its identity stays its own
            known = self._known[id(guard)] = (guard, tuple([a.sign for a in guard]))
        return known[1]


class _PutIn:
    """The arguments of one call in the place of the parameters of what it calls.

    Effects of one function share their guards, tests and arguments: each is worked out once
    a call.  They are known by identity, which holds as long as those effects do.
    """

    def __init__(
        self,
        given: dict[str, str],
        kernel: KernelFacts,
        above: tuple[Atom, ...] = (),
        tell: Callable[[Atom], Atom] | None = None,
    ) -> None:
        self._given = given
        self._kernel = kernel
        self._above = above
        self._tell = tell
        self._guards: dict[int, tuple[tuple[Atom, ...] | None, int]] = {}
        self._atoms: dict[int, Atom | bool] = {}
        self._texts: dict[tuple[str, ...], tuple[str, ...]] = {}

    def guard(self, atoms: tuple[Atom, ...]) -> tuple[tuple[Atom, ...] | None, int]:
        """Tests in the caller's terms below those above the call, and how many more they are.

        None when the caller's constants rule out what stands under them.
        """
        known = self._guards.get(id(atoms))
        if known is None:
            lifted = self._lifted(atoms)
            whole = None if lifted is None else (*self._above, *lifted)
            known = self._guards[id(atoms)] = (whole, len(whole or ()) - len(atoms))
        return known

    def _lifted(self, atoms: tuple[Atom, ...]) -> tuple[Atom, ...] | None:
        if not self._given or not atoms:
            return atoms
        known = self._atoms
        found: list[Atom] = []
        for atom in atoms:
            lifted = known.get(id(atom))
            if lifted is None:
                lifted = guards.lifted(atom, self._given, self._kernel)
                if self._tell is not None and not isinstance(lifted, bool) and lifted != atom:
                    lifted = self._tell(lifted)
                known[id(atom)] = lifted
            if lifted is False:
                return None
            if lifted is not True:
                found.append(lifted)
        return tuple(found)

    def texts(self, args: tuple[str, ...]) -> tuple[str, ...]:
        """Arguments in the caller's terms; one that becomes too long stays as it is."""
        if not self._given or not args:
            return args
        known = self._texts.get(args)
        if known is None:
            given = self._given
            known = tuple([_short(guards.put_in(text, given), text) for text in args])
            self._texts[args] = known
        return known


def folder_of(path: str) -> str:
    """The folder of a file."""
    return path.rpartition("/")[0]


def _short(text: str, other: str) -> str:
    return text if len(text) <= _LONGEST else other


def _class_of(known: Cleanup) -> Class:
    if known.kind == "memory":
        return "memory"
    return "async" if known.kind == "async" else "row"


def named_teardown(kernel: KernelFacts, name: str) -> bool:
    """Whether a function is named like one that releases something that lasts."""
    return kernel.teardown.search(name) is not None and kernel.not_teardown.search(name) is None
