"""A helper that only answers a question is told by what it asks, where the series changes that."""

from __future__ import annotations

import pytest
from graph_kit import downgrades, facts, function, graph

from patchlint.graph.predicates import question

LAMP = """
static void lamp_put_work(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	fput(lamp->file);
}

static bool lamp_may_wait(struct lamp *l)
{
	BODY
}

static int lamp_release(struct inode *inode, struct file *file)
{
	struct lamp *lamp = file->private_data;

	if (lamp->open && lamp_may_wait(lamp))
		schedule_work(&lamp->work);
	else
		fput(lamp->file);
	return 0;
}

static int lamp_open(struct inode *inode, struct file *file)
{
	INIT_WORK(&lamp->work, lamp_put_work);
	return 0;
}

static const struct file_operations lamp_fops = {
	.open = lamp_open,
	.release = lamp_release,
};
"""
BOTH = "return l->shade->timeout && l->granted && !test_bit(LAMP_CLOSE, &l->flags);"
SPLIT = """if (!l->shade->timeout)
		return false;
	if (test_bit(LAMP_CLOSE, &l->flags))
		return false;
	return l->granted;"""
ONE = "return l->shade->timeout && !test_bit(LAMP_CLOSE, &l->flags);"


def helper(body):
    source = LAMP.replace("BODY", body)
    return next(one for one in facts("a.c", source).functions if one.name == "lamp_may_wait")


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (BOTH, BOTH.removeprefix("return ").rstrip(";")),
        (SPLIT, "l->shade->timeout && !test_bit(LAMP_CLOSE, &l->flags) && l->granted"),
        ("if (l->dim)\n\t\treturn true;\n\treturn l->off;", "(l->dim) || (!l->dim && l->off)"),
        ("if (l->dim || l->off)\n\t\treturn true;\n\treturn false;", "(l->dim || l->off)"),
        # always one answer, one that is worked out, one that leaves a trace, one too long
        ("return true;", None),
        ("bool dim = true;\n\n\tif (l->off)\n\t\tdim = false;\n\treturn dim;", "dim"),
        (
            "bool dim = true;\n\n\tif (l->off)\n\t\treturn false;\n\treturn dim;",
            None,
        ),
        ("l->asked = true;\n\treturn l->dim;", None),
        ("return " + " && ".join(f"l->dim{n:02}" for n in range(60)) + ";", None),
        ("lamp_dim(l);", None),
    ],
)
def test_what_a_helper_asks(body, asked):
    assert question(helper(body)) == asked


def test_a_helper_with_two_definitions_is_told_by_its_name():
    """Hunks may show both of two configurations, and not the test between them."""
    two = """\
static inline int lamp_may_wait(struct lamp *l)
{
	return l->granted && l->shade;
}

#else

static inline int lamp_may_wait(struct lamp *l)
{
	return 0;
}
#endif
"""
    held = function(graph(two), "lamp_may_wait")
    assert len(held.results) == 2
    assert question(held) is None


@pytest.mark.parametrize(
    ("before", "after", "late"),
    [
        # less is asked: more of them are put off
        (BOTH, ONE, True),
        (SPLIT, SPLIT.replace("return l->granted", "return true"), True),
        (BOTH, BOTH.replace("l->granted", "lamp_can_read(l)"), True),
        # more is asked, the same in other words
        (ONE, BOTH, False),
        (BOTH, SPLIT, False),
        (SPLIT, BOTH, False),
        (SPLIT, SPLIT.replace("return l->granted", "return l->granted && l->dark"), False),
    ],
)
def test_an_old_deferral_for_which_a_helper_asks_less_takes_more(before, after, late):
    found = downgrades(LAMP.replace("BODY", before), LAMP.replace("BODY", after))
    assert [(one.function, one.cleanup) for one in found] == (
        [("lamp_release", "fput")] if late else []
    )


TRIES = """\
	if (lamp->open && lamp_may_wait(lamp)) {
		if (queue_work(lamp_wq, &lamp->later))
			return 0;
		lamp_off(lamp);
	} else {
		lamp_off(lamp);
	}
	return 0;
"""
TWICE = (
    LAMP.replace("BODY", BOTH)
    .replace(
        "static bool lamp_may_wait",
        "static void lamp_off(struct lamp *l)\n{\n\tif (l->busy)\n\t\tschedule_work(&l->work);\n"
        "\telse\n\t\tfput(l->file);\n}\n\n"
        "static void lamp_later(struct work_struct *work)\n{\n"
        "\tstruct lamp *lamp = container_of(work, struct lamp, later);\n\n\tlamp_off(lamp);\n}\n\n"
        "static bool lamp_may_wait",
    )
    .replace(
        LAMP[LAMP.index("\tif (lamp->open &&") : LAMP.index("}\n\nstatic int lamp_open")], TRIES
    )
)


def test_a_callee_on_both_sides_of_a_choice_puts_off_what_it_did():
    source = TWICE.replace("INIT_WORK(", "INIT_WORK(&lamp->later, lamp_later);\n\tINIT_WORK(")
    (found,) = downgrades(source, source.replace("l->granted && ", ""))
    assert (found.function, found.after.callback) == ("lamp_release", "lamp_later")
