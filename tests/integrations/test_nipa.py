"""The test folder for NIPA, run as NIPA runs one: in the tree, with a descriptor to write to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "patchlint" / "integrations" / "nipa" / "patchlint"
EXAMPLE = ROOT / "fixtures" / "examples" / "lazy-detach.mbox"
PROGRAM = '#!/bin/sh\nexec "{python}" -m patchlint.cli.main "$@"\n'


@pytest.fixture
def tree(tmp_path):
    """A repository whose HEAD is the example's patch, on the file that it changes."""
    repository = tmp_path / "tree"
    repository.mkdir()
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]

    def git(*arguments, stdin=None):
        subprocess.run(
            ["git", *identity, *arguments],
            cwd=repository, env=environment, input=stdin, check=True, capture_output=True,
        )  # fmt: skip

    git("init", "-q")
    diff = EXAMPLE.read_text().split("\ndiff --git ", 1)[1]
    whole = [line for line in diff.splitlines() if line[:1] in (" ", "-", "+", "@")]
    old: list[str] = []
    for line in whole:
        if line.startswith("@@"):
            first = int(line.split()[1].lstrip("-").split(",")[0])
            old += [""] * (first - 1 - len(old))
        elif line[:1] in (" ", "-") and not line.startswith("---") and line != "-- ":
            old.append(line[1:])
    (repository / "fs").mkdir()
    (repository / "fs" / "detach.c").write_text("\n".join(old) + "\n")
    git("add", "-A")
    git("commit", "-qm", "fs: before")
    git("am", "-q", stdin=EXAMPLE.read_bytes())
    return repository, environment


def run(tree, tmp_path):
    repository, environment = tree
    program = tmp_path / "bin" / "patchlint"
    program.parent.mkdir(exist_ok=True)
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    read, write = os.pipe()
    (script,) = json.loads((FOLDER / "info.json").read_text())["run"]
    done = subprocess.run(
        [FOLDER / script],
        cwd=repository,
        env={
            **environment,
            "PATH": f"{program.parent}:{environment['PATH']}",
            "PYTHONPATH": str(ROOT),
            "DESC_FD": str(write),
        },
        pass_fds=(write,),
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(write)
    with os.fdopen(read) as description:
        return done.returncode, description.read(), done.stdout


def test_a_finding_is_a_warning_and_described_in_one_line(tree, tmp_path):
    status, description, output = run(tree, tmp_path)
    assert status == 250
    assert description.splitlines() == [output.splitlines()[0]]
    assert description.startswith("1 warning")
    assert "mount-put-deferred" in output


def test_a_patch_without_findings_passes(tree, tmp_path):
    repository, environment = tree
    (repository / "README").write_text("nothing\n")
    subprocess.run(["git", "add", "-A"], cwd=repository, env=environment, check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "doc"],
        cwd=repository, env=environment, check=True,
    )  # fmt: skip
    status, description, _ = run(tree, tmp_path)
    assert status == 0
    assert "no promise to user space got weaker" in description
