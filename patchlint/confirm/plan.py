"""A claim and the tables in, what to watch on a running kernel out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.confirm.claim import Claim
    from patchlint.model.kernel import KernelFacts, Workload

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}", re.ASCII)
#: frames of a chain that are worth a probe each
_MOST: Final = 12


class Plan(Struct, frozen=True):
    """What is watched: functions by what they are to the finding, and what tells contexts.

    ``entries`` lead to the release, ``callbacks`` are where it was moved, ``finals`` are
    pairs (release, function that ends it); ``missing`` says what of them is not known.
    ``calls`` are those of the entries that are system calls: the kernel has them by another
    name, behind one of ``prefixes``.  ``waits`` says that the promise was a wait, which is the
    release then: nothing runs later, and what shows the loss is that the function goes on without.
    ``workload`` is that of the family; where it does not go through what the finding is about
    it is not ``shown``: it is an example then, run when it is asked for and acquitting nobody.
    """

    claim: Claim
    entries: tuple[str, ...]
    releases: tuple[str, ...]
    finals: tuple[tuple[str, str], ...]
    callbacks: tuple[str, ...]
    frames: tuple[tuple[str, str], ...]
    workload: Workload | None
    shown: bool
    missing: tuple[str, ...]
    calls: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    waits: bool = False

    @property
    def nothing(self) -> str:
        """What to say where nothing can be shown, "" where something can."""
        return "" if self.releases else "nothing of this finding can be shown on a running kernel"

    @property
    def wanted(self) -> str:
        """What a command has to end in: the function that lost the promise, else the release."""
        names = _names([self.claim.function, *self.entries, *self.releases])
        return f"{names[0]}()" if names else "what the finding is about"

    @property
    def lacks(self) -> str:
        """What to say where no workload is known that shows this finding, "" where one is."""
        return "" if self.shown else self.nothing or self.demand()

    def demand(self, whom: str = "") -> str:
        """Ask for a command, to be given to ``whom``, where no workload is known."""
        given = f"{whom} a command" if whom else "a command"
        return f"no workload is known that goes through {self.wanted}: give {given} that does"

    @property
    def reproducer(self) -> str:
        """The shell lines of the family's workload, "" where there are none."""
        return (self.workload.script or "").strip() if self.workload is not None else ""


def make(claim: Claim, kernel: KernelFacts) -> Plan:
    """Return the plan for one claim.  Names that are no identifiers are left out and said."""
    releases, missing = _releases(claim)
    waits = bool(releases) and _is_wait(claim, kernel)
    known = kernel.cleanups.get(claim.cleanup)
    workload = kernel.workloads.get(claim.family)
    shown = (
        bool(releases)
        and workload is not None
        and workload.script is not None
        and workload.passes(claim.home)
    )
    finals: tuple[str, ...]
    if waits:
        finals = ()
    elif claim.cleanup not in releases:  # done by the function itself
        finals = releases
    elif known is not None and known.final:
        finals = known.final
    elif shown and workload is not None and workload.final:
        finals = workload.final
    else:
        finals = releases
        missing.append(
            f"what ends {claim.cleanup}() is not known: its own return is taken for the end"
        )
    before = [step.function for step in claim.before.chain]
    # who signals what is waited for leads to nothing
    after = [] if waits else [step.function for step in claim.after.chain]
    callback = claim.after.callback
    moved = after[after.index(callback) :] if callback in after else [callback or ""]
    callbacks = [one for one in _names(moved) if one not in releases]
    entries = [
        one
        for one in _names([*before, *after, claim.function])
        if one not in releases and one not in callbacks
    ]
    return Plan(
        claim,
        tuple(entries[:_MOST]),
        releases,
        tuple((release, final) for release in releases for final in _names(finals)),
        tuple(callbacks[:_MOST]),
        tuple(kernel.frames.items()),
        workload,
        shown,
        tuple(missing),
        _names(one for one in claim.system_calls if one in entries),
        _names(kernel.prefixes),
        waits,
    )


def _releases(claim: Claim) -> tuple[tuple[str, ...], list[str]]:
    """Return the function that releases, and what there is to say of that.

    What is no function (a counter that is lowered, a member that is cleared) is released by the
    function that does it later.  Who did it before is watched only where it is the same one: that
    he runs says nothing of whether he still does it.
    """
    if releases := _names([claim.cleanup]):
        return releases, []
    late = claim.after.chain[-1].function if claim.after.chain else ""
    found = _names([late])
    what = f"{claim.cleanup!r} is no function"
    # who loses the promise runs on both kernels
    if not found or late == claim.function:
        return (), [f"{what}, and none is known that does it later"]
    return found, [f"{what}: {late}(), which does it later, is watched in its place"]


def _is_wait(claim: Claim, kernel: KernelFacts) -> bool:
    """Whether a claim is that a function no longer waits, without anything that it waited for."""
    known = claim.cleanup in kernel.waits and bool(_names([claim.function]))
    return known and not claim.after.callback


def _names(given: Iterable[str]) -> tuple[str, ...]:
    """Return what of ``given`` are identifiers, each once: they become words of a shell."""
    return tuple(dict.fromkeys(one for one in given if _NAME.fullmatch(one)))
