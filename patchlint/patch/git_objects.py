"""Objects of a git repository, read through one program that runs as long as it is needed."""

from __future__ import annotations

import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from patchlint.outside.programs import let_end, pipes_to_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.outside.programs import Pipes

_Answer = tuple[str, str, bytes] | None

#: questions that stand at most: few enough that all of them fit into the pipe
_AHEAD: Final = 16


class Objects:
    """One ``git cat-file --batch``, started when first asked."""

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self._pipes: Pipes | None = None
        self._finalizer: weakref.finalize[[int, Pipes], Objects] | None = None
        #: questions that were written and whose answers were not read yet
        self._asked: deque[str] = deque()
        #: paths of files that a commit has and whose contents the repository lacks, "" for
        #: an unknown one
        self.lost: dict[str, None] = {}

    def lacks(self, commit: str, path: str) -> bool:
        """Whether ``commit`` has a file or folder at ``path`` that the repository lacks.

        For a path of which :meth:`get` has told nothing.
        """
        above, _, name = path.rpartition("/")
        folder = self.get(f"{commit}:{above}")
        if folder is None:
            # a folder that the commit has not: then the one above does not list it
            return not above or self.lacks(commit, above)
        entry = b" " + name.encode("utf-8", "surrogateescape") + b"\0"
        return folder[1] == "tree" and entry in folder[2]

    def _open(self) -> Pipes:
        if self._pipes is None:
            process, self._pipes = pipes_to_git(self.repository, "cat-file", "--batch")
            self._finalizer = weakref.finalize(self, let_end, process, self._pipes)
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
        except BaseException:  # half an answer may be in the pipe: the next question starts anew
            self.close()
            raise

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
        line = from_git.readline()
        if not line:  # it has ended, as some versions do over an object that is missing
            self.close()
            return None
        header = line.split(b" ")
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
