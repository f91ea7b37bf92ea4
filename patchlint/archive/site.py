"""The changes of stores as static pages: nothing is loaded from elsewhere, and no server runs.

The same stores give the same bytes.  A page's name comes from what it is about, so that
links to it stay good when the site is made anew.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct
from msgspec.structs import replace

from patchlint import __version__
from patchlint.archive.changes import Change, Found, earlier
from patchlint.archive.listing import recalled
from patchlint.model.effect import STRUCTURAL
from patchlint.model.finding import LEVELS
from patchlint.model.history import day, moment
from patchlint.model.link import LORE, mail_link
from patchlint.model.record import OUTCOMES
from patchlint.report import html, text, words
from patchlint.report.as_json import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from jinja2 import Environment

    from patchlint.model.finding import Finding
    from patchlint.model.kernel import KernelFacts, Rule, Ruleset
    from patchlint.ruleset.record import Book

#: Pages load the style and the scripts beside them, and nothing else.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'"
)
#: So many changes are on the first page, and in the feed.
NEWEST: Final = 50

_PACKAGE: Final = "patchlint.archive"
_REPORT: Final = "patchlint.report"
_TEMPLATES: Final = {
    "base.html": _PACKAGE,
    "listing.html": _PACKAGE,
    "index.html": _PACKAGE,
    "group.html": _PACKAGE,
    "change.html": _PACKAGE,
    "search.html": _PACKAGE,
    "feed.xml": _PACKAGE,
    "finding.html": _REPORT,
}


class Look(Struct, frozen=True):
    """How a site is to look: its name, where mails are read, and where it will stand.

    ``link`` has ``%s`` for the Message-ID; ``base`` ends in a slash, or is empty.
    """

    name: str = "patchlint"
    link: str = LORE
    base: str = ""


class Proof(Struct, frozen=True):
    """A script that shows a finding on a running kernel, and a sentence on what it runs."""

    script: str
    says: str


class _Group(Struct, frozen=True):
    """A page of the changes that have one thing in common."""

    kind: str
    name: str
    changes: tuple[Change, ...]

    @property
    def path(self) -> str:
        return page_name(self.name, self.kind)


def page_name(name: str, kind: str) -> str:
    """Return the path of the page of ``kind`` (a folder) on what is called ``name``."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80]
    if plain != name or plain.lower() in {"", "index"}:
        plain = f"{plain}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}".lstrip("-")
    return f"{kind}/{plain}.html"


def pages(
    found: Found,
    ruleset: Ruleset,
    look: Look,
    book: Book,
    prove: Callable[[Finding], Proof],
) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file of the site.

    The rules of ``ruleset`` are explained.  ``book`` is the record that changes are
    told with, ``prove`` gives the script that stands beside the page of each.
    """
    made = _environment(look)
    rules = {rule.id: rule for rule in ruleset.rules}
    groups = _groups(found)
    make = _maker(made, look)
    for name in ("site.js", "search.js"):
        yield name, html.asset(_PACKAGE, name)
    yield "style.css", html.asset(_REPORT, "page.css") + html.asset(_PACKAGE, "site.css")
    yield "data.js", _data(found)
    yield "feed.xml", _feed(made, found, look)
    yield (
        "index.html",
        make(
            "index.html",
            look.name,
            "",
            found=found,
            fates=_fates(found.changes),
            newest=found.changes[:NEWEST],
            all_groups=[
                (kind, kind.capitalize(), [(one.name, one.path, len(one.changes)) for one in some])
                for kind, some in groups.items()
            ],
        ),
    )
    yield "search.html", make("search.html", "Search", "", choices=_choices(found))
    for some in groups.values():
        for group in some:
            if group.changes or group.kind == "rules":
                yield group.path, _group_page(make, group, rules)
    for change in found.changes:
        finding = _recalled(change, book, ruleset.kernel)
        proof = prove(finding)
        yield f"changes/{change.key}.sh", proof.script
        yield (
            f"changes/{change.key}.html",
            make(
                "change.html",
                change.last.subject or change.key,
                "../",
                change=change,
                finding=finding,
                proof=proof,
                before=earlier(change, found.changes),
            ),
        )


def _recalled(change: Change, book: Book, kernel: KernelFacts) -> Finding:
    """Return the finding with what the record tells beside it; the page itself has its history."""
    (finding,) = recalled([replace(change.finding, history=change.history)], book, kernel)
    return replace(finding, history=None)


def _environment(look: Look) -> Environment:
    made = html.environment(_TEMPLATES)
    made.filters |= {
        "biggest": lambda some: max((number for *_, number in some), default=0) or 1,
        "came": lambda kind: words.FATES[kind],
        "told": _fate,
        "family": _family,
        "link": lambda message_id: mail_link(message_id, look.link),
        "page": page_name,
        "postings": lambda number: "" if number == 1 else text.count(number, "posting"),
        "who": _who,
    }
    return made


def _maker(made: Environment, look: Look) -> Callable[..., str]:
    def make(template: str, heading: str, root: str, **values: Any) -> str:
        return made.get_template(template).render(
            policy=POLICY,
            title=heading,
            heading=heading,
            site=look.name,
            root=root,
            version=__version__,
            **values,
        )

    return make


def _group_page(make: Callable[..., str], group: _Group, rules: Mapping[str, Rule]) -> str:
    rule = rules.get(group.name) if group.kind == "rules" else None
    heading = f"{group.name}: {rule.title}" if rule else group.name
    record = [
        (level, _fates([one for one in group.changes if one.finding.level == level]))
        for level in LEVELS
    ]
    return make(
        "group.html",
        heading,
        "../",
        some=group.changes,
        fates=_fates(group.changes),
        rule=group.kind == "rules" and bool(group.changes),
        record=[(level, told) for level, told in record if told],
        documentation=rule.documentation if rule else "",
    )


def _groups(found: Found) -> dict[str, list[_Group]]:
    """Return what changes are sorted by, and under each the groups, the largest first."""
    years = {*found.years, *(change.year for change in found.changes)} - {""}
    sorting: dict[str, Callable[[Change], Iterable[str]]] = {
        "years": lambda change: [change.year or "no date"],
        "lists": lambda change: change.lists or ("no list",),
        "families": lambda change: [_family(change.finding.family)],
        "rules": lambda change: [change.finding.rule],
    }
    made = {}
    for kind, names_of in sorting.items():
        members: dict[str, list[Change]] = {}
        if kind == "years":
            members = {year: [] for year in sorted(years, reverse=True)}
        elif kind == "rules":
            members = {rule: [] for rule in found.rules}
        for change in found.changes:
            for name in names_of(change):
                members.setdefault(name, []).append(change)
        groups = [_Group(kind, name, tuple(some)) for name, some in members.items()]
        if kind != "years":
            groups.sort(key=lambda group: (-len(group.changes), group.name))
        made[kind] = groups
    return made


def _fate(change: Change) -> str:
    return "" if change.outcome == OUTCOMES[-1] else words.fated(change.history)


def _family(name: str) -> str:
    """Return what a family is called where people read."""
    return "in no table" if name == STRUCTURAL else name


def _fates(changes: Sequence[Change]) -> str:
    """Say ``3 reverted, 2 fixed, 9 unknown``; an empty text for no change."""
    outcomes = [change.outcome for change in changes]
    counted = [(outcome, outcomes.count(outcome)) for outcome in OUTCOMES]
    return ", ".join(f"{number} {words.FATES[outcome]}" for outcome, number in counted if number)


def _who(author: str) -> str:
    """Return the name of an author, without the address where there is a name."""
    return author.partition("<")[0].strip(' "') or author.strip("<> ")


def _data(found: Found) -> str:
    """Return what the search looks through, as a script: a page may not read a file."""
    rows = [
        {
            "key": change.key,
            "level": change.finding.level,
            "subject": text.line(change.last.subject),
            "message": text.line(change.finding.message),
            "date": day(change.last.date),
            "year": change.year,
            "list": ", ".join(change.lists),
            "family": _family(change.finding.family),
            "rule": change.finding.rule,
            "outcome": words.FATES[change.outcome],
            "function": change.finding.function,
            "path": change.finding.path,
            "author": text.line(_who(change.last.author)),
            "ids": " ".join(one.message_id for one in change.postings),
        }
        for change in found.changes
    ]
    told = dump(rows).rstrip("\n").replace("<", "\\u003c")
    return f'"use strict";\nconst CHANGES = {told};\n'


def _choices(found: Found) -> list[tuple[str, list[str]]]:
    changes = found.changes
    return [
        ("level", [one for one in LEVELS if any(c.finding.level == one for c in changes)]),
        ("rule", sorted({change.finding.rule for change in changes})),
        ("family", sorted({_family(change.finding.family) for change in changes})),
        ("year", sorted({change.year for change in changes if change.year}, reverse=True)),
        (
            "outcome",
            [words.FATES[one] for one in OUTCOMES if any(c.outcome == one for c in changes)],
        ),
    ]


def _feed(made: Environment, found: Found, look: Look) -> str:
    never = "1970-01-01T00:00:00Z"
    entries = [
        {
            "change": change,
            # a name for good, wherever the site stands
            "id": f"urn:uuid:{uuid5(NAMESPACE_URL, f'patchlint:change:{change.key}')}",
            "published": moment(change.postings[0].date) or never,
            "updated": moment(change.last.date) or never,
        }
        for change in found.changes[:NEWEST]
    ]
    return made.get_template("feed.xml").render(
        site=look.name,
        base=look.base,
        id=look.base or f"urn:uuid:{uuid5(NAMESPACE_URL, f'patchlint:site:{look.name}')}",
        updated=max((str(entry["updated"]) for entry in entries), default=never),
        version=__version__,
        entries=entries,
    )
