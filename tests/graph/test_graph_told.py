"""What a finding speaks of: which release, which function, which call of all that moved."""

from __future__ import annotations

import pytest
from graph_kit import compare, downgrades, function, kernel
from msgspec.structs import replace

from patchlint.graph import workers
from patchlint.model.effect import Act, EntryChain
from patchlint.ruleset.load import load
from patchlint.ruleset.sentences import advice, message, symptoms

HELPER = """\
static void lamp_end(struct lamp *lamp)
{
	cdev_del(&lamp->cdev);
	del_gendisk(lamp->disk);
	fput(lamp->file);
}

static void lamp_gone(struct work_struct *work)
{
	BEGIN
}

"""
INNER = HELPER.replace("BEGIN", "lamp_end(container_of(work, struct lamp, work));")
QUEUE = "INIT_WORK(&lamp->work, lamp_gone);\n\tqueue_work(lamp_wq, &lamp->work);"


def closes(line):
    return f"void lamp_close(struct lamp *lamp)\n{{\n\tlamp_dark(lamp);\n\t{line}\n}}\n"


def test_one_call_that_did_it_all_is_what_moved():
    (found,) = downgrades(INNER + closes("lamp_end(lamp);"), INNER + closes(QUEUE))
    assert (found.carrier, found.cleanup) == ("lamp_end", "fput")
    assert message(kernel(), found) == (
        "lamp_end(), with fput() and 2 others, moves from lamp_close() to a work item:"
        " no longer done before return to user space"
    )


def test_several_calls_that_moved_are_told_each():
    direct = "cdev_del(&lamp->cdev);\n\tfput(lamp->file);"
    late = HELPER.replace(
        "BEGIN",
        "struct lamp *lamp = container_of(work, struct lamp, work);\n\n\t" + direct,
    )
    (found,) = downgrades(late + closes(direct), late + closes(QUEUE))
    assert found.carrier == ""
    assert message(kernel(), found).startswith("fput() and cdev_del() move from lamp_close()")


def test_what_another_release_does_inside_is_no_other_thing():
    inside = """\
static void lamp_drop(struct lamp *lamp)
{
	cdev_del(&lamp->cdev);
	lamp_destroy_base(lamp);
}

static void lamp_destroy_base(struct lamp *lamp)
{
	lamp_release_bulb(lamp);
}

static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	lamp_destroy_base(lamp);
	cdev_del(&lamp->cdev);
	lamp_release_bulb(lamp);
}

"""
    direct = "cdev_del(&lamp->cdev);\n\tlamp_destroy_base(lamp);"
    (found,) = downgrades(inside + closes(direct), inside + closes(QUEUE))
    assert found.cleanup == "cdev_del"
    assert set(found.also) - found.inner == {"lamp_release_bulb"}


def test_what_only_ends_a_hold_is_spoken_of_last():
    """The reference that keeps the lamp for the time of its end is none that was dropped."""
    held = "get_device(&lamp->dev);\n\tcdev_del(&lamp->cdev);\n\tput_device(&lamp->dev);"
    late = HELPER.replace(
        "BEGIN",
        "struct lamp *lamp = container_of(work, struct lamp, work);\n\n"
        "\tcdev_del(&lamp->cdev);\n\tput_device(&lamp->dev);",
    )
    (found,) = downgrades(late + closes(held), late + closes(QUEUE))
    assert found.cleanup == "cdev_del"


TABLES = """\
static const struct file_operations lamp_near = {
	.release = lamp_close,
};

static const struct file_operations lamp_far = {
	.release = FAR,
};
"""


def test_who_takes_a_place_in_a_table_is_told_with_who_had_it():
    """The other table keeps the old function, which does what it did, in other words."""
    shut = "static void lamp_shut(struct lamp *lamp)\n{\n\tlamp_dark(lamp);\n}\n\n"
    old = closes("lamp_end(lamp);").replace("lamp_dark", "lamp_shut")
    new = closes(QUEUE).replace("lamp_close", "lamp_close_later").replace("lamp_dark", "lamp_shut")
    before = INNER + closes("lamp_end(lamp);") + TABLES.replace("FAR", "lamp_close")
    both = TABLES.replace("FAR", "lamp_close_later")
    after = INNER + shut + old.replace("lamp_end(lamp)", "lamp_end(&lamp[0])") + new + both
    (found,) = downgrades(before, after)
    assert (found.function, found.predecessor) == ("lamp_close_later", "lamp_close")
    assert message(kernel(), found).startswith(
        "lamp_end(), with fput() and 2 others, moves from lamp_close(), for which"
        " lamp_close_later() stands now, to a work item"
    )


@pytest.mark.parametrize("second", ["lamp_gone", "lamp_ashes"])
def test_a_statement_that_is_told_loud_is_not_told_once_more_as_a_note(second):
    """One item runs two callbacks, and one of the two only frees."""
    ashes = "static void lamp_ashes(struct work_struct *work)\n{\n\tkfree(work);\n}\n\n"
    burn = f"void lamp_burn(struct lamp *lamp)\n{{\n\tINIT_WORK(&lamp->work, {second});\n}}\n\n"
    before = INNER + ashes + burn + closes("lamp_end(lamp);")
    after = INNER + ashes + burn + closes(QUEUE)
    (found,) = downgrades(before, after)
    assert (found.level_cap, found.after.callback) == ("warning", "lamp_gone")


def test_of_two_ways_to_a_late_release_the_one_that_is_new_is_told():
    """The old one stands where it stood, under fewer tests, and was late before as well."""
    gone = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

NEW	if (lamp->warm)
		iput(lamp->shade);
}

"""
    new = "\tif (lamp->warm && lamp->dim && lamp->old)\n\t\tiput(lamp->inode);\n"
    queue = "queue_work(lamp_wq, &lamp->work);"
    init = "void lamp_on(struct lamp *lamp)\n{\n\tINIT_WORK(&lamp->work, lamp_gone);\n}\n\n"
    before = gone.replace("NEW", "") + init + closes(f"iput(lamp->inode);\n\t{queue}")
    after = gone.replace("NEW", new) + init + closes(queue)
    (found,) = downgrades(before, after)
    last = found.after.chain[-1]
    assert (last.function, after.split("\n")[last.line - 1]) == (
        "lamp_gone",
        "\t\tiput(lamp->inode);",
    )


@pytest.mark.parametrize("flag", ["lazy", "async", "dim"])
def test_a_flag_that_is_named_for_later_decides_like_any_other(flag):
    """``if (lazy) { item = alloc(); if (item) { queue; return; } }`` leaves the rest inline."""
    queued = f"""\
	if ({flag}) {{
		struct lamp_item *item = kmalloc(sizeof(*item), GFP_KERNEL);

		if (item) {{
			INIT_WORK(&lamp->work, lamp_gone);
			queue_work(lamp_wq, &lamp->work);
			return;
		}}
	}}
	lamp_end(lamp);
"""
    head = f"void lamp_close(struct lamp *lamp, bool {flag})\n{{\n"
    (found,) = downgrades(INNER + head + "\tlamp_end(lamp);\n}\n", INNER + head + queued + "}\n")
    assert found.condition == flag


@pytest.mark.parametrize(
    ("ends", "own"),
    [
        ("lamp_end(lamp);\n\tkfree(lamp);", True),
        ("lamp_end(lamp);\n\tlamp_destroy(lamp);", True),
        ("lamp_destroy(container_of(work, struct lamp, work));", True),
        ("iput(lamp->inode);\n\tkfree(lamp->name);", False),
    ],
)
def test_nobody_is_told_to_wait_for_an_item_that_is_freed_by_its_callback(ends, own):
    late = HELPER.replace(
        "BEGIN", f"struct lamp *lamp = container_of(work, struct lamp, work);\n\n\t{ends}"
    )
    direct = "lamp_destroy(lamp);\n\tlamp_end(lamp);\n\tiput(lamp->inode);"
    found = downgrades(late + closes(direct), late + closes(QUEUE))
    assert [one.own for one in found] == [own]
    (after,) = {(one.after.mechanism, one.after.context) for one in found}
    told = kernel().instead_of(*after)
    assert ("flush_work()" in (told.own if own else told.advice)) is not own


def test_a_test_is_told_before_the_configuration_in_which_it_is_made():
    queued = f"""\
#ifdef CONFIG_LAMP
	if (lamp->bright) {{
		{QUEUE.replace(chr(10), chr(10) + chr(9))}
		return;
	}}
#endif
	lamp_end(lamp);"""
    (found,) = downgrades(INNER + closes("lamp_end(lamp);"), INNER + closes(queued.lstrip("\t")))
    assert found.condition == "lamp->bright"


def test_who_is_sent_to_a_worker_is_told_by_the_test_that_spares_the_others():
    """No edge is shown in the losing function: another one starts the worker later."""
    before = """\
void lamp_job_done(struct lamp *lamp)
{
	lamp_cool(lamp);
}

void lamp_close(struct lamp *lamp)
{
	lamp_dark(lamp);
	cdev_del(&lamp->cdev);
	kfree(lamp);
}
"""
    after = """\
void lamp_job_done(struct lamp *lamp)
{
	lamp_cool(lamp);
	if (lamp->gone)
		queue_work(lamp_wq, &lamp->work);
}

static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	cdev_del(&lamp->cdev);
	kfree(lamp);
}

void lamp_close(struct lamp *lamp)
{
	lamp_dark(lamp);
	INIT_WORK(&lamp->work, lamp_gone);
	if (lamp->running) {
		lamp->gone = true;
		return;
	}
	lamp_gone(&lamp->work);
}
"""
    compared = compare(before, after)
    was, now = (function(side, "lamp_close") for side in (compared.before, compared.after))
    lost = [e for e in compared.old.of(was) if e.name == "cdev_del"]
    left = [e for e in compared.new.of(now) if e.name == "cdev_del"]
    assert workers.new_test(compared, was, now, lost, left).text == "lamp->running"
    assert workers.new_test(compared, was, now, lost, lost) is None


GONE = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}

"""


OPENS = f"void lamp_open(struct lamp *lamp)\n{{\n\t{QUEUE}\n}}\n\n"


@pytest.mark.parametrize("wait", ["flush_work(&lamp->work)", "flush_workqueue(lamp_wq)"])
def test_a_wait_that_is_gone_is_told_with_what_it_was_for(wait):
    (found,) = downgrades(
        GONE + OPENS + closes(f"{wait};"), GONE + OPENS + closes("lamp_dim(lamp);")
    )
    assert (found.waited, found.awaited) == (wait.partition("(")[0], "lamp_gone")
    rules = load()
    rule = next(one for one in rules.rules if one.id == "lost-flush")
    assert advice(rules.kernel, rule, found)[0] == (
        f"keep {found.waited}() on this path, or wait for lamp_gone() in another way before the"
        " call returns"
    )


def test_a_wait_that_moved_into_a_work_item_is_told_by_what_it_was_for():
    flush = "flush_work(&lamp->work);"
    late = (
        "static void lamp_later(struct work_struct *work)\n{\n"
        "\tstruct lamp *lamp = container_of(work, struct lamp, end);\n\n"
        f"\t{flush}\n}}\n\n"
    )
    queue = "INIT_WORK(&lamp->end, lamp_later);\n\tqueue_work(lamp_wq, &lamp->end);"
    (found,) = downgrades(GONE + OPENS + closes(flush), GONE + OPENS + late + closes(queue))
    assert found.after.callback == "lamp_later"
    assert message(kernel(), found).startswith(
        "lamp_close() no longer waits for lamp_gone(), which does iput()"
    )


def test_a_body_that_moved_is_that_of_the_function_that_had_it():
    """``.release`` is another function now, and the old one is what the work item calls."""
    table = "static const struct file_operations lamp_ops = {\n\t.release = %s,\n};\n"
    ends = (
        "static int lamp_shut(struct lamp *lamp)\n{\n\tlamp_dark(lamp);\n\tlamp_end(lamp);\n}\n\n"
    )
    gone = HELPER.replace("BEGIN", "lamp_shut(container_of(work, struct lamp, work));")
    helper, work = gone.split("static void lamp_gone")
    new = closes(QUEUE).replace("lamp_close", "lamp_shut_later")
    before = helper + ends + table % "lamp_shut"
    after = helper + ends + "static void lamp_gone" + work + new + table % "lamp_shut_later"
    for found in downgrades(before, after):
        assert "of lamp_shut_later()" not in message(kernel(), found)


def test_of_a_wait_that_is_for_nobody_knows_what_the_wait_alone_is_to_be_kept():
    rules = load()
    rule = next(one for one in rules.rules if one.id == "lost-flush")
    before = GONE + OPENS + closes("flush_work(&lamp->work);")
    (found,) = downgrades(before, GONE + OPENS + closes("lamp_dim(lamp);"))
    unknown = replace(
        found,
        awaited="",
        what=Act("wait", "lamp->dark"),
        after=replace(found.after, callback=None),
    )
    assert advice(rules.kernel, rule, unknown)[0] == "keep flush_work() on this path"


ASKED = """\
static bool lamp_is_slow(const struct lamp *lamp)
{
	switch (lamp->kind) {
	case LAMP_GAS:
	case LAMP_OIL:
		return true;
	default:
		return false;
	}
}

static void lamp_gone(struct work_struct *work)
{
	fput(container_of(work, struct lamp, work)->file);
}

void lamp_close(struct lamp *lamp)
{
	if (TEST) {
		INIT_WORK(&lamp->work, lamp_gone);
		queue_work(lamp_wq, &lamp->work);
		return;
	}
	fput(lamp->file);
}
"""
DIRECT = "void lamp_close(struct lamp *lamp)\n{\n\tfput(lamp->file);\n}\n"


@pytest.mark.parametrize(
    ("old", "new", "when"),
    [
        (None, "lamp->big && !lamp_is_hot(lamp)", "lamp->big && !lamp_is_hot(lamp)"),
        (None, "lamp->big && !list_empty(&lamp->seen)", "lamp->big"),
        (None, "lamp->big && (a || b)", "lamp->big && (a || b)"),
        (None, "lamp->big || lamp->hot", "lamp->big || lamp->hot"),
        # one more side of an "or", of several labels that fall to one statement
        (
            "in_atomic()",
            "in_atomic() || lamp_is_slow(lamp)",
            "lamp->kind == LAMP_GAS || lamp->kind == LAMP_OIL",
        ),
        ("in_atomic()", "in_atomic() || lamp->big || lamp->hot", "lamp->big || lamp->hot"),
        # a test that asks for less
        ("lamp->big && lamp->granted", "lamp->big", "!lamp->granted"),
        ("lamp->big && a && (b || c)", "lamp->big && d", "d && !(a && (b || c))"),
    ],
)
def test_the_condition_is_all_of_a_test_and_only_what_is_new_of_it(old, new, when):
    helper = ASKED.index("static void lamp_gone")
    before = DIRECT if old is None else ASKED[helper:].replace("TEST", old)
    (found,) = downgrades(before, ASKED.replace("TEST", new))
    assert found.condition == when


CALLED = """\
void lamp_free(struct lamp *lamp, bool later)
{
	if (later) {
		INIT_WORK(&lamp->work, lamp_gone);
		queue_work(lamp_wq, &lamp->work);
	} else {
		fput(lamp->file);
	}
}

static void lamp_gone(struct work_struct *work)
{
	fput(container_of(work, struct lamp, work)->file);
}

void lamp_umount(struct lamp *lamp)
{
	lamp_free(lamp, true);
}

void lamp_undo(struct lamp *lamp)
{
	lamp_free(lamp, OTHER);
}
"""


@pytest.mark.parametrize(
    ("other", "when", "told"),
    [
        ("false", "called by lamp_umount()", "when called by lamp_umount()"),
        ("true", "called by lamp_umount() and lamp_undo()", "when called by"),
        ("lamp->big", "later", "when `later`"),
    ],
)
def test_a_constant_of_the_callers_is_told_by_who_passes_it(other, when, told):
    before = CALLED.replace(", bool later", "").replace(", true", "").replace(", OTHER", "")
    start, end = before.index("\tif (later)"), before.index("}\n\nstatic")
    before = before[:start] + "\tfput(lamp->file);\n" + before[end:]
    (found, *_) = downgrades(before, CALLED.replace("OTHER", other))
    assert (found.function, found.condition) == ("lamp_free", when)
    assert told in message(kernel(), found)


OPENED = """\
static int lamp_open(struct inode *inode, struct file *file)
{
	struct lamp *lamp = file->private_data;

	if (ASKED)
		return FAILED;
	SET
	return 0;
}

static void lamp_later(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	GIVEN
}

static int lamp_release(struct inode *inode, struct file *file)
{
	struct lamp *lamp = file->private_data;

	DONE
	return 0;
}

static const struct file_operations lamp_fops = {
	.open = lamp_open,
	.release = lamp_release,
};
"""
STARTS = "INIT_WORK(&lamp->work, lamp_later);\n\tqueue_work(lamp_wq, &lamp->work);"
TAKEN = "test_and_set_bit(LAMP_OPEN, &lamp->flags)"
FREED = "clear_bit(LAMP_OPEN, &lamp->flags);"


@pytest.mark.parametrize(
    ("asked", "failed", "given", "member", "told"),
    [
        (TAKEN, "-EBUSY", FREED, "open", "EBUSY from open(2)"),
        ("lamp->user", "-EAGAIN", "lamp->user = NULL;", "open", "EAGAIN from open(2)"),
        ("lamp->taken", "-EBUSY", "lamp->taken = false;", "open", "EBUSY from open(2)"),
        # it fails for another reason, does not fail, or begins with nothing
        (TAKEN.replace("OPEN", "HOT"), "-EBUSY", FREED, "open", ""),
        ("!" + TAKEN, "-EBUSY", FREED, "open", ""),
        (TAKEN, "0", FREED, "open", ""),
        (TAKEN, "-EBUSY", FREED, "flush", ""),
    ],
)
def test_what_the_next_open_is_refused_is_told(asked, failed, given, member, told):
    source = OPENED.replace("ASKED", asked).replace("FAILED", failed).replace(".open", f".{member}")
    source = source.replace("SET", "lamp_on(lamp);").replace("DONE", "lamp_dark(lamp);\n\tDONE")
    before = source.replace("GIVEN", "lamp_dark(lamp);").replace("DONE", given)
    after = source.replace("GIVEN", given).replace("DONE", STARTS)
    (found,) = downgrades(before, after)
    assert (found.function, found.refused) == ("lamp_release", told)
    rule = load().rules[0]
    shown = symptoms(kernel(), rule, found)
    assert (f"{told} until the callback has run" in shown) is bool(told)


SEGMENT = """\
static int lamp_new(struct lamp *lamp, struct file *user)
{
	struct file *file;

	if (lamp->big)
		file = hugetlb_file_setup("lamp", 1);
	else
		file = OTHER;
	ALSO
	lamp->shade = file;
	return 0;
}

static void lamp_later(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	GIVEN
}

static int lamp_release(struct inode *inode, struct file *user)
{
	struct lamp *lamp = user->private_data;
	struct file *file = lamp->shade;

	lamp->shade = NULL;
	DONE
	return 0;
}

static const struct file_operations lamp_fops = {
	.release = lamp_release,
};
"""


@pytest.mark.parametrize(
    ("other", "also", "internal"),
    [
        ('shmem_kernel_file_setup("lamp", 1)', "", True),
        # on a mount of a user's own, or of one that the kernel made for it
        ('filp_open("/lamp", 0)', "", False),
        ('filp_open("/lamp", 0)', "mnt = mnt_clone_internal(&file->f_path);", True),
        ('filp_open("/lamp", 0)', "mnt = mnt_clone_internal(&user->f_path);", False),
        ('shmem_kernel_file_setup("lamp", 1)', "lamp->shade = user;", False),
    ],
)
def test_no_umount_meets_a_file_on_a_mount_of_the_kernels_own(other, also, internal):
    source = SEGMENT.replace("OTHER", other).replace("ALSO", also)
    before = source.replace("GIVEN", "lamp_dark(lamp);").replace("DONE", "fput(file);")
    after = source.replace("GIVEN", "fput(lamp->shade);").replace("DONE", STARTS)
    (found,) = downgrades(before, after)
    assert (found.cleanup, found.traits.internal) == ("fput", internal)
    ended = replace(found, entry_points=(EntryChain("exit", "syscall", ("exit", "lamp_release")),))
    shown = " ".join(symptoms(kernel(), load().rules[0], ended))
    assert ("umount(2)" not in shown, "the file is still open" in shown) == (internal, True)


THREAD = """\
static int lamp_thread(void *data)
{
	struct lamp *lamp = data;

	fput(lamp->file);
	return 0;
}

void lamp_close(struct lamp *lamp)
{
	struct task_struct *task = kthread_run(lamp_thread, lamp, "lamp");

	if (TEST)
		fput(lamp->file);
}
"""


@pytest.mark.parametrize(
    ("test", "when"),
    [
        ("IS_ERR(task)", None),
        ("IS_ERR_OR_NULL(task)", None),
        ("lamp_is_small(lamp, task)", "!lamp_is_small(lamp, task)"),
    ],
)
def test_that_no_thread_could_be_made_is_no_condition(test, when):
    (found,) = downgrades(DIRECT, THREAD.replace("TEST", test))
    assert (found.cleanup, found.condition) == ("fput", when)
