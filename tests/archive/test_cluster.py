from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import archive_kit as kit
import pytest

from patchlint.archive import sources
from patchlint.archive.many import Cluster
from patchlint.archive.progress import Quiet
from patchlint.archive.scan import scan
from patchlint.archive.store import Store

QUERY = "SELECT message_id, rule, message, fingerprint FROM findings ORDER BY message_id"


class Killer(Quiet):
    """Ends a worker process as soon as the first results are in."""

    def __init__(self, victim) -> None:
        self.victim = victim
        self.done = 0

    def advance(self, count: int) -> None:
        self.done += count
        if self.victim.poll() is None:
            self.victim.kill()
            self.victim.wait()


@pytest.fixture(name="cluster")
def _cluster(tmp_path):
    """A scheduler and two workers on loopback: address and worker processes."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)]),
        "PYTHONWARNINGS": "ignore",
    }
    file = tmp_path / "scheduler.json"
    common = {"env": environment, "stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    scheduler = subprocess.Popen(
        [
            sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1",
            "--port", "0", "--no-dashboard", "--scheduler-file", str(file),
        ],
        **common,
    )  # fmt: skip
    worker = [
        sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file),
        "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
        "--local-directory", str(tmp_path),
    ]  # fmt: skip
    workers = [subprocess.Popen(worker, **common) for _ in range(2)]
    while not file.is_file() or not file.read_text():
        assert scheduler.poll() is None
        time.sleep(0.05)
    import json

    try:
        yield json.loads(file.read_text())["address"], workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def scanned(inbox: Path, store: Path, executor, progress) -> list[tuple]:
    with Store(str(store)) as opened, executor:
        scan([str(inbox)], opened, executor.settings, executor, progress)
        return [tuple(row) for row in opened.rows(QUERY)]


def expected(inbox: Path, store: Path) -> list[tuple]:
    kit.run([inbox], store)
    with Store(str(store), write=False) as opened:
        return [tuple(row) for row in opened.rows(QUERY)]


def both_ready(address: str) -> None:
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(2, timeout=60)


def test_lost_worker_costs_nothing(tmp_path, monkeypatch, cluster):
    address, workers = cluster
    monkeypatch.setattr(sources, "PORTION_MAILS", 10)
    inbox = kit.epoch(tmp_path / "0.git", kit.mixture(60))
    both_ready(address)
    killer = Killer(workers[0])
    found = scanned(inbox, tmp_path / "many.db", Cluster(address, kit.settings()), killer)
    assert workers[0].poll() is not None
    assert killer.done >= 60
    assert found == expected(inbox, tmp_path / "one.db")


def test_workers_without_a_clone_get_the_mails(tmp_path, cluster):
    address, _workers = cluster
    inbox = kit.epoch(tmp_path / "0.git", kit.mixture(30))
    both_ready(address)
    nowhere = Cluster(address, kit.settings(), clones=str(tmp_path / "nowhere"))
    found = scanned(inbox, tmp_path / "many.db", nowhere, Quiet())
    assert found == expected(inbox, tmp_path / "one.db")


def test_workers_read_their_own_clones(tmp_path, cluster):
    address, _workers = cluster
    inbox = kit.epoch(tmp_path / "here" / "list" / "0.git", kit.mixture(30))
    subprocess.run(
        ["git", "clone", "-q", "--mirror", str(inbox), str(tmp_path / "there" / "list" / "0.git")],
        check=True,
    )
    both_ready(address)
    there = Cluster(address, kit.settings(), clones=str(tmp_path / "there"))
    found = scanned(inbox, tmp_path / "many.db", there, Quiet())
    assert found == expected(inbox, tmp_path / "one.db")


def test_slow_series_is_a_limitation_there_too(tmp_path, cluster):
    address, _workers = cluster
    posts = [kit.patch(1, 1, name, kit.BAD, day=day) for day, name in enumerate(("slow", "last"))]
    inbox = kit.epoch(tmp_path / "0.git", posts)
    both_ready(address)
    chosen = kit.settings("Trouble", limit=2.0)
    found = scanned(inbox, tmp_path / "many.db", Cluster(address, chosen), Quiet())
    assert [row[0] for row in found] == ["last-v1-1@example.org"]


def test_no_scheduler_is_said():
    with pytest.raises(sources.SourceError, match="no scheduler"):
        Cluster("tcp://127.0.0.1:9", kit.settings()).__enter__()
