from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patchlint.syntax.facts import extract_functions, extract_text
from patchlint.syntax.kernel_macros import prepare
from patchlint.syntax.scan import function_spans

if TYPE_CHECKING:
    from patchlint.model.kernel import Macro

PIECES = st.sampled_from(
    (
        *b"(){}[];,*&=#\n\t \"'/\\.:?<>!|$\xff\x00".decode("latin-1"),
        "\n#if X\n",
        "\n#ifdef X\n",
        "\n#else\n",
        "\n#elif Y\n",
        "\n#endif\n",
        "\n#define M(a, b) ",
        "if (",
        "else ",
        "for (;;) ",
        "while (",
        "do {",
        "switch (a) {",
        "case 1 ... 2:",
        "default:",
        "return",
        "goto out;",
        "out:",
        "struct s ",
        "union {",
        "static ",
        "typedef ",
        "int f(int a)\n{",
        "\n}\n",
        "\n{\n",
        "a->b(c)",
        "(*d)(e)",
        "fput(file);",
        "INIT_WORK(&a->b, c);",
        "x = y;",
        "x = &y;",
        "list_for_each_entry(a, b, c)",
        "SYSCALL_DEFINE2(name, int, a, long, b)\n{",
        "SYSCALL_DEFINE0(",
        "container_of(a, struct b, c)",
        "__releases(",
        "__user ",
        "__free(fput) ",
        "CLASS(fd, f)(3);",
        "guard(mutex)(&a);",
        "scoped_guard(rcu) {",
        "module_init(f)\n",
        "DEFINE_PER_CPU(int, a)",
        "DECLARE_BITMAP(a, 3);",
        "DEFINE_FREE(a, b *, if (_T) c(_T))\n",
        "asm volatile (",
        "typeof(",
        "KERN_ERR ",
        "while_each_thread(a, b)",
        ".a = b,",
        "{ .c = d }",
        "##",
        "/* ",
        " */",
        "// ",
        "\\\n",
    )
)
CODE = st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode("latin-1"))
TEXTS = CODE | st.binary(max_size=300)
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

PLAIN = """\
static DECLARE_WORK(work, work_fn);

struct thing {
\tstruct work_struct work;
\tDECLARE_BITMAP(bits, 8);
};

static int f(struct thing *t, const char __user *name)
\t__releases(&t->lock)
{
\tstruct file *file __free(fput) = fget(1);

\tlist_for_each_entry(a, &t->list,
\t\t\t    node) {
\t\tif (!a->b &&
\t\t    c(a))
\t\t\tcontinue;
\t\tschedule_work(&a->work);
\t}
#ifdef X
\tif (t->a)
\t\treturn 0;
#endif
\tswitch (t->kind) {
\tcase 1 ... 2:
\t\tg(min_t(unsigned int, 1, 2));
\t}
\treturn 0;
}

SYSCALL_DEFINE2(close_range, unsigned int, fd, int, flags)
{
\treturn f(NULL, container_of(fd, struct thing, work));
}

module_init(start)
"""


@given(TEXTS)
@RELAXED
def test_rewriting_keeps_length_and_lines(macros: tuple[Macro, ...], text: bytes) -> None:
    rewritten = prepare(text, macros)
    assert len(rewritten) == len(text)
    assert re.sub(rb"[^\n]", b"", rewritten) == re.sub(rb"[^\n]", b"", text)
    newlines = [at for at, byte in enumerate(text) if byte == ord("\n")]
    assert newlines == [at for at, byte in enumerate(rewritten) if byte == ord("\n")]


@given(TEXTS)
@RELAXED
def test_facts_of_anything_are_the_same_each_time(macros: tuple[Macro, ...], text: bytes) -> None:
    first = extract_text("a.c", text, macros)
    extract_text("b.c", b"int other(void)\n{\n\treturn 1;\n}\n" + text, macros)
    assert extract_text("a.c", text, macros) == first


@given(TEXTS)
@RELAXED
def test_facts_stand_on_lines_of_the_file(macros: tuple[Macro, ...], text: bytes) -> None:
    last = text.count(b"\n") + 1
    facts = extract_text("a.c", text, macros)
    for function in facts.functions:
        assert 1 <= function.line <= function.end <= last
        assert all(function.line <= call.line <= last for call in function.calls)
    assert all(1 <= macro.line <= last for macro in facts.macros)
    assert all(1 <= one.line <= last for one in facts.initializers)
    assert all(1 <= field[3] <= last for field in facts.fields)


@given(TEXTS, st.integers(1, 12), st.integers(0, 12))
@RELAXED
def test_facts_keep_to_known_lines(
    macros: tuple[Macro, ...], text: bytes, first: int, length: int
) -> None:
    known = ((first, first + length),)
    facts = extract_text("a.c", text, macros, known)
    lines = [function.line for function in facts.functions]
    lines += [call.line for function in facts.functions for call in function.calls]
    lines += [one.line for one in (*facts.macros, *facts.initializers)]
    assert all(first <= line <= first + length for line in lines)


@given(TEXTS)
@RELAXED
def test_spans_of_functions_are_in_order_and_apart(macros: tuple[Macro, ...], text: bytes) -> None:
    from patchlint.syntax.kernel_macros import compile_table

    spans = function_spans(text, compile_table(macros))
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


@given(st.integers(0, 60))
@RELAXED
def test_lines_before_shift_all_lines_alike(macros: tuple[Macro, ...], more: int) -> None:
    plain = extract_text("a.c", PLAIN.encode(), macros)
    moved = extract_text("a.c", b"\n" * more + PLAIN.encode(), macros)
    assert [one.line + more for one in plain.functions] == [one.line for one in moved.functions]
    assert [call.line + more for one in plain.functions for call in one.calls] == [
        call.line for one in moved.functions for call in one.calls
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("\t", "        "),
        lambda text: text.replace("\n", " \n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\t", ""),
    ],
    ids=["tabs as spaces", "trailing spaces", "carriage returns", "no indentation"],
)
def test_damaged_white_space_changes_nothing(macros: tuple[Macro, ...], damage) -> None:
    assert extract_text("a.c", damage(PLAIN).encode(), macros) == extract_text(
        "a.c", PLAIN.encode(), macros
    )


@pytest.mark.parametrize("depth", [50, 5000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("(", ")"),
        ("{", "}"),
        ("if (a) {", "}"),
        ("f(", ")"),
        ("a ? b : (", ")"),
        ("#if X\n", "#endif\n"),
    ],
)
def test_depth_is_no_limit(
    macros: tuple[Macro, ...], opening: str, closing: str, depth: int
) -> None:
    text = f"int f(void)\n{{\n\tg();\n{opening * depth}{closing * depth}\n}}\n"
    facts = extract_text("a.c", text.encode(), macros)
    assert facts.functions[0].calls[0].callee == "g"


def test_a_function_alone_has_the_facts_it_has_in_its_file(macros: tuple[Macro, ...]) -> None:
    text = PLAIN.encode()
    whole = {one.name: one for one in extract_text("a.c", text, macros).functions}
    assert set(whole) == {"f", "close_range"}
    for name, function in whole.items():
        assert extract_functions("a.c", text, {name}, macros).functions == (function,)


def test_no_function_of_a_name_gives_no_facts(macros: tuple[Macro, ...]) -> None:
    facts = extract_functions("a.c", PLAIN.encode(), {"nothing"}, macros)
    assert (facts.functions, facts.macros, facts.fields) == ((), (), ())
