"""The goldens: which report in which format and style stands in which file."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from report_story import ACCEPTED, EMPTY, FILE, LAZY, MEMORY, PATH, RULES, SERIES, STORY

from patchlint.model.finding import HunkLine, PatchRef, Report
from patchlint.model.problem import InputError, Limitation
from patchlint.report.render import render
from patchlint.report.style import Style

FOLDER = Path(__file__).parents[2] / "fixtures" / "report"

NASTY = "\x1b[31mred\x1b[0m \u202egnol \x00<script>alert('x')</script> & \"quoted\" ]]> ::error::"

#: What a hostile mail could make of every text that comes out of it.
HOSTILE = Report(
    version="1.2.3",
    series=(
        replace(
            SERIES,
            subject=f"burrow: {NASTY}",
            patches=(
                PatchRef(
                    1,
                    "x\r\nBcc: all@example.org",
                    None,
                    f"nest\r\nBcc: all@example.org\r\n\r\n{NASTY}",
                    (f"a {NASTY}.c",),
                    'Mallory\r\nBcc: all@example.org "<m@example.org>',
                ),
            ),
            expected=1,
            missing=(),
        ),
    ),
    findings=(
        replace(
            LAZY,
            patch=1,
            message_id="x\r\nBcc: all@example.org",
            path=f"fs/burrow/a b:1,2%0A\n{NASTY}.c",
            function=f"f{NASTY}",
            message=f"one\ntwo ERROR: {NASTY}",
            why=f"{NASTY} " * 3 + "w" * 300,
            condition=NASTY,
            symptoms=(NASTY,),
            hunk=(
                HunkLine("+", f"\t{NASTY}\r", None, 214, marked=True),
                HunkLine("+", "/* " + "long " * 1000 + "*/", None, 215, marked=True),
                HunkLine("+", '\tnaïve = "穴";\udcff', None, 216, marked=True),
            ),
        ),
    ),
    limitations=(Limitation("diff", f"limits {NASTY}", f"p{NASTY}", None, 3),),
    errors=(InputError(f"in\n{NASTY}", f"broken\n{NASTY}"),),
)

#: Two versions of one series, each with the same finding.
TWICE = replace(
    STORY,
    series=(replace(SERIES, version=2), SERIES),
    findings=(LAZY, replace(LAZY, series=1)),
    limitations=(),
    errors=(),
)

QUIET = replace(STORY, findings=(MEMORY,), limitations=(), errors=())
UNREAD = Report("1.2.3", (), (), (), (InputError("gone.mbox", "no such file"),))

#: the second of three patches cannot be read, and nothing is found in the others
UNREADABLE = "its diff cannot be read: their marks are lost"
FIRST, SECOND, THIRD = SERIES.patches
PARTLY = Report(
    "1.2.3",
    (
        replace(
            SERIES,
            expected=3,
            missing=(),
            patches=(FIRST, replace(SECOND, files=(), unread=UNREADABLE), THIRD),
        ),
    ),
    (),
    (),
    (InputError("burrow.mbox", f"{SECOND.subject}: {UNREADABLE}", SECOND.message_id, 40),),
)

#: lines of the second are lost, and nothing is found in what is left
CUT = "hunk announces 11 old and 17 new lines but has 4 and 9"
IN_PART = replace(
    PARTLY,
    series=(
        replace(
            PARTLY.series[0],
            patches=(FIRST, replace(SECOND, lost=f"{PATH}:207: {CUT}"), THIRD),
        ),
    ),
    errors=(),
    limitations=(
        Limitation("diff", CUT, PATH, SECOND.message_id, 207, lost=True),
        Limitation("diff", "line broken by a mailer; joined to the one before", PATH),
    ),
)

REPORTS = {
    "story": STORY,
    "empty": EMPTY,
    "hostile": HOSTILE,
    "twice": TWICE,
    "note": QUIET,
    "unread": UNREAD,
    "partly": PARTLY,
    "in-part": IN_PART,
    "accepted": ACCEPTED,
}

PLAIN = Style(rules=RULES)

#: file name -> (report, format, style)
GOLDENS: dict[str, tuple[str, str, Style]] = {
    "story.terminal.txt": ("story", "terminal", PLAIN),
    "story.terminal-80.txt": ("story", "terminal", Style(width=80, terminal=True)),
    "story.terminal-wide.txt": ("story", "terminal", Style(width=140, terminal=True)),
    "story.terminal-color.txt": ("story", "terminal", Style(color=True, width=120, terminal=True)),
    "story.terminal-verbose.txt": ("story", "terminal", Style(verbose=True)),
    "story.terminal-quiet.txt": ("story", "terminal", Style(quiet=True)),
    "empty.terminal.txt": ("empty", "terminal", PLAIN),
    "unread.terminal.txt": ("unread", "terminal", PLAIN),
    "hostile.terminal.txt": ("hostile", "terminal", PLAIN),
    "accepted.terminal.txt": ("accepted", "terminal", PLAIN),
    "accepted.json": ("accepted", "json", PLAIN),
    "accepted.html": ("accepted", "html", PLAIN),
    "accepted.sarif": ("accepted", "sarif", PLAIN),
    "accepted.b4.json": ("accepted", "b4", PLAIN),
    "accepted.mail.eml": ("accepted", "mail", Style(complaints="lint@example.org")),
    "story.terse.txt": ("story", "terse", PLAIN),
    "story.terse-verbose.txt": ("story", "terse", Style(verbose=True)),
    "empty.terse.txt": ("empty", "terse", PLAIN),
    "hostile.terse.txt": ("hostile", "terse", PLAIN),
    "story.json": ("story", "json", PLAIN),
    "hostile.json": ("hostile", "json", PLAIN),
    "unread.json": ("unread", "json", PLAIN),
    "story.sarif": ("story", "sarif", PLAIN),
    "unread.sarif": ("unread", "sarif", PLAIN),
    "partly.terminal.txt": ("partly", "terminal", PLAIN),
    "partly.junit.xml": ("partly", "junit", PLAIN),
    "partly.gitlab.json": ("partly", "gitlab", PLAIN),
    "partly.rdjson.json": ("partly", "rdjson", PLAIN),
    "partly.b4-check.txt": ("partly", "b4-check", PLAIN),
    "in-part.terminal.txt": ("in-part", "terminal", PLAIN),
    "in-part.terminal-verbose.txt": ("in-part", "terminal", Style(verbose=True)),
    "in-part.junit.xml": ("in-part", "junit", PLAIN),
    "in-part.gitlab.json": ("in-part", "gitlab", PLAIN),
    "in-part.rdjson.json": ("in-part", "rdjson", PLAIN),
    "in-part.b4.json": ("in-part", "b4", PLAIN),
    "in-part.b4-check.txt": ("in-part", "b4-check", PLAIN),
    "in-part.github.txt": ("in-part", "github", PLAIN),
    "in-part.nipa.txt": ("in-part", "nipa", PLAIN),
    "in-part.sarif": ("in-part", "sarif", PLAIN),
    "story.b4.json": ("story", "b4", PLAIN),
    "empty.b4.json": ("empty", "b4", PLAIN),
    "unread.b4.json": ("unread", "b4", PLAIN),
    "story.b4-check.txt": ("story", "b4-check", PLAIN),
    "hostile.b4-check.txt": ("hostile", "b4-check", PLAIN),
    "story.mail.eml": ("story", "mail", PLAIN),
    "twice.mail.mbox": ("twice", "mail", PLAIN),
    "hostile.mail.eml": ("hostile", "mail", PLAIN),
    "story.html": ("story", "html", PLAIN),
    "empty.html": ("empty", "html", PLAIN),
    "hostile.html": ("hostile", "html", PLAIN),
    "story.junit.xml": ("story", "junit", PLAIN),
    "unread.junit.xml": ("unread", "junit", PLAIN),
    "story.github.txt": ("story", "github", PLAIN),
    "hostile.github.txt": ("hostile", "github", PLAIN),
    "story.gitlab.json": ("story", "gitlab", PLAIN),
    "twice.gitlab.json": ("twice", "gitlab", PLAIN),
    "story.rdjson.json": ("story", "rdjson", PLAIN),
    "story.nipa.txt": ("story", "nipa", PLAIN),
    "empty.nipa.txt": ("empty", "nipa", PLAIN),
}


def golden(name: str) -> str:
    report, format_name, style = GOLDENS[name]
    return render(REPORTS[report], format_name, style)


__all__ = ["FILE", "FOLDER", "GOLDENS", "HOSTILE", "PATH", "QUIET", "REPORTS", "TWICE", "golden"]
