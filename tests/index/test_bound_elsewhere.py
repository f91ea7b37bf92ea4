"""With a tree: what a series starts may be bound, and done, in files that it does not touch."""

from __future__ import annotations

import pytest
from series_kit import diff, mail, repository

from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")

CORE = """\
#include "lamp.h"

static int lamp_release(struct inode *inode, struct file *file)
{
	struct lamp *lamp = file->private_data;

	lamp_put(lamp);
	return 0;
}

static const struct file_operations lamp_fops = {
	.release = lamp_release,
};
"""
HEADER = """\
struct lamp {
	struct file *file;
	struct work_struct gone;
	struct rcu_head rcu;
};
void lamp_put(struct lamp *lamp);
"""
PUT = """\
#include "lamp.h"

void lamp_put(struct lamp *lamp)
{
	fput(lamp->file);
	kfree(lamp);
}
"""
WORK = """\
static void lamp_gone(struct work_struct *work)
{
	lamp_put(container_of(work, struct lamp, gone));
}

"""
QUEUE = "\nvoid lamp_put_async(struct lamp *lamp)\n{\n\tschedule_work(&lamp->gone);\n}\n"
BIND = "\nvoid lamp_init(struct lamp *lamp)\n{\n\tINIT_WORK(&lamp->gone,\n\t\t  lamp_gone);\n}\n"
START = QUEUE.replace("\tschedule", "\tINIT_WORK(&lamp->gone, lamp_gone);\n\tschedule")
LATER = "lamp_put_async(lamp);"
ITEM = (
    "static void lamp_all_gone(struct work_struct *work)\n{\n\tlamp_put(lamp_next());\n}\n\n"
    "static DECLARE_WORK(lamp_all, lamp_all_gone);\n\n"
    "void lamp_put_async(struct lamp *lamp)\n{\n"
    "\tlamp_push(lamp);\n\tschedule_work(&lamp_all);\n}\n"
)
RCU = (
    "static void lamp_freed(struct rcu_head *rcu)\n{\n"
    "\tlamp_put(container_of(rcu, struct lamp, rcu));\n}\n\n"
    "void lamp_put_async(struct lamp *lamp)\n{\n\tcall_rcu(&lamp->rcu, lamp_freed);\n}\n"
)
FOLDER = "drivers/lamp/"
CASES = {
    "in the helper": ({"put.c": PUT + WORK + START}, LATER),
    "in a constructor beside it": ({"put.c": PUT + WORK + QUEUE + BIND}, LATER),
    "in a third file": ({"put.c": PUT + QUEUE, "new.c": WORK + BIND}, LATER),
    "by a macro": ({"put.c": PUT + ITEM}, LATER),
    "with its start": ({"put.c": PUT + RCU}, LATER),
    "where the start is new": ({"put.c": PUT + WORK + BIND}, "schedule_work(&lamp->gone);"),
}


def found(folder, files, call):
    """What is found with the tree, of the mail and of the commit."""
    before = {FOLDER + name: text for name, text in files.items()}
    before |= {FOLDER + "core.c": CORE, FOLDER + "lamp.h": HEADER, "Makefile": "VERSION = 6\n"}
    after = before | {FOLDER + "core.c": CORE.replace("lamp_put(lamp);", call)}
    tree = str(repository(folder, before, after))
    text = mail(diff(before, after)).encode()
    old = Options(tree=f"{tree}@HEAD~1")
    return [
        [(one.level, one.cleanup, one.function) for one in report.findings]
        for report in (check(["-"], old, text), check(["HEAD~1..HEAD"], Options(tree=tree)))
    ]


@pytest.mark.parametrize("case", CASES)
def test_a_callback_that_is_bound_in_another_file_is_found(tmp_path, case):
    assert found(tmp_path / "tree", *CASES[case]) == [[("error", "fput", "lamp_release")]] * 2


def test_a_binding_of_another_struct_is_none(tmp_path):
    """A member of that name in a struct of another kind starts nothing here."""
    lost = BIND.replace("struct lamp *", "struct bulb *")
    files = {"put.c": PUT + QUEUE, "new.c": WORK.replace("lamp, gone", "bulb, gone") + lost}
    for told in found(tmp_path / "tree", files, LATER):
        assert [one for one in told if one[0] == "error"] == []


WAITS = CORE.replace("lamp_put(lamp);", "WAIT")
SIGNALS = """\
#include "lamp.h"

void lamp_is_dark(struct lamp *lamp)
{
	complete(&lamp->dark);
}
"""
DELETES = """\
#include "lamp.h"

static void lamp_delete_work(struct work_struct *work)
{
	lamp_put(container_of(work, struct lamp, gone));
}

void lamp_delete(struct lamp *lamp)
{
	queue_work(lamp_delete_wq, &lamp->gone);
}

void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->gone, lamp_delete_work);
}
"""


def without_wait(folder, wait, other, text):
    """What is found when ``wait`` goes; ``other`` is a file with that text."""
    core = FOLDER + "core.c"
    # what a worker gives to fput() goes on to a list that no flush waits for
    put = PUT.replace("fput(lamp->file)", "iput(lamp->inode)")
    rest = {FOLDER + "lamp.h": HEADER, FOLDER + "put.c": put, other: text, "Makefile": "A = 6\n"}
    before, after = (rest | {core: WAITS.replace("WAIT", one)} for one in (wait, "lamp_dim(lamp);"))
    tree = str(repository(folder / "tree", before, after))
    report = check(["HEAD~1..HEAD"], Options(tree=tree))
    return [(one.level, one.function, one.message) for one in report.findings]


def test_who_signals_a_wait_that_is_gone_may_stand_in_another_file(tmp_path):
    wait = "wait_for_completion(&lamp->dark);"
    assert without_wait(tmp_path, wait, FOLDER + "dark.c", SIGNALS) == [
        ("warning", "lamp_release", "lamp_release() goes on without the wait for lamp->dark")
    ]


def test_a_wait_that_nobody_is_seen_to_end_is_none(tmp_path):
    wait = "wait_for_completion(&lamp->dark);"
    assert without_wait(tmp_path, wait, FOLDER + "dark.c", SIGNALS.replace("->dark", "->lit")) == []


def test_what_is_queued_on_a_queue_of_the_whole_kernel_may_be_in_any_folder(tmp_path):
    wait = "flush_workqueue(lamp_delete_wq);"
    (found_,) = without_wait(tmp_path, wait, "drivers/bulb/delete.c", DELETES)
    assert found_[:2] == ("error", "lamp_release")
    assert "no longer waits for lamp_delete_work()" in found_[2]
