"""What an author says of a finding, in the mail of the patch and below its ``---``.

    patchlint-ok: RULE FUNCTION -- why it is fine, on
      as many indented lines as it takes

(two blanks at least: lines of a diffstat have one).  git leaves out what stands there when
it applies the patch, so no history keeps it.  It is information beside the finding: whether
it silences one is up to who reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.problem import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from patchlint.model.finding import Finding
    from patchlint.model.mail import Patch

KEY: Final = "patchlint-ok"
#: of a reason this much is kept; it is a stranger's text
LONGEST: Final = 500

_CUT: Final = re.compile(r"^---[ \t]*$", re.MULTILINE)
_LINE: Final = re.compile(
    rf"^{KEY}[ \t]*:[ \t]*(.*(?:\n(?:\t|  )[ \t]*\S.*)*)", re.MULTILINE | re.IGNORECASE
)
_SHAPE: Final = re.compile(r"(\S+)\s+(\S+?)(?:\(\))?\s+--\s+(\S.*)", re.DOTALL)


class Reason(Struct, frozen=True):
    """``patch`` is the number of the patch whose mail gives the reason."""

    rule: str
    function: str
    text: str
    patch: int
    message_id: str | None


def hear(
    patches: Iterable[Patch], findings: Sequence[Finding], rules: Iterable[str], *, some: bool
) -> tuple[tuple[Finding, ...], tuple[Note, ...]]:
    """The findings of one series with what its author says of them.

    A line that cannot be used gives a note, and so does one that fits no finding; when only
    ``some`` rules were asked for, one of another rule fits nothing and means nothing.
    """
    notes: list[Note] = []
    reasons: list[Reason] = []
    for patch in patches:
        if KEY in patch.message.lower():
            reasons += _read(patch, notes)
    if not reasons:
        return tuple(findings), tuple(notes)
    by_place = {(one.rule, one.function): one for one in reversed(reasons)}
    heard = []
    for finding in findings:
        reason = by_place.get((finding.rule, finding.function))
        heard.append(replace(finding, author_says=reason.text) if reason else finding)
    notes += _unmatched(reasons, {(f.rule, f.function) for f in findings}, set(rules), some)
    return tuple(heard), tuple(notes)


def _read(patch: Patch, notes: list[Note]) -> Iterator[Reason]:
    cut = _CUT.search(patch.message)
    end = cut.start() if cut else len(patch.message)
    for line in _LINE.finditer(patch.message):
        said = " ".join(line.group(1).split())
        shape = _SHAPE.fullmatch(said)
        if line.start() < end:
            text = f"{KEY} counts below the --- of the mail alone, not in the commit message"
            notes.append(Note(f"patch {patch.number}: {text}", patch.message_id))
        elif shape is None:
            text = f"'{KEY}: {said[:80]}' is not of the form RULE FUNCTION -- reason"
            notes.append(Note(f"patch {patch.number}: {text}", patch.message_id))
        else:
            rule, function, why = shape.groups()
            yield Reason(rule, function, why[:LONGEST], patch.number, patch.message_id)


def _unmatched(
    reasons: Iterable[Reason],
    found: Collection[tuple[str, str]],
    rules: Collection[str],
    some: bool,
) -> Iterator[Note]:
    for one in reasons:
        if (one.rule, one.function) in found or (some and one.rule not in rules):
            continue
        text = f"the author gives a reason for {one.rule} in {one.function}(), which is not found"
        if one.rule not in rules:
            text = f"the author gives a reason for {one.rule}: there is no such rule"
        yield Note(f"patch {one.patch}: {text}", one.message_id)
