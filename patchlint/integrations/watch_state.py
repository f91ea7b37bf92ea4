"""What the watcher knows: mails, threads, what was checked, told, drafted and sent.

Each step is one transaction, so that a restart at any moment loses and repeats nothing.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from msgspec import convert, to_builtins

from patchlint.mail.certain import digest
from patchlint.outside.names import kept
from patchlint.report.versions import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Mails are forgotten after this many seconds; what was told is never forgotten.
KEEP: Final = 60 * 86_400.0
_SCHEMA: Final = "1"
#: what each version of the state has
_TABLES: Final = frozenset({"meta", "mail", "named", "dirty", "checked"})


class StateError(Exception):
    """The state file cannot be used; the text says why."""


class KeptMail(NamedTuple):
    """A mail as it came, and when (seconds since the epoch)."""

    message_id: str
    arrived: float
    data: bytes


class KeptDraft(NamedTuple):
    """A draft by the name of its file."""

    name: str
    text: str


class Story(NamedTuple):
    """A finding that the author of a series was told of.

    ``version`` is the one that had it, ``titles`` those of the series and its patches;
    ``what`` says it in words.  ``mark`` is by what it is known again, ``files`` are those that
    the version changes; an older state has neither.
    """

    fingerprint: str
    author: str
    version: int
    titles: tuple[str, ...]
    what: str
    mark: Mark | None = None
    files: tuple[str, ...] = ()


def _mark_text(mark: Mark | None, files: Iterable[str]) -> str | None:
    if mark is None:
        return None
    return json.dumps({"mark": to_builtins(mark), "files": sorted(files)})


def _read_mark(text: str | None) -> tuple[Mark | None, tuple[str, ...]]:
    if not text:
        return None, ()
    value = json.loads(text)
    return convert(value["mark"], Mark), tuple(value["files"])


def _refuse_other_files(path: str) -> None:
    """Raise :class:`StateError` for a file that no watcher made, before anything is changed."""
    place = Path(path)
    if not place.exists() or (place.is_file() and place.stat().st_size == 0):
        return
    if not place.is_file():
        raise StateError(f"{path}: is no file")
    try:
        address = f"{place.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=30)) as db:
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StateError(f"{path}: {error}") from error
    # an older one has fewer tables; one with none was begun by a watcher that was killed at once
    if tables and not tables >= _TABLES:
        raise StateError(f"{path}: is a database of something else, not the state of a watcher")


class State:
    """The state file.  Use as a context manager: it is closed at the end."""

    def __init__(self, path: str) -> None:
        _refuse_other_files(path)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(
                files("patchlint.integrations").joinpath("watch_state.sql").read_text("utf-8")
            )
            if not any(row[1] == "mark" for row in self._db.execute("PRAGMA table_info(story)")):
                self._db.execute("ALTER TABLE story ADD COLUMN mark TEXT")
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schema', ?)", (_SCHEMA,))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise StateError(f"{path}: {error}") from error
        found = self._value("schema")
        if found != _SCHEMA:
            self._db.close()
            raise StateError(f"{path}: has schema {found}, this program knows {_SCHEMA}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what happens inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- mails

    def position(self, source: str) -> str:
        """Return where reading of ``source`` goes on; empty at first."""
        return self._value(f"position {kept(source)}") or ""

    def set_position(self, source: str, position: str) -> None:
        """Remember where reading of ``source`` goes on."""
        self._db.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"position {kept(source)}", position)
        )

    def keep(self, mail: KeptMail, references: Sequence[str]) -> bool:
        """Keep a mail and join it to its thread; False when it was there already.

        Another patch under the Message-ID of one that is there is kept under a name of its own,
        with a blank, which no Message-ID has.
        """
        name = mail.message_id
        first = self._db.execute("SELECT data FROM mail WHERE message_id = ?", (name,)).fetchone()
        if first is not None:
            own = digest(mail.data)
            name = f"{name} {own}"
            if own == digest(zlib.decompress(first[0])) or self._has(
                "SELECT 1 FROM mail WHERE message_id = ?", name
            ):
                return False
        thread = self._join([mail.message_id, *references])
        self._db.execute(
            "INSERT INTO mail VALUES (?, ?, ?, ?)",
            (name, thread, mail.arrived, zlib.compress(mail.data)),
        )
        self._db.execute("INSERT OR IGNORE INTO dirty VALUES (?)", (thread,))
        return True

    def _join(self, ids: Sequence[str]) -> str:
        threads: dict[str, None] = {}
        for name in ids:
            row = self._db.execute("SELECT thread FROM named WHERE id = ?", (name,)).fetchone()
            if row:
                threads[row[0]] = None
        thread, *others = threads or {ids[0]: None}
        for other in others:
            for table in ("named", "mail"):
                self._db.execute(
                    f"UPDATE {table} SET thread = ? WHERE thread = ?",  # noqa: S608 - our names
                    (thread, other),
                )
            self._db.execute("DELETE FROM dirty WHERE thread = ?", (other,))
        self._db.executemany(
            "INSERT OR IGNORE INTO named VALUES (?, ?)", ((name, thread) for name in ids)
        )
        return thread

    def open_threads(self) -> list[str]:
        """Return the threads that have something nobody looked at yet."""
        return [row[0] for row in self._db.execute("SELECT thread FROM dirty ORDER BY rowid")]

    def close_thread(self, thread: str) -> None:
        """Say that all there is of a thread was looked at."""
        self._db.execute("DELETE FROM dirty WHERE thread = ?", (thread,))

    def mails(self, thread: str) -> list[KeptMail]:
        """Return the mails of a thread, in the order in which they came."""
        rows = self._db.execute(
            "SELECT message_id, arrived, data FROM mail WHERE thread = ? ORDER BY arrived, rowid",
            (thread,),
        )
        return [KeptMail(name, arrived, zlib.decompress(data)) for name, arrived, data in rows]

    def forget(self, now: float) -> None:
        """Drop mails that are old and whose thread is done."""
        self._db.execute(
            "DELETE FROM mail WHERE arrived < ? AND thread NOT IN (SELECT thread FROM dirty)",
            (now - KEEP,),
        )

    # --- what was done

    def was_checked(self, patches: str) -> bool:
        """Whether this very set of patches was checked."""
        return self._has("SELECT 1 FROM checked WHERE patches = ?", patches)

    def set_checked(self, patches: str, now: float, outcome: str) -> None:
        """Remember that a set of patches was checked, and what came of it."""
        self._db.execute("INSERT OR REPLACE INTO checked VALUES (?, ?, ?)", (patches, now, outcome))

    def outcomes(self) -> list[str]:
        """Return what came of each check, in order."""
        return [
            row[0] for row in self._db.execute("SELECT outcome FROM checked ORDER BY at, rowid")
        ]

    def was_told(self, fingerprint: str, author: str) -> bool:
        """Whether ``author`` was told of the finding before, and had not mended it since."""
        return self._has(
            "SELECT 1 FROM told LEFT JOIN story USING (fingerprint, author)"
            " WHERE fingerprint = ? AND author = ? AND mended IS NULL",
            fingerprint,
            author,
        )

    def stories(self, author: str) -> list[Story]:
        """Return what ``author`` was told of and has not mended."""
        rows = self._db.execute(
            "SELECT fingerprint, author, version, titles, what, mark FROM story"
            " WHERE author = ? AND mended IS NULL ORDER BY rowid",
            (author,),
        )
        return [
            Story(f, a, version, tuple(json.loads(titles)), what, *_read_mark(mark))
            for f, a, version, titles, what, mark in rows
        ]

    def add_stories(self, stories: Iterable[Story]) -> None:
        """Remember what an author is told of; what was mended before is open again."""
        self._db.executemany(
            "INSERT OR REPLACE INTO story"
            " (fingerprint, author, version, titles, what, mended, mark)"
            " VALUES (?, ?, ?, ?, ?, NULL, ?)",
            [
                (
                    s.fingerprint,
                    s.author,
                    s.version,
                    json.dumps(s.titles),
                    s.what,
                    _mark_text(s.mark, s.files),
                )
                for s in stories
            ],
        )

    def follow(self, story: Story, mark: Mark, files: Iterable[str]) -> None:
        """Remember what a finding is in a later version, which changes ``files``."""
        self._db.execute(
            "UPDATE OR REPLACE story SET fingerprint = ?, mark = ?"
            " WHERE fingerprint = ? AND author = ?",
            (mark.fingerprint, _mark_text(mark, files), story.fingerprint, story.author),
        )
        self._db.execute(
            "INSERT OR IGNORE INTO told VALUES (?, ?)", (mark.fingerprint, story.author)
        )

    def set_mended(self, stories: Iterable[Story], now: float) -> None:
        """Remember that a later version has these findings no more."""
        self._db.executemany(
            "UPDATE story SET mended = ? WHERE fingerprint = ? AND author = ?",
            [(now, story.fingerprint, story.author) for story in stories],
        )

    def was_answered(self, message_ids: Iterable[str]) -> bool:
        """Whether a series with one of these patches had its mail."""
        return any(
            self._has("SELECT 1 FROM answered WHERE message_id = ?", name) for name in message_ids
        )

    def add_draft(
        self, draft: KeptDraft, now: float, told: Iterable[tuple[str, str]], patches: Iterable[str]
    ) -> None:
        """Keep a draft, with the findings it tells and the patches it answers."""
        self._db.execute(
            "INSERT OR IGNORE INTO draft VALUES (?, ?, NULL, 'new', ?)",
            (draft.name, now, draft.text),
        )
        self._db.executemany("INSERT OR IGNORE INTO told VALUES (?, ?)", told)
        self._db.executemany(
            "INSERT OR IGNORE INTO answered VALUES (?)", ((name,) for name in patches)
        )

    def drafts(self, state: str) -> list[KeptDraft]:
        """Return the drafts in ``state``, oldest first."""
        rows = self._db.execute(
            "SELECT name, text FROM draft WHERE state = ? ORDER BY made, rowid", (state,)
        )
        return [KeptDraft(*row) for row in rows]

    def set_draft(self, name: str, state: str, sent: float | None = None) -> None:
        """Move a draft on to ``state``."""
        self._db.execute(
            "UPDATE draft SET state = ?, sent = coalesce(?, sent) WHERE name = ?",
            (state, sent, name),
        )

    def sent_since(self, moment: float) -> int:
        """Return how many mails were sent since ``moment``."""
        row = self._db.execute("SELECT count(*) FROM draft WHERE sent >= ?", (moment,)).fetchone()
        return int(row[0])

    def _has(self, query: str, *values: str) -> bool:
        return self._db.execute(query, values).fetchone() is not None

    def _value(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])
