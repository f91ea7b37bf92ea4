"""A series that costs too much is given up with what was found, and that is said."""

from __future__ import annotations

import gc
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import shapes

from patchlint.analysis import steps
from patchlint.cli.main import main
from patchlint.model.budget import Budget, OutOfBudgetError, limited
from patchlint.outside.alarm import time_limit
from patchlint.patch import diff
from patchlint.run import Options, check, load_rules
from patchlint.syntax import facts, parse
from patchlint.syntax.text import LONGEST_LINE

pytestmark = pytest.mark.usefixtures("alone")

MAIL = shapes.SERIES["patches"](2).encode()
#: rows that the parser tries to make an expression of, each longer than the one before
PUZZLE = b"#define x \\\n" + (b"+" * 74 + b"=\n") * 800


def busy(*_: object) -> None:
    while True:
        pass


def rings(*_: object) -> None:
    """Work that is met by the alarm, whenever that would be: the machine's load decides nothing."""
    signal.raise_signal(signal.SIGALRM)
    busy()


def test_work_that_does_not_ask_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "parse", busy)
    report = check(["-"], Options(no_tree=True, limit=0.2), MAIL)
    (said,) = report.errors
    assert "given up: it takes more than 0.2 s" in said.message
    assert said.message.startswith("[PATCH 1/2] vfs: demo: the check of this series was given up")
    assert not report.findings


def test_what_was_found_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = check(["-"], Options(no_tree=True), MAIL)
    assert [finding.patch for finding in whole.findings] == [1, 2]
    real = steps.replace
    given = iter([True])

    def second(one: object, **changes: object) -> object:
        if "patch" in changes and not next(given, False):
            raise OutOfBudgetError
        return real(one, **changes)

    monkeypatch.setattr(steps, "replace", second)
    report = check(["-"], Options(no_tree=True), MAIL)
    assert [finding.patch for finding in report.findings] == [1]
    assert any("given up" in one.message for one in report.limitations)


@pytest.mark.parametrize("stage", ["borrow", "whole"])
def test_a_tree_that_takes_too_long_leaves_what_the_mail_alone_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stage: str
) -> None:
    place = {"borrow": "patchlint.graph.borrow.borrow", "whole": "patchlint.analysis.series._whole"}
    monkeypatch.setattr(place[stage], rings)
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs" / "other.c").write_text("int other;\n")
    report = check(["-"], Options(tree=str(tmp_path), limit=60.0), MAIL)
    assert [finding.patch for finding in report.findings] == [1, 2]
    assert all(report.series[finding.series].patches for finding in report.findings)
    said = [*report.limitations, *report.errors]
    assert any("given up: it takes more than 60 s" in one.message for one in said)


def test_series_behind_one_that_costs_too_much_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = diff.parse
    calls = iter([True])
    monkeypatch.setattr(diff, "parse", lambda text: busy() if next(calls, False) else real(text))
    alone = [shapes.mail(shapes.file(f"fs/x{at}.c", shapes.moved(at)), 1) for at in (1, 2)]
    start = "From x@y Thu Jan  1 00:00:00 1970\n"
    text = "\n".join(
        start + one.replace("<1@", f"<{at}@a").replace("In-Reply-To: <0@example.org>\n", "")
        for at, one in enumerate(alone)
    )
    report = check(["-"], Options(no_tree=True, limit=3.0), text.encode())
    assert len(report.findings) == 1
    assert ["given up" in one.message for one in report.errors] == [True]


def test_a_limit_inside_of_a_limit_leaves_it_in_force() -> None:
    def nested() -> None:
        with time_limit(60):
            pass
        with pytest.raises(OutOfBudgetError, match="than 0.05 s"), time_limit(0.05):  # noqa: RUF043
            busy()
        busy()

    with pytest.raises(OutOfBudgetError, match="than 0.3 s"), time_limit(0.3):  # noqa: RUF043
        nested()
    before = time.monotonic()
    with time_limit(None):
        assert time.monotonic() >= before


def test_an_alarm_that_a_hook_of_the_collector_swallows_rings_again() -> None:
    met = []

    def hook(phase: str, _info: object) -> None:
        if phase == "start" and not met:
            met.append(phase)
            signal.raise_signal(signal.SIGALRM)

    def collected() -> None:
        gc.collect()
        assert met, "the collector called nobody"
        busy()

    before = sys.unraisablehook
    gc.callbacks.append(hook)
    try:
        with pytest.raises(OutOfBudgetError, match="than 60 s"), time_limit(60):
            collected()
    finally:
        gc.callbacks.remove(hook)
    assert sys.unraisablehook is before


def test_the_parser_gives_up_by_steps_and_functions_are_read_alone() -> None:
    text = PUZZLE + b"int h(void)\n{\n\tk();\n}\n"
    assert parse.parse(text) is None
    found = facts.extract_text("fs/x.c", text, load_rules(Options()).kernel.macros)
    assert [one.name for one in found.functions] == ["h"]
    assert found.errors
    assert (1, text.count(b"\n")) in found.unread


def test_the_parser_ends_with_the_budget() -> None:
    text = b"int f(void)\n{\n" + b"\tg(a, b);\n" * 9000 + b"}\n"
    assert parse.parse(text) is not None
    with limited(Budget(work=20)):
        assert parse.parse(text) is None


def test_a_line_that_nobody_wrote_is_not_read() -> None:
    text = b"int f(void)\n{\n\tg();\n\t" + b"x+" * LONGEST_LINE + b";\n\th();\n}\n"
    found = facts.extract_text("fs/x.c", text, load_rules(Options()).kernel.macros)
    assert [call.callee for one in found.functions for call in one.calls] == ["g", "h"]
    assert found.unread == ((4, 4),)


def test_what_is_unread_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mail = tmp_path / "x.patch"
    mail.write_text(shapes.body("x = " + "+" * (LONGEST_LINE + 1) + "1;"), encoding="utf-8")
    assert main(["check", "--no-tree", "--verbose", str(mail)]) == 1
    assert "it is too long" in " ".join(capsys.readouterr().out.split())


def test_the_limit_can_be_set_and_switched_off(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mail = tmp_path / "x.mbox"
    mail.write_bytes(MAIL)
    assert main(["check", "--no-tree", "--time-limit", "0", str(mail)]) == 1
    assert main(["check", "--no-tree", "--time-limit", "x", str(mail)]) == 2
    assert "time-limit" in capsys.readouterr().err
