"""What guards an expression is in all that it matches."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.model.pattern import any_of
from patchlint.ruleset.guards import guard
from patchlint.ruleset.load import compiled, load

KERNEL = load().kernel
TABLES = compiled()["kernel"]
SHIPPED = [
    (pattern, tuple(strings))
    for table in ("teardown", "not_teardown", "error_path")
    for pattern, strings in TABLES[table]
]
GUARDED = [(pattern, strings) for pattern, strings in SHIPPED if strings]


@given(st.data())
def test_every_match_of_a_shipped_expression_has_a_string_of_its_guard(data):
    pattern, strings = data.draw(st.sampled_from(GUARDED))
    text = data.draw(st.from_regex(pattern))
    assert any(string in text for string in strings)


def test_most_shipped_expressions_are_guarded():
    assert len(GUARDED) > 0.9 * len(SHIPPED)


@pytest.mark.parametrize(
    ("pattern", "strings"),
    [
        ("^put_user$", ["put_user"]),
        ("(?:^|_)(?:a|bc)_put$", ["_put"]),
        ("(?:be|le)x+y", ["be", "le"]),
        ("ab+c", ["ab"]),
        ("ab?c", ["a"]),
        ("ab*", ["a"]),
        ("ab{0,2}c{2}", ["a"]),
        ("(?:ab)?(?:cd)+", ["cd"]),
        ("(?:a(?:bc|de)|fg)", ["a", "fg"]),
        (r"\bIS\.OK\(", ["IS.OK("]),
        (r"[ab]\w+|x", []),
        ("(?i)ab", []),
        ("(?=ab)c", []),
        ("(?:ab|)", []),
        (r"a\x62c", []),
        ("", []),
    ],
)
def test_what_guards_an_expression(pattern, strings):
    assert guard(pattern, ()) == strings


def test_of_several_guards_the_rarest_is_taken():
    assert guard("(?:bio|req)_(?:put|free)", ["kfree", "put_it", "put_bio"]) == ["bio", "req"]
    assert guard("(?:bio|req)_(?:put|free)", ["bio_init", "bio_alloc", "put_bio"]) == [
        "free",
        "put",
    ]


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
    pattern = any_of([("^a", ["a"]), ("b$", [])])
    again = pickle.loads(pickle.dumps(pattern))  # noqa: S301 - our own bytes
    assert again == pattern
    assert [again.search(text) is not None for text in ("ax", "xb", "x")] == [True, True, False]
    assert any_of([]).search("") is None
