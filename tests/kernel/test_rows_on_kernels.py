"""Rows of the cleanup tables and mechanisms against what running kernels did.

Context and guarantee alone: when something happened is never asked.
"""

from __future__ import annotations

import os

import harness
import pytest

from patchlint.ruleset.load import load

KERNEL = load(cached=False).kernel
#: how a drop is started -> the rows of the mechanism tables that say where it runs
DROPS = {
    "work": ("INIT_WORK", "workqueue"),
    "workflush": ("INIT_WORK", "workqueue"),
    "dwork": ("INIT_DELAYED_WORK", "workqueue"),
    "rcuwork": ("INIT_RCU_WORK", "workqueue"),
    "rcu": ("call_rcu", "rcu-callback"),
    "timer": ("timer_setup", "softirq"),
    "kthread": ("kthread_run", "kthread"),
    "taskwork": ("task_work_add", "task"),
}


def series(version):
    return ".".join(version.split(".")[:2])


def test_both_kernels_were_watched(judged):
    assert {series(version) for version in judged} == {"6.1", "6.12"}


def test_rows_enough_were_watched_on_both(traces):
    agreed = harness.agreed(traces)
    both = [name for name, versions in agreed.items() if len(versions) == len(traces)]
    by_another = [name for name in both if name not in KERNEL.cleanups[name].final]
    assert len(both) >= 200
    assert len(by_another) >= 90
    assert len({KERNEL.cleanups[name].family for name in both}) >= 20


def test_no_row_says_other_than_what_was_seen(judged):
    wrong = [
        f"{version} {name}: {harness.told(watched[name], one)}"
        for version, (watched, found) in judged.items()
        for name, seen in found.items()
        for one in seen
        if not harness.agrees(watched[name], one)
        and (name, series(version)) not in harness.EXPLAINED
    ]
    assert wrong == []


def test_an_explanation_is_there_for_what_needs_one(judged):
    """One that is not needed any more goes."""
    for name, number in harness.EXPLAINED:
        ((watched, found),) = [v for k, v in judged.items() if series(k) == number]
        assert any(not harness.agrees(watched[name], one) for one in found[name]), name
        assert KERNEL.cleanups[name].why


def test_rows_name_the_kernels_that_they_were_watched_on(traces):
    """Booted kernels may be newer than those that rows name: then the series counts."""
    word = series if os.environ.get("PATCHLINT_BOOT") else str
    agreed = harness.agreed(traces)
    for name, row in KERNEL.cleanups.items():
        assert set(map(word, row.seen)) == set(map(word, agreed.get(name, ()))), name


def test_what_is_watched_exists():
    known = {*harness.workloads(), *(one.partition(":")[0] + ":" for one in harness.drops())}
    for row in KERNEL.cleanups.values():
        assert row.probe is None or row.final, row.name
        assert row.probe is None or row.probe in known, row.name
        assert not row.seen or row.probe, row.name


@pytest.mark.parametrize("how", DROPS)
def test_a_mechanism_runs_where_the_tables_say(judged, how):
    name, context = DROPS[how]
    row = KERNEL.registrations.get(name) or KERNEL.activations[name]
    assert row.context == context
    for version, (_, found) in judged.items():
        called = {
            one.called
            for seen in found.values()
            for one in seen
            if one.workload.endswith(f":{how}") and one.workload.startswith(f"{one.release}:")
        }
        # the task that asks for the drop closes files and paths of its own as well
        assert context in called, version
        assert called <= {context, "task"}, version


@pytest.mark.parametrize("release", ["fput", "mntput"])
def test_a_flush_restores_nothing_beyond_the_first_hop(judged, release):
    """The founding mistake: the worker is waited for, and the end comes later all the same."""
    for _, found in judged.values():
        seen = [one for one in found[release] if one.workload == f"{release}:workflush"]
        assert [one.by for one in seen if one.called == "workqueue"] == ["eventually"]


@pytest.mark.parametrize("release", ["fput", "mntput", "path_put", "put_mnt_ns"])
def test_a_task_keeps_what_a_worker_loses(judged, release):
    for _, found in judged.values():
        by = {(one.workload, one.called): one.by for one in found[release]}
        assert by[f"{release}:task", "task"] == "before-return-to-user"
        assert by[f"{release}:work", "workqueue"] == "eventually"
