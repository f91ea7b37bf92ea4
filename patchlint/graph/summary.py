"""Summaries: what a function has done when it returns, and what it has left to others.

A summary is a list of effects, each with the guard under which it is done, in the terms of
the summarised function, and with the first deferral edge on the way, None when it is done
inline.  Summaries are made bottom-up over bodies: of what a function does itself, of what
the bodies do that it calls, put in its terms, of what callbacks do that it starts, and of what
its waits give back.

Functions that call each other are made together, in rounds.  A summary holds no more than
:data:`MOST` effects, those of one side together no more than :data:`MOST_OF_ALL`, and it is
said when one was cut.  What is late and what a table knows keeps its place before all others.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.asked import Signs
from patchlint.graph.bindings import function_name, given_function
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
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.effect import Class, Key
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import Cleanup, KernelFacts

#: effects of one function; more are left out, and that is said
MOST: Final = 600
#: effects of all functions of one side together
MOST_OF_ALL: Final = 100_000
#: times that functions which call each other are made, all together, and each at least
_ROUNDS: Final = 60
_FEWEST: Final = 2
#: one whose way has so many steps counts for two, and so on: all that follows walks the way
_LONG: Final = 16
#: calls in calls that an effect is followed through
_DEEPEST: Final = 80
#: where on a way a callback that calls the very function calls it
_BY_CALLBACK: Final = 2


class Summaries:
    """Summaries of one side, each made once.

    ``derived`` are rows that a whole tree adds.  With ``wanted`` only effects with these
    keys are told: large files have many others.  ``changed`` are functions whose bodies
    the series changes: their rows say no longer what they do.  ``placed`` gives where a
    line stood before the series, so that a gap is the same one on both sides; ``renames``
    are identifiers that are called otherwise after it: tests and stores speak of the new name.
    ``promises``: what a function has done is what others may rely on, not what makes up for it.
    """

    def __init__(
        self,
        graph: Graph,
        derived: dict[str, Cleanup] | None = None,
        wanted: Collection[Key] | None = None,
        changed: Collection[tuple[str, str]] = frozenset(),
        placed: Callable[[str, int], tuple[str, int]] | None = None,
        renames: Mapping[str, str] | None = None,
        *,
        promises: bool = False,
    ) -> None:
        self.graph = graph
        self._promises = promises
        self.derived = derived or {}
        self.wanted = wanted
        self.cut: set[str] = set()
        self.terms = Terms(graph, renames, changed)
        self.leaves = Leaves(graph, self.terms, self.derived, changed, placed)
        self._restored = Restored(graph, self.terms, self.cut)
        self._left = MOST_OF_ALL
        self._made: dict[int, tuple[Effect, ...]] = {}
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

        Functions that call each other in a circle are made together (Tarjan's strongly
        connected components): what one does hangs on none of them that was asked for first.
        """
        if id(start) in self._made:
            return
        come: dict[int, int] = {id(start): 0}
        # the first of its circle, as far as is known, by when it was come to
        first: dict[int, int] = {id(start): 0}
        circle_open: list[Function] = [start]
        stack: list[tuple[Function, Iterator[Function]]] = [(start, self._reached(start))]
        while stack:
            function, following = stack[-1]
            own = id(function)
            for callee in following:
                other = id(callee)
                if other in self._made:
                    continue
                if other in come:
                    first[own] = min(first[own], come[other])
                    continue
                come[other] = first[other] = len(come)
                circle_open.append(callee)
                stack.append((callee, self._reached(callee)))
                break
            else:
                stack.pop()
                if stack:
                    above = id(stack[-1][0])
                    first[above] = min(first[above], first[own])
                if first[own] == come[own]:
                    circle: list[Function] = []
                    while not circle or circle[-1] is not function:
                        circle.append(circle_open.pop())
                    self._make_together(circle)

    def _make_together(self, circle: Sequence[Function]) -> None:
        """Make the summaries of functions that call each other, until they hold no more.

        What only a round beyond :data:`_ROUNDS` would reach is missed, so in large circles.
        """
        if len(circle) == 1:
            self._made[id(circle[0])] = self._make(circle[0])
            return
        self._made.update((id(one), ()) for one in circle)
        callers: dict[int, list[int]] = {}
        for place, one in enumerate(circle):
            for callee in {id(callee) for callee in self._reached(one)}:
                callers.setdefault(callee, []).append(place)
        todo = set(range(len(circle)))
        for _ in range(max(_FEWEST, _ROUNDS // len(circle))):
            for place in sorted(todo):
                todo.discard(place)
                one = circle[place]
                known = len(self._made[id(one)])
                self._left += _cost(self._made[id(one)])
                self._distinct.pop(id(one), None)
                made = self._made[id(one)] = self._make(one)
                if len(made) != known:
                    todo.update(callers.get(id(one), ()))
            if not todo:
                return

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
            callback = graph.run_by(edge)
            if callback is not None:
                yield callback
        for _call, edge in self._restored.pending(function):
            callback = graph.run_by(edge)
            if callback is not None:
                yield callback

    # -- keys alone --------------------------------------------------------------------

    def keys(
        self, functions: Iterable[Function], told: Collection[tuple[str, str]] = frozenset()
    ) -> frozenset[Key]:
        """All keys that the summaries of ``functions`` could have, without a guard or an order.

        Bodies of functions that are ``told`` by their row are not looked into.
        """
        todo = list(functions)
        seen: dict[int, Function] = {id(one): one for one in todo}
        found: set[Key] = set()
        spend = budget.current().spend
        while todo:
            one = todo.pop()
            spend()
            found.update(effect.key for effect in self.leaves.of(one))
            unseen = map(self.graph.unseen, self.graph.deferrals_of(one))
            found.update(("call", name) for name in unseen if name)
            for callee in self._reached(one):
                if id(callee) not in seen and (callee.path, callee.name) not in told:
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
            if _comes_again(function, effect):
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

        for effect in self._sources(function):
            if not add(effect) and len(found) >= MOST and not spare:
                # nothing that follows gets in any more
                break
        effects = tuple(self._restored.on_the_way(function, list(found.values())))
        held = {effect.key for effect in effects if effect.wait is not None}
        flushed = (
            effect
            for effect in self._restored.from_others(function, self._behind)
            if effect.key not in held
        )
        effects = (*effects, *[effect for effect in flushed if add(effect)])
        effects = tuple(self._restored.below(function, effects))
        self._left -= _cost(effects)
        return effects

    def _sources(self, function: Function) -> Iterator[Effect]:
        """What a function does itself, by the bodies that it calls, and behind its deferrals."""
        yield from self.leaves.of(function)
        for call in function.calls:
            yield from self._through(function, call)
        for edge in self.graph.deferrals_of(function):
            yield from self._behind(function, edge)

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
                    mark += (
                        effect.outer,
                        effect.inner,
                        effect.wait is None,
                        effect.guessed,
                        id(effect.known),
                    )
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
            text = given_function(call, known.callback_arg)
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

        One that is named for it runs them later, one that visits something now.  Any other, and a
        member, which is named for what it does itself, is taken to run them here where that
        makes up for a loss, and not where it makes a promise: that errs towards a missed finding.
        """
        for text in call.args:
            name = function_name(text)
            inner = self.graph.find(name, function.path) if name else None
            if inner is None or inner is function or name in {p.name for p in function.parameters}:
                continue
            if call.indirect or not self.kernel.later.search(call.callee):
                at_once = self.kernel.runs_at_once(call.callee, inner.name)
                promised = not self._promises or at_once
                for effect in self._lift(function, call, inner, {}, ()):
                    # that it is late is so whoever calls it
                    if promised or effect.late:
                        yield effect
                continue
            for effect in self._behind(function, Deferral.unseen(function, call, inner.name)):
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
        told = partial(self.terms.told, function, call)
        put = PutIn(given, self.kernel, above, told, place=(function.path, call.line))
        for effect in inner:
            guard, places = put.guard(effect.guard)
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
                _placed(places, effect.outer),
                effect.kept,
                (*member, *effect.through),
                effect.pending,
                inner=_placed(places, effect.inner),
                put=effect.put,
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
        name = given_function(call, int(effect.key[1]))
        own = function.place_of(name)
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
        callback = self.graph.run_by(edge)
        if callback is function:
            return
        above = (*self.terms.guard(function, edge.conditions), *self.terms.within(edge))
        if callback is None:
            name = self.graph.unseen(edge)
            if name is not None:
                yield replace(
                    self.leaves.run(function, edge, name),
                    guard=above[:MOST_ATOMS],
                    outer=len(above),
                    inner=len(above),
                )
            return
        inner = self._telling(callback)
        step = edge.step(f"{callback.name}()")
        put = PutIn({}, self.kernel, above)
        for effect in inner:
            if effect.key[0] == "param":
                continue
            # what puts itself off outside of a task is not done when the callback is
            inline = edge.keeps or (edge.waits and not effect.context_bound)
            guard, places = put.guard(effect.guard)
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
                _placed(places, effect.outer) if inline else len(above),
                edge if edge.keeps else effect.kept,
                effect.through,
                effect.pending,
                inner=_placed(places, effect.inner) if inline or effect.late else len(above),
                put=effect.put,
            )


def _placed(places: Sequence[int], count: int) -> int:
    """Where the first ``count`` tests of a guard end now, which was cut where it was too long."""
    return places[min(count, len(places) - 1)]


def _cost(effects: Sequence[Effect]) -> int:
    """What the effects of a function count for in those of all."""
    return sum([1 + len(effect.chain) // _LONG for effect in effects])


def _comes_again(function: Function, effect: Effect) -> bool:
    """Whether a function does something by calling itself, in what it calls.

    Its own effects say what it does, for whatever object.  One that puts itself off is told:
    ``if (later) { queue(x); return; }`` above a body that the callback comes to by a call of it.
    """
    if effect.pending is not None:
        # its way leads to who started it, which may be this function
        return False
    name = function.name
    if name not in [step.function for step in effect.chain]:  # nearly always so
        return False
    again = [
        place
        for place, step in enumerate(effect.chain)
        if place and step.function == name and step.path == function.path
    ]
    return bool(again) and (
        effect.edge is None or effect.last is not effect.edge or again != [_BY_CALLBACK]
    )
