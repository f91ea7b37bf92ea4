"""The pipeline, top to bottom: read this first.

mails -> series -> images before and after -> facts -> graph -> downgrades -> findings
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from patchlint import __version__
from patchlint.model.diff import FileDiff
from patchlint.model.effect import Downgrade
from patchlint.model.facts import FileFacts
from patchlint.model.finding import Finding, PatchRef, Report, SeriesRef
from patchlint.model.image import Image, SeriesState
from patchlint.model.kernel import Ruleset
from patchlint.model.mail import Mail, Patch, RawMail, Series
from patchlint.model.problem import InputError, Limitation

if TYPE_CHECKING:
    from patchlint.patch.images import Composition

#: files whose text the syntax stage reads
C_SOURCES = (".c", ".h")


class CannotCheck(Exception):
    """Nothing can be checked: the text says why, for the user."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to check.  ``tree`` is a path or None; ``only``/``without`` are rule ids."""

    tree: str | None = None
    rules: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    jobs: int = 1
    no_tree: bool = False


@dataclass(slots=True)
class _Findings:
    """What is gathered while the series go by."""

    series: list[SeriesRef] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    limitations: list[Limitation] = field(default_factory=list)


def check(inputs: Sequence[str], options: Options, stdin: bytes | None = None) -> Report:
    """Read ``inputs`` (paths, ``-`` for ``stdin``, git ranges) and report on them.

    Raises :class:`CannotCheck` for a broken tree option, ``RuleError`` for broken rules.
    """
    ruleset = load_rules(options)
    errors: list[InputError] = []
    mails = list(_read(inputs, options, stdin, errors))
    series = _group(mails)
    report = check_series(series, ruleset, options)
    return replace(report, errors=(*errors, *report.errors))


def load_rules(options: Options) -> Ruleset:
    """The shipped rules, the user's own, narrowed to those that were asked for."""
    from pathlib import Path

    from patchlint.ruleset.load import load

    ruleset = load([Path(folder) for folder in options.rules])
    known = {rule.id for rule in ruleset.rules}
    for wanted in (*options.only, *options.without):
        if wanted not in known:
            import difflib

            near = difflib.get_close_matches(wanted, known, n=1)
            raise CannotCheck(f"no rule '{wanted}'" + (
                f"; did you mean '{near[0]}'?" if near else " (see patchlint rules)"))
    rules = tuple(
        rule for rule in ruleset.rules
        if (not options.only or rule.id in options.only) and rule.id not in options.without
    )
    return replace(ruleset, rules=rules)


def _read(
    inputs: Sequence[str], options: Options, stdin: bytes | None, errors: list[InputError]
) -> Iterator[Mail]:
    from patchlint.mail.inputs import read_inputs
    from patchlint.mail.message import decode

    for item in read_inputs(inputs, stdin, tree=options.tree):
        if isinstance(item, RawMail):
            yield decode(item)
        else:
            errors.append(item)


def _group(mails: Sequence[Mail]) -> tuple[Series, ...]:
    from patchlint.mail.series import group

    return group(mails)


def check_series(series: Iterable[Series], ruleset: Ruleset, options: Options) -> Report:
    """Report on series that are at hand already.  Nothing is read but the tree."""
    gathered = _Findings()
    for one in series:
        _check_one(one, ruleset, options, gathered)
    return Report(__version__, tuple(gathered.series), tuple(gathered.findings),
                  tuple(gathered.limitations), ())


def _check_one(
    series: Series, ruleset: Ruleset, options: Options, gathered: _Findings
) -> None:
    from patchlint.patch.diff import parse

    del options
    files: dict[int, tuple[FileDiff, ...]] = {}
    for patch in series.patches:
        parsed = parse(patch.diff)
        files[patch.number] = parsed.files
        gathered.limitations.extend(
            Limitation("diff", problem.message, problem.path, patch.message_id, problem.line)
            for problem in parsed.problems
        )
    gathered.limitations.extend(_missing(series))
    index = len(gathered.series)
    gathered.series.append(_reference(series, files))
    if not may_matter(series):
        return
    downgrades, limitations = analyse(series, files, ruleset)
    gathered.limitations.extend(limitations)
    gathered.findings.extend(_speak(ruleset, downgrades, index, series, files))


def _missing(series: Series) -> list[Limitation]:
    if not series.missing:
        return []
    numbers = ", ".join(str(n) for n in series.missing[:20])
    return [Limitation(
        "mail", f"{series.subject}: {len(series.missing)} of {series.expected} patches are "
        f"not in the input ({numbers}): what they change is not seen",
        message_id=series.patches[0].message_id if series.patches else None)]


def _reference(series: Series, files: dict[int, tuple[FileDiff, ...]]) -> SeriesRef:
    patches = tuple(
        PatchRef(p.number, p.message_id, p.commit, p.subject,
                 tuple(f.path for f in files[p.number]), p.author, p.date)
        for p in series.patches
    )
    return SeriesRef(series.subject, series.version, series.base_commit,
                     series.cover_message_id, series.expected, series.missing, patches,
                     "hunks", None, series.references)


def may_matter(series: Series) -> bool:
    """Whether any word of the series can lead to a finding (sound, see the prefilter)."""
    from patchlint.ruleset.prefilter import candidate

    return any(candidate(p.diff.encode("utf-8", "replace")) for p in series.patches)


def analyse(
    series: Series, files: dict[int, tuple[FileDiff, ...]], ruleset: Ruleset
) -> tuple[list[Downgrade], list[Limitation]]:
    """Downgrades from before the series to after it, each with the patch that caused it."""
    from patchlint.patch.images import compose

    composition = compose([(p.number, files[p.number], p.message_id) for p in series.patches])
    facts = _Facts(ruleset)
    message = "\n\n".join(p.message for p in series.patches)
    found = facts.compare(composition.states[-1], message)
    placed = [_place(downgrade, composition, facts, message) for downgrade in found]
    return placed, list(composition.limitations)


class _Facts:
    """Facts of images and comparisons of states, each worked out once."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self._read: dict[tuple[str, bytes], FileFacts] = {}
        self._compared: dict[int, tuple[Downgrade, ...]] = {}

    def of(self, image: Image) -> FileFacts:
        """The facts of one image."""
        from patchlint.syntax.facts import extract

        key = (image.path, image.text)
        if key not in self._read:
            self._read[key] = extract(image, self.ruleset.kernel.macros)
        return self._read[key]

    def compare(self, state: SeriesState, message: str) -> tuple[Downgrade, ...]:
        """The downgrades from before the series to ``state``."""
        if state.upto not in self._compared:
            self._compared[state.upto] = _compare(state, self, message)
        return self._compared[state.upto]


def _compare(state: SeriesState, facts: _Facts, message: str) -> tuple[Downgrade, ...]:
    from patchlint.graph.build import build
    from patchlint.graph.downgrades import Comparison, find
    from patchlint.graph.follow import lines_of

    pairs = [pair for pair in state.files if pair.path.endswith(C_SOURCES)]
    before = build([facts.of(p.pre) for p in pairs if p.pre], facts.ruleset.kernel)
    after = build([facts.of(p.post) for p in pairs if p.post], facts.ruleset.kernel)
    return find(Comparison(before, after, lines_of(pairs), message))


def _place(
    downgrade: Downgrade, composition: Composition, facts: _Facts, message: str
) -> Downgrade:
    """``downgrade`` as it first shows, with the number of the patch that brings it."""
    *earlier, last = composition.numbers
    for number in earlier:
        for first in facts.compare(composition.state(number), message):
            if _same(first, downgrade):
                return replace(first, patch=number)
    return replace(downgrade, patch=last)


def _same(one: Downgrade, other: Downgrade) -> bool:
    """Whether two states show one downgrade; a later patch may rename its function."""
    return (one.cleanup, one.after.callback) == (other.cleanup, other.after.callback)


def _speak(
    ruleset: Ruleset, downgrades: Sequence[Downgrade], index: int, series: Series,
    files: dict[int, tuple[FileDiff, ...]],
) -> Iterator[Finding]:
    from patchlint.ruleset.findings import finding

    patches: dict[int, Patch] = {p.number: p for p in series.patches}
    for downgrade in downgrades:
        patch = patches[downgrade.patch]
        spoken = finding(ruleset, downgrade, index, patch, files[patch.number])
        if spoken is not None:
            yield spoken
