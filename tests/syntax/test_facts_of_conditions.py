from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from c_reader import Reader


def told(reader: Reader, statements: str, callee: str = "g") -> list[tuple[str, bool, bool]]:
    found = [call for call in reader.body(statements).calls if call.callee == callee]
    assert len(found) == 1
    return [(one.text, one.taken, one.early) for one in found[0].conditions]


CASES = {
    "if": ("\tif (a && !b)\n\t\tg();", [("a && !b", True, False)]),
    "else": ("\tif (a)\n\t\tb();\n\telse\n\t\tg();", [("a", False, False)]),
    "else if": (
        "\tif (a)\n\t\tb();\n\telse if (c)\n\t\tg();",
        [("a", False, False), ("c", True, False)],
    ),
    "after": ("\tif (a)\n\t\tb();\n\tg();", []),
    "early return": ("\tif (!a)\n\t\treturn 1;\n\tg();", [("!a", False, True)]),
    "early return of a block": (
        "\tif (!a) {\n\t\tb();\n\t\treturn 1;\n\t}\n\tg();",
        [("!a", False, True)],
    ),
    "early goto": ("\tif (a)\n\t\tgoto out;\n\tg();\nout:\n\tb();", [("a", False, True)]),
    "at the label of a goto": ("\tif (a)\n\t\tgoto out;\n\tb();\nout:\n\tg();", []),
    "early continue": (
        "\tfor (;;) {\n\t\tif (a)\n\t\t\tcontinue;\n\t\tg();\n\t}",
        [("a", False, True)],
    ),
    "after the loop of a continue": (
        "\tfor (;;) {\n\t\tif (a)\n\t\t\tcontinue;\n\t\tb();\n\t}\n\tg();",
        [],
    ),
    "else that leaves": ("\tif (a)\n\t\tb();\n\telse\n\t\treturn 1;\n\tg();", [("a", True, True)]),
    "both leave": ("\tif (a)\n\t\treturn 1;\n\telse\n\t\treturn 2;\n\tg();", []),
    "a return deeper in": (
        "\tif (a) {\n\t\tif (b)\n\t\t\treturn 1;\n\t\tc();\n\t}\n\tg();",
        [("(a) && (b)", False, True)],
    ),
    "a return without braces inside": (
        "\tif (a)\n\t\tif (b)\n\t\t\treturn 1;\n\tg();",
        [("(a) && (b)", False, True)],
    ),
    "a return deeper in an else": (
        "\tif (a) {\n\t\tc();\n\t} else {\n\t\tif (!b)\n\t\t\treturn 1;\n\t\tc();\n\t}\n\tg();",
        [("!(a) && (!b)", False, True)],
    ),
    "a return deeper in a side that leaves": (
        "\tif (a) {\n\t\tif (b)\n\t\t\treturn 1;\n\t\treturn 2;\n\t}\n\tg();",
        [("a", False, True)],
    ),
    "a break deeper in a loop": (
        "\tif (a) {\n\t\tfor (;;) {\n\t\t\tif (b)\n\t\t\t\tbreak;\n\t\t}\n\t}\n\tg();",
        [],
    ),
    "an outer early return": (
        "\tif (a)\n\t\treturn 1;\n\tif (b) {\n\t\tif (c)\n\t\t\treturn 2;\n\t\tg();\n\t}",
        [("a", False, True), ("b", True, False), ("c", False, True)],
    ),
    "a return before a comment": (
        "\tif (a) {\n\t\treturn 1;\n\t\t/* never more } */\n\t}\n\tg();",
        [("a", False, True)],
    ),
    "case": (
        "\tswitch (a) {\n\tcase ONE:\n\t\tb();\n\t\tbreak;\n\tcase TWO:\n\t\tg();\n\t}",
        [("a == TWO", True, False)],
    ),
    "cases together": (
        "\tswitch (t->a) {\n\tcase ONE:\n\tcase TWO:\n\t\tg();\n\t}",
        [("t->a == ONE || t->a == TWO", True, False)],
    ),
    "default alone": ("\tswitch (a) {\n\tdefault:\n\t\tg();\n\t}", []),
    "default": (
        "\tswitch (a) {\n\tdefault:\n\t\tg();\n\t\tbreak;\n\tcase ONE:\n\tcase TWO:\n\t\tb();\n\t}",
        [("a == ONE", False, False), ("a == TWO", False, False)],
    ),
    "default and a case": (
        "\tswitch (a) {\n\tcase ONE:\n\t\tb();\n\tcase TWO:\n\tdefault:\n\t\tg();\n\t}",
        [("a == ONE", False, False)],
    ),
    "default of many": (
        "\tswitch (a) {\n"
        + "".join(f"\tcase {n}:\n" for n in range(13))
        + "\t\tb();\n\t\tbreak;\n\tdefault:\n\t\tg();\n\t}",
        [("a == default", True, False)],
    ),
    "early break of a case": (
        "\tswitch (a) {\n\tcase ONE:\n\t\tif (b)\n\t\t\tbreak;\n\t\tg();\n\t}",
        [("a == ONE", True, False), ("b", False, True)],
    ),
    "and": ("\tx = a && g();", [("a", True, False)]),
    "or": ("\tx = a || g();", [("a", False, False)]),
    "left of and": ("\tx = g() && a;", []),
    "ternary": ("\tx = a ? g() : b();", [("a", True, False)]),
    "other side of a ternary": ("\tx = a ? b() : g();", [("a", False, False)]),
    "and in a test": ("\tif (a && g())\n\t\tb();", [("a", True, False)]),
    "loop": ("\twhile (a)\n\t\tg();", []),
    "under a directive": (
        "#ifdef X\n\tif (a)\n\t\tg();\n#endif",
        [("defined(X)", True, False), ("a", True, False)],
    ),
    "not under one": ("#ifndef X\n\tg();\n#endif", [("!defined(X)", True, False)]),
    "in its else": (
        "#if defined(X)\n\tb();\n#else\n\tg();\n#endif",
        [("defined(X)", False, False)],
    ),
    "in its elif": (
        "#ifdef X\n\tb();\n#elif defined Y\n\tg();\n#endif",
        [("defined(X)", False, False), ("defined(Y)", True, False)],
    ),
    "below one that leaves": (
        "#ifdef X\n\treturn b();\n#endif\n\tg();",
        [("defined(X)", False, True)],
    ),
    "always read": ("#if 1\n\tg();\n#else\n\tg();\n#endif", []),
    "guarded block": ("\tscoped_guard(mutex, &a) {\n\t\tg();\n\t}", []),
}


@pytest.mark.parametrize("name", CASES)
def test_conditions_above_a_call(name: str, reader: Reader) -> None:
    statements, expected = CASES[name]
    assert told(reader, statements) == expected


def test_what_is_never_compiled_is_no_code(reader: Reader) -> None:
    text = "#if 0\n\tg();\n#else\n\tb();\n#endif\n#if 0\n\tg();\n#elif X\n\tc();\n#endif"
    calls = reader.body(text).calls
    assert [one.callee for one in calls] == ["b", "c"]


def test_a_function_of_a_configuration_stands_under_it(reader: Reader) -> None:
    text = (
        "#ifndef LAMP_H\n#define LAMP_H\n#ifdef CONFIG_LAMP\nvoid f(void)\n{\n\tg();\n}\n"
        "#else\nvoid f(void)\n{\n\tb();\n}\n#endif\n#endif\n"
    )
    found = [call for function in reader.file(text).functions for call in function.calls]
    assert [(one.callee, [(c.text, c.taken) for c in one.conditions]) for one in found] == [
        ("g", [("defined(CONFIG_LAMP)", True)]),
        ("b", [("defined(CONFIG_LAMP)", False)]),
    ]


def test_conditions_know_their_line(reader: Reader) -> None:
    (call,) = reader.body("\ta = 1;\n\tif (a)\n\t\tg();").calls
    assert [one.line for one in call.conditions] == [4]


def test_conditions_end_with_the_function(reader: Reader) -> None:
    text = (
        "MY_FUNCTION(a)\n{\n\tif (b)\n\t\treturn;\n\tc();\n}\n\nint f(void)\n{\n\treturn g();\n}\n"
    )
    (call,) = reader.function(text).calls
    assert call.conditions == ()
