from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
from mail_maker import patch

from patchlint.mail import lore, mbox
from patchlint.mail.inputs import read_inputs
from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "https://lists.example.org/all/%s"


@pytest.mark.parametrize(
    ("name", "archive", "message_id"),
    [
        ("a@example.org", "https://lists.example.org/all", "a@example.org"),
        ("<a/b@example.org>", "https://lists.example.org/all", "a/b@example.org"),
        ("https://x.example/demo/a@example.org/", "https://x.example/demo", "a@example.org"),
        ("https://x.example/demo/a@example.org/T/#u", "https://x.example/demo", "a@example.org"),
        ("https://x.example/r/a%40example.org", "https://x.example/all", "a@example.org"),
        ("https://x.example/a@example.org", "https://x.example/all", "a@example.org"),
        ("https://x.example/demo/", "", ""),
    ],
)
def test_where(name: str, archive: str, message_id: str) -> None:
    assert lore.where(name, MASK) == (archive, message_id)


class _Archive(BaseHTTPRequestHandler):
    """An archive on this machine that knows one thread."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        known = self.path.startswith(("/demo/one%40", "/demo/cut%40", "/demo/torn%40"))
        body = b""
        if known:
            whole = patch("[PATCH] x", mid="one@example.org")
            body = gzip.compress(
                b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + mbox.escape(whole) + b"\n"
            )
        if "/cut%40" in self.path:
            body = body[: len(body) // 2]
        if "/torn%40" in self.path:
            body = body[:12] + b"\xff" * 40 + body[52:]
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = HTTPServer(("127.0.0.1", 0), _Archive)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/demo"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_url_is_fetched(archive: str) -> None:
    (one,) = read_inputs([f"{archive}/one@example.org/"])
    assert isinstance(one, RawMail)
    assert b"Message-ID: <one@example.org>" in one.data


def test_bare_message_id_goes_to_the_midmask(archive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lore, "midmask", lambda: archive + "/%s")
    (one,) = read_inputs(["one@example.org"])
    assert isinstance(one, RawMail)


def test_unknown_message_is_an_error(archive: str) -> None:
    (error,) = read_inputs([f"{archive}/other@example.org/"])
    assert isinstance(error, InputError)
    assert error.message.startswith("cannot be fetched")
    assert error.message_id == "other@example.org"


@pytest.mark.parametrize("which", ["cut", "torn"])
def test_a_damaged_answer_is_an_error_of_its_input_alone(archive: str, which: str) -> None:
    error, one = read_inputs([f"{archive}/{which}@example.org/", f"{archive}/one@example.org/"])
    assert isinstance(error, InputError)
    assert error.message.startswith("cannot be fetched")
    assert isinstance(one, RawMail)


def test_the_library_has_no_lines_of_its_own_on_standard_error() -> None:
    program = (
        "import logging\n"
        "from patchlint.mail import lore\n"
        "lore.fetch('http://127.0.0.1:9/demo/')\n"
        "logging.getLogger('liblore.node').warning('fell back')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_url_without_a_message_is_an_error() -> None:
    (error,) = read_inputs(["https://x.example/demo/"])
    assert isinstance(error, InputError)
    assert "no message-id" in error.message


def test_midmask_of_git_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "b4.midmask")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", MASK)
    assert lore.midmask() == MASK
