"""Waits that hold their caller less than they did: gone, under a test, for a limited time."""

from __future__ import annotations

import pytest
from graph_kit import PATH, compare, downgrades
from msgspec.structs import replace

from patchlint.graph.chains import before_chain
from patchlint.graph.losses import find as find_losses
from patchlint.model.effect import LIMITED, Step

GONE = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
	complete(&lamp->dark);
}

void lamp_kick(struct lamp *lamp)
{
	queue_work(lamp_wq, &lamp->work);
}

void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
}

static void lamp_calm(struct lamp *lamp)
{
	flush_work(&lamp->work);
}

"""
HELPED = "void lamp_exit(struct lamp *lamp)\n{\n\tlamp_dim(lamp);\n\tlamp_calm(lamp);\n}\n"
WAITED = "void lamp_exit(struct lamp *lamp)\n{\n\tlamp_dim(lamp);\n\tWAIT\n}\n"
FOREVER = "wait_for_completion(&lamp->dark);"
TIMED = "wait_for_completion_timeout(&lamp->dark, HZ)"


def lost(before: str, after: str):
    """The losses of the function that waits."""
    found = downgrades(GONE + before, GONE + after)
    return [d for d in found if d.function == "lamp_exit"]


def test_a_helper_that_only_waits_is_missed_where_it_was_called():
    (found,) = lost(HELPED, HELPED.replace("\tlamp_calm(lamp);\n", ""))
    assert (found.shape, found.side, found.after.callback) == ("lost-wait", "pre", "lamp_gone")
    assert found.line == GONE.count("\n") + 4
    # the way to a wait leads to no start: what is late begins with who starts it
    assert [step.function for step in found.after.chain] == ["lamp_kick", "lamp_gone"]


def test_who_makes_something_promises_no_end_by_what_it_waited_for():
    built = HELPED.replace("lamp_exit", "lamp_create")
    assert downgrades(GONE + built, GONE + built.replace("\tlamp_calm(lamp);\n", "")) == ()


def test_a_wait_that_stands_for_its_binding_is_told_as_a_wait():
    """A tree may show the wait and what binds the callback, and no start of it."""
    compared = compare(GONE + HELPED, GONE + HELPED.replace("\tlamp_calm(lamp);\n", ""))
    loss = next(one for one in find_losses(compared) if one.was.name == "lamp_exit")
    effect = loss.before[0]
    calls, *rest = effect.chain
    waits = Step("lamp_calm", PATH, effect.wait.line, "DECLARE_WORK() runs lamp_gone()")
    bound = replace(effect, chain=(calls, waits, *rest[-1:]))
    told = before_chain(compared, loss, bound)
    assert [step.note for step in told[:2]] == [
        "calls lamp_calm()",
        "flush_work() waits for lamp_gone()",
    ]


def test_a_helper_that_does_more_is_told_where_the_rest_went():
    more = GONE.replace(
        "\tflush_work(&lamp->work);", "\tflush_work(&lamp->work);\n\tfput(lamp->f);"
    )
    after = HELPED.replace("\tlamp_calm(lamp);\n", "")
    found = downgrades(more + HELPED, more + after)
    assert [d for d in found if d.function == "lamp_exit"] == []


def test_a_wait_under_a_new_test_holds_fewer():
    after = HELPED.replace("\tlamp_calm", "\tif (lamp->hot)\n\t\tlamp_calm")
    (found,) = lost(HELPED, after)
    assert (found.shape, found.condition) == ("lost-wait", "!lamp->hot")
    assert (found.side, found.line) == ("post", GONE.count("\n") + 5)


def test_a_wait_under_a_test_that_stood_before_holds_as_many():
    before = HELPED.replace("\tlamp_calm", "\tif (lamp->hot)\n\t\tlamp_calm")
    assert lost(before, before.replace("\tlamp_dim(lamp);\n", "")) == []


def test_a_way_to_fail_above_a_wait_sends_nobody_past_it():
    after = HELPED.replace("void", "int").replace(
        "\tlamp_calm", "\tif (lamp->broken)\n\t\treturn -EIO;\n\tlamp_calm"
    )
    assert lost(HELPED, after) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{TIMED};", True),
        (f'if (!{TIMED})\n\t\tpr_warn("still on\\n");', True),
        (f"if (!{TIMED})\n\t\treturn -ETIMEDOUT;", False),
        (f"left = {TIMED};\n\tif (!left)\n\t\tgoto out;\nout:\n\treturn;", False),
        (f"return {TIMED};", False),
        (f'while (!{TIMED})\n\t\tpr_warn("still on\\n");', False),
        (f"err = 0;\n\tif (!{TIMED})\n\t\terr = -ETIMEDOUT;\n\treturn err;", False),
    ],
)
def test_a_wait_for_a_limited_time_counts_where_nobody_asks_how_it_ended(text, told):
    found = lost(WAITED.replace("WAIT", FOREVER), WAITED.replace("WAIT", text))
    assert bool(found) is told
    if told:
        assert LIMITED in found[0].reasons
        # it mostly ends before that: no error
        assert found[0].level_cap != "error"


def test_a_wait_that_was_limited_before_lost_nothing():
    before = WAITED.replace("WAIT", f"{TIMED};")
    assert lost(before, before.replace("HZ", "2 * HZ")) == []


def test_another_wait_for_the_same_holds_the_caller_as_well():
    both = HELPED.replace("\tlamp_calm(lamp);\n", "\tlamp_calm(lamp);\n\tlamp_calm(lamp);\n")
    assert lost(both, HELPED) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cancel_work_sync(&lamp->work);", False),
        ("flush_workqueue(lamp_wq);", False),
        # who waits for readers runs nothing
        ("synchronize_rcu();", True),
    ],
)
def test_a_wait_for_something_else_in_its_place(text, told):
    after = HELPED.replace("lamp_calm(lamp);", text)
    assert bool(lost(HELPED, after)) is told


THREAD = """\
static int lampd(void *data)
{
	*(int *)data = 0;
	complete(&lamp_ready);
	while (lamp_next()) {
		struct lamp_req *req = lamp_next();

		iput(req->inode);
		complete(&req->done);
	}
	return 0;
}

int lamp_start(void)
{
	int err;

	lamp_thread = kthread_run(lampd, &err, "lampd");
	wait_for_completion(&lamp_ready);
	return err;
}

"""
ASKS = """\
int lamp_delete(struct lamp_req *req)
{
	lamp_add(req);
	wait_for_completion(&req->done);
	return 0;
}
"""


def test_a_thread_goes_on_without_what_it_was_given_to_begin_with():
    """``&err`` lives on the stack of who starts it, who waits for the start alone."""
    after = ASKS.replace("\twait_for_completion(&req->done);\n", "")
    (found,) = downgrades(THREAD + ASKS, THREAD + after)
    assert (found.function, found.shape, found.cleanup) == ("lamp_delete", "lost-wait", "iput")
    assert found.after.context == "kthread"


LAMPD = """\
static int lampd(void *data)
{
	struct lamp *lamp = data;

	while (!kthread_should_stop())
		lamp_blink(lamp);
	iput(lamp->inode);
	return 0;
}

void lamp_start(struct lamp *lamp)
{
	lamp->task = kthread_run(lampd, lamp, "lampd");
}

"""
STOPS = "void lamp_stop(struct lamp *lamp)\n{\n\tlamp_dim(lamp);\n\tkthread_stop(lamp->task);\n}\n"


@pytest.mark.parametrize(
    ("test", "lost"),
    [
        ("if (lamp->task)", []),
        ("if (lamp && lamp->task)", []),
        ("if (lamp->task != NULL)", []),
        ("if (!lamp->task)", ["lamp_stop"]),
        ("if (lamp->hot)", ["lamp_stop"]),
    ],
)
def test_where_there_is_nothing_to_wait_for_nobody_is_waited_for(test, lost):
    after = STOPS.replace("\tkthread_stop", f"\t{test}\n\t\tkthread_stop")
    assert [d.function for d in downgrades(LAMPD + STOPS, LAMPD + after)] == lost


def test_a_caller_of_a_static_function_waits_by_way_of_it_alone():
    """What is left inline in the caller is what the loss left, not a way of its own."""
    flushes = HELPED.replace("void lamp_exit", "static void lamp_off").replace("dim", "kick")
    caller = "\nvoid lamp_ioctl(struct lamp *lamp)\n{\n\tlamp_off(lamp);\n}\n"
    after = flushes.replace("\tlamp_calm", "\tif (lamp->hot)\n\t\tlamp_calm")
    found = downgrades(GONE + flushes + caller, GONE + after + caller)
    assert [(d.function, d.shape) for d in found] == [("lamp_off", "lost-wait")]


def test_the_file_of_the_loss_is_the_one_that_waits():
    main = "fs/exit.c"
    before = {PATH: GONE.replace("static void lamp_calm", "void lamp_calm"), main: HELPED}
    after = {**before, main: HELPED.replace("\tlamp_calm", "\tif (lamp->hot)\n\t\tlamp_calm")}
    (found,) = downgrades(before, after)
    assert (found.path, found.line, found.side) == (main, 5, "post")


def test_what_is_done_behind_a_signal_in_a_helper_nobody_waited_for():
    """``lamp_tell()`` lets the waiter go on, and the put comes after."""
    told = GONE.replace("\tiput(lamp->inode);\n\tcomplete(&lamp->dark);\n", "BODY")
    tells = "static void lamp_tell(struct lamp *lamp)\n{\n\tcomplete(&lamp->dark);\n}\n\n"
    before, after = WAITED.replace("WAIT", FOREVER), WAITED.replace("\tWAIT\n", "")
    for body, lost_it in (
        ("\tlamp_tell(lamp);\n\tiput(lamp->inode);\n", False),
        ("\tiput(lamp->inode);\n\tlamp_tell(lamp);\n", True),
    ):
        source = tells + told.replace("BODY", body)
        found = downgrades(source + before, source + after)
        assert ("iput" in {d.cleanup for d in found}) is lost_it


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lamp_let_end(&lamp->work);", False),
        ("lamp_let_end(&lamp->other);", True),
        ("kfree(&lamp->work);", True),
        ("queue_work(lamp_wq, &lamp->work);", True),
    ],
)
def test_what_no_table_knows_may_wait_for_what_it_is_given(text, told):
    before = WAITED.replace("WAIT", "flush_work(&lamp->work);")
    assert bool(lost(before, WAITED.replace("WAIT", text))) is told


ASKED = GONE.replace(
    "static void lamp_calm(struct lamp *lamp)\n{\n\tflush_work(&lamp->work);",
    "static void lamp_calm(struct lamp *lamp, bool wait)\n{\n\tlamp->quiet = 1;\n"
    "\tif (wait)\n\t\tflush_work(&lamp->work);",
)


@pytest.mark.parametrize(("said", "found"), [("false", ["lamp_calm"]), ("true", [])])
def test_a_helper_that_waits_where_it_is_told_to_is_one_with_each_argument(said, found):
    """The call is written anew; what it does with that argument stands in the helper."""
    after = ASKED + HELPED.replace("(lamp);\n}", f"(lamp, {said});\n}}")
    told = downgrades(GONE + HELPED, after)
    assert [d.function for d in told if d.level_cap != "note"] == found


UNSEEN = """\
static void lamp_free(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, CALLBACK);
	queue_work(lamp_wq, &lamp->work);
}

"""
DESTROYS = WAITED.replace("WAIT", "destroy_workqueue(lamp_wq);")


@pytest.mark.parametrize(("callback", "found"), [("__lamp_free", 1), ("lamp_glow", 0)])
def test_a_callback_that_no_image_shows_is_waited_for_by_its_name(callback, found):
    """The queue goes, and what ran on it runs on one that nobody waits for."""
    before = UNSEEN.replace("CALLBACK", callback)
    after = before.replace("queue_work(lamp_wq, ", "schedule_work(")
    gone = DESTROYS.replace("\tdestroy_workqueue(lamp_wq);\n", "")
    told = downgrades(before + DESTROYS, after + gone)
    shapes = [(d.shape, d.function, d.after.callback) for d in told if not d.work]
    assert shapes == [("lost-wait", "lamp_exit", callback)] * found
    assert downgrades(after + gone, before + DESTROYS) == ()


def test_a_queue_on_which_only_others_run_is_nobodys_to_wait_for():
    """A subsystem shares it; with one folder alone it is part of the same thing."""
    user = GONE.replace("lamp_", "{0}_").replace("{\n", "{{\n").replace("}\n", "}}\n")
    queues = user.replace("{0}_wq", "lamp_wq")
    both = {f"drivers/{one}/{one}.c": queues.format(one) for one in ("bulb", "wire")}
    before = WAITED.replace("WAIT", "flush_workqueue(lamp_wq);")
    after = WAITED.replace("\tWAIT\n", "")

    def told(files):
        found = downgrades({PATH: before} | files, {PATH: after} | files)
        return [d.after.callback for d in found if d.function == "lamp_exit"]

    assert told(both) == []
    assert told({"drivers/bulb/bulb.c": both["drivers/bulb/bulb.c"]}) == ["bulb_gone"]
    assert told({PATH.replace("lamp.c", "gone.c"): GONE} | both) == ["lamp_gone"]


def test_one_wait_that_is_gone_is_one_finding():
    """Two works run on the queue that is flushed."""
    other = GONE.replace("lamp_gone", "lamp_lost").replace("lamp_kick", "lamp_prod")
    other = other.replace("lamp_init", "lamp_more").replace("lamp_calm", "lamp_rest")
    both = GONE + other.replace("->work", "->more").replace(", work)", ", more)")
    before = both + WAITED.replace("WAIT", "flush_workqueue(lamp_wq);")
    (found,) = [
        d
        for d in downgrades(before, both + WAITED.replace("\tWAIT\n", ""))
        if d.function == "lamp_exit"
    ]
    assert found.shape == "lost-wait"
    assert found.after.callback in ("lamp_gone", "lamp_lost")


@pytest.mark.parametrize(
    ("wait", "levels"),
    [
        ("wait_event(lamp->off_wq, lamp->off);", ["note"]),
        ("wait_event_timeout(lamp->off_wq, lamp->off, HZ);", ["warning"]),
        ("lamp_dim(lamp);", ["warning"]),
    ],
)
def test_a_wait_for_something_else_may_be_for_the_same(wait, levels):
    waited = WAITED.replace("lamp_dim", "lamp_kick")
    sides = (waited.replace("WAIT", FOREVER), waited.replace("WAIT", wait))
    assert [d.level_cap for d in lost(*sides)] == levels


def test_a_wait_that_hangs_in_a_table_now_is_called_by_whoever_goes_through_it():
    stop = "static void lamp_still(struct lamp *lamp)\n{\n\tflush_work(&lamp->work);\n}\n\n"
    table = "static struct lamp_part lamp_part = {\n\t.stop = lamp_still,\n};\n\n"
    before = HELPED.replace("lamp_calm", "lamp_still")
    after = before.replace("\tlamp_still(lamp);\n", "")
    assert [d.level_cap for d in lost(stop + before, stop + after)] == ["warning"]
    assert [d.level_cap for d in lost(stop + before, stop + table + after)] == ["note"]
    # what hung there before was called there before
    assert [d.level_cap for d in lost(stop + table + before, stop + table + after)] == ["warning"]
