"""Summaries: what a function has done when it returns, and what it leaves to others."""

from __future__ import annotations

import itertools

import pytest
from graph_kit import PATH, facts, function, graph, kernel, summary
from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.build import build
from patchlint.graph.summary import Summaries
from patchlint.syntax.facts import extract


def body(*lines, head="void f(struct lamp *l)"):
    return head + "\n{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n\n"


def said(found):
    return [(e.name, e.guarantee, e.late) for e in found]


def names(found):
    return [e.name for e in found]


def guard(effect):
    return [(a.head, a.positive) for a in effect.guard]


# -- leaves ----------------------------------------------------------------------------------


def test_a_known_release_has_the_guarantee_of_its_row():
    found = summary(body("fput(l->file);", "iput(l->inode);"))
    assert said(found) == [
        ("fput", "before-return-to-user", False),
        ("iput", "before-call-returns", False),
    ]
    assert [(e.kind, e.known.family, e.site.line) for e in found] == [
        ("row", "file", 3),
        ("row", "inode", 4),
    ]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("kfree(l);", "memory"),
        ("lamp_destroy(l);", "named"),
        ("lamp_blink(l);", "opaque"),
        ("return lamp_blink(l);", "opaque"),
        ("l->ops->off(l);", "indirect"),
        ("l->state = LAMP_DEAD;", "store"),
        ("l->file = NULL;", "store"),
        ("l->flags |= LAMP_DEAD;", "store"),
    ],
)
def test_each_thing_that_may_be_seen_is_an_effect(line, kind):
    assert [e.kind for e in summary(body(line))] == [kind]


@pytest.mark.parametrize(
    "line",
    [
        "n = lamp_count(l);",
        "if (lamp_is_on(l))\n\t\treturn;",
        "mutex_unlock(&l->lock);",
        'pr_info("off\\n");',
        "l->n = n;",
        "l->count++;",
        "n = 0;",
        "LAMP_ASSERT(l);",
        "queue_work(lamp_wq, &l->work);",
        "flush_work(&l->work);",
    ],
)
def test_what_nobody_outside_sees_is_none(line):
    assert summary(body(line)) == ()


def test_a_body_that_is_shown_beats_the_name():
    empty = body("l->n = 0;", head="static void lamp_destroy(struct lamp *l)")
    assert summary(empty + body("lamp_destroy(l);")) == ()
    memory = body("kfree(l);", head="static void lamp_destroy(struct lamp *l)")
    assert names(summary(memory + body("lamp_destroy(l);"))) == ["kfree"]


def test_a_body_that_is_not_all_shown_keeps_the_name():
    shown = body("lamp_dark(l);", head="static void lamp_destroy(struct lamp *l)")
    built = build(
        [
            replace(
                facts(PATH, shown + body("lamp_destroy(l);")),
                functions=tuple(
                    replace(f, complete=f.name == "f")
                    for f in facts(PATH, shown + body("lamp_destroy(l);")).functions
                ),
            )
        ],
        kernel(),
    )
    found = Summaries(built).of(function(built, "f"))
    assert {(e.kind, e.name) for e in found} == {("named", "lamp_destroy"), ("opaque", "lamp_dark")}


def test_a_row_of_an_unchanged_body_stands_and_that_of_a_changed_one_does_not():
    own = body("lamp_drop(file);", head="void fput(struct file *file)")
    source = own + body("fput(l->file);")
    assert "fput" in names(summary(source))
    built = graph(source)
    changed = Summaries(built, changed={(PATH, "fput")}).of(function(built, "f"))
    assert names(changed) == ["lamp_drop"]


def test_a_tree_adds_rows():
    built = graph(body("lamp_drop(l->file);"))
    row = replace(kernel().cleanups["fput"], name="lamp_drop")
    (found,) = Summaries(built, {"lamp_drop": row}).of(function(built, "f"))
    assert (found.kind, found.known) == ("row", row)


def test_what_is_not_wanted_is_not_told():
    built = graph(body("fput(l->file);", "iput(l->inode);"))
    only = Summaries(built, wanted={("call", "iput")})
    assert names(only.of(function(built, "f"))) == ["iput"]


def test_keys_alone_are_those_of_the_summary_and_more():
    source = body("iput(l->inode);", head="static void g(struct lamp *l)") + body(
        "if (on)\n\t\tg(l);", "lamp_blink(l);"
    )
    built = graph(source)
    of = function(built, "f")
    assert {e.key for e in Summaries(built).of(of)} <= Summaries(built).keys([of])


# -- bodies ----------------------------------------------------------------------------------


def test_calls_are_followed_and_leave_a_chain():
    found = summary(
        body("iput(l->inode);", head="static void inner(struct lamp *l)")
        + body("inner(l);", head="static void outer(struct lamp *l)")
        + body("outer(l);")
    )
    assert said(found) == [("iput", "before-call-returns", False)]
    assert [s.function for s in found[0].chain] == ["f", "outer", "inner"]
    assert (found[0].root.callee, found[0].site.callee) == ("outer", "iput")
    assert found[0].between[0].callee == "inner"


def test_there_is_no_limit_of_depth():
    steps = "".join(body(f"f{n + 1}();", head=f"void f{n}(void)") for n in range(60))
    assert names(summary(steps + body("iput(inode);", head="void f60(void)"), "f0")) == ["iput"]


def test_cycles_end():
    source = body("g(l);", "iput(l->inode);") + body(
        "f(l);", "dput(l->dentry);", head="void g(struct lamp *l)"
    )
    assert {"iput", "dput"} <= set(names(summary(source)))


def test_all_functions_of_a_cycle_do_what_each_of_them_does():
    ring = {"one": "two", "two": "three", "three": "four", "four": "one"}
    source = "".join(
        body(
            "iput(l->inode);" if name == "two" else "lamp_rest(l);",
            f"{callee}(l);",
            head=f"void {name}(struct lamp *l)",
        )
        for name, callee in ring.items()
    )
    built = graph(source)
    made = Summaries(built)
    for start in ("one", "three", "four", "two"):
        assert "iput" in names(made.of(function(built, start))), start


RING = """\
static void late(struct work_struct *work)
{
	down(container_of(work, struct lamp, work));
}

static void end(struct lamp *l)
{
	if (l->bright) {
		down(l);
		return;
	}
	INIT_WORK(&l->work, late);
	queue_work(wq, &l->work);
}

static void put(struct lamp *l)
{
	if (l->last)
		end(l);
	dput(l->dentry);
}

static void down(struct lamp *l)
{
	iput(l->inode);
	put(l->parent);
}

void start(struct lamp *l)
{
	put(l);
}
"""


def test_a_summary_hangs_on_nobody_who_was_asked_first():
    """A law: functions in a circle, one of them behind a deferral, in every order of asking."""
    all_names = ("late", "end", "put", "down", "start")
    built = graph(RING)

    def told(names_):
        made = Summaries(built)
        for name in names_:
            made.of(function(built, name))
        return {
            name: {
                (e.key, e.late, tuple(a.sign for a in e.guard))
                for e in made.of(function(built, name))
            }
            for name in all_names
        }

    every = [told(order) for order in itertools.permutations(all_names)]
    assert all(one == every[0] for one in every)
    inline = {key for key, late, _ in every[0]["start"] if not late}
    assert inline == {("call", "iput"), ("call", "dput")}
    assert {key for key, late, _ in every[0]["end"] if late} == {("call", "iput"), ("call", "dput")}


def test_what_a_function_does_by_calling_itself_is_told_once():
    source = body("if (l->parent)\n\t\tf(l->parent);", "iput(l->inode);")
    (found,) = summary(source)
    assert (found.name, len(found.chain)) == ("iput", 1)


def test_arguments_and_guards_are_told_in_the_callers_terms():
    source = body(
        "if (lazy)\n\t\tfput(file);", head="static void end(struct file *file, bool lazy)"
    ) + body("if (l->on)\n\t\tend(l->file, l->late);")
    (found,) = summary(source)
    assert guard(found) == [("on", True), ("late", True)]
    assert found.args == ("l->file",)


@pytest.mark.parametrize(
    ("given", "left"),
    [("true", ["fput"]), ("false", ["iput"]), ("l->lazy", ["fput", "iput"]), ("NULL", ["iput"])],
)
def test_what_constants_rule_out_is_left_out(given, left):
    source = body(
        "if (lazy) {\n\t\tfput(l->file);\n\t\treturn;\n\t}",
        "iput(l->inode);",
        head="static void end(struct lamp *l, bool lazy)",
    )
    assert names(summary(source + body(f"end(l, {given});"))) == left


def test_constants_rule_out_through_several_calls():
    source = (
        body(
            "if (how == LAMP_SYNC)\n\t\tfput(l->file);",
            head="static void end(struct lamp *l, int how)",
        )
        + body("end(l, how);", head="static void middle(struct lamp *l, int how)")
        + body("middle(l, LAMP_LAZY);")
        + body("middle(l, LAMP_SYNC);", head="void g(struct lamp *l)")
    )
    assert names(summary(source)) == []
    assert names(summary(source, "g")) == ["fput"]


def test_a_local_flag_and_a_helper_that_only_asks_are_what_they_ask():
    asks = "static bool dark(struct lamp *l)\n{\n\treturn !l->on;\n}\n\n"
    (found,) = summary(asks + body("bool off = dark(l);", "if (off)\n\t\tfput(l->file);"))
    assert guard(found) == [("on", False)]


def test_a_local_flag_that_is_passed_is_what_it_was_set_to():
    source = body(
        "if (lazy)\n\t\tfput(file);", head="static void end(struct file *file, bool lazy)"
    ) + body("bool off = !(l->flags & LAMP_ON);", "end(l->file, off);")
    (found,) = summary(source)
    assert guard(found) == [("flags LAMP_ON", False)]


def test_the_release_given_to_kref_put_runs_here_when_it_is_the_last():
    given = body("iput(l->inode);", head="static void lamp_free(struct kref *kref)")
    (found,) = summary(given + body("kref_put(&l->kref, lamp_free);"))
    assert said([found]) == [("iput", "before-call-returns", False)]
    assert guard(found) == [("the last reference", True)]


def test_a_release_that_is_not_shown_is_known_by_the_name_given():
    found = summary(body("kref_put(&l->kref, lamp_free);"))
    assert [(e.kind, e.name) for e in found] == [("named", "lamp_free")]


EACH = "static void each(struct lamp *l, void (*fn)(struct lamp *))\n{\n\tfn(l);\n}\n\n"
OFF = body("iput(l->inode);", head="static void off(struct lamp *l)")


@pytest.mark.parametrize(
    "call",
    ["each(l, off);", "each(l, &off);", "twice(l, off);", "lamp_for_each(l, off);"],
)
def test_a_function_that_is_handed_on_runs_here(call):
    twice = body(
        "each(l, fn);", head="static void twice(struct lamp *l, void (*fn)(struct lamp *))"
    )
    assert names(summary(OFF + EACH + twice + body(call))) in (
        ["iput"],
        ["iput", "lamp_for_each"],
        ["lamp_for_each", "iput"],
    )


def test_a_call_through_a_member_runs_what_is_stored_there():
    table = "static const struct lamp_ops ops = {\n\t.off = off,\n};\n\n"
    found = summary(OFF + table + body("l->ops->off(l);"))
    assert "iput" in names(found)


# -- deferral --------------------------------------------------------------------------------

WORK = body(
    "fput(lamp->file);", "iput(lamp->inode);", head="static void gone(struct work_struct *w)"
)
WORK += "static DECLARE_WORK(lamp_work, gone);\n\n"


def test_what_is_deferred_is_late_and_worth_what_the_edge_gives():
    found = summary(WORK + body("if (lazy)\n\t\tschedule_work(&lamp_work);"))
    assert said(found) == [("fput", "eventually", True), ("iput", "eventually", True)]
    assert {e.edge.mechanism for e in found} == {"schedule_work"}
    assert [[a.head for a in e.above] for e in found] == [["lazy"], ["lazy"]]
    assert found[0].chain[0].note == "schedule_work() runs gone()"


def test_tests_inside_of_the_callback_do_not_decide_whether_it_is_late():
    work = WORK.replace("\tfput", "\tif (lamp->on)\n\t\tfput")
    found = summary(work + body("if (lazy)\n\t\tschedule_work(&lamp_work);"))
    assert guard(found[0]) == [("lazy", True), ("on", True)]
    assert [a.head for a in found[0].above] == ["lazy"]


def test_task_work_keeps_the_promise_and_counts_as_inline():
    source = body("fput(lamp->file);", head="static void gone(struct callback_head *h)")
    found = summary(
        source
        + body("init_task_work(&l->cb, gone);", "task_work_add(current, &l->cb, TWA_RESUME);")
    )
    assert said(found) == [("fput", "before-return-to-user", False)]


@pytest.mark.parametrize(
    ("lines", "late"),
    [
        (["schedule_work(&lamp_work);"], True),
        (["schedule_work(&lamp_work);", "flush_work(&lamp_work);"], False),
        (["flush_work(&lamp_work);", "schedule_work(&lamp_work);"], True),
        (["schedule_work(&lamp_work);", "flush_work(&l->other);"], True),
        (["schedule_work(&lamp_work);", "cancel_work_sync(&lamp_work);"], True),
        (["schedule_work(&lamp_work);", "if (l->on)\n\t\tflush_work(&lamp_work);"], True),
        (["if (l->on) {\n\t\tschedule_work(&lamp_work);\n\t\tflush_work(&lamp_work);\n\t}"], False),
    ],
)
def test_a_wait_on_the_same_way_holds_the_task(lines, late):
    found = [e for e in summary(WORK + body(*lines)) if e.name == "iput"]
    assert [e.late for e in found] == [late]


@pytest.mark.parametrize(
    ("between", "late"),
    [
        ("if (l->busy)\n\t\treturn;", True),
        # not started at all
        ("if (!started)\n\t\treturn;", True),
        ("lamp_log(l);", False),
    ],
)
def test_a_wait_that_some_do_not_come_to_holds_nobody(between, late):
    lines = ["schedule_work(&lamp_work);", between, "flush_work(&lamp_work);"]
    found = [e for e in summary(WORK + body(*lines)) if e.name == "iput"]
    assert [e.late for e in found] == [late]


@pytest.mark.parametrize("failed", ["!schedule_work(&lamp_work)", "err < 0"])
def test_what_failed_leaves_nothing_to_wait_for(failed):
    start = [] if "work" in failed else ["schedule_work(&lamp_work);"]
    lines = [*start, f"if ({failed})\n\t\treturn;", "flush_work(&lamp_work);"]
    found = [e for e in summary(WORK + body(*lines)) if e.name == "iput"]
    assert [e.late for e in found] == [False]


@pytest.mark.parametrize(
    ("waits", "late"),
    [("flush_work(work);", False), ("flush_work(&other);", True), ("lamp_log(l);", True)],
)
def test_a_helper_may_start_and_wait_for_what_it_is_given(waits, late):
    run = body(
        "queue_work(lamp_wq, work);", waits, head="static void run(struct work_struct *work)"
    )
    found = summary(WORK + run + body("run(&lamp_work);"))
    assert [(e.name, e.late) for e in found if e.name == "iput"] == [("iput", late)]
    # what puts itself off in a worker is not waited for
    assert [e.late for e in found if e.name == "fput"] == [True]


def test_what_a_callee_waits_for_is_done_once():
    wait = body("flush_work(&lamp_work);", head="static void rest(struct lamp *l)")
    off = body("schedule_work(&lamp_work);", "rest(l);", head="static void off(struct lamp *l)")
    found = [e for e in summary(WORK + wait + off + body("off(l);")) if e.name == "iput"]
    assert [(e.late, e.pending) for e in found] == [(False, None)]


def test_a_caller_may_wait_for_what_a_callee_started():
    start = body("schedule_work(&lamp_work);", head="static void start(struct lamp *l)")
    found = [
        e
        for e in summary(WORK + start + body("start(l);", "flush_work(&lamp_work);"))
        if e.name == "iput"
    ]
    assert [(e.late, e.wait.callee) for e in found] == [(False, "flush_work")]


@pytest.mark.parametrize(
    ("rest", "late"),
    [
        (["wait_for_completion(&o->done);"], False),
        (["wait_for_completion(&o->other);"], True),
        # only some come to the wait
        (["if (o->lazy)", "\treturn;", "wait_for_completion(&o->done);"], True),
        (["if (lamp_put_test(o))", "\twait_for_completion(&o->done);"], True),
        # as long as there is anything to wait for
        (["while (o->left)", "\twait_for_completion(&o->done);"], False),
    ],
)
def test_a_callee_may_wait_for_what_another_started(rest, late):
    source = (
        "struct lamp_off { struct work_struct work; struct completion done, other; };\n\n"
        + body(
            "struct lamp_off *o = container_of(work, struct lamp_off, work);",
            "if (o->first)\n\t\tiput(o->first);",
            "iput(o->second);",
            "complete(&o->done);",
            head="static void lamp_fn(struct work_struct *work)",
        )
        + body(
            "INIT_WORK_ONSTACK(&o->work, lamp_fn);",
            "schedule_work(&o->work);",
            head="static void start(struct lamp_off *o)",
        )
        + body(*rest, head="static void rest(struct lamp_off *o)")
        + body("struct lamp_off o;", "start(&o);", "rest(&o);")
    )
    started = [e for e in summary(source) if e.name == "iput" and e.pending is None]
    assert [e.late for e in started] == [late, late]


def test_a_twin_is_the_release_done_later():
    (found,) = summary(body("mmput_async(l->mm);"))
    assert (found.name, found.late, found.edge.mechanism) == ("mmput", True, "mmput_async")


@pytest.mark.parametrize(
    ("helper", "found"),
    [
        # what it does stands below a pointer: the table speaks
        (["l->ops->put(l->mm);"], ["mmput"]),
        # it shows by itself what it puts off
        (["INIT_WORK(&l->work, off);", "schedule_work(&l->work);"], []),
    ],
)
def test_a_twin_whose_body_shows_no_deferral_is_what_its_row_says(helper, found):
    source = body("dput(l->dentry);", head="static void off(struct work_struct *work)")
    source += body(*helper, head="void mmput_async(struct lamp *l)") + body("mmput_async(l);")
    assert [e.name for e in summary(source) if e.late and e.name == "mmput"] == found


def test_a_helper_that_is_named_for_it_runs_what_it_is_given_later():
    (found,) = [e for e in summary(OFF + body("lamp_defer(l, off);")) if e.name == "iput"]
    assert (found.late, found.guessed) == (True, True)


def test_two_hops_are_one_late_effect_and_the_last_hop_does_it():
    source = (
        body("iput(l->inode);", head="static void last(struct rcu_head *h)")
        + body("call_rcu(&l->rcu, last);", head="static void first(struct work_struct *w)")
        + "static DECLARE_WORK(first_work, first);\n\n"
        + body("schedule_work(&first_work);")
    )
    (found,) = [e for e in summary(source) if e.name == "iput"]
    assert (found.edge.mechanism, found.last.mechanism) == ("schedule_work", "call_rcu")


# -- ends of scopes and what is not shown ------------------------------------------------------


def test_the_end_of_a_scope_releases_unless_the_variable_is_handed_on():
    kept = body("struct file *file __free(fput) = lamp_file(l);", "lamp_use(file);")
    assert "fput" in names(summary(kept))
    handed = kept.replace("\tlamp_use(file);\n", "\treturn no_free_ptr(file);\n")
    assert "fput" not in names(summary(handed))


def test_what_a_class_of_ones_own_frees_is_its_body():
    define = "DEFINE_FREE(lamp, struct lamp *, if (_T) iput(_T->inode))\n\n"
    found = summary(define + body("struct lamp *m __free(lamp) = lamp_get(l);", "lamp_use(m);"))
    assert "iput" in names(found)


def test_lines_that_no_hunk_shows_are_an_effect():
    from patchlint.model.image import Image

    text = body("lamp_dark(l);", "", "", "lamp_cold(l);")
    known = ((1, 3), (6, 8))
    image = Image(PATH, text.encode(), known, whole=False)
    built = build([extract(image, kernel().macros)], kernel(), {PATH: known})
    found = Summaries(built).of(function(built, "f"))
    assert [(e.kind, e.line) for e in found if e.kind == "gap"] == [("gap", 3)]


def test_what_is_late_and_what_is_known_keeps_its_place_in_a_long_summary(monkeypatch):
    monkeypatch.setattr("patchlint.graph.summary.MOST", 4)
    many = [f"lamp_destroy_{n}(l);" for n in range(5)]
    built = graph(WORK + body(*many, "fput(l->file);", "schedule_work(&lamp_work);"))
    made = Summaries(built)
    found = made.of(function(built, "f"))
    told = [(e.name, e.late) for e in found if e.late or e.kind == "row"]
    assert told == [("fput", False), ("fput", True), ("iput", True)]
    assert (len(found), made.cut) == (4, {"f"})


def test_a_long_summary_is_cut_and_says_so():
    built = graph(body(*(f"lamp_destroy_{n}(l);" for n in range(700))))
    made = Summaries(built)
    assert len(made.of(function(built, "f"))) == 600
    assert made.cut == {"f"}


# -- cost ------------------------------------------------------------------------------------


def test_a_test_above_many_effects_is_put_in_the_callers_terms_once(monkeypatch):
    releases = [f"\tlamp{n}_destroy(l);" for n in range(40)]
    inner = body("if (l->flags & mask) {", *releases, "}", head="void g(struct lamp *l, int mask)")
    lifted = []
    plain = guards.lifted

    def counted(atom, values, tables, place):
        lifted.append(atom.text)
        return plain(atom, values, tables, place)

    monkeypatch.setattr(guards, "lifted", counted)
    found = summary(inner + body("g(l, LAMP_LIT);"))
    assert [guard(e) for e in found] == [[("flags LAMP_LIT", True)]] * 40
    assert lifted == ["l->flags & mask"]


AGAIN = {
    "lamp_again": body(
        "queue_work(lamp_wq, &l->tick);", head="static void lamp_again(struct lamp *l)"
    ),
    "lamp_drop": body("lamp_again(l);", head="static void lamp_drop(struct lamp *l)"),
    "lamp_step": body(
        "if (l->more)", "\tlamp_drop(l);", head="static void lamp_step(struct lamp *l)"
    ),
    "lamp_tick": body(
        "struct lamp *l = container_of(work, struct lamp, tick);",
        "",
        "lamp_step(l);",
        "iput(l->inode);",
        head="static void lamp_tick(struct work_struct *work)",
    ),
    "lamp_open": body(
        "INIT_WORK(&l->tick, lamp_tick);", "lamp_again(l);", head="void lamp_open(struct lamp *l)"
    ),
    "lamp_close": body("flush_work(&l->tick);", head="void lamp_close(struct lamp *l)"),
}


@pytest.mark.parametrize("first", AGAIN)
def test_a_wait_is_for_one_run_of_a_worker_that_starts_itself_again(first):
    """Whatever was asked for before, what the worker starts anew is not waited for."""
    whole = graph("".join(AGAIN.values()))
    summaries = Summaries(whole)
    summaries.of(function(whole, first))
    found = summaries.of(function(whole, "lamp_close"))
    assert [[step.function for step in effect.chain] for effect in found] == [
        ["lamp_again", "lamp_tick"]
    ]


@pytest.mark.parametrize("promises", [True, False])
def test_what_a_helper_may_keep_is_late_on_both_sides_where_it_puts_something_off(promises):
    """A promise is what it does in the call alone, not what it leaves to others."""
    whole = graph(
        body(
            "struct lamp *l = container_of(work, struct lamp, work);",
            "iput(l->inode);",
            head="static void lamp_gone(struct work_struct *work)",
        )
        + body("iput(l->inode);", head="static void lamp_now(struct lamp *l)")
        + body("queue_work(wq, &l->work);", head="static void lamp_soon(struct lamp *l)")
        + body("INIT_WORK(&l->work, lamp_gone);", "lamp_keep(l, lamp_soon);", "g(l, lamp_now);")
    )
    puts = Summaries(whole, wanted=[("call", "iput")], promises=promises).of(function(whole, "f"))
    now = [] if promises else [("iput", "before-call-returns", False)]
    assert said(puts) == [("iput", "eventually", True), *now]
