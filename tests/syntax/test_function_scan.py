from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from patchlint.syntax.kernel_macros import compile_table
from patchlint.syntax.scan import function_spans, name_lines, only

if TYPE_CHECKING:
    from patchlint.model.kernel import Macro

TEXT = b"""\
/* f(a) { */
struct a {
\tint b;
};
static int f(struct a *a)
{
\treturn 0;
}
static inline int one_line(void) { return 0; }
int array[] = {
\t1,
};
static void
gnu_style(int a,
\t  int b)
\t__releases(&lock)
{
}
SYSCALL_DEFINE1(call, int, a)
{
}
"""


def test_functions_by_layout(macros: tuple[Macro, ...]) -> None:
    spans = function_spans(TEXT, compile_table(macros))
    assert [span.name for span in spans] == ["f", "one_line", "gnu_style", "call"]
    assert name_lines(TEXT, spans) == [5, 9, 14, 19]
    assert TEXT[spans[0].start : spans[0].end] == b"static int f(struct a *a)\n{\n\treturn 0;\n}"


def test_a_part_keeps_its_lines(macros: tuple[Macro, ...]) -> None:
    spans = function_spans(TEXT, compile_table(macros))
    part = only(TEXT, [spans[3], spans[1]])
    lines = part.split(b"\n")
    assert lines[8] == b"static inline int one_line(void) { return 0; }"
    assert lines[18] == b"SYSCALL_DEFINE1(call, int, a)"
    assert not any(lines[:8])


@pytest.mark.parametrize(
    "text", [b"", b"{", b"f(", b"int f(void)\n{", b"int f(void) {", b"}\n}\n", b"= {\n"]
)
def test_unfinished_text(text: bytes, macros: tuple[Macro, ...]) -> None:
    names = [span.name for span in function_spans(text, compile_table(macros))]
    assert names == (["f"] if b"void" in text else [])
