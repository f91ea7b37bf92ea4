"""What a sketch is made of: calls by function on both sides, and what is new between them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.graph import words
from patchlint.graph.started import NAME, Start, Statement, arguments_of, keys_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.words import Words

#: the function of a line that stands in one that is not shown; its file follows
UNKNOWN: Final = "?"
#: the same, when the line may have changed its function: the header above was changed
ELSEWHERE: Final = "??"
#: levels of callers between a function that queues and one that lost its release
_CLIMB: Final = 3
_NOTHING: Final[frozenset[str]] = frozenset()


def sets() -> defaultdict[str, set[str]]:
    """Return a dictionary of sets that makes what is missing."""
    return defaultdict(set)


class Reached(Struct, frozen=True):
    """Names that are called from a function on, and the functions on the way."""

    calls: set[str]
    functions: set[str]


class Side(Struct):
    """One side of a series: calls by function, and what may be a callback."""

    calls: defaultdict[str, set[str]] = field(default_factory=sets)
    bound: set[str] = field(default_factory=set)
    shaped: set[str] = field(default_factory=set)
    #: the files in which a function is shown
    home: defaultdict[str, set[str]] = field(default_factory=sets)
    #: functions with a call that starts a callback and keeps the promise
    keeping: set[str] = field(default_factory=set)
    _reach: dict[str, Reached] = field(default_factory=dict)
    _below: dict[str, set[str]] = field(default_factory=dict)

    def callbacks(self) -> set[str]:
        """Functions that are shown and may run as a callback."""
        return (self.bound & self.calls.keys()) | self.shaped

    def reach(self, function: str) -> Reached:
        """What ``function`` calls, and what those of the diff call that it calls."""
        found = self._reach.get(function)
        if found is None:
            calls: set[str] = set()
            todo = [function]
            functions = {function}
            while todo:
                one = todo.pop()
                calls |= self.calls.get(one, _NOTHING)
                inner = self._inner(one)
                todo.extend(inner - functions)
                functions |= inner
            found = self._reach[function] = Reached(calls, functions)
        return found

    def leading_to(self, wanted: Iterable[str]) -> set[str]:
        """The functions that reach any of ``wanted``, and these."""
        above = sets()
        for one in self.calls.keys() | self.home.keys():
            for inner in self._inner(one):
                above[inner].add(one)
        found = set(wanted)
        todo = list(found)
        while todo:
            fresh = above.get(todo.pop(), _NOTHING) - found
            found |= fresh
            todo.extend(fresh)
        return found

    def _inner(self, function: str) -> set[str]:
        """The functions of the diff that ``function`` calls, or may."""
        inner = self._below.get(function)
        if inner is None:
            inner = self._below[function] = self._called(function)
        return inner

    def _called(self, function: str) -> set[str]:
        inner = set(self.calls.get(function, _NOTHING)) & self.calls.keys()
        if function in self.keeping:
            inner |= self.callbacks()
        return inner | self.unknown(function)

    def leads(self, name: str, wanted: set[str]) -> bool:
        """Whether a call of ``name`` is one of ``wanted`` or comes to one."""
        return name in wanted or (
            name in self.calls and not wanted.isdisjoint(self.reach(name).calls)
        )

    def unknown(self, function: str) -> set[str]:
        """What stands for the lines of ``function`` that are not known to be its own."""
        return {
            name
            for path in self.home.get(function, ())
            for name in (UNKNOWN + path, ELSEWHERE + path)
            if name in self.calls
        }

    def callers(self, functions: set[str]) -> set[str]:
        """``functions`` and what calls them, some levels up."""
        found = self._with_homes(functions)
        for _ in range(_CLIMB):
            above = {name for name, called in self.calls.items() if not found.isdisjoint(called)}
            if above <= found:
                break
            found |= self._with_homes(above)
        return found

    def _with_homes(self, functions: set[str]) -> set[str]:
        """``functions``, and where a line of an unknown one is among them, all of its file."""
        paths = {name.lstrip(UNKNOWN) for name in functions if name.startswith(UNKNOWN)}
        if not paths:
            return set(functions)
        shown = {name for name, homes in self.home.items() if not paths.isdisjoint(homes)}
        return functions | shown


class Drawing:
    """Both sides of one series and what changed, as a reader of marked lines sees it."""

    def __init__(self, known: Words) -> None:
        """Begin with nothing; ``known`` says what words are good for."""
        self.known = known
        self.pre = Side()
        self.post = Side()
        #: calls on removed lines, by the function before
        self.removed = sets()
        #: calls on lines that stayed but changed their function: (before, after) -> calls
        self.moved: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        #: function -> file by number -> calls below a new branch, or all where there is none
        self.branched: defaultdict[str, dict[int, set[str]]] = defaultdict(dict)
        self.shown_in: defaultdict[str, dict[int, set[str]]] = defaultdict(dict)
        #: what is added to lists, by function; and from which lists it takes
        self.adds: defaultdict[str, list[Start]] = defaultdict(list)
        self.drained: defaultdict[str, list[frozenset[str] | None]] = defaultdict(list)
        self.bound_anew: set[str] = set()
        #: how often each wait is added, less how often it is removed
        self.waits: Counter[str] = Counter()
        self.flush_gone = False
        self.twin = False
        #: names handed to a call that releases what it is given
        self.handed: set[str] = set()
        #: calls that start something, by function
        self.starts: defaultdict[str, list[Start]] = defaultdict(list)
        #: names that may be callbacks -> members or objects that they are bound to
        self.bound_to = sets()
        #: names that may be bound to anything
        self.bound_to_any: set[str] = set()
        #: what took the place of a function in an operations table -> that function
        self.replaced = sets()

    def keep(self, kind: str, owners: list[str]) -> None:
        """Note that a call starts a callback and keeps the promise."""
        if kind != "+":
            self.pre.keeping.add(owners[0])
        if kind != "-":
            self.post.keeping.add(owners[1])

    def add(self, calls: list[str], kind: str, owners: list[str]) -> None:
        """Take in the calls of one line of code."""
        old, new = owners
        if kind != "+":
            self.pre.calls[old].update(calls)
        if kind != "-":
            self.post.calls[new].update(calls)
        if kind == "-":
            self.removed[old].update(calls)
        elif kind == " " and old != new:
            self.moved[old, new].update(calls)

    def branches(self, number: int, shown: dict[str, set[str]], below: dict[str, set[str]]) -> None:
        """Take in the calls of a file by function, and those that stand below a new branch."""
        for function, calls in shown.items():
            self.shown_in[function][number] = calls
        for function, calls in below.items():
            self.branched[function][number] = calls

    def wait(self, calls: list[str], kind: str) -> None:
        """Take in the waits of a changed line."""
        for name in calls:
            bits = self.known[name]
            if bits & words.WAITS:
                self.waits[name] += 1 if kind == "+" else -1
                self.flush_gone |= kind == "-" and bool(bits & words.FLUSHES)

    def hand(self, names: list[str]) -> None:
        """Note names that stand in a call which releases what it is given."""
        self.handed.update(names)

    def bind(self, body: str, kind: str) -> None:
        """Take in a line of a call that binds: each name in it may be a callback."""
        found = NAME.findall(body)
        if kind != "+":
            self.pre.bound.update(found)
        if kind != "-":
            self.post.bound.update(found)
        if kind == "+":
            self.bound_anew.update(found)

    def replace(self, old: set[str], new: set[str]) -> None:
        """Note functions that may have taken each other's place in an operations table."""
        for name in new - old:
            self.replaced[name] |= old - new

    def continues(self, old: str, new: str) -> None:
        """Note that what follows was part of ``old`` and is part of ``new``."""
        if old != new:
            self.moved[old, new].update(())

    def statement(self, given: Statement, *, whole: bool) -> None:
        """Take in a call that binds, starts or hands over, whole or cut off."""
        kernel = self.known.kernel
        for name in given.names:
            arguments = arguments_of(given.text, name) if whole else None
            registration = kernel.registrations.get(name)
            activation = kernel.activations.get(name)
            places = kernel.container_macros.get(name)
            if registration is not None:
                callbacks = frozenset(NAME.findall(given.text))
                keys = keys_of(
                    arguments, registration.object_arg, named=registration.object_is_name
                )
                self._bind_to(callbacks, keys)
                if registration.activates and words.defers(registration):
                    self.starts[given.owner].append(Start(_NOTHING, callbacks, given.anew))
            if activation is not None and not activation.keeps:
                keys = keys_of(arguments, activation.object_arg)
                self.starts[given.owner].append(Start(keys, _NOTHING, given.anew))
            if places is not None:
                keys = None if arguments is None else words_of(arguments, places[2])
                self._bind_to(frozenset({given.owner}), keys)
            if name in kernel.list_adds:
                keys = keys_of(arguments, kernel.list_adds[name][1])
                self.adds[given.owner].append(Start(keys, _NOTHING, given.anew))
            if name in kernel.list_drains:
                keys = keys_of(arguments, kernel.list_drains[name])
                self.drained[given.owner].append(keys)

    def _bind_to(self, callbacks: frozenset[str], keys: frozenset[str] | None) -> None:
        if keys is None:
            self.bound_to_any |= callbacks
            return
        for callback in callbacks:
            self.bound_to[callback] |= keys

    def head(self, name: str, kind: str, path: str, *, shaped: bool) -> None:
        """Take in the header of a function; ``shaped`` when it has a callback's parameter."""
        for side, other in ((self.pre, "+"), (self.post, "-")):
            if kind != other:
                side.calls[name].update(())
                side.home[name].add(path)
                if shaped:
                    side.shaped.add(name)
        if kind == "+":
            self.bound_anew.add(name)

    def twins(self, removed: set[str], kept: set[str], added: set[str]) -> None:
        """Take in the calls of one file, to look for a deferred twin of a direct one."""
        for deferred in (kept | added) & self.known.twins.keys():
            direct = self.known.twins[deferred]
            if (deferred in added and not direct.isdisjoint(removed | kept)) or (
                not direct.isdisjoint(removed)
            ):
                self.twin = True
