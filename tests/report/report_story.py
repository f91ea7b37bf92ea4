"""A made-up series that puts lazily detached nests from a worker, and its report."""

from __future__ import annotations

from msgspec.structs import replace

from patchlint.model.effect import EntryChain, Promise, Step
from patchlint.model.finding import Accepted, Finding, HunkLine, PatchRef, Report, SeriesRef
from patchlint.model.kernel import Rule
from patchlint.model.problem import InputError, Limitation, Note
from patchlint.model.record import Judgement, Track

PATH = "fs/burrow/nest.c"


def _lines(*lines: tuple[str, str, int | None, int | None, bool]) -> tuple[HunkLine, ...]:
    return tuple(HunkLine(*line) for line in lines)


LAZY = Finding(
    rule="mount-put-deferred",
    level="error",
    confidence="high",
    series=0,
    patch=2,
    message_id="20300102-nest-v3-2-5d1f@example.org",
    commit=None,
    path=PATH,
    line=214,
    side="post",
    function="burrow_unlock",
    family="mount",
    cleanup="mntput",
    before=Promise(
        context="task",
        guarantee="before-return-to-user",
        chain=(
            Step("burrow_detach", PATH, 402, "drops the lock on its way out"),
            Step("burrow_unlock", PATH, 198, "waits for readers, then puts each nest"),
            Step("nest_put", PATH, 121, "last reference"),
            Step("mntput", "fs/burrow/super.c", 77, "puts the mount before the task returns"),
        ),
    ),
    after=Promise(
        context="workqueue",
        guarantee="eventually",
        chain=(
            Step("burrow_detach", PATH, 415, "drops the lock on its way out"),
            Step("burrow_unlock", PATH, 214, "queues the list when detached lazily"),
            Step("nest_reaper", PATH, 187, "runs in a kworker after a grace period"),
            Step("nest_put", PATH, 121, "last reference"),
            Step("mntput", "fs/burrow/super.c", 77, "puts the mount whenever the worker runs"),
        ),
        mechanism="queue_rcu_work",
        callback="nest_reaper",
    ),
    condition="flags & BURROW_LAZY",
    entry_points=(
        EntryChain(
            "umount",
            "syscall",
            ("__do_sys_umount", "burrow_umount", "burrow_detach", "burrow_unlock"),
        ),
        EntryChain(
            "exit of the last task of a burrow",
            "namespace",
            ("free_nsproxy", "burrow_drop", "burrow_unlock"),
        ),
    ),
    symptoms=(
        "EBUSY when the device is opened exclusively right after umount",
        "a loop device that still shows as in use",
    ),
    advice=(
        "keep the puts in the task and defer only the wait for readers",
        "or wait for the worker before burrow_detach returns",
    ),
    message=(
        "mntput() for a lazily detached nest moves from the unmounting task to a kworker, "
        "so umount can return with the file system still mounted"
    ),
    fingerprint="5b2e0c94a1d7",
    why=(
        "mntput() finishes before return to user space only in a task; in a kworker it is "
        "put on a delayed list that nobody waits for"
    ),
    evidence=(
        "queue_rcu_work() at fs/burrow/nest.c:214 starts nest_reaper()",
        "nest_reaper() is bound to reap_work at fs/burrow/nest.c:531 in patch 1",
        "no flush of burrow_wq on this path",
    ),
    also=("dput",),
    hunk=_lines(
        (" ", "\tup_write(&burrow_sem);", 196, 209, False),
        (" ", "", 197, 210, False),
        ("-", "\tsynchronize_rcu_expedited();", 198, None, True),
        ("-", "\thlist_for_each_entry_safe(n, p, &head, gone)", 199, None, False),
        ("-", "\t\tnest_put(n);", 200, None, True),
        ("+", "\tif (lazy) {", None, 211, False),
        ("+", "\t\thlist_move_list(&head, &reap->head);", None, 212, False),
        ("+", "\t\tINIT_RCU_WORK(&reap->work, nest_reaper);", None, 213, False),
        ("+", "\t\tqueue_rcu_work(burrow_wq, &reap->work);", None, 214, True),
        ("+", "\t\treturn;", None, 215, False),
        ("+", "\t}", None, 216, False),
    ),
    quote=(
        f"--- a/{PATH}",
        f"+++ b/{PATH}",
        "@@ -194,7 +207,16 @@ static void burrow_unlock(bool lazy)",
        " \tup_write(&burrow_sem);",
        " ",
        "-\tsynchronize_rcu_expedited();",
        "[...]",
        "-\t\tnest_put(n);",
        "+\tif (lazy) {",
        "[...]",
        "+\t\tqueue_rcu_work(burrow_wq, &reap->work);",
    ),
)

LAZY = replace(
    LAZY,
    precedent=Judgement(
        message_id="20190501-den-1@example.org",
        list="linux-burrow",
        date="2019-05-01",
        title="0123456789ab",
        rule="mount-put-deferred",
        family="mount",
        function="den_unlock",
        cleanup="mntput",
        mechanism="queue_work",
        folder="fs/den",
        fingerprint="a1b2c3d4e5f6",
        level="warning",
        confidence="high",
        version="1.0.0",
        today="warning",
        verdict="right",
        outcome="reverted",
        line="a worker puts the den that umount promised to have put",
    ),
    track=Track("mount-put-deferred", 9, 1, 2, 1, {"dropped": 3, "kept": 2, "reverted": 1}),
)

FILE = Finding(
    rule="file-put-deferred",
    level="warning",
    confidence="medium",
    series=0,
    patch=3,
    message_id="20300102-nest-v3-3-5d1f@example.org",
    commit=None,
    path="drivers/burrow/tunnel.c",
    line=88,
    side="post",
    function="tunnel_release",
    family="file",
    cleanup="fput",
    before=Promise(
        context="unknown",
        guarantee="before-return-to-user",
        chain=(
            Step("tunnel_release", "drivers/burrow/tunnel.c", 80, "takes the backing file away"),
            Step("fput", "drivers/burrow/tunnel.c", 84, "puts it as task work"),
        ),
    ),
    after=Promise(
        context="kthread",
        guarantee="eventually",
        chain=(
            Step("tunnel_release", "drivers/burrow/tunnel.c", 88, "wakes the keeper"),
            Step("tunnel_keeper", "drivers/burrow/tunnel.c", 51, "puts it on a delayed list"),
        ),
        mechanism="wake_up_process",
        callback="tunnel_keeper",
    ),
    condition=None,
    entry_points=(),
    symptoms=("the backing file stays open after close()",),
    advice=("call fput() in tunnel_release() and leave the rest to the keeper",),
    message="fput() of the backing file moves from tunnel_release() to a kernel thread",
    fingerprint="c07d19be2244",
    why="fput() in a kernel thread goes to the global delayed list instead of task work",
    evidence=("no caller of tunnel_release() is in the diff",),
    also=(),
    hunk=_lines(
        ("-", "\tfput(t->backing);", 84, None, True),
        ("+", "\twake_up_process(t->keeper);", None, 88, True),
    ),
)

MEMORY = Finding(
    rule="memory-put-deferred",
    level="note",
    confidence="low",
    series=0,
    patch=3,
    message_id="20300102-nest-v3-3-5d1f@example.org",
    commit=None,
    path="drivers/burrow/tunnel.c",
    line=97,
    side="post",
    function="tunnel_free",
    family="memory",
    cleanup="kfree",
    before=Promise("task", "before-call-returns", (Step("tunnel_free", PATH, 95, "frees it"),)),
    after=Promise(
        "rcu-callback",
        "after-grace-period",
        (Step("tunnel_free", PATH, 97, "frees it after a grace period"),),
        mechanism="kfree_rcu",
    ),
    condition=None,
    entry_points=(),
    symptoms=(),
    advice=(),
    message="the tunnel's memory is freed after a grace period",
    fingerprint="90aa41c2fe03",
    why="memory only: user space cannot see that it is late",
    evidence=(),
    also=(),
    hunk=(),
)

SERIES = SeriesRef(
    subject="burrow: make lazy unmount fast",
    version=3,
    base_commit="6f1d3c0b9a8e7766554433221100ffeeddccbbaa",
    cover_message_id="20300102-nest-v3-0-5d1f@example.org",
    expected=4,
    missing=(4,),
    patches=(
        PatchRef(
            1,
            "20300102-nest-v3-1-5d1f@example.org",
            None,
            "burrow: give each nest a reaper",
            (PATH,),
            "Ada Digger <ada@example.org>",
            1893585600.0,
        ),
        PatchRef(
            2,
            "20300102-nest-v3-2-5d1f@example.org",
            None,
            "burrow: put lazily detached nests from a worker",
            (PATH, "fs/burrow/super.c"),
            "Ada Digger <ada@example.org>",
            1893585660.0,
        ),
        PatchRef(
            3,
            "20300102-nest-v3-3-5d1f@example.org",
            None,
            "burrow: let the keeper close tunnels",
            ("drivers/burrow/tunnel.c",),
            "Ada Digger <ada@example.org>",
            1893585720.0,
        ),
    ),
    images="mixed",
    tree=None,
    references=("20300102-nest-v3-0-5d1f@example.org",),
)

STORY = Report(
    version="1.2.3",
    series=(SERIES,),
    findings=(MEMORY, FILE, LAZY),
    limitations=(
        Limitation("mail", "patch 4 of 4 is not in the input", None, SERIES.cover_message_id),
        Limitation("graph", "no tree: callers outside the diff are not known", PATH, None, 198),
    ),
    errors=(InputError("broken.mbox", "the diff ends in the middle of a hunk", None, 31),),
)

#: What a reader has accepted: one by hand, one by a baseline; the author speaks of a third.
ACCEPTED = Report(
    version="1.2.3",
    series=(SERIES,),
    findings=(replace(LAZY, author_says="the reaper is flushed in umount, see patch 4"),),
    limitations=(),
    errors=(),
    accepted=(
        Accepted(FILE, "the keeper is joined before release returns", ".git/config"),
        Accepted(MEMORY, "known before", "baseline known.json"),
    ),
    notes=(Note("patch 3: the author gives a reason for x: there is no such rule", "3@x"),),
)

EMPTY = Report(version="1.2.3", series=(SERIES,), findings=(), limitations=(), errors=())

RULES = {
    "mount-put-deferred": Rule(
        id="mount-put-deferred",
        title="a mount is put outside the task that promised it",
        families=("mount",),
        cleanups=(),
        shape=None,
        level="warning",
        symptoms=("EBUSY after umount",),
        advice=("keep the put in the task",),
        documentation=(
            "# mount-put-deferred\n\nA mount is put outside the task.\n\n"
            "## Why it matters\n\nUser space sees `EBUSY`.\n"
        ),
    )
}
