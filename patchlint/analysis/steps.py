"""Which patches of a series lose something that the whole series does not give back.

The whole is compared first, then each patch with the state that it found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.analysis.placing import names, texts
from patchlint.identity import Known, Matches
from patchlint.model.effect import ADDED, LOUD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from patchlint.analysis.states import Compared, Facts
    from patchlint.model.diff import FileDiff
    from patchlint.model.effect import Downgrade
    from patchlint.patch.images import Composition


def downgrades(
    composition: Composition,
    facts: Facts,
    found: list[Downgrade],
    diffs: Mapping[int, tuple[FileDiff, ...]],
) -> None:
    """Add to ``found`` the downgrades of all steps that the whole series does not take back.

    What was added before the budget ends is kept: each is right by itself.
    """
    numbers = composition.numbers
    whole = facts.compare(composition.state(len(numbers)))
    if len(numbers) == 1:
        found.extend(replace(one, patch=numbers[0]) for one in whole.downgrades)
        return
    lost = [*whole.downgrades, *_broken_off(composition, facts, whole, diffs)]
    if not (whole.possible or lost):
        return
    files = files_at_end(composition)
    matches = Matches(lost, files)
    told: set[int] = set()
    for place, number in enumerate(numbers, 1):
        state = composition.step(place)
        # with nothing to find again only a function of the series itself can tell anything
        beyond = None if whole.downgrades else whole.known
        if beyond is not None and not facts.beyond(state, beyond):
            continue
        if not facts.afford(whole.size):
            break
        step = facts.compare(state, beyond)
        for one, left in matches.of(step.downgrades):
            if left is not None:
                told.add(id(left))
                found.append(replace(one, patch=number))
            elif whole.born(one):
                found.append(_as_note(one, number))
    states: dict[int, Known] = {}
    found.extend(
        replace(one, patch=_first(composition, facts, one, whole.size, states))
        for one in lost
        if id(one) not in told
    )


def _broken_off(
    composition: Composition,
    facts: Facts,
    whole: Compared,
    diffs: Mapping[int, tuple[FileDiff, ...]],
) -> list[Downgrade]:
    """What patches lose in files that a later one contradicts, so that the end cannot show it.

    It was given back where the end shows the losing function without the deferral, and a later
    patch has a line for that: what is only shown around its changes may be an older text.
    """
    found: list[Downgrade] = []
    known = Known(whole.downgrades, files=files_at_end(composition))
    for count, paths in composition.ends().items():
        if not facts.afford(whole.size):
            break
        for one in facts.compare(composition.state(count)).downgrades:
            later = (file for number in composition.numbers[count:] for file in diffs[number])
            if (
                one.path in paths
                and not known.has(one)
                and not (whole.gave_back(one) and _takes_back(later, one))
            ):
                known.add(one)
                found.append(one)
    return found


def _takes_back(later: Iterable[FileDiff], downgrade: Downgrade) -> bool:
    """Whether patches add a line with the release, or remove one with what put it off."""
    after = downgrade.after
    started = [word for word in (after.callback, after.mechanism) if word]
    places = {downgrade.path, downgrade.home}
    return any(
        any(downgrade.cleanup in text for text in texts(file, "+"))
        or any(word in text for text in texts(file, "-") for word in started)
        for file in later
        if not places.isdisjoint(names(file))
    )


def _as_note(downgrade: Downgrade, number: int) -> Downgrade:
    """What a series adds and itself defers: nobody relied on it yet."""
    return replace(
        downgrade,
        patch=number,
        level_cap="note",
        confidence="low",
        reasons=(ADDED, *downgrade.reasons),
        weight=downgrade.weight % LOUD,
    )


def _first(
    composition: Composition,
    facts: Facts,
    downgrade: Downgrade,
    size: int,
    states: dict[int, Known],
) -> int:
    """The first patch after which a downgrade that no patch shows alone is there.

    When that would cost too much the last patch that touches its file.  ``size`` is what
    one comparison costs, ``states`` keeps what there is after each patch.
    """
    *earlier, last = composition.numbers
    for count, number in enumerate(earlier, 1):
        if count not in states:
            state = composition.state(count)
            if not facts.afford(size):
                return _last_touching(composition, downgrade)
            files = files_at_end(composition)
            states[count] = Known(facts.compare(state).downgrades, files=files)
        if states[count].has(downgrade):
            return number
    return last


def _last_touching(composition: Composition, downgrade: Downgrade) -> int:
    """The last patch that touches the file of a downgrade."""
    last = composition.numbers[-1]
    files = composition.state(len(composition.numbers)).files
    touched = (file.touched for file in files if downgrade.path in (file.path, file.old_path))
    return max((patches[-1] for patches in touched if patches), default=last)


def files_at_end(composition: Composition) -> frozenset[str]:
    """The files that a series touches, by the names that they have behind it."""
    files = composition.state(len(composition.numbers)).files
    return frozenset(file.path for file in files if file.post is not None)


def once(found: Sequence[Downgrade], files: Collection[str]) -> list[Downgrade]:
    """Each downgrade once, in the patch where it is loudest, the most telling first."""
    kept: list[Downgrade] = []
    told = Known(within_function=True, files=files)
    for one in sorted(found, key=lambda d: (-d.weight, d.patch, d.path, d.line)):
        if not told.has(one):
            kept.append(one)
            told.add(one)
    return kept
