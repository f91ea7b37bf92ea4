"""How an archive on the web is asked: that host alone, and no more than there is room for.

Servers answer with redirections, with other servers' names and with compressed data: none
of that may lead to another host, or to more bytes or time than a thread can take.
"""

from __future__ import annotations

import http.client
import io
import time
import zlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from urllib3 import PoolManager, ProxyManager

#: bytes of an answer as they come, and of what they decompress to
LARGEST: Final = 64 << 20
LARGEST_UNPACKED: Final = 256 << 20
#: seconds that one answer may take, from its first byte on to its last
LONGEST: Final = 120.0
#: redirections of one question, each of which is an answer
_MOST_REDIRECTIONS: Final = 5
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
        self.max_redirects = _MOST_REDIRECTIONS
        for scheme in _PORTS:
            self.mount(f"{scheme}://", Timely())

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, also one that a redirection asks for; raises :class:`FetchError`."""
        url = urlsplit(request.url or "")
        if url.scheme not in _PORTS:
            raise requests.exceptions.InvalidSchema(f"No connection adapters for {request.url}")
        host, port = _place(request.url or "")
        if (host, port) not in self._places:
            known = any(host == one for one, _ in self._places)
            other = f"port of its host ({host}:{port})" if known else f"host ({host})"
            raise FetchError(f"the server leads to another {other}: not followed")
        if url.username is not None or url.password is not None:
            raise FetchError("the server asks for a name and a password: not sent")
        return super().send(request, **options)


class _Until(io.RawIOBase):
    """What comes from a socket until a moment; raises :class:`FetchError` after it.

    The limit of a socket is one of silence: a server that sends a byte now and then never
    meets it.  Asked of each read, headers and the framing of pieces are within it as well.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._stream = sock.makefile("rb", buffering=0)
        self._end = time.monotonic() + LONGEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Fill the buffer, waiting no longer than is left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise _too_long()
        silence = self._sock.gettimeout()
        if silence is not None and silence <= left:
            return self._stream.readinto(buffer)
        self._sock.settimeout(left)
        try:
            return self._stream.readinto(buffer)
        except TimeoutError:
            raise _too_long() from None
        finally:
            self._sock.settimeout(silence)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _too_long() -> FetchError:
    return FetchError(f"the answer takes longer than {LONGEST:g} s")


class _Answer(http.client.HTTPResponse):
    """An answer, also that of a proxy, of which every byte comes in time."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()  # nothing was read of it
        self.fp = io.BufferedReader(_Until(sock), _PIECE)


class _Http(HTTPConnection):
    response_class = _Answer


class _Https(HTTPSConnection):
    response_class = _Answer


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class Timely(HTTPAdapter):
    """Sends requests whose answers take no longer than :data:`LONGEST`."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*arguments, **options)
        _timely(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> ProxyManager:
        """Return the pools of connections through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(*arguments, **options)
        _timely(manager)
        return manager


def _timely(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def _place(url: str) -> tuple[str, int]:
    """Host and port that a URL means."""
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


_PORTS: Final = {"http": 80, "https": 443}


def bounded(response: requests.Response, *_: object, **__: object) -> requests.Response:
    """Read an answer within the limits; raises :class:`FetchError` when it is larger."""
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > LARGEST:
            raise FetchError(f"the answer is larger than {LARGEST >> 20} MB")
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
