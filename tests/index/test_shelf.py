"""Answers of searches are kept by commit, and never stand in the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_tree import FILES, MACROS

from patchlint.index import lean, open_facts
from patchlint.index.facts import Hit
from patchlint.index.shelf import DiskShelf, decode, encode
from patchlint.index.store import answers_path
from patchlint.patch.trees import GitTree

NAMES = st.text("abc_", min_size=1, max_size=4)
NUMBERS = st.integers(1, 1 << 20)
HITS = st.lists(
    st.builds(
        Hit,
        NAMES,
        st.lists(st.builds(lean.Definition, NAMES, NUMBERS, NUMBERS, st.integers(0, 15))).map(
            lean.Lines.of
        ),
        st.lists(st.tuples(NUMBERS, st.booleans())).map(tuple),
        st.lists(st.builds(lean.Use, NAMES, NUMBERS, st.integers(0, 3), NAMES, NAMES)).map(tuple),
    )
)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def plain(hits):
    return [(hit.path, list(hit.definitions), hit.calls, hit.uses) for hit in hits]


@given(HITS)
def test_hits_come_back_as_they_were(hits):
    assert plain(decode(encode(hits))) == plain(hits)


def test_what_was_searched_once_is_not_searched_again(git_tree, monkeypatch):
    tree = git_tree(FILES)
    first = open_facts(tree, MACROS)
    callers, members = first.callers("thing_put"), first.member_calls("put")
    none = first.callers("no_such_name")
    monkeypatch.setattr(GitTree, "files_with", None)
    second = open_facts(tree, MACROS)
    assert second.callers("thing_put") == callers != ()
    assert second.member_calls("put") == members != ()
    assert second.callers("no_such_name") == none == ()


def test_another_commit_is_searched(git_tree):
    tree = git_tree(FILES)
    assert open_facts(tree, MACROS).callers("twin") == ()
    caller = {"fs/new.c": b"void new(void)\n{\n\ttwin();\n}\n"}
    assert len(open_facts(git_tree(FILES | caller), MACROS).callers("twin")) == 1


def test_a_damaged_file_is_passed_over(git_tree):
    tree = git_tree(FILES)
    path = answers_path(MACROS)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, however one looks at it" * 60)
    assert len(open_facts(tree, MACROS).callers("thing_put", "fs/thing.c")) == 6


def test_a_file_that_grew_too_large_is_begun_anew(tmp_path, monkeypatch):
    shelf = DiskShelf(tmp_path / "answers.sqlite", "c")
    shelf.put({"a": ()})
    assert shelf.take(["a", "b"]) == {"a": ()}
    monkeypatch.setattr("patchlint.index.shelf._LARGEST", 10)
    shelf.put({"b": ()})
    assert shelf.take(["a", "b"]) == {"b": ()}
