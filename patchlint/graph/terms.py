"""Tests and arguments in the terms of the function that they stand in.

A local flag is told by what it was set to, a small helper that only asks by what it asks, and
an identifier that the series renames by its new name: both sides then speak of the same thing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.bindings import resolved, values
from patchlint.graph.effect import MOST_ATOMS
from patchlint.graph.lifting import PutIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from patchlint.graph.build import Deferral, Graph
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Call, Condition, Function

#: the test of a branch that a hunk shows without its head
_UNKNOWN: Final = "1"
#: what a flag or a helper asks is put in its place when it is not longer than this
_LONGEST: Final = 160
_CALL: Final = re.compile(r"^([A-Za-z_]\w*)\s*\(.*\)$", re.DOTALL)
_NAME: Final = re.compile(r"^[A-Za-z_]\w*$")


class Terms:
    """The terms of the functions of one side; each test is worked out once.

    ``renames`` are identifiers that are called otherwise after the series.
    """

    def __init__(self, graph: Graph, renames: Mapping[str, str] | None = None) -> None:
        self._graph = graph
        self._kernel = graph.kernel
        self._renames = dict(renames or {})
        self._atoms: dict[tuple[int, str], tuple[Atom, ...]] = {}
        self._guards: dict[tuple[Atom, ...], tuple[Atom, ...]] = {}

    def guard(self, function: Function, conditions: tuple[Condition, ...]) -> tuple[Atom, ...]:
        """The atoms of the branches above a place, locals and small helpers put in.

        Equal guards are one tuple, by which :class:`PutIn` knows them again.
        """
        found: list[Atom] = []
        for condition in conditions[:MOST_ATOMS]:
            if condition.text == _UNKNOWN:
                continue
            mark = (id(condition), function.name)
            made = self._atoms.get(mark)
            if made is None:
                text = guards.renamed(self._spelled(function, condition.text), self._renames)
                made = tuple(guards.atoms(self._kernel, condition, function.path, text))
                self._atoms[mark] = made
            found.extend(made)
        guard = tuple(found)
        return self._guards.setdefault(guard, guard)

    def told(self, function: Function, atom: Atom) -> Atom:
        """A test of a flag of ``function`` alone, by what the flag was set to."""
        if not _NAME.match(atom.text):
            return atom
        text, positive = guards.normal(self._spelled(function, atom.text))
        if text == atom.text:
            return atom
        sign = atom.positive == positive
        asked = guards.head(text, self._kernel.refcount_puts)
        return replace(atom, text=text, positive=sign, head=asked)

    def within(self, edge: Deferral) -> Iterator[Atom]:
        """The tests inside own helpers under which they start an edge, in its terms."""
        for place, (helper, call) in enumerate(edge.within):
            given = self.arguments(helper, edge.call) if place == 0 else {}
            put = PutIn(given, self._kernel)
            yield from put.guard(self.guard(helper, call.conditions))[0] or ()

    def arguments(self, callee: Function, call: Call) -> dict[str, str]:
        """Arguments by parameter, under the new name of one as well."""
        given = values(callee, call)
        if self._renames:
            given |= {self._renames.get(name, name): text for name, text in given.items()}
        return given

    def renamed(self, name: str) -> str:
        """An identifier, by its new name if it has one."""
        return self._renames.get(name, name)

    def _spelled(self, function: Function, text: str) -> str:
        """A test with a local flag or a helper that only asks replaced by what they ask."""
        bare, positive = guards.normal(text)
        for _ in range(2):
            inner = self._inner_test(function, bare)
            if inner is None or len(inner) > _LONGEST:
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
            hints = (h for h in self._kernel.hints if h.kind == "condition")
            return value if shown or any(h.pattern.search(test) for h in hints) else None
        called = _CALL.match(bare)
        helper = self._graph.find(called[1], function.path) if called else None
        if helper is None or len(helper.results) != 1 or helper.stores:
            return None
        given = resolved(self._graph, function, bare)
        return given if given != bare else None
