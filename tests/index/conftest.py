"""A git repository that takes one set of files after another."""

from __future__ import annotations

import os
import subprocess

import pytest

from patchlint.patch.trees import open_tree


@pytest.fixture
def git_tree(tmp_path):
    """Return a function that commits files to one repository and gives the commit's tree."""
    folder = tmp_path / "repository"

    def git(*arguments):
        subprocess.run(
            ["git", "-C", str(folder), "-c", "user.name=Ann", "-c", "user.email=ann@example.org",
             *arguments],
            check=True,
            capture_output=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
            | {"GIT_CONFIG_GLOBAL": os.devnull},
        )  # fmt: skip

    def commit(files):
        if not folder.exists():
            folder.mkdir()
            git("init", "-q")
        git("rm", "-r", "-q", "-f", "--ignore-unmatch", ".")
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", "files")
        return open_tree(folder)

    return commit
