from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IGNORED = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]


def copied(to):
    """The source, as a clone of it would stand there."""
    shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns(".git", *IGNORED))
    return to


def built(source, out, kind, **environment):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", out],
        cwd=source,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    (archive,) = out.iterdir()
    return archive


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="a source archive has no index")
def test_what_a_clone_brings_is_the_source_alone():
    """A link or an ignored file that was added by mistake breaks the set-up of each clone."""
    command = ["git", "-C", ROOT, "ls-files"]
    ignored = subprocess.run(
        [*command, "--cached", "--ignored", "--exclude-standard"], capture_output=True, check=True
    )
    modes = subprocess.run([*command, "--stage"], capture_output=True, check=True, text=True)
    assert ignored.stdout == b""
    kinds = {line.split()[0] for line in modes.stdout.splitlines()}
    assert kinds == {"100644", "100755"}


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    top = tmp_path_factory.mktemp("package")
    first, second = copied(top / "a"), copied(top / "b" / "elsewhere")
    for path in second.rglob("*"):
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
        os.utime(path, (1e9, 1e9))
    zone = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "COLUMNS": "50"}
    return {
        kind: (
            built(first, top / f"a-{kind}", kind),
            built(second, top / f"b-{kind}", kind, **zone),
        )
        for kind in ("wheel", "sdist")
    }


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_give_the_same_bytes(archives, kind):
    first, second = archives[kind]
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_the_wheel_made_from_the_sdist_is_the_wheel(archives, tmp_path):
    with tarfile.open(archives["sdist"][0]) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    again = built(source, tmp_path / "out", "wheel")
    assert again.read_bytes() == archives["wheel"][0].read_bytes()


def test_the_wheel_has_tables_completions_and_manual_page(archives):
    with zipfile.ZipFile(archives["wheel"][0]) as wheel:
        names = wheel.namelist()
        (page,) = [name for name in names if name.endswith("share/man/man1/patchlint.1")]
        assert wheel.read(page).startswith(b".TH PATCHLINT 1")
    for part in (
        "/data/share/bash-completion/completions/patchlint",
        "/data/share/zsh/site-functions/_patchlint",
        "/data/share/fish/vendor_completions.d/patchlint.fish",
    ):
        assert sum(name.endswith(part) for name in names) == 1
    for folder, kinds in {"rules": {".toml", ".md"}, "patchlint": {".py", ".sql", ".css"}}.items():
        there = [path for path in (ROOT / folder).rglob("*") if path.suffix in kinds]
        assert there
        for path in there:
            inside = path.relative_to(ROOT).as_posix()
            assert re.sub("^rules/", "patchlint/_rules/", inside) in names


def test_the_sdist_has_what_its_tests_and_ci_read(archives):
    with tarfile.open(archives["sdist"][0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in (".ci/run", ".pre-commit-hooks.yaml", "ARCHITECTURE.md", "hatch_build.py"):
        assert name in names
    assert not [name for name in names if "__pycache__" in name or ".venv" in name]


def test_hints_to_install_name_extras_that_exist():
    extras = set(PROJECT["project"]["optional-dependencies"])
    hint = re.compile(r"patchlint\[([\w,-]+)\]")
    told = {
        name
        for folder, kind in (("patchlint", "*.py"), ("patchlint", "*.md"), (".", "*.md"))
        for path in (ROOT / folder).rglob(kind)
        if not {*IGNORED, "tests"} & set(path.relative_to(ROOT).parts)
        for names in hint.findall(path.read_text(encoding="utf-8"))
        for name in names.split(",")
    }
    assert told
    assert told <= extras


def test_what_an_extra_brings_the_tests_have_too():
    dev = set(PROJECT["dependency-groups"]["dev"])
    for extra, wanted in PROJECT["project"]["optional-dependencies"].items():
        assert {one for one in wanted if not one.startswith("patchlint[")} <= dev, extra


def test_any_folders_of_tests_can_be_collected_together():
    """Modules of tests have no package, so one of a name is there: the first that is read."""
    files = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert len({path.name for path in files}) == len(files)
    asked = re.compile(r"^\s*(?:from|import) conftest\b", re.MULTILINE)
    assert not [path.name for path in files if asked.search(path.read_text(encoding="utf-8"))]
