"""The pipeline, top to bottom: read this first.

mails -> series -> images before and after -> facts -> graph -> downgrades -> findings
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint import __version__
from patchlint.analysis.at_hand import CannotCheck, TreeAtHand
from patchlint.analysis.series import analyse, why_given_up
from patchlint.model import budget
from patchlint.model.budget import Budget, OutOfBudgetError
from patchlint.model.finding import Finding, PatchRef, Report, SeriesRef
from patchlint.model.problem import TIME, InputError, Limitation, Note, about
from patchlint.outside.alarm import time_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from patchlint.analysis.series import Analysis
    from patchlint.model.diff import DiffProblem, FileDiff
    from patchlint.model.kernel import KernelFacts, Ruleset
    from patchlint.model.mail import Mail, Patch, Series


#: runs of missing numbers that are told; more are left out
_MOST_RANGES: Final = 20


class Options(Struct, frozen=True):
    """How to check.  ``tree`` is a path or None; ``only``/``without`` are rule ids.

    ``tree`` may name a revision (``linux@v6.1``); ``others`` are further trees like it.
    """

    tree: str | None = None
    rules: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    jobs: int = 1
    no_tree: bool = False
    #: check every series, also one whose words can lead to no finding
    everything: bool = False
    #: seconds that one series may take; it is then left with what was found so far
    limit: float | None = None
    others: tuple[str, ...] = ()


class _Findings(Struct):
    """What is gathered while the series go by, or of one of them."""

    series: list[SeriesRef] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    limitations: list[Limitation] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def add(self, more: _Findings) -> None:
        """Take ``more`` in."""
        for name in self.__struct_fields__:
            getattr(self, name).extend(getattr(more, name))


_NO_KERNEL: Final = (
    "this is no kernel patch, and was not checked: its C files stand where the kernel has none,"
    " and no line names a function or type of the tables"
)
#: seconds that hunks alone may take where a tree took too long
_QUICK: Final = 10.0


def check(inputs: Sequence[str], options: Options, stdin: bytes | None = None) -> Report:
    """Read ``inputs`` (paths, ``-`` for ``stdin``, git ranges) and report on them.

    Raises :class:`CannotCheck` for a broken tree option, ``RuleError`` for broken rules.
    """
    from patchlint.mail import account

    errors: list[InputError] = []
    passed_over: list[Limitation] = []
    mails = list(_read(inputs, options, stdin, errors, passed_over))
    series = tuple(_titled(one, inputs, options) for one in _group(mails))
    tree = _tree(options)
    if tree is not None and any(_shows_c(one, options) for one in series):
        tree.begin()
    elif tree is not None:
        tree.hold()
    report = check_series(series, load_rules(options), options, tree)
    errors += [*account.unread(mails), *report.errors]
    if not report.series:
        errors += account.nothing(mails, inputs[0] if inputs else "-", alone=not errors)
    return replace(
        report,
        limitations=(*passed_over, *account.amiss(mails), *report.limitations),
        errors=tuple(errors),
    )


def read_series(
    inputs: Sequence[str], options: Options, stdin: bytes | None = None
) -> tuple[tuple[Series, ...], tuple[InputError, ...]]:
    """Read ``inputs`` as :func:`check` does; the series in them, and what was no input."""
    errors: list[InputError] = []
    return _group(list(_read(inputs, options, stdin, errors, []))), tuple(errors)


def read_whole(series: Series) -> bool:
    """Whether all of the diffs of a series can be read: of the others no filter of words tells."""
    _files_read, unread, lost = _files(series, _Findings())
    return not (unread or any(lost.values()))


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
    inputs: Sequence[str],
    options: Options,
    stdin: bytes | None,
    errors: list[InputError],
    passed_over: list[Limitation],
) -> Iterator[Mail]:
    from patchlint.mail.inputs import read_inputs
    from patchlint.mail.message import decode

    for item in read_inputs(inputs, stdin, tree=tree_path(options)):
        if isinstance(item, InputError):
            errors.append(item)
            continue
        if isinstance(item, Limitation):
            passed_over.append(item)
            continue
        try:
            mail = decode(item)
        except Exception as error:  # noqa: BLE001 - one mail must not take the others along
            failed = f"the mail stage failed: {_said(error)}"
            errors.append(InputError(item.input, failed, line=item.line))
        else:
            yield mail


def _group(mails: Sequence[Mail]) -> tuple[Series, ...]:
    from patchlint.mail.series import group

    return group(mails)


def _titled(series: Series, inputs: Sequence[str], options: Options) -> Series:
    """A git range under the name of its branch, or its own, instead of its first patch's."""
    first = series.patches[0]
    a_range = ".." in first.input or "^-" in first.input
    path = tree_path(options) if a_range and first.commit else None
    if path is None or first.input not in inputs or series.cover_message_id:
        return series
    import os

    from patchlint.mail import git_range

    if os.path.exists(first.input):  # noqa: PTH110 - pathlib costs more than this
        return series
    return replace(series, subject=git_range.title(first.input, path))


def tree_path(options: Options) -> str | None:
    """The tree that was asked for, else the kernel tree one stands in, else None."""
    if options.no_tree:
        return None
    from patchlint.patch.trees import current_kernel_tree, named_revision

    if options.tree is not None:
        return named_revision(options.tree)[0]
    return current_kernel_tree()


def _tree(options: Options) -> TreeAtHand | None:
    path = tree_path(options)
    if path is None:
        return None
    return TreeAtHand(options.tree or path, options.others)


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
        place = len(gathered.series)
        found = _in_time(one, ruleset, options, tree, place)
        if tree is not None and not found.findings and _ended_early(found):
            # what the mail alone shows is told: it takes no search of a tree
            _without_tree(one, ruleset, options, place, found)
        gathered.add(found)
    return Report(
        __version__,
        tuple(gathered.series),
        tuple(gathered.findings),
        tuple(gathered.limitations),
        tuple(gathered.errors),
        notes=tuple(gathered.notes),
    )


def _in_time(
    series: Series, ruleset: Ruleset, options: Options, tree: TreeAtHand | None, place: int
) -> _Findings:
    """What there is to say of a series within the time that it may take."""
    with budget.limited(Budget(options.limit)):
        try:
            with time_limit(options.limit):
                return _guarded(series, ruleset, options, tree, place)
        except OutOfBudgetError as error:
            return _Findings(errors=[_input_error(series, why_given_up(error))])


def _ended_early(found: _Findings) -> bool:
    """Whether a check was ended before it was done."""
    return not found.series or any(one.stage == TIME for one in found.limitations)


def _without_tree(
    series: Series, ruleset: Ruleset, options: Options, place: int, found: _Findings
) -> None:
    """Add to what was found of a series with a tree, in vain, what its hunks alone show."""
    quick = _QUICK if options.limit is None else min(options.limit, _QUICK)
    alone = _in_time(series, ruleset, replace(options, limit=quick), None, place)
    found.findings += alone.findings
    found.series = found.series or (alone.series if alone.findings else [])


def _guarded(
    series: Series, ruleset: Ruleset, options: Options, tree: TreeAtHand | None, place: int
) -> _Findings:
    """Check a series; whatever a stage raises is an error of this series alone."""
    try:
        return _check_one(series, ruleset, options, tree, place)
    except CannotCheck:
        raise
    except Exception as error:  # noqa: BLE001 - one series must not take the others along
        said = f"the {_stage(error)} stage failed: {_said(error)}"
        return _Findings(errors=[_input_error(series, said)])


def _stage(error: BaseException) -> str:
    """The innermost stage that an exception went through: a package of this program."""
    name = "check"
    frame = error.__traceback__
    while frame is not None:
        package, _, rest = str(frame.tb_frame.f_globals.get("__name__", "")).partition(".")
        if package == __package__:
            name = rest.partition(".")[0] or name
        frame = frame.tb_next
    return name


def _said(error: BaseException) -> str:
    from patchlint.outside.programs import told

    return told(error)


def _input_error(series: Series, message: str, patch: Patch | None = None) -> InputError:
    """An error that names a series, or one patch of it."""
    one = patch or series.patches[0]
    subject = series.subject if patch is None else patch.subject
    return InputError(one.input, about(subject, message), one.message_id, one.line)


def _check_one(
    series: Series,
    ruleset: Ruleset,
    options: Options,
    tree: TreeAtHand | None,
    index: int,
) -> _Findings:
    """What there is to say of one series, which will have that index.

    It is left out, as not checked, when nothing of its diffs could be read: beside a patch that
    is lost, a renamed file or a picture is nothing that was checked.
    """
    gathered = _Findings()
    files, unread, lost = _files(series, gathered)
    if unread and not any(file.hunks for some in files.values() for file in some):
        return gathered
    gathered.limitations += [
        *_missing(series),
        *(Limitation("mail", remark, message_id=_message_id(series)) for remark in series.remarks),
    ]
    reference = _reference(series, files, unread, lost)
    gathered.series.append(reference)
    diffs = "\n".join(p.diff for p in series.patches).encode("utf-8", "replace")
    if _foreign(diffs, files, options, tree):
        gathered.limitations.append(
            Limitation("mail", _NO_KERNEL, message_id=_message_id(series), absent=True)
        )
        return gathered
    if not (_shows_c(series, options) if tree is not None else _may_matter(diffs, options)):
        _hear(series, (), ruleset, options, gathered)
        return gathered
    analysis = analyse(series, files, ruleset, tree)
    gathered.series[0] = replace(
        reference,
        images=analysis.images,
        tree=tree.name(series.base_commit) if tree is not None else None,
        patches=tuple(
            _without(one, analysis.lost.get(one.number, ())) for one in reference.patches
        ),
    )
    gathered.limitations.extend(analysis.limitations)
    told = _speak(ruleset, analysis, index, series, tree=tree is not None)
    found = _recalled(told, series, options, ruleset.kernel)
    _hear(series, found, ruleset, options, gathered)
    return gathered


def _foreign(
    diffs: bytes,
    files: dict[int, tuple[FileDiff, ...]],
    options: Options,
    tree: TreeAtHand | None,
) -> bool:
    """Whether a series is for another project than the kernel, whose tree has none of its files.

    ``diffs`` are all of its diffs.  Who gives rules of their own, or wants every series checked,
    says that it is one.
    """
    if options.rules or options.everything:
        return False
    from patchlint.analysis.states import C_SOURCES
    from patchlint.ruleset.prefilter import foreign

    paths = {f.path for some in files.values() for f in some if f.path.endswith(C_SOURCES)}
    if not foreign(paths, diffs):
        return False
    old = {f.old_path or f.path for some in files.values() for f in some}
    return tree is None or not any(tree.tree.read(path) is not None for path in sorted(old))


def _recalled(
    found: Iterable[Finding], series: Series, options: Options, kernel: KernelFacts
) -> tuple[Finding, ...]:
    """The findings of a series with what the record holds of such ones."""
    findings = tuple(found)
    if not findings:
        return ()
    from patchlint.mail import subject
    from patchlint.model.history import day
    from patchlint.ruleset.record import read, recall

    patches = {p.number: (subject.parse(p.subject).title, day(p.date)) for p in series.patches}
    book = read(options.rules)
    return recall(findings, lambda finding: patches[finding.patch], book, kernel)


def _files(
    series: Series, gathered: _Findings
) -> tuple[dict[int, tuple[FileDiff, ...]], dict[int, str], dict[int, str]]:
    """The files of each patch; why, where none could be read: an error; else what was lost."""
    from patchlint.patch.diff import parse

    files: dict[int, tuple[FileDiff, ...]] = {}
    unread: dict[int, str] = {}
    lost: dict[int, str] = {}
    for patch in series.patches:
        parsed = parse(patch.diff)
        files[patch.number] = parsed.files
        damaged = {problem.path for problem in parsed.problems}
        # what is renamed, or no text, has no hunk and lacks none; of what is deleted that is known
        if any(
            f.hunks or f.kind == "delete" or (f.kind != "modify" and f.path not in damaged)
            for f in parsed.files
        ):
            amiss = [_amiss(problem, patch) for problem in parsed.problems]
            amiss += [
                Limitation("mail", said, message_id=patch.message_id, lost=True)
                for said in patch.unread
            ]
            if not any(one.lost for one in amiss):
                amiss += _lacking(patch, parsed.files)
            lost[patch.number] = "; ".join(dict.fromkeys(one.told for one in amiss if one.lost))
            gathered.limitations += [_of_series(one, patch, series) for one in amiss]
        else:
            reasons = dict.fromkeys((*(one.message for one in parsed.problems), *patch.unread))
            why = "; ".join(reasons) or "no file and no hunk in it"
            unread[patch.number] = f"its diff cannot be read: {why}"
            gathered.errors.append(_input_error(series, unread[patch.number], patch))
    return files, unread, lost


def _lacking(patch: Patch, files: Sequence[FileDiff]) -> list[Limitation]:
    """What the diff of a patch lacks of what its own diffstat says."""
    from patchlint.mail.diffstat import lacking

    kinds = [line.kind for file in files for hunk in file.hunks for line in hunk.lines]
    sums = (len(files), kinds.count("+"), kinds.count("-"))
    said = lacking(patch.message.encode(errors="replace"), sums)
    return (
        [] if said is None else [Limitation("mail", said, message_id=patch.message_id, lost=True)]
    )


def _amiss(problem: DiffProblem, patch: Patch) -> Limitation:
    """What could not be read as it stands, at a line of the file: the diff's own mean nothing."""
    return Limitation(
        "diff", problem.message, problem.path, patch.message_id, problem.start, lost=problem.lost
    )


def _of_series(limitation: Limitation, patch: Patch, series: Series) -> Limitation:
    """What is lost with the number of its patch: several of a series may change the file."""
    if not limitation.lost or len(series.patches) == 1:
        return limitation
    return replace(limitation, message=f"patch {patch.number}: {limitation.message}")


def _message_id(series: Series) -> str | None:
    return series.patches[0].message_id if series.patches else None


def _hear(
    series: Series,
    found: tuple[Finding, ...],
    ruleset: Ruleset,
    options: Options,
    gathered: _Findings,
) -> None:
    """Gather the findings of a series, with what its author says of them."""
    if any("patchlint-" in patch.message.lower() for patch in series.patches):
        from patchlint.ruleset.reasons import hear

        rules = [rule.id for rule in ruleset.rules]
        narrowed = bool(options.only or options.without)
        found, notes = hear(series.patches, found, rules, some=narrowed)
        gathered.notes.extend(notes)
    gathered.findings.extend(found)


def _missing(series: Series) -> list[Limitation]:
    if not series.missing:
        return []
    numbers = f"{ranges(series.missing)} of {series.expected}"
    said = (
        f"patch {numbers} is not in the input: what it changes is not seen"
        if len(series.missing) == 1
        else f"patches {numbers} are not in the input: what they change is not seen"
    )
    return [
        Limitation(
            "mail",
            said,
            message_id=_message_id(series),
            absent=True,
        )
    ]


def ranges(numbers: Sequence[int]) -> str:
    """Return rising numbers as runs, ``1-4, 6, 8-9``; the first twenty of them."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(str(n) for n in run) for run in runs[:_MOST_RANGES])


def _reference(
    series: Series,
    files: dict[int, tuple[FileDiff, ...]],
    unread: dict[int, str],
    lost: dict[int, str],
) -> SeriesRef:
    patches = tuple(
        PatchRef(
            p.number,
            p.message_id,
            p.commit,
            p.subject,
            tuple(f.path for f in files[p.number]),
            p.author,
            p.date,
            unread.get(p.number, ""),
            lost.get(p.number, ""),
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


def _without(patch: PatchRef, lost: Sequence[str]) -> PatchRef:
    """A patch with the hunks of it that no image has among what is lost."""
    if not lost:
        return patch
    return replace(patch, lost="; ".join(dict.fromkeys((*filter(None, [patch.lost]), *lost))))


def _may_matter(diffs: bytes, options: Options) -> bool:
    """Whether any word of all diffs of a series can lead to a finding; sound for hunks.

    The filter knows the words of the shipped tables; with rules of the user's own every
    series is looked at.
    """
    if options.rules or options.everything:
        return True
    from patchlint.ruleset.prefilter import candidate

    return candidate(diffs)


def _shows_c(series: Series, options: Options) -> bool:
    """Whether a series is looked at with a tree: each is that has C, or all are wanted.

    What defers, and what releases, may stand in code that the series does not show.
    """
    if options.rules or options.everything:
        return True
    return any(name in patch.diff for patch in series.patches for name in (".c", ".h"))


def _speak(
    ruleset: Ruleset, analysis: Analysis, index: int, series: Series, *, tree: bool
) -> Iterator[Finding]:
    if not analysis.downgrades:
        return
    from patchlint.ruleset.findings import finding
    from patchlint.ruleset.quotes import Diffs

    patches: dict[int, Patch] = {p.number: p for p in series.patches}
    diffs: dict[int, Diffs] = {}
    for downgrade in analysis.downgrades:
        patch = patches[downgrade.patch]
        if patch.number not in diffs:
            diffs[patch.number] = Diffs(analysis.diffs[patch.number])
        spoken = finding(ruleset, downgrade, index, patch, diffs[patch.number], tree=tree)
        if spoken is not None:
            yield spoken
