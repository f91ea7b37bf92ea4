"""The rules and tables, shipped and the user's own: the only reader of ``rules/``.

Nothing is ever read from a kernel tree or a mail under check.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from patchlint.ruleset import build, cache
from patchlint.ruleset.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from patchlint.model.kernel import Ruleset

__all__ = ["RuleError", "load", "vocabulary"]


def load(extra: Sequence[str | Path] = (), *, cached: bool = True) -> Ruleset:
    """Read the shipped rules and those of the folders ``extra``, which override by name.

    Raises RuleError, with file and line, for the first thing that is wrong.
    """
    return build.ruleset(compiled(extra, cached=cached))


def compiled(extra: Sequence[str | Path] = (), *, cached: bool = True) -> dict[str, Any]:
    """Return the plain data behind :func:`load`; from the cache when no file has changed."""
    roots = [cache.shipped(), *map(os.path.abspath, extra)]
    known = cache.state(roots)
    if cached and (body := cache.get("rules", roots, known)) is not None:
        kept = _kept(body)
        if kept is not None:
            return kept
    from pathlib import Path

    from patchlint.ruleset.read import compile_rules

    data = compile_rules([Path(root) for root in roots])
    if cached:
        cache.put("rules", roots, known, msgspec.json.encode(data))
        cache.put("words", roots, known, cache.pack(data["words"]))
    return data


def _kept(body: bytes) -> dict[str, Any] | None:
    try:
        data = msgspec.json.decode(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) and "kernel" in data and "words" in data else None


def vocabulary(ruleset: Ruleset) -> frozenset[bytes]:
    """Every function name that the tables know, for byte filters of one's own."""
    kernel = ruleset.kernel
    names = {
        *kernel.cleanups,
        *kernel.registrations,
        *kernel.activations,
        *kernel.waits,
        *kernel.list_adds,
        *kernel.list_drains,
        *kernel.deferral_types,
        *kernel.refcount_puts,
    }
    for twin in kernel.twins.values():
        names.update((twin.direct, twin.deferred))
    return frozenset(name.encode() for name in names)
