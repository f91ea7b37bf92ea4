from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from patchlint.cli import completions, man, surface

SHELLS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "-n"]}


@pytest.fixture(scope="module")
def program():
    return surface.program()


def script(program, shell):
    return "".join(f"{line}\n" for line in completions.scripts(program)[shell])


@pytest.fixture(scope="module")
def bash_file(program, tmp_path_factory):
    path = tmp_path_factory.mktemp("completions") / "patchlint.bash"
    path.write_text(script(program, "bash"))
    return path


def complete(bash_file, *words):
    """What bash offers for the last of ``words``."""
    code = (
        f'source {bash_file}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() {{ :; }}; '
        '_patchlint; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", code, "bash", *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["patchlint", "ho"], ["hook"]),
        (["patchlint", "hook", ""], ["install", "remove", "run"]),
        (["patchlint", "hook", "install", "--fail-on", "w"], ["warning"]),
        (["patchlint", "--v"], ["--version"]),
        (["patchlint", "config", "accept", "--re"], ["--reason", "--remove"]),
        (["patchlint", "completions", "z"], ["zsh"]),
        (["patchlint", "b4", "setup", "--lo"], ["--local"]),
        (["patchlint", "config", "accept", "--reason", ""], []),
    ],
)
def test_bash_offers_what_fits(bash_file, words, offered):
    assert complete(bash_file, *words) == offered


def test_bash_offers_files_and_folders(bash_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mbox").touch()
    (tmp_path / "alinux").mkdir()
    assert sorted(complete(bash_file, "patchlint", "check", "a")) == ["a.mbox", "alinux"]
    assert complete(bash_file, "patchlint", "check", "--tree", "a") == ["alinux"]


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_each_shell_reads_its_script(program, shell, tmp_path):
    path = tmp_path / f"patchlint.{shell}"
    path.write_text(script(program, shell))
    done = subprocess.run(
        [*SHELLS[shell], path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_and_choice_is_in_each_script(program, shell):
    text = script(program, shell)
    for command in program.walk():
        for option in command.options:
            for name in option.names:
                assert name.lstrip("-") in text
            for choice in option.choices:
                assert choice in text


def test_what_the_surface_says_is_what_help_says(program):
    for command in program.commands:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "patchlint.cli.main", *command.path[1:], "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        for option in command.options:
            assert option.names[-1] in done.stdout
        assert "example" in done.stdout or command.path[-1] in {"man", "facts", "graph"}


def test_the_page_names_every_command_and_option(program):
    page = "\n".join(man.page(program, "1.2.3"))
    assert "patchlint 1.2.3" in page
    for command in program.walk():
        assert "\\-".join(" ".join(command.path[1:]).split("-")) in page
        for option in command.options:
            if "--help" not in option.names and len(command.path) > 1:
                name = option.names[-1].replace("-", "\\-")
                assert f"\\fB{name}\\fR" in page


@pytest.mark.parametrize("reader", [r for r in ("groff", "mandoc") if shutil.which(r)])
def test_the_page_is_read_without_a_warning(program, reader):
    page = "\n".join(man.page(program, "1.2.3")) + "\n"
    argv = {
        "groff": ["groff", "-man", "-ww", "-Tutf8"],
        "mandoc": ["mandoc", "-T", "lint", "-W", "error"],
    }
    done = subprocess.run(argv[reader], input=page, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "roff"), [(".TH", "\\&.TH"), ("a-b\\c", "a\\-b\\ec"), ("'x", "\\&'x"), ("a…", "a...")]
)
def test_text_is_printed_as_it_is(text, roff):
    assert man._roff(text) == roff
