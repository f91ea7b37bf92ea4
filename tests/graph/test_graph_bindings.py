"""What binds a callback to an object, and which object an expression means."""

from __future__ import annotations

import pytest
from graph_kit import PATH, edges, function, graph

from patchlint.graph import bindings as binding
from patchlint.graph.bindings import by_signature, function_name, resolved, root_parameter

GONE = """\
static void lamp_gone(struct work_struct *work)
{
	fput(lamp->file);
}

"""
INIT = """\
void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
}

"""


def started(close, *, before=GONE + INIT, parameters="struct lamp *lamp"):
    """The edges of lamp_close() with these statements."""
    built = graph(f"{before}void lamp_close({parameters})\n{{\n{close}\n}}\n")
    return [edge for edge in edges(built) if edge[0] == "lamp_close"]


FOUND = [("lamp_close", "schedule_work", "lamp_gone")]
PER_CPU = (
    GONE
    + """\
static DEFINE_PER_CPU(struct work_struct, lamp_works);

void lamp_init(int cpu)
{
	INIT_WORK(per_cpu_ptr(&lamp_works, cpu), lamp_gone);
}

"""
)
GETTER = (
    GONE
    + INIT
    + """\
static struct work_struct *lamp_work(struct lamp *lamp)
{
	return &lamp->work;
}

"""
)


@pytest.mark.parametrize(
    ("close", "before"),
    [
        ("\tschedule_work(&lamp->work);", GONE + INIT),
        ("\tstruct work_struct *w = &lamp->work;\n\n\tschedule_work(w);", GONE + INIT),
        ("\tstruct work_struct *w;\n\n\tw = &lamp->work;\n\tschedule_work(w);", GONE + INIT),
        ("\tschedule_work(lamp_work(lamp));", GETTER),
        ("\tstruct work_struct *w = lamp_work(lamp);\n\n\tschedule_work(w);", GETTER),
        ("\tschedule_work(this_cpu_ptr(&lamp_works));", PER_CPU),
        ("\tschedule_work(per_cpu_ptr(&lamp_works, 3));", PER_CPU),
        ("\tschedule_work(&lamp->works[3]);", GONE + INIT.replace("->work,", "->works[i],")),
    ],
)
def test_an_object_is_known_through_locals_getters_and_accessors(close, before):
    assert started(close, before=before) == FOUND


def test_a_local_that_is_set_twice_stands_for_nothing():
    two = "\tstruct work_struct *w = &lamp->work;\n\n\tw = &lamp->other;\n\tschedule_work(w);"
    assert started(two) == [("lamp_close", "schedule_work", None)]


def test_a_slot_binds_as_the_call_does_that_it_stands_for():
    before = """\
static void lamp_tick(struct timer_list *t)
{
	fput(lamp->file);
}

struct lamp {
	struct timer_list timer;
	struct lamp_ops ops;
};

void lamp_init(struct lamp *lamp)
{
	lamp->timer.function = lamp_tick;
	lamp->ops.function = lamp_other;
}

"""
    assert started("\tadd_timer(&lamp->timer);", before=before) == [
        ("lamp_close", "add_timer", "lamp_tick")
    ]
    other = before.replace("timer.function = lamp_tick", "ops.function = lamp_tick")
    assert [b.callback for b in graph(other + "void f(void)\n{\n}\n").bindings if b.function] == []


HELPER = """\
static void lamp_prepare(struct lamp *l, work_func_t fn)
{
	INIT_WORK(&l->work, fn);
}

static void lamp_ready(struct lamp *lamp, work_func_t how)
{
	lamp_prepare(lamp, how);
}

"""


@pytest.mark.parametrize("helper", ["lamp_prepare", "lamp_ready"])
def test_a_helper_binds_what_it_is_given(helper):
    use = f"void lamp_init(struct lamp *lamp)\n{{\n\t{helper}(lamp, lamp_gone);\n}}\n\n"
    assert started("\tschedule_work(&lamp->work);", before=GONE + HELPER + use) == FOUND


def test_functions_in_members_are_slots():
    built = graph(
        "static void off(struct lamp *l)\n{\n}\n\n"
        "static const struct lamp_ops ops = {\n\t.off = off,\n};\n\n"
        "void set(struct lamp *l)\n{\n\tl->ops.dim = off;\n\tl->n = who;\n}\n"
    )
    assert {name: [f for f, _, _ in held] for name, held in binding.slots(built).items()} == {
        "off": ["off"],
        "dim": ["off"],
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lamp_gone", "lamp_gone"),
        ("&lamp_gone", "lamp_gone"),
        ("(work_func_t)lamp_gone", "lamp_gone"),
        ("NULL", None),
        ("l->fn", None),
        ("3", None),
        (None, None),
    ],
)
def test_the_function_that_an_expression_names(text, name):
    assert function_name(text) == name


def test_what_a_text_begins_with_is_a_parameter_or_not():
    built = graph("void f(struct lamp *l)\n{\n\tstruct lamp *m;\n\n\tg(l, m);\n}\n")
    of = function(built, "f")
    assert root_parameter(of, "&l->work") == "l"
    assert root_parameter(of, "&m->work") is None


def test_what_names_itself_ends():
    built = graph(
        "static struct lamp *get(struct lamp *l)\n{\n\treturn get(l);\n}\n\n"
        "void f(struct lamp *l)\n{\n\tg(get(l));\n}\n"
    )
    assert resolved(built, function(built, "f"), "get(l)") in ("get(l)", "get((l))")


@pytest.mark.parametrize(
    ("parameters", "registration"),
    [
        ("struct work_struct *w", "INIT_WORK"),
        ("struct rcu_head *h", "call_rcu"),
        ("struct timer_list *t", "timer_setup"),
        ("struct lamp *l", None),
        ("void", None),
    ],
)
def test_a_parameter_tells_what_binds_a_callback(parameters, registration):
    built = graph(f"static void f({parameters})\n{{\n\tg();\n}}\n")
    found = by_signature(built, function(built, "f", PATH))
    assert (found.name if found else None) == registration


@pytest.mark.parametrize("kept", ["lamp->thread", "thread"])
def test_a_thread_is_woken_by_the_member_that_keeps_it(kept):
    """A local variable is no place by which another function finds it."""
    begins = f"""\
static int lamp_main(void *data)
{{
	fput(data);
	return 0;
}}

void lamp_init(struct lamp *lamp)
{{
	{kept} = kthread_create(lamp_main, lamp, "lamp");
}}

"""
    found = [] if kept == "thread" else ["lamp_main"]
    woken = started("\twake_up_process(lamp->thread);", before=begins)
    assert [callback for _, _, callback in woken if callback] == found
