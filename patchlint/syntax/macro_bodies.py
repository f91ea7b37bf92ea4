"""Writes the bodies of function-like macros as functions, each on the lines it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.syntax.parse import Node

_CALL: Final = re.compile(rb"[A-Za-z_]\w*\s*\(")
_PASTE: Final = re.compile(rb"[ \t]*##[ \t]*")
_CONTINUED: Final = re.compile(rb"\\[ \t]*\r?\n")
_STRINGIFY: Final = re.compile(rb"#(?=\s*[A-Za-z_])")
_PARAMETER: Final = re.compile(rb"[A-Za-z_]\w*")

#: Stands for ``##``: a name that has it is made by pasting and names no function.
PASTED: Final = "$"


def as_functions(text: bytes, macros: Sequence[Node]) -> bytes:
    """Give C text with a function for each macro whose body calls something.

    Empty when there is none.  Pasted names hold :data:`PASTED`.
    """
    pieces: list[bytes] = []
    line = 0
    for node in sorted(macros, key=lambda one: one.start_byte):
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        listed = node.child_by_field_name("parameters")
        if name is None or value is None or listed is None:
            continue
        body = text[value.start_byte : value.end_byte]
        if not _CALL.search(body):
            continue
        at = name.start_point[0]
        if at < line or listed.end_point[0] != at:
            continue
        body = _STRINGIFY.sub(b" ", _PASTE.sub(PASTED.encode(), _CONTINUED.sub(b"\n", body)))
        names = _PARAMETER.findall(text[listed.start_byte : listed.end_byte])
        header = b", ".join(b"int " + one for one in names)
        gap = value.start_point[0] - at
        pieces.append(
            b"%svoid %s(%s) {%s%s;}"
            % (
                b"\n" * (at - line),
                text[name.start_byte : name.end_byte],
                header,
                b"\n" * gap,
                body,
            )
        )
        line = at + gap + body.count(b"\n")
    return b"".join(pieces)
