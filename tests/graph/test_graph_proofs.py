"""What a condition proves about who runs it, and what is then told of entry points."""

from __future__ import annotations

import pytest
from graph_kit import downgrades, facts, kernel

from patchlint.graph import guards
from patchlint.graph.proofs import proved
from patchlint.graph.reach.way import Way, Ways
from patchlint.model.effect import EntryChain
from patchlint.model.facts import Condition


def calls(body, test, *, taken=True, entries=()):
    function = facts(
        "a.c", f"void f(struct task_struct *who)\n{{\n{body}\tg(who);\n}}\n"
    ).functions[0]
    (atom,) = guards.atoms(kernel(), Condition(test, taken, 4), "a.c")
    return proved(kernel(), atom, function, entries)


TASK = "\tstruct task_struct *task = current;\n"


@pytest.mark.parametrize(
    ("body", "test", "names"),
    [
        ("", "current->flags & PF_EXITING", ["exit", "exit_group"]),
        (TASK, "task->flags & PF_EXITING", ["exit", "exit_group"]),
        ("", "current->flags & PF_KTHREAD", []),
        ("", "current->flags & (PF_KTHREAD | PF_EXITING)", []),
        # another task may be meant
        ("", "who->flags & PF_EXITING", []),
        (f"{TASK}\ttask = who;\n", "task->flags & PF_EXITING", []),
    ],
)
def test_a_test_of_the_running_task_alone_proves_who_runs_it(body, test, names):
    assert [entry.name for entry in calls(body, test)] == names


def test_a_test_that_does_not_hold_proves_nothing():
    assert calls("", "current->flags & PF_EXITING", taken=False) == ()


def test_a_way_that_was_seen_is_told_with_the_call():
    seen = EntryChain("exit_group", "syscall", ("exit_group", "do_exit", "f"))
    others = (seen, EntryChain("exit", "file operation", ("f",)), EntryChain("dup2", "syscall", ()))
    told = calls("", "current->flags & PF_EXITING", entries=others)
    assert [(entry.name, entry.chain) for entry in told] == [
        ("exit", ()),
        ("exit_group", seen.chain),
    ]


LAMP = """\
static void lamp_late(struct work_struct *work)
{{
	lamp_release(to_lamp(work));
}}

static void lamp_close(struct lamp *lamp)
{{
	struct task_struct *task = current;

{body}	lamp_release(lamp);
}}

SYSCALL_DEFINE1(lamp_off, int, fd)
{{
	lamp_close(lamp_of(fd));
	return 0;
}}
"""
PUT_OFF = """\
	if (task->flags & {flag}) {{
		INIT_WORK(&lamp->work, lamp_late);
		queue_work(system_wq, &lamp->work);
		return;
	}}
"""


@pytest.mark.parametrize(
    ("flag", "names"), [("PF_EXITING", ["exit", "exit_group"]), ("PF_LAMP", ["lamp_off"])]
)
def test_entries_are_those_that_the_condition_leaves(flag, names):
    before, after = LAMP.format(body=""), LAMP.format(body=PUT_OFF.format(flag=flag))
    (found,) = downgrades(before, after)
    assert [entry.name for entry in found.entry_points] == names
    # no chain leads through a caller that never comes there
    assert (found.before.chain[0].function == "lamp_off") == (names == ["lamp_off"])
    assert found.condition == f"task->flags & {flag}"


def test_the_walk_need_not_have_come_there():
    before, after = LAMP.format(body=""), LAMP.format(body=PUT_OFF.format(flag="PF_EXITING"))
    chain = ("lamp_off", "lamp_close")
    way = Way("lamp_off", "syscall", "task", "certain", reaches_user=True, chain=chain, why="")
    found = Ways((way,), known=True, cut=True)
    (told,) = downgrades(before, after, ways=lambda *_: found)
    assert [entry.name for entry in told.entry_points] == ["exit", "exit_group"]
    assert any("holds in exit(2) and exit_group(2) alone" in one.said for one in told.reasons)


CALLERS = """\
static void lamp_put(struct lamp *lamp)
{{
{body}}}

int lamp_add(int fd)
{{
	struct lamp *lamp = lamp_find(fd);
	int err = lamp_light(lamp);

	if (err)
		lamp_put(lamp);
	return err;
}}

void lamp_tell(struct lamp *lamp)
{{
	lamp_put(lamp);
}}

void lamp_remove(struct lamp *lamp)
{{
	lamp_put(lamp);
}}
"""


@pytest.mark.parametrize(
    ("gone", "first"),
    [((), "lamp_remove"), (("remove",), "lamp_tell"), (("tell", "remove"), "lamp_add")],
)
def test_the_chain_leads_through_who_ends_it(gone, first):
    source = LAMP.partition("static void lamp_close")[0] + CALLERS
    for name in gone:
        source = source.replace(
            f"void lamp_{name}(struct lamp *lamp)\n{{{{\n\tlamp_put",
            f"void lamp_{name}(struct lamp *lamp)\n{{{{\n\tlamp_see",
        )
    now = "\tINIT_WORK(&lamp->work, lamp_late);\n\tqueue_work(system_wq, &lamp->work);\n"
    (found,) = downgrades(source.format(body="\tlamp_release(lamp);\n"), source.format(body=now))
    assert found.before.chain[0].function == first
    assert found.after.chain[0].function == first


def test_who_is_too_many_to_follow_is_said_and_makes_nothing_louder():
    source = LAMP.partition("SYSCALL")[0]
    event = EntryChain("lamp_del", "lamp removal", ("lamp_del", "lamp_close"), event="lights out")
    seen = Ways((), known=True, cut=False, hubs=("lamp_del",), classes=(event,))
    sides = source.format(body=""), source.format(body=PUT_OFF.format(flag="LAMP_LATE"))
    (without,) = downgrades(*sides, ways=lambda *_: Ways((), known=True, cut=True))
    (found,) = downgrades(*sides, ways=lambda *_: seen)
    assert (found.before.context, found.before.many) == ("unknown", "lamp_del")
    assert found.entry_points == (event,)
    assert without.before.many == "lamp_close"
    assert (found.level_cap, found.confidence) == (without.level_cap, without.confidence)
