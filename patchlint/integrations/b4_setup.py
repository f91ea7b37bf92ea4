"""Writes b4's check commands to the user's git configuration, and takes them out again.

b4 runs its checkpatch default only while a key has no value: where patchlint's is the
first, the default is written beside it.  What was added is remembered under
``patchlint.b4Added``, so that removing takes out that and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import site
import sys
from pathlib import Path
from typing import Final

from msgspec import Struct

import patchlint
from patchlint.integrations import trees
from patchlint.outside import programs

_ADDED: Final = "patchlint.b4Added"
_CHECKPATCH: Final = "./scripts/checkpatch.pl -q --terse --no-summary --mailback"

#: key -> (what patchlint runs there, what b4 runs by default while the key is empty)
_KEYS: Final[dict[str, tuple[str, str]]] = {
    "b4.prep-perpatch-check-cmd": ("b4 check", f"{_CHECKPATCH} --showfile"),
    "b4.am-perpatch-check-cmd": ("b4 check", _CHECKPATCH),
    "b4.review-perpatch-check-cmd": ("b4 review-check", "_builtin_checkpatch"),
    "b4.review-series-check-cmd": ("b4 review-check --series", ""),
}


class Line(Struct, frozen=True):
    """One value of git's configuration."""

    key: str
    value: str

    def __str__(self) -> str:
        """``key = value``."""
        return f"{self.key} = {self.value}"


def plan(scope: str, cwd: str | None = None) -> tuple[Line, ...]:
    """Return the values that are missing in ``scope`` (``global`` or ``local``)."""
    lines: list[Line] = []
    for key, (arguments, default) in _KEYS.items():
        here = _values(f"--{scope}", key, cwd)
        anywhere = _values("", key, cwd)
        if command(arguments) in here:
            continue
        lines.append(Line(key, command(arguments)))
        others = [value for value in anywhere if not _is_ours(value, arguments)]
        if not others and default:
            lines.append(Line(key, _guarded(default, scope, cwd)))
    return tuple(lines)


def write(lines: tuple[Line, ...], scope: str, cwd: str | None = None) -> None:
    """Add ``lines`` to the configuration of ``scope`` and remember them."""
    write_launcher()
    for line in lines:
        programs.git("config", f"--{scope}", "--add", line.key, line.value, cwd=cwd)
        programs.git("config", f"--{scope}", "--add", _ADDED, f"{line.key} {line.value}", cwd=cwd)


def added(scope: str, cwd: str | None = None) -> tuple[Line, ...]:
    """Return what an earlier set-up added to ``scope``."""
    pairs = (value.partition(" ") for value in _values(f"--{scope}", _ADDED, cwd))
    return tuple(Line(key, value) for key, _, value in pairs)


def remove(scope: str, cwd: str | None = None) -> tuple[Line, ...]:
    """Take out what set-up added to ``scope``; return what was there and is gone."""
    gone = []
    for line in added(scope, cwd):
        if line.value in _values(f"--{scope}", line.key, cwd):
            _unset(scope, line.key, line.value, cwd)
            gone.append(line)
        _unset(scope, _ADDED, f"{line.key} {line.value}", cwd)
    _remove_launcher(cwd)
    return tuple(gone)


def command(arguments: str) -> str:
    """Return the command for ``arguments`` as b4 splits it: that of the launcher."""
    return f"{shlex.quote(str(launcher()))} {arguments}"


def launcher() -> Path:
    """Return the path of the script that b4 runs, whether it is there or not.

    b4 stops with a traceback at a command that is not there, and shows what the command's
    file is called.  So it gets a file that stays when the installation goes, and that needs
    no PATH to find it.
    """
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local/share") / "patchlint" / "patchlint"


_LAUNCHER: Final = """\
#!/bin/sh
# Put here by "patchlint b4 setup"; "patchlint b4 remove" takes it away.
python={python}
package={package}
if [ -x "$python" ] && [ -d "$package" ]; then
{found}	exec "$python" -P -m patchlint.cli.main "$@"
fi
case "$2" in
review-check) printf '%s\\n' {answer} ;;
*) printf '%s\\n' {text} ;;
esac
"""


#: for a package that the interpreter does not find by itself, or not first
_FOUND: Final = """\
	PYTHONPATH=${package%/*}${PYTHONPATH:+:$PYTHONPATH}
	export PYTHONPATH
"""


def _installed(package: str) -> bool:
    """Whether a package lies where this interpreter has what was installed for it."""
    places = [*site.getsitepackages(), site.getusersitepackages()]
    return str(Path(package).parent) in {str(Path(place).resolve()) for place in places}


def write_launcher() -> None:
    """Put the launcher in place for this very program."""
    python, package = sys.executable, str(Path(patchlint.__file__).resolve().parent)
    text = f"patchlint cannot run: {python} or {package} is gone; install it again"
    gone = {"tool": "patchlint", "status": "warn", "summary": text, "url": "", "details": ""}
    script = _LAUNCHER.format(
        python=shlex.quote(python),
        package=shlex.quote(package),
        found="" if _installed(package) else _FOUND,
        answer=shlex.quote(json.dumps([gone])),
        text=shlex.quote(text),
    )
    path = launcher()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.new")
    partial.write_text(script, encoding="utf-8")
    partial.chmod(0o755)
    partial.replace(path)


def _remove_launcher(cwd: str | None) -> None:
    """Take the launcher away, unless another scope still runs it."""
    path = launcher()
    values = [value for key in _KEYS for value in _values("", key, cwd)]
    if not any(str(path) in value for value in values):
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def outdated(scope: str, cwd: str | None = None) -> tuple[Line, ...]:
    """Return what runs patchlint in ``scope`` by another command than set-up would write."""
    return tuple(
        Line(key, value)
        for key, (arguments, _) in _KEYS.items()
        for value in _values(f"--{scope}", key, cwd)
        if _is_ours(value, arguments) and value != command(arguments)
    )


def take_out(lines: tuple[Line, ...], scope: str, cwd: str | None = None) -> None:
    """Take ``lines`` out of ``scope``, and the memory of having added them."""
    for line in lines:
        _unset(scope, line.key, line.value, cwd)
        _unset(scope, _ADDED, f"{line.key} {line.value}", cwd)


def _is_ours(value: str, arguments: str) -> bool:
    return value.endswith(f" {arguments}") and "patchlint" in value


def _guarded(default: str, scope: str, cwd: str | None) -> str:
    """Return checkpatch's command, as one that passes where there may be no checkpatch.

    b4 stops with a traceback at a command that is not there.
    """
    if default.startswith("_"):
        return default
    script = default.split(maxsplit=1)[0]
    here = trees.top(cwd)
    if scope == "local" and here and os.access(Path(here) / script, os.X_OK):
        return default
    return f"sh -c 'test ! -x {script} || exec {default}'"


def _values(scope: str, key: str, cwd: str | None) -> list[str]:
    options = [scope] if scope else []
    out = programs.git("config", *options, "-z", "--get-all", key, cwd=cwd, accept=(0, 1))
    return [value for value in out.split("\0") if value]


def _unset(scope: str, key: str, value: str, cwd: str | None) -> None:
    """Take one value out; git wants it as a pattern, ``--fixed-value`` makes it literal."""
    programs.git(
        "config", f"--{scope}", "--fixed-value", "--unset-all", key, value, cwd=cwd, accept=(0, 5)
    )
