"""Every row of the shipped tables says what it must say."""

from __future__ import annotations

import re

import pytest

from patchlint.model.context import DEFERRED, GUARANTEES, weaker
from patchlint.model.kernel import Instead
from patchlint.ruleset import schema
from patchlint.ruleset.documentation import OUTLINE, problems
from patchlint.ruleset.events import PLACE
from patchlint.ruleset.load import load

KERNEL = load(cached=False).kernel
RULES = load(cached=False).rules
NAMED = ("cleanups", "registrations", "activations", "waits", "twins")
FAMILIES = {
    "mount",
    "file",
    "path",
    "block",
    "queue",
    "superblock",
    "inode",
    "dentry",
    "mnt-ns",
    "ipc-ns",
    "net-ns",
    "pid-ns",
    "user-ns",
    "cgroup",
    "mm",
    "task",
    "socket",
    "netdev",
    "rpc",
    "module",
    "module-use",
    "device",
    "key",
    "io-uring",
    "rdma",
    "nft",
    "bpf",
    "memory",
}


def sources():
    for table in NAMED:
        for name, row in getattr(KERNEL, table).items():
            yield f"{table} {name}", row.source
    for entry in KERNEL.entries:
        yield f"entries {entry.struct}.{entry.member}{entry.macro}", entry.source
    for call in KERNEL.system_calls.values():
        yield f"system calls {call.name}", call.source


def test_there_are_rows_enough_in_every_table():
    assert len(KERNEL.cleanups) >= 150
    assert len(KERNEL.registrations) >= 100
    assert len(KERNEL.activations) >= 50
    assert len(KERNEL.waits) >= 70
    assert len(KERNEL.entries) >= 98


@pytest.mark.parametrize("table", NAMED)
def test_names_are_identifiers_and_the_key_of_their_row(table):
    for name, row in getattr(KERNEL, table).items():
        # a counter is no function: nothing that is called may be taken for it
        counter = getattr(row, "kind", "") == "share"
        assert re.fullmatch(r"->[a-z_]\w*" if counter else r"[A-Za-z_]\w*", name), name
        assert name == (row.deferred if table == "twins" else row.name)


def test_every_row_says_where_it_is_true():
    for name, source in sources():
        assert re.fullmatch(r"[\w./+-]+\.(?:c|h|S)", source.file), name
        assert source.evidence.strip(), name
        for version in (source.since, source.until):
            assert version is None or re.fullmatch(r"\d+\.\d+(?:\.\d+)?", version), name


def test_every_family_has_cleanups_and_every_cleanup_a_family():
    assert {row.family for row in KERNEL.cleanups.values()} == FAMILIES


def test_every_release_says_who_waits():
    for row in KERNEL.cleanups.values():
        assert row.why.strip(), row.name
        for text in (*row.symptoms, row.why, *row.advice):
            # what the headline says already
            assert "{}" not in text, row.name
            assert "nothing orders" not in text, row.name
            assert not text.startswith(("still there", f"{row.name}() is not done")), row.name
        assert row.releases.strip(), row.name


def test_texts_speak_of_events_that_entries_know():
    kinds = {one.kind for one in KERNEL.entries}
    operations = {f"{one.struct}.{one.member}" for one in KERNEL.entries}
    for event in KERNEL.events:
        assert event.kinds <= kinds, event.name
        assert event.operations <= operations, event.name
        assert event.calls or event.kinds or event.operations, event.name
    known = {"call", *(event.name for event in KERNEL.events)}
    for row in KERNEL.cleanups.values():
        for text in (*row.symptoms, row.why):
            places = PLACE.findall(text)
            assert len(places) == text.count("{") <= 1, row.name
            assert {name for place in places for name in place.split(", ")} <= known, row.name
        # a reason is told of whatever it was, and advice of no time
        assert set(PLACE.findall(row.why)) <= {"call"}, row.name
        assert not any("{" in text for text in row.advice), row.name


@pytest.mark.parametrize(
    "false",
    [
        "right after close(2)",
        "after umount(2)",
        "umount(2) has returned",
        "cannot create duplicate",
    ],
)
def test_a_symptom_names_no_event_that_may_be_another(false):
    told = [text for row in KERNEL.cleanups.values() for text in row.symptoms]
    assert not [text for text in told if false in text and not text.startswith("where ")]


def test_a_mechanism_that_is_usual_says_what_helps_and_names_its_callback():
    for starter in ("queue_work", "queue_delayed_work", "queue_rcu_work", "call_rcu", "mod_timer"):
        row = KERNEL.activations.get(starter) or KERNEL.registrations[starter]
        told = KERNEL.instead_of(starter, row.context)
        assert told.advice.count("{}") == 1, starter
    # a start that is not seen is told by what runs it
    assert KERNEL.instead_of(None, "workqueue") == KERNEL.instead_of("queue_work", "workqueue")
    assert KERNEL.instead_of("lamp_put_async", "unknown") == Instead()
    known = {
        row.mechanism for row in (*KERNEL.activations.values(), *KERNEL.registrations.values())
    }
    assert set(KERNEL.instead) <= known


def test_what_a_mechanism_is_waited_for_with_is_a_known_wait():
    for mechanism, told in KERNEL.instead.items():
        for name in re.findall(r"with (\w+)\(\) where", told.advice):
            wait = KERNEL.waits[name]
            assert wait.restores, mechanism
        # what frees its own item nobody may wait for by that
        assert told.own == told.advice or "flush_" not in told.own, mechanism
        # who does not ask whether he is to stop may be gone when he is told to
        assert "_stop()" not in told.advice, mechanism


def test_prose_is_short_and_ends_without_a_full_stop():
    for row in KERNEL.cleanups.values():
        for text in (row.releases, row.why, *row.symptoms, *row.advice):
            assert len(text) <= 180, row.name
            assert "\n" not in text, row.name
            assert text == text.strip(), row.name
            assert not text.endswith("."), row.name


def test_memory_is_never_visible_and_has_its_own_family():
    for row in KERNEL.cleanups.values():
        if row.kind == "memory":
            assert not row.visible, row.name
        if row.family == "memory":
            assert row.kind == "memory", row.name


def test_guarantees_fit_the_kind_of_a_cleanup():
    for row in KERNEL.cleanups.values():
        if row.kind == "async":
            # by a worker, or by an RCU callback and nothing more
            assert row.task == row.deferred, row.name
            assert row.task in {"after-grace-period", "eventually"}, row.name
        if row.kind in {"ctx", "wrap"}:
            assert row.deferred == "eventually", row.name
            assert weaker(row.deferred, row.task), row.name
        if row.kind == "sync":
            assert row.task == "before-call-returns", row.name
        if row.callback_arg is not None:
            assert row.kind == "inherit", row.name


def test_references_of_an_interface_are_waited_for_in_rcu_callbacks_alone():
    for name in ("dev_put", "netdev_put", "in_dev_put", "in6_dev_put", "neigh_release"):
        assert KERNEL.cleanups[name].waited_in == ("rcu-callback",), name
    assert KERNEL.cleanups["fput"].waited_in == ()


@pytest.mark.parametrize(
    ("name", "task", "deferred"),
    [
        ("fput", "before-return-to-user", "eventually"),
        ("mntput", "before-return-to-user", "eventually"),
        ("path_put", "before-return-to-user", "eventually"),
        ("blkdev_put", "before-call-returns", "before-call-returns"),
        ("put_net", "eventually", "eventually"),
        ("mmput_async", "eventually", "eventually"),
        ("key_put", "eventually", "eventually"),
        ("kfree_rcu", "after-grace-period", "after-grace-period"),
    ],
)
def test_the_promise_of_well_known_functions(name, task, deferred):
    row = KERNEL.cleanups[name]
    assert (row.task, row.deferred) == (task, deferred)


@pytest.mark.parametrize(
    "name",
    [
        "cancel_work_sync",
        "del_timer_sync",
        "hrtimer_cancel",
        "kthread_cancel_work_sync",
        "synchronize_rcu",
    ],
)
def test_waits_that_run_no_release_restore_nothing(name):
    wait = KERNEL.waits[name]
    assert not wait.restores
    assert wait.trap


@pytest.mark.parametrize(
    "name",
    [
        "flush_work",
        "flush_workqueue",
        "rcu_barrier",
        "wait_for_completion",
        "tasklet_kill",
        "kthread_flush_work",
    ],
)
def test_waits_for_the_release_restore_it(name):
    assert KERNEL.waits[name].restores


def test_a_wait_is_no_cleanup():
    assert not [
        name for name in KERNEL.waits if name in KERNEL.cleanups and not KERNEL.waits[name].restores
    ]


def test_a_grace_period_never_restores_a_promise():
    assert not [
        wait.name for wait in KERNEL.waits.values() if wait.kind == "grace-period" and wait.restores
    ]


def test_what_activates_by_itself_binds_a_callback():
    for row in KERNEL.registrations.values():
        # a callback that is stored in a member is no argument
        assert row.callback_arg is not None or row.name in KERNEL.slots.values(), row.name
        if row.waits:
            assert row.activates, row.name
            assert row.guarantee == "before-call-returns", row.name


def test_work_items_are_bound_and_started_under_one_mechanism():
    bound = {row.mechanism for row in KERNEL.registrations.values()}
    for name in (
        "work",
        "delayed-work",
        "rcu-work",
        "kthread-work",
        "timer",
        "hrtimer",
        "tasklet",
        "irq-work",
        "task-work",
    ):
        assert name in bound
        assert any(row.mechanism == name for row in KERNEL.activations.values()), name


def test_only_task_work_keeps_the_promise():
    assert [row.name for row in KERNEL.activations.values() if row.keeps] == ["task_work_add"]


def test_an_rcu_callback_is_worth_a_grace_period():
    for name in ("call_rcu", "call_srcu", "call_rcu_tasks_trace"):
        row = KERNEL.registrations[name]
        assert (row.context, row.guarantee) == ("rcu-callback", "after-grace-period")


def test_a_threaded_interrupt_has_two_callbacks():
    row = KERNEL.registrations["request_threaded_irq"]
    assert (row.callback_arg, row.context) == (1, "hardirq")
    assert row.also == ((2, "kthread"),)


def test_twins_defer_and_differ():
    for row in KERNEL.twins.values():
        assert row.direct != row.deferred
        assert row.guarantee in GUARANTEES[1:], row.deferred
        assert re.fullmatch(r"\w+", row.runs_in), row.deferred


def test_a_cleanup_knows_its_deferred_twins():
    assert KERNEL.cleanups["mmput"].twins == ("mmput_async",)
    assert "btrfs_add_delayed_iput" in KERNEL.cleanups["iput"].twins
    assert KERNEL.cleanups["mntput"].twins == ()


def test_entries_name_a_member_a_macro_or_a_function_and_a_known_context():
    for entry in KERNEL.entries:
        named = (entry.macro, entry.function, entry.struct and entry.member)
        assert sum(map(bool, named)) == 1
        assert bool(entry.struct) == bool(entry.member)
        assert entry.contexts
        assert set(entry.contexts) <= schema.CONTEXTS


@pytest.mark.parametrize(
    ("struct", "member", "family", "carries"),
    [
        # who holds the file open cannot drop its last reference
        ("file_operations", "read_iter", "file", False),
        ("file_operations", "poll", "device", False),
        ("file_operations", "release", "file", True),
        ("file_operations", "release", "bpf", True),
        ("file_operations", "unlocked_ioctl", "queue", True),
        ("file_operations", "unlocked_ioctl", "inode", False),
        ("super_operations", "put_super", "mount", True),
        ("super_operations", "put_super", "superblock", True),
        ("super_operations", "evict_inode", "inode", True),
        ("super_operations", "evict_inode", "mount", False),
        ("inode_operations", "unlink", "dentry", True),
        ("inode_operations", "getattr", "inode", False),
        ("platform_driver", "remove", "device", True),
        ("platform_driver", "probe", "device", False),
        ("configfs_group_operations", "drop_item", "block", True),
        ("key_type", "revoke", "key", True),
        ("proto_ops", "release", "socket", True),
        # memory is no promise, whoever frees it
        ("vm_operations_struct", "close", "memory", False),
        # of what no table knows the resource is unknown
        ("vm_operations_struct", "close", "structural", True),
        ("vm_operations_struct", "fault", "structural", False),
    ],
)
def test_an_entry_carries_the_promise_of_what_it_can_end(struct, member, family, carries):
    (entry,) = KERNEL.entries_of(struct, member)
    assert KERNEL.carries(entry.ends, family) is carries


@pytest.mark.parametrize(
    ("name", "called", "family", "carries"),
    [
        ("umount", "umount2", "mount", True),
        ("umount", "umount2", "block", True),
        ("umount", "umount2", "socket", False),
        ("close", "close", "rdma", True),
        ("exit_group", "exit_group", "mm", True),
        ("unlinkat", "unlinkat", "inode", True),
        ("unlinkat", "unlinkat", "file", False),
        ("delete_module", "delete_module", "module", True),
        ("setns", "setns", "net-ns", True),
        ("keyctl", "keyctl", "key", True),
    ],
)
def test_a_system_call_carries_the_promise_of_what_it_can_end(name, called, family, carries):
    call = KERNEL.system_calls[name]
    assert call.called == called
    assert KERNEL.carries(call.ends, family) is carries


@pytest.mark.parametrize("name", ["fsmount", "pivot_root", "fork", "clone3", "read", "mount"])
def test_a_system_call_that_ends_nothing_has_no_row(name):
    assert name not in KERNEL.system_calls


def test_an_operation_is_known_by_struct_and_member_never_by_its_member_alone():
    (known,) = KERNEL.entries_of("file_operations", "release")
    assert known.struct == "file_operations"
    assert not KERNEL.entries_of("some_driver_ops", "release")
    assert not KERNEL.entries_of("file_operations_of_some_driver", "release")
    assert not KERNEL.entries_of("", "release")


def test_every_family_says_what_it_releases():
    assert KERNEL.resources.keys() == FAMILIES
    assert [name for name, kinds in KERNEL.resources.items() if not kinds] == ["memory"]


def test_every_resource_that_a_family_releases_can_be_ended_by_somebody_user_space_waits_for():
    ended = {kind for call in KERNEL.system_calls.values() for kind in call.ends}
    ended.update(kind for entry in KERNEL.entries if entry.reaches_user for kind in entry.ends)
    for family, kinds in KERNEL.resources.items():
        assert set(kinds) <= ended, family


def test_members_that_run_in_two_contexts_say_both():
    by_name = {(entry.struct, entry.member): entry for entry in KERNEL.entries}
    for key in (
        ("file_operations", "release"),
        ("file_system_type", "kill_sb"),
        ("block_device_operations", "release"),
        ("proto_ops", "release"),
        ("vm_operations_struct", "close"),
    ):
        contexts = set(by_name[key].contexts)
        assert "task" in contexts
        assert contexts & DEFERRED


@pytest.mark.parametrize(
    ("kind", "text", "context"),
    [
        ("parameter", "struct work_struct work", "workqueue"),
        ("parameter", "struct rcu_head head", "rcu-callback"),
        ("parameter", "struct timer_list t", "softirq"),
        ("parameter", "struct hrtimer timer", "hardirq"),
        ("parameter", "struct callback_head head", "task"),
        ("parameter", "struct kthread_work work", "kthread"),
        ("parameter", "struct napi_struct napi, int budget", "softirq"),
        ("parameter", "int irq, void data", "hardirq"),
        ("returns", "static irqreturn_t", "hardirq"),
        ("returns", "enum hrtimer_restart", "hardirq"),
        ("name", "lamp_release_work", "workqueue"),
        ("name", "lamp_workfn", "workqueue"),
        ("name", "lamp_free_rcu", "rcu-callback"),
        ("name", "lamp_irq", "hardirq"),
        ("name", "interrupt", "hardirq"),
        ("name", "lamp_interrupt", "hardirq"),
        ("name", "lamp_irq_thread", "kthread"),
        ("name", "lamp_garbage_thread", "kthread"),
        ("name", "lamp_flush_work", "workqueue"),
        ("name", "lamp_rx_tasklet", "softirq"),
        ("parameter", "struct hci_dev hdev, void data, struct sk_buff skb", "workqueue"),
        ("parameter", "struct hci_dev hdev, u8 status", "workqueue"),
        ("parameter", "struct hci_dev hdev, void data, int err", "workqueue"),
        ("parameter", "const struct firmware fw, void context", "workqueue"),
        ("parameter", "void data, async_cookie_t cookie", "workqueue"),
        ("parameter", "struct usb_ep ep, struct usb_request req", "hardirq"),
        ("parameter", "struct mbox_client cl, void mssg", "hardirq"),
        ("parameter", "struct ib_event_handler handler, struct ib_event event", "workqueue"),
        ("parameter", "struct kiocb iocb, long ret", "softirq"),
        ("parameter", "struct request rq, blk_status_t error", "softirq"),
        (
            "parameter",
            "struct rpmsg_device rpdev, void data, int len, void priv, u32 src",
            "workqueue",
        ),
        ("parameter", "struct crypto_async_request req, int err", "softirq"),
        ("parameter", "int status, struct mlx5_async_work context", "hardirq"),
        ("name", "lamp_timer_fn", "softirq"),
        ("name", "lamp_end_io", "softirq"),
        ("name", "nfsd4_lamp_cleanup", "kthread"),
        ("name", "lamp_shrink_scan", "task"),
        ("name", "lamp_shrink_scan", "kthread"),
        ("trace", "this happens when kswapd runs the shrinker", "kthread"),
        ("trace", " process_one_work+0x1a7/0x360", "workqueue"),
        ("trace", " rcu_do_batch+0x1ab/0x520", "rcu-callback"),
        ("trace", " __do_softirq+0xd1/0x2c1", "softirq"),
        ("trace", "in_atomic(): 1, irqs_disabled(): 0, pid: 12", "softirq"),
        ("trace", "BUG: sleeping function called from invalid context at a.c:1", "softirq"),
        ("trace", "this is called from softirq context", "softirq"),
        ("trace", "the put may come from hard irq context", "hardirq"),
    ],
)
def test_hints_tell_the_context(kind, text, context):
    found = {
        hint.context for hint in KERNEL.hints if hint.kind == kind and hint.pattern.search(text)
    }
    assert context in found


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("parameter", "struct lamp lamp, struct work_struct work"),
        ("parameter", "struct work_struct work, int cpu"),
        ("parameter", "struct hci_dev hdev"),
        ("parameter", "struct request rq, int tag"),
        ("name", "lamp_network"),
        ("name", "lamp_release_irq"),
        ("name", "free_irq"),
        ("name", "lamp_framework"),
        ("name", "lamp_cancel_work"),
        ("name", "lamp_schedule_dim_work"),
        ("name", "lamp_stop_garbage_thread"),
        ("name", "lamp_start_timer"),
        ("name", "lamp_enable_napi"),
        ("name", "lamp_get_rcu"),
        ("name", "lamp_release"),
        ("name", "thread_lamp"),
        ("name", "nfsd_shutdown_net"),
        ("name", "nfsd_startup_generic"),
        ("trace", "shrinking the table saves memory"),
        ("trace", "the work is done in process context"),
    ],
)
def test_hints_stay_quiet(kind, text):
    assert not [hint for hint in KERNEL.hints if hint.kind == kind and hint.pattern.search(text)]


def looks_like_teardown(name):
    return bool(KERNEL.teardown.search(name)) and not KERNEL.not_teardown.search(name)


@pytest.mark.parametrize(
    "name",
    [
        "lamp_release",
        "lamp_destroy",
        "lamp_put",
        "__lamp_put",
        "lamp_teardown",
        "lamp_cleanup",
        "free_lamp",
        "lamp_free",
        "put_lamp",
        "lamp_unregister",
        "unregister_lamp",
        "lamp_shutdown",
        "lamp_disconnect",
        "lamp_exit",
        "lamp_kill_all",
        "destroy_lamp_queue",
        "lampInfo_put",
        "lamp_close_session",
        "unpin_lamp_pages",
        "lamp_drop_ref",
        "remove_lamp",
        "lamp_fini",
    ],
)
def test_names_of_a_teardown(name):
    assert looks_like_teardown(name)


@pytest.mark.parametrize(
    "name",
    [
        "put_user",
        "__put_user",
        "put_cpu",
        "put_cpu_ptr",
        "put_unaligned_le32",
        "seq_puts",
        "seq_put_decimal_ull",
        "list_del",
        "list_del_init",
        "hlist_del_rcu",
        "rb_erase",
        "clear_bit",
        "test_and_clear_bit",
        "spin_unlock_irqrestore",
        "mutex_unlock",
        "kfree",
        "kfree_rcu",
        "kvfree",
        "vfree",
        "xa_erase",
        "idr_remove",
        "ida_free",
        "hash_del",
        "nla_put_u32",
        "skb_put",
        "lamp_lookup",
        "get_lamp",
        "lamp_is_closed",
        "lamp_register",
        "del_timer_sync",
        "cancel_work_sync",
        "flush_workqueue",
        "kmem_cache_free",
        "atomic_dec_and_test",
        "refcount_dec_and_test",
        "set_lamp_exit_code",
        "free_percpu",
        "lamp_init",
        "lamp_alloc",
        "update_lamp",
        "wake_up_process",
        "complete",
    ],
)
def test_names_of_no_teardown(name):
    assert not looks_like_teardown(name)


@pytest.mark.parametrize(
    "text",
    [
        "err",
        "error",
        "fail",
        "err_unlock",
        "fail_put",
        "out_err",
        "free_lamp_err",
        "ret < 0",
        "ret",
        "IS_ERR(lamp)",
        "ret == -EBUSY",
        "unlikely(err)",
        "rc != 0",
    ],
)
def test_error_paths(text):
    assert KERNEL.error_path.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "out",
        "lazy",
        "lamp->dead",
        "again",
        "count > 3",
        "unlock",
        "done",
        "next",
        "out_free",
        "out_put_lamp",
    ],
)
def test_paths_that_are_no_error(text):
    assert not KERNEL.error_path.search(text)


def test_lists_have_both_ends():
    assert KERNEL.list_adds["llist_add"] == (0, 1)
    assert KERNEL.list_adds["skb_queue_tail"] == (1, 0)
    assert KERNEL.list_drains["llist_del_all"] == 0
    assert KERNEL.list_drains["list_for_each_entry_safe"] == 2
    assert {"work_struct", "rcu_head", "timer_list"} <= KERNEL.deferral_types
    assert "kref_put" in KERNEL.refcount_puts


def test_rules_cover_every_family():
    spoken = {family for rule in RULES for family in rule.families}
    assert spoken >= FAMILIES


def test_every_rule_says_what_to_do():
    for rule in RULES:
        assert re.fullmatch(r"[a-z][a-z0-9-]+", rule.id)
        assert rule.title
        assert rule.advice
        assert rule.symptoms


def test_a_documented_rule_has_the_whole_outline():
    assert [problem for rule in RULES if rule.documentation for problem in problems(rule)] == []
    assert len(OUTLINE) == 7
