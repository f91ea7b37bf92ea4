"""What a walk up a tree finds: the ways in which a function comes to run.

Which of them are told is decided here: a way with a mark is told where there are no others alone,
one by another's objects never.  That errs towards an entry point left out where the mark is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.effect import EntryChain

if TYPE_CHECKING:
    from patchlint.graph.contexts import Strength
    from patchlint.model.context import Context
    from patchlint.model.kernel import KernelFacts, Resource

#: functions of a chain of which the first does what it is called for by the last
_NEAR: Final = 2


class Marks(Struct, frozen=True):
    """What speaks against telling of a way where there are others; it goes up with the walk."""

    #: a call on the way is only made when something failed
    failed: bool = False
    #: a call on the way only undoes what its function had done
    aside: bool = False
    #: it leads through another's implementation of what a file on the way has its own of
    foreign: bool = False

    @property
    def clear(self) -> bool:
        """Whether nothing speaks against the way."""
        return not (self.failed or self.aside or self.foreign)


#: of a way that nothing speaks against
CLEAR: Final = Marks()


class Crossing(Struct, frozen=True):
    """A call through a member on a way: which member of which struct, and where it is bound."""

    struct: str
    member: str
    path: str
    #: functions of the chain from the one that is bound down
    below: int = 0
    #: the files that call through the member
    callers: tuple[str, ...] = ()


class Way(Struct, frozen=True):
    """One way in which a function comes to run: ``chain`` from the entry point down."""

    name: str
    kind: str
    context: Context
    strength: Strength
    #: user space waits for the task that runs it
    reaches_user: bool
    chain: tuple[str, ...]
    why: str
    #: what it can end, and how it is called so that it comes here
    ends: tuple[Resource, ...] = ()
    said: str = ""
    #: no table says what it can end
    unknown: bool = False
    marks: Marks = CLEAR
    #: it is called to end something
    ending: bool = False
    #: what it is called for, in words of user space
    event: str = ""
    #: the same with ``{command}`` in it, where the calls on the way tell which one
    asks: str = ""
    #: the member of what it is given that says which command it is
    request: str = ""
    #: the commands of which a table on the way holds the next function
    commands: tuple[str, ...] = ()
    #: the calls of the chain: where each of its functions calls the next
    calls: tuple[tuple[str, int], ...] = ()
    #: the calls through members on it
    through: tuple[Crossing, ...] = ()
    #: it runs once, when the kernel starts
    boot: bool = False
    #: it ends all that hangs on a process or a module, whatever that is
    general: bool = False
    #: it leads through a helper of everybody of which a table tells who else calls it
    rare: bool = False


class Ways(Struct, frozen=True):
    """All ways found.  ``known`` is False when the tree has no such function.

    ``cut`` is set when the walk reached its bound before it had seen all callers;
    ``hubs`` names the helpers of everybody above which it did not go, ``ends`` functions
    that something must run and that nothing seen does: a macro or a table that is not read.
    """

    ways: tuple[Way, ...]
    known: bool
    cut: bool
    hubs: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    #: what those of ``hubs`` are called for of which a table tells that
    classes: tuple[EntryChain, ...] = ()
    #: it was cut since there is no index, and a search of the tree answers a few questions alone
    unsearched: bool = False

    @property
    def complete(self) -> bool:
        """Whether all ways were followed to where they begin."""
        return not (self.cut or self.hubs or self.ends)

    @property
    def entry_points(self) -> tuple[EntryChain, ...]:
        """Entry points behind which user space waits, each once, the most telling first.

        Those that no guess leads to come first, of them what is called to end something, or by
        itself does for one command, before what ends all that a process has, then system calls,
        then the nearest.  Those that come there only when something failed, to undo
        what they did themselves, or by way of another's objects, are left out where there are
        others.  Where all come by a helper of everybody, what a table says of that helper stands
        for them: the few callers that are followed tell no more than the many that are not.
        """
        seen: dict[tuple[str, str], EntryChain] = {}
        waited = [way for way in self.ways if way.reaches_user]
        whole = [way for way in waited if not way.marks.failed] or waited
        own = [way for way in whole if not way.marks.foreign]
        meant = [way for way in own if not way.marks.aside] or own
        common = [one for one in self.classes if not one.said]
        if common and all(way.rare for way in meant) and meant:
            return tuple(common)
        for way in sorted([way for way in meant if not way.rare] or meant, key=_telling):
            seen.setdefault(
                (way.name, way.kind), EntryChain(way.name, way.kind, way.chain, way.said, way.event)
            )
        return tuple(seen.values())

    def carrying(self, kernel: KernelFacts, family: str) -> Ways:
        """The ways whose entry can end what ``family`` releases, and all that are no task."""
        kept = tuple(
            way for way in self.ways if not way.reaches_user or kernel.carries(way.ends, family)
        )
        return replace(self, ways=kept)


def _telling(way: Way) -> tuple[bool, bool, bool, bool, int]:
    """What speaks against telling of a way first, the weightiest first."""
    near = bool(way.event) and len(way.chain) <= _NEAR
    return (
        way.strength != "certain",
        not (way.ending or near),
        way.general,
        way.kind != "syscall",
        len(way.chain),
    )
