"""Which series can have a finding at all, told from the calls in its patches.

The graph stage makes a finding only of what it can name: an edge to a callback (something
that queues, and something that binds, or both in one), with a release behind it that was
done before as well; or a deferred twin in the place of its direct one.  Here the names of
calls are asked for and nothing else, so that a series may pass that has no finding; none
that has one is held back.  This holds for hunks alone: with a tree the check itself makes the
sketch, of whole files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph import words
from patchlint.graph.marked import of_diffs
from patchlint.graph.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.kernel import NameFacts

_HUNK: Final = b"@@ -"
#: everything but words and opening brackets made a blank
_BLANKED: Final = bytes(
    byte if byte == ord("(") or re.match(rb"\w", bytes((byte,))) else ord(" ")
    for byte in range(256)
)
_MOST: Final = 200_000


class Sift:
    """The words of one set of tables, ready for look-ups."""

    def __init__(self, kernel: NameFacts) -> None:
        self._words = words.Words(kernel)
        self._bits: dict[bytes, int] = {}

    def bits(self, text: bytes) -> int:
        """Return what the calls in a mail or diff, from its first hunk on, are good for.

        A call is what stands before an opening bracket, with whatever is between.
        """
        start = text.find(_HUNK)
        if start < 0:
            return 0
        before = text[start:].translate(_BLANKED).split(b"(")
        del before[-1]
        bits = 0
        known = self._bits
        for word in {words[-1] for part in before if (words := part.rsplit(None, 1))}:
            found = known.get(word)
            bits |= self._of(word) if found is None else found
        return bits

    def _of(self, word: bytes) -> int:
        if len(self._bits) > _MOST:
            self._bits.clear()
        bits = self._bits[word] = self._words[word.decode("ascii")]
        return bits

    def may_matter(self, diffs: Sequence[str]) -> bool:
        """Whether a series with these diffs may have a finding, looked at line by line."""
        return Sketch(of_diffs(diffs), self._words).may_matter()


def possible(bits: int) -> bool:
    """Whether the words of a series (the ``bits`` of its parts, ored) can make a finding."""
    if bits & words.DIRECT and bits & words.DEFERRED:
        return True
    if not bits & words.RELEASE:
        return False
    # the type of the callback's parameter, which makes one of it as well, is no call
    binds = bits & (words.BINDS | words.CONTAINER)
    queues = bits & words.ACTIVATES or (bits & words.LIST_ADD and bits & words.LIST_DRAIN)
    return bool(bits & words.STARTS or (binds and queues))
