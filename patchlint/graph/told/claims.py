"""What user space is refused until the callback has run: ``-EBUSY`` from the next open(2).

A bit that is cleared late, or a member that is set to nothing late, is a claim where an operation
that begins with the object (``claimed_by`` in the tables) fails with an error as long as it is
there.  Asked of the file of the losing function: errs towards nothing where the error is kept in a
variable, and towards a claim too many where two structs have a member of one name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph.guards import evaluate, pieces

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.loss import Loss
    from patchlint.model.facts import Function

_ERROR: Final = re.compile(r"^\(?-(E[A-Z]+)\)?$")


def refused(comparison: Comparison, losses: Iterable[Loss]) -> str:
    """Which error what call gives until then: ``EBUSY from open(2)``, "" for none known."""
    told = dict.fromkeys(
        f"{error} from {member}(2)"
        for loss in losses
        if (claim := _claim(loss)) is not None
        for function in comparison.after.functions.values()
        if function.path == loss.now.path and (member := _begins(comparison, function)) != ""
        for error in _errors(function, claim)
    )
    return " or ".join(told)


def _claim(loss: Loss) -> re.Pattern[str] | None:
    """What asks for the bit or the member that a loss lets go late, None where it is none."""
    match loss.key:
        case ("bit", name):
            return re.compile(rf"\b\w+\s*\(\s*{re.escape(name)}\s*,")
        case ("store", member, "=", value) if value == "NULL" or evaluate(value) is False:
            return re.compile(rf"^[\w>.\[\]-]*(?:->|\.){re.escape(member)}$")
    return None


def _begins(comparison: Comparison, function: Function) -> str:
    """The operation that begins with an object which a function is, "" for none."""
    for path, entry in comparison.after.tables_of(function.name):
        members = comparison.kernel.claimed_by.get(comparison.after.table_of(entry), ())
        if path == function.path and entry.member in members:
            return entry.member
    return ""


def _errors(function: Function, claim: re.Pattern[str]) -> Iterable[str]:
    """The errors that a function returns where a claim is held already."""
    for leave in function.exits:
        error = _ERROR.match(leave.value)
        asked = [one for one in leave.conditions if not one.early] if error is not None else []
        parts = (part for one in asked for part in pieces(one.text, taken=one.taken))
        if error is not None and any(held and claim.search(text) for text, held in parts):
            yield error[1]
