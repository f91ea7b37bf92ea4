"""public-inbox v2 archives: git repositories whose commits each hold one mail ``m``."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING

from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError
from patchlint.outside.git import refusal
from patchlint.outside.programs import ProgramError, read_git, said, stream_git

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: how often git may end over damaged objects of one archive
_MOST_ENDS = 100


def epochs(path: Path) -> tuple[Path, ...]:
    """Git directories of the epochs under ``path``, oldest first; empty for other folders.

    ``path`` is one epoch, or an inbox folder that has ``git/0.git``, ``git/1.git``...
    """
    for folder in (path / "git", path):
        found = sorted(
            (one for one in folder.glob("[0-9]*.git") if _is_git_dir(one)),
            key=lambda one: int(one.stem) if one.stem.isdecimal() else 0,
        )
        if found:
            return tuple(found)
    for one in (path, path / ".git"):
        if _is_git_dir(one) and _holds_mail(one, unread=one == path):
            return (one,)
    return ()


def read(
    name: str, git_dir: Path, *, newest: int | None = None, after: str | None = None
) -> Iterator[RawMail | InputError]:
    """Mails of one epoch, oldest first; ``commit`` of a mail stays None.

    ``newest`` limits them to the last so many, ``after`` to those behind that commit.
    """
    for _commit, mail in read_commits(name, git_dir, newest=newest, after=after):
        yield mail


def read_commits(
    name: str, git_dir: Path, *, newest: int | None = None, after: str | None = None
) -> Iterator[tuple[str, RawMail | InputError]]:
    """As :func:`read`, with the archive commit that holds each mail, for resuming."""
    limit = [] if newest is None else [f"--max-count={newest}"]
    span = "HEAD" if after is None else f"{after}..HEAD"
    try:
        status, out, errors = read_git(str(git_dir), "rev-list", *limit, span, "--")
    except ProgramError as error:
        yield "", InputError(name, str(error))
        return
    if status:
        reason = refusal(errors, str(git_dir)) or said(errors) or "no reason given"
        yield "", InputError(name, f"git cannot read {git_dir}: {reason}")
        return
    yield from read_named(name, git_dir, out.decode("ascii", "replace").split()[::-1])


def read_named(
    name: str, git_dir: Path, commits: Sequence[str]
) -> Iterator[tuple[str, RawMail | InputError]]:
    """The mails of these commits of an archive, in order.

    One that it does not have is an error with its commit, and reading goes on behind it; an
    error without a commit ends it.
    """
    left = list(commits)
    for _ in range(_MOST_ENDS):
        at = 0
        for place, item in _read_on(name, git_dir, left):
            at = place + 1
            if item is not None:
                yield left[place], item
        if at >= len(left):
            return
        # some damage ends git: that mail is left out, and git starts again behind it
        text = f"the repository is damaged at this mail ({left[at][:12]})"
        yield left[at], InputError(f"{name}@{left[at][:12]}", text)
        left = left[at + 1 :]
    yield "", InputError(name, f"git cat-file ends again and again: {git_dir} is damaged")


def _read_on(
    name: str, git_dir: Path, commits: Sequence[str]
) -> Iterator[tuple[int, RawMail | InputError | None]]:
    """What stands at each place in ``commits``, None where a mail was deleted, until git ends."""
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{commit}:m\n" for commit in commits).encode())
        wanted.seek(0)
        process = stream_git(str(git_dir), "cat-file", "--batch", "--buffer", stdin=wanted)
        with process:
            if process.stdout is None:  # pragma: no cover - a pipe was asked for
                return
            try:
                yield from _batch(name, git_dir, commits, process.stdout)
            finally:
                process.stdout.close()
                process.terminate()


def _batch(
    name: str, git_dir: Path, commits: Sequence[str], stream: IO[bytes]
) -> Iterator[tuple[int, RawMail | InputError | None]]:
    for place, commit in enumerate(commits):
        header = stream.readline()
        if not header:
            return
        fields = header.split()
        if len(fields) != 3 or not fields[2].isdigit():  # noqa: PLR2004 - id, type, size
            # a commit that deletes a mail has ``d`` instead; git says the same of both
            gone = _has_mail(git_dir, commit)
            text = "the repository does not have this mail (a partial clone, or damaged)"
            yield place, InputError(f"{name}@{commit[:12]}", text) if gone else None
            continue
        data = stream.read(int(fields[2]))
        stream.read(1)
        yield place, RawMail(f"{name}@{commit[:12]}", data)


def _has_mail(git_dir: Path, commit: str) -> bool:
    """Whether a commit says that it has a mail; also where that cannot be read."""
    try:
        status, out, _ = read_git(str(git_dir), "ls-tree", "--name-only", commit, "--")
    except ProgramError:
        return True
    return status != 0 or b"m" in out.split()


def _is_git_dir(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir()


def _holds_mail(git_dir: Path, *, unread: bool) -> bool:
    """Whether the newest commit has a file ``m`` or ``d`` and nothing else.

    The answer is ``unread`` where git cannot tell: reading it as an archive then says why.
    """
    try:
        status, out, _ = read_git(str(git_dir), "ls-tree", "--name-only", "HEAD")
    except ProgramError:
        return unread
    return unread if status else out.split() in ([b"m"], [b"d"])
