"""What speaks against a way at a caller: it undoes its own work, puts its own, or is another's.

Errs towards a mark too many where the caller works with what others hold as well, and towards one
too few further than a few calls above the release, where no body is read for it.  Ways with a
mark are told where there are no others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph.balance import undone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.reach.state import Node, Walk
    from patchlint.graph.reach.way import Crossing, Way
    from patchlint.model.facts import Call, Function
    from patchlint.model.tree import CallerSite


def held_below(walk: Walk, node: Node) -> tuple[int, str] | None:
    """Which argument of a function is given back below, where the running task may hold that."""
    row = walk.kernel.own_holds.get(node.name)
    return node.gives if row is None else (row.argument, row.value)


def given_back(
    walk: Walk, node: Node, caller: Function, calls: Iterable[Call]
) -> tuple[tuple[int, str] | None, bool]:
    """The same of a caller, and whether all of its calls give the running task's own.

    The running task does not end while it runs: no put of it by ``current`` is the last.  Of a
    caller that gives several others, none of its own arguments tells for all: errs towards a
    caller too many.
    """
    told = held_below(walk, node)
    if told is None:
        return None, False
    place, value = told
    given = {call.args[place] if place < len(call.args) else "" for call in calls}
    others = [caller.place_of(one) for one in given - {value}]
    passed = others[0] if len(others) == 1 else None
    return None if passed is None else (passed, value), given == {value}


def aside_at(walk: Walk, node: Node, site: CallerSite, called: str) -> bool:
    """Whether a caller of the tree only undoes what it did itself.

    Its body is read for that, so it is asked near the release alone: errs towards a caller too
    many further up, where one holds what it calls for.
    """
    if node.marks.aside or not node.near:
        return node.marks.aside
    caller, calls = walk.calls_at(site, called)
    here = [call for call in calls if call.line == site.line]
    told = here or calls
    return (
        caller is not None
        and bool(told)
        and all(undone(walk.kernel, caller, call) for call in told)
    )


def binds_own(walk: Walk, path: str, bound: Crossing) -> bool:
    """Whether a file has its own function in a member by which the way leads further down.

    What it works on are its own objects: of xfs_set_acl() no f2fs inode knows, though both are
    called by posix_acl_chmod().  What stands upon others of its kind (a stacked filesystem) is
    left out where there are others.  The file that calls through the member serves them all.
    """
    struct, member = bound.struct, bound.member
    if path == bound.path or path in bound.callers or not struct:
        return False
    key = (path, struct, member)
    if key not in walk.binds:
        text = walk.tree.text(path) or b""
        own = rf"(?:\.|->)\s*{re.escape(member)}\s*=(?!=|\s*(?:NULL|0)\b)"
        walk.binds[key] = (
            re.search(own.encode(), text) is not None
            and re.search(rf"\bstruct\s+{re.escape(struct)}\b".encode(), text) is not None
        )
    return walk.binds[key]


def strange(walk: Walk, way: Way) -> Way:
    """A way with the mark of another's, where it leads through a module with objects of its own.

    Of a struct that is called through a module which fills tables of that works on its own objects,
    whatever their members: a driver that resets its device comes to no handler of another driver.
    The module that calls through the member serves them all, unless others without such tables do
    so as well.  Errs as :func:`binds_own`, and towards a way left out where a module fills a table
    for what it hands on.
    """
    # the uppermost first: who stands above it is the further from what is bound
    bound = (one for one in reversed(way.through) if one.struct)
    foreign = any(_by_another(walk, way, one) for one in bound)
    return replace(way, marks=replace(way.marks, foreign=True)) if foreign else way


def _by_another(walk: Walk, way: Way, bound: Crossing) -> bool:
    modules = walk.modules
    served = len(way.chain) - bound.below - 1
    paths = [path for path, _ in way.calls[: served + 1] if path]
    if len(paths) != served + 1:
        return False
    core = modules.of(paths[served])
    above = {modules.of(path) for path in paths} - {core}
    if bound.path not in core and modules.has(core, bound.struct):
        callers = {modules.of(path) for path in bound.callers} - {core}
        if any(not modules.has(one, bound.struct) for one in callers):
            return True
    return any(bound.path not in one and modules.has(one, bound.struct) for one in above)
