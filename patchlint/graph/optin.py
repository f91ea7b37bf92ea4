"""Whether only a request that the series brings comes to a deferral.

A test of what a function was given for a constant or an object that the series declares, a flag
or a file of sysfs, is never true for requests that there were before, as long as nothing that
stood before passes it on: what those rely on is done as it was.  A new member is another thing:
who sets it need not be who makes the request that it decides on.  Errs towards a note where a
hunk that is missing passes it on.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from patchlint.graph.follow import around, in_files

if TYPE_CHECKING:
    from patchlint.graph.build import Graph
    from patchlint.graph.effect import Effect
    from patchlint.graph.follow import Lines
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import Loss
    from patchlint.model.facts import Function

#: ``attr == &new_attr``, ``how == NEW``, ``flags & NEW``: what was given, and what it is tested for
_VALUE: Final = re.compile(r"^\w+\s*(?:==|&)\s*&?([A-Za-z_]\w*)$")
#: an object among those of an array
_LISTED: Final = r"\s*&{}[\w.]*,?\s*"
#: ``DEVICE_ATTR_RW(lamp_late);`` makes ``dev_attr_lamp_late``
_MACRO: Final = re.compile(r"[A-Za-z_]\w*\(.*\);?\s*$")
#: letters of an end of a name that tell whose it is
_LONG: Final = 6


class OptIn:
    """What a series brings, and who passes it on."""

    def __init__(self, before: Graph, after: Graph, lines: Lines) -> None:
        self._before = before
        self._after = after
        self._lines = lines
        self._known: dict[str, bool] = {}

    def asked(self, loss: Loss) -> bool:
        """Whether nobody who was there before comes to what is late."""
        return bool(loss.late) and all(self._asked(effect) for effect in loss.late)

    def _asked(self, effect: Effect) -> bool:
        return any(self._brought(atom) for atom in effect.above)

    def _brought(self, atom: Atom) -> bool:
        """Whether a test is true only for what the series brings."""
        found = _VALUE.match(atom.text) if atom.positive else None
        if found is None:
            return False
        word = found[1]
        if word not in self._known:
            self._known[word] = self._only_new(word)
        return self._known[word]

    def _only_new(self, word: str) -> bool:
        """Whether the series declares a word, and nothing that stood before passes it on."""
        if word in self._lines.words_before:
            return False
        declared = False
        for path, line, text in self._lines.said(word):
            function = self._function(path, line)
            if function is None:
                declared = True
            elif _gives(function, line, text, word) and self._comes(function):
                return False
        return declared or self._pasted(word)

    def _pasted(self, word: str) -> bool:
        """Whether a new macro at file scope is given the end of an object's name."""
        parts = word.split("_")
        ends = ("_".join(parts[place:]) for place in range(1, len(parts)))
        return any(
            self._lines.added(path, line)
            and self._function(path, line) is None
            and _MACRO.match(text) is not None
            for end in ends
            if len(end) >= _LONG
            for path, line, text in self._lines.said(end)
        )

    def _function(self, path: str, line: int) -> Function | None:
        return around(self._by_path.get(path, ()), line)

    @cached_property
    def _by_path(self) -> dict[str, list[Function]]:
        return in_files(self._after)

    def _stood(self, function: Function) -> bool:
        """Whether there was a function of that name in that file before."""
        return (self._lines.origin(function.path), function.name) in self._before.functions

    def _comes(self, function: Function) -> bool:
        """Whether anything that stood before is a function, or comes to it by calls."""
        seen = {function.name}
        todo = [function]
        while todo:
            one = todo.pop()
            if self._stood(one):
                return True
            for caller, _ in self._after.callers_of(one):
                if caller.name not in seen:
                    seen.add(caller.name)
                    todo.append(caller)
        return False


def _gives(function: Function, line: int, text: str, word: str) -> bool:
    """Whether a line of a function hands a value on: neither tests it, nor lists an object."""
    return line not in _tests(function) and re.fullmatch(_LISTED.format(word), text) is None


def _tests(function: Function) -> frozenset[int]:
    """The lines of a function on which something is tested."""
    above = [one.conditions for one in function.calls]
    above += [one.conditions for one in function.exits]
    above += [one.conditions for one in function.stores]
    return frozenset(test.line for conditions in above for test in conditions)
