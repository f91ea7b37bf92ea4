"""One HTML page that needs nothing else: no network, and no script to be read.

The script only filters, folds and moves by key.  The page forbids itself to load or run
anything but its own style and script, by their digests, so that text out of a mail that
slipped through the escaping would still do nothing.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from patchlint.model.context import DEFERRED
from patchlint.report.lookup import by_patch, gaps, levels, patch_of, patches, series_of, summary
from patchlint.report.text import count, line, source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.effect import EntryChain, Promise, Step
    from patchlint.model.finding import Finding, HunkLine, Report
    from patchlint.report.style import Style

#: Up to so many findings are unfolded from the start.
UNFOLDED: Final = 5

#: From so many findings on there is an index.
INDEXED: Final = 2

_SIDES: Final = {"+": ("add", "+"), "-": ("del", "-")}


def render(report: Report, style: Style) -> str:
    """Return the page; the rules it names are explained as far as ``style.rules`` can."""
    groups = by_patch(report)
    findings = [finding for group in groups for finding in group]
    names = {id(finding): f"f{number}" for number, finding in enumerate(findings, start=1)}
    many = len(findings) >= INDEXED
    index = _index(report, groups, names) if many else ""
    script = f"<script>{_asset('page.js')}</script>" if findings else ""
    return (
        f"<!DOCTYPE html>\n<html lang=en>\n{_head(report)}\n<body>\n{_header(report, findings)}"
        f'<div class="body{"" if many else " single"}">\n{index}<main>\n'
        f"{_errors(report)}"
        f"{''.join(_patch(report, group, names, len(findings)) for group in groups)}"
        f"{_limitations(report)}{_rules(findings, style)}"
        f"</main>\n</div>\n{script}\n</body>\n</html>\n"
    )


def _asset(name: str) -> str:
    return files("patchlint.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _text(text: str) -> str:
    """Return ``text`` on one line, safe between tags and inside quoted attributes."""
    return escape(line(text))


def _head(report: Report) -> str:
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        "<head>\n<meta charset=utf-8>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name=viewport content="width=device-width, initial-scale=1">\n'
        f"<title>patchlint: {_text(_title(report))}</title>\n"
        f"<style>{style}</style>\n</head>"
    )


def _title(report: Report) -> str:
    if len(report.series) == 1:
        return report.series[0].subject
    return f"{len(report.series)} series"


def _header(report: Report, findings: list[Finding]) -> str:
    said = f"{count(len(findings), 'finding')} ({summary(findings)})" if findings else "no findings"
    said += f" in {count(patches(report), 'patch')}"
    said += f"; {count(len(report.limitations), 'limitation')}" if report.limitations else ""
    said += f"; {count(len(report.errors), 'input')} not checked" if report.errors else ""
    told = "".join(f"<p class=faint>{fact}</p>" for fact in _facts(report))
    form = _form(findings) if findings else ""
    return f"<header>\n<h1>{_text(_title(report))}</h1>\n<p>{said}</p>\n{told}{form}</header>\n"


def _facts(report: Report) -> Iterable[str]:
    tool = f"patchlint {_text(report.version)}"
    if len(report.series) != 1:
        return [tool]
    (series,) = report.series
    facts = [f"version {series.version}"] if series.version > 1 else []
    if series.missing:
        missing = ", ".join(str(number) for number in series.missing)
        facts.append(f"patch {missing} of {series.expected} missing")
    facts.append(
        {"hunks": "hunks alone", "whole": "whole files"}.get(series.images, "mixed images")
    )
    facts.append(f"tree {_text(series.tree)}" if series.tree else "no tree")
    return [", ".join([*facts, tool])]


def _form(findings: list[Finding]) -> str:
    boxes = "".join(
        f"<label><input type=checkbox name=level value={level} checked> "
        f"<span class={level}>{count(number, level)}</span></label>\n"
        for level, number in levels(findings).items()
    )
    rules: dict[str, int] = {}
    for finding in findings:
        rules[finding.rule] = rules.get(finding.rule, 0) + 1
    options = "".join(
        f'<option value="{_text(rule)}">{_text(rule)} ({number})</option>'
        for rule, number in sorted(rules.items())
    )
    return (
        f"<form class=filter hidden>\n{boxes}"
        f'<label>rule <select name=rule><option value="">all</option>{options}</select></label>\n'
        "<label>text <input type=search name=text></label>\n<output></output>\n"
        "<span class=faint><kbd>j</kbd> <kbd>k</kbd> next, previous; <kbd>Enter</kbd> fold; "
        "<kbd>o</kbd> fold all; <kbd>/</kbd> text</span>\n</form>\n"
    )


def _index(report: Report, groups: list[list[Finding]], names: dict[int, str]) -> str:
    parts = []
    for group in groups:
        rows = "".join(
            f'<li><a href="#{names[id(finding)]}" title="{_text(finding.message)}">'
            f"<span class='level {finding.level}'>{finding.level[0].upper()}</span>"
            f"<span><code>{_text(finding.path.rpartition('/')[2])}:{finding.line}</code> "
            f"{_text(finding.function)}</span></a></li>\n"
            for finding in group
        )
        parts.append(
            f'<div data-group="{_group(group[0])}"><p class=patch>{_subject(report, group[0])}</p>'
            f"<ol>\n{rows}</ol></div>\n"
        )
    return f'<nav class=index aria-label="Findings">\n{"".join(parts)}</nav>\n'


def _group(finding: Finding) -> str:
    return f"{finding.series}.{finding.patch}"


def _subject(report: Report, finding: Finding) -> str:
    series, patch = series_of(report, finding), patch_of(report, finding)
    subject = line(patch.subject) if patch else ""
    place = f"{finding.patch}/{series.expected} " if series and series.expected > 1 else ""
    if subject.startswith("["):
        place = ""
    return escape(f"{place}{subject}" or f"patch {finding.patch}")


def _patch(report: Report, group: list[Finding], names: dict[int, str], total: int) -> str:
    first, patch = group[0], patch_of(report, group[0])
    origin = [f"<{first.message_id}>" if first.message_id else first.commit or ""]
    origin.append(patch.author if patch else "")
    told = ", ".join(_text(part) for part in origin if part)
    cards = "".join(_card(finding, names[id(finding)], total) for finding in group)
    return (
        f'<section data-group="{_group(first)}">\n<h2>{_subject(report, first)}</h2>\n'
        f"<div class=faint>{told}</div>\n{cards}</section>\n"
    )


def _card(finding: Finding, name: str, total: int) -> str:
    unfolded = " open" if total <= UNFOLDED else ""
    return (
        f"<details class=finding data-anchor={name} data-level={finding.level} "
        f'data-rule="{_text(finding.rule)}" data-patch="{_group(finding)}"{unfolded}>\n'
        f"<summary><span class='level {finding.level}'>{finding.level}</span> "
        f"<code>{_text(finding.path)}:{finding.line}</code> "
        f"<code>{_text(finding.function)}</code> <span class=faint>{_text(finding.rule)}</span> "
        f"<span class=said>{_text(finding.message)}</span></summary>\n"
        f"<div class=inner><span class=anchor id={name}></span>\n"
        f"<div class=lanes>\n{_lane('before', finding.before, finding.before)}"
        f"{_lane('after', finding.after, finding.before)}</div>\n"
        f"{_hunk(finding.hunk)}{_details(finding)}</div>\n</details>\n"
    )


def _lane(name: str, promise: Promise, before: Promise) -> str:
    """Return one chain; after the hand-over its steps are in the context that runs them."""
    chain = promise.chain
    turn = next((i for i, step in enumerate(chain) if step.function == promise.callback), None)
    if not promise.callback or not turn:
        steps = _steps(chain, promise.context)
    else:
        by = f" by <code>{_text(promise.mechanism)}</code>" if promise.mechanism else ""
        steps = (
            f"{_steps(chain[:turn], before.context)}"
            f"<div class=handover>handed to {promise.context}{by}</div>\n"
            f"{_steps(chain[turn:], promise.context)}"
        )
    return (
        f"<div class=lane>\n<div class=promise><h3>{name}</h3> {promise.context}: "
        f"<b>{promise.guarantee}</b></div>\n{steps}</div>\n"
    )


def _steps(chain: Sequence[Step], context: str) -> str:
    tint = "deferred" if context in DEFERRED else context
    rows = "".join(
        f"<li class=step><b>{_text(step.function)}</b> {_text(step.path)}:{step.line}"
        + (f"<span class=told>{_text(step.note)}</span>" if step.note else "")
        + "</li>\n"
        for step in chain
    )
    return f"<ol class={tint}>\n{rows}</ol>\n" if rows else ""


def _hunk(hunk: Sequence[HunkLine]) -> str:
    rows = []
    apart = gaps(hunk)
    for index, hunk_line in enumerate(hunk):
        if index in apart:
            rows.append("<tr class=gap><td class=number colspan=2>…</td><td></td></tr>\n")
        side, sign = _SIDES.get(hunk_line.kind, ("same", " "))
        classes = f"{side} marked" if hunk_line.marked else side
        old = "" if hunk_line.old is None else hunk_line.old
        new = "" if hunk_line.new is None else hunk_line.new
        rows.append(
            f"<tr class='{classes}'><td class=number>{old}</td><td class=number>{new}</td>"
            f"<td>{sign}{escape(source(hunk_line.text))}</td></tr>\n"
        )
    return f"<table class=hunk>\n{''.join(rows)}</table>\n" if rows else ""


def _details(finding: Finding) -> str:
    sure = f"{finding.confidence} confidence; fingerprint {finding.fingerprint}"
    rows = [
        ("when", [f"<code>{_text(finding.condition)}</code>"] if finding.condition else []),
        ("why", _texts([finding.why])),
        ("also moved", _texts([", ".join(finding.also)])),
        ("seen as", _texts(finding.symptoms)),
        ("instead", _texts(finding.advice)),
        ("reached from", [_entry(entry) for entry in finding.entry_points]),
        ("evidence", _texts(finding.evidence)),
        ("how sure", _texts([sure])),
    ]
    told = "".join(f"<dt>{name}</dt><dd>{_list(items)}</dd>\n" for name, items in rows if items)
    return f"<dl>\n{told}</dl>\n"


def _texts(texts: Iterable[str]) -> list[str]:
    return [_text(text) for text in texts if text]


def _entry(entry: EntryChain) -> str:
    chain = " → ".join(_text(name) for name in entry.chain)
    told = f": <code>{chain}</code>" if chain else ""
    return f"{_text(entry.name)} <span class=faint>({_text(entry.kind)})</span>{told}"


def _list(items: list[str]) -> str:
    if len(items) == 1:
        return items[0]
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def _errors(report: Report) -> str:
    rows = "".join(
        f"<li><code>{_text(error.input)}{'' if error.line is None else f':{error.line}'}</code> "
        f"{_text(error.message)}</li>\n"
        for error in report.errors
    )
    return (
        f"<section class=problems>\n<h2>Not checked</h2>\n<ul>{rows}</ul></section>\n"
        if rows
        else ""
    )


def _limitations(report: Report) -> str:
    rows = []
    for limitation in report.limitations:
        place = limitation.path or (f"<{limitation.message_id}>" if limitation.message_id else "")
        if place and limitation.line is not None:
            place += f":{limitation.line}"
        where = f"<code>{_text(place)}</code> " if place else ""
        rows.append(
            f"<li>{where}{_text(limitation.message)} "
            f"<span class=faint>({_text(limitation.stage)})</span></li>\n"
        )
    if not rows:
        return ""
    return f"<section class=limits>\n<h2>Not known</h2>\n<ul>{''.join(rows)}</ul></section>\n"


def _rules(findings: list[Finding], style: Style) -> str:
    told = "".join(
        f"<details><summary><code>{_text(name)}</code> {_text(style.rules[name].title)}</summary>"
        f"<pre>{_block(style.rules[name].documentation)}</pre></details>\n"
        for name in sorted({finding.rule for finding in findings} & set(style.rules))
    )
    return f"<section>\n<h2>Rules</h2>\n{told}</section>\n" if told else ""


def _block(text: str) -> str:
    return escape("\n".join(source(part) for part in text.split("\n")))
