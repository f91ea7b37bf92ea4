"""The walk up a tree from end to end: which ways lead to a function.

Breadth first, so that a function is come to by the shortest chain, and all questions of one
distance are one search.  A function is visited once, and once more where the first way came by a
failure: of several ways up to it one stands for all, with its guard, which errs either way.  Above
a helper of everybody nothing is followed, which is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph.macro_tables import Tables
from patchlint.graph.members import Structs
from patchlint.graph.reach.arguments import (
    prepare_helpers,
    through_argument,
    through_image_arguments,
)
from patchlint.graph.reach.arrays import through_array, through_local_table
from patchlint.graph.reach.calls import through_call, through_image_calls
from patchlint.graph.reach.entries import add_entry, add_system_call, stop_at, with_command
from patchlint.graph.reach.marking import strange
from patchlint.graph.reach.members import member_of, through_member, through_member_calls
from patchlint.graph.reach.modules import Modules
from patchlint.graph.reach.state import Node, Walk
from patchlint.graph.reach.tables import (
    is_in_macro_table,
    is_lost_table,
    through_macro_table,
    through_made_names,
    through_tables,
)
from patchlint.graph.reach.way import Ways

if TYPE_CHECKING:
    from patchlint.graph.build import Graph
    from patchlint.graph.guards import Atom
    from patchlint.graph.reach.state import Bound, Searches
    from patchlint.model.facts import Function
    from patchlint.model.kernel import KernelFacts, SystemCall
    from patchlint.model.tree import TreeFacts

#: what is done to macros that declare something
_DECLARES: Final = frozenset({"statement", "local"})
#: a function with more callers than this is a helper of everybody: what lies above it is
#: named as not followed
_MOST_CALLERS: Final = 20


def ways(
    tree: TreeFacts,
    kernel: KernelFacts,
    name: str,
    path: str,
    guard: tuple[Atom, ...] = (),
    images: Graph | None = None,
    searches: Searches | None = None,
    modules: Modules | None = None,
) -> Ways:
    """How ``name``, as defined in ``path``, comes to run so that ``guard`` holds in it.

    ``searches`` bounds what is asked of a tree without an index; without it all is.  ``modules``
    are those of the tree, where several walks ask for them.
    """
    here = images is not None and (path, name) in images.functions
    if not here and not tree.known(name, path):
        return Ways((), known=False, cut=False)
    starts = {entry.macro for entry in kernel.entries} | kernel.registrations.keys()
    declaring = frozenset(m.pattern for m in kernel.macros if m.action in _DECLARES) - starts
    structs = Structs(tree)
    tables = Tables(tree, structs)
    walk = Walk(
        tree,
        kernel,
        structs,
        tables,
        modules if modules is not None else Modules(tree),
        {row.function: row for row in kernel.entries if row.function},
        path,
        guard,
        images=images,
        declaring=declaring,
        searches=searches,
    )
    walk.push(Node(name, path, (name,), guard=guard))
    while walk.queue or walk.bound or (walk.later and not walk.turned):
        if not (walk.queue or walk.bound):
            walk.turned = True
            for node in walk.later:
                walk.push(node)
        nodes, bound = walk.queue, walk.bound
        walk.queue, walk.bound = [], []
        nodes, bound = _asked(walk, nodes, bound)
        for node in nodes:
            _visit(walk, node)
        for one in bound:
            through_member_calls(walk, one)
    found = (
        strange(walk, way) if way.reaches_user and way.marks.clear else way for way in walk.ways
    )
    return Ways(
        tuple(with_command(walk, way) for way in found),
        known=True,
        cut=walk.cut,
        hubs=tuple(walk.hubs),
        ends=tuple(dict.fromkeys(walk.ends)),
        classes=tuple(walk.classes),
        unsearched=walk.unsearched,
    )


def _asked(walk: Walk, nodes: list[Node], bound: list[Bound]) -> tuple[list[Node], list[Bound]]:
    """Ask the tree for all of one distance at once; that which it answers.

    Where no index does, and no search is left, these are the functions of one file.
    """
    tree, sought = walk.tree, walk.searches is not None and walk.tree.searched
    if sought:
        far = {node.name for node in nodes if not tree.is_local(node.name, node.path)}
        lacking = walk.lacking(far | {f"->{one.member}" for one in bound})
        nodes = [node for node in nodes if node.name not in lacking]
        bound = [one for one in bound if f"->{one.member}" not in lacking]
    tree.prepare({node.name for node in nodes}, {one.member for one in bound})
    if sought:
        prepare_helpers(walk, nodes)
    return nodes, bound


def _visit(walk: Walk, node: Node) -> None:
    own = walk.own(node.name, node.path)
    if _begins(walk, node, own):
        return
    for call in walk.kernel.calls_by(node.name):
        add_system_call(walk, node.caller(call.name, "", 0), call.source.file, _line_of(call))
    used = _tree_uses(walk, node)
    used = through_made_names(walk, node) or used
    called = through_image_arguments(walk, node, own)
    called = through_image_calls(walk, node, own) or called
    sites = tuple(s for s in walk.tree.callers(node.name, node.path) if not walk.shown(s.path))
    if not (used or called or any(site.function for site in sites)):
        made = walk.tables.pasted(node.path, node.name)
        if not made and node.name.isupper():
            made = walk.tables.made(node.path, node.name)
        if not (
            through_macro_table(walk, node, made, node.path) or through_local_table(walk, node)
        ):
            walk.ends.append(node.name)
    if len(node.chain) > 1 and len({(site.path, site.function) for site in sites}) > _MOST_CALLERS:
        stop_at(walk, node)
        sites = tuple(site for site in sites if site.kind == "syscall")
        node = replace(node, rare=node.name in walk.kernel.hubs)
    for site in sites:
        if walk.images is None or (site.path, site.function) not in walk.images.functions:
            through_call(walk, node, site, node.strength)


def _begins(walk: Walk, node: Node, own: Function | None) -> bool:
    """Tell of a function with which a way begins, whoever calls it; whether it is one."""
    if own is not None and own.entry is not None:
        add_system_call(walk, node, own.path, own.line)
        return True  # no C code calls it by that name
    row = walk.heads.get(node.name)
    if row is not None:
        add_entry(walk, node, row, f"at {node.path}")
    return row is not None


def _tree_uses(walk: Walk, node: Node) -> bool:
    """Follow the tables, arguments and members that hold the function; whether any does."""
    used = through_tables(walk, node)
    uses = walk.tree.address_taken(node.name, node.path)
    # what a macro between the brackets of an object is given is told as a plain entry as well
    given = {(use.path, use.line) for use in uses if use.kind == "argument" and not use.function}
    for use in uses:
        if use.kind == "value" or use.callee in walk.declaring:
            continue
        if use.kind == "initializer" and not use.member and (use.path, use.line) in given:
            continue
        if walk.shown(use.path) and not is_lost_table(walk, use):
            # of a table's entries that macros make the images tell nothing
            used = is_in_macro_table(walk, node, use) or used
            continue
        used = True
        if use.kind == "argument":
            through_argument(walk, node, use)
        elif (member := member_of(use)) != "":
            struct = use.struct if use.kind == "initializer" else ""
            through_member(walk, node, use, struct, member)
        elif not through_array(walk, node, use):  # who calls a variable is not told
            walk.ends.append(node.name)
    return used


def _line_of(call: SystemCall) -> int:
    """The line that a row of a system call names, 0 where it names none."""
    line = call.source.evidence.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0
