"""Which findings of two versions of a series are the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

    from patchlint.model.finding import Finding, Report


class Mark(Struct, frozen=True):
    """By what a finding is known again in another version; see :class:`Finding`.

    ``callback`` is what runs the release after, None where there is none.
    """

    fingerprint: str
    rule: str
    cleanup: str
    function: str
    callback: str | None
    path: str


class Version(Struct, frozen=True):
    """The findings of a version of a series, and the files that it changes."""

    marks: tuple[Mark, ...]
    files: frozenset[str]


def mark(finding: Finding) -> Mark:
    """Return by what a finding is known again."""
    return Mark(
        finding.fingerprint,
        finding.rule,
        finding.cleanup,
        finding.function,
        finding.after.callback,
        finding.path,
    )


def version(report: Report) -> Version:
    """Return the findings that a report on a version has, and the files of its patches."""
    patches = (patch for series in report.series for patch in series.patches)
    files = frozenset(name for patch in patches for name in patch.files)
    return Version(tuple(map(mark, report.findings)), files)


def pairs(old: Version, new: Version) -> list[tuple[Mark, Mark]]:
    """The findings of ``old`` that ``new`` has as well, each with what it is there.

    A fingerprint has the names of a worker and of the call that queues it, and that of a file.
    What it does not find again is the same where rule, release and function are, or else the
    callback: in one file, or in one that has another name now.
    """
    found: list[tuple[Mark, Mark]] = []
    known = {one.fingerprint: one for one in reversed(new.marks)}
    found += [(one, known[one.fingerprint]) for one in old.marks if one.fingerprint in known]
    taken = {one.fingerprint for one, _ in found}
    gone = [one for one in old.marks if one.fingerprint not in taken]
    fresh = [one for one in new.marks if one.fingerprint not in taken]
    for alike in (_function, _callback):
        for same in (_same_file, _renamed):
            more = _matched(gone, fresh, alike, same(old.files, new.files))
            found += more
            gone = [one for one in gone if all(one is not left for left, _ in more)]
            fresh = [one for one in fresh if all(one is not right for _, right in more)]
    return found


def _matched(
    gone: Sequence[Mark],
    fresh: Sequence[Mark],
    alike: Callable[[Mark], Hashable],
    same: Callable[[Mark, Mark], bool],
) -> list[tuple[Mark, Mark]]:
    """Pairs of what is alike, one to one, in order."""
    left: dict[Hashable, list[Mark]] = {}
    for one in fresh:
        left.setdefault(alike(one), []).append(one)
    found: list[tuple[Mark, Mark]] = []
    for one in gone:
        others = left.get(alike(one), [])
        match = None if alike(one) is None else next((o for o in others if same(one, o)), None)
        if match is not None:
            others.remove(match)
            found.append((one, match))
    return found


def _function(one: Mark) -> Hashable:
    return one.rule, one.cleanup, one.function


def _callback(one: Mark) -> Hashable:
    return None if one.callback is None else (one.rule, one.cleanup, one.callback)


def _same_file(_before: Collection[str], _after: Collection[str]) -> Callable[[Mark, Mark], bool]:
    return lambda one, other: one.path == other.path


def _renamed(before: Collection[str], after: Collection[str]) -> Callable[[Mark, Mark], bool]:
    """Of two files that both versions change each is its own."""
    return lambda one, other: not (one.path in after or other.path in before)
