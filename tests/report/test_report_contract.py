from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from report_story import STORY
from report_strategies import law, reports
from report_variants import REPORTS

from patchlint.report.render import render
from patchlint.report.style import Style

SCHEMA = json.loads(files("patchlint.report").joinpath("contract.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)

FINDING_KEYS = (
    *("rule", "level", "confidence", "series", "patch", "message_id", "commit"),
    *("path", "line", "side", "function", "family", "cleanup", "before", "after"),
    *("condition", "entry_points", "symptoms", "advice", "message", "fingerprint"),
)


def told(report):
    return json.loads(render(report, "json", Style()))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"] == {"const": "patchlint/1"}


@pytest.mark.parametrize("report", REPORTS)
def test_reports_are_valid(report):
    assert not list(VALIDATOR.iter_errors(told(REPORTS[report])))


@law
@given(report=reports)
def test_any_report_is_valid(report):
    assert not list(VALIDATOR.iter_errors(told(report)))


@pytest.mark.parametrize("key", FINDING_KEYS)
def test_the_schema_misses_each_key_of_a_finding(key):
    report = told(STORY)
    del report["findings"][0][key]
    assert list(VALIDATOR.iter_errors(report))


def test_keys_of_the_contract():
    report = told(STORY)
    assert list(report) == [
        "schema", "tool", "series", "findings", "limitations", "errors",
        "accepted", "notes",
    ]  # fmt: skip
    assert report["tool"] == {"name": "patchlint", "version": "1.2.3"}
    (series,) = report["series"]
    assert series["expected"] == 4
    assert series["missing"] == [4]
    assert series["patches"][1]["files"] == ["fs/burrow/nest.c", "fs/burrow/super.c"]
    lazy = next(finding for finding in report["findings"] if finding["condition"])
    assert lazy["before"]["guarantee"] == "before-return-to-user"
    assert lazy["after"]["mechanism"] == "queue_rcu_work"
    assert lazy["after"]["callback"] == "nest_reaper"
    assert lazy["after"]["chain"][2] == {
        "function": "nest_reaper",
        "path": "fs/burrow/nest.c",
        "line": 187,
        "note": "runs in a kworker after a grace period",
    }
    assert lazy["entry_points"][0]["kind"] == "syscall"


def test_findings_keep_the_order_of_the_report():
    rules = [finding["rule"] for finding in told(STORY)["findings"]]
    assert rules == [finding.rule for finding in STORY.findings]


def test_terse_needs_no_slow_module():
    slow = "{'email', 'xml', 'json', 'html', 'urllib', 'hashlib', 'importlib.resources'}"
    script = (
        "import sys; before = set(sys.modules); import patchlint.report.render as r;"
        "import patchlint.report.terse, patchlint.report.b4_check;"
        f"print(sorted({slow} & (set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
