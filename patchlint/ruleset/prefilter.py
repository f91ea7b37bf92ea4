"""Tells from bytes alone that a text can give no finding, before anything is decoded.

It errs on one side: a text may pass that holds nothing.  Whatever is weaker after than it
was before has one of these in the texts of its series, and a text with none of them, in any
encoding that mail uses, is out:

- a word that defers or waits: a mechanism, an object that carries a callback, a list, a
  deferred twin (:data:`MECHANISM`);
- a function that runs deferred by its type or its binding, or for the last reference
  (:data:`DEFERRED`), and something that is released (:data:`RELEASED`): it may have taken a
  release over;
- a call of a helper that is named for running things later, which is new, or gets a
  function (:data:`LATER`);
- a release on a line that goes (:data:`GONE`), and on one that comes a release that is done
  later by itself (:data:`WEAKER`): it may have taken the place of the first.

The parts of a series are told apart by bits, to be ored; :func:`possible` judges them all.
With a tree at hand functions that the text does not explain may defer as well: give their
names as ``more``.
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
#: what the words of a text are good for
MECHANISM: Final = 1
DEFERRED: Final = 2
RELEASED: Final = 4
LATER: Final = 8
GONE: Final = 16
WEAKER: Final = 32
#: not all of a text may be what a check reads: words tell nothing of it
DOUBT: Final = 64

_WORDS: Final = ("mechanisms", "deferred", "cleanups", "weaker", "last_puts")
_PATTERNS: Final = (
    "names",
    "returns",
    "later",
    "teardown",
    "not_teardown",
    "kernel_places",
    "shared_places",
)
_KINDS: Final = frozenset({*_WORDS, *_PATTERNS})
#: the rest of a statement
_REST: Final = re.compile(rb"[^;{}]*")
#: one that is longer may hold anything
_LONGEST: Final = 4000
#: an argument that may be a function, alone or behind a cast; a diff's mark may follow it
_HANDED: Final = re.compile(rb"\b([A-Za-z_]\w*)[\s+-]*[,)]")
_CALL: Final = re.compile(rb"\b([A-Za-z_]\w*)[\s+-]*\(")
_QUOTED: Final = b"quoted-printable"
#: a diff in colours, whose words have the end of a colour before them
_ESCAPE: Final = b"\x1b"
_COLOUR: Final = re.compile(rb"\x1b\[[0-9;]*[mK]")
#: a file that is packed in text as uuencode does
_BEGIN: Final = b"\nbegin "
_ENCODED: Final = re.compile(rb"\nbegin [0-7]{3,6} ")
_HUNK: Final = b"@@ -"
_HEX: Final = re.compile(rb"=([0-9A-F]{2})|=[ \t]*\r?\n")


def possible(bits: int) -> bool:
    """Whether texts whose ``bits`` are these, ored, can make a finding together."""
    return (
        bool(bits & (MECHANISM | LATER | DOUBT))
        or bits & _MOVED == _MOVED
        or bits & _EXCHANGED == _EXCHANGED
    )


_MOVED: Final = DEFERRED | RELEASED
_EXCHANGED: Final = GONE | WEAKER


#: the last parameter of a function, a pointer; a diff's mark may stand in it
_LAST_PARAMETER: Final = re.compile(rb"\bstruct\s+(\w+)[\s+-]*\*[\s+-]*\w+[\s+-]*\)")

#: how a line, or the header of a hunk, begins a function
_BEGINS: Final = rb"^(?:[ +-](?=[A-Za-z_])|@@ [^@\n]*@@ )[^;\n]*\b%b\s?\("

_GONE: Final = re.compile(rb"^-.*", re.MULTILINE)
_COME: Final = re.compile(rb"^\+.*", re.MULTILINE)


class Vocabulary:
    """The words of one ruleset, ready for look-ups."""

    def __init__(self, words: dict[str, list[str]]) -> None:
        """``words`` as :mod:`patchlint.ruleset.read` makes them."""
        self._mechanisms, self._deferring, self._cleanups, self._weaker, self._last_puts = (
            frozenset(word.encode() for word in words[kind]) for kind in _WORDS
        )
        self._patterns = {name: words.get(name, []) for name in _PATTERNS}
        self._compiled: dict[str, re.Pattern[bytes]] = {}

    def candidate(self, data: bytes, more: Collection[bytes] = ()) -> bool:
        """Whether ``data``, all of a series, may give a finding."""
        data = _readable(data)
        if not data:
            return True
        words = _words_in(data)
        if not words.isdisjoint(more) or not words.isdisjoint(self._mechanisms):
            return True
        # what tells a release takes as long to compile as all the rest, and counts beside this
        if self._deferred(data, words) and self._released(words):
            return True
        return possible(self._exchanged(data, words)) or self._runs_later(data, within=True)

    def foreign(self, paths: Collection[str], data: bytes) -> bool:
        """Whether the C files of a series, by ``paths``, are of no kernel; ``data`` is its diffs.

        One of them has to stand where the kernel has no code, none where only the kernel has
        some.  A driver from outside of the tree has words of the tables, which a function that
        the diffs define is not.
        """
        files = [path.encode("utf-8", "replace") for path in paths]
        kernel, shared = self._pattern("kernel_places"), self._pattern("shared_places")
        if any(map(kernel.search, files)) or all(map(shared.search, files)):
            return False
        words = _words_in(data)
        return words.isdisjoint(self._mechanisms) and all(
            re.search(_BEGINS % word, data, re.MULTILINE) for word in words & self._cleanups
        )

    def bits(self, data: bytes) -> int:
        """What a part of a series is good for; 0 for nothing.

        The function that a helper gets may stand in another part.
        """
        data = _readable(data)
        if not data:
            return MECHANISM
        words = _words_in(data)
        found = self._plain(data, words)
        if not found & MECHANISM:
            found |= self._exchanged(data, words)
            if self._runs_later(data, within=False):
                found |= LATER
        return found

    def _exchanged(self, data: bytes, words: set[bytes]) -> int:
        """Whether a release goes, and whether one comes that is done later by itself."""
        found = 0
        if not words.isdisjoint(self._cleanups):
            gone = set(_WORD.findall(b"\n".join(_GONE.findall(data))))
            found |= 0 if gone.isdisjoint(self._cleanups) else GONE
        if not words.isdisjoint(self._weaker):
            come = set(_WORD.findall(b"\n".join(_COME.findall(data))))
            found |= 0 if come.isdisjoint(self._weaker) else WEAKER
        return found

    def _plain(self, data: bytes, words: set[bytes]) -> int:
        """The bits that words alone tell."""
        if not self._mechanisms.isdisjoint(words):
            return MECHANISM
        found = DEFERRED if self._deferred(data, words) else 0
        return found | (RELEASED if self._released(words) else 0)

    def _runs_later(self, data: bytes, *, within: bool) -> bool:
        """Whether a helper that is named for it is called anew, or gets what may be a function.

        A function that is shown ``within`` the same text has a bracket behind its name there.
        """
        called: dict[bytes, list[tuple[int, int]]] = {}
        for call in _CALL.finditer(data, max(0, data.find(_HUNK))):
            called.setdefault(call[1], []).append(call.span())
        later = self._pattern("later")
        handed: set[bytes] = set()
        for name, places in called.items():
            for start, inside in places if later.search(name) else ():
                if data.startswith(b"+", data.rfind(b"\n", 0, start) + 1):
                    return True
                end = inside + _LONGEST
                given = _REST.match(data, inside, end)
                if given is None or given.end() == end:
                    return True
                handed.update(_HANDED.findall(given[0]))
        return bool(handed) and not (within and handed.isdisjoint(called))

    def _deferred(self, data: bytes, words: set[bytes]) -> bool:
        if not self._deferring.isdisjoint(words):
            return True
        counted = self._last_puts & words
        if counted and any(one[1] in counted for one in _LAST_PARAMETER.finditer(data)):
            return True
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


def _readable(data: bytes) -> bytes:
    """``data`` with quoted words undone, nothing for what cannot be read here."""
    if _ESCAPE in data:
        data = _COLOUR.sub(b"", data)
    low = data.lower()
    if any(word in low for word in _OPAQUE) or (_BEGIN in low and _ENCODED.search(low)):
        return b""
    if _QUOTED in low:
        return data + b"\n" + _HEX.sub(_unquoted, data)
    return data or b"\n"


def _words_in(data: bytes) -> set[bytes]:
    """The words from the first hunk on: those of the prose before it defer nothing."""
    return set(_WORD.findall(data, max(0, data.find(_HUNK))))


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


def foreign(paths: Collection[str], data: bytes) -> bool:
    """Whether a series with C files of these ``paths`` and diffs ``data`` is for no kernel."""
    return shipped().foreign(paths, data)
