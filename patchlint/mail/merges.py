"""What merges of a range change by themselves: in no patch, and so not seen.

A merge whose result git makes of its sides again changes nothing.  It is made anew in a folder
of our own, by git's own rules: no driver for merges that a repository names is run, and none of
its attributes holds.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.outside.programs import ProgramError, stream_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.outside.repository import Repository

#: merges of a range that are made anew, and seconds for all of them; more are not known of
MOST_MERGES: Final = 200
PATIENCE: Final = 30.0
#: bytes of their differences that are looked through
_MOST_BYTES: Final = 64 << 20
#: merges that are named, and files of one
_NAMED: Final = 5
_FILES: Final = 3
_C: Final = (".c", ".h")
_FILE: Final = re.compile(rb'diff --git "?a/.*? "?b/(.*?)"?$')
_SETTINGS: Final = (
    *("-c", "merge.default=text"),
    *("-c", "merge.renormalize=false"),
    *("-c", "merge.renames=true"),
    *("-c", "merge.directoryRenames=conflict"),
)
_LOG: Final = ("log", "--merges", "--remerge-diff", "--unified=0", "--format=%x00%H %P%x00%s")
_PLAIN: Final = ("--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short")


class _Merge(Struct):
    """A merge, and the files that it changes by itself; of many sides that is not known."""

    commit: str
    subject: str
    many: bool
    files: list[str]


def told(span: Sequence[str], repo: Repository, folder: str = "") -> tuple[int, tuple[str, ...]]:
    """Return how many merges a span has, and what of them no patch shows, in sentences.

    Only C counts, and of a ``folder`` only what is below it.
    """
    number = int(repo.git.rev_list("--merges", "--count", *span, "--").strip() or 0)
    if not number:
        return 0, ()
    merges = _own(span, repo) if number <= MOST_MERGES else None
    if merges is None:
        return number, (_unknown(number),)
    said = [one for merge in merges if (one := _said(merge, folder))]
    more = len(said) - _NAMED
    return number, (*said[:_NAMED], *([f"so do {more} more merges"] if more > 0 else ()))


def _unknown(merges: int) -> str:
    if merges == 1:
        return "the range has a merge: what that changes by itself is not seen"
    return f"the range has {merges} merges: what those change by themselves is not seen"


def _said(merge: _Merge, folder: str) -> str:
    name = f'merge {merge.commit[:12]} ("{merge.subject}")'
    if merge.many:
        return f"{name} has more than two sides: what it changes by itself is not seen"
    below = [file.removeprefix(folder) for file in merge.files if file.startswith(folder)]
    files = [file for file in below if file.endswith(_C)]
    if not files:
        return ""
    more = f" and {len(files) - _FILES} more" if len(files) > _FILES else ""
    return f"{name} changes {', '.join(files[:_FILES])}{more} by itself: that is not seen"


def _own(span: Sequence[str], repo: Repository) -> list[_Merge] | None:
    """The merges of a span whose result git does not make of their sides; None if unknown."""
    common = Path(repo.common_dir).resolve()
    if _sets_merges(common):
        return None
    with tempfile.TemporaryDirectory(prefix="patchlint-merge-") as place:
        objects = Path(place) / "objects"
        objects.mkdir()
        quoted = re.sub(r'(["\\])', r"\\\1", str(common / "objects"))
        more = {
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"',
            # attributes come from the index and the work tree: there is neither
            "GIT_INDEX_FILE": os.path.join(place, "index"),  # noqa: PTH118
        }
        asked = (*_SETTINGS, *_LOG, *_PLAIN, *span, "--")
        try:
            process = stream_git(str(Path(repo.git_dir).resolve()), *asked, more=more)
        except ProgramError:
            return None
        ended = threading.Timer(PATIENCE, process.kill)
        ended.start()
        with process:
            merges = None if process.stdout is None else _read(process.stdout)
            if merges is None:
                process.kill()
        ended.cancel()
        return merges if process.returncode == 0 else None


def _read(lines: Iterable[bytes]) -> list[_Merge] | None:
    """The merges in what git prints, None where it is too much."""
    merges: list[_Merge] = []
    size = 0
    for line in lines:
        size += len(line)
        if size > _MOST_BYTES:
            return None
        if line[:1] == b"\0":
            ids, _, subject = line[1:].decode("utf-8", "replace").rstrip("\n").partition("\0")
            commit, *parents = ids.split()
            merges.append(_Merge(commit, subject, len(parents) > 2, []))  # noqa: PLR2004
        elif merges and (found := _FILE.match(line)) is not None:
            merges[-1].files.append(found[1].decode("utf-8", "surrogateescape"))
    return merges


def _sets_merges(common: Path) -> bool:
    """Whether attributes of a repository itself, which always hold, may say how to merge."""
    try:
        return (
            re.search(rb"merge|binary|\[attr\]", (common / "info/attributes").read_bytes())
            is not None
        )
    except FileNotFoundError:
        return False
    except OSError:
        return True
