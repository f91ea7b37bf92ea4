"""Effects: what a summary consists of, each one thing that a function does or leaves to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from patchlint.model.effect import Act

if TYPE_CHECKING:
    from patchlint.graph.build import Deferral
    from patchlint.graph.guards import Atom
    from patchlint.model.context import Guarantee
    from patchlint.model.effect import Step
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import Cleanup

Key = tuple[str, ...]
Class = Literal["row", "memory", "async", "named", "opaque", "indirect", "store", "gap"]

#: tests above one effect that are told apart
MOST_ATOMS: Final = 40


class Effect(Struct, frozen=True, gc=False):
    """One thing that is done: what, under which guard, by when.

    ``key`` is what is done, modulo variables: ``("call", "fput")``, ``("icall", "release")``,
    ``("store", "state", "=", "DEAD")``, ``("bit", "BUSY")``, ``("share", "->locked_vm")``,
    ``("number", "lamp_ida")``,
    ``("gap", path, line)``.
    ``root`` is the call in the summarised function on the way to it, ``site`` the call that
    does it, in ``where``; ``line`` that of the site (a store has no call).  ``edge`` is the
    first deferral on the way, ``last`` the hop that does it.  ``chain`` leads from the
    function to the site.
    """

    key: Key
    kind: Class
    known: Cleanup | None
    guarantee: Guarantee
    guard: tuple[Atom, ...]
    args: tuple[str, ...]
    root: Call | None
    site: Call | None
    where: Function
    line: int
    chain: tuple[Step, ...]
    between: tuple[Call, ...] = ()
    edge: Deferral | None = None
    last: Deferral | None = None
    #: a wait on the way that holds the task until a deferred effect is done
    wait: Call | None = None
    #: deferred by a helper that nobody shows, known by its name alone
    guessed: bool = False
    #: how many of the guard's tests stand above the first deferral
    outer: int = 0
    #: task work on the way, which keeps the promise
    kept: Deferral | None = None
    #: operations through whose member a call on the way goes: struct, folder of the function
    through: tuple[tuple[str, str], ...] = ()
    #: the function that waits for it, if somebody else has started it
    pending: Function | None = None
    #: a wait on the way for a callback in which a deferred effect puts itself off again
    vain: Call | None = None
    #: how many of the guard's tests stand above the hop that does it
    inner: int = 0
    #: the function that calls it when it gives the last reference back
    put: str = ""

    @property
    def above(self) -> tuple[Atom, ...]:
        """The tests that decide whether it is deferred, or done inline."""
        return self.guard if self.edge is None else self.guard[: self.outer]

    @property
    def way(self) -> tuple[Call, ...]:
        """The calls that lead to it, first that of the summarised function."""
        return self.between if self.root is None else (self.root, *self.between)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that lead to it, and the one that does it."""
        return self.way if self.site is None else (*self.way, self.site)

    @property
    def hop(self) -> Deferral | None:
        """The deferral behind which it is done, the last on the way; None where there is none."""
        return self.last or self.edge

    @property
    def late(self) -> bool:
        """Whether it may be done after the summarised function has returned."""
        return self.edge is not None and self.wait is None

    @property
    def name(self) -> str:
        """What is done, as a maintainer would call it."""
        if self.key[0] == "store":
            return f"->{self.key[1]} {self.key[2]} {self.key[3]}"
        if self.key[0] == "gap":
            return self.where.name
        return self.key[1]

    @property
    def act(self) -> Act:
        """What is done, by its parts."""
        match self.key:
            case ("store", member, op, value):
                cleared = op == "&=" and value.startswith("~")
                return (
                    Act("bit", f"{value[1:]} in ->{member}")
                    if cleared
                    else Act("store", member, value)
                )
            case ("gap", *_):
                return Act("rest", self.where.name)
            case ("wait", _, waited):
                return Act("wait", waited)
            case ("share" | "bit" | "number" as kind, name):
                return Act(kind, name)
            case ("icall", member):
                return Act("member", member)
        return Act("call", self.name, put=self.put)

    @property
    def visible(self) -> bool:
        """Whether user space can see that it is late; what is not known may be seen."""
        return self.known.visible if self.known else self.kind != "memory"

    @property
    def context_bound(self) -> bool:
        """Whether it puts itself off when it runs outside of a task."""
        known = self.known
        return known is not None and known.kind in ("ctx", "wrap") and known.deferred != known.task

    @property
    def root_line(self) -> int:
        """Line in the summarised function on which it is done, or on the way to it."""
        return self.root.line if self.root is not None else self.line


def class_of(known: Cleanup) -> Class:
    """What an effect is whose row is known."""
    if known.kind == "memory":
        return "memory"
    # what an RCU callback does in any context is done after a grace period, and nothing more
    return "async" if known.kind == "async" and known.task == "eventually" else "row"


def folder_of(path: str) -> str:
    """The folder of a file."""
    return path.rpartition("/")[0]
