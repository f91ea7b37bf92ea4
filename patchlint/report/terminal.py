"""For a maintainer at a terminal: what was promised, what is left of it, and where.

A finding is one chain told twice, so that it can be held against the source in a minute.
Findings stand under the patch that causes them.  A note is one line unless ``verbose``.
Only what goes to a terminal is folded and cut to its width.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from patchlint.report.lookup import (
    BASELINE,
    PARTLY,
    UNCHECKED,
    about,
    alike,
    also,
    by_patch,
    entry_points,
    gaps,
    levels,
    lost,
    ordered,
    patch_of,
    patches,
    place_of,
    series_of,
    set_nearby,
    silence,
    undone,
    unknown,
    untold,
)
from patchlint.report.text import code, columns, count, cut, line, pad, sentence, wrap
from patchlint.report.words import (
    called,
    confirmed_by,
    elsewhere,
    fate,
    headline,
    pieces,
    posted,
    precedent,
    record,
    sure,
    told,
)
from patchlint.report.words import entries as grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from patchlint.model.effect import Promise, Step
    from patchlint.model.finding import Accepted, Finding, HunkLine, Report, SeriesRef
    from patchlint.model.problem import InputError, Limitation, Note
    from patchlint.report.style import Style

#: From this width on the chains stand side by side.
SIDE_BY_SIDE: Final = 110
#: Prose is not drawn wider than this, whatever the window.
PROSE: Final = 100

NARROWEST: Final = 40
LABEL: Final = 9
INDENT: Final = "  "

#: Without ``verbose``: links of a chain, hunk lines and entry points shown.
STEPS: Final = 3
HUNK_LINES: Final = 4
ENTRIES: Final = 4
#: further cleanups
ALSO: Final = 6
#: places that a limitation is told of which holds for several
PLACES: Final = 2
#: entry points that --verbose lists with their chains
MOST_ENTRIES: Final = 20

#: columns that a function's name has at least, and at most where lines are long
_FUNCTION: Final = 28
_LONG_FUNCTION: Final = 44
_GAP: Final = " │ "

_BOLD: Final = "1"
_FAINT: Final = "2"
_RED: Final = "31"
_GREEN: Final = "32"
_CYAN: Final = "36"
_LEVEL: Final = {"error": "1;31", "warning": "1;35", "note": "1;36"}


def render(report: Report, style: Style) -> str:
    """Return the report for reading; nothing is coloured unless ``style.color``."""
    blocks = [_patch_block(report, group, style) for group in by_patch(report)]
    if style.quiet:
        lines = [text for block in blocks for text in block]
        lines += [*_errors(report.errors, style), *_lost(lost(report), style)]
        return _joined([*lines, *_set_nearby(report)])
    lines = []
    for block in blocks:
        lines += [*block, ""]
    lines += _accepted(report.accepted, style)
    lines += _notes(report.notes, style)
    lines += _errors(report.errors, style)
    lines += _lost(lost(report), style)
    lines += _limitations(unknown(report), style) if style.verbose else _set_nearby(report)
    lines.append(_summary(report, style))
    return _joined(lines)


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{text}\n" for text in lines)


def _paint(text: str, ansi: str, style: Style) -> str:
    return f"\x1b[{ansi}m{text}\x1b[0m" if style.color and text else text


def _width(style: Style) -> int:
    return max(style.width, NARROWEST)


def _patch_block(report: Report, group: list[Finding], style: Style) -> list[str]:
    if style.quiet:
        loud = [finding for finding in group if style.notes or finding.level != "note"]
        return [text for finding in loud for text in _headline(finding, style, alone=True)]
    lines = [_patch_line(report, group[0], style)]
    above: Told = {}
    for index, (finding, *others) in enumerate(alike(group)):
        if finding.level == "note" and not style.verbose:
            lines += [*_headline(finding, style, alone=True), *_also_in(finding, others, style)]
            lines += _history(finding, style)
            continue
        if index:
            lines.append("")
        lines += finding_lines(finding, style, others, above)
        for other in others if style.verbose else ():
            lines += ["", *_again(other, style)]
    return lines


def _also_in(finding: Finding, others: Sequence[Finding], style: Style) -> list[str]:
    return _prose("also in", elsewhere(finding, others), style)


def _patch_line(report: Report, finding: Finding, style: Style) -> str:
    series, patch = series_of(report, finding), patch_of(report, finding)
    subject = line(patch.subject) if patch else f"patch {finding.patch}"
    place = []
    if series and series.expected > 1 and not subject.startswith("["):
        place.append(f"patch {finding.patch} of {series.expected}")
    if series and series.version > 1 and not subject.startswith("["):
        place.append(f"v{series.version}")
    if finding.message_id:
        place.append(f"<{line(finding.message_id)}>")
    elif finding.commit:
        place.append(line(finding.commit)[:12])
    tail = f"  ({', '.join(place)})" if place else ""
    return _paint(subject, _BOLD, style) + _paint(tail, _FAINT, style)


def _headline(finding: Finding, style: Style, *, alone: bool = False) -> list[str]:
    """The place, the level, one sentence and the rule; on a terminal in two lines at most.

    ``alone``: nothing else is said of it, and so the branch on which it holds.
    """
    level = _paint(f"{finding.level}:", _LEVEL[finding.level], style)
    place = f"{line(finding.path)}:{finding.line}:"
    said, rule = (
        sentence(headline(finding) if alone else finding.message),
        f"[{line(finding.rule)}]",
    )
    if not style.terminal:
        lines = [said]
    else:
        width = _width(style)
        taken = columns(f"{place} {finding.level}: ")
        first, rest = _folded(said, max(width - taken, 1))
        # a rule is what one asks about next: rather the sentence is cut than the rule
        room = (width if rest else width - taken) - columns(rule) - 1
        last = rest or first
        if not rest and columns(first) > room:
            lines = [first, ""]
        else:
            last = cut(last, max(room, 1))
            lines = [first, last] if rest else [last]
    lines[0] = f"{_paint(place, _BOLD, style)} {level} {lines[0]}".rstrip()
    lines[-1] = f"{lines[-1]} {_paint(rule, _FAINT, style)}".lstrip()
    return lines


def _folded(text: str, room: int) -> tuple[str, str]:
    """``text`` as what fits into ``room`` columns, and the rest."""
    first, *rest = wrap(text, room) or [""]
    if columns(first) > room:
        return "", text
    return first, " ".join(rest)


def finding_lines(
    finding: Finding, style: Style, others: Sequence[Finding] = (), above: Told | None = None
) -> list[str]:
    """Return one finding, headline first, without line ends.

    ``others`` are those that it is told of as well, since they differ in place alone.  What was
    told ``above`` in the same words is not told again; what is told is put there.
    """
    texts = {"why": (finding.why,), "seen as": finding.symptoms, "instead": finding.advice}
    again = _again_told(finding, texts, {} if above is None else above)
    fresh = {label: () if label in again else some for label, some in texts.items()}
    lines = _place_lines(finding, style)
    lines += _also_in(finding, others, style)
    lines += _prose("when", untold(finding) or "", style)
    lines += _listed("why", fresh["why"], style, most=1)
    lines += _prose("also", _some([called(name) for name in also(finding)], style), style)
    lines += _listed("seen as", fresh["seen as"], style, most=1)
    lines += _listed("instead", fresh["instead"], style, most=1)
    lines += _prose("as above", ", ".join(again.values()), style)
    lines += _entries(finding, style)
    lines += _prose("author", finding.author_says or "", style, says="says: ")
    lines += _record(finding, style)
    lines += _history(finding, style)
    if style.verbose:
        lines += _ground(finding, style)
    return lines


#: what was told of one patch: under which label, which texts, and of which function first
Told = dict[str, dict[tuple[str, ...], str]]


def _again_told(
    finding: Finding, texts: Mapping[str, tuple[str, ...]], above: Told
) -> dict[str, str]:
    """Return the labels whose texts were told already, each with where, if that is not plain."""
    again = {}
    for label, some in texts.items():
        told = above.setdefault(label, {})
        if not any(some):
            continue
        if some in told:
            again[label] = label if len(told) == 1 else f"{label} (as for {told[some]})"
        else:
            told[some] = called(finding.function)
    return again


def _some(names: Sequence[str], style: Style) -> str:
    """The first of many names, unless all are asked for."""
    if style.verbose or len(names) <= ALSO + 1:
        return ", ".join(names)
    return f"{', '.join(names[:ALSO])} and {len(names) - ALSO} more"


def _again(finding: Finding, style: Style) -> list[str]:
    """One more finding of which all but its place was told already."""
    return [*_place_lines(finding, style), *_entries(finding, style), *_ground(finding, style)]


def _place_lines(finding: Finding, style: Style) -> list[str]:
    """The headline, the lines of the diff, and both chains."""
    width = _width(style)
    return [
        *_headline(finding, style),
        *_hunk(finding, width, style),
        *_chains(finding, width, style),
    ]


def _ground(finding: Finding, style: Style) -> list[str]:
    """What a finding rests on, and what it is known as."""
    return [
        *_listed("evidence", finding.evidence, style, most=len(finding.evidence)),
        *_prose("how sure", sure(finding), style),
        *_prose("known as", f"fingerprint {finding.fingerprint}", style),
        *_prose("shown by", f"`{confirmed_by(finding)}`", style),
    ]


def _record(finding: Finding, style: Style) -> list[str]:
    """The nearest precedent, and how the other findings of the rule were judged."""
    one = finding.precedent
    near = precedent(one, style.link_url) if one else ""
    return [
        *_prose("earlier", near, style),
        *_prose("record", record(finding), style),
    ]


def _history(finding: Finding, style: Style) -> list[str]:
    """When and where an archive has it, and what came of it there."""
    history = finding.history
    if history is None:
        return []
    return [
        *_prose("posted", posted(history, style.link_url), style),
        *_prose("outcome", fate(history, style.link_url), style),
    ]


def _hunk(finding: Finding, width: int, style: Style) -> list[str]:
    hunk = finding.hunk
    shown = list(hunk) if style.verbose else _excerpt(hunk, finding.line)
    left_out = 0 if style.verbose else max(len(_spoken_of(hunk, finding.line)) - len(shown), 0)
    lines = []
    apart = gaps(hunk) if style.verbose else set()
    path = ""
    for index, hunk_line in enumerate(shown):
        if hunk_line.path != path:
            path = hunk_line.path
            lines.append(_paint(_fitted(f"{INDENT}{line(path)}:", width, style), _FAINT, style))
        elif index in apart:
            lines.append(_paint(f"{INDENT}     …", _FAINT, style))
        number = _shown_number(hunk_line)
        mark = ">" if hunk_line.marked and style.verbose else " "
        kind = line(hunk_line.kind)[:1] or " "
        text = f"{'' if number is None else number:>6} {kind}{code(hunk_line.text)}"
        ansi = {"-": _RED, "+": _GREEN}.get(hunk_line.kind, _FAINT)
        lines.append(f"{mark} {_paint(_fitted(text, width - 2, style), ansi, style)}")
    if left_out:
        lines.append(_paint(f"{INDENT}       … {count(left_out, 'line')} more", _FAINT, style))
    return lines


def _excerpt(hunk: Sequence[HunkLine], named: int) -> list[HunkLine]:
    """The lines to show: the first, and the one at ``named``, which the headline is about."""
    spoken = _spoken_of(hunk, named)
    own = [one for one in spoken if not one.path]
    # what went in another file is told by its first line
    other = [one for one in spoken if one.path][: max(1, HUNK_LINES - len(own))]
    # to tell of one line that it is left out takes as much room as the line
    if len(own) <= HUNK_LINES + 1:
        return [*own, *other]
    at = _index_of(own, named)
    if at is None or at < HUNK_LINES:
        return [*own[:HUNK_LINES], *other]
    return [*own[: HUNK_LINES - 1], own[at], *other]


def _spoken_of(hunk: Sequence[HunkLine], named: int) -> list[HunkLine]:
    """The marked lines and the one at ``named``; all where none is marked."""
    marked = [hunk_line for hunk_line in hunk if hunk_line.marked]
    if not marked or _index_of(marked, named) is not None:
        return marked or list(hunk)
    at = _index_of(hunk, named)
    return [one for index, one in enumerate(hunk) if one.marked or index == at]


def _index_of(lines: Sequence[HunkLine], named: int) -> int | None:
    """Where the line at ``named`` is: of the new file, else of the old one."""
    found = [
        index for index, one in enumerate(lines) if _shown_number(one) == named and not one.path
    ]
    return next((index for index in found if lines[index].kind != "-"), next(iter(found), None))


def _shown_number(hunk_line: HunkLine) -> int | None:
    return hunk_line.old if hunk_line.kind == "-" else hunk_line.new


def _fitted(text: str, room: int, style: Style) -> str:
    return cut(text, room) if style.terminal else text


def _chains(finding: Finding, width: int, style: Style) -> list[str]:
    beside = _beside(style)
    room = (width - len(INDENT) - len(_GAP)) // 2 if beside else width - len(INDENT)
    before = _lane("before", finding.before, finding, room, style)
    after = _lane("after", finding.after, finding, room, style)
    if not beside:
        return [INDENT + _paint(text, ansi, style) for text, ansi in (*before, *after)]
    lines = []
    for (left, left_ansi), (right, right_ansi) in zip_longest(before, after, fillvalue=("", "")):
        gap = " " * (room - columns(left))
        halves = _paint(left, left_ansi, style) + gap + _GAP + _paint(right, right_ansi, style)
        lines.append(f"{INDENT}{halves}".rstrip())
    return lines


def _lane(
    name: str, promise: Promise, finding: Finding, room: int, style: Style
) -> list[tuple[str, str]]:
    """Return one chain under its heading: lines with colours, none wider than ``room``."""
    fits = room - LABEL if style.terminal else None
    said = told(promise, room=fits, level=finding.level)
    heading, *more = wrap(said, room - LABEL) if style.terminal else [said]
    lines = [(pad(name, LABEL) + heading, _CYAN)]
    lines += [(" " * LABEL + text, _CYAN) for text in more]
    home = finding.path if _beside(style) else None
    apart = pieces(promise)
    steps = [
        (
            apart.get(index, ""),
            ("… " if gap else "") + line(step.function),
            _place(step, home),
            line(step.note),
        )
        for gap, index, step in _steps(promise, finding, style)
    ]
    most = min(_LONG_FUNCTION, max(_FUNCTION, room // 2))
    wide = min(most, max((columns(function) for _, function, _, _ in steps), default=0))
    far = max((columns(place) for _, _, place, _ in steps), default=0)
    for piece, function, place, note in steps:
        if piece:
            lines.append((_fitted(f"{INDENT}- {piece}:", room, style), ""))
        text = f"{INDENT}{pad(function, wide)}  {pad(place, far)}  {note}"
        lines.append((_fitted(text.rstrip(), room, style), ""))
    return lines


def _beside(style: Style) -> bool:
    """Whether the chains stand side by side."""
    return style.terminal and style.width >= SIDE_BY_SIDE


def _place(step: Step, home: str | None) -> str:
    """Return ``path:line``; of a path that is ``home`` the last part is enough."""
    path = step.path.rpartition("/")[2] if step.path == home else step.path
    return f"{line(path)}:{step.line}"


def _steps(promise: Promise, finding: Finding, style: Style) -> list[tuple[bool, int, Step]]:
    """Return the links to show with their places, each with whether links before are left out.

    The release itself, the link that hands over to the callback, the callback and where the
    promise is lost say most; what room is left goes to the links that come first.
    """
    chain = promise.chain
    chosen = set(range(len(chain)))
    if style.terminal and not style.verbose and len(chain) > STEPS:
        functions = [step.function for step in chain]
        wanted = [len(chain) - 1]
        if promise.callback in functions[1:]:
            callback = functions.index(promise.callback, 1)
            wanted += [callback - 1, callback]
        wanted += [index for index, name in enumerate(functions) if name == finding.function]
        wanted += range(len(chain))
        chosen = set(list(dict.fromkeys(wanted))[:STEPS])
    return [
        (index > 0 and index - 1 not in chosen, index, step)
        for index, step in enumerate(chain)
        if index in chosen
    ]


def _prose(label: str, text: str, style: Style, says: str = "") -> list[str]:
    room = min(_width(style), PROSE) - len(INDENT) - LABEL
    lines = []
    for index, part in enumerate(wrap(f"{says}{text}" if text else "", room)):
        name = pad("" if index else label, LABEL)
        lines.append(f"{INDENT}{_paint(name, _CYAN, style)}{part}")
    return lines


def _listed(label: str, texts: Sequence[str], style: Style, most: int) -> list[str]:
    shown = texts if style.verbose else texts[:most]
    lines: list[str] = []
    for index, text in enumerate(shown):
        lines += _prose("" if index else label, text, style)
    return lines


def _entries(finding: Finding, style: Style) -> list[str]:
    entries = entry_points(finding)
    if style.verbose:
        told = [
            f"{entry.name} ({entry.event or entry.kind})"
            + (f": {' → '.join(entry.chain)}" if entry.chain else "")
            for entry in entries
        ]
        return _listed("reached", told, style, most=MOST_ENTRIES)
    return _prose("reached", grouped(entries, ENTRIES, finding.function), style)


def _is_range(series: SeriesRef) -> bool:
    """Whether a series came out of a repository, and is called by its branch or range."""
    called = ".." in series.subject or "^-" in series.subject
    return called and all(patch.commit for patch in series.patches)


def _accepted(accepted: Sequence[Accepted], style: Style) -> list[str]:
    """A line for each finding that the reader accepts; those of a baseline are only counted."""
    lines = []
    for one in accepted:
        if one.origin.startswith(BASELINE) and not style.verbose:
            continue
        place = _paint(f"{line(one.finding.path)}:{one.finding.line}:", _BOLD, style)
        what = f"{called(one.finding.cleanup)} in {called(one.finding.function)}"
        reason = f"{sentence(one.reason)} ({line(one.origin)}) [{line(one.finding.rule)}]"
        lines.append(f"{place} accepted: {what}: {reason}")
    return lines


def _notes(notes: Sequence[Note], style: Style) -> list[str]:
    lines = []
    for note in notes:
        mail = f" <{line(note.message_id)}>" if note.message_id else ""
        lines.append(f"{_paint('note:', _LEVEL['note'], style)} {sentence(note.message)}{mail}")
    return lines


def _errors(errors: Iterable[InputError], style: Style) -> list[str]:
    lines = []
    for error in errors:
        place = line(error.input)
        if error.line is not None:
            place += f":{error.line}"
        label = _paint(f"{UNCHECKED}:", _LEVEL["error"], style)
        lines.append(f"{_paint(f'{place}:', _BOLD, style)} {label} {line(error.message)}")
    return lines


def _lost(limitations: Iterable[Limitation], style: Style) -> list[str]:
    lines = []
    for one in limitations:
        place = line(place_of(one))
        head = f"{_paint(f'{place}:', _BOLD, style)} " if place else ""
        lines.append(f"{head}{_paint(f'{PARTLY}:', _LEVEL['warning'], style)} {line(one.message)}")
    return lines


def _set_nearby(report: Report) -> list[str]:
    """What may hide findings, one line each, whether anybody asks for limitations or not."""
    return [line(one.message) for one in set_nearby(report)]


def _limitations(limitations: Sequence[Limitation], style: Style) -> list[str]:
    if not limitations:
        return []
    lines = [_paint("Not known:", _BOLD, style)]
    places: dict[tuple[str, str], list[str]] = {}
    for limitation in limitations:
        place = line(place_of(limitation))
        found = places.setdefault((about(limitation), limitation.message), [])
        if place and place not in found:
            found.append(place)
    for (what, message), found in places.items():
        where = ", ".join(found[:PLACES])
        if len(found) > PLACES:
            where += f" and {len(found) - PLACES} more"
        room = min(_width(style), PROSE) - len(INDENT)
        said = f"{what}: {where}: {message}" if where else f"{what}: {message}"
        first, *rest = wrap(said, room) or [""]
        lines += [INDENT + first, *(f"{INDENT * 2}{text}" for text in rest)]
    return [*lines, ""]


def _summary(report: Report, style: Style) -> str:
    findings = ordered(report)
    total = patches(report)
    hit = len({(finding.series, finding.patch) for finding in findings})
    if findings:
        split = ", ".join(count(number, level) for level, number in levels(findings).items())
        # those that differ in place alone are told as one
        groups = 0 if style.verbose else sum(len(alike(group)) for group in by_patch(report))
        beside = len(findings) - groups if groups else 0
        with_it = f", {beside} of them told with another," if beside else ""
        where = f"in {hit} of {count(total, 'patch')}"
        text = f"{count(len(findings), 'finding')} ({split}){with_it} {where}"
    else:
        text = style.silence or silence(report)
    ranges = [one.subject for one in report.series if _is_range(one)]
    if len(report.series) == len(ranges) == 1:
        text += f" of {line(ranges[0])}"
    known = sum(one.origin.startswith(BASELINE) for one in report.accepted)
    if len(report.accepted) > known:
        text += f"; {len(report.accepted) - known} accepted"
    if known:
        text += f"; {known} in the baseline"
    limits = len(unknown(report)) - (0 if style.verbose else len(set_nearby(report)))
    if limits:
        text += f"; {count(limits, 'limitation')}"
        text += "" if style.verbose else " (--verbose shows them)"
    return text + undone(report)
