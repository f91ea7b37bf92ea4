"""What the machine does to a run: full disks, kills, other writers, missing programs, old clocks.

Each ends in one line and a status of 2 or goes on without what was missing, and a later run
comes to what an undisturbed one has.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "growth"))

import shapes

from patchlint.cli.main import main
from patchlint.patch.trees import FolderTree
from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")

PROGRAM = [sys.executable, "-m", "patchlint.cli.main"]
MAIL = shapes.SERIES["patches"](3)
CODE = "static void give_up_{0}(struct thing *x)\n{{\n\tmntput(x->mnt_{0});\n}}\n"


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    path = tmp_path / "x.mbox"
    path.write_text("".join(MAIL for _ in range(1)), encoding="utf-8")
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "fs").mkdir(parents=True)
    for at in range(40):
        (folder / "fs" / f"x{at}.c").write_text(CODE.format(at) * 30, encoding="utf-8")
    return folder


def scan(store: Path, mbox: Path) -> list[str]:
    return ["scan", "--quiet", "--jobs", "1", "--store", str(store), str(mbox)]


def found(store: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(store) as db:
        rows = db.execute("SELECT rule, path, line, fingerprint FROM findings ORDER BY 1, 2, 3")
        return rows.fetchall()


def run(
    arguments: list[str], room: int | None = None, **environ: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the program; no file of it may grow larger than ``room``, as on a disk that is full."""

    def limit() -> None:
        if room is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, **environ},
        preexec_fn=limit,
    )


def boring(done: subprocess.CompletedProcess[bytes], *statuses: int) -> bool:
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
    return done.returncode in statuses and len(done.stderr.splitlines()) <= 1


def test_a_scan_whose_disk_is_full_goes_on_later(tmp_path: Path, mbox: Path) -> None:
    whole, store = tmp_path / "whole.db", tmp_path / "full.db"
    assert main(scan(whole, mbox)) == 0
    for room in (0, 4096, 30_000, 110_000, 140_000):
        assert boring(run(scan(store, mbox), room), 2)
    assert main(scan(store, mbox)) == 0
    assert found(store) == found(whole) != []


def test_an_index_whose_disk_is_full_is_made_later(tmp_path: Path, tree: Path) -> None:
    del tmp_path
    for room in (0, 8192, 60_000):
        assert boring(run(["index", "--quiet", "--jobs", "1", str(tree)], room), 2)
    assert boring(run(["index", "--quiet", "--jobs", "1", str(tree)]), 0)


def test_a_check_needs_no_room(mbox: Path) -> None:
    done = run(["check", "--no-tree", "--format", "terse", str(mbox)], XDG_CACHE_HOME="/dev/null/x")
    assert boring(done, 1)
    assert len(done.stdout.splitlines()) == 3


def test_a_scan_that_is_killed_goes_on(tmp_path: Path, mbox: Path) -> None:
    whole, store = tmp_path / "whole.db", tmp_path / "killed.db"
    assert main(scan(whole, mbox)) == 0
    chance = random.Random(3)  # noqa: S311 - the same each time
    for _ in range(4):
        process = subprocess.Popen([*PROGRAM, *scan(store, mbox)], stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.05, 1.0))
        process.kill()
        process.wait()
    assert main(scan(store, mbox)) == 0
    assert found(store) == found(whole) != []


def test_two_scans_into_one_store(tmp_path: Path, mbox: Path) -> None:
    whole, store = tmp_path / "whole.db", tmp_path / "shared.db"
    assert main(scan(whole, mbox)) == 0
    both = [
        subprocess.Popen([*PROGRAM, *scan(store, mbox)], stderr=subprocess.PIPE) for _ in range(2)
    ]
    for one in both:
        _, errors = one.communicate()
        assert b"Traceback" not in errors
        assert one.returncode in {0, 2}
    assert main(scan(store, mbox)) == 0
    assert found(store) == found(whole)


def test_a_clock_that_goes_back_changes_nothing(
    tmp_path: Path, mbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, store = tmp_path / "whole.db", tmp_path / "back.db"
    assert main(scan(whole, mbox)) == 0
    monkeypatch.setattr(time, "time", lambda: -86_400.0 * 400)
    assert main(scan(store, mbox)) == 0
    assert found(store) == found(whole)


def test_a_tree_that_changes_under_the_check(
    tree: Path, mbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FolderTree.read
    reads = 0

    def read(self: FolderTree, path: str) -> bytes | None:
        nonlocal reads
        reads += 1
        if reads == 2:
            shutil.rmtree(tree / "fs")
        return real(self, path)

    monkeypatch.setattr(FolderTree, "read", read)
    report = check([str(mbox)], Options(tree=str(tree)))
    assert reads
    assert report.limitations
    assert not report.errors


@pytest.mark.parametrize("kept", [("git",), ("rg",), ()])
def test_programs_that_are_missing(
    tmp_path: Path, tree: Path, mbox: Path, monkeypatch: pytest.MonkeyPatch, kept: tuple[str, ...]
) -> None:
    (tmp_path / "bin").mkdir()
    for name in kept:
        real = shutil.which(name)
        if real is not None:
            (tmp_path / "bin" / name).symlink_to(real)
    wanted = check([str(mbox)], Options(tree=str(tree)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert check([str(mbox)], Options(tree=str(tree))).findings == wanted.findings


def test_a_program_that_is_broken_is_as_one_that_is_missing(
    tmp_path: Path, tree: Path, mbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = check([str(mbox)], Options(tree=str(tree)))
    (tmp_path / "bin").mkdir()
    for name in ("git", "rg"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\necho 'unknown option' >&2\nexit 129\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert check([str(mbox)], Options(tree=str(tree))).findings == wanted.findings


@pytest.mark.parametrize("kind", ["link", "file", "theirs", "nonsense"])
def test_a_cache_that_is_odd(
    tmp_path: Path, mbox: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    wanted = check([str(mbox)], Options(no_tree=True)).findings
    home = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    if kind == "file":
        home.write_text("")
    elif kind == "link":
        (tmp_path / "elsewhere").mkdir()
        home.symlink_to(tmp_path / "elsewhere")
    else:
        check([str(mbox)], Options(no_tree=True))
        kept = list((home / "patchlint").iterdir())
        assert kept
        if kind == "nonsense":
            for one in kept:
                one.write_bytes(one.read_bytes().replace(b"[", b"[" * 50_000, 3))
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert check([str(mbox)], Options(no_tree=True)).findings == wanted
