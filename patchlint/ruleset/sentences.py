"""The words of a finding: its headline, why somebody minds, and what the verdict rests on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.model.effect import (
    ADDED,
    CALLED_BY,
    LIMITED,
    MEMORY_ONLY,
    ON_FAILURE,
    OPTION,
    STRUCTURAL,
)
from patchlint.ruleset import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchlint.model.effect import Act, Downgrade, Ground, Promise
    from patchlint.model.finding import Level
    from patchlint.model.kernel import Cleanup, KernelFacts, Rule

#: shapes whose own rule speaks before that of the family
OWN_RULE: Final = frozenset({"twin", "lost-wait", "task-work-to-workqueue"})
#: shapes of which it is true whatever moved what shows that it is late
_SHOWS: Final = frozenset({"lost-wait", "rcu-release", "task-work-to-workqueue"})
#: in the place of a function's name where no hunk names it
NAMELESS: Final = "(unnamed)"

#: what runs a callback that is no interrupt's
_RUNNERS: Final = {
    "user-worker": "a user worker",
    "kthread": "a kernel thread",
    "workqueue": "a work item",
    "rcu-callback": "an RCU callback",
}
_WHERE: Final = {
    **{context: f"in {who}" for context, who in _RUNNERS.items()},
    "task": "in the calling task",
    "softirq": "in softirq context",
    "hardirq": "in hardirq context",
    "unknown": "in the caller",
}
#: of the path after, where it is not known who runs it
_NOWHERE: Final = "in a context that is not known"
#: what a work item alone can be asked for, and how that is said of other callbacks
_WORK: Final = re.compile(
    r"\b(?:flush(?:ing)? the work\b(?: item)?|(the|a) (?:work item|worker)\b)"
)
_TO: Final = {
    **_RUNNERS,
    "task": "another place of the task",
    "softirq": "softirq context",
    "hardirq": "hard interrupt context",
    "unknown": "a context that is not known",
}
_BY: Final = {
    **{context: f"by {who}" for context, who in _RUNNERS.items()},
    "task": "later in the task",
    "softirq": "in softirq context",
    "hardirq": "in hard interrupt context",
    "unknown": "later",
}
_LOST: Final = {
    "before-call-returns": "no longer done when the call returns",
    "before-return-to-user": "no longer done before return to user space",
    "after-wait": "the same path no longer waits for it",
    "after-grace-period": "no longer done when the grace period ends",
    "eventually": "now done later still",
}
#: contexts of an old path that no task waited for
_NO_TASK: Final = frozenset({"kthread", "workqueue", "rcu-callback", "softirq", "hardirq"})
#: a longer condition is told beside the message
_LONGEST_CONDITION: Final = 32
#: how a rule calls the release in whose place a twin stands
_DIRECT: Final = "the direct call"
#: how a rule calls a wait that is gone, and what that was for
_WAIT: Final = "the wait"
_AWAITED: Final = "what it was for"
#: before what else may be done
_OR: Final = ", or "
#: what who comes next meets of a number that is given back too late
_TAKEN: Final = (
    "whoever asks for that number, or for a free one, right after {call} may find it taken"
)
#: what helps where the task itself does it late
_AT_RETURN: Final = (
    "end within the call what others wait for there, and leave the put alone to the return"
)
#: what helps where a wait may be over too early
_ASK_HOW: Final = "where the wait has ended too early, tell the caller by an error, or wait again"
_WAIT_AGAIN: Final = "where the wait has ended too early, wait again, or stop what still runs"
#: what helps where only memory needed the grace period
_AS_BEFORE: Final = "do it in the call, as before, and leave to {} only what needs the grace period"
#: how an advice begins that is to wait for a callback
_WAITS: Final = "wait for {} "
#: how an advice begins that is for who waited for a grace period, or lets one run now
_GRACE_PERIOD: Final = "if a grace period"


def message(kernel: KernelFacts, downgrade: Downgrade) -> str:
    """One sentence, short enough to stand with its place and rule on two lines of a terminal."""
    after, function = downgrade.after, _from(downgrade)
    if downgrade.shape == "lost-wait" and after.callback is None:
        end = f" after {downgrade.limit}" if downgrade.limit else ""
        gives_up = "may give up" if LIMITED in downgrade.reasons else "goes on without"
        waits = f"{function} {gives_up} {downgrade.what.said}"
        return f"{waits}{end if LIMITED in downgrade.reasons else ''}{_when(downgrade.condition)}"
    if downgrade.shape == "lost-wait":
        what = what_of(kernel, downgrade)
        told = _tells(kernel, downgrade)
        does = f"does {what}" if told else "runs"
        gives_up = f"may give up waiting{f' after {downgrade.limit}' * bool(downgrade.limit)}"
        stops = gives_up if LIMITED in downgrade.reasons else "no longer waits"
        when = _when(downgrade.condition)
        which = f", which {does} {_where(after)}"
        waits = f"{function} {stops}{when} for {_awaited(downgrade)}{which}"
        return f"{waits}: {ADDED.said}" if _is_added(downgrade) else waits
    if downgrade.shape == "weaker":
        back = ", but at the return to user space" if after.context == "task" else ""
        return (
            f"{after.mechanism}() takes the place of {what_of(kernel, downgrade)} in {function}:"
            f" {_lost(downgrade)}{back}"
        )
    if _takes_place(kernel, downgrade):
        place = f"{after.mechanism}() takes the place of {what_of(kernel, downgrade)} in {function}"
        return f"{place}{_when(downgrade.condition)}: {_lost(downgrade)}"
    if _on_failure(downgrade):
        named, many = _named(kernel, downgrade)
        return (
            f"{function}: on failure, {named} {'are' if many else 'is'} done {_BY[after.context]}"
        )
    return f"{_moved(kernel, downgrade)}{_when(downgrade.condition)}: {_lost(downgrade)}"


def _takes_place(kernel: KernelFacts, downgrade: Downgrade) -> bool:
    """Whether all there is to tell is that a twin stands where the direct call stood.

    What that call does may be to wait for something that others do: that does not move.
    """
    twin = kernel.twins.get(downgrade.after.mechanism or "")
    return (
        twin is not None
        and downgrade.what.kind == "call"
        and downgrade.what.name == twin.direct
        and not (downgrade.also or downgrade.body or _on_failure(downgrade))
        and not _is_added(downgrade)
    )


def _awaited(downgrade: Downgrade) -> str:
    """The callback that was waited for, which need not be the one that does it now."""
    return f"{downgrade.awaited or downgrade.after.callback}()"


def _tells(kernel: KernelFacts, downgrade: Downgrade) -> bool:
    """Whether what a callback does says more than that it runs.

    A body that no hunk shows, a call through a member, the callback itself and work of any kind
    do not.
    """
    what, name = downgrade.what, downgrade.what.name
    if what.kind in ("rest", "member") or name in (downgrade.after.callback, downgrade.awaited):
        return False
    return what.kind != "call" or name in kernel.cleanups or kernel.named_end(name)


def _is_added(downgrade: Downgrade) -> bool:
    return ADDED in downgrade.reasons


def _on_failure(downgrade: Downgrade) -> bool:
    """Whether all that is late is so only where something failed."""
    reasons = downgrade.reasons
    return (
        downgrade.level_cap == "note"
        and ON_FAILURE in reasons
        # one of several losses is turned down by itself: then not all is late on failure alone
        and not any(one.slights for one in reasons)
    )


def _to(downgrade: Downgrade) -> str:
    """Where it went; a function that nothing starts runs when the last reference is put."""
    before, after = downgrade.before, downgrade.after
    if after.context == "unknown" and after.mechanism:
        return f"what {after.mechanism}() runs later"
    if after.context == "unknown" and after.callback:
        return f"{after.callback}() at the last put"
    if after.context == before.context and before.context in ("workqueue", "kthread"):
        return _TO[after.context].replace("a ", "another ", 1)
    return _TO[after.context]


def _lost(downgrade: Downgrade) -> str:
    """What is lost; of what nobody relied on, and of a path that no task ran, there is less."""
    before = downgrade.before
    if _is_added(downgrade):
        return ADDED.said
    if MEMORY_ONLY in downgrade.reasons and downgrade.family == "memory":
        return MEMORY_ONLY.said
    if before.context in _NO_TASK:
        return f"done later; it seems to have run {_WHERE[before.context]} before"
    return _LOST[before.guarantee]


def _named(kernel: KernelFacts, downgrade: Downgrade) -> tuple[str, bool]:
    """``fput() and 2 others``, and whether that is more than one."""
    what = what_of(kernel, downgrade)
    also = [name for name in downgrade.also if name != downgrade.cleanup]
    one = _other(kernel, also[0]) if also else ""
    other = one if len(also) == 1 else f"{len(also)} others"
    return (f"{what} and {other}", True) if also else (what, False)


def _other(kernel: KernelFacts, name: str) -> str:
    """What moved as well: a call, a counter that is lowered, or a store."""
    row = kernel.cleanups.get(name)
    if row is not None and row.kind == "share":
        return f"the lowering of {row.told}"
    if name.endswith("()"):
        return name
    if name.startswith("->"):
        return f"the store {name}"
    return f"{name}()" if name.isidentifier() else name


def _moved(kernel: KernelFacts, downgrade: Downgrade) -> str:
    """``fput() moves from lamp_close() to a work item``, or what is done there now."""
    function, after = _from(downgrade), downgrade.after
    to = _to(downgrade)
    named, many = _named(kernel, downgrade)
    what = downgrade.what
    if downgrade.family == STRUCTURAL and what.kind == "store" and not many:
        return f"->{what.name} is set to {what.value} {_BY[after.context]} instead of {function}"
    if downgrade.body and downgrade.family == STRUCTURAL:
        if what.kind == "rest" and what.name == downgrade.function:
            return f"{function} is done {_BY[after.context]} now"
        # what stands for it now may be new, and has no such body
        return f"the body of {function.rstrip(',')}, with {named}, moves to {to}"
    if downgrade.carrier and many and not what.put:
        # one call of it is what moved
        return f"{downgrade.carrier}(), with {named}, moves from {function} to {to}"
    move = "move" if many else "moves"
    lends = released(kernel, downgrade)
    if what.runs(downgrade.function):
        moves = f"{named} {move}"
    elif lends is not None and lends.name == downgrade.function != downgrade.cleanup:
        # what is known to be released there says more than a call that no table knows
        moves = f"part of {function}, with {named}, moves"
    else:
        moves = f"{named} {move} from {function}"
    return f"{moves} to {to}"


def _when(condition: str | None) -> str:
    if not condition:
        return ""
    if option := re.fullmatch(OPTION, condition):
        return f" {'without' if option[1] else 'with'} {option[2]}"
    if condition.startswith(CALLED_BY):
        return f" when {condition}"
    return f" when `{condition}`" if len(condition) <= _LONGEST_CONDITION else " on one branch"


def what_of(kernel: KernelFacts, downgrade: Downgrade) -> str:
    """What moved, as one calls it; a callback of the last put is called by the put."""
    what = downgrade.what
    if what.put:
        return f"the {what.put}() that may run {what.name}()"
    return _lost_thing(kernel, what)


def _lost_thing(kernel: KernelFacts, what: Act) -> str:
    if what.kind == "share":
        return replace(what, name=kernel.cleanups[what.name].told).said
    return f"the rest of {what.name}()" if what.kind == "rest" else what.said


def _function(name: str) -> str:
    return "a function that no hunk names" if name == NAMELESS else f"{name}()"


def _from(downgrade: Downgrade) -> str:
    """The function that did it before, and which one stands for it now where that is another."""
    now, was = _function(downgrade.function), downgrade.predecessor
    return f"{was}(), for which {now} stands now," if was else now


def released(kernel: KernelFacts, downgrade: Downgrade) -> Cleanup | None:
    """The row that says what was released: that of the call, else of the function that lost it."""
    known = kernel.cleanups.get(downgrade.cleanup)
    if known is not None or downgrade.family == STRUCTURAL:
        return known
    rows = [row for row in kernel.rows_of(downgrade.function) if row.family == downgrade.family]
    # in the kernel that the mail is made for it was done in the call
    return min(rows, key=lambda row: row.kind == "async", default=None)


def symptoms(kernel: KernelFacts, rule: Rule, downgrade: Downgrade) -> tuple[str, ...]:
    """What shows that it is late: by the release, else by the rule, where it is a release."""
    known = released(kernel, downgrade)
    if known is not None:
        given = tuple(said for constant, said in known.symptoms_with if constant in downgrade.args)
        told = given or known.symptoms
    else:
        # of a call that no table knows nobody knows what its delay shows as; a rule that is for a
        # form of the move may know what that shows as, whatever it is
        told = rule.symptoms if rule.shape in _SHOWS else ()
    if downgrade.shape == "rcu-release" and downgrade.traits.before_wait:
        # what stood behind the wait is none of it
        told = () if known is None else told
    if downgrade.shape == "lost-wait" and known is None and not _runs_into(downgrade):
        # who ends what it works on, or its module, may wait for it as well
        told = ()
    if downgrade.what.kind == "wait" and not downgrade.runs_on:
        # nothing is known to run on
        told = ()
    itself = _itself(downgrade)
    if downgrade.traits.internal:
        told = tuple(one for one in told if not any(n in one for n in kernel.unseen_there))
    if downgrade.refused:
        told = (f"{downgrade.refused} until the callback has run", *told)
    texts = (events.filled(kernel, one, downgrade.entry_points, itself) for one in told)
    return tuple(fitted(one, downgrade.after) for one in texts if one)


def _runs_into(downgrade: Downgrade) -> bool:
    """Whether what is not waited for any more meets what is freed in the same call."""
    traits = downgrade.traits
    return traits.frees and not (traits.holds or downgrade.own)


def advice(kernel: KernelFacts, rule: Rule, downgrade: Downgrade) -> tuple[str, ...]:
    """What fits the form of the move and the release, else what the mechanism allows."""
    known, after, traits = released(kernel, downgrade), downgrade.after, downgrade.traits
    form = _form(kernel, rule, downgrade)
    # what a callback stops is the module's, and wants it there
    idle = downgrade.family not in kernel.while_idle or not traits.stops
    told = (*form, *(known.advice if known is not None and idle else ()))
    if LIMITED in downgrade.reasons:
        told = (_WAIT_AGAIN if traits.silent else _ASK_HOW,)
    elif downgrade.shape == "weaker" and after.context == "task":
        told = (*form, _AT_RETURN)
    elif downgrade.shape == "rcu-release" and traits.before_wait:
        told = (_AS_BEFORE.format(_runs(after)),)
    elif (
        rule.level != "note"
        and (known is None or known.visible)
        and (not told or (known is None and downgrade.family == STRUCTURAL))
    ):
        by_mechanism = _by_mechanism(kernel, downgrade)
        told = (*told, *([by_mechanism] if by_mechanism else ()))
        told = told if (told and not downgrade.body) or not idle else (*told, *rule.advice)
    if not traits.grace:
        told = tuple(one for one in told if not one.startswith(_GRACE_PERIOD))
    entries, itself = downgrade.entry_points, _itself(downgrade)
    texts = (events.filled(kernel, one, entries, itself) for one in told)
    return tuple(dict.fromkeys(fitted(one, after) for one in texts if one))


def _form(kernel: KernelFacts, rule: Rule, downgrade: Downgrade) -> tuple[str, ...]:
    """What the rule says of the form of the move, with the names of this one."""
    if downgrade.body and rule.shape:
        return ()
    form = rule.advice if rule.shape else ()
    twin = kernel.twins.get(downgrade.after.mechanism or "")
    if twin is not None:
        # the call that was there may do more than the one that the tables hold beside the twin
        known_call = downgrade.what.kind == "call" and downgrade.cleanup in kernel.cleanups
        direct = downgrade.cleanup if known_call else twin.direct
        form = tuple(one.replace(_DIRECT, f"{direct}()") for one in form)
    if downgrade.shape == "lost-wait" and downgrade.waited:
        form = tuple(map(_of_wait(downgrade), form))
    if released(kernel, downgrade) is None and downgrade.family != STRUCTURAL:
        form = (*form, *rule.advice)
    return form


def _runs(after: Promise) -> str:
    return f"{after.callback}()" if after.callback else "it"


def _by_mechanism(kernel: KernelFacts, downgrade: Downgrade) -> str:
    """What the mechanism allows, "" where that would not help here."""
    after, traits = downgrade.after, downgrade.traits
    if after.last:
        # the first callback does no more than start the next one
        return ""
    instead = kernel.instead_of(after.mechanism, after.context)
    text = instead.asking if traits.asks else instead.advice
    if downgrade.own and instead.advice != instead.own:
        # nobody may wait for it by an item that it frees; and one that stood there before the
        # series has other users, whose release is not to leave it
        text = instead.own if traits.added else ""
    if text.startswith(_WAITS):
        if traits.locked or traits.each_processor or _in_each_task(kernel, downgrade):
            return ""
        if _puts_off_there(released(kernel, downgrade), after):
            what = what_of(kernel, downgrade)
            text = (
                f"keep {what} in the task: to wait for {{}} is not enough, it puts that off again"
            )
    return text.replace("{}", _runs(after))


def _in_each_task(kernel: KernelFacts, downgrade: Downgrade) -> bool:
    """Whether all that is known to come there is what each task comes to: it is not to wait."""
    found = [events.of(kernel, one) for one in downgrade.entry_points]
    return bool(found) and all(one is not None and one.often for one in found)


def _puts_off_there(known: Cleanup | None, after: Promise) -> bool:
    """Whether a release looks at its context, and puts itself off in that of the callback."""
    return (
        known is not None
        and known.kind in ("ctx", "wrap")
        and known.deferred == "eventually"
        and after.context in ("workqueue", "kthread")
    )


def _of_wait(downgrade: Downgrade) -> Callable[[str], str]:
    """What puts the wait of a finding, and what it was for, in the places of a text."""
    own = f"{downgrade.waited}()"
    known = downgrade.awaited or downgrade.after.callback

    def filled(text: str) -> str:
        told = text.replace(_WAIT, own, 1)
        # what is not known nobody can wait for in another way
        return told.replace(_AWAITED, f"{known}()", 1) if known else told.partition(_OR)[0]

    return filled


def why(kernel: KernelFacts, downgrade: Downgrade) -> str:
    """Who waits for it, and what they meet; nothing where nobody is known to."""
    after, known = downgrade.after, released(kernel, downgrade)
    if downgrade.in_vain:
        late = f"{what_of(kernel, downgrade)} puts itself off: that is done later still"
        return (
            f"{downgrade.in_vain}() holds the call until {after.callback}() is done, but "
            f"{_where(after)} {late}"
        )
    if downgrade.shape == "weaker" and after.context == "task":
        return (
            "the same task does it, on its way back to user space: who waits inside of the call,"
            " or is woken there, still meets what it releases"
        )
    if known is not None:
        said = events.filled(kernel, known.why, downgrade.entry_points, _itself(downgrade))
        return fitted(said, after)
    if downgrade.what.kind == "number":
        return events.filled(kernel, _TAKEN, downgrade.entry_points, _itself(downgrade))
    # that it is not done by then the headline says
    return ""


def _itself(downgrade: Downgrade) -> str:
    """The call that lost it, for who knows no better name of it."""
    return f"{downgrade.function}()" if downgrade.function.isidentifier() else "the call"


def _where(after: Promise) -> str:
    return _NOWHERE if after.context == "unknown" else _WHERE[after.context]


def fitted(text: str, after: Promise) -> str:
    """Return what is told of any callback without a work item where none is."""
    if after.context == "workqueue":
        return text
    runs = "kernel thread" if after.context == "kthread" else "callback"
    return _WORK.sub(lambda one: f"{one[1]} {runs}" if one[1] else f"wait for the {runs}", text)


def evidence(
    kernel: KernelFacts, rule: Rule, level: Level, known: Cleanup | None, downgrade: Downgrade
) -> tuple[str, ...]:
    """What the verdict rests on, its reasons first."""
    found = list(map(_plain, downgrade.reasons))
    if rule.held and level == rule.held:
        found.append(f"a {rule.held} at most: too few warnings of the rule were right so far")
    what = _lost_thing(kernel, downgrade.what)
    if known:
        found.append(_seen(kernel, known))
    elif downgrade.what.kind == "call":
        found.append(f"{what} is in no table: judged by its name and by the move of its call")
    else:
        does = f"was done by the end of {what}" if downgrade.what.kind == "wait" else f"{what} does"
        found.append(f"what {does} is not known: judged by where it stood")
    return tuple(found)


#: how contexts are told within a reason
_RUN_BY: Final = {**_RUNNERS, "softirq": "a softirq", "hardirq": "a hard interrupt"}


def _plain(ground: Ground) -> str:
    """What a level rests on, in a clause."""
    if ground.also_by is None:
        return ground.said
    who = _RUN_BY.get(ground.also_by, ground.also_by)
    return f"{who} comes to the old path as well: {ground.said}"


#: a line in a file, or some
_LINE: Final = re.compile(r":\d[\d-]*$")


def _seen(kernel: KernelFacts, known: Cleanup) -> str:
    """Where the tables have it from: a place, or a file and what is true there.

    A line is one of the kernel that the tables are held against first, whatever tree is checked.
    """
    file, seen = known.source.file, known.source.evidence
    where = seen if seen.startswith(file) else f"{file} ({seen})" if seen else file
    if kernel.held_against and _LINE.search(where):
        where += f" of Linux {kernel.held_against[0]}"
    what = f"that {known.told} is a limit" if known.kind == "share" else f"what {known.name}() does"
    return f"{what} is known from {where}"
