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


def test_a_hook_needs_no_cache(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/x")
    mail = repository / "0001-x.patch"
    mail.write_text(shapes.mail(shapes.file("fs/x.c", shapes.moved(0))), encoding="utf-8")
    assert main(["hook", "run", "sendemail-validate", str(mail)]) == 1
