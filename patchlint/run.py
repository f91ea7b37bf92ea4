"""The pipeline, top to bottom: read this first.

mails -> series -> images before and after -> facts -> graph -> downgrades -> findings
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from patchlint import __version__
from patchlint.model.finding import Finding, PatchRef, Report, SeriesRef
from patchlint.model.mail import Mail, Patch, RawMail, Series
from patchlint.model.problem import InputError, Limitation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from patchlint.graph.reach import Ways
    from patchlint.model.diff import FileDiff
    from patchlint.model.effect import Downgrade
    from patchlint.model.facts import FileFacts
    from patchlint.model.image import Image, SeriesState
    from patchlint.model.kernel import Cleanup, Macro, Ruleset
    from patchlint.model.tree import TreeFacts
    from patchlint.patch.images import Composition
    from patchlint.patch.trees import Tree

#: files whose text the syntax stage reads
C_SOURCES = (".c", ".h")


class CannotCheck(Exception):  # noqa: N818  it is an answer, the text is for the user
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
    return replace(
        report,
        limitations=(*_amiss(mails), *report.limitations),
        errors=(*errors, *_without_diff(mails), *report.errors),
    )


def _amiss(mails: Iterable[Mail]) -> list[Limitation]:
    """What of the mails could not be read; answers to patches hold nothing to check."""
    return [
        Limitation("mail", f"{mail.subject}: {problem}", message_id=mail.message_id or None)
        for mail in mails
        if not mail.is_reply
        for problem in mail.problems
    ]


def _without_diff(mails: Iterable[Mail]) -> list[InputError]:
    """Mails that are called a patch and hold none."""
    from patchlint.mail.subject import parse

    return [
        InputError(
            mail.input,
            f"{mail.subject}: there is no diff in this patch; the mail may be cut short",
            mail.message_id or None,
            mail.line,
        )
        for mail in mails
        if mail.diff_start is None
        and not (mail.attached or mail.is_reply or mail.number == 0)
        and parse(mail.subject).is_patch
    ]


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
            raise CannotCheck(
                f"no rule '{wanted}'"
                + (f"; did you mean '{near[0]}'?" if near else " (see patchlint rules)")
            )
    rules = tuple(
        rule
        for rule in ruleset.rules
        if (not options.only or rule.id in options.only) and rule.id not in options.without
    )
    return replace(ruleset, rules=rules)


def _read(
    inputs: Sequence[str], options: Options, stdin: bytes | None, errors: list[InputError]
) -> Iterator[Mail]:
    from patchlint.mail.inputs import read_inputs
    from patchlint.mail.message import decode

    for item in read_inputs(inputs, stdin, tree=tree_path(options)):
        if isinstance(item, RawMail):
            yield decode(item)
        else:
            errors.append(item)


def _group(mails: Sequence[Mail]) -> tuple[Series, ...]:
    from patchlint.mail.series import group

    return group(mails)


def tree_path(options: Options) -> str | None:
    """The tree that was asked for, else the kernel tree one stands in, else None."""
    if options.no_tree:
        return None
    if options.tree is not None:
        return options.tree
    from patchlint.patch.trees import current_kernel_tree

    here = current_kernel_tree()
    return None if here is None else str(here)


class TreeAtHand:
    """A kernel tree, opened when first needed, and what was asked of it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._tree: Tree | None = None
        self._facts: dict[str | None, TreeFacts] = {}
        self._ways: dict[tuple[str | None, str, str], Ways] = {}
        self._derived: dict[tuple[str | None, str, str], Cleanup | None] = {}

    @property
    def tree(self) -> Tree:
        """The tree at its HEAD.  Raises :class:`CannotCheck` when it cannot be read."""
        if self._tree is None:
            from patchlint.patch.trees import TreeError, open_tree

            try:
                self._tree = open_tree(self.path)
            except TreeError as error:
                raise CannotCheck(str(error)) from error
        return self._tree

    def name(self, base: str | None) -> str:
        """The commit (or folder) that is read for a series with that base."""
        tree = self._at(base)
        return tree.commit or tree.name

    def _at(self, base: str | None) -> Tree:
        return (self.tree.at(base) if base else None) or self.tree

    def facts(self, base: str | None, macros: Sequence[Macro]) -> TreeFacts:
        """What the whole tree knows, at ``base`` when it has that commit."""
        if base not in self._facts:
            from patchlint.index import open_facts

            self._facts[base] = open_facts(self._at(base), macros)
        return self._facts[base]

    def ways(self, base: str | None, ruleset: Ruleset, name: str, path: str) -> Ways:
        """How a function of the tree comes to run."""
        key = (base, name, path)
        if key not in self._ways:
            from patchlint.graph.reach import ways

            facts = self.facts(base, ruleset.kernel.macros)
            self._ways[key] = ways(facts, ruleset.kernel, name, path)
        return self._ways[key]

    def derive(self, base: str | None, ruleset: Ruleset, name: str, path: str) -> Cleanup | None:
        """The table entry that the tree derives for a function, None when there is none."""
        key = (base, name, path)
        if key not in self._derived:
            from patchlint.graph.derive import derive

            found = derive(self.facts(base, ruleset.kernel.macros), ruleset.kernel, name, path)
            self._derived[key] = found.row() if found else None
        return self._derived[key]


def check_series(
    series: Iterable[Series],
    ruleset: Ruleset,
    options: Options,
    tree: TreeAtHand | None = None,
) -> Report:
    """Report on series that are at hand already.  Nothing is read but the tree.

    ``tree`` may be handed in by a caller that checks many series against one tree.
    """
    if tree is None and (path := tree_path(options)) is not None:
        tree = TreeAtHand(path)
    gathered = _Findings()
    for one in series:
        _check_one(one, ruleset, tree, gathered)
    return Report(
        __version__,
        tuple(gathered.series),
        tuple(gathered.findings),
        tuple(gathered.limitations),
        (),
    )


def _check_one(
    series: Series, ruleset: Ruleset, tree: TreeAtHand | None, gathered: _Findings
) -> None:
    from patchlint.patch.diff import parse

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
    reference = _reference(series, files)
    gathered.series.append(reference)
    if not may_matter(series):
        return
    analysis = analyse(series, files, ruleset, tree)
    gathered.series[index] = replace(
        reference,
        images=analysis.images,
        tree=tree.name(series.base_commit) if tree is not None else None,
    )
    gathered.limitations.extend(analysis.limitations)
    gathered.findings.extend(_speak(ruleset, analysis.downgrades, index, series, files))


def _missing(series: Series) -> list[Limitation]:
    if not series.missing:
        return []
    numbers = ", ".join(str(n) for n in series.missing[:20])
    return [
        Limitation(
            "mail",
            f"{series.subject}: {len(series.missing)} of {series.expected} patches are "
            f"not in the input ({numbers}): what they change is not seen",
            message_id=series.patches[0].message_id if series.patches else None,
        )
    ]


def _reference(series: Series, files: dict[int, tuple[FileDiff, ...]]) -> SeriesRef:
    patches = tuple(
        PatchRef(
            p.number,
            p.message_id,
            p.commit,
            p.subject,
            tuple(f.path for f in files[p.number]),
            p.author,
            p.date,
        )
        for p in series.patches
    )
    return SeriesRef(
        series.subject,
        series.version,
        series.base_commit,
        series.cover_message_id,
        series.expected,
        series.missing,
        patches,
        "hunks",
        None,
        series.references,
    )


def may_matter(series: Series) -> bool:
    """Whether any word of the series can lead to a finding (sound, see the prefilter)."""
    from patchlint.ruleset.prefilter import candidate

    return any(candidate(p.diff.encode("utf-8", "replace")) for p in series.patches)


@dataclass(frozen=True, slots=True)
class Analysis:
    """The downgrades of one series, what its images were, and what could not be known."""

    downgrades: tuple[Downgrade, ...]
    images: Literal["hunks", "whole", "mixed"]
    limitations: tuple[Limitation, ...]


def analyse(
    series: Series,
    files: dict[int, tuple[FileDiff, ...]],
    ruleset: Ruleset,
    tree: TreeAtHand | None = None,
) -> Analysis:
    """Downgrades from before the series to after it, each with the patch that caused it."""
    composition, images, limitations = _compose(series, files, tree)
    facts = _Facts(ruleset, "\n\n".join(p.message for p in series.patches))
    facts.titles = tuple(
        (p.subject, frozenset(f.old_path or f.path for f in files[p.number]))
        for p in series.patches
    )
    if tree is not None:
        facts.ways = partial(tree.ways, series.base_commit, ruleset)
        facts.derive = partial(tree.derive, series.base_commit, ruleset)
    found = facts.compare(composition.states[-1])
    placed = tuple(_place(downgrade, composition, facts) for downgrade in found)
    said = [Limitation("tree", text) for text in dict.fromkeys(facts.limitations)]
    return Analysis(placed, images, (*limitations, *said))


def _compose(
    series: Series, files: dict[int, tuple[FileDiff, ...]], tree: TreeAtHand | None
) -> tuple[Composition, Literal["hunks", "whole", "mixed"], tuple[Limitation, ...]]:
    """The images of a series: whole where the tree has the files, else out of hunks."""
    from patchlint.patch.images import compose

    diffs = [(p.number, files[p.number], p.message_id) for p in series.patches]
    if tree is None:
        composition = compose(diffs)
        return composition, "hunks", composition.limitations
    from patchlint.patch.apply import whole_images

    whole = whole_images(tree.tree, [files[p.number] for p in series.patches], series.base_commit)
    composition = compose(diffs, whole.texts([p.number for p in series.patches]))
    images: Literal["hunks", "whole", "mixed"] = "whole"
    if whole.failed:
        images = "mixed" if whole.files else "hunks"
    return composition, images, (*whole.limitations, *composition.limitations)


class _Facts:
    """Facts of images and comparisons of states, each worked out once."""

    def __init__(self, ruleset: Ruleset, message: str) -> None:
        self.ruleset = ruleset
        self.message = message
        self.titles: tuple[tuple[str, frozenset[str]], ...] = ()
        self.ways: Callable[[str, str], Ways] | None = None
        self.derive: Callable[[str, str], Cleanup | None] | None = None
        self.limitations: list[str] = []
        self._read: dict[tuple[str, bytes], FileFacts] = {}
        self._compared: dict[int, tuple[Downgrade, ...]] = {}

    def of(self, image: Image) -> FileFacts:
        """The facts of one image."""
        from patchlint.syntax.facts import extract

        key = (image.path, image.text)
        if key not in self._read:
            self._read[key] = extract(image, self.ruleset.kernel.macros)
        return self._read[key]

    def compare(self, state: SeriesState) -> tuple[Downgrade, ...]:
        """The downgrades from before the series to ``state``."""
        if state.upto not in self._compared:
            self._compared[state.upto] = self._compare(state)
        return self._compared[state.upto]

    def _compare(self, state: SeriesState) -> tuple[Downgrade, ...]:
        from patchlint.graph.build import build
        from patchlint.graph.comparison import Comparison
        from patchlint.graph.downgrades import find
        from patchlint.graph.follow import lines_of

        kernel = self.ruleset.kernel
        pairs = [pair for pair in state.files if pair.path.endswith(C_SOURCES)]
        before = build([self.of(p.pre) for p in pairs if p.pre], kernel)
        after = build([self.of(p.post) for p in pairs if p.post], kernel)
        comparison = Comparison(
            before, after, lines_of(pairs), self.message, self.titles, self.ways
        )
        if self.derive is not None:
            from patchlint.graph.derive import moved_calls

            rows = {name: self.derive(name, path) for name, path in moved_calls(comparison).items()}
            comparison.learn({name: row for name, row in rows.items() if row is not None})
        found = find(comparison)
        self.limitations.extend(comparison.limitations)
        return found


def _place(downgrade: Downgrade, composition: Composition, facts: _Facts) -> Downgrade:
    """``downgrade`` as it first shows, with the number of the patch that brings it."""
    *earlier, last = composition.numbers
    for state, number in zip(composition.states[1:], earlier, strict=False):
        for first in facts.compare(state):
            if _same(first, downgrade):
                return replace(first, patch=number)
    return replace(downgrade, patch=last)


def _same(one: Downgrade, other: Downgrade) -> bool:
    """Whether two states show one downgrade.

    A later patch may rename its function or add to what moved; the callback stays.
    """
    return one.after.callback == other.after.callback and not {one.cleanup, *one.also}.isdisjoint(
        {other.cleanup, *other.also}
    )


def _speak(
    ruleset: Ruleset,
    downgrades: Sequence[Downgrade],
    index: int,
    series: Series,
    files: dict[int, tuple[FileDiff, ...]],
) -> Iterator[Finding]:
    from patchlint.ruleset.findings import finding

    patches: dict[int, Patch] = {p.number: p for p in series.patches}
    for downgrade in downgrades:
        patch = patches[downgrade.patch]
        spoken = finding(ruleset, downgrade, index, patch, files[patch.number])
        if spoken is not None:
            yield spoken
