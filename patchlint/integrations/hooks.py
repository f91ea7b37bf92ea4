"""Putting git hooks in place and taking them out again, leaving all else as it was.

A hook that stands there already is kept beside ours under another name and runs first,
with the same arguments and input; its exit status counts.  ``core.hooksPath`` and work
trees are git's to resolve: git is asked for the folder.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

import patchlint
from patchlint.outside import programs

if TYPE_CHECKING:
    from collections.abc import Sequence

HOOKS: Final = ("sendemail-validate", "applypatch-msg", "pre-push")
KEPT_SUFFIX: Final = ".before-patchlint"
_MARK: Final = "# patchlint-hook 1"
_MADE_FOLDER: Final = " made-folder"

_SCRIPT: Final = """\
#!/bin/sh
# Put here by "patchlint hook install"; "patchlint hook remove" puts things back.
{mark}
kept="${{0%/*}}/{name}{suffix}"
python={python}
fail_on="${{PATCHLINT_FAIL_ON:-{fail_on}}}"
{chain}
if ! [ -x "$python" ]; then
	echo "patchlint: the hook $0 cannot run: $python is gone." >&2
	echo "patchlint: install patchlint again, or delete that file." >&2
	exit 2
fi
{feed}"$python" -ISc 'import sys
sys.path.insert(0, sys.argv[1])
from patchlint.integrations.hook_run import start
sys.exit(start(sys.argv[2:]))' {package} {name} ${{fail_on:+--fail-on "$fail_on"}} -- "$@"
"""
_CHAIN: Final = """\
if [ -x "$kept" ]; then
	"$kept" "$@" || exit $?
fi"""
#: A pre-push hook reads the refs from standard input: both hooks get them.
_CHAIN_INPUT: Final = """\
refs=$(cat)
feed() { if [ -n "$refs" ]; then printf '%s\\n' "$refs"; fi; }
if [ -x "$kept" ]; then
	feed | "$kept" "$@" || exit $?
fi"""


class HookError(Exception):
    """The hook cannot be put in place or taken out; the text says why."""


class Change(Struct, frozen=True):
    """What was done to one hook, and where."""

    hook: str
    path: str
    what: str


def folder(repository: str | None = None) -> Path:
    """Return the absolute path of the folder that git runs hooks from."""
    try:
        path = programs.git(
            "rev-parse", "--path-format=absolute", "--git-path", "hooks", cwd=repository
        )
    except programs.ProgramError as error:
        raise HookError(str(error)) from error
    return Path(path.rstrip("\n"))


def install(
    names: Sequence[str], repository: str | None = None, fail_on: str = ""
) -> tuple[Change, ...]:
    """Put the hooks ``names`` in place and return what was done for each."""
    place = folder(repository)
    return tuple(_install_one(name, place, fail_on) for name in names)


def remove(names: Sequence[str], repository: str | None = None) -> tuple[Change, ...]:
    """Take the hooks ``names`` out, kept ones back in; return what was done for each."""
    place = folder(repository)
    return tuple(_remove_one(name, place) for name in names)


def _install_one(name: str, place: Path, fail_on: str) -> Change:
    path, kept = place / name, place / (name + KEPT_SUFFIX)
    made_folder = not place.is_dir()
    what = "installed"
    ours = _own_marks(path)
    if ours is not None:
        made_folder = ours.endswith(_MADE_FOLDER)
        what = "renewed"
    elif os.path.lexists(path):
        if os.path.lexists(kept):
            raise HookError(f"{path} is not patchlint's, yet {kept} is there already")
        what = f"installed, runs {kept.name} first"
    elif os.path.lexists(kept):
        raise HookError(f"{kept} is there, but {path} is not: put one of them right first")
    try:
        place.mkdir(parents=True, exist_ok=True)
        if ours is None and os.path.lexists(path):
            path.rename(kept)
        _write(path, script(name, fail_on, made_folder=made_folder))
    except OSError as error:
        raise HookError(f"{path}: {error.strerror}") from error
    return Change(name, str(path), what)


def _remove_one(name: str, place: Path) -> Change:
    path, kept = place / name, place / (name + KEPT_SUFFIX)
    ours = _own_marks(path)
    if ours is None:
        there = "is not patchlint's and stays" if os.path.lexists(path) else "is not there"
        return Change(name, str(path), there)
    try:
        if os.path.lexists(kept):
            kept.replace(path)
            return Change(name, str(path), "removed, the hook before it is back")
        path.unlink()
        if ours.endswith(_MADE_FOLDER) and not any(place.iterdir()):
            place.rmdir()
    except OSError as error:
        raise HookError(f"{path}: {error.strerror}") from error
    return Change(name, str(path), "removed")


def script(name: str, fail_on: str = "", *, made_folder: bool = False) -> str:
    """Return the text of the hook ``name``.

    The interpreter stands in it by its path, and starts with nothing but the standard
    library and patchlint: that is fast, and no module of the folder one stands in, which
    may be a stranger's tree, can be loaded.
    """
    reads_input = name == "pre-push"
    return _SCRIPT.format(
        mark=_MARK + (_MADE_FOLDER if made_folder else ""),
        name=name,
        suffix=KEPT_SUFFIX,
        python=shlex.quote(sys.executable),
        package=shlex.quote(str(Path(patchlint.__file__).resolve().parents[1])),
        fail_on=fail_on,
        chain=_CHAIN_INPUT if reads_input else _CHAIN,
        feed="feed | " if reads_input else "exec ",
    )


def _own_marks(path: Path) -> str | None:
    """Return the mark line of a hook of ours, None for any other file or none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(2000).splitlines()
    except OSError:
        return None
    return next((line for line in head if line.startswith(_MARK)), None)


def _write(path: Path, text: str) -> None:
    """Put an executable file in place at once: git never meets half of it."""
    partial = path.with_name(path.name + ".patchlint-new")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o755)
    partial.replace(path)
