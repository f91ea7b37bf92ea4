from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from report_story import RULES
from report_strategies import law, made, reports

from patchlint.report.lookup import ordered
from patchlint.report.render import FORMATS, render
from patchlint.report.style import Style
from patchlint.report.text import HIDDEN

styles = made(
    Style,
    color=st.booleans(),
    width=st.integers(0, 200),
    terminal=st.booleans(),
    verbose=st.booleans(),
    quiet=st.booleans(),
    rules=st.sampled_from([{}, RULES]),
)


def parsed(text):
    return json.loads(text.encode().decode())


@law
@given(report=reports, style=styles)
def test_any_report_can_be_told_in_utf8(report, style):
    for format_name in FORMATS:
        told = render(report, format_name, style)
        assert told.encode().decode() == told
        assert told == "" or told.endswith("\n")


@law
@given(report=reports, verbose=st.booleans())
def test_no_control_character_survives(report, verbose):
    for format_name in ("terminal", "terse", "b4-check", "nipa", "github"):
        told = render(report, format_name, Style(verbose=verbose))
        assert not HIDDEN.search(told.replace("\n", ""))


@law
@given(report=reports)
def test_mail_holds_tabs_and_line_ends_alone(report):
    told = render(report, "mail", Style())
    assert not HIDDEN.search(told.replace("\n", "").replace("\t", ""))
    assert all(len(part.encode()) <= 998 for part in told.split("\n"))


@law
@given(report=reports)
def test_terse_has_one_line_for_each_finding_that_is_no_note(report):
    loud = [finding for finding in report.findings if finding.level != "note"]
    assert len(render(report, "terse", Style()).splitlines()) == len(loud)
    everything = render(report, "terse", Style(verbose=True)).splitlines()
    assert len(everything) == len(report.findings)


@law
@given(report=reports)
def test_b4_sees_as_many_failures_as_there_are_errors(report):
    told = render(report, "b4-check", Style()).splitlines()
    failures = [part for part in told if "ERROR:" in part]
    assert len(failures) == sum(finding.level == "error" for finding in report.findings)
    assert not any(part.startswith("-:") for part in told)


@law
@given(report=reports)
def test_json_tells_every_text_as_it_came(report):
    told = parsed(render(report, "json", Style()))
    assert [finding["message"] for finding in told["findings"]] == [
        rejoined(finding.message) for finding in report.findings
    ]
    assert [finding["path"] for finding in told["findings"]] == [
        rejoined(finding.path) for finding in report.findings
    ]
    assert [one["message"] for one in told["errors"]] == [
        rejoined(error.message) for error in report.errors
    ]


def rejoined(text):
    """JSON reads two surrogates that fit as the one character that they spell."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@law
@given(report=reports)
def test_json_formats_are_json_that_drives_no_terminal(report):
    for format_name in ("json", "sarif", "b4", "gitlab", "rdjson"):
        told = render(report, format_name, Style())
        assert isinstance(parsed(told), dict | list)
        assert not HIDDEN.search(told.replace("\n", ""))


@law
@given(report=reports)
def test_junit_is_xml_with_a_case_for_each_listed_patch(report):
    root = ET.fromstring(render(report, "junit", Style()).encode())  # noqa: S314 (made here)
    assert root.tag == "testsuites"
    listed = sum(len(series.patches) + len(series.missing) for series in report.series)
    assert len(root.findall("testsuite/testcase")) >= listed + len(report.errors)


@law
@given(report=reports)
def test_github_lines_are_all_commands(report):
    for told in render(report, "github", Style()).splitlines():
        assert told.startswith(("::error ", "::warning ", "::notice "))
        assert told.count("::") >= 2


@law
@given(report=reports)
def test_gitlab_fingerprints_are_unique(report):
    told = parsed(render(report, "gitlab", Style()))
    lost = sum(one.lost for one in report.limitations)
    assert len(told) == len(report.findings) + len(report.errors) + lost
    assert len({rejoined(issue["fingerprint"]) for issue in told}) == len(told)
    assert all(issue["location"]["lines"]["begin"] >= 1 for issue in told)


def below(value, name):
    """All values under a name, at any depth of some JSON."""
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from below(one, name)


@law
@given(report=reports)
def test_each_place_is_a_line_that_a_file_may_have(report):
    """Readers refuse a whole report for one line 0, or for a region that ends before it begins."""
    for region in below(parsed(render(report, "sarif", Style())), "region"):
        first = region["startLine"]
        assert 1 <= first <= region.get("endLine", first)
        assert region.get("startColumn", 1) >= 1
    for place in below(parsed(render(report, "rdjson", Style())), "range"):
        assert 1 <= place["start"]["line"] <= place.get("end", place["start"])["line"]
    for told in render(report, "github", Style()).splitlines():
        properties = told.split("::")[1].partition(" ")[2].split(",")
        lines = [one.removeprefix("line=") for one in properties if one.startswith("line=")]
        assert all(int(one) >= 1 for one in lines)


@law
@given(report=reports)
def test_a_line_that_is_shown_at_a_place_is_one_that_the_finding_marks(report):
    results = parsed(render(report, "sarif", Style()))["runs"][0]["results"]
    findings = [*ordered(report), *(one.finding for one in report.accepted)]
    for finding, result in zip(findings, results, strict=True):
        (location,) = result["locations"]
        shown = location["physicalLocation"].get("region", {}).get("snippet")
        same = [
            one
            for one in finding.hunk
            if one.marked and (one.old if finding.side == "pre" else one.new) == finding.line
        ]
        assert (shown is not None) == bool(same and finding.line > 0)
