"""What the names of contexts and guarantees mean, in words for reading."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from patchlint.report.text import columns, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.context import Context, Guarantee
    from patchlint.model.effect import EntryChain, Promise

CONTEXTS: Final[dict[Context, str]] = {
    "task": "task",
    "user-worker": "user worker",
    "kthread": "kernel thread",
    "workqueue": "work item",
    "rcu-callback": "RCU callback",
    "softirq": "softirq",
    "hardirq": "hard interrupt",
    "unknown": "caller not seen, taken for a task",
}
GUARANTEES: Final[dict[Guarantee, str]] = {
    "before-call-returns": "done when the call returns",
    "before-return-to-user": "done before return to user space",
    "after-wait": "done before a wait on the same path is over",
    "after-grace-period": "done after a grace period",
    "eventually": "done some time later",
}


def told(promise: Promise, arrow: str = "→", room: int | None = None) -> str:
    """``work item (queue_work() → done_fn()): done some time later``.

    Where there is less ``room`` than that takes, in columns, the callback alone is named.
    """
    said = _told(promise, (promise.mechanism, promise.callback), arrow)
    if room is not None and columns(said) > room and promise.callback:
        return _told(promise, (promise.callback,), arrow)
    return said


def context(promise: Promise) -> str:
    """``work item``; what is not known of a side that nothing defers is taken for a task."""
    if promise.context == "unknown" and (promise.mechanism or promise.callback):
        return "unknown context"
    return CONTEXTS[promise.context]


def article(name: str) -> str:
    """``a work item``, ``an RCU callback``."""
    return f"an {name}" if name.startswith(("RCU", "unknown")) else f"a {name}"


def _told(promise: Promise, names: Sequence[str | None], arrow: str) -> str:
    way = [f"{line(name)}()" for name in names if name]
    by = f" ({f' {arrow} '.join(way)})" if way else ""
    return f"{context(promise)}{by}: {GUARANTEES[promise.guarantee]}"


def entries(points: Sequence[EntryChain], most: int) -> str:
    """``umount, mount (syscall); close (file operation); 3 more``: ``most`` names, by kind."""
    names = list(dict.fromkeys((line(one.kind), line(one.name)) for one in points))
    kinds: dict[str, list[str]] = {}
    for kind, name in islice(names, most):
        kinds.setdefault(kind, []).append(name)
    told = [f"{', '.join(some)} ({kind})" for kind, some in kinds.items()]
    if len(names) > most:
        told.append(f"{len(names) - most} more")
    return "; ".join(told)
