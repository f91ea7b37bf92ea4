"""Identifiers of a series' own that only got another name.

A removed and an added line of one shape, alike but for one word, or for one part of words:
the old word stands nowhere after, the new one nowhere before.  Names of calls are none of
these, but where a line at file scope defines what is called: ``put(x)`` and ``put_later(x)``
have one shape.  Nor are constants, but where the line is the one that defines them: another
flag is another value.  Errs towards a rename unseen, which is a finding too many, where a word is
used for something else as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from patchlint.model.image import FilePair, Image

_WORD: Final = re.compile(r"[A-Za-z_]\w*")
#: a word in front of a bracket is called, or is a keyword
_CALLED: Final = re.compile(r"[A-Za-z_]\w*(?=\s*\()")
#: what a line defines: a macro, or a value of an enumeration
_DEFINED: Final = re.compile(r"\s*(?:#\s*define\s+)?([A-Z][A-Z0-9_]+)\b(?!\s*(?:\(|->|\.))")
#: values that are written as words
_TRUTHS: Final = frozenset({"true", "false"})
#: changed lines of a series; larger ones are rewritten, not renamed
_MOST: Final = 3000
#: added lines of one shape that a removed one is held against
_ALIKE: Final = 8


def renames(files: Iterable[FilePair]) -> dict[str, str]:
    """Old names to new ones, of variables, members and constants."""
    pairs = tuple(files)
    removed = [line for pair in pairs for line in _changed(pair.pre, pair.kept.keys())]
    added = [line for pair in pairs for line in _changed(pair.post, set(pair.kept.values()))]
    if not removed or not added or len(removed) + len(added) > _MOST:
        return {}
    shapes: dict[str, list[list[str]]] = {}
    for line in added:
        shapes.setdefault(_shape(line), []).append(_WORD.findall(line))
    maybe: list[tuple[str, str]] = []
    for line in removed:
        alike = shapes.get(_shape(line), ())[:_ALIKE]
        # what is called; a line at file scope says what it is called itself
        called = set(_CALLED.findall(line)) if alike and line[:1].isspace() else ()
        old = _WORD.findall(line) if alike else []
        defined = found[1] if (found := _DEFINED.match(line)) else None
        maybe += [
            pair
            for new in alike
            for pair in _differing(old, new)
            if pair[0] not in called
            and not _TRUTHS.issuperset(pair)
            and (not pair[0].isupper() or pair[0] == defined)
        ]
    if not maybe:
        return {}
    before = words(pair.pre for pair in pairs)
    after = words(pair.post for pair in pairs)
    known: dict[str, set[str]] = {}
    for one, other in maybe:
        if one not in after and other not in before:
            known.setdefault(one, set()).add(other)
    return {old: new.pop() for old, new in known.items() if len(new) == 1}


def _changed(image: Image | None, kept: Container[int]) -> Iterator[str]:
    """Give the lines of one side that the other does not have, but for empty ones."""
    if image is None:
        return
    lines = _text(image).split("\n")
    for first, last in image.known:
        for number in range(first, min(last, len(lines)) + 1):
            line = lines[number - 1]
            if number not in kept and line and not line.isspace():
                yield line


def words(images: Iterable[Image | None]) -> frozenset[str]:
    """Return the words of one side."""
    return frozenset(
        word for one in images if one is not None for word in _WORD.findall(_text(one))
    )


def _text(image: Image) -> str:
    return image.text.decode("utf-8", "replace")


def _shape(line: str) -> str:
    return " ".join(_WORD.sub("w", line).split())


def _differing(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """The words that differ between two lines, when few do, or all in the same part."""
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    changes = {_part(a, b) for a, b in pairs}
    return pairs if 0 < len(changes) <= max(1, len(old) // 3) else []


def _part(old: str, new: str) -> tuple[str, str]:
    """What differs between two words: ``sess`` and ``path`` of ``to_srv_sess``, ``to_srv_path``."""
    one, other = old.split("_"), new.split("_")
    parts = {(a, b) for a, b in zip(one, other, strict=False) if a != b}
    return parts.pop() if len(parts) == 1 and len(one) == len(other) else (old, new)
