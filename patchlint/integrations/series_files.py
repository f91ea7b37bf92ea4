"""The files of one series beside each other, as ``git format-patch`` leaves them.

Only the heads of the files are read, with nothing but the standard library's cheapest
parts, since the send-email hook runs this for each mail.
"""

# pathlib would cost the fast path more than the check itself
# ruff: noqa: PTH100, PTH113, PTH118, PTH120, PTH123, PTH202, PTH204, PTH208
from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_HEAD_BYTES: Final = 16_384
_LARGEST: Final = 64 << 20
_MOST_FILES: Final = 2_000
#: digits of a version or of the number of a patch
_LONGEST_NUMBER: Final = 9
#: bytes that tell which header a line is
_FIELD: Final = 20
_SUFFIXES: Final = (".patch", ".eml", ".mail", ".mbox", ".diff", ".txt")


class Place:
    """Where a mail stands: ``[PATCH vVERSION NUMBER/TOTAL] title``; None, None when alone.

    Not a struct: importing those would double the time that the hook takes.
    """

    __slots__ = ("number", "title", "total", "version")

    def __init__(self, title: str, version: int, number: int | None, total: int | None) -> None:
        self.title = title
        self.version = version
        self.number = number
        self.total = total


def has_diff(data: bytes) -> bool:
    """Whether a mail brings a patch.  Transfer encodings are not undone: errs to True."""
    if b"\x1b" in data:  # git writes colours into a file when it is told to
        from patchlint.mail.certain import plain

        data = plain(data)
    if data.startswith(b"diff --git ") or b"\ndiff --git " in data:
        return True
    if b"\n--- " in data and b"\n+++ " in data:
        return True
    return b"content-transfer-encoding: base64" in data[:_HEAD_BYTES].lower()


def is_unread(data: bytes) -> bool:
    """Whether what has no diff to be seen is called a patch, or is no mail: a check says why."""
    if not data.strip() or has_diff(data):
        return False
    subject = header(header_block(data), b"subject")
    if not subject:  # UTF-16, a diff of another form, nothing that is sent
        return True
    where = place(data)
    called = subject.startswith("[") and "patch" in subject.partition("]")[0].lower()
    return where.number != 0 and (called or where.number is not None)


def place(data: bytes) -> Place:
    """Read the place in a series off the head of a mail."""
    rest = header(header_block(data), b"subject")
    version, number, total = 1, None, None
    while rest.startswith("[") and "]" in rest:
        inside, _, rest = rest[1:].partition("]")
        rest = rest.lstrip()
        inside = inside.replace(" /", "/").replace("/ ", "/").replace(" of ", "/")
        for word in inside.replace(",", " ").split():
            if word[:5].lower() == "patch" and "/" in word:  # glued: [PATCH1/2]
                word = word[5:].lstrip("-_:")  # noqa: PLW2901
            above, _, below = word.partition("/")
            if _is_number(above) and _is_number(below):
                number, total = int(above), int(below)
            digits = word.lower().removeprefix("patch").removeprefix("v")
            if _is_number(digits) and digits != word:
                version = int(digits)
    return Place(rest, version, number, total)


def holds_several(data: bytes) -> bool:
    """Whether a file has more than one mail, as ``git format-patch --stdout`` writes them."""
    pieces = data.split(b"\nFrom ")[1:] if b"\nFrom " in data else ()
    return any(
        piece.partition(b"\n")[2][:_FIELD].lower().startswith((b"from: ", b"subject: ", b"date: "))
        for piece in pieces
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _may_be_patch(name: str) -> bool:
    """Whether a file is called as a mail is, or numbered as ``git format-patch`` does."""
    parts = name.split("-")
    return name.endswith(_SUFFIXES) or any(len(p) == 4 and _is_number(p) for p in parts)  # noqa: PLR2004


def siblings(path: str) -> list[str]:
    """Return the files of the series that ``path`` is part of, in order, with ``path``.

    Files of another version or length are left out.  When a number stands there twice
    (an older run of format-patch), the file written closest in time to ``path`` counts.
    """
    own = place(_head(path))
    if own.number is None or own.total is None:
        return [path]
    folder = os.path.dirname(os.path.abspath(path))
    written = _mtime(path)
    best: dict[int, tuple[float, str]] = {}
    for name in sorted(os.listdir(folder))[:_MOST_FILES]:
        other = os.path.join(folder, name)
        if not _may_be_patch(name) or not _readable(other):
            continue
        there = place(_head(other))
        if there.number is None or (there.version, there.total) != (own.version, own.total):
            continue
        distance = abs(_mtime(other) - written)
        if there.number not in best or distance < best[there.number][0]:
            best[there.number] = (distance, other)
    best[own.number] = (0.0, path)
    return [best[number][1] for number in sorted(best)]


def header_block(data: bytes) -> bytes:
    """Return the headers of a mail, line ends made LF."""
    return data[:_HEAD_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]


def header(head: bytes, name: bytes) -> str:
    """Return a header, unfolded and decoded; empty when it is not there."""
    return _decoded(_raw(head, name))


def message_ids(head: bytes, name: bytes) -> list[str]:
    """Return the message-ids in a header, in order, without angle brackets."""
    parts = _raw(head, name).split(b"<")[1:]
    ids = [part.partition(b">")[0] for part in parts if b">" in part]
    return [one.decode("utf-8", "replace") for one in ids if one and not one.split()[1:]]


def _raw(head: bytes, name: bytes) -> bytes:
    """Return the first header called ``name`` as it stands there, folded lines and all."""
    start = (b"\n" + head).lower().find(b"\n" + name + b":")
    if start < 0:
        return b""
    first, *lines = head[start + len(name) + 1 :].split(b"\n")
    for line in lines:
        if not line.startswith((b" ", b"\t")):
            break
        first += b"\n" + line
    return first.strip()


def _decoded(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    if "=?" in text.partition("]")[0]:
        from contextlib import suppress
        from email.errors import HeaderParseError
        from email.header import decode_header, make_header

        with suppress(HeaderParseError, LookupError, UnicodeDecodeError):
            text = str(make_header(decode_header(text)))
    return " ".join(text.split())


def _readable(path: str) -> bool:
    try:
        return os.path.isfile(path) and os.path.getsize(path) <= _LARGEST
    except OSError:
        return False


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def _mtime(path: str) -> float:
    try:
        return os.path.getmtime(path)
    except OSError:
        return 0.0
