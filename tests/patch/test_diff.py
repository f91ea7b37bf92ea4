from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import git_diffs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchlint.mail.shape import diff_start
from patchlint.patch.diff import parse

if TYPE_CHECKING:
    from pathlib import Path

    from patchlint.model.diff import FileDiff

HUNK = "@@ -1,3 +1,3 @@ int f(void)\n a\n-b\n+c\n d\n"


def only(diff: str) -> FileDiff:
    parsed = parse(diff)
    assert parsed.problems == ()
    (file,) = parsed.files
    return file


def git_header(old: str = "a/f.c", new: str = "b/f.c", *more: str) -> str:
    return "\n".join([f"diff --git {old} {new}", *more, ""])


def titles(old: str = "a/f.c", new: str = "b/f.c") -> str:
    return f"--- {old}\n+++ {new}\n"


def test_plain_change() -> None:
    file = only(git_header("a/f.c", "b/f.c", "index 12ab..34cd 100644") + titles() + HUNK)
    assert (file.path, file.kind, file.added, file.removed) == ("f.c", "modify", 1, 1)
    assert (file.old_blob, file.new_blob) == ("12ab", "34cd")
    (hunk,) = file.hunks
    assert (hunk.old_start, hunk.old_length, hunk.new_start, hunk.new_length) == (1, 3, 1, 3)
    assert hunk.section == "int f(void)"
    assert [(line.kind, line.text, line.old, line.new) for line in hunk.lines] == [
        (" ", "a", 1, 1),
        ("-", "b", 2, None),
        ("+", "c", None, 2),
        (" ", "d", 3, 3),
    ]


def test_lengths_of_one_are_left_out() -> None:
    file = only(titles() + "@@ -7 +7 @@\n-b\n+c\n")
    assert (file.hunks[0].old_length, file.hunks[0].new_length) == (1, 1)


def test_new_and_deleted_files() -> None:
    new = only(
        git_header("a/n.c", "b/n.c", "new file mode 100644", "index 0000000..12ab")
        + titles("/dev/null", "b/n.c")
        + "@@ -0,0 +1 @@\n+x\n"
    )
    assert (new.old_path, new.new_path, new.kind) == (None, "n.c", "add")
    gone = only(
        git_header("a/n.c", "b/n.c", "deleted file mode 100644", "index 12ab..0000000")
        + titles("a/n.c", "/dev/null")
        + "@@ -1 +0,0 @@\n-x\n"
    )
    assert (gone.old_path, gone.new_path, gone.kind, gone.path) == ("n.c", None, "delete", "n.c")


def test_empty_new_file_and_mode_change() -> None:
    new = only(git_header("a/e", "b/e", "new file mode 100644", "index 0000000..e69de29"))
    assert (new.new_path, new.kind, new.hunks) == ("e", "add", ())
    mode = only(git_header("a/s", "b/s", "old mode 100644", "new mode 100755"))
    assert (mode.path, mode.kind) == ("s", "mode")


def test_rename_and_copy() -> None:
    similar = "similarity index 90%"
    renamed = only(
        git_header(
            "a/x.c", "b/y.c", similar, "rename from x.c", "rename to y.c", "index 12ab..34cd"
        )
        + titles("a/x.c", "b/y.c")
        + HUNK
    )
    assert (renamed.old_path, renamed.new_path, renamed.kind) == ("x.c", "y.c", "rename")
    assert renamed.added == 1
    copied = only(git_header("a/x.c", "b/y.c", similar, "copy from x.c", "copy to y.c"))
    assert (copied.old_path, copied.new_path, copied.kind) == ("x.c", "y.c", "copy")


def test_binary() -> None:
    literal = "GIT binary patch\nliteral 3\nKcmZQzU|?imU|?i$\n\nliteral 0\nHcmV?d00001\n\n"
    assert (
        only(git_header("a/i.png", "b/i.png", "index 12ab..34cd 100644") + literal).kind == "binary"
    )
    differ = git_header("a/i.png", "b/i.png") + "Binary files a/i.png and b/i.png differ\n"
    assert (only(differ).kind, only(differ).path) == ("binary", "i.png")
    plain = only("Binary files a/i.png and b/i.png differ\n")
    assert (plain.kind, plain.path) == ("binary", "i.png")


def test_no_newline_at_end() -> None:
    marker = "\\ No newline at end of file\n"
    file = only(titles() + "@@ -1,2 +1,2 @@\n a\n-b\n" + marker + "+c\n" + marker)
    assert [line.newline for line in file.hunks[0].lines] == [True, False, False]
    assert (file.added, file.removed) == (1, 1)


def test_signature_is_no_removed_line() -> None:
    assert only(titles() + HUNK + "-- \n2.45.0\n").removed == 1


def test_removed_dashes_are_no_header() -> None:
    file = only(titles() + "@@ -1,2 +1,2 @@\n--- a/x\n-- \n+++ b/x\n+y\n")
    assert [line.text for line in file.hunks[0].lines] == ["-- a/x", "- ", "++ b/x", "y"]


def test_empty_context_lines_that_lost_their_blank() -> None:
    file = only(titles() + "@@ -1,3 +1,4 @@\n a\n\n+c\n d\n")
    assert file.hunks[0].lines[1].text == ""
    assert file.hunks[0].lines[1].kind == " "


def test_carriage_return_of_the_file_is_kept() -> None:
    assert only(titles() + "@@ -1 +1 @@\n-b\r\n+c\r\n").hunks[0].lines[1].text == "c\r"


def test_form_feed_and_line_separator_end_no_line() -> None:
    file = only(titles() + "@@ -1,2 +1,2 @@\n a\x0cb\n-x\u2028y\n+z\x85\n")
    assert [line.text for line in file.hunks[0].lines] == ["a\x0cb", "x\u2028y", "z\x85"]


def test_text_before_between_and_after_is_left_out() -> None:
    diff = (
        "Hello\n" + titles() + HUNK + "\nand then\n\n" + titles("a/g.c", "b/g.c") + HUNK + "Bye\n"
    )
    assert [file.path for file in parse(diff).files] == ["f.c", "g.c"]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("a/fs/x.c", "b/fs/x.c", "fs/x.c"),
        ("fs/x.c", "fs/x.c", "fs/x.c"),
        ("x/fs/x.c", "y/fs/x.c", "fs/x.c"),
        ("i/fs/x.c", "w/fs/x.c", "fs/x.c"),
        ("linux-2.6.orig/fs/x.c", "linux-2.6/fs/x.c", "fs/x.c"),
        ("linux/fs/x.c", "linux/fs/x.c", "fs/x.c"),
        ("net-next/fs/x.c", "net-next/fs/x.c", "fs/x.c"),
        ("mine/fs/x.c", "theirs/fs/x.c", "fs/x.c"),
        ("Makefile", "Makefile", "Makefile"),
        (
            "a/fs/x.c\t2009-01-01 10:00:00.000000000 +0100",
            "b/fs/x.c\t2009-01-01 10:00:00",
            "fs/x.c",
        ),
        ("a/fs/x.c 2009-01-01 10:00:00.000000000 +0100", "b/fs/x.c 2009-01-01 10:00:00", "fs/x.c"),
        ("a/fs/x.c\tThu Jan 15 10:00:00 2009", "b/fs/x.c\tThu Jan 15 10:00:01 2009", "fs/x.c"),
        ("fs/x.c\t(revision 12)", "fs/x.c\t(working copy)", "fs/x.c"),
        ('"a/fs/\\303\\244.c"', '"b/fs/\\303\\244.c"', "fs/ä.c"),
        ('"a/a \\"b\\".c"', '"b/a \\"b\\".c"', 'a "b".c'),
        ("a/with blank.c\t", "b/with blank.c\t", "with blank.c"),
        ("fs/x.c.orig\t2009-01-01 10:00:00", "fs/x.c\t2009-01-02 10:00:00", "fs/x.c"),
        ("fs/x.c.old", "fs/x.c", "fs/x.c"),
        ("fs/x.c~", "fs/x.c", "fs/x.c"),
        ("fs/x.c", "fs/x.c.new", "fs/x.c"),
        ("fs/x.c.orig", "fs/x.c.new", "fs/x.c"),
        ("a/fs/x.c.orig", "b/fs/x.c", "fs/x.c"),
        ("linux-2.6.orig/fs/x.c-2009", "linux-2.6/fs/x.c", "fs/x.c"),
    ],
)
def test_names(old: str, new: str, path: str) -> None:
    file = only(titles(old, new) + HUNK)
    assert (file.old_path, file.new_path) == (path, path)


@pytest.mark.parametrize(
    ("old", "new"), [("fs/x.c", "fs/xy.c"), ("fs/x.c", "fs/x_old.c"), ("fs/x.h", "fs/x.c")]
)
def test_other_names_are_two_files(old: str, new: str) -> None:
    file = only(titles(old, new) + HUNK)
    assert (file.old_path, file.new_path) == (old, new)


def test_git_knows_what_is_renamed() -> None:
    head = (
        "diff --git a/x.c.orig b/x.c\nsimilarity index 90%\nrename from x.c.orig\nrename to x.c\n"
    )
    file = only(head + titles("a/x.c.orig", "b/x.c") + HUNK)
    assert (file.old_path, file.new_path) == ("x.c.orig", "x.c")


@pytest.mark.parametrize(
    ("names", "path"),
    [
        ("a/f.c b/f.c", "f.c"),
        ("a/with blank b/with blank", "with blank"),
        ('"a/\\303\\244" "b/\\303\\244"', "ä"),
        ("a/b b/b b/b b/b", "b b/b"),
        ("f.c f.c", "f.c"),
    ],
)
def test_names_without_titles(names: str, path: str) -> None:
    file = only(f"diff --git {names}\nold mode 100644\nnew mode 100755\n")
    assert file.path == path


def test_epoch_stamp_means_no_file() -> None:
    stamp = "\t1970-01-01 00:00:00.000000000 +0000"
    file = only(
        titles("linux-2.6.orig/n.c" + stamp, "linux-2.6/n.c\t2009-01-01 10:00:00")
        + "@@ -0,0 +1 @@\n+x\n"
    )
    assert (file.kind, file.old_path, file.new_path) == ("add", None, "n.c")


def test_svn_style_index_line() -> None:
    rule = "=" * 67
    file = only(
        f"Index: fs/x.c\n{rule}\n" + titles("fs/x.c\t(revision 1)", "fs/x.c\t(working copy)") + HUNK
    )
    assert file.path == "fs/x.c"


def numstat(diff: str, folder: Path) -> list[tuple[str, str, str]]:
    done = subprocess.run(
        ["git", "apply", "--numstat", "-"],
        input=diff.encode(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    return [(added, removed, path) for added, removed, path in rows]


FILE_TEXT = st.lists(st.text(alphabet="ab -+\\@\t#{}", max_size=6), max_size=12).flatmap(
    lambda lines: st.sampled_from(["\n".join(lines), "\n".join([*lines, ""])])
)


@settings(max_examples=40, deadline=None)
@given(before=FILE_TEXT, after=FILE_TEXT, context=st.integers(0, 3))
def test_what_git_writes_is_read_as_git_reads_it(
    before: str, after: str, context: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("diff")
    (folder / "before").write_bytes(before.encode())
    (folder / "after").write_bytes(after.encode())
    done = subprocess.run(
        ["git", "diff", "--no-index", "--no-renames", f"-U{context}", "before", "after"],
        cwd=folder,
        check=False,
        capture_output=True,
    )
    diff = done.stdout.decode().replace("a/before", "a/f").replace("b/after", "b/f")
    parsed = parse(diff)
    assert not [one for one in parsed.problems if context or "-U0" not in one.message]
    assert bool(parsed.files) == (before != after)
    for file in parsed.files:
        assert applied(file, before) == after
        assert (file.added, file.removed) == counted(diff)


def counted(diff: str) -> tuple[int, int]:
    body = diff[diff.index("@@") :].split("\n")
    return sum(line[:1] == "+" for line in body), sum(line[:1] == "-" for line in body)


def applied(file: FileDiff, before: str) -> str:
    """The text after a file diff: its law, written as plainly as can be."""
    source = before.split("\n")
    ends = before.endswith("\n")
    if ends or not before:
        source.pop()
    out: list[str] = []
    at = 0
    for hunk in file.hunks:
        begin = hunk.old_start - (1 if hunk.old_length else 0)
        if at < begin:
            out += source[at:begin]
            ends = True
        at = begin + hunk.old_length
        removed = [line.text for line in hunk.lines if line.kind != "+"]
        assert removed == source[begin:at]
        for line in hunk.lines:
            if line.kind != "-":
                assert line.new == len(out) + 1
                out.append(line.text)
                ends = line.newline
    rest = source[at:]
    if rest:
        ends = before.endswith("\n")
    return "\n".join(out + rest) + ("\n" if (out or rest) and ends else "")


def test_numbers_agree_with_git_apply(tmp_path: Path) -> None:
    diff = (
        git_header("a/x.c", "b/y.c", "similarity index 90%", "rename from x.c", "rename to y.c")
        + titles("a/x.c", "b/y.c")
        + HUNK
        + git_header("a/n.c", "b/n.c", "new file mode 100644", "index 0000000..12ab")
        + titles("/dev/null", "b/n.c")
        + "@@ -0,0 +1,2 @@\n+x\n+y\n"
        + git_header("a/s", "b/s", "old mode 100644", "new mode 100755")
        + "-- \n2.45.0\n"
    )
    ours = [(str(one.added), str(one.removed), one.path) for one in parse(diff).files]
    assert ours == [("1", "1", "y.c"), ("2", "0", "n.c"), ("0", "0", "s")]
    assert ours == numstat(diff, tmp_path)


# -- headers that are not whole ------------------------------------------------------------


@pytest.mark.parametrize("head", ["+++ b/f.c\n", "--- a/f.c\n", "+++ b/f.c\t2024-01-01\n"])
def test_one_name_of_a_file_header_is_enough(head: str) -> None:
    parsed = parse(head + HUNK)
    (file,) = parsed.files
    assert (file.old_path, file.new_path, len(file.hunks)) == ("f.c", "f.c", 1)
    (problem,) = parsed.problems
    assert problem.message.startswith("file header without its ")


def test_half_a_header_begins_a_file_of_its_own() -> None:
    whole = git_header() + "--- a/f.c\n+++ b/f.c\n" + HUNK
    parsed = parse(f"{whole}+++ b/g.c\n{HUNK}")
    assert [(file.path, len(file.hunks)) for file in parsed.files] == [("f.c", 1), ("g.c", 1)]


@pytest.mark.parametrize("kind", ["cc", "combined"])
def test_combined_diff_is_named_and_the_rest_is_read(kind: str) -> None:
    merge = (
        f"diff --{kind} m.c\nindex 12ab,34cd..56ef\n--- a/m.c\n+++ b/m.c\n"
        "@@@ -1,2 -1,2 +1,2 @@@\n  a\n- b\n -c\n++d\n"
    )
    whole = git_header() + "--- a/f.c\n+++ b/f.c\n" + HUNK
    for text in (merge + whole, whole + merge):
        parsed = parse(text)
        assert [(file.path, len(file.hunks)) for file in parsed.files] == [("f.c", 1)]
        (problem,) = parsed.problems
        assert problem.path == "m.c"
        assert problem.message == f"combined diff of a merge (diff --{kind}); it is not read"


def test_no_names_and_no_header_are_named() -> None:
    for text in ("--- \n+++ \n" + HUNK, HUNK, "--- a/\n+++ b/\n" + HUNK):
        parsed = parse(text)
        assert (parsed.files, len(parsed.problems)) == ((), 1)


@pytest.mark.parametrize("path", ["fs/x.c", "include/x.h"])
@pytest.mark.parametrize(
    "body", ["GIT binary patch\nliteral 3\nKcmZQzV\n\n", "Binary files a/{0} and b/{0} differ\n"]
)
def test_c_that_is_given_as_binary_is_said(path: str, body: str) -> None:
    head = f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n"
    parsed = parse(head + body.format(path))
    assert ["not read" in one.message for one in parsed.problems] == [True]
    picture = parse((head + body.format(path)).replace(path, "Documentation/x.png"))
    assert not picture.problems


@pytest.mark.parametrize("start", ["111111111", "9" * 5000, "2000001"])
def test_a_hunk_at_a_line_that_no_file_has_is_left_out(start: str) -> None:
    """An image holds all lines above a hunk: a short mail would ask for much memory."""
    text = f"--- a/fs/x.c\n+++ b/fs/x.c\n@@ -{start},1 +1,1 @@\n-a\n+b\n@@ -7,1 +7,1 @@\n-c\n+d\n"
    parsed = parse(text)
    assert [hunk.old_start for file in parsed.files for hunk in file.hunks] == [7]
    assert len(parsed.problems) == 1


def test_files_that_are_too_long_together_are_left_out() -> None:
    text = "".join(
        f"--- a/fs/x{at}.c\n+++ b/fs/x{at}.c\n@@ -1900000,1 +1900000,1 @@\n-a\n+b\n"
        for at in range(9)
    )
    parsed = parse(text)
    assert sum(len(file.hunks) for file in parsed.files) == 3
    assert sum("no source file has" in one.message for one in parsed.problems) == 6


def test_hunks_without_a_change_have_lost_their_marks() -> None:
    parsed = parse(titles() + "@@ -1,2 +1,2 @@\n a\n b\n" + titles("a/g.c", "b/g.c") + HUNK)
    assert [(one.path, len(one.hunks)) for one in parsed.files] == [("f.c", 0), ("g.c", 1)]
    (problem,) = parsed.problems
    assert (problem.path, problem.line) == ("f.c", 1)
    assert "marks are lost" in problem.message


BEFORE = "int f(void)\n{\n\tint a = 1;\n\n\t/*\n\t * why\n\t */\n\treturn a;\n}\n"
AFTER = BEFORE.replace("a = 1", "a = g(1)").replace("\n}", "\n\n}").replace("why", "why not")


@pytest.mark.parametrize("option", ["--word-diff", "--word-diff=porcelain"])
@pytest.mark.parametrize(
    ("before", "after"), [(BEFORE, AFTER), (AFTER, BEFORE), (BEFORE, BEFORE + AFTER), ("", AFTER)]
)
def test_a_diff_by_words_is_told_as_such_and_nothing_of_it_is_read(
    tmp_path: Path, option: str, before: str, after: str
) -> None:
    for name, text in (("old", before), ("new", after)):
        (tmp_path / name).write_text(text)
    command = ["git", "diff", "--no-index", option, "old", "new"]
    made = subprocess.run(command, check=False, capture_output=True, cwd=tmp_path, text=True)
    parsed = parse(made.stdout + titles("a/g.c", "b/g.c") + HUNK)
    assert [len(one.hunks) for one in parsed.files] == [0, 1]
    assert {"by words" in one.message for one in parsed.problems} == {True}


def test_braces_of_a_diff_by_words_in_a_hunk_that_is_whole_are_code() -> None:
    text = HUNK.replace("-b", "-x = a[-1] + b[-c-];").replace("+c", "+y = {+1, +2, +};")
    assert (only(titles() + text).added, only(titles() + text).removed) == (1, 1)


@pytest.mark.parametrize(
    ("hunks", "said"),
    [
        ("@@ -7 +7 @@\n-b\n+c\n", False),
        ("@@ -7 +7 @@\n-b\n+c\n@@ -9 +9 @@\n-b\n+c\n", True),
        ("@@ -7 +7 @@\n-b\n+c\n@@ -9,2 +9,2 @@\n-b\n+c\n d\n", False),
    ],
)
def test_hunks_that_stand_alone_are_said(hunks: str, said: bool) -> None:
    parsed = parse(titles() + hunks)
    assert [len(one.hunks) for one in parsed.files] == [hunks.count("@@ -")]
    assert any("-U0" in problem.message for problem in parsed.problems) == said


def test_prefixes_from_the_root_on_are_taken_off(tmp_path: Path) -> None:
    """git calls each file new when its names begin with a slash."""
    folder = git_diffs.repository(tmp_path / "own")
    first = {"fs/a.c": b"int a;\nint b;\n", "fs/gone.c": b"int g;\n"}
    git_diffs.commit(folder, first)
    git_diffs.commit(folder, {"fs/a.c": b"int a;\nlong b;\n", "fs/gone.c": None, "lib/n.c": b"x\n"})
    prefixes = ("--src-prefix=/tmp/x/a/", "--dst-prefix=/tmp/x/b/")
    usual = git_diffs.git(folder, "diff", "--no-renames", "HEAD~1..HEAD").decode()
    rooted = git_diffs.git(folder, "diff", "--no-renames", *prefixes, "HEAD~1..HEAD").decode()
    assert "\nnew file mode 100644\nindex" in rooted
    assert parse(rooted) == parse(usual)


@pytest.mark.parametrize(
    ("mode", "start"),
    [("new file mode 100644", "-3,2 +3,2"), ("deleted file mode 100644", "-3,2 +3,2")],
)
def test_a_mode_that_the_hunks_contradict_is_not_believed(mode: str, start: str) -> None:
    text = f"diff --git a/f.c b/f.c\n{mode}\n--- a/f.c\n+++ b/f.c\n@@ {start} @@\n-a\n+b\n c\n"
    parsed = parse(text)
    (one,) = parsed.files
    assert (one.kind, one.old_path, one.new_path) == ("modify", "f.c", "f.c")
    (problem,) = parsed.problems
    assert "taken for a change" in problem.message
    assert not problem.lost


@pytest.mark.parametrize(("name", "lost"), [("fs/gone.c", True), ("doc/gone.rst", False)])
def test_a_deleted_file_of_c_without_its_text_is_said(
    tmp_path: Path, name: str, *, lost: bool
) -> None:
    folder = git_diffs.repository(tmp_path / "own")
    git_diffs.commit(folder, {name: b"int a;\n", "fs/empty.c": b""})
    git_diffs.commit(folder, {name: None, "fs/empty.c": None})
    shown = parse(git_diffs.git(folder, "diff", "HEAD~1..HEAD").decode())
    hidden = parse(git_diffs.git(folder, "diff", "--irreversible-delete", "HEAD~1..HEAD").decode())
    assert not shown.problems
    assert [one.path for one in hidden.problems if one.lost] == [name] * lost


COPIES = "--- {}\n+++ {}\n" + HUNK


@pytest.mark.parametrize("names", [("old", "new"), ("/x/old", "/x/new"), ("/dev/null", "new")])
@pytest.mark.parametrize("line", ["=" * 67 + "\n", ""])
def test_the_line_index_names_a_file_whose_copies_have_other_names(
    names: tuple[str, str], line: str
) -> None:
    text = f"Index: fs/x.c\n{line}{COPIES.format(*names)}"
    assert diff_start(f"Why.\n\n{text}") == 6
    (one,) = parse(text).files
    assert one.new_path == "fs/x.c"
    assert one.old_path == (None if names[0] == "/dev/null" else "fs/x.c")


def test_names_of_one_file_count_below_the_line_index() -> None:
    text = f"Index: linux/fs/x.c\n{COPIES.format('linux.orig/fs/x.c', 'linux/fs/x.c')}"
    assert [one.new_path for one in parse(text * 2).files] == ["fs/x.c"] * 2
    other = f"Index: fs/x.c\n{COPIES.format('a/lib/y.c', 'b/lib/y.c')}"
    assert parse(other).files[0].new_path == "lib/y.c"
    behind = text + COPIES.format("a/lib/y.c", "b/lib/y.c")
    assert [one.new_path for one in parse(behind).files] == ["fs/x.c", "lib/y.c"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("old", "new"), True),
        (("/x/a1", "/x/b2"), True),
        (("old", "fs/x.c"), False),
        (("a/Makefile", "b/Makefile"), False),
        (("doc.rst.orig", "doc.rst"), False),
        (("/dev/null", "notes"), False),
    ],
)
def test_a_diff_whose_file_nobody_names_is_said(names: tuple[str, str], *, said: bool) -> None:
    problems = parse(COPIES.format(*names)).problems
    assert [one.lost for one in problems if "is not known" in one.message] == [True] * said
