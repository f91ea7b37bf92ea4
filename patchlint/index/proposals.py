"""Proposes table rows out of a tree: derived cleanups and deferred twins.

A function named like a teardown that reaches a known cleanup is one itself; a function
whose only work is to queue a callback that does what another function does is that one's
deferred twin.  A proposal is evidence for a reader, not a fact: names are resolved by
file and linkage only, and a release on a condition counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.graph.build import Graph
    from patchlint.model.facts import Function
    from patchlint.model.kernel import KernelFacts, Ruleset
    from patchlint.model.tree import TreeFacts
    from patchlint.patch.trees import Tree

#: calls of a function whose only work is to queue: the queueing, a list, a reference count
_FEW: Final = 6


class Proposal(Struct, frozen=True):
    """One row: ``kind`` is ``cleanup`` or ``twin``; ``of`` what it reaches or defers."""

    kind: str
    name: str
    of: str
    family: str
    path: str
    line: int
    evidence: str

    def toml(self) -> str:
        """The row as it would stand in ``rules/kernel/``."""
        if self.kind == "twin":
            return (
                f'[[twin]]\ndirect = "{self.of}"\ndeferred = "{self.name}"\n'
                f'file = "{self.path}"\nevidence = "{self.evidence}"\n'
            )
        return (
            f'[[cleanup]]\nname = "{self.name}"\nkind = "wrap"  # family {self.family}\n'
            f'file = "{self.path}"\nevidence = "{self.evidence}"\n'
        )


def propose(tree: Tree, facts: TreeFacts, ruleset: Ruleset, under: str = "") -> Iterator[Proposal]:
    """Proposals for the C files below the folder ``under``, in path order."""
    from patchlint.graph.build import build
    from patchlint.syntax.facts import extract_text

    kernel = ruleset.kernel
    for path, _blob in tree.list_c():
        if not path.endswith(".c") or not path.startswith(under):
            continue
        text = tree.read(path)
        if text is None:
            continue
        graph = build([extract_text(path, text, kernel.macros)], kernel)
        for function in sorted(graph.functions.values(), key=lambda f: f.line):
            yield from _cleanup(facts, kernel, function)
            yield from _twin(graph, kernel, function)


def _cleanup(facts: TreeFacts, kernel: KernelFacts, function: Function) -> Iterator[Proposal]:
    from patchlint.graph.derive import derive
    from patchlint.graph.leaves import named_teardown

    name = function.name
    if name in kernel.cleanups or not named_teardown(kernel, name):
        return
    found = derive(facts, kernel, name, function.path)
    if found is not None:
        way = " -> ".join((*found.chain, f"{found.cleanup.name}()"))
        yield Proposal(
            "cleanup",
            name,
            found.cleanup.name,
            found.cleanup.family,
            function.path,
            function.line,
            f"{function.path}:{function.line}: {way}",
        )


def _twin(graph: Graph, kernel: KernelFacts, function: Function) -> Iterator[Proposal]:
    if function.name in kernel.twins or len(function.calls) > _FEW:
        return
    for edge in graph.deferrals_of(function):
        callback = graph.find(edge.callback, function.path)
        if edge.keeps or edge.handoff or callback is None:
            continue
        for call in callback.calls:
            direct = call.callee
            if (
                direct in function.name
                and direct != function.name
                and (direct in kernel.cleanups or kernel.teardown.search(direct))
            ):
                yield Proposal(
                    "twin",
                    function.name,
                    direct,
                    "",
                    function.path,
                    function.line,
                    f"{function.path}:{edge.line}: {edge.mechanism}() runs {callback.name}(), "
                    f"which calls {direct}()",
                )
