"""What speaks for or against an advice."""

from __future__ import annotations

import pytest
from graph_kit import compare, downgrades
from series_kit import mails, mbox

from patchlint.graph.downgrades import find
from patchlint.run import Options, check

OLD = "void lamp_out(struct lamp *lamp)\n{\nBODY}\n"
WORK = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	mutex_lock(&lamp->house->lock);
	iput(lamp->inode);
	mutex_unlock(&lamp->house->lock);
}

"""


def told(body, work=WORK, before="", old="\tiput(lamp->inode);\n"):
    (one,) = find(compare(before + OLD.replace("BODY", old), work + OLD.replace("BODY", body)))
    return one


QUEUE = "\tqueue_work(lamp_wq, &lamp->work);\n"
INIT = "\tINIT_WORK(&lamp->work, lamp_gone);\n"


@pytest.mark.parametrize(
    ("body", "locked"),
    [
        (INIT + QUEUE, False),
        (INIT + "\tmutex_lock(&lamp->house->lock);\n" + QUEUE, True),
        (INIT + "\tlockdep_assert_held(&lamp->house->lock);\n" + QUEUE, True),
        (INIT + "\tmutex_lock(&lamp->other);\n" + QUEUE, False),
        (
            INIT
            + "\tmutex_lock(&lamp->house->lock);\n\tmutex_unlock(&lamp->house->lock);\n"
            + QUEUE,
            False,
        ),
        (INIT + "\tspin_lock_init(&lamp->lock);\n" + QUEUE, False),
    ],
)
def test_what_is_started_under_a_lock_that_it_takes_is_known(body, locked):
    assert told(body).traits.locked is locked


def test_an_item_of_each_processor_is_known():
    item = "\tstruct lamp *lamp = this_cpu_ptr(&lamps);\n"
    assert told(item + INIT + QUEUE).traits.each_processor
    assert not told(INIT + QUEUE).traits.each_processor


def test_who_takes_a_reference_for_a_callback_is_known():
    assert told(INIT + "\tget_device(&lamp->dev);\n" + QUEUE).traits.holds
    assert not told(INIT + QUEUE).traits.holds


def test_a_callback_that_stood_before_the_series_is_not_added():
    assert told(INIT + QUEUE).traits.added
    assert not told(INIT + QUEUE, before=WORK).traits.added


RCU = """\
static void lamp_gone(struct rcu_head *rcu)
{
	struct lamp *lamp = container_of(rcu, struct lamp, rcu);

	sysfs_remove_file(&lamp->kobj, &lamp->attr);
}

"""


@pytest.mark.parametrize(
    ("old", "before"),
    [
        ("\tsysfs_remove_file(&lamp->kobj, &lamp->attr);\n\tsynchronize_rcu();\n", True),
        ("\tsynchronize_rcu();\n\tsysfs_remove_file(&lamp->kobj, &lamp->attr);\n", False),
    ],
)
def test_what_was_done_before_a_grace_period_is_to_be_done_in_the_call(old, before):
    found = told("\tcall_rcu(&lamp->rcu, lamp_gone);\n", RCU, old=old)
    assert (found.shape, found.traits.before_wait) == ("rcu-release", before)


SERIES = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

LOCKlamp_unregister_all(lamp->house);
	mutex_unlock(&lamp->house->lock);
}

"""


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("lock", "waits"), [("house->lock", False), ("other", True)])
def test_nobody_is_told_to_wait_under_a_lock_for_what_takes_it(lock, waits):
    before = OLD.replace("BODY", "\tlamp_unregister_all(lamp->house);\n")
    callback = SERIES.replace("LOCK", f"\tmutex_lock(&lamp->{lock});\n\t")
    held = "\tmutex_lock(&lamp->house->lock);\n"
    body = INIT + held + QUEUE + held.replace("lock(", "unlock(")
    after = callback + OLD.replace("BODY", body)
    (one,) = check(["-"], Options(no_tree=True), mbox(mails(before, after)).encode()).findings
    assert any("flush_work()" in text for text in one.advice) is waits


CHAIN = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	lamp_stop(lamp);
	module_put(lamp->owner);
}

static void lamp_late(struct timer_list *timer)
{
	struct lamp *lamp = container_of(timer, struct lamp, timer);

	schedule_work(&lamp->work);
}

"""


def test_what_the_last_of_two_callbacks_stops_is_known():
    body = (
        "\tINIT_WORK(&lamp->work, lamp_gone);\n\ttimer_setup(&lamp->timer, lamp_late, 0);\n"
        "\tmod_timer(&lamp->timer, jiffies + HZ);\n"
    )
    found = told(body, CHAIN, old="\tlamp_stop(lamp);\n\tmodule_put(lamp->owner);\n")
    assert (found.after.callback, found.after.last) == ("lamp_late", "lamp_gone")
    assert found.traits.stops
    assert found.after.delay == "HZ"


THREAD = """
static int lamp_thread(void *data)
{
	struct lamp *lamp = data;

	BODY
	iput(lamp->inode);
	return 0;
}

void lamp_close(struct lamp *lamp)
{
	DOES
}
"""


@pytest.mark.parametrize(
    ("body", "asks"),
    [("while (!kthread_should_stop())\n\t\tschedule();", True), ("lamp_dim(lamp);", False)],
)
def test_whether_a_thread_asks_to_be_stopped_is_seen_in_its_body(body, asks):
    thread = THREAD.replace("BODY", body)
    (found,) = downgrades(
        thread.replace("DOES", "iput(lamp->inode);"),
        thread.replace("DOES", 'kthread_run(lamp_thread, lamp, "lamp");'),
    )
    assert found.traits.asks is asks


@pytest.mark.parametrize(("frees", "told"), [("kfree(lamp);", True), ("lamp_note(lamp);", False)])
def test_what_is_freed_behind_a_wait_that_is_gone_is_seen(frees, told):
    def ends(wait):
        return (
            "static void lamp_gone(struct work_struct *work)\n{\n"
            "\tstruct lamp *lamp = container_of(work, struct lamp, work);\n\n"
            "\tiput(lamp->inode);\n}\n\n"
            "void lamp_close(struct lamp *lamp)\n{\n\tINIT_WORK(&lamp->work, lamp_gone);\n"
            f"\tqueue_work(lamp_wq, &lamp->work);\n{wait}\t{frees}\n}}\n"
        )

    (found,) = downgrades(ends("\tflush_work(&lamp->work);\n"), ends(""))
    assert found.traits.frees is told
