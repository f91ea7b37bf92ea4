"""Branch conditions: which are new, which mean an error path, which cannot hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.follow import Lines
    from patchlint.model.facts import Call, Condition, Function
    from patchlint.model.kernel import KernelFacts

_WRAPPERS: Final = re.compile(r"^(?:un)?likely\s*\((.*)\)$")
_WORDS: Final = lazy(r"[A-Za-z_]\w*(?=\s*\()")
_FALSE: Final = frozenset({"false", "0", "NULL"})
_TRUE: Final = frozenset({"true", "1"})


def plain(condition: Condition) -> str:
    """The condition as a maintainer would say it: ``lazy``, ``!d``, ``!(a && b)``."""
    text = " ".join(condition.text.split())
    while text.startswith("(") and text.endswith(")") and _one_group(text):
        text = text[1:-1].strip()
    wrapped = _WRAPPERS.match(text)
    if wrapped:
        text = wrapped.group(1).strip()
    if condition.taken:
        return text
    if text.startswith("!") and re.match(r"^![\w.>\-]+(\(.*\))?$", text):
        return text[1:]
    return f"!{text}" if re.match(r"^[\w.>\-]+(\([^()]*\))?$", text) else f"!({text})"


def _one_group(text: str) -> bool:
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and place < len(text) - 1:
            return False
    return depth == 0


def fresh(call: Call, path: str, lines: Lines, was: Function | None = None) -> list[Condition]:
    """Conditions above ``call`` that the series added.

    One that the function before, ``was``, tested as well is not new: a diff may show the
    head of a function as added when its old body stays behind as the new callback.
    """
    old = {(c.text, c.taken) for known in was.calls for c in known.conditions} if was else set()
    return [
        c for c in call.conditions if lines.added(path, c.line) and (c.text, c.taken) not in old
    ]


def is_error(kernel: KernelFacts, condition: Condition) -> bool:
    """Whether taking this side of the branch means that something failed."""
    return kernel.error_path.search(plain(condition)) is not None


def on_error_path(kernel: KernelFacts, call: Call) -> bool:
    """Whether ``call`` runs only after a failure (by label or by a branch taken)."""
    if call.label is not None and kernel.error_path.search(call.label):
        return True
    return any(not c.early and is_error(kernel, c) for c in call.conditions)


def telling(kernel: KernelFacts, conditions: Iterable[Condition]) -> Condition | None:
    """The branch that decides between now and later, None when it is on all ways.

    The outermost one; a guard that only leaves on a failed allocation or an empty list
    decides nothing, nor does a test of whether the item was queued already.
    """
    candidates = [c for c in conditions if not _queues(kernel, c)]
    branches = [c for c in candidates if not c.early]
    early = [c for c in candidates if c.early and not _leaves_on_failure(kernel, c)]
    return next(iter(branches or early), None)


def _queues(kernel: KernelFacts, condition: Condition) -> bool:
    """Whether the test itself is the hand-off: ``if (add(item, list)) queue()``."""
    return any(
        word in kernel.list_adds or word in kernel.activations
        for word in _WORDS.findall(condition.text)
    )


def _leaves_on_failure(kernel: KernelFacts, guard: Condition) -> bool:
    """An early guard is said by its stay side; the side that leaves is the failure."""
    from msgspec.structs import replace

    return is_error(kernel, replace(guard, taken=not guard.taken))


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


def impossible(callee: Function, call: Call, conditions: Iterable[Condition]) -> bool:
    """Whether ``call`` passes a constant that rules ``conditions`` in ``callee`` out."""
    constants = {
        parameter.name: call.args[place].strip()
        for place, parameter in enumerate(callee.parameters)
        if place < len(call.args)
    }
    for condition in conditions:
        said = plain(condition)
        wanted = not said.startswith("!")
        value = constants.get(said.lstrip("!"))
        if value in (_FALSE if wanted else _TRUE):
            return True
    return False
