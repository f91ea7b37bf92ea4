"""How much is known of what was lost, and which loss a finding speaks of for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.graph.slight import slight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.graph.comparison import Comparison
    from patchlint.graph.effect import Effect
    from patchlint.graph.loss import Loss

#: the strength of what a table or a tree knows
KNOWN: Final = 3
#: steps to a release of which its own kind tells more than that of another
_NEAR: Final = 2
_ORDER: Final = {"ctx": 40, "wrap": 30, "sync": 20}


def strength(effect: Effect) -> int:
    """How much is known of an effect, from 3 (a row that user space can see) to 0."""
    if effect.kind in ("memory", "async"):
        return 0
    if effect.kind == "row":
        return KNOWN if effect.visible else 0
    return 2 if effect.kind == "named" or effect.key[0] == "number" else 1


def known_of(comparison: Comparison, loss: Loss) -> int:
    """How much is known of a loss that may matter, from 3 to 0."""
    return 0 if slight(comparison, loss) else strength(loss.before[0])


def weight(effect: Effect) -> int:
    """What a finding speaks of first: what branches on the context most, memory least."""
    if effect.kind == "memory":
        return 0
    if effect.kind == "async":
        return 1
    if effect.known is not None:
        # far below it is one of many things that a nearer release is known for
        order = _ORDER.get(effect.known.kind, 20) if len(effect.chain) <= _NEAR else 20
        return order if effect.visible else 5
    return {"named": 10, "opaque": 8, "indirect": 7}.get(effect.kind, 6)


def main_loss(comparison: Comparison, losses: Iterable[Loss]) -> Loss:
    """The loss that a finding speaks of: the strongest, then the nearest.

    What only gives back what its own function took is spoken of after what lasts.
    """

    def order(loss: Loss) -> tuple[object, ...]:
        shown = shown_of(comparison, loss)
        return (
            known_of(comparison, loss),
            strength(loss.before[0]),
            not comparison.balanced(shown),
            weight(shown),
            -len(shown.chain),
            -shown.line,
        )

    return max(losses, key=order)


def shown_of(comparison: Comparison, loss: Loss) -> Effect:
    """The lost effect that a finding shows: one whose line the series takes away, if any.

    Before that one that gives back more than its own function took.
    """
    return min(
        loss.before,
        key=lambda effect: (
            comparison.balanced(effect),
            comparison.lines.forward(loss.was.path, effect.root_line) is not None,
        ),
    )
