"""What a sketch is drawn of: files as lines with the marks of a diff."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SECTION: Final = "\ndiff --git "
_RENAMED: Final = re.compile(r"^rename from (.+)\nrename to (.+)$", re.MULTILINE)
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
            renamed = _RENAMED.search(head)
            if renamed:
                first_name[renamed[2]] = first_name.get(renamed[1], renamed[1])
            if start < 0:
                continue
            first = head.partition("\n")[0].strip()
            if not first.startswith("diff --git "):
                yield Shown(section[start:], added=False, path="")
            elif first.endswith(_C_SOURCE):
                path = first.rpartition(" ")[2].partition("/")[2]
                path = first_name.get(path, path)
                added = seen.setdefault(path, "\n--- /dev/null" in head)
                yield Shown(section[start:], added, path)


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
    for text, place in zip(new, origin, strict=True):
        if place <= done:  # new, or moved up past what was told already
            fresh.append(b"+" + text)
            continue
        if place > done + 1:
            out.extend(b"-" + line for line in before[done : place - 1])
        out += fresh
        fresh.clear()
        out.append(b" " + text)
        done = place
    out.extend(b"-" + line for line in before[done:])
    lines = b"\n".join(out + fresh).decode("utf-8", "replace")
    return Shown(lines, old is None, path, whole=True)
