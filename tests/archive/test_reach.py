"""The digests that say what a scan need not check again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from patchlint.archive.reach import Reach
from patchlint.ruleset.load import load, load_late

TELLS = """
import sys
from patchlint.archive.reach import Reach
from patchlint.ruleset.load import load_late

padding = [object() for _ in range(int(sys.argv[1]))]
reach = Reach(load_late(), "once", far=sys.argv[2] == "far")
print(reach.digest(["fput", "mntput"]), reach.digest([]))
"""


@pytest.mark.parametrize("far", ["far", "near"])
def test_any_process_comes_to_the_same_digests(far):
    """Whatever lies where in its memory, and in whatever order it goes through sets."""
    told = {
        subprocess.run(
            [sys.executable, "-c", TELLS, str(7_919 * seed), far],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(told) == 1


def test_rules_that_are_read_late_have_the_digests_of_those_that_were_read():
    known, late = (Reach(rules, "once", far=True) for rules in (load(), load_late()))
    assert known.digest(["fput"]) == late.digest(["fput"])
    assert Reach(load(), "twice", far=True).digest(["fput"]) != known.digest(["fput"])
