"""Which command of an ioctl or a system call leads down a chain of callers: ``case IPC_RMID:``.

What is asked of an argument that the entry was given, above each call on the way, is put together:
each step narrows the commands down, as long as the argument is passed on by itself.

Errs towards no command: what is stored in a struct, asked with more than constants, or one of many,
is not told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.facts import Call, Function

_EQUAL: Final = re.compile(r"^\(*\s*(\w+)\s*==\s*([A-Z][A-Z0-9_]{2,})\s*\)*$")
_CAST: Final = re.compile(r"^\(\s*[a-z_][\w\s]*\)\s*")
#: of more commands than this none says what is called
MOST_COMMANDS: Final = 2


def commands(steps: Iterable[tuple[Function, Sequence[Call]]]) -> tuple[str, ...]:
    """The commands that lead down ``steps``: functions from the entry on, with what each calls.

    The calls of a step are all that lead to the next.
    """
    names: dict[str, str] = {}
    args: Sequence[Sequence[str]] = ()
    found: dict[str, tuple[str, ...]] = {}
    for place, (function, calls) in enumerate(steps):
        given = [one.name for one in function.parameters if one.name]
        names = _passed(names, given, args) if place else {name: name for name in given}
        if not names or not calls:
            break
        for local, first in names.items():
            asked = [_asked(call, local) for call in calls]
            if all(asked):
                here = tuple(dict.fromkeys(one for some in asked for one in some))
                before = found.get(first, here)
                # of several ways to one function one is followed: what is asked further down counts
                found[first] = tuple(one for one in before if one in here) or here
        args = [call.args for call in calls]
    told = [some for some in found.values() if 0 < len(some) <= MOST_COMMANDS]
    return min(told, key=len, default=())


def _passed(
    names: dict[str, str], parameters: Sequence[str], args: Sequence[Sequence[str]]
) -> dict[str, str]:
    """Which parameters of a callee are arguments of the entry, by what every call passes."""
    passed: dict[str, str] = {}
    for place, parameter in enumerate(parameters):
        texts = {_CAST.sub("", some[place]) for some in args if place < len(some)}
        (text, *others) = texts or {""}
        if not others and text in names:
            passed[parameter] = names[text]
    return passed


def _asked(call: Call, variable: str) -> tuple[str, ...]:
    """The constants of which a variable is one where a call is made, () where it may be any."""
    told: tuple[str, ...] | None = None
    for condition in call.conditions:
        if not condition.taken or condition.early:
            continue
        parts = [_EQUAL.match(part.strip()) for part in condition.text.split("||")]
        held = [part[2] for part in parts if part is not None and part[1] == variable]
        if len(held) == len(parts):
            told = tuple(one for one in held if told is None or one in told)
    return told or ()
