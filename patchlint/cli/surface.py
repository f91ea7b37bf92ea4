"""The whole command line as data, read off the parsers that ``--help`` is printed from.

Completions and the manual page are made from this, so that they cannot disagree with it.
"""

from __future__ import annotations

import argparse
import importlib.util
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from patchlint.cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["none", "text", "file", "folder"]

_FOLDERS: Final = ("DIR", "MAILDIR", "TREE", "FOLDER")
_FILES: Final = ("FILE", "INPUT", "SOURCE", "MBOX", "STORE", "DB", "V1", "V2", "PATH", "ARCHIVE")


class Option(Struct, frozen=True):
    """An option: its spellings, what it takes (``value`` is what ``--help`` calls it)."""

    names: tuple[str, ...]
    help: str
    value: str
    choices: tuple[str, ...]
    kind: Kind
    repeatable: bool = False


class Argument(Struct, frozen=True):
    """A positional argument as ``--help`` calls it; ``many`` when it may come repeatedly."""

    name: str
    help: str
    choices: tuple[str, ...]
    kind: Kind
    many: bool


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


def program() -> Command:
    """Return the program with all of its commands."""
    top = (
        Option(("-h", "--help"), "show this help", "", (), "none"),
        Option(("-V", "--version"), "show the version", "", (), "none"),
    )
    there = {name: about for name, about in COMMANDS.items() if _is_there(about[0])}
    commands = tuple(_command(name, *about) for name, about in there.items())
    return Command(
        ("patchlint",),
        "finds kernel patches that move a cleanup out of the task that promised it",
        "patchlint COMMAND [OPTIONS] [ARGUMENT...]",
        top,
        (),
        commands,
        "",
    )


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(f"patchlint.cli.{module}") is not None


def _command(name: str, module: str, about: str) -> Command:
    parser = argparse.ArgumentParser(prog=f"patchlint {name}", description=about)
    importlib.import_module(f"patchlint.cli.{module}").add_arguments(parser)
    return _read(parser, ("patchlint", name), about)


def _read(parser: argparse.ArgumentParser, path: tuple[str, ...], about: str) -> Command:
    options: list[Option] = []
    arguments: list[Argument] = []
    commands: list[Command] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to look
        if action.help == argparse.SUPPRESS:
            continue
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            helps = {one.dest: one.help or "" for one in action._choices_actions}  # noqa: SLF001
            commands += [
                _read(below, (*path, name), helps.get(name, ""))
                for name, below in action.choices.items()
            ]
        elif action.option_strings:
            options.append(_option(action))
        else:
            arguments.append(_argument(action))
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return Command(
        path, about, usage, tuple(options), tuple(arguments), tuple(commands), parser.epilog or ""
    )


def _option(action: argparse.Action) -> Option:
    value = "" if action.nargs == 0 else _called(action)
    return Option(
        names=tuple(action.option_strings),
        help=_help(action),
        value=value,
        choices=_choices(action),
        kind=_kind(value) if value else "none",
        repeatable=isinstance(action, argparse._AppendAction),  # noqa: SLF001 - likewise
    )


def _argument(action: argparse.Action) -> Argument:
    name = _called(action)
    many = action.nargs in {"*", "+", argparse.REMAINDER}
    return Argument(name, _help(action), _choices(action), _kind(name), many)


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


def _kind(value: str) -> Kind:
    if value in _FOLDERS:
        return "folder"
    return "file" if value in _FILES else "text"
