"""Both sides of a series side by side, and what is known about each function of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from patchlint.graph.effects import Effect, Effects
from patchlint.graph.follow import Lineage, Lines, trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchlint.graph.build import Graph
    from patchlint.graph.reach import Ways
    from patchlint.model.facts import Call, Condition, Function
    from patchlint.model.kernel import Cleanup, KernelFacts


class Comparison:
    """Both sides of a series, ready to be compared.

    ``message`` is the text of the patches' commit messages, evidence for contexts.
    """

    def __init__(
        self,
        before: Graph,
        after: Graph,
        lines: Lines,
        *,
        message: str = "",
        titles: tuple[tuple[str, frozenset[str]], ...] = (),
        ways: Callable[[str, str], Ways] | None = None,
    ) -> None:
        self.before = before
        self.after = after
        self.lines = lines
        self.message = message
        #: subject of each patch, and the files that it touches
        self.titles = titles
        #: the ways to a function in a whole tree, None without one
        self.ways = ways
        self.limitations: list[str] = []
        self.lineage: Lineage = trace(before, after, lines)
        self.learn({})

    def learn(self, derived: dict[str, Cleanup]) -> None:
        """Take cleanups that the tree knows and the tables do not."""
        #: cleanups that a whole tree adds to the tables
        self.derived = derived
        self.old = Effects(self.before, derived)
        self.new = Effects(self.after, derived)

    @property
    def kernel(self) -> KernelFacts:
        """The tables."""
        return self.after.kernel


class Loss(Struct, frozen=True):
    """``now`` continues ``was``, which did the releases ``effects`` inline."""

    was: Function
    now: Function
    effects: tuple[Effect, ...]
    condition: Condition | None
    through: tuple[tuple[Function, Call], ...]
