from __future__ import annotations

import base64
import gzip
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import archive_kit as kit
import pytest
from msgspec.structs import replace
from series_kit import DIRECT, QUEUED, repository

from patchlint.archive import sources
from patchlint.archive.store import Store, StoreError
from patchlint.cli.main import main

if TYPE_CHECKING:
    from patchlint.archive.engine import Settings


def count(store: Path, query: str) -> int:
    with Store(str(store), write=False) as opened:
        return opened.value(query)


def rows(store: Path, query: str) -> list[tuple]:
    with Store(str(store), write=False) as opened:
        return [tuple(row) for row in opened.rows(query)]


@pytest.fixture(name="posts", scope="module")
def _posts():
    return kit.mixture(60)


@pytest.fixture(name="inbox", scope="module")
def _inbox(tmp_path_factory, posts):
    return kit.epoch(tmp_path_factory.mktemp("inbox") / "0.git", posts)


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory, inbox):
    store = tmp_path_factory.mktemp("whole") / "scan.db"
    kit.run([inbox], store)
    return store


def test_every_bad_patch_is_a_finding_in_any_encoding(whole, posts):
    bad = {post.message_id for post in posts if kit.BAD in post.body}
    found = {row[0] for row in rows(whole, "SELECT message_id FROM findings")}
    assert found == bad
    assert len({post.encoding for post in posts if kit.BAD in post.body}) == 3


def test_every_mail_has_one_light_row(whole, posts):
    assert count(whole, "SELECT count(*) FROM messages") == len(posts)
    reply = rows(
        whole, "SELECT subject, author, patch FROM messages WHERE subject LIKE 'Re:%' LIMIT 1"
    )
    assert reply[0][1:] == ("A Reviewer <rev@example.org>", 0)


def test_a_series_is_checked_with_its_patches_that_hold_no_word(whole):
    listed = rows(whole, "SELECT expected, missing_json, patches_json FROM series")
    assert any(expected > 1 for expected, _, _ in listed)
    assert all(patches.count('"number"') == expected for expected, _, patches in listed[:-1])


def test_filter_drops_nothing_that_matters(tmp_path, inbox, whole):
    everything = tmp_path / "all.db"
    kit.run([inbox], everything, kit.settings(everything=True))
    query = "SELECT message_id, rule, message, fingerprint FROM findings ORDER BY message_id"
    assert rows(everything, query) == rows(whole, query)
    assert count(everything, "SELECT count(*) FROM series") > count(
        whole, "SELECT count(*) FROM series"
    )


def test_mbox_maildir_and_epoch_say_the_same(tmp_path, posts, whole):
    query = "SELECT message_id, rule, subject, author, date, year FROM findings ORDER BY message_id"
    for source in (
        kit.mbox(tmp_path / "all.mbox", posts),
        kit.maildir(tmp_path / "mails", posts),
    ):
        store = tmp_path / f"{source.name}.db"
        kit.run([source], store)
        assert rows(store, query) == rows(whole, query)


def test_packed_mbox_is_read(tmp_path, posts, whole):
    import lzma

    plain = kit.mbox(tmp_path / "all.mbox", posts).read_bytes()
    (tmp_path / "all.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "all.xz").write_bytes(lzma.compress(plain))
    for name in ("all.gz", "all.xz"):
        kit.run([tmp_path / name], tmp_path / f"{name}.db")
        assert count(tmp_path / f"{name}.db", "SELECT count(*) FROM findings") == count(
            whole, "SELECT count(*) FROM findings"
        )


def test_damaged_mbox_is_an_error_and_the_rest_is_read(tmp_path, inbox, whole):
    packed = gzip.compress(kit.mbox(tmp_path / "plain", kit.mixture(3)).read_bytes())
    (tmp_path / "cut.gz").write_bytes(packed[:-20])
    kit.run([tmp_path / "cut.gz", inbox], tmp_path / "scan.db")
    assert (
        count(tmp_path / "scan.db", "SELECT count(*) FROM errors WHERE input LIKE '%cut.gz'") == 1
    )
    assert count(tmp_path / "scan.db", "SELECT count(*) FROM findings") >= count(
        whole, "SELECT count(*) FROM findings"
    )


def test_second_run_changes_nothing(tmp_path, inbox):
    store = tmp_path / "scan.db"
    kit.run([inbox], store)
    before = kit.dump(store)
    done = kit.run([inbox], store)
    assert (done.mails, done.threads) == (0, 0)
    assert kit.dump(store) == before


@pytest.mark.parametrize("make", [kit.mbox, kit.maildir])
def test_second_run_over_files_changes_nothing(tmp_path, posts, make):
    store = tmp_path / "scan.db"
    source = make(tmp_path / "mails", posts)
    kit.run([source], store)
    before = kit.dump(store)
    assert kit.run([source], store).mails == 0
    assert kit.dump(store) == before


def test_new_mails_give_what_one_run_gives(tmp_path, posts, whole):
    inbox = kit.epoch(tmp_path / "0.git", posts[:23])
    store = tmp_path / "scan.db"
    kit.run([inbox], store)
    kit.epoch(inbox, posts[23:])
    assert kit.run([inbox], store).mails == len(posts) - 23
    query = "SELECT message_id, message, patch FROM findings ORDER BY message_id"
    assert rows(store, query) == rows(whole, query)
    listed = (
        "SELECT subject, expected, missing_json, patches_json FROM series ORDER BY patches_json"
    )
    assert rows(store, listed) == rows(whole, listed)


def test_grown_mbox_gives_what_one_run_gives(tmp_path, posts, whole):
    source = kit.mbox(tmp_path / "mails", posts[:23])
    store = tmp_path / "scan.db"
    kit.run([source], store)
    kit.mbox(source, posts)
    kit.run([source], store)
    query = "SELECT message_id, message FROM findings ORDER BY message_id"
    assert rows(store, query) == rows(whole, query)
    assert count(store, "SELECT count(*) FROM messages") == len(posts)


def test_rewritten_history_is_read_from_its_start_and_nothing_comes_twice(tmp_path, posts):
    store = tmp_path / "scan.db"
    inbox = kit.epoch(tmp_path / "0.git", posts[:30])
    kit.run([inbox], store)
    import shutil

    shutil.rmtree(inbox)
    kit.epoch(inbox, posts[1:31])
    kit.run([inbox], store)
    assert count(store, "SELECT count(*) FROM messages") == 31


def test_mail_that_the_archive_took_back_is_gone(tmp_path):
    post = kit.patch(1, 1, "spam", kit.BAD)
    inbox = kit.epoch(tmp_path / "0.git", [post])
    store = tmp_path / "scan.db"
    kit.run([inbox], store)
    assert count(store, "SELECT count(*) FROM findings") == 1
    kit.epoch(inbox, [post], name="d")
    kit.run([inbox], store)
    assert count(store, "SELECT count(*) FROM findings") == 0
    assert count(store, "SELECT count(*) FROM messages") == 0


def test_same_mail_in_two_archives_counts_once(tmp_path, posts, whole, inbox):
    other = kit.epoch(tmp_path / "1.git", posts[:20])
    store = tmp_path / "scan.db"
    kit.run([inbox, other], store)
    assert count(store, "SELECT count(*) FROM messages") == len(posts)
    assert count(store, "SELECT count(*) FROM findings") == count(
        whole, "SELECT count(*) FROM findings"
    )


def test_a_version_that_is_too_large_stops_no_scan(tmp_path):
    huge = kit.patch(1, 1, "huge", kit.BAD, version=10**20)
    store = tmp_path / "scan.db"
    kit.run([kit.mbox(tmp_path / "x.mbox", [huge, kit.patch(1, 1, "other", kit.BAD)])], store)
    assert rows(store, "SELECT version FROM series") == [(1,), (1,)]
    assert count(store, "SELECT count(*) FROM findings") == 2


def test_unthreaded_series_is_one(tmp_path):
    posts = [
        replace(kit.patch(number, 3, "loose", change), reply_to="", references=())
        for number, change in ((1, kit.GOOD), (2, kit.BAD), (3, kit.GOOD))
    ]
    store = tmp_path / "scan.db"
    kit.run([kit.epoch(tmp_path / "0.git", posts)], store)
    assert rows(store, "SELECT expected, missing_json FROM series") == [(3, "[]")]


def test_killed_at_any_statement_nothing_is_lost_or_twice(tmp_path, posts):
    inbox = kit.epoch(tmp_path / "0.git", posts)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)]),
    }
    command = [sys.executable, str(Path(kit.__file__)), str(inbox)]
    rng = random.Random(11)  # noqa: S311 - where to be killed
    killed = 0
    store = tmp_path / "killed.db"
    while True:
        # later and later, so that it comes to an end
        statements = rng.randint(5, 60 + 60 * killed)
        done = subprocess.run([*command, str(store), str(statements)], env=environment, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        killed += 1
    calm = tmp_path / "calm.db"
    subprocess.run([*command, str(calm), "0"], env=environment, check=True)
    assert killed >= 3
    assert kit.dump(store) == kit.dump(calm)


def test_changed_entry_opens_only_series_that_name_it(tmp_path, inbox):
    store = tmp_path / "scan.db"
    kit.run([inbox], store)
    checked = count(store, "SELECT count(*) FROM threads WHERE checked IS NOT NULL")
    assert kit.run([inbox], store, kit.settings("OtherWhy")).threads == checked
    # this series names no widget, so that what is said of widgets cannot touch it
    plain = kit.epoch(
        tmp_path / "1.git",
        [kit.patch(1, 1, "plain", kit.diff("a.c", "a();", "queue_work(b, c);"))],
    )
    assert kit.run([plain], store, kit.settings("OtherWhy")).threads == 1
    assert kit.run([plain], store, kit.settings("Fake")).threads == checked


def test_new_word_reads_the_mails_again_and_checks_nothing_needlessly(tmp_path, inbox, posts):
    store = tmp_path / "scan.db"
    kit.run([inbox], store)
    before = kit.dump(store)["findings"]
    done = kit.run([inbox], store, kit.settings("Unrelated"))
    assert (done.mails, done.threads) == (len(posts), 0)
    assert kit.dump(store)["findings"] == before


def test_slow_fatal_and_buggy_series_are_limitations_and_the_rest_is_found(tmp_path):
    posts = [
        kit.patch(1, 1, name, kit.BAD, day=day)
        for day, name in enumerate(("first", "slow", "fatal", "buggy", "last"))
    ]
    store = tmp_path / "scan.db"
    kit.run([kit.epoch(tmp_path / "0.git", posts)], store, kit.settings("Trouble", limit=2.0))
    assert rows(store, "SELECT subject FROM findings ORDER BY date") == [
        ("[PATCH] first: change 1",),
        ("[PATCH] last: change 1",),
    ]
    told = rows(store, "SELECT message_id, message FROM limitations WHERE stage = 'archive'")
    texts = dict(told)
    assert "more than 2 s" in texts["slow-v1-1@example.org"]
    assert "process ended" in texts["fatal-v1-1@example.org"]
    assert "no such thing" in texts["buggy-v1-1@example.org"]


def test_mail_that_kills_the_filter_is_an_error_and_the_rest_is_read(tmp_path):
    posts = kit.mixture(9)
    poison = kit.patch(1, 1, "poison", kit.BAD)
    store = tmp_path / "scan.db"
    inbox = kit.epoch(tmp_path / "0.git", [*posts[:4], poison, *posts[4:]])
    kit.run([inbox], store, kit.settings("Trouble"))
    assert count(store, "SELECT count(*) FROM messages") == len(posts)
    assert len(rows(store, "SELECT * FROM errors")) == 1


def test_a_scan_whose_workers_do_not_live_gives_up(tmp_path):
    inbox = kit.epoch(tmp_path / "0.git", kit.mixture(40))
    with pytest.raises(ChildProcessError, match="exit status 3"):
        kit.run([inbox], tmp_path / "scan.db", kit.settings("Stillborn"))


@pytest.mark.parametrize("make", [kit.epoch, kit.mbox, kit.maildir])
def test_mail_that_is_too_large_is_a_limitation(tmp_path, monkeypatch, make):
    monkeypatch.setattr(sources, "MOST_BYTES", 5000)
    large = kit.patch(1, 1, "large", kit.BAD + "x" * 5000)
    store = tmp_path / "scan.db"
    source = make(tmp_path / "mails", [large, kit.patch(1, 1, "small", kit.BAD)])
    chosen = kit.settings()
    from patchlint.archive import scan
    from patchlint.archive.progress import Quiet

    with Store(str(store)) as opened:
        scan.scan([str(source)], opened, chosen, InProcess(chosen), Quiet())
    assert rows(store, "SELECT message_id FROM findings") == [("small-v1-1@example.org",)]
    assert (
        "was not read" in rows(store, "SELECT message FROM limitations WHERE thread IS NULL")[0][0]
    )


class InProcess:
    """Tasks done here, where a test can change limits."""

    def __init__(self, chosen: Settings) -> None:
        self.chosen = chosen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def run(self, tasks):
        from patchlint.archive.worker import Worker

        with sources.Shelf() as shelf:
            worker = Worker(self.chosen, shelf)
            for task, _limit in tasks:
                yield task, worker.do(task)

    def warm(self):
        """Nothing takes time to start."""

    def apart(self):
        return self


SEPARATOR = b"From dev@example.org Sun Sep 13 12:26:40 2020\n"
FORMS = {
    "plain": b"".join(SEPARATOR + b"Subject: %d\n\nx\n\n" % n for n in range(5)),
    "escaped": (SEPARATOR + b"Subject: x\n\n>From here\n>>From there\n\n") * 2,
    "no line at its end": SEPARATOR + b"Subject: x\n\ny\n\n" + SEPARATOR + b"Subject: z\n\nend",
    "empty lines first": b"\n\n" + SEPARATOR + b"Subject: x\n\ny\n",
    "an empty mail": SEPARATOR * 2 + b"Subject: x\n\ny\n",
    "a length that is right": (
        SEPARATOR + b"Content-Length: %d\n\n" % (len(SEPARATOR) + 2) + SEPARATOR + b"x\n\n"
    ) * 2,
    "a length that is wrong": (
        SEPARATOR + b"Content-Length: 900\n\n" + SEPARATOR + b"Content-Length: 4\n\n>From x\n\n"
    ) * 3,
    "bytes of zero": (b"\0" + SEPARATOR + b"Subject: x\n\ny\n\n") * 3,
    "one mail": b"Subject: x\n\ny\n",
    "too large in the middle": (
        SEPARATOR + b"Subject: x\n\ny\n" + SEPARATOR + b"Subject: y\n\n" + b"line\n" * 400
        + SEPARATOR + b"Subject: z\n\nz\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["", "packed"])
@pytest.mark.parametrize("form", FORMS)
def test_a_mail_of_an_mbox_is_found_again_as_it_was_read(tmp_path, monkeypatch, form, pack):
    monkeypatch.setattr(sources, "MOST_BYTES", 1000)
    path = tmp_path / "x.mbox"
    path.write_bytes(pack(FORMS[form]))
    [source] = sources.find([str(path)])
    read = list(enumerate(sources.split_mails(source.place), 1))
    assert read
    wanted = {str(number): data for number, data in read if len(data) <= 1000}
    with sources.Shelf() as shelf:
        assert shelf.fetch(source, [str(number) for number, _ in read]) == wanted
        for number, _ in reversed(read):
            found = shelf.fetch(source, [str(number)])
            assert found.get(str(number)) == wanted.get(str(number))
        assert shelf.fetch(source, ["0", str(len(read) + 1)]) == {}


def test_an_mbox_that_grew_is_read_again_and_one_that_is_cut_as_far_as_it_goes(tmp_path):
    path = tmp_path / "x.mbox"
    path.write_bytes(FORMS["plain"])
    [source] = sources.find([str(path)])
    with sources.Shelf() as shelf:
        assert shelf.fetch(source, ["5", "6"]) == {"5": b"Subject: 4\n\nx\n\n"}
        path.write_bytes(b"\n" + FORMS["plain"] + SEPARATOR + b"Subject: 5\n")
        assert shelf.fetch(source, ["6"]) == {"6": b"Subject: 5\n"}
        # incompressible, so that the first mail stands before the cut
        noise = random.Random(1).randbytes(5000).hex().encode()  # noqa: S311 - made-up mail
        path.write_bytes(gzip.compress(FORMS["plain"] + SEPARATOR + noise)[:3000])
        assert shelf.fetch(source, ["1"]) == {"1": b"Subject: 0\n\nx\n\n"}


def test_unknown_input_is_an_error(tmp_path):
    with pytest.raises(sources.SourceError, match="no such file"):
        sources.find([str(tmp_path / "nothing")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(sources.SourceError, match="neither"):
        sources.find([str(tmp_path / "empty")])


def test_an_input_that_is_no_archive_stops_no_other(tmp_path, capsys):
    store, junk = tmp_path / "x.db", tmp_path / "junk"
    mails = [kit.mbox(tmp_path / name, kit.mixture(4, seed)) for name, seed in (("a", 1), ("b", 2))]
    junk.write_text("hello\n")
    command = ["scan", "--quiet", "--jobs", "1", "--store", str(store)]
    assert main([*command, str(mails[0]), str(junk), str(tmp_path / "no"), str(mails[1])]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith(f"patchlint: {junk}: no mbox, and ")
    assert told[1] == f"patchlint: {tmp_path / 'no'}: no such file or folder"
    with Store(str(store), write=False) as opened:
        assert opened.value("SELECT count(*) FROM sources") == 2
        assert opened.value("SELECT count(*) FROM errors WHERE input = ?", (str(junk),)) == 1
    assert main([*command, *map(str, mails)]) == 0
    with Store(str(store), write=False) as opened:
        assert opened.value("SELECT count(*) FROM errors WHERE input = ?", (str(junk),)) == 0
    assert main(["scan", "--store", str(tmp_path / "new.db"), str(junk)]) == 2
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"To do:\n- water the plants\n", "neither a mail nor a patch"),
        (b"int main(void)\n{\n\treturn 0;\n}\n", "neither a mail nor a patch"),
        (bytes(range(256)) * 99, "binary data"),
    ],
)
def test_a_file_that_is_no_mail_is_refused(tmp_path, capsys, data, why):
    (tmp_path / "notes").write_bytes(data)
    store = tmp_path / "scan.db"
    assert main(["scan", "--store", str(store), str(tmp_path / "notes")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"patchlint: {tmp_path / 'notes'}: no mbox, and ")
    assert why in line
    assert not store.exists()


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_an_mbox_that_nothing_was_delivered_to_has_no_mail(tmp_path, data):
    (tmp_path / "new.mbox").write_bytes(data)
    assert kit.run([tmp_path / "new.mbox"], tmp_path / "scan.db").mails == 0


def test_a_file_that_is_no_mail_beside_mails_is_passed_over_and_told(tmp_path, capsys):
    folder = tmp_path / "lists"
    folder.mkdir()
    kit.mbox(folder / "widgets", [kit.patch(1, 1, "a", kit.BAD)])
    (folder / "one.patch").write_text(kit.BAD)
    (folder / "README").write_text("The lists of widgets.\n")
    store = str(tmp_path / "scan.db")
    assert main(["scan", "--jobs", "1", "--store", store, str(folder)]) == 0
    err = capsys.readouterr().err
    assert f"patchlint: {folder}/README: holds no mail, passed over\n" in err
    assert "2 mails read" in err
    for name in ("widgets", "one.patch"):
        (folder / name).unlink()
    assert main(["scan", "--jobs", "1", "--store", store, str(folder)]) == 2
    assert "nor a folder of mails" in capsys.readouterr().err


def test_a_repository_of_code_is_no_archive(tmp_path, capsys):
    """Its commits were counted as mails that were read, with nothing found in them."""
    repository(tmp_path / "code", DIRECT, QUEUED)
    store = tmp_path / "scan.db"
    assert main(["scan", "--store", str(store), str(tmp_path / "code")]) == 2
    err = capsys.readouterr().err
    assert "no public-inbox epoch" in err
    assert "patchlint check --tree" in err
    assert not store.exists()


def test_an_archive_that_cannot_be_read_is_told_and_no_success(tmp_path, capsys, monkeypatch):
    inbox = kit.epoch(tmp_path / "0.git", [kit.patch(1, 1, "a", kit.BAD)])
    other = kit.mbox(tmp_path / "b.mbox", [kit.patch(1, 1, "b", kit.BAD)])
    plan = sources.plan

    def refused(source, state):
        if source.kind == "git":
            raise sources.SourceError("git refuses it")
        return plan(source, state)

    monkeypatch.setattr(sources, "plan", refused)
    store = str(tmp_path / "scan.db")
    assert main(["scan", "--jobs", "1", "--store", store, str(inbox), str(other)]) == 2
    err = capsys.readouterr().err
    assert f"patchlint: {inbox}: git refuses it" in err
    assert "1 mail read" in err
    assert rows(store, "SELECT message FROM errors") == [("git refuses it",)]


@pytest.fixture
def lacking(tmp_path):
    """An epoch of four mails that lacks one, and a function that gives it back."""
    posts = [kit.patch(1, 1, name, kit.BAD, day=day) for day, name in enumerate("abcd")]
    inbox = kit.epoch(tmp_path / "lacking.git", posts)
    asked = ["git", f"--git-dir={inbox}", "rev-parse", "HEAD~2:m"]
    blob = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    place = inbox / "objects" / blob[:2] / blob[2:]
    kept = place.rename(tmp_path / "kept")
    return inbox, lambda: kept.rename(place)


def test_a_mail_that_an_epoch_lacks_is_told_and_read_when_it_is_there(tmp_path, lacking, capsys):
    inbox, mend = lacking
    store = tmp_path / "scan.db"
    for _ in range(2):
        assert kit.run([inbox], store).unread
        assert count(store, "SELECT count(*) FROM findings") == 3
        assert count(store, "SELECT count(*) FROM errors") == 1
    assert main(["scan", "--jobs", "1", "--store", str(store), str(inbox)]) == 2
    assert f"{inbox}: 1 mail of it (" in capsys.readouterr().err
    mend()
    assert not kit.run([inbox], store).unread
    whole = tmp_path / "whole.db"
    kit.run([inbox], whole)
    for table in ("findings", "errors", "limitations", "sources"):
        assert len(kit.dump(store)[table]) == len(kit.dump(whole)[table])
    assert kit.dump(store)["sources"] == kit.dump(whole)["sources"]
    assert kit.run([inbox], store).mails == 0


def test_mails_behind_a_missing_one_are_read_once(tmp_path, lacking):
    inbox, _ = lacking
    store = tmp_path / "scan.db"
    kit.run([inbox], store)
    kit.epoch(inbox, [kit.patch(1, 1, "e", kit.BAD, day=9)])
    assert kit.run([inbox], store).mails == 2  # the new one, and the missing one tried again
    assert count(store, "SELECT count(*) FROM messages") == 4


def test_where_many_mails_are_missing_the_mark_stays(tmp_path, lacking, monkeypatch):
    inbox, mend = lacking
    monkeypatch.setattr("patchlint.archive.scan._MOST_ABSENT", 0)
    store = tmp_path / "scan.db"
    (error,) = kit.run([inbox], store).unread
    assert "more than 0 of its mails" in error.message
    mend()
    assert kit.run([inbox], store).unread == ()
    assert count(store, "SELECT count(*) FROM findings") == 4


def test_a_missing_mail_that_a_rewritten_history_does_not_name_is_forgotten(tmp_path, lacking):
    inbox, _ = lacking
    store = tmp_path / "scan.db"
    assert kit.run([inbox], store).unread
    run = ["git", f"--git-dir={inbox}", "update-ref", "-d", "refs/heads/master"]
    subprocess.run(run, check=True)
    kit.epoch(inbox, [kit.patch(1, 1, "z", kit.BAD)])
    assert kit.run([inbox], store).unread == ()


def test_inbox_folder_stands_for_its_epochs_in_order(tmp_path):
    for number in (10, 0, 2):
        kit.epoch(tmp_path / "git" / f"{number}.git", [kit.patch(1, 1, f"e{number}", kit.GOOD)])
    assert [Path(one.place).name for one in sources.find([str(tmp_path)])] == [
        "0.git",
        "2.git",
        "10.git",
    ]


def test_file_that_is_no_store_is_refused(tmp_path):
    (tmp_path / "text").write_text("hello " * 100)
    with pytest.raises(StoreError, match="text"):
        Store(str(tmp_path / "text"))
    with pytest.raises(StoreError, match="no such store"):
        Store(str(tmp_path / "none.db"), write=False)


@pytest.mark.parametrize(
    "form",
    [
        lambda text: text.decode().encode("utf-16"),
        lambda text: text.replace(b"\n", b"\r"),
        base64.encodebytes,
    ],
    ids=["utf-16", "cr", "base64"],
)
def test_a_folder_is_read_in_each_form_that_a_check_reads(tmp_path, form):
    folder = tmp_path / "mails"
    folder.mkdir()
    text = f"From: A <a@example.org>\nSubject: [PATCH] x\nMessage-ID: <x@y>\n\nWhy.\n---\n{kit.BAD}"
    (folder / "a.patch").write_bytes(form(text.encode()))
    kit.mbox(folder / "b.mbox", [kit.patch(1, 1, "other", kit.GOOD)])
    (folder / "none.txt").write_bytes(form(b"nothing of a patch\n"))
    store = tmp_path / "scan.db"
    kit.run([folder], store)
    assert rows(store, "SELECT message_id FROM findings") == [("x@y",)]
