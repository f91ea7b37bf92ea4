"""What guards ask, worked out once for each: effects by the hundred stand under few of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from patchlint.graph import guards

if TYPE_CHECKING:
    from patchlint.graph.guards import Atom
    from patchlint.graph.summary import Effect
    from patchlint.model.kernel import KernelFacts


class Tests:
    """Tests that stand above each other, and what they ask together."""

    def __init__(self, atoms: tuple[Atom, ...], asked: Asked) -> None:
        self.atoms = atoms
        self._asked = asked

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

    def keeps(self, past: Tests, *, early: bool = False) -> bool:
        """Whether all that the tests of ``past`` asked for holds here too; of guards if ``early``.

        A test that holds on one more side of an "or" is another one, one with a side less is not.
        """
        return all(
            any(_heads(self._asked.choices(a)) <= wanted for a in self.atoms)
            for one in past.atoms
            if early or not one.early
            for wanted in [_heads(self._asked.choices(one))]
        )

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

    def of_queueing(self, atom: Atom) -> bool:
        """Whether a test is of what queueing came to."""
        kernel, asked = self._kernel, atom.head.split(" ")[0]
        if asked in kernel.activations or asked in kernel.list_adds:
            return True
        return not atom.positive and kernel.later.search(asked) is not None and "(" in atom.text


def _heads(signs: frozenset[tuple[str, bool]]) -> frozenset[str]:
    return frozenset(head for head, _ in signs)
