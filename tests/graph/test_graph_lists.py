"""Lists between functions: whose items a task releases, and whose a callback takes over."""

from __future__ import annotations

import pytest
from graph_kit import downgrades, function, graph

HEAD = """\
static HLIST_HEAD(gone);
static HLIST_HEAD(gone_lazy);

struct lamp_batch {
	struct rcu_work rwork;
	struct hlist_head head;
};

static void lamp_batch_fn(struct work_struct *work)
{
	struct lamp_batch *batch = container_of(to_rcu_work(work), struct lamp_batch, rwork);
	struct lamp *l, *next;

	hlist_for_each_entry_safe(l, next, &batch->head, node) {
		hlist_del(&l->node);
		mntput(&l->mnt);
	}
	kfree(batch);
}

"""
#: takes all items off the first list itself, and gives those of the second to a work item
UNLOCK = """\
static void lamps_unlock(void)
{
	struct hlist_head head, lazy;
	struct lamp *l, *next;

	hlist_move_list(&gone, &head);
%s	up_write(&lamp_sem);
%s	hlist_for_each_entry_safe(l, next, &head, node) {
		hlist_del(&l->node);
		mntput(&l->mnt);
	}
}

"""
MOVE = "\thlist_move_list(&gone_lazy, &lazy);\n"
QUEUE = """\
	if (!hlist_empty(&lazy)) {
		struct lamp_batch *batch = kmalloc(sizeof(*batch), GFP_KERNEL | __GFP_NOFAIL);

		hlist_move_list(&lazy, &batch->head);
		INIT_RCU_WORK(&batch->rwork, lamp_batch_fn);
		queue_rcu_work(system_unbound_wq, &batch->rwork);
	}
"""
ADD = """\
static void lamp_remove(struct lamp *l, int how)
{
	lamp_dark(l);
%s}

"""
PLAIN = "\thlist_add_head(&l->node, &gone);\n"
SPLIT = """\
	if (how & LAMP_LAZY)
		hlist_add_head(&l->node, &gone_lazy);
	else
		hlist_add_head(&l->node, &gone);
"""
CALLER = """\
SYSCALL_DEFINE2(lamp_off, int, fd, int, flags)
{
	lamps_lock();
	lamp_remove(lamp_of(fd), %s);
	lamps_unlock();
	return 0;
}
"""
BEFORE = HEAD + UNLOCK % ("", "") + ADD % PLAIN + CALLER % "0"


def told(before, after):
    return [(d.function, d.cleanup, d.level_cap, d.condition) for d in downgrades(before, after)]


def test_an_item_on_a_list_that_a_work_item_takes_over_is_released_later():
    after = HEAD + UNLOCK % (MOVE, QUEUE) + ADD % SPLIT + CALLER % "LAMP_LAZY"
    assert told(BEFORE, after) == [("lamp_remove", "mntput", "error", "how & LAMP_LAZY")]
    assert told(after, BEFORE) == []


def test_who_passes_another_flag_has_lost_nothing():
    other = CALLER.replace("lamp_off", "lamp_swap") % "0"
    lazy = HEAD + UNLOCK % (MOVE, QUEUE) + ADD % SPLIT + CALLER % "LAMP_LAZY"
    assert told(BEFORE + other, lazy + other) == [
        ("lamp_remove", "mntput", "error", "how & LAMP_LAZY")
    ]
    none = HEAD + UNLOCK % (MOVE, QUEUE) + ADD % SPLIT + CALLER % "0"
    assert told(BEFORE, none) == []


def test_every_item_may_go_on_the_other_list():
    after = HEAD + UNLOCK % (MOVE, QUEUE) + ADD % PLAIN.replace("&gone", "&gone_lazy")
    found = told(BEFORE, after + CALLER % "0")
    assert [one[1:3] for one in found] == [("mntput", "error")]


@pytest.mark.parametrize(
    "unlock",
    [
        # a task takes the items off the second list as well
        UNLOCK
        % (
            MOVE,
            QUEUE + "\thlist_for_each_entry_safe(l, next, &lazy, node)\n\t\tmntput(&l->mnt);\n",
        ),
        # the second list comes onto the first one
        UNLOCK % ("\thlist_move_list(&gone_lazy, &head);\n", ""),
    ],
)
def test_a_list_that_a_task_drains_all_the_same_hands_nothing_over(unlock):
    after = HEAD + unlock + ADD % SPLIT + CALLER % "LAMP_LAZY"
    assert told(BEFORE, after) == []


def test_an_item_that_goes_on_both_lists_is_released_as_before():
    both = PLAIN + PLAIN.replace("&gone", "&gone_lazy").replace("node", "lazy_node")
    after = HEAD + UNLOCK % (MOVE, QUEUE) + ADD % both + CALLER % "0"
    assert told(BEFORE, after) == []


def test_edges_lead_over_lists_that_are_moved():
    after = graph(HEAD + UNLOCK % (MOVE, QUEUE) + ADD % SPLIT + CALLER % "0")
    edges = [e for e in after.deferrals_of(function(after, "lamp_remove")) if e.handoff]
    assert [(e.target.text, e.callback) for e in edges] == [("gone_lazy", "lamp_batch_fn")]


@pytest.mark.parametrize(
    ("inside", "edges"),
    [("\tLIST_HEAD(todo);\n\n", 0), ("", 1)],
    ids=["on the stack", "of the file"],
)
def test_lists_of_two_functions_with_one_name_are_two(inside, edges):
    """``LIST_HEAD(todo)`` in both: what one puts on its own the other does not take off."""
    take = "\tlist_for_each_entry_safe(l, next, &todo, node) {\n\t\tlist_del(&l->node);\n"
    source = f"""\
{"" if inside else "static LIST_HEAD(todo);"}

static void lamp_fn(struct work_struct *work)
{{
{inside}{take}\t\tiput(l->inode);\n\t}}
}}

void lamps_init(struct lamps *all)
{{
	INIT_WORK(&all->work, lamp_fn);
}}

void lamps_drop(struct lamps *all)
{{
{inside}	list_splice_init(&all->lamps, &todo);
}}
"""
    after = graph(source)
    found = [e for e in after.deferrals_of(function(after, "lamps_drop")) if e.handoff]
    assert len(found) == edges
