"""Traces of running kernels: recorded ones are replayed, unless a boot is asked for.

``PATCHLINT_BOOT=1`` downloads Debian's images (apt), boots them in QEMU and judges what
they do now; ``PATCHLINT_KERNELS=DIR`` takes the folder that ``harness.py fetch`` filled.
"""

from __future__ import annotations

import os
from pathlib import Path

import harness
import pytest


@pytest.fixture(scope="session")
def kernels(tmp_path_factory):
    """Folders of unpacked kernels to boot, none to replay."""
    if not os.environ.get("PATCHLINT_BOOT"):
        return ()
    given = os.environ.get("PATCHLINT_KERNELS")
    place = Path(given) if given else tmp_path_factory.mktemp("kernels")
    if given is None:
        harness.fetch(place)
    return tuple(sorted(place.iterdir()))


@pytest.fixture(scope="session")
def traces(kernels, tmp_path_factory):
    """A trace of each kernel."""
    if not kernels:
        return sorted(harness.RECORDED.glob("*.trace.gz"))
    place = tmp_path_factory.mktemp("traces")
    for root in kernels:
        harness.record(root, place / f"{root.name}.trace.gz")
    return sorted(place.iterdir())


@pytest.fixture(scope="session")
def judged(traces):
    """Version -> (rows, observations by row)."""
    return {harness.read(path)[0]: harness.judged(path) for path in traces}
