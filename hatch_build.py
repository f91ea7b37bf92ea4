"""What is made when the package is built: completions of the shells, and the manual page."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Hook(BuildHookInterface[Any]):
    """Adds to a wheel what its own parsers tell of the command line."""

    _made = ""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files and say where below the prefix they are installed."""
        del version
        self._made = tempfile.mkdtemp(prefix="patchlint-build-")
        for number, (place, text) in enumerate(_files(self.root).items()):
            path = Path(self._made, str(number))
            path.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(path)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Take the files away again: they are in the wheel."""
        del version, build_data, artifact_path
        shutil.rmtree(self._made, ignore_errors=True)


def _files(root: str) -> dict[str, str]:
    sys.path.insert(0, root)
    try:
        from patchlint import __version__
        from patchlint.cli import completions, man, surface

        made = {place: completions.make(shell) for shell, place in completions.PLACES.items()}
        page = man.page(surface.program(), __version__)
        return {**made, "share/man/man1/patchlint.1": "".join(f"{line}\n" for line in page)}
    finally:
        sys.path.remove(root)
