from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.model.facts import FileMacro, Initializer, Parameter

if TYPE_CHECKING:
    from c_reader import Reader


def test_macro_calls_of_the_file(reader: Reader) -> None:
    text = (
        "static DECLARE_WORK(work, work_fn);\nDEFINE_TIMER(timer, timer_fn);\n"
        "EXPORT_SYMBOL_GPL(f);\nmodule_init(start)\nmodule_exit(stop);\n"
        "my_param(a, int, 0644)\n#ifdef X\nlate_initcall(late);\n#endif\n"
    )
    assert reader.file(text).macros == (
        FileMacro("DECLARE_WORK", ("work", "work_fn"), 1),
        FileMacro("DEFINE_TIMER", ("timer", "timer_fn"), 2),
        FileMacro("EXPORT_SYMBOL_GPL", ("f",), 3),
        FileMacro("module_init", ("start",), 4),
        FileMacro("module_exit", ("stop",), 5),
        FileMacro("my_param", ("a", "int", "0644"), 6),
        FileMacro("late_initcall", ("late",), 8),
    )


def test_macros_that_make_the_value_of_an_object(reader: Reader) -> None:
    text = (
        "static struct kobj_attribute off =\n\t__ATTR(off, 0644, show, store), on = MAKE(on);\n"
        "static int size = 4;\nint f(void)\n{\n\tstatic int x = MAKE(x);\n}\n"
    )
    assert reader.file(text).macros == (
        FileMacro("__ATTR", ("off", "0644", "show", "store"), 2),
        FileMacro("MAKE", ("on",), 2),
    )


def test_designated_initializers(reader: Reader) -> None:
    text = (
        "static const struct file_operations fops = {\n\t.owner = THIS_MODULE,\n"
        "\t.release = f_release,\n\t.flags = 12,\n};\n"
    )
    assert reader.file(text).initializers == (
        Initializer("struct file_operations", "fops", "owner", "THIS_MODULE", 2),
        Initializer("struct file_operations", "fops", "release", "f_release", 3),
    )


def test_nested_initializers_tell_the_members_above(reader: Reader) -> None:
    text = (
        "static struct type types[] = {\n\t{ .ops = { .free = a_free, }, .next.fn = &b_fn },\n"
        "\t[2] = { .init = c_init },\n};\n"
    )
    assert reader.file(text).initializers == (
        Initializer("struct type.ops", "types", "free", "a_free", 2),
        Initializer("struct type.next", "types", "fn", "&b_fn", 2),
        Initializer("struct type", "types", "init", "c_init", 3),
    )


def test_local_objects_and_compound_literals(reader: Reader) -> None:
    text = (
        "void f(struct b *b)\n{\n\tstruct a a = { .fn = one };\n\t*b = (struct b) { .fn = two };\n"
        "\tg(&(struct c){ .fn = three });\n}\n"
    )
    assert reader.file(text).initializers == (
        Initializer("struct a", "a", "fn", "one", 3),
        Initializer("struct b", "", "fn", "two", 4),
        Initializer("struct c", "", "fn", "three", 5),
    )


def test_initializers_under_both_branches(reader: Reader) -> None:
    text = (
        "struct a a = {\n#ifdef X\n\t.fn = one,\n#else\n\t.fn = two,\n#endif\n"
        "\t.other = three,\n};\n"
    )
    found = reader.file(text).initializers
    assert [(one.member, one.value, one.line) for one in found] == [
        ("fn", "one", 3),
        ("fn", "two", 5),
        ("other", "three", 7),
    ]


def test_globals_and_prototypes(reader: Reader) -> None:
    text = (
        "static struct workqueue_struct *wq;\nextern int count, sizes[4];\nint (*hook)(int);\n"
        "int f(int a);\nstruct b *g(void);\nstatic DEFINE_PER_CPU(struct c, cs);\n"
    )
    facts = reader.file(text)
    assert facts.globals == (
        Parameter("struct workqueue_struct", "wq"),
        Parameter("int", "count"),
        Parameter("int", "sizes"),
        Parameter("int (*)()", "hook"),
        Parameter("struct c", "cs"),
    )
    assert facts.declared == ("f", "g")


def test_struct_members(reader: Reader) -> None:
    text = (
        "struct a {\n\tstruct work_struct work;\n\tunion {\n\t\tstruct rcu_head rcu;\n"
        "\t\tstruct {\n\t\t\tint b, *c;\n\t\t};\n\t};\n\tvoid (*fn)(struct a *);\n"
        "\tDECLARE_BITMAP(bits, 3);\n#ifdef X\n\tlong d;\n#endif\n};\n"
        "typedef struct {\n\tint e;\n} f_t;\n"
    )
    found = reader.file(text).fields
    assert sorted(found, key=lambda field: field[3]) == [
        ("struct a", "work", "struct work_struct", 2),
        ("struct a", "rcu", "struct rcu_head", 4),
        ("struct a", "b", "int", 6),
        ("struct a", "c", "int", 6),
        ("struct a", "fn", "void (*)()", 9),
        ("struct a", "bits", "long", 10),
        ("struct a", "d", "long", 12),
        ("f_t", "e", "int", 16),
    ]
