"""Both sides of a series side by side, and what is known about each function of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from patchlint.graph.effects import Effect, Effects
from patchlint.graph.follow import Lineage, Lines, trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchlint.graph.build import Graph
    from patchlint.graph.reach import Ways
    from patchlint.model.facts import Call, Condition, Function
    from patchlint.model.kernel import Cleanup, KernelFacts


@dataclass(slots=True)
class Comparison:
    """Both sides of a series, ready to be compared.

    ``message`` is the text of the patches' commit messages, evidence for contexts.
    """

    before: Graph
    after: Graph
    lines: Lines
    message: str = ""
    #: subject of each patch, and the files that it touches
    titles: tuple[tuple[str, frozenset[str]], ...] = ()
    #: the ways to a function in a whole tree, None without one
    ways: Callable[[str, str], Ways] | None = None
    limitations: list[str] = field(default_factory=list)
    #: cleanups that a whole tree adds to the tables
    derived: dict[str, Cleanup] = field(default_factory=dict)
    lineage: Lineage = field(init=False)
    old: Effects = field(init=False)
    new: Effects = field(init=False)

    def __post_init__(self) -> None:
        self.lineage = trace(self.before, self.after, self.lines)
        self.learn({})

    def learn(self, derived: dict[str, Cleanup]) -> None:
        """Take cleanups that the tree knows and the tables do not."""
        self.derived = derived
        self.old = Effects(self.before, derived)
        self.new = Effects(self.after, derived)

    @property
    def kernel(self) -> KernelFacts:
        """The tables."""
        return self.after.kernel


@dataclass(frozen=True, slots=True)
class Loss:
    """``now`` continues ``was``, which did the releases ``effects`` inline."""

    was: Function
    now: Function
    effects: tuple[Effect, ...]
    condition: Condition | None
    through: tuple[tuple[Function, Call], ...]
