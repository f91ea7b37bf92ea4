"""Entry points that hold nothing of what is released are not told where others are."""

from __future__ import annotations

import pytest
from graph_kit import compare
from test_graph_downgrades import way

from patchlint.graph.downgrades import find
from patchlint.graph.reach.way import Ways

HEAD = """\
#include <linux/lamp.h>
struct lamp {
	struct key *key;
	struct lamp_pmu *pmu;
};
"""
GONE = "static void gone(struct work_struct *w)\n{\n\tPUT;\n}\n\n"
CLOSE = """
static void lamp_close(struct lamp *lamp)
{
	DO
}

static void lamp_init(struct lamp *lamp)
{
	INIT_WORK(&lamp->gone, gone);
}
"""


class Bodies:
    """The texts of a tree."""

    def __init__(self, texts):
        self.texts = texts

    def binders(self, *_):
        return ()

    def text(self, path):
        text = HEAD if path == "fs/lamp.c" else self.texts.get(path)
        return None if text is None else text.encode()


def told(put, texts, test="", bodies=Bodies):
    """The entries of a put that moves into a worker: one by each of some files."""
    late = "queue_work(wq, &lamp->gone);"
    now, then = (f"{test}{line}" for line in (f"{put};", late))
    gone = GONE.replace("PUT", put.replace("lamp->", "to_lamp(w)->"))
    before, after = (HEAD + gone + CLOSE.replace("DO", line) for line in (now, then))
    ways = tuple(
        way(kind=name, chain=(f"{name}_op", "lamp_close"), calls=((f"{name}.c", 3),), event=name)
        for name in texts
    )
    compared = compare(
        before,
        after,
        ways=lambda *_: Ways(ways, known=True, cut=False),
        bodies=bodies({f"{name}.c": text for name, text in texts.items()}),
    )
    (found,) = find(compared)
    return [one.event for one in found.entry_points]


FLAG = "if (test_bit(KEY_FLAG_IN_QUOTA, &lamp->key->flags))\n\t\t"
FREE = 'k = keyring_alloc(".lamp", KEY_ALLOC_NOT_IN_QUOTA, NULL);'


@pytest.mark.parametrize(
    ("test", "texts", "entries"),
    [
        (FLAG, {"free": FREE, "charged": ""}, ["charged"]),
        (FLAG, {"free": FREE}, ["free"]),
        ("", {"free": FREE, "charged": ""}, ["free", "charged"]),
        (FLAG.replace("test_bit", "!test_bit"), {"free": FREE, "some": ""}, ["free", "some"]),
    ],
)
def test_what_is_made_without_the_flag_loses_nothing_that_is_done_under_it(test, texts, entries):
    assert told("fput(lamp->key->file)", texts, test) == entries


OWN = "static struct lamp_pmu breakpoint = {\n\t.nr = 1,\n};\n"
WITH = OWN.replace(".nr", ".module")


@pytest.mark.parametrize(
    ("texts", "entries"),
    [
        ({"own": OWN, "any": ""}, ["any"]),
        ({"own": OWN}, ["own"]),
        ({"own": OWN + WITH, "any": ""}, ["own", "any"]),
        ({"own": OWN.replace("lamp_pmu", "lid_pmu"), "any": ""}, ["own", "any"]),
    ],
)
def test_of_objects_that_have_none_no_module_is_put(texts, entries):
    assert told("module_put(lamp->pmu->module)", texts) == entries


def test_without_a_tree_all_are_told():
    texts = {"own": OWN, "any": ""}
    assert told("module_put(lamp->pmu->module)", texts, bodies=lambda _: None) == ["own", "any"]
