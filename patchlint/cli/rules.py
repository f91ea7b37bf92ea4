"""``patchlint rules``: the rules that are in force."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from patchlint.model.kernel import Rule, Ruleset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = """\
examples:
  patchlint rules
  patchlint rules --rules ~/my-rules --format json
  patchlint rules --stats

exit status: 0, or 2 when a rule or table cannot be used; with --check 1 when the
documentation of a rule lacks something"""
    parser.add_argument(
        "--format",
        choices=("terminal", "json"),
        default="terminal",
        help="how to print (default: terminal)",
    )
    parser.add_argument(
        "--rules",
        action="append",
        default=[],
        metavar="DIR",
        help="further rules of your own, laid out as the shipped ones",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="say what the documentation of the rules lacks instead of listing them",
    )
    parser.add_argument(
        "--stats",
        action="store_true",
        help="how findings of the rules in mailing list archives were judged, with the bounds "
        "of what that tells (Wilson, 95 %%), what came of them, and how many known repairs "
        "are of something that is found",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one line a rule, or JSON."""
    from patchlint.integrations.config import ConfigError, rule_folders
    from patchlint.ruleset.load import RuleError, load

    try:
        folders = rule_folders(arguments.rules)
        ruleset = load([Path(folder) for folder in folders])
    except (ConfigError, RuleError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    if arguments.check:
        return _check(ruleset.rules)
    if arguments.stats:
        return _stats(arguments, folders, ruleset.rules)
    print(as_json(ruleset) if arguments.format == "json" else table(ruleset.rules))
    return 0


def _stats(arguments: argparse.Namespace, folders: Sequence[str], rules: Sequence[Rule]) -> int:
    from patchlint.report import record as told
    from patchlint.ruleset import record
    from patchlint.ruleset.load import RuleError

    try:
        book = record.read(folders)
    except RuleError as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    stats = record.stats(book, rules)
    print(told.as_json(stats) if arguments.format == "json" else told.table(stats), end="")
    return 0


def _check(rules: Sequence[Rule]) -> int:
    from patchlint.ruleset.documentation import problems

    found = [problem for rule in rules for problem in problems(rule)]
    print("\n".join(found) if found else f"{len(rules)} rules are documented")
    return 1 if found else 0


def table(rules: Sequence[Rule]) -> str:
    """Id, level, what the rule speaks of, and its title; columns as wide as needed."""
    rows = [(rule.id, rule.loudest, speaks_of(rule), rule.title) for rule in rules]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return "\n".join(
        "  ".join(
            (*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])
        ).rstrip()
        for row in rows
    )


def speaks_of(rule: Rule) -> str:
    """Families of a rule, or the shape of one that cuts across families."""
    return ",".join(rule.families) or (
        f"any ({rule.shape})" if rule.shape else ",".join(rule.cleanups)
    )


def as_json(ruleset: Ruleset) -> str:
    """Return the rules as a JSON list, without their documentation."""
    import json

    from patchlint.ruleset.events import plain

    return json.dumps(
        [
            {
                "id": rule.id,
                "title": rule.title,
                "level": rule.loudest,
                "held": rule.held is not None,
                "shape": rule.shape,
                "families": rule.families,
                "cleanups": rule.cleanups,
                "symptoms": rule.symptoms,
                "advice": [plain(ruleset.kernel, one) for one in rule.advice],
                "priority": rule.priority,
            }
            for rule in ruleset.rules
        ],
        indent=1,
        ensure_ascii=False,
    )
