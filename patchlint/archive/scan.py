"""A scan: survey what is new, check what is open, then look what came of the findings."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Final, Self, cast

from msgspec import Struct
from msgspec.structs import asdict, replace

from patchlint import __version__
from patchlint.archive import sources, worker
from patchlint.archive.engine import Settings, load
from patchlint.archive.records import Failure, Survey, Thread, Verdict, Wanted
from patchlint.archive.sources import Portion, Shelf, Source
from patchlint.model.problem import InputError, Limitation
from patchlint.report.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from patchlint.archive.pool import Executor
    from patchlint.archive.progress import Progress
    from patchlint.archive.store import Store

#: stands among the words of the filter, which cannot have a blank: another one, and the mails
#: are read again
_READING: Final = "what is not read whole passes"
#: seconds that the survey of one mail may take at most, on the average of a portion
_SURVEY_LIMIT: Final = 0.1
_STARTING: Final = 30.0
#: mails of a task of the second pass; a larger thread is a task by itself
_TASK_MAILS: Final = 60


#: mails that a source lacks of which each is remembered; and of which each is named
_MOST_ABSENT: Final = 1000
_NAMED: Final = 3
_LACKING: Final = "cannot be read (a partial clone, or damaged); the next scan tries again"


class Outcome(Struct, frozen=True):
    """What a run did: mails surveyed, threads checked, findings that the store now has.

    ``unread`` says of sources that they could not be read, ``passed_over`` names files of
    folders that hold no mail.
    """

    mails: int
    threads: int
    findings: int
    unread: tuple[InputError, ...] = ()
    passed_over: tuple[str, ...] = ()


def scan(
    inputs: Sequence[str],
    store: Store,
    settings: Settings,
    executor: Executor,
    progress: Progress,
) -> Outcome:
    """Bring ``store`` up to date with ``inputs`` under the rules of ``settings``.

    An input that is no archive is among those that were not read; raises
    :class:`sources.SourceError` where there is no other.
    """
    passed_over: list[str] = []
    unread: list[InputError] = []
    archives = sources.find(inputs, passed_over, unread)
    engine = load(settings)
    ruleset = engine.rules()
    reach = worker.reach_of(engine, settings)
    store.set_vocabulary(reach.vocabulary | {_READING})
    store.set_rules(reach.rules())
    run = store.begin_run(__version__, ruleset.digest, {**asdict(settings), "inputs": [*inputs]})
    mails = 0
    for archive in archives:
        damage: list[sources.SourceError] = []
        try:
            mails += _survey(archive, store, executor, progress, damage)
        except sources.SourceError as error:
            damage.append(error)
        unread += [InputError(archive.name, str(error)) for error in damage]
    store.set_unread(unread)
    store.reopen(reach.digest)
    possible = (lambda _: True) if settings.unfiltered else engine.possible
    ids = store.open_threads(possible)
    threads = _check(store, ids, settings, reach.digest(()), executor, progress)
    if store.outcomes_are_old():
        from patchlint.archive import outcomes

        with Shelf() as shelf:
            outcomes.mine(store, shelf, engine, progress)
    store.end_run(run, mails, threads)
    findings = store.value("SELECT count(*) FROM findings")
    return Outcome(mails, threads, findings, tuple(unread), tuple(passed_over))


# --- first pass --------------------------------------------------------------------


def _survey(
    source: Source,
    store: Store,
    executor: Executor,
    progress: Progress,
    damage: list[sources.SourceError],
) -> int:
    """Read what is new of a source; how many mails, and in ``damage`` where they break off."""
    number, state = store.source(source)
    state = sources.still_named(source, state)
    behind = _Behind(state)
    if not state:
        # while git lists the mails, since there will be some
        executor.warm()
    total, portions = sources.plan(source, state)
    if total == 0:
        return 0
    progress.stage(f"reading {source.name}", total)
    done = 0
    whole = _before(portions, damage)
    for task, result in executor.run((portion, _survey_limit(portion)) for portion in whole):
        portion = cast("Portion", task)
        if isinstance(result, Survey):
            survey = result
        else:
            with executor.apart() as alone:
                survey = _by_parts(portion, alone, result)
        store.add(number, survey, behind.after(portion, survey))
        done += len(portion)
        progress.advance(len(portion))
    if behind.said:
        damage.append(sources.SourceError(behind.said))
    return done


class _Behind:
    """How far a source was read, and which mails on the way it named and did not have.

    Those are read again by the next scan: a repository may be mended, or fetch them.
    """

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._state = dict(state)
        self._absent: list[str] = self._state.pop(sources.ABSENT, [])
        self._stopped = False

    def after(self, portion: Portion, survey: Survey) -> dict[str, Any]:
        """What to remember of the source once this portion is in the store."""
        again = set(portion.keys)
        left = [key for key in self._absent if key not in again]
        # where too many are missing the mark stays, and all behind it is read again
        self._stopped = self._stopped or len(left) + len(survey.absent) > _MOST_ABSENT
        if not self._stopped:
            self._absent = [*left, *survey.absent]
            self._state.update(portion.state)
        return {**self._state, **sources.of_absent(self._absent)}

    @property
    def said(self) -> str:
        """Say what is missing, empty where nothing is."""
        if self._stopped:
            return f"more than {_MOST_ABSENT} of its mails {_LACKING}"
        if not self._absent:
            return ""
        trees = ", ".join(key[:12] for key in self._absent[:_NAMED])
        more = ", ..." if len(self._absent) > _NAMED else ""
        return f"{count(len(self._absent), 'mail')} of it ({trees}{more}) {_LACKING}"


def _before(portions: Iterable[Portion], damage: list[sources.SourceError]) -> Iterator[Portion]:
    """The portions as far as their source can be read: those are kept, whatever comes behind."""
    try:
        yield from portions
    except sources.SourceError as error:
        damage.append(error)


def _survey_limit(portion: Portion) -> float:
    return _STARTING + _SURVEY_LIMIT * len(portion)


def _by_parts(portion: Portion, executor: Executor, failure: object) -> Survey:
    """The survey of a portion that failed: its halves apart, down to the mail at fault."""
    if len(portion) <= 1:
        text = failure.text if isinstance(failure, Failure) else "gave no survey"
        which = portion.keys[0] if portion.keys else "".join(m.locator for m in portion.mails)
        error = InputError(portion.source.name, f"mail {which} could not be read: {text}")
        return Survey((), errors=(error,))
    found: list[Survey] = []
    halves = portion.halves()
    # to its end first: the same executor is used again further down
    for task, result in list(executor.run([(half, _survey_limit(half)) for half in halves])):
        half = cast("Portion", task)
        found.append(result if isinstance(result, Survey) else _by_parts(half, executor, result))
    return Survey(
        tuple(row for one in found for row in one.rows),
        tuple(gone for one in found for gone in one.deleted),
        tuple(limitation for one in found for limitation in one.limitations),
        tuple(error for one in found for error in one.errors),
        tuple(key for one in found for key in one.absent),
    )


# --- second pass -------------------------------------------------------------------


def _check(
    store: Store,
    ids: Sequence[int],
    settings: Settings,
    digest: str,
    executor: Executor,
    progress: Progress,
) -> int:
    """Check the open threads ``ids``; how many there were."""
    if not ids:
        return 0
    progress.stage("checking series", len(ids))
    with _Spool(store, ids) as spool:
        batches = _batches(spool.fill(store.thread(number)) for number in ids)
        for task, result in executor.run((one, _check_limit(one, settings)) for one in batches):
            threads = cast("tuple[Thread, ...]", task)
            if isinstance(result, tuple):
                store.put(result)
            else:
                with executor.apart() as alone:
                    store.put(_one_by_one(threads, settings, digest, alone, result))
            progress.advance(len(threads))
    return len(ids)


def _check_limit(threads: Sequence[Thread], settings: Settings) -> float:
    """A series stops itself at the limit; this one is for what cannot be stopped so."""
    mails = sum(len(thread.mails) for thread in threads)
    return _STARTING + settings.limit * (1 + len(threads)) + _SURVEY_LIMIT * mails


def _batches(threads: Iterable[Thread]) -> Iterator[tuple[Thread, ...]]:
    batch: list[Thread] = []
    mails = 0
    for thread in threads:
        if batch and mails + len(thread.mails) > _TASK_MAILS:
            yield tuple(batch)
            batch, mails = [], 0
        batch.append(thread)
        mails += len(thread.mails)
    if batch:
        yield tuple(batch)


class _Spool:
    """The mails of some threads that lie in mboxes, copied to a temporary file.

    Finding one mail of an mbox again means reading the file from its start, so each
    mbox is read once for all threads.
    """

    def __init__(self, store: Store, ids: Sequence[int]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._places: dict[tuple[Source, str], tuple[int, int]] = {}
        wanted: dict[Source, set[str]] = {}
        if store.value("SELECT 1 FROM sources WHERE kind = 'mbox' LIMIT 1"):
            for thread in map(store.thread, ids):
                for mail in thread.mails:
                    if mail.source.kind == "mbox":
                        wanted.setdefault(mail.source, set()).add(mail.locator)
        for source, locators in wanted.items():
            for raw in sources.numbered(source.place, locators):
                if raw.data is not None:
                    self._places[source, raw.locator] = (self._file.tell(), raw.size)
                    self._file.write(raw.data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fill(self, thread: Thread) -> Thread:
        """``thread`` with the data of its spooled mails."""
        if not self._places:
            return thread
        return replace(thread, mails=tuple(self._filled(mail) for mail in thread.mails))

    def _filled(self, mail: Wanted) -> Wanted:
        place = self._places.get((mail.source, mail.locator))
        if place is None:
            return mail
        self._file.seek(place[0])
        return replace(mail, data=self._file.read(place[1]))


def _one_by_one(
    threads: Sequence[Thread],
    settings: Settings,
    digest: str,
    executor: Executor,
    failure: object,
) -> list[Verdict]:
    """Verdicts of a task that failed: each thread apart, the one at fault as limitation."""
    if len(threads) > 1:
        found: list[Verdict] = []
        tasks = [((thread,), _check_limit((thread,), settings)) for thread in threads]
        for task, result in list(executor.run(tasks)):
            part = cast("tuple[Thread, ...]", task)
            if isinstance(result, tuple):
                found.extend(result)
            else:
                found.extend(_one_by_one(part, settings, digest, executor, result))
        return found
    text = failure.text if isinstance(failure, Failure) else "gave no verdict"
    thread = threads[0]
    first = thread.mails[0].message_id if thread.mails else None
    limitation = Limitation(
        "archive", f"a thread of {len(thread.mails)} patch mails was not checked: {text}",
        message_id=first,
    )  # fmt: skip
    return [Verdict(thread.id, digest, limitations=(limitation,))]
