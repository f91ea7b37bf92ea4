from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from email.policy import default

import pytest
from b4.review import checks

from patchlint.integrations import analysis, b4_series, b4_setup, config

RULE = "[mount-put-deferred]"
LOUD = {"warn", "fail"}
CHECKPATCH = """\
#!/bin/sh
cat > /dev/null
echo "-:1: WARNING: checkpatch was here"
"""


@pytest.fixture
def prepared(repo):
    """A ``b4 prep`` branch of the three patches, and patchlint set up."""
    repo.git("config", "b4.send-series-to", "list@example.org")
    repo.git("config", "user.signingkey", "none")
    repo.call(b4(), "--offline-mode", "prep", "-n", "trees", "-f", "master")
    repo.git("cherry-pick", "master..topic")
    repo.patchlint("b4", "setup", "--local", "--yes")
    return repo


def b4():
    return sys.executable.rpartition("/")[0] + "/b4"


def lines_with(text, needle):
    return [line for line in text.splitlines() if needle in line]


def local_values(repo, key):
    return repo.git("config", "--local", "--get-all", key, status=None).splitlines()


# --- b4 prep --check


def test_prep_check_names_the_finding_under_its_patch_alone(prepared):
    _, err = prepared.call(b4(), "prep", "--check")
    said = err.splitlines()
    [place] = [n for n, line in enumerate(said) if RULE in line]
    assert "fs: drop trees from a work item" in said[place - 1]
    assert re.search(r"fs/mounts\.c:\d+: (WARNING|ERROR): ", said[place])
    assert re.search(r"Warning: 1, Error: 0|Warning: 0, Error: 1", err)
    assert "could not check" not in err


def test_prep_check_is_silent_on_a_clean_branch(prepared):
    prepared.git("reset", "-q", "--hard", "HEAD~2")
    _, err = prepared.call(b4(), "prep", "--check")
    assert "Success: 1, Warning: 0, Error: 0" in err


def test_ten_calls_cost_one_analysis(prepared, monkeypatch):
    mails = prepared.mbox(revisions="HEAD~3..HEAD").split(b"\nFrom ")
    monkeypatch.chdir(prepared.repo)
    monkeypatch.setattr(analysis, "rules_stamp", lambda _folders: "the same rules")
    ran = []
    real = analysis._check
    monkeypatch.setattr(analysis, "_check", lambda *a: (ran.append(1), real(*a))[1])
    settings = config.load_settings()
    works = [b4_series.find(mail, settings) for mail in mails]
    results = [analysis.analyse(found.work, settings) for found in works]
    assert [found.number for found in works] == [1, 2, 3]
    assert len(ran) == 1
    assert results[0] == results[1] == results[2]
    assert [remark.patch for remark in results[0].remarks] == [2]


def test_the_cache_knows_base_rules_and_line_numbers(prepared, monkeypatch):
    monkeypatch.chdir(prepared.repo)
    settings = config.load_settings()
    diff = prepared.git("show", "HEAD~1").encode()
    work = analysis.Work(("-",), diff, base="a")
    moved = diff.replace(b"@@ -", b"@@ -9")
    keys = {
        analysis.key(work, settings),
        analysis.key(analysis.Work(("-",), diff, base="b"), settings),
        analysis.key(analysis.Work(("-",), moved, base="a"), settings),
        analysis.key(work, config.load_settings({"rule": ["mount-put-deferred"]})),
    }
    assert len(keys) == 4
    assert analysis.key(work, settings) in keys


def test_a_damaged_cache_is_made_anew(prepared, monkeypatch):
    monkeypatch.chdir(prepared.repo)
    settings = config.load_settings()
    mail = prepared.mbox("-1", revisions="HEAD~1")
    found = b4_series.find(mail, settings)
    first = analysis.analyse(found.work, settings)
    assert first.remarks
    for change in (
        lambda data: data[:0] + b"{",
        lambda data: data.replace(b"mntput", b"mntpuu"),
        lambda data: data.replace(b'"remarks":', b'"remarkz":'),
        lambda data: data[: len(data) // 2],
        lambda data: data[:0],
    ):
        for file in analysis.cache_folder("series").iterdir():
            if file.is_file() and file.suffix != ".lock":
                file.write_bytes(change(file.read_bytes()))
        assert analysis.analyse(found.work, settings) == first


# --- b4 am and b4 shazam


@pytest.fixture
def received(repo):
    """The series as an mbox, and a clone that has only the base; patchlint set up."""
    mbox = repo.root / "thread.mbox"
    mbox.write_bytes(
        repo.mbox("--thread=shallow", "--cover-letter", "--cover-from-description=none")
    )
    repo.git("checkout", "-q", "master")
    repo.git("branch", "-q", "-D", "topic")
    repo.patchlint("b4", "setup", "--local", "--yes")
    repo.git("config", "b4.attestation-policy", "off")
    return mbox


def test_am_with_checks_from_a_local_mbox(repo, received):
    out = repo.root / "am"
    _, err = repo.call(b4(), "--offline-mode", "-n", "am", "-k", "-m", received, "-o", out)
    said = err.splitlines()
    [place] = [n for n, line in enumerate(said) if RULE in line]
    assert "2/3" in said[place - 1]
    assert len(lines_with(err, "patchlint: passed all checks")) == 2
    assert len(list(out.glob("*.mbx"))) == 1


def test_shazam_with_checks_applies_the_series(repo, received):
    _, err = repo.call(b4(), "--offline-mode", "-n", "shazam", "-k", "-m", received)
    assert len(lines_with(err, RULE)) == 1
    assert repo.git("log", "--format=%s", "-1") == "docs: a word on trees\n"


# --- b4 review


def review_checks(repo, script):
    """Run a script that calls b4's own review runners on the mails ``msgs``."""
    head = """
        import email, json, sys
        import b4
        from argparse import Namespace
        from email.policy import default
        from b4.review import checks
        b4.setup_config(Namespace(config={}))
        perpatch, series = checks.load_check_cmds()
        topdir = b4.git_get_toplevel()
        msgs = [(m["message-id"].strip("<>"), m) for m in (
            email.message_from_bytes(open(f, "rb").read(), policy=default) for f in sys.argv[1:])]
    """
    code = textwrap.dedent(head) + textwrap.dedent(script)
    files = repo.patches("--thread=shallow", "--cover-letter", name="mails")
    out, _ = repo.call(sys.executable, "-c", code, *files)
    return json.loads(out)


def test_review_checks_answer_each_patch_and_the_series(repo):
    repo.patchlint("b4", "setup", "--local", "--yes")
    told = review_checks(
        repo,
        """
        run = [c for c in perpatch if not c.startswith("_")]
        per = checks.run_perpatch_checks(msgs[1:], run, topdir)
        whole = checks.run_series_checks(msgs[0], series, topdir)
        print(json.dumps([[per[i] for i, _ in msgs[1:]], whole]))
        """,
    )
    per, whole = told
    assert [[row["status"] in LOUD for row in rows] for rows in per] == [[False], [True], [False]]
    assert {row["tool"] for rows in per for row in rows} == {"patchlint"}
    [finding] = json.loads(per[1][0]["details"])
    assert finding["status"] in LOUD
    assert "fs/mounts.c:" in finding["description"]
    assert len(whole) == 1


def test_the_tracking_file_leads_to_the_review_branch(repo):
    first = repo.git("rev-parse", "topic~2").strip()
    repo.git("branch", "b4/review/change-1", "topic")
    repo.git("checkout", "-q", "master")
    tracking = repo.root / "tracking.json"
    tracking.write_text(
        json.dumps(
            {
                "series": {"first-patch-commit": first, "change-id": "change-1"},
                "patches": [{}, {}, {}],
            }
        )
    )
    cover = repo.patches("--cover-letter")[0].read_bytes()
    out, err = repo.patchlint(
        "b4", "review-check", "--series", stdin=cover, env={"B4_TRACKING_FILE": str(tracking)}
    )
    [told] = json.loads(out)
    assert err == ""
    assert told["status"] in LOUD
    assert "(patch 2)" in json.loads(told["details"])[0]["description"]


def test_a_tracking_file_that_makes_no_sense_is_passed_over(repo):
    broken = repo.root / "tracking.json"
    broken.write_text("[]")
    mail = repo.mbox("-1", revisions="topic~1")
    out, _ = repo.patchlint("b4", "review-check", stdin=mail, env={"B4_TRACKING_FILE": str(broken)})
    assert json.loads(out)[0]["status"] in LOUD


# --- one mail


def test_a_mail_outside_of_a_repository_is_checked_alone(repo):
    mail = repo.mbox("-1", revisions="topic~1")
    out, err = repo.patchlint("b4", "check", stdin=mail, cwd=repo.root)
    assert (out.count("\n"), err) == (1, "")
    assert out.startswith("fs/mounts.c:")
    assert RULE in out


def test_a_patch_is_found_by_what_it_changes_whatever_its_title(repo, monkeypatch):
    monkeypatch.chdir(repo.repo)
    mail = repo.patches()[1].read_bytes().replace(b"drop trees from", b"let trees go in")
    found = b4_series.find(mail, config.load_settings())
    base = repo.git("rev-parse", "master").strip()
    tip = repo.git("rev-parse", "topic").strip()
    assert found.work.inputs == (f"{base}..{tip}",)
    assert found.number == 2


def test_a_patch_of_another_version_is_not_taken_for_the_commit(repo, monkeypatch):
    monkeypatch.chdir(repo.repo)
    mail = repo.patches()[1].read_bytes().replace(b"system_unbound_wq", b"system_wq")
    found = b4_series.find(mail, config.load_settings())
    assert found.work.inputs == ("-",)


def test_mails_of_a_thread_complete_the_series_one_by_one(repo, monkeypatch):
    monkeypatch.chdir(repo.root)
    files = repo.patches("--thread=shallow", "--cover-letter")[1:]
    settings = config.load_settings()
    sizes = [
        len(b4_series.find(file.read_bytes(), settings).work.diffs.split(b"Subject: ")) - 1
        for file in files
    ]
    assert sizes == [1, 2, 3]


def test_a_cover_letter_is_silent_and_rubbish_is_no_pass(repo):
    cover = repo.patches("--cover-letter")[0].read_bytes()
    assert repo.patchlint("b4", "check", stdin=cover) == ("", "")
    for rubbish, why in ((b"", "empty message"), (b"\x7fELF\0", "binary data (an ELF file)")):
        out, err = repo.patchlint("b4", "check", stdin=rubbish)
        assert (out.startswith(f"could not check: {why}"), out.count("\n"), err) == (True, 1, "")
        out, _ = repo.patchlint("b4", "review-check", stdin=rubbish)
        (answer,) = json.loads(out)
        assert (answer["status"], answer["summary"]) == ("warn", "could not check")
        assert why in answer["details"]


def test_an_accepted_finding_is_told_to_b4_as_such(repo):
    mail = repo.mbox("-1", revisions="topic~1")
    out, _ = repo.patchlint("b4", "review-check", stdin=mail)
    detail = json.loads(json.loads(out)[0]["details"])[0]["description"]
    fingerprint = detail.rsplit(maxsplit=1)[-1]
    repo.patchlint("config", "accept", fingerprint, "--reason", "seen")
    out, err = repo.patchlint("b4", "check", stdin=mail)
    said = f"fs/mounts.c:23: accepted: {RULE} drop_tree(): seen (git (local) .git/config)"
    assert (out, err) == (f"{said}\n", "")
    out, err = repo.patchlint("check", "--tree", ".", "--format", "b4-check", "topic~1^!")
    assert (out, err) == (f"{said}\n", "")
    out, _ = repo.patchlint("b4", "review-check", stdin=mail)
    assert json.loads(out)[0]["status"] == "pass"
    assert "seen" in out


def test_a_broken_configuration_is_one_line_and_no_error_for_b4(repo):
    repo.git("config", "patchlint.failOn", "ERROR: loud")
    mail = repo.mbox("-1", revisions="topic~1")
    out, err = repo.patchlint("b4", "check", stdin=mail, status=2)
    assert err == ""
    assert out.count("\n") == 1
    assert "could not check" in out
    assert "ERROR:" not in out
    out, err = repo.patchlint("b4", "review-check", stdin=mail, status=2)
    assert (json.loads(out)[0]["status"], err) == ("warn", "")


# --- set-up


def test_setup_shows_and_does_not_write_unasked(repo):
    before = (repo.home / ".gitconfig").read_bytes()
    out, _ = repo.patchlint("b4", "setup")
    assert "b4.prep-perpatch-check-cmd = " in out
    assert "checkpatch.pl" in out
    assert "nothing is written" in out
    assert (repo.home / ".gitconfig").read_bytes() == before


@pytest.mark.parametrize(
    ("scope", "file"), [("--global", "home/.gitconfig"), ("--local", "linux/.git/config")]
)
def test_remove_leaves_the_file_as_it_was(repo, scope, file):
    path = repo.root / file
    repo.git("config", scope, "--add", "b4.prep-perpatch-check-cmd", "./mine.sh")
    before = path.read_bytes()
    repo.patchlint("b4", "setup", scope, "--yes")
    repo.patchlint("b4", "setup", scope, "--yes")
    assert path.read_bytes() != before
    repo.patchlint("b4", "remove", scope)
    assert path.read_bytes() == before
    assert repo.patchlint("b4", "remove", scope)[0].startswith("there was nothing")


def test_a_check_that_is_there_stays_and_gets_no_checkpatch_added(repo):
    repo.git("config", "b4.prep-perpatch-check-cmd", "./mine.sh")
    repo.patchlint("b4", "setup", "--local", "--yes")
    values = local_values(repo, "b4.prep-perpatch-check-cmd")
    assert values[0] == "./mine.sh"
    assert values[1:] == [b4_setup.command("b4 check")]


def test_checkpatch_still_runs_after_setup(prepared):
    script = prepared.repo / "scripts/checkpatch.pl"
    script.parent.mkdir()
    script.write_text(CHECKPATCH)
    script.chmod(0o755)
    _, err = prepared.call(b4(), "prep", "--check", "-C")
    assert len(lines_with(err, "checkpatch was here")) == 3
    assert len(lines_with(err, RULE)) == 1


def test_checkpatch_for_all_repositories_is_quiet_where_there_is_none(repo):
    repo.patchlint("b4", "setup", "--global", "--yes")
    repo.call(b4(), "--offline-mode", "prep", "-n", "trees", "-f", "master")
    repo.git("cherry-pick", "topic~2")
    _, err = repo.call(b4(), "prep", "--check")
    assert "Success: 1, Warning: 0, Error: 0" in err


def test_the_command_needs_no_path(prepared):
    bare = prepared.root / "bin"
    bare.mkdir()
    for name in ("git", "sh"):
        (bare / name).symlink_to(shutil.which(name))
    _, err = prepared.call(b4(), "prep", "--check", "-C", env={"PATH": str(bare)})
    assert len(lines_with(err, RULE)) == 1
    assert re.search(r"Warning: 1, Error: 0|Warning: 0, Error: 1", err)


@pytest.fixture
def broken(prepared, monkeypatch):
    """Set up by an installation whose files are gone since."""
    gone = prepared.root / "gone/venv 2/bin/python"
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(gone))
        b4_setup.write_launcher()
    return prepared, gone


def test_an_installation_that_is_gone_ends_in_one_line(broken):
    repo, gone = broken
    _, err = repo.call(b4(), "prep", "--check", "-C")
    said = lines_with(err, "patchlint: patchlint cannot run")
    assert len(said) == 3  # once for each patch
    assert f"{gone} or " in said[0]
    assert said[0].endswith("is gone; install it again")
    assert "Traceback" not in err
    assert "Warning: 3, Error: 0" in err


def test_b4_review_takes_it_as_a_warning(broken):
    repo, _ = broken
    mail = email.message_from_bytes(repo.mbox(), policy=default)
    for key in ("b4.review-perpatch-check-cmd", "b4.review-series-check-cmd"):
        [value, *_] = local_values(repo, key)
        results = checks._run_external_cmd(checks.parse_cmd(value), mail, str(repo.repo))
        assert [(one["tool"], one["status"]) for one in results] == [("patchlint", "warn")]
        assert results[0]["summary"].endswith("is gone; install it again")


def test_set_up_again_mends_it(broken):
    repo, _ = broken
    assert "runs patchlint already" in repo.patchlint("b4", "setup", "--local", "--yes")[0]
    _, err = repo.call(b4(), "prep", "--check", "-C")
    assert len(lines_with(err, RULE)) == 1


@pytest.mark.usefixtures("repo")
def test_the_launcher_runs_the_package_that_wrote_it(tmp_path, monkeypatch):
    package = tmp_path / "a copy" / "patchlint"
    (package / "cli").mkdir(parents=True)
    for name in ("__init__.py", "cli/__init__.py"):
        (package / name).write_text("")
    (package / "cli/main.py").write_text("print('the copy')\n")
    with monkeypatch.context() as patched:
        patched.setattr(b4_setup.patchlint, "__file__", str(package / "__init__.py"))
        b4_setup.write_launcher()
    for other in ("", str(tmp_path)):
        env = {**os.environ, "PYTHONPATH": other}
        done = subprocess.run(
            [b4_setup.launcher(), "--version"], env=env, capture_output=True, check=True
        )
        assert done.stdout == b"the copy\n"
    shutil.rmtree(package)
    done = subprocess.run([b4_setup.launcher(), "b4", "check"], capture_output=True, check=True)
    assert b"is gone; install it again" in done.stdout


def test_the_launcher_goes_with_the_last_that_runs_it(repo):
    for scope in ("--local", "--global"):
        repo.patchlint("b4", "setup", scope, "--yes")
    repo.patchlint("b4", "remove", "--local")
    assert b4_setup.launcher().exists()
    repo.patchlint("b4", "remove", "--global")
    assert not b4_setup.launcher().parent.exists()


def test_setup_renews_what_an_older_one_wrote(repo):
    for key in ("b4.prep-perpatch-check-cmd", "b4.review-perpatch-check-cmd"):
        name = "b4 review-check" if "review" in key else "b4 check"
        repo.git("config", "--local", "--add", key, f"patchlint {name}")
        repo.git("config", "--local", "--add", "patchlint.b4Added", f"{key} patchlint {name}")
    out, _ = repo.patchlint("b4", "setup", "--local", "--yes")
    assert "to be taken out, since it no longer fits:" in out
    values = local_values(repo, "b4.prep-perpatch-check-cmd")
    assert values[0] == b4_setup.command("b4 check")
    assert "patchlint b4 check" not in values
    repo.patchlint("b4", "remove", "--local")
    assert "b4" not in (repo.repo / ".git/config").read_text()


def test_no_tracked_file_is_written(repo):
    repo.patchlint("b4", "setup", "--local", "--yes")
    assert repo.git("status", "--porcelain") == ""
    [line, *_] = b4_setup.added("local", str(repo.repo))
    assert line.key.startswith("b4.")


def test_b4_reads_the_mails_that_the_repository_makes(repo):
    file = repo.patches("--thread=shallow")[0]
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    assert mail["Subject"] == "[PATCH 1/3] fs: look at error pointers as well"


# --- what is not read


@pytest.fixture
def damaged(repo):
    """The mails of a series of three: the first is cut in its hunk, the second is by words."""
    files = repo.patches("--thread=shallow", "--cover-letter")
    words = repo.patches("--thread=shallow", "--cover-letter", "--word-diff", name="words")
    whole = files[1].read_text()
    files[1].write_text(whole[: whole.index("+\tif (IS_ERR_OR_NULL")])
    head, _, _ = files[2].read_text().partition("diff --git")
    _, at, diff = words[2].read_text().partition("diff --git")
    files[2].write_text(head + at + diff)
    return files[1:]


CUT = "checked in part: fs/mounts.c:18: hunk announces 7 old and 7 new lines but has 4 and 3"
WORDS = "its diff cannot be read: a diff by words"


def test_each_patch_is_told_what_of_it_was_not_read(repo, damaged):
    """In the first no word of the tables is left, and the last is as it should be."""
    told = [
        repo.patchlint("b4", "check", cwd=repo.root, stdin=file.read_bytes()) for file in damaged
    ]
    assert [err for _, err in told] == ["", "", ""]
    first, second, third = (out for out, _ in told)
    assert first == f"{CUT}\n"
    assert second.startswith(f"could not check: {WORDS}")
    assert (second.count("\n"), third) == (1, "")


@pytest.mark.parametrize(
    ("whole", "told"),
    [
        ([], ["no finding in what could be checked", "could not check", "no promise"]),
        (["--series"], ["no finding in what could be checked"] * 3),
    ],
)
def test_review_warns_of_what_was_not_read(repo, damaged, whole, told):
    results = []
    for file in damaged:
        mail = file.read_bytes()
        out, err = repo.patchlint("b4", "review-check", *whole, cwd=repo.root, stdin=mail)
        results += json.loads(out)
        assert err == ""
    assert all(one["summary"].startswith(start) for one, start in zip(results, told, strict=True))
    assert [one["status"] == "warn" for one in results] == [not t.startswith("no p") for t in told]
    if whole:
        assert CUT.partition("hunk ")[2] in results[-1]["details"]
        assert "fs/mounts.c:18: patch 1: hunk" in results[-1]["details"]
        assert WORDS in results[-1]["details"]


def test_a_mail_that_is_called_a_patch_and_has_no_diff_does_not_pass(repo, damaged):
    head, _, _ = damaged[0].read_text().partition("diff --git")
    out, err = repo.patchlint("b4", "check", cwd=repo.root, stdin=head.encode())
    assert (out.count("\n"), err) == (1, "")
    assert out.startswith("could not check: there is no diff in this patch")


def test_am_says_under_each_patch_what_of_it_was_not_read(repo, damaged):
    repo.git("checkout", "-q", "master")
    repo.git("branch", "-q", "-D", "topic")
    repo.git("config", "b4.attestation-policy", "off")
    repo.patchlint("b4", "setup", "--local", "--yes")
    cover = damaged[0].parent / "0000-cover-letter.patch"
    mbox = repo.root / "damaged.mbox"
    mbox.write_bytes(b"\n".join(file.read_bytes() for file in (cover, *damaged)))
    _, err = repo.call(b4(), "--offline-mode", "-n", "am", "-k", "-m", mbox, "-o", repo.root / "am")
    said = err.splitlines()
    places = [n for n, line in enumerate(said) if CUT in line or WORDS in line]
    assert [re.findall("./3", said[place - 1]) for place in places] == [["1/3"], ["2/3"]]
