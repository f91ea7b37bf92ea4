"""Guards: tests taken apart, what they ask, and what constants make of them."""

from __future__ import annotations

import re

import pytest
from graph_kit import PATH, kernel
from hypothesis import given
from hypothesis import strategies as st

from patchlint.graph import guards
from patchlint.graph.guards import Atom
from patchlint.model.facts import Condition

#: where a caller calls
PLACE = ("fs/caller.c", 7)


def atoms(text, *, taken=True):
    return guards.atoms(kernel(), Condition(text, taken, 3), PATH)


def atom(text, *, positive=True):
    return Atom(text, positive, guards.head(text), PATH, 3)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("lazy", ("lazy", True)),
        ("!lazy", ("lazy", False)),
        ("!!lazy", ("lazy", True)),
        ("(!(lazy))", ("lazy", False)),
        ("likely(lazy)", ("lazy", True)),
        ("unlikely(!lazy)", ("lazy", False)),
        ("l == NULL", ("l", False)),
        ("l != NULL", ("l", True)),
        ("!(l == NULL)", ("l", True)),
        ("n == 0", ("n", False)),
        ("on == true", ("on", True)),
        ("on != true", ("on", False)),
        ("is_on(l) == false", ("is_on(l)", False)),
        ("n == 3", ("n == 3", True)),
        ("!a && b", ("!a && b", True)),
        ("!(a && b)", ("a && b", False)),
        ("a  &&\n\tb", ("a && b", True)),
        # a choice of two constants asks for what decides it
        ("(lazy ? LAMP_LATE : LAMP_NOW) == LAMP_LATE", ("lazy", True)),
        ("(lazy ? LAMP_LATE : LAMP_NOW) != LAMP_LATE", ("lazy", False)),
        ("((how & LAMP_LAZY) ? LAMP_LATE : 0) & LAMP_LATE", ("how & LAMP_LAZY", True)),
        ("(lazy ? LAMP_NOW : LAMP_LATE) & LAMP_LATE", ("lazy", False)),
        ("(lazy ? late : 0) & LAMP_LATE", ("(lazy ? late : 0) & LAMP_LATE", True)),
        ("(how & LAMP_LAZY) ? 0 : 1", ("how & LAMP_LAZY", False)),
        ("!(lazy ? true : false)", ("lazy", False)),
        ("(lazy ? late : now) == LAMP_LATE", ("(lazy ? late : now) == LAMP_LATE", True)),
        ("lazy ? 1 : 2", ("lazy ? 1 : 2", True)),
    ],
)
def test_a_test_without_its_negations(text, plain):
    assert guards.normal(text) == plain


TESTS = st.recursive(
    st.sampled_from(["a", "l->on", "is_on(l)", "n > 1", "f & LAMP_ON"]),
    lambda inner: st.one_of(
        inner.map("!({})".format),
        inner.map("({})".format),
        inner.map("unlikely({})".format),
        st.tuples(inner, inner).map("({0[0]}) && ({0[1]})".format),
        st.tuples(inner, inner).map("({0[0]}) || ({0[1]})".format),
    ),
    max_leaves=5,
)


@given(TESTS)
def test_what_is_plain_stays_and_a_negation_turns_the_sign(text):
    bare, positive = guards.normal(text)
    assert guards.normal(bare) == (bare, True)
    assert guards.normal(f"!({text})") == (bare, not positive)


def value(text, world):
    """What C makes of a test when its parts are as ``world`` says."""
    python = {"unlikely": "", "&&": " and ", "||": " or ", "!": " not "}
    python |= {part: str(answer) for part, answer in world.items()}
    parts = sorted(python, key=len, reverse=True)
    found = re.compile(
        "|".join(
            rf"(?<!\w){re.escape(part)}(?!\w)" if part == "a" else re.escape(part) for part in parts
        )
    )
    return eval(found.sub(lambda one: python[one[0]], text))  # noqa: S307  our own text, of brackets and words


PARTS = ["l->on", "is_on(l)", "n > 1", "f & LAMP_ON", "a"]


@given(TESTS, st.booleans(), st.lists(st.booleans(), min_size=5, max_size=5))
def test_all_pieces_hold_exactly_when_the_test_came_out_so(text, taken, answers):
    world = dict(zip(PARTS, answers, strict=True))
    pieces = guards.pieces(text, taken=taken)
    assert all(value(piece, world) == sign for piece, sign in pieces) == (
        value(text, world) == taken
    )


@pytest.mark.parametrize(
    ("text", "taken", "pieces"),
    [
        ("a && b", True, [("a", True), ("b", True)]),
        ("a && b", False, [("a && b", False)]),
        ("a || !b", False, [("a", False), ("b", True)]),
        ("a || b", True, [("a || b", True)]),
        ("!(a || b) && c", True, [("a", False), ("b", False), ("c", True)]),
        ("f(a, b && c)", True, [("f(a, b && c)", True)]),
        ("l->on & (A_B | C_D)", False, [("l->on & A_B", False), ("l->on & C_D", False)]),
        ("l->on & (A_B | C_D)", True, [("l->on & (A_B | C_D)", True)]),
    ],
)
def test_pieces(text, taken, pieces):
    assert guards.pieces(text, taken=taken) == pieces


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("is_lazy(inode)", "is_lazy(&bi->vfs_inode)"),
        ("lamp->lazy", "l->lazy"),
        ("lamp->lazy", "lazy"),
        ("flags & LAMP_LAZY", "l->flags & LAMP_LAZY"),
        ("atomic_dec_and_test(&l->count)", "refcount_dec_and_test(&l->ref)"),
        ("READ_ONCE(l->lazy)", "lamp->lazy"),
    ],
)
def test_one_question_asked_of_two_variables_has_one_head(one, other):
    assert guards.head(one, kernel().refcount_puts) == guards.head(other, kernel().refcount_puts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("is_lazy(l)", "is_late(l)"),
        ("l->lazy", "l->late"),
        ("flags & LAMP_LAZY", "flags & LAMP_LATE"),
        ("l->mode == LAMP_LAZY", "l->mode == LAMP_LATE"),
    ],
)
def test_two_questions_have_two_heads(one, other):
    assert guards.head(one) != guards.head(other)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("false", False),
        ("true", True),
        ("!true", False),
        ("NULL", False),
        ("0", False),
        ("0x10", True),
        ("3UL", True),
        ("NULL == NULL", True),
        ("LAMP_LAZY == LAMP_LAZY", True),
        ("LAMP_LAZY == LAMP_LATE", False),
        ("LAMP_LAZY != LAMP_LATE", True),
        ("(LAMP_LAZY | LAMP_ON) & LAMP_LAZY", True),
        ("LAMP_ON & LAMP_LAZY", False),
        ("0 & LAMP_LAZY", False),
        ("how", None),
        ("how == LAMP_LAZY", None),
        ("how & LAMP_LAZY", None),
        ("f(0)", None),
        ("0600", True),
        ("0x0UL", False),
        ("00", False),
    ],
)
def test_what_constants_come_to(text, answer):
    assert guards.evaluate(text) is answer


@pytest.mark.parametrize(
    ("text", "given", "left"),
    [
        ("lazy", {"lazy": "true"}, True),
        ("lazy", {"lazy": "false"}, False),
        ("lazy", {"lazy": "l->lazy"}, "l->lazy"),
        ("lazy", {"late": "false"}, "lazy"),
        ("l", {"l": "NULL"}, False),
        ("how == LAMP_LAZY", {"how": "LAMP_LAZY"}, True),
        ("how == LAMP_LAZY", {"how": "LAMP_LATE"}, False),
        ("how & LAMP_LAZY", {"how": "LAMP_LAZY | LAMP_ON"}, True),
        ("how & LAMP_LAZY", {"how": "LAMP_ON"}, False),
        ("how & LAMP_LAZY", {"how": "0"}, False),
        ("how & LAMP_LAZY", {"how": "how"}, "how & LAMP_LAZY"),
        ("x->how", {"how": "false"}, "x->how"),
    ],
)
def test_constants_of_a_caller_decide_and_the_rest_is_put_in_its_terms(text, given, left):
    found = guards.lifted(atom(text), given, kernel(), PLACE)
    if isinstance(left, bool):
        assert found is left
        assert guards.lifted(atom(text, positive=False), given, kernel(), PLACE) is not left
    else:
        (found,) = found
        assert found.terms == ((PLACE,) if found.text != text or given == {"how": "how"} else ())
        assert (found.text.replace("(", "").replace(")", ""), found.positive) == (left, True)


def test_a_negation_that_a_caller_passes_turns_the_sign():
    (found,) = guards.lifted(atom("sync"), {"sync": "!lazy"}, kernel(), PLACE)
    assert (found.text, found.positive, found.head) == ("lazy", False, "lazy")


@pytest.mark.parametrize(
    ("text", "taken", "asks"),
    [
        ("current->flags & PF_KTHREAD", True, True),
        ("current->flags & PF_KTHREAD", False, False),
        ("in_interrupt()", True, True),
        ("!in_interrupt() && !(current->flags & PF_KTHREAD)", False, True),
        ("in_interrupt() || current->flags & PF_KTHREAD", True, True),
        ("in_interrupt() || lazy", True, False),
        ("likely(!in_interrupt() && !(current->flags & PF_KTHREAD))", True, False),
        ("current->flags & (PF_KTHREAD | PF_WQ_WORKER)", True, True),
        ("current->flags & (PF_KTHREAD | PF_EXITING)", True, False),
        ("lazy", True, False),
    ],
)
def test_a_test_for_what_is_no_task_is_known_in_any_spelling(text, taken, asks):
    found = atoms(text, taken=taken)
    assert any(guards.asks_for_context(kernel(), one) for one in found) is asks


@pytest.mark.parametrize(
    ("text", "taken", "said"),
    [
        ("lazy", True, "lazy"),
        ("lazy", False, "!lazy"),
        ("is_on(l)", False, "!is_on(l)"),
        ("n > 1", False, "n <= 1"),
        ("a->state != LAMP_ON", False, "a->state == LAMP_ON"),
        ("look(a == b, &c) != GOOD", False, "look(a == b, &c) == GOOD"),
        ("a << 2", False, "!(a << 2)"),
        ("a->b >> c", False, "!(a->b >> c)"),
        ("x == y ? a : b", False, "!(x == y ? a : b)"),
    ],
)
def test_an_atom_is_said_as_a_maintainer_would(text, taken, said):
    assert [guards.said(one) for one in atoms(text, taken=taken)] == [said]


def test_arguments_are_put_in_for_parameters_alone():
    given = {"l": "&room->lamp", "n": "3"}
    assert guards.put_in("f(l->on, n, x->l)", given) == "f((&room->lamp)->on, 3, x->l)"
    assert guards.put_in("l", {"l": "x" * 200}) == "l"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("(0 & LAMP_LAZY) && queue(x)", False),
        ("queue(x) || true", True),
        ("!(1 && 0)", True),
        ("1 && LAMP_A == LAMP_A", True),
        ("(a || 1) && b", None),
        ("f(a, b || 1)", None),
        ("a && b", None),
    ],
)
def test_one_side_may_decide_and_all_of_them_do(text, answer):
    assert guards.evaluate(text) is answer


@pytest.mark.parametrize(
    ("text", "given", "left"),
    [
        ("lazy && !queue(x)", "true", ("queue(x)", False)),
        ("(flags & LAMP_LAZY) && queue(x)", "LAMP_LAZY", ("queue(x)", True)),
        ("flags || queue(x)", "0", ("queue(x)", True)),
        ("flags && queue(x)", "0", False),
    ],
)
def test_what_a_constant_leaves_to_the_others_is_asked_of_them(text, given, left):
    atom = Atom(text, positive=True, head=guards.head(text), path="a.c", line=1, early=False)
    found = guards.lifted(atom, {"lazy": given, "flags": given}, kernel(), PLACE)
    if not isinstance(found, bool):
        (one,) = found
        found = (one.text, one.positive)
    assert found == left


def test_tests_that_are_put_together_ask_what_each_of_them_asks():
    """``!(quick && !last)`` is no ``!last``, and has one head in either order."""
    both = guards.head("l->quick && !last")
    assert both == guards.head("!last && l->quick") != guards.head("last")
    assert both != guards.head("l->quick && last") != guards.head("l->quick || last")


@pytest.mark.parametrize(
    ("test", "parted"),
    [
        ("in_interrupt()", True),
        ("!in_task()", True),
        ("l->on && in_task()", True),
        ("(l->on || !in_interrupt())", True),
        ("!(l->on && !(current->flags & PF_KTHREAD))", True),
        ("l->on && l->lit", False),
        ("is_lit(l)", False),
    ],
)
def test_a_side_of_a_test_that_parts_tasks_from_others(test, parted):
    text, positive = guards.normal(test)
    atom = guards.Atom(text, positive, guards.head(text), "fs/lamp.c", 3)
    assert guards.parted_by_context(kernel(), atom) is parted
