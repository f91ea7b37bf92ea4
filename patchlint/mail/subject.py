"""Subject lines: ``[RFC PATCH v3 02/11 net-next] title`` taken apart.

People and tools write the same thing in many ways (``[net,v2,1/2]``, ``[PATCH1/2]``,
``[PATCH 1 of 2]``, ``[PATCH] 1/2``, ``***SPAM*** [PATCH -V3 1/2]``, ``[PATCH] title (v2)``).
Where git, b4 and patchwork read one differently, the reading is taken that loses no patch;
``tests/mail/test_subject.py`` has the table.  liblore's ``parse_patch_subject`` knows fewer
forms, is an optional dependency, and its import alone takes longer than all that a git hook
has to do.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.pattern import lazy

#: what a title may begin with, or end with, that says more of version and number
_TELLING_START = frozenset("0123456789[({<vV")
_TELLING_END = frozenset(")]")
_REPLY = lazy(
    r"(?:(?:re|aw|sv|vs|antw|wg|tr|odp|ref|vá|ynt)\s*(?:\[\d+\]|\(\d+\))?\s*:\s*)+", re.IGNORECASE
)
_FORWARD = lazy(r"(?:(?:fwd?|wg|tr|vl)\s*:\s*)+", re.IGNORECASE)
_REPLY_FOREIGN = lazy(r"\w{2,3}:\s*\[")
#: What filters and gateways put in front of a subject: ``***SPAM***``, ``{Spam?}``, ``EXT:``.
_TAG = lazy(
    r"(?:[*{(<!#=~-]+ ?[\w ?!-]{1,24}? ?[*})>!#=~-]+:?|(?!re|aw|fw)[\w-]{2,16}:)\s*"
    r"(?=[\[*{(<][^\]]*?(?:patch|rfc|\d/\d|\*))",
    re.IGNORECASE,
)
#: a word in capitals, or the word itself, that stands outside of the brackets
_OUTSIDE = lazy(r"([A-Z]{2,10}|[Pp]atch) ?(?=\[)")
_LAST_BRACKET = lazy(r"(.*\S)\s*(\[[^][]*(?:patch|rfc)\b[^][]*\])$", re.IGNORECASE)
_TAG_WORDS = frozenset({"spam", "bulk", "ext", "external", "suspected", "***spam***", "spam?"})
_BRACKETS = str.maketrans({
    "\uff3b": "[", "\uff3d": "]", "\u3010": "[", "\u3011": "]", "\u301a": "[", "\u301b": "]",
    "\uff0f": "/", "\u2044": "/", "\u2215": "/", "\uff1a": ":", "\u00a0": " ", "\ufeff": "",
})  # fmt: skip
_ROUND = lazy(r"[({<]((?:[\w-]+ )*patch\b[^])}>]*)[])}>]", re.IGNORECASE)
_BARE = lazy(
    r"((?:rfc |resend )*patch(?: rfc| resend)?)[ ,]((?:v\d+[ ,]+)?\d{1,4}/\d{1,4})[]:, -]+",
    re.IGNORECASE,
)
_SLASH = lazy(r"\s*[/\\|]\s*(?=[\d?*]|[nmxNMX]+\b)")
_OF = lazy(r"(\d{1,4}) (?:out )?of (\d{1,4})\b", re.IGNORECASE)
_SPACED_VERSION = lazy(
    r"\b(?:v|ver|version|rev|revision|take|try)(?:[. #-]| #)?(?=\d{1,3}\b)", re.IGNORECASE
)
_SEPARATORS = lazy(r"[\s,;]+")
_COUNTER = lazy(r"(.*?)(?<![\d.])(\d{1,4})/(\d{1,4}|[?*]+|[nmxNMX]+)$", re.DOTALL)
_VERSION = lazy(
    r"(|.*[^a-z]|.*patch|.*rfc|.*resend|.*repost)v(\d{1,9})(?:\.(\d)|([a-h]))?$",
    re.IGNORECASE | re.DOTALL,
)
#: a version that stands glued in front of ``PATCH``
_FRONT_VERSION = lazy(r"v(\d{1,3})(patch|rfc)", re.IGNORECASE)
#: words that stand beside another, ``PATCH/RFC``
_KNOWN = frozenset({"patch", "rfc", "resend"})
_EDGES = "()<>{}#:._-+"
_LEADING = lazy(
    r"[\[(]?(?:(v\d{1,3})(?:\.(\d))?\b[])]?[:,. -]*)?"
    r"(?:[\[(]?(\d{1,4}) ?/ ?(\d{1,4}|[?*nNxX]+)(?![\w/.])[])]?[:,. -]*)?",
    re.IGNORECASE,
)
_TRAILING_COUNTER = lazy(
    r"(?:[\[(]|[-,:] (?:part )?|\bpart )(\d{1,4}) ?(?:/|of) ?(\d{1,4})[])]?$", re.IGNORECASE
)
_TITLE_VERSION = lazy(r"[\[(](?:v|take |try )(\d{1,3})(?:\.(\d))?[])]", re.IGNORECASE)
_FIRST_VERSION = lazy(r"\]\s*v(\d{1,3})(?=[:,])", re.IGNORECASE)
#: words that begin so are read with care
_NOT_PLAIN = ("-", "v", "patch", "take", "try", "rev", "of")
#: digits of the number of a patch, and one
_LONGEST_COUNT = 5
#: digits of a version
_LONGEST_VERSION = 9
#: characters of a subject in which marks are looked for
_LONGEST = 1000
#: how many words an unclosed bracket is followed
_MOST_WORDS = 8


class Subject(Struct, frozen=True):
    """What a subject line says.

    ``number`` is None when no ``n/m`` stands there; ``total`` is None as well then, and where
    the m is not known (``1/?``).  ``version`` is 1 and ``versioned`` False when no ``vN``
    stands there; ``minor`` is the 1 of ``v3.1`` or ``v3a``, which replaces patches of v3.
    ``prefixes`` are the other words in the brackets (``RFC``, ``net-next``), in their order.
    A forwarded patch is a patch, not an answer.
    """

    title: str
    version: int
    versioned: bool
    number: int | None
    total: int | None
    prefixes: tuple[str, ...]
    is_patch: bool
    is_reply: bool
    is_resend: bool
    minor: int = 0
    is_forward: bool = False


def parse(subject: str) -> Subject:
    """Take a decoded, unfolded subject apart; never fails.

    Of what is longer than a line of a mail can be the end is title, whatever it says.
    """
    if len(subject) > _LONGEST:
        head = subject[:_LONGEST].rstrip()
        start = parse(head)
        return replace(start, title=start.title + subject[len(head) :].rstrip())
    return _common(subject) or _Reader().read(subject)


def _common(subject: str) -> Subject | None:
    """Read what nearly all patches have, ``[RFC PATCH net v2 1/2] title``; None for the rest.

    No expression is compiled for it: a short check meets no other form.
    """
    close = subject.find("] ")
    title = subject[close + 2 :]
    if close < 0 or subject[0] != "[" or not _is_plain(title):
        return None
    version = number = total = None
    prefixes: list[str] = []
    is_patch = False
    for word in subject[1:close].split():
        here, slash, there = word.partition("/")
        if word == "PATCH":
            is_patch = True
        elif (
            word.isascii()
            and word.replace("-", "").isalpha()
            and not word.lower().startswith(_NOT_PLAIN)
        ):
            prefixes.append(word)
        elif word[:1] == "v" and _is_version(word[1:]) and version is None:
            version = int(word[1:])
        elif slash and number is None and _is_count(here) and _is_count(there):
            number, total = int(here), int(there)
        else:
            return None
    if not is_patch or not _TAG_WORDS.isdisjoint(map(str.lower, prefixes)):
        return None
    return Subject(
        title.rstrip(),
        1 if version is None else version,
        version is not None,
        number,
        total,
        tuple(prefixes),
        is_patch=True,
        is_reply=False,
        is_resend=any(word.lower().startswith("resend") for word in prefixes),
    )


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < _LONGEST_COUNT


def _is_version(text: str) -> bool:
    """Whether digits are a version: what no store can hold as a number is a word like others."""
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_VERSION


def _is_plain(title: str) -> bool:
    """Whether a title is only that, and says no number or version of its own."""
    if not title or title[0] in _TELLING_START or "  " in title or not title.isprintable():
        return False
    last = title.rstrip()[-1:]
    return last not in _TELLING_END and not (
        last.isdigit() and ("/" in title[-9:] or " of " in title[-12:])
    )


def title_version(subject: str) -> int | None:
    """The version that a title names, ``title (v2)`` or ``v2: title``; None without one."""
    found = _TITLE_VERSION.search(subject) or _FIRST_VERSION.search(subject)
    return None if found is None else int(found.group(1))


class _Reader:
    """Reads one subject of any form; what it has found so far."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.minor = 0
        self.number: int | None = None
        self.total: int | None = None
        self.prefixes: list[str] = []
        self.is_patch = False
        self.is_reply = False
        self.is_forward = False

    def read(self, subject: str) -> Subject:
        """What the subject says."""
        rest = " ".join(subject.split())
        if not rest.isascii():
            rest = " ".join(rest.translate(_BRACKETS).split())
        rest = self._without_marks(rest)
        if not rest.startswith("["):
            rest = _ROUND.sub(r"[\1]", rest, count=1) if _ROUND.match(rest) else rest
            rest = _BARE.sub(r"[\1 \2] ", rest, count=1) if _BARE.match(rest) else rest
            rest = self._with_bracket_in_front(rest)
        while rest.startswith("["):
            inside, behind = _bracket(rest)
            if inside is None:
                break
            rest = behind
            self._words(inside)
            rest = self._without_marks(rest)
        if self.is_patch or self.number is not None:
            rest = self._title(rest)
        return Subject(
            title=rest.strip(),
            version=1 if self.version is None else self.version,
            versioned=self.version is not None,
            number=self.number,
            total=self.total,
            prefixes=tuple(self.prefixes),
            is_patch=self.is_patch,
            is_reply=self.is_reply,
            is_resend=any(prefix.lower().startswith("resend") for prefix in self.prefixes),
            minor=self.minor,
            is_forward=self.is_forward,
        )

    def _without_marks(self, text: str) -> str:
        """Take the marks of answers, forwards and filters off the front."""
        text = text.lstrip()
        while True:
            if found := _REPLY.match(text):
                self.is_reply = True
            elif found := _FORWARD.match(text):
                self.is_forward = True
            elif _REPLY_FOREIGN.match(text) and not _TAG_WORDS & {text[: text.find(":")].lower()}:
                self.is_reply = True
                return text[text.find("[") :]
            elif text[:1] != "[" and "[" in text and (found := _TAG.match(text)):
                pass
            else:
                return text
            text = text[found.end() :]

    def _with_bracket_in_front(self, text: str) -> str:
        """A subject whose bracket stands behind a word or the title, the usual way round."""
        if (found := _OUTSIDE.match(text)) is not None:
            return f"[{found.group(1)}] {text[found.end() :]}"
        if text.endswith("]") and (found := _LAST_BRACKET.match(text)) is not None:
            return f"{found.group(2)} {found.group(1)}"
        return text

    def _words(self, inside: str) -> None:
        """Take in the words of one bracket; what an earlier one said of its kind holds.

        git puts its bracket in front of those that a title has already.
        """
        number, total, version, minor = self.number, self.total, self.version, self.minor
        for word in _words(inside):
            self._word(word)
        if number is not None:
            self.number, self.total = number, total
        if version is not None:
            self.version, self.minor = version, minor

    def _word(self, word: str) -> None:
        """Take in one word of the brackets; several may be glued into one."""
        if (found := _COUNTER.match(word.rstrip(_EDGES))) is None and "/" in word:
            parts = word.split("/")
            if any(part.lower() in _KNOWN or _VERSION.match(part) for part in parts):
                for part in parts:
                    self._word(part)
                return
        if found is not None:
            word = found.group(1)
            self._count(found.group(2), found.group(3))
        bare = word.strip(_EDGES)
        if (found := _FRONT_VERSION.match(bare)) is not None:
            self._versioned(found.group(1), None)
            bare = word = bare[found.start(2) :]
        found = _VERSION.match(bare)
        if found is not None and not (found.group(3) and found.group(1).endswith("for-")):
            letter = found.group(4)
            minor = str(ord(letter.lower()) - ord("a") + 1) if letter else found.group(3)
            self._versioned(found.group(2), minor)
            bare = found.group(1).strip(_EDGES)
            word = bare
        if not bare or bare.lower() in _TAG_WORDS:
            return
        if bare.lower().startswith("patch"):
            self.is_patch = True
        else:
            self.prefixes.append(word)

    def _count(self, number: str, total: str) -> None:
        self.number = int(number)
        self.total = int(total) if total.isdigit() else None

    def _versioned(self, version: str, minor: str | None) -> None:
        """Take in a version; a dotted one only where there is no plain one."""
        if minor and self.version is not None:
            return
        self.version, self.minor = int(version), int(minor or 0)

    def _title(self, title: str) -> str:
        """Read a number or version that stands behind the brackets or at the end."""
        found = _LEADING.match(title)
        if found is not None and found.end():
            version, minor, number, total = found.groups()
            counts = number is not None and self.number is None and _in_order(number, total)
            speaks = version is not None and self.version is None and (counts or not self.number)
            if counts or (speaks and number is None and title[found.end(1) :][:1] in " :,-])"):
                if counts:
                    self._count(number, total)
                if speaks:
                    self._versioned(version[1:], minor)
                title = title[found.end() :]
        if self.number is None and (title[-1:] in {")", "]"} or title[-1:].isdigit()):
            found = _TRAILING_COUNTER.search(title)
            if found is not None and _in_order(*found.groups()):
                self._count(*found.groups())
                title = title[: found.start()].rstrip()
        # A series may well have one patch whose title says (v2): that is no other series.
        if self.version is None and self.number is None:
            found = _TITLE_VERSION.search(title)
            if found is not None:
                self._versioned(*found.groups())
        return title


def _in_order(number: str, total: str) -> bool:
    return not total.isdigit() or int(number) <= int(total)


def _bracket(text: str) -> tuple[str | None, str]:
    """Split a text that starts with a bracket into what is in it, and the rest.

    Brackets inside belong to it; one that is not closed ends before the first word that
    says nothing of a series, and None comes back where that is the first.
    """
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if not depth:
            inside, rest = text[1:at], text[at + 1 :].lstrip()
            close = rest.find("]")
            if close > 0 and "[" not in rest[:close] and _COUNTER.match(rest[:close].strip()):
                return f"{inside} {rest[:close]}", rest[close + 1 :].lstrip()  # [PATCH] 2/3]
            blank = " " if _split(inside) else ""
            return inside.replace("[", blank).replace("]", blank), rest
    close = text.find("]")
    if close > 0:
        return text[1:close].replace("[", ""), text[close + 1 :].lstrip()
    return _unclosed(text[1:])


def _split(inside: str) -> bool:
    """Whether brackets in brackets stand between words: ``[[PATCH] v2]``, not ``[RF[CRAP]]``."""
    return inside.startswith("[") or " [" in inside


def _unclosed(text: str) -> tuple[str | None, str]:
    words = text.split(" ")
    known = 0
    for word in words[:_MOST_WORDS]:
        bare = word.strip(",;:").lower()
        if not (bare in {"patch", "rfc", "resend"} or _COUNTER.match(bare) or _VERSION.match(bare)):
            break
        known += 1
    if not known or not words[0].lower().startswith(("patch", "rfc")):
        return None, text
    return " ".join(words[:known]), " ".join(words[known:])


def _words(inside: str) -> list[str]:
    """The words of a bracket, with numbers and versions written as one word each."""
    if "/" in inside or "\\" in inside or "|" in inside:
        inside = _SLASH.sub("/", inside)
    if " of " in inside.lower():
        inside = _OF.sub(r"\1/\2", inside)
    if "for v" in inside:
        inside = inside.replace("for v", "for-v")  # a release that it is meant for
    inside = _SPACED_VERSION.sub("v", inside)
    return [word for word in _SEPARATORS.split(inside) if word]
