"""Reads marked lines into a drawing: headers, calls, branches, what binds and what starts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph import words
from patchlint.graph.drawing import ELSEWHERE, UNKNOWN, sets
from patchlint.graph.started import NAME, Statement
from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections import defaultdict
    from collections.abc import Iterator

    from patchlint.graph.drawing import Drawing
    from patchlint.graph.marked import Shown
    from patchlint.graph.words import Words

_CALL: Final = re.compile(r"\b([A-Za-z_]\w*)[ \t]*\(")
_HEAD: Final = re.compile(r"(?:[A-Za-z_][^(]*?\b)?([A-Za-z_]\w*)[ \t]*\(")
_BRANCH: Final = re.compile(r"\b(?:if|else|case|default|return|goto|break|continue|switch)\b|\?")
_DEFINE: Final = re.compile(r"#[ \t]*define[ \t]+(\w+)\(")
#: a function in an operations table, or another member that is set
_SLOT: Final = lazy(r"[+-][ \t]*\.(\w+)[ \t]*=[ \t]*&?(\w+)")
#: what a header may start with besides a letter
_STARTS: Final = ("_", "*")
#: where a member that is set may stand at most, in characters
_DEEPEST: Final = 16
_CHANGED: Final = re.compile(r"^[+-]\**[A-Za-z_][^\n]*\([^\n]*", re.MULTILINE)
_COMMENT: Final = re.compile(r"[ \t]*(?:\* |\*$|/\*|//)")
#: a comment or a text may name a wait that is not done
_TALK: Final = lazy(r"/\*|//|\"|\*/")
#: annotations that may stand alone on a line of a header
_ANNOTATION: Final = re.compile(r"__(?:acquires|releases|must_hold|attribute__|printf|cond_lock)\b")
_KEYWORDS: Final = frozenset(
    {"if", "for", "while", "switch", "return", "do", "else", "sizeof", "defined", "typeof"}
)
_KINDS: Final = ("+", "-", " ")
#: a line that starts so neither begins nor ends a function; an empty line has none
_INDENT: Final = ("\t", " ", "")
#: lines that the arguments of a call, or the parameters of a function, may go on for
_GOES_ON: Final = 4
#: calls whose arguments are looked at
_TOLD: Final = words.QUEUES | words.BINDS | words.CONTAINER | words.LIST_ADD | words.LIST_DRAIN
_TWINS: Final = words.DIRECT | words.DEFERRED
#: the function of a line that stands in none
_OUTSIDE: Final = ""
#: a header that is a macro's
_MACRO: Final = "!"


class Reader:
    """Reads the hunks of one file into a drawing."""

    def __init__(
        self, drawing: Drawing, known: Words, changed: set[str], file: Shown, number: int
    ) -> None:
        """``changed`` are functions whose header the series adds, removes or changes."""
        self._place = number
        #: calls by function, and those that stand below a new branch of it
        self._shown = sets()
        self._below: dict[str, set[str]] = {}
        self._added = file.added
        self._path = file.path
        self._lost = UNKNOWN + file.path
        self._adrift = ELSEWHERE + file.path
        self._drawing = drawing
        self._known = known
        self._changed = changed
        self._owners = [_OUTSIDE, _OUTSIDE] if file.whole else [self._lost, self._lost]
        #: whose lines follow after a macro, None when no macro is open
        self._after_macro: list[str] | None = None
        #: members that are set on lines of a kind, with what they are set to
        self._set: dict[str, defaultdict[str, set[str]]] = {"-": sets(), "+": sets()}
        #: lines that a header, a call that binds or one that releases may still go on for
        self._in_head = [0, 0]
        self._binding = 0
        self._handing = 0
        self._statements: list[Statement] = []
        self._calls: dict[str, set[str]] = {"-": set(), " ": set(), "+": set()}

    def read(self, text: str) -> None:
        """Read from the first ``@@`` of a file on."""
        for given in text.split("\n"):
            line = given
            kind = line[:1]
            if kind == "@" and line.startswith("@@ "):
                self._start(line)
                continue
            if kind == "\\":
                continue
            if kind not in _KINDS:
                # a line that lost its mark on the way
                kind, line = " ", f" {line}"
            if self._added:
                if kind == "-":
                    continue
                kind = "+"
            if kind != " " and "." in line[:_DEEPEST]:
                self._slot(line, kind)
            if "(" in line or line[1:2] not in _INDENT or not self._calm():
                self._line(line[1:], kind)
            elif kind == "+":
                self._branch(line)
        self._finish()

    def _finish(self) -> None:
        """Tell what only shows when all of a file is read."""
        self._cut_off()
        self._drawing.branches(self._place, self._shown, self._below)
        self._drawing.twins(self._calls["-"], self._calls[" "], self._calls["+"])
        for member, new in self._set["+"].items():
            self._drawing.replace(self._set["-"].get(member, set()), new)

    def _slot(self, line: str, kind: str) -> None:
        found = _SLOT.match(line)
        if found is not None:
            self._set[kind][found[1]].add(found[2])

    def _calm(self) -> bool:
        """Whether nothing is open that the next line may belong to."""
        return not (
            self._binding
            or self._statements
            or self._handing
            or self._in_head[0]
            or self._in_head[1]
            or self._after_macro
        )

    def _start(self, line: str) -> None:
        section = line.split("@@", 2)[-1].strip()
        name = _header(section)
        self._owners = [self._lost, self._adrift if self._changed else self._lost]
        self._in_head = [0, 0]
        self._after_macro = None
        self._binding = self._handing = 0
        self._cut_off()
        if name and name != _MACRO:
            self._head(section, name, "+" if self._added else " ")
            if name in self._changed:
                # it may have another name, or end earlier, on one of the sides
                self._owners = [self._lost, self._adrift]

    def _head(self, body: str, name: str, kind: str) -> None:
        if name == _MACRO:
            name = self._lost
        else:
            self._drawing.head(name, kind, self._path, shaped=self._shaped(body))
        more = 0 if "{" in body or body.rstrip()[-1:] == ")" else _GOES_ON
        for side, other in ((0, "+"), (1, "-")):
            if kind != other:
                self._owners[side] = name
                self._in_head[side] = more
        if kind != " ":
            self._drawing.continues(self._owners[0], self._owners[1])

    def _line(self, body: str, kind: str) -> None:
        first = body[:1]
        if first == "#" and (macro := _DEFINE.match(body)):
            self._macro(macro[1], kind)
        name = _header(body) if first.isalpha() or first in _STARTS else None
        if name and not self._continues(kind):
            self._head(body, name, kind)
            if "{" not in body:
                return
            body = body.partition("{")[2]
            first = body.rstrip()[-1:]
        if self._in_head[0] or self._in_head[1]:
            self._parameters(body, kind)
        self._code(body, kind)
        if self._binding or self._statements or self._handing:
            self._go_on(body, kind)
        if self._after_macro and not body.endswith("\\"):
            self._owners, self._after_macro = self._after_macro, None
        if first == "}":
            for side, other in ((0, "+"), (1, "-")):
                if kind != other:
                    self._owners[side] = _OUTSIDE

    def _macro(self, name: str, kind: str) -> None:
        """Begin a macro that has arguments: it is called as a function is."""
        self._after_macro = self._after_macro or self._owners
        self._drawing.head(name, kind, self._path, shaped=False)
        self._owners = [name, name]

    def _branch(self, line: str) -> None:
        owner = self._owners[1] or self._lost
        if owner not in self._below and _BRANCH.search(line):
            self._below[owner] = set()

    def _code(self, body: str, kind: str) -> None:
        if kind == "+":
            self._branch(body)
        if "(" not in body or _COMMENT.match(body):
            return
        calls = [name for name in _CALL.findall(body) if name not in _KEYWORDS]
        bits = 0
        for name in calls:
            bits |= self._known[name]
        self._add(calls, kind, body)
        if bits & ~words.RELEASE:
            self._telling(calls, bits, body, kind)

    def _add(self, calls: list[str], kind: str, body: str) -> None:
        """Add calls to the function that they stand in.

        Outside of all nothing is called; what is indented there has a header that was not seen.
        """
        owners = self._owners
        if _OUTSIDE in owners:
            if body[:1] not in _INDENT:
                return
            owners = [owner or self._lost for owner in owners]
        self._drawing.add(calls, kind, owners)
        if kind != "-":
            owner = owners[1]
            self._shown[owner].update(calls)
            if owner in self._below:
                self._below[owner].update(calls)

    def _telling(self, calls: list[str], bits: int, body: str, kind: str) -> None:
        """Take in a line with calls that the tables know."""
        if bits & _TWINS:
            self._calls[kind].update(calls)
        if bits & words.WAITS and kind != " " and (kind == "-" or not _TALK.search(body)):
            self._drawing.wait(calls, kind)
        if bits & words.KEEPS:
            self._drawing.keep(kind, [owner or self._lost for owner in self._owners])
        if bits & words.WILD:
            self._handing = _GOES_ON
        if bits & words.BINDS:
            self._binding = _GOES_ON
        if bits & _TOLD and kind != "-":
            names = [name for name in calls if self._known[name] & _TOLD]
            self._statements.append(Statement(names, self._owners[1] or self._lost))

    def _continues(self, kind: str) -> bool:
        """Whether a line in the first column belongs to a call that is still open."""
        return kind == " " and self._binding > 0 and self._owners[1] not in {_OUTSIDE, UNKNOWN}

    def _parameters(self, body: str, kind: str) -> None:
        for side, other in ((0, "+"), (1, "-")):
            if kind != other and self._in_head[side]:
                self._in_head[side] = 0 if "{" in body else self._in_head[side] - 1
                if self._shaped(body):
                    owner = self._owners[side]
                    self._drawing.head(owner, "+" if side else "-", self._path, shaped=True)

    def _shaped(self, body: str) -> bool:
        """Whether a line of a header has the parameter of a callback."""
        return self._known.types.search(body) is not None

    def _go_on(self, body: str, kind: str) -> None:
        if self._handing:
            found = NAME.findall(body)
            self._drawing.hand(found)
            self._add(found, kind, body)
            self._handing = 0 if ";" in body else self._handing - 1
        if self._binding:
            self._drawing.bind(body, kind)
            self._binding = 0 if ";" in body else self._binding - 1
        for statement in [*self._statements]:
            statement.text += body
            statement.anew |= kind == "+"
            statement.left -= 1
            if ";" in body:
                self._drawing.statement(statement, whole=True)
            elif not statement.left:
                self._drawing.statement(statement, whole=False)
            else:
                continue
            self._statements.remove(statement)

    def _cut_off(self) -> None:
        """Take in what goes on where nothing is shown any more."""
        for statement in self._statements:
            self._drawing.statement(statement, whole=False)
        self._statements.clear()


def changed_headers(hunks: str) -> Iterator[str]:
    """Functions whose headers are added or removed; not those that only changed in place."""
    last = ("", "")
    for line in _CHANGED.findall(hunks):
        name = _header(line[1:])
        if name is None or name == _MACRO:
            continue
        if (line[0], last) == ("+", ("-", name)):
            last = ("", "")
            continue
        if last[1]:
            yield last[1]
        last = (line[0], name)
    if last[1]:
        yield last[1]


def _header(line: str) -> str | None:
    """The name of the function whose header ``line`` starts, None when it starts none.

    A macro may define a function of another name.
    """
    if line.rstrip().endswith(";") and "{" not in line:
        return None
    found = _HEAD.match(line.lstrip("*"))
    if found is None or found.group(1) in _KEYWORDS:
        return None
    name = found.group(1)
    if name.startswith("__") and _ANNOTATION.match(line):
        return None
    return _MACRO if name.isupper() else name
