"""Deferral edges: who starts which callback, also through helpers that nobody lists."""

from __future__ import annotations

import pytest
from graph_kit import edges, function, graph

GONE = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	fput(lamp->file);
}

"""
CLOSE = """\
void lamp_close(struct lamp *lamp)
{{
{}
}}

"""


def started(before, close, name="lamp_close"):
    built = graph(before + CLOSE.format(close))
    return [edge for edge in edges(built) if edge[0] == name]


KICK = """\
static void kick(struct work_struct *w)
{
	if (on)
		schedule_work(w);
}

static void kick_all(struct lamp *l, int n)
{
	kick(&l->work);
}

static void kick_later(struct work_struct *w)
{
	kick(w);
}

"""


@pytest.mark.parametrize(
    ("close", "via"),
    [
        ("\tkick(&lamp->work);", "kick"),
        ("\tkick_later(&lamp->work);", "kick_later"),
        ("\tstruct work_struct *w = &lamp->work;\n\n\tkick_later(w);", "kick_later"),
    ],
)
def test_a_helper_that_starts_what_it_is_given_is_an_activation(close, via):
    built = graph(GONE + KICK + CLOSE.format(close))
    edge = built.deferrals_of(function(built, "lamp_close"))[0]
    assert (edge.mechanism, edge.callback, edge.via) == ("schedule_work", "lamp_gone", via)
    assert edge.within[-1][1].callee == "schedule_work"


def test_a_helper_that_starts_a_member_of_what_it_is_given_is_one_for_its_callers():
    assert started(GONE + KICK, "\tkick_all(lamp, 3);", "kick_all") == [
        ("kick_all", "schedule_work", "lamp_gone")
    ]


FREE = """\
static void free_later(struct rcu_head *h, rcu_callback_t fn)
{
	call_rcu(h, fn);
}

static void drop_later(struct lamp *l, rcu_callback_t how)
{
	free_later(&l->rcu, how);
}

static void lamp_free(struct rcu_head *h)
{
	fput(lamp->file);
}

"""


@pytest.mark.parametrize(
    "call", ["free_later(&lamp->rcu, lamp_free)", "drop_later(lamp, lamp_free)"]
)
def test_a_helper_that_is_given_the_callback_is_one(call):
    assert started(FREE, f"\t{call};") == [("lamp_close", "call_rcu", "lamp_free")]


STORE = """\
static void run_later(struct lamp *l, lamp_fn_t fn, void *arg)
{
	l->fn = fn;
	l->arg = arg;
	queue_work(lamp_wq, &l->work);
}

static void lamp_end(void *arg)
{
	fput(lamp->file);
}

"""


def test_a_helper_that_stores_a_function_and_starts_something_is_one():
    assert ("lamp_close", "queue_work", "lamp_end") in started(
        STORE, "\trun_later(lamp, lamp_end, lamp);"
    )


def test_a_helper_that_only_calls_what_it_is_given_is_none():
    now = STORE.replace("\tqueue_work(lamp_wq, &l->work);\n", "\tfn(arg);\n")
    assert started(now, "\trun_later(lamp, lamp_end, lamp);") == []


def test_helpers_that_call_each_other_end():
    loop = (
        "static void a(struct work_struct *w)\n{\n\tb(w);\n\tschedule_work(w);\n}\n\n"
        "static void b(struct work_struct *w)\n{\n\ta(w);\n}\n\n"
    )
    assert ("lamp_close", "schedule_work", "lamp_gone") in started(GONE + loop, "\tb(&lamp->work);")


OPS = """\
struct lamp_ops {
	void (*start)(struct work_struct *w);
};

static void kick(struct work_struct *w)
{
	schedule_work(w);
}

static const struct lamp_ops ops = {
	.start = kick,
};

"""


def test_a_helper_in_an_operations_table_is_one():
    assert started(GONE + OPS, "\tlamp->ops->start(&lamp->work);") == [
        ("lamp_close", "schedule_work", "lamp_gone")
    ]


def test_a_flag_may_say_that_nobody_waits_for_task_work():
    head = "static void gone(struct callback_head *h)\n{\n\tfput(lamp->file);\n}\n\n"
    close = "\tinit_task_work(&lamp->cb, gone);\n\ttask_work_add(current, &lamp->cb, {});"
    kept = graph(head + CLOSE.format(close.format("TWA_RESUME"))).deferrals
    left = graph(head + CLOSE.format(close.format("TWA_NONE"))).deferrals
    assert [edge.keeps for edge in kept] == [True]
    assert [(edge.keeps, edge.guarantee) for edge in left] == [(False, "eventually")]


def test_an_item_that_is_bound_in_another_file_is_found():
    built = graph(
        {
            "drivers/lamp/core.c": GONE.replace("static ", ""),
            "drivers/lamp/init.c": (
                "void lamp_init(struct lamp *lamp)\n{\n\tINIT_WORK(&lamp->work, lamp_gone);\n}\n"
            ),
            "drivers/lamp/close.c": CLOSE.format("\tschedule_work(&lamp->work);"),
        }
    )
    assert edges(built) == [("lamp_close", "schedule_work", "lamp_gone")]


def _across(init: str, gone: str) -> list[tuple[str, str, str | None]]:
    """Starts of an item of which the file that starts it does not show the type."""
    return edges(
        graph(
            {
                "drivers/lamp/core.c": gone
                + f"void lamp_init(struct lamp *lamp)\n{{\n\t{init};\n}}\n",
                "drivers/lamp/close.c": "void lamp_close(void)\n{\n\tschedule_work(&p->dim);\n}\n",
            }
        )
    )


def test_an_item_that_is_set_up_and_found_by_its_container_is_bound_to_one_callback():
    dimmed = (
        "static void lamp_{0}(struct work_struct *w)\n{{\n"
        "\tstruct lamp *lamp = container_of(w, struct lamp, dim);\n\n\tfput(lamp->file);\n}}\n\n"
    )
    one = _across("INIT_WORK(&lamp->dim, lamp_gone)", dimmed.format("gone"))
    two = _across(
        "INIT_WORK(&lamp->dim, lamp_gone)", dimmed.format("gone") + dimmed.format("other")
    )
    assert ("lamp_close", "schedule_work", "lamp_gone") in one
    assert ("lamp_close", "schedule_work", "lamp_gone") not in two
