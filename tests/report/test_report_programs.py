"""Formats that other programs read."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from report_story import ACCEPTED, EMPTY, FILE, LAZY, MEMORY, STORY
from report_variants import CUT as CUT_IN_A_HUNK
from report_variants import (
    FIRST,
    HOSTILE,
    IN_PART,
    PARTLY,
    PATH,
    QUIET,
    SECOND,
    THIRD,
    TWICE,
    UNREAD,
    UNREADABLE,
)

from patchlint.cli.check import exit_status
from patchlint.integrations.patchwork import checks
from patchlint.model.problem import TIME, InputError, Limitation
from patchlint.report.nipa import nipa
from patchlint.report.render import render
from patchlint.report.style import Style

WARNED = replace(STORY, findings=(FILE, MEMORY), errors=())


def told(report, format_name, **style):
    return render(report, format_name, Style(**style))


def data(report, format_name):
    return json.loads(told(report, format_name))


@pytest.mark.parametrize(
    ("report", "status"), [(STORY, 1), (WARNED, 250), (QUIET, 0), (EMPTY, 0), (UNREAD, 250)]
)
def test_nipa_status(report, status):
    assert nipa(report)[0] == status


@pytest.mark.parametrize("path", ["-", "-:", "-:-", "-:fs/a.c"])
def test_no_line_for_b4_looks_like_one_of_standard_input(path):
    report = replace(STORY, findings=(replace(LAZY, path=path),), errors=())
    (line,) = told(report, "b4-check").splitlines()
    assert "ERROR:" in line
    assert not line.startswith("-:")


def test_nipa_text_begins_with_the_description():
    assert nipa(EMPTY)[1] == "no promise to user space got weaker\n"
    first, *rest = nipa(STORY)[1].splitlines()
    assert first == "1 error, 1 warning, 1 note; 2 limitations"
    assert rest[0].startswith("fs/burrow/nest.c:214: ERROR: ")


@pytest.mark.parametrize(
    ("report", "status", "summary"),
    [
        (STORY, "fail", "1 error, 1 warning, 1 note (2 limitations)"),
        (WARNED, "warn", "1 warning, 1 note (2 limitations)"),
        (QUIET, "pass", "1 note"),
        (EMPTY, "pass", "no promise to user space got weaker"),
        (UNREAD, "warn", "could not check"),
    ],
)
def test_b4_result(report, status, summary):
    result = data(report, "b4")
    assert sorted(result) == ["details", "status", "summary", "tool", "url"]
    assert all(isinstance(value, str) for value in result.values())
    assert (result["tool"], result["status"], result["summary"]) == ("patchlint", status, summary)


def test_b4_details_are_a_list_of_rows():
    rows = json.loads(data(STORY, "b4")["details"])
    assert [row["status"] for row in rows] == ["fail", "warn", "pass", "warn", "pass", "pass"]
    assert rows[0]["context"] == "mount-put-deferred"
    assert rows[0]["state"] == "error"
    assert rows[0]["description"].splitlines()[1:] == [
        (
            "    before: task: done before return to user space; by way of "
            "burrow_detach → burrow_unlock → nest_put → mntput"
        ),
        (
            "    after: work item (queue_rcu_work() → nest_reaper()): done some time later; "
            "by way of burrow_detach → burrow_unlock → nest_reaper → nest_put → mntput"
        ),
        "    when flags & BURROW_LAZY",
        "    instead: keep the puts in the task and defer only the wait for readers",
        (
            "    earlier: mntput() in den_unlock(), linux-burrow 2019-05-01, was reverted: a "
            "worker puts the den that umount promised to have put; "
            "https://lore.kernel.org/r/20190501-den-1@example.org"
        ),
        (
            "    record: 9 of 12 judged warnings of this rule were right; 4 of 6 with a known end "
            "were fixed, dropped or reverted"
        ),
    ]
    assert data(EMPTY, "b4")["details"] == ""


def test_b4_check_is_silent_without_errors_and_warnings():
    assert told(QUIET, "b4-check", verbose=True) == ""
    assert told(EMPTY, "b4-check") == ""


def test_b4_check_tells_what_is_accepted_and_why_but_for_a_baseline():
    (_standing, accepted) = told(ACCEPTED, "b4-check").splitlines()
    assert accepted == (
        f"{FILE.path}:{FILE.line}: accepted: [{FILE.rule}] {FILE.function}(): "
        "the keeper is joined before release returns (.git/config)"
    )


@pytest.mark.parametrize("form", ["terse", "b4-check"])
def test_notes_are_told_where_they_count(form):
    assert "CHECK: [" in told(QUIET, form, notes=True)
    assert told(QUIET, form) == ""


def test_b4_check_warns_of_what_was_not_checked():
    """For b4 a patch without a line has passed."""
    assert told(UNREAD, "b4-check") == "could not check: no such file\n"
    odd = replace(UNREAD, errors=(InputError("x", "an ERROR: in\nthe mail"),))
    assert told(odd, "b4-check") == "could not check: an ERROR : in the mail\n"


def test_b4_check_never_lets_a_warning_look_like_a_failure():
    (line,) = told(
        replace(WARNED, findings=(replace(FILE, path="ERROR:x", message="an ERROR: b"),)),
        "b4-check",
    ).splitlines()
    assert line == "ERROR :x:88: WARNING: [file-put-deferred] an ERROR : b"


def test_terse():
    assert told(STORY, "terse").splitlines() == [
        (
            "fs/burrow/nest.c:214: ERROR: [mount-put-deferred] mntput() for a lazily detached "
            "nest moves from the unmounting task to a kworker, so umount can return with the file "
            "system still mounted, when `flags & BURROW_LAZY`"
        ),
        (
            "drivers/burrow/tunnel.c:88: WARNING: [file-put-deferred] fput() of the backing file "
            "moves from tunnel_release() to a kernel thread"
        ),
    ]
    assert (
        told(STORY, "terse", verbose=True)
        .splitlines()[2]
        .startswith("drivers/burrow/tunnel.c:97: CHECK: [memory-put-deferred] ")
    )
    assert told(QUIET, "terse") == ""


def test_github_levels_and_places():
    lines = told(STORY, "github").splitlines()
    assert [line.split(" ")[0] for line in lines] == [
        "::error",
        "::warning",
        "::notice",
        "::error",
        "::notice",
    ]
    assert lines[1].startswith(
        "::warning file=drivers/burrow/tunnel.c,line=88,title=patchlint file-put-deferred::fput()"
    )
    assert (
        "%0Abefore: caller not seen, taken for a task: done before return to user space; "
        "by way of tunnel_release → fput%0Aafter: kernel thread (" in lines[1]
    )


def test_github_text_cannot_become_a_command_or_a_property():
    lines = told(HOSTILE, "github").splitlines()
    assert len(lines) == 3
    properties = lines[0].removeprefix("::error ").split("::")[0]
    assert [part.split("=")[0] for part in properties.split(",")] == ["file", "line", "title"]
    assert "1%2C2%250A" in properties


def test_gitlab():
    issues = data(STORY, "gitlab")
    assert [issue["severity"] for issue in issues] == ["critical", "major", "info", "major"]
    assert issues[3]["check_name"] == "could-not-check"
    assert issues[3]["location"] == {"path": "broken.mbox", "lines": {"begin": 31}}
    assert issues[0]["location"] == {"path": "fs/burrow/nest.c", "lines": {"begin": 214}}
    assert issues[0]["check_name"] == "mount-put-deferred"
    assert data(EMPTY, "gitlab") == []


def test_gitlab_tells_findings_of_two_versions_apart():
    prints = [issue["fingerprint"] for issue in data(TWICE, "gitlab")]
    assert prints == ["5b2e0c94a1d7", "5b2e0c94a1d7/2"]


def test_rdjson():
    report = data(STORY, "rdjson")
    assert report["source"] == {"name": "patchlint"}
    first, *others = report["diagnostics"]
    assert [one["severity"] for one in (first, *others)] == ["ERROR", "WARNING", "INFO", "WARNING"]
    assert others[2]["message"].startswith("could not check: the diff ends")
    assert others[2]["location"] == {"path": "broken.mbox", "range": {"start": {"line": 31}}}
    assert first["location"] == {
        "path": "fs/burrow/nest.c",
        "range": {"start": {"line": 214}},
    }
    assert first["code"] == {"value": "mount-put-deferred"}
    assert len(first["related_locations"]) == len(LAZY.before.chain) + len(LAZY.after.chain)
    assert first["original_output"] == told(STORY, "terse").splitlines()[0]


def test_rdjson_without_a_line_has_no_range():
    (one,) = data(replace(WARNED, findings=(replace(FILE, line=0),)), "rdjson")["diagnostics"]
    assert one["location"] == {"path": "drivers/burrow/tunnel.c"}


def suites(report):
    return ET.fromstring(told(report, "junit"))  # noqa: S314 (made here)


def test_junit_has_a_case_for_each_patch():
    series, inputs = suites(STORY)
    assert {key: series.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    first, second, third, fourth = series.findall("testcase")
    assert first.find("failure") is None
    assert second.find("failure").get("type") == "mount-put-deferred"
    assert "queue_rcu_work(burrow_wq, &reap->work);" in second.find("failure").text
    assert "note: the tunnel's memory" in third.find("system-out").text
    assert fourth.find("skipped").get("message") == "not in the input"
    assert inputs.find("testcase/error").get("message").startswith("could not check: the diff")


@pytest.mark.parametrize(
    ("subject", "name"), [("lamp: wait", "lamp: wait (v3)"), ("[PATCH v3] lamp", "[PATCH v3] lamp")]
)
def test_junit_says_the_version_of_a_series_once(subject, name):
    series = replace(STORY.series[0], subject=subject)
    root = ET.fromstring(told(replace(STORY, series=(series,)), "junit"))  # noqa: S314 (made here)
    assert root.findall("testsuite")[0].get("name") == name


def test_junit_counts_the_findings_of_a_patch():
    (series,) = suites(replace(STORY, findings=(FILE, FILE, FILE), errors=(), limitations=()))
    assert series.find("testcase/failure").get("message").endswith("(and 2 findings more)")


def test_junit_keeps_findings_whose_patch_is_not_listed():
    _, lost = suites(replace(STORY, findings=(replace(FILE, series=5),), errors=()))
    assert lost.get("name") == "patches not listed"
    assert lost.find("testcase/failure") is not None


ONE = EMPTY
GIVEN_UP = Limitation(TIME, "lamp: the check of this series was given up: it takes more than 1 s")
CUT = Limitation("diff", "hunk announces 11 old and 17 new lines but has 4 and 9", "fs/lamp.c")


@pytest.mark.parametrize(
    ("report", "strict", "status"),
    [
        (QUIET, False, 0),
        (replace(ONE, limitations=(GIVEN_UP,)), False, 2),
        (replace(WARNED, limitations=(GIVEN_UP,)), False, 1),
        (replace(WARNED, limitations=(GIVEN_UP,)), True, 2),
        (replace(ONE, series=ONE.series * 2, limitations=(GIVEN_UP,)), False, 0),
        (replace(QUIET, limitations=(CUT,)), False, 0),
        (replace(QUIET, limitations=(CUT,)), True, 2),
    ],
)
def test_what_was_given_up_or_cut_short_is_no_clean_check(report, strict, status):
    assert exit_status(report, "warning", strict=strict) == status


def test_a_check_that_was_given_up_passes_nowhere():
    report = replace(ONE, limitations=(GIVEN_UP,))
    assert nipa(report)[0] == 250
    assert data(report, "b4")["status"] == "warn"
    assert "nothing is known" in told(report, "terminal")
    half = replace(report, series=report.series * 2)
    assert nipa(half)[1].startswith("no finding in what could be checked")
    assert data(half, "b4")["status"] == "warn"


TOO_LONG = replace(
    EMPTY,
    limitations=(
        Limitation(TIME, "the check of this series was given up", None, FIRST.message_id),
    ),
)


@pytest.mark.parametrize(
    ("report", "passed"),
    [
        (EMPTY, ["1", "2", "3"]),
        (PARTLY, ["1", "3"]),
        (replace(PARTLY, findings=(FILE,)), ["1"]),
        (TOO_LONG, []),
        (replace(TOO_LONG, findings=(FILE,)), []),
        (replace(EMPTY, limitations=(replace(GIVEN_UP, message="burrow: x"),)), ["1", "2", "3"]),
    ],
)
def test_junit_passes_no_patch_that_was_not_checked(report, passed):
    root = suites(report)
    cases = root.findall("testsuite/testcase")
    bare = {case.get("name")[0] for case in cases if not len(case)}
    assert sorted(bare) == passed
    assert sum(int(suite.get("errors")) for suite in root) == len(report.errors) + len(
        report.limitations
    )


def test_junit_says_why_a_patch_is_no_pass():
    _, second, _ = suites(PARTLY)[0].findall("testcase")
    assert second.find("skipped").get("message") == f"could not check: {UNREADABLE}"
    name = replace(GIVEN_UP, message=f"{EMPTY.series[0].subject}: it takes more than 1 s")
    (series, inputs) = suites(replace(EMPTY, limitations=(name,)))
    assert series.find("testcase/skipped").get("message").startswith("not checked to its end")
    assert inputs.find("testcase/error").get("message").endswith("it takes more than 1 s")


@pytest.mark.parametrize("report", [PARTLY, UNREAD, TOO_LONG])
def test_no_format_passes_what_was_not_checked(report):
    assert nipa(report)[0] == 250
    assert data(report, "b4")["status"] == "warn"
    assert "could not check" in told(report, "b4-check")
    assert data(report, "gitlab")[0]["description"].startswith("could not check: ")
    assert data(report, "rdjson")["diagnostics"][0]["message"].startswith("could not check: ")
    assert told(report, "github").startswith(("::error ", "::warning "))
    run = data(report, "sarif")["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False


@pytest.mark.parametrize("findings", [False, True])
def test_no_format_passes_a_series_without_one_of_its_patches(findings):
    gone = Limitation("mail", "patch 2 of 3 is not in the input", absent=True)
    report = replace(PARTLY if findings else EMPTY, errors=(), limitations=(gone,))
    found = bool(report.findings)
    assert nipa(report)[0] in ({1, 250} if found else {250})
    assert data(report, "b4")["status"] != "pass"
    assert "patch 2 of 3" in told(report, "b4-check")
    assert "patch 2 of 3" in data(report, "gitlab")[-1]["description"]
    assert "patch 2 of 3" in data(report, "rdjson")["diagnostics"][-1]["message"]
    run = data(report, "sarif")["runs"][0]["invocations"][0]
    assert run["executionSuccessful"] is found
    assert exit_status(report, "never") == 0
    assert exit_status(report, "never", strict=True) == 2


def test_no_format_passes_what_was_checked_in_part():
    assert nipa(IN_PART)[0] == 250
    assert data(IN_PART, "b4")["status"] == "warn"
    (line,) = told(IN_PART, "b4-check").splitlines()
    assert line == f"checked in part: {PATH}:207: {CUT_IN_A_HUNK}"
    (issue,) = data(IN_PART, "gitlab")
    assert (issue["check_name"], issue["severity"]) == ("checked-in-part", "major")
    assert issue["location"] == {"path": PATH, "lines": {"begin": 207}}
    (one,) = data(IN_PART, "rdjson")["diagnostics"]
    assert one["location"] == {"path": PATH, "range": {"start": {"line": 207}}}
    warning, notice = told(IN_PART, "github").splitlines()
    assert warning.startswith(f"::warning file={PATH},line=207,title=patchlint::checked in part: ")
    assert notice.startswith("::notice title=patchlint::1 limitation: line broken by a mailer")
    run = data(IN_PART, "sarif")["runs"][0]["invocations"][0]
    assert run["executionSuccessful"] is False
    assert [one["level"] for one in run["toolExecutionNotifications"]] == ["warning", "note"]
    assert checks(IN_PART, (), "x", "")[SECOND.message_id].state == "warning"
    assert checks(IN_PART, (), "x", "")[FIRST.message_id].state == "success"


def test_a_patch_that_was_checked_in_part_is_skipped_where_nothing_is_found_in_it():
    (suite,) = suites(IN_PART)
    assert (suite.get("skipped"), suite.get("errors")) == ("1", "0")
    _, second, _ = suite.findall("testcase")
    assert second.find("skipped").get("message").startswith(f"checked in part: {PATH}:207: ")
    (suite,) = suites(replace(IN_PART, findings=(LAZY,)))
    assert (suite.get("skipped"), suite.get("failures")) == ("0", "1")
    assert f"checked in part: {PATH}:207" in suite.find("system-out").text


def test_what_is_lost_is_said_where_a_finding_is_told_as_well():
    found = replace(IN_PART, findings=(LAZY,))
    assert nipa(found) == (1, nipa(found)[1])
    for form in ("nipa", "b4", "b4-check", "terminal", "github", "rdjson", "gitlab", "html"):
        assert CUT_IN_A_HUNK in told(found, form)
    assert told(found, "terminal").endswith("; 1 patch checked in part\n")


def test_what_was_not_read_is_not_counted_as_checked():
    assert told(PARTLY, "terminal").endswith("no findings in 2 patches; 1 input not checked\n")
    assert "no findings in 2 patches; 1 input not checked" in told(PARTLY, "html")
    found = replace(PARTLY, findings=(FILE,))
    assert "in 1 of 2 patches; 1 input not checked" in told(found, "terminal")
    assert "Check of 2 patches" in told(PARTLY, "sarif")
    patches = data(PARTLY, "json")["series"][0]["patches"]
    assert [one["unread"] for one in patches] == [None, UNREADABLE, None]


def test_a_check_that_was_given_up_among_others_is_counted():
    other = replace(EMPTY.series[0], patches=(replace(FIRST, message_id="other@example.org"),))
    half = replace(TOO_LONG, series=(*TOO_LONG.series, other))
    assert "no findings in 1 patch; 1 limitation" in told(half, "terminal")
    assert told(half, "terminal").endswith("; 1 check given up\n")
    assert exit_status(half, "warning") == 0
    assert exit_status(half, "warning", strict=True) == 2


@pytest.mark.parametrize(
    ("report", "states"),
    [
        (EMPTY, ["success", "success", "success"]),
        (PARTLY, ["success", "warning", "success"]),
        (TOO_LONG, ["warning", "warning", "warning"]),
    ],
)
def test_patchwork_gets_no_success_for_what_was_not_checked(report, states):
    made = checks(report, report.findings, "patchlint", "")
    assert list(made) == [FIRST.message_id, SECOND.message_id, THIRD.message_id]
    assert [one.state for one in made.values()] == states
    said = [one.description for one in made.values() if one.state == "warning"]
    assert all("could not check" in one or "not checked to its end" in one for one in said)
