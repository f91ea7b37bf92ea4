from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from patchlint.mail import git_range
from patchlint.mail.inputs import read_inputs
from patchlint.mail.message import decode
from patchlint.mail.series import group
from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four commits, and a merge of a side branch."""
    git(tmp_path, "init", "-q", "-b", "main")
    for number, text in enumerate(("a\n", "a\nb\n", "a\nFrom here\n"), 1):
        (tmp_path / "f.c").write_text(text)
        git(tmp_path, "add", "f.c")
        message = f"demo: commit {number}\n\nFrom ada@example.org Mon Jan  1 10:00:00 2024\n"
        git(tmp_path, "commit", "-q", "-m", message)
        git(tmp_path, "tag", f"c{number}")
    git(tmp_path, "checkout", "-q", "-b", "side", "c1")
    (tmp_path / "g.c").write_text("g\n")
    git(tmp_path, "add", "g.c")
    git(tmp_path, "commit", "-q", "-m", "demo: side")
    git(tmp_path, "checkout", "-q", "main")
    git(tmp_path, "merge", "-q", "--no-ff", "-m", "demo: merge", "side")
    return tmp_path


def read(name: str, tree: Path) -> list[RawMail | InputError]:
    return list(read_inputs([name], tree=tree))


def test_range_is_one_series_in_order(tree: Path) -> None:
    mails = [decode(one) for one in read("c1..c3", tree) if isinstance(one, RawMail)]
    (series,) = group(mails)
    assert [patch.subject for patch in series.patches] == [
        "[PATCH 1/2] demo: commit 2",
        "[PATCH 2/2] demo: commit 3",
    ]
    assert [patch.commit for patch in series.patches] == [
        git(tree, "rev-parse", "c2"),
        git(tree, "rev-parse", "c3"),
    ]
    assert all(patch.message_id is None for patch in series.patches)
    assert "From ada@example.org Mon Jan" in series.patches[0].message


SAID = "only the newest commit of the branch topic is checked: A..topic is a range of it"


@pytest.mark.parametrize("name", ["topic", "heads/topic", "refs/heads/topic"])
def test_of_a_branch_it_is_said_that_the_newest_commit_alone_is_checked(
    tree: Path, name: str
) -> None:
    git(tree, "checkout", "-q", "-b", "topic", "c1")
    for number in (1, 2):
        (tree / "h.c").write_text(f"h{number}\n")
        git(tree, "add", "h.c")
        git(tree, "commit", "-q", "-m", f"demo: topic {number}")
        (one,) = read(name, tree)
        assert isinstance(one, RawMail)
        assert one.commit == git(tree, "rev-parse", "topic")
        assert one.amiss == ((SAID.replace("topic", name),) if number > 1 else ())
    for other in ("HEAD", "@", "topic^0", "topic~1", git(tree, "rev-parse", "topic"), "c2"):
        (one,) = read(other, tree)
        assert isinstance(one, RawMail)
        assert not one.amiss
    # what another branch has is no work of this one
    git(tree, "branch", "-q", "copy", "topic")
    (one,) = read(name, tree)
    assert isinstance(one, RawMail)
    assert not one.amiss


def test_one_commit_and_the_root(tree: Path) -> None:
    for name in ("c2", "c1"):
        (one,) = read(name, tree)
        assert isinstance(one, RawMail)
        assert one.commit == git(tree, "rev-parse", name)


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("c2^!", ["commit 2"]),
        ("c1^!", ["commit 1"]),
        ("c3^@", ["commit 2"]),
        ("main^@", ["commit 3", "side"]),
        ("c3^-", ["commit 3"]),
        ("main^-", ["side"]),
        ("main^-2", ["commit 2", "commit 3"]),
        ("@{u}..", ["commit 2"]),
        ("..c2", []),
        ("c2@{0}..c3", ["commit 3"]),
        (":/commit 2", ["commit 2"]),
        ("v..tag", ["commit 3"]),
    ],
)
def test_names_are_what_they_are_to_git(tree: Path, name: str, subjects: list[str]) -> None:
    if name == "@{u}..":
        git(tree, "checkout", "-q", "-b", "topic", "c2")
        git(tree, "branch", "-q", "old", "c1")
        git(tree, "branch", "-q", "--set-upstream-to=old")
    if name == "v..tag":
        git(tree, "tag", "-a", "-m", "tag", "tag", "c3")
        git(tree, "tag", "-a", "-m", "v", "v", "c2")
    if name.startswith("c2@"):
        git(tree, "branch", "--create-reflog", "c2", "refs/tags/c2")
        git(tree, "tag", "-d", "c2")
    mails = [decode(one) for one in read(name, tree) if isinstance(one, RawMail)]
    assert [one.subject.partition("demo: ")[2] for one in mails] == subjects


def test_the_sides_of_three_dots_are_a_series_each(tree: Path) -> None:
    mails = [decode(one) for one in read("c3...side", tree) if isinstance(one, RawMail)]
    assert [[patch.subject for patch in series.patches] for series in group(mails)] == [
        ["[PATCH 1/2] demo: commit 2", "[PATCH 2/2] demo: commit 3"],
        ["[PATCH 1/1] demo: side"],
    ]
    assert all(isinstance(one, RawMail) for one in read("c1...c3", tree))


def test_a_branch_whose_name_has_an_at_is_no_message_id(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def fetch(name: str) -> InputError:
        fetched.append(name)
        return InputError(name, "fetched")

    monkeypatch.setattr("patchlint.mail.lore.fetch", fetch)
    git(tree, "branch", "ada@lamp", "c3")
    for name in ("c1..ada@lamp", "ada@lamp"):
        assert all(isinstance(one, RawMail) for one in read(name, tree))
    assert not fetched
    for name in ("<ada@lamp>", "c1..bob@lamp", "bob@lamp"):
        assert not isinstance(read(name, tree)[0], RawMail)
    assert fetched == ["<ada@lamp>", "c1..bob@lamp", "bob@lamp"]


def test_a_commit_that_is_not_there_is_said(tree: Path) -> None:
    commit = git(tree, "rev-parse", "c3")
    (tree / ".git" / "objects" / commit[:2] / commit[2:]).unlink()
    (error,) = read("c3", tree)
    assert isinstance(error, InputError)
    assert error.message.startswith("the commits cannot be read: fatal: ")


def test_what_git_says_of_a_name_is_told(tree: Path) -> None:
    (error,) = read("@{u}..", tree)
    assert isinstance(error, InputError)
    assert "no upstream configured for branch 'main'" in error.message


def test_a_merge_among_several_commits_is_no_silence(tree: Path) -> None:
    git(tree, "commit", "-q", "--allow-empty", "-m", "demo: last")
    (error,) = read("main^@", tree)
    assert isinstance(error, InputError)
    merge = git(tree, "rev-parse", "main~1")[:12]
    assert error.message == f"a merge has no patch of its own; {merge}^- has what it brought"
    assert isinstance(read(f"{merge}^-", tree)[0], RawMail)


def test_settings_of_the_repository_change_nothing(tree: Path) -> None:
    before = read("c1..c3", tree)
    for key, value in (
        ("format.attach", "x"),
        ("diff.noprefix", "true"),
        ("format.coverLetter", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("format.subjectPrefix", "OTHER"),
        ("color.ui", "always"),
        ("diff.context", "0"),
    ):
        git(tree, "config", key, value)
    assert read("c1..c3", tree) == before


@pytest.mark.parametrize(
    "name",
    ["main", "c3..c3", "nothing", "c1..nothing", "--output=x", "-1", "--all", "^c1", "c1^{tree}"],
)
def test_nothing_to_read_is_an_error(name: str, tree: Path) -> None:
    (error,) = read(name, tree)
    assert isinstance(error, InputError)
    assert error.input == name
    assert not (tree / "x").exists()


def test_folder_without_git(tmp_path: Path) -> None:
    (error,) = read("a..b", tmp_path)
    assert isinstance(error, InputError)
    assert "no git repository" in error.message


def test_range_of_a_folder_inside_of_a_repository_is_that_of_the_folder(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    inner = tmp_path / "third" / "linux"
    (inner / "fs").mkdir(parents=True)
    for number, place in enumerate((inner / "fs" / "a.c", tmp_path / "README", inner / "fs/a.c")):
        place.write_text(f"{number}\n")
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "-q", "-m", f"demo: {number}")
    found = [decode(one) for one in read_inputs(["HEAD~2.."], tree=inner) if type(one) is RawMail]
    assert [one.subject for one in found] == ["[PATCH 1/1] demo: 2"]
    assert "--- a/fs/a.c" in found[0].body
    (error,) = read_inputs(["HEAD~2..HEAD~1"], tree=inner)
    assert isinstance(error, InputError)
    assert error.message == "no commit in this range that changes third/linux/"


def test_empty_range_says_so(tree: Path) -> None:
    (error,) = read_inputs(["HEAD..HEAD"], tree=tree)
    assert isinstance(error, InputError)
    assert error.message == "no commit in this range"


def test_range_of_a_merge_alone_says_so(tree: Path) -> None:
    git(tree, "checkout", "-q", "side")
    git(tree, "merge", "-q", "--no-ff", "-m", "demo: back", "main")
    (error,) = read("main..side", tree)
    assert isinstance(error, InputError)
    assert error.message == ("no commit in this range but merges, which have no patch of their own")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("v1..topic", "topic (v1..topic)"),
        ("v1..", "topic (v1..)"),
        ("v1...topic", "topic (v1...topic)"),
        ("v1..v2", "v1..v2"),
        ("v1..topic~1", "v1..topic~1"),
        ("v1..nothing", "v1..nothing"),
        ("topic^-", "topic (topic^-)"),
        ("v2^-1", "v2^-1"),
    ],
)
def test_a_range_is_called_by_its_branch(tmp_path, name, title):
    def git(*argv):
        subprocess.run(["git", "-C", tmp_path, *argv], check=True, capture_output=True)

    git("init", "-q", "-b", "topic")
    for number in (1, 2):
        who = ("-c", "user.name=A", "-c", "user.email=a@x")
        git(*who, "commit", "-q", "--allow-empty", "-m", f"lamp: {number}")
        git("tag", f"v{number}")
    assert git_range.title(name, tmp_path) == title
    assert git_range.title(name, "/") == name


def test_where_a_shallow_clone_begins_is_no_patch(tree: Path, tmp_path: Path) -> None:
    clone = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=2", "-b", "c3", f"file://{tree}", str(clone))
    (whole,) = read("HEAD", clone)
    assert isinstance(whole, RawMail)
    (cut,) = read("HEAD~1", clone)
    assert isinstance(cut, InputError)
    assert "shallow" in cut.message
    git(clone, "worktree", "add", "-q", "--detach", str(tmp_path / "beside"), "HEAD~1")
    assert isinstance(read("HEAD", tmp_path / "beside")[0], InputError)
    # elsewhere a first commit is all new, and is read
    assert isinstance(read("c1", tree)[0], RawMail)
