"""The words of findings, from mails to sentences."""

from __future__ import annotations

import pytest
from series_kit import DIRECT, PATH, QUEUED, WITH_CALLBACK, mails, mbox

from patchlint.graph import levels
from patchlint.model.effect import MEMORY_ONLY, ON_FAILURE
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
    # the very words by which the graph turns it down
    assert ON_FAILURE in one.evidence
    assert levels._FAILED == ON_FAILURE


def test_where_memory_alone_is_freed_later_the_headline_says_so():
    direct = "void lamp_free(struct lamp *lamp)\n{\n\tkfree(lamp->oil);\n\tlamp->oil = NULL;\n}\n"
    later = (
        "static void lamp_gone(struct rcu_head *rcu)\n{\n"
        "\tstruct lamp *lamp = container_of(rcu, struct lamp, rcu);\n\n\tkfree(lamp->oil);\n}\n\n"
        "void lamp_free(struct lamp *lamp)\n{\n\tcall_rcu(&lamp->rcu, lamp_gone);\n}\n"
    )
    (one,) = [one for one in found(direct, later) if one.cleanup == "kfree"]
    assert one.level == "note"
    assert one.message == (f"kfree() moves from lamp_free() to an RCU callback: {MEMORY_ONLY}")


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
