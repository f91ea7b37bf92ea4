"""Whole-tree questions have answers that follow linkage, as far as names can tell."""

from __future__ import annotations

import pytest
from small_tree import MACROS, folder_tree

from patchlint.index import lean
from patchlint.index.facts import Facts, reachable
from patchlint.index.search import Search
from patchlint.model.tree import MANY_MEMBER_CALLS


@pytest.fixture
def facts(tmp_path):
    tree = folder_tree(tmp_path)
    return Facts(tree, Search(tree, lean.words(MACROS)), MACROS)


def sites(found):
    return [(one.function, one.path, one.line) for one in found]


def test_callers_of_a_global_function(facts):
    assert sites(facts.callers("thing_put", "fs/thing.c")) == [
        ("arch_thing", "arch/one/a.c", 3),
        ("always", "fs/thing.c", 25),
        ("user_release", "fs/user.c", 7),
        ("thing_drop", "include/linux/thing.h", 6),
        ("thing_release", "include/linux/thing.h", 8),
        ("thing_done", "include/linux/thing.h", 3),
    ]
    kinds = {one.function: (one.kind, one.static) for one in facts.callers("thing_put")}
    assert kinds["thing_drop"] == ("macro", False)
    assert kinds["thing_done"] == ("function", True)


def test_callers_of_a_static_function_stay_in_its_file(facts):
    assert sites(facts.callers("thing_put", "fs/twin.c")) == [("twin", "fs/twin.c", 8)]
    assert [one.path for one in facts.address_taken("thing_put", "fs/twin.c")] == []


def test_callers_of_any_function_of_that_name(facts):
    paths = [one.path for one in facts.callers("thing_put")]
    assert "fs/twin.c" in paths
    assert "tools/test.c" in paths


def test_a_system_call_is_a_caller_by_its_own_name(facts):
    (first, _) = facts.callers("do_thing", "fs/thing.c")
    assert (first.function, first.kind) == ("thing", "syscall")


def test_calls_through_a_member_are_asked_for_apart(facts):
    assert sites(facts.member_calls("put")) == [("do_thing", "fs/thing.c", 55)]
    assert facts.callers("put") == ()


def test_architectures_and_tools_do_not_reach_each_other(facts):
    assert sites(facts.callers("arch_thing", "arch/two/a.c")) == [("two", "arch/two/a.c", 6)]
    assert facts.callers("arch_thing", "arch/one/a.c") == ()
    assert reachable("fs/a.c", "arch/x/a.c")
    assert not reachable("tools/a.c", "fs/a.c")
    assert reachable("tools/a.c", "tools/b.c")


def test_where_an_address_is_taken(facts):
    found = facts.address_taken("user_release", "fs/user.c")
    assert [(one.kind, one.line, one.function) for one in found] == [
        ("initializer", 16, ""),
        ("argument", 26, ""),
    ]
    assert (found[0].struct, found[0].variable, found[0].member) == (
        "struct file_operations",
        "user_fops",
        "release",
    )
    assert (found[1].callee, found[1].argument) == ("DECLARE_WORK", 1)
    (work,) = facts.address_taken("free_thing")
    assert (work.function, work.callee, work.argument) == ("thing_put", "INIT_WORK", 1)


def test_definitions_of_a_name(facts):
    found = facts.definitions("thing_put")
    assert [(one.path, one.static) for one in found] == [("fs/thing.c", False), ("fs/twin.c", True)]
    assert facts.definitions("none") == ()


def test_the_definition_that_a_file_means(facts):
    assert facts.definition("thing_put", "fs/user.c").path == "fs/thing.c"
    assert facts.definition("thing_put", "fs/twin.c").path == "fs/twin.c"
    assert facts.definition("thing_free", "fs/thing.c") is None
    assert [call.callee for call in facts.definition("thing_drop").calls] == ["thing_put"]
    assert facts.definition("none") is None


def test_full_facts_of_one_function(facts):
    function = facts.definition("do_thing", "fs/thing.c")
    assert function is not None
    assert (function.name, function.path, function.line, function.static) == (
        "do_thing", "fs/thing.c", 48, True,
    )  # fmt: skip
    assert [call.callee for call in function.calls] == ["thing_release", "put"]
    assert facts.function("fs/thing.c", 12).calls[1].conditions[0].text == "thing->count == 0"
    assert facts.function("fs/thing.c", 1) is None
    assert facts.function("fs/none.c", 1) is None


def test_one_search_serves_many_names(facts, monkeypatch):
    asked = []
    search = facts.tree.files_with

    def files_with(_, wanted, folder):
        asked.append((*wanted, folder))
        return search(wanted, folder)

    monkeypatch.setattr(type(facts.tree), "files_with", files_with)
    facts.prepare(["thing_put", "do_thing", "twin"])
    facts.callers("thing_put")
    facts.address_taken("do_thing")
    facts.definition("twin")
    facts.prepare(["twin"])
    assert asked == [(("do_thing", "thing_put", "twin"), (), (), None)]


BESIDE = {
    "fs/a/user.c": b"void user(void)\n{\n\tbeside();\n\tstub();\n\tshape();\n\tfar();\n}\n",
    "fs/a/own.c": b"void beside(void)\n{\n\tiput(i);\n}\n\nstatic void far(void)\n{\n}\n",
    "fs/a/own.h": b"static inline void stub(void) { }\n#define shape() iput(i)\n",
    "fs/b/other.c": b"void beside(void)\n{\n}\n\nvoid far(void)\n{\n}\n",
    "lib/real.c": b"void stub(void)\n{\n\tiput(i);\n}\n\nvoid shape(void)\n{\n}\n",
}


def test_what_is_defined_beside_its_use_needs_no_search_of_the_tree(tmp_path, monkeypatch):
    tree = folder_tree(tmp_path / "tree", BESIDE)
    facts = Facts(tree, Search(tree, lean.words(MACROS)), MACROS)
    asked = []
    search = tree.files_with

    def files_with(_, wanted, folder):
        asked.append((wanted.defined, folder))
        return search(wanted, folder)

    monkeypatch.setattr(type(tree), "files_with", files_with)
    names = ("beside", "stub", "shape", "far")
    facts.prepare_definitions((name, "fs/a/user.c") for name in names)
    found = [facts.definition(name, "fs/a/user.c") for name in names]
    assert [one.path for one in found] == ["fs/a/own.c", "lib/real.c", "lib/real.c", "fs/b/other.c"]
    # a stub, a macro and another file's static function may have something nearer elsewhere
    assert asked == [
        (("beside", "far", "shape", "stub"), "fs/a"),
        (("far", "shape", "stub"), None),
    ]


def test_of_a_member_called_everywhere_enough_calls_are_told(tmp_path):
    calls = b"void user(struct ops *ops)\n{\n" + b"\tops->go();\n" * 5 + b"}\n"
    tree = folder_tree(tmp_path / "tree", {f"fs/f{number}.c": calls for number in range(40)})
    facts = Facts(tree, Search(tree, lean.words(MACROS)), MACROS)
    facts.prepare(["user"], ["go"])
    assert MANY_MEMBER_CALLS < len(facts.member_calls("go")) < 5 * 40
    assert len(facts.definitions("user")) == 40


def test_a_static_function_needs_no_search(facts, monkeypatch):
    (caller, _) = facts.callers("do_thing", "fs/thing.c")
    facts.callers("thing_put", "fs/thing.c")
    monkeypatch.setattr(type(facts.tree), "files_with", None)
    facts.prepare([caller.function, "user_release"])
    assert [one.line for one in facts.address_taken("user_release", "fs/user.c")] == [16, 26]
    assert [one.path for one in facts.definitions("thing_put", "fs/twin.c")] == ["fs/twin.c"]
