"""Image in, facts out: rewrite the macros, parse, sweep, and mend what the parser lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.model.facts import FileFacts, Function
from patchlint.syntax import macro_bodies, parse
from patchlint.syntax.kernel_macros import Table, compile_table, rewrite
from patchlint.syntax.scan import FunctionSpan, function_spans, only
from patchlint.syntax.sweep import Known, Sweep

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from patchlint.model.image import Image
    from patchlint.model.kernel import Macro


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
    table = compile_table(macros)
    sweep, broken, found = _read(path, text, table, known, headers)
    functions = sweep.functions
    if broken:
        functions = _mended(functions, path, text, table, known, headers)
    functions = [*functions, *_macro_functions(path, text, table, known, found)]
    functions.sort(key=lambda function: function.line)
    return FileFacts(
        path,
        tuple(functions),
        tuple(sweep.macros),
        tuple(sweep.initializers),
        tuple(sweep.globals),
        tuple(sweep.fields),
        tuple(sweep.declared),
    )


def extract_functions(
    path: str, text: bytes, names: Collection[str], macros: Sequence[Macro]
) -> FileFacts:
    """Give the facts of the named functions alone, without parsing the rest of the file.

    The functions are found by the kernel's layout, so that one which does not keep to it
    is missing; all other facts are only those that stand inside the functions.
    """
    table = compile_table(macros)
    spans = [span for span in function_spans(text, table) if span.name in names]
    if not spans:
        return FileFacts(path, (), (), ())
    return extract_text(path, only(text, spans), macros)


def _read(
    path: str, text: bytes, table: Table, known: Known | None, headers: frozenset[int]
) -> tuple[Sweep, bool, list[parse.Node]]:
    """Give the sweep of a text, whether the parser met errors, and the macros' nodes."""
    prepared = rewrite(text, table)
    root = parse.parse(prepared.text)
    found = parse.captures(root)
    sweep = Sweep(path, prepared, text, table, known=known, headers=headers)
    sweep.run(found)
    return sweep, root.has_error, found.get("macro", [])


def _mended(
    functions: Sequence[Function],
    path: str,
    text: bytes,
    table: Table,
    known: Known | None,
    headers: frozenset[int],
) -> list[Function]:
    """Read anew, each alone, the functions that an error hid or that swallowed others."""
    spans = function_spans(text, table)
    lines = _lines(text, spans)
    seen = {(function.name, function.line) for function in functions}
    lost = [span for span, line in zip(spans, lines, strict=True) if (span.name, line) not in seen]
    if not lost:
        return list(functions)
    result: list[Function] = []
    for function in functions:
        swallowed = function.errors and any(function.line < line <= function.end for line in lines)
        own = next(
            (
                span
                for span, line in zip(spans, lines, strict=True)
                if (span.name, line) == (function.name, function.line)
            ),
            None,
        )
        if swallowed and own is not None:
            lost.append(own)
        else:
            result.append(function)
    for span in lost:
        sweep, _, _ = _read(path, only(text, [span]), table, known, headers)
        result.extend(one for one in sweep.functions if one.name == span.name)
    return result


def _lines(text: bytes, spans: Sequence[FunctionSpan]) -> list[int]:
    """Give the line of each function's name."""
    lines: list[int] = []
    line, position = 1, 0
    for span in spans:
        at = text.find(span.name.encode(), span.start, span.end)
        at = span.start if at < 0 else at
        line += text.count(b"\n", position, at)
        position = at
        lines.append(line)
    return lines


def _macro_functions(
    path: str, text: bytes, table: Table, known: Known | None, nodes: Sequence[parse.Node]
) -> list[Function]:
    """Give the function-like macros that call something, as functions."""
    if not nodes:
        return []
    code = macro_bodies.as_functions(text, nodes)
    if not code:
        return []
    prepared = rewrite(code, table)
    sweep = Sweep(path, prepared, code, table, known=known, macros=True)
    sweep.run(parse.captures(parse.parse(prepared.text)))
    return [function for function in sweep.functions if function.calls]
