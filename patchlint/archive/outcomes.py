"""What happened next: filled in by a later change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchlint.archive.engine import Engine
    from patchlint.archive.progress import Progress
    from patchlint.archive.sources import Shelf
    from patchlint.archive.store import Store


def mine(store: Store, shelf: Shelf, engine: Engine, progress: Progress) -> None:
    """Look for outcomes of the findings in ``store``."""
    del store, shelf, engine, progress
