"""How much of a tree a comparison borrows."""

from __future__ import annotations

from graph_kit import compare, facts

from patchlint.graph.borrow import MOST, borrow

WAITS = "void lamp_remove(struct lamp *lamp)\n{\n\tlamp_dim(lamp);\n\tWAIT\n}\n"
ENDS = "".join(
    f"void lamp_end{number}(struct lamp *lamp)\n{{\n\tcomplete(&lamp->dark);\n}}\n"
    for number in range(MOST + 5)
)


class Tree:
    """A tree in which very many signal the end of what was waited for."""

    def __init__(self):
        self.asked = []

    def prepare_definitions(self, names):
        self.asked += names

    def definition(self, name, near_path=None):  # noqa: ARG002  the interface of trees
        return None

    def binders(self, path, objects, registrations):  # noqa: ARG002  the interface of trees
        return (facts("fs/ends.c", ENDS),) if "dark" in objects else ()


STARTS = "void lamp_off(struct lamp *lamp)\n{\n\tHOW(lamp);\n}\n"
BINDS = "void lamp_new(struct lamp *lamp)\n{\n\tINIT_WORK(&lamp->glow, lamp_glow);\n}\n"
BODIES = {
    "lamp_glow": "void lamp_glow(struct work_struct *work)\n{\n\tlamp_dim_all(work);\n}\n",
    "lamp_dim_all": "void lamp_dim_all(struct work_struct *work)\n{\n\tiput(inode_of(work));\n}\n",
    "lamp_blink": "void lamp_blink(struct work_struct *work)\n{\n}\n",
}


class Elsewhere(Tree):
    """A tree in which another file binds the callback of what is started."""

    def definition(self, name, near_path=None):  # noqa: ARG002  the interface of trees
        text = BODIES.get(name)
        return facts("fs/bulb.c", text).functions[0] if text else None

    def binders(self, path, objects, registrations):  # noqa: ARG002  the interface of trees
        return (facts("fs/new.c", BINDS),) if "glow" in objects else ()


def test_who_binds_a_callback_is_no_step_of_the_way_to_what_it_calls():
    """Two calls down from a start: the callback, and what that calls."""
    after = STARTS.replace("HOW(lamp)", "schedule_work(&lamp->glow)")
    borrowed = borrow(compare(STARTS.replace("HOW", "lamp_dim"), after), Elsewhere())
    names = {function.name for one in borrowed for function in one.functions}
    assert names == {"lamp_new", "lamp_glow", "lamp_dim_all"}


def test_where_the_ends_of_waits_fill_the_bound_nothing_more_is_borrowed():
    before = WAITS.replace("WAIT", "wait_for_completion(&lamp->dark);")
    tree = Tree()
    (borrowed,) = borrow(compare(before, WAITS.replace("WAIT", "lamp_go(lamp);")), tree)
    assert len(borrowed.functions) == MOST + 5
    assert tree.asked == []
