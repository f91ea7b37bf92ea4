"""Turns the known parts of a C file into text that a parser can read.

Known lines are never touched.  Into the gaps go, on the last line before a part: the header
of the function (or struct, or initializer) that it stands in, from the section text of its
hunk, and the brackets that it closes; on the first line after it: the brackets that it left
open.  Parts of one function stay one function.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from patchlint.model.facts import GAP, UNNAMED
from patchlint.patch.sections import Section, begun, classify, same
from patchlint.patch.shape import CONDITIONAL, END_CONDITIONAL, SWITCH, shape_of
from patchlint.patch.sparse import encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from patchlint.patch.shape import Shape
    from patchlint.patch.sparse import Heading, Run

UNKNOWN = UNNAMED
"""How the name of a function begins whose header no hunk shows or names.

The number behind it is the line before the series that the part begins at, so that both
sides of a file name the same part alike.
"""

SUFFIXES = (".c", ".h")
SAME_FUNCTION = 2
"""A gap of so few lines cannot hold one function's end and the next one's header."""
SAME_LABEL = 3
"""Nor can one of so few lines hold a label of the next one as well."""

MACRO = "#define __gap \\"
LOCAL = "struct __gap __gap = {"
MACRO_END = "__gap"

Kind = Literal["function", "init", "struct", "enum"]


class Repaired(Struct, frozen=True):
    """Text with the file's own line numbers, and what was put into its gaps.

    ``headers`` are the gap lines with a function header; ``continued`` the base lines of the
    parts that go on in the function of the part before.
    """

    text: bytes
    headers: frozenset[int] = frozenset()
    continued: frozenset[int] = frozenset()


class _Scope(Struct):
    """What stands open at the end of a part; ``names`` are sections that mean it.

    ``pending`` is a header whose body did not begin; ``conditionals`` are to be ended
    after it.
    """

    kind: Kind
    names: tuple[str, ...]
    pending: bool = False
    conditionals: int = 0

    def closer(self) -> str:
        """Return what ends the scope."""
        if self.kind == "function":
            return "}"
        named = self.names and self.names[0].startswith(("typedef", "static"))
        return "} __gap;" if named and self.kind != "init" else "};"


class _Gap(Struct):
    """What goes into the gap before a part: chunks, each on a line of its own if it fits."""

    after: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    header: int | None = None


def image_text(
    path: str,
    runs: Sequence[Run],
    upto: int = 0,
    headings: Sequence[Heading] = (),
    continued: AbstractSet[int] = frozenset(),
) -> Repaired:
    """Return the text of a file of which ``runs`` are known.

    ``upto`` is the number of the last patch applied, ``headings`` what the series does
    to file-scope lines; ``continued`` what was found for the file before the series.  Files
    that are not C get blank gaps.
    """
    if not path.endswith(SUFFIXES):
        return Repaired(_blank(runs))
    return _Repair(runs, upto, headings, continued).run()


def _blank(runs: Sequence[Run]) -> bytes:
    lines: list[str] = []
    for run in runs:
        lines += [""] * (run.first - 1 - len(lines))
        lines += run.texts
    return encode("\n".join([*lines, ""]))


class _Repair:
    """One file; the parts are walked top to bottom with the scope that is open."""

    def __init__(
        self,
        runs: Sequence[Run],
        upto: int,
        headings: Sequence[Heading],
        continued: AbstractSet[int],
    ) -> None:
        self.runs = runs
        self.shapes = [shape_of(run.texts) for run in runs]
        self.gaps = [_Gap() for _ in range(len(runs) + 1)]
        changes = _Headings(headings)
        self.sections = [_sections(run, upto, changes) for run in runs]
        self.before = continued
        self.continued: set[int] = set()
        self.scope: _Scope | None = None
        self.owed = 0

    def run(self) -> Repaired:
        """Fill the gaps and join the text."""
        for index in range(len(self.runs)):
            self.enter(index)
        self.leave(len(self.runs), None, None)
        return self.text()

    # -- one part after the other -------------------------------------------------------

    def enter(self, index: int) -> None:
        """Decide where part ``index`` stands, and set the scope at its end."""
        run, shape = self.runs[index], self.shapes[index]
        goes_on = index > 0 and self.scope is not None and self.goes_on(index, self.scope)
        scope = self.scope if goes_on else None
        if scope is not None:
            self.continued.add(run.origins[0])
            scope.conditionals = max(0, scope.conditionals - shape.outer)
        self.leave(index, scope, shape)
        if run.first > 1:
            scope = self.open(index, scope)
        if shape.scope == "lead":
            if scope is not None:
                scope.names = (*scope.names, *shape.names)
            self.scope = scope
        elif shape.scope == "file":
            self.settle(scope)
        elif shape.scope == "pending":
            self.settle(scope)
            self.scope = _Scope(
                "function", shape.names, pending=True, conditionals=shape.conditionals
            )
        else:
            self.settle(scope)
            names = (*self.lead_names(index), *shape.names)
            self.scope = _Scope(shape.scope, names, conditionals=shape.conditionals)

    def settle(self, scope: _Scope | None) -> None:
        """Note that ``scope`` ended in a part, but not the conditionals around it."""
        self.scope = None
        if scope is not None:
            self.owed += scope.conditionals

    def lead_names(self, index: int) -> tuple[str, ...]:
        """Return sections that mean the function whose header ends in part ``index``."""
        if self.shapes[index].boundary != "open":
            return ()
        return tuple(s.text for s in self.sections[index] if s.kind == "function")

    def goes_on(self, index: int, scope: _Scope) -> bool:
        """Whether part ``index`` begins in ``scope``, which the part before left open."""
        run, shape = self.runs[index], self.shapes[index]
        if shape.lead == "tail" or (shape.lead == "empty" and shape.boundary):
            return False
        if shape.lead == "header" and not scope.pending:
            return False
        if run.origins[0] and run.origins[0] in self.before:
            return True
        sections = self.sections[index]
        if _means(sections, scope) or any(section.kind == "gone" for section in sections):
            return True
        kinds = {section.kind for section in sections}
        if not kinds <= {"none", "label"}:
            return False
        gap = run.first - self.runs[index - 1].last - 1
        small = gap <= (SAME_LABEL if kinds == {"label"} else SAME_FUNCTION)
        return small or self.later_named(index, scope)

    def later_named(self, index: int, scope: _Scope) -> bool:
        """Whether a part further down is named as standing in ``scope``."""
        for later in range(index + 1, len(self.runs)):
            if self.shapes[later - 1].boundary:
                return False
            if _means(self.sections[later], scope):
                return True
            if any(section.kind != "label" for section in self.sections[later]):
                return False
        return False

    def leave(self, index: int, next_scope: _Scope | None, following: Shape | None) -> None:
        """Put what part ``index - 1`` left open into the gap after it."""
        if not index:
            return
        shape, gap, scope = self.shapes[index - 1], self.gaps[index], self.scope
        if shape.ends == "macro":
            # Without a body of its own the macro would take the next line that is not blank.
            gap.after.append(MACRO_END)
        elif shape.ends == "comment":
            gap.after.append("*/")
        goes_on = scope is not None and next_scope is scope
        if goes_on and scope is not None and scope.pending:
            scope.pending = False
            if following is None or following.lead != "header":
                gap.after += shape.as_body
            elif not following.header_closers:
                gap.after += shape.as_body[:-1]
            return
        gap.after += _tail(shape, scope, goes_on=goes_on)
        if scope is not None and not goes_on and not scope.pending:
            gap.after.append(scope.closer())
            self.owed += scope.conditionals
        gap.after += [END_CONDITIONAL] * self.owed
        self.owed = 0

    def open(self, index: int, scope: _Scope | None) -> _Scope | None:
        """Put what part ``index`` needs into the gap before it; return its scope."""
        run, shape, gap = self.runs[index], self.shapes[index], self.gaps[index]
        sections = self.sections[index]
        if scope is None:
            gap.before += [CONDITIONAL] * shape.outer
        if shape.lead == "header" and scope is None:
            self.add_header(gap, _list_header(run, shape, sections))
        elif shape.lead == "inside" and scope is None:
            scope = self.open_scope(index)
        elif shape.lead == "tail":
            gap.before += _declaration(shape, sections)
        elif shape.lead == "empty" and shape.bare_name:
            gap.before += [s.complete for s in sections if s.kind == "prefix"][:1]
        if shape.lead == "inside":
            gap.before += _openers(shape, scope)
        if shape.begins:
            gap.before.append("/*" if shape.begins == "comment" else MACRO)
        return scope

    def open_scope(self, index: int) -> _Scope:
        """Open the scope that part ``index`` begins in, named or not."""
        run, shape, gap = self.runs[index], self.shapes[index], self.gaps[index]
        for section in self.sections[index]:
            kind = section.kind
            if shape.listing and section.open_list:
                self.add_header(gap, section.open_list)
                return _Scope("function", (section.text,), pending=True)
            if kind == "function":
                if shape.named_end and shape.content != "function":
                    continue
                self.add_header(gap, section.complete + " {")
                return _Scope("function", (section.text,))
            if kind == "init" or kind == "struct" or kind == "enum":  # noqa: PLR1714 - for mypy
                closes = shape.boundary == "close" and not shape.named_end
                if closes and shape.content != kind:
                    # a bare brace ends a function: the section is of something above it
                    continue
                gap.before.append(section.complete + " {")
                return _Scope(kind, (section.text,))
        name = _unknown(run)
        content = shape.content
        if content == "init":
            gap.before.append(f"struct __gap {name} = {{")
        elif content == "struct" or content == "enum":  # noqa: PLR1714 - for mypy
            gap.before.append(f"{content} {name} {{")
        else:
            self.add_header(gap, f"void {name}(void) {{")
            content = "function"
        names = tuple(s.text for s in self.sections[index] if s.kind == "label")
        return _Scope(content, names)

    @staticmethod
    def add_header(gap: _Gap, text: str) -> None:
        """Put a function header into the gap."""
        gap.header = len(gap.before)
        gap.before.append(text)

    # -- text ---------------------------------------------------------------------------

    def text(self) -> Repaired:
        """Lay the parts and the gaps out on their lines."""
        lines: list[str] = []
        headers: set[int] = set()
        for run, gap in zip(self.runs, self.gaps, strict=False):
            room = run.first - 1 - len(lines)
            chunks, header = _fit(gap, room)
            if header is not None:
                headers.add(len(lines) + header + 1)
            lines += chunks
            lines += run.texts
        lines += _tidy(self.gaps[-1].after)
        text = encode("\n".join([*lines, ""]))
        return Repaired(text, frozenset(headers), frozenset(self.continued))


def _sections(run: Run, upto: int, headings: _Headings) -> tuple[Section, ...]:
    """Return the sections of a part as they read after ``upto`` patches, telling ones first."""
    found: dict[str, Section] = {}
    for patch, section in run.sections:
        text = headings.as_of(section, patch, upto)
        found[text or ""] = Section("gone", "") if text is None else classify(text)
    return tuple(sorted(found.values(), key=lambda section: section.kind in _SILENT))


_SILENT = frozenset({"none", "gone", "label", "other"})


class _Headings:
    """The changes of a series to file-scope lines, by the lines that they change."""

    def __init__(self, changes: Sequence[Heading]) -> None:
        self._forward = _Changes(list(changes), "old")
        self._backward = _Changes(list(reversed(changes)), "new")

    def as_of(self, section: str, patch: int, upto: int) -> str | None:
        """Return what ``section``, as patch ``patch`` found it, reads after ``upto`` patches.

        None when the line is not there then.
        """
        changes, first, last = (
            (self._backward, upto + 1, patch - 1) if upto < patch else (self._forward, patch, upto)
        )
        text: str | None = section
        place = 0
        while text and (found := changes.next(text, place, first, last)) is not None:
            place = found + 1
            change = changes.changes[found]
            text = change.old if upto < patch else change.new
        return text


class _Changes:
    """Changes in one order, and where each line is changed."""

    def __init__(self, changes: list[Heading], side: Literal["old", "new"]) -> None:
        self.changes = changes
        self._texts = [change.old if side == "old" else change.new for change in changes]
        self._places: dict[str, list[int]] = {}
        for place, text in enumerate(self._texts):
            if text:
                for key in dict.fromkeys((text.rstrip(), begun(text.rstrip()))):
                    self._places.setdefault(key, []).append(place)

    def next(self, text: str, place: int, first: int, last: int) -> int | None:
        """Return the next change of a line by patches from ``first`` to ``last``."""
        places = self._places.get(begun(text.rstrip()), [])
        for index in range(bisect_left(places, place), len(places)):
            at = places[index]
            line = self._texts[at]
            if first <= self.changes[at].patch <= last and line and same(line, text):
                return at
        return None


def _means(sections: Sequence[Section], scope: _Scope) -> bool:
    """Whether a section is a line of ``scope``.  A label is not enough: many have an ``out:``."""
    telling = [section.text for section in sections if section.kind != "label"]
    return any(same(name, text) for text in telling for name in scope.names)


def _unknown(run: Run) -> str:
    """Return the name of the function that ``run`` begins in."""
    return f"{UNKNOWN}{run.origins[0] or run.first}"


def _openers(shape: Shape, scope: _Scope | None) -> list[str]:
    """Return the openers of a part as they must read in ``scope``."""
    if scope is not None and scope.pending:
        return []
    if scope is None or scope.kind == "function":
        blocks = [SWITCH] * shape.depth if _is_body(shape, scope) else []
        local = [LOCAL] if scope and shape.members else []
        return [*blocks, *local, *shape.openers]
    return [_opener(opener, scope.kind) for opener in shape.openers]


def _tail(shape: Shape, scope: _Scope | None, *, goes_on: bool) -> list[str]:
    """Return what closes a part down to the level of ``scope``."""
    if scope is not None and scope.kind in {"init", "enum"}:
        return [*shape.list_tail, ","] if goes_on and shape.comma else [*shape.list_tail]
    if scope is not None and scope.kind == "function" and shape.members:
        return [*shape.list_tail, "};", *(["}"] * shape.depth if _is_body(shape, scope) else [])]
    return [*shape.tail, *(["}"] * shape.depth if _is_body(shape, scope) else [])]


def _is_body(shape: Shape, scope: _Scope | None) -> bool:
    """Whether the part is statements alone, whose indentation tells how deep they stand."""
    function = scope is not None and scope.kind == "function" and not scope.pending
    return function and shape.lead == "inside" and not shape.boundary


def _opener(opener: str, kind: Kind) -> str:
    """Return an opener as it must read in a scope of ``kind``."""
    if kind == "struct" and opener.endswith("{"):
        return "struct {"
    if kind == "struct" and opener == "__gap(":
        return "__gap (*__gap)("
    if kind == "init" and opener.endswith("= {"):
        return "{"
    return opener


def _list_header(run: Run, shape: Shape, sections: Sequence[Section]) -> str:
    """Return a header whose parameter list (or body) goes on in the part."""
    for section in sections:
        if section.kind == "function":
            if shape.header_closers and section.open_list:
                return section.open_list
            if not shape.header_closers:
                return section.complete
    return f"void {_unknown(run)}(" + ("" if shape.header_closers else "void)")


def _declaration(shape: Shape, sections: Sequence[Section]) -> Sequence[str]:
    """Return the begin of the file-scope declaration (or of the macro) that the part ends."""
    if shape.unended:
        return [MACRO]
    for section in sections:
        if section.open_list and shape.header_closers:
            return [section.open_list]
    if shape.header_closers == 1 and len(shape.openers) == 1:
        return [f"void {GAP}("]
    return shape.openers


def _fit(gap: _Gap, room: int) -> tuple[list[str], int | None]:
    """Lay a gap out on ``room`` lines; also return the index of the header's line."""
    if room <= 0:
        return [], None
    after, before = _tidy(gap.after), list(gap.before)
    header = gap.header
    before, header = _merge(before, header)
    while len(after) + len(before) > room and _cancel(after, before):
        header = None if header is None else header - 1
    if len(after) + len(before) > room:
        plain = {CONDITIONAL, END_CONDITIONAL, MACRO}
        after = [chunk for chunk in after if chunk not in plain]
        shift = 0 if header is None else sum(chunk in plain for chunk in before[:header])
        before, header = _merge(
            [chunk for chunk in before if chunk not in plain],
            None if header is None else header - shift,
        )
        after = _tidy(after)
    if len(after) + len(before) > room:
        joined = " ".join([*after, *before])
        return [*[""] * (room - 1), joined], None if header is None else room - 1
    blank = room - len(after) - len(before)
    at = None if header is None else len(after) + blank + header
    return [*after, *[""] * blank, *before], at


def _cancel(after: list[str], before: list[str]) -> bool:
    """Let a conditional that goes on through a small gap go on."""
    if not after or not before or after[-1] != END_CONDITIONAL or before[0] != CONDITIONAL:
        return False
    del after[-1], before[0]
    return True


def _merge(chunks: list[str], header: int | None) -> tuple[list[str], int | None]:
    """Join neighbouring chunks that need no line of their own."""
    result: list[str] = []
    place: int | None = None
    for index, chunk in enumerate(chunks):
        alone = chunk.startswith("#")
        if result and not alone and not result[-1].startswith("#"):
            result[-1] = f"{result[-1]} {chunk}"
        else:
            result.append(chunk)
        if index == header:
            place = len(result) - 1
    return result, place


def _tidy(chunks: list[str]) -> list[str]:
    """Join chunks after a part; the end of a macro stays a line."""
    lead = chunks[:1] if chunks[:1] == [MACRO_END] else []
    merged, _ = _merge(chunks[len(lead) :], None)
    return [*lead, *merged]
