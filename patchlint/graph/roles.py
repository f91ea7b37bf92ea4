"""Roles: whether somebody waits for what was lost, and whether it ends anything.

A *role* shows that somebody waits for it: the function that lost it is an operation behind
which user space waits, one that the tables know as a release, or one that waited for what it
starts itself; or a teardown, and it was done when the last reference went, after a grace period
that was waited for, or by a task that is shown.  With a tree, which shows who comes there, its
name or its moved body is enough.  Moved work is not moved cleanup: by names alone two in three
loud findings on unread mail were wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph import guards
from patchlint.graph.leaves import ends_or_calms, named_teardown
from patchlint.graph.loss import OF_A_WAIT
from patchlint.graph.objects import form_of, is_release
from patchlint.graph.strength import KNOWN, strength

if TYPE_CHECKING:
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.loss import Loss
    from patchlint.graph.old_context import OldContext
    from patchlint.model.facts import Function
    from patchlint.model.kernel import Cleanup, KernelFacts


def ends_something(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is a release by its name, or the body of one.

    A call, a store or an operation alone is work of any kind.  Of six loud
    findings by it on unread mail none was right.  With a tree, which shows who comes there, and in
    what has the form of an operation that ends something, an operation that is named for an end is
    one, what a teardown waited for, what a helper does that is named for an end, then and now, and
    a bit that others ask for.
    """
    main, kernel = loss.before[0], comparison.kernel
    waited = _promised_wait(comparison, loss)
    ended = main.key[0] == "bit" or certain_end(kernel, loss)
    shown = comparison.ways is not None or has_ending_form(kernel, loss.was)
    return (
        strength(main) > 1
        or waited
        or (shown and (ended or _in_a_teardown(kernel, loss)))
        or any(
            not e.where.complete and named_teardown(kernel, e.where.name)
            for e in loss.before
            if e.where is not loss.was
        )
        or _below_last_reference(loss)
        or is_release(kernel.counted, loss.was)
        or known_release(comparison, loss) is not None
        or body_moved(comparison, loss)
    )


def certain_end(kernel: KernelFacts, loss: Loss) -> bool:
    """Whether what was done is an end, and not only named like one that a body may show as less.

    A member named for it, a driver's own, or a number that is given back.
    """
    kind, name = loss.key[:2]
    return kind == "number" or (kind == "icall" and kernel.teardown.search(name) is not None)


def _in_a_teardown(kernel: KernelFacts, loss: Loss) -> bool:
    """Whether a helper that is named for an end did what was done, and does it late."""
    sides = [
        {s.function for e in effects for s in e.chain[1:]} for effects in (loss.before, loss.late)
    ]
    return any(named_teardown(kernel, name) for name in set.intersection(*sides))


def role(comparison: Comparison, loss: Loss, old: OldContext) -> bool:
    """Whether the losing function is one that user space waits for."""
    below = _on_the_way(comparison, loss)
    functions = [loss.was, *below]
    teardown = strength(loss.before[0]) > 1
    if (
        (old.ending if teardown else old.named_end)
        or any(held_in_slot(comparison, function, teardown=teardown) for function in functions)
        or has_ending_form(comparison.kernel, loss.was)
        or known_release(comparison, loss) is not None
        or _own_wait_gone(loss)
        or (old.asked and certain_end(comparison.kernel, loss))
        or _promised_wait(comparison, loss)
    ):
        return True
    if loss.how in OF_A_WAIT:
        return comparison.ways is not None and teardown
    if loss.before[0].kind == "store":
        # a state is set for many reasons; only in an operation that ends something it tells
        return False
    ends = [named_teardown(comparison.kernel, function.name) for function in functions]
    # a function that is no end itself only came by one: with hunks alone nobody is seen to wait
    passing = (
        comparison.ways is None
        and not ends[0]
        and not is_release(comparison.kernel.counted, loss.was)
    )
    return any(ends) and (
        (_last_reference(comparison, loss, functions) and not passing)
        or (ends[0] and waited_for_grace_period(comparison, loss))
        or (ends[0] and old.task and strength(loss.before[0]) > 1)
        or (comparison.ways is not None and _seen_in_tree(comparison, loss, ends))
    )


def _promised_wait(comparison: Comparison, loss: Loss) -> bool:
    """Whether the wait that is lost stood in what is named for an end, or for calming what runs.

    There it is what its callers rely on, whatever was waited for.
    """
    return (
        comparison.ways is not None
        and loss.all_waited
        and ends_or_calms(comparison.kernel, loss.was.name)
    )


def _own_wait_gone(loss: Loss) -> bool:
    """Whether the losing function waited for what the very call of it starts: that was a promise.

    Of what is named for a teardown alone; work that is only drained is waited for as well.
    """
    return (loss.how not in OF_A_WAIT and strength(loss.before[0]) > 1) and any(
        e.pending is None and e.wait is not None and loss.was.makes(e.wait) for e in loss.before
    )


def _seen_in_tree(comparison: Comparison, loss: Loss, ends: list[bool]) -> bool:
    """Whether names are enough: a tree has shown who comes there.

    ``ends``: whether the losing function, and those below it, are named like a teardown.
    """
    named = ends[0] and (strength(loss.before[0]) > 1 or any(ends[1:]))
    guessed = all(effect.guessed for effect in loss.late)
    return (body_moved(comparison, loss) and ends[0]) or (named and not guessed)


def waited_for_grace_period(comparison: Comparison, loss: Loss) -> bool:
    """Whether the losing function waited for a grace period itself, and does so no more."""
    kernel = comparison.kernel
    return any(
        comparison.lines.forward(loss.was.path, call.line) is None
        for call in loss.was.calls
        if (wait := kernel.waits.get(call.callee)) is not None and wait.kind == "grace-period"
    )


def known_release(comparison: Comparison, loss: Loss) -> Cleanup | None:
    """The row of the losing function, where what it lost is what that row speaks of.

    What its body does no hunk may show, what it releases its row says: it lost that with the
    whole body, or with a call that is named for a teardown.  A row of any kernel in which it is
    done in the call counts: the body shows that it was.
    """
    if strength(loss.before[0]) == KNOWN or loss.how in ("worker", "weaker"):
        return None
    if loss.how == "unawaited" and loss.late[0].where is loss.now:
        # what a stop leaves running is no part of what its function is known to release
        return None
    rows = comparison.kernel.rows_of(loss.was.name)
    row = next((r for r in rows if r.visible and r.kind in ("ctx", "sync", "wrap")), None)
    named = loss.before[0].kind == "named" and not all(e.guessed for e in loss.late)
    return row if row is not None and (named or body_moved(comparison, loss)) else None


def _last_reference(comparison: Comparison, loss: Loss, functions: list[Function]) -> bool:
    """Whether it was done when the last reference went, or by a function given to a put."""
    return _below_last_reference(loss) or any(
        function.name in comparison.put_callbacks or is_release(comparison.kernel.counted, function)
        for function in functions
    )


def _below_last_reference(loss: Loss) -> bool:
    """Whether a test for the last reference stands above what was done."""
    return any(a.head == guards.LAST_REFERENCE for e in loss.before for a in e.guard)


def body_moved(comparison: Comparison, loss: Loss) -> bool:
    """Whether the body of the losing function itself went behind the deferral."""
    for late in loss.late:
        edge = late.edge
        callback = comparison.after.run_by(edge) if edge else None
        if callback is None:
            continue
        for target in comparison.after.reach(callback, 1):
            if any(loss.was is f for f in comparison.lineage.of(target)):
                return True
    return False


def _on_the_way(comparison: Comparison, loss: Loss) -> list[Function]:
    """The functions between the one that lost and the place that did it."""
    functions = comparison.before.functions
    found = [
        functions.get((step.path, step.function))
        for effect in loss.before
        for step in effect.chain[1:]
    ]
    return [function for function in found if function is not None]


def has_ending_form(kernel: KernelFacts, function: Function) -> bool:
    """Whether a teardown has the form of an operation behind which user space waits for an end.

    What no hunk shows is the table that holds it: ``int foo_close(struct inode *, struct file *)``.
    """
    return form_of(function) in kernel.ending_forms and named_teardown(kernel, function.name)


def held_in_slot(comparison: Comparison, function: Function, *, teardown: bool) -> bool:
    """Whether a function is an operation behind which user space waits for an end.

    Through one operation (``write``, ``ioctl``) go many commands, and few of them end something:
    there the function has to be named for it, or what it did to be a ``teardown``.
    """
    ends = teardown or named_teardown(comparison.kernel, function.name)
    return any(
        row.reaches_user and row.ends and (ends or not row.commands)
        for _, _, row in comparison.before.operations_of(function.name)
    )
