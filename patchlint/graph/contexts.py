"""In which context a function runs, and how that is known.

Certain knowledge comes from the images: a parameter type, a registration, a syscall
macro, an initializer of an operations table, or callers that are all known and all of
one kind.  Likely knowledge comes from names and from traces in the patch's message.
With hunks alone callers outside of the images are unknown: a function whose visible
callers are deferred is *likely* deferred, never certainly.  That errs towards a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from patchlint.graph.build import Graph
    from patchlint.model.context import Context
    from patchlint.model.facts import Function

Strength = Literal["certain", "likely"]

_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Reason:
    """``context`` of a function, how sure, and why (one clause, with file and line)."""

    context: Context
    strength: Strength
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is known of one function.  ``reasons`` is empty for an unknown context."""

    reasons: tuple[Reason, ...]

    @property
    def contexts(self) -> frozenset[Context]:
        """The contexts that are certain, else those that are likely."""
        certain = {r.context for r in self.reasons if r.strength == "certain"}
        return frozenset(certain or {r.context for r in self.reasons})

    @property
    def task(self) -> bool:
        """Whether some reason shows a task."""
        return any(r.context == "task" for r in self.reasons)

    @property
    def deferred(self) -> Strength | None:
        """``certain`` or ``likely`` when everything known says deferred, else None."""
        if not self.reasons or self.task:
            return None
        if any(r.strength == "certain" for r in self.reasons):
            return "certain"
        return "likely"

    @property
    def mixed(self) -> bool:
        """Whether both a task and a deferred context are shown."""
        return self.task and any(r.context != "task" for r in self.reasons)


def of(graph: Graph, function: Function, message: str = "") -> Verdict:
    """What the images (and the patch's message) show of ``function``'s context."""
    own = _own(graph, function)
    if any(r.strength == "certain" for r in own):
        return Verdict(tuple(own))
    above = _from_callers(graph, function, _DEPTH, {(function.path, function.name)})
    reasons = [*own, *above]
    if not reasons and message:
        reasons = from_message(graph, function, message)
    return Verdict(tuple(dict.fromkeys(reasons)))


def _own(graph: Graph, function: Function) -> list[Reason]:
    reasons: list[Reason] = []
    if function.entry is not None:
        reasons.append(Reason("task", "certain", f"{function.name}() is a system call"))
    signature = ", ".join(f"{p.type} {p.name}" for p in function.parameters)
    for hint in graph.kernel.hints:
        if (hint.kind == "parameter" and hint.pattern.search(signature)) or (
            hint.kind == "returns" and hint.pattern.search(function.returns)
        ):
            reasons.append(Reason(hint.context, hint.strength, f"{function.name}(): {hint.why}"))
    for binding in graph.bindings:
        context = binding.registration.context
        if binding.callback == function.name and context is not None:
            reasons.append(Reason(
                context, "certain",
                f"{function.name}() is bound by {binding.registration.name}() "
                f"at {binding.path}:{binding.line}"))
    for deferral in graph.deferrals:
        if deferral.callback == function.name and not deferral.handoff:
            reasons.append(Reason(
                deferral.context, "certain",
                f"{function.name}() is started by {deferral.mechanism}() "
                f"at {deferral.function.path}:{deferral.line}"))
    if any(r.strength == "certain" for r in reasons):
        return reasons
    for path, entry in graph.initializers:
        if entry.value.lstrip("&") != function.name:
            continue
        reasons.extend(
            Reason(context, "certain",
                   f"{function.name}() is .{entry.member} of {entry.struct} at {path}:{entry.line}")
            for known in graph.kernel.entries
            if known.member == entry.member and known.struct
            and known.struct in entry.struct
            for context in known.contexts
        )
    if not reasons:
        reasons.extend(
            Reason(hint.context, hint.strength, f"{function.name}(): {hint.why}")
            for hint in graph.kernel.hints
            if hint.kind == "name" and hint.pattern.search(function.name)
        )
    return reasons


def _from_callers(
    graph: Graph, function: Function, depth: int, seen: set[tuple[str, str]]
) -> list[Reason]:
    if depth == 0:
        return []
    reasons: list[Reason] = []
    for caller, call in graph.callers_of(function):
        key = (caller.path, caller.name)
        if key in seen:
            continue
        seen.add(key)
        found = _own(graph, caller) or _from_callers(graph, caller, depth - 1, seen)
        reasons.extend(
            Reason(r.context, "likely",
                   f"called by {caller.name}() at {caller.path}:{call.line}; {r.why}")
            for r in found
        )
    return reasons


def from_message(graph: Graph, function: Function, message: str) -> list[Reason]:
    """Contexts that a trace or a sentence of the message ties to ``function``.

    A line that tells a context and a line that names the function count together when
    they stand in one block (trace or paragraph).  Errs both ways; never certain.
    """
    if function.name not in message:
        return []
    reasons = []
    for block in message.split("\n\n"):
        if function.name not in block:
            continue
        for hint in graph.kernel.hints:
            if hint.kind == "trace" and hint.pattern.search(block):
                reasons.append(Reason(hint.context, "likely",
                                      f"the message shows {function.name}() there: {hint.why}"))
    return reasons
