"""Branch conditions: which are new, which mean an error path, which cannot hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph.guards import one_group
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from patchlint.model.facts import Call, Condition, Function
    from patchlint.model.kernel import KernelFacts

_WRAPPERS: Final = re.compile(r"^(?:un)?likely\s*\((.*)\)$")


def plain(condition: Condition) -> str:
    """The condition as a maintainer would say it: ``lazy``, ``!d``, ``!(a && b)``."""
    text = " ".join(condition.text.split())
    while text.startswith("(") and text.endswith(")") and one_group(text):
        text = text[1:-1].strip()
    wrapped = _WRAPPERS.match(text)
    if wrapped:
        text = wrapped.group(1).strip()
    if condition.taken:
        return text
    if text.startswith("!") and re.match(r"^![\w.>\-]+(\(.*\))?$", text):
        return text[1:]
    return f"!{text}" if re.match(r"^[\w.>\-]+(\([^()]*\))?$", text) else f"!({text})"


def is_error(kernel: KernelFacts, condition: Condition) -> bool:
    """Whether taking this side of the branch means that something failed."""
    return kernel.error_path.search(plain(condition)) is not None


def on_error_path(kernel: KernelFacts, call: Call) -> bool:
    """Whether ``call`` runs only after a failure (by label or by a branch taken)."""
    if call.label is not None and kernel.error_path.search(call.label):
        return True
    return any(not c.early and is_error(kernel, c) for c in call.conditions)


_NOTHING: Final = lazy(
    r"^!(?:\w+(?:->|\.))*\w+$|\b(?:alloc|zalloc|kmem|list_empty)\w*\s*\(|[=!]=\s*NULL$"
)


def is_allocation(text: str) -> bool:
    """Whether a test only asks if there is something at all."""
    return _NOTHING.search(text) is not None and "alloc" in text


def skips(function: Function, first: Call, other: Call) -> bool:
    """Whether control that passed ``first`` leaves before it can reach ``other`` below it.

    True for ``if (lazy) { queue(); return; }  release();``.  Errs towards False: only an
    exit in the very block of ``first`` counts, and a goto only when its label is beyond.
    """
    if other.line <= first.line:
        return False
    block = [c for c in first.conditions if not c.early]
    for leave in function.exits:
        if not first.line <= leave.line < other.line:
            continue
        if [c for c in leave.conditions if not c.early] != block:
            continue
        if leave.text == "return":
            return bool(block)
        if leave.text.startswith("goto "):
            return bool(block) and leave.text[5:] != other.label
    return False
