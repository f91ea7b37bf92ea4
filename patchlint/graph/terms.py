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
from patchlint.graph.flags import UNKNOWN, Told, flag
from patchlint.graph.lifting import PutIn
from patchlint.graph.macro_tables import arguments, bracket_end
from patchlint.graph.predicates import question

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from patchlint.graph.build import Deferral, Graph
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Call, Condition, Function

#: what a flag or a helper asks is put in its place when it is not longer than this
_LONGEST: Final = 160
_CALL: Final = re.compile(r"^([A-Za-z_]\w*)\s*\(.*\)$", re.DOTALL)
_CALLED: Final = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(")
_NAME: Final = re.compile(r"^[A-Za-z_]\w*$")


class Terms:
    """The terms of the functions of one side; each test is worked out once.

    ``renames`` are identifiers that are called otherwise after the series, ``changed`` the
    functions whose bodies it changes: a test of one of those is told by what it asks, since its
    name is the same on both sides.
    """

    def __init__(
        self,
        graph: Graph,
        renames: Mapping[str, str] | None = None,
        changed: Collection[tuple[str, str]] = frozenset(),
    ) -> None:
        self._graph = graph
        self._changed = changed
        self._kernel = graph.kernel
        self._renames = dict(renames or {})
        self._atoms: dict[tuple[int, str], tuple[Atom, ...]] = {}
        self._guards: dict[tuple[Atom, ...], tuple[Atom, ...]] = {}

    def guard(self, function: Function, conditions: tuple[Condition, ...]) -> tuple[Atom, ...]:
        """The atoms of the branches above a place, locals and small helpers put in.

        Equal guards are one tuple, by which :class:`PutIn` knows them again.
        """
        found: list[Atom] = []
        for place, condition in enumerate(conditions[:MOST_ATOMS]):
            if condition.text == UNKNOWN:
                continue
            mark = (id(condition), function.name)
            made = self._atoms.get(mark)
            if made is None:
                above = conditions[:place]
                made = self._atoms[mark] = tuple(self._asked(function, condition, above))
            found.extend(made)
        guard = tuple(found)
        return self._guards.setdefault(guard, guard)

    def _asked(
        self, function: Function, condition: Condition, above: tuple[Condition, ...]
    ) -> Iterator[Atom]:
        """The atoms of one branch; a flag that is known to be set asks for nothing."""
        text, places = self._answered(function, condition.text)
        text = self._spelled(function, text)
        asked = guards.atoms(self._kernel, condition, function.path, text)
        terms = (*self._set_at(function, condition.text), *places)
        for atom in asked:
            # a flag is told by its old name, under which it was set
            said = flag(function, atom.text, condition.line, above)
            if said is None:
                yield self._in_new_words(replace(atom, terms=terms) if terms else atom)
                continue
            told = self._by_flag(function, atom, said)
            if isinstance(told, tuple):
                yield from told
            elif not told:
                # never come to: that its other side always is says enough
                yield replace(atom, terms=_places(function, said.lines))

    def _in_new_words(self, atom: Atom) -> Atom:
        """An atom with identifiers by their new names."""
        text = guards.renamed(atom.text, self._renames) if self._renames else atom.text
        if text == atom.text:
            return atom
        return replace(atom, text=text, head=guards.head(text, self._kernel.refcount_puts))

    def told(self, function: Function, call: Call, atom: Atom) -> tuple[Atom, ...] | bool:
        """A test of what a call passes, by what a flag of ``function`` was set to above it.

        True or False when that decides it.
        """
        said = flag(function, atom.text, call.line, call.conditions)
        if said is not None:
            return self._by_flag(function, atom, said)
        if not _NAME.match(atom.text):
            return (self._in_new_words(atom),)
        text, positive = guards.normal(self._spelled(function, atom.text))
        if text == atom.text:
            return (self._in_new_words(atom),)
        terms = self._set_at(function, atom.text)
        text = guards.renamed(text, self._renames)
        return guards.told(self._kernel, atom, text if positive else f"!({text})", terms)

    def _by_flag(self, function: Function, atom: Atom, said: Told) -> tuple[Atom, ...] | bool:
        """A test of a flag by what that asks for; True or False when it is a constant."""
        text = guards.renamed(said.text, self._renames)
        return guards.told(self._kernel, atom, text, _places(function, said.lines))

    def _answered(self, function: Function, text: str) -> tuple[str, tuple[tuple[str, int], ...]]:
        """A test with what changed helpers in it ask in their places, and where those ask it."""
        places: list[tuple[str, int]] = []
        if self._changed:
            for called in reversed(list(_CALLED.finditer(text))):
                helper = self._graph.find(called[1], function.path)
                if helper is None or (helper.path, helper.name) not in self._changed:
                    continue
                given = arguments(text, called.end() - 1)
                asked = question(helper) if given is not None else None
                if asked is not None:
                    names = [one.name for one in helper.parameters if one.name]
                    said = guards.put_in(asked, dict(zip(names, given or (), strict=False)))
                    end = bracket_end(text, called.end() - 1)
                    text = f"{text[: called.start()]}({said}){text[end:]}"
                    places += _places(helper, (one.line for one in helper.exits))
        return text, tuple(places)

    def _set_at(self, function: Function, text: str) -> tuple[tuple[str, int], ...]:
        """Where a local flag that is all of a test was set, once, to what is put in for it."""
        bare, _ = guards.normal(text)
        if not _NAME.match(bare) or self._inner_test(function, bare) is None:
            return ()
        return _places(function, [a.line for a in function.assignments if a.target == bare])

    def within(self, edge: Deferral) -> Iterator[Atom]:
        """The tests inside own helpers under which they start an edge, in its terms."""
        for place, (helper, call) in enumerate(edge.within):
            given = self.arguments(helper, edge.call) if place == 0 else {}
            put = PutIn(given, self._kernel, place=(edge.function.path, edge.call.line))
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


def _places(function: Function, lines: Iterable[int]) -> tuple[tuple[str, int], ...]:
    return tuple((function.path, line) for line in dict.fromkeys(lines))
