"""Prints what the tree and the index cost, as ratios to cscope, rg and checkpatch.pl.

    python tests/bench/index_bench.py TREE [--mails FOLDER] [--series MBOX] [--only STEP...]

Each step runs alone, one after another, with a cache folder of its own; nothing is written
to the tree.  Wall clock and processor seconds are both told: the former counts on a quiet
machine, the latter on a busy one.  This is no test: nothing here can fail a build.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAMES = ("mntput", "fput", "dput", "iput", "namespace_unlock", "kref_put", "queue_work", "mmput")

#: Asks for the callers of each name, and prints milliseconds for each.
ASK = """
import sys, time
from patchlint.index import open_facts
from patchlint.patch.trees import open_tree
from patchlint.ruleset.load import load
macros = load().kernel.macros
tree = open_tree(sys.argv[1])
for name in sys.argv[2:]:
    facts = open_facts(tree, macros)
    began = time.perf_counter()
    found = len(facts.callers(name))
    print(name, found, 1000 * (time.perf_counter() - began))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock, seconds of processor time, and the largest process in MB."""

    wall: float
    cpu: float
    memory: float
    output: str = ""


#: Compiled modules are kept, as they are for an installed program.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "patchlint-bench-modules")
}


def cost(command: Sequence[str], folder: Path | None = None, **environment: str) -> Cost:
    """Run a command and return what it cost."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env=_ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, after.ru_maxrss / 1024, done.stdout.decode("utf-8", "replace"))


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each measure."""
    return Cost(
        statistics.median(one.wall for one in costs),
        statistics.median(one.cpu for one in costs),
        max(one.memory for one in costs),
    )


def ratio(title: str, ours: Cost, peer: Cost, goal: float) -> None:
    """Print one comparison."""
    print(
        f"{title}: {ours.wall:.3f} s / {peer.wall:.3f} s = {ours.wall / peer.wall:.2f}"
        f" (processor {ours.cpu:.3f} / {peer.cpu:.3f} = {ours.cpu / peer.cpu:.2f}),"
        f" goal {goal}",
        flush=True,
    )


def patchlint(*arguments: str) -> list[str]:
    """The command line of the program under test, as it is installed where it can be."""
    script = Path(sys.executable).with_name("patchlint")
    program = [str(script)] if script.exists() else [sys.executable, "-m", "patchlint.cli.main"]
    return [*program, *arguments]


def size(folder: Path, pattern: str) -> int:
    """Bytes of the files that match."""
    return sum(path.stat().st_size for path in folder.glob(pattern))


def step_build(tree: Path, work: Path) -> None:
    """A full index, against cscope on the same files."""
    cache = work / "cache"
    ours = cost(patchlint("index", str(tree), "--jobs", "2"), XDG_CACHE_HOME=str(cache))
    print(f"index: {ours.output.strip()}; largest process {ours.memory:.0f} MB, goal 300")
    if shutil.which("cscope") is None:
        print("index: no cscope to compare with")
        return
    peer_folder = work / "cscope"
    peer_folder.mkdir()
    listing = subprocess.run(
        ["git", "-C", str(tree), "ls-files", "*.c", "*.h"], capture_output=True, check=True
    ).stdout.decode()
    names = "".join(f"{tree.resolve() / name}\n" for name in listing.splitlines())
    (peer_folder / "cscope.files").write_text(names, encoding="utf-8")
    peer = cost(["cscope", "-b", "-q", "-k"], peer_folder)
    ratio("index, full", ours, peer, 1.2)
    one, other = size(cache / "patchlint", "index-*"), size(peer_folder, "cscope.*out*")
    print(f"index, size: {one / 1e6:.0f} MB / {other / 1e6:.0f} MB = {one / other:.3f}, goal 0.15")


def step_again(tree: Path, work: Path) -> None:
    """The index after 200 files have changed."""
    clone = work / "clone"

    def git(*arguments: str, data: bytes | None = None) -> str:
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
                    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}  # fmt: skip
        done = subprocess.run(
            ["git", "-C", str(clone), *arguments],
            input=data, capture_output=True, check=True, env=os.environ | identity,
        )  # fmt: skip
        return done.stdout.decode().strip()

    subprocess.run(
        ["git", "clone", "-q", "--shared", "--no-checkout", str(tree), str(clone)], check=True
    )
    git("read-tree", "HEAD")
    names = git("ls-files", "drivers/*.c").splitlines()[:: max(1, 12000 // 200)][:200]
    entries = []
    for name in names:
        text = (tree / name).read_bytes() + b"\n/* changed */\n"
        blob = git("hash-object", "-w", "--stdin", data=text)
        entries.append(f"100644 {blob}\t{name}\n")
    git("update-index", "--index-info", data="".join(entries).encode())
    commit = git("commit-tree", git("write-tree"), "-p", "HEAD", "-m", "change")
    ours = cost(
        patchlint("index", str(clone), "--revision", commit, "--jobs", "2"),
        XDG_CACHE_HOME=str(work / "cache"),
    )
    print(f"index again: {ours.output.strip()}")
    print(f"index again, {len(names)} files changed: {ours.wall:.2f} s, goal 2 s")


def step_callers(tree: Path, work: Path) -> None:
    """Callers of a name, with the index, and without it against rg."""
    ask = [sys.executable, "-c", ASK, str(tree), *NAMES]
    for line in cost(ask, XDG_CACHE_HOME=str(work / "cache")).output.splitlines():
        name, found, milliseconds = line.split()
        print(f"callers of {name}, with index: {float(milliseconds):.1f} ms for {found}, goal 10")
    if shutil.which("rg") is None:
        print("callers: no rg to compare with")
        return
    for name in NAMES:
        peer = median([cost(["rg", "--no-ignore", "-w", name, str(tree)]) for _ in range(3)])
        times = []
        for _ in range(3):
            with tempfile.TemporaryDirectory() as empty:
                answer = cost([*ask[:4], name], XDG_CACHE_HOME=empty)
            times.append(float(answer.output.split()[2]) / 1000)
        wall = statistics.median(times)
        print(
            f"callers of {name}, no index: {wall:.3f} s / rg {peer.wall:.3f} s"
            f" = {wall / peer.wall:.2f}, goal 1.5"
        )


def mails(folder: Path, most: int) -> Iterator[Path]:
    """Some mails of a folder."""
    yield from sorted(path for path in folder.iterdir() if path.is_file())[:most]


def step_mails(tree: Path, work: Path, folder: Path) -> None:
    """One mail, cold process, against checkpatch.pl on the same mail."""
    checkpatch = ["perl", str(tree / "scripts/checkpatch.pl"), "--no-tree", "--terse", "-q"]
    in_tree = ["perl", "scripts/checkpatch.pl", "-q", "--terse", "--no-summary", "--mailback"]
    peer, there, bare, indexed = [], [], [], []
    plain = work / "plain"
    for cache in (plain, work / "cache"):  # the compiled rules are there in any second run
        cost(patchlint("rules"), XDG_CACHE_HOME=str(cache))
    for mail in mails(folder, 40):
        check = patchlint("check", "--tree", str(tree), "--format", "terse", str(mail))
        peer.append(cost([*checkpatch, str(mail)]))
        there.append(cost([*in_tree, "--showfile", str(mail.resolve())], tree))
        for answers in (plain / "patchlint").glob("answers-*"):
            answers.unlink()
        bare.append(cost(check, XDG_CACHE_HOME=str(plain)))
        indexed.append(cost(check, XDG_CACHE_HOME=str(work / "cache")))
    ratio("one mail, no index", median(bare), median(peer), 0.8)
    ratio("one mail, with index", median(indexed), median(peer), 0.5)
    pairs = list(zip(bare, indexed, peer, there, strict=True))
    for title, ours in (("no index", 0), ("with index", 1)):
        each = [statistics.median(p[ours].wall / p[of].wall for p in pairs) for of in (2, 3)]
        print(
            f"one mail, {title}, median of the ratios: {each[0]:.2f}; {each[1]:.2f} against"
            " checkpatch with its tree, as b4 runs it"
        )


def step_series(tree: Path, work: Path, series: Path) -> None:
    """The patches of one series in one process each side."""
    ours = cost(
        patchlint("check", "--tree", str(tree), "--format", "terse", str(series)),
        XDG_CACHE_HOME=str(work / "cache"),
    )
    split = work / "split"
    split.mkdir()
    subprocess.run(["git", "mailsplit", f"-o{split}", str(series)], check=True, capture_output=True)
    parts = [str(path) for path in sorted(split.iterdir())]
    checkpatch = ["perl", str(tree / "scripts/checkpatch.pl"), "--no-tree", "--terse", "-q"]
    ratio(f"one series of {len(parts)} mails", ours, cost([*checkpatch, *parts]), 1.0)


def main() -> None:
    """Run the steps that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("--mails", type=Path, help="folder of mails, one a file")
    parser.add_argument("--series", type=Path, help="mbox of one series")
    parser.add_argument("--only", nargs="+", help="build, again, callers, mails, series")
    parser.add_argument("--work", type=Path, help="keep the index here for another run")
    arguments = parser.parse_args()
    wanted = set(arguments.only or ("build", "again", "callers", "mails", "series"))
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for name in ("clone", "cscope", "split"):
            shutil.rmtree(work / name, ignore_errors=True)
        print(f"load before: {os.getloadavg()[0]:.1f}")
        if "build" in wanted:
            step_build(arguments.tree, work)
        if "again" in wanted:
            step_again(arguments.tree, work)
        if "callers" in wanted:
            step_callers(arguments.tree, work)
        if "mails" in wanted and arguments.mails:
            step_mails(arguments.tree, work, arguments.mails)
        if "series" in wanted and arguments.series:
            step_series(arguments.tree, work, arguments.series)
        print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
