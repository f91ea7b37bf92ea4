"""Call trees for people: upwards to entry points, downwards to releases.

Text, Graphviz dot, and mermaid from one small tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.graph.derive import Definitions
    from patchlint.graph.reach.way import Ways
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

_DEPTH: Final = 5
_MOST: Final = 200


class Branch(Struct):
    """One function with a note, and what lies beyond it."""

    name: str
    note: str = ""
    branches: list[Branch] = field(default_factory=list)

    def child(self, name: str) -> Branch:
        """The branch of that name, made when there is none."""
        for branch in self.branches:
            if branch.name == name:
                return branch
        made = Branch(name)
        self.branches.append(made)
        return made


def upwards(name: str, ways: Ways) -> Branch:
    """Callers of ``name`` up to the entry points, each of those with its context."""
    root = Branch(name)
    for way in ways.ways:
        current = root
        for function in reversed(way.chain[:-1]):
            current = current.child(function)
        said = f"{way.context}: {way.kind}" if way.kind != "callback" else way.context
        if way.strength != "certain":
            said += " (likely)"
        if said not in current.note:
            current.note = f"{current.note}; {said}" if current.note else said
    return root


def downwards(
    tree: Definitions, kernel: KernelFacts, name: str, path: str | None, to: str | None = None
) -> Branch | None:
    """Calls of ``name`` that lead to releases (or to ``to`` only), None when unknown."""
    start = tree.definition(name, path)
    if start is None:
        return None
    root = _down(_Descent(tree, kernel, to, {(start.path, start.name)}), start, _DEPTH)
    return root or Branch(name, "releases nothing that is known")


class _Descent(Struct, frozen=True):
    """What a walk down asks, and where it has been."""

    tree: Definitions
    kernel: KernelFacts
    to: str | None
    seen: set[tuple[str, str]]


def _down(descent: _Descent, function: Function, depth: int) -> Branch | None:
    kernel, to, seen = descent.kernel, descent.to, descent.seen
    branch = Branch(function.name, f"{function.path}:{function.line}")
    for call in function.calls:
        known = kernel.cleanups.get(call.callee)
        if known is not None and (to is None or call.callee == to):
            leaf = branch.child(call.callee)
            leaf.note = f"{known.family}, {known.task} in a task, {known.deferred} elsewhere"
            continue
        started = kernel.activations.get(call.callee)
        if started is not None and to is None:
            branch.child(f"{call.callee}({', '.join(call.args)})").note = f"-> {started.context}"
            continue
        if depth <= 1 or len(seen) >= _MOST or not _follow(kernel, call):
            continue
        inner = descent.tree.definition(call.callee, function.path)
        if inner is None or (inner.path, inner.name) in seen:
            continue
        seen.add((inner.path, inner.name))
        below = _down(descent, inner, depth - 1)
        if below is not None:
            branch.branches.append(below)
    return branch if branch.branches else None


def _follow(kernel: KernelFacts, call: Call) -> bool:
    return not (
        call.indirect
        or call.callee.isupper()
        or call.callee in kernel.cleanups
        or call.callee in kernel.registrations
        or call.callee in kernel.waits
    )


def text(root: Branch) -> str:
    """The tree, one function a line."""
    lines = [_line(root)]
    lines.extend(_lines(root, ""))
    return "\n".join(lines) + "\n"


def _line(branch: Branch) -> str:
    return f"{branch.name}  [{branch.note}]" if branch.note else branch.name


def _lines(branch: Branch, indent: str) -> Iterator[str]:
    for place, child in enumerate(branch.branches):
        last = place == len(branch.branches) - 1
        yield f"{indent}{'└─ ' if last else '├─ '}{_line(child)}"
        yield from _lines(child, indent + ("   " if last else "│  "))


def dot(root: Branch, *, up: bool) -> str:
    """The tree for Graphviz; arrows go from caller to callee."""
    lines = ["digraph patchlint {", "  rankdir=LR;", "  node [shape=box];"]
    for parent, child in _edges(root):
        caller, callee = (child, parent) if up else (parent, child)
        lines.append(f'  "{_plain(caller.name)}" -> "{_plain(callee.name)}";')
    lines += [
        f'  "{_plain(branch.name)}" [tooltip="{_plain(branch.note)}"];'
        for branch in _all(root)
        if branch.note
    ]
    return "\n".join([*dict.fromkeys(lines), "}"]) + "\n"


def mermaid(root: Branch, *, up: bool) -> str:
    """The tree for mermaid; arrows go from caller to callee."""
    numbers: dict[str, str] = {}
    lines = ["flowchart LR"]
    for branch in _all(root):
        if branch.name not in numbers:
            numbers[branch.name] = f"f{len(numbers)}"
            lines.append(f'  {numbers[branch.name]}["{_plain(_line(branch))}"]')
    for parent, child in _edges(root):
        caller, callee = (child, parent) if up else (parent, child)
        lines.append(f"  {numbers[caller.name]} --> {numbers[callee.name]}")
    return "\n".join(dict.fromkeys(lines)) + "\n"


def _plain(said: str) -> str:
    return said.replace("\\", "").replace('"', "'").replace("\n", " ")


def _all(root: Branch) -> Iterator[Branch]:
    yield root
    for child in root.branches:
        yield from _all(child)


def _edges(root: Branch) -> Iterator[tuple[Branch, Branch]]:
    for child in root.branches:
        yield root, child
        yield from _edges(child)
