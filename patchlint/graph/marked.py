"""What a sketch is drawn of: files as lines with the marks of a diff."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.model.image import FilePair

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


def of_whole(pair: FilePair) -> Shown:
    """A file that is there in full on both sides, its changes marked as a diff marks them."""
    old = _lines(pair.pre.text) if pair.pre is not None else []
    new = _lines(pair.post.text) if pair.post is not None else []
    origins = {after: before for before, after in pair.kept.items()}
    out: list[str] = []
    fresh: list[str] = []
    done = 0
    for number, text in enumerate(new, 1):
        origin = origins.get(number, 0)
        if origin <= done:  # new, or moved up past what was told already
            fresh.append(f"+{text}")
            continue
        out.extend(f"-{line}" for line in old[done : origin - 1])
        out += fresh
        out.append(f" {text}")
        fresh.clear()
        done = origin
    out.extend(f"-{line}" for line in old[done:])
    return Shown("\n".join(out + fresh), pair.pre is None, pair.old_path or pair.path, whole=True)


def _lines(text: bytes) -> list[str]:
    return text.decode("utf-8", "replace").split("\n")
