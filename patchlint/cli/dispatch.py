"""Parses ``patchlint COMMAND ...`` and imports the one command that was given."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

USAGE_ERROR: Final = 2

EPILOG: Final = """\
examples:
  patchlint check series.mbox
  git format-patch --stdout origin/master | patchlint check -
  patchlint explain mount-put-deferred
"""


def run(arguments: Sequence[str], commands: Mapping[str, tuple[str, str]]) -> int:
    """Run one command; 2 for a usage error, else what the command returns."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        out = sys.stdout if arguments else sys.stderr
        print(top_parser(commands).format_help(), end="", file=out)
        return 0 if arguments else USAGE_ERROR
    if arguments[0] in ("--version", "-V"):
        from patchlint import __version__

        print(f"patchlint {__version__}")
        return 0
    name = arguments[0]
    if name not in commands:
        import difflib

        near = difflib.get_close_matches(name, commands, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        print(f"patchlint: no command '{name}'{hint} (see patchlint --help)", file=sys.stderr)
        return USAGE_ERROR
    module = importlib.import_module(f"patchlint.cli.{commands[name][0]}")
    parser = argparse.ArgumentParser(
        prog=f"patchlint {name}",
        description=commands[name][1],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    try:
        parsed = parser.parse_args(list(arguments[1:]))
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return int(module.run(parsed))
    except BrokenPipeError:
        # the reader of a pipe went away: that is its choice, not an error of ours
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def top_parser(commands: Mapping[str, tuple[str, str]]) -> argparse.ArgumentParser:
    """The parser that only prints the overview."""
    lines = "\n".join(f"  {name:12} {text}" for name, (_module, text) in commands.items())
    return argparse.ArgumentParser(
        prog="patchlint",
        usage="patchlint COMMAND [OPTIONS] [ARGUMENT...]",
        description="Finds kernel patches that move a cleanup out of the task that "
        "promised it.\n\ncommands:\n" + lines,
        epilog=EPILOG + "\n'patchlint COMMAND --help' tells more of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
