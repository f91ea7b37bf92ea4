"""Branch conditions: how they are said, which are of errors, which leave."""

from __future__ import annotations

import pytest
from graph_kit import function, graph, kernel
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from patchlint.graph import branches
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


@pytest.mark.parametrize(
    ("statements", "error"),
    [
        ("\tif (ret < 0)\n\t\tfput(l);", True),
        ("\tif (err)\n\t\tfput(l);", True),
        ("\tif (IS_ERR(l))\n\t\tfput(l);", True),
        ("\twork(l);\nout_err:\n\tfput(l);", True),
        ("\tif (l->error)\n\t\tfput(l);", True),
        ("\tif (lazy)\n\t\tfput(l);", False),
        # no code is success
        ("\tif (!ret)\n\t\tfput(l);", False),
        ("\tif (ret)\n\t\twork(l);\n\telse\n\t\tfput(l);", False),
        # an element is called so more often than an error
        ("\tif (e)\n\t\tfput(l);", False),
        ("\tif (ret)\n\t\treturn;\n\tfput(l);", False),
        ("\twork(l);\nout:\n\tfput(l);", False),
    ],
)
def test_an_error_path_is_known_by_label_or_branch(statements, error):
    assert branches.on_error_path(kernel(), call(statements, "fput")) is error


@pytest.mark.parametrize(
    ("code", "ends", "error"),
    [
        ("-EBUSY", "return 0;\nput_it:\n\tfput(l);\n\treturn err;", True),
        ("lamp_state(l)", "return 0;\nput_it:\n\tfput(l);\n\treturn err;", False),
        ("-EBUSY", "return err;\nput_it:\n\tfput(l);\n\treturn err;", False),
        ("-EBUSY", "err = 0;\nput_it:\n\tfput(l);\n\treturn err;", False),
    ],
)
def test_a_label_behind_the_return_of_those_who_succeed_is_of_errors(code, ends, error):
    of = calls(f"\tint err = {code};\n\tif (on)\n\t\tgoto put_it;\n\t{ends}")
    (put,) = (c for c in of.calls if c.callee == "fput")
    assert branches.on_error_path(kernel(), put, [of]) is error


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


def test_the_exits_that_control_takes_are_told():
    of = calls("\tif (lazy) {\n\t\tqueue(l);\n\t\treturn;\n\t}\n\tfput(l);")
    by_name = {c.callee: c for c in of.calls}
    assert [e.line for e in branches.leaves(of, by_name["queue"], by_name["fput"])] == [5]
    assert list(branches.leaves(of, by_name["fput"], by_name["queue"])) == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [("IS_ERR(t)", True), ("l->on", False)],
)
def test_a_label_behind_success_that_a_failure_jumps_to_in_a_part_of_a_function(asked, error):
    """Of a part it takes a jump that is seen to come from a failure."""
    part = calls(
        f"\tt = light(l);\n\tif ({asked}) {{\n\t\tret = PTR_ERR(t);\n\t\tgoto out;\n\t}}\n"
        "\treturn 0;\nout:\n\tfput(l->f);\n\treturn ret;"
    )
    put = next(c for c in part.calls if c.callee == "fput")
    assert branches.on_error_path(kernel(), put, [part])
    assert branches.on_error_path(kernel(), put, [replace(part, complete=False)]) is error


@pytest.mark.parametrize(
    ("above", "failed"),
    [
        ("l->ret = lamp_try(l);", False),
        ("if (lamp_try(l))\n\t\tgoto err_drop;\n\treturn 0;", True),
        ("if (lamp_try(l)) {\n\t\tl->on = 0;\n\t\treturn 1;\n\t}", False),
    ],
)
def test_a_label_of_failure_that_all_fall_through_to_is_none(above, failed):
    """``err_drop:`` with no line above that leaves for sure: those who succeed come there."""
    held = calls(f"\t{above}\nerr_drop:\n\tfput(l->file);\n\treturn l->ret;")
    put = next(c for c in held.calls if c.callee == "fput")
    assert branches.on_error_path(kernel(), put, [held]) is failed
    # the name is all that there is to go by where no function is at hand
    assert branches.on_error_path(kernel(), put)
