"""Walks up a whole tree: in which contexts a function runs, and which entry points reach it.

Breadth first from the function to its callers, through function pointers (members of
operations tables, callbacks) up to entry points: system calls, members that the entry
tables know, registered callbacks, module init and exit.

Errs towards too many callers: a call through a struct member counts for every function
that is bound to a member of that name, and a function given to an unknown function as
argument counts as called by whoever gave it.  Ways found so are ``likely``, not certain.
The walk is bounded; what was left out is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.model.effect import EntryChain
from patchlint.model.tree import MANY_MEMBER_CALLS

if TYPE_CHECKING:
    from patchlint.graph.contexts import Strength
    from patchlint.model.context import Context
    from patchlint.model.kernel import EntryPoint, KernelFacts
    from patchlint.model.tree import AddressUse, CallerSite, TreeFacts

_MOST_NODES: Final = 600
_DEEPEST: Final = 12
#: a function with more callers than this is a helper of everybody: what lies above it is
#: named as not followed
_MOST_CALLERS: Final = 20


class Way(Struct, frozen=True):
    """One way in which a function comes to run: ``chain`` from the entry point down."""

    name: str
    kind: str
    context: Context
    strength: Strength
    reaches_user: bool
    chain: tuple[str, ...]
    why: str


class Ways(Struct, frozen=True):
    """All ways found.  ``known`` is False when the tree has no such function.

    ``cut`` is set when the walk reached its bound before it had seen all callers;
    ``hubs`` names the helpers of everybody above which it did not go.
    """

    ways: tuple[Way, ...]
    known: bool
    cut: bool
    hubs: tuple[str, ...] = ()

    @property
    def entry_points(self) -> tuple[EntryChain, ...]:
        """Entry points behind which user space waits, system calls first, each once."""
        seen: dict[tuple[str, str], EntryChain] = {}
        for way in sorted(self.ways, key=lambda w: (w.kind != "syscall", len(w.chain))):
            if way.context == "task" and way.reaches_user:
                seen.setdefault((way.name, way.kind), EntryChain(way.name, way.kind, way.chain))
        return tuple(seen.values())


class _Node(Struct):
    name: str
    path: str
    chain: tuple[str, ...]
    strength: Strength = "certain"


class _Bound(Struct):
    """A function bound to a member that no entry table knows."""

    node: _Node
    member: str


class _Walk(Struct):
    tree: TreeFacts
    kernel: KernelFacts
    ways: list[Way] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    queue: list[_Node] = field(default_factory=list)
    bound: list[_Bound] = field(default_factory=list)
    cut: bool = False
    hubs: list[str] = field(default_factory=list)

    def push(self, node: _Node) -> None:
        key = (node.name, node.path)
        if key in self.seen or not node.name:
            return
        if len(self.seen) >= _MOST_NODES or len(node.chain) > _DEEPEST:
            self.cut = True
            return
        self.seen.add(key)
        self.queue.append(node)


def ways(tree: TreeFacts, kernel: KernelFacts, name: str, path: str) -> Ways:
    """How ``name``, as defined in ``path``, comes to run."""
    if not tree.known(name, path):
        return Ways((), known=False, cut=False)
    walk = _Walk(tree, kernel)
    walk.push(_Node(name, path, (name,)))
    while walk.queue or walk.bound:
        nodes, bound = walk.queue, walk.bound
        walk.queue, walk.bound = [], []
        # one search of the tree for all
        tree.prepare({node.name for node in nodes}, {one.member for one in bound})
        for node in nodes:
            _visit(walk, node)
        for one in bound:
            _through_member_calls(walk, one)
    return Ways(tuple(walk.ways), known=True, cut=walk.cut, hubs=tuple(walk.hubs))


def _member(use: AddressUse) -> str:
    """The struct member that a use binds the function to, "" for none."""
    if use.kind == "initializer":
        return use.member
    if use.kind != "assignment":
        return ""
    member = use.target.replace("->", ".").rsplit(".", 1)[-1].strip()
    return member if member.isidentifier() and member != use.target else ""


def _visit(walk: _Walk, node: _Node) -> None:
    for use in walk.tree.address_taken(node.name, node.path):
        if use.kind == "argument":
            _through_argument(walk, node, use)
        elif (member := _member(use)) != "":
            struct = use.struct if use.kind == "initializer" else ""
            _through_member(walk, node, use, struct, member)
    sites = walk.tree.callers(node.name, node.path)
    if len(node.chain) > 1 and len({(site.path, site.function) for site in sites}) > _MOST_CALLERS:
        walk.hubs.append(node.name)
        sites = tuple(site for site in sites if site.kind == "syscall")
    for site in sites:
        _through_call(walk, node, site, node.strength)


def _through_call(walk: _Walk, node: _Node, site: CallerSite, strength: Strength) -> None:
    if not site.function:
        return
    chain = (site.function, *node.chain)
    if site.kind == "syscall":
        walk.ways.append(
            Way(
                site.function,
                "syscall",
                "task",
                strength,
                reaches_user=True,
                chain=chain,
                why=f"{site.function}(2) at {site.path}:{site.line}",
            )
        )
        return
    walk.push(_Node(site.function, site.path, chain, strength))


def _through_member(walk: _Walk, node: _Node, use: AddressUse, struct: str, member: str) -> None:
    entries = [
        e
        for e in walk.kernel.entries
        if e.member == member and (not struct or (e.struct and e.struct in struct.split()))
    ]
    if struct or len({e.struct for e in entries}) == 1:
        for entry in entries:
            _add_entry(walk, node, entry, f".{member} at {use.path}:{use.line}")
        if entries:
            return
    walk.bound.append(_Bound(node, member))


def _through_member_calls(walk: _Walk, bound: _Bound) -> None:
    sites = walk.tree.member_calls(bound.member)
    if len(sites) > MANY_MEMBER_CALLS:  # says nothing about who calls one function
        walk.cut = True
        return
    for site in sites:
        _through_call(walk, bound.node, site, "likely")


def _add_entry(walk: _Walk, node: _Node, entry: EntryPoint, where: str) -> None:
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
            )
        )


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
            )
        )
        return
    macro = next((e for e in kernel.entries if e.macro and e.macro == use.callee), None)
    if macro is not None:
        _add_entry(walk, node, macro, f"given to {place}")
        return
    # a release given to kref_put(), or a callback to some iterator: runs in the caller
    strength: Strength = node.strength if use.callee in kernel.cleanups else "likely"
    if use.function:
        walk.push(_Node(use.function, use.path, (use.function, *node.chain), strength))
