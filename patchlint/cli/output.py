"""``--output FILE``: where a command writes instead of standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parser.add_argument("--output", metavar="FILE", help="write there, not to standard output")


def to_terminal(output: str | None) -> bool:
    """Whether what goes to ``output``, None for standard output, is seen on a terminal."""
    return output is None and sys.stdout.isatty()


def colored(wanted: str, output: str | None) -> bool:
    """Whether colours are ``wanted``: always, never, or on a terminal alone ("auto")."""
    return wanted == "always" or (wanted == "auto" and to_terminal(output))


def spares(output: str | None, inputs: Iterable[str]) -> bool:
    """Whether writing to ``output`` leaves all ``inputs`` as they are; says which it would not.

    A store or a mail that is written over while it is read, or after, is lost.
    """
    for one in inputs if output is not None else ():
        if _same(str(output), one):
            print(
                f"patchlint: {output}: is read as well, and would be lost: "
                "give --output another name",
                file=sys.stderr,
            )
            return False
    return True


def write(text: str, output: str) -> bool:
    """Write ``text`` to a file; whether that went well, and said when it did not."""
    from pathlib import Path

    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"patchlint: {output}: {error.strerror}", file=sys.stderr)
        return False
    return True


def _same(output: str, other: str) -> bool:
    from pathlib import Path

    try:
        return Path(output).is_file() and Path(output).samefile(other)
    except (OSError, ValueError):
        return False
