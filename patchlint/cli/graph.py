"""``patchlint graph``: what the graph stage sees, as text, dot, mermaid or JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from patchlint.graph.build import Graph
    from patchlint.graph.effect import Effect
    from patchlint.graph.reach.way import Ways
    from patchlint.graph.show import Branch
    from patchlint.model.facts import Function
    from patchlint.model.kernel import KernelFacts
    from patchlint.model.tree import TreeFacts

#: effects that a table, a tree or a name knows for a release
_TOLD: Final = frozenset({"row", "memory", "async", "named"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A C file with ``--function``, or a function with ``--tree``."""
    parser.epilog = """\
examples:
  patchlint graph fs/namespace.c --function namespace_unlock
  patchlint graph namespace_unlock --tree ~/linux --up
  patchlint graph put_mnt_ns --tree ~/linux --down --to drop_collected_mounts --format dot

exit status: 0, or 2 when the file or the function cannot be found"""
    parser.add_argument("target", metavar="FILE|FUNCTION")
    parser.add_argument("--function", metavar="F", help="function of FILE")
    parser.add_argument("--tree", metavar="DIR", help="kernel source to look FUNCTION up in")
    parser.add_argument(
        "--path",
        metavar="PATH",
        help="file of FUNCTION, when its name is not the only one in the tree",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--up", action="store_true", help="callers and contexts (default)")
    way.add_argument("--down", action="store_true", help="calls that lead to releases")
    way.add_argument(
        "--callers", action="store_true", help="who calls it, and where its address is taken"
    )
    parser.add_argument(
        "--to",
        metavar="CLEANUP",
        help="with --down: only ways to this release, one of those where its ways end",
    )
    parser.add_argument("--format", choices=("text", "dot", "mermaid", "json"), default="text")
    parser.add_argument("--rules", action="append", default=[], metavar="DIR")


def run(arguments: argparse.Namespace) -> int:
    """Print the tree; 2 when the file or the function cannot be found."""
    from patchlint.integrations.config import ConfigError, rule_folders
    from patchlint.patch.trees import TreeError
    from patchlint.ruleset.load import RuleError, load

    try:
        kernel = load([Path(folder) for folder in rule_folders(arguments.rules)]).kernel
        if arguments.function:
            return _file(arguments, kernel)
        if arguments.tree:
            return _tree(arguments, kernel)
    except (ConfigError, RuleError, TreeError) as problem:
        return _fail(str(problem))
    return _fail("give a C file with --function, or a function with --tree")


def _tree(arguments: argparse.Namespace, kernel: KernelFacts) -> int:
    """Callers of one function of a tree, or its ways to releases."""
    from patchlint.cli.trees import Asked
    from patchlint.graph import show
    from patchlint.graph.reach import walk

    asked = Asked(arguments.tree, kernel.macros)
    tree = asked.facts
    name = arguments.target
    found = [one.path for one in tree.definitions(name) if one.kind != "macro"]
    path = arguments.path or next(iter(found), None)
    if path is None:
        return _fail(f"{name}(): not in {arguments.tree}", asked.doubts())
    if path not in found and tree.text(path) is None:
        return _fail(f"{path}: no such file in {arguments.tree}", asked.doubts())
    told: dict[str, object] = {"path": path, "defined_in": found}
    root: Branch | None
    if arguments.callers:
        root = _callers(tree, name, path)
    elif arguments.down:
        root = show.downwards(tree, kernel, name, path, arguments.to)
        if root is None:
            return _fail(f"{name}(): no body in {arguments.tree}", asked.doubts())
        if arguments.to and not root.branches:
            # a way ends at the first release that is known, not at what that one does inside
            root.note = f"no way ends at {arguments.to}(); without --to all ends are shown"
    else:
        ways = walk.ways(tree, kernel, name, path)
        root = show.upwards(name, ways)
        told |= _contexts(ways)
        if ways.cut:
            print("patchlint: too many callers to follow all of them", file=sys.stderr)
        if ways.hubs:
            print(f"patchlint: not followed above {', '.join(ways.hubs)}", file=sys.stderr)
    asked.say()
    told["limitations"] = asked.doubts()
    if told["limitations"] and "complete" in told:
        told["complete"] = False
    _print(root, arguments, up=not arguments.down, told=told)
    return 0


def _contexts(ways: Ways) -> dict[str, object]:
    """What a program is told of the ways in which a function comes to run."""
    return {
        "known": ways.known,
        "complete": not (ways.cut or ways.hubs),
        "not_followed_above": list(ways.hubs),
        "contexts": [
            {
                "context": way.context,
                "certain": way.strength == "certain",
                "entry": way.name,
                "kind": way.kind,
                "user_space_waits": way.reaches_user,
                "chain": list(way.chain),
                "why": way.why,
            }
            for way in ways.ways
        ],
    }


def _callers(tree: TreeFacts, name: str, path: str) -> Branch:
    """Direct callers, and the places that take the address: tables, arguments, variables."""
    from patchlint.graph.show import Branch

    root = Branch(name, path)
    for site in tree.callers(name, path):
        root.branches.append(Branch(site.function or "(no function)", f"{site.path}:{site.line}"))
    for use in tree.address_taken(name, path):
        where = {
            "initializer": f"{use.variable}.{use.member} of {use.struct}".removeprefix("."),
            "argument": f"argument {use.argument + 1} of {use.callee}()",
            "assignment": use.target,
        }.get(use.kind, "a value")
        note = f"{use.path}:{use.line}, address taken: {where}"
        root.branches.append(Branch(use.function or "(no function)", note))
    return root


def _fail(message: str, doubts: Sequence[str] = ()) -> int:
    """Say in one line what is amiss, and what may be behind it; 2."""
    print(f"patchlint: {'; '.join((message, *doubts))}", file=sys.stderr)
    return 2


def _print(
    root: Branch,
    arguments: argparse.Namespace,
    *,
    up: bool,
    told: Mapping[str, object] | None = None,
) -> None:
    from patchlint.graph import show

    if arguments.format == "json":
        import json

        from msgspec import to_builtins

        value = {"function": root.name, **(told or {}), "tree": to_builtins(root)}
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
        return
    if arguments.format == "dot":
        sys.stdout.write(show.dot(root, up=up))
    elif arguments.format == "mermaid":
        sys.stdout.write(show.mermaid(root, up=up))
    else:
        sys.stdout.write(show.text(root))


def _file(arguments: argparse.Namespace, kernel: KernelFacts) -> int:
    """One function of one file: contexts, deferrals and cleanup effects."""
    from patchlint.cli import source
    from patchlint.graph.build import build
    from patchlint.syntax.facts import extract_text

    try:
        text = source.read(arguments.target)
        facts = extract_text(arguments.target, text, kernel.macros)
        source.hold(arguments.target, facts)
    except source.NoSourceError as error:
        return _fail(str(error))
    graph = build([facts], kernel)
    function = graph.find(arguments.function, arguments.target)
    if function is None:
        return _fail(f"{arguments.target}: no function {arguments.function}()")
    _print(_effects(graph, function), arguments, up=False)
    return 0


def _effects(graph: Graph, function: Function) -> Branch:
    """The function's contexts, and what its summary says is done in the end."""
    from patchlint.graph import contexts
    from patchlint.graph.show import Branch
    from patchlint.graph.summary import Summaries

    verdict = contexts.of(graph, function)
    shown = ", ".join(sorted(verdict.contexts)) or "context unknown"
    root = Branch(function.name, f"{function.path}:{function.line}, {shown}")
    for context in sorted({reason.context for reason in verdict.reasons}):
        why = next(r.why for r in verdict.reasons if r.context == context)
        root.branches.append(Branch(f"runs as {context}", why))
    for effect in Summaries(graph).of(function):
        # what nobody knows is no release; a pass on of a parameter is done by callers
        if effect.kind not in _TOLD:
            continue
        current = root
        for step in effect.chain[1:]:
            current = current.child(step.function)
        current.child(effect.name).note = _note(effect)
    return root


def _note(effect: Effect) -> str:
    from patchlint.graph.guards import said
    from patchlint.model.effect import STRUCTURAL

    note = f"{effect.known.family if effect.known else STRUCTURAL}, {effect.guarantee}"
    if effect.edge is not None:
        note += f", by {effect.edge.mechanism}()"
    if effect.wait is not None:
        note += f", waited for by {effect.wait.callee}()"
    if effect.guard:
        note += f", when {' and '.join(dict.fromkeys(map(said, effect.guard)))}"
    return note
