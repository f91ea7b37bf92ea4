"""How an archive on the web is asked: that host alone, and no more than there is room for.

Servers answer with redirections, with other servers' names and with compressed data: none
of that may lead to another host, or to more bytes or time than a thread can take.
"""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests

if TYPE_CHECKING:
    from collections.abc import Iterable

#: bytes of an answer as they come, and of what they decompress to
LARGEST: Final = 64 << 20
LARGEST_UNPACKED: Final = 256 << 20
#: seconds that one answer may take
LONGEST: Final = 120.0
_PIECE: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"


class FetchError(ValueError):
    """An answer that is not taken; the text says why."""


class OneHost(requests.Session):
    """A session that talks to the hosts of ``urls`` alone, within the limits above.

    Over http and https, on the ports of these URLs; from http a host may lead to its https.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        super().__init__()
        self._places = {_place(url) for url in urls}
        self._places |= {(host, 443) for host, _ in self._places}
        self.hooks["response"].append(bounded)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, also one that a redirection asks for; raises :class:`FetchError`."""
        url = urlsplit(request.url or "")
        if url.scheme not in _PORTS:
            raise requests.exceptions.InvalidSchema(f"No connection adapters for {request.url}")
        if _place(request.url or "") not in self._places:
            raise FetchError(f"the server leads to another host ({url.hostname}): not followed")
        if url.username is not None or url.password is not None:
            raise FetchError("the server asks for a name and a password: not sent")
        return super().send(request, **options)


def _place(url: str) -> tuple[str, int]:
    """Host and port that a URL means."""
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


_PORTS: Final = {"http": 80, "https": 443}


def bounded(response: requests.Response, *_: object, **__: object) -> requests.Response:
    """Read an answer within the limits; raises :class:`FetchError` when it is larger."""
    end = time.monotonic() + LONGEST
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > LARGEST:
            raise FetchError(f"the answer is larger than {LARGEST >> 20} MB")
        if time.monotonic() > end:
            raise FetchError(f"the answer takes longer than {LONGEST:g} s")
    data = bytes(body)
    if data.startswith(_GZIP):
        check_unpacked(data)
    response._content = data  # noqa: SLF001 - as requests does
    return response


def check_unpacked(data: bytes) -> None:
    """Raise :class:`FetchError` when gzip's ``data`` is larger than it may be once unpacked."""
    size = 0
    while data:
        unpack = zlib.decompressobj(wbits=31)
        while data and not unpack.eof:
            try:
                piece = unpack.decompress(data, _PIECE)
            except zlib.error:
                return  # whoever unpacks it says so
            size += len(piece)
            if size > LARGEST_UNPACKED:
                raise FetchError(f"the answer unpacks to more than {LARGEST_UNPACKED >> 20} MB")
            if not piece and not unpack.unconsumed_tail and not unpack.eof:
                return  # cut short
            data = unpack.unconsumed_tail
        data = unpack.unused_data
