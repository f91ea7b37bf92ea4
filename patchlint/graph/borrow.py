"""Bodies that a tree has and the series does not show: what to ask for, and how far.

A function that a changed one calls, or a callback that it starts, may stand in untouched
code.  Its body is then taken from the tree on both sides alike, so that it can only add
what it does to both.  Two calls down, and no more than :data:`MOST` bodies; what is left
out is still an effect of its own name, never nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from patchlint.graph.comparison import key_of
from patchlint.graph.leaves import named_teardown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Comparison
    from patchlint.model.facts import Function
    from patchlint.model.kernel import Cleanup, KernelFacts

#: bodies that one comparison borrows
MOST: Final = 120
#: calls down from a changed function
ROUNDS: Final = 2


class Bodies(Protocol):
    """Where bodies come from."""

    def prepare_definitions(self, names: Iterable[tuple[str, str]]) -> None:
        """Look names up at once, each with the path it is met in."""

    def definition(self, name: str, near_path: str | None = None) -> Function | None:
        """The function that ``name`` means in ``near_path``, None when there is none."""


def borrow(comparison: Comparison, tree: Bodies) -> tuple[Function, ...]:
    """The bodies that both sides lack, nearest first."""
    found: dict[tuple[str, str], Function] = {}
    asked: set[tuple[str, str]] = set()
    nearest = [
        *(comparison.before.functions[key] for key in sorted(comparison.changed)),
        *(comparison.after.functions[key] for key in sorted(comparison.altered)),
    ]
    graphs = (comparison.before, comparison.after)
    for _ in range(ROUNDS):
        names = [one for one in _missing(graphs, comparison.kernel, nearest) if one not in asked][
            : MOST - len(found)
        ]
        if not names:
            break
        asked.update(names)
        tree.prepare_definitions(names)
        nearest = []
        for name, path in names:
            body = tree.definition(name, path)
            if body is not None and key_of(body) not in found:
                found[key_of(body)] = body
                nearest.append(body)
    return tuple(found.values())


def _missing(
    graphs: Sequence[Graph], kernel: KernelFacts, functions: Sequence[Function]
) -> list[tuple[str, str]]:
    """What these functions call or start that no image shows: name, and the path it is met in."""
    found: dict[tuple[str, str], None] = {}
    # a deferred twin does what its direct form is named for: that stays one thing
    direct = {
        kernel.twins[call.callee].direct
        for function in functions
        for call in function.calls
        if call.callee in kernel.twins
    }
    for function in functions:
        names = [call.callee for call in function.calls if not call.indirect and not call.implicit]
        for graph in graphs:
            names += [edge.callback or "" for edge in graph.deferrals_of(function)]
        for name in dict.fromkeys(names):
            if name and name not in direct and _unknown(graphs, kernel, name, function.path):
                found[name, function.path] = None
    return list(found)


def _unknown(graphs: Sequence[Graph], kernel: KernelFacts, name: str, path: str) -> bool:
    """Whether neither a table nor an image tells what a function does."""
    return not (
        name.isupper()
        or name in kernel.cleanups
        or name in kernel.registrations
        or name in kernel.activations
        or name in kernel.waits
        or name in kernel.list_adds
        or name in kernel.list_drains
        or name in kernel.twins
        or name in kernel.container_macros
        or name in kernel.refcount_puts
        or name in kernel.references
        or name in kernel.accessors
        or name in kernel.takes
        or any(graph.find(name, path) is not None for graph in graphs)
        or (kernel.harmless.search(name) is not None and not named_teardown(kernel, name))
    )


def to_derive(comparison: Comparison) -> dict[str, str]:
    """Calls whose body nobody shows and that are late after: name to the path it is met in."""
    late = {key[1] for key in comparison.wanted if key[0] == "call"}
    found: dict[str, str] = {}
    for key in sorted(comparison.changed):
        function = comparison.before.functions[key]
        for effect in comparison.first_reached(function):
            if effect.kind in ("named", "opaque") and effect.key[1] in late:
                found.setdefault(effect.key[1], effect.where.path)
    return found


def rows(derived: dict[str, Cleanup]) -> dict[str, Cleanup]:
    """Derived rows that say more than a name: those that user space can see."""
    return {name: row for name, row in derived.items() if row.visible}
