"""States of a series compared: facts of images, graphs of both sides, what is late after.

Each is worked out once, since what a patch leaves is what the next one finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.effect import OTHER_VERSION
from patchlint.model.problem import Limitation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Ask, Comparison
    from patchlint.graph.optin import OptIn
    from patchlint.graph.standins import StandIn
    from patchlint.model.effect import Downgrade
    from patchlint.model.facts import FileFacts
    from patchlint.model.image import FilePair, Image, SeriesState
    from patchlint.model.kernel import Cleanup, Macro, Ruleset
    from patchlint.model.tree import TreeFacts

#: functions and lines of hunks, counted anew for each patch, whose patches are compared alone
_MOST_COMPARED: Final = 300_000
#: files whose text the syntax stage reads
C_SOURCES = (".c", ".h")


class Compared(Struct, frozen=True):
    """One step compared: its downgrades, and whether its last state leaves room for any."""

    downgrades: tuple[Downgrade, ...]
    possible: bool
    known: frozenset[tuple[str, str]]
    left: frozenset[str | None]
    #: functions before and after, and lines that the hunks show
    size: int
    #: functions after
    shown: frozenset[tuple[str, str]]

    def gave_back(self, downgrade: Downgrade) -> bool:
        """Whether the losing function of an earlier state is shown, and defers that no more."""
        place = (downgrade.home, downgrade.function)
        return place in self.shown and downgrade.after.callback not in self.left

    def born(self, downgrade: Downgrade) -> bool:
        """Whether the losing function is new in this step and the deferral is still there."""
        return (
            downgrade.home,
            downgrade.function,
        ) not in self.known and downgrade.after.callback in self.left


class Questions(Struct, frozen=True):
    """What the kernel tree at hand is asked for one series.

    ``ways``: how a function comes to run; ``derive``: the rows that it adds for functions, by
    name, as met in a path; ``bodies``: what its other files say; ``read``: the facts of an image.
    """

    ways: Ask
    derive: Callable[[Mapping[str, str]], dict[str, Cleanup]]
    bodies: Callable[[], TreeFacts]
    read: Callable[[Image, Sequence[Macro]], FileFacts]


class Facts:
    """Facts of images and comparisons of states, each worked out once.

    ``message`` and ``titles`` are those of a :class:`Comparison`; ``tree`` answers where one is
    at hand.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        message: str,
        titles: tuple[tuple[str, frozenset[str]], ...],
        tree: Questions | None,
    ) -> None:
        self.ruleset = ruleset
        self.message = message
        self.titles = titles
        self.tree = tree
        self.limitations: list[str] = []
        self.bounds: list[str] = []
        self._read: dict[tuple[str, bytes], FileFacts] = {}
        self._graphs: dict[tuple[int, ...], Graph] = {}
        self._spent = 0
        self._opt_in: OptIn | None = None

    def of(self, image: Image, pair: FilePair) -> FileFacts:
        """The facts of one side of a pair, by those of the other side where they are known."""
        key = (image.path, image.text)
        if key not in self._read:
            macros = self.ruleset.kernel.macros
            other = pair.pre if image is pair.post else pair.post
            known = None if other is None else self._read.get((other.path, other.text))
            if other is not None and known is not None and image.whole and other.whole:
                from patchlint.syntax.shared import extract_beside

                kept = pair.kept if image is pair.post else _turned(pair.kept)
                self._read[key] = extract_beside(image, other, known, kept, macros)
            elif self.tree is not None:
                self._read[key] = self.tree.read(image, macros)
            else:
                from patchlint.syntax.facts import extract

                self._read[key] = extract(image, macros)
        return self._read[key]

    def unread(self) -> list[Limitation]:
        """What of the C text that was read the parser gave up on, or may have got wrong."""
        # a file is read in many states, whose lines have other numbers: the first tells of all
        unmatched: dict[str, tuple[tuple[int, int], str]] = {}
        for (path, _), facts in self._read.items():
            for span in facts.unmatched:
                unmatched.setdefault(path, (span, "the brackets do not match"))
        for (path, _), facts in self._read.items():
            for span in facts.missed:
                unmatched.setdefault(path, (span, "no function comes out of them"))
        wrong = [
            Limitation(
                "syntax",
                f"{_lines(first, last)} could not be parsed: {why}",
                path,
                line=first,
            )
            for path, ((first, last), why) in unmatched.items()
        ]
        return wrong + [
            Limitation(
                "syntax",
                f"{_lines(first, last)} are not read as C: they take the parser too long"
                if last > first
                else f"{_lines(first, last)} is not read as C: it is too long",
                path,
                line=first,
            )
            for (path, _), facts in self._read.items()
            for first, last in facts.unread
        ]

    def _graph(
        self,
        images: Sequence[tuple[Image, FilePair]],
        more: tuple[FileFacts, ...],
        instead: tuple[StandIn, ...] = (),
    ) -> Graph:
        """The graph of one side, with bodies of a tree, and with what stood in tables."""
        from patchlint.graph.build import build
        from patchlint.model.facts import FileFacts

        # what a patch leaves is what the next one finds
        mark = tuple(id(image) for image, _ in images)
        if not (more or instead) and mark in self._graphs:
            return self._graphs[mark]
        known = {image.path: None if image.whole else image.known for image, _ in images}
        made = build(
            [
                *(self.of(image, pair) for image, pair in images),
                *more,
                *(
                    FileFacts(one.function.path, (one.function,), (), (one.table,))
                    for one in instead
                ),
            ],
            self.ruleset.kernel,
            known,
        )
        if not (more or instead):
            if len(self._graphs) > 1:
                self._graphs.pop(next(iter(self._graphs)))
            self._graphs[mark] = made
        return made

    def compare(
        self, state: SeriesState, beyond: Collection[tuple[str, str]] | None = None
    ) -> Compared:
        """Both sides of a state, compared; with a tree by the bodies that it has as well.

        With ``beyond`` only downgrades of functions that are not among these are wanted: all
        are told or, where there is none of such a function, none.
        """
        from patchlint.graph.comparison import Comparison
        from patchlint.graph.downgrades import find
        from patchlint.graph.follow import lines_of
        from patchlint.graph.losses import concerns_new, may_be_new
        from patchlint.graph.standins import stand_ins

        pairs = [pair for pair in state.files if pair.path.endswith(C_SOURCES)]
        old = [(p.pre, p) for p in pairs if p.pre]
        new = [(p.post, p) for p in pairs if p.post]
        lines = lines_of(pairs, self._graph(old, ()), self._graph(new, ()))

        def compared(
            more: tuple[FileFacts, ...], instead: tuple[StandIn, ...], tree: Questions | None
        ) -> Comparison:
            return Comparison(
                self._graph(old, more, instead),
                self._graph(new, more),
                lines,
                message=self.message,
                titles=self.titles,
                ways=None if tree is None else tree.ways,
                bodies=None if tree is None else tree.bodies,
                # the whole series is compared first: what it brings no step has met before
                opt_in=self._opt_in,
            )

        comparison = compared((), (), self.tree)
        instead = stand_ins(comparison.before, comparison.after, lines)
        if instead:
            comparison = compared((), instead, self.tree)
        if beyond is not None and not concerns_new(comparison, beyond):
            # bodies that a tree lends are none that the series adds
            self.bounds.extend(comparison.bounds)
            return _compared(comparison, pairs, ())
        bodies = comparison.bodies
        if self.tree is not None and bodies is not None:
            from patchlint.graph.borrow import borrow, rows, to_derive

            more = borrow(comparison, bodies)
            if more:
                comparison = compared(more, instead, self.tree)
            asked = to_derive(comparison)
            if asked:
                comparison = comparison.with_rows(rows(self.tree.derive(asked)))
        self._opt_in = comparison.opt_in
        found = (
            () if beyond is not None and not may_be_new(comparison, beyond) else find(comparison)
        )
        self.limitations.extend(comparison.limitations)
        self.bounds.extend(comparison.bounds)
        unfit = {p.path for p in pairs if not all(i is None or i.whole for i in (p.pre, p.post))}
        if self.tree is not None and any(_loud_in(unfit, one) for one in found):
            alone = compared((), instead, None)
            shown = {(one.home, one.function) for one in find(alone) if _loud_in(unfit, one)}
            found = tuple(_as_of_another(one, unfit, shown) for one in found)
        possible = bool(found or comparison.wanted or comparison.workers)
        return _compared(comparison, pairs, found, possible=possible)

    def beyond(self, state: SeriesState, known: Collection[tuple[str, str]]) -> bool:
        """Whether a state finds functions that are not ``known``, and leaves some such."""
        return all(
            any(
                (function.path, function.name) not in known
                for pair in state.files
                if (image := getattr(pair, side)) is not None and pair.path.endswith(C_SOURCES)
                for function in self.of(image, pair).functions
            )
            for side in ("pre", "post")
        )

    def afford(self, work: int) -> bool:
        """Whether one more comparison of so much can be paid; what is given up is said once."""
        self._spent += work
        if self._spent <= _MOST_COMPARED:
            return True
        self.bounds.append(
            "the series is too large to compare each patch alone: some findings stand at the last"
            " patch that touches their file, and what the series itself adds is not told"
        )
        return False


def _compared(
    comparison: Comparison,
    pairs: Sequence[FilePair],
    found: tuple[Downgrade, ...],
    *,
    possible: bool = False,
) -> Compared:
    """What is kept of a comparison."""
    return Compared(
        found,
        possible,
        frozenset(comparison.before.functions),
        frozenset(d.callback for d in comparison.after.deferrals),
        len(comparison.before.functions)
        + len(comparison.after.functions)
        + sum(_shown(pair) for pair in pairs),
        frozenset(comparison.after.functions),
    )


def _lines(first: int, last: int) -> str:
    """How some lines are called."""
    return f"lines {first} to {last}" if last > first else f"line {first}"


def _loud_in(paths: Collection[str], downgrade: Downgrade) -> bool:
    """Whether a downgrade is no note, in one of some files."""
    return downgrade.level_cap != "note" and downgrade.home in paths


def _as_of_another(
    downgrade: Downgrade, unfit: Collection[str], shown: Collection[tuple[str, str]]
) -> Downgrade:
    """A downgrade, a note where only the bodies of a tree show it that is of another version.

    Its file does not take the hunks: what stands around them there was not what they were made for.
    """
    if not _loud_in(unfit, downgrade) or (downgrade.home, downgrade.function) in shown:
        return downgrade
    return replace(
        downgrade,
        level_cap="note",
        confidence="low",
        reasons=(*downgrade.reasons, OTHER_VERSION),
    )


def _turned(kept: dict[int, int]) -> dict[int, int]:
    """The kept lines by their numbers after."""
    return {after: before for before, after in kept.items()}


def _shown(pair: FilePair) -> int:
    """How many lines of a file the hunks show; those of a whole file are read once for all."""
    image = pair.post or pair.pre
    if image is None or image.whole:
        return 0
    return sum(last - first + 1 for first, last in image.known)
