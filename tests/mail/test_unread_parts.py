"""What of a mail may hold a patch and is not read is lost, also beside a diff that is read."""

from __future__ import annotations

import base64
import binascii
import gzip
import html

import pytest
from series_kit import DIRECT, PATH, QUEUED, diff

from patchlint.report.lookup import lost, unpassed
from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")
BAD = diff({PATH: DIRECT}, {PATH: QUEUED})
QUIET = diff({"lib/a.c": "int a;\n"}, {"lib/a.c": "int b;\n"})
HEAD = (
    "From: A. Author <author@example.org>\nSubject: [PATCH] lamp: x\n"
    "Message-ID: <lamp@example.org>\nMIME-Version: 1.0\n"
)
TEXT = f"Say why.\n---\n{QUIET}-- \n2.45.0\n"


def parts(*more: str) -> str:
    """A mail with the quiet patch in its text, and further parts."""
    inside = "".join(f"--XX\n{part}\n" for part in (f"Content-Type: text/plain\n\n{TEXT}", *more))
    return f'{HEAD}Content-Type: multipart/mixed; boundary="XX"\n\n{inside}--XX--\n'


def coded(name: str, data: bytes, kind: str = "application/octet-stream") -> str:
    text = base64.encodebytes(data).decode()
    return f"Content-Type: {kind}; name={name}\nContent-Transfer-Encoding: base64\n\n{text}"


def uuencoded(name: str, data: bytes) -> str:
    lines = [binascii.b2a_uu(data[at : at + 45]).decode() for at in range(0, len(data), 45)]
    return f"begin 644 {name}\n{''.join(lines)}`\nend\n"


PACKED = gzip.compress(BAD.encode() + b"".join(b"%d\n" % (n * n) for n in range(900)))
INNER = f"From: A <a@example.org>\nSubject: [PATCH] lamp: y\n\nWhy.\n---\n{BAD}".encode()
SEALED = {
    "cut": (parts(coded("y.patch.gz", PACKED[: len(PACKED) // 2])), "y.patch.gz is not read whole"),
    "zstd": (parts(coded("y.patch.zst", b"\x28\xb5\x2f\xfd1")), "it is compressed with zstd"),
    "archive": (parts(coded("y.tgz", gzip.compress(b"x"))), "y.tgz is packed"),
    "nameless archive": (
        parts(
            "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(b"PK\3\4\0\0\xff").decode()
        ),
        "it is a zip archive",
    ),
    "strange encoding": (
        parts("Content-Type: text/x-patch\nContent-Transfer-Encoding: x-gzip64\n\nH4sIAAAA\n"),
        "its transfer encoding x-gzip64 is not known",
    ),
    "encrypted": (
        parts("Content-Type: application/pgp-encrypted; name=y.patch.asc\n\nVersion: 1\n"),
        "encrypted",
    ),
    "armoured": (
        parts("Content-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nabc\n"),
        "encrypted",
    ),
    "context": (
        f"{HEAD}\n{TEXT}\n*** a/y.c\n--- b/y.c\n{'*' * 15}\n*** 1 ****\n! a\n--- 1 ----\n! b\n",
        "a context diff",
    ),
    "ed": (f"{HEAD}\n{TEXT}\ndiff -e a.c b.c\n3,4c\nint a;\n.\n1d\n", "ed script"),
    "normal": (f"{HEAD}\n{TEXT}\n5c5\n< int a;\n---\n> int b;\n", "normal diff"),
    "added": (f"{HEAD}\n{TEXT}\n3a4,6\n> int a;\n", "normal diff"),
    "above": (
        f"{HEAD}\n{TEXT.replace('Say', 'diff a.c.orig a.c' + chr(10) + '3d2' + chr(10))}",
        "normal diff",
    ),
    "attached": (
        parts("Content-Type: text/x-patch; name=y.diff\n\n3d2\n< int a;\n"),
        "normal diff",
    ),
    "many": (parts(*(f"Content-Type: text/plain\n\n{n}\n" for n in range(600))), "parts"),
    "uuencode": (f"{HEAD}\n{TEXT}\n{uuencoded('y.zip', b'PK12')}", "y.zip"),
}


@pytest.mark.parametrize("case", SEALED)
def test_it_is_lost_beside_a_patch(case: str) -> None:
    text, said = SEALED[case]
    report = check(["-"], Options(no_tree=True), text.encode())
    (one,) = lost(report)
    assert said in one.message
    (patch,) = report.series[0].patches
    assert said in patch.lost


@pytest.mark.parametrize(
    "text",
    [
        parts(coded("y.eml", INNER, "message/rfc822")),
        parts(coded("y.patch.gz", gzip.compress(BAD.encode()))),
        f"{HEAD}\n{TEXT}\n{uuencoded('y.patch', BAD.encode())}",
        parts(coded("y.patch", BAD.encode(), "application/pdf")),
        parts(coded("y", BAD.encode(), "image/png")),
    ],
    ids=["mail", "gzip", "uuencode", "pdf by its type", "picture by its type"],
)
def test_what_can_be_read_is(text: str) -> None:
    report = check(["-"], Options(no_tree=True), text.encode())
    assert [one.path for one in report.findings] == [PATH]
    assert not lost(report)


def in_base64(spoil) -> str:
    """A mail in base64 with two files, as ``spoil`` leaves the bytes of its body."""
    body = base64.encodebytes(f"Why.\n---\n{QUIET}{BAD}".encode())
    return f"{HEAD}Content-Transfer-Encoding: base64\n\n{spoil(body).decode()}"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda body: body[: 3 * len(body) // 7] + b"!!!***\n", "its base64 is damaged"),
        (lambda body: body[: len(body) // 154 * 77] + b"!!!***\n", "its base64 is damaged"),
        (lambda body: body[:300] + b"!" + body[301:], "its base64 is damaged"),
        (lambda body: body[:317], "its base64 breaks off"),
        (lambda body: body[:318], "its base64 breaks off"),
    ],
    ids=["junk", "junk behind a line", "a byte", "cut", "cut elsewhere"],
)
def test_a_body_whose_base64_is_broken_is_not_read_whole(spoil, said: str) -> None:
    text = in_base64(spoil)
    report = check(["-"], Options(no_tree=True), text.encode())
    assert any(said in one.message for one in lost(report))
    assert unpassed(report)


@pytest.mark.parametrize("behind", [b"", b"\n\n", b"_____\nlist mailing list\nlist@example.org\n"])
@pytest.mark.parametrize("padding", [True, False])
def test_what_a_list_puts_below_base64_is_none_of_it(behind: bytes, *, padding: bool) -> None:
    text = in_base64(lambda body: (body if padding else body.rstrip(b"=\n") + b"\n") + behind)
    report = check(["-"], Options(no_tree=True), text.encode())
    assert [one.path for one in report.findings] == [PATH]
    assert not lost(report)


@pytest.mark.parametrize(
    "message",
    ["The output differs:\n5c5\n< int a;\n---\n> int b;\n", "$ diff a b\n5c5\n", "5c\n.\n"],
)
def test_output_that_the_message_shows_is_no_patch(message: str) -> None:
    text = f"{HEAD}\n{TEXT.replace('Say why.', message)}"
    assert not lost(check(["-"], Options(no_tree=True), text.encode()))


SUMS = " lamp.c | 4 ++--\n {} changed, {} insertions(+), {} deletions(-)\n create mode 100644 x\n\n"


@pytest.mark.parametrize(
    ("sums", "said"),
    [
        (("1 file", 4, 1), "says 4 insertions and 1 deletion, the diff has 1 and 1"),
        (("1 file", 1, 4), "says 1 insertion and 4 deletions, the diff has 1 and 1"),
        (("1 file", 3, 2), "says 3 insertions and 2 deletions, the diff has 1 and 1"),
        (("2 files", 1, 1), "says 2 files, the diff has 1"),
    ],
)
def test_a_diff_with_less_than_its_own_diffstat_says_is_cut_short(sums, said: str) -> None:
    text = HEAD + "\n" + TEXT.replace("---\n", "---\n" + SUMS.format(*sums), 1)
    report = check(["-"], Options(no_tree=True), text.encode())
    (one,) = lost(report)
    assert said in one.message
    assert unpassed(report)


@pytest.mark.parametrize(
    "above",
    [
        SUMS.format("1 file", 1, 1),
        SUMS.format("1 file", 0, 1),
        SUMS.format("1 file", 2, 2),
        SUMS.format("3 files", 9, 9) + "but that was v1\n",
        " lots has changed, 3 insertions(+)\n",
    ],
    ids=["the same", "added to by hand", "written over", "of something else", "prose"],
)
def test_a_diff_with_all_that_is_said_right_above_it_is_whole(above: str) -> None:
    text = HEAD + "\n" + TEXT.replace("---\n", "---\n" + above, 1)
    assert not lost(check(["-"], Options(no_tree=True), text.encode()))


def test_a_signature_and_a_picture_are_no_patch() -> None:
    text = parts(
        "Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\nabc\n",
        coded("y.png", b"\x89PNG\0", "image/png"),
    )
    assert not lost(check(["-"], Options(no_tree=True), text.encode()))


def page(text: str) -> str:
    return f"Content-Type: text/html\n\n<pre>{html.escape(text)}</pre><br>\n"


def test_a_diff_that_stands_in_html_alone_is_said() -> None:
    report = check(["-"], Options(no_tree=True), parts(page(BAD)).encode())
    (one,) = lost(report)
    assert f"HTML with a diff of {PATH}" in one.message
    assert unpassed(report)


@pytest.mark.parametrize("more", ["", "> +++ b/lib/b.c\n> @@ -1 +1 @@\n"])
def test_html_that_says_what_the_text_says_is_passed_over(more: str) -> None:
    same = f"{QUIET}{more.replace('> ', '')}"
    text = parts(page(same)).replace("Say why.", f"Say why.\n{more}")
    assert not lost(check(["-"], Options(no_tree=True), text.encode()))
