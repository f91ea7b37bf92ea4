"""Finds what a finding points at: its series, its patch, the others of that patch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.model.effect import OPTION
from patchlint.model.finding import LEVELS
from patchlint.model.problem import CONFIG, GIVEN_UP, TIME
from patchlint.report.text import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.effect import EntryChain
    from patchlint.model.finding import Finding, HunkLine, Level, PatchRef, Report, SeriesRef
    from patchlint.model.problem import Limitation


def series_of(report: Report, finding: Finding) -> SeriesRef | None:
    """Return the series that ``finding`` is about, None when the report does not list it."""
    if 0 <= finding.series < len(report.series):
        return report.series[finding.series]
    return None


def patch_of(report: Report, finding: Finding) -> PatchRef | None:
    """Return the patch that ``finding`` is about, None when the report does not list it."""
    series = series_of(report, finding)
    if series is None:
        return None
    return next((patch for patch in series.patches if patch.number == finding.patch), None)


def by_patch(report: Report) -> list[list[Finding]]:
    """Group the findings by patch, in the order of the series; in a group loudest first."""
    groups: dict[tuple[int, int], list[Finding]] = {}
    for finding in sorted(report.findings, key=_order):
        groups.setdefault((finding.series, finding.patch), []).append(finding)
    return list(groups.values())


def _order(finding: Finding) -> tuple[int, int, int, str, int, str]:
    return (
        finding.series,
        finding.patch,
        LEVELS.index(finding.level),
        finding.path,
        finding.line,
        finding.rule,
    )


def ordered(report: Report) -> list[Finding]:
    """Return all findings in the order of :func:`by_patch`."""
    return sorted(report.findings, key=_order)


def alike(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Group findings that differ in place alone: one release, one callback, the same texts.

    Groups, and findings in them, keep the order that they come in.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for one in findings:
        groups.setdefault(_texts(one), []).append(one)
    return list(groups.values())


def _texts(finding: Finding) -> tuple[object, ...]:
    """What is told of a finding besides where it is."""
    before, after = finding.before, finding.after
    name = rf"(?<!\w){re.escape(finding.function)}(?!\w)"
    # ... where it stands for the call that nobody has another name of
    call = re.compile(rf"(?<=\bafter ){re.escape(finding.function)}\(\)")
    return (
        (finding.series, finding.patch, finding.level, finding.rule, finding.cleanup),
        (before.context, before.guarantee, after.context, after.guarantee),
        (after.mechanism, after.callback, finding.condition, finding.also),
        re.sub(name, "", finding.message),
        (call.sub("", finding.why), tuple(call.sub("", one) for one in finding.symptoms)),
        (finding.advice, finding.author_says),
    )


def levels(findings: list[Finding]) -> dict[Level, int]:
    """Count the findings of each level, loudest first, absent levels left out."""
    counted = {level: sum(f.level == level for f in findings) for level in LEVELS}
    return {level: number for level, number in counted.items() if number}


def worst(findings: list[Finding]) -> Level | None:
    """Return the loudest level among ``findings``, None when there are none."""
    return next(iter(levels(findings)), None)


def untold(finding: Finding) -> str | None:
    """Return the condition of the deferral, None when the message has it already."""
    condition = finding.condition
    if condition is None or _says(finding, condition):
        return None
    # a message tells what the configuration decides by the option's name
    option = re.fullmatch(OPTION, condition)
    return None if option and _says(finding, option[2]) else condition


def also(finding: Finding) -> list[str]:
    """Return the further cleanups that the message does not name."""
    return [name for name in finding.also if not _says(finding, name)]


def _says(finding: Finding, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", finding.message) is not None


def entry_points(finding: Finding) -> list[EntryChain]:
    """Return the entry points, those first that the chains begin with."""
    first = {
        promise.chain[0].function for promise in (finding.before, finding.after) if promise.chain
    }
    return sorted(finding.entry_points, key=lambda one: one.name not in first)


def gaps(hunk: Sequence[HunkLine]) -> set[int]:
    """Return the indices of the lines that lines of the diff were left out before."""
    found = set()
    old = new = None
    last = path = ""
    for index, hunk_line in enumerate(hunk):
        if hunk_line.path != path:
            # the numbers of another file
            found.add(index)
            old = new = None
            path, last = hunk_line.path, ""
        # between lines that came and lines that went always stands one that stayed
        turned = last == "+" and hunk_line.kind == "-"
        if turned or _jumps(old, hunk_line.old) or _jumps(new, hunk_line.new):
            found.add(index)
        last = hunk_line.kind
        old = old if hunk_line.old is None else hunk_line.old
        new = new if hunk_line.new is None else hunk_line.new
    return found


def _jumps(last: int | None, here: int | None) -> bool:
    return last is not None and here is not None and here > last + 1


def summary(findings: list[Finding]) -> str:
    """Say ``1 error, 2 notes``; an empty string for no findings."""
    return ", ".join(count(number, level) for level, number in levels(findings).items())


def unpassed(report: Report) -> dict[tuple[int, int], str]:
    """Why patches are no pass, whatever was found in them, by series and number."""
    cut = _cut_short(report)
    told: dict[tuple[int, int], str] = {}
    for index, series in enumerate(report.series):
        for patch in series.patches:
            if patch.unread:
                told[index, patch.number] = f"{UNCHECKED}: {patch.unread}"
            elif index in cut:
                told[index, patch.number] = "not checked to its end: it takes too long"
            elif patch.lost:
                told[index, patch.number] = f"{PARTLY}: {patch.lost}"
    return told


def _cut_short(report: Report) -> set[int]:
    """The series whose checks were given up; the limitation names a mail, else the series."""
    ids = {one.message_id for one in given_up(report)} - {None}
    others = [one.message for one in given_up(report) if one.message_id is None]
    return {
        index
        for index, series in enumerate(report.series)
        if any(patch.message_id in ids for patch in series.patches)
        or any(
            message.startswith(f"{series.subject}: " if series.subject else GIVEN_UP)
            for message in others
        )
    }


class Doubt(Struct, frozen=True):
    """What is no pass, and no fault of a patch.  ``path`` is an input, or a file of a patch."""

    kind: str
    message: str
    path: str
    line: int | None = None

    @property
    def name(self) -> str:
        """What the kind is called where findings have a rule."""
        return self.kind.replace(" ", "-")

    @property
    def said(self) -> str:
        """The kind and the message."""
        return f"{self.kind}: {self.message}"


#: begins the origin of what a baseline accepts
BASELINE: Final = "baseline "
#: the kinds of doubts
UNCHECKED: Final = "could not check"
PARTLY: Final = "checked in part"
#: what is said in place of a pass where some of it was checked
UNSURE: Final = "no finding in what could be checked"


def doubts(report: Report) -> list[Doubt]:
    """What was not checked, not to its end, or only in part."""
    unread = (Doubt(UNCHECKED, one.message, one.input, one.line) for one in report.errors)
    ended = (Doubt(UNCHECKED, one.message, one.message_id or "") for one in given_up(report))
    cut = (Doubt(PARTLY, one.told, one.path or "", one.line) for one in lost(report))
    gone = (Doubt(PARTLY, one.message, one.message_id or "") for one in absent(report))
    return [*unread, *ended, *cut, *gone]


def unchecked(report: Report) -> bool:
    """Whether nothing at all could be checked: not read, or given up with nothing loud found."""
    if report.errors and not patches(report):
        return True
    return bool(report.series) and _quiet(report) and len(given_up(report)) >= len(report.series)


def unsure(report: Report) -> str:
    """What to say in place of a pass: not, or not all, was checked, and nothing loud found."""
    if unchecked(report):
        return UNCHECKED
    return UNSURE if (in_part(report) or absent(report)) and _quiet(report) else ""


def _quiet(report: Report) -> bool:
    return all(finding.level == "note" for finding in report.findings)


def given_up(report: Report) -> list[Limitation]:
    """What says that the check of a series was ended before it was done."""
    return [one for one in report.limitations if one.stage == TIME]


def lost(report: Report) -> list[Limitation]:
    """What says that lines of a patch were not read."""
    return [one for one in report.limitations if one.lost]


def absent(report: Report) -> list[Limitation]:
    """What says that a change of the input is not in it: a patch, or what a merge has."""
    return [one for one in report.limitations if one.absent]


def place_of(limitation: Limitation) -> str:
    """The file and line that a limitation is about, else its mail; empty where neither is known."""
    place = limitation.path or (f"<{limitation.message_id}>" if limitation.message_id else "")
    return f"{place}:{limitation.line}" if place and limitation.line is not None else place


#: what the stages of a limitation are about, as one who reads a report calls it
_ABOUT: Final = {
    "images": "files",
    "syntax": "C code",
    "graph": "calls",
    CONFIG: "settings",
}


def about(limitation: Limitation) -> str:
    """What a limitation is about, in a word: the mail, the diff, files, calls, the tree."""
    return _ABOUT.get(limitation.stage, limitation.stage)


def set_nearby(report: Report) -> list[Limitation]:
    """What the repository sets that may hide findings."""
    return [one for one in report.limitations if one.stage == CONFIG]


def unknown(report: Report) -> list[Limitation]:
    """What could not be known of that which was read."""
    return [one for one in report.limitations if not one.lost]


def unfinished(report: Report) -> list[Limitation]:
    """What says that a check was given up, that a diff is not as it was written, or not there."""
    return [one for one in report.limitations if one.absent or one.stage in (TIME, "diff")]


def in_part(report: Report) -> bool:
    """Whether something of the input was not read, or not checked to the end."""
    return bool(report.errors or given_up(report) or lost(report))


def silence(report: Report) -> str:
    """Say in how much nothing was found, or that nothing was checked."""
    if not patches(report):
        return "nothing was checked"
    if unchecked(report):
        return "the check was given up before anything was found: nothing is known"
    left = unpassed(report)
    ended = [
        patch
        for index, series in enumerate(report.series)
        for patch in series.patches
        if (index, patch.number) not in left
    ]
    if not ended and any(patch.lost for series in report.series for patch in series.patches):
        return "no findings in what could be read"
    text = f"no findings in {count(len(ended), 'patch')}"
    files = [file for patch in ended for file in patch.files]
    # of what was not read nobody knows what it changes
    if not in_part(report) and files and not any(f.endswith((".c", ".h")) for f in files):
        text += " (no C source is changed)"
    return text


def undone(report: Report) -> str:
    """Say how much of the input was not checked, or not to its end, for the end of a summary."""
    said = [f"{count(len(report.errors), 'input')} not checked"] if report.errors else []
    if given_up(report) and not unchecked(report):
        said.append(f"{count(len(given_up(report)), 'check')} given up")
    cut = sum(bool(patch.lost) for series in report.series for patch in series.patches)
    if cut:
        said.append(f"{count(cut, 'patch')} {PARTLY}")
    return "".join(f"; {one}" for one in said)


def patches(report: Report) -> int:
    """Count the patches that were read."""
    return sum(not patch.unread for series in report.series for patch in series.patches)
