"""A file of findings that are known already: of a tree, or of a job that checks again and again.

One JSON object; its findings are accepted by their fingerprints.  It counts only where the
reader names it, as an option or in their own configuration.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.integrations.config import Acceptance
    from patchlint.model.finding import Finding

SCHEMA: Final = "patchlint-baseline/1"
REASON: Final = "known before"
#: begins the origin of an acceptance out of a baseline
ORIGIN: Final = "baseline "


def acceptances(path: str) -> list[Acceptance]:
    """The findings of the file at ``path``, as acceptances.

    Raises ``ConfigError`` when it cannot be read or is no baseline.
    """
    from patchlint.integrations.config import Acceptance

    return [
        Acceptance(entry["fingerprint"], str(entry.get("reason") or REASON), ORIGIN + path)
        for entry in _entries(path)
    ]


def write(path: str, findings: Iterable[Finding]) -> int:
    """Add ``findings`` to the file at ``path`` and return how many it then has.

    What it held stays, reasons and all: the next mail brings other findings than this one.
    Raises ``ConfigError`` when a file is there that is no baseline, ``OSError`` when it
    cannot be written.
    """
    if Path(path).exists() and not Path(path).is_file():
        from patchlint.integrations.config import ConfigError

        raise ConfigError(f"{path}: is no file that a baseline could be written to")
    known = {entry["fingerprint"]: entry for entry in _entries(path)} if Path(path).exists() else {}
    for finding in findings:
        known.setdefault(finding.fingerprint, _entry(finding))
    rows = sorted(known.values(), key=lambda one: (str(one.get("path")), str(one["fingerprint"])))
    text = json.dumps({"schema": SCHEMA, "findings": rows}, indent=2) + "\n"
    partial = Path(f"{path}.new")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return len(rows)


def _entry(finding: Finding) -> dict[str, Any]:
    """What a reader of the file needs to know the finding again; no line, since those move."""
    return {
        "fingerprint": finding.fingerprint,
        "rule": finding.rule,
        "path": finding.path,
        "function": finding.function,
        "cleanup": finding.cleanup,
    }


def _entries(path: str) -> list[dict[str, Any]]:
    from patchlint.integrations.config import ConfigError

    if Path(path).is_char_device():  # it may have no end
        raise ConfigError(f"{path}: is a device, not a baseline")
    try:
        held = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror} (--write-baseline makes it)") from error
    except ValueError as error:
        raise ConfigError(f"{path}: is no baseline: {error}") from error
    entries = held.get("findings") if isinstance(held, dict) else None
    if not isinstance(entries, list) or held.get("schema") != SCHEMA:
        raise ConfigError(f"{path}: is no baseline: it lacks the schema {SCHEMA}")
    for entry in entries:
        if not (isinstance(entry, dict) and isinstance(entry.get("fingerprint"), str)):
            raise ConfigError(f"{path}: is no baseline: an entry has no fingerprint")
    return entries
