"""What is printed: nothing hidden, no command to a CI system, and never a crash."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlint.model.hidden import HIDDEN, spelled
from patchlint.outside import programs
from patchlint.outside.console import Guarded

if TYPE_CHECKING:
    from pathlib import Path

#: commands as GitHub (both forms), Azure and TeamCity find them in a line
COMMANDS = re.compile(r"(?m)^\s*::|##\w*\[")
TEXT = st.lists(
    st.one_of(
        st.text(max_size=5),
        st.sampled_from(
            ["::", ":", "#", "##", "##vso[", "[", "\n", " ", "\x1b[31m", "error ", "\u202e"]
        ),
    ),
    max_size=12,
)


def shown(*texts: str) -> str:
    out = io.StringIO()
    guarded = Guarded(out)
    for text in texts:
        guarded.write(text)
    return out.getvalue()


@given(TEXT)
def test_nothing_hidden_and_no_command_gets_out(parts: list[str]) -> None:
    for told in (shown(*parts), shown("".join(parts))):
        assert not HIDDEN.search(told.replace("\n", "").replace("\t", ""))
        assert not COMMANDS.search(told)


@given(
    st.text(
        alphabet=st.characters(
            codec="ascii", min_codepoint=32, max_codepoint=126, exclude_characters=":#"
        )
    )
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert shown(text, "\n", text) == f"{text}\n{text}"


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_stays_what_it_is(value: object) -> None:
    for told in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert json.loads(shown(told)) == value


def test_a_report_keeps_its_colours_and_its_commands() -> None:
    out = io.StringIO()
    Guarded(out).write_report("\x1b[1mfs/a.c\x1b[0m\x1b[2J\n", color=True)
    Guarded(out).write_report("::error file=a.c::text\n", commands=True)
    assert out.getvalue() == "\x1b[1mfs/a.c\x1b[0m\\u001b[2J\n::error file=a.c::text\n"


def test_standard_error_that_is_gone_is_passed_over() -> None:
    stream = io.StringIO()
    stream.close()
    assert Guarded(stream, quiet=True).write("lost") == 4
    with pytest.raises(ValueError, match="closed"):
        Guarded(stream).write("told")


#: of what Unicode calls Default_Ignorable, the ends of each run
IGNORED = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180f\u200b\u200f\u2060\u206f\u3164\ufe00\ufe0f"
    "\ufeff\uffa0\ufff0\ufff8\U0001bca0\U0001bca3\U0001d173\U0001d17a\U000e0000\U000e0fff"
)


@pytest.mark.parametrize("character", IGNORED)
def test_what_unicode_lets_anybody_pass_over_is_spelled_out(character: str) -> None:
    assert shown(f"put{character}_lamp") == f"put{spelled(character)}_lamp"


def test_spelled_is_json() -> None:
    for character in "\x1b\u202e\U000e0001":
        assert json.loads(f'"{spelled(character)}"') == character


# --- the program as a whole

MAIL = """From mboxrd@z Thu Jan  1 00:00:00 1970
From: Ad\u00e9 <a@example.org>
Subject: [PATCH] vfs: \u00e9 defer
Message-ID: <1@example.org>

---
diff --git a/fs/x.c b/fs/x.c
--- a/fs/x.c
+++ b/fs/x.c
@@ -1,4 +1,9 @@
 static void drop(struct foo *x)
 {
-\tmntput(x->m);
+\tINIT_WORK(&x->work, drop_work);
+\tqueue_work(system_wq, &x->work);
 }
+static void drop_work(struct work_struct *work)
+{
+\tmntput(to_foo(work)->m);
+}
"""


@pytest.fixture
def mail(tmp_path: Path, alone: Path) -> Path:
    del alone
    path = tmp_path / "p.mbox"
    path.write_text(MAIL, encoding="utf-8")
    return path


def run(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which ``$PL`` is the program and ``$1``... are arguments."""
    program = f'PL="{sys.executable} -m patchlint.cli.main"; {command}'
    return subprocess.run(
        ["sh", "-c", program, "sh", *map(str, arguments)], capture_output=True, check=False
    )


@pytest.mark.parametrize("form", ["terminal", "json", "terse", "mail"])
def test_output_that_cannot_be_encoded_is_spelled_out(mail: Path, form: str) -> None:
    done = run(f"PYTHONIOENCODING=ascii $PL check --no-tree --format {form} $1", mail)
    assert done.returncode == 1
    assert done.stdout.isascii()
    assert not done.stderr
    if form == "json":
        assert json.loads(done.stdout)["findings"]


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("$PL check --no-tree $1 >&-", 2, "could not be written"),
        ("$PL check --no-tree $1 >/dev/full", 2, "could not be written"),
        ("$PL check --no-tree --format json $1 >/dev/full", 2, "could not be written"),
        ("$PL check --no-tree - <&-", 2, "cannot be read"),
        ("$PL check --no-tree $1 >/dev/null 2>&-", 1, ""),
        ("$PL check --no-tree $1 <&- >/dev/null", 1, ""),
        ("$PL rules >&-", 2, "could not be written"),
        ("$PL b4 check <&-", 2, ""),
        ("$PL index --status >/dev/full", 2, "could not be written"),
        *(
            (f"{buffered} $PL {printed} >{full}", 2, "could not be written")
            for buffered in ("PYTHONUNBUFFERED=", "PYTHONUNBUFFERED=1")
            for printed in ("check --help", "b4 setup --help", "help scan", "--help", "--version")
            for full in ("/dev/full", "&-")
        ),
    ],
)
def test_streams_that_are_closed_or_full(mail: Path, command: str, status: int, said: str) -> None:
    done = run(command, mail)
    assert done.returncode == status
    assert said in done.stderr.decode()
    assert len(done.stderr.splitlines()) <= 1


def test_a_reader_that_goes_away_is_no_failure(mail: Path) -> None:
    done = run("{ $PL check --no-tree --format json $1; echo $? >&2; } | head -c 1", mail)
    assert done.stderr.strip() in {b"0", b"1"}


BROKEN = """import sys, patchlint.run
def check(*_):
    def deeper(n):
        return deeper(n + 1)
    return deeper(0)
patchlint.run.check = check
from patchlint.cli.main import main
sys.exit(main(sys.argv[1:]))"""


def test_a_failure_that_nobody_expected_is_one_line_and_2(mail: Path) -> None:
    def run_broken(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", BROKEN, "check", *arguments, str(mail)],
            capture_output=True,
            check=False,
        )

    done = run_broken("--no-tree")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert b"RecursionError" in line
    done = run_broken("--debug", "--no-tree")
    assert done.returncode == 2
    assert b"Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(b"patchlint: could not finish")


def test_an_error_that_says_all_has_no_name_of_a_class() -> None:
    assert programs.told(programs.ProgramError("git rev-list: fatal: bad object")) == (
        "git rev-list: fatal: bad object"
    )
    assert programs.told(MemoryError()) == "there is not enough memory"
    assert programs.told(KeyError("x")) == "KeyError: 'x'"
    assert programs.told(RecursionError()) == "RecursionError"


def test_a_push_of_what_git_does_not_know_is_told_in_words(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    line = f"refs/heads/a {'1' * 40} refs/heads/a {'0' * 40}\n"
    done = subprocess.run(
        [sys.executable, "-m", "patchlint", "hook", "run", "pre-push", "origin"],
        cwd=tmp_path,
        input=line,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 2
    assert "could not check: git rev-list: fatal: bad object" in done.stderr
