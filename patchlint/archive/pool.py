"""A pool of worker processes that survives them.

A worker may die (out of memory, a crash in a library) or hang: its task is then given
back as a :class:`Failure` and another process takes its place.  Results come in the
order of the tasks, and only so many tasks are taken ahead as can be held, so that a slow
consumer slows the producer down.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import time
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from msgspec import Struct, field

from patchlint.archive.records import Failure
from patchlint.outside import workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from multiprocessing.process import BaseProcess

    from patchlint.archive.engine import Settings
    from patchlint.archive.worker import Result, Task

#: a worker that grew beyond this (kilobytes) ends after its task, and is replaced
_LARGE: Final = 200 << 10
#: tasks that may be out or waiting for their turn, for each worker
_AHEAD: Final = 3
#: workers that may end in a row without a result; more than halving a portion down to the one
#: mail that ends them takes
_HOPELESS: Final = 25


class Executor(Protocol):
    """Runs tasks somewhere and gives their results back in order.  A context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def warm(self) -> None:
        """Start what takes time to start: there will be tasks."""

    def run(self, tasks: Iterable[tuple[Task, float]]) -> Iterator[tuple[Task, Result | Failure]]:
        """Each task with its result.  A task comes with the seconds that it may take."""

    def apart(self) -> AbstractContextManager[Executor]:
        """Another executor for tasks that failed, to use while this one runs."""


class _Slot(Struct):
    """One worker process and what it is at."""

    process: BaseProcess
    pipe: Connection
    number: int = -1
    deadline: float = 0.0
    idle: bool = True


class Pool(Struct):
    """Worker processes of this machine.  A context manager; leaving it ends them."""

    settings: Settings
    size: int
    _slots: list[_Slot] = field(default_factory=list)
    _barren: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for slot in self._slots:
            slot.pipe.close()
        for slot in self._slots:
            slot.process.join(2)
            _end(slot.process)
        self._slots.clear()

    def warm(self) -> None:
        """See :class:`Executor`."""
        while len(self._slots) < self.size:
            self._slots.append(_start(self.settings))

    def run(self, tasks: Iterable[tuple[Task, float]]) -> Iterator[tuple[Task, Result | Failure]]:
        """See :class:`Executor`."""
        source = iter(enumerate(tasks))
        held: dict[int, Task] = {}
        ready: dict[int, Result | Failure] = {}
        following = 0
        exhausted = False
        while True:
            while not exhausted and len(held) < self.size * _AHEAD:
                slot = self._free()
                if slot is None:
                    break
                item = next(source, None)
                if item is None:
                    exhausted = True
                    break
                number, (task, limit) = item
                held[number] = task
                failure = self._give(slot, number, task, limit)
                if failure is not None:
                    ready[number] = failure
            while following in ready:
                yield held.pop(following), ready.pop(following)
                following += 1
            if not held:
                if exhausted:
                    return
                continue
            if following not in ready:
                ready.update(self._collect())

    def apart(self) -> Pool:
        """See :class:`Executor`."""
        return Pool(self.settings, 1)

    def _free(self) -> _Slot | None:
        for slot in self._slots:
            if slot.idle:
                return slot
        if len(self._slots) < self.size:
            self._slots.append(_start(self.settings))
            return self._slots[-1]
        return None

    def _give(self, slot: _Slot, number: int, task: Task, limit: float) -> Failure | None:
        try:
            slot.pipe.send(task)
        except (BrokenPipeError, ConnectionError):
            return self._lost(slot)
        slot.number, slot.idle = number, False
        slot.deadline = time.monotonic() + limit
        return None

    def _collect(self) -> dict[int, Result | Failure]:
        """What workers have to say; waits until one has, or until one is overdue."""
        busy = [slot for slot in self._slots if not slot.idle]
        nearest = min(slot.deadline for slot in busy)
        heard = wait([slot.pipe for slot in busy], max(0.0, nearest - time.monotonic()))
        found: dict[int, Result | Failure] = {}
        for slot in busy:
            if slot.pipe in heard:
                found[slot.number] = self._receive(slot)
            elif time.monotonic() >= slot.deadline:
                found[slot.number] = Failure("took too long and was given up", timed_out=True)
                self._drop(slot)
        return found

    def _receive(self, slot: _Slot) -> Result | Failure:
        try:
            result, leaves = slot.pipe.recv()
        except (EOFError, ConnectionError):
            return self._lost(slot)
        self._barren = 0
        slot.idle = True
        if leaves:
            self._slots.remove(slot)
            slot.pipe.close()
            slot.process.join()
        answer: Result | Failure = result
        return answer

    def _lost(self, slot: _Slot) -> Failure:
        """Take in that a worker ended.  Raises ChildProcessError when all of them do."""
        self._drop(slot)
        status = slot.process.exitcode
        self._barren += 1
        if self._barren > _HOPELESS:
            raise ChildProcessError(f"worker processes do not live (exit status {status})")
        return Failure(f"its worker process ended (exit status {status})")

    def _drop(self, slot: _Slot) -> None:
        self._slots.remove(slot)
        slot.pipe.close()
        _end(slot.process)


def _end(process: BaseProcess) -> None:
    if process.is_alive():
        process.kill()
    process.join()


def _start(settings: Settings) -> _Slot:
    """A fresh process: a forked one would inherit the other workers' pipes."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, settings), daemon=True)
    with workers.sheltered():
        process.start()
    theirs.close()
    return _Slot(process, ours)


def _serve(pipe: Connection, settings: Settings) -> None:
    """A worker's life: tasks in, results out, until the pipe is closed."""
    # Ctrl-C reaches the whole group; the scan itself decides when workers end
    workers.deaf()
    workers.tied()
    from patchlint.archive.sources import Shelf
    from patchlint.archive.worker import Worker

    # few cycles are made and each task is collected after: look for them rarely
    gc.set_threshold(50_000, 20, 100)

    with Shelf() as shelf:
        worker = Worker(settings, shelf)
        with suppress(Exception):  # it shows again, and is told of, with the first task
            worker.engine.rules()
        while True:
            try:
                task = pipe.recv()
            except (EOFError, ConnectionError):
                return
            answer: Any
            try:
                answer = worker.do(task)
            except Exception as error:  # noqa: BLE001 - told to the scan, which splits the task
                answer = Failure(f"{type(error).__name__}: {error}")
            leaves = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > _LARGE
            try:
                pipe.send((answer, leaves))
            except (BrokenPipeError, ConnectionError):
                return
            if leaves:
                return


def processes() -> int:
    """How many workers to use by default."""
    return min(2, len(os.sched_getaffinity(0)))
