"""What is told of times and waits: how long something is put off, and what became of a wait.

A time is told where the call says it: a constant, or a member by its name.  A wait for a limited
time is taken to end too early where the one before was not limited, which errs towards a finding
of what in practice is always in time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph.bindings import argument
from patchlint.graph.loss import OF_A_WAIT

if TYPE_CHECKING:
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss
    from patchlint.model.facts import Call

#: what says the same to a reader as to the call: constants, and members by their names
_TOLD: Final = re.compile(
    r"(?:[A-Z_][A-Z0-9_]*\b|\d+[UL]*|[A-Za-z_]\w*(?:(?:->|\.)\w+)+|[\s()*/+-])+"
)
#: what a point in time is counted from
_FROM_NOW: Final = re.compile(r"^jiffies\s*\+\s*")
_CALLED: Final = re.compile(r"\b[a-z]\w*(?=\()")
_MEMBER: Final = re.compile(r"->|\.")


def delay(comparison: Comparison, late: Effect) -> str:
    """By how much the start of what is late puts it off, "" where no start says that.

    Of what a callback starts in turn either start may.
    """
    starts = [edge.call for edge in (late.edge, late.last) if edge is not None]
    return next(filter(None, (_time(comparison, call) for call in starts)), "")


def limit(comparison: Comparison, loss: Loss) -> str:
    """After how long a wait that is left may end, "" where it says no time."""
    less = waits_less(loss)
    wait = loss.late[0].site if loss.how == "shortened" else less.wait if less is not None else None
    return _time(comparison, wait) if wait is not None else ""


def _time(comparison: Comparison, call: Call) -> str:
    """How long a call puts off or waits, where the call says it and no jiffy alone; else ""."""
    kernel = comparison.kernel
    place = kernel.times.get(call.callee)
    text = (argument(call, place) if place is not None else None) or ""
    span = _FROM_NOW.sub("", text, count=1)
    words = _CALLED.sub(lambda one: "" if one[0] in kernel.durations else one[0], span)
    # of a member nobody knows whether it is a time or a point in time
    unsure = call.callee in kernel.points and span == text and _MEMBER.search(words)
    said = _TOLD.fullmatch(words) and not unsure and re.search(r"\w", words)
    return span if said and not span.strip("()UL ").isdigit() else ""


def gone(comparison: Comparison, main: Loss, effect: Effect) -> Call | None:
    """The call by which a function waited before, where that is gone with nothing left of it."""
    if main.how == "shortened" or waits_less(main) is not None:
        return None
    return comparison.waiter_gone(main.was, effect)


def wait_before(main: Loss, effect: Effect) -> str:
    """What a wait for whatever it was did before, "" of anything else."""
    return f"waits for {effect.act.name}" if main.how in OF_A_WAIT else ""


def wait_now(comparison: Comparison, loss: Loss) -> str:
    """What became of a wait for whatever it was, "" of anything else."""
    if loss.how not in OF_A_WAIT:
        return ""
    end = loss.late[0].site
    if end is None or loss.how == "unawaited":
        stops = f"{end.callee}() does not wait: " if end is not None else ""
        return f"{stops}{loss.runs}() may still run" if loss.runs else "no wait any more"
    row, time = comparison.kernel.waits[end.callee], _time(comparison, end)
    after = f"after {time}" if time else "after some time" if row.bounded else ""
    ends = " or ".join(filter(None, (after, "by a signal" if row.signal else "")))
    return f"{end.callee}() may end first, {ends}"


def waited(call: Call | None, effect: Effect) -> str:
    """The wait that held the caller, by what the losing function called for it; else ""."""
    wait = call or effect.wait
    return wait.callee if wait is not None else ""


def awaited(effect: Effect) -> str:
    """The callback for whose end something waited, "" where nothing did."""
    edge = effect.hop
    return (edge.callback or "") if edge is not None and effect.wait is not None else ""


def waits_less(main: Loss) -> Effect | None:
    """What the losing function still waits for, on fewer ways or for a limited time."""
    lost = {e.edge.callback for e in main.before if e.edge is not None and e.wait is not None}
    return next(
        (e for e in main.instead if e.wait is not None and e.edge and e.edge.callback in lost), None
    )


def wait_in(main: Loss, effect: Effect) -> Call:
    """The wait of an effect where the losing function has it, else the call that leads there."""
    wait = effect.wait
    if wait is not None and main.now.makes(wait):
        return wait
    return effect.root or main.now.calls[0]


def limited(comparison: Comparison, main: Loss) -> bool:
    """Whether what is left of a wait may end too early, and did not."""
    if main.how == "shortened":
        return True
    left = waits_less(main)
    waits = comparison.kernel.waits
    return (
        left is not None
        and left.wait is not None
        and waits[left.wait.callee].bounded
        and not any(e.wait is not None and waits[e.wait.callee].bounded for e in main.before)
    )
