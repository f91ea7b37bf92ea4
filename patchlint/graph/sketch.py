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

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

from patchlint.graph import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.graph.words import Words
    from patchlint.model.image import FilePair

_CALL: Final = re.compile(r"\b([A-Za-z_]\w*)[ \t]*\(")
_NAME: Final = re.compile(r"[A-Za-z_]\w+")
_HEAD: Final = re.compile(r"(?:[A-Za-z_][^(]*?\b)?([A-Za-z_]\w*)[ \t]*\(")
_BRANCH: Final = re.compile(r"\b(?:if|else|case|default|return|goto|break|continue|switch)\b|\?")
_DEFINE: Final = re.compile(r"#[ \t]*define[ \t]+(\w+)\(")
#: a function in an operations table, or another member that is set
_SLOT: Final = re.compile(r"[+-][ \t]*\.(\w+)[ \t]*=[ \t]*&?(\w+)")
#: what a header may start with besides a letter
_STARTS: Final = ("_", "*")
#: where a member that is set may stand at most, in characters
_DEEPEST: Final = 16
_CHANGED: Final = re.compile(r"^[+-]\**[A-Za-z_][^\n]*\([^\n]*", re.MULTILINE)
_COMMENT: Final = re.compile(r"[ \t]*(?:\* |\*$|/\*|//)")
#: a comment or a text may name a wait that is not done
_TALK: Final = re.compile(r"/\*|//|\"|\*/")
_SECTION: Final = re.compile(r"^(?=diff --git )", re.MULTILINE)
_RENAMED: Final = re.compile(r"^rename from (.+)\nrename to (.+)$", re.MULTILINE)
_C_SOURCE: Final = (".c", ".h")
#: annotations that may stand alone on a line of a header
_ANNOTATION: Final = re.compile(r"__(?:acquires|releases|must_hold|attribute__|printf|cond_lock)\b")
_KEYWORDS: Final = frozenset(
    {"if", "for", "while", "switch", "return", "do", "else", "sizeof", "defined", "typeof"}
)
_KINDS: Final = ("+", "-", " ")
#: a line that starts so neither begins nor ends a function; an empty line has none
_INDENT: Final = ("\t", " ", "")
#: lines that the arguments of a call, or the parameters of a function, may go on for
_GOES_ON: Final = 4
#: calls whose arguments are looked at
_TOLD: Final = words.QUEUES | words.BINDS | words.CONTAINER | words.LIST_ADD | words.LIST_DRAIN
_MEMBER: Final = re.compile(r"(?:->|\.)\s*([A-Za-z_]\w*)")
_OBJECT: Final = re.compile(r"&\s*\(?\s*([A-Za-z_]\w*)\s*\)?\s*(?:\[[^]]*\])?\Z")
_TWINS: Final = words.DIRECT | words.DEFERRED
#: levels of callers between a function that queues and one that lost its release
_CLIMB: Final = 3
#: the function of a line that stands in none
_OUTSIDE: Final = ""
#: the function of a line that stands in one that is not shown; its file follows
_UNKNOWN: Final = "?"
#: a header that is a macro's
_MACRO: Final = "!"
#: the same, when the line may have changed its function: the header above was changed
_ELSEWHERE: Final = "??"


_NOTHING: Final[frozenset[str]] = frozenset()


def _sets() -> defaultdict[str, set[str]]:
    return defaultdict(set)


class _Reached(Struct, frozen=True):
    """Names that are called from a function on, and the functions on the way."""

    calls: set[str]
    functions: set[str]


class _Side(Struct):
    """One side of a series: calls by function, and what may be a callback."""

    calls: defaultdict[str, set[str]] = field(default_factory=_sets)
    bound: set[str] = field(default_factory=set)
    shaped: set[str] = field(default_factory=set)
    #: the files in which a function is shown
    home: defaultdict[str, set[str]] = field(default_factory=_sets)
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
                inner = self._below.get(one)
                if inner is None:
                    inner = self._below[one] = self._inner(one)
                todo.extend(inner - functions)
                functions |= inner
            found = self._reach[function] = _Reached(calls, functions)
        return found

    def _inner(self, function: str) -> set[str]:
        """The functions of the diff that ``function`` calls, or may."""
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
            for name in (_UNKNOWN + path, _ELSEWHERE + path)
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
        paths = {name.lstrip(_UNKNOWN) for name in functions if name.startswith(_UNKNOWN)}
        if not paths:
            return set(functions)
        shown = {name for name, homes in self.home.items() if not paths.isdisjoint(homes)}
        return functions | shown


class _Start(NamedTuple):
    """A call that starts what is bound to an object with one of ``keys``, None for any object.

    ``callbacks`` stand in the call itself; ``anew`` is set when a line of it is new.
    """

    keys: frozenset[str] | None
    callbacks: frozenset[str]
    anew: bool


class _Statement(Struct):
    """A call that the tables know and that may go on for some lines."""

    names: list[str]
    owner: str
    text: str = ""
    anew: bool = False
    left: int = 4


class Shown(NamedTuple):
    """What is to be seen of one file: lines with the marks of a diff.

    ``path`` is the file's first name in the series, ``added`` set for a file that the series
    itself brings: it has no state before.  A ``whole`` one has no lines of hunks.
    """

    lines: str
    added: bool
    path: str
    whole: bool = False


class Sketch:
    """The sketch of one series."""

    def __init__(self, files: Iterable[Shown], known: Words) -> None:
        self._known = known
        self._pre = _Side()
        self._post = _Side()
        #: calls on removed lines, by the function before
        self._removed = _sets()
        #: calls on lines that stayed but changed their function: (before, after) -> calls
        self._moved: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        #: function -> file by number -> calls below a new branch, or all where there is none
        self._branched: defaultdict[str, dict[int, set[str]]] = defaultdict(dict)
        self._shown_in: defaultdict[str, dict[int, set[str]]] = defaultdict(dict)
        #: what is added to lists, by function; and from which lists it takes
        self._adds: defaultdict[str, list[_Start]] = defaultdict(list)
        self._drained: defaultdict[str, list[frozenset[str] | None]] = defaultdict(list)
        self._bound_anew: set[str] = set()
        #: how often each wait is added, less how often it is removed
        self._waits: Counter[str] = Counter()
        self._flush_gone = False
        self._twin = False
        #: names handed to a call that releases what it is given
        self._handed: set[str] = set()
        #: calls that start something, by function
        self._starts: defaultdict[str, list[_Start]] = defaultdict(list)
        #: names that may be callbacks -> members or objects that they are bound to
        self._bound_to = _sets()
        #: names that may be bound to anything
        self._bound_to_any: set[str] = set()
        #: what took the place of a function in an operations table -> that function
        self._replaced = _sets()
        shown = list(files)
        changed = {name for file in shown if not file.added for name in _changed(file.lines)}
        for number, file in enumerate(shown):
            known_by = set() if file.added else changed
            _Reader(self, known, known_by, file, number).read(file.lines)

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

    def _is_started(self, start: _Start, callback: str) -> bool:
        if callback in start.callbacks:
            return True
        if start.keys is None or callback in self._bound_to_any:
            return start.keys is None or bool(start.keys)
        return not start.keys.isdisjoint(self._bound_to.get(callback, _NOTHING))

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
                starts = frozenset(c for c, lists in drained.items() if _one_list(keys, lists))
                if starts:
                    self._starts[function].append(_Start(_NOTHING, starts, anew))

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
        became = _sets()
        for (old, new), calls in self._moved.items():
            moved[old].append((new, calls))
            became[new].add(old)
        for now in self._post.callers(set(handed_on)):
            reached = self._post.reach(now)
            sought = set().union(*(handed_on[f] for f in reached.functions & handed_on.keys()))
            replaced = self._replaced.get(now, set())
            for was in {now, *became.get(now, ()), *self._pre.unknown(now), *replaced}:
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
        for one in self._pre.reach(was).functions:
            gone = [self._removed.get(one, set())]
            gone.extend(calls for new, calls in moved.get(one, ()) if new != now)
            for calls in gone:
                if not had.isdisjoint(calls):
                    return True
                below = calls & self._pre.calls.keys()
                if any(self._known[name] & words.KEEPS for name in calls):
                    below |= self._pre.callbacks()
                for name in below:
                    if not had.isdisjoint(self._pre.reach(name).calls):
                        return True
        return False

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
        found = _NAME.findall(body)
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

    def statement(self, given: _Statement, *, whole: bool) -> None:
        """Take in a call that binds, starts or hands over, whole or cut off."""
        kernel = self._known.kernel
        for name in given.names:
            arguments = _arguments(given.text, name) if whole else None
            registration = kernel.registrations.get(name)
            activation = kernel.activations.get(name)
            places = kernel.container_macros.get(name)
            if registration is not None:
                callbacks = frozenset(_NAME.findall(given.text))
                keys = _keys(arguments, registration.object_arg, named=registration.object_is_name)
                self._bind_to(callbacks, keys)
                if registration.activates and words.defers(registration):
                    self._starts[given.owner].append(_Start(_NOTHING, callbacks, given.anew))
            if activation is not None and not activation.keeps:
                keys = _keys(arguments, activation.object_arg)
                self._starts[given.owner].append(_Start(keys, _NOTHING, given.anew))
            if places is not None:
                keys = None if arguments is None else _words_of(arguments, places[2])
                self._bind_to(frozenset({given.owner}), keys)
            if name in kernel.list_adds:
                keys = _keys(arguments, kernel.list_adds[name][1])
                self._adds[given.owner].append(_Start(keys, _NOTHING, given.anew))
            if name in kernel.list_drains:
                keys = _keys(arguments, kernel.list_drains[name])
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


class _Reader:
    """Reads the hunks of one file into a sketch."""

    def __init__(
        self, sketch: Sketch, known: Words, changed: set[str], file: Shown, number: int
    ) -> None:
        """``changed`` are functions whose header the series adds, removes or changes."""
        self._place = number
        #: calls by function, and those that stand below a new branch of it
        self._shown = _sets()
        self._below: dict[str, set[str]] = {}
        self._added = file.added
        self._path = file.path
        self._lost = _UNKNOWN + file.path
        self._adrift = _ELSEWHERE + file.path
        self._sketch = sketch
        self._known = known
        self._changed = changed
        self._owners = [_OUTSIDE, _OUTSIDE] if file.whole else [self._lost, self._lost]
        #: whose lines follow after a macro, None when no macro is open
        self._after_macro: list[str] | None = None
        #: members that are set on lines of a kind, with what they are set to
        self._set: dict[str, defaultdict[str, set[str]]] = {"-": _sets(), "+": _sets()}
        #: lines that a header, a call that binds or one that releases may still go on for
        self._in_head = [0, 0]
        self._binding = 0
        self._handing = 0
        self._statements: list[_Statement] = []
        self._calls: dict[str, set[str]] = {"-": set(), " ": set(), "+": set()}

    def read(self, text: str) -> None:
        """Read from the first ``@@`` of a file on."""
        for given in text.split("\n"):
            line = given
            kind = line[:1]
            if kind == "@" and line.startswith("@@ "):
                self._start(line)
                continue
            if kind == "\\":
                continue
            if kind not in _KINDS:
                # a line that lost its mark on the way
                kind, line = " ", f" {line}"
            if self._added:
                if kind == "-":
                    continue
                kind = "+"
            if kind != " " and "." in line[:_DEEPEST]:
                self._slot(line, kind)
            if "(" in line or line[1:2] not in _INDENT or not self._calm():
                self._line(line[1:], kind)
            elif kind == "+":
                self._branch(line)
        self._finish()

    def _finish(self) -> None:
        """Tell what only shows when all of a file is read."""
        self._cut_off()
        self._sketch.branches(self._place, self._shown, self._below)
        self._sketch.twins(self._calls["-"], self._calls[" "], self._calls["+"])
        for member, new in self._set["+"].items():
            self._sketch.replace(self._set["-"].get(member, set()), new)

    def _slot(self, line: str, kind: str) -> None:
        found = _SLOT.match(line)
        if found is not None:
            self._set[kind][found[1]].add(found[2])

    def _calm(self) -> bool:
        """Whether nothing is open that the next line may belong to."""
        return not (
            self._binding
            or self._statements
            or self._handing
            or self._in_head[0]
            or self._in_head[1]
            or self._after_macro
        )

    def _start(self, line: str) -> None:
        section = line.split("@@", 2)[-1].strip()
        name = _header(section)
        self._owners = [self._lost, self._adrift if self._changed else self._lost]
        self._in_head = [0, 0]
        self._after_macro = None
        self._binding = self._handing = 0
        self._cut_off()
        if name and name != _MACRO:
            self._head(section, name, "+" if self._added else " ")
            if name in self._changed:
                # it may have another name, or end earlier, on one of the sides
                self._owners = [self._lost, self._adrift]

    def _head(self, body: str, name: str, kind: str) -> None:
        if name == _MACRO:
            name = self._lost
        else:
            self._sketch.head(name, kind, self._path, shaped=self._shaped(body))
        more = 0 if "{" in body or body.rstrip()[-1:] == ")" else _GOES_ON
        for side, other in ((0, "+"), (1, "-")):
            if kind != other:
                self._owners[side] = name
                self._in_head[side] = more
        if kind != " ":
            self._sketch.continues(self._owners[0], self._owners[1])

    def _line(self, body: str, kind: str) -> None:
        first = body[:1]
        if first == "#" and (macro := _DEFINE.match(body)):
            self._macro(macro[1], kind)
        name = _header(body) if first.isalpha() or first in _STARTS else None
        if name and not self._continues(kind):
            self._head(body, name, kind)
            if "{" not in body:
                return
            body = body.partition("{")[2]
            first = body.rstrip()[-1:]
        if self._in_head[0] or self._in_head[1]:
            self._parameters(body, kind)
        self._code(body, kind)
        if self._binding or self._statements or self._handing:
            self._go_on(body, kind)
        if self._after_macro and not body.endswith("\\"):
            self._owners, self._after_macro = self._after_macro, None
        if first == "}":
            for side, other in ((0, "+"), (1, "-")):
                if kind != other:
                    self._owners[side] = _OUTSIDE

    def _macro(self, name: str, kind: str) -> None:
        """Begin a macro that has arguments: it is called as a function is."""
        self._after_macro = self._after_macro or self._owners
        self._sketch.head(name, kind, self._path, shaped=False)
        self._owners = [name, name]

    def _branch(self, line: str) -> None:
        owner = self._owners[1] or self._lost
        if owner not in self._below and _BRANCH.search(line):
            self._below[owner] = set()

    def _code(self, body: str, kind: str) -> None:
        if kind == "+":
            self._branch(body)
        if "(" not in body or _COMMENT.match(body):
            return
        calls = [name for name in _CALL.findall(body) if name not in _KEYWORDS]
        bits = 0
        for name in calls:
            bits |= self._known[name]
        self._add(calls, kind, body)
        if bits & ~words.RELEASE:
            self._telling(calls, bits, body, kind)

    def _add(self, calls: list[str], kind: str, body: str) -> None:
        """Add calls to the function that they stand in.

        Outside of all nothing is called; what is indented there has a header that was not seen.
        """
        owners = self._owners
        if _OUTSIDE in owners:
            if body[:1] not in _INDENT:
                return
            owners = [owner or self._lost for owner in owners]
        self._sketch.add(calls, kind, owners)
        if kind != "-":
            owner = owners[1]
            self._shown[owner].update(calls)
            if owner in self._below:
                self._below[owner].update(calls)

    def _telling(self, calls: list[str], bits: int, body: str, kind: str) -> None:
        """Take in a line with calls that the tables know."""
        if bits & _TWINS:
            self._calls[kind].update(calls)
        if bits & words.WAITS and kind != " " and (kind == "-" or not _TALK.search(body)):
            self._sketch.wait(calls, kind)
        if bits & words.KEEPS:
            self._sketch.keep(kind, [owner or self._lost for owner in self._owners])
        if bits & words.WILD:
            self._handing = _GOES_ON
        if bits & words.BINDS:
            self._binding = _GOES_ON
        if bits & _TOLD and kind != "-":
            names = [name for name in calls if self._known[name] & _TOLD]
            self._statements.append(_Statement(names, self._owners[1] or self._lost))

    def _continues(self, kind: str) -> bool:
        """Whether a line in the first column belongs to a call that is still open."""
        return kind == " " and self._binding > 0 and self._owners[1] not in {_OUTSIDE, _UNKNOWN}

    def _parameters(self, body: str, kind: str) -> None:
        for side, other in ((0, "+"), (1, "-")):
            if kind != other and self._in_head[side]:
                self._in_head[side] = 0 if "{" in body else self._in_head[side] - 1
                if self._shaped(body):
                    owner = self._owners[side]
                    self._sketch.head(owner, "+" if side else "-", self._path, shaped=True)

    def _shaped(self, body: str) -> bool:
        """Whether a line of a header has the parameter of a callback."""
        return self._known.types.search(body) is not None

    def _go_on(self, body: str, kind: str) -> None:
        if self._handing:
            found = _NAME.findall(body)
            self._sketch.hand(found)
            self._add(found, kind, body)
            self._handing = 0 if ";" in body else self._handing - 1
        if self._binding:
            self._sketch.bind(body, kind)
            self._binding = 0 if ";" in body else self._binding - 1
        for statement in [*self._statements]:
            statement.text += body
            statement.anew |= kind == "+"
            statement.left -= 1
            if ";" in body:
                self._sketch.statement(statement, whole=True)
            elif not statement.left:
                self._sketch.statement(statement, whole=False)
            else:
                continue
            self._statements.remove(statement)

    def _cut_off(self) -> None:
        """Take in what goes on where nothing is shown any more."""
        for statement in self._statements:
            self._sketch.statement(statement, whole=False)
        self._statements.clear()


def _arguments(text: str, name: str) -> list[str] | None:
    """The arguments of the first call of ``name`` in ``text``, None when it does not end."""
    start = text.find(f"{name}(")
    if start < 0:
        return None
    found = [""]
    depth = 0
    for char in text[start + len(name) :]:
        depth += (char in "([{") - (char in ")]}")
        if not depth:
            return found
        if char == "," and depth == 1:
            found.append("")
        elif found != [""] or char != "(" or depth > 1:
            found[-1] += char
    return None


def _keys(
    arguments: list[str] | None, place: int | None, *, named: bool = False
) -> frozenset[str] | None:
    """What the object may be known by: its members, or its name; None when that is not told."""
    if arguments is None or place is None or place >= len(arguments):
        return None
    text = arguments[place].strip()
    members = frozenset(_MEMBER.findall(text))
    if members:
        return members
    if named:
        return frozenset(_NAME.findall(text))
    name = _OBJECT.match(text)
    return frozenset({name[1]}) if name else None


def _one_list(keys: frozenset[str] | None, lists: list[frozenset[str] | None]) -> bool:
    """Whether what is added to a list known by ``keys`` may be on one of ``lists``."""
    return any(keys is None or other is None or not keys.isdisjoint(other) for other in lists)


def _words_of(arguments: list[str], place: int) -> frozenset[str] | None:
    return frozenset(_NAME.findall(arguments[place])) if place < len(arguments) else None


def _changed(hunks: str) -> Iterator[str]:
    """Functions whose headers are added or removed; not those that only changed in place."""
    last = ("", "")
    for line in _CHANGED.findall(hunks):
        name = _header(line[1:])
        if name is None or name == _MACRO:
            continue
        if (line[0], last) == ("+", ("-", name)):
            last = ("", "")
            continue
        if last[1]:
            yield last[1]
        last = (line[0], name)
    if last[1]:
        yield last[1]


def _header(line: str) -> str | None:
    """The name of the function whose header ``line`` starts, None when it starts none.

    A macro may define a function of another name.
    """
    if line.rstrip().endswith(";") and "{" not in line:
        return None
    found = _HEAD.match(line.lstrip("*"))
    if found is None or found.group(1) in _KEYWORDS:
        return None
    name = found.group(1)
    if name.startswith("__") and _ANNOTATION.match(line):
        return None
    return _MACRO if name.isupper() else name


def of_diffs(diffs: Iterable[str]) -> Iterator[Shown]:
    """The hunks of each C file in ``diffs``.

    A diff without git's headers is taken for one file that was there before.
    """
    seen: dict[str, bool] = {}
    first_name: dict[str, str] = {}
    for diff in diffs:
        for section in _SECTION.split(diff):
            start = section.find("@@ -")
            head = section if start < 0 else section[:start]
            renamed = _RENAMED.search(head)
            if renamed:
                first_name[renamed[2]] = first_name.get(renamed[1], renamed[1])
            if start < 0:
                continue
            first = head.partition("\n")[0].strip()
            if not first.startswith("diff --git "):
                yield Shown(section[start:], added=False, path="")
            elif first.endswith(_C_SOURCE):
                path = first.rpartition(" ")[2].partition("/")[2]
                path = first_name.get(path, path)
                added = seen.setdefault(path, "\n--- /dev/null" in head)
                yield Shown(section[start:], added, path)


def of_whole(pair: FilePair) -> Shown:
    """A file that is there in full on both sides, its changes marked as a diff marks them."""
    old = _lines(pair.pre.text) if pair.pre is not None else []
    new = _lines(pair.post.text) if pair.post is not None else []
    origins = {after: before for before, after in pair.kept.items()}
    out: list[str] = []
    fresh: list[str] = []
    done = 0
    for number, text in enumerate(new, 1):
        origin = origins.get(number, 0)
        if origin <= done:  # new, or moved up past what was told already
            fresh.append(f"+{text}")
            continue
        out.extend(f"-{line}" for line in old[done : origin - 1])
        out += fresh
        out.append(f" {text}")
        fresh.clear()
        done = origin
    out.extend(f"-{line}" for line in old[done:])
    return Shown("\n".join(out + fresh), pair.pre is None, pair.old_path or pair.path, whole=True)


def _lines(text: bytes) -> list[str]:
    return text.decode("utf-8", "replace").split("\n")
