"""Builds the index of a tree: reads what it lacks, with worker processes when it is much."""

from __future__ import annotations

import errno
import multiprocessing
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.index import lean
from patchlint.index.store import File, Packed, Store, index_path, origin_of, pack, tree_key
from patchlint.outside import seal, workers
from patchlint.patch.trees import FolderTree, blob_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from patchlint.model.kernel import Macro
    from patchlint.patch.trees import Tree

#: Files that a worker is given at once, and files that are written at once.
_CHUNK: Final = 48
_BATCH: Final = 768

#: With fewer files than this starting workers costs more than it gives.
_FEW: Final = 300


class Built(Struct, frozen=True):
    """What a build did: files of the tree, files that were read, and where the index is."""

    files: int
    read: int
    path: Path


def build(
    tree: Tree,
    macros: Sequence[Macro],
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    path: Path | None = None,
) -> Built:
    """Bring the index up to ``tree``; only blobs that it does not have are read.

    ``progress`` is told how many files are done, and of how many.  A build that was
    interrupted goes on where it stopped.  Raises OSError or sqlite3.Error when the index
    cannot be written.
    """
    where = path or index_path(macros)
    if not seal.whole(where, ours=True):
        seal.discard(where)
    with Store(where, create=True) as store:
        files = _files(store, tree)
        known = store.known()
        missing: dict[str, str] = {}
        for one in files:
            if one.oid not in known:
                missing.setdefault(one.oid, one.path)
        tell = progress or (lambda _done, _total: None)
        tell(0, len(missing))
        waiting: list[Packed] = []
        done = 0
        for packed in _read(tree, macros, list(missing.items()), jobs):
            waiting += packed
            done += len(packed)
            if len(waiting) >= _BATCH:
                store.add(waiting)
                waiting = []
            tell(done, len(missing))
        store.add(waiting)
        if done < len(missing) and not isinstance(tree, FolderTree):
            left = f"{len(missing) - done} files of the commit cannot be read (a partial clone?)"
            raise OSError(errno.EIO, f"{left}: it is not listed", tree.name)
        if done < len(missing):
            have = store.known()
            files = [one for one in files if one.oid in have]
        store.finish(tree_key(tree), origin_of(tree), files)
    return Built(len(files), len(missing), where)


def _files(store: Store, tree: Tree) -> list[File]:
    """Return the C files of a tree; a folder's unchanged files are not read for their ids."""
    if not isinstance(tree, FolderTree):
        return [File(path, oid) for path, oid in tree.list_c()]
    row = store.tree(tree_key(tree))
    known = {} if row is None else {one.path: one for one in store.files(row.id)}
    files: list[File] = []
    for path, size, changed in tree.stat_c():
        old = known.get(path)
        if old is not None and (old.size, old.changed) == (size, changed):
            files.append(old)
        elif (content := tree.read(path)) is not None:
            files.append(File(path, blob_id(content), size, changed))
    return files


def _read(
    tree: Tree, macros: Sequence[Macro], missing: Sequence[tuple[str, str]], jobs: int
) -> Iterator[list[Packed]]:
    chunks = [missing[at : at + _CHUNK] for at in range(0, len(missing), _CHUNK)]
    if jobs <= 1 or len(missing) < _FEW:
        reader = _Reader(tree, macros)
        yield from map(reader.read, chunks)
        return
    context = multiprocessing.get_context("spawn")
    with workers.sheltered():
        made = context.Pool(min(jobs, len(chunks)), _start, (tree, tuple(macros)))
    with made as pool:
        yield from pool.imap_unordered(_work, chunks)


class _Reader:
    """Reads files of one tree."""

    def __init__(self, tree: Tree, macros: Sequence[Macro]) -> None:
        self.tree = tree
        self.words = lean.words(macros)

    def read(self, chunk: Sequence[tuple[str, str]]) -> list[Packed]:
        """Return rows for the files that can still be read; their ids are of what was read."""
        rows: list[Packed] = []
        for oid, path in chunk:
            content = self.tree.blob(oid)
            if content is None:
                content = self.tree.read(path)
                if content is None:
                    continue
                oid = blob_id(content)  # noqa: PLW2901 - the file may have changed meanwhile
            rows.append(pack(bytes.fromhex(oid), lean.read(content, self.words)))
        return rows


_readers: list[_Reader] = []


def _start(tree: Tree, macros: Sequence[Macro]) -> None:
    """Set up a worker process."""
    workers.deaf()
    workers.tied()
    _readers[:] = [_Reader(tree, macros)]


def _work(chunk: Sequence[tuple[str, str]]) -> list[Packed]:
    return _readers[0].read(chunk)
