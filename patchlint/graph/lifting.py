"""What a function asks and is given, in the terms of one call of it.

The arguments of the call are put in the place of parameters.  Where the caller's constants
answer a test it falls away, and what stands under one that they rule out is not done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.graph import guards

if TYPE_CHECKING:
    from collections.abc import Callable

    from patchlint.graph.guards import Atom
    from patchlint.model.kernel import KernelFacts

#: an argument in the caller's terms is not longer than this
_LONGEST: Final = 80


class PutIn:
    """The arguments of one call in the place of the parameters of what it calls.

    Effects of one function share their guards, tests and arguments: each is worked out once
    a call.  They are known by identity, which holds as long as those effects do.
    """

    def __init__(
        self,
        given: dict[str, str],
        kernel: KernelFacts,
        above: tuple[Atom, ...] = (),
        tell: Callable[[Atom], Atom] | None = None,
    ) -> None:
        self._given = given
        self._kernel = kernel
        self._above = above
        self._tell = tell
        self._guards: dict[int, tuple[tuple[Atom, ...] | None, int]] = {}
        self._atoms: dict[int, Atom | bool] = {}
        self._texts: dict[tuple[str, ...], tuple[str, ...]] = {}

    def guard(self, atoms: tuple[Atom, ...]) -> tuple[tuple[Atom, ...] | None, int]:
        """Tests in the caller's terms below those above the call, and how many more they are.

        None when the caller's constants rule out what stands under them.
        """
        known = self._guards.get(id(atoms))
        if known is None:
            lifted = self._lifted(atoms)
            whole = None if lifted is None else (*self._above, *lifted)
            known = self._guards[id(atoms)] = (whole, len(whole or ()) - len(atoms))
        return known

    def _lifted(self, atoms: tuple[Atom, ...]) -> tuple[Atom, ...] | None:
        if not self._given or not atoms:
            return atoms
        known = self._atoms
        found: list[Atom] = []
        for atom in atoms:
            lifted = known.get(id(atom))
            if lifted is None:
                lifted = guards.lifted(atom, self._given, self._kernel)
                if self._tell is not None and not isinstance(lifted, bool) and lifted != atom:
                    lifted = self._tell(lifted)
                known[id(atom)] = lifted
            if lifted is False:
                return None
            if lifted is not True:
                found.append(lifted)
        return tuple(found)

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


def _short(text: str, other: str) -> str:
    return text if len(text) <= _LONGEST else other
