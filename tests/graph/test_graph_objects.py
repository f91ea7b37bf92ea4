"""Which expressions name one object."""

from __future__ import annotations

import pytest
from graph_kit import PATH, function, graph
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from patchlint.graph.objects import member, refer, same, strip_expression, struct_name

LAMP = """\
struct bulb {
	struct delayed_work dwork;
	struct work_struct work;
};

struct lamp {
	struct bulb bulb;
	struct bulb *spare;
	struct work_struct work;
};

static struct work_struct lamp_work;

static void dim(struct lamp *lamp, struct bulb *other)
{
	struct work_struct local;

	use(lamp, other, &local);
}

static void glow(struct lamp *l)
{
	struct work_struct local;

	use(l, &local);
}
"""


def named(text, of="dim", path=PATH):
    built = graph({path: LAMP})
    return refer(text, function(built, of, path) if of else None, path, built.fields)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("&lamp->work", "lamp->work"),
        ("*lamp", "lamp"),
        ("(struct work_struct *)lamp->work", "lamp->work"),
        ("(void *)&(lamp->work)", "lamp->work"),
        ("((&lamp->work))", "lamp->work"),
        ("lamp->slots[nr]", "lamp->slots"),
        ("&lamp->slots[map[nr]].work", "lamp->slots.work"),
        ("(const struct bulb *) lamp", "lamp"),
        ("f(a) + (b)", "f(a) + (b)"),
    ],
)
def test_casts_addresses_parentheses_and_indices_do_not_matter(text, bare):
    assert strip_expression(text) == bare


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("const struct lamp *", "lamp"),
        ("static union u", "u"),
        ("lamp_t", "lamp_t"),
        ("", None),
        (None, None),
        ("struct", None),
    ],
)
def test_struct_name_is_the_last_word(text, name):
    assert struct_name(text) == name


def test_a_member_is_known_by_its_struct():
    found = named("&lamp->work")
    assert (found.keys, found.owner, found.plain) == ({"work"}, "lamp", False)


def test_the_work_inside_a_delayed_work_has_both_names():
    found = named("&other->dwork.work")
    assert (found.keys, found.owner) == ({"dwork", "work"}, "bulb")


def test_types_are_followed_through_struct_fields():
    assert named("&lamp->spare->work").owner == "bulb"
    assert named("&lamp->bulb.work").keys == {"bulb", "work"}


def test_a_member_of_a_struct_inside_of_another_is_that_of_the_inner_one_too():
    assert same(named("&lamp->bulb.work"), named("&other->work"), {})
    assert same(named("&lamp->bulb.work"), member("lamp", "bulb.work", PATH), {})
    # the work inside of a delayed work is of no struct that an image defines
    assert not same(named("&lamp->bulb.work"), named("&other->dwork.work"), {})
    assert not same(named("&lamp->work"), named("&other->work"), {})


def test_an_unknown_variable_leaves_the_owner_open():
    found = named("&who->work")
    assert (found.keys, found.owner) == ({"work"}, None)


def test_the_tail_of_a_call_is_a_member():
    assert named("&to_lamp(dev)->work").keys == {"work"}


@pytest.mark.parametrize("text", ["", "a + b", "NULL ? a : b(c)", "0"])
def test_an_expression_that_names_nothing_is_none(text):
    assert named(text) is None


def test_an_accessor_that_nobody_shows_gives_one_object_wherever_it_is_called():
    assert same(named("the_lamp()"), named("the_lamp()", "glow"), {})
    assert not same(named("the_lamp()"), named("the_bulb()"), {})
    assert not same(named("the_lamp()"), named("the_lamp", None), {})


def test_two_functions_name_one_member_by_different_variables():
    assert same(named("&lamp->work"), named("&l->work", "glow"), {})


def test_equal_members_of_two_structs_differ():
    assert not same(named("&lamp->work"), named("&other->work"), {})


def test_containers_name_the_member_as_variables_do():
    assert same(member("lamp", "work", PATH), named("&lamp->work"), {})
    assert not same(member("bulb", "work", PATH), named("&lamp->work"), {})
    assert same(member("bulb", "dwork.work", PATH), named("&other->dwork"), {})


def test_a_local_is_the_same_only_inside_its_function():
    assert named("&local").local
    assert same(named("&local"), named("&local"), {})
    assert not same(named("&local"), named("&local", "glow"), {})


def test_a_variable_of_the_file_is_the_same_in_all_functions_and_without_one():
    assert same(named("&lamp_work"), named("&lamp_work", "glow"), {})
    assert same(named("&lamp_work"), named("lamp_work", None), {})


def test_a_variable_is_no_member():
    assert not same(named("work", None), named("&lamp->work"), {})


def test_an_unknown_owner_matches_in_its_file_and_elsewhere_only_when_bound_once():
    here, there = named("&lamp->work"), named("&who->work", path="fs/other.c")
    assert same(here, named("&who->work"), {})
    assert not same(here, there, {})
    assert same(here, there, {}, {"work": 1})
    assert not same(here, there, {}, {"work": 2})


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("&lamp->rx.done", "&who->tx.done", False),
        ("&lamp->rx.done", "&who->rx.done", True),
        ("&lamp->dwork.work", "&who->dwork", True),
        ("&lamp->dwork.work", "&who->work", True),
        ("&lamp->bulb.dwork.work", "&who->dwork.work", True),
        ("&lamp->bulb.dwork.work", "&who->bulb.dwork", True),
        ("&lamp->bulb.rx.done", "&who->bulb.tx.done", False),
    ],
)
def test_members_in_members_are_told_apart_by_all_of_them(one, other, alike):
    assert same(named(one), named(other), {}) is alike


NAMES = st.sampled_from(["lamp", "l", "other", "who", "work", "bulb", "dwork", "local"])
PATHS = st.builds(
    lambda names, joints: "".join(n + j for n, j in zip(names, [*joints, ""], strict=False)),
    st.lists(NAMES, min_size=1, max_size=4),
    st.lists(st.sampled_from(["->", "."]), min_size=3, max_size=3),
).map(lambda text: text.rstrip(".->"))


@given(PATHS, PATHS)
def test_same_does_not_depend_on_the_order(one, other):
    first, second = named(one), named(other, "glow")
    assert same(first, second, {}) == same(second, first, {})
    assert same(first, first, {})


@given(st.text(alphabet="&*()[].->, abc_0", max_size=20))
def test_any_text_is_stripped_to_something_that_stays(text):
    bare = strip_expression(text)
    assert strip_expression(bare) == bare
    assert refer(text, None, PATH, {}) is None or refer(bare, None, PATH, {}) is not None


def test_a_struct_of_a_source_file_is_known_in_that_file_alone():
    here, there = member("lamp", "work", PATH), member("lamp", "work", "fs/glow.c")
    assert same(here, there, {})
    assert not same(here, there, {"lamp": {PATH}})
    assert same(here, member("lamp", "work", PATH), {"lamp": {PATH}})
    # whose the member is there nobody sees, but not whose it is here
    unknown = replace(there, owner=None)
    assert same(here, unknown, {}, {"work": 1})
    assert not same(here, unknown, {"lamp": {PATH}}, {"work": 1})
