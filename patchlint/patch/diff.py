"""Diff text in, file diffs out: the one place that knows unified diffs.

unidiff reads the hunks that hold what they announce, which is nearly all of them.  Around
it stands a small scanner of our own, for three reasons.  unidiff raises for the first
fault in a text and gives nothing of the files before and after it; its file names follow
``a/`` and ``b/`` only; and it takes anything between two files for a part of one.  The
scanner finds the files and the extent of each hunk by its counts, as ``git apply`` does,
and mends hunks that a mailer wrapped or that somebody edited by hand: the mended hunk is
given back *and* named as a problem.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from patchlint.model.diff import DiffLine, DiffProblem, FileDiff, FileKind, Hunk, ParsedDiff

_HUNK = re.compile(r"^@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@(.*)$")
_GIT = re.compile(r"^diff --git (\S.*)$")
_INDEX = re.compile(r"^index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: [0-7]+)?$")
_DATED = re.compile(
    r"(?:\t.*|[ ]+\d{4}-\d\d-\d\d[ T]\d\d?:\d\d.*|[ ]+[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d .*"
    r"|[ ]+\((?:revision|working copy)[^)]*\))$"
)
_EPOCH = re.compile(r"\s(?:1970-01-01|1969-12-31) |\s(?:Thu Jan +1|Wed Dec 31) .*19(?:70|69)")
_PREFIX = re.compile(
    r"^(?:[abciowxy12]|old|new|orig|linux[^/]*|[^/]*\.orig|[^/]*\d+\.\d+[^/]*|[^/]*-next)$",
    re.IGNORECASE,
)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_ESCAPES = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
_NULL = "/dev/null"


@dataclass(slots=True)
class _File:
    """A file while it is being read; paths still carry their prefixes."""

    line: int
    git: bool = False
    old: str | None = None
    new: str | None = None
    kind: FileKind | None = None
    renamed: tuple[str | None, str | None] = (None, None)
    old_blob: str | None = None
    new_blob: str | None = None
    hunks: list[Hunk] = field(default_factory=list)
    titled: bool = False


def parse(diff: str) -> ParsedDiff:
    """Read a diff; never raises.

    Line numbers of problems count from 1 in ``diff``.  A hunk that had to be mended errs
    towards keeping lines: what cannot be placed is left out and named.
    """
    return _Reader(diff).read()


class _Reader:
    """Walks the lines once; ``at`` is the index of the next line."""

    def __init__(self, diff: str) -> None:
        self.lines = diff.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.at = 0
        self.files: list[_File] = []
        self.problems: list[DiffProblem] = []

    def read(self) -> ParsedDiff:
        current: _File | None = None
        lines = self.lines
        while self.at < len(lines):
            line = lines[self.at]
            start = line[:4]
            if start == "diff" and (found := _GIT.match(line)) is not None:
                current = self._git_header(found.group(1))
            elif start == "--- " and self._is_file_header():
                current = self._file_header(current)
            elif start == "@@ -" and (found := _HUNK.match(line)) is not None:
                self._hunk(current, found)
            elif start == "GIT " and line == "GIT binary patch" and current is not None:
                current.kind = current.kind or "binary"
                self.at += 1
            elif start == "Bina" and line.startswith("Binary files ") and line.endswith("differ"):
                self._binary(current, line)
            else:
                if line.startswith("@@ -"):
                    self._problem("hunk header that cannot be read; the hunk is left out", current)
                self.at += 1
        files = tuple(done for one in self.files if (done := self._finish(one)) is not None)
        return ParsedDiff(files=files, problems=tuple(self.problems))

    def _problem(self, message: str, current: _File | None, line: int | None = None) -> None:
        path = None
        if current is not None:
            old, new = _paths(current)
            path = new or old
        self.problems.append(
            DiffProblem(line=self.at + 1 if line is None else line, message=message, path=path)
        )

    def _git_header(self, names: str) -> _File:
        one = _File(line=self.at + 1, git=True)
        one.old, one.new = _split_names(names)
        self.files.append(one)
        self.at += 1
        lines = self.lines
        while self.at < len(lines):
            line = lines[self.at]
            if line.startswith("new file mode"):
                one.kind = "add"
            elif line.startswith("deleted file mode"):
                one.kind = "delete"
            elif line.startswith(("old mode", "new mode")):
                one.kind = one.kind or "mode"
            elif line.startswith("rename from "):
                one.kind, one.renamed = "rename", (_unquote(line[12:]), one.renamed[1])
            elif line.startswith("rename to "):
                one.kind, one.renamed = "rename", (one.renamed[0], _unquote(line[10:]))
            elif line.startswith("copy from "):
                one.kind, one.renamed = "copy", (_unquote(line[10:]), one.renamed[1])
            elif line.startswith("copy to "):
                one.kind, one.renamed = "copy", (one.renamed[0], _unquote(line[8:]))
            elif (found := _INDEX.match(line)) is not None:
                one.old_blob, one.new_blob = found.groups()
            elif not line.startswith(("similarity index ", "dissimilarity index ")):
                break
            self.at += 1
        return one

    def _is_file_header(self) -> bool:
        if self.at + 1 >= len(self.lines):
            return False
        return self.lines[self.at + 1].startswith("+++ ")

    def _file_header(self, current: _File | None) -> _File:
        if current is None or current.titled or not current.git:
            current = _File(line=self.at + 1)
            self.files.append(current)
        current.titled = True
        old, new = self.lines[self.at], self.lines[self.at + 1]
        current.old, old_epoch = _file_name(old[4:])
        current.new, new_epoch = _file_name(new[4:])
        if current.old == _NULL or old_epoch:
            current.kind = "add"
        elif current.new == _NULL or new_epoch:
            current.kind = "delete"
        self.at += 2
        return current

    def _binary(self, current: _File | None, line: str) -> None:
        if current is None or not current.git:
            current = _File(line=self.at + 1)
            self.files.append(current)
            names = line.removeprefix("Binary files ").removesuffix(" differ")
            old, _, new = names.partition(" and ")
            current.old, current.new = old, new
        current.kind = current.kind if current.kind in {"add", "delete"} else "binary"
        self.at += 1

    def _hunk(self, current: _File | None, found: re.Match[str]) -> None:
        header = self.at
        old_start, old_length, new_start, new_length = (
            int(found.group(1)),
            int(found.group(2) or "1"),
            int(found.group(3)),
            int(found.group(4) or "1"),
        )
        if current is None:
            self._problem("hunk without a file header; it is left out", None)
            self.at += 1
            return
        body, clean = self._hunk_lines(current, old_length, new_length)
        hunk = None
        if clean:
            hunk = _by_unidiff(self.lines[header], body)
        if hunk is None:
            hunk = _by_hand(old_start, new_start, found.group(5), body)
        current.hunks.append(hunk)

    def _hunk_lines(self, current: _File, old: int, new: int) -> tuple[list[str], bool]:
        """Lines of the hunk at ``at``, mended, and whether nothing had to be mended."""
        lines = self.lines
        body: list[str] = []
        clean = True
        self.at += 1
        wrapped = 0
        while self.at < len(lines) and (old > 0 or new > 0):
            line = lines[self.at]
            mark = line[:1]
            if mark == " " or not mark:
                old, new = old - 1, new - 1
                body.append(line or " ")
            elif mark == "+":
                new -= 1
                body.append(line)
            elif mark == "-":
                if line == "-- " and self._is_signature():
                    break
                old -= 1
                body.append(line)
            elif mark == "\\":
                body.append(line)
            elif mark == "\u00a0":
                old, new = old - 1, new - 1
                body.append(" " + line[1:])
            elif line.startswith(("diff --git ", "@@ -")) or not body:
                break
            else:
                body[-1] += ("" if body[-1].endswith((" ", "\t")) else " ") + line
                wrapped += 1
                clean = False
                if wrapped == 1:
                    self._problem("line broken by a mailer; joined to the one before", current)
            self.at += 1
        if self.at < len(lines) and lines[self.at].startswith("\\ "):
            body.append(lines[self.at])
            self.at += 1
        if old or new:
            clean = False
            self._problem(
                f"hunk ends early: {max(old, 0)} old and {max(new, 0)} new lines are missing",
                current,
            )
        return body, clean

    def _is_signature(self) -> bool:
        """Whether the ``-- `` at ``at`` ends the diff: nothing of a diff stands after it."""
        rest = self.lines[self.at + 1 : self.at + 12]
        return not any(line.startswith(("+", "-", "@@ ", "diff ")) for line in rest)

    def _finish(self, one: _File) -> FileDiff | None:
        old, new = _paths(one)
        if not (old or new):
            self._problem("file header without a name; the file is left out", None, one.line)
            return None
        if not one.hunks and one.kind is None and not one.git:
            return None
        return FileDiff(
            old_path=None if one.kind == "add" else old,
            new_path=None if one.kind == "delete" else new,
            kind=one.kind or "modify",
            hunks=tuple(one.hunks),
            old_blob=one.old_blob,
            new_blob=one.new_blob,
        )


def _by_unidiff(header: str, body: list[str]) -> Hunk | None:
    """The hunk as unidiff reads it; None when it will not."""
    from unidiff import PatchSet
    from unidiff.errors import UnidiffParseError

    text = "\n".join(["--- a/f", "+++ b/f", header, *body, ""])
    try:
        (one,) = PatchSet(text)
        (hunk,) = one
    except (UnidiffParseError, ValueError):
        return None
    lines: list[DiffLine] = []
    for line in hunk:
        if line.line_type == "\\":
            _no_newline(lines)
            continue
        lines.append(
            DiffLine(
                kind=line.line_type or " ",
                text=line.value.removesuffix("\n"),
                old=line.source_line_no,
                new=line.target_line_no,
            )
        )
    return Hunk(
        old_start=hunk.source_start,
        old_length=hunk.source_length,
        new_start=hunk.target_start,
        new_length=hunk.target_length,
        section=hunk.section_header,
        lines=tuple(lines),
    )


def _by_hand(old_start: int, new_start: int, section: str, body: list[str]) -> Hunk:
    """A hunk out of mended lines, with the lengths that it really has."""
    lines: list[DiffLine] = []
    old, new = old_start, new_start
    for line in body:
        mark, text = line[:1], line[1:]
        if mark == "+":
            lines.append(DiffLine("+", text, None, new))
            new += 1
        elif mark == "-":
            lines.append(DiffLine("-", text, old, None))
            old += 1
        elif mark == " ":
            lines.append(DiffLine(" ", text, old, new))
            old, new = old + 1, new + 1
        elif mark == "\\":
            _no_newline(lines)
    return Hunk(
        old_start=old_start,
        old_length=old - old_start,
        new_start=new_start,
        new_length=new - new_start,
        section=section.strip(),
        lines=tuple(lines),
    )


def _no_newline(lines: list[DiffLine]) -> None:
    """Mark the line before ``\\ No newline at end of file``."""
    if lines:
        lines[-1] = replace(lines[-1], newline=False)


def _file_name(text: str) -> tuple[str, bool]:
    """Name out of a ``---`` or ``+++`` line, and whether its time stamp is the epoch."""
    if text.startswith('"'):
        return _unquote(text[: text.rfind('"') + 1]), False
    name = _DATED.sub("", text)
    return name.rstrip(), _EPOCH.search(text[len(name) :]) is not None


def _split_names(names: str) -> tuple[str | None, str | None]:
    """The two names of a ``diff --git`` line; (None, None) where they cannot be told."""
    if names.startswith('"'):
        end = names.find('" ', 1)
        if end < 0:
            return None, None
        return _unquote(names[: end + 1]), _unquote(names[end + 2 :])
    if names.endswith('"') and (begin := names.find(' "')) > 0:
        return names[:begin], _unquote(names[begin + 1 :])
    if names.count(" ") == 1:
        old, _, new = names.partition(" ")
        return old, new
    # With blanks in them, the two are the same but for the prefix.
    for at, char in enumerate(names):
        if char == " ":
            old, new = names[:at], names[at + 1 :]
            if old.partition("/")[2] == new.partition("/")[2] != "":
                return old, new
    return None, None


def _unquote(name: str) -> str:
    """A name as C-quoted by git, or as it stands."""
    name = name.strip()
    if len(name) < 2 or name[0] != '"' or name[-1] != '"':  # noqa: PLR2004
        return name

    def plain(found: re.Match[bytes]) -> bytes:
        code = found.group(1)
        if len(code) == 3:  # noqa: PLR2004
            return bytes([int(code, 8) & 0xFF])
        return _ESCAPES.get(code, code)

    raw = name[1:-1].encode("utf-8", "surrogateescape")
    return _ESCAPE.sub(plain, raw).decode("utf-8", "replace")


def _paths(one: _File) -> tuple[str | None, str | None]:
    """Old and new path without their prefixes, None for ``/dev/null``."""
    if one.renamed[0] and one.renamed[1]:
        return one.renamed
    old = None if one.old in {None, _NULL} else one.old
    new = None if one.new in {None, _NULL} else one.new
    return _strip(old, new)


def _strip(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Take the first component off, unless both sides lack a prefix.

    A patch made with no prefix has the same name on both sides, and so has one made with
    the same prefix for both: then the first component decides by its looks, and errs
    towards being a folder of the tree.
    """
    names = [name for name in (old, new) if name]
    heads = {name.partition("/")[0] for name in names}
    tails = {name.partition("/")[2] for name in names}
    if "" in tails:
        return old, new
    differ = len(names) == 2 and len(heads) == 2 and len(tails) == 1  # noqa: PLR2004
    if differ or all(_PREFIX.match(head) for head in heads):
        return (
            None if old is None else old.partition("/")[2],
            None if new is None else new.partition("/")[2],
        )
    return old, new
