"""Summaries: what a function has done when it returns, and what it has left to others.

A summary is a list of effects, each with the guard under which it is done, in the terms of
the summarised function, and with the first deferral edge on the way, None when it is done
inline.  Summaries are made bottom-up over bodies: of what a function does itself, of what
the bodies do that it calls, put in its terms, of what callbacks do that it starts, and of what
its waits give back.

Cycles are cut where they close, and what was cut is made a second time; what only a third
round would reach is missed.  A summary holds no more than :data:`MOST` effects, those of one
side together no more than :data:`MOST_OF_ALL`, and it is said when one was cut.  What is late
and what a table knows keeps its place before all others.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.asked import Signs
from patchlint.graph.bindings import argument, function_name
from patchlint.graph.build import Deferral
from patchlint.graph.effect import MOST_ATOMS, Effect, class_of, folder_of
from patchlint.graph.leaves import Leaves, is_mechanism, taken
from patchlint.graph.lifting import PutIn
from patchlint.graph.restored import Restored
from patchlint.graph.terms import Terms
from patchlint.model import budget
from patchlint.model.context import GUARANTEES
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from patchlint.graph.build import Graph
    from patchlint.graph.effect import Class, Key
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import Cleanup, KernelFacts

#: effects of one function; more are left out, and that is said
MOST: Final = 600
#: effects of all functions of one side together
MOST_OF_ALL: Final = 100_000
#: calls in calls that an effect is followed through
_DEEPEST: Final = 80


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
        self.cut: set[str] = set()
        self.terms = Terms(graph, renames)
        self.leaves = Leaves(graph, self.terms, self.derived, changed, placed)
        self._restored = Restored(graph, self.terms, self.cut)
        self._left = MOST_OF_ALL
        self._made: dict[int, tuple[Effect, ...]] = {}
        self._again: set[int] = set()
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
        for _call, edge in self._restored.pending(function):
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
            found.update(effect.key for effect in self.leaves.of(one))
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
        signs = Signs()

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

        for effect in self.leaves.of(function):
            add(effect)
        for call in function.calls:
            for effect in self._through(function, call):
                add(effect)
        for edge in self.graph.deferrals_of(function):
            for effect in self._behind(function, edge):
                add(effect)
        effects = tuple(self._restored.on_the_way(function, list(found.values())))
        held = {effect.key for effect in effects if effect.wait is not None}
        flushed = (
            effect
            for effect in self._restored.from_others(function, self._behind)
            if effect.key not in held
        )
        effects = (*effects, *[effect for effect in flushed if add(effect)])
        effects = tuple(self._restored.below(function, effects))
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

    # -- calls -------------------------------------------------------------------------

    def _through(self, function: Function, call: Call) -> Iterator[Effect]:
        """What the bodies that a call runs do, in the terms of ``function``."""
        if call.implicit and call.args[:1] and call.args[0] in taken(self.kernel, function):
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
                given = self.terms.arguments(callee, call)
                yield from self._lift(function, call, callee, given, ())
        if not callees and not is_mechanism(self.kernel, call.callee):
            yield from self._handed(function, call)

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
        above = (*self.terms.guard(function, call.conditions), *more)
        step = Step(function.name, function.path, call.line, f"calls {callee.name}()")
        member = self._member(call, callee)
        put = PutIn(given, self.kernel, above, partial(self.terms.told, function))
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
                guard[:MOST_ATOMS],
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
            kind: Class = class_of(known) if known else "opaque"
            made = self.leaves.at(function, call, ("call", name), kind, known)
            yield replace(made, guard=atoms, edge=effect.edge, last=effect.last)

    # -- deferrals ---------------------------------------------------------------------

    def _behind(self, function: Function, edge: Deferral) -> Iterator[Effect]:
        """What the callback of an edge does, lowered to what the edge is worth."""
        callback = self.graph.find(edge.callback, function.path)
        if callback is None or callback is function:
            return
        inner = self._telling(callback)
        above = (*self.terms.guard(function, edge.conditions), *self.terms.within(edge))
        does = "hands it to" if edge.handoff else "runs"
        step = Step(
            function.name, function.path, edge.line, f"{edge.mechanism}() {does} {callback.name}()"
        )
        put = PutIn({}, self.kernel, above)
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
                max(own, "after-wait" if edge.waits else edge.guarantee, key=GUARANTEES.index),
                (guard or ())[:MOST_ATOMS],
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
