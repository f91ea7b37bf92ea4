"""Strings that a text must hold for a regular expression to match it.

Compiling an expression costs a short check more than it has for those that cannot match:
one whose strings a text has none of need not be compiled for it.  Errs towards no guard:
what is not understood here guards nothing, and the expression is always compiled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from patchlint.model.pattern import AnyPattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: one of these is in every text that matches
Guard = frozenset[str]

_TOKEN: Final = re.compile(
    r"(?P<open>\((?:\?:)?(?!\?))|(?P<close>\))|(?P<either>\|)"
    r"|(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<other>\\[wWdDsSbBAZ]|[.^$])"
    r"|(?P<char>\\[^A-Za-z0-9]|[^\\()\[\]|.^$*+?{}])"
)
_REPEAT: Final = re.compile(r"(?P<none>[*?]|\{0?,\d*\}|\{0\})\??|(?:\+|\{\d+(?:,\d*)?\})\??")


class _NotUnderstood(Exception):  # noqa: N818  caught here, nobody sees it
    pass


class _Atom(NamedTuple):
    """A part of an expression: a character, or what a group demands, or nothing known."""

    char: str = ""
    demands: tuple[Guard, ...] = ()


def guards(pattern: str, sample: Sequence[str]) -> list[list[str]]:
    """Return lists of strings; every match of ``pattern`` has one string out of each list.

    They are read by :class:`patchlint.model.pattern.AnyPattern`, with ``^`` before words that
    the text starts with and ``$`` behind those that it ends with.  Lists that most texts of
    ``sample`` have a string of are left out; the rarest comes first.
    """
    try:
        demands = {*_Reader(pattern).read(), *_edges(pattern)}
    except _NotUnderstood:
        return []
    shares = {one: _share(one, sample) for one in demands}
    rare = [one for one in demands if shares[one] <= _COMMON * len(sample)]
    rare.sort(key=lambda one: (shares[one], sorted(one)))
    return [sorted(one) for one in rare]


#: The share of texts from which on a guard is not worth its look.
_COMMON: Final = 0.5


def _edges(pattern: str) -> Iterator[Guard]:
    """Give the words that all matches start with, and those that they end with."""
    if "|" in _GROUP.sub("", pattern):
        return
    first, last = _FIRST.match(pattern), _LAST.search(pattern)
    if first is not None:
        yield frozenset(f"^{word}" for word in first[1].split("|"))
    if last is not None:
        yield frozenset(f"{word}$" for word in last[1].split("|"))


_GROUP: Final = re.compile(r"\(\?:[\w|?*+.^$\\\[\]-]*\)")
_FIRST: Final = re.compile(r"\^(?:_\*)?\(\?:([A-Za-z]\w*(?:\|[A-Za-z]\w*)*)\)(?![?*{])")
_LAST: Final = re.compile(r"\(\?:(\w+(?:\|\w+)*)\)\$\Z")


def _share(one: Guard, sample: Iterable[str]) -> int:
    alone = AnyPattern([("", [sorted(one)])])
    return sum(any(alone.candidates(text)) for text in sample)


class _Reader:
    """Reads an expression once, from its first byte to its last."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def read(self) -> tuple[Guard, ...]:
        """Return the guards of the whole expression."""
        demands = self._alternatives()
        if self._at != len(self._pattern):
            raise _NotUnderstood
        return demands

    def _alternatives(self) -> tuple[Guard, ...]:
        """Read up to the end of a group; one guard for several alternatives together."""
        each = [tuple(self._sequence())]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            each.append(tuple(self._sequence()))
        if len(each) == 1:
            return each[0]
        if not all(each):
            return ()
        return (frozenset().union(*(min(one, key=_weakness) for one in each)),)

    def _sequence(self) -> Iterator[Guard]:
        """Give the guards of what stands behind one another."""
        run = ""
        for atom in self._atoms():
            if atom.char:
                run += atom.char
                continue
            if run:
                yield frozenset({run})
                run = ""
            yield from atom.demands
        if run:
            yield frozenset({run})

    def _atoms(self) -> Iterator[_Atom]:
        while self._at < len(self._pattern):
            token = _TOKEN.match(self._pattern, self._at)
            if token is None:
                raise _NotUnderstood
            if token.lastgroup in {"close", "either"}:
                return
            self._at = token.end()
            demands: tuple[Guard, ...] = ()
            if token.lastgroup == "open":
                demands = self._alternatives()
                if not self._pattern.startswith(")", self._at):
                    raise _NotUnderstood
                self._at += 1
            repeat = _REPEAT.match(self._pattern, self._at)
            if repeat is not None:
                self._at = repeat.end()
            if repeat is not None and repeat["none"]:
                yield _Atom()
            elif token.lastgroup == "char":
                yield _Atom(char=token[0][-1])
                if repeat is not None:  # what follows need not stand beside it
                    yield _Atom()
            else:
                yield _Atom(demands=demands)


def _weakness(one: Guard) -> tuple[int, int]:
    """Order guards: one string before many, long before short."""
    return len(one), -min(map(len, one))
