"""What mailers do to a diff, undone: no-break spaces, HTML, doubled lines, colours.

Each damage is told by what a diff of C can never look like, so that a patch which is whole
stays as it is; and what was mended is said, since nobody can apply such a patch.
"""

from __future__ import annotations

import re

from patchlint.model.pattern import lazy

_COLOUR = lazy(r"\x1b\[[0-9;]*[mK]")
#: what tells a diff in colours: also of a picture or a new name, which have no hunk
_COLOURED = lazy(r"^(?:\x1b\[[0-9;]*[mK])+(?:diff |--- |\+\+\+ |@@ -)", re.MULTILINE)
_HARD_BLANK = lazy(r"^[ +-]?[\u00a0\u2000-\u200a\u202f\u3000]", re.MULTILINE)
_BLANKS = lazy(r"[\u00a0\u2000-\u200a\u202f\u3000]")
_BREAK = lazy(r"[ \t]*<br ?/?>[ \t]*$", re.MULTILINE | re.IGNORECASE)
_TELLING = lazy(r"&(?:lt|gt|amp|quot);", re.IGNORECASE)
_ENTITY = lazy(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,5}|#x[0-9a-f]{1,5});", re.IGNORECASE)
#: what each entity stands for in text that was made HTML, and so is not there as it is
_PLAIN = {"&gt;": r"(?<!^)>", "&lt;": r"<", "&amp;": r"&(?!#?\w{1,8};)", "&quot;": '"'}
_QUOTED = lazy(r"=(?:3D|09|20$|$)", re.MULTILINE)
_NOT_QUOTED = lazy(r"=(?![0-9A-F]{2}|$)", re.MULTILINE)
#: how a header of a file begins
_MARKS = ("diff --git ", "--- ", "Index: ")
_BLANK = " \t\u00a0"
#: a time stamp that a mailer moved to a line of its own, and a name that stands below its mark
_TORN_DATE = lazy(
    r"^((?:---|\+\+\+) \S[^\n]*?)[ \t]*\n(\d\d?:\d\d:\d\d[^\n]*\n)"
    r"(?=\+\+\+ |@@ -)",
    re.MULTILINE,
)
_TORN_NAME = lazy(r"^(---|\+\+\+) ?\n(?=[ab]/\S+\n(?:\+\+\+|@@ -))", re.MULTILINE)
_HUNKS = lazy(r"^@@ -\d", re.MULTILINE)
_SIGNATURE = lazy(r"^--[ \t\u00a0]?$", re.MULTILINE)


def mend(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text with the diff in it made whole, and what was amiss with it.

    A text without a diff, or with one that is as it should be, comes back as it is.
    """
    if "\x1b[" in text and _COLOURED.search(text) is not None:
        text = _COLOUR.sub("", text)  # nothing is lost by it, so nothing is said
    if "@@ -" not in text:
        return text, ()
    said: list[str] = []
    above = _line_above(text)
    if above is None:
        return text, ()
    if "<br" in above.lower():
        text = _without_breaks(text, said)
        above = _line_above(text)
    if not (above or "").strip(_BLANK):
        text = _single_spaced(text, said)
    if "--- a/" not in text:
        text = _whole_headers(text, said)
    if not text.isascii() and _BLANKS.search(text) is not None:
        text = _soft_blanks(text, said)
    if "&gt;" in text or "&lt;" in text or "&amp;" in text:
        text = _without_entities(text, said)
    if "=3D" in text:
        text = _unquoted(text, said)
    return text, tuple(said)


def _whole_headers(text: str, said: list[str]) -> str:
    """Join what a mailer put on a line of its own."""
    if _TORN_DATE.search(text) is None and _TORN_NAME.search(text) is None:
        return text
    said.append("file header broken by a mailer; joined")
    return _TORN_NAME.sub(r"\1 ", _TORN_DATE.sub(r"\1 \2", text))


def _line_above(text: str) -> str | None:
    """The line above the first hunk, which shows most damages; None without a hunk."""
    at = text.find("\n@@ -")
    return None if at < 0 else text[text.rfind("\n", 0, at) + 1 : at]


def _doubled_from(text: str) -> int | None:
    """Offset of the first line of a file header that has an empty line behind it."""
    found = [0] if text.startswith(_MARKS) else []
    found += [at + 1 for mark in _MARKS if (at := text.find(f"\n{mark}")) >= 0]
    if not found:
        return None
    end = text.find("\n", min(found)) + 1
    following = text[end : text.find("\n", end) + 1]
    return None if following.strip(_BLANK + "\n") else min(found)


def _hunks(text: str) -> tuple[int, int]:
    """Offsets of the first hunk and of the signature behind the last."""
    found = _HUNKS.search(text)
    start = len(text) if found is None else found.start()
    end = _SIGNATURE.search(text, start)
    return start, len(text) if end is None else end.start()


def _soft_blanks(text: str, said: list[str]) -> str:
    """Blanks for no-break spaces, when they indent lines of the diff."""
    found = _HUNKS.search(text)
    if found is None or _HARD_BLANK.search(text, found.start()) is None:
        return text
    said.append("no-break spaces in place of the diff's white space; taken for blanks")
    return _BLANKS.sub(" ", text)


def _without_breaks(text: str, said: list[str]) -> str:
    start, end = _hunks(text)
    lines = text.count("\n", start, end)
    if not lines or 2 * len(_BREAK.findall(text[start:end])) < lines:
        return text
    said.append("the lines of the diff end in <br>; taken off")
    return _BREAK.sub("", text)


def _without_entities(text: str, said: list[str]) -> str:
    """Characters for HTML entities, for those that the hunks have none of as they are."""
    hunks = text[slice(*_hunks(text))]
    known = {found.lower() for found in _TELLING.findall(hunks)}
    gone = {one for one in known if re.search(_PLAIN[one], hunks, re.MULTILINE) is None}
    if not gone & {"&gt;", "&lt;", "&amp;"}:
        return text
    from html import unescape

    def plain(found: re.Match[str]) -> str:
        entity = found.group()
        escaped = entity.lower() not in _PLAIN or entity.lower() in gone
        return unescape(entity).replace("\u00a0", " ") if escaped else entity

    said.append("HTML entities in the diff; put back")
    return _ENTITY.sub(plain, text)


def _single_spaced(text: str, said: list[str]) -> str:
    """Take the empty line out that stands behind each line of the diff."""
    header = _doubled_from(text)
    if header is None:
        return text
    lines = text[header:].split("\n")
    out: list[str] = []
    doubled = at = 0
    while at < len(lines):
        out.append(lines[at])
        blank = at + 1 < len(lines) and not lines[at + 1].strip(_BLANK)
        doubled += blank
        at += 1 + blank
    if doubled < 0.8 * len(out):
        return text
    said.append("an empty line behind each line of the diff; taken out")
    return text[:header] + "\n".join(out)


def _unquoted(text: str, said: list[str]) -> str:
    """Undo quoted-printable that no header tells of, when no other ``=`` is there."""
    start, end = _hunks(text)
    hunks = text[start:end]
    if _QUOTED.search(hunks) is None or _NOT_QUOTED.search(hunks) is not None:
        return text
    import binascii

    said.append("the diff is quoted-printable, which no header says; decoded")
    plain = binascii.a2b_qp(text.encode("utf-8", "surrogateescape"))
    return plain.decode("utf-8", "replace")
