"""Seeds for the fuzzers, made of the fixtures and of the shapes that grow.

``python tests/fuzz/seeds.py FOLDER`` writes a folder for each target.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "growth"))

import shapes  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

#: small: a fuzzer makes seeds long by itself
_LONG = 60
_FIXTURES = 60


def _fixtures() -> list[Path]:
    found = sorted((ROOT / "fixtures" / "rules").rglob("*.c"))
    return found[:: max(1, len(found) // _FIXTURES)]


def mails() -> Iterator[bytes]:
    for make in shapes.SERIES.values():
        yield make(2).encode()
    for run in shapes.RUNS.values():
        yield shapes.run_in_code(run)(_LONG).encode()
    for place in shapes.PLACES.values():
        yield place("=?utf-8?q?a=20?= ", _LONG).encode()
    yield _multipart()


def _multipart() -> bytes:
    diff = shapes.file("fs/x.c", shapes.moved(0))
    return (
        "From: =?iso-8859-1?Q?Ad=E9?= <a@example.org>\nSubject: Re: [RFC PATCH v2 1/2] x\n"
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n'
        "--b\nContent-Type: text/plain; format=flowed\nContent-Transfer-Encoding: quoted-printable"
        f"\n\nhello =3D\n--b\nContent-Type: text/x-patch; name=x.patch\n\n{diff}\n--b--\n"
    ).encode()


def code() -> Iterator[bytes]:
    for path in _fixtures():
        yield path.read_bytes()
    for run in shapes.RUNS.values():
        yield f"int f(struct a *x)\n{{\n\t{run * 8}\n\tmntput(x->m);\n}}\n".encode()


def tables() -> Iterator[bytes]:
    for path in sorted((ROOT / "rules").rglob("*.toml")):
        yield path.read_bytes()[:4000]


def settings() -> Iterator[bytes]:
    yield b'fail-on = "error"\njobs = 2\nrule = ["a", "b"]\naccept = ["abcdef0123456789 why"]\n'
    yield b'[tool.patchlint]\ntree = "~/linux"\nrules = "x"\ntime-limit = 3\n'


def stores() -> Iterator[bytes]:
    """A small store of a scan."""
    import tempfile

    from patchlint.cli.main import main

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "x.mbox").write_text(shapes.SERIES["patches"](2), encoding="utf-8")
        store = folder / "x.db"
        main(["scan", "--quiet", "--jobs", "1", "--store", str(store), str(folder / "x.mbox")])
        yield store.read_bytes()


SEEDS = {
    "mail": mails,
    "diff": mails,
    "images": mails,
    "macros": code,
    "facts": code,
    "lean": code,
    "pipeline": mails,
    "rules": tables,
    "config": settings,
    "store": stores,
}


def write(folder: Path) -> int:
    """Write the seeds of all targets; how many there are."""
    number = 0
    for target, make in SEEDS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number_here, data in enumerate(make()):
            (folder / target / f"seed-{number_here:03}").write_bytes(data)
            number += 1
    return number


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
