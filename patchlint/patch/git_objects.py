"""Objects of a git repository, read through one program that runs as long as it is needed.

Nothing that a repository configures is run: no hooks, filters, textconv or fsmonitor, and no
fetching of objects that a partial clone lacks.
"""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from typing import IO, Final

GIT: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")

_Pipes = tuple[IO[bytes], IO[bytes]]


def environment() -> dict[str, str]:
    """Return the environment for git: reads only, asks nothing, fetches nothing."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(("GIT_CONFIG", "GIT_CEILING"))
    }
    return kept | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


class Objects:
    """One ``git cat-file --batch``, started when first asked."""

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self._pipes: _Pipes | None = None
        self._finalizer: weakref.finalize[[int, _Pipes], Objects] | None = None
        #: a question that was written and whose answer was not read yet
        self._asked: str | None = None

    def _open(self) -> _Pipes:
        if self._pipes is None:
            command = [*GIT, "-C", self.repository, "cat-file", "--batch"]
            process, self._pipes = _start(command)
            self._finalizer = weakref.finalize(self, _stop, process, self._pipes)
        return self._pipes

    def ask(self, name: str) -> None:
        """Write a question whose answer :meth:`get` will want.  Raises OSError."""
        to_git, _ = self._open()
        to_git.write(name.encode("utf-8", "surrogateescape") + b"\n")
        to_git.flush()
        self._asked = name

    def get(self, name: str) -> tuple[str, str, bytes] | None:
        """Full id, type and content of the object called ``name``, None if there is none."""
        if "\n" in name or "\0" in name:
            return None
        try:
            if self._asked not in {None, name}:
                self._answer()
            if self._asked is None:
                self.ask(name)
            return self._answer()
        except OSError:
            return None

    def _answer(self) -> tuple[str, str, bytes] | None:
        """Read the answer to the question that stands."""
        _, from_git = self._open()
        self._asked = None
        header = from_git.readline().split(b" ")
        if len(header) != 3 or not header[2].strip().isdigit():  # noqa: PLR2004
            return None
        content = from_git.read(int(header[2]) + 1)[:-1]
        return header[0].decode("ascii"), header[1].decode("ascii"), content

    def close(self) -> None:
        """End the program; the next question starts it again."""
        if self._finalizer is not None:
            self._finalizer()
        self._pipes = self._finalizer = self._asked = None


def _start(command: list[str]) -> tuple[int, _Pipes]:
    """Start a program with a pipe to it and one from it; its errors are thrown away.

    ``subprocess`` would do the same, but its import takes as long as the program's start.
    """
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    silent = os.open(os.devnull, os.O_WRONLY)
    actions = [
        (os.POSIX_SPAWN_DUP2, theirs_in, 0),
        (os.POSIX_SPAWN_DUP2, theirs_out, 1),
        (os.POSIX_SPAWN_DUP2, silent, 2),
    ]
    try:
        process = os.posix_spawnp(command[0], command, environment(), file_actions=actions)
    except OSError:
        os.close(ours_out)
        os.close(ours_in)
        raise
    finally:
        for theirs in (theirs_in, theirs_out, silent):
            os.close(theirs)
    return process, (os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb"))


def _stop(process: int, pipes: _Pipes) -> None:
    for pipe in pipes:
        with suppress(OSError):
            pipe.close()
    with suppress(ChildProcessError):  # of a process that this one was forked from
        os.waitpid(process, 0)
