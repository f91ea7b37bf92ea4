"""Measures a scan of a whole public-inbox epoch, as ratios that another machine can check.

    python tests/bench/scan_bench.py EPOCH.git [--runs 5] [--no-filter] [--checkpatch FILE]

It prints the wall time of a scan by two processes against that of ``git cat-file --batch``
reading the same mails (both timed in turn, medians), of a second run with nothing new,
of an epoch of half the mails, and the largest memory of a process.  With ``--no-filter``
it checks every series as well and compares the findings; with ``--checkpatch`` it times
that on 200 patch mails and extrapolates to all.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from patchlint.archive.sources import Shelf, Source
from patchlint.archive.store import Store

SCAN = [sys.executable, "-m", "patchlint.cli.main", "scan", "--quiet", "--jobs", "2"]
FIELDS = (
    "message_id, rule, level, confidence, message, fingerprint, path, line, condition,"
    " before_chain_json, after_chain_json"
)


def cat_file(epoch: Path, names: Path) -> float:
    """Seconds that git takes to hand over all mails to a process that reads them."""
    started = time.perf_counter()
    with names.open("rb") as wanted:
        process = subprocess.Popen(
            ["git", f"--git-dir={epoch}", "cat-file", "--batch"],
            stdin=wanted, stdout=subprocess.PIPE,
        )  # fmt: skip
        while os.read(process.stdout.fileno(), 1 << 20):
            pass
        process.wait()
    return time.perf_counter() - started


#: kilobytes of the largest process of all scans so far
LARGEST = [0]


def scan(epoch: Path, store: Path, *options: str) -> float:
    """Seconds that a scan into ``store`` takes."""
    started = time.perf_counter()
    process = subprocess.Popen([*SCAN, *options, "--store", str(store), str(epoch)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the scan failed")
    LARGEST[0] = max(LARGEST[0], usage.ru_maxrss)
    return time.perf_counter() - started


def fresh(store: Path) -> Path:
    """``store`` without anything in it."""
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()
    return store


def half_of(epoch: Path, commits: list[str], folder: Path) -> Path:
    """An epoch with the first half of the mails, which shares the objects."""
    half = folder / "half.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "master", str(half)], check=True)
    alternates = half / "objects" / "info" / "alternates"
    alternates.write_text(f"{(epoch / 'objects').resolve()}\n")
    subprocess.run(
        ["git", f"--git-dir={half}", "update-ref", "refs/heads/master",
         commits[len(commits) // 2 - 1]],
        check=True,
    )  # fmt: skip
    return half


def findings(store: Path) -> list[tuple]:
    """All that the store says of each finding, in a stable order."""
    with Store(str(store), write=False) as opened:
        return sorted(map(tuple, opened.rows(f"SELECT {FIELDS} FROM findings")), key=repr)  # noqa: S608


def checkpatch(script: Path, epoch: Path, store: Path) -> tuple[float, int]:
    """Seconds that checkpatch takes for 200 patch mails, and how many patches there are."""
    with Store(str(store), write=False) as opened:
        rows = list(
            opened.rows("SELECT locator FROM messages WHERE patch AND subject LIKE '[PATCH%'")
        )
    random.seed(7)
    chosen = [row["locator"] for row in random.sample(rows, min(200, len(rows)))]
    with Shelf() as shelf:
        mails = shelf.fetch(Source("git", str(epoch), ""), chosen)
    started = time.perf_counter()
    for data in mails.values():
        subprocess.run(
            [str(script), "--no-tree", "--terse", "-"],
            input=data, capture_output=True, check=False,
        )  # fmt: skip
    return time.perf_counter() - started, len(rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("epoch", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-filter", action="store_true")
    parser.add_argument("--checkpatch", type=Path)
    arguments = parser.parse_args()
    epoch = arguments.epoch.resolve()
    listed = subprocess.run(
        ["git", f"--git-dir={epoch}", "rev-list", "--reverse", "HEAD"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    commits = listed.stdout.split()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = folder / "names"
        names.write_text("".join(f"{commit}:m\n" for commit in commits))
        store = folder / "scan.db"
        half = half_of(epoch, commits, folder)
        reading, scanning, halves = [], [], []
        for run in range(arguments.runs):
            reading.append(cat_file(epoch, names))
            scanning.append(scan(epoch, fresh(store)))
            halves.append(scan(half, fresh(folder / "half.db")))
            print(
                f"run {run + 1}: cat-file {reading[-1]:.2f} s, scan {scanning[-1]:.2f} s,"
                f" half {halves[-1]:.2f} s",
                flush=True,
            )
        again = statistics.median(scan(epoch, store) for _ in range(3))
        base, whole = statistics.median(reading), statistics.median(scanning)
        part = statistics.median(halves)
        print(f"mails                        {len(commits)}")
        print(f"git cat-file --batch         {base:.2f} s")
        print(f"scan, 2 processes            {whole:.2f} s = {whole / base:.2f} x cat-file")
        print(f"mails a second               {len(commits) / whole:.0f}")
        print(f"twice the mails              {whole / part:.2f} x the time")
        print(f"second run, nothing new      {again:.2f} s")
        print(f"largest process              {LARGEST[0] / 1024:.0f} MB")
        print(f"findings                     {len(findings(store))}")
        if arguments.checkpatch:
            seconds, patches = checkpatch(arguments.checkpatch, epoch, store)
            all_of_them = seconds / 200 * patches
            print(f"checkpatch.pl on {patches} patches  {all_of_them:.0f} s (from 200)")
            print(f"scan against checkpatch.pl   1/{all_of_them / whole:.0f}")
        if arguments.no_filter:
            everything = scan(epoch, fresh(folder / "all.db"), "--no-filter")
            same = findings(folder / "all.db") == findings(store)
            print(f"every series checked         {everything:.0f} s")
            print(f"the same findings            {'yes' if same else 'NO'}")


if __name__ == "__main__":
    main()
