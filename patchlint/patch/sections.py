"""What the text after the second @@ of a hunk header says about where the hunk stands."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from patchlint.model.facts import GAP
from patchlint.patch.ctokens import scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.patch.ctokens import Token

SectionKind = Literal[
    "none", "gone", "label", "function", "init", "struct", "enum", "prefix", "other"
]

CUT = 79
"""git cuts a section at 80 bytes; white space at the cut is trimmed."""


class Section(Struct, frozen=True):
    """A section text, classified.

    ``complete`` is the header without its opening brace, ``open_list`` the same with an open
    parameter list where the text has one.  ``other`` is prose, a finished declaration, or
    anything that opens nothing; ``gone`` a line that the image in question does not have.
    """

    kind: SectionKind
    text: str
    complete: str = ""
    open_list: str = ""


_LABEL = re.compile(r"[A-Za-z_]\w*\s*:(?!:)")
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)|//.*")
_STATEMENTS = frozenset({"if", "while", "for", "switch", "return", "else", "do", "goto", "case"})
_TYPE_WORDS_MAX = 9
_RETURN_TYPE_MAX = 4


def begun(text: str) -> str:
    """What a section that git cut off has of a line at least: all of a shorter one.

    Two texts of which :func:`same` is true agree in it.
    """
    data = text.encode("utf-8", "surrogateescape")
    return text if len(data) < CUT - 1 else data[: CUT - 1].decode("latin-1")


def same(line: str, section: str) -> bool:
    """Whether git would have made ``section`` of the whole ``line``."""
    line, section = line.rstrip(), section.rstrip()
    if len(section.encode("utf-8", "surrogateescape")) >= CUT - 1:
        return line.startswith(section)
    return line == section


@lru_cache(maxsize=4096)
def classify(text: str) -> Section:
    """Classify a section text."""
    text = text.rstrip()
    if not text or _LABEL.match(text):
        return Section("label" if text else "none", text)
    cut = len(text.encode("utf-8", "replace")) >= CUT - 1
    bare = _COMMENT.sub("", text).rstrip()
    tokens = scan([bare]).tokens
    if not tokens or tokens[0].kind != "word" or tokens[-1].text in {";", "}"}:
        return Section("other", text)
    brace = tokens[-1].text == "{"
    if brace:
        bare = bare[:-1].rstrip()
        tokens = tokens[:-1]
    opens = _opens(tokens, brace=brace)
    if opens == "function":
        return _function(text, bare, tokens, cut=cut)
    return Section(opens, text, bare if opens != "other" else "")


def _opens(tokens: Sequence[Token], *, brace: bool) -> SectionKind:
    """Return what a header of ``tokens`` opens, with or without a brace at its end."""
    words = [token.text for token in tokens]
    paren = words.index("(") if "(" in words else len(words)
    equal = words.index("=") if "=" in words else len(words)
    if equal < paren or (equal < len(words) and words[-1] == "="):
        return "init" if words[-1] == "=" else "other"
    if paren < len(words):
        return "function"
    if not brace and len(words) > len(("struct", "name")):
        alone = all(token.kind == "word" or token.text == "*" for token in tokens)
        return "prefix" if alone and len(tokens) <= _RETURN_TYPE_MAX else "other"
    if "enum" in words:
        return "enum"
    return "struct" if {"struct", "union"} & set(words) else "prefix"


def _function(text: str, bare: str, tokens: Sequence[Token], *, cut: bool) -> Section:
    """Return the section of a function header, or of prose that has a parenthesis."""
    paren = next(index for index, token in enumerate(tokens) if token.text == "(")
    before = tokens[:paren]
    if (
        before[0].text in _STATEMENTS
        or len(before) > _TYPE_WORDS_MAX
        or not all(token.kind == "word" or token.text == "*" for token in before)
        or not _attributes_only(tokens[paren:])
    ):
        return Section("other", text)
    depth = _depth(tokens)
    if len(before) == 1 and not before[0].text.isupper():
        # The type stands on the line above; without one no parser sees a function.
        bare = f"{GAP} {bare}"
    if not depth:
        return Section("function", text, bare)
    shown = bare
    if cut and not bare.endswith((",", "(")):
        shown = bare[: max(bare.rfind(","), bare.rfind("(")) + 1]
        depth = _depth(scan([shown]).tokens)
    complete = shown.rstrip().rstrip(",").rstrip() + ")" * depth
    open_list = shown if shown.rstrip().endswith((",", "(")) else shown + ","
    return Section("function", text, complete, open_list)


def _depth(tokens: Iterable[Token]) -> int:
    """Return how many parentheses are left open."""
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
    return depth


def _attributes_only(tokens: Sequence[Token]) -> bool:
    """Whether nothing but attributes follows the parameter list that ``tokens`` begin with."""
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth < 0:
            return False
        if depth or token.text == ")":
            continue
        if not token.text.startswith("__") and token.text.lower() == token.text:
            return False
    return True
