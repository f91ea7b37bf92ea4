from __future__ import annotations

import re

import pytest

from patchlint.model.kernel import Macro, Source
from patchlint.syntax import parse
from patchlint.syntax.kernel_macros import ACTIONS, prepare


def reads(text: str, macros: tuple[Macro, ...]) -> bool:
    return not parse.parse(prepare(text.encode(), macros)).has_error


#: Kernel C that is read without an error after rewriting.
KERNEL_C = {
    "annotated parameter": "int f(const char __user *p, struct a __rcu *q)\n{\n}\n",
    "annotated function": "static int __init f(void)\n{\n\treturn 0;\n}\n",
    "lock annotation": "static void f(struct a *a)\n\t__releases(&a->lock)\n{\n}\n",
    "unknown annotation before a body": "static void f(struct a *a)\n__holds_nothing(a)\n{\n}\n",
    "loop": "void f(void)\n{\n\tlist_for_each_entry(a, &b, c)\n\t\tg(a);\n}\n",
    "loop with block": "void f(void)\n{\n\tfor_each_cpu(i, mask) {\n\t\tg(i);\n\t}\n}\n",
    "unknown loop": "void f(void)\n{\n\twalk_my_things(a, b) {\n\t\tg(a);\n\t}\n}\n",
    "loop after else": (
        "void f(void)\n{\n\tif (a)\n\t\tb();\n\telse\n\t\tfor_each_x(c)\n\t\t\td();\n}\n"
    ),
    "loop after comment": "void f(void)\n{\n\t/* it's long */\n\n\tfor_each_x(c) {\n\t}\n}\n",
    "loop without arguments": "void f(void)\n{\n\tfor_each_thing() {\n\t\tg();\n\t}\n}\n",
    "loop closed by a macro": (
        "void f(void)\n{\n\tdo {\n\t\tg();\n\t} while_each_thread(a, b);\n}\n"
    ),
    "system call": "SYSCALL_DEFINE2(umount, char __user *, name, int, flags)\n{\n\treturn 0;\n}\n",
    "system call without arguments": "SYSCALL_DEFINE0(getpid)\n{\n\treturn 0;\n}\n",
    "type argument": "void f(void)\n{\n\ta = container_of(b, struct c, d);\n}\n",
    "pointer type argument": (
        "void f(void)\n{\n\ta = min_t(unsigned int, b, va_arg(c, struct d *));\n}\n"
    ),
    "unknown macro with a struct": "void f(void)\n{\n\ta = take_one(b, struct c, d);\n}\n",
    "offsetof with an index": "void f(void)\n{\n\ta = offsetof(struct b, c[d]);\n}\n",
    "static declaration": "static DECLARE_WORK(a, b);\n",
    "per cpu variable": "static DEFINE_PER_CPU(struct a, b);\n",
    "initialized per cpu variable": "static DEFINE_PER_CPU(struct a, b) = {\n\t.c = 1,\n};\n",
    "bitmap member": "struct a {\n\tDECLARE_BITMAP(b, 12);\n\tint c;\n};\n",
    "no semicolon": "module_init(f)\nmodule_exit(g)\n",
    "no semicolon, two arguments": "my_param(a, int, 0644)\nint b;\n",
    "case range": "void f(int a)\n{\n\tswitch (a) {\n\tcase 1 ... 3:\n\t\tb();\n\t}\n}\n",
    "level before a prefix": 'void f(void)\n{\n\tprintk(KERN_ERR PREFIX "a %d\\n", b);\n}\n',
    "inline assembly": 'void f(void)\n{\n\tasm volatile("a %0" : "=r" (b) : : "memory");\n}\n',
    "typeof": "void f(void)\n{\n\ttypeof(*a) *b = c;\n}\n",
    "conditional in an initializer": (
        "struct a b = {\n\t.c = 1,\n#ifdef X\n\t.d = 2,\n#endif\n\t.e = 3,\n};\n"
    ),
    "conditional if head": (
        "void f(int a)\n{\n#ifdef X\n\tif (a && b) {\n#else\n\tif (a) {\n#endif\n\t\tc();\n\t}\n}\n"
    ),
    "conditional else": (
        "void f(int a)\n{\n\tif (a)\n\t\tb();\n#ifdef X\n\telse if (c)\n\t\td();\n#endif\n"
        "\telse\n\t\te();\n}\n"
    ),
    "conditional after a label": "void f(void)\n{\nout:\n#ifdef X\n\tg();\n#endif\n\th();\n}\n",
    "conditional argument": "void f(void)\n{\n\tg(a,\n#ifdef X\n\t  b,\n#endif\n\t  c);\n}\n",
    "freed at scope exit": "void f(void)\n{\n\tchar *a __free(kfree) = NULL;\n}\n",
    "scoped guard": "void f(void)\n{\n\tscoped_guard(mutex, &a) {\n\t\tb();\n\t}\n}\n",
}


@pytest.mark.parametrize("name", KERNEL_C)
def test_the_grammar_reads_rewritten_code(name: str, macros: tuple[Macro, ...]) -> None:
    assert reads(KERNEL_C[name], macros)


@pytest.mark.parametrize("name", KERNEL_C)
def test_length_and_lines_stay(name: str, macros: tuple[Macro, ...]) -> None:
    text = KERNEL_C[name].encode()
    rewritten = prepare(text, macros)
    assert len(rewritten) == len(text)
    assert [at.start() for at in re.finditer(b"\n", rewritten)] == [
        at.start() for at in re.finditer(b"\n", text)
    ]


def test_plain_code_stays_as_it_is(macros: tuple[Macro, ...]) -> None:
    text = (
        b"int main(int argc, char **argv)\n{\n\tfor (int i = 0; i < argc; i++)\n"
        b'\t\tputs("list_for_each(x) { __user");\n\treturn sizeof(struct a *);\n}\n'
    )
    assert prepare(text, macros) == text


def test_comments_and_strings_stay(macros: tuple[Macro, ...]) -> None:
    text = b'/* __user list_for_each_entry(a, b, c) { */\nchar *a = "__init";\n'
    assert prepare(text, macros) == text


def test_a_function_of_a_loops_name_stays_a_call(macros: tuple[Macro, ...]) -> None:
    text = b"void f(void)\n{\n\tret = device_for_each_child(dev, NULL, fn);\n}\n"
    assert prepare(text, macros) == text


def test_a_definition_of_a_loops_name_stays(macros: tuple[Macro, ...]) -> None:
    text = b"int bus_for_each_dev(struct bus *bus, void *data)\n{\n\treturn 0;\n}\n"
    assert prepare(text, macros) == text


def test_headers_in_column_zero_keep_their_types(macros: tuple[Macro, ...]) -> None:
    text = b'#include "a.h"\n\nvoid\nf(struct a *a,\n  u8 b, const u8 *c)\n{\n}\n'
    assert prepare(text, macros) == text


def test_whole_statements_under_a_conditional_stay(macros: tuple[Macro, ...]) -> None:
    text = b"void f(void)\n{\n\ta();\n#ifdef X\n\tb();\n#else\n\tc();\n#endif\n\td();\n}\n"
    assert prepare(text, macros) == text


def test_definitions_of_macros_stay(macros: tuple[Macro, ...]) -> None:
    text = b"#define __user\n#ifdef __init\n#undef __init\n#endif\n"
    assert prepare(text, macros) == text


def test_the_table_names_known_actions_alone(macros: tuple[Macro, ...]) -> None:
    assert {macro.action.split()[0] for macro in macros} <= ACTIONS


def test_the_table_says_where_each_macro_is_from(macros: tuple[Macro, ...]) -> None:
    assert all(macro.source.file and macro.source.evidence for macro in macros)


def test_the_table_has_no_macro_twice(macros: tuple[Macro, ...]) -> None:
    keys = [(macro.pattern, macro.action.split()[0]) for macro in macros]
    assert len(keys) == len(set(keys))


def test_a_users_macro_is_rewritten_like_the_shipped_ones() -> None:
    own = (Macro("MY_NOTE", "blank", regex=False, source=Source("own", "own")),)
    assert prepare(b"int MY_NOTE a;\n", own) == b"int         a;\n"


@pytest.mark.parametrize(
    "inside", ["d", " d ", "d\n", "d\n\t", "\nd", "\n d", "\n\td\n", "d /* x\n */", ""]
)
def test_a_header_with_a_name_alone_keeps_its_lines(inside: str) -> None:
    own = (Macro("OWN_HEADER", "header", regex=False, source=Source("own", "own")),)
    text = f"static OWN_HEADER({inside})\n{{\n\tf();\n}}\n".encode()
    made = prepare(text, own)
    assert len(made) == len(text)
    assert [at for at, byte in enumerate(made) if byte == 10] == [
        at for at, byte in enumerate(text) if byte == 10
    ]
    if inside in {"d", "d\n", "\n d"}:
        assert re.search(rb"long\s+d\(\s*\)", made)
