"""What a tree shows of who waits for what a function does."""

from __future__ import annotations

import pytest
from graph_kit import compare, way

from patchlint.graph.downgrades import find
from patchlint.graph.reach.way import Marks, Ways

WORKER = """\
static void lamp_glow(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, glow);

	DOES
}

void lamp_new(struct lamp *lamp)
{
	INIT_WORK(&lamp->glow, lamp_glow);
}

"""
BODY = "HEAD\n{\n\tlamp_dim(lamp);\n\tLINE\n}\n"
QUEUE = "schedule_work(&lamp->glow);"
REQUEST = "int lamp_request(struct lamp *lamp)"


def levels(does, found, *, head=REQUEST):
    """How loud it is that a worker does something instead of the function."""
    body = BODY.replace("HEAD", head)
    sides = (
        WORKER.replace("DOES", "lamp_blink(lamp);") + body.replace("LINE", does),
        WORKER.replace("DOES", does) + body.replace("LINE", QUEUE),
    )
    asks = None if found is None else lambda *_: Ways(found, known=True, cut=False)
    return [d.level_cap for d in find(compare(*sides, ways=asks))]


DESTROY = "lamp->ops->destroy_lamp(lamp);"


def test_what_a_request_to_end_something_asks_for_is_waited_for():
    """The function is named for no end, and what it called is."""
    assert levels(DESTROY, (way("lamp_rx", "lamp_request"),)) == ["error"]


@pytest.mark.parametrize(
    "found",
    [
        None,
        (way("lamp_rx", "lamp_msg", "lamp_one", "lamp_request"),),
        (way("lamp_rx", "lamp_request", strength="likely"),),
        (way("lamp_rx", "lamp_request", marks=Marks(failed=True)),),
        (way("lamp_rx", "lamp_request", ends=()),),
    ],
)
def test_a_long_or_doubtful_way_from_a_request_shows_nobody_who_waits(found):
    assert "error" not in levels(DESTROY, found)


def test_what_is_no_end_is_work_for_whoever_asks():
    assert "error" not in levels("lamp->ops->tint(lamp);", (way("lamp_rx", "lamp_request"),))


RELEASE = "int lamp_release(struct inode *inode, struct file *file)"


@pytest.mark.parametrize(
    ("does", "head", "level"),
    [
        ("clear_bit_unlock(LAMP_BUSY, &lamp->flags);", RELEASE, ["warning"]),
        (DESTROY, RELEASE, ["warning"]),
        ("lamp->ops->tint(lamp);", RELEASE, []),
        ("clear_bit_unlock(LAMP_BUSY, &lamp->flags);", REQUEST, []),
    ],
)
def test_the_form_of_an_operation_that_ends_something_shows_as_much_as_a_tree(does, head, level):
    assert [one for one in levels(does, None, head=head) if one != "note"] == level


# -- waits ---------------------------------------------------------------------------------------

WAIT = "flush_work(&lamp->glow);"


def unwaited(name, found):
    """How loud it is that a function waits no more for a worker that others start."""
    start = f"void lamp_light(struct lamp *lamp)\n{{\n\t{QUEUE}\n}}\n\n"
    text = start + WORKER.replace("DOES", "lamp->ops->blink(lamp);")
    body = BODY.replace("HEAD", f"void {name}(struct lamp *lamp)")
    sides = (text + body.replace("LINE", WAIT), text + body.replace("\tLINE\n", ""))
    return [d.level_cap for d in find(compare(*sides, ways=lambda *_: found))]


def test_in_what_stops_something_the_wait_is_the_promise():
    ends = Ways((way("lamp_unbind", "lamp_stop"),), known=True, cut=False)
    assert unwaited("lamp_stop", ends) == ["error"]
    assert "error" not in unwaited("lamp_send", ends)


def test_the_slot_of_a_function_may_stand_in_a_table_that_the_series_leaves_alone():
    """By its table in the tree the function is an operation that ends something."""
    own = (way("lamp_power_off"),)
    assert levels(DESTROY, own, head="int lamp_power_off(struct lamp *lamp)") == ["error"]
    assert "error" not in levels(
        DESTROY, (way("lamp_power_off", ends=()),), head="int lamp_power_off(struct lamp *lamp)"
    )
