"""The file of a store: no other is touched, and a scan that failed leaves none."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys

import pytest

from patchlint.archive.store import Store, StoreError
from patchlint.cli.main import main


@pytest.fixture
def other(tmp_path):
    """A database of something else."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        db.execute("INSERT INTO meta VALUES ('schema', '1')")
    db.close()
    return path


def test_a_second_writer_is_refused_and_a_reader_is_not(tmp_path, mails, capsys):
    store = tmp_path / "scan.db"
    with Store(str(store)):
        with pytest.raises(StoreError, match="another scan is writing it"):
            Store(str(store))
        assert main(["scan", "--jobs", "1", "--store", str(store), str(mails)]) == 2
        assert "another scan" in capsys.readouterr().err
        with Store(str(store), write=False) as reader:
            assert reader.value("SELECT count(*) FROM messages") == 0
    assert main(["scan", "--jobs", "1", "--store", str(store), str(mails)]) == 0


@pytest.mark.parametrize("command", ["findings", "export"])
def test_a_store_is_not_written_over_by_what_is_made_of_it(tmp_path, mails, capsys, command):
    store = tmp_path / "scan.db"
    assert main(["scan", "--jobs", "1", "--store", str(store), str(mails)]) == 0
    before = digest(store)
    link = tmp_path / "link.db"
    link.symlink_to(store)
    for output in (store, link):
        assert main([command, str(store), "--output", str(output)]) == 2
        assert "would be lost" in capsys.readouterr().err
    assert digest(store) == before
    assert main([command, str(store), "--output", str(tmp_path / "out")]) == 0


@pytest.fixture
def mails(tmp_path):
    path = tmp_path / "a.mbox"
    path.write_text("From a@x Thu Jan  1 00:00:00 1970\nFrom: A <a@x>\nSubject: hello\n\nText\n")
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "command",
    [["scan", "--store", "{}", "{mails}"], ["findings", "{}"], ["stats", "{}"], ["export", "{}"]],
)
def test_a_file_of_something_else_is_refused_and_stays(other, mails, capfd, command):
    before = digest(other)
    assert main([one.format(other, mails=mails) for one in command]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        f"patchlint: {other}: is a database of something else,"
        " not a store that patchlint scan made\n"
    )
    assert digest(other) == before
    assert sorted(one.name for one in other.parent.iterdir()) == ["a.mbox", "other.db"]


def test_a_store_that_a_killed_scan_began_is_filled(tmp_path, mails):
    begun = tmp_path / "begun.db"
    with sqlite3.connect(begun) as db:
        assert db.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    db.close()
    assert begun.stat().st_size
    assert main(["scan", "--quiet", "--store", str(begun), str(mails)]) == 0
    assert main(["findings", str(begun)]) == 0


def test_a_store_is_made_at_once_or_not_at_all(tmp_path, mails, monkeypatch):
    """What a kill in the middle of the schema leaves is no half of a store."""
    made = []

    class Killed(sqlite3.Connection):
        def executescript(self, script):
            self.set_authorizer(
                lambda action, name, *_: (
                    sqlite3.SQLITE_DENY
                    if action == sqlite3.SQLITE_CREATE_TABLE and name == "findings"
                    else sqlite3.SQLITE_OK
                )
            )
            try:
                return super().executescript(script)
            finally:
                self.set_authorizer(None)
                self.rollback() if self.in_transaction else None
                made.extend(row[0] for row in self.execute("SELECT name FROM sqlite_master"))

    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *a, **k: connect(*a, **k, factory=Killed))
    assert main(["scan", "--quiet", "--store", str(tmp_path / "x.db"), str(mails)]) == 2
    assert made == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone.db", "no such store; patchlint scan --store {} makes one"),
        ("empty.db", "is empty: nothing was scanned into it, not a store"),
        ("words.db", "file is not a database"),
        (".", "is a folder, not a store"),
    ],
)
def test_reading_what_is_no_store(tmp_path, capfd, name, said):
    (tmp_path / "empty.db").touch()
    (tmp_path / "words.db").write_text("words " * 100)
    path = tmp_path / name
    for command in ("findings", "stats", "export"):
        assert main([command, str(path)]) == 2
        err = capfd.readouterr().err
        assert said.format(path) in err
        assert "table" not in err
        assert "Errno" not in err


@pytest.mark.parametrize(
    "arguments", [["gone.mbox"], ["--rules", "gone", "a.mbox"], ["--rule", "gone", "a.mbox"]]
)
def test_a_scan_that_fails_leaves_no_store(mails, capfd, monkeypatch, arguments):
    monkeypatch.chdir(mails.parent)
    assert main(["scan", "--store", "new.db", *arguments]) == 2
    assert capfd.readouterr().err.startswith("patchlint: ")
    assert [one.name for one in mails.parent.iterdir()] == ["a.mbox"]


def test_a_store_that_was_there_stays_when_a_scan_fails(mails, monkeypatch):
    monkeypatch.chdir(mails.parent)
    assert main(["scan", "--quiet", "--store", "new.db", "a.mbox"]) == 0
    assert main(["scan", "--quiet", "--store", "new.db", "gone.mbox"]) == 2
    with Store("new.db", write=False) as store:
        assert store.value("SELECT count(*) FROM messages") == 1


def test_an_interrupted_scan_keeps_what_it_read(tmp_path):
    path = str(tmp_path / "new.db")
    store = Store(path)
    store.connection.execute(
        "INSERT INTO messages (message_id, source, locator, size, subject, author,"
        ' "references", patch, words) VALUES (?, 1, "", 1, "", "", "", 0, 0)',
        ("a@x",),
    )
    store.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with Store(path, write=False) as store:
        assert not store.new


def test_an_empty_file_may_become_a_store_and_a_missing_folder_is_named(tmp_path):
    (tmp_path / "empty.db").touch()
    with Store(str(tmp_path / "empty.db")) as store:
        assert store.meta("schema") == 1
    with pytest.raises(StoreError, match="there is no folder"):
        Store(str(tmp_path / "gone/new.db"))


def test_an_export_into_a_closed_pipe_ends_quietly(mails, monkeypatch):
    monkeypatch.chdir(mails.parent)
    assert main(["scan", "--quiet", "--store", "new.db", "a.mbox"]) == 0
    export = '"$0" -P -m patchlint.cli.main export new.db --table messages'
    script = f'{export} | true; exit "${{PIPESTATUS[0]}}"'
    for _ in range(3):
        done = subprocess.run(
            ["bash", "-c", script, sys.executable], capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_a_file_that_cannot_be_written_is_named_without_numbers(mails, monkeypatch, capfd):
    monkeypatch.chdir(mails.parent)
    assert main(["scan", "--quiet", "--store", "new.db", "a.mbox"]) == 0
    assert main(["export", "new.db", "--output", "gone/x.csv", "--format", "csv"]) == 2
    assert capfd.readouterr().err == "patchlint: gone/x.csv: No such file or directory\n"


@pytest.mark.parametrize("command", ["findings", "stats", "export"])
def test_a_pipe_is_no_store_and_is_not_waited_for(tmp_path, capsys, command):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main([command, str(pipe)]) == 2
    assert "a pipe or a device" in capsys.readouterr().err
    with pytest.raises(StoreError, match="a pipe or a device"):
        Store(str(pipe))
    assert pipe.is_fifo()
