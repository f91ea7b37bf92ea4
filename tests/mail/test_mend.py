from __future__ import annotations

import binascii
import html

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mail_maker import DIFF, mail

from patchlint.mail.mend import mend
from patchlint.mail.message import decode
from patchlint.mail.shape import looks_whole
from patchlint.model.mail import Mail, RawMail
from patchlint.patch.diff import parse

ARROWS = DIFF.replace("ring_stop(ring)", "ring->stop(ring & 1, a < b)")
WHY = "Say why.\n---\n\n"


def read(text: str) -> Mail:
    return decode(RawMail("-", mail("[PATCH] demo", text, mid="a@example.org")))


def squeezed(text: str) -> list[tuple[str, str]]:
    """The marked lines of a diff, however their white space looks."""
    return [
        (line.kind, " ".join(line.text.split()))
        for file in parse(text).files
        for hunk in file.hunks
        for line in hunk.lines
    ]


def doubled(text: str) -> str:
    return text.replace("\n", "\n\n")


DAMAGES = {
    "no-break spaces for tabs": lambda text: text.replace("\t", "\u00a0" * 8),
    "no-break spaces for all": lambda text: text.replace("\n ", "\n\u00a0").replace("\t", "\u00a0"),
    "wide spaces": lambda text: text.replace("\t", "\u2003\u2003"),
    "entities": html.escape,
    "entities but for quotes": lambda text: html.escape(text, quote=False),
    "only greater-than": lambda text: text.replace("->", "-&gt;"),
    "line breaks": lambda text: text.replace("\n", "<br>\n"),
    "closed line breaks": lambda text: text.replace("\n", "<br/>\n"),
    "breaks and entities": lambda text: html.escape(text).replace("\n", "<br />\n"),
    "doubled lines": doubled,
    "doubled lines with blanks": lambda text: text.replace("\n", "\n \n"),
    "quoted-printable": lambda text: binascii.b2a_qp(text.encode(), istext=True).decode(),
}


@given(st.text(alphabet="\n@- +=3D<br>&gt;\u00a0ab/1", max_size=80))
def test_what_looks_whole_is_never_mended(tail: str) -> None:
    for text in (f"--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\n{tail}", tail):
        if looks_whole(text):
            assert mend(text) == (text, ())


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_what_a_mailer_did_is_undone_and_said(damage: str) -> None:
    found = read(WHY + DAMAGES[damage](ARROWS))
    assert found.diff_start is not None
    assert squeezed(found.body[found.diff_start :]) == squeezed(ARROWS)
    assert found.problems


@pytest.mark.parametrize("flowed", ["", "Content-Type: text/plain; format=flowed\n"])
def test_torn_file_header_is_joined(flowed: str) -> None:
    head, at, hunk = DIFF.partition("@@ -")
    del head
    dated = (
        "--- v6.1/drivers/demo/ring.c.orig  2022-08-25 \n12:45:54.000000000 +0300\n"
        "+++ v6.1/drivers/demo/ring.c       2022-08-28 \n16:28:09.531738685 +0300\n"
    )
    named = "---\na/drivers/demo/ring.c\n+++\nb/drivers/demo/ring.c\n"
    for torn in (dated, named):
        text = mail("[PATCH] demo", WHY + torn + at + hunk, mid="a@x.org", headers=flowed)
        found = decode(RawMail("-", text))
        (file,) = parse(found.body[found.diff_start or 0 :]).files
        assert (file.path, len(file.hunks)) == ("drivers/demo/ring.c", 1)
        assert found.problems == ("file header broken by a mailer; joined",)


def test_colours_are_taken_out_without_a_word() -> None:
    text = "".join(f"\x1b[1m{line}\x1b[m\n" for line in ARROWS.splitlines())
    assert mend(text) == (ARROWS, ())


@pytest.mark.parametrize(
    "line",
    [
        '+\tputs("a &amp; b"); if (a & b)',
        '+\tprintf("&lt;%s>", a < b ? "x" : "y");',
        '+\tputs("<br>");',
        "+\tx = 3D;",
        '+\tputs("\u00a0");',
    ],
)
def test_source_that_looks_a_little_like_it_stays(line: str) -> None:
    text = ARROWS.replace("+\tring->stopped = true;", line)
    assert mend(text) == (text, ())


def test_empty_context_lines_are_no_doubled_lines() -> None:
    text = DIFF.replace(" \n", "\n")
    assert mend(f"Why.\n\nMore.\n\n{text}\n\n-- \n")[1] == ()


@given(st.text(alphabet="@- +=3D\n<br>&gt;\u00a0\x1b[m1,diff/", max_size=200))
def test_any_text_is_survived_and_mended_once(text: str) -> None:
    once, _said = mend(text)
    assert mend(once)[0].count("@@") == once.count("@@")


@given(
    st.lists(
        st.tuples(st.sampled_from(" +-"), st.text(st.characters(codec="ascii"), max_size=12)),
        min_size=1,
        max_size=8,
    )
)
def test_a_diff_of_plain_c_is_never_touched(drawn: list[tuple[str, str]]) -> None:
    """Law: with a bare <, > and = in it no rule but that of doubled lines can apply."""
    lines = [f"{mark}{''.join(text.split())}" for mark, text in drawn if "\x1b" not in text]
    text = "--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\n+x = p->a < b && *c;\n" + "\n".join(lines)
    assume("&" not in text.replace("&&", "") and ";" not in "".join(lines))
    assert mend(text) == (text, ())


# -- attachments ---------------------------------------------------------------------------


def with_attachment(
    text: str, attached: str, kind: str = "text/x-patch", shown: str = "attachment"
) -> Mail:
    body = (
        f"--XX\nContent-Type: text/plain\n\n{text}\n--XX\nContent-Type: {kind}\n"
        f"Content-Disposition: {shown}; filename=a.patch\n\n{attached}\n--XX--\n"
    )
    head = 'Content-Type: multipart/mixed; boundary="XX"\n'
    return decode(RawMail("-", mail("[PATCH] demo", body, mid="a@example.org", headers=head)))


@pytest.mark.parametrize("shown", ["attachment", "inline"])
@pytest.mark.parametrize(
    "kind", ["text/x-patch", "text/plain", "application/octet-stream", "text/html"]
)
def test_attachment_counts_over_a_small_diff_in_the_text(kind: str, shown: str) -> None:
    small = DIFF.replace("+\tring->stopped = true;\n", "").replace("+40,5", "+40,4")
    text = f"Roughly this:\n\n{small}\nThe patch is attached.\n"
    found = with_attachment(text, DIFF, kind, shown)
    assert squeezed(found.body[found.diff_start :]) == squeezed(DIFF)
    assert found.body.startswith("Roughly this:")
    assert ["attached one is read" in problem for problem in found.problems] == [True]


def test_the_same_diff_twice_is_not_worth_a_word() -> None:
    found = with_attachment(f"Why.\n\n{DIFF}", DIFF)
    assert squeezed(found.body[found.diff_start :]) == squeezed(DIFF)
    assert found.problems == ()
