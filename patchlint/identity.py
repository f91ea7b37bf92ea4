"""Downgrades of one state of a series, found again in another: by place, or by what runs them.

A later patch may rename a function or a file, or add to what moved.  A function's and a
callback's name mean something in one file each.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

    from patchlint.model.effect import Downgrade


class _OfFiles:
    """Downgrades by a name that means something in each file, to be found again in the same one.

    Of two paths that are both those of ``files`` at the end of a series each is a file of its
    own; one that is none of them was renamed, and may be any.
    """

    def __init__(self, files: Collection[str]) -> None:
        self._files = files
        self._known: dict[tuple[Hashable, str | None], list[Downgrade]] = {}

    def add(self, name: Hashable, one: Downgrade) -> None:
        """Keep ``one`` under a name that its file has."""
        for path in (one.path, *((None,) if one.path in self._files else (None, ""))):
            self._known.setdefault((name, path), []).append(one)

    def of(self, name: Hashable, path: str) -> Iterator[Downgrade]:
        """All that may be of that name in the file that is called ``path`` now, or was."""
        places = (path, "") if path in self._files else (None,)
        return chain.from_iterable(self._known.get((name, place), ()) for place in places)


class Matches:
    """The downgrades of a whole series, to be found again in its steps."""

    def __init__(self, downgrades: Sequence[Downgrade], files: Collection[str]) -> None:
        self._by_place: dict[tuple[str, str], list[Downgrade]] = {}
        self._by_callback = _OfFiles(files)
        for one in downgrades:
            self._by_place.setdefault((one.path, one.function), []).append(one)
            if one.after.callback is not None:
                self._by_callback.add(one.after.callback, one)

    def of(self, step: Sequence[Downgrade]) -> list[tuple[Downgrade, Downgrade | None]]:
        """The downgrades of a step, each with the one of the whole series that it is.

        One of the same function is nearer than one of the same callback, which another
        function may have lost to as well.
        """
        exact = [self._of_function(one) for one in step]
        taken = {id(one) for one in exact}
        rest: dict[tuple[str, str], Iterator[Downgrade]] = {}
        found: list[tuple[Downgrade, Downgrade | None]] = []
        for one, left in zip(step, exact, strict=True):
            near, callback = left, one.after.callback
            if near is None and callback is not None:
                others = self._by_callback.of(callback, one.path)
                following = rest.setdefault((callback, one.path), others)
                near = next((d for d in following if id(d) not in taken), None)
                first = islice(self._by_callback.of(callback, one.path), 2)
                near = near or next((d for d in first if d.function != one.function), None)
                taken.add(id(near))
            found.append((one, near))
        return found

    def _of_function(self, one: Downgrade) -> Downgrade | None:
        """What the same function lost in the whole series, if it lost the same."""
        for other in self._by_place.get((one.path, one.function), ()):
            if one.cleanup in {other.cleanup, *other.also} or other.cleanup in one.also:
                return other
        return None


class Known:
    """Downgrades that are known, to be asked whether one step shows them as well.

    A later patch may rename the function of a downgrade or add to what moved; the callback
    stays, or the function does.  With ``within_function`` the function has to stay.  ``files``
    are there at the end of the series: what each has under one name is not the same.
    """

    def __init__(
        self,
        downgrades: Iterable[Downgrade] = (),
        *,
        within_function: bool = False,
        files: Collection[str] = frozenset(),
    ) -> None:
        self._within = within_function
        self._places: set[tuple[Hashable, str, str]] = set()
        self._lost: set[tuple[str, str, str]] = set()
        self._also: set[tuple[str, str, str]] = set()
        self._callbacks = _OfFiles(files)
        for one in downgrades:
            self.add(one)

    def add(self, one: Downgrade) -> None:
        """From now on ``one`` is known."""
        place = (one.path, one.function)
        self._lost.add((*place, one.cleanup))
        self._also.update((*place, name) for name in (one.cleanup, *one.also))
        mark = (self._callback(one), *place)
        if one.after.callback is not None and mark not in self._places:
            self._places.add(mark)
            self._callbacks.add(self._callback(one), one)

    def has(self, one: Downgrade) -> bool:
        """Whether one of the known downgrades is ``one``."""
        place = (one.path, one.function)
        return (
            (*place, one.cleanup) in self._also
            or any((*place, name) in self._lost for name in one.also)
            # of one function the callback says nothing: it may have two losses behind it
            or any(
                (other.path, other.function) != place
                for other in self._callbacks.of(self._callback(one), one.path)
            )
        )

    def _callback(self, one: Downgrade) -> tuple[str, str | None]:
        return one.function if self._within else "", one.after.callback
