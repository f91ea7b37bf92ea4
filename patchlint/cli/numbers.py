"""Types of numeric options, for argparse."""

from __future__ import annotations

from argparse import ArgumentTypeError

from patchlint.model.number import amiss


def above_zero(text: str) -> int:
    """Return a whole number above 0."""
    return int(_held(text, amiss(text)))


def not_below_zero(text: str) -> int:
    """Return a whole number, 0 or above."""
    return int(_held(text, amiss(text, zero=True)))


def seconds(text: str) -> float:
    """Return a time in seconds, above 0."""
    return float(_held(text, amiss(text, whole=False)))


def _held(text: str, why: str) -> str:
    if why:
        raise ArgumentTypeError(why)
    return text
