"""Ways to a release on which there is nothing to release: objects that never had it.

Two facts of the text tell.  What is released under a flag alone was never taken for objects that
are made without the flag: who puts those is left out.  And of a member (``event->pmu->module``)
that no object of its struct sets in a file on the way nothing is released there.

Errs towards a way left out: a file that makes its own objects so may work with others as well.
Where all ways are of that kind they are told as before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph.members import Structs, body
from patchlint.graph.objects import struct_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss
    from patchlint.graph.reach.way import Way, Ways


def held(comparison: Comparison, loss: Loss, found: Ways) -> Ways:
    """The ways to a loss; those on which nothing is held that it releases are told aside."""
    bodies, effect = comparison.bodies, loss.before[0]
    if bodies is None:
        return found
    made = [row.made for row in comparison.kernel.unflagged.values() if _asks_for(effect, row.flag)]
    member = _member(comparison, effect)
    if not (made or member):
        return found

    def lacks(way: Way) -> bool:
        puts = way.calls[-1][0] if way.calls else ""
        others = {path for path, _ in way.calls if path not in ("", effect.where.path)}
        return any(_has(bodies.text, puts, word) for word in made) or (
            member is not None and any(_sets_none(bodies.text(path), *member) for path in others)
        )

    ways = (_aside(way) if lacks(way) else way for way in found.ways)
    return replace(found, ways=tuple(ways))


def _aside(way: Way) -> Way:
    return replace(way, marks=replace(way.marks, aside=True))


def _asks_for(effect: Effect, flag: str) -> bool:
    """Whether an effect is done where a flag is set alone."""
    word = re.compile(rf"\b{re.escape(flag)}\b")
    return any(atom.positive and word.search(atom.text) for atom in effect.guard)


def _has(text: Callable[[str], bytes | None], path: str, word: str) -> bool:
    found = text(path) if path else None
    return found is not None and re.search(rf"\b{re.escape(word)}\b".encode(), found) is not None


def _member(comparison: Comparison, effect: Effect) -> tuple[str, str] | None:
    """The struct and its member whose value a release is given: ``pmu`` and ``module``."""
    if effect.site is None or not effect.args or comparison.bodies is None:
        return None
    # in the terms of the function that does it
    first, *chain = effect.site.args[0].replace("->", ".").split(".") if effect.site.args else [""]
    if len(chain) <= 1 or not all(one.isidentifier() for one in (first, *chain)):
        return None
    own = struct_of(effect.where, first)
    if own is None:
        return None
    struct = Structs(comparison.bodies).behind(effect.where.path, own, chain[:-1])
    return (struct, chain[-1]) if struct is not None else None


def _sets_none(text: bytes | None, struct: str, member: str) -> bool:
    """Whether a file has objects of a struct, and sets a member of none of them."""
    heads = rf"\bstruct\s+{re.escape(struct)}\s+\w+\s*=\s*\{{".encode()
    objects = [body(text, one.end()) for one in re.finditer(heads, text)] if text else []
    word = re.compile(rf"(?:\.|->)\s*{re.escape(member)}\s*=[^=]")
    return bool(objects) and not any(map(word.search, objects))
