"""Rows of one name that speak of different kernels: the version at hand picks."""

from __future__ import annotations

import pytest
from series_kit import DIRECT, PATH, QUEUED, mails, mbox, repository

from patchlint.cli.main import main
from patchlint.ruleset.load import RuleError, load
from patchlint.run import Options, check

ROW = """
[[cleanup]]
name = "lamp_put"
kind = "{kind}"
releases = "a lamp"
file = "drivers/lamp/core.c"
evidence = "drivers/lamp/core.c:10"
{bounds}
"""


def house(tmp_path, *rows, name="house"):
    root = tmp_path / name
    (root / "kernel" / "cleanups").mkdir(parents=True)
    text = 'family = "device"\n' + "".join(ROW.format(kind=k, bounds=b) for k, b in rows)
    (root / "kernel" / "cleanups" / "lamp.toml").write_text(text)
    return root


OLD = ("sync", 'until = "6.4"')
NEW = ("async", 'since = "6.5"')


@pytest.mark.parametrize("rows", [(OLD, NEW), (NEW, OLD)])
def test_the_kernel_picks_the_row_and_without_one_the_newest_counts(rows, tmp_path):
    rules = load([house(tmp_path, *rows)])
    assert rules.kernel.cleanups["lamp_put"].kind == "async"
    assert rules.at((6, 1)).kernel.cleanups["lamp_put"].kind == "sync"
    assert rules.at((6, 4)).kernel.cleanups["lamp_put"].kind == "sync"
    assert rules.at((6, 5)).kernel.cleanups["lamp_put"].kind == "async"
    assert rules.at((7, 0)).kernel.cleanups["lamp_put"].kind == "async"
    # nothing else changes
    assert rules.at((6, 1)).kernel.waits == rules.kernel.waits


def test_three_rows_of_a_name(tmp_path):
    middle = ("wrap", 'since = "6.5"\nuntil = "6.9"')
    last = ("async", 'since = "6.10"')
    rules = load([house(tmp_path, last, OLD, middle)])
    kinds = [rules.at(v).kernel.cleanups["lamp_put"].kind for v in ((6, 1), (6, 9), (6, 10))]
    assert kinds == ["sync", "wrap", "async"]


@pytest.mark.parametrize("bounds", ['since = "6.4"', "", 'until = "6.2"'])
def test_rows_whose_kernels_meet_contradict_each_other(bounds, tmp_path):
    with pytest.raises(RuleError, match="'lamp_put' stands here twice"):
        load([house(tmp_path, OLD, ("async", bounds))])


def test_a_folder_of_ones_own_overrides_all_rows_of_a_name(tmp_path):
    both = house(tmp_path, OLD, NEW)
    own = house(tmp_path, ("memory", ""), name="own")
    rules = load([both, own])
    assert rules.at((6, 1)).kernel.cleanups["lamp_put"].kind == "memory"
    assert rules.kernel.cleanups["lamp_put"].kind == "memory"


def test_a_single_row_of_other_kernels_stays(tmp_path):
    """The mail may be made for another kernel than the tree at hand."""
    rules = load([house(tmp_path, NEW)])
    assert rules.at((6, 1)).kernel.cleanups["lamp_put"].kind == "async"


def test_explain_tells_all_rows(tmp_path, capsys):
    assert main(["explain", "lamp_put", "--rules", str(house(tmp_path, OLD, NEW))]) == 0
    said = capsys.readouterr().out
    assert "defers itself in any context" in said
    assert "works inside the call" in said
    assert ", until 6.4" in said


def limitations(tmp_path, makefile):
    tree = repository(tmp_path / "tree", {PATH: DIRECT, "Makefile": makefile})
    (tmp_path / "in.mbox").write_text(mbox(mails(DIRECT, QUEUED)))
    report = check([str(tmp_path / "in.mbox")], Options(tree=str(tree)))
    return [one.message for one in report.limitations if one.stage == "tree"]


def test_a_kernel_newer_than_what_the_tables_are_held_against_is_said(tmp_path):
    said = limitations(tmp_path, "# no licence\nVERSION = 7\nPATCHLEVEL = 9\nSUBLEVEL = 0\n")
    assert (
        "the tables are held against 6.1 and 6.12; what changed until 7.9 may be unknown"
        in (said[0])
    )


@pytest.mark.parametrize("makefile", ["VERSION = 6\nPATCHLEVEL = 12\n", "all:\n"])
def test_nothing_is_said_of_a_kernel_they_are_held_against(makefile, tmp_path):
    assert limitations(tmp_path, makefile) == []
