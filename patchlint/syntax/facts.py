"""Image in, facts out: rewrite the macros, parse, sweep, and mend what the parser lost."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.model.facts import FileFacts, Function
from patchlint.syntax import macro_bodies, parse
from patchlint.syntax.brackets import unmatched
from patchlint.syntax.kernel_macros import Prepared, Table, compile_table, rewrite
from patchlint.syntax.scan import FunctionSpan, function_spans, name_lines, only
from patchlint.syntax.sweep import Known, Sweep
from patchlint.syntax.text import short_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from patchlint.model.image import Image
    from patchlint.model.kernel import Macro

#: So many functions that the parser lost are read each alone, more of them together.
_ALONE: Final = 64


def extract(image: Image, macros: Sequence[Macro]) -> FileFacts:
    """Give the facts of an image: only what stands on lines that it knows.

    Never raises; text that is no C gives few facts or none.
    """
    known = None if image.whole else image.known
    return extract_text(image.path, image.text, macros, known, image.headers)


def extract_text(
    path: str,
    text: bytes,
    macros: Sequence[Macro],
    known: Known | None = None,
    headers: frozenset[int] = frozenset(),
) -> FileFacts:
    """Give the facts of a file's text.

    ``known`` are the line intervals that are really the file's, None for all lines;
    ``headers`` the lines outside them that hold a function's header.
    """
    text, unread = short_lines(text)
    reader = _Reader(path, compile_table(macros), known, headers, unread)
    sweep, broken, macro_nodes, prepared = reader.read(text)
    functions = list(sweep.functions)
    missed: list[tuple[int, int]] = []
    if broken:
        functions, missed = reader.mended(functions, text)
    functions.extend(reader.macros(text, macro_nodes))
    functions.extend(reader.scopes(prepared))
    functions.sort(key=lambda function: function.line)
    return FileFacts(
        path,
        tuple(functions),
        tuple(sweep.macros),
        tuple(sweep.initializers),
        tuple(sweep.globals),
        tuple(sweep.fields),
        tuple(sweep.declared),
        errors=broken,
        unread=tuple(sorted(unread)),
        # between gaps the parser may be content with what a comment without an end left over
        unmatched=tuple(unmatched(text, known)) if broken or known is not None else (),
        missed=tuple(missed),
    )


def extract_functions(
    path: str, text: bytes, names: Collection[str], macros: Sequence[Macro]
) -> FileFacts:
    """Give the facts of the named functions alone, without parsing the rest of the file.

    The functions are found by the kernel's layout, so that one which does not keep to it
    is missing; all other facts are only those that stand inside the functions.
    """
    spans = [span for span in function_spans(text, compile_table(macros)) if span.name in names]
    if not spans:
        return FileFacts(path, (), (), ())
    return extract_text(path, only(text, spans), macros)


class _Reader(Struct, frozen=True):
    """How one file is read; the fields are the arguments of :func:`extract_text`."""

    path: str
    table: Table
    known: Known | None
    headers: frozenset[int]
    #: spans of lines that the parser gave up on
    unread: list[tuple[int, int]]

    def read(self, text: bytes) -> tuple[Sweep, bool, Sequence[parse.Node], Prepared]:
        """Give the sweep of a text, whether the parser met errors, and its macros' nodes."""
        prepared = rewrite(text, self.table)
        root = parse.parse(prepared.text)
        found = {} if root is None else parse.captures(root)
        sweep = Sweep(self.path, prepared, text, self.table, known=self.known, headers=self.headers)
        sweep.run(found)
        if root is None:
            self._gave_up(text)
        return sweep, root is None or root.has_error, found.get("macro", ()), prepared

    def _gave_up(self, text: bytes) -> None:
        """Note the lines of a text but for the empty ones around it."""
        first = text[: len(text) - len(text.lstrip())].count(b"\n") + 1
        self.unread.append((first, first + text.strip().count(b"\n")))

    def mended(
        self, functions: Sequence[Function], text: bytes
    ) -> tuple[list[Function], list[tuple[int, int]]]:
        """Read anew, each alone, the functions that an error hid or that swallowed others.

        Also gives the lines of those of which nothing comes so either.
        """
        spans = function_spans(text, self.table)
        lines = name_lines(text, spans)
        placed = {(span.name, line): span for span, line in zip(spans, lines, strict=True)}
        for function in functions:
            placed.pop((function.name, function.line), None)
        lost: list[FunctionSpan] = list(placed.values())
        if not lost:
            return list(functions), []
        result: list[Function] = []
        places = dict(zip(lines, spans, strict=True))
        for function in functions:
            own = places.get(function.line)
            after = bisect_right(lines, function.line)
            inside = function.errors and after < len(lines) and lines[after] <= function.end
            if inside and own is not None:
                lost.append(own)
            else:
                result.append(function)
        groups = [[span] for span in lost] if len(lost) <= _ALONE else [lost]
        for group in groups:
            names = {span.name for span in group}
            sweep, _, _, _ = self.read(only(text, group))
            result.extend(one for one in sweep.functions if one.name in names)
        # what stands in a gap may look like a header; another function goes on around it
        read = tuple((function.line, function.end) for function in result)
        wanted = [_span_lines(text, span) for span in lost]
        missed = [span for span in wanted if self.known is None or _met(self.known, span)]
        return result, [span for span in missed if not _met(read, span)]

    def macros(self, text: bytes, nodes: Sequence[parse.Node]) -> list[Function]:
        """Give the function-like macros that call something, as functions."""
        code = macro_bodies.as_functions(text, nodes)
        if not code:
            return []
        prepared = rewrite(code, self.table)
        sweep = Sweep(self.path, prepared, code, self.table, known=self.known, macros=True)
        root = parse.parse(prepared.text)
        if root is None:
            self._gave_up(code)
            return []
        sweep.run(parse.captures(root))
        return [function for function in sweep.functions if function.calls]

    def scopes(self, prepared: Prepared) -> list[Function]:
        """Give what the end of a scope does, by each class that the text defines, as functions.

        They are called ``__free_NAME``.  Nothing calls them by that name: the release itself
        stands where a variable of the class is declared.
        """
        code, line = b"", 1
        for at, name, kind, body in prepared.scope_bodies:
            if at < line or (self.known is not None and not _within(self.known, at)):
                continue
            text = b"static void __free_%s(%s _T) {%s;}" % (name, kind, body)
            code += b"\n" * (at - line) + text
            line = at + text.count(b"\n")
        if not code:
            return []
        inner = rewrite(code, self.table)
        sweep = Sweep(self.path, inner, code, self.table, known=self.known)
        root = parse.parse(inner.text)
        if root is None:
            self._gave_up(code)
            return []
        sweep.run(parse.captures(root))
        return list(sweep.functions)


def _within(known: Known, line: int) -> bool:
    return any(first <= line <= last for first, last in known)


def _span_lines(text: bytes, span: FunctionSpan) -> tuple[int, int]:
    first = text.count(b"\n", 0, span.start) + 1
    return first, first + text.count(b"\n", span.start, span.end)


def _met(spans: Known, span: tuple[int, int]) -> bool:
    """Whether any line of a span is in one of others."""
    return any(first <= span[1] and span[0] <= last for first, last in spans)
