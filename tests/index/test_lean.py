"""The lean reader sees functions, calls and values the way kernel files are written."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from small_tree import FILES, MACROS

from patchlint.index import lean

WORDS = lean.words(MACROS)

#: Braces that only one branch of a conditional balances.
IFDEF = b"""\
int a(void)
{
#ifdef X
\tif (x) {
#else
\t{
#endif
\t}
}
int b(void)
{
}
"""


def read(text, only=None):
    return lean.read(text, WORDS, only)


def names(text):
    return [one.name for one in read(text).definitions]


def calls(text):
    return [(one.name, one.line) for one in read(text).calls]


def test_definitions_of_a_file():
    found = {one.name: one for one in read(FILES["fs/thing.c"]).definitions}
    assert list(found) == [
        "free_thing",
        "thing_put",
        "always",
        "thing_init",
        "thing",
        "thing_handler",
        "do_thing",
    ]
    assert found["free_thing"] == lean.Definition("free_thing", 4, 7, lean.STATIC)
    assert found["thing"].flags == lean.SYSCALL
    assert (found["do_thing"].line, found["do_thing"].end) == (48, 57)
    assert found["do_thing"].flags == lean.STATIC


def test_a_header_has_inline_functions_and_macros_that_call():
    read_ = read(FILES["include/linux/thing.h"])
    assert [(one.name, one.flags) for one in read_.definitions] == [
        ("thing_drop", lean.MACRO),
        ("thing_release", lean.MACRO),
        ("thing_done", lean.STATIC | lean.INLINE),
    ]
    assert [(one.name, one.line) for one in read_.calls] == [
        ("thing_put", 6),
        ("thing_put", 8),
        ("thing_put", 3),
    ]


def test_calls_in_comments_strings_and_dead_code_do_not_count():
    found = [line for name, line in calls(FILES["fs/thing.c"]) if name == "thing_put"]
    assert found == [25]


def test_a_mark_inside_of_a_line_is_no_directive():
    # the comment takes the backslash away, so the macro ends and its rest reads as code
    macro = b"#define M(name) \\\n /* x \\\n */ \nstatic void f_##name(void)\n{\n\tg();\n}\n"
    text = macro + b"  #if 0\nh();\n#endif\n"
    read = lean.read(text, WORDS)
    assert [(call.name, call.line) for call in read.calls] == [("g", 6)]


def test_a_call_through_a_member_is_told_apart():
    found = [one for one in read(FILES["fs/thing.c"]).calls if one.name == "put"]
    assert found == [lean.Call("put", 55, indirect=True)]
    assert read(b"void f(void)\n{\n\tx.go(1);\n}\n").calls[0].indirect


def test_values_of_a_file():
    found = {(one.name, one.kind): one for one in read(FILES["fs/thing.c"]).uses}
    assert found["free_thing", lean.ARGUMENT] == lean.Use(
        "free_thing", 11, lean.ARGUMENT, "INIT_WORK", "1"
    )
    assert found["thing_later", lean.ARGUMENT].where == "register_thing"
    assert found["thing_init", lean.ARGUMENT].where == "module_init"
    assert found["thing_actor", lean.INITIALIZER][3:] == ("struct walk:walk", "actor")
    assert found["thing_done_cb", lean.ASSIGNMENT].what == "walk.done"
    assert found["thing_cmp", lean.VALUE].line == 56
    assert not {"thing", "name", "flags", "work"} & {name for name, _ in found}


def test_values_at_file_scope():
    found = read(FILES["fs/user.c"]).uses
    ops = "struct file_operations:user_fops"
    assert lean.Use("user_release", 16, lean.INITIALIZER, ops, "release") in found
    assert lean.Use("no_llseek", 16, lean.INITIALIZER, ops, "llseek") in found
    assert lean.Use("thing_put", 23, lean.INITIALIZER, "struct cmd:cmds", "") in found
    assert lean.Use("thing_put", 25, lean.ASSIGNMENT, "", "hook") in found
    assert lean.Use("user_release", 26, lean.ARGUMENT, "DECLARE_WORK", "1") in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"int a(void) { return b(); }\nint c(void)\n{\n}\n", ["a", "c"]),
        (b"static const int t[] = { 1,\n 2 };\nint a(void)\n{\n}\n", ["a"]),
        (b"struct s {\n\tint (*f)(void);\n};\nint a(void)\n{\n}\n", ["a"]),
        (b'extern "C" {\nint a(void)\n{\n}\n}\n', ["a"]),
        (
            IFDEF,
            ["a", "b"],
        ),
        (b"static __printf(1, 2) int a(const char *f, ...)\n{\n}\n", ["a"]),
        (b"static int a(int (*f)(int), int b)\n{\n}\n", ["a"]),
        (b"TEST(first)\n{\n}\n", ["first"]),
        (b"struct s a(void)\n{\n}\n", ["a"]),
        (
            b"enum e { A = X(1), B };\nint b(int c) {\n\tint x[] = { 1 };\n}\nint d(void)\n{\n}\n",
            ["b", "d"],
        ),
        (b"int a(void)\n{\n", ["a"]),
        (b"", []),
    ],
)
def test_functions_are_found_in_every_layout(text, expected):
    assert names(text) == expected


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(text):
    assert read(b"a(){" + text).calls is not None


@given(
    st.lists(
        st.sampled_from(
            [
                b"{",
                b"}",
                b"\n",
                b"int f(void)",
                b"g(h, f);",
                b"#if 0\n",
                b"#endif\n",
                b" = ",
                b"/*",
                b"*/",
                b".m = f,",
                b";",
                b"#define f(x) g(x)\n",
                b'"',
                b"\n}\n",
                b"\n{\n",
                b"(",
                b")",
            ]
        ),
        max_size=30,
    )
)
def test_asking_for_one_name_gives_the_rows_of_that_name(parts):
    text = b"".join(parts)
    assume(_ends_at_the_margin(text))
    whole, part = read(text), read(text, ["g", "f"])
    assert part.definitions == whole.definitions
    assert part.calls == [one for one in whole.calls if one.name in {"f", "g"}]
    assert part.uses == [one for one in whole.uses if one.name in {"f", "g"}]
    assert read(text, []).calls == []
    sparse = lean.read(text, WORDS, ["g", "f"], sparse=True)
    assert (sparse.calls, sparse.uses) == (part.calls, part.uses)
    around, sparsely = lean.Lines.of(whole.definitions), lean.Lines.of(sparse.definitions)
    for row in (*part.calls, *part.uses):
        assert around.around(row.line) == sparsely.around(row.line)
    assert list(around.called("f")) == list(sparsely.called("f"))


def _ends_at_the_margin(text):
    """Whether a brace alone at the margin ends a function, as it does in kernel code."""
    if b"\n}\n" not in text:
        return True
    depth = 0
    for found in re.finditer(rb"\n\}(?=\n)|[{}]", text):
        depth += 1 if found[0] == b"{" else -1
        if found[0] != b"{" and depth != 0 and (depth < 0 or len(found[0]) > 1):
            return False
    return not any(mark in text for mark in (b'"', b"/*", b"#if"))


def test_the_innermost_definition_is_around_a_line():
    lines = lean.Lines.of([lean.Definition("f", 1, 10, 0), lean.Definition("M", 3, 4, lean.MACRO)])
    assert [one and one.name for one in map(lines.around, (1, 3, 4, 5, 10, 11))] == [
        "f", "M", "M", "f", "f", None,
    ]  # fmt: skip
