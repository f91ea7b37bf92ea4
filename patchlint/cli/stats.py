"""``patchlint stats``: count the changes of stores."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from patchlint.cli.findings import add_question, question
from patchlint.report.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Bars = Sequence[tuple[str, Mapping[str, int]]]

EPILOG: Final = """\
examples:
  patchlint stats block.db
  patchlint stats block.db --by year --plot trend.svg
  patchlint stats block.db --by outcome --level warning --format json

A change counts once, however often and wherever it was posted, in the year of its first
posting and at the level of its last; years without any are listed with 0.

An outcome is the strongest thing that the archive itself says afterwards: reverted,
fixed (a later Fixes: names the title and speaks of the move), dropped (the next version no
longer starts it, or it was refused or taken back), superseded (another posting took its
place), merged (it was taken, backported, or is in the tree of a later patch), kept (a later
version has it too), discussed (a reply speaks of it).  unknown means that this archive is
silent: most patches are merged without a mail.

exit status: 0, or 2 when the store could not be read or the chart not written"""


#: what there is in a store besides mails and changes -> how to count it
_ABOUT: Final = {
    "series_checked": "SELECT count(*) FROM series",
    "limitations": "SELECT count(*) FROM limitations",
    "errors": "SELECT count(*) FROM errors",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``stats``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_question(parser)
    parser.add_argument(
        "--by",
        choices=("rule", "year", "subsystem", "outcome", "level", "list", "family"),
        default="rule",
        help="what to count by (default: rule)",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print")
    parser.add_argument(
        "--plot", metavar="FILE", help="write a chart there: .svg, or .png with matplotlib"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the counts; 0, or 2 when the store could not be read or the chart not written."""
    from patchlint.archive import ask, changes
    from patchlint.archive.store import Store, StoreError

    try:
        found = changes.gather(arguments.stores, question(arguments))
        counts = changes.count(found, arguments.by)
        told = dict.fromkeys(_ABOUT, 0)
        for path in arguments.stores:
            with Store(path, write=False) as store:
                told = {name: told[name] + store.value(_ABOUT[name]) for name in told}
        postings = {(one.message_id, one.commit) for it in found.changes for one in it.postings}
        about = {
            "changes": len(found.changes),
            "postings": len(postings),
            "mails": found.mails,
            "patch_mails": changes.mails(arguments.stores, patches=True),
            **told,
        }
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


def _table(by: str, counts: Bars, about: Mapping[str, int]) -> str:
    width = max([len(by), *(len(name) for name, _ in counts)])
    lines = [f"{by:{width}}   error warning    note   total"]
    lines += [
        f"{name:{width}} {one['error']:7} {one['warning']:7} {one['note']:7} {sum(one.values()):7}"
        for name, one in counts
    ]
    lines.append("")
    lines.append(
        f"{count(about['changes'], 'change')} in {count(about['postings'], 'posting')}"
        f" of {count(about['mails'], 'mail')}, {about['patch_mails']} of patches;"
        f" {about['series_checked']} series checked, the others cannot have a finding;"
        f" {count(about['limitations'], 'limitation')}, {count(about['errors'], 'error')}"
    )
    return "\n".join(lines) + "\n"


def _plot(arguments: argparse.Namespace, counts: Bars) -> int:
    from patchlint.archive import plot
    from patchlint.cli import output

    title = f"Findings by {arguments.by}"
    try:
        if arguments.plot.lower().endswith(".png"):
            plot.png(counts, title, arguments.plot)
        else:
            with output.replacing(arguments.plot) as out:
                out.write(plot.svg(counts, title).encode())
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
