"""Regular expressions that are compiled when they are first used.

Compiling all of them would take a tenth of a short check, and most inputs need few.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class LazyPattern:
    """Stands in for :class:`re.Pattern`."""

    #: methods are kept here once they were asked for, so that only the first look-up is slow
    __slots__ = ("_compiled", "flags", "fullmatch", "match", "pattern", "search")

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


def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """``pattern`` as something that behaves as a compiled one."""
    return cast("re.Pattern[AnyStr]", LazyPattern(pattern, flags))
