"""Finds the module of a format by its name; it is imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from patchlint.model.finding import Report
    from patchlint.report.style import Style

#: format -> (module in this package, one line for ``--help``)
FORMATS: Final[dict[str, tuple[str, str]]] = {
    "terminal": ("terminal", "for reading: both chains of each finding, grouped by patch"),
    "terse": ("terse", "one line a finding, in checkpatch's shape"),
    "json": ("as_json", "everything, under the fixed keys of patchlint/1"),
    "sarif": ("sarif", "SARIF 2.1.0 with a code flow for before and one for after"),
    "b4": ("b4", "JSON that `b4 review` reads from its check commands"),
    "b4-check": ("b4_check", "lines that `b4 prep --check` and `b4 am` read"),
    "mail": ("mail", "a draft of one reply for each series"),
    "html": ("page", "one page that needs nothing else"),
    "junit": ("junit", "JUnit XML, one test case for each patch"),
    "github": ("github", "workflow commands that become annotations"),
    "gitlab": ("gitlab", "a code quality report"),
    "rdjson": ("rdjson", "diagnostics for reviewdog"),
    "nipa": ("nipa", "a description line and details for a NIPA test"),
}


def render(report: Report, format_name: str, style: Style) -> str:
    """Return ``report`` as text in the named format.

    Every format ends its last line, and a format that has nothing to say returns an
    empty string.  Raises ``ValueError`` for a name that is not in ``FORMATS``.
    """
    try:
        name, _ = FORMATS[format_name]
    except KeyError:
        known = ", ".join(FORMATS)
        raise ValueError(f"unknown format {format_name!r}; there are: {known}") from None
    module = import_module(f"patchlint.report.{name}")
    text: str = module.render(report, style)
    return text
