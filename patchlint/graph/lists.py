"""Lists between functions: one puts an item on, another takes it off and does the work.

Whoever puts an item on a list that a deferred callback takes from hands it over to that
callback, also where the list is moved onto another one first (``list_splice_init(&gone,
&batch->gone)``, a list head on the stack in between), as long as nothing else takes from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.graph.bindings import given_object
from patchlint.graph.build import Deferral
from patchlint.graph.effect import folder_of
from patchlint.graph.objects import same

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from patchlint.graph.build import Graph
    from patchlint.graph.objects import ObjectRef
    from patchlint.model.context import Context, Guarantee
    from patchlint.model.facts import Call, Function

#: calls that are looked at for lists that deferred functions drain
_MOST_VISITED: Final = 200_000
#: lists that are moved onto others, one after the other
_MOST_MOVES: Final = 3


class Take(Struct, frozen=True):
    """A call that takes items off a list, or moves all of them onto another."""

    function: Function
    call: Call
    target: ObjectRef
    onto: ObjectRef | None = None


class _Drain(Struct, frozen=True):
    """A list that a deferred callback takes items off, by itself or once it was moved."""

    target: ObjectRef
    callback: Function
    by: str
    context: Context
    guarantee: Guarantee


#: what tells lists apart: those of one mark are one list for all others
_Mark = tuple[frozenset[str], str | None, bool, str, str | None, bool]


def _mark(one: ObjectRef) -> _Mark:
    # a member is the same in all functions of a file, a variable may be of one alone
    return (
        one.keys,
        one.owner,
        one.plain,
        one.path,
        one.function if one.plain else None,
        one.local,
    )


class Lists:
    """The lists of one side, by who takes items off them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        drains = graph.kernel.list_drains
        self.takes = [
            take
            for function in graph.functions.values()
            for call in function.calls
            if call.callee in drains
            if (take := self._take(function, call, drains[call.callee])) is not None
        ]
        self._by_function: dict[tuple[str, str], list[Take]] = {}
        self._by_name: dict[str, list[int]] = {}
        self._by_onto: dict[str, list[int]] = {}
        self._of: dict[_Mark, list[Take]] = {}
        self._moved: dict[_Mark, list[ObjectRef]] = {}
        for place, take in enumerate(self.takes):
            self._by_function.setdefault((take.function.path, take.function.name), []).append(take)
            for key in take.target.keys:
                self._by_name.setdefault(key, []).append(place)
            for key in take.onto.keys if take.onto is not None else ():
                self._by_onto.setdefault(key, []).append(place)

    def _take(self, function: Function, call: Call, index: int) -> Take | None:
        target = given_object(self._graph, function, call, index)
        if target is None:
            return None
        places = self._graph.kernel.list_adds.get(call.callee)
        moved = places is not None and places[0] == index
        onto = given_object(self._graph, function, call, places[1]) if places and moved else None
        return Take(function, call, target, onto)

    def of(self, target: ObjectRef) -> list[Take]:
        """What takes items off a list."""
        mark = _mark(target)
        known = self._of.get(mark)
        if known is None:
            takes = self._known_by(self._by_name, target)
            homes = self._graph.homes
            known = self._of[mark] = [t for t in takes if same(t.target, target, homes)]
        return known

    def _known_by(self, names: Mapping[str, list[int]], target: ObjectRef) -> list[Take]:
        """The takes under any name of a list, in their order."""
        places = sorted({place for key in target.keys for place in names.get(key, ())})
        return [self.takes[place] for place in places]

    def ends_of(self, target: ObjectRef) -> list[Take]:
        """What takes items off a list, or off those that it is moved onto, one by one."""
        found: list[Take] = []
        level = {_mark(target): target}
        for _ in range(_MOST_MOVES):
            takes = [take for one in level.values() for take in self.of(one)]
            found += [take for take in takes if take.onto is None]
            level = {_mark(take.onto): take.onto for take in takes if take.onto is not None}
        return found

    def moved_onto(self, target: ObjectRef) -> list[ObjectRef]:
        """Lists whose items all come onto another one, at once or over lists in between.

        Nothing else may take items off those, so that what is put on one comes there for sure.
        """
        mark = _mark(target)
        known = self._moved.get(mark)
        if known is None:
            known = self._moved[mark] = []
            level = {mark: target}
            for _ in range(_MOST_MOVES):
                level = {
                    _mark(take.target): take.target
                    for one in level.values()
                    for take in self._known_by(self._by_onto, one)
                    if take.onto is not None
                    and same(take.onto, one, self._graph.homes)
                    and all(other.onto is not None for other in self.of(take.target))
                }
                known += level.values()
        return known

    def drains(self, leave_out: Callable[[], None]) -> list[_Drain]:
        """Lists that deferred callbacks take items off; ``leave_out`` is told where it is cut."""
        graph = self._graph
        found: list[_Drain] = []
        told: set[tuple[int, int]] = set()
        visited = 0
        for binding in graph.bindings if self.takes else ():
            registration = binding.registration
            start = graph.find(binding.callback, binding.path)
            mark = (id(start), id(registration))
            if registration.context in (None, "task") or start is None or mark in told:
                continue
            told.add(mark)
            if visited > _MOST_VISITED:
                leave_out()
                break
            below = graph.reach(start, 2)
            visited += sum(1 + len(function.calls) for function in below)
            drains = {
                _mark(take.target): _Drain(
                    take.target,
                    start,
                    take.call.callee,
                    registration.context,
                    registration.guarantee,
                )
                for function in below
                for take in reversed(self._by_function.get((function.path, function.name), ()))
                if not take.target.local
            }
            found += drains.values()
        moved = [
            replace(drain, target=source)
            for drain in found
            for source in self.moved_onto(drain.target)
            if not source.local
        ]
        return [*found, *moved]


def handoffs(graph: Graph, most: int, leave_out: Callable[[], None]) -> list[Deferral]:
    """Edges through a list, ``most`` at most: one function adds an item, a callback drains it."""
    drains = Lists(graph).drains(leave_out)
    by_key: dict[str, list[int]] = {}
    for place, drain in enumerate(drains):
        for name in drain.target.keys:
            by_key.setdefault(name, []).append(place)
    found: dict[tuple[str, str, int, str], Deferral] = {}
    for function in graph.functions.values() if drains else ():
        if graph.kernel.builds(function.name):
            # what is built is put on a list to be found there, not to be released
            continue
        for call in function.calls:
            places = graph.kernel.list_adds.get(call.callee)
            target = given_object(graph, function, call, places[1] if places else None)
            if target is None or target.local:
                continue
            if len(found) > most:
                leave_out()
                return list(found.values())
            for place in sorted({at for name in target.keys for at in by_key.get(name, ())}):
                drain = drains[place]
                if (
                    drain.callback is function
                    or _of_others(function, drain)
                    or not same(target, drain.target, graph.homes)
                ):
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
                        bound_in=drain.callback.path,
                    ),
                )
    return list(found.values())


def _of_others(function: Function, drain: _Drain) -> bool:
    """Whether what drains a list is a static function of another folder."""
    return drain.callback.static and folder_of(drain.callback.path) != folder_of(function.path)
