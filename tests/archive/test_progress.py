"""The bar as a terminal of 80 columns shows it."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from patchlint.archive.progress import Bar, shortened

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def drawn(text, total, done, width=80):
    """The last picture of a bar, without colours."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, height=20)
    with Bar(console) as bar:
        bar.stage(text, total)
        bar.advance(done)
        bar.advance(done)
        bar._progress.refresh()
    lines = CONTROL.sub("", out.getvalue()).replace("\r", "\n").splitlines()
    return [line for line in lines if line.strip()][-1]


@pytest.mark.parametrize("total", [9, 123_456, 9_999_999])
def test_bar_count_rate_and_time_fit_80_columns(total):
    name = "reading /home/ada/mail/archives/lore.kernel.org/linux-fsdevel/git/0.git"
    line = drawn(name, total, total // 4)
    assert len(line.rstrip()) <= 80
    assert f"/{total}" in line
    assert "━" * 4 in line
    assert re.search(r"[\d.]+[GM]?/s", line)
    assert re.search(r"\d:\d\d:\d\d|-:--:--", line)
    assert line.startswith("reading …")
    assert "git/0.git " in line


def test_a_short_name_stays_whole():
    assert drawn("checking series", 40, 10).startswith("checking series ")


def test_a_name_is_no_markup():
    assert drawn("reading [red]x", 40, 10).startswith("reading [red]x ")


@given(st.text("ab/ ", max_size=80), st.integers(8, 60))
def test_shortened_keeps_to_its_room(text, room):
    short = shortened(text, room)
    assert len(short) <= room
    assert short == text or "…" in short
