"""What waits give back: effects that are late, and done all the same when a function returns.

A wait holds the task until what was deferred is done: on the same way, in a callee that is
called below the start, or for what somebody else has started.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import branches, guards
from patchlint.graph.bindings import argument, reference
from patchlint.graph.build import Deferral
from patchlint.graph.effect import MOST_ATOMS
from patchlint.graph.objects import same
from patchlint.graph.waits import SIGNALLED, Awaited, for_itself, signalled_before, wait_matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.graph.terms import Terms
    from patchlint.model.facts import Call, Function

    #: what the callback of an edge does, seen from a function
    _Behind = Callable[[Function, Deferral], Iterator[Effect]]

#: starts that the waits of one function are for; more are left out, and that is said
_MOST: Final = 600
#: waits for something that others may have started
_AWAITED: Final = SIGNALLED | {"object", "queue"}


class Restored:
    """What the waits of one side give back.

    Functions whose waits are for too much are told to ``cut`` by their names.
    """

    def __init__(self, graph: Graph, terms: Terms, cut: set[str]) -> None:
        self._graph = graph
        self._kernel = graph.kernel
        self._terms = terms
        self._cut = cut
        self._pending: dict[int, list[tuple[Call, Deferral]]] = {}

    def on_the_way(self, function: Function, effects: list[Effect]) -> Iterator[Effect]:
        """Effects with those inline again that a wait on the same way holds the task for."""
        waits = [
            call
            for call in function.calls
            if (row := self._kernel.waits.get(call.callee)) is not None and row.restores
        ]
        asked = self._asked_for(function, waits)
        for effect in effects:
            if effect.edge is None or effect.wait is not None or not waits:
                yield effect
                continue
            wait = next(
                (
                    call
                    for call in waits
                    if self._on_all_ways(function, effect, call)
                    and self._matches(function, effect, call)
                ),
                None,
            )
            if wait is None:
                yield from self._if_asked(function, self._by_next(function, effect, waits), asked)
            elif effect.context_bound:
                # what puts itself off outside of a task is not done when the callback is
                yield replace(effect, vain=wait)
            else:
                yield replace(effect, wait=wait)

    def _asked_for(self, function: Function, waits: Sequence[Call]) -> list[tuple[Call, Atom]]:
        """The waits that stand under a test of one parameter, each with that test.

        ``if (wait) flush_work(&x->work);``: callers say by a constant which it is.
        """
        own = {p.name for p in function.parameters if not branches.may_point(p.type)}
        found = []
        for call in waits if own else ():
            asked = [a for a in self._terms.guard(function, call.conditions) if a.text in own]
            if len(asked) == 1 and not asked[0].early:
                found.append((call, asked[0]))
        return found

    def _if_asked(
        self, function: Function, effect: Effect, asked: Sequence[tuple[Call, Atom]]
    ) -> Iterator[Effect]:
        """A late effect, and apart from it the ways on which a parameter makes wait for it."""
        for call, atom in asked if not effect.context_bound else ():
            with_it, without = self._under(effect, atom), self._under(effect, atom.turned)
            if self._on_all_ways(function, with_it, call) and self._matches(function, effect, call):
                yield replace(with_it, wait=call)
                yield without
                return
        yield effect

    def _under(self, effect: Effect, atom: Atom) -> Effect:
        """An effect under one more test above its start."""
        place = effect.outer
        guard = (*effect.guard[:place], atom, *effect.guard[place:])
        return replace(effect, guard=guard[:MOST_ATOMS], outer=place + 1, inner=effect.inner + 1)

    def _matches(self, function: Function, effect: Effect, call: Call) -> bool:
        """Whether a wait below is for what does an effect, and not over before."""
        last = effect.hop
        return (
            last is not None
            and wait_matches(self._graph, last, function, call)
            and not signalled_before(self._graph, last, effect.chain, function, call)
        )

    def _by_next(self, function: Function, effect: Effect, waits: Sequence[Call]) -> Effect:
        """An effect behind a start that is waited for: the hop which nobody waits for decides.

        Which hops lie between the first and the last an effect does not say; the tests above the
        last are taken, which errs towards what was late before.
        """
        first, last = effect.edge, effect.last
        if first is None or last is None or last is first or first.keeps or first.waits:
            return effect
        for call in waits:
            if self._on_all_ways(function, effect, call) and wait_matches(
                self._graph, first, function, call
            ):
                return replace(effect, outer=effect.inner)
        return effect

    def from_others(self, function: Function, behind: _Behind) -> Iterator[Effect]:
        """What others have started and ``function`` waits for: done when it returns."""
        for call, edge in self.pending(function):
            above = self._terms.guard(function, call.conditions)
            for effect in behind(edge.function, edge):
                # a wait is for the start that it found, not for those that the callback makes
                again = any(between is edge.call for between in effect.between)
                early = signalled_before(self._graph, edge, effect.chain, function, call)
                if not effect.context_bound and effect.last is edge and not (again or early):
                    yield replace(
                        effect,
                        guard=(*above, *effect.guard[effect.outer :])[:MOST_ATOMS],
                        outer=len(above),
                        inner=len(above),
                        root=call,
                        between=(),
                        wait=call,
                        pending=function,
                    )

    def below(self, function: Function, effects: tuple[Effect, ...]) -> list[Effect]:
        """Effects with those inline again that a callee, called below the start, waits for."""
        waiters: dict[tuple[int, Key], list[Effect]] = {}
        for effect in effects:
            if effect.pending not in (None, function) and effect.edge is not None:
                waiters.setdefault((id(effect.edge), effect.key), []).append(effect)
        if not waiters:
            return list(effects)
        found: list[Effect] = []
        merged: set[tuple[int, Key]] = set()
        for effect in effects:
            late = effect.late and effect.edge is not None and not effect.context_bound
            waiter = next(
                (
                    one
                    for one in waiters.get((id(effect.hop), effect.key), ())
                    if one.root is not None
                    and self._on_all_ways(function, effect, one.root)
                    and self._comes_to(function, one, effect)
                )
                if late
                else iter(()),
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

    def pending(self, function: Function) -> list[tuple[Call, Deferral]]:
        """Waits of a function, each with an edge that it waits for and does not start itself.

        Where no image shows who starts it, what binds the callback stands for that.
        """
        known = self._pending.get(id(function))
        if known is not None:
            return known
        graph = self._graph
        own = {id(edge) for edge in graph.deferrals_of(function)}
        found: list[tuple[Call, Deferral]] = []
        for call in function.calls:
            row = self._kernel.waits.get(call.callee)
            if row is None or not row.restores or row.kind not in _AWAITED:
                continue
            edges: Sequence[Deferral] = self._awaited.by(function, call)
            if row.kind in {"object", "queue"}:
                edges = edges or self._bound(function, call, row.object_arg)
            if row.kind == "queue":
                edges = for_itself(function, edges)
            found.extend(
                (call, edge)
                for edge in edges
                if id(edge) not in own and not (edge.keeps or edge.waits or edge.handoff)
            )
            if len(found) > _MOST:
                self._cut.add(function.name)
                break
        self._pending[id(function)] = found
        return found

    @cached_property
    def _awaited(self) -> Awaited:
        return Awaited(self._graph)

    def _bound(self, function: Function, call: Call, place: int | None) -> list[Deferral]:
        """Edges to what is bound to the object that is waited for, started by somebody unseen."""
        text = argument(call, place)
        target = reference(self._graph, function, text, function.path) if text else None
        if target is None:
            return []
        bindings = self._graph.bindings_at(target.keys)
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
                bound_in=bound.path,
            )
            for bound in bindings
            if bound.registration.context is not None
            and same(bound.target, target, self._graph.homes)
        ]

    def _on_all_ways(self, function: Function, effect: Effect, call: Call) -> bool:
        """Whether control that started what is late always comes to ``call`` below."""
        if call.line <= effect.root_line:
            return False
        asked = self._terms.guard(function, call.conditions)
        allowed = {a.sign for a in effect.guard} if asked else ()
        return all(
            atom.sign in allowed
            or (atom.early and not self._may_leave(function, effect, atom))
            or _asks_start(function, effect, atom)
            for atom in asked
        )

    def _may_leave(self, function: Function, effect: Effect, atom: Atom) -> bool:
        """Whether an early guard stands below the start, and not for something that failed."""
        asked = atom.head.split(" ")[0]
        return (
            atom.path == function.path
            and effect.root_line < atom.line
            and asked not in self._kernel.activations
            and asked not in self._kernel.list_adds
            and not guards.leaves_failed(self._kernel, atom)
        )

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
            or atom.within(function)
            or guards.leaves_failed(self._kernel, atom)
            for atom in waiter.above
        )


def _asks_start(function: Function, effect: Effect, atom: Atom) -> bool:
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
