"""Work grows as its input does: counted at n, 2n and 4n, never timed.

What is counted are the lines of Python that run and the steps that the parser tells of,
against the bytes of the mail.  Second differences leave out what every check costs: work in
step with the input gives 1, its square 2 to 4.  Where a bound is what keeps work in step, it
is set so low that the smallest of the three mails reaches it.
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
from counting_kit import lines_of

from patchlint.analysis import states
from patchlint.graph import asked, comparison, edges, summary
from patchlint.model import budget
from patchlint.model.budget import Budget
from patchlint.run import Options, check
from patchlint.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("alone")

OPTIONS = Options(no_tree=True)
#: a step of the parser is a hundred of its own
_STEP = 30
#: n log n, with room for what is not even
_LINEAR = 1.35
_SMALL = {
    "all call all": 6,
    "all call all, each with a release": 6,
    "functions of one name": 8,
    "patches": 8,
    "patches on places of one file": 8,
    "helpers that start": 6,
    "calls and starts at random": 16,
    "done now and later": 24,
}
#: shape -> what bounds its work
_BOUNDS = {
    "patches": (states, "_MOST_COMPARED"),
    "patches on places of one file": (states, "_MOST_COMPARED"),
    "activations of one object": (edges, "MOST_EDGES"),
    "functions of one name": (edges, "MOST_EDGES"),
    "lists": (edges, "MOST_EDGES"),
    "a chain of calls, each with a release": (summary, "MOST"),
    "all call all, each with a release": (summary, "MOST"),
    "done now and later": (summary, "MOST"),
    "calls and starts at random": (summary, "MOST"),
}
_LOW = 20
#: where a small input has to reach the bound already
_LOWER = {"all call all, each with a release": 4}


def work(data: bytes) -> int:
    with budget.limited(Budget()) as spent:
        lines = lines_of(lambda: check(["-"], OPTIONS, data))
    return lines + _STEP * spent.spent


def growth(make: Any, number: int) -> float:
    """How much faster work grows than the input: 1 is as fast."""
    texts = [make(number * times).encode() for times in (1, 2, 4)]
    one, two, four = map(settled, texts)
    short, middle, long = map(len, texts)
    # where work hardly grows, a few steps more or less are nothing
    grown = (four - two) / max(two - one, one // 8)
    return grown * (middle - short) / (long - middle)


def settled(data: bytes) -> int:
    """The work of a check when all that is loaded and remembered once is there."""
    check(["-"], OPTIONS, data)
    return min(work(data), work(data))


@pytest.mark.parametrize("name", list(shapes.SERIES))
def test_work_grows_as_the_series_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in _BOUNDS:
        module, bound = _BOUNDS[name]
        monkeypatch.setattr(module, bound, _LOWER.get(name, _LOW))
    measured = growth(shapes.SERIES[name], _SMALL.get(name, 12))
    assert measured < _LINEAR


@pytest.mark.parametrize("name", list(_BOUNDS))
def test_what_a_bound_leaves_out_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = shapes.SERIES[name](12).encode()
    whole = check(["-"], OPTIONS, data)
    assert not [one for one in whole.limitations if one.stage == "graph"]
    assert whole.findings
    module, bound = _BOUNDS[name]
    monkeypatch.setattr(module, bound, 2)
    report = check(["-"], OPTIONS, data)
    assert [one for one in report.limitations if one.stage == "graph"]


def test_effects_with_long_ways_count_for_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows walks each way: the bound on all effects is one on their steps."""
    most = 1_000
    monkeypatch.setattr(summary, "MOST_OF_ALL", most)
    made = summary.Summaries._make
    steps: dict[tuple[int, int], int] = {}

    def making(self: Any, function: Any) -> Any:
        effects = made(self, function)
        steps[id(self), id(function)] = sum(len(effect.chain) for effect in effects)
        return effects

    monkeypatch.setattr(summary.Summaries, "_make", making)
    report = check(["-"], OPTIONS, shapes.SERIES["calls and starts at random"](60).encode())
    assert [one for one in report.limitations if one.stage == "graph"]
    for side in {side for side, _ in steps}:
        own = [number for (of, _), number in steps.items() if of == side]
        # the last function that is made may go beyond
        assert sum(own) <= 16 * most + max(own)


def test_a_long_way_is_looked_at_once_for_each_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    of = asked.Asked.calls_of
    met: list[int] = []

    def meeting(self: Any, function: Any) -> Any:
        met.append(1)
        return of(self, function)

    after = comparison.Comparison.after_failure
    steps = []

    def asking(self: Any, effect: Any) -> bool:
        before = len(met)
        answer = after(self, effect)
        steps.append((len(met) - before, len(self.holders(effect))))
        return answer

    monkeypatch.setattr(asked.Asked, "calls_of", meeting)
    monkeypatch.setattr(comparison.Comparison, "after_failure", asking)
    check(["-"], OPTIONS, shapes.SERIES["calls and starts at random"](40).encode())
    assert any(holders > 10 for _, holders in steps)
    assert all(times <= holders for times, holders in steps)


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


def walked(node: parse.Node) -> int:
    """How many nodes are looked at to know whether a named one follows each."""
    steps = bare = 0
    for child in node.children:
        bare = 0 if child.is_named else bare + 1
        steps += bare + walked(child)
    return steps


@pytest.mark.parametrize("name", shapes.RUBBLE)
def test_what_an_error_leaves_is_looked_at_in_step_with_it(name: str) -> None:
    """That is done in C; the square of so many tokens would be a thousand times as much."""
    lines = shapes.RUNS[name] * 200
    root = parse.parse(b"int f(void)\n{\n" + lines.encode() + b"}\n")
    assert root is None or walked(root) < 100 * len(lines)
    report = check(["-"], OPTIONS, shapes.body(lines).encode())
    assert any("not read as C" in one.message for one in report.limitations)


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
