"""What all tests of ``patchlint confirm`` share."""

from __future__ import annotations

import subprocess
from importlib.resources import files

import pytest
from confirm_kit import AWKS


@pytest.fixture(params=AWKS, ids=" ".join)
def awk(request, tmp_path):
    """Run a program of the package over texts with one of the awks that are here."""

    def run(program, *texts, status=0, names=None):
        given = [
            part for name, value in (names or {}).items() for part in ("-v", f"{name}={value}")
        ]
        paths = []
        for number, text in enumerate(texts):
            (tmp_path / str(number)).write_text(text)
            paths.append(str(tmp_path / str(number)))
        source = files("patchlint.confirm").joinpath(program).read_text()
        done = subprocess.run(
            [*request.param, *given, source, *paths], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (status, "")
        return done.stdout

    return run
