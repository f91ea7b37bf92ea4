"""The scripts of ``patchlint confirm`` in guests: what they said there, judged and told again."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess

import harness
import pytest

from patchlint.confirm.script import plan_lines, program

AWKS = [w.split() for w in ("awk", "busybox awk", "mawk") if shutil.which(w.split()[0])]
#: families whose release puts itself off in any context: late on any kernel
ALWAYS_LATE = {"ipc-ns", "net-ns", "pid-ns", "user-ns", "queue"}
#: what the guest's busybox cannot do, or the kernel of the guest lacks
NOT_SHOWN = {"key"}


def told(awk, events, tmp_path):
    """The last line of ``tell.awk`` on the recorded events of the founding shape of mistake."""
    lines = plan_lines(harness.family_plans()["mount"])
    (tmp_path / "plan").write_text("\n".join(lines) + "\n")
    text = gzip.decompress((harness.RECORDED / events).read_bytes()).decode()
    (tmp_path / "events").write_text(text)
    judged = subprocess.run(
        [*awk, program("judge.awk"), tmp_path / "plan", tmp_path / "events"],
        capture_output=True,
        text=True,
        check=True,
    )
    said = subprocess.run(
        [*awk, program("tell.awk")],
        input=judged.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout


@pytest.mark.parametrize("awk", AWKS, ids=" ".join)
def test_umount_on_a_stock_kernel_is_in_time(awk, tmp_path):
    said = told(awk, "umount-stock.events.gz", tmp_path)
    assert "deactivate_locked_super() ran in: task (umount)" in said
    assert said.splitlines()[-1].startswith("result: in time, all 10 ")


@pytest.mark.parametrize("awk", AWKS, ids=" ".join)
def test_umount_that_leaves_its_mounts_to_a_worker_is_late(awk, tmp_path):
    """A tiny 6.1 whose namespace_unlock() queues the mntput(): what --build shows beside stock."""
    said = told(awk, "umount-late.events.gz", tmp_path)
    assert "deactivate_locked_super() ran in: workqueue (kworker): eventually" in said
    assert said.splitlines()[-1].startswith("result: LATE, 10 of 10 ")


@pytest.fixture(scope="session")
def families(kernels, tmp_path_factory):
    """Family -> (what its script said in a guest, exit status)."""
    said = harness.RECORDED / "families.txt"
    if kernels:
        said = tmp_path_factory.mktemp("families") / "said"
        harness.families(kernels[-1], said)
    text = said.read_text()
    found = re.findall(r"^family (\S+)\n(.*?)^status (\d+)$", text, re.MULTILINE | re.DOTALL)
    return {family: (said, int(status)) for family, said, status in found}


def test_each_reproducer_ran_in_a_guest_and_said_what_user_space_saw(families):
    plans = harness.family_plans()
    assert set(families) == set(plans)
    for family, (said, status) in families.items():
        assert said.startswith("kernel: 6."), family
        assert "user space: " in said, family
        if family in NOT_SHOWN:
            continue
        assert "result: " in said, family
        assert status == (1 if family in ALWAYS_LATE else 0), family


def test_what_was_recorded_is_of_these_reproducers():
    """A changed reproducer wants to be run again: ``harness.py families``."""
    first = (harness.RECORDED / "families.txt").read_text().splitlines()[0]
    assert first == f"# of {harness.reproducers()}"
