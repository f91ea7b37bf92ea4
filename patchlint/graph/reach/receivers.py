"""Through which struct a call goes that is made through a member: ``dev->ops->stop(dev)``.

The type of a variable tells, and behind a chain of members the headers of the file.  Where they do
not, nothing is told here; who asks takes such a call for one of any struct, or of none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from patchlint.graph.objects import struct_name, struct_of

if TYPE_CHECKING:
    from patchlint.graph.reach.state import Bound, Walk
    from patchlint.model.facts import Call, Function
    from patchlint.model.tree import CallerSite


def called_through(walk: Walk, around: Function, at: int, member: str) -> str | None:
    """The struct through whose member a line of a tree's function calls, None for none told."""
    lines = (walk.tree.text(around.path) or b"").split(b"\n", at)
    line = lines[at - 1].decode("utf-8", "replace") if len(lines) >= at else ""
    called = re.search(
        rf"(?<![\w.>\])])(\w+(?:(?:->|\.)\w+)*)\s*(?:->|\.)\s*{re.escape(member)}\s*\)?\s*\(", line
    )
    if called is None:
        return None
    first, *chain = re.split(r"->|\.", called[1])
    own = struct_of(around, first)
    return walk.structs.behind(around.path, own, chain) if own is not None else None


def calls_of(walk: Walk, bound: Bound, site: CallerSite) -> bool:
    """Whether a call is told to be through the struct that is bound, by its types alone."""
    around = walk.tree.function(site.path, site.function_line)
    told = around is not None and called_through(walk, around, site.line, bound.member)
    return told == bound.struct


def of_another(walk: Walk, caller: Function, call: Call) -> bool:
    """Whether a call that the images tell by its member alone is through another struct's.

    The function as the tree has it tells: a series that makes it call through another object
    of the same member's name is not seen.
    """
    bound = walk.images.slots.get(call.callee, []) if walk.images is not None else []
    old = walk.tree.definition_in(caller.path, caller.name) if call.indirect and bound else None
    calls = [one for one in old.calls if one.callee == call.callee] if old is not None else []
    if old is None or not calls:
        return False
    through = {called_through(walk, old, one.line, call.callee) for one in calls}
    return None not in through and through.isdisjoint(struct_name(one) for _, one, _ in bound)
