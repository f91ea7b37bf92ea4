"""Tiny kernels for a guest, built from a git tree: without and with a series.

Sources and objects stay in the user's cache folder, so that the second build and the next
run take seconds.  The tree itself is only read, with ``git archive``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from patchlint.confirm.guest import GuestError
from patchlint.outside import programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROGRAMS: Final = ("make", "gcc", "flex", "bison", "bc", "git", "tar", "patch")
_LAST: Final = 5


class Place(Struct, frozen=True):
    """Where a tree is built: ``source`` and ``objects`` below ``folder``."""

    folder: Path

    @property
    def source(self) -> Path:
        """The unpacked source."""
        return self.folder / "source"

    @property
    def objects(self) -> Path:
        """What ``make O=`` writes to."""
        return self.folder / "objects"

    @property
    def log(self) -> Path:
        """What the programs said."""
        return self.folder / "log"


def prepare(tree: Path, config: Sequence[str]) -> Place:
    """Unpack ``HEAD`` of ``tree`` and configure it; raises GuestError."""
    missing = [one for one in _PROGRAMS if shutil.which(one) is None]
    if missing:
        raise GuestError(f"to build a kernel these programs are missing: {', '.join(missing)}")
    commit = _commit(tree)
    mark = hashlib.sha256("\n".join(config).encode()).hexdigest()[:8]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = Place(cache / "patchlint" / "kernels" / f"{commit[:12]}-{mark}")
    done = place.folder / "unpacked"
    if not done.exists():
        shutil.rmtree(place.source, ignore_errors=True)
        place.source.mkdir(parents=True)
        _say(f"unpacking {tree} at {commit[:12]} into {place.source}")
        _unpack(tree, commit, place)
        done.touch()
    _configure(place, config)
    return place


def _unpack(tree: Path, commit: str, place: Place) -> None:
    archive = programs.stream_git(str(tree), "archive", "--format=tar", commit)
    unpack = ["tar", "-x", "-f", "-", "-C", str(place.source)]
    with archive, programs.stream(unpack, stdin=archive.stdout) as tar:
        tar.communicate()
    if archive.returncode or tar.returncode:
        raise GuestError(f"{tree}: git archive {commit} failed")


def _commit(tree: Path) -> str:
    try:
        status, name, errors = programs.read_git(str(tree), "rev-parse", "HEAD^{commit}")
    except programs.ProgramError as error:
        raise GuestError(str(error)) from None
    if status:
        raise GuestError(f"{tree}: no git repository of the kernel: {programs.said(errors)}")
    return name.decode("ascii", "replace").strip()


def _configure(place: Place, config: Sequence[str]) -> None:
    """Make a tiny configuration with ``config`` in it; what does not hold is said."""
    place.objects.mkdir(exist_ok=True)
    wanted = place.objects / "wanted"
    text = "".join(f"CONFIG_{one}=y\n" for one in dict.fromkeys(config))
    if wanted.exists() and wanted.read_text() == text:
        return
    _make(place, "tinyconfig")
    with (place.objects / ".config").open("a") as written:
        written.write(text)
    _make(place, "olddefconfig")
    holds = (place.objects / ".config").read_text()
    lost = [one for one in config if f"CONFIG_{one}=y\n" not in holds]
    if lost:
        _say(f"this tree has no such options, or they need others: {', '.join(lost)}")
    wanted.write_text(text)


def image(place: Place, name: str) -> Path:
    """Build, and return a copy of the image under ``name``; raises GuestError."""
    _say(f"building {name} (log in {place.log})")
    _make(place, f"-j{os.cpu_count() or 1}", "bzImage")
    copy = place.folder / f"bzImage-{name}"
    shutil.copyfile(place.objects / "arch/x86/boot/bzImage", copy)
    return copy


@contextlib.contextmanager
def patched(place: Place, patches: Sequence[str]) -> Iterator[None]:
    """Hold the source with the patches applied, and take them off again.

    Raises GuestError for a patch that does not apply; the source is then as it was.
    """
    applied: list[str] = []
    try:
        for number, patch in enumerate(patches, 1):
            if not _patch(place, patch, "--dry-run"):
                raise GuestError(f"patch {number} of {len(patches)} does not apply to this tree")
            _patch(place, patch)
            applied.append(patch)
        yield
    finally:
        for patch in reversed(applied):
            _patch(place, patch, "-R")


def _patch(place: Place, patch: str, *options: str) -> bool:
    command = ["patch", "-p1", "--batch", "--forward", "--no-backup-if-mismatch", *options]
    if "-R" in options:
        command.remove("--forward")
    status, _, _ = programs.finished(
        command, cwd=str(place.source), stdin=patch.encode("utf-8", "surrogateescape")
    )
    return status == 0


def patches(inputs: Sequence[str]) -> list[str]:
    """Return the diffs of the series in ``inputs``, in order; raises GuestError without any."""
    from patchlint.run import Options, read_series

    series, _errors = read_series(inputs, Options(no_tree=True))
    diffs = [patch.diff for one in series for patch in one.patches]
    if not diffs:
        raise GuestError("there is no series to build with: give it with --series")
    if len(series) > 1:
        raise GuestError(f"{len(series)} series were given: build with one at a time")
    return diffs


def _make(place: Place, *targets: str) -> None:
    command = ["make", "-C", str(place.source), f"O={place.objects}", *targets]
    nice = ["nice", *command] if shutil.which("nice") else command
    with (
        place.log.open("ab", buffering=0) as log,
        programs.stream(nice, errors=programs.SAME) as running,
    ):
        for line in running.stdout or ():
            log.write(line)
    if running.returncode:
        last = place.log.read_text("utf-8", "replace").strip().splitlines()[-_LAST:]
        raise GuestError(f"make {targets[-1]} failed; see {place.log}: {' / '.join(last)}")


def _say(text: str) -> None:
    print(f"patchlint: {text}", file=sys.stderr)
