"""Shapes of real series in which a law once broke: each in a driver of our own."""

from __future__ import annotations

import pytest
from small_kernels import hunks, loud, whole

HEAD = """\
struct lamp {
	struct work_struct work;
	struct inode *inode;
	struct list_head node;
	bool lazy;
	int hot;
};

"""
GONE = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	lamp_tell(l);
	iput(l->inode);
}

"""
INIT = """\
void lamp_init(struct lamp *l)
{
	INIT_WORK(&l->work, lamp_gone);
}

"""
START = "queue_work(lamp_wq, &l->work);"


def function(head, *lines):
    return f"{head}\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n\n"


def lost(found):
    return sorted((one.function, one.cleanup) for one in loud(found))


# -- split ------------------------------------------------------------------------------------


def test_two_functions_that_lose_to_one_callback_are_both_told_whatever_patch_takes_them():
    def state(close, remove, gone):
        return (
            HEAD
            + GONE.replace("\tiput(l->inode);\n", gone)
            + function("void lamp_close(struct lamp *l)", "lamp_dark(l);", *close, "lamp_cold(l);")
            + function("void lamp_sleep(struct lamp *l)", "lamp_hum(l);", "lamp_wink(l);")
            + function("void lamp_remove(struct lamp *l)", "lamp_lock(l);", *remove, "lamp_cut(l);")
            + INIT
        )

    put = ("iput(l->inode);",)
    old = state(put, put, "")
    new = state((), (), "\tiput(l->inode);\n")
    both = [("lamp_close", "iput"), ("lamp_remove", "iput")]
    assert lost(hunks(old, new)) == both
    assert lost(hunks(old, state((), put, ""), new)) == both
    assert lost(hunks(old, state((), (), ""), new)) == both


# -- wrap ------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [START, "lamp_kick(l);"])
def test_a_way_that_leaves_behind_a_start_in_a_helper_is_another_way_for_callers_too(start):
    """The body goes to a new function, which gets a way of its own for one of the callers."""
    kick = function("static void lamp_kick(struct lamp *l)", START)
    body = ("lamp_dark(l);", "iput(l->inode);", "lamp_cold(l);")
    close = "void lamp_close(struct lamp *l)"
    remove = "void lamp_remove(struct lamp *l)"
    old = HEAD + function(close, *body) + function(remove, "lamp_lock(l);", "lamp_close(l);")
    lazily = (
        "if (lazy) {",
        "\tif (!l->hot)",
        "\t\tgoto out;",
        f"\t{start}",
        "\treturn;",
        "}",
        "out:",
    )
    new = (
        HEAD
        + GONE
        + kick
        + function("static void __lamp_close(struct lamp *l, bool lazy)", *lazily, *body)
        + function(close, "__lamp_close(l, false);")
        + function(remove, "lamp_lock(l);", "__lamp_close(l, true);")
        + INIT
    )
    assert lost(whole(old, new)) == [("lamp_remove", "iput")]


@pytest.mark.parametrize(
    "start",
    [
        (START,),
        ("if (l->hot) {", f"\t{START}", "}"),
        ("{", f"\t{START}", "}"),
        ("if (l->hot)", f"\t{START}", "else", "\tlamp_poke(l);"),
    ],
)
def test_a_way_that_leaves_after_the_block_of_the_start_does_not_come_to_the_release(start):
    test = ("if (!l->watts)", "\tgoto out;")
    inner = (f"\t{line}" for line in (*test, *start))
    lazily = ("if (l->lazy) {", *inner, "\treturn;", "}", "out:")
    old = HEAD + function("void lamp_close(struct lamp *l)", "lamp_dark(l);", "iput(l->inode);")
    new = (
        HEAD
        + GONE
        + function("void lamp_close(struct lamp *l)", "lamp_dark(l);", *lazily, "iput(l->inode);")
        + INIT
    )
    assert lost(whole(old, new)) == [("lamp_close", "iput")]


def test_a_start_of_what_nobody_shows_may_stand_in_a_new_helper():
    head = "void lamp_close(struct lamp *l)"
    bind = "INIT_WORK(&l->work, lamp_gone_soon);"
    old = HEAD + function(head, "lamp_dark(l);", "lamp_teardown(l);")
    for start, helper in (
        (START, ""),
        ("zq_1(l);", function("static void zq_1(struct lamp *l)", START)),
    ):
        new = HEAD + helper + function(head, "lamp_dark(l);", bind, start)
        assert [(one.function, one.cleanup) for one in whole(old, new)] == [
            ("lamp_close", "lamp_teardown")
        ]


@pytest.mark.parametrize("cast", ["", "(void)"])
def test_a_call_whose_value_is_cast_away_is_a_statement(cast):
    head = "void lamp_close(struct lamp *l)"
    old = HEAD + function(head, "lamp_dark(l);", f"{cast}lamp_teardown(l);")
    new = HEAD + function(head, "lamp_dark(l);", f"{cast}lamp_teardown_async(l);")
    assert [(one.function, one.cleanup) for one in whole(old, new)] == [
        ("lamp_close", "lamp_teardown")
    ]


# -- more knowledge --------------------------------------------------------------------------


def test_what_a_function_lost_itself_is_told_beside_what_its_callee_lost():
    old = (
        HEAD
        + GONE
        + function("static void lamp_each(struct lamp *l)", "lamp_dark(l);", "iput(l->inode);")
        + function(
            "void lamp_close(struct lamp *l)", "if (l->hot)", "\tlamp_each(l);", "iput(l->inode);"
        )
        + INIT
    )
    new = old.replace("\tiput(l->inode);\n}", f"\t{START}\n}}").replace(
        f"lamp_tell(l);\n\t{START}", "lamp_tell(l);\n\tiput(l->inode);"
    )
    assert lost(whole(old, new)) == [("lamp_close", "iput"), ("lamp_each", "iput")]


@pytest.mark.parametrize("besides", ["kfree(l->name);", "iput(l->inode);"])
def test_a_worker_casts_a_doubt_on_what_it_lost_itself_alone(besides):
    """What is moved for a worker is what the worker did."""
    poll = "static void lamp_poll(struct work_struct *work)"
    own = "struct lamp *l = container_of(work, struct lamp, poll);"
    rest = GONE.replace("iput(l->inode);", "iput(l->inode);\n\tkfree(l->name);")
    tick = function("static void lamp_tick(struct lamp *l)", "lamp_hum(l);", besides)
    once = function(poll, own, "", "lamp_tick(l);")
    bind = function("void lamp_begin(struct lamp *l)", "INIT_WORK(&l->poll, lamp_poll);")
    close = function("void lamp_close(struct lamp *l)", "lamp_dark(l);", "iput(l->inode);")
    old = HEAD + tick + once + close + bind
    new = (
        HEAD
        + rest
        + (tick + once).replace(besides, START)
        + close.replace("iput(l->inode);", START)
        + bind
        + INIT
    )
    expected = [] if besides.startswith("iput") else [("lamp_close", "iput")]
    assert lost(whole(old, new)) == expected


@pytest.mark.parametrize("context", [1, 3, 10])
def test_a_body_that_no_hunk_shows_is_late_where_its_head_became_a_callback(context):
    body = ("lamp_dark(l);", "lamp_hum(l);", "iput(l->inode);", "lamp_wink(l);", "lamp_cold(l);")
    own = "struct lamp *l = container_of({p}, struct lamp, {m});"
    rest = function("static int lamp_watts(struct lamp *l)", *("lamp_add(l);",) * 20)
    put = function("void lamp_put(struct lamp *l)", "kref_put(&l->ref, lamp_free);")
    free = "static void lamp_free(struct kref *ref)"
    before = own.format(p="ref", m="ref")
    old = HEAD + rest + function(free, before, "", *body) + rest + put
    gone = function(
        "static void lamp_gone(struct work_struct *work)",
        own.format(p="work", m="work"),
        "",
        *body,
    )
    start = function(free, before, "", "INIT_WORK(&l->work, lamp_gone);", START)
    new = HEAD + rest + gone + start + rest + put
    found = loud(hunks(old, new, context=context))
    assert [one.function for one in found] == ["lamp_free"]


@pytest.mark.parametrize(
    ("name", "line", "loud_from_hunks"),
    [
        # where it came from no hunk shows: a helper may have looked it up, an end had it
        ("lamp_scan", "iput(inode);", False),
        ("lamp_exit", "iput(inode);", True),
        ("lamp_scan", "iput(l->inode);", True),
    ],
)
def test_a_put_that_a_twin_puts_off_may_give_back_what_no_hunk_shows_taken(
    name, line, loud_from_hunks
):
    rest = ("lamp_cold(l);",) * 12
    taken = "struct inode *inode = lamp_inode(l);"
    old = HEAD + function(f"void {name}(struct lamp *l)", taken, "", *rest, line)
    new = old.replace("iput(", "btrfs_add_delayed_iput(")
    (from_hunks,) = hunks(old, new)
    (from_whole,) = whole(old, new)
    assert bool(loud([from_hunks])) is loud_from_hunks
    assert loud([from_whole])


@pytest.mark.parametrize(
    ("head", "level"),
    [
        ("lamp_write_iter(struct kiocb *iocb, struct iov_iter *l)", []),
        ("lamp_write_iter(struct kiocb *iocb, struct lamp *l)", ["lamp_write_iter"]),
    ],
)
def test_the_form_of_a_write_is_told_where_its_type_stands_a_line_above(head, level):
    rest = ("lamp_cold(l);",) * 12
    old = HEAD + GONE + function(f"static ssize_t\n{head}", "iput(l->inode);", *rest)
    new = old.replace("{\n\tiput(l->inode);", f"{{\n\t{START}") + INIT
    for context in (1, 3):
        assert [one.function for one in loud(hunks(old, new, context=context))] == level


def test_a_function_whose_end_no_hunk_shows_is_no_loss_by_itself():
    rest = function("static int lamp_watts(struct lamp *l)", *("lamp_add(l);",) * 20)
    close = function("void lamp_close(struct lamp *l)", "lamp_dark(l);", *("lamp_cold(l);",) * 20)
    old = HEAD + rest + GONE + close
    new = old.replace("lamp_dark(l);", f"lamp_dark(l);\n\t{START}") + INIT
    for context in (1, 3):
        assert loud(hunks(old, new, context=context)) == []


@pytest.mark.parametrize("lazy", ["true", "false"])
def test_a_caller_that_is_new_relied_on_nothing(lazy):
    choose = function(
        "static void lamp_end(struct lamp *l, bool lazy)",
        "if (lazy) {",
        f"\t{START}",
        "\treturn;",
        "}",
        "iput(l->inode);",
    )
    fresh = function("void lamp_drop(struct lamp *l)", "lamp_end(l, true);")
    close = "void lamp_close(struct lamp *l)"
    end = function("static void lamp_end(struct lamp *l)", "iput(l->inode);")
    old = HEAD + end + function(close, "lamp_dark(l);", "lamp_end(l);")
    new = HEAD + GONE + choose + fresh + function(close, "lamp_dark(l);", f"lamp_end(l, {lazy});")
    assert bool(loud(whole(old, new + INIT))) == (lazy == "true")
    assert bool(loud(hunks(old, new + INIT))) == (lazy == "true")


def test_a_worker_that_released_such_a_thing_elsewhere_still_takes_one_over():
    """A whole file shows that the worker does the same somewhere else, further down."""
    again = function("static void lamp_again(struct lamp *l)", "if (l->hot)", "\tiput(l->other);")
    shut = function("void lamp_close(struct lamp *l)", "lamp_dark(l);", "iput(l->inode);")
    gone = GONE.replace("\tiput(l->inode);", "\tlamp_again(l);")
    old = HEAD + again + gone + shut + INIT
    for place in ("\tiput(l->inode);\n\tlamp_again(l);", "\tlamp_again(l);\n\tiput(l->inode);"):
        taken = gone.replace("\tlamp_again(l);", place)
        new = HEAD + again + taken + shut.replace("iput(l->inode);", "lamp_hum(l);") + INIT
        assert lost(whole(old, new)) == [("lamp_close", "iput")]


@pytest.mark.parametrize("wait", ["destroy_workqueue(l->own_wq);", "flush_work(&l->work);"])
def test_a_wait_for_what_others_started_on_their_queue_keeps_no_other_promise(wait):
    """The caller waits for a queue that the new start does not use, or for the very item."""
    kick = function("void lamp_set(struct lamp *l)", "queue_work(l->own_wq, &l->work);")
    end = function("static void lamp_end(struct lamp *l)", "device_unregister(l->dev);")
    leave = function("void lamp_exit(struct lamp *l)", "lamp_end(l);", "lamp_hum(l);", wait)
    gone = GONE.replace("\tiput(l->inode);\n", "")
    old = HEAD + gone + kick + end + leave + INIT
    taken = GONE.replace("iput(l->inode);", "device_unregister(l->dev);")
    soon = end.replace("device_unregister(l->dev);", "queue_work(system_long_wq, &l->work);")
    new = HEAD + taken + kick + soon + leave + INIT
    found = [] if wait.startswith("flush") else [("lamp_end", "device_unregister")]
    assert lost(whole(old, new)) == found


def test_a_wait_in_one_helper_for_what_another_one_started_holds_the_task():
    kick = function("static void lamp_kick(struct lamp *l)", "lamp_hum(l);", START)
    hold = function(
        "static void lamp_hold(struct lamp *l)", "lamp_hum(l);", "flush_work(&l->work);"
    )
    poke = function("void lamp_poke(struct lamp *l)", "lamp_kick(l);")
    close = "void lamp_close(struct lamp *l)"
    taken = GONE.replace("iput(l->inode);", "device_unregister(l->dev);")
    old = HEAD + function(close, "lamp_dark(l);", "device_unregister(l->dev);")
    new = HEAD + taken + kick + hold + poke + INIT
    waits = function(close, "lamp_dark(l);", "lamp_kick(l);", "lamp_hold(l);")
    leaves = function(close, "lamp_dark(l);", "lamp_kick(l);")
    assert lost(whole(old, new + waits)) == []
    assert lost(whole(old, new + leaves)) == [("lamp_close", "device_unregister")]


# -- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["item", "e", "res", "result"])
@pytest.mark.parametrize("deferred", [True, False])
def test_a_pointer_is_no_error_code_whatever_it_is_called(name, deferred):
    """An item that could be allocated is no failure, and what is done without it is one."""
    item = "struct lamp_item {\n\tstruct work_struct work;\n\tstruct inode *inode;\n};\n\n"
    own = f"struct lamp_item *{name} = container_of(work, struct lamp_item, work);"
    gone = function(
        "static void lamp_gone(struct work_struct *work)", own, "", f"iput({name}->inode);"
    )
    head = "void lamp_close(struct lamp *l)"
    later = (
        f"{name}->inode = l->inode;",
        f"INIT_WORK(&{name}->work, lamp_gone);",
        f"queue_work(lamp_wq, &{name}->work);",
    )
    make = (f"struct lamp_item *{name};", "", f"{name} = kmalloc(sizeof(*{name}), GFP_KERNEL);")
    lines = (
        *make,
        f"if ({name}) {{",
        *(f"\t{line}" for line in (later if deferred else ("iput(l->inode);",))),
        "} else {",
        "\tiput(l->inode);",
        "}",
    )
    old = HEAD + function(head, "iput(l->inode);")
    new = HEAD + item + gone + function(head, *lines)
    for found in (whole(old, new), hunks(old, new)):
        assert lost(found) == ([("lamp_close", "iput")] if deferred else [])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("lamp_set_queue_limits", "bulb_set_queue_limits", False),
        ("lamp_release_async", "lamp_teardown_async", False),
        ("lamp_teardown", "lamp_teardown_async", True),
    ],
)
def test_a_helper_that_was_named_for_later_under_another_name_is_not_new(before, after, said):
    head = "void lamp_close(struct lamp *l)"
    old, new = (
        HEAD + function(head, "lamp_dark(l);", f"{name}(l);", "lamp_cold(l);")
        for name in (before, after)
    )
    assert bool(whole(old, new)) == said
    assert bool(hunks(old, new)) == said


@pytest.mark.parametrize("rest", ["", function("static void lamp_on(void)", "lamp();")])
@pytest.mark.parametrize("context", [1, 3, 30])
def test_a_body_that_no_hunk_shows_goes_behind_a_start_with_what_its_function_is_known_for(
    context, rest
):
    """Of a long body that moves whole a hunk may show no more than its first and last lines."""
    struct = "struct loop_device {\n\tint lo_number;\n};\n\n"
    body = ("/* First of all. */", *(f"lamp_step(lo, {n});" for n in range(20)))
    own = "struct loop_device *lo = container_of(work, struct loop_device, exit_work);"
    start = ("INIT_WORK(&lo->exit_work, lamp_gone);", "schedule_work(&lo->exit_work);")
    head = "static void loop_remove(struct loop_device *lo)"
    old = struct + function(head, *body) + rest
    new = (
        struct.replace("{\n", "{\n\tstruct work_struct exit_work;\n")
        + function("static void lamp_gone(struct work_struct *work)", own, *body)
        + function(head, *start)
        + rest
    )
    found = loud(hunks(old, new, context=context))
    assert [(one.function, one.family) for one in found] == [("loop_remove", "block")]


@pytest.mark.parametrize(
    ("stop", "found"),
    [("kthread_stop(lamp_task);", []), ("lamp_cold(l);", [("lamp_close", "iput")])],
)
def test_a_thread_that_is_stopped_has_done_all_that_it_does(stop, found):
    task = "static struct task_struct *lamp_task;\n\n"
    run = function(
        "static int lamp_thread(void *data)", "struct lamp *l = data;", "", "lamp_wait(l);", "{}"
    )
    begin = function(
        "int lamp_light(struct lamp *l)",
        'lamp_task = kthread_create(lamp_thread, l, "lamp");',
        "if (IS_ERR(lamp_task)) {",
        "\tlamp_dark(l);",
        "\tgoto out;",
        "}",
        "wake_up_process(lamp_task);",
        "return 0;",
        "out:",
        "iput(l->inode);",
        "return -ENOMEM;",
    )
    put = "iput(l->inode);"
    end = function("void lamp_close(struct lamp *l)", stop, "{}", "lamp_hum(l);")
    old = HEAD + task + run.replace("{}", "") + begin + end.replace("{}", put)
    new = HEAD + task + run.replace("{}", put) + begin + end.replace("{}", "")
    again = new.replace("lamp_thread, l,", "lamp_thread, l->self,")
    assert lost(whole(old, new)) == lost(whole(old, again)) == found


@pytest.mark.parametrize("context", [1, 3, 40])
def test_a_release_that_goes_with_its_last_calls_did_what_its_row_says(context):
    """Of the one that defers a hunk shows the start at most, and not what binds its callback."""
    later = function(
        "void bpf_link_put(struct bpf_link *link)",
        "if (!atomic64_dec_and_test(&link->refcnt))",
        "\treturn;",
        "INIT_WORK(&link->work, bpf_link_put_deferred);",
        *(f"lamp_step(link, {n});" for n in range(12)),
        "schedule_work(&link->work);",
    )
    direct = function(
        "static void bpf_link_put_direct(struct bpf_link *link)",
        "if (!atomic64_dec_and_test(&link->refcnt))",
        "\treturn;",
        "bpf_link_free(link);",
    )
    release = function(
        "static int bpf_link_release(struct inode *inode, struct file *filp)",
        "struct bpf_link *link = filp->private_data;",
        "",
        "bpf_link_put_direct(link);",
        "return 0;",
    )
    gone = function(
        "static void bpf_link_put_deferred(struct work_struct *work)",
        "bpf_link_free(container_of(work, struct bpf_link, work));",
    )
    old = gone + later + direct + release
    new = gone + later + release.replace("put_direct", "put")
    for found in (hunks(old, new, context=context), whole(old, new)):
        assert [one.function for one in loud(found)] == ["bpf_link_release"]
    assert loud(hunks(new, old, context=context)) == []
