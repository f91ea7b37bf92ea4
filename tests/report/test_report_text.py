from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.report import text

anything = st.text(st.characters(exclude_categories=()))


@given(anything)
def test_nothing_hidden_is_left_and_utf8_can_hold_it(given_text):
    for made in (text.visible(given_text), text.line(given_text), text.code(given_text)):
        assert not text.HIDDEN.search(made)
        assert made.encode().decode() == made


@given(anything)
def test_a_source_line_keeps_its_tabs_alone(given_text):
    assert not text.HIDDEN.search(text.source(given_text).replace("\t", ""))


@given(anything, st.integers(1, 60))
def test_cut_keeps_to_the_width_and_to_the_text(given_text, width):
    shown = text.visible(given_text)
    made = text.cut(shown, width)
    assert text.columns(made) <= width
    assert made == shown or shown.startswith(made.removesuffix("…").rstrip())


@given(anything, st.integers(10, 80))
def test_wrap_loses_no_word(given_text, width):
    words = text.line(given_text).split()
    lines = text.wrap(given_text, width)
    assert " ".join(lines).split() == [text.cut(word, text.LONGEST_WORD) for word in words]
    assert all(text.columns(part) <= width or " " not in part for part in lines)


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\udcff"),
        ("naïve 穴", "naïve 穴"),
    ],
)
def test_visible(given_text, shown):
    assert text.visible(given_text) == shown


def test_columns_of_wide_and_combining_characters():
    assert text.columns("穴a") == 3
    assert text.columns("e\u0301") == 1
    assert text.pad("穴", 4) == "穴  "


def test_tabs_go_to_columns_of_eight():
    assert text.code("\tx\ty") == "        x       y"


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "patch", "1 patch"), (2, "patch", "2 patches"), (0, "finding", "0 findings")],
)
def test_count(number, noun, said):
    assert text.count(number, noun) == said
