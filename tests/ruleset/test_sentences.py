"""The words of findings, from mails to sentences."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from series_kit import DIRECT, PATH, QUEUED, WITH_CALLBACK, mails, mbox

from patchlint.model.effect import MEMORY_ONLY, ON_FAILURE, STRUCTURAL, Act
from patchlint.report import words
from patchlint.ruleset import build, sentences
from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")


def found(*states):
    report = check(["-"], Options(no_tree=True), mbox(mails(*states)).encode())
    assert report.errors == ()
    return report.findings


def messages(*states):
    return [one.message for one in found(*states)]


WORKER = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work);

	iput(lamp->inode);
}

"""


def created(release):
    return f"""\
struct lamp *lamp_create(struct house *house)
{{
	struct lamp *lamp = lamp_of(house);

	if (lamp_light(lamp))
		goto out;
	return lamp;
out:
{release}	return NULL;
}}
"""


def test_what_is_late_on_failure_alone_is_told_so_in_the_headline():
    queue = "\tINIT_WORK(&lamp->work, lamp_gone);\n\tqueue_work(lamp_wq, &lamp->work);\n"
    before, after = created("\tiput(lamp->inode);\n"), WORKER + created(queue)
    (one,) = found(before, after)
    assert one.level == "note"
    assert one.message == "lamp_create(): on failure, iput() is done by a work item"
    assert ON_FAILURE.said in one.evidence


def test_where_memory_alone_is_freed_later_the_headline_says_so():
    direct = "void lamp_free(struct lamp *lamp)\n{\n\tkfree(lamp->oil);\n\tlamp->oil = NULL;\n}\n"
    later = (
        "static void lamp_gone(struct rcu_head *rcu)\n{\n"
        "\tstruct lamp *lamp = container_of(rcu, struct lamp, rcu);\n\n\tkfree(lamp->oil);\n}\n\n"
        "void lamp_free(struct lamp *lamp)\n{\n\tcall_rcu(&lamp->rcu, lamp_gone);\n}\n"
    )
    (one,) = [one for one in found(direct, later) if one.cleanup == "kfree"]
    assert one.level == "note"
    assert one.message == (f"kfree() moves from lamp_free() to an RCU callback: {MEMORY_ONLY.said}")


def test_what_the_series_adds_and_then_defers_was_promised_to_nobody():
    empty = '#include "lamp.h"\n'
    told = [one for one in found(empty, DIRECT, QUEUED) if one.cleanup == "iput"]
    assert [one.level for one in told] == ["note"] * len(told)
    assert told
    assert all("the series itself adds what it then defers" in one.message for one in told)
    assert not any("no longer done" in one.message for one in told)


def test_what_a_series_found_there_is_lost_when_the_call_returns():
    assert messages(DIRECT, QUEUED) == [
        "iput() moves from lamp_close() to a work item: no longer done when the call returns"
    ]
    assert messages(WITH_CALLBACK, QUEUED) == messages(DIRECT, QUEUED)
    assert PATH == "fs/lamp.c"


def moved(body, name="lamp_close"):
    """States of ``name`` whose body goes into a work item."""
    head = "static void lamp_gone(struct work_struct *work)\n{\n"
    lamp = "\tstruct lamp *lamp = container_of(work, struct lamp, work);\n\n"
    start = "\tINIT_WORK(&lamp->work, lamp_gone);\n\tqueue_work(lamp_wq, &lamp->work);\n"
    before = f"int {name}(struct lamp *lamp)\n{{\n{body}\treturn 0;\n}}\n"
    after = f"{head}{lamp}{body}}}\n\n" + before.replace(body, start)
    return before, after


def test_a_callback_of_the_last_put_is_told_by_the_put():
    (one,) = found(*moved("\tkref_put(&lamp->kref, lamp_kref_release);\n"))
    assert one.cleanup == "lamp_kref_release"
    assert one.message.startswith(
        "the kref_put() that may run lamp_kref_release() moves from lamp_close() to a work item"
    )
    # what is in no table is said of the callback
    assert any(text.startswith("lamp_kref_release() is in no table") for text in one.evidence)


def test_a_store_is_told_as_one():
    lost = SimpleNamespace(
        family=STRUCTURAL,
        function="lamp_close",
        cleanup="user",
        what=Act("store", "user", "NULL"),
        also=(),
        body=False,
        predecessor="",
        before=SimpleNamespace(context="task", chain=()),
        after=SimpleNamespace(context="workqueue", mechanism="queue_work", callback="lamp_gone"),
    )
    told = sentences._moved(None, lost)
    assert told == "->user is set to NULL by a work item instead of lamp_close()"


def test_where_a_table_knows_the_function_alone_a_part_of_it_moves():
    for body, said, rests in (
        (
            "\tlamp_del_oil(lamp);\n",
            "part of blk_release_queue(), with lamp_del_oil(), moves to a",
            "only its name says what lamp_del_oil() does",
        ),
        (
            "\tiput(lamp->inode);\n",
            "iput() moves from blk_release_queue() to a",
            "what iput() does is known",
        ),
    ):
        (one,) = found(*moved(body, name="blk_release_queue"))
        assert one.message.startswith(said)
        assert rests in words.sure(one)


def test_what_ends_nothing_is_not_told_to_have_moved_as_well():
    (one,) = found(*moved("\tiput(lamp->inode);\n\trelease_sock(lamp->sk);\n"))
    assert one.cleanup == "iput"
    assert "release_sock" not in one.also


@pytest.mark.parametrize(
    ("releases", "thing"),
    [
        ("a sound card, waiting for its users", "a sound card"),
        ("a debugfs folder, through debugfs_remove()", "a debugfs folder"),
        ("a route's data, by RCU", "a route's data"),
        ("a device, its node and sysfs folder", "a device, its node and sysfs folder"),
        ("an NVMe controller, with its nodes", "an NVMe controller, with its nodes"),
        ("timers, queues and port of a sock", "timers, queues and port of a sock"),
    ],
)
def test_who_meets_a_thing_is_not_told_how_it_was_released(releases, thing):
    assert build._thing(releases, {}) == thing


def test_a_counter_is_a_member_or_a_variable():
    for counter, said in (("lamp->user->locked_vm", "->locked_vm"), ("aio_nr", "aio_nr")):
        (one,) = found(*moved(f"\t{counter} -= lamp->pages;\n"))
        assert one.message.startswith(f"the lowering of {said} moves from lamp_close()")
        assert one.why.startswith(f"{said} counts ")
        assert one.cleanup.startswith("->")


def test_a_member_that_moved_as_well_is_told_as_it_is_called():
    kernel = SimpleNamespace(cleanups={})
    assert sentences._other(kernel, "->release()") == "->release()"
    assert sentences._other(kernel, "lamp_end") == "lamp_end()"


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        ("an NVMe controller, with its nodes", "an NVMe controller, with its nodes,"),
        ("a dentry, and its inode with it", "a dentry, and its inode with it,"),
        ("timers, queues and port of a sock", "timers, queues and port of a sock"),
    ],
)
def test_what_is_added_to_a_thing_stands_between_commas(thing, told):
    assert build._closed(thing) == told


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("UCOUNT_FANOTIFY_MARKS", "ENOSPC from fanotify_mark(2)"),
        ("UCOUNT_NET_NAMESPACES", "ENOSPC from unshare(2) of a network namespace"),
        ("lamp->limit", "the next one that this limit counts is refused"),
    ],
)
def test_a_limit_is_told_by_the_one_that_the_call_is_given(limit, said):
    (one,) = found(*moved(f"\tdec_ucount(lamp->ucounts, {limit});\n"))
    assert [text.partition(",")[0] for text in one.symptoms] == [said]
