"""The pipeline, top to bottom: read this first.

mails -> series -> images before and after -> facts -> graph -> downgrades -> findings
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint import __version__
from patchlint.analysis import CannotCheck, TreeAtHand, analyse
from patchlint.model.finding import Finding, PatchRef, Report, SeriesRef
from patchlint.model.mail import Mail, Patch, RawMail, Series
from patchlint.model.problem import InputError, Limitation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.model.diff import FileDiff
    from patchlint.model.effect import Downgrade
    from patchlint.model.kernel import Ruleset


class Options(Struct, frozen=True):
    """How to check.  ``tree`` is a path or None; ``only``/``without`` are rule ids."""

    tree: str | None = None
    rules: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    jobs: int = 1
    no_tree: bool = False


class _Findings(Struct):
    """What is gathered while the series go by."""

    series: list[SeriesRef] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    limitations: list[Limitation] = field(default_factory=list)


def check(inputs: Sequence[str], options: Options, stdin: bytes | None = None) -> Report:
    """Read ``inputs`` (paths, ``-`` for ``stdin``, git ranges) and report on them.

    Raises :class:`CannotCheck` for a broken tree option, ``RuleError`` for broken rules.
    """
    errors: list[InputError] = []
    mails = list(_read(inputs, options, stdin, errors))
    series = _group(mails)
    tree = _tree(options)
    if tree is not None and any(may_matter(one, options) for one in series):
        tree.begin()
    report = check_series(series, load_rules(options), options, tree)
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
    from patchlint.ruleset.load import load, load_late

    if not (options.only or options.without):
        return load_late(options.rules)
    ruleset = load(options.rules)
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

    return current_kernel_tree()


def _tree(options: Options) -> TreeAtHand | None:
    path = tree_path(options)
    return None if path is None else TreeAtHand(path)


def check_series(
    series: Iterable[Series],
    ruleset: Ruleset,
    options: Options,
    tree: TreeAtHand | None = None,
) -> Report:
    """Report on series that are at hand already.  Nothing is read but the tree.

    ``tree`` may be handed in by a caller that checks many series against one tree.
    """
    tree = tree or _tree(options)
    gathered = _Findings()
    for one in series:
        _check_one(one, ruleset, options, tree, gathered)
    return Report(
        __version__,
        tuple(gathered.series),
        tuple(gathered.findings),
        tuple(gathered.limitations),
        (),
    )


def _check_one(
    series: Series,
    ruleset: Ruleset,
    options: Options,
    tree: TreeAtHand | None,
    gathered: _Findings,
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
    if not may_matter(series, options):
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


def may_matter(series: Series, options: Options) -> bool:
    """Whether any word of the series can lead to a finding (sound, see the prefilter).

    The filter knows the words of the shipped tables; with rules of the user's own every
    series is looked at.
    """
    from patchlint.ruleset.prefilter import candidate

    if options.rules:
        return True
    return any(candidate(p.diff.encode("utf-8", "replace")) for p in series.patches)


def _speak(
    ruleset: Ruleset,
    downgrades: Sequence[Downgrade],
    index: int,
    series: Series,
    files: dict[int, tuple[FileDiff, ...]],
) -> Iterator[Finding]:
    if not downgrades:
        return
    from patchlint.ruleset.findings import finding

    patches: dict[int, Patch] = {p.number: p for p in series.patches}
    for downgrade in downgrades:
        patch = patches[downgrade.patch]
        spoken = finding(ruleset, downgrade, index, patch, files[patch.number])
        if spoken is not None:
            yield spoken
