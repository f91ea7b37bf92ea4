"""Waits that gave way to one for the same which may be over before that is done.

A wait for a limited time, or one that a signal ends, holds its caller for less; where it is
tried again, or the caller told how it ended, nothing is lost.  Nothing is asked of what it is
that is waited for: in a function that ends something the wait is the promise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph import branches
from patchlint.graph.bindings import argument
from patchlint.graph.build import Deferral
from patchlint.graph.comparison import key_of
from patchlint.graph.effect import Effect
from patchlint.graph.leaves import named_teardown
from patchlint.graph.loss import Loss
from patchlint.graph.waits import SIGNALLED
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from patchlint.graph.comparison import Comparison, FunctionKey
    from patchlint.graph.effect import Class
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]


def shortened(
    comparison: Comparison, told: Collection[FunctionKey], pairs: Sequence[_Pair]
) -> Iterator[Loss]:
    """The waits that hold their function for less, but for functions that are ``told``."""
    for was, now in pairs:
        if was.name != now.name or key_of(now) in told:
            continue
        for wait in was.calls:
            if not _lasts(comparison.kernel, wait):
                continue
            text = argument(wait, comparison.kernel.waits[wait.callee].object_arg)
            less = _less(comparison, was, now, wait, text) if text is not None else None
            if text is not None and less is not None:
                yield _loss(comparison.kernel, was, now, (wait, less), text)


def _ends(kernel: KernelFacts, function: Function) -> bool:
    """Whether a function is named for an end, or for making what still runs come to its end."""
    return named_teardown(kernel, function.name) or kernel.calms.search(function.name) is not None


def _lasts(kernel: KernelFacts, call: Call) -> bool:
    """Whether a call waits until something is done, however long that takes."""
    row = kernel.waits.get(call.callee)
    return row is not None and row.restores and row.kind in SIGNALLED and not row.early


def _less(
    comparison: Comparison, was: Function, now: Function, wait: Call, text: str
) -> Call | None:
    """What stands for a wait between the same kept lines, and may be over too early."""
    kernel, lines = comparison.kernel, comparison.lines
    if lines.forward(was.path, wait.line) is not None:
        return None
    same = [
        call
        for call in now.calls
        if (row := kernel.waits.get(call.callee)) is not None
        and argument(call, row.object_arg) == text
    ]
    if any(_lasts(kernel, call) for call in same):
        return None
    above, below = lines.place(was.path, wait.line)
    return next(
        (
            call
            for call in same
            if above < call.line < below
            and kernel.waits[call.callee].early
            and not branches.gives_up(kernel, now, call)
        ),
        None,
    )


def _loss(
    kernel: KernelFacts, was: Function, now: Function, waits: tuple[Call, Call], text: str
) -> Loss:
    """The wait before as what was done, and the one after as what leaves it to chance.

    One that is in no teardown is for an answer, and work like any other.
    """
    wait, less = waits
    key = ("wait", wait.callee, text.lstrip("&"))
    kind: Class = "named" if _ends(kernel, was) else "opaque"
    done = Effect(
        key, kind, None, "after-wait", (), (text,), wait, wait, was, wait.line,
        (Step(was.name, was.path, wait.line, f"{wait.callee}()"),), wait=wait,
    )  # fmt: skip
    edge = Deferral(
        now, less, less.callee, None, "unknown", "eventually", None, None, keeps=False, waits=False
    )
    late = Effect(
        key, kind, None, "eventually", (), (text,), less, less, now, less.line,
        (Step(now.name, now.path, less.line, f"{less.callee}()"),), edge=edge, last=edge,
    )  # fmt: skip
    return Loss(was, now, key, (done,), (late,), "shortened")
