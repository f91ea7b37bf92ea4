"""Both sides of a step side by side, and what is known about each function of them."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, Protocol

from patchlint.graph import branches
from patchlint.graph.asked import Asked
from patchlint.graph.balance import balanced, taken_on_the_way, takes
from patchlint.graph.bindings import argument, given_function
from patchlint.graph.effect import class_of
from patchlint.graph.follow import Lineage, Lines, trace
from patchlint.graph.leaves import Leaves
from patchlint.graph.lists import Lists
from patchlint.graph.objects import is_release
from patchlint.graph.optin import OptIn
from patchlint.graph.summary import Summaries
from patchlint.graph.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from patchlint.graph.borrow import Bodies
    from patchlint.graph.build import Deferral, Graph
    from patchlint.graph.effect import Effect, Key
    from patchlint.graph.guards import Atom
    from patchlint.graph.reach.way import Ways
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import Cleanup, KernelFacts

#: functions that one limitation names
_MOST_NAMED: Final = 5

FunctionKey = tuple[str, str]


class Ask(Protocol):
    """How a whole tree is asked in which ways a function comes to run."""

    def __call__(self, name: str, path: str, guard: tuple[Atom, ...], images: Graph) -> Ways:
        """The ways to ``name`` in which ``guard`` holds, by the images after the series."""


def key_of(function: Function) -> FunctionKey:
    """What a function is known by on its side."""
    return function.path, function.name


class Comparison:
    """Both sides of one step of a series, ready to be compared.

    ``message`` is the text of the patches' commit messages, ``titles`` the subject of each
    with the files that it touches: evidence for contexts.  ``ways`` tells how a function
    of a whole tree comes to run, ``derived`` are rows that a tree adds to the tables,
    ``bodies`` opens what its other files say.  ``opt_in`` is what the whole series brings,
    which nobody could ask for before: of a step that stands for all of it, its own.
    """

    def __init__(
        self,
        before: Graph,
        after: Graph,
        lines: Lines,
        *,
        message: str = "",
        titles: tuple[tuple[str, frozenset[str]], ...] = (),
        ways: Ask | None = None,
        derived: Mapping[str, Cleanup] | None = None,
        bodies: Callable[[], Bodies] | None = None,
        opt_in: OptIn | None = None,
        lineage: Lineage | None = None,
    ) -> None:
        self.before = before
        self.after = after
        self.lines = lines
        self.message = message
        self.titles = titles
        self.ways = ways
        self.derived = dict(derived or {})
        self.opt_in = opt_in or OptIn(before, after, lines)
        self.limitations: list[str] = []
        self.asked = Asked(after.kernel)
        self._asked_in: dict[FunctionKey, frozenset[str]] = {}
        self._balanced: dict[tuple[int, int], bool] = {}
        self._taking: dict[tuple[int, str], tuple[Call, ...]] = {}
        self._bodies = bodies
        self._lineage = lineage

    @property
    def lineage(self) -> Lineage:
        """Which functions before live on in which functions after, traced when first asked."""
        if self._lineage is None:
            self._lineage = trace(self.before, self.after, self.lines)
        return self._lineage

    def with_rows(self, derived: Mapping[str, Cleanup]) -> Comparison:
        """The same sides with rows that a tree adds to the tables."""
        if not derived:
            return self
        return Comparison(
            self.before,
            self.after,
            self.lines,
            message=self.message,
            titles=self.titles,
            ways=self.ways,
            derived=derived,
            bodies=self._bodies,
            opt_in=self.opt_in,
            lineage=self._lineage,
        )

    @property
    def bodies(self) -> Bodies | None:
        """What a whole tree's other files say; None without one, and where no function changed."""
        return self._bodies() if self._bodies is not None and self.changed else None

    @property
    def bounds(self) -> list[str]:
        """What of this step was left out because there is too much of it, so far."""
        said = [*self.before.limitations, *self.after.limitations]
        made = [vars(self).get(side) for side in ("old", "new")]
        cut = sorted(set().union(*(side.cut for side in made if side is not None)))
        if cut:
            names = ", ".join(f"{name}()" for name in cut[:_MOST_NAMED])
            more = f" and {len(cut) - _MOST_NAMED} others" if len(cut) > _MOST_NAMED else ""
            said.append(f"{names}{more}: not all that is done there is seen: it is too much")
        return said

    @property
    def kernel(self) -> KernelFacts:
        """The tables."""
        return self.after.kernel

    @cached_property
    def changed(self) -> frozenset[FunctionKey]:
        """Functions before whose body the series does not leave as it was."""
        gone = (
            key_of(function)
            for function in self.before.functions.values()
            if self.heir(function) is None
        )
        return self.rewritten.union(gone)

    @cached_property
    def rewritten(self) -> frozenset[FunctionKey]:
        """Functions before that go on with another body.

        Of one that is gone its row still tells: it did what the tables say of it.
        """
        found = set()
        for function in self.before.functions.values():
            heir = self.heir(function)
            if heir is not None and not self.same_body(function, heir):
                found.add(key_of(function))
        return frozenset(found)

    def heir(self, function: Function) -> Function | None:
        """The function after of the same name in the same file, None when it is gone."""
        path = self.lines.renamed.get(function.path, function.path)
        return self.after.functions.get((path, function.name))

    def lives_on(self, was: Function, now: Function) -> bool:
        """Whether ``was`` goes on under its own name, so that ``now`` only took lines of it.

        The body of a function that became a callback is that callback; what callers rely on
        is what stands under the old name.
        """
        if self.heir(was) is None or self.lineage.succeeds(now, was):
            return False
        before, after = self.before.members_of, self.after.members_of
        return before(was.name).isdisjoint(after(now.name) - after(was.name))

    def waiter_gone(self, was: Function, effect: Effect) -> Call | None:
        """What a function before called to wait for an effect, None when it is called still.

        The wait itself, or a helper that only waits: what else one did is missed as well, and
        that is told where it went.
        """
        wait, call = effect.wait, effect.root
        if wait is None or call is None:
            return None
        if was.makes(wait):
            call = wait
        elif effect.pending is None or not self._only_waits(was, call):
            return None
        return call if self.lines.forward(was.path, call.line) is None else None

    def _only_waits(self, was: Function, call: Call) -> bool:
        """Whether a helper that waits for something releases nothing itself."""
        helpers = self.before.callees(call, was.path)
        return bool(helpers) and not any(
            one.kind == "named" or (one.kind == "row" and one.visible)
            for helper in helpers
            for one in self.first_reached(helper)
        )

    @cached_property
    def altered(self) -> frozenset[FunctionKey]:
        """Functions after that are new or whose body is not the one before."""
        found = set()
        for function in self.after.functions.values():
            old = self.namesake(function)
            if old is None or not self.same_body(old, function):
                found.add(key_of(function))
        return frozenset(found)

    def namesake(self, function: Function) -> Function | None:
        """The function before of the same name in the same file, None when it is new."""
        origin = self.lines.origin(function.path)
        return self.before.functions.get((origin, function.name))

    def same_body(self, old: Function, new: Function) -> bool:
        """Whether a body stayed to the letter; what no hunk shows stayed."""
        if old.complete and new.complete:
            return old.body_digest == new.body_digest
        return not self.lines.touched(old, new)

    @cached_property
    def wanted(self) -> frozenset[Key]:
        """What some deferral or deferred function after does: nothing else can be late."""
        found = set(self._keys.keys(self._late_callbacks))
        for function in self.after.functions.values():
            for call in function.calls:
                twin = self.kernel.twins.get(call.callee)
                if twin is not None:
                    found.add(("call", twin.direct))
        found.update(
            ("call", name) for name in map(self.after.unseen, self.after.deferrals) if name
        )
        return frozenset(found)

    @property
    def _late_callbacks(self) -> list[Function]:
        """Functions after that something defers, or is named for deferring."""
        after = self.after
        names: list[tuple[str | None, str]] = [
            (edge.callback, edge.bound_in or edge.function.path)
            for edge in after.deferrals
            if not (edge.keeps or edge.waits)
        ]
        if self._lost_waits:
            names += [
                (bound.callback, bound.path)
                for bound in after.bindings
                if bound.registration.context is not None
            ]
        names += [
            (text.lstrip("&").strip(), function.path)
            for function in after.functions.values()
            for call in function.calls
            if self.kernel.later.search(call.callee)
            for text in call.args
        ]
        found = (after.find(name, path) for name, path in dict.fromkeys(names))
        return [function for function in found if function is not None]

    @property
    def _waits(self) -> Iterator[tuple[Function, Call]]:
        """Calls before that hold their caller until something is done."""
        for function in self.before.functions.values():
            for call in function.calls:
                row = self.kernel.waits.get(call.callee)
                if row is not None and row.restores:
                    yield function, call

    @cached_property
    def _lost_waits(self) -> bool:
        """Whether a wait may be gone, or hold fewer: it moved, or its function is changed."""
        return any(
            key_of(function) in self.changed or self.lines.forward(function.path, call.line) is None
            for function, call in self._waits
        )

    @cached_property
    def waits_anew(self) -> bool:
        """Whether the series adds a wait, other than one again that it takes away.

        One for the same that ends after some time is the same wait, for less, and one for
        readers runs nothing.
        """
        gone = {
            (self.waited(call), call.callee)
            for function, call in self._waits
            if self.lines.forward(function.path, call.line) is None
        }
        objects = {waited for waited, _ in gone}
        return any(
            (self.waited(call), call.callee) not in gone
            and not (self.kernel.waits[call.callee].bounded and self.waited(call) in objects)
            for call in self.added_waits
        )

    @cached_property
    def added_waits(self) -> tuple[Call, ...]:
        """The waits on lines of the series that were not there, but for those for readers alone."""
        return tuple(
            call
            for function in self.after.functions.values()
            for call in function.calls
            if (row := self.kernel.waits.get(call.callee)) is not None
            and row.kind != "grace-period"
            and self.lines.added(function.path, call.line)
        )

    def waited(self, wait: Call) -> tuple[str, str]:
        """What a call waits for: its kind, and the text of the object."""
        row = self.kernel.waits[wait.callee]
        return row.kind, argument(wait, row.object_arg) or ""

    @cached_property
    def started(self) -> frozenset[str | None]:
        """Callbacks after that something starts or binds."""
        started = {edge.callback for edge in self.after.deferrals if not edge.keeps}
        return frozenset(started | {bound.callback for bound in self.after.bindings})

    @cached_property
    def put_callbacks(self) -> frozenset[str | None]:
        """Names before of functions that a put runs for the last reference, or a table releases."""
        found: set[str | None] = set()
        for function in self.before.functions.values():
            for call in function.calls:
                row = self.kernel.cleanups.get(call.callee)
                if row is not None and row.kind == "inherit":
                    found.add(given_function(call, row.callback_arg))
        found.update(
            entry.value.lstrip("&")
            for _, entry in self.before.initializers
            if entry.member == "release"
        )
        return frozenset(found)

    @cached_property
    def _keys(self) -> Summaries:
        return Summaries(self.after, self.derived, placed=self.lines.past)

    @cached_property
    def old(self) -> Summaries:
        """Summaries before."""
        return Summaries(
            self.before,
            self.derived,
            self.told,
            self.rewritten,
            renames=self.lines.renames,
            promises=True,
        )

    @cached_property
    def new(self) -> Summaries:
        """Summaries after."""
        return Summaries(self.after, self.derived, self.told, self.altered, self.lines.past)

    @cached_property
    def told(self) -> frozenset[Key]:
        """What summaries tell of: all that can be late after.

        What is done only inside of releases that a table knows, in bodies with no change below
        them, is told by the release: the one is late when the other is.
        """
        taking = (*self.workers, *self.last_puts)
        late = self.wanted | self._keys.keys(taking)
        rows = self._unchanged_rows
        if rows:
            first = Summaries(self.before, self.derived, renames=self.lines.renames)
            kept = first.keys((was for was, _ in self.concerned), rows)
            late &= kept | self._keys.keys((*self._late_callbacks, *taking), rows)
        return late | self._other_names(late)

    def _other_names(self, late: Collection[Key]) -> frozenset[Key]:
        """The keys of functions that release what one of those ``late`` releases, by their rows."""
        cleanups = self.kernel.cleanups
        known = (cleanups.get(key[1]) for key in late if key[0] == "call")
        ends = {(row.family, row.releases) for row in known if row is not None and row.visible}
        return frozenset(
            ("call", name)
            for name, row in cleanups.items()
            if (row.family, row.releases) in ends and row.visible
        )

    @cached_property
    def _unchanged_rows(self) -> frozenset[FunctionKey]:
        """Functions that are known as releases, and do what they did."""
        rows = (
            (key_of(one), self.kernel.cleanups.get(one.name) or self.derived.get(one.name))
            for one in self.after.functions.values()
            if key_of(one) not in self.calls_to_change
        )
        return frozenset(
            key for key, row in rows if row is not None and class_of(row) == "row" and row.visible
        )

    @cached_property
    def workers(self) -> tuple[Function, ...]:
        """Functions after that run deferred by all that shows; the series changes below them."""
        from patchlint.graph.contexts import certainly_deferred, named_deferred

        return tuple(
            now
            for now in self._reaching
            if certainly_deferred(self.after, now) or named_deferred(self.after, now)
        )

    @cached_property
    def last_puts(self) -> tuple[Function, ...]:
        """Functions after that run for the last reference by their form; it changes below them.

        Whose reference that is no line shows: what they do is done when others let go as well.
        """
        known = {key_of(worker) for worker in self.workers}
        return tuple(
            now
            for now in self._reaching
            if is_release(self.kernel.last_puts, now) and key_of(now) not in known
        )

    def holders(self, effect: Effect) -> tuple[Function, ...]:
        """The functions, of either side, on the way to an effect."""
        sides = (self.before.functions, self.after.functions)
        found = (side.get((step.path, step.function)) for step in effect.chain for side in sides)
        return (effect.where, *(function for function in found if function is not None))

    def after_failure(self, effect: Effect) -> bool:
        """Whether an effect is done only where something failed before."""
        holders = self.holders(effect)
        if any(branches.on_error_path(self.kernel, call, holders) for call in effect.calls):
            return True
        # of a long way each holder makes one call or two: they are found, not tried
        calls = {id(call): call for call in effect.calls}
        ways = frozenset(calls)
        return any(
            self._fails_in(holder, calls[one])
            for holder in holders
            for one in ways & self.asked.calls_of(holder)
        )

    def undone(self, effect: Effect) -> bool:
        """Whether the very function that does something does it only where something failed."""
        site, where = effect.site, effect.where
        return site is not None and (
            branches.on_error_path(self.kernel, site, (where,)) or self._fails_in(where, site)
        )

    def _fails_in(self, function: Function, call: Call) -> bool:
        """Whether a call is an undo of a function, or stands in a block that returns an error."""
        undoes, fails = branches.undoes, branches.fails
        return undoes(self.kernel, function, call) or fails(self.kernel, function, call)

    def asks_for_memory(self, now: Function, atom: Atom) -> bool:
        """Whether a test on the way of ``now`` asks if there was memory for something.

        It may stand in a helper that is given what ``now`` allocated.
        """
        allocation = self.kernel.allocation
        return any(
            assignment.target == atom.text and allocation.search(assignment.value) is not None
            for function in self.after.functions.values()
            if function is now or atom.within(function)
            for assignment in function.assignments
        )

    def asked_in(self, was: Function) -> frozenset[str]:
        """What a function before, and all that it came to on its own way, asked.

        What a callback asks is asked later, and by another.
        """
        known = self._asked_in.get(key_of(was))
        if known is None:
            found = {head for e in self.old.of(was) for head in self.asked.above(e).heads}
            for call in was.calls:
                found.update(atom.head for atom in self.old.terms.guard(was, call.conditions))
            known = self._asked_in[key_of(was)] = frozenset(found)
        return known

    def balanced(self, effect: Effect) -> bool:
        """Whether an effect of these sides gives back what its own function has taken."""
        place = (id(effect.site), id(effect.where))
        known = self._balanced.get(place)
        if known is None:
            known = self._balanced[place] = balanced(self.kernel, effect)
        site = effect.site
        if known or not effect.late or site is None or not self.kernel.puts.search(site.callee):
            return known
        return taken_on_the_way(effect, self.holders(effect), partial(self._takes, site.callee))

    def _takes(self, release: str, function: Function) -> tuple[Call, ...]:
        """The calls of a function that take what a release gives back, worked out once."""
        mark = (id(function), release)
        found = self._taking.get(mark)
        if found is None:
            found = self._taking[mark] = takes(self.kernel, function, release)
        return found

    def for_no_task(self, function: Function, edge: Deferral) -> bool:
        """Whether a test in a function after leaves a start in it only to what is no task."""
        guard = self.new.terms.guard(function, edge.conditions)
        return any(self.asked.leaves_no_task(atom) for atom in guard)

    def first_leaves(self, was: Function) -> tuple[Effect, ...]:
        """What a function before does itself, whatever is wanted."""
        return self._before_leaves.of(was)

    def first_reached(self, was: Function) -> tuple[Effect, ...]:
        """What a function before does itself and in what it calls one call down."""
        found = list(self.first_leaves(was))
        for call in was.calls:
            for callee in self.before.callees(call, was.path):
                found.extend(self.first_leaves(callee))
        return tuple(found)

    def first_keys_of(self, now: Function) -> tuple[Effect, ...]:
        """What a function after does itself, whatever is wanted."""
        return self._keys.leaves.of(now)

    @cached_property
    def first_keys(self) -> frozenset[Key]:
        """What the functions before do themselves, whatever is wanted."""
        functions = self.before.functions.values()
        return frozenset(effect.key for one in functions for effect in self.first_leaves(one))

    @cached_property
    def _before_leaves(self) -> Leaves:
        # a body of which no hunk shows all leaves its row to tell of the rest
        known = self.before.functions
        seen = frozenset(key for key in self.rewritten if known[key].complete)
        return Leaves(self.before, Terms(self.before), self.derived, seen)

    @cached_property
    def lists(self) -> Lists:
        """Who takes items off which list before."""
        return Lists(self.before)

    @cached_property
    def calls_to_change(self) -> dict[FunctionKey, int]:
        """Functions after whose summary may be another: how many calls lead to a changed one."""
        reach = dict.fromkeys(self.altered, 0)
        todo = list(reach)
        for key in todo:
            for caller, _call in self.after.callers.get(key[1], ()):
                if key_of(caller) not in reach:
                    reach[key_of(caller)] = reach[key] + 1
                    todo.append(key_of(caller))
        return reach

    @cached_property
    def _reaching(self) -> tuple[Function, ...]:
        """Functions after whose summary may be another: changed ones, and what calls them."""
        found = (self.after.functions.get(key) for key in sorted(self.calls_to_change))
        return tuple(function for function in found if function is not None)

    @cached_property
    def concerned(self) -> tuple[tuple[Function, Function], ...]:
        """Pairs (before, after) whose summaries may differ, in order of path and name."""
        return tuple((was, now) for now in self._reaching for was in self.lineage.of(now))
