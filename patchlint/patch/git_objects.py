"""Objects of a git repository, read through one program that runs as long as it is needed.

Nothing that a repository configures is run: no hooks, filters, textconv or fsmonitor, and no
fetching of objects that a partial clone lacks.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GIT: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")

_Pipes = tuple[IO[bytes], IO[bytes]]
_Answer = tuple[str, str, bytes] | None

#: questions that stand at most: few enough that all of them fit into the pipe
_AHEAD: Final = 16


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
        #: questions that were written and whose answers were not read yet
        self._asked: deque[str] = deque()

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
        self._asked.append(name)

    def get(self, name: str) -> _Answer:
        """Full id, type and content of the object called ``name``, None if there is none."""
        if "\n" in name or "\0" in name:
            return None
        try:
            while self._asked and self._asked[0] != name:
                self._answer()  # nobody came for it
            if not self._asked:
                self.ask(name)
            return self._answer()
        except OSError:
            return None

    def get_all(self, names: Iterable[str]) -> Iterator[tuple[str, _Answer]]:
        """Each of ``names`` with what :meth:`get` gives; git reads ahead."""
        waiting: deque[str] = deque()
        for name in names:
            with suppress(OSError):  # which the answer tells as well
                if "\n" not in name and "\0" not in name:
                    self.ask(name)
            waiting.append(name)
            if len(waiting) >= _AHEAD:
                first = waiting.popleft()
                yield first, self.get(first)
        for name in waiting:
            yield name, self.get(name)

    def _answer(self) -> _Answer:
        """Read the answer to the first question that stands."""
        _, from_git = self._open()
        self._asked.popleft()
        header = from_git.readline().split(b" ")
        if len(header) != 3 or not header[2].strip().isdigit():  # noqa: PLR2004
            return None
        content = from_git.read(int(header[2]) + 1)[:-1]
        return header[0].decode("ascii"), header[1].decode("ascii"), content

    def close(self) -> None:
        """End the program; the next question starts it again."""
        if self._finalizer is not None:
            self._finalizer()
        self._pipes = self._finalizer = None
        self._asked.clear()


def _start(command: list[str]) -> tuple[int, _Pipes]:
    """Start a program with a pipe to it and one from it; its errors are thrown away.

    ``subprocess`` would do the same, but its import takes as long as the program's start.
    """
    _reap()
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
    """Let a program end, which it does when nothing more can be asked."""
    for pipe in pipes:
        with suppress(OSError):
            pipe.close()
    _ending.add(process)
    _reap()


#: programs that were told to end; nobody waits for them, which takes as long as to read a file
_ending: Final[set[int]] = set()


def _reap() -> None:
    """Take leave of programs that have ended."""
    for process in [*_ending]:
        try:
            ended, _ = os.waitpid(process, os.WNOHANG)
        except ChildProcessError:  # of a process that this one was forked from
            ended = process
        if ended:
            _ending.discard(process)
