"""``patchlint man``: the manual page, in roff."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patchlint.cli.surface import Argument, Command, Option

EPILOG: Final = """\
examples:
  patchlint man > ~/.local/share/man/man1/patchlint.1
  patchlint man | man -l -

exit status: 0
"""

#: Alternatives that take more columns than this are listed in the text.
_LONGEST_VALUE: Final = 40

_DESCRIPTION: Final = """\
patchlint reads patch mails, whole series or a git range, and compares how the kernel
cleans up before and after: in which context a release runs, and by when it is done.
Where a series moves a release that the task had promised to have done before it
returned to user space into a work item, an RCU callback or a kernel thread, that is a
finding."""

_SECTIONS: Final[tuple[tuple[str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "EXIT STATUS",
        (
            ("0", "nothing was found at or above --fail-on"),
            ("1", "something was found"),
            ("2", "it could not check: usage, configuration, or something could not be read"),
        ),
    ),
    (
        "ENVIRONMENT",
        (
            ("PATCHLINT_*", "settings, by their names: PATCHLINT_FAIL_ON, PATCHLINT_TREE..."),
            ("XDG_CONFIG_HOME", "where patchlint/config.toml is (~/.config)"),
            ("XDG_CACHE_HOME", "where results and indexes are kept (~/.cache)"),
        ),
    ),
    (
        "FILES",
        (
            ("~/.config/patchlint/config.toml", "settings of the user"),
            ("git configuration, patchlint.*", "settings of the user or of one repository"),
        ),
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``man`` has no options of its own."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def run(arguments: argparse.Namespace) -> int:
    """Print the manual page."""
    del arguments
    from patchlint import __version__
    from patchlint.cli.surface import program

    print("".join(f"{line}\n" for line in page(program(), __version__)), end="")
    return 0


def page(program: Command, version: str) -> Iterator[str]:
    """Yield the lines of the manual page."""
    yield f'.TH PATCHLINT 1 "" "patchlint {_roff(version)}" "User Commands"'
    yield ".ad l\n.nh"
    yield ".SH NAME"
    yield f"patchlint \\- {_roff(program.help)}"
    yield ".SH SYNOPSIS"
    yield f".B patchlint\n{_roff(program.usage.removeprefix('patchlint '))}"
    yield ".SH DESCRIPTION"
    yield from (_roff(line) for line in _DESCRIPTION.splitlines())
    yield ".SH COMMANDS"
    for command in program.commands:
        yield from _command(command)
    for title, entries in _SECTIONS:
        yield f".SH {title}"
        for name, about in entries:
            yield from _entry(f"\\fB{_roff(name)}\\fR", about)
    yield ".SH SEE ALSO"
    yield ".BR git-send-email (1),\n.BR git-format-patch (1),\n.BR b4 (5)"


def _command(command: Command) -> Iterator[str]:
    yield f".SS {_roff(' '.join(command.path[1:]))}"
    yield _sentence(command.help)
    # alternatives are one long word: it may break behind a comma
    yield ".PP\n.B " + _roff(command.usage).replace(",", ",\\:")
    for argument in command.arguments:
        yield from _entry(f"\\fI{_roff(argument.name)}\\fR", _about(argument))
    for option in command.options:
        if "--help" not in option.names:
            yield from _entry(_spelled(option), _about(option))
    if command.epilog:
        yield ".PP\n.nf"
        yield from (_roff(line) for line in command.epilog.strip("\n").splitlines())
        yield ".fi"
    for below in command.commands:
        yield from _command(below)


def _spelled(option: Option) -> str:
    called = option.value
    if len(called) > _LONGEST_VALUE:
        called = option.names[-1].lstrip("-").upper()
    value = f" \\fI{_roff(called)}\\fR" if called else ""
    return ", ".join(f"\\fB{_roff(name)}\\fR{value}" for name in option.names)


def _about(what: Option | Argument) -> str:
    if len("|".join(what.choices)) <= _LONGEST_VALUE:
        return what.help
    return f"{what.help}; one of {', '.join(what.choices)}"


def _entry(title: str, about: str) -> Iterator[str]:
    yield f".TP\n{title}"
    yield _sentence(about)


def _sentence(text: str) -> str:
    if not text:
        return ""
    return _roff(text[0].upper() + text[1:] + ("" if text.endswith(".") else "."))


def _roff(text: str) -> str:
    """Return ``text`` so that roff prints it as it is, hyphens and leading dots too."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{text}" if text.startswith((".", "'")) else text
