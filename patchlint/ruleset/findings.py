"""Downgrades in, findings out: which rule speaks, how loud, in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from patchlint.model.finding import LEVELS, Finding, HunkLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from patchlint.model.diff import DiffLine, FileDiff, Hunk
    from patchlint.model.effect import Downgrade
    from patchlint.model.finding import Confidence, Level
    from patchlint.model.kernel import Cleanup, Rule, Ruleset
    from patchlint.model.mail import Patch

#: shapes whose own rule speaks before that of the family
_OWN_RULE: Final = frozenset({"twin", "lost-wait", "task-work-to-workqueue"})
_CONTEXT_LINES: Final = 2
_MOST_LINES: Final = 12
#: lines that a quotation has around each that is at issue, and about how many in all
_QUOTED_AROUND: Final = 3
_MOST_QUOTED: Final = 28
LEFT_OUT: Final = "[...]"

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
    files: Sequence[FileDiff],
) -> Finding | None:
    """The finding for one downgrade, None when no rule speaks of it."""
    rule = choose(ruleset, downgrade)
    if rule is None:
        return None
    known = ruleset.kernel.cleanups.get(downgrade.cleanup)
    level = _level(rule, downgrade)
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
        symptoms=tuple(known.symptoms if known and known.symptoms else rule.symptoms),
        advice=_advice(rule, known),
        message=_message(downgrade),
        fingerprint=fingerprint(rule.id, downgrade),
        why=_why(known, downgrade),
        evidence=_evidence(rule, level, known, downgrade),
        also=downgrade.also,
        hunk=_hunk(downgrade, files),
        quote=_quote(downgrade, files),
    )


def fingerprint(rule: str, downgrade: Downgrade) -> str:
    """Sixteen hex digits that line shifts and new versions of a series do not change."""
    parts = (
        rule,
        downgrade.path,
        downgrade.function,
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


def _advice(rule: Rule, known: Cleanup | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(known.advice if known else ()), *rule.advice)))


def _message(downgrade: Downgrade) -> str:
    """One sentence, short enough to stand with its place and rule on two lines of a terminal."""
    before, after = downgrade.before, downgrade.after
    if downgrade.shape == "lost-wait":
        return (
            f"{downgrade.function}() no longer waits for {after.callback}(), which does "
            f"{downgrade.cleanup}() {_WHERE[after.context]}"
        )
    return (
        f"{_moved(downgrade)} from {downgrade.function}() to {_TO[after.context]}"
        f"{_when(downgrade.condition)}: {_LOST[before.guarantee]}"
    )


def _moved(downgrade: Downgrade) -> str:
    also = [name for name in downgrade.also if name != downgrade.cleanup]
    if not also:
        return f"{downgrade.cleanup}() moves"
    other = f"{also[0]}()" if len(also) == 1 else f"{len(also)} others"
    return f"{downgrade.cleanup}() and {other} move"


def _when(condition: str | None) -> str:
    if not condition:
        return ""
    return f" when `{condition}`" if len(condition) <= _LONGEST_CONDITION else " on one branch"


def _why(known: Cleanup | None, downgrade: Downgrade) -> str:
    if known and known.why:
        return known.why
    after = downgrade.after
    return (
        f"a caller that returns to user space no longer implies that "
        f"{downgrade.cleanup}() is done: it runs {_WHERE[after.context]}, "
        f"{_WHEN[after.guarantee]}"
    )


def _evidence(
    rule: Rule, level: Level, known: Cleanup | None, downgrade: Downgrade
) -> tuple[str, ...]:
    found = list(downgrade.reasons)
    if rule.held and level == rule.held:
        found.append(f"a {rule.held} at most: too few warnings of the rule were right so far")
    if known:
        found.append(_seen(known))
    else:
        found.append(
            f"{downgrade.cleanup}() is in no table: judged by its name and by the move of its call"
        )
    return tuple(found)


def _seen(known: Cleanup) -> str:
    """Where the tables have it from: a place, or a file and what is true there."""
    file, seen = known.source.file, known.source.evidence
    where = seen if seen.startswith(file) else f"{file}, {seen}" if seen else file
    return f"what {known.name}() does is read off {where}"


def _hunk(downgrade: Downgrade, files: Sequence[FileDiff]) -> tuple[HunkLine, ...]:
    """The diff lines at issue with a little context: the release that went, the deferral."""
    for file in files:
        if downgrade.path not in (file.path, file.old_path):
            continue
        marked: list[HunkLine] = []
        for hunk in file.hunks:
            marked.extend(_cut(hunk.lines, _marks(hunk, downgrade)))
        if marked:
            return tuple(marked[:_MOST_LINES])
    return ()


def _marks(hunk: Hunk, downgrade: Downgrade) -> set[int]:
    """Where in ``hunk`` the lines at issue stand."""
    return {
        place
        for place, line in enumerate(hunk.lines)
        if _at_issue(line, downgrade) or (line.kind == "-" and line.old in downgrade.lost)
    }


def _quote(downgrade: Downgrade, files: Sequence[FileDiff]) -> tuple[str, ...]:
    """The hunks at issue as one quotes them: with headers, and enough to see the place."""
    for file in files:
        if downgrade.path not in (file.path, file.old_path):
            continue
        body: list[str] = []
        for hunk in file.hunks:
            marks = _marks(hunk, downgrade)
            if marks and len(body) < _MOST_QUOTED:
                body += _excerpt(hunk, marks)
        if body:
            old = f"a/{file.old_path}" if file.old_path else "/dev/null"
            new = f"b/{file.new_path}" if file.new_path else "/dev/null"
            return (f"--- {old}", f"+++ {new}", *body)
    return ()


def _excerpt(hunk: Hunk, marks: set[int]) -> Iterator[str]:
    """A hunk's header and, of a long one, the lines near ``marks`` alone."""
    near = _QUOTED_AROUND if len(marks) * (2 * _QUOTED_AROUND + 1) <= _MOST_QUOTED else 1
    if len(hunk.lines) <= _MOST_QUOTED:
        near = _MOST_QUOTED
    section = f" {hunk.section}" if hunk.section else ""
    yield (
        f"@@ -{hunk.old_start},{hunk.old_length} +{hunk.new_start},{hunk.new_length} @@{section}"
    )
    gap = False
    for place, line in enumerate(hunk.lines):
        if any(abs(place - mark) <= near for mark in marks):
            if gap:
                yield LEFT_OUT
            gap = False
            yield f"{line.kind}{line.text}"
        else:
            gap = True
    if gap:
        yield LEFT_OUT


def _at_issue(line: DiffLine, downgrade: Downgrade) -> bool:
    return downgrade.line in ((line.new,) if downgrade.side == "post" else (line.old,))


def _cut(lines: Sequence[DiffLine], marks: set[int]) -> tuple[HunkLine, ...]:
    wanted = sorted(
        {
            near
            for place in marks
            for near in range(place - _CONTEXT_LINES, place + _CONTEXT_LINES + 1)
            if 0 <= near < len(lines)
        }
    )
    if len(wanted) > _MOST_LINES:
        wanted = [place for place in wanted if any(abs(place - mark) <= 1 for mark in marks)][
            :_MOST_LINES
        ]
    return tuple(
        HunkLine(lines[p].kind, lines[p].text, lines[p].old, lines[p].new, p in marks)
        for p in wanted
    )
