"""Watches the rows of the cleanup tables on running kernels.

usage: harness.py fetch FOLDER
       harness.py record FOLDER/SERIES FILE [WORKLOAD...]
       harness.py events KERNEL SERIES FILE
       harness.py judge FILE...
       harness.py seen FILE...

``fetch`` downloads Debian's kernel images and headers, ``record`` boots one, runs the
workloads of ``guest/`` and writes what was traced; ``events`` does so with the script that
the finding of a series gets.  ``judge`` prints what comes of a trace, ``seen`` writes it into
the rows' ``seen``.  Nothing is installed.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edit_rows import set_keys

from patchlint import run
from patchlint.confirm import claim, cpio, guest, plan
from patchlint.confirm.script import script
from patchlint.ruleset.load import load

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RECORDED = HERE / "recorded"
#: what a run may take, in seconds; a busy machine without KVM needs some minutes
PATIENCE = 1500

MODULES = """
crc32c_generic libcrc32c loop ext4 xfs overlay fuse cuse dummy tun veth bridge 8021q macvlan
brd null_blk scsi_debug sd_mod nbd zram uinput evdev vhost_net nfsd autofs4 vcan snd_dummy
af_alg algif_hash kcm sctp sit iptable_filter pcspkr configfs dummy_hcd tcp_diag
"""
DROPS = {
    "task work": (
        "dput iput deactivate_super __fput_sync blkdev_put bdev_fput sock_release mmput "
        "mmput_async put_net put_ipc_ns put_user_ns put_mnt_ns put_pid_ns put_files_struct "
        "kern_unmount simple_release_fs put_fs_context device_unregister unregister_netdev "
        "misc_deregister proc_remove debugfs_remove platform_device_unregister kobject_put "
        "kset_unregister class_destroy unregister_chrdev bpf_link_put"
    ),
    "task taskwork work workflush dwork rcuwork rcu timer kthread": "fput",
    "task taskwork work workflush dwork rcuwork kthread": "mntput",
    "task work kthread rcuwork": "path_put filp_close",
    "task work rcu timer": "bpf_prog_put bpf_map_put put_task_struct",
}
#: a kernel thread that closes a file by itself is a BUG before 6.4
RISKY = {"__fput_sync:task", "put_files_struct:rcu"}

COMMANDS = r"""
T=/sys/kernel/tracing
I=$T/instances/probe
mount -t cgroup2 cg /sys/fs/cgroup
mount -t debugfs debug /sys/kernel/debug
mkdir -p /dev/pts && mount -t devpts pts /dev/pts
mknod /dev/loop0 b 7 0 2>/dev/null
ip link set lo up
insmod /drops.ko || echo "harness: no drops"
dd if=/dev/zero of=/tmp/disk bs=1M count=12 2>/dev/null
zcat /disk.gz > /tmp/disk
losetup /dev/loop0 /tmp/disk
dd if=/dev/zero of=/tmp/swap bs=1M count=1 2>/dev/null
losetup /dev/loop3 /tmp/swap && mkswap /dev/loop3 >/dev/null && swapon /dev/loop3
mkdir $I
echo 0 > $I/tracing_on
echo counter > $I/trace_clock
echo 40000 > $I/buffer_size_kb
while read -r line; do
	echo "$line" >> $T/kprobe_events 2>/dev/null || echo "no $line"
done < /probes > /tmp/unset
for e in $I/events/[dw]_*/[cf]_*; do
	echo stacktrace > $e/trigger
done
echo 1 > $I/events/raw_syscalls/sys_enter/enable
echo "harness: $(wc -l < $T/kprobe_events) probes"
/workloads $(cat /names)
stty -F /dev/ttyS1 raw
dmesg | grep -E 'BUG|Oops|WARNING' | head -5
{
	echo "# $(cat /proc/version)"
	sed 's/^no /# unset /' /tmp/unset
	awk -f /fold.awk $I/trace
} | gzip -c > /dev/ttyS1
"""


@dataclass(frozen=True)
class Row:
    """A cleanup row that can be watched."""

    name: str
    probe: str
    final: tuple[str, ...]
    kind: str
    task: str
    deferred: str


def rows():
    """The rows that name a workload."""
    cleanups = load(cached=False).kernel.cleanups
    return [
        Row(one.name, one.probe, one.final or (one.name,), one.kind, one.task, one.deferred)
        for one in cleanups.values()
        if one.probe is not None
    ]


def group(probe):
    """The group of probes of a workload, or of the drops of a function (``fput:``)."""
    return f"d_{probe[:-1]}" if probe.endswith(":") else f"w_{probe}"


def probes(watched):
    """Lines for kprobe_events; those whose name begins with c_ or f_ get a stack."""
    lines = {}
    for row in watched:
        where = group(row.probe)
        lines[f"p:{where}/c_{row.name} {row.name}"] = None
        lines[f"r64:{where}/r_{row.name} {row.name}"] = None
        for final in row.final:
            if final != row.name:
                lines[f"p:{where}/f_{final} {final}"] = None
    return list(lines)


def drops():
    """Names of the drops, the risky ones last."""
    names = [
        f"{what}:{how}"
        for ways, whats in DROPS.items()
        for what in whats.split()
        for how in ways.split()
    ]
    return [one for one in names if one not in RISKY]


# ---- the guest ----


def packages(pattern):
    """Names of Debian's packages that apt knows, newest last."""
    found = subprocess.run(
        ["apt-cache", "pkgnames", pattern], capture_output=True, text=True, check=True
    )
    return sorted(found.stdout.split(), key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def fetch(folder):
    """Download the newest images of both series, with headers; prints the files."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for series, pattern in (
        ("6.1", r"linux-image-6\.1\.0-\d+-amd64"),
        ("6.12", r"linux-image-6\.12\.\d+\+deb\d+-amd64"),
    ):
        names = [one for one in packages(f"linux-image-{series}.") if re.fullmatch(pattern, one)]
        if not names:
            raise SystemExit(f"apt knows no kernel {series}")
        abi = names[-1].removeprefix("linux-image-")
        wanted = [
            names[-1],
            f"linux-headers-{abi}",
            f"linux-headers-{abi.removesuffix('-amd64')}-common",
            f"linux-kbuild-{abi.removesuffix('-amd64') if series != '6.1' else series}",
        ]
        subprocess.run(["apt-get", "-qq", "download", *wanted], check=True, cwd=place)
        root = place / series
        for package in wanted:
            (deb,) = place.glob(f"{package}_*.deb")
            subprocess.run(["dpkg", "-x", deb, root], check=True)
            deb.unlink()
        print(root)


def compile_workloads(place):
    """The static program of all workloads."""
    out = place / "workloads"
    source = HERE / "guest" / "workloads.c"
    command = ["gcc", "-static", "-O1", "-pthread", "-o", out, source]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return out.read_bytes()


def compile_drops(root, release, place):
    """The module that drops, built for the kernel under ``root``."""
    folder = place / "drops"
    folder.mkdir()
    shutil.copy(HERE / "guest" / "drops.c", folder)
    (folder / "Makefile").write_text("obj-m := drops.o\n")
    headers = root / "usr/src" / f"linux-headers-{release}"
    common = root / "usr/src" / f"linux-headers-{release.removesuffix('-amd64')}-common"
    (headers / "Makefile").write_text(f"include {common.resolve()}/Makefile\n")
    command = [
        "make",
        "-s",
        "-C",
        headers.resolve(),
        f"M={folder}",
        "CC=gcc",
        "CONFIG_DEBUG_INFO_BTF_MODULES=",
        "modules",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "drops.ko").read_bytes()


def disk(place):
    """A packed ext4 file system with a journal."""
    image = place / "disk"
    image.write_bytes(b"\0" * (12 << 20))
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", image], check=True)
    subprocess.run(["tune2fs", "-j", image], check=True, capture_output=True)
    return gzip.compress(image.read_bytes(), 6)


def record(folder, out, *only):
    """Boot the kernel in ``folder``, run all workloads, write the folded trace to ``out``."""
    root = Path(folder)
    kernel = guest.find_kernel(root)
    watched = rows()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        files = [
            cpio.file("workloads", compile_workloads(place), run=True),
            cpio.file("drops.ko", compile_drops(root, kernel.release, place)),
            cpio.file("disk.gz", disk(place)),
            cpio.file("probes", ("\n".join(probes(watched)) + "\n").encode()),
            cpio.file("names", " ".join(only or names(watched)).encode()),
            cpio.file("fold.awk", (ROOT / "patchlint/confirm/fold.awk").read_bytes()),
        ]
        packed, missing = guest.initramfs(kernel, MODULES.split(), COMMANDS, files)
    if missing:
        print("no such modules:", *missing, file=sys.stderr)
    outcome = guest.boot(kernel, packed, PATIENCE, accelerators=("tcg",), memory=1024)
    print(outcome.console, file=sys.stderr)
    if not outcome.finished or not outcome.data:
        raise SystemExit("the guest did not come to its end")
    Path(out).write_bytes(outcome.data)


def workloads():
    """Names of all workloads, in the order of the table in the program."""
    source = (HERE / "guest" / "workloads.c").read_text()
    table = source[source.index("} all[] = {") :]
    found = re.findall(r"W\((\w+)\)|\{ \"(\w+)\"", table)
    return [short or named for short, named in found]


def names(watched):
    """The workloads and drops that any row is watched in, in their order."""
    wanted = {group(row.probe) for row in watched}
    return [
        one
        for one in (*workloads(), *drops())
        if (f"d_{one.partition(':')[0]}" if ":" in one else f"w_{one}") in wanted
    ]


def plan_of(series):
    """The plan for the loudest finding in a series."""
    report = run.check([str(series)], run.Options(no_tree=True))
    return plan.make(
        claim.choose(claim.of_findings(report.findings), None), load(cached=False).kernel
    )


def events(kernel, series, out):
    """Run the script that ``patchlint confirm`` prints in a guest; keep what it traced."""
    shown = plan_of(series)
    commands = (
        "KEEP=/tmp/events RUNS=10 sh /confirm.sh\n"
        "stty -F /dev/ttyS1 raw\n"
        '{ echo "# $(cat /proc/version)"; cat /tmp/events; } | gzip -c > /dev/ttyS1\n'
    )
    found = guest.find_kernel(Path(kernel))
    files = [cpio.file("confirm.sh", script(shown).encode(), run=True)]
    packed, _ = guest.initramfs(found, shown.workload.modules, commands, files)
    outcome = guest.boot(found, packed, PATIENCE, accelerators=("tcg",))
    print(outcome.console, file=sys.stderr)
    Path(out).write_bytes(outcome.data)


#: what a family is claimed to lose, to have a script: its first row that can be watched, by itself
CLAIM = """{{"rule": "lamp-late", "level": "warning", "family": "{family}", "cleanup": "{cleanup}",
"function": "{cleanup}", "message": "late", "fingerprint": "00", "before": {{}}, "after": {{}},
"path": "{path}"}}"""


def family_plans():
    """Family -> the plan that a finding of its most watched row gets, where there is a workload."""
    kernel = load(cached=False).kernel
    plans = {}
    for family, workload in kernel.workloads.items():
        if workload.script is None:
            continue
        ((one),) = claim.of_json(
            CLAIM.format(family=family, cleanup=SHOWN[family], path=workload.through[0]).encode(),
            family,
        )
        plans[family] = plan.make(one, kernel)
    return plans


#: the release that a family's reproducer is about
SHOWN = {
    "mount": "mntput",
    "file": "fput",
    "path": "path_put",
    "superblock": "deactivate_super",
    "inode": "iput",
    "dentry": "dput",
    "block": "lo_release",
    "queue": "blk_put_queue",
    "mnt-ns": "put_mnt_ns",
    "ipc-ns": "put_ipc_ns",
    "net-ns": "__put_net",
    "pid-ns": "put_pid_ns",
    "user-ns": "__put_user_ns",
    "cgroup": "cgroup_destroy_locked",
    "mm": "mmput",
    "task": "release_task",
    "socket": "__sock_release",
    "netdev": "unregister_netdevice_queue",
    "module": "free_module",
    "device": "tty_release",
    "key": "key_put",
}


def families(kernel, out):
    """Run the script of each family on a stock kernel; keep what it said, with the version."""
    plans = family_plans()
    commands = 'export RUNS=2 SETTLE=1\nip link set lo up\necho "# $(cat /proc/version)"\n'
    commands += "mount -t cgroup2 cg /sys/fs/cgroup\n"
    for family in plans:
        commands += f"echo 'family {family}'\nsh /{family}.sh 2>&1\necho \"status $?\"\n"
    found = guest.find_kernel(Path(kernel))
    files = [
        cpio.file(f"{family}.sh", script(one).encode(), run=True) for family, one in plans.items()
    ]
    modules = [name for one in plans.values() for name in one.workload.modules]
    packed, _ = guest.initramfs(found, modules, commands, files)
    outcome = guest.boot(found, packed, PATIENCE, accelerators=("tcg",))
    said = outcome.console.partition(guest.HELLO + "\n")[2]
    # what the kernel itself prints on the console is no part of it
    lines = [line for line in said.splitlines() if not re.match(r"\[ *\d+\.\d+\]", line)]
    Path(out).write_text("\n".join([f"# of {reproducers()}", *lines]).rstrip() + "\n")


def reproducers():
    """A digest of all reproducers."""
    workloads_ = load(cached=False).kernel.workloads
    text = "".join(one.script or "" for _, one in sorted(workloads_.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# ---- what comes of a trace ----


@dataclass(frozen=True)
class Observation:
    """One release that was the last one: where it was called, by when it was done, where."""

    kernel: str
    workload: str
    release: str
    called: str
    by: str
    final: str
    where: str
    frames: str


def read(path):
    """The kernel's version and the folded events of a recorded trace."""
    text = gzip.decompress(Path(path).read_bytes()).decode("utf-8", "replace")
    head = text.partition("\n")[0]
    # distributions number their builds in the release, and name the version beside it
    found = re.findall(r"Debian (\d+\.\d+\.\d+)", head) or re.findall(r"\d+\.\d+\.\d+", head)[:1]
    return found[-1], text


def observations(path, watched):
    """All that the judge of ``patchlint confirm`` sees in a recorded trace."""
    version, text = read(path)
    frames = load(cached=False).kernel.frames
    lines = ["everyone"]
    lines += [f"frame {name} {context}" for name, context in frames.items()]
    lines += [f"final {row.name} {one}" for row in watched for one in row.final]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plan").write_text("\n".join(lines) + "\n")
        (Path(folder) / "events").write_text(text)
        judge = ROOT / "patchlint/confirm/judge.awk"
        done = subprocess.run(
            ["awk", "-f", judge, f"{folder}/plan", f"{folder}/events"],
            capture_output=True,
            text=True,
            check=True,
        )
    for line in done.stdout.splitlines():
        workload, release, called, by, final, where, _task, _caller, stack = line.split("\t")
        yield Observation(version, workload, release, called, by, final, where, stack)


def own(row, seen):
    """Whether the workload of an observation is the one that the row names."""
    return (
        seen.workload.startswith(row.probe)
        if row.probe.endswith(":")
        else (seen.workload == row.probe)
    )


def expected(row, seen):
    """The guarantee that the row states for where the release was called."""
    return row.task if seen.called == "task" else row.deferred


def agrees(row, seen):
    """Whether what was seen is what the row states.

    Of what ran later a trace tells the context: an RCU callback is what a grace period ends with.
    """
    states = expected(row, seen)
    by_rcu = seen.by == "eventually" and seen.where == "rcu-callback"
    return states == ("after-grace-period" if by_rcu and states != seen.by else seen.by)


def judged(path):
    """Row -> its observations on one kernel, of the workload that the row names."""
    watched = {row.name: row for row in rows()}
    found = {name: [] for name in watched}
    for seen in observations(path, watched.values()):
        row = watched.get(seen.release)
        if row is not None and own(row, seen) and seen.by != "otherwise":
            found[row.name].append(seen)
    return watched, found


def told(row, seen):
    """One observation in a line, and whether the row says the same."""
    says = "agrees" if agrees(row, seen) else f"DIFFERS: {row.task}, {row.deferred}"
    return f"{seen.workload}\t{seen.called}\t{seen.by}\t{seen.final} in {seen.where}\t{says}"


def judge_all(*paths):
    """Print each row: what it says and what was seen; contradictions are marked."""
    for path in paths:
        watched, found = judged(path)
        for name, seen in sorted(found.items()):
            row = watched[name]
            lines = dict.fromkeys(
                (
                    one.workload,
                    one.called,
                    one.by,
                    one.final,
                    one.where,
                    agrees(row, one),
                )
                for one in seen
            )
            if not lines:
                print(f"{path}\t{name}\t{row.probe}\tNOT SEEN")
            for workload, called, by, final, where, agrees in lines:
                mark = "agrees" if agrees else f"DIFFERS from {row.task}, {row.deferred}"
                print(f"{path}\t{name}\t{workload}\t{called}\t{by}\t{final} in {where}\t{mark}")


#: rows that are true for one of the kernels alone: (row, series) -> why the other differs
EXPLAINED = {
    ("bpf_link_put", "6.1"): "inside of the call, a work item in atomic context only",
}


def agreed(paths):
    """Row -> versions on which each release of its workload was done as the row says."""
    versions = {}
    for path in paths:
        version = read(path)[0]
        watched, found = judged(path)
        for name, seen in found.items():
            if seen and all(agrees(watched[name], one) for one in seen):
                versions.setdefault(name, []).append(version)
    return versions


def write_seen(*paths):
    """Write into ``seen`` of each row the versions that it was watched on."""
    versions = agreed(paths)
    changes = {row.name: {"seen": versions.get(row.name)} for row in rows()}
    left = set_keys(changes)
    print(f"{sum(1 for one in changes.values() if one['seen'])} rows seen", *left)


def main(arguments):
    command, *rest = arguments
    commands = {
        "fetch": fetch,
        "record": record,
        "events": events,
        "families": families,
        "judge": judge_all,
        "seen": write_seen,
    }
    return commands[command](*rest)


if __name__ == "__main__":
    main(sys.argv[1:])
