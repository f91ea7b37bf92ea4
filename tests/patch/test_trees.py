"""Git repositories of every kind and plain folders read alike."""

from __future__ import annotations

import pickle
import re
import shlex

import pytest
from git_diffs import commit, git, repository
from hypothesis import given
from hypothesis import strategies as st

from patchlint.outside.programs import ProgramError
from patchlint.patch import tree_search
from patchlint.patch.tree_search import Wanted
from patchlint.patch.trees import (
    FolderTree,
    GitTree,
    TreeError,
    blob_id,
    current_kernel_tree,
    enclosing_repository,
    is_kernel_tree,
    open_tree,
)

FILES = {
    "fs/a.c": b"void f(void)\n{\n\tput(x); go(x);\n}\n",
    "fs/b.c": b"void g(void) { input(x); x->go(1); }\n",
    "include/h.h": b"void put(int);\n#define PUT put\n",
    "doc/put.txt": b"put\n",
    "fs/näme.c": b"put\n",
}
C_FILES = ["fs/a.c", "fs/b.c", "fs/näme.c", "include/h.h"]


@pytest.fixture
def folder(tmp_path):
    made = repository(tmp_path / "work")
    commit(made, FILES)
    return made


def make(kind, folder, tmp_path):
    if kind == "work tree":
        return open_tree(folder)
    if kind == "bare":
        git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")
        return open_tree(tmp_path / "bare.git")
    if kind == "no work tree":
        git(tmp_path, "clone", "-q", "--no-checkout", str(folder), "none")
        return open_tree(tmp_path / "none")
    if kind == "linked":
        git(folder, "worktree", "add", "-q", str(tmp_path / "linked"), "HEAD")
        return open_tree(tmp_path / "linked")
    if kind == "inside":
        return open_tree(folder / "fs")
    git(tmp_path, "clone", "-q", str(folder), "plain")
    for path in sorted((tmp_path / "plain" / ".git").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "plain" / ".git").rmdir()
    return open_tree(tmp_path / "plain")


def searched(tree, *words, folder=None, members=(), defined=()):
    found = tree.files_with(Wanted(words, members, defined), folder)
    return sorted({path for path, names in found if names})


@pytest.mark.parametrize("kind", ["work tree", "bare", "no work tree", "linked", "inside", "plain"])
def test_every_kind_of_tree_gives_the_same(kind, folder, tmp_path):
    tree = make(kind, folder, tmp_path)
    assert isinstance(tree, FolderTree if kind == "plain" else GitTree)
    assert tree.read("fs/a.c") == FILES["fs/a.c"]
    assert tree.read("fs/none.c") is None
    assert tree.read("fs") is None
    assert [path for path, _ in tree.list_c()] == C_FILES
    assert dict(tree.list_c())["fs/b.c"] == blob_id(FILES["fs/b.c"])
    assert searched(tree, "put") == ["fs/a.c", "fs/näme.c", "include/h.h"]
    assert searched(tree, "input", "put") == C_FILES
    assert searched(tree, "nothing") == []
    assert searched(tree) == []
    assert searched(tree, "put", "nothing", "none") == ["fs/a.c", "fs/näme.c", "include/h.h"]
    assert searched(tree, defined=("put",)) == ["fs/näme.c", "include/h.h"]
    assert searched(tree, defined=("f", "g")) == ["fs/a.c", "fs/b.c"]
    assert searched(tree, defined=("PUT",)) == ["include/h.h"]
    assert searched(tree, members=("go",)) == ["fs/b.c"]
    assert searched(tree, "PUT", members=("go",)) == ["fs/b.c", "include/h.h"]
    assert searched(tree, folder="fs", defined=("put", "g")) == ["fs/b.c", "fs/näme.c"]
    assert searched(tree, "put", folder="include") == ["include/h.h"]
    assert searched(tree, "put", folder="") == []
    assert searched(tree, "put", folder="none") == []
    for path, blob in tree.list_c():
        assert tree.blob(blob) == (None if kind == "plain" else tree.read(path))


@pytest.mark.parametrize("kind", ["work tree", "plain"])
def test_many_files_are_read_in_their_order(kind, folder, tmp_path):
    tree = make(kind, folder, tmp_path)
    wanted = ["fs/b.c", "fs/none.c", "fs", "a\nb", *C_FILES * 6]
    expected = [(path, FILES[path]) for path in wanted if path in FILES]
    assert list(tree.read_all(wanted)) == expected
    # another question in between costs time and nothing else
    read = tree.read_all(wanted)
    assert [next(read), next(read)] == expected[:2]
    assert tree.read("fs/a.c") == FILES["fs/a.c"]
    assert list(read) == expected[2:]


def test_a_program_that_refuses_leads_to_the_next(tmp_path):
    def command(*lines, end=0):
        printed = "".join(rf"{path}\0{line}\n" for path, line in lines)
        return tree_search.Command(["sh", "-c", f"printf {shlex.quote(printed)}; exit {end}"])

    ways = [
        [tree_search.Command(["no-such-program"])],
        [
            command(("a", "x"), ("b", "y")),
            command(("b", "x"), ("b", "x z"), ("c", "z"), end=2),
            command(("never", "x")),
        ],
        [command(("c", "x"), ("./d", "z()"), ("a", "xy x")), command(end=1)],
        [command(("never", "x"))],
    ]
    wanted = Wanted(("x", "y"), ("z",))
    listing = tree_search.listed(str(tmp_path), ways, wanted)
    assert [(path, sorted(names)) for path, names in listing] == [
        ("a", ["x"]), ("b", ["y"]), ("b", ["x", "z"]), ("c", ["z"]), ("c", ["x"]), ("d", ["z"]),
    ]  # fmt: skip


def test_a_name_counts_when_its_line_does(tmp_path):
    printed = r"a\0\tput(x);\nb\0void put(x)\nb\0int put;\n"
    command = tree_search.Command(["printf", printed], re.compile(rb"\w.*\bput\b"))
    wanted = Wanted(defined=("put",))
    assert list(tree_search.listed(str(tmp_path), [[command]], wanted)) == [
        ("b", frozenset({"put"}))
    ]


@given(st.lists(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), min_size=1, max_size=60), st.data())
def test_what_rg_is_asked_finds_every_word_and_member(names, data):
    words = data.draw(st.lists(st.sampled_from(names), unique=True))
    members = [name for name in dict.fromkeys(names) if name not in words]
    wanted = tree_search.Wanted(tuple(words), tuple(members))
    lines = [f"\tx = {word};" for word in words]
    lines += [f"\t{before}{member}();" for member in members for before in ("a.", "b->")]
    asked = [
        re.compile(command.arguments[command.arguments.index("-e") + 1])
        for command in tree_search.ripgrep(wanted)
        if "-F" not in command.arguments
    ]
    asked += [
        re.compile(rf"\b{word}\b")
        for command in tree_search.ripgrep(wanted)
        if "-F" in command.arguments
        for word in command.arguments[command.arguments.index("-F") + 2 : -1 : 2]
    ]
    assert all(any(one.search(line) for one in asked) for line in lines)


def test_a_folder_is_searched_without_any_program(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    tree = FolderTree(folder)
    assert searched(tree, "put") == ["fs/a.c", "fs/näme.c", "include/h.h"]
    assert searched(tree, members=("go",)) == ["fs/b.c"]
    assert searched(tree, defined=("put",)) == ["fs/näme.c", "include/h.h"]


def test_blobs_are_found_by_abbreviated_ids_only_when_sure(folder):
    tree = open_tree(folder)
    blob = blob_id(FILES["fs/a.c"])
    assert tree.blob(blob[:12]) == FILES["fs/a.c"]
    for none in ("0000000", "HEAD", "deadbeef", "../x", "", "--all", tree.commit[:12]):
        assert tree.blob(none) is None


def test_other_commits_of_the_same_tree(folder):
    first = open_tree(folder).commit
    second = commit(folder, {"fs/a.c": b"other\n", "fs/b.c": None})
    tree = open_tree(folder)
    assert (tree.commit, tree.name) == (second, second)
    old = tree.at(first)
    assert old is not None
    assert old.read("fs/a.c") == FILES["fs/a.c"]
    assert searched(old, "put") == ["fs/a.c", "fs/näme.c", "include/h.h"]
    assert searched(tree, "put") == ["fs/näme.c", "include/h.h"]
    assert tree.at("0" * 40) is None
    assert tree.at("--help") is None
    assert open_tree(folder, "HEAD~1").commit == first
    again = pickle.loads(pickle.dumps(old))  # noqa: S301 - our own bytes
    assert again.read("fs/a.c") == FILES["fs/a.c"]


def test_what_is_not_committed_is_not_read(folder):
    (folder / "fs/a.c").write_bytes(b"nothing\n")
    (folder / "fs/b.c").write_bytes(b"put\n")
    (folder / "fs/untracked.c").write_bytes(b"put\n")
    tree = open_tree(folder)
    assert tree.read("fs/a.c") == FILES["fs/a.c"]
    paths = (path for path, _ in tree.files_with(Wanted(("put",))))
    found = sorted(path for path, _ in tree.read_all(paths))
    assert found == ["fs/a.c", "fs/näme.c", "include/h.h"]


def test_nothing_outside_of_a_folder_is_read(tmp_path):
    (tmp_path / "secret.c").write_bytes(b"put\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link.c").symlink_to(tmp_path / "secret.c")
    tree = open_tree(tmp_path / "tree")
    assert tree.read("../secret.c") is None
    assert tree.read(str(tmp_path / "secret.c")) is None
    assert tree.read("link.c") is None
    assert list(tree.list_c()) == []


def test_what_cannot_be_opened_says_why(folder, tmp_path):
    with pytest.raises(TreeError, match="no such folder"):
        open_tree(tmp_path / "none")
    with pytest.raises(TreeError, match="no such commit"):
        open_tree(folder, "v9.9")
    (tmp_path / "plain").mkdir()
    with pytest.raises(TreeError, match="not a git repository"):
        open_tree(tmp_path / "plain", "HEAD")


def test_a_repository_without_a_commit_is_a_folder(tmp_path):
    made = repository(tmp_path / "empty")
    (made / "a.c").write_bytes(b"put\n")
    tree = open_tree(made)
    assert isinstance(tree, FolderTree)
    assert searched(tree, "put") == ["a.c"]


def test_the_kernel_tree_one_stands_in(folder, tmp_path):
    assert enclosing_repository(folder / "fs") == str(folder.resolve())
    assert not is_kernel_tree(folder)
    assert current_kernel_tree(folder) is None
    for name in ("MAINTAINERS", "Makefile"):
        (folder / name).write_bytes(b"")
    for name in ("kernel", "drivers"):
        (folder / name).mkdir()
    assert is_kernel_tree(folder)
    assert current_kernel_tree(folder / "fs") == str(folder.resolve())
    assert enclosing_repository(tmp_path) is None


def test_a_kernel_folder_inside_of_another_repository_is_a_folder(folder):
    inner = folder / "linux"
    for name in ("kernel", "drivers", "fs", "include"):
        (inner / name).mkdir(parents=True)
    for name in ("MAINTAINERS", "Makefile"):
        (inner / name).write_bytes(b"")
    assert isinstance(open_tree(inner), FolderTree)


@pytest.mark.parametrize(
    "names", [("fs/a.c",), ("include/linux/a.h", "fs/a.c"), ("a.c",)], ids=["fs", "more", "driver"]
)
def test_a_folder_inside_of_a_repository_of_something_else_is_read_itself(tmp_path, names):
    """A monorepo, a vendor tree, a tarball unpacked in somebody's repository."""
    outer = repository(tmp_path / "outer")
    inner = {f"third/linux/{name}": b"put\n" for name in names}
    commit(outer, {"README": b"all of it\n", "src/main.c": b"put\n", **inner})
    tree = open_tree(outer / "third" / "linux")
    assert isinstance(tree, FolderTree)
    assert [path for path, _ in tree.list_c()] == sorted(names)
    assert tree.read(names[0]) == b"put\n"


def test_a_folder_of_a_kernel_repository_stands_for_all_of_it(folder):
    for name in ("MAINTAINERS", "Makefile"):
        (folder / name).write_bytes(b"")
    for name in ("kernel", "drivers", "arch/x86/kernel", "arch/x86/include"):
        (folder / name).mkdir(parents=True)
    for name in ("fs", "arch/x86", "kernel"):
        assert open_tree(folder / name).read("fs/a.c") == FILES["fs/a.c"]


@pytest.mark.parametrize("kind", ["folder", "repository", "bare", "inside", "empty"])
def test_what_is_no_kernel_source_is_refused(tmp_path, kind):
    made = repository(tmp_path / "notes")
    commit(made, {"README": b"notes\n", "old/letter.txt": b"x\n"})
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.txt").write_bytes(b"x\n")
    (tmp_path / "empty").mkdir()
    git(tmp_path, "clone", "-q", "--bare", str(made), "bare")
    places = {"folder": "plain", "repository": "notes", "inside": "notes/old"}
    with pytest.raises(TreeError, match="no kernel source"):
        open_tree(tmp_path / places.get(kind, kind))


def test_nothing_that_a_repository_configures_is_run(folder, tmp_path):
    mark = tmp_path / "ran"
    git(folder, "config", "core.fsmonitor", f"touch {mark}; false")
    git(folder, "config", "diff.c.textconv", f"touch {mark}; cat")
    git(folder, "config", "diff.external", f"touch {mark}")
    (folder / ".gitattributes").write_bytes(b"*.c diff=c\n")
    (folder / "fs/a.c").write_bytes(b"changed put\n")
    tree = open_tree(folder)
    assert searched(tree, "put") == ["fs/a.c", "fs/näme.c", "include/h.h"]
    assert list(tree.list_c())
    assert not mark.exists()


@pytest.mark.usefixtures("folder")
def test_a_relative_name_leads_to_the_same(tmp_path, monkeypatch):
    """Programs are started in the tree, from where it would lead on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tree_search, "ripgrep", lambda _wanted: [])
    monkeypatch.setattr(tree_search, "listed", without_an_empty_way(tree_search.listed))
    for name in ("work", "./work", f"../{tmp_path.name}/work"):
        found = dict(open_tree(name).files_with(Wanted(words=("put",))))
        assert set(found) == {"fs/a.c", "fs/näme.c", "include/h.h"}


def without_an_empty_way(listed):
    """A search that has only git's ways, as where there is no rg."""
    return lambda folder, ways, *more: listed(folder, filter(None, ways), *more)


def test_a_tree_that_no_program_can_search_is_no_tree_without_callers(folder, monkeypatch):
    monkeypatch.setattr(tree_search, "listed", lambda *_: failing())
    search = tree_search.GitSearch(str(folder), "HEAD")
    with pytest.raises(ProgramError, match="no program can search it"):
        list(search.work_tree(Wanted(words=("put",))))


def failing():
    yield from ()
    return False


@pytest.mark.parametrize("kind", ["work tree", "bare", "plain"])
@pytest.mark.parametrize(
    ("name", "paths"),
    [("a.c", ["fs/a.c"]), ("näme.c", ["fs/näme.c"]), (".c", []), ("fs", []), ("", [])],
)
def test_files_of_a_name_in_any_folder(kind, name, paths, folder, tmp_path):
    tree = make(kind, folder, tmp_path)
    assert list(tree.named(name)) == paths
    assert list(tree.named(name)) == paths


@given(
    st.lists(st.sampled_from(["put", "go", "lamp_end"]), unique=True),
    st.lists(st.sampled_from(["stop", "free"]), unique=True),
    st.lists(st.sampled_from(["dim", "get_lamp"]), unique=True),
)
def test_git_is_asked_for_strings_and_keeps_what_the_expression_finds(words, members, defined):
    wanted = Wanted(tuple(words), tuple(members), tuple(defined))
    if not any(wanted):
        return
    lines = [
        *(b"\tx = put(y);", b"\toutput(y);", b"go", b"\tl->stop(l);", b"\tl.free (l);"),
        *(b"\tstop(l);", b"int dim(void)", b"\tdim();", b"#define get_lamp(x) x"),
        *(b"\t# define dim 1", b"\ta.free(go)"),
    ]  # fmt: skip
    (asking,) = tree_search.askings(wanted)
    strings = [one.encode() for one in asking.options if not one.startswith("-") or ">" in one]
    seen = [line for line in lines if any(one in line for one in strings)]
    kept = seen if asking.keeps is None else list(filter(asking.keeps.match, seen))
    found = re.compile(tree_search.expression(wanted).encode())
    expected = [line for line in lines if found.search(line)]
    if asking.options[0] == "-w":  # git tells words from parts of them
        kept = [line for line in kept if line != b"\toutput(y);"]
    assert kept == expected


def test_git_is_asked_for_very_many_names_by_one_expression():
    askings = list(tree_search.askings(Wanted(tuple(f"lamp_{at}" for at in range(80)))))
    assert [one.options[0] for one in askings] == ["-P", "-w"]


def test_without_a_date_the_tags_nearest_to_the_commit_come_first(tmp_path):
    repo = repository(tmp_path / "tagged")
    for day, tag in ((1, "v1"), (20, "v2"), (9, "v3"), (8, "")):
        made = commit(repo, {"fs/a.c": f"{tag}\n".encode(), "kernel/x.c": b"\n"})
        text = git(repo, "cat-file", "commit", made)
        text = text.replace(b"> 1700000000 ", b"> %d " % (86400 * day))
        dated = git(repo, "hash-object", "-t", "commit", "-w", "--stdin", data=text)
        git(repo, "update-ref", "HEAD", dated.decode().strip())
        if tag:
            git(repo, "tag", tag)
    found = [name for name, _ in open_tree(repo).versions("fs/a.c", None)]
    assert found == ["v3", "v1", "v2"]
