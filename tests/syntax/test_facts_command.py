from __future__ import annotations

import json
from typing import TYPE_CHECKING

from patchlint.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXT = """\
static DECLARE_WORK(work, work_fn);
static int f(struct thing *t)
{
\tif (t)
\t\tfput(t->file);
\tt->fn = work_fn;
\treturn 0;
}
"""


def test_text_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.c"
    path.write_text(TEXT)
    assert main(["facts", str(path)]) == 0
    assert capsys.readouterr().out == (
        "2-8: static int f(struct thing t)\n"
        "  5: fput(t->file)  [if t]\n"
        "  6: t->fn = work_fn\n"
        "1: DECLARE_WORK(work, work_fn)\n"
    )


def test_json_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.c"
    path.write_text(TEXT)
    assert main(["facts", str(path), "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["functions"][0]["calls"][0]["callee"] == "fput"
    assert printed["macros"] == [{"name": "DECLARE_WORK", "args": ["work", "work_fn"], "line": 1}]


def test_one_function(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.c"
    path.write_text(TEXT)
    assert main(["facts", str(path), "--function", "f", "--function", "g"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("2-8: static int f(")
    assert "DECLARE_WORK" not in printed.out
    assert printed.err == f"patchlint: {path}: no function g\n"


def test_an_unreadable_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["facts", str(tmp_path / "none.c")]) == 2
    assert "none.c" in capsys.readouterr().err
