"""A git repository through gitpython, each of whose starts of git is one of ours."""

from __future__ import annotations

import os
from configparser import Error as ConfigError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from patchlint.outside import programs
from patchlint.outside.git import refusal

# gitpython starts git when it is imported, and raises where there is none, or none that can
# read the user's configuration: which is said when it is asked for something
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
_before = os.environ.get("GIT_CONFIG_GLOBAL")
os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
try:
    from git import Git, InvalidGitRepositoryError, NoSuchPathError, Repo
finally:
    if _before is None:
        del os.environ["GIT_CONFIG_GLOBAL"]
    else:
        os.environ["GIT_CONFIG_GLOBAL"] = _before

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class NoRepositoryError(Exception):
    """There is no repository, or git does not open it; the text says which."""


class _Git(Git):
    """gitpython's way to git: whatever it wants to run is run as on anybody's repository."""

    def execute(self, command: Sequence[str], **options: Any) -> Any:  # type: ignore[override]
        """Run ``git ARGUMENTS`` and return what it prints; raises ``ProgramError``.

        Of gitpython's options those of the output are heeded; it always is read to its end.
        """
        place = str(self.working_dir or ".")
        status, out, errors = programs.read_git(place, *command[1:])
        if status:
            text = refusal(errors, place) or programs.said(errors) or f"exit status {status}"
            raise programs.ProgramError(f"git {command[1]}: {text}")
        if options.get("strip_newline_in_stdout", True):
            out = out.removesuffix(b"\n")
        return (
            out.decode("utf-8", "surrogateescape") if options.get("stdout_as_string", True) else out
        )


class Repository(Repo):
    """A repository in which names are looked up and commands run without surprises."""

    GitCommandWrapperType = _Git

    def commit(self, rev: str = "HEAD") -> str | None:  # type: ignore[override]
        """Return the full id of the commit that ``rev`` names, None when there is none.

        The name is handed to git as data: it is never an option.
        """
        if "\n" in rev or "\0" in rev:
            return None
        asked = f"{rev}^{{commit}}\n".encode("utf-8", "surrogateescape")
        place = str(self.git.working_dir or ".")
        status, out, errors = programs.read_git(place, "cat-file", "--batch-check", stdin=asked)
        if status:
            raise programs.ProgramError(refusal(errors, place) or programs.said(errors))
        fields = out.decode("ascii", "replace").split()
        return fields[0] if len(fields) == 3 and fields[1] == "commit" else None  # noqa: PLR2004

    def named(self, name: str) -> tuple[list[str], list[str]]:
        """Return the ids of the commits that ``name`` means, and of those it leaves out.

        ``name`` is what git's manual of revisions has: ``A..B``, ``A...B``, ``A^!``, ``A^@``,
        ``A^-``, one commit.  Both lists are empty for what names no commit; raises
        ``ProgramError`` where git says what is amiss (no upstream, a log that is too short).
        """
        # an option, and a name that only leaves out; no name of git's begins so
        if name.startswith(("-", "^")) or "\0" in name:
            return [], []
        place = str(self.git.working_dir or ".")
        status, out, errors = programs.read_git(place, "rev-parse", "--revs-only", name, "--")
        if status and b"bad revision" not in errors:
            raise programs.ProgramError(refusal(errors, place) or programs.said(errors))
        ids = [] if status else out.decode("ascii", "replace").split()
        commits = {one: self.commit(one.removeprefix("^")) for one in ids}
        for one in (one for one, commit in commits.items() if commit is None):
            status, _, errors = programs.read_git(place, "cat-file", "-t", one.removeprefix("^"))
            if status:  # a name leads to an object that is not there
                raise programs.ProgramError(refusal(errors, place) or programs.said(errors))
            return [], []
        wanted = [str(commits[one]) for one in commits if one[0] != "^"]
        return wanted, [str(commits[one]) for one in commits if one[0] == "^"]


@contextmanager
def opened(folder: Path) -> Iterator[Repository]:
    """Open the repository that ``folder`` is in.  Raises :class:`NoRepositoryError`."""
    place = _place(folder)
    if place is None:
        raise NoRepositoryError(f"{folder} is no git repository")
    try:
        repo = Repository(place, expand_vars=False)
    except (InvalidGitRepositoryError, NoSuchPathError, ConfigError, ValueError, OSError) as error:
        raise NoRepositoryError(f"{folder} is no git repository") from error
    repo.git = _Git(place)  # not where the repository says that its work tree is
    with repo:
        yield repo


def _place(folder: Path) -> str | None:
    """The nearest folder, from ``folder`` upwards, that has a repository or is one."""
    here = folder.resolve()
    for place in (here, *here.parents):
        bare = (place / "HEAD").is_file() and (place / "objects").is_dir() and place == here
        if bare or os.path.lexists(place / ".git"):
            return str(place)
    return None
