"""Leaves: what a function does itself, without the bodies that it calls.

Tables say what a body that nobody has would do.  What is not seen is an effect of its own: a
call that no table knows or that goes through a pointer, and lines that no hunk shows.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from patchlint.graph import guards
from patchlint.graph.bindings import argument, given_function
from patchlint.graph.build import Deferral
from patchlint.graph.effect import Effect, class_of
from patchlint.model.effect import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from patchlint.graph.build import Graph
    from patchlint.graph.effect import Class, Key
    from patchlint.graph.terms import Terms
    from patchlint.model.facts import Call, Function, Store
    from patchlint.model.kernel import Cleanup, KernelFacts

#: a text that is made to be printed
_MESSAGE: Final = re.compile(r'^"(?:[^"\\]|\\.)*(?:%|\\n)')
#: calls in calls below a helper in which its deferral may be seen
_BELOW: Final = 3
_MEMBERS: Final = re.compile(r"[A-Za-z_]\w*")


class Leaves:
    """The leaves of the functions of one side, each made once.

    ``derived`` are rows that a whole tree adds.  ``changed`` are functions whose bodies the
    series changes: their rows say no longer what they do.  ``placed`` gives where a line stood
    before the series, so that a gap is the same one on both sides.
    """

    def __init__(
        self,
        graph: Graph,
        terms: Terms,
        derived: Mapping[str, Cleanup],
        changed: Collection[tuple[str, str]] = frozenset(),
        placed: Callable[[str, int], tuple[str, int]] | None = None,
    ) -> None:
        self._graph = graph
        self._kernel = graph.kernel
        self._terms = terms
        self._derived = derived
        self._changed = changed
        self._placed = placed or (lambda path, line: (path, line))
        self._made: dict[int, tuple[Effect, ...]] = {}

    def of(self, function: Function) -> tuple[Effect, ...]:
        """What ``function`` does itself, without the bodies that it calls."""
        known = self._made.get(id(function))
        if known is None:
            known = self._made[id(function)] = tuple(self._own(function))
        return known

    def at(
        self,
        function: Function,
        call: Call,
        key: Key,
        kind: Class,
        known: Cleanup | None,
        *,
        last_reference: bool = False,
    ) -> Effect:
        """What one call in ``function`` does by itself, under the tests above it."""
        guard = self._terms.guard(function, call.conditions)
        if last_reference:
            asked = guards.last_reference(call.callee, function.path, call.line)
            guard = (*guard, asked)
        return Effect(
            key,
            kind,
            known,
            known.task if known else "before-call-returns",
            guard,
            call.args,
            call,
            call,
            function,
            call.line,
            (
                Step(
                    function.name,
                    function.path,
                    call.line,
                    f"{call.callee}() runs {key[1]}() at the last reference"
                    if last_reference
                    else f"{'->' if kind == 'indirect' else ''}{call.callee}()",
                ),
            ),
            put=call.callee if last_reference else "",
        )

    def behind(
        self, function: Function, edge: Deferral, name: str, unknown: Class, runs: str = ""
    ) -> Effect:
        """What an edge runs that nobody shows, as one call of ``name`` there.

        ``unknown`` is what the call is when no table has it, ``runs`` the callback that makes it.
        """
        known = self._kernel.cleanups.get(name)
        kind = class_of(known) if known else unknown
        effect = self.at(function, edge.call, ("call", name), kind, known)
        return replace(
            effect,
            guarantee=edge.guarantee,
            edge=edge,
            last=edge,
            chain=(edge.step(f"{runs or name}()"),),
            site=None,
            outer=len(effect.guard),
            inner=len(effect.guard),
        )

    def run(self, function: Function, edge: Deferral, name: str) -> Effect:
        """What an edge runs that no image shows, by its name alone."""
        return self.behind(
            function, edge, name, "named" if named_teardown(self._kernel, name) else "opaque"
        )

    def _own(self, function: Function) -> Iterator[Effect]:
        away = taken(self._kernel, function)
        for call in function.calls:
            if call.implicit and call.args[:1] and call.args[0] in away:
                # handed on by no_free_ptr() and the like: the end of the scope frees nothing
                continue
            yield from self._leaf(function, call)
        for store in function.stores:
            effect = self._store(function, store)
            if effect is not None:
                yield effect
        yield from self._gaps(function)

    def _leaf(self, function: Function, call: Call) -> Iterator[Effect]:
        """The effect of one call by itself: by its row, by its name, or as what it is."""
        kernel, name = self._kernel, call.callee
        if call.indirect:
            place = function.place_of(name)
            key: Key = ("icall", name) if place is None else ("param", str(place))
            kind: Class = "named" if named_teardown(kernel, name) else "indirect"
            yield self.at(function, call, key, kind, None)
            return
        if name in kernel.gives_number or name in kernel.clears or name in kernel.lowers:
            yield from self._given_back(function, call) or self._changed_word(function, call)
            return
        if name in kernel.twins:
            if not self._tells_of_deferral(self._graph.find(name, function.path)):
                yield self._twin(function, call, kernel.twins[name].direct)
            return
        known = kernel.cleanups.get(name) or self._derived.get(name)
        if known is not None and known.kind == "inherit":
            yield from self._given(function, call, known)
        elif known is not None:
            body = self._graph.find(name, function.path)
            if body is None or body.path.endswith(".h") or not self._changes(body):
                yield self.at(function, call, ("call", name), class_of(known), known)
        elif not is_mechanism(kernel, name):
            yield from self._unknown(function, call)

    def _changed_word(self, function: Function, call: Call) -> Iterator[Effect]:
        """A bit that is cleared, a counter against a limit that is lowered: others see both."""
        clears, lowers = self._kernel.clears, self._kernel.lowers
        if call.callee in clears:
            bit = argument(call, clears[call.callee])
            if bit is not None and bit.isupper():
                yield self.at(function, call, ("bit", bit), "store", None)
            return
        row = _share(self._kernel, argument(call, lowers.get(call.callee)))
        if row is not None:
            yield self.at(function, call, ("share", row.name), "row", row)

    def _given_back(self, function: Function, call: Call) -> list[Effect]:
        """The sets of numbers that get one back."""
        pools = self._pools(function, call)
        return [self.at(function, call, ("number", pool), "store", None) for pool in pools]

    def _pools(self, function: Function, call: Call) -> list[str]:
        """The sets of numbers into which a call gives one back and of which somebody takes.

        By its last name, and by who takes of one of that name in what is shown: a set that is only
        searched hands out nothing.  Errs towards another struct's set of that name.
        """
        text = argument(call, self._kernel.gives_number.get(call.callee))
        return sorted(_sets_named(function, text) & self._taken_of)

    @cached_property
    def _taken_of(self) -> frozenset[str]:
        """The last names of the sets of numbers of which what is shown takes one."""
        takes = self._kernel.takes_number
        return frozenset().union(
            *(
                _sets_named(function, argument(call, takes[call.callee]))
                for function in self._graph.functions.values()
                for call in function.calls
                if call.callee in takes
            )
        )

    def _tells_of_deferral(self, body: Function | None) -> bool:
        """Whether a helper that the tables know for deferring shows by itself what it does.

        One that the series changes does.  Of others the deferral may be in what nobody shows,
        below a pointer or in another file: the row speaks until something that it calls defers
        what is shown as well.
        """
        graph = self._graph
        return body is not None and (
            self._changes(body)
            or any(
                graph.run_by(edge) is not None
                for one in graph.reach(body, _BELOW)
                for edge in graph.deferrals_of(one)
            )
        )

    def _given(self, function: Function, call: Call, known: Cleanup) -> Iterator[Effect]:
        """A release given to ``kref_put()`` and its like, as far as its body is not shown."""
        text = given_function(call, known.callback_arg)
        inner = self._graph.find(text, function.path) if text else None
        if text and (inner is None or not inner.complete):
            row = self._kernel.cleanups.get(text) or self._derived.get(text)
            kind: Class = class_of(row) if row else "named"
            yield self.at(function, call, ("call", text), kind, row, last_reference=True)

    def _unknown(self, function: Function, call: Call) -> Iterator[Effect]:
        """A call that no table knows: by its name, or as something that nobody shows."""
        name = call.callee
        body = self._graph.find(name, function.path)
        if body is not None and body.complete:
            return
        if named_teardown(self._kernel, name):
            yield self.at(function, call, ("call", name), "named", None)
        elif (
            body is None
            and call.statement
            and self._kernel.harmless.search(name) is None
            and not name.isupper()
            and not any(_MESSAGE.match(text) for text in call.args)
        ):
            yield self.at(function, call, ("call", name), "opaque", None)

    def _changes(self, body: Function) -> bool:
        """Whether the series changes a body, so that its row says no longer what it does."""
        return (body.path, body.name) in self._changed

    def _twin(self, function: Function, call: Call, direct: str) -> Effect:
        """A helper of the tables that does later what ``direct`` does now."""
        twin = self._kernel.twins[call.callee]
        edge = Deferral(
            function,
            call,
            call.callee,
            twin.runs_in,
            twin.context,
            twin.guarantee,
            None,
            None,
            keeps=False,
            waits=False,
        )
        return self.behind(function, edge, direct, "named", twin.runs_in)

    def _store(self, function: Function, store: Store) -> Effect | None:
        """A write that others can see; what is counted or kept for later is none."""
        if store.op in ("--", "-="):
            return self._lowered(function, store)
        members = _MEMBERS.findall(store.target)
        value = store.value if store.value.isupper() or store.value in ("NULL", "false") else ""
        if not members or store.op not in ("=", "|=", "&=") or not value:
            return None
        key: Key = ("store", self._terms.renamed(members[-1]), store.op, value)
        return self._written(function, store, key, None, value)

    def _lowered(self, function: Function, store: Store) -> Effect | None:
        """A counter that is held against a limit, lowered by hand."""
        row = _share(self._kernel, store.target)
        if row is None:
            return None
        return self._written(function, store, ("share", row.name), row)

    def _written(
        self, function: Function, store: Store, key: Key, known: Cleanup | None, value: str = ""
    ) -> Effect:
        """What a store does by itself, under the tests above it."""
        text = f"{store.target} {store.op} {value}".strip()
        return Effect(
            key,
            "row" if known else "store",
            known,
            known.task if known else "before-call-returns",
            self._terms.guard(function, store.conditions),
            (store.target,),
            None,
            None,
            function,
            store.line,
            (Step(function.name, function.path, store.line, text),),
        )

    def _gaps(self, function: Function) -> Iterator[Effect]:
        """Lines inside a function that no hunk shows: they may do anything."""
        for last in self._graph.gaps_in(function):
            step = Step(function.name, function.path, last + 1, "lines that no hunk shows")
            path, line = self._placed(function.path, last)
            yield Effect(
                ("gap", path, str(line)),
                "gap",
                None,
                "before-call-returns",
                (),
                (),
                None,
                None,
                function,
                last,
                (step,),
            )


def _sets_named(function: Function, text: str | None) -> frozenset[str]:
    """The last names of a set of numbers, looked for behind a variable of the function."""
    name = (text or "").strip()
    told = [one.value for one in function.assignments if one.target == name]
    found = (_MEMBERS.findall(one) for one in told or [name])
    return frozenset(names[-1] for names in found if names)


def _share(kernel: KernelFacts, target: str | None) -> Cleanup | None:
    """The row of a counter by the last name in ``&user->locked_vm``.

    Of which struct it is a hunk seldom shows: errs towards another struct's member of that name.
    """
    names = _MEMBERS.findall(target or "")
    return kernel.cleanups.get(f"->{names[-1]}") if names else None


def taken(kernel: KernelFacts, function: Function) -> set[str]:
    """Variables that some way takes from the release at the end of their scope."""
    takes = kernel.takes
    return {call.args[0] for call in function.calls if call.callee in takes and call.args}


def is_mechanism(kernel: KernelFacts, name: str) -> bool:
    """Whether a function is known for what it does to objects and callbacks: that is no effect."""
    return (
        name in kernel.waits
        or name in kernel.list_adds
        or name in kernel.registrations
        or name in kernel.activations
        or name in kernel.container_macros
        or name in kernel.refcount_puts
        or name in kernel.references
        or name in kernel.takes
        or name in kernel.accessors
    )


def ends_or_calms(kernel: KernelFacts, name: str) -> bool:
    """Whether a function is named for an end, or for making what still runs come to its end."""
    return named_teardown(kernel, name) or kernel.calms.search(name) is not None


def named_teardown(kernel: KernelFacts, name: str) -> bool:
    """Whether a function is named like one that releases something that lasts."""
    return kernel.named_end(name)
