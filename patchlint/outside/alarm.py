"""Ends work that does not ask its budget: an expression that is matched, a long loop in C.

Code that does not come back to Python is not ended; the parser asks by itself, see
``syntax/parse.py``.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from patchlint.model.budget import OutOfBudgetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

#: it rings again after so many seconds: what was raised may have been taken for something else
_AGAIN: Final = 2.0
#: seconds after which it rings again where nobody could catch it
_SOON: Final = 0.01


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise :class:`OutOfBudgetError` inside after ``seconds`` of wall time; None for never."""
    if seconds is None:
        yield
    else:
        with _by_signal(seconds) if _in_main_thread() else _in_thread(seconds):
            yield


def _in_main_thread() -> bool:
    threading = sys.modules.get("threading")  # not imported: there is no other thread
    return threading is None or threading.current_thread() is threading.main_thread()


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    import signal

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfBudgetError(f"it takes more than {seconds:g} s")

    def uncaught(args: sys.UnraisableHookArgs) -> None:
        # the alarm met a finalizer or a hook of the collector, whose errors end there
        if not issubclass(args.exc_type, OutOfBudgetError):
            hook(args)
        elif inside:
            signal.setitimer(signal.ITIMER_REAL, _SOON, _AGAIN)

    begun = time.monotonic()
    inside = True
    hook, sys.unraisablehook = sys.unraisablehook, uncaught
    before = signal.signal(signal.SIGALRM, expire)
    outer, again = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), _AGAIN)
    try:
        yield
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.unraisablehook = hook
        if outer:  # of a limit around this one
            left = outer - (time.monotonic() - begun)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3), again)


@contextmanager
def _in_thread(seconds: float) -> Iterator[None]:
    """The same in a thread of a cluster's worker, where no signal arrives."""
    import ctypes
    import threading

    thread = threading.get_ident()
    lock = threading.Lock()
    over = False

    def expire() -> None:
        with lock:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(OutOfBudgetError)
                )

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over = True
        timer.cancel()
