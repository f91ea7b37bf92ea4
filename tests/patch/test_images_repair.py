"""Repair: what a parser sees of a C file of which only parts are known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_c
from hypothesis import given, settings
from hypothesis import strategies as st

from patchlint.model.diff import DiffLine, FileDiff, Hunk
from patchlint.patch.images import compose
from patchlint.patch.repair import UNKNOWN

SOURCE = Path(__file__).with_name("cup.c").read_text(encoding="ascii").split("\n")[:-1]

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
LABEL = re.compile(r"\s*\w+:\s*($|/[/*])")


def section_of(lines, first, labels=False):
    for line in reversed(lines[: first - 1]):
        if re.match(r"[A-Za-z_$]", line) and (labels or not LABEL.match(line)):
            return line[:80].rstrip()
    return ""


def showing(lines, *ranges, labels=False, sections=None, path="cup.c"):
    """The image of a file of which a patch shows these closed line ranges."""
    hunks = []
    for first, last in ranges:
        shown = tuple(DiffLine(" ", lines[n - 1], n, n) for n in range(first, last + 1))
        length = last - first + 1
        section = section_of(lines, first, labels) if sections is None else sections[len(hunks)]
        hunks.append(Hunk(first, length, first, length, section, shown))
    composition = compose([(1, [FileDiff(path, path, "modify", tuple(hunks))], None)])
    assert composition.limitations == ()
    (pair,) = composition.state(1).files
    assert pair.pre.text == pair.post.text
    return pair.pre


def nodes(root):
    yield root
    for child in root.children:
        yield from nodes(child)


def parse(image):
    return PARSER.parse(image.text).root_node


def mistakes(image):
    return [
        (node.type, node.start_point[0] + 1)
        for node in nodes(parse(image))
        if node.is_error or node.is_missing
    ]


def function_at(root):
    """Line to name of the function whose body has it."""
    found = {}
    for node in nodes(root):
        if node.type != "function_definition":
            continue
        name = node.child_by_field_name("declarator")
        while name.type != "identifier":
            name = name.child_by_field_name("declarator") or name.named_children[0]
        for row in range(node.start_point[0], node.end_point[0] + 1):
            found[row + 1] = name.text.decode()
    return found


WHOLE = PARSER.parse("\n".join(SOURCE).encode()).root_node
TRUE_FUNCTIONS = function_at(WHOLE)
CALLS = {
    (node.start_point[0] + 1, node.child_by_field_name("function").text)
    for node in nodes(WHOLE)
    if node.type == "call_expression"
}


def test_the_whole_sample_parses():
    assert not WHOLE.has_error
    assert set(TRUE_FUNCTIONS.values()) == {
        "cup_fill", "cup_state_name", "cup_work", "cup_table_lookup", "cup_empty",
    }  # fmt: skip


@st.composite
def some_ranges(draw, apart=2, length=1):
    """Closed line ranges, at least ``apart`` lines from each other."""
    ranges = []
    line = 1
    while line <= len(SOURCE) - length and len(ranges) < 5:
        first = draw(st.integers(line, len(SOURCE) - length))
        last = draw(st.integers(first + length - 1, min(len(SOURCE), first + 14)))
        ranges.append((first, last))
        line = last + apart
    return ranges


@given(some_ranges(), st.booleans())
@settings(max_examples=120, deadline=None)
def test_known_lines_stand_and_belong_to_their_function(ranges, labels):
    image = showing(SOURCE, *ranges, labels=labels)
    lines = image.text.decode().split("\n")
    for first, last in image.known:
        assert lines[first - 1 : last] == SOURCE[first - 1 : last]
    for number, name in function_at(parse(image)).items():
        if image.knows(number) and SOURCE[number - 1].startswith("\t"):
            assert name == TRUE_FUNCTIONS.get(number, name) or name.startswith(UNKNOWN)


@given(some_ranges(apart=6, length=7))
@settings(max_examples=120, deadline=None)
def test_no_part_breaks_the_parser(ranges):
    assert mistakes(showing(SOURCE, *ranges)) == []


@given(some_ranges(apart=6, length=7))
@settings(max_examples=80, deadline=None)
def test_every_call_on_a_known_line_is_seen(ranges):
    image = showing(SOURCE, *ranges)
    seen = {
        (node.start_point[0] + 1, node.child_by_field_name("function").text)
        for node in nodes(parse(image))
        if node.type == "call_expression"
    }
    assert {call for call in CALLS if image.knows(call[0])} <= seen


def line_of(text, after=1):
    return SOURCE.index(text, after - 1) + 1


def gap_lines(image):
    """The lines of the gaps that are not blank."""
    return {
        number: text
        for number, text in enumerate(image.text.decode().split("\n"), 1)
        if text and not image.knows(number)
    }


def test_a_part_inside_a_function_gets_its_header_on_the_last_gap_line():
    first = line_of("\tif (!cup)")
    image = showing(SOURCE, (first, first + 3))
    assert gap_lines(image) == {
        first - 1: "static int cup_fill(struct cup *cup, int amount) {",
        first + 4: "}",
    }
    assert image.headers == {first - 1}


def test_a_cut_section_is_completed_at_its_last_whole_parameter():
    lines = [
        "static int a_function_with_a_long_name(struct first_argument *one, struct second *two)",
        "{",
        *["\tstep();"] * 9,
        "}",
    ]
    image = showing(lines, (5, 8))
    header = "static int a_function_with_a_long_name(struct first_argument *one) {"
    assert gap_lines(image) == {4: header, 9: "}"}
    assert mistakes(image) == []


def test_parts_of_one_function_are_one_function():
    first = line_of("\tif (!cup)")
    second = line_of("\tdo {")
    image = showing(SOURCE, (first, first + 2), (second, second + 2))
    assert gap_lines(image) == {
        first - 1: "static int cup_fill(struct cup *cup, int amount) {",
        second + 3: "} while (0); }",
    }


def test_closers_tell_what_opened_them():
    first = line_of("\t\t\tgoto out_unlock;")
    image = showing(SOURCE, (first, first + 3))
    assert gap_lines(image) == {
        first - 1: "static int cup_fill(struct cup *cup, int amount) { if (1) {",
        first + 4: "} }",
    }
    first = line_of("\t\ti--;")
    image = showing(SOURCE, (first, first + 3))
    assert gap_lines(image)[first - 1].endswith("{ do {")
    first = line_of("\t\treturn half;")
    image = showing(SOURCE, (first, first + 4))
    assert gap_lines(image)[first - 1].endswith("{ switch (1) { switch (1) {")
    assert gap_lines(image)[first + 5] == "}"


def test_indentation_tells_how_deep_a_part_stands():
    first = line_of("\t\t\terr = -ENOSPC;")
    image = showing(SOURCE, (first, first + 1))
    assert gap_lines(image) == {
        first - 1: "static int cup_fill(struct cup *cup, int amount) { switch (1) { switch (1) {",
        first + 2: "} } }",
    }


def test_statements_cut_in_the_middle_are_completed():
    first = line_of("\t\t\t     i, amount);")
    assert gap_lines(showing(SOURCE, (first, first)))[first - 1].endswith("{ __gap(")
    first = line_of("\t     i < amount;")
    assert gap_lines(showing(SOURCE, (first, first + 1)))[first - 1].endswith("{ for (;")
    last = line_of('\t\t\tpour(cup, "rest",')
    assert gap_lines(showing(SOURCE, (last, last)))[last + 1] == "__gap ) ; } } }"


def test_a_part_of_a_comment_stays_a_comment():
    first = line_of(" * @state: the state,")
    image = showing(SOURCE, (first, first + 1))
    assert gap_lines(image) == {first - 1: "/*", first + 2: "*/"}


def test_containers_get_their_own_header_and_end():
    first = line_of("\t\tint size;")
    image = showing(SOURCE, (first, first + 3))
    assert gap_lines(image) == {first - 1: "struct cup { struct {", first + 4: "};"}
    first = line_of("\t\t.second = 2,")
    image = showing(SOURCE, (first, first + 2))
    assert gap_lines(image) == {
        first - 1: "static const struct cup_ops cup_default_ops = { {",
        first + 3: "};",
    }
    first = line_of("\tCUP_HALF = 3,")
    assert gap_lines(showing(SOURCE, (first, first))) == {
        first - 1: "enum cup_state {",
        first + 1: "};",
    }


def test_a_table_whose_end_is_shown_is_the_one_of_its_section():
    """The last hunk of a file often holds the end of a table alone."""
    lines = [
        "static const struct cup_ops big_cup_ops = {",
        "\t.fill = cup_fill,",
        "\t.drain = cup_drain,",
        "};",
        "",
        "int cup_last;",
    ]
    shown = showing(lines, (3, 6), sections=[lines[0]])
    assert gap_lines(shown) == {2: lines[0]}
    assert mistakes(shown) == []


def test_the_end_of_a_function_is_not_that_of_a_table_above_it():
    lines = [
        "static struct cup big = {",
        "\t.size = 1,",
        "};",
        "",
        "void f(void)",
        "{",
        "\tdrain();",
        "}",
    ]
    shown = showing(lines, (7, 8), sections=[lines[0]])
    assert lines[0] not in gap_lines(shown).values()


def test_conditionals_cut_in_two_are_completed():
    first = line_of("\t\treport(cup);")
    image = showing(SOURCE, (first, first + 5))
    assert list(gap_lines(image).values()) == [
        "#if 1",
        "static void cup_work(struct work_struct *work) {",
        "#if 1",
        ";",
        "#endif",
    ]
    assert mistakes(image) == []


def test_the_section_names_the_function_before_when_the_next_one_begins_in_the_hunk():
    first = line_of("void cup_empty(struct cup *cup)") - 4
    image = showing(SOURCE, (first, first + 7))
    found = function_at(parse(image))
    assert found[first] == "cup_table_lookup"
    assert found[first + 6] == "cup_empty"


def test_a_section_that_ended_in_the_gap_gives_no_header():
    first = line_of("\t\tbow(polite ||") + 4
    image = showing(SOURCE, (first, first + 3))
    assert image.headers == frozenset()


@pytest.mark.parametrize("section", ["out_unlock:", "and here prose goes on. Or", "int x;", ""])
def test_a_section_that_names_no_function_gives_an_unknown_one(section):
    first = line_of("\tspin_unlock(&cup->lock);")
    image = showing(SOURCE, (first, first + 1), sections=[section])
    assert gap_lines(image)[first - 1] == f"void {UNKNOWN}{first}(void) {{"
    assert image.headers == {first - 1}


@pytest.mark.parametrize(
    ("shown", "function"),
    [
        (["\tbow(guest);", "\tpour(guest->cup);"], True),
        (["\tif (guest)", "\t\tbow(guest);"], True),
        (["\tguest->cup = NULL;"], True),
        (["\tstruct cup *cup;", "\tint (*pour)(struct cup *cup);"], False),
        (["\tDECLARE_BITMAP(full, CUPS);", "\tint cups;"], False),
    ],
)
def test_a_semicolon_behind_the_last_brace_makes_no_struct_of_statements(shown, function):
    head = "static void serve(struct guest *guest)"
    image = showing([head, "{", "", *shown, "};", "", "int cups;"], (4, 5 + len(shown)))
    assert (gap_lines(image)[3] == f"{head} {{") is function


def test_a_label_belongs_to_the_function_that_line_order_shows():
    lines = [
        "static int boil(struct pot *pot)", "{", "\tlight(pot);", *["\twait(pot);"] * 8,
        "out:", *["\tcool(pot);"] * 4, "\tserve(pot);", *["\trinse(pot);"] * 9, "}",
    ]  # fmt: skip
    known = showing(lines, (11, 14), (17, 19), labels=True, sections=[lines[0], "out:"])
    assert set(function_at(parse(known)).values()) == {"boil"}
    later = showing(lines, (1, 4), (14, 16), (20, 22), sections=[lines[0], "out:", lines[0]])
    assert set(function_at(parse(later)).values()) == {"boil"}
    unsure = showing(lines, (1, 4), (14, 16), labels=True)
    assert set(function_at(parse(unsure)).values()) == {"boil", f"{UNKNOWN}14"}


def test_macro_headers_are_left_as_they_are():
    lines = ["SYSCALL_DEFINE2(pour, int, cup, int, amount)", "{", *["\tstep();"] * 6, "}"]
    image = showing(lines, (5, 7))
    assert gap_lines(image)[4] == "SYSCALL_DEFINE2(pour, int, cup, int, amount) {"


def test_a_header_without_its_type_gets_a_stand_in():
    first = line_of("\tint total = table[which] +")
    image = showing(SOURCE, (first, first + 3))
    assert gap_lines(image)[first - 1] == "__gap cup_table_lookup() {"


def test_part_of_a_macro_stays_one():
    lines = ["#define stir(cup) \\", *["\tspoon(cup); \\"] * 8, "\tend(cup)", "int after;"]
    image = showing(lines, (5, 7))
    assert gap_lines(image) == {4: "#define __gap \\", 8: "__gap"}
    image = showing(lines, (5, 11))
    assert mistakes(image) == []


def test_files_that_are_not_c_get_blank_gaps():
    lines = [f"\tline {number})" for number in range(1, 30)]
    image = showing(lines, (5, 8), (15, 19), path="Kconfig")
    assert gap_lines(image) == {}


PIECES = st.sampled_from(
    ["{", "}", "(", ")", ";", "if (x)", "else", "do", "while", "case 1:", "#if X", "#else",
     "#endif", "/*", "*/", '"', "'", "\\", "a", "=", ",", "struct s", "enum", "out:", "[", "]",
     ":", "?", " * word", "static int f(int a,", "\t", "f(void)", "//", "#define M \\", "\0"]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=4).map(" ".join), min_size=12, max_size=40), st.data())
@settings(max_examples=120, deadline=None)
def test_no_text_at_all_breaks_the_repair(lines, data):
    sections = data.draw(st.lists(st.sampled_from(lines), min_size=3, max_size=3))
    first = data.draw(st.integers(1, 4))
    image = showing(lines, (first, 5), (7, 8), (10, 12), sections=sections)
    text = image.text.decode().split("\n")
    for low, high in image.known:
        assert text[low - 1 : high] == lines[low - 1 : high]
