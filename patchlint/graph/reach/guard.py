"""Guards carried up: under which tests what was lost is done, in the terms of a caller.

A caller whose constants exclude the branch is left out.  Errs towards a caller too many: a test
of anything but a parameter is dropped on the way, in the tree one that the caller makes itself as
well, and of several calls of one caller the first that is possible tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph.guards import atoms
from patchlint.graph.lifting import guard_above
from patchlint.graph.objects import variables

if TYPE_CHECKING:
    from patchlint.graph.guards import Atom
    from patchlint.graph.reach.state import Node, Walk
    from patchlint.model.facts import Call, Function
    from patchlint.model.tree import CallerSite


def above(
    walk: Walk, node: Node, function: Function | None, call: Call | None
) -> tuple[Atom, ...] | None:
    """The guard in the terms of a caller, None when its constants exclude it."""
    if not node.guard or function is None or call is None:
        return ()
    return guard_above(function, call, tuple(_of_given(node.guard, function)), walk.kernel)


def asked_at(walk: Walk, caller: Function, call: Call) -> list[Atom]:
    """What a caller that the images show asks, above a call, of what it was given itself.

    Of parameters that it does not set; tests of others say nothing of what its callers pass.
    """
    given = {p.name for p in caller.parameters}
    given -= {one.target for one in caller.assignments} | {one.target for one in caller.stores}
    tests = (
        atom for condition in call.conditions for atom in atoms(walk.kernel, condition, caller.path)
    )
    return [atom for atom in tests if not given.isdisjoint(variables([atom.text]))]


def guard_at(walk: Walk, node: Node, site: CallerSite) -> tuple[Atom, ...] | None:
    """The guard at a caller of the tree; its body is read only where the guard needs it."""
    if not node.guard:
        return ()
    callee = walk.function(node.name, node.path)
    if callee is None or not _of_given(node.guard, callee):
        return ()
    _, calls = walk.calls_at(site, node.name)
    if not calls:
        return ()
    guards = [above(walk, node, callee, call) for call in calls]
    possible = [guard for guard in guards if guard is not None]
    return possible[0] if possible else None


def _of_given(guard: tuple[Atom, ...], function: Function) -> list[Atom]:
    """The tests of a function that speak of what it was given.

    What else it asks no caller tells: its variables are none of theirs, whatever they are called.
    """
    names = {p.name for p in function.parameters}
    return [atom for atom in guard if not names.isdisjoint(variables([atom.text]))]
