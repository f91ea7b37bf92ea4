"""The changes of stores as a report: each once, with its postings, its fate and the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from patchlint import __version__
from patchlint.archive import ask
from patchlint.archive.ask import Question
from patchlint.archive.store import Store
from patchlint.mail import subject as subjects
from patchlint.model.finding import Report
from patchlint.model.history import day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.archive.changes import Found
    from patchlint.model.finding import Finding, SeriesRef
    from patchlint.model.kernel import KernelFacts
    from patchlint.model.problem import InputError, Limitation
    from patchlint.ruleset.record import Book


def report(
    stores: Sequence[str], found: Found, question: Question, book: Book, kernel: KernelFacts
) -> Report:
    """Return the report on what was found in ``stores`` (paths), in order of time.

    Its series and limitations are those of the postings that are told; errors are told to
    who asks for everything.
    """
    told = list(reversed(found.changes))
    places: dict[tuple[int, int], int] = {}
    for change in told:
        places.setdefault(change.at, len(places))
    series: dict[tuple[int, int], SeriesRef] = {}
    limitations: list[Limitation] = []
    errors: list[InputError] = []
    for number, path in enumerate(stores):
        with Store(path, write=False) as store:
            for at in places:
                if at[0] == number:
                    series[at] = ask.series(store, at[1])
                    limitations += ask.limitations(store, at[1])
            errors += ask.errors(store) if question == Question() else ()
    findings = [
        replace(change.finding, series=places[change.at], history=change.history) for change in told
    ]
    return Report(
        __version__,
        tuple(series[at] for at in places),
        recalled(findings, book, kernel),
        tuple(limitations),
        tuple(errors),
    )


def recalled(findings: Sequence[Finding], book: Book, kernel: KernelFacts) -> tuple[Finding, ...]:
    """Return findings, each with its history, as the record tells of them."""
    from patchlint.ruleset.record import recall

    return recall(findings, _patch, book, kernel)


def _patch(finding: Finding) -> tuple[str, str]:
    """Return the title of the patch that is told, and its day."""
    if finding.history is None:
        return "", ""
    last = finding.history.last
    return subjects.parse(last.subject).title, day(last.date)
