"""Holds every row of the fact tables against a real kernel tree.

usage: check_facts.py TREE

For each row: is the function or macro defined in the file that the row names, is the
struct's member there, does the line that the evidence names speak of it?  Rows whose
since/until leave the tree's version out are only counted; lines of evidence are those of 6.1
and held against that alone.  Exit status 1 when a row does not hold.  Run it after a change
to rules/kernel/, on more than one version of the kernel.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from patchlint.ruleset.load import load

if TYPE_CHECKING:
    from patchlint.model.kernel import Source

#: the kernel whose lines the evidence names
EVIDENCE = (6, 1)
_EVIDENCE = re.compile(r"^([\w./+-]+\.[chS]):(\d+)(?:-(\d+))?$")


@dataclass(frozen=True)
class Row:
    """One fact to hold against the tree: ``struct`` is set for a member of one."""

    table: str
    name: str
    source: Source
    struct: str = ""
    also: tuple[str, ...] = ()


def rows():
    """All rows of the shipped tables."""
    kernel = load(cached=False).kernel
    for table in ("cleanups", "registrations", "activations", "waits"):
        for name, row in getattr(kernel, table).items():
            counter = getattr(row, "kind", "") == "share"
            yield Row("counters" if counter else table, name.removeprefix("->"), row.source)
    for twin in kernel.twins.values():
        yield Row("twins", twin.deferred, twin.source, also=(twin.direct,))
    for entry in kernel.entries:
        yield Row(
            "entries", entry.member or entry.macro or entry.function, entry.source, entry.struct
        )
    for made in {one.macro: one for rows in kernel.initializers.values() for one in rows}.values():
        yield Row("initializers", made.macro, made.source)
    named = {
        "system calls": kernel.system_calls.values(),
        "hubs": kernel.hubs.values(),
        "own holds": kernel.own_holds.values(),
        "proofs": kernel.proofs,
    }
    for table, known in named.items():
        for one in known:
            yield Row(table, one.name, one.source)
    for flag in kernel.unflagged.values():
        yield Row("unflagged", flag.made, flag.source)


class Tree:
    """A kernel source folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        make = (self.folder / "Makefile").read_text()
        numbers = dict(re.findall(r"^(VERSION|PATCHLEVEL) = (\d+)$", make, re.MULTILINE))
        self.version = (int(numbers["VERSION"]), int(numbers["PATCHLEVEL"]))

    @cache  # noqa: B019 - lives as long as the program
    def text(self, file):
        """A file's text, None when there is none."""
        path = self.folder / file
        return path.read_text(errors="replace") if path.is_file() else None


def defined(text, name):
    """Line on which ``name`` is defined or, in a header, declared; None if nowhere."""
    macro = re.search(rf"^#\s*define\s+{name}\b", text, re.MULTILINE)
    if macro:
        return text.count("\n", 0, macro.start()) + 1
    for found in re.finditer(rf"^(?:[A-Za-z_][^\n;={{}}()]*[\s*])?{name}\s*\(", text, re.MULTILINE):
        after = text[_closing(text, found.end() - 1) + 1 :][:200]
        if re.match(r"[\s\w()*&,>-]*\{", after) or re.match(r"[\s\w()*,]*;", after):
            return text.count("\n", 0, found.end()) + 1
    return None


def _closing(text, opening):
    depth = 0
    for place in range(opening, min(len(text), opening + 4000)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return opening


def member_of(text, struct, member):
    """Whether ``struct`` has ``member`` in this file."""
    found = re.search(rf"^(?:typedef )?struct\s+{struct}\s*\{{", text, re.MULTILINE)
    if not found:
        return False
    return re.search(rf"\b{member}\b", text[found.start() : text.find("\n}", found.start())])


def complaint(tree, row):
    """What does not hold, None when all does."""
    files = [file for file in (row.source.file, row.source.moved) if file is not None]
    texts = {file: text for file in files if (text := tree.text(file)) is not None}
    if not texts:
        return f"no file {' nor '.join(files)}"
    if row.struct:
        if not any(member_of(text, row.struct, row.name) for text in texts.values()):
            return f"struct {row.struct} has no {row.name} in {' nor '.join(texts)}"
    elif row.table == "system calls":
        define = re.compile(rf"^SYSCALL_DEFINE\d\({row.name}\b", re.MULTILINE)
        if not any(map(define.search, texts.values())):
            return f"no such system call in {' nor '.join(texts)}"
    elif row.table == "counters":
        declared = re.compile(rf"^[\s\w*]*\b{row.name}\b[\s\w]*(?:=[^;]*)?;", re.MULTILINE)
        if not any(map(declared.search, texts.values())):
            return f"no such counter in {' nor '.join(texts)}"
    elif all(defined(text, row.name) is None for text in texts.values()):
        return f"not defined in {' nor '.join(texts)}"
    return _evidence(tree, row) if tree.version == EVIDENCE else None


def _evidence(tree, row):
    place = _EVIDENCE.match(row.source.evidence)
    if place is None:
        return None
    lines = (tree.text(place[1]) or "").splitlines()
    first, last = int(place[2]), int(place[3] or place[2])
    if last > len(lines):
        return f"evidence: {place[1]} has no line {last}"
    near = lines[max(0, first - 3) : first + 2]
    if first == last and not any(re.search(rf"\b{row.name}\b", line) for line in near):
        return f"evidence: {row.source.evidence} does not speak of it"
    return None


def main(arguments):
    """Print what does not hold."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    tree = Tree(arguments[0])
    held = skipped = 0
    wrong = []
    for row in rows():
        if not row.source.holds(tree.version):
            skipped += 1
            continue
        said = complaint(tree, row)
        if said is None:
            held += 1
        else:
            wrong.append(f"{row.table}: {row.name}: {said}")
    print(*wrong, sep="\n")
    print(
        f"{held} rows hold in {tree.version[0]}.{tree.version[1]}, {len(wrong)} do not, "
        f"{skipped} are of other versions",
        file=sys.stderr,
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
