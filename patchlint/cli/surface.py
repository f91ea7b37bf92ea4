"""The whole command line, from the parsers that ``--help`` is printed from.

The completions and the manual page are made from it, so that they cannot disagree with it:
the first by shtab, from the one parser of all commands, the second from what is read off it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from typing import TYPE_CHECKING

from msgspec import Struct

from patchlint import __version__
from patchlint.cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator


class Option(Struct, frozen=True):
    """An option: its spellings, what it takes (``value`` is what ``--help`` calls it)."""

    names: tuple[str, ...]
    help: str
    value: str
    choices: tuple[str, ...]


class Argument(Struct, frozen=True):
    """A positional argument as ``--help`` calls it."""

    name: str
    help: str
    choices: tuple[str, ...]


class Command(Struct, frozen=True):
    """A command, with its path from the program down; ``epilog`` holds its examples."""

    path: tuple[str, ...]
    help: str
    usage: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...]
    epilog: str

    def walk(self) -> Iterator[Command]:
        """Yield this command and all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()


def parser() -> argparse.ArgumentParser:
    """Return one parser of the program with all commands that there are."""
    top = argparse.ArgumentParser(
        "patchlint",
        usage="patchlint COMMAND [OPTIONS] [ARGUMENT...]",
        description="finds kernel patches that move a cleanup out of the task that promised it",
    )
    top.add_argument(
        "-V", "--version", action="version", version=__version__, help="show the version"
    )
    commands = top.add_subparsers(metavar="COMMAND", prog="patchlint")
    for name, (module, about) in COMMANDS.items():
        whole = f"patchlint.cli.{module}"
        if importlib.util.find_spec(whole) is not None:
            one = commands.add_parser(name, help=about, description=about)
            importlib.import_module(whole).add_arguments(one)
    return top


def program() -> Command:
    """Return the program with all of its commands, as plain data."""
    top = parser()
    return _read(top, ("patchlint",), top.description or "")


def _read(one: argparse.ArgumentParser, path: tuple[str, ...], about: str) -> Command:
    options: list[Option] = []
    arguments: list[Argument] = []
    commands: list[Command] = []
    for action in one._actions:  # noqa: SLF001 - argparse has no other way to look
        if action.help == argparse.SUPPRESS:
            continue
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            helps = {below.dest: below.help or "" for below in action._choices_actions}  # noqa: SLF001
            commands += [
                _read(below, (*path, name), helps.get(name, ""))
                for name, below in action.choices.items()
            ]
        elif action.option_strings:
            value = "" if action.nargs == 0 else _called(action)
            options.append(
                Option(tuple(action.option_strings), _help(action), value, _choices(action))
            )
        else:
            arguments.append(Argument(_called(action), _help(action), _choices(action)))
    usage = " ".join(one.format_usage().removeprefix("usage: ").split())
    return Command(
        path, about, usage, tuple(options), tuple(arguments), tuple(commands), one.epilog or ""
    )


def _called(action: argparse.Action) -> str:
    if action.choices is not None:
        return "|".join(_choices(action))
    if isinstance(action.metavar, str):
        return action.metavar
    return action.dest.upper()


def _choices(action: argparse.Action) -> tuple[str, ...]:
    return tuple(str(choice) for choice in action.choices or ())


def _help(action: argparse.Action) -> str:
    text = " ".join((action.help or "").split())
    for name in ("default", "dest", "prog"):
        text = text.replace(f"%({name})s", str(getattr(action, name, "")))
    return text.replace("%%", "%")
