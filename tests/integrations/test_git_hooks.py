from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from patchlint.integrations import analysis, hook_run, hooks, series_files

BAD = "fs/mounts.c"
LONE = "topic~2..topic~1"
CLEAN = "topic~3..topic~2"


def send(repo, *what, status=0, env=None):
    return repo.call(
        "git", "send-email", "--quiet", "--confirm=never", "--to=list@example.org",
        "--suppress-cc=all", *what, status=status, env=env,
    )  # fmt: skip


def to(inbox):
    return ("--smtp-server=127.0.0.1", f"--smtp-server-port={inbox.port}")


def hook_path(repo, name="sendemail-validate"):
    return repo.repo / ".git/hooks" / name


def snapshot(folder):
    return {
        path.name: (path.lstat().st_mode, path.read_bytes()) for path in sorted(folder.iterdir())
    }


# --- the send


def test_a_series_that_weakens_a_promise_is_not_sent(repo, smtp):
    repo.patchlint("hook", "install")
    _, err = send(repo, *to(smtp), *repo.patches("--cover-letter"), status=None)
    assert smtp.mails == []
    assert "[mount-put-deferred]" in err
    assert BAD in err
    assert "--no-validate" in err
    assert "patchlint config accept FINGERPRINT --reason" in err


def test_the_send_goes_on_with_no_validate(repo, smtp):
    repo.patchlint("hook", "install")
    send(repo, *to(smtp), "--no-validate", *repo.patches())
    assert len(smtp.mails) == 3


def test_a_harmless_patch_is_really_sent(repo, smtp):
    repo.patchlint("hook", "install")
    _, err = send(repo, *to(smtp), *repo.patches(revisions=CLEAN))
    assert len(smtp.mails) == 1
    assert b"error pointers" in smtp.mails[0]
    assert "patchlint" not in err


def test_a_dry_run_is_stopped_as_well(repo):
    repo.patchlint("hook", "install")
    _, err = send(repo, "--dry-run", "-1", "topic~1", status=None)
    assert "[mount-put-deferred]" in err


def test_an_accepted_finding_lets_the_series_go_and_is_named(repo, smtp):
    repo.patchlint("hook", "install")
    files = repo.patches()
    _, err = send(repo, *to(smtp), *files, status=None)
    [fingerprint] = {
        line.split()[-1] for line in err.splitlines() if line.strip().startswith("fingerprint:")
    }
    repo.patchlint("config", "accept", fingerprint, "--reason", "the caller waits for it")
    _, err = send(repo, *to(smtp), *files)
    assert len(smtp.mails) == 3
    assert f"accepted: {fingerprint}" in err
    assert "the caller waits for it" in err


def test_a_commit_that_is_pushed_has_no_number_of_its_own(repo):
    refs = {"PRE_COMMIT_FROM_REF": "topic~2", "PRE_COMMIT_TO_REF": "topic~1"}
    _, err = run_hook(repo, "pre-push", env=refs, status=1)
    assert err.splitlines()[0] == "fs: drop trees from a work item"


def test_a_level_below_fail_on_is_told_but_sent(repo, smtp):
    repo.patchlint("hook", "install", "--fail-on", "never")
    _, err = send(repo, *to(smtp), *repo.patches())
    assert len(smtp.mails) == 3
    assert "[mount-put-deferred]" in err
    assert "nothing is sent" not in err


def test_fail_on_of_the_environment_beats_the_hooks_own(repo, smtp):
    repo.patchlint("hook", "install", "--fail-on", "note")
    send(repo, *to(smtp), *repo.patches(), env={"PATCHLINT_FAIL_ON": "never"})
    assert len(smtp.mails) == 3


def test_a_broken_configuration_stops_and_says_so(repo):
    repo.patchlint("hook", "install")
    repo.git("config", "patchlint.failOn", "loud")
    _, err = send(repo, "--dry-run", *repo.patches(), status=None)
    assert "could not check" in err
    assert "fail-on is 'loud'" in err


# --- what cannot be read


def test_what_is_cut_short_is_told_and_sent(repo, smtp):
    repo.patchlint("hook", "install")
    whole = repo.patches()[1]
    lines = whole.read_text().splitlines(keepends=True)
    last = max(place for place, line in enumerate(lines) if line.startswith("@@ "))
    whole.write_text("".join(lines[: last + 5]))
    _, err = send(repo, *to(smtp), "--no-thread", whole, env={"PATCHLINT_FAIL_ON": "never"})
    assert len(smtp.mails) == 1
    assert err.count("not all was read: ") == 1
    assert "announces" in err


def test_what_cannot_be_read_at_all_stops(repo):
    repo.patchlint("hook", "install")
    repo.git("format-patch", "-q", "--word-diff", "-o", "words", "-1", "topic~1")
    _, err = send(repo, "--dry-run", "words", status=None)
    (said,) = (line for line in err.splitlines() if "could not check" in line)
    assert "its diff cannot be read" in said
    assert "Error: " not in said


def test_what_cannot_be_read_beside_others_is_told_once(repo, smtp):
    """git asks for each patch; without counters each call sees all of the series."""
    repo.patchlint("hook", "install")
    files = repo.patches("--no-thread")
    repo.git("format-patch", "-q", "--word-diff", "-o", "words", "-1", "topic~1")
    head, _, _ = files[1].read_text().partition("diff --git")
    (words,) = (repo.repo / "words").iterdir()
    files[1].write_text(head + "".join(words.read_text().partition("diff --git")[1:]))
    _, err = send(repo, *to(smtp), *files)
    assert len(smtp.mails) == 3
    assert err.count("its diff cannot be read") == 1


def test_a_setting_of_the_repository_is_said_once(repo, smtp):
    repo.patchlint("hook", "install")
    repo.git("config", "patchlint.failOn", "never")
    _, err = send(repo, *to(smtp), *repo.patches())
    assert err.count("fail-on is set by the repository") == 1


# --- what git hands over


def run_hook(repo, *arguments, env=None, status=None):
    name, *rest = arguments
    return repo.call(
        sys.executable, "-P", "-m", "patchlint.integrations.hook_run", name, "--", *rest,
        status=status, env=env,
    )  # fmt: skip


def counters(number, total):
    return {
        "GIT_SENDEMAIL_FILE_COUNTER": str(number),
        "GIT_SENDEMAIL_FILE_TOTAL": str(total),
    }


def test_with_counters_files_of_two_folders_are_one_series(repo):
    first, second, third = repo.patches()
    elsewhere = repo.root / "elsewhere"
    elsewhere.mkdir()
    moved = second.rename(elsewhere / "b.patch")
    header = repo.root / "headers"
    header.write_text("To: list@example.org\n")
    run_hook(repo, "sendemail-validate", first, header, env=counters(1, 3), status=0)
    run_hook(repo, "sendemail-validate", third, header, env=counters(2, 3), status=0)
    _, err = run_hook(repo, "sendemail-validate", moved, header, env=counters(3, 3), status=1)
    assert "[mount-put-deferred]" in err


def test_without_counters_each_patch_answers_for_itself(repo):
    first, second, third = repo.patches()
    run_hook(repo, "sendemail-validate", first, status=0)
    _, err = run_hook(repo, "sendemail-validate", second, status=1)
    assert "[PATCH 2/3]" in err
    run_hook(repo, "sendemail-validate", third, status=1)


def test_a_cover_letter_passes_at_once(repo):
    cover = repo.patches("--cover-letter")[0]
    out, err = run_hook(repo, "sendemail-validate", cover, status=0)
    assert (out, err) == ("", "")


CONTEXT = "*** a/y.c\n--- b/y.c\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n"
SEALED = "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"Why.\n---\n{CONTEXT}", "a context diff"),
        (SEALED, "encrypted"),
        ("Why.\n", "there is no diff in this patch"),
    ],
)
def test_a_patch_without_a_diff_to_read_is_told_and_sent(repo, smtp, text, said):
    repo.patchlint("hook", "install")
    mail = repo.root / "0001-x.patch"
    mail.write_text(f"From: A <a@example.org>\nSubject: [PATCH] lamp: x\n\n{text}")
    assert said in run_hook(repo, "sendemail-validate", mail, status=0)[1]
    assert said in start_hook(repo, "sendemail-validate", mail, status=0)[1]
    _, err = send(repo, *to(smtp), mail)
    assert len(smtp.mails) == 1
    assert err.count(said) == 1


def test_a_patch_that_cannot_be_read_is_told_beside_one_that_can(repo):
    *_, third = repo.patches()
    third.write_text(f"{third.read_text().partition('diff --git')[0]}{CONTEXT}")
    env = counters(3, 3) | {"PATCHLINT_FAIL_ON": "never"}
    _, err = run_hook(repo, "sendemail-validate", third, status=0, env=env)
    assert "a context diff" in err
    assert "[mount-put-deferred]" in err


def test_a_patch_in_another_encoding_is_checked(repo):
    second = repo.patches()[1]
    lone = repo.root / "lone.patch"
    lone.write_text(second.read_text().replace("[PATCH 2/3]", "[PATCH]"), encoding="utf-16")
    assert "[mount-put-deferred]" in run_hook(repo, "sendemail-validate", lone, status=1)[1]
    lone.write_text(CONTEXT, encoding="utf-16")
    _, err = run_hook(repo, "sendemail-validate", lone, status=0)
    assert "not checked: " in err
    assert "[mount-put-deferred]" not in err


@pytest.mark.parametrize(("name", "said"), [(".", "a folder"), ("none.patch", "No such file")])
def test_what_is_no_file_stops_the_send_in_one_line(repo, name, said):
    _, err = run_hook(repo, "sendemail-validate", repo.root / name, status=2)
    (line,) = err.splitlines()
    assert line.startswith("patchlint: not checked: ")
    assert said in line
    assert line.endswith("nothing is sent")


@pytest.mark.parametrize("which", [0, 2])
def test_a_patch_that_may_not_be_read_stops_the_send(repo, monkeypatch, capsys, which):
    files = list(map(str, repo.patches()))

    def refuse(path, *arguments, **named):
        if path == files[which]:
            raise PermissionError(13, "Permission denied")
        return builtins_open(path, *arguments, **named)

    builtins_open = open
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(series_files, "siblings", lambda _: files)
    assert hook_run.main(["sendemail-validate", files[2]]) == 2
    err = capsys.readouterr().err
    assert err == (f"patchlint: not checked: {files[which]}: Permission denied; nothing is sent\n")


def test_an_empty_file_is_told(repo):
    empty = repo.root / "empty.patch"
    empty.write_text("")
    _, err = run_hook(repo, "sendemail-validate", empty, status=0)
    assert err == f"patchlint: not checked: {empty}: nothing is in it\n"


def test_a_mail_that_is_called_no_patch_passes(repo):
    mail = repo.root / "x.eml"
    for subject in ("Re: [PATCH] lamp: x", "lunch", "[ANNOUNCE] git"):
        mail.write_text(f"From: A <a@example.org>\nSubject: {subject}\n\nHello.\n")
        assert run_hook(repo, "sendemail-validate", mail, status=0) == ("", "")


def test_a_hook_nobody_knows_is_a_usage_error(repo):
    _, err = run_hook(repo, "post-checkout", status=2)
    assert "there is no hook 'post-checkout'" in err


def test_nothing_is_loaded_from_the_tree(repo):
    for name in ("email", "re", "tomllib", "patchlint", "sitecustomize", "json"):
        (repo.repo / f"{name}.py").write_text("raise SystemExit('loaded from the tree')\n")
    repo.patchlint("hook", "install")
    _, err = send(repo, "--dry-run", *repo.patches(), status=None)
    assert "loaded from the tree" not in err
    assert "[mount-put-deferred]" in err


# --- files beside each other


def test_siblings_are_the_same_version_and_length(repo):
    files = repo.patches()
    repo.patches("-v2", "--cover-letter")
    repo.patches(revisions=LONE, name="other")
    assert series_files.siblings(str(files[1])) == [str(file) for file in files]


def test_a_leftover_of_an_older_run_is_not_taken(repo):
    files = repo.patches()
    old = files[0].with_name("0001-fs-an-older-title.patch")
    old.write_bytes(files[0].read_bytes())
    os.utime(old, (1_000_000_000, 1_000_000_000))
    assert series_files.siblings(str(files[2])) == [str(file) for file in files]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b"[PATCH v3 2/7] fs: a", ("fs: a", 3, 2, 7)),
        (b"[PATCH RFC net-next v2 02/10]\n fs: a", ("fs: a", 2, 2, 10)),
        (b"[PATCH] fs: a", ("fs: a", 1, None, None)),
        (b"=?UTF-8?q?=5BPATCH=201/3=5D_fs=3A_=C3=A9?=", ("fs: \u00e9", 1, 1, 3)),
        (b"=?bogus", ("=?bogus", 1, None, None)),
        (b"[PATCH v" + b"9" * 5000 + b" 1/" + b"9" * 5000 + b"] fs: a", ("fs: a", 1, None, None)),
    ],
)
def test_the_place_is_read_off_the_subject(subject, expected):
    here = series_files.place(b"From: a\nSubject: " + subject + b"\n\nbody\n")
    assert (here.title, here.version, here.number, here.total) == expected


# --- installing and removing


def test_a_hook_that_stands_there_runs_first_and_its_status_counts(repo, smtp):
    hook = hook_path(repo)
    hook.parent.mkdir(exist_ok=True)
    log = repo.root / "log"
    hook.write_text(f'#!/bin/sh\necho "old $*" >> {log}\nexit ${{OLD_STATUS:-0}}\n')
    hook.chmod(0o755)
    repo.patchlint("hook", "install")
    [clean] = repo.patches(revisions=CLEAN)
    send(repo, *to(smtp), clean)
    assert len(smtp.mails) == 1
    send(repo, *to(smtp), clean, status=None, env={"OLD_STATUS": "3"})
    assert len(smtp.mails) == 1
    assert log.read_text().count("old ") == 2


def test_remove_restores_what_was_there(repo):
    folder = repo.repo / ".git/hooks"
    old = folder / "sendemail-validate"
    old.write_bytes(b"#!/bin/sh\n# \xff bytes\nexit 0")
    old.chmod(0o754)
    before = snapshot(folder)
    repo.patchlint("hook", "install", "--hook", "sendemail-validate", "--hook", "pre-push")
    assert snapshot(folder) != before
    repo.patchlint("hook", "install")
    repo.patchlint("hook", "remove")
    assert snapshot(folder) == before


def test_a_hook_folder_that_was_made_goes_again(repo):
    repo.git("config", "core.hooksPath", str(repo.root / "made/hooks"))
    repo.patchlint("hook", "install")
    assert (repo.root / "made/hooks/sendemail-validate").exists()
    repo.patchlint("hook", "remove")
    assert not (repo.root / "made/hooks").exists()


def test_core_hooks_path_is_honoured_by_the_send(repo, smtp):
    repo.git("config", "--global", "core.hooksPath", "~/my hooks")
    out, _ = repo.patchlint("hook", "install")
    assert str(repo.home / "my hooks") in out
    assert "all your repositories" in out
    send(repo, *to(smtp), *repo.patches(), status=None)
    assert smtp.mails == []


def test_a_linked_work_tree_sends_through_the_same_hook(repo, smtp):
    linked = repo.root / "linked"
    repo.git("worktree", "add", "-q", "--detach", str(linked), "topic")
    repo.patchlint("hook", "install", cwd=linked)
    files = repo.patches()
    send_args = ["git", "send-email", "--quiet", "--confirm=never", "--to=list@example.org"]
    _, err = repo.call(*send_args, *to(smtp), *files, cwd=linked, status=None)
    assert "[mount-put-deferred]" in err
    assert smtp.mails == []
    repo.patchlint("hook", "remove", "--repo", linked, cwd=repo.root)
    assert not hook_path(repo).exists()


def test_someone_elses_hook_is_left_alone_by_remove(repo):
    hook_path(repo).write_text("#!/bin/sh\n")
    out, _ = repo.patchlint("hook", "remove")
    assert "stays" in out
    assert hook_path(repo).read_text() == "#!/bin/sh\n"


def test_a_hook_put_over_ours_is_not_overwritten(repo):
    hook_path(repo).write_text("#!/bin/sh\n# old\n")
    repo.patchlint("hook", "install")
    hook_path(repo).write_text("#!/bin/sh\n# newer\n")
    _, err = repo.patchlint("hook", "install", status=2)
    assert "is there already" in err
    assert "newer" in hook_path(repo).read_text()


def test_outside_of_a_repository_it_says_so(kit):
    _, err = kit.patchlint("hook", "install", cwd=kit.root, status=2)
    assert "not a git repository" in err


def test_an_interpreter_that_is_gone_is_said(repo):
    text = hooks.script("sendemail-validate").replace(sys.executable, "/nowhere/python")
    hook = hook_path(repo)
    hook.write_text(text)
    hook.chmod(0o755)
    done = subprocess.run([hook, "x"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"/nowhere/python is gone" in done.stderr


# --- the other hooks


def test_pre_push_stops_a_push_and_feeds_the_hook_before_it(repo):
    far = repo.root / "far.git"
    repo.git("init", "-q", "--bare", str(far))
    repo.git("remote", "add", "origin", str(far))
    repo.git("push", "-q", "origin", "master")
    old = hook_path(repo, "pre-push")
    log = repo.root / "refs"
    old.write_text(f"#!/bin/sh\ncat > {log}\n")
    old.chmod(0o755)
    repo.patchlint("hook", "install", "--hook", "pre-push")
    _, err = repo.call("git", "push", "origin", "topic", status=1)
    assert "[mount-put-deferred]" in err
    assert "--no-verify" in err
    assert "refs/heads/topic" in log.read_text()
    repo.git("push", "-q", "origin", "topic~2:refs/heads/topic")
    repo.call("git", "push", "origin", "topic", status=1)
    repo.git("push", "-q", "--no-verify", "origin", "topic")
    repo.git("push", "-q", "origin", ":topic")


def test_pre_push_under_the_pre_commit_framework(repo):
    refs = {"PRE_COMMIT_FROM_REF": "master", "PRE_COMMIT_TO_REF": "topic"}
    _, err = run_hook(repo, "pre-push", env=refs, status=1)
    assert "[mount-put-deferred]" in err
    refs["PRE_COMMIT_TO_REF"] = "topic~2"
    run_hook(repo, "pre-push", env=refs, status=0)


def test_applypatch_msg_stops_git_am_at_the_patch(repo):
    mbox = repo.root / "series.mbox"
    mbox.write_bytes(repo.mbox())
    repo.patchlint("hook", "install", "--hook", "applypatch-msg")
    repo.git("checkout", "-q", "master")
    _, err = repo.call("git", "am", "-q", mbox, status=1)
    assert "[mount-put-deferred]" in err
    assert repo.git("log", "--format=%s", "-1") == "fs: look at error pointers as well\n"
    repo.git("am", "--abort")
    repo.git("am", "-q", str(mbox), env={"PATCHLINT_FAIL_ON": "never"})


# --- the fast path


def start_hook(repo, *arguments, env=None, status=None):
    """Run the hook as the installed script does, with the standard library alone."""
    code = (
        "import sys\nsys.path.insert(0, sys.argv[1])\n"
        "from patchlint.integrations.hook_run import start\n"
        "status = start(sys.argv[2:])\nprint(*sorted(sys.modules))\nsys.exit(status)"
    )
    source = os.environ["PYTHONPATH"].partition(os.pathsep)[0]
    return repo.call(
        sys.executable, "-ISc", code, source, *arguments, status=status, env=env
    )  # fmt: skip


def test_a_patch_without_candidates_costs_no_heavy_import(repo):
    [clean] = repo.patches(revisions=CLEAN)
    start_hook(repo, "sendemail-validate", clean, status=0)
    out, _ = start_hook(repo, "sendemail-validate", clean, status=0)
    heavy = {
        "argparse",
        "dataclasses",
        "email",
        "inspect",
        "msgspec",
        "pathlib",
        "sqlite3",
        "subprocess",
    }
    heavy |= {"tomllib", "tree_sitter", "unidiff", "git", "patchlint.run", "site"}
    assert heavy & set(out.split()) == set()


def test_a_candidate_is_checked_with_everything_installed(repo):
    bad = repo.patches()[1]
    _, err = start_hook(repo, "sendemail-validate", "--", bad, status=1)
    assert "[mount-put-deferred]" in err


def test_counters_survive_the_second_start(repo):
    files = repo.patches()
    for number, file in enumerate(files, start=1):
        expected = 0 if number == 1 else 1
        start_hook(
            repo, "sendemail-validate", file, env=counters(number, 3), status=expected
        )  # fmt: skip


def test_rules_of_the_users_own_switch_the_filter_off(repo):
    [clean] = repo.patches(revisions=CLEAN)
    rules = repo.root / "rules"
    rules.mkdir()
    (rules / "own.toml").write_text('title = "t"\nlevel = "warning"\nfamilies = ["mount"]\n')
    repo.git("config", "--global", "patchlint.rules", str(rules))
    out, _ = start_hook(repo, "sendemail-validate", clean, status=0)
    assert out == ""


@pytest.mark.parametrize(
    ("place", "settings"),
    [
        ("home/.gitconfig", "[PatchLint]\n\trules = {rules}\n"),
        ("home/.config/git/config", "[patchlint]\n\trules = {rules}\n"),
        ("linux/.git/config", '[include]\n\tpath = "{root}/more"\n'),
        ("home/.config/patchlint/config.toml", 'rules = ["{rules}"]\n'),
    ],
)
def test_rules_of_the_users_own_are_seen_wherever_they_are_set(repo, place, settings):
    [clean] = repo.patches(revisions=CLEAN)
    missing = repo.root / "no-such-rules"
    (repo.root / "more").write_text(f"[patchlint]\n\trules = {missing}\n")
    path = repo.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(settings.format(rules=missing, root=repo.root))
    _, err = start_hook(repo, "sendemail-validate", clean, status=2)
    assert "no-such-rules" in err


def test_rules_in_a_linked_work_tree_are_seen(repo):
    linked = repo.root / "linked"
    repo.git("worktree", "add", "-q", "--detach", str(linked), "topic")
    repo.git("config", "patchlint.rules", str(repo.root / "no-such-rules"))
    [clean] = repo.patches(revisions=CLEAN)
    repo.patchlint("hook", "install")
    _, err = repo.call(
        "git", "send-email", "--dry-run", "--quiet", "--to=list@example.org", clean,
        cwd=linked, status=None,
    )  # fmt: skip
    assert "no-such-rules" in err


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (b"[PATCHv4 1/2]", (4, 1, 2)),
        (b"[RFC PATCH V2 10 / 12]", (2, 10, 12)),
        (b"[net-next] [PATCH v7] [3/9]", (7, 3, 9)),
        (b"[PATCH 5.10 v2]", (2, None, None)),
        (b"[PATCH 3]", (1, None, None)),
        (b"[PATCH v]", (1, None, None)),
        ("[PATCH v\u00b2 1/2]".encode(), (1, 1, 2)),
        (b"[PATCH", (1, None, None)),
    ],
)
def test_prefixes_as_people_write_them(prefix, expected):
    here = series_files.place(b"subject:" + prefix + b" fs: a\nFrom: b\n\nSubject: [PATCH 8/9]\n")
    assert (here.version, here.number, here.total) == expected


def test_message_ids_of_a_folded_header():
    head = series_files.header_block(
        b"From: a\r\nReferences: <a@example.org>\r\n\t<b@example.org> or <c d>\r\nTo: e\r\n\r\n"
    )
    assert series_files.message_ids(head, b"references") == ["a@example.org", "b@example.org"]
    assert series_files.message_ids(head, b"in-reply-to") == []


# --- what is said


def test_each_thing_is_said_once(repo, smtp):
    repo.patchlint("hook", "install")
    _, err = send(repo, *to(smtp), *repo.patches(), status=None)
    lines = [line.strip() for line in err.splitlines()]
    assert len(set(lines)) == len(lines)
    assert err.count("drop trees from a work item\n") == 1
    assert err.count("fs: drop trees from a work item") == 1
    assert "    before: task: done before return to user space\n" in err


def test_what_two_findings_share_is_said_once(capsys):
    one = analysis.Remark(
        "r", "warning", "a.c", 1, "f", 1, "a title", "m", "task: now", "work item: later",
        "f -> put", "f -> work -> put", "1" * 16,
    )  # fmt: skip
    other = msgspec.structs.replace(one, function="g", before_way="g -> put", fingerprint="2" * 16)
    hook_run._say_remarks("sendemail-validate", [one, other])
    lines = capsys.readouterr().err.splitlines()
    assert [line.strip() for line in lines].count("before: task: now") == 1
    assert lines[2:6] == [
        "    before: task: now",
        "            f -> put",
        "    after:  work item: later",
        "            f -> work -> put",
    ]
    assert "    before: g -> put" in lines


def test_what_stops_nothing_is_said_once_in_a_send(repo, smtp):
    repo.patchlint("hook", "install", "--fail-on", "never")
    for _ in range(2):
        _, err = send(repo, *to(smtp), *repo.patches())
        assert err.count("[mount-put-deferred]") == 1
    assert len(smtp.mails) == 6


def test_what_is_accepted_is_said_once_in_a_send(repo, smtp):
    repo.patchlint("hook", "install")
    _, err = send(repo, *to(smtp), *repo.patches(), status=None)
    known = err.partition("fingerprint: ")[2].split()[0]
    repo.patchlint("config", "accept", known, "--reason", "it waits")
    _, err = send(repo, *to(smtp), *repo.patches())
    assert err.count("patchlint: accepted: ") == 1
    assert f"accepted: {known} [mount-put-deferred] drop_tree(): it waits (" in err


def test_the_line_for_reviewers_is_one_that_the_check_reads(repo, smtp):
    repo.patchlint("hook", "install")
    files = repo.patches()
    _, err = send(repo, *to(smtp), *files, status=None)
    line = next(line for line in err.splitlines() if "patchlint-ok:" in line).strip()
    text = files[1].read_text().replace("\n---\n", f"\n---\n{line}\n\n", 1)
    files[1].write_text(text.replace("REASON", "the caller waits"))
    _, err = send(repo, *to(smtp), *files, status=None)
    assert "    the author says: the caller waits\n" in err
    assert "git config patchlint.authorReasons accept" in err
    assert smtp.mails == []
    repo.git("config", "patchlint.authorReasons", "accept")
    send(repo, *to(smtp), *files)
    assert len(smtp.mails) == 3


# --- what no filter of words may hold back


@pytest.fixture
def hook(repo):
    """Runs the send hook on a file; status and what it said."""

    def run(path, status):
        return repo.patchlint("hook", "run", "sendemail-validate", path, status=status)[1]

    return run


def test_a_patch_in_colours_is_checked(repo, hook):
    (path,) = repo.patches("--color=always", revisions=LONE)
    assert "[mount-put-deferred]" in hook(path, 1)


def test_c_that_a_patch_gives_as_bytes_is_told(repo, hook):
    (repo.repo / ".gitattributes").write_text("*.c -diff\n")
    (path,) = repo.patches("--binary", revisions=LONE)
    assert "GIT binary patch" in path.read_text()
    assert "given as a binary one" in hook(path, 2)


def test_a_patch_that_is_cut_short_before_a_word_is_told(repo, hook):
    (path,) = repo.patches(revisions=CLEAN)
    text = path.read_text()
    path.write_text(text[: text.index("@@ ")])
    assert "it is not read" in hook(path, None) or "cut short" in hook(path, None)


def test_several_patches_in_one_file_are_all_checked(repo, hook):
    files = repo.patches()
    one = repo.root / "0001-all.patch"
    one.write_bytes(b"".join(file.read_bytes() + b"\n" for file in files))
    assert "[mount-put-deferred]" in hook(one, 1)
    assert hook(files[0], 0) == ""
