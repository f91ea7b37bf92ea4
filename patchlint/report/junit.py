"""JUnit XML: a suite for each series, a test case for each patch.

A patch fails by an error or a warning; notes are its output.  What could not be read, or not
checked to its end, is an error in a suite of its own; a patch of it passes no test, and nor
does one that is checked in part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec.structs import replace

from patchlint.report.lookup import PARTLY, UNCHECKED, doubts, lost, ordered, unknown, unpassed
from patchlint.report.style import Style
from patchlint.report.terminal import finding_lines
from patchlint.report.text import count, line
from patchlint.report.words import headline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patchlint.model.finding import Finding, PatchRef, Report, SeriesRef
    from patchlint.report.lookup import Doubt

#: Narrow enough that a chain stands under the other, as in a log.
_PLAIN = Style(width=100)


def render(report: Report, style: Style) -> str:
    """Return the XML document; ``style`` says where mails are read, and nothing else."""
    plain = replace(_PLAIN, link_url=style.link_url)
    root = Element("testsuites", name="patchlint")
    listed = set()
    left = unpassed(report)
    for index, series in enumerate(report.series):
        mine = [finding for finding in ordered(report) if finding.series == index]
        listed |= {(index, patch.number) for patch in series.patches}
        _suite(root, series, mine, plain, {n: why for (at, n), why in left.items() if at == index})
    others = [f for f in ordered(report) if (f.series, f.patch) not in listed]
    if others:
        suite = SubElement(root, "testsuite", name="patches not listed")
        for finding in others:
            _case(suite, f"patch {finding.patch}", "patches not listed", [finding], plain)
    # what was lost of a patch stands at that patch
    if unread := [one for one in doubts(report) if one.kind == UNCHECKED]:
        _unread(root, unread)
    for suite in root:
        suite.set("tests", str(len(suite.findall("testcase"))))
        for name in ("failure", "error", "skipped"):
            plural = name if name == "skipped" else f"{name}s"
            suite.set(plural, str(len(suite.findall(f"testcase/{name}"))))
    if report.limitations:
        told = [f"{PARTLY}: {line(one.told)}" for one in lost(report)]
        told += [f"not known: {line(limitation.told)}" for limitation in unknown(report)]
        first = root.find("testsuite")
        suite = first if first is not None else SubElement(root, "testsuite", name="patchlint")
        SubElement(suite, "system-out").text = "\n".join(told)
    indent(root)
    return f"{_DECLARATION}{tostring(root, encoding='unicode')}\n"


_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


def _suite(
    root: Element,
    series: SeriesRef,
    findings: list[Finding],
    plain: Style,
    left: Mapping[int, str],
) -> None:
    name = line(series.subject) or "series"
    if series.version > 1 and not name.startswith("["):
        name += f" (v{series.version})"
    suite = SubElement(root, "testsuite", name=name)
    for patch in series.patches:
        mine = [finding for finding in findings if finding.patch == patch.number]
        _case(suite, _name(patch), name, mine, plain, left.get(patch.number, ""))
    for number in series.missing:
        _case(suite, f"{number}: missing", name, [], plain, "not in the input")


def _name(patch: PatchRef) -> str:
    return f"{patch.number}: {line(patch.subject)}"


def _case(
    suite: Element, name: str, group: str, findings: list[Finding], plain: Style, skipped: str = ""
) -> None:
    case = SubElement(suite, "testcase", name=name, classname=group)
    loud = [finding for finding in findings if finding.level != "note"]
    quiet = [finding for finding in findings if finding.level == "note"]
    if loud:
        said = headline(loud[0])
        if len(loud) > 1:
            said += f" (and {count(len(loud) - 1, 'finding')} more)"
        rules = ", ".join(dict.fromkeys(line(finding.rule) for finding in loud))
        SubElement(case, "failure", message=said, type=rules).text = _told(loud, plain)
    elif skipped:
        SubElement(case, "skipped", message=line(skipped))
    if quiet:
        SubElement(case, "system-out").text = _told(quiet, plain)


def _told(findings: list[Finding], plain: Style) -> str:
    return "\n\n".join("\n".join(finding_lines(finding, plain)) for finding in findings)


def _unread(root: Element, unread: list[Doubt]) -> None:
    suite = SubElement(root, "testsuite", name="inputs")
    for doubt in unread:
        place = line(doubt.path) or "check given up"
        place += "" if doubt.line is None else f":{doubt.line}"
        case = SubElement(suite, "testcase", name=place, classname="inputs")
        SubElement(case, "error", message=line(doubt.said), type="input")
