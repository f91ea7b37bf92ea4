"""Numbers that are given back later than whoever takes the next one may ask."""

from __future__ import annotations

import pytest
from graph_kit import compare, way

from patchlint.graph.downgrades import find
from patchlint.graph.reach.way import Ways

TAKES = "int lamp_new(struct lamp *lamp)\n{\n\tlamp->id = TAKE;\n\treturn 0;\n}\n\n"
WORKER = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, gone);

	GIVE
	kfree(lamp);
}

"""
ENDS = "void lamp_off(struct lamp *lamp)\n{\n\tlamp_dim(lamp);\n\tLINE\n}\n"
QUEUE = "INIT_WORK(&lamp->gone, lamp_gone);\n\tschedule_work(&lamp->gone);"
SETS = [
    ("ida_alloc(&lamp_ida, GFP_KERNEL)", "ida_free(&lamp_ida, lamp->id);", "lamp_ida"),
    (
        "idr_alloc(&net->lamps, lamp, 0, 0, GFP_KERNEL)",
        "idr_remove(&net->lamps, lamp->id);",
        "lamps",
    ),
    (
        "find_first_zero_bit(lamp_ids, LAMP_MOST)",
        "clear_bit(lamp->id, lamp_ids);",
        "lamp_ids",
    ),
]


def closes(*_):
    """The last close comes to it."""
    return Ways((way("lamp_close", "lamp_off", ends=("file", "device")),), known=True, cut=False)


def moved(take, give, ways=closes):
    head = TAKES.replace("TAKE", take)
    sides = (
        head + ENDS.replace("LINE", f"{give}\n\tkfree(lamp);"),
        head + WORKER.replace("GIVE", give) + ENDS.replace("LINE", QUEUE),
    )
    return find(compare(*sides, ways=ways))


@pytest.mark.parametrize(("take", "give", "name"), SETS)
def test_a_number_that_somebody_takes_again_is_given_back_later(take, give, name):
    (found,) = moved(take, give)
    assert (found.level_cap, found.what.kind, found.what.name) == ("error", "number", name)
    assert found.what.said == f"the freeing of a number of {name}"
    assert [d.level_cap for d in moved(take, give, ways=None)] == ["note"]


def test_a_set_of_which_nobody_is_seen_to_take_is_memory():
    assert [d.level_cap for d in moved("7", SETS[0][1])] == ["note"]


def test_a_set_is_looked_for_behind_a_variable():
    take, give, name = SETS[2]
    behind = f"unsigned long *ids = lamp->{name};\n\n\tclear_bit(lamp->id, ids);"
    assert [d.what.name for d in moved(take, f"{behind}")] == [name]
    assert [d.what.name for d in moved(take.replace("lamp_ids", "lamp->lamp_ids"), give)] == [name]


def test_a_flag_is_no_number():
    found = moved("find_first_zero_bit(lamp->flags, 8)", "clear_bit(LAMP_ON, &lamp->flags);")
    assert [d.what.kind for d in found] != []
