"""How long something is put off, in words."""

from __future__ import annotations

import pytest
from series_kit import mails, mbox

from patchlint.ruleset.times import said
from patchlint.run import Options, check

UNITS = {"msecs_to_jiffies": "ms", "ms_to_ktime": "ms"}


@pytest.mark.parametrize(
    ("text", "defined", "told"),
    [
        ("5 * HZ", {}, "5 * HZ"),
        ("msecs_to_jiffies(500)", {}, "500 ms"),
        ("msecs_to_jiffies(lamp->linger)", {}, "lamp->linger ms"),
        ("msecs_to_jiffies(LAMP_MS)", {}, "LAMP_MS ms"),
        ("ms_to_ktime(LAMP_MS)", {"LAMP_MS": "(500UL)"}, "500 ms (LAMP_MS)"),
        ("LAMP_WAIT", {"LAMP_WAIT": "(2 * HZ)"}, "2 * HZ (LAMP_WAIT)"),
        ("LAMP_WAIT", {"LAMP_WAIT": "msecs_to_jiffies(30)"}, "30 ms (LAMP_WAIT)"),
        ("LAMP_WAIT", {}, "LAMP_WAIT"),
        ("msecs_to_jiffies(2 * LAMP_MS)", {}, "msecs_to_jiffies(2 * LAMP_MS)"),
        ("(LAMP_A) * (LAMP_B)", {}, "(LAMP_A) * (LAMP_B)"),
    ],
)
def test_a_time_is_told_in_units_that_a_reader_knows(text, defined, told):
    assert said(text, defined, UNITS) == told


GONE = """\
static void lamp_gone(struct work_struct *work)
{
	struct lamp *lamp = container_of(to_delayed_work(work), struct lamp, work);

	iput(lamp->inode);
}

"""


def closed(body):
    return f"void lamp_close(struct lamp *lamp, unsigned long ticks)\n{{\n{body}}}\n"


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("msecs_to_jiffies(LAMP_MS)", "20 ms (LAMP_MS)"),
        ("msecs_to_jiffies(lamp->linger)", "lamp->linger ms"),
        ("lamp->linger", "lamp->linger"),
        # a jiffy is nobody's time, and a variable says nothing to who reads its name alone
        ("1", ""),
        ("ticks", ""),
    ],
)
def test_what_a_start_is_told_to_wait_is_said(given, told):
    queue = (
        "\tINIT_DELAYED_WORK(&lamp->work, lamp_gone);\n"
        f"\tschedule_delayed_work(&lamp->work, {given});\n"
    )
    after = "#define LAMP_MS 20 /* short */\n" + GONE + closed(queue)
    report = check(
        ["-"], Options(no_tree=True), mbox(mails(closed("\tiput(lamp->inode);\n"), after)).encode()
    )
    (one,) = report.findings
    assert one.after.delay == told
