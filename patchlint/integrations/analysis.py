"""Checks a series for an integration, at most once for each series.

b4 and git hand over one mail at a time.  The result for the whole series is kept in the
user's cache under its ordered patch-ids, its base, the program and the rules, so that ten
calls for ten patches cost one analysis.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, to_builtins

import patchlint
from patchlint.integrations.accept import accepting
from patchlint.model.finding import LEVELS, Finding, Report
from patchlint.outside import programs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from patchlint.integrations.config import Acceptance, Settings
    from patchlint.model.effect import Promise

_FORMAT: Final = 4
#: Results older than this many seconds are thrown away.
_KEEP: Final = 7 * 24 * 3600.0
_WORDS: Final = {"error": "ERROR", "warning": "WARNING", "note": "CHECK"}


class AnalysisError(Exception):
    """The series could not be checked at all; the text says why."""


class Remark(Struct, frozen=True):
    """A finding, boiled down to what the integrations print.

    ``before`` and ``after`` tell the context and the guarantee, ``before_way`` and
    ``after_way`` the chains of functions.
    """

    rule: str
    level: str
    path: str
    line: int
    function: str
    patch: int
    title: str
    message: str
    before: str
    after: str
    before_way: str
    after_way: str
    fingerprint: str
    author_says: str | None = None

    def terse(self) -> str:
        """``FILE:LINE: WARNING: [rule-id] one sentence``; only errors hold ``ERROR:``."""
        sentence = " ".join(self.message.split()).replace("ERROR:", "error:")
        return f"{self.path}:{self.line}: {_WORDS[self.level]}: [{self.rule}] {sentence}"


class Doubt(Struct, frozen=True):
    """What keeps a patch from passing, and the Message-ID of its mail where that is known."""

    text: str
    message_id: str | None = None


class Analysis(Struct, frozen=True):
    """What is to be said about one series, and what could not be read of it.

    ``checked`` counts the patches that were looked at.
    """

    remarks: tuple[Remark, ...]
    errors: tuple[Doubt, ...]
    checked: int
    limitations: int = 0
    notes: tuple[str, ...] = ()
    #: whether time was up: another run may find more
    cut: bool = False
    #: what of the diffs was mended, with all of it there
    damage: tuple[str, ...] = ()
    #: what of the diffs could not be read
    lost: tuple[Doubt, ...] = ()


class Work(Struct, frozen=True):
    """What to check: ``inputs`` as ``patchlint check`` takes them, or ``stdin`` alone.

    ``diffs`` is the text that the patch-ids are made from (mails or ``git log -p``);
    ``base`` names the tree that the series stands on, when that is known.  What is ``unread``,
    in part at least, has no patch-id: no result for it is kept.
    """

    inputs: tuple[str, ...]
    diffs: bytes
    stdin: bytes | None = None
    base: str = ""
    tree: str | None = None
    unread: bool = False


def candidate(data: bytes, settings: Settings | None = None) -> bool:
    """Whether a text may hold something to find; rules of the user's own are not known."""
    from patchlint.ruleset.prefilter import candidate as holds_candidate

    return bool(settings and settings.all("rules")) or holds_candidate(data)


def analyse(work: Work, settings: Settings) -> Analysis:
    """Check ``work``, or return what an earlier call for the same series found."""
    if work.unread:
        return _check(work, settings)
    try:
        path = cache_folder("series") / key(work, settings)
        lock = path.with_name(path.name + ".lock").open("w", encoding="utf-8")
    except OSError:  # there is nowhere to keep anything: a home that cannot be written
        return _check(work, settings)
    with lock:
        # of several processes one works, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = _load(path)
        if held is not None:
            return held
        result = _check(work, settings)
        # the same diff may come in another mail, and what is amiss is told of its mail
        if not (result.errors or result.lost or result.cut):
            _store(path, result)
    return result


def standing(
    analysis: Analysis, settings: Settings
) -> tuple[tuple[Remark, ...], tuple[tuple[Remark, Acceptance], ...]]:
    """Return the remarks that stand, and those the user accepted with what accepts them."""
    stand: list[Remark] = []
    taken: list[tuple[Remark, Acceptance]] = []
    for remark in analysis.remarks:
        match = accepting(remark.fingerprint, remark.author_says, settings)
        if match is None:
            stand.append(remark)
        else:
            taken.append((remark, match))
    return tuple(stand), tuple(taken)


def at_or_above(level: str, fail_on: str) -> bool:
    """Whether a finding of ``level`` fails a check that fails on ``fail_on``."""
    if fail_on == "never":
        return False
    ranks: Mapping[str, int] = {name: rank for rank, name in enumerate(LEVELS)}
    return ranks[level] <= ranks[fail_on]


def cache_folder(name: str) -> Path:
    """Return the folder ``name`` of the user's cache; it is made when it is not there."""
    home = os.environ.get("XDG_CACHE_HOME")
    path = (Path(home) if home else Path.home() / ".cache") / "patchlint" / name
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def key(work: Work, settings: Settings) -> str:
    """Return the name under which the result of ``work`` is kept.

    Besides the patch-ids, which know no line numbers, the hunk headers count: a result
    names lines.
    """
    ids = programs.git("patch-id", "--stable", stdin=work.diffs)
    ordered = [line.split()[0] for line in ids.splitlines() if line.strip()]
    places = [line for line in work.diffs.splitlines() if line.startswith((b"@@", b"Subject: "))]
    if b"patchlint-ok" in work.diffs.lower():  # what an author says is part of the result
        places = [work.diffs]
    told = {
        "format": _FORMAT,
        "version": patchlint.__version__,
        "rules": rules_stamp(settings.all("rules")),
        "only": settings.all("rule"),
        "without": settings.all("not-rule"),
        "base": work.base,
        "tree": work.tree,
        "patches": ordered,
        "places": hashlib.sha256(b"\n".join(places)).hexdigest(),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def rules_stamp(folders: Sequence[str] = ()) -> str:
    """Return a digest that changes whenever a rule file or a part of the program does."""
    package = Path(patchlint.__file__).resolve().parent
    digest = hashlib.sha256()
    for root in (package, package.parent / "rules", *map(Path, folders)):
        for path in sorted(root.rglob("*")):
            if path.suffix in {".py", ".toml", ".scm"}:
                facts = path.stat()
                digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _check(work: Work, settings: Settings) -> Analysis:
    from patchlint.run import Options, check

    options = Options(
        tree=work.tree,
        rules=settings.all("rules"),
        only=settings.all("rule"),
        without=settings.all("not-rule"),
        limit=settings.number("time-limit") or None,
    )
    return boiled(check(work.inputs, options, work.stdin))


def boiled(report: Report) -> Analysis:
    """Return a report as the integrations keep it."""
    from patchlint.report.lookup import given_up, lost, patches

    return Analysis(
        remarks=tuple(remark(finding, report) for finding in report.findings),
        errors=tuple(Doubt(one.message, one.message_id) for one in report.errors),
        checked=patches(report),
        limitations=len(report.limitations),
        notes=tuple(note.message for note in report.notes),
        cut=bool(given_up(report)),
        damage=tuple(
            one.told for one in report.limitations if one.stage == "diff" and not one.lost
        ),
        lost=tuple(Doubt(one.told, one.message_id) for one in lost(report)),
    )


def remark(finding: Finding, report: Report) -> Remark:
    """Return one finding boiled down."""
    from patchlint.report.words import told

    patches = report.series[finding.series].patches if report.series else ()
    titles = [patch.subject for patch in patches if patch.number == finding.patch]
    return Remark(
        rule=finding.rule,
        level=finding.level,
        path=finding.path,
        line=finding.line,
        function=finding.function,
        patch=finding.patch,
        title=titles[0] if titles else "",
        message=finding.message,
        before=told(finding.before, "->"),
        after=told(finding.after, "->"),
        before_way=_way(finding.before),
        after_way=_way(finding.after),
        fingerprint=finding.fingerprint,
        author_says=finding.author_says,
    )


def _way(promise: Promise) -> str:
    return " -> ".join(step.function for step in promise.chain)


def _load(path: Path) -> Analysis | None:
    try:
        if path.stat().st_uid != os.geteuid():
            return None  # an answer of somebody else is none
        told, _, text = path.read_bytes().partition(b"\n")
        if told != _sum(text):
            return None  # not as it was written
        held: dict[str, Any] = json.loads(text)
        return Analysis(
            remarks=tuple(Remark(**entry) for entry in held["remarks"]),
            errors=(),
            checked=held["checked"],
            limitations=held["limitations"],
            notes=tuple(held["notes"]),
            damage=tuple(held["damage"]),
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _store(path: Path, analysis: Analysis) -> None:
    _prune(path.parent)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        text = json.dumps(to_builtins(analysis)).encode()
        partial.write_bytes(_sum(text) + b"\n" + text)
        partial.replace(path)


def _sum(text: bytes) -> bytes:
    """What stands before a kept result, to tell one that was damaged."""
    return b"%08x" % zlib.crc32(text)


def _prune(folder: Path) -> None:
    oldest = time.time() - _KEEP
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.stat().st_mtime < oldest:
                entry.unlink()
