"""Numbers of the record: shares with their bounds, by rule, level and confidence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.model.record import Miss, Track

_Z: Final = 1.959964


class Share(Struct, frozen=True):
    """So many ``right`` of so many ``decided``; ``low`` and ``high`` bound the true share.

    The bounds are Wilson's for 95 %, 0 and 1 where nothing is decided.
    """

    right: int
    decided: int
    low: float
    high: float

    @property
    def part(self) -> float | None:
        """The share itself, None of nothing."""
        return self.right / self.decided if self.decided else None


class Group(Struct, frozen=True):
    """What was judged of one rule, level or confidence; ``track.rule`` is its name.

    ``share`` is how many deserve the level that they had when they were judged, ``loud`` how
    many of those that the program tells louder than a note today deserve that.
    """

    track: Track
    share: Share
    loud: Share
    held: bool = False


class Stats(Struct, frozen=True):
    """The whole record in numbers.

    ``groups`` has a list for each field that is counted by; ``changed`` counts the findings
    whose level is another one today, by the level as judged and that of today.  ``repairs``
    is how many patches that something repaired are found, of those that could be, by family;
    ``known`` counts all repairs, and ``unfound`` lists those of what is not found or a note.
    """

    total: Group
    lists: int
    groups: dict[str, tuple[Group, ...]]
    changed: tuple[tuple[str, str, str, int], ...]
    repairs: Share
    families: tuple[tuple[str, Share], ...]
    known: int
    unfound: tuple[Miss, ...]


def share(right: int, decided: int) -> Share:
    """Return the share of ``right`` in ``decided`` with its bounds."""
    if not decided:
        return Share(right, decided, 0.0, 1.0)
    part = right / decided
    square = _Z * _Z
    middle = part + square / (2 * decided)
    wide = _Z * math.sqrt(part * (1 - part) / decided + square / (4 * decided * decided))
    below = 1 + square / decided
    low, high = (middle - wide) / below, (middle + wide) / below
    return Share(right, decided, max(0.0, low), min(1.0, high))
