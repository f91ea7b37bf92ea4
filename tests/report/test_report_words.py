"""Contexts, guarantees and confidence in words for reading."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from report_story import MEMORY, STORY

from patchlint.model.effect import Promise, Step
from patchlint.model.finding import HunkLine
from patchlint.model.record import Track
from patchlint.report import words
from patchlint.report.lookup import gaps
from patchlint.report.render import render
from patchlint.report.style import Style
from patchlint.report.words import called, sure, told


@pytest.mark.parametrize(
    ("context", "guarantee", "level", "said"),
    [
        ("task", "before-call-returns", "warning", "task: done when the call returns"),
        (
            "rcu-callback",
            "before-call-returns",
            "note",
            "RCU callback: done when the callback returns",
        ),
        (
            "kthread",
            "before-return-to-user",
            "note",
            "kernel thread: put off there too, where nothing returns to user space",
        ),
        (
            "unknown",
            "before-return-to-user",
            "warning",
            "caller not seen, taken for a task: done before return to user space",
        ),
        # what makes it a note may be that nobody is taken for a task
        ("unknown", "before-call-returns", "note", "caller not seen: done when the call returns"),
    ],
)
def test_a_promise_reads_as_it_holds_in_its_context(context, guarantee, level, said):
    assert told(Promise(context, guarantee, ()), level=level) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fput", "fput()"),
        ("(unnamed)", "(unnamed)"),
        ("->on = NULL", "->on = NULL"),
        ("a\x1bb", "a\\x1bb"),
    ],
)
def test_what_is_no_name_gets_no_brackets(name, said):
    assert called(name) == said


@pytest.mark.parametrize(
    ("confidence", "family", "level", "why"),
    [
        ("high", "mount", "error", "what kfree() does is known, and so is that a task did it"),
        ("medium", "mount", "warning", "is known, but nothing shows who called the old path"),
        ("medium", "structural", "warning", "only its name says what kfree() does"),
        ("low", "structural", "warning", "only its name says what kfree() does"),
        ("low", "mount", "warning", "but only the name of a helper says that it is done later"),
        ("low", "mount", "note", "the evidence says what speaks against it"),
    ],
)
def test_how_sure_says_what_it_rests_on(confidence, family, level, why):
    found = replace(STORY.findings[0], confidence=confidence, family=family, level=level)
    assert sure(found).startswith(f"{confidence} confidence: ")
    assert sure(found).endswith(why)


def test_a_task_is_not_said_to_have_done_what_nobody_was_seen_to_do():
    one = replace(STORY.findings[0], level="warning", confidence="medium", family="structural")
    assert "a task did it" in sure(one)
    unseen = replace(one, before=replace(one.before, context="unknown"))
    assert "a task did it" not in sure(unseen)
    assert sure(unseen).endswith("nothing shows who called the old path")


def test_lines_were_left_out_where_what_came_is_followed_by_what_went():
    came = HunkLine("+", "queue(lamp);", None, 12, marked=True)
    went = HunkLine("-", "drop(lamp);", 9, None, marked=True)
    stayed = HunkLine(" ", "dark(lamp);", 10, 13, marked=False)
    assert gaps([went, came, stayed]) == set()
    assert gaps([came, went]) == {1}


def test_an_old_path_names_the_function_whose_caller_nobody_saw():
    seen = Step("lamp_exit", "a.c", 3, "calls lamp_close()")
    own = Step("lamp_close", "a.c", 9, "fput()")
    path = Promise("unknown", "before-call-returns", (seen, own))
    assert words.context(path) == "caller of lamp_exit() not seen, taken for a task"
    assert words.context(path, "note") == "caller of lamp_exit() not seen"
    many = replace(path, many="lamp_put")
    told = "more callers of lamp_put() than were followed"
    assert words.context(many) == f"{told}, taken for a task"
    assert words.context(many, "note") == told
    assert words.context(replace(path, chain=(own,)), "note") == "caller not seen"
    unnamed = replace(path, chain=(replace(seen, function="(unnamed)"), own))
    assert words.context(unnamed, "note") == "caller not seen"


EARLIER = next(one.precedent for one in STORY.findings if one.precedent)


def test_a_precedent_of_what_is_no_function_has_no_brackets():
    told = words.precedent(replace(EARLIER, cleanup="->flags &= ~BUSY"), "")
    assert told.startswith("->flags &= ~BUSY in ")


JUDGED = "9 of 12 judged warnings of this rule were right"


@pytest.mark.parametrize(
    ("level", "rule", "ends", "said"),
    [
        ("warning", "r", {}, JUDGED),
        ("error", "r", {}, JUDGED),
        # a note is right where it moved, whether or not anybody relied on it
        ("note", "r", {"fixed": 2}, "10 of 12 judged notes of this rule were right"),
        (
            "warning",
            "r",
            {"dropped": 3, "reverted": 1, "kept": 2, "unknown": 2},
            f"{JUDGED}; 4 of 6 with a known end were fixed, dropped or reverted",
        ),
        # of four ends no share can be told
        ("warning", "r", {"dropped": 3, "kept": 1, "unknown": 4}, JUDGED),
    ],
)
def test_a_record_counts_what_was_judged_and_what_came_of_it(level, rule, ends, said):
    track = Track(rule, 9, 1, 2, 1, ends)
    one = replace(STORY.findings[0], level=level, track=track)
    assert words.record(one) == said
    assert [text for name, text in words.remembered(one, "") if name == "record"] == [said]


def test_a_rule_of_which_nothing_was_judged_has_no_record():
    assert words.record(replace(STORY.findings[0], track=None)) == ""
    undecided = Track("r", 0, 0, 0, 3, {})
    assert words.record(replace(STORY.findings[0], track=undecided)) == ""


TOLD = "it moves to a work item"


@pytest.mark.parametrize(
    ("message", "condition", "said"),
    [
        (f"{TOLD} on one branch: late", "a && b", f"{TOLD} when `a && b`: late"),
        (f"{TOLD}: late", "a && b", f"{TOLD}: late, when `a && b`"),
        (f"{TOLD} when `a && b`: late", "a && b", f"{TOLD} when `a && b`: late"),
        (f"{TOLD} with CONFIG_X: late", "defined(CONFIG_X)", f"{TOLD} with CONFIG_X: late"),
        (f"{TOLD}: late", None, f"{TOLD}: late"),
    ],
)
@pytest.mark.parametrize("name", ["terse", "gitlab", "rdjson", "nipa", "b4-check", "sarif"])
def test_where_a_sentence_is_all_it_has_the_branch(name, message, condition, said):
    one = replace(STORY.findings[1], message=message, condition=condition, why="")
    told = render(replace(STORY, findings=(one,)), name, Style(verbose=True))
    assert f"{said}\n" in told or f'{said}"' in told
    assert "on one branch" not in told


def test_a_note_of_one_line_has_the_branch():
    one = replace(MEMORY, message=f"{TOLD} on one branch: late", condition="a && b")
    told = render(replace(STORY, findings=(one,)), "terminal", Style())
    assert f"{TOLD} when `a && b`: late [" in told


def test_what_the_callback_starts_in_turn_is_named():
    after = Promise("workqueue", "eventually", (), "percpu_ref_kill", "lamp_gone", last="lamp_work")
    said = "work item (percpu_ref_kill() → lamp_gone() → lamp_work()): done some time later"
    assert words.told(after) == said
    assert words.told(after, room=70) == said.replace("percpu_ref_kill() → ", "")


def test_a_second_piece_of_a_chain_is_told_as_one():
    waits = Step("lamp_release", "lamp.c", 9, "calls lamp_wait()")
    starts = Step("lamp_write", "lamp.c", 20, "queue_work() runs lamp_work()")
    does = Step("lamp_work", "lamp.c", 3, "lamp_put()")
    late = Promise("workqueue", "eventually", (waits, starts, does), "queue_work", "lamp_work")
    early = Promise("task", "after-wait", (waits, starts, does))
    assert words.pieces(late) == {1: "lamp_work() is started by"}
    assert words.pieces(early) == {1: "lamp_work(), which is waited for, is started by"}
    one = replace(STORY.findings[0], level="error", before=early, after=late)
    shown = replace(STORY, findings=(one,))
    for name in ("terminal", "mail", "html"):
        assert "lamp_work() is started by" in render(shown, name, Style())


def test_a_chain_that_is_one_has_no_second_piece():
    calls = Step("lamp_release", "lamp.c", 9, "calls lamp_write()")
    starts = Step("lamp_write", "lamp.c", 20, "queue_work() runs lamp_work()")
    again = Step("lamp_work", "lamp.c", 3, "kthread_queue_work() runs lamp_off()")
    assert words.pieces(Promise("workqueue", "eventually", (calls, starts, again))) == {}


def test_what_is_no_function_has_no_name_that_says_what_it_does():
    number = "what the freeing of a number of lamp_ids does is not known: judged by where it stood"
    call = "what ->lamp_off() does is not known: judged by where it stood"
    one = replace(
        STORY.findings[0],
        level="error",
        confidence="medium",
        family="structural",
        cleanup="lamp_ids",
        before=Promise("task", "before-call-returns", ()),
    )
    told_of = sure(replace(one, evidence=(number,)))
    assert "no table knows what the freeing of a number of lamp_ids is to user space" in told_of
    assert "only its name says" in sure(replace(one, evidence=(call,)))


def test_the_summary_says_how_many_findings_are_told_with_another():
    one = replace(STORY.findings[0], level="error")
    one = replace(one, why=f"it may be open right after {one.function}()")
    why = one.why.replace(one.function, "burrow_other")
    other = replace(one, function="burrow_other", why=why, line=one.line + 40, fingerprint="0" * 16)
    shown = replace(STORY, findings=(one, other))
    assert "2 findings (2 errors), 1 of them told with another, in" in render(
        shown, "terminal", Style()
    )
    assert "told with another" not in render(shown, "terminal", Style(verbose=True))
