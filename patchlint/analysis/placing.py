"""In which patch of a series a downgrade is told: one that shows something of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.model.effect import Ground
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from patchlint.model.diff import FileDiff
    from patchlint.model.effect import Downgrade

_WORD: Final = lazy(r"[A-Za-z_]\w*")


def placed(downgrade: Downgrade, files: Mapping[int, tuple[FileDiff, ...]]) -> Downgrade:
    """A downgrade in a patch of the series that shows something of it.

    The patch after which it is there may change neither the file of the function that lost
    nor that of the deferral: an earlier one did, and this one only made it show.  Where the
    patch shows the release alone, what defers is said to stand in another.
    """
    home = downgrade.home or downgrade.path
    own = files.get(downgrade.patch, ())
    if any(downgrade.path in names(file) for file in own):
        return downgrade
    released = {word for word in (downgrade.cleanup, *downgrade.also) if word.isidentifier()}
    starts = {downgrade.after.mechanism or ""} - {""}
    # where no patch brings the start it stood there before
    brings = _with_words(files, downgrade.path, "+", starts)
    defers = _changing(files, downgrade.path, "+", starts, downgrade.patch) if brings else None
    if not any(home in names(file) for file in own):
        cause = _changing(files, home, "-", released, downgrade.patch) or defers
        if cause is None:
            return _elsewhere(downgrade, "not in the series")
        downgrade = replace(downgrade, patch=cause)
        if any(downgrade.path in names(file) for file in files[cause]):
            return downgrade
    return _elsewhere(downgrade, "not in the series" if defers is None else f"in patch {defers}")


def _elsewhere(downgrade: Downgrade, where: str) -> Downgrade:
    """A downgrade that says of what defers that no line of its patch has it."""
    place = (downgrade.path, downgrade.line)
    chain = tuple(
        replace(step, note=f"{step.note} ({where})") if (step.path, step.line) == place else step
        for step in downgrade.after.chain
    )
    reason = Ground(f"what defers stands in another file than the patch changes: {where}")
    return replace(
        downgrade,
        after=replace(downgrade.after, chain=chain),
        reasons=(*downgrade.reasons, reason),
    )


def _changing(
    files: Mapping[int, tuple[FileDiff, ...]], path: str, kind: str, words: set[str], at: int
) -> int | None:
    """The last patch until ``at`` with a line of ``kind`` in ``path`` that has one of ``words``.

    In doubt the last one that changes the file, else the first after ``at`` that does.
    """
    numbers = [
        number
        for number, some in sorted(files.items())
        if any(path in names(file) for file in some)
    ]
    until = [number for number in numbers if number <= at]
    told = [number for number in _with_words(files, path, kind, words) if number <= at]
    return next(iter([*told[-1:], *until[-1:], *numbers]), None)


def _with_words(
    files: Mapping[int, tuple[FileDiff, ...]], path: str, kind: str, words: set[str]
) -> list[int]:
    """The patches with a line of ``kind`` in ``path`` that has one of ``words``, in order."""
    return [
        number
        for number, some in sorted(files.items())
        if any(
            not words.isdisjoint(_WORD.findall(text))
            for file in some
            if path in names(file)
            for text in texts(file, kind)
        )
    ]


def texts(file: FileDiff, kind: str) -> Iterator[str]:
    """The lines of one kind in the hunks of a file: those that come, or that go."""
    return (line.text for hunk in file.hunks for line in hunk.lines if line.kind == kind)


def names(file: FileDiff) -> tuple[str | None, str | None]:
    """What a file is called before a patch and after it, None where it is not there."""
    return file.old_path, file.new_path
