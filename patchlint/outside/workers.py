"""Worker processes and the end of a run: who started them decides, and none outlives him.

Ctrl-C reaches all of them.  A worker that hears it before it can say that it will not ends in
a traceback, in the midst of its imports.  So it is started with the signal held back.  Other
signals reach only who starts them: workers watch whether he is there.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from threading import Thread
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


def tied() -> None:
    """End this process as soon as the one that started it is gone, whatever it is at.

    Who is killed cannot say so, and a worker that asks for its next task would find out after
    this one.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_outlive, args=(parent.sentinel,), daemon=True).start()


def _outlive(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # nothing of a task is kept by its worker
