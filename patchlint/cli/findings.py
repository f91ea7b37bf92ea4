"""``patchlint findings``: ask a store for findings."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from patchlint.cli import output
from patchlint.model.record import OUTCOMES

if TYPE_CHECKING:
    from patchlint.archive.ask import Question
    from patchlint.archive.changes import Found

EPILOG: Final = """\
examples:
  patchlint findings block.db --level warning --since 2024
  patchlint findings block.db --rule mount-put-deferred --author example.org --format json
  patchlint findings block.db fsdevel.db --format html --output lists.html

Each change is told once, with its postings and what came of it (see patchlint stats).

exit status: 0 found some or none, 2 the store could not be read"""


def add_question(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which findings are meant."""
    parser.add_argument(
        "stores", metavar="STORE", nargs="+", help="a store that patchlint scan wrote"
    )
    parser.add_argument(
        "--rule", action="append", default=[], metavar="ID", help="of this rule (repeatable)"
    )
    parser.add_argument(
        "--level", choices=("error", "warning", "note"), default="", help="this level and louder"
    )
    parser.add_argument("--since", default="", metavar="DAY", help="2024-05-01, 2024-05 or 2024")
    parser.add_argument("--until", default="", metavar="DAY", help="this day, month or year too")
    parser.add_argument("--author", default="", metavar="TEXT", help="name or address, a part")
    parser.add_argument("--list", default="", metavar="TEXT", help="source of the mails, a part")
    parser.add_argument("--subsystem", default="", metavar="TEXT", help="folder, a part")
    parser.add_argument(
        "--outcome",
        default="",
        choices=OUTCOMES,
        help="what came of it in the archive",
    )


def question(arguments: argparse.Namespace) -> Question:
    """Return the question that the options of :func:`add_question` ask."""
    from patchlint.archive.ask import Question

    return Question(
        rules=tuple(arguments.rule),
        level=arguments.level,
        since=arguments.since,
        until=arguments.until,
        author=arguments.author,
        source=arguments.list,
        subsystem=arguments.subsystem,
        outcome=arguments.outcome,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``findings``."""
    from patchlint.report.render import FORMATS

    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_question(parser)
    parser.add_argument("--format", choices=tuple(FORMATS), default="terminal", help="how to print")
    output.declare(parser)
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("--verbose", action="store_true", help="notes and chains in full")
    parser.add_argument("--quiet", action="store_true", help="headlines alone")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 0, or 2 when the store could not be read."""
    from patchlint.archive import ask, changes
    from patchlint.archive.store import StoreError
    from patchlint.integrations.config import ConfigError, load_settings
    from patchlint.outside.console import write_report
    from patchlint.ruleset.load import RuleError

    if not output.spares(arguments.output, arguments.stores):
        return 2
    try:
        link = load_settings().one("link-url")
        asked = question(arguments)
        color = output.colored(arguments.color, arguments.output)
        found = changes.gather(arguments.stores, asked)
        text = _text(arguments, found, asked, link, color=color)
    except (StoreError, ask.QuestionError, RuleError, ConfigError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    if arguments.output is not None:
        return 0 if output.write(text, arguments.output) else 2
    write_report(text, color=color, commands=arguments.format == "github")
    return 0


def _text(
    arguments: argparse.Namespace, found: Found, asked: Question, link: str, *, color: bool
) -> str:
    from patchlint.archive import listing
    from patchlint.archive.ask import Question
    from patchlint.report.render import render
    from patchlint.report.style import Style
    from patchlint.ruleset.load import load
    from patchlint.ruleset.record import read

    report = listing.report(arguments.stores, found, asked, read(), load().kernel)
    style = Style(
        color=color,
        verbose=arguments.verbose,
        quiet=arguments.quiet,
        notes=arguments.level == "note",
        link_url=link,
        silence="no findings match" if asked != Question() else "no findings",
    )
    text = render(report, arguments.format, style)
    if arguments.format == "html":
        # charts of the same findings, at the end of the page
        charts = "".join(_chart(found, by) for by in ("year", "rule", "subsystem"))
        text = text.replace("</body>", f"<section>\n{charts}</section>\n</body>", 1)
    return text


def _chart(found: Found, by: str) -> str:
    from patchlint.archive import changes, plot

    return plot.svg(changes.count(found, by), f"Findings by {by}")
