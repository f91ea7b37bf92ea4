"""Ctrl-C and worker processes: it reaches all of them, and who started them decides.

A worker that hears it before it can say that it will not ends in a traceback, in the midst
of its imports.  So it is started with the signal held back.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def sheltered() -> Iterator[None]:
    """Hold Ctrl-C back, from processes that are started meanwhile until :func:`deaf`.

    Who starts them hears it afterwards.
    """
    # it is started with the first process, and lets the signal through when it is
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def deaf() -> None:
    """Make this process pass over Ctrl-C, also over one that was held back."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
