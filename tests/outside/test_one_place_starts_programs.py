"""A law: nothing outside of patchlint.outside starts a program, in whatever way."""

from __future__ import annotations

import ast
from pathlib import Path

import patchlint

PACKAGE = Path(patchlint.__file__).parent
#: of os and pty; spawn and exec have many spellings
STARTS = ("system", "popen", "posix_spawn", "posix_spawnp", "fork", "forkpty")
FAMILIES = ("spawn", "exec")
#: the hook starts the same interpreter anew, with the same arguments
ALLOWED = {("integrations/hook_run.py", "execv")}
MODULES = {"subprocess", "git", "gitdb", "pty", "asyncio"}


def starts(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in {"os", "pty"}
            and (node.attr in STARTS or node.attr.startswith(FAMILIES))
        ):
            found.add(node.attr)
    return found


def imports(path: Path) -> set[str]:
    """Modules that are imported when the program runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checked = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in checked:
            continue
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_one_place_starts_programs() -> None:
    told = set()
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("outside/"):
            told |= {(name, one) for one in starts(path) | (imports(path) & MODULES)}
    assert told == ALLOWED


def test_the_law_sees_what_it_is_about() -> None:
    assert starts(PACKAGE / "outside" / "programs.py") >= {"posix_spawnp"}
    assert "subprocess" in imports(PACKAGE / "outside" / "programs.py")
    assert "git" in imports(PACKAGE / "outside" / "repository.py")
