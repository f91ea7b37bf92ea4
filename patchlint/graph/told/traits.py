"""What of a loss speaks for or against an advice: what the series adds, locks, references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph.bindings import argument
from patchlint.graph.objects import variables
from patchlint.graph.told.files import is_internal
from patchlint.graph.told.later import callback_of
from patchlint.model.effect import Traits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.graph.build import Deferral
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

#: calls in calls below a callback in which it may take a lock, or stop something
_BELOW: Final = 2
#: the last name of an expression
_LAST: Final = re.compile(r"(\w+)\W*$")
_VOID: Final = "void"


def traits(comparison: Comparison, loss: Loss, late: Effect) -> Traits:
    """What is known of a loss beside what it is."""
    kernel, edge = comparison.kernel, late.edge
    callback = callback_of(comparison, late, edge)
    # what is late may be done by what the first callback starts in turn
    last = comparison.after.run_by(late.last) if late.last is not None else None
    runs = [one for one in (callback, last if last is not callback else None) if one is not None]
    below = [one for function in runs for one in comparison.after.reach(function, _BELOW)]
    starts = edge.function if edge is not None else loss.now
    return Traits(
        added=callback is not None and callback.name not in comparison.before.by_name,
        locked=edge is not None and _locked(kernel, edge, below),
        each_processor=edge is not None and _each_processor(kernel, edge),
        holds=any(
            comparison.lines.added(function.path, call.line) and _takes_reference(kernel, call)
            for function in (loss.now, starts)
            for call in function.calls
        ),
        stops=any(
            kernel.calms.search(call.callee) and not kernel.harmless.search(call.callee)
            for function in below
            for call in function.calls
        ),
        before_wait=_before_wait(comparison, loss),
        asks=any(
            call.callee in kernel.asks_to_stop for function in below for call in function.calls
        ),
        frees=_frees(comparison, loss, late),
        grace=_of_grace_period(comparison, loss, late),
        internal=is_internal(comparison, loss.before[0]),
        silent=loss.now.returns.split()[-1:] == [_VOID],
    )


def _locked(kernel: KernelFacts, edge: Deferral, below: Iterable[Function]) -> bool:
    """Whether something is started under a lock that it takes: who waits there waits for ever.

    A lock is known by the last name of what it is: more of one name makes an advice less.
    """
    held: list[str] = []
    for call in edge.function.calls:
        if call.line > edge.line:
            break
        if kernel.unlocks.search(call.callee):
            held = [name for name in held if name != _lock(call)]
        elif kernel.locks.search(call.callee):
            held.append(_lock(call))
    return any(
        kernel.locks.search(call.callee)
        and not kernel.unlocks.search(call.callee)
        and _lock(call) in held
        for function in below
        for call in function.calls
    )


def _lock(call: Call) -> str:
    """The name of what is locked; of a lock that a function has for itself, its name."""
    name = _LAST.search(call.args[0]) if call.args else None
    return name[1] if name is not None else call.callee.replace("un", "", 1)


def _each_processor(kernel: KernelFacts, edge: Deferral) -> bool:
    """Whether each processor has its own item: a wait for this one is no wait for others."""
    row = kernel.activations.get(edge.mechanism)
    given = (argument(edge.call, row.object_arg) if row is not None else None) or ""
    root = re.match(r"\W*(\w+)", given)
    texts = [given]
    if root is not None:
        function = edge.function
        texts += [one.value for one in function.assignments if one.target == root[1]]
        texts += [c.callee for c in function.calls if c.assigned == root[1]]
    return any(name in kernel.each_processor for text in texts for name in re.findall(r"\w+", text))


def _takes_reference(kernel: KernelFacts, call: Call) -> bool:
    """Whether a call takes a reference, or is named so."""
    words = call.callee.split("_")
    return (
        call.callee in kernel.references
        or call.callee in kernel.refcount_gets
        or not kernel.reference_words.keys().isdisjoint(words)
    )


def _before_wait(comparison: Comparison, loss: Loss) -> bool:
    """Whether all that was lost was done before the function waited for a grace period."""
    waits = [call.line for call in _grace_periods(comparison.kernel, loss)]
    return bool(waits) and all(effect.root_line < min(waits) for effect in loss.before)


def _grace_periods(kernel: KernelFacts, loss: Loss) -> Iterator[Call]:
    """Yield the calls of the function before that wait for a grace period."""
    for call in loss.was.calls:
        row = kernel.waits.get(call.callee)
        if row is not None and row.kind == "grace-period":
            yield call


def _of_grace_period(comparison: Comparison, loss: Loss, late: Effect) -> bool:
    """Whether a grace period was waited for, or what runs late has to wait for one."""
    kernel = comparison.kernel
    hops = [hop for hop in (late.edge, late.hop) if hop is not None]
    rows = [kernel.activations.get(hop.mechanism) for hop in hops]
    return (
        any(row is not None and "rcu" in row.mechanism for row in rows)
        or any(hop.context == "rcu-callback" for hop in hops)
        or any(_grace_periods(kernel, loss))
    )


def _frees(comparison: Comparison, loss: Loss, late: Effect) -> bool:
    """Whether the losing function frees what its wait was for, on a line behind that wait.

    That is a variable through which the wait or the start names its item.  Errs towards no: what
    a helper frees, or the last put, is not seen.
    """
    wait = loss.before[0].wait
    if wait is None or not loss.was.makes(wait):
        return False
    started = late.edge.call.args if late.edge is not None else ()
    held = variables((*wait.args, *started))

    def freed(function: Function) -> set[str]:
        return {
            call.args[0]
            for call in function.calls
            if (row := comparison.kernel.cleanups.get(call.callee)) is not None
            and row.kind == "memory"
            and call.args[:1]
            and (function is not loss.was or call.line > wait.line)
        }

    return not held.isdisjoint(freed(loss.was) & freed(loss.now))
