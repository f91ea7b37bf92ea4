"""Writes the goldens anew: ``python tests/report/regenerate.py``, then read the diff."""

from __future__ import annotations

from report_variants import FOLDER, GOLDENS, golden


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for stale in FOLDER.iterdir():
        if stale.is_file() and stale.name not in GOLDENS:
            stale.unlink()
    for name in GOLDENS:
        (FOLDER / name).write_bytes(golden(name).encode())


if __name__ == "__main__":
    main()
