"""What a condition proves about who runs it: a task that is exiting came by ``exit``.

The tables say which tests of the running task prove something, and below which system calls
alone they hold.  Errs towards no proof: a task that is in a variable which anything but
``current`` is put in may be another one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.graph import guards
from patchlint.model.effect import EntryChain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.guards import Atom
    from patchlint.model.facts import Function
    from patchlint.model.kernel import KernelFacts

_RUNNING: Final = "current"


def proved(
    kernel: KernelFacts, atom: Atom, function: Function, entries: Iterable[EntryChain]
) -> tuple[EntryChain, ...]:
    """The only system calls below which a test in ``function`` holds; none where it proves nothing.

    Of ``entries`` those with their chains; a call that none of them is comes without one, since
    the test tells of it whether a walk came there or not.
    """
    text = _of_running(guards.said(atom), function)
    calls = dict.fromkeys(
        call for proof in kernel.proofs if proof.pattern.search(text) for call in proof.calls
    )
    known = {entry.name: entry for entry in entries if entry.kind == "syscall"}
    return tuple(known.get(name) or EntryChain(name, "syscall", ()) for name in calls)


def _of_running(text: str, function: Function) -> str:
    """A test with ``current`` for the variables of a function that are never another task."""
    for name in dict.fromkeys(one.target for one in function.assignments):
        values = {one.value.strip() for one in function.assignments if one.target == name}
        if values == {_RUNNING}:
            text = re.sub(rf"(?<![\w.>]){re.escape(name)}\b", _RUNNING, text)
    return text
