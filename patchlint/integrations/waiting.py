# ruff: noqa: PTH100, PTH119 - a path is only named here
"""Says on a terminal that a check goes on, for how long, and how to leave it.

A tree without an index is searched for seconds; who waits for it should know.  Nothing is
said of what is quick, and nothing where standard error is no terminal.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

#: how to leave, and how to wait no more
STOP: Final = "Ctrl-C stops; see patchlint index"
#: seconds before the first word, and between two
PATIENCE: Final = 1.0


def words(tree: str | None) -> str:
    """What is done meanwhile with ``tree``, short enough for a narrow terminal."""
    if tree is None:
        return "checking"
    return f"searching {os.path.basename(os.path.abspath(tree)) or tree}"


@contextlib.contextmanager
def waiting(text: str, leave: str) -> Iterator[None]:
    """Show ``text``, the seconds that went by and how to ``leave``, as long as it lasts.

    A timer of the process does it, so that no thread is started for what is quick.
    """
    if not sys.stderr.isatty():
        yield
        return
    import signal

    began = time.monotonic()
    shown = False

    def tell(_signal: int, _frame: FrameType | None) -> None:
        nonlocal shown
        shown = True
        _show(f"patchlint: {time.monotonic() - began:.0f} s: {text} ({leave})")

    try:
        before = signal.signal(signal.SIGALRM, tell)
    except ValueError:  # not the main thread: then nobody is told
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if shown:
            _show("")


def _show(text: str) -> None:
    """Put ``text`` in the place of what stands on the last line.

    It goes to the terminal itself: a stream that guards what is printed lets no such
    movement of the cursor pass.
    """
    import shutil

    from patchlint.report.text import visible

    room = max(shutil.get_terminal_size().columns - 1, 20)
    with contextlib.suppress(OSError, ValueError):  # the terminal is gone
        os.write(sys.stderr.fileno(), f"\r\x1b[K{visible(text)[:room]}".encode())
