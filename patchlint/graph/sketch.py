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

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from patchlint.graph import words
from patchlint.graph.drawing import Drawing, Reached, Side, sets
from patchlint.graph.sketch_reader import Reader, changed_headers
from patchlint.graph.started import Start, one_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.marked import Shown
    from patchlint.graph.words import Words

_NOTHING: Final[frozenset[str]] = frozenset()


class Sketch:
    """The sketch of one series."""

    def __init__(self, files: Iterable[Shown], known: Words) -> None:
        self._known = known
        self._drawn = Drawing(known)
        self._pre, self._post = self._drawn.pre, self._drawn.post
        shown = list(files)
        changed = {name for file in shown if not file.added for name in changed_headers(file.lines)}
        for number, file in enumerate(shown):
            known_by = set() if file.added else changed
            Reader(self._drawn, known, known_by, file, number).read(file.lines)

    def may_matter(self) -> bool:
        """Whether a finding is possible."""
        if self._drawn.twin:
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
            anew = callback not in before or callback in self._drawn.bound_anew
            grown[callback] = late if anew else late - self._behind(self._pre, callback)
        return self._is_lost(behind, grown)

    def _all_behind(self, callbacks: set[str]) -> dict[str, set[str]]:
        """What each callback releases, also by what it starts in its turn."""
        own = {callback: self._behind(self._post, callback) for callback in callbacks}
        following = {
            callback: {
                other
                for function in self._post.reach(callback).functions & self._drawn.starts.keys()
                for start in self._drawn.starts[function]
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
        for function, starts in self._drawn.starts.items():
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
            callback in self._drawn.bound_to_any
            or not start.keys.isdisjoint(self._drawn.bound_to.get(callback, _NOTHING))
        )

    def _hand_over(self, callbacks: set[str]) -> None:
        """Make starts of the lists that a callback drains."""
        drained = {
            callback: [
                keys
                for function in self._post.reach(callback).functions & self._drawn.drained.keys()
                for keys in self._drawn.drained[function]
            ]
            for callback in callbacks
        }
        for function, adds in self._drawn.adds.items():
            for keys, _, anew in adds:
                starts = frozenset(c for c, lists in drained.items() if one_list(keys, lists))
                if starts:
                    self._drawn.starts[function].append(Start(_NOTHING, starts, anew))

    def _loud(self, behind: set[str]) -> bool:
        """Whether a release is among them that a lost wait is told of."""
        return any(not self._known[name] & words.QUIET for name in behind)

    def _behind(self, side: Side, callback: str) -> set[str]:
        """What a callback releases: calls that release, and names handed to such."""
        known = self._known
        reached = side.reach(callback).calls
        return {
            name for name in reached if known[name] & words.RELEASE or name in self._drawn.handed
        }

    def _wait_is_gone(self) -> bool:
        """Whether a wait was removed and none came for it."""
        return self._drawn.flush_gone and not any(count > 0 for count in self._drawn.waits.values())

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
        for (old, new), calls in self._drawn.moved.items():
            moved[old].append((new, calls))
            became[new].add(old)
        changed = self._pre.leading_to(self._drawn.removed.keys() | moved.keys())
        branched = self._post.leading_to(self._drawn.branched)
        for now in self._post.callers(set(handed_on)):
            replaced = self._drawn.replaced.get(now, set())
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

    def _is_narrowed(self, had: set[str], reached: Reached) -> bool:
        """Whether a new line may be a condition of one of ``had``."""
        return not had.isdisjoint(reached.calls) and any(
            self._post.leads(name, had)
            for one in self._drawn.branched.keys() & reached.functions
            for name in self._may_be_below(one)
        )

    def _may_be_below(self, function: str) -> set[str]:
        """Calls of a function that may stand below a new branch of it.

        In the same diff that is told by their order, in another one it may be anywhere.
        """
        branches = self._drawn.branched[function]
        found: set[str] = set()
        for number, calls in self._drawn.shown_in[function].items():
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
        for one in self._pre.reach(was).functions & (self._drawn.removed.keys() | moved.keys()):
            gone = [self._drawn.removed.get(one, set())]
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
