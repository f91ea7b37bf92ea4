"""Every form of input, read as a stream of raw mails.

Whatever goes wrong with one input or one message is an :class:`InputError` in the stream,
and reading goes on.
"""

# pathlib costs a short check more than reading its mails
# ruff: noqa: PTH110, PTH112, PTH114, PTH123

from __future__ import annotations

import os
import re
from typing import IO, TYPE_CHECKING

from patchlint.mail import mbox, mime, shape, texts
from patchlint.mail.bounded import (
    MOST_OF_A_MAIL,
    Bounded,
    Meter,
    TooLargeError,
    is_damage,
    packing,
)
from patchlint.model import contents
from patchlint.model.mail import RawMail
from patchlint.model.pattern import lazy
from patchlint.model.problem import InputError, Limitation
from patchlint.outside.console import read_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_COMMIT = re.compile(rb"^From ([0-9a-f]{40}|[0-9a-f]{64}) ")
#: How ``git format-patch`` calls its files, whatever their suffix.
_NUMBERED = lazy(r"(?:v\d+(?:\.\d+)?-)?\d{4}-[^/]+(?<!~)$")
_MESSAGE_ID = lazy(r"<[^\s<>]+@[^\s<>]+>|[^\s<>/@]+@(?!\{)[^\s<>/@]+")
_URL = lazy(r"https?://")
#: first bytes of what ``git log``, ``git show`` and ``hg export`` print
_SHOWN = frozenset(bytes((char,)) for char in b"ct#\x1b0123456789abdef")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_HEADERS = frozenset({"from", "subject", "date", "message-id", "received", "to", "in-reply-to"})
_SUFFIXES = (".patch", ".diff", ".mbox", ".mbx", ".eml", ".mail", ".gz", ".xz", ".bz2")
_PROBE = 1 << 16
#: files of a zip archive that are read
_MOST_MEMBERS = 500

Read = RawMail | InputError | Limitation


def read_inputs(
    inputs: Sequence[str],
    stdin: bytes | None = None,
    *,
    tree: Path | str | None = None,
) -> Iterator[Read]:
    """All mails of ``inputs``, in order, with errors where something could not be read.

    ``-`` stands for ``stdin``, or for the process's standard input when that is None.
    ``tree`` is the repository in which ranges and commits are looked up.  Nothing is
    fetched from the network but for a message-id or URL that stands in ``inputs``.
    """
    for name in inputs:
        try:
            if name == "-":
                yield from _bytes(name, read_input() if stdin is None else stdin)
            elif os.path.isdir(name):
                yield from _folder(name)
            elif os.path.exists(name):
                yield from _file(name)
            else:
                yield from _no_path(name, tree)
        except OSError as error:
            yield InputError(name, _os_message(error))
        except ValueError as error:  # a NUL byte in the name
            yield InputError(name, f"cannot be read: {error}")


def _os_message(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"


def _no_path(name: str, tree: Path | str | None) -> Iterator[Read]:
    """Read what is no file: a range, a commit, a message-id or a URL."""
    if _URL.match(name) or (_MESSAGE_ID.fullmatch(name) and not _is_known(name, tree)):
        from patchlint.mail import lore

        yield from _fetched(name, lore.fetch(name))
        return
    if os.path.islink(name):
        yield InputError(name, "cannot be read: a link that leads nowhere")
        return
    if tree is None:
        yield InputError(name, "no such file; a git range or commit needs a tree")
        return
    from pathlib import Path

    from patchlint.mail import git_range

    yield from git_range.read(name, Path(tree))


def _is_known(name: str, tree: Path | str | None) -> bool:
    """Whether what looks like a Message-ID is a branch of the tree, or a range of some."""
    if tree is None or name.startswith("<"):
        return False
    from pathlib import Path

    from patchlint.mail import git_range

    return git_range.is_known(name, Path(tree))


def _fetched(name: str, data: bytes | InputError) -> Iterator[Read]:
    if isinstance(data, InputError):
        yield data
    else:
        yield from _bytes(name, data)


def _folder(name: str) -> Iterator[Read]:
    from pathlib import Path

    from patchlint.mail import public_inbox, quilt

    path = Path(name)
    epochs = public_inbox.epochs(path)
    if epochs:
        for epoch in epochs:
            yield from public_inbox.read(name, epoch)
        return
    stack = quilt.stack(path)
    if stack is not None:
        yield from quilt.read(stack, _file)
        return
    if (path / "cur").is_dir() and (path / "new").is_dir():
        parts = [path / "cur", path / "new"]
    elif path.name in {"cur", "new"} and (path.parent / "tmp").is_dir():
        parts = [path]
    else:
        parts = []
    files = [
        file
        for part in parts
        for file in sorted(part.iterdir(), key=_natural)
        # a link that leads nowhere is told as what cannot be read
        if (file.is_file() or not file.exists()) and not file.name.startswith(".")
    ]
    if not parts:
        from patchlint.mail import folder

        sorted_out = folder.sort_out(sorted(path.iterdir(), key=_natural), _is_mail_file)
        files = sorted_out.mails
        yield from folder.told(name, sorted_out)
    if not files:
        amiss = "neither a Maildir nor .patch files" if not parts else "a Maildir that is empty"
        yield InputError(name, f"no mail in this folder ({amiss})")
    for file in files:
        try:
            # nobody asked for the pipes of a folder, and one may have no other end
            regular = file.is_file() or file.is_dir() or not file.exists()
            yield from _file(str(file)) if regular else [_irregular(file)]
        except OSError as error:
            yield InputError(str(file), _os_message(error))


def _irregular(path: Path) -> InputError:
    return InputError(str(path), "cannot be read: no file but a pipe or a device")


def _is_mail_file(path: Path) -> bool:
    """Whether a file of a plain folder is to be read; MH folders name mails by number."""
    name = path.name
    return not name.startswith(".") and (
        name.lower().endswith(_SUFFIXES)
        or (
            ((name.isascii() and name.isdecimal()) or _NUMBERED.match(name) is not None)
            and path.is_file()
        )
    )


def _natural(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``10`` after ``9``."""
    return tuple(
        (0, int(piece), "") if piece.isdecimal() and piece.isascii() else (1, 0, piece)
        for piece in re.split(r"([0-9]+)", path.name)
        if piece
    )


def _file(name: str) -> Iterator[Read]:
    with open(name, "rb") as stream:
        if not stream.seekable():  # a pipe, which begins but once
            yield from _bytes(name, read_input(stream))
        else:
            yield from _any(name, stream)


def _any(name: str, stream: IO[bytes]) -> Iterator[Read]:
    """Read what may be packed."""
    magic = stream.read(6)
    stream.seek(0)
    if magic[:4] == b"PK\x03\x04":
        yield from _zipped(name, stream)
        return
    if (library := packing(magic)) is None:
        yield from _bounded(name, Bounded(stream, packed=False))
        return
    with library.open(stream, "rb") as unpacked:
        yield from _bounded(name, Bounded(unpacked, packed=True, source=stream))


def _bounded(name: str, bounded: Bounded) -> Iterator[Read]:
    try:
        yield from _stream(name, bounded)
    except TooLargeError as error:
        yield InputError(name, str(error))
    if bounded.damage:
        yield InputError(name, bounded.damage)


def _zipped(name: str, stream: IO[bytes]) -> Iterator[Read]:
    """Read the patches of a zip archive, as Gerrit's downloads are."""
    import zipfile

    try:
        with zipfile.ZipFile(stream) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            if not members:
                yield InputError(name, "no patch in this zip archive")
            meter = Meter()
            for member in members[:_MOST_MEMBERS]:
                if meter.unfair():  # said of the member that it is
                    return
                with archive.open(member) as unpacked:
                    yield from _bounded(name, Bounded(unpacked, packed=True, meter=meter))
            if len(members) > _MOST_MEMBERS:
                yield InputError(name, f"more than {_MOST_MEMBERS} files; the rest is not read")
    except Exception as error:
        if not is_damage(error):
            raise
        yield InputError(name, f"zip archive is damaged or cannot be read: {error}")


def _bytes(name: str, data: bytes) -> Iterator[Read]:
    import io

    yield from _any(name, io.BytesIO(data))


def _stream(name: str, stream: Bounded) -> Iterator[Read]:
    """Read a mail or an mbox: as for git, an mbox begins with a separator line."""
    first = stream.readline()
    skipped = 0
    while first and not first.strip():
        first = stream.readline()
        skipped += 1
    if not first:
        if not stream.damage:  # which is told
            yield InputError(name, "empty: there is no mail in it")
        return
    first = mbox.bare(first.removeprefix(b"\xef\xbb\xbf"))
    if mbox.is_separator(first) or mbox.is_mmdf(first):
        yield from _mbox(name, first, stream, skipped)
        return
    data = _plain(first + stream.read())
    fault = no_mail(data)
    if fault is None:
        yield from _mails(name, data, 1 + skipped)
    else:
        yield from _other_text(name, data, fault, skipped)


def _plain(data: bytes) -> bytes:
    """A text in the encoding and with the line ends that its readers know."""
    if data[:2] in _UTF16:
        data = data.decode("utf-16", "replace").encode()
    if b"\r" in data and b"\n" not in data:  # as machines did whose lines ended so
        data = data.replace(b"\r", b"\n")
    return texts.parted(data)


def no_text(head: bytes) -> str | None:
    """Why a file that is no mbox and begins with ``head`` holds no mail, None when it does."""
    head = _plain(head)
    fault = no_mail(head)
    if fault is None or texts.first_separator(head) is not None:
        return None
    bare = b"" if b" " in head else b"".join(head.split())
    # whole groups of four stand for themselves
    plain = texts.unpacked(bare[: len(bare) // 4 * 4])
    return no_text(plain) if plain else fault


def _other_text(name: str, data: bytes, fault: str, skipped: int) -> Iterator[Read]:
    """Read what is packed in a text, or stands behind some other one."""
    if (plain := texts.unpacked(data)) is not None:
        yield from _bytes(name, plain)
    elif (start := texts.first_separator(data)) is not None:
        yield from _behind(name, data, start, skipped)
    else:
        yield InputError(name, fault, line=1)


def _mails(name: str, data: bytes, line: int) -> Iterator[RawMail]:
    """One mail or patch, or the patches of what ``git log`` and ``git show`` print."""
    if data[:1] not in _SHOWN:
        yield RawMail(name, data, line)
        return

    shown = texts.commits(data)
    if not shown:
        yield RawMail(name, data, line)
        return
    total = len(shown)
    for number, one in enumerate(shown, 1):
        place = (number, total) if total > 1 else None
        yield RawMail(name, one.data, line + one.line, one.commit, place)


def _behind(name: str, data: bytes, start: int, skipped: int) -> Iterator[Read]:
    """Read an mbox that stands behind some other text, such as a program's messages."""
    import io

    stream = io.BytesIO(data[start:])
    above = data.count(b"\n", 0, start) + skipped
    yield from _mbox(name, stream.readline(), stream, above)


def _mbox(name: str, first: bytes, stream: Iterable[bytes], skipped: int) -> Iterator[Read]:
    import itertools

    split = mbox.split_mmdf if mbox.is_mmdf(first) else mbox.split
    empty = True
    for message in split(itertools.chain([first], stream)):
        empty = False
        line = message.line + skipped
        if len(message.data) > MOST_OF_A_MAIL:
            text = f"a mail of more than {MOST_OF_A_MAIL >> 20} MB: not read"
            yield InputError(name, text, line=line)
            continue
        found = _COMMIT.match(message.separator)
        commit = found.group(1).decode("ascii") if found and found.group(1).strip(b"0") else None
        fault = no_mail(message.data)
        if fault:
            yield InputError(name, fault, line=line)
        else:
            yield RawMail(name, message.data, line, commit)
    if empty:
        yield InputError(name, "empty: there is no mail in it", line=1 + skipped)


def no_mail(data: bytes) -> str | None:
    """Why ``data`` is no mail and no patch, None when it is one."""
    probe = data[:_PROBE]
    if not probe.strip():
        return "empty message"
    headers, _body = mime.split_headers(probe.replace(b"\r\n", b"\n").lstrip(b"\n"))
    if headers.values.keys() & _HEADERS:
        return None
    if binary := contents.binary(probe):
        return f"{binary}, not a mail"
    marks = b"@@ -", b"\ndiff --git ", b"\x1b["
    if data.startswith(b"diff --git ") or any(mark in data for mark in marks):
        from patchlint.mail.mend import mend

        text, _amiss = mend(data.replace(b"\r\n", b"\n").decode("utf-8", "replace"))
        if shape.diff_start(text, loose=True) is not None:
            return None
    return "neither a mail nor a patch: it has no mail headers and no diff"
