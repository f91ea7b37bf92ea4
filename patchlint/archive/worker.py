"""What a worker process does with a task; the same on one machine and on many."""

from __future__ import annotations

import gc

from msgspec import Struct

from patchlint import __version__
from patchlint.archive import survey as surveys
from patchlint.archive.engine import Engine, Settings, load
from patchlint.archive.judge import judge
from patchlint.archive.reach import Reach
from patchlint.archive.records import Survey, Thread, Verdict
from patchlint.archive.sources import Portion, Shelf

Task = Portion | tuple[Thread, ...]
Result = Survey | tuple[Verdict, ...]


def context(settings: Settings) -> str:
    """What results depend on besides the rules: the program's version and its options."""
    return f"{__version__}|{settings.tree}|{settings.unfiltered}|{settings.limit}"


def reach_of(engine: Engine, settings: Settings) -> Reach:
    """The digests of the rules that ``engine`` holds."""
    return Reach(engine.rules(), context(settings), far=settings.tree is not None)


class Worker(Struct):
    """Holds what tasks share: the loaded rules, the open repositories."""

    settings: Settings
    shelf: Shelf
    _engine: Engine | None = None
    _reach: Reach | None = None

    @property
    def engine(self) -> Engine:
        """The stages, loaded at first use."""
        if self._engine is None:
            self._engine = load(self.settings)
        return self._engine

    @property
    def reach(self) -> Reach:
        """The digests of the rules, made at first use."""
        if self._reach is None:
            self._reach = reach_of(self.engine, self.settings)
        return self._reach

    def do(self, task: Task) -> Result:
        """The result of a task: a portion's survey, or the verdicts on some threads."""
        if isinstance(task, Portion):
            return surveys.survey(task, self.engine)
        done = tuple(
            judge(thread, self.shelf, self.engine, self.reach, self.settings) for thread in task
        )
        gc.collect(1)
        return done
