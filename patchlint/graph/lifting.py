"""What a function asks and is given, in the terms of one call of it.

The arguments of the call are put in the place of parameters.  Where the caller's constants
answer a test it falls away, and what stands under one that they rule out is not done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.graph import guards
from patchlint.graph.bindings import values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

#: an argument in the caller's terms is not longer than this
_LONGEST: Final = 80


class PutIn:
    """The arguments of one call in the place of the parameters of what it calls.

    Effects of one function share their guards, tests and arguments: each is worked out once
    a call, at ``place``.  They are known by identity, which holds as long as those effects do.
    """

    def __init__(
        self,
        given: dict[str, str],
        kernel: KernelFacts,
        above: tuple[Atom, ...] = (),
        tell: Callable[[Atom], tuple[Atom, ...] | bool] | None = None,
        *,
        place: tuple[str, int] = ("", 0),
    ) -> None:
        self._given = given
        self._kernel = kernel
        self._above = above
        self._tell = tell
        self._place = place
        self._guards: dict[int, tuple[tuple[Atom, ...] | None, Sequence[int]]] = {}
        self._atoms: dict[int, tuple[Atom, ...] | bool] = {}
        self._texts: dict[tuple[str, ...], tuple[str, ...]] = {}

    def guard(self, atoms: tuple[Atom, ...]) -> tuple[tuple[Atom, ...] | None, Sequence[int]]:
        """Tests in the caller's terms below those above the call, and where they stand now.

        The first ``n`` of them are the first ``places[n]`` of what comes back.  None when the
        caller's constants rule out what stands under them.
        """
        known = self._guards.get(id(atoms))
        if known is None:
            outside = len(self._above)
            lifted, places = self._lifted(atoms, outside)
            whole = None if lifted is None else (*self._above, *lifted)
            known = self._guards[id(atoms)] = (whole, places)
        return known

    def _lifted(
        self, atoms: tuple[Atom, ...], outside: int
    ) -> tuple[tuple[Atom, ...] | None, Sequence[int]]:
        if not self._given or not atoms:
            return atoms, range(outside, outside + len(atoms) + 1)
        known = self._atoms
        found: list[Atom] = []
        places = [outside]
        for atom in atoms:
            lifted = known.get(id(atom))
            if lifted is None:
                lifted = known[id(atom)] = self._lift(atom)
            if lifted is False:
                return None, ()
            if lifted is not True:
                found.extend(lifted)
            places.append(outside + len(found))
        return tuple(found), places

    def _lift(self, atom: Atom) -> tuple[Atom, ...] | bool:
        """One test in the caller's terms; True or False when what the caller passes decides it."""
        lifted = guards.lifted(atom, self._given, self._kernel, self._place)
        if self._tell is None or isinstance(lifted, bool) or lifted == (atom,):
            return lifted
        found: list[Atom] = []
        for one in lifted:
            told = self._tell(one)
            if told is False:
                return False
            if told is not True:
                found.extend(told)
        return tuple(found) or True

    def texts(self, args: tuple[str, ...]) -> tuple[str, ...]:
        """Arguments in the caller's terms; one that becomes too long stays as it is."""
        if not self._given or not args:
            return args
        known = self._texts.get(args)
        if known is None:
            given = self._given
            known = tuple([_short(guards.put_in(text, given), text) for text in args])
            self._texts[args] = known
        return known


def guard_above(
    callee: Function, call: Call, guard: tuple[Atom, ...], kernel: KernelFacts
) -> tuple[Atom, ...] | None:
    """The guard of ``callee`` in the terms of who calls it, None when its constants exclude it."""
    return PutIn(values(callee, call), kernel).guard(guard)[0]


def _short(text: str, other: str) -> str:
    return text if len(text) <= _LONGEST else other
