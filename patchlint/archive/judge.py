"""Second pass: the mails of a thread decoded, grouped into series, and checked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from patchlint.archive.records import Checked, Thread, Verdict, Wanted
from patchlint.archive.survey import ALL
from patchlint.model.budget import OutOfBudgetError
from patchlint.model.finding import PatchRef, SeriesRef
from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError, Limitation, about
from patchlint.model.record import folder
from patchlint.outside.alarm import time_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.archive.engine import Engine, Settings
    from patchlint.archive.reach import Reach
    from patchlint.archive.sources import Shelf, Source
    from patchlint.model.mail import Mail, Series


#: the check itself ends at its limit with what it has; this is for what does not
_GRACE: Final = 1.25


def judge(
    thread: Thread, shelf: Shelf, engine: Engine, reach: Reach, settings: Settings
) -> Verdict:
    """Check the series of ``thread`` whose words can make a finding.

    A mail that is gone, a series that takes too long or meets a bug is told in the
    verdict; this never raises for any mail.
    """
    limitations: list[Limitation] = []
    errors: list[InputError] = []
    mails: list[Mail] = []
    bits: dict[str | None, int] = {}
    data = _fetch(thread.mails, shelf)
    for wanted in thread.mails:
        raw = data.get((wanted.source, wanted.locator))
        if raw is None:
            limitations.append(
                Limitation(
                    "archive", "the mail is no longer in its archive",
                    message_id=wanted.message_id,
                )
            )  # fmt: skip
            continue
        mail = engine.decode(RawMail(wanted.source.name, raw))
        mails.append(mail)
        bits[mail.message_id or None] = bits.get(mail.message_id or None, 0) | wanted.words
    checked = [
        _check(series, engine, reach, settings)
        for series in engine.group(mails)
        if settings.unfiltered or engine.may_matter(series, _bits(series, bits))
    ]
    from patchlint.mail import account

    # the mails of a thread without a patch are in no series that could tell it
    limitations += [one for one in account.amiss(mails) if one.lost]
    errors += account.unread(mails)
    words: set[str] = set()
    for one in checked:
        words.update(one.words)
    return Verdict(
        thread.id, reach.digest(words), tuple(checked), tuple(limitations), tuple(errors)
    )


def _bits(series: Series, bits: dict[str | None, int]) -> int:
    """What the words of the mails of a series are good for; an unknown mail's for all."""
    together = 0
    for patch in series.patches:
        together |= bits.get(patch.message_id, ALL)
    return together


def _fetch(mails: Sequence[Wanted], shelf: Shelf) -> dict[tuple[Source, str], bytes]:
    found: dict[tuple[Source, str], bytes] = {}
    wanted: dict[Source, list[str]] = {}
    for mail in mails:
        if mail.data is not None:
            found[mail.source, mail.locator] = mail.data
        else:
            wanted.setdefault(mail.source, []).append(mail.locator)
    for source, locators in wanted.items():
        for locator, data in shelf.fetch(source, locators).items():
            found[source, locator] = data
    return found


def _check(series: Series, engine: Engine, reach: Reach, settings: Settings) -> Checked:
    first = series.patches[0]
    words = reach.words(patch.diff for patch in series.patches)
    try:
        with time_limit(settings.limit * _GRACE):
            report = engine.check(series)
    except OutOfBudgetError:
        return _failed(
            series, words,
            f"the check of this series took more than {settings.limit:g} s and was given up",
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001 - a bug met by one series must not stop a scan
        return _failed(series, words, f"the check failed: {type(error).__name__}: {error}")
    ref = report.series[0] if report.series else _reference(series)
    return Checked(
        ref,
        first.author,
        first.date,
        subsystem([path for patch in ref.patches for path in patch.files]),
        words,
        report.findings,
        report.limitations,
        report.errors,
    )


def _failed(series: Series, words: tuple[str, ...], text: str) -> Checked:
    first = series.patches[0]
    limitation = Limitation("archive", about(series.subject, text), message_id=first.message_id)
    return Checked(_reference(series), first.author, first.date, "", words, (), (limitation,), ())


def _reference(series: Series) -> SeriesRef:
    return SeriesRef(
        series.subject, series.version, series.base_commit, series.cover_message_id,
        series.expected, series.missing,
        tuple(
            PatchRef(one.number, one.message_id, one.commit, one.subject, (), one.author, one.date)
            for one in series.patches
        ),
        "hunks", None, series.references,
    )  # fmt: skip


def subsystem(paths: Sequence[str]) -> str:
    """The folder that most of ``paths`` are in: two levels of ``drivers``, else one."""
    folders = Counter(map(folder, paths))
    return max(folders, key=lambda name: (folders[name], name), default="")
