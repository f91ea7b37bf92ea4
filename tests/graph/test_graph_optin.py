"""Requests that a series brings: who was there before comes to none of it."""

from __future__ import annotations

import pytest
from graph_kit import compare
from msgspec.structs import replace

from patchlint.graph.downgrades import find
from patchlint.graph.losses import find as losses
from patchlint.graph.optin import OptIn

BEFORE = """\
struct lamp {
	struct inode *inode;
	unsigned int lazy;
	struct work_struct work;
};

static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}

void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_gone);
}

ssize_t lamp_release(struct lamp *lamp, struct kobj_attribute *attr, int how)
{
	iput(lamp->inode);
	return 0;
}

int lamp_off(struct lamp *lamp)
{
	return lamp_release(lamp, &lamp_off_attr, LAMP_NOW);
}
"""
LATER = """\
	if (TEST) {
		queue_work(lamp_wq, &lamp->work);
		return 0;
	}
	iput(lamp->inode);
"""
BRINGS = "the series brings"


def after(test: str, more: str = "") -> str:
    """The release put off where a test holds, and what else the series adds."""
    head, rest = BEFORE.split("ssize_t lamp_release")
    body = rest.replace("\tiput(lamp->inode);\n", LATER.replace("TEST", test), 1)
    return head + more + "ssize_t lamp_release" + body


def brought(source: str) -> bool:
    """Whether the one finding is turned down since only what is new asks for it."""
    (found,) = [d for d in find(compare(BEFORE, source)) if d.function == "lamp_release"]
    doubted = any(BRINGS in ground.said for ground in found.reasons)
    assert (found.level_cap == "note") is doubted
    return doubted


FLAG = "#define LAMP_LATER\t2\n\n"


@pytest.mark.parametrize(
    ("test", "more"),
    [
        ("how == LAMP_LATER", FLAG),
        ("how & LAMP_LATER", FLAG),
        ("how & LAMP_LATER", "enum { LAMP_LATER = 2 };\n\n"),
        ("attr == &lamp_later_attr", "static struct kobj_attribute lamp_later_attr = {};\n\n"),
        # the macro makes the name
        ("attr == &dev_attr_lamp_later", "DEVICE_ATTR_RW(lamp_later);\n\n"),
    ],
)
def test_a_new_request_is_one_that_nobody_made_before(test, more):
    assert brought(after(test, more))


def test_what_an_old_function_passes_on_is_for_those_who_were_there():
    passed = after("how == LAMP_LATER", FLAG).replace("LAMP_NOW", "LAMP_LATER")
    assert not brought(passed)


def test_what_a_new_function_passes_on_counts_where_an_old_one_calls_it():
    wraps = (
        FLAG
        + "static int lamp_later(struct lamp *lamp)\n"
        + "{\n\treturn lamp_release(lamp, 0, LAMP_LATER);\n}\n\n"
    )
    new = after("how == LAMP_LATER", wraps)
    assert brought(new)
    called = new.replace(
        "return lamp_release(lamp, &lamp_off_attr, LAMP_NOW)", "return lamp_later(lamp)"
    )
    assert not brought(called)


def test_a_constant_that_stood_before_is_no_new_request():
    assert not brought(after("how == LAMP_NOW"))


def test_a_constant_that_nothing_declares_is_no_new_request():
    """It may have been there all along, in a file that no hunk shows."""
    assert not brought(after("how == LAMP_LATER"))


def test_a_new_setting_is_no_request():
    """Who sets it need not be who makes the request that it decides on."""
    new = after("lamp->later").replace(
        "\tunsigned int lazy;\n", "\tunsigned int lazy;\n\tbool later;\n"
    )
    assert not brought(new)


def test_who_does_not_ask_for_it_is_no_new_request():
    assert not brought(after("how != LAMP_LATER", FLAG))


def test_an_object_in_a_list_of_others_is_passed_to_nobody():
    lists = "static struct kobj_attribute lamp_later_attr = {};\n\n"
    new = after("attr == &lamp_later_attr", lists)
    listed = new.replace(
        "\treturn lamp_release(",
        "\tstatic void *all[] = {\n\t\t&lamp_later_attr.attr,\n\t};\n\treturn lamp_release(",
    )
    assert brought(listed)


def test_where_nothing_is_late_no_request_brings_it():
    comparison = compare(BEFORE, after("how == LAMP_LATER", FLAG))
    (loss,) = [one for one in losses(comparison) if one.now.name == "lamp_release"]
    asked = OptIn(comparison.before, comparison.after, comparison.lines).asked
    assert asked(loss)
    assert not asked(replace(loss, late=()))
