"""``patchlint watch``: follow a list and draft replies."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from patchlint.cli.numbers import above_zero, not_below_zero

if TYPE_CHECKING:
    from patchlint.integrations.config import Settings
    from patchlint.integrations.watch_sources import Source
    from patchlint.integrations.watch_state import State

EPILOG: Final = """\
examples:
  patchlint watch ~/lore/linux-fsdevel --state fs.db --drafts ~/Maildir/patchlint
  patchlint watch ~/Maildir/list --state list.db --drafts drafts --once
  patchlint watch https://lore.kernel.org/linux-fsdevel --state fs.db --drafts drafts
  patchlint watch --config watch.toml --once

SOURCE is a public-inbox folder or epoch (fetched when it is a mirror), a Maildir
(lei, any delivery) or the URL of an archive.  Each series is checked once and has
one draft at most; a later version that keeps a finding has none for it.  Nothing
is sent without --send, which goes through git send-email and its settings, to the
author alone unless --cc says otherwise.  A version that has a finding no more, of
which its author was told, is noted as mended.

--config names a file with several lists and Patchwork projects, for a service: see
recipes/systemd/.  Each round ends with a line on its health.

exit status: 0 with --once, 2 when a source, or a mail of it, could not be read or it could not
start;
without --once it runs until it is stopped
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``watch``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", metavar="SOURCE", nargs="?", help="public-inbox, Maildir or URL")
    parser.add_argument("--state", metavar="FILE", help="what was read and done so far")
    parser.add_argument("--drafts", metavar="MAILDIR", help="where drafts go; made if not there")
    parser.add_argument("--config", metavar="FILE", help="follow what this file names instead")
    parser.add_argument("--send", action="store_true", help="send the drafts as well")
    parser.add_argument("--cc", metavar="ADDRESS", action="append", help="also send to, repeatable")
    parser.add_argument("--once", action="store_true", help="look once instead of for ever")
    parser.add_argument(
        "--interval", metavar="SECONDS", type=above_zero, help="time between two looks (300)"
    )
    parser.add_argument(
        "--settle",
        metavar="SECONDS",
        type=not_below_zero,
        help="how long to wait for the rest of a series (900)",
    )
    parser.add_argument(
        "--backlog",
        metavar="N",
        type=not_below_zero,
        default=1000,
        help="how many old mails of an epoch to read at first (1000); with 0, of a URL none",
    )
    parser.add_argument("--tree", metavar="DIR", help="the kernel tree to check against")


def run(arguments: argparse.Namespace) -> int:
    """Watch until stopped; with ``--once`` 2 when the source cannot be read, else 0."""
    from patchlint.analysis.at_hand import CannotCheck
    from patchlint.integrations.config import ConfigError, load_settings
    from patchlint.integrations.watch_sources import SourceError, open_source
    from patchlint.integrations.watch_state import State, StateError

    if arguments.config:
        return _serve(arguments)
    if not (arguments.source and arguments.state and arguments.drafts):
        print(
            "patchlint watch: SOURCE, --state and --drafts are needed, or --config", file=sys.stderr
        )
        return 2
    try:
        settings = load_settings(
            {
                "tree": [arguments.tree] if arguments.tree else [],
                "watch-cc": arguments.cc or [],
                "watch-settle": [] if arguments.settle is None else [str(arguments.settle)],
                "watch-interval": [] if arguments.interval is None else [str(arguments.interval)],
            }
        )
        source = open_source(arguments.source, arguments.backlog)
        with State(arguments.state) as state:
            return _watch(arguments, settings, source, state)
    except (ConfigError, SourceError, StateError, CannotCheck) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2


def _serve(arguments: argparse.Namespace) -> int:
    """Look after all that a file names; with ``--once`` 2 when any of it failed, else 0."""
    from patchlint.integrations import service
    from patchlint.integrations.config import ConfigError, load_settings

    given = ("source", "state", "drafts", "send", "cc", "interval", "settle", "tree")
    for name in given:
        if getattr(arguments, name):
            print(f"patchlint watch: {name} stands in the file of --config", file=sys.stderr)
            return 2
    try:
        loaded, settings = service.load(arguments.config), load_settings()
    except ConfigError as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    rounds = service.one_round if arguments.once else service.forever
    failed = False
    for said in rounds(loaded, settings, _domain()):
        failed |= ": failed: " in said
        print(said, flush=True)
    return 2 if failed else 0


def _watch(arguments: argparse.Namespace, settings: Settings, source: Source, state: State) -> int:
    import time

    from msgspec.structs import replace

    from patchlint.integrations import watch
    from patchlint.integrations.watch_sources import SourceError
    from patchlint.run import Options

    plan = watch.Plan(
        source=arguments.source,
        drafts=arguments.drafts,
        settle=settings.number("watch-settle"),
        send=arguments.send,
        cc=settings.all("watch-cc"),
        options=Options(
            tree=settings.tree,
            rules=settings.all("rules"),
            only=settings.all("rule"),
            without=settings.all("not-rule"),
            limit=settings.number("time-limit") or None,
            no_tree=settings.tree is None,
        ),
    )
    plan = replace(plan, domain=_domain() or plan.domain)
    while True:
        try:
            for said in watch.once(plan, source, state, settings):
                print(said, flush=True)
        except SourceError as error:
            for said in error.done:
                print(said, flush=True)
            if arguments.once:
                raise
            print(f"patchlint: {error}", file=sys.stderr, flush=True)
        if arguments.once:
            return 0
        time.sleep(max(1, settings.number("watch-interval")))


def _domain() -> str:
    """Return the domain of the user's address as git knows it, empty when it knows none."""
    from patchlint.outside import programs

    _, address = programs.quick_git("config", "user.email")
    domain = address.decode("utf-8", "replace").strip().rpartition("@")[2]
    return domain if domain.replace("-", "").replace(".", "").isalnum() else ""
