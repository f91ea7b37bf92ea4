"""Whether what a statement did before is done at once still, though its line went.

By another statement, by the new name of the function that it called, or by the very helper that
starts something in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph import branches
from patchlint.graph.comparison import key_of
from patchlint.graph.unseen_starts import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.model.facts import Call, Function


def is_gone(comparison: Comparison, was: Function, now: Function, effect: Effect) -> bool:
    """Whether a statement has no counterpart, and nothing does the same there."""
    return comparison.lines.forward(was.path, effect.line) is None and not any(
        e.key == effect.key for e in comparison.first_keys_of(now)
    )


def called_by_its_new_name(
    comparison: Comparison, was: Function, now: Function, effect: Effect
) -> bool:
    """Whether the function that did something got another name, and is called in its place.

    What a rewrite of its body takes away, or leaves to the caller, its summary tells.
    """
    line = comparison.lines.forward(was.path, effect.line)
    if effect.site is None or line is not None:
        return False
    above, below = comparison.lines.place(was.path, effect.line)
    calls = [
        call
        for call in now.calls
        if above < call.line < below and call.callee != effect.site.callee
    ]
    return _calls_heir(comparison, was, effect.site, now, calls)


def _calls_heir(
    comparison: Comparison, was: Function, gone: Call, now: Function, calls: Iterable[Call]
) -> bool:
    """Whether one of some calls is of the function that another name was called by before."""
    old = {key_of(one) for one in comparison.before.callees(gone, was.path)}
    return bool(old) and any(
        key_of(ancestor) in old
        for call in calls
        for heir in comparison.after.callees(call, now.path)
        for ancestor in comparison.lineage.of(heir)
    )


def _goes_on(function: Function, call: Call) -> bool:
    """Whether a function does something else behind a call: no way of its own ends there."""
    return any(
        other.line > call.line and not branches.leaves_between(function, call, other)
        for other in function.calls
    )


def does_it(
    comparison: Comparison, was: Function, effect: Effect, now: Function, call: Call
) -> bool:
    """Whether the helper that starts something does the same thing at once as well.

    What it calls may be the same function by another name.
    """
    after, site = comparison.after, effect.site
    inner = [
        one for helper in after.callees(call, now.path) for one in after.reach(helper, DEEPEST)
    ]
    return any(
        any(e.key == effect.key for e in comparison.first_keys_of(one))
        or (
            site is not None
            and any(
                _calls_heir(comparison, was, site, one, [call]) and _goes_on(one, call)
                for call in one.calls
            )
        )
        for one in inner
    )
