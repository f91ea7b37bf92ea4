"""What a changed rule can touch: digests of rules and tables, by the words they name.

A series is checked again when an entry for one of *its* words changed, when a rule that
can speak of its words changed, or when something changed that reaches everywhere (the
program, hints, macros).  It errs towards checking again.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from patchlint.model.pattern import AnyPattern, LazyPattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.model.kernel import Rule, Ruleset

_GAP: Final = re.compile(r"\W+", re.ASCII)


class Reach:
    """The digests of one ruleset."""

    def __init__(self, ruleset: Ruleset, context: str, *, far: bool = False) -> None:
        """``context`` is whatever else results depend on: version, options.

        ``far`` is set when a tree is at hand: then names that no mail says can lead to a
        finding, and any change reaches everywhere.
        """
        kernel = ruleset.kernel
        self._rules = [(rule, rule_digest(rule)) for rule in ruleset.rules]
        self._entries: dict[str, list[str]] = {}
        self._families: dict[str, str] = {
            name: cleanup.family for name, cleanup in kernel.cleanups.items()
        }
        rest = []
        for field in kernel.__struct_fields__:
            value = getattr(kernel, field)
            if isinstance(value, dict):
                for name, entry in value.items():
                    shown = f"{field}={_show(entry)}"
                    for known in dict.fromkeys((*name.split("."), *_names(entry))):
                        self._entries.setdefault(known, []).append(shown)
            elif isinstance(value, frozenset):
                for name in value:
                    self._entries.setdefault(name, []).append(field)
            else:
                rest.append(f"{field}={_show(value)}")
        if far:
            rest.append(ruleset.digest)
        self._everywhere = _digest([context, *rest])
        self.vocabulary = frozenset(self._entries)

    def words(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The names of the tables that stand in ``texts``, sorted."""
        found: set[str] = set()
        for text in texts:
            found.update(self.vocabulary.intersection(_GAP.split(text)))
        return tuple(sorted(found))

    def digest(self, words: Iterable[str]) -> str:
        """What the results of a thread that speaks ``words`` depend on, as one digest."""
        known = sorted(set(words))
        families = {self._families.get(word) for word in known}
        parts = [self._everywhere]
        for word in known:
            parts.extend((word, *self._entries.get(word, ())))
        parts.extend(digest for rule, digest in self._rules if _speaks(rule, families, known))
        return _digest(parts)

    def rules(self) -> list[tuple[Rule, str]]:
        """The rules with their digests."""
        return list(self._rules)


def _speaks(rule: Rule, families: set[str | None], words: list[str]) -> bool:
    """Whether ``rule`` can speak of a thread.

    A rule of a shape, or of the family of cleanups that no table knows, can speak of any.

    """
    if rule.cleanups:
        return not families.isdisjoint(rule.families) or not set(rule.cleanups).isdisjoint(words)
    if rule.shape is not None or not rule.families or "structural" in rule.families:
        return True
    return not families.isdisjoint(rule.families)


def _names(entry: object) -> tuple[str, ...]:
    """Further function names that an entry speaks of: both halves of a deferred twin."""
    names = (getattr(entry, "direct", None), getattr(entry, "deferred", None))
    return tuple(name for name in names if name and hasattr(entry, "direct"))


def rule_digest(rule: Rule) -> str:
    """Digest of all that a rule says in a finding; its documentation is not part of it."""
    return _digest(
        f"{name}={_show(getattr(rule, name))}"
        for name in rule.__struct_fields__
        if name != "documentation"
    )


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:24]


def _show(value: Any) -> str:
    """A text that is the same for equal values in any process."""
    if isinstance(value, (re.Pattern, AnyPattern, LazyPattern)):
        return f"{value.pattern!r}/{getattr(value, 'flags', 0)}"
    if isinstance(value, (tuple, list)):
        return "(" + ",".join(map(_show, value)) + ")"
    if isinstance(value, (set, frozenset)):
        return "{" + ",".join(sorted(map(_show, value))) + "}"
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{_show(k)}:{_show(v)}" for k, v in value.items())) + "}"
    if isinstance(value, Struct):
        inner = (f"{name}={_show(getattr(value, name))}" for name in value.__struct_fields__)
        return f"{type(value).__name__}({','.join(inner)})"
    if value is not None and not isinstance(value, (str, int, float)):
        # the text of anything else may say where it lies, which differs in each process
        raise TypeError(f"{type(value).__name__} has no text of its own")
    return repr(value)
