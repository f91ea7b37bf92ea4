"""SARIF 2.1.0: each finding with a thread flow for how it was and one for how it is.

Lines of the pre-image and of the post-image stand side by side in one file's locations;
``properties.side`` says which the primary one is of.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from patchlint.report.as_json import dump
from patchlint.report.lookup import (
    PARTLY,
    UNCHECKED,
    about,
    given_up,
    lost,
    ordered,
    patch_of,
    patches,
    series_of,
    unsure,
)
from patchlint.report.text import count, line, source
from patchlint.report.words import archived, headline, remembered, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.effect import Promise, Step
    from patchlint.model.finding import Accepted, Finding, Report, SeriesRef
    from patchlint.model.kernel import Rule
    from patchlint.model.problem import InputError, Limitation
    from patchlint.report.style import Style

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT: Final = "SRCROOT"
RANKS: Final = {"high": 90.0, "medium": 60.0, "low": 30.0}
#: the kernel's documentation, as it is published
KERNEL_DOCS: Final = "https://docs.kernel.org"

_DOCUMENT: Final = re.compile(r"`Documentation/([\w./-]+)\.rst`")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

Json = dict[str, Any]


def render(report: Report, style: Style) -> str:
    """Return a log of one run; rules get their help from ``style.rules``."""
    findings = ordered(report)
    known = dict.fromkeys(sorted(style.rules))
    taken = [one.finding for one in report.accepted]
    ended = [*given_up(report), *lost(report)]
    names = list(known | dict.fromkeys(finding.rule for finding in (*findings, *taken)))
    run: Json = {
        "tool": {"driver": _driver(report.version, names, style)},
        "automationDetails": _automation(report),
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            ROOT: {"description": {"text": "The top folder of the kernel source."}}
        },
        "invocations": [
            {
                "executionSuccessful": not unsure(report),
                "toolExecutionNotifications": [
                    *(_unread(error) for error in report.errors),
                    *(_unknown(one, loud=one in ended) for one in report.limitations),
                ],
            }
        ],
        "results": [
            *(_result(report, finding, names, style.link_url) for finding in findings),
            *(
                _result(report, one.finding, names, style.link_url) | _suppressed(one)
                for one in report.accepted
            ),
        ],
    }
    provenance = _provenance(report, style.repository)
    if provenance:
        run["versionControlProvenance"] = provenance
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _suppressed(one: Accepted) -> Json:
    """Say that the reader accepts a result, and why."""
    told = f"{line(one.reason)} ({line(one.origin)})"
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": told}]}


def _automation(report: Report) -> Json:
    """Say which run this is: one of patchlint's checks, of these patches.

    What is before the last slash names the kind of run, and stays the same.
    """
    listed = [patch for series in report.series for patch in series.patches]
    told = "\n".join(patch.commit or patch.message_id or patch.subject for patch in listed)
    titles = "; ".join(line(series.subject) for series in report.series[:3])
    more = f"; {len(report.series) - 3} more" if len(report.series) > 3 else ""  # noqa: PLR2004
    about = f"Check of {count(patches(report), 'patch')}" + (f": {titles}{more}" if titles else "")
    digest = sha256(told.encode("utf-8", "replace")).hexdigest()[:16]
    return {"id": f"patchlint/check/{digest}", "description": {"text": about}}


def _provenance(report: Report, repository: str) -> list[Json]:
    """Say at which commits of which repository the series were judged."""
    if not repository:
        return []
    commits = dict.fromkeys(_judged_at(series) for series in report.series)
    return [
        {"repositoryUri": repository, "revisionId": commit, "mappedTo": {"uriBaseId": ROOT}}
        for commit in commits
        if commit and _COMMIT.fullmatch(commit)
    ]


def _judged_at(series: SeriesRef) -> str | None:
    """Return the last commit of a range; for mails the commit that they were put on."""
    last = series.patches[-1].commit if series.patches else None
    return last or series.tree


def _driver(version: str, names: Iterable[str], style: Style) -> Json:
    return {
        "name": "patchlint",
        "version": version,
        "rules": [_rule(name, style.rules.get(name), style.rule_url) for name in names],
    }


def _rule(name: str, rule: Rule | None, url: str) -> Json:
    described: Json = {"id": name}
    help_uri = url.replace("%s", _uri(name)) if url else _document(rule)
    if help_uri:
        described["helpUri"] = help_uri
    if rule is None:
        return described
    described |= {
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": rule.loudest},
        "properties": {"tags": list(dict.fromkeys(rule.families))},
    }
    if rule.documentation:
        described["help"] = {"text": rule.documentation, "markdown": rule.documentation}
    return described


def _document(rule: Rule | None) -> str | None:
    """Return where the first of the kernel's documents that a rule refers to is published."""
    found = _DOCUMENT.search(rule.documentation) if rule is not None else None
    return f"{KERNEL_DOCS}/{found[1]}.html" if found else None


def _result(report: Report, finding: Finding, names: list[str], link: str) -> Json:
    message = headline(finding) + archived(finding, link)
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": names.index(finding.rule),
        "level": finding.level,
        "rank": RANKS[finding.confidence],
        "message": {"text": f"{message}\n{line(finding.why)}" if finding.why else message},
        "locations": [_primary(finding)],
        "partialFingerprints": {"patchlint/v1": finding.fingerprint},
        "properties": _properties(report, finding, link),
    }
    flows = [
        flow
        for flow in (
            _flow(finding, "before", finding.before),
            _flow(finding, "after", finding.after),
        )
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
    """The text of the line; the lines around what is marked may be those of another file."""
    for hunk_line in finding.hunk:
        number = hunk_line.old if finding.side == "pre" else hunk_line.new
        if hunk_line.marked and number == finding.line and not hunk_line.path:
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


def _flow(finding: Finding, name: str, promise: Promise) -> Json:
    last = len(promise.chain) - 1
    return {
        "id": name,
        "message": {"text": f"{name}: {told(promise, level=finding.level)}"},
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
    """Return the ends of both chains: where it was released, and where it is now, or put off."""
    after = finding.after
    # a chain that does not come to what runs it ends at the start of that
    ran = {step.function for step in after.chain[1:]}
    shown = after.callback in ran if after.callback else not after.mechanism
    now = "released here now" if shown else "put off here now"
    ends = [
        *(("released here before", step) for step in finding.before.chain[-1:]),
        *(
            ("the callback that does it now", step)
            for step in finding.after.chain[:-1]
            if step.function == finding.after.callback
        ),
        *((now, step) for step in finding.after.chain[-1:]),
    ]
    return [
        {"id": number, **_step(step, f"{what}: {_said(step)}")}
        for number, (what, step) in enumerate(ends, start=1)
    ]


def _properties(report: Report, finding: Finding, link: str) -> Json:
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
        **dict(remembered(finding, link)),
    }


def _promise(promise: Promise) -> Json:
    return {
        "context": promise.context,
        "guarantee": promise.guarantee,
        "mechanism": promise.mechanism,
        "callback": promise.callback,
    }


def _unread(error: InputError) -> Json:
    return _notification("error", f"{UNCHECKED} {line(error.input)}: {line(error.message)}", ())


def _unknown(limitation: Limitation, *, loud: bool) -> Json:
    places = () if limitation.path is None else (_place(limitation.path, limitation.line or 0),)
    level = "warning" if loud else "note"
    kind = PARTLY if limitation.lost else f"not known, {about(limitation)}"
    return _notification(level, f"{kind}: {limitation.message}", places)


def _notification(level: str, text: str, places: Sequence[Json]) -> Json:
    told: Json = {"level": level, "message": {"text": line(text)}}
    if places:
        told["locations"] = [{"physicalLocation": place} for place in places]
    return told
