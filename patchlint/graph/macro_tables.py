"""What macros of a tree put into tables of operations: ``IOCTL_DEF(NR, lamp_ioctl)``.

No table of ours knows each such macro: its own definition says to which member the function
goes, or of which names it makes the function's, and either the macro or the object around it says
of which struct.  Definitions are read from the text of the file and of the headers that it
includes, nearest first, and macros in macros are put in as well, some deep.

Errs towards too many: of two definitions for different configurations the first counts, and a
table that no code ever reads counts like any other.  A macro further away, or one whose text is
not balanced, tells nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.graph.members import COMMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from patchlint.graph.members import Structs
    from patchlint.model.tree import TreeFacts

#: macros in macros that are put in
_DEEPEST: Final = 3
#: a text that grows longer than this is no table's entry
_LONGEST: Final = 20_000
_CONTINUED: Final = re.compile(r"\\\n")
_CALLED: Final = re.compile(r"(?<![\w.>#])((?:__)?[A-Z][A-Z0-9_]{2,})\s*\(")
_OBJECT: Final = re.compile(r"\b(?:struct|union)\s+(\w+)\s+(?:\w+\s*)?(?:\[[^\]]*\]\s*)*=\s*\{")
_SET: Final = re.compile(r"\.(\w+)\s*=\s*&?\s*(\w+)\s*(?=[,}\n]|$)")
_FUNCTION: Final = re.compile(r"\b(\w+)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*\{")
_FILE_SCOPE: Final = re.compile(
    r"^(?:static\s+)?(?:\w[\w \t*]*=\s*)?((?:__)?[A-Z][A-Z0-9_]*)\s*\(", re.MULTILINE
)
_OPENING, _CLOSING = "([{", ")]}"


class Held(Struct, frozen=True):
    """A function stands in ``member`` of a ``struct``; what stands beside it is in ``beside``."""

    struct: str
    member: str
    #: what the same entry sets other members to, where that is a name
    beside: dict[str, str]
    line: int


class Tables:
    """What macros of a tree put into tables; each definition is read once."""

    def __init__(self, tree: TreeFacts, structs: Structs) -> None:
        self._tree = tree
        self._structs = structs
        self._defined: dict[tuple[str, str], tuple[tuple[str, ...], str] | None] = {}
        self._texts: dict[str, str] = {}
        self._lines: dict[str, list[int]] = {}

    def given(self, path: str, line: int, macro: str, name: str) -> tuple[Held, ...]:
        """Where ``macro``, which stands around ``line`` outside of functions, puts ``name``."""
        start, args = self.call(path, line, macro)
        made = self._expanded(path, macro, args) if args is not None else None
        if made is None:
            return ()
        return tuple(held_in(made, name, _object_around(self._text(path), start), line))

    def call(self, path: str, line: int, macro: str) -> tuple[int, tuple[str, ...] | None]:
        """Where a macro begins that stands around a line, and what it is given."""
        text = self._text(path)
        end = self._behind(path, line)
        starts = [m.start() for m in re.finditer(rf"\b{re.escape(macro)}\s*\(", text[:end])]
        if not starts:
            return 0, None
        return starts[-1], arguments(text, text.index("(", starts[-1]))

    def pasted(self, path: str, name: str) -> tuple[Held, ...]:
        """Where macros at file scope put a function whose name they make of their arguments."""
        text = self._text(path)
        found: list[Held] = []
        for match in _FILE_SCOPE.finditer(text):
            args = arguments(text, match.end() - 1)
            # a name that is given whole is a use of it, and is told as one
            if args is None or name in args or not any(one and one in name for one in args):
                continue
            made = self._expanded(path, match[1], args)
            if made is not None:
                line = text.count("\n", 0, match.start(1)) + 1
                found += held_in(made, name, _object_around(text, match.start(1)), line)
        return tuple(found)

    def made(self, path: str, macro: str) -> tuple[Held, ...]:
        """Where a macro that defines functions puts them: in objects that it defines as well."""
        defined = self._definition(path, macro)
        made = self._expanded(path, macro, defined[0]) if defined is not None else None
        if made is None:
            return ()
        line = next(
            (
                number
                for number, row in enumerate(self._text(path).split("\n"), 1)
                if re.match(rf"\s*#\s*define\s+{re.escape(macro)}\b", row)
            ),
            1,
        )
        names = dict.fromkeys(_FUNCTION.findall(made))
        return tuple(one for name in names for one in held_in(made, name, "", line))

    def _text(self, path: str) -> str:
        """The text of a file, without comments; lines stay where they are."""
        if path not in self._texts:
            text = (self._tree.text(path) or b"").decode("utf-8", "replace")
            self._texts[path] = COMMENT.sub(lambda one: "\n" * one[0].count("\n"), text)
        return self._texts[path]

    def _behind(self, path: str, line: int) -> int:
        """Where the line behind one begins; the end of the text where there is none."""
        if path not in self._lines:
            text = self._text(path)
            self._lines[path] = [0, *(one.end() for one in re.finditer("\n", text))]
        starts = self._lines[path]
        return starts[line] if line < len(starts) else len(self._text(path))

    def _definition(self, path: str, macro: str) -> tuple[tuple[str, ...], str] | None:
        """Parameters and text of a macro as a file sees it, None where it is not found."""
        key = (path, macro)
        if key not in self._defined:
            head = re.compile(
                rb"^[ \t]*#[ \t]*define[ \t]+" + re.escape(macro.encode()) + rb"\(", re.MULTILINE
            )
            self._defined[key] = next(
                (
                    parts
                    for file in self._structs.visible(path)
                    if (found := head.search(self._tree.text(file) or b"")) is not None
                    and (parts := _parts(self._tree.text(file) or b"", found.end() - 1)) is not None
                ),
                None,
            )
        return self._defined[key]

    def _expanded(self, path: str, macro: str, args: Sequence[str], depth: int = 0) -> str | None:
        """A macro's text with arguments put in, and with those of macros in it."""
        defined = self._definition(path, macro)
        if defined is None:
            return None
        text = put_in(*defined, args)
        if text is None or depth >= _DEEPEST:
            return text
        pieces, at = [], 0
        for inner in _CALLED.finditer(text):
            if inner.start() < at:
                continue
            own = arguments(text, inner.end() - 1)
            more = self._expanded(path, inner[1], own, depth + 1) if own is not None else None
            end = bracket_end(text, inner.end() - 1)
            if more is not None and end is not None:
                pieces += [text[at : inner.start()], more]
                at = end
        whole = "".join((*pieces, text[at:]))
        return whole if len(whole) <= _LONGEST else None


def arguments(text: str, opening: int) -> tuple[str, ...] | None:
    """The arguments between the bracket at ``opening`` and its own, None where it has none."""
    end = bracket_end(text, opening)
    if end is None:
        return None
    parts, depth, at = [], 0, opening + 1
    for place in range(opening + 1, end - 1):
        mark = text[place]
        depth += (mark in _OPENING) - (mark in _CLOSING)
        if mark == "," and not depth:
            parts.append(text[at:place].strip())
            at = place + 1
    return (*parts, text[at : end - 1].strip())


def put_in(parameters: Sequence[str], body: str, args: Sequence[str]) -> str | None:
    """A macro's body with ``args`` for its ``parameters``; None where their numbers differ.

    ``a##b`` is one name, and ``#a`` stays a text; those of a variable number are one argument.
    """
    names = list(parameters)
    if names and names[-1].endswith("..."):
        names[-1] = names[-1].removesuffix("...").strip() or "__VA_ARGS__"
        rest = len(names) - 1
        args = (*args[:rest], ", ".join(args[rest:]))
    if len(names) != len(args):
        return None
    values: Mapping[str, str] = dict(zip(names, args, strict=True))
    put = re.sub(
        r"(?<!#)#\s*(?=\w)\w+|\b\w+\b",
        lambda one: values.get(one[0], one[0]),
        body.replace("##", "\0"),
    )
    return re.sub(r"[ \t]*\0[ \t]*", "", put)


def held_in(text: str, name: str, struct: str, line: int) -> Iterator[Held]:
    """Where an expanded macro sets a member to ``name``; ``struct`` is that of what is around."""
    for match in _SET.finditer(text):
        if match[2] != name:
            continue
        entry = text[_opening(text, match.start()) : match.end()]
        tail = bracket_end(text, _opening(text, match.start())) if entry.startswith("{") else None
        whole = text[_opening(text, match.start()) : tail] if tail is not None else text
        own = [found[1] for found in _OBJECT.finditer(text, 0, match.start())]
        of = own[-1] if own else struct
        if of:
            yield Held(of, match[1], dict(_SET.findall(whole)), line)


def _opening(text: str, at: int) -> int:
    """The bracket around a place, 0 where there is none."""
    depth = 0
    for place in range(at - 1, -1, -1):
        depth += (text[place] == "}") - (text[place] == "{")
        if depth < 0:
            return place
    return 0


def bracket_end(text: str, opening: int) -> int | None:
    """Behind the bracket that closes the one at ``opening``, None where none does."""
    depth = 0
    for place in range(opening, min(len(text), opening + _LONGEST)):
        mark = text[place]
        depth += (mark in _OPENING) - (mark in _CLOSING)
        if not depth:
            return place + 1
    return None


def _parts(text: bytes, opening: int) -> tuple[tuple[str, ...], str] | None:
    """The parameters and the body of the macro whose bracket is at ``opening``."""
    told = text[opening : opening + _LONGEST].decode("utf-8", "replace")
    whole = re.match(r"(?:[^\n\\]|\\.)*", told, re.DOTALL)
    code = _CONTINUED.sub("\n", COMMENT.sub(" ", whole[0] if whole is not None else ""))
    end = bracket_end(code, 0)
    parameters = arguments(code, 0)
    return (parameters, code[end:]) if end is not None and parameters is not None else None


def _object_around(text: str, at: int) -> str:
    """The struct of the object whose initializer stands around a place, "" for none."""
    heads = list(_OBJECT.finditer(text, max(0, at - 8 * _LONGEST), at))
    if heads:
        end = _end_of_object(text, heads[-1].end() - 1)
        return heads[-1][1] if end is None or end > at else ""
    return ""


def _end_of_object(text: str, opening: int) -> int | None:
    """Where an object at file scope ends: by a bracket in the first column, or by its own."""
    found = re.compile(r"^\}", re.MULTILINE).search(text, opening)
    return found.start() if found is not None else bracket_end(text, opening)
