"""Who makes up for a loss by a wait, a note or a constant of his own."""

from __future__ import annotations

import pytest
from graph_kit import PATH, compare, downgrades, way

from patchlint.graph.downgrades import find
from patchlint.graph.reach.way import Ways
from patchlint.model.effect import Ground

WORKER = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, gone);

	iput(lamp->inode);
}

"""
FILE = ("mount", "inode", "file")
QUEUE = "INIT_WORK(&lamp->gone, lamp_gone);\n\tschedule_work(&lamp->gone);"
OFF = "static void lamp_off(struct lamp *lamp)\n{\n\tlamp_dim(lamp);\n\tLINE\n}\n\n"


def caller(name, *lines):
    body = "".join(f"\t{line}\n" for line in lines)
    return f"void {name}(struct lamp *lamp)\n{{\n{body}}}\n\n"


def both(more_before="", more_after=""):
    return (
        WORKER + OFF.replace("LINE", "iput(lamp->inode);") + more_before,
        WORKER + OFF.replace("LINE", QUEUE) + more_after,
    )


CLOSE = caller("lamp_close", "lamp_off(lamp);")
DRAIN = caller("lamp_drain", "lamp_off(lamp);", "flush_work(&lamp->gone);")


def test_a_caller_that_waits_itself_is_in_no_chain_and_no_entry():
    sides = both(DRAIN + CLOSE, DRAIN + CLOSE)
    found = Ways(
        (way("lamp_drain", "lamp_off", ends=FILE), way("lamp_close", "lamp_off", ends=FILE)),
        known=True,
        cut=False,
    )
    for ways in (None, lambda *_: found):
        (told,) = find(compare(*sides, ways=ways))
        for promise in (told.before, told.after):
            assert promise.chain[0].function == "lamp_close"
        if ways is not None:
            assert [entry.name for entry in told.entry_points] == ["lamp_close"]


TABLES = (
    "static const struct super_operations lamp_sops = {\n\t.put_super = lamp_put_super,\n};\n\n"
    "static struct file_system_type lamp_fs = {\n\t.kill_sb = lamp_kill_sb,\n};\n"
)


def killed(*lines):
    put = caller("lamp_put_super", "lamp_off(lamp);")
    return put + caller("lamp_kill_sb", "kill_anon_super(lamp->sb);", *lines) + TABLES


@pytest.mark.parametrize(
    ("line", "level"),
    [("flush_work(&lamp->gone);", "note"), ("flush_work(&lamp->glow);", "error")],
)
def test_another_operation_of_the_request_may_wait_for_it(line, level):
    """``->kill_sb`` runs ``->put_super``, by code that nobody shows."""
    found = Ways(
        (way("lamp_put_super", "lamp_off", event="umount(2)", ends=FILE),), known=True, cut=False
    )
    (told,) = find(compare(*both(killed(), killed(line)), ways=lambda *_: found))
    assert told.level_cap == level
    said = Ground("lamp_kill_sb(), which the same request runs, waits for it")
    assert (said in told.reasons) == (level == "note")


# -- tests above a wait ----------------------------------------------------------------------------

STARTS = "void lamp_light(struct lamp *lamp)\n{\n\tschedule_work(&lamp->gone);\n}\n\n"


def waits(before, after, parameters=""):
    sides = (
        STARTS + WORKER + f"void lamp_stop(struct lamp *lamp{more})\n{{\n{body}}}\n"
        for body, more in ((before, ""), (after, parameters))
    )
    bound = "void lamp_new(struct lamp *lamp)\n{\n\tINIT_WORK(&lamp->gone, lamp_gone);\n}\n"
    return downgrades(*(side + bound for side in sides))


FLUSH = "\tflush_work(&lamp->gone);\n"


def test_what_the_way_to_a_wait_has_noted_asks_whether_there_is_anything_to_wait_for():
    noted = "\tif (lamp->lit) {\n\t\tlamp_tell(lamp);\n\t\tlamp->leaving = true;\n\t}\n"
    asked = "\tif (lamp->leaving)\n\t" + FLUSH
    told = noted.replace("\t\tlamp->leaving = true;\n", "")
    assert waits(told + FLUSH, noted + asked) == ()
    # noted by somebody else it may be false while there is
    assert waits(told + FLUSH, told + asked) != ()


def test_a_parameter_of_the_name_of_an_old_variable_is_another_test():
    local = "\tint wait = 0;\n\n\tif (lamp->lit)\n\t\twait = 1;\n\tif (wait)\n\t" + FLUSH
    given = "\tif (wait)\n\t" + FLUSH
    assert waits(local, local) == ()
    assert waits(local, given, ", bool wait") != ()


# -- tests of both sides ---------------------------------------------------------------------------


def test_what_the_callback_asks_as_well_parts_nobody():
    """The put under ``if (lamp->inode)`` on both sides: that is not who is put off."""
    helper = caller("lamp_put", "if (lamp->inode)", "\tiput(lamp->inode);")
    worker = WORKER.replace("iput(lamp->inode);", "lamp_put(lamp);")
    after = f"if (lamp->slow) {{\n\t{QUEUE}\n\t}} else {{\n\t\tlamp_put(lamp);\n\t}}"
    (found,) = downgrades(
        OFF.replace("LINE", "iput(lamp->inode);"), helper + worker + OFF.replace("LINE", after)
    )
    assert found.condition == "lamp->slow"


def test_what_a_callback_asks_anew_may_come_out_otherwise():
    worker = """\
static void lamp_gone(struct timer_list *timer)
{
	struct lamp *lamp = from_timer(lamp, timer, gone);

	if (lamp_lit(lamp)) {
		add_timer(&lamp->gone);
	} else {
		iput(lamp->inode);
	}
}

"""
    starts = "timer_setup(&lamp->gone, lamp_gone, 0);\n\t\tadd_timer(&lamp->gone);"
    after = f"if (lamp_lit(lamp)) {{\n\t\t{starts}\n\t}} else {{\n\t\tiput(lamp->inode);\n\t}}"
    (found,) = downgrades(
        worker.replace("iput(lamp->inode);", "lamp_dim(lamp);")
        + OFF.replace("LINE", "iput(lamp->inode);"),
        worker + OFF.replace("LINE", after),
    )
    assert found.condition == "lamp_lit(lamp)"


LEAVES = caller("lamp_exit", "lamp_off(lamp);", "flush_work(&lamp->gone);")


@pytest.mark.parametrize(
    ("mark", "level"), [("", "note"), ("__exit ", "warning"), ("__net_exit ", "warning")]
)
def test_what_a_module_waits_for_at_its_end_says_nothing_of_other_callers(mark, level):
    """With hunks alone others may call: a request, of which no module's exit makes up."""
    leaves = LEAVES.replace("void ", f"static void {mark}")
    sides = both(leaves, leaves)
    assert downgrades(*sides) == ()
    hunks = compare(*sides)
    hunks.after.known[PATH] = ((1, sides[1].count("\n")),)
    (told,) = find(hunks)
    assert (told.function, told.level_cap) == ("lamp_off", level)


@pytest.mark.parametrize(("mark", "level"), [("", "warning"), ("__init ", "note")])
def test_before_a_module_is_up_nobody_relies_on_it(mark, level):
    sides = (side.replace("static void lamp_off", f"static void {mark}lamp_off") for side in both())
    (told,) = downgrades(*sides)
    assert (told.function, told.level_cap) == ("lamp_off", level)
