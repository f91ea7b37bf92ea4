"""A diff, as the patch stage reads it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

LineKind = Literal[" ", "+", "-"]
FileKind = Literal["modify", "add", "delete", "rename", "copy", "mode", "binary"]


class DiffLine(Struct, frozen=True):
    """One line of a hunk; the numbers count from 1, None on the side it is not on.

    ``text`` has no line feed, but keeps a carriage return that the file has.  ``newline``
    is False for a last line that has no line feed in the file.
    """

    kind: LineKind
    text: str
    old: int | None
    new: int | None
    newline: bool = True


class Hunk(Struct, frozen=True):
    """``@@ -old_start,old_length +new_start,new_length @@ section``."""

    old_start: int
    old_length: int
    new_start: int
    new_length: int
    section: str
    lines: tuple[DiffLine, ...]


class FileDiff(Struct, frozen=True):
    """What one patch does to one file.

    ``old_path`` is None for a new file, ``new_path`` for a deleted one.  The blob ids
    are abbreviated as in the ``index`` line, None where there is none.
    """

    old_path: str | None
    new_path: str | None
    kind: FileKind
    hunks: tuple[Hunk, ...]
    old_blob: str | None = None
    new_blob: str | None = None

    @property
    def path(self) -> str:
        """The path after the patch, or before it for a deleted file."""
        return self.new_path or self.old_path or ""

    @property
    def added(self) -> int:
        """Number of added lines."""
        return sum(line.kind == "+" for hunk in self.hunks for line in hunk.lines)

    @property
    def removed(self) -> int:
        """Number of removed lines."""
        return sum(line.kind == "-" for hunk in self.hunks for line in hunk.lines)


class DiffProblem(Struct, frozen=True):
    """Something in a diff that could not be read as it stands.

    ``line`` counts from 1 in the diff text; ``path`` is the file it belongs to, None when
    that is not known, and ``start`` the line of that file where the hunk begins.  ``lost`` is
    set where lines of it are not in what was read; what was mended is there, all of it.
    """

    line: int
    message: str
    path: str | None = None
    lost: bool = False
    start: int | None = None


class ParsedDiff(Struct, frozen=True):
    """The files that could be read, in the order of the text, and what could not."""

    files: tuple[FileDiff, ...]
    problems: tuple[DiffProblem, ...]
