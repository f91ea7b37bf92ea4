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
        return frozenset(a.head for a in self.atoms)

    @cached_property
    def lasting(self) -> frozenset[str]:
        """What those ask that no guard is which leaves early."""
        return frozenset(a.head for a in self.atoms if not a.early)

    @cached_property
    def signs(self) -> frozenset[tuple[str, bool]]:
        """What they ask, and the answers."""
        return frozenset(a.sign for a in self.atoms)

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

    def all_of(self, effect: Effect) -> Tests:
        """All tests that an effect stands under."""
        return self._tests(effect.guard, len(effect.guard))

    def _tests(self, guard: tuple[Atom, ...], count: int) -> Tests:
        known = self._known.get((id(guard), count))
        if known is None:
            tests = Tests(guard[:count], self)
            known = self._known[id(guard), count] = (guard, tests)
        return known[1]

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
