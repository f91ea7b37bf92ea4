"""Regular expressions that are compiled when they are first used.

Compiling all of them would take a fifth of a short check, and most inputs need few.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr, Final, cast

if TYPE_CHECKING:
    from collections.abc import Sequence


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


class AnyPattern:
    """Stands in for the :class:`re.Pattern` that matches where any of some does.

    Each comes with strings of which a text must have one to match, or none.  For the first
    texts only those that can match are compiled, for many all of them as one.
    """

    __slots__ = ("_asked", "_each", "_whole", "pattern")

    def __init__(self, each: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Keep the patterns, which are known to compile, each with its strings."""
        self.pattern = "|".join(f"(?:{pattern})" for pattern, _ in each) or "(?!)"
        self._each = [(LazyPattern(pattern), strings) for pattern, strings in each]
        self._asked = 0
        self._whole: re.Pattern[str] | None = None

    def search(self, text: str) -> re.Match[str] | None:
        """Return a match of any, None for none."""
        if self._whole is None:
            self._asked += 1
            if self._asked <= _FEW:
                return self._search(text)
            self._whole = re.compile(self.pattern)
        return self._whole.search(text)

    def _search(self, text: str) -> re.Match[str] | None:
        for pattern, strings in self._each:
            for string in strings or _ANY:
                if string in text:
                    found = pattern.search(text)
                    if found is not None:
                        return cast("re.Match[str]", found)
                    break
        return None

    def __reduce__(self) -> tuple[type[AnyPattern], tuple[list[tuple[str, Sequence[str]]]]]:
        return AnyPattern, ([(str(one.pattern), strings) for one, strings in self._each],)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnyPattern) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"AnyPattern({self.pattern!r})"


#: What stands in every text.
_ANY: Final = ("",)

#: For so many texts compiling what is needed is faster than compiling all.
_FEW: Final = 250


def any_of(each: Sequence[tuple[str, Sequence[str]]]) -> re.Pattern[str]:
    """Patterns, each with strings that guard it, as what behaves as a compiled one."""
    return cast("re.Pattern[str]", AnyPattern(each))


def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """``pattern`` as something that behaves as a compiled one."""
    return cast("re.Pattern[AnyStr]", LazyPattern(pattern, flags))
