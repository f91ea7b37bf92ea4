"""A fixed number of broken inputs for each target, in seconds; ``run.py`` goes on for longer."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent))

import seeds
import targets

#: what breaks readers: marks of all the languages that are read here
TOKENS = [
    *(b"\n", b"\r\n", b"\0", b" ", b"\t", b'"', b"'", b"\\", b"/*", b"*/", b"//", b"(", b")"),
    *(b"{", b"}", b"[", b"#if 0\n", b"#endif\n", b"#define x(a) \\\n", b"@@ -1,9 +1,9 @@\n"),
    *(b"--- a/x.c\n+++ b/x.c\n", b"diff --git a/x b/x\n", b"From x@y Thu Jan  1 1970\n", b"-- \n"),
    *(b"--b\n", b"--b--\n", b"=?utf-8?b?////?=", b"Content-Transfer-Encoding: base64\n", b"\xff"),
    *(
        b"\xe2\x80\xae",
        b"=3D",
        b"=\n",
        b"[[rule]]\n",
        b"= 1e999\n",
        b"GIT binary patch\n",
        b"+",
        b"-",
    ),
]
NUMBER = {"pipeline": 40, "store": 60, "facts": 120}


@cache
def seeds_of(target: str) -> list[bytes]:
    return list(seeds.SEEDS[target]())


@st.composite
def broken(draw: st.DrawFn, target: str) -> bytes:
    """A seed with some places cut, doubled or written over."""
    data = bytearray(draw(st.sampled_from(seeds_of(target))))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        match draw(st.integers(0, 4)):
            case 0:
                data[at:to] = draw(st.sampled_from(TOKENS))
            case 1:
                del data[at:to]
            case 2:
                data[at:at] = data[at:to] * draw(st.integers(1, 30))
            case 3:
                data[at:to] = draw(st.binary(max_size=8))
            case _:
                data[at:at] = draw(st.sampled_from(TOKENS)) * draw(st.integers(1, 60))
    return bytes(data)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("target", list(targets.TARGETS))
def test_broken_input_is_answered(target: str) -> None:
    tried = 0

    @settings(
        max_examples=NUMBER.get(target, 200),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(broken(target))
    def attempt(data: bytes) -> None:
        nonlocal tried
        tried += 1
        targets.TARGETS[target](data)

    attempt()
    assert tried >= NUMBER.get(target, 200) // 2


def test_each_target_has_seeds() -> None:
    assert seeds.SEEDS.keys() == targets.TARGETS.keys()
