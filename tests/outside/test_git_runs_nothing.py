"""Whatever a repository configures, reading it runs nothing and reaches nowhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from patchlint.archive import sources
from patchlint.cli.main import main
from patchlint.mail.inputs import read_inputs
from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError
from patchlint.outside import programs
from patchlint.patch.tree_search import GitSearch, Wanted
from patchlint.patch.trees import TreeError, open_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("alone")


def git(folder: Path, *arguments: str, data: bytes = b"") -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, input=data
    )
    return done.stdout.decode().strip()


class Trap:
    """A program that a repository names, and whether anything has run it."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "ran"
        self.program = folder / "trap.sh"
        self.program.write_text(f"#!/bin/sh\necho ran >> {self.mark}\nexec cat\n")
        self.program.chmod(0o755)

    @property
    def sprung(self) -> bool:
        return self.mark.exists()


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    (tmp_path / "trap").mkdir()
    return Trap(tmp_path / "trap")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for number in (1, 2):
        (folder / "a.c").write_text(f"int one_{number};\n")
        (folder / "b.c").write_text("int other;\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", f"demo: commit {number}")
    return folder


def lose(repository: Path, name: str) -> str:
    """Take an object out of a repository."""
    blob = git(repository, "rev-parse", name)
    objects = next(one for one in (repository / ".git", repository) if (one / "objects").is_dir())
    (objects / "objects" / blob[:2] / blob[2:]).unlink()
    return blob


def promise(repository: Path, trap: Trap) -> None:
    """Make a partial clone of it, from a remote whose other end is the trap."""
    for key, value in {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": str(repository / "nowhere"),
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": str(trap.program),
        "protocol.file.allow": "always",
        "protocol.allow": "always",
    }.items():
        git(repository, "config", key, value)


def epoch_of(folder: Path, *mails: bytes) -> Path:
    """A public-inbox epoch with these mails, and its last one taken back."""
    folder.mkdir()
    git(folder, "init", "-q", "--bare")
    parent: list[str] = []
    for name, mail in [*(("m", mail) for mail in mails), ("d", mails[-1])]:
        blob = git(folder, "hash-object", "-w", "--stdin", data=mail)
        made = git(folder, "mktree", data=f"100644 blob {blob}\t{name}\n".encode())
        parent = ["-p", git(folder, "commit-tree", made, *parent, "-m", "x")]
    git(folder, "update-ref", "HEAD", parent[1])
    return folder


@pytest.fixture
def epoch(tmp_path: Path) -> Path:
    texts = (
        b"From: a@b.org\nSubject: mail %d\nMessage-ID: <%d@b>\n\nhi\n" % (n, n) for n in range(3)
    )
    return epoch_of(tmp_path / "0.git", *texts)


def test_a_range_with_a_missing_file_fetches_nothing(tree: Path, trap: Trap) -> None:
    lose(tree, "HEAD:a.c")
    promise(tree, trap)
    (found,) = read_inputs(["HEAD~1..HEAD"], tree=tree)
    assert isinstance(found, InputError)
    assert "cannot be read" in found.message
    assert not trap.sprung


@pytest.mark.parametrize("where", [".gitattributes", ".git/info/attributes"])
def test_merges_of_a_range_run_no_driver(tree: Path, trap: Trap, where: str) -> None:
    git(tree, "checkout", "-q", "-b", "side", "HEAD~1")
    (tree / "a.c").write_text("int one_3;\n")
    git(tree, "commit", "-q", "-a", "-m", "demo: side")
    git(tree, "merge", "-q", "-s", "ours", "-m", "demo: merge", "main")
    (tree / where).parent.mkdir(exist_ok=True)
    (tree / where).write_text("*.c merge=trap filter=trap\n")
    for key, value in {
        "merge.trap.driver": f"{trap.program} %A",
        "merge.default": "trap",
        "merge.renormalize": "true",
        "filter.trap.clean": str(trap.program),
        "filter.trap.smudge": str(trap.program),
    }.items():
        git(tree, "config", key, value)
    found = [one for one in read_inputs(["main~1..side"], tree=tree) if isinstance(one, RawMail)]
    assert "is not seen" in found[0].amiss[0]
    assert not trap.sprung


def test_a_tree_with_a_missing_file_fetches_nothing(tree: Path, trap: Trap) -> None:
    lose(tree, "HEAD:a.c")
    promise(tree, trap)
    opened = open_tree(tree)
    assert opened.read("a.c") is None
    assert opened.read("b.c") == b"int other;\n"
    assert not trap.sprung


def test_a_mail_that_an_epoch_lacks_is_an_error(epoch: Path, trap: Trap) -> None:
    lose(epoch, "HEAD~2:m")
    promise(epoch, trap)
    first, lacking, last = read_inputs([str(epoch)])
    assert isinstance(first, RawMail)
    assert isinstance(last, RawMail)
    assert isinstance(lacking, InputError)
    assert "does not have this mail" in lacking.message
    assert not trap.sprung


def test_a_mail_that_was_taken_back_is_none(epoch: Path) -> None:
    assert [type(one) for one in read_inputs([str(epoch)])] == [RawMail] * 3


def test_a_scan_tells_of_a_mail_that_an_epoch_lacks(epoch: Path, trap: Trap) -> None:
    lose(epoch, "HEAD~2:m")
    promise(epoch, trap)
    (source,) = sources.find([str(epoch)])
    _, portions = sources.plan(source, {})
    read = [raw for portion in portions for raw in sources.read(portion)]
    told = sorted((raw.absent, raw.deleted) for raw in read)
    assert told == [(False, False), (False, False), (False, True), (True, False)]
    assert not trap.sprung


def test_a_check_of_an_epoch_that_lacks_its_only_mail_is_no_pass(
    tmp_path: Path, trap: Trap, capsys: pytest.CaptureFixture[str]
) -> None:
    epoch = epoch_of(tmp_path / "1.git", b"From: a@b.org\nSubject: [PATCH] x\n\nhi\n")
    git(epoch, "update-ref", "HEAD", git(epoch, "rev-parse", "HEAD~1"))
    lose(epoch, "HEAD:m")
    promise(epoch, trap)
    assert main(["check", "--no-tree", str(epoch)]) == 2
    assert "does not have this mail" in capsys.readouterr().out
    assert not trap.sprung


def make_racy(tree: Path) -> None:
    """Make a file as old as the index: git compares it by content, through its filter."""
    moment = (tree / ".git" / "index").stat().st_mtime_ns
    (tree / "a.c").write_text("int one_2;\n")
    os.utime(tree / "a.c", ns=(moment, moment))
    os.utime(tree / ".git" / "index", ns=(moment, moment))


def test_filters_of_the_work_tree_are_not_run(tree: Path, trap: Trap) -> None:
    (tree / ".gitattributes").write_text("*.c filter=of.trap=x\n")
    git(tree, "add", ".gitattributes")
    git(tree, "commit", "-q", "-m", "demo: attributes")
    for key in ("clean", "smudge", "process"):
        git(tree, "config", f"filter.of.trap=x.{key}", str(trap.program))
    git(tree, "config", "filter.of.trap=x.required", "true")
    make_racy(tree)
    tried = subprocess.run(
        ["git", "diff-index", "--name-only", "HEAD"], cwd=tree, capture_output=True, check=False
    )
    assert tried.returncode in {0, 128}
    trap.mark.unlink(missing_ok=True)
    found = dict(open_tree(tree).files_with(Wanted(words=("one_2",))))
    assert "a.c" in found
    assert not trap.sprung


@pytest.mark.parametrize("where", [".gitattributes", ".git/info/attributes"])
@pytest.mark.parametrize(
    "form",
    [
        '[core][filter "e"]\n\tclean = {}\n',
        '\r[filter "e"]\n\tclean = {}\n',
        '[FILTER "e"]\n\tprocess = {}\n',
        "[filter.e]\n\tclean = {}\n",
        '[core][includeIf "gitdir:**"]\n\tpath = more\n',
        "[extensions]\n\tworktreeConfig = true\n",
    ],
)
def test_filters_are_found_in_whatever_form_git_reads(
    tree: Path, trap: Trap, where: str, form: str
) -> None:
    (tree / where).parent.mkdir(exist_ok=True)
    (tree / where).write_text("*.c filter=e\n")
    one_line = f'[core][filter "e"]\n\tclean = {trap.program}\n'
    for name in ("more", "config.worktree"):
        (tree / ".git" / name).write_text(one_line)
    with (tree / ".git" / "config").open("a", newline="") as config:
        config.write(form.format(trap.program))
    make_racy(tree)
    asked = ["git", "diff-index", "--name-only", "HEAD"]
    subprocess.run(asked, cwd=tree, capture_output=True, check=False)
    assert trap.sprung, "git does not read this"
    trap.mark.unlink()
    make_racy(tree)
    assert "a.c" in dict(open_tree(tree).files_with(Wanted(words=("one_2",))))
    assert not trap.sprung


def test_a_mark_of_utf_8_before_a_configuration_hides_no_filter(tree: Path, trap: Trap) -> None:
    (tree / ".gitattributes").write_text("*.c filter=e\n")
    config = tree / ".git" / "config"
    marked = f'\ufeff[filter "e"]\n\tclean = {trap.program}\n'
    config.write_bytes(marked.encode() + config.read_bytes())
    make_racy(tree)
    assert "a.c" in dict(open_tree(tree).files_with(Wanted(words=("one_2",))))
    assert not trap.sprung


@pytest.mark.parametrize(
    ("key", "end"),
    [
        ("core.fsmonitor", ""),
        ("diff.external", ""),
        ("core.pager", ""),
        ("core.alternateRefsCommand", ""),
        ("gpg.program", ""),
        ("diff.trap.textconv", ""),
        ("diff.trap.command", ""),
        ("core.sshCommand", ""),
        ("core.hooksPath", "/.."),
    ],
)
def test_programs_that_a_repository_names_are_not_run(
    tree: Path, trap: Trap, key: str, end: str
) -> None:
    (tree / ".gitattributes").write_text("*.c diff=trap\n")
    git(tree, "config", key, f"{trap.program}{end}")
    for setting in ("log.showSignature", "format.signOff", "format.attach", "submodule.recurse"):
        git(tree, "config", setting, "true")
    (found,) = read_inputs(["HEAD~1..HEAD"], tree=tree)
    assert isinstance(found, RawMail)
    assert b"+int one_2;" in found.data
    assert b"Signed-off-by" not in found.data
    opened = open_tree(tree)
    assert dict(opened.files_with(Wanted(words=("one_2",))))
    assert not trap.sprung


def test_a_submodule_is_not_looked_into(tree: Path, trap: Trap, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tree, other)
    git(tree, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    git(tree, "commit", "-q", "-m", "demo: submodule")
    git(tree / "sub", "config", "core.fsmonitor", str(trap.program))
    git(tree / "sub", "config", "diff.external", str(trap.program))
    git(tree / "sub", "commit", "-q", "--allow-empty", "-m", "demo: more")
    git(tree, "commit", "-q", "-a", "-m", "demo: submodule moved")
    git(tree, "config", "diff.submodule", "diff")
    trap.mark.unlink(missing_ok=True)
    assert len(list(read_inputs(["HEAD~1..HEAD"], tree=tree))) == 1
    assert dict(open_tree(tree).files_with(Wanted(words=("one_2",))))
    assert not trap.sprung


@pytest.fixture
def of_somebody_else(
    tree: Path, epoch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git as it is when all repositories belong to others."""
    del tree, epoch  # which are made before
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "git"
    wrapper.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("of_somebody_else")
def test_gits_check_of_the_owner_holds(tree: Path, epoch: Path) -> None:
    with pytest.raises(TreeError, match="belongs to somebody else"):
        open_tree(tree)
    for name, where in (("HEAD~1..HEAD", tree), (str(epoch), None)):
        (found,) = read_inputs([name], tree=where)
        assert isinstance(found, InputError)
        assert "belongs to somebody else" in found.message
    (source,) = sources.find([str(epoch)])
    with pytest.raises(sources.SourceError, match="belongs to somebody else"):
        sources.plan(source, {})


def test_git_that_is_missing_is_said(
    tree: Path, epoch: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, where in (("HEAD~1..HEAD", tree), (str(epoch), None)):
        (found,) = read_inputs([name], tree=where)
        assert isinstance(found, InputError)
        assert "not installed" in found.message or "cannot" in found.message


@pytest.mark.parametrize("name", ["--output=x", "--output=x..y", "-1", "--stdin", "-p..HEAD"])
def test_no_name_is_an_option(
    tree: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    before = sorted(tree.iterdir())
    (found,) = read_inputs([name], tree=tree)
    assert isinstance(found, InputError)
    assert "no commit or range" in found.message
    assert sorted(tree.iterdir()) == before
    assert not list((tmp_path / "cwd").iterdir())


def test_a_branch_whose_name_is_an_option_is_a_branch(tree: Path) -> None:
    commit = git(tree, "rev-parse", "HEAD~1")
    (tree / ".git" / "refs" / "heads" / "--output=x").write_text(f"{commit}\n")
    (found,) = read_inputs(["refs/heads/--output=x..HEAD"], tree=tree)
    assert isinstance(found, RawMail)


def test_a_program_error_names_the_program() -> None:
    with pytest.raises(programs.ProgramError, match="no-such-program-here is not installed"):
        programs.output(["no-such-program-here"])


@pytest.mark.parametrize("where", [".gitattributes", ".git/info/attributes"])
@pytest.mark.parametrize("attribute", ["binary", "-diff", "-text -diff", "diff=x"])
def test_attributes_of_a_repository_hide_no_c(tree: Path, where: str, attribute: str) -> None:
    (plain,) = (one for one in read_inputs(["HEAD^..HEAD"], tree=tree) if isinstance(one, RawMail))
    (tree / where).write_text(f"*.c {attribute}\n")
    git(tree, "config", "diff.x.binary", "true")
    (one,) = (one for one in read_inputs(["HEAD^..HEAD"], tree=tree) if isinstance(one, RawMail))
    assert b"-int one_1;\n+int one_2;\n" in plain.data
    assert b"-int one_1;\n+int one_2;\n" in one.data
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "--allow-empty", "-m", "demo: attributes")
    opened = open_tree(tree)
    found = GitSearch(str(tree), opened.name).commit(Wanted(words=("one_2",)), ())
    assert [path for path, _ in found] == ["a.c"]
