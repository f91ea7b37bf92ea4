"""The commands: how they are found, helped with, and what the small ones print."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from series_kit import DIRECT, QUEUED, mails, mbox

from patchlint import __version__
from patchlint.cli.main import COMMANDS, main
from patchlint.model.problem import TIME, Limitation
from patchlint.run import Options, check

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def run(capsys):
    def command(*arguments):
        status = main([str(one) for one in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


# -- finding a command ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "meant"), [("chekc", "check"), ("rule", "rules"), ("explian", "explain")]
)
def test_a_command_that_is_not_there_gets_a_hint(run, wrong, meant):
    status, out, err = run(wrong)
    assert (status, out) == (2, "")
    assert err == (
        f"patchlint: no command '{wrong}'; did you mean '{meant}'? (see patchlint --help)\n"
    )


def test_nothing_near_gets_none(run):
    assert "did you mean" not in run("xyzzy")[2]


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(run, flag):
    assert run(flag) == (0, f"patchlint {__version__}\n", "")


def test_help_lists_every_command(run):
    status, out, _err = run("--help")
    assert status == 0
    assert all(f"\n  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize(
    "command",
    [*([name] for name in COMMANDS), *(["hook", n] for n in ("run", "install", "remove"))],
)
def test_help_tells_the_exit_status(run, command):
    status, out, _err = run(*command, "--help")
    assert status == 0
    assert "exit status: 0" in out


@pytest.mark.parametrize("name", ["check", "config"])
def test_help_of_a_command_is_its_help(run, name):
    assert run("help", name) == run(name, "--help")
    assert run("help", "xyzzy") == run("help")


def test_an_option_before_the_command_is_no_command(run):
    status, out, err = run("--quiet", "check", "series.mbox")
    assert (status, out) == (2, "")
    assert err.startswith("patchlint: --quiet: options stand behind the command")


def test_no_arguments_is_usage(run):
    status, out, err = run()
    assert (status, out) == (2, "")
    assert "usage: patchlint" in err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(run, name):
    status, out, err = run(name, "--help")
    assert (status, err) == (0, "")
    assert "example" in out
    assert f"  patchlint {name} " in out or f"  patchlint {name}\n" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_usage(run, name):
    status, _out, err = run(name, "--no-such-option")
    assert status == 2
    assert "Traceback" not in err


# -- compare -------------------------------------------------------------------------------

OTHER = [
    text.replace("lamp_close", "bulb_close").replace("lamp_gone", "bulb_gone")
    for text in (DIRECT, QUEUED)
]


@pytest.fixture
def version(tmp_path):
    """A series with the given losses, in one file each."""

    def write(number, **lost):
        before = {"fs/lamp.c": DIRECT, "fs/bulb.c": OTHER[0]}
        after = {
            "fs/lamp.c": QUEUED if lost["lamp"] else DIRECT + "\nint lamps;\n",
            "fs/bulb.c": OTHER[1] if lost["bulb"] else OTHER[0] + "\nint bulbs;\n",
        }
        path = tmp_path / f"v{number}.mbox"
        path.write_text(mbox(mails(before, after, version=number)), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ({"lamp": True, "bulb": False}, {"lamp": False, "bulb": False}, (1, 0, 0)),
        ({"lamp": True, "bulb": False}, {"lamp": True, "bulb": False}, (0, 1, 0)),
        ({"lamp": False, "bulb": False}, {"lamp": True, "bulb": False}, (0, 0, 1)),
        ({"lamp": True, "bulb": False}, {"lamp": False, "bulb": True}, (1, 0, 1)),
        ({"lamp": True, "bulb": True}, {"lamp": True, "bulb": False}, (1, 1, 0)),
    ],
)
def test_versions_are_compared(run, version, old, new, counts):
    pair = (version(1, **old), version(2, **new))
    fixed, kept, more = counts
    status = 1 if more else 0
    found, out, err = run("compare", "--no-tree", *pair)
    assert (found, err) == (status, "")
    assert out.endswith(f"{fixed} fixed, {kept} kept, {more} new\n")
    words = [line.split()[0] for line in out.splitlines()[:-1]]
    assert words == ["fixed"] * fixed + ["kept"] * kept + ["new"] * more
    found, out, _err = run("compare", "--no-tree", "--format", "json", *pair)
    told = json.loads(out)
    assert (found, [len(told[word]) for word in ("fixed", "kept", "new")]) == (status, [*counts])


def _written(folder, number, path, text, *, before=DIRECT):
    place = folder / f"v{number}.mbox"
    states = ({path: before}, {path: text})
    place.write_text(mbox(mails(*states, version=number)), encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("fs/lamp.c", ("lamp_gone", "lamp_reaper")),
        ("fs/lamp.c", ("schedule_work(&lamp->work)", "queue_work(lamp_wq, &lamp->work)")),
        ("fs/lamp.c", ("&lamp->work", "&lamp->reap")),
        ("fs/light.c", ("lamp_gone", "lamp_gone")),
        ("fs/light.c", ("lamp_gone", "lamp_reaper")),
    ],
    ids=["worker", "queueing call", "work item", "file", "both"],
)
def test_what_got_another_name_is_kept(run, tmp_path, path, change):
    old = _written(tmp_path, 1, "fs/lamp.c", QUEUED)
    new = _written(tmp_path, 2, path, QUEUED.replace(*change))
    status, out, _err = run("compare", "--no-tree", old, new)
    assert (status, out.splitlines()[-1]) == (0, "0 fixed, 1 kept, 0 new")


def test_a_finding_whose_function_got_another_name_is_kept(run, tmp_path):
    old = _written(tmp_path, 1, "fs/lamp.c", QUEUED)
    texts = [text.replace("lamp_close", "lamp_shut") for text in (DIRECT, QUEUED)]
    new = _written(tmp_path, 2, "fs/lamp.c", texts[1], before=texts[0])
    status, out, _err = run("compare", "--no-tree", old, new)
    assert (status, out.splitlines()[-1]) == (0, "0 fixed, 1 kept, 0 new")


def test_files_that_both_versions_change_are_not_each_other(run, tmp_path):
    both = {"fs/lamp.c": DIRECT, "fs/bulb.c": DIRECT}
    tidy = DIRECT + "\nint lamps;\n"
    for number, after in enumerate(((QUEUED, tidy), (tidy, QUEUED)), 1):
        states = (both, dict(zip(both, after, strict=True)))
        text = mbox(mails(*states, version=number))
        (tmp_path / f"v{number}.mbox").write_text(text, encoding="utf-8")
    status, out, _err = run("compare", "--no-tree", tmp_path / "v1.mbox", tmp_path / "v2.mbox")
    assert (status, out.splitlines()[-1]) == (1, "1 fixed, 0 kept, 1 new")


def marks_lost(text):
    """A mail whose diff no longer says what came and what went."""
    head, at, rest = text.partition("diff --git")
    lines = (at + rest).splitlines(keepends=True)
    hurt = [
        " " + line[1:] if line[:1] in {"+", "-"} and line[1:2] not in {"+", "-"} else line
        for line in lines
    ]
    return head + "".join(hurt)


def cut_short(text):
    """A mail that ends in the midst of its first hunk."""
    return text[: text.index(" void lamp_close")]


def apart(lamp):
    """The two files of ``version`` in a patch each; the first has a loss or none."""
    first = {"fs/lamp.c": DIRECT, "fs/bulb.c": OTHER[0]}
    second = first | {"fs/lamp.c": QUEUED if lamp else DIRECT + "\nint lamps;\n"}
    return mails(first, second, second | {"fs/bulb.c": OTHER[0] + "\nint bulbs;\n"}, version=2)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (lambda: [marks_lost(apart(lamp=True)[0]), apart(lamp=True)[1]], "marks are lost"),
        (lambda: [cut_short(apart(lamp=True)[0]), apart(lamp=True)[1]], "but has"),
        (lambda: apart(lamp=False)[1:], "1 patch not in the input"),
    ],
    ids=["unread", "cut", "missing"],
)
def test_what_the_new_version_does_not_show_is_not_fixed(run, version, tmp_path, new, why):
    (tmp_path / "v2.mbox").write_text(mbox(new()), encoding="utf-8")
    pair = (version(1, lamp=True, bulb=False), tmp_path / "v2.mbox")
    status, out, _err = run("compare", "--no-tree", *pair)
    assert status == 2
    told, reason, summary = out.splitlines()
    assert told.startswith("unknown fs/lamp.c:")
    assert reason.startswith(f"not known of {tmp_path / 'v2.mbox'}: ")
    assert why in reason
    assert summary == "0 fixed, 0 kept, 0 new, 1 unknown"
    status, out, _err = run("compare", "--no-tree", "--format", "json", *pair)
    one = json.loads(out)
    assert (status, one["fixed"], len(one["unknown"])) == (2, [], 1)
    assert why in "".join(one["unknown"][0]["why"])


def test_what_is_lost_of_another_file_leaves_what_is_fixed(run, version, tmp_path):
    first, second = apart(lamp=False)
    broken = second.replace("+int bulbs;\n", "")
    (tmp_path / "v2.mbox").write_text(mbox([first, broken]), encoding="utf-8")
    pair = (version(1, lamp=True, bulb=False), tmp_path / "v2.mbox")
    status, out, err = run("compare", "--no-tree", *pair)
    # what it brought is not known
    assert (status, out.splitlines()[-1]) == (2, "1 fixed, 0 kept, 0 new")
    assert "v2.mbox: checked in part: fs/bulb.c:" in err
    wrapped = second.replace("bulb_close(lamp", "\nbulb_close(lamp", 1)
    assert wrapped != second
    (tmp_path / "v2.mbox").write_text(mbox([first, wrapped]), encoding="utf-8")
    assert run("compare", "--no-tree", *pair)[0] == 0


def test_a_new_version_that_was_not_read_whole_is_not_known_to_bring_nothing(run, tmp_path):
    for name, first in (("v1", apart(lamp=False)[0]), ("v2", marks_lost(apart(lamp=True)[0]))):
        text = mbox([first, apart(lamp=False)[1]])
        (tmp_path / name).write_text(text, encoding="utf-8")
    status, out, err = run("compare", "--no-tree", tmp_path / "v1", tmp_path / "v2")
    assert (status, out) == (2, "0 fixed, 0 kept, 0 new\n")
    assert "marks are lost" in err
    (tmp_path / "v3").write_text(mbox(apart(lamp=True)), encoding="utf-8")
    status, out, _err = run("compare", "--no-tree", tmp_path / "v2", tmp_path / "v3")
    assert status == 1
    assert out.endswith(f"1 new; not all of {tmp_path / 'v2'} was checked, so these may be older\n")


def test_a_version_that_took_too_long_has_fixed_nothing(run, version, monkeypatch):
    pair = (version(1, lamp=True, bulb=False), version(2, lamp=False, bulb=False))
    first, second = (check([str(one)], Options(no_tree=True)) for one in pair)
    late = Limitation(TIME, "the check of this series was given up")
    reports = iter([first, replace(second, limitations=(late,))])
    monkeypatch.setattr("patchlint.run.check", lambda *_: next(reports))
    status, out, _err = run("compare", "--no-tree", *pair)
    assert (status, out.splitlines()[-1]) == (2, "0 fixed, 0 kept, 0 new, 1 unknown")
    assert "was given up" in out


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "--no-tree", "FILE", "FILE"],
        ["confirm", "--no-tree", "FILE"],
        ["check", "--no-tree", "--write-baseline", "--baseline", "known.json", "FILE"],
    ],
)
def test_what_was_not_read_has_its_file_line_and_mail(run, tmp_path, command):
    path = tmp_path / "some.mbox"
    head = "From a Mon Sep 17 00:00:00 2001\nFrom: A <a@x.org>\n"
    mail = f"{head}Subject: [PATCH] lamp: %s\nMessage-ID: <%s@x.org>\n\nWhy.\n\n"
    path.write_text(mail % ("one", "one") + mail % ("two", "two"))
    status, _, err = run(*(path if one == "FILE" else one for one in command))
    assert status == 2
    for line, name in ((1, "one"), (8, "two")):
        assert f"patchlint: {path}:{line}: <{name}@x.org> [PATCH] lamp: {name}: there is" in err


def test_a_version_that_cannot_be_read(run, version, tmp_path):
    good, none = version(1, lamp=True, bulb=False), tmp_path / "none"
    status, out, err = run("compare", "--no-tree", none, good)
    assert (status, out) == (2, "")
    assert f"{none}: holds no patch" in err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no such file"),
        ("", "there is no mail in it"),
        (mbox([marks_lost(one) for one in apart(lamp=True)]), "marks are lost"),
    ],
    ids=["none", "empty", "unread"],
)
def test_what_a_new_version_had_of_which_nothing_can_be_read_is_unknown(
    run, version, tmp_path, text, why
):
    old, new = version(1, lamp=True, bulb=True), tmp_path / "v2.mbox"
    if text is not None:
        new.write_text(text, encoding="utf-8")
    status, out, err = run("compare", "--no-tree", old, new)
    assert status == 2
    assert f"{new}: holds no patch that can be read" in err
    first, second, reason, *more, summary = out.splitlines()
    assert first.startswith("unknown fs/bulb.c:")
    assert second.startswith("unknown fs/lamp.c:")
    assert all(line.startswith(f"not known of {new}: ") for line in (reason, *more))
    assert why in reason
    assert summary == "0 fixed, 0 kept, 0 new, 2 unknown"
    status, out, _err = run("compare", "--no-tree", "--format", "json", old, new)
    told = json.loads(out)
    assert (status, told["fixed"], len(told["unknown"])) == (2, [], 2)


def test_the_users_settings_hold_for_versions_too(run, version, monkeypatch):
    pair = (version(1, lamp=False, bulb=False), version(2, lamp=True, bulb=False))
    _, out, _ = run("check", "--no-tree", "--format", "json", pair[1])
    [rule] = {finding["rule"] for finding in json.loads(out)["findings"]}
    monkeypatch.setenv("PATCHLINT_NOT_RULE", rule)
    assert run("compare", "--no-tree", *pair)[0] == 0
    monkeypatch.setenv("PATCHLINT_JOBS", "many")
    status, out, err = run("compare", "--no-tree", *pair)
    assert (status, out) == (2, "")
    assert "not a number" in err


# -- numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        (["check", "--time-limit"], "-1", "-1: it has to be 0 or above"),
        (["check", "--time-limit"], "1.5", "1.5, not a whole number"),
        (["check", "--time-limit"], "9" * 30, "that is too much"),
        (["check", "--jobs"], "-2", "-2: it has to be 0 or above"),
        (["check", "--jobs"], "many", "'many', not a number"),
        (["compare", "--time-limit"], "-1", "-1: it has to be 0 or above"),
        (["scan", "--time-limit"], "-0.5", "-0.5: it has to be above 0"),
        (["scan", "--time-limit"], "0", "0: it has to be above 0"),
        (["scan", "--time-limit"], "nan", "'nan', not a number"),
        (["scan", "--time-limit"], "inf", "inf: that is too much"),
        (["scan", "--jobs"], "-1", "-1: it has to be 0 or above"),
        (["index", "--keep"], "-1", "-1: it has to be 0 or above"),
        (["watch", "--interval"], "0", "0: it has to be above 0"),
        (["watch", "--settle"], "-1", "-1: it has to be 0 or above"),
        (["confirm", "--runs"], "-1", "-1: it has to be above 0"),
        (["mcp", "--timeout"], "-1", "-1: it has to be above 0"),
        (["patchwork", "check", "--series"], "-1", "-1: it has to be above 0"),
    ],
)
def test_a_number_that_cannot_hold_is_told_with_the_reason(run, option, value, why):
    status, out, err = run(*option, value)
    assert (status, out) == (2, "")
    said = err.splitlines()[-1]
    assert f"error: argument {option[-1]}: " in said
    assert said.endswith(why)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("TIME_LIMIT", "-1", "time-limit is -1: it has to be 0 or above"),
        ("JOBS", "2.5", "jobs is 2.5, not a whole number"),
        ("WATCH_INTERVAL", "0", "watch-interval is 0: it has to be above 0"),
        ("TIME_LIMIT", "9" * 5000, "that is too much"),
    ],
)
def test_a_setting_that_cannot_hold_is_told_with_the_reason(run, monkeypatch, name, value, why):
    monkeypatch.setenv(f"PATCHLINT_{name}", value)
    status, out, err = run("config")
    assert (status, out) == (2, "")
    assert why in err


# -- graph and facts -----------------------------------------------------------------------

LAMP = """\
static void lamp_gone(struct work_struct *work)
{
	fput(lamp->file);
}
static DECLARE_WORK(lamp_work, lamp_gone);

static void lamp_end(struct lamp *lamp)
{
	iput(lamp->inode);
}

SYSCALL_DEFINE1(lamp_off, int, fd)
{
	lamp_end(lamp);
	schedule_work(&lamp_work);
	return 0;
}
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs" / "lamp.c").write_text(LAMP, encoding="utf-8")
    return tmp_path


def test_graph_of_a_function_of_a_file(run, tree, monkeypatch):
    monkeypatch.chdir(tree)
    status, out, err = run("graph", "fs/lamp.c", "--function", "lamp_off")
    assert (status, err) == (0, "")
    assert out == (
        "lamp_off  [fs/lamp.c:12, task]\n"
        "├─ runs as task  [lamp_off() is a system call]\n"
        "├─ lamp_end\n"
        "│  └─ iput  [inode, before-call-returns]\n"
        "└─ lamp_gone\n"
        "   └─ fput  [file, eventually, by schedule_work()]\n"
    )


def test_graph_upwards_in_a_tree(run, tree):
    status, out, err = run("graph", "lamp_end", "--tree", tree)
    assert (status, out) == (0, "lamp_end\n└─ lamp_off  [task: syscall]\n")
    assert err == ""


def test_graph_upwards_from_a_callback(run, tree):
    assert run("graph", "lamp_gone", "--tree", tree)[1] == "lamp_gone  [workqueue]\n"


def test_graph_downwards_in_a_tree(run, tree):
    status, out, _err = run("graph", "lamp_off", "--tree", tree, "--down")
    assert status == 0
    assert [line.strip("├─└│ ").split("  ")[0] for line in out.splitlines()] == [
        "lamp_off",
        "lamp_end",
        "iput",
        "schedule_work(&lamp_work)",
    ]


@pytest.mark.parametrize(("form", "first"), [("dot", "digraph"), ("mermaid", "flowchart")])
def test_graph_in_other_forms(run, tree, form, first):
    status, out, _err = run("graph", "lamp_end", "--tree", tree, "--format", form)
    assert status == 0
    assert out.startswith(first)
    assert "lamp_off" in out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["fs/lamp.c", "--function", "who"], "no function who()"),
        (["fs/none.c", "--function", "who"], "No such file"),
        (["who", "--tree", "."], "who(): not in ."),
        (["who", "--tree", "none"], "no such folder"),
        (["lamp_end"], "give a C file with --function"),
        (["fs/lamp.c", "--function", "lamp_end", "--rules", "none"], "no such folder of rules"),
    ],
)
def test_graph_says_what_it_cannot_find(run, tree, monkeypatch, arguments, why):
    monkeypatch.chdir(tree)
    status, out, err = run("graph", *arguments)
    assert (status, out) == (2, "")
    assert why in err


def test_facts_of_a_file(run, tree):
    status, out, err = run("facts", tree / "fs" / "lamp.c")
    assert (status, err) == (0, "")
    assert "12-17: long lamp_off(int fd) [syscall]\n  14: lamp_end(lamp)\n" in out
    assert "5: DECLARE_WORK(lamp_work, lamp_gone)" in out


def test_facts_of_one_function_as_json(run, tree):
    file = tree / "fs" / "lamp.c"
    status, out, _err = run("facts", file, "--function", "lamp_end", "--format", "json")
    assert status == 0
    (one,) = json.loads(out)["functions"]
    assert (one["name"], [call["callee"] for call in one["calls"]]) == ("lamp_end", ["iput"])


def test_facts_of_a_file_that_is_not_there(run, tree):
    status, out, err = run("facts", tree / "none.c")
    assert (status, out) == (2, "")
    assert "none.c" in err


@pytest.mark.parametrize("more", [[], ["--no-tre"], ["--no-tree"]])
def test_what_follows_two_dashes_is_no_option(more, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["check", *more, "--", "--output=out..x"]) == 2
    assert not list(tmp_path.iterdir())
    assert "--output=out..x: could not check" in capsys.readouterr().out
