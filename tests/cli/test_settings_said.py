"""What the repository that one stands in sets is used, and said when it can hide findings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "growth"))

import shapes

from patchlint.cli.main import main


@pytest.fixture
def repository(alone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = alone / "repository"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / "x.mbox").write_text(shapes.SERIES["patches"](1), encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def said(capsys: pytest.CaptureFixture[str], status: int) -> list[str]:
    assert main(["check", "--no-tree", "--format", "json", "x.mbox"]) == status
    report = json.loads(capsys.readouterr().out)
    return [one["message"] for one in report["limitations"] if one["stage"] == "config"]


def test_nothing_is_said_of_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del repository
    assert said(capsys, 1) == []


def test_a_level_of_the_repository_is_said(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "config", "patchlint.failOn", "never"], cwd=repository, check=True)
    (text,) = said(capsys, 0)
    assert "fail-on is set by the repository" in text
    assert ".git/config" in text


def test_findings_that_the_repository_accepts_are_said(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--no-tree", "--format", "json", "x.mbox"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    value = f"{finding['fingerprint']} it is fine"
    subprocess.run(["git", "config", "patchlint.accept", value], cwd=repository, check=True)
    (text,) = said(capsys, 0)
    assert "accepted by the repository" in text


FORMATS = (
    *("terminal", "terse", "b4", "b4-check", "mail", "junit", "github", "json", "gitlab"),
    *("rdjson", "html", "sarif"),
)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("quiet", [False, True])
def test_a_rule_that_is_left_out_is_said_in_each_format(
    repository: Path, capsys: pytest.CaptureFixture[str], form: str, *, quiet: bool
) -> None:
    command = ["check", "--no-tree", "--format", form, *["--quiet"] * quiet, "x.mbox"]
    assert main(command) == 1
    capsys.readouterr()
    subprocess.run(
        ["git", "config", "patchlint.notRule", "mount-put-deferred"], cwd=repository, check=True
    )
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert (out + err).count("not-rule is set by the repository") == 1
    if form in {"b4", "b4-check"}:
        assert err == ""


def test_a_tree_of_the_repository_is_no_warning_for_b4(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "config", "patchlint.failOn", "never"], cwd=repository, check=True)
    main(["check", "--no-tree", "--format", "b4-check", "x.mbox"])
    assert "fail-on" not in capsys.readouterr().out


def test_a_hook_needs_no_cache(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/x")
    mail = repository / "0001-x.patch"
    mail.write_text(shapes.mail(shapes.file("fs/x.c", shapes.moved(0))), encoding="utf-8")
    assert main(["hook", "run", "sendemail-validate", str(mail)]) == 1
