"""How loud a loss is: one policy in one place.

The level is a join: each lost effect has a strength, the loudest decides, and what is known
better later can only raise it.  Doubts about the losing path (it was no task, an error path
alone) turn all of it down, each with its reason.

    3   a table or a tree knows what it releases, and user space can see it: a warning
    2   named like a teardown, its body shown by nobody, or a number that somebody takes again is
        given back: a warning in a role, else a note
    1   any other call that nobody shows, an indirect call, a store, a gap: the same, but that
        the function which lost it is named like a teardown is no role by itself
    0   memory, and what puts itself off anyway: a note

``strength.py`` says which of these a loss is, ``slight.py`` why it is none that counts,
``roles.py`` what a role is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from patchlint.graph import guards
from patchlint.graph.roles import ends_something, role
from patchlint.graph.slight import late_in, slight, slighted
from patchlint.graph.still_waited import waited_otherwise
from patchlint.graph.strength import KNOWN, known_of, strength
from patchlint.graph.waits import ends_told
from patchlint.model.effect import MEMORY_ONLY, Ground

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss
    from patchlint.graph.old_context import OldContext
    from patchlint.model.kernel import KernelFacts
#: calls to what is done far below, the same where it is late, and tests above it
FAR: Final = 3
_FAR_AWAY: Final = 8
_MANY_TESTS: Final = 8


class Volume(Struct):
    """Starts loud; each doubt turns it down and leaves its reason."""

    level: str = "warning"
    reasons: list[Ground] = field(default_factory=list)

    def down(self, reason: Ground) -> None:
        """Turn down to a note, and keep why."""
        self.level = "note"
        if reason not in self.reasons:
            self.reasons.append(reason)


def volume(comparison: Comparison, losses: list[Loss], old: OldContext) -> Volume:
    """How loud the losses behind one edge are together, with what turned them down.

    As loud as the loudest; where none is loud, with what turned down each.  ``old``: what is known
    of those who came to what loses.
    """
    found = [_of_one(comparison, loss, old) for loss in losses]
    loud = next((one for one in found if one.level != "note"), None)
    reasons = dict.fromkeys(
        reason
        for loss, one in zip(losses, found, strict=True)
        # that memory is freed later says nothing of what else is
        if strength(loss.before[0]) or not any(strength(other.before[0]) for other in losses)
        for reason in one.reasons
    )
    return loud or Volume("note", list(reasons))


def _of_one(comparison: Comparison, loss: Loss, old: OldContext) -> Volume:
    """How loud one loss is by itself."""
    found = Volume()
    known = known_of(comparison, loss)
    if known == 0:
        found.down(slight(comparison, loss) or MEMORY_ONLY)
    elif loss.late and all(_by_name_alone(effect) for effect in loss.late):
        found.down(slighted("that it is done later is told by the name of a helper alone"))
    elif known < KNOWN and (unproven := _unproven(comparison, loss, old)):
        found.down(slighted(unproven))
    contexts = {hop.context for hop in loss.hops}
    if contexts == {"task"} and (why := _by_the_task(comparison, loss, old)):
        found.down(Ground(why))
    for why in _not_for_all(comparison, loss, old):
        found.down(Ground(why))
    if old.doubt:
        found.down(Ground(old.doubt))
    return found


def _not_for_all(comparison: Comparison, loss: Loss, old: OldContext) -> Iterator[str]:
    """Why a loss is none for those who relied on what was done."""
    yield from waited_otherwise(comparison, loss, old)
    if _in_one_configuration(comparison, loss):
        yield "it was done then in some configurations alone, and put off in others"
    if not comparison.kernel.coming_up.isdisjoint(loss.was.marks):
        yield "it runs when the kernel or its module comes up: nobody relies on it yet"
    if loss.held:
        yield "every caller that the mail shows makes up for it; others may not"
    if comparison.opt_in.asked(loss):
        yield "only a request that the series brings comes to it"
    if _far_below(loss):
        yield "it is done far below what was changed, under many tests: nobody relies on it there"
    if _waited_for(comparison, loss):
        yield "what waits for it waits for its context as well"
    if _brief(comparison, loss):
        yield "it is late by a grace period, and who meets it is told to try again"


def _far_below(loss: Loss) -> bool:
    """Whether a loss is one of many things that may happen on the way, and comes to no promise.

    In a whole tree a function comes to much by many calls.  Of what examiners called a loss nothing
    was done more than three calls below under more than eight tests, nor late so far away.
    """
    below = [e for e in loss.before if len(e.chain) > FAR]
    return len(below) == len(loss.before) and (
        all(len(e.guard) > _MANY_TESTS for e in below)
        or (bool(loss.late) and all(len(e.chain) > _FAR_AWAY for e in loss.late))
    )


def _by_name_alone(effect: Effect) -> bool:
    """Whether the name of a helper is all that tells of a deferral: it is given no function."""
    edge = effect.edge
    return (
        effect.guessed and edge is not None and edge.context == "unknown" and edge.callback is None
    )


def _by_the_task(comparison: Comparison, loss: Loss, old: OldContext) -> str:
    """Why what the task itself does later is no more than a note, "" when it may be.

    What an operation that ends something leaves to the return to user space is missed inside of
    the call, and by whoever is told of its end before: a mount that waits for the superblock to go.
    A teardown by its name alone is mostly the task's last step.  Task work that the task was made
    to run before it was back in user space, and nothing makes it run now, is late for everybody.
    """
    kept = any(effect.kept is not None for effect in loss.before)
    if kept and all(_unnotified(comparison.kernel, effect) for effect in loss.late):
        return ""
    if loss.how != "weaker":
        return "the task itself does it later, at a time that nothing fixes"
    # what a system call does last, its own return to user space follows at once
    if loss.now.entry is not None or not role(comparison, loss, old):
        return "it is done before the return to user space: nothing waits inside the call"
    return ""


def _unnotified(kernel: KernelFacts, effect: Effect) -> bool:
    """Whether it is task work that is added in a way which does not keep the promise."""
    edge = effect.hop
    row = kernel.activations.get(edge.mechanism) if edge is not None else None
    return row is not None and row.keeps and edge is not None and not edge.keeps


def _unproven(comparison: Comparison, loss: Loss, old: OldContext) -> str:
    """Why what no table knows is no more than a note, "" when a role shows more."""
    if loss.late and all(effect.guessed for effect in loss.late):
        return "that it is done later is told by a name alone"
    # that a number is given back is known, and sleeps nowhere
    if loss.key[0] != "number" and {hop.context for hop in loss.hops} == {"rcu-callback"}:
        return "no table knows what is done, and it cannot sleep in an RCU callback"
    # who waits no more is told by nobody
    if not loss.all_waited and _end_is_told(comparison, loss):
        return "what tells those who wait that it is done goes along with it"
    if not ends_something(comparison, loss):
        return "work is done later, and nothing says that it ends anything"
    if not role(comparison, loss, old):
        return "no table knows what is done, and nothing shows that user space waits for it"
    return ""


def _end_is_told(comparison: Comparison, loss: Loss) -> bool:
    """Whether the same completion is signalled behind it, late as before: who waits for it waits.

    Errs towards a note: the losing function may have made a promise of its own besides.
    """
    told = [ends_told(comparison.before, e.where, e.line) for e in loss.before]
    late = [ends_told(comparison.after, e.where, e.line) for e in loss.late]
    return bool(late) and bool(frozenset.intersection(*told, *late))


def _in_one_configuration(comparison: Comparison, loss: Loss) -> bool:
    """Whether it was deferred before where the preprocessor said otherwise."""
    late = {
        a.sign
        for e in comparison.old.of(loss.was)
        if e.late and e.key == loss.key
        for a in e.above
        if a.head.startswith(guards.CONFIGURED)
    }
    return bool(late) and all(any(a.opposite in late for a in e.guard) for e in loss.before)


def _waited_for(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is late only where whoever needs it waits for that context."""
    known = loss.before[0].known
    return known is not None and bool(loss.late) and late_in(comparison, loss, known.waited_in)


def _brief(comparison: Comparison, loss: Loss) -> bool:
    """Whether it is late only where that is soon over, and hardly anybody asks for the family."""
    known = loss.before[0].known
    contexts = comparison.kernel.brief.get(known.family) if known is not None else None
    return contexts is not None and bool(loss.late) and late_in(comparison, loss, contexts)
