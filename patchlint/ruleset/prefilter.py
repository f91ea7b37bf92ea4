"""Tells from bytes alone that a text can give no finding, before anything is decoded.

It errs on one side: a text may pass that holds nothing.  A finding needs something that
defers (a registration, an activation, a list, a deferred twin), something that waited, or
a callback known by its type or name together with a release; a text with none of these
words, in any encoding that mail uses, is out.  With a tree at hand functions that the
text does not explain may defer as well: give their names as ``more``.
"""

from __future__ import annotations

import re

# typing costs a seventh of the hook's time: it is imported for the type checker alone
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Final

_WORD: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{3,}")
#: encodings that hide words: unreadable here, so that the text passes
_OPAQUE: Final = (
    b"base64",
    b"utf-16",
    b"utf16",
    b"utf-32",
    b"utf32",
    b"utf-7",
    b"utf7",
    b"delsp",
    b"begin pgp message",
)
_PATTERNS: Final = ("names", "returns", "later", "teardown", "not_teardown")
_KINDS: Final = frozenset({"mechanisms", "cleanups", *_PATTERNS})
#: a call on an added line
_STARTED: Final = re.compile(rb"^\+[^\n(]*?\b([A-Za-z_]\w{3,})\(", re.MULTILINE)
_QUOTED: Final = b"quoted-printable"
_HUNK: Final = b"@@ -"
_HEX: Final = re.compile(rb"=([0-9A-F]{2})|=[ \t]*\r?\n")


class Vocabulary:
    """The words of one ruleset, ready for look-ups."""

    def __init__(self, words: dict[str, list[str]]) -> None:
        """``words`` as :mod:`patchlint.ruleset.read` makes them."""
        self._mechanisms = frozenset(word.encode() for word in words["mechanisms"])
        self._cleanups = frozenset(word.encode() for word in words["cleanups"])
        self._patterns = {name: words[name] for name in _PATTERNS}
        self._compiled: dict[str, re.Pattern[bytes]] = {}

    def candidate(self, data: bytes, more: Collection[bytes] = ()) -> bool:
        """Whether ``data`` may give a finding."""
        low = data.lower()
        if any(word in low for word in _OPAQUE):
            return True
        if _QUOTED in low:
            data = data + b"\n" + _HEX.sub(_unquoted, data)
        # words of the prose before the first hunk defer nothing
        words = set(_WORD.findall(data, max(0, data.find(_HUNK))))
        if not self._mechanisms.isdisjoint(words) or not words.isdisjoint(more):
            return True
        if self._deferred(words) and self._released(words):
            return True
        # a helper that is named for it runs what it is given later
        later = self._pattern("later")
        return any(later.search(word) for word in set(_STARTED.findall(data)))

    def _deferred(self, words: set[bytes]) -> bool:
        shows = self._pattern("returns")
        names = self._pattern("names")
        return any(shows.search(word) or names.search(word) for word in words)

    def _released(self, words: set[bytes]) -> bool:
        if not self._cleanups.isdisjoint(words):
            return True
        looks, but_is_not = self._pattern("teardown"), self._pattern("not_teardown")
        return any(looks.search(word) and not but_is_not.search(word) for word in words)

    def _pattern(self, kind: str) -> re.Pattern[bytes]:
        if kind not in self._compiled:
            given = self._patterns[kind]
            if kind == "returns":
                # a return type is two words (enum x): here its last one is enough
                given = [one.replace("enum", "").replace(r"\s+", "") for one in given]
            text = "|".join(f"(?:{one})" for one in given)
            self._compiled[kind] = re.compile((text or "(?!)").encode())
        return self._compiled[kind]


def _unquoted(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)]) if found[1] else b""


_shipped: Vocabulary | None = None


def shipped() -> Vocabulary:
    """Return the vocabulary of the shipped rules, read once."""
    global _shipped  # noqa: PLW0603 - one reading for the life of the process
    if _shipped is None:
        _shipped = Vocabulary(_words())
    return _shipped


def _words() -> dict[str, list[str]]:
    from patchlint.ruleset import cache

    roots = [cache.shipped()]
    body = cache.get("words", roots, cache.state(roots))
    kept = cache.unpack(body) if body is not None else {}
    if kept.keys() >= _KINDS:
        return kept
    from patchlint.ruleset.load import compiled

    words: dict[str, list[str]] = compiled()["words"]
    return words


def candidate(data: bytes, more: Collection[bytes] = ()) -> bool:
    """Whether ``data`` (a mail, a diff) may give a finding with the shipped rules."""
    return shipped().candidate(data, more)
