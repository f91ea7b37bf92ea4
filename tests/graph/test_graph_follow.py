"""Which function before lives on in which function after."""

from __future__ import annotations

from graph_kit import PATH, compare, function

from patchlint.graph.follow import Lines

BODY = """\
{
	struct lamp *lamp = to_lamp(work);

	lamp_dark(lamp);
	lamp_cold(lamp);
	fput(lamp->file);
}
"""


def ancestors(before, after, name, path=PATH, **more):
    comparison = compare(before, after, **more)
    return [f.name for f in comparison.lineage.of(function(comparison.after, name, path))]


def test_a_function_continues_its_namesake():
    assert ancestors("void f(void)\n" + BODY, "void f(int how)\n" + BODY, "f") == ["f"]


def test_a_new_function_continues_none():
    after = "void f(void)\n" + BODY + "\nvoid g(void)\n{\n\th();\n}\n"
    assert ancestors("void f(void)\n" + BODY, after, "g") == []


def test_a_renamed_function_is_known_by_its_lines():
    assert ancestors("void f(void)\n" + BODY, "void g(void)\n" + BODY, "g") == ["f"]


def test_a_body_that_moved_into_a_callback_leaves_two_heirs():
    after = (
        "static void f_work(struct work_struct *work)\n"
        + BODY
        + "\nvoid f(struct lamp *l)\n{\n\tschedule_work(&l->work);\n}\n"
    )
    assert ancestors("void f(void)\n" + BODY, after, "f_work") == ["f"]
    assert ancestors("void f(void)\n" + BODY, after, "f") == ["f"]


def test_a_renamed_file_keeps_its_functions():
    before, after = {"fs/old.c": "void f(void)\n" + BODY}, {"fs/new.c": "void f(void)\n" + BODY}
    renamed = {"fs/old.c": "fs/new.c"}
    assert ancestors(before, after, "f", "fs/new.c", renamed=renamed) == ["f"]


def test_a_function_that_moved_to_another_file_is_known_by_its_name():
    before = {"fs/a.c": "void f(void)\n" + BODY, "fs/b.c": ""}
    after = {"fs/a.c": "", "fs/b.c": "void f(void)\n" + BODY}
    assert ancestors(before, after, "f", "fs/b.c") == ["f"]
    static = {"fs/a.c": "", "fs/b.c": "static void f(void)\n" + BODY}
    assert ancestors(before, static, "f", "fs/b.c") == ["f"]


OPS = "\nstatic const struct lamp_ops ops = {{\n\t.close = {},\n}};\n"


def test_who_takes_a_slot_continues_who_held_it():
    before = "static void f(void)\n{\n\tfput(a);\n}\n" + OPS.format("f")
    after = "static void g(void)\n{\n\tschedule_work(b);\n}\n" + OPS.format("g")
    assert ancestors(before, after, "g") == ["f"]


def test_another_slot_tells_nothing():
    before = "static void f(void)\n{\n\tfput(a);\n}\n" + OPS.format("f")
    after = "static void g(void)\n{\n\tschedule_work(b);\n}\n" + OPS.format("g")
    assert ancestors(before, after.replace(".close", ".open"), "g") == []


def test_lines_of_other_files_are_not_added():
    lines = Lines(kept={PATH: {1: 1}}, stayed={PATH: {1: 1}})
    assert lines.added(PATH, 2)
    assert not lines.added(PATH, 1)
    assert not lines.added("fs/other.c", 2)


def test_a_line_that_got_deeper_stands_where_it_stood():
    before = "void f(void)\n" + BODY
    after = before.replace(
        "\tlamp_cold(lamp);\n\tfput(lamp->file);\n",
        "\tif (lamp->file) {\n\t\tlamp_cold( lamp );\n\t\tfput(lamp->file);\n\t}\n",
    )
    lines = compare(before, after).lines
    assert [lines.forward(PATH, line) for line in (5, 6, 7)] == [5, 7, 8]
    assert [lines.added(PATH, line) for line in (6, 7, 8, 9)] == [True, False, False, True]


def test_lines_in_another_order_did_not_stay():
    before = "void f(void)\n" + BODY
    after = before.replace(
        "\tlamp_cold(lamp);\n\tfput(lamp->file);\n",
        "\tif (lamp->file)\n\t\tfput(lamp->file);\n\tlamp_cool(lamp);\n\tlamp_cold(lamp->cold);\n",
    )
    lines = compare(before, after).lines
    assert [lines.forward(PATH, line) for line in (6, 7)] == [None, 7]


def test_a_blank_line_is_no_place():
    before = "void f(void)\n{\n\tint nr;\n\n\tdark();\n\n\tcold();\n\n\treturn;\n}\n"
    after = "void f(void)\n{\n\tint nr;\n\n\tdim();\n\n\tlate();\n\n\treturn;\n}\n"
    lines = compare(before, after).lines
    assert lines.forward(PATH, 6) == 6
    assert lines.place(PATH, 5) == lines.place(PATH, 7) == (3, 9)
