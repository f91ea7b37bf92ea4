"""A damaged index is told, is taken away, and changes no answer."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
from small_tree import FILES, MACROS, folder_tree
from test_store import answers, by_search

from patchlint.index import open_facts
from patchlint.index.build import build
from patchlint.index.store import Store, index_path
from patchlint.outside import seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from patchlint.patch.trees import FolderTree


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def tree(tmp_path: Path) -> FolderTree:
    made = folder_tree(tmp_path / "tree")
    build(made, MACROS)
    return made


def asked(tree: FolderTree) -> tuple[object, list[str]]:
    said: list[str] = []
    return answers(open_facts(tree, MACROS, say=said.append)), said


def again(path: Path, data: bytes) -> None:
    """Write it as it was, with the time of its last change."""
    status = path.stat() if path.exists() else None
    path.write_bytes(data)
    if status is not None:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_bits_that_flipped_change_no_answer(tree: FolderTree) -> None:
    wanted = by_search(tree)
    assert asked(tree) == (wanted, [])
    path = index_path(MACROS)
    data = path.read_bytes()
    chance = random.Random(11)  # noqa: S311 - the same each time
    beside = path.with_name(path.name + ".sum").read_text()
    when = path.stat().st_mtime_ns
    for _ in range(12):
        flipped = bytearray(data)
        for _ in range(chance.choice((1, 1, 8, 64))):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        os.utime(path, ns=(when, when))
        path.with_name(path.name + ".sum").write_text(beside)
        found, said = asked(tree)
        assert found == wanted
        assert said == [
            "the index is damaged: the tree itself is searched (patchlint index makes it anew)"
        ]
        assert not path.exists()
    build(tree, MACROS)
    assert asked(tree) == (wanted, [])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE blobs SET numbers = x'01'",
        "UPDATE blobs SET defined = 'x'",
        "UPDATE blobs SET numbers = 'text'",
        "UPDATE calls SET lines = x'0102'",
        "UPDATE calls SET lines = 'text'",
        "UPDATE uses SET sites = 'text'",
        "UPDATE uses SET sites = '1	9	a	b'",
        "UPDATE uses SET sites = '1	1	a	b'",
        "UPDATE uses SET sites = x'ff'",
        "DROP TABLE calls",
        "DROP TABLE names",
        "DROP TABLE trees",
        "UPDATE trees SET made = 'x', key = 'y'",
        "UPDATE files SET path = x'ff'",
    ],
)
def test_rows_that_no_build_wrote(tree: FolderTree, change: str) -> None:
    """Without a seal, as after a write that was cut off."""
    wanted = by_search(tree)
    path = index_path(MACROS)
    path.with_name(path.name + ".sum").unlink()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(change)
    db.close()
    found, said = asked(tree)
    assert found == wanted
    assert len(said) <= 1
    build_again(tree)
    assert asked(tree)[0] == wanted


def build_again(tree: FolderTree) -> None:
    try:
        build(tree, MACROS)
    except sqlite3.DatabaseError:
        seal.discard(index_path(MACROS))
        build(tree, MACROS)


def test_a_large_file_is_held_against_its_sum_once_a_day(
    tree: FolderTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    del tree
    path = index_path(MACROS)
    monkeypatch.setattr(seal, "_SMALL", 0)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    again(path, bytes(data))
    assert seal.whole(path)
    now = time.time()
    for days in (1.1, -1.1):  # a clock may have gone back
        monkeypatch.setattr(time, "time", lambda days=days: now + days * 86_400)
        assert not seal.whole(path)
    monkeypatch.undo()


def test_what_others_wrote_since_is_no_damage(tree: FolderTree) -> None:
    del tree
    path = index_path(MACROS)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE trees SET origin = 'elsewhere'")
    db.close()
    assert seal.whole(path)
    path.with_name(path.name + ".sum").write_text("nonsense")
    assert seal.whole(path)
    seal.seal(path)
    assert seal.whole(path)
    assert seal.whole(path.with_name("none")) is not False


def test_a_log_that_is_left_is_not_sealed(tree: FolderTree) -> None:
    del tree
    path = index_path(MACROS)
    with Store(path, create=True) as store:
        store._db.execute("UPDATE trees SET origin = 'x'")
        seal.seal(path)
        assert not path.with_name(path.name + ".sum").exists()


def test_a_commit_with_files_that_cannot_be_read_is_not_listed(
    git_tree: Callable[..., object], tmp_path: Path
) -> None:
    made = git_tree(FILES)
    del tmp_path
    real = type(made).blob

    def blob(self: object, name: str) -> bytes | None:
        return None if self is made and name.startswith(first) else real(self, name)

    first = next(oid for _, oid in made.list_c())[:8]
    type(made).blob, keep = blob, real
    path_of = {oid[:8]: path for path, oid in made.list_c()}
    read = type(made).read
    type(made).read = lambda self, path: None if path == path_of[first] else read(self, path)
    try:
        with pytest.raises(OSError, match="cannot be read"):
            build(made, MACROS)
    finally:
        type(made).blob, type(made).read = keep, read
    with Store(index_path(MACROS)) as store:
        assert not store.trees()


def test_a_changed_time_hides_no_damage(tree: FolderTree, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = by_search(tree)
    path = index_path(MACROS)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    for small in (seal._SMALL, 0):
        monkeypatch.setattr(seal, "_SMALL", small)
        path.write_bytes(data)
        found, said = asked(tree)
        assert found == wanted
        assert len(said) == 1
        assert not path.exists()
        build(tree, MACROS)
    path.write_bytes(path.read_bytes()[:-1])
    assert asked(tree)[0] == wanted
    assert not path.exists()


def test_an_index_that_was_copied_is_kept_and_sealed_anew(tree: FolderTree) -> None:
    wanted = by_search(tree)
    path = index_path(MACROS)
    os.utime(path, ns=(1, 1))
    assert asked(tree) == (wanted, [])
    assert seal.whole(path, ours=True)
    assert str(path.stat().st_mtime_ns) in path.with_name(path.name + ".sum").read_text()


def test_an_index_that_is_being_written_is_not_taken_for_damaged(tree: FolderTree) -> None:
    wanted = by_search(tree)
    path = index_path(MACROS)
    with Store(path, create=True) as store:
        store.add([])
        assert not path.with_name(path.name + ".sum").exists()
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE more (x)")
        db.close()
        assert asked(tree) == (wanted, [])
    assert path.exists()


def test_a_seal_that_is_taken_off_meanwhile_tells_nothing(
    tree: FolderTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    del tree
    path = index_path(MACROS)
    path.write_bytes(path.read_bytes() + b"x")
    state = seal._state

    def meanwhile(place: Path) -> str:
        seal.unseal(place)
        return state(place)

    monkeypatch.setattr(seal, "_state", meanwhile)
    assert seal.whole(path, ours=True)
