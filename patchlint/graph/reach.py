"""Walks up a whole tree: in which contexts a function runs, and which entry points reach it.

Breadth first from the function to its callers, through function pointers (members of
operations tables, callbacks) up to entry points: system calls, members that the entry
tables know, registered callbacks, module init and exit.

Errs towards too many callers: a call through a struct member counts for every function
that is bound to that member of that struct, whatever the object, and a function given to an
unknown function as argument counts as called by whoever gave it.  Ways found so are
``likely``, not certain.
The walk is bounded; what was left out is said.

It carries the guard of what was lost: a caller that passes a constant which excludes the
branch is left out, and a flag is followed to the argument of the system call.  Functions of
a series come from its images after it (``images``), all others from the tree.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint.graph import branches
from patchlint.graph.balance import undone
from patchlint.graph.bindings import function_name
from patchlint.graph.build import defined_by
from patchlint.graph.commands import commands
from patchlint.graph.guards import Atom, atoms
from patchlint.graph.lifting import guard_above
from patchlint.graph.macro_tables import Held, Tables
from patchlint.graph.members import Structs
from patchlint.graph.objects import struct_name, struct_of, variables
from patchlint.model.effect import EntryChain
from patchlint.model.tree import MANY_MEMBER_CALLS, AddressUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from patchlint.graph.build import Graph
    from patchlint.graph.contexts import Strength
    from patchlint.model.context import Context
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import EntryPoint, KernelFacts, Resource, SystemCall
    from patchlint.model.tree import CallerSite, TreeFacts

_FLAG: Final = re.compile(r"^\(?\w+\s*&\s*([A-Z][A-Z0-9_]+)\)?$")
#: what is done to macros that declare something
_DECLARES: Final = frozenset({"statement", "local"})
#: a macro at file scope with plain arguments, by itself or as the value of an object
_MACRO: Final = re.compile(
    r"^(?:static\s+)?(?:\w[\w \t*]*=\s*)?((?:__)?[A-Z][A-Z0-9_]*)\(([^()]*)\)\s*;", re.MULTILINE
)
_MOST_NODES: Final = 600
_DEEPEST: Final = 12
#: a function with more callers than this is a helper of everybody: what lies above it is
#: named as not followed
_MOST_CALLERS: Final = 20
#: functions of a chain of which the first does what it is called for by the last
_NEAR: Final = 2
#: functions below an entry in which it is looked for which command leads on
_TELLING: Final = 6
#: calls above the release of which it is asked whether they only undo something
_JUDGED: Final = 4


class Marks(Struct, frozen=True):
    """What speaks against telling of a way where there are others; it goes up with the walk."""

    #: a call on the way is only made when something failed
    failed: bool = False
    #: a call on the way only undoes what its function had done
    aside: bool = False
    #: it leads through another's implementation of what a file on the way has its own of
    foreign: bool = False

    @property
    def clear(self) -> bool:
        """Whether nothing speaks against the way."""
        return not (self.failed or self.aside or self.foreign)


_CLEAR: Final = Marks()


class Way(Struct, frozen=True):
    """One way in which a function comes to run: ``chain`` from the entry point down."""

    name: str
    kind: str
    context: Context
    strength: Strength
    reaches_user: bool
    chain: tuple[str, ...]
    why: str
    #: what it can end, and how it is called so that it comes here
    ends: tuple[Resource, ...] = ()
    said: str = ""
    #: no table says what it can end
    unknown: bool = False
    marks: Marks = _CLEAR
    #: it is called to end something
    ending: bool = False
    #: what it is called for, in words of user space
    event: str = ""
    #: the same with ``{command}`` in it, where the calls on the way tell which one
    asks: str = ""
    #: the calls of the chain: where each of its functions calls the next
    calls: tuple[tuple[str, int], ...] = ()
    #: it ends all that hangs on a process or a module, whatever that is
    general: bool = False
    #: it leads through a helper of everybody of which a table tells who else calls it
    rare: bool = False


class Ways(Struct, frozen=True):
    """All ways found.  ``known`` is False when the tree has no such function.

    ``cut`` is set when the walk reached its bound before it had seen all callers;
    ``hubs`` names the helpers of everybody above which it did not go, ``ends`` functions
    that something must run and that nothing seen does: a macro or a table that is not read.
    """

    ways: tuple[Way, ...]
    known: bool
    cut: bool
    hubs: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    #: what those of ``hubs`` are called for of which a table tells that
    classes: tuple[EntryChain, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all ways were followed to where they begin."""
        return not (self.cut or self.hubs or self.ends)

    @property
    def entry_points(self) -> tuple[EntryChain, ...]:
        """Entry points behind which user space waits, each once, the most telling first.

        Those that no guess leads to come first, of them what is called to end something, or by
        itself does for one command, before what ends all that a process has, then system calls,
        then the nearest.  Those that come there only when something failed, to undo
        what they did themselves, or by way of another's objects, are left out where there are
        others.  Where all come by a helper of everybody, what a table says of that helper stands
        for them: the few callers that are followed tell no more than the many that are not.
        """
        seen: dict[tuple[str, str], EntryChain] = {}
        waited = [way for way in self.ways if way.context == "task" and way.reaches_user]
        whole = [way for way in waited if not way.marks.failed] or waited
        own = [way for way in whole if not way.marks.foreign] or whole
        meant = [way for way in own if not way.marks.aside] or own
        common = [one for one in self.classes if not one.said]
        if common and all(way.rare for way in meant) and meant:
            return tuple(common)
        for way in sorted([way for way in meant if not way.rare] or meant, key=_telling):
            seen.setdefault(
                (way.name, way.kind), EntryChain(way.name, way.kind, way.chain, way.said, way.event)
            )
        return tuple(seen.values())

    def carrying(self, kernel: KernelFacts, family: str) -> Ways:
        """The ways whose entry can end what ``family`` releases, and all that are no task."""
        kept = tuple(
            way
            for way in self.ways
            if not (way.context == "task" and way.reaches_user) or kernel.carries(way.ends, family)
        )
        return replace(self, ways=kept)


def _telling(way: Way) -> tuple[bool, bool, bool, bool, int]:
    """What speaks against telling of a way first, the weightiest first."""
    near = bool(way.event) and len(way.chain) <= _NEAR
    return (
        way.strength != "certain",
        not (way.ending or near),
        way.general,
        way.kind != "syscall",
        len(way.chain),
    )


class _Node(Struct, frozen=True):
    """A function that the walk came to, and what it carries up from there."""

    name: str
    path: str
    chain: tuple[str, ...]
    strength: Strength = "certain"
    guard: tuple[Atom, ...] = ()
    marks: Marks = _CLEAR
    #: the members by which it is called on the way: struct, member, file that binds it
    through: tuple[tuple[str, str, str], ...] = ()
    #: where each function of the chain calls the next
    calls: tuple[tuple[str, int], ...] = ()
    rare: bool = False
    #: which of its arguments is given back below, and what of that the running task holds itself
    gives: tuple[int, str] | None = None

    def caller(self, name: str, path: str, line: int) -> _Node:
        """The node of a function that comes here by a call in a line of a file."""
        chain, calls = (name, *self.chain), ((path, line), *self.calls)
        return replace(self, name=name, path=path, chain=chain, calls=calls)


class _Bound(Struct, frozen=True):
    """A function bound in ``path`` to a member of ``struct`` whose callers have to be asked."""

    node: _Node
    struct: str
    member: str
    path: str
    #: an entry table says in which contexts it is called, and leaves open which task does
    told: bool = False


class _Walk(Struct):
    tree: TreeFacts
    kernel: KernelFacts
    structs: Structs
    tables: Tables
    binds: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    failed: set[tuple[str, str]] = field(default_factory=set)
    queue: list[_Node] = field(default_factory=list)
    #: those that are come to aside, for when all others were visited
    later: list[_Node] = field(default_factory=list)
    turned: bool = False
    bound: list[_Bound] = field(default_factory=list)
    cut: bool = False
    hubs: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    classes: list[EntryChain] = field(default_factory=list)
    images: Graph | None = None
    #: macros around a name that call nothing: what exports a symbol
    marks: frozenset[str] = frozenset()
    _given: dict[str, list[tuple[Function, Call]]] | None = None
    _made: tuple[str, ...] | None = None

    def function(self, name: str, path: str) -> Function | None:
        """The function as the series leaves it, else as the tree has it."""
        own = self.images.functions.get((path, name)) if self.images is not None else None
        return own if own is not None else self.tree.definition_in(path, name)

    def function_at(self, name: str, path: str, line: int) -> Function | None:
        """The function of that name around a line, out of what has the line."""
        if self.shown(path):
            return self.images.functions.get((path, name)) if self.images is not None else None
        found = self.tree.function(path, line)
        return found if found is not None and found.name == name else None

    def given(self, name: str) -> list[tuple[Function, Call]]:
        """Calls of the images that get a function as argument."""
        if self._given is None:
            self._given = {}
            for function in self.images.functions.values() if self.images is not None else ():
                for call in function.calls if self.shown(function.path) else ():
                    for text in call.args:
                        found = function_name(text)
                        if found is not None:
                            self._given.setdefault(found, []).append((function, call))
        return self._given.get(name, [])

    def shown(self, path: str) -> bool:
        """Whether the images have the whole file, so that the tree's callers in it are old."""
        return (
            self.images is not None
            and path in self.images.known
            and self.images.known[path] is None
        )

    def may_be_made(self, name: str) -> bool:
        """Whether a macro that defines an object may have made a name."""
        if self._made is None:
            made = (one.value for rows in self.kernel.initializers.values() for one in rows)
            self._made = tuple({tail for value in made if (tail := value.rpartition("}")[2])})
        return name.endswith(self._made)

    def push(self, node: _Node) -> None:
        key = (node.name, node.path)
        if key in self.seen or not node.name:
            return
        if (node.marks.aside or node.marks.foreign) and not self.turned:
            self.later.append(node)
            return
        if node.marks.failed:
            # one that is come to without a failure as well is followed once more
            if key in self.failed:
                return
            self.failed.add(key)
        if len(self.seen) + len(self.failed) >= _MOST_NODES or len(node.chain) > _DEEPEST:
            self.cut = True
            return
        if not node.marks.failed:
            self.seen.add(key)
        self.queue.append(node)


def ways(
    tree: TreeFacts,
    kernel: KernelFacts,
    name: str,
    path: str,
    guard: tuple[Atom, ...] = (),
    images: Graph | None = None,
) -> Ways:
    """How ``name``, as defined in ``path``, comes to run so that ``guard`` holds in it."""
    here = images is not None and (path, name) in images.functions
    if not here and not tree.known(name, path):
        return Ways((), known=False, cut=False)
    starts = {entry.macro for entry in kernel.entries} | kernel.registrations.keys()
    marks = frozenset(m.pattern for m in kernel.macros if m.action in _DECLARES) - starts
    structs = Structs(tree)
    walk = _Walk(tree, kernel, structs, Tables(tree, structs), images=images, marks=marks)
    walk.push(_Node(name, path, (name,), guard=guard))
    while walk.queue or walk.bound or (walk.later and not walk.turned):
        if not (walk.queue or walk.bound):
            walk.turned = True
            for node in walk.later:
                walk.push(node)
        nodes, bound = walk.queue, walk.bound
        walk.queue, walk.bound = [], []
        # one search of the tree for all
        tree.prepare({node.name for node in nodes}, {one.member for one in bound})
        for node in nodes:
            _visit(walk, node)
        for one in bound:
            _through_member_calls(walk, one)
    return Ways(
        tuple(_with_command(walk, way) for way in walk.ways),
        known=True,
        cut=walk.cut,
        hubs=tuple(walk.hubs),
        ends=tuple(dict.fromkeys(walk.ends)),
        classes=tuple(walk.classes),
    )


def _with_command(walk: _Walk, way: Way) -> Way:
    """A way with the command in it that its entry is called with, where the calls tell it."""
    if not (way.asks and way.reaches_user) or len(way.calls) + 1 != len(way.chain):
        return way
    told = commands(_steps(walk, way))
    if not told:
        return way
    text = way.asks.format(command=" or ".join(told))
    row = walk.kernel.system_calls.get(way.name) if way.kind == "syscall" else None
    known = row.end_commands if row is not None else frozenset[str]()
    ends = all(one in known or walk.kernel.teardown.search(one.lower()) for one in told)
    ending = way.ending or (bool(way.ends) and ends)
    if way.kind == "syscall":
        return replace(way, said=text, ending=ending)
    return replace(way, event=text, ending=ending)


def _steps(walk: _Walk, way: Way) -> Iterator[tuple[Function, tuple[Call, ...]]]:
    """The functions of a way from its entry on, each with its calls that lead to the next."""
    for name, (path, line) in zip(way.chain[:_TELLING], way.calls, strict=False):
        function = walk.function_at(name, path, line)
        if function is None:
            return
        yield function, tuple(call for call in function.calls if call.line == line)


def _member(use: AddressUse) -> str:
    """The struct member that a use binds the function to, "" for none."""
    if use.kind == "initializer":
        return use.member
    if use.kind != "assignment":
        return ""
    member = use.target.replace("->", ".").rsplit(".", 1)[-1].strip()
    return member if member.isidentifier() and member != use.target else ""


def _visit(walk: _Walk, node: _Node) -> None:
    own = walk.images.functions.get((node.path, node.name)) if walk.images else None
    if own is not None and own.entry is not None:
        _add_system_call(walk, node, own.path, own.line)
        return  # no C code calls it by that name
    for call in walk.kernel.calls_by(node.name):
        _add_system_call(walk, node.caller(call.name, "", 0), call.source.file, _line_of(call))
    used = _tree_uses(walk, node)
    used = _macro_uses(walk, node) or used
    called = _image_callers(walk, node, own)
    sites = tuple(s for s in walk.tree.callers(node.name, node.path) if not walk.shown(s.path))
    if not (used or called or any(site.function for site in sites)):
        made = walk.tables.pasted(node.path, node.name)
        if not made and node.name.isupper():
            made = walk.tables.made(node.path, node.name)
        if not (_held(walk, node, made, node.path) or _in_local_table(walk, node)):
            walk.ends.append(node.name)
    if len(node.chain) > 1 and len({(site.path, site.function) for site in sites}) > _MOST_CALLERS:
        _stop_at(walk, node)
        sites = tuple(site for site in sites if site.kind == "syscall")
        node = replace(node, rare=node.name in walk.kernel.hubs)
    for site in sites:
        if walk.images is None or (site.path, site.function) not in walk.images.functions:
            _through_call(walk, node, site, node.strength)


def _line_of(call: SystemCall) -> int:
    """The line that a row of a system call names, 0 where it names none."""
    line = call.source.evidence.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0


def _tree_uses(walk: _Walk, node: _Node) -> bool:
    """Follow the tables, arguments and members that hold the function; whether any does."""
    used = _image_uses(walk, node)
    uses = walk.tree.address_taken(node.name, node.path)
    # what a macro between the brackets of an object is given is told as a plain entry as well
    given = {(use.path, use.line) for use in uses if use.kind == "argument" and not use.function}
    for use in uses:
        if use.kind == "value" or use.callee in walk.marks:
            continue
        if use.kind == "initializer" and not use.member and (use.path, use.line) in given:
            continue
        if walk.shown(use.path) and not _is_lost_table(walk, use):
            # of a table's entries that macros make the images tell nothing
            used = _is_in_macro_table(walk, node, use) or used
            continue
        used = True
        if use.kind == "argument":
            _through_argument(walk, node, use)
        elif (member := _member(use)) != "":
            struct = use.struct if use.kind == "initializer" else ""
            _through_member(walk, node, use, struct, member)
        elif not _through_array(walk, node, use):  # who calls a variable is not told
            walk.ends.append(node.name)
    return used


def _through_array(walk: _Walk, node: _Node, use: AddressUse) -> bool:
    """Go on to who looks an array up that holds a function without a member's name.

    That is the function in which the array stands, or those of its file that take one of its
    entries by a number; they, or who gets the entry from them, run it.  Errs towards too many: an
    entry that is only read counts.  Who only hands the array on (to register it) is not one.
    """
    if use.kind != "initializer":
        return False
    text = _text_of(walk, use.path)
    looked = rf"\b{re.escape(use.variable)}\s*\[\s*[^\]\s]" if use.variable else r"(?!)"
    around = _functions_around(walk, use.path, (one.start() for one in re.finditer(looked, text)))
    return _run_by(walk, node, use.path, [use.function, *around])


def _in_local_table(walk: _Walk, node: _Node) -> bool:
    """Go on to the functions of the file in which a table ends an entry with the function.

    ``{CMD, 0, lamp_off}`` in a table of its own type inside of a function is told by no use.
    """
    entry = re.compile(rf",\s*&?\s*{re.escape(node.name)}\s*,?\s*\}}")
    places = (one.start() for one in entry.finditer(_text_of(walk, node.path)))
    return _run_by(walk, node, node.path, _functions_around(walk, node.path, places))


def _text_of(walk: _Walk, path: str) -> str:
    return (walk.tree.text(path) or b"").decode("utf-8", "replace")


def _functions_around(walk: _Walk, path: str, places: Iterable[int]) -> list[str]:
    """The functions of a file in which offsets of its text stand."""
    text = _text_of(walk, path)
    lines = dict.fromkeys(text.count("\n", 0, place) + 1 for place in places)
    around = (walk.tree.function(path, line) for line in lines)
    return [one.name for one in around if one is not None]


def _run_by(walk: _Walk, node: _Node, path: str, names: Iterable[str]) -> bool:
    """Go on to functions of a file that may run the node's; whether there are any."""
    found = [name for name in dict.fromkeys(names) if name]
    for name in found:
        walk.push(replace(node.caller(name, path, 0), strength="likely", guard=()))
    return bool(found)


def _stop_at(walk: _Walk, node: _Node) -> None:
    """Go no further up from a helper of everybody; what it is called for is told where known."""
    walk.hubs.append(node.name)
    row = walk.kernel.hubs.get(node.name)
    if row is not None and node.marks.clear:
        walk.classes.append(EntryChain(node.name, row.kind, node.chain, event=row.event))


def _image_callers(walk: _Walk, node: _Node, own: Function | None) -> bool:
    """Follow callers that the images after the series show; whether there are any."""
    if walk.images is None:
        return False
    if own is not None:
        pairs = walk.images.callers_of(own)
    else:
        pairs = [
            (caller, call)
            for caller, call in walk.images.callers.get(node.name, [])
            if not call.indirect
        ]
    given = [
        (caller, call)
        for caller, call in walk.given(node.name)
        if caller.path == node.path or own is None or not own.static
    ]
    for caller, call in given:
        place = next(i for i, text in enumerate(call.args) if function_name(text) == node.name)
        use = AddressUse(
            node.name,
            caller.path,
            call.line,
            "argument",
            caller.name,
            callee=call.callee,
            argument=place,
        )
        _through_argument(walk, node, use)
    for caller, call in pairs:
        if _of_another(walk, caller, call):
            continue
        function = own if own is not None else walk.function(node.name, node.path)
        guard = _above(walk, node, function, call)
        if guard is None:
            continue
        guard = (*guard, *_asked_at(walk, caller, call))
        one_of_several = call.indirect and len(walk.images.callees(call, caller.path)) > 1
        strength: Strength = "likely" if one_of_several else node.strength
        gives, own_hold = _given_back(walk, node, caller, (call,))
        marks = replace(
            node.marks,
            failed=node.marks.failed or branches.on_error_path(walk.kernel, call, (caller,)),
            aside=node.marks.aside or own_hold or undone(walk.kernel, caller, call),
        )
        above = replace(
            node.caller(caller.name, caller.path, call.line),
            strength=strength,
            guard=guard,
            marks=marks,
            gives=gives,
        )
        if caller.entry is not None:  # nothing to look for in the tree
            _add_system_call(walk, above, caller.path, caller.line)
        else:
            walk.push(above)
    return bool(given or pairs)


def _image_uses(walk: _Walk, node: _Node) -> bool:
    """Take the operations tables of the images that hold the function; whether any does."""
    used = False
    for path, entry in walk.images.initializers if walk.images is not None else ():
        if entry.value.lstrip("&").strip() != node.name:
            continue
        if walk.images is None or not walk.shown(path):
            continue
        used = True
        struct = walk.images.table_of(entry)
        known = walk.kernel.entries_of(struct, entry.member)
        for row in known:
            _add_entry(walk, node, row, f".{entry.member} at {path}:{entry.line}")
        if all(map(_is_open, known)):
            walk.bound.append(_Bound(node, struct, entry.member, path, bool(known)))
    return used


def _macro_uses(walk: _Walk, node: _Node) -> bool:
    """Take what macros of an untouched file set to the function, by a name that they make.

    ``DEVICE_ATTR_WO(reset)`` holds ``reset_store()``, whose name stands in no line of it.
    """
    if walk.shown(node.path) or not walk.may_be_made(node.name):
        return False
    text = _text_of(walk, node.path)
    used = False
    for found in _MACRO.finditer(text):
        args = [arg.strip() for arg in found[2].split(",")]
        # one that is given the function itself is a use of its name
        if found[1] not in walk.kernel.initializers or node.name in args:
            continue
        line = text.count("\n", 0, found.start(1)) + 1
        for entry in defined_by(walk.kernel, found[1], args, line):
            if entry.value != node.name:
                continue
            struct = struct_name(entry.struct) or ""
            for row in walk.kernel.entries_of(struct, entry.member):
                used = True
                _add_entry(walk, node, row, f".{entry.member} at {node.path}:{line}")
    return used


def _held(walk: _Walk, node: _Node, held: Iterable[Held], path: str) -> bool:
    """Take the entries of tables that macros make; whether any row or caller may run one."""
    places = {(one.struct, one.member, one.line): one for one in held}
    for (struct, member, line), one in places.items():
        known = walk.kernel.entries_of(struct, member)
        for row in known:
            _add_entry(walk, node, row, f".{member} at {path}:{line}", one.beside)
        if all(map(_is_open, known)):
            walk.bound.append(_Bound(node, struct, member, path, bool(known)))
    return bool(places)


def _is_lost_table(walk: _Walk, use: AddressUse) -> bool:
    """Whether a table of a file that the images show is in none of them.

    The parser may have lost it behind a construct that it cannot read; one that the series takes
    away as a whole counts as well.
    """
    held = walk.images.initializers if walk.images is not None else []
    return (
        use.kind == "initializer"
        and bool(use.variable and use.member)
        and not any((path, e.variable) == (use.path, use.variable) for path, e in held)
    )


def _is_in_macro_table(walk: _Walk, node: _Node, use: AddressUse) -> bool:
    """Whether a use is the argument of a macro that puts it in a table; those are taken."""
    if use.kind != "argument" or use.function:
        return False
    _, args = walk.tables.call(use.path, use.line, use.callee)
    known = tuple(
        Held(struct_name(one.struct) or "", one.member, {}, use.line)
        for one in defined_by(walk.kernel, use.callee, args or (), use.line)
        if one.value == node.name
    )
    held = known or walk.tables.given(use.path, use.line, use.callee, node.name)
    return _held(walk, node, held, use.path)


def _of_given(guard: tuple[Atom, ...], function: Function) -> list[Atom]:
    """The tests of a function that speak of what it was given.

    What else it asks no caller tells: its variables are none of theirs, whatever they are called.
    """
    names = {p.name for p in function.parameters}
    return [atom for atom in guard if not names.isdisjoint(variables([atom.text]))]


def _above(
    walk: _Walk, node: _Node, function: Function | None, call: Call | None
) -> tuple[Atom, ...] | None:
    """The guard in the terms of a caller, None when its constants exclude it."""
    if not node.guard or function is None or call is None:
        return ()
    return guard_above(function, call, tuple(_of_given(node.guard, function)), walk.kernel)


def _asked_at(walk: _Walk, caller: Function, call: Call) -> list[Atom]:
    """What a caller that the images show asks, above a call, of what it was given itself.

    Of parameters that it does not set; tests of others say nothing of what its callers pass.
    """
    given = {p.name for p in caller.parameters}
    given -= {one.target for one in caller.assignments} | {one.target for one in caller.stores}
    tests = (
        atom for condition in call.conditions for atom in atoms(walk.kernel, condition, caller.path)
    )
    return [atom for atom in tests if not given.isdisjoint(variables([atom.text]))]


def _guard_at(walk: _Walk, node: _Node, site: CallerSite) -> tuple[Atom, ...] | None:
    """The guard at a caller of the tree; its body is read only where the guard needs it."""
    if not node.guard:
        return ()
    callee = walk.function(node.name, node.path)
    if callee is None or not _of_given(node.guard, callee):
        return ()
    caller = walk.tree.function(site.path, site.function_line)
    calls = [c for c in caller.calls if c.callee == node.name] if caller is not None else []
    if not calls:
        return ()
    guards = [_above(walk, node, callee, call) for call in calls]
    possible = [guard for guard in guards if guard is not None]
    return possible[0] if possible else None


def _add_system_call(walk: _Walk, node: _Node, path: str, line: int) -> None:
    row = walk.kernel.system_calls.get(node.name)
    called = row.called if row is not None else node.name
    passing = _passing(walk, node)
    walk.ways.append(
        Way(
            node.name,
            "syscall",
            "task",
            node.strength,
            reaches_user=True,
            chain=node.chain,
            why=f"{called}(2) at {path}:{line}",
            ends=row.ends if row is not None and not passing else (),
            said=_call_text(called, node.guard),
            unknown=row is None and not passing,
            ending=(row is not None and row.to_end)
            or walk.kernel.teardown.search(called) is not None,
            marks=node.marks,
            asks=f"{called}({{command}})",
            calls=node.calls,
            general=row is not None and "anything" in row.ends,
            rare=node.rare,
        )
    )


def _passing(walk: _Walk, node: _Node) -> bool:
    """Whether the way leads through what only looks a name up for the entry point."""
    return not walk.kernel.lookups.isdisjoint(node.chain)


def _call_text(called: str, guard: tuple[Atom, ...]) -> str:
    """How user space calls a system call so that the guard holds: ``umount2(..., FLAG)``."""
    flags = []
    for atom in guard:
        found = _FLAG.match(atom.text)
        if atom.positive and found:
            flags.append(found[1])
    return f"{called}(..., {' | '.join(dict.fromkeys(flags))})" if flags else called


def _held_below(walk: _Walk, node: _Node) -> tuple[int, str] | None:
    """Which argument of a function is given back below, where the running task may hold that."""
    row = walk.kernel.own_holds.get(node.name)
    return node.gives if row is None else (row.argument, row.value)


def _given_back(
    walk: _Walk, node: _Node, caller: Function, calls: Iterable[Call]
) -> tuple[tuple[int, str] | None, bool]:
    """The same of a caller, and whether all of its calls give the running task's own.

    The running task does not end while it runs: no put of it by ``current`` is the last.
    """
    told = _held_below(walk, node)
    if told is None:
        return None, False
    place, value = told
    given = {call.args[place] if place < len(call.args) else "" for call in calls}
    names = [one.name for one in caller.parameters]
    passed = next(((names.index(one), value) for one in given if one in names), None)
    return passed, given == {value}


def _aside_at(walk: _Walk, node: _Node, site: CallerSite, called: str) -> bool:
    """Whether a caller of the tree only undoes what it did itself.

    Its body is read for that, so it is asked near the release alone: errs towards a caller too
    many further up, where one holds what it calls for.
    """
    if node.marks.aside or len(node.chain) > _JUDGED:
        return node.marks.aside
    caller = walk.tree.function(site.path, site.function_line)
    calls = [call for call in caller.calls if call.callee == called] if caller is not None else []
    here = [call for call in calls if call.line == site.line]
    told = here or calls
    return (
        caller is not None
        and bool(told)
        and all(undone(walk.kernel, caller, call) for call in told)
    )


def _binds_own(walk: _Walk, path: str, bound: tuple[str, str, str]) -> bool:
    """Whether a file has its own function in a member by which the way leads further down.

    What it works on are its own objects: of xfs_set_acl() no f2fs inode knows, though both are
    called by posix_acl_chmod().  What stands upon others of its kind (a stacked filesystem) is
    left out where there are others.
    """
    struct, member, origin = bound
    if path == origin or not struct:
        return False
    key = (path, struct, member)
    if key not in walk.binds:
        text = walk.tree.text(path) or b""
        walk.binds[key] = (
            re.search(rf"\.{re.escape(member)}\s*=[^=]".encode(), text) is not None
            and re.search(rf"\bstruct\s+{re.escape(struct)}\b".encode(), text) is not None
        )
    return walk.binds[key]


def _through_call(
    walk: _Walk,
    node: _Node,
    site: CallerSite,
    strength: Strength,
    bound: tuple[str, str, str] | None = None,
) -> None:
    """Go on to a caller, which calls by the node's name or through the member that is ``bound``."""
    if not site.function:
        return
    guard = _guard_at(walk, node, site)
    if guard is None:
        return
    aside = _aside_at(walk, node, site, bound[1] if bound is not None else node.name)
    gives, own_hold = None, False
    if bound is None and _held_below(walk, node) is not None:
        caller = walk.tree.function(site.path, site.function_line)
        calls = [call for call in caller.calls if call.callee == node.name] if caller else []
        if caller is not None:
            gives, own_hold = _given_back(walk, node, caller, calls)
    foreign = node.marks.foreign or any(_binds_own(walk, site.path, one) for one in node.through)
    through = (*node.through, bound) if bound is not None else node.through
    made = replace(
        node.caller(site.function, site.path, site.line),
        strength=strength,
        guard=guard,
        marks=replace(node.marks, aside=aside or own_hold, foreign=foreign),
        through=through,
        gives=gives,
    )
    if site.kind == "syscall":
        _add_system_call(walk, made, site.path, site.line)
        return
    walk.push(made)


def _through_member(walk: _Walk, node: _Node, use: AddressUse, struct: str, member: str) -> None:
    # what is known by its member's name alone is so where the text tells no struct
    name = struct_name(struct) or _assigned_to(walk, use)
    entries = (
        walk.kernel.entries_of(name, member)
        if name
        else [e for e in walk.kernel.entries if e.member == member]
    )
    told = bool(name) or len({e.struct for e in entries}) == 1
    if told:
        for entry in entries:
            _add_entry(walk, node, entry, f".{member} at {use.path}:{use.line}")
        if not all(map(_is_open, entries)):
            return
    walk.bound.append(_Bound(node, name or "", member, use.path, told and bool(entries)))


def _is_open(entry: EntryPoint) -> bool:
    """Whether a row leaves open who calls the operation that ends something.

    A task among others: the calls of the member in the tree tell whose.
    """
    several = "task" in entry.contexts and len(entry.contexts) > 1
    return several and bool(entry.ends) and not entry.reaches_user


def _assigned_to(walk: _Walk, use: AddressUse) -> str | None:
    """The struct that an assignment binds a member of, None when its text does not tell."""
    around = walk.tree.definition_in(use.path, use.function) if use.function else None
    base = use.target.replace("->", ".").rpartition(".")[0].strip()
    return None if around is None else struct_of(around, base)


def _through_member_calls(walk: _Walk, bound: _Bound) -> None:
    sites = walk.tree.member_calls(bound.member)
    if len(sites) > MANY_MEMBER_CALLS:
        # says nothing about who calls one function; those beside what binds it do
        walk.cut = True
        for site in _near_calls(walk, bound):
            through = (bound.struct, bound.member, bound.path)
            _through_call(walk, bound.node, site, "likely", through)
        return
    own = [site for site in sites if _may_be_of(walk, bound, site)]
    if not own and not bound.told:
        walk.ends.append(bound.node.name)
    for site in own:
        _through_call(walk, bound.node, site, "likely", (bound.struct, bound.member, bound.path))


def _may_be_of(walk: _Walk, bound: _Bound, site: CallerSite) -> bool:
    """Whether a call through a member of that name may be through one of that struct.

    The type of a variable tells, and behind a chain of members that of the last one, as far as
    the headers of the file tell it.  Where they do not the call counts where its file names the
    struct, or where it stands in the part of the tree that binds it: names of members repeat
    from subsystem to subsystem.
    """
    if not bound.struct:
        return True
    around = walk.tree.function(site.path, site.function_line)
    struct = _called_through(walk, around, site.line, bound.member) if around is not None else None
    if struct is not None:
        return struct == bound.struct
    text = walk.tree.text(site.path) or b""
    if re.search(rf"\b{re.escape(bound.struct)}\b".encode(), text):
        return True
    return _part(site.path) == _part(bound.path)


def _near_calls(walk: _Walk, bound: _Bound) -> list[CallerSite]:
    """The calls of a member of a common name that are told to be through the struct.

    In the folder of the binding, else in the one above, where the core of many drivers lies; the
    walk stays open, since others may lie anywhere.  Each folder is searched, so that it is asked
    near the release alone.
    """
    place = bound.path
    near = bound.struct and len(bound.node.chain) <= _JUDGED
    for _ in range(2 if near else 0):
        beside = walk.tree.member_calls_beside(bound.member, place)
        found = [site for site in beside if _calls_of(walk, bound, site)]
        if found and len(beside) <= MANY_MEMBER_CALLS:
            return found
        place = place.rpartition("/")[0]
    return []


def _calls_of(walk: _Walk, bound: _Bound, site: CallerSite) -> bool:
    """Whether a call is told to be through the struct that is bound, by its types alone."""
    around = walk.tree.function(site.path, site.function_line)
    told = around is not None and _called_through(walk, around, site.line, bound.member)
    return told == bound.struct


def _called_through(walk: _Walk, around: Function, at: int, member: str) -> str | None:
    """The struct through whose member a line of a tree's function calls, None for none told."""
    lines = (walk.tree.text(around.path) or b"").split(b"\n", at)
    line = lines[at - 1].decode("utf-8", "replace") if len(lines) >= at else ""
    called = re.search(
        rf"(?<![\w.>\])])(\w+(?:(?:->|\.)\w+)*)\s*(?:->|\.)\s*{re.escape(member)}\s*\)?\s*\(", line
    )
    if called is None:
        return None
    first, *chain = re.split(r"->|\.", called[1])
    own = struct_of(around, first)
    return walk.structs.behind(around.path, own, chain) if own is not None else None


def _of_another(walk: _Walk, caller: Function, call: Call) -> bool:
    """Whether a call that the images tell by its member alone is through another struct's.

    The function as the tree has it tells: a series that makes it call through another object
    of the same member's name is not seen.
    """
    bound = walk.images.slots.get(call.callee, []) if walk.images is not None else []
    old = walk.tree.definition_in(caller.path, caller.name) if call.indirect and bound else None
    calls = [one for one in old.calls if one.callee == call.callee] if old is not None else []
    if old is None or not calls:
        return False
    through = {_called_through(walk, old, one.line, call.callee) for one in calls}
    return None not in through and through.isdisjoint(struct_name(one) for _, one, _ in bound)


def _part(path: str) -> tuple[str, ...]:
    """The part of the tree that a file is of: its two upper folders, or the one that it has."""
    return tuple(path.split("/")[:-1][:2])


def _add_entry(
    walk: _Walk,
    node: _Node,
    entry: EntryPoint,
    where: str,
    beside: Mapping[str, str] | None = None,
) -> None:
    passing = _passing(walk, node)
    event = _event(entry, beside or {})
    for context in entry.contexts:
        walk.ways.append(
            Way(
                node.name,
                entry.kind,
                context,
                node.strength,
                reaches_user=entry.reaches_user and context == "task",
                chain=node.chain,
                why=f"{node.name}() is {where}",
                ends=() if passing else entry.ends,
                said=f"{entry.struct}.{entry.member}" if entry.member else entry.macro,
                ending=bool(entry.ends) and not (entry.commands and _names_no_end(walk, node.name)),
                event=event,
                marks=node.marks,
                asks=entry.event if "{command}" in entry.event else "",
                calls=node.calls,
                general=bool(entry.macro) and "anything" in entry.ends,
                rare=node.rare,
            )
        )
    if event and not entry.reaches_user and node.marks.clear:
        # nobody is known to wait, but it is known what for
        said = f"{entry.struct}.{entry.member}"
        walk.classes.append(EntryChain(node.name, entry.kind, node.chain, said, event))


def _event(entry: EntryPoint, beside: Mapping[str, str]) -> str:
    """What an operation is called for; nothing where its table does not name the command."""
    try:
        return entry.event.format_map(beside)
    except KeyError:
        return ""


def _names_no_end(walk: _Walk, name: str) -> bool:
    """Whether a function is not named for an end: of many commands it is none that ends."""
    return walk.kernel.teardown.search(name) is None


def _through_argument(walk: _Walk, node: _Node, use: AddressUse) -> None:
    kernel = walk.kernel
    registration = kernel.registrations.get(use.callee)
    place = f"{use.callee}() at {use.path}:{use.line}"
    if registration is not None and registration.context is not None:
        walk.ways.append(
            Way(
                node.name,
                "callback",
                registration.context,
                node.strength,
                reaches_user=False,
                chain=node.chain,
                why=f"{node.name}() is bound by {place}",
                marks=node.marks,
            )
        )
        return
    macro = next((e for e in kernel.entries if e.macro and e.macro == use.callee), None)
    if macro is not None:
        if _is_function_of(kernel, use):
            _add_entry(walk, node, macro, f"given to {place}")
        return
    if _is_variable(walk, node, use) or _is_in_macro_table(walk, node, use):
        return
    if (kept := _kept_in(walk, node, use)) is not None:
        walk.bound.append(kept)
        return
    # a release given to kref_put(), or a callback to some iterator: runs in the caller
    strength: Strength = node.strength if use.callee in kernel.cleanups else "likely"
    if use.function:
        above = node.caller(use.function, use.path, use.line)
        walk.push(replace(above, strength=strength, guard=(), gives=None))
    else:
        walk.ends.append(node.name)


def _is_function_of(kernel: KernelFacts, use: AddressUse) -> bool:
    """Whether a macro takes a function in that place: ``__ATTR()`` is given a file's name first."""
    made = kernel.initializers.get(use.callee, ())
    return use.argument < 0 or not made or any(f"{{{use.argument}}}" == one.value for one in made)


def _is_variable(walk: _Walk, node: _Node, use: AddressUse) -> bool:
    """Whether a name that a call is given is a variable of the function around it."""
    holder = walk.function(use.function, use.path) if use.function else None
    return holder is not None and any(
        one.name == node.name for one in (*holder.parameters, *holder.locals)
    )


def _kept_in(walk: _Walk, node: _Node, use: AddressUse) -> _Bound | None:
    """The member in which a helper keeps the function that it is given; None where it does not.

    Whoever calls through that member runs it, and not who gave it: that was a registration.  A
    helper that calls what it is given as well, or hands it on, runs it for its caller.
    """
    helper = walk.tree.definition(use.callee, use.path)
    if helper is None or not 0 <= use.argument < len(helper.parameters):
        return None
    name = helper.parameters[use.argument].name
    if any(name in (call.callee, *call.args) for call in helper.calls):
        return None
    target = next((one.target for one in helper.stores if one.value.strip() == name), "")
    base, _, member = target.replace("->", ".").rpartition(".")
    struct = struct_of(helper, base) if base.isidentifier() else None
    return _Bound(node, struct, member, helper.path) if struct is not None else None
