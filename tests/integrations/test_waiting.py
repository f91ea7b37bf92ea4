"""Seen through a real terminal: a check that lasts says so, and how to leave."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time

SLOW = """
import sys, time
from patchlint.integrations import waiting
from patchlint.outside.alarm import time_limit
waiting.PATIENCE = 0.05
with waiting.waiting(waiting.words("/home/ada/linux"), "Ctrl-C stops"), time_limit(60):
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        time.sleep(0.01)
print("done", file=sys.stderr)
"""


def on_terminal(*argv, stop=b""):
    """Run a program whose standard error is a terminal; what it wrote, and its status."""
    master, slave = pty.openpty()
    # what runs in the background of a shell ignores it, and a child would inherit that
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        argv, stderr=slave, stdout=subprocess.DEVNULL, start_new_session=True
    ) as child:
        signal.signal(signal.SIGINT, before)
        os.close(slave)
        seen = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    data = os.read(master, 4096)
                except OSError:  # the other end is closed
                    break
                seen += data
                if stop and stop in seen:
                    child.send_signal(signal.SIGINT)
                    stop = b""
            elif child.poll() is not None:
                break
        status = child.wait(timeout=60)
    os.close(master)
    return seen.decode(), status


def test_what_lasts_is_told_and_then_wiped_away():
    seen, status = on_terminal(sys.executable, "-c", SLOW, "0.5")
    assert status == 0
    assert "patchlint: 0 s: searching linux (Ctrl-C stops)" in seen
    assert seen.endswith("\r\x1b[Kdone\r\n")


def test_what_is_quick_is_not_told():
    assert on_terminal(sys.executable, "-c", SLOW, "0") == ("done\r\n", 0)


def test_without_a_terminal_nothing_is_told():
    done = subprocess.run(
        [sys.executable, "-c", SLOW, "0.3"], capture_output=True, text=True, check=True
    )
    assert done.stderr == "done\n"


CHECK = """
import sys, time
from argparse import Namespace
from patchlint.cli import check
from patchlint.outside import activity, console
activity.PATIENCE = activity.PACE = 0.05
with console.guarded():
    terminal = check._terminal(Namespace(quiet=False, format="terminal"))
    with activity.shown(terminal), activity.doing("search", "searching for x\\x1b[2J"):
        time.sleep(0.5)
print("done", file=sys.stderr)
"""


def test_a_check_draws_past_the_wall_and_nobody_else_does():
    seen, status = on_terminal(sys.executable, "-c", CHECK)
    assert status == 0
    assert "\r\x1b[Kpatchlint: searching for x\\u001b[2J (0 s, Ctrl-C leaves)" in seen
    assert seen.endswith("\r\x1b[Kdone\r\n")


HOOK = """
import sys, time
from patchlint.integrations import analysis, hook_run, waiting
waiting.PATIENCE = 0.05
def slow(*_):
    time.sleep(50)
analysis.analyse = slow
sys.exit(hook_run.main(sys.argv[1:]))
"""


def test_the_hook_tells_how_to_leave_and_can_be_left(repo):
    patch = str(repo.patches()[1])
    hook = [sys.executable, "-c", HOOK, "sendemail-validate", "--", patch]
    seen, status = on_terminal(*hook, stop=b" s: ")
    assert "(Ctrl-C, then --no-validate, sends anyway)" in seen
    assert status == 130
    assert "patchlint: stopped, not checked; nothing is sent." in seen
    assert "Traceback" not in seen
