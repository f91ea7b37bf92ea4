"""Finds code whose brackets do not match, by the kernel's layout: what stands in column 0.

A parser gets over such code in some way, and what it makes of it then may have nothing of
what the code does.  How it got over it nobody can tell, so that is said as not parsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.model.pattern import lazy

if TYPE_CHECKING:
    from patchlint.syntax.sweep import Known

_TOKEN: Final = lazy(
    rb"""
    \n
  | /\*(?:[^*]|\*(?!/))*+(?:\*/)?
  | //[^\n]*
  | (?:^[ \t]*\#[ \t]*(?P<word>\w*)(?:\\\n|/\*(?:[^*]|\*(?!/))*+\*/|[^\n/]|/(?!\*))*+)
  | "(?:[^"\\\n]|\\.)*+"?
  | '(?:[^'\\\n]|\\.)*+'?
  | (?P<bracket>[][(){}])
    """,
    0x40 | 0x8 | 0x10,  # verbose, multi-line, and a dot is any byte
)
_CLOSES: Final = {b"}": b"{", b")": b"(", b"]": b"["}
_OPENS: Final = frozenset(_CLOSES.values())


def unmatched(text: bytes, known: Known | None) -> list[tuple[int, int]]:
    """Give the spans of lines, first and last, in which brackets or comments do not end.

    ``known`` are the lines that are really the file's, None for all; others may end what those
    leave open.
    """
    walk = _Walk(cut=known is not None)
    spans: list[tuple[int, int]] = []
    line, start = 1, 0
    for token in _TOKEN.finditer(text):
        found = token[0]
        if found == b"\n":
            line, start = line + 1, token.end()
            continue
        if token["bracket"]:
            first = token.start() == start and _is_own(line, known)
            span = walk.bracket(found, line, first=first)
            if span is not None:
                spans.append(span)
        elif token["word"]:
            walk.directive(token["word"])
        last = line + found.count(b"\n")
        if not token["bracket"] and _runs_on(found, last, known):
            spans.append((line, last))
        if last > line:
            line, start = last, token.start() + found.rindex(b"\n") + 1
    if walk.open:
        spans.append((walk.since, line))
    return spans


def _runs_on(found: bytes, last: int, known: Known | None) -> bool:
    """Whether a token has a comment that no line of the file ends, and code in it."""
    begins = found.rfind(b"/*")
    if begins < 0 or not (b"\n{" in found or b"\n}" in found):
        return False
    return found.find(b"*/", begins + 2) < 0 or not _is_own(last, known)


def _is_own(line: int, known: Known | None) -> bool:
    """Whether a line is really the file's."""
    return known is None or any(first <= line <= last for first, last in known)


class _Walk:
    """The brackets that are open, and since which line any is.

    Of a text that is ``cut`` a hunk may show the end of a macro's arguments alone.
    """

    def __init__(self, *, cut: bool) -> None:
        self._cut = cut
        self.open: list[bytes] = []
        self.since = 0
        #: what was open at each conditional that is: its branches begin alike
        self._branches: list[list[bytes]] = []

    def bracket(self, found: bytes, line: int, *, first: bool) -> tuple[int, int] | None:
        """Take a bracket; the span that does not match up to here, if there is one."""
        if found in _OPENS:
            # a body begins in column 0: nothing can be open
            amiss = first and found == b"{" and bool(self.open)
            span = (self.since, line - 1) if amiss else None
            if amiss or not self.open:
                self._anew()
                self.since = line
            self.open.append(found)
            return span
        if self._cut and found != b"}" and not self.open:
            return None
        right = bool(self.open) and self.open.pop() == _CLOSES[found]
        # and ends there
        if right and not (first and found == b"}" and self.open):
            self.since = self.since if self.open else 0
            return None
        span = (self.since or line, line)
        self._anew()
        return span

    def _anew(self) -> None:
        self.open.clear()
        self.since = 0
        self._branches = [[] for _ in self._branches]

    def directive(self, word: bytes) -> None:
        """Take a conditional: each of its branches goes on from where it began."""
        if word.startswith(b"if"):
            self._branches.append(list(self.open))
        elif word.startswith(b"el") and self._branches:
            self.open = list(self._branches[-1])
        elif word == b"endif" and self._branches:
            self._branches.pop()
