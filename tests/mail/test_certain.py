"""What is certain to be read whole is; what is not read whole is never certain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_maker import DIFF, mail, patch

from patchlint.mail.certain import certain, certain_mails, plain
from patchlint.mail.message import decode
from patchlint.mail.series import group
from patchlint.model.mail import RawMail
from patchlint.run import read_whole

MORE = (
    "@@ -90,3 +91,4 @@ static void ring_free(struct ring *ring)\n {\n+\tring_stop(ring);\n"
    " \tkfree(ring);\n }\n"
)
OTHER = DIFF.replace("ring.c", "lamp.c")
STAT = " ring.c | 3 ++-\n lamp.c | 3 ++-\n 2 files changed, 6 insertions(+), 2 deletions(-)\n"


@pytest.mark.parametrize(
    "data",
    [
        patch("[PATCH] demo: x"),
        patch("[PATCH] demo: x").replace(b"\n", b"\r\n"),
        patch("[PATCH] demo: x").replace(b"-- \n2.45.0\n", b"\nSome words behind it.\n"),
        patch("[PATCH] demo: x").replace(b"-- \n2.45.0\n", b""),
        mail("[PATCH] demo: x", f"Why.\n---\n{DIFF}{MORE}{OTHER}{MORE}-- \n2.45.0\n\n"),
        mail("[PATCH] demo: x", f"Why.\n---\n{DIFF}-- \n2.45.0\n") * 2,
        mail("[PATCH] demo: x", f"Why.\n---\n{STAT}\n{DIFF}{MORE}{OTHER}{MORE}-- \n2.45.0\n"),
        mail("[PATCH] demo: x", DIFF.replace("\tring->stopped = true;", "x\n\\ No newline at all")),
    ],
)
def test_a_whole_diff_is_certain(data: bytes) -> None:
    assert certain_mails(data)


PICTURE = "diff --git a/x.c b/x.c\nindex 1..2 100644\nGIT binary patch\ndelta 3\nKcmZ\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "No diff at all.\n",
        DIFF.replace("+\tring->stopped = true;\n", ""),
        DIFF.partition(" }\n")[0],
        DIFF + "+\tring_free(ring);\n",
        DIFF.replace("@@ -40,4 +40,5 @@", "@@ ... @@"),
        DIFF + "@@ ... @@\n-a\n+b\n",
        DIFF.partition("@@")[0],
        DIFF + "-- \n2.45.0\n\n" + OTHER.partition(" }\n")[0],
        DIFF + "-- \n2.45.0\n\nbegin 644 x.patch\n#86)C\n`\nend\n",
        DIFF + PICTURE,
        DIFF + "diff --git a/y.c b/y.c\ndeleted file mode 100644\nindex 1..0\n",
        DIFF
        + "diff --cc x.c\nindex 1,2..3\n--- a/x.c\n+++ b/x.c\n@@@ -1,1 -1,1 +1,1 @@@\n--a\n++b\n",
        DIFF + "*** a/x.c\n--- b/x.c\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n",
        DIFF + "begin 644 x.patch\n#86)C\n`\nend\n",
        DIFF + "diff -e a.c b.c\n5,6c\nint a;\n.\n",
        DIFF + "5c5\n< int a;\n---\n> int b;\n",
        DIFF + "-- \n2.45.0\n\n3a4,6\n> int a;\n",
        "@@ -1 +1 @@\n-a\n+b\n" + DIFF,
        DIFF.replace("@@ -40,4", "@@ -40000000,4"),
        DIFF.replace("-\t", " \t", 1).replace("+\t", " \t"),
        f"{STAT}\n{DIFF}{MORE}",
        f"{STAT.replace('6', '9')}\n{DIFF}{MORE}{OTHER}{MORE}",
        f"{STAT}\n{DIFF}{MORE}{OTHER}{MORE}-- \n2.45.0\n\n{STAT}\n{DIFF}",
    ],
)
def test_a_diff_that_may_not_be_read_whole_is_not(text: str) -> None:
    assert not certain(text.encode())
    assert not certain_mails(mail("[PATCH] demo: x", f"Why.\n---\n{text}"))


def test_colours_are_taken_off() -> None:
    text = DIFF.encode()
    coloured = b"".join(b"\x1b[32m%s\x1b[m\n" % line for line in text.split(b"\n")[:-1])
    assert plain(coloured) == text
    assert certain_mails(coloured)


@given(st.data())
def test_what_is_certain_is_read_whole(data: st.DataObject) -> None:
    """Lines of a diff taken out, doubled, joined or put elsewhere, in any number."""
    lines = (DIFF + MORE + OTHER + MORE).split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(("out", "twice", "swap", "joined", "text", "end")))
        if change == "out":
            del lines[at]
        elif change == "twice":
            lines.insert(at, lines[at])
        elif change == "swap":
            lines[at], lines[-1] = lines[-1], lines[at]
        elif change == "joined":
            lines[at : at + 2] = [" ".join(lines[at : at + 2])]
        elif change == "text":
            lines.insert(
                at, data.draw(st.sampled_from(("Words.", "@@", "+ more", "- less", "", "-- ")))
            )
        else:
            del lines[at + 1 :]
        if not lines:
            return
    stat = data.draw(st.sampled_from(("", f"{STAT}\n")))
    text = mail("[PATCH] demo: x", f"Why.\n---\n{stat}" + "\n".join(lines) + "\n")
    if certain_mails(text):
        (series,) = group([decode(RawMail("x", text))])
        assert read_whole(series)
