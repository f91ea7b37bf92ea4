"""What guards ask, worked out once for each: effects by the hundred stand under few of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from patchlint.graph import guards

if TYPE_CHECKING:
    from patchlint.graph.effect import Effect
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Function
    from patchlint.model.kernel import KernelFacts


#: what tests ask: of each the sides any one of which makes it come out as it did
Asks = frozenset[frozenset[str]]


class Tests:
    """Tests that stand above each other, and what they ask together."""

    def __init__(self, atoms: tuple[Atom, ...], asked: Asked) -> None:
        self.atoms = atoms
        self._asked = asked
        self._keeps: dict[Asks, bool] = {}

    @cached_property
    def heads(self) -> frozenset[str]:
        """What they ask."""
        return frozenset(head for head, _ in self.choices)

    @cached_property
    def choices(self) -> frozenset[tuple[str, bool]]:
        """What they ask, and the answers, each side of an "or" for itself."""
        return frozenset().union(*(self._asked.choices(a) for a in self.atoms))

    @cached_property
    def signs(self) -> frozenset[tuple[str, bool]]:
        """What they ask, and the answers."""
        return frozenset(a.sign for a in self.atoms)

    def _asks(self, atom: Atom) -> frozenset[str]:
        """What a test asks, any one of which makes it come out so."""
        return frozenset(head for head, _ in self._asked.choices(atom))

    @cached_property
    def lasting(self) -> Asks:
        """What those ask that are no guard which leaves early, and those that part off tasks."""
        return frozenset(
            self._asks(a) for a in self.atoms if not a.early or self._asked.parts_tasks(a)
        )

    @cached_property
    def made(self) -> Asks:
        """What all of them ask."""
        return frozenset(self._asks(a) for a in self.atoms)

    def keeps(self, past: Asks) -> bool:
        """Whether all that was asked for before holds here too.

        A test that holds on one more side of an "or" is another one, one with a side less is not.
        """
        known = self._keeps.get(past)
        if known is None:
            made = self.made
            known = all(any(one <= side for one in made) for side in past - made)
            self._keeps[past] = known
        return known

    @cached_property
    def no_task(self) -> bool:
        """Whether one leaves only what is no task: tasks then do as before."""
        return any(self._asked.leaves_no_task(a) for a in self.atoms)

    @cached_property
    def of_queueing(self) -> bool:
        """Whether one is what queueing itself came to: what stands below is part of that."""
        return any(self._asked.of_queueing(a) for a in self.atoms)


class Asked:
    """The tests of effects.  A guard is known by identity, and kept so that this holds."""

    def __init__(self, kernel: KernelFacts) -> None:
        self._kernel = kernel
        self._known: dict[tuple[int, int], tuple[tuple[Atom, ...], Tests]] = {}
        self._no_task: dict[tuple[str, bool], bool] = {}
        self._parts: dict[str, bool] = {}
        self._calls: dict[int, tuple[Function, frozenset[int]]] = {}

    def above(self, effect: Effect) -> Tests:
        """The tests that decide whether an effect is deferred, or done inline."""
        guard = effect.guard
        return self._tests(guard, len(guard) if effect.edge is None else effect.outer)

    def of(self, guard: tuple[Atom, ...]) -> Tests:
        """The tests of one guard."""
        return self._tests(guard, len(guard))

    def all_of(self, effect: Effect) -> Tests:
        """All tests that an effect stands under."""
        return self._tests(effect.guard, len(effect.guard))

    def _tests(self, guard: tuple[Atom, ...], count: int) -> Tests:
        known = self._known.get((id(guard), count))
        if known is None:
            tests = Tests(guard[:count], self)
            known = self._known[id(guard), count] = (guard, tests)
        return known[1]

    def choices(self, atom: Atom) -> frozenset[tuple[str, bool]]:
        """What a test asks, and the answers that make it come out as it did."""
        return guards.choices(atom.text, atom.positive, self._kernel.refcount_puts)

    def leaves_no_task(self, atom: Atom) -> bool:
        """Whether a test leaves only what is no task."""
        asked = (atom.text, atom.positive)
        if asked not in self._no_task:
            self._no_task[asked] = guards.asks_for_context(self._kernel, atom)
        return self._no_task[asked]

    def parts_tasks(self, atom: Atom) -> bool:
        """Whether a side of a test tells tasks from what is none."""
        if atom.text not in self._parts:
            self._parts[atom.text] = guards.parted_by_context(self._kernel, atom)
        return self._parts[atom.text]

    def calls_of(self, function: Function) -> frozenset[int]:
        """Which calls are made by a function itself, by their identity."""
        known = self._calls.get(id(function))
        if known is None:
            made = frozenset(id(call) for call in function.calls)
            known = self._calls[id(function)] = (function, made)
        return known[1]

    def of_queueing(self, atom: Atom) -> bool:
        """Whether a test is of what queueing came to."""
        kernel, asked = self._kernel, atom.head.split(" ")[0]
        if asked in kernel.activations or asked in kernel.list_adds:
            return True
        # a call of that name: a variable ``lazy`` beside brackets says nothing of a queue
        called = f"{asked}(" in atom.text
        return called and not atom.positive and kernel.later.search(asked) is not None


class Signs:
    """What guards ask, in order: worked out once for each, known by identity."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[Atom, ...], tuple[tuple[str, bool], ...]]] = {}

    def of(self, guard: tuple[Atom, ...]) -> tuple[tuple[str, bool], ...]:
        """The signs of the atoms of a guard."""
        known = self._known.get(id(guard))
        if known is None:  # the guard is kept, so that its identity stays its own
            known = self._known[id(guard)] = (guard, tuple([a.sign for a in guard]))
        return known[1]
