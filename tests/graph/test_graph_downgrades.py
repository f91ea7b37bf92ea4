"""Which releases are done later than before."""

from __future__ import annotations

import re

import pytest
from graph_kit import PATH, compare, downgrades, files, kernel
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from patchlint.graph.downgrades import find
from patchlint.graph.losses import find as find_losses
from patchlint.graph.reach.way import Marks, Way, Ways
from patchlint.graph.told.condition import condition_of as told_condition
from patchlint.model.effect import MEMORY_ONLY

HEAD = "struct lamp;\n\n"
DIRECT = """\
void lamp_close(struct lamp *lamp)
{
	lamp_dark(lamp);
	iput(lamp->inode);
}
"""
CALLER = """
SYSCALL_DEFINE1(lamp_off, int, fd)
{
	lamp_close(lamp_of(fd));
	return 0;
}
"""
QUEUED = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}

void lamp_close(struct lamp *lamp)
{
	lamp_dark(lamp);
	INIT_WORK(&lamp->work, lamp_gone);
	queue_work(lamp_wq, &lamp->work);
}
"""
LAZY = QUEUED.replace(
    "\tINIT_WORK(&lamp->work, lamp_gone);\n\tqueue_work(lamp_wq, &lamp->work);\n",
    """\
	if (lamp->lazy) {
		INIT_WORK(&lamp->work, lamp_gone);
		queue_work(lamp_wq, &lamp->work);
		return;
	}
	iput(lamp->inode);
""",
)


def said(found):
    return [(d.cleanup, d.function, d.after.callback, d.level_cap) for d in found]


def test_a_release_that_is_queued_is_a_downgrade():
    (found,) = downgrades(DIRECT, QUEUED)
    assert said([found]) == [("iput", "lamp_close", "lamp_gone", "warning")]
    assert (found.before.guarantee, found.after.guarantee) == ("before-call-returns", "eventually")
    assert (found.before.context, found.after.context) == ("unknown", "workqueue")
    assert (found.shape, found.path, found.line, found.side) == ("deferred", PATH, 12, "post")
    assert found.condition is None
    assert found.lost == (4,)


def test_a_system_call_above_makes_it_an_error_with_its_chain():
    (found,) = downgrades(DIRECT + CALLER, QUEUED + CALLER)
    assert (found.level_cap, found.before.context, found.confidence) == ("error", "task", "high")
    assert [(e.name, e.kind, e.chain) for e in found.entry_points] == [
        ("lamp_off", "syscall", ("lamp_off", "lamp_close"))
    ]


def test_the_chains_begin_at_the_entry_point_that_is_told_first():
    other = "\nvoid lamp_hot(struct lamp *lamp)\n{\n\tlamp_close(lamp);\n}\n"
    (found,) = downgrades(DIRECT + other + CALLER, QUEUED + other + CALLER)
    for chain in (found.before.chain, found.after.chain):
        assert [step.function for step in chain][:2] == ["lamp_off", "lamp_close"]


def test_the_branch_on_which_it_is_deferred_is_told():
    (found,) = downgrades(DIRECT, LAZY)
    assert found.condition == "lamp->lazy"


#: what stands in the place of the direct release, and the branch that a finding names
CHOICES = {
    "what is left inline stands on the other side": (
        (
            "\tif (lamp->lazy)\n\t\tqueue_work(lamp_wq, &lamp->work);\n"
            "\telse\n\t\tiput(lamp->inode);\n"
        ),
        "lamp->lazy",
    ),
    "a comparison is turned, not bracketed": (
        (
            "\tif (lamp->age < LAMP_OLD)\n\t\tiput(lamp->inode);\n"
            "\telse\n\t\tqueue_work(lamp_wq, &lamp->work);\n"
        ),
        "lamp->age >= LAMP_OLD",
    ),
    "no memory for the item is no choice": (
        (
            "\tstruct lamp_item *item = kzalloc(sizeof(*item), GFP_KERNEL);\n\n"
            "\tif (!item) {\n\t\tiput(lamp->inode);\n\t\treturn;\n\t}\n"
            "\tqueue_work(lamp_wq, &lamp->work);\n"
        ),
        None,
    ),
    "behind the choice there may be no memory": (
        (
            "\tif (lamp->lazy) {\n\t\tstruct lamp_item *item = kmemdup(lamp, 8, GFP_KERNEL);\n\n"
            "\t\tif (!item)\n\t\t\tgoto now;\n"
            "\t\tqueue_work(lamp_wq, &lamp->work);\n\t\treturn;\n\t}\n"
            "now:\n\tiput(lamp->inode);\n"
        ),
        "lamp->lazy",
    ),
    "a batch that is full only says when": (
        "\tif (lamp->batch >= LAMP_BATCH)\n\t\tqueue_work(lamp_wq, &lamp->work);\n",
        None,
    ),
    "what is queued already only says when": (
        (
            "\tif (!test_and_set_bit(LAMP_QUEUED, &lamp->flags))\n"
            "\t\tqueue_work(lamp_wq, &lamp->work);\n"
        ),
        None,
    ),
    "where nothing is there nothing is done": (
        "\tif (lamp->inode)\n\t\tqueue_work(lamp_wq, &lamp->work);\n",
        None,
    ),
    "another release on the other side": (
        (
            "\tif (lamp->lazy)\n\t\tqueue_work(lamp_wq, &lamp->work);\n"
            "\telse\n\t\tlamp_release(lamp);\n"
        ),
        "lamp->lazy",
    ),
    "somebody else's call on the other side": (
        (
            "\tif (lamp->batch >= LAMP_BATCH)\n\t\tqueue_work(lamp_wq, &lamp->work);\n"
            "\telse\n\t\tbell_ring(desk);\n"
        ),
        None,
    ),
    "a failure that was seen": (
        (
            "\tint rc = lamp_tell(lamp);\n\n"
            "\tif (rc == -EBUSY)\n\t\tqueue_work(lamp_wq, &lamp->work);\n"
            "\telse\n\t\tiput(lamp->inode);\n"
        ),
        "rc == -EBUSY",
    ),
    "a flag of which one constant is seen": (
        (
            "\tbool late = lamp_lazy;\n\n\tlamp_lazy = false;\n"
            "\tif (late) {\n\t\tqueue_work(lamp_wq, &lamp->work);\n\t\treturn;\n\t}\n"
            "\tiput(lamp->inode);\n"
        ),
        "lamp_lazy",
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_branch_told_is_the_one_that_decides(name):
    body, branch = CHOICES[name]
    after = QUEUED.replace(
        "\tINIT_WORK(&lamp->work, lamp_gone);\n\tqueue_work(lamp_wq, &lamp->work);\n", body
    ) + ("\nvoid lamp_init(struct lamp *lamp)\n{\n\tINIT_WORK(&lamp->work, lamp_gone);\n}\n")
    (found,) = downgrades(DIRECT, after)
    assert found.cleanup == "iput"
    assert found.condition == branch


def test_what_is_only_asked_is_done_on_neither_side():
    choice = (
        "\tif (lamp_is_hot(lamp) || lamp_release_due(lamp))\n"
        "\t\tqueue_work(lamp_wq, &lamp->work);\n"
    )
    after = QUEUED.replace("\tqueue_work(lamp_wq, &lamp->work);\n", choice)
    (found,) = [d for d in downgrades(DIRECT, after) if d.cleanup == "iput"]
    assert found.condition is None


def test_who_waits_for_the_deferral_is_no_branch_of_it():
    throttled = (
        "\tqueue_work(lamp_wq, &lamp->work);\n"
        "\tif (lamp->many > LAMP_MANY)\n\t\tflush_work(&lamp->work);\n"
    )
    after = QUEUED.replace("\tqueue_work(lamp_wq, &lamp->work);\n", throttled)
    (found,) = [d for d in downgrades(DIRECT, after) if d.cleanup == "iput"]
    assert found.condition is None


FROZEN = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	if (!sb_start_write_trylock(lamp->sb))
		return;
	iput(lamp->inode);
	sb_end_write(lamp->sb);
}

void lamp_close(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
	queue_work(lamp_wq, &lamp->work);
}
"""


def test_a_hold_that_is_taken_there_is_nothing_that_moved():
    direct = FROZEN.replace("struct work_struct *work)", "struct lamp *lamp)").replace(
        "\tstruct lamp *lamp = container_of(work, struct lamp, work);\n\n", ""
    )
    direct = direct.replace(
        "\tINIT_WORK(&lamp->work, lamp_gone);\n\tqueue_work(lamp_wq, &lamp->work);\n",
        "\tlamp_gone(lamp);\n",
    )
    (found,) = [d for d in downgrades(direct, FROZEN) if d.function == "lamp_close"]
    assert (found.cleanup, found.also) == ("iput", ())


def test_the_release_shown_is_the_one_that_the_series_takes_away():
    before = (
        "void lamp_event(struct lamp *lamp, int what)\n{\n"
        "\tif (what == LAMP_ON) {\n\t\tif (lamp_start(lamp))\n\t\t\tiput(lamp->inode);\n"
        "\t} else {\n\t\tiput(lamp->inode);\n\t}\n}\n"
    )
    gone = "\t} else {\n\t\tiput(lamp->inode);\n"
    after = QUEUED.split("void lamp_close", maxsplit=1)[0] + before.replace(
        gone,
        "\t} else {\n\t\tINIT_WORK(&lamp->work, lamp_gone);\n"
        "\t\tqueue_work(lamp_wq, &lamp->work);\n",
    )
    (found,) = downgrades(before, after)
    shown = before.split("\n")[found.before.chain[-1].line - 2]
    assert shown == "\t} else {"


KICKED = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}

void lamp_kick(struct lamp *lamp)
{
	queue_work(lamp_wq, &lamp->work);
}

void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
}
"""
LEAVE = "void lamp_exit(struct lamp *lamp)\n{\n\tlamp_dark(lamp);\n\tflush_work(&lamp->work);\n}\n"


def test_a_lost_wait_is_told_where_it_stood():
    main = "fs/exit.c"
    before = {PATH: KICKED, main: LEAVE}
    after = {PATH: KICKED, main: LEAVE.replace("\tflush_work(&lamp->work);\n", "")}
    (found,) = downgrades(before, after)
    assert (found.shape, found.path, found.line, found.side) == ("lost-wait", main, 4, "pre")
    first = found.before.chain[0]
    assert (first.function, first.path, first.line) == ("lamp_exit", main, 4)
    assert first.note == "flush_work() waits for lamp_gone()"


def test_a_lost_wait_in_a_callee_is_told_there():
    helper = "void lamp_calm(struct lamp *lamp)\n{\n\tflush_work(&lamp->work);\n}\n\n"
    main = "void lamp_exit(struct lamp *lamp)\n{\n\tlamp_dark(lamp);\n\tlamp_calm(lamp);\n}\n"
    before = KICKED + "\n" + helper + main
    after = KICKED + "\n" + helper + main.replace("\tlamp_calm(lamp);\n", "\tlamp_kick(lamp);\n")
    (found,) = [d for d in downgrades(before, after) if d.function == "lamp_exit"]
    told = [(step.function, step.note) for step in found.before.chain]
    assert told == [
        ("lamp_exit", "calls lamp_calm()"),
        ("lamp_calm", "flush_work() waits for lamp_gone()"),
        ("lamp_gone", "iput()"),
    ]


def test_what_a_table_knows_is_not_taken_for_a_deferral_by_its_name():
    after = DIRECT.replace("iput(lamp->inode)", "LATER(lamp->inode)")
    known = kernel().cleanups["unregister_netdevice_queue"]
    assert kernel().later.search(known.name)
    assert downgrades(DIRECT, after.replace("LATER", known.name)) == ()
    (found,) = find(compare(DIRECT, after.replace("LATER", "lamp_put_later")))
    assert found.after.mechanism == "lamp_put_later"


def test_a_release_at_the_last_reference_says_who_runs_it():
    put = "\tkref_put(&lamp->kref, lamp_release);\n"
    before = DIRECT.replace("\tiput(lamp->inode);\n", put)
    after = QUEUED.replace("\tiput(lamp->inode);\n", put)
    (found,) = downgrades(before, after)
    note = "kref_put() runs lamp_release() at the last reference"
    assert found.cleanup == "lamp_release"
    assert [found.before.chain[-1].note, found.after.chain[-1].note] == [note, note]


def test_what_only_prints_is_not_what_moved():
    told = '\tlamp_tell(lamp, LOUD, "lamp %p is off\\n", lamp);\n'
    before = DIRECT.replace("\tiput(lamp->inode);\n", told)
    after = QUEUED.replace("\tiput(lamp->inode);\n", told)
    assert downgrades(before, after) == ()
    named = told.replace(" %p is off\\n", "")
    assert downgrades(*(text.replace(told, named) for text in (before, after))) != ()


WORKER = """\
static void lamp_gone(struct {type} *arg)
{{
	struct lamp *lamp = container_of(arg, struct lamp, member);

	lamp_dark(lamp);
{release}}}

void lamp_exit(struct lamp *lamp)
{{
	{start};
}}

void lamp_close(struct lamp *lamp)
{{
	lamp_dark(lamp);
{direct}}}
"""


@pytest.mark.parametrize(
    ("kind", "start", "told"),
    [
        (
            "rcu_head",
            "call_rcu(&lamp->member, lamp_gone)",
            ("rcu-callback", "call_rcu", "after-grace-period"),
        ),
        (
            "work_struct",
            "INIT_WORK(&lamp->member, lamp_gone); schedule_work(&lamp->member)",
            ("workqueue", "schedule_work", "eventually"),
        ),
    ],
)
def test_a_release_that_goes_into_what_ran_deferred_tells_what_starts_that(kind, start, told):
    put = "\tiput(lamp->inode);\n"
    before = WORKER.format(type=kind, start=start, release="", direct=put)
    after = WORKER.format(type=kind, start=start, release=put, direct="")
    (found,) = [d for d in downgrades(before, after) if d.function == "lamp_close"]
    now = found.after
    assert (now.context, now.mechanism, now.guarantee) == told
    assert now.callback == "lamp_gone"
    # the line is that of the release where it stands now
    assert after.split("\n")[found.line - 1] == put.strip("\n")


@pytest.mark.parametrize(
    ("body", "what", "moved"),
    [
        ("\tlamp->ops->dark(lamp);\n\tlamp_destroy_wires(lamp);\n", "lamp_destroy_wires()", True),
        ("\tlamp->ops->dark(lamp);\n", "->dark()", True),
    ],
)
def test_a_body_that_moved_whole_is_told_as_one(body, what, moved):
    before = f"void lamp_close(struct lamp *lamp)\n{{\n{body}\tlamp->on = 0;\n}}\n"
    after = (
        "static void lamp_work(struct work_struct *work)\n{\n"
        "\tstruct lamp *lamp = container_of(work, struct lamp, work);\n\n"
        f"{body}\tlamp->on = 0;\n}}\n\n"
        "void lamp_close(struct lamp *lamp)\n{\n"
        "\tINIT_WORK(&lamp->work, lamp_work);\n\tschedule_work(&lamp->work);\n}\n"
    )
    (found,) = downgrades(before, after)
    assert (found.what.said, found.body) == (what, moved)


PAIRS = {
    "queued": (DIRECT, QUEUED),
    "lazy": (DIRECT, LAZY),
    "with a caller": (DIRECT + CALLER, QUEUED + CALLER),
    "rcu": (
        DIRECT,
        DIRECT.replace("\tiput(lamp->inode);\n", "\tcall_rcu(&lamp->rcu, lamp_rcu);\n")
        + "\nstatic void lamp_rcu(struct rcu_head *head)\n{\n\tiput(lamp->inode);\n}\n",
    ),
    "thread": (
        DIRECT,
        "static int lamp_thread(void *data)\n{\n\tiput(lamp->inode);\n}\n\n"
        + DIRECT.replace("\tiput(lamp->inode);\n", '\tkthread_run(lamp_thread, lamp, "lamp");\n'),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_other_direction_gives_nothing(name):
    before, after = PAIRS[name]
    assert downgrades(before, after) != ()
    assert downgrades(after, before) == ()


@pytest.mark.parametrize("name", PAIRS)
def test_no_change_gives_nothing(name):
    for side in PAIRS[name]:
        assert downgrades(side, side) == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("struct lamp *lamp)\n{\n\tlamp_dark", "struct rcu_head *lamp)\n{\n\tlamp_dark"), "rcu"),
        (("&lamp->work);\n}", "&lamp->work);\n\tflush_work(&lamp->work);\n}"), "waits"),
    ],
)
def test_what_was_no_task_or_waits_gives_nothing(change, why):
    old, new = change
    before = DIRECT.replace(*change) if why == "rcu" else DIRECT
    after = QUEUED.replace(old, new)
    assert after != QUEUED
    assert downgrades(before, after) == ()


def test_a_flush_of_a_release_that_defers_itself_there_restores_nothing():
    before, after = (
        text.replace("iput(lamp->inode)", "fput(lamp->file)") for text in PAIRS["queued"]
    )
    waited = after.replace("&lamp->work);\n}", "&lamp->work);\n\tflush_work(&lamp->work);\n}")
    (found,) = downgrades(before, waited)
    assert found.cleanup == "fput"


def test_memory_alone_is_a_note():
    before, after = (text.replace("iput(lamp->inode)", "kfree(lamp)") for text in PAIRS["queued"])
    (found,) = downgrades(before, after)
    assert (found.level_cap, found.reasons[0]) == ("note", MEMORY_ONLY)


def test_what_the_message_says_of_the_old_context_turns_it_down():
    (found,) = downgrades(DIRECT, QUEUED, message="lamp_close() is called from softirq context.")
    assert found.level_cap == "note"
    assert "the old path was not a task" in found.reasons[0].said


def test_a_subject_counts_for_the_files_of_its_patch_alone():
    title = "lamp: fix sleep in atomic context"
    (found,) = downgrades(DIRECT, QUEUED, titles=[(title, frozenset({PATH}))])
    assert found.level_cap == "note"
    (found,) = downgrades(DIRECT, QUEUED, titles=[(title, frozenset({"fs/other.c"}))])
    assert found.level_cap == "warning"


def test_a_new_helper_on_the_same_way_is_no_downgrade():
    after = (
        "static void lamp_end(struct lamp *lamp)\n{\n\tiput(lamp->inode);\n}\n\n"
        + DIRECT.replace("iput(lamp->inode)", "lamp_end(lamp)")
    )
    assert downgrades(DIRECT, after) == ()


def test_a_work_item_that_was_queued_before_is_not_new():
    before = QUEUED.replace("queue_work(lamp_wq, &lamp->work)", "schedule_work(&lamp->work)")
    assert downgrades(before, QUEUED) == ()


def test_task_work_with_a_work_item_as_fallback_keeps_the_promise():
    after = QUEUED.replace(
        "\tINIT_WORK(&lamp->work, lamp_gone);\n",
        """\
	init_task_work(&lamp->cb, lamp_cb);
	if (!task_work_add(current, &lamp->cb, TWA_RESUME))
		return;
	INIT_WORK(&lamp->work, lamp_gone);
""",
    )
    callback = "static void lamp_cb(struct callback_head *cb)\n{\n\tiput(lamp->inode);\n}\n\n"
    assert downgrades(DIRECT, callback + after) == ()


# -- other shapes --------------------------------------------------------------------------

WAITS = (
    QUEUED.replace("&lamp->work);\n}", "&lamp->work);\n}\n")
    + """
SYSCALL_DEFINE1(lamp_off, int, fd)
{
	lamp_close(lamp);
	flush_work(&lamp->work);
	return 0;
}
"""
)


@pytest.mark.parametrize(
    ("does", "level"),
    [("lamp_bulb_destroy(lamp);", "error"), ("lamp_count(lamp);", "note")],
)
def test_who_waits_for_what_it_starts_itself_makes_a_promise(does, level):
    """Of a teardown by its name; what others started may be waited for to drain it."""
    before = WAITS.replace("iput(lamp->inode);", does)
    after = before.replace("\tflush_work(&lamp->work);\n", "")
    (found,) = downgrades(before, after)
    assert (found.shape, found.level_cap) == ("lost-wait", level)
    others = "\nvoid lamp_kick(struct lamp *lamp)\n{\n\tqueue_work(lamp_wq, &lamp->work);\n}\n"
    of_others = [
        text.replace("\tqueue_work(lamp_wq, &lamp->work);\n", "") + others
        for text in (before, after)
    ]
    assert [d.level_cap for d in downgrades(*of_others)] == ["note"]


def test_a_flush_that_is_gone_is_a_lost_wait():
    after = WAITS.replace("\tflush_work(&lamp->work);\n", "")
    (found,) = downgrades(WAITS, after)
    assert (found.shape, found.side, found.function) == ("lost-wait", "pre", "lamp_off")
    assert (found.before.guarantee, found.after.callback) == ("after-wait", "lamp_gone")
    assert found.line == 19
    assert downgrades(after, WAITS) == ()


def test_who_got_a_way_of_its_own_is_not_told_as_one_that_loses():
    """The close calls what keeps its promise; who calls the old name loses it."""
    gone = QUEUED[: QUEUED.index("void lamp_close")]
    put, lazily = "\tiput(lamp->inode);\n", "\tif (lazy)\n\t\tqueue_work(lamp_wq, &lamp->work);\n"
    old = (
        "void __lamp_put(struct lamp *lamp, bool wait)\n{\n\tlamp_dark(lamp);\n" + put + "}\n\n"
        "void lamp_put(struct lamp *lamp)\n{\n\t__lamp_put(lamp, true);\n}\n\n"
        "int lamp_shut(struct lamp *lamp)\n{\n\tlamp_put(lamp);\n\treturn 0;\n}\n"
    )
    new = gone + old.replace("bool wait)", "bool wait, bool lazy)")
    new = new.replace("\tlamp_dark(lamp);\n" + put, f"\tlamp_dark(lamp);\n{lazily}\telse\n\t{put}")
    new = new.replace("(lamp, true)", "(lamp, true, true)")
    (found,) = downgrades(gone + old, new)
    assert [s.function for s in found.before.chain] == ["lamp_shut", "lamp_put", "__lamp_put"]
    kept = new.replace("\tlamp_put(lamp);", "\t__lamp_put(lamp, true, false);")
    (found,) = downgrades(gone + old, kept)
    assert [s.function for s in found.before.chain] == ["lamp_put", "__lamp_put"]


def test_another_wait_in_its_place_is_none():
    after = WAITS.replace("flush_work(&lamp->work)", "flush_workqueue(lamp_wq)")
    assert downgrades(WAITS, after) == ()


def test_a_twin_is_a_downgrade_without_any_queueing():
    before = "void f(struct mm_struct *mm)\n{\n\tlamp_dark(mm);\n\tmmput(mm);\n}\n"
    after = before.replace("mmput(mm)", "mmput_async(mm)")
    (found,) = downgrades(before, after)
    assert (found.shape, found.cleanup, found.after.mechanism) == ("twin", "mmput", "mmput_async")
    assert downgrades(after, before) == ()


def test_twins_in_two_functions_are_two_downgrades():
    before = "".join(
        f"void {name}(struct mm_struct *mm)\n{{\n\t{name}_dark(mm);\n\tmmput(mm);\n}}\n\n"
        for name in ("f", "g")
    )
    found = downgrades(before, before.replace("mmput(mm)", "mmput_async(mm)"))
    assert [(d.cleanup, d.function) for d in found] == [("mmput", "f"), ("mmput", "g")]


# -- a release that moves into a work function which stood there -----------------------------

LAMP = """\
struct lamp { struct file *file; struct work_struct work; };

static void lamp_work(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	lamp_blink(l);
}

static int lamp_flush(struct file *file, fl_owner_t id)
{
	struct lamp *l = file->private_data;

	fput(l->file);
	return 0;
}

static void lamp_later(struct lamp *l)
{
	INIT_WORK(&l->work, lamp_work);
	queue_work(lamp_wq, &l->work);
}

static const struct file_operations lamp_fops = {
	.flush = lamp_flush,
};
"""


def edited(*changes):
    text = LAMP
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


IN_THE_WORK = ("\tlamp_blink(l);\n", "\tlamp_blink(l);\n\tfput(l->file);\n")
MOVED = edited(("\tfput(l->file);\n", "\tlamp_later(l);\n"), IN_THE_WORK)


def test_a_release_that_moved_into_the_work_is_found():
    assert downgrades(LAMP, MOVED)


def test_the_other_way_round_is_none():
    assert not downgrades(MOVED, LAMP)


def test_another_function_in_the_operations_table_takes_the_place_of_the_first():
    after = edited(
        IN_THE_WORK,
        ("\t.flush = lamp_flush,\n", "\t.flush = lamp_flush_later,\n"),
        (
            "static const struct file_operations",
            (
                "static int lamp_flush_later(struct file *file, fl_owner_t id)\n{\n"
                "\tlamp_later(file->private_data);\n\treturn 0;\n}\n\n"
                "static const struct file_operations"
            ),
        ),
    )
    assert downgrades(LAMP, after)


def test_a_release_inside_a_macro_is_seen():
    macro = "#define lamp_off(l) \\\n\tdo { \\\n\t\tfput((l)->file); \\\n\t} while (0)\n\n"
    before = macro + edited(("\tfput(l->file);\n", "\tlamp_off(l);\n"))
    after = macro + edited(
        ("\tfput(l->file);\n", "\tlamp_later(l);\n"),
        ("\tlamp_blink(l);\n", "\tlamp_blink(l);\n\tlamp_off(l);\n"),
    )
    assert downgrades(before, after)


@pytest.mark.parametrize(
    "helper",
    [
        "static void lamp_off(struct lamp *l) { fput(l->file); }\n\n",
        "static void lamp_off(struct lamp *l)\n__releases(l->lock)\n{\n\tfput(l->file);\n}\n\n",
        "static void\n*lamp_off(struct lamp *l)\n{\n\tfput(l->file);\n}\n\n",
    ],
)
def test_a_helper_is_read_however_its_header_is_written(helper):
    before = helper + edited(("\tfput(l->file);\n", "\tlamp_off(l);\n"))
    after = helper + edited(
        ("\tfput(l->file);\n", "\tlamp_later(l);\n"),
        ("\tlamp_blink(l);\n", "\tlamp_blink(l);\n\tlamp_off(l);\n"),
    )
    assert downgrades(before, after)


@pytest.mark.parametrize(
    "change",
    [
        ("\tlamp_blink(l);\n", "\tlamp_blink(l, 2);\n"),
        ("\tfput(l->file);\n", "\tlamp_blink(l);\n\tfput(l->file);\n"),
        ("\tqueue_work(lamp_wq, &l->work);\n", "\tqueue_work(system_wq, &l->work);\n"),
        ("\tfput(l->file);\n", ""),
    ],
)
def test_what_moves_nothing_behind_the_work_is_none(change):
    after = edited(change)
    assert not downgrades(LAMP, after)


QUEUE = "\tqueue_work(lamp_wq, &l->work);\n"


@pytest.mark.parametrize(
    "queue",
    [
        "\tqueue_work(lamp_wq,\n\t\t   &l->work);\n",
        "\tqueue_work(l->wqs[pick(l)], &(l)->work);\n",
        "\tqueue_work(lamp_wq, &container_of(l, struct room, lamp)->lamp.work);\n",
    ],
)
def test_a_queue_starts_what_is_bound_to_its_member(queue):
    before = edited((QUEUE, queue))
    assert downgrades(before, MOVED.replace(QUEUE, queue))


def test_a_queue_of_another_member_starts_something_else():
    other = QUEUE.replace("work)", "dim_work)")
    (found,) = downgrades(edited((QUEUE, other)), MOVED.replace(QUEUE, other))
    assert (found.cleanup, found.function) == ("fput", "lamp_flush")


def test_a_new_branch_narrows_only_what_stands_below_it():
    put = "\tfput(l->file);\n"
    lazy = "\tif (l->lazy) {\n\t\tlamp_later(l);\n\t\treturn 0;\n\t}\n"
    assert downgrades(LAMP, edited(IN_THE_WORK, (put + "\treturn", lazy + put + "\treturn")))
    after = edited(IN_THE_WORK, (put + "\treturn", put + lazy + "\treturn"))
    assert not downgrades(LAMP, after)


# -- laws ----------------------------------------------------------------------------------

SPREAD = (
    {
        "fs/close.c": DIRECT,
        "fs/call.c": CALLER,
        "fs/gone.c": HEAD,
        "fs/mm.c": "void drop(struct mm_struct *mm)\n{\n\tmmput(mm);\n}\n",
    },
    {
        "fs/close.c": DIRECT.replace(
            "\tiput(lamp->inode);\n", "\tqueue_work(lamp_wq, &lamp->work);\n"
        ),
        "fs/call.c": CALLER,
        "fs/gone.c": HEAD
        + QUEUED.partition("void lamp_close")[0].replace("static ", "", 1)
        + "void lamp_init(struct lamp *lamp)\n{\n\tINIT_WORK(&lamp->work, lamp_gone);\n}\n",
        "fs/mm.c": "void drop(struct mm_struct *mm)\n{\n\tmmput_async(mm);\n}\n",
    },
)


@given(st.permutations(sorted(SPREAD[0])), st.permutations(sorted(SPREAD[1])))
def test_the_order_of_files_does_not_matter(old, new):
    usual = downgrades(*SPREAD)
    assert {d.cleanup for d in usual} == {"iput", "mmput"}
    before = {path: SPREAD[0][path] for path in old}
    after = {path: SPREAD[1][path] for path in new}
    assert downgrades(before, after) == usual


PARTS = [
    part.strip("\n") + "\n" for part in re.split(r"\n\n(?=\w)", WAITS + "\nvoid z(void)\n{\n}\n")
]
EARLIER = DIRECT.rstrip("\n") + "\n"


@given(st.permutations(range(4)))
def test_the_order_of_functions_does_not_matter(order):
    assert len(PARTS) == 4
    gone, close, call, rest = PARTS
    call = call.replace("\tflush_work(&lamp->work);\n", "")
    before = {0: "", 1: EARLIER, 2: call, 3: rest}
    after = {0: gone, 1: close, 2: call, 3: rest}
    (found,) = downgrades(*("\n".join(side[n] for n in order) for side in (before, after)))
    assert said([found]) == [("iput", "lamp_close", "lamp_gone", "error")]
    assert found.condition is None
    assert [e.name for e in found.entry_points] == ["lamp_off"]


@given(st.sampled_from(sorted(PAIRS)), st.integers(0, 30), st.booleans())
def test_lines_in_front_shift_the_numbers_and_nothing_else(name, count, remark):
    before, after = PAIRS[name]
    front = ("/* a remark */\n" if remark else "\n") * count
    usual, shifted = downgrades(before, after), downgrades(front + before, front + after)
    assert said(shifted) == said(usual)
    for one, other in zip(usual, shifted, strict=True):
        assert other.line == one.line + count
        assert other.lost == tuple(line + count for line in one.lost)
        assert other.leading == tuple(line + count for line in one.leading)
        same = {
            "line": 0,
            "lost": (),
            "leading": (),
            "before": one.before,
            "after": one.after,
            "reasons": (),
        }
        assert replace(other, **same) == replace(one, **same)


SNIPPETS = [DIRECT, QUEUED, LAZY, WAITS, DIRECT + CALLER, HEAD, "", *PARTS]


@settings(max_examples=60)
@given(st.sampled_from(SNIPPETS), st.sampled_from(SNIPPETS), st.data())
def test_any_two_texts_are_compared_and_every_place_is_in_the_file(before, after, data):
    cut = data.draw(st.integers(0, after.count("\n")))
    after = "\n".join(after.split("\n")[cut:])
    comparison = compare(before, after)
    for found in find(comparison):
        side = files(after if found.side == "post" else before)[found.path]
        assert 1 <= found.line <= side.count("\n") + 1
        assert found.before.chain
        assert found.after.chain


def way(context="task", ends=("anything",), **more):
    told = {"kind": "socket operation", "strength": "certain", "chain": ("lamp_op", "f")} | more
    return Way(
        "lamp_op",
        context=context,
        reaches_user=context == "task",
        why=f"lamp_op() is {context}",
        ends=ends,
        said="lamp_ops.op",
        **told,
    )


def level_with_tree(name, *found, **more):
    """The level of a release that ``name`` puts off, with what a whole tree says of it."""
    return with_tree(name, *found, **more).level_cap


def with_tree(name, *found, put="sock_put", message="", **cut):
    """What is told of a release that ``name`` puts off, with what a whole tree says of it."""
    gone = f"static void gone(struct work_struct *w)\n{{\n\t{put}(to_sk(w));\n}}\n\n"
    head = f"static void {name}(struct sock *sk)\n{{\n\t"
    asked = Ways(found, known=True, cut=False, **cut)
    (one,) = downgrades(
        f"{gone}{head}{put}(sk);\n}}\n",
        f"{gone}{head}queue_work(wq, &to_lamp(sk)->gone);\n}}\n\n"
        "static void lamp_init(struct lamp *l)\n{\n\tINIT_WORK(&l->gone, gone);\n}\n",
        ways=lambda *_: asked,
        message=message,
    )
    return one


@pytest.mark.parametrize(
    ("name", "contexts", "level"),
    [
        ("lamp_close", ["task"], "error"),
        ("lamp_close", ["task", "kthread"], "error"),
        # what a socket calls in a softirq is for no task, whatever tasks call it as well
        ("lamp_sk_state_change", ["task", "kthread"], "note"),
        ("lamp_sk_state_change", ["task"], "error"),
    ],
)
def test_what_shows_of_a_function_itself_settles_a_mixed_context(name, contexts, level):
    ways = [
        way(context) if context == "task" else replace(way(context), name="lamp_thread")
        for context in contexts
    ]
    assert level_with_tree(name, *ways) == level


def test_an_operation_that_a_task_may_call_is_never_certainly_deferred():
    """Its row has a task among others, and nothing shows one: told, with the doubt."""
    shared = [replace(way(one), reaches_user=False) for one in ("task", "workqueue")]
    shared = [replace(one, name="lamp_op", why="lamp_op() is .op at a.c:9") for one in shared]
    assert level_with_tree("lamp_close", *shared) == "note"


def test_a_task_that_comes_there_only_when_something_failed_makes_a_note():
    assert level_with_tree("lamp_close", way(marks=Marks(failed=True))) == "note"
    assert level_with_tree("lamp_close", way(marks=Marks(failed=True)), way()) == "error"
    # where not all are seen that is told of those who are
    assert (
        level_with_tree("lamp_close", way(marks=Marks(failed=True)), hubs=("lamp_get",))
        == "warning"
    )


@pytest.mark.parametrize("more", [{"hubs": ("lamp_get",)}, {"ends": ("LAMP_OP",)}])
def test_that_those_who_are_seen_are_no_task_tells_nothing_of_the_others(more):
    """Not all callers are seen: it is no better known than without a tree."""
    assert level_with_tree("lamp_close", way("kthread"), **more) == "warning"
    (seen,) = (way("kthread"),)
    likely = replace(seen, strength="likely")
    assert level_with_tree("lamp_close", likely) == "note"


def test_a_finding_is_as_loud_as_the_loudest_of_what_is_lost():
    """Unregistering waits for an RCU callback that puts its interface, nobody for the rest."""
    gone = (
        "static void gone(struct rcu_head *h)\n{{\n\tnetdev_put(to_lamp(h)->dev, NULL);\n{}}}\n\n"
    )
    head = "void lamp_close(struct lamp *l)\n{{\n\tnetdev_put(l->dev, NULL);\n{}}}\n\n"
    queue = "void lamp_close(struct lamp *l)\n{\n\tcall_rcu(&l->rcu, gone);\n}\n\n"
    levels = {}
    for more in ("", "lamp_put(l);", "iput(l->inode);"):
        body = f"\t{more}\n" if more else ""
        callback = gone.format(body.replace("l->", "to_lamp(h)->").replace("(l)", "(to_lamp(h))"))
        (one,) = downgrades(callback + head.format(body), callback + queue)
        levels[more] = one.level_cap
    assert levels == {"": "note", "lamp_put(l);": "note", "iput(l->inode);": "warning"}


@pytest.mark.parametrize(
    ("whys", "said"),
    [
        # that a worker may run an operation is no proof that one comes there
        ((".release at a.c:9",), []),
        (("w() is bound by INIT_WORK() at a.c:3",), ["w() is bound by INIT_WORK() at a.c:3"]),
        ((".release at a.c:9", "bound at a.c:3"), ["bound at a.c:3"]),
    ],
)
def test_a_worker_comes_to_the_old_path_where_that_is_shown(whys, said):
    others = [replace(way("workqueue"), why=why) for why in whys]
    one = with_tree("lamp_close", replace(way(), why=".release at a.c:9"), *others)
    assert [ground.said for ground in one.reasons if ground.also_by == "workqueue"] == said
    assert " ".join(ground.said for ground in one.reasons).count(".release at a.c:9") == 1


@pytest.mark.parametrize(("boot", "said"), [(True, []), (False, ["lamp_op() is kthread"])])
def test_what_runs_once_at_boot_is_no_thread_that_comes_there(boot, said):
    one = with_tree("lamp_close", way(), replace(way("kthread", boot=boot), name="lamp_initcall"))
    assert [ground.said for ground in one.reasons if ground.also_by] == said


def test_what_the_series_starts_itself_shows_nothing_of_the_old_path():
    own = replace(way("workqueue"), name="gone", why="gone() is bound by INIT_WORK()")
    one = with_tree("lamp_close", way(), own)
    assert one.after.callback == "gone"
    assert not any(ground.also_by for ground in one.reasons)


def test_a_trace_of_one_caller_settles_nothing_where_all_are_known():
    trace = " Call Trace:\n  lamp_close+0x33/0x90\n  process_one_work+0x1/0x2\n"
    both = (way(), replace(way("workqueue"), name="lamp_thread"))
    assert level_with_tree("lamp_close", *both, message=trace) == "error"
    assert level_with_tree("lamp_close", message=trace) == "note"


@pytest.mark.parametrize(
    ("ends", "more", "level"),
    [
        (("socket",), {}, "error"),
        # what ends an object may end what that holds
        (("inode",), {}, "error"),
        ((), {}, "note"),
        # not all ways were seen: it is no worse known than without a tree
        ((), {"ends": ("lamp_method",)}, "warning"),
        ((), {"hubs": ("put_lamp",)}, "warning"),
    ],
)
def test_only_an_entry_that_can_end_it_carries_the_promise(ends, more, level):
    assert level_with_tree("lamp_close", way(ends=ends), **more) == level


@pytest.mark.parametrize(
    ("ends", "level"), [(("module",), "error"), (("anything",), "error"), (("mount",), "note")]
)
def test_a_use_of_a_helper_module_is_waited_for_by_who_takes_it_out(ends, level):
    assert level_with_tree("lamp_close", way(ends=ends), put="unload_nls") == level


@pytest.mark.parametrize(
    ("name", "level"),
    [("evict_inodes", "warning"), ("lamp_sweep", "note"), ("blkdev_put", "warning")],
)
def test_the_body_of_a_release_that_a_table_knows_is_one_whatever_it_calls(name, level):
    inside = "\tlamp_mark(l);\n\tlamp_dim(l);\n"
    before = f"void {name}(struct lamp *l)\n{{\n{inside}}}\n"
    after = (
        "static void lamp_fn(struct work_struct *work)\n{\n"
        f"\tstruct lamp *l = container_of(work, struct lamp, work);\n\n{inside}}}\n\n"
        f"void {name}(struct lamp *l)\n{{\n\tqueue_work(lamp_wq, &l->work);\n}}\n"
    )
    assert {d.level_cap for d in downgrades(before, after)} == {level}


def test_a_teardown_that_a_known_release_lost_is_told_by_its_family():
    """What a table says of the function counts, not the name that it gives to a part."""

    def put(name, last):
        return f"void {name}(struct lamp *l)\n{{\n\tlamp_mark(l);\n\t{last}\n}}\n"

    worker = (
        "static void lamp_fn(struct work_struct *work)\n{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, work);\n\n"
        "\tlamp_release_wires(l);\n}\n\n"
    )
    for name, family in (("bdev_release", "block"), ("lamp_show", "structural")):
        before = worker + put(name, "lamp_release_wires(l);")
        after = worker + put(name, "queue_work(lamp_wq, &l->work);")
        (found,) = downgrades(before, after)
        assert (found.family, found.cleanup) == (family, "lamp_release_wires")
        assert found.level_cap == ("warning" if family == "block" else "note")
        told = f"{name}() is known to release"
        assert any(told in ground.said for ground in found.reasons) is (family == "block")


def test_a_part_of_such_a_body_tells_nothing_of_what_the_row_says():
    before = "void evict_inodes(struct lamp *l)\n{\n\tlamp_mark(l);\n\tlamp_dim(l);\n}\n"
    after = (
        "static void lamp_fn(struct work_struct *work)\n{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, work);\n\n\tlamp_dim(l);\n}\n\n"
        "void evict_inodes(struct lamp *l)\n{\n"
        "\tlamp_mark(l);\n\tqueue_work(lamp_wq, &l->work);\n}\n"
    )
    assert [d.level_cap for d in downgrades(before, after)] == ["note"]


@pytest.mark.parametrize(
    ("inside", "helper"),
    [
        ("__lamp_finish(l);", "static void __lamp_finish(struct lamp *l)\n{\n%s}\n\n"),
        ("\tlamp_dark(l);\n\tlamp_destroy_wires(l);", ""),
    ],
)
def test_a_body_that_went_by_way_of_a_helper_moved_whole_too(inside, helper):
    body = "\tlamp_dark(l);\n\tlamp_destroy_wires(l);\n"
    before = f"void lamp_put(struct lamp *l)\n{{\n{body}}}\n"
    after = (
        (helper % body if helper else "")
        + "static void lamp_fn(struct work_struct *work)\n{\n"
        + "\tstruct lamp *l = container_of(work, struct lamp, work);\n\n"
        + f"\t{inside.strip()}\n}}\n\n"
        + "void lamp_put(struct lamp *l)\n{\n\tqueue_work(lamp_wq, &l->work);\n}\n"
    )
    (found,) = downgrades(before, after)
    assert (found.shape, found.function, found.level_cap) == ("moved-body", "lamp_put", "note")


@pytest.mark.parametrize(
    ("head", "level"),
    [
        ("ssize_t lamp_write_iter(struct kiocb *l, struct iov_iter *from)", "note"),
        ("ssize_t lamp_write(struct kiocb *l, struct iov_iter *from, struct lamp *lamp)", "note"),
        ("int lamp_mmap(struct file *l, struct vm_area_struct *vma)", "note"),
        ("int lamp_write(struct lamp *l, struct iov_iter *from)", "warning"),
    ],
)
def test_what_works_on_an_open_file_holds_it_wherever_its_table_stands(head, level):
    late = (
        "static void lamp_gone(struct work_struct *work)\n{\n"
        "\tstruct lamp *lamp = container_of(work, struct lamp, work);\n\n"
        "\tfput(lamp->file);\n}\n\n"
    )
    before = f"{late}{head}\n{{\n\tfput(l->file);\n\treturn 0;\n}}\n"
    after = before.replace(
        "\tfput(l->file);\n\treturn",
        "\tINIT_WORK(&l->work, lamp_gone);\n\tqueue_work(lamp_wq, &l->work);\n\treturn",
    )
    assert [(d.cleanup, d.level_cap) for d in downgrades(before, after)] == [("fput", level)]


SELF = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	lamp_close(l, false);
}

void lamp_close(struct lamp *l, bool later)
{
	if (TEST) {
		INIT_WORK(&l->work, lamp_gone);
		queue_work(lamp_wq, &l->work);
		return;
	}
	lamp_dark(l);
	iput(l->inode);
}

void lamp_off(struct lamp *l)
{
	lamp_close(l, true);
}
"""


@pytest.mark.parametrize(
    ("test", "when"),
    [
        # what all callers pass as a constant is told by who passes it
        ("later", "called by lamp_off()"),
        ("!(current->flags & PF_WQ_WORKER)", "!(current->flags & PF_WQ_WORKER)"),
        ("!in_task_of(l)", "!in_task_of(l)"),
    ],
)
def test_a_function_may_put_itself_off(test, when):
    """Its body still stands there, for the worker: the task leaves above it."""
    before = (
        "void lamp_close(struct lamp *l)\n{\n\tlamp_dark(l);\n\tiput(l->inode);\n}\n\n"
        "void lamp_off(struct lamp *l)\n{\n\tlamp_close(l);\n}\n"
    )
    (found,) = downgrades(before, SELF.replace("TEST", test))
    assert said([found]) == [("iput", "lamp_close", "lamp_gone", "warning")]
    assert found.condition == when
    assert [step.function for step in found.after.chain] == [
        "lamp_off", "lamp_close", "lamp_gone", "lamp_close",
    ]  # fmt: skip


def test_a_function_that_only_its_worker_calls_again_keeps_its_promise():
    """With a flag that nobody sets the task goes on as before."""
    after = SELF.replace("TEST", "later").replace("lamp_close(l, true)", "lamp_close(l, false)")
    before = after.replace("queue_work(lamp_wq, &l->work);", "lamp_blink(l);")
    assert [d.level_cap for d in downgrades(before, after) if d.cleanup == "iput"] == []


@pytest.mark.parametrize(
    ("above", "level"),
    [
        # whoever must not sleep went the other way already
        (
            "if (in_atomic()) {\n\t\tqueue_work(wq, &to_lamp(sk)->gone);\n\t\treturn;\n\t}\n\t",
            "error",
        ),
        ("", "note"),
    ],
)
def test_a_context_that_the_losing_path_sends_elsewhere_is_no_doubt_in_a_tree_either(above, level):
    gone = "static void gone(struct work_struct *w)\n{\n\tsock_put(to_sk(w));\n}\n\n"
    head = "static void lamp_close(struct sock *sk)\n{\n\t"
    init = "static void lamp_init(struct lamp *l)\n{\n\tINIT_WORK(&l->gone, gone);\n}\n"
    asked = Ways((way("task"), way("kthread")), known=True, cut=False)
    found = downgrades(
        f"{gone}{head}{above}sock_put(sk);\n}}\n\n{init}",
        f"{gone}{head}queue_work(wq, &to_lamp(sk)->gone);\n}}\n\n{init}",
        ways=lambda *_: asked,
        message="It may be called in atomic context.",
        titles=(("lamp: fix a potential sleep in lamp_close() in atomic context", {PATH}),),
    )
    assert [one.level_cap for one in found] == [level]


PUT_BY_TASK_WORK = """\
static void __cleanup_mnt(struct callback_head *head)
{
	cleanup_mnt(container_of(head, struct mount, mnt_rcu));
}

void mntput(struct vfsmount *mnt)
{
	if (!(current->flags & PF_KTHREAD)) {
		init_task_work(&mnt->mnt_rcu, __cleanup_mnt);
		if (!task_work_add(current, &mnt->mnt_rcu, TWA_RESUME))
			return;
	}
	cleanup_mnt(mnt);
}

static void lamp_gone(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	mntput(l->mnt);
}

void lamp_close(struct lamp *l)
{
	lamp_dark(l);
	%s
}
"""


def test_task_work_inside_of_what_moved_is_a_part_of_it():
    """The release queues task work for itself: that moved with it, and no task work gave way."""
    before = PUT_BY_TASK_WORK % "mntput(l->mnt);"
    after = PUT_BY_TASK_WORK % "INIT_WORK(&l->work, lamp_gone);\n\tschedule_work(&l->work);"
    (one,) = downgrades(before, after)
    assert (one.cleanup, one.family, one.shape, one.also) == ("mntput", "mount", "deferred", ())


PUT = """\
static void __lamp_put(struct lamp *lamp)
{
	lamp_shares--;
	iput(lamp->inode);
}

static void lamp_put_all(struct work_struct *unused)
{
	struct llist_node *node = llist_del_all(&lamp_late);
	struct lamp *lamp, *next;

	llist_for_each_entry_safe(lamp, next, node, llist)
		__lamp_put(lamp);
}

static DECLARE_WORK(lamp_late_work, lamp_put_all);

static void lamp_put_task(struct callback_head *cb)
{
	__lamp_put(container_of(cb, struct lamp, tw));
}

void lamp_put(struct lamp *lamp)
{
	if (refcount_dec_and_test(&lamp->users)) {
		if (!in_interrupt() && !(current->flags & PF_KTHREAD)) {
			init_task_work(&lamp->tw, lamp_put_task);
			if (!task_work_add(current, &lamp->tw, TWA_RESUME))
				return;
		}
		if (llist_add(&lamp->llist, &lamp_late))
			schedule_work(&lamp_late_work);
	}
}

"""
NESTED = """\
void lamp_put_nested(struct lamp *lamp)
{
	if (!refcount_dec_and_test(&lamp->users))
		return;
	if (llist_add(&lamp->llist, &lamp_late))
		schedule_work(&lamp_late_work);
}

"""
PUTS = "void lamp_close(struct lamp *lamp)\n{\n\tlamp_put(lamp->shade);\n}\n"


def test_what_was_late_for_no_task_is_not_what_is_late_for_all():
    """The old way to the list stood behind a guard that let tasks leave before it."""
    after = PUT + NESTED + PUTS.replace("lamp_put(", "lamp_put_nested(")
    (found,) = [d for d in downgrades(PUT + PUTS, after) if d.function == "lamp_close"]
    assert (found.cleanup, found.after.callback) == ("iput", "lamp_put_all")


def test_what_is_lost_is_called_by_the_release_that_was_called():
    """A body that is shown does much; a maintainer knows it by the name of the put."""
    body = """\
void fput(struct file *file)
{
	percpu_counter_dec(&nr_files);
	path_put(&file->f_path);
}

"""
    late = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	percpu_counter_dec(&nr_files);
	path_put(&lamp->file->f_path);
}

"""
    close = "void lamp_close(struct lamp *lamp)\n{\n\tfput(lamp->file);\n}\n"
    queue = "\tINIT_WORK(&lamp->work, lamp_gone);\n\tschedule_work(&lamp->work);\n"
    after = body + late + close.replace("\tfput(lamp->file);\n", queue)
    (found,) = [d for d in downgrades(body + close, after) if d.function == "lamp_close"]
    assert (found.cleanup, found.family, found.what.said) == ("fput", "file", "fput()")
    assert [step.note for step in found.before.chain][-1] == "fput()"
    assert found.also == ()


def test_a_test_above_what_is_late_as_well_is_no_branch_to_it():
    """Who looks an entry up comes to both ways by the same test: neither is told by it."""
    after = QUEUED.replace("\tINIT_WORK", "\tif (lamp != lamp_mine)\n\t\treturn;\n\tINIT_WORK")
    comparison = compare(DIRECT, after)
    (loss,) = [one for one in find_losses(comparison) if one.now.name == "lamp_close"]
    (late,) = loss.late
    (atom,) = late.above
    turned = replace(atom, positive=not atom.positive, sign=(atom.head, not atom.positive))
    assert told_condition(comparison, replace(loss, narrowed=atom), late) is None
    told = told_condition(comparison, replace(loss, narrowed=turned), late)
    assert told is not None
    assert (told.text, told.positive) == (atom.text, atom.positive)
