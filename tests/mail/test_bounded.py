"""Compressed and fetched mail is read as far as there is room for it."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

import pytest

from patchlint.mail import bounded, fetching
from patchlint.mail.inputs import read_inputs
from patchlint.model.mail import RawMail
from patchlint.model.problem import InputError
from patchlint.outside import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START = b"From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: a@b.org\nSubject: x\n\n"


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_OF_A_MAIL", 200_000)
    monkeypatch.setattr("patchlint.mail.inputs.MOST_OF_A_MAIL", 200_000)
    monkeypatch.setattr(bounded, "MOST_UNPACKED", 600_000)
    monkeypatch.setattr(bounded, "_PIECE", 10_000)


def write(path: Path, data: bytes) -> str:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(data))
    elif path.suffix == ".xz":
        path.write_bytes(lzma.compress(data))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.patch", data)
    return str(path)


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("name", ["x.gz", "x.xz", "x.zip"])
@pytest.mark.parametrize("line", [b"0" * 1_000_000, b"line\n" * 200_000])
@pytest.mark.parametrize("head", [b"Subject: x\n\n", START])
def test_one_large_mail_is_an_error(tmp_path: Path, name: str, line: bytes, head: bytes) -> None:
    (found,) = read_inputs([write(tmp_path / name, head + line)])
    assert isinstance(found, InputError)
    assert "not read" in found.message


@pytest.mark.usefixtures("little_room")
def test_mails_before_the_end_of_the_room_are_read(tmp_path: Path) -> None:
    mails = b"\n".join(START + b"text\n" * 20_000 for _ in range(20))
    *read, last = read_inputs([write(tmp_path / "x.gz", mails)])
    assert len(read) == 5
    assert all(isinstance(one, RawMail) for one in read)
    assert isinstance(last, InputError)
    assert "the rest is not read" in last.message


@pytest.mark.usefixtures("little_room")
def test_a_large_mail_takes_no_other_along(tmp_path: Path) -> None:
    mails = START + b"a\n" + START + b"line\n" * 60_000 + b"\n" + START + b"b\n"
    first, large, last = read_inputs([write(tmp_path / "x.gz", mails)])
    assert isinstance(first, RawMail)
    assert isinstance(large, InputError)
    assert isinstance(last, RawMail)
    assert last.data.endswith(b"b\n")


@pytest.mark.parametrize("name", ["x.gz", "x.xz"])
@pytest.mark.parametrize("line", [b"0" * 100, b"line\n", b"\n", b"\0"], ids=repr)
@pytest.mark.parametrize("head", [b"", START])
def test_what_unpacks_to_far_more_than_text_does_is_refused_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: bytes, head: bytes
) -> None:
    taken = []
    real = bounded.Bounded._taken

    def count(stream: bounded.Bounded, take: Callable[[int], bytes]) -> bytes:
        taken.append(len(data := real(stream, take)))
        return data

    monkeypatch.setattr(bounded.Bounded, "_taken", count)
    data = head + line * (5_000_000 // len(line))
    path = write(tmp_path / name, data)
    (found,) = read_inputs([path])
    assert isinstance(found, InputError)
    assert "more than 250 times its size: the rest is not read" in found.message
    assert sum(taken) < 250 * max((tmp_path / name).stat().st_size, 4_200) + 100_000


def test_an_attachment_that_unpacks_to_a_lot_is_said() -> None:
    text, why = bounded.unpacked(gzip.compress(b"+\n" * 4_000_000))
    assert text == b""
    assert "more than 250 times its size" in why


@pytest.mark.parametrize(("limit", "what"), [("MOST_LINES", "lines"), ("MOST_MAILS", "mails")])
def test_short_lines_and_small_mails_have_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, what: str
) -> None:
    monkeypatch.setattr(bounded, limit, 10_000)
    few = write(tmp_path / "few.gz", (START + b"a\n\n") * 1_500)
    assert all(isinstance(one, RawMail) for one in read_inputs([few]))
    many = write(tmp_path / "many.gz", (START + b"a\n\n") * 20_000)
    *read, last = read_inputs([many])
    assert isinstance(last, InputError)
    assert last.message == f"it unpacks to more than 10,000 {what}: the rest is not read"
    assert len(read) <= 12_000


def test_the_room_is_that_of_a_whole_zip_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "MOST_UNPACKED", 600_000)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.patch", START + b"text\n" * 20_000)
    *read, last = read_inputs([str(tmp_path / "x.zip")])
    assert len(read) == 5
    assert isinstance(last, InputError)
    assert "more than" in last.message


@pytest.mark.parametrize("name", ["x.gz", "x.xz", "x.zip"])
def test_a_long_mail_of_text_is_read(tmp_path: Path, name: str) -> None:
    lines = (f"+\t{{ 0x{n:06x}, REG_{n % 97}, 0 }},\n".encode() for n in range(100_000))
    (found,) = read_inputs([write(tmp_path / name, b"Subject: x\n\n" + b"".join(lines))])
    assert isinstance(found, RawMail)
    assert found.data.count(b"\n") == 100_002


def test_a_text_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_UNPACKED", 3 << 20)
    (found,) = read_inputs(["/dev/zero"])
    assert isinstance(found, InputError)
    assert "not read" in found.message


def test_a_pipe_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "MOST_PIPED", 3 << 20)
    with open("/dev/zero", "rb") as endless:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=endless))
        (found,) = read_inputs(["-"])
    assert isinstance(found, InputError)
    assert "give a file" in found.message


@pytest.mark.usefixtures("little_room")
def test_a_plain_text_may_be_longer_than_a_packed_one(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"Subject: x\n\n" + b"line\n" * 60_000)
    (found,) = read_inputs([str(path)])
    assert isinstance(found, RawMail)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("harm", [lambda data: data + b"junk junk", lambda data: data[:-6]])
def test_what_stands_before_the_damage_is_read(
    tmp_path: Path, pack: Callable[[bytes], bytes], harm: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "x"
    noise = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(3000))
    path.write_bytes(harm(pack((START + b"a\n") * 3 + START + noise)))
    found = [*read_inputs([str(path)])]
    assert sum(isinstance(one, RawMail) and one.data.endswith(b"\na\n") for one in found) >= 3
    damage = [one.message for one in found if isinstance(one, InputError)]
    assert not damage or "damaged or cut short" in damage[-1]
    # what bz2 and lzma find behind the end of a stream they take for nothing
    assert damage or (pack is not gzip.compress and path.read_bytes().endswith(b"junk"))


# --- fetched


class _Server(BaseHTTPRequestHandler):
    body: ClassVar[bytes] = b""
    location: ClassVar[str] = ""
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302 if self.location else 200)
        if self.location:
            self.send_header("Location", self.location)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args


class _Other(_Server):
    asked: ClassVar[list[str]] = []


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch, alone: Path) -> Iterator[tuple[str, str]]:
    del alone
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    servers = [HTTPServer(("127.0.0.1", 0), kind) for kind in (_Server, _Other)]
    threads = [
        threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        for one in servers
    ]
    for thread in threads:
        thread.start()
    _Server.body, _Server.location = b"", ""
    _Server.asked.clear()
    _Other.asked.clear()
    try:
        first, second = (f"http://127.0.0.1:{one.server_port}" for one in servers)
        yield f"{first}/all", second
    finally:
        for one, thread in zip(servers, threads, strict=True):
            one.shutdown()
            thread.join()
            one.server_close()


def test_an_answer_that_unpacks_to_a_lot_is_not_taken(
    archive: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST_UNPACKED", 1_000_000)
    _Server.body = gzip.compress(START + b"0" * 3_000_000)
    (found,) = read_inputs([f"{archive[0]}/bomb@example.org/"])
    assert isinstance(found, InputError)
    assert "unpacks to more than" in found.message


def test_a_long_answer_is_not_taken(
    archive: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 100_000)
    _Server.body = b"0" * 300_000
    (found,) = read_inputs([f"{archive[0]}/long@example.org/"])
    assert isinstance(found, InputError)
    assert "larger than" in found.message


def test_another_host_is_not_asked(archive: tuple[str, str]) -> None:
    _Server.location = f"{archive[1]}/all/other@example.org/t.mbox.gz"
    (found,) = read_inputs([f"{archive[0]}/redirected@example.org/"])
    assert isinstance(found, InputError)
    assert "another port of its host" in found.message
    assert _Server.asked
    assert not _Other.asked


@pytest.mark.parametrize("form", ["http://lore.kernel.org@127.0.0.1:9/all/a@b.org/"])
def test_a_url_with_a_users_name_is_not_asked(form: str) -> None:
    (found,) = read_inputs([form])
    assert isinstance(found, InputError)
    assert "is not fetched" in found.message


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("data", "room", "fits"),
    [
        (packed(b"a" * 100), 100, True),
        (packed(b"a" * 101), 100, False),
        (packed(b"a" * 60) * 2, 100, False),
        (packed(b"a" * 60) * 2, 120, True),
        (packed(b"a" * 60)[:-9], 120, True),
        (b"\x1f\x8bnonsense", 1, True),
        (b"", 0, True),
    ],
    ids=range(7),
)
def test_what_is_packed_is_measured(
    monkeypatch: pytest.MonkeyPatch, data: bytes, room: int, fits: bool
) -> None:
    monkeypatch.setattr(fetching, "LARGEST_UNPACKED", room)
    if fits:
        fetching.check_unpacked(data)
        assert data is not None
    else:
        with pytest.raises(fetching.FetchError):
            fetching.check_unpacked(data)
