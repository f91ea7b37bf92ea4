"""A draft of one reply to the author of a series, in the tone of a question.

The draft has no From and no Date: the one who sends it adds these, and answers for it.
Notes alone make no mail, and a limitation or an unreadable input makes none either.
"""

from __future__ import annotations

import re
from email.charset import SHORTEST, Charset
from email.header import Header
from email.utils import formataddr, formatdate, parseaddr
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.model.hidden import HIDDEN
from patchlint.report.lookup import alike, by_patch, entry_points, patch_of, series_of, untold
from patchlint.report.text import cut, line, source, wrap
from patchlint.report.words import (
    called,
    confirmed_by,
    elsewhere,
    entries,
    pieces,
    remembered,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.effect import Promise
    from patchlint.model.finding import Finding, PatchRef, Report, SeriesRef
    from patchlint.report.style import Style

#: Prose is not wider than this; quoted lines and chains keep their own width.
PROSE: Final = 72
#: Remarks in full; the rest are named in one line each.
REMARKS: Final = 4
QUOTED: Final = 6
#: Entry points that are named.
ENTRIES: Final = 5

#: RFC 5322 allows 998 octets in a line; a character takes four at most.
_LONGEST_LINE: Final = 240
_ID: Final = re.compile(r"[!-;=?-~]{1,100}@[!-;=?-~]{1,100}\Z")
#: no option, file or program to whom a mail is handed: what some mailers take `-X`, `/x`, `|x` for
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9.!#$%&'*+/=?^_{}~-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,99}\Z"
)
#: no date of a mail is later, in seconds since 1970 (the year 9999)
_LATEST: Final = 253_370_764_800
_SUBJECT: Final = 200
_NAME: Final = 60
_SEPARATOR: Final = "From patchlint Thu Jan  1 00:00:00 1970"
_ESCAPED: Final = r">\1"
_FROM_LINE: Final = re.compile(r"^(>*From )", re.MULTILINE)


class Draft(Struct, frozen=True):
    """A mail for one series: its text, headers and all, and what it is about.

    ``series`` is the index of the series in the report; ``in_reply_to`` is the message-id
    of the first patch with a finding, None when that did not come by mail;
    ``fingerprints`` are those of the findings it speaks of.
    """

    series: int
    in_reply_to: str | None
    fingerprints: tuple[str, ...]
    text: str


def render(report: Report, style: Style) -> str:
    """Return the draft, or an mbox (mboxrd) when several series have one each."""
    made = drafts(report, style)
    if len(made) <= 1:
        return "".join(draft.text for draft in made)
    return "".join(f"{_SEPARATOR}\n{_FROM_LINE.sub(_ESCAPED, draft.text)}\n" for draft in made)


def drafts(report: Report, style: Style) -> list[Draft]:
    """Return at most one draft for each series, in the order of the report."""
    made = []
    for index, series in enumerate(report.series):
        groups = [_loud(group) for group in by_patch(report) if group[0].series == index]
        groups = [group for group in groups if group]
        if groups:
            made.append(_draft(report, index, series, groups, style))
    return made


def _loud(group: list[Finding]) -> list[Finding]:
    return [finding for finding in group if finding.level != "note"]


def _draft(
    report: Report, index: int, series: SeriesRef, groups: list[list[Finding]], style: Style
) -> Draft:
    findings = [finding for group in groups for finding in group]
    subject = _subject(series, patch_of(report, findings[0]))
    answered = findings[0].message_id
    answered = answered if answered and _ID.match(answered) else None
    fingerprints = tuple(dict.fromkeys(finding.fingerprint for finding in findings))
    head = _headers(report, findings, subject, answered)
    body = _body(report, series, groups, style)
    text = "".join(f"{cut(text, _LONGEST_LINE)}\n" for text in (*head, "", *body))
    return Draft(index, answered, fingerprints, text)


def _subject(series: SeriesRef, patch: PatchRef | None) -> str:
    subject = cut(line(patch.subject if patch else series.subject), _SUBJECT)
    if subject.startswith("[") or patch is None:
        return subject
    place = f" {patch.number}/{series.expected}" if series.expected > 1 else ""
    return f"[PATCH{_version(series)}{place}] {subject}"


def _version(series: SeriesRef) -> str:
    return f" v{series.version}" if series.version > 1 else ""


def _headers(
    report: Report, findings: Sequence[Finding], subject: str, answered: str | None
) -> list[str]:
    series, patch = series_of(report, findings[0]), patch_of(report, findings[0])
    headers = _encoded(f"Re: {subject}")
    to = _address(patch.author) if patch else None
    if to:
        headers.append(f"To: {to}")
    if answered:
        headers.append(f"In-Reply-To: <{answered}>")
        above = (*series.references, series.cover_message_id) if series else ()
        thread = [known for known in dict.fromkeys(above) if known and _ID.match(known)]
        thread = [known for known in thread if known != answered]
        first, *rest = (f"<{known}>" for known in (*thread, answered))
        headers += [f"References: {first}", *(f" {known}" for known in rest)]
    said = list(dict.fromkeys(f"{f.rule}:{f.fingerprint}" for f in findings))
    named = [_ascii(known)[:PROSE] for known in said]
    return [
        *headers,
        "Auto-Submitted: auto-generated",
        "X-Patchwork-Hint: ignore",
        f"X-Mailer: patchlint/{_ascii(report.version)}",
        f"X-Patchlint-Findings: {named[0]}",
        *(f" {known}" for known in named[1:]),
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]


def _ascii(text: str) -> str:
    return line(text).encode("ascii", "replace").decode()


def _encoded(subject: str) -> list[str]:
    """Return the subject as the folded lines of its header."""
    if subject.isascii():
        first, *rest = wrap(f"Subject: {subject}", PROSE)
        return [first, *(f" {text}" for text in rest)]
    header = Header(subject, _charset(), header_name="Subject", maxlinelen=76)
    return f"Subject: {header.encode()}".splitlines()


def _address(author: str) -> str | None:
    """Return the author as a header may hold it, None when it is no plain one."""
    if HIDDEN.search(author):
        return None
    # what stands last in brackets, whatever the name before it looks like to a header's reader
    name, bracket, address = author.strip().rpartition("<")
    if bracket and address.endswith(">"):
        address = address[:-1].strip()
    elif bracket:
        return None
    if not _ADDRESS.match(address):
        return None
    name = cut(" ".join(name.replace('"', " ").split()), _NAME)
    return formataddr((name, address), _charset())


def _body(
    report: Report, series: SeriesRef, groups: list[list[Finding]], style: Style
) -> list[str]:
    """The remarks under what they quote, one question for all of them, and who to tell."""
    findings = [finding for group in groups for finding in group]
    lines: list[str] = []
    said: set[str] = set()
    left = REMARKS
    for group in groups:
        told = alike(group)
        if told[:left]:
            lines += [*wrap(_attribution(patch_of(report, group[0])), PROSE), ""]
        elif not lines:
            continue
        for finding, *others in told[:left]:
            lines += [*_remark(finding, others, style.link_url, said), ""]
        lines += _named([finding for some in told[left:] for finding in some])
        left -= len(told[:left])
    which = "this series" if len(groups) > 1 or series.expected > 1 else "this patch"
    lines += [*wrap(_question(findings, which), PROSE)]
    return [*lines, "", "-- ", *_footer(report, findings, style)]


def _attribution(patch: PatchRef | None) -> str:
    """``On Mon, 2 Mar 2026 10:00:00 +0000, A. Author wrote:``, as far as that is known."""
    name, address = parseaddr(line(patch.author)) if patch else ("", "")
    who = cut(name or address, _NAME) or "The author"
    if patch is None or patch.date is None or not 0 <= patch.date < _LATEST:
        return f"{who} wrote:"
    return f"On {formatdate(patch.date).replace('-0000', '+0000')}, {who} wrote:"


def _question(findings: Sequence[Finding], which: str) -> str:
    if len(findings) == 1:
        asked = "is that intended, or does something wait for it that it cannot see?"
    else:
        asked = "are these intended, or does something wait for them that it cannot see?"
    return f"patchlint, an automatic check of {which}, asks: {asked}"


def _footer(report: Report, findings: Sequence[Finding], style: Style) -> list[str]:
    """The version, where to read on, what shows it, and two ways to say that it is wrong."""
    rule = line(findings[0].rule)
    silent = dict.fromkeys(f"patchlint-ok: {line(f.rule)} {line(f.function)}" for f in findings)
    say = "say so in a reply"
    if _ADDRESS.match(style.complaints):
        say = f"tell {style.complaints}"
    return [
        cut(f"patchlint {line(report.version)}; why: patchlint explain {rule}", PROSE),
        cut(f"To see it run: {confirmed_by(findings[0])} > show.sh", PROSE),
        *wrap(f"Wrong? Please {say}, or below the --- of the next version:", PROSE),
        *(cut(f"{one} -- why it is fine", _LONGEST_LINE) for one in islice(silent, REMARKS)),
    ]


def _named(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    told = [
        cut(f"  {line(f.path)}:{f.line} {called(f.function)} [{line(f.rule)}]", _LONGEST_LINE)
        for f in findings
    ]
    return ["The same holds for:", "", *told, ""]


def _remark(finding: Finding, others: Sequence[Finding], link: str, said: set[str]) -> list[str]:
    """What is told of a finding; texts that an earlier one has, ``said``, are not told again."""
    lines = _quoted(finding)
    if lines:
        lines.append("")
    lines += wrap(_sentence(finding.message), PROSE)
    if others:
        lines += wrap(f"The same holds in {elsewhere(finding, others)}.", PROSE)
    condition = untold(finding)
    if condition:
        lines += wrap(f"(Only when: {condition})", PROSE)
    lines += ["", *_chain("Before", finding.before), "", *_chain("After", finding.after)]
    prose = _prose(finding, said)
    if finding.author_says:
        prose.append(_sentence(f"You say of it: {finding.author_says}"))
    for text in prose:
        lines += ["", *wrap(text, PROSE)]
    for name, text in remembered(finding, link):
        lines += ["", *wrap(_sentence(f"{_REMEMBERED[name]}: {text}"), PROSE)]
    return lines


def _prose(finding: Finding, said: set[str]) -> list[str]:
    """Why it matters, who comes there, what it shows as and what may help, as far as not said."""
    why, shows, helps = (
        next(iter(some), "") for some in ((finding.why,), finding.symptoms, finding.advice)
    )
    reached = entries(entry_points(finding), ENTRIES, finding.function)
    told = {
        why: _sentence(why),
        f"reached {reached}": f"Reached from {reached}." if reached else "",
        shows: _sentence(f"If nothing waits, it may show as: {shows}") if shows else "",
        helps: _sentence(f"What may help: {helps}") if helps else "",
    }
    again = {text for text, sentence in told.items() if sentence and text in said}
    said |= {text for text, sentence in told.items() if sentence}
    more = ["What else was said above holds here too."] if again else []
    return [one for text, one in told.items() if one and text not in again] + more


_REMEMBERED: Final = {
    "earlier": "An earlier one",
    "record": "So far",
    "posted": "Posted",
    "outcome": "What came of it",
}


#: how a sentence begins whose first word is no name
_WORD: Final = re.compile(r"[a-z]+ ")


def _sentence(text: str) -> str:
    """``text`` with a capital and a full stop; names of the kernel, and addresses, stay whole."""
    told = line(text)
    if _WORD.match(told):
        told = told[0].upper() + told[1:]
    closed = told.endswith((".", "?", "!")) or "://" in told.rpartition(" ")[2]
    return told if closed or not told else f"{told}."


def _quoted(finding: Finding) -> list[str]:
    """What is answered, quoted; of a stored finding, which has no hunks, the marked lines."""
    if finding.quote:
        return [cut(f"> {source(text)}".rstrip(), _LONGEST_LINE) for text in finding.quote]
    marked = [hunk_line for hunk_line in finding.hunk if hunk_line.marked]
    lines = [
        cut(f"> {line(hunk_line.kind)[:1] or ' '}{source(hunk_line.text)}", _LONGEST_LINE)
        for hunk_line in marked[:QUOTED]
    ]
    return [*lines, "> [...]"] if len(marked) > QUOTED else lines


def _chain(name: str, promise: Promise) -> list[str]:
    lines = wrap(f"{name}: {told(promise, '->')}", PROSE)
    apart = pieces(promise)
    for index, step in enumerate(promise.chain):
        if index in apart:
            lines.append(cut(f"  - {apart[index]}:", _LONGEST_LINE))
        place = f"  {called(step.function)} {line(step.path)}:{step.line}"
        full = f"{place}, {line(step.note)}" if step.note else place
        if len(full) <= PROSE:
            lines.append(full)
        else:
            lines += [cut(f"{place},", _LONGEST_LINE), *_indented(step.note)]
    return lines


def _indented(note: str) -> list[str]:
    return [f"      {text}" for text in wrap(note, PROSE - 6)]


def _charset() -> Charset:
    """UTF-8 that encodes headers, whatever other users of the process registered for it."""
    charset = Charset("utf-8")
    charset.header_encoding = SHORTEST
    return charset
