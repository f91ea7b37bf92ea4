"""The same tasks on a dask.distributed cluster.

The scan, its store and the order of results stay where they are; only what a worker
process does with a task is done by a worker of the cluster.  A task names commits or
carries mails, so it can be done anywhere and again: when a worker is lost, dask gives
its tasks to another.  A worker reads its own clone where it has one with these commits,
and asks for the bytes where not.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint.archive import sources
from patchlint.archive.records import Failure, Survey, Thread
from patchlint.archive.sources import Portion, Shelf, Source
from patchlint.archive.worker import Worker
from patchlint.outside.names import given, kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.archive.engine import Settings
    from patchlint.archive.worker import Result, Task

#: tasks under way or waiting for their turn, for each thread of the cluster
_AHEAD: Final = 3
#: how often a task is given to another worker when one is lost over it
_RETRIES: Final = 3
#: a task may have to wait for those before it on its worker
_PATIENCE: Final = 2 * _AHEAD


class Absent(Struct, frozen=True):
    """A worker has no clone with these mails: they must travel with the task."""


class Cluster(Struct):
    """Runs tasks on the workers of a scheduler.  A context manager.

    ``clones`` is a folder of the workers under which the sources are found by the last
    parts of their paths; without it they are looked for at the same paths as here.
    """

    address: str
    settings: Settings
    clones: str | None = None
    _client: Any = None
    _shelf: Shelf = field(default_factory=Shelf)

    def __enter__(self) -> Self:
        try:
            from distributed import Client
        except ImportError as error:
            raise sources.SourceError(
                "--dask needs dask.distributed (pip install 'patchlint[dask]')"
            ) from error
        try:
            self._client = Client(self.address, timeout=10)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise sources.SourceError(f"{self.address}: no scheduler answers") from error
        return self

    def __exit__(self, *exit_arguments: object) -> None:
        self._shelf.__exit__(*exit_arguments)
        if self._client is not None:
            self._client.close()

    def warm(self) -> None:
        """See :class:`patchlint.archive.pool.Executor`: a cluster is warm already."""

    def run(self, tasks: Iterable[tuple[Task, float]]) -> Iterator[tuple[Task, Result | Failure]]:
        """See :class:`patchlint.archive.pool.Executor`."""
        source = iter(tasks)
        under_way: deque[tuple[Task, float, Any]] = deque()
        while True:
            room = max(1, self._threads() * _AHEAD - len(under_way))
            for task, limit in islice(source, room):
                under_way.append((task, limit, self._submit(task)))
            if not under_way:
                return
            task, limit, future = under_way.popleft()
            yield task, self._result(task, limit, future)

    def apart(self) -> Cluster:
        """See :class:`patchlint.archive.pool.Executor`."""
        return Cluster(self.address, self.settings, self.clones)

    def _threads(self) -> int:
        return sum(self._client.nthreads().values()) or 1

    def _submit(self, task: Task) -> Any:
        return self._client.submit(
            perform, self.settings, task, self.clones, pure=False, retries=_RETRIES
        )

    def _result(self, task: Task, limit: float, future: Any) -> Result | Failure:
        answer = self._answer(limit, future)
        if isinstance(answer, Absent):
            carried = carrying(task, self._shelf)
            answer = self._answer(limit, self._submit(carried))
        if isinstance(answer, Absent):
            return Failure("the mails did not reach the worker")
        result: Result | Failure = answer
        return result

    @staticmethod
    def _answer(limit: float, future: Any) -> Any:
        try:
            return future.result(timeout=limit * _PATIENCE)
        except TimeoutError:
            future.cancel()
            return Failure("took too long and was given up", timed_out=True)
        except Exception as error:  # noqa: BLE001 - whatever a worker met is told of its task
            return Failure(f"{type(error).__name__}: {error}")
        finally:
            future.release()


def carrying(task: Task, shelf: Shelf) -> Task:
    """Return ``task`` with the mails that it names."""
    if isinstance(task, Portion):
        return Portion(task.source, mails=tuple(sources.read(task)), state=task.state)
    return tuple(_carrying(thread, shelf) for thread in task)


def _carrying(thread: Thread, shelf: Shelf) -> Thread:
    mails = tuple(
        mail
        if mail.data is not None
        # a mail that is gone here as well stays without data, and is told of
        else replace(mail, data=shelf.fetch(mail.source, [mail.locator]).get(mail.locator, b""))
        for mail in thread.mails
    )
    return replace(thread, mails=mails)


# --- on a worker -----------------------------------------------------------------------

_local: Final = threading.local()


def perform(settings: Settings, task: Task, clones: str | None) -> Result | Absent:
    """Do ``task`` in a thread of a cluster's worker, with what this thread keeps open."""
    worker = _worker(settings)
    if isinstance(task, Portion):
        found = _here(task.source, clones) if task.keys else task.source
        if found is None or (task.keys and not sources.has(found, task.keys)):
            return Absent()
        result = worker.do(replace(task, source=found))
        return result if isinstance(result, Survey) else Absent()
    threads = []
    for thread in task:
        filled = _filled(thread, worker.shelf, clones)
        if filled is None:
            return Absent()
        threads.append(filled)
    return worker.do(tuple(threads))


def _worker(settings: Settings) -> Worker:
    kept: Worker | None = getattr(_local, "worker", None)
    if kept is None or kept.settings != settings:
        kept = Worker(settings, Shelf())
        _local.worker = kept
    return kept


def _here(source: Source, clones: str | None) -> Source | None:
    """The source as this machine has it, None when it does not."""
    if clones is None:
        return source if Path(given(source.place)).exists() else None
    parts = Path(given(source.place)).parts
    for count in range(len(parts) - 1, 0, -1):
        place = Path(clones, *parts[-count:])
        if place.exists():
            return replace(source, place=kept(str(place)))
    return None


def _filled(thread: Thread, shelf: Shelf, clones: str | None) -> Thread | None:
    """``thread`` with the data of its mails, None when this machine lacks one."""
    mails = []
    for mail in thread.mails:
        if mail.data is None:
            place = _here(mail.source, clones)
            found = {} if place is None else shelf.fetch(place, [mail.locator])
            if mail.locator not in found:
                return None
            mails.append(replace(mail, data=found[mail.locator]))
        else:
            mails.append(mail)
    return replace(thread, mails=tuple(mails))
