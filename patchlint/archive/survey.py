"""First pass: every mail of a portion read once, as bytes, and told in one row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from patchlint.archive import headers, sieve, sources
from patchlint.archive.records import COVER, PATCH, Row, Survey
from patchlint.mail.certain import certain, digest, plain
from patchlint.model.problem import Limitation
from patchlint.ruleset.prefilter import DOUBT

if TYPE_CHECKING:
    from patchlint.archive.engine import Engine
    from patchlint.archive.sources import Portion, Raw

#: the bits of a mail whose words cannot be told
ALL: Final = (1 << 31) - 1
_DAY: Final = 86400
#: how a diff begins that may have no hunk
_FILE: Final = b"\ndiff --git "
_FIXES: Final = re.compile(
    rb"\nFixes:[ \t]*([0-9a-fA-F]{6,64})[ \t]*\(\s*[\"']?([^\n]+(?:\n(?![\w-]+:)[^\n]+)?)[\"']\s*\)"
)


def survey(portion: Portion, engine: Engine) -> Survey:
    """The rows of ``portion``, in its order.

    A mail that is too large to be read is a limitation.  A mail without a Message-ID is
    known by its locator.
    """
    rows: list[Row] = []
    deleted: list[str] = []
    limitations: list[Limitation] = []
    absent: list[str] = []
    for raw in sources.read(portion):
        if raw.absent:
            absent.append(raw.locator)
        elif raw.data is None:
            limitations.append(
                Limitation(
                    "archive",
                    f"{portion.source.name}: mail {raw.locator} of {raw.size} bytes is larger"
                    f" than {sources.MOST_BYTES} and was not read",
                )
            )
        elif raw.deleted:
            deleted.append(headers.read(raw.data).message_id)
        else:
            rows.append(row(raw, raw.data, engine))
    return Survey(tuple(rows), tuple(deleted), tuple(limitations), absent=tuple(absent))


def row(raw: Raw, data: bytes, engine: Engine) -> Row:
    """The row of one mail."""
    light = headers.read(data)
    text = plain(sieve.unwrap(data, light.kind))
    hunk = sieve.has_hunk(text)
    patch = PATCH if hunk or _FILE in text else _announced(light.subject)
    bits = 0
    if hunk:
        bits = ALL if sieve.joins_words(data, light.kind) else engine.bits(text)
    # what its words let through is read, and then it shows whether all of it can be
    if patch == PATCH and not engine.possible(bits) and not _is_certain(text, data, light.kind):
        bits |= DOUBT
    message_id = light.message_id or f"{raw.locator}@without-message-id"
    return Row(
        message_id,
        raw.locator,
        len(data),
        light.subject,
        light.author,
        light.date,
        light.in_reply_to or None,
        " ".join(light.references),
        patch,
        bits,
        _keys(light, message_id) if patch else (),
        _fixes(text) if hunk else (),
        digest(text) if bits else "",
    )


def _is_certain(text: bytes, data: bytes, kind: bytes) -> bool:
    return certain(text) and sieve.one_text(data, kind)


def _announced(subject: str) -> int:
    """What a mail without a hunk is by its subject; a rename or a picture is a patch, too."""
    spoken = sieve.series_subject(subject)
    if spoken is None:
        return 0
    return COVER if spoken.number == 0 else PATCH


def _fixes(text: bytes) -> tuple[tuple[str, str], ...]:
    found = {
        " ".join(title.decode("utf-8", "replace").split()): commit.decode()
        for commit, title in _FIXES.findall(text)
    }
    return tuple(found.items())


def _keys(light: headers.Light, message_id: str) -> tuple[str, ...]:
    """What ties a patch mail to a thread: ids, else sender, version, count and day.

    Patches that were sent without references belong together when they are less than a
    day apart; two days for each mail make such a pair share one.
    """
    ids = dict.fromkeys((message_id, *light.references, light.in_reply_to))
    ids.pop("", None)
    if len(ids) > 1:
        return tuple(ids)
    spoken = sieve.series_subject(light.subject)
    if spoken is None or not spoken.total or spoken.total == 1:
        return tuple(ids)
    sender = headers.address(light.author)
    days = [0] if light.date is None else [int(light.date) // _DAY, int(light.date) // _DAY + 1]
    # a blank cannot stand in a Message-ID
    return (*ids, *(f"{sender} v{spoken.version} /{spoken.total} {day}" for day in days))
