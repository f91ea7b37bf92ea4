"""Whether a release only gives back what the function that does it has taken itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from patchlint.model.facts import UNNAMED

if TYPE_CHECKING:
    from patchlint.graph.summary import Effect
    from patchlint.model.facts import Call
    from patchlint.model.kernel import KernelFacts


def balanced(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether what is done late gives back what the very function has taken.

    That is no release of anything that was there when it was started.
    """
    site = effect.site
    if site is None or not site.args:
        return False
    return any(
        call.line <= site.line
        and (
            (site.callee in kernel.references.get(call.callee, ()) and _gives_back(call, site))
            or (call.callee in kernel.refcount_gets and _counts_in(call, site))
            or (kernel.obtains.search(call.callee) is not None and _is_own(call, site))
        )
        for call in effect.where.calls
    )


def taken_unseen(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether a reference is given back of which no hunk shows where it came from.

    It is in a variable of the function that nothing in its known lines sets: it may have
    been taken there, as what is looked up is, or found there.
    """
    site, where = effect.site, effect.where
    if site is None or not site.args or where.complete:
        return False
    name = site.args[0].strip()
    return (
        name.isidentifier()
        and kernel.puts.search(site.callee) is not None
        and not where.name.startswith(UNNAMED)
        and name not in {one.name for one in where.parameters}
        and not any(one.target == name and one.value != "NULL" for one in where.assignments)
        and not any(call.assigned == name or _sets(call, name) for call in where.calls)
    )


def held_for_a_moment(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether a twin gives back what its function took only if somebody held it, on one variable.

    The last put is that of the holder, but for a race.  What a deferral gives back is held on.
    """
    call = effect.root
    if call is None or call.callee not in kernel.twins or not call.args:
        return False
    return any(
        taken.callee in kernel.tries
        and taken.line < call.line
        and call.callee in kernel.references.get(taken.callee, ())
        and _gives_back(taken, call)
        for taken in effect.where.calls
    )


def _sets(call: Call, name: str) -> bool:
    """Whether a call is given a variable to set: its address, or as what a loop goes through."""
    return f"&{name}" in call.args or ("for_each" in call.callee and name in call.args)


def _gives_back(taken: Call, release: Call) -> bool:
    """Whether a release is of the object that a call took, or that it returned."""
    return release.args[0] in {*taken.args[:1], taken.assigned}


def _is_own(obtained: Call, release: Call) -> bool:
    """Whether a release is of what a call gave to the function."""
    return obtained.assigned == release.args[0]


def _counts_in(counted: Call, release: Call) -> bool:
    """Whether a call counts up in the very object that is released."""
    return (
        bool(counted.args)
        and re.match(rf"&?\(*{re.escape(release.args[0])}\)*(?:->|\.)", counted.args[0]) is not None
    )
