"""What a word of a patch can be good for, as bits, out of one set of tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.model.kernel import NameFacts, Registration

#: starts a callback that is bound elsewhere
ACTIVATES: Final = 1
#: binds a callback and starts it
STARTS: Final = 2
#: binds a callback
BINDS: Final = 4
#: goes from a callback's parameter to the object around it
CONTAINER: Final = 16
LIST_ADD: Final = 32
LIST_DRAIN: Final = 64
#: releases something, by a table or by its looks
RELEASE: Final = 128
#: the halves of a deferred twin
DIRECT: Final = 256
DEFERRED: Final = 512
WAITS: Final = 1024
#: releases under a name that no table and no pattern tells: that of an argument
WILD: Final = 2048
#: starts a callback that keeps the promise
KEEPS: Final = 4096
#: waits for a callback that runs
FLUSHES: Final = 8192
#: a release that no lost wait is told of
QUIET: Final = 16384

QUEUES: Final = ACTIVATES | STARTS
_MOST: Final = 200_000


class Words(dict[str, int]):
    """Bits by word.  A word that was not met yet is judged when it is asked for.

    With ``derived``, as where a tree tells what functions release, any function that no
    table knows may release something; :meth:`may_release` then has the last word.
    """

    def __init__(self, kernel: NameFacts, *, derived: bool = False) -> None:
        super().__init__()
        self.kernel = kernel
        self._derived = derived
        self._known: dict[str, int] = {}
        self._teardown = kernel.teardown
        self._not_teardown = kernel.not_teardown
        #: functions that no table knows, by whether a pattern shows that they release nothing
        self._releases_nothing: dict[str, bool] = {}
        for names, bits in _tables(kernel):
            for name in names:
                self._known[name] = self._known.get(name, 0) | bits
        self.update(self._known)
        #: finds the type of a callback's parameter
        self.types = re.compile(rf"\b(?:{'|'.join(map(re.escape, kernel.callback_types))})\b")
        #: deferred twin -> its direct ones
        self.twins: dict[str, set[str]] = {}
        for twin in kernel.twins.values():
            self.twins.setdefault(twin.deferred, set()).add(twin.direct)

    def __missing__(self, word: str) -> int:
        if len(self) > _MOST:
            self.clear()
        bits = self._known.get(word, 0)
        if self._derived:
            bits |= 0 if bits else RELEASE
        elif self._teardown.search(word) and not self._not_teardown.search(word):
            bits |= RELEASE
        self[word] = bits
        return bits

    def may_release(self, names: set[str]) -> set[str]:
        """Those of ``names``, which have the bit, that no pattern shows to release nothing."""
        if not self._derived:
            return names
        told = self._releases_nothing
        fresh = names - told.keys()
        told.update(
            (name, name not in self._known and self._not_teardown.search(name) is not None)
            for name in fresh
        )
        return {name for name in names if not told[name]}


def defers(registration: Registration) -> bool:
    """Whether a call that starts its callback lets it run later than a task would."""
    return registration.context is not None and not (registration.waits or registration.keeps)


def _tables(kernel: NameFacts) -> Iterator[tuple[Iterable[str], int]]:
    """Names of the tables with what they are good for."""
    registrations = kernel.registrations.items()
    activations = kernel.activations.items()
    waits = kernel.waits.items()
    twins = kernel.twins.values()
    yield kernel.releases.known, RELEASE
    yield kernel.releases.inherited, WILD
    yield kernel.releases.quiet, QUIET
    yield kernel.releases.scopes, RELEASE | WILD
    yield kernel.registrations, BINDS
    yield (name for name, one in registrations if one.activates), STARTS
    yield (name for name, one in registrations if one.waits or one.context == "task"), KEEPS
    yield kernel.activations, ACTIVATES
    yield (name for name, one in activations if one.keeps), KEEPS
    yield kernel.container_macros, CONTAINER
    yield kernel.list_adds, LIST_ADD
    yield kernel.list_drains, LIST_DRAIN
    yield kernel.waits, WAITS
    yield (
        (name for name, one in waits if one.restores and one.kind not in {"grace-period", "other"}),
        FLUSHES,
    )
    yield (twin.direct for twin in twins), DIRECT
    yield (twin.deferred for twin in twins), DEFERRED
