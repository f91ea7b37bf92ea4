"""Derives cleanups from a whole tree: a function that reaches a known one is one itself.

The tables cannot know each driver's own ``foo_put()``; the tree can.  Followed are calls
inside the same file and calls of functions that are named like a teardown, a few levels
deep; that errs towards missing one.  A release that is reached on a condition counts.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from patchlint.graph.leaves import named_teardown
from patchlint.model.kernel import Cleanup, Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

_DEPTH: Final = 4
_MOST: Final = 40


class Definitions(Protocol):
    """Where function bodies come from."""

    def prepare_definitions(self, names: Iterable[tuple[str, str]]) -> None:
        """Look names up at once, each with the path it is met in."""

    def definition(self, name: str, near_path: str | None = None) -> Function | None:
        """The function that ``name`` means in ``near_path``, None when there is none."""

    def definition_in(self, path: str, name: str) -> Function | None:
        """The function called ``name`` that the file at ``path`` defines, None for none."""


class Derived(Struct, frozen=True):
    """``name`` in ``path`` reaches ``cleanup``; ``chain`` leads there, ``name`` first."""

    name: str
    path: str
    cleanup: Cleanup
    chain: tuple[str, ...]

    def row(self) -> Cleanup:
        """The table entry that this derivation stands for."""
        reached = self.cleanup
        way = " -> ".join((*self.chain, reached.name))
        return Cleanup(
            name=self.name,
            family=reached.family,
            kind="wrap",
            task=reached.task,
            deferred=reached.deferred,
            visible=reached.visible,
            releases=reached.releases,
            symptoms=reached.symptoms,
            advice=reached.advice,
            why=reached.why,
            source=Source(self.path, f"reaches {reached.name}(): {way}"),
        )


def derive(tree: Definitions, kernel: KernelFacts, name: str, path: str) -> Derived | None:
    """What ``name`` releases in the end, the nearest visible release, None when nothing."""
    start = tree.definition(name, path)
    if start is None:
        return None
    queue: deque[tuple[Function, tuple[str, ...]]] = deque([(start, (name,))])
    seen = {(start.path, start.name)}
    while queue:
        function, chain = queue.popleft()
        for call in function.calls:
            known = kernel.cleanups.get(call.callee)
            if known is not None and _counts(known):
                return Derived(name, start.path, known, chain)
        if len(chain) >= _DEPTH:
            continue
        further = [call for call in function.calls if _follow(kernel, call)]
        named = {c.callee for c in further if named_teardown(kernel, c.callee)}
        tree.prepare_definitions((callee, function.path) for callee in named)
        for call in further:
            if len(seen) >= _MOST:
                break
            # what is not called a teardown is one in its own file alone
            inner = (
                tree.definition(call.callee, function.path)
                if call.callee in named
                else tree.definition_in(function.path, call.callee)
            )
            if inner is not None and (inner.path, inner.name) not in seen:
                seen.add((inner.path, inner.name))
                queue.append((inner, (*chain, call.callee)))
    return None


def _counts(known: Cleanup) -> bool:
    return known.visible and known.kind in ("ctx", "sync", "wrap")


def _follow(kernel: KernelFacts, call: Call) -> bool:
    return not (
        call.indirect
        or call.callee in kernel.cleanups
        or call.callee.isupper()
        or call.callee in kernel.registrations
        or call.callee in kernel.activations
        or call.callee in kernel.waits
        or call.callee in kernel.list_adds
    )
