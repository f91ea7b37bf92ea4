"""Standard input, output and error as every command has them, whatever they are.

What is printed is made of strangers' text.  The formats of reports escape it as their
readers need it; this is the wall behind them all, which no print can forget: hidden
characters are spelled out, no line is a command to the CI system that shows it, and what
the output's encoding cannot hold is spelled out as well.  The escapes are those of JSON,
so that JSON stays JSON.
"""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO, cast

from patchlint.model.hidden import HIDDEN, spelled
from patchlint.model.pattern import lazy

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

#: how a line would have to start to be a command, and what is one anywhere in it
_COMMAND: Final = lazy(r"^([^\S\n]*):(?=:)|#(?=#\w*\[)")
_COLOR: Final = lazy("\x1b\\[[0-9;]*m")
_KEPT: Final = "\n\t"
_ERRORS: Final = "patchlint-spelled"


class Guarded:
    """A text stream through which nothing hidden passes."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self.stream = stream
        #: whether failures to write are passed over: there is nowhere left to tell them
        self.quiet = quiet
        self._inside = ""

    def write(self, text: str) -> int:
        """Write ``text`` as it may be shown."""
        return self._put(self._shown(text), text)

    def write_report(self, text: str, *, color: bool = False, commands: bool = False) -> int:
        """Write a report, which may have colours, or commands to a CI system, of its own."""
        return self._put(self._shown(text, color=color, commands=commands), text)

    def _put(self, shown: str, text: str) -> int:
        try:
            self.stream.write(shown)
        except (OSError, ValueError):
            if not self.quiet:
                raise
        return len(text)

    def _shown(self, text: str, *, color: bool = False, commands: bool = False) -> str:
        if not text.replace("\n", "").isprintable():
            if color:
                parts = [HIDDEN.sub(_spelled, part) for part in _COLOR.split(text)]
                colors = _COLOR.findall(text)
                text = "".join(a + b for a, b in zip(parts, [*colors, ""], strict=True))
            else:
                text = HIDDEN.sub(_spelled, text)
        if not commands and ("::" in self._inside + text or "##" in self._inside + text):
            text = _free(self._inside, text)
        # what of a line is out already decides whether the next words can be a command
        self._inside = (self._inside + text).rpartition("\n")[2][-_AS_FAR_AS:]
        return text

    def writelines(self, lines: Any) -> None:
        """Write each of ``lines``."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring out what was written."""
        try:
            self.stream.flush()
        except (OSError, ValueError):
            if not self.quiet:
                raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


#: as many characters of a line that are out already are looked at again
_AS_FAR_AS: Final = 200


def _free(before: str, text: str) -> str:
    """Return ``text`` without commands, as it continues a line that starts with ``before``."""
    first, *others = text.split("\n")
    whole: str = _COMMAND.sub(_broken, before + first)
    if whole.startswith(before):
        first = whole[len(before) :]
    else:  # what is out already would be the head of a command
        first = spelled(first[0]) + _COMMAND.sub(_broken, first[1:])
    return "\n".join([first, *(_COMMAND.sub(_broken, line) for line in others)])


def _broken(match: re.Match[str]) -> str:
    return (match.group(1) or "") + spelled(match.group()[-1])


def _spelled(match: re.Match[str]) -> str:
    character = match.group()
    return character if character in _KEPT else spelled(character)


def _encoded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(spelled, error.object[error.start : error.end])), error.end


@contextmanager
def guarded() -> Iterator[None]:
    """Put the wall in place for what is done inside; see the module."""
    _open_all()
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = sys.stdin or open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stdout = _wall(sys.stdout, 1, quiet=False)
    sys.stderr = _wall(sys.stderr, 2, quiet=True)
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def _wall(stream: TextIO | None, number: int, *, quiet: bool) -> TextIO:
    if isinstance(stream, Guarded):
        return cast("TextIO", stream)
    if stream is None:  # it was closed when the program started
        stream = open(os.dup(number), "w", encoding="utf-8")  # noqa: PTH123, SIM115
    codecs.register_error(_ERRORS, _encoded)
    with suppress(AttributeError, ValueError, OSError):
        stream.reconfigure(errors=_ERRORS)  # type: ignore[attr-defined]
    return cast("TextIO", Guarded(stream, quiet=quiet))


def _open_all() -> None:
    """Open what is closed, so that no file takes its number; to use it fails as before.

    What is written to a closed standard error is lost, as ever.
    """
    for number, other in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, other)


def write_report(text: str, *, color: bool = False, commands: bool = False) -> None:
    """Write a report to standard output; see :meth:`Guarded.write_report`."""
    out: object = sys.stdout
    if isinstance(out, Guarded):
        out.write_report(text, color=color, commands=commands)
    else:
        sys.stdout.write(text)
    sys.stdout.flush()


def bare(stream: TextIO) -> TextIO:
    """Return the stream behind the wall, for a library that draws on a terminal itself."""
    return stream.stream if isinstance(stream, Guarded) else stream


def read_input() -> bytes:
    """Return standard input to its end.  Raises OSError with that name when it is closed."""
    try:
        return sys.stdin.buffer.read()
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        raise OSError(number, "cannot be read", "standard input") from error


def drop_output() -> None:
    """Let nothing more be written: what is left in the buffer must not be, at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
