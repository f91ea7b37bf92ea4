"""What a repository lacks, or a folder does not let one read, is said: it is no missing file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "growth"))

import shapes

from patchlint.analysis.at_hand import CannotCheck
from patchlint.cli.main import main
from patchlint.integrations.desk import Desk, Limits, Refused
from patchlint.patch.tree_search import Wanted
from patchlint.patch.trees import FolderTree, GitTree, open_tree
from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")

LOSER = """static int give_up_0(struct thing *x)
{
\tmntput(x->mnt_0);
\treturn 0;
}
"""
CALLER = "SYSCALL_DEFINE1(let_go, int, fd)\n{\n\treturn drop(fd);\n}\n"


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "linux"
    for path, text in {
        "Makefile": "VERSION = 6\nPATCHLEVEL = 1\n",
        "fs/x.c": LOSER + "int drop(int fd)\n{\n\treturn give_up_0(of(fd));\n}\n",
        "fs/sub/y.c": CALLER,
        "kernel/k.c": "int k;\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    # answers are kept by commit: one of this test's own, whatever others made in this second
    git(folder, "commit", "-q", "-m", str(tmp_path))
    return folder


@pytest.fixture
def mail() -> bytes:
    lines = shapes.moved(0)
    lines.insert(5, " \treturn 0;")
    return shapes.mail(shapes.file("fs/x.c", lines)).encode()


def lose(repository: Path, name: str) -> None:
    blob = git(repository, "rev-parse", f"HEAD:{name}")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def bare(repository: Path) -> Path:
    """A clone that has no file at all."""
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(
        repository.parent,
        "clone",
        "-q",
        "--bare",
        "--filter=blob:none",
        f"file://{repository}",
        "b",
    )
    repository.rename(repository.with_name("gone"))
    return repository.with_name("b")


def test_what_is_there_is_not_lost(repository: Path, mail: bytes) -> None:
    report = check(["-"], Options(tree=str(repository)), mail)
    assert [one.level for one in report.findings] == ["error"]
    assert not [one for one in report.limitations if one.stage == "tree"]
    tree = open_tree(repository)
    assert tree.read("fs/none.c") is None
    assert tree.read("nowhere/none.c") is None
    assert tree.read("fs/x.c/none.c") is None
    assert not tree.lost


@pytest.mark.parametrize("name", ["fs/x.c", "fs", ""])
def test_a_file_of_the_series_that_is_lost_is_named(
    repository: Path, mail: bytes, name: str
) -> None:
    lose(repository, name)
    (said,) = (
        one
        for one in check(["-"], Options(tree=str(repository)), mail).limitations
        if one.stage == "tree" and one.path
    )
    assert said.path == "fs/x.c"
    assert "cannot be read" in said.message


@pytest.mark.parametrize("name", ["fs/sub/y.c", "fs/sub", "Makefile"])
def test_what_is_lost_elsewhere_is_said(repository: Path, mail: bytes, name: str) -> None:
    lose(repository, name)
    report = check(["-"], Options(tree=str(repository)), mail)
    assert report.findings
    said = [one.message for one in report.limitations if one.stage == "tree"]
    assert any("cannot be read" in one for one in said), report.limitations


def test_what_was_seen_before_it_was_lost_is_known(repository: Path, mail: bytes) -> None:
    seen = check(["-"], Options(tree=str(repository)), mail)
    lose(repository, "fs/sub/y.c")
    assert check(["-"], Options(tree=str(repository)), mail).findings == seen.findings


def test_what_is_lost_is_not_kept(repository: Path, mail: bytes) -> None:
    blob = git(repository, "rev-parse", "HEAD:fs/sub/y.c")
    here = repository / ".git" / "objects" / blob[:2] / blob[2:]
    away = here.rename(repository / "away")
    assert [one.level for one in check(["-"], Options(tree=str(repository)), mail).findings] == [
        "warning"
    ]
    away.rename(here)
    report = check(["-"], Options(tree=str(repository)), mail)
    assert [one.level for one in report.findings] == ["error"]


def test_a_clone_without_files(repository: Path, mail: bytes) -> None:
    report = check(["-"], Options(tree=str(bare(repository))), mail)
    assert [one.level for one in report.findings] == ["warning"]
    assert {one.path for one in report.limitations if one.stage == "tree"} >= {"fs/x.c"}


def test_a_clone_without_folders_is_called_that(repository: Path, mail: bytes) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    clone = repository.with_name("b")
    url = f"file://{repository}"
    git(repository.parent, "clone", "-q", "--bare", "--filter=tree:0", url, str(clone))
    with pytest.raises(CannotCheck, match="partial or damaged clone"):
        check(["-"], Options(tree=str(clone)), mail)


HARM = {
    "HEAD": lambda git: (git / "HEAD").write_text("nonsense\n"),
    "newer": lambda git: (git / "config").write_text("[core]\nrepositoryformatversion = 9\n"),
    "commit": lambda git: shutil.rmtree(git / "objects"),
}


@pytest.mark.parametrize("harm", HARM)
def test_files_of_a_damaged_repository_are_read_and_that_is_said(
    repository: Path, mail: bytes, harm: str
) -> None:
    HARM[harm](repository / ".git")
    report = check(["-"], Options(tree=str(repository)), mail)
    assert [one.level for one in report.findings] == ["error"]
    said = [one.message for one in report.limitations if one.stage == "tree"]
    assert len(said) == 1
    assert said[0].startswith("git cannot read the tree's repository")


def test_a_repository_whose_configuration_is_broken_is_refused(
    repository: Path, mail: bytes
) -> None:
    (repository / ".git" / "config").write_text("[core]\n[oops\n")
    with pytest.raises(CannotCheck, match=r"bad config line 2 in file .*/.git/config$"):
        check(["-"], Options(tree=str(repository)), mail)


def test_without_git_the_files_are_read_and_that_is_said(
    repository: Path, mail: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository / "nothing"))
    report = check(["-"], Options(tree=str(repository)), mail)
    (said,) = [one.message for one in report.limitations if one.stage == "tree"]
    assert said.startswith("git cannot read the tree's repository")
    assert "git is not installed" in said


def test_a_new_repository_is_not_called_damaged(repository: Path, mail: bytes) -> None:
    shutil.rmtree(repository / ".git")
    git(repository, "init", "-q")
    report = check(["-"], Options(tree=str(repository)), mail)
    assert [one.level for one in report.findings] == ["error"]
    assert not [one for one in report.limitations if one.stage == "tree"]


def test_a_search_of_a_commit_tells_what_it_could_not_read(repository: Path) -> None:
    lose(repository, "kernel/k.c")
    git(repository, "config", "core.bare", "true")
    tree = GitTree((repository / ".git").rename(repository / "bare.git"))
    assert [path for path, _ in tree.files_with(Wanted(words=("drop", "k")))] == [
        "fs/sub/y.c",
        "fs/x.c",
    ]
    assert tree.lost == ("kernel/k.c",)


def test_a_search_of_a_clone_without_files(repository: Path) -> None:
    tree = GitTree(bare(repository))
    assert not [*tree.files_with(Wanted(words=("k",)))]
    assert tree.lost


def test_a_folder_with_a_file_that_cannot_be_read(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = FolderTree(repository)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    assert tree.read("fs/none.c") is None
    assert not tree.lost
    monkeypatch.setattr("builtins.open", refuse)
    assert tree.read("fs/x.c") is None
    assert tree.lost == ("fs/x.c",)


@pytest.mark.parametrize("linked", [False, True])
def test_files_that_a_sparse_checkout_keeps_out_are_searched_in_the_commit(
    repository: Path, mail: bytes, tmp_path: Path, *, linked: bool
) -> None:
    (repository / "fs/x.c").write_text(LOSER + "int drop(int fd)\n{\n\treturn give_up_0(fd);\n}\n")
    (repository / "net").mkdir()
    (repository / "net/y.c").write_text(CALLER)
    (repository / "fs/sub/y.c").unlink()
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", f"sparse {tmp_path}")
    place = repository
    if linked:
        place = repository.with_name("linked")
        git(repository, "worktree", "add", "-q", "--detach", str(place))
    git(place, "sparse-checkout", "set", "fs")
    assert not (place / "net").exists()
    report = check(["-"], Options(tree=str(place)), mail)
    assert [one.level for one in report.findings] == ["error"]
    assert not [one for one in report.limitations if one.stage == "tree"]
    git(place, "sparse-checkout", "disable")
    assert not GitTree(place)._is_sparse()


def test_what_a_sparse_and_partial_clone_lacks_is_said(repository: Path, mail: bytes) -> None:
    git(repository, "sparse-checkout", "set", "--no-cone", "/fs/x.c", "/Makefile")
    lose(repository, "fs/sub/y.c")
    report = check(["-"], Options(tree=str(repository)), mail)
    said = [one.message for one in report.limitations if one.stage == "tree"]
    assert said == ["not all of the tree is seen: fs/sub/y.c cannot be read"]


SAID = "not all of the tree is seen: {} cannot be read"


@pytest.fixture
def lacking(repository: Path) -> Path:
    """A bare repository that lacks the file of the only caller."""
    lose(repository, "fs/sub/y.c")
    return bared(repository)


def bared(repository: Path) -> Path:
    git(repository, "config", "core.bare", "true")
    return (repository / ".git").rename(repository.with_name("bare.git"))


@pytest.mark.parametrize("way", ["--up", "--callers"])
def test_callers_say_what_of_the_tree_they_could_not_see(
    lacking: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    assert main(["graph", "drop", "--tree", str(lacking), way, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["limitations"] == [SAID.format("fs/sub/y.c")]
    assert not told.get("complete")
    assert err == f"patchlint: {SAID.format('fs/sub/y.c')}\n"


def test_a_whole_tree_has_no_limitations(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", "drop", "--tree", str(repository), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["limitations"] == []
    assert told["complete"]
    assert not err


def test_a_function_is_not_called_missing_where_its_file_may_be(
    lacking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for asked in (["nowhere"], ["let_go", "--path", "fs/sub/y.c"]):
        assert main(["graph", *asked, "--tree", str(lacking)]) == 2
        assert SAID.format("fs/sub/y.c") in capsys.readouterr().err


def test_proposals_say_what_of_the_tree_they_could_not_see(
    lacking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["facts", "--derive", "--tree", str(lacking)]) == 0
    assert capsys.readouterr().err == f"patchlint: {SAID.format('fs/sub/y.c')}\n"


def test_questions_of_programs_are_told_what_was_not_seen(lacking: Path) -> None:
    desk = Desk(str(lacking), Limits())
    assert desk.graph("drop", "", "--callers")["limitations"] == [SAID.format("fs/sub/y.c")]
    with pytest.raises(Refused, match="not all of the tree is seen"):
        desk.graph("nowhere", "", "--up")
