"""Parses ``patchlint COMMAND ...`` and imports the one command that was given."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from types import ModuleType, SimpleNamespace

USAGE_ERROR: Final = 2
#: 128 and the number of SIGINT, as shells have it
INTERRUPTED: Final = 130

#: what standard output fails with when a file or a disk is full
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

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
    name = arguments[0]
    if name in ("--version", "-V"):
        from patchlint import __version__

        print(f"patchlint {__version__}")
        return 0
    if name in commands:
        return _command(name, arguments[1:], commands)
    import difflib

    near = difflib.get_close_matches(name, commands, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    print(f"patchlint: no command '{name}'{hint} (see patchlint --help)", file=sys.stderr)
    return USAGE_ERROR


def _command(name: str, arguments: Sequence[str], commands: Mapping[str, tuple[str, str]]) -> int:
    module = importlib.import_module(f"patchlint.cli.{commands[name][0]}")
    try:
        return int(module.run(_parse(module, name, arguments, commands[name][1])))
    except SystemExit as stop:
        return int(stop.code or 0)
    except BrokenPipeError:
        # the reader of a pipe went away: that is its choice, not an error of ours; what is
        # left in the buffer must not be written at exit
        _drop_output()
        return 0
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        _drop_output()
        print(f"patchlint: what was found could not be written: {error.strerror}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse(
    module: ModuleType, name: str, arguments: Sequence[str], about: str
) -> argparse.Namespace | SimpleNamespace:
    # a parser of sub-commands cannot take its arguments on both sides of an option
    mixed = getattr(module, "MIXED", False)
    if mixed:
        from patchlint.cli.plain import Plain

        plain = Plain()
        module.add_arguments(plain)
        given = plain.read(arguments)
        if given is not None:
            return given
    import argparse

    parser = argparse.ArgumentParser(
        prog=f"patchlint {name}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    parse = parser.parse_intermixed_args if mixed else parser.parse_args
    return parse(list(arguments))


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
