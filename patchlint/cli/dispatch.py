"""Parses ``patchlint COMMAND ...`` and imports the one command that was given."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from types import ModuleType

USAGE_ERROR: Final = 2
EPILOG: Final = """\
examples:
  patchlint check series.mbox
  git format-patch --stdout origin/master | patchlint check -
  patchlint explain mount-put-deferred
"""


def run(arguments: Sequence[str], commands: Mapping[str, tuple[str, str]]) -> int:
    """Run one command; 2 for a usage error, else what the command returns."""
    if len(arguments) > 1 and arguments[0] == "help" and arguments[1] in commands:
        return _command(arguments[1], ["--help"], commands)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        out = sys.stdout if arguments else sys.stderr
        print(top_parser(commands).format_help(), end="", file=out)
        return 0 if arguments else USAGE_ERROR
    name = arguments[0]
    if name in ("--version", "-V"):
        from patchlint import __version__

        print(f"patchlint {__version__}")
        return 0
    if name in commands:
        return _command(name, arguments[1:], commands)
    import difflib
    from pathlib import Path

    if name.startswith("-") and name != "-":
        print(
            f"patchlint: {name}: options stand behind the command (see patchlint --help)",
            file=sys.stderr,
        )
        return USAGE_ERROR
    near = difflib.get_close_matches(name, commands, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    if Path(name).exists() or ".." in name or name == "-":
        hint = f"; did you mean 'patchlint check {name}'?"
    print(f"patchlint: no command '{name}'{hint} (see patchlint --help)", file=sys.stderr)
    return USAGE_ERROR


def _command(name: str, arguments: Sequence[str], commands: Mapping[str, tuple[str, str]]) -> int:
    module = importlib.import_module(f"patchlint.cli.{commands[name][0]}")
    try:
        return int(module.run(_parse(module, name, arguments, commands[name][1])))
    except SystemExit as stop:
        return int(stop.code or 0)


def _parse(
    module: ModuleType, name: str, arguments: Sequence[str], about: str
) -> argparse.Namespace:
    import argparse

    parser = argparse.ArgumentParser(
        prog=f"patchlint {name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    # a parser of sub-commands cannot take its arguments on both sides of an option
    if not getattr(module, "MIXED", False):
        return parser.parse_args(list(arguments))
    # what follows -- is no option; argparse forgets that when it takes arguments apart twice
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parsed = parser.parse_intermixed_args(list(arguments[:end]))
    parsed.input = [*parsed.input, *arguments[end + 1 :]]
    return parsed


def top_parser(commands: Mapping[str, tuple[str, str]]) -> argparse.ArgumentParser:
    """The parser that only prints the overview."""
    import argparse

    lines = "\n".join(f"  {name:12} {text}" for name, (_module, text) in commands.items())
    return argparse.ArgumentParser(
        prog="patchlint",
        usage="patchlint COMMAND [OPTIONS] [ARGUMENT...]",
        description="Finds kernel patches that move a cleanup out of the task that "
        "promised it.\n\ncommands:\n" + lines,
        epilog=EPILOG + "\n'patchlint COMMAND --help' tells more of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
