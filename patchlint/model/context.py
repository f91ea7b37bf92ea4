"""Execution contexts and guarantees: the two ladders that everything is measured on."""

from __future__ import annotations

from typing import Final, Literal

Context = Literal[
    "task",
    "user-worker",
    "kthread",
    "workqueue",
    "rcu-callback",
    "softirq",
    "hardirq",
    "unknown",
]

Guarantee = Literal[
    "before-call-returns",
    "before-return-to-user",
    "after-wait",
    "after-grace-period",
    "eventually",
]

#: Strongest first: a lower index promises more.
GUARANTEES: Final[tuple[Guarantee, ...]] = (
    "before-call-returns",
    "before-return-to-user",
    "after-wait",
    "after-grace-period",
    "eventually",
)

#: Contexts in which a caller in user space is not waiting for what runs.
DEFERRED: Final[frozenset[Context]] = frozenset(
    {"kthread", "workqueue", "rcu-callback", "softirq", "hardirq", "user-worker"}
)


def weaker(one: Guarantee, other: Guarantee) -> bool:
    """Whether ``one`` promises less than ``other``."""
    return GUARANTEES.index(one) > GUARANTEES.index(other)
