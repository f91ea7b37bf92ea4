"""Questions to a whole tree: who calls this, who takes its address, what does it look like.

Two sources give the answers, from the same reader (:mod:`patchlint.index.lean`) and so
alike: a search of the tree (:mod:`patchlint.index.search`) and an index of it
(:mod:`patchlint.index.store`).  What the rows mean is decided here, once for both.

Which way it errs, beyond what the reader says: names are not resolved by the compiler.  A
global function and one of the same name in another architecture or in user space tools
are told apart by their folders alone; a static function is known by its file; a call in a
file that includes another C file is told of the file it stands in.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct, field

from patchlint.index import lean
from patchlint.model.facts import FileFacts
from patchlint.model.pattern import lazy
from patchlint.model.tree import MANY_MEMBER_CALLS, AddressUse, CallerSite, Definition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from patchlint.index.lean import Definition as Row
    from patchlint.model.facts import Function
    from patchlint.model.kernel import Macro
    from patchlint.model.tree import DefinitionKind, UseKind
    from patchlint.patch.trees import Tree

_USE_KINDS: Final[tuple[UseKind, ...]] = ("initializer", "argument", "assignment", "value")

#: Folders at the top whose programs run in user space, or that hold no kernel code.
_OUTSIDE: Final = ("tools/", "scripts/", "usr/", "Documentation/")


class Hit(Struct, frozen=True, gc=False):
    """What one file has about one name: raw rows, and its definitions to place them in."""

    path: str
    definitions: lean.Lines
    calls: tuple[tuple[int, bool], ...]
    uses: tuple[lean.Use, ...]


class Hits(Protocol):
    """Where the rows come from."""

    @property
    def searched(self) -> bool:
        """Whether each question costs a search of the whole tree."""

    def prepare(
        self, names: Iterable[str], members: Iterable[str] = (), defined: Iterable[str] = ()
    ) -> None:
        """Look these names, members and definitions up at once."""

    def hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define, call or use ``name``, sorted by path."""

    def member_hits(self, name: str) -> Sequence[Hit]:
        """Return files that call a member ``name``, sorted by path.

        All of them, or such as have more than MANY_MEMBER_CALLS calls.
        """

    def definition_hits(self, name: str) -> Sequence[Hit]:
        """Return all files that define ``name``, sorted by path."""

    def definition_hits_beside(self, path: str, name: str) -> Sequence[Hit]:
        """Return files that define ``name``: all in the folder of ``path``, or more."""

    def prepare_beside(self, path: str, names: Iterable[str]) -> None:
        """Look these names up at once for :meth:`definition_hits_beside`."""

    def hit(self, path: str, name: str) -> Hit | None:
        """Return what one file has about ``name``, None for nothing."""

    def lines(self, path: str) -> lean.Lines:
        """Return all definitions of one file."""


def side(path: str) -> str:
    """Return which world a file is of: "" the kernel, "arch/X/", or a user space folder."""
    if path.startswith("arch/"):
        return "/".join(path.split("/", 2)[:2]) + "/"
    return next((top for top in _OUTSIDE if path.startswith(top)), "")


def reachable(site: str, home: str) -> bool:
    """Whether code at ``site`` can be linked with what is defined at ``home``."""
    one, other = side(site), side(home)
    if one == other:
        return True
    if one in _OUTSIDE or other in _OUTSIDE:
        return False
    return not (one and other)


class Facts(Struct):
    """Answers from rows; see :class:`TreeFacts` for what each method returns."""

    tree: Tree
    rows: Hits
    macros: Sequence[Macro] = ()
    _files: dict[str, bytes | None] = field(default_factory=dict)
    _local: set[str] = field(default_factory=set)
    _shared: set[str] = field(default_factory=set)
    _functions: dict[tuple[str, int], Function | None] = field(default_factory=dict)

    def prepare(self, names: Iterable[str], members: Iterable[str] = ()) -> None:
        """Look ``names`` up at once, but for those told as static functions alone."""
        wanted = (name for name in names if name in self._shared or name not in self._local)
        self.rows.prepare(wanted, members)

    def prepare_definitions(self, names: Iterable[tuple[str, str]]) -> None:
        """Look names up at once that the files and folders they are met in do not define."""
        self.rows.prepare((), (), self.undefined_near(names))

    def undefined_near(self, names: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Those names that the files and folders they are met in do not define."""
        inside: dict[str, list[str]] = {}
        for name, path in names:
            if not self._defined(name, path):
                inside.setdefault(path, []).append(name)
        for path, met in inside.items():
            self.rows.prepare_beside(path, met)
        return frozenset(
            name for path, met in inside.items() for name in met if not self._near(name, path)
        )

    def is_local(self, name: str, path: str) -> bool:
        """Whether ``name`` means a static function of the C file at ``path`` there."""
        return path.endswith(".c") and _has_static(self.rows.lines(path), name)

    @property
    def searched(self) -> bool:
        """Whether new questions cost a search of all files, since no index answers them."""
        return self.rows.searched

    def known(self, name: str, path: str) -> bool:
        """Whether ``name`` means something of the tree in ``path``."""
        return bool(self._defined(name, path) or self.definitions(name, path))

    def definitions(self, name: str, from_path: str | None = None) -> tuple[Definition, ...]:
        """Return all functions, system calls and macros called ``name``."""
        if from_path is not None and self.is_local(name, from_path):
            return self._defined(name, from_path)
        return tuple(
            _definition(row, hit.path)
            for hit in _linked(self.rows.definition_hits(name), name, from_path)
            for row in hit.definitions.called(name)
        )

    def callers(self, name: str, from_path: str | None = None) -> tuple[CallerSite, ...]:
        """Return direct calls of ``name`` as it is defined in ``from_path``."""
        return tuple(
            self._site(hit, line)
            for hit in self._visible(name, from_path)
            for line, indirect in hit.calls
            if not indirect
        )

    def member_calls(self, member: str) -> tuple[CallerSite, ...]:
        """Return calls through a struct member called ``member``."""
        return tuple(
            self._site(hit, line)
            for hit in self.rows.member_hits(member)
            for line, indirect in hit.calls
            if indirect
        )

    def member_calls_beside(self, member: str, path: str) -> tuple[CallerSite, ...]:
        """Return calls through a member called ``member`` in the folder of ``path``."""
        from patchlint.patch.tree_search import Wanted

        called = re.compile(rf"(?:->|\.)\s*{re.escape(member)}\s*\)?\s*\(".encode())
        found: list[CallerSite] = []
        for other, _ in self.tree.files_with(Wanted(words=(member,)), path.rpartition("/")[0]):
            text = self.text(other) or b""
            for one in called.finditer(text):
                line = text.count(b"\n", 0, one.start()) + 1
                around = self.rows.lines(other).around(line)
                if around is not None:
                    caller = _definition(around, other)
                    found.append(
                        CallerSite(
                            caller.name, other, line, caller.static, caller.kind, caller.line
                        )
                    )
                if len(found) > MANY_MEMBER_CALLS:
                    return tuple(found)
        return tuple(sorted(set(found), key=lambda site: (site.path, site.line)))

    def address_taken(self, name: str, from_path: str | None = None) -> tuple[AddressUse, ...]:
        """Return places where ``name`` as it is defined in ``from_path`` is a value."""
        return tuple(
            self._use(hit, row) for hit in self._visible(name, from_path) for row in hit.uses
        )

    def definition(self, name: str, near_path: str | None = None) -> Function | None:
        """Return full facts of the function or macro that ``name`` means in ``near_path``."""
        near = None if near_path is None else self._near(name, near_path)
        if near is None:
            near = _nearest(_meant(self.definitions(name), near_path), near_path or "")
        return None if near is None else self.function(near.path, near.line)

    def definition_in(self, path: str, name: str) -> Function | None:
        """Return full facts of the function or macro called ``name`` that ``path`` defines."""
        own = _nearest(self._defined(name, path), path)
        return None if own is None else self.function(own.path, own.line)

    def binders(
        self, path: str | None, objects: Collection[str], registrations: Collection[str]
    ) -> tuple[FileFacts, ...]:
        """Return what binds callbacks to ``objects`` in the folder of ``path``, or anywhere."""
        from patchlint.patch.tree_search import Wanted

        named = re.compile(rf"\b(?:{_either(objects)})\b".encode("utf-8", "surrogateescape"))
        calls = frozenset(one.encode("utf-8", "surrogateescape") for one in registrations)
        folder = None if path is None else path.rpartition("/")[0]
        found = []
        for other, _ in self.tree.files_with(Wanted(words=tuple(sorted(objects))), folder):
            text = self.text(other) or b""
            places = islice(_calls_with(text, calls, named), _MOST_BINDERS)
            facts = self._at(other, text, [text.count(b"\n", 0, at) + 1 for at in places])
            if facts.functions or facts.macros:
                found.append(facts)
        return tuple(found)

    def _at(self, path: str, text: bytes, lines: Sequence[int]) -> FileFacts:
        """Return the functions around some lines of a file, and the macros on those in none."""
        functions = [self.function(path, line) for line in lines]
        outside = [line for line, one in zip(lines, functions, strict=True) if one is None]
        known = {id(one): one for one in functions if one is not None}
        if not outside:
            return FileFacts(path, tuple(known.values()), (), ())
        rows = enumerate(text.split(b"\n"), 1)
        alone = b"\n".join(row if number in outside else b"" for number, row in rows)
        macros = _extract()(path, alone, self.macros).macros
        return FileFacts(path, tuple(known.values()), macros, ())

    def _near(self, name: str, path: str) -> Definition | None:
        """What ``name`` means in ``path`` when no definition farther away can be nearer."""
        own = self._defined(name, path)
        if own:
            return _nearest(own, path)
        hits = self.rows.definition_hits_beside(path, name)
        found = [_definition(row, hit.path) for hit in hits for row in hit.definitions.called(name)]
        near = _nearest(_meant(found, path), path)
        if near is None or near.kind == "macro" or _is_stub(near):
            return None
        beside = near.path.rpartition("/")[0] == path.rpartition("/")[0]
        return near if beside and side(path) not in _OUTSIDE else None

    def function(self, path: str, line: int) -> Function | None:
        """Return full facts of the function at ``path:line``, None when there is none."""
        around = self.rows.lines(path).around(line)
        if around is None:
            return None
        key = (path, around.line)
        if key not in self._functions:
            text = self.text(path)
            self._functions[key] = None if text is None else _full(path, text, around, self.macros)
        return self._functions[key]

    def text(self, path: str) -> bytes | None:
        """Return the content of a file of the tree, None when there is none."""
        if path not in self._files:
            if len(self._files) > _MANY_FILES:
                self._files.clear()
            self._files[path] = self.tree.read(path)
        return self._files[path]

    def _defined(self, name: str, path: str) -> tuple[Definition, ...]:
        return tuple(_definition(row, path) for row in self.rows.lines(path).called(name))

    def _visible(self, name: str, home: str | None) -> list[Hit]:
        """Return the files in which ``name`` can mean what it means in ``home``."""
        if home is not None and self.is_local(name, home):
            own = self.rows.hit(home, name)
            return [] if own is None else [own]
        return _linked(self.rows.hits(name), name, home)

    def _site(self, hit: Hit, line: int) -> CallerSite:
        path = hit.path
        around = hit.definitions.around(line)
        if around is None:
            return CallerSite("", path, line, static=False, kind="function", function_line=0)
        self._remember(around, path)
        name, first, _, flags = around
        return CallerSite(name, path, line, bool(flags & lean.STATIC), _kind(around), first)

    def _use(self, hit: Hit, row: lean.Use) -> AddressUse:
        around = hit.definitions.around(row.line)
        if around is not None:
            self._remember(around, hit.path)
        return _address_use(row, hit.path, "" if around is None else around.name)

    def _remember(self, row: Row, path: str) -> None:
        """Remember whether a name that is told needs a search of the whole tree."""
        local = row.flags & _LOCAL and path.endswith(".c")
        (self._local if local else self._shared).add(row.name)


#: Flags of what no other file can call by its name, in a C file.
_LOCAL: Final = lean.STATIC | lean.SYSCALL

#: Bounds the memory of file texts.
_MANY_FILES: Final = 256


#: lines of one file that bind something to objects of one name
_MOST_BINDERS: Final = 20


_CALL: Final = lazy(rb"\b(\w+)\s*\(")
_ENDS: Final = (b";", b"{", b"}")


def _calls_with(text: bytes, names: Collection[bytes], given: re.Pattern[bytes]) -> Iterator[int]:
    """Give where calls of ``names`` begin that have ``given`` in them before a statement ends.

    Looked for from what is given back to the call: that is rare in a text, and calls are not.
    """
    done = 0
    for one in given.finditer(text):
        begin = max(done, *(text.rfind(end, 0, one.start()) + 1 for end in _ENDS))
        calls = _CALL.finditer(text, begin, one.start())
        call = next((call for call in calls if call[1] in names), None)
        if call is not None:
            done = one.end()
            yield call.start()


def _either(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names))


def _kind(row: Row) -> DefinitionKind:
    if row.flags & lean.SYSCALL:
        return "syscall"
    return "macro" if row.flags & lean.MACRO else "function"


def _definition(row: Row, path: str) -> Definition:
    return Definition(
        row.name,
        path,
        row.line,
        row.end,
        bool(row.flags & lean.STATIC),
        bool(row.flags & lean.INLINE),
        _kind(row),
    )


def _has_static(lines: lean.Lines, name: str) -> bool:
    return any(row.flags & lean.STATIC and not row.flags & lean.MACRO for row in lines.called(name))


def _linked(hits: Sequence[Hit], name: str, home: str | None) -> list[Hit]:
    """Return the files in which ``name`` can mean a global function of ``home``."""
    return [
        hit
        for hit in hits
        if home is None
        or (
            reachable(hit.path, home)
            and not (hit.path.endswith(".c") and _has_static(hit.definitions, name))
        )
    ]


def _address_use(row: lean.Use, path: str, function: str) -> AddressUse:
    kind = _USE_KINDS[row.kind]
    told = (row.name, path, row.line, kind, function)
    if kind == "initializer":
        struct, _, variable = row.where.partition(":")
        return AddressUse(*told, struct=struct, variable=variable, member=row.what)
    if kind == "argument":
        return AddressUse(*told, callee=row.where, argument=int(row.what))
    return AddressUse(*told, target=row.what)


def _meant(known: Iterable[Definition], near: str | None) -> list[Definition]:
    """Those that a name can mean in ``near``, which defines none itself; all for None."""
    return [
        one
        for one in known
        if near is None
        or ((not one.static or one.path.endswith(".h")) and reachable(near, one.path))
    ]


def _nearest(known: Iterable[Definition], near: str) -> Definition | None:
    return min(known, key=lambda one: _distance(one, near), default=None)


def _is_stub(one: Definition) -> bool:
    """Whether it may stand for a function that the configuration switched off."""
    return one.inline and one.end - one.line <= _STUB_LINES


def _distance(one: Definition, near: str) -> tuple[bool, bool, bool, int, int, str]:
    """Order definitions: kernel before tools, functions before macros and stubs, near first."""
    common = 0
    for mine, other in zip(one.path.split("/"), near.split("/"), strict=False):
        if mine != other:
            break
        common += 1
    return (
        side(one.path) in _OUTSIDE,
        one.kind == "macro",
        _is_stub(one),
        -common,
        one.path.count("/"),
        one.path,
    )


#: An inline function this short may be the stub for a switched off configuration.
_STUB_LINES: Final = 4


def _full(path: str, text: bytes, row: Row, macros: Sequence[Macro]) -> Function | None:
    """Parse one function: the rest of the file is left blank, so lines stay."""
    lines = text.split(b"\n")
    first = row.line
    while first > 1 and _heads(lines[first - 2]):
        first -= 1
    body = b"\n".join(lines[first - 1 : row.end])
    facts = _extract()(path, b"\n" * (first - 1) + body + b"\n", macros)
    found = [f for f in facts.functions if f.line <= row.end and f.end >= row.line]
    return next((f for f in found if f.name == row.name), found[0] if found else None)


def _heads(line: bytes) -> bool:
    """Whether a line can be the upper part of a function header that goes on below."""
    bare = line.strip()
    return bool(bare) and not bare.startswith((b"#", b"/", b"*")) and bare[-1:] not in b";}/\\:"


def _extract() -> Callable[[str, bytes, Sequence[Macro]], FileFacts]:
    from patchlint.syntax.facts import extract_text

    return extract_text
