"""public-inbox v2 archives: git repositories whose commits each hold one mail ``m``."""

from __future__ import annotations

import subprocess
import tempfile
from typing import IO, TYPE_CHECKING

from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        if _is_git_dir(one) and _holds_mail(one):
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
    listed = subprocess.run(
        [*_git(git_dir), "rev-list", *limit, span, "--"], capture_output=True, check=False
    )
    if listed.returncode:
        yield "", InputError(name, f"git cannot read {git_dir}: {_last_line(listed.stderr)}")
        return
    commits = listed.stdout.decode("ascii", "replace").split()[::-1]
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{commit}:m\n" for commit in commits).encode())
        wanted.seek(0)
        with subprocess.Popen(
            [*_git(git_dir), "cat-file", "--batch", "--buffer"],
            stdin=wanted,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            if process.stdout is None:
                return
            try:
                yield from _batch(name, commits, process.stdout)
            finally:
                process.stdout.close()
                process.terminate()


def _batch(
    name: str, commits: list[str], stream: IO[bytes]
) -> Iterator[tuple[str, RawMail | InputError]]:
    for commit in commits:
        header = stream.readline()
        if not header:
            yield commit, InputError(name, f"git cat-file ended before commit {commit}")
            return
        fields = header.split()
        if fields[-1:] == [b"missing"]:  # a commit that deletes a mail has ``d`` instead
            continue
        data = stream.read(int(fields[2]))
        stream.read(1)
        yield commit, RawMail(f"{name}@{commit[:12]}", data)


def _git(git_dir: Path) -> list[str]:
    return ["git", f"--git-dir={git_dir}"]


def _is_git_dir(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir()


def _holds_mail(git_dir: Path) -> bool:
    """Whether the newest commit has a file ``m`` or ``d`` and nothing else."""
    listed = subprocess.run(
        [*_git(git_dir), "ls-tree", "--name-only", "HEAD"], capture_output=True, check=False
    )
    return listed.returncode == 0 and listed.stdout.split() in ([b"m"], [b"d"])


def _last_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no reason given"
