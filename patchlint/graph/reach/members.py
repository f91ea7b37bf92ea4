"""Edges up through members: a function that is bound to one is run by calls through it.

A call through a member counts for every function that is bound to that member of that struct,
whatever the object, as ``likely``.  Where no type tells the struct, errs towards too many callers
in the part of the tree that binds it, and misses those in another part.  A member that very many
places call is followed near its binding alone, and the walk stays open.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph.objects import parted, struct_name, struct_of
from patchlint.graph.reach.calls import through_call
from patchlint.graph.reach.entries import add_operation
from patchlint.graph.reach.receivers import called_through, calls_of
from patchlint.graph.reach.state import Bound
from patchlint.model.tree import MANY_MEMBER_CALLS

if TYPE_CHECKING:
    from patchlint.graph.reach.state import Node, Walk
    from patchlint.model.tree import AddressUse, CallerSite


def member_of(use: AddressUse) -> str:
    """The struct member that a use binds the function to, "" for none."""
    if use.kind == "initializer":
        return use.member
    if use.kind != "assignment":
        return ""
    member = parted(use.target)[1].strip()
    return member if member.isidentifier() and member != use.target else ""


def through_member(walk: Walk, node: Node, use: AddressUse, struct: str, member: str) -> None:
    """Tell of a function that a use binds to a member, or ask for the member's callers."""
    # what is known by its member's name alone is so where the text tells no struct
    name = struct_name(struct) or _assigned_to(walk, use)
    rows = (
        walk.kernel.entries_of(name, member)
        if name
        else [e for e in walk.kernel.entries if e.member == member]
    )
    told = bool(name) or len({e.struct for e in rows}) == 1
    bound = Bound(node, name or "", member, use.path)
    add_operation(walk, bound, rows if told else (), use.line)


def through_member_calls(walk: Walk, bound: Bound) -> None:
    """Go on to whoever calls through the member that a function is bound to."""
    sites = walk.tree.member_calls(bound.member)
    if len(sites) > MANY_MEMBER_CALLS:
        # says nothing about who calls one function; those beside what binds it do
        walk.cut = True
        sites = _near_calls(walk, bound)
    else:
        sites = tuple(site for site in sites if _may_be_of(walk, bound, site))
        if not (sites or bound.told):
            walk.ends.append(bound.node.name)
    bound = replace(bound, callers=tuple(dict.fromkeys(site.path for site in sites)))
    for site in sites:
        through_call(walk, bound.node, site, "likely", bound)


def _near_calls(walk: Walk, bound: Bound) -> tuple[CallerSite, ...]:
    """The calls of a member of a common name that are told to be through the struct.

    In the folder of the binding, else in the one above, where the core of many drivers lies; the
    walk stays open, since others may lie anywhere.  Each folder is searched, so that it is asked
    near the release alone.
    """
    place = bound.path
    near = bound.struct and bound.node.near
    for _ in range(2 if near else 0):
        beside = walk.tree.member_calls_beside(bound.member, place)
        found = tuple(site for site in beside if calls_of(walk, bound, site))
        if found and len(beside) <= MANY_MEMBER_CALLS:
            return found
        place = place.rpartition("/")[0]
    return ()


def _may_be_of(walk: Walk, bound: Bound, site: CallerSite) -> bool:
    """Whether a call through a member of that name may be through one of that struct.

    The type of a variable tells, and behind a chain of members that of the last one, as far as
    the headers of the file tell it.  Where they do not the call counts where its file names the
    struct, or where it stands in the part of the tree that binds it: names of members repeat
    from subsystem to subsystem.
    """
    if not bound.struct:
        return True
    around = walk.tree.function(site.path, site.function_line)
    struct = called_through(walk, around, site.line, bound.member) if around is not None else None
    if struct is not None:
        return struct == bound.struct
    text = walk.tree.text(site.path) or b""
    if re.search(rf"\b{re.escape(bound.struct)}\b".encode(), text):
        return True
    return _part(site.path) == _part(bound.path)


def _assigned_to(walk: Walk, use: AddressUse) -> str | None:
    """The struct that an assignment binds a member of, None when its text does not tell."""
    around = walk.tree.definition_in(use.path, use.function) if use.function else None
    return None if around is None else struct_of(around, parted(use.target)[0].strip())


def _part(path: str) -> tuple[str, ...]:
    """The part of the tree that a file is of: its two upper folders, or the one that it has."""
    return tuple(path.split("/")[:-1][:2])
