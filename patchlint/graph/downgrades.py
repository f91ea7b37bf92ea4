"""Two graphs in, downgrades out: which release is now done later than before, and where.

For each deferral edge of the after side that is new (or whose callback releases more than
it did) the functions above it are walked up; one of them, or the function whose body it
continues, did the same release inline before and does not any more, or only on some
branch.  That is a downgrade.  What the old context was, whether a wait gives the promise
back, and whether only memory is at stake decide how loud it may be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from patchlint.graph import branches, contexts, waits
from patchlint.graph.effects import STRUCTURAL, Effect, Effects
from patchlint.graph.follow import Lineage, Lines, trace
from patchlint.graph.objects import same
from patchlint.model.context import weaker
from patchlint.model.effect import Downgrade, EntryChain, Promise, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from patchlint.graph.build import Deferral, Graph
    from patchlint.graph.reach import Ways
    from patchlint.model.context import Context
    from patchlint.model.facts import Call, Condition, Function
    from patchlint.model.kernel import Cleanup, KernelFacts, Twin

_CLIMB: Final = 3
#: lines between a removed release and what stands for it
_NEAR: Final = 12
_WORDS: Final = re.compile(r"[a-z0-9]+")


@dataclass(slots=True)
class Comparison:
    """Both sides of a series, ready to be compared.

    ``message`` is the text of the patches' commit messages, evidence for contexts.
    """

    before: Graph
    after: Graph
    lines: Lines
    message: str = ""
    #: subject of each patch, and the files that it touches
    titles: tuple[tuple[str, frozenset[str]], ...] = ()
    #: the ways to a function in a whole tree, None without one
    ways: Callable[[str, str], Ways] | None = None
    limitations: list[str] = field(default_factory=list)
    #: cleanups that a whole tree adds to the tables
    derived: dict[str, Cleanup] = field(default_factory=dict)
    lineage: Lineage = field(init=False)
    old: Effects = field(init=False)
    new: Effects = field(init=False)

    def __post_init__(self) -> None:
        self.lineage = trace(self.before, self.after, self.lines)
        self.learn({})

    def learn(self, derived: dict[str, Cleanup]) -> None:
        """Take cleanups that the tree knows and the tables do not."""
        self.derived = derived
        self.old = Effects(self.before, derived)
        self.new = Effects(self.after, derived)

    @property
    def kernel(self) -> KernelFacts:
        """The tables."""
        return self.after.kernel


@dataclass(frozen=True, slots=True)
class _Loss:
    """``now`` continues ``was``, which did the releases ``effects`` inline."""

    was: Function
    now: Function
    effects: tuple[Effect, ...]
    condition: Condition | None
    through: tuple[tuple[Function, Call], ...]


def find(comparison: Comparison) -> tuple[Downgrade, ...]:
    """All downgrades, at most one for each function and callback, the most telling first."""
    found = [
        *_by_deferral(comparison),
        *_by_twin(comparison),
        *_by_lost_wait(comparison),
    ]
    return tuple(_once(found))


def _once(found: Iterable[Downgrade]) -> list[Downgrade]:
    best: dict[tuple[str, str, str | None], Downgrade] = {}
    for downgrade in found:
        key = (downgrade.path, downgrade.function, downgrade.after.callback)
        present = best.get(key)
        if present is None or downgrade.weight > present.weight:
            best[key] = downgrade
    return sorted(best.values(), key=lambda d: (-d.weight, d.path, d.line))


# -- a new deferral ---------------------------------------------------------------------


def _by_deferral(comparison: Comparison) -> list[Downgrade]:
    found = []
    done: set[tuple[str, str, str | None]] = set()
    for deferral in comparison.after.deferrals:
        if deferral.keeps or deferral.waits or _old_list(comparison, deferral):
            continue
        gained = _gained(comparison, deferral)
        if not gained:
            continue
        loss = _loss(comparison, deferral, gained)
        if loss is None:
            continue
        key = (loss.now.path, loss.now.name, deferral.callback)
        if key in done:
            continue
        downgrade = _judge(comparison, deferral, loss, gained)
        if downgrade is not None:
            done.add(key)
            found.append(downgrade)
    return found


def _old_list(comparison: Comparison, deferral: Deferral) -> bool:
    """Whether a hand-off goes to a list that was drained by that callback before."""
    if not deferral.handoff or deferral.target is None:
        return False
    return any(
        other.handoff and other.target is not None and same(other.target, deferral.target)
        for other in comparison.before.deferrals
    )


def _gained(comparison: Comparison, deferral: Deferral) -> list[Effect]:
    """Releases behind ``deferral`` that were not behind it before."""
    behind = comparison.new.behind(deferral)
    if not behind:
        return []
    if comparison.lines.added(deferral.function.path, deferral.line) and not _only_moved(
            comparison, deferral):
        return behind
    old = {
        effect.cleanup
        for other in comparison.before.deferrals
        if other.callback == deferral.callback or _continues(comparison, deferral, other)
        for effect in comparison.old.behind(other)
    }
    return [effect for effect in behind if effect.cleanup not in old]


def _only_moved(comparison: Comparison, deferral: Deferral) -> bool:
    """Whether the same function queued the same callback before (line reshaped, renamed)."""
    ancestors = comparison.lineage.of(deferral.function)
    return any(
        other.function in ancestors
        and (other.callback == deferral.callback or _continues(comparison, deferral, other))
        for other in comparison.before.deferrals
    )


def _continues(comparison: Comparison, deferral: Deferral, other: Deferral) -> bool:
    """Whether the callback now is the body of the callback then, under a new name."""
    callback = comparison.after.find(deferral.callback, deferral.function.path)
    if callback is None or other.callback is None:
        return False
    return any(f.name == other.callback for f in comparison.lineage.of(callback))


def climb(
    comparison: Comparison, deferral: Deferral
) -> list[tuple[Function, tuple[tuple[Function, Call], ...]]]:
    """Give ``deferral``'s function and what calls it, nearest first, with the calls between."""
    graph = comparison.after
    start = deferral.function
    levels = [(start, ())]
    seen = {(start.path, start.name)}
    result: list[tuple[Function, tuple[tuple[Function, Call], ...]]] = []
    wanted: dict[tuple[str, str], Sequence[Condition]] = {
        (start.path, start.name): deferral.conditions}
    for _ in range(_CLIMB):
        result.extend(levels)
        above: list[tuple[Function, tuple[tuple[Function, Call], ...]]] = []
        for function, through in levels:
            for caller, call in graph.callers_of(function):
                key = (caller.path, caller.name)
                conditions = wanted.get((function.path, function.name), ())
                if key in seen or branches.impossible(function, call, conditions):
                    continue
                seen.add(key)
                wanted[key] = call.conditions
                above.append((caller, (*through, (caller, call))))
        levels = above  # type: ignore[assignment]
    return result


def _loss(comparison: Comparison, deferral: Deferral, gained: Sequence[Effect]) -> _Loss | None:
    names = {effect.cleanup for effect in gained}
    for now, through in climb(comparison, deferral):
        if now.name == deferral.callback:
            continue
        for was in comparison.lineage.of(now):
            lost, condition = _lost(comparison, was, now, names, deferral)
            way = through[-1][1].line if through else deferral.line
            lost = [e for e in lost if _in_place(comparison, was, now, e, way)]
            if lost:
                return _Loss(was, now, tuple(lost), condition, through)
    return None


def _lost(
    comparison: Comparison, was: Function, now: Function, names: set[str],
    deferral: Deferral,
) -> tuple[list[Effect], Condition | None]:
    """Inline releases of ``was`` named in ``names`` that ``now`` does not do any more.

    A release that stays under a condition which the series added is lost as well; the
    condition is then that of the inline way.
    """
    lines = comparison.lines
    old = [e for e in comparison.old.inline(was) if e.cleanup in names]
    new = [e for e in comparison.new.inline(now) if e.cleanup in names]
    lost: list[Effect] = []
    narrowed: Condition | None = None
    for name in dict.fromkeys(e.cleanup for e in old):
        sites = [e for e in old if e.cleanup == name]
        left = [e for e in new if e.cleanup == name]
        free = [e for e in left if not _narrowed(comparison, was, now, e, deferral)]
        stayed = {lines.forward(was.path, e.root.line) for e in sites}
        kept = [e for e in free if e.root.line in stayed]
        again = [e for e in free if e.root.line not in stayed
                 and lines.added(now.path, e.root.line)]
        if len(kept) + len(again) >= len(sites):
            continue
        lost.extend(sites)
        for effect in left:
            conditions = branches.fresh(effect.root, now.path, lines, was) or branches.fresh(
                effect.site, effect.where.path, lines, was)
            if conditions:
                narrowed = conditions[-1]
    return lost, narrowed


def _narrowed(
    comparison: Comparison, was: Function, now: Function, effect: Effect, deferral: Deferral
) -> bool:
    """Whether the inline release ``effect`` is not done on the way of ``deferral``."""
    lines = comparison.lines
    if branches.fresh(effect.root, now.path, lines, was) or branches.fresh(
            effect.site, effect.where.path, lines, was):
        return True
    calls = (effect.root, effect.site, *effect.between)
    return any(
        call in deferral.function.calls
        and branches.skips(deferral.function, deferral.call, call)
        for call in calls
    )


def _in_place(
    comparison: Comparison, was: Function, now: Function, effect: Effect, way: int
) -> bool:
    """Whether the deferral on ``now``'s line ``way`` can stand for the release ``effect``.

    A release whose line moved away with its body can.  One that was removed, or that got a
    condition, must have stood near: a rewrite of a whole file moves much that has nothing
    to do with each other.  A function that is only known by its name must be called by
    ``was`` itself.
    """
    lines = comparison.lines
    if effect.family == STRUCTURAL and effect.root != effect.site:
        return False
    target = lines.forward(was.path, effect.root.line)
    if target is not None:
        return not now.line <= target <= now.end or abs(target - way) <= _NEAR
    first, last = lines.place(was.path, effect.root.line)
    return first - _NEAR <= way <= last + _NEAR


# -- how loud ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Volume:
    """Starts loud; each doubt turns it down and leaves its reason."""

    level: str = "warning"
    reasons: list[str] = field(default_factory=list)

    def down(self, reason: str) -> None:
        self.level = "note"
        self.reasons.append(reason)


def _judge(
    comparison: Comparison, deferral: Deferral, loss: _Loss, gained: Sequence[Effect]
) -> Downgrade | None:
    kernel = comparison.kernel
    order = {e.cleanup: place for place, e in enumerate(gained)}
    lost = sorted({e.cleanup: e for e in loss.effects}.values(),
                  key=lambda e: (-_weight(e), order.get(e.cleanup, 0)))
    main = lost[0]
    late = next(e for e in gained if e.cleanup == main.cleanup)
    if main.asynchronous:
        return None
    if not weaker(late.guarantee, main.guarantee):
        return None
    if _kept_by_task_work(comparison, loss.now, deferral, main):
        return None
    old = _old_context(comparison, loss.was)
    if old is None:
        return None
    volume = _Volume()
    if main.memory or not main.visible:
        volume.down("only memory is freed later")
    if old.doubt:
        volume.down(old.doubt)
    if branches.on_error_path(kernel, deferral.call):
        volume.down("deferred on an error path only")
    if main.family == STRUCTURAL and late.deferral is not None and (
            late.deferral.context == "rcu-callback"):
        volume.down(f"{main.cleanup}() is in no table and cannot sleep in an RCU callback")
    wait = waits.restoring(comparison.after, deferral, list(loss.through))
    if wait is not None:
        if not main.context_bound:
            return None
        volume.reasons.append(
            f"{wait.callee}() waits for {deferral.callback}(), but {main.cleanup}() defers "
            "itself again in there")
    condition = _condition(comparison, deferral, loss)
    entries = old.entries or _entries(comparison, loss)
    if entries and old.certain and volume.level == "warning":
        volume.level = "error"
    return Downgrade(
        shape=_shape(comparison, deferral, loss),
        cleanup=main.cleanup,
        family=main.family,
        also=tuple(e.cleanup for e in lost[1:] if not e.memory and not e.asynchronous),
        function=loss.now.name,
        path=deferral.function.path,
        line=deferral.line,
        side="post",
        patch=0,
        before=Promise("task" if entries else old.shown, main.guarantee,
                       _before_chain(comparison, loss, main)),
        after=Promise(deferral.context, late.guarantee,
                      _after_chain(comparison, deferral, loss, late),
                      _mechanism(comparison, deferral), deferral.callback),
        condition=branches.plain(condition) if condition else None,
        level_cap=volume.level,
        confidence=_confidence(main, task=old.task or bool(entries), level=volume.level),
        reasons=(*volume.reasons, *old.reasons),
        entry_points=entries,
        weight=_weight(main) + (100 if volume.level != "note" else 0),
        lost=tuple(sorted({e.root.line for e in loss.effects})),
    )


def _condition(
    comparison: Comparison, deferral: Deferral, loss: _Loss
) -> Condition | None:
    """The branch on which the release is deferred, None when on all.

    A condition above the deferral that the lost release did not have.  One that stood
    there before tells only where the whole function is known: in a part of it the old
    release may have had it as well.
    """
    kernel = comparison.kernel
    had = {(c.text, c.taken) for e in loss.effects for c in e.root.conditions}
    above = [(call.conditions, caller) for caller, call in reversed(loss.through)]
    found = [
        condition
        for conditions, function in (*above, (deferral.conditions, deferral.function))
        for condition in conditions
        if (condition.text, condition.taken) not in had and (
            comparison.lines.added(function.path, condition.line)
            or (function.complete and loss.was.complete))
    ]
    fresh = [c for c in found if (c.text, c.taken) not in {
        (known.text, known.taken) for call in loss.was.calls for known in call.conditions
        if not loss.was.complete}]
    told = branches.telling(kernel, fresh)
    if told is None and loss.condition is not None and not branches.is_error(
            kernel, loss.condition):
        return replace(loss.condition, taken=not loss.condition.taken)
    return told


@dataclass(frozen=True, slots=True)
class _Old:
    """What is known of the context in which the release ran before.

    ``doubt`` says why it was no task, or not only, and turns a finding down; ``certain``
    is set when a chain to an entry point was shown that rests on no guess.
    """

    shown: Context
    task: bool
    doubt: str
    entries: tuple[EntryChain, ...]
    certain: bool
    reasons: tuple[str, ...]


def _old_context(comparison: Comparison, was: Function) -> _Old | None:
    """The old context of ``was``; None when it certainly was no task."""
    titles = [title for title, paths in comparison.titles if was.path in paths]
    verdict = contexts.of(comparison.before, was, comparison.message, titles)
    if verdict.deferred == "certain":
        return None
    found = _in_tree(comparison, was)
    if found is not None and found.ways:
        return _from_tree(found)
    doubt = ""
    if verdict.deferred == "likely":
        doubt = f"the old path was not a task: {verdict.reasons[0].why}"
    elif verdict.mixed:
        why = next(r.why for r in verdict.reasons if r.context != "task")
        doubt = f"the old path was partly deferred: {why}"
    shown: Context = "unknown"
    if verdict.task:
        shown = "task"
    elif len(verdict.contexts) == 1:
        shown = next(iter(verdict.contexts))
    reasons = tuple(r.why for r in verdict.reasons if r.context == "task")[:1]
    return _Old(shown, verdict.task, doubt, (), certain=True, reasons=reasons)


def _in_tree(comparison: Comparison, was: Function) -> Ways | None:
    if comparison.ways is None:
        return None
    found = comparison.ways(was.name, was.path)
    if not found.known:
        comparison.limitations.append(
            f"{was.name}() is not in the tree: its callers are those that the mail shows")
    elif found.cut:
        comparison.limitations.append(
            f"{was.name}(): too many callers to follow all of them; the entry points are "
            "a part of those that reach it")
    if found.hubs:
        comparison.limitations.append(
            f"{was.name}(): not followed above {', '.join(f'{h}()' for h in found.hubs[:6])}: "
            "too many callers")
    return found


def _from_tree(found: Ways) -> _Old | None:
    """The verdict of a whole tree: all deferred is dropped, mixed is said.

    A member that a task calls among others (an I/O completion) shows no task; one behind
    which user space waits does.
    """
    elsewhere = {(way.name, way.why) for way in found.ways if way.context != "task"}
    tasks = [way for way in found.ways if way.context == "task"
             and (way.reaches_user or (way.name, way.why) not in elsewhere)]
    others = [way for way in found.ways if way.context != "task"]
    if not tasks:
        if not found.cut and not found.hubs and all(way.strength == "certain" for way in others):
            return None
        return _Old(others[0].context, task=False, entries=(), certain=False, reasons=(),
                    doubt=f"no task is seen to reach the old path: {others[0].why}")
    certain = any(way.strength == "certain" and way.reaches_user for way in tasks)
    reasons = [f"reached by a task: {tasks[0].why}"]
    if others:
        reasons.append(f"mixed: also reached from {others[0].context} ({others[0].why})")
    return _Old("task", task=True, doubt="", entries=found.entry_points, certain=certain,
                reasons=tuple(reasons))


def _weight(effect: Effect) -> int:
    if effect.memory:
        return 0
    if effect.asynchronous:
        return 1
    if effect.known is None:
        return 10
    if not effect.visible:
        return 5
    return {"ctx": 40, "wrap": 30}.get(effect.known.kind, 20)


def _mechanism(comparison: Comparison, deferral: Deferral) -> str:
    """What starts the callback; for a list that it drains, what queues the drain."""
    if not deferral.handoff:
        return deferral.mechanism
    started = [d.mechanism for d in comparison.after.deferrals
               if d.callback == deferral.callback and not d.handoff]
    bound = [b.registration.name for b in comparison.after.bindings
             if b.callback == deferral.callback]
    return (started or bound or [deferral.mechanism])[0]


def _confidence(main: Effect, *, task: bool, level: str) -> str:
    if level == "note" or main.family == STRUCTURAL:
        return "medium" if task and level != "note" else "low"
    return "high" if task else "medium"


def _shape(comparison: Comparison, deferral: Deferral, loss: _Loss) -> str:
    if any(e.deferral is not None and e.deferral.keeps for e in loss.effects):
        return "task-work-to-workqueue"
    if any(_waited_for_grace_period(comparison, loss.was, loss.now)):
        return "rcu-release"
    callback = comparison.after.find(deferral.callback, deferral.function.path)
    if callback is not None and loss.was in comparison.lineage.of(callback):
        return "moved-body"
    return "deferred"


def _waited_for_grace_period(
    comparison: Comparison, was: Function, now: Function
) -> list[bool]:
    kernel = comparison.kernel
    return [
        comparison.lines.forward(was.path, call.line) is None
        for call in was.calls
        if (wait := kernel.waits.get(call.callee)) is not None and wait.kind == "grace-period"
        and now is not None
    ]


def _kept_by_task_work(
    comparison: Comparison, now: Function, deferral: Deferral, main: Effect
) -> bool:
    """Whether task work does the release and the work item is only its fallback."""
    for function in {(f.path, f.name): f for f in (now, deferral.function)}.values():
        for other in comparison.after.deferrals_of(function):
            if other.keeps and (
                other.callback is None
                or other.callback == deferral.callback
                or any(e.cleanup == main.cleanup for e in comparison.new.behind(other))
            ):
                return True
    return False


# -- chains -----------------------------------------------------------------------------


def _before_chain(comparison: Comparison, loss: _Loss, main: Effect) -> tuple[Step, ...]:
    above = _callers_above(comparison.before, loss.was, ())
    return (*above, *main.chain)


def _after_chain(
    comparison: Comparison, deferral: Deferral, loss: _Loss, late: Effect
) -> tuple[Step, ...]:
    between = tuple(
        Step(caller.name, caller.path, call.line, f"calls {call.callee}()")
        for caller, call in reversed(loss.through)
    )
    conditions = deferral.conditions if not loss.through else loss.through[-1][1].conditions
    above = _callers_above(comparison.after, loss.now, tuple(conditions))
    return (*above, *between, *late.chain)


def _callers_above(
    graph: Graph, function: Function, conditions: tuple[Condition, ...]
) -> tuple[Step, ...]:
    """One chain of callers upwards, as far as the images show it, at most four."""
    steps: list[Step] = []
    seen = {function.name}
    current = function
    for _ in range(4):
        callers = [
            (caller, call) for caller, call in graph.callers_of(current)
            if caller.name not in seen and not branches.impossible(current, call, conditions)
        ]
        if not callers:
            break
        caller, call = callers[0]
        steps.insert(0, Step(caller.name, caller.path, call.line, f"calls {current.name}()"))
        seen.add(caller.name)
        conditions = call.conditions
        current = caller
    return tuple(steps)


def _entries(comparison: Comparison, loss: _Loss) -> tuple[EntryChain, ...]:
    """System calls that the images themselves show above the loss."""
    graph = comparison.after
    found: list[EntryChain] = []
    frontier: list[tuple[Function, tuple[str, ...]]] = [(loss.now, (loss.now.name,))]
    seen = {loss.now.name}
    while frontier:
        function, chain = frontier.pop(0)
        if function.entry is not None:
            found.append(EntryChain(function.name, function.entry, tuple(reversed(chain))))
            continue
        for caller, _call in graph.callers_of(function):
            if caller.name not in seen and len(chain) < 8:
                seen.add(caller.name)
                frontier.append((caller, (*chain, caller.name)))
    return tuple(found)


# -- twins ------------------------------------------------------------------------------


def _by_twin(comparison: Comparison) -> list[Downgrade]:
    found: dict[tuple[str, str], Downgrade] = {}
    for now in comparison.after.functions.values():
        for call in now.calls:
            twin = comparison.kernel.twins.get(call.callee)
            if twin is None or not comparison.lines.added(now.path, call.line):
                continue
            downgrade = _twin(comparison, now, call, twin)
            if downgrade is None:
                continue
            key = (twin.deferred, now.path)
            present = found.get(key)
            if present is None or downgrade.weight > present.weight:
                found[key] = downgrade if present is None else replace(
                    downgrade, also=tuple(dict.fromkeys((*present.also, present.function))))
            elif present.function != now.name:
                found[key] = replace(
                    present, reasons=tuple(dict.fromkeys(
                        (*present.reasons, f"also in {now.name}()"))))
    return list(found.values())


def _twin(
    comparison: Comparison, now: Function, call: Call, twin: Twin
) -> Downgrade | None:
    lines = comparison.lines
    for was in comparison.lineage.of(now):
        gone = [c for c in was.calls
                if c.callee == twin.direct and lines.forward(was.path, c.line) is None]
        kept = [c for c in now.calls
                if c.callee == twin.direct and lines.added(now.path, c.line)
                and not branches.fresh(c, now.path, lines, was)]
        if len(gone) <= len(kept):
            continue
        old = _old_context(comparison, was)
        if old is None:
            return None
        known = comparison.kernel.cleanups.get(twin.direct)
        volume = _Volume()
        if known is not None and (known.kind == "memory" or not known.visible):
            volume.down("only memory is freed later")
        if old.doubt:
            volume.down(old.doubt)
        if branches.on_error_path(comparison.kernel, call):
            volume.down("deferred on an error path only")
        condition = branches.telling(
            comparison.kernel, branches.fresh(call, now.path, lines, was))
        if old.entries and old.certain and volume.level == "warning":
            volume.level = "error"
        removed = gone[0]
        step = Step(was.name, was.path, removed.line, f"{twin.direct}()")
        then = Step(now.name, now.path, call.line, f"{twin.deferred}() defers it")
        return Downgrade(
            shape="twin", cleanup=twin.direct,
            family=known.family if known else STRUCTURAL, also=(),
            function=now.name, path=now.path, line=call.line, side="post", patch=0,
            before=Promise(old.shown, known.task if known else "before-call-returns",
                           (*_callers_above(comparison.before, was, ()), step)),
            after=Promise(twin.context, twin.guarantee,
                          (*_callers_above(comparison.after, now, ()), then,
                           Step(twin.runs_in, twin.source.file, 0, f"{twin.direct}()")),
                          twin.deferred, twin.runs_in),
            condition=branches.plain(condition) if condition else None,
            level_cap=volume.level,
            confidence="high" if old.task and volume.level != "note" else "medium",
            reasons=(*volume.reasons, *old.reasons),
            entry_points=old.entries,
            weight=25 + (100 if volume.level != "note" else 0),
            lost=tuple(c.line for c in gone),
        )
    return None


# -- a wait that went away ----------------------------------------------------------------


def _by_lost_wait(comparison: Comparison) -> list[Downgrade]:
    """A flush that a caller relied on is gone, and what it waited for is still deferred."""
    found = []
    for was in comparison.before.functions.values():
        for call in was.calls:
            wait = comparison.kernel.waits.get(call.callee)
            if (wait is None or not wait.restores or wait.kind in ("grace-period", "other")
                    or not _gone(comparison, was, call)):
                continue
            downgrade = _lost_wait(comparison, was, call)
            if downgrade is not None:
                found.append(downgrade)
    return found


def _gone(comparison: Comparison, was: Function, call: Call) -> bool:
    path = comparison.lines.renamed.get(was.path, was.path)
    if path not in comparison.lines.stayed:
        return False
    if comparison.lines.forward(was.path, call.line) is not None:
        return False
    return not any(
        other.callee in comparison.kernel.waits and comparison.lines.added(now.path, other.line)
        for now in comparison.after.functions.values() for other in now.calls
    )


def _lost_wait(comparison: Comparison, was: Function, call: Call) -> Downgrade | None:
    now = next((f for f in comparison.after.functions.values()
                if was in comparison.lineage.of(f)), None)
    if now is None:
        return None
    for deferral in comparison.before.deferrals:
        if deferral.keeps or not waits.wait_matches(comparison.before, deferral, was, call):
            continue
        late = {e.cleanup for d in comparison.after.deferrals
                if d.callback == deferral.callback for e in comparison.new.behind(d)}
        behind = [e for e in comparison.old.behind(deferral)
                  if e.cleanup in late and not e.memory and not e.asynchronous and e.visible]
        if not behind:
            continue
        old = _old_context(comparison, was)
        if old is None or old.doubt:
            continue
        main = max(behind, key=_weight)
        volume = _Volume()
        if main.family == STRUCTURAL:
            volume.down(f"{main.cleanup}() is in no table")
        step = Step(was.name, was.path, call.line, f"{call.callee}() waited for it")
        return Downgrade(
            shape="lost-wait", cleanup=main.cleanup, family=main.family, also=(),
            function=now.name, path=was.path, line=call.line, side="pre", patch=0,
            before=Promise(old.shown, "after-wait", (*main.chain, step)),
            after=Promise(deferral.context, deferral.guarantee, main.chain,
                          deferral.mechanism, deferral.callback),
            condition=None, level_cap=volume.level,
            confidence="medium" if volume.level != "note" else "low",
            reasons=(*volume.reasons, *old.reasons), entry_points=old.entries,
            weight=_weight(main) + 50, lost=(call.line,),
        )
    return None
