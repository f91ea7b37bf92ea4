from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mail_maker import DIFF, FIXTURES, mail, patch

from patchlint.mail import mime
from patchlint.mail.inputs import read_inputs
from patchlint.mail.message import decode
from patchlint.model.mail import Mail, RawMail
from patchlint.patch.diff import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def fixture(name: str) -> Mail:
    (raw,) = read_inputs([str(FIXTURES / name)])
    assert isinstance(raw, RawMail)
    return decode(raw)


def read(data: bytes) -> Mail:
    return decode(RawMail("-", data))


def diff_of(one: Mail) -> str:
    assert one.diff_start is not None
    return one.body[one.diff_start :]


WHOLE = (
    "base64.eml",
    "quoted-printable.eml",
    "latin1.eml",
    "flowed.eml",
    "declared-flowed.eml",
    "signed-inline.eml",
    "signed-mime.eml",
    "attached.eml",
    "reply-with-patch.eml",
    "scissors.eml",
    "in-body-from.eml",
    "git-show.txt",
)


@pytest.mark.parametrize("name", WHOLE)
def test_patch_comes_out_whole(name: str) -> None:
    parsed = parse(diff_of(fixture(name)))
    assert parsed.problems == ()
    (file,) = parsed.files
    assert (file.path, file.added, file.removed) == ("drivers/demo/ring.c", 2, 1)
    assert file.hunks[0].lines[0].text == "\tstruct ring *next;"
    assert file.hunks[0].section.startswith("static void ring_exit")


@pytest.mark.parametrize("delsp", ["", "; delsp=yes"])
def test_a_blank_before_each_blank_is_that_of_flowed_text(delsp: str) -> None:
    headers = f"Content-Type: text/plain; format=flowed{delsp}\n"
    stuffed = DIFF.replace("\n ", "\n  ")
    for diff in (stuffed, stuffed.replace("\n  \n", "\n\n")):
        assert diff_of(read(mail("[PATCH] x", f"Why.\n---\n{diff}", headers=headers))) in {
            DIFF,
            DIFF.replace("\n \n", "\n\n"),
        }


def test_a_diff_of_a_comment_is_not_taken_for_flowed_text() -> None:
    diff = DIFF.replace(" \tstruct ring *next;\n \n", "  * One.\n  * Two.\n").replace(" }", "  */")
    headers = "Content-Type: text/plain; format=flowed\n"
    assert diff_of(read(mail("[PATCH] x", f"Why.\n---\n{diff}", headers=headers))) == diff


@pytest.mark.parametrize("head", ["", "\n", "Content-Type: message/rfc822\n"])
def test_each_mail_of_a_digest_is_read(head: str) -> None:
    inner = [mail(f"[PATCH] {name}", f"Why.\n---\n{DIFF}").decode() for name in ("a", "b")]
    body = "".join(f"--D\n{head}\n{one}\n" for one in inner)
    headers = "MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=D\n"
    found = read(mail("Digest, Vol 7", f"Today:\n\n{body}--D--\n", headers=headers))
    assert [one.subject for one in found.attached] == ["[PATCH] a", "[PATCH] b"]
    assert [diff_of(one).strip() for one in found.attached] == [DIFF.strip()] * 2


@pytest.mark.parametrize("coding", ["8BIT", "base64;", "utf-8", "x-unknown", "none"])
def test_a_strange_transfer_encoding_hides_no_plain_diff(coding: str) -> None:
    headers = f"Content-Transfer-Encoding: {coding}\n"
    found = read(mail("[PATCH] x", f"Why.\n---\n{DIFF}", headers=headers))
    assert diff_of(found) == DIFF
    assert not found.unread


@pytest.mark.parametrize("name", ["base64.eml", "quoted-printable.eml", "latin1.eml"])
def test_diff_is_what_git_mailinfo_takes_out(name: str, tmp_path: Path) -> None:
    with (FIXTURES / name).open("rb") as stream:
        subprocess.run(
            ["git", "mailinfo", "msg", "patch"],
            cwd=tmp_path,
            stdin=stream,
            check=True,
            capture_output=True,
        )
    whole = (tmp_path / "patch").read_text()
    assert whole[whole.index("diff --git") :].rstrip("\n") == diff_of(fixture(name)).rstrip("\n")


def test_encoded_headers() -> None:
    one = fixture("quoted-printable.eml")
    assert one.subject == "[PATCH] demo: beruhige das Gerät"
    assert one.author == "Ada Eübeck <ada@example.org>"
    assert "Gerät muß ruhig sein; naïve code “quoted”" in one.body


def test_character_cut_between_two_encoded_words() -> None:
    one = read(b"Subject: =?utf-8?q?Ger=C3?=\n =?utf-8?q?=A4t?= an\n\ntext\n")
    assert one.subject == "Gerät an"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Ger\u00e4t".encode(), "Gerät"),
        ("Ger\u00e4t".encode("latin-1"), "Gerät"),
        (b"=?no-such-charset?q?Ger=C3=A4t?=", "Gerät"),
        (b"=?utf-8?b?R2Vyw6R0?= and =?utf-8?b?!!!!?=", "Gerät and"),
        (b"=?utf-8?x?kept?=", "=?utf-8?x?kept?="),
    ],
)
def test_odd_headers(header: bytes, expected: str) -> None:
    assert read(b"Subject: " + header + b"\n\ntext\n").subject == expected


def test_latin1_body() -> None:
    assert "Das Gerät muß ruhig sein." in fixture("latin1.eml").body


@pytest.mark.parametrize("charset", ["utf-8", "bogus", "undefined", "rot13", "utf-7", "zlib", '"'])
def test_wrong_charsets_do_not_hurt(charset: str) -> None:
    header = f"Content-Type: text/plain; charset={charset}\n"
    one = read(patch("[PATCH] x", headers=header))
    assert one.diff_start is not None


def test_crlf_is_undone() -> None:
    plain = read(patch("[PATCH] x"))
    assert read(patch("[PATCH] x").replace(b"\n", b"\r\n")) == plain


def test_reply_that_quotes_is_no_patch() -> None:
    one = fixture("reply-quoting.eml")
    assert one.is_reply
    assert one.diff_start is None


@pytest.mark.parametrize("indent", ["> ", ">", "| ", "    ", "\t"])
def test_quoted_or_indented_diff_is_no_patch(indent: str) -> None:
    text = "".join(indent + line + "\n" for line in DIFF.splitlines())
    assert read(mail("Re: [PATCH] x", text)).diff_start is None


def test_patch_after_a_quoted_reply_has_its_own_header_block() -> None:
    one = fixture("reply-with-patch.eml")
    assert one.is_reply
    assert one.subject == "[PATCH] demo: stop it otherwise"
    assert one.author == "Bo Sample <bo@example.org>"
    assert one.body.startswith("The ring must be quiet")


def test_scissors_cut_what_is_above() -> None:
    one = fixture("scissors.eml")
    assert "Thanks for the report" not in one.body
    assert (one.subject, one.version) == ("[PATCH v2] demo: after the scissors", 2)
    assert one.author == "Cy Third <cy@example.org>"


def test_scissors_in_a_table_do_not_cut() -> None:
    one = read(mail("[PATCH] x", f"Why.\n\nif (a >8 || b)\n---\n\n{DIFF}"))
    assert one.body.startswith("Why.")


def test_in_body_from_names_the_author_and_header_the_sender() -> None:
    one = fixture("in-body-from.eml")
    assert one.author == "Cy Third <cy@example.org>"
    assert one.sender == "Ada Example <ada@example.org>"
    assert (one.version, one.number, one.total) == (3, 2, 4)
    assert one.body.startswith("The ring must be quiet")


def test_escaped_from_line_before_in_body_headers() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    text = f">From {commit} Mon Sep 17 00:00:00 2001\nFrom: Cy Third <cy@example.org>\n"
    one = read(mail("[PATCH] x", f"{text}Subject: [PATCH] y\n\nWhy.\n---\n{DIFF}"))
    assert (one.subject, one.author) == ("[PATCH] y", "Cy Third <cy@example.org>")
    assert one.body.startswith("Why.")


def test_signature_armour_is_gone() -> None:
    one = fixture("signed-inline.eml")
    assert "PGP" not in one.body
    assert "\n---\n" in one.body


def test_attachment_with_its_own_headers() -> None:
    one = fixture("attached.eml")
    assert one.subject == "[PATCH] demo: inside"
    assert one.author == "Cy Third <cy@example.org>"
    assert one.message_id == "att@example.org"


def test_several_attached_patches() -> None:
    one = fixture("three-attached.eml")
    assert [inner.number for inner in one.attached] == [1, 2, 3]
    assert [inner.total for inner in one.attached] == [3, 3, 3]
    assert {inner.message_id for inner in one.attached} == {"att3@example.org"}


def multipart(*parts: tuple[str, str]) -> bytes:
    text = "".join(f"--b\n{headers}\n\n{body}\n" for headers, body in parts) + "--b--\n"
    return mail("[PATCH] x", text, headers='Content-Type: multipart/mixed; boundary="b"\n')


PLAIN = "Content-Type: text/plain"
ATTACHED = 'Content-Type: text/x-patch; name="x.patch"\nContent-Disposition: attachment'


def test_pasted_and_attached_patch_counts_once() -> None:
    one = read(multipart((PLAIN, f"Why.\n{DIFF}"), (ATTACHED, DIFF)))
    assert diff_of(one).count("diff --git") == 1


def test_whole_attachment_wins_over_a_torn_paste() -> None:
    torn = DIFF.replace(" \tstruct ring *next;\n", " \tstruct ring\n*next;\n \tmore;\n")
    one = read(multipart((PLAIN, f"Why.\n{torn}"), (ATTACHED, DIFF)))
    assert diff_of(one) == DIFF


def test_attachment_of_another_file_is_added() -> None:
    other = DIFF.replace("ring.c", "other.c")
    one = read(multipart((PLAIN, f"Why.\n{DIFF}"), (ATTACHED, other)))
    assert [file.path for file in parse(diff_of(one)).files] == [
        "drivers/demo/ring.c",
        "drivers/demo/other.c",
    ]


def test_html_twin_is_left_out() -> None:
    one = read(multipart((PLAIN, f"Why.\n{DIFF}"), ("Content-Type: text/html", f"<pre>{DIFF}")))
    assert "<pre>" not in one.body


def test_html_alone_says_so() -> None:
    one = read(multipart(("Content-Type: text/html", f"<pre>{DIFF}</pre>")))
    assert one.diff_start is None
    assert any("HTML" in problem for problem in one.problems)


def test_list_footer_part_stays_behind_the_diff() -> None:
    one = read(multipart((PLAIN, f"Why.\n{DIFF}"), (PLAIN, "______\nlist footer\n")))
    assert parse(diff_of(one)).problems == ()


def test_truncated_multipart_says_so() -> None:
    one = fixture("truncated.eml")
    assert any("cut short" in problem for problem in one.problems)
    assert one.diff_start is not None


def test_headers_alone_say_so() -> None:
    assert any("cut short" in problem for problem in read(b"Subject: x\nFrom: y\n").problems)


def test_git_show_output() -> None:
    one = fixture("git-show.txt")
    assert one.commit == "0123456789abcdef0123456789abcdef01234567"
    assert one.author == "Ada Example <ada@example.org>"
    assert one.subject == "demo: stop the ring and wait"


def test_ids_and_references() -> None:
    one = read(patch("[PATCH 2/2] x", mid="b@example.org", refs=("r@example.org", "a@example.org")))
    assert one.message_id == "b@example.org"
    assert one.in_reply_to == "a@example.org"
    assert one.references == ("r@example.org", "a@example.org")


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 01 Jan 2024 10:00:00 +0100", 1704099600.0),
        ("1 January 2024 09:00 +0000", 1704099600.0),
        ("Mon, 1 Jan 2024 04:00:00 -0500 (EST)", 1704099600.0),
        ("yesterday", None),
        ("Mon, 99 Foo 2024 10:00:00 +0100", None),
    ],
)
def test_dates(date: str, expected: float | None) -> None:
    assert read(mail("x", date=date)).date == expected


def test_a_second_header_of_a_name_does_not_count() -> None:
    assert read(b"Subject: one\nX: y\nSubject: two\n\ntext\n").subject == "one"


def test_line_that_is_no_header_begins_the_body() -> None:
    one = read(b"Subject: x\n" + DIFF.encode())
    assert one.diff_start == 0


def test_very_long_folded_header_takes_no_time() -> None:
    data = b"Subject: x\n" + b" y\n" * 300_000 + b"\ntext\n"
    assert read(data).subject.startswith("x y y")


HEADERS = st.sampled_from(
    [
        b"A: b\n",
        b"a:c\n",
        b" d\n",
        b"\t\n",
        b" \r\n",
        b"\n",
        b"From x\n",
        b"no header\n",
        b"\xe9: x\n",
    ]
)


@given(st.lists(st.one_of(HEADERS, st.binary(max_size=4)), max_size=9).map(b"".join), st.booleans())
def test_headers_at_once_are_headers_line_by_line(data: bytes, skip_from: bool) -> None:
    at_once = mime.split_headers(data, skip_from=skip_from)
    assert at_once == mime._split_by_line(data, skip_from=skip_from)


WORDS = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\n",
        b"Content-Type: text/plain; format=flowed; delsp=yes\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"Content-Type: message/rfc822\n",
        b"Subject: =?utf-8?b?",
        b"Date: Mon, 31 Feb 9999 99:99:99 +9999\n",
        b"From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\n",
        b"-----BEGIN PGP SIGNED MESSAGE-----\n",
        b"-----BEGIN PGP SIGNATURE-----\n",
        b"-- >8 --\n",
        b"--b\n",
        b"--b--\n",
        b"\n",
        b"> ",
        b"=\n",
        b"From: a\n",
        DIFF.encode(),
        DIFF.encode()[40:],
        b"\xff\xfe\0",
    ]
)


@settings(max_examples=300)
@given(st.lists(st.one_of(WORDS, st.binary(max_size=30)), max_size=14).map(b"".join))
@example(b"")
@example(b"Content-Type: text/plain; charset=\0\n\nx")
def test_decode_never_raises(data: bytes) -> None:
    one = read(data)
    assert "\r\n" not in one.body
    assert one.diff_start is None or 0 <= one.diff_start < len(one.body)
    parse(one.body)


@given(st.integers(0, 2000))
def test_cut_mails_are_read(size: int) -> None:
    for name in ("base64.eml", "three-attached.eml", "signed-inline.eml"):
        data = (FIXTURES / name).read_bytes()[:size]
        assert read(data).input == "-"


# -- mails in mails, and what stands before the patch ---------------------------------------


def test_mails_attached_as_mails_are_patches_each_with_its_own_header() -> None:
    parts = [
        ("Content-Type: message/rfc822", patch(f"[PATCH v2 {n}/2] part {n}").decode())
        for n in (1, 2)
    ]
    one = read(multipart((PLAIN, "Two patches that I was sent."), *parts))
    assert [(part.subject, part.number, part.version) for part in one.attached] == [
        ("[PATCH v2 1/2] part 1", 1, 2),
        ("[PATCH v2 2/2] part 2", 2, 2),
    ]
    one = read(multipart((PLAIN, "See below."), parts[0]))
    assert (one.attached, one.number, one.total) == ((), 1, 2)
    assert one.author == "Ada Example <ada@example.org>"


def test_interdiff_in_the_first_column_is_not_the_patch_below_it() -> None:
    inter = DIFF.replace("ring.c", "inter.c")
    text = f"Why.\n---\nInterdiff against v1:\n{inter}\n ring.c | 3 ++-\n\n{DIFF}-- \n2.45.0\n"
    one = read(mail("[PATCH v2] demo", text, mid="a@example.org"))
    assert [file.path for file in parse(diff_of(one)).files] == ["drivers/demo/ring.c"]


def test_parent_is_the_last_reference_when_no_header_names_it() -> None:
    one = read(mail("Re: x", "text", headers="References: <a@x.org> <b@x.org>\n"))
    assert one.in_reply_to == "b@x.org"


def test_quoted_diff_alone_makes_an_answer() -> None:
    assert read(mail("[PATCH] x", "> @@ -1,2 +1,2 @@\n> -a\n\nNo.\n", mid="q@x.org")).is_reply
    assert not read(mail("[PATCH] x", "> a quote\n\nWhy.\n", mid="q@x.org")).is_reply


def in_base64(data: bytes) -> str:
    return base64.encodebytes(data).decode()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_a_packed_attachment_is_read(pack: Callable[[bytes], bytes]) -> None:
    part = in_base64(pack(patch("[PATCH] x")))
    kind = "Content-Type: application/gzip; name=x.patch.gz\nContent-Transfer-Encoding: base64"
    boundary = 'Content-Type: multipart/mixed; boundary="b"\n'
    one = read(
        mail("[PATCH] x", f"--b\n\nattached\n--b\n{kind}\n\n{part}\n--b--\n", headers=boundary)
    )
    assert diff_of(one).startswith(DIFF)
    assert one.problems == ()


def test_what_is_called_base64_and_is_none_is_read_as_it_stands() -> None:
    one = read(
        mail("[PATCH] x", f"Why.\n---\n{DIFF}", headers="Content-Transfer-Encoding: base64\n")
    )
    assert diff_of(one) == DIFF
    assert any("says base64" in problem for problem in one.problems)


SEALED = {
    "encrypted": (
        'Content-Type: multipart/encrypted; boundary="b"\n',
        "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b--\n",
        "encrypted",
    ),
    "armoured": ("", "-----BEGIN PGP MESSAGE-----\nxyz\n-----END PGP MESSAGE-----\n", "encrypted"),
    "elsewhere": ("Content-Type: message/external-body; access-type=URL\n", "x\n", "elsewhere"),
    "zip": (
        'Content-Type: multipart/mixed; boundary="b"\n',
        "--b\nContent-Type: application/zip; name=x.zip\n\nPK\n--b--\n",
        "x.zip is packed",
    ),
    "context diff": ("", "*** a/x.c\n--- b/x.c\n***************\n*** 1 ****\n", "context diff"),
}


@pytest.mark.parametrize("case", SEALED)
def test_what_holds_a_patch_that_is_not_read_is_said(case: str) -> None:
    headers, text, said = SEALED[case]
    one = read(mail("[PATCH] x", text, headers=headers))
    assert one.diff_start is None
    assert any(said in why for why in one.unread)


def test_a_run_of_zeros_is_passed_over_once() -> None:
    """Each of them began a search of all that follow: 60,000 took a minute."""
    from patchlint.mail import texts

    run = b"\0" * 300_000
    assert texts._ZEROS.sub(b"", run + b"x") == run + b"x"
    assert texts._ZEROS.sub(b"", run + b"diff --git a/x b/x") == b"diff --git a/x b/x"
