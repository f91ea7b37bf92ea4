"""Reads just enough off a C file to say who calls whom and whose address is taken.

A whole tree has sixty times as much code as a series touches; this reader is some twenty
times as fast as a parser, because it does not build a tree.  It relies on how kernel code
is laid out (a function's closing brace stands in column 0) and counts braces only where
that does not hold.  Details of one function are the syntax stage's to read.

Which way it errs: conditional code counts whichever way the condition goes (but for
``#if 0``); a call through a local variable or parameter counts as a call of a function of
that name; names that only token pasting makes are not seen, nor is what stands in assembly.
A name used as a value is told when it is a function of this file, or when nothing in the
function around it shows that it is a variable: globals that are no functions are told too,
but are never asked for.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from patchlint.model.kernel import Macro

#: Goes up with every change of what is read, so that older indexes are read anew.
VERSION: Final = 3

STATIC, INLINE, MACRO, SYSCALL = 1, 2, 4, 8

INITIALIZER, ARGUMENT, ASSIGNMENT, VALUE = range(4)

_NOISE: Final = re.compile(
    # what is not closed is one with all that it could have: else each mark in it is tried
    rb"/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*+/|/\*.*+|//[^\n]*+"
    rb"|\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)++'?",
    re.DOTALL,
)
#: also what has the mark further on in a line, which is no directive
_DIRECTIVE: Final = re.compile(rb"#[^\n\\]*(?:\\.[^\n\\]*)*", re.DOTALL)
_DEFINE: Final = re.compile(rb"[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)]*\))?(.*)\Z", re.DOTALL)
_IF: Final = re.compile(rb"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b[ \t]*(0[ \t]*\Z)?")
_DEAD: Final = re.compile(rb"#[ \t]*if[ \t]+0[ \t]*(?:\n|\Z)")
_ALIAS: Final = re.compile(rb"[\s\\]*([a-z_]\w*)[\s\\]*\Z")
_ALIASES: Final = re.compile(rb"#[ \t]*define[ \t]+\w+[ \t]+[a-z_]")
_CALL: Final = re.compile(rb"\b([A-Za-z_]\w*)\s*\(")
_ARGUMENT: Final = re.compile(rb"[(,]\s*+(&?)\s*+([a-z_]\w*+)\s*+(?=[,)])")
_VALUE: Final = re.compile(rb"([=?:])\s*+(&?)\s*+([a-z_]\w*+)\s*+(?=[;,:}?)])")
_RETURN: Final = re.compile(rb"return\s++([a-z_]\w*+)\s*+;")
_DESIGNATED: Final = re.compile(
    rb"\.\s*+(\w++)\s*+(?:\[[^\]]{0,200}+\]\s*+)?=\s*+(?:\([\w\s]++\**+\)\s*+)?&?\s*+([A-Za-z_]\w*+)"
    rb"\s*+(?=[,}])"
)
_POSITIONAL: Final = re.compile(rb"[{,]\s*+&?\s*+([a-z_]\w*+)\s*+(?=[,}])")
_FILE_MACRO: Final = re.compile(
    rb"^(?:(?:static|extern|const|inline|__\w++)\s++){0,20}([A-Za-z_]\w*+)\s*+"
    rb"(\([^;{}]{0,2000}?\))\s*(?:;|$)",
    re.MULTILINE,
)
_FILE_VALUE: Final = re.compile(
    rb"\b([A-Za-z_]\w*+)[)\]\s]*+(?:\([^()=;]{0,2000}+\)\s*+)?=\s*+&?\s*+"
    rb"(?:([a-z_]\w*+)|\w++\s*+\([^;{}]{0,2000}\))\s*+;"
)
_ANY_ARGUMENT: Final = re.compile(rb"[(,]\s*+&?\s*+([A-Za-z_]\w*+)\s*+(?=[,)])")
_NAME: Final = re.compile(rb"[A-Za-z_]\w*")
_HEADER_TOKEN: Final = re.compile(rb"([A-Za-z_]\w*)|([()])")
_WORD: Final = re.compile(rb"[A-Za-z_]\w*")
_WORD_BEFORE: Final = re.compile(rb"([A-Za-z_]\w*)\s*\Z")
_BRACES: Final = re.compile(rb"[{}]")
_BACKWARD: Final = re.compile(rb"[()\[\]{},;]")
_LOCAL_OBJECT: Final = re.compile(
    rb"\b((?:struct|union)\s++\w++|\w++)\s++(\w++)\s*+(?:\[[^\]]*+\]\s*+)*+=\s*+\{[^;]*+\Z"
)
_TARGET: Final = re.compile(rb"[\w.>\-\[\]()*\s]*\Z")

_KEYWORDS: Final = frozenset(
    b"if for while switch return sizeof else do case goto typedef struct union enum typeof"
    b" __typeof__ typeof_member defined __attribute__ asm __asm__ break continue default const"
    b" static inline int long void char short unsigned signed bool true false volatile"
    b" __volatile__ _Static_assert static_assert alignof _Alignof offsetof".split()
)
_HEADS: Final = {"header", "header-pairs", "syscall"}
_BLANKS: Final = {"blank", "blank-call", "blank-args", "blank-asm", "word"}

_SPACES: Final = bytes(10 if code == 10 else 32 for code in range(256))  # noqa: PLR2004


class Definition(NamedTuple):
    """A function or macro: name, first and last line, and flags (STATIC, INLINE...)."""

    name: str
    line: int
    end: int
    flags: int


class Call(NamedTuple):
    """A call of ``name``, or of the member ``name`` when ``indirect``."""

    name: str
    line: int
    indirect: bool


class Use(NamedTuple):
    """``name`` used as a value.

    ``kind`` says what ``where`` and ``what`` are: INITIALIZER: the struct and variable
    joined by ``:``, and the member ("" for a positional one); ARGUMENT: the callee, and
    the argument's index; ASSIGNMENT: "" and the target's text; VALUE: both "".
    """

    name: str
    line: int
    kind: int
    where: str
    what: str


class Lean(Struct):
    """What a file has, each list in the order of lines, but for macros, which come first."""

    definitions: list[Definition] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)


class Words(Struct, frozen=True):
    """The macro words that matter for function headers: word to action."""

    names: dict[bytes, str]
    patterns: tuple[tuple[re.Pattern[bytes], str], ...]

    def action(self, word: bytes) -> str:
        """Return the action for a word, "" for one that is no macro."""
        known = self.names.get(word)
        if known is None:
            known = ""
            for pattern, action in self.patterns:
                if pattern.fullmatch(word):
                    known = action
                    break
            if len(self.names) < _MANY_WORDS:
                self.names[word] = known
        return known


#: Bounds the memory of look-ups, not their result.
_MANY_WORDS: Final = 100_000


@lru_cache(maxsize=4)
def _words(entries: tuple[tuple[str, str, bool], ...]) -> Words:
    names: dict[bytes, str] = {}
    patterns: list[tuple[re.Pattern[bytes], str]] = []
    for pattern, action, regex in entries:
        if regex:
            patterns.append((re.compile(pattern.encode()), action))
        else:
            names[pattern.encode()] = action
    return Words(names, tuple(patterns))


def words(macros: Sequence[Macro]) -> Words:
    """Return the words of the rules' macros that matter here.  Same macros, same object."""
    return _words(tuple((macro.pattern, macro.action, macro.regex) for macro in heeded(macros)))


def heeded(macros: Iterable[Macro]) -> tuple[Macro, ...]:
    """Return the macros that this reader heeds: those that can stand in function headers."""
    return tuple(macro for macro in macros if macro.action in _HEADS | _BLANKS)


def read(
    text: bytes, table: Words, only: Collection[str] | None = None, *, sparse: bool = False
) -> Lean:
    """Read a file.  Never raises on any bytes.

    With ``only`` calls and uses are told for these names alone, which is much faster where
    they are rare; definitions are told all, but with ``sparse`` only those of such a name
    and those that hold one.
    """
    wanted = (
        None
        if only is None
        else frozenset(name.encode("utf-8", "surrogateescape") for name in only)
    )
    return _Reader(text, table, wanted, sparse=sparse).run()


@lru_cache(maxsize=64)
def _call_of(names: frozenset[bytes]) -> re.Pattern[bytes]:
    """Return an expression for calls of these names: a few are found faster than all."""
    if len(names) > _FEW_NAMES:
        return _CALL
    return re.compile(rb"\b(" + b"|".join(map(re.escape, sorted(names))) + rb")\s*\(")


_FEW_NAMES: Final = 4


def _blank(match: re.Match[bytes]) -> bytes:
    return match[0].translate(_SPACES)


class _Item(NamedTuple):
    """Something with braces at file scope: header, opening and closing brace, as offsets."""

    start: int
    opening: int
    closing: int


class _Reader:
    def __init__(
        self, text: bytes, table: Words, only: frozenset[bytes] | None, *, sparse: bool
    ) -> None:
        self.table = table
        self.only = only
        self.sparse = sparse
        self.call_of = _CALL if only is None else _call_of(only)
        self.code = _NOISE.sub(_blank, text)
        self.lean = Lean()
        self.functions: set[bytes] = set()
        self.at = 0
        self.line = 1

    def run(self) -> Lean:
        if b"(" not in self.code and b"{" not in self.code and not _ALIASES.search(self.code):
            return self.lean
        if self.sparse and not self.wants(0, len(self.code)):
            return self.lean
        if b"#" in self.code:
            self.directives()
        functions, objects, gaps = self.items()
        for start, item in functions:
            self.body(start, item)
        for item in objects:
            self.object(item)
        for start, end in gaps:
            self.gap(start, end)
        return self.lean

    # -- lines -----------------------------------------------------------------------

    def line_of(self, offset: int) -> int:
        """Return the line of an offset; cheap when asked in ascending order."""
        if offset < self.at:
            self.line -= self.code.count(b"\n", offset, self.at)
        else:
            self.line += self.code.count(b"\n", self.at, offset)
        self.at = offset
        return self.line

    def wants(self, start: int, end: int) -> bool:
        """Whether any name that is asked for can stand between two offsets."""
        if self.only is None:
            return True
        if len(self.only) == 1:
            (name,) = self.only
            return self.code.find(name, start, end) >= 0
        return any(self.code.find(name, start, end) >= 0 for name in self.only)

    def skips(self, start: int, end: int) -> bool:
        """Whether what stands between two offsets is left out."""
        return self.sparse and not self.wants(start, end)

    def asked(self, name: bytes) -> bool:
        """Whether rows for ``name`` are asked for."""
        return self.only is None or name in self.only

    # -- directives ------------------------------------------------------------------

    def directives(self) -> None:
        """Take macros out of the code, and with them all directives and ``#if 0``."""
        code = self.code
        if _DEAD.search(code):
            self.code = self.living()
        else:
            self.code = _DIRECTIVE.sub(self.directive, code)
        self.at, self.line = 0, 1

    def directive(self, match: re.Match[bytes]) -> bytes:
        """Tell a directive if it defines a macro, and make it blank."""
        raw = match[0]
        if not self.begins_line(match.start()):
            return raw
        if b"define" in raw and not self.skips(*match.span()):
            self.define(raw, match.start())
        return raw.translate(_SPACES)

    def begins_line(self, at: int) -> bool:
        """Whether nothing but blanks stands before ``at`` on its line."""
        return not self.code[self.code.rfind(b"\n", 0, at) + 1 : at].strip()

    def living(self) -> bytes:
        """Return the code without directives and what ``#if 0`` takes out."""
        code = self.code
        pieces: list[bytes] = []
        at = 0
        dead = 0
        for match in _DIRECTIVE.finditer(code):
            start, end = match.span()
            raw = match[0]
            head = _IF.match(raw) if self.begins_line(start) else None
            if head is None:
                pieces.append(code[at:start])
                pieces.append(raw.translate(_SPACES) if dead else self.directive(match))
                at = end
                continue
            word = head[1]
            before = code[at:start]
            pieces.append(before.translate(_SPACES) if dead else before)
            pieces.append(raw.translate(_SPACES))
            at = end
            if dead:
                if word.startswith(b"if"):
                    dead += 1
                elif dead == 1 or word == b"endif":
                    dead -= 1
            elif word == b"if" and head[2]:
                dead = 1
        pieces.append(code[at:].translate(_SPACES) if dead else code[at:])
        return b"".join(pieces)

    def define(self, raw: bytes, start: int) -> None:
        """Tell a macro that calls something, or that is another name for something."""
        match = _DEFINE.match(raw)
        if match is None:
            return
        name, parameters, body = match.groups()
        first = self.line_of(start)
        base = start + match.start(3)
        alias = _ALIAS.match(body) if parameters is None else None
        if alias is not None and alias[1] not in _KEYWORDS:
            if self.asked(alias[1]):
                self.call(alias[1], base + alias.start(1), indirect=False)
        elif not self.macro_body(name, parameters, body, base):
            return
        self.definition(name, first, first + raw.count(b"\n"), MACRO)

    def macro_body(self, name: bytes, parameters: bytes | None, body: bytes, base: int) -> bool:
        """Tell the calls in a macro's body; return whether there are any."""
        if b"(" not in body:
            return False
        found = False
        mine = {name} if parameters is None else {name, *_WORD.findall(parameters)}
        for call in _CALL.finditer(body):
            callee = call[1]
            if callee in _KEYWORDS or callee in mine:
                continue
            if parameters is None and callee.isupper():
                continue
            found = True
            if self.asked(callee):
                before = body[: call.start()].rstrip()[-2:]
                indirect = before.endswith(b".") or before == b"->"
                self.call(callee, base + call.start(), indirect=indirect)
        return found

    def definition(self, name: bytes, line: int, end: int, flags: int) -> None:
        self.lean.definitions.append(Definition(name.decode(), line, end, flags))

    def call(self, name: bytes, offset: int, *, indirect: bool) -> None:
        self.lean.calls.append(Call(name.decode(), self.line_of(offset), indirect))

    # -- file scope ------------------------------------------------------------------

    def items(self) -> tuple[list[tuple[int, _Item]], list[_Item], list[tuple[int, int]]]:
        """Return functions with the offset of their headers, objects, and what is between."""
        code = self.code
        functions: list[tuple[int, _Item]] = []
        objects: list[_Item] = []
        gaps: list[tuple[int, int]] = []
        at = 0
        while True:
            if self.sparse:
                at = self.near(at)
            opening = code.find(b"{", at)
            if opening < 0:
                gaps.append((at, len(code)))
                return functions, objects, gaps
            start = max(code.rfind(b";", at, opening) + 1, at)
            header = code[start:opening]
            if header.strip() == b"extern":
                at = opening + 1
                continue
            last = header.rstrip()[-1:]
            function = last not in b"=," and b"(" in header
            closing = self.closing(opening, function=function)
            if self.skips(start, closing):
                gaps.append((at, start))
                at = closing + 1
                continue
            item = _Item(start, opening, closing)
            if last == b"=":
                objects.append(item)
                gaps.append((at, start))
            elif function and (head := self.header(start, opening)) is not None:
                name, name_at, flags = head
                self.functions.add(name)
                self.definition(name, self.line_of(name_at), self.line_of(closing), flags)
                functions.append((start, item))
                gaps.append((at, name_at))
            else:
                gaps.append((at, start))
            at = closing + 1

    def near(self, at: int) -> int:
        """Return the end of the last function before a name that is asked for, from ``at`` on."""
        places = [place for name in self.only or () if (place := self.code.find(name, at)) >= 0]
        end = self.code.rfind(b"\n}\n", at, min(places, default=len(self.code)))
        return at if end < 0 else end + 2

    def closing(self, opening: int, *, function: bool) -> int:
        """Return the offset of the brace that closes the one at ``opening``."""
        code = self.code
        eol = code.find(b"\n", opening)
        eol = len(code) if eol < 0 else eol
        if code.count(b"}", opening, eol) >= code.count(b"{", opening, eol):
            return self.counted(opening)
        closing = self.next_in_column_0(opening)
        if closing < 0:
            return self.counted(opening)
        if not function and (
            code.count(b"{", opening, closing) - 1 != code.count(b"}", opening, closing)
            or b"};" in code[opening:closing]
        ):
            return self.counted(opening)
        return closing + 1

    def next_in_column_0(self, opening: int) -> int:
        """Return where a brace in column 0 closes, -1 when one opens before that.

        The line feed before the brace is meant.
        """
        closing = self.code.find(b"\n}", opening)
        return closing if self.code.find(b"\n{", opening, closing) < 0 else -1

    def counted(self, opening: int) -> int:
        """Find a closing brace by counting; the next one in column 0 when that fails."""
        depth = 0
        code = self.code
        for match in _BRACES.finditer(code, opening):
            depth += 1 if match[0] == b"{" else -1
            if depth == 0:
                return match.start()
        closing = code.find(b"\n}", opening)
        return closing + 1 if closing >= 0 else len(code)

    def header(self, start: int, opening: int) -> tuple[bytes, int, int] | None:
        """Return name, offset of the name, and flags of a function by its header."""
        header = self.code[start:opening]
        blank = header.rfind(b"\n\n")
        if blank >= 0 and header[blank:].strip():
            start, header = start + blank, header[blank:]
        simple = _simple_header(header)
        if simple is not None and not self.table.action(simple[0]) and not simple[0].isupper():
            name, at = simple
            flags = 0
        else:
            found = self.odd_header(header)
            if found is None:
                return None
            name, at, flags = found
        if name in _KEYWORDS:
            return None
        before = header[:at]
        if b"static" in before:
            flags |= STATIC
        if b"inline" in before:
            flags |= INLINE
        return name, start + at, flags

    def odd_header(self, header: bytes) -> tuple[bytes, int, int] | None:
        groups = list(_groups(header))
        best: tuple[bytes, int, int] | None = None
        for name, at, inside in groups:
            action = self.table.action(name)
            if action in _HEADS or (not action and name.isupper() and len(groups) == 1):
                first = _WORD.match(header, inside) or _WORD.search(header, inside)
                if first is None:
                    return None
                return first[0], first.start(), SYSCALL if action == "syscall" else 0
            if action in _BLANKS or name in _KEYWORDS:
                continue
            if best is None or not name.startswith(b"__"):
                best = (name, at, 0)
        return best

    # -- bodies ----------------------------------------------------------------------

    def body(self, start: int, item: _Item) -> None:
        """Tell the calls and the values in a function."""
        code, only = self.code, self.only
        opening, closing = item.opening, item.closing
        if not self.wants(opening, closing):
            return
        calls = self.lean.calls
        line, at = self.line_of(opening), opening
        count = code.count
        before_this = len(calls)
        for match in self.call_of.finditer(code, opening, closing):
            name = match[1]
            if name in _KEYWORDS or (only is not None and name not in only):
                continue
            here = match.start()
            line += count(b"\n", at, here)
            at = here
            before = code[here - 1]
            indirect = before == 46 or (before == 62 and code[here - 2] == 45)  # noqa: PLR2004
            calls.append(Call(name.decode(), line, indirect))
        self.at, self.line = at, line
        if only is not None and sum(count(name, opening, closing) for name in only) == (
            len(calls) - before_this
        ):
            return  # all of them are called
        self.arguments(start, opening, closing)
        self.values(start, opening, closing)

    def arguments(self, start: int, opening: int, closing: int) -> None:
        """Tell the arguments in a function that can be functions."""
        only = self.only
        first: dict[bytes, int] = {}
        for match in _ARGUMENT.finditer(self.code, opening, closing):
            name = match[2]
            if only is None or name in only:
                at = match.start(2)
                if self.may_be_function(name, start, at, first, address=bool(match[1])):
                    self.argument(name, at, opening)

    def may_be_function(
        self, name: bytes, start: int, at: int, first: dict[bytes, int], *, address: bool
    ) -> bool:
        """Whether a value is a function, as far as the function around it can tell.

        One that stands further up in the function is a variable.
        """
        if name in self.functions:
            return True
        if address:
            return False
        before = first.get(name)
        if before is None:
            before = first[name] = _first_word(self.code, name, start, at)
        return before == at

    def argument(self, name: bytes, at: int, lowest: int) -> None:
        """Tell ``name`` at ``at`` as an argument, when it is one of a call."""
        if name in _KEYWORDS:
            return
        found = _callee(self.code, at, lowest)
        if found is not None:
            callee, index = found
            self.use(name, at, ARGUMENT, callee.decode(), str(index))

    def values(self, start: int, opening: int, closing: int) -> None:
        code, only = self.code, self.only
        first: dict[bytes, int] = {}
        for match in _VALUE.finditer(code, opening, closing):
            name = match[3]
            if name in _KEYWORDS or (only is not None and name not in only):
                continue
            at = match.start(3)
            if not self.may_be_function(name, start, at, first, address=bool(match[2])):
                continue
            if match[1] != b"=":
                self.use(name, at, VALUE, "", "")
                continue
            found = _TARGET.search(code, max(opening, match.start() - 120), match.start())
            target = b" ".join(found[0].split()) if found else b""
            if target.startswith(b"."):
                place = _LOCAL_OBJECT.search(code, max(opening, at - 2000), at)
                where = b" ".join(place[1].split()) + b":" + place[2] if place else b":"
                self.use(name, at, INITIALIZER, where.decode(), target[1:].strip().decode())
            elif target:
                self.use(name, at, ASSIGNMENT, "", target.split(b" ")[-1].decode())

        for match in _RETURN.finditer(code, opening, closing):
            name, at = match[1], match.start(1)
            if name in _KEYWORDS or (only is not None and name not in only):
                continue
            if self.may_be_function(name, start, at, first, address=False):
                self.use(name, at, VALUE, "", "")

    def use(self, name: bytes, at: int, kind: int, where: str, what: str) -> None:
        self.lean.uses.append(Use(name.decode(), self.line_of(at), kind, where, what))

    # -- objects and what is between --------------------------------------------------

    def object(self, item: _Item) -> None:
        """Tell the values in an initializer at file scope."""
        start, opening, closing = item
        if not self.wants(opening, closing):
            return
        code, only = self.code, self.only
        where = self.declared(code[start:opening])
        for match in _DESIGNATED.finditer(code, opening, closing + 1):
            name = match[2]
            if (only is not None and name not in only) or name.isupper() or name in _KEYWORDS:
                continue
            self.use(name, match.start(2), INITIALIZER, where, match[1].decode())
        for match in _POSITIONAL.finditer(code, opening, closing + 1):
            name = match[1]
            if (only is not None and name not in only) or name in _KEYWORDS:
                continue
            self.use(name, match.start(1), INITIALIZER, where, "")
        for match in _ARGUMENT.finditer(code, opening, closing):
            name = match[2]
            if self.asked(name):
                self.argument(name, match.start(2), opening)

    def declared(self, header: bytes) -> str:
        """Return the struct's type and the variable of a declaration, joined by ``:``."""
        flat = re.sub(rb"\[[^\]]*\]", b" ", header)
        found: list[bytes] = [
            word
            for word in _WORD.findall(flat)
            if word not in {b"static", b"const", b"extern", b"volatile"}
            and self.table.action(word) not in _BLANKS
        ]
        while len(found) > 1 and found[-1].startswith(b"__"):
            found.pop()
        if not found:
            return ":"
        for tag in (b"struct", b"union"):
            if tag in found[:-1]:
                kind = tag + b" " + found[found.index(tag) + 1]
                return (kind + b":" + found[-1]).decode()
        kind = found[-2] if len(found) > 1 else b""
        return (kind + b":" + found[-1]).decode()

    def gap(self, start: int, end: int) -> None:
        """Tell the values in macro calls and plain initializers at file scope."""
        code = self.code
        plain = code.find(b"=", start, end) >= 0
        if not (plain or code.find(b"(", start, end) >= 0) or not self.wants(start, end):
            return
        for match in _FILE_MACRO.finditer(code, start, end):
            if match[1] in _KEYWORDS:
                continue
            for value in _ANY_ARGUMENT.finditer(code, *match.span(2)):
                if self.asked(value[1]):
                    self.argument(value[1], value.start(1), match.start(1))
        if plain:
            self.plain_initializers(start, end)

    def plain_initializers(self, start: int, end: int) -> None:
        """Tell the values of file scope objects that are initialized without braces."""
        for match in _FILE_VALUE.finditer(self.code, start, end):
            if match[2] is not None:
                if self.asked(match[2]):
                    self.use(match[2], match.start(2), ASSIGNMENT, "", match[1].decode())
                continue
            for value in _ARGUMENT.finditer(self.code, *match.span()):
                if self.asked(value[2]):
                    self.argument(value[2], value.start(2), match.start())


def _simple_header(header: bytes) -> tuple[bytes, int] | None:
    """Return name and offset of ``type name(parameters)``, None for any other header."""
    opening = header.find(b"(")
    if header.find(b"(", opening + 1) >= 0 or not header.rstrip().endswith(b")"):
        return None
    head = header[:opening].rstrip()
    at = 1 + max(head.rfind(mark) for mark in (b" ", b"*", b"\t", b"\n"))
    name = head[at:]
    return (name, at) if _NAME.fullmatch(name) else None


def _groups(header: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give each outer ``word(``: the word, its offset, and the offset after the ``(``."""
    depth = 0
    last: tuple[bytes, int] | None = None
    for match in _HEADER_TOKEN.finditer(header):
        if match[1] is not None:
            if depth == 0:
                last = (match[1], match.start())
        elif match[2] == b"(":
            if depth == 0 and last is not None:
                yield (*last, match.end())
            depth += 1
            last = None
        else:
            depth -= 1


def _first_word(code: bytes, word: bytes, start: int, last: int) -> int:
    """Return the first offset of ``word`` from ``start`` on; ``last`` is where it stands."""
    at = code.find(word, start)
    while at < last:
        if not _in_word(code[at - 1 : at]) and not _in_word(
            code[at + len(word) : at + len(word) + 1]
        ):
            return at
        at = code.find(word, at + 1)
    return last


def _in_word(letter: bytes) -> bool:
    return letter.isalnum() or letter == b"_"


def _callee(code: bytes, at: int, lowest: int) -> tuple[bytes, int] | None:
    """Return the function that an argument at ``at`` is given to, and the argument's index."""
    found = _opening(code, at, max(lowest, at - _REACH))
    if found is None:
        return None
    opening, index = found
    name = _WORD_BEFORE.search(code, max(0, opening - 80), opening)
    if name is None or name[1] in _KEYWORDS:
        return None
    return name[1], index


def _opening(code: bytes, at: int, lowest: int) -> tuple[int, int] | None:
    """Return the ``(`` that ``at`` stands in, and the commas between on the same level."""
    depth = commas = 0
    for match in _BACKWARD.finditer(code[lowest:at][::-1]):
        mark = match[0]
        if mark in b")]}":
            depth += 1
        elif depth and mark in b"([{":
            depth -= 1
        elif mark == b"(":
            return at - match.end(), commas
        elif depth == 0 and mark == b",":
            commas += 1
        elif depth == 0:
            return None
    return None


#: How far an argument may be from the start of its call, in bytes.
_REACH: Final = 2000


class Lines:
    """Which definition of a file a line stands in; can be kept as numbers and one text."""

    __slots__ = ("_asked", "_ends", "_flags", "_names", "_starts")

    def __init__(
        self, starts: array[int], ends: array[int], flags: bytes, names: str | list[str]
    ) -> None:
        self._starts = starts
        self._ends = ends
        self._flags = flags
        self._names = names
        self._asked = False

    @classmethod
    def of(cls, definitions: Iterable[Definition]) -> Lines:
        """Return the lines of these definitions, in any order."""
        ordered = sorted(definitions, key=lambda one: (one.line, -one.end))
        return cls(
            array("I", [one.line for one in ordered]),
            array("I", [one.end for one in ordered]),
            bytes(one.flags for one in ordered),
            [one.name for one in ordered],
        )

    def pack(self) -> tuple[bytes, str]:
        """Return what :meth:`unpack` makes the same object of, on the same machine."""
        return (
            self._starts.tobytes() + self._ends.tobytes() + self._flags,
            "\n".join(self._known_names()),
        )

    @classmethod
    def unpack(cls, numbers: bytes, names: str) -> Lines:
        """Return the object that :meth:`pack` was asked of; ValueError for what it gave not."""
        width = array("I").itemsize
        count, left = divmod(len(numbers), 2 * width + 1)
        if left or (names.count("\n") + 1 if names else 0) != count:
            raise ValueError("as many names as numbers were kept")
        return cls(
            array("I", numbers[: count * width]),
            array("I", numbers[count * width : 2 * count * width]),
            numbers[2 * count * width :],
            names,
        )

    def around(self, line: int) -> Definition | None:
        """Return the innermost definition around ``line``, None at file scope."""
        ends = self._ends
        at = bisect_right(self._starts, line) - 1
        last = max(0, at - _NEAR + 1)
        while at >= last:
            if ends[at] >= line:
                return self._definition(at)
            at -= 1
        return None

    def called(self, name: str) -> Iterator[Definition]:
        """Give the definitions of ``name``."""
        names = self._names
        if isinstance(names, str) and name not in names:
            return
        for index, known in enumerate(self._known_names()):
            if known == name:
                yield self._definition(index)

    def __iter__(self) -> Iterator[Definition]:
        return map(self._definition, range(len(self._starts)))

    def _known_names(self) -> list[str]:
        if isinstance(self._names, str):
            self._names = self._names.split("\n") if self._names else []
        return self._names

    def _definition(self, index: int) -> Definition:
        names = self._names
        if isinstance(names, str) and not self._asked:
            # most files are asked for one name: those behind it stay unread
            self._asked = True
            name = names.split("\n", index + 1)[index]
        else:
            name = self._known_names()[index]
        return Definition(name, self._starts[index], self._ends[index], self._flags[index])


#: A macro may be defined inside of a function: then the function starts further up.
_NEAR: Final = 64
