"""A configuration that git cannot read ends a check in one line, never in a pass."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from patchlint.cli.main import main
from patchlint.outside.git import may_be_broken

FIXTURES = Path(__file__).parents[2] / "fixtures" / "examples"

#: what git reads, though only some of it is plain
SOUND = [
    "",
    "[core]\n\tbare = false\n\teditor = vim\n# comment\n; another\n",
    '[remote "origin"]\n\turl = https://example.org/a.git\n\tfetch = +refs/heads/*:refs/*\n',
    '[alias]\n\tlg = "!git log --format=\\"%h %s\\" # no comment" ; but this\n',
    '[includeIf "gitdir:~/x y/"]\r\n\tpath = a\r\n',
    "[patchlint]\n\tfail-on\n",
    "bare = false\n",
    "[branch.main]\n\tremote = origin\n",
]
#: what git reads and a look does not tell
ODD = [
    "[core] bare = false\n",
    "[alias]\n\ta = one \\\n two\n",
    '[branch "a\\"b"]\n\tremote = x\n',
    "[core]\n\ta = x\\",
    "\ufeff[core]\n\tbare = false\n",
]
BROKEN = [
    "[core\n\tbare = false\n",
    "[core]\n\tbare = false\n\t= 1\n",
    "[core]\n\t1st = 2\n",
    "[core]\n\ta b = 2\n",
    '[core]\n\ta = "x\n',
    "[core]\n\ta = x\\y\n",
    '[remote "a]\n\tb = c\n',
    '[remote ""x""]\n\tb = c\n',
    "[co re]\n\tb = c\n",
    "<<<<<<< HEAD\n[core]\n",
]


def _read_by_git(path: Path) -> bool:
    done = subprocess.run(
        ["git", "config", "--file", path, "--list"], check=False, capture_output=True
    )
    return done.returncode == 0


@pytest.mark.parametrize("text", [*SOUND, *ODD, *BROKEN])
def test_what_is_called_sound_git_reads(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(text.encode())
    assert _read_by_git(path) is (text not in BROKEN)
    assert may_be_broken(text.encode()) is (text not in SOUND)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small kernel, and a patch that no filter of words lets a tree be read for."""
    top = tmp_path / "linux"
    for name in ("MAINTAINERS", "Makefile", "kernel/a.c", "include/a.h", "fs/a.c", "drivers/a.c"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("int a;\n")
    git = ("git", "-C", top, "-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    (top / "fs/a.c").write_text("int b;\n")
    subprocess.run([*git, "commit", "-qam", "fs: two"], check=True, capture_output=True)
    made = subprocess.run([*git, "format-patch", "--stdout", "-1"], check=True, capture_output=True)
    (tmp_path / "clean.patch").write_bytes(made.stdout)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return top


def _break(config: Path) -> int:
    """Add a broken line to a configuration; return its number."""
    text = config.read_text()
    config.write_text(f"{text}[patchlint]\n\tfail-on = note\n[oops\n")
    return text.count("\n") + 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--tree", "linux", "clean.patch"],
        ["check", "--tree", "linux", str(FIXTURES / "lazy-detach.mbox")],
        ["check", "--tree", "linux", "HEAD^!"],
        ["graph", "a", "--tree", "linux"],
        ["scan", "--quiet", "--store", "s.db", "linux"],
    ],
)
def test_a_broken_configuration_of_the_tree_is_said(tree, capsys, arguments):
    line = _break(tree / ".git" / "config")
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    said = [one for one in (out + err).splitlines() if "linux/.git/config" in one]
    assert len(said) == 1
    assert f"git's configuration is broken: bad config line {line} in file " in said[0]
    assert "Traceback" not in err


@pytest.mark.parametrize("below", ["", "fs"])
@pytest.mark.parametrize("more", [[], ["--no-tree"], ["--format", "terse"], ["--format", "json"]])
def test_where_one_stands_nobody_knows_the_settings(tree, capsys, monkeypatch, more, below):
    line = _break(tree / ".git" / "config")
    monkeypatch.chdir(tree / below)
    assert main(["check", *more, str(tree.parent / "clean.patch")]) == 2
    assert f"bad config line {line} in file " in capsys.readouterr().err


def test_a_work_tree_beside_its_repository(tree, capsys, monkeypatch):
    subprocess.run(["git", "-C", tree, "worktree", "add", "-q", "../beside"], check=True)
    assert main(["check", "--tree", "beside", "clean.patch"]) == 0
    _break(tree / ".git" / "config")
    assert main(["check", "--tree", "beside", "clean.patch"]) == 2
    monkeypatch.chdir(tree.parent / "beside")
    assert main(["check", "HEAD"]) == 2
    assert capsys.readouterr().err.count("configuration is broken") == 2


def test_a_broken_configuration_of_the_user(tree, capsys):
    (tree.parent / "home").mkdir()
    (tree.parent / "home" / ".gitconfig").write_text("[patchlint]\n\tfail-on = never\n[oops\n")
    for asked in (["clean.patch"], ["--tree", "linux", "HEAD"]):
        assert main(["check", *asked]) == 2
        assert "bad config line 3 in file" in capsys.readouterr().err


def test_a_value_that_git_cannot_read(tree, capsys):
    with (tree / ".git" / "config").open("a") as file:
        file.write("[core]\n\tbare = perhaps\n")
    assert main(["check", "--tree", "linux", "HEAD"]) == 2
    assert "bad boolean config value 'perhaps' for 'core.bare'" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["gone", "home", "linux@gone"])
def test_a_tree_that_is_none_is_refused_though_no_patch_needs_it(tree, capsys, name):
    (tree.parent / "home").mkdir()
    assert main(["check", "--tree", name, "clean.patch"]) == 2
    assert capsys.readouterr().err.startswith(f"patchlint: {name.partition('@')[0]}: no ")
    assert main(["check", "--tree", "linux", "--tree", name, "clean.patch"]) == 2
    assert main(["check", "--tree", "linux@HEAD~1", "clean.patch"]) == 0
