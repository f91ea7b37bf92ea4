"""What a helper that only answers a question asks, as one test.

``return a && b;`` is that test; ``if (!a) return false; return b;`` is ``a && b`` as well, and so
is each way through a switch that ends in a constant.

Errs towards not told: a helper that stores something, whose answer is a number, or whose test is
longer than some lines is known by its name alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph.guards import evaluate, is_plain, normal

if TYPE_CHECKING:
    from patchlint.model.facts import Exit, Function

#: a test that grows longer than this is not put in the place of a name
_LONGEST: Final = 600
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def question(helper: Function) -> str | None:
    """What ``helper`` returns the answer to, in its own terms; None where it is no such helper."""
    returns = [one for one in helper.exits if one.text == "return"]
    if helper.stores or not helper.complete or not returns:
        return None
    if len(returns) == 1 and not returns[0].conditions:
        # of two definitions for two configurations each may have another answer
        ways = [text for text in helper.results if evaluate(text) is None]
        if len(helper.results) != 1:
            return None
    else:
        if any(not one.value or _is_local(helper, one.value) for one in returns):
            return None
        ways = [way for one in returns if (way := _way(one))]
    told = " || ".join(ways if len(ways) == 1 else (f"({way})" for way in ways))
    return told if told and len(told) <= _LONGEST else None


def _way(leaves: Exit) -> str:
    """The test under which an exit says yes, "" where it never does."""
    answer = evaluate(leaves.value)
    if answer is False:
        return ""
    parts = [_said(one.text, taken=one.taken) for one in leaves.conditions]
    last = () if answer else (_said(leaves.value, taken=True),)
    return " && ".join((*parts, *last)) or "true"


def _said(text: str, *, taken: bool) -> str:
    """One test of several, without brackets that it does not need."""
    bare, positive = normal(text)
    said = bare if is_plain(bare) else f"({bare})"
    return said if positive == taken else f"!{said}"


def _is_local(helper: Function, value: str) -> bool:
    """Whether an answer is a variable of the helper, which no test tells."""
    return _NAME.fullmatch(value) is not None and any(value == one.name for one in helper.locals)
