"""What guards an expression is in all that it matches."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.model.pattern import any_of
from patchlint.ruleset.guards import guards
from patchlint.ruleset.load import compiled, load

KERNEL = load().kernel
TABLES = compiled()["kernel"]
SHIPPED = [
    (pattern, lists)
    for table in ("teardown", "not_teardown", "error_path")
    for pattern, lists in TABLES[table]
]
GUARDED = [(pattern, lists) for pattern, lists in SHIPPED if lists]


@given(st.data())
def test_every_match_of_a_shipped_expression_has_a_string_of_its_guard(data):
    pattern, lists = data.draw(st.sampled_from(GUARDED))
    text = data.draw(st.from_regex(pattern))
    assert any_of([(pattern, lists)]).search(text) is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(?:a_|b)$", "xa_\n"),
        (r"\w*(?:_a|_b)$", "_a"),
        ("^_*(?:a|b)x", "__ax\n"),
        ("^(?:a|b)$", "a\n"),
    ],
)
def test_a_guard_stands_where_its_expression_looks(pattern, text):
    each = [(pattern, guards(pattern, ["x"]))]
    assert each[0][1] != []
    assert any_of(each).search(text) is not None


def test_most_shipped_expressions_are_guarded():
    assert len(GUARDED) > 0.9 * len(SHIPPED)


@pytest.mark.parametrize(
    ("pattern", "lists"),
    [
        ("^put_user$", [["put_user"]]),
        ("(?:^|_)(?:a|bc)_put$", [["_put"], ["a", "bc"]]),
        ("(?:be|le)x+y", [["be", "le"], ["x"], ["y"]]),
        ("ab+c", [["ab"], ["c"]]),
        ("ab?c", [["a"], ["c"]]),
        ("ab*", [["a"]]),
        ("ab{0,2}c{2}", [["a"], ["c"]]),
        ("(?:ab)?(?:cd)+", [["cd"]]),
        ("(?:a(?:bc|de)|fg)", [["a", "fg"]]),
        (r"\bIS\.OK\(", [["IS.OK("]]),
        ("^_*(?:get|is)_x$", [["^get", "^is"], ["_x"], ["get", "is"]]),
        ("x_(?:get|is)$", [["get", "is"], ["get$", "is$"], ["x_"]]),
        ("^(?:a|b)c|d$", [["c", "d"]]),
        ("^(?:ab)?c", [["c"]]),
        (r"[ab]\w+|x", []),
        ("(?i)ab", []),
        ("(?=ab)c", []),
        ("(?:ab|)", []),
        (r"a\x62c", []),
        ("", []),
    ],
)
def test_what_guards_an_expression(pattern, lists):
    assert guards(pattern, ()) == lists


def test_the_rarest_guard_comes_first_and_common_ones_are_left_out():
    pattern = "(?:bio|req)_(?:put|free)"
    assert guards(pattern, ["kfree", "f_put", "bio_a", "x", "y"]) == [
        ["bio", "req"],
        ["_"],
        ["free", "put"],
    ]
    assert guards(pattern, ["a_put", "a_free", "bio_a", "b_c"]) == [["bio", "req"], ["free", "put"]]


NAMES = st.one_of(
    st.sampled_from(sorted(KERNEL.cleanups)),
    st.lists(
        st.sampled_from(
            [
                "free",
                "put",
                "bio",
                "req",
                "get",
                "list",
                "del",
                "skb",
                "lamp",
                "work",
                "is",
                "no",
                "timer",
                "_",
            ]
        ),
        min_size=1,
        max_size=5,
    ).map("_".join),
)


@given(st.lists(NAMES, min_size=1, max_size=600))
def test_any_of_some_is_one_expression_for_few_texts_and_for_many(names):
    each = TABLES["not_teardown"]
    pattern = any_of(each)
    whole = re.compile("|".join(f"(?:{one})" for one, _ in each))
    told = [pattern.search(name) is not None for name in names]
    assert told == [whole.search(name) is not None for name in names]


def test_any_of_some_can_be_sent_to_another_process():
    pattern = any_of([("^a", [["a"]]), ("b$", [])])
    again = pickle.loads(pickle.dumps(pattern))  # noqa: S301 - our own bytes
    assert again == pattern
    assert [again.search(text) is not None for text in ("ax", "xb", "x")] == [True, True, False]
    assert any_of([]).search("") is None
