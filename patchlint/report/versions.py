"""Which findings of two versions of a series are the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

    from patchlint.model.finding import Finding, Report


def pairs(old: Report, new: Report) -> list[tuple[Finding, Finding]]:
    """The findings of ``old`` that ``new`` has as well, each with what it is there.

    A fingerprint has the names of a worker and of the call that queues it, and that of a file.
    What it does not find again is the same where rule, release and function are, or else the
    callback: in one file, or in one that has another name now.
    """
    found: list[tuple[Finding, Finding]] = []
    known = {finding.fingerprint: finding for finding in reversed(new.findings)}
    found += [(one, known[one.fingerprint]) for one in old.findings if one.fingerprint in known]
    taken = {one.fingerprint for one, _ in found}
    gone = [one for one in old.findings if one.fingerprint not in taken]
    fresh = [one for one in new.findings if one.fingerprint not in taken]
    before, after = _files(old), _files(new)
    for alike in (_function, _callback):
        for same in (_same_file, _renamed):
            more = _matched(gone, fresh, alike, same(before, after))
            found += more
            gone = [one for one in gone if all(one is not left for left, _ in more)]
            fresh = [one for one in fresh if all(one is not right for _, right in more)]
    return found


def _matched(
    gone: Sequence[Finding],
    fresh: Sequence[Finding],
    alike: Callable[[Finding], Hashable],
    same: Callable[[Finding, Finding], bool],
) -> list[tuple[Finding, Finding]]:
    """Pairs of what is alike, one to one, in order."""
    left: dict[Hashable, list[Finding]] = {}
    for one in fresh:
        left.setdefault(alike(one), []).append(one)
    found: list[tuple[Finding, Finding]] = []
    for one in gone:
        others = left.get(alike(one), [])
        match = None if alike(one) is None else next((o for o in others if same(one, o)), None)
        if match is not None:
            others.remove(match)
            found.append((one, match))
    return found


def _function(finding: Finding) -> Hashable:
    return finding.rule, finding.cleanup, finding.function


def _callback(finding: Finding) -> Hashable:
    callback = finding.after.callback
    return None if callback is None else (finding.rule, finding.cleanup, callback)


def _files(report: Report) -> frozenset[str]:
    patches = (patch for series in report.series for patch in series.patches)
    return frozenset(name for patch in patches for name in patch.files)


def _same_file(
    _before: Collection[str], _after: Collection[str]
) -> Callable[[Finding, Finding], bool]:
    return lambda one, other: one.path == other.path


def _renamed(before: Collection[str], after: Collection[str]) -> Callable[[Finding, Finding], bool]:
    """Of two files that both versions change each is its own."""
    return lambda one, other: not (one.path in after or other.path in before)
