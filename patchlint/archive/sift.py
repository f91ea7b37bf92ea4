"""Which series can have a finding at all, told from the words of its patches.

The graph stage makes a finding only of what it can name: an edge to a callback (something
that queues, and something that binds, or both in one), with a release behind it that was
done before as well; or a deferred twin in the place of its direct one.  Here the words
are asked for and nothing else, so that a series may pass that has no finding; none that
has one is held back.  This holds for hunks alone: a tree shows more than the words do.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

from patchlint.archive.sketch import Sketch, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.model.kernel import KernelFacts

_HUNK: Final = b"@@ -"
#: everything that is no part of a word made a blank
_BLANKED: Final = bytes(
    byte if chr(byte).isascii() and (chr(byte).isalnum() or byte == ord("_")) else ord(" ")
    for byte in range(256)
)

#: queues something that is bound elsewhere
_ACTIVATES: Final = 1
#: binds and queues in one
_STARTS: Final = 2
_BINDS: Final = 4
#: type of a callback's parameter, and the macro that goes from there to an object
_TYPE: Final = 8
_CONTAINER: Final = 16
_LIST_ADD: Final = 32
_LIST_DRAIN: Final = 64
_RELEASE: Final = 128
_DIRECT: Final = 256
_DEFERRED: Final = 512
_WAITS: Final = 1024
#: releases under a name that no table and no pattern tells
_WILD: Final = 2048
_MOST_WORDS: Final = 200_000
_SCOPE: Final = "scope"


class Sift:
    """The words of one set of tables, ready for look-ups."""

    def __init__(self, kernel: KernelFacts) -> None:
        self._words: dict[bytes, int] = {}
        self._idle: set[bytes] = set()
        self._known: dict[bytes, int] = {}
        self._teardown = re.compile(kernel.teardown.pattern.encode())
        self._not_teardown = re.compile(kernel.not_teardown.pattern.encode())
        for listed, bits in _tables(kernel):
            for name in listed:
                word = name.encode()
                self._known[word] = self._known.get(word, 0) | bits
        self._names = names(kernel, self._releases, self._wild)

    def bits(self, text: bytes) -> int:
        """Return what the words of a mail or diff, from its first hunk on, are good for."""
        start = text.find(_HUNK)
        if start < 0:
            return 0
        words = set(text[start:].translate(_BLANKED).split())
        # most words of a diff are good for nothing, and were met before
        return reduce(or_, map(self._of, words - self._idle), 0)

    def _of(self, word: bytes) -> int:
        bits = self._words.get(word)
        if bits is None:
            bits = self._known.get(word, 0)
            if self._teardown.search(word) and not self._not_teardown.search(word):
                bits |= _RELEASE
            if len(self._words) >= _MOST_WORDS:
                self._words.clear()
                self._idle.clear()
            self._words[word] = bits
            if not bits:
                self._idle.add(word)
        return bits

    def may_matter(self, diffs: Sequence[str]) -> bool:
        """Whether a series with these diffs may have a finding."""
        together = 0
        for diff in diffs:
            together |= self.bits(diff.encode("utf-8", "replace"))
        return possible(together) and Sketch(diffs, self._names).may_matter()

    def _releases(self, name: str) -> bool:
        return bool(self._of(name.encode()) & _RELEASE)

    def _wild(self, name: str) -> bool:
        return bool(self._of(name.encode()) & _WILD)


def _tables(kernel: KernelFacts) -> Iterator[tuple[Iterable[str], int]]:
    """Names of the tables with what they are good for."""
    registrations = kernel.registrations.items()
    yield kernel.cleanups, _RELEASE
    yield (name for name, one in kernel.cleanups.items() if one.kind == "inherit"), _WILD
    yield kernel.registrations, _BINDS
    yield (name for name, one in registrations if one.activates), _STARTS
    yield kernel.activations, _ACTIVATES
    yield kernel.callback_types, _TYPE
    yield kernel.container_macros, _CONTAINER
    yield kernel.list_adds, _LIST_ADD
    yield kernel.list_drains, _LIST_DRAIN
    yield kernel.waits, _WAITS
    yield (twin.direct for twin in kernel.twins.values()), _DIRECT
    yield (twin.deferred for twin in kernel.twins.values()), _DEFERRED
    scopes = (macro.pattern for macro in kernel.macros if macro.action.startswith(_SCOPE))
    yield scopes, _RELEASE | _WILD


def possible(bits: int) -> bool:
    """Whether the words of a series (the ``bits`` of its parts, ored) can make a finding."""
    if bits & _DIRECT and bits & _DEFERRED:
        return True
    if not bits & _RELEASE:
        return False
    binds = bits & _BINDS or (bits & _TYPE and bits & _CONTAINER)
    queues = bits & _ACTIVATES or (bits & _LIST_ADD and bits & _LIST_DRAIN)
    return bool(bits & _STARTS or (binds and queues))
