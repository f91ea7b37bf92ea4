"""Facts of whole files that were read last: series of one list touch the same files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from patchlint.syntax.facts import extract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from patchlint.model.facts import FileFacts
    from patchlint.model.image import Image
    from patchlint.model.kernel import Macro

#: bytes of text whose facts are kept; these take some ten times as much
_MOST: Final = 6 << 20


class KeptFacts:
    """Reads images as :func:`extract` does; of whole files the latest are read once."""

    def __init__(self, most: int = _MOST) -> None:
        """Keep the facts of so many bytes of text."""
        self._most = most
        self._size = 0
        self._macros: Sequence[Macro] = ()
        self._known: dict[tuple[str, bytes], FileFacts] = {}

    def extract(self, image: Image, macros: Sequence[Macro]) -> FileFacts:
        """The facts of an image."""
        if not image.whole:
            return extract(image, macros)
        if macros is not self._macros:
            self._known.clear()
            self._macros, self._size = macros, 0
        key = (image.path, image.text)
        facts = self._known.pop(key, None)
        if facts is None:
            facts = extract(image, macros)
            self._size += len(image.text)
        self._known[key] = facts  # the latest
        while self._size > self._most and len(self._known) > 1:
            oldest = next(iter(self._known))
            self._size -= len(oldest[1])
            del self._known[oldest]
        return facts
