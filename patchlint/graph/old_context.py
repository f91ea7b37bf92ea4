"""In which context a release ran before: from the images, the message, or a whole tree."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.graph import contexts, guards, unheld
from patchlint.graph.bindings import function_name
from patchlint.graph.chains import holds, possible
from patchlint.graph.objects import form_of, struct_name
from patchlint.model.effect import Ground

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import Loss
    from patchlint.graph.reach.way import Ways
    from patchlint.model.context import Context
    from patchlint.model.effect import EntryChain
    from patchlint.model.facts import Call, Function


#: calls from an entry point to what a request to end something asks for
_NEAR: Final = 3
#: contexts that one test tells from a task together
_ALIKE: Final[dict[Context, set[Context]]] = {
    "softirq": {"softirq", "hardirq", "rcu-callback"},
    "kthread": {"kthread", "workqueue"},
}


class OldContext(Struct, frozen=True):
    """What is known of the context in which the release ran before.

    ``doubt`` says why it was no task, or not only, and turns a finding down; ``certain``
    is set when a chain to an entry point was shown that rests on no guess.
    """

    shown: Context
    task: bool
    doubt: str
    entries: tuple[EntryChain, ...]
    certain: bool
    reasons: tuple[Ground, ...]
    mixed: bool = False
    #: whether the doubt tells of the callback, not of this one function alone
    shared: bool = True
    #: whether the losing function is itself an operation behind which user space waits for an end,
    #: as a tree shows, and whether that operation is for nothing else or the function named for it
    ending: bool = False
    named_end: bool = False
    #: whether a tree shows a short way to it from what user space calls to end something
    asked: bool = False
    #: what those are called for of whom there are too many to follow
    classes: tuple[EntryChain, ...] = ()
    #: a function that has more callers than were followed, "" for none
    many: str = ""


def old_context(comparison: Comparison, loss: Loss) -> OldContext | None:
    """The old context of the path that loses; None when it certainly was no task."""
    was = loss.was
    titles = [title for title, paths in comparison.titles if was.path in paths]
    verdict = contexts.of(
        comparison.before, was, comparison.message, titles, partial(_loses, comparison, loss)
    )
    if verdict.deferred == "certain":
        return None
    sent = frozenset().union(*(_sent_elsewhere(comparison, e.guard) for e in loss.before))
    if sent:
        verdict = contexts.Verdict(tuple(r for r in verdict.reasons if r.context not in sent))
    found = _in_tree(comparison, loss)
    if found is not None and found.ways:
        spoken = contexts.spoken(comparison.before, was, comparison.message, titles)
        own = contexts.by_itself(comparison.before, was).reasons
        # the tree knows all callers: a trace of one of them settles nothing, nor does a context
        # that the losing path itself sends elsewhere
        told = [
            contexts.Verdict(tuple(r for r in reasons if r.context not in sent))
            for reasons in ([r for r in spoken if not r.traced], own)
        ]
        new = {edge.callback for late in loss.late if (edge := late.edge) is not None}
        settled = _settled(_from_tree(found, new), told)
        if settled is None or settled.task or found.complete:
            if settled is None:
                return None
            carried = _of_carrying(comparison, loss, found, settled)
            return _with_callers(found, _as_operation(found, carried, loss.now), loss.now)
        # that no task is among those which are seen tells nothing of those which are not
    old = _in_images(comparison, loss, verdict)
    return old if found is None else _with_callers(found, old, loss.now)


def _with_callers(found: Ways, old: OldContext, now: Function) -> OldContext:
    """What is told of callers that the walk did not follow, since there are too many of them.

    Nothing rests on it: those of a class are not all tasks.
    """
    many = next(iter(found.hubs), now.name if found.cut else "")
    return replace(old, classes=found.classes, many=many)


def _as_operation(found: Ways, old: OldContext, now: Function) -> OldContext:
    """What is told of a function that is an operation in a table which the series leaves alone."""
    own = [way for way in found.ways if way.chain == (now.name,) and way.reaches_user and way.ends]
    asked = any(
        way.ends
        and way.reaches_user
        and way.strength == "certain"
        and len(way.chain) <= _NEAR
        and way.marks.clear
        for way in found.ways
    )
    return replace(old, ending=bool(own), named_end=any(way.ending for way in own), asked=asked)


def _in_images(comparison: Comparison, loss: Loss, verdict: contexts.Verdict) -> OldContext:
    """The old context by what images and messages show: the ``verdict``, or a doubt of its own."""
    was = loss.was
    doubt = ""
    if verdict.deferred == "likely":
        doubt = f"the old path was not a task: {verdict.reasons[0].why}"
    elif verdict.mixed:
        why = next(r.why for r in verdict.reasons if r.context != "task")
        doubt = f"the old path was partly deferred: {why}"
    if not doubt and not verdict.task:
        doubt = (
            _was_started(comparison, was)
            or _puts_itself(comparison, loss)
            or ("" if verdict.reasons else _only_given(comparison, was))
            or _by_workers(comparison, loss)
        )
    shared = not all(r.traced for r in verdict.reasons)
    if not doubt:
        doubt = _holds_it(comparison, loss)
        shared = not doubt
    shown: Context = "unknown"
    if verdict.task:
        shown = "task"
    elif len(verdict.contexts) == 1:
        shown = next(iter(verdict.contexts))
    reasons = tuple(Ground(r.why) for r in verdict.reasons if r.context == "task")[:1]
    return OldContext(shown, verdict.task, doubt, (), certain=True, reasons=reasons, shared=shared)


def _holds_it(comparison: Comparison, loss: Loss) -> str:
    """Why the operation that loses cannot have ended what it put; "" when it may have.

    A write holds the file open, and what the file holds: no put of it there is the last.
    """
    known = loss.before[0].known
    kernel = comparison.kernel
    held = list(comparison.before.operations_of(loss.was.name))
    if known is not None and not held and _handed(loss.was, kernel.holding_forms):
        return "by its form it works on an open file, which holds what is released"
    if known is None or not held or any(kernel.carries(r.ends, known.family) for _, _, r in held):
        return ""
    _path, entry, _row = held[0]
    return f"it is .{entry.member} of {entry.struct}, which cannot end what is released"


def _handed(function: Function, forms: Iterable[str]) -> bool:
    """Whether a function has one of some forms, or is a helper that is handed the same and more.

    Where no hunk shows what it returns, what it is given tells.
    """
    form = form_of(function)
    known = forms if function.returns else [one.partition(" ")[2] for one in forms]
    return any(form == one or form.startswith(f"{one} ") for one in known)


def _sent_elsewhere(comparison: Comparison, guard: tuple[Atom, ...]) -> frozenset[Context]:
    """The contexts that the tests above an effect sent another way."""
    found: set[Context] = set()
    for atom in guard:
        for context in guards.asked_contexts(comparison.kernel, atom.turned):
            found |= _ALIKE.get(context, {context})
    return frozenset(found)


def _was_started(comparison: Comparison, was: Function) -> str:
    """A deferral of the same file that the series takes away, and whose callback is not seen.

    What it ran is unknown; it may have been the losing path.
    """
    gone = [
        edge
        for edge in comparison.before.deferrals
        if edge.function.path == was.path
        and not edge.keeps
        and not edge.handoff
        and comparison.lines.forward(edge.function.path, edge.line) is None
        and comparison.before.run_by(edge) is None
    ]
    left = {edge.callback or edge.mechanism for edge in comparison.after.deferrals}
    for edge in gone:
        if (edge.callback or edge.mechanism) not in left:
            return (
                f"the series removes {edge.mechanism}() at {edge.function.path}:{edge.line}, "
                "which may have run the old path"
            )
    return ""


def _by_workers(comparison: Comparison, loss: Loss) -> str:
    """The deferred function that comes to the deferral, where no other caller is shown; else "".

    Others may call it where no hunk shows, so this is a doubt and no answer.  A caller whose
    constants keep it from the deferral says nothing of who comes there.
    """
    after = comparison.after
    callers = [
        one
        for one, call in after.callers_of(loss.now)
        if one is not loss.now and any(possible(loss.now, call, e.guard, after) for e in loss.late)
    ]
    if not callers or not all(contexts.certainly_deferred(after, one) for one in callers):
        return ""
    return f"all that is shown to call it runs deferred itself: {callers[0].name}()"


def _only_given(comparison: Comparison, was: Function) -> str:
    """The helper that a function is given to, and that nobody shows; "" where it is called as well.

    A helper that is not named for visiting something keeps what it is given, until something
    happens.  Who runs it then is unknown, and seldom the task that waits for what it does.
    """
    before, kernel = comparison.before, comparison.kernel
    if not was.static or before.callers_of(was) or before.tables_of(was.name):
        return ""
    given = [
        (function, call)
        for function in before.functions.values()
        if function.path == was.path
        for call in function.calls
        if any(function_name(text) == was.name for text in call.args)
    ]
    known = {entry.macro for entry in kernel.entries}
    if not given or any(
        call.callee in known
        or kernel.runs_at_once(call.callee, was.name)
        or before.callees(call, function.path)
        for function, call in given
    ):
        return ""
    function, call = given[0]
    return f"it is only given to {call.callee}() at {function.path}:{call.line}, which may keep it"


def _puts_itself(comparison: Comparison, loss: Loss) -> str:
    """The put of a deferred function for which the losing function was run; "" for none.

    A release of a kobject takes that alone.  Where what does it now also gives a reference of
    such an object back, and did before, the release ran there.  Others may put it as well.
    """
    was = loss.was
    struct = struct_name(was.parameters[0].type) if len(was.parameters) == 1 else None
    puts = comparison.kernel.counted.get(struct or "", frozenset())
    for late in loss.late:
        for call in late.where.calls:
            if call.callee in puts and not comparison.lines.added(late.where.path, call.line):
                return (
                    f"{late.where.name}() gave back what {was.name}() is the release of "
                    f"({call.callee}() at {late.where.path}:{call.line})"
                )
    return ""


def _loses(comparison: Comparison, loss: Loss, caller: Function, call: Call) -> bool:
    """Whether a caller before is on the losing path after: its constants leave room for it."""
    if loss.how == "worker":
        return True
    heir = comparison.heir(caller)
    if heir is None:
        return True
    calls = [
        one
        for one in heir.calls
        if any(loss.now is f for f in comparison.after.callees(one, heir.path))
    ]
    del call
    return not calls or any(
        possible(loss.now, one, late.guard, comparison.after) for one in calls for late in loss.late
    )


def _settled(old: OldContext | None, told: Iterable[contexts.Verdict]) -> OldContext | None:
    """A mixed verdict of the tree that the message or the function itself settles."""
    if old is None or not old.mixed:
        return old
    late = next((one.reasons[0].why for one in told if one.deferred is not None), "")
    if not late:
        return old
    return replace(old, doubt=f"the old path was not only a task: {late}", certain=False)


def _of_carrying(comparison: Comparison, loss: Loss, found: Ways, old: OldContext) -> OldContext:
    """Entry points that can end what was lost; a doubt when none of those that are seen can.

    A read holds the file open: it cannot drop the last reference, whatever it calls.
    """
    known = loss.before[0].known
    # a wait is a promise to whoever comes to it, whatever he ends
    if not old.entries or (known is None and loss.all_waited):
        return old
    family = known.family if known is not None else ""
    found = unheld.held(comparison, loss, found)
    carried = found.carrying(comparison.kernel, family).entry_points
    # a system call that no table knows may end it: no worse known than with hunks alone;
    # and what ends an object may end what that holds
    untold = replace(found, ways=tuple(way for way in found.ways if way.unknown)).entry_points
    others = replace(found, ways=tuple(way for way in found.ways if way.ends)).entry_points
    entries = carried or untold or (() if family in comparison.kernel.alone else others)
    if entries:
        return replace(old, entries=entries)
    if not found.complete:
        return replace(old, entries=(), certain=False)
    names = ", ".join(dict.fromkeys(e.said or e.name for e in old.entries[:3]))
    doubt = f"no entry point that reaches it can end what is released ({names})"
    return replace(old, entries=(), certain=False, doubt=old.doubt or doubt)


def _in_tree(comparison: Comparison, loss: Loss) -> Ways | None:
    """The ways to the losing path in a whole tree, by the functions after the series."""
    if comparison.ways is None:
        return None
    now = loss.now
    guard = (
        () if loss.how == "worker" else min((late.above for late in loss.late), key=len, default=())
    )
    guard = tuple(_narrower(atom, loss.before[0].above) for atom in guard)
    found = comparison.ways(now.name, now.path, guard, comparison.after)
    if not found.known:
        comparison.limitations.append(
            f"{now.name}() is not in the tree: its callers are those that the mail shows"
        )
    elif found.cut and not found.unsearched:  # which is said once of a series
        comparison.limitations.append(
            f"{now.name}(): too many callers to follow all of them; the entry points are "
            "a part of those that reach it"
        )
    found = _of_losing(comparison, loss, found)
    if found.hubs:
        comparison.limitations.append(
            f"{now.name}(): not followed above {', '.join(f'{h}()' for h in found.hubs[:6])}: "
            "too many callers"
        )
    return found


def _narrower(atom: Atom, before: Iterable[Atom]) -> Atom:
    """A test above what is late; of its "or" the sides alone on which something was done before.

    Of the labels of a switch that fall to one statement a new one lost nothing.
    """
    sides = _sides(atom)
    told = (one for one in before if one.positive and atom.positive and _sides(one) < sides)
    return next(told, atom)


def _sides(atom: Atom) -> set[tuple[str, bool]]:
    return set(guards.pieces(atom.text, taken=False))


def _of_losing(comparison: Comparison, loss: Loss, found: Ways) -> Ways:
    """The ways without those through a function of the series that waits itself, if any is left."""
    names = {name for way in found.ways for name in way.chain[:-1]}
    holding = {
        function.name
        for function in comparison.after.functions.values()
        if function.name in names and holds(comparison, function, loss)
    }
    left = tuple(way for way in found.ways if holding.isdisjoint(way.chain[:-1]))
    return replace(found, ways=left) if any(way.reaches_user for way in left) else found


def _from_tree(found: Ways, new: Collection[str | None]) -> OldContext | None:
    """The verdict of a whole tree: all deferred is dropped, mixed is said.

    What the loss itself starts (``new``) is bound by the series, and shows nothing of who came to
    the old path.

    A member that a task calls among others (an I/O completion) shows no task; one behind
    which user space waits does.  One that runs wherever the last reference is dropped,
    kernel threads included, tells nothing.
    """
    called: dict[tuple[str, str], set[str]] = {}
    for way in found.ways:
        called.setdefault((way.name, way.why), set()).add(way.context)
    telling = [
        way
        for way in found.ways
        if way.reaches_user
        or not called[way.name, way.why] >= {"task", "kthread"}
        or any(w.reaches_user for w in found.ways if (w.name, w.why) == (way.name, way.why))
    ]
    tasks = [
        way
        for way in telling
        if way.context == "task" and (way.reaches_user or len(called[way.name, way.why]) == 1)
    ]
    others = [way for way in telling if way.context != "task"]
    if not tasks and not others:
        return OldContext(
            "unknown",
            task=False,
            doubt="",
            entries=(),
            certain=False,
            reasons=(Ground(f"runs wherever the last reference is dropped: {found.ways[0].why}"),),
        )
    if not tasks:
        everything = found.complete and len(others) == len(found.ways)
        if everything and all(way.strength == "certain" for way in others):
            return None
        return OldContext(
            others[0].context,
            task=False,
            entries=(),
            certain=False,
            reasons=(),
            doubt=f"no task is seen to reach the old path: {others[0].why}",
        )
    if all(way.marks.failed for way in tasks):
        # of ways that were not followed to their ends nothing says what they are for
        failed = "a task comes to the old path only when something failed"
        return OldContext(
            "task",
            task=True,
            doubt=failed if found.complete else "",
            entries=(),
            certain=False,
            reasons=(Ground(f"reached by a task: {tasks[0].why}"),),
        )
    certain = any(way.strength == "certain" and way.reaches_user for way in tasks)
    reasons = [Ground(f"reached by a task: {tasks[0].why}")]
    # an operation that a task runs among others is no proof that somebody else comes there
    shown = [
        way
        for way in others
        if "task" not in called[way.name, way.why] and way.name not in new and not way.boot
    ]
    reasons += [Ground(way.why, also_by=way.context) for way in shown[:1]]
    return OldContext(
        "task",
        task=True,
        doubt="",
        entries=found.entry_points,
        certain=certain,
        reasons=tuple(reasons),
        mixed=bool(others),
    )
