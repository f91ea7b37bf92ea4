"""Which struct a chain of members of a tree's function leads to: ``ctx->teedev->desc->ops``.

Read from the text of the file and of the headers that it includes, nearest first: a tree has no
table of its structs.  Nothing is told where a step is no plain member, a type has no struct's
name, or the definition lies further away; a definition that the configuration leaves out counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_INCLUDE: Final = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*([<"])([\w./+-]+)[>"]', re.MULTILINE)
#: a comment, by whatever form
COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DECLARED: Final = re.compile(r"\bstruct\s+(\w+)\b([^;{}()]*);")
_NAMED: Final = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)*(?=,|$)")
#: headers that are looked into for one file
_MOST_FILES: Final = 60


class Texts(Protocol):
    """Where the texts of files come from."""

    def text(self, path: str) -> bytes | None:
        """The content of a file, None when there is none."""


class Structs:
    """The structs of a tree as its files see them; each is read once."""

    def __init__(self, tree: Texts) -> None:
        self._tree = tree
        self._members: dict[tuple[str, str], dict[str, str]] = {}
        self._seen: dict[str, tuple[str, ...]] = {}

    def behind(self, path: str, struct: str, chain: Sequence[str]) -> str | None:
        """The struct that ``chain`` leads to from an object of ``struct``, as ``path`` sees it."""
        known: str | None = struct
        for member in chain:
            if known is None:
                return None
            known = self._of(path, known).get(member)
        return known

    def _of(self, path: str, struct: str) -> dict[str, str]:
        key = (path, struct)
        if key not in self._members:
            self._members[key] = {}
            head = re.compile(rf"\bstruct\s+{re.escape(struct)}\s*\{{".encode())
            for file in self.visible(path):
                text = self._tree.text(file) or b""
                found = head.search(text)
                if found is not None:
                    self._members[key] = _members(body(text, found.end()))
                    break
        return self._members[key]

    def visible(self, path: str) -> tuple[str, ...]:
        """A file, the headers that it includes, and those that they include."""
        if path not in self._seen:
            near = (path, *self._included(path))
            further = (file for one in near[1:_MOST_FILES] for file in self._included(one))
            self._seen[path] = tuple(dict.fromkeys((*near, *further)))[:_MOST_FILES]
        return self._seen[path]

    def _included(self, path: str) -> Iterator[str]:
        folder = path.rpartition("/")[0]
        for found in _INCLUDE.finditer(self._tree.text(path) or b""):
            name = found[2].decode()
            yield _plain(f"{folder}/{name}" if found[1] == b'"' else f"include/{name}")


def _plain(path: str) -> str:
    """A path without ``..``."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def body(text: bytes, start: int) -> str:
    """What stands between the bracket before ``start`` and the one that closes it."""
    depth = 1
    for found in re.finditer(rb"[{}]", text[start:]):
        depth += 1 if found[0] == b"{" else -1
        if not depth:
            return text[start : start + found.start()].decode("utf-8", "replace")
    return ""


def _members(body: str) -> dict[str, str]:
    """Members of a struct that are structs or point to some, those of unnamed ones inside too."""
    return {
        name: found[1]
        for found in _DECLARED.finditer(COMMENT.sub(" ", body))
        for name in _NAMED.findall(found[2].strip())
    }
