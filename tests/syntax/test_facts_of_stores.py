"""What is written where others can see it, what values are used, what functions return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patchlint.model.facts import Assignment

if TYPE_CHECKING:
    from c_reader import Reader


def stores(reader: Reader, statements: str) -> list[tuple[str, str, str]]:
    return [(s.target, s.op, s.value) for s in reader.body(statements).stores]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("t->state = DEAD;", ("t->state", "=", "DEAD")),
        ("t->flags |= DEAD;", ("t->flags", "|=", "DEAD")),
        ("t->flags &= ~LIVE;", ("t->flags", "&=", "~LIVE")),
        ("t->inner.file = NULL;", ("t->inner.file", "=", "NULL")),
        ("t->slots[n] = t;", ("t->slots[n]", "=", "t")),
        ("*t = other;", ("*t", "=", "other")),
        ("t->count++;", ("t->count", "++", "")),
        ("--t->count;", ("t->count", "--", "")),
        ("nobody_declared_me = 1;", ("nobody_declared_me", "=", "1")),
        ("t->fn = gone;", ("t->fn", "=", "gone")),
    ],
)
def test_a_write_that_others_can_see(
    reader: Reader, statement: str, told: tuple[str, str, str]
) -> None:
    assert stores(reader, f"\t{statement}") == [told]


@pytest.mark.parametrize(
    "statement", ["int n = 3;", "int n;\n\n\tn = 3;", "int n = 0;\n\n\tn++;", "t = NULL;", "g(t);"]
)
def test_a_local_variable_is_nobodys_business(reader: Reader, statement: str) -> None:
    assert stores(reader, f"\t{statement}") == []


def test_the_branch_and_line_of_a_store(reader: Reader) -> None:
    (store,) = reader.body("\tif (t->on)\n\t\tt->state = DEAD;").stores
    assert store.line == 4
    assert [(c.text.strip("()"), c.taken) for c in store.conditions] == [("t->on", True)]


@pytest.mark.parametrize(
    ("statement", "alone"),
    [
        ("g(t);", True),
        ("return g(t);", True),
        ("(void)g(t);", True),
        ("n = g(t);", False),
        ("int n = g(t);", False),
        ("if (g(t))\n\t\treturn 0;", False),
        ("while (!g(t))\n\t\t;", False),
        ("h(g(t));", False),
        ("if (t)\n\t\tg(t);", True),
    ],
)
def test_whether_the_value_of_a_call_is_used(reader: Reader, statement: str, alone: bool) -> None:
    found = [call for call in reader.body(f"\t{statement}").calls if call.callee == "g"]
    assert [call.statement for call in found] == [alone]


def test_an_assignment_of_any_value(reader: Reader) -> None:
    function = reader.body(
        "\tstruct thing *u = &t->inner;\n\tbool on = g(t) && !t->off;\n\n\tu = t;"
    )
    assert function.assignments == (
        Assignment("u", "&t->inner", 3),
        Assignment("on", "g(t) && !t->off", 4),
        Assignment("u", "t", 6),
    )


def test_what_a_function_returns(reader: Reader) -> None:
    assert reader.body("\tif (t)\n\t\treturn t->on;\n\treturn g(t);").results == ("t->on", "g(t)")
    assert reader.body("\treturn;").results == ()


def test_what_a_class_frees_is_a_function_of_the_file(reader: Reader) -> None:
    text = "DEFINE_FREE(lamp, struct lamp *, if (_T) lamp_put(_T))\n\nint f(void)\n{\n\tg();\n}\n"
    found = reader.function(text, "__free_lamp")
    assert [(call.callee, call.args) for call in found.calls] == [("lamp_put", ("_T",))]
    assert (found.line, found.static) == (1, True)
    assert [call.callee for call in reader.function(text).calls] == ["g"]


def test_a_macro_call_without_its_semicolon_ends_where_its_line_does(reader: Reader) -> None:
    function = reader.body("\tg(t);\n\tTHING_ASSERT(t->on)\n\th(t);")
    assert [call.callee for call in function.calls if call.callee.islower()] == ["g", "h"]
    assert function.complete
