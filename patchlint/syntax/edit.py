"""A text under rewriting: equal length, newlines where they were."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

#: How far a parenthesis may be from the one that closes it.
_REACH: Final = 6000

#: With more unclosed calls than this a text is no code, and calls are no longer looked for.
_PATIENCE: Final = 400

#: How long a comment may be that is passed over backwards.
_COMMENT_REACH: Final = 20_000

DIRECTIVE: Final = re.compile(rb"[ \t]*#[^\n]*")
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


class Span(NamedTuple):
    """A half-open range of bytes."""

    start: int
    end: int


class ScopeExit(NamedTuple):
    """A variable attribute at ``offset`` that releases at scope exit, and its class."""

    offset: int
    name: bytes


class MacroCall(NamedTuple):
    """The parentheses of a call, and the arguments between them with their white space."""

    opening: int
    closing: int
    spans: list[Span]


def arguments(text: bytes, opening: int) -> MacroCall | None:
    """Find the parenthesis that closes the one at ``opening``, and the arguments between.

    None when it is not found within a few thousand bytes.  Empty parentheses have no
    arguments; spans keep their white space.
    """
    simple = _SIMPLE_ARGS.match(text, opening, opening + _REACH)
    if simple:
        start, end = simple.span(1)
        inner = text[start:end]
        if not inner.strip():
            return MacroCall(opening, end, [])
        spans: list[Span] = []
        for piece in inner.split(b","):
            spans.append(Span(start, start + len(piece)))
            start += len(piece) + 1
        return MacroCall(opening, end, spans)
    return _nested_arguments(text, opening)


def _nested_arguments(text: bytes, opening: int) -> MacroCall | None:
    depth, start = 0, opening + 1
    spans: list[Span] = []
    for match in _PUNCTUATION.finditer(text, opening, opening + _REACH):
        mark = match[1]
        if mark is None:
            continue
        if mark in b"([{":
            depth += 1
        elif mark == b"," and depth == 1:
            spans.append(Span(start, match.start()))
            start = match.end()
        elif mark != b",":
            depth -= 1
            if depth == 0:
                break
    else:
        return None
    end = match.start()
    if mark != b")":
        return None
    if spans or text[start:end].strip():
        spans.append(Span(start, end))
    return MacroCall(opening, end, spans)


class Edit:
    """One text under rewriting.  ``text`` stays as it came, ``out`` changes."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.out = bytearray(text)
        self.scope_exits: list[ScopeExit] = []
        #: directive line -> end of the code before it, so that long runs are passed once
        self._code_ends: dict[int, int] = {}
        #: line of a continued directive -> the directive's first line
        self._directive_starts: dict[int, int] = {}
        self._unclosed = 0
        self.releases: dict[tuple[str, str], tuple[str, ...]] = {}
        #: scope-exit classes that the text defines: line of the name, name, type, what is done
        self.scope_bodies: list[tuple[int, bytes, bytes, bytes]] = []

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

    def call(self, end: int) -> MacroCall | None:
        """Give the parentheses after the word that ends at ``end``."""
        opening = self.opening(end)
        if opening is None or self._unclosed > _PATIENCE:
            return None
        found = arguments(self.text, opening)
        self._unclosed += found is None
        return found

    def before(self, position: int) -> bytes:
        """Give some rewritten bytes that end in the last code before ``position``."""
        end = self.code_end(position)
        return bytes(self.out[max(0, end - 80) : end])

    def code_end(self, position: int) -> int:
        """Give where the code before ``position`` ends: no comments, no directives."""
        out = self.out
        passed: list[int] = []
        while position:
            while position and out[position - 1] in b" \t\r\n\f\v\\":
                position -= 1
            if out.startswith(b"*/", max(0, position - 2)):
                reach = max(0, position - _COMMENT_REACH)
                start = out.rfind(b"/*", reach, max(0, position - 2))
                if start < 0:
                    break
                position = start
                continue
            line = self.directive_line(position)
            if line is not None:
                known = self._code_ends.get(line)
                if known is not None:
                    position = known
                    break
                passed.append(line)
                position = line
                continue
            line = out.rfind(b"\n", 0, position) + 1
            comment = out.find(b"//", line, position)
            if comment < 0:
                break
            position = comment
        for line in passed:
            self._code_ends[line] = position
        return position

    def directive_line(self, position: int) -> int | None:
        """Give the start of the directive that ``position`` stands in, None outside."""
        line = self.text.rfind(b"\n", 0, position) + 1
        passed: list[int] = []
        while line >= 2 and self.text[line - 2 : line] == b"\\\n":  # noqa: PLR2004
            known = self._directive_starts.get(line)
            if known is not None:
                line = known
                break
            passed.append(line)
            line = self.text.rfind(b"\n", 0, line - 1) + 1
        for one in passed:
            self._directive_starts[one] = line
        return line if DIRECTIVE.match(self.text, line, position) else None

    def type_arguments(self, spans: Sequence[Span]) -> None:
        """Turn arguments that are types into identifiers."""
        for span in spans:
            piece = self.text[span.start : span.end]
            if not _TYPE_ARG.fullmatch(piece):
                continue
            stripped = piece.strip()
            start = span.start + piece.index(stripped)
            name = _NOT_WORD.sub(b"_", stripped)
            if name == stripped:
                name = name[:-1] + b"_"
            if b"\n" not in name:
                self.out[start : start + len(name)] = name
