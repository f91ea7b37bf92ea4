from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.model.facts import Assignment, Call, Parameter

if TYPE_CHECKING:
    from c_reader import Reader


def calls(found: tuple[Call, ...]) -> list[str]:
    return [call.callee for call in found]


def test_header_and_extent(reader: Reader) -> None:
    function = reader.function(
        "int a;\n\nstatic struct thing *\nf(struct thing *t, const char __user *name, int)\n"
        "{\n\treturn t;\n}\n"
    )
    assert (function.line, function.end) == (4, 7)
    assert function.static
    assert function.returns == "struct thing *"
    assert function.parameters == (Parameter("struct thing", "t"), Parameter("char", "name"))
    assert function.complete
    assert not function.errors
    assert function.entry is None


def test_what_marks_a_function_is_told_apart_from_its_type(reader: Reader) -> None:
    plain = reader.function("static int f(void)\n{\n\treturn 0;\n}\n")
    marked = reader.function("static __cold int __init f(void)\n{\n\treturn 0;\n}\n")
    assert (plain.marks, marked.marks) == ((), ("__cold", "__init"))
    assert (marked.static, marked.returns) == (True, "int")


def test_function_pointer_types_end_in_a_call(reader: Reader) -> None:
    function = reader.body("\tvoid (*done)(struct thing *);", "int (*fn)(int), void *data")
    assert function.parameters == (Parameter("int (*)()", "fn"), Parameter("void", "data"))
    assert function.locals == (Parameter("void (*)()", "done"),)


def test_system_calls_have_their_own_names(reader: Reader) -> None:
    text = (
        "SYSCALL_DEFINE2(umount, char __user *, name, int, flags)\n{\n\treturn g(name);\n}\n\n"
        "SYSCALL_DEFINE0(sync)\n{\n\treturn h();\n}\n\n"
        "COMPAT_SYSCALL_DEFINE1(old, compat_arg_u64(pos))\n{\n\treturn i();\n}\n"
    )
    found = reader.file(text).functions
    assert [(one.name, one.entry, one.line) for one in found] == [
        ("umount", "syscall", 1),
        ("sync", "syscall", 6),
        ("old", "syscall", 11),
    ]
    assert found[0].parameters == (Parameter("char", "name"), Parameter("int", "flags"))
    assert calls(found[0].calls) == ["g"]


def test_both_branches_of_a_conditional_are_reported(reader: Reader) -> None:
    text = (
        "#ifdef X\nint f(void)\n{\n\treturn g();\n}\n#else\n"
        "int f(void)\n{\n\treturn 0;\n}\n#endif\n"
    )
    assert [(one.name, one.line) for one in reader.file(text).functions] == [("f", 2), ("f", 7)]


def test_arguments_are_source_texts_on_one_line(reader: Reader) -> None:
    call = reader.body(
        '\tg(t->a[1],\n\t  h(1, 2), /* why */ "x, y",\n\t  (struct b *) &t->c);'
    ).calls[0]
    assert call.args == ("t->a[1]", "h(1, 2)", '"x, y"', "(struct b *) &t->c")
    assert call.line == 3


def test_type_arguments_are_told_as_they_stand(reader: Reader) -> None:
    call = reader.body("\tx = container_of(w, struct thing, work);").calls[0]
    assert call.callee == "container_of"
    assert call.args == ("w", "struct thing", "work")
    assert call.assigned == "x"


def test_nested_calls_are_all_reported(reader: Reader) -> None:
    assert calls(reader.body("\tg(h(i()), j());").calls) == ["g", "h", "i", "j"]


def test_calls_through_members_and_variables_are_indirect(reader: Reader) -> None:
    found = reader.function(
        "void f(struct thing *t, void (*fn)(int))\n{\n\tt->ops->release(t);\n\t(*t->done)(t);\n"
        "\tt->table[1](t);\n\tfn(1);\n\tg(1);\n}\n"
    ).calls
    assert [(call.callee, call.indirect) for call in found] == [
        ("release", True),
        ("done", True),
        ("table", True),
        ("fn", True),
        ("g", False),
    ]


def test_what_a_call_is_assigned_to(reader: Reader) -> None:
    found = reader.body(
        "\tstruct file *file = get_one(1);\n\tt->b = (struct b *)get_two();\n"
        "\tx = y ? get_three() : get_four();\n\tget_five();"
    ).calls
    assert [(call.callee, call.assigned) for call in found] == [
        ("get_one", "file"),
        ("get_two", "t->b"),
        ("get_three", "x"),
        ("get_four", "x"),
        ("get_five", None),
    ]


def test_labels_and_loops(reader: Reader) -> None:
    found = reader.body(
        "\ta();\n\tfor (;;)\n\t\tb();\n\twhile (c())\n\t\td();\nout:\n\te();\nfree:\n\tg();"
    ).calls
    assert [(call.callee, call.label, call.in_loop) for call in found] == [
        ("a", None, False),
        ("b", None, True),
        ("c", None, True),
        ("d", None, True),
        ("e", "out", False),
        ("g", "free", False),
    ]


def test_calls_in_tests(reader: Reader) -> None:
    found = reader.body(
        "\tif (a(b()))\n\t\tc();\n\twhile (d())\n\t\te();\n\tx = g() ? 1 : 2;"
    ).calls
    assert [(call.callee, call.tested) for call in found] == [
        ("a", True),
        ("b", True),
        ("c", False),
        ("d", True),
        ("e", False),
        ("g", False),
    ]


def test_loop_macros_are_calls_and_their_bodies_loops(reader: Reader) -> None:
    found = reader.body("\tlist_for_each_entry(a, &t->list, node)\n\t\tg(a);\n\th();").calls
    assert [(call.callee, call.args, call.in_loop) for call in found] == [
        ("list_for_each_entry", ("a", "&t->list", "node"), False),
        ("g", ("a",), True),
        ("h", (), False),
    ]


def test_assignments_of_names(reader: Reader) -> None:
    found = reader.body(
        "\tt->work.func = work_fn;\n\tx = & other;\n\ty = 1;\n\tz = a + b;\n"
        "\tt->done = t->late ? late_fn : early_fn;\n\tvoid (*fn)(void) = init_fn;"
    ).assignments
    assert found == (
        Assignment("t->work.func", "work_fn", 3),
        Assignment("x", "&other", 4),
        Assignment("z", "a + b", 6),
        Assignment("t->done", "late_fn", 7),
        Assignment("t->done", "early_fn", 7),
        Assignment("fn", "init_fn", 8),
    )


def test_declarations_by_macro_inside_a_function_are_calls(reader: Reader) -> None:
    found = reader.body(
        "\tDECLARE_COMPLETION_ONSTACK(done);\n\tLIST_HEAD(list);\n\tg(&list);"
    ).calls
    assert calls(found) == ["DECLARE_COMPLETION_ONSTACK", "LIST_HEAD", "g"]


def test_macros_that_call_are_functions(reader: Reader) -> None:
    text = (
        "#define put_thing(t) \\\n\tdo { \\\n\t\tif (t) \\\n"
        "\t\t\tfput((t)->file); \\\n\t} while (0)\n"
        "#define NUMBER(x) ((x) + 1)\n#define RUN(fn, x) fn(x)\n#define MAKE(n) make_##n(1)\n"
    )
    found = reader.file(text).functions
    assert [(one.name, one.returns, one.static, one.line) for one in found] == [
        ("put_thing", "macro", True, 1),
        ("RUN", "macro", True, 7),
    ]
    call = found[0].calls[0]
    assert (call.callee, call.args, call.line) == ("fput", ("(t)->file",), 4)
    assert [(one.text, one.taken) for one in call.conditions] == [("t", True)]
    assert found[1].calls[0].indirect


def test_a_function_that_an_error_swallows_is_found(reader: Reader) -> None:
    text = (
        "int f(int a)\n{\n\tif (a) {\n\t\tg();\n\treturn 0;\n}\n\n"
        "int h(void)\n{\n\treturn i();\n}\n"
    )
    found = reader.file(text).functions
    assert [(one.name, one.line, calls(one.calls)) for one in found] == [
        ("f", 1, ["g"]),
        ("h", 8, ["i"]),
    ]


def test_statements_that_leave(reader: Reader) -> None:
    exits = reader.body(
        "\tif (a)\n\t\tgoto out;\n\tfor (;;)\n\t\tbreak;\nout:\n\treturn g(1);"
    ).exits
    assert [(one.text, one.line) for one in exits] == [
        ("goto out", 4),
        ("break", 6),
        ("return", 8),
    ]
    assert [one.text for one in exits[0].conditions] == ["a"]


def test_the_digest_ignores_white_space_and_the_header(reader: Reader) -> None:
    one = reader.function("int f(int a)\n{\n\tg(a);\n\treturn 0;\n}\n")
    other = reader.function("long f(long b)\n{\n        g(a);\n\n\treturn  0;\n}\n")
    third = reader.function("int f(int a)\n{\n\th(a);\n\treturn 0;\n}\n")
    assert one.body_digest == other.body_digest != third.body_digest


def test_a_header_by_macro_has_its_first_argument_as_name(reader: Reader) -> None:
    text = "static MY_CALLBACK(free_it)\n{\n\tg();\n}\n\nSHOW(all)\n{\n\th();\n}\n"
    assert [(one.name, one.line, one.static) for one in reader.file(text).functions] == [
        ("free_it", 1, True),
        ("all", 6, False),
    ]


def test_annotations_in_headers_are_told_by_their_looks(reader: Reader) -> None:
    function = reader.function("static MY_NOTE struct a * __my_note f(int b)\n{\n\tg();\n}\n")
    assert (function.returns, function.errors) == ("struct a *", False)


def test_headers_with_types_and_names_as_arguments(reader: Reader) -> None:
    text = "BPF_CALL_2(look_up, struct bpf_map *, map, void *, key)\n{\n\tg();\n}\n"
    (function,) = reader.file(text).functions
    assert (function.name, function.entry) == ("look_up", None)
    assert function.parameters == (Parameter("struct bpf_map", "map"), Parameter("void", "key"))
