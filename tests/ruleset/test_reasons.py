from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from patchlint.model.effect import Promise
from patchlint.model.finding import Finding
from patchlint.model.mail import Patch
from patchlint.ruleset.reasons import hear

TASK = Promise("task", "before-call-returns", ())
FINDING = Finding(
    "inode-put-deferred", "warning", "high", 0, 1, "1@x", None, "fs/lamp.c", 3, "post",
    "lamp_close", "inode", "iput", TASK, TASK, None, (), (), (), "iput() moves", "f" * 16, "", (),
    (), (),
)  # fmt: skip
RULES = ("inode-put-deferred", "mount-put-deferred")
GOOD = "patchlint-ok: inode-put-deferred lamp_close -- the caller flushes"


def patch(text, number=1):
    return Patch(number, f"{number}@x", None, "lamp: close late", "A <a@x>", None, text, "", "-")


def below(text):
    return f"Close the lamp.\n\nSigned-off-by: A <a@x>\n---\n{text}\n fs/lamp.c | 2 +-\n"


def heard(*texts, findings=(FINDING,), some=False):
    patches = [patch(text, number) for number, text in enumerate(texts, 1)]
    found, notes = hear(patches, findings, RULES, some=some)
    return [one.author_says for one in found], [note.message for note in notes]


def test_a_reason_stands_with_its_finding():
    assert heard(below(GOOD)) == (["the caller flushes"], [])


def test_a_reason_of_another_patch_of_the_series_counts():
    assert heard("no word", below(GOOD)) == (["the caller flushes"], [])


def test_parentheses_case_and_lines_are_free():
    text = (
        "Patchlint-OK:  inode-put-deferred\tlamp_close() --  the\n  caller flushes, see\n\tpatch 2"
    )
    assert heard(below(text)) == (["the caller flushes, see patch 2"], [])


def test_the_diffstat_is_no_part_of_a_reason():
    assert heard(below(f"{GOOD}\n\n")) == (["the caller flushes"], [])


def test_the_commit_message_gives_no_reason():
    said, notes = heard(f"Close.\n\n{GOOD}\n---\n fs/lamp.c | 2 +-\n")
    assert said == [None]
    assert notes == [
        "patch 1: patchlint-ok counts below the --- of the mail alone, not in the commit message"
    ]
    assert heard(GOOD)[0] == [None]


def test_a_line_without_a_reason_is_told_of():
    for text in (
        "patchlint-ok: inode-put-deferred lamp_close",
        "patchlint-ok:",
        "patchlint-ok: x --",
    ):
        said, notes = heard(below(text))
        assert said == [None]
        assert "is not of the form RULE FUNCTION -- reason" in notes[0]


def test_one_that_fits_nothing_is_a_note():
    said, notes = heard(below(GOOD.replace("lamp_close", "lamp_open")))
    assert said == [None]
    assert notes == [
        f"patch 1: the author gives a reason for {RULES[0]} in lamp_open(), which is not found"
    ]
    assert heard(below(GOOD), findings=())[1]
    assert "there is no such rule" in heard(below(GOOD.replace("inode", "lamp")))[1][0]


def test_of_rules_that_were_not_asked_for_nothing_is_said():
    other = below(GOOD.replace("inode-put", "lamp"))
    assert heard(other, some=True) == ([None], [])
    assert heard(below(GOOD), findings=(), some=True)[1] != []


def test_a_long_reason_is_cut():
    assert len(heard(below(GOOD + "x" * 3000))[0][0]) == 500


@given(st.text(max_size=200), st.sampled_from(["---\n", ""]))
def test_whatever_stands_there_findings_stay(text, cut):
    for key in ("", "patchlint-ok:"):
        found, _ = hear([patch(f"{cut}{key}{text}")], (FINDING,), RULES, some=False)
        assert [replace(one, author_says=None) for one in found] == [FINDING]
