"""Patches out of a git repository: a range ``A..B`` or one commit."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from git import GitCommandError, InvalidGitRepositoryError, NoSuchPathError, Repo

from patchlint.mail import mbox
from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMMIT = re.compile(rb"^From ([0-9a-f]{40}|[0-9a-f]{64}) ")
#: Everything that a user's settings could change about the patches is said here.
_FORMAT = (
    "--stdout",
    "--pretty=mboxrd",
    "--no-attach",
    "--no-thread",
    "--no-cover-letter",
    "--no-signature",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-base",
    "--no-notes",
    "--numbered",
    "--subject-prefix=PATCH",
    "--full-index",
    "--find-renames",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--unified=3",
)


def read(name: str, tree: Path) -> Iterator[RawMail | InputError]:
    """Each commit of ``name``, oldest first, as ``git format-patch`` writes it.

    Merges have no patch and are left out.  An error comes back when ``tree`` is no
    repository, ``name`` is nothing that it knows, or the range is empty.
    """
    try:
        repo = Repo(tree, search_parent_directories=True)
    except (InvalidGitRepositoryError, NoSuchPathError, ValueError):
        yield InputError(name, f"no such file, and {tree} is no git repository")
        return
    with repo:
        yield from _commits(name, repo)


def _commits(name: str, repo: Repo) -> Iterator[RawMail | InputError]:
    unknown = InputError(name, "no such file, and no commit or range of the tree")
    if name.startswith("-"):
        yield unknown
        return
    try:
        span = [name] if ".." in name else _single(name, repo)
        if not span:
            yield InputError(name, "a merge has no patch of its own; give a range")
            return
        text = repo.git.format_patch(
            *_FORMAT, *span, "--", stdout_as_string=False, strip_newline_in_stdout=False
        )
    except (GitCommandError, ValueError):
        yield unknown
        return
    empty = True
    for message in mbox.split(io.BytesIO(text)):
        found = _COMMIT.match(message.separator)
        empty = False
        yield RawMail(name, message.data, None, found.group(1).decode("ascii") if found else None)
    if empty:
        yield InputError(name, "no commits in this range")


def _single(name: str, repo: Repo) -> list[str]:
    """Arguments that name one commit; none for a merge, where git would take another."""
    shown = repo.git.rev_list("--no-walk", "--parents", f"{name}^{{commit}}", "--")
    commit, *parents = str(shown).split()
    return [] if len(parents) > 1 else ["-1", commit]
