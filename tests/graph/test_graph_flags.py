"""Who comes to a deferral is decided by flags, arguments, members and pointers on the way."""

from __future__ import annotations

import re

import pytest
from graph_kit import downgrades, graph

from patchlint.graph.flags import flag

HEAD = """\
static void lamp_work(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	del_gendisk(lamp->disk);
	complete(&lamp->done);
}

static void lamp_later(struct lamp *lamp)
{
	INIT_WORK(&lamp->work, lamp_work);
	queue_work(lamp_wq, &lamp->work);
}

static void lamp_now(struct lamp *lamp)
{
	del_gendisk(lamp->disk);
}

static void lamp_drop(struct lamp *lamp, bool lazy)
{
	if (lazy)
		lamp_later(lamp);
	else
		lamp_now(lamp);
}

static void lamp_end(struct lamp *lamp, struct how *how)
{
	if (how->lazy)
		lamp_later(lamp);
	else
		lamp_now(lamp);
}

static void lamp_by(struct lamp *lamp, int how)
{
	switch (how) {
	case LAMP_LAZY:
		lamp_later(lamp);
		break;
	default:
		lamp_now(lamp);
		break;
	}
}

"""


def found(before, after, section="int lamp_release(struct lamp *lamp, int flags)"):
    """The functions and conditions of what is found when a body becomes another."""
    old, new = (f"{HEAD}{section}\n{{\n{body}\treturn 0;\n}}\n" for body in (before, after))
    return [(d.function, d.condition) for d in downgrades(old, new)]


ALWAYS = ("lamp_release", None)
SOME = ("lamp_release", "flags & O_NONBLOCK")
LATER = "\tif (flags & O_NONBLOCK)\n\t\tend = lamp_later;\n"
SET = "\tif (flags & O_NONBLOCK)\n\t\t{} = true;\n"


@pytest.mark.parametrize(
    ("before", "after", "loss"),
    [
        ("\tlamp_drop(lamp, false);\n", "\tlamp_drop(lamp, true);\n", ALWAYS),
        ("\tlamp_drop(lamp,\n\t\t  false);\n", "\tlamp_drop(lamp,\n\t\t  true);\n", ALWAYS),
        ("\tlamp_drop(lamp, false);\n", "\tlamp_drop(lamp, flags & O_NONBLOCK);\n", SOME),
        (
            "\tbool lazy = false;\n\n\tlamp_drop(lamp, lazy);\n",
            f"\tbool lazy = false;\n\n{SET.format('lazy')}\tlamp_drop(lamp, lazy);\n",
            SOME,
        ),
        (
            "\tstruct how how = { };\n\n\tlamp_end(lamp, &how);\n",
            f"\tstruct how how = {{ }};\n\n{SET.format('how.lazy')}\tlamp_end(lamp, &how);\n",
            SOME,
        ),
        (
            "\tstruct how how = { };\n\n\tlamp_end(lamp, &how);\n",
            "\tstruct how how = { .lazy = true };\n\n\tlamp_end(lamp, &how);\n",
            ALWAYS,
        ),
        ("\tlamp_by(lamp, LAMP_OFF);\n", "\tlamp_by(lamp, LAMP_LAZY);\n", ALWAYS),
        (
            "\tvoid (*end)(struct lamp *lamp) = lamp_now;\n\n\tend(lamp);\n",
            "\tvoid (*end)(struct lamp *lamp) = lamp_later;\n\n\tend(lamp);\n",
            ALWAYS,
        ),
        (
            "\tvoid (*end)(struct lamp *lamp) = lamp_now;\n\n\tend(lamp);\n",
            f"\tvoid (*end)(struct lamp *lamp) = lamp_now;\n\n{LATER}\tend(lamp);\n",
            SOME,
        ),
    ],
    ids=[
        "constant", "wrapped", "argument", "flag", "member", "initializer", "case", "pointer",
        "pointer on a way",
    ],
)  # fmt: skip
def test_who_comes_to_an_old_deferral(before, after, loss):
    assert found(before, after) == [loss]
    assert found(after, before) == []
    assert found(before, before) == found(after, after) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\tbool wait = true;\n\n{}", "\tbool wait = !(flags & O_NONBLOCK);\n\n{}"),
        ("\tbool wait = true;\n\n{}", "\tbool wait = false;\n\n{}"),
        (
            "\tbool wait = true;\n\n{}",
            "\tbool wait = true;\n\n\tif (flags & O_NONBLOCK)\n\t\twait = false;\n{}",
        ),
    ],
)
def test_a_wait_that_a_flag_takes_away(before, after):
    rest = "\tlamp_later(lamp);\n\tif (wait)\n\t\twait_for_completion(&lamp->done);\n"
    assert [name for name, _ in found(before.format(rest), after.format(rest))] == ["lamp_release"]
    assert found(after.format(rest), before.format(rest)) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("\tbool on = l->on;\n\n\tif (x)\n\t\ton = false;\n\tif (on)\n\t\tg();", "l->on && !x"),
        ("\tbool on = false;\n\n\tif (x)\n\t\ton = true;\n\tif (on)\n\t\tg();", "x"),
        ("\tbool on = false;\n\n\ton |= x;\n\tif (on)\n\t\tg();", "x"),
        ("\tif (x)\n\t\tlit = false;\n\tif (lit)\n\t\tg();", "lit && !x"),
        ("\tif (x && y)\n\t\tlit = true;\n\tif (lit)\n\t\tg();", "lit || (x && y)"),
        (
            (
                "\tbool on = false;\n\n\tif (!a)\n\t\tgoto out;\n\tif (!b)\n\t\tgoto out;\n"
                "\tif (x) {\n\t\tc();\n\t} else {\n\t\tif (y)\n\t\t\ton = true;\n\t}\n"
                "out:\n\tif (on)\n\t\tg();"
            ),
            "a && b && !x && y",
        ),
        ("\tbool on = false;\n\n\tif (x)\n\t\ton = l->on;\n\tif (on)\n\t\tg();", "x && l->on"),
        (
            "\tbool on = false;\n\n\tif (x)\n\t\ton = !dim();\n\tif (on)\n\t\tg();",
            "x && !dim()",
        ),
        ("\tbool on = true;\n\n\tif (on)\n\t\tg();", "true"),
        # nothing is told: set by others, in a loop, below, or to what nobody knows
        ("\tbool on = true;\n\n\tfill(&on);\n\tif (on)\n\t\tg();", None),
        ("\tbool on = true;\n\n\twhile (next())\n\t\ton = false;\n\tif (on)\n\t\tg();", None),
        ("\tbool on = true;\n\nagain:\n\tif (on)\n\t\tg();\n\tif (x)\n\t\ton = false;", None),
        ("\tint on = 0;\n\n\tif (x)\n\t\ton = f();\n\tif (on)\n\t\tg();", None),
        ("\tint on = f();\n\n\tif (on)\n\t\tg();", None),
        ("\tif (lit)\n\t\tg();", None),
    ],
)
def test_what_a_flag_asks_for(body, told):
    built = graph(f"void f(struct lamp *l, bool lit, bool x, bool y)\n{{\n{body}\n}}\n")
    function = built.functions["fs/lamp.c", "f"]
    (call,) = [call for call in function.calls if call.callee == "g"]
    *above, condition = call.conditions
    said = flag(function, condition.text, condition.line, above)
    assert (said.text if said else None) == told


def test_a_release_by_another_name_behind_the_start():
    """A helper took the entry out by its name; the callback has a pointer to it."""
    tail = """\
static void lamp_hide(struct lamp *lamp)
{
	if (lamp->folder)
		remove_proc_entry(lamp->name, lamp->folder);
}

"""
    work = "\tproc_remove(lamp->entry);\n\tcomplete(&lamp->done);\n"
    before = HEAD.replace("\tdel_gendisk(lamp->disk);\n\tcomplete(&lamp->done);\n", "\tlight();\n")
    after = HEAD.replace("\tdel_gendisk(lamp->disk);\n\tcomplete(&lamp->done);\n", work)
    head = "int lamp_release(struct lamp *lamp)\n{\n"
    old = f"{before}{tail}{head}\tspin_lock(&l);\n\tlamp_hide(lamp);\n\tspin_unlock(&l);\n}}\n"
    new = f"{after}{tail}{head}\tspin_lock(&l);\n\tspin_unlock(&l);\n\tlamp_later(lamp);\n}}\n"
    assert [(d.function, d.cleanup) for d in downgrades(old, new)] == [
        ("lamp_release", "remove_proc_entry")
    ]
    kept = new.replace("\tspin_unlock(&l);\n\t", "\tlamp_hide(lamp);\n\tspin_unlock(&l);\n\t")
    assert downgrades(old, kept) == ()


@pytest.mark.parametrize("order", [1, -1])
def test_a_new_name_of_what_decides_changes_nothing(order):
    """A local that is set under a test, and a parameter that is passed on with others."""
    flag = (
        "int lamp_release(struct lamp *lamp)\n{\n\tbool later = false;\n\n\tif (lamp->busy)\n"
        "\t\tlater = true;\n\tif (later) {\n\t\tlamp_later(lamp);\n\t\treturn 0;\n\t}\n"
        "\tlamp_now(lamp);\n\treturn 0;\n}\n"
    )
    given = (
        "static void lamp_end_by(struct lamp *lamp, bool sync)\n{\n\tif (!sync) {\n"
        "\t\tlamp_later(lamp);\n\t\treturn;\n\t}\n\tlamp_now(lamp);\n}\n\n"
        "int lamp_release(struct lamp *lamp, bool sync, bool last)\n{\n"
        "\tlamp_end_by(lamp, sync && !last);\n\treturn 0;\n}\n"
    )
    for text, old, new in ((flag, "later", "deferred"), (given, "sync", "wait")):
        named = re.sub(rf"\b{old}\b", new, text)
        before, after = (text, named)[::order]
        assert downgrades(HEAD + before, HEAD + after) == ()
