"""Inputs that are no patches: what is said helps."""

from __future__ import annotations

import sqlite3

import pytest

from patchlint.cli.hints import hint
from patchlint.cli.main import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name in ("MAINTAINERS", "Kbuild", "fs/namespace.c", "fs/mount.h"):
        path = tmp_path / "linux" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("/* text */\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("linux/fs/namespace.c", "that is a source file, and patchlint checks changes: git format"),
        ("linux/fs/mount.h", "patchlint facts linux/fs/mount.h tells of the file"),
        ("linux/fs", "that is a folder of source"),
        ("linux", "patchlint check --tree linux A..B"),
        ("v6.12..topic", "a range is looked up in a tree"),
        ("topic^!", "a range is looked up in a tree"),
        ("@{upstream}", "a range is looked up in a tree"),
        ("mount-put-deferred", "that is a rule: patchlint explain mount-put-deferred"),
        ("9e8f3d69cc5a2305", "patchlint config accept 9e8f3d69cc5a2305 --reason TEXT"),
        ("*.mbox", "the shell found no file for '*.mbox'"),
    ],
)
@pytest.mark.usefixtures("place")
def test_a_mistake_gets_an_answer(capsys, name, said):
    assert main(["check", "--no-tree", name]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.startswith(f"patchlint: {name}: ")
    assert out.endswith("nothing was checked; 1 input not checked\n")


def test_a_database_and_a_report_are_known(place):
    with sqlite3.connect(place / "x.db") as db:
        db.execute("CREATE TABLE x (y)")
    db.close()
    (place / "report.json").write_text('{"schema": "patchlint/1"}')
    assert "patchlint findings x.db" in hint("x.db", None)
    assert "a report is what patchlint check prints" in hint("report.json", None)


def test_a_bundle_is_fetched_first(place):
    (place / "x.bundle").write_bytes(b"# v2 git bundle\n" + b"1" * 40 + b" HEAD\n\nPACK")
    assert "git fetch x.bundle BRANCH" in hint("x.bundle", None)


def test_where_nothing_helps_nothing_is_said(place):
    (place / "words.txt").write_text("hello\n")
    assert hint("words.txt", None) is None
    assert hint("gone.mbox", None) is None
    assert hint("a\0b", None) is None


@pytest.mark.usefixtures("place")
def test_formats_for_programs_get_no_hint(capsys):
    assert main(["check", "--no-tree", "--format", "terse", "linux"]) == 2
    assert "kernel tree" not in capsys.readouterr().err


@pytest.mark.usefixtures("place")
def test_a_file_in_the_place_of_a_command(capsys):
    for name in ("linux", "A..B", "-"):
        assert main([name]) == 2
        assert f"did you mean 'patchlint check {name}'?" in capsys.readouterr().err


def test_explain_takes_a_part_of_a_rule(capsys):
    assert main(["explain", "mount-put"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("# A mount reference is dropped outside")
    assert err == "patchlint: mount-put: mount-put-deferred\n"


def test_explain_lists_the_rules_that_a_part_may_mean(capsys):
    assert main(["explain", "put-deferred"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "  mount-put-deferred " in err
    assert "  file-put-deferred " in err


@pytest.mark.parametrize("name", ["qnkeys", "->qnkeys"])
def test_explain_knows_counters_against_a_limit(capsys, name):
    assert main(["explain", "--", name]) == 0
    out = capsys.readouterr().out
    assert out.startswith("->qnkeys\n")
    assert "a counter against a limit" in out


def test_explain_of_nothing_known_still_guesses(capsys):
    assert main(["explain", "mntputt"]) == 2
    assert "did you mean 'mntput'?" in capsys.readouterr().err
