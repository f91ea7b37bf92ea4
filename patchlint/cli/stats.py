"""``patchlint stats``: count the findings of a store."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from patchlint.cli.findings import add_question, question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from patchlint.archive.store import Store

    Bars = Sequence[tuple[str, Mapping[str, int]]]

EPILOG: Final = """\
examples:
  patchlint stats block.db
  patchlint stats block.db --by year --plot trend.svg
  patchlint stats block.db --by outcome --level warning --format json

An outcome is the strongest thing that the archive itself says afterwards: reverted,
fixed (a later Fixes: names the title), dropped (the next version no longer has it),
discussed (a reply speaks of it), kept (the next version still has it).  unknown means
that this archive is silent: whether a patch was merged is known from no mail.

exit status: 0, or 2 when the store could not be read or the chart not written"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``stats``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_question(parser)
    parser.add_argument(
        "--by",
        choices=("rule", "year", "subsystem", "outcome", "level"),
        default="rule",
        help="what to count by (default: rule)",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print")
    parser.add_argument(
        "--plot", metavar="FILE", help="write a chart there: .svg, or .png with matplotlib"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the counts; 0, or 2 when the store could not be read or the chart not written."""
    from patchlint.archive import ask
    from patchlint.archive.store import Store, StoreError

    try:
        with Store(arguments.store, write=False) as store:
            counts = ask.count(store, arguments.by, question(arguments))
            about = _about(store)
    except (StoreError, ask.QuestionError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    if arguments.format == "json":
        import json

        groups = [
            {"name": name, **levels, "total": sum(levels.values())} for name, levels in counts
        ]
        print(json.dumps({"by": arguments.by, "store": about, "groups": groups}, indent=2))
    else:
        print(_table(arguments.by, counts, about), end="")
    return _plot(arguments, counts) if arguments.plot else 0


def _about(store: Store) -> dict[str, int]:
    return {
        "mails": store.value("SELECT count(*) FROM messages"),
        "patch_mails": store.value("SELECT count(*) FROM messages WHERE patch"),
        "series_checked": store.value("SELECT count(*) FROM series"),
        "limitations": store.value("SELECT count(*) FROM limitations"),
        "errors": store.value("SELECT count(*) FROM errors"),
    }


def _table(by: str, counts: Bars, about: Mapping[str, int]) -> str:
    width = max([len(by), *(len(name) for name, _ in counts)])
    lines = [f"{by:{width}}   error warning    note   total"]
    lines += [
        f"{name:{width}} {one['error']:7} {one['warning']:7} {one['note']:7} {sum(one.values()):7}"
        for name, one in counts
    ]
    lines.append("")
    lines.append(
        f"{about['mails']} mails, {about['patch_mails']} of patches;"
        f" {about['series_checked']} series checked, the others cannot have a finding;"
        f" {about['limitations']} limitations, {about['errors']} errors"
    )
    return "\n".join(lines) + "\n"


def _plot(arguments: argparse.Namespace, counts: Bars) -> int:
    from patchlint.archive import plot

    title = f"Findings by {arguments.by}"
    try:
        if arguments.plot.lower().endswith(".png"):
            plot.png(counts, title, arguments.plot)
        else:
            Path(arguments.plot).write_text(plot.svg(counts, title), encoding="utf-8")
    except ImportError:
        print(
            "patchlint: a PNG needs matplotlib (pip install 'patchlint[plots]'); .svg does not",
            file=sys.stderr,
        )
        return 2
    except OSError as error:
        print(f"patchlint: {arguments.plot}: {error.strerror}", file=sys.stderr)
        return 2
    return 0
