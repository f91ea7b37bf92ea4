"""Waits that are gone, or gave way to one for the same which may be over before that is done.

What stops something, and waits for what runs of it already, is such a wait too.

A wait for a limited time, or one that a signal ends, holds its caller for less; where it is
tried again, or the caller told how it ended, nothing is lost.  One that is gone counts where
somebody still signals its end.  Nothing is asked of what it is that is waited for: in a
function that ends something the wait is the promise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import branches
from patchlint.graph.bindings import argument, reference
from patchlint.graph.build import Deferral
from patchlint.graph.comparison import key_of
from patchlint.graph.confined import tested_anew
from patchlint.graph.effect import Effect
from patchlint.graph.leaves import ends_or_calms
from patchlint.graph.loss import Loss
from patchlint.graph.objects import refer, same
from patchlint.graph.unwaited import waits_otherwise
from patchlint.graph.waits import SIGNALLED, signalled, starts_thread, wait_matches
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Comparison, FunctionKey
    from patchlint.graph.effect import Class
    from patchlint.graph.loss import How
    from patchlint.graph.objects import ObjectRef
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]

#: a name that leads to no member of its own, and is not called
_READ: Final = re.compile(r"\b([A-Za-z_]\w*)\b(?!\s*(?:->|\.|\())")
#: calls in calls of a helper that may wait for what a function stopped
_BELOW: Final = 2


def shortened(
    comparison: Comparison, told: Collection[FunctionKey], pairs: Sequence[_Pair]
) -> Iterator[Loss]:
    """The waits that hold their function for less, but for functions that are ``told``."""
    kernel = comparison.kernel
    for was, now in pairs:
        if was.name != now.name or key_of(now) in told:
            continue
        for wait in was.calls:
            if not _lasts(kernel, was, wait):
                continue
            text = argument(wait, kernel.waits[wait.callee].object_arg)
            if text is None:
                continue
            left = [call for call in _same(kernel, now, text) if _lasts(kernel, now, call)]
            if left:
                yield from _on_fewer_ways(comparison, was, now, (wait, text), left)
            elif comparison.lines.forward(was.path, wait.line) is None:
                yield from _held_less(comparison, was, now, (wait, text))


def _held_less(
    comparison: Comparison, was: Function, now: Function, waited: tuple[Call, str]
) -> Iterator[Loss]:
    """The loss of one wait that is gone, with nothing that lasts for the same in its function."""
    kernel = comparison.kernel
    wait, text = waited
    if kernel.waits[wait.callee].weaker:
        edges = _stopped(comparison, was, wait)
        stop = _weaker_stop(comparison, was, now, wait, edges) if edges else None
        if stop is not None:
            yield _loss(kernel, was, waited, now, stop, "unawaited", runs=edges[0].callback)
        return
    less = _less(comparison, was, now, wait, text)
    if less is not None:
        yield _loss(kernel, was, waited, now, less, "shortened")
        return
    for teller, signal in _signals(comparison, was, now, wait, text):
        yield _loss(kernel, was, waited, now, signal, "unawaited", teller)
        return


def _asked_of(texts: Iterable[str]) -> frozenset[str]:
    """What expressions read: the last members, and the variables that stand alone."""
    return frozenset(name for text in texts for name in _READ.findall(text))


def _on_fewer_ways(
    comparison: Comparison,
    was: Function,
    now: Function,
    waited: tuple[Call, str],
    left: Sequence[Call],
) -> Iterator[Loss]:
    """The loss of a wait that stands under a new test wherever it still stands.

    A test that speaks of what is waited for asks whether there is anything to wait for, and one
    that asks for what failed is for what never began.
    """
    wait, text = waited
    if comparison.kernel.waits[wait.callee].kind not in SIGNALLED:
        return
    key = ("wait", wait.callee, text)
    leaves = comparison.new.leaves
    atoms = [
        tested_anew(comparison, (was, now), leaves.at(now, call, key, "opaque", None))
        for call in left
    ]
    said = _asked_of(wait.args)
    if not all(atom is not None and said.isdisjoint(_asked_of([atom.text])) for atom in atoms):
        return
    target = refer(text, was, was.path, comparison.before.fields)
    anew = {id(call) for call in comparison.added_waits} - {id(call) for call in left}
    if target is not None and not anew:
        for teller, signal in _signallers(comparison, now, target):
            found = _loss(comparison.kernel, was, waited, now, signal, "unawaited", teller)
            yield replace(found, narrowed=atoms[0])
            return


def _lasts(kernel: KernelFacts, function: Function, call: Call) -> bool:
    """Whether who comes past a call knows that something is done, however long that took.

    One that may end early lasts where it is tried again then, or the caller told.  What stops
    something lasts until that does not run any more.
    """
    row = kernel.waits.get(call.callee)
    if row is None or row.weaker:
        return row is not None
    return (
        row.restores
        and row.kind in (*SIGNALLED, "object")
        and (not row.early or branches.gives_up(kernel, function, call))
    )


def _less(
    comparison: Comparison, was: Function, now: Function, wait: Call, text: str
) -> Call | None:
    """What stands for a wait between the same kept lines, and may be over too early."""
    kernel = comparison.kernel
    in_place = comparison.lines.in_place
    return next(
        (
            call
            for call in _same(kernel, now, text)
            if kernel.waits[call.callee].early
            and in_place(was.path, wait.line, now.path, call.line)
        ),
        None,
    )


def _weaker_stop(
    comparison: Comparison, was: Function, now: Function, wait: Call, edges: Sequence[Deferral]
) -> Call | None:
    """What stops the same as a call that waited, and does not wait for what runs of it."""
    weaker = comparison.kernel.waits[wait.callee].weaker
    if _waited_still(comparison, was, now, wait, edges):
        return None
    stops = [
        call
        for call in now.calls
        if call.callee in weaker and comparison.lines.added(now.path, call.line)
    ]
    return next((call for call in stops if _of_one_item(comparison, was, wait, now, call)), None)


def _of_one_item(
    comparison: Comparison, was: Function, stop: Call, now: Function, other: Call
) -> bool:
    """Whether two stops are of one item, by the same words or looked through local variables."""
    if stop.args[:1] == other.args[:1]:
        return True
    if not (stop.args and other.args):
        return False
    old = reference(comparison.before, was, stop.args[0], was.path)
    new = reference(comparison.after, now, other.args[0], now.path)
    return old is not None and new is not None and same(old, new, comparison.after.homes)


def _stopped(comparison: Comparison, was: Function, stop: Call) -> list[Deferral]:
    """What a call stops that does something which others can see, and not only counts.

    It releases something, or runs what others gave it: that runs on behind the stop.
    """
    before = comparison.before
    return [
        edge
        for edge in before.deferrals
        if wait_matches(before, edge, was, stop)
        if (callback := before.run_by(edge)) is not None
        if any(
            effect.kind == "indirect" or (effect.kind in ("row", "named") and effect.visible)
            for effect in comparison.old.of(callback)
        )
    ]


def _waited_still(
    comparison: Comparison, was: Function, now: Function, stop: Call, edges: Sequence[Deferral]
) -> bool:
    """Whether a function waits for what it stopped by another call, in a helper, or its callers do.

    ``destroy_workqueue()`` of the queue that it runs on, ``flush_work()`` behind, and whatever is
    given the same and waits for something.  Where it stands is not asked, which errs towards
    silence.
    """
    after = comparison.after
    known = {edge.callback for edge in edges}
    left = [edge for edge in after.deferrals if edge.callback in known]

    def waits(function: Function) -> bool:
        inner = [one for call in function.calls for one in after.callees(call, function.path)]
        return any(
            any(wait_matches(after, edge, holder, call) for edge in left)
            for holder in (function, *(f for one in inner for f in after.reach(one, _BELOW)))
            for call in holder.calls
            if _holds(comparison.kernel, call)
        )

    callers = after.callers_of(now) if now.static else []
    return (
        waits_otherwise(comparison, was, now, stop)
        or waits(now)
        or any(
            stop.args[0] in call.args
            and any(_holds(comparison.kernel, one) for one in helper.calls)
            for call in now.calls
            for helper in after.callees(call, now.path)
        )
        or (bool(callers) and all(waits(caller) for caller, _ in callers))
    )


def _holds(kernel: KernelFacts, call: Call) -> bool:
    """Whether a call waits until something is done, or does not run any more."""
    row = kernel.waits.get(call.callee)
    return row is not None and (row.restores or bool(row.weaker)) and not row.early


def _same(kernel: KernelFacts, function: Function, text: str) -> list[Call]:
    """The waits of a function for the same thing, by its text."""
    return [
        call
        for call in function.calls
        if (row := kernel.waits.get(call.callee)) is not None
        and argument(call, row.object_arg) == text
    ]


def _signals(
    comparison: Comparison, was: Function, now: Function, wait: Call, text: str
) -> Iterator[tuple[Function, Call]]:
    """Who signals the end of a wait that is gone, as before, by a call of which function.

    Nothing where the series waits anew, or may, in a helper as well: for what, is not asked,
    which errs towards silence.
    """
    kernel = comparison.kernel
    target = refer(text, was, was.path, comparison.before.fields)
    if (
        target is None
        or comparison.added_waits
        or _same(kernel, now, text)
        or waits_otherwise(comparison, was, now, wait)
        or branches.on_error_path(kernel, wait, [was])
    ):
        return
    if kernel.waits[wait.callee].kind not in SIGNALLED:
        # who waits for a thread waits for its end, and nobody tells of that
        before = {
            edge.callback
            for edge in comparison.before.deferrals
            if starts_thread(kernel, edge) and wait_matches(comparison.before, edge, was, wait)
        }
        for edge in comparison.after.deferrals:
            # that it is started in other words says nothing of its end
            if (
                starts_thread(kernel, edge)
                and edge.callback is not None
                and edge.callback in before
            ):
                yield edge.function, edge.call
        return
    yield from _signallers(comparison, now, target)
    yield from _told_no_more(comparison, was, now, wait, target)


def _signallers(
    comparison: Comparison, now: Function, target: ObjectRef
) -> Iterator[tuple[Function, Call]]:
    """Who else signals ``target``, as before, by a call of which function."""
    for function in comparison.after.functions.values():
        for call in _signals_of(comparison.after, function, target):
            if function is not now and not comparison.lines.added(function.path, call.line):
                yield function, call


def _signals_of(graph: Graph, function: Function, target: ObjectRef) -> Iterator[Call]:
    """The calls of a function that signal ``target``."""
    for call in function.calls:
        done = signalled(graph, function, call)
        if done is not None and done.keys & target.keys:
            yield call


def _told_no_more(
    comparison: Comparison, was: Function, now: Function, wait: Call, target: ObjectRef
) -> Iterator[tuple[Function, Call]]:
    """Who told that something was done, still does it and tells nobody any more.

    The signal went along with the wait for it.  What is done before the signal and stays there is
    what was waited for, but for what the function that waited does itself; so is an end that stood
    behind the wait and is done in the place of the signal now: the wait was for others.  Who does
    anything else that is new may have taken over what was waited for: errs towards silence.
    """
    before, lines, kernel = comparison.before, comparison.lines, comparison.kernel
    own = {id(one) for one in before.reach(was, _BELOW)}
    for function in before.functions.values():
        gone = [
            signal
            for signal in _signals_of(before, function, target)
            if lines.forward(function.path, signal.line) is None
        ]
        heir = comparison.heir(function) if gone and id(function) not in own else None
        if heir is None:
            continue
        if any(lines.added(heir.path, call.line) for call in heir.calls):
            yield from ((heir, call) for call in _taken_over(comparison, was, now, wait, heir))
            continue
        kept = {
            lines.forward(function.path, call.line)
            for call in function.calls
            if call.line < gone[-1].line
            and (call.callee in kernel.cleanups or kernel.teardown.search(call.callee))
        }
        yield from ((heir, call) for call in heir.calls if call.line in kept)


def _taken_over(
    comparison: Comparison, was: Function, now: Function, wait: Call, heir: Function
) -> Iterator[Call]:
    """The ends that a function did behind a wait, and that who ended the wait does now."""
    left = {call.callee for call in now.calls}
    behind = {
        call.callee
        for call in was.calls
        if call.line > wait.line
        and call.callee not in left
        and comparison.kernel.teardown.search(call.callee) is not None
    }
    for call in heir.calls:
        if call.callee in behind and comparison.lines.added(heir.path, call.line):
            yield call


def _loss(
    kernel: KernelFacts,
    was: Function,
    waited: tuple[Call, str],
    now: Function,
    end: Call,
    how: How,
    teller: Function | None = None,
    runs: str | None = None,
) -> Loss:
    """The wait before as what was done; after it the ``end`` that nobody waits for, or for less.

    One that is in no teardown is for an answer, and work like any other.  ``runs`` is what a stop
    that does not wait leaves running.
    """
    wait, text = waited
    where = teller or now
    said = f"{end.callee}()"
    if teller is not None or runs is not None:
        said += ", which nobody waits for" if runs is None else f" does not wait for {runs}()"
    key = ("wait", wait.callee, text.lstrip("&"))
    kind: Class = "named" if ends_or_calms(kernel, was.name) else "opaque"
    done = Effect(
        key, kind, None, "after-wait", (), (text,), wait, wait, was, wait.line,
        (Step(was.name, was.path, wait.line, f"{wait.callee}()"),), wait=wait,
    )  # fmt: skip
    edge = Deferral.unseen(where, end)
    late = Effect(
        key, kind, None, "eventually", (), (text,), end, end, where, end.line,
        (Step(where.name, where.path, end.line, said),), edge=edge, last=edge,
    )  # fmt: skip
    return Loss(was, now, key, (done,), (late,), how, runs=runs or "")
