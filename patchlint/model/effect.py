"""Cleanup effects and their downgrades: what the graph stage hands to the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.model.context import Context, Guarantee

#: the family of what no table knows
STRUCTURAL: Final = "structural"


class Ground(Struct, frozen=True):
    """What a level rests on: ``said`` is a clause for people, the rest is for those who ask.

    ``slights`` one of several losses, which is nothing that anybody is known to wait for.
    ``also_by`` is a context, other than a task, that is shown to come to the old path as well;
    ``said`` is the place from which it does then.
    """

    said: str
    slights: bool = False
    also_by: Context | None = None


#: added to the weight of what is louder than a note
LOUD: Final = 100
#: grounds of a note that its headline tells: what is late is late in few cases, is nothing that
#: user space sees, or was never promised before
ON_FAILURE: Final = Ground("deferred on an error path only")
MEMORY_ONLY: Final = Ground("only memory is freed later")
LIMITED: Final = Ground("the wait may end before it is done: after some time, or by a signal")
ADDED: Final = Ground("the series itself adds what it then defers")
#: the ground of a note that it is one of a tree which is not the one of the patch
OTHER_VERSION: Final = Ground("only the tree shows it, and there the file is of another version")

#: how a condition begins that a caller's constant decides
CALLED_BY: Final = "called by "
#: a test that the configuration decides, with what turns it and its option
OPTION: Final = r"(!?)\(?defined\(?\s*(CONFIG_\w+)\)*"


class Step(Struct, frozen=True, gc=False):
    """One link of a chain: ``function`` at ``path:line`` does ``note``."""

    function: str
    path: str
    line: int
    note: str


class Promise(Struct, frozen=True):
    """One side of a downgrade: in which context a release runs, and by when it is done.

    ``delay`` is what its start puts it off by, where the call says that; ``last`` is what
    ``callback`` starts in turn, where it does not do it itself.  ``wait`` says in words what
    becomes of a wait for which nobody shows what is done by its end.
    """

    context: Context
    guarantee: Guarantee
    chain: tuple[Step, ...]
    mechanism: str | None = None
    callback: str | None = None
    #: of an unknown context: a function that has more callers than were followed
    many: str = ""
    delay: str = ""
    wait: str = ""
    last: str = ""
    #: of an unknown context: who comes to it, in words
    by: str = ""


class EntryChain(Struct, frozen=True):
    """An entry point that loses the promise, with the call chain that leads to it."""

    name: str
    kind: str
    chain: tuple[str, ...]
    #: how it is called so that it loses the promise: ``umount2(..., MNT_DETACH)``
    said: str = ""
    #: what it is called for, in words of user space: ``umount(2)``, ``driver unbind``
    event: str = ""


#: what is done, in a sentence, by its kind
_SAID: Final = {
    "call": "{name}()",
    "member": "->{name}()",
    "store": "the store of {value} to ->{name}",
    "bit": "the clearing of {name}",
    "share": "the lowering of {name}",
    "number": "the freeing of a number of {name}",
    "wait": "the wait for {name}",
    "rest": "the part of {name}() that no hunk shows",
}


class Act(Struct, frozen=True):
    """What is done, by its parts.

    ``name`` is that of a function or a member, of a bit that is cleared, a counter that is
    lowered (``share``) or a set that gets a ``number`` back, else what is waited for; of a
    ``rest`` it is the function that does it, in lines that no hunk shows.  ``value`` is what is
    stored.  ``put`` is the function that calls it when it gives the last reference back, "" for
    others.
    """

    kind: Literal["call", "member", "store", "bit", "share", "number", "wait", "rest"]
    name: str
    value: str = ""
    put: str = ""

    @property
    def said(self) -> str:
        """What is done, in a sentence."""
        return _SAID[self.kind].format(name=self.name, value=self.value)

    def runs(self, function: str) -> bool:
        """Whether it is told by the name of a function."""
        return function == self.put or (
            function == self.name and self.kind in ("call", "member", "rest")
        )


class Traits(Struct, frozen=True):
    """What speaks for or against an advice.

    ``added``: the series brings the callback.  ``locked``: it takes a lock that is held where it
    is started.  ``each_processor``: each processor has an item of its own.  ``holds``: the series
    takes a reference where it starts it.  ``stops``: the callback stops, cancels or drains
    something as well.  ``before_wait``: what was lost was done before a wait for a grace period.
    ``silent``: the losing function returns nothing.  ``asks``: what runs late asks whether it is
    to stop.  ``grace``: a grace period was waited for, or has to be over now.
    ``frees``: the losing function frees, behind the wait that is gone, what that was for.
    ``internal``: what is released is a file on a mount of the kernel's own.
    """

    added: bool = False
    locked: bool = False
    each_processor: bool = False
    holds: bool = False
    stops: bool = False
    before_wait: bool = False
    silent: bool = False
    asks: bool = False
    grace: bool = False
    frees: bool = False
    internal: bool = False


class Downgrade(Struct, frozen=True):
    """A cleanup whose promise got weaker.

    ``shape`` as in :class:`patchlint.model.kernel.Rule`; ``cleanup`` is the function that
    does the release and ``family`` its family, ``"structural"`` when no table knows it.
    ``what`` is what moved by its parts, ``also`` names further cleanups that moved with it, those
    of ``inner`` are done inside of others of them.  ``carrier`` is the function that does it all,
    before and after, "" where there is none or ``cleanup`` is told alone.
    ``condition`` is the branch on which the release is deferred, None when on all.  ``reasons``
    say why it is not louder than ``level_cap`` allows (old context mixed, error path, memory
    only...).  ``weight`` orders the downgrades of one function, the most telling first.
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
    reasons: tuple[Ground, ...]
    what: Act
    entry_points: tuple[EntryChain, ...] = ()
    weight: int = 0
    inner: frozenset[str] = frozenset()
    carrier: str = ""
    #: what did it before, and is there still, where ``function`` took its place
    predecessor: str = ""
    #: whether the callback may free what it is started by
    own: bool = False
    #: lines before the series on which the releases stood that were lost
    lost: tuple[int, ...] = ()
    #: lines after the series, in ``home``: the test that ``condition`` tells, and what leads to
    #: the deferral
    leading: tuple[int, ...] = ()
    #: file of ``function``; ``path`` is that of the deferral
    home: str = ""
    #: a wait of the new state that holds the call until the callback is done, and no longer
    in_vain: str = ""
    #: what a stop leaves running that does not wait for it
    runs_on: str = ""
    #: the wait that held the caller and is gone, by the function that was called for it
    waited: str = ""
    traits: Traits = Traits()
    #: after how long a wait that is left may end, as the call says it
    limit: str = ""
    #: what the call that does the release is given
    args: tuple[str, ...] = ()
    #: the callback that it waited for
    awaited: str = ""
    #: what fails until the callback has run: ``EBUSY from open(2)``
    refused: str = ""
    #: whether all that ``function`` did moved, and ``what`` with it
    body: bool = False
    #: whether nothing that moved has a row, the name of an end, or is a whole body
    work: bool = False
