"""A wait that callers relied on is gone, and what it waited for is still deferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph import waits
from patchlint.graph.effects import STRUCTURAL
from patchlint.graph.judge import weight
from patchlint.graph.old_context import Volume, old_context
from patchlint.model.effect import Downgrade, Promise, Step

if TYPE_CHECKING:
    from patchlint.graph.comparison import Comparison
    from patchlint.model.facts import Call, Function


def by_lost_wait(comparison: Comparison) -> list[Downgrade]:
    """A flush that a caller relied on is gone, and what it waited for is still deferred."""
    found = []
    for was in comparison.before.functions.values():
        for call in was.calls:
            wait = comparison.kernel.waits.get(call.callee)
            if (
                wait is None
                or not wait.restores
                or wait.kind in ("grace-period", "other")
                or not _gone(comparison, was, call)
            ):
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
        for now in comparison.after.functions.values()
        for other in now.calls
    )


def _lost_wait(comparison: Comparison, was: Function, call: Call) -> Downgrade | None:
    now = next(
        (f for f in comparison.after.functions.values() if was in comparison.lineage.of(f)), None
    )
    if now is None:
        return None
    for deferral in comparison.before.deferrals:
        if deferral.keeps or not waits.wait_matches(comparison.before, deferral, was, call):
            continue
        late = {
            e.cleanup
            for d in comparison.after.deferrals
            if d.callback == deferral.callback
            for e in comparison.new.behind(d)
        }
        behind = [
            e
            for e in comparison.old.behind(deferral)
            if e.cleanup in late and not e.memory and not e.asynchronous and e.visible
        ]
        if not behind:
            continue
        old = old_context(comparison, was)
        if old is None or old.doubt:
            continue
        main = max(behind, key=weight)
        volume = Volume()
        if main.family == STRUCTURAL:
            volume.down(f"{main.cleanup}() is in no table")
        if old.entries and old.certain and volume.level == "warning":
            volume.level = "error"
        step = Step(was.name, was.path, call.line, f"{call.callee}() waited for it")
        return Downgrade(
            shape="lost-wait",
            cleanup=main.cleanup,
            family=main.family,
            also=(),
            function=now.name,
            path=was.path,
            line=call.line,
            side="pre",
            patch=0,
            before=Promise(old.shown, "after-wait", (*main.chain, step)),
            after=Promise(
                deferral.context,
                deferral.guarantee,
                main.chain,
                deferral.mechanism,
                deferral.callback,
            ),
            condition=None,
            level_cap=volume.level,
            confidence="medium" if volume.level != "note" else "low",
            reasons=(*volume.reasons, *old.reasons),
            entry_points=old.entries,
            weight=weight(main) + 50,
            lost=(call.line,),
        )
    return None
