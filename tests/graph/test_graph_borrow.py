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


def test_where_the_ends_of_waits_fill_the_bound_nothing_more_is_borrowed():
    before = WAITS.replace("WAIT", "wait_for_completion(&lamp->dark);")
    tree = Tree()
    (borrowed,) = borrow(compare(before, WAITS.replace("WAIT", "lamp_go(lamp);")), tree)
    assert len(borrowed.functions) == MOST + 5
    assert tree.asked == []
