"""Finds functions without parsing, by the kernel's layout: bodies end in column 0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from collections.abc import Collection

    from patchlint.syntax.kernel_macros import Table

_HEADER: Final = lazy(
    rb"^([A-Za-z_][^\n;{}=#]*(?:\n(?![{}#])[^\n;{}=#]*){0,40})\n?\{", re.MULTILINE
)
_NAME: Final = lazy(rb"([A-Za-z_]\w*)\s*\(\s*([A-Za-z_]\w*)?")
_COMMENT: Final = lazy(rb"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_NO_FUNCTION: Final = lazy(rb"(?:struct|union|enum|typedef)\s+\w*\s*\Z")
_LOUD: Final = lazy(rb"[A-Z_][A-Z0-9_]+")
_STORAGE: Final = lazy(rb"(?:(?:static|inline)\s+)*")
_NAMED_BY_ARGUMENT: Final = frozenset({"syscall", "header", "header-pairs"})
_ANNOTATION: Final = frozenset({"blank-call", "word", "blank-args"})


class FunctionSpan(NamedTuple):
    """Where a function stands: name, bytes from its header to its closing brace."""

    name: str
    start: int
    end: int


def function_spans(text: bytes, table: Table) -> list[FunctionSpan]:
    """List the functions that the layout shows, in order.

    Errs towards too few: a body whose closing brace is not in column 0 reaches to the
    next one that is, and a header that is not at the start of a line is not seen.
    """
    spans: list[FunctionSpan] = []
    position = 0
    while True:
        match = _HEADER.search(text, position)
        if match is None:
            return spans
        head = match[1]
        position = match.end()
        name = _name(_COMMENT.sub(b" ", head), table)
        if name is None:
            continue
        end = _end(text, match.end())
        spans.append(FunctionSpan(name, match.start(), end))
        position = end


def _name(head: bytes, table: Table) -> str | None:
    if _NO_FUNCTION.match(head):
        return None
    for match in _NAME.finditer(head):
        action = table.action(match[1])
        if action in _ANNOTATION:
            continue
        loud = _LOUD.fullmatch(match[1]) and _STORAGE.fullmatch(head, 0, match.start())
        word = match[2] if action in _NAMED_BY_ARGUMENT or loud else match[1]
        return word.decode() if word else None
    return None


def _end(text: bytes, opening: int) -> int:
    """Give the end of the body whose brace ends at ``opening``."""
    line_end = text.find(b"\n", opening)
    if line_end < 0:
        return len(text)
    line = text[opening:line_end].rstrip()
    if line.endswith(b"}") and line.count(b"}") == line.count(b"{") + 1:
        return line_end
    closing = text.find(b"\n}", opening)
    return len(text) if closing < 0 else closing + 2


def only(text: bytes, spans: Collection[FunctionSpan]) -> bytes:
    """Give ``text`` with nothing but the spans, all on the lines that they had."""
    pieces: list[bytes] = []
    position = 0
    for span in sorted(spans, key=lambda one: one.start):
        if span.start < position:
            continue
        pieces.append(b"\n" * text.count(b"\n", position, span.start))
        pieces.append(text[span.start : span.end])
        position = span.end
    return b"".join(pieces)


def name_lines(text: bytes, spans: Collection[FunctionSpan]) -> list[int]:
    """Give the line, from 1, of each function's name; ``spans`` in order."""
    lines: list[int] = []
    line, position = 1, 0
    for span in spans:
        found = re.compile(rb"\b%s\b" % span.name.encode()).search(text, span.start, span.end)
        at = found.start() if found else span.start
        line += text.count(b"\n", position, at)
        position = at
        lines.append(line)
    return lines
