from __future__ import annotations

import email
import json
import re
import urllib.parse
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import running

from patchlint.integrations import patchwork

API = json.loads(Path(__file__).with_name("patchwork_openapi.json").read_text("utf-8"))
TOKEN = "0123456789abcdef"  # noqa: S105 - of the server in this file
PAGE = 2


def valid(name, value):
    """Hold a value against a schema of the API."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": API["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


class Patchwork(BaseHTTPRequestHandler):
    """The end points that patchlint uses, each answer held against the API's schema."""

    def do_GET(self):
        self.server.asked.append(f"GET {self.path}")
        if self.stumbles():
            return
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path in {"/api/patches/", "/api/covers/"}:
            mails = self.server.patches if "patches" in url.path else self.server.covers
            rows = [m for m in mails if m["msgid"].strip("<>") == query["msgid"]]
            self.paged(rows, url, query, "Patches")
        elif match := re.fullmatch(r"/api/series/(\d+)/", url.path):
            self.answer(*self.series(int(match[1])))
        elif match := re.fullmatch(r"/api/patches/(\d+)/checks/", url.path):
            rows = [c for patch, c in self.server.checks if patch == int(match[1])]
            if "context" in query:
                rows = [c for c in rows if c["context"] == query["context"]]
            self.paged(rows, url, query, "Checks")
        elif url.path == "/api/events/":
            names = {one["name"] for one in API["paths"]["/api/events/"]["get"]["parameters"]}
            assert set(query) <= names
            rows = [e for e in self.server.events if e["date"] >= query["since"]]
            rows = [e for e in rows if e["category"] == query["category"]]
            self.paged(rows, url, query, "Events")
        elif url.path == "/series/7/mbox/":
            self.answer(200, self.server.mbox)
        else:
            self.answer(404, {"detail": "Not found."})

    def do_POST(self):
        self.server.asked.append(f"POST {self.path}")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.stumbles():
            return
        if self.headers.get("Authorization") != f"Token {TOKEN}":
            refusal = {"detail": "Authentication credentials were not provided."}
            valid("Refusal", refusal)
            self.answer(403, refusal)
            return
        valid("NewCheck", body)
        patch = int(re.fullmatch(r"/api/patches/(\d+)/checks/", self.path)[1])
        number = len(self.server.checks) + 1
        check = {
            "id": number,
            "url": f"{self.server.url}{self.path}{number}/",
            "user": {"id": 1, "username": "robot"},
            "date": f"2026-01-01T00:00:{number:02}",
            "state": body["state"],
            "target_url": body.get("target_url"),
            "context": body.get("context", "default"),
            "description": body.get("description"),
        }
        valid("Check", check)
        self.server.checks.append((patch, check))
        if self.server.lost_answers:
            self.server.lost_answers -= 1
            self.answer(504, {"detail": "gateway"})
            return
        self.answer(201, check)

    def stumbles(self):
        """Fail as the test planned; 0 hangs up."""
        if not self.server.trouble:
            return False
        status = self.server.trouble.pop(0)
        if status:
            self.answer(status, {"detail": "busy"}, {"Retry-After": "0"})
        else:
            self.close_connection = True
        return True

    def series(self, number):
        if number != 7:
            return 404, {"detail": "Not found."}
        answer = {
            "id": 7,
            "version": 1,
            "total": len(self.server.patches),
            "received_total": len(self.server.patches),
            "received_all": True,
            "mbox": f"{self.server.url}/series/7/mbox/",
            "cover_letter": self.server.covers[0] if self.server.covers else None,
            "patches": self.server.patches,
        }
        valid("Series", answer)
        return 200, answer

    def paged(self, rows, url, query, schema):
        valid(schema, rows)
        page = int(query.get("page", "1"))
        headers = {}
        if page * PAGE < len(rows):
            following = urllib.parse.urlencode({**query, "page": page + 1})
            headers["Link"] = f'<{self.server.url}{url.path}?{following}>; rel="next"'
        self.answer(200, rows[(page - 1) * PAGE : page * PAGE], headers)

    def answer(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextmanager
def serving(repo, *options):
    with running(Patchwork) as server:
        server.asked, server.trouble, server.checks, server.lost_answers = [], [], [], 0
        server.patches, server.covers, server.events = [], [], []
        files = repo.patches("--thread=shallow", "--cover-letter", *options)
        server.mbox = b"".join(file.read_bytes() for file in files)
        for number, file in enumerate(files):
            mail = email.message_from_bytes(file.read_bytes())
            row = {
                "id": 100 + number,
                "url": f"{server.url}/api/patches/{100 + number}/",
                "msgid": mail["Message-Id"],
                "name": " ".join(mail["Subject"].split()),
                "date": "2026-01-01T00:00:00",
                "mbox": f"{server.url}/patch/{100 + number}/mbox/",
                "series": [{"id": 7}],
            }
            (server.patches if number else server.covers).append(row)
        yield server


@pytest.fixture
def server(repo):
    with serving(repo) as running:
        yield running


def post(repo, server, *what, status=0, token=TOKEN):
    return repo.patchlint(
        "patchwork", "check", "--url", server.url, "--token-env", "PW_TOKEN", *what,
        status=status, env={"PW_TOKEN": token},
    )  # fmt: skip


def states(server):
    """What was posted, in order; how loud a finding is, is not what is tested here."""
    loud = {"warning": "loud", "fail": "loud"}
    return [(patch, loud.get(check["state"], check["state"])) for patch, check in server.checks]


ALL = [(101, "success"), (102, "loud"), (103, "success")]


def test_each_patch_of_a_series_gets_its_check(repo, server):
    post(repo, server, "--series", "7", "--target-url", "https://example.org/report")
    assert states(server) == ALL
    [check] = [check for patch, check in server.checks if patch == 102]
    assert check["context"] == "patchlint"
    assert check["target_url"] == "https://example.org/report"
    assert "[mount-put-deferred]" in check["description"]
    assert len(check["description"]) <= 200


def test_a_series_is_found_by_any_of_its_mails(repo, server):
    post(repo, server, "--msgid", server.covers[0]["msgid"])
    assert states(server) == ALL
    post(repo, server, "--msgid", server.patches[1]["msgid"].strip("<>"))
    assert states(server) == ALL


def test_mails_at_hand_are_looked_up(repo, server):
    mbox = repo.root / "series.mbox"
    mbox.write_bytes(server.mbox)
    post(repo, server, "--mbox", mbox)
    assert states(server) == ALL


def test_what_the_server_shows_is_not_posted_again(repo, server):
    post(repo, server, "--series", "7")
    out, _ = post(repo, server, "--series", "7")
    assert states(server) == ALL
    assert out.count("unchanged: ") == 3


def test_only_the_last_check_of_a_context_counts(repo, server):
    post(repo, server, "--series", "7")
    for number in range(4):  # more than a page
        row = dict(server.checks[1][1], id=50 + number, date=f"2026-02-0{number + 1}T00:00:00")
        server.checks.append((102, row | {"state": "pending" if number == 3 else row["state"]}))
        server.checks.append((102, row | {"id": 80 + number, "context": "other"}))
    post(repo, server, "--series", "7")
    assert states(server)[-1] == (102, "loud")
    assert len(server.checks) == 3 + 8 + 1


def test_a_dry_run_posts_nothing_and_needs_no_token(repo, server):
    out, _ = post(repo, server, "--series", "7", "--dry-run", token="")
    assert server.checks == []
    assert out.count("would post: ") == 3
    assert not any(line.startswith("POST") for line in server.asked)


def test_a_busy_server_is_asked_again(server, monkeypatch):
    monkeypatch.setattr(patchwork.time, "sleep", lambda _: None)
    server.trouble = [503, 0, 429]
    api = patchwork.Server(server.url, TOKEN)
    patches, _ = api.series(7)
    assert [patch.number for patch in patches] == [101, 102, 103]
    server.trouble = [503] * 4
    with pytest.raises(patchwork.PatchworkError, match="503"):
        api.series(7)


def test_a_post_whose_answer_got_lost_is_not_repeated(server, monkeypatch):
    waits = []
    monkeypatch.setattr(patchwork.time, "sleep", waits.append)
    server.lost_answers = 1
    check = patchwork.Check("success", "patchlint", "fine", "")
    patchwork.Server(server.url, TOKEN).post(101, check)
    assert states(server) == [(101, "success")]
    assert waits == [1.0]


def test_a_server_that_is_gone_is_given_up(monkeypatch):
    monkeypatch.setattr(patchwork.time, "sleep", lambda _: None)
    api = patchwork.Server("http://127.0.0.1:9", TOKEN)
    with pytest.raises(patchwork.PatchworkError, match="127"):
        api.post(1, patchwork.Check("success", "patchlint", "", ""))


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        (["--series", "7"], "wrong", "403"),
        (["--series", "7"], "", "PW_TOKEN is empty"),
        (["--series", "8"], TOKEN, "404"),
        (["--msgid", "nobody@example.org"], TOKEN, "no series"),
        (["--mbox", ""], TOKEN, "not checked: no such file"),
    ],
)
def test_what_went_wrong_is_said(repo, server, arguments, token, said):
    _, err = post(repo, server, *arguments, status=2, token=token)
    assert said in err
    assert server.checks == []
    assert token not in err or not token


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"7", b'"x"', b"[1]", b'[{"id": "x"}]'])
def test_an_answer_of_another_form_is_called_that(monkeypatch, body):
    monkeypatch.setattr(patchwork.web, "ask", lambda *_: patchwork.web.Answer(200, body, ""))
    api = patchwork.Server("https://pw.example.org", "")
    asked = [
        lambda: api.series(7),
        *([] if body == b"[]" else [lambda: api.patches("a@b"), lambda: api.series_of("a@b")]),
        *([] if body == b"[]" else [lambda: api.completed("x", "y"), lambda: api.newest(1, "c")]),
    ]
    for ask in asked:
        if body == b'[{"id": "x"}]' and ask is asked[2]:
            continue  # a mail that is part of no series
        with pytest.raises(patchwork.PatchworkError, match="not what a Patchwork server gives"):
            ask()


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_an_answer_that_is_no_json_is_called_that(monkeypatch, body):
    monkeypatch.setattr(patchwork.web, "ask", lambda *_: patchwork.web.Answer(200, body, ""))
    api = patchwork.Server("https://pw.example.org", "")
    for ask in (lambda: api.series(7), lambda: api.patches("a@b")):
        with pytest.raises(patchwork.PatchworkError, match="the answer is no JSON"):
            ask()


def test_a_patch_that_the_server_does_not_know_is_told(repo, server):
    server.patches.pop()
    mbox = repo.root / "series.mbox"
    mbox.write_bytes(server.mbox)
    _, err = post(repo, server, "--mbox", mbox, status=2)
    assert "does not know" in err
    assert states(server) == ALL[:2]


def test_the_token_goes_to_no_other_server(server):
    api = patchwork.Server(server.url, TOKEN)
    with pytest.raises(patchwork.PatchworkError, match="not on"):
        api.mbox("http://elsewhere.example.org/mbox/")


def test_url_and_token_can_stand_in_the_configuration(repo, server):
    repo.git("config", "patchlint.patchworkUrl", server.url + "/")
    repo.git("config", "patchlint.patchworkTokenEnv", "MY_TOKEN")
    repo.git("config", "patchlint.patchworkContext", "my check")
    repo.patchlint("patchwork", "check", "--series", "7", env={"MY_TOKEN": TOKEN})
    assert states(server) == ALL
    assert {check["context"] for _, check in server.checks} == {"my-check"}


def test_an_accepted_finding_is_a_success(repo, server):
    mail = repo.mbox("-1", revisions="topic~1")
    found = json.loads(repo.patchlint("check", "--format", "json", "-", stdin=mail, status=1)[0])
    fingerprint = found["findings"][0]["fingerprint"]
    repo.patchlint("config", "accept", fingerprint, "--reason", "known")
    post(repo, server, "--series", "7")
    assert {state for _, state in states(server)} == {"success"}


@given(st.text())
def test_a_context_is_always_a_slug(text):
    assert re.fullmatch(r"[-a-zA-Z0-9_]{1,255}", patchwork.slug(text))
