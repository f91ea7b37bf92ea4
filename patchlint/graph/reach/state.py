"""The state of a walk up a tree: what is still to be visited, what was found, what was left out.

Functions that are come to with a mark wait until all others were visited.  The walk is bounded
by nodes, by depth and, where a tree has no index, by searches, and says so (``cut``): errs towards
an entry point too few behind that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from patchlint.graph.bindings import function_name
from patchlint.graph.reach.way import CLEAR, Crossing

if TYPE_CHECKING:
    from collections.abc import Collection

    from patchlint.graph.build import Graph
    from patchlint.graph.contexts import Strength
    from patchlint.graph.guards import Atom
    from patchlint.graph.macro_tables import Tables
    from patchlint.graph.members import Structs
    from patchlint.graph.reach.modules import Modules
    from patchlint.graph.reach.way import Marks, Way
    from patchlint.model.effect import EntryChain
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import EntryPoint, KernelFacts
    from patchlint.model.tree import CallerSite, TreeFacts

_MOST_NODES: Final = 600
_DEEPEST: Final = 12
#: calls above the release within which bodies and folders are read for one question each
_NEAR: Final = 4


#: searches of a whole tree that the walks of one series may cost where no index answers
_MOST_SEARCHES: Final = 12


class Searches(Struct):
    """What the walks of one series have searched a tree without an index for.

    What was asked once costs nothing more, whoever kept the answer: how far a walk goes hangs on
    the series alone.  Errs towards an entry point too few, far from the release.
    """

    most: int = _MOST_SEARCHES
    made: int = 0
    #: something was not searched for
    refused: bool = False
    _asked: set[str] = field(default_factory=set)

    def lacking(self, keys: Collection[str]) -> frozenset[str]:
        """What of ``keys``, which are asked for together, may not be searched for any more."""
        fresh = frozenset(keys) - self._asked
        if fresh and self.made >= self.most:
            self.refused = True
            return fresh
        self.made += bool(fresh)
        self._asked |= fresh
        return frozenset()


class Node(Struct, frozen=True):
    """A function that the walk came to, and what it carries up from there."""

    name: str
    path: str
    chain: tuple[str, ...]
    strength: Strength = "certain"
    guard: tuple[Atom, ...] = ()
    marks: Marks = CLEAR
    #: the members by which it is called on the way
    through: tuple[Crossing, ...] = ()
    #: where each function of the chain calls the next
    calls: tuple[tuple[str, int], ...] = ()
    rare: bool = False
    #: which of its arguments is given back below, and what of that the running task holds itself
    gives: tuple[int, str] | None = None
    #: of which commands a table on the way holds it
    commands: tuple[str, ...] = ()

    @property
    def near(self) -> bool:
        """Whether the release is near enough to read a body or a folder for one question."""
        return len(self.chain) <= _NEAR

    def caller(self, name: str, path: str, line: int) -> Node:
        """The node of a function that comes here by a call in a line of a file."""
        chain, calls = (name, *self.chain), ((path, line), *self.calls)
        return replace(self, name=name, path=path, chain=chain, calls=calls)


class Bound(Struct, frozen=True):
    """A function bound in ``path`` to a member of ``struct`` whose callers have to be asked."""

    node: Node
    struct: str
    member: str
    path: str
    #: an entry table says in which contexts it is called, and leaves open which task does
    told: bool = False
    #: the files that call through the member
    callers: tuple[str, ...] = ()

    @property
    def through(self) -> Crossing:
        """What a way that leads through the member is marked by further up."""
        return Crossing(self.struct, self.member, self.path, len(self.node.chain), self.callers)


class Walk(Struct):
    """One walk: what it asks, its queue, and what it has found."""

    tree: TreeFacts
    kernel: KernelFacts
    structs: Structs
    tables: Tables
    modules: Modules
    #: functions that a table tells to be entries by their names
    heads: dict[str, EntryPoint]
    #: where the function stands that lost something, and under which tests it did
    path: str = ""
    guard: tuple[Atom, ...] = ()
    binds: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    failed: set[tuple[str, str]] = field(default_factory=set)
    queue: list[Node] = field(default_factory=list)
    #: those that are come to aside, for when all others were visited
    later: list[Node] = field(default_factory=list)
    turned: bool = False
    bound: list[Bound] = field(default_factory=list)
    cut: bool = False
    #: what may be searched for, without bound for None
    searches: Searches | None = None
    #: it was cut since more would have to be searched for
    unsearched: bool = False
    #: helpers that were not searched for
    unread: set[str] = field(default_factory=set)
    hubs: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    classes: list[EntryChain] = field(default_factory=list)
    images: Graph | None = None
    #: macros around a name that call nothing: what exports a symbol
    declaring: frozenset[str] = frozenset()
    _given: dict[str, list[tuple[Function, Call]]] | None = None
    _made: tuple[str, ...] | None = None

    def own(self, name: str, path: str) -> Function | None:
        """The function as the images show it, None where they do not."""
        return self.images.functions.get((path, name)) if self.images is not None else None

    def function(self, name: str, path: str) -> Function | None:
        """The function as the series leaves it, else as the tree has it."""
        own = self.own(name, path)
        return own if own is not None else self.tree.definition_in(path, name)

    def function_at(self, name: str, path: str, line: int) -> Function | None:
        """The function of that name around a line, out of what has the line."""
        if self.shown(path):
            return self.own(name, path)
        found = self.tree.function(path, line)
        return found if found is not None and found.name == name else None

    def calls_at(self, site: CallerSite, callee: str) -> tuple[Function | None, list[Call]]:
        """The tree's function around a call, and all of its calls by that name."""
        caller = self.tree.function(site.path, site.function_line)
        calls = [call for call in caller.calls if call.callee == callee] if caller else []
        return caller, calls

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

    def lacking(self, keys: Collection[str]) -> frozenset[str]:
        """What of ``keys``, which the tree is searched for together, is one search too many."""
        lacking = frozenset[str]() if self.searches is None else self.searches.lacking(keys)
        if lacking:
            self.cut = self.unsearched = True
        return lacking

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

    def text(self, path: str) -> str:
        """The text of a file of the tree, "" where it has none."""
        return (self.tree.text(path) or b"").decode("utf-8", "replace")

    def push(self, node: Node) -> None:
        """Visit a function later, unless that was done or the walk is at a bound."""
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
