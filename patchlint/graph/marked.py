"""What a sketch is drawn of: files as lines with the marks of a diff."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from patchlint.model.pattern import lazy
from patchlint.model.quoted import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SECTION: Final = "\ndiff --git "
_RENAMED: Final = lazy(r"^rename from (.+)\nrename to (.+)$", re.MULTILINE)
_C_SOURCE: Final = (".c", ".h")


class Shown(NamedTuple):
    """What is to be seen of one file: lines with the marks of a diff.

    ``path`` is the file's first name in the series, ``added`` set for a file that the series
    itself brings: it has no state before.  A ``whole`` one has no lines of hunks.
    """

    lines: str
    added: bool
    path: str
    whole: bool = False


def of_diffs(diffs: Iterable[str]) -> Iterator[Shown]:
    """The hunks of each C file in ``diffs``.

    A diff without git's headers is taken for one file that was there before.
    """
    seen: dict[str, bool] = {}
    first_name: dict[str, str] = {}
    for diff in diffs:
        for number, text in enumerate(f"\n{diff}".split(_SECTION)):
            section = f"{_SECTION[1:]}{text}" if number else text
            start = section.find("@@ -")
            head = section if start < 0 else section[:start]
            renamed = _RENAMED.search(head) if "\nrename from " in head else None
            if renamed:
                before, after = unquote(renamed[1]), unquote(renamed[2])
                first_name[after] = first_name.get(before, before)
            if start < 0:
                continue
            first = head.partition("\n")[0].strip()
            if not first.startswith("diff --git "):
                yield Shown(section[start:], added=False, path="")
            elif first.removesuffix('"').endswith(_C_SOURCE):
                path = _second_name(first).partition("/")[2]
                path = first_name.get(path, path)
                added = seen.setdefault(path, "\n--- /dev/null" in head)
                yield Shown(section[start:], added, path)


def _second_name(header: str) -> str:
    """The name behind the last blank of git's header, or the last one in quotes."""
    if header.endswith('"'):
        return unquote(header[header.rfind(' "') + 1 :])
    return header.rpartition(" ")[2]


def of_whole(
    path: str, old: Sequence[bytes] | None, new: Sequence[bytes], origin: Sequence[int]
) -> Shown:
    """A file that is there in full on both sides, its changes marked as a diff marks them.

    ``old`` and ``new`` are its lines, no lines for a deleted file; ``old`` is None for one
    that the series brings.  ``origin`` has the number that each new line had, 0 for a new one.
    """
    out: list[bytes] = []
    fresh: list[bytes] = []
    before = old or ()
    done = 0
    for start, end in _runs(origin):
        # new lines, and those that moved up past what was told already
        kept = min(max(done + 1 - origin[start], 0) + start, end)
        fresh.extend(b"+" + line for line in new[start:kept])
        if kept == end:
            continue
        place = origin[kept]
        out.extend(b"-" + line for line in before[done : place - 1])
        out += fresh
        fresh.clear()
        out.append(b" " + b"\n ".join(new[kept:end]))
        done = origin[end - 1]
    out.extend(b"-" + line for line in before[done:])
    lines = b"\n".join(out + fresh).decode("utf-8", "replace")
    return Shown(lines, old is None, path, whole=True)


def _runs(origin: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Start and end of each longest part in which numbers follow one another."""
    ends = [n for n, (one, other) in enumerate(pairwise(origin), 1) if other - one != 1]
    if origin:
        yield from pairwise([0, *ends, len(origin)])
