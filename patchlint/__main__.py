"""``python -m patchlint``: the command line, for where its script is not on the path."""

from __future__ import annotations

import sys

from patchlint.cli.main import script

if __name__ == "__main__":
    sys.exit(script())
