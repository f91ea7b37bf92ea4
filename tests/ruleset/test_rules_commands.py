"""``patchlint rules`` and ``patchlint explain``."""

from __future__ import annotations

import json

import pytest

from patchlint.cli.main import main
from patchlint.model.kernel import Rule
from patchlint.ruleset.documentation import OUTLINE, problems

DOCUMENT = """\
# A lamp is put out late

## What it finds
x
## Why it matters
x
## The promise, before and after
x
## Example
```c
## no heading
```
## What to do instead
x
## What it misses, and when it is wrong
x
## References
x
"""


def rule(documentation):
    return Rule("lamp-late", "t", ("device",), (), None, "warning", (), (), documentation)


def test_rules_are_listed_with_level_and_family(capsys):
    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(line for line in lines if line.startswith("mount-put-deferred "))
    assert first.split()[1:3] == ["warning", "mount"]
    assert len({line.index(line.split()[1]) for line in lines}) == 1


def test_rules_as_json_are_complete(capsys, shipped):
    assert main(["rules", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in listed] == [one.id for one in shipped.rules]
    assert {"title", "level", "shape", "families", "symptoms", "advice"} <= set(listed[0])


def test_a_broken_rule_is_said_on_standard_error(tmp_path, capsys):
    (tmp_path / "lamp.toml").write_text("titel = 'x'\n")
    for command in (["rules"], ["explain", "mntput"]):
        assert main([*command, "--rules", str(tmp_path)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert f"{tmp_path}/lamp.toml:1: unknown key 'titel'" in said.err
        assert "Traceback" not in said.err


def test_explain_prints_the_documentation(tmp_path, capsys):
    (tmp_path / "lamp-late.toml").write_text('title = "t"\nlevel = "note"\nfamilies = ["device"]\n')
    (tmp_path / "lamp-late.md").write_text(DOCUMENT)
    assert main(["explain", "lamp-late", "--rules", str(tmp_path)]) == 0
    assert capsys.readouterr().out == DOCUMENT


def test_explain_of_a_rule_without_documentation(tmp_path, capsys):
    (tmp_path / "lamp-late.toml").write_text(
        'title = "a lamp"\nlevel = "note"\nfamilies = ["device"]\nadvice = ["snuff it"]\n'
    )
    assert main(["explain", "lamp-late", "--rules", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "lamp-late: a lamp (note)\n  instead: snuff it\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "fput",
            "in a task done before return to user space; in a kernel thread or work item done",
        ),
        ("del_gendisk", "done when the call returns, wherever it runs"),
        ("fput()", "family file"),
        ("mmput_async", "mmput_async() does what mmput() does"),
        ("mmput", "mmput_async() does what mmput() does"),
        ("call_rcu", "binds a callback and starts it; the callback runs in rcu-callback"),
        ("INIT_WORK", "binds a callback; the callback runs in workqueue"),
        ("queue_work", "starts a bound callback, which runs in workqueue"),
        ("task_work_add", "keeps the promise for the current task"),
        ("cancel_work_sync", "does not restore the promise: drops a pending item"),
        ("kref_put", "runs in its caller's context"),
        ("llist_add", "puts an item on a list"),
        ("put_net", "defers itself in any context"),
        ("kfree", "user space does not see when it is late"),
        ("bdev_fput", "since 6.9"),
        ("umount", "system call umount2(2); can end: mount"),
        ("close_range", "can end: all that hangs on it"),
    ],
)
def test_explain_tells_what_is_known_of_a_function(name, said, capsys):
    assert main(["explain", name]) == 0
    out = capsys.readouterr().out
    assert said in out
    assert out.startswith(f"{name.removesuffix('()')}()\n")


def test_explain_says_on_which_running_kernels_a_row_was_watched(tmp_path, capsys):
    (tmp_path / "kernel" / "cleanups").mkdir(parents=True)
    (tmp_path / "kernel" / "cleanups" / "lamp.toml").write_text(
        'family = "device"\n[[cleanup]]\nname = "lamp_put"\nkind = "sync"\n'
        'releases = "a lamp"\nfile = "a.c"\nevidence = "a.c:1"\n'
        'final = ["lamp_out", "lamp_off"]\nprobe = "close_lamp"\nseen = ["6.1.192", "6.12.117"]\n'
    )
    assert main(["explain", "lamp_put", "--rules", str(tmp_path)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "  seen on 6.1.192, 6.12.117: done in lamp_out() or lamp_off()"


def test_explain_of_a_typo_offers_the_nearest_name(capsys):
    assert main(["explain", "mount-put-defered"]) == 2
    assert "did you mean 'mount-put-deferred'?" in capsys.readouterr().err
    assert main(["explain", "zzzzzz"]) == 2
    assert "see patchlint rules" in capsys.readouterr().err


def test_a_whole_documentation_has_no_problem():
    assert problems(rule(DOCUMENT)) == ()


@pytest.mark.parametrize("word", OUTLINE)
def test_each_part_of_the_outline_is_asked_for(word):
    lines = [
        line
        for line in DOCUMENT.splitlines()
        if not (line.startswith("## ") and word in line.lower())
    ]
    assert problems(rule("\n".join(lines))) == (f"lamp-late: no heading says '{word}'",)


def test_order_title_and_emptiness_of_the_documentation():
    assert problems(rule("")) == ("lamp-late: there is no lamp-late.md beside lamp-late.toml",)
    swapped = (
        DOCUMENT.replace("What it finds", "Z")
        .replace("References", "What it finds")
        .replace("Z", "References")
    )
    assert any("order" in one for one in problems(rule(swapped)))
    empty = DOCUMENT.replace("## References\nx\n", "## References\n")
    assert problems(rule(empty)) == ("lamp-late: nothing stands under 'references'",)
    untitled = DOCUMENT.removeprefix("# A lamp is put out late\n\n")
    assert problems(rule(untitled)) == ("lamp-late: the documentation does not begin with a title",)


def test_check_names_the_rules_that_lack_documentation(tmp_path, capsys):
    (tmp_path / "lamp-late.toml").write_text('title = "t"\nlevel = "note"\nfamilies = ["device"]\n')
    assert main(["rules", "--check", "--rules", str(tmp_path)]) == 1
    assert "there is no lamp-late.md" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [["rules"], ["explain", "fput"], ["facts", "x.c"], ["graph", "f", "--tree", "."]]
)
def test_rules_of_the_environment_are_known_as_a_check_knows_them(
    tmp_path, capsys, monkeypatch, command
):
    monkeypatch.setenv("PATCHLINT_RULES", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.c").write_text("int a;\n")
    assert main(command) == 2
    assert "none: no such folder of rules" in capsys.readouterr().err


def test_a_rule_of_the_environment_is_listed(tmp_path, capsys, monkeypatch):
    (tmp_path / "lamp-late.toml").write_text('title = "t"\nlevel = "note"\nfamilies = ["device"]\n')
    assert main(["rules", "--rules", str(tmp_path)]) == 0
    given = capsys.readouterr()
    assert "lamp-late" in given.out
    monkeypatch.setenv("PATCHLINT_RULES", str(tmp_path))
    assert main(["rules"]) == 0
    assert capsys.readouterr() == given
