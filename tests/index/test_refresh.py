"""A stale index is brought up to the tree by what changed; who has none is told, once."""

from __future__ import annotations

import io
import time

import pytest
from small_tree import FILES, folder_tree

from patchlint.cli.main import main
from patchlint.index import build, offer, open_facts, refresh
from patchlint.index.store import Store, index_path, tree_key
from patchlint.outside import activity
from patchlint.ruleset.load import load

MACROS = load().kernel.macros
TOP = dict.fromkeys(("MAINTAINERS", "Makefile"), b"\n") | {
    f"{folder}/{folder}.c": b"int x;\n" for folder in ("kernel", "include", "drivers")
}
MORE = {f"fs/more{n}.c": b"void more%d(void)\n{\n\tthing_put(0);\n}\n" % n for n in range(40)}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "patchlint"


@pytest.fixture
def read(monkeypatch):
    """The paths of files that the index has read."""
    paths = []
    whole = build._Reader.read

    def counting(self, chunk):
        paths.extend(path for _, path in chunk)
        return whole(self, chunk)

    monkeypatch.setattr(build._Reader, "read", counting)
    return paths


def indexed(tree):
    with Store(index_path(MACROS)) as store:
        return store.tree(tree_key(tree)) is not None


def test_a_new_head_pays_for_what_changed_alone(git_tree, read):
    build.build(git_tree(FILES | TOP), MACROS)
    read.clear()
    tree = git_tree(FILES | TOP | MORE)
    facts = open_facts(tree, MACROS, renew=True)
    assert sorted(read) == sorted(MORE)
    assert indexed(tree)
    assert {site.path for site in facts.callers("thing_put")} >= set(MORE)
    # and the next check for nothing
    read.clear()
    open_facts(tree, MACROS, renew=True)
    assert read == []
    # a branch that goes back has all its blobs
    open_facts(git_tree(FILES | TOP), MACROS, renew=True)
    assert read == []


def test_few_changes_are_read_by_the_check_itself(git_tree, read):
    build.build(git_tree(FILES | TOP), MACROS)
    read.clear()
    tree = git_tree(FILES | TOP | {"fs/one.c": b"void one(void)\n{\n\tthing_put(0);\n}\n"})
    facts = open_facts(tree, MACROS, renew=True)
    assert read == []
    assert not indexed(tree)
    assert "fs/one.c" in {site.path for site in facts.callers("thing_put")}


def test_nothing_is_indexed_unasked(git_tree, tmp_path, read):
    tree = git_tree(FILES | TOP)
    assert not refresh.refresh(tree, MACROS)
    assert not refresh.refresh(folder_tree(tmp_path / "folder"), MACROS)
    assert read == []
    assert not index_path(MACROS).exists()


def test_another_base_does_not_renew(git_tree, read):
    build.build(git_tree(FILES | TOP), MACROS)
    read.clear()
    open_facts(git_tree(FILES | TOP | MORE), MACROS)
    assert read == []


def test_two_at_once_do_not_do_it_twice(git_tree, read):
    build.build(git_tree(FILES | TOP), MACROS)
    read.clear()
    tree = git_tree(FILES | TOP | MORE)
    with refresh._alone(index_path(MACROS)) as alone:
        assert alone
        assert not refresh.refresh(tree, MACROS)
    assert read == []
    assert refresh.refresh(tree, MACROS)


@pytest.mark.parametrize(
    ("changed", "worth"),
    [
        (None, "none"),
        (0, "fits"),
        (refresh.FEW, "fits"),
        (refresh.FEW + 1, "refresh"),
        (refresh.MANY, "refresh"),
        (refresh.MANY + 1, "rebuild"),
    ],
)
def test_what_is_best_done_at_each_distance(changed, worth):
    assert refresh.Distance(changed).worth == worth


def test_the_index_is_offered_once_for_each_tree(git_tree):
    folder = git_tree(FILES | TOP).repository
    assert offer.after_search(folder, 0.2) is None
    said = offer.after_search(folder, 7.4)
    assert said is not None
    assert f"searching the tree took 7 s; 'patchlint index {folder}'" in said
    assert offer.after_search(folder, 7.4) is None


def test_who_has_an_index_is_not_told(git_tree):
    tree = git_tree(FILES | TOP)
    build.build(tree, MACROS)
    assert offer.after_search(tree.repository, 9) is None
    assert offer.beforehand(tree.repository) is None


def test_a_set_up_ends_with_the_offer(git_tree, capsys):
    tree = git_tree(FILES | TOP)
    assert main(["hook", "install", "--repo", tree.repository]) == 0
    assert f"'patchlint index {tree.repository}' once" in capsys.readouterr().out
    build.build(tree, MACROS)
    assert main(["hook", "install", "--repo", tree.repository]) == 0
    assert "patchlint index" not in capsys.readouterr().out


def test_nothing_is_offered_outside_of_a_kernel_tree(tmp_path):
    assert offer.beforehand(None) is None
    assert offer.beforehand(str(tmp_path)) is None


class Terminal(io.StringIO):
    """Notes what is shown."""


def test_what_takes_long_is_shown_and_wiped_away(monkeypatch):
    monkeypatch.setattr(activity, "PATIENCE", 0.01)
    monkeypatch.setattr(activity, "PACE", 0.01)
    terminal = Terminal()
    with activity.shown(terminal), activity.doing("search", "searching the tree for mntput"):
        until = time.monotonic() + 10
        while "mntput" not in terminal.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
    assert "patchlint: searching the tree for mntput (0 s, Ctrl-C leaves)" in terminal.getvalue()
    assert terminal.getvalue().endswith(activity.CLEAR)
    assert activity.seconds("search") > 0


def test_what_is_quick_shows_nothing():
    terminal = Terminal()
    with activity.shown(terminal), activity.doing("search", "x"):
        pass
    assert terminal.getvalue() == ""


def test_activities_nest_and_add_up():
    with activity.shown(None):
        with activity.doing("outer", "a"), activity.doing("inner", "b"):
            pass
        first = activity.seconds("inner")
        with activity.doing("inner", "b"):
            pass
        assert activity.seconds("inner") >= first
    assert activity.seconds("never") == 0


@pytest.mark.parametrize("columns", [20, 40, 200])
def test_a_picture_fits_the_terminal(columns):
    line = activity.picture("searching the tree for a_very_long_function_name", 12.3, columns)
    assert len(line) < columns
    assert line.startswith("patchlint: searc"[: columns - 2])
