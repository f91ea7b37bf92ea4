from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.syntax.facts import extract_text

if TYPE_CHECKING:
    from patchlint.model.facts import FileFacts, Function
    from patchlint.model.kernel import Macro


class Reader:
    """Reads C with the shipped macro table."""

    def __init__(self, macros: tuple[Macro, ...]) -> None:
        self.macros = macros

    def file(self, text: str) -> FileFacts:
        return extract_text("dir/file.c", text.encode(), self.macros)

    def function(self, text: str, name: str = "f") -> Function:
        found = [one for one in self.file(text).functions if one.name == name]
        assert len(found) == 1, [one.name for one in found]
        return found[0]

    def body(self, statements: str, parameters: str = "struct thing *t") -> Function:
        return self.function(f"static int f({parameters})\n{{\n{statements}\n}}\n")
