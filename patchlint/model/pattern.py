"""Regular expressions that are compiled when they are first used.

Compiling all of them would take a fifth of a short check, and most inputs need few.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class LazyPattern:
    """Stands in for :class:`re.Pattern`."""

    #: methods are kept here once they were asked for, so that only the first look-up is slow
    __slots__ = (
        "_compiled",
        *("findall", "finditer", "fullmatch", "match", "search", "split", "sub"),
        *("flags", "pattern"),
    )

    def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
        """Keep ``pattern``, which is known to compile."""
        self.pattern = pattern
        self.flags = flags
        self._compiled: re.Pattern[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        """Return what the compiled pattern has under ``name``."""
        if name.startswith("_"):
            raise AttributeError(name)
        if self._compiled is None:
            self._compiled = re.compile(self.pattern, self.flags)
        value = getattr(self._compiled, name)
        if name in self.__slots__:
            setattr(self, name, value)
        return value

    def __reduce__(self) -> tuple[type[LazyPattern], tuple[str | bytes, int]]:
        return LazyPattern, (self.pattern, self.flags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyPattern) and (other.pattern, other.flags) == (
            self.pattern,
            self.flags,
        )

    def __hash__(self) -> int:
        return hash((self.pattern, self.flags))

    def __repr__(self) -> str:
        return f"LazyPattern({self.pattern!r})"


#: a pattern with its guards, see :func:`patchlint.ruleset.guards.guards`
Guarded = tuple[str, "Sequence[Sequence[str]]"]


def _part(
    pattern: str, guards: Sequence[Sequence[str]]
) -> tuple[LazyPattern, tuple[str, ...], tuple[str, ...], list[Sequence[str]]]:
    """Return a pattern with what a text must start with, end with and have inside."""
    starts: tuple[str, ...] = ("",)
    ends: tuple[str, ...] = ("",)
    inside = []
    for strings in guards:
        if strings[0].startswith("^"):
            starts = tuple(string[1:] for string in strings)
        elif strings[0].endswith("$"):
            ends = tuple(string[:-1] for string in strings)
        else:
            inside.append(strings)
    return LazyPattern(pattern), starts, ends, inside


class AnyPattern:
    """Stands in for the :class:`re.Pattern` that matches where any of some does.

    Each comes with lists of strings: a text must have one string of each list to match, at its
    start those after ``^`` (whatever ``_`` stands before), at its end those before ``$``.  For
    the first texts only those that can match are compiled, for many all of them as one.
    """

    __slots__ = ("_asked", "_each", "_known", "_parts", "_whole", "pattern")

    def __init__(self, each: Sequence[Guarded]) -> None:
        """Keep the patterns, which are known to compile, each with its lists of strings."""
        self.pattern = "|".join(f"(?:{pattern})" for pattern, _ in each) or "(?!)"
        self._each = each
        self._parts = [_part(pattern, lists) for pattern, lists in each]
        self._asked = 0
        self._whole: re.Pattern[str] | None = None
        self._known: dict[str, re.Match[str] | None] = {}

    def search(self, text: str) -> re.Match[str] | None:
        """Return a match of any, None for none; names come again and again and are kept."""
        known = self._known
        if text in known:
            return known[text]
        if len(known) >= _MANY:
            known.clear()
        found = known[text] = self._searched(text)
        return found

    def _searched(self, text: str) -> re.Match[str] | None:
        if self._whole is None:
            self._asked += 1
            if self._asked <= _FEW:
                return self._search(text)
            self._whole = re.compile(self.pattern)
        return self._whole.search(text)

    def _search(self, text: str) -> re.Match[str] | None:
        found = (pattern.search(text) for pattern in self.candidates(text))
        return next((cast("re.Match[str]", one) for one in found if one is not None), None)

    def candidates(self, text: str) -> Iterator[LazyPattern]:
        """Give those of the patterns that can match, as far as their strings tell."""
        # a pattern may pass over "_" in front, and the end of a line
        front, back = text.lstrip("_"), text.rstrip("\n")
        for pattern, starts, ends, lists in self._parts:
            if not (front.startswith(starts) and back.endswith(ends)):
                continue
            for strings in lists:
                for string in strings:
                    if string in text:
                        break
                else:
                    break  # it has none of them
            else:
                yield pattern

    def __reduce__(self) -> tuple[type[AnyPattern], tuple[Sequence[Guarded]]]:
        return AnyPattern, (self._each,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnyPattern) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"AnyPattern({self.pattern!r})"


#: For so many texts compiling what is needed is faster than compiling all.
_FEW: Final = 250


#: Bounds the memory of texts that were asked for.
_MANY: Final = 20_000


def any_of(each: Sequence[Guarded]) -> re.Pattern[str]:
    """Patterns, each with lists of strings that guard it, as what behaves as a compiled one."""
    return cast("re.Pattern[str]", AnyPattern(each))


def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """``pattern`` as something that behaves as a compiled one."""
    return cast("re.Pattern[AnyStr]", LazyPattern(pattern, flags))
