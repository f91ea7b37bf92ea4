"""``--output FILE``: where a command writes instead of standard output."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from typing import IO


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
    try:
        with replacing(output) as out:
            out.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        print(f"patchlint: {output}: {error.strerror}", file=sys.stderr)
        return False
    except ValueError as error:  # a NUL byte in the name
        print(f"patchlint: {output}: {error}", file=sys.stderr)
        return False
    return True


@contextmanager
def replacing(output: str) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``output`` once all of it is written.

    Where that fails, of a full disk or a damaged store, the old file stays as it was.
    """
    import os
    from pathlib import Path

    place = Path(os.path.realpath(output))  # of a link the file that it leads to
    if not (place.is_file() or not place.exists()):  # a device or a pipe
        with place.open("wb") as out:
            yield out
        return
    beside = place.with_name(f".{place.name[:_LONGEST]}.{os.getpid()}")
    try:
        out = beside.open("xb")
    except PermissionError:  # a folder that is not ours, in which the file is
        with place.open("wb") as out:
            yield out
        return
    except OSError as error:
        error.filename = output
        raise
    try:
        with out:
            yield out
            out.flush()
            os.fsync(out.fileno())  # some file systems find out then that they are full
        if place.exists():
            beside.chmod(place.stat().st_mode)
        beside.replace(place)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


#: of a file's name so much is in that of the one beside it: a name has a longest
_LONGEST: Final = 60


def _same(output: str, other: str) -> bool:
    from pathlib import Path

    try:
        return Path(output).is_file() and Path(output).samefile(other)
    except (OSError, ValueError):
        return False
