from __future__ import annotations

import re
import subprocess
import time

import b4
import pytest
from hypothesis import given
from hypothesis import strategies as st
from liblore.series import parse_patch_subject

from patchlint.mail import subject as module
from patchlint.mail.subject import parse

SUBJECTS = (
    "[PATCH] demo: title",
    "[PATCH 0/3] demo: cover",
    "[PATCH v2 2/3] demo: title",
    "[RFC PATCH v3 02/11 net-next] demo: title",
    "[PATCHv4] demo: title",
    "[RFC] [PATCH 1/2] demo: title",
    "[RFC PATCHv2, 3/7] demo: title",
    "[PATCH RESEND v5 1/1] demo: title",
    "[PATCH 2 / 7] demo: title",
    "Re: [PATCH v2 2/3] demo: title",
    "RE: Re[2]: [PATCH] demo: title",
    "AW: [PATCH 1/2] demo: title",
    "Ynt: [PATCH 1/2] demo: title",
    "mm: fix the widget",
    "Re: mm: fix the widget",
    "[GIT PULL] demo changes",
    "[PATCH 10000/20000] demo: too many",
    "[PATCH AUTOSEL 6.1 03/12] demo: title",
    "[PATCH 6.1 0123/1000] demo: title [with a tail]",
    "[PATCH v12 1/2 RFC; v13] demo: title",
    "",
    "[",
    "[]",
)

#: A subject; its title (git), version and number as b4, patchwork and patchlint read them.
#: Where they differ, the reading counts that keeps a series together and its versions apart.
#: git knows a title alone; what it leaves in a title it has not understood.  patchwork's column
#: is what its parser says (3.2); the others are asked here.
TABLE = (
    ("[PATCH v2 1/2] x: y", "x: y", "v2 1/2", "v2 1/2", "v2 1/2"),
    ("[net,v2,1/2] x: y", "x: y", "-", "v2 1/2", "v2 1/2"),
    ("[PATCH v6,1/2] x: y", "x: y", "-", "v6 1/2", "v6 1/2"),
    ("[PATCH,RFC,v2,1/2] x: y", "x: y", "-", "v2 1/2", "v2 1/2"),
    ("[PATCH1/2] x: y", "x: y", "-", "1/2", "1/2"),
    ("[PATCHv2 1/2] x: y", "x: y", "v2 1/2", "1/2", "v2 1/2"),
    ("[PATCHv2-1/2] x: y", "x: y", "-", "1/2", "v2 1/2"),
    ("[v2PATCH1/2] x: y", "x: y", "-", "1/2", "v2 1/2"),
    ("[RFCv2 1/2] x: y", "x: y", "1/2", "1/2", "v2 1/2"),
    ("[PATCH 1 of 2] x: y", "x: y", "-", "1/2", "1/2"),
    ("[PATCH 1 of 2 v3] x: y", "x: y", "v3", "v3 1/2", "v3 1/2"),
    ("[PATCH] 1/2 x: y", "1/2 x: y", "-", "-", "1/2"),
    ("[PATCH] 1/2: x: y", "1/2: x: y", "-", "-", "1/2"),
    ("[PATCH] (1/2) x: y", "(1/2) x: y", "-", "-", "1/2"),
    ("[PATCH] v3 1/2 x: y", "v3 1/2 x: y", "-", "-", "v3 1/2"),
    ("[PATCH] x: y (1/2)", "x: y (1/2)", "-", "-", "1/2"),
    ("[PATCH] 1/2] x: y", "1/2] x: y", "1/2", "-", "1/2"),
    ("[PATCH] [RFC,1/2] x: y", "x: y", "-", "1/2", "1/2"),
    ("[PATCH (1/2)] x: y", "x: y", "-", "-", "1/2"),
    ("[PATCH 1\\2] x: y", "x: y", "-", "-", "1/2"),
    ("[PATCH 1 / 2] x: y", "x: y", "-", "-", "1/2"),
    ("[PATCH -V3 1/2] x: y", "x: y", "1/2", "1/2", "v3 1/2"),
    ("[PATCH -next,v2] x: y", "x: y", "-", "v2", "v2"),
    ("[PATCH_v3] x: y", "x: y", "-", "-", "v3"),
    ("[PATCH ver2 1/2] x: y", "x: y", "1/2", "1/2", "v2 1/2"),
    ("[PATCH v 2 1/2] x: y", "x: y", "1/2", "1/2", "v2 1/2"),
    ("[PATCH take 2 1/2] x: y", "x: y", "1/2", "1/2", "v2 1/2"),
    ("[PATCH] x: y (v2)", "x: y (v2)", "-", "v2", "v2"),
    ("[PATCH] x: y [v2]", "x: y [v2]", "-", "-", "v2"),
    ("[PATCH] v3: x: y", "v3: x: y", "-", "-", "v3"),
    ("[PATCH] v4l: y", "v4l: y", "-", "-", "-"),
    ("[PATCH 1/2] x: y (v2)", "x: y (v2)", "1/2", "v2 1/2", "1/2"),
    ("[PATCH v3.1 2/2] x: y", "x: y", "2/2", "2/2", "v3 2/2"),
    ("[PATCH v5.10 2/2] x: y", "x: y", "2/2", "2/2", "2/2"),
    ("[PATCH v5.10 v2 2/2] x: y", "x: y", "v2 2/2", "v2 2/2", "v2 2/2"),
    ("[PATCH for v5.9 2/2] x: y", "x: y", "2/2", "2/2", "2/2"),
    ("[PATCH v4a 2/2] x: y", "x: y", "2/2", "2/2", "v4 2/2"),
    ("[PATCH v2 1/2] [PATCH v1 1/2] x: y", "x: y", "1/2", "v2 1/2", "v2 1/2"),
    ("[PATCH 1/?] x: y", "x: y", "-", "-", "1/?"),
    ("[PATCH 1/n] x: y", "x: y", "-", "-", "1/?"),
    ("[list] [PATCH 1/2] x: y", "x: y", "1/2", "1/2", "1/2"),
    ("[list] Re: [PATCH 1/2] x: y", "x: y", "-", "-", "1/2 answer"),
    ("***SPAM*** [PATCH 1/2] x: y", "***SPAM*** [PATCH 1/2] x: y", "-", "-", "1/2"),
    ("{Spam?} [PATCH 1/2] x: y", "{Spam?} [PATCH 1/2] x: y", "-", "-", "1/2"),
    ("[SPAM] [PATCH 1/2] x: y", "x: y", "1/2", "1/2", "1/2"),
    ("EXTERNAL: [PATCH 1/2] x: y", "EXTERNAL: [PATCH 1/2] x: y", "-", "-", "1/2"),
    ("Fwd: [PATCH 1/2] x: y", "Fwd: [PATCH 1/2] x: y", "1/2 answer", "1/2", "1/2"),
    ("Re: [PATCH 1/2] x: y", "x: y", "1/2 answer", "1/2 answer", "1/2 answer"),
    ("Antw: [PATCH 1/2] x: y", "Antw: [PATCH 1/2] x: y", "-", "-", "1/2 answer"),
    ("[RF[CRAP] 1/2] x: y", "1/2] x: y", "1/2", "-", "1/2"),
    ("[PATCH [v2] 1/2] x: y", "1/2] x: y", "v2 1/2", "-", "v2 1/2"),
    ("[[PATCH] v2] x: y", "v2] x: y", "v2", "-", "v2"),
    ("[PATCH v2 [1/2]] x: y", "] x: y", "v2 1/2", "v2 1/2", "v2 1/2"),
    ("[PATCH 1/2 x: y", "[PATCH 1/2 x: y", "-", "-", "1/2"),
    ("PATCH 1/2: x: y", "PATCH 1/2: x: y", "-", "-", "1/2"),
    ("(PATCH 1/2) x: y", "(PATCH 1/2) x: y", "-", "-", "1/2"),
    ("[PATCH 5/3] x: y", "x: y", "5/3", "5/3", "5/3"),
    ("[patch 05/10] x: y", "x: y", "5/10", "5/10", "5/10"),
)


def told(number: int | None, total: int | None, version: int, *, reply: bool) -> str:
    words = [f"v{version}"] if version > 1 else []
    if number is not None:
        words.append(f"{number}/{'?' if total is None else total}")
    if reply:
        words.append("answer")
    return " ".join(words) or "-"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_table_of_the_readers(row: tuple[str, str, str, str, str]) -> None:
    subject, title, by_b4, by_patchwork, expected = row
    theirs = b4.LoreSubject(subject)
    number = None if theirs.counters_inferred else theirs.counter
    total = None if theirs.counters_inferred else theirs.expected
    assert told(number, total, theirs.revision, reply=theirs.reply) == by_b4
    mailinfo = subprocess.run(
        ["git", "mailinfo", "/dev/null", "/dev/null"],
        input=f"From: a <a@example.org>\nSubject: {subject}\n\n".encode(),
        capture_output=True,
        check=True,
    )
    assert re.findall(r"^Subject: (.*)", mailinfo.stdout.decode(), re.MULTILINE) == [title]
    ours = parse(subject)
    assert told(ours.number, ours.total, ours.version, reply=ours.is_reply) == expected
    # nobody knows of a number that we lose, and a title is never shorter than what it says
    for other in (by_b4, by_patchwork):
        assert "/" not in other or re.search(r"\d+/", other).group() in expected  # type: ignore[union-attr]
    assert "y" in ours.title


@pytest.mark.parametrize("front", ["***SPAM*** ", "{Spam?} ", "[SPAM] ", "EXT: ", "[list] ", ""])
@pytest.mark.parametrize("glue", [" ", ",", ", "])
@given(
    version=st.integers(1, 30),
    place=st.tuples(st.integers(0, 40), st.integers(1, 40)),
    word=st.sampled_from(["", "RFC", "net-next", "6.1.y", "-mm"]),
)
def test_every_spelling_says_the_same(
    front: str, glue: str, version: int, place: tuple[int, int], word: str
) -> None:
    words = ["PATCH", *([word] if word else []), f"v{version}", f"{place[0]}/{place[1]}"]
    found = parse(f"{front}[{glue.join(words)}] demo: title")
    assert (found.version, found.number, found.total) == (version, *place)
    assert found.title == "demo: title"
    assert word in {*found.prefixes, ""}


@pytest.mark.parametrize(
    "subject",
    [
        "RFC [PATCH 1/2] demo: title",
        "PATCH[1/2] demo: title",
        "demo: title [PATCH 1/2]",
        "[PATCH] demo: title - 1/2",
        "[PATCH] demo: title [1 of 2]",
        "[PATCH/RFC 1/2] demo: title",
        "[PATCH 1|2] demo: title",
    ],
)
def test_other_spellings(subject: str) -> None:
    found = parse(subject)
    assert (found.number, found.total, found.title) == (1, 2, "demo: title")
    assert found.is_patch


def test_forward_is_a_patch_and_no_answer() -> None:
    found = parse("Fwd: [PATCH 1/2] demo: title")
    assert found.is_forward
    assert not found.is_reply
    assert found.number == 1


def test_dotted_version_replaces_and_a_release_does_not() -> None:
    assert (parse("[PATCH v3.1 2/2] x").version, parse("[PATCH v3.1 2/2] x").minor) == (3, 1)
    assert parse("[PATCH v5.10 2/2] x").prefixes == ("v5.10",)


@pytest.mark.parametrize(
    "subject", ["[PATCH v99999999999999999999 1/1] x: y", "[PATCHv99999999999999999999] x: y"]
)
def test_a_number_that_no_store_can_hold_is_no_version(subject: str) -> None:
    found = parse(subject)
    assert (found.title, found.version, found.versioned) == ("x: y", 1, False)
    assert found.is_patch


@pytest.mark.parametrize("subject", SUBJECTS)
def test_agrees_with_liblore(subject: str) -> None:
    ours, theirs = parse(subject), parse_patch_subject(subject)
    assert ours.title == theirs.title
    assert (ours.version, ours.versioned) == (theirs.version, not theirs.version_inferred)
    number, total = (1 if ours.number is None else ours.number), ours.total or 1
    if ours.total == 0:
        total = 0
    assert (number, total) == (theirs.counter, theirs.expected)
    assert (ours.number is None) == theirs.counters_inferred
    assert ours.prefixes == theirs.prefixes
    assert (ours.is_patch, ours.is_reply) == (theirs.is_patch, theirs.is_reply)


def test_full_set() -> None:
    found = parse("[RFC PATCH v3 02/11 net-next] demo: title")
    assert (found.version, found.number, found.total) == (3, 2, 11)
    assert found.prefixes == ("RFC", "net-next")
    assert found.title == "demo: title"
    assert not found.is_resend


def test_resend_is_told() -> None:
    assert parse("[PATCH RESEND v2] demo: title").is_resend
    assert parse("[RESEND PATCH] demo: title").is_resend


def test_lone_patch_has_no_number() -> None:
    found = parse("[PATCH] demo: title")
    assert (found.number, found.total, found.version, found.versioned) == (None, None, 1, False)


def test_bracket_closed_too_early_keeps_its_number() -> None:
    found = parse("[PATCH] 2/3] demo: title")
    assert (found.number, found.total, found.title) == (2, 3, "demo: title")


def test_folded_subject_is_unfolded() -> None:
    assert parse("[PATCH v2\n 1/2] demo:\n\t title").title == "demo: title"


WORDS = (
    "PATCH",
    "RFC",
    "RESEND",
    "net-next",
    "v3",
    "v3.1",
    "1/2",
    "02/13",
    "of",
    "spam",
    "-v2",
    "",
)


@given(
    st.lists(st.sampled_from(WORDS), max_size=5),
    st.sampled_from(["x: y", "x 1/2", "x (v2)", "v2: x", "2 of 3", "x 10", "x  y ", ""]),
)
def test_the_short_way_says_what_the_long_one_does(words: list[str], title: str) -> None:
    subject = f"[{' '.join(words)}] {title}"
    short = module._common(subject)
    assert short in {None, module._Reader().read(subject)}


@given(st.text(alphabet="[]PATCHpatchv0123456789/ Re:,;RFC", max_size=60))
def test_any_text_is_taken_apart(subject: str) -> None:
    found = parse(subject)
    assert found.version >= 0
    assert found.number is not None or found.total is None


@pytest.mark.parametrize("run", ["[PATCH ", "[", "[PATCH] ", "Re: ", "((", "[v2] 1/2 ", "a: ["])
def test_a_subject_of_any_length_is_read_at_once(run: str) -> None:
    began = time.process_time()
    spoken = parse("[PATCH v2 3/4] " + run * 60_000)
    assert (spoken.version, spoken.number, spoken.total) == (2, 3, 4)
    assert parse(run * 60_000).title.endswith(run.strip())
    assert time.process_time() - began < 5


def test_the_end_of_a_long_subject_is_title() -> None:
    title = "lamp: " + "on " * 500 + "and off"
    spoken = parse(f"[PATCH v3 1/2] {title}")
    assert (spoken.version, spoken.number, spoken.title) == (3, 1, title)
