"""The store of a scan: one SQLite file, written by one process.

Each public method that writes is one transaction, and each leaves the store in a state
from which a new run goes on: a portion's rows and the mark how far its source was read
come together or not at all, and so do a thread's results and the mark that it is done.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from patchlint.archive import codec
from patchlint.archive.records import Checked, Row, Survey, Thread, Verdict, Wanted
from patchlint.archive.sources import Source
from patchlint.outside import seal
from patchlint.outside.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from patchlint.model.finding import Finding
    from patchlint.model.kernel import Rule
    from patchlint.model.problem import InputError, Limitation

#: goes up when the tables change so that an older file cannot be read as it is
SCHEMA: Final = 1
#: goes up when outcomes are looked for in another way, so that they are looked for anew
_MINING: Final = 4
_MOST_VARIABLES: Final = 500
#: a file up to this size is looked through when it is opened: some milliseconds
_CHECKED: Final = 8 << 20
#: of what SQLite says so much is told
_SAID: Final = 200
#: what is remembered of sources that could not be read whole
_UNREAD: Final = "unread"
_RESULTS: Final = ("findings", "limitations", "errors", "series")


class StoreError(Exception):
    """The file is no store, one of another version, damaged, or in use."""


class DamagedError(Exception):
    """A row is not what it was when it was written; the text says which."""


#: what a file must have to be a store, of whatever version
_TABLES: Final = frozenset({"meta", "runs", "sources", "messages", "threads", "findings"})


def _refuse_other_files(path: str, *, write: bool) -> None:
    """Raise :class:`StoreError` for a file that no scan made, before anything is changed."""
    place = Path(path)
    if place.is_dir():
        raise StoreError(f"{path}: is a folder, not a store")
    if not place.exists():
        if not write:
            raise StoreError(f"{path}: no such store; patchlint scan --store {path} makes one")
        if not place.parent.is_dir():
            raise StoreError(f"{path}: there is no folder {place.parent}")
        return
    if not place.is_file():  # reading a pipe would wait for what nobody writes
        raise StoreError(f"{path}: is no file, but a pipe or a device")
    if write and place.stat().st_size == 0:
        return
    try:
        address = f"{place.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StoreError(_reason(path, error)) from error
    if write and not tables:  # begun by a scan that was killed at once
        return
    if not tables >= _TABLES:
        what = "a database of something else" if tables else "empty: nothing was scanned into it"
        raise StoreError(f"{path}: is {what}, not a store that patchlint scan made")


def _claim(path: str) -> int:
    """Take the right to write a store until what comes back is closed.

    Raise :class:`StoreError` where another process has it: two scans at once would each take
    out what the other has just put in.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise StoreError(
            f"{path}: another scan is writing it; try again when it is done"
        ) from error
    except OSError:
        # a file system without such locks: SQLite's own keep each portion whole
        pass
    return handle


def _remove(path: str) -> None:
    for ending in ("", "-wal", "-shm", "-journal", ".sum"):
        Path(path + ending).unlink(missing_ok=True)


class Store:
    """An open store.  A context manager; leaving it closes the file.

    A file that it made goes again when it is left by an exception with nothing in it.  With
    ``salvage`` one that is damaged is opened all the same, where that can be; ``damage`` says why.
    """

    def __init__(self, path: str, *, write: bool = True, salvage: bool = False) -> None:
        self.path = path
        self.damage = ""
        self._salvage = salvage
        #: whether this made the file
        self.new = not Path(path).exists()
        self.writes = write
        _refuse_other_files(path, write=write)
        self._claim = _claim(path) if write else None
        try:
            self.connection = self._open(path, write=write)
        except _BROKEN as error:
            if self.new:
                _remove(path)
            self._give_back()
            raise StoreError(_reason(path, error)) from error

    def _open(self, path: str, *, write: bool) -> sqlite3.Connection:
        if not seal.whole(Path(path)):
            self._damaged("it is not as it was written")
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        connection.row_factory = sqlite3.Row
        if write:
            connection.execute("PRAGMA journal_mode=WAL")
            # a power cut may lose the last portions, which are then done again; a
            # killed process loses nothing
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA cache_size=-32768")
            schema = files("patchlint.archive").joinpath("schema.sql").read_text(encoding="utf-8")
            # a number of our own
            version = f"INSERT OR IGNORE INTO meta VALUES ('schema', '{SCHEMA}');"  # noqa: S608
            # at once, so that a scan that is killed leaves a whole store or an empty one
            connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\n{version}\nCOMMIT;")
        if Path(path).stat().st_size <= _CHECKED:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                self._damaged(str(found).replace("\n", " "))
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if row is None or row["value"] != str(SCHEMA):
            raise StoreError(f"{path}: not a store that this version can read")
        return connection

    def _damaged(self, why: str) -> None:
        """Raise :class:`DamagedError`, or note it where what is left is wanted."""
        if not self._salvage:
            raise DamagedError(why)
        self.damage = self.damage or why

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        """Close the file.  What SQLite or a row of it says of damage is a :class:`StoreError`."""
        empty = kind is not None and self.new and self._holds_nothing()
        self.connection.close()
        if empty:  # a scan that failed before it read anything
            _remove(self.path)
        elif self.writes and kind is None:
            seal.seal(Path(self.path))
        self._give_back()
        if isinstance(error, _BROKEN):
            raise StoreError(_reason(self.path, error)) from error

    def _give_back(self) -> None:
        """Let other processes write.  Not before SQLite is done: a close ends its locks too."""
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _holds_nothing(self) -> bool:
        try:
            return not self.value("SELECT 1 FROM messages LIMIT 1")
        except sqlite3.Error:  # what cannot be read may hold something
            return False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside comes at once, or not at all."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def rows(self, query: str, values: Iterable[object] = ()) -> Iterator[sqlite3.Row]:
        """The rows of a query, one by one."""
        cursor = self.connection.execute(query, tuple(values))
        try:
            for row in cursor:  # noqa: UP028 - that would close the cursor before us
                yield row
        finally:
            with suppress(sqlite3.ProgrammingError):  # who left the rows has closed the store
                cursor.close()

    def value(self, query: str, values: Iterable[object] = ()) -> Any:
        """The first column of the first row, None when there is none."""
        row = self.connection.execute(query, tuple(values)).fetchone()
        return None if row is None else row[0]

    def check_findings(self, rows: Iterable[sqlite3.Row | dict[str, Any]]) -> None:
        """Raise :class:`DamagedError` when one of these findings is not as it was written.

        Or when one is gone without being taken out.  Stores of older versions cannot tell.
        """
        if self.value("SELECT 1 FROM sqlite_master WHERE name = 'sums'") is None:
            return
        digests: dict[int, str] = dict(
            self.connection.execute("SELECT finding, digest FROM sums").fetchall()
        )
        for row in rows:
            if digests.get(row["id"]) not in {None, row_digest(dict(row))}:
                raise DamagedError(f"finding {row['id']} is not as it was written")
        gone = self.value("SELECT finding FROM sums WHERE finding NOT IN (SELECT id FROM findings)")
        if gone is not None:
            raise DamagedError(f"finding {gone} is gone")

    def meta(self, key: str) -> Any:
        """A remembered value (plain JSON), None when it was never set."""
        text = self.value("SELECT value FROM meta WHERE key = ?", (key,))
        return None if text is None else codec.parse(text)

    def _remember(self, key: str, value: object) -> None:
        self.connection.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, json.dumps(value)),
        )

    # --- runs and rules ---------------------------------------------------------

    def begin_run(self, version: str, digest: str, options: Mapping[str, Any]) -> int:
        """Note that a run starts; its id.  An unfinished earlier run stays as it is."""
        with self.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO runs (started, tool_version, ruleset_digest, options_json)"
                " VALUES (?, ?, ?, ?)",
                (time.time(), version, digest, json.dumps(dict(options), sort_keys=True)),
            )
        return int(cursor.lastrowid or 0)

    def end_run(self, run: int, mails: int, series: int) -> None:
        """Note that a run came to its end."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE runs SET finished = ?, mails = ?, series = ? WHERE id = ?",
                (time.time(), mails, series, run),
            )

    def set_rules(self, rules: Iterable[tuple[Rule, str]]) -> None:
        """Remember the rules with their digests; those of earlier runs are replaced."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM rules")
            connection.executemany(
                "INSERT INTO rules (id, title, level, digest) VALUES (?, ?, ?, ?)",
                [(rule.id, rule.title, rule.loudest, digest) for rule, digest in rules],
            )

    def set_vocabulary(self, words: Iterable[str]) -> bool:
        """Set the words of the byte filter; whether mails must be read again for them.

        Then every source starts from its beginning: a mail that holds a new word was
        passed over.  Mails that are known already are not stored twice.
        """
        new = sorted(set(words))
        old = self.meta("vocabulary")
        if old == new:
            return False
        again = old is not None and not set(new) <= set(old)
        with self.transaction() as connection:
            self._remember("vocabulary", new)
            if again:
                connection.execute("UPDATE sources SET state_json = '{}'")
        return again

    # --- survey -----------------------------------------------------------------

    def source(self, source: Source) -> tuple[int, dict[str, Any]]:
        """The id of a source, and how far it was read (empty at first)."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO sources (kind, place, name) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, place) DO UPDATE SET name = excluded.name"
                " WHERE name <> excluded.name",
                (source.kind, source.place, source.name),
            )
        row = self.connection.execute(
            "SELECT id, state_json FROM sources WHERE kind = ? AND place = ?",
            (source.kind, source.place),
        ).fetchone()
        return int(row["id"]), codec.parse(row["state_json"])

    def add(self, source: int, survey: Survey, state: Mapping[str, Any]) -> None:
        """Add a portion's rows and move its source's mark to ``state``."""
        with self.transaction() as connection:
            threads = _Threads(connection)
            rows = _told_apart(connection, survey.rows)
            threads.place(rows)
            connection.executemany(
                'INSERT INTO messages (message_id, source, locator, size, subject, author, date,'
                ' in_reply_to, "references", patch, words, thread)'
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (message_id) DO UPDATE SET source = excluded.source,"
                " locator = excluded.locator, words = words | excluded.words"
                " WHERE (source = excluded.source AND (words | excluded.words <> words"
                " OR locator <> excluded.locator)) OR (words = 0 AND excluded.words <> 0)",
                [
                    (
                        row.message_id, source, row.locator, row.size, row.subject, row.author,
                        row.date, row.in_reply_to, row.references, row.patch, row.words,
                        threads.of(row),
                    )
                    for row in rows
                ],
            )  # fmt: skip
            connection.executemany(
                'INSERT OR IGNORE INTO fixes (message_id, title, "commit") VALUES (?, ?, ?)',
                [(row.message_id, title, commit) for row in rows for title, commit in row.fixes],
            )
            for message_id in survey.deleted:
                _forget(connection, message_id)
            _add_problems(connection, None, None, survey.limitations, survey.errors)
            connection.execute(
                "UPDATE sources SET state_json = ? WHERE id = ?",
                (json.dumps(dict(state)), source),
            )

    # --- checking ---------------------------------------------------------------

    def reopen(self, digest_of: Callable[[Iterable[str]], str]) -> int:
        """Open the checked threads whose rules changed; how many there are.

        ``digest_of(words)`` is the digest that a thread with these words has today.
        """
        changed = []
        for row in self.rows(
            "SELECT threads.id AS id, threads.checked AS checked,"
            " group_concat(series.words_json, '\n') AS words"
            " FROM threads LEFT JOIN series ON series.thread = threads.id"
            " WHERE threads.checked IS NOT NULL GROUP BY threads.id"
        ):
            words: set[str] = set()
            for line in (row["words"] or "").splitlines():
                words.update(codec.parse(line))
            if digest_of(words) != row["checked"]:
                changed.append((row["id"],))
        with self.transaction() as connection:
            connection.executemany("UPDATE threads SET checked = NULL WHERE id = ?", changed)
        return len(changed)

    def open_threads(self, possible: Callable[[int], bool]) -> list[int]:
        """Return the ids of the threads that are to be checked, in order.

        ``possible(bits)`` says whether a thread whose mails' words have these bits can
        have a finding.
        """
        return [
            row["id"]
            for row in self.rows("SELECT id, words FROM threads WHERE checked IS NULL ORDER BY id")
            if possible(row["words"])
        ]

    def thread(self, thread: int) -> Thread:
        """The mails of a thread, oldest first."""
        return Thread(
            thread,
            tuple(
                Wanted(
                    row["message_id"],
                    Source(row["kind"], row["place"], row["name"]),
                    row["locator"],
                    row["words"],
                )
                for row in self.rows(
                    "SELECT message_id, kind, place, name, locator, words"
                    " FROM messages JOIN sources ON sources.id = messages.source"
                    " WHERE thread = ? ORDER BY messages.id",
                    (thread,),
                )
            ),
        )

    def put(self, verdicts: Iterable[Verdict]) -> None:
        """Replace the results of some threads."""
        with self.transaction() as connection:
            for verdict in verdicts:
                _clear(connection, verdict.thread)
                for checked in verdict.series:
                    _add_series(connection, verdict.thread, checked)
                _add_problems(connection, verdict.thread, None, verdict.limitations, verdict.errors)
                connection.execute(
                    "UPDATE threads SET checked = ? WHERE id = ?",
                    (verdict.digest, verdict.thread),
                )

    def set_unread(self, errors: Sequence[InputError]) -> None:
        """Say which sources could not be read whole; what an earlier run said of them is over."""
        query = "DELETE FROM errors WHERE thread IS NULL AND input = ? AND message = ?"
        with self.transaction() as connection:
            connection.executemany(query, self.meta(_UNREAD) or [])
            _add_problems(connection, None, None, (), errors)
            self._remember(_UNREAD, [(one.input, one.message) for one in errors])

    def state(self) -> list[Any]:
        """Return a value that changes when mails or findings come or go."""
        return [
            self.value("SELECT count(*) FROM messages"),
            self.value("SELECT max(id) FROM messages"),
            self.value("SELECT count(*) FROM findings"),
            self.value("SELECT group_concat(fingerprint || id) FROM findings"),
        ]

    def outcomes_are_old(self) -> bool:
        """Whether mails or findings changed since the outcomes were looked for."""
        return bool(self.meta("outcomes") != _digest([_MINING, *self.state()]))

    def set_outcomes(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Replace all outcomes: (finding, kind, message id, subject, date, evidence)."""
        with self.transaction() as connection:
            self._remember("outcomes", _digest([_MINING, *self.state()]))
            connection.execute("DELETE FROM outcomes")
            connection.executemany(
                "INSERT INTO outcomes (finding, kind, message_id, subject, date, evidence)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )


#: what reading a damaged file can end with
_BROKEN: Final = (
    sqlite3.Error,
    json.JSONDecodeError,
    msgspec.MsgspecError,
    UnicodeDecodeError,
    DamagedError,
)


def _reason(path: str, error: BaseException) -> str:
    """Say what is wrong with a store, and what is left to do when it is damaged."""
    said = " ".join(str(error).split())[:_SAID]
    if isinstance(error, sqlite3.OperationalError) and not said.startswith("no such"):
        return f"{path}: {said}"
    return f"{path}: no store, or damaged: {said}; a scan into a new file makes it again"


def row_digest(row: Mapping[str, Any]) -> str:
    """Return the digest of a finding's columns, but for its own number."""
    return _digest([[name, row[name]] for name in sorted(row) if name != "id"])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=repr).encode()).hexdigest()[:24]


def _told_apart(connection: sqlite3.Connection, rows: Iterable[Row]) -> list[Row]:
    """The rows, a second patch of one Message-ID under a name of its own.

    Of a mail without a word beside a patch with words of its Message-ID nothing is kept.
    """
    rows = list(rows)
    known: dict[str, str] = {}
    for part in _parts([row.message_id for row in rows]):
        known.update(
            connection.execute(
                f"SELECT message_id, digest FROM patches WHERE message_id IN ({_marks(part)})",  # noqa: S608
                part,
            ).fetchall()
        )
    kept: list[Row] = []
    new: dict[str, str] = {}
    for row in rows:
        first = known.get(row.message_id)
        if row.digest and first is None:
            known[row.message_id] = new[row.message_id] = row.digest
        elif row.digest and row.digest != first:
            # no Message-ID has a blank
            name = f"{row.message_id} {row.digest}"
            row = row._replace(message_id=name, keys=(name, *row.keys))  # noqa: PLW2901
        elif first is not None and not row.digest:
            continue
        kept.append(row)
    connection.executemany("INSERT INTO patches (message_id, digest) VALUES (?, ?)", new.items())
    return kept


class _Threads:
    """Puts patch mails into threads; merges threads that a new mail ties together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread: dict[str, int] = {}
        self._moved: dict[int, int] = {}

    def place(self, rows: Iterable[Row]) -> None:
        """Find or make the thread of each row that is of a patch."""
        patches = [row for row in rows if row.patch]
        keys = sorted({key for row in patches for key in row.keys})
        known = self._known(keys)
        self._thread = dict(known)
        following = (self._connection.execute("SELECT max(id) FROM threads").fetchone()[0] or 0) + 1
        # a later portion of an interrupted run must find the same numbers free
        following = max(following, 1)
        opened: dict[int, int] = {}
        stale: set[int] = set()
        stored = self._stored([row.message_id for row in patches])
        for row in patches:
            earlier = stored.get(row.message_id)
            if earlier is not None and row.words | earlier == earlier:
                continue
            tied = sorted(
                {self._root(self._thread[key]) for key in row.keys if key in self._thread}
            )
            if tied:
                thread = tied[0]
                for other in tied[1:]:
                    self._moved[other] = thread
            else:
                thread = following
                following += 1
                opened[thread] = 0
            stale.add(thread)
            opened[thread] = opened.get(thread, 0) | row.words
            for key in row.keys:
                self._thread[key] = thread
            stored[row.message_id] = (earlier or 0) | row.words
        self._write(known, opened)

    def of(self, row: Row) -> int | None:
        """The thread of a placed row, None when it is no patch."""
        thread = self._thread.get(row.message_id) if row.patch else None
        return None if thread is None else self._root(thread)

    def _known(self, keys: list[str]) -> dict[str, int]:
        known: dict[str, int] = {}
        for part in _parts(keys):
            known.update(
                self._connection.execute(
                    f"SELECT key, thread FROM thread_keys WHERE key IN ({_marks(part)})",  # noqa: S608
                    part,
                ).fetchall()
            )
        return known

    def _stored(self, ids: list[str]) -> dict[str, int]:
        stored: dict[str, int] = {}
        for part in _parts(ids):
            stored.update(
                self._connection.execute(
                    "SELECT message_id, words FROM messages"  # noqa: S608 - marks only
                    f" WHERE patch AND message_id IN ({_marks(part)})",
                    part,
                ).fetchall()
            )
        return stored

    def _root(self, thread: int) -> int:
        while thread in self._moved:
            thread = self._moved[thread]
        return thread

    def _write(self, known: Mapping[str, int], opened: Mapping[int, int]) -> None:
        run = self._connection.execute
        for other in sorted(self._moved):
            thread = self._root(other)
            run("UPDATE thread_keys SET thread = ? WHERE thread = ?", (thread, other))
            run("UPDATE messages SET thread = ? WHERE thread = ?", (thread, other))
            _clear(self._connection, other)
        words = dict.fromkeys(map(self._root, opened), 0)
        for thread, bits in opened.items():
            words[self._root(thread)] |= bits
        for other in self._moved:
            root = self._root(other)
            row = run("SELECT words FROM threads WHERE id = ?", (other,)).fetchone()
            if row is not None:
                words[root] = words.get(root, 0) | row[0]
                run("DELETE FROM threads WHERE id = ?", (other,))
        self._connection.executemany(
            "INSERT INTO threads (id, words) VALUES (?, ?) ON CONFLICT (id) DO UPDATE"
            " SET words = words | excluded.words, checked = NULL",
            sorted(words.items()),
        )
        self._connection.executemany(
            "INSERT OR REPLACE INTO thread_keys (key, thread) VALUES (?, ?)",
            [
                (key, self._root(thread))
                for key, thread in self._thread.items()
                if known.get(key) != self._root(thread)
            ],
        )


def _marks(values: list[str]) -> str:
    return ",".join("?" * len(values))


def _parts(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _MOST_VARIABLES):
        yield values[start : start + _MOST_VARIABLES]


def _forget(connection: sqlite3.Connection, message_id: str) -> None:
    row = connection.execute(
        "SELECT thread FROM messages WHERE message_id = ?", (message_id,)
    ).fetchone()
    if row is None:
        return
    for table in ("messages", "fixes", "patches"):
        connection.execute(f"DELETE FROM {table} WHERE message_id = ?", (message_id,))  # noqa: S608
    if row["thread"] is not None:
        connection.execute("UPDATE threads SET checked = NULL WHERE id = ?", (row["thread"],))


def _clear(connection: sqlite3.Connection, thread: int) -> None:
    connection.execute(
        "DELETE FROM sums WHERE finding IN (SELECT id FROM findings WHERE thread = ?)", (thread,)
    )
    connection.execute(
        "DELETE FROM outcomes WHERE finding IN (SELECT id FROM findings WHERE thread = ?)",
        (thread,),
    )
    for table in _RESULTS:
        connection.execute(f"DELETE FROM {table} WHERE thread = ?", (thread,))  # noqa: S608


def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    cursor = connection.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - our own names
        tuple(row.values()),
    )
    return int(cursor.lastrowid or 0)


def _add_series(connection: sqlite3.Connection, thread: int, checked: Checked) -> None:
    ref = checked.series
    series = _insert(
        connection,
        "series",
        {
            "thread": thread,
            "subject": ref.subject,
            "author": checked.author,
            "date": checked.date,
            "version": ref.version,
            "expected": ref.expected,
            "missing_json": codec.dump(ref.missing),
            "base_commit": ref.base_commit,
            "cover_message_id": ref.cover_message_id,
            "patches_json": codec.dump(ref.patches),
            "images": ref.images,
            "tree": ref.tree,
            "subsystem": checked.subsystem,
            "words_json": codec.dump(checked.words),
            "references_json": codec.dump(ref.references),
        },
    )
    for finding in checked.findings:
        row = finding_row(finding, series, thread, checked)
        number = _insert(connection, "findings", row)
        connection.execute(
            "INSERT OR REPLACE INTO sums (finding, digest) VALUES (?, ?)", (number, row_digest(row))
        )
    _add_problems(connection, thread, series, checked.limitations, checked.errors)


def finding_row(finding: Finding, series: int, thread: int, checked: Checked) -> dict[str, Any]:
    """The columns of a finding; :func:`patchlint.archive.ask.finding` reads them back."""
    patch = next((one for one in checked.series.patches if one.number == finding.patch), None)
    date = checked.date if patch is None or patch.date is None else patch.date
    return {
        "series": series,
        "thread": thread,
        "rule": finding.rule,
        "level": finding.level,
        "confidence": finding.confidence,
        "message": finding.message,
        "patch": finding.patch,
        "message_id": finding.message_id,
        "commit": finding.commit,
        "subject": checked.series.subject if patch is None else patch.subject,
        "author": (patch.author if patch is not None else "") or checked.author,
        "date": date,
        "year": None if date is None else time.gmtime(date).tm_year,
        "subsystem": checked.subsystem,
        "path": finding.path,
        "line": finding.line,
        "side": finding.side,
        "function": finding.function,
        "family": finding.family,
        "cleanup": finding.cleanup,
        "before_context": finding.before.context,
        "before_guarantee": finding.before.guarantee,
        "before_mechanism": finding.before.mechanism,
        "before_callback": finding.before.callback,
        "before_chain_json": codec.dump(finding.before.chain),
        "after_context": finding.after.context,
        "after_guarantee": finding.after.guarantee,
        "after_mechanism": finding.after.mechanism,
        "after_callback": finding.after.callback,
        "after_chain_json": codec.dump(finding.after.chain),
        "condition": finding.condition,
        "fingerprint": finding.fingerprint,
        "why": finding.why,
        "entry_points_json": codec.dump(finding.entry_points),
        "symptoms_json": codec.dump(finding.symptoms),
        "advice_json": codec.dump(finding.advice),
        "evidence_json": codec.dump(finding.evidence),
        "also_json": codec.dump(finding.also),
        "hunk_json": codec.dump(finding.hunk),
    }


def _add_problems(
    connection: sqlite3.Connection,
    thread: int | None,
    series: int | None,
    limitations: Iterable[Limitation],
    errors: Iterable[InputError],
) -> None:
    _insert_once(
        connection,
        "limitations",
        ("thread", "series", "stage", "message", "path", "message_id", "line"),
        [
            (
                thread,
                series,
                one.stage,
                shown(one.message),
                one.path and shown(one.path),
                one.message_id,
                one.line,
            )
            for one in limitations
        ],
    )
    _insert_once(
        connection,
        "errors",
        ("thread", "input", "message", "message_id", "line"),
        [
            (thread, shown(one.input), shown(one.message), one.message_id, one.line)
            for one in errors
        ],
    )


def _insert_once(
    connection: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    rows: list[tuple[Any, ...]],
) -> None:
    """Add rows; one that belongs to no thread is not repeated when mails are read again."""
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    same = " AND ".join(f"{name} IS ?" for name in columns)
    for row in rows:
        if row[0] is None:
            query = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608 - our own names
            if connection.execute(query, row).fetchone():
                continue
        connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
            row,
        )
