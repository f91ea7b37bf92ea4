"""Composition: exact lines on both sides, through any number of patches."""

from __future__ import annotations

import difflib
import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

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
