"""Which waits give the promise of a deferral back."""

from __future__ import annotations

import pytest
from graph_kit import downgrades, function, graph, summary

from patchlint.graph.summary import Summaries

LAMP = """\
static void lamp_gone(struct work_struct *work)
{{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
	complete(&lamp->done);
	wake_up_all(&lamp->idle);
	clear_and_wake_up_bit(LAMP_BUSY, &lamp->state);
}}

static void lamp_rcu(struct rcu_head *head)
{{
	iput(lamp->inode);
}}

void f(struct lamp *l, struct lamp *other, struct bulb *bulb, bool lazy)
{{
{body}
}}

void above(struct lamp *a)
{{
	f(a, b, c, false);
{caller}
}}
"""
QUEUE = "\tqueue_work(lamp_wq, &l->work);\n"


def wait(body, caller=None):
    built = graph(LAMP.format(body=body, caller=caller or "\treturn;"))
    name = "f" if caller is None else "above"
    found = [e for e in Summaries(built).of(function(built, name)) if e.name == "iput"]
    assert [e.late for e in found] == [e.wait is None for e in found]
    return found[0].wait


@pytest.mark.parametrize(
    "body",
    [
        QUEUE + "\tflush_work(&l->work);",
        QUEUE + "\twait_event(l->idle, !l->busy);",
        QUEUE + "\twait_on_bit(&l->state, LAMP_BUSY, TASK_UNINTERRUPTIBLE);",
        QUEUE + "\tflush_workqueue(lamp_wq);",
        QUEUE + "\twait_for_completion(&l->done);",
        "\tcall_rcu(&l->rcu, lamp_rcu);\n\trcu_barrier();",
        "\tif (lazy) {\n\t" + QUEUE + "\t\tflush_work(&l->work);\n\t}",
        "\tif (!lazy)\n\t\treturn;\n" + QUEUE + "\tflush_work(&l->work);",
        # where it did not start anything there is nothing to wait for
        "\tif (queue_work(lamp_wq, &l->work))\n\t\tflush_work(&l->work);",
        "\tbool on = queue_work(lamp_wq, &l->work);\n\n\tif (on)\n\t\tflush_work(&l->work);",
    ],
)
def test_a_wait_for_the_same_on_every_way_restores(body):
    assert wait(body) is not None


@pytest.mark.parametrize(
    "body",
    [
        QUEUE + "\tflush_work(&bulb->work);",
        QUEUE + "\tflush_work(&l->other);",
        QUEUE + "\tflush_workqueue(other_wq);",
        QUEUE + "\twait_for_completion(&l->other);",
        QUEUE + "\tcancel_work_sync(&l->work);",
        QUEUE + "\tsynchronize_rcu();",
        QUEUE + "\trcu_barrier();",
        QUEUE + "\twait_event(l->wait, l->gone);",
        QUEUE + "\tif (l->lazy)\n\t\tflush_work(&l->work);",
        "\tflush_work(&l->work);\n" + QUEUE,
        "\tcall_rcu(&l->rcu, lamp_rcu);\n\tsynchronize_rcu();",
        QUEUE,
    ],
)
def test_others_do_not(body):
    assert wait(body) is None


def test_a_wait_for_a_worker_that_puts_it_off_again_is_in_vain():
    source = (
        "static void lamp_gone(struct work_struct *work)\n{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, work);\n\n\tmntput(l->mnt);\n}\n\n"
        "void f(struct lamp *l)\n{\n\tINIT_WORK(&l->work, lamp_gone);\n"
        "\tschedule_work(&l->work);\n\tflush_work(&l->work);\n}\n"
    )
    (found,) = (e for e in summary(source) if e.name == "mntput")
    assert (found.late, found.vain.callee) == (True, "flush_work")
    (kept,) = (
        e for e in summary(source.replace("mntput(l->mnt)", "iput(l->i)")) if e.name == "iput"
    )
    assert (kept.late, kept.vain) == (False, None)


def test_an_item_on_the_stack_is_done_when_its_wait_is_over():
    source = (
        "static void gone(struct work_struct *work)\n{\n\tiput(lamp->inode);\n}\n\n"
        "void f(void)\n{\n\tstruct work_struct work;\n\n\tINIT_WORK_ONSTACK(&work, gone);\n"
        "\tschedule_work(&work);\n\tflush_work(&work);\n}\n"
    )
    (found,) = (e for e in summary(source) if e.name == "iput")
    assert (found.late, found.guarantee) == (False, "after-wait")


def test_a_caller_may_wait():
    assert wait(QUEUE, "\tflush_work(&a->work);").callee == "flush_work"
    assert wait(QUEUE, "\tif (a)\n\t\tflush_work(&a->work);") is None


TWO_HOPS = """\
static void second(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, again);

	iput(lamp->inode);
}

static void first(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	schedule_work(&lamp->again);
}

void f(struct lamp *l)
{
	schedule_work(&l->work);
	flush_work(&l->work);
}

void g(struct lamp *l)
{
	schedule_work(&l->work);
	flush_work(&l->again);
}
"""


def test_a_wait_for_the_first_hop_restores_nothing_that_the_second_does():
    built = graph(TWO_HOPS)
    made = Summaries(built)
    (first,) = [e for e in made.of(function(built, "f")) if e.name == "iput"]
    (second,) = [e for e in made.of(function(built, "g")) if e.name == "iput"]
    assert (first.late, first.wait) == (True, None)
    assert (second.late, second.wait.args) == (False, ("&l->again",))


@pytest.mark.parametrize(
    ("wait", "late"),
    [
        ("async_synchronize_full();", False),
        ("async_synchronize_cookie(l->cookie);", True),
        ("flush_workqueue(lamp_wq);", True),
        ("", True),
    ],
)
def test_what_is_scheduled_asynchronously_has_waits_of_its_own(wait, late):
    source = (
        "static void lamp_gone(void *data, async_cookie_t cookie)\n{\n"
        "\tstruct lamp *l = data;\n\n\tiput(l->inode);\n}\n\n"
        "void f(struct lamp *l)\n{\n\tasync_schedule(lamp_gone, l);\n"
        f"\t{wait}\n}}\n"
    )
    assert [e.late for e in summary(source) if e.name == "iput"] == [late]


@pytest.mark.parametrize(
    ("wait", "late"),
    [
        ("flush_work(&c->delete_work);", False),
        ("flush_work(&other->delete_work);", True),
        ("cancel_work_sync(&c->delete_work);", True),
    ],
)
def test_a_twin_may_be_waited_for_by_a_member_of_what_it_was_given(wait, late):
    for start in ("nvme_delete_ctrl(c);", "if (!nvme_delete_ctrl(c))\n\t"):
        source = f"void f(struct nvme_ctrl *c)\n{{\n\t{start}\n\t{wait}\n}}\n"
        (found,) = (e for e in summary(source) if e.name == "nvme_delete_ctrl_sync")
        assert found.late is late


@pytest.mark.parametrize(
    ("lines", "late"),
    [
        (["iput(l->inode);", "complete(&l->done);"], False),
        (["complete(&l->done);", "iput(l->inode);"], True),
        (["complete(&l->other);", "iput(l->inode);", "complete(&l->done);"], False),
        (
            ["if (l->early)", "\tcomplete(&l->done);", "iput(l->inode);", "complete(&l->done);"],
            False,
        ),
    ],
)
def test_who_is_told_before_it_is_done_does_not_wait_for_it(lines, late):
    inner = "".join(f"\t{line}\n" for line in lines)
    source = (
        "static void lamp_gone(struct work_struct *work)\n{\n"
        f"\tstruct lamp *l = container_of(work, struct lamp, work);\n\n{inner}}}\n\n"
        "void f(struct lamp *l)\n{\n\tschedule_work(&l->work);\n"
        "\twait_for_completion(&l->done);\n}\n"
    )
    assert [e.late for e in summary(source) if e.name == "iput"] == [late]


@pytest.mark.parametrize(
    ("signal", "late"),
    [
        ("complete(&l->rx.done);", False),
        ("complete(&l->tx.done);", True),
        ("lamp_told(l);", False),
        ("if (err)\n\t\tcomplete(&l->rx.done);", True),
        ("if (err)\n\t\tlamp_told(l);", True),
    ],
)
def test_who_waits_for_another_signal_or_one_of_a_failure_waits_for_nothing_else(signal, late):
    source = (
        "static void lamp_told(struct lamp *l)\n{\n\tcomplete(&l->rx.done);\n}\n\n"
        "static void lamp_gone(struct work_struct *work)\n{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, work);\n\tint err = lamp_dim(l);\n\n"
        f"\tiput(l->inode);\n\t{signal}\n}}\n\n"
        "void f(struct lamp *l)\n{\n\tschedule_work(&l->work);\n"
        "\twait_for_completion(&l->rx.done);\n}\n"
    )
    assert [e.late for e in summary(source) if e.name == "iput"] == [late]


SERVES = "while (!kthread_should_stop())\n\t\twait_event(l->more, lamp_more(l));"


@pytest.mark.parametrize(
    ("lines", "late"),
    [
        (["iput(l->inode);", "wake_up(&l->told);"], False),
        # the first of two signals tells that it runs
        (["wake_up(&l->told);", "iput(l->inode);", "wake_up(&l->told);"], True),
        # the end of a thread that serves others would be waited for forever
        ([SERVES, "iput(l->inode);", "wake_up(&l->told);"], True),
    ],
)
def test_who_starts_a_thread_waits_for_its_begin(lines, late):
    inner = "".join(f"\t{line}\n" for line in lines)
    thread = (
        f"static int lampd(void *data)\n{{\n\tstruct lamp *l = data;\n\n{inner}\treturn 0;\n}}\n\n"
    )
    source = (
        f"{thread}void f(struct lamp *l)\n{{\n"
        '\tl->task = kthread_run(lampd, l, "lampd");\n'
        "\twait_event(l->told, l->up || l->down);\n}\n"
    )
    assert [e.late for e in summary(source) if e.name == "iput"] == [late]


@pytest.mark.parametrize(
    ("put", "binds", "late"),
    [
        (
            "percpu_ref_put(&l->users);",
            "percpu_ref_init(&l->users, lamp_idle, 0, GFP_KERNEL);",
            False,
        ),
        ("kref_put(&l->ref, lamp_free);", "kref_init(&l->ref);", False),
        # another reference than the one whose end is waited for
        (
            "percpu_ref_put(&l->others);",
            "percpu_ref_init(&l->users, lamp_idle, 0, GFP_KERNEL);",
            True,
        ),
        ("kref_get(&l->ref);", "kref_init(&l->ref);", True),
    ],
)
def test_what_runs_at_the_last_put_of_a_callback_tells_who_waits(put, binds, late):
    source = (
        "static void lamp_idle(struct percpu_ref *users)\n{\n"
        "\tstruct lamp *l = container_of(users, struct lamp, users);\n\n"
        "\tcomplete(&l->done);\n}\n\n"
        "static void lamp_free(struct kref *ref)\n{\n"
        "\tstruct lamp *l = container_of(ref, struct lamp, ref);\n\n\tcomplete(&l->done);\n}\n\n"
        "static void lamp_gone(struct work_struct *work)\n{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, work);\n\n"
        f"\tiput(l->inode);\n\t{put}\n}}\n\n"
        f"void lamp_init(struct lamp *l)\n{{\n\t{binds}\n}}\n\n"
        "void f(struct lamp *l)\n{\n\tschedule_work(&l->work);\n"
        "\twait_for_completion(&l->done);\n}\n"
    )
    assert [e.late for e in summary(source) if e.name == "iput"] == [late]


KICKED = """\
static void lamp_late(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, late);

	iput(lamp->inode);
}

static void lamp_kick(struct lamp *lamp)
{
	if (lamp->hot)
		iput(lamp->inode);
	else if (lamp->warm)
		schedule_work(&lamp->late);
}

static void lamp_work(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	KICK
}

void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->late, lamp_late);
	INIT_WORK(&lamp->work, lamp_work);
}

void lamp_remove(struct lamp *lamp)
{
	BODY
}
"""
FLUSHED = "schedule_work(&lamp->work);\n\tflush_work(&lamp->work);"


def test_behind_a_start_that_is_waited_for_the_next_one_decides_who_is_late():
    """What ``lamp_late()`` does on its branch it did before, by the same way."""
    source = KICKED.replace("KICK", "lamp_kick(lamp);")
    before = source.replace("BODY", "lamp_kick(lamp);\n\tlamp_kick(lamp);")
    assert downgrades(before, source.replace("BODY", FLUSHED)) == ()


def test_a_second_hop_that_nobody_waits_for_is_the_loss():
    source = KICKED.replace("KICK", "schedule_work(&lamp->late);")
    before = source.replace("BODY", "iput(lamp->inode);")
    (found,) = downgrades(before, source.replace("BODY", FLUSHED))
    assert (found.function, found.after.callback) == ("lamp_remove", "lamp_work")
    assert [step.function for step in found.after.chain] == [
        "lamp_remove",
        "lamp_work",
        "lamp_late",
    ]


ASKED = QUEUE + "\tif (lazy)\n\t\tflush_work(&l->work);"


def effects_of(name, given="lazy"):
    source = LAMP.format(body=ASKED, caller="\treturn;").replace("false);", f"{given});")
    built = graph(source)
    return [e for e in Summaries(built).of(function(built, name)) if e.name == "iput"]


@pytest.mark.parametrize(("given", "late"), [("true", False), ("false", True)])
def test_a_caller_says_by_a_constant_whether_it_waits(given, late):
    assert [e.late for e in effects_of("above", given)] == [late]


def test_who_passes_it_on_waits_on_one_way():
    assert {(e.late, e.above[-1].sign) for e in effects_of("f")} == {
        (False, ("lazy", True)),
        (True, ("lazy", False)),
    }


AGAIN = """
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
	complete(&lamp->gone);
}

void lamp_put(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
	queue_work(lamp_wq, &lamp->work);
}

int lamp_remove_old(struct lamp *lamp, int index)
{
	int ret;

	if (index == -1) {
		NEW
	}
	wait_for_completion(&lamp->gone);
	return 0;
}
"""
OLD_FAILURE = "ret = lamp_add(index);\n\t\tif (ret < 0)\n\t\t\treturn ret;"
NEW_FAILURE = "other = lamp_add(index);\n\t\tif (IS_ERR(other))\n\t\t\treturn PTR_ERR(other);"


@pytest.mark.parametrize(
    ("new", "lost"),
    [
        (NEW_FAILURE, 0),
        (NEW_FAILURE.replace("PTR_ERR(other)", "0"), 1),
    ],
)
def test_a_new_way_to_fail_in_who_waits_sends_nobody_away_without_the_wait(new, lost):
    found = downgrades(AGAIN.replace("NEW", OLD_FAILURE), AGAIN.replace("NEW", new))
    assert len([one for one in found if one.function == "lamp_remove_old"]) == lost


OFF = """
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}

static void lamp_later(struct lamp *lamp)
{
	queue_work(lamp_wq, &lamp->work);
}

static int lamp_off(struct lamp *all, int nr)
{
	struct lamp *lamp;
	bool slow = false;

	list_for_each_entry(lamp, &all->list, node) {
		if (lamp->nr == nr) {
			slow |= lamp->slow;
			lamp_later(lamp);
		}
	}
	WAIT
	return 0;
}

int lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
	return 0;
}
"""


@pytest.mark.parametrize(
    ("wait", "told"),
    [("if (slow)\n\t\tflush_workqueue(lamp_wq);", "!lamp->slow"), ("lamp_note(all);", None)],
)
def test_a_wait_that_is_left_under_a_test_is_told_with_it(wait, told):
    before = OFF.replace("WAIT", "flush_workqueue(lamp_wq);")
    (found,) = downgrades(before, OFF.replace("WAIT", wait))
    assert (found.function, found.cleanup, found.condition) == ("lamp_off", "iput", told)
