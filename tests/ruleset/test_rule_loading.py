"""What the loader accepts, refuses, overrides and keeps."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from patchlint.ruleset import cache
from patchlint.ruleset.load import RuleError, load, vocabulary

RULE = """\
title = "A lamp is put out late"
level = "warning"
families = ["device"]
symptoms = ["the room is still lit"]
advice = ["put it out in the task"]
"""

CLEANUPS = """\
family = "device"

[[cleanup]]
name = "lamp_put"
kind = "sync"
releases = "a lamp"
file = "drivers/lamp/core.c"
evidence = "drivers/lamp/core.c:10"
"""


@pytest.fixture
def house(tmp_path):
    """A folder of rules of one's own: one rule, one cleanup."""
    root = tmp_path / "house"
    (root / "kernel" / "cleanups").mkdir(parents=True)
    (root / "lamp-put-late.toml").write_text(RULE)
    (root / "lamp-put-late.md").write_text("# A lamp\n")
    (root / "kernel" / "cleanups" / "lamp.toml").write_text(CLEANUPS)
    return root


def refusal(house, path, text, **how):
    (house / path).parent.mkdir(parents=True, exist_ok=True)
    (house / path).write_text(text)
    with pytest.raises(RuleError) as caught:
        load([house], **how)
    assert caught.value.file == house / path
    return caught.value


def test_a_context_that_is_waited_for_is_one_of_the_known(house):
    good = CLEANUPS + 'waited_in = ["rcu-callback"]\n'
    (house / "kernel" / "cleanups" / "lamp.toml").write_text(good)
    assert load([house]).kernel.cleanups["lamp_put"].waited_in == ("rcu-callback",)
    wrong = refusal(house, "kernel/cleanups/lamp.toml", good.replace("rcu-callback", "rcu"))
    assert "'waited_in' must be one of" in str(wrong)


def test_own_rules_come_beside_the_shipped_ones(house, shipped):
    loaded = load([house])
    assert {rule.id for rule in loaded.rules} == {
        *(rule.id for rule in shipped.rules),
        "lamp-put-late",
    }
    rule = next(rule for rule in loaded.rules if rule.id == "lamp-put-late")
    assert (rule.level, rule.families, rule.documentation) == ("warning", ("device",), "# A lamp\n")
    assert loaded.kernel.cleanups["lamp_put"].source.file == "drivers/lamp/core.c"


def test_a_row_that_says_nothing_takes_the_words_of_its_family(house):
    loaded = load([house]).kernel.cleanups
    # device has a core: of others it says who meets what they release
    assert loaded["lamp_put"].symptoms == ()
    assert loaded["lamp_put"].why == (
        f"{loaded['lamp_put'].releases} may not be released yet right after {{call}}"
    )
    assert loaded["lamp_put"].task == "before-call-returns"


def test_a_later_folder_overrides_by_name(house):
    text = CLEANUPS.replace("lamp_put", "device_del").replace("a lamp", "a lamp's device")
    (house / "kernel" / "cleanups" / "lamp.toml").write_text(text)
    assert load([house]).kernel.cleanups["device_del"].releases == "a lamp's device"


def test_own_structure_adds_to_the_shipped_one(house):
    base = load([house]).kernel
    (house / "kernel" / "structural.toml").write_text("""\
teardown = ['^snuff_']
not_teardown = []
deferral_types = ["lamp_work"]
error_path = []
refcount_puts = []
[list_adds]
lamp_hang = [1, 0]
[list_drains]
""")
    kernel = load([house]).kernel
    assert kernel.teardown.search("snuff_lamp")
    assert not base.teardown.search("snuff_lamp")
    assert kernel.teardown.search("lamp_release")
    assert kernel.list_adds == {**base.list_adds, "lamp_hang": (1, 0)}
    assert kernel.deferral_types == base.deferral_types | {"lamp_work"}


def test_the_digest_changes_with_a_rule_a_table_and_a_text(house):
    seen = {load([house]).digest}
    for path, old, new in (
        ("lamp-put-late.toml", "lit", "bright"),
        ("lamp-put-late.md", "lamp", "candle"),
        ("kernel/cleanups/lamp.toml", "a lamp", "a candle"),
    ):
        file = house / path
        file.write_text(file.read_text().replace(old, new))
        digest = load([house]).digest
        assert digest not in seen
        seen.add(digest)


@pytest.mark.parametrize(
    ("path", "text", "line", "said"),
    [
        (
            "lamp-put-late.toml",
            RULE.replace("level", "levle"),
            2,
            "unknown key 'levle'; did you mean 'level'?",
        ),
        (
            "lamp-put-late.toml",
            RULE.replace('"warning"', '"warnign"'),
            2,
            "'level' must be one of error, note, warning; did you mean 'warning'?",
        ),
        (
            "lamp-put-late.toml",
            RULE.replace("device", "devise"),
            3,
            "unknown family 'devise'; did you mean 'device'?",
        ),
        (
            "lamp-put-late.toml",
            'title = "x"\nlevel = "note"\n',
            None,
            "says neither 'families' nor 'cleanups' nor 'shape': it can never speak",
        ),
        (
            "lamp-put-late.toml",
            'title = "x"\nshape = "twn"\nlevel = "note"\n',
            2,
            (
                "'shape' must be one of lost-wait, moved-body, rcu-release, "
                "task-work-to-workqueue, "
                "twin; did you mean 'twin'?"
            ),
        ),
        ("lamp-put-late.toml", "title = \n", 1, "is no TOML: Invalid value (at line 1, column 9)"),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS.replace('"device"', '"devise"'),
            1,
            "unknown family 'devise'; did you mean 'device'?",
        ),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS.replace('"sync"', '"synk"'),
            5,
            (
                "lamp_put: 'kind' must be one of async, ctx, inherit, memory, share, sync, wrap; "
                "did you mean 'sync'?"
            ),
        ),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS.replace("evidence", "evidense"),
            8,
            "lamp_put: unknown key 'evidense'; did you mean 'evidence'?",
        ),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS.replace('releases = "a lamp"\n', ""),
            4,
            "lamp_put: the key 'releases' is missing",
        ),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS.replace("drivers/", "../"),
            7,
            "lamp_put: 'file' must be a path inside of the kernel tree",
        ),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS + 'since = "six"\n',
            9,
            "lamp_put: 'since' must be a kernel version such as '6.1'",
        ),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS + 'since = "6.2"\nuntil = "6.1"\n',
            9,
            "lamp_put: 'since' 6.2 is later than 'until' 6.1",
        ),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS + CLEANUPS.split("\n\n", 1)[1],
            10,
            "'lamp_put' stands here twice",
        ),
        (
            "kernel/cleanups/lamp.toml",
            "[[cleenup]]\n",
            1,
            "unknown table 'cleenup'; did you mean 'cleanup'?",
        ),
        (
            "kernel/cleanups/lamp.toml",
            'cleanup = "lamp"\n',
            1,
            "'cleanup' must be a list of tables: [[cleanup]]",
        ),
        ("kernel/wait.toml", "", None, "unknown table; did you mean 'waits'?"),
        (
            "kernel/hints.toml",
            (
                "[[hint]]\nkind = 'name'\npattern = '_lamp('\ncontext = 'task'\n"
                "strength = 'likely'\nwhy = 'x'\n"
            ),
            3,
            "'pattern' is no regular expression: missing ), unterminated subpattern at position 5",
        ),
        (
            "kernel/waits.toml",
            (
                "[[wait]]\nname = 'lamp_wait'\nkind = 'object'\nobject = -1\nrestores = true\n"
                "trap = 'x'\nfile = 'a.c'\nevidence = 'a.c:1'\n"
            ),
            4,
            "lamp_wait: 'object' must be the number of an argument, from 0",
        ),
        (
            "kernel/cleanups/lamp.toml",
            CLEANUPS + 'seen = ["6.1.192", "six"]\n',
            9,
            "lamp_put: 'seen' must be a list of kernel versions",
        ),
        (
            "kernel/families.toml",
            "[light]\ntitle = 'x'\nsymptoms = []\nadvice = []\n",
            1,
            "the key 'why' is missing",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_a_cure(house, path, text, line, said):
    error = refusal(house, path, text)
    assert error.message == said
    assert error.line == line
    place = f"{house / path}:{line}" if line else str(house / path)
    assert str(error) == f"{place}: {said}"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RuleError, match="no such folder of rules"):
        load([tmp_path / "nowhere"])


def test_a_file_that_is_not_utf8(house):
    (house / "lamp-put-late.toml").write_bytes(b'title = "\xff"\n')
    with pytest.raises(RuleError, match="is not UTF-8 at byte 9"):
        load([house])


def test_one_name_in_two_files_of_one_folder(house):
    (house / "kernel" / "cleanups" / "more.toml").write_text(CLEANUPS)
    with pytest.raises(RuleError, match="'lamp_put' stands here as well as in"):
        load([house])


def test_the_cache_gives_what_was_compiled(house, own_cache):
    fresh = load([house], cached=False)
    assert load([house]) == fresh
    assert list((own_cache / "patchlint").iterdir())
    assert load([house]) == fresh


def test_a_change_is_seen_through_the_cache(house):
    load([house])
    (house / "lamp-put-late.toml").write_text(RULE.replace("still lit", "as bright as before"))
    rule = next(rule for rule in load([house]).rules if rule.id == "lamp-put-late")
    assert rule.symptoms == ("the room is as bright as before",)


def test_a_new_and_a_removed_file_are_seen_through_the_cache(house):
    load([house])
    (house / "second-lamp.toml").write_text(RULE)
    assert "second-lamp" in {rule.id for rule in load([house]).rules}
    (house / "second-lamp.toml").unlink()
    assert "second-lamp" not in {rule.id for rule in load([house]).rules}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00", b"[]", b'{"kernel": {}}'])
def test_a_damaged_cache_is_made_again(body):
    good = load()
    for file in (Path(os.environ["XDG_CACHE_HOME"]) / "patchlint").iterdir():
        head = file.read_bytes().partition(b"\0")[0]
        file.write_bytes(head + b"\0" + body)
    assert load().digest == good.digest


def test_a_cache_of_another_state_is_not_used():
    roots = [cache.shipped()]
    cache.put("rules", roots, "another state", json.dumps({"kernel": {}, "words": {}}).encode())
    assert cache.get("rules", roots, cache.state(roots)) is None
    assert load().rules


def test_a_cache_folder_that_cannot_be_made_is_no_error(tmp_path, monkeypatch, shipped):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert load().digest == shipped.digest


def test_a_ruleset_travels_between_processes(shipped):
    there = pickle.loads(pickle.dumps(shipped))  # noqa: S301 - our own bytes
    assert there == shipped
    assert there.kernel.teardown.search("lamp_release")


def test_the_vocabulary_has_both_halves_of_a_move(shipped):
    words = vocabulary(shipped)
    assert {
        b"mntput",
        b"queue_work",
        b"flush_work",
        b"mmput",
        b"mmput_async",
        b"llist_add",
    } <= words


def test_a_row_outside_of_its_familys_core_says_who_meets_what_it_releases():
    rows = load(cached=False).kernel.cleanups
    core, other = rows["sock_release"], rows["kcm_done"]
    assert core.symptoms[0] == "where it was bound: EADDRINUSE when a daemon is started again"
    assert core.advice
    assert (
        core.why
        == "port and peer are let go only when the callback has run, not right after {call}"
    )
    # how it shows nobody knows of all of them
    assert other.symptoms == ()
    assert other.why.startswith("whoever binds, connects or starts the service again ")
    assert other.why.endswith(f" may find {other.releases} not released yet")
    # what helps with the core need not help here: that is for the mechanism to say
    assert other.advice == ()
    assert rows["ib_free_cq"].why.startswith("ib_free_cq() releases a completion queue; ")


def test_what_is_released_through_another_function_is_told_without_it():
    rows = load(cached=False).kernel.cleanups
    assert rows["lan9303_remove"].releases.endswith(", through dsa_unregister_switch()")
    assert rows["lan9303_remove"].why.endswith(" may find a switch and its ports not released yet")
    assert rows["padata_free"].releases == "what kobject_put() releases"
    assert rows["padata_free"].why.startswith(rows["kobject_put"].releases)


@pytest.mark.parametrize("text", ["who comes may meet it", "{} and {}", 3])
def test_the_sentence_of_what_is_not_core_has_one_place_for_it(house, text):
    families = house / "kernel" / "families.toml"
    said = text if isinstance(text, int) else f'"{text}"'
    words = 'title = "l"\nsymptoms = ["s"]\nadvice = ["a"]\nwhy = "w"\ncore = ["lamp_put"]\n'
    families.write_text(f"[lamps]\n{words}rest = {said}\n")
    with pytest.raises(RuleError, match="for what is released"):
        load([house])


def test_of_what_user_space_cannot_see_nothing_is_promised():
    row = next(
        row
        for row in load(cached=False).kernel.cleanups.values()
        if not row.visible and row.kind == "sync"
    )
    assert "user space cannot tell" in row.why
    assert row.advice == ()
