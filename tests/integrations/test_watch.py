from __future__ import annotations

import contextlib
import email
import os
import re
import shutil
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from email.policy import default
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace

import liblore
import pytest
from liblore.utils import get_strict_thread, parse_message, split_mbox
from loopback import free_port, running

from patchlint.archive.store import Store
from patchlint.integrations import config, watch, watch_sources, watch_state
from patchlint.model.finding import PatchRef, Report, SeriesRef
from patchlint.model.mail import Patch, Series
from patchlint.model.problem import InputError
from patchlint.run import Options

LIST = "list@example.org"


class Watcher:
    """A Maildir that mails are delivered to, and the watcher on it."""

    def __init__(self, repo):
        self.repo = repo
        self.source = repo.root / "in"
        self.drafts = repo.root / "drafts"
        self.state = repo.root / "state.db"
        self.count = 0
        self.made = 0
        for part in ("cur", "new", "tmp"):
            (self.source / part).mkdir(parents=True)

    def mails(self, *options, revisions="master..topic", name="mails"):
        place = self.repo.root / name
        shutil.rmtree(place, ignore_errors=True)
        files = self.repo.patches("--thread=shallow", *options, revisions=revisions, name=name)
        self.made += 1
        # git makes a message-id of the commit and the second: two sets within one second
        # would be the same mails
        mark = rb"\1: <%d." % self.made
        return [
            re.sub(
                rb"(?mi)^(message-id|in-reply-to|references): <",
                mark,
                b"".join(f.read_bytes().partition(b"\n")[2:]),
            )
            for f in files
        ]

    def deliver(self, *mails):
        for mail in mails:
            self.count += 1
            (self.source / "new" / f"{self.count:06}.x").write_bytes(mail)

    def look(self, *options, settle=900, status=0, source=None, env=None):
        return self.repo.patchlint(
            "watch", source or self.source, "--state", self.state, "--drafts", self.drafts,
            "--once", "--settle", str(settle), *options, status=status, env=env,
        )  # fmt: skip

    def drafted(self):
        files = sorted((self.drafts / "new").iterdir()) if self.drafts.exists() else []
        return [email.message_from_bytes(f.read_bytes(), policy=default) for f in files]


@pytest.fixture
def watcher(repo):
    return Watcher(repo)


def ids(mails):
    return [email.message_from_bytes(m, policy=default)["Message-Id"] for m in mails]


# --- what is drafted


def test_a_complete_series_has_one_draft_to_its_author(watcher):
    mails = watcher.mails("--cover-letter")
    watcher.deliver(*mails)
    watcher.look()
    [draft] = watcher.drafted()
    assert draft["In-Reply-To"] == ids(mails)[2]
    assert draft["References"].split()[0] == ids(mails)[0]
    assert draft["To"] == "Ada Author <ada@example.org>"
    assert draft["Cc"] is None
    assert draft["Message-ID"].endswith("@example.org>")
    assert draft["Auto-Submitted"] == "auto-generated"
    assert draft["X-Patchwork-Hint"] == "ignore"
    assert draft["Subject"].startswith("Re: [PATCH 2/3]")
    assert "\n> +" in draft.get_content()


def test_the_draft_belongs_to_the_thread_for_liblore(watcher):
    mails = watcher.mails("--cover-letter")
    watcher.deliver(*mails)
    watcher.look()
    [file] = (watcher.drafts / "new").iterdir()
    parsed = [parse_message(mail) for mail in (*mails, file.read_bytes())]
    thread = get_strict_thread(parsed, ids(mails)[0].strip("<>"))
    assert len(thread) == len(mails) + 1
    assert liblore.__name__ == "liblore"


def test_nothing_is_drafted_when_there_is_nothing_to_say(watcher):
    watcher.deliver(*watcher.mails(revisions="topic~3..topic~2"))
    watcher.look()
    assert watcher.drafted() == []


def test_a_series_whose_check_failed_is_not_told_as_clean(monkeypatch):
    failed = InputError("list", "[PATCH] x: the graph stage failed: IndexError: gone")
    report = Report("1", (), (), (), (failed,))
    monkeypatch.setattr(watch, "check_series", lambda *_arguments: report)
    diff = "+\tqueue_work(system_wq, &x->work);\n-\tmntput(x->mnt);\n"
    patch = Patch(1, "a@example.org", None, "[PATCH] x", "A", None, "", diff, "list")
    series = Series("[PATCH] x", 1, (patch,), 1, ())
    plan = SimpleNamespace(options=Options(no_tree=True))
    verdict = watch._judge(series, plan, None, config.load_settings({}), None)
    assert verdict[:2] == (None, f"not checked: {failed.message}")
    assert not verdict.found.marks
    assert not verdict.whole


def test_a_series_that_was_checked_in_part_is_not_told_as_clean(monkeypatch):
    diff = "+\tqueue_work(system_wq, &x->work);\n-\tmntput(x->mnt);\n"
    patch = Patch(1, "a@example.org", None, "[PATCH] x", "A", None, "", diff, "list")
    series = Series("[PATCH] x", 1, (patch,), 1, ())
    listed = SeriesRef(
        "[PATCH] x", 1, None, None, 1, (), (PatchRef(1, None, None, "x", ()),), "hunks", None
    )
    other = InputError("list", "[PATCH 2/2] y: its diff cannot be read")
    report = Report("1", (listed,), (), (), (other,))
    monkeypatch.setattr(watch, "check_series", lambda *_arguments: report)
    plan = SimpleNamespace(options=Options(no_tree=True))
    verdict = watch._judge(series, plan, None, config.load_settings({}), None)
    assert verdict[:2] == (None, "no finding in what could be checked")
    assert not verdict.whole


def test_a_second_look_and_a_second_copy_change_nothing(watcher):
    mails = watcher.mails()
    watcher.deliver(*mails)
    watcher.look()
    watcher.deliver(*mails)
    out, _ = watcher.look()
    assert out == ""
    assert len(watcher.drafted()) == 1


@pytest.mark.parametrize("harmless_first", [True, False])
def test_another_patch_under_the_same_message_id_hides_none(watcher, harmless_first):
    """Whoever sends a harmless patch under the id of another one takes nothing away."""
    (bad,) = watcher.mails("-1", revisions="topic~1")
    harmless = re.sub(rb"(?m)^\+(?!\+)[^\n]*$", b"+\t/* nothing */", bad)
    assert harmless != bad
    for mail in (harmless, bad) if harmless_first else (bad, harmless):
        watcher.deliver(mail)
        watcher.look()
    watcher.deliver(bad, harmless)
    watcher.look()
    assert len(watcher.drafted()) == 1


def test_a_draft_that_was_read_or_thrown_away_does_not_come_back(watcher):
    watcher.deliver(*watcher.mails())
    watcher.look()
    [file] = (watcher.drafts / "new").iterdir()
    file.unlink()
    watcher.deliver(*watcher.mails("-v2"))
    watcher.look()
    assert watcher.drafted() == []


def test_a_later_version_with_the_same_finding_has_no_draft(watcher):
    watcher.deliver(*watcher.mails())
    watcher.look()
    watcher.deliver(*watcher.mails("-v2", "--cover-letter"))
    out, _ = watcher.look()
    assert "told before" in out
    assert len(watcher.drafted()) == 1


@pytest.mark.parametrize("worker", [b"drop_tree_work", b"tree_reaper"])
def test_a_later_version_whose_worker_has_another_name_has_no_draft(watcher, worker):
    lone = {"revisions": "topic~2..topic~1"}
    watcher.deliver(*watcher.mails(**lone))
    watcher.look()
    for version in ("-v2", "-v3"):
        (mail,) = watcher.mails(version, **lone)
        watcher.deliver(mail.replace(b"drop_tree_work", worker))
        out, _ = watcher.look()
        assert "told before" in out
        assert "mended" not in out
    (mail,) = watcher.mails("-v4", **lone)
    watcher.deliver(re.sub(rb"(?m)^\+(?!\+)[^\n]*$", b"+\t/* nothing */", mail))
    out, _ = watcher.look()
    assert out.count("mended: mount-put-deferred in drop_tree()") == 1
    assert len(watcher.drafted()) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [(rb"fs/mounts\.c", b"fs/trees.c"), (rb"\bdrop_tree\b", b"release_tree")],
    ids=["file", "function"],
)
def test_a_later_version_whose_file_or_function_has_another_name(watcher, old, new):
    lone = {"revisions": "topic~2..topic~1"}
    watcher.deliver(*watcher.mails(**lone))
    watcher.look()
    for version in ("-v2", "-v3"):
        (mail,) = watcher.mails(version, **lone)
        watcher.deliver(re.sub(old, new, mail))
        out, _ = watcher.look()
        assert "told before" in out
        assert "mended" not in out
    assert len(watcher.drafted()) == 1


def test_a_function_of_the_same_name_in_another_file_is_another_one(watcher):
    lone = {"revisions": "topic~2..topic~1"}
    watcher.deliver(*watcher.mails(**lone))
    watcher.look()
    (mail,) = watcher.mails("-v2", **lone)
    first = re.sub(rb"(?m)^\+(?!\+)[^\n]*$", b"+\t/* nothing */", mail)
    second = re.sub(rb"(?i)(message-id: )(<)(.*)", rb"\1<b\3\nIn-Reply-To: \2\3", mail)
    second = second.replace(b"fs/mounts.c", b"fs/trees.c")
    watcher.deliver(
        first.replace(b"[PATCH v2]", b"[PATCH v2 1/2]"),
        second.replace(b"[PATCH v2]", b"[PATCH v2 2/2]"),
    )
    out, _ = watcher.look()
    assert "1 finding, drafted" in out
    assert "mended: mount-put-deferred in drop_tree()" in out
    assert len(watcher.drafted()) == 2


def test_a_state_without_marks_is_read_and_gets_them(watcher):
    lone = {"revisions": "topic~2..topic~1"}
    watcher.deliver(*watcher.mails(**lone))
    watcher.look()
    with contextlib.closing(sqlite3.connect(watcher.state)) as db:
        db.execute("ALTER TABLE story DROP COLUMN mark")
        db.commit()
    watcher.deliver(*watcher.mails("-v2", **lone))
    out, _ = watcher.look()
    assert "told before" in out
    (mail,) = watcher.mails("-v3", **lone)
    watcher.deliver(re.sub(rb"(?m)^\+(?!\+)[^\n]*$", b"+\t/* nothing */", mail))
    out, _ = watcher.look()
    assert out.count("mended: mount-put-deferred in drop_tree()") == 1


def test_a_resend_has_no_draft(watcher):
    watcher.deliver(*watcher.mails())
    watcher.look()
    watcher.deliver(*watcher.mails("--subject-prefix=PATCH RESEND"))
    watcher.look()
    assert len(watcher.drafted()) == 1


def test_the_same_finding_by_another_author_has_its_own_draft(watcher):
    mails = watcher.mails()
    watcher.deliver(*mails)
    watcher.look()
    other = [
        re.sub(rb"(?mi)^(message-id|in-reply-to|references): <", rb"\1: <other.", m)
        .replace(b"ada@example.org", b"bob@example.org")
        for m in mails
    ]  # fmt: skip
    watcher.deliver(*other)
    watcher.look()
    assert sorted(d["To"].addresses[0].addr_spec for d in watcher.drafted()) == [
        "ada@example.org",
        "bob@example.org",
    ]


def test_a_diff_in_a_reply_and_machine_mail_are_not_looked_at(watcher):
    [mail] = watcher.mails(revisions="topic~2..topic~1")
    watcher.deliver(
        mail.replace(b"Subject: [PATCH]", b"Subject: Re: [PATCH]").replace(
            b"\nDate:", b"\nIn-Reply-To: <a@example.org>\nDate:", 1
        ),
        re.sub(rb"(?i)message-id: <", b"Message-Id: <2.", mail).replace(
            b"\nDate:", b"\nAuto-Submitted: auto-generated\nDate:", 1
        ),
    )
    watcher.look()
    assert watcher.drafted() == []


def test_an_accepted_finding_has_no_draft(watcher):
    first = Watcher.__new__(Watcher)
    first.__dict__.update(watcher.__dict__)
    first.drafts, first.state = watcher.repo.root / "d1", watcher.repo.root / "s1.db"
    watcher.deliver(*watcher.mails())
    first.look()
    [draft] = first.drafted()
    fingerprint = draft["X-Patchlint-Findings"].partition(":")[2]
    watcher.repo.patchlint("config", "accept", fingerprint, "--reason", "agreed on the list")
    watcher.look()
    assert watcher.drafted() == []


# --- incomplete series, late patches


def test_an_incomplete_series_waits_and_is_checked_when_the_rest_comes(watcher):
    first, second, third = watcher.mails()
    watcher.deliver(third, second)
    out, _ = watcher.look()
    assert out == ""
    watcher.deliver(first)
    watcher.look()
    assert len(watcher.drafted()) == 1


def test_after_settling_it_is_checked_as_it_is_and_a_late_patch_makes_no_second_mail(watcher):
    first, second, third = watcher.mails()
    watcher.deliver(first, second)
    out, _ = watcher.look(settle=0)
    assert "drafted" in out
    watcher.deliver(third)
    out, _ = watcher.look()
    assert "drafted" not in out
    assert out.count("\n") == 1
    assert len(watcher.drafted()) == 1


def test_a_late_patch_that_brings_the_finding_has_its_mail(watcher):
    first, second, third = watcher.mails()
    watcher.deliver(first, third)
    out, _ = watcher.look(settle=0)
    assert "drafted" not in out
    watcher.deliver(second)
    watcher.look()
    assert len(watcher.drafted()) == 1


# --- restarts


@pytest.fixture
def parts(watcher):
    """The watcher's parts in this process, to be cut off at any point."""
    plan = watch.Plan(
        str(watcher.source), str(watcher.drafts), 900.0, send=False, cc=(), options=Options()
    )
    settings = config.load_settings(cwd=str(watcher.repo.root))
    with watch_state.State(str(watcher.state)) as state:
        yield plan, watch_sources.open_source(plan.source, 1000), state, settings


@pytest.mark.parametrize("name", ["_judge", "write_drafts", "_is_there"])
def test_a_restart_loses_and_repeats_nothing(watcher, parts, monkeypatch, name):
    watcher.deliver(*watcher.mails())
    with monkeypatch.context() as cut:
        cut.setattr(watch, name, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            watch.once(parts[0], *parts[1:])
    watch.once(parts[0], *parts[1:])
    watch.once(parts[0], *parts[1:])
    assert len(watcher.drafted()) == 1


def test_a_cut_after_the_draft_was_written_does_not_write_it_twice(watcher, parts, monkeypatch):
    watcher.deliver(*watcher.mails())
    state = parts[2]
    with monkeypatch.context() as cut:
        cut.setattr(state, "set_draft", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            watch.once(parts[0], *parts[1:])
    [file] = (watcher.drafts / "new").iterdir()
    file.rename(watcher.drafts / "cur" / f"{file.name}:2,S")
    watch.once(parts[0], *parts[1:])
    assert watcher.drafted() == []
    assert len(list((watcher.drafts / "cur").iterdir())) == 1


def test_a_state_of_another_schema_is_refused(watcher):
    with watch_state.State(str(watcher.state)) as state:
        state._db.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    _, err = watcher.look(status=2)
    assert "schema 99" in err


@pytest.mark.parametrize("form", ["something else", "a scan", "text", "folder"])
def test_a_file_of_something_else_is_refused_as_it_is(watcher, form):
    if form == "something else":
        with contextlib.closing(sqlite3.connect(watcher.state)) as db:
            db.execute("CREATE TABLE meta (x)")
            db.commit()
    elif form == "a scan":
        with Store(str(watcher.state)):
            pass
    elif form == "text":
        watcher.state.write_text("my notes\n" * 100)
    else:
        watcher.state.mkdir()
    before = None if form == "folder" else watcher.state.read_bytes()
    watcher.deliver(*watcher.mails())
    _, err = watcher.look(status=2)
    assert str(watcher.state) in err
    assert "could not finish" not in err
    assert before is None or watcher.state.read_bytes() == before


def test_an_empty_file_becomes_a_state(watcher):
    watcher.state.touch()
    watcher.deliver(*watcher.mails())
    watcher.look()
    assert len(watcher.drafted()) == 1


# --- sending


@pytest.fixture
def mail_settings(repo, smtp):
    repo.git("config", "--global", "sendemail.smtpServer", "127.0.0.1")
    repo.git("config", "--global", "sendemail.smtpServerPort", str(smtp.port))
    return smtp


def test_nothing_is_sent_by_default(watcher, mail_settings):
    watcher.deliver(*watcher.mails())
    watcher.look()
    assert mail_settings.mails == []


def test_send_goes_to_the_author_alone_and_once(watcher, mail_settings):
    mails = watcher.mails("--cover-letter", f"--to={LIST}")
    watcher.deliver(*mails)
    watcher.look("--send")
    watcher.look("--send")
    assert mail_settings.recipients == [["ada@example.org"]]
    sent = email.message_from_bytes(mail_settings.mails[0], policy=default)
    assert sent["From"].addresses[0].addr_spec == "ada@example.org"
    assert sent["In-Reply-To"] == ids(mails)[2]
    assert sent["References"].split()[0] == ids(mails)[0]
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["X-Patchwork-Hint"] == "ignore"
    assert sent["Message-Id"] == watcher.drafted()[0]["Message-Id"]


def test_send_copies_whom_the_user_names(watcher, mail_settings):
    watcher.deliver(*watcher.mails())
    watcher.look("--send", "--cc", LIST)
    assert sorted(mail_settings.recipients[0]) == ["ada@example.org", LIST]


def test_a_server_that_is_down_is_told_and_tried_again(watcher, mail_settings):
    watcher.deliver(*watcher.mails())
    watcher.repo.git("config", "--global", "sendemail.smtpServerPort", str(free_port()))
    _, err = watcher.look("--send")
    assert "not sent" in err
    watcher.repo.git("config", "--global", "sendemail.smtpServerPort", str(mail_settings.port))
    watcher.look("--send")
    assert len(mail_settings.mails) == 1


def test_a_mail_that_may_have_gone_out_is_not_sent_again(watcher, mail_settings):
    watcher.deliver(*watcher.mails())
    watcher.look()
    with watch_state.State(str(watcher.state)) as state:
        [draft] = state.drafts("drafted")
        state.set_draft(draft.name, "sending")
    _, err = watcher.look("--send")
    assert "may have been sent" in err
    assert mail_settings.mails == []


# --- public-inbox


def make_epoch(repo, path):
    repo.git("init", "-q", "--bare", str(path))
    return path


def archive(repo, epoch, *mails):
    """Commit mails as public-inbox does: one each, in a file called m."""
    git = ["git", f"--git-dir={epoch}"]
    for mail in mails:
        blob = subprocess.run(
            [*git, "hash-object", "-w", "--stdin"], input=mail, capture_output=True, check=True
        ).stdout.strip()
        tree = subprocess.run(
            [*git, "mktree"],
            input=b"100644 blob " + blob + b"\tm\n",
            capture_output=True,
            check=True,
        ).stdout.strip()
        head = subprocess.run(
            [*git, "rev-parse", "-q", "--verify", "HEAD"], capture_output=True, check=False
        ).stdout.strip()
        parent = [b"-p", head] if head else []
        commit = subprocess.run(
            [*git, "commit-tree", tree, *parent, "-m", "mail"], capture_output=True, check=True
        ).stdout.strip()
        repo.call(*git, "update-ref", "HEAD", commit.decode())


def test_an_epoch_is_fetched_and_followed(watcher):
    origin = make_epoch(watcher.repo, watcher.repo.root / "origin.git")
    first, second, third = watcher.mails()
    archive(watcher.repo, origin, first)
    inbox = watcher.repo.root / "inbox"
    watcher.repo.git("clone", "-q", "--mirror", str(origin), str(inbox / "git/0.git"))
    watcher.look(source=inbox)
    archive(watcher.repo, origin, second, third)
    watcher.look(source=inbox)
    watcher.look(source=inbox)
    assert len(watcher.drafted()) == 1


def test_a_new_epoch_and_a_rewritten_one_lose_and_repeat_nothing(watcher):
    inbox = watcher.repo.root / "inbox"
    first, second, third = watcher.mails()
    epoch = make_epoch(watcher.repo, inbox / "git/0.git")
    archive(watcher.repo, epoch, first, second)
    watcher.look(source=inbox)
    shutil.rmtree(epoch)
    make_epoch(watcher.repo, epoch)
    archive(watcher.repo, epoch, second)
    archive(watcher.repo, make_epoch(watcher.repo, inbox / "git/1.git"), third)
    watcher.look(source=inbox)
    assert len(watcher.drafted()) == 1


def lose(epoch, commit):
    """Take the mail of a commit out of an epoch; what puts it back comes back."""
    git = ["git", "-C", str(epoch), "rev-parse", f"{commit}:m"]
    blob = subprocess.run(git, capture_output=True, check=True, text=True).stdout.strip()
    place = epoch / "objects" / blob[:2] / blob[2:]
    data = place.read_bytes()
    place.unlink()
    return lambda: place.write_bytes(data)


def test_a_mail_that_an_epoch_does_not_have_is_asked_for_again(watcher):
    epoch = make_epoch(watcher.repo, watcher.repo.root / "inbox" / "git/0.git")
    inbox = epoch.parent.parent
    archive(watcher.repo, epoch, *watcher.mails())
    put_back = lose(epoch, "HEAD~1")
    name = subprocess.run(
        ["git", "-C", str(epoch), "rev-parse", "HEAD~1"], capture_output=True, check=True, text=True
    ).stdout[:12]
    for _ in range(2):
        _, err = watcher.look(source=inbox, status=2)
        assert f"1 mail (0.git {name})" in err
    other = watcher.mails(revisions="topic~2..topic~1", name="other")
    archive(watcher.repo, epoch, *other)
    out, _ = watcher.look(source=inbox, settle=0, status=2)
    assert "draft: " in out
    told = len(watcher.drafted())
    put_back()
    watcher.look(source=inbox, settle=0)
    assert len(watcher.drafted()) >= told
    with watch_state.State(str(watcher.state)) as state:
        assert state._db.execute("SELECT count(*) FROM mail").fetchone()[0] == 3 + len(other)


def test_a_damaged_mail_stops_no_other(watcher):
    epoch = make_epoch(watcher.repo, watcher.repo.root / "inbox" / "git/0.git")
    archive(watcher.repo, epoch, *watcher.mails())
    put_back = lose(epoch, "HEAD~2")
    put_back()
    git = ["git", "-C", str(epoch), "rev-parse", "HEAD~2:m"]
    blob = subprocess.run(git, capture_output=True, check=True, text=True).stdout.strip()
    place = epoch / "objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:40])
    _, err = watcher.look(source=epoch.parent.parent, settle=0, status=2)
    assert "1 mail (0.git " in err
    assert len(watcher.drafted()) == 1


def test_a_mirror_that_cannot_be_fetched_is_exit_status_2(watcher):
    inbox = watcher.repo.root / "inbox"
    origin = make_epoch(watcher.repo, watcher.repo.root / "origin.git")
    archive(watcher.repo, origin, *watcher.mails())
    watcher.repo.git("clone", "-q", "--mirror", str(origin), str(inbox / "git/0.git"))
    shutil.rmtree(origin)
    _, err = watcher.look(source=inbox, status=2)
    assert "fetch" in err


HOOKS = ("reference-transaction", "post-update", "pre-auto-gc")
TRAPS = {
    "hooks": {},
    "hooksPath": {"core.hooksPath": "{trap}/.."},
    "ssh": {"core.sshCommand": "{trap}", "remote.origin.url": "ssh://nowhere.invalid/x"},
    "proxy": {"core.gitProxy": "{trap}", "remote.origin.url": "git://nowhere.invalid/x"},
    "upload": {"remote.origin.uploadpack": "{trap}"},
    "helper": {"remote.origin.vcs": "ext", "protocol.ext.allow": "always"},
    "ext": {"remote.origin.url": "ext::{trap}", "protocol.ext.allow": "always"},
    "alternates": {"core.alternateRefsCommand": "{trap}"},
    "gc": {"gc.auto": "1", "gc.autoDetach": "false", "gc.recentObjectsHook": "{trap}"},
}


@pytest.mark.parametrize("name", list(TRAPS))
def test_a_fetch_runs_nothing_that_the_mirror_configures(watcher, name):
    origin = make_epoch(watcher.repo, watcher.repo.root / "origin.git")
    first, *others = watcher.mails()
    archive(watcher.repo, origin, first)
    inbox = watcher.repo.root / "inbox"
    epoch = inbox / "git/0.git"
    watcher.repo.git("clone", "-q", "--mirror", str(origin), str(epoch))
    watcher.look(source=inbox)
    archive(watcher.repo, origin, *others)
    trap = watcher.repo.root / "traps" / "trap"
    trap.parent.mkdir()
    for place in (
        trap,
        *(folder / hook for folder in (trap.parent, epoch / "hooks") for hook in HOOKS),
    ):
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\necho ran >> {watcher.repo.root}/sprung\n")
        place.chmod(0o755)
    if name == "alternates":
        (epoch / "objects/info").mkdir(exist_ok=True)
        (epoch / "objects/info/alternates").write_text(f"{origin}/objects\n")
    for key, value in TRAPS[name].items():
        watcher.repo.git("-C", str(epoch), "config", key, value.format(trap=trap))
    reachable = "url" not in " ".join(TRAPS[name])
    watcher.look(source=inbox, status=0 if reachable else 2)
    assert len(watcher.drafted()) == int(reachable)
    assert not (watcher.repo.root / "sprung").exists()


def test_a_mirror_without_its_whole_history_is_fetched(watcher):
    origin = make_epoch(watcher.repo, watcher.repo.root / "origin.git")
    first, second, third = watcher.mails()
    archive(watcher.repo, origin, first, second)
    epoch = watcher.repo.root / "inbox" / "git/0.git"
    watcher.repo.git("clone", "-q", "--mirror", "--depth=1", f"file://{origin}", str(epoch))
    archive(watcher.repo, origin, third)
    watch_sources._fetch(epoch)
    heads = [watcher.repo.git("-C", str(one), "rev-parse", "HEAD") for one in (origin, epoch)]
    assert heads[0] == heads[1]
    assert (epoch / "shallow").exists()


def test_what_is_no_source_is_said(watcher):
    _, err = watcher.look(source=watcher.repo.root, status=2)
    assert "no Maildir" in err


# --- an archive on the web


class Archive(BaseHTTPRequestHandler):
    """Answers a search as public-inbox does, where public-inbox is not installed."""

    mails = ()
    instead = None
    asked = ()

    def do_POST(self):
        import gzip

        rows = (b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + m + b"\n" for m in self.mails)
        data = gzip.compress(b"".join(rows)) if self.mails else b"No results found\n"
        status, data = self.instead or (200 if self.mails else 404, data)
        self.asked.append(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


@contextmanager
def small_archive(_repo, mails, instead=None, asked=None, port=0):
    told = {"mails": mails, "instead": instead, "asked": [] if asked is None else asked}
    handler = type("Filled", (Archive,), told)
    with running(handler, port) as server:
        yield f"{server.url}/list"


@contextmanager
def public_inbox(repo, mails):
    """The real server, with the mails delivered to its inbox."""
    place, port = repo.root / "pi", free_port()
    env = {
        **os.environ,
        "PI_CONFIG": str(repo.root / "pi-config"),
        "ORIGINAL_RECIPIENT": LIST,
        "TMPDIR": str(repo.root),
    }
    url = f"http://127.0.0.1:{port}/list"

    def run(*argv, stdin=b""):
        subprocess.run(argv, input=stdin, env=env, check=True, capture_output=True, timeout=120)

    run("public-inbox-init", "-V2", "list", place, url, LIST)
    run("git", "config", "-f", env["PI_CONFIG"], "publicinboxmda.spamcheck", "none")
    for mail in mails:
        run("public-inbox-mda", "--no-precheck", stdin=mail)
    run("public-inbox-index", place)
    with (repo.root / "httpd.log").open("wb") as log:
        server = subprocess.Popen(
            ["public-inbox-httpd", "-W0", "-l", f"127.0.0.1:{port}"],
            env=env,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def wait_for(url):
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{url}/", timeout=5):  # noqa: S310 - our own server
                return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


serve = public_inbox if shutil.which("public-inbox-httpd") else small_archive


def test_an_archive_on_the_web_is_followed(watcher):
    mails = [
        m.replace(b"\nDate:", b"\nTo: " + LIST.encode() + b"\nDate:", 1)
        for m in watcher.mails("--cover-letter")
    ]
    with serve(watcher.repo, mails) as url:
        watcher.look(source=url)
        assert len(watcher.drafted()) == 1
        out, _ = watcher.look(source=url)
        assert out == ""
    [draft] = watcher.drafted()
    assert draft["In-Reply-To"] == ids(mails)[2]


def test_an_archive_with_nothing_new_and_one_that_is_gone(watcher):
    with small_archive(watcher.repo, []) as url:
        assert watcher.look(source=url) == ("", "")
    _, err = watcher.look(source=url, status=2)
    assert "patchlint: http://127.0.0.1" in err


PAGE = b"<!DOCTYPE html>\n<html><head><title>Are you a robot?</title></head></html>\n"


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (200, PAGE, "the answer is no mbox"),
        (404, PAGE, "404 Not Found"),
        (200, b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 30, "list"),
    ],
    ids=["page", "no such list", "damaged"],
)
def test_an_answer_that_is_no_mbox_is_a_failure_and_asked_for_again(watcher, status, answer, said):
    with small_archive(watcher.repo, []) as url:
        watcher.look(source=url)  # takes a position
    with contextlib.closing(sqlite3.connect(watcher.state)) as state, state:
        state.execute("UPDATE meta SET value = '1000000000' WHERE key LIKE 'position %'")
    port = int(url.rpartition(":")[2].partition("/")[0])
    asked = []
    with small_archive(watcher.repo, [], (status, answer), asked, port=port) as url:
        for _ in range(2):
            out, err = watcher.look(source=url, status=2)
            assert (out, err.count("\n")) == ("", 1)
            assert said in err
    assert [re.search(r"rt:(\d+)", path)[1] for path in asked] == ["999996400"] * 2


def test_mails_of_the_archive_split_as_liblore_splits_them(watcher):
    mails = watcher.mails("--cover-letter")
    with small_archive(watcher.repo, mails) as url:
        data = watch_sources._posted(f"{url}/?x=m&q=rt:0..")
        poll = list(watch_sources.WebArchive(url, 1).poll(""))
    ours = [parse_message(raw.data)["Message-Id"] for _, raw in poll if raw.data]
    theirs = [parse_message(bytes(one))["Message-Id"] for one in split_mbox(data)]
    assert ours == theirs == ids(mails)
