"""Cleanup effects and their downgrades: what the graph stage hands to the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.model.context import Context, Guarantee

#: the family of what no table knows
STRUCTURAL: Final = "structural"
#: reasons for a note that its headline tells: what is late is late in few cases, is nothing that
#: user space sees, or was never promised before
ON_FAILURE: Final = "deferred on an error path only"
MEMORY_ONLY: Final = "only memory is freed later"
LIMITED: Final = "the wait may end before it is done: after some time, or by a signal"
ADDED: Final = "the series itself adds what it then defers"
#: the reason for a note that it is one of a tree which is not the one of the patch
OTHER_VERSION: Final = "only the tree shows it, and there the file is of another version"

#: a test that the configuration decides, with what turns it and its option
OPTION: Final = r"(!?)\(?defined\(?\s*(CONFIG_\w+)\)*"


class Step(Struct, frozen=True, gc=False):
    """One link of a chain: ``function`` at ``path:line`` does ``note``."""

    function: str
    path: str
    line: int
    note: str


class Promise(Struct, frozen=True):
    """One side of a downgrade: in which context a release runs, and by when it is done."""

    context: Context
    guarantee: Guarantee
    chain: tuple[Step, ...]
    mechanism: str | None = None
    callback: str | None = None


class EntryChain(Struct, frozen=True):
    """An entry point that loses the promise, with the call chain that leads to it."""

    name: str
    kind: str
    chain: tuple[str, ...]
    #: how it is called so that it loses the promise: ``umount2(..., MNT_DETACH)``
    said: str = ""


class Downgrade(Struct, frozen=True):
    """A cleanup whose promise got weaker.

    ``shape`` as in :class:`patchlint.model.kernel.Rule`; ``cleanup`` is the function that
    does the release and ``family`` its family, ``"structural"`` when no table knows it.
    ``also`` names further cleanups that moved with it.  ``condition`` is the branch on
    which the release is deferred, None when on all.  ``reasons`` say why it is not
    louder than ``level_cap`` allows (old context mixed, error path, memory only...).
    ``weight`` orders the downgrades of one function, the most telling first.
    """

    shape: str
    cleanup: str
    family: str
    also: tuple[str, ...]
    function: str
    path: str
    line: int
    side: str
    patch: int
    before: Promise
    after: Promise
    condition: str | None
    level_cap: str
    confidence: str
    reasons: tuple[str, ...]
    entry_points: tuple[EntryChain, ...] = ()
    weight: int = 0
    #: lines before the series on which the releases stood that were lost
    lost: tuple[int, ...] = ()
    #: lines after the series, in ``home``: the test that ``condition`` tells, and what leads to
    #: the deferral
    leading: tuple[int, ...] = ()
    #: file of ``function``; ``path`` is that of the deferral
    home: str = ""
    #: what moved, in a sentence: ``mntput()``, ``->release()``, the part that no hunk shows
    what: str = ""
    #: a wait of the new state that holds the call until the callback is done, and no longer
    in_vain: str = ""
    #: whether all that ``function`` did moved, and ``what`` with it
    body: bool = False
    #: whether nothing that moved has a row, the name of an end, or is a whole body
    work: bool = False
