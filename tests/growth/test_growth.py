"""Work grows as its input does: counted at n, 2n and 4n, never timed.

What is counted are the lines of Python that run and the steps that the parser tells of.
The growth of the second difference leaves out what every check costs: 2 is linear, 4 is
the square, 8 the cube.
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import shapes

from patchlint.model import budget
from patchlint.model.budget import Budget
from patchlint.run import Options, check

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("alone")

OPTIONS = Options(no_tree=True)
#: a step of the parser is a hundred of its own
_STEP = 30
#: n log n, with room for what is not even
_LINEAR = 2.7
#: shapes whose work the comparison of graphs still lets grow faster: no worse than this
_KNOWN = {
    "functions": 4.6,
    "functions of one name": 8.2,
    "patches": 4.6,
    "patches on one file": 4.6,
    "all call all": 8.2,
    "activations of one object": 4.9,
    # a summary holds what each function below it does
    "a chain of calls": 4.6,
}
_SMALL = {"all call all": 6, "functions of one name": 8, "patches": 8}


def work(data: bytes) -> int:
    lines = 0

    def count(_frame: object, event: str, _argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    with budget.limited(Budget()) as spent:
        sys.settrace(count)
        try:
            check(["-"], OPTIONS, data)
        finally:
            sys.settrace(before)
    return lines + _STEP * spent.spent


def growth(make: Any, number: int) -> float:
    one, two, four = (settled(make(number * times).encode()) for times in (1, 2, 4))
    # where work hardly grows, a few steps more or less are nothing
    return (four - two) / max(two - one, one // 8)


def settled(data: bytes) -> int:
    """The work of a check when all that is loaded and remembered once is there."""
    check(["-"], OPTIONS, data)
    return min(work(data), work(data))


@pytest.mark.parametrize("name", list(shapes.SERIES))
def test_work_grows_as_the_series_does(name: str) -> None:
    measured = growth(shapes.SERIES[name], _SMALL.get(name, 12))
    assert measured < _KNOWN.get(name, _LINEAR)


@pytest.mark.parametrize("name", list(shapes.RUNS))
def test_work_grows_as_a_run_in_code_does(name: str) -> None:
    assert growth(shapes.run_in_code(shapes.RUNS[name]), 600) < _LINEAR


@contextmanager
def seconds_of_processor(limit: float) -> Iterator[None]:
    """Ends what hangs.  Expressions are matched in C, where nothing can be counted."""

    def expire(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGPROF, expire)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


#: what takes the square of this would be at it for minutes, all else for a second
_LONG = 120_000


@pytest.mark.parametrize("name", list(shapes.RUNS))
def test_no_run_in_code_hangs(name: str) -> None:
    data = shapes.run_in_code(shapes.RUNS[name])(_LONG).encode()
    with seconds_of_processor(30):
        report = check(["-"], OPTIONS, data)
    assert report.series


@pytest.mark.parametrize("place", list(shapes.PLACES))
def test_no_run_in_a_mail_hangs(place: str) -> None:
    for run in [
        *shapes.RUNS.values(),
        "=?utf-8?q?a?= ",
        "<a@b> ",
        "=20",
        "-- \n",
        "> ",
        "::",
        "a/ ",
    ]:
        data = shapes.PLACES[place](run, _LONG // 4).encode()
        with seconds_of_processor(30):
            check(["-"], OPTIONS, data)
    assert shapes.PLACES[place]("a", 8)
