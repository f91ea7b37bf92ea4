"""Where the chain of what is done now begins: with who starts a function that ran before."""

from __future__ import annotations

import pytest
from graph_kit import PATH, compare, facts
from test_graph_downgrades import way

from patchlint.graph.downgrades import find
from patchlint.graph.reach.way import Ways

HEAD = """\
struct lamp {
	struct inode *inode;
	struct delayed_work tick;
};
"""
INIT = """
static void lamp_init(struct lamp *lamp)
{
	INIT_DELAYED_WORK(&lamp->tick, lamp_tick);
}
"""
START = """
static void lamp_on(struct lamp *lamp)
{
	queue_delayed_work(lamp_wq, &lamp->tick, HZ);
}
"""


def tick(*lines):
    does = "".join(f"\t{line}\n" for line in lines)
    return (
        "\nstatic void lamp_tick(struct work_struct *work)\n{\n"
        f"\tstruct lamp *lamp = container_of(work, struct lamp, tick.work);\n\n{does}}}\n"
    )


def closing(line):
    return (
        "\nstatic int lamp_release(struct inode *inode, struct file *file)\n{\n"
        f"\tstruct lamp *lamp = file->private_data;\n\n\t{line}\n\treturn 0;\n}}\n"
        "\nstatic const struct file_operations lamp_fops = {\n\t.release = lamp_release,\n};\n"
    )


class Bodies:
    """The other files of a tree, all of which may start something."""

    def __init__(self, text):
        self.text = text

    def binders(self, path, objects, registrations):
        assert path == PATH
        assert "tick" in objects
        assert "queue_delayed_work" in registrations
        return (facts("fs/start.c", self.text),)


def begins(rest, bodies=None, ways=None):
    """Where the chain begins of a put that moves into a worker: function, file, note."""
    before = tick("lamp_dim(lamp);") + rest + closing("iput(lamp->inode);")
    moved = tick("lamp_dim(lamp);", "iput(lamp->inode);")
    after = moved + rest + closing("lamp_dim(lamp);")
    sides = ({"fs/lamp.h": HEAD, PATH: text} for text in (before, after))
    (found,) = find(compare(*sides, ways=ways, bodies=bodies))
    assert (found.function, found.after.callback) == ("lamp_release", "lamp_tick")
    assert [step.note for step in found.after.chain][-1] == "iput()"
    first = found.after.chain[0]
    return first.function, first.path, first.note


def test_who_starts_it_in_the_series_is_told():
    told = ("lamp_on", PATH, "queue_delayed_work() runs lamp_tick()")
    assert begins(INIT + START) == told


def test_who_starts_it_elsewhere_is_told_where_the_tree_knows():
    told = ("lamp_on", "fs/start.c", "queue_delayed_work() runs lamp_tick()")
    assert begins(INIT, Bodies(HEAD + START)) == told


UNSEEN = ("lamp_tick", PATH, "who runs it was not seen")


@pytest.mark.parametrize(
    "bodies",
    [
        None,
        Bodies(HEAD),
        # another object, another struct's member of that name, itself
        Bodies(HEAD + START.replace("lamp->tick", "lamp->tock")),
        Bodies(
            "struct lid {\n\tstruct delayed_work tick;\n};\n" + START.replace("lamp *", "lid *")
        ),
        Bodies(HEAD + START.replace("lamp_on", "lamp_tick")),
    ],
)
def test_that_nobody_was_seen_to_start_it_is_said(bodies):
    assert begins(INIT, bodies) == UNSEEN


def test_who_calls_it_in_the_tree_is_told():
    found = way(
        context="softirq",
        chain=("lamp_timer", "lamp_tick"),
        calls=(("fs/start.c", 7),),
    )
    seen = {"lamp_tick": Ways((found,), known=True, cut=False)}
    unknown = Ways((), known=False, cut=False)
    told = ("lamp_timer", "fs/start.c", "calls lamp_tick()")
    assert begins(INIT, Bodies(HEAD), lambda name, *_: seen.get(name, unknown)) == told


def test_a_place_in_a_table_of_operations_is_told():
    before = """
static void lamp_free_inode(struct inode *inode)
{
	LATE
}

static void lamp_evict_inode(struct inode *inode)
{
	NOW
}

static const struct super_operations lamp_ops = {
	.free_inode = lamp_free_inode,
	.evict_inode = lamp_evict_inode,
};
"""
    put = "dec_rlimit_ucounts(LAMP(inode)->ucounts, UCOUNT_RLIMIT_MSGQUEUE, 1);"
    old, new = (
        before.replace("LATE", late).replace("NOW", now)
        for late, now in (("lamp_dim(inode);", put), (put, "lamp_dim(inode);"))
    )
    (found,) = find(compare(old, new))
    first = found.after.chain[0]
    told = ("lamp_free_inode", "is .free_inode of a struct super_operations")
    assert (first.function, first.note) == told
