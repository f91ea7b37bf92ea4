"""``patchlint completions``: completion scripts for bash, zsh and fish."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from patchlint.cli.surface import Argument, Command, Option

EPILOG: Final = """\
examples:
  patchlint completions bash > ~/.local/share/bash-completion/completions/patchlint
  patchlint completions zsh > ~/.zfunc/_patchlint
  patchlint completions fish > ~/.config/fish/completions/patchlint.fish
"""

_BASH_HEAD: Final = """\
# patchlint(1) completion for bash, made by: patchlint completions bash
_patchlint() {
	local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
	local at="patchlint" word i
	for ((i = 1; i < COMP_CWORD; i++)); do
		word="${COMP_WORDS[i]}"
		case "$at $word" in
"""
_BASH_MIDDLE: Final = """\
			at="$at $word" ;;
		esac
	done
	COMPREPLY=()
	case "$at $prev" in
"""
_BASH_TAIL: Final = """\
	esac
}
complete -F _patchlint patchlint
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument of ``completions``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Print the script of a shell."""
    from patchlint.cli.surface import program

    makers = {"bash": bash, "zsh": zsh, "fish": fish}
    print("".join(f"{line}\n" for line in makers[arguments.shell](program())), end="")
    return 0


# --- bash


def bash(program: Command) -> Iterator[str]:
    """Yield the lines of the script for bash."""
    below = [command for command in program.walk() if command is not program]
    yield _BASH_HEAD + " | ".join(f'"{" ".join(command.path)}"' for command in below) + ")"
    yield _BASH_MIDDLE.rstrip("\n")
    for command in program.walk():
        for option in command.options:
            if option.value:
                names = " | ".join(f'"{" ".join(command.path)} {name}"' for name in option.names)
                yield f"\t{names})"
                yield f"\t\t{_bash_values(option)}"
                yield "\t\treturn ;;"
    yield "\tesac"
    yield '\tcase "$at" in'
    for command in program.walk():
        yield f'\t"{" ".join(command.path)}")'
        yield from _bash_words(command)
        yield "\t\t;;"
    yield _BASH_TAIL.rstrip("\n")


def _bash_values(what: Option | Argument) -> str:
    if what.choices:
        return f"COMPREPLY=($(compgen -W '{' '.join(what.choices)}' -- \"$cur\"))"
    if what.kind == "folder":
        return 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur"))'
    if what.kind == "file":
        return 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))'
    return ":"


def _bash_words(command: Command) -> Iterator[str]:
    options = " ".join(name for option in command.options for name in option.names)
    yield '\t\tif [[ "$cur" == -* ]]; then'
    yield f"\t\t\tCOMPREPLY=($(compgen -W '{options}' -- \"$cur\"))"
    words = [below.path[-1] for below in command.commands]
    if words:
        yield "\t\telse"
        yield f"\t\t\tCOMPREPLY=($(compgen -W '{' '.join(words)}' -- \"$cur\"))"
    elif command.arguments:
        yield "\t\telse"
        yield f"\t\t\t{_bash_values(command.arguments[0])}"
    yield "\t\tfi"


# --- zsh


def zsh(program: Command) -> Iterator[str]:
    """Yield the lines of the script for zsh: one function for each command."""
    yield "#compdef patchlint"
    yield "# patchlint(1) completion for zsh, made by: patchlint completions zsh"
    for command in program.walk():
        yield ""
        yield from _zsh_function(command)
    yield ""
    # loaded as a file of fpath the file is the body of the function: then it must act now
    yield 'if [ "$funcstack[1]" = "_patchlint" ]; then'
    yield '\t_patchlint "$@"'
    yield "else"
    yield "\tcompdef _patchlint patchlint"
    yield "fi"


def _zsh_name(command: Command) -> str:
    return "_" + "_".join(word.replace("-", "_") for word in command.path)


def _zsh_function(command: Command) -> Iterator[str]:
    yield f"{_zsh_name(command)}() {{"
    specs = [spec for option in command.options for spec in _zsh_option(option)]
    if command.commands:
        specs += ["'1: :->command'", "'*:: :->rest'"]
        yield "\tlocal curcontext=$curcontext context state state_descr line"
        yield "\ttypeset -A opt_args"
    else:
        specs += [_zsh_argument(argument) for argument in command.arguments]
    yield "\t_arguments -C -s \\"
    yield " \\\n".join(f"\t\t{spec}" for spec in specs)
    if command.commands:
        yield "\tcase $state in"
        yield "\tcommand)"
        yield "\t\tlocal -a commands=("
        for below in command.commands:
            yield f"\t\t\t{_quoted(f'{below.path[-1]}:{below.help}')}"
        yield "\t\t)"
        yield "\t\t_describe command commands ;;"
        yield "\trest)"
        yield "\t\tcase $line[1] in"
        for below in command.commands:
            yield f"\t\t{below.path[-1]}) {_zsh_name(below)} ;;"
        yield "\t\tesac ;;"
        yield "\tesac"
    yield "}"


def _zsh_option(option: Option) -> Iterator[str]:
    about = _zsh_text(option.help)
    others = "" if option.repeatable else f"({' '.join(option.names)})"
    for name in option.names:
        value = f":{_zsh_text(option.value)}:{_zsh_values(option)}" if option.value else ""
        star = "*" if option.repeatable else others
        yield _quoted(f"{star}{name}[{about}]{value}")


def _zsh_argument(argument: Argument) -> str:
    star = "*" if argument.many else ""
    return _quoted(f"{star}:{_zsh_text(argument.name)}:{_zsh_values(argument)}")


def _zsh_values(what: Option | Argument) -> str:
    if what.choices:
        return f"({' '.join(what.choices)})"
    return {"folder": "_files -/", "file": "_files"}.get(what.kind, " ")


def _zsh_text(text: str) -> str:
    for char in "\\[]:":
        text = text.replace(char, f"\\{char}")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- fish


def fish(program: Command) -> Iterator[str]:
    """Yield the lines of the script for fish."""
    yield "# patchlint(1) completion for fish, made by: patchlint completions fish"
    yield "function __patchlint_at"
    yield "\tset -l at patchlint"
    yield "\tfor word in (commandline -opc)[2..-1]"
    yield '\t\tswitch "$at $word"'
    paths = " ".join(
        f"'{' '.join(command.path)}'" for command in program.walk() if command is not program
    )
    yield f"\t\t\tcase {paths}"
    yield '\t\t\t\tset at "$at $word"'
    yield "\t\tend"
    yield "\tend"
    yield '\ttest "$at" = "$argv"'
    yield "end"
    yield "complete -c patchlint -f"
    for command in program.walk():
        condition = "__patchlint_at " + " ".join(command.path)
        here = f"complete -c patchlint -n {_fish(condition)}"
        for below in command.commands:
            yield f"{here} -a {below.path[-1]} -d {_fish(below.help)}"
        for argument in command.arguments[:1]:
            yield from _fish_argument(here, argument)
        for option in command.options:
            yield f"{here} {_fish_option(option)}"


def _fish_argument(here: str, argument: Argument) -> Iterator[str]:
    if argument.choices:
        yield f"{here} -a {_fish(' '.join(argument.choices))} -d {_fish(argument.help)}"
    elif argument.kind in {"file", "folder"}:
        yield f"{here} -F"


def _fish_option(option: Option) -> str:
    parts = [_fish_name(name) for name in option.names]
    if option.choices:
        parts.append(f"-x -a {_fish(' '.join(option.choices))}")
    elif option.kind == "folder":
        parts.append("-x -a '(__fish_complete_directories)'")
    elif option.kind == "file":
        parts.append("-r -F")
    elif option.value:
        parts.append("-x")
    return f"{' '.join(parts)} -d {_fish(option.help)}"


def _fish_name(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def scripts(program: Command) -> dict[str, Iterable[str]]:
    """Return the lines for every shell."""
    return {"bash": bash(program), "zsh": zsh(program), "fish": fish(program)}
