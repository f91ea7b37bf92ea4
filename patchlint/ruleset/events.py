"""What user space did when a finding's release was due, and texts that speak of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from patchlint.model.effect import EntryChain
    from patchlint.model.kernel import Event, KernelFacts

#: ``{close, exit}``: the events of which a text is true; ``{call}`` is any
PLACE: Final = re.compile(r"\{([a-z][a-z-]*(?:, [a-z-]+)*)\}")
_ANY: Final = "call"
_NOTHING_KNOWN: Final = "the call"
#: where an entry's event, that begins a line of its own, wants an article in a sentence
_ARTICLE: Final = re.compile(r"^(?=(?:last|shutdown|deletion|removal|hangup|driver|exit)\b)")
#: of more than so many none says when
_MOST: Final = 3


def of(kernel: KernelFacts, entry: EntryChain) -> Event | None:
    """The event that an entry point is of, None where no table knows it."""
    return next(
        (
            one
            for one in kernel.events
            if (entry.kind == "syscall" and entry.name in one.calls)
            or entry.kind in one.kinds
            or entry.said in one.operations
        ),
        None,
    )


def named(kernel: KernelFacts, entry: EntryChain) -> str:
    """An entry as user space calls it; an operation that no table has words for by its function."""
    event = of(kernel, entry)
    if entry.kind != "syscall":
        told = event.said if event is not None else _ARTICLE.sub("the ", entry.event)
        return told or f"{entry.name}() ({entry.kind})"
    if "(" in entry.said:
        return entry.said
    return event.said if event is not None else f"{entry.said or entry.name}(2)"


def filled(
    kernel: KernelFacts, text: str, entries: Sequence[EntryChain], otherwise: str = _NOTHING_KNOWN
) -> str:
    """A text with the events in it that it is told of, "" where it is true of none of them.

    Where none is known, or more than one names, it is told of ``otherwise``.
    """
    place = PLACE.search(text)
    if place is None:
        return text
    if place[1] == _ANY:
        told = dict.fromkeys(
            named(kernel, one)
            for one in entries
            if one.kind == "syscall" or one.event or of(kernel, one)
        )
        said = either(told) if 0 < len(told) <= _MOST else otherwise
    else:
        wanted = place[1].split(", ")
        events = (event for one in entries if (event := of(kernel, one)) is not None)
        said = either(dict.fromkeys(one.said for one in events if one.name in wanted))
    return PLACE.sub(lambda _: said, text, count=1) if said else ""


def plain(kernel: KernelFacts, text: str) -> str:
    """A text as it is true in general: all its events."""
    events = {one.name: one.said for one in kernel.events}

    def words(place: re.Match[str]) -> str:
        if place[1] == _ANY:
            return _NOTHING_KNOWN
        return either(events.get(one, one) for one in place[1].split(", "))

    return PLACE.sub(words, text)


def either(words: Iterable[str]) -> str:
    """``close(2), munmap(2) or execve(2)``."""
    *first, last = [*words] or [""]
    return f"{', '.join(first)} or {last}" if first else last
