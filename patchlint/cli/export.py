"""``patchlint export``: a store as JSON Lines, CSV or Parquet."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from patchlint.cli import output
from patchlint.report.text import count

EPILOG: Final = """\
examples:
  patchlint export block.db > findings.jsonl
  patchlint export block.db --table outcomes --format csv --output outcomes.csv
  patchlint export block.db --format parquet --output findings.parquet
  patchlint export block.db --format datasette > metadata.json
  datasette block.db --metadata metadata.json

Of a damaged store what can still be read is written, and said.

exit status: 0 written, 2 the store could not be read, or not all of it, or the file not written"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``export``."""
    from patchlint.archive.export import FORMATS, TABLES

    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("store", metavar="DB", help="a store that patchlint scan wrote")
    parser.add_argument(
        "--format",
        choices=(*FORMATS, "datasette"),
        default="jsonl",
        help="jsonl (default), csv, parquet; datasette: the metadata that it shows",
    )
    parser.add_argument("--table", choices=TABLES, default="findings", help="(default: findings)")
    output.declare(parser)


def run(arguments: argparse.Namespace) -> int:
    """Export; 0, or 2 when the store could not be read or the file not written."""
    from patchlint.archive import export
    from patchlint.archive.store import Store, StoreError

    if not output.spares(arguments.output, [arguments.store]):
        return 2
    try:
        with Store(arguments.store, write=False, salvage=True) as store:
            if arguments.format == "datasette":
                text = export.datasette(arguments.store)
                return _print(text, arguments.output)
            if arguments.output is None:
                written = export.write(store, arguments.table, arguments.format, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with output.replacing(arguments.output) as out:
                    written = export.write(store, arguments.table, arguments.format, out)
            damage = store.damage
    except ImportError:
        print(
            "patchlint: Parquet needs pyarrow (pip install 'patchlint[parquet]')", file=sys.stderr
        )
        return 2
    except StoreError as error:
        print(f"patchlint: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if arguments.output is None or error.errno is None:
            raise
        print(f"patchlint: {arguments.output}: {error.strerror}", file=sys.stderr)
        return 2
    return _told(arguments, *written, damage)


def _told(arguments: argparse.Namespace, rows: int, whole: bool, damage: str) -> int:
    """Say what an export lacks of a damaged store; 0 when that is nothing."""
    if whole and not damage:
        return 0
    why = f"is damaged ({damage})" if damage else "is damaged"
    left = "others could not be read" if not whole else "others may be missing or changed"
    print(
        f"patchlint: {arguments.store}: {why}: {count(rows, 'row')} of {arguments.table} written,"
        f" {left}",
        file=sys.stderr,
    )
    return 2


def _print(text: str, to: str | None) -> int:
    if to is not None:
        return 0 if output.write(text, to) else 2
    sys.stdout.write(text)
    return 0
