"""Applying a series in memory gives what git gives, and says where it cannot."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from git_diffs import commit, git, read_diff, repository
from hypothesis import given, settings
from hypothesis import strategies as st

from patchlint.model.diff import FileDiff
from patchlint.patch.apply import whole_images
from patchlint.patch.diff import parse
from patchlint.patch.hunks import (
    Applied,
    Conflict,
    Text,
    apply_hunks,
    join_lines,
    reversed_hunk,
    split_lines,
)
from patchlint.patch.trees import open_tree

BODY = b"".join(b"line %d\n" % n for n in range(1, 41))


def series_of(folder, base, read=read_diff):
    commits = git(folder, "rev-list", "--reverse", f"{base}..HEAD").decode().split()
    return [
        read(git(folder, "diff-tree", "-p", "-M", "-C", "--no-commit-id", one)) for one in commits
    ], commits


def show(folder, revision, path):
    return git(folder, "show", f"{revision}:{path}")


@given(st.binary(max_size=60))
def test_lines_join_to_the_text_they_came_from(text):
    assert join_lines(split_lines(text)) == text


LINES = st.lists(
    st.sampled_from([b"{\n", b"}\n", b"\tput(x);\n", b"\n", b"a\r\n", b"b\n"]), max_size=30
)


@st.composite
def edits(draw):
    """A text, the text a diff was made against, and that text edited."""
    lines = draw(LINES)
    end = draw(st.sampled_from([b"", b"tail", b"tail\n"]))
    old = b"".join(lines) + end
    changed = list(lines)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed)))
        removed = draw(st.integers(0, 3))
        changed[at : at + removed] = draw(
            st.lists(st.sampled_from([b"new\n", b"}\n", b"\n"]), max_size=3)
        )
    new = b"".join(changed) + draw(st.sampled_from([end, b"", b"tail"]))
    shifted = list(lines)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(shifted)))
        shifted[at:at] = draw(st.lists(st.sampled_from([b"shift\n", b"}\n", b"{\n"]), max_size=4))
    return old, new, b"".join(shifted) + end


@settings(max_examples=60, deadline=None)
@given(edits(), st.integers(0, 3))
def test_hunks_go_where_git_apply_puts_them(texts, context):
    old, new, other = texts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "old").write_bytes(old)
        (folder / "new").write_bytes(new)
        diff = git(
            folder, "diff", "--no-index", f"-U{context}", "--", "old", "new", check=False
        ).replace(b"/new", b"/old")
        hunks = read_diff(diff)[0].hunks if diff else ()
        for target in (old, other):
            (folder / "old").write_bytes(target)
            git(folder, "apply", "-", check=False, data=diff)
            by_git = (folder / "old").read_bytes()
            applied = apply_hunks(Text.of(target), hunks)
            if by_git != target:
                assert isinstance(applied, Applied)
                assert applied.text.content == by_git
        if context == 3:
            applied = apply_hunks(Text.of(old), hunks)
            assert isinstance(applied, Applied)
            assert applied.text.content == new
            assert all(place.offset == 0 for place in applied.places)


@settings(max_examples=40, deadline=None)
@given(edits())
def test_kept_lines_are_the_same_on_both_sides_and_in_order(texts):
    old, new, _ = texts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "old").write_bytes(old)
        (folder / "new").write_bytes(new)
        diff = git(folder, "diff", "--no-index", "--", "old", "new", check=False)
    hunks = read_diff(diff)[0].hunks if diff else ()
    applied = apply_hunks(Text.of(old), hunks)
    assert isinstance(applied, Applied)
    before, after = split_lines(old), split_lines(applied.text.content)
    kept = applied.text.kept
    assert all(before[a - 1] == after[b - 1] for a, b in kept.items())
    assert sorted(kept.values()) == [kept[a] for a in sorted(kept)]
    removed = sum(line.kind == "-" for hunk in hunks for line in hunk.lines)
    assert len(kept) == len(before) - removed
    back = apply_hunks(applied.text, [reversed_hunk(hunk) for hunk in hunks])
    assert isinstance(back, Applied)
    assert back.text.content == old


@pytest.mark.parametrize("read", [read_diff, lambda raw: parse(raw.decode()).files])
def test_a_series_is_equal_to_the_commits_it_came_from(tmp_path, read):
    folder = repository(tmp_path / "r")
    start = commit(
        folder,
        {
            "fs/a.c": BODY,
            "fs/b.c": BODY.replace(b"\n", b"\r\n"),
            "gone.c": b"one\ntwo\n",
            "tail.c": b"x\ny",
            "empty.c": b"",
            "move.c": BODY,
        },
    )
    commit(folder, {"fs/a.c": BODY.replace(b"line 5\n", b"five\nfive and a half\n")})
    commit(
        folder,
        {
            "fs/b.c": BODY.replace(b"line 9", b"nine").replace(b"\n", b"\r\n"),
            "tail.c": b"x\ny\n",
            "new/n.c": b"int n;\n",
            "gone.c": None,
        },
    )
    moved = BODY.replace(b"line 30\n", b"thirty\n")
    commit(folder, {"move.c": None, "sub/moved.c": moved, "tail.c": b"x\nz"})
    (folder / "fs/a.c").chmod(0o755)
    commit(folder, {"sub/moved.c": moved + b"end\n", "gone.c": b"back\n", "empty.c": b"full\n"})
    commit(folder, {"new/n.c": None, "fs/a.c": BODY.replace(b"line 5\n", b"five\n")})
    patches, commits = series_of(folder, start, read)
    result = whole_images(open_tree(folder, start), patches)
    assert (result.failed, result.limitations) == (frozenset(), ())
    for history in result.files:
        for upto, one in enumerate([start, *commits]):
            path = history.moments[upto].path
            if path is None:
                assert history.new(upto) is None
            else:
                assert history.new(upto) == show(folder, one, path)
    by_path = {history.path: history for history in result.files}
    assert by_path["sub/moved.c"].old_path == "move.c"
    assert by_path["sub/moved.c"].touched == (3, 4)
    assert by_path["sub/moved.c"].kept(4)[31] == 31
    assert 30 not in by_path["sub/moved.c"].kept(4)
    assert by_path["gone.c"].old == b"one\ntwo\n"
    assert by_path["new/n.c"].source == "new"
    assert {history.source for history in result.files} == {"blob", "new"}
    texts = result.texts([1, 2, 3, 4, 5])
    assert texts[1, "fs/a.c"] == (BODY, show(folder, commits[0], "fs/a.c"))
    assert texts[2, "gone.c"] == (b"one\ntwo\n", None)
    assert texts[4, "gone.c"] == (None, b"back\n")
    assert texts[3, "sub/moved.c"] == (BODY, moved)
    assert (2, "fs/a.c") not in texts


def test_a_series_on_another_base_is_equal_to_git_am(tmp_path):
    folder = repository(tmp_path / "r")
    start = commit(folder, {"a.c": BODY, "b.c": BODY})
    commit(folder, {"a.c": BODY.replace(b"line 20\n", b"twenty\n"), "b.c": None, "c.c": BODY})
    commit(
        folder, {"a.c": BODY.replace(b"line 20\n", b"twenty\nmore\n").replace(b"line 12\n", b"")}
    )
    mails = git(folder, "format-patch", "--stdout", "-M", start)
    patches, _ = series_of(folder, start)
    other = repository(tmp_path / "other")
    base = commit(other, {"a.c": b"top\n" * 7 + BODY, "b.c": b"top\n" + BODY + b"end\n"})
    git(other, "am", "-q", "-", data=mails)
    result = whole_images(open_tree(other, base), patches)
    assert result.limitations == ()
    assert {h.path: h.new(2) for h in result.files} == {
        "a.c": show(other, "HEAD", "a.c"),
        "c.c": show(other, "HEAD", "c.c"),
    }
    assert {h.source for h in result.files} == {"head"}


def test_the_base_commit_is_read_before_head(tmp_path):
    folder = repository(tmp_path / "r")
    start = commit(folder, {"a.c": BODY})
    end = commit(folder, {"a.c": BODY.replace(b"line 3\n", b"three\n")})
    patches, _ = series_of(folder, start)
    other = repository(tmp_path / "other")
    base = commit(other, {"a.c": b"top\n" + BODY})
    commit(other, {"a.c": b"nothing of it\n"})
    result = whole_images(open_tree(other), patches, base)
    assert result.base == base
    assert [h.source for h in result.files] == ["base"]
    assert result.files[0].new(1) == b"top\n" + show(folder, end, "a.c")


def test_a_swap_of_two_files_reads_both_before_it_writes(tmp_path):
    folder = repository(tmp_path / "r")
    one, two = BODY, BODY.replace(b"line", b"row").replace(b"1", b"one")
    start = commit(folder, {"one.c": one, "two.c": two})
    commit(folder, {"one.c": two, "two.c": one})
    diff = git(folder, "diff-tree", "-p", "-M", "-B", "--no-commit-id", "HEAD")
    result = whole_images(open_tree(folder, start), [read_diff(diff)])
    assert {h.path: h.new(1) for h in result.files} == {"one.c": two, "two.c": one}


def test_a_conflict_names_file_and_hunk_and_spares_the_other_files(tmp_path):
    folder = repository(tmp_path / "r")
    start = commit(folder, {"a.c": BODY, "b.c": BODY})
    changed = BODY.replace(b"line 10\n", b"ten\n").replace(b"line 33\n", b"more\n")
    commit(folder, {"a.c": changed, "b.c": changed})
    commit(folder, {"a.c": changed + b"end\n"})
    patches, _ = series_of(folder, start)
    other = repository(tmp_path / "other")
    commit(other, {"a.c": BODY.replace(b"line 33\n", b"else\n"), "b.c": b"top\n" + BODY})
    result = whole_images(open_tree(other), patches)
    assert [(x.path, x.stage) for x in result.limitations] == [("a.c", "images")]
    assert "1 of 3 hunks does not apply" in result.limitations[0].message
    assert {h.path: (h.filled, h.source) for h in result.files} == {
        "a.c": (True, "head"),
        "b.c": (False, "head"),
    }


def test_a_file_that_no_tree_has_is_named_and_spares_the_others(tmp_path):
    folder = repository(tmp_path / "r")
    start = commit(folder, {"a.c": BODY + b"a\n", "b.c": BODY})
    changed = BODY.replace(b"line 10\n", b"ten\n")
    commit(folder, {"a.c": changed + b"a\n", "b.c": changed})
    patches, _ = series_of(folder, start)
    other = repository(tmp_path / "other")
    commit(other, {"b.c": BODY})
    result = whole_images(open_tree(other), patches)
    assert result.failed == {"a.c"}
    assert [x.told for x in result.limitations] == [
        "a.c: patch 1: the tree has no such file; hunks only"
    ]
    assert [h.path for h in result.files] == ["b.c"]
    assert result.images == "mixed"


def test_prerequisite_patches_are_applied_to_the_base(tmp_path):
    folder = repository(tmp_path / "r")
    start = commit(folder, {"a.c": BODY})
    needed = commit(folder, {"a.c": BODY.replace(b"line 20\n", b"twenty\n"), "n.c": b"n\n"})
    commit(folder, {"a.c": BODY.replace(b"line 20\n", b"twenty one\n"), "n.c": b"n\nm\n"})
    patches, _ = series_of(folder, needed)
    other = repository(tmp_path / "other")
    base = commit(other, {"a.c": b"top\n" + BODY})
    git(other, "checkout", "-q", "-b", "topic")
    git(other, "am", "-q", data=git(folder, "format-patch", "--stdout", f"{start}..{needed}"))
    shown = git(other, "show", "HEAD")
    patch_id = git(other, "patch-id", "--stable", data=shown).decode().split()[0]
    git(other, "checkout", "-q", "main")
    result = whole_images(open_tree(other), patches, base, [patch_id, "0" * 40])
    assert [x.message for x in result.limitations] == [
        "prerequisite patch 000000000000 is not among the repository's commits"
    ]
    by_path = {history.path: history for history in result.files}
    assert by_path["a.c"].source == "base"
    assert by_path["a.c"].old == b"top\n" + BODY.replace(b"line 20\n", b"twenty\n")
    assert by_path["n.c"].new(1) == b"n\nm\n"
    assert open_tree(tmp_path / "r" / ".git").patches([]) == {}


def test_a_tree_that_has_the_series_gives_the_text_before_it(tmp_path):
    folder = repository(tmp_path / "r")
    start = commit(folder, {"a.c": BODY})
    first = BODY.replace(b"line 10\n", b"ten\n")
    commit(folder, {"a.c": first})
    commit(folder, {"a.c": first.replace(b"line 12\n", b"twelve\n"), "n.c": b"n\n"})
    patches, commits = series_of(folder, start)
    other = repository(tmp_path / "other")
    commit(other, {"a.c": b"top\n" + show(folder, commits[-1], "a.c"), "n.c": b"n\nmore\n"})
    result = whole_images(open_tree(other), patches)
    assert [x.told for x in result.limitations] == ["a.c: the tree has the series already"]
    by_path = {history.path: history for history in result.files}
    assert by_path["a.c"].source == "reverse"
    assert by_path["a.c"].old == b"top\n" + BODY
    assert by_path["a.c"].new(1) == b"top\n" + first
    assert by_path["n.c"].new(2) == b"n\n"


def test_a_file_that_the_tree_lacks_is_a_limitation(tmp_path):
    folder = repository(tmp_path / "r")
    start = commit(folder, {"a.c": BODY})
    commit(folder, {"a.c": BODY + b"end\n"})
    patches, _ = series_of(folder, start)
    (tmp_path / "plain" / "fs").mkdir(parents=True)
    result = whole_images(open_tree(tmp_path / "plain"), patches)
    assert result.failed == {"a.c"}
    assert "no such file" in result.limitations[0].message


def _hunks(tmp_path, old, new):
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "new").write_bytes(new)
    return read_diff(git(tmp_path, "diff", "--no-index", "--", "old", "new", check=False))[0].hunks


def test_less_context_is_tried_last_and_told(tmp_path):
    hunks = _hunks(tmp_path, BODY, BODY.replace(b"line 9\n", b"nine\n"))
    target = BODY.replace(b"line 6\n", b"six\n").replace(b"line 12\n", b"twelve\n")
    applied = apply_hunks(Text.of(target), hunks)
    assert isinstance(applied, Applied)
    assert applied.text.content == target.replace(b"line 9\n", b"nine\n")
    assert applied.places[0].leniency == "with fuzz 1"
    assert applied.text.kept == {n: n for n in range(1, 41) if n != 9}


EDITS = {b"line 5\n": b"five\n", b"line 20\n": b"twenty\nmore\n", b"line 36\n": b""}


def edited(text):
    for old, new in EDITS.items():
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize(
    "there",
    [
        BODY,
        b"front\n" * 7 + BODY,
        BODY.replace(b"line 12\n", b"between\n" * 5),
        b"front\n" * 3 + BODY.replace(b"line 28\n", b"line 28\nbetween\n"),
        # one line of context is not the tree's: the hunk is put with fuzz
        b"front\n" * 3 + BODY.replace(b"line 17\n", b"own\n"),
    ],
    ids=["same", "front", "between", "both", "fuzz"],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_hunks_are_shown_at_the_lines_that_they_were_put_to(tmp_path, there, order):
    hunks = _hunks(tmp_path, BODY, edited(BODY))
    diff = FileDiff("f.c", "f.c", "modify", tuple(hunks[number] for number in order))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "f.c").write_bytes(there)
    result = whole_images(open_tree(tmp_path / "tree"), [(diff,)])
    assert result.failed == frozenset()
    before, after = there.decode().splitlines(), edited(there).decode().splitlines()
    ((shown,),) = result.shown
    assert [hunk.section for hunk in shown.hunks] == [hunk.section for hunk in diff.hunks]
    for line in (line for hunk in shown.hunks for line in hunk.lines):
        assert line.kind != "-" or before[line.old - 1] == line.text
        assert line.kind != "+" or after[line.new - 1] == line.text


def test_hunks_of_a_file_that_is_given_up_are_shown_as_the_mail_has_them(tmp_path):
    diff = FileDiff("f.c", "f.c", "modify", tuple(_hunks(tmp_path, BODY, edited(BODY))))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "f.c").write_bytes(b"front\n" * 7 + BODY)
    tree = open_tree(tmp_path / "tree")
    assert whole_images(tree, [(diff,)]).shown != ((diff,),)
    later = FileDiff("f.c", "f.c", "binary", ())
    result = whole_images(tree, [(diff,), (later,)])
    assert result.failed == {"f.c"}
    assert result.shown == ((diff,), (later,)) == result.diffs


def test_a_hunk_for_lf_goes_into_a_file_with_crlf(tmp_path):
    hunks = _hunks(tmp_path, BODY, BODY.replace(b"line 9\n", b"nine\n"))
    applied = apply_hunks(Text.of(BODY.replace(b"\n", b"\r\n")), hunks)
    assert isinstance(applied, Applied)
    assert applied.text.content == BODY.replace(b"line 9\n", b"nine\n").replace(b"\n", b"\r\n")
    assert applied.places[0].leniency is not None


def test_a_latin_1_file_takes_a_hunk_that_was_decoded(tmp_path):
    old = BODY.replace(b"line 8\n", "Ünal\n".encode())
    hunks = _hunks(tmp_path, old, old.replace(b"line 9\n", b"nine\n"))
    applied = apply_hunks(Text.of(old.decode().encode("latin-1")), hunks)
    assert isinstance(applied, Applied)
    assert b"\xdcnal\nnine\n" in applied.text.content


def test_no_hunk_goes_into_the_lines_of_another(tmp_path):
    old = b"a\nb\nc\n" * 2
    hunks = _hunks(tmp_path, old, old.replace(b"a\nb\nc\n", b"a\nB\nc\n", 1))
    applied = apply_hunks(Text.of(old), [hunks[0], hunks[0]])
    assert isinstance(applied, Conflict)
    assert applied.hunk == 2


@pytest.mark.parametrize("kind", ["delete", "twice", "add"])
def test_a_series_against_itself_fails_by_file(tmp_path, kind):
    folder = repository(tmp_path / "r")
    start = commit(folder, {"a.c": BODY, "b.c": b"b\n"})
    commit(folder, {"b.c": None} if kind == "delete" else {"n.c": b"n\n"})
    patches, _ = series_of(folder, start)
    if kind == "twice":
        patches = [*patches, *patches]
    if kind == "delete":
        patches = [*patches, *patches]
    if kind == "add":
        patches = [(*patches[0], *patches[0])]
    result = whole_images(open_tree(folder, start), patches)
    assert result.files == ()
    assert len(result.limitations) == 1
