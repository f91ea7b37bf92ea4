"""Writes keys into rows of the cleanup tables, and leaves all else as it stands."""

from __future__ import annotations

import re
from pathlib import Path

CLEANUPS = Path(__file__).parent.parent.parent / "rules" / "kernel" / "cleanups"


def set_keys(changes):
    """Write ``changes`` (row -> key -> value, None removes a key); names that have no row."""
    left = dict(changes)
    for table in sorted(CLEANUPS.glob("*.toml")):
        text = table.read_text()
        head, *blocks = re.split(r"(?=^\[\[cleanup\]\]$)", text, flags=re.MULTILINE)
        for number, block in enumerate(blocks):
            name = re.search(r'^name = "(\w+)"$', block, re.MULTILINE)[1]
            if name in left:
                blocks[number] = _changed(block, left.pop(name))
        new = head + "".join(blocks)
        if new != text:
            table.write_text(new)
    return sorted(left)


def _changed(block, keys):
    for key, value in keys.items():
        block = re.sub(rf"^{key} = .*\n", "", block, flags=re.MULTILINE)
        if value is None:
            continue
        line = f"{key} = {_toml(value)}\n"
        body = block.rstrip("\n")
        block = body + "\n" + line + block[len(body) + 1 :]
    return block


def _toml(value):
    if isinstance(value, str):
        return f'"{value}"'
    return "[" + ", ".join(f'"{one}"' for one in value) + "]"
