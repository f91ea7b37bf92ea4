"""A plain folder ends at its own edge, also where a link leads out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.patch.tree_search import Wanted
from patchlint.patch.trees import FolderTree

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_behind_a_link_is_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    for name in ("secret.c", "deep/secret.c"):
        (outside / name).write_text("int secret_name;\n")
    tree = tmp_path / "tree"
    (tree / "fs").mkdir(parents=True)
    (tree / "fs" / "a.c").write_text("int secret_name;\n")
    (tree / "drivers").symlink_to(outside)
    (tree / "fs" / "link.c").symlink_to(outside / "secret.c")
    opened = FolderTree(tree)
    assert opened.read("fs/a.c") == b"int secret_name;\n"
    for name in ("drivers/secret.c", "drivers/deep/secret.c", "fs/link.c", "fs/../a.c"):
        assert opened.read(name) is None
    assert [path for path, _ in opened.list_c()] == ["fs/a.c"]
    for folder in (None, "fs", "drivers", "drivers/deep"):
        found = dict(opened.files_with(Wanted(words=("secret_name",)), folder))
        assert set(found) <= {"fs/a.c"}
