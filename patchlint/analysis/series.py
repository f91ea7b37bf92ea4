"""One series in, its downgrades out: images, facts, both graphs, and the tree at hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from patchlint.analysis.placing import placed
from patchlint.analysis.states import Facts, Questions
from patchlint.analysis.steps import downgrades, files_at_end, once
from patchlint.model.budget import OutOfBudgetError
from patchlint.model.problem import GIVEN_UP, TIME, Limitation, about

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from patchlint.analysis.at_hand import TreeAtHand
    from patchlint.graph.build import Graph
    from patchlint.graph.comparison import Ask
    from patchlint.graph.guards import Atom
    from patchlint.graph.reach.state import Searches
    from patchlint.graph.reach.way import Ways
    from patchlint.model.diff import FileDiff
    from patchlint.model.effect import Downgrade
    from patchlint.model.kernel import Cleanup, Macro, Ruleset
    from patchlint.model.mail import Series
    from patchlint.patch.apply import WholeImages
    from patchlint.patch.images import Composition

_UNREADABLE: Final = "but its contents cannot be read (a partial or damaged clone?)"
_UNSEARCHED: Final = (
    "the tree has no index, and who calls what was searched for {} times: it is not followed"
    " further, and entry points may be missing (patchlint index answers all at once)"
)


class Analysis(Struct, frozen=True):
    """The downgrades of one series, what its images were, and what could not be known.

    ``diffs`` is what each patch does, hunks where the images have them; ``lost`` says which
    hunks of a patch are in no image.
    """

    downgrades: tuple[Downgrade, ...]
    images: Literal["hunks", "whole", "mixed"]
    limitations: tuple[Limitation, ...]
    diffs: Mapping[int, tuple[FileDiff, ...]]
    lost: Mapping[int, Sequence[str]]


def analyse(
    series: Series,
    files: dict[int, tuple[FileDiff, ...]],
    ruleset: Ruleset,
    tree: TreeAtHand | None = None,
) -> Analysis:
    """Downgrades of a series, each in the patch that causes it.

    Each patch is compared with the state that it found, and the last state with the one
    before the series: what a patch takes away and a later one gives back is no finding.
    """
    from patchlint.graph.contexts import telling
    from patchlint.graph.reach.state import Searches

    whole = None if tree is None else _whole(series, files, tree, ruleset.kernel.macros)
    if tree is not None and whole is not None:
        tree = tree.serving(whole.versions)
    composition, images, limitations = _compose(series, files, whole)
    version = None if tree is None else tree.version(series.base_commit)
    if version is not None:
        ruleset = ruleset.at(version)
        limitations = (*limitations, *_unheld(ruleset, version))
    titles = telling(
        ruleset.kernel,
        (
            (p.subject, frozenset(f.old_path or f.path for f in files[p.number]))
            for p in series.patches
        ),
    )
    moved = whole.moved if whole is not None else {}
    searches, base = Searches(), series.base_commit
    questions = None if tree is None else _questions(tree, base, ruleset, moved, searches)
    facts = Facts(ruleset, "\n\n".join(p.message for p in series.patches), titles, questions)
    found: list[Downgrade] = []
    said: list[Limitation] = []
    try:
        downgrades(composition, facts, found, files)
    except OutOfBudgetError as error:
        said.append(given_up(series, error))
    said += facts.unread()
    if tree is not None:
        said += [Limitation("tree", text) for text in dict.fromkeys(tree.remarks)]
    if searches.refused:
        said.append(Limitation("tree", _UNSEARCHED.format(searches.made)))
    said += _lost(tree, {f.old_path or f.path for found in files.values() for f in found})
    said += [Limitation("tree", text) for text in dict.fromkeys(facts.limitations)]
    said += [Limitation("graph", text) for text in dict.fromkeys(facts.bounds)]
    if whole is not None:
        files = {p.number: shown for p, shown in zip(series.patches, whole.shown, strict=True)}
    told = [placed(one, files) for one in once(found, files_at_end(composition))]
    # that a flag is cleared elsewhere is nothing that is not known
    known = ("bit", "number")
    said += [_as_work(one) for one in told if _is_work(one) and one.what.kind not in known]
    told = [one for one in told if not _is_work(one)]
    return Analysis(tuple(told), images, (*limitations, *said), files, composition.lost)


def _is_work(downgrade: Downgrade) -> bool:
    """Whether a note tells of work alone: of 94 such, judged in archives, 4 were right."""
    return downgrade.work and downgrade.level_cap == "note"


def _as_work(downgrade: Downgrade) -> Limitation:
    """What is done later and that nothing tells to be a release, as what is not known."""
    function, after = downgrade.function, downgrade.after
    by = f"{after.callback}()" if after.callback else f"what {after.mechanism}() runs"
    goes = f"{downgrade.what.said} goes from {function}() to {by}"
    return Limitation(
        "graph",
        f"{goes}: nothing tells that it ends anything",
        downgrade.path,
        line=downgrade.line,
    )


def _lost(tree: TreeAtHand | None, touched: Collection[str]) -> list[Limitation]:
    """What of the tree was wanted so far and cannot be read; files of the series one by one."""
    paths = tree.lost() if tree is not None else []
    own = [path for path in paths if path in touched]
    said = [Limitation("tree", f"the tree has this file, {_UNREADABLE}", path) for path in own]
    others = [path for path in paths if path not in touched]
    if others:
        from patchlint.patch.trees import unseen

        said.append(Limitation("tree", unseen(others)))
    return said


def given_up(series: Series, error: OutOfBudgetError) -> Limitation:
    """The limitation of a series whose check was ended before it was done."""
    text = about(series.subject, why_given_up(error))
    return Limitation(TIME, text, message_id=_first_id(series))


def why_given_up(error: OutOfBudgetError) -> str:
    """How it is said that a check was ended before it was done, without its series."""
    return f"{GIVEN_UP}{str(error) or 'it takes too long'}"


def _first_id(series: Series) -> str | None:
    return series.patches[0].message_id if series.patches else None


def _unheld(ruleset: Ruleset, version: tuple[int, int]) -> list[Limitation]:
    """What is to be said of a kernel that is newer than all that the tables are held against."""
    kernel = ruleset.kernel
    if not kernel.unheld(version):
        return []
    return [
        Limitation(
            "tree",
            f"the tables are held against {' and '.join(kernel.held_against)}; what changed"
            f" until {version[0]}.{version[1]} may be unknown to them",
        )
    ]


def _questions(
    tree: TreeAtHand,
    base: str | None,
    ruleset: Ruleset,
    moved: Mapping[str, str],
    searches: Searches,
) -> Questions:
    """What a tree is asked at ``base``; ``moved`` are files that it has by other names."""
    return Questions(
        ways=partial(_ways, partial(tree.ways, base, ruleset, searches=searches), moved),
        derive=partial(_derive, partial(tree.derive, base, ruleset), moved),
        bodies=partial(tree.facts, base, ruleset.kernel.macros),
        read=tree.read,
    )


def _ways(
    ask: Ask,
    moved: Mapping[str, str],
    name: str,
    path: str,
    guard: tuple[Atom, ...],
    images: Graph,
) -> Ways:
    """Ask a tree that may know ``path`` by another name."""
    return ask(name, moved.get(path, path), guard, images)


def _derive(
    ask: Callable[[Mapping[str, str]], dict[str, Cleanup]],
    moved: Mapping[str, str],
    functions: Mapping[str, str],
) -> dict[str, Cleanup]:
    """Ask a tree that may know paths by other names."""
    return ask({name: moved.get(path, path) for name, path in functions.items()})


def _whole(
    series: Series,
    files: dict[int, tuple[FileDiff, ...]],
    tree: TreeAtHand,
    macros: Sequence[Macro],
) -> WholeImages:
    """The files of a series through all of its patches, as far as the tree has them."""
    from patchlint.patch.apply import whole_images

    return whole_images(
        tree.tree,
        [files[p.number] for p in series.patches],
        series.base_commit,
        series.prerequisites,
        others=[other.tree for other in tree.others],
        date=series.patches[0].date,
        defining=[
            partial(tree.defining, series.base_commit, macros),
            *(partial(other.defining, None, macros) for other in tree.others),
        ],
    )


def _compose(
    series: Series, files: dict[int, tuple[FileDiff, ...]], whole: WholeImages | None
) -> tuple[Composition, Literal["hunks", "whole", "mixed"], tuple[Limitation, ...]]:
    """The images of a series: whole where the tree has the files, else out of hunks."""
    from patchlint.patch.images import compose

    diffs = [(p.number, files[p.number], p.message_id) for p in series.patches]
    if whole is None:
        composition = compose(diffs)
        return composition, "hunks", composition.limitations
    numbers = [p.number for p in series.patches]
    placed = [
        (p.number, diffs, p.message_id)
        for p, diffs in zip(series.patches, whole.diffs, strict=True)
    ]
    composition = compose(placed, whole.texts(numbers), whole.parts(numbers))
    return composition, whole.images, (*whole.limitations, *composition.limitations)
