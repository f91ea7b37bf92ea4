"""Cleanup effects: what a function releases when it is called, and by when.

Effects run bottom-up over call edges, are lowered along deferral edges, and stop at a
function that the tables know: its row says what it does.  A call to a function that no
table and no image knows, but that is named like a teardown, is a *structural* effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from patchlint.model.context import GUARANTEES
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from patchlint.graph.build import Deferral, Graph
    from patchlint.model.context import Guarantee
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import Cleanup, KernelFacts

STRUCTURAL: Final = "structural"
_DEPTH: Final = 6
_MOST: Final = 400


class Effect(Struct, frozen=True):
    """One release reached from a function.

    ``root`` is the call in that function on the way to it, ``site`` the call that
    releases, in ``where``.  ``deferral`` is the edge that lowered it, None when inline.
    ``chain`` leads from the function to the site.
    """

    cleanup: str
    family: str
    known: Cleanup | None
    guarantee: Guarantee
    root: Call
    site: Call
    where: Function
    chain: tuple[Step, ...]
    deferral: Deferral | None = None
    #: the calls between root and site
    between: tuple[Call, ...] = ()

    @property
    def visible(self) -> bool:
        """Whether user space can see that the release is late."""
        return self.known.visible if self.known else True

    @property
    def memory(self) -> bool:
        """Whether only memory is freed."""
        return self.known is not None and self.known.kind == "memory"

    @property
    def asynchronous(self) -> bool:
        """Whether the release defers itself in any context, so that moving it is free."""
        return self.known is not None and self.known.kind == "async"

    @property
    def context_bound(self) -> bool:
        """Whether the release itself defers when it runs outside of a task."""
        return (
            self.known is not None
            and self.known.kind in ("ctx", "wrap")
            and (self.known.deferred != self.known.task)
        )


class Effects:
    """Effects of the functions of one graph, computed once each."""

    def __init__(self, graph: Graph, derived: dict[str, Cleanup] | None = None) -> None:
        self.graph = graph
        #: cleanups that a whole tree adds to the tables
        self.derived = derived or {}
        self._known: dict[tuple[str, str, int], tuple[Effect, ...]] = {}

    def inline(self, function: Function) -> tuple[Effect, ...]:
        """Releases done within the call or before its task is back in user space."""
        return self._of(function, _DEPTH, frozenset())

    def _of(
        self, function: Function, depth: int, above: frozenset[tuple[str, str]]
    ) -> tuple[Effect, ...]:
        key = (function.path, function.name)
        if depth == 0 or key in above:
            return ()
        if (*key, depth) in self._known:
            return self._known[*key, depth]
        found: dict[tuple[str, int], Effect] = {}
        for call in function.calls:
            for effect in self._of_call(function, call, depth, above | {key}):
                found.setdefault((effect.cleanup, call.line), effect)
                if len(found) >= _MOST:
                    break
        for deferral in self.graph.deferrals_of(function):
            if deferral.keeps or deferral.waits:
                for effect in self.behind(deferral, depth, above | {key}):
                    found.setdefault((effect.cleanup, deferral.line), effect)
        result = tuple(found.values())
        # inside a cycle this holds what was seen on the way in: errs towards a missed effect
        self._known[*key, depth] = result
        return result

    def _of_call(
        self, function: Function, call: Call, depth: int, above: frozenset[tuple[str, str]]
    ) -> list[Effect]:
        kernel = self.graph.kernel
        known = kernel.cleanups.get(call.callee) or self.derived.get(call.callee)
        if known is not None and known.kind == "inherit":
            return self._inherited(function, call, known, depth, above)
        if known is not None:
            direct = _site(function, call, call.callee, known)
            return [direct, *self._within(function, call, known, depth, above)]
        if call.callee in kernel.registrations or call.callee in kernel.activations:
            return []
        inner = None if call.indirect else self.graph.find(call.callee, function.path)
        found = []
        if inner is not None and inner != function:
            found = [
                self._through(function, call, effect)
                for effect in self._of(inner, depth - 1, above)
            ]
            if inner.complete and not found:
                return []
            if inner.complete and all(e.memory or e.asynchronous for e in found):
                return found
        if self._looks_like_teardown(call):
            found.append(_site(function, call, call.callee, None))
        return found

    def _within(
        self,
        function: Function,
        call: Call,
        known: Cleanup,
        depth: int,
        above: frozenset[tuple[str, str]],
    ) -> list[Effect]:
        """Releases inside a known one whose body the images show: it may be new or moved.

        One that branches on the context, or defers itself, is taken at its row's word.
        """
        inner = self.graph.find(call.callee, function.path)
        if inner is None or inner == function or known.kind not in ("sync", "wrap"):
            return []
        return [self._through(function, call, e) for e in self._of(inner, depth - 1, above)]

    def _inherited(
        self,
        function: Function,
        call: Call,
        known: Cleanup,
        depth: int,
        above: frozenset[tuple[str, str]],
    ) -> list[Effect]:
        """``kref_put(&x->ref, release)``: the release runs here when this is the last put."""
        index = known.callback_arg
        text = (
            call.args[index].strip().lstrip("&")
            if (index is not None and index < len(call.args))
            else ""
        )
        inner = self.graph.find(text, function.path) if text.isidentifier() else None
        found: list[Effect] = []
        if inner is not None and inner != function:
            found = [self._through(function, call, e) for e in self._of(inner, depth - 1, above)]
            if inner.complete and found and all(e.memory or e.asynchronous for e in found):
                return found
        if text.isidentifier() and text != "NULL":
            found.append(_site(function, call, text, None))
        return found

    def _looks_like_teardown(self, call: Call) -> bool:
        kernel = self.graph.kernel
        name = call.callee
        return (
            name not in kernel.waits
            and name not in kernel.list_adds
            and name not in kernel.list_drains
            and name not in kernel.refcount_puts
            and name not in kernel.twins
            and named_teardown(kernel, name)
        )

    def _through(self, function: Function, call: Call, effect: Effect) -> Effect:
        step = Step(function.name, function.path, call.line, f"calls {call.callee}()")
        return Effect(
            effect.cleanup,
            effect.family,
            effect.known,
            effect.guarantee,
            call,
            effect.site,
            effect.where,
            (step, *effect.chain),
            effect.deferral,
            (effect.root, *effect.between),
        )

    def behind(
        self,
        deferral: Deferral,
        depth: int = _DEPTH,
        above: frozenset[tuple[str, str]] = frozenset(),
    ) -> list[Effect]:
        """What the callback of ``deferral`` releases, lowered to what the edge is worth.

        A callback that defers again adds its hop; ``Effect.deferral`` is then the last one.
        """
        callback = self.graph.find(deferral.callback, deferral.function.path)
        if callback is None or depth <= 0 or (callback.path, callback.name) in above:
            return []
        step = Step(
            deferral.function.name,
            deferral.function.path,
            deferral.line,
            f"{deferral.mechanism}() runs {callback.name}()",
        )
        inside = above | {(callback.path, callback.name)}
        found = [
            self._lowered(deferral, effect, deferral, step)
            for effect in self._of(callback, depth - 1, above)
        ]
        for again in self.graph.deferrals_of(callback):
            if not (again.keeps or again.waits):
                found.extend(
                    self._lowered(deferral, effect, effect.deferral or again, step)
                    for effect in self.behind(again, depth - 1, inside)
                )
        return found

    def _lowered(self, first: Deferral, effect: Effect, last: Deferral, step: Step) -> Effect:
        own = effect.guarantee
        if not first.keeps and effect.known is not None and effect.known.kind in ("ctx", "wrap"):
            own = effect.known.deferred
        return replace(
            effect,
            guarantee=max(own, first.guarantee, key=GUARANTEES.index),
            root=first.call,
            chain=(step, *effect.chain),
            deferral=last,
            between=(),
        )


def named_teardown(kernel: KernelFacts, name: str) -> bool:
    """Whether a function is named like one that releases something that lasts."""
    return kernel.teardown.search(name) is not None and kernel.not_teardown.search(name) is None


def _site(function: Function, call: Call, name: str, known: Cleanup | None) -> Effect:
    """The effect of a call that releases: by its row, or by its name alone."""
    step = Step(function.name, function.path, call.line, f"{call.callee}()")
    family = known.family if known else STRUCTURAL
    guarantee: Guarantee = known.task if known else "before-call-returns"
    return Effect(name, family, known, guarantee, call, call, function, (step,))
