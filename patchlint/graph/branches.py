"""Branch conditions: which are new, which mean an error path, which cannot hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.model.brackets import one_group
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.model.facts import Call, Condition, Exit, Function
    from patchlint.model.kernel import KernelFacts

#: types, without their stars, of what only a pointer to is asked for
_POINTED_AT: Final = re.compile(r"\b(?:struct|union|void)\b")
#: a return of those who succeed and one of the others
_BOTH: Final = 2
#: how a test ends that asks for an error code alone
_NEGATIVE: Final = re.compile(r"<\s*0\)*$")
_WRAPPERS: Final = re.compile(r"^(?:un)?likely\s*\((.*)\)$")


def plain(condition: Condition) -> str:
    """The condition as a maintainer would say it: ``lazy``, ``!d``, ``!(a && b)``."""
    text = " ".join(condition.text.split())
    while one_group(text):
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


def on_error_path(kernel: KernelFacts, call: Call, functions: Iterable[Function] = ()) -> bool:
    """Whether ``call`` runs only after a failure (by label or by a branch taken).

    ``functions`` are those that may hold the call: a variable that points to something there
    is no error code, whatever it is called.
    """
    holders = [f for f in functions if f.makes(call)] if call.label is not None else []
    if call.label is not None and (
        (kernel.error_path.search(call.label) and not any(_falls(f, call) for f in holders))
        or any(_behind_success(kernel, f, call) for f in holders)
    ):
        return True
    return any(
        not c.early and is_error(kernel, c) and not _asks_pointer(c, functions)
        for c in call.conditions
    )


def _falls(function: Function, call: Call) -> bool:
    """Whether those who succeed come to a label as well, whatever it is called.

    Nobody leaves for sure in the lines above it: ``ret = do_it(); err: put(x); return ret;``.
    Errs towards True where each way of a last branch leaves.
    """
    return function.complete and not any(
        leave.line < call.line and all(c.early for c in leave.conditions)
        for leave in function.exits
    )


def below_zero(call: Call) -> bool:
    """Whether a call stands where something came out negative, whatever it is called.

    Of a plain count that is none: errs towards a failure.
    """
    return any(c.taken and not c.early and _NEGATIVE.search(c.text) for c in call.conditions)


def undoes(kernel: KernelFacts, function: Function, call: Call) -> bool:
    """Whether a function that builds something calls this behind a label: to take it back."""
    return call.label is not None and kernel.builds(function.name)


def fails(kernel: KernelFacts, function: Function, call: Call) -> bool:
    """Whether the block of a branch around ``call`` ends by returning an error code."""
    block = [c for c in call.conditions if not c.early]
    leave = next(
        (
            leave
            for leave in function.exits
            if leave.line >= call.line and [c for c in leave.conditions if not c.early] == block
        ),
        None,
    )
    if not block or leave is None:
        return False
    if leave.text.startswith("goto "):
        return kernel.error_path.search(leave.text[5:]) is not None
    return kernel.error_value.search(leave.value) is not None


def gives_up(kernel: KernelFacts, function: Function, wait: Call) -> bool:
    """Whether a wait that ends early is tried again, or its caller told that it did."""
    if wait.in_loop:
        return True
    said = {wait.callee, wait.assigned or wait.callee}

    def asks(text: str) -> bool:
        return any(re.search(rf"\b{re.escape(word)}\b", text) for word in said)

    row = kernel.waits.get(wait.callee)
    bounded = row is not None and row.bounded

    def of_signals(condition: Condition) -> bool:
        # that the time is over is no error code: ``left < 0`` asks for signals alone
        negative = condition.taken and _NEGATIVE.search(condition.text) is not None
        return bounded and negative and asks(condition.text)

    return any(
        asks(leave.value)
        or (
            leave.line >= wait.line
            and (leave.text.startswith("goto") or kernel.error_value.search(leave.value))
            and any(asks(condition.text) for condition in leave.conditions)
        )
        for leave in function.exits
        if not any(of_signals(condition) for condition in leave.conditions)
    ) or any(
        store.line > wait.line and kernel.error_value.search(store.value)
        for store in function.assignments
    )


def _behind_success(kernel: KernelFacts, function: Function, call: Call) -> bool:
    """Whether a label is only come to when something failed, whatever it is called.

    A return that all who succeed come to stands before it, and what is returned behind it
    is an error code: ``return 0; put: fput(file); return err;``.
    """
    if len(function.results) < _BOTH:
        return False
    if not function.complete and not any(
        e.text == f"goto {call.label}" and any(is_error(kernel, c) for c in e.conditions)
        for e in function.exits
    ):
        return False
    *_, good, bad = function.results
    returns = (e for e in function.exits if e.text == "return")
    ends = [e.line for e in returns if all(c.early for c in e.conditions)]
    failed = kernel.error_value.search(bad) or any(
        a.target == bad and kernel.error_value.search(a.value) for a in function.assignments
    )
    return len(ends) == _BOTH and ends[0] < call.line < ends[1] and good != bad and bool(failed)


def _asks_pointer(condition: Condition, functions: Iterable[Function]) -> bool:
    """Whether a branch only asks if a pointer is there, and it is: no struct has a truth."""
    text = plain(condition)
    if not text.isidentifier():
        return False
    return any(may_point(f.type_of(text)) for f in functions)


def may_point(kind: str | None) -> bool:
    """Whether a variable of a type, told without its stars, can be tested as a pointer alone."""
    return _POINTED_AT.search(kind or "") is not None


def leaves_between(function: Function, first: Call, other: Call) -> bool:
    """Whether who has done ``first``, and done it well, leaves before ``other`` below it.

    As :func:`skips`; an exit on what ``first`` itself returned counts as well.
    """
    if skips(function, first, other):
        return True
    block = [c for c in first.conditions if not c.early]
    return any(
        first.line <= leave.line < other.line
        and leave.text == "return"
        and (around := [c for c in leave.conditions if not c.early])[:-1] == block
        and bool(around)
        and first.tested
        and around[-1].line == first.line
        for leave in function.exits
    )


_CASE: Final = lazy(r"^(.+\S)\s*==\s*([A-Z]\w*|\d+)$")


def _apart(first: Call, other: Call) -> bool:
    """Whether two calls stand in cases of one expression that are not the same."""
    cases = dict(_cases(first))
    return any(cases.get(asked, value) != value for asked, value in _cases(other))


def _cases(call: Call) -> Iterator[tuple[str, str]]:
    for condition in call.conditions:
        found = _CASE.match(condition.text) if condition.taken and not condition.early else None
        if found is not None:
            yield found[1], found[2]


_NOTHING: Final = lazy(
    r"^!(?:\w+(?:->|\.))*\w+$|\b(?:alloc|zalloc|kmem|list_empty)\w*\s*\(|[=!]=\s*NULL$"
)


def is_allocation(text: str) -> bool:
    """Whether a test only asks if there is something at all."""
    return _NOTHING.search(text) is not None and "alloc" in text


def skips(function: Function, first: Call, other: Call) -> bool:
    """Whether control that passed ``first`` leaves before it can reach ``other`` below it."""
    return next(leaves(function, first, other), None) is not None


def leaves(function: Function, first: Call, other: Call) -> Iterator[Exit]:
    """The exits that control which passed ``first`` takes before ``other`` below it.

    One for ``if (lazy) { queue(); return; }  release();``.  Errs towards none: only an exit
    in a block around ``first`` counts, and a goto only when its label is beyond.  What stands
    behind a label below the end of the function's own way is come to by a jump alone.  Of two
    cases of a switch who goes the one never came to the other.
    """
    if other.line <= first.line or _apart(first, other):
        return
    block = [c for c in first.conditions if not c.early]
    for leave in function.exits:
        if not first.line <= leave.line < other.line:
            continue
        around = [c for c in leave.conditions if not c.early]
        if around != block[: len(around)]:
            continue
        if leave.text == "return":
            if around or other.label is not None:
                yield leave
            return
        if leave.text.startswith("goto "):
            if around and leave.text[5:] != other.label:
                yield leave
            return
