"""New starts of a function whose callback nobody shows: known edges, and helpers named for later.

One that stood there before is new to those whom a wider test sends there.  A helper that is
called on a new line counts with what it starts, a few calls down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.build import Deferral
from patchlint.graph.comparison import key_of
from patchlint.graph.objects import variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Comparison
    from patchlint.model.facts import Call, Function


#: helpers in helpers that are looked through for a start
DEEPEST: Final = 3


def unknown_starts(comparison: Comparison, was: Function, now: Function) -> list[Deferral]:
    """New edges of a function to callbacks that nobody shows, known ones and named ones.

    An old one is new to those whom a wider test sends there.
    """
    after, lines = comparison.after, comparison.lines
    started = list(after.deferrals_of(now))
    for call in now.calls:
        if lines.added(now.path, call.line):
            # a helper that starts it is told as if it stood here
            started += [
                replace(edge, function=now, call=call)
                for helper in after.callees(call, now.path)
                for edge in _started_below(after, helper)
                if not _frees_alone(comparison, after.run_by(edge))
            ]
    started += _onto_lists(comparison, now, started)
    found = [
        edge
        for edge in started
        if not edge.keeps
        and not edge.waits
        # what nobody shows of an interrupt's handler is no release: it must not sleep
        and edge.context != "hardirq"
        and after.run_by(edge) is None
        and _made_anew(comparison, was, now, edge)
    ]
    found += [
        Deferral.unseen(now, call) for call in now.calls if _named_for_later(comparison, now, call)
    ]
    return found


def _made_anew(comparison: Comparison, was: Function, now: Function, edge: Deferral) -> bool:
    """Whether a start is new, or is one that stood there before and is made more often.

    One that moved, or that fewer come to, sends nobody there who was not.
    """
    lines, asked = comparison.lines, comparison.asked
    added = lines.added(now.path, edge.line)
    before = [
        asked.of(comparison.old.terms.guard(was, call.conditions)).made
        for call in was.calls
        if call.callee == edge.call.callee
        and (call.args == edge.call.args or _did_it_before(comparison, was, call, edge))
        and lines.forward(was.path, call.line) == (None if added else edge.line)
    ]
    if not before:
        return added
    tests = asked.of(comparison.new.terms.guard(now, edge.conditions))
    return not any(tests.keeps(made) for made in before)


def _did_it_before(comparison: Comparison, was: Function, call: Call, edge: Deferral) -> bool:
    """Whether a helper that starts something did so before, given the same constants.

    It may be given more, or other variables: what it starts is the same.
    """
    before = comparison.before
    return _told(call) == _told(edge.call) and any(
        (one.mechanism, one.callback) == (edge.mechanism, edge.callback)
        for helper in before.callees(call, was.path)
        for one in _started_below(before, helper)
    )


def _told(call: Call) -> list[str]:
    """The constants that a call passes, wherever they stand."""
    return sorted(arg for arg in call.args if guards.is_value(arg))


def _frees_alone(comparison: Comparison, callback: Function | None) -> bool:
    """Whether a whole callback is shown, and gives memory back: what gave way is not in it."""
    return (
        callback is not None
        and callback.complete
        and all(e.kind in ("memory", "async") for e in comparison.first_keys_of(callback))
    )


def _started_below(side: Graph, helper: Function) -> list[Deferral]:
    """What a helper of one side starts, by itself or in what it hands its own arguments on to."""
    known = side.started_below.get(key_of(helper))
    if known is not None:
        return known
    found: list[Deferral] = []
    level, seen = [helper], {key_of(helper)}
    for _ in range(DEEPEST):
        following: list[Function] = []
        for one in level:
            found += side.deferrals_of(one)
            given = _given(one)
            for call in one.calls:
                if given.isdisjoint(variables(call.args)):
                    continue
                for callee in side.callees(call, one.path):
                    if key_of(callee) not in seen:
                        seen.add(key_of(callee))
                        following.append(callee)
        level = following
    side.started_below[key_of(helper)] = found
    return found


def _given(function: Function) -> set[str]:
    """What a function was given, and what it found through that."""
    given = {p.name for p in function.parameters}
    for assignment in function.assignments:
        if not given.isdisjoint(variables([assignment.value])):
            given.add(assignment.target)
    return given


def _onto_lists(
    comparison: Comparison, now: Function, started: Sequence[Deferral]
) -> list[Deferral]:
    """Items that go on a list just before something unknown is started: that may drain it.

    Where a hunk shows what drains the list, an edge leads there and tells of it.
    """
    adds, run_by = comparison.kernel.list_adds, comparison.after.run_by
    known = {id(edge.call) for edge in started if edge.handoff}
    starts = [
        edge
        for edge in started
        if not (edge.handoff or edge.keeps or edge.waits)
        and comparison.lines.added(now.path, edge.line)
        and run_by(edge) is None
    ]
    return [
        replace(edge, call=call)
        for call in now.calls
        if call.callee in adds and id(call) not in known
        for edge in starts
        if call.line <= edge.line
    ]


def _named_for_later(comparison: Comparison, now: Function, call: Call) -> bool:
    """Whether a new call is of a helper that nobody shows and that is named for it."""
    after, kernel = comparison.after, comparison.kernel
    name = call.callee
    return (
        call.statement
        and not call.indirect
        and comparison.lines.added(now.path, call.line)
        and kernel.later.search(name) is not None
        and name not in kernel.activations
        and name not in kernel.registrations
        and name not in kernel.waits
        and name not in kernel.list_adds
        and ((row := kernel.cleanups.get(name)) is None or row.kind == "async")
        and kernel.harmless.search(name) is None
        and not after.callees(call, now.path)
    )


def by_name_alone(edge: Deferral) -> bool:
    """Whether all that tells of a deferral is the name of a helper that nobody shows."""
    return edge.mechanism == edge.call.callee and edge.context == "unknown"
