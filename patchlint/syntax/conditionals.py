"""Resolves conditional directives that cut through what a grammar can read."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from patchlint.syntax.edit import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Conditionals nested deeper than this are left alone.
_DEPTH: Final = 24

_WORD: Final = re.compile(rb"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b")
#: what is always, or never, a part of the code
_CONSTANT: Final = re.compile(rb"#[ \t]*if[ \t]+([01])\b[^\n]*")
#: branches of a conditional with an else and no elif
_WITH_ELSE: Final = 2
_OTHER: Final = re.compile(rb"[ \t]*#[ \t]*(?:define|undef|include|pragma)\b")
_CUT: Final = re.compile(rb"(?:[,(&|+?]|=\s*\{?)\s*\Z")
_OPENING: Final = frozenset({b"if", b"ifdef", b"ifndef"})
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
_BEFORE_STATEMENT: Final = frozenset((0, *b";{}:"))


class _Shape(NamedTuple):
    """How a branch looks: brackets close, whole statements, ends in a label, in a comma."""

    balanced: bool
    whole: bool
    labelled: bool
    listed: bool
    empty: bool


def resolve(edit: Edit, directives: Sequence[Span]) -> None:
    """Settle each conditional, inner ones first; ``directives`` are the directive lines.

    What stands between whole statements or declarations is left to the grammar, which
    reads all branches.  Else the directive lines become spaces, and where the branches
    cannot all stay (an ``if`` head in two versions) all but the first that has code.
    Other directives become spaces where they cut through an expression or initializer.
    """
    for span in directives:
        if _OTHER.match(edit.text, *span):
            code_end = edit.code_end(span.start)
            if _CUT.search(edit.out, max(0, code_end - 40), code_end):
                end = span.end
                while edit.text.startswith((b"\\\n", b"\\\r\n"), end - 1) or (
                    edit.text[end : end + 1] not in (b"\n", b"")
                ):
                    end = edit.text.find(b"\n", end + 1)
                    if end < 0:
                        end = len(edit.text)
                edit.blank(span.start, end)
    for marks in _groups(edit.text, directives):
        _settle(edit, marks)


def _groups(text: bytes, directives: Sequence[Span]) -> list[list[Span]]:
    """Give the lines of each conditional, in the order of their ends."""
    done: list[list[Span]] = []
    stack: list[list[Span]] = []
    for span in directives:
        match = _WORD.match(text, *span)
        if not match:
            continue
        if match[1] in _OPENING:
            stack.append([span])
        elif stack:
            stack[-1].append(span)
            if match[1] == b"endif":
                group = stack.pop()
                if len(stack) < _DEPTH:
                    done.append(group)
    return done


def _settle(edit: Edit, marks: Sequence[Span]) -> None:
    branches = [Span(one.end, other.start) for one, other in pairwise(marks)]
    if _is_constant(edit, marks, branches):
        return
    shapes = [_shape(bytes(edit.out[branch.start : branch.end])) for branch in branches]
    code_end = edit.code_end(marks[0].start)
    before = edit.out[code_end - 1] if code_end else 0
    after = edit.skip_space(marks[-1].end)
    statement = before in _BEFORE_STATEMENT and not _ELSE.match(edit.out, after)
    if statement and before != ord(":") and all(shape.whole for shape in shapes):
        return
    for mark in marks:
        edit.blank(*mark)
    if statement and all(shape.whole or shape.labelled for shape in shapes):
        return
    if all(shape.balanced and (shape.listed or shape.empty) for shape in shapes):
        return
    chosen = next((index for index, shape in enumerate(shapes) if not shape.empty), 0)
    for index, branch in enumerate(branches):
        if index != chosen:
            edit.blank(*branch)


def _is_constant(edit: Edit, marks: Sequence[Span], branches: Sequence[Span]) -> bool:
    """Take out what is never compiled; whether nothing is left to be settled."""
    constant = _CONSTANT.fullmatch(bytes(edit.text[marks[0].start : marks[0].end]).strip())
    if constant is None:
        return False
    always = constant[1] == b"1"
    for branch in branches[1:] if always else branches[:1]:
        edit.blank(*branch)
    # what an elif asks behind a branch that never is one is asked still
    if not always and len(branches) > _WITH_ELSE:
        return False
    for mark in marks:
        edit.blank(*mark)
    return True


def _shape(branch: bytes) -> _Shape:
    code = _NOISE.sub(b"", branch).strip()
    if not code:
        return _Shape(balanced=True, whole=True, labelled=False, listed=True, empty=True)
    depth = 0
    balanced = True
    for match in _BRACKET.finditer(code):
        if match.lastindex == 1:
            depth += 1
        elif match.lastindex:
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
