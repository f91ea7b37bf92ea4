"""Tables of operations that a series adds, and uses where another of the kind was used."""

from __future__ import annotations

import pytest
from series_kit import repository

from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")

CHOSEN = """\
struct lamp { struct inode *inode; struct work_struct gone; bool slow; };

static int lamp_release(struct inode *inode, struct file *file)
{
	struct lamp *lamp = file->private_data;

	iput(lamp->inode);
	return 0;
}

NEW
static const struct file_operations lamp_fops = {
	.release = lamp_release,
};

OPS
int lamp_open(struct lamp *lamp)
{
	BIND
	USE
	return 0;
}
"""
SLOW = """\
static void lamp_gone(struct work_struct *work)
{
	iput(container_of(work, struct lamp, gone)->inode);
}

static int lamp_release_slow(struct inode *inode, struct file *file)
{
	struct lamp *lamp = file->private_data;

	schedule_work(&lamp->gone);
	return 0;
}
"""
SLOW_OPS = "static const struct KIND lamp_slow_fops = {\n\t.release = lamp_release_slow,\n};\n"
FILE = 'anon_inode_getfile("lamp", OPS, lamp, 0);'


def chosen(folder, old, new, kind="file_operations"):
    before = (
        CHOSEN.replace("NEW", "").replace("OPS\n", "\n").replace("BIND", "").replace("USE", old)
    )
    after = CHOSEN.replace("NEW", SLOW).replace("OPS\n", SLOW_OPS.replace("KIND", kind))
    after = after.replace("BIND", "INIT_WORK(&lamp->gone, lamp_gone);").replace("USE", new)
    made = repository(
        folder / "tree", *({"fs/lamp.c": one, "Makefile": "A = 6\n"} for one in (before, after))
    )
    found = check(["HEAD~1..HEAD"], Options(tree=str(made))).findings
    return [(one.function, one.level, one.cleanup) for one in found]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            FILE.replace("OPS", "&lamp_fops"),
            FILE.replace("OPS", "lamp->slow ? &lamp_slow_fops : &lamp_fops"),
        ),
        ("lamp->ops = &lamp_fops;", "lamp->ops = &lamp_slow_fops;"),
    ],
)
def test_a_table_that_is_used_where_another_was_ends_what_that_ended(tmp_path, old, new):
    assert chosen(tmp_path, old, new) == [("lamp_release_slow", "error", "iput")]


def test_a_table_of_another_kind_takes_the_place_of_none(tmp_path):
    old, new = "lamp->ops = &lamp_fops;", "lamp->ops = &lamp_slow_fops;"
    assert chosen(tmp_path, old, new, kind="lamp_operations") == []


def test_a_table_for_what_is_new_takes_the_place_of_none(tmp_path):
    old = "lamp->ops = &lamp_fops;"
    assert (
        chosen(
            tmp_path, old, f"if (lamp->slow)\n\t\tlamp->ops = &lamp_slow_fops;\n\telse\n\t\t{old}"
        )
        == []
    )
