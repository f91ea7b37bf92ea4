"""What git, b4, quilt and review sites write, made by the real programs, and what is read of it.

Two commits make one finding together: it is found when both are there, in their order.
"""

from __future__ import annotations

import base64
import subprocess
import zipfile

import pytest
from series_kit import DIRECT, PATH, QUEUED, WITH_CALLBACK, environment, git, repository

from patchlint.mail.inputs import read_inputs
from patchlint.model.mail import RawMail
from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")
NO_TREE = Options(no_tree=True)
WHOLE = ([("inode-put-deferred", 2)], [1, 2], ())


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """Three states; ``before`` is the branch as it was in an earlier version."""
    repo = repository(tmp_path_factory.mktemp("forms") / "r", DIRECT, WITH_CALLBACK, QUEUED)
    git(repo, "checkout", "--quiet", "-b", "before", "HEAD~2")
    other = WITH_CALLBACK.replace("lamp_gone", "lamp_done")
    for number, text in enumerate((other, QUEUED.replace("lamp_gone", "lamp_done")), 1):
        (repo / PATH).write_text(text)
        git(repo, "commit", "--quiet", "--all", "--message", f"lamp: state {number}")
    git(repo, "checkout", "--quiet", "main")
    return repo


def output(repo, *arguments):
    done = subprocess.run(
        ["git", "-C", str(repo), *arguments],
        check=True,
        capture_output=True,
        env=environment(repo),
    )
    return done.stdout


def said(report):
    """Findings with their patch, numbers of the only series, what it misses; nothing else."""
    (series,) = report.series
    assert report.errors == ()
    found = [(one.rule, one.patch) for one in report.findings]
    return found, [patch.number for patch in series.patches], series.missing


def read(data):
    return check(["-"], NO_TREE, data)


FORMS = (
    "",
    "--cover-letter",
    "--zero-commit",
    "--cover-letter --zero-commit",
    "--numbered",
    "-N",
    "-N --zero-commit",
    "-N --cover-letter",
    "--keep-subject",
    "-v3",
    "-v3 --cover-letter",
    "--rfc",
    "--subject-prefix=PATCH,net-next",
    "--subject-prefix=lamp",
    "--attach",
    "--attach --cover-letter",
    "--inline",
    "--base=HEAD~2",
    "--base=HEAD~2 --cover-letter",
    "--cover-letter --interdiff=before",
    "--cover-letter --interdiff=before -v2",
    "--cover-letter --range-diff=before -v2",
    "--signature=somebody",
    "--no-signature",
    "--no-prefix",
    "--src-prefix=old/ --dst-prefix=new/",
    "--binary",
    "--full-index",
    "-p",
    "--no-stat",
    "-U1",
    "-W",
    "--thread",
    "--thread=deep --cover-letter",
    "--from=B<b@example.org>",
    "--color=always",
    "--notes",
)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_format_patch_is_read_from_a_pipe(repo, form):
    report = read(output(repo, "format-patch", "--stdout", *form.split(), "HEAD~2"))
    assert said(report) == WHOLE
    assert report.limitations == ()


@pytest.mark.parametrize(
    "form", [*FORMS, "--suffix=.txt", "--suffix=", "--numbered-files", "-N --suffix=.txt"]
)
def test_every_form_of_format_patch_is_read_from_a_folder(repo, form, tmp_path):
    output(repo, "format-patch", "-o", str(tmp_path), *form.split(), "HEAD~2")
    assert said(check([str(tmp_path)], NO_TREE)) == WHOLE


@pytest.mark.parametrize(
    "form",
    [
        "format-patch --stdout HEAD~2",
        "format-patch --stdout --numstat HEAD~2",
        "format-patch --stdout --cover-letter --raw HEAD~2",
        "format-patch --stdout --no-stat HEAD~2",
        "format-patch --stdout --color=always HEAD~2",
        "log -p -2",
        "log -p -2 --color=always",
        "log -p -2 --oneline",
        "log -p -2 --raw",
        "log -p -2 --numstat",
        "log -p -2 --format=email",
        "log -p -2 --format=email --stat --reverse",
        "show HEAD~1 HEAD",
    ],
)
def test_nul_between_commits_parts_them(repo, tmp_path, form):
    """``-z`` has one behind the statistics as well, in front of the first file of the diff."""
    command, *options = form.split()
    data = output(repo, command, "-z", *options)
    assert b"\0" in data
    assert said(read(data)) == WHOLE
    first = data.index(b"\0")
    (tmp_path / "in").write_bytes(b"\n" + data if first else data)
    assert said(check([str(tmp_path / "in")], NO_TREE)) == WHOLE


def test_mails_with_nul_behind_the_statistics_are_read_from_a_folder(repo, tmp_path):
    output(repo, "format-patch", "-z", "-o", str(tmp_path), "HEAD~2")
    assert said(check([str(tmp_path)], NO_TREE)) == WHOLE


def test_one_patch_with_a_cover_letter_is_read(repo):
    report = read(output(repo, "format-patch", "--stdout", "--cover-letter", "HEAD~1"))
    assert said(report)[1:] == ([1], ())


def test_versions_base_and_commits_come_along(repo):
    form = ("-v3", "--base=HEAD~2", "--cover-letter")
    (series,) = read(output(repo, "format-patch", "--stdout", *form, "HEAD~2")).series
    assert series.version == 3
    assert series.base_commit == git(repo, "rev-parse", "HEAD~2").strip()
    commits = git(repo, "rev-list", "--reverse", "HEAD~2..").split()
    assert [patch.commit for patch in series.patches] == commits


def test_zero_commit_is_no_commit(repo):
    (series,) = read(output(repo, "format-patch", "--stdout", "--zero-commit", "HEAD~2")).series
    assert [patch.commit for patch in series.patches] == [None, None]


def test_start_number_leaves_the_first_ones_missing(repo):
    report = read(output(repo, "format-patch", "--stdout", "--start-number=3", "HEAD~2"))
    assert said(report) == ([("inode-put-deferred", 4)], [3, 4], (1, 2))


def test_a_folder_given_twice_counts_once(repo, tmp_path):
    output(repo, "format-patch", "-o", str(tmp_path), "HEAD~2")
    assert said(check([str(tmp_path), str(tmp_path)], NO_TREE)) == WHOLE


def test_two_versions_in_one_pipe_are_two_series(repo):
    old = output(repo, "format-patch", "--stdout", "before~2..before")
    report = read(old + output(repo, "format-patch", "--stdout", "-v2", "HEAD~2"))
    assert [(one.version, len(one.patches), one.missing) for one in report.series] == [
        (1, 2, ()),
        (2, 2, ()),
    ]


@pytest.mark.parametrize(
    "form",
    [
        "log -p -2",
        "log -p -2 --reverse",
        "log -p -2 --format=fuller",
        "log -p -2 --format=raw",
        "log -p -2 --format=short",
        "log -p -2 --oneline",
        "log -p -2 --abbrev-commit",
        "log -p -2 --stat",
        "log -p -2 --color=always",
        "log -p -2 --format=email",
        "log -p -2 --format=mboxrd",
        "whatchanged -p -2",
        "show HEAD HEAD~1",
        "show HEAD~1 HEAD",
    ],
)
def test_what_git_prints_of_several_commits_is_several_patches(repo, form):
    report = read(output(repo, *form.split()))
    assert said(report) == WHOLE
    commits = git(repo, "rev-list", "--reverse", "HEAD~2..").split()
    short = [patch.commit and patch.commit[:7] for patch in report.series[0].patches]
    assert short == [commit[:7] for commit in commits]


@pytest.fixture
def without_hunks(tmp_path):
    """A picture that changes, and a file that gets another name."""
    folder = repository(tmp_path / "pictures", {PATH: DIRECT})
    for number in (1, 2):
        (folder / "lamp.png").write_bytes(bytes([0, number, 255]) * 40)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", f"lamp: picture {number}")
    git(folder, "mv", PATH, "fs/light.c")
    git(folder, "commit", "--quiet", "--message", "lamp: rename")
    return folder


@pytest.mark.parametrize("color", ["--color=never", "--color=always"])
@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("format-patch --stdout -M HEAD~2", [1, 2]),
        ("log -p -M -2", [1, 2]),
        ("show -M HEAD~1", [1]),
        ("show --binary HEAD~1", [1]),
        ("diff -M HEAD~2", [1]),
    ],
)
def test_a_diff_without_hunks_is_one_in_colours_too(without_hunks, form, color, numbers):
    command, *options = form.split()
    report = read(output(without_hunks, command, color, *options))
    assert said(report) == ([], numbers, ())
    assert report.limitations == ()


def test_a_merge_without_a_diff_is_no_patch_and_one_with_a_combined_diff_is_named(tmp_path):
    repo = repository(tmp_path / "r", DIRECT)
    for branch, line in (("left", "\tlamp_off++;\n"), ("right", "\tlamp_on--;\n")):
        git(repo, "checkout", "--quiet", "-b", branch, "main")
        (repo / PATH).write_text(DIRECT.replace("\tlamp_dark(lamp);\n", line))
        git(repo, "commit", "--quiet", "--all", "--message", f"lamp: {branch}")
    subprocess.run(
        ["git", "-C", str(repo), "merge", "left"],
        check=False,
        capture_output=True,
        env=environment(repo),
    )
    (repo / PATH).write_text(DIRECT.replace("\tlamp_dark(lamp);\n", "\tlamp_both(lamp);\n"))
    git(repo, "commit", "--quiet", "--all", "--message", "lamp: merge")
    assert said(read(output(repo, "log", "-p", "-2")))[1:] == ([1], ())
    report = read(output(repo, "show", "HEAD"))
    assert report.series == ()
    (error,) = report.errors
    assert "combined diff of a merge (diff --cc)" in error.message


# -- other writers -------------------------------------------------------------------------


def diffs(repo):
    return [output(repo, "diff", *span).decode() for span in (("HEAD~2", "HEAD~1"), ("HEAD~1",))]


def test_quilt_stack_is_one_series_in_the_order_of_its_series_file(repo, tmp_path):
    first, second = diffs(repo)
    (tmp_path / "zz.patch").write_text(f"Adds a callback.\n\n{first}")
    (tmp_path / "aa.diff").write_text(
        f"From: A. Author <author@example.org>\nSubject: [PATCH 7/9] lamp: queue it\n\n{second}"
    )
    (tmp_path / "left-out.patch").write_text(second)
    (tmp_path / "series").write_text("# lamps\nzz.patch -p1 # first\n\naa.diff\n#left-out.patch\n")
    report = check([str(tmp_path)], NO_TREE)
    assert said(report) == WHOLE
    assert report.series[0].patches[0].subject == "zz.patch"
    (tmp_path / "up").mkdir()
    tmp_path.rename(tmp_path.with_name("patches"))
    above = tmp_path.with_name("patches").parent
    assert said(check([str(above)], NO_TREE)) == WHOLE


def test_quilt_patches_that_cannot_be_taken_are_errors(repo, tmp_path):
    (tmp_path / "in").mkdir()
    for place in (tmp_path / "secret.patch", tmp_path / "in" / "a.patch", tmp_path / "in" / "b"):
        place.write_text(diffs(repo)[0])
    (tmp_path / "in" / "series").write_text("a.patch\ngone.patch\nb -R\n../secret.patch\n")
    report = check([str(tmp_path / "in")], NO_TREE)
    assert [one.message for one in report.errors] == [
        "cannot be read: No such file or directory",
        "is applied in reverse (-R); it is not read",
        "stands outside of the folder of its series file",
    ]
    assert [len(one.patches) for one in report.series] == [1]


def test_mails_as_git_send_email_hands_them_over(repo, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    program = tmp_path / "sendmail"
    program.write_text(f"#!/bin/sh\ncat > {spool}/$(ls {spool} | wc -l).eml\n")
    program.chmod(0o755)
    files = tmp_path / "out"
    output(repo, "format-patch", "-o", str(files), "--cover-letter", "-v2", "HEAD~2")
    cover = files / "v2-0000-cover-letter.patch"
    cover.write_text(cover.read_text().replace("*** SUBJECT HERE ***", "lamps"))
    options = ["--to=list@example.org", "--confirm=never", "--force", f"--smtp-server={program}"]
    output(repo, "send-email", *options, *map(str, sorted(files.iterdir())))
    report = check([str(spool)], NO_TREE)
    assert said(report) == WHOLE
    (series,) = report.series
    assert series.version == 2
    assert series.cover_message_id
    assert len({patch.message_id for patch in series.patches}) == 2
    output(repo, "send-email", "--dry-run", *options, *map(str, sorted(files.iterdir())))
    assert said(check([str(files)], NO_TREE)) == WHOLE


def test_what_git_send_email_prints_is_no_patch_and_said_so(repo, tmp_path):
    output(repo, "format-patch", "-o", str(tmp_path), "HEAD~2")
    options = ["--dry-run", "--to=list@example.org", "--confirm=never", "--smtp-server=/bin/true"]
    report = read(output(repo, "send-email", *options, *map(str, sorted(tmp_path.iterdir()))))
    assert (report.series, len(report.errors)) == ((), 1)


def test_folder_of_b4_send(repo, tmp_path):
    home = environment(tmp_path)
    import sys
    from pathlib import Path

    b4 = str(Path(sys.executable).with_name("b4"))

    def call(*command):
        subprocess.run(command, cwd=tmp_path / "r", env=home, check=True, capture_output=True)

    subprocess.run(["git", "clone", "-q", str(repo), str(tmp_path / "r")], check=True)
    call("git", "config", "user.name", "A. Author")
    call("git", "config", "user.email", "author@example.org")
    call("git", "branch", "base", "HEAD~2")
    call("git", "checkout", "-q", "base")
    call(b4, "--offline-mode", "prep", "-n", "lamps", "-f", "base")
    call("git", "cherry-pick", "origin/main~1", "origin/main")
    call(
        *(b4, "--offline-mode", "send", "-o", str(tmp_path / "out"), "--no-sign"),
        *("--to", "list@example.org"),
    )
    report = check([str(tmp_path / "out")], NO_TREE)
    assert said(report) == WHOLE
    assert report.series[0].cover_message_id


@pytest.mark.parametrize("packed", ["base64", "one line of base64", "zip"])
def test_gerrit_downloads(repo, tmp_path, packed):
    patch = output(repo, "format-patch", "--stdout", "--keep-subject", "HEAD~1")
    path = tmp_path / "ab12cd3.diff"
    if packed == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("ab12cd3.diff", patch)
    else:
        code = base64.encodebytes if packed == "base64" else base64.b64encode
        path.write_bytes(code(patch))
    (mail,) = read_inputs([str(path)])
    assert isinstance(mail, RawMail)
    assert said(check([str(path)], NO_TREE)) == said(read(patch))


def test_damaged_zip_is_an_error(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04" + b"\0" * 40)
    (error,) = check([str(path)], NO_TREE).errors
    assert "zip archive is damaged" in error.message


def test_patchwork_downloads(repo):
    mails = output(repo, "format-patch", "--stdout", "--cover-letter", "-v2", "HEAD~2").decode()
    for number in (0, 1, 2):
        mails = mails.replace(f"[PATCH v2 {number}/2]", f"[net,v2,{number}/2]")
    assert said(read(mails.encode())) == WHOLE


@pytest.mark.parametrize("code", ["utf-16", "utf-8-sig"])
def test_other_encodings_of_a_saved_diff(repo, code):
    assert said(read(diffs(repo)[1].encode(code)))[1:] == ([1], ())


def test_mbox_behind_the_messages_of_a_program(repo):
    mails = output(repo, "format-patch", "--stdout", "HEAD~2")
    assert said(read(b"warning: a line that is no header\nand another\n" + mails)) == WHOLE
    assert said(read(mails.partition(b"\n")[2])) == WHOLE
    assert said(read(mails.replace(b"\n", b"\r\n"))) == WHOLE


def test_patches_pasted_into_one_mail(repo, tmp_path):
    output(repo, "format-patch", "-o", str(tmp_path), "HEAD~2")
    texts = [path.read_text() for path in sorted(tmp_path.iterdir())]
    head = "From: A <a@example.org>\nSubject: two patches\nMessage-ID: <p@example.org>\n\nHere:\n\n"
    report = read((head + "\n".join(texts)).encode())
    assert said(report) == WHOLE
    assert report.limitations == ()


@pytest.mark.parametrize("name", ["fs/l\u00e4mp.c", "fs/la\tmp.c", 'fs/"lamp".c', "fs/l amp.c"])
def test_odd_file_names_are_followed_also_through_a_rename(tmp_path, name):
    states = [{name: DIRECT}, {name: WITH_CALLBACK}, {name: QUEUED}]
    repo = repository(tmp_path / "r", *states)
    report = read(output(repo, "format-patch", "--stdout", "HEAD~2"))
    assert said(report) == WHOLE
    assert report.findings[0].path == name
    git(repo, "checkout", "--quiet", "HEAD~2")
    git(repo, "mv", name, "fs/new\u00e4.c")
    git(repo, "commit", "--quiet", "--message", "lamp: new name")
    (repo / "fs/new\u00e4.c").write_text(QUEUED)
    git(repo, "commit", "--quiet", "--all", "--message", "lamp: queue")
    report = read(output(repo, "format-patch", "--stdout", "-M", "HEAD~2"))
    assert said(report) == WHOLE
    assert report.findings[0].path == "fs/new\u00e4.c"
