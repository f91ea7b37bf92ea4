"""What was probably meant by an input that is no patch, in one sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from patchlint.model.contents import kind

_SOURCES: Final = {".c", ".h", ".s", ".rs"}
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")
_RANGE: Final = re.compile(r"\.\.|\^[!@-]|@\{")
_GLOB: Final = re.compile(r"[*?\[]")
_CHANGES: Final = (
    "patchlint checks changes: git format-patch --stdout A..B | patchlint check -, or"
    " patchlint check --tree DIR A..B"
)


def hint(name: str, tree: str | None) -> str | None:
    """Return what may help with the input ``name``, which could not be checked.

    None where nothing helps more than the error that is shown already.
    """
    path = Path(name)
    try:
        if path.is_dir():
            return _folder(name, path)
        if path.is_file():
            return _file(name, path)
    except (OSError, ValueError):
        return None
    if _GLOB.search(name):
        return f"the shell found no file for '{name}'"
    if tree is None and _RANGE.search(name):
        return "a range is looked up in a tree: stand in that of a kernel, or give --tree DIR"
    return _word(name)


def _folder(name: str, path: Path) -> str | None:
    if (path / "MAINTAINERS").is_file() and (path / "Kbuild").is_file():
        return f"that is a kernel tree, and {_CHANGES.replace('DIR', name)}"
    if any(one.suffix.lower() in _SOURCES for one in path.iterdir()):
        return f"that is a folder of source, and {_CHANGES}"
    return None


def _file(name: str, path: Path) -> str | None:
    if path.suffix.lower() in _SOURCES:
        return f"that is a source file, and {_CHANGES}; patchlint facts {name} tells of the file"
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"SQLite format 3\0"):
        return f"that is a database; if patchlint scan wrote it: patchlint findings {name}"
    if kind(head) == "a git bundle":
        return (
            f"git fetch {name} BRANCH in a clone takes the commits out of it; then"
            " patchlint check --tree DIR RANGE, as ..FETCH_HEAD"
        )
    if head.lstrip().startswith(b"{"):
        return "that is JSON: a report is what patchlint check prints, not what it reads"
    return None


def _word(name: str) -> str | None:
    """What is known under a name that is no file and nothing of git's."""
    from patchlint.ruleset.load import RuleError, load

    if _FINGERPRINT.fullmatch(name):
        return f"if that is a fingerprint: patchlint config accept {name} --reason TEXT"
    try:
        known = {rule.id for rule in load().rules}
    except RuleError:
        return None
    if name in known:
        return f"that is a rule: patchlint explain {name}, patchlint check --rule {name} INPUT"
    return None
