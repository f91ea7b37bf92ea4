"""Which series can have a finding at all, told from the words of its patches.

The graph stage makes a finding only of what it can name: an edge to a callback (something
that queues, and something that binds, or both in one), with a release behind it that was
done before as well; or a deferred twin in the place of its direct one.  Here the words
are asked for and nothing else, so that a series may pass that has no finding; none that
has one is held back.  This holds for hunks alone: with a tree the check itself makes the
sketch, of whole files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.graph import words
from patchlint.graph.marked import of_diffs
from patchlint.graph.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.kernel import KernelFacts

_HUNK: Final = b"@@ -"
#: everything that is no part of a word made a blank
_BLANKED: Final = bytes(
    byte if chr(byte).isascii() and (chr(byte).isalnum() or byte == ord("_")) else ord(" ")
    for byte in range(256)
)
_HEX: Final = b"0123456789abcdef"
_MOST: Final = 200_000


class Sift:
    """The words of one set of tables, ready for look-ups."""

    def __init__(self, kernel: KernelFacts) -> None:
        self._words = words.Words(kernel)
        #: words that are good for nothing
        self._idle: set[bytes] = set()
        #: words that are good for something, and what for
        self._telling: dict[bytes, int] = {}

    def bits(self, text: bytes) -> int:
        """Return what the words of a mail or diff, from its first hunk on, are good for."""
        start = text.find(_HUNK)
        if start < 0:
            return 0
        found = set(text[start:].translate(_BLANKED).split())
        # most words of a diff are good for nothing, and all were met before
        bits = 0
        known = self._telling.get
        for word in found - self._idle:
            bits |= known(word) or self._of(word)
        return bits

    def _of(self, word: bytes) -> int:
        name = word.decode("ascii")
        # numbers and abbreviated ids are a third of all words, and most come only once
        if not word.strip(_HEX) and name not in self._words:
            return 0
        bits = self._words[name]
        if len(self._idle) + len(self._telling) > _MOST:
            self._idle.clear()
            self._telling.clear()
        if bits:
            self._telling[word] = bits
        else:
            self._idle.add(word)
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
    binds = bits & words.BINDS or (bits & words.TYPE and bits & words.CONTAINER)
    queues = bits & words.ACTIVATES or (bits & words.LIST_ADD and bits & words.LIST_DRAIN)
    return bool(bits & words.STARTS or (binds and queues))
