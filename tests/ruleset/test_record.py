from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from patchlint.cli.main import main
from patchlint.model.record import OPEN, Judgement, Miss, folder, title_digest
from patchlint.model.stats import share
from patchlint.ruleset import record
from patchlint.ruleset.errors import RuleError
from patchlint.ruleset.load import load

KERNEL = load().kernel
ROW = Judgement(
    message_id="1@example.org",
    list="linux-burrow",
    date="2019-05-01",
    title=title_digest("burrow: put the nest later"),
    rule="mount-put-deferred",
    family="mount",
    function="nest_drop",
    cleanup="mntput",
    mechanism="queue_work",
    folder="fs/den",
    fingerprint="a1b2",
    level="warning",
    confidence="high",
    version="1.0.0",
    today="",
    verdict="right",
    outcome="dropped",
    line="the worker puts what umount promised to have put; said twice in the thread",
    short="umount got EBUSY",
)
MISS = Miss("9@example.org", "linux-burrow", "2020-01-01", "1@example.org", "mount", "no", "", "x")


def finding(**more):
    """What the record looks at of a finding."""
    after = SimpleNamespace(mechanism=more.pop("mechanism", "queue_work"), context="workqueue")
    known = {
        "rule": "mount-put-deferred",
        "family": "mount",
        "path": "fs/den/super.c",
        "function": "den_drop",
        "cleanup": "mntput",
        "message_id": "new@example.org",
        "fingerprint": "ffff",
        "entry_points": (),
    }
    return SimpleNamespace(**(known | more), after=after)


def nearest(rows, one=None, title="something new", day="2020-01-01"):
    one = one or finding()
    digest = title_digest(title)
    others = [row for row in rows if not record._own(row, one, digest)]
    found = record._nearest(one, others, day, KERNEL)
    return (
        None if found is None else next(row for row in rows if row.message_id == found.message_id)
    )


@pytest.mark.parametrize(
    ("right", "decided", "low", "high"),
    # from the formula, worked out by hand with z = 1.96
    [(0, 0, 0.0, 1.0), (5, 5, 0.566, 1.0), (0, 5, 0.0, 0.434), (8, 10, 0.490, 0.943)],
)
def test_bounds_are_wilsons(right, decided, low, high):
    found = share(right, decided)
    assert found.low == pytest.approx(low, abs=0.001)
    assert found.high == pytest.approx(high, abs=0.001)
    assert found.part == (right / decided if decided else None)


def test_tables_are_read_as_they_are_written(tmp_path):
    (tmp_path / "record").mkdir()
    file = tmp_path / "record" / "judged.tsv"
    file.write_text(record.table([ROW, replace(ROW, message_id="2@x")], Judgement, "Why\nand how"))
    assert file.read_text().startswith("# Why\n# and how\nmessage_id\t")
    assert record.rows(file, Judgement) == [ROW, replace(ROW, message_id="2@x")]
    assert record.rows(tmp_path / "none.tsv", Judgement) == []


def test_a_cell_holds_no_tab_and_no_line_end(tmp_path):
    file = tmp_path / "judged.tsv"
    file.write_text(record.table([replace(ROW, line="one\ttwo\nthree")], Judgement, ""))
    assert record.rows(file, Judgement)[0].line == "one two three"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("\tright\t", "\tmaybe\t"), r":2: verdict is 'maybe'"),
        (lambda text: text.replace("\tdropped\t", "\tlost\t"), r":2: outcome is 'lost'"),
        (lambda text: text.replace("verdict", "judged"), r":1: its columns must be"),
        (lambda text: text.replace("\tfs/den", ""), r":2: has 18 cells in a row, not 19"),
        (lambda text: text.encode() + b"\xff", r"is not UTF-8 at byte"),
    ],
)
def test_a_damaged_table_is_named_with_its_line(tmp_path, change, said):
    file = tmp_path / "judged.tsv"
    text = change(record.table([ROW], Judgement, "").replace("#\n", "", 1))
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RuleError, match=said):
        record.rows(file, Judgement)


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "other-rule"},
        {"mechanism": "call_rcu"},
        {"folder": "fs/burrow"},
        {"cleanup": "path_put"},
        {"date": "2018-01-01"},
    ],
)
def test_the_nearest_precedent_is_alike_in_more(other):
    less = replace(ROW, message_id="2@x", title="t2", fingerprint="f2", **other)
    assert nearest([less, ROW]) == ROW
    assert nearest([ROW, less]) == ROW
    assert nearest([less]) == less


@pytest.mark.parametrize(
    ("far", "day"),
    [
        ({"cleanup": "path_put", "folder": "fs/burrow"}, "2020-01-01"),
        ({"cleanup": "path_put", "mechanism": "call_rcu"}, "2020-01-01"),
        # nobody is known to have minded
        ({"outcome": "kept"}, "2020-01-01"),
        ({"outcome": "merged"}, "2020-01-01"),
        ({"outcome": "unknown"}, "2020-01-01"),
        ({"outcome": "superseded"}, "2020-01-01"),
        ({"outcome": "discussed"}, "2020-01-01"),
        # not earlier
        ({}, "2019-05-01"),
        ({}, "2018-12-31"),
    ],
)
def test_what_is_far_or_not_earlier_is_no_precedent(far, day):
    assert nearest([replace(ROW, **far)], day=day) is None


@pytest.mark.parametrize(
    ("mine", "row", "near"),
    [
        # of one function, whatever is said to have moved
        ({"function": "nest_drop", "family": "file", "cleanup": "fput"}, {}, True),
        ({"function": "nest_drop", "family": "file", "path": "fs/burrow/nest.c"}, {}, False),
        # that user space meets the same is not enough
        ({"family": "inode", "cleanup": "iput"}, {"cleanup": "xfs_inactive"}, False),
        # the same release elsewhere, and a thread of the kernel does both
        ({"family": "inode", "cleanup": "iput"}, {"cleanup": "iput"}, True),
        (
            {"family": "inode", "cleanup": "iput"},
            {"cleanup": "iput", "mechanism": "kthread_create"},
            True,
        ),
        (
            {"family": "inode", "cleanup": "iput"},
            {"cleanup": "iput", "mechanism": "call_rcu"},
            False,
        ),
        (
            {"family": "inode", "cleanup": "iput"},
            {"cleanup": "iput", "mechanism": "lamp_later"},
            False,
        ),
        # ... of another kind of function, and in another subsystem
        (
            {"family": "inode", "cleanup": "iput"},
            {"cleanup": "iput", "function": "nest_update"},
            False,
        ),
        ({}, {"cleanup": "mntput", "family": "mount", "function": "nest_update"}, False),
        ({}, {"cleanup": "mntput", "family": "mount"}, True),
        # ... something else
        ({"family": "inode", "cleanup": "iput"}, {"cleanup": "ceph_put_cap_refs"}, False),
        # of what no table knows the name alone says little
        ({"family": "structural", "cleanup": "den_end"}, {"cleanup": "den_end"}, True),
        ({"family": "structural", "cleanup": "den_end"}, {"cleanup": "den_off"}, False),
        (
            {"family": "structural", "cleanup": "den_end"},
            {"cleanup": "den_end", "folder": "fs/burrow"},
            False,
        ),
    ],
)
def test_what_is_near_is_alike_to_whoever_meets_it(mine, row, near):
    family = "mount" if "function" in mine else mine.get("family", "mount")
    known = {"family": family, "cleanup": "xfs_inactive", "folder": "fs/burrow"} | row
    if "function" in mine or family == "structural":
        known = {"family": family, "folder": "fs/den"} | row
    assert (nearest([replace(ROW, **known)], finding(**mine)) is not None) is near


def test_a_finding_without_a_day_is_later_than_all_that_was_judged():
    assert nearest([ROW], day="") == ROW


@pytest.mark.parametrize(
    ("short", "told"), [("umount got EBUSY", "umount got EBUSY"), ("", ROW.line)]
)
def test_a_precedent_is_told_in_a_clause_not_as_the_judge_wrote_it(short, told):
    found = record._nearest(finding(), [replace(ROW, short=short)], "2020-01-01", KERNEL)
    assert found.line == told


def test_a_record_of_an_earlier_version_has_no_clauses(tmp_path):
    file = tmp_path / "judged.tsv"
    old = "\n".join(
        row.rsplit("\t", 1)[0] for row in record.table([ROW], Judgement, "").splitlines()
    )
    file.write_text(old)
    assert record.rows(file, Judgement) == [replace(ROW, short="")]


def test_a_precedent_is_right_and_of_the_same_family():
    assert nearest([replace(ROW, verdict="wrong")]) is None
    assert nearest([replace(ROW, verdict="info")]) is None
    assert nearest([replace(ROW, family="file")]) is None


@pytest.mark.parametrize(
    ("known", "title"),
    [
        ({"message_id": "1@example.org"}, "something new"),
        ({"fingerprint": "a1b2"}, "something new"),
        ({}, "Burrow:  put the nest LATER"),
    ],
)
def test_a_change_is_no_precedent_of_itself(known, title):
    assert nearest([ROW], finding(**known), title) is None


def test_a_track_counts_verdicts_and_what_came_of_right_ones():
    rows = [
        replace(ROW, message_id=f"{n}@x", title=f"t{n}", fingerprint=f"f{n}", verdict=verdict)
        for n, verdict in enumerate(["right", "right", "info", "wrong", "undecided"])
    ]
    track = record.track("mount-put-deferred", rows)
    assert (track.right, track.info, track.wrong, track.undecided) == (2, 1, 1, 1)
    assert track.ends == {"dropped": 2}
    assert (track.judged, track.known, track.undone) == (5, 2, 2)


@pytest.mark.parametrize("level", ["warning", "error", "note"])
@pytest.mark.parametrize(("mine", "told"), [(10, True), (9, False)])
def test_a_record_is_told_of_a_rule_of_which_enough_was_judged(level, mine, told):
    today = "note" if level == "note" else "warning"
    rows = [
        replace(ROW, message_id=f"{n}@x", title=f"t{n}", fingerprint=f"f{n}", today=today)
        for n in range(30)
    ]
    # what was judged of other rules says nothing of this one
    rows[mine:] = [replace(one, rule="path-put-deferred") for one in rows[mine:]]
    found = record._track_of(finding(level=level), rows)
    assert (found is not None) is told
    if found is not None:
        assert (found.rule, found.right) == ("mount-put-deferred", mine)


def rule(**more):
    known = {"id": "mount-put-deferred", "level": "warning", "held": None}
    return SimpleNamespace(**(known | more))


def judged(verdicts, **more):
    return record.Book(
        tuple(
            replace(ROW, message_id=f"{n}@x", title=f"{n:012x}", verdict=verdict, **more)
            for n, verdict in enumerate(verdicts)
        )
    )


@pytest.mark.parametrize(
    ("verdicts", "held"),
    [
        (["right"] * 4 + ["wrong"], False),
        (["right"] * 3 + ["wrong"] * 2, False),
        (["right"] * 2 + ["wrong"] * 3, False),
        (["right"] * 1 + ["wrong"] * 4, True),
        (["right"] * 2 + ["info"] * 4, True),
        (["right"] * 14 + ["wrong"] * 6, False),
        (["right"] * 12 + ["wrong"] * 8, True),
        # one that is wrong comes to one draw of five, two wrong ones alone to one of twenty-five
        (["wrong"], False),
        (["wrong", "undecided", "undecided"], False),
        (["wrong"] * 2, True),
        (["info"] * 2 + ["undecided"] * 9, True),
        (["wrong"] * 2 + ["right"], False),
        ([], False),
    ],
)
def test_a_rule_is_held_when_too_few_of_its_loud_findings_were_right(verdicts, held):
    assert bool(record.held(judged(verdicts), [rule()])) is held
    assert not record.held(judged(verdicts), [rule(level="note")])


def test_a_change_that_was_judged_in_several_versions_is_one_draw():
    wrong = judged(["wrong"] * 5).judged
    versions = tuple(replace(one, title="t", message_id=f"{n}@x") for n, one in enumerate(wrong))
    assert not record.held(replace(judged([]), judged=versions), [rule()])


def test_what_is_no_longer_loud_counts_no_more():
    wrong = ["wrong"] * 5
    assert not record.held(judged(wrong, today="none"), [rule()])
    assert not record.held(judged(wrong, level="note"), [rule()])
    assert record.held(judged(wrong, level="note", today="warning"), [rule()])
    # what a tree shows to be lost for a system call is no warning
    assert not record.held(judged(wrong, level="error"), [rule()])


def test_a_note_is_what_a_move_deserves_on_which_nobody_relied():
    assert record.precision(judged(["info"], level="note").judged).right == 1
    assert record.precision(judged(["info"]).judged).right == 0


def test_shipped_rules_are_as_loud_as_their_record_allows():
    rules = load(cached=False).rules
    too_low = record.held(record.read(), rules)
    assert {one.id for one in rules if one.held} == too_low.keys()


def test_shipped_rows_speak_of_shipped_rules_and_hold_no_mail():
    book = record.read()
    ids = {one.id for one in load(cached=False).rules}
    for one in book.judged:
        assert one.rule in ids
        assert "@" in one.message_id
        assert "@" not in one.line
        assert len(one.line) <= 400
        # what others are told is a clause, and there is one of all that they may be told
        if one.verdict == "right" and one.outcome not in OPEN:
            assert 0 < len(one.short) <= 90, one.message_id
        assert not any(mark in one.short for mark in (";", " (", "@")), one.short
    keys = [(one.message_id, one.rule, one.function, one.cleanup) for one in book.judged]
    assert len(keys) == len(set(keys))


def test_a_held_rule_speaks_in_notes(tmp_path, capsys):
    text = 'title = "t"\nlevel = "warning"\nheld = "note"\nfamilies = ["mount"]\n'
    (tmp_path / "nest-late.toml").write_text(text)
    (one,) = [one for one in load([tmp_path], cached=False).rules if one.id == "nest-late"]
    assert (one.level, one.loudest) == ("warning", "note")
    assert main(["rules", "--rules", str(tmp_path)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "nest-late" in line]
    assert line.split()[:2] == ["nest-late", "note"]


@pytest.fixture
def own(tmp_path):
    """Rules of the user's own with a record of their own."""
    (tmp_path / "nest-late.toml").write_text(
        'title = "t"\nlevel = "warning"\nfamilies = ["mount"]\n'
    )
    (tmp_path / "record").mkdir()
    rows = [
        replace(
            ROW,
            message_id=f"{n}@x",
            rule="nest-late",
            verdict=verdict,
            today=today,
            # the subsystem of the example
            folder=folder("fs/namespace.c"),
        )
        for n, (verdict, today) in enumerate(
            [("right", "warning"), ("right", ""), ("info", "note"), ("wrong", "none")]
        )
    ]
    (tmp_path / "record" / "judged.tsv").write_text(record.table(rows, Judgement, ""))
    misses = [MISS, replace(MISS, repair_id="8@x", found="yes", level="warning")]
    (tmp_path / "record" / "misses.tsv").write_text(record.table(misses, Miss, ""))
    return tmp_path


def test_stats_in_numbers(own, capsys):
    assert main(["rules", "--stats", "--format", "json", "--rules", str(own)]) == 0
    told = json.loads(capsys.readouterr().out)
    (mine,) = [one for one in told["by"]["rule"] if one["name"] == "nest-late"]
    assert (mine["right"], mine["info"], mine["wrong"]) == (2, 1, 1)
    assert (mine["precision"]["right"], mine["precision"]["of"]) == (2, 4)
    assert (mine["loud"]["right"], mine["loud"]["of"]) == (2, 2)
    assert mine["loud"]["low"] == pytest.approx(0.342, abs=0.001)
    quieter = {"verdict": "wrong", "judged_as": "warning", "today": "none"}
    assert [one["number"] > 0 for one in told["today"] if quieter.items() <= one.items()] == [True]
    assert {"rule", "level", "confidence"} <= told["by"].keys()
    assert told["repairs"]["families"]["mount"]["of"] >= 2
    assert "9@example.org" in {one["repair_id"] for one in told["misses"]}


def test_stats_to_read(own, capsys):
    assert main(["rules", "--stats", "--rules", str(own)]) == 0
    told = capsys.readouterr().out
    (line,) = [line for line in told.splitlines() if line.startswith("nest-late ")]
    assert line.split()[1:6] == ["4", "2", "1", "1", "0"]
    assert "2 of 2: 100% (34% to 100%)" in line
    assert "2 dropped" in line
    assert "<9@example.org>: x" in told


def test_a_folder_is_a_subsystem():
    assert folder("drivers/burrow/deep/nest.c") == "drivers/burrow"
    assert folder("mm/nest.c") == "mm"
    assert folder("nest.c") == ""


EXAMPLE = Path(__file__).parents[2] / "fixtures" / "examples"


def test_a_finding_is_told_with_what_came_of_such_ones(own, capsys):
    (example,) = sorted(EXAMPLE.glob("*.mbox"))[:1]
    assert main(["check", "--no-tree", "--format", "json", "--rules", str(own), str(example)]) == 1
    (told,) = json.loads(capsys.readouterr().out)["findings"]
    assert told["precedent"]["outcome"] == "dropped"
    assert told["precedent"]["link"].startswith("https://lore.kernel.org/r/")
    assert main(["check", "--no-tree", "--rules", str(own), str(example)]) == 1
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("  earlier")]
    assert "was dropped" in line


def test_a_mail_from_before_the_record_is_told_of_nothing_in_it(own, capsys, tmp_path):
    (example,) = sorted(EXAMPLE.glob("*.mbox"))[:1]
    early = re.sub(r"(?m)^Date: .*$", "Date: Mon, 5 Mar 2018 10:00:00 +0000", example.read_text())
    mail = tmp_path / "early.mbox"
    mail.write_text(early)
    assert main(["check", "--no-tree", "--format", "json", "--rules", str(own), str(mail)]) == 1
    (told,) = json.loads(capsys.readouterr().out)["findings"]
    assert told["precedent"] is None
