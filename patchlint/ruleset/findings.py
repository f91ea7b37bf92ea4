"""Downgrades in, findings out: which rule speaks, how loud, in which words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from msgspec.structs import replace

from patchlint.model.effect import STRUCTURAL
from patchlint.model.facts import UNNAMED
from patchlint.model.finding import LEVELS, Finding

if TYPE_CHECKING:
    from patchlint.model.effect import Downgrade, Promise, Step
    from patchlint.model.finding import Confidence, Level
    from patchlint.model.kernel import Cleanup, KernelFacts, Rule, Ruleset
    from patchlint.model.mail import Patch
    from patchlint.ruleset.quotes import Diffs

#: shapes whose own rule speaks before that of the family
_OWN_RULE: Final = frozenset({"twin", "lost-wait", "task-work-to-workqueue"})
#: in the place of a function's name where no hunk names it
NAMELESS: Final = "(unnamed)"

_WHERE: Final = {
    "task": "in the calling task",
    "user-worker": "in a user worker",
    "kthread": "in a kernel thread",
    "workqueue": "in a work item",
    "rcu-callback": "in an RCU callback",
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
_WHEN: Final = {
    "before-call-returns": "before the call returned",
    "before-return-to-user": "before the task returned to user space",
    "after-wait": "and the same path waited for it",
    "after-grace-period": "after a grace period",
    "eventually": "at some later time",
}
_TO: Final = {
    "task": "another place of the task",
    "user-worker": "a user worker",
    "kthread": "a kernel thread",
    "workqueue": "a work item",
    "rcu-callback": "an RCU callback",
    "softirq": "softirq context",
    "hardirq": "hard interrupt context",
    "unknown": "a context that is not known",
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


def choose(ruleset: Ruleset, downgrade: Downgrade) -> Rule | None:
    """The rule that speaks of ``downgrade``: the most specific, None if none does."""
    fitting = [rule for rule in ruleset.rules if _fits(rule, downgrade)]
    return max(fitting, key=lambda rule: _specific(rule, downgrade), default=None)


def _fits(rule: Rule, downgrade: Downgrade) -> bool:
    if rule.shape is not None and rule.shape != downgrade.shape:
        return False
    if rule.cleanups and downgrade.cleanup not in rule.cleanups:
        return False
    if rule.families and downgrade.family not in rule.families:
        return False
    return bool(rule.shape or rule.cleanups or rule.families)


def _specific(rule: Rule, downgrade: Downgrade) -> tuple[int, int, int, int]:
    own = rule.shape is not None and downgrade.shape in _OWN_RULE
    return (int(own), int(bool(rule.cleanups)), int(bool(rule.families)), rule.priority)


def finding(
    ruleset: Ruleset,
    downgrade: Downgrade,
    series: int,
    patch: Patch,
    diffs: Diffs,
    *,
    tree: bool = False,
) -> Finding | None:
    """The finding for one downgrade, None when no rule speaks of it.

    ``diffs`` are the files of ``patch``, made once for all of its findings.  ``tree``: the
    source is at hand, so that the record of findings from hunks alone does not hold it.
    """
    rule = choose(ruleset, downgrade)
    if rule is None:
        return None
    if tree:
        rule = replace(rule, held=None)
    known = ruleset.kernel.cleanups.get(downgrade.cleanup)
    level = _level(rule, downgrade)
    downgrade = _named(downgrade)
    return Finding(
        rule=rule.id,
        level=level,
        confidence=cast("Confidence", downgrade.confidence),
        series=series,
        patch=patch.number,
        message_id=patch.message_id,
        commit=patch.commit,
        path=downgrade.path,
        line=downgrade.line,
        side="pre" if downgrade.side == "pre" else "post",
        function=downgrade.function,
        family=downgrade.family,
        cleanup=downgrade.cleanup,
        before=downgrade.before,
        after=downgrade.after,
        condition=downgrade.condition,
        entry_points=downgrade.entry_points,
        symptoms=tuple(
            _fitted(one, downgrade.after) for one in _symptoms(ruleset.kernel, rule, downgrade)
        ),
        advice=tuple(_fitted(one, downgrade.after) for one in _advice(rule, known)),
        message=_message(downgrade),
        fingerprint=fingerprint(rule.id, downgrade),
        why=_why(known, downgrade),
        evidence=_evidence(rule, level, known, downgrade),
        also=downgrade.also,
        hunk=diffs.shown(downgrade),
        quote=diffs.quoted(downgrade),
    )


def fingerprint(rule: str, downgrade: Downgrade) -> str:
    """Sixteen hex digits that line shifts and new versions of a series do not change."""
    parts = (
        rule,
        downgrade.path,
        "" if downgrade.function == NAMELESS else downgrade.function,
        downgrade.cleanup,
        downgrade.after.mechanism or "",
        downgrade.after.callback or "",
    )
    # loads OpenSSL: for those who have a finding
    import hashlib

    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _level(rule: Rule, downgrade: Downgrade) -> Level:
    """The rule's level, raised by a chain to user space, lowered by a doubt or its record."""
    cap = downgrade.level_cap
    wanted = rule.level
    if wanted == "warning" and cap == "error" and downgrade.entry_points:
        wanted = "error"
    level = max(wanted, cast("Level", cap), key=LEVELS.index)
    # a chain to a system call is more than the record is about
    return rule.held if rule.held and level == "warning" else level


def _named(downgrade: Downgrade) -> Downgrade:
    """``downgrade`` without the names that stand for a function whose header no hunk shows."""
    if UNNAMED not in downgrade.function and not any(
        UNNAMED in step.function
        for promise in (downgrade.before, downgrade.after)
        for step in promise.chain
    ):
        return downgrade
    return replace(
        downgrade,
        function=_name(downgrade.function),
        before=replace(downgrade.before, chain=tuple(map(_step, downgrade.before.chain))),
        after=replace(downgrade.after, chain=tuple(map(_step, downgrade.after.chain))),
    )


def _step(step: Step) -> Step:
    return replace(step, function=_name(step.function))


def _name(function: str) -> str:
    return NAMELESS if function.startswith(UNNAMED) else function


def _function(name: str) -> str:
    return "a function that no hunk names" if name == NAMELESS else f"{name}()"


def _symptoms(kernel: KernelFacts, rule: Rule, downgrade: Downgrade) -> tuple[str, ...]:
    """What shows that it is late: by the release, else by the rule, where it is a release."""
    known = kernel.cleanups.get(downgrade.cleanup)
    if known is not None:
        return known.symptoms
    name = downgrade.cleanup
    released = kernel.teardown.search(name) and not kernel.not_teardown.search(name)
    if downgrade.family != STRUCTURAL or rule.shape in _OWN_RULE or released:
        return rule.symptoms
    return (f"{_what(downgrade)} is not done yet when the call returns",)


def _advice(rule: Rule, known: Cleanup | None) -> tuple[str, ...]:
    """What fits the release; what fits the form of the move goes before it."""
    if known is None:
        return rule.advice
    form = rule.advice if rule.shape in _OWN_RULE else ()
    return tuple(dict.fromkeys((*form, *known.advice)))


def _what(downgrade: Downgrade) -> str:
    return downgrade.what or f"{downgrade.cleanup}()"


def _message(downgrade: Downgrade) -> str:
    """One sentence, short enough to stand with its place and rule on two lines of a terminal."""
    after = downgrade.after
    if downgrade.shape == "lost-wait":
        return (
            f"{_function(downgrade.function)} no longer waits for {after.callback}(), which does "
            f"{_what(downgrade)} {_where(after)}"
        )
    if downgrade.shape == "weaker":
        back = ", but at the return to user space" if after.context == "task" else ""
        return (
            f"{after.mechanism}() takes the place of {_what(downgrade)} in "
            f"{_function(downgrade.function)}: {_lost(downgrade.before)}{back}"
        )
    return (
        f"{_moved(downgrade)} to {_to(after)}"
        f"{_when(downgrade.condition)}: {_lost(downgrade.before)}"
    )


def _to(after: Promise) -> str:
    """Where it went; a function that nothing starts runs when the last reference is put."""
    if after.context == "unknown" and after.callback and not after.mechanism:
        return f"{after.callback}() at the last put"
    return _TO[after.context]


def _lost(before: Promise) -> str:
    """What is lost; of a path that no task ran there was less to lose."""
    if before.context in _NO_TASK:
        return f"done later; it seems to have run {_WHERE[before.context]} before"
    return _LOST[before.guarantee]


def _moved(downgrade: Downgrade) -> str:
    """``fput() moves from lamp_close()``, ``the body of lamp_close(), with fput(), moves``."""
    what = _what(downgrade)
    also = [name for name in downgrade.also if name != downgrade.cleanup]
    one = f"{also[0]}()" if also and also[0].isidentifier() else "".join(also[:1])
    other = one if len(also) == 1 else f"{len(also)} others"
    named = f"{what} and {other}" if also else what
    if downgrade.body and downgrade.family == STRUCTURAL:
        return f"the body of {_function(downgrade.function)}, with {named}, moves"
    move = "move" if also else "moves"
    if _function(downgrade.function) in what:
        return f"{named} {move}"
    return f"{named} {move} from {_function(downgrade.function)}"


def _when(condition: str | None) -> str:
    if not condition:
        return ""
    return f" when `{condition}`" if len(condition) <= _LONGEST_CONDITION else " on one branch"


def _why(known: Cleanup | None, downgrade: Downgrade) -> str:
    after = downgrade.after
    if downgrade.in_vain:
        return (
            f"{downgrade.in_vain}() holds the call until {after.callback}() is done, but "
            f"{_where(after)} {_what(downgrade)} puts itself off: that is done later still"
        )
    if known and known.why:
        return _fitted(known.why, after)
    return (
        f"when the call returns, nothing says any more that {_what(downgrade)} is done: it runs "
        f"{_where(after)}, {_WHEN[after.guarantee]}"
    )


def _where(after: Promise) -> str:
    return _NOWHERE if after.context == "unknown" else _WHERE[after.context]


def _fitted(text: str, after: Promise) -> str:
    """Return what is told of any callback without a work item where none is."""
    if after.context == "workqueue":
        return text
    runs = "kernel thread" if after.context == "kthread" else "callback"
    return _WORK.sub(lambda one: f"{one[1]} {runs}" if one[1] else f"wait for the {runs}", text)


def _evidence(
    rule: Rule, level: Level, known: Cleanup | None, downgrade: Downgrade
) -> tuple[str, ...]:
    found = list(downgrade.reasons)
    if rule.held and level == rule.held:
        found.append(f"a {rule.held} at most: too few warnings of the rule were right so far")
    if known:
        found.append(_seen(known))
    elif _what(downgrade) == f"{downgrade.cleanup}()":
        found.append(
            f"{downgrade.cleanup}() is in no table: judged by its name and by the move of its call"
        )
    else:
        found.append(f"what {_what(downgrade)} does is not known: judged by where it stood")
    return tuple(found)


def _seen(known: Cleanup) -> str:
    """Where the tables have it from: a place, or a file and what is true there."""
    file, seen = known.source.file, known.source.evidence
    where = seen if seen.startswith(file) else f"{file}, {seen}" if seen else file
    what = f"that {known.name} is a limit" if known.kind == "share" else f"what {known.name}() does"
    return f"{what} is read off {where}"
