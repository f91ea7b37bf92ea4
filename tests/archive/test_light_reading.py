"""What the survey reads off bytes must agree with what the mail stage decodes."""

from __future__ import annotations

import time
from email.utils import formatdate

import archive_kit as kit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.archive import headers, sieve
from patchlint.archive.progress import Lines
from patchlint.mail.message import decode
from patchlint.model.mail import RawMail


def light(text: str | bytes) -> headers.Light:
    return headers.read(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Tue, 24 Nov 2020 08:08:40 +0000", 1606205320.0),
        ("24 Nov 2020 08:08 GMT", 1606205280.0),
        ("Tue, 24 Nov 2020 10:08:40 +0200 (EET)", 1606205320.0),
        ("Tue, 24 Nov 2020 03:08:40 -0500", 1606205320.0),
        ("Tue, 4 Foo 2020 03:08:40 -0500", None),
        ("yesterday", None),
        ("Fri, 1 Dec 1899 00:00:00 +0000", None),
        ("Thu, 1 Jan 1970 00:00:00 +0000", None),
        ("Mon, 26 Aug 1991 09:00:00 +0000", 683197200.0),
        ("Fri, 1 Jan 2077 00:00:00 +0000", None),
        ("", None),
        ("Tue, 99 Nov 99999999 99:99:99 +9999", None),
    ],
)
def test_dates(value, expected):
    assert headers.date(value) == expected
    mail = decode(RawMail("a", f"Date: {value}\n\n".encode()))
    assert mail.date in {expected, None}
    assert headers.date(value) is not None or mail.date is None


def test_a_clock_that_is_a_little_ahead_is_believed():
    now = time.time()
    for days, kept in ((1, True), (30, False)):
        when = float(int(now + days * 86400))
        assert headers.date(formatdate(when)) == (when if kept else None)
        mail = decode(RawMail("a", f"Date: {formatdate(when)}\n\n".encode()))
        assert mail.date == (when if kept else None)


def test_folded_encoded_and_missing_headers():
    found = light(
        "FROM: =?utf-8?q?J=C3=B6rg?= <j@example.org>\nsubject: [PATCH\n 1/2] a\n\tb\n"
        "Message-Id:\n <a@example.org>\nReferences: <x@example.org>\n <y@example.org>\n\nDate: no\n"
    )
    assert found.author == "Jörg <j@example.org>"
    assert found.subject == "[PATCH 1/2] a b"
    assert found.message_id == "a@example.org"
    assert found.references == ("x@example.org", "y@example.org")
    assert found.date is None
    assert headers.address(found.author) == "j@example.org"


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_same_headers_as_the_mail_stage(encoding):
    data = kit.patch(2, 3, "set", kit.BAD, encoding=encoding).bytes()
    mail = decode(RawMail("a", data))
    found = light(data)
    assert (found.message_id, found.subject, found.author, found.date) == (
        mail.message_id,
        mail.subject,
        mail.author,
        mail.date,
    )
    assert found.references == mail.references


@given(st.binary(max_size=400))
def test_reading_never_raises(data):
    found = headers.read(data)
    sieve.has_hunk(sieve.unwrap(data, found.kind))
    sieve.joins_words(data, found.kind)
    sieve.series_subject(found.subject)
    assert isinstance(found.subject, str)


WORDS = st.sampled_from(
    ["@@ -1,2 +1,2 @@", "-\told();", "+\tnew_work();", "=40", "é", "", " x", "> @@ -1 +1 @@", "- a"]
)


@given(st.lists(WORDS, max_size=12), st.sampled_from(["8bit", "base64", "quoted-printable"]))
def test_what_the_mail_stage_sees_the_sieve_sees(lines, encoding):
    """Each hunk that shows after decoding shows to the sieve, and so does each word."""
    post = kit.Post("a@example.org", "x", "\n".join(["Text", *lines, ""]), encoding=encoding)
    data = post.bytes()
    body = decode(RawMail("a", data)).body
    text = sieve.unwrap(data, headers.read(data).kind)
    if "\n@@ -" in "\n" + body:
        assert sieve.has_hunk(b"\n" + text)
        assert ("new_work" in body) <= (b"new_work" in text)


@pytest.mark.parametrize("quoted", ["=40@ -1 +1 =40=40", "@=40 -1 +1", "=0A@@ -1 +1 @@"])
def test_hunk_that_is_quoted_in_an_odd_way_shows(quoted):
    data = (
        "Content-Type: text/plain\nContent-Transfer-Encoding: Quoted-Printable\n\n"
        f"--- a/x.c\n+++ b/x.c\n{quoted}\n"
    ).encode()
    assert sieve.has_hunk(sieve.unwrap(data, headers.read(data).kind))


@pytest.mark.parametrize(
    ("subject", "counts"),
    [
        ("[PATCH 0/3] a", True),
        ("[RFC v2 1/3] a", True),
        ("[PATCH] a", True),
        ("Re: [PATCH] a", False),
        ("[ANNOUNCE] a", False),
        ("a", False),
    ],
)
def test_subjects_of_series(subject, counts):
    assert (sieve.series_subject(subject) is not None) == counts


def test_progress_line_says_rate_and_time_left():
    lines = Lines()
    lines.stage("reading", 100)
    lines._done = 50
    assert lines.line(10.0) == "patchlint: reading: 50 of 100, 5/s, 10 s left"
    lines._done = 100
    assert lines.line(10.0) == "patchlint: reading: 100 of 100, 10/s"
