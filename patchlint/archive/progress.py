"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Final, Protocol, Self

from msgspec import Struct, field

_EVERY: Final = 10.0


class Progress(Protocol):
    """Told of each step; a context manager."""

    def stage(self, text: str, total: int | None) -> None:
        """A new stage begins; ``total`` items if that is known."""

    def advance(self, count: int) -> None:
        """So many items more are done."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exit_arguments: object) -> None: ...


class Quiet:
    """Says nothing."""

    def stage(self, text: str, total: int | None) -> None:
        """See :class:`Progress`."""

    def advance(self, count: int) -> None:
        """See :class:`Progress`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exit_arguments: object) -> None:
        return None


class Lines(Struct):
    """A line at the start of a stage, every ten seconds, and at its end."""

    _text: str = ""
    _total: int | None = None
    _done: int = 0
    _began: float = field(default_factory=time.monotonic)
    _said: float = 0.0

    def stage(self, text: str, total: int | None) -> None:
        """See :class:`Progress`."""
        self._close()
        self._text, self._total, self._done = text, total, 0
        self._began = self._said = time.monotonic()

    def advance(self, count: int) -> None:
        """See :class:`Progress`."""
        self._done += count
        if time.monotonic() - self._said >= _EVERY:
            self._said = time.monotonic()
            print(self.line(time.monotonic() - self._began), file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """The line for the state after ``seconds``: done, rate, time left if known."""
        rate = self._done / seconds if seconds > 0 else 0.0
        text = f"patchlint: {self._text}: {self._done}"
        if self._total:
            text += f" of {self._total}"
        text += f", {rate:.0f}/s"
        if self._total and rate and self._done < self._total:
            text += f", {(self._total - self._done) / rate:.0f} s left"
        return text

    def _close(self) -> None:
        if self._text and self._done:
            print(self.line(time.monotonic() - self._began), file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exit_arguments: object) -> None:
        self._close()
        self._text = ""


#: columns of the bar, of "1234567/s" and of "0:12:34", with the blanks between all five
_BAR: Final = 20
_RATE: Final = 9
_LEFT: Final = 7
_BLANKS: Final = 5
_SHORTEST: Final = 8


def shortened(text: str, room: int) -> str:
    """``text`` in ``room`` columns: of a path the end tells most, of a sentence the start."""
    if len(text) <= room:
        return text
    what, _, name = text.rpartition(" ")
    kept = room - len(what) - 2
    if "/" in name and kept >= _SHORTEST:
        return f"{what} …{name[-kept:]}".lstrip()
    return text[: max(room - 1, 0)] + "…"


def _rate(speed: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6)):
        if speed >= size:
            return f"{min(speed / size, 9999):.1f}{unit}/s"
    return f"{speed:.0f}/s"


class Bar:
    """rich's progress bar with rate and time left; what it is about gives way to them."""

    def __init__(self, console: Any = None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import (
            Progress as RichProgress,
        )
        from rich.table import Column

        from patchlint.outside.console import bare

        self._progress: Any = RichProgress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=_BAR, table_column=Column(min_width=_BAR)),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[rate]:>9}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            console=console or Console(file=bare(sys.stderr)),
        )
        self._task: Any = None

    def stage(self, text: str, total: int | None) -> None:
        """See :class:`Progress`."""
        digits = len(str(total)) if total else _SHORTEST
        taken = _BAR + 2 * digits + 1 + _RATE + _LEFT + _BLANKS
        text = shortened(text, max(self._progress.console.width - taken, _SHORTEST))
        self._task = self._progress.add_task(text, total=total, rate="")

    def advance(self, count: int) -> None:
        """See :class:`Progress`."""
        self._progress.update(self._task, advance=count)
        speed = self._progress.tasks[self._task].speed
        self._progress.update(self._task, rate=_rate(speed) if speed else "")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exit_arguments: object) -> None:
        self._progress.stop()


def choose(*, quiet: bool) -> Progress:
    """The progress that fits standard error."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty():
        try:
            return Bar()
        except ImportError:
            pass
    return Lines()
