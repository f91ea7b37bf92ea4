"""A merge that git makes again loses nothing; what another one changes is said."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from patchlint.cli.main import main
from patchlint.mail import merges
from patchlint.mail.inputs import read_inputs
from patchlint.mail.message import decode
from patchlint.model.mail import RawMail
from patchlint.outside import programs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("alone")

TEXT = "".join(f"int line_{number};\n" for number in range(40))


def git(folder: Path, *arguments: str, status: int = 0) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    return done.stdout.strip()


def commit(folder: Path, title: str, **files: str) -> None:
    for name, text in files.items():
        place = folder / name.replace("__", "/").replace("_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", title)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A topic and a main branch that changed one file at both ends, on the topic."""
    folder = tmp_path / 'a "tree": 1'
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "demo: start", fs__a_c=TEXT, fs__b_c=TEXT, notes_txt="a\n")
    git(folder, "tag", "v1")
    git(folder, "checkout", "-q", "-b", "topic")
    commit(folder, "demo: topic", fs__a_c=TEXT.replace("int line_0;", "int topic;"))
    git(folder, "checkout", "-q", "main")
    commit(folder, "demo: main", fs__a_c=TEXT.replace("int line_39;", "int other;"))
    git(folder, "checkout", "-q", "topic")
    return folder


def said(tree: Path, name: str = "v1..topic") -> tuple[str, ...]:
    """What is absent of a range; told once, with its first mail."""
    first, *rest = [decode(one) for one in read_inputs([name], tree=tree) if type(one) is RawMail]
    assert not any(one.absent for one in rest)
    return first.absent


def merge(tree: Path, *options: str) -> None:
    git(tree, "merge", "-q", "--no-ff", "-m", "Merge of main", *options, "main")


def objects(tree: Path) -> list[str]:
    return sorted(str(one) for one in (tree / ".git").rglob("*"))


def test_a_clean_merge_loses_nothing(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    merge(tree)
    before = objects(tree)
    assert said(tree) == ()
    assert said(tree, "main..topic") == ()
    assert objects(tree) == before
    tops = ("MAINTAINERS", "Makefile", "kernel", "include", "drivers")
    commit(tree, "demo: kernel", **{f"{name}__x": "x\n" for name in tops})
    assert main(["check", "--strict", "--tree", str(tree), "main..topic"]) == 0
    assert "no findings in" in capsys.readouterr().out


def test_renames_on_one_side_are_merged(tree: Path) -> None:
    git(tree, "mv", "fs/a.c", "fs/renamed.c")
    commit(tree, "demo: rename")
    merge(tree)
    assert said(tree) == ()


def test_what_was_slipped_into_a_merge_is_said(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merge(tree, "--no-commit")
    for name in ("a", "b"):
        (tree / f"fs/{name}.c").write_text((tree / f"fs/{name}.c").read_text() + "int slipped;\n")
    commit(tree, "Merge of main")
    name = git(tree, "rev-parse", "--short=12", "HEAD")
    (one,) = said(tree)
    assert one == (
        f'merge {name} ("Merge of main") changes fs/a.c, fs/b.c by itself: that is not seen'
    )
    assert main(["check", "--strict", "--tree", str(tree), "v1..topic"]) == 2
    assert one in capsys.readouterr().err
    assert main(["check", "--tree", str(tree), "v1..topic"]) == 0


def test_a_solved_conflict_is_said(tree: Path) -> None:
    commit(tree, "demo: clash", fs__a_c=TEXT.replace("int line_39;", "int mine;"))
    git(tree, "merge", "-q", "main", status=1)
    commit(tree, "Merge of main", fs__a_c=TEXT.replace("int line_39;", "int both;"))
    (one,) = said(tree)
    assert "changes fs/a.c by itself" in one


@pytest.mark.parametrize("options", [["-s", "ours"], ["-X", "ours"]])
def test_a_side_that_was_thrown_away_is_said(tree: Path, options: list[str]) -> None:
    commit(tree, "demo: clash", fs__a_c=TEXT.replace("int line_39;", "int mine;"))
    merge(tree, *options)
    (one,) = said(tree)
    assert "changes fs/a.c by itself" in one


def test_a_file_that_one_side_deleted_and_the_other_changed_is_said(tree: Path) -> None:
    git(tree, "rm", "-q", "fs/a.c")
    commit(tree, "demo: away")
    git(tree, "merge", "-q", "main", status=1)
    git(tree, "add", "fs/a.c")
    commit(tree, "Merge of main")
    (one,) = said(tree)
    assert "changes fs/a.c by itself" in one


def test_of_what_is_no_c_nothing_is_said(tree: Path) -> None:
    commit(tree, "demo: notes", notes_txt="mine\n")
    git(tree, "checkout", "-q", "main")
    commit(tree, "demo: notes", notes_txt="theirs\n")
    git(tree, "checkout", "-q", "topic")
    git(tree, "merge", "-q", "main", status=1)
    commit(tree, "Merge of main", notes_txt="both\n")
    assert said(tree) == ()


@pytest.mark.parametrize("where", [".gitattributes", ".git/info/attributes"])
@pytest.mark.parametrize("how", ["merge=union", "binary", "-merge", "merge=mine"])
def test_attributes_hide_nothing(tree: Path, where: str, how: str) -> None:
    commit(tree, "demo: clash", fs__a_c=TEXT.replace("int line_39;", "int mine;"))
    merge(tree, "-s", "ours")
    commit(tree, "demo: attributes", x_c="int x;\n")
    (tree / where).parent.mkdir(exist_ok=True)
    (tree / where).write_text(f"*.c {how}\n")
    git(tree, "add", "-A")
    git(tree, "config", "merge.mine.driver", "true")
    git(tree, "config", "merge.default", "binary")
    (one,) = said(tree)
    assert "is not seen" in one


def test_of_a_merge_of_three_nothing_is_known(tree: Path) -> None:
    git(tree, "checkout", "-q", "-b", "third", "v1")
    commit(tree, "demo: third", fs__c_c="int c;\n")
    git(tree, "checkout", "-q", "topic")
    git(tree, "merge", "-q", "--no-ff", "-m", "Merge of two", "main", "third")
    (one,) = said(tree)
    assert '("Merge of two") has more than two sides' in one


def test_many_merges_are_counted(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        git(tree, "checkout", "-q", "main")
        commit(tree, f"demo: {number}", **{f"fs__n{number}_c": "int n;\n"})
        git(tree, "checkout", "-q", "topic")
        merge(tree, "--no-commit")
        commit(tree, f"Merge {number}", fs__b_c=f"{TEXT}int slipped_{number};\n")
    found = said(tree)
    assert len(found) == 6
    assert found[-1] == "so do 2 more merges"
    monkeypatch.setattr(merges, "MOST_MERGES", 6)
    assert said(tree) == ("the range has 7 merges: what those change by themselves is not seen",)


def test_where_git_cannot_tell_that_is_said(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    merge(tree)
    monkeypatch.setattr(merges, "_LOG", ("log", "--an-option-of-another-git"))
    assert said(tree) == ("the range has a merge: what that changes by itself is not seen",)


def test_merges_that_take_long_are_not_waited_for(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge(tree)
    monkeypatch.setattr(merges, "PATIENCE", 0.2)
    monkeypatch.setattr(merges, "stream_git", lambda *_, **__: programs.stream(["sleep", "60"]))
    began = time.monotonic()
    assert said(tree) == ("the range has a merge: what that changes by itself is not seen",)
    assert time.monotonic() - began < 20


def test_of_a_folder_its_own_files_count(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, "demo: start", linux__fs__a_c=TEXT, other__b_c=TEXT)
    git(tmp_path, "tag", "v1")
    git(tmp_path, "checkout", "-q", "-b", "side")
    commit(tmp_path, "demo: side", linux__fs__b_c="int b;\n")
    git(tmp_path, "checkout", "-q", "main")
    for name in ("other/b.c", "linux/fs/a.c"):
        git(tmp_path, "merge", "-q", "--no-ff", "--no-commit", "side")
        (tmp_path / name).write_text("int slipped;\n")
        commit(tmp_path, "Merge")
        found = said(tmp_path / "linux", "v1..main")
        assert [one.partition("changes ")[2] for one in found] == (
            ["fs/a.c by itself: that is not seen"] if "linux" in name else []
        )
        git(tmp_path, "reset", "-q", "--hard", "v1")


def test_of_a_work_tree_beside_its_repository(tree: Path) -> None:
    merge(tree)
    git(tree, "gc", "-q")
    git(tree, "worktree", "add", "-q", "--detach", "../beside", "topic")
    assert said(tree.parent / "beside", "v1..HEAD") == ()
