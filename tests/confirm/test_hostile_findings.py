"""A report that somebody else wrote puts nothing into the script that is made of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "growth"))

import shapes

from patchlint.cli.main import main

pytestmark = pytest.mark.usefixtures("alone")

HOSTILE = (
    "'; touch EVIL; '",
    "$(touch EVIL)",
    "`touch EVIL`",
    "x\ntouch EVIL\n",
    "x\r\ntouch EVIL",
    "\\\ntouch EVIL",
    "x\x1b[31m\u202e\u2028touch EVIL",
    "::error::x\n::error::EVIL",
    "EOF\ntouch EVIL\nEOF",
    "%s%n${PATH}EVIL",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_report_becomes_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    mail = tmp_path / "x.mbox"
    mail.write_text(shapes.SERIES["functions"](1), encoding="utf-8")
    assert main(["check", "--no-tree", "--format", "json", str(mail)]) == 1
    report = json.loads(capsys.readouterr().out)
    (finding,) = report["findings"]
    for key in ("function", "cleanup", "path", "message", "fingerprint", "condition", "rule"):
        changed = {**finding, key: f"{finding.get(key) or ''}{text}"}
        made(tmp_path, capsys, {**report, "findings": [changed]})
    for key in ("callback", "mechanism", "context"):
        after = {**finding["after"], key: f"{finding['after'][key]}{text}"}
        made(tmp_path, capsys, {**report, "findings": [{**finding, "after": after}]})
    series = [{**report["series"][0], "subject": text}]
    made(tmp_path, capsys, {**report, "series": series})


def made(folder: Path, capsys: pytest.CaptureFixture[str], report: object) -> None:
    """Every line of the script that has some of the text is a comment, or quoted."""
    path = folder / "evil.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    status = main(["confirm", str(path)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert status in {0, 2}
    if status == 2:
        return
    script = said.out
    assert not any(hidden in script for hidden in "\x1b\u202e\u2028\r")
    assert not [line for line in script.splitlines() if line.startswith("::")]
    assert subprocess.run(["sh", "-n"], input=script.encode(), check=False).returncode == 0
    lines = script.splitlines()
    bare = [line for line in lines if "EVIL" in line and not line.lstrip().startswith("#")]
    for line in bare:
        # what is no comment is inside of single quotes, which nothing in it ends
        assert line.count("'") >= 2
    done = subprocess.run(
        ["sh", "-c", "\n".join(line for line in lines if "EVIL" in line)],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode is not None
    assert not (folder / "EVIL").exists()
