"""What tests of servers on this machine have in common."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from threading import Thread


def free_port():
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(handler, port=0):
    """A web server that answers by ``handler``, for as long as it is needed; ``url`` is its own."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
