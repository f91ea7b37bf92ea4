"""Which files of a plain folder hold patches, whatever they are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.mail.bounded import MOST_OF_A_MAIL, is_damage, packing
from patchlint.model.problem import Limitation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

#: endings of copies that an editor or a program leaves beside a file
_COPIES: Final = ("~", ".orig", ".bak")
#: what a text has that holds a patch, or a mail with one
_TELLING: Final = re.compile(
    rb"^(?:diff -|@@ -\d|--- \S[^\n]*\n\+\+\+ |\*{15}\r?$|From [0-9a-f]{40} |begin [0-7]{3,6} "
    rb"|Subject: [^\n]*\[[^\n]*PATCH)",
    re.MULTILINE,
)
#: first bytes of what is packed, or written by Outlook, and not unpacked here
_SEALED: Final = (
    b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"\x04\x22\x4d\x18", b"\x1f\x9d", b"\x5d\x00\x00",
    b"Rar!", b"PK\x03\x04", b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_TAR: Final = slice(257, 262)
#: files of a folder in the folder that are looked at
_MOST_FILES: Final = 2000
#: names that are told
_NAMED: Final = 5


class Sorted(Struct):
    """The files to be read, those that may hold patches and are not, and all others.

    ``folders`` are those in it that hold files called as patches.
    """

    mails: list[Path]
    sealed: list[str]
    others: list[str]
    folders: list[str]


def sort_out(files: Iterable[Path], is_mail: Callable[[Path], bool]) -> Sorted:
    """Tell the files of a folder apart: by name, by what is in them where that says nothing.

    Hidden files are none of these.
    """
    entries = [file for file in files if not file.name.startswith(".")]
    names = {file.name for file in entries}
    found = Sorted([], [], [], [])
    for file in entries:
        if is_mail(file):
            found.mails.append(file)
        elif file.is_dir():
            (found.folders if _has_mails(file, is_mail) else found.others).append(f"{file.name}/")
        elif _is_copy(file.name, names) or not file.is_file():
            found.others.append(file.name)
        else:
            _look(file, found)
    return found


def _has_mails(folder: Path, is_mail: Callable[[Path], bool]) -> bool:
    """Whether a folder, or one in it, has a file that is called as a patch is."""
    import itertools

    try:
        return any(map(is_mail, itertools.islice(folder.rglob("*"), _MOST_FILES)))
    except OSError:
        return True


def _is_copy(name: str, names: set[str]) -> bool:
    return any(name.endswith(end) and name.removesuffix(end) in names for end in _COPIES)


def _look(file: Path, found: Sorted) -> None:
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_OF_A_MAIL + 1)
    except OSError:
        found.mails.append(file)  # reading it tells why it cannot be read
        return
    if packing(data[:6]) is not None or _holds_patches(data):
        found.mails.append(file)
    elif data.startswith(_SEALED) or data[_TAR] == b"ustar":
        found.sealed.append(file.name)
    elif _TELLING.search(data) is not None:
        found.mails.append(file)
    elif len(data) > MOST_OF_A_MAIL:
        found.sealed.append(file.name)
    else:
        found.others.append(file.name)


def _holds_patches(data: bytes) -> bool:
    """Whether ``data`` is a zip archive of files that are called patches."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.endswith((".patch", ".diff", ".mbox")) for name in archive.namelist())
    except Exception as error:
        if not is_damage(error):
            raise
        return False


def told(folder: str, files: Sorted) -> Iterator[Limitation]:
    """Say of which files of a folder nothing is read, beside those that are."""
    if files.sealed:
        text = f"{folder}: packed, or too large, and not read: {_listed(files.sealed)}"
        yield Limitation("mail", text, lost=True)
    if files.folders:
        text = f"{folder}: folders with patches in it, which are not read: "
        yield Limitation("mail", text + _listed(files.folders), lost=True)
    if files.others and files.mails:
        yield Limitation("mail", f"{folder}: holds no patch, passed over: {_listed(files.others)}")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
