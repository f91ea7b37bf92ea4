"""Findings that the user has accepted, each by its fingerprint and with a reason.

They live in git's configuration (``patchlint.accept``) or the user's ``config.toml``, so
that neither a tree nor a mail can switch a finding off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchlint.outside import programs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from patchlint.integrations.config import Acceptance
    from patchlint.model.finding import Finding

KEY = "patchlint.accept"
#: Shortest prefix of a fingerprint that counts, so that a typing slip accepts nothing.
SHORTEST = 8


def split(
    findings: Iterable[Finding], accepted: Iterable[Acceptance]
) -> tuple[tuple[Finding, ...], tuple[tuple[Finding, Acceptance], ...]]:
    """Return the findings that stand, and those accepted with what accepts them."""
    known = tuple(accepted)
    standing: list[Finding] = []
    taken: list[tuple[Finding, Acceptance]] = []
    for finding in findings:
        match = acceptance(finding.fingerprint, known)
        if match is None:
            standing.append(finding)
        else:
            taken.append((finding, match))
    return tuple(standing), tuple(taken)


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
