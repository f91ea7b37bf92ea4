"""Several lists and Patchwork projects in one process, from one file.

Each entry is looked after by itself: what fails with one is told and passes over the others.
Nothing is sent and nothing is posted unless its entry says so.  All state is in files that
every step leaves complete, so that a process may end at any moment and be started again.
"""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, ValidationError, convert, field

from patchlint.integrations import patchwork, patchwork_follow, watch
from patchlint.integrations.config import ConfigError
from patchlint.integrations.watch_sources import SourceError, open_source
from patchlint.integrations.watch_state import State, StateError
from patchlint.model.number import amiss
from patchlint.report.text import count
from patchlint.run import Options

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from patchlint.integrations.config import Settings

_NAME: Final = "abcdefghijklmnopqrstuvwxyz0123456789-_."


class Checking(Struct, frozen=True, kw_only=True, rename="kebab"):
    """What every entry may say of how it is checked."""

    name: str
    tree: str = ""
    #: bring the index of the tree up to date before each round
    index: bool = False
    rules: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    not_rule: tuple[str, ...] = ()


class ListEntry(Checking, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A list that is followed.  ``send`` sends what else is only drafted."""

    source: str
    drafts: str = ""
    send: bool = False
    cc: tuple[str, ...] = ()
    per_day: int = watch.MOST_IN_A_DAY
    settle: int = 900
    backlog: int = 1000


class ProjectEntry(Checking, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A project of a Patchwork server.  ``post`` posts what else is only told."""

    url: str
    project: str
    token_env: str = ""
    context: str = "patchlint"
    target_url: str = ""
    post: bool = False
    per_round: int = 50


class Service(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """The whole file.  ``state`` is a folder, ``interval`` in seconds."""

    state: str
    drafts: str = ""
    interval: int = 300
    lists: tuple[ListEntry, ...] = field(default=(), name="list")
    projects: tuple[ProjectEntry, ...] = field(default=(), name="patchwork")


class Health(Struct):
    """What a round did, for the line that ends it."""

    entries: int = 0
    failed: int = 0
    checked: int = 0
    drafted: int = 0
    sent: int = 0
    posted: int = 0
    seconds: float = 0.0

    def line(self, following: int | None) -> str:
        """One line; ``following`` seconds from now comes the next round, if one does."""
        text = (
            f"health: {self.entries - self.failed} of {self.entries} well, {self.checked} checked, "
            f"{self.drafted} drafted, {self.sent} sent, {self.posted} posted, {self.seconds:.1f} s"
        )
        return text if following is None else f"{text}, next in {following} s"


def load(path: str) -> Service:
    """Read the file; raises ``ConfigError`` with its name and what is wrong in it."""
    try:
        with Path(path).open("rb") as file:
            service = convert(tomllib.load(file), Service)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (ValueError, ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from error
    names = [one.name for one in (*service.lists, *service.projects)]
    if not names:
        raise ConfigError(f"{path}: names no [[list]] and no [[patchwork]]")
    for name in names:
        if not name or set(name.lower()) - set(_NAME) or name.startswith("."):
            raise ConfigError(f"{path}: {name!r} is no name: letters, digits, - _ . make one")
        if names.count(name) > 1:
            raise ConfigError(f"{path}: {name} stands there twice")
    for one in service.lists:
        if not (one.drafts or service.drafts):
            raise ConfigError(f"{path}: {one.name}: where do drafts go? set drafts")
    if why := amiss(str(service.interval)):
        raise ConfigError(f"{path}: interval is {why}")
    return service


def one_round(service: Service, settings: Settings, domain: str) -> Iterator[str]:
    """Look after each entry once; yield what is done in words, and the health line last.

    Raises nothing of an entry's own: that is told, and counts as not well.
    """
    health = yield from _round(service, settings, domain)
    yield health.line(None)


def forever(service: Service, settings: Settings, domain: str) -> Iterator[str]:
    """Do rounds until stopped."""
    while True:
        health = yield from _round(service, settings, domain)
        yield health.line(service.interval)
        time.sleep(service.interval)


def _round(service: Service, settings: Settings, domain: str) -> Generator[str, None, Health]:
    folder = Path(service.state).expanduser()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    health, began = Health(), time.monotonic()
    rounds = [
        *(
            (one.name, _list(one, service, folder, settings, domain, health))
            for one in service.lists
        ),
        *((one.name, _project(one, folder, settings, health)) for one in service.projects),
    ]
    for name, steps in rounds:
        health.entries += 1
        try:
            for said in steps:
                yield f"{name}: {said}"
        except Exception as error:  # noqa: BLE001 - one entry must not stop the others
            health.failed += 1
            yield f"{name}: failed: {_said(error)}"
    health.seconds = time.monotonic() - began
    return health


def _said(error: Exception) -> str:
    from patchlint.patch.trees import TreeError

    known = (SourceError, StateError, ConfigError, TreeError, patchwork.PatchworkError)
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return text if isinstance(error, known) and text else f"{type(error).__name__}: {text}"


def _options(entry: Checking) -> Options:
    tree = str(Path(entry.tree).expanduser()) if entry.tree else None
    return Options(
        tree=tree,
        no_tree=tree is None,
        rules=tuple(str(Path(one).expanduser()) for one in entry.rules),
        only=entry.rule,
        without=entry.not_rule,
    )


def _index(entry: Checking) -> Iterator[str]:
    """Bring the index of the entry's tree up to date: quick where nothing has changed."""
    if not (entry.index and entry.tree):
        return
    from patchlint.index.build import build
    from patchlint.patch.trees import open_tree
    from patchlint.ruleset.load import load as load_rules

    built = build(open_tree(Path(entry.tree).expanduser()), load_rules().kernel.macros)
    if built.read:
        yield f"index: {count(built.files, 'file')}, {built.read} read"


def _list(
    entry: ListEntry,
    service: Service,
    folder: Path,
    settings: Settings,
    domain: str,
    health: Health,
) -> Iterator[str]:
    yield from _index(entry)
    source = entry.source
    if not source.startswith(("http://", "https://")):
        source = str(Path(source).expanduser())
    plan = watch.Plan(
        source=source,
        drafts=str(Path(entry.drafts or f"{service.drafts}/{entry.name}").expanduser()),
        settle=entry.settle,
        send=entry.send,
        cc=entry.cc,
        options=_options(entry),
        domain=domain or "patchlint.invalid",
        most_in_a_day=entry.per_day,
    )
    with State(str(folder / f"{entry.name}.db")) as state:
        opened = open_source(source, entry.backlog)
        failed: SourceError | None = None
        try:
            done: Iterable[str] = watch.once(plan, opened, state, settings)
        except SourceError as error:
            done, failed = error.done, error
        for said in done:
            health.drafted += said.startswith("draft: ")
            health.sent += said.startswith("sent: ")
            health.checked += not said.startswith(("draft: ", "sent: "))
            yield said
        if failed is not None:
            raise failed


def _project(
    entry: ProjectEntry, folder: Path, settings: Settings, health: Health
) -> Iterator[str]:
    yield from _index(entry)
    project = patchwork_follow.Project(
        url=entry.url,
        name=entry.project,
        token_env=entry.token_env,
        context=entry.context,
        target_url=entry.target_url,
        post=entry.post,
        most=entry.per_round,
        state=folder / f"{entry.name}.json",
    )
    for said in patchwork_follow.once(project, _options(entry), settings):
        health.posted += said.startswith("posted: ")
        health.checked += said.startswith("series ")
        yield said
