"""Which rule speaks of a downgrade, how loud, and in which words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from patchlint.model.diff import DiffLine, FileDiff, Hunk
from patchlint.model.effect import (
    LIMITED,
    Act,
    Downgrade,
    EntryChain,
    Ground,
    Promise,
    Step,
    Traits,
)
from patchlint.model.facts import UNNAMED
from patchlint.model.finding import LEVELS
from patchlint.model.mail import Patch
from patchlint.report import words
from patchlint.ruleset import events
from patchlint.ruleset.findings import choose, finding, fingerprint
from patchlint.ruleset.load import load
from patchlint.ruleset.quotes import Diffs

SHIPPED = load(cached=False)
PATH = "fs/lamp.c"
STEP = Step("lamp_close", PATH, 6, "iput()")
LOSS = Downgrade(
    shape="deferred",
    cleanup="iput",
    family="inode",
    also=(),
    function="lamp_close",
    path=PATH,
    line=4,
    side="post",
    patch=1,
    before=Promise("task", "before-call-returns", (STEP,)),
    after=Promise("workqueue", "eventually", (STEP,), "queue_work", "lamp_gone"),
    condition=None,
    level_cap="warning",
    confidence="high",
    reasons=(Ground("it was so"),),
    what=Act("call", "iput"),
    lost=(3,),
)
ENTRY = EntryChain("lamp_off", "syscall", ("lamp_off", "lamp_close"))
PATCH = Patch(1, "lamp@example.org", None, "lamp: wait", "", None, "", "", "lamp.mbox")


def lost(cleanup, **change):
    """The same of another release."""
    return replace(LOSS, **({"cleanup": cleanup, "what": Act("call", cleanup)} | change))


def hunk(*texts):
    """A hunk from diff lines, both sides counted from 1."""
    lines, old, new = [], 1, 1
    for text in texts:
        kind = text[0]
        lines.append(
            DiffLine(kind, text[1:], old if kind != "+" else None, new if kind != "-" else None)
        )
        old += kind != "+"
        new += kind != "-"
    return Hunk(1, old - 1, 1, new - 1, "", tuple(lines))


DIFF = FileDiff(PATH, PATH, "modify", (hunk(" a", " b", "-iput", "+init", "+queue", " c", " d"),))


def said(loss=LOSS, files=(DIFF,), ruleset=SHIPPED):
    return finding(ruleset, loss, 0, PATCH, Diffs(files))


# -- which rule ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, "inode-put-deferred"),
        ({"cleanup": "mntput", "family": "mount"}, "mount-put-deferred"),
        ({"cleanup": "fput", "family": "file"}, "file-put-deferred"),
        ({"cleanup": "lamp_destroy", "family": "structural"}, "teardown-deferred"),
        ({"shape": "twin"}, "deferred-twin"),
        ({"shape": "lost-wait"}, "lost-flush"),
        ({"shape": "task-work-to-workqueue"}, "task-work-to-workqueue"),
        ({"shape": "moved-body"}, "inode-put-deferred"),
        (
            {"shape": "moved-body", "cleanup": "lamp_destroy", "family": "structural"},
            "teardown-moved-to-callback",
        ),
    ],
)
def test_the_most_specific_rule_speaks(change, rule):
    assert choose(SHIPPED, replace(LOSS, **change)).id == rule


def test_the_order_of_rules_does_not_matter():
    turned = replace(SHIPPED, rules=tuple(reversed(SHIPPED.rules)))
    assert choose(turned, LOSS) == choose(SHIPPED, LOSS)


def test_no_rule_no_finding():
    bare = replace(SHIPPED, rules=())
    assert choose(bare, LOSS) is None
    assert said(ruleset=bare) is None


def test_a_rule_without_family_cleanup_and_shape_speaks_of_nothing():
    rule = next(r for r in SHIPPED.rules if r.id == "inode-put-deferred")
    empty = replace(rule, families=(), cleanups=(), shape=None)
    assert choose(replace(SHIPPED, rules=(empty,)), LOSS) is None


def test_a_rule_of_one_cleanup_goes_before_that_of_its_family():
    rule = next(r for r in SHIPPED.rules if r.id == "inode-put-deferred")
    own = replace(rule, id="iput-alone", cleanups=("iput",))
    both = replace(SHIPPED, rules=(rule, own))
    assert choose(both, LOSS).id == "iput-alone"
    assert choose(both, lost("evict")).id == "inode-put-deferred"


# -- how loud ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cap", "entries", "level"),
    [
        ("error", (ENTRY,), "error"),
        ("error", (), "warning"),
        ("warning", (ENTRY,), "warning"),
        ("note", (ENTRY,), "note"),
    ],
)
def test_a_chain_raises_and_a_doubt_lowers(cap, entries, level):
    assert said(replace(LOSS, level_cap=cap, entry_points=entries)).level == level


@given(st.sampled_from(SHIPPED.rules), st.sampled_from(LEVELS), st.sampled_from([(), (ENTRY,)]))
def test_never_louder_than_the_evidence(rule, cap, entries):
    loss = replace(LOSS, level_cap=cap, entry_points=entries, shape=rule.shape or "deferred")
    loss = replace(loss, family=(rule.families or ("inode",))[0])
    one = replace(SHIPPED, rules=(replace(rule, cleanups=()),))
    level = said(loss, ruleset=one).level
    assert LEVELS.index(level) >= LEVELS.index(cap)
    if rule.level == "note":
        assert level == "note"


# -- words ---------------------------------------------------------------------------------


def test_the_sentence_says_what_was_and_what_is():
    assert said().message == (
        "iput() moves from lamp_close() to a work item: no longer done when the call returns"
    )


def test_the_sentence_names_the_branch_and_what_moved_along():
    loss = replace(LOSS, condition="lazy", also=("dput", "fput", "mntput", "path_put"))
    message = said(loss).message
    assert "from lamp_close() to a work item when `lazy`: no longer" in message
    assert message.startswith("iput() and 4 others move from")
    assert said(replace(loss, also=("dput",))).message.startswith("iput() and dput() move from")
    counter = said(replace(loss, also=("->qnkeys",))).message
    assert counter.startswith("iput() and the lowering of ->qnkeys move from")
    long = said(replace(loss, condition="c" * 33)).message
    assert "a work item on one branch: no longer" in long


def test_a_wait_that_does_not_help_is_why():
    why = said(replace(LOSS, in_vain="flush_work")).why
    assert why.startswith(
        f"flush_work() holds the call until {LOSS.after.callback}() is done, but "
    )
    assert "iput() puts itself off" in why


def test_a_lost_wait_is_said_as_one():
    assert said(replace(LOSS, shape="lost-wait")).message == (
        "lamp_close() no longer waits for lamp_gone(), which does iput() in a work item"
    )


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ("task", "another place of the task"),
        ("kthread", "a kernel thread"),
        ("rcu-callback", "an RCU callback"),
        ("softirq", "softirq context"),
        ("unknown", "a context that is not known"),
    ],
)
def test_every_context_has_words(context, words):
    after = replace(LOSS.after, context=context, callback=None, mechanism=None)
    assert f"from lamp_close() to {words}: no" in said(replace(LOSS, after=after)).message


def test_what_a_helper_runs_later_that_nobody_shows_is_told_by_its_name():
    after = replace(LOSS.after, context="unknown", callback=None, mechanism="lamp_put_async")
    assert "to what lamp_put_async() runs later: no" in said(replace(LOSS, after=after)).message


def test_from_one_work_item_it_moves_to_another():
    loss = replace(LOSS, before=replace(LOSS.before, context="workqueue"))
    assert "from lamp_close() to another work item: done later" in said(loss).message


def test_a_wait_for_what_no_hunk_shows_was_one_for_its_run():
    loss = replace(LOSS, shape="lost-wait", what=Act("rest", "lamp_dark"))
    assert said(loss).message == (
        "lamp_close() no longer waits for lamp_gone(), which runs in a work item"
    )


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("defined(CONFIG_LAMP)", "a work item with CONFIG_LAMP: no longer"),
        ("!defined(CONFIG_LAMP)", "a work item without CONFIG_LAMP: no longer"),
        ("defined(CONFIG_LAMP) && lazy", "when `defined(CONFIG_LAMP) && lazy`: no longer"),
    ],
)
def test_a_branch_that_the_configuration_takes_is_told_as_an_option(condition, told):
    assert told in said(replace(LOSS, condition=condition)).message


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            Ground("lamp_work(): an argument is a work_struct", also_by="workqueue"),
            "a work item comes to the old path as well: lamp_work(): an argument is a work_struct",
        ),
        (
            Ground("lamp_end() is given to lamp_bio()", also_by="softirq"),
            "a softirq comes to the old path as well: lamp_end() is given to lamp_bio()",
        ),
    ],
)
def test_who_else_comes_to_the_old_path_is_told_in_words(reason, told):
    assert told in said(replace(LOSS, reasons=(reason,))).evidence


def test_evidence_ends_with_the_row_or_with_what_it_stands_for():
    known = SHIPPED.kernel.cleanups["iput"]
    assert said().evidence == (
        "it was so",
        f"what iput() does is known from {known.source.evidence} of Linux 6.1",
    )
    # what is told without a line is none of one kernel
    told = SHIPPED.kernel.cleanups["fput_close"]
    assert said(lost("fput_close")).evidence[-1].endswith(f"({told.source.evidence})")
    unknown = said(lost("lamp_destroy", family="structural"))
    assert "lamp_destroy() is in no table" in unknown.evidence[-1]
    # nobody is known to wait for it, and the headline says that it is late
    assert unknown.why == ""


@pytest.mark.parametrize(
    ("context", "mechanism", "told"),
    [
        ("workqueue", "queue_work", "wait for lamp_gone() with flush_work() "),
        ("workqueue", "schedule_delayed_work", "wait for lamp_gone() with flush_delayed_work(), "),
        ("workqueue", None, "wait for lamp_gone() with flush_work() "),
        ("rcu-callback", "call_rcu", "leave the memory alone to lamp_gone(); rcu_barrier() "),
        ("kthread", "wake_up_process", "wait for a completion that the thread signals "),
        ("unknown", "lamp_put_async", "do in the call what the next caller may find"),
    ],
)
def test_advice_on_what_no_table_knows_is_that_of_the_mechanism(context, mechanism, told):
    loss = lost("lamp_dim", family="structural")
    loss = replace(loss, after=replace(loss.after, context=context, mechanism=mechanism))
    (one,) = said(loss).advice
    assert told in one


def test_a_thread_is_stopped_where_it_asks_for_that():
    """One that ends by itself may be gone by then."""
    loss = lost("lamp_dim", family="structural")
    loss = replace(loss, after=replace(loss.after, context="kthread", mechanism="kthread_run"))
    assert "kthread_stop()" not in said(loss).advice[0]
    assert "kthread_stop()" in said(replace(loss, traits=Traits(asks=True))).advice[0]


def test_nobody_is_told_of_a_grace_period_where_none_is():
    loss = lost("mntput", family="mount")
    told = said(loss).advice
    assert told
    assert not [one for one in told if "grace period" in one]
    assert [
        one for one in said(replace(loss, traits=Traits(grace=True))).advice if "expedited" in one
    ]


def test_advice_on_a_release_that_is_not_of_the_core_is_that_of_the_mechanism():
    known = SHIPPED.kernel.cleanups["kcm_done"]
    (one,) = said(lost("kcm_done", family=known.family)).advice
    assert one.startswith("wait for lamp_gone() with flush_work() ")


def test_advice_on_a_twin_names_the_direct_one():
    loss = lost("mmput", shape="twin", family="mm")
    loss = replace(loss, after=replace(loss.after, mechanism="mmput_async", callback=None))
    assert said(loss).advice[0].startswith("keep mmput() where the caller may sleep; ")


def test_a_function_that_is_known_says_what_was_lost_with_it():
    """What it lost no table knows, and is no release of its family by itself."""
    known = SHIPPED.kernel.cleanups["_cifsFileInfo_put"]
    loss = lost("_free_xid", function="_cifsFileInfo_put", family="file")
    found = said(loss)
    assert found.why == known.why.replace("{call}", "_cifsFileInfo_put()")
    assert known.releases in found.why
    assert found.symptoms == known.symptoms
    assert not any("fput()" in one for one in found.advice)


def test_of_several_kernels_the_one_counts_in_which_it_was_done_in_the_call():
    direct = next(row for row in SHIPPED.kernel.rows_of("dqput") if row.kind == "sync")
    loss = replace(
        LOSS, cleanup="release_dquot", what=Act("member", "release_dquot"), function="dqput"
    )
    found = said(replace(loss, family="superblock"))
    assert found.symptoms == direct.symptoms
    assert not any("superblock" in one for one in found.advice)


def test_a_release_at_the_return_of_the_same_task_is_not_told_as_one_of_another_thread():
    after = Promise("task", "before-return-to-user", (STEP,), "fput")
    loss = lost("bdev_release", shape="weaker", family="block", after=after)
    found = said(loss)
    assert found.message.endswith("but at the return to user space")
    assert "the same task does it" in found.why
    assert not any("another thread" in one for one in (found.why, *found.advice))


def test_of_what_no_table_knows_why_says_nothing_that_the_headline_says():
    loss = lost("lamp_dim", family="structural")
    assert said(replace(loss, entry_points=(ENTRY,))).why == ""


def test_of_a_number_why_says_who_finds_it_taken():
    loss = replace(lost("lamp_ids", family="structural"), what=Act("number", "lamp_ids"))
    taken = "whoever asks for that number, or for a free one, right after {} may find it taken"
    assert said(loss).why == taken.format(f"{loss.function}()")
    detach = replace(ENTRY, said="lamp_off(..., LAZY)")
    assert said(replace(loss, entry_points=(detach,))).why == taken.format(detach.said)


CLOSE = EntryChain("lamp_release", "file operation", (), "file_operations.release")
PUT_SUPER = EntryChain("lamp_put", "superblock operation", (), "super_operations.put_super")
UMOUNT = EntryChain("umount", "syscall", (), "umount2(..., MNT_DETACH)")
EXIT = EntryChain("exit_group", "syscall", ())
PROBE = EntryChain("lamp_probe", "odd operation", (), "lamp_ops.probe")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((), "the call"),
        ((CLOSE,), "close(2)"),
        ((CLOSE, replace(CLOSE, name="lamp_other")), "close(2)"),
        ((PUT_SUPER, UMOUNT), "umount(2) or umount2(..., MNT_DETACH)"),
        ((CLOSE, EXIT, UMOUNT), "close(2), the exit of the process or umount2(..., MNT_DETACH)"),
        # of many none says when, and of what no table knows nobody knows it
        ((CLOSE, EXIT, PUT_SUPER, UMOUNT), "the call"),
        ((PROBE,), "the call"),
        ((PROBE, EXIT), "the exit of the process"),
        # what the entry is called for, where no event has it
        ((replace(PROBE, event="slot power off"),), "slot power off"),
        ((ENTRY,), "lamp_off(2)"),
    ],
)
def test_a_text_says_what_user_space_did(entries, said):
    assert events.filled(SHIPPED.kernel, "late after {call}", entries) == f"late after {said}"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((), ""),
        ((PUT_SUPER, ENTRY), ""),
        ((EXIT,), "late after the exit of the process"),
        ((EXIT, PUT_SUPER, CLOSE), "late after the exit of the process or close(2)"),
    ],
)
def test_a_symptom_of_an_event_is_told_where_that_is_shown(entries, said):
    text = "late after {close, exit}"
    assert events.filled(SHIPPED.kernel, text, entries) == said
    assert events.plain(SHIPPED.kernel, text) == "late after close(2) or the exit of the process"


def test_what_a_file_shows_as_is_told_of_the_events_that_are_shown():
    texts = {one: said(lost("fput", family="file", entry_points=(one,))) for one in (EXIT, UMOUNT)}
    assert "right after umount2(..., MNT_DETACH)" in texts[UMOUNT].symptoms[0]
    assert any("ETXTBSY" in one for one in texts[EXIT].symptoms)
    assert not any("ETXTBSY" in one for one in texts[UMOUNT].symptoms)


def test_of_a_wait_for_whatever_it_was_nothing_is_known_to_run_on():
    wait = replace(LOSS, shape="lost-wait", family="structural", what=Act("wait", "lamp->dark"))
    assert said(wait).symptoms == ()
    assert said(replace(wait, runs_on="lamp_glow")).symptoms


@pytest.mark.parametrize("name", ["iput", "mntput", "fput", "lamp_destroy"])
def test_every_finding_has_advice_and_symptoms_once(name):
    known = SHIPPED.kernel.cleanups.get(name)
    one = said(lost(name, family=known.family if known else "structural"))
    # of what is in no table nobody knows as what its delay shows
    assert bool(one.symptoms) is (known is not None)
    assert one.advice
    assert len(set(one.advice)) == len(one.advice)


# -- the hunk ------------------------------------------------------------------------------


def test_the_hunk_marks_the_deferral_and_the_release_that_went():
    found = said(replace(LOSS, line=4)).hunk
    assert [(line.kind + line.text, line.marked) for line in found] == [
        (" a", False),
        (" b", False),
        ("-iput", True),
        ("+init", False),
        ("+queue", True),
        (" c", False),
        (" d", False),
    ]


def test_the_hunk_marks_the_test_that_sends_more_there():
    diff = replace(DIFF, hunks=(hunk(" a", "-if (b)", "+if (b || c)", " queue", " else", " iput"),))
    found = said(replace(LOSS, line=3, lost=(5,), leading=(2,)), (diff,)).hunk
    assert [line.text for line in found if line.marked] == ["if (b)", "if (b || c)", "queue"]
    # one that stood there before tells nothing new
    found = said(replace(LOSS, line=3, lost=(5,), leading=(4,)), (diff,)).hunk
    assert [line.text for line in found if line.marked] == ["queue"]


def test_a_loss_on_the_old_side_marks_old_lines_alone():
    found = said(replace(LOSS, side="pre", line=3, lost=())).hunk
    assert [line.text for line in found if line.marked] == ["iput"]


def test_a_line_outside_of_the_diff_has_no_hunk():
    assert said(replace(LOSS, line=99, lost=())).hunk == ()
    assert said(replace(LOSS, path="fs/other.c")).hunk == ()


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40))
def test_a_hunk_stays_short_and_shows_marks(lost):
    long = replace(DIFF, hunks=(hunk(*(f"-{n}" for n in range(200))),))
    found = said(replace(LOSS, line=999, lost=tuple(lost)), (long,)).hunk
    assert 1 <= len(found) <= 12
    assert any(line.marked for line in found)
    numbers = [line.old for line in found]
    assert numbers == sorted(set(numbers))


# -- the fingerprint -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"line": 900, "lost": (800,)},
        {"patch": 7},
        {"condition": "lazy"},
        {"level_cap": "note", "confidence": "low", "reasons": ()},
        {"also": ("dput",), "entry_points": (ENTRY,)},
        {"before": replace(LOSS.before, chain=())},
    ],
)
def test_places_and_doubts_do_not_change_a_fingerprint(change):
    assert fingerprint("rule", replace(LOSS, **change)) == fingerprint("rule", LOSS)


@pytest.mark.parametrize(
    "change",
    [
        {"function": "bulb_close"},
        {"path": "fs/bulb.c"},
        {"cleanup": "dput"},
        {"after": replace(LOSS.after, mechanism="call_rcu")},
        {"after": replace(LOSS.after, callback="bulb_gone")},
    ],
)
def test_another_thing_has_another_fingerprint(change):
    assert fingerprint("rule", replace(LOSS, **change)) != fingerprint("rule", LOSS)
    assert fingerprint("other", LOSS) != fingerprint("rule", LOSS)


def test_the_line_that_is_told_does_not_change_what_a_finding_is_known_by():
    elsewhere = replace(LOSS, path="fs/helper.c", line=70, home=PATH)
    found = said(elsewhere)
    assert (found.path, found.line, found.side) == (PATH, 3, "pre")
    assert found.fingerprint == fingerprint(found.rule, elsewhere)


def test_a_counter_that_moves_as_well_is_told_as_what_it_is():
    told = said(lost("fput", family="file", also=("->shm_tot",))).message
    assert told.startswith("fput() and the lowering of ->shm_tot move from lamp_close() ")
    told = said(lost("fput", family="file", also=("->user = NULL",))).message
    assert told.startswith("fput() and the store ->user = NULL move from lamp_close() ")


def test_a_fingerprint_is_sixteen_hex_digits_and_stays_over_releases():
    assert said().fingerprint == fingerprint("inode-put-deferred", LOSS)
    assert fingerprint("inode-put-deferred", LOSS) == "2e825af8caa97473"


# -- what is said of what no table knows, and of what no hunk names ------------------------


@pytest.mark.parametrize(
    ("change", "starts"),
    [
        (
            {"what": Act("member", "release"), "cleanup": "release"},
            "->release() moves from lamp_close() to ",
        ),
        (
            {"what": Act("rest", "lamp_dim"), "cleanup": "lamp_dim"},
            "the rest of lamp_dim() moves from lamp_close() to ",
        ),
        (
            {
                "what": Act("rest", "lamp_close"),
                "body": True,
                "also": ("dput",),
            },
            "lamp_close() is done by a work item now: no longer done when the call returns",
        ),
        (
            {"what": Act("call", "lamp_destroy"), "body": True, "shape": "moved-body"},
            "the body of lamp_close(), with lamp_destroy(), moves to a work item",
        ),
        ({"body": True, "family": "inode"}, "iput() moves from lamp_close() to "),
        (
            {"function": f"{UNNAMED}88"},
            "iput() moves from a function that no hunk names to a work item",
        ),
    ],
)
def test_what_moved_is_said_in_words(change, starts):
    loss = replace(LOSS, **({"family": "structural"} | change))
    found = said(loss)
    assert found.message.startswith(starts)
    assert UNNAMED not in repr(found)


def test_what_has_no_name_is_judged_by_its_place():
    loss = lost("release", family="structural", what=Act("member", "release"))
    assert "what ->release() does is not known" in said(loss).evidence[-1]


def test_what_only_ends_like_the_function_moves_from_it():
    loss = lost("__lamp_close", family="structural")
    assert said(loss).message.startswith("__lamp_close() moves from lamp_close() to a work item")


def test_an_unnamed_function_keeps_its_fingerprint_when_lines_shift():
    steps = [Step(f"{UNNAMED}{line}", PATH, line, "iput()") for line in (88, 90)]
    one, other = (
        said(
            replace(
                LOSS, function=step.function, before=replace(LOSS.before, chain=(step,)), line=4
            )
        )
        for step in steps
    )
    assert one.fingerprint == other.fingerprint
    assert one.before.chain[0].function == one.function == "(unnamed)"


@pytest.mark.parametrize("context", ["kthread", "workqueue", "rcu-callback", "softirq"])
def test_of_a_path_that_was_no_task_no_return_to_user_space_is_lost(context):
    loss = replace(LOSS, before=Promise(context, "before-return-to-user", (STEP,)))
    message = said(loss).message
    assert "done later; it seems to have run in" in message
    assert "return" not in message


def test_advice_of_the_release_goes_without_that_of_the_family_twice():
    rule = next(r for r in SHIPPED.rules if r.id == "inode-put-deferred")
    known = SHIPPED.kernel.cleanups["iput"]
    assert said().advice == known.advice
    twin = said(replace(LOSS, shape="twin"))
    assert twin.advice[-len(known.advice) :] == known.advice
    assert len(twin.advice) > len(known.advice)
    assert rule.advice == said(lost("lamp_gone", family="inode")).advice


def test_of_what_no_table_knows_nothing_is_said_to_show():
    for family in ("structural", "device"):
        for name in ("lamp_destroy", "lamp_notify"):
            assert said(lost(name, family=family)).symptoms == ()
    # a form of the move may tell, whatever it is that moved
    freed = replace(lost("lamp_notify", family="structural"), traits=Traits(frees=True))
    assert said(replace(freed, shape="lost-wait")).symptoms


def test_code_of_the_function_itself_does_not_move_from_it_twice():
    loss = replace(LOSS, family="structural", what=Act("rest", "lamp_close"))
    assert said(loss).message.startswith("the rest of lamp_close() moves to a work item: ")
    assert "no hunk shows" not in repr(said(loss))


# -- which lines are shown -----------------------------------------------------------------


def test_lines_of_the_release_are_marked_in_its_own_file_alone():
    helper = FileDiff("fs/helper.c", "fs/helper.c", "modify", (hunk(" x", " y", "-z", "+put"),))
    loss = replace(LOSS, path="fs/helper.c", line=3, home=PATH)
    found = said(loss, (helper, DIFF))
    marked = [(one.text, one.path) for one in found.hunk if one.marked]
    assert marked == [("put", ""), ("iput", PATH)]
    assert [one for one in found.quote if one.startswith("+++")] == [
        "+++ b/fs/helper.c",
        f"+++ b/{PATH}",
    ]
    other = said(replace(loss, line=99), (helper, DIFF))
    assert [one.text for one in other.hunk if one.marked] == ["iput"]


@pytest.mark.parametrize(
    ("tree", "cap", "level", "held"),
    [
        (False, "warning", "note", True),
        (True, "warning", "warning", False),
        # what a doubt turned down with a tree was not held by the record
        (True, "note", "note", False),
    ],
)
def test_a_record_from_hunks_alone_holds_nothing_with_a_tree(tree, cap, level, held):
    rules = tuple(replace(rule, held="note") for rule in SHIPPED.rules)
    loss = replace(LOSS, level_cap=cap)
    found = finding(replace(SHIPPED, rules=rules), loss, 0, PATCH, Diffs((DIFF,)), tree=tree)
    assert found.level == level
    assert any("note at most" in one for one in found.evidence) == held


# -- an advice that would not help is none ---------------------------------------------------


def test_a_callback_that_stood_before_the_series_is_given_no_work_of_another():
    item = Promise("workqueue", "eventually", (STEP,), "queue_work", "lamp_gone")
    loss = lost("lamp_destroy", family="structural", after=item, own=True)
    assert not any("lamp_gone()" in one for one in said(loss).advice)
    brought = replace(loss, traits=Traits(added=True))
    assert any("leave only memory to lamp_gone()" in one for one in said(brought).advice)


@pytest.mark.parametrize("traits", [Traits(locked=True), Traits(each_processor=True)])
def test_no_wait_is_advised_where_it_would_hang_or_wait_for_one_of_many(traits):
    loss = lost("lamp_destroy", family="structural")
    assert any("flush_work()" in one for one in said(loss).advice)
    assert not any("flush_work()" in one for one in said(replace(loss, traits=traits)).advice)


def test_no_exit_of_a_task_is_told_to_wait_for_a_worker():
    loss = lost("lamp_destroy", family="structural")
    for entries, waits in (((EXIT,), False), ((EXIT, CLOSE), True)):
        found = said(replace(loss, entry_points=entries))
        assert any("flush_work()" in one for one in found.advice) is waits


def test_who_returns_nothing_tells_no_error():
    loss = lost("lamp_destroy", family="structural", reasons=(LIMITED,), shape="lost-wait")
    assert "an error" in said(loss).advice[0]
    assert "an error" not in said(replace(loss, traits=Traits(silent=True))).advice[0]


def test_a_file_that_a_worker_puts_is_not_closed_when_the_worker_is_done():
    after = Promise("kthread", "eventually", (STEP,), "kthread_queue_work", "lamp_gone")
    found = said(lost("sockfd_put", family="socket", after=after))
    (told,) = found.advice
    assert told.startswith("keep sockfd_put() in the task: to wait for lamp_gone() is not enough")


def test_a_module_is_held_while_the_callback_stops_something():
    loss = lost("module_put", family="module")
    assert any("module reference in the task" in one for one in said(loss).advice)
    stops = said(replace(loss, traits=Traits(stops=True)))
    assert not any("module reference in the task" in one for one in stops.advice)


def test_what_a_lost_wait_leaves_running_meets_what_the_function_frees():
    loss = lost("lamp_wait", family="structural", shape="lost-wait")
    assert said(replace(loss, traits=Traits(frees=True))).symptoms == (
        "the work item may run after what it works on is freed",
    )
    # who ends it later may wait then, and what runs on may be held for it
    assert said(loss).symptoms == ()
    assert said(replace(loss, traits=Traits(frees=True, holds=True))).symptoms == ()


def test_what_stood_before_the_grace_period_is_to_be_done_in_the_call():
    after = Promise("rcu-callback", "after-grace-period", (STEP,), "call_rcu", "lamp_gone")
    loss = lost("lamp_hide", family="structural", shape="rcu-release", after=after)
    assert "synchronize_rcu_expedited" in said(loss).advice[0]
    found = said(replace(loss, traits=Traits(before_wait=True)))
    assert found.symptoms == ()
    assert found.advice == (
        "do it in the call, as before, and leave to lamp_gone() only what needs the grace period",
    )


def test_where_a_twin_stands_in_the_place_of_a_call_the_headline_says_that():
    """What the call did may be to wait for what others do: that does not move."""
    after = Promise("softirq", "eventually", (STEP,), "usb_unlink_urb", "__usb_hcd_giveback_urb")
    loss = lost("usb_kill_urb", family="device", shape="twin", after=after)
    assert said(loss).message == (
        "usb_unlink_urb() takes the place of usb_kill_urb() in lamp_close(): no longer done when"
        " the call returns"
    )
    assert "takes the place" not in said(replace(loss, also=("mmput",))).message


def test_who_comes_to_what_a_twin_leaves_to_others_is_said():
    twin, later = "snd_card_free_when_closed", "release_card_device"
    after = Promise("unknown", "eventually", (STEP,), twin, later)
    loss = lost("snd_card_free", family="device", shape="twin", after=after)
    assert words.context(said(loss).after) == "the last close of the card"
    assert words.context(after) == "whoever runs it"
