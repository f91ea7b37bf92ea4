"""The one exception of this stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class RuleError(Exception):
    """A rule or table cannot be used: ``file``, ``line`` (None if unknown), ``message``."""

    def __init__(self, file: Path, message: str, line: int | None = None) -> None:
        """``message`` is one clause that says what is wrong and, where possible, the cure."""
        self.file = file
        self.line = line
        self.message = message
        place = f"{file}:{line}" if line else str(file)
        super().__init__(f"{place}: {message}")


def unreadable(file: Path, error: OSError | UnicodeDecodeError) -> RuleError:
    """What is said of a file that cannot be read as text."""
    if isinstance(error, UnicodeDecodeError):
        return RuleError(file, f"is not UTF-8 at byte {error.start}")
    return RuleError(file, f"cannot be read: {error.strerror or error}")
