"""A release that gave way to the start of something which no line shows."""

from __future__ import annotations

import pytest
from graph_kit import downgrades

LAMP = "struct lamp *l"
INODE = "struct inode *inode"
QUEUE = "queue_work(lamp_sb(inode->i_sb)->wq, &LAMP_I(inode)->work);"


def body(name, *lines, takes=INODE):
    return f"void {name}({takes})\n{{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n\n"


def unlink(*lines):
    return body("lamp_unlink", "lamp_send(inode);", *lines, takes=f"struct inode *dir, {INODE}")


def told(before, after):
    return [(d.cleanup, d.after.mechanism, d.level_cap) for d in downgrades(before, after)]


GONE = unlink("iput(inode);", "lamp_done(dir);")
LATER = body("lamp_later", QUEUE)


@pytest.mark.parametrize(
    ("helpers", "lines", "by"),
    [
        ("", ["if (!lamp_put_fast(inode))", f"\t{QUEUE}"], "queue_work"),
        (
            body(
                "lamp_soon", "struct lamp_inode *li = LAMP_I(inode);", "schedule_work(&li->work);"
            ),
            ["lamp_soon(inode);"],
            "schedule_work",
        ),
        # a helper of a helper
        (
            body("lamp_hold", "ihold(inode);", QUEUE)
            + body("lamp_late", "if (lamp_more(inode))", "\treturn;", "lamp_hold(inode);"),
            ["lamp_late(inode);"],
            "queue_work",
        ),
        # onto a list that something drains
        (
            "",
            ["if (llist_add(&LAMP_I(inode)->dead, &lamp_dead))", "\tschedule_work(&lamp_work);"],
            "schedule_work",
        ),
        # on one branch, in all the ways that C has for it
        (LATER, ["if (lazy)", "\tlamp_later(inode);", "else", "\tiput(inode);"], "queue_work"),
        (
            LATER,
            ["if (lazy) {", "\tlamp_later(inode);", "\treturn;", "}", "iput(inode);"],
            "queue_work",
        ),
        (
            "",
            ["if (lazy) {", f"\t{QUEUE}", "\tgoto out;", "}", "iput(inode);", "out:"],
            "queue_work",
        ),
    ],
)
def test_what_no_line_shows_may_do_it_later(helpers, lines, by):
    after = helpers + unlink(*lines, "lamp_done(dir);")
    assert told(helpers + GONE, after) == [("iput", by, "warning")]
    assert told(after, helpers + GONE) == []


def test_a_helper_may_be_given_the_object_beside_others():
    before = body("lamp_close", "mntput(l->mnt);", takes=LAMP)
    helpers = body("lamp_gc", "queue_work(gc->wq, &l->gc_work);", takes=f"struct gc *gc, {LAMP}")
    helpers += body("lamp_put", "struct gc *gc = l->gc;", "lamp_gc(gc, l);", takes=LAMP)
    after = helpers + body("lamp_close", "lamp_put(l);", takes=LAMP)
    assert told(helpers + before, after) == [("mntput", "queue_work", "warning")]


@pytest.mark.parametrize(
    ("helpers", "lines"),
    [
        # it is done at once as well
        (body("lamp_both", QUEUE, "iput(inode);"), ["lamp_both(inode);"]),
        ("", ["if (lazy)", f"\t{QUEUE}", "iput(inode);"]),
        # what is started is of nothing that was given
        (
            body("lamp_count", "queue_work(lamp_wq, &lamp_stats);", takes="void")
            + body("lamp_drop", "lamp_count();", "lamp_gone(inode);"),
            ["lamp_drop(inode);"],
        ),
        ("", ["queue_work(lamp_wq, &lamp_scan);"]),
        # only what is no task comes there, or the task waits
        (
            "",
            ["if (current->flags & PF_KTHREAD) {", f"\t{QUEUE}", "\treturn;", "}", "iput(inode);"],
        ),
        ("", [QUEUE, "flush_work(&LAMP_I(inode)->work);"]),
        ("", [QUEUE, "wait_for_completion(&LAMP_I(inode)->done);"]),
    ],
)
def test_what_is_started_beside_it_takes_nothing_over(helpers, lines):
    after = helpers + unlink(*lines, "lamp_done(dir);")
    assert told(helpers + GONE, after) == []


def test_a_call_under_the_new_name_of_its_function_has_not_given_way():
    """The release moves from the helper, which gets another name, to the caller below."""
    helper = "static void {}(struct mount *mnt)\n{{\n\tlist_del(&mnt->list);\n{}\tdim(mnt);\n}}\n\n"
    free = "call_rcu(&l->rcu, lamp_free);"

    def close(*lines):
        return body("lamp_close", *lines, takes=LAMP)

    before = helper.format("mntput", "\tmntput_no_expire(mnt);\n") + close("mntput(l->mnt);")
    renamed = helper.format("mnt_off", "") + close("mnt_off(l->mnt);", free)
    assert told(before, renamed) == []
    gone = helper.format("mnt_off", "") + close("lamp_dim(l->mnt);", "call_rcu(&l->mnt, late);")
    assert [one[0] for one in told(before, gone)] == ["mntput"]


def test_what_was_started_before_takes_nothing_over():
    before = LATER + unlink("lamp_later(inode);", "iput(inode);")
    assert told(before, LATER + unlink("lamp_later(inode);")) == []


SHOWN = [f"\t{QUEUE}", "else", "\tiput(inode);"]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (["if (lazy)", *SHOWN], ["if (lazy || late)", *SHOWN], True),
        (["if (lazy && late)", *SHOWN], ["if (lazy)", *SHOWN], True),
        (
            ["if (!lazy(inode)) {", "\tiput(inode);", "\treturn;", "}", QUEUE],
            ["if (!lazy(inode) && !late) {", "\tiput(inode);", "\treturn;", "}", QUEUE],
            True,
        ),
        (["if (lazy || late)", *SHOWN], ["if (late)", *SHOWN], False),
        (["if (lazy)", *SHOWN], ["if (lazy && late)", *SHOWN], False),
        (["if (lazy)", *SHOWN], ["if (unlikely(lazy))", *SHOWN], False),
        # both ways do it at once
        (
            ["if (lazy)", f"\t{QUEUE}", "iput(inode);"],
            ["if (lazy || late)", f"\t{QUEUE}", "iput(inode);"],
            False,
        ),
        # another object
        (
            ["if (lazy)", "\tqueue_work(lamp_wq, &lamp->work);", "else", "\tiput(inode);"],
            ["if (lazy || late)", "\tqueue_work(lamp_wq, &lamp->work);", "else", "\tiput(inode);"],
            False,
        ),
    ],
)
def test_an_old_start_of_what_no_line_shows_may_be_made_more_often(before, after, found):
    assert bool(told(unlink(*before), unlink(*after))) is found


# -- a call that nobody shows, and a callback that is ---------------------------------------------

WORK = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	lamp_release_bulb(&l->bulb);
	put_device(&l->dev);
}

"""
START = ["get_device(&l->dev);", "INIT_WORK(&l->work, lamp_gone);", "schedule_work(&l->work);"]
FILE = "struct inode *inode, struct file *file"


def release(*lines, name="lamp_release"):
    own = "struct lamp *l = file->private_data;"
    return body(name, own, *lines, "return 0;", takes=FILE).replace("void", "int", 1)


def test_a_callback_does_what_a_call_in_its_place_did():
    found = downgrades(release("lamp_unlatch(l, file);"), WORK + release(*START))
    assert [(d.cleanup, d.function, d.level_cap) for d in found] == [
        ("lamp_release_bulb", "lamp_release", "warning")
    ]
    assert found[0].before.chain[-1].note == "lamp_unlatch(), whose body no hunk shows"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # on another object
        (release("lamp_unlatch(file);"), WORK + release(*START)),
        # the call stands
        (release("lamp_unlatch(l);"), WORK + release("lamp_unlatch(l);", *START)),
        # what the callback ends was ended elsewhere before
        (
            release("lamp_unlatch(l);") + body("lamp_off", "lamp_release_bulb(l);", takes=LAMP),
            WORK + release(*START) + body("lamp_off", "lamp_release_bulb(l);", takes=LAMP),
        ),
        # it gives back what is taken for it, and that alone
        (
            release("lamp_unlatch(l);"),
            WORK.replace("\tlamp_release_bulb(&l->bulb);\n", "") + release(*START),
        ),
    ],
)
def test_a_callback_that_may_do_anything_else_takes_nothing_over(before, after):
    found = downgrades(before, after)
    assert "lamp_release_bulb" not in [d.cleanup for d in found if d.level_cap != "note"]
    assert "put_device" not in [d.cleanup for d in found]


HELPER = body("lamp_unlatch_later", *START, takes=LAMP)


@pytest.mark.parametrize("name", ["lamp_unlatch", "iput"])
def test_a_start_in_a_helper_of_its_own_is_the_same_start(name):
    """What nobody knows of the call is what the callback ends; what a table knows stays."""
    found = downgrades(release(f"{name}(l);"), WORK + HELPER + release("lamp_unlatch_later(l);"))
    lost = name if name == "iput" else "lamp_release_bulb"
    assert [(d.cleanup, d.function, d.level_cap) for d in found] == [
        (lost, "lamp_release", "warning")
    ]
    assert [step.function for step in found[0].after.chain] == [
        "lamp_release",
        "lamp_unlatch_later",
        "lamp_gone",
    ]


def test_a_helper_that_does_it_on_another_way_takes_nothing_over():
    helper = body(
        "lamp_unlatch_later", "if (!l->busy) {", "iput(l);", "return;", "}", *START, takes=LAMP
    )
    found = downgrades(release("iput(l);"), WORK + helper + release("lamp_unlatch_later(l);"))
    assert [d.cleanup for d in found if d.cleanup == "iput" and d.level_cap != "note"] == []


@pytest.mark.parametrize(
    ("call", "again", "found"),
    [
        # the helper is given more, or another variable, and starts what it started
        ("lamp_late(inode, NULL);", "lamp_late(inode, &put, NULL);", False),
        ("lamp_late(inode, true);", "lamp_late(inode, true, extra);", False),
        # another constant may make it start more
        ("lamp_late(inode, false);", "lamp_late(inode, true);", True),
    ],
)
def test_a_helper_that_is_given_more_starts_what_it_started(call, again, found):
    helper = body(
        "lamp_late", "if (lamp_more(inode))", "\treturn;", QUEUE, takes=f"{INODE}, int how"
    )
    before = helper + unlink(call, "lamp_dark(inode);", "iput(inode);", "lamp_done(dir);")
    after = helper + unlink(again, "lamp_done(dir);")
    assert bool(told(before, after)) is found


def test_a_known_release_that_was_told_to_wait_for_nothing_gives_way_to_its_half():
    """A release is split in two by a flag: what each caller asked for it gets as before."""
    head = "static void lamp_gone(void *data, async_cookie_t cookie)"
    late = f"{head}\n{{\n\tdevice_unregister(data);\n}}\n\n"
    queue = "async_schedule_domain(lamp_gone, dev, &lamp_domain);"
    release = body(
        "nd_device_unregister",
        "if (mode == ND_ASYNC) {",
        f"\t{queue}",
        "\treturn;",
        "}",
        "device_unregister(dev);",
        takes="struct device *dev, int mode",
    )
    halves = body("nd_device_unregister_async", queue, takes="struct device *dev")
    halves += body("nd_device_unregister", "device_unregister(dev);", takes="struct device *dev")
    callers = [
        body("lamp_detach", f"lamp_dark(dev); {call}", takes="struct device *dev")
        for call in (
            "nd_device_unregister(dev, ND_ASYNC);",
            "nd_device_unregister_async(dev);",
            "nd_device_unregister(dev, ND_SYNC);",
        )
    ]
    assert told(late + release + callers[0], late + halves + callers[1]) == []
    assert told(late + release + callers[2], late + halves + callers[1]) != []


def test_a_helper_that_does_it_by_another_name_and_starts_something_takes_nothing_over():
    """The release got another name, and a helper calls it beside the start of something else."""

    def put(name):
        return body(name, "lamp_count--;", "percpu_ref_put(&inode->users);", "lamp_cool(inode);")

    helper = body("lamp_finish", "lamp_put_slot(inode);", QUEUE)
    before = put("put_swap_device") + unlink("put_swap_device(inode);", "lamp_done(dir);")
    after = put("lamp_put_slot") + helper + unlink("lamp_finish(inode);", "lamp_done(dir);")
    assert told(before, after) == []
    without = after.replace("\tlamp_put_slot(inode);\n", "", 1)
    assert [one[0] for one in told(before, without)] == ["put_swap_device"]
    # where the helper ends with it on a way of its own, it does the other thing on the rest
    apart = body(
        "lamp_finish", "if (!lamp_lazy) {", "\tlamp_put_slot(inode);", "\treturn;", "}", QUEUE
    )
    assert told(before, put("lamp_put_slot") + apart + after.partition(helper)[2]) != []


def test_a_start_that_was_only_written_otherwise_takes_nothing_over():
    """``if ((res = start(x)))`` to ``res = start(x); if (res)``: what undoes it stays an undo."""
    fill = "\tusb_fill_bulk_urb(l->NAME, l->dev, 0, l->buf, 9, lamp_done, l);\n"
    first = "usb_submit_urb(l->rx, GFP_KERNEL)"
    second = "usb_submit_urb(l->tx, GFP_KERNEL)"
    old, new = "\tif ((res = {})) {{\n", "\tres = {};\n\tif (res) {{\n"

    def whole(how):
        return (
            f"int lamp_swap(struct lamp *l)\n{{\n\tint res;\n\n{fill.replace('NAME', 'rx')}"
            f"{how.format(first)}\t\tlamp_say(l);\n\t\treturn res;\n\t}}\n"
            f"{fill.replace('NAME', 'tx')}{how.format(second)}\t\tusb_kill_urb(l->rx);\n"
            "\t\treturn res;\n\t}\n\tlamp_go(l);\n\treturn res;\n}\n"
        )

    assert downgrades(whole(old), whole(new)) == ()
