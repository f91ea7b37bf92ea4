"""What a series leaves as it stood is not lost, whatever else does the same later."""

from __future__ import annotations

import pytest
from graph_kit import PATH, compare, downgrades

from patchlint.graph import losses
from patchlint.graph.downgrades import find

HELPERS = """\
static void lamp_dark(struct lamp *l)
{
	iput(l->inode);
}

static void lamp_worker(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	lamp_dark(l);
}

"""


def function(head, *lines):
    return head + "\n{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n\n"


def lost(before, after):
    found = losses.find(compare(HELPERS + before, HELPERS + after))
    return [(loss.now.name, loss.key[1]) for loss in found]


def closing(*lines):
    return function("void lamp_close(struct lamp *l)", *lines)


QUEUE = "queue_work(lamp_wq, &l->work);"


def test_a_way_that_stands_lost_nothing_when_another_goes():
    before = closing("lamp_dark(l);", "bulb_sweep(l);")
    assert lost(before, closing("lamp_dark(l);", "bulb_sweep(l);", QUEUE)) == []
    assert lost(before, closing("bulb_sweep(l);", QUEUE)) == [("lamp_close", "iput")]


def test_a_new_test_above_the_way_cuts_it():
    before = closing("lamp_dark(l);")
    after = closing("if (l->lazy) {", f"\t{QUEUE}", "\treturn;", "}", "lamp_dark(l);")
    assert lost(before, after) == [("lamp_close", "iput")]


EITHER = function(
    "static void lamp_end(struct lamp *l, bool fast)",
    "if (fast)",
    "\tlamp_dark(l);",
    "else",
    f"\t{QUEUE}",
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["if (l->mode == 1)", "\tlamp_end(l, l->fast);"], ["lamp_end(l, l->fast);"]),
        (["lamp_end(l, l->fast);"], ["if (l->ready)", "\tlamp_end(l, l->fast);"]),
        (
            ["lamp_log(l);", "lamp_end(l, l->fast);"],
            ["if (l->ready) {", "\tlamp_log(l);", "\tlamp_end(l, l->fast);", "}"],
        ),
    ],
)
def test_a_call_that_moves_takes_both_sides_of_its_callee_along(before, after):
    assert lost(EITHER + closing(*before), EITHER + closing(*after)) == []


def test_a_constant_that_closes_the_fast_side_is_a_loss():
    before = EITHER + closing("lamp_end(l, l->fast);")
    after = EITHER + closing("lamp_end(l, false);")
    assert lost(before, after) == [("lamp_close", "iput")]


# -- what gives back what it has taken itself ------------------------------------------


@pytest.mark.parametrize(
    "taken",
    [
        "igrab(l->inode);",
        "struct inode *i = igrab(l->inode);",
        "kref_get(&l->inode->kref);",
        # one object under two names
        "struct inode *i = l->inode;\n\tkref_get(&i->kref);",
        "struct inode *j = l->inode, *i;\n\tigrab(j);",
    ],
)
def test_what_a_worker_takes_and_gives_back_is_no_release_of_another(taken):
    worker = (
        "static void lamp_scan(struct work_struct *work)\n{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, scan);\n\n"
        "\t%siput(%s);\n}\n\n"
    )
    own = "*i = igrab" in taken
    balanced = worker % (f"{taken}\n\t", "i" if own else "l->inode")
    before = closing("iput(l->inode);")
    after = closing("queue_work(lamp_wq, &l->scan);")
    assert lost(before, balanced + after) == []
    assert lost(before, worker % ("", "l->inode") + after) == [("lamp_close", "iput")]


def test_a_lost_wait_for_balanced_work_lost_nothing():
    worker = """\
static void lamp_scan(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, scan);

	if (!sb_start_write_trylock(l->sb))
		return;
	lamp_walk(l);
	sb_end_write(l->sb);
}

static void lamp_open(struct lamp *l)
{
	INIT_WORK(&l->scan, lamp_scan);
	queue_work(lamp_wq, &l->scan);
}

"""
    before = worker + closing("flush_work(&l->scan);", "lamp_log(l);")
    after = worker + closing("lamp_log(l);")
    assert "sb_end_write" not in [what for _, what in lost(before, after)]


# -- operations of others ---------------------------------------------------------------


def dispatched(own):
    """The release of one user of a generic layer; the loss stands in another one."""
    return {
        "fs/glow/layer.c": function("void glow_end(struct glow *g)", "g->ops->glow_finish(g);"),
        "fs/ember/ops.c": function("static void ember_finish(struct glow *g)", "fput(g->file);")
        + "static const struct glow_ops ember_ops = {\n\t.glow_finish = ember_finish,\n};\n",
        f"fs/{own}/file.c": function(
            "static void spark_work(struct work_struct *work)",
            "struct glow *g = container_of(work, struct glow, work);",
            "glow_end(g);",
        ),
    }


@pytest.mark.parametrize(("own", "told"), [("ember", True), ("spark", False)])
def test_no_request_of_one_file_system_ends_in_another(own, told):
    path = f"fs/{own}/file.c"
    head = "void spark_close(struct glow *g)"
    before, after = dispatched(own), dispatched(own)
    before[path] += function(head, "glow_end(g);")
    after[path] += function(
        head, "INIT_WORK(&g->work, spark_work);", "queue_work(spark_wq, &g->work);"
    )
    found = losses.find(compare(before, after))
    assert (("spark_close", "fput") in [(x.now.name, x.key[1]) for x in found]) == told


# -- an operation that holds what it puts ------------------------------------------------


@pytest.mark.parametrize(("member", "level"), [("write_iter", "note"), ("release", "warning")])
def test_an_operation_that_cannot_end_it_makes_a_note(member, level):
    table = f"static const struct file_operations lamp_fops = {{\n\t.{member} = lamp_op,\n}};\n"
    worker = function(
        "static void lamp_gone(struct work_struct *work)",
        "struct lamp *l = container_of(work, struct lamp, work);",
        "",
        "fput(l->file);",
    )
    head = "static void lamp_op(struct lamp *l)"
    before = worker + function(head, "fput(l->file);") + table
    after = worker + function(head, QUEUE) + table
    (found,) = downgrades(before, after)
    assert (found.level_cap or "warning") == level


# -- callers that make up for it ----------------------------------------------------------


def hunked(of, *lines):
    """A comparison in which the file shows these lines alone."""
    of.after.known[PATH] = lines
    return of


def put_and_waited_for(inline, queued):
    """A put before and after, whose one caller waits after for what the put queued."""
    worker = function(
        "static void lamp_gone(struct work_struct *work)",
        "struct lamp *l = container_of(work, struct lamp, work);",
        "",
        "iput(l->inode);",
    )
    put = "static void lamp_put(struct lamp *l)"
    leave = "void lamp_exit(struct lamp *l)"
    before = worker + function(put, *inline) + function(leave, "lamp_put(l);")
    waited = function(leave, "lamp_put(l);", "flush_work(&l->work);")
    return before, worker + function(put, *queued) + waited


def test_callers_that_make_up_for_it_silence_what_is_seen_whole():
    before, after = put_and_waited_for(["iput(l->inode);"], [QUEUE])
    assert losses.find(compare(before, after)) == []
    (found,) = losses.find(hunked(compare(before, after), (1, 40)))
    assert (found.now.name, found.held) == ("lamp_put", True)
    (told,) = find(hunked(compare(before, after), (1, 40)))
    assert told.level_cap == "note"


def test_a_last_reference_has_more_holders_than_the_caller_that_hunks_show():
    last = "if (refcount_dec_and_test(&l->users))"
    before, after = put_and_waited_for([last, "\tiput(l->inode);"], [f"{last} {{", QUEUE, "}"])
    assert losses.find(compare(before, after)) == []
    (found,) = losses.find(hunked(compare(before, after), (1, 40)))
    assert (found.now.name, found.held) == ("lamp_put", False)


# -- what a trace tells of one function only -----------------------------------------------


def test_a_trace_casts_its_doubt_on_the_function_that_it_shows():
    worker = function(
        "static void lamp_gone(struct work_struct *work)",
        "struct lamp *l = container_of(work, struct lamp, work);",
        "",
        "fput(l->file);",
    )
    names = ("lamp_tick", "lamp_quota")
    before = worker + "".join(
        function(f"void {n}(struct lamp *l)", "fput(l->file);") for n in names
    )
    after = worker + "".join(function(f"void {n}(struct lamp *l)", QUEUE) for n in names)
    message = " Call Trace:\n  lamp_tick+0x33/0x90\n  process_one_work+0x1/0x2\n"
    found = find(compare(before, after, message=message))
    assert {one.function: one.level_cap for one in found} == {
        "lamp_tick": "note",
        "lamp_quota": "warning",
    }


# -- a helper that starts what nobody shows ------------------------------------------------


@pytest.mark.parametrize(
    ("helper", "told"),
    [
        ("queue_work(l->wq, &l->work);", [("lamp_close", "iput", "replaced")]),
        ("lamp_log(l);", []),
    ],
)
def test_a_helper_that_starts_what_nobody_shows_does_it_late(helper, told):
    one = (
        "void lamp_put_{n}(struct lamp *l)\n{{\n"
        "\tif (atomic_add_unless(&l->count, -1, 1))\n\t\treturn;\n\t{do}\n}}\n\n"
    )
    shown = one.format(n="soon", do=helper)
    before = closing("iput(l->inode);", "lamp_log(l);")
    after = shown + closing("lamp_put_soon(l);", "lamp_log(l);")
    found = losses.find(compare(before, after))
    assert [(loss.now.name, loss.key[1], loss.how) for loss in found] == told


@pytest.mark.parametrize(
    ("gone", "helper", "told"),
    [
        ("lamp_put", "lamp_put_async", True),
        ("iput", "lamp_add_delayed_iput", True),
        ("lamp_destroy_bulb", "lamp_queue_bulb_destroy", True),
        ("put_disk", "lamp_queue_flag_set", False),
        ("lamp_remove_file", "lamp_cleanup_queue", False),
    ],
)
def test_a_helper_that_nobody_shows_is_named_after_what_it_does(gone, helper, told):
    before = closing(f"{gone}(l->it);", "lamp_log(l);")
    after = closing(f"{helper}(l->it);", "lamp_log(l);")
    assert (("lamp_close", gone) in lost(before, after)) == told


def test_a_store_moves_for_many_reasons():
    worker = function(
        "static void lamp_gone(struct work_struct *work)",
        "struct lamp *l = container_of(work, struct lamp, work);",
        "",
        "l->state = LAMP_DARK;",
    )
    head = "static void lamp_release(struct lamp *l)"
    before = worker + function(head, "l->state = LAMP_DARK;")
    after = worker + function(head, QUEUE)
    table = "static const struct file_operations fops = {\n\t.release = lamp_release,\n};\n"
    assert [one.level_cap for one in find(compare(before, after))] == ["note"]
    told = find(compare(before + table, after + table))
    assert [one.level_cap for one in told] == ["note"]


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("power_supply_get_by_name(l->name)", False),
        ("lookup_lamp_supply(l)", False),
        ("l->psy", True),
        ("idr_find(&lamps, l->id)", True),
        ("lamp_get_drvdata(l)", True),
    ],
)
def test_what_a_worker_looks_up_for_itself_was_nobody_elses(taken, told):
    worker = function(
        "static void lamp_draw(struct work_struct *work)",
        "struct lamp *l = container_of(work, struct lamp, draw);",
        f"struct power_supply *psy = {taken};",
        "",
        "power_supply_put(psy);",
    )
    found = lost(
        worker + closing("power_supply_put(l->psy);"),
        worker + closing("queue_work(lamp_wq, &l->draw);"),
    )
    assert (("lamp_close", "power_supply_put") in found) == told


UNLOCK = """\
static void lamp_put_all(struct list_head *from)
{
	struct lamp *l;

	list_for_each_entry(l, from, node)
		iput(l->inode);
}

static void lamp_late(struct work_struct *work)
{
	lamp_put_all(&late);
}

static void lamp_unlock(struct lamps *s)
{
%s	mutex_unlock(&s->lock);
	lamp_put_all(&s->dead);
}

"""
LATER = "\tif (s->lazy)\n\t\tschedule_work(&late_work);\n"
BOUND = "static DECLARE_WORK(late_work, lamp_late);\n"


def test_an_old_exit_behind_an_old_call_cuts_no_way():
    calls = function(
        "int lamp_add(struct lamps *s, struct lamp *l)",
        "if (lamp_full(s)) {",
        "\tlamp_unlock(s);",
        "\treturn -ENOSPC;",
        "}",
        "list_add(&l->node, &s->all);",
        "lamp_unlock(s);",
        "return 0;",
    )
    assert lost(BOUND + UNLOCK % "" + calls, BOUND + UNLOCK % LATER + calls) == []


ENDS = """\
static void lamp_tw(struct callback_head *head)
{
	iput(lamp_of(head)->inode);
}

static void lamp_first(struct lamp *l)
{
%s	iput(l->first);
}

static void lamp_second(struct lamp *l)
{
	init_task_work(&l->tw, lamp_tw);
	task_work_add(current, &l->tw, TWA_RESUME);
}

static void lamp_third(struct lamp *l)
{
	iput(l->third);
}

"""


@pytest.mark.parametrize("last", ["lamp_second", "lamp_third"])
def test_what_a_summary_has_no_room_for_is_not_lost(monkeypatch, last):
    calls = closing("lamp_first(l);", "lamp_second(l);", f"{last}(l->other);")
    before, after = ENDS % "", ENDS % f"\tif (l->lazy)\n\t\t{QUEUE}\n"
    monkeypatch.setattr("patchlint.graph.summary.MOST", 3)
    compared = compare(HELPERS + before + calls, HELPERS + after + calls)
    assert losses.find(compared) == []
    assert "lamp_close" in compared.new.cut


def test_what_changed_itself_is_lost_in_spite_of_a_cut(monkeypatch):
    monkeypatch.setattr("patchlint.graph.summary.MOST", 3)
    helpers = ENDS % "" + function("static void lamp_leave(struct lamp *l)", QUEUE)
    calls = [f"lamp_third(l->{name});" for name in ("one", "two", "three")]
    before, after = closing("lamp_first(l);", *calls), closing("lamp_leave(l);", *calls)
    compared = compare(HELPERS + helpers + before, HELPERS + helpers + after)
    assert [loss.now.name for loss in losses.find(compared)] == ["lamp_close"]
    assert "lamp_close" in compared.new.cut


def test_a_caller_of_which_not_all_is_seen_makes_up_for_nothing(monkeypatch):
    ends = function("static void lamp_end(struct lamp *l)", "%s")
    calls = closing("iput(l->one);", "iput(l->two);", "lamp_end(l);", "iput(l->inode);")
    both = [ends % "iput(l->inode);" + calls, ends % QUEUE + calls]
    monkeypatch.setattr("patchlint.graph.summary.MOST", 3)
    (loss,) = losses.find(compare(*(HELPERS + one for one in both)))
    assert (loss.now.name, loss.held) == ("lamp_end", False)


@pytest.mark.parametrize(
    ("taken", "given", "pair"),
    [
        ("lamp_get_fan", "lamp_put_fan", True),
        ("lamp_fan_get", "lamp_fan_put", True),
        ("lamp_hold", "lamp_put", True),
        ("lamp_get_fan", "lamp_put_lid", False),
        ("lamp_set_fan", "lamp_put_fan", False),
    ],
)
def test_two_names_that_differ_in_one_word_are_a_pair(taken, given, pair):
    worker = (
        "static void lamp_scan(struct work_struct *work)\n{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, scan);\n\n"
        f"\t{taken}(l->fan);\n\t{given}(l->fan);\n}}\n\n"
    )
    before = closing(f"{given}(l->fan);")
    after = closing("queue_work(lamp_wq, &l->scan);")
    assert (lost(before, worker + after) == []) is pair
