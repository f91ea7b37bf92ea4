"""``patchlint check``: exit statuses, and what goes to which stream."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from series_kit import DIRECT, PATH, QUEUED, TIDY, diff, git, mail, mails, mbox, repository

from patchlint.cli.check import DOCUMENTS
from patchlint.cli.main import main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "fixtures" / "examples" / "lazy-detach.mbox"
pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def check(capsys):
    """Run the command without a tree; returns status, standard output and error."""

    def run(*arguments):
        status = main(["check", "--no-tree", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def write(tmp_path):
    def to(name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to


@pytest.fixture
def lost(write):
    return write("lost.mbox", mbox(mails(DIRECT, QUEUED)))


@pytest.fixture
def clean(write):
    return write("clean.mbox", mbox(mails(QUEUED, TIDY, version=2)))


def test_the_shipped_example_is_found(check):
    status, out, err = check(EXAMPLE)
    assert status == 1
    assert "[mount-put-deferred]" in out
    assert out.endswith("1 finding (1 warning) in 1 of 1 patch\n")
    assert err == ""


def test_a_clean_patch_is_fine(check, clean):
    assert check(clean) == (0, "no findings in 1 patch\n", "")


# -- inputs that cannot be checked ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"myhost\n", "neither a mail nor a patch"),
        (b"", "there is no mail in it"),
        (b"\n\n\n", "there is no mail in it"),
        (bytes(range(256)) * 4096, "binary data, not a mail"),
        (b"From: a@example.org\nSubject: [PATCH] lamp\n", "no diff in this patch"),
        (mail("").encode(), "no diff in this patch"),
    ],
    ids=["text", "empty", "blank", "noise", "headers-alone", "no-diff"],
)
def test_what_is_no_patch_cannot_be_checked(check, write, text, why):
    path = write("input", text)
    status, out, err = check(path)
    assert (status, err) == (2, "")
    assert f"{path}" in out
    assert why in out
    status, out, err = check("--format", "json", path)
    assert status == 2
    assert [why in one["message"] for one in json.loads(out)["errors"]] == [True]
    assert err.startswith(f"patchlint: {path}")
    status, out, err = check("--format", "terse", path)
    assert (status, out) == (2, "")
    assert why in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--tree", ""], "--tree names nothing"),
        (["--rules", "empty"], "empty: no rule (*.toml) and no table (kernel/*.toml) is in it"),
    ],
)
def test_options_that_name_nothing_are_refused(check, clean, tmp_path, monkeypatch, arguments, why):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    status, out, err = check(*arguments, clean)
    assert (status, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1


def test_a_link_that_leads_nowhere_is_one(check, tmp_path):
    for name, target in (("loop", "loop"), ("gone", "away")):
        (tmp_path / name).symlink_to(target)
        status, out, _ = check(str(tmp_path / name))
        assert status == 2
        assert "a link that leads nowhere" in out


def test_a_series_without_one_of_its_patches_is_not_checked_to_the_end(check, write):
    third = mail(diff({"lib/a.c": "int a;\n"}, {"lib/a.c": "int b;\n"}), 3, 3)
    path = write("one.mbox", mbox([third]))
    gone = "patches 1-2 of 3 are not in the input"
    assert check(path)[0] == 0
    assert check("--format", "terse", path) == (0, "", "")
    status, _, err = check("--strict", path)
    assert status == 2
    assert gone in err
    assert gone in check("--strict", "--format", "terse", path)[2]
    status, out, _ = check("--format", "nipa", path)
    assert status == 250
    assert gone in out


def test_a_cover_letter_or_an_answer_is_no_patch_that_lost_its_diff(check, write):
    cover = mail("", 0, 1).replace("[PATCH]", "[PATCH 0/1]")
    answer = mail("").replace("[PATCH]", "Re: [PATCH]").replace("lamp-v1-1@", "answer@")
    path = write("both.mbox", mbox([cover, answer, *mails(QUEUED, TIDY)]))
    assert check("--strict", path)[0] == 0


@pytest.mark.parametrize("form", ["terminal", "json", "terse", "b4", "junit", "github", "nipa"])
@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([mail("").replace("[PATCH]", "[PATCH 0/1]")], "only 1 cover letter"),
        ([mail("").replace("[PATCH]", "Re: [PATCH]")], "only 1 answer"),
        ([mail("").replace("[PATCH]", "Lunch:")], "only 1 mail without a patch"),
    ],
)
def test_nothing_checked_is_not_clean(check, write, texts, said, form):
    status, out, err = check("--format", form, write("in.mbox", mbox(texts)))
    assert (status, said in out + err) == (2, True)
    assert "no findings" not in out


MOVED = {"fs/dusk.c": "int dusk;\n"}
STATES = [{PATH: DIRECT} | MOVED, {PATH: QUEUED}, {PATH: TIDY}]


@pytest.fixture
def by_words(tmp_path, write):
    """Two patches as git writes them with ``--word-diff``; a function, for what goes before."""
    folder = repository(tmp_path / "tree", *STATES)
    text = git(folder, "format-patch", "--stdout", "--word-diff", "HEAD~2")
    return lambda *before: write("words.mbox", "".join(before) + text)


FORMS = ["terminal", "json", "terse", "b4", "b4-check", "junit", "github", "gitlab", "rdjson"]


@pytest.mark.parametrize("form", [*FORMS, "sarif", "nipa", "html", "mail"])
def test_a_series_of_which_no_diff_can_be_read_is_not_checked(check, by_words, form):
    status, out, err = check("--format", form, by_words())
    assert status == 2
    assert "by words" in out + err
    assert "no findings" not in out


@pytest.mark.parametrize("form", [*FORMS, "sarif", "nipa", "html", "mail"])
def test_what_cannot_be_read_beside_others_is_told_in_each_format(check, by_words, form):
    path = by_words(mbox(mails(QUEUED, TIDY, version=2)))
    status, out, err = check("--format", form, path)
    assert status == (250 if form == "nipa" else 2)
    assert "by words" in out + err
    if form in {"b4", "b4-check"}:
        assert err == ""
    assert check("--strict", "--format", form, path)[0] == 2


DUSK = {"fs/dusk.c": "".join(f"int dusk{n};\n" for n in range(9))}
DAWN = {"fs/dusk.c": DUSK["fs/dusk.c"].replace("dusk4", "dawn4")}


def two_files():
    """Two patches, of which the first changes two files; nothing is to be found in them."""
    return mails(DUSK | {PATH: QUEUED}, DAWN | {PATH: TIDY}, DAWN | {PATH: TIDY + "int lamps;\n"})


def without_the_end(text):
    return text[: text.index("+int dawn4")]


def without_a_hunk(text):
    return text[: text.index("@@ -")] + text[text.index("diff --git", text.index("@@ -")) :]


def with_a_torn_header(text):
    return text.replace("@@ -", "@@ --", 1)


LOSSES = {
    without_the_end: "fs/dusk.c:2: hunk announces 7 old and 7 new lines but has ",
    without_a_hunk: "fs/dusk.c: file without a hunk; the diff may be cut short",
    with_a_torn_header: "fs/dusk.c: hunk header that cannot be read; the hunk is left out",
}


@pytest.mark.parametrize("form", [*FORMS, "sarif", "nipa", "html", "mail"])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_of_a_patch_is_told_in_each_format(check, write, loss, form):
    first, second = two_files()
    path = write("in.mbox", mbox([loss(first), second]))
    status, out, err = check("--format", form, path)
    assert status == (250 if form == "nipa" else 0)
    assert "checked in part" in (out + err).lower()
    assert LOSSES[loss].partition(": ")[2] in out + err
    if form in {"b4", "b4-check"}:
        assert err == ""
    if form in {"terse", "mail"}:
        assert out == ""
    assert check("--strict", "--format", form, path)[0] == 2


@pytest.mark.parametrize("loss", LOSSES)
def test_a_patch_that_lost_lines_is_no_clean_one(check, write, loss):
    first, second = two_files()
    path = write("in.mbox", mbox([loss(first), second]))
    _status, out, _err = check(path)
    said, summary = out.splitlines()[0], out.splitlines()[-1]
    # of a series it is told of which patch
    assert said.replace("checked in part: patch 1: ", "").startswith(LOSSES[loss])
    assert summary == "no findings in 1 patch; 1 patch checked in part"
    series = json.loads(check("--format", "json", path)[1])["series"]
    lost = [one["lost"] for one in series[0]["patches"]]
    assert (lost[0].startswith(LOSSES[loss]), lost[1]) == (True, None)
    alone = write("alone.mbox", mbox([loss(first).replace("[PATCH 1/2]", "[PATCH]")]))
    _status, out, _err = check(alone)
    said, summary = out.splitlines()
    assert said.replace("checked in part: ", "").startswith(LOSSES[loss])
    assert summary == "no findings in what could be read; 1 patch checked in part"


def test_of_what_was_not_read_nobody_knows_that_it_is_no_source(check, write):
    first, _second = two_files()
    words = mail(diff({"Documentation/a.rst": "a\n"}, {"Documentation/a.rst": "b\n"}), 2, 2)
    path = write("in.mbox", mbox([without_the_end(first), words]))
    assert check(path)[1].splitlines()[-1] == "no findings in 1 patch; 1 patch checked in part"


@pytest.mark.parametrize(
    "mend",
    [
        lambda text: text.replace("\t", "        "),
        lambda text: text.replace("\n int dusk3;", "\nint dusk3;"),
        lambda text: text.replace("\n int dusk3;", "\n int\ndusk3;"),
    ],
    ids=["tabs", "blank", "line"],
)
def test_what_is_mended_passes(check, write, mend):
    first, second = two_files()
    assert mend(first) != first
    path = write("in.mbox", mbox([mend(first), second]))
    assert check("--format", "b4-check", path) == (0, "", "")
    assert check("--format", "terse", path) == (0, "", "")
    assert check("--format", "nipa", path)[0] == 0
    assert "<skipped" not in check("--format", "junit", path)[1]
    assert check("--format", "gitlab", path)[1] == "[]\n"
    assert check(path)[1].startswith("no findings in 2 patches")


def test_a_renamed_file_beside_a_diff_that_cannot_be_read_is_no_check(check, tmp_path, write):
    folder = repository(tmp_path / "tree", {PATH: DIRECT} | MOVED, {PATH: QUEUED})
    git(folder, "mv", "fs/dusk.c", "fs/dawn.c")
    git(folder, "commit", "--quiet", "--message", "lamp: rename")
    text = git(folder, "format-patch", "--stdout", "-M", "--word-diff", "HEAD~2")
    status, out, _err = check(write("in.mbox", text))
    assert (status, "rename" in text) == (2, True)
    assert out.endswith("nothing was checked; 1 input not checked\n")


def test_a_new_file_of_which_no_line_can_be_read_is_not_read(check, tmp_path, write):
    folder = repository(tmp_path / "tree", {"fs/dusk.c": "int dusk;\n"}, {PATH: QUEUED})
    text = git(folder, "format-patch", "--stdout", "--word-diff", "HEAD~1")
    status, out, _err = check(write("in.mbox", text))
    assert (status, "new file mode" in text) == (2, True)
    assert "lamp: state 1: its diff cannot be read: " in out


def test_c_that_is_given_as_binary_alone_is_not_checked(check, tmp_path, write):
    folder = repository(tmp_path / "tree", {PATH: DIRECT} | MOVED, {PATH: QUEUED})
    (folder / ".git" / "info" / "attributes").write_text("*.c binary\n")
    text = git(folder, "format-patch", "--stdout", "HEAD~1")
    status, out, _err = check(write("in.mbox", text))
    assert (status, "GIT binary patch" in text) == (2, True)
    assert "given as a binary one" in out


def test_a_patch_without_c_source_is_checked_and_clean(check, write):
    text = mails({"Documentation/a.rst": "a\n"}, {"Documentation/a.rst": "b\n"})
    status, out, err = check(write("in.mbox", mbox(text)))
    assert (status, out, err) == (0, "no findings in 1 patch (no C source is changed)\n", "")


def test_a_file_that_is_not_there(check, tmp_path):
    status, out, _err = check(tmp_path / "none")
    assert status == 2
    assert "no such file" in out


def test_a_folder_that_leads_to_itself(check, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "again").symlink_to("../in")
    status, out, _err = check(tmp_path / "in")
    assert status == 2
    assert "no mail in this folder" in out


def test_a_link_that_leads_to_itself(check, tmp_path):
    (tmp_path / "self").symlink_to("self")
    assert check(tmp_path / "self")[0] == 2


def test_a_diff_that_is_cut_in_half_is_checked_as_far_as_it_goes(check, write):
    whole = mails(DIRECT, QUEUED)[0]
    cut = whole[: whole.index("+\tINIT_WORK")]
    status, out, err = check("--format", "json", write("cut.mbox", mbox([cut])))
    report = json.loads(out)
    # the queueing is cut off, but the release went into what is a work item's function
    assert status == 1
    assert err.startswith("patchlint: checked in part: fs/lamp.c:1: hunk announces ")
    assert [(one["cleanup"], one["function"]) for one in report["findings"]] == [
        ("iput", "lamp_close")
    ]
    assert report["errors"] == []
    assert {one["stage"] for one in report["limitations"]} == {"diff"}


def test_strict_says_which_file_has_hunks_without_context(check, write):
    hunks = "@@ -2 +2 @@\n-int a;\n+int b;\n@@ -9 +9 @@\n-int c;\n+int d;\n"
    bare = f"--- a/{PATH}\n+++ b/{PATH}\n{hunks}"
    status, _out, err = check("--strict", write("bare.mbox", mail(bare)))
    assert status == 2
    assert f"patchlint: {PATH}" in err
    assert ": hunks without a line around them" in err


def test_a_mail_cut_at_any_place_is_no_traceback(check, write):
    whole = mbox(mails(DIRECT, QUEUED))
    for place in range(0, len(whole), 97):
        status, _out, err = check(write("cut.mbox", whole[:place]))
        assert status in (0, 1, 2)
        assert "Traceback" not in err


def test_an_input_that_cannot_be_read_is_no_pass(check, lost, clean, tmp_path):
    none = tmp_path / "none"
    status, out, _err = check(none, lost)
    assert (status, "1 finding (1 warning)" in out) == (1, True)
    status, out, err = check(clean, none)
    assert status == 2
    assert "no findings in 1 patch" in out
    assert "no such file" in out + err
    assert check("--fail-on", "never", none, lost)[0] == 2
    assert check("--strict", none, clean)[0] == 2
    assert check("--strict", none, lost)[0] == 2
    assert check("--strict", lost)[0] == 1


def test_what_is_cut_off_a_packed_mbox_is_no_pass(check, write):
    import gzip

    # numbers that do not pack, so that the cut is in the second mail
    noise = "".join(f"{hash(str(n))}\n" for n in range(4000))
    packed = gzip.compress(mbox([*mails(QUEUED, TIDY), noise, *mails(DIRECT, QUEUED)]).encode())
    status, out, err = check(write("x.mbox.gz", packed[: len(packed) // 2]))
    assert status == 2
    assert "cut short" in out + err


def test_a_mail_that_is_too_large_is_no_pass(check, write, monkeypatch):
    from patchlint.mail import inputs

    monkeypatch.setattr(inputs, "MOST_OF_A_MAIL", 4000)
    large = mail("x" * 5000)
    status, out, err = check(write("x.mbox", mbox([*mails(QUEUED, TIDY), large])))
    assert status == 2
    assert "not read" in out + err


def test_inputs_may_stand_on_both_sides_of_an_option(check, lost, clean):
    status, out, _err = check(clean, "--strict", lost)
    assert status == 1
    assert "in 1 of 2 patches" in out


# -- levels and rules ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "status"), [("error", 0), ("warning", 1), ("note", 1), ("never", 0)]
)
def test_fails_from_the_wanted_level_on(check, lost, level, status):
    found, out, _err = check("--fail-on", level, lost)
    assert found == status
    assert "warning" in out


@pytest.fixture
def noted(write):
    """A finding that is a note."""
    before, after = (text.replace("iput(lamp->inode)", "kfree(lamp)") for text in (DIRECT, QUEUED))
    return write("noted.mbox", mbox(mails(before, after)))


@pytest.mark.parametrize(("level", "status"), [("warning", 0), ("note", 1)])
def test_a_note_fails_only_when_wanted(check, noted, level, status):
    found, out, _err = check("--format", "json", "--fail-on", level, noted)
    assert [one["level"] for one in json.loads(out)["findings"]] == ["note"]
    assert found == status


def test_an_unknown_rule_is_an_error_with_a_hint(check, lost):
    for option in ("--rule", "--not-rule"):
        status, out, err = check(option, "inode-put-defered", lost)
        assert (status, out) == (2, "")
        assert err == (
            "patchlint: no rule 'inode-put-defered'; did you mean 'inode-put-deferred'?\n"
        )


def test_rules_can_be_left_out(check, lost):
    every = json.loads(check("--format", "json", lost)[1])["findings"]
    assert [one["rule"] for one in every] == ["inode-put-deferred"]
    left = check("--format", "json", "--not-rule", "inode-put-deferred", lost)[1]
    assert "inode-put-deferred" not in {one["rule"] for one in json.loads(left)["findings"]}


def test_a_typo_in_a_rule_names_file_line_and_what_was_meant(check, lost, tmp_path):
    rule = tmp_path / "rules" / "lamp-deferred.toml"
    rule.parent.mkdir()
    rule.write_text('title = "A lamp"\nlevle = "note"\n', encoding="utf-8")
    status, out, err = check("--rules", rule.parent, lost)
    assert (status, out) == (2, "")
    assert err.startswith(f"patchlint: {rule}:2: ")
    assert "unknown key 'levle'; did you mean 'level'?" in err


def test_a_folder_of_rules_that_is_not_there(check, lost, tmp_path):
    status, _out, err = check("--rules", tmp_path / "none", lost)
    assert status == 2
    assert "no such folder of rules" in err


def test_a_tree_that_is_not_there(capsys, lost, tmp_path):
    assert main(["check", "--tree", str(tmp_path / "none"), str(lost)]) == 2
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--version"], ["check", "--no-tree", str(EXAMPLE)], []])
def test_the_package_runs_as_the_script_does(arguments):
    script = Path(sys.executable).with_name("patchlint")
    one, other = (
        subprocess.run([*program, *arguments], capture_output=True, check=False)
        for program in ([script], [sys.executable, "-m", "patchlint"])
    )
    assert (one.returncode, one.stdout, one.stderr) == (
        other.returncode,
        other.stdout,
        other.stderr,
    )
    assert one.stdout + one.stderr


# -- streams -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["terse", "b4", "b4-check"])
def test_quiet_formats_leave_standard_error_empty(check, lost, tmp_path, form):
    _status, out, err = check("--format", form, lost, tmp_path / "none")
    assert out != ""
    assert err == ""


def test_terse_is_one_line_a_finding_and_nothing_else(check, lost, clean, noted):
    assert check("--format", "terse", clean)[1] == ""
    assert check("--format", "terse", noted)[1] == ""
    _status, out, _err = check("--format", "terse", lost)
    assert out.startswith("fs/lamp.c:14: WARNING: [inode-put-deferred] iput() moves ")
    assert out.count("\n") == 1


@pytest.mark.parametrize("form", ["json", "sarif", "rdjson", "gitlab", "b4"])
def test_standard_output_is_the_report_alone(check, lost, tmp_path, form):
    _status, out, _err = check("--verbose", "--format", form, lost, tmp_path / "none")
    assert json.loads(out)


def test_a_report_goes_to_a_file(check, lost, tmp_path):
    target = tmp_path / "report.json"
    status, out, err = check("--format", "json", "--output", target, lost)
    assert (status, out, err) == (1, "", "")
    assert json.loads(target.read_text(encoding="utf-8"))["schema"] == "patchlint/1"


@pytest.mark.parametrize("command", ["check", "confirm"])
def test_an_input_is_not_written_over(lost, capsys, command):
    before = lost.read_bytes()
    assert main([command, str(lost), "--output", str(lost)]) == 2
    assert "would be lost" in capsys.readouterr().err
    assert lost.read_bytes() == before


@pytest.mark.parametrize("place", [".", "none/report"])
def test_a_report_that_cannot_be_written(check, lost, tmp_path, place):
    status, out, err = check("--output", tmp_path / place, lost)
    assert (status, out) == (2, "")
    assert err.startswith(f"patchlint: {tmp_path / place}: ")


def test_color_is_said(check, lost):
    assert "\x1b[" in check("--color", "always", lost)[1]
    assert "\x1b[" not in check(lost)[1]


class Pipe:
    """Standard input that is not a terminal."""

    def __init__(self, data):
        self.buffer = io.BytesIO(data)

    def isatty(self):
        return False


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input_is_read(check, monkeypatch, arguments):
    monkeypatch.setattr("sys.stdin", Pipe(mbox(mails(DIRECT, QUEUED)).encode()))
    status, out, err = check("--format", "terse", *arguments)
    assert (status, err) == (1, "")
    assert out.startswith("fs/lamp.c:")


def test_no_input_and_a_terminal_is_usage(check, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    status, out, err = check()
    assert (status, out) == (2, "")
    assert err.startswith("usage: patchlint check")


@pytest.mark.parametrize("form", ["terminal", "json"])
def test_who_reads_no_more_does_not_change_the_status(lost, form):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "patchlint.cli.main", "check", "--no-tree", "--format", form, lost],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_closed_pipe_is_no_traceback(lost):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "patchlint.cli.main", "check", "--no-tree", str(lost)],
            stdout=writer,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
    assert done.returncode in (0, 1)


def as_a_program(*arguments, **options):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=60,
        **options,
    )


@pytest.mark.parametrize("form", ["terminal", "json", "html"])
def test_a_process_of_its_own_says_and_returns_the_same(check, lost, form):
    status, out, err = check("--format", form, lost)
    asked = ("-m", "patchlint.cli.main", "check", "--no-tree", "--format", form, lost)
    done = as_a_program(*asked, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (status, out, err)


def test_output_that_cannot_be_written_is_said(lost):
    asked = ("-m", "patchlint.cli.main", "check", "--no-tree", "--format", "json", lost)
    with Path("/dev/full").open("wb") as full:
        done = as_a_program(*asked, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == ("patchlint: the output could not be written: No space left on device\n")


def test_what_the_import_of_msgspec_is_spared_is_there_afterwards():
    code = (
        "from patchlint.cli import main; main._import_msgspec(); import msgspec; "
        "import decimal, textwrap, uuid; "
        "print(decimal.Decimal('1.5'), len(str(uuid.uuid4())), textwrap.dedent('  x'))"
    )
    done = as_a_program("-c", code, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1.5 36 x\n", "")


def test_a_patch_with_a_hunk_without_lines_is_no_pass(check, write):
    hunk = "@@ ... @@\n int f(void)\n-{ stop(); }\n+{ stop_later(); }\n"
    path = write("cut.mbox", mail(diff({PATH: "int a;\n"}, {PATH: "int b;\n"}) + hunk))
    status, out, err = check("--strict", path)
    assert status == 2
    assert "no findings in what could be read" in out
    assert "checked in part" in out + err


def test_a_version_with_a_hunk_without_lines_mends_nothing(capsys, write):
    one = mail(diff({PATH: DIRECT}, {PATH: QUEUED}))
    old, new = write("v1.mbox", one), write("v2.mbox", re.sub(r"(?m)^@@ -.*? @@", "@@ ... @@", one))
    with_one = diff({"lib/b.c": "int a;\n"}, {"lib/b.c": "int b;\n"})
    new.write_text(new.read_text().replace("---\ndiff", f"---\n{with_one}diff", 1))
    assert main(["compare", "--no-tree", str(old), str(new)]) == 2
    assert "1 unknown" in capsys.readouterr().out


@pytest.mark.parametrize("form", sorted(DOCUMENTS))
@pytest.mark.parametrize("option", [("--tree", ".@nosuch"), ("--rule", "nosuch")])
def test_a_check_that_cannot_begin_is_a_document_too(capsys, lost, tmp_path, form, option):
    tree = repository(tmp_path / "tree", DIRECT)
    option = [one.replace(".@", f"{tree}@") for one in option]
    assert main(["check", *option, "--format", form, str(lost)]) == 2
    out, err = capsys.readouterr()
    assert "nosuch" in out
    assert "nosuch" in err
    if form in {"junit", "html"}:
        assert out.startswith("<")
    else:
        assert json.loads(out)


def test_what_has_no_subject_is_told_without_one(check, write):
    words = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\nint [-a-]{+b+};\n"
    _, _, err = check("--format", "json", write("x.diff", words))
    assert "x.diff:1: its diff cannot be read" in err
    assert ": :" not in err
