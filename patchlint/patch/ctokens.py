"""C tokens of a part of a file, as far as brackets and statements need them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

TokenKind = Literal["word", "number", "string", "op", "directive"]
Inside = Literal["", "comment", "macro"]


class Token(NamedTuple):
    """A token; ``row`` counts lines from 0, ``first`` says that it stands in column 0.

    Of a directive the text is its keyword; of a string or character only the quote.
    ``indent`` counts the tabs before the first token of a line, and is -1 for the others.
    """

    text: str
    kind: TokenKind
    row: int
    first: bool
    indent: int = -1


class Scan(Struct, frozen=True):
    """The tokens of a part, and what the part begins and ends in the middle of."""

    tokens: tuple[Token, ...]
    begins: Inside
    ends: Inside


TAB = 8
_TOKEN = re.compile(
    r"""
    (?P<newline>\n)
  | (?P<space>[^\S\n]+)
  | (?P<comment>/\*(?s:.*?)(?:\*/|\Z)|//[^\n]*)
  | (?P<directive>(?m:^)[ \t]*\#(?:\\\n|/\*(?s:.*?)(?:\*/|\Z)|[^\n])*)
  | (?P<word>[A-Za-z_$]\w*)
  | (?P<number>\.?\d[\w.]*)
  | (?P<string>"(?:[^"\\\n]|\\(?s:.))*"?|'(?:[^'\\\n]|\\(?s:.))*'?)
  | (?P<op>->|\+\+|--|&&|\|\||::|<<=?|>>=?|\.\.\.|[-+*/%&|^=<>!]=|.)
    """,
    re.VERBOSE,
)
_KEYWORD = re.compile(r"\s*#\s*(\w*)")
_STARRED = re.compile(r"\s*\*(?:[\s/]|$)")


def scan(texts: Sequence[str]) -> Scan:
    """Return the tokens of consecutive lines that may begin and end anywhere."""
    text = "\n".join(texts)
    begins: Inside = ""
    if _begins_in_comment(text, texts):
        begins = "comment"
        text = "/*" + text
    elif texts and texts[0].endswith("\\") and not texts[0].lstrip().startswith("#"):
        begins = "macro"
        text = "#" + text
    tokens: list[Token] = []
    ends: Inside = ""
    row = 0
    seen = -1
    line_start = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind == "newline":
            row += 1
            line_start = match.end()
            continue
        found = match.group()
        if kind == "comment":
            if found.startswith("/*"):
                ends = "" if found.endswith("*/") and len(found) > len("/*/") else "comment"
        elif kind == "directive":
            keyword = _KEYWORD.match(found)
            name = keyword.group(1) if keyword and not (begins == "macro" and row == 0) else ""
            tokens.append(Token(name, "directive", row, first=True))
            ends = _ends_in(found) if match.end() == len(text) else ""
        else:
            shown = found[0] if kind == "string" else found
            begin = match.start()
            before = text[line_start:begin] if row != seen else "."
            indent = -1 if before.strip() else len(before.expandtabs()) // TAB
            seen = row
            tokens.append(Token(shown, kind, row, begin == line_start, indent))  # type: ignore[arg-type]
        if "\n" in found:
            row += found.count("\n")
            line_start = match.start() + found.rindex("\n") + 1
    return Scan(tuple(tokens), begins, ends)


def _ends_in(directive: str) -> Inside:
    """What a part ends in the middle of whose last token is ``directive``."""
    if directive.rfind("/*") > directive.rfind("*/"):
        return "comment"
    return "macro" if directive.endswith("\\") else ""


def _begins_in_comment(text: str, texts: Sequence[str]) -> bool:
    """Whether the first line stands in a comment that began before it."""
    end = text.find("*/")
    if end >= 0:
        start = text.find("/*")
        return start < 0 or end < start
    shown = [line for line in texts if line.strip()]
    return bool(shown) and all(_STARRED.match(line) for line in shown)
