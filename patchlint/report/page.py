"""One HTML page that needs nothing else: no network, and no script to be read.

The script only filters, folds and moves by key.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from patchlint.model.link import mail_link
from patchlint.report.lookup import (
    by_patch,
    levels,
    lost,
    patch_of,
    patches,
    place_of,
    series_of,
    silence,
    summary,
    undone,
    unknown,
)
from patchlint.report.text import count, line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patchlint.model.finding import Finding, Report
    from patchlint.report.style import Style

#: Up to so many findings are unfolded from the start.
UNFOLDED: Final = 5

#: From so many findings on there is an index.
INDEXED: Final = 2

_PACKAGE: Final = "patchlint.report"


def render(report: Report, style: Style) -> str:
    """Return the page; the rules it names are explained as far as ``style.rules`` can."""
    from markupsafe import Markup

    from patchlint.report import html

    css, script = html.asset(_PACKAGE, "page.css"), html.asset(_PACKAGE, "page.js")
    grouped = by_patch(report)
    findings = [finding for group in grouped for finding in group]
    names = {id(finding): f"f{number}" for number, finding in enumerate(findings, start=1)}
    page = html.environment({"page.html": _PACKAGE, "finding.html": _PACKAGE})
    page.filters["link"] = partial(mail_link, template=style.link_url)
    return page.get_template("page.html").render(
        policy=f"default-src 'none'; style-src {html.digest(css)}; "
        f"script-src {html.digest(script)}; base-uri 'none'; form-action 'none'",
        style=Markup(css),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - likewise
        title=_title(report),
        said=_said(report, findings, style.silence),
        facts=_facts(report),
        total=len(findings),
        many=len(findings) >= INDEXED,
        unfolded=len(findings) <= UNFOLDED,
        levels=levels(findings),
        rules_found=_counted(findings),
        groups=[_group(report, group, names) for group in grouped],
        errors=report.errors,
        accepted=report.accepted,
        notes=report.notes,
        lost=[(place_of(one), one) for one in lost(report)],
        limitations=[(place_of(one), one) for one in unknown(report)],
        rules=[style.rules[name] for name in _counted(findings) if name in style.rules],
    )


def _title(report: Report) -> str:
    if len(report.series) == 1:
        return report.series[0].subject
    return f"{len(report.series)} series"


def _said(report: Report, findings: list[Finding], nothing: str) -> str:
    said = nothing or silence(report)
    if findings:
        said = f"{count(len(findings), 'finding')} ({summary(findings)})"
        said += f" in {count(patches(report), 'patch')}"
    limits = unknown(report)
    said += f"; {count(len(limits), 'limitation')}" if limits else ""
    return said + undone(report)


def _facts(report: Report) -> str:
    tool = f"patchlint {report.version}"
    if len(report.series) != 1:
        return tool
    (series,) = report.series
    facts = [f"version {series.version}"] if series.version > 1 else []
    if series.missing:
        missing = ", ".join(str(number) for number in series.missing)
        noun = "patch" if len(series.missing) == 1 else "patches"
        facts.append(f"{noun} {missing} of {series.expected} missing")
    facts.append(
        {"hunks": "hunks alone", "whole": "whole files"}.get(series.images, "mixed images")
    )
    facts.append(f"tree {series.tree}" if series.tree else "no tree")
    return ", ".join([*facts, tool])


def _counted(findings: list[Finding]) -> dict[str, int]:
    rules = [finding.rule for finding in findings]
    return {rule: rules.count(rule) for rule in sorted(set(rules))}


def _group(report: Report, group: list[Finding], names: Mapping[int, str]) -> dict[str, Any]:
    """What the page shows of one patch."""
    first, patch = group[0], patch_of(report, group[0])
    series = series_of(report, first)
    subject = line(patch.subject) if patch else ""
    place = f"{first.patch}/{series.expected} " if series and series.expected > 1 else ""
    if subject.startswith("["):
        place = ""
    origin = [f"<{first.message_id}>" if first.message_id else first.commit or ""]
    origin.append(patch.author if patch else "")
    return {
        "id": f"{first.series}.{first.patch}",
        "subject": f"{place}{subject}" or f"patch {first.patch}",
        "origin": ", ".join(part for part in origin if part),
        "cards": [(names[id(finding)], finding) for finding in group],
    }
