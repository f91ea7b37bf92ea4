"""Nouns to plain JSON values and back."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from msgspec import Struct, to_builtins

Noun = TypeVar("Noun", bound=Struct)


def dump(value: object) -> str:
    """Return ``value`` (structs, tuples, plain values) as compact JSON, keys in order."""
    return json.dumps(to_builtins(value), ensure_ascii=False, separators=(",", ":"))


def parse(text: str) -> Any:
    """Return the plain value that a JSON column holds; ``JSONDecodeError`` where it is none."""
    try:
        return json.loads(text)
    except RecursionError as error:  # nothing that is written here is nested like that
        raise json.JSONDecodeError("lists in lists without end", text, 0) from error


def load_all(kind: type[Noun], text: str) -> tuple[Noun, ...]:
    """Return the flat structs of type ``kind`` that :func:`dump` wrote as a list.

    Keys that ``kind`` does not have are passed over: a newer program wrote them.
    """
    names = set(kind.__struct_fields__)
    return tuple(
        kind(**{name: _tuple(value) for name, value in one.items() if name in names})
        for one in parse(text)
    )


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
