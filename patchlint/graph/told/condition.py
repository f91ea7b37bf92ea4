"""The branch on which something is deferred: the test that a finding tells.

Errs towards none: a test tells only where its other side shows that something else is done.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from patchlint.graph import branches, guards
from patchlint.graph.objects import share_variable

if TYPE_CHECKING:
    from collections.abc import Collection

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import Loss
    from patchlint.model.facts import Function


def condition_of(comparison: Comparison, loss: Loss, late: Effect) -> Atom | None:
    """The branch on which it is deferred, None when it is on all ways that do it.

    A test above the deferral that the lost effect did not have, and on whose other side
    something else is done instead.  Where nothing is done there the test says when the
    deferral has work to do, not who is sent there: a batch is full, nothing is queued yet,
    there is an object at all.
    """
    deciding = deciding_of(comparison, loss, late)
    branches_ = [a for a in deciding if not a.early]
    # one that the series made before one that stood above an old deferral already, and what is
    # asked there before the configuration in which it is asked
    found = min(
        branches_ or deciding,
        key=lambda a: (not comparison.lines.made(a.places), a.head.startswith(guards.CONFIGURED)),
        default=None,
    )
    narrowed = loss.narrowed or _waited_under(comparison, loss, loss.stood)
    if found is None and narrowed is not None and narrowed.sign not in {a.sign for a in late.above}:
        turned = narrowed.turned
        return None if _decides_nothing(comparison, loss, late, turned) else turned
    return found


def deciding_of(comparison: Comparison, loss: Loss, late: Effect) -> list[Atom]:
    """The tests above a deferral that the lost effect did not have, and that send it there."""
    had = loss.stood
    return [
        atom
        for atom in late.above
        if atom.sign not in had
        and (not atom.early or comparison.lines.made(atom.places))
        and not _decides_nothing(comparison, loss, late, atom)
        and _other_way(comparison, loss, late, atom)
    ]


def _waited_under(
    comparison: Comparison, loss: Loss, had: Collection[tuple[str, bool]]
) -> Atom | None:
    """The test under which a wait is left that holds for what was lost; None where none is."""
    if loss.before[0].wait is None:
        return None
    left = [
        [atom for atom in effect.guard if atom.sign not in had]
        for effect in comparison.new.of(loss.now)
        if effect.key == loss.key and not effect.late and effect.wait is not None
    ]
    return left[0][0] if left and all(left) else None


def _other_way(comparison: Comparison, loss: Loss, late: Effect, atom: Atom) -> bool:
    """Whether something is done instead where a test above the deferral comes out otherwise."""
    turned = atom.opposite
    for effect in loss.instead:
        if effect.root is not None and effect.root.tested:
            # it is asked, and done on neither side
            continue
        asked = {a.sign for a in effect.guard}
        if turned in asked or (atom.sign not in asked and _passed(loss, late, effect)):
            return True
    return any(
        turned in {a.sign for a in effect.guard}
        and not (effect.site is not None and effect.site.tested)
        and (effect.kind in ("row", "named", "indirect") or _of_one_object(effect, late))
        for function in {id(f): f for f in (loss.now, _starter(loss, late))}.values()
        for effect in comparison.first_keys_of(function)
        if effect.kind not in ("memory", "store", "gap")
    )


def _passed(loss: Loss, late: Effect, effect: Effect) -> bool:
    """Whether control that passed the deferral leaves before it can reach ``effect``."""
    holders = {id(f): f for f in (loss.now, _starter(loss, late))}.values()
    starts = (*late.calls, *([late.edge.call] if late.edge is not None else ()))
    return any(
        branches.skips(holder, first, other)
        for holder in holders
        for first in starts
        for other in effect.calls
        if holder.makes(first) and holder.makes(other)
    )


def _starter(loss: Loss, late: Effect) -> Function:
    return late.edge.function if late.edge is not None else loss.now


def _of_one_object(effect: Effect, late: Effect) -> bool:
    """Whether a call is given a variable that the deferral is given as well."""
    given = late.edge.call.args if late.edge is not None else ()
    return share_variable(effect.args, given)


def _decides_nothing(comparison: Comparison, loss: Loss, late: Effect, atom: Atom) -> bool:
    """A failed allocation, an empty list, the hand-off itself or a helper that makes it."""
    kernel = comparison.kernel
    asked = atom.head.split(" ")[0]
    if (
        asked in kernel.activations
        or asked in kernel.list_adds
        or any(call.callee == asked for call in late.way)
        or _asks_for_start(late, atom)
        or atom.head == guards.LAST_REFERENCE
        or guards.evaluate(atom.text) is not None
    ):
        return True
    words = guards.said(atom)
    if atom.early and kernel.error_path.search(words) is not None:
        return True
    return branches.is_allocation(words) or comparison.asks_for_memory(loss.now, atom)


def _asks_for_start(late: Effect, atom: Atom) -> bool:
    """Whether a test is of what the start of the deferral gave alone: no thread could be made."""
    given = late.edge.call.assigned if late.edge is not None else None
    return (
        given is not None
        and re.fullmatch(rf"(?:\w+\s*\(\s*)?{re.escape(given)}\s*\)?", atom.text) is not None
    )
