"""Downgrades in, findings out: which rule speaks, and how loud."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from patchlint.model.facts import UNNAMED
from patchlint.model.finding import LEVELS, Finding
from patchlint.ruleset import sentences, times
from patchlint.ruleset.sentences import NAMELESS, OWN_RULE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from patchlint.model.effect import Downgrade, Step
    from patchlint.model.finding import Confidence, Level
    from patchlint.model.kernel import KernelFacts, Rule, Ruleset
    from patchlint.model.mail import Patch
    from patchlint.ruleset.quotes import Diffs


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
    own = rule.shape is not None and downgrade.shape in OWN_RULE
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
    outer = (name for name in downgrade.also if name not in downgrade.inner)
    downgrade = _by_whom(ruleset.kernel, _timed(ruleset.kernel, downgrade, diffs.defined))
    downgrade = replace(downgrade, also=tuple(_telling(ruleset.kernel, outer)))
    # what a finding is known by does not change with the line that tells most
    placed = diffs.placed(downgrade)
    return Finding(
        rule=rule.id,
        level=level,
        confidence=cast("Confidence", downgrade.confidence),
        series=series,
        patch=patch.number,
        message_id=patch.message_id,
        commit=patch.commit,
        path=placed.path,
        line=placed.line,
        side="pre" if placed.side == "pre" else "post",
        function=downgrade.function,
        family=downgrade.family,
        cleanup=downgrade.cleanup,
        before=downgrade.before,
        after=downgrade.after,
        condition=downgrade.condition,
        entry_points=downgrade.entry_points,
        symptoms=sentences.symptoms(ruleset.kernel, rule, downgrade),
        advice=sentences.advice(ruleset.kernel, rule, downgrade),
        message=sentences.message(ruleset.kernel, downgrade),
        fingerprint=fingerprint(rule.id, downgrade),
        why=sentences.why(ruleset.kernel, downgrade),
        evidence=sentences.evidence(ruleset.kernel, rule, level, known, downgrade),
        also=downgrade.also,
        hunk=diffs.shown(downgrade, placed),
        quote=diffs.quoted(downgrade, placed),
    )


def _timed(kernel: KernelFacts, downgrade: Downgrade, defined: Mapping[str, str]) -> Downgrade:
    """A downgrade with the times in it as a reader knows them."""
    after, limit = downgrade.after, downgrade.limit
    if not (after.delay or limit):
        return downgrade
    told = times.said(limit, defined, kernel.durations)
    delay = times.said(after.delay, defined, kernel.durations)
    wait = after.wait.replace(limit, told) if limit else after.wait
    return replace(downgrade, limit=told, after=replace(after, delay=delay, wait=wait))


def _by_whom(kernel: KernelFacts, downgrade: Downgrade) -> Downgrade:
    """A downgrade with who comes to what a twin leaves to others."""
    twin = kernel.twins.get(downgrade.after.mechanism or "")
    if twin is None or not twin.by:
        return downgrade
    return replace(downgrade, after=replace(downgrade.after, by=twin.by))


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


def _telling(kernel: KernelFacts, also: Iterable[str]) -> Iterator[str]:
    """Yield what is told to have moved as well: of calls that end nothing nobody has to know."""
    for name in also:
        if name in kernel.cleanups or not kernel.harmless.search(name):
            yield name


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
