"""The few headers that a survey of an archive needs, read off raw bytes.

A full mail parser costs some 250 microseconds a mail; an archive has a hundred thousand
of them and nine in ten are never looked at again.  So this reads six headers with
``bytes.find`` and hands the rare hard cases (encoded words, odd dates) to ``email``.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from functools import lru_cache
from typing import Final, NamedTuple

from patchlint.model.moment import plausible

_ID: Final = re.compile(rb"<\s*([^<>\s]+)\s*>")
_DATE: Final = re.compile(
    r"(?:\w{3},\s*)?(\d{1,2}) (\w{3}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? ([+-])(\d\d)(\d\d)(?!\d)"
)
_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Final = {name: number for number, name in enumerate(_NAMES, 1)}
_ADDRESS: Final = re.compile(r"<([^<>]*)>\s*$")
#: a mail's references are kept up to here; threads deeper than that exist, and loop
_MOST_REFERENCES: Final = 50
#: a header block longer than this is cut: nothing that matters is that far down
_MOST_HEAD: Final = 1 << 18
#: an expression, as its search takes half the time of ``bytes.find``
_BLANK: Final = re.compile(rb"\n\r?\n")
_FIELDS: Final = re.compile(
    # the first letters alone rule out most lines, and quickly where no case is folded
    rb"\n([CDFIMRScdfimrs](?i:essage-id|n-reply-to|eferences|ubject|rom|ate|ontent-type"
    rb"|ontent-transfer-encoding)):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)"
)


class Light(NamedTuple):
    """The headers of one mail.

    Ids are without angle brackets; ``message_id`` is empty when the mail has none.
    ``date`` is seconds since 1970, None when it cannot be read.  ``kind`` is
    the content type and the transfer encoding in lower case, a line each.
    """

    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    subject: str
    author: str
    date: float | None
    kind: bytes


def read(data: bytes) -> Light:
    """Read the headers of the mail ``data``.  Never raises: what is unreadable is empty."""
    fields: dict[bytes, bytes] = {}
    for name, value in _FIELDS.findall(_head(data)):
        fields.setdefault(name.lower(), value)
    get = fields.get
    given = get(b"message-id", b"")
    ids = _ID.findall(given) or given.split()
    replied = _ID.findall(get(b"in-reply-to", b""))
    references = _ID.findall(get(b"references", b""))[-_MOST_REFERENCES:]
    kind = get(b"content-type", b"") + b"\n" + get(b"content-transfer-encoding", b"")
    return Light(
        _text(ids[0]) if ids else "",
        _text(replied[0]) if replied else "",
        tuple(map(_text, references)),
        words(get(b"subject", b"")),
        words(get(b"from", b"")),
        date(_text(get(b"date", b"").strip())),
        kind.lower(),
    )


def _head(data: bytes) -> bytes:
    """The header block with a line feed before it, LF line ends."""
    end = _BLANK.search(data, 0, _MOST_HEAD)
    head = data[: end.start() if end else _MOST_HEAD]
    return b"\n" + (head.replace(b"\r\n", b"\n") if b"\r" in head else head)


def _text(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace")


def words(value: bytes) -> str:
    """Decode a header value: encoded words undone, white space folded to single blanks."""
    text = _text(value)
    if "=?" in text:
        from email.errors import HeaderParseError
        from email.header import decode_header, make_header

        try:
            text = str(make_header(decode_header(text)))
        except (HeaderParseError, LookupError, UnicodeError, ValueError):
            text = _text(value)
    text = " ".join(text.split())
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


@lru_cache(maxsize=4096)
def _midnight(day: str, month: str, year: str) -> int | None:
    number = _MONTHS.get(month)
    return None if number is None else timegm((int(year), number, int(day), 0, 0, 0))


def date(value: str) -> float | None:
    """Seconds since 1970 of a Date header, None when it is none, or none that can be."""
    return plausible(_date(value), time.time())


def _date(value: str) -> float | None:
    match = _DATE.match(value)
    if match:
        day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
        midnight = _midnight(day, month, year)
        if midnight is not None:
            zone = (int(zone_hours) * 60 + int(zone_minutes)) * 60
            clock = (int(hour) * 60 + int(minute)) * 60 + int(second or 0)
            return float(midnight + clock - (zone if sign == "+" else -zone))
    from email.utils import mktime_tz, parsedate_tz

    try:
        parts = parsedate_tz(value)
        return None if parts is None else float(mktime_tz(parts))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def address(author: str) -> str:
    """The mail address in a From header, lower case; the whole text when there is none."""
    match = _ADDRESS.search(author)
    return (match.group(1) if match else author).strip().lower()
