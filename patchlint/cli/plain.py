"""Reads plain command lines without argparse, whose import takes as long as a small check.

The options are those that a command declares for argparse; whatever is not plain (help, an
abbreviation, a value that argparse would refuse) is left to argparse and its messages.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class _Option:
    """One option; a plain class, which is made faster than a named tuple."""

    def __init__(
        self,
        name: str,
        action: str,
        default: Any,
        choices: Collection[str] | None,
        convert: Callable[[str], Any] | None,
    ) -> None:
        self.name = name
        self.action = action
        self.default = default
        self.choices = choices
        self.convert = convert


class Plain:
    """Takes the declarations that :class:`argparse.ArgumentParser` takes, those of ``check``."""

    epilog = ""

    def __init__(self) -> None:
        self._options: dict[str, _Option] = {}
        self._inputs = ""

    def add_argument(
        self,
        flag: str,
        *,
        action: str = "store",
        default: Any = None,
        choices: Collection[str] | None = None,
        type: Callable[[str], Any] | None = None,  # noqa: A002 - argparse's name
        **_words: Any,
    ) -> None:
        """Take in an option, or the one positional argument, which may come any number of times."""
        if flag.startswith("--"):
            name = flag[2:].replace("-", "_")
            if action == "store_true":
                default = False
            self._options[flag] = _Option(name, action, default, choices, type)
        else:
            self._inputs = flag

    def read(self, arguments: Sequence[str]) -> SimpleNamespace | None:
        """What argparse would return; None where it has something to say, or might."""
        values: dict[str, Any] = {one.name: one.default for one in self._options.values()}
        inputs: list[str] = []
        rest = iter(arguments)
        for argument in rest:
            if argument == "--":
                inputs.extend(rest)
                break
            if argument == "-" or not argument.startswith("-"):
                inputs.append(argument)
                continue
            flag, equals, value = argument.partition("=")
            option = self._options.get(flag)
            if option is None or (option.action == "store_true" and equals):
                return None
            if option.action == "store_true":
                values[option.name] = True
                continue
            if not equals:
                value = next(rest, "--")
                if value.startswith("-"):
                    return None
            if not _takes(option, values, value):
                return None
        return SimpleNamespace(**values, **{self._inputs: inputs})


def _takes(option: _Option, values: dict[str, Any], value: str) -> bool:
    """Set the option in ``values``; False when argparse would refuse ``value``."""
    if option.choices is not None and value not in option.choices:
        return False
    try:
        taken = option.convert(value) if option.convert else value
    except ValueError:
        return False
    values[option.name] = [*values[option.name], taken] if option.action == "append" else taken
    return True
