"""Which moments a mail can be from: senders' clocks are wrong by decades."""

from __future__ import annotations

from typing import Final

#: before the kernel had a mailing list, in seconds since 1970 (1991-08-25)
EARLIEST: Final = 683_078_400.0
#: seconds by which a clock may be ahead
AHEAD: Final = 7 * 86_400.0


def plausible(seconds: float | None, now: float) -> float | None:
    """Return a date that a mail can have, None for one that only a wrong clock has."""
    return None if seconds is None or not EARLIEST <= seconds <= now + AHEAD else seconds
