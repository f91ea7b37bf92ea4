"""Old texts made to fit: hunks stand as they are, the rest is the tree's, nothing is made up."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from git_diffs import commit, git, read_diff, repository
from hypothesis import given, settings
from hypothesis import strategies as st

from patchlint.model import budget
from patchlint.model.diff import DiffLine, Hunk
from patchlint.patch.apply import whole_images
from patchlint.patch.hunks import Applied, Text, apply_hunks, old_lines, put_hunks
from patchlint.patch.images import compose
from patchlint.patch.merge import UNKNOWN, merge, misfits, placed
from patchlint.patch.nearest import Filled, OldText, tell
from patchlint.patch.trees import open_tree

FILE = b"""\
#include <linux/lamp.h>

static void lamp_dim(struct lamp *lamp)
{
	lamp->level = 1;
	lamp_write(lamp);
}

static void lamp_stop(struct lamp *lamp)
{
	mutex_lock(&lamp->lock);
	lamp->on = false;
	lamp_write(lamp);
	mutex_unlock(&lamp->lock);
	lamp_put(lamp);
}

static int lamp_close(struct inode *inode, struct file *file)
{
	struct lamp *lamp = file->private_data;

	lamp_stop(lamp);
	fput(lamp->backing);
	return 0;
}
"""


def diff(before, after, folder):
    start = commit(repository(folder), {"lamp.c": before})
    commit(folder, {"lamp.c": after})
    return read_diff(git(folder, "diff-tree", "-p", "--no-commit-id", start, "HEAD"))


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "1 of 3 "), (2, "here and in 1 more file 2 "), (3, "here and in 2 more files 3 ")],
)
def test_how_many_other_files_were_made_to_fit_is_said_in_grammar(number, said):
    old = OldText(b"", "base", "lamp.c", "v6.1")
    [limitation] = tell([Filled(f"{at}.c", old, 1, 3) for at in range(number)])
    assert limitation.message.startswith(said)


def composed(tree_text, before, after, tmp_path):
    """The pair of images of the patch from ``before`` to ``after`` in a tree with another text."""
    files = diff(before, after, tmp_path / "author")
    commit(repository(tmp_path / "tree"), {"lamp.c": tree_text})
    whole = whole_images(open_tree(tmp_path / "tree"), [files])
    composition = compose([(1, whole.diffs[0], None)], whole.texts([1]), whole.parts([1]))
    assert composition.limitations == ()
    (pair,) = composition.state(1).files
    return whole, pair


def test_lines_that_the_tree_has_otherwise_are_those_of_the_hunk(tmp_path):
    before = FILE.replace(b"lamp->on = false;", b"lamp->state = OFF;")
    after = before.replace(b"\tlamp_put(lamp);\n", b"\tlamp_put_later(lamp);\n")
    whole, pair = composed(FILE, before, after, tmp_path)
    # both ends of the hunk are the tree's: nothing is unknown, the file is what the author had
    assert whole.images == "mixed"
    assert (pair.pre.whole, pair.post.whole) == (True, True)
    assert pair.pre.text == before
    assert pair.post.text == after


def test_what_an_edge_stands_for_leaves_every_block_as_it_was(tmp_path):
    tree = FILE.replace(
        b"\tlamp->on = false;\n", b"\tif (lamp->on) {\n\t\tlamp->on = false;\n\t}\n"
    )
    before = tree.replace(b"\t\tlamp->on = false;\n", b"\t\tlamp_set(lamp,\n\t\t\t false);\n")
    after = before.replace(b"\tmutex_lock(&lamp->lock);\n", b"\tlamp_lock(lamp);\n")
    whole, pair = composed(tree, before, after, tmp_path)
    assert whole.images == "mixed"
    assert pair.pre.text == before
    assert pair.post.text == after


def test_where_a_hunk_begins_otherwise_the_function_above_it_is_unknown(tmp_path):
    before = FILE.replace(
        b"\tlamp->on = false;\n\tlamp_write(lamp);\n\tmutex_unlock(&lamp->lock);\n",
        b"\tlamp_blink(lamp);\n\tlamp_log(lamp);\n\tlamp_store(lamp);\n",
    )
    after = before.replace(b"\tlamp_put(lamp);\n", b"\tlamp_put_later(lamp);\n")
    _, pair = composed(FILE, before, after, tmp_path)
    pre = pair.pre.text.split(b"\n")
    known = [line for number, line in enumerate(pre, 1) if pair.pre.knows(number)]
    assert b"\tlamp_store(lamp);" in known
    assert b"\tlamp->on = false;" not in known
    # the header, and the functions around, are the tree's
    assert b"static void lamp_stop(struct lamp *lamp)" in known
    assert b"\tfput(lamp->backing);" in known
    assert b"\tlamp->level = 1;" in known
    # the lines above that are not the hunk's may stand in the author's function or not
    assert known.count(b"\tmutex_lock(&lamp->lock);") == 0


def test_a_function_that_the_tree_does_not_have_stands_alone(tmp_path):
    fresh = b"""
static void lamp_retire(struct lamp *lamp)
{
	list_del(&lamp->node);
	lamp_unplug(lamp);
	lamp_cool_down(lamp);
	kobject_put(&lamp->kobj);
	lamp_count_down();
	lamp_tell(lamp);
	lamp_note(lamp);
}
"""
    before = FILE + fresh
    after = before.replace(b"\tkobject_put(&lamp->kobj);\n", b"\tqueue_work(wq, &lamp->work);\n")
    _, pair = composed(FILE, before, after, tmp_path)
    pre = pair.pre.text.split(b"\n")
    at = pre.index(b"\tkobject_put(&lamp->kobj);") + 1
    assert pair.pre.knows(at)
    assert not pair.pre.knows(at - 4)
    assert not pair.pre.knows(at + 4)
    header = next(n for n in range(at, 0, -1) if b"lamp_retire" in pre[n - 1])
    assert header in pair.pre.headers
    assert b"static int lamp_close(struct inode *inode, struct file *file)" in pre


def test_a_function_that_the_patch_adds_and_the_tree_has_elsewhere_is_there_once(tmp_path):
    helper = b"static void lamp_off(struct lamp *lamp)\n{\n\tlamp->on = false;\n}\n\n"
    before = FILE.replace(b"\tlamp->on = false;\n", b"\tlamp->state = OFF;\n")
    after = before.replace(b"static void lamp_stop", helper + b"static void lamp_stop").replace(
        b"\tlamp->state = OFF;\n", b"\tlamp_off(lamp);\n"
    )
    tree = FILE.replace(b"static int lamp_close", helper + b"static int lamp_close")
    _, pair = composed(tree, before, after, tmp_path)
    for image, times in ((pair.pre, 0), (pair.post, 1)):
        known = [
            line
            for number, line in enumerate(image.text.split(b"\n"), 1)
            if image.knows(number) and line.startswith(b"static void lamp_off(")
        ]
        assert len(known) == times


def test_a_hunk_goes_into_its_function_whose_type_stands_on_the_line_above(tmp_path):
    tree = FILE.replace(
        b"static void lamp_stop(struct lamp *lamp)\n",
        b"static void\nlamp_stop(struct lamp *lamp)\n",
    )
    before = tree.replace(
        b"\tmutex_lock(&lamp->lock);\n\tlamp->on = false;\n\tlamp_write(lamp);\n"
        b"\tmutex_unlock(&lamp->lock);\n\tlamp_put(lamp);\n",
        b"\tlamp_a(1);\n\tlamp_b(2);\n\tlamp_c(3);\n\tlamp_d(4);\n\tlamp_e(5);\n"
        b"\tlamp_f(6);\n\tlamp_g(7);\n\tlamp_h(8);\n",
    )
    after = before.replace(b"\tlamp_d(4);\n", b"\tlamp_later(4);\n")
    _, pair = composed(tree, before, after, tmp_path)
    lines = pair.pre.text.split(b"\n")
    at = lines.index(b"\tlamp_d(4);")
    assert lines.index(b"lamp_stop(struct lamp *lamp)") < at
    assert at < lines.index(b"static int lamp_close(struct inode *inode, struct file *file)")


def test_of_a_table_that_drifted_only_what_joins_the_lines_is_unknown(tmp_path):
    rows = [b"\t.%s = lamp_%s,\n" % (name, name) for name in b"a b c d e f g h i j".split()]
    table = b"static const struct ops lamp_ops = {\n%s};\n"
    tree = FILE + table % b"".join(rows)
    before = FILE + table % b"".join(
        [*rows[:3], *(b"\t.n%d = f,\n" % n for n in range(3)), *rows[6:]]
    )
    after = before.replace(b"\t.g = lamp_g,\n", b"\t.g = lamp_later,\n")
    _, pair = composed(tree, before, after, tmp_path)
    lines = pair.pre.text.split(b"\n")
    known = [line for number, line in enumerate(lines, 1) if pair.pre.knows(number)]
    assert {row.rstrip(b"\n") for row in (*rows[:3], *rows[6:])} <= {*known}


def test_a_file_goes_to_the_folder_to_which_others_of_the_series_have_moved(tmp_path):
    author = repository(tmp_path / "author")
    small = b"int lamp_count;\nint lamp_rest_of_it;\nint lamp_third_one;\nint lamp_fourth_one;\n"
    start = commit(author, {"a/lamp/core.c": FILE, "a/lamp/file.c": small})
    commit(
        author,
        {
            "a/lamp/core.c": FILE.replace(b"fput(", b"fput_later("),
            "a/lamp/file.c": small.replace(b"rest_of_it", b"rest_of_all"),
        },
    )
    files = read_diff(git(author, "diff-tree", "-r", "-p", "--no-commit-id", start, "HEAD"))
    blind = [type(f)(f.old_path, f.new_path, f.kind, f.hunks) for f in files]
    tree = repository(tmp_path / "tree")
    commit(tree, {"Kbuild": b"", "b/x/core.c": FILE, "b/x/file.c": b"int lamp_count;\n"})
    whole = whole_images(open_tree(tree), [blind])
    assert whole.moved == {"a/lamp/core.c": "b/x/core.c", "a/lamp/file.c": "b/x/file.c"}


def test_of_two_places_that_look_alike_the_one_that_the_hunk_is_nearer_to_is_taken(tmp_path):
    # both functions begin with the same lines; only one goes on as the hunk does
    tree = FILE.replace(
        b"static int lamp_close",
        b"static void lamp_kick(struct lamp *lamp)\n{\n\tmutex_lock(&lamp->lock);\n"
        b"\tlamp->kicked++;\n}\n\nstatic int lamp_close",
    )
    before = tree.replace(b"\tlamp->on = false;\n\tlamp_write(lamp);\n", b"\tlamp_dark(lamp);\n")
    after = before.replace(b"\tlamp_dark(lamp);\n", b"\tlamp_dark_later(lamp);\n")
    _, pair = composed(tree, before, after, tmp_path)
    assert b"static void lamp_kick" in pair.pre.text
    lines = pair.post.text.split(b"\n")
    at = lines.index(b"\tlamp_dark_later(lamp);")
    assert b"static void lamp_stop(struct lamp *lamp)" in lines[at - 4 : at]


def test_a_file_under_another_name_is_found_by_its_lines(tmp_path):
    after = FILE.replace(b"\tfput(lamp->backing);\n", b"\tfput_later(lamp->backing);\n")
    files = diff(FILE, after, tmp_path / "author")
    tree = repository(tmp_path / "tree")
    commit(
        tree, {"drivers/lamp/lamp.c": FILE.replace(b"level = 1", b"level = 2"), "x/lamp.c": b"x\n"}
    )
    whole = whole_images(open_tree(tree), [files])
    assert whole.moved == {"lamp.c": "drivers/lamp/lamp.c"}
    assert [(h.path, h.source, h.filled) for h in whole.files] == [("lamp.c", "moved", False)]
    assert b"level = 2" in whole.files[0].old


def test_a_file_that_has_another_name_and_folder_is_found_by_its_functions(tmp_path):
    after = FILE.replace(b"\tfput(lamp->backing);\n", b"\tfput_later(lamp->backing);\n")
    files = diff(FILE, after, tmp_path / "author")
    tree = repository(tmp_path / "tree")
    user = b"int x(void)\n{\n\treturn lamp_close(0, 0);\n}\n"
    commit(
        tree,
        {
            "Kbuild": b"",
            "light/core.c": FILE.replace(b"level = 1", b"level = 2"),
            "light/user.c": user,
        },
    )
    whole = whole_images(open_tree(tree), [files])
    assert whole.moved == {"lamp.c": "light/core.c"}
    assert b"level = 2" in whole.files[0].old


def test_a_file_of_that_name_with_other_lines_is_not_taken_for_it(tmp_path):
    after = FILE.replace(b"\tfput(lamp->backing);\n", b"\tfput_later(lamp->backing);\n")
    files = diff(FILE, after, tmp_path / "author")
    tree = repository(tmp_path / "tree")
    commit(
        tree, {"Kbuild": b"", "x/lamp.c": FILE.replace(b"lamp", b"door").replace(b"fput", b"put")}
    )
    whole = whole_images(open_tree(tree), [files])
    assert whole.failed == {"lamp.c"}
    assert whole.images == "hunks"


def test_the_tag_whose_text_fits_is_taken_before_one_is_made_to_fit(tmp_path):
    older = FILE.replace(b"lamp->on = false;", b"lamp->state = OFF;")
    after = older.replace(b"\tlamp_put(lamp);\n", b"\tlamp_put_later(lamp);\n")
    files = diff(older, after, tmp_path / "author")
    tree = repository(tmp_path / "tree")
    commit(tree, {"lamp.c": b"old\n"})
    git(tree, "tag", "v1")
    commit(tree, {"lamp.c": older + b"/* v2 */\n"})
    git(tree, "tag", "v2")
    commit(tree, {"lamp.c": FILE})
    # without ids in the index line only the tags can tell
    blind = tuple(type(f)(f.old_path, f.new_path, f.kind, f.hunks) for f in files)
    (history,) = whole_images(open_tree(tree), [blind]).files
    assert (history.source, history.filled) == ("tag", False)
    assert history.old == older + b"/* v2 */\n"


def test_the_blob_after_the_patch_tells_the_one_before_it(tmp_path):
    after = FILE.replace(b"\tlamp_put(lamp);\n", b"\tlamp_put_later(lamp);\n")
    files = diff(FILE, after, tmp_path / "author")
    tree = repository(tmp_path / "tree")
    commit(tree, {"lamp.c": after})
    commit(tree, {"lamp.c": b"rewritten\n"})
    (history,) = whole_images(open_tree(tree), [files]).files
    assert (history.source, history.old) == ("blob", FILE)


def test_a_second_tree_is_asked_where_the_first_does_not_fit(tmp_path):
    after = FILE.replace(b"\tlamp_put(lamp);\n", b"\tlamp_put_later(lamp);\n")
    files = diff(FILE, after, tmp_path / "author")
    blind = tuple(type(f)(f.old_path, f.new_path, f.kind, f.hunks) for f in files)
    first, second = repository(tmp_path / "first"), repository(tmp_path / "second")
    commit(first, {"lamp.c": FILE.replace(b"lamp->on", b"lamp->off")})
    commit(second, {"lamp.c": FILE})
    (history,) = whole_images(open_tree(first), [blind], others=[open_tree(second)]).files
    assert (history.filled, history.old) == (False, FILE)


def test_a_series_is_followed_through_a_text_that_was_made_to_fit(tmp_path):
    author = repository(tmp_path / "author")
    states = [FILE.replace(b"lamp->on = false;", b"lamp->state = OFF;")]
    states.append(states[0].replace(b"\tlamp_put(lamp);\n", b"\tlamp_drop(lamp);\n"))
    states.append(states[1].replace(b"\tlamp_drop(lamp);\n", b"\tlamp_drop_later(lamp);\n"))
    states.append(states[2].replace(b"\tlamp->level = 1;\n", b"\tlamp->level = 2;\n"))
    commits = [commit(author, {"lamp.c": state}) for state in states]
    patches = [
        read_diff(git(author, "diff-tree", "-p", "--no-commit-id", a, b))
        for a, b in pairwise(commits)
    ]
    tree = repository(tmp_path / "tree")
    commit(tree, {"lamp.c": FILE})
    whole = whole_images(open_tree(tree), patches)
    numbered = [(n, whole.diffs[n - 1], None) for n in (1, 2, 3)]
    composition = compose(numbered, whole.texts([1, 2, 3]), whole.parts([1, 2, 3]))
    assert composition.limitations == ()
    for count in (1, 2, 3):
        (pair,) = composition.state(count).files
        assert pair.pre.text == states[0]
        assert pair.post.text == states[count]
    # said once
    assert len(whole.limitations) == 1


def test_patches_that_contradict_each_other_leave_the_hunks_alone(tmp_path):
    states = [
        FILE,
        FILE.replace(b"\tlamp_put(lamp);\n", b"\tlamp_drop(lamp);\n\tlamp_tell(lamp);\n"),
    ]
    first = diff(*states, tmp_path / "a")
    second = diff(
        states[1].replace(b"lamp_tell", b"lamp_shout"),
        states[1].replace(b"lamp_tell(lamp)", b"lamp_cry(lamp)"),
        tmp_path / "b",
    )
    tree = repository(tmp_path / "tree")
    commit(tree, {"lamp.c": FILE})
    whole = whole_images(open_tree(tree), [first, second])
    assert whole.failed == {"lamp.c"}


def work(functions):
    """What it costs to make a file of so many functions fit a hunk that rewrites all of them."""
    body = "static void f{n}(void)\n{{\n\tlock();\n\t{what}({n});\n\tput(x{n});\n}}\n\n"
    there = "".join(body.format(n=n, what="go") for n in range(functions))
    shown = "".join(body.format(n=n, what="run") for n in range(functions)).split("\n")[:-1]
    lines = tuple(DiffLine("-", line, n, None) for n, line in enumerate(shown, 1))
    hunk = Hunk(1, len(lines), 0, 0, "", lines)
    with budget.limited(budget.Budget()) as spent:
        assert merge(Text.of(there.encode()), ((1, (hunk,)),)) is not None
    return spent.spent


def test_work_grows_with_the_text_and_not_faster():
    assert work(200) <= 2.5 * work(100)
    # a rewrite of a whole file is not compared line by line
    assert work(2000) <= 25 * work(100)


LINES = st.lists(
    st.sampled_from(
        [
            b"static void a(void)",
            b"static void b(void)",
            b"{",
            b"}",
            b"",
            b"\tput(x);",
            b"\tput(y);",
            b"\tif (x)",
            b"\t\treturn;",
            b"out:",
            b"\tlock(&l->lock);",
        ]
    ),
    min_size=4,
    max_size=40,
)


def edit(draw, lines):
    changed = list(lines)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(changed)))
        gone = draw(st.integers(0, 3))
        changed[at : at + gone] = draw(LINES)[: draw(st.integers(0, 3))]
    return changed


@st.composite
def drifted(draw):
    """What a tree has, what the author had, and what he made of it."""
    before = draw(LINES)
    return edit(draw, before), before, edit(draw, before)


def text(lines):
    return b"".join(line + b"\n" for line in lines)


@given(drifted())
@settings(max_examples=60)
def test_every_line_is_the_trees_or_a_hunks_or_unknown(texts):
    tree, before, after = texts
    if before == after:
        return
    with tempfile.TemporaryDirectory() as folder:
        (file,) = diff(text(before), text(after), Path(folder) / "r")
    merged = merge(Text.of(text(tree)), ((1, file.hunks),))
    shown = {line for hunk in file.hunks for line in old_lines(hunk)}
    if merged is None:
        # no line tells where it belongs: then the hunks are all that is known
        assert not any(tree.count(line) == before.count(line) == 1 for line in shown)
        return
    assert set(merged.text.lines) <= {*tree, *shown, UNKNOWN}
    done = put_hunks(merged.text, file.hunks, merged.places[1])
    moved = placed(file.hunks, merged.places[1])
    for hunk in moved:
        old, new = old_lines(hunk), [line.text.encode() for line in hunk.lines if line.kind != "-"]
        start = hunk.old_start - bool(old)
        assert [*merged.text.lines[start : start + len(old)]] == old
        start = hunk.new_start - bool(new)
        assert [*done.lines[start : start + len(new)]] == new


@given(drifted())
@settings(max_examples=40)
def test_a_text_that_the_hunks_apply_to_is_left_alone(texts):
    _, before, after = texts
    if before == after:
        return
    with tempfile.TemporaryDirectory() as folder:
        (file,) = diff(text(before), text(after), Path(folder) / "r")
    own = Text.of(text(before))
    merged = merge(own, ((1, file.hunks),))
    assert merged is not None
    assert (merged.text.lines, merged.forced) == (own.lines, 0)
    assert misfits(own, ((1, file.hunks),)) == (0, 0)
    applied = apply_hunks(own, file.hunks)
    assert isinstance(applied, Applied)
    assert put_hunks(own, file.hunks, merged.places[1]).content == text(after)


@pytest.mark.parametrize("patch", ["", "f"])
def test_images_of_other_files_do_not_matter(patch, tmp_path):
    """A list of maintainers that has drifted makes no image less than whole."""
    author = repository(tmp_path / "author")
    people = b"".join(b"person %d\n" % n for n in range(30))
    start = commit(author, {"MAINTAINERS": people.replace(b"15", b"XV"), "lamp.c": FILE})
    commit(
        author,
        {
            "MAINTAINERS": people.replace(b"15", b"XV").replace(b"16", b"XVI" + patch.encode()),
            "lamp.c": FILE.replace(b"fput(", b"fput_later("),
        },
    )
    files = read_diff(git(author, "diff-tree", "-p", "--no-commit-id", start, "HEAD"))
    tree = repository(tmp_path / "tree")
    commit(tree, {"MAINTAINERS": people, "lamp.c": FILE})
    whole = whole_images(open_tree(tree), [files])
    assert (whole.images, whole.limitations) == ("whole", ())
