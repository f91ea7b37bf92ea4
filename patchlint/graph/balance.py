"""Whether a release only gives back what the function that does it has taken itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph import branches
from patchlint.graph.leaves import named_teardown
from patchlint.graph.objects import variables
from patchlint.model.facts import UNNAMED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from patchlint.graph.build import Deferral, Graph
    from patchlint.graph.effect import Effect
    from patchlint.model.facts import Call, Function
    from patchlint.model.kernel import KernelFacts

#: the last member of an expression
_LAST: Final = re.compile(r"(?:->|\.)([A-Za-z_]\w*)\)*$")
#: a variable, or what a macro or helper makes of it
_ITSELF: Final = re.compile(r"(?:[A-Za-z_]\w*\s*\(\s*)?(?P<name>[A-Za-z_]\w*)\s*\)?")
#: the address of a member, or a member: what a variable may stand for
_PLACE: Final = re.compile(r"&?[A-Za-z_]\w*(?:(?:->|\.)[A-Za-z_]\w*)+")


def balanced(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether what is done late gives back what the very function has taken.

    That is no release of anything that was there when it was started.
    """
    site = effect.site
    if site is None or not site.args:
        return False
    names = _names_of(effect.where, site.args[0])
    return any(
        call.line <= site.line
        and (
            _took(kernel, call, names, site.callee)
            or (call.callee in kernel.refcount_gets and _counts_in(call, names))
        )
        for call in effect.where.calls
    )


def undone(kernel: KernelFacts, function: Function, call: Call) -> bool:
    """Whether a call only undoes what its function did: that failed, or it gives its own back."""
    return (
        branches.on_error_path(kernel, call, (function,))
        or branches.below_zero(call)
        or branches.undoes(kernel, function, call)
        or gives_back_own(kernel, function, call)
    )


def gives_back_own(kernel: KernelFacts, function: Function, call: Call) -> bool:
    """Whether a call gives back what its very function took, found or made above it.

    Who comes there by such a call holds nothing of its own, and its put is seldom the last one.
    What a function took out of a place to end it was there before, and what stands before others
    in a call that is not named for a put may be what holds them.
    """
    if not call.args:
        return False
    it = len(call.args) == 1 or kernel.puts.search(call.callee) is not None
    names = _names_of(function, call.args[0]) | {_itself(call.args[0])}
    return any(
        other.line < call.line
        and (
            (_gives_back(other, names) and _pair(kernel, other.callee, call.callee))
            or (
                it
                and (kernel.obtains.search(other.callee) or kernel.constructor.search(other.callee))
                and (other.assigned in names or f"&{call.args[0]}" in other.args)
                and not kernel.teardown.search(other.callee)
            )
        )
        for other in function.calls
    )


def _took(kernel: KernelFacts, call: Call, names: frozenset[str], release: str) -> bool:
    """Whether a call took what ``release`` gives back, or gave its caller one to put."""
    return (_gives_back(call, names) and _pair(kernel, call.callee, release)) or (
        kernel.obtains.search(call.callee) is not None
        and call.assigned in names
        # the end of a thing is not the end of having found it
        and not kernel.final.search(release)
    )


def _pair(kernel: KernelFacts, taken: str, release: str) -> bool:
    """Whether one function gives back what another takes: by the table, or by their names.

    Names are a pair that differ in one word, ``get`` in the one and ``put`` in the other.
    """
    if release in kernel.references.get(taken, ()):
        return True
    words, others = taken.split("_"), release.split("_")
    if len(words) != len(others):
        return False
    apart = [place for place, word in enumerate(words) if word != others[place]]
    return len(apart) == 1 and others[apart[0]] in kernel.reference_words.get(words[apart[0]], ())


def taken_unseen(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether a reference is given back of which no hunk shows where it came from.

    It is in a variable of the function that nothing in its known lines sets: it may have
    been taken there, as what is looked up is, or found there.  Of a twin the function that calls
    it is meant, and one that is named for an end is taken to have had what it puts.
    """
    root, where = effect.root, effect.where
    twin = kernel.twins.get(root.callee) if root is not None else None
    if root is not None and twin is not None:
        return not named_teardown(kernel, where.name) and _unseen(kernel, where, root, twin.direct)
    return effect.site is not None and _unseen(kernel, where, effect.site, effect.site.callee)


def _unseen(kernel: KernelFacts, where: Function, call: Call, put: str) -> bool:
    """Whether ``put``, done by ``call``, gives back what no known line of the function sets."""
    if not call.args or where.complete or where.name.startswith(UNNAMED):
        return False
    name = _itself(call.args[0])
    return (
        name.isidentifier()
        and kernel.puts.search(put) is not None
        and name not in {one.name for one in where.parameters}
        and not any(one.target == name and one.value != "NULL" for one in where.assignments)
        and not any(other.assigned == name or _sets(other, name) for other in where.calls)
    )


def _itself(text: str) -> str:
    """The variable that an argument is, also where a macro or helper stands around it.

    ``BTRFS_I(inode)`` is ``inode``; "" for anything else.
    """
    found = _ITSELF.fullmatch(text.strip())
    return found["name"] if found is not None else ""


def taken_for_it(graph: Graph, worker: Function, effect: Effect) -> bool:
    """Whether a worker gives back what each of its starters has taken for it.

    The starter takes a reference and queues the object, or puts what it took in the member
    that is released: nothing that was there before is released.  Errs towards no where no
    image shows a starter.
    """
    site = effect.site
    if site is None or not effect.args:
        return False
    starts = [edge for edge in graph.runs_of(worker) if not edge.handoff]
    return bool(starts) and all(
        _takes_for(graph.kernel, edge, effect.args[0], site.callee) for edge in starts
    )


def takes(kernel: KernelFacts, function: Function, release: str) -> tuple[Call, ...]:
    """The calls of a function that take what ``release`` gives back, by table or by name."""
    return tuple(call for call in function.calls if _pair(kernel, call.callee, release))


def taken_on_the_way(
    effect: Effect, holders: Iterable[Function], taken: Callable[[Function], Sequence[Call]]
) -> bool:
    """Whether a callback gives back what was taken for it on the way to its start.

    ``get_lamp(lamp); lamp_queue(lamp);`` in a caller of who starts it, or both in that one.
    ``taken`` tells the calls of a function that take such a thing.
    Errs towards yes where two things are passed on, and the one that was taken is not released.
    """
    edge = effect.last
    if edge is None or effect.where.name != edge.callback:
        return False
    # a helper may start what it is given, for its callers
    ways = (*effect.way, edge.call, *(start for _, start in edge.within))
    return any(
        call.line < start.line and _passes(start, (*call.args[:1], call.assigned))
        for holder in (*holders, *(helper for helper, _ in edge.within))
        for call in taken(holder)
        for start in ways
        if holder.makes(start)
    )


def _passes(call: Call, names: Iterable[str | None]) -> bool:
    """Whether a call is given one of some variables, or a member of it by address."""
    return any(
        given == name or given.startswith(f"&{name}->")
        for name in names
        if name
        for given in call.args
    )


def _takes_for(kernel: KernelFacts, edge: Deferral, released: str, release: str) -> bool:
    """Whether a starter takes a reference, above the start, of what its callback releases."""
    starter = edge.function
    member = _member(released)
    pairs = [(one.target, one.value) for one in starter.stores]
    pairs += [(one.target, one.value) for one in starter.assignments]
    stored = {value.strip() for target, value in pairs if member and _member(target) == member}
    given = variables(edge.call.args)
    return any(
        call.line <= edge.line
        and (
            _pair(kernel, call.callee, release)
            or call.callee in kernel.refcount_gets
            or (kernel.obtains.search(call.callee) is not None and call.assigned in stored)
        )
        and (
            not stored.isdisjoint({*call.args[:1], call.assigned})
            or (member and _member(call.assigned or "") == member)
            or not given.isdisjoint(variables(call.args[:1]))
        )
        for call in starter.calls
    )


def _member(text: str) -> str:
    """The last member that an expression names, "" for none."""
    found = _LAST.search(text)
    return found[1] if found is not None else ""


def held_for_a_moment(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether a twin gives back what its very function took of something that others hold.

    The last put is that of a holder, but for a race.  What a deferral gives back is held on.
    """
    call = effect.root
    twin = kernel.twins.get(call.callee) if call is not None else None
    if call is None or twin is None or not (call.args and kernel.puts.search(twin.direct)):
        return False
    names = frozenset((call.args[0], _itself(call.args[0])))
    return any(
        taken.line < call.line and _took(kernel, taken, names, twin.direct)
        for taken in effect.where.calls
    )


def _sets(call: Call, name: str) -> bool:
    """Whether a call is given a variable to set: its address, or as what a loop goes through."""
    return f"&{name}" in call.args or ("for_each" in call.callee and name in call.args)


def _names_of(function: Function, released: str) -> frozenset[str]:
    """How a function may spell what it releases: as it does, and by what it set to that.

    ``obj = &bo->base;`` makes ``obj`` and ``&bo->base`` one object.  When a variable is set
    to other things as well, both are taken: an approximation, which errs towards balance.
    """
    found = {released}
    for one in function.assignments:
        if one.value.strip() == released and one.target.isidentifier():
            found.add(one.target)
        elif one.target == released and _PLACE.fullmatch(one.value.strip()):
            found.add(one.value.strip())
    return frozenset(found)


def _gives_back(taken: Call, names: frozenset[str]) -> bool:
    """Whether a call took what is released, or returned it."""
    return not names.isdisjoint({*taken.args[:1], taken.assigned})


def _counts_in(counted: Call, names: frozenset[str]) -> bool:
    """Whether a call counts up in the very object that is released."""
    return bool(counted.args) and any(
        re.match(rf"&?\(*{re.escape(name)}\)*(?:->|\.)", counted.args[0]) is not None
        for name in names
    )
