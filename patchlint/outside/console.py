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

# the hook starts with this module: typing, contextlib and re take as long as the hook itself
TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import IO, Any, Final, TextIO

#: how a line would have to start to be a command, and what is one anywhere in it
_COMMAND: Final = r"^([^\S\n]*):(?=:)|#(?=#\w*\[)"
_COLOR: Final = "\x1b\\[[0-9;]*m"
_KEPT: Final = "\n\t"
_ERRORS: Final = "patchlint-spelled"
#: bytes that are read of what has no end that is known beforehand, and of them at once
MOST_PIPED: Final = 256 << 20
_PIECE: Final = 1 << 20


class Guarded:
    """A text stream through which nothing hidden passes."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self.stream = stream
        #: whether failures to write are passed over: there is nowhere left to tell them
        self.quiet = quiet
        self._inside = ""
        #: what a write failed by: argparse passes over it when it prints its help
        self._failed: Exception | None = None

    def write(self, text: str) -> int:
        """Write ``text`` as it may be shown."""
        return self._put(self._shown(text), text)

    def write_report(self, text: str, *, color: bool = False, commands: bool = False) -> int:
        """Write a report, which may have colours, or commands to a CI system, of its own."""
        return self._put(self._shown(text, color=color, commands=commands), text)

    def _put(self, shown: str, text: str) -> int:
        try:
            self.stream.write(shown)
        except BrokenPipeError:
            # who reads no more ends no check: the status is that of what was found
            drop_output()
        except (OSError, ValueError) as error:
            if not self.quiet:
                self._failed = error
                raise
        return len(text)

    def _shown(self, text: str, *, color: bool = False, commands: bool = False) -> str:
        # some hidden ones are printable to Python: fillers of Hangul, selectors of variations
        if not (text.isascii() and text.replace("\n", "").isprintable()):
            text = _without_hidden(text, color=color)
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
        """Bring out what was written; fails where a write did, whoever passed over that."""
        if self._failed is not None:
            raise self._failed
        try:
            self.stream.flush()
        except BrokenPipeError:
            drop_output()
        except (OSError, ValueError):
            if not self.quiet:
                raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


#: as many characters of a line that are out already are looked at again
_AS_FAR_AS: Final = 200


def _without_hidden(text: str, *, color: bool) -> str:
    """Return ``text`` with its hidden characters spelled out, but for colours with ``color``."""
    import re

    from patchlint.model.hidden import HIDDEN

    if not color:
        hidden: str = HIDDEN.sub(_spelled, text)
        return hidden
    parts = [HIDDEN.sub(_spelled, part) for part in re.split(_COLOR, text)]
    colors = re.findall(_COLOR, text)
    return "".join(a + b for a, b in zip(parts, [*colors, ""], strict=True))


def _free(before: str, text: str) -> str:
    """Return ``text`` without commands, as it continues a line that starts with ``before``."""
    import re

    from patchlint.model.hidden import spelled

    first, *others = text.split("\n")
    whole = re.sub(_COMMAND, _broken, before + first)
    if whole.startswith(before):
        first = whole[len(before) :]
    else:  # what is out already would be the head of a command
        first = spelled(first[0]) + re.sub(_COMMAND, _broken, first[1:])
    return "\n".join([first, *(re.sub(_COMMAND, _broken, line) for line in others)])


def _broken(match: re.Match[str]) -> str:
    from patchlint.model.hidden import spelled

    return (match.group(1) or "") + spelled(match.group()[-1])


def _spelled(match: re.Match[str]) -> str:
    from patchlint.model.hidden import spelled

    character = match.group()
    return character if character in _KEPT else spelled(character)


def _encoded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from patchlint.model.hidden import spelled

    return "".join(map(spelled, error.object[error.start : error.end])), error.end


class guarded:  # noqa: N801 - used as contextlib would make it of a function
    """Puts the wall in place for what is done inside; see the module."""

    def __enter__(self) -> None:
        """Put it up."""
        _open_all()
        self._before = sys.stdin, sys.stdout, sys.stderr
        sys.stdin = sys.stdin or open(0, closefd=False, encoding="utf-8")
        sys.stdout = _wall(sys.stdout, 1, quiet=False)
        sys.stderr = _wall(sys.stderr, 2, quiet=True)

    def __exit__(self, *_: object) -> None:
        """Take it down."""
        sys.stdin, sys.stdout, sys.stderr = self._before


def _wall(stream: Any, number: int, *, quiet: bool) -> Any:
    if isinstance(stream, Guarded):
        return stream
    if stream is None:  # it was closed when the program started
        stream = open(os.dup(number), "w", encoding="utf-8")  # noqa: PTH123, SIM115
    codecs.register_error(_ERRORS, _encoded)
    if hasattr(stream, "reconfigure"):  # no stream of somebody's own
        stream.reconfigure(errors=_ERRORS)
    return Guarded(stream, quiet=quiet)


def _open_all() -> None:
    """Open what is closed, so that no file takes its number; to use it fails as before.

    What is written to a closed standard error is lost, as ever.
    """
    for number, other in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            try:
                os.open(os.devnull, other)
            except OSError:
                return


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


def read_input(stream: IO[bytes] | None = None) -> bytes:
    """Return standard input, or another pipe, to its end.

    Raises OSError with that name when it is closed, and when it does not end.
    """
    parts: list[bytes] = []
    size = 0
    try:
        pipe = stream or sys.stdin.buffer
        while part := pipe.read(_PIECE):
            parts.append(part)
            size += len(part)
            if size > MOST_PIPED:
                break
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        raise OSError(number, "cannot be read", "standard input") from error
    if size > MOST_PIPED:
        text = f"more than {MOST_PIPED >> 20} MB come through a pipe; give a file"
        raise OSError(None, text, "standard input")
    return b"".join(parts)


def drop_output() -> None:
    """Let nothing more be written: what is left in the buffer must not be, at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
