"""Edges up through calls: by name, of the images after the series and of the tree.

A call of the images through a member counts for all functions that it may call, as ``likely``.
A function that the images show whole has its callers there alone: what the tree has is old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph import branches
from patchlint.graph.balance import undone
from patchlint.graph.reach.entries import add_system_call
from patchlint.graph.reach.guard import above, asked_at, guard_at
from patchlint.graph.reach.marking import aside_at, binds_own, given_back, held_below
from patchlint.graph.reach.receivers import of_another

if TYPE_CHECKING:
    from patchlint.graph.contexts import Strength
    from patchlint.graph.reach.state import Bound, Node, Walk
    from patchlint.model.facts import Function
    from patchlint.model.tree import CallerSite


def through_image_calls(walk: Walk, node: Node, own: Function | None) -> bool:
    """Follow callers that the images after the series show; whether there are any."""
    if walk.images is None:
        return False
    if own is not None:
        pairs = walk.images.callers_of(own)
    else:
        pairs = [
            (caller, call)
            for caller, call in walk.images.callers.get(node.name, [])
            if not call.indirect
        ]
    for caller, call in pairs:
        if of_another(walk, caller, call):
            continue
        function = own if own is not None else walk.function(node.name, node.path)
        guard = above(walk, node, function, call)
        if guard is None:
            continue
        guard = (*guard, *asked_at(walk, caller, call))
        one_of_several = call.indirect and len(walk.images.callees(call, caller.path)) > 1
        strength: Strength = "likely" if one_of_several else node.strength
        gives, own_hold = given_back(walk, node, caller, (call,))
        marks = replace(
            node.marks,
            failed=node.marks.failed or branches.on_error_path(walk.kernel, call, (caller,)),
            aside=node.marks.aside or own_hold or undone(walk.kernel, caller, call),
        )
        made = replace(
            node.caller(caller.name, caller.path, call.line),
            strength=strength,
            guard=guard,
            marks=marks,
            gives=gives,
        )
        if caller.entry is not None:  # nothing to look for in the tree
            add_system_call(walk, made, caller.path, caller.line)
        else:
            walk.push(made)
    return bool(pairs)


def through_call(
    walk: Walk,
    node: Node,
    site: CallerSite,
    strength: Strength,
    bound: Bound | None = None,
) -> None:
    """Go on to a caller, which calls by the node's name or through the member that is ``bound``."""
    if not site.function:
        return
    guard = guard_at(walk, node, site)
    if guard is None:
        return
    aside = aside_at(walk, node, site, bound.member if bound is not None else node.name)
    gives, own_hold = None, False
    if bound is None and held_below(walk, node) is not None:
        caller, calls = walk.calls_at(site, node.name)
        if caller is not None:
            gives, own_hold = given_back(walk, node, caller, calls)
    foreign = node.marks.foreign or any(binds_own(walk, site.path, one) for one in node.through)
    through = (*node.through, bound.through) if bound is not None else node.through
    made = replace(
        node.caller(site.function, site.path, site.line),
        strength=strength,
        guard=guard,
        marks=replace(node.marks, aside=aside or own_hold, foreign=foreign),
        through=through,
        gives=gives,
    )
    if site.kind == "syscall":
        add_system_call(walk, made, site.path, site.line)
        return
    walk.push(made)
