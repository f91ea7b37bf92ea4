"""Waits that gave way to one which may be over before what is waited for is done."""

from __future__ import annotations

import pytest
from graph_kit import PATH, compare, downgrades, kernel, way

from patchlint.graph.downgrades import find
from patchlint.graph.reach.way import Ways
from patchlint.ruleset.sentences import message

LONG = "wait_event(lamp->dark_wq, !lamp->lit);"
WAITS = "static void NAME(struct lamp *lamp)\n{\n\tlamp_dim(lamp);\n\tWAIT\n}\n"
TIMED = "wait_event_timeout(lamp->dark_wq, !lamp->lit, HZ)"
SIGNAL = "wait_event_interruptible(lamp->dark_wq, !lamp->lit)"


def unbinds(*_):
    """A driver's remove comes to it."""
    return Ways((way("lamp_unbind", kind="driver", why="it is .remove"),), known=True, cut=False)


def told(wait: str, *, name: str = "lamp_remove", ways=unbinds):
    before = WAITS.replace("NAME", name).replace("WAIT", LONG)
    after = WAITS.replace("NAME", name).replace("WAIT", wait)
    return find(compare(before, after, ways=ways))


@pytest.mark.parametrize(
    ("less", "ends", "limit"),
    [
        (TIMED, "wait_event_timeout() may end first, after HZ", " after HZ"),
        (
            TIMED.replace("HZ", "lamp->patience"),
            "wait_event_timeout() may end first, after lamp->patience",
            " after lamp->patience",
        ),
        (TIMED.replace("HZ", "ticks"), "wait_event_timeout() may end first, after some time", ""),
        (SIGNAL, "wait_event_interruptible() may end first, by a signal", ""),
    ],
)
def test_a_teardown_that_may_give_up_waiting_promises_less(less, ends, limit):
    (found,) = told(f"{less};")
    assert (found.before.wait, found.after.wait) == ("waits for lamp->dark_wq", ends)
    assert (found.shape, found.level_cap, found.side) == ("lost-wait", "warning", "post")
    assert (found.path, found.line) == (PATH, 4)
    assert message(kernel(), found) == (
        f"lamp_remove() may give up the wait for lamp->dark_wq{limit}"
    )


@pytest.mark.parametrize("name", ["lamp_drain", "lamp_cancel_job", "lamp_stop", "lamp_remove"])
def test_what_makes_the_rest_end_is_waited_for_as_a_teardown_is(name):
    assert [d.level_cap for d in told(f"{TIMED};", name=name)] == ["warning"]


@pytest.mark.parametrize("name", ["lamp_send", "lamp_probe", "lamp_ask"])
def test_a_wait_for_an_answer_is_work(name):
    """A note of work alone, which is a limitation."""
    assert [(d.level_cap, d.work) for d in told(f"{TIMED};", name=name)] == [("note", True)]


def test_with_hunks_alone_a_name_is_no_role():
    assert [d.level_cap for d in told(f"{TIMED};", ways=None)] == ["note"]


@pytest.mark.parametrize(
    "wait",
    [
        f"if (!{TIMED})\n\t\treturn -EBUSY;",
        f"return {SIGNAL};",
        f"err = {SIGNAL};\n\tif (err)\n\t\treturn err;",
        f"err = {SIGNAL};\n\treturn err;",
        f"while (!{TIMED})\n\t\tlamp_shout(lamp);",
        # one that lasts follows
        f"{TIMED};\n\t{LONG.replace('lit', 'warm')}",
        # for something else
        f"{TIMED.replace('dark_wq', 'warm_wq')};",
        LONG.replace("wait_event", "wait_event_idle"),
    ],
)
def test_a_wait_that_is_tried_again_or_told_loses_nothing(wait):
    assert told(wait) == ()


def test_a_wait_that_might_give_up_before_lost_nothing():
    both = [WAITS.replace("NAME", "lamp_remove").replace("WAIT", f"{w};") for w in (SIGNAL, TIMED)]
    assert downgrades(*both) == ()


def test_waits_say_what_ends_them():
    waits = kernel().waits
    assert all(waits[name].bounded for name in waits if "timeout" in name and waits[name].restores)
    early = {name for name, row in waits.items() if row.signal}
    assert {"wait_event_killable", "wait_for_completion_interruptible"} <= early
    assert not any(
        "killable" not in name and "free" not in name and "interr" not in name for name in early
    )


TOLD = f"err = {SIGNAL};\n\tif (err)\n\t\treturn err;"


def test_one_that_a_signal_ends_with_an_error_lasts_until_a_time_ends_it():
    """``left < 0`` tells of signals; that the time was over nobody learns."""
    timed = TIMED.replace("_timeout", "_interruptible_timeout")
    before = WAITS.replace("NAME", "lamp_remove").replace("WAIT", TOLD)
    unasked = f"left = {timed};\n\tif (left < 0)\n\t\treturn left;"
    found = find(compare(before, before.replace(TOLD, unasked), ways=unbinds))
    assert [(d.shape, d.level_cap) for d in found] == [("lost-wait", "warning")]
    asked = unasked.replace("< 0", "<= 0").replace("return left", "return -EBUSY")
    assert find(compare(before, before.replace(TOLD, asked), ways=unbinds)) == ()


SIGNALS = "\nstatic void lamp_dark(struct lamp *lamp)\n{\n\twake_up(&lamp->dark_wq);\n}\n"


def gone(after: str, *, name: str = "lamp_remove", more: str = SIGNALS, ways=unbinds):
    before = WAITS.replace("NAME", name).replace("WAIT", LONG)
    return find(compare(before + SIGNALS, before.replace(f"\t{LONG}\n", after) + more, ways=ways))


def test_a_teardown_goes_on_without_a_wait_that_somebody_still_ends():
    (found,) = gone("")
    assert (found.shape, found.level_cap, found.side) == ("lost-wait", "warning", "pre")
    assert message(kernel(), found) == "lamp_remove() goes on without the wait for lamp->dark_wq"
    assert found.after.chain[-1].function == "lamp_dark"


def test_a_wait_for_an_answer_that_is_gone_is_work():
    assert [(d.level_cap, d.work) for d in gone("", name="lamp_send")] == [("note", True)]


@pytest.mark.parametrize(
    "after",
    [
        # the same elsewhere, another wait, something unknown that is given the same
        f"\tlamp_dim(lamp);\n\t{LONG}\n",
        "\twait_for_completion(&lamp->dark);\n",
        "\tlamp_calm(lamp->dark_wq);\n",
    ],
)
def test_what_takes_the_place_of_a_wait_may_wait_as_well(after):
    assert gone(after) == ()


def test_a_wait_that_went_into_a_helper_is_one_still():
    helper = f"\nstatic void lamp_rest(struct lamp *lamp)\n{{\n\t{LONG}\n}}\n"
    assert gone("\tlamp_rest(lamp);\n", more=SIGNALS + helper) == ()


def test_a_wait_that_nobody_ends_any_more_is_for_nothing():
    assert gone("", more="") == ()


def under(test: str, *, more: str = "", name: str = "lamp_remove", ways=unbinds):
    """What is found where a wait stands under a new test, and is signalled as before."""
    return gone(f"{more}\tif ({test})\n\t\t{LONG}\n", name=name, ways=ways)


@pytest.mark.parametrize(
    ("test", "more", "condition"),
    [
        ("!lamp->broken", "", "lamp->broken"),
        ("wait", "\tbool wait = !lamp->broken;\n\n", "lamp->broken"),
    ],
)
def test_a_teardown_that_waits_on_fewer_ways_promises_less(test, more, condition):
    (found,) = under(test, more=more)
    assert (found.shape, found.level_cap) == ("lost-wait", "warning")
    assert found.condition == condition
    assert message(kernel(), found) == (
        f"lamp_remove() goes on without the wait for lamp->dark_wq when `{condition}`"
    )
    assert [d.level_cap for d in under(test, more=more, ways=None)] == ["note"]


@pytest.mark.parametrize(
    "test",
    [
        # whether there is anything to wait for, and what waits anew beside it
        "lamp->lit",
        "waitqueue_active(&lamp->dark_wq)",
    ],
)
def test_a_test_of_what_is_waited_for_takes_no_wait_away(test):
    assert under(test) == ()


def test_a_test_above_a_wait_for_an_answer_is_work():
    assert [(d.level_cap, d.work) for d in under("!lamp->broken", name="lamp_send")] == [
        ("note", True)
    ]


LETS_GO = "\nstatic void lamp_release(struct device *dev)\n{\n\tLINES}\n"
FREES = "kfree(to_lamp(dev));\n\t"
DARK = "wake_up(&lamp->dark_wq);\n"


def without_signal(before: str, after: str):
    """What is found where a wait went along with its signal."""
    return find(
        compare(
            WAITS.replace("NAME", "lamp_remove").replace("WAIT", LONG)
            + LETS_GO.replace("LINES", before),
            WAITS.replace("NAME", "lamp_remove").replace("\tWAIT\n", "")
            + LETS_GO.replace("LINES", after),
            ways=unbinds,
        )
    )


def test_a_wait_that_went_along_with_its_signal_is_lost_where_what_it_was_for_is_still_done():
    (found,) = without_signal(FREES + DARK, FREES.rstrip("\t"))
    assert (found.shape, found.level_cap, found.side) == ("lost-wait", "warning", "pre")
    assert message(kernel(), found) == "lamp_remove() goes on without the wait for lamp->dark_wq"
    assert found.after.chain[-1].function == "lamp_release"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # it only told, did it behind the signal, or does what stood behind the wait
        (DARK, ""),
        (DARK + "\t" + FREES.rstrip("\t"), FREES.rstrip("\t")),
        (FREES + DARK, FREES + "lamp_put(lamp);\n"),
        ("lamp_lock(lamp);\n\t" + DARK, "lamp_lock(lamp);\n"),
    ],
)
def test_a_wait_for_nothing_that_is_still_done_went_along_with_its_signal(before, after):
    assert without_signal(before, after) == ()


def ended_by_others(behind: str, now: str, new: str):
    """What is found where who signalled does now what stood behind the wait."""
    before = WAITS.replace("NAME", "lamp_remove").replace("WAIT", f"{LONG}\n\t{behind}")
    after = WAITS.replace("NAME", "lamp_remove").replace("WAIT", now)
    return find(
        compare(
            before + LETS_GO.replace("LINES", DARK),
            after + LETS_GO.replace("LINES", new),
            ways=unbinds,
        )
    )


@pytest.mark.parametrize("end", ["idr_remove(&lamps, lamp->nr);", "lamp_forget(lamp);"])
def test_an_end_behind_a_wait_for_others_may_be_left_to_them(end):
    end = end.replace("forget", "release_number")
    (found,) = ended_by_others(end, "", f"{end}\n")
    assert (found.shape, found.level_cap) == ("lost-wait", "warning")
    assert found.after.chain[-1].note == f"{end.split('(')[0]}(), which nobody waits for"


@pytest.mark.parametrize(
    ("behind", "now", "new"),
    [
        # it is done in both, by nobody any more, or was never an end
        ("idr_remove(&lamps, 1);", "idr_remove(&lamps, 1);", "idr_remove(&lamps, 1);\n"),
        ("idr_remove(&lamps, 1);", "", "lamp_log(lamp);\n"),
        ("lamp_log(lamp);", "", "lamp_log(lamp);\n"),
    ],
)
def test_what_else_who_signalled_does_now_says_nothing_of_the_wait(behind, now, new):
    assert ended_by_others(behind, now, new) == ()


# -- what stops something ---------------------------------------------------------------------

WORK = """
static void lamp_glow(struct ITEM *item)
{
	struct lamp *lamp = container_of(item, struct lamp, glow);

	DOES
	START;
}

void lamp_light(struct lamp *lamp)
{
	INIT(&lamp->glow, lamp_glow);
	START;
}

"""
RUNS = "lamp->ops->blink(lamp);"
COUNTS = "lamp->shown = lamp->shown + 1;"
HOW = {
    "work": ("work_struct", "INIT_WORK", "schedule_work(&lamp->glow)"),
    "delayed": ("work_struct", "INIT_DELAYED_WORK", "schedule_delayed_work(&lamp->glow, HZ)"),
    "timer": ("timer_list", "TIMER", "mod_timer(&lamp->glow, jiffies + HZ)"),
}


def stopped(before, after, *, how="work", does=RUNS):
    """What is found where a teardown stops what runs again and again in another way."""
    item, init, start = HOW[how]
    work = WORK.replace("ITEM", item).replace("DOES", does).replace("START", start)
    work = work.replace("INIT(&lamp->glow, lamp_glow)", f"{init}(&lamp->glow, lamp_glow)").replace(
        "TIMER(&lamp->glow, lamp_glow)", "timer_setup(&lamp->glow, lamp_glow, 0)"
    )
    sides = (
        work + WAITS.replace("NAME", "lamp_remove").replace("WAIT", s) for s in (before, after)
    )
    return find(compare(*sides, ways=unbinds))


@pytest.mark.parametrize(
    ("how", "before", "after"),
    [
        ("work", "cancel_work_sync(&lamp->glow);", "cancel_work(&lamp->glow);"),
        (
            "delayed",
            "cancel_delayed_work_sync(&lamp->glow);",
            "cancel_delayed_work(&lamp->glow);",
        ),
        ("timer", "del_timer_sync(&lamp->glow);", "timer_delete(&lamp->glow);"),
    ],
)
def test_a_stop_that_does_not_wait_for_what_runs_promises_less(how, before, after):
    (found,) = stopped(before, after, how=how)
    assert (found.shape, found.level_cap) == ("lost-wait", "warning")
    assert message(kernel(), found) == "lamp_remove() goes on without the wait for lamp->glow"
    assert found.after.wait.endswith("() does not wait: lamp_glow() may still run")
    assert stopped(after, before, how=how) == ()
    # what only counts nobody waits for
    assert stopped(before, after, how=how, does=COUNTS) == ()


@pytest.mark.parametrize(
    ("after", "found"),
    [
        # elsewhere in the function
        ("lamp_hush(lamp);\n\tcancel_work(&lamp->glow);", 1),
        # followed by a wait, of another object, gone altogether
        ("cancel_work(&lamp->glow);\n\tflush_work(&lamp->glow);", 0),
        ("cancel_work(&lamp->shine);", 0),
        ("lamp_hush(lamp);", 0),
        ("disable_work_sync(&lamp->glow);", 0),
    ],
)
def test_what_stops_the_same_and_waits_loses_nothing(after, found):
    assert len(stopped("cancel_work_sync(&lamp->glow);", after)) == found


@pytest.mark.parametrize(
    "behind",
    [
        "destroy_workqueue(glow_wq);",
        "lamp_quiet(lamp);",
        "lamp_halt(&lamp->glow);",
        "lamp_nobody_shows(&lamp->glow);",
    ],
)
def test_what_is_stopped_without_a_wait_may_be_waited_for_behind(behind):
    """By its queue, in a helper, or by what is given the same."""
    helpers = (
        "static void lamp_quiet(struct lamp *lamp)\n{\n\tflush_work(&lamp->glow);\n}\n\n"
        "static void lamp_halt(struct work_struct *work)\n{\n\tcancel_work_sync(work);\n}\n\n"
    )
    work = WORK.replace("ITEM", "work_struct").replace("DOES", RUNS).replace("INIT", "INIT_WORK")
    head = helpers + work.replace("START", "queue_work(glow_wq, &lamp->glow)")
    ends = WAITS.replace("NAME", "lamp_remove")
    before = head + ends.replace("WAIT", "cancel_work_sync(&lamp->glow);")

    def told(lines):
        return find(compare(before, head + ends.replace("WAIT", lines), ways=unbinds))

    assert told(f"cancel_work(&lamp->glow);\n\t{behind}") == ()
    (found,) = told("cancel_work(&lamp->glow);")
    assert found.after.chain[-1].note == "cancel_work() does not wait for lamp_glow()"


def test_each_weaker_stop_is_for_one_that_is_not_done_when_it_returns():
    waits = kernel().waits
    for row in waits.values():
        assert all(name not in waits or not waits[name].restores for name in row.weaker)


# -- threads ----------------------------------------------------------------------------------

THREAD = """
static int lamp_thread(void *data)
{
	while (!kthread_should_stop())
		lamp_flicker(data);
	return 0;
}

int lamp_light(struct lamp *lamp)
{
	struct task_struct *task = kthread_run(lamp_thread, lamp, "lamp");

	lamp->task = task;
	return 0;
}
"""
ENDS = """
void lamp_remove(struct lamp *lamp)
{
	struct task_struct *task;

	task = lamp->task;
	lamp->task = NULL;
	HOW
}
"""


@pytest.mark.parametrize(
    ("how", "found"),
    [("lamp->stop = true;\n\twake_up_process(task);", 1), ("kthread_stop_put(task);", 0)],
)
def test_a_thread_that_runs_on_is_not_waited_for(how, found):
    """The variable holds what the member did: that is the thread that somebody starts."""
    before = THREAD + ENDS.replace("HOW", "kthread_stop(task);")
    told = find(compare(before, THREAD + ENDS.replace("HOW", how), ways=unbinds))
    assert [d.shape for d in told] == ["lost-wait"] * found


def test_a_thread_that_is_started_in_other_words_runs_on_as_well():
    before = THREAD + ENDS.replace("HOW", "kthread_stop(task);")
    other = THREAD.replace(
        'kthread_run(lamp_thread, lamp, "lamp");',
        'kthread_create(lamp_thread, lamp, "lamp");\n\n\twake_up_process(task);',
    )
    after = other + ENDS.replace("HOW", "WRITE_ONCE(lamp->task, NULL);\n\twake_up_process(task);")
    (told,) = find(compare(before, after, ways=unbinds))
    assert (told.shape, told.after.callback) == ("lost-wait", "lamp_thread")
    assert message(kernel(), told).startswith(
        "lamp_remove() no longer waits for lamp_thread(), which runs in a kernel thread"
    )


@pytest.mark.parametrize(
    "end", ["kthread_complete_and_exit(&lamp->dark, 0);", "complete_on_current_cpu(&lamp->dark);"]
)
def test_what_ends_a_wait_beside_other_things(end):
    signals = f"\nstatic void lamp_dark(struct lamp *lamp)\n{{\n\t{end}\n}}\n"
    before = WAITS.replace("NAME", "lamp_remove").replace(
        "WAIT", "wait_for_completion(&lamp->dark);"
    )
    after = before.replace("\twait_for_completion(&lamp->dark);\n", "")
    (found,) = find(compare(before + signals, after + signals, ways=unbinds))
    assert message(kernel(), found) == "lamp_remove() goes on without the wait for lamp->dark"
