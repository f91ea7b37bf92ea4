"""What a lost wait, and a start that puts off by a constant, are told as."""

from __future__ import annotations

import pytest
from series_kit import mails, mbox

from patchlint.report import words
from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")

HEAD = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(work, struct lamp, work.work);

	iput(lamp->inode);
}

int lamp_close(struct lamp *lamp)
{
"""
DIRECT = HEAD + "\tiput(lamp->inode);\n\treturn 0;\n}\n"


def late(start):
    told = DIRECT.replace("\tiput(lamp->inode);\n\treturn", f"\t{start}\n\treturn")
    (one,) = check(["-"], Options(no_tree=True), mbox(mails(DIRECT, told)).encode()).findings
    return words.told(one.after)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("schedule_delayed_work(&lamp->work, LAMP_IDLE);", ", put off by LAMP_IDLE"),
        ("queue_delayed_work(lamp_wq, &lamp->work, 5 * HZ);", ", put off by 5 * HZ"),
        ("schedule_delayed_work(&lamp->work, msecs_to_jiffies(500));", ", put off by 500 ms"),
        (
            "schedule_delayed_work(&lamp->work, LAMP_TIMEOUT + 2 * HZ);",
            ", put off by LAMP_TIMEOUT + 2 * HZ",
        ),
        ("schedule_delayed_work(&lamp->work, lamp->idle);", ", put off by lamp->idle"),
        # a jiffy is no time, and what a variable holds no mail tells
        ("schedule_delayed_work(&lamp->work, 1);", ""),
        ("schedule_delayed_work(&lamp->work, lamp_timeout);", ""),
        ("schedule_delayed_work(&lamp->work, round_jiffies(HZ));", ""),
        ("schedule_work(&lamp->work.work);", ""),
    ],
)
def test_a_delay_that_stands_in_the_call_is_told(start, said):
    start = f"INIT_DELAYED_WORK(&lamp->work, lamp_gone);\n\t{start}"
    assert late(start).endswith(f": done some time later{said}")
