"""The sketch of whole files: it lets through what the graph finds, and holds back the rest.

That it lets through is asserted for every downgrade of these tests, by ``downgrades()``.
"""

from __future__ import annotations

import pytest
from graph_kit import downgrades, pairs, shown, sketched

BEFORE = """\
struct lamp { struct file *file; struct work_struct work; };

static void lamp_work(struct work_struct *work)
{
	struct lamp *l = container_of(work, struct lamp, work);

	lamp_blink(l);
}

static int lamp_flush(struct file *file, fl_owner_t id)
{
	struct lamp *l = file->private_data;

	fput(l->file);
	return 0;
}

static void lamp_later(struct lamp *l)
{
	INIT_WORK(&l->work, lamp_work);
	queue_work(lamp_wq, &l->work);
}

static const struct file_operations lamp_fops = {
	.flush = lamp_flush,
};
"""


def edited(*changes):
    text = BEFORE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


IN_THE_WORK = ("\tlamp_blink(l);\n", "\tlamp_blink(l);\n\tfput(l->file);\n")
MOVED = edited(("\tfput(l->file);\n", "\tlamp_later(l);\n"), IN_THE_WORK)


def test_a_release_that_moved_into_the_work_is_let_through():
    assert downgrades(BEFORE, MOVED)


def test_the_other_way_round_nothing_stands_behind_the_work():
    assert not downgrades(MOVED, BEFORE)
    assert not sketched(MOVED, BEFORE)


def test_another_function_in_the_operations_table_takes_the_place_of_the_first():
    after = edited(
        IN_THE_WORK,
        ("\t.flush = lamp_flush,\n", "\t.flush = lamp_flush_later,\n"),
        (
            "static const struct file_operations",
            (
                "static int lamp_flush_later(struct file *file, fl_owner_t id)\n{\n"
                "\tlamp_later(file->private_data);\n\treturn 0;\n}\n\n"
                "static const struct file_operations"
            ),
        ),
    )
    assert downgrades(BEFORE, after)


def test_a_release_inside_a_macro_is_seen():
    macro = "#define lamp_off(l) \\\n\tdo { \\\n\t\tfput((l)->file); \\\n\t} while (0)\n\n"
    before = macro + edited(("\tfput(l->file);\n", "\tlamp_off(l);\n"))
    after = macro + edited(
        ("\tfput(l->file);\n", "\tlamp_later(l);\n"),
        ("\tlamp_blink(l);\n", "\tlamp_blink(l);\n\tlamp_off(l);\n"),
    )
    assert downgrades(before, after)


@pytest.mark.parametrize(
    "helper",
    [
        "static void lamp_off(struct lamp *l) { fput(l->file); }\n\n",
        "static void lamp_off(struct lamp *l)\n__releases(l->lock)\n{\n\tfput(l->file);\n}\n\n",
        "static void\n*lamp_off(struct lamp *l)\n{\n\tfput(l->file);\n}\n\n",
    ],
)
def test_a_helper_is_read_however_its_header_is_written(helper):
    before = helper + edited(("\tfput(l->file);\n", "\tlamp_off(l);\n"))
    after = helper + edited(
        ("\tfput(l->file);\n", "\tlamp_later(l);\n"),
        ("\tlamp_blink(l);\n", "\tlamp_blink(l);\n\tlamp_off(l);\n"),
    )
    assert downgrades(before, after)


def test_a_name_that_only_the_tree_knows_counts_where_there_is_one():
    before = BEFORE.replace("fput(l->file)", "lamp_dim(l)")
    after = MOVED.replace("fput(l->file)", "lamp_dim(l)")
    assert sketched(before, after, derived=True)
    assert not sketched(before, after)
    locked, unlocked = (
        text.replace("lamp_dim(l)", "spin_unlock(&l->lock)") for text in (before, after)
    )
    assert not sketched(locked, unlocked, derived=True)


@pytest.mark.parametrize("derived", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        ("\tlamp_blink(l);\n", "\tlamp_blink(l, 2);\n"),
        ("\tfput(l->file);\n", "\tlamp_blink(l);\n\tfput(l->file);\n"),
        ("\tqueue_work(lamp_wq, &l->work);\n", "\tqueue_work(system_wq, &l->work);\n"),
        ("\tfput(l->file);\n", ""),
    ],
)
def test_what_moves_nothing_behind_the_work_is_held_back(change, derived):
    after = edited(change)
    assert not downgrades(BEFORE, after)
    assert not sketched(BEFORE, after, derived=derived)


QUEUE = "\tqueue_work(lamp_wq, &l->work);\n"


@pytest.mark.parametrize(
    "queue",
    [
        "\tqueue_work(lamp_wq,\n\t\t   &l->work);\n",
        "\tqueue_work(l->wqs[pick(l)], &(l)->work);\n",
        "\tqueue_work(lamp_wq, &container_of(l, struct room, lamp)->lamp.work);\n",
    ],
)
def test_a_queue_starts_what_is_bound_to_its_member(queue):
    before = edited((QUEUE, queue))
    assert downgrades(before, MOVED.replace(QUEUE, queue))


def test_a_queue_of_another_member_starts_something_else():
    other = QUEUE.replace("work)", "dim_work)")
    assert sketched(BEFORE, MOVED)
    assert not sketched(edited((QUEUE, other)), MOVED.replace(QUEUE, other))


def test_a_new_branch_narrows_only_what_stands_below_it():
    put = "\tfput(l->file);\n"
    lazy = "\tif (l->lazy) {\n\t\tlamp_later(l);\n\t\treturn 0;\n\t}\n"
    assert downgrades(BEFORE, edited(IN_THE_WORK, (put + "\treturn", lazy + put + "\treturn")))
    after = edited(IN_THE_WORK, (put + "\treturn", put + lazy + "\treturn"))
    assert not downgrades(BEFORE, after)
    assert not sketched(BEFORE, after)


def test_a_whole_file_is_shown_as_a_diff_shows_it():
    before = "one\ntwo\nthree\nfour\n"
    after = "one\n2\nthree\nfour\nfive\n"
    [pair] = pairs(before, after)
    assert shown(pair).lines == " one\n-two\n+2\n three\n four\n+five\n "


@pytest.mark.parametrize(("before", "after", "mark"), [({}, "a\nb\n", "+"), ("a\nb\n", "", "-")])
def test_a_file_that_comes_or_goes_is_all_of_one_mark(before, after, mark):
    [pair] = pairs(before, after)
    marks = {line[:1] for line in shown(pair).lines.split("\n") if line.strip("+- ")}
    assert marks == {mark}
