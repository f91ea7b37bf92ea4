"""Tells from the raw text of mails that a check reads all of the diffs in it.

It errs on one side: what is certain is read whole, of the rest nobody knows before it is read.
A filter that holds back what has no word of the tables may do so where this says yes; where a
hunk is cut short the word may stand in what is missing.  It is asked of each mail of an archive
and of each mail that is sent, so that it counts bytes, and imports nothing that takes time.

The digest of a patch is made here as well, of the same lines.
"""

from __future__ import annotations

import re

from patchlint.mail.diffstat import lacking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    #: lines before and after, and a mark of those that have numbers
    _Header = tuple[bytes, bytes, bytes]

_CHANGED: Final = re.compile(rb"\n([+@][^\n]*|-(?!-)[^\n]*)")
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;]*[mK]")
#: one byte is found ten times as fast as two
_ESCAPE: Final = b"\x1b"
#: a line that begins a hunk; one without numbers, or with too large ones, has no groups
_HUNK: Final = re.compile(rb"\n@@(?: -\d{1,6}(?:,(\d{1,6}))? (\+)\d{1,6}(?:,(\d{1,6}))? @@)?")
#: the first byte of each line
_FIRST: Final = re.compile(rb"\n(.)")
#: the marks of a hunk's lines, among the first bytes of all lines
_RUN: Final = re.compile(rb"@([ +\\-]*)")
#: what stands in a diff that is not read, or not as hunks
_OTHER: Final = (
    b"\nGIT binary patch",
    b"\nBinary files ",
    b"\n***************\n",
    b"\nbegin ",
)
#: a command of a normal diff or of a script for ed
_COMMAND: Final = re.compile(rb"\n\d+(?:,\d+)?[acd](?:\d+(?:,\d+)?)?\n")
#: how hunks, headers of files, context diffs and files in text begin
_BEGINS: Final = (b"\n@@", b"\n+++ ", b"\n***************\n", b"\nbegin ", b"\ndiff -")
_FILE: Final = b"\ndiff --git "
_NAME: Final = b"\n+++ "
#: a header of a file with a hunk below it, among the first bytes, and one as git writes it
_TITLED: Final = b"-+@"
_WHOLE_FILE: Final = re.compile(rb"d[a-z]{0,6}-\+@")
#: the sums of another patch behind the first
_ANOTHER: Final = re.compile(rb"\n \d+ files? changed")
_SIGNATURE: Final = b"\n-- \n"
_MARKS: Final = frozenset(b" +-\\\n")
_NO_MARKED: Final = (b"--", b"+++ ")
_SEVERAL: Final = (b"\ncontent-type: multipart/", b"\ncontent-type: message/")


def plain(data: bytes) -> bytes:
    """``data`` without the colours that ``git format-patch --color`` puts into a diff."""
    return _COLOUR.sub(b"", data) if _ESCAPE in data else data


def certain(text: bytes) -> bool:
    """Whether all of the diffs in ``text`` is read: the decoded text of mails, in no colours.

    Each hunk holds the lines that it announces, and nothing stands there beside hunks.
    """
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    text = b"\n" + text
    start = max(0, text.find(_FILE))
    cut = text.rfind(_SIGNATURE)
    end = cut if cut > start else len(text)
    # the message above has no lines to count, nor has what stands behind the last signature
    if any(text.find(one, 0, start) >= 0 or text.find(one, end) >= 0 for one in _BEGINS):
        return False
    diff = text[start:end]
    firsts = b"".join(_FIRST.findall(_spelled(diff)))
    if any(one[1:2] in firsts and one in diff for one in _OTHER):
        return False
    if _COMMAND.search(text, start) is not None:
        return False
    files, names = diff.count(_FILE), diff.count(_NAME)
    headers, runs = _HUNK.findall(diff), _RUN.findall(firsts)
    if (
        not names
        or firsts.count(_TITLED) < names
        or firsts.count(b"d") > files
        # a picture, a new name, a file that is cut short have no hunk
        or (files and len(_WHOLE_FILE.findall(firsts)) < files)
        # the text of one may begin another, and a file may have its header behind a hunk
        or len(runs) != len(headers)
        or firsts.find(_TITLED) + 2 != firsts.find(b"@")
    ):
        return False
    # a name has a mark as well, and so has what is no line of a hunk: that errs towards no
    sums = (max(files, names), firsts.count(b"+") - names, firsts.count(b"-") - names)
    if lacking(text[:start], sums) is not None or _ANOTHER.search(diff) is not None:
        return False
    return all(map(_agrees, headers, runs)) or all(
        _agrees(one, run) or _line_by_line(diff, at, one)
        for (one, at), run in zip(_places(diff), runs, strict=True)
    )


def _spelled(text: bytes) -> bytes:
    """``text`` with a byte on its empty lines: nothing of a hunk stands behind one for certain."""
    # twice, since the second of three line feeds begins one line and ends another
    return text.replace(b"\n\n", b"\n\0\n").replace(b"\n\n", b"\n\0\n")


def _agrees(header: _Header, run: bytes) -> bool:
    """Whether a hunk has what its header says, by the marks of the lines below it."""
    kept, minus, plus = run.count(b" "), run.count(b"-"), run.count(b"+")
    return (
        kept + minus == int(header[0] or 1)
        and kept + plus == int(header[2] or 1)
        and header[1] != b""
        and bool(minus or plus)
    )


def _places(diff: bytes) -> list[tuple[_Header, int]]:
    """The headers of hunks, and where the lines below them begin."""
    return [
        (
            (one[1] or b"", one[2] or b"", one[3] or b""),
            diff.find(b"\n", one.end()) + 1 or len(diff),
        )
        for one in _HUNK.finditer(diff)
    ]


def certain_mails(data: bytes) -> bool:
    """The same of mails as they stand, with headers and in their encodings: errs further to no."""
    low = data.lower()
    return not any(one in low for one in _SEVERAL) and certain(plain(data))


def _line_by_line(text: bytes, at: int, header: _Header) -> bool:
    """Whether a hunk with that header stands at ``at``, and no line with a mark behind it."""
    if not header[1]:
        return False
    old, new, size, marked = int(header[0] or 1), int(header[2] or 1), len(text), False
    while old > 0 or new > 0:
        if at >= size or text[at] not in _MARKS:
            return False
        mark = text[at : at + 1]
        old -= mark in b" -\n"
        new -= mark in b" +\n"
        marked = marked or mark in b"+-"
        at = text.find(b"\n", at) + 1 or size
    if old or new or not marked:
        return False
    while text.startswith(b" ", at):
        at = text.find(b"\n", at) + 1 or size
    return not text.startswith((b"+", b"-"), at) or text.startswith(_NO_MARKED, at)


def digest(text: bytes) -> str:
    """A digest of the marked lines of a patch: lists add to a text, and write it anew.

    It tells copies of a mail from another patch under the same Message-ID.
    """
    import hashlib

    changes = (line.rstrip() for line in _CHANGED.findall(text))
    return hashlib.blake2b(b"\n".join(changes), digest_size=8).hexdigest()
