"""Deferred twins: the deferral is a helper defined elsewhere, no queueing is in the diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.graph import branches
from patchlint.graph.chains import callers_above
from patchlint.graph.effects import STRUCTURAL
from patchlint.graph.old_context import Volume, old_context
from patchlint.model.effect import Downgrade, Promise, Step

if TYPE_CHECKING:
    from patchlint.graph.comparison import Comparison
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import Twin


def by_twin(comparison: Comparison) -> list[Downgrade]:
    """Direct releases that were replaced by their twin, one for each twin and file."""
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
                found[key] = (
                    downgrade
                    if present is None
                    else replace(
                        downgrade, also=tuple(dict.fromkeys((*present.also, present.function)))
                    )
                )
            elif present.function != now.name:
                found[key] = replace(
                    present,
                    reasons=tuple(dict.fromkeys((*present.reasons, f"also in {now.name}()"))),
                )
    return list(found.values())


def _twin(comparison: Comparison, now: Function, call: Call, twin: Twin) -> Downgrade | None:
    lines = comparison.lines
    for was in comparison.lineage.of(now):
        gone = [
            c
            for c in was.calls
            if c.callee == twin.direct and lines.forward(was.path, c.line) is None
        ]
        kept = [
            c
            for c in now.calls
            if c.callee == twin.direct
            and lines.added(now.path, c.line)
            and not branches.fresh(c, now.path, lines, was)
        ]
        if len(gone) <= len(kept):
            continue
        old = old_context(comparison, was)
        if old is None:
            return None
        known = comparison.kernel.cleanups.get(twin.direct)
        volume = Volume()
        if known is not None and (known.kind == "memory" or not known.visible):
            volume.down("only memory is freed later")
        if old.doubt:
            volume.down(old.doubt)
        if branches.on_error_path(comparison.kernel, call):
            volume.down("deferred on an error path only")
        condition = branches.telling(comparison.kernel, branches.fresh(call, now.path, lines, was))
        if old.entries and old.certain and volume.level == "warning":
            volume.level = "error"
        removed = gone[0]
        step = Step(was.name, was.path, removed.line, f"{twin.direct}()")
        then = Step(now.name, now.path, call.line, f"{twin.deferred}() defers it")
        return Downgrade(
            shape="twin",
            cleanup=twin.direct,
            family=known.family if known else STRUCTURAL,
            also=(),
            function=now.name,
            path=now.path,
            line=call.line,
            side="post",
            patch=0,
            before=Promise(
                old.shown,
                known.task if known else "before-call-returns",
                (*callers_above(comparison.before, was, ()), step),
            ),
            after=Promise(
                twin.context,
                twin.guarantee,
                (
                    *callers_above(comparison.after, now, ()),
                    then,
                    Step(twin.runs_in, twin.source.file, 0, f"{twin.direct}()"),
                ),
                twin.deferred,
                twin.runs_in,
            ),
            condition=branches.plain(condition) if condition else None,
            level_cap=volume.level,
            confidence="high" if old.task and volume.level != "note" else "medium",
            reasons=(*volume.reasons, *old.reasons),
            entry_points=old.entries,
            weight=25 + (100 if volume.level != "note" else 0),
            lost=tuple(c.line for c in gone),
        )
    return None
