from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata

import pytest

from patchlint.cli import completions, man, surface

SHELLS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "-n"]}


@pytest.fixture(scope="module")
def program():
    return surface.program()


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("completions")
    for shell in SHELLS:
        (folder / shell).write_text(completions.make(shell))
    return folder


def by_bash(script, words):
    code = (
        f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() {{ :; }}; '
        '_shtab_patchlint patchlint "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", code, "bash", *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def by_fish(script, words):
    code = f"source {script}; complete -C (string join ' ' -- $argv)"
    done = subprocess.run(
        ["fish", "--no-config", "-c", code, *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(script.parent)},
    )
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


ASKED = {"bash": by_bash, "fish": by_fish}
HERE = [shell for shell in ASKED if shutil.which(shell)]


@pytest.mark.parametrize("shell", HERE)
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
    ],
)
def test_a_shell_offers_what_fits(scripts, shell, words, offered):
    assert ASKED[shell](scripts / shell, words) == offered


def test_bash_offers_files_and_folders(scripts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mbox").touch()
    (tmp_path / "alinux").mkdir()
    assert sorted(by_bash(scripts / "bash", ["patchlint", "check", "a"])) == ["a.mbox", "alinux"]
    assert by_bash(scripts / "bash", ["patchlint", "check", "--tree", "a"]) == ["alinux"]


def test_fish_and_zsh_ask_their_own_helpers_for_files_and_folders(scripts):
    fish = [line for line in (scripts / "fish").read_text().splitlines() if "-l tree" in line]
    assert fish
    assert all("__fish_complete_directories" in line for line in fish)
    assert re.search(r'"--tree\[[^]]*\]:DIR:_files -/"', (scripts / "zsh").read_text())


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_each_shell_reads_its_script(scripts, shell):
    done = subprocess.run(
        [*SHELLS[shell], scripts / shell],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(scripts)},
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_option_and_choice_is_in_each_script(program, scripts, shell):
    text = (scripts / shell).read_text()
    for command in program.walk():
        for option in command.options:
            for name in option.names:
                assert name.lstrip("-") in text
            for choice in option.choices:
                assert choice in text


def printed(monkeypatch, files):
    monkeypatch.setattr(metadata, "files", lambda _: files)
    parser = argparse.ArgumentParser()
    completions.add_arguments(parser)
    return completions.run(parser.parse_args(["zsh"]))


def test_what_was_installed_is_printed(monkeypatch, capsys, tmp_path):
    path = tmp_path / completions.PLACES["zsh"]
    path.parent.mkdir(parents=True)
    path.write_text("# a script\n")
    file = metadata.PackagePath(completions.PLACES["zsh"])
    file.dist = metadata.PathDistribution(tmp_path / "patchlint-1.dist-info")
    assert printed(monkeypatch, [file]) == 0
    assert capsys.readouterr().out == "# a script\n"


def test_where_nothing_was_installed_it_says_so(monkeypatch, capsys):
    assert printed(monkeypatch, None) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "pip install ." in told.err


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
