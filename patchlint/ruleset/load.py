"""The rules and tables, shipped and the user's own: the only reader of ``rules/``.

Nothing is ever read from a kernel tree or a mail under check.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import msgspec

from patchlint.ruleset import build, cache
from patchlint.ruleset.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from patchlint.model.kernel import Ruleset

__all__ = ["RuleError", "load", "load_late", "vocabulary"]


def load(extra: Sequence[str | Path] = (), *, cached: bool = True) -> Ruleset:
    """Read the shipped rules and those of the folders ``extra``, which override by name.

    Raises RuleError, with file and line, for the first thing that is wrong.
    """
    return build.ruleset(compiled(extra, cached=cached))


def load_late(extra: Sequence[str | Path] = ()) -> Ruleset:
    """Return what :func:`load` returns, read when something of it is asked for.

    Most checks end before that.  Rules of the user's own are read at once, since what is
    wrong with them must be told.
    """
    return load(extra) if extra else cast("Ruleset", _LateRuleset())


class _LateRuleset:
    """Stands in for the shipped :class:`Ruleset`."""

    def __init__(self) -> None:
        self._whole: Ruleset | None = None

    def __getattr__(self, name: str) -> Any:
        """Return what the whole ruleset has under ``name``."""
        if name.startswith("_"):
            raise AttributeError(name)
        if self._whole is None:
            self._whole = load()
        return getattr(self._whole, name)

    def __reduce__(self) -> tuple[Callable[[], Ruleset], tuple[()]]:
        return load, ()


def compiled(extra: Sequence[str | Path] = (), *, cached: bool = True) -> dict[str, Any]:
    """Return the plain data behind :func:`load`; from the cache when no file has changed."""
    roots = [cache.shipped(), *map(os.path.abspath, extra)]
    known = cache.state(roots)
    if cached and (body := cache.get("rules", roots, known)) is not None:
        kept = _decoded(body)
        if kept is not None and "kernel" in kept and "words" in kept:
            return kept
    from pathlib import Path

    from patchlint.ruleset.read import compile_rules

    data = compile_rules([Path(root) for root in roots])
    if cached:
        cache.put("rules", roots, known, msgspec.json.encode(data))
        cache.put("words", roots, known, cache.pack(data["words"]))
    return data


def _decoded(body: bytes) -> dict[str, Any] | None:
    try:
        data = msgspec.json.decode(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


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
