"""``judge.awk``: by when a release was done, from nesting, contexts and order alone."""

from __future__ import annotations

import pytest
from confirm_kit import PLAN

#: contexts by the frames below a function
TASK = "do_syscall"
WORK = "process_one_work<worker_thread<kthread"
RCU = "rcu_do_batch<rcu_core"


def trace(*events):
    """Folded events: (pid, event, frames below the function); a softirq's pid ends in i."""
    lines = []
    for number, (pid, event, *below) in enumerate(events, 1):
        level = "i" if pid.endswith("i") else "t"
        name = event[2:]
        stack = "<".join([name, *below]) if below else ""
        info = "NR 3" if event == "sys_enter" else name
        fields = (number, pid.removesuffix("i"), "comm", level, event, info, stack)
        lines.append("\t".join(map(str, fields)))
    return "\n".join(lines) + "\n"


def verdicts(awk, *events):
    """(release, called in, by, done in, caller) of each verdict."""
    out = awk("judge.awk", PLAN, trace(*events))
    rows = [line.split("\t") for line in out.splitlines()]
    return [(row[1], row[2], row[3], row[5], row[7]) for row in rows]


def test_a_final_function_inside_of_the_release_is_before_the_call_returns(awk):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "c_lamp_put", TASK),
        ("7", "f_lamp_out", "lamp_put", TASK),
        ("7", "r_lamp_put"),
    ) == [("lamp_put", "task", "before-call-returns", "task", "-")]


def test_a_tail_call_leaves_no_frame_and_is_inside_all_the_same(awk):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "c_lamp_put", TASK),
        ("7", "f_lamp_out", TASK),
        ("7", "r_lamp_put"),
    ) == [("lamp_put", "task", "before-call-returns", "task", "-")]


def test_task_work_before_the_next_system_call_is_before_the_return_to_user(awk):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "c_lamp_put", TASK),
        ("7", "r_lamp_put"),
        ("7", "f_lamp_out", "task_work_run", "exit_to_user"),
        ("7", "sys_enter"),
    ) == [("lamp_put", "task", "before-return-to-user", "task", "-")]


def test_an_exiting_task_counts_as_the_task(awk):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "c_lamp_put", "do_exit"),
        ("7", "r_lamp_put"),
        ("7", "f_lamp_out", "task_work_run", "do_exit"),
    ) == [("lamp_put", "task", "before-return-to-user", "task", "-")]


def test_what_ends_in_a_task_without_a_call_there_ended_by_another_way(awk):
    """An earlier call of another task, or of an earlier system call, was not the last one."""
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "c_lamp_put", TASK),
        ("7", "r_lamp_put"),
        ("7", "sys_enter"),
        ("7", "f_lamp_out", TASK),
    ) == [("lamp_put", "task", "otherwise", "task", "-")]


@pytest.mark.parametrize(("below", "context"), [(WORK, "workqueue"), (RCU, "rcu-callback")])
def test_another_context_is_eventually_also_when_it_was_quick(awk, below, context):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "e_unlamp"),
        ("7", "c_lamp_put", TASK),
        ("9", "f_lamp_out", below),
        ("7", "r_lamp_put"),
    ) == [("lamp_put", "task", "eventually", context, "inside")]


def test_the_caller_is_back_after_its_next_system_call(awk):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "e_unlamp"),
        ("9", "c_lamp_put", WORK),
        ("9", "r_lamp_put"),
        ("7", "sys_enter"),
        ("9", "f_lamp_out", WORK),
    ) == [("lamp_put", "workqueue", "eventually", "workqueue", "back")]


def test_a_kworker_that_runs_both_keeps_no_promise(awk):
    """Nothing orders two work items of one worker, though the thread is the same."""
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("9", "c_lamp_put", WORK),
        ("9", "r_lamp_put"),
        ("9", "f_lamp_out", "delayed_lamp", WORK),
    ) == [("lamp_put", "workqueue", "eventually", "workqueue", "-")]


def test_a_softirq_on_top_of_the_release_is_not_inside_of_it(awk):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "c_lamp_put", TASK),
        ("7i", "f_lamp_out", RCU),
        ("7", "r_lamp_put"),
    ) == [("lamp_put", "task", "eventually", "rcu-callback", "-")]


def test_a_missed_return_does_not_keep_a_release_open(awk):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "c_shade_del", TASK),
        ("7", "c_lamp_put", TASK),
        ("7", "r_shade_del"),
        ("7", "f_lamp_out", "task_work_run"),
    ) == [
        ("shade_del", "task", "before-call-returns", "task", "-"),
        ("lamp_put", "task", "before-return-to-user", "task", "-"),
    ]


def test_one_end_for_one_release(awk):
    """Two drops, one of them the last: the second end has a release of its own."""
    seen = verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "c_lamp_put", TASK),
        ("7", "r_lamp_put"),
        ("7", "c_lamp_put", TASK),
        ("7", "r_lamp_put"),
        ("9", "f_lamp_out", WORK),
        ("9", "f_lamp_out", WORK),
        ("9", "f_lamp_out", WORK),
    )
    assert seen == [("lamp_put", "task", "eventually", "workqueue", "-")] * 2


def test_a_function_that_is_its_own_end_is_done_when_it_returns(awk):
    assert verdicts(
        awk,
        ("9", "c_shade_del", WORK),
        ("9", "r_shade_del"),
    ) == [("shade_del", "workqueue", "before-call-returns", "workqueue", "-")]


def test_tasks_that_the_command_did_not_start_are_left_out(awk):
    assert (
        verdicts(
            awk,
            ("7", "sys_enter"),
            ("5", "c_lamp_put", TASK),
            ("5", "f_lamp_out", "lamp_put", TASK),
            ("5", "r_lamp_put"),
        )
        == []
    )


def test_the_callback_of_the_finding_is_told_apart(awk):
    assert verdicts(
        awk,
        ("7", "sys_enter"),
        ("7", "e_unlamp"),
        ("9", "b_lamp_fn", WORK),
    ) == [("lamp_fn", "-", "ran", "workqueue", "inside")]


def test_each_workload_is_judged_by_itself(awk):
    text = (
        "1\t7\tc\tt\tsys_enter\tNR 1\t\n"
        "2\t7\tc\tt\ttracing_mark_write\tbegin one\t\n"
        "3\t7\tc\tt\tc_lamp_put\tlamp_put\tlamp_put<do_syscall\n"
        "4\t7\tc\tt\tr_lamp_put\tlamp_put\t\n"
        "5\t7\tc\tt\ttracing_mark_write\tdone one\t\n"
        "6\t7\tc\tt\ttracing_mark_write\tbegin two\t\n"
        "7\t9\tc\tt\tf_lamp_out\tlamp_out\tlamp_out<process_one_work\n"
    )
    assert awk("judge.awk", PLAN, text) == ""
