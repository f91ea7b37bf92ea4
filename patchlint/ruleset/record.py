"""The record: findings that were judged, repairs that were looked for, and what both tell.

``record/judged.tsv`` and ``record/misses.tsv`` stand beside the rules.  They are read when
there is a finding to be told, or when the record itself is asked for.
"""

from __future__ import annotations

from collections import Counter
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, get_args

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.effect import STRUCTURAL
from patchlint.model.finding import LEVELS, Confidence
from patchlint.model.record import (
    OUTCOMES,
    UNDONE,
    VERDICTS,
    Judgement,
    Miss,
    Track,
    folder,
    title_digest,
)
from patchlint.model.stats import Group, Stats, share
from patchlint.ruleset import cache
from patchlint.ruleset.errors import RuleError, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from patchlint.model.context import Context
    from patchlint.model.finding import Finding
    from patchlint.model.kernel import KernelFacts, Rule
    from patchlint.model.record import Outcome
    from patchlint.model.stats import Share

Noun = TypeVar("Noun", bound=Struct)

FOLDER: Final = "record"
#: Of the warnings of a rule so many have to be right: its record makes notes of them when, if
#: they were, so few right ones would come in less than one draw of twenty.
ENOUGH: Final = 0.8
CHANCE: Final = 0.05
#: judged findings from which on a rule's own record is told beside a finding: of fewer a share
#: says nothing
FEWEST: Final = 10

#: what a cell may hold that is no free text
_MAY: Final[dict[tuple[type, str], tuple[str, ...]]] = {
    (Judgement, "level"): LEVELS,
    (Judgement, "confidence"): get_args(Confidence),
    (Judgement, "today"): ("", "none", *LEVELS),
    (Judgement, "verdict"): VERDICTS,
    (Judgement, "outcome"): OUTCOMES,
    (Miss, "found"): ("yes", "note", "no", "n/a"),
    (Miss, "level"): ("", *LEVELS),
}
_COMMENT: Final = "#"


class Book(Struct, frozen=True):
    """All that was judged, oldest first."""

    judged: tuple[Judgement, ...] = ()
    misses: tuple[Miss, ...] = ()


# --- reading -------------------------------------------------------------------------


def read(extra: Sequence[str | Path] = ()) -> Book:
    """Read the shipped record, and those beside the rules in the folders ``extra``.

    Raises RuleError, with file and line, for the first row that is none.
    """
    judged: list[Judgement] = []
    misses: list[Miss] = []
    for root in (cache.shipped(), *extra):
        judged += rows(Path(root, FOLDER, "judged.tsv"), Judgement)
        misses += rows(Path(root, FOLDER, "misses.tsv"), Miss)
    judged.sort(key=lambda one: (one.date, one.message_id, one.function, one.rule))
    misses.sort(key=lambda one: (one.date, one.repair_id))
    return Book(tuple(judged), tuple(misses))


def rows(file: Path, kind: type[Noun]) -> list[Noun]:
    """Return the rows of a table; none of a file that is not there."""
    names: list[str] | None = None
    found = []
    for number, line in enumerate(_text(file).split("\n"), 1):
        if not line.strip() or line.startswith(_COMMENT):
            continue
        cells = line.split("\t")
        if names is None:
            names = cells
            fields = list(kind.__struct_fields__)
            needed = fields[: len(fields) - len(kind.__struct_defaults__)]
            if names[: len(needed)] != needed or names != fields[: len(names)]:
                raise RuleError(file, f"its columns must be {', '.join(fields)}", number)
            continue
        if len(cells) != len(names):
            raise RuleError(file, f"has {len(cells)} cells in a row, not {len(names)}", number)
        for name, cell in zip(names, cells, strict=True):
            may = _MAY.get((kind, name), (cell,))
            if cell not in may:
                raise RuleError(
                    file, f"{name} is '{cell}', not one of {', '.join(filter(None, may))}", number
                )
        found.append(kind(*cells))
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from None


def table(rows: Iterable[Struct], kind: type[Struct], head: str) -> str:
    """Return rows as the text of their file; ``head`` is put above them as comments."""
    lines = [f"{_COMMENT} {line}".rstrip() for line in head.splitlines()]
    lines.append("\t".join(kind.__struct_fields__))
    lines += [
        "\t".join(" ".join(str(getattr(row, name)).split()) for name in kind.__struct_fields__)
        for row in rows
    ]
    return "\n".join(lines) + "\n"


# --- what a finding is told with -----------------------------------------------------


def recall(
    findings: Iterable[Finding],
    patches: Callable[[Finding], tuple[str, str]],
    book: Book,
    kernel: KernelFacts,
) -> tuple[Finding, ...]:
    """Return findings with their nearest precedent and the track of their rules.

    ``patches`` gives the title of a finding's patch and its day, empty where that is not
    known.  What the record holds of the same change is left out of both.
    """
    told = []
    for finding in findings:
        title, day = patches(finding)
        digest = title_digest(title)
        others = [one for one in book.judged if not _own(one, finding, digest)]
        told.append(
            replace(
                finding,
                precedent=_nearest(finding, others, day, kernel),
                track=_track_of(finding, others),
            )
        )
    return tuple(told)


def _track_of(finding: Finding, others: Iterable[Judgement]) -> Track | None:
    """Return how findings of the rule were judged that are as loud as this one.

    None of too few: what was judged of other rules says nothing of this one.
    """
    loud = finding.level != "note"
    mine = track(finding.rule, [o for o in others if o.loud == loud and o.rule == finding.rule])
    return mine if mine.judged - mine.undecided >= FEWEST else None


def _own(one: Judgement, finding: Finding, digest: str) -> bool:
    """Whether a row is of the change that a finding is of, in whatever version."""
    return (
        one.message_id == finding.message_id
        or one.title == digest
        or one.fingerprint == finding.fingerprint
    )


def _nearest(
    finding: Finding, others: Iterable[Judgement], day: str, kernel: KernelFacts
) -> Judgement | None:
    """Return the right finding from before ``day`` that is most like this one, if one is near.

    It did not last: one that was posted and no more tells an author nothing, and one that was
    merged tells him that nobody minded.
    """
    mechanism = finding.after.mechanism or ""
    place = folder(finding.path)
    same = [
        one
        for one in others
        if one.verdict == "right"
        and one.outcome in UNDONE
        and (not day or one.date < day)
        and _is_near(one, finding, kernel)
    ]
    best = max(
        same,
        key=lambda one: (
            (one.folder, one.function) == (place, finding.function),
            one.cleanup == finding.cleanup,
            one.folder == place,
            one.mechanism == mechanism,
            one.rule == finding.rule,
            one.date,
            one.message_id,
        ),
        default=None,
    )
    # what a judge wrote down is for those who keep the record
    return replace(best, line=best.short) if best is not None and best.short else best


def _is_near(one: Judgement, finding: Finding, kernel: KernelFacts) -> bool:
    """Whether a row is near enough to a finding to say something about it.

    It is of the same function; or of the same family, and there of the same subsystem and release,
    or put off by the same thing there, or of the same release by a function of the same kind that
    something runs alike.  What user space did, and meets, is alike for things that have nothing to
    do with each other.  Of what no table knows a family says nothing.
    """
    beside = one.folder == folder(finding.path)
    if beside and one.function == finding.function:
        return True
    if one.family != finding.family:
        return False
    same = one.cleanup == finding.cleanup
    if finding.family == STRUCTURAL:
        return beside and same
    if beside and (same or one.mechanism == (finding.after.mechanism or "")):
        return True
    runners = [_runner(_runs_in(kernel, one.mechanism)), _runner(finding.after.context)]
    return (
        same
        and runners[0] is not None
        and runners[0] == runners[1]
        and _of_a_kind(kernel, one.function, finding.function)
    )


def _of_a_kind(kernel: KernelFacts, *functions: str) -> bool:
    """Whether functions are named for the same end (``close``): put anywhere, a file is no news."""
    words = ({w for w in name.split("_") if kernel.teardown.search(w)} for name in functions)
    return bool(set.intersection(*words))


def _runner(context: Context | None) -> Context | None:
    """Return what a context is alike: whether a worker or another thread runs it is the same."""
    if context in {"kthread", "user-worker"}:
        return "workqueue"
    return None if context == "unknown" else context


def _runs_in(kernel: KernelFacts, mechanism: str) -> Context | None:
    """Return the context in which what is put off by ``mechanism`` runs, as far as it is known."""
    rows = (kernel.activations, kernel.registrations, kernel.twins)
    return next((table[mechanism].context for table in rows if mechanism in table), None)


def track(rule: str, judged: Iterable[Judgement]) -> Track:
    """Return how the findings of a rule were judged and what came of the right ones."""
    verdicts: Counter[str] = Counter()
    ends: Counter[Outcome] = Counter()
    for one in judged:
        verdicts[one.verdict] += 1
        if one.verdict == "right":
            ends[one.outcome] += 1
    return Track(
        rule,
        verdicts["right"],
        verdicts["info"],
        verdicts["wrong"],
        verdicts["undecided"],
        dict(sorted(ends.items())),
    )


# --- numbers -------------------------------------------------------------------------


def held(book: Book, rules: Iterable[Rule]) -> dict[str, Share]:
    """Return the rules that their record makes notes of, with the share that was right.

    A rule counts by its warnings, as the program gives them today.  What a tree shows to be
    lost for a system call is no warning.  One change is one draw: another version of it, or
    another caller of what moved in it, was judged as it was.
    """
    found = {}
    for rule in rules:
        if rule.level == "note":
            continue
        mine = [one for one in book.judged if one.rule == rule.id]
        warned = [one for one in mine if (one.today or one.level) == "warning"]
        once = {(one.title, one.cleanup, one.verdict): one for one in warned}
        loud = precision(once.values(), today=True)
        if at_most(loud.right, loud.decided, ENOUGH) < CHANCE:
            found[rule.id] = loud
    return found


def at_most(right: int, decided: int, part: float) -> float:
    """Return how likely no more than ``right`` of ``decided`` are where ``part`` of all are."""
    return sum(
        comb(decided, number) * part**number * (1 - part) ** (decided - number)
        for number in range(right + 1)
    )


def precision(judged: Iterable[Judgement], *, today: bool = False) -> Share:
    """Return how many were told as they deserve, of those that could be decided.

    Told as they were when they were judged, or as the program tells them ``today``.
    """
    decided = [one for one in judged if one.verdict != "undecided"]
    good = sum(one.good(loud=one.loud if today else one.level != "note") for one in decided)
    return share(good, len(decided))


def found(misses: Iterable[Miss]) -> Share:
    """Return how many are told loudly of what was repaired and could be found."""
    answers = Counter(one.found for one in misses)
    return share(answers["yes"], answers.total() - answers["n/a"])


def stats(book: Book, rules: Iterable[Rule]) -> Stats:
    """Return the record in numbers; each of ``rules`` has a group, judged or not."""
    judged = book.judged
    back = {rule.id for rule in rules if rule.held}
    groups = {
        name: tuple(_group(value, some, back) for value, some in _by(judged, name, values))
        for name, values in (
            ("rule", sorted({*(rule.id for rule in rules), *(one.rule for one in judged)})),
            ("level", LEVELS),
            ("confidence", get_args(Confidence)),
            ("list", sorted({one.list for one in judged})),
        )
    }
    moved = Counter(
        (one.verdict, one.level, one.today)
        for one in judged
        if one.today and one.today != one.level
    )
    families = sorted({one.family for one in book.misses})
    return Stats(
        _group("all", judged, frozenset()),
        len({one.list for one in judged}),
        groups,
        tuple((*key, number) for key, number in sorted(moved.items())),
        found(book.misses),
        tuple((name, found(m for m in book.misses if m.family == name)) for name in families),
        len(book.misses),
        tuple(one for one in book.misses if one.found in {"note", "no"}),
    )


def _by(
    judged: Sequence[Judgement], name: str, values: Iterable[str]
) -> Iterator[tuple[str, list[Judgement]]]:
    for value in values:
        yield value, [one for one in judged if getattr(one, name) == value]


def _group(name: str, judged: Sequence[Judgement], back: Collection[str]) -> Group:
    mine = track(name, judged)
    loud = precision([one for one in judged if one.loud], today=True)
    return Group(mine, precision(judged), loud, held=name in back)
