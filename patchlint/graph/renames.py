"""Identifiers of a series' own that only got another name.

A removed and an added line of one shape, alike but for one word: the old word stands
nowhere after, the new one nowhere before.  Names of calls are none of these: ``put(x)``
and ``put_later(x)`` have one shape.  Errs towards a rename unseen, which is a finding too
many, where a word is used for something else as well.
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
    found: dict[str, set[str]] = {}
    for line in removed:
        old = _WORD.findall(line)
        called = set(_CALLED.findall(line))
        for new in shapes.get(_shape(line), ())[:_ALIKE]:
            for one, other in _differing(old, new):
                if one not in called:
                    found.setdefault(one, set()).add(other)
    if not found:
        return {}
    before, after = _words(pair.pre for pair in pairs), _words(pair.post for pair in pairs)
    fresh = {old: new - before for old, new in found.items() if old not in after}
    return {old: new.pop() for old, new in fresh.items() if len(new) == 1}


def _changed(image: Image | None, kept: Container[int]) -> Iterator[str]:
    """The lines of one side that the other does not have."""
    lines = image.text.split(b"\n") if image is not None else ()
    for number, line in enumerate(lines, 1):
        if number not in kept and image is not None and image.knows(number) and line.strip():
            yield line.decode("utf-8", "replace")


def _words(images: Iterable[Image | None]) -> set[str]:
    """All words of one side."""
    texts = (image.text.decode("utf-8", "replace") for image in images if image is not None)
    return {word for text in texts for word in _WORD.findall(text)}


def _shape(line: str) -> str:
    return " ".join(_WORD.sub("w", line).split())


def _differing(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """The words that differ between two lines, when few do."""
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    return pairs if 0 < len(set(pairs)) <= max(1, len(old) // 3) else []
