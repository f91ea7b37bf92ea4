"""In which context a function runs, and how that is known.

Certain knowledge comes from the images: a parameter type, a registration, a syscall
macro, an initializer of an operations table, or callers that are all known and all of
one kind.  Likely knowledge comes from names and from traces in the patch's message.
With hunks alone callers outside of the images are unknown: a function whose visible
callers are deferred is *likely* deferred, never certainly.  That errs towards a finding.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from patchlint.model.context import DEFERRED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from patchlint.graph.build import Graph
    from patchlint.model.context import Context
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import ContextHint, EntryPoint, KernelFacts

Strength = Literal["certain", "likely"]

_DEPTH: Final = 4
#: contexts that must not sleep
_ATOMIC: Final[frozenset[Context]] = frozenset({"rcu-callback", "softirq", "hardirq"})
_FRAME: Final = re.compile(r"\b\w+\+0x[0-9a-f]+/0x[0-9a-f]+")
_FRAME_NAME: Final = re.compile(r"\b(\w+)\+0x")
_WORD: Final = re.compile(r"\w+")
_SENTENCE: Final = re.compile(r"(?<=[.!?:;])\s+")
#: a member's name shorter than this is too common to tell a function by
_TELLING_MEMBER: Final = 9


class Reason(Struct, frozen=True):
    """``context`` of a function, how sure, and why (one clause, with file and line).

    ``traced``: a trace through a worker shows it, which is one way of perhaps many.
    """

    context: Context
    strength: Strength
    why: str
    traced: bool = False


class Verdict(Struct, frozen=True):
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


def of(
    graph: Graph,
    function: Function,
    message: str = "",
    titles: Sequence[str] = (),
    loses: Callable[[Function, Call], bool] | None = None,
) -> Verdict:
    """What the images (and the patch's message) show of ``function``'s context.

    ``titles`` are the subjects of the patches that touch its file.  ``loses`` tells of a
    caller with its call whether it is on the path at issue at all.
    """
    own = _own(graph, function)
    if any(r.strength == "certain" for r in own):
        return Verdict(tuple(own))
    seen = {(function.path, function.name)}
    above = _from_callers(graph, function, _DEPTH, seen, loses, message)
    reasons = [*own, *above]
    if not reasons:
        reasons = spoken(graph, function, message, titles)
    return Verdict(tuple(dict.fromkeys(reasons)))


def by_itself(graph: Graph, function: Function) -> Verdict:
    """What shows of ``function`` itself, whoever calls it: its signature, start, slot or name."""
    return Verdict(tuple(_own(graph, function)))


def certainly_deferred(graph: Graph, function: Function) -> bool:
    """Whether signature, registration, start or table show that no task waits for ``function``."""
    reasons = [
        *_by_signature(graph, function),
        *_by_start(graph, function),
        *_by_table(graph, function),
    ]
    certain = [reason for reason in reasons if reason.strength == "certain"]
    return bool(certain) and all(reason.context in DEFERRED for reason in certain)


def named_deferred(graph: Graph, function: Function) -> bool:
    """Whether the name says that it runs deferred, where no line shows what it is given.

    A hunk's heading has the first line of a header alone.  Errs towards a finding too many.
    """
    if function.parameters or function.complete:
        return False
    reasons = _own(graph, function)
    return bool(reasons) and all(reason.context in DEFERRED for reason in reasons)


def _by_name(graph: Graph, function: Function) -> list[Reason]:
    return [
        Reason(hint.context, hint.strength, f"{function.name}(): {hint.why}")
        for hint in graph.kernel.hints
        if hint.kind == "name" and hint.pattern.search(function.name)
    ]


def _own(graph: Graph, function: Function) -> list[Reason]:
    """What shows of the function itself, the surest kind of evidence first."""
    certain = [*_by_signature(graph, function), *_by_start(graph, function)]
    if any(reason.strength == "certain" for reason in certain):
        return certain
    reasons = [*certain, *_by_table(graph, function)]
    if not reasons:
        reasons = _by_name(graph, function)
    return reasons or _named_like_member(graph, function)


def _by_signature(graph: Graph, function: Function) -> list[Reason]:
    """A system call, or a parameter or return type that only some contexts have."""
    signature = ", ".join(f"{p.type} {p.name}" for p in function.parameters)
    reasons = [
        Reason(hint.context, hint.strength, f"{function.name}(): {hint.why}")
        for hint in graph.kernel.hints
        if (hint.kind == "parameter" and hint.pattern.search(signature))
        or (hint.kind == "returns" and hint.pattern.search(function.returns))
    ]
    if function.entry is not None:
        reasons.insert(0, Reason("task", "certain", f"{function.name}() is a system call"))
    return reasons


def _by_start(graph: Graph, function: Function) -> list[Reason]:
    """A registration that binds the function, or an activation that starts it."""
    bound = [
        Reason(
            binding.registration.context,
            "certain",
            f"{function.name}() is bound by {binding.registration.name}() "
            f"at {binding.path}:{binding.line}",
        )
        for binding in graph.bindings_of(function.name)
        if binding.registration.context is not None
        and graph.find(binding.callback, binding.path) is function
    ]
    started = [
        Reason(
            deferral.context,
            "certain",
            f"{function.name}() is started by {deferral.mechanism}() "
            f"at {deferral.function.path}:{deferral.line}",
        )
        for deferral in graph.runs_of(function)
        if not deferral.handoff
    ]
    return bound + started


def _by_table(graph: Graph, function: Function) -> list[Reason]:
    """Operations tables that hold the function."""
    return [
        reason
        for path, entry, known in graph.operations_of(function.name)
        for reason in _of_entry(
            known,
            f"{function.name}() is .{entry.member} of {entry.struct} at {path}:{entry.line}",
        )
    ]


def _of_entry(known: EntryPoint, where: str) -> list[Reason]:
    """What a member of an operations table tells.

    One that user space waits for shows a task, whoever else calls it.  A completion, which
    also runs where it must not sleep, shows that.  A release runs wherever the last put is,
    kernel threads included, and tells nothing.
    """
    if known.reaches_user:
        return [Reason("task", "certain", where)]
    atomic = [context for context in known.contexts if context in _ATOMIC]
    if atomic and "kthread" not in known.contexts and len(known.contexts) > len(atomic):
        return [Reason(atomic[0], "likely", where)]
    if len(set(known.contexts)) > 1 and "task" in known.contexts:
        return []
    return [Reason(context, "certain", where) for context in known.contexts]


def _named_like_member(graph: Graph, function: Function) -> list[Reason]:
    """``foo_css_offline`` is most likely bound to the member ``css_offline``.

    Only members with a long name whose callers are all of one kind tell something.  That a task
    ran it nobody has to be told: what is unknown counts as one, and is no surer by a name.
    """
    return [
        Reason(
            entry.contexts[0],
            "likely",
            f"{function.name}() is named like .{entry.member} of struct {entry.struct}",
        )
        for entry in graph.rows_like(function.name)
        if len(entry.member) >= _TELLING_MEMBER
        and len(set(entry.contexts)) == 1
        and entry.contexts[0] != "task"
    ]


def _from_callers(
    graph: Graph,
    function: Function,
    depth: int,
    seen: set[tuple[str, str]],
    loses: Callable[[Function, Call], bool] | None = None,
    message: str = "",
) -> list[Reason]:
    """What shows of the callers that images have, and what the message tells of them."""
    if depth == 0:
        return []
    reasons: list[Reason] = []
    for caller, call in graph.callers_of(function):
        key = (caller.path, caller.name)
        if key in seen or (loses is not None and not loses(caller, call)):
            continue
        seen.add(key)
        found = (
            _own(graph, caller)
            or _from_callers(graph, caller, depth - 1, seen, None, message)
            or from_message(graph, caller, message)
        )
        if not function.static:
            # callers that no image shows may be tasks: deferred ones tell nothing of them
            found = [reason for reason in found if reason.context == "task"]
        reasons.extend(
            Reason(
                r.context,
                "likely",
                f"called by {caller.name}() at {caller.path}:{call.line}; {r.why}",
                traced=r.traced,
            )
            for r in found
        )
    return reasons


def spoken(graph: Graph, function: Function, message: str, titles: Sequence[str]) -> list[Reason]:
    """What the patches themselves say of ``function``'s context: subject, traces, prose."""
    return [*_from_titles(graph, titles), *from_message(graph, function, message)]


def telling(
    kernel: KernelFacts, titles: Iterable[tuple[str, frozenset[str]]]
) -> tuple[tuple[str, frozenset[str]], ...]:
    """The titles, each with the files that it is of, that say more than those before them."""
    known: dict[str, set[str]] = {}
    found = []
    for title, paths in titles:
        said = {hint.why for hint in _hints_in(kernel, title)}
        new = frozenset(path for path in paths if said - known.get(path, set())) if said else ()
        if new:
            found.append((title, frozenset(new)))
            for path in new:
                known.setdefault(path, set()).update(said)
    return tuple(found)


def _from_titles(graph: Graph, titles: Sequence[str]) -> list[Reason]:
    """A subject that speaks of a context that must not sleep says why the patch is there."""
    return [
        Reason(hint.context, "likely", hint.why.replace("the message", "the subject", 1))
        for title in titles
        for hint in _hints_in(graph.kernel, title)
    ]


def _hints_in(kernel: KernelFacts, title: str) -> list[ContextHint]:
    return [
        hint
        for hint in kernel.hints
        if hint.kind == "trace" and hint.context in _ATOMIC and hint.pattern.search(title)
    ]


def from_message(graph: Graph, function: Function, message: str) -> list[Reason]:
    """Contexts that a call trace or a sentence of the message ties to ``function``.

    In a trace the function must stand above the frame that tells (innermost first).  One
    through a worker shows one caller, not all, but it is the one that the patch is about:
    seven in nine findings on such functions were told of what a worker did before.  In
    prose both must stand in one sentence.  Never certain.
    """
    if function.name not in message:
        return []
    hints = [hint for hint in graph.kernel.hints if hint.kind == "trace"]
    frames, sentences, standing = _told(message)
    reasons: list[Reason] = []
    for place in standing.get(f"{function.name}+0x", ()):
        outer = _outer_frames(frames, place)
        reasons.extend(
            Reason(
                hint.context,
                "likely",
                f"{hint.why}, with {function.name}() on top of it",
                traced=hint.context not in _ATOMIC,
            )
            for hint in hints
            if any(hint.pattern.search(one) for one in outer)
        )
    for place in standing.get(function.name, ()):
        reasons.extend(
            Reason(hint.context, "likely", f"{hint.why}, in a sentence on {function.name}()")
            for hint in hints
            if hint.pattern.search(sentences[place])
        )
    return reasons


@lru_cache(maxsize=4)
def _told(message: str) -> tuple[list[str], list[str], dict[str, list[int]]]:
    """The frames of a message, its sentences, and where in them each word stands.

    A word is found among the sentences, with ``+0x`` behind it among the frames.
    """
    frames = [line for line in message.splitlines() if _FRAME.search(line)]
    prose = " ".join(line for line in message.splitlines() if not _FRAME.search(line))
    sentences = _SENTENCE.split(prose)
    standing: dict[str, list[int]] = {}
    for place, line in enumerate(frames):
        for word in dict.fromkeys(_FRAME_NAME.findall(line)):
            standing.setdefault(f"{word}+0x", []).append(place)
    for place, sentence in enumerate(sentences):
        for word in dict.fromkeys(_WORD.findall(sentence)):
            standing.setdefault(word, []).append(place)
    return frames, sentences, standing


def _outer_frames(frames: list[str], place: int) -> list[str]:
    """The frames below ``place`` of the same trace, at most thirty."""
    return frames[place + 1 : place + 30]
