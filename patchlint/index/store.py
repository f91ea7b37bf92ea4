"""The index: facts of C files in SQLite, kept by blob.

One file serves all trees of a user.  Its name has the versions of schema and reader and a
digest of the macros that the reader was given, so that facts of different readers never
meet.  Writers take turns, a batch of files each time; a batch is there whole or not at
all, and a tree is listed only when all its files are there, so an interrupted build is
taken up where it stopped and a reader never sees half a tree.
"""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from msgspec import Struct, field

from patchlint.index import lean
from patchlint.index.facts import Hit
from patchlint.index.search import hits_in
from patchlint.outside.names import given, kept, shown
from patchlint.outside.seal import seal, tells_damage, unseal
from patchlint.patch.trees import FolderTree, GitTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from patchlint.index.lean import Words
    from patchlint.model.kernel import Macro
    from patchlint.patch.trees import Tree

#: Goes up with every change of schema.sql.
SCHEMA: Final = 2

#: With more changed files than this an index of another commit is not used.
NEAR: Final = 400

#: How many of the newest commits are tried for nearness.
_TRIED: Final = 3

#: How many commits of one repository are kept; the newest are those that one moves between.
COMMITS: Final = 3

#: kinds that a use may have
_USES: Final = range(lean.VALUE + 1)

_INDEXES: Final = ("definitions", "calls", "uses")

#: How long a writer waits for another, in seconds.
_PATIENCE: Final = 120

#: How much of the file is mapped into memory instead of copied, in bytes.
_MAPPED: Final = 1 << 30

_CACHE_KIB: Final = 16 * 1024


def cache_folder() -> Path:
    """Return the folder that indexes are kept in; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return root / "patchlint"


def digest(macros: Sequence[Macro]) -> str:
    """Return what the macros that the reader heeds make of a file's name."""
    told = sorted((macro.pattern, macro.action, macro.regex) for macro in lean.heeded(macros))
    return f"{zlib.crc32(repr(told).encode()):08x}"


def index_path(macros: Sequence[Macro]) -> Path:
    """Return the file of the index for these macros."""
    return cache_folder() / f"index-{SCHEMA}.{lean.VERSION}-{digest(macros)}.sqlite"


def answers_path(macros: Sequence[Macro]) -> Path:
    """Return the file that answers of searches are kept in for these macros."""
    return cache_folder() / f"answers-{lean.VERSION}-{digest(macros)}.sqlite"


def tree_key(tree: Tree) -> str:
    """Return what a tree is listed by: its commit, or its folder's whole path."""
    if tree.commit is not None:
        return tree.commit
    return f"folder:{kept(str(Path(tree.name).resolve()))}"


def origin_of(tree: Tree) -> str:
    """Return the repository that a tree is of, or its folder: what all its commits share."""
    repository = getattr(tree, "repository", None)
    return shown(os.path.realpath(repository) if repository is not None else tree.name)


class Packed(NamedTuple):
    """Facts of one file, as rows."""

    oid: bytes
    numbers: bytes
    defined: str
    names: frozenset[str]
    calls: tuple[tuple[str, int | bytes], ...]
    uses: tuple[tuple[str, str], ...]


def pack(oid: bytes, read: lean.Lean) -> Packed:
    """Return rows for what the reader read."""
    calls: dict[str, list[int]] = {}
    for call in read.calls:
        calls.setdefault(call.name, []).append(2 * call.line + call.indirect)
    uses: dict[str, list[str]] = {}
    for use in read.uses:
        uses.setdefault(use.name, []).append(f"{use.line}\t{use.kind}\t{use.where}\t{use.what}")
    numbers, defined = lean.Lines.of(read.definitions).pack()
    return Packed(
        oid,
        numbers,
        defined,
        frozenset(one.name for one in read.definitions),
        tuple(
            (name, lines[0] if len(lines) == 1 else array("I", lines).tobytes())
            for name, lines in calls.items()
        ),
        tuple((name, "\n".join(sites)) for name, sites in uses.items()),
    )


def _calls(lines: int | bytes) -> tuple[tuple[int, bool], ...]:
    if isinstance(lines, int):
        return ((lines >> 1, bool(lines & 1)),)
    return tuple([(number >> 1, bool(number & 1)) for number in array("I", lines)])


def _uses(name: str, sites: str) -> tuple[lean.Use, ...]:
    found = []
    for site in sites.split("\n"):
        line, kind, where, what = site.split("\t")
        use = lean.Use(name, int(line), int(kind), where, what)
        if use.kind not in _USES or (use.kind == lean.ARGUMENT and not what.isdigit()):
            raise ValueError("no use that was kept")
        found.append(use)
    return tuple(found)


class File(NamedTuple):
    """A file of a tree; size and time of change (ns) for folders alone."""

    path: str
    oid: str
    size: int | None = None
    changed: int | None = None


class DroppedError(sqlite3.OperationalError):
    """A tree that was listed when it was opened is no more; nothing is damaged."""

    sqlite_errorcode = sqlite3.SQLITE_BUSY


class TreeRow(Struct, frozen=True):
    """A tree that the index has whole; ``made`` in seconds since the epoch."""

    id: int
    key: str
    origin: str
    made: int
    files: int


def by_turns(rows: Iterable[TreeRow]) -> list[tuple[int, TreeRow]]:
    """Rows that come newest first: the newest of each origin, then the next ones of each.

    Each with the number of newer ones of its origin.
    """
    met: dict[str, int] = {}
    turns: list[tuple[int, TreeRow]] = []
    for row in rows:
        turn = met.get(row.origin, 0)
        met[row.origin] = turn + 1
        turns.append((turn, row))
    return sorted(turns, key=lambda one: one[0])


class Store:
    """An open index.  Any sqlite3.Error means that it is of no use."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.is_file():
            raise FileNotFoundError(path)
        self.path = path
        self._db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        try:
            self._set_up(create=create)
        except sqlite3.Error:
            self._db.close()
            raise
        self._names: dict[str, int] = {}
        self._next = 0
        self._version = -1

    def _set_up(self, *, create: bool) -> None:
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._db.execute("PRAGMA synchronous = NORMAL")
        # mapped pages count as the process's own: who writes would soon hold the whole file
        self._db.execute(f"PRAGMA mmap_size = {0 if create else _MAPPED}")
        if create:
            # a name is told of in rows all over the file: fewer and larger pages to touch
            self._db.execute("PRAGMA page_size = 8192")
            self._db.execute("PRAGMA journal_mode = WAL")
            schema = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
            self._db.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # -- reading ---------------------------------------------------------------------

    def trees(self) -> list[TreeRow]:
        """Return the trees that are there whole, the newest first."""
        rows = self._db.execute(
            "SELECT id, key, origin, made, files FROM trees ORDER BY made DESC, id DESC"
        )
        return [TreeRow(*row) for row in rows]

    def tree(self, key: str) -> TreeRow | None:
        """Return the tree listed by ``key``."""
        return next((row for row in self.trees() if row.key == key), None)

    def files(self, tree: int) -> Iterator[File]:
        """Give the files of a tree."""
        for path, oid, size, changed in self._db.execute(
            "SELECT f.path, b.oid, f.size, f.changed FROM files f JOIN blobs b ON b.id = f.blob"
            " WHERE f.tree = ?",
            (tree,),
        ):
            yield File(given(path), oid.hex(), size, changed)

    def hits(self, tree: int, name: str, without: frozenset[str]) -> list[Hit]:
        """Return the files of a tree that define, call or use ``name``, sorted by path."""
        number = self._id(name)
        if number is None:
            return []
        calls = self._about(tree, "calls", "lines", number)
        uses = self._about(tree, "uses", "sites", number)
        defined = self._about(tree, "definitions", "blob", number)
        if not (calls or uses or defined):
            self._see_that_it_is_there(tree)
        found: list[Hit] = []
        for path in sorted(calls.keys() | uses.keys() | defined.keys()):
            if path in without:
                continue
            called, used = calls.get(path), uses.get(path)
            lines = (called or used or defined[path])[0]
            of_calls = _calls(called[1]) if called is not None else ()
            of_uses = _uses(name, str(used[1])) if used is not None else ()
            found.append(Hit(path, lines, of_calls, of_uses))
        return found

    def definition_hits(self, tree: int, name: str, without: frozenset[str]) -> list[Hit]:
        """Return the files of a tree that define ``name``, without calls and uses."""
        number = self._id(name)
        if number is None:
            return []
        defined = self._about(tree, "definitions", "blob", number)
        if not defined:
            self._see_that_it_is_there(tree)
        return [Hit(path, of[0], (), ()) for path, of in defined.items() if path not in without]

    def file(self, tree: int, path: str) -> tuple[int, lean.Lines] | None:
        """Return the blob of a file, and its definitions; None when the tree has none."""
        row = self._db.execute(
            "SELECT b.id, b.numbers, b.defined FROM files f JOIN blobs b ON b.id = f.blob"
            " WHERE f.tree = ? AND f.path = ?",
            (tree, kept(path)),
        ).fetchone()
        if row is None:
            self._see_that_it_is_there(tree)
            return None
        return row[0], lean.Lines.unpack(row[1], row[2])

    def hit(self, tree: int, path: str, name: str) -> Hit | None:
        """Return what one file has about ``name``, None for nothing."""
        file, number = self.file(tree, path), self._id(name)
        if file is None or number is None:
            return None
        blob, lines = file
        query = "SELECT {} FROM {} WHERE name = ? AND blob = ?"
        calls = self._db.execute(query.format("lines", "calls"), (number, blob)).fetchone()
        uses = self._db.execute(query.format("sites", "uses"), (number, blob)).fetchone()
        if not (calls or uses or any(lines.called(name))):
            return None
        return Hit(
            path, lines, _calls(calls[0]) if calls else (), _uses(name, uses[0]) if uses else ()
        )

    def _see_that_it_is_there(self, tree: int) -> None:
        """Raise sqlite3.Error where another process dropped the tree: nothing is no answer then."""
        if self._db.execute("SELECT 1 FROM trees WHERE id = ?", (tree,)).fetchone() is None:
            raise DroppedError("it has newer commits instead of this one")

    def _id(self, name: str) -> int | None:
        row = self._db.execute("SELECT id FROM names WHERE name = ?", (shown(name),)).fetchone()
        return None if row is None else int(row[0])

    def _about(
        self, tree: int, table: str, column: str, name: int
    ) -> dict[str, tuple[lean.Lines, int | bytes]]:
        """Return by path the definitions of each file that ``table`` has, and the column."""
        rows = self._db.execute(  # both names are ours
            f"SELECT f.path, b.numbers, b.defined, t.{column}"  # noqa: S608
            f" FROM {table} t JOIN files f ON f.tree = ? AND f.blob = t.blob"
            " JOIN blobs b ON b.id = t.blob WHERE t.name = ?",
            (tree, name),
        )
        unpack = lean.Lines.unpack
        return {
            given(path): (unpack(numbers, names), value) for path, numbers, names, value in rows
        }

    # -- writing ---------------------------------------------------------------------

    def known(self) -> set[str]:
        """Return the ids of all blobs that are there."""
        return {oid.hex() for (oid,) in self._db.execute("SELECT oid FROM blobs")}

    def add(self, files: Sequence[Packed]) -> int:
        """Add facts of files, all or none; return how many were not there yet."""
        unseal(self.path)
        with _Transaction(self._db):
            self._refresh()
            known_calls: list[tuple[int, int, int | bytes]] = []
            known_uses: list[tuple[int, int, str]] = []
            known_names: list[tuple[int, int]] = []
            added = 0
            for one in files:
                cursor = self._db.execute(
                    "INSERT INTO blobs (oid, numbers, defined) VALUES (?, ?, ?)"
                    " ON CONFLICT (oid) DO NOTHING",
                    (one.oid, one.numbers, one.defined),
                )
                if cursor.rowcount < 1 or cursor.lastrowid is None:
                    continue
                blob = cursor.lastrowid
                added += 1
                number = self._number
                known_calls += [(number(name), blob, lines) for name, lines in one.calls]
                known_uses += [(number(name), blob, sites) for name, sites in one.uses]
                known_names += [(number(name), blob) for name in one.names]
            self._db.executemany("INSERT INTO calls VALUES (?, ?, ?)", known_calls)
            self._db.executemany("INSERT INTO uses VALUES (?, ?, ?)", known_uses)
            self._db.executemany("INSERT INTO definitions VALUES (?, ?)", known_names)
        return added

    def finish(self, key: str, origin: str, files: Iterable[File]) -> None:
        """List a tree, all of whose blobs are there; one of the same key is replaced.

        Of its origin the newest :data:`COMMITS` stay listed, so that a clone whose HEAD moves
        does not grow without end; what was read of the others is there until it is pruned.
        """
        unseal(self.path)
        with _Transaction(self._db):
            for table in _INDEXES:
                self._db.execute(f"CREATE INDEX IF NOT EXISTS {table}_name ON {table} (name)")
            blobs = dict(self._db.execute("SELECT oid, id FROM blobs"))
            old = self._db.execute("SELECT id FROM trees WHERE key = ?", (key,)).fetchone()
            if old is not None:
                self._drop(old[0])
            rows = [
                (blobs[bytes.fromhex(one.oid)], kept(one.path), one.size, one.changed)
                for one in files
            ]
            tree = self._db.execute(
                "INSERT INTO trees (key, origin, made, files) VALUES (?, ?, ?, ?)",
                (key, shown(origin), int(time.time()), len(rows)),
            ).lastrowid
            self._db.executemany(
                f"INSERT INTO files VALUES ({tree or 0}, ?, ?, ?, ?)",  # noqa: S608 - a number
                sorted(rows),
            )
            for turn, row in by_turns(self.trees()):
                if turn >= COMMITS and row.origin == shown(origin):
                    self._drop(row.id)
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        seal(self.path)

    def prune(self, keep: int) -> tuple[int, int]:
        """Drop all but ``keep`` trees; return how many trees and blobs went.

        The newest of each repository or folder come first, then the second ones.  A folder
        that is no longer there goes as well, and so does every blob that no tree that is left
        has; then the file gives the room back.
        """
        unseal(self.path)
        with _Transaction(self._db):
            gone = [row for row in self.trees() if _folder_gone(row.key)]
            left = [row for row in self.trees() if row not in gone]
            gone += [row for _, row in by_turns(left)][keep:]
            for row in gone:
                self._drop(row.id)
            dead = "blob NOT IN (SELECT blob FROM files)"
            for table in _INDEXES:
                self._db.execute(f"DELETE FROM {table} WHERE {dead}")  # noqa: S608 - ours
            blobs = self._db.execute(
                "DELETE FROM blobs WHERE id NOT IN (SELECT blob FROM files)"
            ).rowcount
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        seal(self.path)
        return len(gone), blobs

    def _drop(self, tree: int) -> None:
        self._db.execute("DELETE FROM files WHERE tree = ?", (tree,))
        self._db.execute("DELETE FROM trees WHERE id = ?", (tree,))

    def _refresh(self) -> None:
        """Forget the numbers of names when another writer may have given some out."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self._names.clear()
            (last,) = self._db.execute("SELECT max(id) FROM names").fetchone()
            self._next = (last or 0) + 1

    def _number(self, name: str) -> int:
        known = self._names.get(name)
        if known is None:
            row = self._db.execute("SELECT id FROM names WHERE name = ?", (shown(name),)).fetchone()
            if row is None:
                known = self._next
                self._next += 1
                self._db.execute("INSERT INTO names VALUES (?, ?)", (name, known))
            else:
                known = int(row[0])
            self._names[name] = known
        return known


class _Transaction:
    """All or nothing, and one writer at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _folder_gone(key: str) -> bool:
    return key.startswith("folder:") and not Path(given(key.removeprefix("folder:"))).is_dir()


class Indexed(Struct):
    """Rows for one tree: out of the index, but for files that have changed since.

    ``changed`` are the paths that the index has another text of, or none; those that
    are in the tree are read from it.
    """

    store: Store
    row: TreeRow
    tree: Tree
    words: Words
    changed: frozenset[str]
    here: tuple[str, ...]
    _known: dict[str, Sequence[Hit]] = field(default_factory=dict)
    _defined: dict[str, Sequence[Hit]] = field(default_factory=dict)
    _lines: dict[str, lean.Lines] = field(default_factory=dict)
    _texts: dict[str, bytes] | None = None

    @property
    def searched(self) -> bool:
        """False: the rows are at hand."""
        return False

    def prepare(
        self, names: Iterable[str], members: Iterable[str] = (), defined: Iterable[str] = ()
    ) -> None:
        """Do nothing: each name is looked up fast enough."""

    def hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define, call or use ``name``."""
        if name not in self._known:
            found = self.store.hits(self.row.id, name, self.changed)
            for path, text in self._fresh().items():
                found += hits_in(path, text, [name], self.words).values()
            self._known[name] = sorted(found, key=lambda hit: hit.path)
        return self._known[name]

    def member_hits(self, name: str) -> Sequence[Hit]:
        """Return all files that call a member ``name``."""
        return [hit for hit in self.hits(name) if any(indirect for _, indirect in hit.calls)]

    def definition_hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define ``name``."""
        if name not in self._defined:
            self._defined[name] = self._definitions_of(name)
        return self._defined[name]

    def _definitions_of(self, name: str) -> Sequence[Hit]:
        found = self.store.definition_hits(self.row.id, name, self.changed)
        for path, text in self._fresh().items():
            fresh = hits_in(path, text, [name], self.words).get(name)
            if fresh is not None and any(fresh.definitions.called(name)):
                found.append(fresh)
        return sorted(found, key=lambda hit: hit.path)

    def prepare_beside(self, path: str, names: Iterable[str]) -> None:
        """Do nothing, as :meth:`prepare`."""

    def definition_hits_beside(self, path: str, name: str) -> Sequence[Hit]:
        """Return all files that define ``name``: they are known as fast as those of a folder."""
        del path
        return self.definition_hits(name)

    def hit(self, path: str, name: str) -> Hit | None:
        """Return what one file has about ``name``, None for nothing."""
        if path in self.changed:
            text = self._fresh().get(path)
            return None if text is None else hits_in(path, text, [name], self.words).get(name)
        return self.store.hit(self.row.id, path, name)

    def lines(self, path: str) -> lean.Lines:
        """Return all definitions of one file."""
        if path not in self._lines:
            self._lines[path] = self._lines_of(path)
        return self._lines[path]

    def _lines_of(self, path: str) -> lean.Lines:
        if path in self.changed:
            text = self._fresh().get(path, b"")
            return lean.Lines.of(lean.read(text, self.words, ()).definitions)
        file = self.store.file(self.row.id, path)
        return lean.Lines.of(()) if file is None else file[1]

    def _fresh(self) -> Mapping[str, bytes]:
        if self._texts is None:
            texts = {path: self.tree.read(path) for path in self.here}
            self._texts = {path: text for path, text in texts.items() if text is not None}
        return self._texts


def open_rows(
    path: Path, tree: Tree, words: Words, damaged: Callable[[], None] = lambda: None
) -> Indexed | None:
    """Return rows for ``tree`` out of the index at ``path``, None when it is of no use.

    ``damaged`` is called when that is because it is not as it was written.
    """
    try:
        if path.stat().st_uid not in {0, os.geteuid()}:
            return None  # facts are not taken from somebody else
        store = Store(path)
        rows = rows_of(store, tree, words)
        if rows is not None:
            return rows
        store.close()
    except OSError:  # not there
        return None
    except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
        if tells_damage(error):
            damaged()
    return None


def rows_of(store: Store, tree: Tree, words: Words) -> Indexed | None:
    """Return rows for ``tree``, None when the index has no tree that is near enough."""
    key = tree_key(tree)
    row = store.tree(key)
    if isinstance(tree, FolderTree):
        return None if row is None else _of_folder(store, row, tree, words)
    if row is not None:
        return Indexed(store, row, tree, words, frozenset(), ())
    if isinstance(tree, GitTree):
        return _of_near_commit(store, tree, words)
    return None


def _of_folder(store: Store, row: TreeRow, tree: FolderTree, words: Words) -> Indexed | None:
    known = {one.path: (one.size, one.changed) for one in store.files(row.id)}
    now = {path: (size, changed) for path, size, changed in tree.stat_c()}
    here = tuple(sorted(path for path, state in now.items() if known.get(path) != state))
    gone = known.keys() - now.keys()
    if len(here) + len(gone) > NEAR:
        return None
    return Indexed(store, row, tree, words, frozenset(here) | gone, here)


def commits_for(store: Store, tree: GitTree) -> list[TreeRow]:
    """The commits that are tried for nearness: the newest of the tree's repository first."""
    own = origin_of(tree)
    commits = [row for row in store.trees() if not row.key.startswith("folder:")]
    return sorted(commits, key=lambda row: row.origin != own)[:_TRIED]


def _of_near_commit(store: Store, tree: GitTree, words: Words) -> Indexed | None:
    for row in commits_for(store, tree):
        changes = tree.changes(row.key)
        if changes is not None and len(changes) <= NEAR:
            here = tuple(sorted(path for path, blob in changes.items() if blob is not None))
            return Indexed(store, row, tree, words, frozenset(changes), here)
    return None
