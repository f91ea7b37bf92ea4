"""The pipeline, top to bottom: read this first.

mails -> series -> images before and after -> facts -> graph -> downgrades -> findings
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from patchlint.model.finding import Report
from patchlint.model.kernel import Ruleset
from patchlint.model.mail import Series


@dataclass(frozen=True, slots=True)
class Options:
    """How to check.  ``tree`` is a path or None; ``only``/``without`` are rule ids."""

    tree: str | None = None
    rules: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    jobs: int = 1


def check(inputs: Sequence[str], options: Options, stdin: bytes | None = None) -> Report:
    """Read ``inputs`` (paths, ``-`` for ``stdin``, git ranges) and report on them."""
    raise NotImplementedError


def check_series(series: Iterable[Series], ruleset: Ruleset, options: Options) -> Report:
    """Report on series that are at hand already.  Nothing is read but the tree."""
    raise NotImplementedError
