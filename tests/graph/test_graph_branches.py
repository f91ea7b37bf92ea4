"""Branch conditions: how they are said, which are new, which decide."""

from __future__ import annotations

import pytest
from graph_kit import PATH, function, graph, kernel
from hypothesis import given
from hypothesis import strategies as st

from patchlint.graph import branches
from patchlint.graph.follow import Lines
from patchlint.model.facts import Condition


def calls(statements, parameters="struct lamp *l"):
    built = graph(f"void f({parameters})\n{{\n{statements}\n}}\n")
    return function(built, "f")


def call(statements, callee, parameters="struct lamp *l"):
    return next(c for c in calls(statements, parameters).calls if c.callee == callee)


@pytest.mark.parametrize(
    ("text", "taken", "said"),
    [
        ("(lazy)", True, "lazy"),
        ("lazy", False, "!lazy"),
        ("!lazy", False, "lazy"),
        ("!lazy", True, "!lazy"),
        ("unlikely(!l)", False, "l"),
        ("likely(l->on)", True, "l->on"),
        ("a && b", False, "!(a && b)"),
        ("(a) && (b)", True, "(a) && (b)"),
        ("is_on(l)", False, "!is_on(l)"),
        ("  a\n\t== b ", True, "a == b"),
    ],
)
def test_a_condition_is_said_as_a_maintainer_would(text, taken, said):
    assert branches.plain(Condition(text, taken, 1)) == said


WORDS = st.sampled_from(["lazy", "l->on", "is_on(l)", "d", "n > 1", "a && b"])


@given(WORDS, st.booleans(), st.integers(0, 3))
def test_parentheses_around_the_whole_do_not_matter(text, taken, depth):
    wrapped = "(" * depth + text + ")" * depth
    assert branches.plain(Condition(wrapped, taken, 1)) == branches.plain(Condition(text, taken, 1))


def test_conditions_on_added_lines_are_fresh():
    here = call("\tif (old)\n\t\tif (lazy)\n\t\t\tfput(l);", "fput")
    lines = Lines(stayed={PATH: {3: 3}})
    assert [c.text.strip("()") for c in branches.fresh(here, PATH, lines)] == ["lazy"]


def test_a_file_that_the_series_does_not_touch_has_nothing_fresh():
    here = call("\tif (lazy)\n\t\tfput(l);", "fput")
    assert branches.fresh(here, PATH, Lines()) == []


def test_a_condition_that_the_function_tested_before_is_not_fresh():
    was = calls("\tif (lazy)\n\t\tfput(l);")
    now = call("\tif (lazy)\n\t\tqueue(l);", "queue")
    lines = Lines(stayed={PATH: {}})
    assert branches.fresh(now, PATH, lines, was) == []
    assert branches.fresh(now, PATH, lines) != []


@pytest.mark.parametrize(
    ("statements", "error"),
    [
        ("\tif (ret < 0)\n\t\tfput(l);", True),
        ("\tif (err)\n\t\tfput(l);", True),
        ("\tif (IS_ERR(l))\n\t\tfput(l);", True),
        ("\twork(l);\nout_err:\n\tfput(l);", True),
        ("\tif (lazy)\n\t\tfput(l);", False),
        ("\tif (ret)\n\t\treturn;\n\tfput(l);", False),
        ("\twork(l);\nout:\n\tfput(l);", False),
    ],
)
def test_an_error_path_is_known_by_label_or_branch(statements, error):
    assert branches.on_error_path(kernel(), call(statements, "fput")) is error


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ("\tfput(l);", None),
        ("\tif (lazy)\n\t\tfput(l);", "lazy"),
        ("\tif (lazy) {\n\t\tif (late)\n\t\t\tfput(l);\n\t}", "lazy"),
        ("\tif (!lazy)\n\t\treturn;\n\tfput(l);", "lazy"),
        ("\tif (ret)\n\t\treturn;\n\tfput(l);", None),
        ("\tif (llist_add(&l->node, &lamps))\n\t\tfput(l);", None),
        ("\tif (!lazy)\n\t\treturn;\n\tif (late)\n\t\tfput(l);", "late"),
    ],
)
def test_the_outermost_branch_that_decides_is_told(statements, said):
    told = branches.telling(kernel(), call(statements, "fput").conditions)
    assert (branches.plain(told) if told else None) == said


def skips(statements):
    of = calls(statements)
    by_name = {c.callee: c for c in of.calls}
    return branches.skips(of, by_name["queue"], by_name["fput"])


@pytest.mark.parametrize(
    ("statements", "left"),
    [
        ("\tif (lazy) {\n\t\tqueue(l);\n\t\treturn;\n\t}\n\tfput(l);", True),
        ("\tif (lazy)\n\t\tqueue(l);\n\tfput(l);", False),
        ("\tqueue(l);\n\tfput(l);", False),
        ("\tfput(l);\n\tif (lazy) {\n\t\tqueue(l);\n\t\treturn;\n\t}", False),
        ("\tif (lazy) {\n\t\tqueue(l);\n\t\tgoto out;\n\t}\n\tfput(l);\nout:\n\tend(l);", True),
        ("\tif (lazy) {\n\t\tqueue(l);\n\t\tgoto out;\n\t}\n\twork(l);\nout:\n\tfput(l);", False),
        (
            "\tif (lazy) {\n\t\tqueue(l);\n\t\tif (late)\n\t\t\treturn;\n\t}\n\tfput(l);",
            False,
        ),
    ],
)
def test_a_way_that_leaves_does_not_reach_what_is_below(statements, left):
    assert skips(statements) is left


@pytest.mark.parametrize(
    ("argument", "condition", "ruled_out"),
    [
        ("false", ("lazy", True), True),
        ("true", ("lazy", True), False),
        ("true", ("lazy", False), True),
        ("0", ("lazy", True), True),
        ("NULL", ("lazy", True), True),
        ("how", ("lazy", True), False),
        ("false", ("late", True), False),
    ],
)
def test_constants_rule_branches_out(argument, condition, ruled_out):
    built = graph(
        "static void f(struct lamp *l, bool lazy)\n{\n\tfput(l);\n}\n"
        f"void g(struct lamp *l)\n{{\n\tf(l, {argument});\n}}\n"
    )
    here = function(built, "g").calls[0]
    conditions = [Condition(*condition, 1)]
    assert branches.impossible(function(built, "f"), here, conditions) is ruled_out


def test_a_call_with_too_few_arguments_rules_nothing_out():
    built = graph("void f(int a, bool lazy)\n{\n\tg(1);\n}\n")
    of = function(built, "f")
    assert not branches.impossible(of, of.calls[0], [Condition("lazy", taken=True, line=1)])
