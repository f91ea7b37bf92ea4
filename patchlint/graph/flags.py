"""What a local flag comes to where it is tested, told by what set it on the way.

``wait = true; if (x) wait = false; ... if (wait)`` asks for ``!x``, and the same with a flag that
a parameter brings asks for ``flag && !x``.

Control is taken to go down the text: what a jump back sets, or a test of a loop's later round,
is missed, and a flag that is set below its test or is filled by address is not told at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from patchlint.graph import guards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.facts import Condition, Function, Setting

#: tests above a setting that are put together; under more it is not told
_MOST_TESTS: Final = 6
#: a flag's test is told when it is not longer than this
_LONGEST: Final = 320
_NAME: Final = re.compile(r"^[A-Za-z_]\w*(?:\.\w+)?$")
_CALLED: Final = re.compile(r"^[A-Za-z_]\w*\s*\(")
_TRUE: Final = "true"
_FALSE: Final = "false"
#: the test of a branch that a hunk shows without its head
UNKNOWN: Final = "1"


class Told(NamedTuple):
    """What a flag asks for, and on which lines of the function that was decided."""

    text: str
    lines: tuple[int, ...]


def flag(function: Function, name: str, line: int, above: Sequence[Condition]) -> Told | None:
    """What testing ``name`` on a line asks for, under the tests ``above`` it.

    ``name`` is a local variable, a parameter, or a member of a local struct.  None when nothing
    sets it under a test of its own, and when it cannot be told.
    """
    settings = _settings(function, name, line) if function.settings and _NAME.match(name) else []
    if not settings:
        return None
    parameter = any(one.name == name for one in function.parameters)
    text: str | None = name if parameter else None
    lines: list[int] = []
    own = False
    for one in settings:
        tests = one.under(above)
        under = _under(tests)
        text = _after(one, under, text) if under is not None else None
        if text is None or len(text) > _LONGEST:
            return None
        own = bool(under) or one.op != "="
        lines = [*(lines if own else ()), one.line, *(test.line for test in tests)]
    # of a constant that others may overwrite where no hunk shows it nothing is known
    known = own if text not in (_TRUE, _FALSE) else function.complete
    return Told(text, tuple(lines)) if text is not None and known else None


def _settings(function: Function, name: str, line: int) -> list[Setting]:
    """What sets a variable, or a member of one, above a line; nothing where others may set it."""
    whole, _, member = name.partition(".")
    found = []
    for one in function.settings:
        if one.target == name:
            found.append(one)
        elif member and one.target == whole:
            value = _initial(one.value, member)
            if value is None:
                return []
            found.append(replace(one, value=value))
    if any(one.line >= line or (one.in_loop and not one.conditions) for one in found):
        return []
    # a struct is filled by who got its address before
    address, last = f"&{whole}", line if member else 1 << 30
    given = any(address in call.args and call.line < last for call in function.calls)
    return [] if given else found


def _initial(value: str, member: str) -> str | None:
    """What the initializer of a struct gives a member, None when that is not told."""
    if not value.startswith("{"):
        return None
    named = re.search(rf"\.{member}\s*=\s*([^,{{}}]+)", value)
    if named is not None:
        return named[1].strip()
    plain = value.strip("{} \t,")
    return _FALSE if plain in ("", "0") or plain.startswith(".") else None


def _under(tests: Sequence[Condition]) -> str | None:
    """The tests of its own that a setting stands under, "" for none, None when they are not known.

    An early guard above it is one above the test as well, unless a jump went round that.
    """
    if len(tests) > _MOST_TESTS or any(c.text == UNKNOWN for c in tests):
        return None
    return " && ".join(_side(c.text, taken=c.taken) for c in tests)


def _side(text: str, *, taken: bool) -> str:
    bare, positive = guards.normal(text)
    return _group(bare) if positive == taken else f"!{_group(bare)}"


def _group(text: str) -> str:
    return text if guards.is_plain(text) else f"({text})"


def _after(setting: Setting, under: str, text: str | None) -> str | None:
    """What a flag that asked for ``text`` asks for behind a setting; None when it is not known."""
    if not setting.value or (setting.op == "&=" and under):
        return None
    if setting.op in ("|=", "&="):
        also = f"{under} && {_group(setting.value)}" if under else _group(setting.value)
        return _joined(text, "||" if setting.op == "|=" else "&&", also)
    value = guards.evaluate(setting.value)
    if setting.op != "=" or (under and value is None):
        return _under_test(setting, under, text)
    if not under:
        return setting.value if value is None else str(value).lower()
    if value:
        return _joined(text, "||", under)
    bare, positive = guards.normal(under)
    return _joined(text, "&&", _side(bare, taken=not positive))


def _under_test(setting: Setting, under: str, text: str | None) -> str | None:
    """What a flag that was not set before asks for where a test sets it to what is no constant.

    Which call gave that says nothing of what it asks.
    """
    if setting.op != "=" or text != _FALSE or _CALLED.match(setting.value):
        return None
    return f"{under} && {_group(setting.value)}"


def _joined(text: str | None, joint: str, other: str) -> str:
    """``text`` and ``other`` joined; a constant, or nothing known, leaves the other or decides."""
    if text is None or text == (_FALSE if joint == "||" else _TRUE):
        return other
    if text in (_TRUE, _FALSE):
        return text
    return f"{_group(text)} {joint} {_group(other)}"
