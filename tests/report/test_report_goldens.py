from __future__ import annotations

import pytest
from report_variants import FOLDER, GOLDENS, REPORTS, golden

from patchlint.report.render import FORMATS, render
from patchlint.report.style import Style


@pytest.mark.parametrize("name", GOLDENS)
def test_golden(name):
    assert golden(name).encode() == (FOLDER / name).read_bytes()


def test_each_format_has_a_golden():
    assert {format_name for _, format_name, _ in GOLDENS.values()} == set(FORMATS)


def test_each_golden_is_made_by_something():
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == set(GOLDENS)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("report", REPORTS)
def test_the_last_line_ends(format_name, report):
    text = render(REPORTS[report], format_name, Style())
    assert text == "" or text.endswith("\n")


def test_unknown_format():
    with pytest.raises(ValueError, match="unknown format 'poem'; there are: terminal, terse"):
        render(REPORTS["empty"], "poem", Style())
