"""How much one series may cost: a time limit and a count of work that long loops ask for.

A loop whose length an input decides asks the budget in force::

    from patchlint.model import budget

    spend = budget.current().spend
    for one in many:
        spend()              # raises OutOfBudgetError once the series has cost too much

A loop that has something to keep asks :meth:`Budget.allows` instead, stops when the answer
is False, and says so as a limitation.  Without a limit both only count, which is how the
tests see that work grows with its input and not faster.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: the clock is looked at once for so much work: it takes as long as some tens of it
_PACE: Final = 256


class OutOfBudgetError(BaseException):
    """The work at hand has cost more than it may; the text says what was exceeded.

    No Exception: what handles the failures of a stage must not take it for one.
    """


class Budget:
    """What may be spent on one piece of work.

    ``seconds`` is wall time from now on, ``work`` a number of units: an edge, a node, a
    comparison, whatever a loop does once.  None is no limit.
    """

    __slots__ = ("_clock", "_end", "_look", "seconds", "spent", "work")

    def __init__(
        self,
        seconds: float | None = None,
        work: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self.work = work
        #: units of work so far
        self.spent = 0
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds
        self._look = 0

    def allows(self, work: int = 1) -> bool:
        """Count ``work`` units that are about to be done; False when they are too many."""
        self.spent += work
        if self.work is not None and self.spent > self.work:
            return False
        if self._end is None or self.spent < self._look:
            return True
        if self._clock() > self._end:
            return False
        self._look = self.spent + _PACE
        return True

    def spend(self, work: int = 1) -> None:
        """As :meth:`allows`; raises :class:`OutOfBudgetError` instead of answering False."""
        if not self.allows(work):
            raise OutOfBudgetError(self.reason())

    def in_time(self) -> bool:
        """Whether there is time left.  Looks at the clock at each call, and counts nothing."""
        return self._end is None or self._clock() <= self._end

    def left(self) -> float | None:
        """Seconds until the end, not below 0; None without a time limit."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    def reason(self) -> str:
        """What was exceeded, in words for a limitation."""
        if self.work is not None and self.spent > self.work:
            return f"it needs more than {self.work} steps"
        return f"it takes more than {self.seconds:g} s" if self.seconds is not None else ""


#: counts, and limits nothing
_NONE: Final = Budget()
_current: ContextVar[Budget] = ContextVar("budget", default=_NONE)


def current() -> Budget:
    """Return the budget in force: that of the innermost :func:`limited`, else one without end."""
    return _current.get()


@contextmanager
def limited(budget: Budget) -> Iterator[Budget]:
    """Put ``budget`` in force for what is done inside; the one around it counts that as well."""
    around = _current.get()
    token = _current.set(budget)
    try:
        yield budget
    finally:
        _current.reset(token)
        around.spent += budget.spent
