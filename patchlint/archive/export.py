"""A store's tables as JSON Lines, CSV or Parquet, and the metadata for Datasette."""

from __future__ import annotations

import csv
import io
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from patchlint.archive.salvage import JSON, Salvage
from patchlint.model.hidden import HIDDEN, spelled

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from typing import IO

    from patchlint.archive.store import Store

TABLES: Final = (
    "findings", "outcomes", "series", "messages", "limitations", "errors", "runs", "rules",
)  # fmt: skip
FORMATS: Final = ("jsonl", "csv", "parquet")
_ROWS: Final = 5000
_PIECE: Final = 1 << 16


def write(store: Store, table: str, kind: str, out: IO[bytes]) -> tuple[int, bool]:
    """Write ``table`` to ``out`` in one of :data:`FORMATS`; how many rows, and whether all.

    In JSON Lines the columns that hold JSON are written as what they hold, without the
    ending of their name; in the other two they stay text.  Parquet needs pyarrow: raises
    ImportError without it.
    """
    salvage = Salvage(store.connection, _known(table))
    rows = salvage.rows()
    if kind == "jsonl":
        written = _jsonl(rows, out)
    elif kind == "csv":
        written = _csv(store, table, rows, out)
    else:
        written = _parquet(store, table, rows, out)
    return written, not salvage.broken


def _known(table: str) -> str:
    if table not in TABLES:
        raise ValueError(f"no table {table!r}")
    return table


def _jsonl(rows: Iterator[Any], out: IO[bytes]) -> int:
    number = 0
    for row in rows:
        number += 1
        value = {
            name.removesuffix(JSON): json.loads(row[name])
            if name.endswith(JSON) and row[name] is not None
            else row[name]
            for name in row.keys()  # noqa: SIM118 - a row iterates over its values
        }
        out.write(_visible(json.dumps(value, ensure_ascii=False)).encode() + b"\n")
    return number


def _columns(store: Store, table: str) -> list[tuple[str, str]]:
    return [
        (row["name"], row["type"]) for row in store.rows(f'PRAGMA table_info("{_known(table)}")')
    ]


def _csv(store: Store, table: str, rows: Iterator[Any], out: IO[bytes]) -> int:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([name for name, _ in _columns(store, table)])
    number = 0
    for row in rows:
        number += 1
        writer.writerow([_harmless(value) for value in row])
        if text.tell() > _PIECE:
            _flush(text, out)
    _flush(text, out)
    return number


def _flush(text: io.StringIO, out: IO[bytes]) -> None:
    out.write(text.getvalue().encode("utf-8", "replace"))
    text.seek(0)
    text.truncate()


def _harmless(value: object) -> object:
    """``value``, but for a text that a spreadsheet would run, or a terminal obey."""
    if not isinstance(value, str):
        return value
    shown = _visible(value)
    formula = value.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return "'" + shown if formula else shown


def _visible(text: str) -> str:
    """``text`` with its hidden characters spelled out as JSON does it, but for line ends."""
    return text if text.isascii() and text.isprintable() else HIDDEN.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    character = match.group()
    return character if character == "\n" else spelled(character)


def _parquet(store: Store, table: str, rows: Iterator[Any], out: IO[bytes]) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"INTEGER": pa.int64(), "REAL": pa.float64()}
    schema = pa.schema(
        [(name, kinds.get(kind, pa.string())) for name, kind in _columns(store, table)]
    )
    number = 0
    with parquet.ParquetWriter(out, schema) as writer:
        while batch := [dict(row) for _, row in zip(range(_ROWS), rows, strict=False)]:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            number += len(batch)
    return number


def datasette(path: str) -> str:
    """Return the metadata that Datasette shows for the store at ``path``, as JSON."""
    text = files("patchlint.archive").joinpath("datasette.json").read_text(encoding="utf-8")
    metadata = json.loads(text)
    tables = metadata["databases"].pop("*")
    metadata["databases"][Path(path).stem] = tables
    return json.dumps(metadata, indent=2) + "\n"
