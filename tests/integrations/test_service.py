"""Several lists and projects from one file, as a systemd unit runs them."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from integration_kit import PROGRAM
from test_patchwork_checks import API, TOKEN, serving, states
from test_watch import Watcher

from patchlint.integrations import service
from patchlint.integrations.config import ConfigError

RECIPES = Path(__file__).parents[2] / "recipes/systemd"


@pytest.fixture
def watcher(repo):
    return Watcher(repo)


def configured(repo, text, **values):
    path = repo.root / "watch.toml"
    head = f'state = "{repo.root}/state"\ndrafts = "{repo.root}/drafts"\n'
    path.write_text(head + text.format(root=repo.root, **values))
    return path


def look(repo, path, status=0, env=None):
    return repo.patchlint("watch", "--once", "--config", path, status=status, env=env)


ONE = '[[list]]\nname = "fs"\nsource = "{root}/in"\n'


# --- lists


def test_each_list_has_a_state_and_drafts_of_its_own(repo, watcher):
    watcher.deliver(*watcher.mails())
    path = configured(
        repo,
        ONE + ONE.replace('"fs"', '"quiet"') + 'not-rule = ["mount-put-deferred"]\n',
    )
    out, err = look(repo, path)
    assert err == ""
    assert sorted(one.name for one in (repo.root / "state").iterdir()) == ["fs.db", "quiet.db"]
    assert len(list((repo.root / "drafts/fs/new").iterdir())) == 1
    assert list((repo.root / "drafts/quiet/new").iterdir()) == []
    assert "fs: draft: " in out
    assert re.search(
        r"\nhealth: 2 of 2 well, 2 checked, 1 drafted, 0 sent, 0 posted, [\d.]+ s\n$", out
    )


def test_nothing_is_sent_unless_the_entry_says_so(repo, watcher, smtp):
    repo.git("config", "--global", "sendemail.smtpServer", "127.0.0.1")
    repo.git("config", "--global", "sendemail.smtpServerPort", str(smtp.port))
    watcher.deliver(*watcher.mails())
    look(repo, configured(repo, ONE))
    assert smtp.mails == []
    out, _ = look(repo, configured(repo, ONE + 'send = true\ncc = ["lint@example.org"]\n'))
    assert "fs: sent: " in out
    assert sorted(smtp.recipients[0]) == ["ada@example.org", "lint@example.org"]


def test_no_more_is_sent_in_a_day_than_the_entry_allows(repo, watcher, smtp):
    repo.git("config", "--global", "sendemail.smtpServer", "127.0.0.1")
    repo.git("config", "--global", "sendemail.smtpServerPort", str(smtp.port))
    watcher.deliver(*watcher.mails())
    _, err = look(repo, configured(repo, ONE + "send = true\nper-day = 0\n"))
    assert smtp.mails == []
    assert "0 mails in a day are enough" in err


def test_a_tree_that_is_not_there_is_told_in_plain_words(repo, watcher):
    watcher.deliver(*watcher.mails())
    lines = [one for one in ONE.splitlines() if not one.startswith("tree")]
    lines.append('tree = "/nowhere/linux"\n')
    out, _err = look(repo, configured(repo, "\n".join(lines)), status=2)
    assert "/nowhere/linux: no such folder" in out
    assert "TreeError" not in out


def test_one_list_that_fails_stops_no_other(repo, watcher):
    watcher.deliver(*watcher.mails())
    path = configured(repo, '[[list]]\nname = "gone"\nsource = "{root}/gone"\n' + ONE)
    out, err = look(repo, path, status=2)
    assert "gone: failed: " in out
    assert "is no Maildir" in out
    assert "fs: draft: " in out
    assert "health: 1 of 2 well" in out
    assert "Traceback" not in err


def test_a_tree_is_indexed_first_and_only_when_it_changed(repo, watcher):
    watcher.deliver(*watcher.mails())
    path = configured(repo, ONE + 'tree = "{root}/linux"\nindex = true\n')
    assert re.search(r"^fs: index: \d+ files, \d+ read$", look(repo, path)[0], re.MULTILINE)
    assert "index" not in look(repo, path)[0]


def test_it_goes_on_where_it_was_killed(repo, watcher):
    watcher.deliver(*watcher.mails())
    path = configured(repo, ONE)
    path.write_text("interval = 1\n" + path.read_text())
    for _ in range(2):
        with subprocess.Popen(
            [*PROGRAM, "watch", "--config", str(path)],
            stdout=subprocess.PIPE, text=True, cwd=repo.root,
        ) as running:  # fmt: skip
            lines = []
            while not (lines and lines[-1].startswith("health: ")):
                lines.append(running.stdout.readline())
            running.send_signal(signal.SIGKILL)
        assert lines[-1].endswith(", next in 1 s\n")
    assert lines == [lines[-1]]  # the second process had nothing left to do
    assert len(list((repo.root / "drafts/fs/new").iterdir())) == 1


# --- a later version


def versions(watcher, *later):
    watcher.deliver(*watcher.mails())
    watcher.look()
    watcher.deliver(*later)
    return watcher.look()[0]


def test_a_version_that_mends_a_finding_is_noted(repo, watcher):
    repo.git("checkout", "-q", "-b", "mended", "topic~2")
    repo.write((repo.repo / "fs/mounts.c").read_text().replace("list_del(", "list_del_init("))
    repo.commit("fs: drop trees from a work item")
    out = versions(watcher, *watcher.mails("-v2", revisions="master..mended", name="later"))
    assert "mended: mount-put-deferred in drop_tree()" in out
    watcher.deliver(*watcher.mails("-v3", revisions="master..mended", name="later"))
    assert "mended" not in watcher.look()[0]


def test_a_version_that_cannot_be_read_mends_nothing(watcher):
    out = versions(watcher, *watcher.mails("-v2", "--word-diff"))
    assert "by words" in out
    assert "mended" not in out


def test_a_version_that_is_cut_short_mends_nothing(watcher):
    """Of what is left no word tells that there was anything to check."""
    first, second, third = watcher.mails("-v2")
    cut = second[: second.index(b"@@ ")] + b"@@ -7,9 +7,9 @@\n struct tree_node {\n-a\n+b\n"
    out = versions(watcher, first, cut, third)
    assert "no finding in what could be checked" in out
    assert "mended" not in out


def test_a_version_that_keeps_it_is_not(watcher):
    assert "mended" not in versions(watcher, *watcher.mails("-v2"))


def test_another_series_of_the_author_mends_nothing(repo, watcher):
    repo.git("checkout", "-q", "-b", "other", "master")
    (repo.repo / "README").write_text("Words.\n")
    repo.commit("docs: other words")
    assert "mended" not in versions(
        watcher, *watcher.mails("-v2", revisions="master..other", name="later")
    )


def test_what_comes_back_after_it_was_mended_has_a_draft_again(repo, watcher):
    repo.git("checkout", "-q", "-b", "mended", "topic~2")
    repo.write((repo.repo / "fs/mounts.c").read_text().replace("list_del(", "list_del_init("))
    repo.commit("fs: drop trees from a work item")
    versions(watcher, *watcher.mails("-v2", revisions="master..mended", name="later"))
    watcher.deliver(*watcher.mails("-v3"))
    watcher.look()
    assert len(watcher.drafted()) == 2


# --- Patchwork

PROJECT = '[[patchwork]]\nname = "pw"\nurl = "{url}"\nproject = "fs"\n'
POST = 'post = true\ntoken-env = "PW_TOKEN"\n'


def complete(server, *numbers):
    """The server says that these series are complete, one a second."""
    for number in numbers:
        server.events.append(
            {
                "id": 1000 + len(server.events),
                "category": "series-completed",
                "date": f"2026-01-02T00:00:{len(server.events):02}",
                "payload": {"series": {"id": number}},
            }
        )


@pytest.fixture
def server(repo):
    with serving(repo) as running:
        yield running


def held(repo):
    path = repo.root / "state"
    path.mkdir(exist_ok=True)
    (path / "pw.json").write_text('{"since": "2026-01-01T00:00:00", "done": []}')


def test_a_series_is_checked_once_it_is_complete_and_posted_where_that_is_said(repo, server):
    held(repo)
    complete(server, 7)
    out, _ = look(repo, configured(repo, PROJECT + POST, url=server.url), env={"PW_TOKEN": TOKEN})
    assert [patch for patch, _ in states(server)] == [101, 102, 103]
    assert "pw: series 7: " in out
    assert "3 posted" in out
    asked = len(server.asked)
    look(repo, configured(repo, PROJECT + POST, url=server.url), env={"PW_TOKEN": TOKEN})
    assert [one for one in server.asked[asked:] if "events" not in one] == []


def test_two_series_of_one_second_are_both_checked_once(repo, server):
    held(repo)
    complete(server, 7)
    path = configured(repo, PROJECT, url=server.url)
    look(repo, path)
    server.events.append(server.events[0] | {"id": 2000, "payload": {"series": {"id": 8}}})
    out, _ = look(repo, path, status=2)
    assert "pw: failed: " in out  # the server has no series 8, which is what is asked for
    assert "series/7/" not in "".join(server.asked[-2:])


def test_a_project_is_a_dry_run_as_long_as_nobody_says_post(repo, server):
    held(repo)
    complete(server, 7)
    out, _ = look(repo, configured(repo, PROJECT, url=server.url))
    assert server.checks == []
    assert out.count("pw: would post: ") == 3


def test_a_round_checks_no_more_series_than_the_entry_allows(repo, server):
    held(repo)
    complete(server, 7, 7, 8)
    path = configured(repo, PROJECT + "per-round = 1\n", url=server.url)
    out, _ = look(repo, path)
    assert "series are left for the next round" in out
    assert json.loads((repo.root / "state/pw.json").read_text())["done"] == [7]


def test_posting_needs_a_token_and_says_so(repo, server):
    out, _ = look(repo, configured(repo, PROJECT + POST, url=server.url), status=2)
    assert "pw: failed: the variable PW_TOKEN is empty" in out


def test_the_events_that_are_asked_for_are_those_of_the_api():
    names = {one["name"] for one in API["paths"]["/api/events/"]["get"]["parameters"]}
    assert {"category", "project", "since", "order"} <= names


# --- the file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no [[list]] and no [[patchwork]]"),
        ('[[list]]\nname = "a/b"\nsource = "x"\n', "'a/b' is no name"),
        ('[[list]]\nname = "a"\nsource = "x"\n' * 2, "a stands there twice"),
        ('[[list]]\nname = "a"\n', "missing required field `source`"),
        ('[[list]]\nname = "a"\nsource = "x"\nsned = true\n', "unknown field `sned`"),
        ('[[list]]\nname = "a"\nsource = "x"\nsend = "yes"\n', "Expected `bool`"),
        ("[[list]\n", "watch.toml: "),
    ],
)
def test_a_file_that_cannot_hold_is_refused(repo, text, said):
    path = configured(repo, text)
    _, err = look(repo, path, status=2)
    assert err.startswith(f"patchlint: {path}: ")
    assert said in err


def test_what_stands_in_the_file_is_no_option(repo, watcher):
    path = configured(repo, ONE)
    for options in (["--send"], ["--tree", "."], ["--state", "x"]):
        _, err = repo.patchlint("watch", "--once", "--config", path, *options, status=2)
        assert "stands in the file of --config" in err
    _, err = repo.patchlint("watch", "--once", watcher.source, status=2)
    assert "SOURCE, --state and --drafts are needed, or --config" in err


def test_the_file_that_ships_can_hold_and_sends_nothing():
    loaded = service.load(str(RECIPES / "watch.toml"))
    assert [one.send for one in loaded.lists] == [False]
    assert [one.post for one in loaded.projects] == [False]
    commented = re.sub(r"(?m)^# (?=[a-z-]+ = )", "", (RECIPES / "watch.toml").read_text())
    assert tomllib.loads(commented)["list"][0]["send"] is True
    with pytest.raises(ConfigError):
        service.load(str(RECIPES / "none.toml"))


def test_what_is_commented_out_in_it_can_hold_too(tmp_path):
    text = re.sub(r"(?m)^# (?=[a-z-]+ = )", "", (RECIPES / "watch.toml").read_text())
    (tmp_path / "watch.toml").write_text(text)
    loaded = service.load(str(tmp_path / "watch.toml"))
    assert loaded.lists[0].per_day == 20
    assert loaded.projects[0].per_round == 50


@pytest.mark.parametrize("unit", sorted(one.name for one in RECIPES.glob("patchlint-*")))
def test_systemd_takes_the_units(tmp_path, unit):
    verify = shutil.which("systemd-analyze")
    assert verify, "systemd-analyze is needed: apt-get install systemd"
    place = tmp_path / "units"
    place.mkdir()
    for path in RECIPES.glob("patchlint-*"):
        text = path.read_text().replace("%h/.local/bin/patchlint", sys.executable)
        (place / path.name).write_text(text)
    done = subprocess.run(
        [verify, "verify", "--user", "--man=no", str(place / unit)],
        capture_output=True, text=True, check=False,
        env={"SYSTEMD_UNIT_PATH": f"{place}:", "XDG_RUNTIME_DIR": str(tmp_path),
             "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if unit in line or str(place) in line]
    assert complaints == []
