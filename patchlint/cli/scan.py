"""``patchlint scan``: whole archives into a store."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from patchlint.cli.numbers import not_below_zero, seconds
from patchlint.report.text import count

if TYPE_CHECKING:
    from patchlint.archive.engine import Settings
    from patchlint.archive.pool import Executor

EPILOG: Final = """\
examples:
  patchlint scan --store block.db ~/lore/linux-block/git/0.git
  patchlint scan --store all.db ~/lore/linux-block ~/Mail/patches archive.mbox.xz
  patchlint scan --store block.db --dask tcp://scheduler:8786 ~/lore/linux-block
  patchlint findings block.db --level warning --since 2024-01-01

A scan that was interrupted, even killed, is finished by giving the same command again;
after a git fetch only what is new is read, and after a change of the rules only what
the change can touch is checked again.

exit status: 0 the store is up to date, whatever was found; 2 it is not"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``scan``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="public-inbox v2 epoch or inbox folder, mbox (.gz, .xz, .bz2), Maildir, folder of "
        "mails, archive of patches (.zip, .tgz)",
    )
    parser.add_argument(
        "--store", default="patchlint.db", metavar="DB", help="SQLite file (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=not_below_zero, metavar="N", help="worker processes (default: up to 2)"
    )
    parser.add_argument(
        "--rule", action="append", default=[], metavar="ID", help="use this rule only (repeatable)"
    )
    parser.add_argument(
        "--not-rule", action="append", default=[], metavar="ID", help="leave this rule out"
    )
    parser.add_argument(
        "--rules", action="append", default=[], metavar="DIR", help="further rules of your own"
    )
    parser.add_argument("--tree", metavar="DIR", help="kernel source to check against")
    parser.add_argument(
        "--time-limit",
        type=seconds,
        default=30.0,
        metavar="SECONDS",
        help="for one series; exceeded, that is a limitation (default: %(default)g)",
    )
    parser.add_argument(
        "--no-filter",
        action="store_true",
        help="check every series: the findings are the same, only slower",
    )
    parser.add_argument("--dask", metavar="URL", help="run on the workers of this scheduler")
    parser.add_argument(
        "--dask-clones",
        metavar="DIR",
        help="where the workers find the sources by their base names (default: at the same"
        " paths; what a worker does not have is sent to it)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")


def run(arguments: argparse.Namespace) -> int:
    """Scan; 0 when the store is up to date, 2 when it could not be brought there."""
    from patchlint.analysis.at_hand import CannotCheck
    from patchlint.archive.engine import Settings
    from patchlint.archive.progress import choose
    from patchlint.archive.scan import scan
    from patchlint.archive.sources import SourceError
    from patchlint.archive.store import Store, StoreError
    from patchlint.ruleset.load import RuleError

    settings = Settings(
        rules=tuple(arguments.rules),
        only=tuple(arguments.rule),
        without=tuple(arguments.not_rule),
        tree=arguments.tree,
        limit=arguments.time_limit,
        everything=arguments.no_filter,
    )
    try:
        with (
            Store(arguments.store) as store,
            _executor(arguments, settings) as executor,
            choose(quiet=arguments.quiet) as progress,
        ):
            done = scan(arguments.source, store, settings, executor, progress)
    except (SourceError, StoreError, RuleError, CannotCheck) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    for one in done.unread:
        print(f"patchlint: {one.told}", file=sys.stderr)
    if not arguments.quiet:
        for name in done.passed_over:
            print(f"patchlint: {name}: holds no mail, passed over", file=sys.stderr)
        print(
            f"patchlint: {count(done.mails, 'mail')} read, {count(done.threads, 'thread')} checked;"
            f" {arguments.store} has {count(done.findings, 'finding')}",
            file=sys.stderr,
        )
    return 2 if done.unread else 0


def _executor(arguments: argparse.Namespace, settings: Settings) -> Executor:
    if arguments.dask:
        from patchlint.archive.many import Cluster

        return Cluster(arguments.dask, settings, clones=arguments.dask_clones)
    from patchlint.archive.pool import Pool, processes

    return Pool(settings, max(1, arguments.jobs or processes()))
