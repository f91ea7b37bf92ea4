"""What a run is busy with, for a terminal to show when it takes more than a moment.

Whoever searches or reads a whole tree says so with :func:`doing`; that costs nothing.  Who
owns the terminal puts :func:`shown` around the run.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event
    from typing import Final, TextIO

#: Seconds before anything is shown, and between two pictures.
PATIENCE: Final = 1.0
PACE: Final = 0.2

CLEAR: Final = "\r\x1b[K"


class _Now:
    """The activity at this moment, and the seconds that each took, by its kind."""

    def __init__(self) -> None:
        self.text = ""
        self.kind = ""
        self.since = 0.0
        self.spent: dict[str, float] = {}

    def change(self, kind: str, text: str) -> None:
        """Note that another activity begins."""
        at = time.monotonic()
        if self.kind:
            self.spent[self.kind] = self.spent.get(self.kind, 0.0) + at - self.since
        self.kind, self.text, self.since = kind, text, at


_now: Final = _Now()


@contextmanager
def doing(kind: str, text: str) -> Iterator[None]:
    """Say what is being done; ``kind`` sums its seconds up, ``text`` is for the terminal."""
    before = (_now.kind, _now.text)
    _now.change(kind, text)
    try:
        yield
    finally:
        _now.change(*before)


def tell(text: str) -> None:
    """Say how far what is being done has come."""
    _now.text = text


def seconds(kind: str) -> float:
    """Seconds that activities of a kind took since :func:`shown` began, or since the start."""
    return _now.spent.get(kind, 0.0)


@contextmanager
def shown(stream: TextIO | None) -> Iterator[None]:
    """Show on ``stream`` what is being done, from one second on; nothing for None.

    One line, which is wiped away at the end.  Control-C leaves as ever.
    """
    _now.spent.clear()
    if stream is None:
        yield
        return
    with beside(lambda ended: _show(stream, ended)):
        yield


@contextmanager
def beside(tell: Callable[[Event], None]) -> Iterator[None]:
    """Run ``tell`` in a thread of its own until the block is left, which it sees by its event."""
    from threading import Event, Thread

    ended = Event()
    thread = Thread(target=tell, args=(ended,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(PATIENCE)


def picture(text: str, taken: float, columns: int) -> str:
    """Return the line for an activity that has taken so many seconds, cut to the terminal."""
    from patchlint.model.hidden import HIDDEN, spelled

    text = HIDDEN.sub(lambda match: spelled(match.group()), text or "checking")
    line = f"patchlint: {text} ({taken:.0f} s, Ctrl-C leaves)"
    return line if len(line) < columns else line[: max(columns - 2, 0)] + "~"


def _show(stream: TextIO, ended: Event) -> None:
    import shutil

    began = time.monotonic()
    drawn = False
    pause = PATIENCE
    while not ended.wait(pause):
        pause = PACE
        columns = shutil.get_terminal_size().columns
        try:
            stream.write(CLEAR + picture(_now.text, time.monotonic() - began, columns))
            stream.flush()
        except (OSError, ValueError):
            return
        drawn = True
    if drawn:
        try:
            stream.write(CLEAR)
            stream.flush()
        except (OSError, ValueError):
            return
