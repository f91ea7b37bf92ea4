"""Code whose brackets do not match is said: what a parser makes of it may be anything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "growth"))

import shapes

from patchlint.run import Options, check
from patchlint.syntax.brackets import unmatched

pytestmark = pytest.mark.usefixtures("alone")

SAID = "could not be parsed: the brackets do not match"


def moved() -> list[str]:
    lines = shapes.moved(0)
    lines.insert(5, " \treturn 0;")
    return lines


def told(diff: str) -> tuple[int, list[str]]:
    report = check(["-"], Options(no_tree=True), shapes.mail(diff).encode())
    return len(report.findings), [one.told for one in report.limitations]


@pytest.mark.parametrize("more", ["{", "}", "{ {", "do {", "(", "struct x {", "/*", "{" * 50])
@pytest.mark.parametrize("at", range(11))
@pytest.mark.parametrize("kind", ["+", " "])
def test_no_bracket_of_a_hunk_hides_a_finding_in_silence(more: str, at: int, kind: str) -> None:
    lines = moved()
    lines.insert(at, f"{kind}\t{more}")
    found, said = told(shapes.file("fs/x.c", lines))
    assert found or any(SAID in one for one in said)


@pytest.mark.parametrize("more", ["{", "}", "(", "/*", "}" * 50])
@pytest.mark.parametrize("at", range(10))
def test_no_bracket_of_a_new_file_hides_a_finding_in_silence(more: str, at: int) -> None:
    new = [
        "static void helper(struct thing *x)",
        "{",
        "\tINIT_WORK(&x->work, work_0);",
        "\tqueue_work(wq, &x->work);",
        "}",
        "static void work_0(struct work_struct *w)",
        "{",
        "\tmntput(of(w)->mnt);",
        "}",
    ]
    new.insert(at, more)
    whole = [f"@@ -0,0 +1,{len(new)} @@", *(f"+{line}" for line in new), ""]
    head = ["diff --git a/fs/y.c b/fs/y.c", "new file mode 100644", "--- /dev/null", "+++ b/fs/y.c"]
    loser = [
        *(" static int give_up(struct thing *x)", " {"),
        *("-\tmntput(x->mnt);", "+\thelper(x);", " \treturn 0;", " }"),
    ]
    found, said = told(shapes.file("fs/x.c", loser) + "\n".join([*head, *whole]))
    assert found or any(SAID in one for one in said)


def test_a_series_says_it_once_of_a_file() -> None:
    lines = moved()
    lines.insert(2, "+\t{ {")
    later = [" static int other(void)", " {", "-\told();", "+\tnew();", " }"]
    diffs = (shapes.file("fs/x.c", lines), shapes.file("fs/x.c", later, at=90))
    report = check(["-"], Options(no_tree=True), shapes.mbox(*diffs).encode())
    assert [one.path for one in report.limitations if SAID in one.message] == ["fs/x.c"]


def test_what_matches_is_not_told() -> None:
    assert not told(shapes.file("fs/x.c", moved()))[1]
    text = rb"""
#if A
static int f(void)
{
	if (x) {
#else
static int f(int y)
{
	if (y) {
#endif
		g("}", '}', '"'); /* } */ // {
		({ h(a[1]); });
	}
}
#define X(a) { \
	a(

struct s t[] = { [1] = { 2 }, };
"""
    assert unmatched(text, None) == []


def test_a_hunk_that_begins_or_ends_within_something_matches() -> None:
    cut = ["  \t\t     int more)", " {", "-\tput(x);", "+\tget(x);", " \tif (x) {"]
    assert not told(shapes.file("fs/x.c", cut))[1]
    end = [" \t\ta->b);", " \t}", "-\tput(x);", "+\tget(x);", " }", " EXPORT(x);"]
    assert not told(shapes.file("fs/x.c", end, at=40))[1]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        (b"int f(void)\n{\n\tif (x) {\n}\n", [(2, 4)]),
        (b"int f(void)\n{\n\tif (x) {\nint g(void)\n{\n}\n", [(2, 4)]),
        (b"int f(void)\n{\n}\n}\n", [(4, 4)]),
        (b"int f(void)\n{\n\tg(;\n}\n", [(2, 4)]),
        (b"int f(void)\n{\n", [(2, 3)]),
        (b"int f(void)\n{ /*\n}\n", [(2, 4), (2, 4)]),
    ],
)
def test_where_it_is_that_brackets_do_not_match(text: bytes, spans: list[tuple[int, int]]) -> None:
    assert unmatched(text, None) == spans


@pytest.mark.parametrize(
    "lines",
    [
        *([line for n in range(many) for line in (f"#ifdef A{n}", f"a{n}();")] for many in (6, 40)),
        *(["do"] * many for many in (1, 5, 50)),
        ["if (x)"] * 50,
    ],
)
def test_a_function_of_which_the_parser_makes_nothing_is_said(lines: list[str]) -> None:
    diff = moved()
    diff[2:2] = [f"+\t{line}" for line in lines]
    found, said = told(shapes.file("fs/x.c", diff))
    assert found or any("could not be parsed: no function comes out of them" in one for one in said)


def test_what_a_gap_opens_is_no_function_that_was_missed() -> None:
    """The lines around a gap begin with "switch (1) {", as a function's would."""
    cut = [" \tswitch (1) {", " \tcase 1:", "-\t\ta();", "+\t\tb(", " \t}", " }"]
    _, said = told(shapes.file("fs/x.c", [*moved(), " static void other(void)", " {", *cut]))
    assert not any("no function" in one for one in said)
