"""The index answers as a search does, and survives change, interruption and company."""

from __future__ import annotations

import multiprocessing
import sqlite3

import pytest
from small_tree import FILES, MACROS, folder_tree

from patchlint.index import lean, open_facts
from patchlint.index.build import build
from patchlint.index.facts import Facts
from patchlint.index.search import Search
from patchlint.index.steady import Steady
from patchlint.index.store import (
    COMMITS,
    DroppedError,
    Indexed,
    Store,
    commits_for,
    index_path,
    pack,
    rows_of,
    tree_key,
)
from patchlint.outside.seal import tells_damage
from patchlint.patch.trees import blob_id, open_tree

WORDS = lean.words(MACROS)
NAMES = sorted(
    {
        row.name
        for text in FILES.values()
        for rows in (lean.read(text, WORDS).definitions, lean.read(text, WORDS).calls,
                     lean.read(text, WORDS).uses)
        for row in rows
    }
)  # fmt: skip


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def answers(facts):
    return {
        name: (
            facts.definitions(name),
            facts.callers(name),
            facts.callers(name, "fs/twin.c"),
            facts.member_calls(name),
            facts.address_taken(name, "fs/thing.c"),
            [facts.definition(name, path) for path in (*FILES, None)],
        )
        for name in NAMES
    }


def by_search(tree):
    return answers(Facts(tree, Search(tree, WORDS), MACROS))


def by_index(tree):
    facts = open_facts(tree, MACROS)
    assert isinstance(facts.rows, Steady)
    assert isinstance(facts.rows.rows, Indexed)
    return answers(facts)


def make(kind, tmp_path, git_tree):
    return git_tree(FILES) if kind == "git" else folder_tree(tmp_path / "tree")


@pytest.mark.parametrize("kind", ["git", "folder"])
def test_index_and_search_give_the_same_answers(kind, tmp_path, git_tree):
    tree = make(kind, tmp_path, git_tree)
    built = build(tree, MACROS)
    assert (built.files, built.read) == (len(FILES), len(FILES))
    assert built.path == index_path(MACROS)
    assert by_index(tree) == by_search(tree)


@pytest.mark.parametrize("kind", ["git", "folder"])
def test_only_what_changed_is_read_again(kind, tmp_path, git_tree):
    tree = make(kind, tmp_path, git_tree)
    build(tree, MACROS)
    assert build(tree, MACROS).read == 0
    files = FILES | {
        "fs/new.c": b"void new(void)\n{\n\tthing_put(0);\n}\n",
        "fs/twin.c": b"int x;\n",
    }
    changed = git_tree(files) if kind == "git" else folder_tree(tmp_path / "tree", files)
    assert by_index(changed) == by_search(changed)
    assert build(changed, MACROS).read == 2
    assert by_index(changed) == by_search(changed)
    if kind == "git":
        assert by_index(tree) == by_search(tree)


def test_a_file_that_went_away_is_not_told(tmp_path):
    tree = folder_tree(tmp_path / "tree")
    build(tree, MACROS)
    (tmp_path / "tree/fs/twin.c").unlink()
    assert by_index(tree) == by_search(tree)
    assert open_facts(tree, MACROS).callers("thing_put", "fs/twin.c") is not None


def test_a_tree_that_is_far_from_any_index_is_searched(git_tree, monkeypatch):
    build(git_tree(FILES), MACROS)
    monkeypatch.setattr("patchlint.index.store.NEAR", 0)
    facts = open_facts(git_tree(FILES | {"fs/a.c": b"int a;\n"}), MACROS)
    assert isinstance(facts.rows, Search)


def test_without_an_index_or_with_a_broken_one_the_tree_is_searched(git_tree):
    tree = git_tree(FILES)
    assert isinstance(open_facts(tree, MACROS).rows, Search)
    path = index_path(MACROS)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all, but longer than a header would be" * 40)
    assert isinstance(open_facts(tree, MACROS).rows, Search)


def test_an_interrupted_build_goes_on_where_it_stopped(tmp_path, monkeypatch):
    tree = folder_tree(tmp_path / "tree")
    monkeypatch.setattr("patchlint.index.build._CHUNK", 2)
    monkeypatch.setattr("patchlint.index.build._BATCH", 2)

    def interrupt(done, _total):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tree, MACROS, progress=interrupt)
    assert isinstance(open_facts(tree, MACROS).rows, Search)
    assert build(tree, MACROS).read == len(FILES) - 4
    assert by_index(tree) == by_search(tree)


def test_two_writers_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "index.sqlite"
    packed = {
        name: pack(bytes.fromhex(blob_id(text)), lean.read(text, WORDS))
        for name, text in FILES.items()
    }
    with Store(path, create=True) as one, Store(path, create=True) as other:
        names = sorted(packed)
        for at, name in enumerate(names):
            (one, other)[at % 2].add([packed[name]])
            assert (other, one)[at % 2].add([packed[name]]) == 0
        assert one.known() == other.known() == {row.oid.hex() for row in packed.values()}
    numbers = sqlite3.connect(path)
    (names, ids) = numbers.execute("SELECT count(*), count(DISTINCT id) FROM names").fetchone()
    numbers.close()
    assert names == ids


def test_a_batch_is_there_whole_or_not_at_all(tmp_path):
    good = pack(b"\1" * 20, lean.read(FILES["fs/thing.c"], WORDS))
    bad = good._replace(oid=b"\2" * 20, numbers=None)
    with Store(tmp_path / "index.sqlite", create=True) as store:
        with pytest.raises(sqlite3.Error):
            store.add([good, bad])
        assert store.known() == set()
        assert store.add([good]) == 1


def test_workers_read_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("patchlint.index.build._FEW", 0)
    monkeypatch.setattr("patchlint.index.build._CHUNK", 2)
    tree = folder_tree(tmp_path / "tree")
    assert build(tree, MACROS, jobs=2).read == len(FILES)
    assert by_index(tree) == by_search(tree)
    assert multiprocessing.active_children() == []


def test_pruning_keeps_the_newest_trees(tmp_path, git_tree):
    first = git_tree(FILES)
    build(first, MACROS)
    second = git_tree({"fs/only.c": b"void only(void)\n{\n\tcalled();\n}\n"})
    build(second, MACROS)
    folder = folder_tree(tmp_path / "tree", {"a.c": b"int a;\n"})
    path = build(folder, MACROS).path
    (tmp_path / "tree/a.c").unlink()
    (tmp_path / "tree").rmdir()
    with Store(path) as store:
        assert store.prune(1) == (2, len(FILES) + 1)
        assert [row.key for row in store.trees()] == [second.commit]
        rows = rows_of(store, second, WORDS)
        assert [hit.path for hit in rows.hits("called")] == ["fs/only.c"]


def moved(git_tree, times):
    """Commits of one repository, each indexed."""
    trees = []
    for at in range(times):
        trees.append(git_tree({**FILES, "fs/only.c": b"void only_%d(void)\n{\n}\n" % at}))
        build(trees[-1], MACROS)
    return trees


def test_commits_of_one_tree_do_not_push_other_trees_out(tmp_path, git_tree):
    folder = folder_tree(tmp_path / "tree", {"a.c": b"int a;\n"})
    path = build(folder, MACROS).path
    trees = moved(git_tree, 2)
    with Store(path) as store:
        assert store.prune(2)[0] == 1
        assert [row.key for row in store.trees()] == [trees[-1].commit, tree_key(folder)]


def test_a_clone_whose_head_moves_keeps_its_newest_commits(git_tree):
    trees = moved(git_tree, COMMITS)
    path = index_path(MACROS)
    with Store(path) as store:
        first = rows_of(store, trees[0], WORDS)
        assert first.hits("thing_put")
        size = path.stat().st_size
        trees += moved(git_tree, 5)
        assert [row.key for row in store.trees()] == [one.commit for one in trees[:-4:-1]]
        assert path.stat().st_size <= 1.2 * size
        # who still asks of a commit that went is told so, not that there is nothing
        for ask in (first.hits, first.definition_hits, first.lines):
            first._known.clear()
            with pytest.raises(DroppedError, match="newer commits") as caught:
                ask("fs/thing.c" if ask == first.lines else "thing_put")
            assert not tells_damage(caught.value)
    assert build(trees[0], MACROS).read == 0


def test_the_commits_of_a_tree_are_tried_before_those_of_others(tmp_path, git_tree):
    [tree] = moved(git_tree, 1)
    path = index_path(MACROS)
    with Store(path, create=True) as store:
        for at in range(5):
            store.finish(f"{at:040x}", str(tmp_path / "elsewhere"), [])
        later = git_tree({**FILES, "fs/only.c": b"void only_now(void)\n{\n}\n"})
        assert commits_for(store, later)[0].key == tree.commit
        assert rows_of(store, later, WORDS).row.key == tree.commit


def test_other_macros_mean_another_index():
    assert index_path(MACROS) == index_path(tuple(reversed(MACROS)))
    assert index_path(MACROS) != index_path(MACROS[1:])


def test_trees_are_listed_by_commit_or_whole_path(tmp_path, git_tree, monkeypatch):
    tree = git_tree(FILES)
    assert tree_key(tree) == tree.commit
    folder_tree(tmp_path / "tree")
    monkeypatch.chdir(tmp_path)
    assert tree_key(open_tree("tree")) == f"folder:{(tmp_path / 'tree').resolve()}"
