"""Questions to a store: its findings as they came out of the check, each posting apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint import __version__
from patchlint.archive import codec
from patchlint.archive.store import DamagedError
from patchlint.model.effect import EntryChain, Promise, Step
from patchlint.model.finding import LEVELS, Finding, HunkLine, PatchRef, Report, SeriesRef
from patchlint.model.problem import InputError, Limitation
from patchlint.outside.names import shown

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from patchlint.archive.store import Store

_LEVELS_SQL: Final = "CASE findings.level WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END"


class Question(Struct, frozen=True):
    """Which findings.  An empty field asks for nothing.

    ``level`` is this level and louder; ``since`` and ``until`` are days (``2024-05-01``),
    months or years, both inclusive; ``author``, ``source`` (name of the list or its path),
    ``subsystem`` are parts of the text, any case.
    """

    rules: tuple[str, ...] = ()
    level: str = ""
    since: str = ""
    until: str = ""
    author: str = ""
    source: str = ""
    subsystem: str = ""
    outcome: str = ""


class QuestionError(Exception):
    """A question that means nothing.  The text says why."""


def known(wanted: Iterable[str], rules: Collection[str]) -> None:
    """Raise :class:`QuestionError` for a rule that is neither among ``rules`` nor shipped."""
    missing = [one for one in wanted if one not in rules]
    if not missing:
        return
    from patchlint.analysis.at_hand import CannotCheck
    from patchlint.run import Options, load_rules

    try:
        load_rules(Options(only=tuple(missing)))
    except CannotCheck as error:
        raise QuestionError(str(error)) from error


def findings(store: Store, question: Question) -> Report:
    """Return the report on the findings that ``question`` asks for, in order of time.

    Its limitations and errors are those of the series in it.
    """
    where, values = _where(question)
    rows = list(
        store.rows(
            "SELECT findings.* FROM findings"  # noqa: S608 - our own text
            " JOIN finding_outcomes ON finding_outcomes.finding = findings.id"
            f" WHERE {where} ORDER BY findings.date, findings.id",
            values,
        )
    )
    store.check_findings(rows)
    order: dict[int, int] = {}
    for row in rows:
        order.setdefault(row["series"], len(order))
    return Report(
        __version__,
        tuple(series(store, number) for number in order),
        tuple(finding(row, order[row["series"]]) for row in rows),
        tuple(one for number in order for one in limitations(store, number)),
        tuple(errors(store)) if question == Question() else (),
    )


def numbers(store: Store, question: Question) -> set[int]:
    """Return the ids of the findings that ``question`` asks for, whatever came of them."""
    where, values = _where(replace(question, outcome=""))
    return {
        row["id"]
        for row in store.rows(
            f"SELECT findings.id FROM findings WHERE {where}",  # noqa: S608 - our own text
            values,
        )
    }


def _where(question: Question) -> tuple[str, list[object]]:
    parts = ["1"]
    values: list[object] = []
    if question.rules:
        parts.append(f"findings.rule IN ({','.join('?' * len(question.rules))})")
        values.extend(question.rules)
    if question.level:
        parts.append(f"{_LEVELS_SQL} <= ?")
        values.append(list(LEVELS).index(question.level))  # type: ignore[arg-type]
    if question.since:
        parts.append("findings.date >= ?")
        values.append(moment(question.since))
    if question.until:
        parts.append("findings.date < ?")
        values.append(moment(question.until, after=True))
    for column, text in (("author", question.author), ("subsystem", question.subsystem)):
        if text:
            parts.append(f"instr(lower(findings.{column}), ?)")
            values.append(text.lower())
    if question.outcome:
        parts.append("finding_outcomes.outcome = ?")
        values.append(question.outcome)
    if question.source:
        parts.append(
            "EXISTS (SELECT 1 FROM messages JOIN sources ON sources.id = messages.source"
            " WHERE messages.message_id = findings.message_id"
            " AND instr(lower(sources.name || ' ' || sources.place), ?))"
        )
        values.append(question.source.lower())
    # nothing that is stored is like a word that is no UTF-8, and SQLite takes none
    return " AND ".join(parts), [shown(one) if isinstance(one, str) else one for one in values]


def moment(text: str, *, after: bool = False) -> float:
    """Return the first second of a year, month or day; with ``after`` the one after it.

    Raises :class:`QuestionError` for anything else.
    """
    for shape in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            start = datetime.strptime(text, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
        return (_following(start, shape) if after else start).timestamp()
    raise QuestionError(f"{text}: not a day like 2024-05-01, a month like 2024-05 or a year")


def _following(start: datetime, shape: str) -> datetime:
    if shape == "%Y":
        return start.replace(year=start.year + 1)
    if shape == "%Y-%m":
        months = start.year * 12 + start.month
        return start.replace(year=months // 12, month=months % 12 + 1)
    return datetime.fromordinal(start.toordinal() + 1).replace(tzinfo=UTC)


def finding(row: sqlite3.Row, number: int) -> Finding:
    """Return the finding of a row, as it came out of the check.

    ``number`` is the index of its series.
    """
    return Finding(
        rule=row["rule"],
        level=row["level"],
        confidence=row["confidence"],
        series=number,
        patch=row["patch"],
        message_id=row["message_id"],
        commit=row["commit"],
        path=row["path"],
        line=row["line"],
        side=row["side"],
        function=row["function"],
        family=row["family"],
        cleanup=row["cleanup"],
        before=_promise(row, "before"),
        after=_promise(row, "after"),
        condition=row["condition"],
        entry_points=codec.load_all(EntryChain, row["entry_points_json"]),
        symptoms=_texts(row["symptoms_json"]),
        advice=_texts(row["advice_json"]),
        message=row["message"],
        fingerprint=row["fingerprint"],
        why=row["why"],
        evidence=_texts(row["evidence_json"]),
        also=_texts(row["also_json"]),
        hunk=codec.load_all(HunkLine, row["hunk_json"]),
    )


def _promise(row: sqlite3.Row, side: str) -> Promise:
    return Promise(
        row[f"{side}_context"],
        row[f"{side}_guarantee"],
        codec.load_all(Step, row[f"{side}_chain_json"]),
        row[f"{side}_mechanism"],
        row[f"{side}_callback"],
    )


def _texts(text: str) -> tuple[str, ...]:
    return tuple(codec.parse(text))


def series(store: Store, number: int) -> SeriesRef:
    """Return a series of a store by its id.  Raises :class:`DamagedError` when it is gone."""
    row: Any = next(store.rows("SELECT * FROM series WHERE id = ?", (number,)), None)
    if row is None:
        raise DamagedError(f"series {number} of a finding is not there")
    return SeriesRef(
        subject=row["subject"],
        version=row["version"],
        base_commit=row["base_commit"],
        cover_message_id=row["cover_message_id"],
        expected=row["expected"],
        missing=tuple(codec.parse(row["missing_json"])),
        patches=codec.load_all(PatchRef, row["patches_json"]),
        images=row["images"],
        tree=row["tree"],
        references=_texts(row["references_json"]),
    )


def limitations(store: Store, series: int) -> list[Limitation]:
    """Return what could not be known of a series."""
    return [
        Limitation(row["stage"], row["message"], row["path"], row["message_id"], row["line"])
        for row in store.rows("SELECT * FROM limitations WHERE series = ? ORDER BY id", (series,))
    ]


def errors(store: Store) -> list[InputError]:
    """Return what could not be read of the sources of a store."""
    return [
        InputError(row["input"], row["message"], row["message_id"], row["line"])
        for row in store.rows("SELECT * FROM errors ORDER BY id")
    ]
