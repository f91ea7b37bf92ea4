"""``patchlint index`` builds, shows and prunes, and says what it could not do."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from small_tree import FILES, folder_tree

from patchlint.cli.index import _Progress
from patchlint.cli.main import main


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "patchlint"


def test_build_and_status(git_tree, capsys):
    tree = git_tree(FILES)
    path = str(tree.repository)
    assert main(["index", path, "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    assert re.match(rf"{tree.commit}: 7 files, 7 read in [\d.]+ s; [\d.]+ MB in /", out)
    assert err == ""
    assert main(["index", path, "--jobs", "1"]) == 0
    assert "7 files, 0 read" in capsys.readouterr().out
    assert main(["index", "--status"]) == 0
    assert f"{tree.commit}  20" in capsys.readouterr().out
    git_tree({"a.c": b"int a;\n"})
    assert main(["index", path, "--status"]) == 0
    assert capsys.readouterr().out == f"no index of {path} as it is now\n"
    assert main(["index", path, "--revision", "HEAD~1", "--jobs", "1"]) == 0
    assert "7 files, 0 read" in capsys.readouterr().out


def test_prune_drops_old_trees_and_indexes_of_other_versions(tmp_path, cache, git_tree, capsys):
    tree = git_tree(FILES)
    assert main(["index", str(tree.repository), "--jobs", "1"]) == 0
    folder_tree(tmp_path / "folder")
    assert main(["index", str(tmp_path / "folder"), "--jobs", "1"]) == 0
    (cache / "index-0.0-old.sqlite").write_bytes(b"")
    capsys.readouterr()
    assert main(["index", "--prune", "--keep", "1", "--status"]) == 0
    out = capsys.readouterr().out
    assert "index-0.0-old.sqlite" in out
    assert "dropped 1 tree and 0 files" in out
    assert f"folder:{tmp_path}/folder" in out
    assert str(tree.commit) not in out


def test_without_an_index_there_is_nothing_to_show_or_prune(capsys):
    assert main(["index", "--status"]) == 0
    assert capsys.readouterr().out == "no index\n"
    assert main(["index", "--prune"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a TREE, --status or --prune"),
        (["/no/such/tree"], "/no/such/tree: no such folder"),
        (["{tree}", "--revision", "none"], "no such commit: none"),
    ],
)
def test_what_could_not_be_done_is_said(git_tree, capsys, arguments, message):
    tree = git_tree(FILES)
    given = [one.replace("{tree}", str(tree.repository)) for one in arguments]
    assert main(["index", *given]) == 2
    assert message in capsys.readouterr().err


def test_an_index_that_cannot_be_written_is_said(tmp_path, monkeypatch, git_tree, capsys):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert main(["index", str(git_tree(FILES).repository), "--jobs", "1"]) == 2
    assert capsys.readouterr().err.startswith("patchlint index: ")


class Terminal:
    """Standard error that is a terminal."""

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        """Nothing to do."""


def test_progress_is_a_line_now_and_then_without_rich(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setitem(__import__("sys").modules, "rich.console", None)
    with _Progress(quiet=False) as progress:
        for done in range(4):
            progress.tell(done, 3)
    lines = terminal.text.splitlines()
    assert lines[0] == "indexing: 0 of 3 files"
    assert lines[-1] == "indexing: 3 of 3 files"


def test_progress_is_a_bar_with_rich(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with _Progress(quiet=False) as progress:
        progress.tell(1, 3)
    assert "indexing" in terminal.text


def test_progress_is_silent_when_asked(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with _Progress(quiet=True) as progress:
        progress.tell(3, 3)
    assert terminal.text == ""


@pytest.mark.parametrize("form", ["git", "folder"])
def test_names_that_are_no_utf8_are_indexed_beside_the_others(tmp_path, git_tree, capsys, form):
    other = git_tree(FILES)
    assert main(["index", str(other.repository), "--jobs", "1"]) == 0
    odd = os.fsdecode(b"drivers/z\xff.c")
    files = {**FILES, odd: b"void odd_put(void)\n{\n\tkfree(0);\n}\n"}
    place = tmp_path / os.fsdecode(b"t\xfe")
    if form == "folder":
        folder_tree(place, files)
    else:
        Path(str(git_tree(files).repository)).rename(place)
    assert main(["index", str(place), "--jobs", "1"]) == 0
    assert main(["index", "--status"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"{other.commit}  20" in out
    assert out.count(" files  ") == 2
    assert main(["graph", "odd_put", "--tree", str(place), "--down"]) == 0
    assert "kfree" in capsys.readouterr().out


def test_a_name_that_is_no_utf8_is_in_no_tree(git_tree, capsys):
    tree = git_tree(FILES)
    path = str(tree.repository)
    for _ in range(2):
        assert main(["graph", os.fsdecode(b"\xff"), "--tree", path]) == 2
        assert "not in" in capsys.readouterr().err
        assert main(["index", path, "--jobs", "1"]) == 0
        capsys.readouterr()
