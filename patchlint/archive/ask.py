"""Questions to a store: findings as a report, and counts of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint import __version__
from patchlint.archive import codec
from patchlint.archive.store import DamagedError
from patchlint.model.effect import EntryChain, Promise, Step
from patchlint.model.finding import LEVELS, Finding, HunkLine, PatchRef, Report, SeriesRef
from patchlint.model.problem import InputError, Limitation

if TYPE_CHECKING:
    import sqlite3

    from patchlint.archive.store import Store

#: what findings can be counted by -> the SQL that names it
GROUPS: Final = {
    "rule": "findings.rule",
    "year": "coalesce(findings.year, 0)",
    "subsystem": "findings.subsystem",
    "outcome": "finding_outcomes.outcome",
    "level": "findings.level",
}
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
    series = [_series(store, number) for number in order]
    limitations = [limitation for number in order for limitation in _limitations(store, number)]
    return Report(
        __version__,
        tuple(series),
        tuple(finding(row, order[row["series"]]) for row in rows),
        tuple(limitations),
        tuple(_errors(store)) if question == Question() else (),
    )


def count(store: Store, by: str, question: Question) -> list[tuple[str, dict[str, int]]]:
    """Return how many findings there are for each value of ``by``, split by level.

    In order of time for years, of number for all else.
    """
    where, values = _where(question)
    groups: dict[str, dict[str, int]] = {}
    for row in store.rows(
        f"SELECT {GROUPS[by]} AS what, findings.level AS level, count(*) AS number"  # noqa: S608
        " FROM findings JOIN finding_outcomes ON finding_outcomes.finding = findings.id"
        f" WHERE {where} GROUP BY what, findings.level ORDER BY what",
        values,
    ):
        name = str(row["what"]) if row["what"] not in {"", 0} else "unknown"
        groups.setdefault(name, dict.fromkeys(LEVELS, 0))[row["level"]] = row["number"]
    if by == "year":
        return sorted(groups.items())
    return sorted(groups.items(), key=lambda item: (-sum(item[1].values()), item[0]))


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
    return " AND ".join(parts), values


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


def finding(row: sqlite3.Row, series: int) -> Finding:
    """Return the finding of a row, as it came out of the check; ``series`` is its index."""
    return Finding(
        rule=row["rule"],
        level=row["level"],
        confidence=row["confidence"],
        series=series,
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


def _series(store: Store, number: int) -> SeriesRef:
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


def _limitations(store: Store, series: int) -> list[Limitation]:
    return [
        Limitation(row["stage"], row["message"], row["path"], row["message_id"], row["line"])
        for row in store.rows("SELECT * FROM limitations WHERE series = ? ORDER BY id", (series,))
    ]


def _errors(store: Store) -> list[InputError]:
    return [
        InputError(row["input"], row["message"], row["message_id"], row["line"])
        for row in store.rows("SELECT * FROM errors ORDER BY id")
    ]
