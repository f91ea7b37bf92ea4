from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from threading import Event
from time import monotonic

import pytest
from loopback import running

from patchlint.integrations import web
from patchlint.mail import fetching


class Scripted(BaseHTTPRequestHandler):
    """Answers with what the test wrote down: status, headers, body, one after the other."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.asked.append(
            (self.command, self.headers.get("Authorization"), self.rfile.read(length))
        )
        status, headers, body = self.server.script.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *_):
        pass


@contextmanager
def serving(*script):
    with running(Scripted) as server:
        server.script, server.asked = list(script), []
        yield server


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """How long was waited, without waiting."""
    told = []
    monkeypatch.setattr("time.sleep", told.append)
    return told


def test_a_question_is_asked_again_and_a_server_is_not_waited_for_as_long_as_it_likes(waits):
    with serving((503, {"Retry-After": "99999999"}, b""), (200, {}, b"here")) as server:
        assert web.ask(f"{server.url}/x").body == b"here"
    assert waits == [web.LONGEST_WAIT]


def test_what_is_told_is_told_once():
    with serving((503, {"Retry-After": "7"}, b"busy")) as server:
        with pytest.raises(web.WebError, match=r"503 .*: busy") as caught:
            web.tell(f"{server.url}/x", {"state": "success"})
        assert [method for method, _, _ in server.asked] == ["POST"]
    assert (caught.value.status, caught.value.temporary, caught.value.after) == (503, True, 7.0)


def test_what_is_told_does_not_follow_a_redirection():
    with serving((302, {"Location": "/elsewhere"}, b"")) as server:
        assert web.tell(f"{server.url}/x", {}).status == 302
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    "to", ["http://localhost:%s/y", "//localhost:%s/y", "http://127.0.0.1@localhost:%s/"]
)
def test_a_redirection_to_another_server_is_not_followed(to):
    with serving((200, {}, b"there")) as other:
        with serving((302, {}, b"")) as server:
            port = other.url.rpartition(":")[2]
            server.script[0] = (302, {"Location": to % port}, b"")
            with pytest.raises(web.WebError, match="another host"):
                web.ask(f"{server.url}/x", {"Authorization": "Token secret"})
            assert server.asked[0][1] == "Token secret"
        assert other.asked == []


def test_a_redirection_to_another_port_is_called_that():
    with serving((200, {}, b"there")) as other:
        with serving((302, {"Location": other.url}, b"")) as server:
            port = other.url.rpartition(":")[2]
            said = f"another port of its host \\(127.0.0.1:{port}\\): not followed"
            with pytest.raises(web.WebError, match=said):
                web.ask(f"{server.url}/x")
        assert other.asked == []


@contextmanager
def dripping(start, drop):
    """A server that says ``start``, and then ``drop`` again and again without end."""
    over = Event()
    asked = []

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            with suppress(OSError):
                self.wfile.write(start)
                while not over.wait(0.02):
                    self.wfile.write(drop)

        do_CONNECT = do_GET  # noqa: N815 - as the server calls it

        def log_message(self, *_):
            pass

    with running(Dripping) as server:
        try:
            yield server.url, asked
        finally:
            over.set()


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b""),
    ],
    ids=["body", "chunks", "headers", "status", "silence"],
)
def test_an_answer_that_drips_is_given_up(monkeypatch, start, drop):
    monkeypatch.setattr(fetching, "LONGEST", 0.2)
    begun = monotonic()
    with (
        dripping(start, drop) as (url, asked),
        pytest.raises(web.WebError, match="takes longer"),
    ):
        web.ask(url)
    assert monotonic() - begun < 5
    assert asked == ["/"]


def test_a_proxy_that_drips_is_given_up(monkeypatch):
    monkeypatch.setattr(fetching, "LONGEST", 0.2)
    with dripping(b"HTTP/1.1 200 OK\r\n", b"X") as (url, asked):
        monkeypatch.setenv("https_proxy", url)
        with pytest.raises(web.WebError, match="takes longer"):
            web.ask("https://lists.example.org/x")
    assert asked == ["lists.example.org:443"]


def test_a_connection_is_used_again_after_a_whole_answer(monkeypatch):
    monkeypatch.setattr(fetching, "LONGEST", 5.0)
    with serving((200, {}, b"x" * (1 << 18)), (200, {}, b"two")) as server:
        session = fetching.OneHost([server.url])
        assert len(session.get(server.url, timeout=9).content) == 1 << 18
        assert session.get(server.url, timeout=9).content == b"two"


def test_redirections_in_a_ring_end():
    ring = [(302, {"Location": "/again"}, b"")] * 20
    with serving(*ring) as server:
        with pytest.raises(web.WebError, match="redirects"):
            web.ask(server.url)
        assert len(server.asked) < 10


def test_a_netrc_does_not_take_the_place_of_the_token(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving((200, {}, b""), (200, {}, b"")) as server:
        web.ask(f"{server.url}/x", {"Authorization": "Token secret"})
        web.ask(f"{server.url}/x")
        assert [token for _, token, _ in server.asked] == ["Token secret", None]


def test_an_answer_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(fetching, "LARGEST", 1 << 20)
    with (
        serving((200, {}, b"x" * ((1 << 20) + 1))) as server,
        pytest.raises(web.WebError, match="larger than 1 MB"),
    ):
        web.ask(server.url)


def test_pages_follow_each_other():
    link = {"Link": '<http://h.example.org/2>; rel="next", <http://h.example.org/9>; rel="last"'}
    with serving((200, link, b"1"), (200, {}, b"2")) as server:
        assert web.ask(server.url).following == "http://h.example.org/2"
        assert web.ask(server.url).following == ""


@pytest.mark.parametrize(
    ("url", "said", "temporary"),
    [
        ("http://127.0.0.1:9/x", "Connection refused", True),
        ("ftp://127.0.0.1/x", "No connection adapters", False),
        ("http://[::1/x", "not a valid host", False),
    ],
)
def test_why_there_is_no_answer_is_said_in_one_line(url, said, temporary):
    with pytest.raises(web.WebError) as caught:
        web.ask(url)
    assert str(caught.value).startswith(f"{url}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (caught.value.status, caught.value.temporary) == (0, temporary)


def test_without_requests_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(web.WebError, match=r"pip install 'patchlint\[http\]'"):
        web.ask("http://127.0.0.1:9/")
