"""The words of the branch that a finding tells: all of what one test asks, and what is new of it.

A test that stood above an old deferral, and asks for less or something else now, is told by the
difference.  Errs towards too much: what another test above asks as well is told twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.graph import guards
from patchlint.graph.told.condition import deciding_of
from patchlint.model.effect import CALLED_BY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.guards import Atom
    from patchlint.graph.loss import Loss


def words_of(comparison: Comparison, loss: Loss, late: Effect, condition: Atom) -> str:
    """The condition in words: ``lamp_is_big(l) && !lamp_is_hot(l)``, ``called by lamp_off()``."""
    callers = _deciding_callers(comparison, loss, condition)
    if callers:
        return f"{CALLED_BY}{' and '.join(f'{name}()' for name in callers)}"
    if condition.head.startswith(guards.CONFIGURED):
        return guards.said(condition)
    had = loss.stood
    if condition in late.above:
        asked = [a for a in deciding_of(comparison, loss, late) if _beside(a, condition)]
        # that there is anything to do sends nobody there
        empty = comparison.kernel.asks_for_any
        telling = [a for a in asked if not empty.search(guards.said(a))]
        every = [a for a in late.above if _beside(a, condition)]
        told = _joined([_fresh(a, had) for a in telling or [condition]], " && ")
    else:
        # what is left inline has all sides of an "or" against it
        left = next((one.guard for one in loss.instead if condition.turned in one.guard), ())
        sides = [a.turned for a in left if _beside(a, condition) and a.sign not in had]
        every = [condition]
        told = _joined([guards.said(a) for a in sides or every], " || ")
    return _difference(loss, every, condition) or told


def _fresh(atom: Atom, had: Collection[tuple[str, bool]]) -> str:
    """A test in words; of an "or" those sides that kept nothing from the release before."""
    sides = guards.pieces(atom.text, taken=not atom.positive)
    fresh = [one for one in sides if (guards.head(one[0]), one[1]) not in had]
    if not 0 < len(fresh) < len(sides):
        return guards.said(atom)
    return " || ".join(_said(_turned(one)) for one in fresh)


def _beside(atom: Atom, other: Atom) -> bool:
    """Whether two are parts of one test."""
    return (atom.path, atom.line, atom.early) == (other.path, other.line, other.early)


def _joined(texts: Iterable[str], joint: str) -> str:
    parts = list(dict.fromkeys(texts))
    other = "||" if joint.strip() == "&&" else "&&"
    return joint.join(f"({one})" if other in one and len(parts) > 1 else one for one in parts)


def _difference(loss: Loss, every: Sequence[Atom], condition: Atom) -> str:
    """What a test that was there asks newly, and asks no more; "" where it was not there.

    Of two tests that come out differently, and have a part in common, the later one is the earlier
    one, changed.  ``every`` are the parts of the later one.
    """
    now = [one for atom in every for one in guards.pieces(atom.text, taken=atom.positive)]
    kept: Sequence[tuple[str, bool]] = ()
    old: Sequence[tuple[str, bool]] = ()
    for atom in (atom for effect in loss.before for atom in effect.guard):
        if atom.positive == condition.positive:
            continue
        parts = guards.pieces(atom.text, taken=condition.positive)
        common = [part for part in parts if part in now]
        if len(common) > len(kept):
            kept, old = common, parts
    gone = [part for part in old if part not in now]
    if not gone:
        return ""
    one = _turned(gone[0]) if len(gone) == 1 else (" && ".join(map(_said, gone)), False)
    return " && ".join((*(_said(part) for part in now if part not in old), _said(one)))


def _turned(part: tuple[str, bool]) -> tuple[str, bool]:
    return part[0], not part[1]


def _said(part: tuple[str, bool]) -> str:
    text, positive = part
    atom = guards.Atom(text, positive, "", "", 0)
    told = guards.said(atom)
    return f"({told})" if "||" in told and not told.startswith("!") else told


def _deciding_callers(comparison: Comparison, loss: Loss, condition: Atom) -> tuple[str, ...]:
    """The functions whose constant decides a test of a parameter that the series adds.

    All callers pass it, and are in the series; none where one of them passes no constant.
    """
    names = [one.name for one in loss.now.parameters]
    if condition.text not in names or condition.text in {p.name for p in loss.was.parameters}:
        return ()
    place = names.index(condition.text)
    sent: dict[str, None] = {}
    for caller, call in comparison.after.callers_of(loss.now):
        given = guards.evaluate(call.args[place]) if place < len(call.args) else None
        if given is None:
            return ()
        if given == condition.positive:
            sent[caller.name] = None
    return tuple(sent)
