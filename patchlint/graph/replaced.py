"""Statements that gave way to the start of something that nobody shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import branches, guards
from patchlint.graph.build import Deferral
from patchlint.graph.comparison import key_of
from patchlint.graph.confined import Sent, confined
from patchlint.graph.loss import Loss
from patchlint.graph.objects import variables
from patchlint.graph.standins import stood_for
from patchlint.graph.waits import SIGNALLED, wait_matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Comparison, FunctionKey
    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

    #: a function before, and one after that continues it
    _Pair = tuple[Function, Function]
    #: the call that starts something, and what is done behind it
    _Started = tuple[Call, Effect]


#: letters of a word that tells what is done
_TELLING: Final = 3
#: helpers in helpers that are looked through for a start
_DEEPEST: Final = 3


def replaced(
    comparison: Comparison, told: Collection[tuple[FunctionKey, Key]], pairs: Sequence[_Pair]
) -> Iterator[Loss]:
    """Statements that gave way to a deferral whose callback nobody shows, but for those ``told``.

    The statement is gone with no counterpart; between the same kept lines stands a new
    queueing, or a call that is named for it, on an object of its arguments.
    """
    for was, now in pairs:
        if was.name != now.name:
            continue
        starts = [
            e for e in _unknown_starts(comparison, was, now) if not _spares(comparison, now, e)
        ]
        behind = _kin(comparison, was, now)
        kin = [(call, e) for call, e in behind if e.edge is not None and e.edge.function is now]
        ends = _new_ends(comparison, now)
        if not starts and not behind and not ends:
            continue
        mine = {key for function, key in told if function == key_of(was)}
        for effect, late in _by_another_name(comparison, was, now, behind):
            if effect.key not in mine:
                yield Loss(was, now, effect.key, (effect,), (late,), "replaced")
        for effect in _statements(comparison, was, now, mine):
            gone = _is_gone(comparison, was, now, effect)
            other = _of_kin(comparison, was, effect, kin) if gone else None
            if other is not None:
                yield Loss(was, now, effect.key, (effect,), (other,), "replaced")
                continue
            end = _behind_call(comparison, was, now, effect, ends) if gone else None
            if end is not None:
                done, late = _as_told(effect, end)
                yield Loss(was, now, done.key, (done,), (late,), "replaced")
                continue
            edge, narrowed = _gave_way(comparison, was, now, effect, starts)
            if edge is not None:
                late = _behind(effect, edge)
                yield Loss(was, now, effect.key, (effect,), (late,), "replaced", narrowed)


def _is_gone(comparison: Comparison, was: Function, now: Function, effect: Effect) -> bool:
    """Whether a statement has no counterpart, and nothing does the same there."""
    return comparison.lines.forward(was.path, effect.line) is None and not any(
        e.key == effect.key for e in comparison.first_keys_of(now)
    )


def _statements(
    comparison: Comparison, was: Function, now: Function, told: Collection[Key]
) -> Iterator[Effect]:
    """What a function before does itself that may have given way to something else."""
    for effect in comparison.first_leaves(was):
        if not (
            effect.kind in ("memory", "async", "store", "gap")
            or effect.site is None
            or effect.key in told
            or comparison.after_failure(effect)
            or _called_by_its_new_name(comparison, was, now, effect)
        ):
            yield effect


def _called_by_its_new_name(
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


def _gave_way(
    comparison: Comparison,
    was: Function,
    now: Function,
    effect: Effect,
    starts: Sequence[Deferral],
) -> tuple[Deferral | None, Atom | None]:
    """The start that a statement gave way to, and the new test that keeps it on other ways.

    Either it is gone and the start stands in its place, or it stands still, but control that
    comes to the start does not come to it.
    """
    left = [e for e in comparison.first_keys_of(now) if e.key == effect.key]
    line = comparison.lines.forward(was.path, effect.line)
    if line is None and not left:
        above, below = comparison.lines.place(was.path, effect.line)
        for edge in starts:
            if (
                above <= edge.line < below
                and _stands_for(comparison, was, effect, edge)
                and not _started_before(comparison, was, effect, edge)
            ):
                return edge, None
        return None, None
    before = sum(e.key == effect.key for e in comparison.first_leaves(was))
    if effect.kind != "row" or not effect.visible or len(left) != before:
        # what no table knows is kept from some ways by many changes
        return None, None
    for edge in starts:
        if (
            _by_name_alone(edge)
            or not _stands_for(comparison, was, effect, edge)
            or _started_before(comparison, was, effect, edge)
        ):
            continue
        guard = comparison.new.terms.guard(now, edge.conditions)
        late = replace(_behind(effect, edge), guard=guard, outer=len(guard))
        sent = Sent.by(comparison, now, [late], [effect])
        reasons = [
            confined(comparison, (was, now), e, sent)
            for e in left
            if line is None or e.line == line
        ]
        if reasons and all(reason is not None for reason in reasons):
            return edge, next((r for r in reasons if isinstance(r, guards.Atom)), None)
    return None, None


def _spares(comparison: Comparison, now: Function, edge: Deferral) -> bool:
    """Whether a start is only for what is no task, or waited for on the same way."""
    no_task = comparison.asked.leaves_no_task
    if any(no_task(atom) for atom in comparison.new.terms.guard(now, edge.conditions)):
        return True
    waits = comparison.kernel.waits
    return any(
        (row := waits.get(call.callee)) is not None
        and row.restores
        and call.line > edge.line
        and (
            wait_matches(comparison.after, edge, now, call)
            # whose completion it is the callback would tell
            or (row.kind in SIGNALLED and comparison.lines.added(now.path, call.line))
        )
        for call in now.calls
    )


def _stands_for(comparison: Comparison, was: Function, effect: Effect, edge: Deferral) -> bool:
    """Whether a start may do what a statement did, on an object of its arguments."""
    kernel = comparison.kernel
    if not _share_object(effect, edge.call) or (
        edge.mechanism != edge.call.callee
        and _does_it(comparison, was, effect, edge.function, edge.call)
    ):
        return False
    return not _by_name_alone(edge) or (
        not kernel.later.search(effect.name) and _named_after(kernel, effect, edge.call.callee)
    )


def _goes_on(function: Function, call: Call) -> bool:
    """Whether a function does something else behind a call: no way of its own ends there."""
    return any(
        other.line > call.line and not branches.leaves_between(function, call, other)
        for other in function.calls
    )


def _does_it(
    comparison: Comparison, was: Function, effect: Effect, now: Function, call: Call
) -> bool:
    """Whether the helper that starts something does the same thing at once as well.

    What it calls may be the same function by another name.
    """
    after, site = comparison.after, effect.site
    inner = [
        one for helper in after.callees(call, now.path) for one in after.reach(helper, _DEEPEST)
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


def _kin(comparison: Comparison, was: Function, now: Function) -> list[_Started]:
    """Known releases behind new starts of a function, its own and those of helpers it calls.

    Of those that nothing there did before.
    """
    known = {effect.key for effect in comparison.old.of(was)}
    return [
        (call, effect)
        for effect in comparison.new.of(now)
        if effect.late
        and effect.kind == "row"
        and effect.visible
        and effect.key not in known
        and (call := _start(now, effect)) is not None
        and comparison.lines.added(now.path, call.line)
        and not comparison.balanced(effect)
    ]


def _start(now: Function, effect: Effect) -> Call | None:
    """The call of a function that starts what does an effect later, or that of a helper which does.

    A start that is put into a helper of its own is the same start.
    """
    edge = effect.edge
    if edge is None or edge.function is now:
        return None if edge is None else edge.call
    first = effect.chain[0]
    told = [call for call in now.calls if call.line == first.line]
    return told[0] if len(told) == 1 and first.function == now.name else None


def _of_one_family(effect: Effect, late: Effect) -> bool:
    """Whether a release later ends the same kind of thing as one that went.

    Under a lock that its caller holds a release has another name than in a callback, which
    has to take that lock: ``unregister_netdevice``, ``unregister_netdev``.
    """
    one, other = effect.known, late.known
    return one is not None and other is not None and effect.visible and one.family == other.family


def _by_another_name(
    comparison: Comparison, was: Function, now: Function, kin: Sequence[_Started]
) -> Iterator[tuple[Effect, Effect]]:
    """Releases in helpers that went, with what releases the very same behind a new edge.

    By their rows: a helper took an entry out by its name, and the callback has a pointer to it.
    Where the start stands says nothing, since a callback takes a whole teardown along.
    """
    after = [e for e in comparison.new.of(now) if not e.late] if kin else []
    for effect in comparison.old.of(was) if kin else ():
        root = effect.root
        if (
            root is None
            or len(effect.chain) == 1
            or effect.late
            or effect.kind != "row"
            or comparison.lines.forward(was.path, effect.root_line) is not None
            or comparison.balanced(effect)
            or comparison.after_failure(effect)
            or any(_same_release(effect, e) for e in after)
        ):
            continue
        shared = variables(root.args)
        found = (
            late
            for call, late in kin
            if _same_release(effect, late) and not shared.isdisjoint(variables(call.args))
        )
        late = next(found, None)
        if late is not None:
            yield effect, late


def _same_release(effect: Effect, other: Effect) -> bool:
    """Whether two known functions release the same thing, as their rows say it."""
    one, two = effect.known, other.known
    return (
        one is not None
        and two is not None
        and effect.visible
        and (one.family, one.releases) == (two.family, two.releases)
    )


def _of_kin(
    comparison: Comparison, was: Function, effect: Effect, kin: Sequence[_Started]
) -> Effect | None:
    """The release of one kind behind a new edge that stands where an effect is gone."""
    standing = _in_its_place(comparison, was, effect, kin)
    return next((late for _, late in standing if _of_one_family(effect, late)), None)


def _in_its_place(
    comparison: Comparison, was: Function, effect: Effect, started: Sequence[_Started]
) -> Iterator[_Started]:
    """What is started between the kept lines around an effect, on an object of its arguments."""
    above, below = comparison.lines.place(was.path, effect.line)
    for call, late in started:
        if above < call.line < below and _share_object(effect, call):
            yield call, late


def _new_ends(comparison: Comparison, now: Function) -> list[_Started]:
    """Releases behind new edges of a function that nothing in the images did before.

    Not those that give back what the function takes for its callback.
    """
    fresh = [
        (start, effect)
        for effect in comparison.new.of(now)
        if effect.late
        and effect.kind in ("row", "named")
        and effect.visible
        and not effect.guessed
        and (start := _start(now, effect)) is not None
        and comparison.lines.added(now.path, start.line)
        and key_of(effect.where) in comparison.altered
        and effect.site is not None
        and not comparison.balanced(effect)
        and not any(
            effect.site.callee in comparison.kernel.references.get(call.callee, ())
            for call in now.calls
        )
    ]
    return [one for one in fresh if one[1].key not in comparison.first_keys]


def _behind_call(
    comparison: Comparison,
    was: Function,
    now: Function,
    effect: Effect,
    ends: Sequence[_Started],
) -> Effect | None:
    """The release that a call most likely did whose body nobody shows, and that a callback does.

    The call is gone, and the callback is started in its place on an object of its arguments:
    who did the one there did the other.  Errs towards a finding too many where the callback is
    new work.
    """
    if effect.kind not in ("row", "named", "opaque") or (
        effect.kind == "row" and not effect.visible
    ):
        return None
    if stood_for(was):
        # what stood in a table was called in the place of all of it
        return next((end for _, end in ends), None)
    return next(
        (
            end
            for start, end in _in_its_place(comparison, was, effect, ends)
            if not _does_it(comparison, was, effect, now, start)
        ),
        None,
    )


def _as_told(effect: Effect, end: Effect) -> tuple[Effect, Effect]:
    """A call whose body nobody shows as what it most likely did, and that as it is done later.

    What a table knows of the call stays what is lost.
    """
    if effect.known is not None:
        return effect, replace(end, key=effect.key, kind=effect.kind, known=effect.known)
    step = effect.chain[-1]
    said = replace(step, note=f"{step.note}, whose body no hunk shows")
    done = replace(
        effect,
        key=end.key,
        kind=end.kind,
        known=end.known,
        guarantee=end.known.task if end.known is not None else effect.guarantee,
        chain=(*effect.chain[:-1], said),
        put="",
    )
    return done, end


def _unknown_starts(comparison: Comparison, was: Function, now: Function) -> list[Deferral]:
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


def _started_before(comparison: Comparison, was: Function, effect: Effect, edge: Deferral) -> bool:
    """Whether a line above an effect did the same start: it was only written otherwise."""
    above = effect.site.conditions if effect.site is not None else ()
    return any(
        call.callee == edge.call.callee
        and call.args == edge.call.args
        and call.conditions == above[: len(call.conditions)]
        and comparison.lines.forward(was.path, call.line) is None
        for call in was.calls
    )


def _started_below(side: Graph, helper: Function) -> list[Deferral]:
    """What a helper of one side starts, by itself or in what it hands its own arguments on to."""
    known = side.started_below.get(key_of(helper))
    if known is not None:
        return known
    found: list[Deferral] = []
    level, seen = [helper], {key_of(helper)}
    for _ in range(_DEEPEST):
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


def _by_name_alone(edge: Deferral) -> bool:
    """Whether all that tells of a deferral is the name of a helper that nobody shows."""
    return edge.mechanism == edge.call.callee and edge.context == "unknown"


def _named_after(kernel: KernelFacts, effect: Effect, helper: str) -> bool:
    """Whether a helper is named for doing this very thing later.

    ``put_lamp_async`` is for ``put_lamp``, ``lamp_put_later`` for ``iput``,
    ``blk_queue_flag_set`` for nothing: what it has beyond the words that both begin with,
    and beyond those that say later, must say what is done.  That errs towards missing one.
    """
    mine, other = effect.name.split("_"), helper.split("_")
    while mine and other and mine[0] == other[0] and len(mine) > 1:
        mine, other = mine[1:], other[1:]
    return any(
        len(word) >= _TELLING
        and not kernel.later.search(word)
        and (word in "_".join(mine) or any(len(m) >= _TELLING and m in word for m in mine))
        for word in other
    ) or helper.startswith(effect.name)


def _share_object(effect: Effect, start: Call) -> bool:
    """Whether a deferral works on a variable that the statement worked on."""
    return not variables(effect.args).isdisjoint(variables(start.args))


def _behind(effect: Effect, edge: Deferral) -> Effect:
    """The effect as the edge is taken to do it: nobody shows the callback."""
    runs = f"{edge.callback}()" if edge.callback else "code that the patch does not show"
    return replace(
        effect,
        guarantee=edge.guarantee,
        guard=(),
        root=edge.call,
        site=None,
        where=edge.function,
        line=edge.line,
        chain=(edge.step(runs),),
        edge=edge,
        last=edge,
        guessed=True,
    )
