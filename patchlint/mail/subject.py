"""Subject lines: ``[RFC PATCH v3 02/11 net-next] title`` taken apart.

The corner cases (glued ``PATCHv3``, split groups, nested brackets, blanks around the
slash) are those that liblore's ``parse_patch_subject`` knows, and the results agree with
it, but for ``[PATCH] 2/3] title``, where b4 itself finds the numbers.  It is as
fast, but liblore is an optional dependency, and its import alone takes longer than all
that a git hook has to do.
"""

from __future__ import annotations

import re

from msgspec import Struct

_REPLY = re.compile(
    r"^\s*(?:(?:re|aw|fwd?|sv|vs|antw|wg|tr|odp|ref)\s*(?:\[\d+\])?\s*:\s*)+",
    re.IGNORECASE,
)
_REPLY_FOREIGN = re.compile(r"^\w{2,3}:\s*\[")
_BRACKET = re.compile(r"^\s*\[([^]]*)\]\s*")
_GLUED_VERSION = re.compile(r"(patch)(v\d+)", re.IGNORECASE)
_VERSION = re.compile(r"^v(\d{1,9})$", re.IGNORECASE)
_COUNTER = re.compile(r"^(\d{1,4})/(\d{1,4})$")
_SLASH = re.compile(r"\s*/\s*")
_WHITE = re.compile(r"\s+")
_SPLIT_COUNTER = re.compile(r"^\[([^][]*)\] ?(\d{1,4}/\d{1,4}) ?\]")


class Subject(Struct, frozen=True):
    """What a subject line says.

    ``number`` and ``total`` are None when no ``n/m`` stands there; ``version`` is 1 and
    ``versioned`` False when no ``vN`` does.  ``prefixes`` are the other words in the
    brackets (``RFC``, ``net-next``), in their order.
    """

    title: str
    version: int
    versioned: bool
    number: int | None
    total: int | None
    prefixes: tuple[str, ...]
    is_patch: bool
    is_reply: bool
    is_resend: bool


def parse(subject: str) -> Subject:
    """Take a decoded, unfolded subject apart; never fails."""
    rest = _WHITE.sub(" ", subject).strip()
    rest, is_reply = _strip_reply(rest)
    rest = _SPLIT_COUNTER.sub(r"[\1 \2]", rest)
    version: int | None = None
    number: int | None = None
    total: int | None = None
    prefixes: list[str] = []
    is_patch = False
    while match := _BRACKET.match(rest):
        rest = rest[match.end() :]
        group = match.group(1)
        group = group[group.rfind("[") + 1 :]
        group = _GLUED_VERSION.sub(r"\1 \2", group)
        group = _SLASH.sub("/", group)
        for word in group.split():
            token = word.strip(",;")
            if not token:
                continue
            if token.lower().startswith("patch"):
                is_patch = True
            elif found := _VERSION.match(token):
                version = int(found.group(1))
            elif found := _COUNTER.match(token):
                number, total = int(found.group(1)), int(found.group(2))
            else:
                prefixes.append(token)
    return Subject(
        title=rest.strip(),
        version=1 if version is None else version,
        versioned=version is not None,
        number=number,
        total=total,
        prefixes=tuple(prefixes),
        is_patch=is_patch,
        is_reply=is_reply,
        is_resend=any(prefix.lower().startswith("resend") for prefix in prefixes),
    )


def _strip_reply(subject: str) -> tuple[str, bool]:
    rest, count = _REPLY.subn("", subject)
    if count:
        return rest, True
    if _REPLY_FOREIGN.match(rest):
        return _REPLY_FOREIGN.sub("[", rest, count=1), True
    return rest, False
