"""Diffs that a mailer or a hand has damaged: the good is kept, the rest is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.model.diff import Hunk, ParsedDiff
from patchlint.patch.diff import parse

TITLES = "--- a/f.c\n+++ b/f.c\n"
GOOD = "diff --git a/g.c b/g.c\n--- a/g.c\n+++ b/g.c\n@@ -1 +1 @@\n-b\n+c\n"
LINES = [
    " {",
    " \tint a = first(one, two,",
    "-\tstop(a);",
    "+\tstop_sync(a);",
    " \treturn a;",
    " }",
]


def damaged(
    lines: list[str], header: str = "@@ -10,5 +10,5 @@ int f(int one, int two)"
) -> ParsedDiff:
    """The lines as a hunk, with a good file behind them that must always survive."""
    parsed = parse(TITLES + "\n".join([header, *lines]) + "\n" + GOOD)
    assert [(one.path, one.added, one.removed) for one in parsed.files[-1:]] == [("g.c", 1, 1)]
    return parsed


def hunk_of(parsed: ParsedDiff) -> Hunk:
    assert len(parsed.files) == 2
    (hunk,) = parsed.files[0].hunks
    return hunk


def texts(hunk: Hunk) -> list[str]:
    return [line.kind + line.text for line in hunk.lines]


def test_undamaged() -> None:
    parsed = damaged(LINES)
    assert parsed.problems == ()
    assert texts(hunk_of(parsed)) == LINES


def test_line_broken_by_a_mailer_is_joined() -> None:
    parsed = damaged([LINES[0], " \tint a =", "first(one, two,", *LINES[2:]])
    assert texts(hunk_of(parsed)) == LINES
    (problem,) = parsed.problems
    assert (problem.line, problem.path) == (3, "f.c")
    assert "broken by a mailer" in problem.message


def test_hunk_header_broken_by_a_mailer_is_joined() -> None:
    parsed = damaged(["two)", *LINES], "@@ -10,5 +10,5 @@ int f(int one, int")
    assert hunk_of(parsed).section == "int f(int one, int two)"
    assert texts(hunk_of(parsed)) == LINES
    assert "header broken" in parsed.problems[0].message


def test_header_and_lines_broken() -> None:
    lines = ["two)", LINES[0], " \tint a =", "first(one,", "two,", *LINES[2:]]
    parsed = damaged(lines, "@@ -10,5 +10,5 @@ int f(int one, int")
    assert texts(hunk_of(parsed)) == LINES
    assert len(parsed.problems) == 1


def test_context_that_lost_its_first_blank() -> None:
    parsed = damaged([line[1:] if line[0] == " " else line for line in LINES])
    assert [line.kind for line in hunk_of(parsed).lines] == [line[0] for line in LINES]
    assert hunk_of(parsed).lines[0].text == "{"
    assert hunk_of(parsed).section == "int f(int one, int two)"
    assert "without a mark" in parsed.problems[0].message


def test_no_break_spaces_are_blanks() -> None:
    hard = [line.replace("\t", "\u00a0" * 8).replace(" ", "\u00a0") for line in LINES]
    parsed = damaged(hard)
    assert parsed.problems == ()
    assert hunk_of(parsed).lines[1].text.startswith(" " * 8 + "int a")


def test_no_break_space_within_a_line_is_kept() -> None:
    parsed = parse(TITLES + "@@ -1 +1 @@\n-a\u00a0b\n+a\u00a0c\n")
    assert parsed.files[0].hunks[0].lines[0].text == "a\u00a0b"


def test_tabs_that_became_blanks() -> None:
    parsed = damaged([line.replace("\t", "        ") for line in LINES])
    assert parsed.problems == ()
    assert hunk_of(parsed).lines[2].text == "        stop(a);"


@pytest.mark.parametrize(
    ("header", "short"),
    [
        ("@@ -10,4 +10,5 @@", False),
        ("@@ -10,6 +10,5 @@", True),
        ("@@ -10,5 +10,9 @@", True),
        ("@@ -10,2 +10,3 @@", False),
    ],
)
def test_wrong_counts_keep_the_lines(header: str, short: bool) -> None:
    parsed = damaged(LINES, header)
    hunk = hunk_of(parsed)
    assert texts(hunk) == LINES
    assert (hunk.old_length, hunk.new_length) == (5, 5)
    (problem,) = parsed.problems
    assert "announces" in problem.message
    # one that has more than it announces was edited by hand: all of it is there
    assert problem.lost == short


def test_diff_cut_in_a_hunk() -> None:
    parsed = parse(GOOD + TITLES + "@@ -1,9 +1,9 @@\n a\n-b\n")
    assert [one.path for one in parsed.files] == ["g.c", "f.c"]
    (problem,) = parsed.problems
    assert (problem.line, problem.path) == (9, "f.c")
    assert "9 old and 9 new lines but has 2 and 1" in problem.message


def test_diff_cut_behind_the_file_header() -> None:
    parsed = parse(GOOD + "diff --git a/f.c b/f.c\nindex 12ab..34cd 100644\n--- a/f.c\n")
    assert parsed.problems[0].path == "f.c"
    assert "cut short" in parsed.problems[0].message


def test_prose_ends_a_short_hunk() -> None:
    parsed = damaged([*LINES[:4], "", "What do you think?", "Ada"])
    assert texts(hunk_of(parsed)) == LINES[:4]
    assert "announces" in parsed.problems[0].message


def test_signature_ends_a_short_hunk() -> None:
    parsed = parse(TITLES + "@@ -1,9 +1,9 @@\n a\n-b\n-- \n2.45.0\n")
    assert (parsed.files[0].added, parsed.files[0].removed) == (0, 1)


def test_line_behind_the_end_of_a_hunk_is_named() -> None:
    parsed = parse(TITLES + "@@ -1 +1 @@\n-b\n+c\n+d\n")
    assert parsed.files[0].added == 1
    assert "behind the end" in parsed.problems[0].message


def test_hunk_without_a_file() -> None:
    parsed = parse("@@ -1 +1 @@\n-b\n+c\n" + GOOD)
    assert "without a file header" in parsed.problems[0].message
    assert [one.path for one in parsed.files] == ["g.c"]


def test_hunk_header_that_cannot_be_read() -> None:
    parsed = parse(TITLES + "@@ -1 +x @@\n-b\n+c\n" + GOOD)
    (problem,) = parsed.problems
    assert "cannot be read" in problem.message
    assert parsed.files[-1].path == "g.c"


HUNK = "@@ -10,5 +10,5 @@ int f(int one, int two)\n"


def lost(text: str) -> list[tuple[str | None, int | None]]:
    """Where lines of a diff were not read: the file, and the line of it where the hunk begins."""
    return [(one.path, one.start) for one in parse(text).problems if one.lost]


@pytest.mark.parametrize(
    "lines",
    [
        LINES,
        [LINES[0], " \tint a =", "first(one, two,", *LINES[2:]],
        ["two)", *LINES],
        ["two)", LINES[0], " \tint a =", "first(one,", "two,", *LINES[2:]],
        [line[1:] if line[0] == " " else line for line in LINES],
        [line.replace("\t", "        ") for line in LINES],
        [line.replace(" ", "\u00a0") for line in LINES],
        [*LINES, "", "What do you think?", "- Ada"],
        [*LINES, "-- ", "2.45.0"],
    ],
)
def test_what_is_mended_is_not_lost(lines: list[str]) -> None:
    assert lost(TITLES + HUNK + "\n".join(lines) + "\n" + GOOD) == []


@pytest.mark.parametrize(
    "lines",
    [
        LINES[:4],
        LINES[:1] + LINES[2:],
        [*LINES[:4], "", "What do you think?", "Ada"],
        [*LINES, "+\tlog(a);"],
        [*LINES, " \treturn;", "+\tlog(a);"],
    ],
)
def test_lines_that_a_hunk_lacks_or_has_behind_its_end_are_lost(lines: list[str]) -> None:
    """Each stands at the line of the file, which is what its reader has."""
    assert lost(TITLES + HUNK + "\n".join(lines) + "\n" + GOOD) == [("f.c", 10)]


def test_a_hunk_that_lost_its_marks_is_lost_beside_one_that_has_them() -> None:
    bare = "@@ -30,2 +30,2 @@\n a\n b\n"
    parsed = parse(TITLES + HUNK + "\n".join(LINES) + "\n" + bare)
    # what it shows stands in the file before or after: better than a gap
    assert [hunk.old_start for hunk in parsed.files[0].hunks] == [10, 30]
    assert [(one.start, one.lost) for one in parsed.problems] == [(30, True)]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (GOOD + "diff --git a/f.c b/f.c\nindex 12ab..34cd 100644\n--- a/f.c\n", ("f.c", None)),
        (GOOD + "@@ -7 +x @@\n-b\n+c\n", ("g.c", None)),
        (
            GOOD + TITLES + "@@ -9999999,2 +1,2 @@\n-b\n+c\n d\n" + HUNK + "\n".join(LINES),
            ("f.c", None),
        ),
        (GOOD + "diff --cc m.c\nindex 12ab,34cd..56ef\n", ("m.c", None)),
        (GOOD + "--- \n+++ \n@@ -1 +1 @@\n-b\n+c\n", (None, None)),
        ("@@ -1 +1 @@\n-b\n+c\n" + GOOD, (None, None)),
        (GOOD + TITLES + "@@ -1,2 +1,2 @@\n a\n b\n", ("f.c", None)),
        (GOOD + "diff --git a/x.c b/x.c\nBinary files a/x.c and b/x.c differ\n", ("x.c", None)),
        (GOOD + TITLES + "@@ -4,2 +4,2 @@\n int f({+void+});\n", ("f.c", 4)),
    ],
)
def test_a_file_or_a_hunk_that_is_not_read_is_lost(
    text: str, where: tuple[str | None, int | None]
) -> None:
    assert lost(text) == [where]


def test_a_header_without_a_line_and_hunks_without_context_lose_nothing() -> None:
    assert lost("+++ b/g.c\n@@ -1 +1 @@\n-b\n+c\n") == []
    assert lost(GOOD + "@@ -9 +9 @@\n-b\n+c\n") == []


def test_nothing_at_all() -> None:
    assert parse("") == ParsedDiff((), ())
    assert parse("no diff\n") == ParsedDiff((), ())


def test_very_long_broken_hunk_is_read_in_one_pass() -> None:
    lines = [f"+line {number}" for number in range(60_000)]
    parsed = parse(TITLES + "@@ -1,2 +1,3 @@\n a\n" + "\n".join(lines) + "\n b\n")
    assert parsed.files[0].added == 60_000


PIECES = st.sampled_from(
    [
        "diff --git a/f.c b/f.c\n",
        'diff --git "a/\\303" x\n',
        "index 12ab..34cd 100644\n",
        "rename from f.c\n",
        "rename to g.c\n",
        "new file mode 100644\n",
        "--- a/f.c\n",
        "+++ b/f.c\n",
        "--- /dev/null\n",
        "+++ \n",
        "@@ -1,3 +1,3 @@ int f(void)\n",
        "@@ -0,0 +1,2 @@\n",
        "@@ -999999999,1 +999999999,999999999 @@\n",
        " a\n",
        "-b\n",
        "+c\n",
        "\n",
        "\\ No newline at end of file\n",
        "GIT binary patch\n",
        "Binary files a/x and b/x differ\n",
        "-- \n",
        "prose\n",
        "\u00a0x\n",
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=30).map("".join))
def test_any_text_is_read_and_numbers_hold(diff: str) -> None:
    parsed = parse(diff)
    count = diff.count("\n") + 1
    for problem in parsed.problems:
        assert 1 <= problem.line <= count + 1
    for file in parsed.files:
        assert file.path
        for hunk in file.hunks:
            check(hunk)


def check(hunk: Hunk) -> None:
    """The numbers of a hunk run on from its start, one by one, on each side."""
    old = [line.old for line in hunk.lines if line.kind != "+"]
    new = [line.new for line in hunk.lines if line.kind != "-"]
    assert old == list(range(hunk.old_start, hunk.old_start + hunk.old_length))
    assert new == list(range(hunk.new_start, hunk.new_start + hunk.new_length))
    assert all((line.old is None) == (line.kind == "+") for line in hunk.lines)
    assert all((line.new is None) == (line.kind == "-") for line in hunk.lines)


WITHOUT_LINES = """\
diff --git a/f.c b/f.c
--- a/f.c
+++ b/f.c
@@ -1,2 +1,2 @@
-a
+b
 c
{header}
 int f(void)
-{{ stop(); }}
+{{ stop_later(); }}
"""


@pytest.mark.parametrize("header", ["@@", "@@ ... @@", "@@ @@ int f(void)", "@@ -x,y +z @@"])
@pytest.mark.parametrize("short", [False, True])
def test_a_hunk_whose_header_says_no_lines_is_lost_and_said(header: str, *, short: bool) -> None:
    text = WITHOUT_LINES.format(header=header)
    parsed = parse(text.replace(" c\n", "") if short else text)
    assert [len(one.hunks) for one in parsed.files] == [1]
    assert any(
        one.lost and one.path == "f.c" and "header that cannot be read" in one.message
        for one in parsed.problems
    )


@pytest.mark.parametrize(
    "behind",
    [
        "-- \n2.45.0\n\n@@\n- a\n+ b\n",
        "\nMade by this script:\n@@\nexpression e;\n@@\n- stop(e)\n+ stop_later(e)\n",
        "@@\nexpression e;\n",
    ],
)
def test_such_a_line_in_prose_is_no_hunk(behind: str) -> None:
    assert parse(GOOD + behind).problems == ()
    script = "+@@\n+- a\n++ b\n"
    assert parse(GOOD.replace("@@ -1 +1 @@", "@@ -1 +1,4 @@") + script).problems == ()
