"""Two summaries in, losses out: what is new, what is confined, what is made up for."""

from __future__ import annotations

import pytest
from graph_kit import compare, downgrades

from patchlint.graph import losses

GONE = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	iput(l->inode);
}

"""
QUEUE = "queue_work(lamp_wq, &l->work);"


def closing(*lines, head="void lamp_close(struct lamp *l)"):
    return head + "\n{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n\n"


def lost(before, after):
    """(function, what, how) of each loss; the callback stands on both sides."""
    found = losses.find(compare(GONE + before, GONE + after))
    return [(loss.now.name, loss.key[1], loss.how) for loss in found]


LOST = [("lamp_close", "iput", "deferred")]


def test_each_of_two_releases_must_be_left():
    both = closing("iput(l->inode);", "lamp_dark(l);", "iput(l->other);")
    assert lost(both, closing("iput(l->inode);", "lamp_dark(l);", QUEUE)) == LOST
    moved = closing("iput(l->inode);", "iput(l->other);", "lamp_dark(l);", QUEUE)
    assert lost(both, moved) == []


def test_a_deferral_that_was_there_before_takes_nothing_over():
    assert lost(closing(QUEUE, "iput(l->inode);"), closing(QUEUE, "iput(l->inode);")) == []
    assert lost(closing(QUEUE, "iput(l->inode);"), closing(QUEUE)) == []
    assert lost(closing(QUEUE, "iput(l->inode);"), closing(QUEUE, QUEUE)) == LOST


IPUT = """\
void iput(struct inode *inode)
{
	if (atomic_dec_and_test(&inode->i_count))
		lamp_evict(inode);
}

"""
INNER = ("call", "lamp_evict")


def told(gone, before, after):
    comparison = compare(IPUT + gone + before, IPUT + gone + after)
    return comparison.told, [(x.now.name, x.key[1], x.how) for x in losses.find(comparison)]


def test_what_a_known_release_does_inside_is_told_by_the_release():
    known, found = told(GONE, closing("iput(l->inode);"), closing(QUEUE))
    assert ("call", "iput") in known
    assert INNER not in known
    assert found == LOST


@pytest.mark.parametrize("direct", ["worker", "task"])
def test_what_is_done_beside_a_known_release_is_told_as_well(direct):
    """The task put the inode, the worker does what the put does; or the other way round."""
    inner = "lamp_evict(l->inode);"
    gone = GONE.replace("iput(l->inode);", inner) if direct == "worker" else GONE
    known, found = told(
        gone, closing("iput(l->inode);" if direct == "worker" else inner), closing(QUEUE)
    )
    assert INNER in known
    assert found == [("lamp_close", "lamp_evict", "deferred")]


def test_a_known_release_that_the_series_changes_is_looked_into():
    before = IPUT + GONE + closing("iput(l->inode);")
    after = IPUT.replace("\tif (", "\tlamp_dim(inode);\n\tif (") + GONE + closing(QUEUE)
    assert INNER in compare(before, after).told


EACH = "static void lamp_drop(struct lamp *l)\n{\n\tiput(l->inode);\n}\n\n"


@pytest.mark.parametrize(
    ("helper", "found"),
    [
        ("lamp_for_each(bus, lamp_drop);", LOST),
        ("lamp_walk_tree(bus, lamp_drop);", LOST),
        ("lamp_set_drop_callback(bus, lamp_drop);", []),
        ("lamp_unregister_session(bus, 0, lamp_drop);", []),
        ("bus->ops->add(bus, lamp_drop);", []),
    ],
)
def test_what_is_given_to_a_helper_that_nobody_shows_is_done_where_it_visits(helper, found):
    """What else it is for nobody knows: most helpers keep a function until something happens."""
    before = EACH + closing(helper)
    assert lost(before, EACH + closing(QUEUE)) == found
    # where it comes instead of a release it may do that
    assert lost(EACH + closing("iput(l->inode);"), EACH + closing(QUEUE, helper)) == []


@pytest.mark.parametrize("name", ["lamp_drop_complete", "lamp_dropped_cb", "lamp_drop_endio"])
def test_a_function_that_is_told_of_an_end_is_not_run_where_it_is_given(name):
    each = EACH.replace("lamp_drop", name)
    before = each + closing(f"lamp_request_run(bus, {name});")
    assert lost(before, each + closing(QUEUE)) == []


def test_who_gives_a_function_to_a_put_calls_it():
    """It ran in a work item before, through the put; now it queues one itself."""
    own = GONE.replace("lamp_gone", "lamp_put_work").replace(
        "iput(l->inode);", "kref_put(&l->ref, lamp_free);"
    )
    before = closing("iput(l->inode);", head="static void lamp_free(struct kref *ref)")
    after = closing(QUEUE, head="static void lamp_free(struct kref *ref)")
    (one,) = downgrades(GONE + before + own, GONE + after + own)
    assert (one.function, one.level_cap) == ("lamp_free", "note")
    assert "lamp_put_work() at" in one.reasons[0].said


def test_a_put_in_a_worker_is_not_the_only_one_where_hunks_show_no_more():
    """A release goes from a function to that of a reference: who drops the last one is unknown."""
    free = "static void lamp_free(struct kref *ref)"
    own = GONE.replace("iput(l->inode);", "kref_put(&l->ref, lamp_free);")
    before = own + closing("lamp_dark(l);", head=free) + closing("iput(l->inode);")
    after = own + closing("iput(l->inode);", head=free) + closing("lamp_dark(l);")
    compared = compare(before, after)
    assert [loss.how for loss in losses.find(compared)] == ["worker"]
    compared = compare(before, after)
    compared.after.known["fs/lamp.c"] = ((1, 40),)
    assert losses.find(compared) == []


def test_a_start_that_stands_is_no_past_of_a_new_one():
    """Both ask for an empty list, each for its own; what the old worker does is not done twice."""
    worker = (
        "static void lamp_sync(struct work_struct *work)\n{{\n"
        "\tlamp_{}(container_of(work, struct lamp, sync));\n}}\n\n"
        "static DECLARE_WORK(lamp_sync_work, lamp_sync);\n\n"
    )
    old = ["if (!list_empty(&l->old))", "\tschedule_work(&lamp_sync_work);"]
    new = ["if (list_empty(&l->gone))", "\treturn;", QUEUE]
    before = worker.format("close") + closing(*old, "iput(l->inode);")
    assert lost(before, worker.format("dim") + closing(*old, *new)) == LOST


@pytest.mark.parametrize(
    ("before", "after", "widened"),
    [
        (["if (l->lazy)", f"\t{QUEUE}", "else", "\tiput(l->inode);"], [QUEUE], True),
        (
            ["if (l->lazy)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            ["if (l->lazy || l->late)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            True,
        ),
        # what a call asks, and one side of an "or" more, in either place
        (
            ["if (test_bit(LAMP_LAZY, &l->flags))", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            [
                "if (test_bit(LAMP_LAZY, &l->flags) || lamp_late)",
                f"\t{QUEUE}",
                "else",
                "\tiput(l->inode);",
            ],
            True,
        ),
        (
            ["if (test_bit(LAMP_LAZY, &l->flags))", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            [
                "if (lamp_late(l) || test_bit(LAMP_LAZY, &l->flags))",
                f"\t{QUEUE}",
                "else",
                "\tiput(l->inode);",
            ],
            True,
        ),
        (
            ["if (l->lazy || lamp_late(l))", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            ["if (lamp_late(l))", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            False,
        ),
        (
            ["if (l->lazy || lamp_late(l))", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            [
                "if (!l->lazy && !lamp_late(l))",
                "\tiput(l->inode);",
                "else",
                f"\t{QUEUE}",
            ],
            False,
        ),
        (
            ["if (l->lazy && l->late)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            ["if (l->lazy)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            True,
        ),
        (
            ["if (l->lazy)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            ["if (l->lazy && l->late)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            False,
        ),
        (
            ["if (l->lazy)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            ["if (!l->lazy)", "\tiput(l->inode);", "else", f"\t{QUEUE}"],
            False,
        ),
        (
            ["if (l->lazy) {", f"\t{QUEUE}", "\treturn;", "}", "iput(l->inode);"],
            ["if (!l->lazy) {", "\tiput(l->inode);", "\treturn;", "}", QUEUE],
            False,
        ),
        (
            ["if (l->lazy)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            ["bool late = l->lazy;", "if (late)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
            False,
        ),
        # one more flag in a mask, beside one that tasks do not have
        *(
            (
                ["if (current->flags & PF_KTHREAD)", f"\t{QUEUE}", "else", "\tiput(l->inode);"],
                [
                    f"if (current->flags & (PF_KTHREAD | {flag}))",
                    f"\t{QUEUE}",
                    "else",
                    "\tiput(l->inode);",
                ],
                widened,
            )
            for flag, widened in (("PF_EXITING", True), ("PF_WQ_WORKER", False))
        ),
    ],
)
def test_a_condition_of_an_old_deferral_may_widen(before, after, widened):
    assert bool(lost(closing(*before), closing(*after))) is widened


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["if (l->lazy)", f"\t{QUEUE}", "iput(l->inode);"], False),
        (["if (l->lazy) {", f"\t{QUEUE}", "\treturn;", "}", "iput(l->inode);"], True),
        (["if (l->lazy) {", f"\t{QUEUE}", "\tgoto out;", "}", "iput(l->inode);", "out:"], True),
        (["if (!l->lazy)", "\tiput(l->inode);", "else", f"\t{QUEUE}"], True),
        (["if (!queue_work(lamp_wq, &l->work))", "\tiput(l->inode);"], True),
        (["iput(l->inode);", f"if (l->lazy)\n\t\t{QUEUE}"], False),
        (
            [
                "switch (l->how) {",
                "case 1:",
                f"\t{QUEUE}",
                "\tbreak;",
                "default:",
                "\tiput(l->inode);",
                "}",
            ],
            True,
        ),
    ],
)
def test_what_is_left_inline_must_be_reached_by_all_ways(lines, found):
    assert lost(closing("iput(l->inode);"), closing(*lines)) == (LOST if found else [])


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("l->fast && !l->big", True),
        ("l->fast && !(current->flags & PF_KTHREAD)", False),
        ("l->fast && (current->flags & PF_KTHREAD)", True),
    ],
)
def test_a_new_test_may_send_more_to_the_deferral_below(test, found):
    fast = ["if (%s) {", "\tiput(l->inode);", "\treturn;", "}", QUEUE]
    before, after = (closing(fast[0] % one, *fast[1:]) for one in ("l->fast", test))
    assert lost(before, after) == (LOST if found else [])
    both = [line for line in fast if "return" not in line]
    assert lost(closing(both[0] % "l->fast", *both[1:]), closing(both[0] % test, *both[1:])) == []


@pytest.mark.parametrize(
    ("call", "found"),
    [
        # whoever fails inside leaves all the same; asked for what came of it, the caller goes on
        (["if (l->fast) {", "\tlamp_now(l);", "\treturn;", "}", QUEUE], []),
        (["if (lamp_now(l))", "\treturn;", QUEUE], LOST),
    ],
)
def test_a_new_test_in_a_helper_sends_those_on_whose_caller_asks(call, found):
    head = "static bool lamp_now(struct lamp *l)"
    before = closing("iput(l->inode);", "return true;", head=head) + closing(*call)
    cold = closing("if (l->cold)", "\treturn false;", "iput(l->inode);", "return true;", head=head)
    assert lost(before, cold + closing(*call)) == found


def test_a_test_may_send_more_past_what_is_handed_to_the_task():
    task = (
        "static void lamp_tw(struct callback_head *head)\n{\n\tiput(lamp_of(head)->inode);\n}\n\n"
    )
    lines = [
        "if (%s) {",
        "\tinit_task_work(&l->tw, lamp_tw);",
        "\tif (!task_work_add(current, &l->tw, TWA_RESUME))",
        "\t\treturn;",
        "}",
        QUEUE,
    ]
    plain = "!(current->flags & PF_KTHREAD)"
    before, after = (
        task + closing(lines[0] % test, *lines[1:]) for test in (plain, f"{plain} && !l->lazy")
    )
    assert lost(before, after) == LOST
    assert lost(after, before) == []


def test_another_case_of_a_switch_leaves_the_others_alone():
    head = ["switch (cmd) {", "case LAMP_OFF:", "\tiput(l->inode);", "\treturn 0;"]
    new = ["case LAMP_LATER:", f"\t{QUEUE}", "\treturn 0;"]
    for lines in ([head[0], *new, *head[1:], "}"], [*head, *new, "}"]):
        assert lost(closing(*head, "}"), closing(*lines)) == []


def test_a_variable_is_no_member_of_its_name():
    guarded = ["bool over = lamp_over(l);", "if (!over)", "\tiput(l->inode);"]
    assert lost(closing(*guarded), closing("l->over = true;", QUEUE, *guarded)) == []


@pytest.mark.parametrize(
    ("gone", "found"),
    [
        ("unregister_netdevice(l->dev);", [("lamp_close", "unregister_netdevice", "replaced")]),
        # another object, another kind of thing
        ("unregister_netdevice(other);", []),
        ("fput(l->file);", []),
    ],
)
def test_a_release_may_have_another_name_without_the_callers_lock(gone, found):
    late = (
        "static void lamp_late(struct work_struct *work)\n{\n\tunregister_netdev(lamp->dev);\n}\n"
    )
    queue = ["INIT_WORK(&l->late, lamp_late);", "schedule_work(&l->late);"]
    assert (
        lost(late + closing("rtnl_lock();", gone), late + closing("rtnl_lock();", *queue)) == found
    )


def test_a_release_that_moves_below_an_old_test_is_split_by_it():
    before = closing("iput(l->inode);", "if (l->lazy)", "\tlamp_dim(l);", "else", "\tlamp_dark(l);")
    after = closing("if (l->lazy)", f"\t{QUEUE}", "else", "\tlamp_dark(l);") + closing(
        "iput(l->inode);", head="static void lamp_dark(struct lamp *l)"
    )
    dark = closing("lamp_dim(l);", head="static void lamp_dark(struct lamp *l)")
    assert lost(before + dark, after) == LOST


def test_a_store_that_turns_the_test_of_what_is_left_confines_it():
    guarded = ["if (!l->over)", "\tiput(l->inode);"]
    assert lost(closing(*guarded), closing("l->over = true;", QUEUE, *guarded)) == LOST
    assert lost(closing(*guarded), closing("l->other = true;", QUEUE, *guarded)) == []


def test_a_line_that_was_written_anew_stores_what_it_stored():
    guarded = ["l->over = lamp_over(l);", "if (!l->over)", "\tiput(l->inode);"]
    rewritten = ["l->over = lamp_over(l, 1);", QUEUE, *guarded[1:]]
    assert lost(closing(*guarded), closing(*rewritten)) == []
    turned = [guarded[0], "l->over = true;", QUEUE, *guarded[1:]]
    assert lost(closing(*guarded), closing(*turned)) == LOST


@pytest.mark.parametrize("ends", [["return;"], []])
def test_what_stands_behind_a_label_is_left_to_those_who_jump(ends):
    """The queue may fail, and what it leaves is done behind the end; without it all come there."""
    after = closing("if (lamp_full(l))", "\tgoto now;", QUEUE, *ends, "now:", "iput(l->inode);")
    assert lost(closing("iput(l->inode);"), after) == (LOST if ends else [])


def test_a_side_that_leaves_for_the_queue_does_not_do_the_same():
    """Both sides of the test call it, but the one only where the start has failed."""
    end = ["if (!queue_work(lamp_wq, &l->work))", "\tgoto now;", "return;", "now:"]
    helper = closing(*end, "iput(l->inode);", head="static void lamp_later(struct lamp *l)")
    after = closing("if (!l->spare)", "\tiput(l->inode);", "else", "\tlamp_later(l);")
    found = lost(closing("iput(l->inode);"), helper + after)
    assert found == LOST


def test_an_error_path_alone_is_not_what_was_promised():
    before = closing("if (err < 0)", "\tiput(l->inode);")
    assert lost(before, closing(QUEUE)) == []
    assert lost(before, closing("if (err < 0)", f"\t{QUEUE}")) == LOST


HELPED = closing("iput(l->inode);", head="static void lamp_off(struct lamp *l)") + closing(
    "lamp_off(l);"
)


def test_a_loss_is_told_where_it_happens_and_not_in_every_caller():
    after = HELPED.replace("iput(l->inode);", QUEUE)
    assert lost(HELPED, after) == [("lamp_off", "iput", "deferred")]


@pytest.mark.parametrize("leaves", ["\t\treturn;\n", ""])
def test_a_branch_in_a_helper_is_told_of_the_helper(leaves):
    lazy = f"if (l->lazy) {{\n\t\t{QUEUE}\n{leaves}\t}}\n\tiput(l->inode);"
    after = HELPED.replace("iput(l->inode);", lazy)
    # without leaving, the release is done on every way as before
    assert lost(HELPED, after) == ([("lamp_off", "iput", "deferred")] if leaves else [])


def test_callers_that_release_it_themselves_make_up_for_a_helper():
    after = HELPED.replace("iput(l->inode);", QUEUE).replace(
        "lamp_off(l);", "lamp_off(l);\n\tiput(l->inode);"
    )
    assert lost(HELPED, after) == []
    # who has other callers has not made up for those
    outside = HELPED.replace("static void lamp_off", "void lamp_off")
    more = after.replace("static void lamp_off", "void lamp_off")
    assert lost(outside, more) == [("lamp_off", "iput", "deferred")]


DROP = """\
void lamp_drop(struct lamp *l, int how)
{
	lamp_dim(l);
	lamp_dark(l);
	lamp_cold(l);
	if (how != LAMP_LEASE)
		iput(l->inode);
	queue_work(lamp_wq, &l->work);
}

"""


@pytest.mark.parametrize(("how", "found"), [("LAMP_PATH", []), ("LAMP_LEASE", True)])
def test_callers_whose_constant_leaves_it_inline_have_lost_nothing(how, found):
    """One function takes the place of two: the one released it, the other had it done later."""
    dim = ["lamp_dim(l);", "lamp_dark(l);", "lamp_cold(l);"]
    named = closing(*dim, "iput(l->inode);", head="void lamp_drop_named(struct lamp *l)")
    leased = closing(QUEUE, head="void lamp_drop_leased(struct lamp *l)")
    ends = "int lamp_{}(struct lamp *l)\n{{\n\t{};\n\treturn 0;\n}}\n\n"
    before = named + leased
    before += ends.format("rmdir", "lamp_drop_named(l)") + ends.format(
        "gone", "lamp_drop_leased(l)"
    )
    after = DROP + ends.format("rmdir", f"lamp_drop(l, {how})")
    after += ends.format("gone", "lamp_drop(l, LAMP_LEASE)")
    assert bool(lost(before, after)) is bool(found)


def test_what_a_helper_still_does_elsewhere_makes_up_for_nothing_in_its_callers():
    head = "static void lamp_off(struct lamp *l)"
    old = closing("if (l->old)", "\tiput(l->old);", "iput(l->inode);", head=head)
    new = closing("if (l->old)", "\tlamp_later(l);", "iput(l->inode);", head=head)
    later = closing(
        "if (!l->spare)",
        "\tiput(l->old);",
        "else",
        f"\t{QUEUE}",
        head="static void lamp_later(struct lamp *l)",
    )
    caller = closing("lamp_off(l);")
    assert lost(old + caller, later + new + caller) == [("lamp_off", "iput", "deferred")]


def test_another_function_behind_the_pointer_makes_up_for_nothing():
    ops = "".join(
        f"static const struct lamp_ops {name}_ops = {{\n\t.close = {name}_close,\n}};\n\n"
        for name in ("lamp", "candle")
    )
    other = closing("iput(l->inode);", head="static void candle_close(struct lamp *l)")
    caller = closing("l->ops->close(l);", head="static int lamp_release(struct lamp *l)")
    head = "static void lamp_close(struct lamp *l)"
    before = closing("iput(l->inode);", head=head) + other + ops + caller
    assert lost(before, closing(QUEUE, head=head) + other + ops + caller) == LOST


def test_a_flush_of_a_worker_that_nobody_started_for_it_makes_up_for_nothing():
    worker = (
        "static void lamp_tick(struct work_struct *work)\n{{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, tick);\n\n\tlamp_dim(l);\n{}}}\n\n"
    )
    start = closing("INIT_WORK(&l->tick, lamp_tick);", head="void lamp_start(struct lamp *l)")
    start += closing("queue_work(l->wq, &l->tick);", head="void lamp_turn(struct lamp *l)")
    caller = closing(
        "lamp_close(l);", "flush_work(&l->tick);", head="int lamp_release(struct lamp *l)"
    )
    head = "static void lamp_close(struct lamp *l)"
    before = worker.format("") + start + closing("iput(l->inode);", head=head) + caller
    after = worker.format("\tiput(l->inode);\n") + start + closing("lamp_off(l);", head=head)
    assert lost(before, after + caller) == [("lamp_close", "iput", "worker")]
    before = worker.format("") + start + closing("flush_work(&l->tick);", "iput(l->inode);")
    after = worker.format("\tiput(l->inode);\n") + start + closing("flush_work(&l->tick);")
    assert lost(before, after) == [("lamp_close", "iput", "worker")]


def test_a_function_that_lost_a_part_of_its_body_to_a_callback_is_told_under_its_name():
    before = closing("lamp_dark(l);", "lamp_cool(l);", "iput(l->inode);", "lamp_cold(l);")
    after = (
        "static void lamp_gone(struct work_struct *work)\n{\n"
        "\tstruct lamp *l = container_of(work, struct lamp, work);\n\n"
        "\tlamp_dark(l);\n\tlamp_cool(l);\n\tiput(l->inode);\n\tlamp_cold(l);\n}\n\n"
    ) + closing(QUEUE)
    found = losses.find(compare(before, after))
    assert {loss.now.name for loss in found} == {"lamp_close"}


WORKER = """\
static void lamp_tick(struct timer_list *t)
{
	struct lamp *l = from_timer(l, t, timer);

	lamp_blink(l);
}

"""


def test_a_release_that_goes_into_what_runs_deferred_already_is_lost():
    after = WORKER.replace("lamp_blink(l);", "lamp_blink(l);\n\tiput(l->inode);")
    before = closing("lamp_dark(l);", "iput(l->inode);")
    assert lost(WORKER + before, after + closing("lamp_dark(l);")) == [
        ("lamp_close", "iput", "worker")
    ]


@pytest.mark.parametrize(
    ("worker", "close"),
    [
        # nothing left the function
        ("lamp_blink(l);\n\tiput(l->inode);", "iput(l->inode);"),
        # something else came
        ("lamp_blink(l);\n\tdput(l->dentry);", "lamp_cold(l);"),
        # a helper of both: tasks run it as well
        ("lamp_blink(l);", "lamp_end(l);"),
    ],
)
def test_what_did_not_go_there_is_not_lost(worker, close):
    before = closing("lamp_dark(l);", "iput(l->inode);")
    end = closing("iput(l->inode);", head="static void lamp_end(struct lamp *l)")
    after = end + WORKER.replace("lamp_blink(l);", worker) + closing("lamp_dark(l);", close)
    assert lost(WORKER + before, after) == []


@pytest.mark.parametrize(
    ("own", "there"),
    [
        # the pair of the function went with it
        ("ihold(l->inode);", "iput(l->inode);"),
        # taken back where something failed
        ("lamp_cool(l);", "if (!lamp_on(l))\n\t\tgoto err;\n\treturn;\nerr:\n\tiput(l->inode);"),
    ],
)
def test_a_pair_or_an_undo_is_nothing_that_a_worker_got(own, there):
    before = closing(own, "lamp_dark(l);", "iput(l->inode);")
    after = WORKER.replace("lamp_blink(l);", f"lamp_blink(l);\n\t{there}")
    assert lost(WORKER + before, after + closing("lamp_dark(l);")) == []


@pytest.mark.parametrize(
    ("starts", "there", "found"),
    [
        # the starter takes what the worker gives back: in the object that it queues, or by name
        (["ihold(l->inode);", "mod_timer(&l->timer, 1);"], "iput(l->inode);", False),
        (
            ["l->held = igrab(inode);", "mod_timer(&l->timer, 1);"],
            "iput(l->held);",
            False,
        ),
        # of something else, or below the start
        (["ihold(other);", "mod_timer(&l->timer, 1);"], "iput(l->inode);", True),
        (["mod_timer(&l->timer, 1);", "ihold(l->inode);"], "iput(l->inode);", True),
        (["mod_timer(&l->timer, 1);"], "iput(l->inode);", True),
    ],
)
def test_what_a_starter_took_for_its_worker_was_nothing_before(starts, there, found):
    setup = closing(
        "timer_setup(&l->timer, lamp_tick, 0);",
        *starts,
        head="void lamp_arm(struct lamp *l, struct inode *inode, struct inode *other)",
    )
    plain = closing(
        "timer_setup(&l->timer, lamp_tick, 0);",
        "mod_timer(&l->timer, 1);",
        head="void lamp_arm(struct lamp *l, struct inode *inode, struct inode *other)",
    )
    before = WORKER + plain + closing("lamp_dark(l);", "iput(l->inode);")
    after = WORKER.replace("lamp_blink(l);", f"lamp_blink(l);\n\t{there}") + setup
    assert bool(lost(before, after + closing("lamp_dark(l);"))) is found


def test_what_comes_into_a_helper_others_may_call_where_hunks_show_no_more():
    """What stood there may have more callers; a call that the worker makes anew has not."""
    end = closing("%s", head="static void lamp_end(struct lamp *l)")
    calls = WORKER.replace("lamp_blink(l);", "lamp_end(l);")
    close = closing("lamp_dark(l);", "iput(l->inode);"), closing("lamp_dark(l);")
    old = compare(
        end % "lamp_cool(l);" + calls + close[0], end % "iput(l->inode);" + calls + close[1]
    )
    assert [loss.how for loss in losses.find(old)] == ["worker"]
    old = compare(
        end % "lamp_cool(l);" + calls + close[0], end % "iput(l->inode);" + calls + close[1]
    )
    old.after.known["fs/lamp.c"] = ((1, 60),)
    assert losses.find(old) == []
    close = closing("lamp_dark(l);", "lamp_end(l);"), closing("lamp_dark(l);")
    new = compare(
        end % "iput(l->inode);" + WORKER + close[0], end % "iput(l->inode);" + calls + close[1]
    )
    new.after.known["fs/lamp.c"] = ((1, 60),)
    assert [loss.how for loss in losses.find(new)] == ["worker"]


def test_a_name_alone_moves_too_often():
    before = closing("lamp_dark(l);", "lamp_destroy(l);")
    after = WORKER.replace("lamp_blink(l);", "lamp_destroy(l);")
    assert lost(WORKER + before, after + closing("lamp_dark(l);")) == []


@pytest.mark.parametrize(
    "test",
    [
        "in_interrupt()",
        "current->flags & PF_KTHREAD",
        "in_interrupt() || current->flags & PF_KTHREAD",
        "unlikely(!in_task())",
    ],
)
@pytest.mark.parametrize("by", ["branch", "local", "helper"])
def test_tasks_that_do_as_before_have_lost_nothing(test, by):
    helper, asked, local = "", test, []
    if by == "local":
        local, asked = [f"bool late = {test};", ""], "late"
    elif by == "helper":
        helper = f"static bool lamp_late(void)\n{{\n\treturn {test};\n}}\n\n"
        asked = "lamp_late()"
    lines = [*local, f"if ({asked})", f"\t{QUEUE}", "else", "\tiput(l->inode);"]
    assert lost(closing("iput(l->inode);"), helper + closing(*lines)) == []


def test_a_patch_that_replaces_a_deferral_by_another_has_lost_nothing():
    rcu = "static void lamp_rcu(struct rcu_head *h)\n{\n\tiput(l->inode);\n}\n\n"
    assert lost(rcu + closing("call_rcu(&l->rcu, lamp_rcu);"), rcu + closing(QUEUE)) == []


def test_a_chain_leads_from_the_callers_to_the_release_on_both_sides():
    before = HELPED + closing("lamp_close(l);", head="void lamp_remove(struct lamp *l)")
    after = before.replace("iput(l->inode);", QUEUE)
    (found,) = downgrades(GONE + before, GONE + after)
    assert [s.function for s in found.before.chain] == ["lamp_remove", "lamp_close", "lamp_off"]
    assert [s.function for s in found.after.chain] == [
        "lamp_remove",
        "lamp_close",
        "lamp_off",
        "lamp_gone",
    ]


def test_another_constant_at_a_call_is_another_call():
    """The same constants in other places too: each decides what it stands for."""
    end = (
        "static void lamp_end(struct lamp *l, bool dark, bool later)\n{\n"
        "\tif (dark)\n\t\tlamp_dark(l);\n\tif (later) {\n"
        f"\t\t{QUEUE}\n\t\treturn;\n\t}}\n\tiput(l->inode);\n}}\n\n"
    )
    before = end + closing("lamp_end(l, true, false);")
    for call, found in (("lamp_end(l, true, true);", True), ("lamp_end(l, false, false);", False)):
        after = end + closing(call)
        assert bool(lost(before, after)) is found


SHARES = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	%s
}

"""


@pytest.mark.parametrize(
    "lowers",
    [
        "l->user->qnkeys--;",
        "l->user->qnbytes -= l->size;",
        "atomic_long_sub(l->pages, &l->user->locked_vm);",
        "percpu_counter_dec(&l->user->epoll_watches);",
    ],
)
def test_a_share_of_a_limit_that_is_given_back_later_is_lost(lowers):
    before = closing("lamp_dark(l);", lowers)
    after = SHARES % lowers + closing("lamp_dark(l);", QUEUE)
    (found,) = downgrades(before, after)
    assert found.cleanup.removeprefix("->") in lowers
    assert (found.level_cap, found.what.said) == ("warning", f"the lowering of {found.cleanup}")
    assert not downgrades(after, before)


@pytest.mark.parametrize(
    "other",
    [
        "l->user->qnkeys++;",
        "l->user->lit--;",
        "atomic_long_add(l->pages, &l->user->locked_vm);",
        "atomic_dec(&l->user->lit);",
    ],
)
def test_what_is_no_share_of_a_limit_is_a_counter_like_others(other):
    before = closing("lamp_dark(l);", other)
    assert not downgrades(before, SHARES % other + closing("lamp_dark(l);", QUEUE))


CONFIGURED = {
    "else": ("#ifdef CONFIG_A", QUEUE, "#else", "iput(l->inode);", "#endif"),
    "not defined": ("#ifndef CONFIG_A", "iput(l->inode);", "#else", QUEUE, "#endif"),
    "leaves": ("#if defined(CONFIG_A)", QUEUE, "return;", "#endif", "iput(l->inode);"),
    "elif": ("#if CONFIG_A == 1", "lamp_dark(l);", "#elif CONFIG_A == 2", QUEUE, "#else",
             "iput(l->inode);", "#endif"),
    "always": ("#if 1", QUEUE, "#else", "iput(l->inode);", "#endif"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGURED)
def test_the_preprocessor_chooses_ways(name):
    before = closing("iput(l->inode);")
    assert lost(before, closing(*CONFIGURED[name])) == LOST
    assert lost(closing(*CONFIGURED[name]), closing(*CONFIGURED[name])) == []


def test_what_is_never_compiled_is_no_way():
    dead = closing("#if 0", QUEUE, "#else", "iput(l->inode);", "#endif")
    assert lost(closing("iput(l->inode);"), dead) == []


def twins(first, second):
    return f"#ifdef CONFIG_A\n{first}#else\n{second}#endif\n"


@pytest.mark.parametrize("swapped", [False, True])
def test_each_of_two_definitions_is_compared(swapped):
    stub, old, new = closing("return;"), closing("iput(l->inode);"), closing(QUEUE)
    pair = (lambda one: twins(one, stub)) if swapped else (lambda one: twins(stub, one))
    assert lost(pair(old), pair(new)) == LOST
    # one more definition, for a configuration
    assert lost(old, twins(new, old) if swapped else twins(old, new)) == LOST


def test_what_was_put_off_in_some_configurations_before_is_a_note():
    before = GONE + closing("#ifdef CONFIG_A", QUEUE, "#else", "iput(l->inode);", "#endif")
    (one,) = downgrades(before, GONE + closing(QUEUE))
    assert one.level_cap == "note"
    assert one.reasons[0].said.startswith("it was done then in some configurations")


@pytest.mark.parametrize(
    ("user", "level"),
    [
        ("lamp_end_session(l, false, lamp_drop);", "note"),
        ("lamp_for_each(l, lamp_drop);", "warning"),
        ("lamp_drop(l); lamp_end_session(l, false, lamp_drop);", "warning"),
        ("lamp_dark(l);", "warning"),
        # what a driver's device runs when it is unbound
        ("devm_add_action_or_reset(dev, lamp_drop, l);", "warning"),
    ],
)
def test_what_is_only_given_to_a_helper_is_run_by_nobody_knows_whom(user, level):
    head = "static void lamp_drop(struct lamp *l)"
    before, after = (
        GONE + closing(line, head=head) + closing(user) for line in ("iput(l->inode);", QUEUE)
    )
    # a caller's loss is that of its callee
    (one,) = downgrades(before, after)
    assert (one.function, one.level_cap) == ("lamp_drop", level)


@pytest.mark.parametrize(
    ("callers", "level"),
    [
        ((True,), "note"),
        ((True, True), "note"),
        # one of them may be a task, and with none shown nobody knows
        ((True, False), "warning"),
        ((), "warning"),
    ],
)
def test_what_only_workers_are_shown_to_call_is_turned_down(callers, level):
    """Others may call it where no hunk shows: a doubt, and no answer."""
    head = "void lamp_drop(struct lamp *l)"
    own = "struct lamp *l = container_of(work, struct lamp, old_work);"
    users = "".join(
        closing(own, "", "lamp_drop(l);", head=f"static void user{at}(struct work_struct *work)")
        if worker
        else closing("lamp_drop(l);", head=f"void user{at}(struct lamp *l)")
        for at, worker in enumerate(callers)
    )
    before, after = (GONE + closing(line, head=head) + users for line in ("iput(l->inode);", QUEUE))
    (one,) = downgrades(before, after)
    assert (one.function, one.level_cap) == ("lamp_drop", level)


@pytest.mark.parametrize(("lazy", "level"), [("true", "note"), ("false", "warning")])
def test_a_worker_whose_constant_keeps_it_from_the_deferral_says_nothing(lazy, level):
    head = "void lamp_drop(struct lamp *l, bool lazy)"
    own = "struct lamp *l = container_of(work, struct lamp, old_work);"
    user = closing(own, "", f"lamp_drop(l, {lazy});", head="void user(struct work_struct *work)")
    split = ("if (lazy)", f"\t{QUEUE}", "else", "\tiput(l->inode);")
    before = GONE + closing("iput(l->inode);", head=head) + user
    (one,) = downgrades(before, GONE + closing(*split, head=head) + user)
    assert (one.function, one.level_cap) == ("lamp_drop", level)


# -- a choice between the call and the last put ---------------------------------------------------


def parted(here, there, *, takes="struct kobject *ko", member="kobj"):
    """A close that asks ``here`` whether to delete, and what a put runs that asks ``there``."""

    def delete(test):
        line = "del_gendisk(l->disk);"
        return () if test is None else (f"if ({test})", f"\t{line}") if test else (line,)

    given = takes.rpartition("*")[2]
    own = f"struct lamp *l = container_of({given}, struct lamp, {member});"
    return (
        "static bool lamp_lazy = true;\n\n"
        + closing("lamp_dark(l);", *delete(here), head="void lamp_unlock(struct lamp *l)")
        + closing(own, "", "lamp_cold(l);", *delete(there), head=f"static void lamp_end({takes})")
    )


@pytest.mark.parametrize(
    ("here", "there", "told"),
    [
        ("!lamp_lazy", "lamp_lazy", True),
        ("lamp_lazy", "!lamp_lazy", True),
        # the other side is nobody's, or is told by another test
        ("!lamp_lazy", "!lamp_lazy", False),
        ("!lamp_lazy", "l->lazy", False),
        ("", "lamp_lazy", False),
        # whose reference is the last nobody knows: a put of the same call may be
        (None, "", False),
    ],
)
@pytest.mark.parametrize(
    ("takes", "member"), [("struct kobject *ko", "kobj"), ("struct kref *ref", "ref")]
)
def test_a_release_that_a_new_test_leaves_to_the_last_put_is_late(here, there, told, takes, member):
    found = downgrades(
        parted("", None, takes=takes, member=member),
        parted(here, there, takes=takes, member=member),
    )
    assert [(d.cleanup, d.function, d.level_cap, d.after.context) for d in found] == (
        [("del_gendisk", "lamp_unlock", "warning", "unknown")] if told else []
    )


def test_a_new_test_parts_the_call_from_an_old_worker_as_well():
    given = {"takes": "struct work_struct *work", "member": "work"}
    found = downgrades(parted("", None, **given), parted("!lamp_lazy", "lamp_lazy", **given))
    assert [(d.function, d.after.context) for d in found] == [("lamp_unlock", "workqueue")]


def test_two_sides_of_a_branch_that_the_last_put_and_the_call_share_part_nothing():
    """Both call one function, which asks anew what it has to do."""
    own = "struct lamp *l = container_of(ref, struct lamp, ref);"
    ends = "static void lamp_end(struct kref *ref)"
    unplug = "static void lamp_unplug(struct lamp *l)"
    old = (
        closing("del_gendisk(l->disk);", head=unplug)
        + closing(own, "", "lamp_cold(l);", head=ends)
        + closing("lamp_unplug(l);", "kref_put(&l->ref, lamp_end);")
    )
    asks = ("if (l->hot)", "\tdel_gendisk(l->one);", "else", "\tdel_gendisk(l->other);")
    new = (
        closing(*asks, head=unplug)
        + closing(own, "", "lamp_unplug(l);", "lamp_cold(l);", head=ends)
        + closing("lamp_dark(l);", "kref_put(&l->ref, lamp_end);")
    )
    assert downgrades(old, new) == ()


def test_a_helper_that_an_old_worker_calls_now_takes_its_release_along():
    end = closing("iput(l->inode);", head="static void lamp_end(struct lamp *l)")
    worker = WORKER.replace("lamp_blink(l);", "lamp_blink(l);\n\tlamp_end(l);")
    before = end + WORKER + closing("lamp_dark(l);", "lamp_end(l);")
    assert lost(before, end + worker + closing("lamp_dark(l);")) == [
        ("lamp_close", "iput", "worker")
    ]
    # by another helper than the one that went it was the worker's before, or is another's
    other = closing("iput(l->inode);", head="static void lamp_finish(struct lamp *l)")
    mine = WORKER.replace("lamp_blink(l);", "lamp_blink(l);\n\tlamp_finish(l);")
    rest = closing("lamp_dark(l);")
    assert lost(other + before, other + end + mine + rest) == []
    # it is called on another line alone
    again = WORKER.replace("lamp_blink(l);", "lamp_end(l);\n\tlamp_blink(l);")
    assert (
        lost(end + worker + closing("lamp_end(l);"), end + again + closing("lamp_dark(l);")) == []
    )


def test_what_nobody_waits_for_any_more_is_told_as_it_is_started_now():
    """A flush goes with the work item that it was for: what is left is an RCU callback."""
    start = "static void lamp_put(struct lamp *l)"
    work = GONE + closing("INIT_WORK(&l->work, lamp_gone);", QUEUE, head=start)
    rcu = GONE.replace("struct work_struct *work", "struct rcu_head *work")
    after = rcu + closing("lamp_dark(l);", "call_rcu(&l->work, lamp_gone);", head=start)
    close = closing("lamp_dark(l);", "flush_workqueue(lamp_wq);"), closing("lamp_dark(l);")
    (loss,) = [
        one
        for one in losses.find(compare(work + close[0], after + close[1]))
        if one.key[1] == "iput"
    ]
    (late,) = loss.late
    assert (late.edge.mechanism, late.guarantee) == ("call_rcu", "after-grace-period")
    (step,) = [one for one in late.chain if "runs" in one.note]
    assert (step.note, step.line) == ("call_rcu() runs lamp_gone()", 11)


def test_who_jumps_to_a_late_effect_made_its_tests_where_the_jump_stands():
    """Two calls of a helper that queues became one behind a label: it was late before."""
    helper = """\
static void lamp_gone(struct rcu_head *rcu)
{
	struct lamp *lamp = container_of(rcu, struct lamp, rcu);

	module_put(lamp->owner);
}

void lamp_free(struct lamp *lamp)
{
	if (lamp->shared)
		call_rcu(&lamp->rcu, lamp_gone);
	else
		lamp_gone(&lamp->rcu);
}

"""
    before = """\
struct lamp *lamp_pass(struct lamp *old)
{
	struct lamp *lamp = lamp_of(old);

	if (lamp_shape(lamp)) {
		if (lamp->hot)
			lamp->filter = NULL;
		lamp_drop(lamp);
		lamp = NULL;
		goto out;
	}
	if (lamp_heat(lamp)) {
		lamp_drop(lamp);
		lamp = NULL;
		goto out;
	}
	lamp_light(lamp);
out:
	return lamp;
}
"""
    after = """\
struct lamp *lamp_pass(struct lamp *old)
{
	struct lamp *lamp = lamp_of(old);

	if (lamp_shape(lamp)) {
		if (lamp->hot)
			lamp->filter = NULL;
		goto out;
	}
	if (lamp_heat(lamp))
		goto out;
	lamp_light(lamp);
	return lamp;
out:
	lamp_free(lamp);
	return NULL;
}
"""
    drop = "void lamp_drop(struct lamp *lamp)\n{\n\tlamp_calm(lamp);\n\tlamp_free(lamp);\n}\n\n"
    assert downgrades(helper + drop + before, helper + after) == ()


TOLD = """\
static void lamp_gone(struct work_struct *work)
{
	iput(container_of(work, struct lamp, gone)->inode);
}

static void lamp_end(struct lamp *lamp, bool sync)
{
	if (lamp->plain)
		iput(lamp->inode);
	else if (sync)
		iput(lamp->inode);
	else
		schedule_work(&lamp->gone);
}

void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->gone, lamp_gone);
}

int lamp_release(struct inode *inode, struct file *file)
{
	struct lamp *lamp = file->private_data;

	lamp_end(lamp, ASKED);
	return 0;
}
"""


def test_a_call_that_is_made_with_other_constants_keeps_the_ways_that_they_leave():
    """What ``plain`` lamps do stays; the others were asked whether they are remote."""
    before = TOLD.replace("ASKED", "lamp->remote")
    (found,) = downgrades(before, TOLD.replace("ASKED", "false"))
    assert (found.function, found.cleanup, found.level_cap) == ("lamp_release", "iput", "warning")
    assert downgrades(before, TOLD.replace("ASKED", "true")) == ()


# -- what was taken for the callback -----------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        ("get_lamp(l);", []),
        ("get_lamp(other);", [("lamp_close", "put_lamp", "deferred")]),
        ("", [("lamp_close", "put_lamp", "deferred")]),
    ],
)
def test_a_callback_that_gives_back_what_was_taken_on_the_way_to_its_start(taken, found):
    """Two references: one that a failed start puts, one of the callback, and none that was lost."""
    gone = GONE.replace("iput(l->inode);", "put_lamp(l);")
    start = closing(
        "INIT_WORK(&l->work, lamp_gone);", QUEUE, head="static void lamp_run(struct lamp *l)"
    )
    before = gone + closing("put_lamp(l);")
    after = gone + start + closing(*filter(None, [taken, "lamp_run(l);"]))
    told = losses.find(compare(before, after))
    assert [(x.now.name, x.key[1], x.how) for x in told] == found


def test_a_condition_that_an_argument_brings_is_the_callers():
    """``end(l, l->quick)`` to ``end(l, l->quick && !last)``: who is the last was done at once."""
    own = ("if (now)", "\tiput(l->inode);", "else", f"\t{QUEUE}")
    end = closing(*own, head="static void lamp_end(struct lamp *l, bool now)")
    head = "void lamp_close(struct lamp *l, bool last)"
    before = end + closing("lamp_end(l, l->quick);", head=head)
    after = end + closing("lamp_end(l, l->quick && !last);", head=head)
    assert lost(before, after) == LOST
    assert lost(after, before) == []


def test_a_helper_takes_for_the_callback_that_it_is_given():
    """Each caller hands it a function to start, and it takes the reference for that."""
    gone = "static void lamp_gone(void *data, async_cookie_t cookie)\n{\n\tput_lamp(data);\n}\n\n"
    later = closing(
        "get_lamp(l);",
        "async_schedule(func, l);",
        head="static void lamp_later(struct lamp *l, async_func_t func)",
    )
    own = closing("if (l->busy)", "\treturn;", "get_lamp(l);", "lamp_dim(l);", "put_lamp(l);")
    after = own.replace("l->busy", "lamp_busy(l)").replace(
        "\tif (", "\tlamp_later(l, lamp_gone);\n\tif ("
    )
    assert losses.find(compare(gone + own, gone + later + after)) == []
    untaken = later.replace("\tget_lamp(l);\n", "")
    found = losses.find(compare(gone + own, gone + untaken + after))
    assert [(x.now.name, x.key[1]) for x in found] == [("lamp_close", "put_lamp")]


@pytest.mark.parametrize(
    ("test", "found"),
    [("current->flags & PF_KTHREAD", False), ("l->lazy", True)],
)
def test_a_body_that_only_kernel_threads_start_late_leaves_tasks_as_they_were(test, found):
    body = "\tiput(l->inode);\n\tlamp_dark(l);\n\tkfree(l);\n"
    before = f"void lamp_end(struct lamp *l)\n{{\n{body}}}\n\n"
    worker = (
        "static void __lamp_end(struct work_struct *work)\n{\n"
        f"\tstruct lamp *l = container_of(work, struct lamp, work);\n\n{body}}}\n\n"
    )
    after = worker + closing(
        f"if ({test}) {{",
        "\tINIT_WORK(&l->work, __lamp_end);",
        "\tschedule_work(&l->work);",
        "} else {",
        "\t__lamp_end(&l->work);",
        "}",
        head="void lamp_end(struct lamp *l)",
    )
    assert bool(losses.find(compare(before, after))) is found
