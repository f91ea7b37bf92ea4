"""How a report is to look, apart from what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from patchlint.model.link import LORE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patchlint.model.kernel import Rule


class Style(Struct, frozen=True):
    """What the reader asked for; each format uses the part that means something to it.

    ``color`` allows ANSI colours.  ``width`` is in columns; a ``terminal`` is as wide as
    that, and lines are folded and chains cut to fit.  ``verbose`` shows notes, chains and
    limitations in full; ``quiet`` leaves the headlines alone.  ``notes`` are told, since they
    count for the reader, in the formats that leave them out else.
    ``complaints`` is the address that wrong findings are told to, empty for a plain reply.
    ``rules`` gives help texts by rule id and may be empty or lack a rule.
    ``rule_url`` is where a rule is explained, with ``%s`` for its id, ``repository`` the
    URI of the repository that was checked against; both may be empty.  ``link_url`` is
    where a mail is read, with ``%s`` for its Message-ID.  ``silence`` is what to say where
    nothing was found, empty for in how much nothing was.
    """

    color: bool = False
    width: int = 100
    terminal: bool = False
    verbose: bool = False
    quiet: bool = False
    notes: bool = False
    complaints: str = ""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    rule_url: str = ""
    repository: str = ""
    link_url: str = LORE
    silence: str = ""
