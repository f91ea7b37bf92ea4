"""``patchlint compare V1 V2``: what a new version of a series mended, kept or brought."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from patchlint.cli.check import add_check_options, options_of, settings_of
from patchlint.report import versions
from patchlint.report.lookup import PARTLY, UNCHECKED, doubts, in_part, lost
from patchlint.report.text import count

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from patchlint.model.finding import Finding, Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two inputs, each as for ``patchlint check``."""
    parser.epilog = """\
example:
  patchlint compare v1.mbox v2.mbox

A finding of V1 that V2 has no more is "unknown", not "fixed", where V2 was not read whole or not
checked to its end.

exit status: 0 nothing new, 1 the new version has findings that the old one had not,
2 could not check, also in part: then nothing new is no answer"""
    parser.add_argument("old", metavar="V1", help="the earlier version")
    parser.add_argument("new", metavar="V2", help="the later version")
    parser.add_argument("--format", choices=("terminal", "json"), default="terminal")
    add_check_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check both and print the difference."""
    from patchlint.analysis.at_hand import CannotCheck
    from patchlint.integrations.config import ConfigError
    from patchlint.ruleset.load import RuleError

    try:
        old = _checked(arguments, arguments.old)
        if not old.series:
            return 2
        # also where nothing of it can be read: then what the old version had is unknown
        new = _checked(arguments, arguments.new)
    except (RuleError, ConfigError, CannotCheck) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    fixed, kept, brought, unknown = difference(old, new)
    if arguments.format == "json":
        _print_json(fixed, kept, brought, unknown)
    else:
        _print(arguments, fixed, kept, brought, unknown)
        if not arguments.quiet:
            said = f"{len(fixed)} fixed, {len(kept)} kept, {len(brought)} new"
            said += f", {len(unknown)} unknown" if unknown else ""
            if brought and (unread(old) or lost(old)):
                said += f"; not all of {arguments.old} was checked, so these may be older"
            print(said)
    if brought:
        return 1
    return 2 if unknown or in_part(new) else 0


def _checked(arguments: argparse.Namespace, name: str) -> Report:
    """The report on one version; what of it was not read is said."""
    from patchlint import run as pipeline

    report = pipeline.check([name], options_of(arguments, settings_of(arguments)))
    for problem in report.errors:
        print(f"patchlint: {problem.told}", file=sys.stderr)
    for one in lost(report):
        print(f"patchlint: {name}: {PARTLY}: {one.told}", file=sys.stderr)
    if not report.series:
        print(f"patchlint: {name}: holds no patch that can be read", file=sys.stderr)
    return report


def _print(
    arguments: argparse.Namespace,
    fixed: Sequence[Finding],
    kept: Sequence[Finding],
    brought: Sequence[Finding],
    unknown: Sequence[Unknown],
) -> None:
    gone = [one.finding for one in unknown]
    for word, findings in (("fixed", fixed), ("kept", kept), ("new", brought), ("unknown", gone)):
        for finding in findings:
            print(
                f"{word:7} {finding.path}:{finding.line}: {finding.level}: "
                f"[{finding.rule}] {finding.message}"
            )
    for why in dict.fromkeys(why for one in unknown for why in one.why):
        print(f"not known of {arguments.new}: {why}")


def _print_json(
    fixed: Sequence[Finding],
    kept: Sequence[Finding],
    brought: Sequence[Finding],
    unknown: Sequence[Unknown],
) -> None:
    import json

    told = {
        "fixed": [f.fingerprint for f in fixed],
        "kept": [f.fingerprint for f in kept],
        "new": [f.fingerprint for f in brought],
        "unknown": [
            {"fingerprint": one.finding.fingerprint, "why": list(one.why)} for one in unknown
        ],
    }
    print(json.dumps(told, indent=1))


class Unknown(NamedTuple):
    """A finding of the old version of which the new one does not tell whether it is gone."""

    finding: Finding
    why: tuple[str, ...]


def difference(
    old: Report, new: Report
) -> tuple[list[Finding], list[Finding], list[Finding], list[Unknown]]:
    """Findings of the old report that are gone, that stay, that are new, and that may be gone."""
    same = versions.pairs(versions.version(old), versions.version(new))
    before = {one.fingerprint for one, _ in same}
    after = {other.fingerprint for _, other in same}
    everywhere = unread(new)
    gone = [
        Unknown(f, (*everywhere, *_damage(new, f.path)))
        for f in old.findings
        if f.fingerprint not in before
    ]
    return (
        [one.finding for one in gone if not one.why],
        [f for f in new.findings if f.fingerprint in after],
        [f for f in new.findings if f.fingerprint not in after],
        [one for one in gone if one.why],
    )


def unread(report: Report) -> tuple[str, ...]:
    """What of a version was not checked, whatever file it would have been in."""
    missing = sum(len(series.missing) for series in report.series)
    # what was lost of one file hides nothing of another
    said = [one.message for one in doubts(report) if one.kind == UNCHECKED]
    return (*said, f"{count(missing, 'patch')} not in the input") if missing else tuple(said)


def _damage(report: Report, path: str) -> Iterator[str]:
    """What was lost of the diffs of one file."""
    for one in lost(report):
        if one.path in {path, None}:
            yield one.told
