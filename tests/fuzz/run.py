"""Fuzzes all targets with atheris, some minutes each, and counts the inputs.

    pip install atheris
    python tests/fuzz/run.py --minutes 5 [--corpus DIR] [--jobs N] [TARGET...]
    python tests/fuzz/run.py --minutes 5 --blind [TARGET...]

The corpus is kept in ``--corpus`` (default: a folder in the cache) and grows from run to run.
With ``--blind`` inputs are broken at random, without atheris: that finds less and tries ten
times as much.  A finding is left there as ``TARGET-crash-*``, ``TARGET-timeout-*`` or
``TARGET-oom-*``; the exit status is 1 when there is one.  An input may take 5 s and 700 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

_DONE = re.compile(rb"stat::number_of_executed_units:\s*(\d+)|^#(\d+)\s+DONE", re.MULTILINE)
#: what one input may take
_SECONDS = 5.0
_SLOWEST = re.compile(rb"stat::slowest_unit_time_sec:\s*(\d+)")


class TooSlowError(Exception):
    """An input took too long; the text says how long."""


def one(target: str, corpus: Path, seconds: int, longest: int) -> int:
    """Run one target in a process of its own; how many inputs it was given."""
    command = [
        *(sys.executable, str(HERE / "run.py"), "--child", target, str(corpus / target)),
        *(
            f"-max_total_time={seconds}",
            "-timeout=120",
            "-rss_limit_mb=700",
            "-print_final_stats=1",
        ),
        *(f"-max_len={longest}", f"-artifact_prefix={corpus}/{target}-", "-close_fd_mask=1"),
        *("-print_final_stats=1", "-timeout_exitcode=77"),
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    (corpus / f"{target}.log").write_bytes(done.stderr[-20_000:])
    counts = [int(a or b) for a, b in _DONE.findall(done.stderr)]
    slowest = [int(found) for found in _SLOWEST.findall(done.stderr)]
    print(
        f"{target}: {max(counts, default=0)} inputs, slowest {max(slowest, default=0)} s,"
        f" status {done.returncode}",
        flush=True,
    )
    return max(counts, default=0)


def child(arguments: list[str]) -> None:
    """Fuzz the target ``arguments[0]``; the rest are options of libFuzzer."""
    import atheris

    with atheris.instrument_imports(include=["patchlint"]):
        import targets
    run = targets.TARGETS[arguments[0]]
    run(b"")  # what is loaded once is no part of the first input's time

    atheris.Setup([sys.argv[0], *arguments[1:]], partial(_timed, run))
    atheris.Fuzz()


def _timed(run: Callable[[bytes], None], data: bytes) -> None:
    # of the processor: the fuzzer's own limit is on a clock that other programs move on
    begun = time.process_time()
    run(data)
    spent = time.process_time() - begun
    if spent > _SECONDS:
        raise TooSlowError(f"{spent:.1f} s")


def blind(target: str, corpus: Path, seconds: float, longest: int) -> int:
    """Break what the corpus has at random; how many inputs the target was given."""
    import targets

    run = targets.TARGETS[target]
    texts = [path.read_bytes()[:longest] for path in sorted((corpus / target).iterdir())]
    run(texts[0])
    chance = random.Random()  # noqa: S311 - of inputs, not of secrets
    end = time.monotonic() + seconds
    done = 0
    while time.monotonic() < end:
        data = _broken(chance, texts)
        try:
            _timed(run, data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            name = f"{target}-crash-{hashlib.sha256(data).hexdigest()[:16]}"
            (corpus / name).write_bytes(data)
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
        done += 1
    print(f"{target}: {done} inputs, blind", flush=True)
    return done


def _broken(chance: random.Random, texts: list[bytes]) -> bytes:
    """One text with some places cut, doubled, written over or taken from another text."""
    data = bytearray(chance.choice(texts))
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        to = min(len(data), at + chance.randint(0, 40))
        match chance.randint(0, 4):
            case 0:
                del data[at:to]
            case 1:
                data[at:at] = data[at:to] * chance.randint(1, 8)
            case 2:
                data[at:to] = chance.randbytes(chance.randint(1, 4))
            case 3:
                other = chance.choice(texts)
                start = chance.randint(0, len(other))
                data[at:to] = other[start : start + chance.randint(1, 60)]
            case _:
                data[at:to] = chance.choice(_MARKS)
    return bytes(data)


#: what tells one part of a text from the next, in the languages that are read here
_MARKS = (
    *(b"\n", b"\r\n", b"\0", b" ", b"\t", b'"', b"'", b"\\", b"/*", b"*/", b"//", b"(", b")"),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b"=",
        b"#",
        b"@@ ",
        b"--- ",
        b"+++ ",
        b"-- \n",
        b"\xff",
        b"\xe2\x80\xae",
    ),
)


def main() -> int:
    """Fuzz; 1 when something was found."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="*")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--longest", type=int, default=4096, help="bytes of an input")
    parser.add_argument("--blind", action="store_true", help="at random, without atheris")
    given = parser.parse_args()
    import seeds

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    corpus = given.corpus or cache / "patchlint-fuzz"
    seeds.write(corpus)
    before = {path.name for path in corpus.glob("*-*")}
    names = given.target or list(seeds.SEEDS)
    if given.blind:
        seconds = given.minutes * 60
        counts = [blind(name, corpus, seconds, given.longest) for name in names]
        return _end(counts, before, corpus)
    with ThreadPoolExecutor(given.jobs) as pool:
        counts = list(
            pool.map(lambda name: one(name, corpus, int(given.minutes * 60), given.longest), names)
        )
    return _end(counts, before, corpus)


def _end(counts: list[int], before: set[str], corpus: Path) -> int:
    found = sorted({path.name for path in corpus.glob("*-*")} - before)
    print(f"{sum(counts)} inputs in all; found: {', '.join(found) or 'nothing'} (in {corpus})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
