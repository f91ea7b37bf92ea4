"""``fold.awk`` reads tracefs, ``tell.awk`` says it to people."""

from __future__ import annotations

import pytest

#: a trace as tracefs prints it with stack traces of single events and the counter clock
TRACE = """\
# tracer: nop
#
# entries-in-buffer/entries-written: 4/4   #P:2
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
          umount-123     [000] ..... 17: sys_enter: NR 166 (7f, 0, 8)
          umount-123     [000] d..3. 18: c_lamp_put: (lamp_put+0x0/0x40)
          umount-123     [000] d..3. 19: <stack trace>
 => kprobe_ftrace_handler
 => 0xffffffffc04060c8
 => lamp_put
 => unlamp.isra.0
 => do_syscall_64
          umount-123     [000] d..3. 20: <stack trace>
 => of_another_probe
 kworker/u4:1-33       [001] d.s4. 21: f_lamp_out: (lamp_out+0x0/0x10)
 kworker/u4:1-33       [001] d.s4. 22: <stack trace>
 => lamp_out
 => process_one_work
     a b-c-d-77        [001] ..... 23: r_lamp_put: (unlamp+0x1d/0x30 <- lamp_put)
     a b-c-d-77        [001] ..... 23: <stack trace>
 => of_another_probe
   sh-9                [000] ..... 24: tracing_mark_write: begin one
"""


def test_a_trace_becomes_one_line_for_each_event(awk):
    rows = [line.split("\t") for line in awk("fold.awk", TRACE).splitlines()]
    assert rows == [
        ["17", "123", "umount", "t", "sys_enter", "NR 166 (7f, 0, 8)", ""],
        ["18", "123", "umount", "t", "c_lamp_put", "lamp_put", "lamp_put<unlamp<do_syscall_64"],
        ["21", "33", "kworker/u4:1", "i", "f_lamp_out", "lamp_out", "lamp_out<process_one_work"],
        ["23", "77", "a_b-c-d", "t", "r_lamp_put", "unlamp", ""],
        ["24", "9", "sh", "t", "tracing_mark_write", "begin one", ""],
    ]


def verdict(by, where="workqueue", caller="back", task="kworker/0:1-33"):
    return f"\tlamp_put\t{where}\t{by}\tlamp_out\t{where}\t{task}\t{caller}\tlamp_out\n"


def test_late_releases_are_counted_and_named(awk):
    text = verdict("eventually") * 3 + verdict("eventually", task="kworker/1:0-40")
    said = awk("tell.awk", text + verdict("before-call-returns", "task", "-", "umount-9"), status=1)
    assert said == (
        "    4 x lamp_put() called in: workqueue; lamp_out() ran in: workqueue (kworker): "
        "eventually, after the caller was back in user space\n"
        "    1 x lamp_put() called in: task; lamp_out() ran in: task (umount): inside of the call\n"
        "result: LATE, 4 of 5 last releases were not done before the return to user space\n"
    )


def test_what_ran_early_by_luck_is_late(awk):
    said = awk("tell.awk", verdict("eventually", caller="inside"), status=1)
    assert "this time before the caller was back; nothing seen waits for it" in said
    assert "LATE, 1 of 1" in said


@pytest.mark.parametrize("by", ["before-call-returns", "before-return-to-user"])
def test_a_kept_promise_is_no_finding(awk, by):
    said = awk("tell.awk", verdict(by, "task", "-", "umount-9") * 2)
    assert said.splitlines()[-1] == (
        "result: in time, all 2 last releases were done before the return to user space"
    )


def test_a_call_in_a_worker_is_late_though_it_does_all_at_once(awk):
    said = awk("tell.awk", verdict("before-call-returns"), status=1)
    assert "inside of the call, after the caller was back in user space" in said
    assert "LATE, 1 of 1" in said


def test_what_ended_by_another_way_counts_for_nothing(awk):
    said = awk("tell.awk", verdict("otherwise", "task", "-", "dd-9"), status=2)
    assert said.splitlines()[0] == "    1 x lamp_out() ran in: task (dd), not by lamp_put()"
    assert "no last release was seen" in said


def test_a_release_by_another_way_acquits_nobody(awk):
    kept = verdict("before-call-returns", "task", "-", "umount-9")
    said = awk("tell.awk", kept, status=2, names={"astray": "unlamp"})
    assert said.splitlines()[-1].startswith("result: not shown, 1 last releases were in time")
    assert "unlamp did not run" in said
    assert "LATE" in awk("tell.awk", verdict("eventually"), status=1, names={"astray": "unlamp"})


def test_a_kernel_without_the_patch_acquits_nobody(awk):
    kept = verdict("before-call-returns", "task", "-", "umount-9")
    said = awk("tell.awk", kept, status=2, names={"lacks": "lamp_gone()"})
    assert "in time" in said
    assert said.rstrip().endswith(
        "lamp_gone() cannot be probed: is this the kernel with the patch?"
    )
    late = awk("tell.awk", verdict("eventually"), status=1, names={"lacks": "lamp_gone()"})
    assert "LATE" in late
    assert "with the patch" not in late


def test_nothing_seen_is_never_in_time(awk):
    said = awk("tell.awk", "", status=2)
    assert said.startswith("result: no last release was seen")
    callback = "\tlamp_fn\t-\tran\tlamp_fn\tworkqueue\tkworker/0:1-33\tback\tlamp_fn\n"
    assert "lamp_fn() ran in: workqueue (kworker), after" in awk("tell.awk", callback, status=2)


def followed(*events):
    """Events of one task that is followed; ``NAME<FRAME`` has a stack."""
    rows = ["1\t7\tsh\tt\tsys_enter\tNR 3\t"]
    for at, one in enumerate(events, 2):
        event, _, frames = one.partition("<")
        rows.append(f"{at}\t7\tsh\tt\t{event}\tx\t{frames}")
    return "".join(f"{row}\n" for row in rows)


RUN, WAIT, BACK = "e_unlamp", "c_flush_lamp<flush_lamp<unlamp<do_syscall_64", "r_unlamp"


@pytest.mark.parametrize(
    ("events", "names", "status", "result"),
    [
        ([RUN, WAIT, BACK] * 2, {}, 0, "in time, all 2 runs of unlamp() waited: each called"),
        ([RUN, BACK, RUN, BACK], {}, 1, "LOST, 2 of 2 runs of unlamp() went on without"),
        ([RUN, WAIT, BACK, RUN, BACK], {}, 1, "LOST, 1 of 2 runs of unlamp() went on without"),
        # somebody else's wait, before or behind
        ([WAIT, RUN, BACK, WAIT], {}, 1, "LOST, 1 of 1 runs"),
        ([WAIT, BACK], {}, 2, "not shown, unlamp() did not run: the command does not reach it"),
        ([], {}, 2, "not shown, unlamp() did not run"),
        # of a kernel that does not show returns stacks tell
        ([RUN, WAIT], {"returns": ""}, 0, "in time, all 1 runs"),
        ([RUN, "c_flush_lamp<flush_lamp<other"], {"returns": ""}, 1, "LOST, 1 of 1 runs"),
        ([RUN, BACK], {"lacks": "flush_lamp()"}, 2, "not shown, flush_lamp() cannot be probed"),
    ],
)
def test_a_wait_that_is_gone_is_told_by_runs_without_it(awk, events, names, status, result):
    known = {"holder": "unlamp", "wait": "flush_lamp", "returns": "yes", "lacks": ""} | names
    said = awk("waited.awk", followed(*events), status=status, names=known)
    assert said.splitlines()[-1].startswith(f"result: {result}")


def test_runs_of_others_are_none_of_the_command(awk):
    known = {"holder": "unlamp", "wait": "flush_lamp", "returns": "yes", "lacks": ""}
    stranger = "9\t8\tkworker/0:1\tt\te_unlamp\tx\t\n"
    said = awk("waited.awk", followed(RUN, WAIT, BACK) + stranger, names=known)
    assert "    1 x unlamp() ran in: task (sh): it called flush_lamp()\n" in said
