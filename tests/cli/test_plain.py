"""Plain command lines are read as argparse reads them, all others are left to it."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.cli import check
from patchlint.cli.plain import Plain

WORDS = [
    *("a.mbox", "-", "v6.1..topic", "", "3", "x", "json", "terse", "never", "error"),
    *("--tree", "--tree=/k", "--no-tree", "--rule", "--rule=a", "--not-rule", "--jobs", "--jobs=2"),
    *("--format", "--format=json", "--format=no", "--output", "--fail-on", "--strict", "--quiet"),
    *("--verbose", "--color", "--colo", "--quiet=1", "--help", "-h", "--", "-x", "--no-such"),
]


def plainly(arguments):
    reader = Plain()
    check.add_arguments(reader)
    found = reader.read(arguments)
    return None if found is None else vars(found)


def by_argparse(arguments):
    # argparse itself takes what follows -- for options again when it parses intermixed
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    found = vars(parser.parse_intermixed_args(arguments[:end]))
    return {**found, "input": [*found["input"], *arguments[end + 1 :]]}


@given(st.lists(st.sampled_from(WORDS), max_size=6))
def test_what_is_read_is_what_argparse_reads(arguments):
    found = plainly(arguments)
    assert found is None or found == by_argparse(arguments)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a.mbox",
        "--tree /linux --format json a.mbox b.mbox",
        "a.mbox --format=terse --rule x --rule y --strict -",
        "a --quiet -- --output=x -- -",
        "--jobs 2 --fail-on never --color always --output out.txt --quiet --verbose --no-tree",
    ],
)
def test_plain_lines_need_no_argparse(line):
    assert plainly(line.split()) == by_argparse(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "-h",
        "--form json",
        "--format no",
        "--jobs x",
        "--tree",
        "--x",
        "--colo no -- a",
    ],
)
def test_all_else_is_left_to_argparse(line):
    assert plainly(line.split()) is None
