"""Which command of an ioctl or a system call leads down a chain of callers: ``case IPC_RMID:``.

What is asked of an argument that the entry was given, above each call on the way, is put together:
each step narrows the commands down, as long as the argument is passed on by itself.  A request
says it in a member (``n->nlmsg_type``), which is asked of whatever object has it: errs towards the
command of another request, where one function works on two.

Errs towards no command: what is stored in a struct otherwise, asked with more than constants, or
one of many, is not told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from patchlint.model.facts import Condition, Function

_EQUAL: Final = re.compile(r"^\(*\s*((?:[^=!<>&|]|->)+?)\s*==\s*([A-Z][A-Z0-9_]{2,})\s*\)*$")
_CAST: Final = re.compile(r"^\(\s*[a-z_][\w\s]*\)\s*")
#: the number in a command, and nothing else of it: ``_IOC_NR(cmd)``
_NUMBER: Final = re.compile(r"^[A-Z_]+\(([^()]*)\)$")
#: of more commands than this none says what is called
MOST_COMMANDS: Final = 2

#: what is asked above a call that leads to the next function, and what that is given
Step = tuple["Sequence[Condition]", "Sequence[str]"]


def commands(
    steps: Iterable[tuple[Function, Sequence[Step]]], request: str = ""
) -> tuple[str, ...]:
    """The commands that lead down ``steps``: functions from the entry on, with what each calls.

    The calls of a step are all that lead to the next.  ``request`` is the member that says which
    command it is, where no argument of the entry does.
    """
    names: dict[str, str] = {}
    args: Sequence[Sequence[str]] = ()
    found: dict[str, tuple[str, ...]] = {}
    for place, (function, calls) in enumerate(steps):
        given = [one.name for one in function.parameters if one.name]
        names = _passed(names, given, args) if place else {name: name for name in given}
        names |= _copied(function, names, request)
        if not (names or request) or not calls:
            break
        meant = _meaning(names, request)
        for first in dict.fromkeys((*names.values(), *((request,) if request else ()))):
            asked = [_asked(conditions, first, meant) for conditions, _ in calls]
            if all(asked):
                here = tuple(dict.fromkeys(one for some in asked for one in some))
                before = found.get(first, here)
                # of several ways to one function one is followed: what is asked further down counts
                found[first] = tuple(one for one in before if one in here) or here
        args = [given for _, given in calls]
    told = [some for some in found.values() if 0 < len(some) <= MOST_COMMANDS]
    return min(told, key=len, default=())


def _copied(function: Function, names: Mapping[str, str], request: str) -> dict[str, str]:
    """The variables of a function that are only ever set to what says the command."""
    meant = _meaning(names, request)
    values: dict[str, set[str]] = {}
    for one in function.assignments:
        values.setdefault(one.target, set()).add(meant(one.value))
    return {name: next(iter(some)) for name, some in values.items() if len(some) == 1 and all(some)}


def _meaning(names: Mapping[str, str], request: str) -> Callable[[str], str]:
    """What tells which command an expression has: an argument of the entry, a member, or ""."""

    def meant(text: str) -> str:
        text = _CAST.sub("", text.strip())
        number = _NUMBER.match(text)
        text = number[1].strip() if number is not None else text
        last = re.split(r"->|\.", text)[-1]
        return request if request and last == request != text else names.get(text, "")

    return meant


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


def _asked(
    conditions: Iterable[Condition], first: str, meant: Callable[[str], str]
) -> tuple[str, ...]:
    """The constants of which ``first`` is one where a call is made, () where it may be any."""
    told: tuple[str, ...] | None = None
    for condition in conditions:
        if not condition.taken or condition.early:
            continue
        parts = [_EQUAL.match(part.strip()) for part in condition.text.split("||")]
        held = [part[2] for part in parts if part is not None and meant(part[1]) == first]
        if len(held) == len(parts):
            told = tuple(one for one in held if told is None or one in told)
    return told or ()
