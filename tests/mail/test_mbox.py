from __future__ import annotations

import io
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mail_maker import FIXTURES, mail, patch

from patchlint.mail import mbox
from patchlint.mail.inputs import read_inputs
from patchlint.model.mail import RawMail

if TYPE_CHECKING:
    from pathlib import Path

SEPARATOR = b"From ada@example.org Mon Jan  1 10:00:00 2024\n"


def join(mails: list[bytes]) -> bytes:
    return b"".join(SEPARATOR + mbox.escape(one) + b"\n" for one in mails)


def split(data: bytes) -> list[bytes]:
    return [one.data for one in mbox.split(io.BytesIO(data))]


def by_git(data: bytes, folder: Path) -> list[bytes]:
    source = folder / "in.mbox"
    source.write_bytes(data)
    out = folder / "out"
    out.mkdir()
    subprocess.run(
        ["git", "mailsplit", "--keep-cr", "--mboxrd", f"-o{out}", str(source)],
        check=True,
        capture_output=True,
    )
    return [one.read_bytes() for one in sorted(out.iterdir())]


def without_separator(data: bytes) -> bytes:
    return data.split(b"\n", 1)[1]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.mbox")), ids=lambda path: path.name)
def test_splits_as_git_mailsplit(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    assert split(data) == [without_separator(one) for one in by_git(data, tmp_path)]


def test_from_line_inside_a_body_splits_only_with_a_date(tmp_path: Path) -> None:
    data = join([patch("[PATCH] demo: one")]) + b"From where I sit this is fine.\n"
    data += SEPARATOR + patch("[PATCH] demo: two")
    assert split(data) == [without_separator(one) for one in by_git(data, tmp_path)]
    assert len(split(data)) == 2


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
@example([b"\0From "])
def test_escaping_and_splitting_round_trip(bodies: list[bytes]) -> None:
    mails = [b"Subject: x\n\n" + body + b"\n" for body in bodies]
    assert split(join(mails)) == [one + b"\n" for one in mails]


@given(st.lists(st.sampled_from([b"From ", b">From ", b">>From ", b"> From ", b"text ", b"\n"])))
def test_unescape_undoes_escape(pieces: list[bytes]) -> None:
    data = b"\n".join(pieces)
    assert mbox.unescape(mbox.escape(data)) == data


@given(st.binary(max_size=60).map(lambda tail: b"From " + tail.replace(b"\n", b"") + b"\n"))
def test_separator_needs_a_time_and_a_year(line: bytes) -> None:
    if mbox.is_separator(line):
        assert re.search(rb"\d.\d\d:\d\d", line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"From mboxrd@z Thu Jan  1 00:00:00 1970\n", True),
        (b"From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n", True),
        (b"From ada@example.org Mon Jan  1 10:00:00 89\n", False),
        (b"From here to there, 10:00 is fine\n", False),
        (b"From x\n", False),
        (b"from ada@example.org Mon Jan  1 10:00:00 2024\n", False),
    ],
)
def test_separators(line: bytes, *, expected: bool) -> None:
    assert mbox.is_separator(line) is expected


def test_lines_count_from_the_separator() -> None:
    data = join([mail("one", "a\nb\n"), mail("two", "c\n")])
    first, second = mbox.split(io.BytesIO(data))
    assert first.line == 1
    assert data.splitlines()[second.line - 1] + b"\n" == SEPARATOR


def with_length(text: bytes, length: int) -> bytes:
    return b"Subject: x\nContent-Length: %d\n\n%s" % (length, text)


def test_content_length_keeps_a_separator_in_the_body() -> None:
    text = b"see\n" + SEPARATOR + b"there\n>From here\n"
    data = SEPARATOR + with_length(text, len(text)) + b"\n" + SEPARATOR + mail("next")
    first, second = split(data)
    assert first == with_length(text, len(text)) + b"\n"
    assert second == mail("next")


def test_wrong_content_length_is_not_believed() -> None:
    data = SEPARATOR + with_length(b"a\n", 5000) + b"\n" + SEPARATOR + mail("next", ">From x\n")
    first, second = split(data)
    assert first == with_length(b"a\n", 5000) + b"\n"
    assert second == mail("next", "From x\n")


def test_what_stands_before_the_first_separator_is_left_out() -> None:
    assert split(b"noise\n" + SEPARATOR + mail("one")) == [mail("one")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_messages_of_mmdf_are_read(tmp_path: Path, end: bytes) -> None:
    rule = b"\1\1\1\1\n"
    first, second = mail("one", "From here on\n>From there\n"), mail("two", "text\n")
    path = tmp_path / "inbox.mmdf"
    data = rule + first + rule + rule + second + rule
    path.write_bytes(data.replace(b"\n", end))
    found = [one for one in read_inputs([str(path)]) if isinstance(one, RawMail)]
    assert [one.data.replace(b"\r\n", b"\n") for one in found] == [first, second]
    assert [one.line for one in found] == [2, first.count(b"\n") + 4]
    path.write_bytes(data[: -len(rule)])
    assert len(list(read_inputs([str(path)]))) == 2


def test_each_message_of_mmdf_has_its_own_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchlint.mail.bounded.MOST_OF_A_MAIL", 5_000)
    monkeypatch.setattr("patchlint.mail.bounded._PIECE", 1_000)
    rule = b"\1\1\1\1\n"
    path = tmp_path / "inbox.mmdf"
    path.write_bytes(b"".join(rule + mail(str(n), "text\n" * 600) + rule for n in range(5)))
    found = [one for one in read_inputs([str(path)]) if isinstance(one, RawMail)]
    assert [one.data.count(b"text") for one in found] == [600] * 5
