"""A store that was damaged is refused in one line, and never answers something else."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "growth"))

import shapes

from patchlint.cli.main import main

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("store")
    (folder / "x.mbox").write_text(shapes.SERIES["patches"](4), encoding="utf-8")
    store = folder / "x.db"
    arguments = ["--quiet", "--jobs", "1", "--store", str(store), str(folder / "x.mbox")]
    assert main(["scan", *arguments]) == 0
    with sqlite3.connect(store) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return store.read_bytes()


class Asked:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = folder / "damaged.db"
        self._capsys = capsys

    def __call__(self, data: bytes | None = None) -> tuple[int, str, str]:
        if data is not None:
            for end in ("-wal", "-shm"):
                self.path.with_name(self.path.name + end).unlink(missing_ok=True)
            self.path.write_bytes(data)
        self._capsys.readouterr()
        status = main(["findings", str(self.path), "--format", "json"])
        said = self._capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Asked:
    return Asked(tmp_path, capsys)


def refused(answer: tuple[int, str, str]) -> bool:
    status, out, err = answer
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 1
    return status == 2 and not out and err.startswith("patchlint: ")


def test_bits_that_flipped_change_no_answer(whole: bytes, asked: Asked) -> None:
    wanted = asked(whole)
    assert wanted[0] == 0
    chance = random.Random(7)  # noqa: S311 - the same each time
    told = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 1, 8, 64))):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        answer = asked(bytes(data))
        if answer[1] != wanted[1]:
            # of what is neither a finding nor the structure of the file there is no sum
            findings = '"findings": ['
            same = answer[1].partition(findings)[2].partition('"limitations"')[0]
            assert (
                refused(answer)
                or same == wanted[1].partition(findings)[2].partition('"limitations"')[0]
            )
            told += 1
    assert told


@pytest.mark.parametrize(
    "command",
    [
        ["findings", "STORE", "--format", "json"],
        ["stats", "STORE", "--by", "rule"],
        ["stats", "STORE", "--by", "outcome"],
        ["export", "STORE", "--table", "series"],
        ["export", "STORE", "--table", "messages"],
        ["site", "STORE", "--out", "OUT"],
        ["scan", "--quiet", "--jobs", "1", "--store", "STORE", "MAILS"],
    ],
)
def test_no_bit_of_a_store_that_was_left_in_peace_flips_unseen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    mails, store = tmp_path / "x.mbox", tmp_path / "x.db"
    mails.write_text(shapes.SERIES["patches"](3), encoding="utf-8")
    named = {"STORE": str(store), "OUT": str(tmp_path / "out"), "MAILS": str(mails)}
    arguments = [named.get(word, word) for word in command]
    assert main(["scan", "--quiet", "--jobs", "1", "--store", str(store), str(mails)]) == 0
    data, when = store.read_bytes(), store.stat().st_mtime_ns
    chance = random.Random(len(command))  # noqa: S311 - the same each time
    for _ in range(20):
        flipped = bytearray(data)
        flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        store.write_bytes(flipped)
        os.utime(store, ns=(when, when))
        capsys.readouterr()
        assert main(arguments) == 2
        said = capsys.readouterr()
        # an export gives what it can still read
        assert not said.out or command[0] == "export"
        assert len(said.err.splitlines()) == 1
        assert "Traceback" not in said.err
        assert str(store) in said.err
    store.write_bytes(data)
    os.utime(store, ns=(when, when))
    assert main(arguments) == 0


def test_a_scheme_that_is_no_text_is_refused(whole: bytes, asked: Asked) -> None:
    at = whole.index(b"CREATE TABLE")
    assert refused(asked(whole[:at] + b"\xda\xff" + whole[at + 2 :]))


@pytest.mark.parametrize("cut", [0, 1, 99, 100, 4096, 5000, 0.5, 0.9])
def test_files_that_were_cut_are_refused(whole: bytes, asked: Asked, cut: float) -> None:
    assert refused(asked(whole[: int(cut if cut >= 1 or cut == 0 else cut * len(whole))]))


@pytest.mark.parametrize(
    "data", [b"hello\n" * 100, b"\xff" * 8192, b"SQLite format 3\0" + bytes(90)]
)
def test_other_files_are_refused(asked: Asked, data: bytes) -> None:
    assert refused(asked(data))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE meta SET value = '99' WHERE key = 'schema'",
        "DELETE FROM meta",
        "DROP TABLE findings",
        "DELETE FROM findings WHERE id = 1",
        "UPDATE findings SET level = 'evil'",
        "UPDATE findings SET before_chain_json = '{bad'",
        "UPDATE findings SET line = x'00ff'",
        "UPDATE findings SET path = 'other.c'",
        "DELETE FROM series",
        "UPDATE series SET patches_json = '[1'",
        "UPDATE series SET patches_json = replace(hex(zeroblob(15000)), '0', '[')",
        "UPDATE findings SET before_chain_json = replace(hex(zeroblob(15000)), '0', '[')",
    ],
)
def test_rows_that_were_changed_are_refused(whole: bytes, asked: Asked, change: str) -> None:
    asked.path.write_bytes(whole)
    with sqlite3.connect(asked.path) as db:
        db.execute(change)
    db.close()
    answer = asked()
    assert refused(answer)
    assert "RecursionError" not in answer[2]


@pytest.mark.parametrize("chain", ["before_chain_json", "replace(hex(zeroblob(15000)), '0', '[')"])
def test_a_site_shows_no_finding_that_was_changed(
    whole: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str], chain: str
) -> None:
    store = tmp_path / "x.db"
    store.write_bytes(whole)
    with sqlite3.connect(store) as db:
        db.execute(f"UPDATE findings SET function = 'forged', before_chain_json = {chain}")  # noqa: S608
    db.close()
    assert main(["site", str(store), "--out", str(tmp_path / "out")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "is not as it was written" in said
    assert not (tmp_path / "out").exists()


def test_a_store_of_an_older_version_has_no_sums(whole: bytes, asked: Asked) -> None:
    wanted = asked(whole)
    with sqlite3.connect(asked.path) as db:
        db.execute("DROP TABLE sums")
    db.close()
    assert asked() == wanted


@pytest.mark.parametrize("table", ["messages", "findings"])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_has_nothing_hidden(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], table: str, form: str
) -> None:
    text = shapes.SERIES["patches"](2).replace("vfs: demo", "vfs: \x1b]0;x\x07 \u202e \u2028 demo")
    (tmp_path / "x.mbox").write_text(text, encoding="utf-8")
    store = str(tmp_path / "x.db")
    arguments = ["--quiet", "--jobs", "1", "--store", store, str(tmp_path / "x.mbox")]
    assert main(["scan", *arguments]) == 0
    capsysbinary.readouterr()
    assert main(["export", store, "--table", table, "--format", form]) == 0
    told = capsysbinary.readouterr().out.decode()
    assert "demo" in told
    assert not any(hidden in told for hidden in "\x1b\x07\u202e\u2028")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_of_a_damaged_store_has_what_can_still_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    mails, store = tmp_path / "x.mbox", tmp_path / "x.db"
    mails.write_text(shapes.SERIES["patches"](40), encoding="utf-8")
    assert main(["scan", "--quiet", "--jobs", "1", "--store", str(store), str(mails)]) == 0
    arguments = ["export", str(store), "--format", form]
    capsys.readouterr()
    assert main(arguments) == 0
    whole = capsys.readouterr().out.splitlines()
    data = store.read_bytes()
    size = int.from_bytes(data[16:18], "big")
    assert len(whole) >= 40
    found, partly = set(), 0
    for at in range(size, len(data), size):
        store.write_bytes(data[:at] + bytes(size) + data[at + size :])
        capsys.readouterr()
        status = main(arguments)
        said = capsys.readouterr()
        rows = said.out.splitlines()
        line = said.err.rstrip("\n")
        assert "\n" not in line
        # a page of another table, or of an index, takes nothing away
        assert rows == whole if status == 0 else line.startswith(f"patchlint: {store}: ")
        # nothing that was not there, in the order that it had
        assert [row for row in whole if row in set(rows)] == rows
        if 0 < len(rows) < len(whole):
            assert "others could not be read" in line
            partly += 1
        found.update(rows)
    assert partly > 5
    assert found == set(whole)
