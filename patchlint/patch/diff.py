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

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint.model.diff import (
    DiffLine,
    DiffProblem,
    FileDiff,
    FileKind,
    Hunk,
    ParsedDiff,
)
from patchlint.model.pattern import lazy
from patchlint.model.quoted import unquote

_HUNK = re.compile(r"^@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@(.*)$")
#: a header that says no lines, as people write it who leave them out: ``@@``, ``@@ ... @@``
_ELIDED = re.compile(r"@@(?! -\d)")
_GIT = re.compile(r"^diff --git (\S.*)$")
_COMBINED = lazy(r"^diff --(cc|combined) (\S.*)$")
_INDEX = re.compile(r"^index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: [0-7]+)?$")
_DATED = lazy(
    r"(?:\t.*|(?<! )[ ]+(?:\d{4}-\d\d-\d\d[ T]\d\d?:\d\d.*|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d .*"
    r"|\((?:revision|working copy)[^)]*\)))$"
)
_EPOCH = lazy(r"\s(?:1970-01-01|1969-12-31) |\s(?:Thu Jan +1|Wed Dec 31) .*19(?:70|69)")
_PREFIX = lazy(
    r"^(?:[abciowxy12]|old|new|orig|linux[^/]*|[^/]*\.orig|[^/]*\d+\.\d+[^/]*|[^/]*-next)$",
    re.IGNORECASE,
)
#: what is put behind the name of a copy
_BACKUP = lazy(r"(?:[.-](?:orig|old|new|bak|org|prev|mine|save|tmp)|~|\.~\d+~)$")
_NULL = "/dev/null"
#: how a line begins that names the file below it
_INDEXED = "Index: "
C_NAMES = (".c", ".h")
#: the id of a file without a byte
_EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
#: Pieces that a mailer breaks off one line, at the most.
_MOST_PIECES = 6
#: Header lines of git: how they begin, what kind of change they tell of, whose name it is.
_EXTENDED: tuple[tuple[str, FileKind, int | None], ...] = (
    ("new file mode ", "add", None),
    ("deleted file mode ", "delete", None),
    ("old mode ", "mode", None),
    ("new mode ", "mode", None),
    ("rename from ", "rename", 0),
    ("rename to ", "rename", 1),
    ("copy from ", "copy", 0),
    ("copy to ", "copy", 1),
)
#: First characters of a hunk's lines; an empty line is context whose blank was lost.
_MARKS = frozenset({" ", "+", "-", "\\", ""})
#: Indentation that a mailer made of no-break spaces: then all of them stand for blanks.
_HARD_BLANK = lazy(r"^[ +-]?\u00a0", re.MULTILINE)


#: lines of the longest file of C that is believed, and of all files of one diff
_LAST_LINE = 2_000_000
_MOST_LINES = 6_000_000
_MOST_DIGITS = 7

#: what --word-diff has in place of marks: braces around words, or this after each line
_BRACES = (("{+", "+}"), ("[-", "-]"))
_LINE_END = "~"
_WORDS = "a diff by words (--word-diff): make it without that option"

_BARE = "hunks without a line around them (-U0): what stands between them is not seen"


class _File(Struct):
    """A file while it is being read; paths still carry their prefixes."""

    line: int
    git: bool = False
    old: str | None = None
    new: str | None = None
    #: both names as the ``diff --git`` line has them
    named: tuple[str | None, str | None] = (None, None)
    #: the last line that a hunk of it stands at
    reach: int = 0
    kind: FileKind | None = None
    renamed: tuple[str | None, str | None] = (None, None)
    old_blob: str | None = None
    new_blob: str | None = None
    hunks: list[Hunk] = field(default_factory=list)
    titled: bool = False
    #: whether it is said why a hunk of it is left out
    told: bool = False


def parse(diff: str) -> ParsedDiff:
    """Read a diff; never raises.

    Line numbers of problems count from 1 in ``diff``.  A hunk that had to be mended errs
    towards keeping lines: what cannot be placed is left out and named.
    """
    return _Reader(diff).read()


class _Reader:
    """Walks the lines once; ``at`` is the index of the next line."""

    def __init__(self, diff: str) -> None:
        if "\u00a0" in diff and _HARD_BLANK.search(diff):
            diff = diff.replace("\u00a0", " ")
        self.lines = diff.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.at = 0
        self.files: list[_File] = []
        #: lines that the files have as far as their hunks show
        self.reach = 0
        #: whether nothing but lines with marks stands behind the last header
        self.inside = False
        self.problems: list[DiffProblem] = []
        #: what an ``Index:`` line calls the next file
        self.indexed: str | None = None

    def read(self) -> ParsedDiff:
        current: _File | None = None
        lines = self.lines
        while self.at < len(lines):
            line = lines[self.at]
            start = line[:4]
            before, self.inside = self.inside, True
            if start == "diff" and (found := _GIT.match(line)) is not None:
                current = self._git_header(found.group(1))
            elif start == "diff" and (found := _COMBINED.match(line)) is not None:
                self._combined(found)
                current = None
            elif start == "--- " and self._is_file_header():
                current = self._file_header(current)
            elif start in {"--- ", "+++ "} and self._is_half_header():
                current = self._half_header(current)
            elif start == "@@ -" and (found := _HUNK.match(line)) is not None:
                self._hunk(current, found)
            elif start == "GIT " and line == "GIT binary patch" and current is not None:
                current.kind = current.kind or "binary"
                self._binary_c(current)
                self.at += 1
            elif start == "Bina" and line.startswith("Binary files ") and line.endswith("differ"):
                self._binary(current, line)
            else:
                self.inside = before
                self._between(current, line)
        files = tuple(done for one in self.files if (done := self._finish(one)) is not None)
        return ParsedDiff(files=files, problems=tuple(self.problems))

    def _problem(
        self,
        message: str,
        current: _File | None,
        line: int | None = None,
        *,
        lost: bool = True,
        start: int | None = None,
    ) -> None:
        path = None
        if current is not None:
            old, new = _paths(current)
            path = new or old
        at = self.at + 1 if line is None else line
        self.problems.append(DiffProblem(at, message, path, lost=lost, start=start))

    def _between(self, current: _File | None, line: str) -> None:
        """Pass over a line outside of hunks; prose and a signature are none of a diff."""
        if line.startswith("@@ -") or (line.startswith("@@") and self._is_elided(self.at)):
            self._torn(current)
            self.inside = True
        elif line[:1] not in _MARKS or (line in {"-- ", "--"} and self._is_signature(self.at)):
            self.inside = False
        if line.startswith(_INDEXED):
            self.indexed = _DATED.sub("", line.removeprefix(_INDEXED)).strip() or None
        self.at += 1

    def _is_elided(self, at: int) -> bool:
        """Whether a hunk begins whose header says no lines: in a diff, above lines that change."""
        if not self.inside or _ELIDED.match(self.lines[at]) is None:
            return False
        for line in self.lines[at + 1 :]:
            if line[:1] not in _MARKS:
                return False
            if line[:1] in {"+", "-"}:
                return line not in {"-- ", "--"}
        return False

    def _torn(self, current: _File | None) -> None:
        """Say of a hunk that its header is not one."""
        self._problem("hunk header that cannot be read; the hunk is left out", current)
        if current is not None:
            current.told = True

    def _git_header(self, names: str) -> _File:
        one = _File(line=self.at + 1, git=True)
        self.indexed = None
        one.old, one.new = one.named = _split_names(names)
        self.files.append(one)
        self.at += 1
        while self.at < len(self.lines) and _extended(one, self.lines[self.at]):
            self.at += 1
        return one

    def _combined(self, found: re.Match[str]) -> None:
        """Pass over a merge's diff against several parents, and say so."""
        name = unquote(found.group(2))
        message = f"combined diff of a merge (diff --{found.group(1)}); it is not read"
        self.problems.append(DiffProblem(self.at + 1, message, name, lost=True))
        self.at += 1
        while self.at < len(self.lines) and not self.lines[self.at].startswith(("diff -", "From ")):
            self.at += 1

    def _is_half_header(self) -> bool:
        """Whether a hunk stands right behind one of the two lines of a file header."""
        at = self.at + 1
        return at < len(self.lines) and self.lines[at].startswith("@@ -")

    def _half_header(self, current: _File | None) -> _File:
        """Take the one name that is there for both sides."""
        line = self.lines[self.at]
        if current is None or current.titled or not current.git:
            current = _File(line=self.at + 1)
            self.files.append(current)
        current.titled = True
        name = _file_name(line[4:])[0]
        current.old, current.new = current.old or name, current.new or name
        other = "+++" if line.startswith("---") else "---"
        self._problem(f"file header without its {other} line", current, lost=False)
        self.at += 1
        return current

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
        self._take_index(current)
        if current.old == _NULL or old_epoch:
            current.kind = "add"
        elif current.new == _NULL or new_epoch:
            current.kind = "delete"
        self.at += 2
        return current

    def _take_index(self, current: _File) -> None:
        """Believe an ``Index:`` line above names that are none of C, as ``patch`` does."""
        name, self.indexed = self.indexed, None
        if name is None or current.git:
            return
        held = [one for one in (current.old, current.new) if one is not None and one != _NULL]
        shown = (one.endswith(C_NAMES) or _split(one)[1] == _split(name)[1] for one in held)
        if not any(shown):
            current.old, current.new = (
                one if one in {None, _NULL} else name for one in (current.old, current.new)
            )

    def _binary(self, current: _File | None, line: str) -> None:
        if current is None or not current.git:
            current = _File(line=self.at + 1)
            self.files.append(current)
            names = line.removeprefix("Binary files ").removesuffix(" differ")
            old, _, new = names.partition(" and ")
            current.old, current.new = old, new
        current.kind = current.kind if current.kind in {"add", "delete"} else "binary"
        self._binary_c(current)
        self.at += 1

    def _binary_c(self, current: _File) -> None:
        """Say of C that is told as bytes that it is not read: an attribute of git does that."""
        if any(name is not None and name.endswith(C_NAMES) for name in (current.old, current.new)):
            self._problem("a change of C that is given as a binary one; it is not read", current)

    def _within_reach(self, current: _File, found: re.Match[str]) -> bool:
        """Whether a hunk stands where files and series have lines: images hold all above it."""
        numbers = [number or "1" for number in found.group(1, 2, 3, 4)]
        if any(len(number) > _MOST_DIGITS for number in numbers):
            return False
        start, length, after, grown = map(int, numbers)
        last = max(start + length, after + grown)
        more = max(0, last - current.reach)
        if last > _LAST_LINE or self.reach + more > _MOST_LINES:
            return False
        current.reach += more
        self.reach += more
        return True

    def _hunk(self, current: _File | None, found: re.Match[str]) -> None:
        if current is None:
            self._problem("hunk without a file header; it is left out", None)
            self.at += 1
            return
        header = self.at
        if not self._within_reach(current, found):
            self._problem("a line that no source file has, it is left out", current)
            current.told = True
            self.at = self._hunk_end(self.at + 1)
            return
        old, new = int(found.group(2) or "1"), int(found.group(4) or "1")
        start = int(found.group(3)) or 1
        self.at += 1
        end = _exact(self.lines, self.at, old, new)
        if end is not None:
            body = [line or " " for line in self.lines[self.at : end]]
            self.at = end
            hunk = _by_unidiff(self.lines[header], body)
            if hunk is not None:
                current.hunks.append(hunk)
                self._leftover(current, start)
                return
            self.at = header + 1
        region = self.lines[self.at : self._hunk_end(self.at)]
        if _by_words(region):
            self._problem(_WORDS, current, header + 1, start=start)
            current.told = True
            self.at += len(region)
            return
        mended, fault = _mend(region, found.group(5), old, new)
        # a hunk that has more than it announces was edited by hand: all of it is there
        short = mended.lengths[0] < old or mended.lengths[1] < new
        self._problem(fault, current, header + 1, lost=short, start=start)
        self.at += mended.used
        hunk = _numbered(int(found.group(1)), int(found.group(3)), mended.section, mended.body)
        if hunk.lines:
            current.hunks.append(hunk)
        if not short:
            self._leftover(current, start)

    def _leftover(self, current: _File, start: int) -> None:
        """Name lines behind a hunk that look like a part of it; git leaves them out too."""
        at = self.at
        while at < len(self.lines) and self.lines[at][:1] == " ":
            at += 1
        if at < len(self.lines):
            line = self.lines[at]
            if line[:1] in {"+", "-"} and not line.startswith(("--", "+++ ", "-- ")):
                behind = "line behind the end of the hunk; it is left out"
                self._problem(behind, current, at + 1, start=start)

    def _hunk_end(self, at: int) -> int:
        """Index of the line that ends a hunk for certain: a header, the signature, the end."""
        lines = self.lines
        while at < len(lines):
            line = lines[at]
            if line.startswith(("diff --git ", "@@ -", _INDEXED)) or (
                line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1][:4] == "+++ "
            ):
                return at
            if line.startswith("@@") and self._is_elided(at):
                return at
            if line in {"-- ", "--"} and self._is_signature(at):
                return at
            at += 1
        return at

    def _is_signature(self, at: int) -> bool:
        """Whether the ``-- `` at ``at`` ends the diff: nothing of a diff stands after it."""
        rest = self.lines[at + 1 : at + 12]
        return not any(line.startswith(("+", "-", "@@ ", "diff ")) for line in rest)

    def _settle_kind(self, one: _File) -> None:
        """Believe names and hunks where a mode line says otherwise: there is more to see.

        git calls each file new when it is told to write its names from the root on
        (``--src-prefix=/tmp/a/``).  Of a deleted file (``format-patch -D``) it may show nothing.
        """
        if one.kind == "add" and any(hunk.old_length for hunk in one.hunks):
            one.kind = "modify"
            if not (one.named[0] or "").startswith("/"):
                what = "called a new file, and its hunks have old lines; taken for a change"
                self._problem(what, one, one.line, lost=False)
        elif one.kind == "delete" and any(hunk.new_length for hunk in one.hunks):
            one.kind = "modify"
            what = "called a deleted file, and its hunks have new lines; taken for a change"
            self._problem(what, one, one.line, lost=False)
        elif one.kind == "delete" and not one.hunks and not one.told and _holds_c(one):
            what = "the text of a deleted file is not shown (format-patch -D)"
            self._problem(what, one, one.line)

    def _finish(self, one: _File) -> FileDiff | None:
        self._settle_kind(one)
        old, new = _paths(one)
        if not (old or new) or (new or old or "").endswith("/"):
            self._problem("file header without a name; the file is left out", None, one.line)
            return None
        if _is_of_two(one, old, new):
            which = f"a diff of {old} and {new}: which file it changes is not known"
            self._problem(which, one, one.line)
        marks = {line.kind for hunk in one.hunks for line in hunk.lines}
        if marks == {" "}:
            self._problem("no line of its hunks is changed; their marks are lost", one, one.line)
            one.hunks = []
        elif bare := [hunk for hunk in one.hunks if all(line.kind == " " for line in hunk.lines)]:
            for hunk in bare:
                unmarked = "no line of the hunk is changed; their marks are lost"
                self._problem(unmarked, one, one.line, start=hunk.new_start)
        elif not one.hunks and one.kind is None and not one.told:
            self._problem("file without a hunk; the diff may be cut short", one, one.line)
        # git shows lines around a change wherever the file has any
        elif len(one.hunks) > 1 and " " not in marks:
            self._problem(_BARE, one, one.line, lost=False)
        return FileDiff(
            old_path=None if one.kind == "add" else old,
            new_path=None if one.kind == "delete" else new,
            kind=one.kind or "modify",
            hunks=tuple(one.hunks),
            old_blob=one.old_blob,
            new_blob=one.new_blob,
        )


def _is_of_two(one: _File, old: str | None, new: str | None) -> bool:
    """Whether a diff compares two files, neither of C, that may be copies of one."""
    if one.git or not (old and new) or any(name.endswith(C_NAMES) for name in (old, new)):
        return False
    return _split(old)[1] != _split(new)[1]


def _holds_c(one: _File) -> bool:
    """Whether a deleted file had a text of C: an empty one has no hunk."""
    name = one.old or one.named[0] or ""
    return name.endswith(C_NAMES) and not _EMPTY_BLOB.startswith(one.old_blob or _EMPTY_BLOB)


def _extended(one: _File, line: str) -> bool:
    """Note an extended header line of git; False when ``line`` is none."""
    if (found := _INDEX.match(line)) is not None:
        one.old_blob, one.new_blob = found.groups()
        return True
    for start, kind, side in _EXTENDED:
        if line.startswith(start):
            if side is not None:
                names = list(one.renamed)
                names[side] = unquote(line[len(start) :])
                one.renamed = (names[0], names[1])
            if kind != "mode" or one.kind is None:
                one.kind = kind
            return True
    return line.startswith(("similarity index ", "dissimilarity index "))


def _exact(lines: list[str], at: int, old: int, new: int) -> int | None:
    """Index behind a hunk that holds just what it announces; None for any other."""
    size = len(lines)
    while old > 0 or new > 0:
        if at >= size:
            return None
        mark = lines[at][:1]
        if mark in {" ", ""}:
            old, new = old - 1, new - 1
        elif mark == "+":
            new -= 1
        elif mark == "-":
            old -= 1
        elif mark != "\\":
            return None
        at += 1
    if old or new:
        return None
    return at + 1 if at < size and lines[at].startswith("\\ ") else at


def _by_words(region: list[str]) -> bool:
    """Whether the lines of a hunk that is not as announced are marked by words, not by lines."""
    return any(
        line == _LINE_END or any(0 <= line.find(one) < line.rfind(other) for one, other in _BRACES)
        for line in region
    )


def _mend(region: list[str], section: str, old: int, new: int) -> tuple[_Mended, str]:
    """Make the best of a hunk that does not hold what it announces.

    ``region`` are the lines up to the next header.  Returns the mended hunk and what was
    wrong with it.  Tried in this order: lines that a mailer broke are joined, prose ends
    the hunk; the same with several broken lines in a row; lines that lost their first blank
    count as context.  The first that meets the announced lengths wins, else the first.
    """
    skip = 0
    if region and region[0][:1] not in _MARKS:
        section, skip = f"{section.rstrip()} {region[0]}", 1
    first = _join_broken(region, skip, (old, new), section, 1)
    if first.lengths == (old, new):
        what = "hunk header broken by a mailer; mended"
        if any(line[:1] not in _MARKS for line in region[skip : first.used]):
            what = "line broken by a mailer; joined to the one before"
        return first, what
    second = _join_broken(region, skip, (old, new), section, _MOST_PIECES)
    if second.lengths == (old, new):
        return second, "lines broken by a mailer; joined"
    unmarked = [line if line[:1] in _MARKS else " " + line for line in region]
    end = _exact(unmarked, 0, old, new)
    if end is not None and not any(region[end : end + 1]):
        text = section if not skip else section.removesuffix(" " + region[0])
        body = [line or " " for line in unmarked[:end]]
        return _Mended(body, text, end, (old, new)), "lines without a mark; taken for context"
    got_old, got_new = first.lengths
    return first, f"hunk announces {old} old and {new} new lines but has {got_old} and {got_new}"


class _Mended(Struct, frozen=True):
    """A mended hunk: its lines, its section, how many lines of the text it took."""

    body: list[str]
    section: str
    used: int
    lengths: tuple[int, int]


def _join_broken(
    region: list[str], at: int, lengths: tuple[int, int], section: str, most: int
) -> _Mended:
    """Read a hunk from ``at``, with broken lines joined.

    Prose ends it: an unmarked line after an empty one, or more than ``most`` in a row.
    """
    body: list[str] = []
    old, new = lengths
    got_old = got_new = pieces = 0
    while at < len(region):
        line = region[at]
        mark = line[:1]
        full = got_old >= old and got_new >= new
        # Counts that were passed are wrong: then go on as long as it looks like a hunk.
        if full and ((got_old, got_new) == (old, new) or not mark or mark not in _MARKS):
            break
        if mark in _MARKS:
            body.append(line or " ")
            pieces = 0
            got_old += mark in {" ", "-", ""}
            got_new += mark in {" ", "+", ""}
        elif (
            not body
            or not region[at - 1]
            or pieces == most
            or (most == 1 and _is_unmarked(region, at + 1))
        ):
            break
        else:
            pieces += 1
            body[-1] += ("" if body[-1].endswith((" ", "\t")) else " ") + line
        at += 1
    while body and not region[at - 1] and (got_old, got_new) != (old, new):
        body.pop()
        at, got_old, got_new = at - 1, got_old - 1, got_new - 1
    return _Mended(body, section, at, (got_old, got_new))


def _is_unmarked(region: list[str], at: int) -> bool:
    return at < len(region) and region[at][:1] not in _MARKS


def _by_unidiff(header: str, body: list[str]) -> Hunk | None:
    """Read the hunk with unidiff; None when it will not."""
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    text = "\n".join(["--- a/f", "+++ b/f", header, *body, ""])
    try:
        # its objects of lines take as long as all the rest, and ours are made of the same marks
        (one,) = PatchSet(text, metadata_only=True)
        (hunk,) = one
    except (UnidiffParseError, ValueError):
        return None
    return _numbered(hunk.source_start, hunk.target_start, hunk.section_header, body)


def _numbered(old_start: int, new_start: int, section: str, body: list[str]) -> Hunk:
    """Make a hunk of marked lines, with the lengths that it really has."""
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
    r"""Mark the line before ``\ No newline at end of file``."""
    if lines:
        lines[-1] = replace(lines[-1], newline=False)


def _file_name(text: str) -> tuple[str, bool]:
    """Name out of a ``---`` or ``+++`` line, and whether its time stamp is the epoch."""
    if text.startswith('"'):
        return unquote(text[: text.rfind('"') + 1]), False
    if " " not in text and "\t" not in text:
        return text.rstrip(), False
    name = _DATED.sub("", text)
    return name.rstrip(), _EPOCH.search(text[len(name) :]) is not None


def _split_names(names: str) -> tuple[str | None, str | None]:
    """Split the names of a ``diff --git`` line; (None, None) where they cannot be told."""
    if names.startswith('"'):
        end = names.find('" ', 1)
        if end < 0:
            return None, None
        return unquote(names[: end + 1]), unquote(names[end + 2 :])
    if names.endswith('"') and (begin := names.find(' "')) > 0:
        return names[:begin], unquote(names[begin + 1 :])
    if names.count(" ") == 1:
        old, _, new = names.partition(" ")
        return old, new
    # With blanks in them, the two are the same but for the prefix.
    first, slash = names.find("/"), -1
    at = names.find(" ", first + 1) if first >= 0 else -1
    while at >= 0:
        if slash <= at:
            slash = names.find("/", at + 1)
        # tails of one length: there is one such blank at most, so that one pair is compared
        if slash < 0:
            break
        length = at - first - 1
        if 0 < length == len(names) - slash - 1 and names.startswith(
            names[first + 1 : at], slash + 1
        ):
            return names[:at], names[at + 1 :]
        at = names.find(" ", at + 1)
    return None, None


def _paths(one: _File) -> tuple[str | None, str | None]:
    """Old and new path without their prefixes, None for ``/dev/null``."""
    if one.renamed[0] and one.renamed[1]:
        return one.renamed
    length = _prefixes(*one.named)
    if length is not None:
        # what a line of the two leaves out is no name: /dev/null
        old, new = (name if name != _NULL else None for name in (one.old, one.new))
        return (
            None if old is None else (one.named[0] or "")[length[0] :],
            None if new is None else (one.named[1] or "")[length[1] :],
        )
    old = None if one.old in {None, _NULL} else one.old
    new = None if one.new in {None, _NULL} else one.new
    if not one.git and old and new:
        old, new = _without_backup(old, new)
    return _strip(old, new)


def _without_backup(old: str, new: str) -> tuple[str, str]:
    """Two names that differ in what an editor or a user puts behind that of a copy, without it.

    ``diff -u foo.c.orig foo.c`` compares one file with itself, and ``patch`` takes the shorter
    name of the two.
    """
    (folder, one), (other, two) = _split(old), _split(new)
    if one == two:
        return old, new
    short, long = sorted((one, two), key=len)
    if long.startswith(short) and not (long[len(short)].isalnum() or long[len(short)] == "_"):
        return folder + short, other + short
    bare = _BACKUP.sub("", one)
    same = bare != one and bare == _BACKUP.sub("", two) != two
    return (folder + bare, other + bare) if same else (old, new)


def _split(name: str) -> tuple[str, str]:
    """The folder of a name with its slash, and the rest."""
    folder, slash, last = name.rpartition("/")
    return folder + slash, last


def _prefixes(old: str | None, new: str | None) -> tuple[int, int] | None:
    """Lengths of two prefixes from the root on (``--src-prefix=/tmp/a/``) before one name.

    None for others, and where nothing is told: for one prefix on both sides.
    """
    if not old or not new or old == new or old[0] != "/" or new[0] != "/":
        return None
    head, other = old.split("/"), new.split("/")
    same = 0
    while same < min(len(head), len(other)) and head[-1 - same] == other[-1 - same]:
        same += 1
    if not same:
        return None
    name = len("/".join(head[len(head) - same :]))
    return len(old) - name, len(new) - name


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
