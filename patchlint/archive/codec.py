"""Nouns to plain JSON values and back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, TypeVar

Noun = TypeVar("Noun")


def dump(value: object) -> str:
    """Return ``value`` (dataclasses, tuples, plain values) as compact JSON, keys in order."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """Return ``value`` with dataclasses as dictionaries and tuples as lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def parse(text: str) -> Any:
    """Return the plain value that a JSON column holds."""
    return json.loads(text)


def load_all(kind: type[Noun], text: str) -> tuple[Noun, ...]:
    """Return the flat dataclasses of type ``kind`` that :func:`dump` wrote as a list.

    Keys that ``kind`` does not have are passed over: a newer program wrote them.
    """
    names = {item.name for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return tuple(
        kind(**{name: _tuple(value) for name, value in one.items() if name in names})
        for one in json.loads(text)
    )


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
