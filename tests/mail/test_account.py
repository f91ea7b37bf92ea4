"""No mail goes without a word: what was there instead of patches, and what could not be read."""

from __future__ import annotations

import pytest
from mail_maker import DIFF, mail, patch

from patchlint.mail import account
from patchlint.mail.message import decode
from patchlint.model.mail import Mail, RawMail

PARENT = ("p@example.org",)


def mails(*data: bytes) -> list[Mail]:
    return [decode(RawMail("in.mbox", one)) for one in data]


def quoted(subject: str) -> bytes:
    text = "On Monday Ada wrote:\n> a line\n\nWhy so?\n"
    return mail(subject, text, mid="q@example.org", refs=PARENT)


COVER = mail("[PATCH 0/2] x", "Two patches.\n", mid="c@example.org")
BROKEN = mail("[PATCH 1/2] x", "Say why.\n---\n f.c | 2 +-\n", mid="b@example.org")
TALK = mail("Lunch", "Today?\n", mid="t@example.org")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ((quoted("Re: [PATCH] x"),), "only 1 answer"),
        ((COVER,), "only 1 cover letter"),
        ((COVER, quoted("Re: [PATCH] x"), TALK), "only 1 answer and 1 cover letter and 1 mail"),
        ((TALK, mail("Dinner", "No.", mid="u@example.org")), "only 2 mails without a patch"),
        ((), "there is no mail in it"),
    ],
)
def test_what_was_there_instead(data: tuple[bytes, ...], text: str) -> None:
    (error,) = account.nothing(mails(*data), "given", alone=True)
    assert text in error.message
    assert error.input == ("in.mbox" if data else "given")


def test_what_is_an_error_already_is_not_told_twice() -> None:
    assert account.nothing(mails(BROKEN), "given", alone=False) == []


def test_patch_without_a_diff_is_an_error() -> None:
    (error,) = account.unread(mails(COVER, BROKEN, TALK, quoted("Re: [PATCH 1/2] x")))
    assert (error.message_id, error.input) == ("b@example.org", "in.mbox")


@pytest.mark.parametrize("subject", ["[net,1/2] x", "[PATCH] x", "[RFC 1/2] x", "PATCH 1/2: x"])
def test_any_patch_without_a_diff_is_an_error(subject: str) -> None:
    assert len(account.unread(mails(mail(subject, "Say why.\n", mid="b@example.org")))) == 1


@pytest.mark.parametrize(
    "answer",
    [
        quoted("[PATCH] x"),
        mail("[PATCH] x", "ada> quoted so\nyes\n", mid="q@example.org", refs=PARENT),
        mail("[PATCH] x", "-----Original Message-----\nFrom: A\n", mid="q@x.org", refs=PARENT),
        mail("[PATCH] x", "Applied, thanks.\n", mid="q@example.org", refs=PARENT),
        mail("Fwd: [PATCH] x", "See below.\n", mid="q@example.org"),
    ],
    ids=["quotes", "names", "outlook", "top-posted", "forward"],
)
def test_answer_without_re_is_no_broken_patch(answer: bytes) -> None:
    assert account.unread(mails(patch("[PATCH] x", mid=PARENT[0]), answer)) == []


def test_answer_to_a_patch_that_is_not_there_is_known_by_its_quotes() -> None:
    assert account.unread(mails(quoted("[PATCH] x"))) == []
    bare = mail("[PATCH] x", "Say why.\n", mid="q@example.org", refs=PARENT)
    assert len(account.unread(mails(bare))) == 1


SNIPPET = "@@ -1,3 +1,3 @@ int a(void)\n \tint b;\n-\tc();\n+\td();\n \te();\n"


@pytest.mark.parametrize("mark", ["", "> "])
def test_answer_with_a_hunk_and_no_file_is_no_patch(mark: str) -> None:
    said = "On Monday Ada wrote:\n> a line\n\nRather so?\n\n"
    shown = "".join(f"{mark}{line}" for line in SNIPPET.splitlines(keepends=True))
    (one,) = mails(mail("[PATCH 3/4] x", said + shown + "\nBo\n", mid="q@x.org", refs=PARENT))
    assert (one.diff_start, one.is_reply) == (None, True)
    assert account.unread([one]) == []


def test_patch_that_lost_its_file_header_is_none_the_less_a_patch() -> None:
    for said in (
        "> A quote that it begins with.\n\nSigned-off-by: Ada Example <ada@example.org>\n---\n\n",
        "Say why.\n\n",
    ):
        (one,) = mails(mail("[PATCH 3/4] x", said + SNIPPET, mid="q@x.org", refs=PARENT))
        assert (one.diff_start is None, one.is_reply) == (False, False)


def test_verdict_of_a_reviewer_is_an_answer_and_a_patch_with_one_is_not() -> None:
    said = "Acked-by: Bo Example <bo@example.org>\n"
    assert account.unread(mails(mail("[PATCH] x", said, mid="q@x.org", refs=PARENT))) == []
    cut = f"Say why.\n\n{said}Signed-off-by: Ada Example <ada@example.org>\n---\n"
    assert len(account.unread(mails(mail("[PATCH] x", cut, mid="q@x.org", refs=PARENT)))) == 1


def test_copy_that_lost_its_patch_is_no_error_beside_the_whole_one() -> None:
    stripped = mail("[PATCH] x", "An attachment was removed.\n", mid="a@example.org")
    assert account.unread(mails(stripped, patch("[PATCH] x", mid="a@example.org"))) == []


def test_unnumbered_cover_letter_is_known_by_its_shortlog() -> None:
    text = "*** BLURB HERE ***\n\nAda Example (2):\n  demo: one\n  demo: two\n\n f.c | 2 +-\n"
    assert account.unread(mails(mail("[PATCH] x", text))) == []


def test_html_patch_is_an_error() -> None:
    html = mail("[PATCH] x", f"<pre>{DIFF}</pre>", headers="Content-Type: text/html\n", mid="h@x")
    (error,) = account.unread(mails(html))
    assert "HTML without a plain text" in error.message


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"-----BEGIN PGP MESSAGE-----\n\nabc\n", "encrypted"),
        (b"*** a/y.c\n--- b/y.c\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n", "a context"),
        (b"Say why.\n", "the mail may be cut short"),
    ],
)
def test_what_is_there_instead_of_a_diff_is_why_there_is_none(data: bytes, why: str) -> None:
    (error,) = account.unread(mails(mail("[PATCH] x", data.decode(), mid="x@example.org")))
    assert error.message.startswith(f"[PATCH] x: there is no diff in this patch; {why}")
