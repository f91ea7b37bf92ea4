from __future__ import annotations

import json
import os
import sys

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from integration_kit import PROGRAM
from mcp import Client, StdioServerParameters, stdio_client

from patchlint.cli import main
from patchlint.integrations import desk


def talk(repo, questions, *options):
    """Ask a server of its own, over stdio with the SDK's client; what it says to each."""
    command, *arguments = PROGRAM
    where = options or ("--tree", str(repo.repo))
    started = StdioServerParameters(
        command=command,
        args=[*arguments, "mcp", *where],
        env=dict(os.environ),
        cwd=str(repo.root),
    )

    async def conversation():
        async with Client(stdio_client(started)) as client:
            tools = (await client.list_tools()).tools
            answers = [await client.call_tool(name, said) for name, said in questions]
            return client.instructions, tools, answers

    return anyio.run(conversation)


def ask(repo, tool, /, *options, **said):
    _, _, (answer,) = talk(repo, [(tool, said)], *options)
    text = "".join(part.text for part in answer.content)
    assert "Traceback" not in text
    return answer.is_error, text, answer.structured_content


def told(repo, tool, /, *options, **said):
    failed, text, value = ask(repo, tool, *options, **said)
    assert not failed, text
    assert json.loads(text) == value
    return value


def test_the_tools_say_what_they_do_and_that_they_only_read(repo):
    instructions, tools, _ = talk(repo, [])
    assert "check_patch" in instructions
    assert [tool.name for tool in tools] == [
        "check_patch",
        "contexts_of",
        "effects_of",
        "callers",
        "explain",
    ]
    for tool in tools:
        assert tool.description
        assert tool.annotations.read_only_hint
        assert not tool.annotations.open_world_hint
        assert all("description" in one for one in tool.input_schema["properties"].values())


def test_a_series_is_checked_on_the_tree(repo):
    repo.git("checkout", "-q", "master")
    value = told(repo, "check_patch", patch=repo.mbox().decode())
    (finding,) = value["findings"]
    assert finding["rule"] == "mount-put-deferred"
    assert finding["after"]["context"] == "workqueue"
    assert [entry["name"] for entry in finding["entry_points"]] == ["detach_tree"]
    assert value["left_out"] == 0


def test_a_diff_alone_is_checked_on_its_hunks(repo):
    diff = repo.git("diff", "master..topic")
    value = told(repo, "check_patch", "--no-tree", patch=diff)
    assert [finding["rule"] for finding in value["findings"]] == ["mount-put-deferred"]
    assert value["series"][0]["tree"] is None


def test_only_the_rules_that_are_asked_for(repo):
    patch = repo.mbox().decode()
    assert not told(repo, "check_patch", patch=patch, rules=["file-put-deferred"])["findings"]
    failed, said, _ = ask(repo, "check_patch", patch=patch, rules=["mount-put"])
    assert failed
    assert "no rule 'mount-put'" in said


def test_contexts_effects_and_callers_of_a_function(repo):
    _, _, answers = talk(
        repo,
        [
            ("contexts_of", {"function": "drop_tree()"}),
            ("effects_of", {"function": "detach_one"}),
            ("callers", {"function": "drop_tree", "path": "fs/mounts.c"}),
            ("callers", {"function": "drop_tree_work"}),
        ],
    )
    contexts, effects, callers, address = (answer.structured_content for answer in answers)
    assert contexts["path"] == "fs/mounts.c"
    assert [(c["context"], c["entry"], c["kind"]) for c in contexts["contexts"]] == [
        ("task", "detach_tree", "syscall")
    ]
    assert contexts["contexts"][0]["chain"][-1] == "drop_tree"
    assert contexts["complete"] is True
    assert "workqueue" in json.dumps(effects)
    (caller,) = callers["tree"]["branches"]
    assert caller["name"] == "detach_one"
    assert caller["note"].startswith("fs/mounts.c:")
    (use,) = address["tree"]["branches"]
    assert use["name"] == "drop_tree"
    assert "address taken: argument 2 of INIT_WORK()" in use["note"]


def test_a_rule_and_a_function_are_explained(repo):
    questions = [("explain", {"name": name}) for name in ("mount-put-deferred", "mntput()")]
    _, _, (rule, function) = talk(repo, questions)
    assert rule.content[0].text.startswith("# ")
    assert "family mount" in function.content[0].text


REFUSED = [
    ("contexts_of", {"function": "no_such_function"}, "not in"),
    ("effects_of", {"function": "-x"}, "not the name of a function"),
    ("callers", {"function": "a;b"}, "not the name of a function"),
    ("callers", {"function": "drop_tree", "path": "../../etc/passwd"}, "not a path"),
    ("callers", {"function": "drop_tree", "path": "/etc/passwd"}, "not a path"),
    ("explain", {"name": "mntputt"}, "did you mean 'mntput'?"),
    ("explain", {"name": "--rules=/tmp"}, "not the name"),
    ("check_patch", {"patch": "Hello."}, "patch"),
    ("check_patch", {"patch": "x" * ((2 << 20) + 1)}, "longer than"),
    ("check_patch", {"patch": "x", "rules": ["--rules"]}, "not the name of a rule"),
    ("check_patch", {}, "patch"),
]


def test_what_has_no_answer_is_an_error_with_its_reason(repo):
    _, _, answers = talk(repo, [(tool, said) for tool, said, _ in REFUSED])
    for (tool, said, why), answer in zip(REFUSED, answers, strict=True):
        text = "".join(part.text for part in answer.content)
        assert answer.is_error, (tool, said)
        assert why in text
        assert "Traceback" not in text
        assert len(text) < 1000


def test_nothing_of_the_tree_changes(repo):
    def state():
        return {
            path: (path.stat().st_mtime_ns, path.stat().st_size)
            for path in repo.repo.rglob("*")
            if path.is_file()
        }

    before = state()
    talk(
        repo,
        [
            ("check_patch", {"patch": repo.mbox().decode()}),
            ("contexts_of", {"function": "drop_tree"}),
            ("effects_of", {"function": "detach_one"}),
            ("callers", {"function": "drop_tree"}),
        ],
    )
    assert state() == before


def test_without_a_tree_questions_to_it_say_so(repo):
    failed, text, _ = ask(repo, "callers", "--no-tree", function="drop_tree")
    assert failed
    assert "without a tree" in text


def test_a_question_that_takes_too_long_is_given_up(repo):
    failed, text, _ = ask(
        repo, "explain", "--tree", str(repo.repo), "--timeout", "0.001", name="mntput"
    )
    assert failed
    assert "no answer within 0.001 s" in text


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--tree", "nowhere"], "nowhere"),
        ([], "which tree?"),
        (["--timeout", "nan"], "not a number"),
        (["--timeout", "-1"], ""),
    ],
)
def test_a_server_that_cannot_start_says_why(kit, options, why):
    _, err = kit.call(*PROGRAM, "mcp", *options, cwd=kit.root, status=2)
    assert why in err


def test_without_the_sdk_it_says_what_to_install(repo, monkeypatch, capsys):
    for name in [one for one in sys.modules if one.startswith("patchlint.integrations.mcp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    assert main.main(["mcp", "--tree", str(repo.repo)]) == 2
    assert "pip install 'patchlint[mcp]'" in capsys.readouterr().err


names = st.text() | st.from_regex(r"[-./\w]{0,20}", fullmatch=True)


@given(names, st.sampled_from(["function", "rule"]))
def test_a_name_is_one_of_c_or_of_a_rule_and_no_option(text, what):
    try:
        name = desk._name(text, what)
    except desk.Refused:
        return
    assert name.isascii()
    assert not name.startswith("-")
    assert name.isidentifier() or (what == "rule" and name.replace("-", "_").isidentifier())


@given(names)
def test_a_path_stays_in_the_tree(text):
    try:
        path = desk._inside(text)
    except desk.Refused:
        return
    first = os.path.normpath(path).partition("/")[0]
    assert first not in {"..", ""}
    assert not first.startswith("-")


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=60)), max_size=40))
def test_an_answer_fits_and_says_what_was_left_out(findings):
    answer = desk._fitting({"schema": "x", "findings": findings}, "findings", 500)
    kept = answer["findings"]
    assert kept == findings[: len(kept)]
    assert answer["left_out"] == len(findings) - len(kept)
    assert len(json.dumps(kept)) <= 500


def branch(branches):
    return st.builds(
        lambda name, below: {"name": name, "note": "", "branches": below},
        st.text(max_size=9),
        st.lists(branches, max_size=4),
    )


leaves = st.just({"name": "f", "note": "", "branches": []})


@given(st.recursive(leaves, branch, max_leaves=60))
def test_a_tree_loses_its_lower_branches_first(tree):
    def functions(one):
        below = sum(functions(child) for child in one["branches"])
        return 1 + below

    shown = desk._shallow({"tree": tree}, 800)["tree"]
    assert functions(shown) <= functions(tree)
    if functions(shown) < functions(tree):
        assert "left_out" in json.dumps(shown)
    assert shown["name"] == tree["name"]
