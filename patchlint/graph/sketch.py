"""A rough picture of a series: which function calls what, before and after, by line.

It is made of the marks and the words of diffs alone, some forty times faster than images,
facts and a graph, and it shows more calls, callers and losses than these do: a line whose
function is not known belongs to every function, patches are laid over each other, an
unreadable thing counts.  So a series in which even the sketch shows no release that was
done in a function, is not any more, and now stands behind a callback, has no finding.

Hunks show what their patches show; where a tree gives whole files, these are shown with
their changes marked, and everything between is seen as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.graph import words
from patchlint.graph.sketch_reader import ELSEWHERE, UNKNOWN, Reader, changed_headers, sets
from patchlint.graph.started import (
    NAME,
    Start,
    Statement,
    arguments_of,
    keys_of,
    one_list,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.marked import Shown
    from patchlint.graph.words import Words

#: levels of callers between a function that queues and one that lost its release
_CLIMB: Final = 3
_NOTHING: Final[frozenset[str]] = frozenset()


class _Reached(Struct, frozen=True):
    """Names that are called from a function on, and the functions on the way."""

    calls: set[str]
    functions: set[str]


class _Side(Struct):
    """One side of a series: calls by function, and what may be a callback."""

    calls: defaultdict[str, set[str]] = field(default_factory=sets)
    bound: set[str] = field(default_factory=set)
    shaped: set[str] = field(default_factory=set)
    #: the files in which a function is shown
    home: defaultdict[str, set[str]] = field(default_factory=sets)
    #: functions with a call that starts a callback and keeps the promise
    keeping: set[str] = field(default_factory=set)
    _reach: dict[str, _Reached] = field(default_factory=dict)
    _below: dict[str, set[str]] = field(default_factory=dict)

    def callbacks(self) -> set[str]:
        """Functions that are shown and may run as a callback."""
        return (self.bound & self.calls.keys()) | self.shaped

    def reach(self, function: str) -> _Reached:
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
            found = self._reach[function] = _Reached(calls, functions)
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


class Sketch:
    """The sketch of one series."""

    def __init__(self, files: Iterable[Shown], known: Words) -> None:
        self._known = known
        self._pre = _Side()
        self._post = _Side()
        #: calls on removed lines, by the function before
        self._removed = sets()
        #: calls on lines that stayed but changed their function: (before, after) -> calls
        self._moved: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        #: function -> file by number -> calls below a new branch, or all where there is none
        self._branched: defaultdict[str, dict[int, set[str]]] = defaultdict(dict)
        self._shown_in: defaultdict[str, dict[int, set[str]]] = defaultdict(dict)
        #: what is added to lists, by function; and from which lists it takes
        self._adds: defaultdict[str, list[Start]] = defaultdict(list)
        self._drained: defaultdict[str, list[frozenset[str] | None]] = defaultdict(list)
        self._bound_anew: set[str] = set()
        #: how often each wait is added, less how often it is removed
        self._waits: Counter[str] = Counter()
        self._flush_gone = False
        self._twin = False
        #: names handed to a call that releases what it is given
        self._handed: set[str] = set()
        #: calls that start something, by function
        self._starts: defaultdict[str, list[Start]] = defaultdict(list)
        #: names that may be callbacks -> members or objects that they are bound to
        self._bound_to = sets()
        #: names that may be bound to anything
        self._bound_to_any: set[str] = set()
        #: what took the place of a function in an operations table -> that function
        self._replaced = sets()
        shown = list(files)
        changed = {name for file in shown if not file.added for name in changed_headers(file.lines)}
        for number, file in enumerate(shown):
            known_by = set() if file.added else changed
            Reader(self, known, known_by, file, number).read(file.lines)

    def may_matter(self) -> bool:
        """Whether a finding is possible."""
        if self._twin:
            return True
        after = self._post.callbacks()
        if not after:
            return False
        before = self._pre.callbacks()
        self._hand_over(after)
        behind = self._all_behind(after)
        grown: dict[str, set[str]] = {}
        for callback, late in behind.items():
            if callback in before and self._loud(late) and self._wait_is_gone():
                return True
            anew = callback not in before or callback in self._bound_anew
            grown[callback] = late if anew else late - self._behind(self._pre, callback)
        return self._is_lost(behind, grown)

    def _all_behind(self, callbacks: set[str]) -> dict[str, set[str]]:
        """What each callback releases, also by what it starts in its turn."""
        own = {callback: self._behind(self._post, callback) for callback in callbacks}
        following = {
            callback: {
                other
                for function in self._post.reach(callback).functions & self._starts.keys()
                for start in self._starts[function]
                for other in callbacks
                if self._is_started(start, other)
            }
            for callback in callbacks
        }
        found: dict[str, set[str]] = {}
        for callback in callbacks:
            todo, seen = [callback], {callback}
            while todo:
                fresh = following[todo.pop()] - seen
                seen |= fresh
                todo.extend(fresh)
            found[callback] = set().union(*(own[one] for one in seen))
        return found

    def _handed_on(
        self, behind: dict[str, set[str]], grown: dict[str, set[str]]
    ) -> dict[str, set[str]]:
        """What each function hands on: all behind what a new line starts, else what came anew."""
        found: dict[str, set[str]] = {}
        for function, starts in self._starts.items():
            late: set[str] = set()
            for start in starts:
                for callback, all_of_it in behind.items():
                    if self._is_started(start, callback):
                        late |= all_of_it if start.anew else grown[callback]
            if late:
                found[function] = late
        return found

    def _is_started(self, start: Start, callback: str) -> bool:
        if start.keys is None or callback in start.callbacks:
            return True
        # a start without keys has its callbacks alone
        return bool(start.keys) and (
            callback in self._bound_to_any
            or not start.keys.isdisjoint(self._bound_to.get(callback, _NOTHING))
        )

    def _hand_over(self, callbacks: set[str]) -> None:
        """Make starts of the lists that a callback drains."""
        drained = {
            callback: [
                keys
                for function in self._post.reach(callback).functions & self._drained.keys()
                for keys in self._drained[function]
            ]
            for callback in callbacks
        }
        for function, adds in self._adds.items():
            for keys, _, anew in adds:
                starts = frozenset(c for c, lists in drained.items() if one_list(keys, lists))
                if starts:
                    self._starts[function].append(Start(_NOTHING, starts, anew))

    def _loud(self, behind: set[str]) -> bool:
        """Whether a release is among them that a lost wait is told of."""
        return any(not self._known[name] & words.QUIET for name in behind)

    def _behind(self, side: _Side, callback: str) -> set[str]:
        """What a callback releases: calls that release, and names handed to such."""
        known = self._known
        reached = side.reach(callback).calls
        return {name for name in reached if known[name] & words.RELEASE or name in self._handed}

    def _wait_is_gone(self) -> bool:
        """Whether a wait was removed and none came for it."""
        return self._flush_gone and not any(count > 0 for count in self._waits.values())

    def _is_lost(self, behind: dict[str, set[str]], grown: dict[str, set[str]]) -> bool:
        """Whether a function lost a release that stands behind a callback now.

        ``behind`` and ``grown`` say by callback what it releases, and what of that came anew.
        """
        handed_on = self._handed_on(behind, grown)
        if not handed_on:
            return False
        known = self._known
        moved: defaultdict[str, list[tuple[str, set[str]]]] = defaultdict(list)
        became = sets()
        for (old, new), calls in self._moved.items():
            moved[old].append((new, calls))
            became[new].add(old)
        changed = self._pre.leading_to(self._removed.keys() | moved.keys())
        branched = self._post.leading_to(self._branched)
        for now in self._post.callers(set(handed_on)):
            replaced = self._replaced.get(now, set())
            ancestors = [
                was
                for was in {now, *became.get(now, ()), *self._pre.unknown(now), *replaced}
                if now in branched or was in changed or was in replaced
            ]
            if not ancestors:
                continue  # nothing of it has changed, which is most of a whole file
            reached = self._post.reach(now)
            sought = set().union(*(handed_on[f] for f in reached.functions & handed_on.keys()))
            for was in ancestors:
                had = known.may_release(sought & self._pre.reach(was).calls)
                if had and (
                    was in replaced
                    or self._is_narrowed(had, reached)
                    or self._is_gone(had, was, now, moved)
                ):
                    return True
        return False

    def _is_narrowed(self, had: set[str], reached: _Reached) -> bool:
        """Whether a new line may be a condition of one of ``had``."""
        return not had.isdisjoint(reached.calls) and any(
            self._post.leads(name, had)
            for one in self._branched.keys() & reached.functions
            for name in self._may_be_below(one)
        )

    def _may_be_below(self, function: str) -> set[str]:
        """Calls of a function that may stand below a new branch of it.

        In the same diff that is told by their order, in another one it may be anywhere.
        """
        branches = self._branched[function]
        found: set[str] = set()
        for number, calls in self._shown_in[function].items():
            found |= branches[number] if branches.keys() == {number} else calls
        return found

    def _is_gone(
        self,
        had: set[str],
        was: str,
        now: str,
        moved: defaultdict[str, list[tuple[str, set[str]]]],
    ) -> bool:
        """Whether a call to one of ``had``, or to what calls it, left ``was``.

        Or left what ``was`` calls: then its own call stays and does less.
        """
        for one in self._pre.reach(was).functions & (self._removed.keys() | moved.keys()):
            gone = [self._removed.get(one, set())]
            gone.extend(calls for new, calls in moved.get(one, ()) if new != now)
            if any(self._led(name, had) for calls in gone for name in calls):
                return True
        return False

    def _led(self, name: str, had: set[str]) -> bool:
        """Whether a call of ``name`` did one of ``had`` before, by a callback that it kept also."""
        if self._pre.leads(name, had):
            return True
        return bool(self._known[name] & words.KEEPS) and any(
            not had.isdisjoint(self._pre.reach(one).calls) for one in self._pre.callbacks()
        )

    # filled by the reader

    def keep(self, kind: str, owners: list[str]) -> None:
        """Note that a call starts a callback and keeps the promise."""
        if kind != "+":
            self._pre.keeping.add(owners[0])
        if kind != "-":
            self._post.keeping.add(owners[1])

    def add(self, calls: list[str], kind: str, owners: list[str]) -> None:
        """Take in the calls of one line of code."""
        old, new = owners
        if kind != "+":
            self._pre.calls[old].update(calls)
        if kind != "-":
            self._post.calls[new].update(calls)
        if kind == "-":
            self._removed[old].update(calls)
        elif kind == " " and old != new:
            self._moved[old, new].update(calls)

    def branches(self, number: int, shown: dict[str, set[str]], below: dict[str, set[str]]) -> None:
        """Take in the calls of a file by function, and those that stand below a new branch."""
        for function, calls in shown.items():
            self._shown_in[function][number] = calls
        for function, calls in below.items():
            self._branched[function][number] = calls

    def wait(self, calls: list[str], kind: str) -> None:
        """Take in the waits of a changed line."""
        for name in calls:
            bits = self._known[name]
            if bits & words.WAITS:
                self._waits[name] += 1 if kind == "+" else -1
                self._flush_gone |= kind == "-" and bool(bits & words.FLUSHES)

    def hand(self, names: list[str]) -> None:
        """Note names that stand in a call which releases what it is given."""
        self._handed.update(names)

    def bind(self, body: str, kind: str) -> None:
        """Take in a line of a call that binds: each name in it may be a callback."""
        found = NAME.findall(body)
        if kind != "+":
            self._pre.bound.update(found)
        if kind != "-":
            self._post.bound.update(found)
        if kind == "+":
            self._bound_anew.update(found)

    def replace(self, old: set[str], new: set[str]) -> None:
        """Note functions that may have taken each other's place in an operations table."""
        for name in new - old:
            self._replaced[name] |= old - new

    def continues(self, old: str, new: str) -> None:
        """Note that what follows was part of ``old`` and is part of ``new``."""
        if old != new:
            self._moved[old, new].update(())

    def statement(self, given: Statement, *, whole: bool) -> None:
        """Take in a call that binds, starts or hands over, whole or cut off."""
        kernel = self._known.kernel
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
                    self._starts[given.owner].append(Start(_NOTHING, callbacks, given.anew))
            if activation is not None and not activation.keeps:
                keys = keys_of(arguments, activation.object_arg)
                self._starts[given.owner].append(Start(keys, _NOTHING, given.anew))
            if places is not None:
                keys = None if arguments is None else words_of(arguments, places[2])
                self._bind_to(frozenset({given.owner}), keys)
            if name in kernel.list_adds:
                keys = keys_of(arguments, kernel.list_adds[name][1])
                self._adds[given.owner].append(Start(keys, _NOTHING, given.anew))
            if name in kernel.list_drains:
                keys = keys_of(arguments, kernel.list_drains[name])
                self._drained[given.owner].append(keys)

    def _bind_to(self, callbacks: frozenset[str], keys: frozenset[str] | None) -> None:
        if keys is None:
            self._bound_to_any |= callbacks
            return
        for callback in callbacks:
            self._bound_to[callback] |= keys

    def head(self, name: str, kind: str, path: str, *, shaped: bool) -> None:
        """Take in the header of a function; ``shaped`` when it has a callback's parameter."""
        for side, other in ((self._pre, "+"), (self._post, "-")):
            if kind != other:
                side.calls[name].update(())
                side.home[name].add(path)
                if shaped:
                    side.shaped.add(name)
        if kind == "+":
            self._bound_anew.add(name)

    def twins(self, removed: set[str], kept: set[str], added: set[str]) -> None:
        """Take in the calls of one file, to look for a deferred twin of a direct one."""
        for deferred in (kept | added) & self._known.twins.keys():
            direct = self._known.twins[deferred]
            if (deferred in added and not direct.isdisjoint(removed | kept)) or (
                not direct.isdisjoint(removed)
            ):
                self._twin = True
