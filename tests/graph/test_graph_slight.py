"""What moves behind a deferral, and nobody misses."""

from __future__ import annotations

import pytest
from graph_kit import compare, downgrades, function

from patchlint.graph.reach.way import Ways
from patchlint.graph.roles import held_in_slot
from patchlint.model.effect import Ground

WORKER = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}

"""
QUEUE = "\tINIT_WORK(&lamp->work, lamp_gone);\n\tqueue_work(lamp_wq, &lamp->work);\n"


def levels(before, after):
    return [(d.cleanup, d.function, d.level_cap) for d in downgrades(before, after)]


def reasons(before, after):
    return [ground.said for d in downgrades(before, after) for ground in d.reasons]


# -- what lives on the stack ---------------------------------------------------------------


@pytest.mark.parametrize("how", ["struct bulb ", "struct bulb *"])
def test_what_is_started_on_the_stack_is_done_before_the_function_returns(how):
    dot, address = ("->", "") if how.endswith("*") else (".", "&")
    direct = "void lamp_off(struct lamp *lamp)\n{\n\tiput(lamp->inode);\n}\n"
    queued = f"""\
static void bulb_gone(struct work_struct *work)
{{
	struct bulb *bulb = container_of(work, struct bulb, work);

	iput(bulb->lamp->inode);
	bulb->done = true;
}}

void lamp_off(struct lamp *lamp)
{{
	{how}bulb{" = lamp->bulb" if address == "" else ""};

	bulb{dot}lamp = lamp;
	INIT_WORK(&bulb{dot}work, bulb_gone);
	queue_work(lamp_wq, &bulb{dot}work);
	while (!bulb{dot}done)
		msleep(1);
}}
"""
    found = [] if address else [("iput", "lamp_off", "warning")]
    assert levels(direct, queued) == found


# -- where something failed ----------------------------------------------------------------


def opened(name, release, *, tail="return lamp;\n"):
    return f"""\
struct lamp *{name}(struct house *house)
{{
	struct lamp *lamp = lamp_of(house);

	if (lamp_light(lamp))
		goto out;
	{tail}out:
{release}	return NULL;
}}
"""


@pytest.mark.parametrize(("name", "level"), [("lamp_create", "note"), ("lamp_swap", "warning")])
def test_what_a_constructor_does_behind_a_label_takes_back_what_it_built(name, level):
    before = opened(name, "\tiput(lamp->inode);\n")
    after = WORKER + opened(name, QUEUE)
    assert levels(before, after) == [("iput", name, level)]
    assert ("deferred on an error path only" in reasons(before, after)) is (level == "note")


@pytest.mark.parametrize(
    ("value", "level"),
    [("-EBUSY", "note"), ("ERR_PTR(-EBUSY)", "note"), ("0", "warning"), ("lamp->state", "warning")],
)
def test_a_branch_that_returns_an_error_code_is_one_where_something_failed(value, level):
    def swap(release):
        return (
            "long lamp_swap(struct lamp *lamp)\n{\n\tif (lamp->lit) {\n"
            f"{release}\t\treturn {value};\n\t}}\n\treturn lamp_next(lamp);\n}}\n"
        )

    before = swap("\t\tiput(lamp->inode);\n")
    after = WORKER + swap(QUEUE.replace("\t", "\t\t"))
    assert levels(before, after) == [("iput", "lamp_swap", level)]


# -- who did it before ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("!(current->flags & PF_KTHREAD)", []),
        ("!current_is_kswapd()", []),
        ("!lamp->lit", [("iput", "lamp_off", "warning")]),
    ],
)
def test_what_only_kernel_threads_did_no_task_misses(test, found):
    before = (
        f"void lamp_off(struct lamp *lamp)\n{{\n\tif ({test})\n\t\treturn;\n"
        "\tiput(lamp->inode);\n}\n"
    )
    after = WORKER + before.replace("\tiput(lamp->inode);\n", QUEUE)
    assert levels(before, after) == found


def test_a_caller_that_a_trace_shows_in_a_worker_tells_of_a_static_function_below():
    before = (
        "static void lamp_put(struct lamp *lamp)\n{\n\tiput(lamp->inode);\n}\n\n"
        "void lamp_dim(struct lamp *lamp)\n{\n\tlamp_put(lamp);\n}\n"
    )
    after = WORKER + before.replace("\tiput(lamp->inode);\n", QUEUE)
    trace = (
        " lamp_dim+0x20/0x80\n process_one_work+0x1a0/0x3c0\n worker_thread+0x4d/0x3e0\n"
        " kthread+0xd0/0x100\n"
    )
    (told,) = downgrades(before, after, message=trace)
    (untold,) = downgrades(before, after, message="")
    assert (told.level_cap, untold.level_cap) == ("note", "warning")


# -- what is no hand-over ------------------------------------------------------------------


@pytest.mark.parametrize(("name", "found"), [("lamp_alloc", 0), ("lamp_retire", 1)])
def test_what_is_built_is_put_on_a_list_to_be_found_there(name, found):
    worker = """\
static void lamp_gone(struct work_struct *work)
{
	struct house *house = container_of(work, struct house, work);
	struct lamp *lamp, *next;

	list_for_each_entry_safe(lamp, next, &house->lamps, node)
		iput(lamp->inode);
}

void house_start(struct house *house)
{
	INIT_WORK(&house->work, lamp_gone);
	queue_work(lamp_wq, &house->work);
}

"""
    before = (
        worker
        + f"""\
void {name}(struct house *house, struct lamp *lamp)
{{
	iput(lamp->inode);
}}
"""
    )
    after = before.replace(
        "{\n\tiput(lamp->inode);\n}\n", "{\n\tlist_add_tail(&lamp->node, &house->lamps);\n}\n"
    )
    assert len([d for d in downgrades(before, after) if d.function == name]) == found


# -- whoever is left to lose ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("called", "found"), [("LAMP_OFF", []), ("mode", [("iput", "lamp_drop", "warning")])]
)
def test_callers_of_a_function_with_one_more_argument_are_all_in_the_series(called, found):
    callers = "void lamp_{0}(struct lamp *lamp, int mode)\n{{\n\tlamp_drop({1});\n}}\n"
    before = "void lamp_drop(struct lamp *lamp)\n{\n\tiput(lamp->inode);\n}\n\n" + callers.format(
        "close", "lamp"
    )
    after = (
        WORKER
        + "void lamp_drop(struct lamp *lamp, int mode)\n{\n\tif (mode == LAMP_LEASE) {\n"
        + QUEUE.replace("\t", "\t\t")
        + "\t\treturn;\n\t}\n\tiput(lamp->inode);\n}\n\n"
        + callers.format("close", f"lamp, {called}")
    )
    assert levels(before, after) == found


# -- what was started already --------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "found"),
    [
        ("\tif (mod_delayed_work(lamp_wq, &lamp->work, 0))\n\t\tiput(lamp->inode);\n", 0),
        ("\tiput(lamp->inode);\n", 1),
    ],
)
def test_a_put_for_a_start_that_stood_there_before_is_not_late(old, found):
    """The count that was taken for the worker goes with the put that gave it back."""

    def echo(lines):
        return f"void lamp_echo(struct lamp *lamp)\n{{\n{lines}}}\n"

    after = echo("\tmod_delayed_work(lamp_wq, &lamp->work, 0);\n")
    assert len(downgrades(echo(old), after)) == found


def test_a_helper_that_is_known_by_its_name_alone_makes_a_note():
    def off(line):
        return f"void lamp_off(struct lamp *lamp)\n{{\n{line}}}\n"

    found = levels(off("\tiput(lamp->inode);\n"), off("\tlamp_iput_async(lamp->inode);\n"))
    assert [level for _, _, level in found] in ([], ["note"])


def test_a_branch_that_left_before_takes_nothing_from_what_stands_below():
    """A deferral on a way that never came to the release."""
    before = """\
void lamp_write(struct lamp *lamp)
{
	if (lamp->journal) {
		lamp_flush(lamp);
		goto out;
	}
	iput(lamp->inode);
out:
	lamp_done(lamp);
}
"""
    after = WORKER + before.replace("\t\tlamp_flush(lamp);\n", QUEUE.replace("\t", "\t\t"))
    assert levels(before, after) == []


@pytest.mark.parametrize(
    ("header", "level"),
    [
        ("int lamp_release(struct inode *inode, struct file *file)", "warning"),
        ("void lamp_remove(struct platform_device *file)", "warning"),
        ("int lamp_destroy_mr(struct ib_mr *file, struct ib_udata *udata)", "warning"),
        ("void lamp_unbind(struct usb_configuration *c, struct usb_function *file)", "warning"),
        ("void lamp_exit(void)", "warning"),
        ("void lamp_start(void)", "note"),
        ("int lamp_del_nl(struct sk_buff *file, struct genl_info *info)", "warning"),
        ("int lamp_get_nl(struct sk_buff *file, struct genl_info *info)", "note"),
        ("void lamp_dellink(struct net_device *file, struct list_head *gone)", "note"),
        ("void lamp_del_link(struct net_device *file, struct list_head *gone)", "warning"),
        ("int lamp_release(struct lamp *inode, struct file *file)", "note"),
        ("int lamp_light(struct inode *inode, struct file *file)", "note"),
    ],
)
def test_the_form_of_an_operation_that_ends_something_shows_who_waits(header, level):
    before = f"static {header}\n{{\n\tlamp_destroy_wires(file->lamp);\n\treturn 0;\n}}\n"
    after = WORKER.replace("iput(lamp->inode)", "lamp_destroy_wires(lamp)") + before.replace(
        "\tlamp_destroy_wires(file->lamp);\n", QUEUE.replace("lamp->", "file->")
    )
    found = [d.level_cap for d in downgrades(before, after) if d.cleanup == "lamp_destroy_wires"]
    assert found == [level]


@pytest.mark.parametrize(
    ("caller", "found"),
    [("void lamp_close(struct lamp *lamp)", 0), ("void lamp_fn(struct work_struct *lamp)", 1)],
)
def test_where_only_a_worker_is_shown_the_callers_of_a_changed_signature_are_not_all(caller, found):
    before = (
        "void lamp_drop(struct lamp *lamp)\n{\n\tiput(lamp->inode);\n}\n\n"
        f"{caller}\n{{\n\tlamp_drop(lamp);\n}}\n"
    )
    after = (
        WORKER
        + "void lamp_drop(struct lamp *lamp, bool late)\n{\n\tif (late) {\n"
        + QUEUE.replace("\t", "\t\t")
        + f"\t\treturn;\n\t}}\n\tiput(lamp->inode);\n}}\n\n{caller}\n"
        + "{\n\tlamp_drop(lamp, false);\n}\n"
    )
    assert len([d for d in downgrades(before, after) if d.function == "lamp_drop"]) == found


# -- ways that a choice leaves as they were --------------------------------------------------


def test_a_task_that_takes_its_own_work_loses_nothing_whatever_comes_below():
    """The queue is for kernel threads, and for a task that takes no task work any more."""
    before = "void lamp_off(struct lamp *lamp)\n{\n\tmntput(lamp->mnt);\n}\n"

    def after(test):
        return f"""\
static void lamp_tw(struct callback_head *head)
{{
	mntput(container_of(head, struct lamp, tw)->mnt);
}}

static void lamp_gone(struct work_struct *work)
{{
	mntput(container_of(work, struct lamp, work)->mnt);
}}

void lamp_off(struct lamp *lamp)
{{
	if ({test}) {{
		init_task_work(&lamp->tw, lamp_tw);
		if (!task_work_add(current, &lamp->tw, TWA_RESUME))
			return;
	}}
{QUEUE}}}
"""

    assert levels(before, after("!(current->flags & PF_KTHREAD)")) == []
    assert levels(before, after("lamp->lit")) == [("mntput", "lamp_off", "warning")]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ("\t\tiput(lamp->inode);\n", []),
        ("\t\tlamp->lit = 0;\n", [("iput", "lamp_off", "warning")]),
    ],
)
def test_what_both_sides_of_a_new_test_do_is_done(other, found):
    """A deferral of something else beside them takes nothing away."""
    before = """\
static void lamp_end(struct lamp *lamp)
{
	iput(lamp->inode);
}

void lamp_off(struct lamp *lamp)
{
	lamp_end(lamp);
}
"""
    after = WORKER + before.replace(
        "\tiput(lamp->inode);\n}\n\nvoid lamp_off(struct lamp *lamp)\n{\n",
        f"\tif (lamp->cold) {{\n\t\tiput(lamp->inode);\n\t}} else {{\n{other}\t}}\n}}\n\n"
        f"void lamp_off(struct lamp *lamp)\n{{\n\tif (lamp->spare) {{\n{QUEUE}\t}}\n",
    ).replace("lamp_end(lamp);", "lamp_end(lamp->main);")
    assert [one for one in levels(before, after) if one[1] == "lamp_off"] == found


@pytest.mark.parametrize(
    ("test", "value", "found"),
    [
        ("lamp_charge(lamp)", "-ENOMEM", []),
        ("lamp_charge(lamp)", "ERR_PTR(-ENOMEM)", []),
        ("err", "err", []),
        ("lamp_charge(lamp)", "0", [("iput", "lamp_swap", "warning")]),
        ("err", "lamp->next", [("iput", "lamp_swap", "warning")]),
    ],
)
def test_a_new_way_to_fail_sends_nobody_into_a_deferral(test, value, found):
    """What is deferred beside it is something else, and the release stands below."""

    def swap(first, release):
        return f"long lamp_swap(struct lamp *lamp)\n{{\n{first}{release}\treturn lamp->next;\n}}\n"

    before = swap("", "\tiput(lamp->inode);\n")
    kick = f"\tif (lamp->spare) {{\n{QUEUE}\t}}\n"
    fail = f"\tif ({test})\n\t\treturn {value};\n"
    after = WORKER + swap(kick + fail, "\tiput(lamp->main->inode);\n")
    assert levels(before, after) == found


def test_of_two_ways_of_one_choice_each_stays_what_it_was():
    """The line of the other way is written anew; who came to the queue left before it did."""
    before = (
        WORKER
        + """\
static void lamp_end(struct lamp *lamp)
{
	iput(lamp->inode);
}

void lamp_off(struct lamp *lamp)
{
	if (lamp->cold) {
		queue_work(lamp_wq, &lamp->work);
		goto out;
	}
	lamp_end(lamp);
out:
	lamp_done(lamp);
}

void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
}
"""
    )
    after = (
        before.replace(
            "\tiput(lamp->inode);\n}\n\nvoid lamp_off",
            """\
	iput(lamp->inode);
	if (lamp->spare)
		iput(lamp->spare->inode);
}

void lamp_off""",
        )
        .replace("lamp_end(lamp);\nout", "lamp_end(lamp->main);\nout")
        .replace(
            "\tiput(lamp->inode);\n}\n\nstatic void lamp_end",
            """\
	lamp_end(lamp);
}

static void lamp_end""",
        )
    )
    assert levels(before, after) == []


# -- who waits -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "level"),
    [
        ("\tcomplete(&lamp->gone);\n", "note"),
        ("", "warning"),
        ("\tcomplete(&lamp->lit);\n", "warning"),
    ],
)
def test_who_waits_for_a_completion_that_goes_along_waits_for_the_end(late, level):
    release = "\tlamp->ops->destroy(lamp);\n"
    head = "void lamp_release(struct kref *kref)\n{\n\tstruct lamp *lamp = lamp_of(kref);\n\n"
    before = f"{head}{release}\tcomplete(&lamp->gone);\n}}\n"
    after = WORKER.replace("\tiput(lamp->inode);\n", release + late) + f"{head}{QUEUE}}}\n"
    assert [one for one in levels(before, after) if one[1] == "lamp_release"] == [
        ("destroy", "lamp_release", level)
    ]


@pytest.mark.parametrize(
    ("put", "level"),
    [("kobject_put(&lamp->kobj)", "note"), ("put_device(&lamp->dev)", "warning")],
)
def test_a_worker_that_gives_the_object_back_ran_its_release_before(put, level):
    worker = f"""\
static void lamp_gone(struct work_struct *work)
{{
	struct lamp *lamp = container_of(work, struct lamp, work);

	{put};
}}

void lamp_delete(struct lamp *lamp)
{{
	INIT_WORK(&lamp->work, lamp_gone);
	queue_work(lamp_wq, &lamp->work);
}}

"""
    release = "\tdel_gendisk(lamp->disk);\n"
    free = "void lamp_free(struct kobject *kobj)\n{\n\tstruct lamp *lamp = lamp_of(kobj);\n\n%s}\n"
    before = worker + free % release
    after = worker.replace(f"\t{put};\n", f"{release}\t{put};\n") + free % "\tlamp->disk = NULL;\n"
    assert levels(before, after) == [("del_gendisk", "lamp_free", level)]


@pytest.mark.parametrize(
    ("member", "name", "teardown", "held"),
    [
        ("write", "lamp_write", False, False),
        ("write", "lamp_write", True, True),
        ("write", "lamp_shutdown", False, True),
        ("release", "lamp_let", False, True),
        ("read", "lamp_shutdown", True, False),
    ],
)
def test_of_an_operation_with_many_commands_a_name_tells_what_it_ends(member, name, teardown, held):
    source = (
        f"static int {name}(struct inode *inode, struct file *file)\n{{\n\treturn 0;\n}}\n\n"
        f"static const struct file_operations lamp_fops = {{\n\t.{member} = {name},\n}};\n"
    )
    compared = compare(source, source)
    assert held_in_slot(compared, function(compared.before, name), teardown=teardown) is held


# -- work that nothing calls an end ----------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "level"),
    [
        ("lamp_report(lamp)", "note"),
        ("lamp_destroy(lamp)", "warning"),
        ("iput(lamp->inode)", "warning"),
    ],
)
def test_work_of_an_ending_operation_is_no_release_unless_it_is_called_one(call, level):
    def close(lines):
        return (
            "static int lamp_close(struct inode *inode, struct file *file)\n{\n"
            f"\tstruct lamp *lamp = file->private_data;\n\n{lines}\tlamp_log(lamp);\n"
            "\treturn 0;\n}\n"
        )

    before = close(f"\t{call};\n")
    after = WORKER.replace("iput(lamp->inode)", call) + close(QUEUE)
    assert [level for _, _, level in levels(before, after)] == [level]


# -- what a callee did, and does as it did ---------------------------------------------------


@pytest.mark.parametrize(("mode", "found"), [("0", 0), ("mode", 1), ("LAMP_LAZY", 1)])
def test_a_callee_that_lost_nothing_takes_nothing_from_its_caller(mode, found):
    """Its caller calls it with another object, or lets another decide what was constant."""
    before = (
        WORKER
        + f"""\
static void lamp_drop(struct lamp *lamp, int mode)
{{
	if (mode == LAMP_LAZY) {{
{QUEUE}		return;
	}}
	iput(lamp->inode);
}}

void lamp_off(struct lamp *lamp, int mode)
{{
	lamp_drop(lamp, 0);
}}
"""
    )
    after = before.replace("lamp_drop(lamp, 0);", f"lamp_drop(lamp->main, {mode});")
    assert len([d for d in downgrades(before, after) if d.function == "lamp_off"]) == found


# -- a moment's hold -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "level"),
    [("if (!mmget_not_zero(lamp->mm))\n\t\treturn;\n", "note"), ("mmgrab(lamp->mm);\n", "warning")],
)
def test_a_twin_that_gives_back_what_its_function_took_if_it_was_there_is_slight(taken, level):
    def glance(put):
        body = f"\t{taken}\tlamp_read(lamp->mm);\n\t{put}\n"
        return f"void lamp_glance(struct lamp *lamp)\n{{\n{body}}}\n"

    before, after = glance("mmput(lamp->mm);"), glance("mmput_async(lamp->mm);")
    assert levels(before, after) == [("mmput", "lamp_glance", level)]


def test_what_is_put_in_place_of_a_release_is_no_interrupt_handler():
    before = "int lamp_on(struct lamp *lamp)\n{\n\tfree_irq(lamp->irq, lamp);\n\treturn 0;\n}\n"
    after = before.replace("free_irq(lamp->irq, lamp)", "request_irq(lamp->irq, glow, 0, nm, lamp)")
    assert levels(before, after) == []


# -- waits of others -------------------------------------------------------------------------


@pytest.mark.parametrize(("end", "found"), [("lamp_end(lamp);", 0), ("lamp_calm(lamp);", 1)])
def test_a_wait_that_moves_with_its_function_is_told_where_that_moved(end, found):
    """Its caller started something; the wait for it was a part of what is put off now."""
    start = (
        WORKER
        + f"""\
static void lamp_calm(struct lamp *lamp)
{{
	flush_work(&lamp->work);
}}

static void lamp_end(struct lamp *lamp)
{{
	lamp_calm(lamp);
}}

void lamp_reset(struct lamp *lamp)
{{
{QUEUE}	{end}
}}
"""
    )
    late = """\
static void lamp_ended(struct work_struct *work)
{
	lamp_calm(container_of(work, struct lamp, end));
}

static void lamp_end(struct lamp *lamp)
{
	INIT_WORK(&lamp->end, lamp_ended);
	schedule_work(&lamp->end);
}
"""
    body = "static void lamp_end(struct lamp *lamp)\n{\n\tlamp_calm(lamp);\n}\n"
    after = start.replace(body, late) if not found else start.replace(f"\t{end}\n", "")
    told = [d for d in downgrades(start, after) if d.function == "lamp_reset"]
    assert len(told) == found


def test_task_work_that_nothing_makes_the_task_run_is_late_for_everybody():
    """The second way, for kernel threads, stands as it stood: it tells nothing of tasks."""
    before = (
        "static void lamp_end(struct callback_head *head)\n{\n"
        "\tiput(container_of(head, struct lamp, tw)->inode);\n}\n\n"
        + WORKER
        + "void lamp_close(struct lamp *lamp)\n{\n\tinit_task_work(&lamp->tw, lamp_end);\n"
        "\tif (!task_work_add(current, &lamp->tw, TWA_RESUME))\n\t\treturn;\n" + QUEUE + "}\n"
    )
    after = before.replace("TWA_RESUME", "TWA_NONE")
    assert levels(before, after) == [("iput", "lamp_close", "warning")]
    (found,) = downgrades(before, after)
    assert (found.after.mechanism, found.after.guarantee) == ("task_work_add", "eventually")


@pytest.mark.parametrize(
    ("flag", "target", "found"),
    [
        ("TWA_NONE", "&lamp->tw", [("____fput", "lamp_close", "warning")]),
        ("TWA_SIGNAL", "&lamp->tw", []),
        ("TWA_NONE", "&lamp->other", []),
    ],
)
def test_a_callback_that_no_line_shows_may_be_left_to_chance(flag, target, found):
    """The table knows the callback; whether the task comes to run it the flag decides."""
    before = (
        "void lamp_close(struct lamp *lamp)\n{\n\tinit_task_work(&lamp->tw, ____fput);\n"
        "\ttask_work_add(current, &lamp->tw, TWA_RESUME);\n}\n"
    )
    after = before.replace("&lamp->tw, TWA_RESUME", f"{target}, {flag}")
    assert levels(before, after) == found
    assert levels(after, before) == []


# -- where memory failed, and where nothing is left --------------------------------------------


def lamp(name, *lines, takes="struct lamp *lamp", returns="void"):
    inner = "".join(f"\t{line}\n" for line in lines)
    return f"{returns} {name}({takes})\n{{\n{inner}}}\n\n"


PLAIN = QUEUE.strip().split("\n\t")


@pytest.mark.parametrize(
    "lines",
    [
        ["if (!lamp->buf) {", *PLAIN, "return;", "}", "iput(lamp->inode);"],
        ["if (lamp->buf) {", "iput(lamp->inode);", "return;", "}", *PLAIN],
        ["if (lamp->buf)", "iput(lamp->inode);", "else {", *PLAIN, "}"],
    ],
)
def test_what_is_put_off_only_where_memory_is_short_is_a_note(lines):
    before = WORKER + lamp("lamp_close", "iput(lamp->inode);")
    allocated = "lamp->buf = kmalloc(64, GFP_KERNEL);"
    assert levels(before, WORKER + lamp("lamp_close", allocated, *lines)) == [
        ("iput", "lamp_close", "note")
    ]
    # any other test sends somebody there
    found = levels(before, WORKER + lamp("lamp_close", "lamp->buf = lamp_mode();", *lines))
    assert found == [("iput", "lamp_close", "warning")]


def test_a_flush_of_the_system_workqueue_waits_for_what_is_on_it():
    queue = ["INIT_WORK(&lamp->work, lamp_gone);", "schedule_work(&lamp->work);"]
    before = WORKER + lamp("lamp_close", "iput(lamp->inode);")
    assert levels(before, WORKER + lamp("lamp_close", *queue, "flush_scheduled_work();")) == []
    assert len(levels(before, WORKER + lamp("lamp_close", *queue))) == 1
    assert len(levels(before, WORKER + lamp("lamp_close", *PLAIN, "flush_scheduled_work();"))) == 1


PUT = WORKER.replace("iput(lamp->inode)", "kobject_put(&lamp->kobj)")


@pytest.mark.parametrize(
    ("first", "stays", "level"),
    [
        ("kobject_del(&lamp->kobj);", True, "note"),
        ("kobject_del(&lamp->other);", True, "warning"),
        ("lamp_dark(lamp);", True, "warning"),
        ("kobject_del(&lamp->kobj);", False, "warning"),
    ],
)
def test_a_put_below_what_ended_the_object_gives_memory_back(first, stays, level):
    before = PUT + lamp("lamp_close", first, "kobject_put(&lamp->kobj);")
    after = PUT + lamp("lamp_close", *([first] if stays else []), *PLAIN)
    assert ("kobject_put", "lamp_close", level) in levels(before, after)


def test_what_sleeps_is_not_what_an_rcu_callback_puts_off():
    gone = PUT.replace("work_struct *work", "rcu_head *rcu").replace(
        "(work, struct lamp, work)", "(rcu, struct lamp, rcu)"
    )
    before = gone + lamp("lamp_close", "kobject_put(&lamp->kobj);")
    after = gone + lamp("lamp_close", "call_rcu(&lamp->rcu, lamp_gone);")
    assert levels(before, after) == [("kobject_put", "lamp_close", "note")]


# -- bits ----------------------------------------------------------------------------------------

FREE = WORKER.replace("iput(lamp->inode)", "clear_bit_unlock(LAMP_BUSY, &lamp->flags)")
OPS = "static const struct file_operations lamp_ops = {\n\t.release = lamp_release,\n};\n"


def test_a_bit_that_others_ask_for_is_cleared_late():
    """Where an operation ends something; a bit alone says nothing of any other function."""
    taken = "struct inode *inode, struct file *file"
    head = "struct lamp *lamp = file->private_data;"
    clear = "clear_bit_unlock(LAMP_BUSY, &lamp->flags);"
    before, after = (
        FREE + lamp("lamp_release", head, *lines, "return 0;", takes=taken, returns="int") + OPS
        for lines in ([clear], PLAIN)
    )
    (one,) = compared = downgrades(before, after, ways=lambda *_: Ways((), known=True, cut=False))
    assert (one.cleanup, one.level_cap) == ("LAMP_BUSY", "warning")
    assert compared[0].what.said == "the clearing of LAMP_BUSY"
    # which bit a variable names nobody sees
    unknown = (text.replace("LAMP_BUSY", "lamp->bit") for text in (before, after))
    assert downgrades(*unknown) == ()


# -- with a tree -----------------------------------------------------------------------------------


def with_tree(before, after):
    """What is said where a tree has shown who comes there."""
    found = downgrades(before, after, ways=lambda *_: Ways((), known=True, cut=False))
    return [(d.cleanup, d.function, d.level_cap) for d in found]


@pytest.mark.parametrize(
    ("does", "cleanup", "level"),
    [
        ("lamp_tell(lamp);", "lamp_tell", "note"),
        ("lamp->ops->tell(lamp);", "tell", "note"),
        ("lamp->state = LAMP_OFF;", "->state = LAMP_OFF", "note"),
        ("lamp->ops->close(lamp);", "close", "warning"),
        ("lamp_bulb_remove(lamp);", "lamp_bulb_remove", "warning"),
    ],
)
def test_work_of_an_operation_is_no_release_with_a_tree_either(does, cleanup, level):
    taken = "struct inode *inode, struct file *file"
    head = "struct lamp *lamp = file->private_data;"
    before, after = (
        WORKER.replace("iput(lamp->inode);", does)
        + lamp("lamp_release", head, *lines, "return 0;", takes=taken, returns="int")
        + OPS
        for lines in ([does], PLAIN)
    )
    assert with_tree(before, after) == [(cleanup, "lamp_release", level)]


@pytest.mark.parametrize(("name", "level"), [("lamp_crypt", "note"), ("lamp_destroy", "warning")])
def test_a_body_that_moved_is_an_end_where_its_function_is_one(name, level):
    body = ["lamp_page_unmap(lamp);", "lamp_count(lamp);", "lamp_sum(lamp);"]
    gone = WORKER.replace("iput(lamp->inode);", "\n\t".join(body))
    (found,) = with_tree(WORKER + lamp(name, *body), gone + lamp(name, *PLAIN))
    assert (found[0], found[2]) == ("lamp_page_unmap", level)


def deep(tests: int, calls: int) -> str:
    """A release so many calls down, and under so many tests, behind ``lamp_0()``."""
    last = calls - 1
    parts = [f"static void lamp_{last}(struct lamp *lamp)\n{{\n\tiput(lamp->inode);\n}}\n\n"]
    for place in range(last - 1, -1, -1):
        share = range(tests * place // last, tests * (place + 1) // last)
        asked = "".join(f"\tif (lamp->on_{number})\n" for number in share)
        call = f"\tlamp_{place + 1}(lamp);\n"
        parts.append(f"static void lamp_{place}(struct lamp *lamp)\n{{\n{asked}{call}}}\n\n")
    return "".join(parts)


@pytest.mark.parametrize(
    ("tests", "calls", "level"), [(12, 4, "note"), (2, 4, "warning"), (12, 2, "warning")]
)
def test_what_is_done_far_below_under_many_tests_nobody_relies_on(tests, calls, level):
    below = deep(tests, calls)
    gone = WORKER.replace("iput(lamp->inode);", "lamp_0(lamp);")
    before = below + WORKER + lamp("lamp_close", "lamp_0(lamp);")
    after = below + gone + lamp("lamp_close", *PLAIN)
    assert with_tree(before, after) == [("iput", "lamp_close", level)]


# -- what is soon over ---------------------------------------------------------------------

CHARSET = """\
static void lamp_freed(struct rcu_head *rcu)
{
	struct lamp *lamp = container_of(rcu, struct lamp, rcu);

	LATE
	kfree(lamp);
}

static void lamp_put_super(struct super_block *sb)
{
	struct lamp *lamp = sb->s_fs_info;

	NOW
}

static void lamp_kill_sb(struct super_block *sb)
{
	struct lamp *lamp = sb->s_fs_info;

	kill_block_super(sb);
	call_rcu(&lamp->rcu, lamp_freed);
}

static const struct super_operations lamp_ops = {
	.put_super = lamp_put_super,
};
"""


@pytest.mark.parametrize(
    ("release", "level"), [("unload_nls(lamp->nls);", "note"), ("iput(lamp->inode);", "warning")]
)
def test_a_helper_module_in_use_for_a_grace_period_is_a_note(release, level):
    before = CHARSET.replace("LATE", "lamp_dark(lamp);").replace("NOW", release)
    after = CHARSET.replace("LATE", release).replace("NOW", "lamp_dark(lamp);")
    (found,) = downgrades(before, after)
    assert (found.function, found.level_cap) == ("lamp_put_super", level)
    late = Ground("it is late by a grace period, and who meets it is told to try again")
    told = late in found.reasons
    assert told == (level == "note")


def test_a_helper_module_in_use_until_a_work_item_has_run_is_a_warning():
    before = WORKER.replace("iput(lamp->inode)", "kfree(lamp)")
    after = WORKER.replace("iput(lamp->inode)", "unload_nls(lamp->nls);\n\tkfree(lamp)")
    off = "void lamp_exit(struct lamp *lamp)\n{\n\tBODY\n}\n"
    queued = QUEUE.strip()
    put = f"unload_nls(lamp->nls);\n\t{queued}"
    (found,) = downgrades(before + off.replace("BODY", put), after + off.replace("BODY", queued))
    assert (found.cleanup, found.level_cap) == ("unload_nls", "warning")


# -- what an RCU callback does in any context -------------------------------------------------


def test_a_work_item_comes_later_than_the_grace_period_that_a_release_takes_anyway():
    """``put_pid_ns()`` leaves its count to an RCU callback; another one adds nothing to that."""
    body = "void lamp_release(struct lamp *lamp)\n{\n\tLINE\n}\n"
    direct = body.replace("LINE", "put_pid_ns(lamp->ns);")
    work = WORKER.replace("iput(lamp->inode)", "put_pid_ns(lamp->ns)")
    queued = work + body.replace("\tLINE\n", QUEUE)
    assert levels(direct, queued) == [("put_pid_ns", "lamp_release", "warning")]
    rcu = work.replace("struct work_struct *work", "struct rcu_head *rcu").replace(
        "container_of(work, struct lamp, work)", "container_of(rcu, struct lamp, rcu)"
    )
    called = rcu + body.replace("LINE", "call_rcu(&lamp->rcu, lamp_gone);")
    assert levels(direct, called) == []
    # what a worker does anyway comes no later by another one
    put = "put_net(lamp->net)"
    assert (
        levels(
            direct.replace("put_pid_ns(lamp->ns)", put), queued.replace("put_pid_ns(lamp->ns)", put)
        )
        == []
    )
