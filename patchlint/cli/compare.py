"""``patchlint compare V1 V2``: what a new version of a series mended, kept or brought."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from patchlint.cli.check import add_check_options, options_of, settings_of

if TYPE_CHECKING:
    import argparse

    from patchlint.model.finding import Finding, Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two inputs, each as for ``patchlint check``."""
    parser.epilog = """\
example:
  patchlint compare v1.mbox v2.mbox

exit status: 0 nothing new, 1 the new version has findings that the old one had not,
2 could not check"""
    parser.add_argument("old", metavar="V1", help="the earlier version")
    parser.add_argument("new", metavar="V2", help="the later version")
    parser.add_argument("--format", choices=("terminal", "json"), default="terminal")
    add_check_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check both and print the difference by fingerprint."""
    from patchlint import run as pipeline
    from patchlint.analysis import CannotCheck
    from patchlint.integrations.config import ConfigError
    from patchlint.ruleset.load import RuleError

    reports = []
    for name in (arguments.old, arguments.new):
        try:
            options = options_of(arguments, settings_of(arguments))
            report = pipeline.check([name], options)
        except (RuleError, ConfigError, CannotCheck) as error:
            print(f"patchlint: {error}", file=sys.stderr)
            return 2
        for problem in report.errors:
            print(f"patchlint: {problem.input}: {problem.message}", file=sys.stderr)
        if not report.series:
            print(f"patchlint: {name}: holds no patch", file=sys.stderr)
            return 2
        reports.append(report)
    fixed, kept, new = difference(*reports)
    if arguments.format == "json":
        import json

        print(
            json.dumps(
                {
                    "fixed": [f.fingerprint for f in fixed],
                    "kept": [f.fingerprint for f in kept],
                    "new": [f.fingerprint for f in new],
                },
                indent=1,
            )
        )
    else:
        for word, findings in (("fixed", fixed), ("kept", kept), ("new", new)):
            for finding in findings:
                print(
                    f"{word:5} {finding.path}:{finding.line}: {finding.level}: "
                    f"[{finding.rule}] {finding.message}"
                )
        if not arguments.quiet:
            print(f"{len(fixed)} fixed, {len(kept)} kept, {len(new)} new")
    return int(bool(new))


def difference(old: Report, new: Report) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """Findings of the old report that are gone, that stay, and those that are new."""
    before = {finding.fingerprint for finding in old.findings}
    after = {finding.fingerprint for finding in new.findings}
    return (
        [f for f in old.findings if f.fingerprint not in after],
        [f for f in new.findings if f.fingerprint in before],
        [f for f in new.findings if f.fingerprint not in before],
    )
