"""What the documents list is what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchlint.cli.stats import EPILOG
from patchlint.report.render import FORMATS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_stands_in_the_readme(form):
    assert f"`{form}`" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_paragraphs_of_the_help_of_stats_are_wrapped_alike():
    for paragraph in EPILOG.split("\n\n")[1:]:
        *lines, _last = paragraph.splitlines()
        assert all(75 <= len(one) <= 95 for one in lines)
