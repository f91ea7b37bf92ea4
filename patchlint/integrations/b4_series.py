"""Finds the rest of the series when b4 hands over one mail of it.

In this order: the review branch that b4 names, the commits of the work tree, the mails
of the same thread that earlier calls were given, the mail alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from patchlint.integrations import series_files, trees
from patchlint.integrations.analysis import Work, cache_folder
from patchlint.outside import programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from patchlint.integrations.config import Settings

#: b4 marks its own commits, which are no patches, with such a line.
_B4_COMMIT: Final = re.compile(r"^--- b4-(?:submit|review)-tracking ---", re.MULTILINE)
_FIRST_FILE: Final = re.compile(rb"^\+\+\+ [a-z]/([^\t\r\n]+)", re.MULTILINE)
#: The commits below HEAD among which a mail is looked for.
_REACH: Final = 200
#: Seconds for which the mails of a thread are kept to complete it.
_THREAD_LIFE: Final = 24 * 3600.0
_MOST_PATCHES: Final = 500


class Found(NamedTuple):
    """A series to check, and the number of the mail's patch in it.

    ``number`` is None when the mail is a cover letter and speaks for all patches.
    """

    work: Work
    number: int | None


class _Commit(NamedTuple):
    name: str
    title: str


def find(mail: bytes, settings: Settings) -> Found:
    """Return the series that ``mail`` belongs to, as much of it as can be found."""
    here = series_files.place(mail)
    number = here.number if here.number is not None else 1
    top = trees.top()
    commits = _from_tracking() if top else []
    if not commits and top:
        commits = _from_history(mail, here, top)
    tree = trees.tree_for(settings)
    if commits and top:
        return Found(_of_commits(commits, top), number or None)
    mails = _thread(mail, here)
    diffs = b"\n".join(mails)
    stdin = b"".join(map(_as_mbox, mails)) if len(mails) > 1 else mail
    work = Work(("-",), diffs, stdin=stdin, base=trees.head(tree), tree=tree)
    return Found(work, number or None)


# --- from commits


def _of_commits(commits: Sequence[str], top: str) -> Work:
    names = "\n".join(commits).encode()
    diffs = programs.git_diffs("--no-walk=unsorted", "--stdin", stdin=names, cwd=top)
    parents = programs.git("rev-list", "--parents", "-n1", commits[0], cwd=top).split()[1:]
    if not parents:
        return Work(tuple(commits), diffs, base="", tree=top)
    return Work((f"{parents[0]}..{commits[-1]}",), diffs, base=parents[0], tree=top)


def _from_tracking() -> list[str]:
    """Return the commits of the review branch that ``B4_TRACKING_FILE`` tells of."""
    name = os.environ.get("B4_TRACKING_FILE")
    if not name:
        return []
    try:
        tracking: dict[str, Any] = json.loads(Path(name).read_bytes())
        series = tracking["series"]
        first, change = str(series["first-patch-commit"]), str(series["change-id"])
        total = len(tracking["patches"])
        branch = f"refs/heads/b4/review/{change}"
        listed = programs.git(
            "rev-list", "--reverse", "--topo-order", "--end-of-options", f"{first}^..{branch}"
        )
    except (OSError, ValueError, KeyError, TypeError, programs.ProgramError):
        return []
    return listed.split()[:total]


def _from_history(mail: bytes, here: series_files.Place, top: str) -> list[str]:
    """Return the commits of the series around the commit that the mail was made from.

    The mail's place ``n/m`` tells how many belong to it on both sides.  A cover letter is
    looked for as b4's own commit below the patches.
    """
    history = _history(top)
    total = here.total or 1
    if here.number == 0:
        return _below_cover(history, here, total)
    patches = [commit for commit in history if commit.title]
    wanted = _patch_id(mail)
    if not wanted:
        return []
    same_title = [commit for commit in patches if commit.title == here.title]
    match = _matching(wanted, same_title, top)
    if match is None:
        touching = _touching(mail, patches, top)
        match = _matching(wanted, [one for one in patches if one.name in touching], top)
    if match is None:
        return []
    number = here.number or 1
    names = [commit.name for commit in patches]
    position = names.index(match)
    first = max(0, position - (number - 1))
    return names[first : position - (number - 1) + total]


def _history(top: str) -> list[_Commit]:
    """Return the newest commits, oldest first; the title of b4's own ones is empty."""
    try:
        log = programs.git(
            "log", "--first-parent", "--min-parents=1", "--max-parents=1", "--reverse",
            f"-n{_REACH}", "--format=%H%x00%s%x00%b%x1e", "HEAD", cwd=top,
        )  # fmt: skip
    except programs.ProgramError:
        return []
    commits = []
    for record in log.split("\x1e"):
        name, _, rest = record.strip("\n").partition("\0")
        title, _, body = rest.partition("\0")
        if name:
            commits.append(
                _Commit(name, "" if _B4_COMMIT.search(body) else " ".join(title.split()))
            )
    return commits


def _below_cover(history: Sequence[_Commit], here: series_files.Place, total: int) -> list[str]:
    """Return the patches of a prep branch that is as long as its cover letter says."""
    del here
    marks = [place for place, commit in enumerate(history) if not commit.title]
    if not marks:
        return []
    above = [commit.name for commit in history[marks[-1] + 1 :]]
    return above if len(above) == total else []


def _matching(wanted: str, commits: Sequence[_Commit], top: str) -> str | None:
    """Return the commit whose patch-id is ``wanted``."""
    if not commits:
        return None
    names = "\n".join(commit.name for commit in commits).encode()
    diffs = programs.git_diffs("-M", "--no-walk=unsorted", "--stdin", stdin=names, cwd=top)
    for line in programs.git("patch-id", "--stable", stdin=diffs, cwd=top).splitlines():
        patch_id, _, name = line.partition(" ")
        if patch_id == wanted:
            return name
    return None


def _touching(mail: bytes, commits: Sequence[_Commit], top: str) -> set[str]:
    """Return those of ``commits`` that touch the first file of ``mail``.

    Only their diffs are worth a patch-id: the diff of a big import takes seconds.
    """
    path = _FIRST_FILE.search(mail)
    if path is None or not commits:
        return set()
    span = f"{commits[0].name}^..{commits[-1].name}"
    name = path.group(1).decode("utf-8", "surrogateescape")
    options = ("--first-parent", "--format=%H")
    return set(programs.git("log", *options, span, "--", f":(top,literal){name}", cwd=top).split())


def _patch_id(mail: bytes) -> str:
    """Return the patch-id of a mail whose diff stands in it plainly, else an empty string."""
    line = programs.git("patch-id", "--stable", stdin=mail)
    return line.split()[0] if line else ""


# --- from mails


def _thread(mail: bytes, here: series_files.Place) -> list[bytes]:
    """Remember ``mail``, and return all mails of its series seen so far, in order.

    b4 hands over the patches of a thread one after the other: at the last one all are
    there.
    """
    if here.total is None or here.total < 2 or here.number is None:  # noqa: PLR2004 - a pair
        return [mail]
    if not here.number <= here.total <= _MOST_PATCHES:
        return [mail]
    try:
        folder = cache_folder("threads")
        place = folder / hashlib.sha256(_thread_key(mail, here).encode()).hexdigest()
        _forget(folder)
        place.mkdir(exist_ok=True)
        (place / f"{here.number:04}").write_bytes(mail)
        files = sorted(file for file in place.iterdir() if file.name.isdigit())
        return [file.read_bytes() for file in files]
    except OSError:
        return [mail]


def _thread_key(mail: bytes, here: series_files.Place) -> str:
    head = series_files.header_block(mail)
    references = series_files.message_ids(head, b"references")
    answered = series_files.message_ids(head, b"in-reply-to")
    own = series_files.message_ids(head, b"message-id")
    root = [*references, *answered, *own, ""][0]
    return f"{root} {series_files.header(head, b'from')} {here.version} {here.total}"


def _forget(folder: Path) -> None:
    oldest = time.time() - _THREAD_LIFE
    for place in folder.iterdir():
        if place.stat().st_mtime < oldest:
            for file in place.iterdir():
                file.unlink()
            place.rmdir()


def _as_mbox(mail: bytes) -> bytes:
    return b"".join(_mbox_lines(mail))


def _mbox_lines(mail: bytes) -> Iterator[bytes]:
    """Return a mail as mboxrd."""
    yield b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
    for line in mail.splitlines(keepends=True):
        yield b">" + line if re.match(rb">*From ", line) else line
    yield b"\n" if mail.endswith(b"\n") else b"\n\n"
