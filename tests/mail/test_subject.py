from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liblore.series import parse_patch_subject

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
    "[[PATCH] v2] demo: title",
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
    "[PATCH",
)


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


@given(st.text(alphabet="[]PATCHpatchv0123456789/ Re:,;RFC", max_size=60))
def test_any_text_is_taken_apart(subject: str) -> None:
    found = parse(subject)
    assert found.version >= 0
    assert (found.number is None) == (found.total is None)
