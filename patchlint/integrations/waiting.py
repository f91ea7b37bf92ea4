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
    import threading
    from collections.abc import Iterator

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

    A thread does it: the timer of the process belongs to the time limit of the check.
    """
    if not sys.stderr.isatty():
        yield
        return
    from patchlint.outside.activity import beside

    with beside(lambda ended: _tell(text, leave, ended)):
        yield


def _tell(text: str, leave: str, ended: threading.Event) -> None:
    """Show how long it takes until ``ended`` is set, then wipe that away."""
    began = time.monotonic()
    shown = False
    while not ended.wait(PATIENCE):
        shown = True
        _show(f"patchlint: {time.monotonic() - began:.0f} s: {text} ({leave})")
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
