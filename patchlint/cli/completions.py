"""``patchlint completions``: completion scripts for bash, zsh and fish.

They are made by shtab when the package is built, and installed where the shells look for
them; the command prints what was installed.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

EPILOG: Final = """\
examples:
  patchlint completions bash > ~/.local/share/bash-completion/completions/patchlint
  patchlint completions zsh > ~/.zfunc/_patchlint
  patchlint completions fish > ~/.config/fish/completions/patchlint.fish

They are installed with the package, below share/ of its prefix: a system-wide
installation, or one of pip's --user, needs none of these commands.

exit status: 0, or 2 when the script is not installed"""

#: shell -> where its script is installed, below the prefix
PLACES: Final = {
    "bash": "share/bash-completion/completions/patchlint",
    "zsh": "share/zsh/site-functions/_patchlint",
    "fish": "share/fish/vendor_completions.d/patchlint.fish",
}

#: what ``--help`` calls values that are folders, and files
_FOLDERS: Final = frozenset({"DIR", "MAILDIR", "TREE", "FOLDER"})
_FILES: Final = frozenset(
    {"FILE", "INPUT", "SOURCE", "MBOX", "STORE", "DB", "V1", "V2", "PATH", "ARCHIVE"}
    | {"FILE|FUNCTION", "FINDING", "KERNEL"}
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the argument of ``completions``."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("shell", choices=tuple(PLACES), help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Print the script of a shell; 2 where none was installed."""
    text = installed(arguments.shell)
    if text is None:
        print(
            "patchlint: no completions here: they are made when the package is installed "
            "(pip install .)",
            file=sys.stderr,
        )
        return 2
    sys.stdout.write(text)
    return 0


def installed(shell: str) -> str | None:
    """Return the script that came with the package, None where there is none."""
    from importlib import metadata
    from pathlib import Path

    try:
        files = metadata.files("patchlint") or ()
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.as_posix().endswith(PLACES[shell]):
            path = Path(str(file.locate()))
            return path.read_text(encoding="utf-8") if path.is_file() else None
    return None


def make(shell: str) -> str:
    """Return the script for ``shell``.  Needs shtab: this is for the build of the package."""
    import shtab

    from patchlint.cli.surface import parser

    top = parser()
    for action in _actions(top):
        if action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(top, shell=shell)).rstrip("\n") + "\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to look
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            for below in action.choices.values():
                yield from _actions(below)
