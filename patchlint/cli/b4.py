"""``patchlint b4``: the checks that b4 runs, and their set-up."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from patchlint.outside.console import read_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.integrations.b4_setup import Line

EPILOG: Final = """\
examples:
  patchlint b4 setup                 show the settings, ask, write them to ~/.gitconfig
  patchlint b4 setup --local --yes   write them to .git/config
  patchlint b4 remove                take them out again
  b4 prep --check                    now runs patchlint on each patch of the series

b4 keeps results for ten minutes: b4 prep --check -C asks again.  b4 send runs no
hook of git's: run b4 prep --check before it.

exit status: 0 done, 2 not; for the checks that b4 runs: 0 checked, whatever was
found, 2 could not check, which b4 is told of as a warning
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands of ``b4``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="b4_command", metavar="COMMAND", required=True)
    setup = commands.add_parser("setup", help="add patchlint to b4's checks")
    remove = commands.add_parser("remove", help="take patchlint out of b4's checks")
    for command in (setup, remove):
        where = command.add_mutually_exclusive_group()
        where.add_argument(
            "--global",
            dest="scope",
            action="store_const",
            const="global",
            help="in the user's git configuration (default)",
        )
        where.add_argument(
            "--local",
            dest="scope",
            action="store_const",
            const="local",
            help="in .git/config of the repository",
        )
    setup.add_argument("--yes", action="store_true", help="write without asking")
    commands.add_parser(
        "check", help="check the mail on standard input, as b4's prep and am commands want it"
    )
    review = commands.add_parser(
        "review-check", help="check the mail on standard input, as b4 review wants it"
    )
    review.add_argument(
        "--series", action="store_true", help="speak for the whole series of the mail"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what the sub-command says."""
    if arguments.b4_command == "check":
        return _check()
    if arguments.b4_command == "review-check":
        return _review(whole=arguments.series)
    from patchlint.integrations import b4_setup
    from patchlint.outside.programs import ProgramError

    scope = arguments.scope or "global"
    try:
        if arguments.b4_command == "setup":
            return _setup(scope, sure=arguments.yes)
        gone = b4_setup.remove(scope)
    except (ProgramError, OSError) as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    _show("removed:" if gone else "there was nothing of patchlint's", gone)
    return 0


def _setup(scope: str, *, sure: bool) -> int:
    from patchlint.integrations import b4_setup

    lines, old = b4_setup.plan(scope), b4_setup.outdated(scope)
    if not lines:
        b4_setup.write_launcher()
        print(f"b4 runs patchlint already ({scope})")
        _offer_index()
        return 0
    if old:
        _show("to be taken out, since it no longer fits:", old)
    _show(f"to be added to git's configuration ({scope}):", lines)
    if not sure:
        if not sys.stdin.isatty():
            print("nothing is written: run it with --yes")
            return 0
        print("write this? [y/N] ", end="", flush=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            print("nothing is written")
            return 0
    b4_setup.take_out(old, scope)
    b4_setup.write(lines, scope)
    print("written; patchlint b4 remove takes it out again")
    _offer_index()
    return 0


def _offer_index() -> None:
    from patchlint.index.offer import beforehand
    from patchlint.integrations import trees

    said = beforehand(trees.top())
    if said is not None:
        print(said)


def _show(title: str, lines: Sequence[Line]) -> None:
    print(title)
    for line in lines:
        print(f"  {line}")


def _check() -> int:
    """Answer on standard output alone: b4 counts each line of standard error as a failure."""
    from patchlint.integrations import b4_checks

    try:
        from patchlint.integrations.config import load_settings

        text = b4_checks.check(read_input(), load_settings())
    except Exception as error:  # noqa: BLE001 - b4 must get one line, whatever went wrong
        from patchlint.outside.programs import told
        from patchlint.report.b4_check import failure

        print(failure(told(error)))
        return 2
    sys.stdout.write(text)
    return 0


def _review(*, whole: bool) -> int:
    from patchlint.integrations import b4_checks

    try:
        from patchlint.integrations.config import load_settings

        text = b4_checks.review(read_input(), load_settings(), whole=whole)
    except Exception as error:  # noqa: BLE001 - b4 must get its JSON, whatever went wrong
        from patchlint.outside.programs import told

        sys.stdout.write(b4_checks.result("warn", f"could not check: {told(error)}"))
        return 2
    sys.stdout.write(text)
    return 0
