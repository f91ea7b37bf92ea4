"""Moved to :mod:`patchlint.outside.programs`."""

from patchlint.outside.programs import ProgramError, git, output, quick

__all__ = ["ProgramError", "git", "output", "quick"]
