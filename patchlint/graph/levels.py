"""How loud a loss is: one policy in one place.

The level is a join: each lost effect has a strength, the loudest decides, and what is known
better later can only raise it.  Doubts about the losing path (it was no task, an error path
alone) turn all of it down, each with its reason.

    3   a table or a tree knows what it releases, and user space can see it: a warning
    2   named like a teardown, its body shown by nobody, or a number that somebody takes again is
        given back: a warning in a role, else a note
    1   any other call that nobody shows, an indirect call, a store, a gap: the same, but that
        the function which lost it is named like a teardown is no role by itself
    0   memory, and what puts itself off anyway: a note

A *role* shows that somebody waits for it: the function that lost it is an operation behind
which user space waits, one that the tables know as a release, or one that waited for what it
starts itself; or a teardown, and it was done when the last reference went, after a grace period
that was waited for, or by a task that is shown.  With a tree, which shows who comes there, its
name or its moved body is enough.  Moved work is not moved cleanup: by names alone two in three
loud findings on unread mail were wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.graph import guards
from patchlint.graph.balance import held_for_a_moment, taken_unseen
from patchlint.graph.leaves import ends_or_calms, named_teardown
from patchlint.graph.loss import OF_A_WAIT
from patchlint.graph.objects import form_of, is_release
from patchlint.graph.waits import ends_told, wait_matches
from patchlint.model.effect import MEMORY_ONLY, ON_FAILURE, Ground

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from patchlint.graph.build import Deferral
    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss
    from patchlint.graph.old_context import OldContext
    from patchlint.model.context import Context
    from patchlint.model.facts import Function
    from patchlint.model.kernel import Cleanup, KernelFacts

#: added to the weight of what is louder than a note
LOUD: Final = 100
#: steps to a release of which its own kind tells more than that of another
_NEAR: Final = 2
#: calls to what is done far below, the same where it is late, and tests above it
FAR: Final = 3
_FAR_AWAY: Final = 8
_MANY_TESTS: Final = 8
#: how a test of the preprocessor begins
CONFIGURED: Final = "defined "
_ORDER: Final = {"ctx": 40, "wrap": 30, "sync": 20}


class Volume(Struct):
    """Starts loud; each doubt turns it down and leaves its reason."""

    level: str = "warning"
    reasons: list[Ground] = field(default_factory=list)

    def down(self, reason: Ground) -> None:
        """Turn down to a note, and keep why."""
        self.level = "note"
        if reason not in self.reasons:
            self.reasons.append(reason)


def strength(effect: Effect) -> int:
    """How much is known of an effect, from 3 (a row that user space can see) to 0."""
    if effect.kind in ("memory", "async"):
        return 0
    if effect.kind == "row":
        return 3 if effect.visible else 0
    return 2 if effect.kind == "named" or effect.key[0] == "number" else 1


def _slighted(said: str) -> Ground:
    """Why one loss is none that anybody is known to wait for."""
    return Ground(said, slights=True)


#: why a loss counts for no more than memory
_UNSEEN: Final = _slighted(
    "where the function that puts it late took it is in lines that no hunk shows"
)
_PASSING: Final = _slighted(
    "it is only held for a moment, if it is still there, in the very function"
)
_ENDED: Final = _slighted("what user space sees of it is ended before, in the call")


def known_of(comparison: Comparison, loss: Loss) -> int:
    """How much is known of a loss that may matter, from 3 to 0."""
    return 0 if _slight(comparison, loss) else strength(loss.before[0])


def _slight(comparison: Comparison, loss: Loss) -> Ground | None:
    """Why a loss is none that anybody waits for, None when it may be one."""
    if loss.late and all(taken_unseen(comparison.kernel, effect) for effect in loss.late):
        return _UNSEEN
    if loss.late and all(held_for_a_moment(comparison.kernel, effect) for effect in loss.late):
        return _PASSING
    if all(_ended_before(comparison, effect) for effect in loss.before) or _bare(comparison, loss):
        return _ENDED
    return ON_FAILURE if _error_only(comparison, loss) or _no_memory(comparison, loss) else None


def _ended_before(comparison: Comparison, effect: Effect) -> bool:
    """Whether the very function ends before what can be seen of a release, and does so still."""
    site, where, known = effect.site, effect.where, effect.known
    if site is None or known is None or not known.ended_by:
        return False
    return any(
        call.callee in known.ended_by
        and call.args[:1] == site.args[:1]
        and call.line < site.line
        and call.conditions == site.conditions[: len(call.conditions)]
        and comparison.lines.forward(where.path, call.line) is not None
        for call in where.calls
    )


def _bare(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is late only where it cannot do what user space sees."""
    known = loss.before[0].known
    return known is not None and bool(loss.late) and _late_in(comparison, loss, known.bare_in)


def _late_in(comparison: Comparison, loss: Loss, contexts: Collection[Context]) -> bool:
    """Whether all that is late is so in some contexts."""
    return all(_runs_in(comparison, late) <= set(contexts) for late in loss.late)


def _runs_in(comparison: Comparison, late: Effect) -> set[Context]:
    """In which contexts something late is done; without an edge, by its starts."""
    edge = late.hop
    if edge is not None:
        return {edge.context}
    return {start.context for start in worker_starts(comparison, late)} or {"unknown"}


def worker_starts(comparison: Comparison, late: Effect) -> list[Deferral]:
    """What starts the function that does something late with no edge shown.

    Task work that keeps the promise is none: it puts nothing off.
    """
    starts = comparison.after.starts_of(late.chain[0].function)
    return [start for start in starts if not start.keeps]


def _no_memory(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is put off only where an allocation failed."""
    return bool(loss.late) and all(
        any(not a.positive and comparison.asks_for_memory(loss.now, a) for a in e.above)
        for e in loss.late
    )


def weight(effect: Effect) -> int:
    """What a finding speaks of first: what branches on the context most, memory least."""
    if effect.kind == "memory":
        return 0
    if effect.kind == "async":
        return 1
    if effect.known is not None:
        # far below it is one of many things that a nearer release is known for
        order = _ORDER.get(effect.known.kind, 20) if len(effect.chain) <= _NEAR else 20
        return order if effect.visible else 5
    return {"named": 10, "opaque": 8, "indirect": 7}.get(effect.kind, 6)


def main_loss(comparison: Comparison, losses: Iterable[Loss]) -> Loss:
    """The loss that a finding speaks of: the strongest, then the nearest.

    What only gives back what its own function took is spoken of after what lasts.
    """

    def order(loss: Loss) -> tuple[object, ...]:
        shown = shown_of(comparison, loss)
        return (
            known_of(comparison, loss),
            strength(loss.before[0]),
            not comparison.balanced(shown),
            weight(shown),
            -len(shown.chain),
            -shown.line,
        )

    return max(losses, key=order)


def shown_of(comparison: Comparison, loss: Loss) -> Effect:
    """The lost effect that a finding shows: one whose line the series takes away, if any.

    Before that one that gives back more than its own function took.
    """
    return min(
        loss.before,
        key=lambda effect: (
            comparison.balanced(effect),
            comparison.lines.forward(loss.was.path, effect.root_line) is not None,
        ),
    )


#: the strength of what a table or a tree knows
_KNOWN: Final = 3


def volume(comparison: Comparison, losses: list[Loss], old: OldContext) -> Volume:
    """How loud the losses behind one edge are together, with what turned them down.

    As loud as the loudest; where none is loud, with what turned down each.  ``old``: what is known
    of those who came to what loses.
    """
    found = [_of_one(comparison, loss, old) for loss in losses]
    loud = next((one for one in found if one.level != "note"), None)
    reasons = dict.fromkeys(
        reason
        for loss, one in zip(losses, found, strict=True)
        # that memory is freed later says nothing of what else is
        if strength(loss.before[0]) or not any(strength(other.before[0]) for other in losses)
        for reason in one.reasons
    )
    return loud or Volume("note", list(reasons))


def _of_one(comparison: Comparison, loss: Loss, old: OldContext) -> Volume:
    """How loud one loss is by itself."""
    found = Volume()
    known = known_of(comparison, loss)
    if known == 0:
        found.down(_slight(comparison, loss) or MEMORY_ONLY)
    elif loss.late and all(_by_name_alone(effect) for effect in loss.late):
        found.down(_slighted("that it is done later is told by the name of a helper alone"))
    elif known < _KNOWN and (unproven := _unproven(comparison, loss, old)):
        found.down(_slighted(unproven))
    contexts = {hop.context for hop in loss.hops}
    if contexts == {"task"} and (why := _by_the_task(comparison, loss, old)):
        found.down(Ground(why))
    for why in _not_for_all(comparison, loss, old):
        found.down(Ground(why))
    if old.doubt:
        found.down(Ground(old.doubt))
    return found


def _not_for_all(comparison: Comparison, loss: Loss, old: OldContext) -> Iterator[str]:
    """Why a loss is none for those who relied on what was done."""
    if (waiter := _waits_in_the_same(comparison, loss, old)) is not None:
        yield f"{waiter.name}(), which the same request runs, waits for it"
    if _in_one_configuration(comparison, loss):
        yield "it was done then in some configurations alone, and put off in others"
    if loss.held:
        yield "every caller that the mail shows makes up for it; others may not"
    if comparison.opt_in is not None and comparison.opt_in.asked(loss):
        yield "only a request that the series brings comes to it"
    if _far_below(loss):
        yield "it is done far below what was changed, under many tests: nobody relies on it there"
    if _waited_for(comparison, loss):
        yield "what waits for it waits for its context as well"
    if _brief(comparison, loss):
        yield "it is late by a grace period, and who meets it is told to try again"


def _waits_in_the_same(comparison: Comparison, loss: Loss, old: OldContext) -> Function | None:
    """Another operation of the request that loses, to which the series adds a wait for it.

    ``->kill_sb`` flushes what ``->put_super`` queued: both are umount(2).  In which order they run
    no table says, which errs towards a note.
    """
    events = {entry.event for entry in old.entries if entry.event}
    after = comparison.after
    edges = loss.hops
    if not events or len(edges) < len(loss.late):
        return None
    for call in comparison.added_waits:
        holder = next((f for f in after.functions.values() if f.makes(call)), None)
        if (
            holder is not None
            and holder is not loss.now
            and any(row.event in events for _, _, row in after.operations_of(holder.name))
            and all(wait_matches(after, edge, holder, call) for edge in edges)
        ):
            return holder
    return None


def _far_below(loss: Loss) -> bool:
    """Whether a loss is one of many things that may happen on the way, and comes to no promise.

    In a whole tree a function comes to much by many calls.  Of what examiners called a loss nothing
    was done more than three calls below under more than eight tests, nor late so far away.
    """
    below = [e for e in loss.before if len(e.chain) > FAR]
    return len(below) == len(loss.before) and (
        all(len(e.guard) > _MANY_TESTS for e in below)
        or (bool(loss.late) and all(len(e.chain) > _FAR_AWAY for e in loss.late))
    )


def _by_name_alone(effect: Effect) -> bool:
    """Whether the name of a helper is all that tells of a deferral: it is given no function."""
    edge = effect.edge
    return (
        effect.guessed and edge is not None and edge.context == "unknown" and edge.callback is None
    )


def _by_the_task(comparison: Comparison, loss: Loss, old: OldContext) -> str:
    """Why what the task itself does later is no more than a note, "" when it may be.

    What an operation that ends something leaves to the return to user space is missed inside of
    the call, and by whoever is told of its end before: a mount that waits for the superblock to go.
    A teardown by its name alone is mostly the task's last step.  Task work that the task was made
    to run before it was back in user space, and nothing makes it run now, is late for everybody.
    """
    kept = any(effect.kept is not None for effect in loss.before)
    if kept and all(_unnotified(comparison.kernel, effect) for effect in loss.late):
        return ""
    if loss.how != "weaker":
        return "the task itself does it later, at a time that nothing fixes"
    # what a system call does last, its own return to user space follows at once
    if loss.now.entry is not None or not _role(comparison, loss, old):
        return "it is done before the return to user space: nothing waits inside the call"
    return ""


def _unnotified(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether it is task work that is added in a way which does not keep the promise."""
    edge = effect.hop
    row = kernel.activations.get(edge.mechanism) if edge is not None else None
    return row is not None and row.keeps and edge is not None and not edge.keeps


def _unproven(comparison: Comparison, loss: Loss, old: OldContext) -> str:
    """Why what no table knows is no more than a note, "" when a role shows more."""
    if loss.late and all(effect.guessed for effect in loss.late):
        return "that it is done later is told by a name alone"
    # that a number is given back is known, and sleeps nowhere
    if loss.key[0] != "number" and {hop.context for hop in loss.hops} == {"rcu-callback"}:
        return "no table knows what is done, and it cannot sleep in an RCU callback"
    # who waits no more is told by nobody
    if not loss.all_waited and _end_is_told(comparison, loss):
        return "what tells those who wait that it is done goes along with it"
    if not _ends_something(comparison, loss):
        return "work is done later, and nothing says that it ends anything"
    if not _role(comparison, loss, old):
        return "no table knows what is done, and nothing shows that user space waits for it"
    return ""


def _ends_something(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is a release by its name, or the body of one.

    A call, a store or an operation alone is work of any kind.  Of six loud
    findings by it on unread mail none was right.  With a tree, which shows who comes there, an
    operation that is named for an end is one, what a teardown waited for, what a helper does that
    is named for an end, then and now, and a bit that others ask for.
    """
    main, kernel = loss.before[0], comparison.kernel
    waited = _promised_wait(comparison, loss)
    ended = main.key[0] == "bit" or _certain_end(kernel, loss)
    return (
        strength(main) > 1
        or waited
        or (comparison.ways is not None and (ended or _in_a_teardown(kernel, loss)))
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


def _certain_end(kernel: KernelFacts, loss: Loss) -> bool:
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


def _end_is_told(comparison: Comparison, loss: Loss) -> bool:
    """Whether the same completion is signalled behind it, late as before: who waits for it waits.

    Errs towards a note: the losing function may have made a promise of its own besides.
    """
    told = [ends_told(comparison.before, e.where, e.line) for e in loss.before]
    late = [ends_told(comparison.after, e.where, e.line) for e in loss.late]
    return bool(late) and bool(frozenset.intersection(*told, *late))


def _in_one_configuration(comparison: Comparison, loss: Loss) -> bool:
    """Whether it was deferred before where the preprocessor said otherwise."""
    late = {
        a.sign
        for e in comparison.old.of(loss.was)
        if e.late and e.key == loss.key
        for a in e.above
        if a.head.startswith(CONFIGURED)
    }
    return bool(late) and all(any(a.opposite in late for a in e.guard) for e in loss.before)


def _waited_for(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is late only where whoever needs it waits for that context."""
    known = loss.before[0].known
    return known is not None and bool(loss.late) and _late_in(comparison, loss, known.waited_in)


def _brief(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is late only where that is soon over, and hardly anybody asks for the family."""
    known = loss.before[0].known
    contexts = comparison.kernel.brief.get(known.family) if known is not None else None
    return contexts is not None and bool(loss.late) and _late_in(comparison, loss, contexts)


def _error_only(comparison: Comparison, loss: Loss) -> bool:
    """Whether it was done, or is put off, only where something failed."""
    from patchlint.graph import branches

    return all(comparison.after_failure(e) for e in loss.before) or all(
        effect.edge is not None
        and any(
            branches.on_error_path(comparison.kernel, call, comparison.holders(effect))
            for call in (effect.edge.call, effect.root)
            if call is not None
        )
        for effect in loss.late
    )


def _role(comparison: Comparison, loss: Loss, old: OldContext) -> bool:
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
        or (old.asked and _certain_end(comparison.kernel, loss))
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
    if strength(loss.before[0]) == _KNOWN or loss.how in ("worker", "weaker"):
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
