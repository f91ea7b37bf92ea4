"""Patches out of a git repository: whatever git takes for commits, as ``A..B`` or ``A^!``."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint.mail import mbox
from patchlint.mail.merges import told
from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError
from patchlint.outside.programs import ProgramError
from patchlint.outside.repository import NoRepositoryError, opened
from patchlint.outside.source import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.outside.repository import Repository

_COMMIT = re.compile(rb"^From ([0-9a-f]{40}|[0-9a-f]{64}) ")
#: a file of C whose change git writes as a binary one
_BINARY_C = re.compile(
    rb"^diff --git [^\n]*\.[ch]\"?\n(?:(?!diff --git )[^\n]*\n){0,9}?GIT binary patch$",
    re.MULTILINE,
)
_HEADS = "refs/heads/"
_CUT = "is where this shallow clone begins: what it changes is not known (git fetch --deepen=1)"
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
    "--no-to",
    "--no-cc",
    "--no-add-header",
    "--no-from",
    "--no-signoff",
    "--no-relative",
    "--submodule=short",
    "--inter-hunk-context=0",
    "--encoding=UTF-8",
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

    A name without anything to leave out is that commit alone, as for ``git show``; of a branch
    the first mail says so where that has more which no other branch has.  The sides of
    ``A...B`` are one series each.  Merges have no patch and are left out; what those change
    by themselves the first mail has in ``amiss``.  An error comes back when ``tree`` is no
    repository or one that git does not open, ``name`` is nothing that it knows, the range is
    empty, the repository lacks an object of it, and for a commit at which a shallow clone
    begins.
    """
    try:
        with opened(tree) as repo:
            yield from _commits(name, repo, inside(str(tree)))
    except NoRepositoryError as error:
        yield InputError(name, f"no such file, and {error}")
    except ProgramError as error:
        yield InputError(name, f"the commits cannot be read: {error}")


def is_known(name: str, tree: Path) -> bool:
    """Whether ``tree`` is a repository in which ``name`` means commits."""
    try:
        with opened(tree) as repo:
            return bool(repo.named(name)[0])
    except (NoRepositoryError, ProgramError):
        return False


def _commits(name: str, repo: Repository, folder: str) -> Iterator[RawMail | InputError]:
    """The commits; with a ``folder`` of the repository what they change in it, as seen there."""
    spans = _spans(name, repo)
    if not spans:
        yield InputError(name, "no such file, and no commit or range of the tree")
    merges = 0
    empty = True
    for span in spans:
        if isinstance(span, str):
            text = f"a merge has no patch of its own; {span[:12]}^- has what it brought"
            yield InputError(name, text)
            empty = False
            continue
        found, amiss = (0, _more(name, repo)) if span[0] == "-1" else told(span, repo, folder)
        merges += found
        for one in _of_span(name, span, repo, folder):
            empty = False
            if isinstance(one, RawMail):
                yield replace(one, amiss=amiss)
                amiss = ()  # told once
            else:
                yield one
    if spans and empty:
        where = f" that changes {folder}" if folder else ""
        others = " but merges, which have no patch of their own" if merges else ""
        yield InputError(name, f"no commit in this range{where}{others}")


def _more(name: str, repo: Repository) -> tuple[str, ...]:
    """What to say of the newest commit alone, where ``name`` is a branch that has others."""
    full = str(repo.git.rev_parse("--symbolic-full-name", name, "--")).partition("\n")[0]
    # "HEAD" and "@" mean a commit to whoever writes them
    if not full.startswith(_HEADS) or name not in {full, full[5:], full[len(_HEADS) :]}:
        return ()
    others = (f"--exclude={full.removeprefix(_HEADS)}", "--branches", "--remotes")
    own = repo.git.rev_list("--max-count=2", full, "--not", *others, "--").split()
    if len(own) <= 1:
        return ()
    return (f"only the newest commit of the branch {name} is checked: A..{name} is a range of it",)


def _of_span(
    name: str, span: list[str], repo: Repository, folder: str
) -> Iterator[RawMail | InputError]:
    """The patches of one span; where a shallow clone begins an error stands for one."""
    relative = [f"--relative={folder}"] if folder else []
    within = ["--", folder] if folder else []
    asked = (*relative, *span, *within)
    text = _patches(repo, *_FORMAT, *asked)
    if _BINARY_C.search(text):
        # attributes that the repository sets itself must not hide C
        text = _patches(repo, *_FORMAT, "--text", *asked)
    cut = _cut(repo)
    for message in mbox.split(io.BytesIO(text)):
        found = _COMMIT.match(message.separator)
        commit = found.group(1).decode("ascii") if found else None
        if commit in cut:
            yield InputError(name, f"commit {commit[:12] if commit else ''} {_CUT}")
        else:
            yield RawMail(name, message.data, None, commit)


def _patches(repo: Repository, *arguments: str) -> bytes:
    made: bytes = repo.git.format_patch(
        *arguments, stdout_as_string=False, strip_newline_in_stdout=False
    )
    return made


def _cut(repo: Repository) -> frozenset[str]:
    """The commits whose parents a shallow clone lacks: git shows all their files as new."""
    try:
        return frozenset((Path(repo.common_dir) / "shallow").read_text("ascii").split())
    except (OSError, ValueError):
        return frozenset()


def _spans(name: str, repo: Repository) -> list[list[str] | str]:
    """Arguments for git, one list for each series, or the merge that has no patch of its own.

    Commits are named by their ids, so that none is taken for an option.  Empty for what git
    does not know.
    """
    wanted, without = repo.named(name)
    if without:
        # each side of A...B stands on what both have, and not on the other side
        others = {one: [other for other in wanted if other != one] for one in wanted}
        return [
            ["--end-of-options", one, *(f"^{out}" for out in (*without, *others[one]))]
            for one in reversed(wanted)  # git names the right side first
        ]
    spans: list[list[str] | str] = []
    for one in wanted:
        _, *parents = repo.git.rev_list("--no-walk", "--parents", one, "--").split()
        # git would take another commit for a merge
        spans.append(["-1", "--end-of-options", one] if len(parents) <= 1 else one)
    return spans


def title(name: str, tree: str | Path) -> str:
    """What to call the series of the range ``name``: its branch where it ends at one.

    A range whose end is no branch is called by its own name.
    """
    begin, dots, end = name.partition("..")
    end = end.removeprefix(".") if dots else begin.rpartition("^-")[0]
    end = end or "HEAD"
    try:
        with opened(Path(tree)) as repo:
            if end.startswith("-") or repo.commit(end) is None:
                return name
            full = repo.git.rev_parse("--symbolic-full-name", end, "--")
    except (NoRepositoryError, ProgramError):
        return name
    branch = str(full).partition("\n")[0]
    return f"{branch.removeprefix(_HEADS)} ({name})" if branch.startswith(_HEADS) else name
