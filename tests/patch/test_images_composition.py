"""Composition: exact lines on both sides, through any number of patches."""

from __future__ import annotations

import difflib
import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from patchlint.model.diff import DiffLine, FileDiff, Hunk
from patchlint.patch.images import compose

HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def hunks_between(old, new, context=3, section=""):
    found, lines, numbers = [], [], ()

    def close():
        if numbers:
            found.append(Hunk(*numbers, section, tuple(lines)))

    a = b = 0
    for text in list(difflib.unified_diff(old, new, n=context, lineterm=""))[2:]:
        header = HEADER.match(text)
        if header:
            close()
            lines = []
            numbers = tuple(1 if group is None else int(group) for group in header.groups())
            a = numbers[0] + (numbers[1] == 0)
            b = numbers[2] + (numbers[3] == 0)
            continue
        kind = text[0]
        lines.append(
            DiffLine(kind, text[1:], None if kind == "+" else a, None if kind == "-" else b)
        )
        a += kind != "+"
        b += kind != "-"
    close()
    return tuple(found)


def change(old, new, path="a.c", context=3):
    return FileDiff(path, path, "modify", hunks_between(old, new, context))


LINES = st.lists(st.sampled_from(["a", "b", "\tc", "", "d {", "}", "e;", "é", "x\r"]), max_size=30)


@st.composite
def histories(draw):
    """A file as a list of texts: each made from the one before by a few edits."""
    texts = [draw(LINES)]
    for _ in range(draw(st.integers(1, 4))):
        text = list(texts[-1])
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(text)))
            text[at : at + draw(st.integers(0, 4))] = draw(
                st.lists(st.sampled_from("abXYZ"), max_size=3)
            )
        texts.append(text)
    return texts


def assert_true_to(image, text):
    lines = image.text.decode().split("\n")
    for first, last in image.known:
        assert 1 <= first <= last <= len(text)
        for number in range(first, last + 1):
            assert lines[number - 1] == text[number - 1]


@given(histories(), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_known_lines_are_the_files_own_on_both_sides(texts, context):
    diffs = [
        (number, [change(old, new, context=context)], None)
        for number, (old, new) in enumerate(pairwise(texts), 1)
    ]
    composition = compose(diffs)
    assert composition.limitations == ()
    for k in range(1, len(texts)):
        (pair,) = composition.state(k).files
        assert_true_to(pair.pre, texts[0])
        assert_true_to(pair.post, texts[k])
        for before, after in pair.kept.items():
            assert pair.pre.knows(before)
            assert pair.post.knows(after)
            assert texts[0][before - 1] == texts[k][after - 1]
        assert list(pair.kept.values()) == sorted(set(pair.kept.values()))


@given(histories())
@settings(max_examples=200, deadline=None)
def test_whole_pre_image_gives_whole_post_image(texts):
    encoded = [("".join(line + "\n" for line in text)).encode() for text in texts]
    diffs = [
        (number, [change(old, new)], None) for number, (old, new) in enumerate(pairwise(texts), 1)
    ]
    composition = compose(diffs, {(1, "a.c"): (encoded[0], None)})
    assert composition.limitations == ()
    for k in range(1, len(texts)):
        (pair,) = composition.state(k).files
        assert pair.pre.whole
        assert pair.post.whole
        assert pair.pre.text == encoded[0]
        assert pair.post.text == encoded[k]


@given(histories(), st.integers(0, 4))
@settings(max_examples=200, deadline=None)
def test_a_missing_patch_is_said_and_never_raises(texts, missing):
    diffs = [
        (number, [change(old, new)], "id@example.org")
        for number, (old, new) in enumerate(pairwise(texts), 1)
        if number != missing
    ]
    composition = compose(diffs)
    for state in composition.states:
        for pair in state.files:
            for image in (pair.pre, pair.post):
                assert image.text.count(b"\n") >= max((last for _, last in image.known), default=0)
    assert all(limit.message_id == "id@example.org" for limit in composition.limitations)


def diff(old, new, texts, kind):
    return FileDiff(old, new, kind, hunks_between(*texts))


def compose_of(*patches):
    return compose(
        [(number, files, f"{number}@example.org") for number, files in enumerate(patches, 1)]
    )


TEXT = [f"line {number}" for number in range(1, 41)]
EDITED = [*TEXT[:19], "edited", *TEXT[20:]]


def test_the_image_before_knows_lines_that_only_later_patches_show():
    later = [*EDITED[:4], "early", *EDITED[4:]]
    composition = compose_of([change(TEXT, EDITED)], [change(EDITED, later)])
    (first,) = composition.state(1).files
    assert first.pre.known == ((2, 7), (17, 23))
    assert first.post.known == ((2, 7), (17, 23))
    assert first.touched == (1,)
    (second,) = composition.state(2).files
    assert second.pre.known == first.pre.known
    assert second.post.known == ((2, 8), (18, 24))
    assert second.kept[17] == 18
    assert 20 not in second.kept
    assert second.touched == (1, 2)
    assert [state.upto for state in composition.states] == [0, 1, 2]
    assert composition.state(0).files == ()


def test_an_added_file_is_whole_and_has_no_image_before():
    composition = compose_of(
        [diff(None, "new.c", ([], TEXT), "add")], [change(TEXT, EDITED, "new.c")]
    )
    (pair,) = composition.state(2).files
    assert (pair.pre, pair.old_path, pair.kept) == (None, None, {})
    assert pair.post.whole
    assert pair.post.text.decode().split("\n")[:-1] == EDITED


def test_a_deleted_file_is_whole_and_has_no_image_after():
    composition = compose_of([diff("old.c", None, (TEXT, []), "delete")])
    (pair,) = composition.state(1).files
    assert pair.post is None
    assert pair.pre.whole
    assert pair.path == pair.old_path == "old.c"


def test_a_file_that_comes_and_goes_leaves_nothing():
    composition = compose_of(
        [diff(None, "x.c", ([], TEXT), "add")], [diff("x.c", None, (TEXT, []), "delete")]
    )
    assert composition.state(2).files == ()
    assert len(composition.state(1).files) == 1


def test_a_deleted_file_that_is_added_again_keeps_its_image_before():
    composition = compose_of(
        [diff("x.c", None, (TEXT, []), "delete")], [diff(None, "x.c", ([], EDITED), "add")]
    )
    (pair,) = composition.state(2).files
    assert pair.pre.text.decode().split("\n")[:-1] == TEXT
    assert pair.post.text.decode().split("\n")[:-1] == EDITED
    assert pair.kept == {}


def test_a_renamed_file_keeps_its_lines():
    composition = compose_of(
        [change(TEXT, EDITED, "a.c")],
        [diff("a.c", "b.c", (EDITED, TEXT), "rename")],
    )
    (pair,) = composition.state(2).files
    assert (pair.old_path, pair.path) == ("a.c", "b.c")
    assert (pair.pre.path, pair.post.path) == ("a.c", "b.c")
    assert pair.kept[18] == 18


def test_two_files_can_swap_their_names():
    composition = compose_of(
        [change(TEXT, EDITED, "a.c"), change(EDITED, TEXT, "b.c")],
        [FileDiff("a.c", "b.c", "rename", ()), FileDiff("b.c", "a.c", "rename", ())],
        [change(EDITED, TEXT, "b.c")],
    )
    assert composition.limitations == ()
    assert {(p.old_path, p.path, p.touched) for p in composition.state(3).files} == {
        ("a.c", "b.c", (1, 2, 3)),
        ("b.c", "a.c", (1, 2)),
    }


def test_a_copy_is_a_new_file_that_knows_what_its_source_showed():
    composition = compose_of(
        [change(TEXT, EDITED, "a.c")],
        [diff("a.c", "b.c", (EDITED, [*EDITED[:30], "more", *EDITED[30:]]), "copy")],
    )
    source, copy = composition.state(2).files
    assert (copy.pre, copy.old_path, copy.path) == (None, "a.c", "b.c")
    assert copy.post.known == ((17, 23), (28, 34))
    assert source.pre.known == ((17, 23), (28, 33))


def test_mode_changes_and_binary_files_have_empty_images():
    composition = compose_of(
        [FileDiff("run.sh", "run.sh", "mode", ()), FileDiff(None, "logo.png", "binary", ())]
    )
    script, logo = composition.state(1).files
    assert (script.pre.known, script.post.known) == ((), ())
    assert logo.pre is None
    assert (logo.post.known, logo.post.whole) == ((), False)


def test_contradiction_is_said_and_the_newer_patch_wins():
    other = [f"other {number}" for number in range(1, 41)]
    composition = compose_of([change(TEXT, EDITED)], [change(other, [*other[:19], *other[20:]])])
    (limit,) = composition.limitations
    assert (limit.stage, limit.path, limit.message_id) == ("images", "a.c", "2@example.org")
    assert "hunk 1 (@@ -17,7 +17,6 @@)" in limit.message
    (before,) = composition.state(1).files
    assert before.pre.text.split(b"\n")[16] == b"line 17"
    (after,) = composition.state(2).files
    assert after.pre.text.split(b"\n")[16] == b"other 17"
    assert after.touched == (1, 2)


def test_a_missing_patch_that_only_moved_lines_is_made_up_for():
    between = ["new 1", "new 2", *EDITED]
    last = [*between[:22], "at the end", *between[22:]]
    composition = compose(
        [(1, [change(TEXT, EDITED)], None), (3, [change(between, last)], "3@example.org")]
    )
    (limit,) = composition.limitations
    assert "2 lines came before it" in limit.message
    (pair,) = composition.state(2).files
    assert_true_to(pair.pre, TEXT)
    assert_true_to(pair.post, last)
    assert pair.kept[19] == 21
    assert pair.touched == (1, 3)


def test_a_missing_patch_that_removed_lines_before_is_made_up_for():
    between = EDITED[2:]
    last = [*between[:18], "at the end", *between[18:]]
    composition = compose([(1, [change(TEXT, EDITED)], None), (3, [change(between, last)], None)])
    assert "2 lines went before it" in composition.limitations[0].message
    (pair,) = composition.state(2).files
    assert_true_to(pair.post, last)
    assert pair.kept[19] == 17


def test_hunks_that_overlap_are_left_out_and_said():
    (hunk,) = hunks_between(TEXT, EDITED)
    composition = compose_of([FileDiff("a.c", "a.c", "modify", (hunk, hunk))])
    assert [limit.message_id for limit in composition.limitations] == ["1@example.org"] * 2
    (pair,) = composition.state(1).files
    assert_true_to(pair.post, EDITED)


def test_a_change_of_a_deleted_file_is_said():
    composition = compose_of(
        [diff("x.c", None, (TEXT, []), "delete")], [change(TEXT, EDITED, "x.c")]
    )
    assert "an earlier patch deleted" in composition.limitations[0].message
    (pair,) = composition.state(2).files
    assert pair.pre.known == ((17, 23),)


def encoded(text):
    return "".join(line + "\n" for line in text).encode()


def test_a_whole_text_at_a_later_patch_makes_the_image_before_whole():
    later = [*EDITED[:4], "early", *EDITED[4:]]
    composition = compose(
        [(1, [change(TEXT, EDITED)], None), (2, [change(EDITED, later)], None)],
        {(2, "a.c"): (encoded(EDITED), None)},
    )
    assert composition.limitations == ()
    (pair,) = composition.state(1).files
    assert (pair.pre.whole, pair.post.whole) == (True, True)
    assert pair.pre.text == encoded(TEXT)


def test_whole_texts_where_hunks_went_in_with_an_offset():
    shifted = ["top", *TEXT]
    result = ["top", *EDITED]
    composition = compose(
        [(1, [change(TEXT, EDITED)], None)], {(1, "a.c"): (encoded(shifted), encoded(result))}
    )
    (pair,) = composition.state(1).files
    assert pair.post.text == encoded(result)
    assert pair.kept[20] == 20
    assert 21 not in pair.kept
    assert pair.kept[22] == 22


def test_a_tree_that_does_not_fit_the_earlier_patches_is_said():
    composition = compose(
        [(1, [change(TEXT, EDITED)], None), (2, [change(EDITED, TEXT)], "2@example.org")],
        {(2, "a.c"): (encoded(["else", *EDITED]), encoded(["else", *TEXT]))},
    )
    (limit,) = composition.limitations
    assert limit.message_id == "2@example.org"
    assert composition.state(2).files[0].pre.text == encoded(["else", *EDITED])


FUNCTION = [
    "static int old_name(int a)", "{", *[f"\tstep({n});" for n in range(3, 40)], "}",
]  # fmt: skip


def named(hunks, section):
    return tuple(replace(h, section=section) for h in hunks)


def test_a_later_patchs_section_is_read_as_the_image_names_the_function():
    renamed = ["static int new_name(int a)", *FUNCTION[1:]]
    edited = [*renamed[:29], "\textra();", *renamed[29:]]
    composition = compose_of(
        [FileDiff("a.c", "a.c", "modify", hunks_between(FUNCTION, renamed))],
        [FileDiff("a.c", "a.c", "modify", named(hunks_between(renamed, edited), renamed[0]))],
    )
    (pair,) = composition.state(2).files
    assert pair.pre.headers == pair.post.headers == frozenset()
    assert b"new_name" not in pair.pre.text
    assert b"old_name" not in pair.post.text


def test_a_function_split_in_two_goes_on_under_its_new_name_after_the_patch():
    split = [*FUNCTION[:12], "}", "", "static int second(void)", "{", *FUNCTION[12:]]
    edited = [*split[:39], "\textra();", *split[39:]]
    composition = compose_of(
        [FileDiff("a.c", "a.c", "modify", named(hunks_between(FUNCTION, split), FUNCTION[0]))],
        [FileDiff("a.c", "a.c", "modify", named(hunks_between(split, edited), split[14]))],
    )
    (pair,) = composition.state(2).files
    assert pair.post.headers == {9}
    assert b"second" not in pair.pre.text
    assert pair.pre.headers == {9}


def test_hunks_with_an_offset_say_which_of_equal_lines_is_new():
    old = ["one more", *TEXT[:18], "}", *TEXT[18:]]
    new = ["one more", *TEXT[:18], "}", "{", "}", *TEXT[18:]]
    lines = (
        DiffLine(" ", "line 18", 18, 18),
        DiffLine("+", "}", None, 19),
        DiffLine("+", "{", None, 20),
        DiffLine(" ", "}", 19, 21),
        DiffLine(" ", "line 19", 20, 22),
    )
    hunk = Hunk(18, 3, 18, 5, "", lines)
    composition = compose(
        [(1, [FileDiff("a.c", "a.c", "modify", (hunk,))], None)],
        {(1, "a.c"): (encoded(old), encoded(new))},
    )
    (pair,) = composition.state(1).files
    assert pair.post.text == encoded(new)
    assert pair.kept[20] == 22


# -- one patch alone ---------------------------------------------------------------------------


@given(histories(), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_one_patch_alone_shows_what_it_found_and_what_it_left(texts, context):
    composition = compose(
        [
            (number, [change(old, new, context=context)], None)
            for number, (old, new) in enumerate(pairwise(texts), 1)
        ]
    )
    for k, (old, new) in enumerate(pairwise(texts), 1):
        for pair in composition.step(k).files:
            assert_true_to(pair.pre, old)
            assert_true_to(pair.post, new)
            for before, after in pair.kept.items():
                assert old[before - 1] == new[after - 1]
            after = [new for _old, new in sorted(pair.kept.items())]
            assert after == sorted(set(after))


@given(histories())
@settings(max_examples=100, deadline=None)
def test_the_first_patch_alone_is_the_first_state(texts):
    composition = compose([(1, [change(texts[0], texts[1])], None)])
    assert composition.step(1).files == composition.state(1).files


def test_a_file_of_another_patch_is_the_same_on_both_sides():
    composition = compose_of([change(TEXT, EDITED)], [change(TEXT, EDITED, "b.c")])
    first, second = composition.step(1), composition.step(2)
    assert {pair.path: pair.touched for pair in first.files} == {"a.c": (1,), "b.c": ()}
    around = next(pair for pair in second.files if pair.path == "a.c")
    assert around.pre is around.post
    assert_true_to(around.post, EDITED)
    before = next(pair for pair in first.files if pair.path == "b.c")
    assert_true_to(before.post, TEXT)
    assert all(old == new for old, new in around.kept.items())


def test_a_line_that_an_earlier_patch_added_is_kept_by_a_later_one():
    longer = ["first", *EDITED]
    composition = compose_of([change(TEXT, EDITED)], [change(EDITED, longer)])
    (second,) = composition.step(2).files
    assert second.kept[20] == 21
    assert second.pre.text.decode().split("\n")[19] == "edited"


def test_a_line_that_the_patch_itself_replaced_is_not_kept():
    again = [*TEXT[:19], "again", *TEXT[20:]]
    composition = compose_of([change(TEXT, EDITED)], [change(EDITED, again)])
    (second,) = composition.step(2).files
    assert 20 not in second.kept
    assert second.kept[19] == 19


def test_a_file_that_a_patch_adds_has_nothing_before_it_and_is_there_for_the_next():
    composition = compose_of(
        [diff(None, "new.c", ([], TEXT), "add")], [change(TEXT, EDITED, "new.c")]
    )
    (first,), (second,) = composition.step(1).files, composition.step(2).files
    assert first.pre is None
    assert second.pre.text == first.post.text
    assert_true_to(second.post, EDITED)


def test_of_two_equal_lines_of_an_earlier_patch_the_one_that_stayed_is_kept():
    twice = [*TEXT[:10], "put", *TEXT[10:12], "put", *TEXT[12:]]
    once = [*TEXT[:12], "put", *TEXT[12:]]
    composition = compose_of([change(TEXT, twice)], [change(twice, once)])
    (second,) = composition.step(2).files
    # lines 11 and 14 were added; the first is gone
    assert 11 not in second.kept
    assert second.kept[14] == 13
