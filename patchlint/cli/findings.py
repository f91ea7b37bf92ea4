"""``patchlint findings``: ask a store for findings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from patchlint.archive.ask import Question
    from patchlint.archive.store import Store
    from patchlint.model.finding import Report

EPILOG: Final = """\
examples:
  patchlint findings block.db --level warning --since 2024
  patchlint findings block.db --rule mount-put-deferred --author example.org --format json
  patchlint findings block.db --format html --output block.html

exit status: 0 found some or none, 2 the store could not be read"""


def add_question(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which findings are meant."""
    parser.add_argument("store", metavar="DB", help="a store that patchlint scan wrote")
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
        choices=("reverted", "fixed", "dropped", "discussed", "kept", "unknown"),
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
    parser.add_argument("--output", metavar="FILE", help="write there, not to standard output")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("--verbose", action="store_true", help="notes and chains in full")
    parser.add_argument("--quiet", action="store_true", help="headlines alone")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 0, or 2 when the store could not be read."""
    from patchlint.archive import ask
    from patchlint.archive.store import Store, StoreError

    try:
        with Store(arguments.store, write=False) as store:
            text = _text(arguments, store, ask.findings(store, question(arguments)))
    except (StoreError, ask.QuestionError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    if arguments.output is None:
        sys.stdout.write(text)
        return 0
    try:
        Path(arguments.output).write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"patchlint: {arguments.output}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _text(arguments: argparse.Namespace, store: Store, report: Report) -> str:
    from patchlint.report.render import render
    from patchlint.report.style import Style

    to_terminal = arguments.output is None and sys.stdout.isatty()
    color = arguments.color == "always" or (arguments.color == "auto" and to_terminal)
    style = Style(color=color, verbose=arguments.verbose, quiet=arguments.quiet)
    text = render(report, arguments.format, style)
    if arguments.format == "html":
        # charts of the same findings, at the end of the page
        charts = "".join(_chart(arguments, store, by) for by in ("year", "rule", "subsystem"))
        text = text.replace("</body>", f"<section>\n{charts}</section>\n</body>", 1)
    return text


def _chart(arguments: argparse.Namespace, store: Store, by: str) -> str:
    from patchlint.archive import ask, plot

    return plot.svg(ask.count(store, by, question(arguments)), f"Findings by {by}")
