"""What a function releases when it is called, and by when."""

from __future__ import annotations

from graph_kit import function, graph, kernel
from msgspec.structs import replace

from patchlint.graph.effects import Effects


def effects(source, name="f"):
    built = graph(source)
    return Effects(built).inline(function(built, name))


def said(found):
    return [(e.cleanup, e.guarantee) for e in found]


def behind(source, name="f"):
    built = graph(source)
    return [
        e for edge in built.deferrals_of(function(built, name)) for e in Effects(built).behind(edge)
    ]


def test_a_known_release_has_the_guarantee_of_its_row():
    found = effects("void f(struct lamp *l)\n{\n\tfput(l->file);\n\tiput(l->inode);\n}\n")
    assert said(found) == [("fput", "before-return-to-user"), ("iput", "before-call-returns")]
    assert [e.family for e in found] == ["file", "inode"]
    assert [e.site.line for e in found] == [3, 4]


def test_memory_is_an_effect_that_nobody_sees():
    found = effects("void f(struct lamp *l)\n{\n\tkfree(l);\n}\n")
    assert [(e.cleanup, e.memory, e.visible) for e in found] == [("kfree", True, False)]


def test_a_name_like_a_teardown_is_structural():
    found = effects("void f(struct lamp *l)\n{\n\tlamp_destroy(l);\n\tlamp_count(l);\n}\n")
    assert [(e.cleanup, e.family, e.known) for e in found] == [("lamp_destroy", "structural", None)]


def test_a_teardown_whose_body_releases_nothing_is_none():
    source = "static void lamp_destroy(struct lamp *l)\n{\n\tl->on = 0;\n}\n"
    assert effects(source + "void f(struct lamp *l)\n{\n\tlamp_destroy(l);\n}\n") == ()


def test_a_teardown_that_frees_memory_alone_is_memory():
    source = "static void lamp_destroy(struct lamp *l)\n{\n\tkfree(l);\n}\n"
    found = effects(source + "void f(struct lamp *l)\n{\n\tlamp_destroy(l);\n}\n")
    assert [e.cleanup for e in found] == ["kfree"]


def test_calls_are_followed_and_leave_a_chain():
    found = effects("""\
static void inner(struct lamp *l)
{
	iput(l->inode);
}
static void outer(struct lamp *l)
{
	inner(l);
}
void f(struct lamp *l)
{
	outer(l);
}
""")
    assert said(found) == [("iput", "before-call-returns")]
    assert [(s.function, s.line) for s in found[0].chain] == [("f", 11), ("outer", 7), ("inner", 3)]
    assert (found[0].root.callee, found[0].site.callee) == ("outer", "iput")
    assert found[0].between[0].callee == "inner"


def test_the_release_given_to_kref_put_runs_here():
    found = effects("""\
static void lamp_free(struct kref *kref)
{
	iput(lamp->inode);
}
void f(struct lamp *l)
{
	kref_put(&l->kref, lamp_free);
}
""")
    assert ("iput", "before-call-returns") in said(found)
    assert found[0].chain[0].note == "calls kref_put()"


def test_a_release_that_is_not_shown_is_known_by_the_name_given():
    found = effects("void f(struct lamp *l)\n{\n\tkref_put(&l->kref, lamp_free);\n}\n")
    assert [(e.cleanup, e.family) for e in found] == [("lamp_free", "structural")]


def test_cycles_end():
    found = effects("""\
void f(struct lamp *l)
{
	g(l);
	iput(l->inode);
}
void g(struct lamp *l)
{
	f(l);
	dput(l->dentry);
}
""")
    assert {e.cleanup for e in found} == {"iput", "dput"}


def test_more_than_six_calls_down_is_not_seen():
    steps = "".join(f"void f{n}(void)\n{{\n\tf{n + 1}();\n}}\n" for n in range(8))
    last = "void f8(void)\n{\n\tiput(inode);\n}\n"
    assert [e.cleanup for e in effects(steps + last, "f3")] == ["iput"]
    assert effects(steps + last, "f0") == ()


WORK = """\
static void lamp_gone(struct work_struct *work)
{
	fput(lamp->file);
	iput(lamp->inode);
}
static DECLARE_WORK(lamp_work, lamp_gone);

void f(void)
{
	schedule_work(&lamp_work);
}
"""


def test_what_is_deferred_is_not_inline_and_is_worth_what_the_edge_gives():
    assert effects(WORK) == ()
    found = behind(WORK)
    assert said(found) == [("fput", "eventually"), ("iput", "eventually")]
    assert {e.deferral.mechanism for e in found} == {"schedule_work"}
    assert found[0].chain[0].note == "schedule_work() runs lamp_gone()"


def test_task_work_stays_inline():
    found = effects("""\
static void lamp_cb(struct callback_head *head)
{
	iput(lamp->inode);
}
void f(struct lamp *l)
{
	init_task_work(&l->cb, lamp_cb);
	task_work_add(current, &l->cb, TWA_RESUME);
}
""")
    assert said(found) == [("iput", "before-return-to-user")]


TWO_HOPS = """\
static void second(struct work_struct *work)
{
	iput(lamp->inode);
}
static DECLARE_WORK(second_work, second);

static void first(struct rcu_head *head)
{
	schedule_work(&second_work);
}
void f(struct lamp *l)
{
	call_rcu(&l->rcu, first);
}
"""


def test_a_callback_that_defers_again_adds_its_hop():
    found = behind(TWO_HOPS)
    assert said(found) == [("iput", "eventually")]
    assert found[0].deferral.mechanism == "schedule_work"
    assert [s.function for s in found[0].chain] == ["f", "first", "second"]


def test_a_callback_that_queues_itself_ends():
    again = WORK.replace("\tiput(lamp->inode);\n", "\tschedule_work(&lamp_work);\n")
    assert said(behind(again)) == [("fput", "eventually")]


def test_an_item_without_callback_hides_what_is_behind():
    assert behind("void f(struct lamp *l)\n{\n\tschedule_work(&l->work);\n}\n") == []


def test_a_derived_row_counts_like_one_of_the_tables():
    built = graph("void f(struct lamp *l)\n{\n\tlamp_away(l);\n}\n")
    row = replace(kernel().cleanups["iput"], name="lamp_away")
    assert Effects(built).inline(function(built, "f")) == ()
    found = Effects(built, {"lamp_away": row}).inline(function(built, "f"))
    assert said(found) == [("lamp_away", "before-call-returns")]


def test_a_call_through_a_pointer_is_not_followed():
    source = "static void inner(struct lamp *l)\n{\n\tiput(l->inode);\n}\n"
    assert effects(source + "void f(struct lamp *l)\n{\n\tl->inner(l);\n}\n") == ()
