"""What --output names is written whole or left as it was."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "growth"))

import shapes

from patchlint.cli import output
from patchlint.cli.main import main

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that turns out to be full when all was written."""

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.fixture
def store(tmp_path: Path) -> str:
    mails, path = tmp_path / "x.mbox", tmp_path / "x.db"
    mails.write_text(shapes.SERIES["patches"](3), encoding="utf-8")
    assert main(["scan", "--quiet", "--jobs", "1", "--store", str(path), str(mails)]) == 0
    return str(path)


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    "command",
    [
        ["export", "STORE"],
        ["export", "STORE", "--format", "datasette"],
        ["findings", "STORE"],
        ["check", "--no-tree", "MAILS"],
    ],
)
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, store: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    named = {"STORE": store, "MAILS": str(tmp_path / "x.mbox")}
    old = tmp_path / "out"
    old.write_text("old\n")
    before = sorted(tmp_path.iterdir())
    capsys.readouterr()
    assert main([*(named.get(word, word) for word in command), "--output", str(old)]) == 2
    assert capsys.readouterr().err == f"patchlint: {old}: No space left on device\n"
    assert old.read_text() == "old\n"
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_keeps_its_mode_and_a_link_its_file(tmp_path: Path) -> None:
    old, link = tmp_path / "old", tmp_path / "link"
    old.write_text("old\n")
    old.chmod(0o640)
    link.symlink_to(old)
    assert output.write("new\n", str(link))
    assert link.is_symlink()
    assert old.read_text() == "new\n"
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "old"]


def test_a_device_and_a_long_name_are_written_to(tmp_path: Path) -> None:
    assert output.write("new\n", "/dev/null")
    assert Path("/dev/null").is_char_device()
    long = tmp_path / ("x" * 250)
    assert output.write("new\n", str(long))
    assert long.read_text() == "new\n"


def test_a_file_in_a_folder_of_others_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.write_text("old\n")
    opened = Path.open

    def refuse(path: Path, mode: str = "r", **named: object) -> object:
        if mode == "xb":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, mode, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    assert output.write("new\n", str(old))
    monkeypatch.undo()
    assert old.read_text() == "new\n"


@pytest.mark.parametrize("name", ["no/such", "", "x\0y"])
def test_where_nothing_can_be_written_is_said(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not output.write("new\n", name)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"patchlint: {name}: ")
