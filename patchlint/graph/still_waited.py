"""Whether what was lost may still be waited for, in another way than before.

Each way is a reason for a note: that it is for the same is not proven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph.waits import SIGNALLED, wait_matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.loss import Loss
    from patchlint.graph.old_context import OldContext
    from patchlint.model.facts import Call, Function


def waited_otherwise(comparison: Comparison, loss: Loss, old: OldContext) -> Iterator[str]:
    """Who may wait for it after the series, in words; ``old`` is who came to what loses."""
    if (waiter := _waits_in_the_same(comparison, loss, old)) is not None:
        yield f"{waiter.name}(), which the same request runs, waits for it"
    if (anew := _waits_anew(comparison, loss)) is not None:
        yield f"{anew.callee}() is new there, and may be for the same"
    if (operation := _hung_up(comparison, loss)) is not None:
        yield f"{operation.name}(), which waits as before, is called through a table now"


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
        holder = after.holder_of(call)
        if (
            holder is not None
            and holder is not loss.now
            and any(row.event in events for _, _, row in after.operations_of(holder.name))
            and all(wait_matches(after, edge, holder, call) for edge in edges)
        ):
            return holder
    return None


def _waits_anew(comparison: Comparison, loss: Loss) -> Call | None:
    """A wait until somebody signals that the series adds to what waited for all that is lost.

    What it is for only its condition says, and who makes that come true: errs towards a note.
    """
    if not loss.all_waited:
        return None
    waits = comparison.kernel.waits
    return next(
        (
            call
            for call in comparison.added_waits
            if loss.now.makes(call)
            and (row := waits[call.callee]).kind in SIGNALLED
            and not (row.bounded or row.early)
        ),
        None,
    )


def _hung_up(comparison: Comparison, loss: Loss) -> Function | None:
    """The operation of a new table in which the very wait stands that the function called before.

    Who goes through the table nobody shows, it may be at the same place: errs towards a note.
    """
    before, after, lines = comparison.before, comparison.after, comparison.lines
    found = None
    for wait in {id(e.wait): e.wait for e in loss.before}.values():
        if wait is None:
            return None
        holder = before.holder_of(wait)
        if holder is None or holder is loss.was or before.tables_of(holder.name):
            return None
        stands = (
            lines.renamed.get(holder.path, holder.path),
            lines.forward(holder.path, wait.line),
        )
        found = next(
            (
                one
                for one in after.functions.values()
                if any((one.path, c.line) == stands and c.callee == wait.callee for c in one.calls)
            ),
            None,
        )
        if found is None or not after.tables_of(found.name):
            return None
    return found
