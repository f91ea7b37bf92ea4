"""Workflow commands for GitHub Actions, which become annotations on the files.

Limitations are one notice in all: an annotation that nobody can act on hides the others.
A check that was given up is a warning, and so is what was lost of a patch: neither is a pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.report.lookup import PARTLY, UNCHECKED, given_up, lost, ordered, unknown, untold
from patchlint.report.text import count, line
from patchlint.report.words import archived, told

if TYPE_CHECKING:
    from patchlint.model.effect import Promise
    from patchlint.model.finding import Finding, Report
    from patchlint.model.problem import Limitation
    from patchlint.report.style import Style

COMMANDS: Final = {"error": "error", "warning": "warning", "note": "notice"}


def render(report: Report, style: Style) -> str:
    """Return one command a line; an empty string when there is nothing to say."""
    lines = [_annotation(finding, style.link_url) for finding in ordered(report)]
    for error in report.errors:
        place = {"file": error.input, "line": _number(error.line)}
        lines.append(_command("error", place, f"{UNCHECKED}: {line(error.message)}"))
    ended = given_up(report)
    lines += [_command("warning", {"title": "patchlint"}, line(one.message)) for one in ended]
    lines += [
        _command("warning", _place(one), f"{PARTLY}: {line(one.told)}") for one in lost(report)
    ]
    if rest := [one for one in unknown(report) if one not in ended]:
        known = dict.fromkeys(line(limitation.message) for limitation in rest)
        text = f"{count(len(rest), 'limitation')}: {'; '.join(known)}"
        lines.append(_command("notice", {"title": "patchlint"}, text))
    return "".join(f"{text}\n" for text in lines)


def _place(limitation: Limitation) -> dict[str, str]:
    number = _number(limitation.line)
    return {"file": limitation.path or "", "line": number, "title": "patchlint"}


def _number(number: int | None) -> str:
    """A line that a file has; GitHub takes no other."""
    return str(number) if number is not None and number > 0 else ""


def _annotation(finding: Finding, link: str) -> str:
    place = {
        "file": finding.path,
        "line": _number(finding.line),
        "title": f"patchlint {finding.rule}",
    }
    said = [line(finding.message) + archived(finding, link)]
    said += [_told(finding, "before", finding.before), _told(finding, "after", finding.after)]
    condition = untold(finding)
    said += [f"when {line(condition)}"] if condition else []
    said += [f"why: {line(finding.why)}"] if finding.why else []
    return _command(COMMANDS[finding.level], place, "\n".join(said))


def _told(finding: Finding, name: str, promise: Promise) -> str:
    chain = " → ".join(line(step.function) for step in promise.chain)
    way = f"; by way of {chain}" if chain else ""
    return f"{name}: {told(promise, level=finding.level)}{way}"


def _command(name: str, properties: dict[str, str], message: str) -> str:
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{name} {told}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(line(text)).replace(":", "%3A").replace(",", "%2C")
