"""The script that is printed: for any shell, any family, with nothing of a stranger's in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.confirm import claim, plan
from patchlint.confirm.script import plan_lines, script
from patchlint.ruleset.load import load

KERNEL = load().kernel
SHELLS = [
    words.split()
    for words in ("sh", "dash", "bash --posix", "busybox ash")
    if shutil.which(words.split()[0])
]


def claimed(family="mount", cleanup="mntput", **other):
    fields = {
        "rule": "lamp-late",
        "level": "warning",
        "function": "unlamp",
        "message": "late",
        "fingerprint": "00112233aabbccdd",
        "before": {"chain": [{"function": "sys_unlamp"}, {"function": "unlamp"}]},
        "after": {
            "callback": "lamp_fn",
            "chain": [{"function": "unlamp"}, {"function": "lamp_fn"}, {"function": "lamps"}],
        },
    }
    import json

    text = json.dumps({**fields, "family": family, "cleanup": cleanup, **other})
    return claim.of_json(text.encode(), "t")[0]


def made(**other):
    return plan.make(claimed(**other), KERNEL)


def going_through(family, **other):
    """The plan for a loss in a file that the workload of the family goes through."""
    return made(family=family, path=KERNEL.workloads[family].through[0], **other)


def words_of(text, name):
    return re.search(rf"^{name}='([^']*)'$", text, re.MULTILINE)[1].split()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("family", sorted({*KERNEL.workloads, "structural"}))
def test_every_family_has_a_script_that_shells_read(shell, family, tmp_path):
    cleanup = next((o.name for o in KERNEL.cleanups.values() if o.family == family), "lamp_put")
    path = tmp_path / "script"
    path.write_text(script(made(family=family, cleanup=cleanup)))
    done = subprocess.run([*shell, "-n", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_awk_programs_come_through_the_shell_unharmed(shell):
    text = script(made())
    start, end = text.index("fold='"), text.index("cannot() {")
    shown = text[start:end] + 'printf %s "$judge"\n'
    done = subprocess.run([*shell, "-c", shown], capture_output=True, text=True, check=True)
    from patchlint.confirm.script import program

    assert done.stdout == program("judge.awk")


def test_functions_get_the_part_that_they_have_in_the_finding():
    text = script(made())
    assert words_of(text, "entries") == ["sys_unlamp", "unlamp"]
    assert words_of(text, "releases") == ["mntput"]
    assert words_of(text, "callbacks") == ["lamp_fn", "lamps"]
    assert words_of(text, "finals") == list(KERNEL.cleanups["mntput"].final)
    assert f"final mntput {KERNEL.cleanups['mntput'].final[0]}" in text


def test_each_family_has_a_workload_or_says_that_none_is_known():
    families = {row.family for row in KERNEL.cleanups.values()}
    assert set(KERNEL.workloads) == families
    for family, workload in KERNEL.workloads.items():
        assert workload.suites, family
        if workload.script is None:
            assert "no workload" in made(family=family, cleanup="lamp_put").lacks, family
        else:
            assert "reproducer() {" in workload.script, family
            assert "user space: " in workload.script, family
            assert workload.script in script(going_through(family, cleanup="lamp_put")), family


@pytest.mark.parametrize(
    ("family", "cleanup", "path"),
    [
        ("socket", "lamp_put", "net/vmw_vsock/hyperv_transport.c"),
        ("file", "fput", "drivers/lamp/core.c"),
        ("mount", "mntput", "fs/nfsd/export.c"),
        ("task", "lamp_put", "arch/s390/kvm/pci.c"),
        ("mount", "mntput", ""),
    ],
)
def test_a_workload_that_does_not_go_through_the_finding_is_none(family, cleanup, path):
    own = made(family=family, cleanup=cleanup, path=path)
    text = script(own)
    workload = KERNEL.workloads[family]
    assert not own.shown
    assert "no workload is known that goes through unlamp(): give a command that does" in text
    assert "own=''\n" in text
    assert "--example\n#       runs the reproducer of the family, to be changed until it" in text
    assert workload.script.strip() in text
    # what ends something else of the family ends nothing here
    assert {final for _, final in own.finals}.isdisjoint(
        set(workload.final) - set(getattr(KERNEL.cleanups.get(cleanup), "final", ()))
    )


def test_the_file_of_the_function_that_lost_decides_not_that_of_the_deferral():
    steps = [{"function": "unlamp", "path": "fs/namespace.c"}]
    assert made(before={"chain": steps}, path="kernel/lamp.c").shown
    assert not made(
        before={"chain": [{**steps[0], "path": "fs/lamp.c"}]}, path="fs/namespace.c"
    ).shown


def test_a_release_that_no_table_knows_is_its_own_end_and_that_is_said():
    own = made(family="structural", cleanup="lamp_put")
    assert own.finals == (("lamp_put", "lamp_put"),)
    assert any("what ends lamp_put() is not known" in one for one in own.missing)
    text = script(own)
    assert "# What ends lamp_put() is not known" in text
    assert words_of(text, "finals") == []
    assert "no workload is known that goes through unlamp()" in text


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("events", "probed", "example", "came"),
    [
        (["e_sys_unlamp", "c_mntput"], True, False, False),
        (["e_unlamp", "c_mntput"], True, False, True),
        (["e_unlamp", "c_mntput"], True, True, True),
        # the function is inlined there: another one that leads to the release tells
        (["e_sys_unlamp", "c_mntput"], False, False, True),
        # ... of a command that is to go through it, not of another one's reproducer
        (["e_sys_unlamp", "c_mntput"], False, True, False),
        (["c_mntput", "f_lamp_out"], False, False, False),
    ],
)
def test_releases_without_the_function_that_lost_them_are_told_as_astray(
    shell, events, probed, example, came, tmp_path
):
    text = script(made())
    part = text[text.index("way='e_.*'") : text.index("# nor does a kernel")]
    own = "example=yes" if example else "example="
    (tmp_path / "events").write_text("".join(f"1\t7\tsh\tt\t{one}\tx\t\n" for one in events))
    if probed:
        (tmp_path / "events-of/events/lamp/e_unlamp").mkdir(parents=True)
    lines = [
        f"work='{tmp_path}' probes='{tmp_path}/events-of' name=lamp {own}",
        *(line for line in text.splitlines() if line.startswith(("entries=", "function="))),
        part,
        'echo "$astray"',
    ]
    done = subprocess.run(
        [*shell, "-uc", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ("" if came else "unlamp")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("kernel", "probed", "left"),
    [
        ("unlamp __x64_sys_unlamp", "unlamp", "do_unlamp"),
        ("__x64_sys_unlamp __se_sys_unlamp", "__x64_sys_unlamp", "do_unlamp"),
        ("__do_sys_unlamp", "__do_sys_unlamp", "do_unlamp"),
        # of what is no system call no other name is known
        ("__x64_sys_do_unlamp", "", "unlamp do_unlamp"),
    ],
)
def test_a_system_call_is_probed_by_the_name_that_the_kernel_gives_it(shell, kernel, probed, left):
    text = script(
        made(
            before={"chain": [{"function": "unlamp"}, {"function": "do_unlamp"}]},
            entry_points=[{"name": "unlamp", "kind": "syscall", "chain": ["unlamp", "do_unlamp"]}],
        )
    )
    assert words_of(text, "calls_in") == ["unlamp"]
    part = text[text.index("# names FUNCTION") : text.index("probe c p")]
    lines = [
        "name=x probes=/none tracing=/dev",
        *(one for one in text.splitlines() if one.startswith(("entries=", "calls_in=", "prefix"))),
        part.replace('>>"$tracing/kprobe_events"', '>>"$out"').replace("{ echo", "{ try"),
        'echo "left $unset_probes"',
    ]
    # a kernel refuses the probe of a function that it does not have
    attempt = (
        f'try() {{ case " {kernel} " in *" ${{1##* }} "*) echo "$1" ;; *) return 1 ;; esac; }}'
    )
    with tempfile.NamedTemporaryFile("r") as out:
        done = subprocess.run(
            [*shell, "-uc", "\n".join([f"out={out.name}", attempt, *lines])],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert out.read() == (f"p:x/e_unlamp {probed}\n" if probed else "")
    assert done.stdout.split() == ["left", *(f"{one}()" for one in left.split())]


def lost_wait(**other):
    own = {"family": "structural", "cleanup": "wait_for_completion", **NO_CALLBACK}
    return made(**(own | other))


NO_CALLBACK = {"after": {"mechanism": "complete", "chain": [{"function": "lamp_is_dark"}]}}


def test_a_lost_wait_is_shown_by_the_function_that_goes_on_without_it():
    text = script(lost_wait())
    assert words_of(text, "waits") == ["yes"]
    assert words_of(text, "releases") == ["wait_for_completion"]
    assert words_of(text, "function") == ["unlamp"]
    assert words_of(text, "entries") == ["sys_unlamp", "unlamp"]  # none that signals
    assert words_of(text, "callbacks") == words_of(text, "finals") == []
    said = " ".join(heading(text).replace("\n#", "").split())
    assert "whether unlamp() calls wait_for_completion() each time that it runs" in said
    assert "0 the function waited each time that it ran, 1 not each time" in said
    assert "is not known: its own return" not in text
    # where what was waited for is known, that is what runs late
    late = {"callback": "lamp_fn", "chain": [{"function": "lamp_fn"}]}
    for other in (made(), lost_wait(after=late), lost_wait(cleanup="lamp_put")):
        assert words_of(script(other), "waits") == []


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("probed", "events", "status", "said"),
    [
        ("e_unlamp c_wait_for_completion r_unlamp", "e r", 1, "LOST, 1 of 1"),
        ("e_unlamp c_wait_for_completion r_unlamp", "e c r", 0, "in time, all 1"),
        ("e_unlamp c_wait_for_completion r_unlamp", "", 2, "did not run"),
        ("c_wait_for_completion", "c", 2, "unlamp() cannot be probed"),
        ("e_unlamp", "e", 2, "wait_for_completion() cannot be probed"),
    ],
)
def test_the_script_of_a_lost_wait_ends_with_what_it_saw(
    shell, probed, events, status, said, tmp_path
):
    text = script(lost_wait())
    for one in probed.split():
        (tmp_path / "of/events/lamp" / one).mkdir(parents=True)
    names = {"e": "e_unlamp", "c": "c_wait_for_completion", "r": "r_unlamp"}
    rows = ["sys_enter", *(names[one] for one in events.split())]
    (tmp_path / "events").write_text(
        "".join(f"{at}\t7\tsh\tt\t{one}\tx\t\n" for at, one in enumerate(rows))
    )
    start, end = text.index("# makes a line of each event"), text.index("cannot() {")
    part = text[text.index('if [ -n "$waits" ]; then') : text.index('echo "$plan" >"$work/plan"')]
    lines = [
        f"work='{tmp_path}' probes='{tmp_path}/of' name=lamp",
        *(line for line in text.splitlines() if line.startswith(("rel", "function=", "waits="))),
        text[start:end],
        part,
    ]
    done = subprocess.run([*shell, "-uc", "\n".join(lines)], capture_output=True, text=True)  # noqa: PLW1510
    assert (done.returncode, done.stderr) == (status, "")
    assert said in done.stdout.splitlines()[-1]


def lowered(**other):
    """A claim that a counter is lowered later than before."""
    own = {"family": "key", "cleanup": "->qnkeys"}
    return made(**(own | other))


def test_of_a_counter_the_function_that_lowers_it_later_is_watched():
    own = lowered(path=KERNEL.workloads["key"].through[0])
    text = script(own)
    assert own.finals == (("lamps", "lamps"),)
    assert words_of(text, "releases") == ["lamps"]
    assert words_of(text, "callbacks") == ["lamp_fn"]
    assert words_of(text, "nothing") == []
    said = " ".join(heading(text).replace("\n#", "").split())
    assert "in which context lamps() runs" in said
    assert "'->qnkeys' is no function: lamps(), which does it later, is watched" in said
    assert "can be shown" not in said
    assert "nothing yet" not in said


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("words", [[], ["true"], ["--example"]])
@pytest.mark.parametrize(
    "after",
    [
        {"chain": []},
        {"chain": [{"function": "unlamp"}]},  # which lost it: that it runs says nothing
        {"chain": [{"function": "a b"}]},
    ],
)
def test_where_nothing_can_be_shown_that_is_said_at_once(shell, words, after, tmp_path):
    own = lowered(after=after, path=KERNEL.workloads["key"].through[0])
    path = tmp_path / "script"
    path.write_text(script(own).replace("tracing=\n", 'echo "traces"; exit 9\n', 1))
    done = subprocess.run([*shell, path, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "nothing of this finding can be shown on a running kernel\n"
    assert own.lacks == own.nothing
    said = heading(path.read_text())
    assert "Shows on a running kernel" not in said
    assert said.count("COMMAND [ARG...]") == 0


def heading(text):
    return text[: text.index("set -u")]


def test_the_heading_says_each_thing_once():
    for own in (made(), going_through("mount"), made(family="structural", cleanup="lamp_put")):
        text = heading(script(own))
        for told in ("goes through unlamp()", "is not known", "opened with O_EXCL", "a kworker"):
            assert text.count(told) <= 1, told
        assert max(map(len, text.splitlines())) <= 96


def test_a_way_to_call_it_is_told_where_it_does_something():
    shown, other = heading(script(going_through("mount"))), heading(script(made()))
    none = heading(script(made(family="structural", cleanup="lamp_put")))
    assert "#   sh THIS_SCRIPT\n" in shown
    assert "--example" not in shown
    assert "#   sh THIS_SCRIPT\n" not in other
    assert "#   sh THIS_SCRIPT --example\n" in other
    assert "--example" not in none
    for text in (shown, other, none):
        assert "#   sh THIS_SCRIPT COMMAND [ARG...]\n" in text


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("words", [[], ["--example"]], ids=["nothing", "example"])
def test_without_a_command_nothing_is_traced_where_no_reproducer_is_known(shell, words, tmp_path):
    path = tmp_path / "script"
    path.write_text(script(made(family="structural", cleanup="lamp_put")))
    text = path.read_text()
    path.write_text(text.replace("tracing=\n", 'echo "traces $*"; exit 9\n', 1))
    done = subprocess.run([*shell, path, *words], capture_output=True, text=True, check=False)
    if words:  # a command of that name, then
        assert (done.returncode, done.stdout) == (9, "traces --example\n")
    else:
        assert done.returncode == 2
        assert "goes through unlamp(): give a command" in done.stderr


HOSTILE = st.text(
    st.sampled_from(list("abc_'\"`$();|&<>\\\n\r\t \x1b\u202e\x00@{}#!-")), min_size=1, max_size=30
)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_nothing_of_a_report_becomes_shell(cleanup, function, message, callback):
    text = script(
        made(
            cleanup=cleanup,
            function=function,
            message=message,
            fingerprint=message,
            before={"chain": [{"function": function}]},
            after={"callback": callback, "chain": [{"function": callback}]},
            entry_points=[{"name": function, "kind": "syscall", "chain": [function]}],
        )
    )
    quiet = script(made(cleanup="a", function="b", message="c"))
    code = [line for line in text.splitlines() if not line.startswith("#")]
    lists = re.compile(
        r"(?:entries|releases|finals|callbacks|calls_in)='[A-Za-z0-9_ ]*'|plan='frame .*"
    )
    for line, same in zip(code, [o for o in quiet.splitlines() if o[:1] != "#"], strict=False):
        if line != same:
            assert lists.fullmatch(line) or line.startswith("final "), line
            break
    assert all(one.isprintable() for one in text.replace("\n", "").replace("\t", ""))
    for line in plan_lines(made(cleanup=cleanup)):
        assert re.fullmatch(r"(?:frame|final) \w+ [\w-]+", line)


def test_placeholders_of_a_report_are_not_filled_in():
    text = script(made(message="@JUDGE@ @PLAN@"))
    assert "# @JUDGE@ @PLAN@" in text
