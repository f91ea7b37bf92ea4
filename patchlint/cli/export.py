"""``patchlint export``: a store as JSON Lines, CSV or Parquet."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from patchlint.cli import output

EPILOG: Final = """\
examples:
  patchlint export block.db > findings.jsonl
  patchlint export block.db --table outcomes --format csv --output outcomes.csv
  patchlint export block.db --format parquet --output findings.parquet
  patchlint export block.db --format datasette > metadata.json
  datasette block.db --metadata metadata.json

exit status: 0 written, 2 the store could not be read or the file not written"""


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
        with Store(arguments.store, write=False) as store:
            if arguments.format == "datasette":
                text = export.datasette(arguments.store)
                return _print(text, arguments.output)
            if arguments.output is None:
                export.write(store, arguments.table, arguments.format, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with output.replacing(arguments.output) as out:
                    export.write(store, arguments.table, arguments.format, out)
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
    return 0


def _print(text: str, to: str | None) -> int:
    if to is not None:
        return 0 if output.write(text, to) else 2
    sys.stdout.write(text)
    return 0
