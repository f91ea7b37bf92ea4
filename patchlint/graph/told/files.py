"""Whether a released file is on a mount of the kernel's own, which nobody unmounts.

What makes such files, or the mount that one is put on, stands in the tables (``internal_files``).
The member that a release takes its file from is set in the same file of the kernel: where all of
its values come from there, so does the file.  Errs towards a file of a user's where one is set
elsewhere as well, or by a helper; towards an internal one where another struct has a member of the
name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph.guards import evaluate

if TYPE_CHECKING:
    from collections.abc import Collection

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.model.facts import Function

_MEMBER: Final = re.compile(r"^[\w>.\[\]-]*(?:->|\.)(\w+)$")
_CALLED: Final = re.compile(r"^(\w+)\s*\(")


def is_internal(comparison: Comparison, effect: Effect) -> bool:
    """Whether what is released is known to be a file on an internal mount."""
    makers = comparison.kernel.internal_files
    member = _member(effect) if makers else ""
    if not member:
        return False
    sources = [
        _made(function, store.value, makers)
        for function in comparison.before.functions.values()
        if function.path == effect.where.path
        for store in function.stores
        if store.op == "=" and store.target.endswith((f"->{member}", f".{member}"))
        if store.value != "NULL" and evaluate(store.value) is None
    ]
    return bool(sources) and all(sources)


def _member(effect: Effect) -> str:
    """The member whose value is released, also where a variable has it; "" for none."""
    text = effect.site.args[0] if effect.site is not None and effect.site.args else ""
    held = {one.value for one in effect.where.assignments if one.target == text} or {text}
    found = {match[1] for one in held if (match := _MEMBER.match(one.strip())) is not None}
    return found.pop() if len(found) == 1 else ""


def _made(function: Function, value: str, makers: Collection[str]) -> bool:
    """Whether a value that a function stores is an internal file."""
    values = {one.value for one in function.assignments if one.target == value} or {value}
    if all((called := _CALLED.match(one)) is not None and called[1] in makers for one in values):
        return True
    word = re.compile(rf"\b{re.escape(value)}\b")
    return any(
        call.callee in makers and any(map(word.search, call.args)) for call in function.calls
    )
