"""Every fixture of fixtures/rules/, as a real mail, through the whole program."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rule_fixtures
from rule_fixtures import MODES, FixtureError, fixture_files, make, read

from patchlint.model.finding import LEVELS
from patchlint.ruleset.documentation import problems
from patchlint.ruleset.load import load

FILES = fixture_files()
RULES = load(cached=False).rules


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No fixture reads or writes the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def name(path):
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_says_what_the_fixture_expects_and_no_more(path, tmp_path):
    fixture = read(path)
    made = make(fixture, tmp_path)
    for mode in MODES:
        came = rule_fixtures.spoken(rule_fixtures.check(made, mode))
        missing, extra = rule_fixtures.differences(fixture.expected(mode), came, mode)
        surprises = [f"did not come: {rule_fixtures.say(one)}" for one in missing]
        surprises += [f"not expected: {rule_fixtures.say(one)}" for one in extra]
        assert surprises == [], f"with {mode}"
        for remark in fixture.remarks:
            if remark.missing and mode in remark.modes:
                wanted = (remark.missing["cleanup"], remark.missing["function"])
                assert wanted not in {(said.cleanup, said.function) for said in came}, (
                    f"{wanted[0]}() in {wanted[1]}() is found now with {mode}: say 'expect'"
                )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_has_two_cases_to_find_and_two_near_misses(rule):
    fixtures = [read(path) for path in FILES if path.parent.name == rule.id]
    levels = ("note",) if rule.level == "note" else rule_fixtures.LOUD
    if rule.held:  # its warnings are told as notes
        levels = LEVELS
    assert sum(one.found(levels) for one in fixtures) >= 2
    assert sum(one.near_miss for one in fixtures) >= 2


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_is_documented_in_the_fixed_outline(rule):
    assert problems(rule) == ()
    assert rule.documentation.startswith(f"# {rule.title}\n")


def test_every_folder_of_fixtures_is_a_rule():
    assert {path.parent.name for path in FILES} <= {rule.id for rule in RULES}


def test_no_two_fixtures_are_one_text_with_other_names():
    """A fixture that repeats another one's shape shows nothing new."""
    shapes = {}
    for path in FILES:
        shapes.setdefault(rule_fixtures.shape(path), []).append(name(path))
    assert [same for same in shapes.values() if len(same) > 1] == []


# -- the reader of fixtures ------------------------------------------------------------------


def written(tmp_path, text):
    path = tmp_path / "some-rule" / "case.c"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def test_marks_say_in_which_states_a_line_stands(tmp_path):
    fixture = read(
        written(
            tmp_path,
            (
                "// file: a.c -> b.c\n"
                "// quiet: nothing\n"
                "kept\n"
                "//-\tgone\n"
                "//+one\n"
                "//+2\ttwo\n"
                "//+1-2 between\n"
                "//+\n"
            ),
        )
    )
    source = fixture.sources[0]
    assert fixture.patches == 2
    assert [source.path(state) for state in range(3)] == ["a.c", "b.c", "b.c"]
    assert source.text(0) == "kept\n\tgone\n"
    assert source.text(1) == "kept\none\n between\n\n"
    assert source.text(2) == "kept\none\n\ttwo\n\n"


def test_an_expectation_speaks_of_the_line_it_stands_on_or_below(tmp_path):
    fixture = read(
        written(
            tmp_path,
            (
                "// file: a.c\n"
                "//-\told();\n"
                "//+2\tnew(); // expect: warning/error fput in f: task -> kthread by new when !x\n"
                "\tlast();\n"
                "// expect (hunks): note iput in g: unknown -> kthread patch 1 as lost-flush\n"
            ),
        )
    )
    with_tree = fixture.expected("tree")
    assert [(s.level, s.line, s.patch, s.condition) for s in with_tree] == [("error", 1, 2, "!x")]
    first, second = fixture.expected("hunks")
    assert (first.level, first.rule) == ("warning", "some-rule")
    assert (second.line, second.patch, second.rule) == (1, 1, "lost-flush")


@pytest.mark.parametrize(
    "text",
    [
        "code before a file\n// quiet: x\n",
        "// file: a.c\ncode\n",
        "// file: a.c\ncode // expect: loud fput in f: task -> kthread\n",
        "// file: a.c\ncode // expect: note fput in f: task -> kthread because\n",
        "// file: a.c\ncode // wrong: missing fput in f\n",
        "// file: a.c\n// quiet: x\ncode // expect: error fput in f: task -> kthread\n",
    ],
)
def test_a_fixture_that_cannot_be_read_says_where(tmp_path, text):
    with pytest.raises(FixtureError, match="some-rule/case"):
        read(written(tmp_path, text))


def test_hunks_may_know_less_of_the_old_context_than_a_tree(tmp_path):
    said = read(
        written(tmp_path, ("// file: a.c\nx // expect: note iput in g: task -> kthread\n"))
    ).expected("hunks")[0]
    unknown = replace(said, before="unknown")
    assert rule_fixtures.differences([said], [unknown], "hunks") == ([], [])
    assert rule_fixtures.differences([said], [unknown], "tree") == ([said], [unknown])
    other = replace(said, line=2)
    assert rule_fixtures.differences([said], [other], "hunks") == ([said], [other])
