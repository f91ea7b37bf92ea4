"""In which context a function runs, and how surely that is known."""

from __future__ import annotations

import pytest
from graph_kit import PATH, function, graph
from hypothesis import given
from hypothesis import strategies as st

from patchlint.graph import contexts


def verdict(source, name="f", path=PATH, message="", titles=()):
    built = graph(source)
    return contexts.of(built, function(built, name, path), message, titles)


def body(signature, before="", after=""):
    return f"{before}{signature}\n{{\n\tfput(file);\n}}\n{after}"


@pytest.mark.parametrize(
    ("signature", "context"),
    [
        ("static void f(struct work_struct *work)", "workqueue"),
        ("static void f(struct kthread_work *work)", "kthread"),
        ("static void f(struct rcu_head *head)", "rcu-callback"),
        ("static void f(struct timer_list *t)", "softirq"),
        ("static enum hrtimer_restart f(struct hrtimer *t)", "hardirq"),
        ("static irqreturn_t f(int irq, void *data)", "hardirq"),
    ],
)
def test_a_signature_that_only_callbacks_have_is_certain(signature, context):
    found = verdict(body(signature))
    assert found.contexts == {context}
    assert (found.deferred, found.task, found.mixed) == ("certain", False, False)


def test_the_function_of_task_work_is_a_task():
    found = verdict(body("static void f(struct callback_head *head)"))
    assert found.task
    assert found.deferred is None


@pytest.mark.parametrize("signature", ["SYSCALL_DEFINE1(f, int, fd)"])
def test_a_system_call_is_a_task(signature):
    found = verdict(body(signature))
    assert found.contexts == {"task"}
    assert "system call" in found.reasons[0].why


def test_nothing_known_is_said_as_nothing():
    found = verdict(body("void f(struct lamp *l)"))
    assert found.reasons == ()
    assert (found.contexts, found.task, found.deferred) == (frozenset(), False, None)


def test_a_binding_tells_the_context_of_its_callback():
    found = verdict(
        body("static void f(void *data)", after="\nvoid g(void)\n{\n\tkthread_run(f, d, n);\n}\n")
    )
    assert found.contexts == {"kthread"}
    assert found.deferred == "certain"


def test_a_member_behind_which_user_space_waits_is_a_task():
    found = verdict(
        body(
            "static long f(struct file *file, unsigned int cmd, unsigned long arg)",
            after="\nstatic const struct file_operations fops = {\n\t.unlocked_ioctl = f,\n};\n",
        )
    )
    assert found.contexts == {"task"}
    assert found.reasons[0].why.endswith(f"at {PATH}:7")


def test_a_member_that_runs_in_rcu_is_deferred():
    found = verdict(
        body(
            "static void f(struct inode *inode)",
            after="\nstatic const struct super_operations ops = {\n\t.free_inode = f,\n};\n",
        )
    )
    assert found.deferred == "certain"


def test_a_member_that_runs_wherever_the_last_put_is_tells_nothing():
    found = verdict(
        body(
            "static void f(struct gendisk *disk)",
            after="\nstatic const struct block_device_operations o = {\n\t.free_disk = f,\n};\n",
        )
    )
    assert found.reasons == ()


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("struct proto_ops ops = {\n\t.release = f,\n};", ["proto_ops"]),
        ("const struct file_operations ops[] = {\n\t{ .release = f },\n};", ["file_operations"]),
        # the name of one struct may stand in that of another
        ("struct lamp_file_operations ops = {\n\t.release = f,\n};", []),
        ("struct my_proto ops = {\n\t.close = f,\n};", []),
        ("struct lamp_proto_ops ops = {\n\t.release = f,\n};", []),
    ],
)
def test_a_table_is_known_by_the_whole_name_of_its_struct(table, rows):
    built = graph(body("static int f(struct lamp *l)", after=f"\nstatic {table}\n"))
    assert [row.struct for _, _, row in built.operations_of("f")] == rows


@pytest.mark.parametrize(("inner", "rows"), [("file_operations", 1), ("lamp_operations", 0)])
def test_a_table_inside_of_another_object_is_known_by_its_field(inner, rows):
    fields = f"struct lamp {{\n\tstruct {inner} ops;\n}};\n\n"
    after = "\nstatic struct lamp lamp = {\n\t.ops = {\n\t\t.release = f,\n\t},\n};\n"
    built = graph(body("static int f(struct lamp *l)", fields, after))
    assert len(list(built.operations_of("f"))) == rows


CALLED = """\
static void f(struct lamp *l)
{
	fput(l->file);
}

static void middle(struct lamp *l)
{
	f(l);
}

static void work(struct work_struct *work)
{
	middle(lamp);
}
"""


def test_a_deferred_caller_makes_it_likely_never_certain():
    found = verdict(CALLED)
    assert found.contexts == {"workqueue"}
    assert found.deferred == "likely"
    assert "called by middle()" in found.reasons[0].why


def test_callers_of_both_kinds_are_mixed():
    found = verdict(CALLED + "\nSYSCALL_DEFINE0(lamp)\n{\n\tmiddle(lamp);\n}\n")
    assert found.mixed
    assert found.contexts == {"workqueue", "task"}
    assert found.deferred is None


def test_callers_that_call_each_other_end():
    found = verdict("void f(void)\n{\n\tg();\n}\nvoid g(void)\n{\n\tf();\n}\n")
    assert found.reasons == ()


def test_callers_count_up_to_four_levels():
    steps = "".join(
        f"static void f{n}(void)\n{{\n\tf{n - 1}();\n}}\n" for n in range(1, 4)
    ).replace("f0(", "f(")
    start = "static void f(void)\n{\n\tfput(file);\n}\n"
    last = "SYSCALL_DEFINE0(lamp)\n{{\n\tf{}();\n}}\n"
    assert verdict(start + steps + last.format(3)).task
    steps += "static void f4(void)\n{\n\tf3();\n}\n"
    assert not verdict(start + steps + last.format(4)).task


TRACE = """\
The box went down:

 Call Trace:
  <IRQ>
  inner+0x12/0x40
  f+0x33/0x90
  rcu_do_batch+0x1a0/0x5c0
  rcu_core+0x10/0x20
"""


def test_a_frame_below_tells_of_the_function_above_it():
    found = verdict(body("void f(struct lamp *l)"), message=TRACE)
    assert found.contexts == {"rcu-callback"}
    assert found.deferred == "likely"


def test_a_frame_above_tells_nothing():
    turned = "\n".join(reversed(TRACE.splitlines()))
    assert verdict(body("void f(struct lamp *l)"), message=turned).reasons == ()


def test_a_trace_without_the_function_tells_nothing():
    assert (
        verdict(body("void f(struct lamp *l)"), message=TRACE.replace(" f+", " g+")).reasons == ()
    )


def test_a_trace_through_a_worker_shows_that_it_ran_there():
    message = " Call Trace:\n  f+0x33/0x90\n  process_one_work+0x1/0x2\n  worker_thread+0x1/0x2\n"
    found = verdict(body("void f(struct lamp *l)"), message=message)
    assert (found.contexts, found.deferred) == ({"workqueue"}, "likely")


def test_prose_counts_when_both_stand_in_one_sentence():
    code = body("void lamp_put(struct lamp *l)")
    said = verdict(code, "lamp_put", message="lamp_put() is called from softirq context.")
    assert said.contexts == {"softirq"}
    apart = "lamp_put() is slow. Something else runs from softirq context."
    assert verdict(code, "lamp_put", message=apart).reasons == ()
    other = "lamp_put_all() is called from softirq context."
    assert verdict(code, "lamp_put", message=other).reasons == ()


def test_a_subject_that_speaks_of_atomic_context_counts():
    code = body("void lamp_put(struct lamp *l)")
    found = verdict(code, "lamp_put", titles=["lamp: do not sleep in atomic context"])
    assert found.deferred == "likely"
    assert "the subject speaks of" in found.reasons[0].why
    assert verdict(code, "lamp_put", titles=["lamp: release later"]).reasons == ()


def test_code_that_knows_is_not_overruled_by_the_message():
    found = verdict(
        body("SYSCALL_DEFINE0(f)"), message=TRACE, titles=["fix sleep in atomic context"]
    )
    assert found.contexts == {"task"}


FILES = {
    "fs/one.c": "SYSCALL_DEFINE0(lamp)\n{\n\tlamp_put(l);\n}\n",
    "fs/two.c": "static void two(struct work_struct *work)\n{\n\tlamp_put(l);\n}\n",
    "fs/three.c": "static void three(struct rcu_head *head)\n{\n\tlamp_put(l);\n}\n",
    "fs/lamp.c": "void lamp_put(struct lamp *l)\n{\n\tfput(l->file);\n}\n",
    "fs/more.c": "static int lamp_put_all(void)\n{\n\tlamp_put(l);\n}\n",
}


@given(st.permutations(sorted(FILES)))
def test_the_order_of_files_does_not_matter(order):
    found = verdict({path: FILES[path] for path in order}, "lamp_put")
    assert set(found.reasons) == set(verdict(FILES, "lamp_put").reasons)
    # callers that no image shows may be tasks, so that deferred ones tell nothing of it
    assert found.contexts == {"task"}


def test_all_callers_of_a_static_function_count():
    one = "".join(text for _path, text in sorted(FILES.items()))
    found = verdict(one.replace("void lamp_put(", "static void lamp_put("), "lamp_put")
    assert found.contexts == {"task", "workqueue", "rcu-callback"}


def test_a_caller_that_is_not_on_the_path_does_not_count():
    built = graph(CALLED)
    start = function(built, "f")
    assert contexts.of(built, start, loses=lambda _caller, _call: True).contexts == {"workqueue"}
    assert contexts.of(built, start, loses=lambda _caller, _call: False).reasons == ()


@pytest.mark.parametrize(
    ("source", "certain"),
    [
        (body("static void f(struct work_struct *work)"), True),
        (body("static irqreturn_t f(int irq, void *data)"), True),
        (
            body("static void f(void *d)", after="\nvoid g(void)\n{\n\tkthread_run(f, d, n);\n}\n"),
            True,
        ),
        (body("static void f(struct callback_head *head)"), False),
        (body("static void f_work(void *data)").replace("f_work", "f"), False),
        (CALLED, False),
        # a table whose caller is one, and one that others call as well
        (
            body(
                "static void f(struct inode *i)",
                after="\nstatic const struct super_operations o = {\n\t.free_inode = f,\n};\n",
            ),
            True,
        ),
        (
            body(
                "static void f(struct inode *i)",
                after="\nstatic const struct super_operations o = {\n\t.evict_inode = f,\n};\n",
            ),
            False,
        ),
    ],
)
def test_signature_start_and_table_make_it_certain(source, certain):
    built = graph(source)
    assert contexts.certainly_deferred(built, function(built, "f")) is certain
