from __future__ import annotations

import archive_kit as kit
import pytest
from msgspec.structs import replace

from patchlint.archive.store import Store


def outcomes(posts, tmp_path) -> dict[str, set[tuple[str, str | None]]]:
    """Kinds and mails of what was found, by the mail of the finding."""
    store = tmp_path / "scan.db"
    kit.run([kit.epoch(tmp_path / "0.git", posts)], store)
    found: dict[str, set[tuple[str, str | None]]] = {}
    with Store(str(store), write=False) as opened:
        for row in opened.rows(
            "SELECT findings.message_id AS patch, kind, outcomes.message_id AS mail FROM outcomes"
            " JOIN findings ON findings.id = outcomes.finding"
        ):
            found.setdefault(row["patch"], set()).add((row["kind"], row["mail"]))
    return found


def reply(to: str, name: str, text: str, day: float = 1) -> kit.Post:
    return kit.Post(
        f"{name}@example.org", "Re: [PATCH] set: change 1", text, reply_to=to, references=(to,),
        author="R <r@example.org>", when=kit.START + day * kit.DAY,
    )  # fmt: skip


PATCH = kit.patch(1, 1, "set", kit.BAD)


def test_silence_is_said(tmp_path):
    assert outcomes([PATCH], tmp_path) == {PATCH.message_id: {("unknown", None)}}


def test_reply_that_names_the_function_discusses_it(tmp_path):
    found = outcomes(
        [
            PATCH,
            reply(PATCH.message_id, "r1", "Then widget_put() runs too late.\n"),
            reply(PATCH.message_id, "r2", "> widget_put(w);\n\nLooks good.\n"),
            reply("r2@example.org", "r3", "No: close() sees EBUSY then.\n"),
        ],
        tmp_path,
    )
    assert found[PATCH.message_id] == {
        ("discussed", "r1@example.org"),
        ("discussed", "r3@example.org"),
    }


def test_a_reply_about_anything_else_discusses_nothing(tmp_path):
    found = outcomes(
        [
            PATCH,
            reply(PATCH.message_id, "r1", "widget_put() needs a kernel-doc comment.\n"),
            reply(PATCH.message_id, "r2", "> a work item\n\nIs this tested?\n"),
            reply(PATCH.message_id, "r3", "Workqueue: events widget_free\nCPU: 1 not tainted\n"),
            replace(
                reply(PATCH.message_id, "r4", "widget_put() from a work item: build error\n"),
                author="kernel test robot <lkp@intel.com>",
            ),
        ],
        tmp_path,
    )
    assert found[PATCH.message_id] == {("unknown", None)}


def test_who_doubts_the_deferral_need_not_name_a_function(tmp_path):
    found = outcomes([PATCH, reply(PATCH.message_id, "r1", "Why a work item?\n")], tmp_path)
    assert found[PATCH.message_id] == {("discussed", "r1@example.org")}


CALLBACK = kit.BAD.replace(" }\n", " }\n+static void widget_free(struct work_struct *w)\n", 1)
#: what starts the callback in another way, which our stages do not see
UNSEEN = CALLBACK.replace("+\tqueue_work(", "+\trun(&widget_free, ")


@pytest.mark.parametrize(
    ("change", "kind"), [(CALLBACK, "kept"), (UNSEEN, "kept"), (kit.GOOD, "dropped")]
)
def test_next_version_keeps_or_drops_it(tmp_path, change, kind):
    first = kit.patch(1, 1, "set", CALLBACK)
    newer = kit.patch(1, 1, "set", change, version=2, day=3)
    found = outcomes([first, newer], tmp_path)
    assert found[first.message_id] == {(kind, newer.message_id)}


def test_any_later_version_that_has_it_keeps_it(tmp_path):
    versions = [
        kit.patch(1, 1, "set", change, version=number, day=3 * number)
        for number, change in enumerate((CALLBACK, kit.GOOD, CALLBACK), 1)
    ]
    found = outcomes(versions, tmp_path)
    assert found[versions[0].message_id] == {("kept", versions[2].message_id)}


def test_a_version_that_never_named_the_move_takes_its_place(tmp_path):
    # the callback and the mechanism stand in no line that the first version adds
    first = kit.patch(1, 1, "set", kit.BAD.replace("queue_work", "queue_work2"))
    newer = kit.patch(1, 1, "set", kit.GOOD, version=2, day=3)
    assert outcomes([first, newer], tmp_path)[first.message_id] == {
        ("superseded", newer.message_id)
    }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Applied to for-next, thanks!\n", "merged"),
        ("Hi,\n\nThanks, both patches queued up.\n", "merged"),
        ("This patch was applied to netdev/net.git (main)\nby A B <a@example.org>:\n", "merged"),
        ("I will apply it to for-next.\n", "merged"),
        ("I'll take this if nobody objects.\n", None),
        ("I wonder if this can be\napplied at all.\n", None),
        ("Merged headers are in the way.\n", None),
        ("Applied on top of what?\n", None),
        ("> Applied, thanks.\n", None),
        ("NAK, this is racy.\n", "dropped"),
        ("Nacked-by: R <r@example.org>\n", "dropped"),
        ("Please ignore this patch, wrong base.\n", "dropped"),
        ("Please drop this comment.\n", None),
        ("> +\tpr_debug();\n\nNAK, no prints.\n", None),
        ("> +\tpr_debug();\n\nNacked-by: R <r@example.org>\n", "dropped"),
    ],
)
def test_a_reply_takes_or_refuses_a_patch(tmp_path, text, kind):
    found = outcomes([PATCH, reply(PATCH.message_id, "r1", text)], tmp_path)
    wanted = {(kind, "r1@example.org")} if kind else {("unknown", None)}
    assert found[PATCH.message_id] == wanted


def proposed(change: str) -> kit.Post:
    return replace(
        kit.patch(1, 1, "set", change),
        subject="Re: [PATCH] other: thing",
        reply_to="gone@example.org",
    )


def test_a_proposal_in_an_answer_that_nobody_posts(tmp_path):
    proposal = proposed(CALLBACK)
    found = outcomes([proposal], tmp_path)
    assert found[proposal.message_id] == {("dropped", None)}  # it says so of itself
    silent = proposed(kit.BAD)  # brings no name that could be met again
    assert outcomes([silent], tmp_path / "2") == {silent.message_id: {("unknown", None)}}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Even with this patch I see hangs.\n", "dropped"),
        ("I tried it, and it does not help.\n", "dropped"),
        ("I tried it, works fine.\n", "unknown"),
    ],
)
def test_a_proposal_that_somebody_tried(tmp_path, text, kind):
    proposal = proposed(kit.BAD)
    found = outcomes([proposal, reply(proposal.message_id, "r1", text)], tmp_path)
    assert {kind for kind, _ in found[proposal.message_id]} == {kind}


def test_a_proposal_that_is_posted_has_the_fate_of_that(tmp_path):
    proposal = replace(
        kit.patch(1, 1, "set", CALLBACK),
        subject="Re: [PATCH] other: thing",
        reply_to="gone@example.org",
    )
    posted = kit.patch(1, 1, "posted", CALLBACK, day=5)
    fix = mending("widget_put() must not run in a work item.", "mend", 12, "posted: change 1")
    found = outcomes([proposal, posted, fix], tmp_path)
    assert found[proposal.message_id] == {
        ("superseded", posted.message_id),
        ("fixed", fix.message_id),
    }


def test_a_backport_shows_that_it_was_merged(tmp_path):
    stable = replace(
        kit.patch(1, 1, "stable", kit.GOOD, day=30, author="Stable <stable@example.org>"),
        subject="[PATCH 5.15 012/345] set: change 1",
    )
    found = outcomes([PATCH, stable], tmp_path)
    assert found[PATCH.message_id] == {("merged", stable.message_id)}


@pytest.mark.parametrize(("mark", "kind"), [(" ", "merged"), ("-", "merged"), ("+", "superseded")])
def test_a_later_patch_meets_the_callback(tmp_path, mark, kind):
    body = f"{mark}static void widget_free(struct work_struct *w)\n"
    first = kit.patch(1, 1, "set", CALLBACK)
    later = kit.patch(
        1, 1, "elsewhere", kit.GOOD.replace(" }\n", f" }}\n{body}", 1), day=40,
        author="Other <other@example.org>",
    )  # fmt: skip
    found = outcomes([first, later], tmp_path)
    assert found[first.message_id] == {(kind, later.message_id)}


def test_a_callback_that_was_there_before_tells_nothing(tmp_path):
    early = kit.GOOD.replace(" }\n", " }\n static void widget_free(struct work_struct *w)\n", 1)
    before = kit.patch(1, 1, "before", early, day=-9)
    later = kit.patch(1, 1, "later", early, day=9)
    found = outcomes([before, kit.patch(1, 1, "set", CALLBACK), later], tmp_path)
    assert found["set-v1-1@example.org"] == {("unknown", None)}


def test_version_of_somebody_else_is_one(tmp_path):
    first = kit.patch(1, 1, "set", CALLBACK)
    other = kit.patch(1, 1, "set", kit.GOOD, version=2, day=3, author="Other <other@example.org>")
    assert outcomes([first, other], tmp_path)[first.message_id] == {("dropped", other.message_id)}


def test_titles_are_compared_without_case(tmp_path):
    fix = mending("The work item was too late.", "mend", 12, "Set: Change 1")
    found = outcomes([PATCH, fix], tmp_path)
    assert found[PATCH.message_id] == {("fixed", fix.message_id)}


def test_same_version_of_somebody_else_is_none(tmp_path):
    other = replace(
        kit.patch(1, 1, "other", kit.GOOD, day=3, author="Other <other@example.org>"),
        subject=PATCH.subject,
    )
    assert outcomes([PATCH, other], tmp_path)[PATCH.message_id] == {("unknown", None)}


def test_revert_and_fixes_are_found_by_title(tmp_path):
    revert = replace(
        kit.patch(1, 1, "undo", kit.GOOD, day=9),
        subject='[PATCH] Revert "set: change 1"',
        author="Other <other@example.org>",
    )
    fix = mending("It runs after close(): widget_put() must not wait for a work item.", "mend", 12)
    other = mending("A comment was wrong.", "other", 13)
    found = outcomes([PATCH, revert, fix, other], tmp_path)
    assert found[PATCH.message_id] == {
        ("reverted", revert.message_id),
        ("fixed", fix.message_id),
        ("merged", other.message_id),
    }


def mending(why: str, name: str, day: float, title: str = "set: change 1") -> kit.Post:
    fix = kit.patch(1, 1, name, kit.GOOD, day=day)
    trailer = f'Fixes: 0123456789ab ("{title}")\nSigned-off'
    return replace(fix, body=f"{why}\n\n" + fix.body.replace("Signed-off", trailer, 1))


def test_fix_before_the_patch_is_of_another(tmp_path):
    fix = kit.patch(1, 1, "mend", kit.GOOD, day=-2)
    fix = replace(
        fix,
        body=fix.body.replace("Signed-off", 'Fixes: 0123456789ab ("set: change 1")\nSigned-off'),
    )
    assert outcomes([fix, PATCH], tmp_path)[PATCH.message_id] == {("unknown", None)}


def test_new_mail_brings_a_new_outcome(tmp_path):
    store = tmp_path / "scan.db"
    inbox = kit.epoch(tmp_path / "0.git", [PATCH])
    kit.run([inbox], store)
    kit.epoch(inbox, [reply(PATCH.message_id, "r1", "widget_put() in a work item again?\n")])
    kit.run([inbox], store)
    with Store(str(store), write=False) as opened:
        assert [row["outcome"] for row in opened.rows("SELECT * FROM finding_outcomes")] == [
            "discussed"
        ]


# --- what people say -----------------------------------------------------------------


def said(text: str, tmp_path, patch: kit.Post = PATCH) -> set[str]:
    """Kinds of what a reply says of a patch."""
    found = outcomes([patch, reply(patch.message_id, "r1", text)], tmp_path)
    return {kind for kind, _ in found[patch.message_id]}


DEFERS = replace(PATCH, subject="[PATCH] set: release widgets from a workqueue")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # code that is proposed is no opinion of when it runs
        ("You can write this without else:\n\n\tqueue_work(widget_wq, &w->work);\n", "unknown"),
        ("Why does drop() not check widget_wq?\n", "unknown"),
        ("widget_put() can only be called when the file is gone, or?\n", "discussed"),
        ("Does this work for asynchronous\nreads too?\n", "unknown"),
        # what is asked right below the lines of the move
        ("> -\twidget_put(w);\n> +\tqueue_work(widget_wq, &w->work);\n\nWho waits?\n", "discussed"),
        (
            "> -\twidget_put(w);\n> +\tqueue_work(widget_wq, &w->work);\n\nPlease align.\n",
            "unknown",
        ),
        ("> +\tint old;\n\nWhy is this one here?\n", "unknown"),
    ],
)
def test_what_speaks_of_the_move(tmp_path, text, kind):
    assert said(text, tmp_path) == {kind}


def test_who_doubts_the_way_of_a_patch_that_says_it_defers_doubts_that(tmp_path):
    text = "To be honest I am not sure this is the right way to make it fast.\n"
    assert said(text, tmp_path / "1", DEFERS) == {"discussed"}
    assert said(text, tmp_path / "2") == {"unknown"}


def test_an_answer_whose_parent_is_elsewhere_is_one(tmp_path):
    late = reply("gone@example.org", "r1", "Why a work item?\n")
    found = outcomes([PATCH, replace(late, references=(PATCH.message_id, late.reply_to))], tmp_path)
    assert found[PATCH.message_id] == {("discussed", "r1@example.org")}


def test_an_answer_to_a_sibling_says_nothing_of_a_patch(tmp_path):
    first, second = (kit.patch(n, 2, "set", change) for n, change in ((1, kit.BAD), (2, kit.GOOD)))
    second = replace(second, reply_to=first.message_id, references=(first.message_id,))
    text = replace(
        reply(second.message_id, "r1", "NAK. Why a work item?\n"),
        references=(first.message_id, second.message_id),
    )
    assert outcomes([first, second, text], tmp_path)[first.message_id] == {("unknown", None)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("This series was applied to net/net.git (main).\n", "merged"),
        ("Applied, thanks.\n", "unknown"),
        ("NAK to all of this series.\n", "unknown"),
    ],
)
def test_who_takes_a_series_without_a_cover_answers_its_first_patch(tmp_path, text, kind):
    first, second = (kit.patch(n, 2, "set", change) for n, change in ((1, kit.GOOD), (2, kit.BAD)))
    found = outcomes([first, second, reply(first.message_id, "r1", text)], tmp_path)
    assert {kind for kind, _ in found[second.message_id]} == {kind}


def test_what_is_said_of_one_posting_is_said_of_the_change(tmp_path):
    first = kit.patch(1, 1, "set", kit.GOOD)  # has no finding yet
    second = kit.patch(1, 1, "set", kit.BAD, version=2, day=3)
    text = reply(first.message_id, "r1", "Why not from a work item?\n")
    found = outcomes([first, text, second], tmp_path)
    assert ("discussed", "r1@example.org") in found[second.message_id]


def test_who_refused_a_posting_has_not_refused_the_next(tmp_path):
    first = kit.patch(1, 1, "set", CALLBACK)
    second = kit.patch(1, 1, "set", CALLBACK, version=2, day=3)
    found = outcomes([first, reply(first.message_id, "r1", "NAK, wrong base.\n"), second], tmp_path)
    assert found[first.message_id] == {("kept", second.message_id)}


# --- what later patches have ---------------------------------------------------------


def test_who_sends_again_from_elsewhere_and_counts_nothing(tmp_path):
    first = kit.patch(1, 1, "set", CALLBACK)
    again = replace(
        kit.patch(1, 1, "again", CALLBACK, day=3, author="P <p@elsewhere.example>"),
        subject=first.subject,
    )
    assert outcomes([first, again], tmp_path)[first.message_id] == {("kept", again.message_id)}


def test_a_callback_that_is_only_called_otherwise_is_no_drop(tmp_path):
    first = kit.patch(1, 1, "set", CALLBACK)
    newer = kit.patch(
        1, 1, "set", CALLBACK.replace("widget_free", "widget_late_free"), version=2, day=3
    )
    assert ("kept", newer.message_id) in outcomes([first, newer], tmp_path)[first.message_id]


def test_another_way_to_put_off_to_there_is_no_drop(tmp_path):
    first = kit.patch(1, 1, "set", CALLBACK)
    other = CALLBACK.replace("queue_work(widget_wq, &w->work)", "widget_put_late(w)")
    newer = kit.patch(1, 1, "set", other.replace("widget_free", "widget_end"), version=2, day=3)
    assert ("kept", newer.message_id) in outcomes([first, newer], tmp_path)[first.message_id]


HELPER = kit.BAD.replace(" }\n", " }\n+static void widget_arm(struct widget *w)\n", 1)


def meeting(line: str, name: str = "later", path: str = "fs/widget.c", **more) -> kit.Post:
    body = kit.GOOD.replace(" }\n", f" }}\n{line}\n", 1).replace("fs/widget.c", path)
    return kit.patch(1, 1, name, body, **{"day": 40, "author": "O <o@example.org>", **more})


@pytest.mark.parametrize(
    ("later", "kind"),
    [
        (meeting(" static void widget_arm(struct widget *w)"), "merged"),
        (meeting("+static void widget_arm(struct widget *w)"), "superseded"),
        (meeting("+\twidget_arm(w);"), "unknown"),
        (meeting(" static void widget_arm(struct widget *w)", path="fs/other.c"), "unknown"),
        # a series on top of one that waits
        (
            meeting(" static void widget_arm(struct widget *w)", day=2, author=PATCH.author),
            "unknown",
        ),
    ],
)
def test_a_later_patch_meets_what_the_patch_brought(tmp_path, later, kind):
    first = kit.patch(1, 1, "set", HELPER)
    found = outcomes([first, later], tmp_path)[first.message_id]
    assert {kind for kind, _ in found} == {kind}


def test_a_series_on_top_of_an_earlier_posting_says_nothing_of_a_later_one(tmp_path):
    first = kit.patch(1, 1, "set", HELPER)
    on_top = meeting(" static void widget_arm(struct widget *w)", "top", day=1)
    second = kit.patch(1, 1, "set", HELPER, version=2, day=3)
    later = meeting(" static void widget_arm(struct widget *w)")
    found = outcomes([first, on_top, second, later], tmp_path)
    assert ("merged", later.message_id) in found[second.message_id]


def test_a_callback_of_that_name_elsewhere_says_nothing(tmp_path):
    first = kit.patch(1, 1, "set", CALLBACK)
    other = meeting(" static void widget_free(struct work_struct *w)", path="drivers/b.c")
    assert outcomes([first, other], tmp_path)[first.message_id] == {("unknown", None)}


@pytest.mark.parametrize(("instead", "kind"), [("widget_put(w);", "reverted"), ("x(w);", "merged")])
def test_a_patch_that_calls_directly_again_takes_it_back(tmp_path, instead, kind):
    first = kit.patch(1, 1, "set", CALLBACK)
    body = kit.diff("fs/widget.c", "queue_work(widget_wq, &w->work);", instead).replace(
        " }\n", " }\n-static void widget_free(struct work_struct *w)\n", 1
    )
    later = kit.patch(1, 1, "simpler", body, day=400, author="O <o@example.org>")
    found = outcomes([first, later], tmp_path)[first.message_id]
    assert (kind, later.message_id) in found
    assert ("reverted" in {kind for kind, _ in found}) is (kind == "reverted")


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        ("The loop called widget_put() once too often.", "merged"),
        ("It crashes.\n[    6.9] Workqueue: pm pm_work\n[    7.0] worker_thread+0x3/0x9", "merged"),
        ("Cancel the request when the queue is full.", "merged"),
        ("Cancel the work when the queue is full.", "fixed"),
        ("It is freed by then: copy it before the vhost work runs.", "merged"),
        ("What the response reads is freed when it is sent from our worker.", "fixed"),
    ],
)
def test_a_fix_is_of_the_move_when_it_speaks_of_order(tmp_path, why, kind):
    fix = mending(why, "mend", 12)
    assert outcomes([PATCH, fix], tmp_path)[PATCH.message_id] == {(kind, fix.message_id)}
