from __future__ import annotations

import email.policy
from typing import TYPE_CHECKING

import b4
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_maker import DIFF, FIXTURES, mail, patch

from patchlint.mail.inputs import read_inputs
from patchlint.mail.message import decode
from patchlint.mail.series import group
from patchlint.model.mail import Mail, RawMail, Series

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

MBOXES = sorted(FIXTURES.glob("*.mbox"))


def mails_of(path: Path) -> list[Mail]:
    return [decode(one) for one in read_inputs([str(path)]) if isinstance(one, RawMail)]


def series_of(*data: bytes) -> tuple[Series, ...]:
    return group([decode(RawMail("-", one)) for one in data])


def ids(series: Series) -> list[str | None]:
    found = {one.number: one.message_id for one in series.patches}
    return [found.get(number) for number in range(1, series.expected + 1)]


def by_b4(path: Path) -> list[str | None]:
    """Message ids of the series that ``b4 am`` would write, None for a missing patch."""
    b4.can_network = False
    box = b4.LoreMailbox()
    for message in b4.mailsplit_bytes(path.read_bytes()):
        box.add_message(message)
    found = box.get_series(codereview_trailers=False)
    assert found is not None
    return [None if one is None else one.msgid for one in found.patches[1:]]


@pytest.mark.parametrize(
    "path",
    [path for path in MBOXES if path.name != "resend.mbox"],
    ids=lambda path: path.name,
)
def test_latest_version_is_that_of_b4(path: Path) -> None:
    latest = max(group(mails_of(path)), key=lambda one: one.version)
    assert ids(latest) == by_b4(path)


def test_resend_is_a_series_of_its_own_where_b4_lengthens_the_first() -> None:
    path = FIXTURES / "resend.mbox"
    found = [ids(one) for one in group(mails_of(path))]
    assert found == [["lone-1@example.org"], ["lone-2@example.org"]]
    assert by_b4(path) == ["lone-2@example.org", "lone-1@example.org"]


def test_two_versions_in_one_mbox_out_of_order() -> None:
    found = group(mails_of(FIXTURES / "two-versions.mbox"))
    by_version = {one.version: one for one in found}
    assert set(by_version) == {1, 2}
    assert ids(by_version[1]) == ["v1-1@example.org", "v1-2@example.org"]
    assert ids(by_version[2]) == ["v2-1@example.org", "v2-2@example.org"]
    assert by_version[1].cover_message_id == "v1-0@example.org"
    assert by_version[2].cover_message_id == "v2-0@example.org"
    assert by_version[1].subject == "[PATCH 0/2] demo: quiet the ring"


def test_base_and_prerequisites_come_from_the_cover() -> None:
    found = group(mails_of(FIXTURES / "two-versions.mbox"))
    (first,) = [one for one in found if one.version == 1]
    assert first.base_commit == "0123456789abcdef0123456789abcdef01234567"
    assert first.prerequisites == ("89abcdef0123456789abcdef0123456789abcdef",)


def test_base_from_the_only_patch() -> None:
    text = patch("[PATCH] x").decode().replace("-- \n", "\nbase-commit: 0123456789abcdef\n-- \n")
    (one,) = series_of(text.encode())
    assert one.base_commit == "0123456789abcdef"


def test_message_and_diff_are_apart() -> None:
    (one,) = series_of(patch("[PATCH] x", mid="a@example.org"))
    (only,) = one.patches
    assert only.message.startswith("Say why.")
    assert "diff --git" not in only.message
    assert only.diff.startswith("diff --git")


def test_missing_patches_are_named() -> None:
    (one,) = group(mails_of(FIXTURES / "missing.mbox"))
    assert (one.version, one.expected, one.missing) == (3, 3, (2,))


def test_partial_reroll_takes_the_rest_from_before() -> None:
    first, second = group(mails_of(FIXTURES / "partial-reroll.mbox"))
    assert ids(first) == ["pr-1@example.org", "pr-2@example.org", "pr-3@example.org"]
    assert ids(second) == ["pr-1@example.org", "pr-2b@example.org", "pr-3@example.org"]
    assert second.subject == "[PATCH v2 2/3] demo: step 2"


def test_patches_sent_without_threading_are_one_series() -> None:
    (one,) = group(mails_of(FIXTURES / "unthreaded.mbox"))
    assert one.missing == ()


def test_unthreaded_patches_of_another_day_are_another_series() -> None:
    first = patch("[PATCH 1/2] x", mid="a@example.org")
    later = patch("[PATCH 2/2] x", mid="b@example.org", date="Mon, 08 Jan 2024 10:00:00 +0100")
    between = patch("[PATCH] y", mid="c@example.org")
    assert [one.missing for one in series_of(first, between, later)] == [(2,), (), (1,)]


def test_files_of_several_authors_and_years_are_one_series() -> None:
    sent = [
        mail("[PATCH 0/3] x"),
        patch("[PATCH 1/3] a", sender="Bo <bo@example.org>"),
        patch("[PATCH 2/3] b", sender="Cy <cy@example.org>", date="1 Jan 2022 10:00:00 +0000"),
        patch("[PATCH 3/3] c", sender="Bo <bo@example.org>", date="1 Jan 2020 10:00:00 +0000"),
    ]
    (one,) = series_of(*sent)
    assert [only.number for only in one.patches] == [1, 2, 3]
    assert one.subject == "[PATCH 0/3] x"


def test_patches_of_others_do_not_fill_a_gap() -> None:
    first = patch("[PATCH 2/2] x", mid="a@example.org")
    other = patch("[PATCH 1/2] y", mid="b@example.org", sender="Bo <bo@example.org>")
    assert [one.missing for one in series_of(first, other)] == [(1,), (2,)]


def test_files_without_ids_are_one_series() -> None:
    (one,) = series_of(patch("[PATCH 2/2] b"), patch("[PATCH 1/2] a"))
    assert [only.number for only in one.patches] == [1, 2]


def test_two_mails_for_one_place_make_two_series() -> None:
    cover = mail("[PATCH 0/2] x", mid="c@example.org")
    sent = [
        patch(f"[PATCH {place}/2] {name}", mid=f"{name}{place}@example.org", refs=(parent,))
        for name, parent in (("a", "c@example.org"), ("b", "a1@example.org"))
        for place in (1, 2)
    ]
    found = series_of(cover, *sent)
    assert [ids(one) for one in found] == [
        ["a1@example.org", "a2@example.org"],
        ["b1@example.org", "b2@example.org"],
    ]


def test_other_senders_in_one_thread_share_a_series() -> None:
    first = patch("[PATCH 1/2] x", mid="a@example.org", sender="Ada via Relay <r+ada@example.org>")
    second = patch(
        "[PATCH 2/2] x",
        mid="b@example.org",
        refs=("a@example.org",),
        sender="Bo via Relay <r+bo@example.org>",
    )
    assert len(series_of(first, second)) == 1


def test_reply_with_a_patch_stays_out_of_the_series() -> None:
    first = patch("[PATCH 1/2] x", mid="a@example.org")
    second = patch("Re: [PATCH 2/2] x", mid="b@example.org", refs=("a@example.org",))
    found = series_of(first, second)
    assert [ids(one) for one in found] == [["a@example.org", None], ["b@example.org"]]


def test_patch_without_version_takes_that_of_its_cover() -> None:
    cover = mail("[PATCH v2 0/1] x", mid="c@example.org")
    found = series_of(cover, patch("[PATCH 1/1] x", mid="a@example.org", refs=("c@example.org",)))
    assert [one.version for one in found] == [2]
    assert found[0].cover_message_id == "c@example.org"


def test_number_above_the_total_lengthens_the_series() -> None:
    (one,) = series_of(patch("[PATCH 3/2] x", mid="a@example.org"))
    assert (one.expected, one.missing) == (3, (1, 2))


def test_late_addition_joins_its_series() -> None:
    first = patch("[PATCH 1/1] x", mid="a@example.org")
    (one,) = series_of(first, patch("[PATCH 2/1] y", mid="b@example.org", refs=("a@example.org",)))
    assert (one.expected, ids(one)) == (2, ["a@example.org", "b@example.org"])


def test_absurd_total_is_survived() -> None:
    (one,) = series_of(patch("[PATCH 1/9999] x", mid="a@example.org"))
    assert one.expected == 9999
    assert len(one.missing) < 2000


def test_same_message_twice_counts_once() -> None:
    one = patch("[PATCH] x", mid="a@example.org")
    assert len(series_of(one, one)) == 1


def test_attached_patches_are_one_series() -> None:
    (one,) = group(mails_of(FIXTURES / "three-attached.eml"))
    assert [only.number for only in one.patches] == [1, 2, 3]
    assert one.missing == ()


def test_cover_letters_and_talk_make_no_series() -> None:
    assert series_of(mail("[PATCH 0/3] x", mid="c@example.org"), mail("Re: y", "text")) == ()


@pytest.mark.parametrize("path", MBOXES, ids=lambda path: path.name)
@given(chance=st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(path: Path, chance: Random) -> None:
    mails = mails_of(path)
    shuffled = mails[:]
    chance.shuffle(shuffled)
    assert {(one.version, tuple(ids(one))) for one in group(shuffled)} == {
        (one.version, tuple(ids(one))) for one in group(mails)
    }


def test_ids_that_refer_in_a_circle_are_survived() -> None:
    found = series_of(
        patch("[PATCH v2 1/2] x", mid="a@example.org", refs=("b@example.org",)),
        patch("[PATCH v2 2/2] x", mid="b@example.org", refs=("a@example.org",)),
    )
    assert [one.missing for one in found] == [()]


def test_b4_reads_our_mails_as_we_do() -> None:
    data = patch("[PATCH v3 2/7] x", mid="a@example.org")
    theirs = b4.LoreMessage(email.message_from_bytes(data, policy=email.policy.default))
    ours = decode(RawMail("-", data))
    assert (ours.version, ours.number, ours.total) == (
        theirs.revision,
        theirs.counter,
        theirs.expected,
    )
    assert ours.message_id == theirs.msgid


# -- identity ------------------------------------------------------------------------------


def other_patch(subject: str, **options: object) -> bytes:
    return patch(subject, **options).replace(b"stopped = true", b"stopped = false")


def test_two_patches_with_one_message_id_are_two_and_that_is_said() -> None:
    (one,) = series_of(
        patch("[PATCH 1/2] x", mid="a@example.org"),
        other_patch("[PATCH 2/2] y", mid="a@example.org"),
    )
    assert ([only.number for only in one.patches], one.missing) == ([1, 2], ())
    assert one.remarks == ("2 different patches have the Message-ID <a@example.org>; each is read",)
    found = series_of(
        patch("[PATCH] x", mid="a@example.org"), other_patch("[PATCH] y", mid="a@example.org")
    )
    assert [len(one.remarks) for one in found] == [1, 1]


def test_a_copy_with_the_footer_of_a_list_is_the_same_mail() -> None:
    sent = patch("[PATCH] x", mid="a@example.org")
    copy = sent + b"_______________________________________________\na mailing list\n"
    (one,) = series_of(sent, copy)
    assert one.remarks == ()


def test_without_ids_only_the_whole_content_makes_two_mails_one() -> None:
    assert len(series_of(patch("[PATCH] x"), patch("[PATCH] x"))) == 1
    assert len(series_of(patch("[PATCH] x"), other_patch("[PATCH] x"))) == 2


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "a@x", "b@x"])), max_size=8),
)
def test_no_patch_is_lost_whatever_its_id(drawn: list[tuple[int, str]]) -> None:
    """Law: what differs in its diff is in a series, once."""
    texts = [
        patch(f"[PATCH] {name or 'none'}", mid=name).replace(b"= true", b"= %d" % value)
        for value, name in drawn
    ]
    found = [only.diff for one in series_of(*texts) for only in one.patches]
    mails = [decode(RawMail("-", text)) for text in dict.fromkeys(texts)]
    assert sorted(found) == sorted(mail.body[mail.diff_start or 0 :] for mail in mails)


# -- subjects in series --------------------------------------------------------------------


def sent(*subjects: str, parent: str = "") -> tuple[Series, ...]:
    """Mails of one thread: the first is the parent of the others; 0/... has no diff."""
    root = parent or "m0@example.org"
    return series_of(
        *(
            (mail if " 0/" in subject else patch)(
                subject,
                mid=f"m{place}@example.org",
                **({"refs": (root,)} if place or parent else {}),
            )
            for place, subject in enumerate(subjects)
        )
    )


@pytest.mark.parametrize(
    "subjects",
    [
        ("[PATCH 1/?] a", "[PATCH 2/?] b"),
        ("[PATCH 0/n] x", "[PATCH 1/n] a", "[PATCH 2/n] b"),
        ("[PATCH 1/?] a", "[PATCH 2/2] b"),
        ("[PATCH 0/3] x", "[PATCH 1/2] a", "[PATCH 2/2] b"),
        ("[PATCH 1/3] a", "[PATCH 2/2] b"),
        ("[PATCH 1/2] a", "[PATCH 2/3] b"),
        ("[PATCH] a (1/2)", "[PATCH] b (2/2)"),
        ("[PATCH 1/2] a", "***SPAM*** [PATCH 2/2] b"),
        ("Fwd: [PATCH 1/2] a", "Fwd: [PATCH 2/2] b"),
    ],
)
def test_one_series_of_two(subjects: tuple[str, ...]) -> None:
    (one,) = sent(*subjects)
    assert ([only.number for only in one.patches], one.missing) == ([1, 2], ())


def test_totals_that_differ_join_only_what_is_whole_together() -> None:
    assert [one.missing for one in sent("[PATCH 1/3] a", "[PATCH 3/4] b")] == [(2, 3), (1, 2, 4)]
    whole = sent("[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH 1/1] c")
    assert [len(one.patches) for one in whole] == [2, 1]


def test_series_whose_titles_all_say_a_version_has_it() -> None:
    assert [one.version for one in sent("[PATCH 1/2] a (v2)", "[PATCH 2/2] b (v2)")] == [2]
    assert [one.version for one in sent("[PATCH 1/2] v3: a", "[PATCH 2/2] v3: b")] == [3]
    assert [one.version for one in sent("[PATCH 1/2] a", "[PATCH 2/2] b (v2)")] == [1]


# -- covers, rerolls, answers --------------------------------------------------------------


def test_interdiff_in_a_cover_letter_is_no_patch() -> None:
    text = f"Changes.\n\nInterdiff against v1:\n{DIFF}-- \n2.45.0\n"
    cover = mail("[PATCH v2 0/1] x", text, mid="c@example.org")
    first = patch("[PATCH v2 1/1] x", mid="a@example.org", refs=("c@example.org",))
    (one,) = series_of(cover, first)
    assert (ids(one), one.missing, one.remarks) == (["a@example.org"], (), ())
    assert one.cover_message_id == "c@example.org"
    assert series_of(cover) == ()


@pytest.mark.parametrize("total", [1, 2])
def test_any_diff_in_the_cover_letter_of_a_whole_series_is_none_of_its_patches(total: int) -> None:
    cover = mail(f"[PATCH 0/{total}] x", f"All of it:\n\n{DIFF}", mid="c@example.org")
    patches = [
        patch(f"[PATCH {n}/{total}] x", mid=f"{n}@example.org", refs=("c@example.org",))
        for n in range(1, total + 1)
    ]
    (one,) = series_of(cover, *patches)
    assert [only.number for only in one.patches] == list(range(1, total + 1))
    assert ["it is not read" in remark for remark in one.remarks] == [True]


def test_diff_in_a_lone_cover_letter_is_its_patch() -> None:
    (one,) = series_of(mail("[PATCH 0/1] x", f"Why.\n---\n{DIFF}", mid="c@example.org"))
    assert (ids(one), one.missing, one.expected) == (["c@example.org"], (), 1)
    (one,) = series_of(mail("[PATCH 0/2] x", f"Why.\n---\n{DIFF}", mid="c@example.org"))
    assert ([only.number for only in one.patches], one.missing) == ([0], (1, 2))


def test_series_that_counts_from_zero() -> None:
    first = patch("[PATCH 0/2] x", mid="a@example.org")
    (one,) = series_of(first, patch("[PATCH 1/2] y", mid="b@example.org", refs=("a@example.org",)))
    assert ([only.number for only in one.patches], one.missing) == ([0, 1], ())


ONE_AND_TWO = (
    patch("[PATCH v3 1/2] x", mid="a@example.org"),
    patch("[PATCH v3 2/2] y", mid="b@example.org", refs=("a@example.org",)),
)


@pytest.mark.parametrize(
    "tag", ["PATCH v4 2/2", "PATCH v3.1 2/2", "PATCH v3b 2/2", "PATCH v3 2/2", "PATCH V4,2/2"]
)
def test_replacement_of_one_patch_takes_the_others_from_before(tag: str) -> None:
    new = other_patch(f"[{tag}] y", mid="n@example.org", refs=("a@example.org", "b@example.org"))
    found = series_of(*ONE_AND_TWO, new)
    assert [ids(one) for one in found] == [
        ["a@example.org", "b@example.org"],
        ["a@example.org", "n@example.org"],
    ]
    assert [(one.missing, one.remarks) for one in found] == [((), ()), ((), ())]
    assert found[1].version == (4 if "4" in tag else 3)


def test_replacement_in_answer_to_a_review_that_is_not_there_is_known_by_its_references() -> None:
    refs = ("a@example.org", "b@example.org", "review@example.org")
    found = series_of(*ONE_AND_TWO, other_patch("[PATCH v4 2/2] y", mid="n@x.org", refs=refs))
    assert [(len(one.patches), one.remarks) for one in found] == [(2, ()), (2, ())]


def test_replacement_that_answers_the_cover_letter_says_what_stands_in_for_the_rest() -> None:
    cover = mail("[PATCH 0/2] x", mid="c@example.org")
    old = [
        patch(f"[PATCH {n}/2] {n}", mid=f"{n}@example.org", refs=("c@example.org",)) for n in (1, 2)
    ]
    new = other_patch("[PATCH v2 2/2] 2", mid="n@example.org", refs=("c@example.org",))
    found = series_of(cover, *old, new)
    assert ids(found[1]) == ["1@example.org", "n@example.org"]
    assert found[1].remarks == (
        "patch 1 of v2 not in the input; in their place stand those of v1, which it answers",
    )


def test_answer_without_re_that_quotes_a_patch_is_no_part_of_the_series() -> None:
    text = f"> \tstruct ring *next;\n\nBetter so:\n\n{DIFF}"
    answer = mail("[PATCH v3 2/2] y", text, mid="n@example.org", refs=("b@example.org",))
    found = series_of(*ONE_AND_TWO, answer)
    assert [ids(one) for one in found] == [["a@example.org", "b@example.org"], ["n@example.org"]]


def test_unnumbered_mails_with_ids_are_series_of_their_own() -> None:
    found = series_of(patch("[PATCH] x", mid="a@x.org"), patch("[PATCH] y", mid="b@x.org"))
    assert [len(one.patches) for one in found] == [1, 1]
