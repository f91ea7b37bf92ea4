"""SARIF 2.1.0: each finding with a thread flow for how it was and one for how it is.

Lines of the pre-image and of the post-image stand side by side in one file's locations;
``properties.side`` says which the primary one is of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from patchlint.report.as_json import dump
from patchlint.report.lookup import ordered, patch_of, series_of, unchecked
from patchlint.report.text import line, source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.effect import Promise, Step
    from patchlint.model.finding import Finding, Report
    from patchlint.model.kernel import Rule
    from patchlint.model.problem import InputError, Limitation
    from patchlint.report.style import Style

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT: Final = "SRCROOT"
RANKS: Final = {"high": 90.0, "medium": 60.0, "low": 30.0}

Json = dict[str, Any]


def render(report: Report, style: Style) -> str:
    """Return a log of one run; rules get their help from ``style.rules``."""
    findings = ordered(report)
    known = dict.fromkeys(sorted(style.rules))
    names = list(known | dict.fromkeys(finding.rule for finding in findings))
    run: Json = {
        "tool": {"driver": _driver(report.version, names, style)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            ROOT: {"description": {"text": "The top folder of the kernel source."}}
        },
        "invocations": [
            {
                "executionSuccessful": not unchecked(report),
                "toolExecutionNotifications": [
                    *(_unread(error) for error in report.errors),
                    *(_unknown(limitation) for limitation in report.limitations),
                ],
            }
        ],
        "results": [_result(report, finding, names) for finding in findings],
    }
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver(version: str, names: Iterable[str], style: Style) -> Json:
    return {
        "name": "patchlint",
        "version": version,
        "rules": [_rule(name, style.rules.get(name)) for name in names],
    }


def _rule(name: str, rule: Rule | None) -> Json:
    if rule is None:
        return {"id": name}
    described: Json = {
        "id": name,
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": rule.level},
        "properties": {"tags": list(dict.fromkeys(rule.families))},
    }
    if rule.documentation:
        described["help"] = {"text": rule.documentation, "markdown": rule.documentation}
    return described


def _result(report: Report, finding: Finding, names: list[str]) -> Json:
    message = line(finding.message)
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": names.index(finding.rule),
        "level": finding.level,
        "rank": RANKS[finding.confidence],
        "message": {"text": f"{message}\n{line(finding.why)}" if finding.why else message},
        "locations": [_primary(finding)],
        "partialFingerprints": {"patchlint/v1": finding.fingerprint},
        "properties": _properties(report, finding),
    }
    flows = [
        flow
        for flow in (_flow("before", finding.before), _flow("after", finding.after))
        if flow["locations"]
    ]
    if flows:
        result["codeFlows"] = [{"threadFlows": flows}]
    related = _related(finding)
    if related:
        result["relatedLocations"] = related
    return result


def _primary(finding: Finding) -> Json:
    location: Json = {
        "physicalLocation": _place(finding.path, finding.line),
        "logicalLocations": [_function(finding.function)],
    }
    text = _source_line(finding)
    region = location["physicalLocation"].get("region")
    if region and text is not None:
        region["snippet"] = {"text": text}
    return location


def _source_line(finding: Finding) -> str | None:
    for hunk_line in finding.hunk:
        number = hunk_line.old if finding.side == "pre" else hunk_line.new
        if number == finding.line:
            return source(hunk_line.text)
    return None


def _place(path: str, number: int) -> Json:
    place: Json = {"artifactLocation": {"uri": _uri(path), "uriBaseId": ROOT}}
    if number > 0:
        place["region"] = {"startLine": number}
    return place


def _uri(path: str) -> str:
    return quote(path.lstrip("/"), safe="/", errors="replace")


def _function(name: str) -> Json:
    return {"fullyQualifiedName": name, "kind": "function"}


def _step(step: Step, message: str) -> Json:
    return {
        "physicalLocation": _place(step.path, step.line),
        "logicalLocations": [_function(step.function)],
        "message": {"text": message},
    }


def _flow(name: str, promise: Promise) -> Json:
    last = len(promise.chain) - 1
    return {
        "id": name,
        "message": {"text": f"{name}: {promise.context}, {promise.guarantee}"},
        "locations": [
            {
                "location": _step(step, _said(step)),
                "executionOrder": index + 1,
                "importance": "essential" if index in (0, last) else "important",
            }
            for index, step in enumerate(promise.chain)
        ],
    }


def _said(step: Step) -> str:
    return f"{line(step.function)}: {line(step.note)}".removesuffix(": ")


def _related(finding: Finding) -> list[Json]:
    """Return the ends of both chains: where it was released, and where it is now."""
    ends = [
        *(("released here before", step) for step in finding.before.chain[-1:]),
        *(
            ("the callback that does it now", step)
            for step in finding.after.chain[:-1]
            if step.function == finding.after.callback
        ),
        *(("released here now", step) for step in finding.after.chain[-1:]),
    ]
    return [
        {"id": number, **_step(step, f"{what}: {_said(step)}")}
        for number, (what, step) in enumerate(ends, start=1)
    ]


def _properties(report: Report, finding: Finding) -> Json:
    series, patch = series_of(report, finding), patch_of(report, finding)
    return {
        "side": finding.side,
        "family": finding.family,
        "cleanup": finding.cleanup,
        "confidence": finding.confidence,
        "before": _promise(finding.before),
        "after": _promise(finding.after),
        "condition": finding.condition,
        "entryPoints": [f"{entry.name} ({entry.kind})" for entry in finding.entry_points],
        "symptoms": list(finding.symptoms),
        "advice": list(finding.advice),
        "evidence": list(finding.evidence),
        "patch": finding.patch,
        "patchSubject": patch.subject if patch else None,
        "seriesSubject": series.subject if series else None,
        "messageId": finding.message_id,
        "commit": finding.commit,
    }


def _promise(promise: Promise) -> Json:
    return {
        "context": promise.context,
        "guarantee": promise.guarantee,
        "mechanism": promise.mechanism,
        "callback": promise.callback,
    }


def _unread(error: InputError) -> Json:
    return _notification("error", f"could not check {line(error.input)}: {line(error.message)}", ())


def _unknown(limitation: Limitation) -> Json:
    places = () if limitation.path is None else (_place(limitation.path, limitation.line or 0),)
    return _notification("note", f"not known, {limitation.stage}: {limitation.message}", places)


def _notification(level: str, text: str, places: Sequence[Json]) -> Json:
    told: Json = {"level": level, "message": {"text": line(text)}}
    if places:
        told["locations"] = [{"physicalLocation": place} for place in places]
    return told
