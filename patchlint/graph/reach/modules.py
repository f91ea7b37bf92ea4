"""Which files of a tree are one module, and what a module has objects of.

A Makefile says what is linked together: ``lamp-y := main.o power.o``.  Errs towards a file by
itself: what is linked otherwise, or by a variable, is not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.graph.members import Texts

_PARTS: Final = re.compile(
    r"^([\w-]+?)-(?:y|m|objs|\$[({]\w+[)}])[ \t]*[:+]?=[ \t]*(.+)$", re.MULTILINE
)
_OBJECT: Final = re.compile(r"(?<!\S)([\w./-]+)\.o(?!\S)")
#: folders above a file in whose Makefile its module may stand
_HIGHEST: Final = 3
#: a module of more files is not asked
_MOST_FILES: Final = 80


class Modules(Struct):
    """The modules of a tree; each Makefile and each answer is read once."""

    tree: Texts
    _parts: dict[str, tuple[frozenset[str], ...]] = field(default_factory=dict)
    _has: dict[tuple[frozenset[str], str], bool] = field(default_factory=dict)

    def of(self, path: str) -> frozenset[str]:
        """The files that are linked into one module with a file, and the file itself."""
        folder = path.rpartition("/")[0]
        for _ in range(_HIGHEST):
            for module in self._of_folder(folder):
                if path in module:
                    return module
            folder, above, _ = folder.rpartition("/")
            if not above:
                break
        return frozenset((path,))

    def has(self, module: frozenset[str], struct: str) -> bool:
        """Whether a module fills a table of a struct: ``struct lamp_ops night = {``."""
        key = (module, struct)
        if key not in self._has:
            table = re.compile(rb"\bstruct\s+%s\s+\w[^;={]*=\s*\{" % re.escape(struct.encode()))
            asked = sorted(module) if len(module) <= _MOST_FILES else ()
            self._has[key] = any(table.search(self.tree.text(one) or b"") for one in asked)
        return self._has[key]

    def _of_folder(self, folder: str) -> tuple[frozenset[str], ...]:
        if folder not in self._parts:
            text = (self.tree.text(f"{folder}/Makefile") or b"").decode("utf-8", "replace")
            self._parts[folder] = tuple(_modules(folder, text.replace("\\\n", " ")))
        return self._parts[folder]


def _modules(folder: str, text: str) -> Iterator[frozenset[str]]:
    """The modules that a Makefile links of several files."""
    parts: dict[str, set[str]] = {}
    linked: set[str] = set()
    for found in _PARTS.finditer(text):
        objects = _OBJECT.findall(found[2])
        if found[1] == "obj":
            linked.update(objects)
        else:
            parts.setdefault(found[1], set()).update(f"{folder}/{one}.c" for one in objects)
    for name, files in parts.items():
        if name in linked:
            yield frozenset(files)
