"""The budget: counts always, ends only what has a limit."""

from __future__ import annotations

import pytest

from patchlint.model import budget
from patchlint.model.budget import Budget, OutOfBudgetError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        return self.now


def test_without_a_limit_it_counts() -> None:
    one = Budget()
    for _ in range(1000):
        one.spend(3)
    assert one.spent == 3000
    assert one.in_time()
    assert one.left() is None


def test_work_is_limited_to_the_unit() -> None:
    one = Budget(work=10)
    assert all(one.allows() for _ in range(10))
    assert not one.allows()
    with pytest.raises(OutOfBudgetError, match="more than 10 steps"):
        one.spend()


def test_time_is_limited_and_the_clock_looked_at_now_and_then() -> None:
    clock = Clock()
    one = Budget(5.0, clock=clock)
    for _ in range(10_000):
        one.spend()
    assert clock.asked < 100
    clock.now += 6
    assert not one.in_time()
    assert one.left() == 0.0
    while one.allows():
        assert one.spent < 11_000
    with pytest.raises(OutOfBudgetError, match="more than 5 s"):
        one.spend()


def test_the_innermost_is_in_force() -> None:
    outer, inner = Budget(), Budget()
    with budget.limited(outer):
        budget.current().spend()
        with budget.limited(inner):
            budget.current().spend(5)
        budget.current().spend()
    assert (outer.spent, inner.spent) == (7, 5)
    assert budget.current() not in {outer, inner}
