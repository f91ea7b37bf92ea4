"""Laws of the comparison: what must not matter, and what must never be said.

Each runs over small drivers that are made up to order (``small_kernels``), whole and as the
hunks of a mail.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small_kernels import (
    CHANGES,
    MECHANISMS,
    PATH,
    RELEASES,
    SHAPES,
    WHOLE,
    changes,
    hunks,
    loud,
    make,
    names,
    renamed,
    told,
    whole,
)

#: the same series each time: a law that fails on one machine fails on all
LAW = settings(max_examples=60, derandomize=True, deadline=None, database=None)
CONTEXTS = st.sampled_from([1, 3, 10, WHOLE])


# -- the ground: each change is a loss, and is found ------------------------------------------


@pytest.mark.parametrize("mechanism", sorted(MECHANISMS))
@pytest.mark.parametrize("shape", SHAPES)
def test_a_release_that_a_table_knows_is_found_in_each_shape(mechanism, shape):
    change = make("iput", mechanism, shape, "none")
    assert [(d.cleanup, d.level_cap) for d in whole(change.old, change.new)] == [
        ("iput", "warning")
    ]
    found = loud(hunks(change.old, change.new, context=WHOLE))
    assert [d.cleanup for d in found] == ["iput"]


@LAW
@given(CHANGES)
def test_every_change_is_found(change):
    assert change.release in {d.cleanup for d in loud(whole(change.old, change.new))}


# -- same state -------------------------------------------------------------------------------


@LAW
@given(CHANGES, st.booleans(), CONTEXTS)
def test_the_same_state_loses_nothing(change, after, context):
    text = change.new if after else change.old
    assert whole(text, text) == ()
    remark = text.replace("lamp_cold(l);", "lamp_cold(l); /* off */")
    assert hunks(text, remark, context=context) == ()


# -- revert -----------------------------------------------------------------------------------


@LAW
@given(CHANGES, CONTEXTS)
def test_the_other_way_round_nothing_is_loud(change, context):
    assert loud(whole(change.new, change.old)) == []
    assert loud(hunks(change.new, change.old, context=context)) == []


@LAW
@given(CHANGES, CONTEXTS)
def test_what_a_series_takes_back_it_has_not_lost(change, context):
    assert loud(hunks(change.old, change.new, change.old, context=context)) == []


# -- order ------------------------------------------------------------------------------------


@LAW
@given(CHANGES, st.randoms(use_true_random=False))
def test_the_order_of_functions_does_not_matter(change, random):
    order = list(range(len(change.before)))
    random.shuffle(order)
    old, new = ("".join(side[n] for n in order) for side in (change.before, change.after))
    # whether a body moved, and which of two it continues, is told by the lines that stayed:
    # a diff chooses those
    assume(change.shape != "each")
    found, usual = whole(old, new), whole(change.old, change.new)
    assert told(found, shape=False) == told(usual, shape=False)


@LAW
@given(CHANGES, st.randoms(use_true_random=False))
def test_the_order_and_the_number_of_files_do_not_matter(change, random):
    other = "drivers/lamp/core.c"
    spread = tuple(
        {PATH: "".join(side[:-3]), other: "".join(side[-3:])}
        for side in (change.before, change.after)
    )
    usual = whole(*spread)
    assert [d.cleanup for d in loud(usual)] == [
        d.cleanup for d in loud(whole(change.old, change.new))
    ]
    paths = [PATH, other]
    random.shuffle(paths)
    assert told(whole(*({path: side[path] for path in paths} for side in spread))) == told(usual)


# -- names ------------------------------------------------------------------------------------

#: names of our own that a patch may change; those of parts that the tables know stay
OWN = {
    "l": "bulb",
    "lamp_gone": "bulb_gone",
    "lamp_off": "bulb_off",
    "lamp_end": "bulb_end",
    "lamp_free": "bulb_free",
    "lamp_wq": "bulb_wq",
    "lazy": "idle",
    "work": "off_item",
}
#: names without a meaning
BARE = {
    **{f"lamp_{word}": f"zq_{n}" for n, word in enumerate(
        ("gone", "off", "end", "free", "close", "remove", "init", "setup", "dark", "cold",
         "cool", "tell", "blink", "lock", "fops", "fop_release", "kick", "poke", "off_soon", "ops")
    )},
    "room_close": "zq_90",
    "room_dark": "zq_91",
    "lazy": "zq_92",
    "lamp_wq": "zq_93",
}  # fmt: skip


def _names(text):
    return {word for word in OWN if re.search(rf"\b{word}\b", text)}


@LAW
@given(CHANGES, st.sets(st.sampled_from(sorted(OWN))))
def test_renaming_ones_own_loses_nothing(change, chosen):
    assume(chosen & _names(change.old))
    words = {word: OWN[word] for word in chosen}
    for text in (change.old, change.new):
        assert loud(whole(text, renamed(text, words))) == []
        assert loud(hunks(text, renamed(text, words))) == []


@LAW
@given(CHANGES, st.sets(st.sampled_from(sorted(OWN))))
def test_a_loss_under_new_names_is_the_same_loss(change, chosen):
    words = {word: OWN[word] for word in chosen}
    usual = loud(whole(change.old, change.new))
    found = loud(whole(change.old, renamed(change.new, words)))
    back = {new: old for old, new in words.items()}
    assert {d.cleanup for d in found} == {d.cleanup for d in usual}
    if not chosen & {"l", "lamp_free"}:
        # a short body of which no line stays is another function: its caller then lost it
        assert {(d.cleanup, back.get(d.function, d.function)) for d in found} == {
            (d.cleanup, d.function) for d in usual
        }


@LAW
@given(CHANGES)
def test_what_a_table_knows_is_found_without_a_telling_name(change):
    bare = change.both(lambda text: renamed(text, BARE))
    usual = {(d.cleanup, d.level_cap) for d in whole(change.old, change.new)}
    assert {(d.cleanup, d.level_cap) for d in whole(bare.old, bare.new)} >= {
        (cleanup, level) for cleanup, level in usual if cleanup in RELEASES
    }


# -- more knowledge ---------------------------------------------------------------------------


@LAW
@given(CHANGES)
def test_more_context_never_lowers_a_finding(change):
    order = {"note": 0, "warning": 1, "error": 2}
    best = -1
    for context in (1, 3, 10, WHOLE):
        found = hunks(change.old, change.new, context=context)
        level = max((order[d.level_cap] for d in found), default=-1)
        assert level >= best
        best = max(best, level)
    at_hand = max(order[d.level_cap] for d in whole(change.old, change.new))
    assert at_hand >= best


# -- split and wrap ---------------------------------------------------------------------------


@LAW
@given(CHANGES, st.data(), CONTEXTS)
def test_a_patch_cut_in_two_has_the_same_loss(change, data, context):
    differ = [n for n, part in enumerate(change.before) if part != change.after[n]]
    assume(len(differ) > 1)
    first = data.draw(st.sets(st.sampled_from(differ), min_size=1, max_size=len(differ) - 1))
    middle = "".join(
        change.after[n] if n in first else part for n, part in enumerate(change.before)
    )
    usual = loud(hunks(change.old, change.new, context=context))
    found = loud(hunks(change.old, middle, change.new, context=context))
    # two patches may show more lines than one, and so tell more of what it is
    assert bool(found) >= bool(usual)
    if context == WHOLE:
        assert {one.cleanup for one in found} == {one.cleanup for one in usual}


def wrapped(text, line, name):
    """``text`` with each ``line`` of it in a new function, which is called instead."""
    assert line in text
    helper = f"static void {name}(struct lamp *l)\n{{\n\t{line}\n}}\n\n"
    return helper + text.replace(line, f"{name}(l);")


@LAW
@given(CHANGES, st.sampled_from(["lamp_kick", "zq_1"]))
def test_a_start_behind_a_new_helper_is_the_same_loss(change, name):
    kind = MECHANISMS[change.mechanism]
    start = kind.start.format(cb="lamp_gone")
    # the helper stands below the callback that it may name
    helper = f"static void {name}(struct lamp *l)\n{{\n\t{start}\n}}\n\n"
    new = change.new.replace(start, f"{name}(l);") + helper
    assert names(loud(whole(change.old, new))) == names(loud(whole(change.old, change.new)))


@LAW
@given(CHANGES, st.sampled_from(["lamp_drop", "zq_1"]))
def test_a_release_behind_a_new_helper_is_the_same_loss(change, name):
    new = wrapped(change.new, RELEASES[change.release], name)
    usual = names(loud(whole(change.old, change.new)))
    found = names(loud(whole(change.old, new)))
    # which function it left may be told otherwise: a body of two lines is easily another one
    assert {(one, context) for one, _, context in found} == {
        (one, context) for one, _, context in usual
    }


@LAW
@given(CHANGES, st.sampled_from(["lamp_drop", "zq_1"]))
def test_a_new_helper_alone_loses_nothing(change, name):
    for text in (change.old, change.new):
        assert loud(whole(text, wrapped(text, RELEASES[change.release], name))) == []


# -- near misses ------------------------------------------------------------------------------


@LAW
@given(
    # a release that puts itself off in a worker is late whoever waits for that
    changes(
        ("iput", "device_unregister", "kern_unmount"),
        ("work", "system work", "delayed work", "rcu", "irq work"),
        ("plain", "helper", "deep", "body", "kref"),
    ),
    CONTEXTS,
)
def test_a_wait_on_the_same_way_keeps_the_promise(change, context):
    kind = MECHANISMS[change.mechanism]
    wait = {
        "work": "flush_work(&l->work);",
        "system work": "flush_work(&l->work);",
        "delayed work": "flush_delayed_work(&l->dwork);",
        "rcu": "rcu_barrier();",
        "irq work": "irq_work_sync(&l->iw);",
    }[change.mechanism]
    start = kind.start.format(cb="lamp_gone")
    new = change.new.replace(start, f"{start}\n\t{wait}")
    assert loud(whole(change.old, new)) == []
    assert loud(hunks(change.old, new, context=context)) == []


@LAW
@given(changes(mechanisms=("work",)))
def test_one_deferral_for_another_is_no_loss(change):
    assert loud(whole(change.new, change.new.replace("lamp_wq", "system_unbound_wq"))) == []


@LAW
@given(
    changes(shapes=("branch", "early"), entries=("syscall", "caller")),
    st.sampled_from(["true", "false"]),
)
def test_a_caller_whose_constant_keeps_it_from_the_deferral_loses_nothing(change, constant):
    old, new = change.old, change.new
    new = new.replace("lamp_close(struct lamp *l)", "lamp_close(struct lamp *l, bool lazy)")
    new = new.replace("l->lazy", "lazy")
    new = re.sub(r"\tlamp_close\((.*)\);", rf"\tlamp_close(\1, {constant});", new)
    new = new.replace("void lamp_close(", "static void lamp_close(")
    old = old.replace("void lamp_close(", "static void lamp_close(")
    found = loud(whole(old, new))
    assert bool(found) == (constant == "true")


@LAW
@given(changes(shapes=("branch", "early")))
def test_tasks_that_do_as_before_lose_nothing(change):
    for test in ("in_interrupt()", "current->flags & PF_KTHREAD", "!in_task()"):
        assert loud(whole(change.old, change.new.replace("l->lazy", test))) == []


# -- independent files ------------------------------------------------------------------------


@LAW
@given(CHANGES, CHANGES, st.booleans(), st.booleans())
def test_what_is_lost_in_one_driver_takes_nothing_from_another(change, other, alike, series):
    """Two drivers that have nothing in common but, perhaps, the names of their static functions."""
    second = "drivers/torch/torch.c"
    mine, theirs = (one.both(_own) for one in (change, other))
    word, place = ("struct lamp", "struct room") if alike else ("lamp", "room")
    theirs = theirs.both(
        lambda text: text.replace(word, word.replace("lamp", "torch")).replace(
            place, place.replace("room", "hall")
        )
    )
    first = {PATH: mine.old, second: theirs.old}
    middle = {**first, PATH: mine.new}
    last = {PATH: mine.new, second: theirs.new}
    states = [first, middle, last] if series else [first, last]
    found = loud(hunks(*states))
    for path, one in ((PATH, mine), (second, theirs)):
        alone = loud(hunks({path: one.old}, {path: one.new}))
        assert [(d.function, d.cleanup) for d in found if d.path == path] == [
            (d.function, d.cleanup) for d in alone
        ]


def _own(text):
    """``text`` with functions of its own file alone."""
    return re.sub(r"(?m)^void ", "static void ", text)
