"""What a reader accepts: by hand, by a baseline, or because they heed the author."""

from __future__ import annotations

import json
import re

import pytest

SAYS = "patchlint-ok: mount-put-deferred drop_tree -- the caller flushes"


@pytest.fixture
def said(repo):
    """The series as mails whose author gives a reason."""
    files = repo.patches()
    text = files[1].read_text()
    files[1].write_text(text.replace("\n---\n", f"\n---\n{SAYS}\n\n", 1))
    return files


def check(repo, *what, status=0, env=None):
    out, err = repo.patchlint("check", "--tree", ".", *what, status=status, env=env)
    return out, err


def fingerprint(repo):
    out, _ = check(repo, "--format", "json", "master..topic", status=1)
    [finding] = json.loads(out)["findings"]
    return finding["fingerprint"]


def test_an_accepted_finding_is_told_with_its_reason(repo):
    known = fingerprint(repo)
    repo.patchlint("config", "accept", known, "--reason", "the caller waits")
    out, _ = check(repo, "master..topic")
    assert "fs/mounts.c:23: accepted: mntput() in drop_tree(): the caller waits (" in out
    assert "findings are accepted by the repository: git (local)" in out
    assert "no findings in 3 patches of topic (master..topic); 1 accepted\n" in out
    assert "accepted by the repository" in check(repo, "--verbose", "master..topic")[0]
    told = json.loads(check(repo, "--format", "json", "master..topic")[0])
    assert told["findings"] == []
    assert [(one["fingerprint"], one["reason"]) for one in told["accepted"]] == [
        (known, "the caller waits")
    ]


def test_what_the_author_says_is_shown_and_silences_nothing(repo, said):
    out, _ = check(repo, *said, status=1)
    assert "  author   says: the caller flushes\n" in out
    assert re.search(r"\n1 finding \(1 (error|warning)\) in 1 of 3 patches\n$", out)


def test_it_silences_where_the_reader_says_so(repo, said):
    heeds = {"PATCHLINT_AUTHOR_REASONS": "accept"}
    out, _ = check(repo, *said, env=heeds)
    assert "the caller flushes (the author, in the mail)" in out
    repo.git("config", "patchlint.authorReasons", "accept")
    here = check(repo, *said)[0]
    said = [one for one in here.splitlines() if "set by the repository" not in one]
    assert said == out.splitlines()
    assert len(here.splitlines()) == len(said) + 1


def test_a_tracked_file_or_the_mail_never_says_so(repo, said):
    (repo.repo / "patchlint.toml").write_text('author-reasons = "accept"\n')
    text = said[0].read_text().replace("\n---\n", "\n---\nauthor-reasons: accept\n\n", 1)
    said[0].write_text(text)
    check(repo, *said, status=1)


def test_git_drops_the_reason_when_it_applies_the_patch(repo, said):
    repo.git("checkout", "-q", "master")
    repo.git("am", "-q", *said)
    assert "patchlint-ok" not in repo.git("log", "--format=%B")


def test_a_baseline_holds_what_is_known(repo):
    known = repo.root / "known.json"
    _, err = check(repo, "--baseline", known, "master..topic", status=2)
    assert "No such file or directory (--write-baseline makes it)" in err
    _, err = check(repo, "--write-baseline", "--baseline", known, "master..topic")
    assert err == f"patchlint: {known} holds 1 known finding\n"
    out, _ = check(repo, "--baseline", known, "master..topic")
    assert out.endswith("; 1 in the baseline\n")
    [entry] = json.loads(known.read_text())["findings"]
    assert entry["function"] == "drop_tree"
    assert "line" not in entry


def test_a_baseline_grows_and_keeps_its_reasons(repo):
    known = repo.root / "known.json"
    check(repo, "--write-baseline", "--baseline", known, "master..topic")
    held = json.loads(known.read_text())
    held["findings"][0]["reason"] = "judged in May"
    held["findings"].append({"fingerprint": "0" * 16})
    known.write_text(json.dumps(held))
    check(repo, "--write-baseline", "--baseline", known, "master..topic")
    entries = json.loads(known.read_text())["findings"]
    assert len(entries) == 2
    assert any(entry.get("reason") == "judged in May" for entry in entries)
    out, _ = check(repo, "--verbose", "--baseline", known, "master..topic")
    assert f"judged in May (baseline {known})" in out


def test_a_baseline_of_the_configuration_counts_in_the_hook_too(repo, smtp):
    known = repo.root / "known.json"
    check(repo, "--write-baseline", "--baseline", known, "master..topic")
    repo.git("config", "patchlint.baseline", known)
    repo.patchlint("hook", "install")
    repo.git("config", "sendemail.smtpServer", "127.0.0.1")
    repo.git("config", "sendemail.smtpServerPort", str(smtp.port))
    repo.git("send-email", "--quiet", "--confirm=never", "--to=l@example.org", *repo.patches())
    assert len(smtp.mails) == 3


@pytest.mark.parametrize(
    "text", ["", "[]", '{"findings": []}', '{"schema": "patchlint-baseline/1"}']
)
def test_a_file_that_is_no_baseline_is_neither_read_nor_overwritten(repo, text):
    known = repo.root / "known.json"
    known.write_text(text)
    _, err = check(repo, "--baseline", known, "master..topic", status=2)
    assert "is no baseline" in err
    _, err = check(repo, "--write-baseline", "--baseline", known, "master..topic", status=2)
    assert "is no baseline" in err
    assert known.read_text() == text


def test_writing_needs_a_name(repo):
    _, err = check(repo, "--write-baseline", "master..topic", status=2)
    assert err == "patchlint: --write-baseline needs --baseline FILE\n"


def test_a_reason_that_fits_nothing_is_a_note(repo, said):
    text = said[1].read_text().replace("drop_tree -- the", "drop_wood -- the")
    said[1].write_text(text)
    out, _ = check(repo, *said, status=1)
    assert "note: patch 2: the author gives a reason for mount-put-deferred in drop_wood()," in out


@pytest.mark.parametrize("device", ["/dev/full", "/dev/zero"])
def test_a_device_is_no_baseline_and_is_not_read(repo, device):
    for options in (("--write-baseline",), ()):
        _, err = check(repo, *options, "--baseline", device, "master..topic", status=2)
        assert f"{device}: is " in err
