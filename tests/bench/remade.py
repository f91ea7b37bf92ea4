"""Ways to write a series otherwise that must not change what is found in it.

A series is remade in its parsed diffs, so that nothing of a mail is needed but its text.
Each way is named; :data:`BOTH` writes both sides otherwise in the same manner, :data:`QUIET`
makes series that lose nothing, and the functions below them cut, shift, shuffle and rename.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.diff import DiffLine, FileDiff, Hunk

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator

    from patchlint.model.kernel import KernelFacts
    from patchlint.model.mail import Patch, Series

Entry = tuple[str, str]
"""Kind and text of one line of a hunk."""

_WORD = re.compile(r"\b[A-Za-z_]\w*\b")
#: a whole statement on one line: indentation, call, arguments
_STATEMENT = re.compile(r"^(\s+)((\w+)\((.*)\);)\s*$")
_KEYWORDS = frozenset({
    "if", "while", "for", "switch", "return", "sizeof", "do", "else", "goto", "case", "typeof",
})  # fmt: skip


class Made(Struct, frozen=True):
    """A series and the files of each of its patches."""

    series: Series
    files: dict[int, tuple[FileDiff, ...]]

    def with_files(self, files: dict[int, tuple[FileDiff, ...]]) -> Made:
        return Made(self.series, files)

    def map(self, change: Callable[[FileDiff], FileDiff]) -> Made:
        return self.with_files({n: tuple(map(change, one)) for n, one in self.files.items()})

    def texts(self) -> Iterator[tuple[str, str]]:
        """Kind and text of every line that any patch shows."""
        for files in self.files.values():
            for file in files:
                for hunk in file.hunks:
                    for line in hunk.lines:
                        yield line.kind, line.text


def hunk(old: int, new: int, section: str, entries: Iterable[Entry]) -> Hunk:
    """A hunk of these lines that begins at those."""
    lines, a, b = [], old, new
    for kind, text in entries:
        lines.append(DiffLine(kind, text, a if kind != "+" else None, b if kind != "-" else None))
        a, b = a + (kind != "+"), b + (kind != "-")
    # an empty side stands behind the line before
    return Hunk(old - (a == old), a - old, new - (b == new), b - new, section, tuple(lines))


def placed(parts: Iterable[tuple[int, str, list[Entry]]]) -> tuple[Hunk, ...]:
    """Hunks of one file by their first lines before, in order."""
    found, grown = [], 0
    for old, section, entries in parts:
        found.append(hunk(old, old + grown, section, entries))
        grown += sum((kind == "+") - (kind == "-") for kind, _ in entries)
    return tuple(found)


def first_line(one: Hunk) -> int:
    """The line before on which a hunk begins."""
    return one.old_start + (one.old_length == 0)


def entries_of(one: Hunk) -> list[Entry]:
    return [(line.kind, line.text) for line in one.lines]


def plain(file: FileDiff) -> bool:
    """Whether a file stays where it is and is C."""
    return file.kind == "modify" and file.path.endswith((".c", ".h"))


# -- both sides otherwise -------------------------------------------------------------------


#: what a line ends or is that a statement may follow
_ENDED = re.compile(
    r"^\s*$|[;{}:]\s*$|\*/\s*$|^\s*(?:\} )?(?:else|(?:else )?if \(.*\)|while \(.*\))\s*$"
)


def _each_line(made: Made, change: Callable[[str], str]) -> Made:
    """Each line that begins a statement, the same text in the same way in all patches."""
    begins: set[str] = set()
    goes_on: set[str] = set()
    for files in made.files.values():
        for texts in ([y.text for y in x.lines] for file in files for x in file.hunks):
            for text, may in zip(texts[1:], _may_begin(texts)[1:], strict=True):
                (begins if may else goes_on).add(text)
    begins -= goes_on

    def lines(file: FileDiff) -> FileDiff:
        hunks = tuple(
            replace(
                x,
                lines=tuple(
                    replace(y, text=change(y.text)) if y.text in begins else y for y in x.lines
                ),
            )
            for x in file.hunks
        )
        return replace(file, hunks=hunks)

    return made.map(lambda file: lines(file) if file.path.endswith((".c", ".h")) else file)


def _may_begin(texts: list[str]) -> list[bool]:
    """Whether a statement may begin on each line, as far as the one above tells."""
    return [False, *(_ENDED.search(text) is not None for text in texts)][: len(texts)]


def _statements(pattern: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        found = _STATEMENT.match(text)
        if found is None or found[3] in _KEYWORDS or found[3].isupper():
            return text
        return found[1] + pattern.format(found[2])

    return change


def _null(text: str) -> str:
    return re.sub(r"\bif \(!(\w+(?:->\w+)+)\)", r"if (\1 == NULL)", text)


def _swapped(text: str) -> str:
    return re.sub(r"\bif \((\w[\w>.-]*) (==|!=) (\w[\w>.-]*)\)", r"if (\3 \2 \1)", text)


BOTH: dict[str, Callable[[str], str]] = {
    "braces": _statements("{{ {0} }}"),
    "do-while": _statements("do {{ {0} }} while (0);"),
    "remark": _statements("{0} /* as said */"),
    "void": lambda text: (
        text
        if (found := _STATEMENT.match(text)) is None or found[3] in _KEYWORDS or found[3].isupper()
        else f"{found[1]}(void){found[2]}"
    ),
    "if-true": _statements("{{ if (1) {{ {0} }} }}"),
    "likely": lambda text: re.sub(r"\bif \((\w+(?:->\w+)*)\)", r"if (likely(\1))", text),
    "twice-not": lambda text: re.sub(r"\bif \((\w+(?:->\w+)*)\)", r"if (!!\1)", text),
    "null": _null,
    "swapped": _swapped,
    "brackets": lambda text: re.sub(r"\bif \(([^()]+)\)(?=\s|$)", r"if ((\1))", text),
    "blanks": lambda text: text if _STATEMENT.match(text) is None else text.replace("(", " (", 1),
}


def both(made: Made, name: str) -> Made:
    """The series with both sides written otherwise."""
    return _each_line(made, BOTH[name])


def shifted(made: Made, by: int = 1000) -> Made:
    """Every hunk of a file that stays stands further down."""

    def lower(file: FileDiff) -> FileDiff:
        if file.kind != "modify":
            return file
        return replace(
            file,
            hunks=tuple(
                hunk(
                    first_line(one) + by,
                    one.new_start + (one.new_length == 0) + by,
                    one.section,
                    entries_of(one),
                )
                for one in file.hunks
            ),
        )

    return made.map(lower)


def shuffled(made: Made, rng: random.Random) -> Made:
    """The files of each patch in another order."""
    files = {}
    for number, one in made.files.items():
        order = list(one)
        rng.shuffle(order)
        files[number] = tuple(order)
    return made.with_files(files)


def numbered(made: Made, parts: list[tuple[Patch, tuple[FileDiff, ...]]]) -> Made:
    """The series of these patches, in this order."""
    patches = tuple(replace(patch, number=n) for n, (patch, _) in enumerate(parts, 1))
    series = replace(made.series, patches=patches, expected=len(patches), missing=())
    return Made(series, {n: files for n, (_, files) in enumerate(parts, 1)})


def parts_of(made: Made) -> list[tuple[Patch, tuple[FileDiff, ...]]]:
    return [(patch, made.files[patch.number]) for patch in made.series.patches]


def _paths(files: tuple[FileDiff, ...]) -> set[str | None]:
    return {path for file in files for path in (file.old_path, file.new_path)} - {None}


def exchanged(made: Made, rng: random.Random) -> Made | None:
    """The series with two neighbours that share no file changed about, None if all do."""
    parts = parts_of(made)
    places = [n for n in range(len(parts) - 1) if not _paths(parts[n][1]) & _paths(parts[n + 1][1])]
    if not places:
        return None
    at = rng.choice(places)
    parts[at : at + 2] = [parts[at + 1], parts[at]]
    return numbered(made, parts)


def split(made: Made, rng: random.Random) -> Made | None:
    """One patch of the series cut in two between two hunks; None where none has two."""
    parts = parts_of(made)
    able = [
        n
        for n, (_, files) in enumerate(parts)
        if sum(len(file.hunks) for file in files) > 1 and all(file.hunks for file in files)
    ]
    if not able:
        return None
    at = rng.choice(able)
    patch, files = parts[at]
    cut = rng.randrange(1, sum(len(file.hunks) for file in files))
    one, two = [], []
    for file in files:
        mine, cut = max(0, min(cut, len(file.hunks))), cut - len(file.hunks)
        if file.kind != "modify" and 0 < mine < len(file.hunks):
            mine = len(file.hunks)
        first, second = file.hunks[:mine], file.hunks[mine:]
        grown = sum(x.new_length - x.old_length for x in first)
        if first:
            one.append(replace(file, hunks=first))
        if second:
            again = [
                (first_line(x) + (grown if first else 0), x.section, entries_of(x)) for x in second
            ]
            two.append(replace(file, hunks=placed(again) if first else second))
    if not one or not two:
        return None
    parts[at : at + 1] = [(patch, tuple(one)), (patch, tuple(two))]
    return numbered(made, parts)


_TURN = {"+": "-", "-": "+", " ": " "}
_KINDS = {"add": "delete", "delete": "add"}


def _back(file: FileDiff) -> FileDiff:
    hunks = []
    for one in file.hunks:
        lines = [DiffLine(_TURN[x.kind], x.text, x.new, x.old, x.newline) for x in one.lines]
        # removed lines stand before added ones
        ordered: list[DiffLine] = []
        run: list[DiffLine] = []
        for x in [*lines, None]:
            if x is None or x.kind == " ":
                ordered += sorted(run, key=lambda y: y.kind != "-")
                run = []
                if x is not None:
                    ordered.append(x)
            else:
                run.append(x)
        hunks.append(
            Hunk(
                one.new_start,
                one.new_length,
                one.old_start,
                one.old_length,
                one.section,
                tuple(ordered),
            )
        )
    return FileDiff(
        file.new_path, file.old_path, _KINDS.get(file.kind, file.kind), tuple(hunks),
        file.new_blob, file.old_blob,
    )  # fmt: skip


def backwards(made: Made) -> Made:
    """The series that takes this one back."""
    parts = [(p, tuple(map(_back, files))) for p, files in reversed(parts_of(made))]
    return numbered(made, parts)


def and_back(made: Made) -> Made:
    """The series, and then what takes it back."""
    return numbered(made, parts_of(made) + parts_of(backwards(made)))


def narrowed(made: Made, context: int) -> Made:
    """The series with fewer lines of context around each change; hunks fall apart."""
    return made.map(lambda file: _narrowed(file, context) if file.kind == "modify" else file)


def _narrowed(file: FileDiff, context: int) -> FileDiff:
    parts = []
    for one in file.hunks:
        entries = entries_of(one)
        wanted = [
            any(kind != " " for kind, _ in entries[max(0, n - context) : n + context + 1])
            for n in range(len(entries))
        ]
        old, run, start, section = first_line(one), [], 0, one.section
        above = one.section
        for keep, (kind, text) in zip([*wanted, False], [*entries, (" ", "")], strict=True):
            if keep:
                if not run:
                    start, section = old, above
                run.append((kind, text))
            elif run:
                parts.append((start, section, run))
                run = []
            if kind != "+" and re.match(r"[A-Za-z_$]", text) and not text.rstrip().endswith(":"):
                above = " " + text[:80]
            old += kind != "+"
    return replace(file, hunks=placed(parts))


# -- nothing lost ------------------------------------------------------------------------------


def _standing(
    file: FileDiff, side: str, change: Callable[[str], str], *, anywhere: bool
) -> FileDiff:
    """One side of a file as a patch that only writes its lines otherwise."""
    gone = "-" if side == "post" else "+"
    parts = []
    for one in file.hunks:
        start = first_line(one) if side == "pre" else one.new_start + (one.new_length == 0)
        entries: list[Entry] = []
        shown = [entry for entry in entries_of(one) if entry[0] != gone]
        begins = _may_begin([text for _, text in shown])
        for (_, text), may in zip(shown, begins, strict=True):
            other = change(text) if may or anywhere else text
            if other == text:
                entries.append((" ", text))
            else:
                entries += [("-", text), ("+", other)]
        if any(kind != " " for kind, _ in entries):
            parts.append((start, one.section, entries))
    path = file.new_path if side == "post" else file.old_path
    return FileDiff(path, path, "modify", placed(parts))


def standing(made: Made, side: str, change: Callable[[str], str], *, anywhere: bool) -> Made | None:
    """A patch that writes one side of a lone patch otherwise; None where nothing changes.

    ``anywhere`` is set for a change of any line, not only of those that begin a statement.
    """
    patch, files = parts_of(made)[0]
    found = tuple(
        _standing(file, side, change, anywhere=anywhere)
        for file in files
        if file.kind == "modify" and file.path.endswith((".c", ".h"))
    )
    found = tuple(file for file in found if file.hunks)
    return numbered(made, [(patch, found)]) if found else None


# -- names ----------------------------------------------------------------------------------------

#: names that are C's own, or the kernel's for everybody
_C_WORDS = frozenset(
    re.findall(
        r"\w+",
        """auto break case char const continue default do double else enum extern float for goto if
        inline int long register restrict return short signed sizeof static struct switch typedef
        union unsigned void volatile while bool true false NULL size_t ssize_t u8 u16 u32 u64 s8
        s16 s32 s64 gfp_t loff_t pid_t atomic_t refcount_t spinlock_t typeof current jiffies HZ
        system_wq module""",
    )
)


class Words:
    """What the tables know of a name: names that they know alike may stand for each other."""

    def __init__(self, kernel: KernelFacts) -> None:
        tables = (
            kernel.cleanups, kernel.twins, kernel.registrations, kernel.activations, kernel.waits,
            kernel.list_adds, kernel.list_drains, kernel.container_macros, kernel.callback_types,
            kernel.system_calls, kernel.completers, kernel.accessors, kernel.frames,
            kernel.references,
        )  # fmt: skip
        self.known = set().union(
            *tables, kernel.deferral_types, kernel.refcount_puts, kernel.takes,
            (slot.rpartition(".")[2] for slot in kernel.slots),
            (slot.partition(".")[0] for slot in kernel.slots),
            (name for names in kernel.references.values() for name in names),
            (word for e in kernel.entries for word in (e.struct, e.member, e.macro)),
        )  # fmt: skip
        self.patterns = [
            kernel.teardown, kernel.not_teardown, kernel.harmless, kernel.later, kernel.error_path,
            *(hint.pattern for hint in kernel.hints),
        ]  # fmt: skip
        self.macros = [re.compile(m.pattern) for m in kernel.macros if m.regex]
        self.known.update(m.pattern for m in kernel.macros if not m.regex)
        self.prose = "\n".join(p.pattern for p in self.patterns)

    def kind(self, name: str) -> tuple[bool, ...]:
        spellings = (name, f"!{name}", f"{name}(x)", f"struct {name} *x", f"{name}:")
        return tuple(any(p.search(s) for s in spellings) for p in self.patterns)

    def may_change(self, name: str) -> bool:
        return not (
            name in self.known
            or name in _C_WORDS
            or name.isupper()
            or any(c.isupper() for c in name)
            or name.startswith("__")
            or any(p.match(name) for p in self.macros)
            or re.search(rf"\b{name}\b", self.prose)
        )

    def stand_in(self, name: str, number: int) -> str | None:
        """A name without a meaning that the tables take alike."""
        kind = self.kind(name)
        for other in (f"zq{number}", f"zq{number}_{name}", f"{name}_zq{number}"):
            if self.kind(other) == kind:
                return other
        return None


def own_names(made: Made, words: Words) -> dict[str, str]:
    """Every identifier of the series that may be called otherwise, with another name."""
    seen: dict[str, None] = {}
    for _, text in made.texts():
        code = re.sub(r'"(?:[^"\\]|\\.)*"|//.*|/\*.*?\*/', " ", text)
        if code.lstrip().startswith(("*", "#", "/*")):
            continue
        seen.update(dict.fromkeys(_WORD.findall(code)))
    found = {}
    for number, name in enumerate(seen):
        if words.may_change(name):
            other = words.stand_in(name, number)
            if other is not None:
                found[name] = other
    return found


def renamed(made: Made, names: dict[str, str]) -> Made:
    """The series with every identifier by its other name."""

    def change(text: str) -> str:
        if text.lstrip().startswith("#"):
            return text
        return _WORD.sub(lambda x: names.get(x[0], x[0]), text)

    def file(one: FileDiff) -> FileDiff:
        hunks = tuple(
            replace(
                x,
                section=change(x.section),
                lines=tuple(replace(y, text=change(y.text)) for y in x.lines),
            )
            for x in one.hunks
        )
        return replace(one, hunks=hunks)

    return made.map(lambda one: file(one) if one.path.endswith((".c", ".h")) else one)


# -- behind a helper -----------------------------------------------------------------------------


def wrapped(made: Made, wanted: Callable[[str], bool]) -> Made | None:
    """The series with each added statement that calls ``wanted`` in a new helper of its own.

    The helper takes the pointers that the statement goes through; a statement with one whose
    type no line shows stays where it is.  None where nothing is wrapped.
    """
    changed = False
    patches = Counter(file.path for files in made.files.values() for file in files)

    def file(one: FileDiff) -> FileDiff:
        nonlocal changed
        # the hunks of a later patch would have to move along
        if not plain(one) or not one.hunks or first_line(one.hunks[0]) < 2 or patches[one.path] > 1:
            return one
        types = _pointers(one)
        helpers: list[Entry] = []
        parts = []
        number = 0
        for x in one.hunks:
            entries = []
            for kind, text in entries_of(x):
                made_up = _helper(text, wanted, types, number) if kind == "+" else None
                if made_up:
                    number += 1
                    text, lines = made_up  # noqa: PLW2901 - the line as it is from now on
                    helpers += [("+", line) for line in lines]
                entries.append((kind, text))
            parts.append((first_line(x), x.section, entries))
        if not helpers:
            return one
        changed = True
        return replace(one, hunks=placed([(1, "", helpers), *parts]))

    found = made.map(file)
    return found if changed else None


def _pointers(file: FileDiff) -> dict[str, str]:
    """Variables and the one struct that they are shown to point to."""
    found: dict[str, set[str]] = {}
    for one in file.hunks:
        for text in (one.section, *(line.text for line in one.lines)):
            for kind, rest in re.findall(r"struct (\w+) ((?:\*\w+(?:\s*=\s*[^,;]*)?,?\s*)+)", text):
                for name in re.findall(r"(?<!\*)\*(\w+)", rest):
                    found.setdefault(name, set()).add(kind)
    return {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1}


def _helper(
    text: str, wanted: Callable[[str], bool], types: dict[str, str], number: int
) -> tuple[str, list[str]] | None:
    found = _STATEMENT.match(text)
    if found is None or found[3] in _KEYWORDS or not wanted(found[3]):
        return None
    roots = dict.fromkeys(re.findall(r"(?<![\w.>])([a-z_]\w*)\b(?!\s*\()", found[4]))
    through = re.findall(r"(?<![\w.>])([a-z_]\w*)(?:->|\.)", found[4])
    taken = [name for name in roots if name in types]
    if not taken or any(name not in types for name in through) or f"&{taken[0]}," in text:
        return None
    name = f"zq_{number}"
    heads = ", ".join(f"struct {types[one]} *{one}" for one in taken)
    body = [f"static void {name}({heads})", "{", f"\t{found[2]}", "}", ""]
    return f"{found[1]}{name}({', '.join(taken)});", body
