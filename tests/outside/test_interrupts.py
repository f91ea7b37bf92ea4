"""Ctrl-C ends a run in one line, whatever it meets, and no worker prints what it was at."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from patchlint.cli import main as cli
from patchlint.outside import workers

pytestmark = pytest.mark.usefixtures("alone")


def test_it_is_one_line_and_the_status_of_shells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", stop)
    assert cli.main(["rules"]) == 130
    assert capsys.readouterr() == ("", "patchlint: stopped\n")


@pytest.mark.parametrize("name", ["_import_msgspec", "main", "_end"])
def test_what_stands_around_the_guard_is_guarded_too(name: str) -> None:
    program = (
        "import sys\n"
        "from patchlint.cli import main\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        f"main.{name} = stop\n"
        "sys.argv[1:] = ['check', '--help']\n"
        "sys.exit(main.script())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 130
    assert done.stderr == b"patchlint: stopped\n"


def _interrupted_early() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    workers.deaf()
    os.kill(os.getpid(), signal.SIGINT)
    sys.exit(7)


def test_a_worker_passes_over_it_from_its_first_moment(capfd: pytest.CaptureFixture[str]) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_interrupted_early)
    with workers.sheltered():
        process.start()
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    process.join()
    assert process.exitcode == 7
    assert capfd.readouterr().err == ""


def test_who_starts_workers_hears_it_afterwards() -> None:
    with pytest.raises(KeyboardInterrupt), workers.sheltered():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_all_that_start_workers_shelter_them() -> None:
    package = Path(cli.__file__).parent.parent
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if 'get_context("spawn")' in text:
            assert "workers.sheltered()" in text, path
            assert "workers.deaf()" in text, path
            assert "workers.tied()" in text, path


_ENDLESS = """
import multiprocessing, os, signal, sys, time
from patchlint.outside import workers

def work():
    workers.deaf()
    workers.tied()
    print(os.getpid(), flush=True)
    while True:
        pass

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=work, daemon=True)
    with workers.sheltered():
        process.start()
    time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_who_started_it(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "endless.py"
    script.write_text(_ENDLESS)
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.send_signal(how)
        parent.wait(10)
        try:
            for _ in range(500):
                if not _runs(worker):
                    break
                time.sleep(0.01)
            assert not _runs(worker)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


def _runs(process: int) -> bool:
    """Whether a process is there and is no zombie that nobody waits for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
