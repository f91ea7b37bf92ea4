"""Whether a rule's documentation has the outline that every rule's has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from patchlint.model.kernel import Rule

#: a word of each second-level heading, in order
OUTLINE: Final = ("finds", "matters", "promise", "example", "instead", "misses", "references")
_HEADING: Final = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_FENCED: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def problems(rule: Rule) -> tuple[str, ...]:
    """Return what is missing, empty or out of order in the documentation of ``rule``."""
    text = _FENCED.sub("code", rule.documentation)
    if not text.strip():
        return (f"{rule.id}: there is no {rule.id}.md beside {rule.id}.toml",)
    found = []
    if not text.lstrip().startswith("# "):
        found.append(f"{rule.id}: the documentation does not begin with a title")
    headings = [(match[1].lower(), match.end()) for match in _HEADING.finditer(text)]
    ends = [*(match.start() for match in _HEADING.finditer(text)), len(text)][1:]
    order = []
    for word in OUTLINE:
        places = [number for number, (heading, _) in enumerate(headings) if word in heading]
        if not places:
            found.append(f"{rule.id}: no heading says '{word}'")
            continue
        order.append(places[0])
        if not text[headings[places[0]][1] : ends[places[0]]].strip():
            found.append(f"{rule.id}: nothing stands under '{headings[places[0]][0]}'")
    if order != sorted(order):
        found.append(f"{rule.id}: the headings are not in the order {', '.join(OUTLINE)}")
    return tuple(found)
