"""Follows a list: checks each new series once, and drafts a reply where there is cause.

Nothing is sent unless the user says so.  A series that is complete is checked at once;
one that is not waits for the settling time, and is looked at again when the rest comes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from patchlint.integrations import accept
from patchlint.integrations.watch_sources import SourceError
from patchlint.integrations.watch_state import KeptDraft, KeptMail, State, Story
from patchlint.mail import message
from patchlint.mail import series as grouping
from patchlint.mail.certain import digest
from patchlint.model.mail import RawMail
from patchlint.outside import programs
from patchlint.report import mail as mail_format
from patchlint.report import versions
from patchlint.report.lookup import absent, in_part, unsure
from patchlint.report.style import Style
from patchlint.report.text import count
from patchlint.report.versions import Version
from patchlint.run import Options, check_series, load_rules, read_whole

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from patchlint.integrations.config import Settings
    from patchlint.integrations.watch_sources import Source
    from patchlint.model.kernel import Ruleset
    from patchlint.model.mail import Mail, Series
    from patchlint.report.versions import Mark

#: Mails sent in a day at most, whatever comes up.
MOST_IN_A_DAY: Final = 20
#: Mails kept in one transaction.
_BATCH: Final = 200
_MACHINE_MADE: Final = re.compile(
    rb"^(?:Auto-Submitted:[ \t]*auto-|X-Mailer:[ \t]*patchlint/)", re.IGNORECASE | re.MULTILINE
)
_PREFIXES: Final = re.compile(r"^(?:\s*\[[^\]]*\])+")
_ADDRESS: Final = re.compile(r"[^\s<>\"]+@[^\s<>\"]+")


class Plan(Struct, frozen=True):
    """How to watch.  ``settle`` is in seconds; ``cc`` goes on each mail that is sent.

    ``domain`` is the one of the user's address, for message-ids.
    """

    source: str
    drafts: str
    settle: float
    send: bool
    cc: tuple[str, ...]
    options: Options
    domain: str = "patchlint.invalid"
    most_in_a_day: int = MOST_IN_A_DAY


def once(plan: Plan, source: Source, state: State, settings: Settings) -> list[str]:
    """Read what is new, check what is ready, draft, send; return what was done, in words.

    Raises ``SourceError`` when the source cannot be read, or not all of it: what was kept
    stays kept, and what was done is in it.
    """
    try:
        read(plan, source, state)
    except SourceError as error:
        error.done = tuple(_after_reading(plan, state, settings))
        raise
    return _after_reading(plan, state, settings)


def _after_reading(plan: Plan, state: State, settings: Settings) -> list[str]:
    done: list[str] = []
    ruleset = load_rules(plan.options)
    for thread in state.open_threads():
        done += _look_at(thread, plan, state, settings, ruleset)
    done += write_drafts(plan, state)
    if plan.send:
        done += send_drafts(plan, state)
    state.forget(time.time())
    return done


# --- reading


def read(plan: Plan, source: Source, state: State) -> int:
    """Keep the mails that are new; return how many there were."""
    new = 0
    batch: list[tuple[str, RawMail]] = []
    try:
        for position, raw in source.poll(state.position(plan.source)):
            batch.append((position, raw))
            if len(batch) >= _BATCH:
                new += _keep(plan, state, batch)
                batch = []
    finally:
        new += _keep(plan, state, batch)
    return new


def _keep(plan: Plan, state: State, batch: Sequence[tuple[str, RawMail]]) -> int:
    if not batch:
        return 0
    new = 0
    with state.transaction():
        for _, raw in batch:
            if not raw.data or _MACHINE_MADE.search(raw.data.partition(b"\n\n")[0]):
                continue
            mail = message.decode(raw)
            if mail.message_id:
                kept = KeptMail(mail.message_id, time.time(), raw.data)
                new += state.keep(kept, mail.references)
        position = next((place for place, _ in reversed(batch) if place), None)
        if position is not None:
            state.set_position(plan.source, position)
    return new


# --- checking


def _look_at(
    thread: str, plan: Plan, state: State, settings: Settings, ruleset: Ruleset
) -> list[str]:
    """Check the series of a thread that are ready; the thread stays open for the others."""
    kept = state.mails(thread)
    arrived = {mail.message_id: mail.arrived for mail in kept}
    # several patches of one Message-ID: the names alone do not tell which were checked
    shared = {key.partition(" ")[0] for key in arrived if " " in key}
    decoded = [message.decode(RawMail(mail.message_id, mail.data)) for mail in kept]
    done: list[str] = []
    waiting = False
    for series in grouping.group([mail for mail in decoded if _is_submission(mail)]):
        names = [patch.message_id or "" for patch in series.patches]
        told = [
            f"{patch.message_id} {digest(patch.diff.encode())}"
            if patch.message_id in shared
            else patch.message_id or ""
            for patch in series.patches
        ]
        patches = hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()
        if state.was_checked(patches):
            continue
        newest = max((arrived.get(name, 0.0) for name in names), default=0.0)
        if series.missing and time.time() - newest < plan.settle:
            waiting = True
            continue
        done.append(_check(series, patches, names, plan, state, settings, ruleset))
    if not waiting:
        state.close_thread(thread)
    return done


def _is_submission(mail: Mail) -> bool:
    """Whether a mail offers a patch or introduces some; a diff in a reply is talk."""
    return mail.diff_start is None or not mail.is_reply


def _check(
    series: Series,
    patches: str,
    names: Sequence[str],
    plan: Plan,
    state: State,
    settings: Settings,
    ruleset: Ruleset,
) -> str:
    draft, outcome, told, found, whole, kept = _judge(series, plan, state, settings, ruleset)
    if draft and state.was_answered(names):
        draft, outcome = None, "had its mail already"
    now = time.time()
    again = {*(one.fingerprint for one in found.marks), *(one.fingerprint for one, _ in kept)}
    mended = _mended(series, state, again) if whole else []
    outcome = "; ".join([outcome, *(f"mended: {one.what}" for one in mended)])
    with state.transaction():
        state.set_mended(mended, now)
        for story, mark in kept:
            state.follow(story, mark, found.files)
        state.set_checked(patches, now, outcome)
        if draft:
            name = f"{int(now)}.{hashlib.sha256(patches.encode()).hexdigest()[:16]}.patchlint"
            state.add_draft(KeptDraft(name, draft), now, told, names)
            state.add_stories(_stories(series, found, {fingerprint for fingerprint, _ in told}))
    return f"{series.subject}: {outcome}"


def _stories(series: Series, found: Version, told: Container[str]) -> list[Story]:
    """What a later version is held against: the findings that its author is told of."""
    author, titles, files = _author(series), _titles(series), tuple(found.files)
    return [
        Story(one.fingerprint, author, series.version, titles, _what(one), one, files)
        for one in found.marks
        if one.fingerprint in told
    ]


def _what(mark: Mark) -> str:
    return f"{mark.rule} in {mark.function}()"


def _earlier(series: Series, state: State) -> list[Story]:
    """What the author was told of an earlier version of a series."""
    titles = set(_titles(series))
    return [
        story
        for story in state.stories(_author(series))
        if story.version < series.version and titles.intersection(story.titles)
    ]


def _kept(series: Series, state: State, found: Version) -> list[tuple[Story, Mark]]:
    """What was told and has another fingerprint now: a worker or a file got a new name."""
    if not found.marks:
        return []
    known = {one.fingerprint for one in found.marks}
    told = (one for one in _earlier(series, state) if one.fingerprint not in known)
    left = {one.mark: one for one in told if one.mark is not None}
    author = _author(series)
    fresh = tuple(one for one in found.marks if not state.was_told(one.fingerprint, author))
    files = frozenset(name for one in left.values() for name in one.files)
    same = versions.pairs(Version(tuple(left), files), Version(fresh, found.files))
    return [(left[one], mark) for one, mark in same]


def _mended(series: Series, state: State, found: Container[str]) -> list[Story]:
    """What an earlier version had, its author was told of, and this one has no more.

    A version that is not complete shows nothing of the kind.
    """
    if series.missing:
        return []
    return [story for story in _earlier(series, state) if story.fingerprint not in found]


def _titles(series: Series) -> tuple[str, ...]:
    """The titles of a series and its patches, by which versions of it are known."""
    texts = (series.subject, *(patch.subject for patch in series.patches))
    return tuple(dict.fromkeys(_PREFIXES.sub("", text).strip().lower() for text in texts))


_NOTHING: Final = Version((), frozenset())


class _Verdict(NamedTuple):
    """The draft for a series if it has cause for one, what came of it, and what it tells.

    ``found`` has all findings, those that are accepted as well; ``whole`` is whether these are
    all that there are: a series that was not read whole, or took too long, may hide others.
    ``kept`` are earlier findings that have another fingerprint now.
    """

    draft: str | None
    outcome: str
    told: Sequence[tuple[str, str]] = ()
    found: Version = _NOTHING
    whole: bool = True
    kept: Sequence[tuple[Story, Mark]] = ()


def _judge(
    series: Series, plan: Plan, state: State, settings: Settings, ruleset: Ruleset
) -> _Verdict:
    from patchlint.integrations.analysis import candidate

    words = "".join(patch.diff for patch in series.patches).encode("utf-8", "replace")
    if not candidate(words, settings) and read_whole(series):
        return _Verdict(None, "nothing to check")
    report = check_series([series], ruleset, plan.options)
    if report.errors and not report.series:
        return _Verdict(None, f"not checked: {report.errors[0].message}", whole=False)
    found, whole = versions.version(report), not (in_part(report) or absent(report))
    report = accept.without(report, settings)
    author = _author(series)
    kept = _kept(series, state, found)
    again = {mark.fingerprint for _, mark in kept}
    loud = [finding for finding in report.findings if finding.level != "note"]
    new = tuple(
        one
        for one in loud
        if one.fingerprint not in again and not state.was_told(one.fingerprint, author)
    )
    style = Style(complaints=settings.one("wrong-to"))
    made = mail_format.drafts(replace(report, findings=new), style)
    if not made:
        said = "told before" if loud else unsure(report) or "nothing found"
        return _Verdict(None, said, found=found, whole=whole, kept=kept)
    text = _with_message_id(made[0].text, plan.domain)
    told = [(fingerprint, author) for fingerprint in made[0].fingerprints]
    outcome = f"{count(len(told), 'finding')}, drafted"
    return _Verdict(text, outcome, told, found, whole, kept)


def _author(series: Series) -> str:
    found = _ADDRESS.search(series.patches[0].author) if series.patches else None
    return found.group().lower() if found else ""


def _with_message_id(text: str, domain: str) -> str:
    """Return a draft with a message-id that the same draft has each time it is made."""
    name = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    return f"Message-ID: <patchlint.{name}@{domain}>\n{text}"


# --- drafts


def write_drafts(plan: Plan, state: State) -> list[str]:
    """Put new drafts into the Maildir; one that is there already is not put there again."""
    done = []
    place = Path(plan.drafts)
    for part in ("cur", "new", "tmp"):
        (place / part).mkdir(parents=True, exist_ok=True)
    for draft in state.drafts("new"):
        if not _is_there(place, draft.name):
            partial = place / "tmp" / draft.name
            partial.write_text(draft.text, encoding="utf-8")
            partial.replace(place / "new" / draft.name)
            done.append(f"draft: {place / 'new' / draft.name}")
        state.set_draft(draft.name, "drafted")
    return done


def _is_there(place: Path, name: str) -> bool:
    return any(
        file.name.partition(":")[0] == name
        for part in ("new", "cur")
        for file in (place / part).iterdir()
    )


# --- sending


def send_drafts(plan: Plan, state: State) -> list[str]:
    """Send what is drafted, through ``git send-email`` and its settings.

    A mail whose sending was cut off may have gone out: it is not sent again, but told of.
    """
    done = []
    for draft in state.drafts("sending"):
        state.set_draft(draft.name, "unknown")
        print(f"patchlint: {draft.name}: may have been sent; not sent again", file=sys.stderr)
    for draft in state.drafts("drafted"):
        now = time.time()
        if state.sent_since(now - 86_400) >= plan.most_in_a_day:
            print(f"patchlint: {plan.most_in_a_day} mails in a day are enough", file=sys.stderr)
            break
        state.set_draft(draft.name, "sending")
        try:
            _send(draft.text, plan.cc)
        except programs.ProgramError as error:
            state.set_draft(draft.name, "drafted")
            print(f"patchlint: {draft.name}: not sent: {error}", file=sys.stderr)
            break
        state.set_draft(draft.name, "sent", now)
        done.append(f"sent: {draft.name}")
    return done


def _send(text: str, cc: Sequence[str]) -> None:
    """Hand a mail to ``git send-email``: to whom it says and ``cc``, to nobody else."""
    handle, name = tempfile.mkstemp(suffix=".eml")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        copies = [f"--cc={address}" for address in cc]
        options = ("--quiet", "--confirm=never", "--suppress-cc=all", "--no-validate")
        programs.git("send-email", *options, "--no-signed-off-by-cc", *copies, name, network=True)
    finally:
        with contextlib.suppress(OSError):
            Path(name).unlink()
