"""Kernel trees to read from: a git repository at some commit, or a plain folder.

git is run as a program, with one ``cat-file --batch`` for all reading; see
:mod:`patchlint.patch.git_objects`.
"""

# pathlib costs a short check more than reading its mails
# ruff: noqa: PTH110, PTH112, PTH113, PTH114, PTH118, PTH123, PTH208

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from patchlint.model.pattern import lazy
from patchlint.outside.git import may_be_broken, refusal
from patchlint.outside.programs import (
    ProgramError,
    read_git,
    said,
    stream_git,
    without_filters,
)
from patchlint.outside.source import (
    PARTS,
    enclosing_repository,
    has_c,
    is_bare,
    is_kernel_tree,
    is_part,
    repository_of,
)
from patchlint.patch.git_objects import Objects

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from os import PathLike

    from patchlint.patch.tree_search import Found, Wanted

_FOREIGN: Final = "no kernel source: neither fs, drivers, kernel... nor any C file is in it"
_PARTIAL: Final = "the names of its files cannot be read (a partial or damaged clone?)"
_AS_FOLDER: Final = "git cannot read the tree's repository, whose files are taken as they stand"
_VERSION: Final = re.compile(rb"^(VERSION|PATCHLEVEL) = (\d{1,4})$", re.MULTILINE)

#: what git says of an object that it has not: of a file in a search, and of others
_UNREADABLE: Final = re.compile(rb"error: '[^:']+:(.+)': unable to read")
_UNREAD: Final = (b"unable to read", b"ould not read", b"ould not fetch", b"missing", b"promisor")

#: of files that cannot be read no more are named in a sentence
_NAMED: Final = 5

#: when a commit was made, in the head of its object
_COMMITTED: Final = lazy(rb"\A(?:[^\n]+\n)*?committer [^\n]*> (\d{1,15}) [^\n]*\n")
_BLOB: Final = re.compile(r"[0-9a-f]{4,64}\Z")


class TreeError(Exception):
    """A tree that cannot be opened; the text is fit for a user."""


class Tree(Protocol):
    """Where whole files come from.

    Paths are relative to the top of the tree, with slashes.  ``name`` is for reports.
    """

    @property
    def name(self) -> str:
        """The commit, or the folder of a tree without one."""

    @property
    def commit(self) -> str | None:
        """Full id of the commit that is read, None for a plain folder."""

    @property
    def lost(self) -> Sequence[str]:
        """Paths of files that are there and could not be read, of those that were wanted.

        "" stands for files whose names are not known either.
        """

    def read(self, path: str) -> bytes | None:
        """Content of the file at ``path``, None when there is none."""

    def blob(self, abbreviated: str) -> bytes | None:
        """Content of the blob with that id, None when unknown or ambiguous."""

    def read_all(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Path and content of those of ``paths`` that are files, in their order."""

    def files_with(self, wanted: Wanted, folder: str | None = None) -> Iterator[Found]:
        """C sources and headers that have any of what is wanted, as they are found.

        Each with the names that it may have; a file may come again with other names.
        With ``folder`` those of its files alone, without the folders in it.
        Errs towards too many: comments and strings count, and a file may be told that stands
        beside the tree and cannot be read from it.
        """

    def list_c(self) -> Iterable[tuple[str, str]]:
        """All C sources and headers: path and full blob id, sorted by path."""

    def patches(self, ids: Sequence[str]) -> dict[str, str]:
        """Return diffs of commits after this one, by their stable patch ids, where known."""

    def versions(self, path: str, date: float | None) -> Iterator[tuple[str, bytes]]:
        """Give ``path`` as tags have it: tag and content, tags nearest to ``date`` first."""

    def named(self, name: str) -> Sequence[str]:
        """Paths of all files with that name in any folder."""

    def at(self, revision: str) -> Tree | None:
        """Return the same tree at another commit, None when it has no such commit."""


def blob_id(content: bytes) -> str:
    """Return the id that git (SHA-1) gives to ``content``."""
    import hashlib

    digest = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def kernel_version(tree: Tree) -> tuple[int, int] | None:
    """Major and minor number of the kernel in ``tree``, None when its Makefile has none."""
    numbers = dict(_VERSION.findall(tree.read("Makefile") or b""))
    if not {b"VERSION", b"PATCHLEVEL"} <= numbers.keys():
        return None
    return int(numbers[b"VERSION"]), int(numbers[b"PATCHLEVEL"])


def unseen(paths: Sequence[str]) -> str:
    """What is to be said of a tree in which ``paths`` cannot be read; "" is any other file."""
    known = [path for path in paths if path] if len(paths) <= _NAMED else []
    what = ", ".join(known) or (f"{len(paths)} files of it" if paths[1:] else "some files of it")
    return f"not all of the tree is seen: {what} cannot be read"


def current_kernel_tree(start: str | PathLike[str] = ".") -> str | None:
    """Return the kernel tree that ``start`` is in: its git work tree, None when it is no kernel."""
    top = enclosing_repository(start)
    return top if top is not None and is_kernel_tree(top) else None


def named_revision(path: str) -> tuple[str, str | None]:
    """Split ``linux@v6.1`` into folder and revision; a folder of that very name has none."""
    where, at, revision = path.rpartition("@")
    if at and where and revision and not os.path.isdir(path) and os.path.isdir(where):
        return where, revision
    return path, None


def begin(path: str | PathLike[str]) -> Callable[[], Tree]:
    """Start git for the tree at ``path``; what is returned is :func:`open_tree` for it.

    git takes as long to start as a mail takes to be read: both are done at once.
    """
    folder = os.fspath(path)
    repository = repository_of(folder) if os.path.isdir(folder) else None
    if repository is None:
        return partial(open_tree, path)
    objects = Objects(repository)
    with suppress(OSError):  # said when the tree is opened
        objects.ask(_commit_of("HEAD"))
    return partial(open_tree, path, objects=objects)


def open_tree(
    path: str | PathLike[str], revision: str | None = None, objects: Objects | None = None
) -> Tree:
    """Return the tree at ``path``: a git repository (at ``revision``, HEAD if None) or a folder.

    A repository without a commit, and a folder inside of a repository that is not the
    kernel's, are read as plain folders.  Raises TreeError when there is nothing to read, and
    for a folder that has nothing of a kernel.
    """
    folder = os.fspath(path)
    if not os.path.isdir(folder):
        raise TreeError(f"{path}: no such folder")
    repository = repository_of(folder)
    if repository is not None:
        tree = GitTree(repository, revision or "HEAD", objects)
        if tree.known:
            if not (is_part(repository) or has_c(repository) or tree.has_kernel()):
                lost = tree.lost
                tree.close()
                raise TreeError(f"{path}: {_PARTIAL if lost else _FOREIGN}")
            return tree
        tree.close()
        refused = _refusal(repository)
        if refused is not None:
            raise TreeError(f"{path}: {refused}")
        if revision is not None:
            raise TreeError(f"{path}: no such commit: {revision}")
    if revision is not None:
        raise TreeError(f"{path}: not a git repository, so it has no commit {revision}")
    if not (is_part(folder) or has_c(folder)):
        raise TreeError(f"{path}: {_FOREIGN}")
    return FolderTree(folder, "" if repository is None else _damage(repository))


def plainly_there(folder: str) -> bool:
    """Whether :func:`open_tree` surely opens a folder at its HEAD, without starting git.

    False where only git tells: for a bare repository, a work tree whose repository is
    elsewhere, and a configuration that may be broken.
    """
    if not os.path.isdir(folder):
        return False
    repository = repository_of(folder)
    if repository is None:
        return is_part(folder) or has_c(folder)
    try:
        with open(os.path.join(repository, ".git", "config"), "rb") as file:
            return not may_be_broken(file.read()) and is_part(repository)
    except OSError:
        return False


def _damage(repository: str) -> str:
    """Why a repository without a commit that can be read has none, "" where it is new."""
    try:
        for asked in (("--git-dir",), ("--verify", "--quiet", "HEAD")):
            status, _, errors = read_git(repository, "rev-parse", *asked)
            if status and asked[0] == "--git-dir":
                return f"{_AS_FOLDER}: {said(errors)}"
    except ProgramError as error:
        return f"{_AS_FOLDER}: {error}"
    # what HEAD names is not there
    return "" if status else f"{_AS_FOLDER}: its newest commit is missing or damaged"


def _refusal(repository: str) -> str | None:
    """Why git does not open a repository whose owner it does not trust; None where it does."""
    with suppress(ProgramError):
        status, _, errors = read_git(repository, "rev-parse", "--git-dir")
        return refusal(errors, repository) if status else None
    return None


def _commit_of(revision: str) -> str:
    return f"{revision}^{{commit}}"


class GitTree:
    """A git repository at one commit; bare or with a work tree.

    Words are searched in the work tree where it is at the same commit, since that is
    four times as fast as in objects; files changed there are searched in the commit, and so
    is all where a sparse checkout has not all files.
    """

    def __init__(
        self,
        repository: str | PathLike[str],
        revision: str = "HEAD",
        objects: Objects | None = None,
    ) -> None:
        self.repository = os.fspath(repository)
        self.revision = revision
        self._objects = objects or Objects(self.repository)
        found = self._objects.get(_commit_of(revision))
        self._commit = found[0] if found is not None else None
        self._changed: tuple[str, ...] | None = None
        self._dated: list[tuple[int, str]] | None = None
        self._day = 0
        self._listing: bytes | None = None
        self._names: dict[str, list[str]] = {}

    def __reduce__(self) -> tuple[type[GitTree], tuple[str, str]]:
        return GitTree, (self.repository, self._commit or self.revision)

    @property
    def known(self) -> bool:
        """Whether the repository has the commit."""
        return self._commit is not None

    @property
    def name(self) -> str:
        """The commit's full id."""
        return self._commit or self.revision

    @property
    def commit(self) -> str | None:
        """The commit's full id."""
        return self._commit

    def read(self, path: str) -> bytes | None:
        """Content of the file at ``path`` in the commit, None when there is none."""
        if self._commit is None or not path:
            return None
        found = self._objects.get(f"{self._commit}:{path}")
        if found is None and self._objects.lacks(self._commit, path):
            self._objects.lost[path] = None
        return found[2] if found is not None and found[1] == "blob" else None

    @property
    def lost(self) -> Sequence[str]:
        """Paths of files whose contents the repository lacks, of those that were wanted.

        "" stands for files whose names it lacks as well.
        """
        return tuple(self._objects.lost)

    def _hear(self, errors: bytes) -> None:
        """Note what git says that it could not read."""
        for line in errors.splitlines():
            named = _UNREADABLE.match(line)
            if named is not None:
                path = named[1].decode("utf-8", "surrogateescape")
                self._objects.lost[path] = None
            elif any(words in line for words in _UNREAD):
                self._objects.lost[""] = None

    def read_all(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Path and content of those of ``paths`` that are files of the commit, in their order."""
        names = (f"{self._commit}:{path}" for path in paths if path)
        lost = []
        for name, found in self._objects.get_all(names) if self._commit is not None else ():
            if found is not None and found[1] == "blob":
                yield name.partition(":")[2], found[2]
            elif found is None:
                lost.append(name.partition(":")[2])
        for path in lost:
            if self._objects.lacks(self.name, path):
                self._objects.lost[path] = None

    def blob(self, abbreviated: str) -> bytes | None:
        """Content of the blob with that id, None when unknown or ambiguous."""
        if not _BLOB.match(abbreviated) or not abbreviated.strip("0"):
            return None
        found = self._objects.get(f"{abbreviated}^{{blob}}")
        return found[2] if found is not None and found[1] == "blob" else None

    def at(self, revision: str) -> GitTree | None:
        """Return the same repository at another commit, None when it has no such commit."""
        if revision.startswith("-"):
            return None
        tree = GitTree(self.repository, revision, self._objects)
        return tree if tree.known else None

    def list_c(self) -> Iterator[tuple[str, str]]:
        """All C sources and headers of the commit: path and full blob id."""
        listing = self._git("ls-tree", "-r", "-z", "--full-tree", self.name)
        for entry in listing.split(b"\0"):
            meta, _, name = entry.partition(b"\t")
            if name.endswith((b".c", b".h")) and meta.startswith(b"100"):
                yield (
                    name.decode("utf-8", "surrogateescape"),
                    meta.rpartition(b" ")[2].decode("ascii"),
                )

    def files_with(self, wanted: Wanted, folder: str | None = None) -> Iterator[Found]:
        """Give C sources and headers of the commit with any that is wanted, as they are found."""
        if not any(wanted):
            return
        from patchlint.patch.tree_search import GitSearch

        search = GitSearch(self.repository, self.name, self._hear)
        if folder is not None:  # git reads a folder from the commit faster than it is compared
            yield from search.commit_folder(wanted, folder)
            return
        asked = self._ask_changed() if self._changed is None else None
        if self._changed != _ALL:
            for found in search.work_tree(wanted):
                if asked is not None:  # it had the time of the search so far
                    self._changed, asked = _answer(asked), None
                if self._changed == _ALL:
                    break
                if found[0] not in (self._changed or ()):
                    yield found
        if asked is not None:
            self._changed = _answer(asked)
        if self._changed:
            yield from search.commit(wanted, () if self._changed == _ALL else self._changed)

    def patches(self, ids: Sequence[str]) -> dict[str, str]:
        """Return diffs of commits after this one, by their stable patch ids.

        Only the newest commits of all branches are looked at; what is not found is left
        out.
        """
        if self._commit is None:
            return {}
        listing = ("rev-list", "--all", "--no-merges", f"--max-count={_NEWEST}", f"^{self._commit}")
        commits = self._git(*listing)
        show = ("diff-tree", "--stdin", "-p", "--no-ext-diff", "--no-textconv")
        identified = self._git("patch-id", "--stable", data=self._git(*show, data=commits)).decode(
            "ascii", "replace"
        )
        wanted = set(ids)
        found: dict[str, str] = {}
        for line in identified.splitlines():
            patch_id, _, commit = line.partition(" ")
            if patch_id in wanted:
                diff = self._git(*show, "--no-commit-id", data=commit.encode() + b"\n")
                found[patch_id] = diff.decode("utf-8", "surrogateescape")
        return found

    def has_kernel(self) -> bool:
        """Whether anything stands at the top of the commit that kernel source has there."""
        names = self._git("ls-tree", "--name-only", "-z", "--full-tree", self.name).split(b"\0")
        known = {name.partition("/")[0].encode() for name in PARTS}
        return any(name in known or name.endswith((b".c", b".h")) for name in names)

    def versions(self, path: str, date: float | None) -> Iterator[tuple[str, bytes]]:
        """Give ``path`` as tags have it: tag and content, tags nearest to ``date`` first.

        Without a date the tags nearest to the commit; some dozen at most, each text once.
        """
        seen: set[str] = set()
        for tag in self._tags(date):
            found = self._objects.get(f"{tag}:{path}")
            if found is not None and found[1] == "blob" and found[0] not in seen:
                seen.add(found[0])
                yield tag.removeprefix("refs/tags/"), found[2]

    def _tags(self, date: float | None) -> list[str]:
        if self._dated is None:
            listing = self._git(
                *("for-each-ref", "--format=%(creatordate:unix) %(refname)", "refs/tags")
            )
            rows = (line.split(b" ", 1) for line in listing.splitlines())
            self._dated = [
                (int(row[0]), row[1].decode("utf-8", "surrogateescape"))
                for row in rows
                if len(row) == len(("date", "name")) and row[0].isdigit()
            ]
            own = self._objects.get(self.name) if self._dated else None
            dated = None if own is None else _COMMITTED.search(own[2])
            self._day = 0 if dated is None else int(dated[1])
        day = self._day if date is None else date
        nearest = sorted(self._dated, key=lambda tag: (abs(tag[0] - day), tag[1]))
        return [name for _, name in nearest[:_TAGS]]

    def named(self, name: str) -> Sequence[str]:
        """Paths of all files of the commit with that name in any folder."""
        if self._listing is None:
            listing = self._git("ls-tree", "-r", "-z", "--name-only", self.name)
            self._listing = b"\0" + listing
        if name not in self._names:
            self._names[name] = _ending(self._listing, name.encode("utf-8", "surrogateescape"))
        return self._names[name]

    def changes(self, since: str) -> dict[str, str | None] | None:
        """Return the C files that differ from commit ``since``, with their blob ids here.

        The id is None for a file that is not here; the answer is None when the
        repository has no such commit.
        """
        if self._commit is None or not _BLOB.match(since) or self.at(since) is None:
            return None
        listing = self._git(
            *("diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", since, self._commit),
            *("--", "*.c", "*.h"),
        ).split(b"\0")
        changed: dict[str, str | None] = {}
        for meta, name in zip(listing[::2], listing[1::2], strict=False):
            mode, blob = meta.split(b" ")[1::2][:2]
            kept = blob.decode("ascii") if mode.startswith(b"100") else None
            changed[name.decode("utf-8", "surrogateescape")] = kept
        return changed

    def close(self) -> None:
        """End the program that reads objects."""
        self._objects.close()

    def _git(self, *arguments: str, data: bytes = b"") -> bytes:
        """Run git and return what it prints, nothing when it fails."""
        try:
            status, out, errors = read_git(self.repository, *arguments, stdin=data)
        except ProgramError:
            return b""
        self._hear(errors)
        return out if status == 0 else b""

    def _is_sparse(self) -> bool:
        """Whether files of the commit are kept out of the work tree: git calls them unchanged."""
        if not os.path.exists(os.path.join(_git_folder(self.repository), "info/sparse-checkout")):
            return False
        listing = self._git("ls-files", "-t", "-z", "--", "*.c", "*.h")
        return any(entry.startswith(b"S ") for entry in listing.split(b"\0"))

    def _ask_changed(self) -> subprocess.Popen[bytes] | None:
        """Ask which C files of the work tree may differ from the commit.

        The answer is for :func:`_answer`; it comes while the search goes on.
        """
        nothing = is_bare(self.repository) or not os.path.exists(f"{self.repository}/.git")
        quiet = None if nothing or self._is_sparse() else without_filters(self.repository)
        if quiet is None:
            self._changed = _ALL
            return None
        return stream_git(
            self.repository,
            *("diff-index", "--name-only", "-z", "--no-ext-diff", "--no-textconv", "--no-renames"),
            *("--ignore-submodules=all", self.name, "--", "*.c", "*.h"),
            more=quiet,
        )


def _ending(listing: bytes, name: bytes) -> list[str]:
    """Return the paths with that last part out of a list of paths, each between zero bytes."""
    found = []
    at = listing.find(name + b"\0") if name else -1
    while at >= 0:
        if listing[at - 1 : at] in {b"/", b"\0"}:
            path = listing[listing.rindex(b"\0", 0, at) + 1 : at + len(name)]
            found.append(path.decode("utf-8", "surrogateescape"))
        at = listing.find(name + b"\0", at + 1)
    return found


def _git_folder(top: str) -> str:
    """Return git's own folder of a work tree, which may be a linked one."""
    place = os.path.join(top, ".git")
    with suppress(OSError), open(place, "rb") as file:
        named = os.fsdecode(file.read(_LINK).partition(b"gitdir:")[2].strip())
        return os.path.join(top, named)
    return place


#: so long may the name be at which a linked work tree has git's folder
_LINK: Final = 8192

#: How many tags are looked at for the text that a diff was made for.
_TAGS: Final = 32

#: How many commits are searched for prerequisite patches.
_NEWEST: Final = 300

#: With more changed files than this the work tree is not searched.
_MANY: Final = 500

#: In place of changed files: the work tree is of no use.
_ALL: Final = ("",)


def _answer(process: subprocess.Popen[bytes]) -> tuple[str, ...]:
    """Read the names of changed files, ``_ALL`` when there are too many or none to know."""
    answer, _ = process.communicate()
    names = answer.split(b"\0")[:-1]
    if process.returncode != 0 or len(names) > _MANY:
        return _ALL
    return tuple(name.decode("utf-8", "surrogateescape") for name in names)


class FolderTree:
    """A plain folder.  It has no history: ``blob`` finds nothing, ``at`` no commit.

    ``remark`` says why a repository is read as one, if that is amiss.
    """

    def __init__(self, folder: str | PathLike[str], remark: str = "") -> None:
        self.folder = os.fspath(folder)
        self.remark = remark
        #: folders that were looked at, and whether they are the tree's own
        self._own: dict[str, bool] = {"": True}
        self._lost: dict[str, None] = {}

    @property
    def name(self) -> str:
        """The folder as it was given."""
        return self.folder

    @property
    def commit(self) -> str | None:
        """None: a folder has no commit."""
        return None

    @property
    def lost(self) -> Sequence[str]:
        """Files that are there and could not be read, of those that were wanted."""
        return tuple(self._lost)

    def read(self, path: str) -> bytes | None:
        """Content of the file at ``path``; None when there is none, or outside the tree."""
        if not path or path.startswith("/") or ".." in path.split("/") or "\0" in path:
            return None
        try:
            whole = os.path.join(self.folder, path)
            if not self._is_own(path.rpartition("/")[0]):
                return None
            if os.path.isfile(whole) and not os.path.islink(whole):
                with open(whole, "rb") as file:
                    return file.read()
        except FileNotFoundError:
            return None
        except OSError:
            self._lost[path] = None
        return None

    def _is_own(self, folder: str) -> bool:
        """Whether a folder of the tree, and those above it, are no links out of the tree.

        Links inside of it count as well: what they lead to is there by its own name.
        """
        known = self._own.get(folder)
        if known is None:
            above = folder.rpartition("/")[0]
            link = os.path.islink(os.path.join(self.folder, folder))
            known = self._own[folder] = not link and self._is_own(above)
        return known

    def blob(self, abbreviated: str) -> bytes | None:
        """None: a folder keeps no objects."""
        del abbreviated
        return None

    def patches(self, ids: Sequence[str]) -> dict[str, str]:
        """Return nothing: a folder has no commits."""
        del ids
        return {}

    def versions(self, path: str, date: float | None) -> Iterator[tuple[str, bytes]]:
        """Give nothing: a folder has no tags."""
        del path, date
        yield from ()

    def named(self, name: str) -> Sequence[str]:
        """Paths of all files with that name in any folder; C sources and headers only."""
        return [path for path, _, _ in self.stat_c() if path.rpartition("/")[2] == name]

    def at(self, revision: str) -> FolderTree | None:
        """None: a folder has no commits."""
        del revision
        return None

    def list_c(self) -> Iterator[tuple[str, str]]:
        """All C sources and headers: path and the blob id that git would give them.

        Reads every file; :meth:`stat_c` is the cheap half of it.
        """
        for path, _, _ in self.stat_c():
            content = self.read(path)
            if content is not None:
                yield path, blob_id(content)

    def stat_c(self) -> Iterator[tuple[str, int, int]]:
        """All C sources and headers: path, size in bytes, time of change in ns."""
        yield from sorted(_walk(self.folder, ""))

    def read_all(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Path and content of those of ``paths`` that are files, in their order."""
        for path in paths:
            content = self.read(path)
            if content is not None:
                yield path, content

    def files_with(self, wanted: Wanted, folder: str | None = None) -> Iterator[Found]:
        """Give C sources and headers with any that is wanted, as they are found."""
        if not any(wanted):
            return
        from patchlint.patch.tree_search import Matcher, folder_search

        if folder is None and (yield from folder_search(self.folder, wanted)):
            return
        inside = (path for path, _, _ in self.stat_c()) if folder is None else self._beside(folder)
        names_in = Matcher(wanted)
        for path in inside:
            names = names_in(self.read(path) or b"")
            if names:
                yield path, names

    def _beside(self, folder: str) -> Iterator[str]:
        """Give the C sources and headers of one folder, without those of the folders in it."""
        if not self._is_own(folder):
            return
        with suppress(OSError):
            for name in sorted(os.listdir(os.path.join(self.folder, folder))):
                if name.endswith((".c", ".h")):
                    yield f"{folder}/{name}" if folder else name


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    yield from _walk(entry.path, f"{prefix}{entry.name}/")
            elif entry.name.endswith((".c", ".h")) and entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                yield f"{prefix}{entry.name}", status.st_size, status.st_mtime_ns
