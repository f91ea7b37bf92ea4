"""Rewrites kernel C so that a plain C grammar can read it; length and lines stay.

Which words are macros, and what to do with them, is data (``rules/kernel/macros.toml``).
An entry's ``action`` is one of these:

=================  ==========================================================================
``blank``          the word becomes spaces (``__user``)
``blank-call``     the word and the parentheses after it become spaces (``__releases(lock)``)
``blank-args``     what stands in the parentheses becomes spaces (``asm_goto(...)``)
``blank-asm``      word, qualifiers and parentheses become spaces (``asm volatile (...)``)
``word``           the parentheses after the word become spaces (``typeof(x)``)
``static``         the word becomes ``static`` when it is as long (``STATIC``)
``blank-prefix``   the word becomes spaces unless a comma or parenthesis follows (``KERN_ERR``)
``type-args``      arguments that are types become identifiers (``container_of(p, struct s, m)``)
``keyword-call``   likewise, for a word that the grammar treats as a keyword (``offsetof``)
``loop``           a loop head becomes ``while (...)`` (``list_for_each(...)``)
``loop-end``       what follows the block of a ``do`` becomes ``while (...)``
``scoped``         the same, for a block that runs once (``scoped_guard(class, ...)``)
``statement``      a declaration by macro becomes a call: storage words before it become
                   spaces, type arguments identifiers, a missing semicolon is made up for
``variable``       ``M(type, name)`` becomes ``type name``
``array``          ``M(name, size)`` becomes ``long name[size]``
``header``         ``M(name, type a)`` followed by a block becomes ``long name(type a)``
``header-pairs``   ``M(name, type, a, ...)`` becomes ``long name(type a, ...)``
``syscall``        likewise, and the function is an entry of kind ``syscall``
``scope-free``     ``blank-call``, and the variable before it is released at scope exit
``scope-class``    a call; the variable it declares is released at scope exit
``scope-guard``    a call; what it takes is released at scope exit
``free F``         not a word of its own: ``F`` is what ``scope-free`` of this name calls
``class F [C]``    likewise for ``scope-class``; ``C`` is the constructor
``guard F [C]``    likewise for ``scope-guard`` and ``scoped``
=================  ==========================================================================

Besides, without any table: conditional directives that cut through an expression, an
initializer or a statement are resolved for their first branch, ranges of ``case`` become
expressions, ``struct s`` among arguments becomes an identifier, a call in column 0 without
a semicolon is closed, and a statement that is a call followed by a block is a loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from patchlint.model.kernel import Macro

#: How far a parenthesis may be from the one that closes it.
_REACH: Final = 6000

_TOKEN: Final = re.compile(
    rb"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/"
    rb"|//[^\n]*"
    rb'|"(?:[^"\\\n]|\\.)*"'
    rb"|'(?:[^'\\\n]|\\.)+'"
    rb"|(\n[ \t]*#[ \t]*(?:define[ \t]+\w+(?:\([^)\n]*\))?|(?:\\\r?\n|[^\n])*))"
    rb"|(\.\.\.)"
    rb"|(\n[A-Za-z_]\w*(?=\())"
    rb"|[A-Za-z_]\w*",
    re.DOTALL,
)
_FIRST_DIRECTIVE: Final = re.compile(rb"[ \t]*#[^\n]*")
_PUNCTUATION: Final = re.compile(
    rb'/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\''
    rb"|([()\[\]{},])",
    re.DOTALL,
)
_SIMPLE_ARGS: Final = re.compile(rb"\(([^(){}\[\]\"'/]*)\)")
_SPACE: Final = re.compile(rb"(?:\s|\\\r?\n|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*)*")
_TYPE_ARG: Final = re.compile(
    rb"\s*(?!sizeof\b|typeof\b)"
    rb"(?:(?:\w+\s+)+\w+[\s*]*|\w+\s*\*[\s*]*|(?:\w+\s+)*\w+\s*\*[\s*]*(?:const|volatile)\s*"
    rb"|(?:void|char|short|int|long|float|double|bool|size_t|ssize_t|signed|unsigned"
    rb"|u?int(?:8|16|32|64|ptr)_t|ptrdiff_t))\s*"
)
_NOT_WORD: Final = re.compile(rb"[^\w\n]")
_NOT_NEWLINE: Final = re.compile(rb"[^\n]")
_STORAGE: Final = re.compile(rb"(?:^|\n)[ \t]*((?:(?:static|extern|const|inline|volatile)\s+)+)\Z")
_TAG_ARG: Final = re.compile(rb"(?:struct|union|enum)\s+\w+[\s*]*(?=([,)]))")
_TAGS: Final = frozenset({b"struct", b"union", b"enum"})
_BLOCK_CALL: Final = re.compile(
    rb"\n[ \t]+(?!(?:if|for|while|switch|return|else|do)\b)([A-Za-z_]\w*)[ \t]?"
    rb"\([^;{}\n]*\)[ \t]*\{[ \t]*(?=\n)"
)
_LAST_WORD: Final = re.compile(rb"([A-Za-z_]\w*)\s*\Z")
_ASM_WORDS: Final = re.compile(
    rb"(?:\s|volatile\b|__volatile__\b|__volatile\b|goto\b|inline\b|__inline\b)*"
)
_CASE: Final = re.compile(rb"\bcase\b[^;{}]*\Z")
_KEYWORDS: Final = frozenset(
    b"if for while switch return sizeof else do case goto typedef struct union enum".split()
)
_BEFORE_STATEMENT: Final = frozenset(b";{}:)")


class Span(NamedTuple):
    """A half-open range of bytes."""

    start: int
    end: int


class ScopeExit(NamedTuple):
    """A variable attribute at ``offset`` that releases at scope exit: class name."""

    offset: int
    name: bytes


@dataclass(frozen=True, slots=True)
class Table:
    """The macro table, ready for look-ups by word.

    ``releases`` maps (kind, class name) to the names that the release and, if known, the
    constructor have.
    """

    names: dict[bytes, str]
    patterns: tuple[tuple[re.Pattern[bytes], str], ...]
    releases: dict[tuple[str, str], tuple[str, ...]]
    seen: dict[bytes, str] = field(default_factory=dict, compare=False)

    def action(self, word: bytes) -> str:
        """Give the action for a word, ``""`` for a word that is no macro."""
        if word in _TAGS:
            return "tag"
        known = self.names.get(word)
        if known is not None:
            return known
        for pattern, action in self.patterns:
            if pattern.fullmatch(word):
                return action
        return ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rewritten text of the same length, and the releases at scope exit that it hides."""

    text: bytes
    scope_exits: tuple[ScopeExit, ...]


@lru_cache(maxsize=8)
def _compile(entries: tuple[tuple[str, str, bool], ...]) -> Table:
    names: dict[bytes, str] = {}
    patterns: list[tuple[re.Pattern[bytes], str]] = []
    releases: dict[tuple[str, str], tuple[str, ...]] = {}
    for pattern, action, regex in entries:
        kind, *targets = action.split()
        if kind in {"free", "class", "guard"}:
            releases[kind, pattern] = tuple(targets)
        elif regex:
            patterns.append((re.compile(pattern.encode()), action))
        else:
            names[pattern.encode()] = action
    return Table(names, tuple(patterns), releases)


def compile_table(macros: Sequence[Macro]) -> Table:
    """Make a table out of the rules' macros.  Same macros, same table."""
    return _compile(tuple((macro.pattern, macro.action, macro.regex) for macro in macros))


def prepare(text: bytes, macros: Sequence[Macro]) -> bytes:
    """Give ``text`` rewritten for a C grammar: same length, newlines at the same places."""
    return rewrite(text, compile_table(macros)).text


def arguments(text: bytes, opening: int) -> tuple[int, list[Span]] | None:
    """Find the parenthesis that closes the one at ``opening``, and the arguments between.

    None when it is not found within a few thousand bytes.  Empty parentheses have no
    arguments; spans keep their white space.
    """
    simple = _SIMPLE_ARGS.match(text, opening, opening + _REACH)
    if simple:
        start, end = simple.span(1)
        inner = text[start:end]
        if not inner.strip():
            return end, []
        spans = []
        for piece in inner.split(b","):
            spans.append(Span(start, start + len(piece)))
            start += len(piece) + 1
        return end, spans
    depth, start, spans = 0, opening + 1, []
    for match in _PUNCTUATION.finditer(text, opening, opening + _REACH):
        mark = match.group(1)
        if mark is None:
            continue
        if mark in b"([{":
            depth += 1
        elif mark in b")]}":
            depth -= 1
            if depth == 0:
                if mark != b")":
                    return None
                end = match.start()
                if spans or text[start:end].strip():
                    spans.append(Span(start, end))
                return end, spans
        elif depth == 1:
            spans.append(Span(start, match.start()))
            start = match.end()
    return None


class _Edit:
    """One text under rewriting.  ``text`` stays as it came, ``out`` changes."""

    def __init__(self, text: bytes, table: Table) -> None:
        self.text = text
        self.table = table
        self.out = bytearray(text)
        self.scope_exits: list[ScopeExit] = []

    def blank(self, start: int, end: int) -> None:
        """Turn all but newlines into spaces."""
        self.out[start:end] = _NOT_NEWLINE.sub(b" ", self.text[start:end])

    def skip_space(self, position: int) -> int:
        """Give the first position that is neither white space nor comment."""
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def following(self, position: int) -> bytes:
        """Give the first byte of code from ``position`` on, empty at the end."""
        position = self.skip_space(position)
        return self.text[position : position + 1]

    def opening(self, end: int) -> int | None:
        """Give the position of the ``(`` that follows a word that ends at ``end``."""
        position = self.skip_space(end)
        return position if self.text[position : position + 1] == b"(" else None

    def call(self, end: int) -> tuple[int, int, list[Span]] | None:
        """Give opening, closing and arguments of the call whose word ends at ``end``."""
        opening = self.opening(end)
        if opening is None:
            return None
        found = arguments(self.text, opening)
        return None if found is None else (opening, *found)

    def before(self, position: int) -> bytes:
        """Give some rewritten bytes that end in the last code before ``position``."""
        end = self.code_end(position)
        return bytes(self.out[max(0, end - 80) : end])

    def code_end(self, position: int) -> int:
        """Give where the code before ``position`` ends: no comments, no directives."""
        out = self.out
        while position:
            while position and out[position - 1] in b" \t\r\n\f\v\\":
                position -= 1
            if out.startswith(b"*/", max(0, position - 2)):
                position = max(0, out.rfind(b"/*", 0, max(0, position - 2)))
                continue
            line = self.directive_line(position)
            if line is not None:
                position = line
                continue
            line = out.rfind(b"\n", 0, position) + 1
            comment = out.find(b"//", line, position)
            if comment < 0:
                break
            position = comment
        return position

    def directive_line(self, position: int) -> int | None:
        """Give the start of the directive that ``position`` stands in, None outside."""
        line = self.text.rfind(b"\n", 0, position) + 1
        while line >= 2 and self.text[line - 2 : line] == b"\\\n":  # noqa: PLR2004
            line = self.text.rfind(b"\n", 0, line - 1) + 1
        return line if _FIRST_DIRECTIVE.match(self.text, line, position) else None

    def type_arguments(self, spans: Sequence[Span]) -> None:
        """Turn arguments that are types into identifiers."""
        for start, end in spans:
            piece = self.text[start:end]
            if not _TYPE_ARG.fullmatch(piece):
                continue
            stripped = piece.strip()
            start += piece.index(stripped)
            name = _NOT_WORD.sub(b"_", stripped)
            if name == stripped:
                name = name[:-1] + b"_"
            if b"\n" not in name:
                self.out[start : start + len(name)] = name


def _blank(edit: _Edit, start: int, end: int) -> int:
    if edit.out.startswith(edit.text[start:end], start):
        edit.blank(start, end)
    return end


def _blank_prefix(edit: _Edit, start: int, end: int) -> int:
    following = edit.following(end)
    if following not in (b",", b")", b"(", b";"):
        edit.blank(start, end)
    return end


def _blank_call(edit: _Edit, start: int, end: int) -> int:
    call = edit.call(end)
    end = end if call is None else call[1] + 1
    edit.blank(start, end)
    return end


def _blank_args(edit: _Edit, _start: int, end: int) -> int:
    call = edit.call(end)
    if call is None:
        return end
    edit.blank(call[0] + 1, call[1])
    return call[1]


def _blank_asm(edit: _Edit, start: int, end: int) -> int:
    words = _ASM_WORDS.match(edit.text, end)
    return _blank_call(edit, start, words.end() if words else end)


def _word(edit: _Edit, _start: int, end: int) -> int:
    call = edit.call(end)
    if call is None:
        return end
    edit.blank(end, call[1] + 1)
    return call[1] + 1


def _static(edit: _Edit, start: int, end: int) -> int:
    if end - start == len(b"static"):
        edit.out[start:end] = b"static"
    return end


def _type_args(edit: _Edit, _start: int, end: int) -> int:
    call = edit.call(end)
    if call is not None:
        edit.type_arguments(call[2])
    return end


def _keyword_call(edit: _Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is not None:
        edit.out[end - 1] = ord("0")
        edit.type_arguments(call[2])
    return end


def _loop(edit: _Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None or end - start < len(b"while"):
        return end
    opening, closing, spans = call
    following = edit.following(closing + 1)
    if not (following.isalnum() or following in (b"_", b"{", b"*", b"(", b"+", b"-", b"#")):
        edit.type_arguments(spans)
        return end
    if not edit.out.startswith(edit.text[start:end], start):
        return end
    before = edit.before(start)
    last = _LAST_WORD.search(before)
    if (
        before
        and before[-1] not in _BEFORE_STATEMENT
        and not (last and last[1] in (b"else", b"do"))
    ):
        return end
    edit.blank(start, opening)
    edit.out[start : start + 5] = b"while"
    if spans:
        edit.type_arguments(spans)
    else:
        edit.blank(start, closing + 1)
        edit.out[start : start + 8] = b"while(1)"
        if closing + 1 - start < len(b"while(1)"):
            edit.out[start : closing + 1] = edit.text[start : closing + 1]
    return end


def _loop_end(edit: _Edit, start: int, end: int) -> int:
    if edit.before(start)[-1:] == b"}" and end - start >= len(b"while") and edit.opening(end):
        edit.blank(start, end)
        edit.out[start : start + 5] = b"while"
    return end


def _statement(edit: _Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None:
        return end
    opening, closing, spans = call
    before = bytes(edit.out[max(0, start - 120) : start])
    storage = _STORAGE.search(before)
    column0 = start == 0 or edit.text[start - 1 : start] == b"\n"
    if storage:
        first = start - len(storage[1])
        edit.blank(first, start)
        column0 = first == 0 or edit.text[first - 1 : first] == b"\n"
    edit.type_arguments(spans)
    if column0:
        _close(edit, opening, closing, spans)
    return end


def _close(edit: _Edit, opening: int, closing: int, spans: Sequence[Span]) -> None:
    """Make ``name=argument;`` of a call in column 0 that no semicolon follows."""
    after = edit.skip_space(closing + 1)
    text = edit.text
    following = text[after : after + 1]
    if following and not (following.isalnum() or following in (b"_", b"#", b"}")):
        return
    if following and text[after - 1 : after] != b"\n" and text[after : after + 1] != b"#":
        return
    if not spans:
        return
    edit.out[opening] = ord("=")
    edit.out[closing] = ord(";")
    for span in spans[1:]:
        edit.out[span.start - 1] = ord("+")


def _variable(edit: _Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None or len(call[2]) < 2:  # noqa: PLR2004  a type and a name
        return end
    opening, closing, spans = call
    edit.blank(start, opening + 1)
    edit.blank(spans[0].end, spans[0].end + 1)
    edit.blank(spans[1].end, closing + 1)
    return end


def _array(edit: _Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None or len(call[2]) < 2 or end - start < len(b"long"):  # noqa: PLR2004
        return end
    opening, closing, spans = call
    edit.blank(start, opening + 1)
    edit.out[start : start + 4] = b"long"
    edit.out[spans[0].end] = ord("[")
    edit.blank(spans[1].start, closing)
    edit.out[closing] = ord("]")
    return closing


def _header_name(edit: _Edit, start: int, end: int) -> list[Span] | None:
    call = edit.call(end)
    if call is None or not call[2] or end - start < len(b"long"):
        return None
    opening, closing, spans = call
    if not re.fullmatch(rb"\s*\w+\s*", edit.text[slice(*spans[0])]):
        return None
    edit.blank(start, opening + 1)
    edit.out[start : start + 4] = b"long"
    if len(spans) == 1:
        name = edit.text[slice(*spans[0])]
        edit.out[opening : closing + 1] = name + b"()"
        return []
    edit.out[spans[0].end] = ord("(")
    return spans[1:]


def _header(edit: _Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call and edit.following(call[1] + 1) == b"{":
        _header_name(edit, start, end)
    return end


def _header_pairs(edit: _Edit, start: int, end: int) -> int:
    spans = _header_name(edit, start, end) or []
    index = 0
    while index < len(spans):
        span = spans[index]
        opening = edit.text.find(b"(", *span)
        if opening >= 0:
            closing = edit.text.rfind(b")", *span)
            for position in (opening, closing):
                if position >= 0:
                    edit.out[position] = ord(" ")
            index += 1
            continue
        if edit.text[span.end : span.end + 1] == b",":
            edit.out[span.end] = ord(" ")
        index += 2
    return end


def _tag(edit: _Edit, start: int, end: int) -> int:
    """Make one identifier of ``struct name *`` that stands among arguments."""
    match = _TAG_ARG.match(edit.text, start)
    if match is None or not edit.out.startswith(match.group(), start):
        return end
    near = edit.text[max(0, start - 60) : start].rstrip()
    if near[-1:] == b"(":
        word = _LAST_WORD.search(near[:-1])
        alone = match[1] == b")"
        if alone and (word is None or word[1] in _KEYWORDS or near[-2:-1].isspace()):
            return end
    elif near[-1:] != b",":
        return end
    edit.type_arguments([Span(start, match.end())])
    return end


def _scope_free(edit: _Edit, start: int, end: int) -> int:
    call = edit.call(end)
    if call is None or not call[2]:
        return end
    edit.scope_exits.append(ScopeExit(start, edit.text[slice(*call[2][0])].strip()))
    return _blank_call(edit, start, end)


def _scope_call(_edit: _Edit, _start: int, end: int) -> int:
    return end


_ACTIONS: Final[dict[str, Callable[[_Edit, int, int], int]]] = {
    "tag": _tag,
    "blank": _blank,
    "blank-call": _blank_call,
    "blank-args": _blank_args,
    "blank-asm": _blank_asm,
    "word": _word,
    "static": _static,
    "blank-prefix": _blank_prefix,
    "type-args": _type_args,
    "keyword-call": _keyword_call,
    "loop": _loop,
    "loop-end": _loop_end,
    "scoped": _loop,
    "statement": _statement,
    "variable": _variable,
    "array": _array,
    "header": _header,
    "header-pairs": _header_pairs,
    "syscall": _header_pairs,
    "scope-free": _scope_free,
    "scope-class": _scope_call,
    "scope-guard": _scope_call,
}

#: The actions that rewrite a word; the rest are look-ups for scope exits.
ACTIONS: Final = frozenset(_ACTIONS) | {"free", "class", "guard"}


def rewrite(text: bytes, table: Table) -> Prepared:
    """Rewrite ``text`` and keep what the rewriting hides.  Never raises."""
    edit = _Edit(text, table)
    seen = table.seen
    resume = 0
    directives: list[Span] = []
    first = _FIRST_DIRECTIVE.match(text)
    if first:
        directives.append(Span(*first.span()))
        resume = first.end()
    for match in _TOKEN.finditer(text, resume):
        special = match.lastindex
        if special is None:
            word = match.group()
            action = seen.get(word)
            if action is None:
                action = table.action(word)
                if len(seen) < 200_000:  # noqa: PLR2004  bounds the memory, not the result
                    seen[word] = action
            if action and match.start() >= resume:
                handler = _ACTIONS.get(action)
                if handler:
                    resume = handler(edit, match.start(), match.end())
        elif match.start() < resume:
            continue
        elif special == 1:
            directives.append(Span(match.start() + 1, match.end()))
        elif special == 2:  # noqa: PLR2004
            start = match.start()
            if _CASE.search(text, max(0, start - 80), start):
                edit.out[start : start + 3] = b" | "
        else:
            resume = max(resume, _column_zero(edit, match.start() + 1, match.end()))
    for match in _BLOCK_CALL.finditer(text):
        _loop(edit, *match.span(1))
    if directives:
        _conditionals(edit, directives)
    return Prepared(bytes(edit.out), tuple(edit.scope_exits))


def _column_zero(edit: _Edit, start: int, end: int) -> int:
    """Treat a call in column 0: by its table entry, else as a macro that lacks ``;``."""
    word = edit.text[start:end]
    handler = _ACTIONS.get(edit.table.action(word))
    if handler:
        return handler(edit, start, end)
    if word in _KEYWORDS:
        return end
    call = edit.call(end)
    if call is None:
        return end
    opening, closing, spans = call
    before = edit.before(start)
    if edit.following(closing + 1) == b"{" and before[-1:] == b")":
        edit.blank(start, closing + 1)
        return closing + 1
    if not before or before[-1:] in b";}" or before[-1:] in b'/)>"' or b"\n#" in before:
        edit.type_arguments(spans)
        _close(edit, opening, closing, spans)
    return end


_DIRECTIVE_WORD: Final = re.compile(
    rb"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b"
)
_ELSE: Final = re.compile(rb"else\b")
_CONTINUES: Final = re.compile(rb"else\b|[|&?:=+,.)-]")
_BRACKET: Final = re.compile(
    rb'/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\''
    rb"|([(\[{])|([)\]}])",
    re.DOTALL,
)
_NOISE: Final = re.compile(
    rb"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*|^[ \t]*#(?:\\\n|[^\n])*", re.DOTALL | re.MULTILINE
)


@dataclass(slots=True)
class _Group:
    """A conditional: its directive lines in order, and the conditionals inside it."""

    marks: list[Span]
    children: list[_Group]


def _groups(edit: _Edit, directives: Sequence[Span]) -> list[_Group]:
    top: list[_Group] = []
    stack: list[_Group] = []
    for span in directives:
        match = _DIRECTIVE_WORD.match(edit.text, *span)
        if not match:
            continue
        word = match[1]
        if word in (b"if", b"ifdef", b"ifndef"):
            stack.append(_Group([span], []))
        elif stack:
            stack[-1].marks.append(span)
            if word == b"endif":
                group = stack.pop()
                (stack[-1].children if stack else top).append(group)
    return top


def _conditionals(edit: _Edit, directives: Sequence[Span]) -> None:
    for group in _groups(edit, directives):
        _resolve(edit, group)


def _resolve(edit: _Edit, group: _Group) -> None:
    """Settle a conditional, inner ones first.  What a grammar can read is left alone."""
    for child in group.children:
        _resolve(edit, child)
    branches = [
        Span(one.end, other.start) for one, other in zip(group.marks, group.marks[1:], strict=False)
    ]
    shapes = [_shape(edit, branch) for branch in branches]
    code_end = edit.code_end(group.marks[0].start)
    before = edit.out[code_end - 1] if code_end else 0
    statement = before in (0, *b";{}:") and not _ELSE.match(
        edit.out, edit.skip_space(group.marks[-1].end)
    )
    if statement and before != ord(":") and all(shape.whole for shape in shapes):
        return
    for mark in group.marks:
        edit.blank(*mark)
    if statement and all(shape.whole or shape.labelled for shape in shapes):
        return
    if all(shape.balanced and (shape.listed or shape.empty) for shape in shapes):
        return
    chosen = next((index for index, shape in enumerate(shapes) if not shape.empty), 0)
    for index, branch in enumerate(branches):
        if index != chosen:
            edit.blank(*branch)


class _Shape(NamedTuple):
    """How a branch looks: brackets close, whole statements, ends in a label, in a comma."""

    balanced: bool
    whole: bool
    labelled: bool
    listed: bool
    empty: bool


def _shape(edit: _Edit, branch: Span) -> _Shape:
    code = _NOISE.sub(b"", bytes(edit.out[branch.start : branch.end])).strip()
    if not code:
        return _Shape(balanced=True, whole=True, labelled=False, listed=True, empty=True)
    depth = 0
    balanced = True
    for match in _BRACKET.finditer(code):
        if match.lastindex == 1:
            depth += 1
        elif match.lastindex == 2:  # noqa: PLR2004
            depth -= 1
            balanced = balanced and depth >= 0
    balanced = balanced and depth == 0
    last = code[-1:]
    begins = balanced and not _CONTINUES.match(code)
    return _Shape(
        balanced=balanced,
        whole=begins and last in b";}",
        labelled=begins and last == b":",
        listed=last == b",",
        empty=False,
    )
