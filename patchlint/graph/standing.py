"""Whether the way to an effect stands after the series as it stood before it.

Where every call of the way was kept, and no new test stands above one of them, nothing
that the series does keeps control from going it: whatever else does the same later, this
way lost nothing.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from patchlint.graph.confined import asked_anew

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.model.effect import Step
    from patchlint.model.facts import Call, Function

    #: path, function, line
    _Place = tuple[str, str, int]


_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def stands(comparison: Comparison, effect: Effect, confined: Sequence[Effect]) -> bool:
    """Whether nothing on the way of an inline effect before was cut.

    ``confined`` are effects after that are done on some ways only: one of them with the
    same way shows a cut that no line of the way tells (a store that turns its test).
    Errs towards False: what is not shown, and each new test, may be a cut.  The line of a
    release at the end of a scope is that of the declaration, which tells nothing of it.
    """
    if effect.site is not None and effect.site.implicit:
        return False
    if effect.kind == "gap" or (effect.edge is not None and not effect.edge.keeps):
        return False
    way = _kept(comparison, effect.chain)
    return (
        way is not None
        and not any(_way_of(other) == _places(way) for other in confined)
        and all(
            _leads(comparison, here, call, function)
            for (here, call), (function, _) in pairwise(way)
        )
    )


def _leads(comparison: Comparison, here: Function, call: Call, function: Function) -> bool:
    """Whether a call leads to a function after: it runs it, or makes it task work of its own."""
    after = comparison.after
    return any(callee is function for callee in after.callees(call, here.path)) or any(
        edge.call is call and edge.keeps and after.run_by(edge) is function
        for edge in after.deferrals_of(here)
    )


def moved_along(
    comparison: Comparison,
    was: Function,
    effect: Effect,
    after: Sequence[Effect],
    late: Sequence[Effect],
) -> bool:
    """Whether only the call at the head of the way moved, and its callee decides as before.

    What the callee does at once and what it puts off both came along with the call; it is
    lost when something that does not come along with it does the same late, and when the call
    asks for something new.
    """
    if effect.edge is not None or effect.kept is not None or len(effect.chain) == 1:
        return False
    tail = _kept(comparison, effect.chain[1:])
    if tail is None:
        return False
    callee, _call = tail[0]
    return any(_way_of(other)[1:] == _places(tail) for other in after) and all(
        len(other.chain) > 1
        and (other.chain[1].path, other.chain[1].function) == (callee.path, callee.name)
        and _is_past(comparison, other)
        and not any(atom.terms and asked_anew(comparison, was, atom) for atom in other.above)
        for other in late
    )


def _is_past(comparison: Comparison, late: Effect) -> bool:
    """Whether all that a late effect does below its head was there before."""
    return not any(comparison.lines.added(step.path, step.line) for step in late.chain[1:])


def _way_of(effect: Effect) -> list[_Place]:
    return [(step.path, step.function, step.line) for step in effect.chain]


def _places(way: Sequence[tuple[Function, Call]]) -> list[_Place]:
    return [(function.path, function.name, call.line) for function, call in way]


def _kept(comparison: Comparison, steps: Sequence[Step]) -> list[tuple[Function, Call]] | None:
    """The calls of a way before as they stand after, None when one of them does not."""
    found = []
    for step in steps:
        here = _after(comparison, step)
        if here is None:
            return None
        found.append(here)
    return found


def _after(comparison: Comparison, step: Step) -> tuple[Function, Call] | None:
    """The call of a step in the function after, None when it is gone or under a new test."""
    line = comparison.lines.forward(step.path, step.line)
    path = comparison.lines.renamed.get(step.path, step.path)
    function = comparison.after.functions.get((path, step.function))
    if line is None or function is None:
        return None
    old = comparison.before.functions.get((step.path, step.function))
    names = {call.callee for call in old.calls if call.line == step.line} if old else set()
    added = comparison.lines.added
    return next(
        (
            (function, call)
            for call in function.calls
            if call.line == line
            and call.callee in names
            and not any(added(function.path, test.line) for test in call.conditions)
            and not set_anew(comparison, function, call)
        ),
        None,
    )


def new_here(comparison: Comparison, effect: Effect) -> bool:
    """Whether an effect's line was added to its function, or moved there from another."""
    lines = comparison.lines
    if lines.added(effect.where.path, effect.line):
        return True
    before = lines.stayed.get(effect.where.path, {}).get(effect.line)
    old = comparison.namesake(effect.where)
    return before is not None and (old is None or not old.line <= before <= old.end)


def set_anew(comparison: Comparison, function: Function, call: Call) -> bool:
    """Whether a variable that a call gets, or stands under, is set by a new line above it."""
    said = (*call.args, *(test.text for test in call.conditions))
    words = {word for text in said for word in _WORD.findall(text)}
    return any(
        one.line < call.line
        and one.target.partition(".")[0] in words
        and comparison.lines.added(function.path, one.line)
        for one in function.settings
    )
