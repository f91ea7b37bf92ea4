"""Reads one fixture of fixtures/rules/, makes a real series of it and compares findings.

``python tests/rules/rule_fixtures.py FILE...`` prints what the program says of a fixture in
the words of an expectation, which is how a new one is written.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import series_kit

from patchlint.cli.main import main

FIXTURES = Path(__file__).parents[2] / "fixtures" / "rules"
MODES = ("hunks", "tree")
LOUD = ("error", "warning")

_FILE = re.compile(r"^// file: (?P<old>\S+)(?: -> (?P<new>\S+))?$")
_HEADER = re.compile(r"^// (?P<what>subject|message)(?: (?P<patch>\d+))?: ?(?P<text>.*)$")
_REMARK = re.compile(
    r"\s*// (?P<kind>expect|quiet|wrong)(?: \((?P<mode>hunks|tree)\))?: (?P<text>.+)$"
)
_MARK = re.compile(r"^//(?:\+(?P<since>\d*))?(?:-(?P<until>\d*))?(?:$|(?=\s)|(?=[^\s\d]))")
_SAID = re.compile(
    r"^(?P<level>error|warning|note)(?:/(?P<with_tree>error|warning|note))? "
    r"(?P<cleanup>\w+) in (?P<function>\w+): (?P<before>[\w-]+) -> (?P<after>[\w-]+)"
    r"(?P<rest>.*)$"
)
_PARTS = re.compile(r",? (by|when|patch|as) (.+?)(?=,? (?:by|when|patch|as) |$)")
_WORD = re.compile(r"[A-Za-z_]\w*|\d+|\"[^\"]*\"")
_MISSING = re.compile(r"^missing (?P<cleanup>\w+) in (?P<function>\w+)$")


class FixtureError(Exception):
    """A fixture that does not follow fixtures/rules/README.md."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of code, and in which states of the series it stands."""

    text: str
    since: int  # the patch that adds it, 0 for a line of the pre-image
    until: int  # the patch that removes it, 0 for one that stays

    def stands(self, state):
        return self.since <= state and (self.until == 0 or state < self.until)


@dataclass(slots=True)
class Source:
    """One file of the fixture; ``old`` is its name before the first patch."""

    old: str
    new: str
    lines: list[Line] = field(default_factory=list)

    def path(self, state):
        return self.new if state else self.old

    def text(self, state):
        kept = [line.text for line in self.lines if line.stands(state)]
        return "\n".join([*kept, ""]) if kept else None

    def number(self, line, state):
        """The line's number in the file of ``state``; where it would stand if it is gone."""
        place = next(i for i, one in enumerate(self.lines) if one is line)
        return sum(1 for one in self.lines[: place + 1] if one.stands(state))


@dataclass(frozen=True, slots=True)
class Said:
    """A finding in the words of an expectation."""

    rule: str
    level: str
    cleanup: str
    function: str
    before: str
    after: str
    mechanism: str | None
    condition: str | None
    patch: int
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Remark:
    """What a fixture says of one line: expect, quiet or wrong, in which modes."""

    kind: str
    modes: tuple[str, ...]
    text: str
    reason: str
    line: Line | None
    source: Source | None
    missing: re.Match | None = None
    said: re.Match | None = None
    parts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fixture:
    """One read fixture."""

    rule: str
    name: str
    sources: tuple[Source, ...]
    remarks: tuple[Remark, ...]
    subjects: dict[int, str]
    messages: dict[int, str]

    @property
    def patches(self):
        return max(
            [1, *(n for s in self.sources for line in s.lines for n in (line.since, line.until))]
        )

    def found(self, levels=LOUD):
        """Whether this is a case that the fixture's own rule must find, at one of ``levels``."""
        return any(
            r.kind == "expect"
            and r.said["level"] in levels
            and r.parts.get("as", self.rule) == self.rule
            for r in self.remarks
        )

    @property
    def near_miss(self):
        return any(r.kind == "quiet" for r in self.remarks)

    def expected(self, mode):
        """The findings that must come, each once, and nothing else."""
        return [
            self._said(remark, mode)
            for remark in self.remarks
            if mode in remark.modes and remark.said
        ]

    def _said(self, remark, mode):
        line, said, parts = remark.line, remark.said, remark.parts
        patch = int(parts.get("patch") or line.since or line.until or 1)
        gone = line.until and not line.since
        level = said["with_tree"] if mode == "tree" and said["with_tree"] else said["level"]
        return Said(
            rule=parts.get("as", self.rule),
            level=level,
            cleanup=said["cleanup"],
            function=said["function"],
            before=said["before"],
            after=said["after"],
            mechanism=parts.get("by"),
            condition=parts.get("when"),
            patch=patch,
            path=remark.source.path(patch),
            line=remark.source.number(line, 0 if gone else patch),
        )


def fixture_files():
    return sorted(FIXTURES.glob("*/*.c"))


def read(path):
    """The fixture in ``path``; raises FixtureError with its line."""
    sources, remarks = [], []
    subjects, messages = {}, {}
    last = None
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.parent.name}/{path.name}:{number}"
        if opened := _FILE.match(raw):
            sources.append(Source(opened["old"], opened["new"] or opened["old"]))
            last = None
            continue
        if header := _HEADER.match(raw):
            texts = subjects if header["what"] == "subject" else messages
            patch = int(header["patch"] or 1)
            texts[patch] = "\n".join(filter(None, [texts.get(patch), header["text"]]))
            continue
        marked = _REMARK.search(raw)
        code = raw[: marked.start()] if marked else raw
        if code.strip() or not marked:
            if not sources:
                if code.strip():
                    raise FixtureError(f"{where}: code before a '// file:' line")
                continue
            last = _line(code)
            sources[-1].lines.append(last)
        if marked:
            remarks.append(_remark(marked, last, sources, where))
    fixture = Fixture(
        path.parent.name, path.stem, tuple(sources), tuple(remarks), subjects, messages
    )
    if not remarks:
        raise FixtureError(f"{path.parent.name}/{path.name}: neither expects nor is quiet")
    if fixture.near_miss and any(
        r.kind == "expect" and not r.text.startswith("note") for r in remarks
    ):
        raise FixtureError(f"{path.parent.name}/{path.name}: quiet, and expects a finding")
    return fixture


def _line(code):
    mark = _MARK.match(code)
    if mark is None or (mark["since"] is None and mark["until"] is None):
        return Line(code, 0, 0)
    since = 0 if mark["since"] is None else int(mark["since"] or 1)
    until = 0 if mark["until"] is None else int(mark["until"] or 1)
    return Line(code[mark.end() :], since, until)


def _remark(marked, line, sources, where):
    text, _, reason = marked["text"].partition(" -- ")
    modes = (marked["mode"],) if marked["mode"] else MODES
    kind = marked["kind"]
    source = sources[-1] if sources else None
    if kind == "quiet":
        return Remark(kind, modes, text, text, None, None)
    missing = _MISSING.match(text) if kind == "wrong" else None
    said = _SAID.match(text)
    if kind == "wrong" and not reason.strip():
        raise FixtureError(f"{where}: a known wrong result says why after ' -- '")
    if missing is None and said is None:
        raise FixtureError(f"{where}: cannot read '{text}'")
    parts = {}
    if said:
        if line is None:
            raise FixtureError(f"{where}: an expectation stands on a line of code")
        parts = dict(_PARTS.findall(said["rest"]))
        if _PARTS.sub("", said["rest"]).strip():
            raise FixtureError(f"{where}: cannot read '{said['rest']}'")
    return Remark(kind, modes, text, reason, line, source, missing, said, parts)


def shape(path):
    """The code of a fixture with every word taken out: what two copies have in common."""
    text = path.read_text(encoding="utf-8")
    code = "\n".join(
        line
        for line in (_REMARK.sub("", raw) for raw in text.splitlines())
        if not (_FILE.match(line) or _HEADER.match(line))
    )
    return " ".join(_WORD.sub("x", code).split())


# -- a series -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Made:
    """A series as git mailed it, and the repository on its pre-image commit."""

    mbox: Path
    tree: Path


def make(fixture, folder):
    """Commit the states of ``fixture`` in a new repository, format-patch them."""
    tree = folder / "tree"
    tree.mkdir()
    environment = series_kit.environment(folder) | {
        "GIT_AUTHOR_DATE": "2026-03-02T10:00:00Z",
        "GIT_COMMITTER_DATE": "2026-03-02T10:00:00Z",
    }

    def git(*arguments):
        return subprocess.run(
            ["git", "-C", str(tree), *arguments], check=True, capture_output=True, env=environment
        ).stdout

    git("init", "--quiet", "--initial-branch=main")
    (tree / "MAINTAINERS").write_text("THE REST\n", encoding="utf-8")
    for state in range(fixture.patches + 1):
        _write(fixture, tree, state)
        git("add", "--all")
        git("commit", "--quiet", "--message", _commit_message(fixture, state))
    mails = git("format-patch", "--stdout", "--thread", f"HEAD~{fixture.patches}")
    git("checkout", "--quiet", "--detach", f"HEAD~{fixture.patches}")
    mbox = folder / "series.mbox"
    mbox.write_bytes(mails)
    return Made(mbox, tree)


def _commit_message(fixture, state):
    if state == 0:
        return "the state before"
    subject = fixture.subjects.get(state, f"{fixture.name.replace('-', ' ')}, part {state}")
    body = fixture.messages.get(state, "Say why.")
    return f"{subject}\n\n{body}\n\nSigned-off-by: A. Author <author@example.org>\n"


def _write(fixture, tree, state):
    if state:
        for source in fixture.sources:
            (tree / source.path(state - 1)).unlink(missing_ok=True)
    for source in fixture.sources:
        text = source.text(state)
        if text is not None:
            target = tree / source.path(state)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


# -- the program ---------------------------------------------------------------------------


def check(made, mode):
    """The whole program's JSON report on the series; hunks alone, or with its tree."""
    with_tree = ["--tree", str(made.tree)] if mode == "tree" else ["--no-tree"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["check", *with_tree, "--format", "json", str(made.mbox)])
    if status == 2:
        raise AssertionError(f"could not check: {err.getvalue()}")
    report = json.loads(out.getvalue())
    assert report["errors"] == []
    return report


def spoken(report):
    """The findings of a report in the words of expectations."""
    return [
        Said(
            rule=f["rule"],
            level=f["level"],
            cleanup=f["cleanup"],
            function=f["function"],
            before=f["before"]["context"],
            after=f["after"]["context"],
            mechanism=f["after"]["mechanism"],
            condition=f["condition"],
            patch=f["patch"],
            path=f["path"],
            line=f["line"],
        )
        for f in report["findings"]
    ]


def differences(expected, came, mode):
    """What is expected and did not come, and what came and is not expected."""
    rest = list(came)
    missing = []
    for one in expected:
        match = next((other for other in rest if agrees(one, other, mode)), None)
        if match is None:
            missing.append(one)
        else:
            rest.remove(match)
    return missing, rest


def agrees(expected, said, mode):
    """Hunks show few callers: there an unknown old context stands for any."""
    before = {expected.before, "unknown"} if mode == "hunks" else {expected.before}
    by = expected.mechanism in (None, said.mechanism)
    plain = ("rule", "level", "cleanup", "function", "after", "condition", "patch", "path", "line")
    return (
        said.before in before
        and by
        and all(getattr(expected, name) == getattr(said, name) for name in plain)
    )


def say(said):
    """``said`` as an expectation is written, with its place before it."""
    tail = f" by {said.mechanism}" if said.mechanism else ""
    tail += f" when {said.condition}" if said.condition else ""
    return (
        f"{said.path}:{said.line}: {said.level} {said.cleanup} in {said.function}: "
        f"{said.before} -> {said.after}{tail} patch {said.patch} as {said.rule}"
    )


def show(paths):
    """Print what the program says of each fixture, in both modes."""
    for path in paths:
        fixture = read(Path(path).resolve())
        with tempfile.TemporaryDirectory() as folder:
            made = make(fixture, Path(folder))
            for mode in MODES:
                report = check(made, mode)
                came = spoken(report)
                missing, extra = differences(fixture.expected(mode), came, mode)
                verdict = "differs" if missing or extra else "as expected"
                print(f"{fixture.rule}/{fixture.name} [{mode}] {verdict}")
                for said in came:
                    print(f"  {'!' if said in extra else ' '} {say(said)}")
                for said in missing:
                    print(f"  ? {say(said)}")
                if missing or extra:
                    for finding in report["findings"]:
                        print("      evidence:", *finding.get("evidence", [])[:3], sep="\n        ")


if __name__ == "__main__":
    show(sys.argv[1:])
