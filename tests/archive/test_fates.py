"""What is said to have come of a change: once, of the change, and as it reads."""

from __future__ import annotations

from types import SimpleNamespace

import archive_kit as kit
import pytest
import site_kit
from msgspec.structs import replace

from patchlint.archive import changes
from patchlint.archive.changes import Change
from patchlint.model.history import Event, Posting
from patchlint.model.record import Judgement
from patchlint.report import words
from patchlint.ruleset import record

LINK = "https://example.org/%s"


def posting(version: int) -> Posting:
    subject = f"[PATCH v{version}] burrow: put the nest later"
    date = kit.START + version * kit.DAY
    return Posting(f"v{version}@example.org", "", subject, "A", date, version, ("linux-burrow",))


def event(kind: str, text: str, mail: str, day: float = 9) -> Event:
    return Event(kind, "a mail", kit.START + day * kit.DAY, text, mail)


def change(*events: Event, versions: int = 1, judged: str = "unknown") -> Change:
    postings = tuple(posting(number) for number in range(1, versions + 1))
    came = tuple(changes._beyond(events, postings))
    return Change("0" * 16, site_kit.finding(1, ""), postings, came, judged=judged)


def said(one: Change) -> str:
    return words.fate(one.history, LINK)


AGAIN = event("kept", "version 3 has the finding too", "v3@example.org", 3)
SILENT = Event("unknown", "", None, "no answer in this archive", "")


def test_a_change_whose_last_posting_has_it_came_to_nothing_and_links_to_no_posting_of_itself():
    one = change(SILENT, AGAIN, versions=3)
    assert one.outcome == "kept"
    assert said(one) == "v3 posted, then nothing in this archive"
    assert [event.kind for event in one.history.events] == ["kept"]


def test_a_version_that_is_no_posting_of_it_is_named():
    told = said(change(event("kept", "version 4 adds nest_free() too", "v4@example.org")))
    assert told.startswith("still in v4 2020-09-")
    assert told.endswith("version 4 adds nest_free() too; https://example.org/v4@example.org")


def test_merged_is_what_a_mail_showed_to_be_merged_on_the_day_of_that_mail():
    seen = event("merged", "nest_free() stands in the tree that this patch was made for", "x@e.org")
    told = said(change(AGAIN, seen, versions=3))
    assert told.startswith("merged, seen 2020-09-22: nest_free() stands in the tree")
    assert "kept" not in told


def test_who_says_so_itself_is_no_link():
    own = event("dropped", "proposes nest_free() in an answer", "v1@example.org")
    assert "https" not in said(change(own))


@pytest.mark.parametrize(
    ("judged", "mined", "outcome"),
    [
        ("dropped", "kept", "dropped"),
        ("fixed", "unknown", "fixed"),
        ("reverted", "fixed", "reverted"),
        # a judge does not tell these apart, or saw less than came later
        ("kept", "merged", "merged"),
        ("kept", "reverted", "reverted"),
        # that somebody gave way to another says nothing of the end
        ("superseded", "fixed", "fixed"),
        ("superseded", "unknown", "superseded"),
        ("unknown", "dropped", "dropped"),
    ],
)
def test_what_was_judged_by_hand_stands_above_what_was_mined(judged, mined, outcome):
    one = change(event(mined, "a mail says so", "x@example.org"), judged=judged)
    assert one.outcome == outcome
    assert one.history.told.kind == outcome
    assert said(one).startswith(words.FATES[outcome]) or outcome == "kept"


def test_the_record_is_asked_of_this_change_alone(tmp_path, monkeypatch):
    path = site_kit.make(tmp_path / "a.db", range(2))
    found = changes.gather([str(path)]).changes
    mine, other = found
    row = Judgement(
        message_id=mine.last.message_id, list="l", date="2020-01-01", title="", rule="r",
        family="f", function=mine.finding.function, cleanup=mine.finding.cleanup, mechanism="",
        folder="", fingerprint="", level="note", confidence="low", version="1", today="",
        verdict="right", outcome="dropped", line="x",
    )  # fmt: skip
    monkeypatch.setattr(record, "read", lambda: record.Book((row,)))
    told = {one.key: one.outcome for one in changes.gather([str(path)]).changes}
    assert told[mine.key] == "dropped"
    assert told[other.key] == other.outcome
    row = replace(row, function="another", cleanup="another")
    monkeypatch.setattr(record, "read", lambda: record.Book((row,)))
    assert {one.key: one.outcome for one in changes.gather([str(path)]).changes} == {
        one.key: one.outcome for one in found
    }


@pytest.mark.parametrize(
    ("function", "outcome", "told"),
    [
        ("lamp_off", "fixed", "fixed"),
        # a patch is reverted with all of its findings, and fixed for the one that was bad
        ("lamp_dark", "reverted", "reverted"),
        ("lamp_dark", "fixed", "unknown"),
    ],
)
def test_what_was_judged_of_another_finding_of_the_patch(function, outcome, told):
    finding = SimpleNamespace(fingerprint="1" * 16, function="lamp_off", cleanup="iput")
    version = SimpleNamespace(finding=finding, posting=SimpleNamespace(message_id="m@x"))
    row = SimpleNamespace(fingerprint="2" * 16, function=function, cleanup="iput", outcome=outcome)
    assert changes._by_hand([version], {"m@x": [row]}) == told
