"""``patchlint patchwork``: post checks to a Patchwork server."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from patchlint.cli.numbers import above_zero

if TYPE_CHECKING:
    from patchlint.integrations.config import Settings
    from patchlint.integrations.patchwork import Server
    from patchlint.model.finding import Report

EPILOG: Final = """\
examples:
  patchlint patchwork check --url https://patchwork.example.org --series 1234 \\
      --token-env PW_TOKEN --dry-run
  patchlint patchwork check --url https://patchwork.example.org --mbox series.mbox \\
      --token-env PW_TOKEN

The token is read from the environment, never from the command line, which other
users can see.  A check that the server shows already is not posted again.

exit status: 0 all is posted, whatever was found; 2 something is not
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-command and options of ``patchwork``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="patchwork_command", metavar="COMMAND", required=True)
    check = commands.add_parser(
        "check", help="check a series and post the result for each of its patches"
    )
    check.add_argument("--url", metavar="URL", help="the server; default: patchwork-url")
    check.add_argument(
        "--token-env",
        metavar="NAME",
        help="the variable that holds the API token; default: patchwork-token-env",
    )
    what = check.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--series", metavar="ID", type=above_zero, help="the server's number of a series"
    )
    what.add_argument("--msgid", metavar="ID", help="message-id of a patch or cover letter")
    what.add_argument("--mbox", metavar="FILE", help="mails at hand, looked up by message-id")
    check.add_argument("--context", metavar="NAME", help="the checks' context (patchlint)")
    check.add_argument("--target-url", metavar="URL", help="where the checks link to")
    check.add_argument("--tree", metavar="DIR", help="the kernel tree to check against")
    check.add_argument("--dry-run", action="store_true", help="show what would be posted")


def run(arguments: argparse.Namespace) -> int:
    """Check and post."""
    from patchlint.analysis.at_hand import CannotCheck
    from patchlint.integrations.config import ConfigError, load_settings
    from patchlint.integrations.patchwork import PatchworkError, Server

    try:
        settings = load_settings(
            {
                name: [value] if value else []
                for name, value in {
                    "patchwork-url": arguments.url,
                    "patchwork-token-env": arguments.token_env,
                    "patchwork-context": arguments.context,
                    "patchwork-target-url": arguments.target_url,
                    "tree": arguments.tree,
                }.items()
            }
        )
        server = Server(
            settings.one("patchwork-url"), _token(settings, needed=not arguments.dry_run)
        )
        return _check(arguments, settings, server)
    except (ConfigError, PatchworkError, CannotCheck, KeyError) as error:
        said = f"the server's answer lacks {error}" if isinstance(error, KeyError) else error
        print(f"patchlint: {said}", file=sys.stderr)
        return 2


def _token(settings: Settings, *, needed: bool) -> str:
    from patchlint.integrations.patchwork import PatchworkError

    name = settings.one("patchwork-token-env")
    token = os.environ.get(name, "") if name else ""
    if needed and not token:
        raise PatchworkError(
            f"the variable {name} is empty: it must hold the API token"
            if name
            else "no token: name its variable with --token-env"
        )
    return token


def _check(arguments: argparse.Namespace, settings: Settings, server: Server) -> int:
    from patchlint.integrations import accept, patchwork_follow

    report = _report(arguments, settings, server)
    for error in report.errors:
        print(f"patchlint: not checked: {error.message}", file=sys.stderr)
    if not report.series:
        return 2
    report = accept.without(report, settings)
    context, target = settings.one("patchwork-context"), settings.one("patchwork-target-url")
    worked = []
    for said, well in patchwork_follow.answers(
        report, server, context, target, post=not arguments.dry_run
    ):
        worked.append(well)
        print(said if well else f"patchlint: {said}", file=sys.stdout if well else sys.stderr)
    return 0 if worked and all(worked) else 2


def _report(arguments: argparse.Namespace, settings: Settings, server: Server) -> Report:
    from patchlint.integrations.patchwork import PatchworkError
    from patchlint.run import Options, check

    options = Options(
        tree=settings.tree,
        rules=settings.all("rules"),
        only=settings.all("rule"),
        without=settings.all("not-rule"),
        limit=settings.number("time-limit") or None,
    )
    if arguments.mbox is not None:
        return check([arguments.mbox], options)
    number = arguments.series
    if number is None:
        numbers = server.series_of(arguments.msgid.strip("<> "))
        if not numbers:
            raise PatchworkError(f"the server knows no series with {arguments.msgid}")
        number = numbers[-1]
    _, mbox = server.series(number)
    return check(["-"], options, server.mbox(mbox))
