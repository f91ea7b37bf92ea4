"""Findings that the user has accepted, each by its fingerprint and with a reason.

They live in git's configuration (``patchlint.accept``), the user's ``config.toml`` or a
baseline that they name, so that neither a tree nor a mail can switch a finding off.  What
an author says in the mail counts only where the reader's configuration says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.model.pattern import lazy
from patchlint.outside import programs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.integrations.config import Acceptance, Settings
    from patchlint.model.finding import Report

KEY = "patchlint.accept"
#: Shortest prefix of a fingerprint that counts, so that a typing slip accepts nothing.
SHORTEST = 8
#: ... and how long a whole one is
LONGEST = 16
FINGERPRINT = lazy(rf"[0-9a-f]{{{SHORTEST},{LONGEST}}}")


def without(report: Report, settings: Settings) -> Report:
    """Return the report with what the reader accepts set apart from what stands."""
    from msgspec.structs import replace

    from patchlint.model.finding import Accepted

    standing, taken = [], list(report.accepted)
    for finding in report.findings:
        match = accepting(finding.fingerprint, finding.author_says, settings)
        if match is None:
            standing.append(finding)
        else:
            taken.append(Accepted(finding, match.reason, match.origin))
    return replace(report, findings=tuple(standing), accepted=tuple(taken))


def accepting(fingerprint: str, author_says: str | None, settings: Settings) -> Acceptance | None:
    """Return what accepts a finding: the reader, or its author where the reader heeds them."""
    match = acceptance(fingerprint, settings.accepted)
    if match is None and author_says and settings.heeds_authors:
        from patchlint.integrations.config import Acceptance

        return Acceptance(fingerprint, author_says, "the author, in the mail")
    return match


def acceptance(fingerprint: str, accepted: Iterable[Acceptance]) -> Acceptance | None:
    """Return what accepts ``fingerprint``: the whole of it, or a prefix long enough."""
    for candidate in accepted:
        if fingerprint == candidate.fingerprint or (
            len(candidate.fingerprint) >= SHORTEST and fingerprint.startswith(candidate.fingerprint)
        ):
            return candidate
    return None


def add(fingerprint: str, reason: str, scope: str, cwd: str | None = None) -> None:
    """Write an acceptance to git's configuration; ``scope`` is ``global`` or ``local``."""
    programs.git("config", f"--{scope}", "--add", KEY, f"{fingerprint} {reason}", cwd=cwd)


def drop(fingerprint: str, scope: str, cwd: str | None = None) -> bool:
    """Take an acceptance out of git's configuration; False when it was not there."""
    pattern = f"^{_quoted(fingerprint)}( |$)"
    held = programs.git("config", f"--{scope}", "--get-all", KEY, pattern, cwd=cwd, accept=(0, 1))
    if not held:
        return False
    programs.git("config", f"--{scope}", "--unset-all", KEY, pattern, cwd=cwd)
    return True


def _quoted(text: str) -> str:
    """Return ``text`` as a regular expression of git's (POSIX extended) that means itself."""
    return "".join(c if c.isalnum() or c in ":-_" else f"[{c}]" for c in text if c != "^")
