"""A loss: what one function did before it returned, and what does it later now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from patchlint.graph.build import Deferral
    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Function

How = Literal["deferred", "worker", "replaced", "weaker", "handed", "shortened", "unawaited"]

#: losses of a wait for whatever it was
OF_A_WAIT: Final = frozenset({"shortened", "unawaited"})


class Loss(Struct, frozen=True):
    """``now`` continues ``was``, which did ``key`` inline; ``late`` does it instead.

    ``how``: ``deferred`` behind an edge of ``now``; ``worker`` in a function that ran
    deferred before, with no edge shown; ``replaced`` when a statement gave way to a
    deferral of something else on the same object; ``weaker`` when a release gave way to one
    that is done later by itself; ``shortened`` when a wait may be over too early, and
    ``unawaited`` when it is gone, and somebody still signals its end.
    ``narrowed`` is the test under which what is left inline now stands, ``instead`` what is left
    inline on the other ways.
    ``held``: all callers that the images show make up for it, and there may be others.
    ``runs`` is what a stop leaves running.
    """

    was: Function
    now: Function
    key: Key
    before: tuple[Effect, ...]
    late: tuple[Effect, ...]
    how: How
    narrowed: Atom | None = None
    instead: tuple[Effect, ...] = ()
    held: bool = False
    runs: str = ""

    @property
    def some_waited(self) -> bool:
        """Whether something that was lost was done by when a wait was over."""
        return any(effect.wait is not None for effect in self.before)

    @property
    def hops(self) -> tuple[Deferral, ...]:
        """The deferrals behind which what is late is done, as far as they are shown."""
        return tuple(hop for effect in self.late if (hop := effect.hop) is not None)

    @property
    def stood(self) -> frozenset[tuple[str, bool]]:
        """The tests above what was lost, on any way to it."""
        return frozenset(atom.sign for effect in self.before for atom in effect.guard)

    @property
    def all_waited(self) -> bool:
        """Whether all that was lost was done by when a wait was over."""
        return all(effect.wait is not None for effect in self.before)
